# SPDX-License-Identifier: Apache-2.0
"""Reads a recording and says what in it must not be.

Nothing is known but the recording and the secrets that were provisioned; the keys that bootstrap
gave away are found in the recorded Bootstrap-Writes.
"""
from collections import defaultdict

import oscore
from contexts import NEVER, Book
from oscore import Context, Malformed, code_text, unwrap

GOOD = {"register": oscore.CREATED, "update": oscore.CHANGED, "deregister": oscore.DELETED,
	"bootstrap": oscore.CHANGED}
REFUSALS = (oscore.BAD_REQUEST, oscore.UNAUTHORIZED, oscore.BAD_OPTION, oscore.UNAVAILABLE)
UNKNOWN_KEYS = (oscore.BAD_REQUEST, oscore.UNAUTHORIZED)  # their kid may be one of other keys
STILL = ["lanyard_%s_total" % n for n in ("registers", "updates", "deregisters",
	"bootstrap_requests", "bootstrap_finished", "bootstrap_failed", "responses",
	"notifications", "recoveries")]
# What the crash left open is told after a start, at its leisure, and what was found at it.
OF_START = {"operation", "rollback"}
ANY = "any"  # a location that is not known yet


class Exchange:
	"""A protected request and the answers it got."""

	def __init__(self, who, context, option, message, inner, order):
		self.who, self.context, self.message, self.inner = who, context, message, inner
		self.kid, self.piv, self.order = option.kid, option.piv, order
		self.nonce = context.nonce(who, option.piv)
		self.aad = context.aad(option.kid, option.piv)
		self.answers = []  # protected ones, as datagrams, but offers of new keys
		self.answered_at = -1

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

	def set_back(self, possible):
		self.base, self.pending, self.acknowledged = set(possible), {}, -1

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


class Copy:
	"""A copy of the database: what may be in it. While it is made, that grows."""

	def __init__(self, at, lost, gone, registrations):
		self.at, self.end, self.open = at, at, True
		self.lost, self.gone = lost, gone
		self.possible = {name: set(r.possible) for name, r in registrations.items()}


class Witness:
	def __init__(self, secrets):
		self.violations = []  # of (kind, text)
		self.count = defaultdict(int)
		self.endpoints = [s["endpoint"] for s in secrets]
		self.book = Book()
		for s in secrets:
			self.book.learn(Context(s["endpoint"], s["role"], bytes.fromhex(s["master_secret"]),
				bytes.fromhex(s["master_salt"]), bytes.fromhex(s["recipient_id"]),
				bytes.fromhex(s["sender_id"]),
				bytes.fromhex(s["id_context"]) if "id_context" in s else None), -1)
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
		self._run, self._sealed = 0, False
		self.copies = {}                   # number -> Copy
		self._lost = set()                  # contexts that the daemon may know nothing of
		self._gone = set()                  # and those of which it knows nothing
		self._rolled_at = -1                # the last rollback
		self._known_until = -1              # and when its copy had been made
		self._rolled = set()                # endpoints not registered anew since
		self._at = 0

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
			self._device_response(e, data, m)

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
		for c in reversed(contexts(option)):
			nonce, aad = c.nonce(who, option.piv), c.aad(option.kid, option.piv)
			plain = c.open(who, nonce, aad, m.payload)
			if plain is not None:
				self._used(c, who, nonce, aad, m.payload)
				self._met(c, who, nonce)
				return Exchange(who, c, option, m, oscore.parse_inner(plain), self._at)
		raise Malformed("a request under unknown keys")

	def _open_response(self, who, requests, m):
		"""(Exchange, what was said, R2 if it is a response 1 of Appendix B.2) of the request that
		this answers; three times None: there is none."""
		option = oscore.parse_option(m.option(oscore.OSCORE))
		r2 = unwrap(option.kid_context) if option.piv is None else None
		for x in reversed(requests):
			c = x.context
			if r2 is not None:
				c = c.under(r2 + (c.id_context or b""))
			nonce = x.nonce if option.piv is None else c.nonce(who, option.piv)
			plain = c.open(who, nonce, x.aad, m.payload)
			if plain is not None:
				self._used(c, who, nonce, x.aad, m.payload)
				return x, oscore.parse_inner(plain), r2
		return None, None, None

	def _met(self, c, who, nonce):
		"""A request under c. If its ID Context begins with an R2, the keys are to stay."""
		offer = self.book.offer_of(c)
		if not self.book.use(c) and offer and offer.who != who:
			# The daemon keeps its own before it asks under them, those of a device when it answers.
			self.book.learn(c, self._at if who == "server" else NEVER, offer, self._at)
			self.count["recoveries by the " + who] += 1
		if use := who == "device" and self.book.use(c):
			use.first_run = use.first_run or self._run
			self.book.spoken(c, nonce, self._at)

	def _offered(self, who, x, inner, r2, data):
		"""Response 1: each has an R2, and so keys, of its own."""
		self.count["offers of the " + who] += 1
		if not self.book.offer(who, x.context, self._run, r2, data):
			self._bad("nonce", "the %s offered an R2 to %s twice" % (who, x.context.endpoint))
		if inner.code != oscore.UNAUTHORIZED or (inner.options or inner.payload):
			self._bad("recovery", "a response 1 says more than it may: %s" % x)

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
			x = self.requests[data] = self._open_request("device", self.book.of_device, m)
			self._sent_since_start.add(x)
		key = e["port"], m.token
		if x not in self._sent[key]:
			self._sent[key].append(x)
		if e["src"] != "replay":
			self._registrations[x.context.endpoint].sent(x)
			self._note(x.context.endpoint)
		if e["src"] == "resend":
			self._due[key] = x

	def _device_response(self, e, data, m):
		if m.option(oscore.OSCORE) is None:
			self.count["unprotected answers of devices"] += 1
			return
		requests = self._asked[e["endpoint"], m.token]
		x, inner, r2 = self._open_response("device", requests, m)
		if r2 is not None and x:
			self._offered("device", x, inner, r2, data)
		elif x:
			if self.book.use(x.context):
				self.book.spoken(x.context, x.nonce, self._at)
			self.count["notifications" if inner.option(oscore.OBSERVE) is not None
				else "answers of devices"] += 1
		else:
			self._bad("unreadable", "an answer of %s to nothing" % e["endpoint"])

	# ---- the daemon speaks

	def _daemon_request(self, e, data, m):
		if e["port"] in self._replay_ports:
			self._bad("replay", "the daemon speaks to an address that only replayed")
			return
		if data in self.asked:
			return
		x = self._open_request(
			"server", lambda o: self.book.of_daemon(e["endpoint"], e["role"], o), m)
		self.asked[data] = x
		self._asked[e["endpoint"], m.token].append(x)
		path = x.inner.path()
		if e["role"] == "bootstrap" and x.inner.code == oscore.PUT and path[:1] == ["21"]:
			r = oscore.tlv_resources(x.inner.payload)
			self.book.learn(
				Context(e["endpoint"], "server", r[0], r[5], r[1], r[2]), self._at)
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
		x, inner, r2 = self._open_response("server", requests, m)
		if not x:
			self._bad("unreadable", "an answer of the daemon to nothing")
			return
		if self._sealed:
			self._bad("rollback", "served while it is sealed: %s" % x)
		if r2 is not None:
			self._offered("server", x, inner, r2, data)
			return
		self._proved(x)
		new = data not in x.answers
		if x.answers and new and not (_challenge(inner) and x.answered_at < self._rolled_at):
			self._bad("replay", "answered a second time: %s" % x)
		if new:
			x.answers.append(data)
			x.answered_at = self._at
			self._answered(x, inner)
		elif replayed:
			self.count["copies answered as before"] += 1
		if not replayed:
			self._judge(x, inner, new)

	def _answered(self, x, inner):
		name = x.context.endpoint
		self._registrations[name].answered(x, inner)
		self._note(name)
		if x.operation == "register" and inner.code == GOOD["register"]:
			self._rolled.discard(name)

	def _proved(self, x):
		"""(e) The daemon has carried out a request: it must have proof of the keys."""
		use, c = self.book.use(x.context), x.context
		self._lost -= {c, c.root}
		self._gone -= {c, c.root}
		if not use:
			self._bad("recovery", "carried out, though nothing is proved: %s" % x)
		elif use.born == NEVER:
			use.born = self._at
			self._adopted(c, use, x)

	def _adopted(self, c, use, x):
		"""Request 2: its R2 is of this run, and for one context."""
		if use.offer.run != use.first_run:
			self._bad("recovery", "an R2 of an earlier run was taken: %s" % x)
		if use.offer.taken not in (None, c):
			self._bad("recovery", "an R2 was taken twice: %s" % x)
		use.offer.taken = c

	def _of_before(self, x):
		"""Is its number one of before the copy? No stored answer is served after a rollback."""
		return x.order < self._known_until and x.context not in self._gone

	def _may_refuse(self, x, m):
		"""Are the keys of an honest device, as far as the daemon may know, none?"""
		use = self.book.use(x.context)
		if m.code == oscore.UNAVAILABLE:  # with Max-Age: too much is waiting for the disk
			return (self._sealed or not use or use.born == NEVER
				or m.option(oscore.MAX_AGE) is not None)
		if m.code == oscore.UNAUTHORIZED and self._of_before(x):
			return True
		return m.code in UNKNOWN_KEYS and (
			x.context in self._lost or x.context.root in self._lost
			or self.book.replaced(x.context))

	def _unprotected(self, e, m, requests, replayed):
		what = "%s, unprotected" % code_text(m.code)
		if not requests:
			self._bad("unreadable", "%s, to nothing" % what)
		elif self._may_refuse(requests[-1], m):
			self.count["refused, since the keys are gone"] += not replayed
		elif not replayed:
			self._bad("lockout", "%s, to an honest device: %s" % (what, requests[-1]))
		elif m.code not in REFUSALS:
			self._bad("replay", "%s, to a replay: %s" % (what, requests[-1]))
		else:
			self.count["replays refused"] += 1

	def _judge(self, x, inner, new):
		"""(d): an honest device gets what it asked for, or a challenge it can meet."""
		if _challenge(inner):
			self.count["challenges"] += new
		elif inner.code == oscore.NOT_FOUND and self._forgotten(x):
			self.count["of a registration that is gone"] += new
		elif inner.code != GOOD[x.operation]:
			self._bad("lockout", "%s, to an honest device: %s" % (code_text(inner.code), x))
		else:
			self.count[x.operation] += new
			self.count["served under the keys before"] += new and self.book.newer(x.context)
			if x in self._sent_since_start and x.context.role == "server":
				self._fresh.add(x.context.endpoint)

	def _forgotten(self, x):
		"""One that a later Register has replaced, whose answer the device may have taken for lost, or
		that is newer than the copy that was put back."""
		possible = self._registrations[x.context.endpoint].possible
		return (x.operation in ("update", "deregister")
			and (ANY in possible or _location(x.inner.path()) not in possible))

	# ---- what was done

	def _note(self, name):
		for copy in self.copies.values():
			if copy.open:
				copy.possible[name] |= self._registrations[name].possible

	def _copy_begin(self, e):
		copy = self.copies[e["copy"]] = Copy(self._at, set(self._lost), set(self._gone), {
			name: self._registrations[name] for name in self.endpoints})
		self.count["copies"] += 1
		return copy

	def _copy_end(self, e):
		for name in self.endpoints:
			self._note(name)
		self.copies[e["copy"]].open = False
		self.copies[e["copy"]].end = self._at

	def _put_back(self, e):
		"""An older copy is the database now. What is newer is gone; nothing else is."""
		self.count["put back: " + e["way"]] += 1
		if e["way"] == "moved":
			return
		copy = self.copies[e["copy"]]
		self._rolled_at, self._rolled = self._at, set(self.endpoints)
		self._known_until = copy.end
		self._lost = copy.lost | {c for c, use in self.book.all() if use.born > copy.at}
		self._gone = copy.gone | {c for c, use in self.book.all() if use.met > copy.end}
		for name, possible in copy.possible.items():
			self._registrations[name].set_back(possible)

	def _found(self, e):
		"""What the daemon says it has found at its start."""
		rolled = e["rollbacks"] > e["before"]
		if rolled != (e["way"] in ("rollback", "unsealed")) or e["sealed"] != (e["way"] == "sealed"):
			self._bad("rollback", "%s was to be found: %d rollbacks after %d%s" % (e["way"],
				e["rollbacks"], e["before"], ", sealed" if e["sealed"] else ""))
		self._sealed = e["way"] == "sealed"

	def _start(self, e):
		self._run += 1
		self._fresh.clear()
		self._sent_since_start.clear()

	def _kill(self, e):
		self.count["kills"] += 1
		self.count["kills at " + e.get("what", e["way"])] += 1
		self._ended(e, (-9, 0) if e["way"] == "stop" else (-9,))

	def _stop(self, e):
		self._ended(e, (0,))

	def _ended(self, e, statuses):
		if e["status"] not in statuses:
			self._bad("crash", "the daemon ended with status %d" % e["status"])
		for x in self._due.values():
			if self._of_before(x):
				self.count["silence after a rollback"] += 1
				continue
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


def _challenge(inner):
	return inner.code == oscore.UNAUTHORIZED and inner.option(oscore.ECHO) is not None


def _state(view):
	"""What a replay must not change, and when the registration expires."""
	if view is None:
		return None, 0
	view = dict(view, registration=dict(view["registration"] or {}))
	view["registration"].pop("asleep", None)
	return view, view["registration"].pop("expires_in_s", None) or 0
