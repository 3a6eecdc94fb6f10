# SPDX-License-Identifier: Apache-2.0
"""A client of RFC 8613 Appendix B.2, written from its text, against a running daemon.

It shares no code with the daemon: messages and keys are those of tests/kill/oscore.py.
"""
import os
import secrets
import socket
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "kill"))
import oscore as o  # noqa: E402
from daemon import Daemon  # noqa: E402

NAME, SECRET, SALT = "b2-device", bytes(range(16)), b"\x09\x08\x07"
DEVICE_ID, SERVER_ID = b"\xd1", b"\x01"
WAIT_S = 2

passed = failed = 0


def check(good, what, detail=""):
	global passed, failed
	passed, failed = passed + bool(good), failed + (not good)
	print(("ok      " if good else "FAILED  ") + what + (" " + str(detail) if not good else ""))
	return good


def context(id_context):
	return o.Context(NAME, "server", SECRET, SALT, DEVICE_ID, SERVER_ID, id_context)


def wrap(value):
	return o.cbor2.dumps(value)


def piv(number):
	return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


class Client:
	"""One exchange at a time, as a device has them."""

	def __init__(self, to):
		self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		self.socket.settimeout(WAIT_S)
		self.to, self.mid = to, secrets.randbelow(60000)

	def send(self, datagram):
		self.socket.sendto(datagram, self.to)

	def receive(self):
		try:
			return o.parse(self.socket.recv(4096))
		except TimeoutError:
			return None

	def ask(self, datagram):
		self.send(datagram)
		return self.receive()

	def request(self, c, number, kid_context, code, options, payload=b""):
		"""(datagram, what its response is opened with)."""
		self.mid += 1
		n = piv(number)
		value = bytes([len(n) | 0x08 | (0x10 if kid_context is not None else 0)]) + n
		if kid_context is not None:
			value += bytes([len(kid_context)]) + kid_context
		value += DEVICE_ID
		inner = o.encode(o.Message(o.CON, code, 0, b"", options, payload))
		inner = inner[1:2] + inner[4:]
		nonce, aad = c.nonce("device", n), c.aad(DEVICE_ID, n)
		m = o.Message(o.CON, o.POST, self.mid, secrets.token_bytes(4), [(o.OSCORE, value)],
			c.seal("device", nonce, aad, inner))
		return o.encode(m), (m.token, nonce, aad)

	def register(self, c, number, kid_context):
		return self.request(c, number, kid_context, o.POST, [(o.URI_PATH, b"rd"), (12, b"\x28"),
			(15, b"ep=" + NAME.encode()), (15, b"lt=300"), (15, b"lwm2m=1.1")], b"</1/0>,</3/0>")


def opened(c, m, asked, nonce=None):
	"""What a response carries; None if it is not authentic under these keys."""
	if m is None or m.option(o.OSCORE) is None or m.token != asked[0]:
		return None
	option = o.parse_option(m.option(o.OSCORE))
	if option.piv is not None:
		nonce = c.nonce("server", option.piv)
	plain = c.open("server", nonce or asked[1], asked[2], m.payload)
	return o.parse_inner(plain) if plain else None


def unprotected(m, code):
	return m is not None and m.option(o.OSCORE) is None and m.code == code


def begin(client, id1, number=0):
	"""Request 1; returns its datagram, and R2 if response 1 is as Appendix B.2 has it."""
	c1 = context(id1)
	datagram, asked = client.register(c1, number, wrap(id1))
	m = client.ask(datagram)
	if m is None or m.option(o.OSCORE) is None:
		return datagram, None, m
	value = m.option(o.OSCORE)
	option = o.parse_option(value)
	check(value[0] == 0x10 and option.piv is None and option.kid is None,
		"response 1: flags 0x10, neither Partial IV nor kid", value.hex())
	r2 = o.cbor2.loads(option.kid_context)
	check(isinstance(r2, bytes) and wrap(r2) == option.kid_context, "response 1: a wrapped R2")
	got = opened(context(r2 + id1), m, asked)
	check(got is not None and got.code == o.UNAUTHORIZED,
		"response 1: 4.01 under R2 | ID1, with the nonce of request 1")
	check(opened(c1, m, asked) is None, "response 1: not under the keys of request 1")
	return datagram, r2, m


def recover(client, r2, number=7):
	"""Request 2; returns its datagram, the new context, and its response."""
	both = r2 + secrets.token_bytes(8)
	c = context(both)
	datagram, asked = client.register(c, number, wrap(both))
	m = client.ask(datagram)
	return datagram, c, both, opened(c, m, asked), m


def served(client, c, number, kid_context, path):
	datagram, asked = client.request(c, number, kid_context, o.POST,
		[(o.URI_PATH, p.encode()) for p in path])
	got = opened(c, client.ask(datagram), asked)
	return datagram, got and got.code


def read(daemon, client, c):
	"""A Read, answered by hand. Option 9 of its request, and what the REST interface says."""
	outcome = []
	caller = threading.Thread(target=lambda: outcome.append(
		daemon.rest.call("GET", "/v1/endpoints/%s/data/3/0/0" % NAME)))
	caller.start()
	m = client.receive()
	if m is None:
		caller.join()
		return None, outcome
	value = m.option(o.OSCORE)
	option = o.parse_option(value)
	nonce, aad = c.nonce("server", option.piv), c.aad(SERVER_ID, option.piv)
	check(c.open("server", nonce, aad, m.payload) is not None, "a request of the server, authentic")
	client.send(o.encode(o.Message(o.ACK, o.CHANGED, m.mid, m.token, [(o.OSCORE, b"")],
		c.seal("device", nonce, aad, bytes([o.CONTENT]) + b"\xffmaker"))))
	caller.join()
	return value, outcome


def good_way(daemon, client):
	id1 = secrets.token_bytes(8)
	first, r2, _ = begin(client, id1)
	if not check(r2 is not None, "request 1 is answered"):
		return None
	again, other, _ = begin(client, id1, 0)
	check(other is not None and other != r2, "the same request 1 once more: another R2")
	second, c, both, got, _ = recover(client, r2)
	check(got is not None and got.code == o.CREATED, "request 2 is carried out: registered")
	location = got.path(o.LOCATION_PATH) if got else ["rd", "?"]
	m = client.ask(second)
	check(m is not None and m.option(o.OSCORE) is not None, "a copy of request 2: its answer again")
	old = context(None)
	check(served(client, old, 5, None, location)[1] == o.UNAUTHORIZED,
		"before the next message the old keys are still known (and challenged)")
	update, code = served(client, c, 8, wrap(both), location)
	check(code == o.CHANGED, "an Update with the wrapped ID Context", code)
	check(served(client, c, 9, both, location)[1] == o.CHANGED, "with the raw one")
	value, outcome = read(daemon, client, c)
	check(value and o.parse_option(value).kid_context == both and outcome[0][0] == 200,
		"the server's requests have the raw one, too", (value, outcome))
	check(served(client, c, 10, None, location)[1] == o.CHANGED, "with none")
	value, outcome = read(daemon, client, c)
	check(value and len(value) == 3 and value[0] == 0x09 and outcome[0][0] == 200,
		"as has the server from then on: three bytes of option", (value, outcome))
	datagram, _ = client.request(old, 60, None, o.POST, [(o.URI_PATH, b"rd")])
	check(unprotected(client.ask(datagram), o.BAD_REQUEST), "now the old keys are gone")
	datagram, _ = client.request(c, 6, None, o.POST, [(o.URI_PATH, b"rd")])
	check(unprotected(client.ask(datagram), o.UNAUTHORIZED),
		"the number of request 2 is the lower edge of the window")
	return first, second, update, c, location


def forged(client):
	for what, value in (("not wrapped", b"\x01\x02\x03"), ("an empty ID1", b"\x40"),
			("a text string", b"\x63abc"), ("a byte left over", b"\x41\x01\x02")):
		datagram, _ = client.register(context(b"x"), 0, value)
		check(unprotected(client.ask(datagram), o.UNAUTHORIZED), "a kid context that is %s: 4.01" % what)
	datagram, _ = client.register(context(b"another"), 0, wrap(b"one"))
	check(unprotected(client.ask(datagram), o.BAD_REQUEST), "a forged request 1: 4.00")
	_, r2, _ = begin(client, b"some id1")
	both = r2 + b"r3r3"
	datagram, _ = client.register(context(b"wrong"), 0, wrap(both))
	check(unprotected(client.ask(datagram), o.BAD_REQUEST), "a forged request 2: 4.00")
	changed = bytes([r2[0] ^ 1]) + r2[1:] + b"r3r3"
	datagram, _ = client.register(context(changed), 0, wrap(changed))
	m = client.ask(datagram)
	option = m and m.option(o.OSCORE)
	check(bool(option) and option[0] == 0x10, "an R2 that is not ours makes it a request 1")


def flood(daemon, client, c, number, location):
	codes = {}
	for n in range(300):
		datagram, _ = client.register(context(b"forged"), n, wrap(b"f%d" % n))
		m = client.ask(datagram)
		codes[m.code if m else None] = codes.get(m.code if m else None, 0) + 1
	check(codes.get(0xa3, 0) > 100, "a flood from one address gets 5.03", codes)
	check(served(client, c, number, None, location)[1] == o.CHANGED, "while the device is served")
	metrics = daemon.rest.metrics()
	check(metrics["lanyard_recoveries_total"] >= 1 and metrics["lanyard_recoveries_refused_total"] > 100,
		"and the metrics tell")


def after_kill(daemon, program_kept):
	first, second, update, c, location = program_kept
	daemon.kill()
	daemon.reap()
	daemon.spawn()
	client = Client(daemon.wait_ready()["server"])
	m = client.ask(second)
	check(m is None or not unprotected(m, o.CREATED), "after SIGKILL request 2 is not carried out again")
	check(served(client, c, 40, None, location)[1] == o.CHANGED, "and the new keys go on")
	_, r2, _ = begin(client, secrets.token_bytes(3))
	_, c2, both, got, _ = recover(client, r2, 0)
	check(got is not None and got.code == o.CREATED, "a recovery from recovered keys")
	check(served(client, c2, 1, None, got.path(o.LOCATION_PATH))[1] == o.CHANGED, "goes on")
	m = client.ask(second)
	option = m and m.option(o.OSCORE)
	check(bool(option) and option[0] == 0x10,
		"request 2 of keys that are gone: no more than a request 1", m)
	check(served(client, c2, 2, None, got.path(o.LOCATION_PATH))[1] == o.CHANGED, "which changes nothing")
	datagram, asked = client.register(c, 41, None)
	check(unprotected(client.ask(datagram), o.BAD_REQUEST), "and so are those keys")
	return client


def offered(daemon, client):
	"""freshness = b2: we begin, in the answer to the first request (keys R2 | nothing)."""
	daemon.rest.call("PUT", "/v1/endpoints/%s" % NAME, {"freshness": "b2"})
	global SECRET
	SECRET = bytes(range(1, 17))
	provision(daemon)
	c = context(None)
	datagram, asked = client.register(c, 3, None)
	m = client.ask(datagram)
	option = m and m.option(o.OSCORE)
	if not check(bool(option) and option[0] == 0x10, "with freshness b2 the answer is response 1"):
		return
	r2 = o.cbor2.loads(o.parse_option(option).kid_context)
	got = opened(context(r2), m, asked)
	check(got is not None and got.code == o.UNAUTHORIZED, "under R2, with the nonce of the request")
	copy = client.ask(datagram)
	check(copy is not None and copy.payload == m.payload, "a copy of the request: the same bytes")
	_, c, _, got, _ = recover(client, r2, 0)
	check(got is not None and got.code == o.CREATED, "its request 2 is carried out")


def provision(daemon):
	status, body = daemon.rest.call("PUT", "/v1/endpoints/%s/credentials/oscore" % NAME, {
		"role": "server", "master_secret": SECRET.hex(), "master_salt": SALT.hex(),
		"sender_id": SERVER_ID.hex(), "recipient_id": DEVICE_ID.hex()})
	check(status in (200, 201), "provisioned", body)


def main():
	with tempfile.TemporaryDirectory() as directory:
		daemon = Daemon(os.path.join(sys.argv[1], "lanyardd"), directory, 5683)
		try:
			daemon.spawn()
			client = Client(daemon.wait_ready()["server"])
			provision(daemon)
			kept = good_way(daemon, client)
			if kept:
				forged(client)
				flood(daemon, client, kept[3], 20, kept[4])
				client = after_kill(daemon, kept)
			offered(daemon, client)
		finally:
			daemon.close()
	print("%d passed, %d failed" % (passed, failed))
	return failed != 0


sys.exit(main())
