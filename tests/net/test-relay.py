#!/usr/bin/env python3
# always-relay, seen from the peer: captured packets, and what the signals say.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-relay.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import concurrent.futures
import os
import re
import sys
import time

import netcall
from netbed import Failure, READY
from netcall import Calls, TURN_PORT, TURN_TLS_PORT, time_to_connect

CAPTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'capture.py')
FLOW = re.compile(r'^packets (\d+) (\S+) (\S+) (\d+) (\S+) (\d+)$')
BEGINS = re.compile(r'^begins (\S+) (\S+) (\d+) (\S+) (\d+) ([0-9a-f]+)$')
NAMES = re.compile('^names ')
REPORTED = re.compile('^end$')
SIGNALED = re.compile('SIGNAL-TAP ')
OFFER_OR_ANSWER, CANDIDATE = re.compile(r'SIGNAL-TAP v=0'), re.compile(r'candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ (\w+)')
RELATED = re.compile(r'raddr (\S+) rport (\d+)')
RESTARTING = re.compile('restarting ICE')
# TLS 1.0 to 1.3: a record of handshake, and in it a ClientHello (RFC 8446, 4 and 5.1)
CLIENT_HELLO = re.compile('^16030[1-3]....01')

# Longer than the 5.5 s of silence after which the call restarts ICE, shorter than the 8 s after which it ends.
OUTAGE_S = 6.5
# At least, before and after the outage together
MEDIA_S = 4


class Capture:
    """What passes a host's device, from now on. foreign: addresses that no STUN message may name."""

    def __init__(self, host, foreign=()):
        self.process = host.start(f'capture at {host.name}', [sys.executable, CAPTURE, 'up0', *foreign])
        self.process.wait_for(READY, 10)

    def flows(self):
        """[(packets, protocol, source, port, destination, port)]"""
        start = len(self.process.lines)
        self.process.say('')
        self.process.wait_for(REPORTED, 10, start)
        return [(int(m[1]), m[2], m[3], int(m[4]), m[5], int(m[6]))
                for _, line in self.process.lines[start:] if (m := FLOW.match(line))]

    def begins(self):
        """[(protocol, source, port, destination, port, the first bytes in hex)]"""
        return [(m[1], m[2], int(m[3]), m[4], int(m[5]), m[6])
                for _, line in self.process.lines if (m := BEGINS.match(line))]

    def named(self):
        return [line for _, line in self.process.lines if NAMES.match(line)]


def signals(process):
    return [line for _, line in process.lines if SIGNALED.search(line)]


def check_signals(check, peer, host):
    """No address of `host` in any description or candidate that `peer` heard; relay candidates alone, and no raddr."""
    heard = signals(peer)
    address = re.compile(rf'\b({re.escape(host.address)}|{re.escape(host.public)})\b')
    types = {m for line in heard for m in CANDIDATE.findall(line)}
    related = {m for line in heard for m in RELATED.findall(line)}
    check(any(OFFER_OR_ANSWER.search(line) for line in heard) and types == {'relay'},
          f'{peer.name} heard {len(heard)} signals, with candidates of type {", ".join(types)} alone')
    check(not any(address.search(line) for line in heard) and related <= {('0.0.0.0', '0')},
          f'none of them names {host.name}; related addresses: {related or "none"}')


def check_packets(check, captures, calls, sender, receiver):
    """From sender nothing goes to receiver, nor anywhere but to the servers."""
    own, theirs = ({h.address, h.public} for h in (sender, receiver))
    servers = {calls.relay.address, calls.turn.address}
    arrived = [f for f in captures[receiver.name].flows() if f[2] in own]
    check(not arrived, f'captured at {receiver.name}, of {sender.name}: {arrived or "no packet"}')
    left = [f for f in captures[sender.name].flows() if f[2] in own]
    strays = [f for f in left if f[4] not in servers]
    check(left and not strays,
          f'{sender.name} sends {len(left)} flows to the servers, elsewhere: {strays or "nothing"}')
    check(not [f for f in left if f[4] in theirs], f'none of them to {receiver.name}')
    named = captures[receiver.name].named()
    check(not named, f'STUN that reaches {receiver.name} names {sender.name}: {named or "never"}')
    media = sum(f[0] for f in captures[receiver.name].flows() if f[2] == calls.turn.address)
    check(media > MEDIA_S * 50 * 0.8, f'{media} packets of the TURN server reached {receiver.name}')


def go_through(calls, alice, bob, check):
    """Connects, has media, an outage that ICE restarts for, media again, and the end."""
    time_to_connect(alice)
    time.sleep(MEDIA_S / 2)
    before, start = len(signals(bob)), len(alice.lines)
    calls.turn_process.pause()
    time.sleep(OUTAGE_S)
    calls.turn_process.resume()
    alice.wait_for(RESTARTING, 5, start)
    alice.wait_for(netcall.CONNECTED, 15, start)
    time.sleep(MEDIA_S / 2)
    alice.interrupt()
    check(alice.wait(20) == 0 and bob.wait(20) == 0, 'both ended well')
    check(len(signals(bob)) > before, 'ICE was restarted')


def relayed_call(build, turn, options, who, nat):
    """Checks of a call that is captured from before its first packet on: [(ok, text)]"""
    checks = []

    def check(ok, text):
        checks.append((ok, f'{turn}, always-relay at {" and ".join(who)}: {text}'))

    with Calls(build, alice={'nat': nat}, turn=turn, **options) as calls:
        peers = {'alice': calls.bob, 'bob': calls.alice}
        hosts = {'alice': calls.alice, 'bob': calls.bob}
        captures = {name: Capture(hosts[name], [peers[name].address, peers[name].public]) for name in hosts}
        captures['turn'] = Capture(calls.turn)
        side = {name: f'always-relay={str(name in who).lower()}' + (f' ca-file={calls.ca_file}' if calls.ca_file else '')
                for name in hosts}
        tap = {'LD_PRELOAD': build.signal_tap}
        heard = {'bob': calls.answer(side['bob'] + ' audiotestsrc is-live=true ! c.audio_sink', **tap)}
        heard['alice'] = calls.call(side['alice'], **tap)
        try:
            go_through(calls, heard['alice'], heard['bob'], check)
        except Failure as failure:
            check(False, str(failure))
        for name in who:
            check_signals(check, heard[peers[name].name], hosts[name])
            check_packets(check, captures, calls, hosts[name], peers[name])
        if turn == 'coturn-tls':
            check_tls(check, captures, calls)
    return checks


def check_tls(check, captures, calls):
    begins = [b for b in captures['turn'].begins() if b[4] == TURN_TLS_PORT]
    check(begins and all(b[0] == 'tcp' and CLIENT_HELLO.match(b[5]) for b in begins),
          f'{len(begins)} connections to the TURN server, each begins with a ClientHello')
    plain = [f for f in captures['alice'].flows() if f[1] == 'udp' and f[4] == calls.turn.address
             or f[5] == TURN_PORT]
    check(not plain, f'nothing else went to it: {plain or "nothing"}')


def over(turn, nat=None, **options):
    def scenario(build, report):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            tries = [pool.submit(relayed_call, build, turn, options, who, nat) for who in (['alice'], ['alice', 'bob'])]
            for attempt in tries:
                for ok, text in attempt.result():
                    report.check(ok, text)
    return scenario


# --- whom a relay candidate is paired with ---

def try_pair(build, nat, bob_relays):
    with Calls(build, bob={'nat': nat}, turn='coturn') as calls:
        calls.answer(f'always-relay={str(bob_relays).lower()}')
        alice = calls.call('always-relay=true')
        time_to_connect(alice)
        return alice.wait_for(netcall.PAIR, 5)[1].groups()


def pairs(build, report):
    """Ours is the relay candidate, the peer's is of any type."""
    cases = {'no NAT': (None, False, {'host'}),
             'port-restricted NAT': ('port-restricted', False, {'srflx', 'prflx'}),
             'symmetric NAT': ('symmetric', False, {'prflx'}),
             'no UDP': ('udp-blocked', False, {'relay'}),
             'always-relay': (None, True, {'relay'})}
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        tries = {name: pool.submit(try_pair, build, *case[:2]) for name, case in cases.items()}
    for name, attempt in tries.items():
        local, remote = attempt.result()
        report.check(local == 'relay' and remote in cases[name][2], f'peer with {name}: {local} and {remote}')


def far(build, report):
    """A TURN server over TLS, 0.9 s of round trip away: libnice alone gives it 2 s."""
    with Calls(build, alice={'link': {'delay': 450}}, turn='coturn-tls') as calls:
        calls.answer(f'ca-file={calls.ca_file}')
        alice = calls.call(f'always-relay=true ca-file={calls.ca_file}')
        time_to_connect(alice)
        report.check(alice.wait_for(netcall.PAIR, 5)[1].group(1) == 'relay', 'a call through it connects')


def ipv6(build, report):
    """A server that has an IPv6 address alone."""
    with Calls(build, turn='coturn-ipv6') as calls:
        capture = Capture(calls.turn)
        calls.answer()
        alice = calls.call('always-relay=true')
        time_to_connect(alice)
        pair = alice.wait_for(netcall.PAIR, 5)[1].groups()
        report.check(pair == ('relay', 'host'), f'{" and ".join(pair)}')
        time.sleep(1)
        sent = [f for f in capture.flows() if f[2] == calls.alice.address6 and f[5] == TURN_PORT]
        report.check(sum(f[0] for f in sent) > 40, f'alice speaks with it over IPv6: {sent}')


# --- when there is no server ---

# username EXPIRY:ALIAS, plain or in a URL
CREDENTIAL = re.compile(r'[0-9]{10}(:|%3A)u[0-9]')
UNREACHED = 'media may go through a TURN server only, and there is none left: No TURN server gave a relay address'


def try_without(build, transport, secret, pause):
    """(seconds, what alice says, all her output)"""
    with Calls(build, turn='coturn', turn_transport=transport) as calls:
        if secret:
            calls.relay_process.kill()
            calls.ice['TURN_SECRET'] = secret
            calls.start_relay()
        calls.answer()
        if pause:
            calls.turn_process.pause()
        alice = calls.call('always-relay=true')
        start, _ = alice.wait_for(netcall.CALLING, netcall.CONNECT_S)
        when, _ = alice.wait_for(re.compile('^ERROR: '), 20)
        alice.wait(10)
        return when - start, alice.text(), f'turn:{calls.turn.address}:{TURN_PORT}?transport={transport}'


def nowhere(build, report):
    """No server answers, or none takes the credential: the call ends soon, with the name of it and the reason."""
    cases = {'credential refused': ('udp', 'another secret', False), 'UDP, no answer': ('udp', None, True),
             'TCP, no answer': ('tcp', None, True)}
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        tries = {name: pool.submit(try_without, build, *case) for name, case in cases.items()}
    for name, attempt in tries.items():
        seconds, text, url = attempt.result()
        report.check(seconds < 10, f'{name}: an error after {seconds:.1f} s')
        report.check(f'{UNREACHED} ({url})' in text and 'refused the credential' in text, f'{name}: it names {url}')
        report.check(not CREDENTIAL.search(text), f'{name}: nothing shows a credential')


# --- and when nobody asks for it, these tests see that ---

def control(build, report):
    """Without always-relay all of it is there: packets, addresses, candidates."""
    with Calls(build, turn='coturn') as calls:
        capture = Capture(calls.bob, [calls.alice.address])
        bob = calls.answer('', LD_PRELOAD=build.signal_tap)
        alice = calls.call()
        time_to_connect(alice)
        time.sleep(1)
        straight = sum(f[0] for f in capture.flows() if f[2] == calls.alice.address)
        report.check(straight > 50, f'{straight} packets of alice arrive at bob')
        report.check(capture.named(), 'STUN names her')
        report.check(any(calls.alice.address in line for line in signals(bob)), 'signals name her')
        types = {m for line in signals(bob) for m in CANDIDATE.findall(line)}
        report.check('host' in types, f'candidates of type {types}')


if __name__ == '__main__':
    netcall.main({
        'relay-control': control,
        'relay-udp': over('coturn', turn_transport='udp'),
        'relay-tcp': over('coturn', nat='udp-blocked', turn_transport='tcp'),
        'relay-tls': over('coturn-tls', nat='udp-blocked'),
        'relay-pairs': pairs,
        'relay-far': far,
        'relay-ipv6': ipv6,
        'relay-nowhere': nowhere,
    })
