#!/bin/bash
# Every file and every test that README.md and docs/ name exists, and docs/elements.md describes every property and signal.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-docs.sh SOURCE-DIRECTORY BUILD-DIRECTORY   (prints TAP)
set -u
source_dir=$(readlink -f "$1")
build=$(readlink -f "$2")
cd "$source_dir" || exit 1

count=0
failed=0
result () {                     # result NAME MISSING: ok if nothing is missing
  count=$((count + 1))
  if [ -z "$2" ]; then echo "ok $count - $1"; else
    echo "not ok $count - $1"
    printf '%s\n' "$2" | sed 's/^/# there is no /'
    failed=1
  fi
}

# shellcheck disable=SC2016 # backticks of Markdown
quoted () { grep -oh '`[^` ]*`' "$@" | tr -d '`' | sort -u; }

# What looks like a path of this repository. NAME and the like stand for something else.
paths () { quoted "$@" | grep -E '^(subprojects|gst|ext|tools|tests|docs)/|\.(md|sh)$' | grep -vE '(^|[/-])(NAME|WHAT)'; }

# The cases of all programs on GLib's test framework, and of those on libcheck by the functions' names.
cases () {
  find "$build" -type f -executable \( -name 'test-*' -o -name 'check-*' \) ! -name '*.sh' -print0 \
    | while IFS= read -r -d '' program; do
      if grep -qa g_test_run "$program"; then (timeout 20 "$program" -l); fi
    done 2>/dev/null
  grep -oh 'START_TEST (test_[a-z0-9_]*' tests/check/*.c | sed 's/.*(//'
}

# Properties and signals of our own elements, without those of every element and bin.
members () {
  local element
  for element in daocallsrc daosignaling daoe2eeenc daoe2eedec rtpdaopay rtpdaodepay; do
    gst-inspect-1.0 "$element" 2>/dev/null | awk '
      /^Element Properties/ { properties = 1; next } /^Element (Signals|Actions)/ { properties = 0; signals = 1; next }
      properties && /^  [a-z0-9-]+ +: / { print $1 }
      signals && /^  "[a-z-]+" / { gsub(/"/, "", $1); print $1 }'
  done | sort -u | grep -vxE "$inherited"
}
inherited='name|parent|async-handling|message-forward|element-added|element-removed|deep-element-(added|removed)|'
inherited+='do-latency|pad-(added|removed)|no-more-pads|child-(added|removed)|max-reorder|source-info|auto-header-extension|'
inherited+='mtu|pt|ssrc|timestamp-offset|seqnum(-offset)?|timestamp|max-ptime|min-ptime|ptime-multiple|perfect-rtptime|'
inherited+='onvif-no-rate-control|scale-rtptime|stats|(add|clear|request)-extensions?|(add|clear|request)-extension-?.*'

documents=(README.md docs/*.md)
result "files that the documents name" "$(paths "${documents[@]}" | while read -r path; do
  [ -e "$path" ] || echo "$path"
done)"
known=$(cases)
named=$(quoted docs/security.md | grep -E '^/[a-z]|^test_')
# A group of cases may be named, too.
groups=$(sed -n 's|\(/.*\)/[^/]*$|\1|p' <<< "$known" | sort -u)
result "tests that docs/security.md names" "$(grep -vxF -e "$known" -e "$groups" <<< "$named")"
export GST_PLUGIN_PATH=$build/gst/daortp:$build/ext/dao GST_REGISTRY=$build/registry.bin
unset GST_PLUGIN_PATH_1_0 GST_REGISTRY_1_0
described=$(grep -oE '`[a-z0-9-]+[ (`]' docs/elements.md | tr -d '\140( ')
own=$(members)
result "properties and signals are described in docs/elements.md" "$(grep -vxF "$described" <<< "$own")"
few=""
[ "$(wc -l <<< "$own")" -gt 30 ] || few="list of properties and signals"
result "the elements have properties and signals" "$few"
few=""
[ "$(wc -l <<< "$named")" -gt 30 ] || few="list of tests in it"
result "docs/security.md names tests" "$few"
echo "1..$count"
exit $failed
