#!/usr/bin/env python3
# Numbered UDP packets there and back, for the tests of the test bed.
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   udp-echo.py serve PORT
#   udp-echo.py ask HOST PORT PACKETS PER-SECOND SIZE
#
# ask prints one JSON line: round trips of the answers in ms in the order they came, their
# numbers, and the rate at which their bytes came in kbit/s.

import json
import socket
import struct
import sys
import threading
import time

HEADER = struct.Struct('!Id')


def serve(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('0.0.0.0', port))
    print('ready', flush=True)
    while True:
        data, peer = sock.recvfrom(2048)
        sock.sendto(data, peer)


def ask(host, port, packets, per_second, size):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, port))
    sock.settimeout(1)

    def send():
        start = time.monotonic()
        for number in range(packets):
            time.sleep(max(0, start + number / per_second - time.monotonic()))
            sock.send(HEADER.pack(number, time.monotonic()).ljust(size, b'\0'))

    sender = threading.Thread(target=send)
    sender.start()
    numbers, trips, arrivals = [], [], []
    while True:
        try:
            number, sent = HEADER.unpack_from(sock.recv(2048))
        except TimeoutError:
            if sender.is_alive():
                continue
            break
        arrivals.append(time.monotonic())
        numbers.append(number)
        trips.append((arrivals[-1] - sent) * 1000)
    seconds = arrivals[-1] - arrivals[0] if len(arrivals) > 1 else 0
    kbit = (len(arrivals) - 1) * size * 8 / 1000 / seconds if seconds else 0
    print(json.dumps({'numbers': numbers, 'trips': trips, 'kbit': kbit}), flush=True)


if sys.argv[1] == 'serve':
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], *(int(word) for word in sys.argv[3:]))
