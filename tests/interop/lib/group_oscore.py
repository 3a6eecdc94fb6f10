# SPDX-License-Identifier: Apache-2.0
"""Group OSCORE written from the text of RFC 10021, and the table of tests/vectors/group-oscore.tsv.

It shares no code with the library. A line of the table is a group ("set"), a message of it ("msg"), or
a static secret ("ecdh"); "-" is what is empty or absent. What each column is, COLUMNS says.
"""
import hashlib
import struct
import sys

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

COLUMNS = {
	"set": "name group_enc signature aead agreement hkdf format secret salt gid client_id server_id "
	"client_private client_cred server_private server_cred gm_cred "
	"common_iv client_key server_key signature_key client_to_server server_to_client".split(),
	"msg": "kind mode request_mode request_number number with_kid plaintext option payload".split(),
	"ecdh": "curve private own other secret".split(),
}
EDDSA, ES256, CCS, X509 = -8, -7, 14, 33
P = 2**255 - 19
CCM = {10: (16, 13, 8), 11: (32, 13, 8), 12: (16, 7, 8), 13: (32, 7, 8), 30: (16, 13, 16), 31: (32, 13, 16),
	32: (16, 7, 16), 33: (32, 7, 16)}
OTHERS = {1: (16, 12, 16), 2: (24, 12, 16), 3: (32, 12, 16), 24: (32, 12, 16),
	-65534: (16, 12, 0), -65533: (24, 12, 0), -65532: (32, 12, 0)}


def lengths(alg):
	"""Of key, nonce and tag."""
	return {**CCM, **OTHERS}[alg]


def encrypt(alg, key, nonce, aad, text):
	if alg in CCM:
		return AESCCM(key, CCM[alg][2]).encrypt(nonce, text, aad)
	if alg < 0:
		return Cipher(algorithms.AES(key), modes.CTR(nonce + bytes(4))).encryptor().update(text)
	return (ChaCha20Poly1305 if alg == 24 else AESGCM)(key).encrypt(nonce, text, aad)


def hkdf(number, salt, ikm, info, n):
	h = hashes.SHA256() if number == -10 else hashes.SHA512()
	return HKDF(h, n, salt, cbor2.dumps(info)).derive(ikm)


def piv_of(number):
	return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def nonce(common_iv, n, owner, piv):
	made = bytes([len(owner)]) + owner.rjust(n - 6, b"\0") + piv.rjust(5, b"\0")
	return bytes(a ^ b for a, b in zip(made, common_iv))


class Key:
	"""A key pair and its credential."""

	def __init__(self, signature, private, cred_format):
		self.private = private
		if signature == EDDSA:
			self.key = ed25519.Ed25519PrivateKey.from_private_bytes(private)
			raw = self.key.public_key().public_bytes(serialization.Encoding.Raw,
				serialization.PublicFormat.Raw)
			cose = {1: 1, 3: -8, -1: 6, -2: raw}
			self.point = raw
		else:
			self.key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
			n = self.key.public_key().public_numbers()
			x, y = n.x.to_bytes(32, "big"), n.y.to_bytes(32, "big")
			cose = {1: 2, 3: -7, -1: 1, -2: x, -3: y}
			self.point = b"\x04" + x + y
		self.cred = cbor2.dumps({8: {1: cose}}) if cred_format == CCS else self.certificate()

	def certificate(self):
		import datetime
		name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "member")])
		digest = None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
		return x509.CertificateBuilder(name, name, self.key.public_key(), 7,
			datetime.datetime(2026, 1, 1), datetime.datetime(2036, 1, 1)).sign(self.key, digest) \
			.public_bytes(serialization.Encoding.DER)

	def sign(self, data):
		if isinstance(self.key, ed25519.Ed25519PrivateKey):
			return self.key.sign(data)
		r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
		return r.to_bytes(32, "big") + s.to_bytes(32, "big")

	def verify(self, signature, data):
		if isinstance(self.key, ed25519.Ed25519PrivateKey):
			self.key.public_key().verify(signature, data)
			return
		r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
		self.key.public_key().verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def montgomery(point):
	y = int.from_bytes(point, "little") & (2**255 - 1)
	assert y not in (1, P - 1)
	return ((1 + y) * pow(1 - y, -1, P) % P).to_bytes(32, "little")


def secret_of(private, other):
	"""ECDH of a private key with the public one of the same kind: 32 bytes of Ed25519, 65 of P-256."""
	if len(other) == 32:
		scalar = hashlib.sha512(private).digest()[:32]
		return x25519.X25519PrivateKey.from_private_bytes(scalar).exchange(
			x25519.X25519PublicKey.from_public_bytes(montgomery(other)))
	key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
	return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), other))


class Group:
	"""Of a client and a server. Values as in a "set", with bytes and None."""

	def __init__(self, **given):
		self.__dict__.update(given)
		self.alg = self.group_enc if self.group_enc is not None else self.aead
		key_n = lengths(self.alg)[0]
		nonce_n = max(lengths(a)[1] for a in (self.group_enc, self.aead) if a is not None)

		def derive(who, kind, n):
			return hkdf(self.hkdf, self.salt, self.secret, [who, self.gid, self.alg, kind, n], n)

		self.common_iv = derive(b"", "IV", nonce_n)
		self.key = {who: derive(who, "Key", key_n) for who in (self.client_id, self.server_id)}
		self.signature_key = derive(b"", "SEKey", key_n) if self.group_enc is not None else None
		self.of = {self.client_id: self.client, self.server_id: self.server}

	def pairwise(self, sender, recipient):
		n = lengths(self.aead)[0]
		ikm = self.of[sender].cred + self.of[recipient].cred + secret_of(
			self.of[sender].private, self.of[recipient].point)
		return hkdf(self.hkdf, self.key[sender], ikm, [sender, self.gid, self.aead, "Key", n], n)

	def parts(self, kind, mode, request_number, number, option, sender):
		"""What a message is made with: AAD, algorithm, nonce, keystream."""
		request_piv = piv_of(request_number)
		owner, piv = (sender, piv_of(number)) if number is not None else (self.client_id, request_piv)
		aad = cbor2.dumps([1, [self.aead, self.group_enc, self.signature, self.agreement],
			self.client_id, request_piv, b"", self.gid, option, self.of[sender].cred, self.gm_cred])
		alg = self.group_enc if mode == "group" else self.aead
		stream = mode == "group" and hkdf(self.hkdf, piv, self.signature_key,
			[owner, self.gid, kind == "request", 64], 64)
		return aad, alg, nonce(self.common_iv, lengths(alg)[1], owner, piv), stream

	def option(self, kind, mode, request_mode, number, with_kid, sender):
		piv = piv_of(number) if number is not None else b""
		has_kid = kind == "request" or request_mode == "group" or with_kid
		flags = len(piv) | 8 * has_kid | 16 * (kind == "request") | 32 * (mode == "group")
		context = bytes([len(self.gid)]) + self.gid if kind == "request" else b""
		return (bytes([flags]) if flags else b"") + piv + context + (sender if has_kid else b"")

	def protect(self, kind, mode, request_mode, request_number, number, with_kid, plaintext):
		"""Option and payload."""
		sender = self.client_id if kind == "request" else self.server_id
		other = self.server_id if kind == "request" else self.client_id
		if kind == "request":
			number = request_number
		option = self.option(kind, mode, request_mode, number, with_kid, sender)
		aad, alg, iv, stream = self.parts(kind, mode, request_number, number, option, sender)
		key = self.key[sender] if mode == "group" else self.pairwise(sender, other)
		text = encrypt(alg, key, iv, cbor2.dumps(["Encrypt0", b"", aad]), plaintext)
		if mode == "group":
			signed = cbor2.dumps(["CounterSignature0", b"", b"", aad, text])
			signature = self.of[sender].sign(signed)
			text += bytes(a ^ b for a, b in zip(signature, stream))
		return option, text

	def good(self, kind, mode, request_mode, request_number, number, with_kid, plaintext, option, payload):
		"""Whether a message is right, whose signature may have a random part."""
		want_option, want = self.protect(kind, mode, request_mode, request_number, number, with_kid, plaintext)
		if mode == "pairwise" or self.signature == EDDSA:
			return (option, payload) == (want_option, want)
		sender = self.client_id if kind == "request" else self.server_id
		if kind == "request":
			number = request_number
		aad, _, _, stream = self.parts(kind, mode, request_number, number, option, sender)
		text, signature = payload[:-64], bytes(a ^ b for a, b in zip(payload[-64:], stream))
		try:
			self.of[sender].verify(signature, cbor2.dumps(["CounterSignature0", b"", b"", aad, text]))
		except InvalidSignature:
			return False
		return option == want_option and text == want[:-64]

	def row(self, name):
		values = {"name": name, **self.__dict__, "client_private": self.client.private,
			"client_cred": self.client.cred, "server_private": self.server.private,
			"server_cred": self.server.cred, "client_key": self.key[self.client_id],
			"server_key": self.key[self.server_id]}
		pairwise = self.aead is not None and self.agreement is not None
		for column, one, two in (("client_to_server", self.client_id, self.server_id),
				("server_to_client", self.server_id, self.client_id)):
			values[column] = self.pairwise(one, two) if pairwise else None
		return line("set", values)


def cell(v):
	if v is None or v == b"" or v == "":
		return "-"
	return v.hex() if isinstance(v, bytes) else str(int(v) if isinstance(v, bool) else v)


def line(kind, values):
	return "\t".join([kind] + [cell(values[c]) for c in COLUMNS[kind]])


def read(path):
	"""(kind, {column: text}) of each line."""
	for text in open(path):
		cells = text.rstrip("\n").split("\t")
		if cells[0] in COLUMNS:
			yield cells[0], dict(zip(COLUMNS[cells[0]], cells[1:]))


def number(text):
	return None if text == "-" else int(text)


def raw(text):
	return b"" if text == "-" else bytes.fromhex(text)


def group_of(s):
	"""The group of a "set" line. A certificate has a signature that is made anew, so credentials are as given."""
	signature, cred_format = number(s["signature"]), int(s["format"])
	members = []
	for who in ("client", "server"):
		k = Key(ES256 if signature == ES256 else EDDSA, raw(s[who + "_private"]), cred_format)
		k.cred = raw(s[who + "_cred"])
		members.append(k)
	return Group(group_enc=number(s["group_enc"]), signature=signature, aead=number(s["aead"]),
		agreement=number(s["agreement"]), hkdf=int(s["hkdf"]), format=cred_format, secret=raw(s["secret"]),
		salt=raw(s["salt"]), gid=raw(s["gid"]), client_id=raw(s["client_id"]), server_id=raw(s["server_id"]),
		client=members[0], server=members[1], gm_cred=raw(s["gm_cred"]))


REQUEST, RESPONSE = bytes.fromhex("01b3747631"), bytes.fromhex("45ff48656c6c6f20576f726c6421")
MESSAGES = (
	("request", "group", "group", 5, None, False),
	("response", "group", "group", 5, None, False),
	("response", "group", "group", 5, 7, False),
	("response", "pairwise", "group", 5, None, False),
	("request", "pairwise", "pairwise", 0x1234, None, False),
	("response", "pairwise", "pairwise", 0x1234, None, False),
	("response", "pairwise", "pairwise", 0x1234, 2**40 - 1, True),
	("response", "group", "pairwise", 0x1234, 8, True),
)


def messages(group):
	modes = [m for m, there in (("group", group.group_enc is not None and group.signature is not None),
		("pairwise", group.aead is not None and group.agreement is not None)) if there]
	for m in MESSAGES:
		if m[1] in modes and m[2] in modes:
			text = REQUEST if m[0] == "request" else RESPONSE
			option, payload = group.protect(*m, text)
			yield line("msg", dict(zip(COLUMNS["msg"], m + (text, option, payload))))


def table():
	"""Every algorithm, each signature, both hashes, both formats, and groups with one mode alone."""
	ccm = 10
	rows = [("A", a, EDDSA, ccm, -27, -10, CCS) for a in (*CCM, *OTHERS)]
	rows += [("B", ccm, EDDSA, a, -27, -10, CCS) for a in (*CCM, 1, 2, 3, 24) if a != ccm]
	rows += [("C", ccm, ES256, ccm, -27, -10, CCS), ("D", 24, ES256, 12, -28, -11, CCS),
		("E", -65534, ES256, 1, -27, -10, X509), ("F", ccm, EDDSA, ccm, -28, -11, X509),
		("G", ccm, EDDSA, None, None, -10, CCS), ("H", None, None, ccm, -27, -10, CCS)]
	print("# Computed by tests/interop/lib/group_oscore.py from the text of RFC 10021; that program says "
		"what the columns are.")
	for n, (what, enc, signature, aead, agreement, h, cred_format) in enumerate(rows):
		keys = [Key(signature or EDDSA, hashlib.sha256(b"%d %d" % (n, i)).digest(), cred_format) for i in range(3)]
		short = 12 in (enc, aead) or 13 in (enc, aead) or 32 in (enc, aead) or 33 in (enc, aead)
		group = Group(group_enc=enc, signature=signature, aead=aead, agreement=agreement, hkdf=h,
			format=cred_format, secret=hashlib.sha256(b"secret %d" % n).digest()[:16],
			salt=b"" if n % 3 == 0 else struct.pack(">Q", n), gid=b"group" + bytes([n]),
			client_id=b"" if n % 4 == 1 else b"\xc1" if short else b"clien", server_id=b"\x52",
			client=keys[0], server=keys[1], gm_cred=keys[2].cred)
		print(group.row("%s%d" % (what, n)))
		for m in messages(group):
			print(m)
	for signature, curve in ((EDDSA, 6), (ES256, 1)):
		one, two = (Key(signature, hashlib.sha256(b"ecdh %d" % i).digest(), CCS) for i in range(2))
		print(line("ecdh", {"curve": curve, "private": one.private, "own": one.point, "other": two.point,
			"secret": secret_of(one.private, two.point)}))


def wrong(path):
	"""What of a table does not agree with this implementation."""
	group, seen = None, 0
	for kind, s in read(path):
		seen += 1
		if kind == "set":
			group = group_of(s)
			if group.row(s["name"]) != line_of(kind, s):
				yield s["name"]
		elif kind == "ecdh":
			if secret_of(raw(s["private"]), raw(s["other"])) != raw(s["secret"]):
				yield "ecdh " + s["private"]
		elif not group.good(s["kind"], s["mode"], s["request_mode"], int(s["request_number"]),
				number(s["number"]), s["with_kid"] == "1", raw(s["plaintext"]), raw(s["option"]),
				raw(s["payload"])):
			yield "%s %s %s" % (s["kind"], s["mode"], s["payload"])
	if not seen:
		yield "nothing in it"


def line_of(kind, s):
	return "\t".join([kind] + [s[c] for c in COLUMNS[kind]])


if __name__ == "__main__":
	table()
