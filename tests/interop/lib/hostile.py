# SPDX-License-Identifier: Apache-2.0
"""What a proxy may do to messages it cannot read. Each lie goes ahead of the honest message, or after it."""
import asyncio
import collections

from proxy import ACK, CHANGED, CON, CONTENT, NON, OSCORE, RST, Message, encode

PLAIN = [CONTENT, CHANGED, 0x80, 0x81, 0x82, 0x84, 0x8D, 0xA2, 0xA3, 0xA4, 0xA5]  # codes of forged answers


def flipped(m):
	return m.but(payload=m.payload[:-1] + bytes([m.payload[-1] ^ 1]))


class Hostile:
	def __init__(self, spared):
		self.spared = spared  # devices that are told no lies: what they make of them is not ours
		self.count = collections.Counter()  # what was done
		self.codes = collections.Counter()  # what came of lies to the daemon, and to devices
		self.protected = 0  # answers to lies that were protected: there must be none
		self.grown = []  # answers longer than three times what asked for them
		self.held = None
		self.old = []

	async def lie(self, side, m, to, what):
		"""A request; how it is answered is kept."""
		self.count[what] += 1
		r = await side.ask(m, to, tries=1)
		if not r:
			self.codes[what, None] += 1
			return
		self.codes[what, "%d.%02d" % (r.code >> 5, r.code & 31)] += 1
		self.protected += r.get(OSCORE) is not None
		if len(encode(r)) > 3 * len(encode(m)):
			self.grown.append((what, len(encode(m)), len(encode(r))))

	# ---- device to daemon

	async def before_daemon(self, path, device, m):
		option = m.get(OSCORE)
		to = path.daemon
		await self.lie(path.back, flipped(m), to, "flipped")
		await self.lie(path.back, m.but(payload=m.payload[:-3]), to, "truncated")
		await self.lie(path.back, m.but(o9=option[:-1] + bytes([option[-1] ^ 0x55])), to, "another kid")
		await self.lie(path.back, m.but(o9=option[:1] + bytes([option[1] ^ 1]) + option[2:]), to, "another number")
		await self.lie(path.back, m.but(without=(OSCORE,)), to, "stripped")
		for other, old in path.asked.items():
			if other != device:
				mixed = m.but(payload=old.payload)
				await self.lie(path.back, mixed, to, "the payload of another device")

	async def after_daemon(self, path, device, m):
		await self.lie(path.back, m, path.daemon, "replayed")
		for old in path.asked.values():
			await self.lie(path.back, old, path.daemon, "replayed")

	def before_device(self, path, request, device):
		if device in self.spared:
			return
		for code in (CONTENT, CHANGED, 0x84, 0x8D, 0xA2, 0xA4):
			self.count["forged for a device"] += 1
			self.tell(path.front, request, device, Message(NON, code, payload=b"believe me"))

	# ---- daemon to device

	def tell(self, side, request, to, m):
		m.type, m.mid, m.token = NON, side.next_mid(), request.token
		side.send(m, to)

	def before_answer(self, path, request, peer, device):
		for code in PLAIN:
			self.count["forged"] += 1
			self.tell(path.back, request, peer, Message(NON, code, payload=b"believe me"))
		for whose, last in path.last.items():
			self.count["swapped"] += 1
			self.tell(path.back, request, peer, last.but())
		path.back.send(Message(RST, 0, request.mid), peer)

	async def after_answer(self, path, request, peer, device, r):
		if r.get(OSCORE) is not None:
			self.tell(path.back, request, peer, r.but())  # once more: its token is not known any more
		await self.lie(path.front, request, device, "replayed to the device")
		await self.lie(path.front, flipped(request), device, "flipped to the device")

	def notification(self, path, m, peer):
		"""Changed, then itself, then older ones; or later, behind a newer one."""
		bad = flipped(m)
		bad.type, bad.mid, bad.token = NON, path.back.next_mid(), m.token
		self.count["notification flipped"] += 1
		path.back.send(bad, peer)
		if self.held is None and len(self.old) % 3 == 1:
			self.held = m
			asyncio.get_running_loop().call_later(0.1, self.flush, path, peer)
		else:
			path.back.send(m, peer)
			self.flush(path, peer)
		self.old.append(m)
		for old in self.old[-4:]:
			self.count["notification repeated"] += 1
			again = old.but()
			again.type, again.mid, again.token = NON, path.back.next_mid(), m.token
			if old is not self.held:
				path.back.send(again, peer)

	def flush(self, path, peer):
		if self.held:
			self.count["notification late"] += 1
			path.back.send(self.held, peer)
		self.held = None
