#!/bin/sh
# Speech of at least SECONDS seconds, counting so that no part sounds like another.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   speech.sh SECONDS OUTPUT.wav
set -eu
seconds=$1
output=$2
text="This call is encrypted from end to end."
number=1
while [ "$number" -le "$seconds" ]; do
  text="$text Second number $number."
  number=$((number + 1))
done
espeak-ng -v en -s 150 -w "$output" "$text"
