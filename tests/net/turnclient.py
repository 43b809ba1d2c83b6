# A small TURN client over UDP (RFC 8656): allocations, permissions and data, for tests of servers.
# SPDX-License-Identifier: LGPL-2.1-or-later

import base64
import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import time

MAGIC = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, PERMISSION = 3, 4, 6, 7, 8
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
USERNAME, INTEGRITY, ERROR_CODE, PEER, DATA_ATTRIBUTE, REALM, NONCE = 0x06, 0x08, 0x09, 0x12, 0x13, 0x14, 0x15
RELAYED, FAMILY, TRANSPORT = 0x16, 0x17, 0x19


def rest_credential(secret, user, ttl):
    """What dao-relay hands out: username EXPIRY:USER and its password."""
    username = f'{int(time.time()) + ttl}:{user}'
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def attribute(kind, value):
    return struct.pack('!HH', kind, len(value)) + value + b'\0' * (-len(value) % 4)


def xor_address(address, port, transaction):
    ip = ipaddress.ip_address(address)
    mask = struct.pack('!I', MAGIC) + transaction
    return (struct.pack('!BBH', 0, 1 if ip.version == 4 else 2, port ^ (MAGIC >> 16))
            + bytes(a ^ b for a, b in zip(ip.packed, mask)))


def read_address(value, transaction):
    mask = struct.pack('!I', MAGIC) + transaction
    port = struct.unpack('!H', value[2:4])[0] ^ (MAGIC >> 16)
    return str(ipaddress.ip_address(bytes(a ^ b for a, b in zip(value[4:], mask)))), port


class Client:
    """One allocation. Methods return 0, or the error code the server gave."""

    def __init__(self, server, username, password, source=''):
        self.server, self.username, self.password = server, username, password
        family = socket.AF_INET6 if ':' in server[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        if source:
            self.socket.bind((source, 0))
        self.realm = self.nonce = None
        self.relayed = None

    def close(self):
        self.socket.close()

    def _send(self, kind, attributes, sign):
        transaction = os.urandom(12)
        body = b''.join(attribute(k, v(transaction) if callable(v) else v) for k, v in attributes)
        if sign:
            body += (attribute(USERNAME, self.username.encode()) + attribute(REALM, self.realm)
                     + attribute(NONCE, self.nonce))
            key = hashlib.md5(f'{self.username}:{self.realm.decode()}:{self.password}'.encode()).digest()
            head = struct.pack('!HHI', kind, len(body) + 24, MAGIC) + transaction
            body += attribute(INTEGRITY, hmac.new(key, head + body, hashlib.sha1).digest())
        self.socket.sendto(struct.pack('!HHI', kind, len(body), MAGIC) + transaction + body, self.server)
        return transaction

    def receive(self):
        """(type, transaction, {attribute: value}) of the next message."""
        data = self.socket.recv(65536)
        kind, length, _ = struct.unpack('!HHI', data[:8])
        found, at = {}, 20
        while at + 4 <= 20 + length:
            name, size = struct.unpack('!HH', data[at:at + 4])
            found[name] = data[at + 4:at + 4 + size]
            at += 4 + size + (-size % 4)
        return kind, data[8:20], found

    def _request(self, method, attributes):
        for attempt in range(2):
            transaction = self._send(method | REQUEST, attributes, self.nonce is not None)
            kind, answered, found = self.receive()
            while answered != transaction:
                kind, answered, found = self.receive()
            if kind == method | SUCCESS:
                return 0, transaction, found
            code = found[ERROR_CODE][2] * 100 + found[ERROR_CODE][3]
            if code not in (401, 438) or attempt:
                return code, transaction, found
            self.realm, self.nonce = found[REALM], found[NONCE]
        raise AssertionError

    def allocate(self):
        family = [(FAMILY, b'\2\0\0\0')] if ':' in self.server[0] else []
        code, transaction, found = self._request(ALLOCATE, [(TRANSPORT, b'\x11\0\0\0')] + family)
        if code == 0:
            self.relayed = read_address(found[RELAYED], transaction)
        return code

    def refresh(self):
        return self._request(REFRESH, [])[0]

    def permit(self, address):
        return self._request(PERMISSION, [(PEER, lambda t: xor_address(address, 0, t))])[0]

    def send(self, peer, data):
        self._send(SEND | INDICATION, [(PEER, lambda t: xor_address(*peer, t)), (DATA_ATTRIBUTE, data)], False)

    def data(self):
        """Data of the next indication, and from whom."""
        while True:
            kind, transaction, found = self.receive()
            if kind == DATA | INDICATION:
                return found[DATA_ATTRIBUTE], read_address(found[PEER], transaction)
