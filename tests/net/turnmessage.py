# Messages of STUN and TURN (RFC 8489, 8656), for the tests' client and server.
# SPDX-License-Identifier: LGPL-2.1-or-later

import base64
import hashlib
import hmac
import ipaddress
import struct
import time

MAGIC = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, PERMISSION, CHANNEL = 1, 3, 4, 6, 7, 8, 9
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
USERNAME, INTEGRITY, ERROR_CODE, CHANNEL_NUMBER, LIFETIME = 0x06, 0x08, 0x09, 0x0C, 0x0D
PEER, DATA_ATTRIBUTE, REALM, NONCE = 0x12, 0x13, 0x14, 0x15
RELAYED, FAMILY, TRANSPORT, MAPPED = 0x16, 0x17, 0x19, 0x20


def rest_password(secret, username):
    """The password that belongs to a username EXPIRY:USER of the TURN REST draft."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()


def rest_credential(secret, user, ttl):
    """What dao-relay hands out: username EXPIRY:USER and its password."""
    username = f'{int(time.time()) + ttl}:{user}'
    return username, rest_password(secret, username)


def long_term_key(username, realm, password):
    return hashlib.md5(f'{username}:{realm}:{password}'.encode()).digest()


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


def build(kind, transaction, attributes, key=None):
    """A message of [(attribute, value)], signed with a key."""
    body = b''.join(attribute(k, v) for k, v in attributes)
    if key:
        head = struct.pack('!HHI', kind, len(body) + 24, MAGIC) + transaction
        body += attribute(INTEGRITY, hmac.new(key, head + body, hashlib.sha1).digest())
    return struct.pack('!HHI', kind, len(body), MAGIC) + transaction + body


def read(data):
    """(type, transaction, {attribute: value})"""
    kind, length, _ = struct.unpack('!HHI', data[:8])
    found, at = {}, 20
    while at + 4 <= 20 + length:
        name, size = struct.unpack('!HH', data[at:at + 4])
        found[name] = data[at + 4:at + 4 + size]
        at += 4 + size + (-size % 4)
    return kind, data[8:20], found


def is_signed(data, key):
    """Whether the message ends in the integrity of that key (and perhaps a fingerprint)."""
    at, length = 20, struct.unpack('!H', data[2:4])[0]
    while at + 4 <= 20 + length:
        name, size = struct.unpack('!HH', data[at:at + 4])
        if name == INTEGRITY:
            head = data[:2] + struct.pack('!H', at + 24 - 20) + data[4:at]
            return hmac.compare_digest(data[at + 4:at + 24], hmac.new(key, head, hashlib.sha1).digest())
        at += 4 + size + (-size % 4)
    return False
