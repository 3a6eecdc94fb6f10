# SPDX-License-Identifier: Apache-2.0
"""The security contexts that a witness knows: provisioned ones, those that bootstrap gave away, and
those that RFC 8613 Appendix B.2 made of either."""
from collections import defaultdict

from oscore import unwrap

NEVER = float("inf")


class Offer:
	"""An R2: whose it is, and in which run of the daemon and by which message it was told."""

	def __init__(self, who, context, run, r2, datagram):
		self.who, self.root, self.run, self.r2 = who, context.root, run, r2
		self.datagram = datagram
		self.taken = None  # the context that came of it


class Use:
	"""What became of a context. Times are entries of the recording."""

	def __init__(self, born, offer, met):
		self.born = born       # the daemon has stored it by then
		self.met = met         # and not before that
		self.offer = offer     # of Appendix B.2, else None
		self.first_run = None  # when the device first spoke under it
		self.spoken = set()    # nonces of the device
		self.replaces = NEVER  # older ones may be gone since


class Book:
	def __init__(self):
		self._by_kid, self._by_endpoint = defaultdict(list), defaultdict(list)
		self._use, self._offers = {}, {}

	def learn(self, context, born, offer=None, met=None):
		self._use[context] = Use(born, offer, born if met is None else met)
		self._by_kid[context.device_id].append(context)
		self._by_endpoint[context.endpoint, context.role].append(context)

	def use(self, context):
		"""None of one that nothing was proved under: that of a request 1."""
		return self._use.get(context)

	def all(self):
		return self._use.items()

	def of_device(self, option):
		"""What a request of a device may be under, the likeliest last."""
		known = [c for c in self._by_kid[option.kid]
			if option.kid_context in (None, c.id_context)]
		return self._recovering(self._by_kid[option.kid], option) + known

	def of_daemon(self, endpoint, role, option):
		known = [c for c in self._by_endpoint[endpoint, role] if c.server_id == option.kid]
		return self._recovering(known, option) + known

	@staticmethod
	def _recovering(known, option):
		value = unwrap(option.kid_context)
		if value is None:
			return []
		return [root.under(value) for root in dict.fromkeys(c.root for c in known)]

	def offer(self, who, context, run, r2, datagram):
		"""Notes an R2. False: it is an old one."""
		offer = self._offers.setdefault(r2, Offer(who, context, run, r2, datagram))
		return offer.datagram == datagram

	def offer_of(self, context):
		"""The R2 that the ID Context begins with."""
		value = context.id_context or b""
		for n in (8, 16):
			offer = self._offers.get(value[:n])
			if offer and len(value) > n and offer.root is context.root:
				return offer
		return None

	def spoken(self, context, nonce, at):
		"""The device has said something under it. The second such thing comes after response 2, or
		after the device gave up waiting for it; where the daemon began, the first is response 2."""
		use = self._use[context]
		use.spoken.add(nonce)
		enough = 1 if use.offer and use.offer.who == "device" else 2
		if use.offer and use.born < NEVER and len(use.spoken) >= enough:
			use.replaces = min(use.replaces, at)

	def _newer(self, context):
		use = self._use.get(context)
		others = (self._use[c] for c in self._by_endpoint[context.endpoint, context.role])
		return [o for o in others if use and use.born < o.born < NEVER]

	def newer(self, context):
		"""Are there newer keys by Appendix B.2?"""
		return any(o.offer for o in self._newer(context))

	def replaced(self, context):
		"""May the daemon have forgotten it, because newer keys are in use?"""
		return any(o.replaces < NEVER for o in self._newer(context))
