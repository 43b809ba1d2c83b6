#!/usr/bin/env python3
# Calls that last longer than the credentials of their TURN server.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-renewal.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...
#
# The server is turnserver.py: it refuses every request of credentials that have ended, and forgets an allocation that
# is not refreshed for TURN_LIFETIME_S. So a call whose credentials are not renewed is dead at most
# that long after their end.

import re

import netcall
from netbed import Failure
from netcall import Calls, TURN_LIFETIME_S
from twoway import Findings, TAKES_OVER, TwoWayCall, all_at_once, count

TTL_S = 30
# dao_ice_config_cache_seconds(): a new connection is made after that long
RENEWAL_S = TTL_S - min(60, TTL_S / 2)
# Three renewals
SHORT_S, LONG_S = 50, 90

REFUSED = re.compile('(allocate|refresh|permission|channel) refused')
FORGOTTEN = re.compile('^expired')


def relayed_by(calls, who):
    """A call in which the sides of `who` may use TURN only."""
    return TwoWayCall(calls, *(f'always-relay={str(name in who).lower()}' for name in ('alice', 'bob')))


def long_call(build, who, seconds, trouble=None):
    """trouble(calls, call): what goes wrong meanwhile."""
    findings = Findings(' and '.join(who) + (f', {trouble.__name__.replace("_", " ")}' if trouble else ''))
    with Calls(build, turn='ending', turn_ttl=TTL_S) as calls:
        call = relayed_by(calls, who)
        relayed = call.bob.wait_for(netcall.RELAYED, 10)[1].group(1)
        findings.check(relayed == 'true', f'relayed: {relayed}')
        try:
            if trouble:
                trouble(calls, call)
            call.wait_until(seconds)
            call.hang_up(findings)
            call.check_files(findings, seconds)
        except Failure as failure:
            findings.check(False, str(failure))
        for process in call.both():
            made = count(process, TAKES_OVER)
            findings.check(int(seconds / RENEWAL_S) - 1 <= made <= int(seconds / RENEWAL_S) + 1,
                           f'{process.name} went over to a new connection {made} times in {seconds} s')
        refused, forgotten = (count(calls.turn_process, p) for p in (REFUSED, FORGOTTEN))
        findings.check((refused == 0 or trouble) and forgotten == 0,
                       f'the TURN server refused {refused} requests, {forgotten} allocations were not given back')
        findings.notes = [*call.history(), calls.turn_process.text()]
    return findings


def renewed(seconds):
    def scenario(build, report):
        """Whoever holds the relay address, caller, callee or both, renews it."""
        all_at_once(report, [(long_call, build, who, seconds) for who in (['alice'], ['bob'], ['alice', 'bob'])])
    return scenario


# --- what goes wrong ---

def relay_is_away(calls, call):
    """Over the time of the renewal; nothing is signaled meanwhile. Back before the fourth try of the shortest back-off
    (0.7 x (1 + 2 + 4 + 8) s), so that both are online again before the credentials end."""
    call.wait_until(RENEWAL_S - 5)
    calls.relay_process.kill()
    call.wait_until(RENEWAL_S + 5)
    calls.start_relay()


def turn_refuses(calls, call):
    """For two tries."""
    call.wait_until(RENEWAL_S - 2)
    calls.turn_process.say('refuse')
    call.wait_until(RENEWAL_S + 7)
    calls.turn_process.say('accept')


def dropped_call(build, who):
    """Without the relay there is no renewal: the credentials end, and the call. The others are spared that."""
    findings = Findings(' and '.join(who) + ', never renewed')
    with Calls(build, turn='ending', turn_ttl=TTL_S) as calls:
        call = relayed_by(calls, who)
        call.wait_until(5)
        calls.relay_process.kill()
        when, reason = call.bob.wait_for(netcall.ENDED, TTL_S + 40)
        seconds = when - call.connected
        findings.check(TTL_S - 2 < seconds < TTL_S + TURN_LIFETIME_S + 12,
                       f'the call ended after {seconds:.1f} s: {reason.group(1)}')
        refused = count(calls.turn_process, REFUSED)
        findings.check(refused > 0, f'the TURN server refused {refused} requests')
        call.bob.wait(10)
        times = calls.frame_times(call.files[1], 'audio_0')
        findings.check(times[-1] > TTL_S - 3, f'until then it went on: sound for {times[-1]:.1f} s')
        findings.notes = [*call.history(), calls.turn_process.text()]
    return findings


def trouble(build, report):
    """A renewal that fails ends no call that still works, and is tried again before the credentials end."""
    all_at_once(report, [(long_call, build, ['alice'], 40, relay_is_away),
                         (long_call, build, ['bob'], 40, turn_refuses),
                         (dropped_call, build, ['alice', 'bob'])])


if __name__ == '__main__':
    netcall.main({'renewed': renewed(SHORT_S), 'renewed-long': renewed(LONG_S), 'trouble': trouble})
