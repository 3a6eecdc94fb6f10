# SPDX-License-Identifier: Apache-2.0
"""Reads a recording and says what in it must not be.

Nothing is known but the recording and the secrets that were provisioned; the keys that bootstrap
gave away are found in the recorded Bootstrap-Writes.
"""
from collections import defaultdict

import oscore
from oscore import Context, Malformed, code_text

GOOD = {"register": oscore.CREATED, "update": oscore.CHANGED, "deregister": oscore.DELETED,
	"bootstrap": oscore.CHANGED}
REFUSALS = (oscore.BAD_REQUEST, oscore.UNAUTHORIZED, oscore.BAD_OPTION)
STILL = ["lanyard_%s_total" % n for n in ("registers", "updates", "deregisters",
	"bootstrap_requests", "bootstrap_finished", "bootstrap_failed", "responses",
	"notifications")]
OF_START = {"operation"}  # what the crash left open is told after a start, at its leisure
ANY = "any"  # a location that is not known yet


class Exchange:
	"""A protected request and the answers it got."""

	def __init__(self, who, context, option, message, inner, order):
		self.who, self.context, self.message, self.inner = who, context, message, inner
		self.kid, self.piv, self.order = option.kid, option.piv, order
		self.nonce = context.nonce(who, option.piv)
		self.aad = context.aad(option.kid, option.piv)
		self.answers = []  # protected ones, as datagrams

	@property
	def operation(self):
		path, code = self.inner.path(), self.inner.code
		if path == ["bs"]:
			return "bootstrap"
		if code == oscore.DELETE:
			return "deregister"
		return "register" if path == ["rd"] else "update"

	def __str__(self):
		return "%s of %s, Partial IV %s" % (
			self.operation, self.context.endpoint, self.piv.hex())


class Registration:
	"""What the daemon may believe of one endpoint, going by what was acknowledged."""

	def __init__(self):
		self.base = {None}  # a location, ANY, or None: not registered
		self.pending = {}   # requests without an answer -> what they may have done
		self.acknowledged = -1

	@property
	def possible(self):
		return self.base | set(self.pending.values())

	def sent(self, x):
		effects = {"register": ANY, "deregister": None}
		if x.operation in effects and not x.answers and x.order > self.acknowledged:
			self.pending[x] = effects[x.operation]

	def answered(self, x, inner):
		self.pending.pop(x, None)
		if x.order < self.acknowledged or inner.code != GOOD[x.operation]:
			return
		if x.operation == "bootstrap":
			return
		self.acknowledged = x.order
		self.pending = {p: e for p, e in self.pending.items() if p.order > x.order}
		self.base = {{"register": _location(inner.path(oscore.LOCATION_PATH)),
			"update": _location(x.inner.path()), "deregister": None}[x.operation]}

	def listed(self, location):
		"""Was that possible? What was shown is known from now on."""
		possible = self.possible
		good = location in possible or (location is not None and ANY in possible)
		self.base = {location}
		return good


def _location(path):
	return path[1] if len(path) == 2 and path[0] == "rd" else "/".join(path)


class Witness:
	def __init__(self, secrets):
		self.violations = []  # of (kind, text)
		self.count = defaultdict(int)
		self.endpoints = [s["endpoint"] for s in secrets]
		self._by_kid, self._by_endpoint = defaultdict(list), defaultdict(list)
		for s in secrets:
			self._learn(Context(s["endpoint"], s["role"], bytes.fromhex(s["master_secret"]),
				bytes.fromhex(s["master_salt"]), bytes.fromhex(s["recipient_id"]),
				bytes.fromhex(s["sender_id"]),
				bytes.fromhex(s["id_context"]) if "id_context" in s else None))
		self._nonces = {}                   # (key, nonce) -> (ciphertext, AAD)
		self.requests = {}                  # datagram of a device -> Exchange
		self.asked = {}                     # datagram of the daemon -> Exchange
		self._sent = defaultdict(list)      # (port, token) -> requests of devices
		self._asked = defaultdict(list)     # (endpoint, token) -> requests of the daemon
		self._replay_ports = set()
		self._registrations = defaultdict(Registration)
		self._due = {}                      # (port, token) -> Exchange, not answered yet
		self._fresh = set()                 # endpoints served since the last start
		self._sent_since_start = set()
		self._quiet = None
		self._at = 0

	def _learn(self, context):
		self._by_kid[context.device_id].append(context)
		self._by_endpoint[context.endpoint, context.role].append(context)

	def _bad(self, kind, text):
		self.violations.append((kind, "entry %d: %s" % (self._at, text)))

	def read(self, entries):
		for self._at, e in enumerate(entries):
			getattr(self, "_" + e["kind"].replace("-", "_"))(e)
		return self

	# ---- packets

	def _packet(self, e):
		data = bytes.fromhex(e["hex"])
		self.count["packets"] += 1
		try:
			m = oscore.parse(data)
			if e["dir"] == "up":
				self._up(e, data, m)
			else:
				self._down(e, data, m)
		except Malformed as why:
			self._bad("unreadable", "%s: %s" % (why, e["hex"]))

	def _up(self, e, data, m):
		if e["src"] == "replay":
			self.count["replayed"] += 1
			self._replay_ports.add(e["port"])
		if m.is_request:
			self._device_request(e, data, m)
		elif m.is_response and e["src"] != "replay":
			self._device_response(e, m)

	def _down(self, e, data, m):
		if m.is_request:
			self._daemon_request(e, data, m)
		elif m.is_response:
			self._daemon_response(e, data, m)

	def _open_request(self, who, contexts, m):
		value = m.option(oscore.OSCORE)
		if value is None:
			raise Malformed("an unprotected request")
		option = oscore.parse_option(value)
		if option.kid is None or option.piv is None:
			raise Malformed("a request without kid or Partial IV")
		candidates = contexts(option)
		for c in reversed(candidates + self._openings(who, candidates, option)):
			nonce, aad = c.nonce(who, option.piv), c.aad(option.kid, option.piv)
			plain = c.open(who, nonce, aad, m.payload)
			if plain is not None:
				self._used(c, who, nonce, aad, m.payload)
				return Exchange(who, c, option, m, oscore.parse_inner(plain), self._at)
		raise Malformed("a request under unknown keys")

	def _open_response(self, who, requests, m):
		"""(Exchange, what was said) of the request that this answers; (None, None): there is
		none."""
		option = oscore.parse_option(m.option(oscore.OSCORE))
		for x in reversed(requests):
			nonce = x.nonce if option.piv is None else x.context.nonce(who, option.piv)
			plain = x.context.open(who, nonce, x.aad, m.payload)
			if plain is not None:
				self._used(x.context, who, nonce, x.aad, m.payload)
				return x, oscore.parse_inner(plain)
		return None, None

	def _used(self, context, who, nonce, aad, ciphertext):
		"""(a): one nonce, one message."""
		self.count["sealed by the " + who] += 1
		first = self._nonces.setdefault((context.key[who], nonce), (ciphertext, aad))
		if first != (ciphertext, aad):
			self._bad("nonce", "the %s used a nonce of %s twice" % (who, context.endpoint))

	# ---- devices speak

	def _device_request(self, e, data, m):
		x = self.requests.get(data)
		if not x:
			x = self.requests[data] = self._open_request("device",
				lambda o: [c for c in self._by_kid[o.kid]
					if o.kid_context is None or o.kid_context == c.id_context], m)
			self._sent_since_start.add(x)
		key = e["port"], m.token
		if x not in self._sent[key]:
			self._sent[key].append(x)
		if e["src"] != "replay":
			self._registrations[x.context.endpoint].sent(x)
		if e["src"] == "resend":
			self._due[key] = x

	def _device_response(self, e, m):
		if m.option(oscore.OSCORE) is None:
			self.count["unprotected answers of devices"] += 1
			return
		requests = self._asked[e["endpoint"], m.token]
		x, inner = self._open_response("device", requests, m)
		if x:
			self.count["notifications" if inner.option(oscore.OBSERVE) is not None
				else "answers of devices"] += 1
		else:
			self._bad("unreadable", "an answer of %s to nothing" % e["endpoint"])

	# ---- the daemon speaks

	def _openings(self, who, contexts, option):
		"""What a first request of RFC 8613 Appendix B.2 of the daemon may be under: it offers new
		keys to a device that seems to have lost its own, and these devices do not take them."""
		wrapped = option.kid_context
		if who != "server" or not wrapped or len(wrapped) != 9 or wrapped[0] != 0x48:
			return []
		return [c.under(wrapped[1:]) for c in contexts]

	def _daemon_request(self, e, data, m):
		if e["port"] in self._replay_ports:
			self._bad("replay", "the daemon speaks to an address that only replayed")
			return
		if data in self.asked:
			return
		contexts = self._by_endpoint[e["endpoint"], e["role"]]
		x = self._open_request(
			"server", lambda o: [c for c in contexts if c.server_id == o.kid], m)
		self.asked[data] = x
		self._asked[e["endpoint"], m.token].append(x)
		path = x.inner.path()
		if e["role"] == "bootstrap" and x.inner.code == oscore.PUT and path[:1] == ["21"]:
			r = oscore.tlv_resources(x.inner.payload)
			self._learn(Context(e["endpoint"], "server", r[0], r[5], r[1], r[2]))
			self.count["bootstrapped keys"] += 1

	def _daemon_response(self, e, data, m):
		key = e["port"], m.token
		replayed = e["port"] in self._replay_ports
		self._due.pop(key, None)
		requests = [x for x in self._sent[key]
			if m.type != oscore.ACK or x.message.mid == m.mid]
		if m.option(oscore.OSCORE) is None:
			self._unprotected(e, m, requests, replayed)
			return
		x, inner = self._open_response("server", requests, m)
		if not x:
			self._bad("unreadable", "an answer of the daemon to nothing")
			return
		if x.answers and data not in x.answers:
			self._bad("replay", "answered a second time: %s" % x)
		new = data not in x.answers
		if new:
			x.answers.append(data)
			self._registrations[x.context.endpoint].answered(x, inner)
		elif replayed:
			self.count["copies answered as before"] += 1
		if not replayed:
			self._judge(x, inner, new)

	def _unprotected(self, e, m, requests, replayed):
		what = "%s, unprotected" % code_text(m.code)
		if not requests:
			self._bad("unreadable", "%s, to nothing" % what)
		elif not replayed:
			self._bad("lockout", "%s, to an honest device: %s" % (what, requests[-1]))
		elif m.code not in REFUSALS:
			self._bad("replay", "%s, to a replay: %s" % (what, requests[-1]))
		else:
			self.count["replays refused"] += 1

	def _judge(self, x, inner, new):
		"""(d): an honest device gets what it asked for, or a challenge it can meet."""
		challenge = (inner.code == oscore.UNAUTHORIZED
			and inner.option(oscore.ECHO) is not None)
		if challenge:
			self.count["challenges"] += new
		elif inner.code != GOOD[x.operation]:
			self._bad("lockout", "%s, to an honest device: %s" % (code_text(inner.code), x))
		else:
			self.count[x.operation] += new
			if x in self._sent_since_start and x.context.role == "server":
				self._fresh.add(x.context.endpoint)

	# ---- what was done

	def _start(self, e):
		self._fresh.clear()
		self._sent_since_start.clear()

	def _kill(self, e):
		self.count["kills"] += 1
		self._ended(e, (-9, 0) if e["way"] == "stop" else (-9,))

	def _stop(self, e):
		self._ended(e, (0,))

	def _ended(self, e, statuses):
		if e["status"] not in statuses:
			self._bad("crash", "the daemon ended with status %d" % e["status"])
		for x in self._due.values():
			self._bad("lockout", "silence after a restart: %s" % x)
		self._due.clear()

	def _resend(self, e):
		pass

	def _resent(self, e):
		pass

	def _all_well(self, e):
		for name in sorted(set(self.endpoints) - self._fresh):
			self._bad("lockout", "%s does not come back" % name)

	def _listing(self, e):
		"""(b): what was acknowledged is there."""
		self.count["listings"] += 1
		shown = {v["name"]: v["registration"] for v in e["endpoints"]}
		for name in self.endpoints:
			r = self._registrations[name]
			actual = shown.get(name) and shown[name]["location"]
			self.count["registrations seen again"] += actual is not None
			possible = r.possible
			self.count["registrations in doubt"] += len(possible) > 1
			if not r.listed(actual):
				self._bad("registration", "%s should be %s, is %s" % (
					name, " or ".join(str(p) for p in possible), actual))

	def _quiet_begin(self, e):
		self._quiet = e

	def _quiet_end(self, e):
		"""(c): old datagrams move nothing."""
		if e["sent"] is None:
			self._bad("harness", "the daemon did not take all replays")
		for name in STILL:
			if e["metrics"][name] != self._quiet["metrics"][name]:
				self._bad("replay", "%s went from %d to %d by replays" % (
					name, self._quiet["metrics"][name], e["metrics"][name]))
		if told := set(e["events"]) - OF_START - {"security"}:  # which tells of the replays
			self._bad("replay", "events by replays: " + " ".join(sorted(told)))
		before = {v["name"]: v for v in self._quiet["endpoints"]}
		for v in e["endpoints"]:
			self._unmoved(before.pop(v["name"], None), v)
		if before:
			self._bad("replay", "endpoints gone by replays: " + " ".join(before))

	def _unmoved(self, before, after):
		before, expiry_before = _state(before)
		after, expiry_after = _state(after)
		if before != after or expiry_after > expiry_before:
			self._bad("replay", "%s was moved by replays: %s, %s" % (
				after["name"], before, after))


def _state(view):
	"""What a replay must not change, and when the registration expires."""
	if view is None:
		return None, 0
	view = dict(view, registration=dict(view["registration"] or {}))
	view["registration"].pop("asleep", None)
	return view, view["registration"].pop("expires_in_s", None) or 0
