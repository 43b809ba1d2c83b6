#!/bin/bash
# Every file and every test that README.md and docs/ name exists.
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

# What looks like a path of this repository; `build/` is made.
paths () { quoted "$@" | grep -E '^(subprojects|gst|ext|tools|tests|docs)/|\.(md|sh)$' | sed 's|^\./||'; }

# The cases of all programs on GLib's test framework, and of those on libcheck by the functions' names.
cases () {
  find "$build" -type f -executable \( -name 'test-*' -o -name 'check-*' \) ! -name '*.sh' -print0 \
    | while IFS= read -r -d '' program; do
      if grep -qa g_test_run "$program"; then (timeout 20 "$program" -l); fi
    done 2>/dev/null
  grep -oh 'START_TEST (test_[a-z0-9_]*' tests/check/*.c | sed 's/.*(//'
}

documents=(README.md docs/*.md)
result "files that the documents name" "$(paths "${documents[@]}" | while read -r path; do
  [ -e "$path" ] || echo "$path"
done)"
known=$(cases)
named=$(quoted docs/security.md | grep -E '^/[a-z]|^test_')
result "tests that docs/security.md names" "$(grep -vxF "$known" <<< "$named")"
few=""
[ "$(wc -l <<< "$named")" -gt 30 ] || few="list of tests in it"
result "docs/security.md names tests" "$few"
echo "1..$count"
exit $failed
