# SPDX-License-Identifier: Apache-2.0
"""Doctored recordings: each has one crime put into a real recording, which the witness must see."""
import copy

import doctor_keys
import oscore
from doctor_tools import answer, answered_before, answers, data_of, insert, places, reseal
from witness import Witness

ROUNDS = 4


def _prefix(entries):
	"""The first rounds: enough for every crime, and quick to judge."""
	out, rounds = [], 0
	for e in entries:
		if rounds < ROUNDS or e["kind"] in ("kill", "stop"):
			out.append(e)
		rounds += e["kind"] == "resent"
		if rounds >= ROUNDS and e["kind"] in ("kill", "stop"):
			break
	return out


def _twice(entries, requests, direction):
	"""The same request under the same number once more, but saying something else."""
	i, x = next((i, requests[data_of(entries[i])])
		for i in places(entries, "packet", dir=direction) if data_of(entries[i]) in requests)
	other = reseal(x, x.who, x.nonce, x.aad, x.message, bytes([x.inner.code]))
	insert(entries, i + 1, entries[i], other)


def device_nonce(entries, w):
	_twice(entries, w.requests, "up")


def daemon_nonce(entries, w):
	_twice(entries, w.asked, "down")


def answered_replay(entries, w):
	_, i, x = next(a for a in answers(entries, w, "replay") if answered_before(entries, a[1], a[2]))
	entries[i]["hex"] = answer(x, oscore.parse(data_of(entries[i])), oscore.CHANGED).hex()


def answered_nonce(entries, w):
	"""The answer to a copy differs, under the nonce of the request."""
	for _, i, x in answers(entries, w, "replay"):
		m = oscore.parse(data_of(entries[i]))
		if m.option(oscore.OSCORE) == b"":
			entries[i]["hex"] = reseal(
				x, "server", x.nonce, x.aad, m, bytes([oscore.CONTENT])).hex()
			return


def lost_registration(entries, w):
	i = places(entries, "listing")[-1]
	next(v for v in entries[i]["endpoints"] if v["registration"])["registration"] = None


def other_location(entries, w):
	i = places(entries, "listing")[-1]
	v = next(v for v in entries[i]["endpoints"] if v["registration"])
	v["registration"]["location"] = "elsewhere0"


def _quiet_registration(entries):
	i = places(entries, "quiet-end")[-1]
	return next(v for v in entries[i]["endpoints"] if v["registration"])["registration"]


def moved_address(entries, w):
	_quiet_registration(entries)["address"] = "udp:127.0.0.1:1"


def longer_life(entries, w):
	_quiet_registration(entries)["expires_in_s"] += 100


def counted_update(entries, w):
	entries[places(entries, "quiet-end")[-1]]["metrics"]["lanyard_updates_total"] += 1


def told_registration(entries, w):
	entries[places(entries, "quiet-end")[-1]]["events"].append("registered")


def asked_attacker(entries, w):
	up = places(entries, "packet", src="replay")[0]
	down = next(i for i in places(entries, "packet", dir="down") if data_of(entries[i]) in w.asked)
	insert(entries, up + 1, entries[down], data_of(entries[down]), port=entries[up]["port"])


def refused_device(entries, w):
	_, i, _ = next(answers(entries, w, "resend"))
	m = oscore.parse(data_of(entries[i]))
	m.code, m.options, m.payload = oscore.UNAUTHORIZED, [], b"Replay detected"
	entries[i]["hex"] = oscore.encode(m).hex()


def silence(entries, w):
	"""Nothing comes back on that port any more, neither to the copy nor to what follows."""
	up, _, _ = next(answers(entries, w, "resend"))
	port = entries[up]["port"]
	entries[up:] = [e for e in entries[up:] if e.get("port") != port or e["dir"] == "up"]


def forged_answer(entries, w):
	_, i, _ = next(answers(entries, w, "device"))
	data = data_of(entries[i])
	entries[i]["hex"] = (data[:-1] + bytes([data[-1] ^ 1])).hex()


def aborted(entries, w):
	entries[places(entries, "kill")[-1]]["status"] = -6


CRIMES = [
	(device_nonce, "nonce", "a nonce that a device used twice"),
	(daemon_nonce, "nonce", "a nonce that the daemon used twice"),
	(answered_nonce, "nonce", "another answer under the nonce of a request"),
	(answered_replay, "replay", "an accepted replay"),
	(asked_attacker, "replay", "an attacker's port taken for a device's"),
	(moved_address, "replay", "an address moved by replays"),
	(longer_life, "replay", "a lifetime extended by replays"),
	(counted_update, "replay", "an Update counted during replays"),
	(told_registration, "replay", "an event during replays"),
	(lost_registration, "registration", "a lost registration"),
	(other_location, "registration", "a registration with another location"),
	(refused_device, "lockout", "an honest device that is refused"),
	(silence, "lockout", "an honest device that gets silence"),
	(forged_answer, "unreadable", "an answer that is not authentic"),
	(aborted, "crash", "a daemon that aborts"),
]


def doctored(entries, secrets):
	"""For each crime: what it is, and whether it was seen, and only there."""
	entries = _prefix(entries)
	clean = Witness(secrets).read(entries)
	yield "nothing in an honest recording", not clean.violations
	for commit, kind, text in CRIMES + doctor_keys.CRIMES:
		changed = [dict(e) if e["kind"] == "packet" else copy.deepcopy(e) for e in entries]
		commit(changed, clean)
		found = Witness(secrets).read(changed).violations
		yield text, kind in [k for k, _ in found]
