#!/usr/bin/env python3
# Calls through NATs and firewalls, with STUN and TURN of a real coturn.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-nat.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import concurrent.futures
import time

import netcall
from netbed import Failure
from netcall import Calls, time_to_connect

# A pair without a path: libnice gives up its checks after 7 s (webrtcbin.md 5).
NO_PATH_S = 12
# Two cores; most of a call's time is waiting.
PARALLEL = 4

FULL, RESTRICTED, SYMMETRIC, BLOCKED = 'full-cone', 'port-restricted', 'symmetric', 'udp-blocked'

# Which pairs have a direct path (RFC 5128, 3.3): whose mapping differs for each peer cannot be reached
# by one who lets in only whom he wrote to.
PAIRS = {
    (FULL, FULL): True,
    (FULL, RESTRICTED): True,
    (FULL, SYMMETRIC): True,
    (RESTRICTED, RESTRICTED): True,
    (RESTRICTED, SYMMETRIC): False,
    (SYMMETRIC, SYMMETRIC): False,
    (RESTRICTED, BLOCKED): False,
    (BLOCKED, BLOCKED): False,
}


def try_pair(build, alice_nat, bob_nat, servers):
    """How alice and bob connect: (direct | relay | none, seconds)."""
    with Calls(build, alice={'nat': alice_nat}, bob={'nat': bob_nat}, **servers) as calls:
        calls.count_paths()
        calls.answer()
        alice = calls.call()
        try:
            seconds = time_to_connect(alice, NO_PATH_S)
        except Failure:
            return 'none', NO_PATH_S
        time.sleep(1)           # some media
        straight, through = calls.bed.counted('straight'), calls.bed.counted('through_turn')
        return ('direct' if straight > through else 'relay'), seconds


STUN, TURN = {'stun': True}, {'turn': 'coturn'}


def matrix(servers, pairs):
    def scenario(build, report):
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            tries = {pair: pool.submit(try_pair, build, *pair, servers) for pair in pairs}
        report.say(f'{"alice":16} {"bob":16} {"":10} seconds')
        for pair, attempt in tries.items():
            how, seconds = attempt.result()
            if servers is STUN:
                expected = ['direct' if PAIRS[pair] else 'none']
            else:
                # The first check of a direct path may be lost at a NAT that is not open yet; then
                # libnice may be content with the relay it has by then.
                expected = ['direct', 'relay'] if PAIRS[pair] else ['relay']
            report.check(how in expected, f'{pair[0]:16} {pair[1]:16} {how:10} {seconds:5.2f}')
    return scenario


if __name__ == '__main__':
    netcall.main({
        'stun': matrix(STUN, PAIRS),
        'turn': matrix(TURN, PAIRS),
    })
