# Calls that both ends record, several at once.
# SPDX-License-Identifier: LGPL-2.1-or-later

import collections
import concurrent.futures
import re
import time

import netcall

PICTURES, SOUNDS = 15, 50       # a second
SEND = (f'videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate={PICTURES}/1 ! c.video_sink'
        ' audiotestsrc is-live=true ! c.audio_sink')

# What the decryptor does not take
DECRYPTION = ',daoe2eedec:6'
TAKES_OVER = re.compile(r'leg \d+ takes over')


def count(process, pattern):
    return sum(1 for _, line in process.lines if pattern.search(line))


class Findings:
    """What a call that runs beside others has to report."""

    def __init__(self, name):
        self.name, self.checks, self.notes = name, [], []

    def check(self, ok, text):
        self.checks.append((ok, f'{self.name}: {text}'))

    def tell(self, report):
        for ok, text in self.checks:
            report.check(ok, text)
        if not all(ok for ok, _ in self.checks):
            for text in self.notes:
                report.show(text, 300)


def all_at_once(report, tries):
    with concurrent.futures.ThreadPoolExecutor(len(tries)) as pool:
        for attempt in [pool.submit(*how) for how in tries]:
            attempt.result().tell(report)


class TwoWayCall:
    """alice calls bob; both record what the other sends. options: of each one's daocallsrc."""

    def __init__(self, calls, alice='', bob=''):
        self.calls = calls
        self.files = [f'{calls.bed.files}/{name}.mkv' for name in ('alice', 'bob')]
        pipelines = [f'{options} {SEND} c.video_src ! queue ! mux. c.audio_src ! queue '
                     f'! matroskamux name=mux ! filesink location={path}'
                     for options, path in zip((alice, bob), self.files)]
        self.bob = calls.answer(pipelines[1], DECRYPTION)
        self.alice = calls.place(pipelines[0], DECRYPTION)
        self.connected = max(p.wait_for(netcall.CONNECTED, netcall.CONNECT_S)[0] for p in self.both())

    def both(self):
        return self.alice, self.bob

    def wait_until(self, seconds):
        """Since both were connected."""
        time.sleep(max(0, self.connected + seconds - time.monotonic()))

    def hang_up(self, findings):
        self.alice.interrupt()
        for process in self.both():
            findings.check(process.wait(20) == 0, f'{process.name} ended well')
        reason = self.bob.find(netcall.ENDED)
        findings.check(reason and reason[1].group(1) == 'remote-hangup',
                       f'bob heard the hangup: {reason and reason[1].group(1)}')

    def check_files(self, findings, seconds, longest=1):
        """One file a side, with all that was sent but for a moment at each change, or one gap of up to `longest` seconds."""
        for process, path in zip(self.both(), self.files):
            for pad, rate in (('video_0', PICTURES), ('audio_0', SOUNDS)):
                times = self.calls.frame_times(path, pad)
                gap, at = max(((b - a, a) for a, b in zip(times, times[1:])), default=(seconds, 0))
                share = len(times) / ((seconds - (longest if longest > 1 else 0)) * rate)
                findings.check(share >= 0.95 and gap <= longest,
                               f'{process.name} has {len(times)} frames of {pad}, {share:.1%} of what was to come; '
                               f'the widest gap is {gap:.2f} s, at {at:.1f} s, of {longest:.2f} s at most')
            drops = collections.Counter(m.group(1) for _, line in process.lines if (m := netcall.DROPPED.search(line)))
            findings.check(not drops, f'{process.name} dropped no frame in decryption: {dict(drops)}')

    def history(self):
        """What both went through, a text each."""
        wanted = re.compile(r'daosession.*(call .*: |online|offline|leg|renegotiate)|daoleg|WARN')
        return [process.name + '\n' + '\n'.join(
            f'{when - self.connected:6.2f} s  {netcall.LOG_PREFIX.sub("", line)}'
            for when, line in process.lines if wanted.search(line)) for process in self.both()]
