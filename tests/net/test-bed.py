#!/usr/bin/env python3
# The test bed itself: what it says it does to packets, it does.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-bed.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import json
import os
import re
import subprocess
import sys
import time

import netbed
import netcall
from netbed import Bed, READY

ECHO = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'udp-echo.py')]
PORT = 5000
ANSWER = re.compile(r'^{.*}$')


class Echo:
    """Two hosts, and packets from alice to bob and back."""

    def __init__(self, build, **alice):
        self.bed = Bed(build.tun_link)
        self.alice = self.bed.host('alice', **alice)
        self.bob = self.bed.host('bob')
        self.bob.start('echo', [*ECHO, 'serve', PORT]).wait_for(READY, 10)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.bed.__exit__()

    def start(self, packets, per_second, size=200):
        return self.alice.start('alice', [*ECHO, 'ask', self.bob.address, PORT, packets, per_second, size])

    def ask(self, *how):
        return json.loads(self.start(*how).wait_for(ANSWER, 30)[1].group())


def link(build, report):
    """tun-link: delay, jitter, loss, reordering; cut and restored."""
    with Echo(build, link={'delay': 100, 'jitter': 20}) as echo:
        answers = echo.ask(400, 200)
        trips = answers['trips']
        report.check(len(trips) == 400 and answers['numbers'] == sorted(answers['numbers']),
                     f'delay and jitter lose nothing and keep the order: {len(trips)} of 400')
        report.check(160 <= min(trips) <= 210 and 215 <= max(trips) <= 260,
                     f'round trips of {min(trips):.0f} to {max(trips):.0f} ms')
    with Echo(build, link={'delay': 5, 'jitter': 5, 'loss': 5, 'reorder': 10}) as echo:
        answers = echo.ask(2000, 1000)
        numbers = answers['numbers']
        # There and back: 0.95 * 0.95; the standard deviation is 13 packets.
        report.check(1750 <= len(numbers) <= 1860, f'5 % loss each way: {len(numbers)} of 2000 come back')
        late = sum(a > b for a, b in zip(numbers, numbers[1:]))
        report.check(late >= 50, f'10 % reordering each way: {late} times a number is smaller than the one before')
    with Echo(build, link={'delay': 5}) as echo:
        asking = echo.start(600, 200)
        time.sleep(1)
        echo.alice.link.say('cut')
        time.sleep(1)
        echo.alice.link.say('restore')
        numbers = json.loads(asking.wait_for(ANSWER, 30)[1].group())['numbers']
        gap = max(b - a for a, b in zip(numbers, numbers[1:]))
        report.check(180 <= gap <= 240, f'cut for a second: {gap} of 200 packets a second are missing')


def rates(build, report):
    """tbf: no more than the rate passes."""
    with Echo(build) as echo:
        echo.alice.limit_rate('up0', 1000)
        kbit = echo.ask(600, 400, 1000)['kbit']
        report.check(800 <= kbit <= 1020, f'{kbit:.0f} kbit/s of 3200 pass a limit of 1000')


def filters(build, report):
    """UDP between two hosts can be blocked, a host taken away, and both undone."""
    with Echo(build) as echo:
        bed = echo.bed
        bed.count('from_alice', f'ip saddr {echo.alice.public} meta l4proto udp')
        report.check(len(echo.ask(10, 100)['trips']) == 10, 'packets pass')
        report.check(bed.counted('from_alice') == 10, 'and are counted')
        bed.block_udp(echo.alice, echo.bob)
        report.check(not echo.ask(10, 100)['trips'], 'UDP is blocked')
        bed.unblock_udp(echo.alice, echo.bob)
        report.check(len(echo.ask(10, 100)['trips']) == 10, 'and not any more')
        bed.take_away(echo.alice)
        report.check(not echo.ask(10, 100)['trips'], 'alice is gone')
        bed.bring_back(echo.alice)
        report.check(len(echo.ask(10, 100)['trips']) == 10, 'and back')


def killed(build, report):
    """A test that is killed leaves nothing: it had namespaces of its own."""
    command = [*netbed.UNSHARE, sys.executable, '-c', f'''
import sys, time
sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})
import netbed
netbed.enter()
bed = netbed.Bed({build.tun_link!r})
bed.host('alice', link={{'delay': 5}})
print('made', flush=True)
time.sleep(600)''']
    names = netbed.run('ip', 'netns', 'list')
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    made = child.stdout.readline().strip() == 'made'
    running = 'tun-link' in netbed.run('ps', '-eo', 'comm')
    child.kill()
    child.wait()
    deadline = time.monotonic() + 5
    while 'tun-link' in (left := netbed.run('ps', '-eo', 'comm')) and time.monotonic() < deadline:
        time.sleep(0.05)
    report.check(made and running, 'a test bed was there')
    report.check('tun-link' not in left and netbed.run('ip', 'netns', 'list') == names,
                 'nothing of it is left')


if __name__ == '__main__':
    netcall.main({'link': link, 'rates': rates, 'filters': filters, 'killed': killed})
