#!/usr/bin/python3
# The configuration of tools/coturn-config with the real coturn: what it relays, and what it refuses.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   test-coturn.py SOURCE_ROOT

import os
import ssl
import subprocess
import sys
import time
import unittest

import netbed
import netcall
from turnclient import Client, rest_credential

TLS_PORT = netcall.TURN_TLS_PORT
SECRET = 'not-a-secret-of-anybody'
FORBIDDEN = 403
QUOTA = 486
UNAUTHORIZED = 401

# Everything is one host: whatever address a peer has, it is this one's.
LAN, LAN6 = '10.9.0.1', 'fd09::1'
PUBLIC, PUBLIC6 = '89.0.0.1', '2a00::1'
CALLER, CALLER6 = '10.9.0.2', 'fd09::2'
PEER, PEER6 = '89.0.0.9', '2a00::9'
INTERNAL = ['10.0.0.0', '10.8.0.5', '10.9.0.0', '10.9.0.2', '10.10.0.0', '10.255.255.255', '192.168.0.1', '172.16.0.1', '172.31.255.255', '169.254.169.254', '127.0.0.1',
            '127.0.0.2', '0.0.0.0', '0.0.0.1', '100.64.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '239.255.255.255', '240.0.0.1',
            '255.255.255.255']
INTERNAL6 = ['::', '::1', 'fd09::', 'fd09::2', 'fd09::3', 'fd0a::', 'fd0a::1', 'fdff::1', 'fc00::1', 'fe80::1', 'ff02::1', '::ffff:10.9.0.2', '64:ff9b::a09:2', '2001:db8::1', '2002:a09:2::1']

secret_file = netbed.FILES + '/secret'


def make_config(*options):
    return netbed.run(sys.executable, sys.argv[1] + '/tools/coturn-config', '--secret-file', secret_file, *options)


class Coturn:
    """A running coturn with the recipe's configuration."""

    def __init__(self, *options, before='', after=''):
        path = netbed.FILES + '/turnserver.conf'
        with open(path, 'w', encoding='utf-8') as file:
            file.write(before + make_config(*options) + after)
        with open(netbed.FILES + '/coturn.log', 'w', encoding='utf-8') as log:
            self.child = subprocess.Popen(['turnserver', '-c', path, '--log-file=stdout', '--userdb=' + netbed.FILES + '/db',
                                           '--pidfile=' + netbed.FILES + '/pid'], stdout=log, stderr=log)
        self.clients = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for client in self.clients:
            client.close()
        self.child.kill()
        self.child.wait()

    def client(self, server, source, user='alice', ttl=600, secret=SECRET, **how):
        client = Client((server, TLS_PORT if how else 3478), *rest_credential(secret, user, ttl), source, **how)
        self.clients.append(client)
        return client

    def allocation(self, server, source, user='alice', **how):
        deadline = time.monotonic() + 10
        while True:
            try:
                client = self.client(server, source, user, **how)
                client.socket.settimeout(0.5)
                code = client.allocate()
                break
            except ssl.SSLError:
                raise
            except OSError:     # not listening yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        assert code == 0, code
        client.socket.settimeout(5)
        return client


class Recipe(unittest.TestCase):
    def expect_call(self, one, other):
        """Data both ways between two allocations, each the other's peer."""
        self.assertEqual(one.permit(other.relayed[0]), 0)
        self.assertEqual(other.permit(one.relayed[0]), 0)
        one.send(other.relayed, b'hello')
        self.assertEqual(other.data(), (b'hello', one.relayed))
        other.send(one.relayed, b'and back')
        self.assertEqual(one.data(), (b'and back', other.relayed))

    def expect_refused(self, client, addresses):
        for address in addresses:
            with self.subTest(address):
                self.assertNotEqual(client.permit(address), 0)

    def test_call_on_one_lan(self):
        with Coturn('--relay-ip', LAN) as turn:
            self.expect_call(turn.allocation(LAN, CALLER), turn.allocation(LAN, CALLER, 'bob'))

    def test_call_on_one_lan_over_ipv6(self):
        with Coturn('--relay-ip', LAN6) as turn:
            self.expect_call(turn.allocation(LAN6, CALLER6), turn.allocation(LAN6, CALLER6, 'bob'))

    def test_call_on_a_public_address(self):
        with Coturn('--relay-ip', PUBLIC) as turn:
            alice = turn.allocation(PUBLIC, CALLER)
            self.expect_call(alice, turn.allocation(PUBLIC, CALLER, 'bob'))
            self.assertEqual(alice.permit(PEER), 0)

    def test_call_behind_an_address_translation(self):
        with Coturn('--relay-ip', LAN, '--external-ip', PUBLIC) as turn:
            alice = turn.allocation(LAN, CALLER)
            self.assertEqual(alice.relayed[0], PUBLIC)
            self.expect_call(alice, turn.allocation(LAN, CALLER, 'bob'))
            self.expect_refused(alice, INTERNAL)

    def test_guard_internal_peers_are_refused(self):
        for relay in LAN, PUBLIC:
            with Coturn('--relay-ip', relay) as turn:
                client = turn.allocation(relay, CALLER)
                self.assertEqual(client.permit('10.9.0.2'), FORBIDDEN)
                self.expect_refused(client, INTERNAL)
                self.assertEqual(client.permit(PEER), 0)

    def test_guard_internal_peers_are_refused_over_ipv6(self):
        for relay in LAN6, PUBLIC6:
            with Coturn('--relay-ip', relay) as turn:
                client = turn.allocation(relay, CALLER6)
                self.assertEqual(client.permit('fd09::2'), FORBIDDEN)
                self.expect_refused(client, INTERNAL6)
                self.assertEqual(client.permit(PEER6), 0)

    def test_allowed_peers_go_before_denied_ones(self):
        """docs/turn.md: wherever in the file, an address or a range, but never loopback and groups."""
        allowed = 'allowed-peer-ip=10.9.0.2', 'allowed-peer-ip=192.168.0.0-192.168.0.255', 'allowed-peer-ip=127.0.0.1', 'allowed-peer-ip=239.0.0.1'
        for where in 'before', 'after':
            with Coturn('--relay-ip', LAN, **{where: '\n'.join(allowed) + '\n'}) as turn, self.subTest(where):
                client = turn.allocation(LAN, CALLER)
                self.assertEqual([client.permit(a) for a in ('10.9.0.2', '192.168.0.1')], [0, 0])
                self.expect_refused(client, ['10.9.0.0', '10.9.0.3', '192.168.1.0', '127.0.0.1', '239.0.0.1'])

    def test_call_over_tls(self):
        ca_file, cert, key = netcall.make_certificate(netbed.FILES, LAN)
        with Coturn('--relay-ip', LAN, '--cert', cert, '--key', key) as turn:
            trusting = ssl.create_default_context(cafile=ca_file)
            alice = turn.allocation(LAN, CALLER, tls=trusting)
            with open(cert, encoding='ascii') as file:
                self.assertEqual(alice.socket.getpeercert(True), ssl.PEM_cert_to_DER_cert(file.read()))
            self.expect_call(alice, turn.allocation(LAN, CALLER, 'bob'))
            self.assertEqual(turn.client(LAN, CALLER, secret='x', tls=trusting).allocate(), UNAUTHORIZED)
            with self.assertRaises(ssl.SSLCertVerificationError):
                turn.client(LAN, CALLER, tls=ssl.create_default_context())

    def test_without_a_certificate_there_is_no_tls(self):
        with Coturn('--relay-ip', LAN) as turn:
            turn.allocation(LAN, CALLER)
            with self.assertRaises(ConnectionRefusedError):
                turn.client(LAN, CALLER, tls=ssl.create_default_context())

    def test_guard_wrong_and_expired_credentials_are_refused(self):
        with Coturn('--relay-ip', LAN) as turn:
            turn.allocation(LAN, CALLER)
            self.assertEqual(turn.client(LAN, CALLER, secret='x').allocate(), UNAUTHORIZED)
            self.assertEqual(turn.client(LAN, CALLER, ttl=-1).allocate(), UNAUTHORIZED)

    def test_guard_an_account_has_a_quota(self):
        with Coturn('--relay-ip', LAN) as turn:
            for _ in range(12):
                turn.allocation(LAN, CALLER)
            # another credential of the same account, and another account
            self.assertEqual(turn.client(LAN, CALLER, ttl=700).allocate(), QUOTA)
            turn.allocation(LAN, CALLER, 'bob')

    def test_options(self):
        for options in [], ['--relay-ip', 'x'], ['--relay-ip', LAN, '--cert', 'c.pem']:
            with self.assertRaises(netbed.Failure):
                make_config(*options)


netbed.require({'turnserver': 'coturn'})
netbed.enter()
netbed.run('ip', 'link', 'set', 'lo', 'up')
for ip in LAN, PUBLIC, CALLER, PEER, LAN6, PUBLIC6, CALLER6, PEER6:
    netbed.run('ip', 'address', 'add', ip, 'dev', 'lo')
with open(secret_file, 'w', encoding='utf-8') as secret_out:
    secret_out.write(SECRET + '\n')
unittest.main(argv=sys.argv[:1] + os.environ.get('DAO_TEST_ARGS', '').split())
