# SPDX-License-Identifier: Apache-2.0
"""How recordings are doctored."""
import copy

import oscore

NEW_PIV = (1 << 30).to_bytes(4, "big")


def data_of(e):
	return bytes.fromhex(e["hex"])


def places(entries, kind, **fields):
	return [i for i, e in enumerate(entries)
		if e["kind"] == kind and all(e.get(k) == v for k, v in fields.items())]


def insert(entries, i, e, data, **fields):
	entries.insert(i, dict(e, hex=data.hex(), **fields))


def reseal(x, who, nonce, aad, message, plaintext):
	return oscore.encode(oscore.Message(message.type, message.code, message.mid, message.token,
		message.options, x.context.seal(who, nonce, aad, plaintext)))


def answers(entries, w, src):
	"""(place of the request, place of its protected answer, Exchange), for that source."""
	waiting = {}
	for i, e in enumerate(entries):
		if e["kind"] != "packet":
			continue
		data = data_of(e)
		m = oscore.parse(data)
		if e["src"] == src and data in w.requests:
			waiting[e["port"], m.token] = i
		elif e["dir"] == "down" and m.is_response and (e["port"], m.token) in waiting:
			at = waiting.pop((e["port"], m.token))
			if m.option(oscore.OSCORE) is not None:
				yield at, i, w.requests[data_of(entries[at])]


def answered_before(entries, place, x):
	"""Had x its first answer by then?"""
	return bool(x.answers) and any(e["kind"] == "packet" and e["src"] == "daemon"
		and data_of(e) == x.answers[0] for e in entries[:place])


def answer(x, m, code):
	"""An answer to x under a number of the daemon's own."""
	nonce = x.context.nonce("server", NEW_PIV)
	m = copy.copy(m)
	m.options = [(oscore.OSCORE, bytes([len(NEW_PIV)]) + NEW_PIV)]
	return reseal(x, "server", nonce, x.aad, m, bytes([code]))


def unprotected(token, code, text):
	return oscore.encode(oscore.Message(oscore.CON, code, 7, token, [], text))
