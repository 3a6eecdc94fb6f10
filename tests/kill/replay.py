# SPDX-License-Identifier: Apache-2.0
"""The attacker: sends every datagram a device ever sent again, from ports of its own."""
import functools
import select

from oscore import OSCORE, Malformed, parse, parse_option
from relay import DATAGRAM_MAX, is_request, udp_socket

PORTS = 8
BATCH = 32
PING, RESET = b"\x40\x00", b"\x70\x00"


class Attacker:
	def __init__(self, recorder, relay):
		self._recorder, self._relay = recorder, relay
		self._sockets = [udp_socket() for _ in range(PORTS)]
		self._pings = udp_socket()
		self._poll = select.poll()
		self._by_fd = {}
		for s in [*self._sockets, self._pings]:
			self._poll.register(s, select.POLLIN)
			self._by_fd[s.fileno()] = s
		self._mid = 0
		self.sent = 0

	def _ping(self, address):
		"""Waits for a Reset to a ping: all that was sent before has been dealt with by then."""
		self._mid = (self._mid + 1) & 0xffff
		mid = self._mid.to_bytes(2, "big")
		for _ in range(20):
			self._pings.sendto(PING + mid, address)
			if self._collect(RESET + mid):
				return True
		return False

	def _collect(self, until):
		while ready := self._poll.poll(500 if until else 50):
			found = False
			for fd, _ in ready:
				found |= self._receive(self._by_fd[fd], until)
			if found:
				for s in self._sockets:
					self._receive(s, None)
				return True
		return False

	def _receive(self, s, until):
		found = False
		port = s.getsockname()[1]
		try:
			while True:
				data = s.recv(DATAGRAM_MAX)
				if s is self._pings:
					found |= data == until
				else:
					self._recorder.packet("down", "daemon", port, data)
		except OSError:
			return found

	def replay(self, datagrams, rng, alive):
		"""datagrams: of (role, bytes). Stops early when alive() is false. Returns how many were
		sent; None if the daemon did not take them all."""
		datagrams = list(datagrams)
		rng.shuffle(datagrams)
		n = 0
		for role in ("server", "bootstrap"):
			mine = [d for r, d in datagrams if r == role]
			for at in range(0, len(mine), BATCH):
				if not alive():
					return n
				n += self._batch(mine[at:at + BATCH], role, rng)
				if not self._ping(self._relay.daemon[role]) and alive():
					return None
		return n

	def shout(self, datagrams, rng):
		"""To a daemon that does not answer pings."""
		for role in ("server", "bootstrap"):
			self._batch([d for r, d in datagrams if r == role], role, rng)
		self._collect(None)

	def _batch(self, datagrams, role, rng):
		for data in datagrams:
			s = rng.choice(self._sockets)
			self._recorder.packet("up", "replay", s.getsockname()[1], data, role=role)
			s.sendto(data, self._relay.daemon[role])
		self.sent += len(datagrams)
		return len(datagrams)

	def close(self):
		for s in [*self._sockets, self._pings]:
			s.close()


@functools.lru_cache(maxsize=None)
def _kid(datagram):
	try:
		return parse_option(parse(datagram).option(OSCORE)).kid
	except Malformed:
		return None


def _used_up(relay, recovering):
	"""Requests that are void after a crash: answered ones, and whatever the same sender said before
	one of them; but not of those who have the same kid under several keys."""
	seen, void = {}, set()
	for data in relay.answered:
		several = relay.sender[data] in recovering
		waiting = seen.setdefault(data if several else _kid(data), [])
		waiting.append(data)
		if data in relay.used:
			void.update(waiting)
			waiting.clear()
	return void


def choose(relay, rng, limit, crashed, recovering):
	"""What to replay: everything devices said up to now, or a sample with every latest request. A
	request that nobody saw answered is left out where it may still be accepted for the first
	time."""
	void = _used_up(relay, recovering) if crashed else relay.used
	spoken = {d: role for d, role in relay.spoken.items() if not is_request(d) or d in void}
	latest = {data for _, data in relay.last_request.values()}
	keep = [d for d in spoken if d in latest]
	rest = [d for d in spoken if d not in latest]
	if len(rest) > limit:
		rest = rng.sample(rest, limit)
	return [(spoken[d], d) for d in keep + rest]
