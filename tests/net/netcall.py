# Relay, TURN server, accounts and calls on the hosts of a test bed (netbed.py).
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import re
import subprocess
import sys
import time

from netbed import Bed, Failure, READY, require, run

PORT = 8417
TURN_PORT = 3478
TURN_TLS_PORT = 5349
TURN_SECRET = 'secret of the test'
# Of an allocation that is not refreshed; libnice refreshes it after half of that.
TURN_LIFETIME_S = 10

ONLINE = re.compile(r' online$')
STATE = 'dao-call-state, state=\\(string\\)%s,'
CONNECTED = re.compile(STATE % 'connected')
CALLING = re.compile(STATE % 'calling')
ENDED = re.compile(r'dao-call-ended.* reason=\(string\)([a-z0-9-]+)')
# Where the program does not print messages.
HANGUP = re.compile(r': ((?:hangup|ended|rejected) \([a-z-]+\))')
RELAYED = re.compile(STATE % 'connected' + r'.* relayed=\(boolean\)(true|false)')
PAIR = re.compile('selected pair: local (\\w+), remote (\\w+)')
DROPPED = re.compile(r'frame dropped: (.*)')
LISTENING = re.compile(r'^listening on ')
COTURN_READY = re.compile('SQLite DB connection success')
# What the element logs, where the program does not print messages.
STEP_CONNECTED = re.compile(r': connected \(')
# Time, process, thread, and where in the source, of lines of the log
LOG_PREFIX = re.compile(r'^.*(INFO|DEBUG|WARN) +(?=dao)| gst\w+\.c:\d+:\w+:')

# Login, ringing, and the 30 s an answered call has for its connection.
CONNECT_S = 40


class Build:
    """Programs of a build directory."""

    def __init__(self, source, build):
        self.media_scripts = f'{source}/tests/media'
        self.relay = f'{build}/subprojects/dao-relay/dao-relay'
        self.identity = f'{build}/tools/dao-identity'
        self.media = f'{build}/tests/media'
        self.tun_link = f'{build}/tests/net/tun-link'
        self.call_console = f'{build}/tests/browser/call-console'
        self.signal_tap = f'{build}/tests/net/libsignal-tap.so'
        for name in ('GST_PLUGIN_PATH', 'GST_REGISTRY', 'DAO_IDENTITY', 'G_DEBUG'):
            os.environ.pop(name, None)
        os.environ.update({
            'GST_PLUGIN_PATH_1_0': f'{build}/gst/daortp:{build}/ext/dao',
            'GST_REGISTRY_1_0': f'{build}/registry.bin',
            'GST_DEBUG_NO_COLOR': '1',
            'HOME': '/run'})
        # The list of plugins is made once, not by every process at the same time.
        run('gst-inspect-1.0', 'daocallsrc')

    def make_media(self, seconds, path):
        """A file of speech and numbered pictures."""
        wav = path + '.wav'
        run(f'{self.media_scripts}/speech.sh', str(seconds), wav)
        run(f'{self.media}/make-media', '--speech', wav, '--seconds', str(seconds), path)


def quantity(text, pattern):
    """The numbers of the last line that pattern matches."""
    found = re.findall(pattern, text)
    if not found:
        raise Failure(f'nothing says "{pattern}"')
    return [float(number) for number in (found[-1] if isinstance(found[-1], tuple) else found[-1:])]


def make_certificate(directory, address):
    """(a CA, a certificate of it for an address, its key): paths of PEM files."""
    ca, ca_key, certificate, key = (f'{directory}/{name}.pem' for name in ('ca', 'ca-key', 'server', 'key'))
    new = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
           '-days', '2']
    run(*new, '-subj', '/CN=CA of the test', '-keyout', ca_key, '-out', ca)
    run(*new, '-subj', '/CN=TURN server of the test', '-keyout', key, '-out', certificate, '-CA', ca,
        '-CAkey', ca_key, '-addext', f'subjectAltName=IP:{address}', '-addext', 'basicConstraints=CA:FALSE')
    return ca, certificate, key


class Calls:
    """A bed with a relay and two accounts, alice and bob, on two hosts.

    alice, bob: what Bed.host takes. one_nat: bob is behind the NAT of alice. stun: a STUN server. turn: a TURN server of a kind of TURN_SERVERS.
    turn_transport: the only one that clients of coturn are told of. turn_ttl: life of the credentials in seconds.
    """

    def __init__(self, build, alice=None, bob=None, stun=False, turn=None, turn_transport=None, turn_ttl=600,
                 one_nat=False):
        self.build = build
        self.turn_transport = turn_transport
        self.ca_file = None
        self.bed = Bed(build.tun_link)
        self.alice = self.bed.host('alice', **(alice or {}))
        bob = {**(bob or {}), 'beside': self.alice} if one_nat else bob or {}
        self.bob = self.bed.host('bob', **bob)
        # Only to private addresses may a client speak http.
        self.relay = self.bed.host('relay', network='10.{}.0')
        self.ice = {}
        if stun or turn:
            self.turn = self.bed.host('turn')
            TURN_SERVERS[turn or 'coturn'](self)
        if turn:
            self.ice |= {'TURN_SECRET': TURN_SECRET, 'TURN_TTL': str(turn_ttl)}
        elif stun:
            self.ice = {'STUN_URLS': f'stun:{self.turn.address}:{TURN_PORT}'}
        self.start_relay()
        for name in ('alice', 'bob'):
            self.dao_identity(name, 'new', '--relay', f'http://{self.relay.address}:{PORT}')
            self.dao_identity(name, 'register')
        self.aliases = {name: self.dao_identity(name, 'show')['alias'] for name in ('alice', 'bob')}
        self.dao_identity('alice', 'add', self.aliases['bob'])
        self.dao_identity('bob', 'accept', self.aliases['alice'])
        self.dao_identity('alice', 'list')

    def __enter__(self):
        return self

    def __exit__(self, kind, *why):
        try:
            if kind is not None and (logs := os.environ.get('DAO_NETBED_LOGS')):
                self.keep_logs(logs)
        finally:
            self.bed.__exit__()

    def keep_logs(self, directory):
        for process in self.bed.processes:
            name = f'{os.getpid()}-{self.bed.number}-{process.name.replace(" ", "-")}.log'
            with open(f'{directory}/{name}', 'w', encoding='utf-8') as file:
                file.writelines(f'{when:.3f} {line}\n' for when, line in process.lines)

    # --- servers ---

    def start_relay(self):
        self.relay_process = self.relay.start('dao-relay', [
            self.build.relay, '--listen', f'{self.relay.address}:{PORT}',
            '--db', f'{self.bed.files}/relay.db'], **self.ice)
        self.relay_process.wait_for(LISTENING, 10)

    def _start_coturn(self, *options):
        require({'turnserver': 'coturn'})
        address = self.turn.address
        self.turn_process = self.turn.start('coturn', [
            'turnserver', '-n', '--no-cli', '--no-dtls', '--log-file=stdout',
            f'--listening-ip={address}', f'--relay-ip={address}',
            '--realm=dao', '--use-auth-secret', f'--static-auth-secret={TURN_SECRET}',
            f'--userdb={self.bed.files}/turn.db', f'--pidfile={self.bed.files}/turn.pid', *options])
        self.turn_process.wait_for(COTURN_READY, 10)

    def start_coturn(self):
        """The real coturn, over UDP and TCP."""
        self._start_coturn('--no-tls', f'--listening-port={TURN_PORT}')
        host = f'{self.turn.address}:{TURN_PORT}'
        self.ice = {'TURN_HOST': f'turn:{host}?transport={self.turn_transport}' if self.turn_transport else host}

    def start_coturn_ipv6(self):
        """The real coturn over IPv6, to alice alone; what it relays is IPv4."""
        for host in self.alice, self.turn:
            self.bed.add_ipv6(host)
        self._start_coturn('--no-tls', f'--listening-port={TURN_PORT}', f'--listening-ip={self.turn.address6}')
        self.ice = {'TURN_HOST': f'turn:[{self.turn.address6}]:{TURN_PORT}?transport=udp'}

    def _start_coturn_tls(self, address, *options):
        self.ca_file, certificate, key = make_certificate(self.bed.files, address)
        self._start_coturn('--no-udp', '--no-tcp', f'--tls-listening-port={TURN_TLS_PORT}',
                           f'--cert={certificate}', f'--pkey={key}', *options)

    def start_coturn_dual(self):
        """The real coturn over both; alice has IPv6, too."""
        for host in self.alice, self.turn:
            self.bed.add_ipv6(host)
        self._start_coturn('--no-tls', f'--listening-port={TURN_PORT}', f'--listening-ip={self.turn.address6}',
                           f'--relay-ip={self.turn.address6}')
        self.ice = {'TURN_HOST': f'turn:{self.turn.address}:{TURN_PORT}?transport=udp,'
                                 f'turn:[{self.turn.address6}]:{TURN_PORT}?transport=udp'}

    def start_coturn_tls(self):
        """The real coturn, over TLS and nothing else, with a certificate of a CA of ours (ca_file)."""
        self._start_coturn_tls(self.turn.address)
        self.ice = {'TURN_HOST': f'turns:{self.turn.address}:{TURN_TLS_PORT}'}

    def start_coturn_ipv6_tls(self):
        """The same over IPv6, to alice alone, at a URL without a port."""
        for host in self.alice, self.turn:
            self.bed.add_ipv6(host)
        self._start_coturn_tls(self.turn.address6, f'--listening-ip={self.turn.address6}')
        self.ice = {'TURN_HOST': f'turns:[{self.turn.address6}]'}

    def start_ending_turn(self):
        """turnserver.py, whose credentials end, over UDP."""
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'turnserver.py')
        self.turn_process = self.turn.start('turnserver', [
            sys.executable, program, self.turn.address, TURN_PORT, TURN_SECRET, TURN_LIFETIME_S])
        self.turn_process.wait_for(READY, 10)
        self.ice = {'TURN_HOST': f'turn:{self.turn.address}:{TURN_PORT}?transport=udp'}

    def count_paths(self):
        """Counters of UDP and TCP between the two: straight, and through_turn (both its sides)."""
        alice, bob, turn = self.alice.public, self.bob.public, self.turn.public
        both = f'{{ {alice}, {bob} }}'
        self.bed.count('straight', f'ip saddr {both} ip daddr {both}')
        # STUN's own messages and permissions are few and small; media is not
        self.bed.count('through_turn', f'ip daddr {turn} ip length > 100')

    # --- accounts ---

    def identity(self, name):
        return f'{self.bed.files}/{name}.json'

    def dao_identity(self, name, *arguments):
        """Its last line. On the relay's host, so that a bad link does not matter here."""
        output = run('ip', 'netns', 'exec', self.relay.netns, self.build.identity,
                     '--identity', self.identity(name), *arguments)
        return json.loads(output.splitlines()[-1])

    # --- calls ---

    def answer(self, pipeline='', debug='', **env):
        """bob waits for a call, and takes it; `pipeline` is behind `daocallsrc ... name=c`."""
        debug = f'*:2,daosession:5,daosignaling:4,daoleg:5{debug}'
        process = self.bob.start('bob', [
            'gst-launch-1.0', '-e', '-m', 'daocallsrc', 'name=c', f'identity={self.identity("bob")}',
            'auto-answer=true', *pipeline.split()], GST_DEBUG=debug, **env)
        process.wait_for(ONLINE, 20)
        return process

    def record(self, path, **how):
        """bob waits for a call, takes it, and writes it down. latency: of his jitter buffer."""
        latency = how.pop('latency', 200)
        return self.answer(
            f'latency={latency} c.video_src ! queue ! mux. c.audio_src ! queue ! matroskamux name=mux '
            f'! filesink location={path}', **how)

    def _caller(self, properties):
        return (f'daocallsrc name=c identity={self.identity("alice")} '
                f'peer={self.aliases["bob"]} e2ee=required {properties}')

    def play(self, path, properties='', **env):
        """alice calls bob, plays a file into the call, and hangs up."""
        return self.alice.start('alice', [
            f'{self.build.media}/play-call', '--limit', '120', self._caller(properties)
            + f' filesrc location={path} ! matroskademux name=d'
              ' d.video_0 ! queue ! clocksync ! c.video_sink'
              ' d.audio_0 ! queue ! clocksync ! c.audio_sink'],
            GST_DEBUG='*:2,daosession:5,daosignaling:4,daoleg:5', **env)

    def place(self, pipeline='', debug='', **env):
        """alice calls bob until she is interrupted; `pipeline` is behind `daocallsrc ... name=c`."""
        return self.alice.start('alice', [
            'gst-launch-1.0', '-e', '-m', *self._caller(pipeline).split()],
            GST_DEBUG=f'*:2,daosession:5,daosignaling:4,daoleg:5{debug}', **env)

    def call(self, properties='', debug='', **env):
        """The same with sound alone."""
        return self.place(f'{properties} audiotestsrc is-live=true ! c.audio_sink', debug, **env)

    def frame_times(self, path, pad):
        """When each encoded frame of a recorded file is shown, in seconds."""
        text = run('gst-launch-1.0', '-v', 'filesrc', f'location={path}', '!', 'matroskademux',
                   'name=d', f'd.{pad}', '!', 'identity', 'silent=false', '!', 'fakesink')
        return [int(h) * 3600 + int(m) * 60 + float(s)
                for h, m, s in re.findall(r'pts: (\d+):(\d+):([\d.]+)', text)]

    def compare(self, sent, recorded):
        """What compare-media says: (all ok, its lines)."""
        result = subprocess.run([f'{self.build.media}/compare-media', '--same-frames', sent, recorded],
                                capture_output=True, text=True)
        return result.returncode == 0, result.stdout + result.stderr


TURN_SERVERS = {'coturn': Calls.start_coturn, 'coturn-ipv6': Calls.start_coturn_ipv6, 'coturn-ipv6-tls': Calls.start_coturn_ipv6_tls,
                'coturn-dual': Calls.start_coturn_dual, 'coturn-tls': Calls.start_coturn_tls,
                'ending': Calls.start_ending_turn}


def time_to_connect(caller, seconds=CONNECT_S):
    """From the first frame of signaling to media, in seconds."""
    connected, _ = caller.wait_for(CONNECTED, seconds)
    calling, _ = caller.find(CALLING)
    return connected - calling


class Report:
    """Prints what was measured, and remembers whether all of it was good."""

    def __init__(self):
        self.failed = False
        self.started = time.monotonic()

    def say(self, text):
        print(f'{time.monotonic() - self.started:6.1f} s  {text}', flush=True)

    def check(self, ok, text):
        self.say(f'{"ok  " if ok else "FAIL"} {text}')
        self.failed |= not ok

    def show(self, text, lines=60):
        for line in text.splitlines()[-lines:]:
            print('          | ' + line, flush=True)


def main(scenarios):
    """`test-NAME.py SOURCE-DIRECTORY BUILD-DIRECTORY SCENARIO...`"""
    from netbed import enter
    if len(sys.argv) < 4 or not set(sys.argv[3:]) <= set(scenarios):
        sys.exit(f'usage: {sys.argv[0]} SOURCE-DIRECTORY BUILD-DIRECTORY {"|".join(scenarios)}...')
    enter()
    report = Report()
    build = Build(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
    for name in sys.argv[3:]:
        report.say(f'== {name}')
        try:
            scenarios[name](build, report)
        except Failure as failure:
            report.check(False, str(failure))
    sys.exit(1 if report.failed else 0)
