# SPDX-License-Identifier: Apache-2.0
"""Devices that begin the recovery of keys (RFC 8613 Appendix B.2) and do not always end it: they give
up between its steps, or take response 2 for lost, and go on with the keys they had."""
import random
import select
import socket
import threading
import time

import cbor2

import oscore
from oscore import Context
from relay import DATAGRAM_MAX, FIRST_ADDRESS

TRIES, WAIT_S, PAUSE_S = 3, 0.7, 0.15
REFUSED = "refused"
LINKS = b"</1/0>,</3/0>"


class Wanderer:
	def __init__(self, line, index, port, seed):
		self._rng = random.Random(seed)
		self._root = self._context = Context(line["endpoint"], "server",
			bytes.fromhex(line["master_secret"]), bytes.fromhex(line["master_salt"]),
			bytes.fromhex(line["recipient_id"]), bytes.fromhex(line["sender_id"]),
			bytes.fromhex(line["id_context"]) if "id_context" in line else None)
		self._numbers, self._mid, self._location = {}, 0, None
		self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		self._socket.bind((socket.inet_ntoa((FIRST_ADDRESS + index).to_bytes(4, "big")), 0))
		self._socket.setblocking(False)
		self._server = ("127.0.0.1", port)
		self._closing = threading.Event()
		self._thread = threading.Thread(target=self._run, daemon=True)

	def start(self):
		self._thread.start()

	def close(self):
		self._closing.set()
		if self._thread.ident:
			self._thread.join(10)
		self._socket.close()

	# ---- messages

	def _request(self, c, kid_context, path, echo):
		"""(message, its Partial IV)."""
		number = self._numbers[c] = self._numbers.get(c, -1) + 1
		piv = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
		value = bytes([len(piv) | 0x08 | (0x10 if kid_context is not None else 0)]) + piv
		if kid_context is not None:
			value += bytes([len(kid_context)]) + kid_context
		options = [(oscore.URI_PATH, p.encode()) for p in path]
		if len(path) == 1:
			options += [(12, b"\x28"), (15, b"ep=" + c.endpoint.encode()), (15, b"lt=3600"),
				(15, b"lwm2m=1.1")]
		options += [(oscore.ECHO, echo)] if echo else []
		inner = oscore.encode(oscore.Message(oscore.CON, oscore.POST, 0, b"", options,
			LINKS if len(path) == 1 else b""))
		self._mid = self._mid + 1 & 0xffff
		return oscore.Message(oscore.CON, oscore.POST, self._mid, self._rng.randbytes(8),
			[(oscore.OSCORE, value + c.device_id)], c.seal("device", c.nonce("device", piv),
				c.aad(c.device_id, piv), inner[1:2] + inner[4:])), piv

	def _ask(self, c, kid_context, path, echo=None):
		"""(what was answered under c, R2 of a response 1); REFUSED: in the clear; None: nothing."""
		m, piv = self._request(c, kid_context, path, echo)
		nonce, aad = c.nonce("device", piv), c.aad(c.device_id, piv)
		for _ in range(TRIES):
			self._socket.sendto(oscore.encode(m), self._server)
			until = time.monotonic() + WAIT_S
			while (left := until - time.monotonic()) > 0 and not self._closing.is_set():
				if not select.select([self._socket], [], [], left)[0]:
					break
				got = self._opened(c, m, nonce, aad)
				if got[0] or got[1]:
					return got
		return None, None

	def _opened(self, c, m, nonce, aad):
		a = oscore.parse(self._socket.recv(DATAGRAM_MAX))
		if not a.is_response or a.token != m.token:
			return None, None
		if a.option(oscore.OSCORE) is None:
			return REFUSED, None
		option = oscore.parse_option(a.option(oscore.OSCORE))
		r2 = oscore.unwrap(option.kid_context)
		if r2 is not None:
			c = c.under(r2 + (c.id_context or b""))
		if option.piv is not None:
			nonce = c.nonce("server", option.piv)
		plain = c.open("server", nonce, aad, a.payload)
		return (oscore.parse_inner(plain) if plain else None), r2

	# ---- what it does

	def _speak(self, c, kid_context=None):
		"""Registers, or updates its registration. True if that is done; REFUSED as above."""
		path = ["rd", self._location] if self._location and self._rng.random() < 0.5 else ["rd"]
		got, r2 = self._ask(c, kid_context, path)
		if got not in (None, REFUSED) and r2 is None and got.option(oscore.ECHO):
			got, r2 = self._ask(c, kid_context, path, got.option(oscore.ECHO))
		if got in (None, REFUSED) or r2 is not None:
			return got if got == REFUSED else False
		if got.code == oscore.CREATED:
			self._location = got.path(oscore.LOCATION_PATH)[1]
		elif got.code == oscore.NOT_FOUND:
			self._location = None
		return got.code in (oscore.CREATED, oscore.CHANGED)

	def _recover(self, end):
		"""end: where it gives up."""
		id1 = self._rng.randbytes(8)
		got, r2 = self._ask(self._root.under(id1), cbor2.dumps(id1), ["rd"])
		if r2 is None or got in (None, REFUSED) or end == "response 1":
			return
		both = r2 + self._rng.randbytes(8)
		c = self._root.under(both)
		good = self._speak(c, cbor2.dumps(both))
		if good is True and end != "response 2":
			self._context = c
			self._speak(c)

	def _run(self):
		while not self._closing.wait(self._rng.random() * PAUSE_S):
			known = self._context.id_context if self._context is self._root else None
			lost = self._speak(self._context, known) == REFUSED
			if lost or self._rng.random() < 0.3:
				self._recover(None if lost else self._rng.choice((None, "response 1", "response 2")))
