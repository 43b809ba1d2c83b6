#!/usr/bin/env python3
# Every packet of a network device, of whatever protocol, as flows.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   capture.py DEVICE [ADDRESS...]
#
# Prints a line for each new flow, "flow PROTOCOL SOURCE PORT DESTINATION PORT", one with the first 16 bytes that the flow
# carries, "begins PROTOCOL SOURCE PORT DESTINATION PORT HEX", and "names ADDRESS PROTOCOL SOURCE PORT DESTINATION PORT"
# for a STUN message that names one of the addresses. A line on stdin is answered with the packets of each flow,
# "packets NUMBER PROTOCOL SOURCE PORT DESTINATION PORT", and "end".

import ipaddress
import selectors
import socket
import struct
import sys

ALL_PROTOCOLS = 3
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
TCP, UDP, ICMPV6 = 6, 17, 58
COOKIE = b'\x21\x12\xa4\x42'


def read_ip(kind, packet):
    """(protocol, source, destination, what it carries)"""
    if kind == IPV4:
        head = (packet[0] & 15) * 4
        return packet[9], packet[12:16], packet[16:20], packet[head:struct.unpack('!H', packet[2:4])[0]]
    return packet[6], packet[8:24], packet[24:40], packet[40:]


def read_ports(protocol, segment):
    """(source, destination, payload); no ports where there are none"""
    if protocol not in (TCP, UDP):
        return 0, 0, segment
    source, destination = struct.unpack('!HH', segment[:4])
    return source, destination, segment[8 if protocol == UDP else (segment[12] >> 4) * 4:]


def names(message, packed):
    """Does an address stand in a STUN message, plain, or as XOR-MAPPED-ADDRESS has it (RFC 8489, 14.2)?"""
    cookie_and_transaction = message[4:20]
    return any(form in message[20:] for form in
               (packed, bytes(a ^ b for a, b in zip(packed, cookie_and_transaction))))


def is_neighbour_discovery(protocol, segment):
    """What ARP is for IPv4 (RFC 4861)"""
    return protocol == ICMPV6 and 133 <= segment[0] <= 137


class Capture:
    def __init__(self, device, addresses):
        self.flows, self.begun = {}, set()
        self.names = {address: ipaddress.ip_address(address).packed for address in addresses}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((device, 0))

    def packet(self):
        frame = self.socket.recv(65536)
        kind = struct.unpack('!H', frame[12:14])[0]
        if kind == ARP:
            return
        if kind not in (IPV4, IPV6):
            flow, payload = (f'ethertype-{kind:04x}', '-', 0, '-', 0), b''
        else:
            protocol, source, destination, segment = read_ip(kind, frame[14:])
            if is_neighbour_discovery(protocol, segment):
                return
            source_port, destination_port, payload = read_ports(protocol, segment)
            flow = ({TCP: 'tcp', UDP: 'udp'}.get(protocol, protocol), ipaddress.ip_address(source), source_port,
                    ipaddress.ip_address(destination), destination_port)
        if flow not in self.flows:
            print('flow', *flow, flush=True)
        self.flows[flow] = self.flows.get(flow, 0) + 1
        if payload and flow not in self.begun:
            self.begun.add(flow)
            print('begins', *flow, payload[:16].hex(), flush=True)
        if payload[4:8] == COOKIE:
            for address, packed in self.names.items():
                if names(payload, packed):
                    print('names', address, *flow, flush=True)

    def report(self):
        sys.stdin.readline()
        for flow, number in self.flows.items():
            print('packets', number, *flow)
        print('end', flush=True)

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.socket, selectors.EVENT_READ, self.packet)
        selector.register(sys.stdin, selectors.EVENT_READ, self.report)
        print('ready', flush=True)
        while True:
            for key, _ in selector.select():
                key.data()


Capture(sys.argv[1], sys.argv[2:]).run()
