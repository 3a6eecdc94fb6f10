# SPDX-License-Identifier: Apache-2.0
"""The network between the devices and the daemon: passes on and records every datagram.

Each device has sockets of its own towards the daemon, so that the daemon sees one address a device,
as behind a NAT. The relay can hold what devices send, lose what the daemon sends, move a device
to another port, and call back after a number of datagrams, to kill the daemon at that moment.
"""
import collections
import itertools
import os
import select
import socket
import threading
import time

from oscore import OSCORE, Malformed, parse, parse_option, unwrap

FIRST_BACK = (127 << 24) + (2 << 16) + 1  # the daemon counts what it does for each address
FIRST_ADDRESS = (127 << 24) + (1 << 16) + 1  # of a fleet, see lanyard-device --help
DATAGRAM_MAX = 4096
BUFFER_BYTES = 1 << 20


_ports = set()


def udp_socket(address="127.0.0.1"):
	"""Of a port that no other has at any address: the recording tells sockets by their port."""
	while True:
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
		s.bind((address, 0))
		s.setblocking(False)
		if (port := s.getsockname()[1]) not in _ports:
			_ports.add(port)
			return s
		s.close()


def is_request(data):
	return len(data) >= 4 and 0 < data[1] < 0x20


def token_of(data):
	return data[4:4 + (data[0] & 15)]


def b2_step(data):
	"""1 and 2 for the requests of RFC 8613 Appendix B.2, 1 for its response 1, else 0. Response 2
	looks like any other."""
	try:
		m = parse(data)
		option = m.option(OSCORE)
		value = unwrap(parse_option(option).kid_context) if option else None
	except Malformed:
		return 0
	return 0 if value is None else 1 if m.is_response or len(value) == 8 else 2


class Front:
	"""Where the devices of one fleet believe the server of one role is."""

	def __init__(self, names, role):
		self.names, self.role = names, role
		self.socket = udp_socket()
		self.port = self.socket.getsockname()[1]


class Link:
	"""One device and one role."""
	_addresses = itertools.count(FIRST_BACK)

	def __init__(self, front, endpoint):
		self.front, self.endpoint, self.role = front, endpoint, front.role
		self.address = socket.inet_ntoa(next(Link._addresses).to_bytes(4, "big"))
		self.device = None  # where it was last heard from
		self.back = None    # the socket towards the daemon


class Relay:
	def __init__(self, recorder, rng, loss):
		self.recorder, self._rng, self.loss = recorder, rng, loss
		self.daemon = {}        # role -> address
		self.last_request = {}  # endpoint -> (link, datagram)
		self.answered = {}      # datagram -> was there an answer
		self.used = set()       # those with a protected answer: others may still be served
		self.served = collections.Counter()  # endpoint -> requests the server answered
		self.spoken = {}        # every datagram of a device so far -> its role
		self.sender = {}        # and -> the endpoint
		self._links, self._held, self._hold = {}, collections.deque(), False
		self._sockets, self._requests = {}, {}
		self._trigger = None
		self._commands, self._closing = collections.deque(), False
		self._poll = select.epoll()
		self._wake = os.pipe()
		self._poll.register(self._wake[0], select.EPOLLIN)
		self._thread = threading.Thread(target=self._run, daemon=True)

	def start(self):
		self._thread.start()

	def front(self, names, role):
		"""Before start()."""
		f = Front(names, role)
		self._watch(f.socket, f)
		return f

	# ---- for other threads

	def do(self, function, *args):
		"""Runs it in the relay's thread, when all that lay in the sockets was dealt with."""
		done = threading.Event()
		result = []
		self._commands.append(lambda: (result.append(function(*args)), done.set()))
		os.write(self._wake[1], b"!")
		if not done.wait(60):
			raise RuntimeError("the relay hangs")
		return result[0]

	def sync(self):
		self.do(lambda: None)

	def hold(self):
		"""What devices send waits from now on."""
		self.do(setattr, self, "_hold", True)

	def release(self):
		self.do(self._release)

	def retarget(self, addresses):
		self.do(setattr, self, "daemon", addresses)

	def arm(self, what, count, delay_s, function):
		"""Calls function when `count` datagrams of that sort have gone: "up" to the daemon, "down"
		from it, or a step of Appendix B.2: "request 1", "response 1", "request 2", "response 2"."""
		self.do(setattr, self, "_trigger", [what, count, delay_s, function])

	def disarm(self):
		self.do(setattr, self, "_trigger", None)

	def resend(self, moved):
		"""Every device's last request again; that share of them from another port."""
		return self.do(self._resend, moved)

	def close(self):
		self._closing = True
		os.write(self._wake[1], b"!")
		self._thread.join(10)
		for s, _ in self._sockets.values():
			s.close()

	# ---- in the relay's thread

	def _watch(self, s, owner):
		self._sockets[s.fileno()] = (s, owner)
		self._poll.register(s, select.EPOLLIN)

	def _run(self):
		while not self._closing:
			ready = self._poll.poll(0 if self._commands else None)
			sockets = [fd for fd, _ in ready if fd != self._wake[0]]
			if len(sockets) < len(ready):
				os.read(self._wake[0], 64)
			for fd in sockets:
				self._read(*self._sockets[fd])
			if not sockets and self._commands:
				self._commands.popleft()()

	def _read(self, s, owner):
		for _ in range(64):
			try:
				data, address = s.recvfrom(DATAGRAM_MAX)
			except OSError:
				return
			if isinstance(owner, Front):
				self._from_device(owner, data, address)
			else:
				self._from_daemon(owner, s, data)

	def _link(self, front, address):
		index = int.from_bytes(socket.inet_aton(address[0]), "big") - FIRST_ADDRESS
		if not 0 <= index < len(front.names):
			return None
		key = (front.port, index)
		if key not in self._links:
			self._links[key] = Link(front, front.names[index])
		return self._links[key]

	def _from_device(self, front, data, address):
		link = self._link(front, address)
		if not link:
			return
		link.device = address
		if self._hold:
			self._held.append((link, data))
		else:
			self._forward(link, data, "device")

	def _release(self):
		self._hold = False
		while self._held:
			self._forward(*self._held.popleft(), "device")

	def _move(self, link):
		link.back = udp_socket(link.address)
		self._watch(link.back, link)

	def _forward(self, link, data, src):
		if not link.back:
			self._move(link)
		port = link.back.getsockname()[1]
		self.recorder.packet("up", src, port, data, link.endpoint, link.role)
		self.spoken[data] = link.role
		self.sender[data] = link.endpoint
		if is_request(data):
			self.answered.setdefault(data, False)
			self.last_request[link.endpoint] = (link, data)
			self._requests[port, token_of(data)] = data
		try:
			link.back.sendto(data, self.daemon[link.role])
		except OSError:
			pass  # as lost as on any network
		self._count("up", "request %d", data)

	def _from_daemon(self, link, s, data):
		port = s.getsockname()[1]
		lost = self._rng.random() < self.loss
		self.recorder.packet("down", "daemon", port, data, link.endpoint, link.role, lost)
		request = None
		if len(data) >= 4 and data[1] >= 0x40:
			request = self._requests.get((port, token_of(data)))
			if request and data[1] < 0x80:  # the outer code of all that is protected
				self.used.add(request)
			if request and not self.answered[request]:
				self.answered[request] = True
				if link.role == "server":
					self.served[link.endpoint] += 1
		if not lost and link.device:
			try:
				link.front.socket.sendto(data, link.device)
			except OSError:
				pass
		self._count("down", "response %d", data, request)

	def _count(self, direction, step, data, request=None):
		t = self._trigger
		if not t:
			return
		what = direction
		if t[0] not in ("up", "down"):
			answer = request and not b2_step(data)
			what = step % b2_step(request if answer else data)
		if t[0] != what:
			return
		t[1] -= 1
		if t[1] <= 0:
			self._trigger = None
			time.sleep(t[2])
			t[3]()

	def _resend(self, moved):
		sent = []
		for link, data in list(self.last_request.values()):
			if self._rng.random() < moved:
				self._move(link)
			self._forward(link, data, "resend")
			sent.append((link.back.getsockname()[1], data))
		return sent
