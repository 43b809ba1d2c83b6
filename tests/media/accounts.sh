# A relay on loopback and two accounts that may call each other, for scripts that place real calls.
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# To be sourced, with $build (the build directory) and $dir (a private directory) set. Processes that are
# started go to $children; end them with end_children.

children=()

# GStreamer sees our plugins, and keeps what it knows of them away from the user's registry.
export GST_PLUGIN_PATH_1_0=$build/gst/daortp:$build/ext/dao
export GST_REGISTRY_1_0=$build/registry.bin
unset GST_PLUGIN_PATH GST_REGISTRY DAO_IDENTITY

end_children () {
  local child
  for child in "${children[@]}"; do kill "$child" 2>/dev/null; done
  for child in "${children[@]}"; do wait "$child" 2>/dev/null; done
  children=()
}

wait_for_line () {              # wait_for_line TEXT FILE PID: up to 20 s, while the process runs
  local i
  for ((i = 0; i < 200; i++)); do
    grep -qF -- "$1" "$2" 2>/dev/null && return 0
    kill -0 "$3" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

wait_for_exit () {              # wait_for_exit PID: its exit status; 124 if it still runs after 20 s
  local i
  for ((i = 0; i < 200; i++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -0 "$1" 2>/dev/null && return 124
  wait "$1"
}

start_relay () {                # sets $relay, its URL
  "$build/subprojects/dao-relay/dao-relay" --listen 127.0.0.1:0 --db "$dir/relay.db" \
    > "$dir/relay.log" 2>&1 &
  children+=($!)
  wait_for_line "listening on " "$dir/relay.log" $! || { cat "$dir/relay.log" >&2; return 1; }
  relay=$(sed -n 's/^listening on //p' "$dir/relay.log")
}

identity () {                   # identity NAME COMMAND...: dao-identity with the identity of NAME
  "$build/tools/dao-identity" --identity "$dir/$1.json" "${@:2}"
}

alias_of () { identity "$1" show | sed -n 's/.*"alias":"\([a-z0-9_]*\)".*/\1/p'; }

make_account () {               # make_account NAME
  identity "$1" new --relay "$relay" --nickname "$1" && identity "$1" register
}

befriend () {                   # befriend NAME OTHER: NAME asks, OTHER accepts
  identity "$1" add "$(alias_of "$2")" && identity "$2" accept "$(alias_of "$1")" && identity "$1" list
}

start_answering () {            # start_answering NAME LOG PIPELINE...: returns when NAME can be called; $answering is its process
  gst-launch-1.0 -e -m "${@:3}" > "$dir/$2.log" 2>&1 &
  answering=$!
  children+=("$answering")
  wait_for_line "online=(boolean)true" "$dir/$2.log" $answering || { cat "$dir/$2.log" >&2; return 1; }
}
