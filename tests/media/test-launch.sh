#!/bin/bash
# The commands of the README and of the call elements' documentation run as they stand there, and the tap of
# play-call sees clear media when there is some.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-launch.sh SOURCE-DIRECTORY BUILD-DIRECTORY   (prints TAP)
#
# For a build without sanitizers: gst-launch-1.0 is Debian's.
set -u
source_dir=$(readlink -f "$1")
build=$(readlink -f "$2")
dir=$(mktemp -d)
# shellcheck source=tests/media/accounts.sh
. "$source_dir/tests/media/accounts.sh"
trap 'end_children; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

count=0
failed=0
result () {                     # result NAME STATUS [FILE]: 0 = ok, else FILE is shown
  count=$((count + 1))
  if [ "$2" = 0 ]; then echo "ok $count - $1"; else
    echo "not ok $count - $1"
    [ $# -lt 3 ] || tail -n 40 "$3" | sed 's/^/# /'
    failed=1
  fi
}

block () {                      # block NAME: the README's commands of that name
  awk -v start="<!-- run: $1 -->" '$0 == start { on = 1; next } on && /^```$/ { exit } on && !/^```/' \
    "$source_dir/README.md"
}

free_port () { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# --- the README, block by block, in one shell as its reader has it ---

readme () {
  unset GST_PLUGIN_PATH_1_0 GST_REGISTRY_1_0
  export HOME=$dir VIDEOSINK=fakevideosink AUDIOSINK=fakeaudiosink GST_DEBUG_NO_COLOR=1
  export GST_DEBUG='*:2,daosession:4'
  cd "$source_dir" || exit 1
  for name in setup accounts verify answer place record; do
    [ -n "$(block $name)" ]
    result "the README has commands to run: $name" $?
  done

  # The port of the README may be taken here.
  local port
  port=$(free_port)
  eval "$(block setup)"
  eval "$(block accounts | sed "s/8417/$port/g")" > accounts.log 2>&1
  result "README: relay and accounts" $? accounts.log
  children+=($!)
  eval "$(block verify)" > verify.log 2>&1 && grep -q safety_code verify.log
  result "README: safety code" $? verify.log
  call_between "README, answer" "$(block answer)" "$(block place)"
  call_between "README, record" "$(block record)" "$(block place)"
  records "README, record"
  for element in callsrc signaling; do
    rm -f call.mkv
    call_between "documentation of dao$element" "$(documented $element auto-answer)" "$(documented $element peer=)"
    records "documentation of dao$element"
  done
}

documented () {                 # documented ELEMENT TEXT: the launch line with TEXT, its example names made ours
  awk -v text="$2" '/\|\[$/ { on = 1; line = ""; next }
    /\]\|$/ { if (on && index(line, text)) printf "%s", line; on = 0 }
    on { sub(/^ \* /, ""); line = line $0 "\n" }' "$source_dir/ext/dao/gstdao$1.c" \
    | sed "s/bot\.json/bob.json/; s/u10000002/$BOB/"
}

records () {                    # records NAME: call.mkv has picture and sound
  decodes video_0 'vp8dec ! videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=16,height=16' $((256 * 30))
  result "$1: the recorded picture decodes" $? decode.log
  decodes audio_0 'opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate=48000' $((48000 * 2))
  result "$1: the recorded sound decodes" $? decode.log
}

decodes () {                    # decodes PAD DECODER BYTES: at least so much of call.mkv comes out
  # shellcheck disable=SC2086 # a pipeline of several words
  timeout 60 gst-launch-1.0 -q filesrc location=call.mkv ! matroskademux name=d "d.$1" ! queue ! $2 \
    ! filesink location=decoded > decode.log 2>&1 && [ "$(stat -c %s decoded)" -ge "$3" ]
}

# As a job with its own process: Ctrl-C must reach gst-launch-1.0 itself.
start () {                      # start LOG COMMAND: sets $!
  (trap - INT; GST_DEBUG_FILE=$1.debug eval "exec $2") > "$1.log" 2>&1 &
}

call_between () {               # call_between NAME ANSWERING PLACING: two commands
  local answering placing status=0
  rm -f answer.debug place.debug
  set -m
  start answer "$2"
  answering=$!
  wait_for_line " online" answer.debug $answering
  result "$1: who answers comes online" $? answer.log
  start place "$3"
  placing=$!
  set +m
  children+=("$answering" "$placing")
  wait_for_line ": connected (" place.debug $placing
  result "$1: who places is connected" $? place.log
  sleep 3                       # of the call
  kill -INT $placing
  wait_for_exit $placing || status=$?
  result "$1: Ctrl-C ends who places with exit status 0" $status place.log
  status=0
  wait_for_exit $answering || status=$?
  result "$1: who answers ends by itself with exit status 0" $status answer.log
}

# --- the tap ---

make_tap_media () {
  "$source_dir/tests/media/speech.sh" 3 "$dir/speech.wav" \
    && "$build/tests/media/make-media" --speech "$dir/speech.wav" --seconds 3 "$dir/sent.mkv"
}

play () {                       # play PROPERTIES: from alice to bob
  "$build/tests/media/play-call" "daocallsrc name=c identity=$dir/alice.json peer=$(alias_of bob) $1
    filesrc location=$dir/sent.mkv ! matroskademux name=d
    d.video_0 ! queue ! clocksync ! c.video_sink  d.audio_0 ! queue ! clocksync ! c.audio_sink" \
    > "$dir/play.log" 2>&1
}

tap () {
  start_relay && { make_account alice && make_account bob && befriend alice bob; } > "$dir/accounts.log" 2>&1
  result "tap: relay and accounts" $? "$dir/accounts.log"
  make_tap_media
  result "tap: media" $?

  start_answering bob first daocallsrc name=c "identity=$dir/bob.json" auto-answer=true
  play e2ee=required
  result "tap: an encrypted call shows no clear media" $? "$dir/play.log"
  wait_for_exit "$answering"

  start_answering bob second daocallsrc name=c "identity=$dir/bob.json" auto-answer=true
  ! play e2ee=off && grep -q "^FAIL audio: [1-9][0-9]* RTP packets hold" "$dir/play.log" \
    && grep -q "^FAIL video: [1-9][0-9]* RTP packets hold" "$dir/play.log"
  result "tap: clear media of a call without frame encryption is seen" $? "$dir/play.log"
  wait_for_exit "$answering"
}

tap
readme
echo "1..$count"
exit $failed
