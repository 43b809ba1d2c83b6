#!/usr/bin/env python3
# Calls whose network changes: addresses, paths, the whole of it.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-changes.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import re
import time

import netcall
from netbed import Bed, Failure
from netcall import Calls
from twoway import Findings, TAKES_OVER, TwoWayCall, all_at_once, count

RESTARTING = re.compile('restarting ICE')
SILENT = re.compile('no packet for a second')
FAILED = re.compile('ICE failed')
OFFLINE = re.compile(' offline: ')

# 198.18.0.0/15 like the rest of the bed, and nobody else's there
NEW_SUBNETS = {'alice': '198.18.77', 'bob': '198.18.78'}
# Too short for the 5.5 s after which the others would restart ICE, and longer than them; below the 8 s that end a call
SHORT_S, LONG_S = 3, 6.5
# The one is back at the relay, and has offered a new connection, before the other one is.
APART_S = 0.5
CUT_S = 10
# The checks of a restart under way come that far apart; until one is answered no key frame is asked for.
CHECKS_S = 4


def moved(build, outage, *names):
    """Who is named loses the address, one after the other, has none for so long, and gets one in another subnet."""
    findings = Findings(f'{" and then ".join(names)} {"moves" if len(names) == 1 else "move"} in {outage} s')
    with Calls(build) as calls:
        call = TwoWayCall(calls)
        try:
            call.wait_until(3)
            gone = time.monotonic()
            for number, name in enumerate(names):
                time.sleep(max(0, gone + number * APART_S - time.monotonic()))
                calls.bed.leave(getattr(calls, name))
            for number, name in enumerate(names):
                time.sleep(max(0, gone + number * APART_S + outage - time.monotonic()))
                calls.bed.arrive(getattr(calls, name), NEW_SUBNETS[name])
            back = time.monotonic()
            for process in call.both():
                when, _ = process.wait_for(TAKES_OVER, 10)
                findings.check(True, f'{process.name} has a new connection {when - back:.2f} s after the outage')
            call.wait_until(3 + outage + 5)
            call.hang_up(findings)
            call.check_files(findings, time.monotonic() - call.connected, back - gone + 1)
        except Failure as failure:
            findings.check(False, str(failure))
        findings.notes = call.history()
    return findings


def moves(build, report):
    """The old connection ends with the address; a new one takes over behind the same pads, into the same file."""
    all_at_once(report, [(moved, build, outage, who) for outage in (SHORT_S, LONG_S) for who in ('alice', 'bob')])


def both_move(build, report):
    """Who is back first offers a new connection, or asks for it, while nobody is there to hear it."""
    all_at_once(report, [(moved, build, SHORT_S, *order) for order in (('alice', 'bob'), ('bob', 'alice'))])


# --- the path is lost, and the address is not ---

def check_asked(findings, asking, restarting, alias):
    """One end (`asking`) finds it out and says so; the other one is the caller, who offers."""
    when, _ = restarting.wait_for(RESTARTING, 20)
    silent = {p: found[0] for p in (asking, restarting) if (found := p.find(SILENT))}
    asked = restarting.find(re.compile(f'call_renegotiate of {alias} '))
    findings.check(asked and asked[0] <= when, 'the callee asked for the restart')
    findings.check(asking in silent and restarting not in silent, f'heard nothing: {[p.name for p in silent]}')


def one_way(build):
    """Nothing gets from the caller to the callee for 10 s: longer than the 8 s that end a call."""
    findings = Findings('only the callee hears nothing')
    with Calls(build) as calls:
        call = TwoWayCall(calls)
        try:
            call.wait_until(3)
            calls.bed.block_udp(calls.alice, calls.bob, back=False)
            gone = time.monotonic()
            check_asked(findings, call.bob, call.alice, calls.aliases['bob'])
            time.sleep(max(0, gone + CUT_S - time.monotonic()))
            calls.bed.unblock_udp(calls.alice, calls.bob, back=False)
            back = time.monotonic()
            call.wait_until(3 + CUT_S + 5)
            call.hang_up(findings)
            call.check_files(findings, time.monotonic() - call.connected, back - gone + CHECKS_S)
        except Failure as failure:
            findings.check(False, str(failure))
        findings.notes = call.history()
    return findings


def failed(build):
    """The TURN server that a call goes through by TCP ends: libnice says `failed` at once, and another path is there."""
    findings = Findings('the TURN server ends')
    with Calls(build, turn='coturn', turn_transport='tcp') as calls:
        calls.bed.block_udp(calls.alice, calls.bob)
        call = TwoWayCall(calls)
        try:
            relayed = call.bob.wait_for(netcall.RELAYED, 10)[1].group(1)
            findings.check(relayed == 'true', f'relayed: {relayed}')
            call.wait_until(3)
            calls.bed.unblock_udp(calls.alice, calls.bob)
            calls.turn_process.kill()
            killed, number = time.monotonic(), len(call.alice.lines)
            when, _ = call.alice.wait_for(RESTARTING, 5, number)
            reported = [p.name for p in call.both() if p.find(FAILED)]
            findings.check(reported, f'ICE failed at {" and ".join(reported)}')
            findings.check(when - killed < 1, f'restarted after {when - killed:.2f} s, not after a silence of 5.5 s')
            call.wait_until(8)
            call.hang_up(findings)
            call.check_files(findings, time.monotonic() - call.connected)
        except Failure as failure:
            findings.check(False, str(failure))
        findings.notes = call.history()
    return findings


def restarts(build, report):
    all_at_once(report, [(one_way, build), (failed, build)])


# --- the network is back ---

# By then four attempts have failed, 1 + 2 + 4 + 8 s at most, and the next one comes 21.7 s after the first at least
# (protocol.md d: min (2^n, 30) s x [0.7, 1)).
GONE_S = 17
# A WebSocket that a change left open is asked with a ping after 1 s, and given up after 3 s.
PROBE_S = 3


def lose_address(calls):
    calls.bed.leave(calls.bob)


def lose_cable(calls):
    """A call that comes meanwhile makes the relay's TCP wait longer and longer for bob, 12.8 s at last."""
    calls.bed.pull_cable(calls.bob)
    calls.call().wait_for(netcall.CALLING, netcall.CONNECT_S)


def come_back(build, how, away, back, seconds):
    """bob waits for a call, and his network is gone for a while."""
    findings = Findings(how)
    with Calls(build) as calls:
        bob = calls.answer()
        try:
            away(calls)
            time.sleep(GONE_S)
            tried = count(bob, OFFLINE)
            start, number = time.monotonic(), len(bob.lines)
            back(calls.bed, calls.bob)
            when, _ = bob.wait_for(netcall.ONLINE, seconds, number)
            findings.check(True, f'after {tried} attempts, online {when - start:.2f} s after the network is back')
            alice = calls.call()
            netcall.time_to_connect(alice)
            findings.check(True, 'a call comes through')
        except Failure as failure:
            findings.check(False, str(failure))
        findings.notes = [bob.text()]
    return findings


def comes_back(build, report):
    """Nobody waits for the rest of the back-off, nor for TCP."""
    all_at_once(report, [(come_back, build, 'no address', lose_address, Bed.arrive, 2),
                         (come_back, build, 'the cable is out', lose_cable, Bed.put_cable, PROBE_S + 2)])


if __name__ == '__main__':
    netcall.main({'moved': moves, 'both-moved': both_move, 'restarts': restarts, 'back': comes_back})
