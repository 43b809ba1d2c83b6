#!/usr/bin/env python3
# A small TURN server over UDP (RFC 8656) whose credentials end, which coturn's do not.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   turnserver.py ADDRESS PORT SECRET LIFETIME
#
# coturn 4.6 looks at the expiry in a username (of the TURN REST draft) when a client allocates, and never again; other
# servers end a client's allocations with its credentials. Here every request of expired credentials is
# refused, and an allocation lives LIFETIME seconds unless it is refreshed. A line of "refuse" on stdin
# refuses all new allocations, "accept" takes them again. Prints a line for what happens to an allocation.

import os
import selectors
import socket
import struct
import sys
import time

from turnmessage import *

REALM_NAME = 'dao'
UNAUTHORIZED, MISMATCH, QUOTA = 401, 437, 486
NAMES = {ALLOCATE: 'allocate', REFRESH: 'refresh', PERMISSION: 'permission', CHANNEL: 'channel'}


class Allocation:
    """A relay address of one client, and with whom it may speak."""

    def __init__(self, server, client, username):
        self.server, self.client, self.username = server, client, username
        self.relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.relay.bind((server.address, 0))
        self.relay.setblocking(False)
        self.permitted = set()
        self.channels = {}      # number: peer
        self.until = time.monotonic() + server.lifetime

    def from_peer(self):
        try:
            data, peer = self.relay.recvfrom(65536)
        except OSError:         # ended, a moment ago
            return
        if peer[0] not in self.permitted:
            return
        for number, bound in self.channels.items():
            if bound == peer:
                self.server.send(struct.pack('!HH', number, len(data)) + data, self.client)
                return
        transaction = os.urandom(12)
        self.server.send(build(DATA | INDICATION, transaction, [
            (PEER, xor_address(*peer, transaction)), (DATA_ATTRIBUTE, data)]), self.client)

    def to_peer(self, data, peer):
        if peer and peer[0] in self.permitted:
            try:
                self.relay.sendto(data, peer)
            except OSError:     # a queue is full, a peer is not reachable: a lost packet
                pass


class Server:
    def __init__(self, address, port, secret, lifetime):
        self.address, self.secret, self.lifetime = address, secret, lifetime
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.allocations = {}   # client: Allocation
        self.refusing = False
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.socket, selectors.EVENT_READ, self.from_client)
        self.selector.register(sys.stdin, selectors.EVENT_READ, self.command)

    def run(self):
        print('ready', flush=True)
        while True:
            for key, _ in self.selector.select(0.2):
                key.data()
            for allocation in [a for a in self.allocations.values() if time.monotonic() > a.until]:
                self.end(allocation, 'expired')

    def command(self):
        self.refusing = sys.stdin.readline().strip() == 'refuse'

    def send(self, data, client):
        self.socket.sendto(data, client)

    def say(self, what, username):
        print(f'{what} {username}', flush=True)

    def end(self, allocation, why):
        self.say(why, allocation.username)
        self.selector.unregister(allocation.relay)
        allocation.relay.close()
        del self.allocations[allocation.client]

    # --- requests ---

    def from_client(self):
        data, client = self.socket.recvfrom(65536)
        allocation = self.allocations.get(client)
        if data[0] & 0xC0:
            number, length = struct.unpack('!HH', data[:4])
            if allocation:
                allocation.to_peer(data[4:4 + length], allocation.channels.get(number))
            return
        kind, transaction, found = read(data)
        if kind == SEND | INDICATION:
            if allocation:
                allocation.to_peer(found[DATA_ATTRIBUTE], read_address(found[PEER], transaction))
        elif kind == BINDING:
            self.send(build(BINDING | SUCCESS, transaction,
                            [(MAPPED, xor_address(*client, transaction))]), client)
        elif kind in NAMES:
            self.answer(data, client, kind, transaction, found)

    def answer(self, data, client, method, transaction, found):
        username = found.get(USERNAME, b'').decode()
        key = long_term_key(username, REALM_NAME, rest_password(self.secret, username))
        if not username or not is_signed(data, key) or self.expired(username):
            if username:
                self.say(f'{NAMES[method]} refused', username)
            return self.refuse(client, method, transaction, UNAUTHORIZED)
        code, attributes = getattr(self, NAMES[method])(client, username, transaction, found)
        if code:
            return self.refuse(client, method, transaction, code)
        self.send(build(method | SUCCESS, transaction, attributes, key), client)

    def refuse(self, client, method, transaction, code):
        self.send(build(method | ERROR, transaction, [
            (ERROR_CODE, struct.pack('!HBB', 0, code // 100, code % 100) + b'refused'),
            (REALM, REALM_NAME.encode()), (NONCE, b'nonce')]), client)

    def expired(self, username):
        return int(username.split(':')[0]) < time.time()

    def allocate(self, client, username, transaction, found):
        if self.refusing:
            self.say('allocate refused', username)
            return QUOTA, None
        allocation = self.allocations.get(client)
        if not allocation:
            allocation = self.allocations[client] = Allocation(self, client, username)
            self.selector.register(allocation.relay, selectors.EVENT_READ, allocation.from_peer)
            self.say('allocated', username)
        return 0, [(RELAYED, xor_address(*allocation.relay.getsockname(), transaction)),
                   (MAPPED, xor_address(*client, transaction)),
                   (LIFETIME, struct.pack('!I', self.lifetime))]

    def refresh(self, client, username, transaction, found):
        allocation = self.allocations.get(client)
        if not allocation:
            return MISMATCH, None
        if found.get(LIFETIME) == b'\0\0\0\0':
            self.end(allocation, 'released')
            return 0, [(LIFETIME, b'\0\0\0\0')]
        allocation.until = time.monotonic() + self.lifetime
        return 0, [(LIFETIME, struct.pack('!I', self.lifetime))]

    def permission(self, client, username, transaction, found):
        if client not in self.allocations:
            return MISMATCH, None
        self.allocations[client].permitted.add(read_address(found[PEER], transaction)[0])
        return 0, []

    def channel(self, client, username, transaction, found):
        if client not in self.allocations:
            return MISMATCH, None
        peer = read_address(found[PEER], transaction)
        self.allocations[client].permitted.add(peer[0])
        self.allocations[client].channels[struct.unpack('!H', found[CHANNEL_NUMBER][:2])[0]] = peer
        return 0, []


Server(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])).run()
