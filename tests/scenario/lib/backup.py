# SPDX-License-Identifier: Apache-2.0
"""backup.py numbers RECORD SINCE: what the server sent since that time (us since 1970): the lowest
number of its own, how many there are, and how many are used for two different messages of one device
(over the whole recording).
backup.py replay RECORD PORT UNTIL: sends every request of before that time again, from elsewhere;
prints how many, and how many protected answers came.
backup.py ask PORT: an unprotected request; prints the code of the answer."""
import json
import socket
import sys


def option9(data):
	"""The value of the OSCORE option, or None."""
	at, number = 4 + (data[0] & 15), 0
	while at < len(data) and data[at] != 0xff:
		delta, length = data[at] >> 4, data[at] & 15
		at += 1
		extended = []
		for v in (delta, length):
			if v == 13:
				v, at = 13 + data[at], at + 1
			elif v == 14:
				v, at = 269 + (data[at] << 8) + data[at + 1], at + 2
			extended.append(v)
		number += extended[0]
		if number == 9:
			return data[at:at + extended[1]]
		at += extended[1]
	return None


def partial_iv(data):
	option = option9(data)
	if not option or not option[0] & 7:
		return None
	return int.from_bytes(option[1:1 + (option[0] & 7)], "big")


def is_request(data):
	return len(data) > 4 and 0 < data[1] < 0x20


def recorded(path):
	with open(path, encoding="utf-8") as f:
		for line in f:
			r = json.loads(line)
			yield r["t"], r["dir"], r["endpoint"], bytes.fromhex(r["hex"])


def numbers(path, since):
	own, used, twice = [], {}, 0
	for t, direction, endpoint, data in recorded(path):
		number = partial_iv(data) if direction == "in" else None
		if number is None:
			continue
		# a retransmission is the same bytes
		twice += used.setdefault((endpoint, number), data) != data
		if t >= int(since):
			own.append(number)
	print(min(own, default=-1), len(own), twice)


def replay(path, port, until):
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.connect(("127.0.0.1", int(port)))
	s.settimeout(0.005)
	sent = protected = 0
	for t, direction, _, data in recorded(path):
		if direction != "out" or not is_request(data) or t >= int(until):
			continue
		s.send(data)
		sent += 1
		try:
			protected += option9(s.recv(2048)) is not None
		except TimeoutError:
			pass
	print(sent, protected)


def ask(port):
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.connect(("127.0.0.1", int(port)))
	s.settimeout(5)
	s.send(bytes([0x40, 0x02, 0x12, 0x34, 0xb2]) + b"rd")
	code = s.recv(2048)[1]
	print("%d.%02d" % (code >> 5, code & 31))


if __name__ == "__main__":
	{"numbers": numbers, "replay": replay, "ask": ask}[sys.argv[1]](*sys.argv[2:])
