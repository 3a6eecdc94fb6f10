# SPDX-License-Identifier: Apache-2.0
"""For contract.py: a device without security that registers and answers nothing it is asked."""
import os
import socket


def option(number, value, last):
    delta, n = number - last, len(value)
    head, more = [], b""
    for v in (delta, n):
        if v < 13:
            head.append(v)
        else:
            head.append(13)
            more += bytes([v - 13])
    return bytes([head[0] << 4 | head[1]]) + more + value


class Silent:
    POST, DELETE = 2, 4

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        self.mid = int.from_bytes(os.urandom(2), "big")
        self.location = None
        self.lifetime = 300

    def ask(self, code, options, payload=b""):
        """Sends a request until it is answered; (code, options of the answer)."""
        self.mid = (self.mid + 1) & 0xffff
        message = bytes([0x41, code]) + self.mid.to_bytes(2, "big") + b"t"
        last = 0
        for number, value in options:
            message += option(number, value, last)
            last = number
        if payload:
            message += b"\xff" + payload
        self.socket.send(message)
        while True:
            answer = self.socket.recv(2048)
            # Requests of the server are left alone.
            if answer[0] >> 4 == 6 and answer[2:4] == self.mid.to_bytes(2, "big"):
                return answer[1], self.options(answer[5:])

    @staticmethod
    def options(data):
        out, number = [], 0
        while data and data[0] != 0xff:
            delta, n, data = data[0] >> 4, data[0] & 15, data[1:]
            if delta == 13:
                delta, data = data[0] + 13, data[1:]
            if n == 13:
                n, data = data[0] + 13, data[1:]
            number += delta
            out.append((number, data[:n]))
            data = data[n:]
        return out

    def register(self, name, lifetime, *more):
        query = [f"ep={name}", f"lt={lifetime}", "lwm2m=1.1", "b=U", *more]
        options = [(11, b"rd"), (12, b"\x28")] + [(15, q.encode()) for q in query]
        code, answer = self.ask(self.POST, options, b"</1/0>,</3/0>,</3303/0>")
        self.location = [v for n, v in answer if n == 8]
        return code == 0x41

    def update(self):
        """Of its lifetime: one that changes nothing is no event."""
        self.lifetime += 1
        options = [(11, v) for v in self.location] + [(15, f"lt={self.lifetime}".encode())]
        return self.ask(self.POST, options)[0] == 0x44

    def send(self, pack):
        """A Send of SenML JSON."""
        return self.ask(self.POST, [(11, b"dp"), (12, b"\x6e")], pack)[0] == 0x44

    def deregister(self):
        return self.ask(self.DELETE, [(11, v) for v in self.location])[0] == 0x42
