# A small TURN client over UDP or TLS (RFC 8656): allocations, permissions and data, for tests of servers.
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import socket

from turnmessage import *


class Client:
    """One allocation. Methods return 0, or the error code the server gave."""

    def __init__(self, server, username, password, source='', tls=None):
        """tls: an ssl.SSLContext; without it, UDP"""
        self.server, self.username, self.password = server, username, password
        family = socket.AF_INET6 if ':' in server[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM if tls else socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        if source:
            self.socket.bind((source, 0))
        try:
            self.socket.connect(server)
            if tls:
                self.socket = tls.wrap_socket(self.socket, server_hostname=server[0])
        except OSError:
            self.socket.close()
            raise
        self.realm = self.nonce = None
        self.relayed = None

    def close(self):
        self.socket.close()

    def _send(self, kind, attributes, sign):
        transaction = os.urandom(12)
        attributes = [(k, v(transaction) if callable(v) else v) for k, v in attributes]
        key = None
        if sign:
            attributes += [(USERNAME, self.username.encode()), (REALM, self.realm), (NONCE, self.nonce)]
            key = long_term_key(self.username, self.realm.decode(), self.password)
        self.socket.sendall(build(kind, transaction, attributes, key))
        return transaction

    def receive(self):
        """(type, transaction, {attribute: value}) of the next message."""
        if self.socket.type == socket.SOCK_DGRAM:
            return read(self.socket.recv(65536))
        head = self._receive_all(20)
        return read(head + self._receive_all(int.from_bytes(head[2:4], 'big')))

    def _receive_all(self, size):
        data = b''
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError('the server closed')
            data += more
        return data

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
