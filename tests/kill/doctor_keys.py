# SPDX-License-Identifier: Apache-2.0
"""Crimes against the recovery of keys (RFC 8613 Appendix B.2) and the rollback of databases, to be
put into recordings."""
import oscore
from doctor_tools import answer, answers, data_of, places, reseal, unprotected

R3 = b"another!"
LATE = (1 << 19).to_bytes(3, "big")


def _wrap(value):
	return oscore.cbor2.dumps(value)


def _offers(entries, w):
	"""(place of request 1, place of its response 1, Exchange, R2)."""
	for src in ("device", "replay", "resend"):
		for up, down, x in answers(entries, w, src):
			option = oscore.parse_option(oscore.parse(data_of(entries[down])).option(oscore.OSCORE))
			r2 = oscore.unwrap(option.kid_context)
			if r2 is not None:
				yield up, down, x, r2


def _response_1(x, m, r2, plaintext):
	"""The response 1 m to x, with that R2."""
	c = x.context.under(r2 + x.context.id_context)
	wrapped = _wrap(r2)
	options = [(oscore.OSCORE, bytes([0x10, len(wrapped)]) + wrapped)]
	return oscore.encode(oscore.Message(m.type, m.code, m.mid, m.token, options,
		c.seal("server", x.nonce, x.aad, plaintext)))


def same_r2(entries, w):
	"""An R2 of before in the answer to another request."""
	first = next(_offers(entries, w))
	_, down, x, _ = next(o for o in _offers(entries, w)
		if o[2].context.root is first[2].context.root and o[2] is not first[2] and o[1] > first[1])
	m = oscore.parse(data_of(entries[down]))
	entries[down]["hex"] = _response_1(x, m, first[3], bytes([oscore.UNAUTHORIZED])).hex()


def response_1_nonce(entries, w):
	_, down, x, r2 = next(_offers(entries, w))
	m = oscore.parse(data_of(entries[down]))
	other = _response_1(x, m, r2, bytes([oscore.CHANGED]))
	entries.insert(down + 1, dict(entries[down], hex=other.hex()))


def carried_out_1(entries, w):
	"""A request 1 is carried out, under its own keys."""
	_, down, x, _ = next(_offers(entries, w))
	entries[down]["hex"] = answer(x, oscore.parse(data_of(entries[down])), oscore.CHANGED).hex()


def _request(c, kid_context, token, piv, inner):
	"""A request of a device under c."""
	flags = len(piv) | 0x08 | (0x10 if kid_context else 0)
	value = bytes([flags]) + piv
	if kid_context:
		value += bytes([len(kid_context)]) + kid_context
	sealed = c.seal("device", c.nonce("device", piv), c.aad(c.device_id, piv), inner)
	return oscore.encode(oscore.Message(oscore.CON, oscore.POST, 7, token,
		[(oscore.OSCORE, value + c.device_id)], sealed))


UPDATE = bytes([oscore.POST]) + oscore.encode(oscore.Message(oscore.CON, oscore.POST, 0, b"",
	[(oscore.URI_PATH, b"rd"), (oscore.URI_PATH, b"x")]))[4:]


def _carried_out(entries, at, e, c, kid_context, token=b"crime"):
	"""Such a request at that place, and a good answer to it."""
	piv = b"\x05"
	up = _request(c, kid_context, token, piv, UPDATE)
	down = oscore.encode(oscore.Message(oscore.ACK, oscore.CHANGED, 7, token, [(oscore.OSCORE, b"")],
		c.seal("server", c.nonce("device", piv), c.aad(c.device_id, piv), bytes([oscore.CHANGED]))))
	entries[at:at] = [dict(e, dir="up", src="device", hex=up.hex()),
		dict(e, dir="down", src="daemon", hex=down.hex())]


def _taken(entries, w):
	"""(place of response 2, Exchange of request 2)."""
	for _, down, x in answers(entries, w, "device"):
		use = w.book.use(x.context)
		if use and use.offer and use.offer.who == "server" and use.born == down:
			yield down, x


def r2_twice(entries, w):
	down, x = next(_taken(entries, w))
	both = w.book.use(x.context).offer.r2 + R3
	_carried_out(entries, down + 1, entries[down], x.context.under(both), _wrap(both))


def r2_of_before(entries, w):
	"""An R2 that nobody took, when the daemon has been started anew."""
	start = places(entries, "start")
	up, down, x, r2 = next(o for o in _offers(entries, w) if entries[o[0]]["src"] == "replay"
		and o[1] < start[-1])
	port = next(e for e in entries if e["kind"] == "packet"
		and e["endpoint"] == x.context.endpoint)
	_carried_out(entries, start[-1] + 1, port, x.context.under(r2 + R3), _wrap(r2 + R3))


def request_2_twice(entries, w):
	"""A copy of request 2 has another effect in a later run."""
	down, x = next(_taken(entries, w))
	start = places(entries, "start")[-1]
	attacker = entries[places(entries, "packet", src="replay")[0]]
	m = oscore.parse(data_of(entries[down]))
	up = next(d for d, y in w.requests.items() if y is x)
	entries[start + 1:start + 1] = [dict(attacker, hex=up.hex()),
		dict(attacker, dir="down", src="daemon", hex=answer(x, m, oscore.CHANGED).hex())]


def old_keys_gone(entries, w):
	"""Response 2 may have been lost: the device goes on with the keys it had."""
	down, x = next(_taken(entries, w))
	up = _request(x.context.root, x.context.root.id_context, b"before", LATE, UPDATE)
	refused = unprotected(b"before", oscore.BAD_REQUEST, b"Decryption failed")
	entries[down + 1:down + 1] = [dict(entries[down], dir="up", src="device", hex=up.hex()),
		dict(entries[down], hex=refused.hex())]


# ---- rollbacks

def _back(entries, way="rollback"):
	return places(entries, "put-back", way=way)[0]


def unnoticed(entries, w):
	e = entries[next(i for i in places(entries, "found", way="rollback"))]
	e["rollbacks"] = e["before"]


def not_sealed(entries, w):
	entries[places(entries, "found", way="sealed")[0]]["sealed"] = False


def served_sealed(entries, w):
	found = places(entries, "found", way="sealed")[0]
	_, down, x = next(a for a in answers(entries, w, "device") if a[1] < found)
	entries.insert(found + 1, dict(entries[down]))


def executed_again(entries, w):
	"""The challenge to an old request after the rollback becomes its execution."""
	back = _back(entries)
	for _, down, x in answers(entries, w, "replay"):
		before = next((i for i in places(entries, "packet", dir="down", src="daemon")
			if data_of(entries[i]) == x.answers[0]), None) if x.answers else None
		if down > back and before is not None and before < back and len(x.answers) > 1:
			entries[down]["hex"] = answer(
				x, oscore.parse(data_of(entries[down])), oscore.CHANGED).hex()
			return


def numbers_again(entries, w):
	"""The daemon begins where the copy was."""
	back = _back(entries)
	i = next(i for i in places(entries, "packet", dir="down", src="daemon")
		if data_of(entries[i]) in w.asked)
	x = w.asked[data_of(entries[i])]
	again = reseal(x, x.who, x.nonce, x.aad, x.message, bytes([oscore.GET]))
	at = next(i for i in places(entries, "resent") if i > back)
	entries.insert(at, dict(entries[i], hex=again.hex()))


def copied_registration(entries, w):
	"""One that is in the copy is not there when the copy has been put back."""
	back = _back(entries)
	possible = w.copies[entries[back]["copy"]].possible
	listing = next(i for i in places(entries, "listing") if i > back)
	next(v for v in entries[listing]["endpoints"] if v["registration"]
		and None not in possible[v["name"]])["registration"] = None


def copied_keys(entries, w):
	"""A device whose keys are in the copy is refused."""
	back = _back(entries)
	_, down, x = next(a for a in answers(entries, w, "resend")
		if a[1] > back and getattr(w.book.use(a[2].context), "born", None) == -1)
	m = oscore.parse(data_of(entries[down]))
	entries[down]["hex"] = oscore.encode(oscore.Message(m.type, oscore.UNAUTHORIZED, m.mid, m.token,
		[], b"Replay detected")).hex()


def gone_for_good(entries, w):
	entries.insert(places(entries, "start")[-1] + 1, {"kind": "all-well"})


CRIMES = [
	(same_r2, "nonce", "an R2 that is told twice"),
	(response_1_nonce, "nonce", "two messages under the keys of one response 1"),
	(carried_out_1, "recovery", "a request 1 that is carried out"),
	(r2_twice, "recovery", "an R2 that two contexts come of"),
	(r2_of_before, "recovery", "an R2 of an earlier run that is taken"),
	(request_2_twice, "replay", "a request 2 that is carried out twice"),
	(old_keys_gone, "lockout", "old keys that are gone before the new ones are in use"),
	(gone_for_good, "lockout", "devices that do not come back"),
	(unnoticed, "rollback", "an older copy that nobody notices"),
	(not_sealed, "rollback", "a database without its anchor that is not sealed"),
	(served_sealed, "rollback", "an answer while the database is sealed"),
	(executed_again, "replay", "an old request that is carried out again after a rollback"),
	(numbers_again, "nonce", "a number that is used again after a rollback"),
	(copied_registration, "registration", "a registration of the copy that is lost"),
	(copied_keys, "lockout", "a device that is refused though the copy has its keys"),
]
