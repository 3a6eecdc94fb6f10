# SPDX-License-Identifier: Apache-2.0
"""CoAP (RFC 7252) and OSCORE (RFC 8613) as far as a witness needs them: taking messages apart.

Written from the RFCs alone. It shares nothing with the C code, whose mistakes it must not repeat.
"""
import hashlib
import hmac
from dataclasses import dataclass, field

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

CON, NON, ACK, RST = range(4)
OSCORE, OBSERVE, LOCATION_PATH, URI_PATH, MAX_AGE, ECHO = 9, 6, 8, 11, 14, 252

GET, POST, PUT, DELETE = 0x01, 0x02, 0x03, 0x04
CREATED, DELETED, CHANGED, CONTENT = 0x41, 0x42, 0x44, 0x45
BAD_REQUEST, UNAUTHORIZED, BAD_OPTION, NOT_FOUND = 0x80, 0x81, 0x82, 0x84
UNAVAILABLE = 0xa3

AES_CCM_16_64_128 = 10
OPENED_MAX = 1 << 15
KEY_BYTES, NONCE_BYTES, TAG_BYTES, HASH_BYTES = 16, 13, 8, 32


class Malformed(Exception):
	"""Not a message of the protocol."""


def code_text(code):
	return "%d.%02d" % (code >> 5, code & 31)


@dataclass
class Message:
	type: int
	code: int
	mid: int
	token: bytes
	options: list = field(default_factory=list)  # of (number, value)
	payload: bytes = b""

	@property
	def is_request(self):
		return 0 < self.code < 0x20

	@property
	def is_response(self):
		return self.code >= 0x40

	def option(self, number):
		return next((v for n, v in self.options if n == number), None)

	def all(self, number):
		return [v for n, v in self.options if n == number]

	def path(self, number=URI_PATH):
		return [v.decode("utf-8", "replace") for v in self.all(number)]


def _extended(data, at, nibble):
	"""An option delta or length of RFC 7252 section 3.1."""
	if nibble < 13:
		return nibble, at
	if nibble == 13:
		return data[at] + 13, at + 1
	if nibble == 14:
		return int.from_bytes(data[at:at + 2], "big") + 269, at + 2
	raise Malformed("nibble 15")


def _options(data, at):
	options, number = [], 0
	while at < len(data):
		head = data[at]
		at += 1
		if head == 0xff:
			if at == len(data):
				raise Malformed("marker without payload")
			return options, data[at:]
		delta, at = _extended(data, at, head >> 4)
		n, at = _extended(data, at, head & 15)
		if at + n > len(data):
			raise Malformed("truncated option")
		number += delta
		options.append((number, data[at:at + n]))
		at += n
	return options, b""


def parse(data):
	"""A datagram."""
	try:
		if data[0] >> 6 != 1 or data[0] & 15 > 8:
			raise Malformed("no CoAP")
		token_n = data[0] & 15
		options, payload = _options(data, 4 + token_n)
		return Message(data[0] >> 4 & 3, data[1], int.from_bytes(data[2:4], "big"),
			data[4:4 + token_n], options, payload)
	except IndexError:
		raise Malformed("truncated") from None


def parse_inner(data):
	"""What OSCORE encrypts (RFC 8613 section 5.3)."""
	if not data:
		raise Malformed("empty plaintext")
	try:
		options, payload = _options(data, 1)
	except IndexError:
		raise Malformed("truncated") from None
	return Message(CON, data[0], 0, b"", options, payload)


def _option_head(n):
	if n < 13:
		return n, b""
	if n < 269:
		return 13, bytes([n - 13])
	return 14, (n - 269).to_bytes(2, "big")


def encode(m):
	"""The opposite of parse; options must be in order. For doctored recordings."""
	out = bytes([1 << 6 | m.type << 4 | len(m.token), m.code]) + m.mid.to_bytes(2, "big") + m.token
	before = 0
	for number, value in m.options:
		delta, more = _option_head(number - before)
		length, more_length = _option_head(len(value))
		out += bytes([delta << 4 | length]) + more + more_length + value
		before = number
	return out + (b"\xff" + m.payload if m.payload else b"")


@dataclass
class CoseOption:
	piv: bytes  # None: not there
	kid: bytes
	kid_context: bytes


def parse_option(value):
	"""The OSCORE option (RFC 8613 section 6.1)."""
	if not value:
		return CoseOption(None, None, None)
	flags, at = value[0], 1
	n = flags & 7
	if flags & 0xe0 or n > 5 or len(value) < 1 + n:
		raise Malformed("OSCORE option")
	piv = value[1:1 + n] if n else None
	at += n
	kid_context = kid = None
	if flags & 0x10:
		if at >= len(value) or at + 1 + value[at] > len(value):
			raise Malformed("kid context")
		kid_context = value[at + 1:at + 1 + value[at]]
		at += 1 + value[at]
	if flags & 0x08:
		kid = value[at:]
	elif at != len(value):
		raise Malformed("bytes behind the OSCORE option")
	return CoseOption(piv, kid, kid_context)


def unwrap(kid_context):
	"""What Appendix B.2 wraps as a CBOR byte string; None if that is not what it is."""
	if not kid_context:
		return None
	head, body = kid_context[0], kid_context[1:]
	if 0x40 < head < 0x58 and len(body) == head - 0x40:
		return body
	if head == 0x58 and len(body) > 1 and len(body) == body[0] + 1:
		return body[1:]
	return None


def hkdf(secret, salt, info, n):
	"""RFC 5869 with SHA-256."""
	prk = hmac.new(salt or bytes(HASH_BYTES), secret, hashlib.sha256).digest()
	out, block = b"", b""
	for i in range(1, n // HASH_BYTES + 2):
		block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
		out += block
	return out[:n]


class Context:
	"""One OSCORE security context, both directions (RFC 8613 section 3.2)."""
	_opened = {}  # of all of them; recordings are read many times over

	def __init__(self, endpoint, role, secret, salt, device_id, server_id, id_context=None):
		self.endpoint, self.role = endpoint, role
		self.device_id, self.server_id, self.id_context = device_id, server_id, id_context
		self.root = self  # whose secret it is
		self._under = {}
		self._secret, self._salt = secret, salt
		self.key = {"device": self._derive(device_id, "Key", KEY_BYTES),
			"server": self._derive(server_id, "Key", KEY_BYTES)}
		self.iv = self._derive(b"", "IV", NONCE_BYTES)
		self._aead = {who: AESCCM(key, tag_length=TAG_BYTES) for who, key in self.key.items()}

	def _derive(self, ident, kind, n):
		info = cbor2.dumps([ident, self.id_context, AES_CCM_16_64_128, kind, n])
		return hkdf(self._secret, self._salt, info, n)

	def under(self, id_context):
		"""The context of the same secret under another ID Context, always the same one."""
		known = self.root._under
		if id_context not in known:
			c = known[id_context] = Context(self.endpoint, self.role, self._secret, self._salt,
				self.device_id, self.server_id, id_context)
			c.root = self.root
		return known[id_context]

	def id_of(self, who):
		return self.device_id if who == "device" else self.server_id

	def nonce(self, who, piv):
		"""RFC 8613 section 5.2; `who` made the Partial IV."""
		ident = self.id_of(who)
		plain = (bytes([len(ident)]) + ident.rjust(NONCE_BYTES - 6, b"\0") + piv.rjust(5, b"\0"))
		return bytes(a ^ b for a, b in zip(plain, self.iv))

	@staticmethod
	def aad(kid, piv):
		"""RFC 8613 section 5.4; kid and Partial IV are those of the request."""
		external = cbor2.dumps([1, [AES_CCM_16_64_128], kid, piv, b""])
		return cbor2.dumps(["Encrypt0", b"", external])

	def open(self, who, nonce, aad, ciphertext):
		"""The plaintext, or None if it is not authentic."""
		what = self.key[who], nonce, aad, ciphertext
		if what not in self._opened:
			if len(self._opened) > OPENED_MAX:
				self._opened.clear()
			try:
				self._opened[what] = self._aead[who].decrypt(nonce, ciphertext, aad)
			except InvalidTag:
				self._opened[what] = None
		return self._opened[what]

	def seal(self, who, nonce, aad, plaintext):
		"""For doctored recordings."""
		return self._aead[who].encrypt(nonce, plaintext, aad)


def tlv_resources(data):
	"""{resource id: value} of the TLV content format, single resources of one instance."""
	out, at = {}, 0
	while at < len(data):
		head = data[at]
		id_n = 2 if head & 0x20 else 1
		ident = int.from_bytes(data[at + 1:at + 1 + id_n], "big")
		at += 1 + id_n
		length_n = head >> 3 & 3
		n = int.from_bytes(data[at:at + length_n], "big") if length_n else head & 7
		at += length_n
		if at + n > len(data):
			raise Malformed("truncated TLV")
		if head >> 6 == 3:
			out[ident] = data[at:at + n]
		at += n
	return out
