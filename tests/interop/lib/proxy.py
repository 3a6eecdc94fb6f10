# SPDX-License-Identifier: Apache-2.0
"""A CoAP proxy between devices and daemon that knows no keys (RFC 7252 section 5.7; RFC 8613).

All devices of a role share one address and port towards the daemon. Which of them a request of the
daemon is for cannot be seen from outside, so it is put to all; the first protected answer is the
one. Tokens and Message IDs are the proxy's own on either side. Towards the daemon it can cut
messages into blocks, add options, and lie.
"""
import asyncio
import os
import random

CON, NON, ACK, RST = range(4)
POST, FETCH, CHANGED, CONTENT, CONTINUE = 2, 5, 0x44, 0x45, 0x5F
ETAG, OBSERVE, URI_HOST, OSCORE, MAX_AGE, BLOCK2, BLOCK1, SIZE1 = 4, 6, 3, 9, 14, 23, 27, 60
ELECTIVE = 65000  # nobody has it


class Message:
	def __init__(self, type, code, mid=0, token=b"", options=(), payload=b""):
		self.type, self.code, self.mid, self.token = type, code, mid, token
		self.options, self.payload = list(options), payload

	def get(self, number):
		return next((v for n, v in self.options if n == number), None)

	def but(self, payload=None, without=(), **options):
		"""A copy with other options, by number as `o27`."""
		added = [(int(k[1:]), v) for k, v in options.items() if v is not None]
		gone = {n for n, _ in added} | set(without)
		kept = [o for o in self.options if o[0] not in gone]
		body = self.payload if payload is None else payload
		return Message(self.type, self.code, self.mid, self.token, kept + added, body)


def nibble(v):
	if v < 13:
		return v, b""
	return (13, bytes([v - 13])) if v < 269 else (14, (v - 269).to_bytes(2, "big"))


def encode(m):
	out = bytearray([0x40 | m.type << 4 | len(m.token), m.code]) + m.mid.to_bytes(2, "big") + m.token
	last = 0
	for number, value in sorted(m.options, key=lambda o: o[0]):
		(d, dx), (n, nx) = nibble(number - last), nibble(len(value))
		out += bytes([d << 4 | n]) + dx + nx + value
		last = number
	return bytes(out) + (b"\xff" + m.payload if m.payload else b"")


def decode(data):
	"""None if it is no CoAP message."""
	try:
		n = data[0] & 15
		m = Message(data[0] >> 4 & 3, data[1], int.from_bytes(data[2:4], "big"), data[4:4 + n])
		at, number = 4 + n, 0
		while at < len(data):
			if data[at] == 0xFF:
				m.payload = data[at + 1:]
				break
			parts = [data[at] >> 4, data[at] & 15]
			at += 1
			for i, p in enumerate(parts):
				if p == 13:
					parts[i], at = 13 + data[at], at + 1
				elif p == 14:
					parts[i], at = 269 + int.from_bytes(data[at:at + 2], "big"), at + 2
			number += parts[0]
			m.options.append((number, data[at:at + parts[1]]))
			at += parts[1]
		return m
	except IndexError:
		return None


def block(number, more, szx):
	v = number << 4 | (8 if more else 0) | szx
	return v.to_bytes((v.bit_length() + 7) // 8, "big")


def read_block(value):
	v = int.from_bytes(value, "big")
	return v >> 4, bool(v & 8), v & 7


class Side(asyncio.DatagramProtocol):
	"""A socket of the proxy: messages, not what they mean."""

	def __init__(self, serve, proxy):
		self.serve, self.proxy = serve, proxy
		self.waiting = {}  # token -> function(message)
		self.seen = {}  # (peer, MID) -> the answer's bytes
		self.notified = {}  # MID of what we passed on -> function, if it is rejected
		self.mid = random.randrange(1 << 16)
		self.tasks = set()

	async def open(self):
		loop = asyncio.get_running_loop()
		self.transport, _ = await loop.create_datagram_endpoint(
			lambda: self, local_addr=("127.0.0.1", 0)
		)
		self.port = self.transport.get_extra_info("sockname")[1]

	def next_mid(self):
		self.mid = (self.mid + 1) & 0xFFFF
		return self.mid

	def send(self, m, to):
		self.send_bytes(encode(m), to)

	def send_bytes(self, data, to):
		if self.proxy.lossy and self.proxy.lossy.random() < self.proxy.loss:
			self.proxy.count["lost"] += 1
		else:
			self.transport.sendto(data, to)

	def do(self, coroutine):
		task = asyncio.ensure_future(coroutine)
		self.tasks.add(task)
		task.add_done_callback(self.tasks.discard)

	def datagram_received(self, data, peer):
		m = decode(data)
		if not m:
			return
		if m.code == 0:
			if m.type == RST and m.mid in self.notified:
				self.notified.pop(m.mid)()
		elif m.code < 0x20:
			key = (peer, m.mid)
			if key in self.seen:
				if self.seen[key]:
					self.send_bytes(self.seen[key], peer)
				return
			self.seen[key] = None
			self.do(self.serve(m, peer))
		else:
			found = self.waiting.get(m.token)
			if m.type == CON:
				self.send(Message(ACK if found else RST, 0, m.mid), peer)
			if found:
				found(m, len(data))

	async def ask(self, m, to, token=None, later=None, tries=4):
		"""The response, or None. `later` gets those that follow it."""
		token = token or os.urandom(4)
		got = asyncio.get_running_loop().create_future()

		def first(r, n):
			if not got.done():
				got.set_result(r)
			elif later:
				later(r)

		self.waiting[token] = first
		out = Message(CON, m.code, self.next_mid(), token, m.options, m.payload)
		try:
			for _ in range(tries):
				self.send(out, to)
				try:
					wait = 0.1 if self.proxy.lossy else 1
					return await asyncio.wait_for(asyncio.shield(got), wait)
				except asyncio.TimeoutError:
					pass
			return None
		finally:
			if not later:
				del self.waiting[token]

	def answer(self, request, response, peer, separate):
		"""Piggybacked, or acknowledged first."""
		out = Message(ACK, response.code, request.mid, request.token, response.options, response.payload)
		if separate and request.type == CON:
			self.send(Message(ACK, 0, request.mid), peer)
		if separate or request.type != CON:
			out.type, out.mid = CON, self.next_mid()
		self.seen[peer, request.mid] = encode(out)
		self.send(out, peer)


class Path:
	"""One role: where devices believe the server is, and where the daemon believes they are."""

	def __init__(self, proxy, role, daemon):
		self.proxy, self.role, self.daemon = proxy, role, daemon
		self.front, self.back = Side(self.up, proxy), Side(self.down, proxy)
		self.devices = []  # in the order in which they were heard of
		self.observations = {}  # token of the daemon -> (device, our token)
		self.parts = {}  # key of a request -> the response of which the daemon fetches the rest
		self.last = {}  # device -> its last protected response
		self.asked = {}  # device -> its last request
		self.cache = {}
		self.turn = 0

	async def open(self):
		await self.front.open()
		await self.back.open()

	@property
	def uri(self):
		return "coap://127.0.0.1:%d" % self.front.port

	def separate(self):
		self.turn += 1
		return self.turn % 2 == 0 and not self.proxy.lossy  # nobody would send it again

	# ---- device to daemon

	async def up(self, m, device):
		if device not in self.devices:
			self.devices.append(device)
		self.proxy.count["up"] += 1
		out = self.proxy.dress(m)
		if self.proxy.hostile:
			await self.proxy.hostile.before_daemon(self, device, out)
		r = await self.put(out)
		if self.proxy.hostile:
			await self.proxy.hostile.after_daemon(self, device, out)
			self.proxy.hostile.before_device(self, m, device)
		self.asked[device] = out
		self.front.answer(
			m, r.but(without=(BLOCK1, BLOCK2)) if r else Message(ACK, 0xA4), device, self.separate()
		)

	async def put(self, m):
		"""To the daemon, whole or in pieces; so the response."""
		szx = self.proxy.szx
		if szx is None:
			return await self.back.ask(m, self.daemon)
		size = 16 << szx
		last = (len(m.payload) - 1) // size
		for i in range(last + 1):
			piece = m.but(
				payload=m.payload[i * size:(i + 1) * size],
				o27=block(i, i < last, szx),
				o23=block(0, False, szx) if i == last else None,
				o60=len(m.payload).to_bytes(2, "big") if i == 0 else None,
			)
			r = await self.back.ask(piece, self.daemon)
			self.proxy.count["pieces up"] += 1
			if not r or (i < last and r.code != CONTINUE):
				return r
		body = r.payload
		while r and r.get(BLOCK2) is not None and read_block(r.get(BLOCK2))[1]:
			number, _, got_szx = read_block(r.get(BLOCK2))
			r = await self.back.ask(m.but(payload=b"", o23=block(number + 1, False, got_szx)), self.daemon)
			self.proxy.count["answer pieces up"] += 1
			body += r.payload if r else b""
		return r and r.but(payload=body)

	# ---- daemon to device

	async def down(self, m, peer):
		self.proxy.count["down"] += 1
		key = (m.get(OSCORE), m.code)
		wanted = m.get(BLOCK2)
		if wanted is not None and read_block(wanted)[0]:
			self.proxy.count["answer pieces down"] += 1
			self.back.answer(m, self.piece(self.parts.get(key), wanted), peer, False)
			return
		if m.code == FETCH and m.get(OBSERVE) is None and (key, m.payload) in self.cache:
			self.back.answer(m, self.cache[key, m.payload], peer, False)
			return
		r, device = await self.ask_all(m, peer)
		if self.proxy.hostile and device:
			self.proxy.hostile.before_answer(self, m, peer, device)
		if device:
			self.last[device] = r
		if r.code == CONTENT and m.code == FETCH:
			self.cache[key, m.payload] = r
		out = self.cut(key, self.proxy.dress_answer(r))
		separate = self.separate()
		self.back.answer(m, out, peer, separate)
		if self.proxy.hostile and device:
			await self.proxy.hostile.after_answer(self, m, peer, device, out)

	async def ask_all(self, m, peer):
		"""What the right device answers, and which it is; else what one of them says."""
		observe = m.get(OBSERVE)
		known = self.observations.get(m.token) if observe == b"\1" else None
		asked = {}
		for device in [known[0]] if known else list(self.devices):
			token = known[1] if known else os.urandom(4)
			later = None
			if observe == b"":
				later = lambda r, d=device: self.notification(r, m.token, peer, d)
			task = asyncio.ensure_future(self.front.ask(m, device, token=token, later=later, tries=5))
			asked[task] = (device, token)
		told, left = Message(ACK, 0xA4), set(asked)
		while left:
			done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
			for task in done:
				r = task.result()
				if r and r.get(OSCORE) is not None:
					if observe == b"" and r.get(OBSERVE) is not None:
						self.observations[m.token] = asked[task]
					return r, asked[task][0]
				told = r or told
		return told, None

	def cut(self, key, r):
		szx = self.proxy.szx
		if szx is None or len(r.payload) <= 16 << szx or r.get(OSCORE) is None:
			return r
		self.parts[key] = r
		return self.piece(r, block(0, False, szx))

	def piece(self, r, wanted):
		number, _, szx = read_block(wanted)
		size = 16 << szx
		if not r or number * size >= len(r.payload):
			return Message(ACK, 0x88)
		more = (number + 1) * size < len(r.payload)
		return r.but(payload=r.payload[number * size:(number + 1) * size], o23=block(number, more, szx))

	def notification(self, r, token, peer, device):
		self.proxy.count["notifications"] += 1
		mid = self.back.next_mid()
		out = self.proxy.dress_answer(r)
		out.type, out.mid, out.token = r.type, mid, token
		if self.proxy.szx is not None and len(out.payload) > 16 << self.proxy.szx:
			out = self.piece(out, block(0, False, self.proxy.szx))
			out.type, out.mid, out.token = r.type, mid, token
		self.back.notified[mid] = lambda: self.front.send(Message(RST, 0, r.mid), device)
		if self.proxy.hostile:
			self.proxy.hostile.notification(self, out, peer)
		else:
			self.back.send(out, peer)


class Proxy:
	def __init__(self, daemon):
		"""daemon: role -> its port."""
		self.paths = {
			role: Path(self, role, ("127.0.0.1", port)) for role, port in daemon.items()
		}
		self.szx = None  # of blocks towards the daemon
		self.options = False
		self.hostile = None
		self.lossy, self.loss = None, 0  # a source of chance; a share of what the proxy sends
		self.count = dict.fromkeys(
			("up", "down", "notifications", "lost", "pieces up", "answer pieces up", "answer pieces down"), 0
		)

	async def open(self):
		for p in self.paths.values():
			await p.open()

	def close(self):
		for p in self.paths.values():
			p.front.transport.close()
			p.back.transport.close()

	def dress(self, m):
		"""Options that any proxy may add, and that mean nothing to whoever looks inside."""
		if not self.options:
			return m
		return m.but(o3=b"proxy.example", o65000=b"x", o12=b"\x2a", o15=b"ep=nobody")

	def dress_answer(self, r):
		if not self.options:
			return r
		return r.but(o4=b"etag", o14=b"\x05", o65000=b"x", o12=b"\x2a", o8=b"elsewhere")
