#!/usr/bin/env python3
# Calls through NATs and firewalls, with STUN and TURN of a real coturn.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-nat.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import concurrent.futures
import re
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


SIGNALED = re.compile('SIGNAL-TAP ')


def heard(process, host):
    """How often descriptions and candidates that a peer received name an address of a host."""
    address = re.compile(rf'\b({re.escape(host.address)}|{re.escape(host.public)})\b')
    signals = [line for _, line in process.lines if SIGNALED.search(line)]
    if len(signals) < 2:
        raise Failure(f'{process.name}: the tap shows {len(signals)} signals')
    return sum(len(address.findall(line)) for line in signals)


def relayed_call(build, relay_of_alice, relay_of_bob, nat=FULL):
    """(straight packets, through TURN, alice's addresses at bob, bob's at alice)"""
    with Calls(build, alice={'nat': nat}, bob={'nat': FULL}, turn='coturn') as calls:
        calls.count_paths()
        tap = {'LD_PRELOAD': build.signal_tap}
        bob = calls.answer(f'always-relay={relay_of_bob}', **tap)
        alice = calls.call(f'always-relay={relay_of_alice}', **tap)
        time_to_connect(alice)
        time.sleep(3)           # of media
        return (calls.bed.counted('straight'), calls.bed.counted('through_turn'),
                heard(bob, calls.alice), heard(alice, calls.bob))


def always_relay(build, report):
    """Who asks for it shows the peer no address, and no packet goes straight between the two."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        nobody, alice, both, tcp = (
            pool.submit(relayed_call, build, *how) for how in (
                ('false', 'false'), ('true', 'false'), ('true', 'true'), ('true', 'true', BLOCKED)))
    straight, through, at_bob, at_alice = nobody.result()
    report.check(straight > 100 and at_bob > 0 and at_alice > 0,
                 f'without: {straight} packets straight, {through} through TURN, addresses of alice '
                 f'heard {at_bob} times, of bob {at_alice} times')
    straight, through, at_bob, at_alice = alice.result()
    report.check(straight == 0 and through > 100 and at_bob == 0,
                 f'alice alone: {straight} straight, {through} through TURN, addresses of alice '
                 f'heard {at_bob} times, of bob {at_alice} times')
    for name, call in (('both', both), ('both, alice by TCP', tcp)):
        straight, through, at_bob, at_alice = call.result()
        report.check(straight == 0 and through > 100 and at_bob == 0 and at_alice == 0,
                     f'{name}: {straight} straight, {through} through TURN, addresses of alice '
                     f'heard {at_bob} times, of bob {at_alice} times')


if __name__ == '__main__':
    netcall.main({
        'stun': matrix(STUN, PAIRS),
        'turn': matrix(TURN, PAIRS),
        'always-relay': always_relay,
    })
