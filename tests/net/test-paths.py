#!/usr/bin/env python3
# Whole calls over networks that lose, delay and break.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-paths.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import collections
import re
import time

import netcall
from netcall import Calls, quantity

# protocol.md f: 8 s without a packet end a call; a packet may have come a second before that is seen.
DISCONNECTED_S = 8
TOLERANCE_S = 2
# Longer than the 8 s: only the restart, asked for after 5.5 s of silence, keeps the call.
OUTAGE_S = 10
# Longer than the 5.5 s and the 7 s after which ICE gives up the restart's checks; within its 15 s.
LONG_OUTAGE_S = 15


class Recorded:
    """A call of alice with bob, who records it: alice plays a file of so many seconds."""

    def __init__(self, calls, seconds, **how):
        self.calls = calls
        self.sent, self.file = f'{calls.bed.files}/sent.mkv', f'{calls.bed.files}/call.mkv'
        calls.build.make_media(seconds, self.sent)
        self.bob = calls.record(self.file, **how)
        self.alice = calls.play(self.sent)
        self.connected = max(p.wait_for(netcall.STEP_CONNECTED, netcall.CONNECT_S)[0]
                             for p in (self.alice, self.bob))

    def wait_until(self, seconds):
        """Since both were connected."""
        time.sleep(max(0, self.connected + seconds - time.monotonic()))

    def finish(self, report, seconds):
        report.check(self.alice.wait(seconds) == 0, 'alice played the file into the call and hung up')
        report.check(self.bob.wait(20) == 0, "bob's pipeline ended by itself")
        reason = self.bob.find(netcall.ENDED)
        report.check(reason and reason[1].group(1) == 'remote-hangup',
                     f'bob heard the hangup: {reason and reason[1].group(1)}')

    def history(self, process):
        """What the call went through: (seconds since connected, line)."""
        wanted = re.compile(r'daosession.*(call .*: |online|offline)|daoleg|call_renegotiate')
        return '\n'.join(f'{when - self.connected:6.2f} s  {netcall.LOG_PREFIX.sub("", line)}'
                         for when, line in process.lines if wanted.search(line))


def direct(build, report):
    """Two hosts with a router between them: what is recorded is what was sent."""
    with Calls(build) as calls:
        call = Recorded(calls, 6)
        call.finish(report, 60)
        same, text = calls.compare(call.sent, call.file)
        report.check(same, 'the recorded file is what was sent')
        report.show(text)


def lossy(percent, latency, min_video, min_audio):
    """100 ms +- 20 each way, and loss: the call connects, what is recorded is whole enough."""
    def scenario(build, report):
        with Calls(build, alice={'link': {'delay': 100, 'jitter': 20, 'loss': percent}}) as calls:
            call = Recorded(calls, 10, latency=latency, debug=',daoe2eedec:6')
            call.finish(report, 60)
            _, text = calls.compare(call.sent, call.file)
            video, expected = quantity(text, r'whole: (\d+) of the (\d+) frames')
            report.check(expected > 0 and video >= min_video * expected,
                         f'picture: {video:.0f} of {expected:.0f} frames')
            report.check('FAIL same picture' not in text and 'FAIL order' not in text,
                         'every recorded picture is one that was sent, in order')
            times = calls.frame_times(call.file, 'audio_0')
            expected = (times[-1] - times[0]) * 50 + 1
            report.check(len(times) >= min_audio * expected,
                         f'sound: {len(times)} of {expected:.0f} frames')
            drops = collections.Counter(m.group(1) for _, line in call.bob.lines
                                        if (m := netcall.DROPPED.search(line)))
            report.check(not drops, f'no frame was dropped by the decryptor: {dict(drops)}')
            report.show(call.history(call.bob))
    return scenario


def narrow(build, report):
    """2 Mbit/s from alice, 20 ms of jitter, and packets that overtake each other."""
    with Calls(build, alice={'link': {'delay': 30, 'jitter': 20, 'reorder': 5}}) as calls:
        calls.alice.limit_rate('up0', 2000)
        call = Recorded(calls, 8, latency=400, debug=',daoe2eedec:6')
        call.finish(report, 60)
        _, text = calls.compare(call.sent, call.file)
        video, expected = quantity(text, r'whole: (\d+) of the (\d+) frames')
        report.check(expected > 0 and video >= 0.95 * expected, f'picture: {video:.0f} of {expected:.0f} frames')
        report.check('FAIL same picture' not in text and 'FAIL order' not in text,
                     'every recorded picture is one that was sent, in order')
        drops = [line for _, line in call.bob.lines if netcall.DROPPED.search(line)]
        report.check(not drops, f'the decryptor drops nothing: {drops[:3]}')


def cut(outage):
    """UDP between the two is cut, signaling goes on: the call comes back, in the same file."""
    def scenario(build, report):
        with Calls(build) as calls:
            call = Recorded(calls, outage + 14)
            call.wait_until(3)
            calls.bed.block_udp(calls.alice, calls.bob)
            report.say('cut')
            call.wait_until(3 + outage)
            calls.bed.unblock_udp(calls.alice, calls.bob)
            report.say('restored')
            call.finish(report, 60)
            report.show('alice\n' + call.history(call.alice))
            report.show('bob\n' + call.history(call.bob))
            for pad in ('video_0', 'audio_0'):
                times = calls.frame_times(call.file, pad)
                gap, at = max((b - a, a) for a, b in zip(times, times[1:]))
                # Pictures of the outage may come by retransmission. Sound does not: its gap shows the cut.
                report.check(gap <= outage + 1 and (pad == 'video_0' or gap >= outage - 1),
                             f'{pad}: {len(times)} frames, a gap of {gap:.2f} s at {at:.2f} s')
                report.check(times[-1] > outage + 12, f'{pad}: goes on until {times[-1]:.2f} s')
            _, text = calls.compare(call.sent, call.file)
            pictures, _ = quantity(text, r'whole: (\d+) of the (\d+) frames')
            report.check(pictures > 150 and 'FAIL same picture' not in text and 'FAIL order' not in text,
                         f'{pictures:.0f} recorded pictures are decoded, each is one that was sent, in order')
    return scenario


def relay(build, report):
    """The relay is killed and comes back during a call: media is untouched, a hangup arrives."""
    with Calls(build) as calls:
        call = Recorded(calls, 12)
        call.wait_until(2)
        calls.relay_process.kill()
        report.say('relay killed')
        call.wait_until(4)
        before = {p: len(p.lines) for p in (call.alice, call.bob)}
        calls.start_relay()
        report.say('relay started')
        for process, start in before.items():
            process.wait_for(netcall.ONLINE, 20, start)
        report.say('both are online again')
        call.finish(report, 60)
        same, text = calls.compare(call.sent, call.file)
        report.check(same, 'the recorded file is what was sent')
        report.show(text)


def gone(build, report):
    """alice's network is gone for good: bob's call ends in time, his file is finished."""
    with Calls(build) as calls:
        call = Recorded(calls, 30)
        call.wait_until(3)
        calls.bed.take_away(calls.alice)
        start = time.monotonic()
        when, reason = call.bob.wait_for(netcall.ENDED, 30)
        report.check(when - start <= DISCONNECTED_S + TOLERANCE_S,
                     f'bob: {reason.group(1)} {when - start:.2f} s after the last packet')
        report.check(call.bob.wait(10) == 0, "bob's pipeline ended by itself")
        for pad in ('video_0', 'audio_0'):
            times = calls.frame_times(call.file, pad)
            report.check(times[-1] > 2.5, f'{pad}: recorded until {times[-1]:.2f} s')
        when, reason = call.alice.wait_for(netcall.HANGUP, 30)
        report.check(when - start <= DISCONNECTED_S + TOLERANCE_S,
                     f'alice: {reason.group(1)} after {when - start:.2f} s')
        report.show(call.history(call.bob))


if __name__ == '__main__':
    netcall.main({
        'direct': direct,
        # A packet that no retransmission repairs costs the pictures until the next key frame, half a second.
        'loss-2': lossy(2, 600, 0.9, 0.95),
        'loss-5': lossy(5, 600, 0.9, 0.9),
        'narrow': narrow,
        'cut': cut(OUTAGE_S),
        'long-cut': cut(LONG_OUTAGE_S),
        'relay': relay,
        'gone': gone,
    })
