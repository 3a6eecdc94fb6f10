#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bridge.py GATEWAY_SOCKET KIND UDP_PORT: an example of a bridge, lanyard-gateway(7).

Whatever comes to the UDP port goes to lanyardd as it is, from the address HOST:PORT, and back. With
UDP a radio network would stand here. What is said on standard output is for those who test."""
import select
import socket
import struct
import sys
import time

VERSION, HELLO, DATAGRAM, UNDELIVERED, MTU, LINK, ERROR = 1, 1, 2, 3, 4, 5, 6
KINDS = {"sms": 1, "lorawan": 2, "nidd": 3, "ble": 4, "other": 5}


def frame(what, kind, address, body=b""):
    return struct.pack("BBBB", VERSION, what, kind, len(address)) + address + body


def connect(path, kind):
    while True:  # lanyardd may not run now
        gateway = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            gateway.connect(path)
            gateway.send(frame(HELLO, kind, b"example"))
            return gateway
        except OSError:
            gateway.close()
            time.sleep(0.2)


def run(path, kind, port):
    radio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    radio.bind(("127.0.0.1", port))
    print("port", radio.getsockname()[1], flush=True)
    gateway = connect(path, kind)
    while True:
        for ready in select.select([radio, gateway], [], [])[0]:
            if ready is radio:
                datagram, (host, source) = radio.recvfrom(2048)
                packet = frame(DATAGRAM, kind, f"{host}:{source}".encode(), datagram)
            else:
                packet = None
            try:
                if packet:
                    gateway.send(packet)
                    print("up", len(datagram), flush=True)
                    continue
                packet = gateway.recv(2048)
            except OSError:
                packet = b""
            if not packet:  # lanyardd has gone, or has had enough of us
                gateway.close()
                gateway = connect(path, kind)
                break
            version, what, its_kind, n = packet[:4]
            if what == DATAGRAM:
                host, _, destination = packet[4:4 + n].decode().rpartition(":")
                radio.sendto(packet[4 + n:], (host, int(destination)))
                print("down", len(packet) - 4 - n, flush=True)
            elif what == ERROR:
                print("error", packet[4 + n:].decode(), flush=True)


run(sys.argv[1], KINDS[sys.argv[2]], int(sys.argv[3]))
