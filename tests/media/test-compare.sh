#!/bin/bash
# The comparer must pass on what was sent and on the same encoded again, and fail on everything else.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-compare.sh BUILD-DIR-OF-TESTS-MEDIA   (prints TAP)
set -eu
bin=$1
here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

count=0
failed=0
result () {                     # result NAME STATUS: 0 = ok
  count=$((count + 1))
  if [ "$2" = 0 ]; then echo "ok $count - $1"; else
    echo "not ok $count - $1"
    sed 's/^/# /' out
    failed=1
  fi
}

accepts () {                    # accepts NAME ARGUMENTS: the comparer says yes
  local name=$1 status=0
  shift
  "$bin/compare-media" "$@" > out 2>&1 || status=1
  result "$name" "$status"
}

refuses () {                    # refuses NAME CHECK ARGUMENTS: exit 1, and CHECK is what fails
  local name=$1 check=$2 status=0
  shift 2
  "$bin/compare-media" "$@" > out 2>&1 || status=$?
  if [ "$status" = 1 ] && grep -q "^FAIL.*$check" out; then result "$name" 0; else result "$name" 1; fi
}

make () { "$bin/make-media" --speech speech.wav --seconds 6 "$@"; }
# GStreamer's own elements only: gst-launch-1.0 cannot load plugins that were built with a sanitizer.
launch () {
  env -u GST_PLUGIN_PATH -u GST_PLUGIN_PATH_1_0 -u GST_REGISTRY -u GST_REGISTRY_1_0 GST_REGISTRY_1_0="$dir/registry" \
    timeout 60 gst-launch-1.0 -q "$@" > launch.log 2>&1 || { cat launch.log >&2; exit 1; }
}

"$here/speech.sh" 6 speech.wav
make sent.mkv
make --black black.mkv
make --marker-only marker.mkv
make --silent silent.mkv
make --sequence 8 other.mkv
"$bin/make-media" --speech speech.wav --seconds 4 short.mkv
"$here/speech.sh" 60 long.wav
head -c 44 long.wav > shifted.wav
tail -c 600000 long.wav >> shifted.wav
"$bin/make-media" --speech shifted.wav --seconds 6 other-speech.mkv

# The same picture and sound, encoded again at less than half the rate.
launch filesrc location=sent.mkv ! matroskademux name=d matroskamux name=m ! filesink location=again.mkv \
  d.video_0 ! queue ! vp8dec ! vp8enc deadline=1 cpu-used=8 target-bitrate=300000 end-usage=cbr ! queue ! m. \
  d.audio_0 ! queue ! opusdec ! opusenc bitrate=24000 ! queue ! m.
# Another codec.
launch filesrc location=sent.mkv ! matroskademux name=d matroskamux name=m ! filesink location=flac.mkv \
  d.video_0 ! queue ! m.video_0  d.audio_0 ! queue ! opusdec ! flacenc ! queue ! m.
# A picture alone.
launch filesrc location=sent.mkv ! matroskademux name=d matroskamux name=m ! filesink location=deaf.mkv \
  d.video_0 ! queue ! m.video_0
# Less than a file.
head -c $(($(stat -c %s sent.mkv) / 2)) sent.mkv > truncated.mkv
head -c 1000 sent.mkv > head.mkv
: > empty.mkv
# What a recorder leaves that never got its EOS: no length in the header.
launch filesrc location=sent.mkv ! matroskademux name=d matroskamux streamable=true name=m \
  ! filesink location=unfinished.mkv  d.video_0 ! queue ! m.video_0  d.audio_0 ! queue ! m.audio_0

accepts "the file itself" --same-frames sent.mkv sent.mkv
accepts "the same, encoded again" sent.mkv again.mkv
refuses "the same, encoded again, where frames must be the same" "not transcoded" --same-frames sent.mkv again.mkv
refuses "a black picture" "markers" sent.mkv black.mkv
refuses "the right marker in a black picture" "same picture" sent.mkv marker.mkv
refuses "silence" "sound:" sent.mkv silent.mkv
refuses "another picture" "sequence" sent.mkv other.mkv
refuses "other speech" "same sound" sent.mkv other-speech.mkv
refuses "two seconds less" "video length" sent.mkv short.mkv
refuses "a file cut in the middle" "" sent.mkv truncated.mkv
refuses "only the head of a file" "" sent.mkv head.mkv
refuses "an empty file" "" sent.mkv empty.mkv
refuses "no file" "" sent.mkv missing.mkv
refuses "another codec" "audio/x-flac" sent.mkv flac.mkv
refuses "no sound" "both are needed" sent.mkv deaf.mkv
refuses "a file that was not finished" "finished" sent.mkv unfinished.mkv
echo "1..$count"
exit $failed
