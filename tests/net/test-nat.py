#!/usr/bin/env python3
# Calls through NATs and firewalls, with STUN and TURN of a real coturn.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-nat.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import concurrent.futures
import re
import time

import netcall
from netbed import Failure, NATS
from netcall import Calls

# A pair without a path: libnice gives up its checks after 7 s (webrtcbin.md 5).
NO_PATH_S = 12
# Two cores; most of a call's time is waiting.
PARALLEL = 4
# A measurement wants them idle.
PARALLEL_MEASURED = 2
# libnice gives up a check after 2 s. A call that waits for an address that nobody answers at takes longer than that.
QUICK_S = 2

NONE = 'none'
FULL, RESTRICTED, SYMMETRIC, BLOCKED = NATS
KINDS = (NONE, *NATS)

# Every sort of pair once, for ./check
SOME = ((NONE, NONE), (NONE, SYMMETRIC), (FULL, FULL), (FULL, RESTRICTED), (FULL, SYMMETRIC),
        (RESTRICTED, RESTRICTED), (RESTRICTED, SYMMETRIC), (SYMMETRIC, SYMMETRIC), (RESTRICTED, BLOCKED),
        (BLOCKED, BLOCKED))
ALL = tuple((alice, bob) for alice in KINDS for bob in KINDS)

SOUND = re.compile('GstIdentity:first: last-message = chain')


def has_direct_path(alice, bob):
    """What RFC 4787 and RFC 5128 (3.3) say of a pair."""
    if BLOCKED in (alice, bob):
        return False
    # endpoint-independent filtering (RFC 4787, 5), or no NAT: whoever writes is let in
    lets_in_anybody = {NONE, FULL}
    # endpoint-independent mapping (RFC 4787, 4.1): what STUN says is what the peer sees
    is_predictable = {NONE, FULL, RESTRICTED}
    return bool({alice, bob} & lets_in_anybody) or {alice, bob} <= is_predictable


class Attempt:
    """How alice and bob connected (direct, relay, none), and after how many seconds."""

    def __init__(self, build, alice_nat, bob_nat, servers):
        self.how, self.connected, self.sound, self.pair = 'none', None, None, ''
        nats = {name: {'nat': None if nat == NONE else nat} for name, nat in
                (('alice', alice_nat), ('bob', bob_nat))}
        with Calls(build, **nats, **servers) as calls:
            calls.count_paths()
            listen = 'c.audio_src ! identity name=first silent=false ! fakesink'
            bob = calls.answer(f'-v {listen}')
            alice = calls.call(f'-v {listen}')
            start, _ = alice.wait_for(netcall.CALLING, netcall.CONNECT_S)
            try:
                self.connected = max(p.wait_for(netcall.CONNECTED, NO_PATH_S)[0] for p in (alice, bob)) - start
                self.sound = max(p.wait_for(SOUND, 5)[0] for p in (alice, bob)) - start
            except Failure:
                return
            time.sleep(1)
            straight, through = calls.bed.counted('straight'), calls.bed.counted('through_turn')
            self.how = 'direct' if straight > through else 'relay'


STUN, TURN = {'stun': True}, {'turn': 'coturn'}


def expected(pair, servers):
    if has_direct_path(*pair):
        # The first check of a direct path may be lost at a NAT that is not open yet; then libnice may be content
        # with the relay it has by then.
        return {'direct'} if servers is STUN else {'direct', 'relay'}
    return {'none'} if servers is STUN else {'relay'}


def seconds(value):
    return f'{value:5.2f}' if value is not None else '    -'


def try_all(build, report, pairs, servers, parallel=PARALLEL):
    """{(pair, servers): Attempt}, with a line a pair"""
    tries = {}
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        for pair in pairs:
            tries[pair] = pool.submit(Attempt, build, *pair, servers)
    report.say(f'{"caller":16} {"callee":16} {"":8} connected  sound')
    for pair, future in tries.items():
        attempt = tries[pair] = future.result()
        report.check(attempt.how in expected(pair, servers), f'{pair[0]:16} {pair[1]:16} {attempt.how:8} '
                     f'{seconds(attempt.connected):>9}  {seconds(attempt.sound)}')
    return tries


def some(servers):
    def scenario(build, report):
        tries = try_all(build, report, SOME, servers)
        if servers is STUN:
            slow = [pair for pair, attempt in tries.items()
                    if has_direct_path(*pair) and pair[1] != SYMMETRIC and not attempt.connected < QUICK_S]
            report.check(not slow, f'nobody waits for the private address of a peer: {slow or "none"}')
    return scenario


def one_nat(build, report):
    """Behind one NAT a private address is the way, even if only our own checks pass our firewall."""
    with Calls(build, alice={'nat': RESTRICTED}, stun=True, one_nat=True) as calls:
        calls.alice.nft('''
            table ip firewall {
              chain input {
                type filter hook input priority 0;
                ct state established,related accept
                meta l4proto udp drop
              }
            }''')
        calls.answer()
        alice = calls.call()
        seconds_taken = netcall.time_to_connect(alice)
        local, remote = alice.wait_for(netcall.PAIR, 5)[1].groups()
        report.check((local, remote) == ('host', 'host'), f'{local} to {remote}')
        report.check(seconds_taken < QUICK_S, f'after {seconds_taken:.2f} s')


def matrix(build, report):
    """All pairs, with STUN alone and with TURN, as the table of docs/turn.md."""
    tries = {name: try_all(build, report, ALL, servers, PARALLEL_MEASURED)
             for name, servers in (('STUN', STUN), ('TURN', TURN))}
    print('\n| caller \\ callee | ' + ' | '.join(KINDS) + ' |')
    print('|---' * (len(KINDS) + 1) + '|')
    for alice in KINDS:
        cells = []
        for bob in KINDS:
            stun, turn = tries['STUN'][alice, bob], tries['TURN'][alice, bob]
            cells.append(' / '.join(f'{a.how} {seconds(a.sound).strip()}' if a.how != 'none' else 'none'
                                    for a in (stun, turn)))
        print(f'| {alice} | ' + ' | '.join(cells) + ' |')
    print(flush=True)


if __name__ == '__main__':
    netcall.main({'stun': some(STUN), 'turn': some(TURN), 'one-nat': one_nat, 'nat-matrix': matrix})
