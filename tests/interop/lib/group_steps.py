# SPDX-License-Identifier: Apache-2.0
"""Group OSCORE between the library and two others: group_oscore.py, and aiocoap.

All of them read and write tables (group_oscore.COLUMNS): the library's test program makes each message
of a table itself, byte for byte where nothing in it is random, opens the one that stands there, and
writes down its own, which the other side opens.

aiocoap 0.4.12 encrypts the group mode with the AEAD of the pairwise mode, so both are one algorithm here;
its ES256 has a number of its own for the key agreement, and its map from Ed25519 to X25519 needs a module
that Debian has not. The two are mended below; messages are left as they are.
"""
import json
import os
import subprocess
import sys
import tempfile

import group_oscore as g
from aiocoap import oscore
from aiocoap.message import Message
from aiocoap.numbers import CONTENT, GET, POST
from aiocoap.util import cryptography_additions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

program = sys.argv[1]
passed = failed = 0


def check(good, what, detail=""):
	global passed, failed
	passed, failed = passed + bool(good), failed + (not good)
	print(("ok      " if good else "FAILED  ") + what + (" " + str(detail) if not good else ""))


def ours(path, made):
	"""The library on a table; what it says where that is not good."""
	run = subprocess.run([program, path, made], capture_output=True, text=True)
	last = run.stdout.rstrip().rsplit("\n", 1)[-1]
	return "" if run.returncode == 0 and last.endswith(" passed, 0 failed") else run.stdout[-2000:]


def payloads(made):
	return [bytes.fromhex(text) for text in open(made).read().split()]


# ---- the implementation beside this file

def opened(path, made):
	"""What of the library's messages that implementation does not find right."""
	ready, group, bad = iter(payloads(made)), None, []
	for kind, s in g.read(path):
		if kind == "set":
			group = g.group_of(s)
		elif kind == "msg" and not group.good(s["kind"], s["mode"], s["request_mode"],
				int(s["request_number"]), g.number(s["number"]), s["with_kid"] == "1",
				g.raw(s["plaintext"]), g.raw(s["option"]), next(ready)):
			bad.append(s["payload"])
	return bad if next(ready, None) is None else ["more than was asked for"]


def with_own(folder):
	path, made = "tests/vectors/group-oscore.tsv", os.path.join(folder, "own")
	check(not list(g.wrong(path)), "the table is what its program computes", list(g.wrong(path)))
	said = ours(path, made)
	check(not said, "the library makes and opens its messages", said)
	check(not said and not opened(path, made), "the messages of the library are opened")


# ---- vectors of others, where they are at hand

def as_table(v):
	inputs = v["inputs"]
	for s in v["sets"]:
		cells = {"name": s["aead"] + " " + s["group_enc"], "group_enc": s["alg_group_enc"],
			"signature": s["alg_signature"], "aead": s["alg_aead"],
			"agreement": s["alg_pairwise_key_agreement"], "hkdf": -10, "format": g.CCS,
			"secret": inputs["master_secret"], "salt": inputs["master_salt"], "gid": inputs["gid"],
			"client_id": inputs["client_id"], "server_id": inputs["server_id"],
			"client_private": inputs["client_ed25519_seed"], "client_cred": inputs["client_cred_ccs"],
			"server_private": inputs["server_ed25519_seed"], "server_cred": inputs["server_cred_ccs"],
			"gm_cred": inputs["gm_cred_ccs"], "common_iv": s["common_iv"],
			"client_key": s["client_sender_key"], "server_key": s["server_sender_key"],
			"signature_key": s["signature_encryption_key"],
			"client_to_server": s["pairwise_client_to_server_key"],
			"server_to_client": s["pairwise_server_to_client_key"]}
		yield g.line("set", cells)
		for name, (kind, mode) in {"group_request": ("request", "group"),
				"group_response_nopiv": ("response", "group"), "group_response_piv": ("response", "group"),
				"pairwise_request": ("request", "pairwise"),
				"pairwise_response_nopiv": ("response", "pairwise")}.items():
			m = s[name]
			request = s[mode + "_request"]["piv"]
			yield g.line("msg", {"kind": kind, "mode": mode, "request_mode": mode,
				"request_number": int(request, 16), "with_kid": kind == "response",
				"number": int(m["piv"], 16) if kind == "response" and "piv" in m else None,
				"plaintext": m["plaintext"], "option": m["oscore_option"], "payload": m["payload"]})
	for e in v["californium"]["ed25519_to_x25519_ecdh"]:
		own = g.Key(g.EDDSA, bytes.fromhex(e["private_seed"]), g.CCS)
		yield g.line("ecdh", {"curve": 6, "private": e["private_seed"], "own": own.point,
			"other": e["peer_public_ed25519"], "secret": e["shared_secret"]})
	for e in v["californium"]["p256_ecdh"]:
		own = g.Key(g.ES256, bytes.fromhex(e["private_d"]), g.CCS)
		yield g.line("ecdh", {"curve": 1, "private": e["private_d"], "own": own.point,
			"other": "04" + e["peer_x"] + e["peer_y"], "secret": e["shared_secret"]})


def with_vectors(folder):
	there = "../shared/vectors/group-oscore-vectors.json"
	if not os.path.exists(there):
		return
	path = os.path.join(folder, "table")
	with open(path, "w") as f:
		f.writelines(text + "\n" for text in as_table(json.load(open(there))))
	said = ours(path, os.path.join(folder, "made"))
	check(not said, "vectors of others", said)
	check(not list(g.wrong(path)), "which the implementation beside it computes too")


# ---- aiocoap

class ES256(oscore.ECDSA_SHA256_P256):
	"""Public keys that are equal where they are the same, which older releases of cryptography have not."""

	known = {}

	def same(self, public):
		return self.known.setdefault(public.public_numbers(), public)

	def from_kccs(self, ccs):
		return self.same(super().from_kccs(ccs))

	def public_from_private(self, private_key):
		return self.same(super().public_from_private(private_key))


class P256Agreement(ES256):
	value = -27


def to_x25519(public):
	raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
	return x25519.X25519PublicKey.from_public_bytes(g.montgomery(raw))


cryptography_additions.pk_to_curve25519 = to_x25519
GM = g.Key(g.EDDSA, bytes(range(64, 96)), g.CCS).cred
SECRET, SALT, GID, CLIENT, SERVER = bytes(range(16)), b"salty", b"\x37\xcb", b"\xc1", b"\x52"


class Peers:
	"""A group of aiocoap's, of a client and a server, whose windows are new."""

	def __init__(self, aead, signature, keys):
		self.keys = keys

		def context(who, other):
			private = keys[who].private if signature.value == g.EDDSA else keys[who].key
			return oscore.SimpleGroupContext(oscore.algorithms[aead], oscore.hashfunctions["sha256"], signature,
				oscore.algorithms[aead], oscore.EcdhSsHkdf256() if signature.value == g.EDDSA else P256Agreement(),
				GID, SECRET, SALT, who, private, keys[who].cred, {other: keys[other].cred}, GM)

		self.client, self.server = context(CLIENT, SERVER), context(SERVER, CLIENT)

	def ask(self, mode, number):
		"""A request, and what ties responses to it."""
		at = self.client if mode == "group" else self.client.pairwise_for(SERVER)
		self.client.sender_sequence_number = number
		return at.protect(Message(code=GET, uri_path=["tv1"]))

	def hear(self, message):
		"""The request as the server has it, and what ties responses to it."""
		bag = oscore.CanUnprotect._extract_encrypted0(message)[2]
		return self.server.get_oscore_context_for(bag).unprotect(message)

	def answer(self, mode, request_id, number):
		at = self.server if mode == "group" else self.server.pairwise_for(CLIENT)
		if number is not None:
			request_id.can_reuse_nonce = False
			self.server.sender_sequence_number = number
		return at.protect(Message(code=CONTENT, payload=b"Hello World!"), request_id)[0]

	def take(self, request_mode, request_number, message):
		request_id = self.ask(request_mode, request_number)[1]
		at = self.client if request_mode == "group" else self.client.pairwise_for(SERVER)
		bag = oscore.CanUnprotect._extract_encrypted0(message)[2]
		return at.context_from_response(bag).unprotect(message, request_id)[0]


# aiocoap answers a pairwise request pairwise, and never uses the last number there is.
MESSAGES = [m if m[4] != 2**40 - 1 else m[:4] + (2**40 - 2,) + m[5:] for m in g.MESSAGES
	if m[1:3] != ("group", "pairwise")]


def row(m, message):
	text = g.REQUEST if m[0] == "request" else g.RESPONSE
	with_kid = m[0] == "response"
	return g.line("msg", dict(zip(g.COLUMNS["msg"], m[:5] + (with_kid, text, message.opt.oscore, message.payload))))


def table_of(alg, signature, aead, keys):
	group = g.Group(group_enc=alg, signature=signature.value, aead=alg, agreement=-27, hkdf=-10, format=g.CCS,
		secret=SECRET, salt=SALT, gid=GID, client_id=CLIENT, server_id=SERVER, client=keys[CLIENT],
		server=keys[SERVER], gm_cred=GM)
	yield group.row(aead)
	for m in MESSAGES:
		peers = Peers(aead, signature, keys)
		message = peers.ask(m[2], m[3])[0]
		if m[0] == "response":
			message = peers.answer(m[1], peers.hear(message)[1], m[4])
		yield row(m, message)


def aiocoap_opens(path, made, peers_of):
	ready = iter(payloads(made))
	for kind, s in g.read(path):
		if kind != "msg":
			continue
		message = Message(code=POST if s["kind"] == "request" else CONTENT, payload=next(ready))
		message.opt.oscore = g.raw(s["option"])
		if s["kind"] == "request":
			got, want = peers_of().hear(message)[0], (GET, ("tv1",), b"")
		else:
			got = peers_of().take(s["request_mode"], int(s["request_number"]), message)
			want = (CONTENT, (), b"Hello World!")
		if (got.code, tuple(got.opt.uri_path), got.payload) != want:
			return False
	return True


def with_aiocoap(folder):
	for aead, alg in (("AES-CCM-16-64-128", 10), ("ChaCha20/Poly1305", 24), ("A256GCM", 3)):
		for signature in (oscore.Ed25519(), ES256()):
			keys = {who: g.Key(signature.value, bytes([n]) * 32, g.CCS)
				for n, who in ((1, CLIENT), (2, SERVER))}
			path, made = os.path.join(folder, "aiocoap"), os.path.join(folder, "made")
			with open(path, "w") as f:
				f.writelines(text + "\n" for text in table_of(alg, signature, aead, keys))
			name = f"{aead}, {type(signature).__name__}: "
			said = ours(path, made)
			check(not said, name + "the library makes and opens what aiocoap makes", said)
			check(not said and aiocoap_opens(path, made, lambda: Peers(aead, signature, keys)),
				name + "aiocoap opens what the library makes")


with tempfile.TemporaryDirectory() as where:
	with_own(where)
	with_vectors(where)
	with_aiocoap(where)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
