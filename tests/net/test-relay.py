#!/usr/bin/env python3
# What leaves a host, in captured packets and in signals: nothing straight to the peer with always-relay, and nothing
# but signals while a call rings.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-relay.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...

import concurrent.futures
import os
import re
import shutil
import sys
import time

import netcall
from netbed import Failure, READY, run
from netcall import Calls, TURN_PORT, TURN_TLS_PORT, time_to_connect

CAPTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'capture.py')
FLOW = re.compile(r'^packets (\d+) (\S+) (\S+) (\d+) (\S+) (\d+)$')
BEGINS = re.compile(r'^begins (\S+) (\S+) (\d+) (\S+) (\d+) ([0-9a-f]+)$')
NAMES = re.compile('^names ')
REPORTED = re.compile('^end$')
SIGNALED = re.compile('SIGNAL-TAP ')
OFFER_OR_ANSWER, CANDIDATE = re.compile(r'SIGNAL-TAP v=0'), re.compile(r'candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ (\w+)')
TAKES_OVER = re.compile(r'leg \d+ takes over')
RELATED = re.compile(r'raddr (\S+) rport (\d+)')
ACCOUNT_ONLINE = re.compile(r'dao-account.* online=\(boolean\)true')
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
    address = re.compile(r'(?<![\w.:])(' + '|'.join(map(re.escape, host.addresses)) + r')(?![\w.:])')
    types = {m for line in heard for m in CANDIDATE.findall(line)}
    related = {m for line in heard for m in RELATED.findall(line)}
    check(any(OFFER_OR_ANSWER.search(line) for line in heard) and types == {'relay'},
          f'{peer.name} heard {len(heard)} signals, with candidates of type {", ".join(types)} alone')
    check(not any(address.search(line) for line in heard) and related <= {('0.0.0.0', '0'), ('::', '0')},
          f'none of them names {host.name}; related addresses: {related or "none"}')


def check_packets(check, captures, calls, sender, receiver):
    """From sender nothing goes to receiver, nor anywhere but to the servers."""
    own, theirs, servers = sender.addresses, receiver.addresses, calls.relay.addresses | calls.turn.addresses
    arrived = [f for f in captures[receiver.name].flows() if f[2] in own]
    check(not arrived, f'captured at {receiver.name}, of {sender.name}: {arrived or "no packet"}')
    left = [f for f in captures[sender.name].flows() if f[2] in own]
    strays = [f for f in left if f[4] not in servers]
    check(left and not strays,
          f'{sender.name} sends {len(left)} flows to the servers, elsewhere: {strays or "nothing"}')
    check(not [f for f in left if f[4] in theirs], f'none of them to {receiver.name}')
    named = captures[receiver.name].named()
    check(not named, f'STUN that reaches {receiver.name} names {sender.name}: {named or "never"}')
    media = sum(f[0] for f in captures[receiver.name].flows() if f[2] in calls.turn.addresses)
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


def move(calls, alice, bob, host):
    """Connects, has media, then another address, and media again, through another allocation."""
    time_to_connect(alice)
    time.sleep(MEDIA_S / 2)
    calls.bed.leave(host)
    calls.bed.arrive(host, '198.18.77')
    for process in alice, bob:
        process.wait_for(TAKES_OVER, 10)
    time.sleep(MEDIA_S / 2)
    alice.interrupt()
    for process in alice, bob:
        process.wait(20)


def relayed_call(build, turn, options, who, nat, moves, ipv6):
    """Checks of a call that is captured from before its first packet on: [(ok, text)]"""
    checks = []

    def check(ok, text):
        checks.append((ok, f'{turn}, always-relay at {" and ".join(who)}: {text}'))

    with Calls(build, alice={'nat': nat}, turn=turn, **options) as calls:
        peers = {'alice': calls.bob, 'bob': calls.alice}
        hosts = {'alice': calls.alice, 'bob': calls.bob}
        if ipv6:
            calls.bed.add_ipv6(calls.bob)
        captures = {name: Capture(hosts[name], peers[name].addresses) for name in hosts}
        captures['turn'] = Capture(calls.turn)
        side = {name: f'always-relay={str(name in who).lower()}' + (f' ca-file={calls.ca_file}' if calls.ca_file else '')
                for name in hosts}
        tap = {'LD_PRELOAD': build.signal_tap}
        heard = {'bob': calls.answer(side['bob'] + ' audiotestsrc is-live=true ! c.audio_sink', **tap)}
        heard['alice'] = calls.call(side['alice'], **tap)
        try:
            if moves:
                move(calls, heard['alice'], heard['bob'], hosts[who[-1]])
            else:
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


def over(turn, nat=None, moves=False, ipv6=False, **options):
    def scenario(build, report):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            tries = [pool.submit(relayed_call, build, turn, options, who, nat, moves, ipv6) for who in (['alice'], ['alice', 'bob'])]
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


def ipv6(turn, port):
    def scenario(build, report):
        """A server that has an IPv6 address alone."""
        with Calls(build, turn=turn) as calls:
            capture = Capture(calls.turn)
            calls.answer()
            alice = calls.call('always-relay=true' + (f' ca-file={calls.ca_file}' if calls.ca_file else ''))
            time_to_connect(alice)
            pair = alice.wait_for(netcall.PAIR, 5)[1].groups()
            report.check(pair == ('relay', 'host'), f'{" and ".join(pair)}')
            time.sleep(1)
            sent = [f for f in capture.flows() if f[2] == calls.alice.address6 and f[5] == port]
            report.check(sum(f[0] for f in sent) > 40, f'alice speaks with it over IPv6: {sent}')
    return scenario


# Messages on standard output may end in the middle of a line when this comes on the other.
ERROR = re.compile('ERROR: from element ')
SYSTEM_STORE = '/etc/ssl/certs'


def system_trust(build, report):
    """Without ca-file: an authority of the system's store is trusted, and only one of those."""
    with Calls(build, turn='coturn-tls') as calls:
        bob = calls.answer()
        alice = calls.call('always-relay=true')
        alice.wait_for(ERROR, 30)
        alice.wait(10)
        bob.kill()
        report.check('not from a trusted authority' in alice.text(), 'an authority that the system does not know is not trusted')
        # Seen by what starts from now on in these namespaces only
        run('mount', '-t', 'tmpfs', 'tmpfs', SYSTEM_STORE)
        shutil.copy(calls.ca_file, SYSTEM_STORE + '/ca-certificates.crt')
        calls.answer()
        alice = calls.call('always-relay=true')
        time_to_connect(alice)
        report.check(alice.wait_for(netcall.PAIR, 5)[1].group(1) == 'relay', 'one that it knows is')


# --- when there is no server ---

# username EXPIRY:ALIAS, plain or in a URL
CREDENTIAL = re.compile(r'[0-9]{10}(:|%3A)u[0-9]')
UNREACHED = 'media may go through a TURN server only, and there is none left: No TURN server gave a relay address: '
REFUSED, SILENT, NOBODY = ('it refused the credential (401)', 'it did not answer', 'nothing listens there (connection refused)')
NOT_USED = re.compile('WARNING: .*Servers that gave no address: (.*)')


def try_without(build, options, break_it):
    """(seconds, what alice says, the server's URL)"""
    with Calls(build, **options) as calls:
        break_it(calls)
        calls.answer()
        alice = calls.call('always-relay=true' + (f' ca-file={calls.ca_file}' if calls.ca_file else ''))
        start, _ = alice.wait_for(netcall.CALLING, netcall.CONNECT_S)
        when, _ = alice.wait_for(ERROR, 20)
        alice.wait(10)
        return when - start, alice.text(), calls.ice['TURN_HOST']


def another_secret(calls):
    calls.relay_process.kill()
    calls.ice['TURN_SECRET'] = 'another secret'
    calls.start_relay()


def nowhere(build, report):
    """No server answers, or none takes the credential: the call ends soon, with the name of it and the reason."""
    udp, tcp, tls = ({'turn': 'coturn', 'turn_transport': 'udp'}, {'turn': 'coturn', 'turn_transport': 'tcp'},
                     {'turn': 'coturn-tls'})
    cases = {f'{name}, {why}': (options, break_it, why)
             for break_it, why in ((another_secret, REFUSED), (lambda calls: calls.turn_process.pause(), SILENT),
                                   (lambda calls: calls.turn_process.kill(), NOBODY))
             for name, options in (('UDP', udp), ('TCP', tcp))}
    cases['TLS, ' + REFUSED] = (tls, another_secret, REFUSED)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tries = {name: pool.submit(try_without, build, *case[:2]) for name, case in cases.items()}
    for name, attempt in tries.items():
        seconds, text, url = attempt.result()
        report.check(seconds < 10, f'{name}: an error after {seconds:.1f} s')
        report.check(f"{UNREACHED}'{url}': {cases[name][2]}" in text, f'{name}: it names {url} and the reason')
        report.check(not CREDENTIAL.search(text), f'{name}: nothing shows a credential')


def one_of_several(build, report):
    """A call that has a relay address still says which servers are of no use; not those of a host that gave one."""
    with Calls(build, turn='coturn') as calls:
        calls.relay_process.kill()
        working = f'turn:{calls.turn.address}:{TURN_PORT}?transport='
        closed, silent = f'turn:{calls.relay.address}:{TURN_PORT}?transport=tcp', f'turn:{calls.bob.address}:9?transport=udp'
        calls.bob.nft('table ip silent { chain in { type filter hook input priority 0; udp dport 9 drop; }\n}')
        calls.ice['TURN_HOST'] = ','.join((silent, working + 'udp', closed, working + 'tcp'))
        calls.start_relay()
        calls.answer()
        alice = calls.call()
        time_to_connect(alice)
        _, said = alice.wait_for(NOT_USED, 15)
        report.check(said[1] == f"'{silent}': {SILENT}; '{closed}': {NOBODY}", f'a call that connects says {said[1]}')
        alice.interrupt()
        report.check(alice.wait(20) == 0, 'and ends well')
        report.check(len(NOT_USED.findall(alice.text())) == 1, 'it says so once')
        report.check(not CREDENTIAL.search(alice.text()), 'nothing shows a credential')


# --- before the answer ---

RINGING = re.compile('dao-incoming-call')
RINGING_S = 3


def ringing(build, report):
    """Both have media ready; until bob answers by hand, neither sends or gets anything but signals."""
    with Calls(build) as calls:
        captures = {host.name: Capture(host) for host in (calls.alice, calls.bob)}
        media = ('audiotestsrc is-live=true ! c.audio_sink '
                 'videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! c.video_sink')
        bob = calls.bob.start('bob', [build.call_console, f'daocallsrc name=c identity={calls.identity("bob")} {media}'])
        bob.wait_for(ACCOUNT_ONLINE, 20)
        alice = calls.place(media)
        bob.wait_for(RINGING, netcall.CONNECT_S)
        time.sleep(RINGING_S)
        for name, capture in captures.items():
            flows = capture.flows()
            strays = [f for f in flows if calls.relay.address not in (f[2], f[4])]
            report.check(flows and not strays, f'{name}, ringing: {sum(f[0] for f in flows)} packets of signals, '
                         f'others: {strays or "none"}')
        bob.say('answer')
        time_to_connect(alice)
        time.sleep(2)
        for name, capture in captures.items():
            sent = sum(f[0] for f in capture.flows() if f[2:5:2] == (calls.alice.address, calls.bob.address))
            report.check(sent > 100, f'{name}, answered: {sent} packets from alice to bob')


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
        'ringing': ringing,
        'relay-udp': over('coturn', turn_transport='udp'),
        'relay-tcp': over('coturn', nat='udp-blocked', turn_transport='tcp'),
        'relay-tls': over('coturn-tls', nat='udp-blocked'),
        'relay-moves': over('coturn', moves=True, turn_transport='udp'),
        'relay-dual': over('coturn-dual', ipv6=True),
        'relay-pairs': pairs,
        'relay-far': far,
        'relay-ipv6': ipv6('coturn-ipv6', TURN_PORT),
        'relay-ipv6-tls': ipv6('coturn-ipv6-tls', TURN_TLS_PORT),
        'relay-system-trust': system_trust,
        'relay-nowhere': nowhere,
        'relay-some': one_of_several,
    })
