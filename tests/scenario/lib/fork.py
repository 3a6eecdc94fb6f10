#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fork.py FILE PORT_A PORT_B: a UDP port in front of two others, of which the one goes on that FILE names, "a" or "b".

So a device changes its way to the server and does not know of it."""
import select
import socket
import sys

front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
front.bind(("127.0.0.1", 0))
back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
back.bind(("127.0.0.1", 0))
print("port", front.getsockname()[1], flush=True)
ways = {"a": ("127.0.0.1", int(sys.argv[2])), "b": ("127.0.0.1", int(sys.argv[3]))}
device = None
while True:
    for ready in select.select([front, back], [], [])[0]:
        datagram, source = ready.recvfrom(2048)
        if ready is front:
            device = source
            with open(sys.argv[1]) as file:
                back.sendto(datagram, ways[file.read().strip()])
        elif device:
            front.sendto(datagram, device)
