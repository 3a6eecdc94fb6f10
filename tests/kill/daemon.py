# SPDX-License-Identifier: Apache-2.0
"""The daemon under test and its REST interface."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess

CONFIG = """[bootstrap]
uri = coap://127.0.0.1:{bootstrapped_port}
lifetime = 3600
[listen rd]
role = server
address = 127.0.0.1
port = 0
[listen bs]
role = bootstrap
address = 127.0.0.1
port = 0
[storage]
dir = {state}
log_rows = 1024
[admin]
socket = {socket}
socket_group =
[log]
level = notice
"""
READY_S = 60


class DaemonError(Exception):
	pass


class _UnixConnection(http.client.HTTPConnection):
	def __init__(self, path, timeout):
		super().__init__("localhost", timeout=timeout)
		self._path = path

	def connect(self):
		self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		self.sock.settimeout(self.timeout)
		self.sock.connect(self._path)


class Rest:
	def __init__(self, path):
		self._path = path

	def raw(self, method, path, body=None, timeout=30):
		c = _UnixConnection(self._path, timeout)
		try:
			c.request(method, path, json.dumps(body) if body is not None else None)
			r = c.getresponse()
			return r.status, r.read()
		finally:
			c.close()

	def call(self, method, path, body=None, timeout=30):
		status, data = self.raw(method, path, body, timeout)
		return status, json.loads(data) if data else None

	def get(self, path):
		status, value = self.call("GET", path)
		if status != 200:
			raise DaemonError("GET %s: %d %s" % (path, status, value))
		return value

	def endpoints(self):
		return self.get("/v1/endpoints?limit=1000")["endpoints"]

	def metrics(self):
		status, text = self.raw("GET", "/metrics")
		if status != 200:
			raise DaemonError("GET /metrics: %d" % status)
		return {name: int(float(value)) for name, value in
			re.findall(r"^(lanyard_\w+) (\S+)$", text.decode(), re.M)}

	def events(self):
		return Events(self._path)


class Events:
	"""A stream of events; drained without waiting for more."""

	def __init__(self, path):
		self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		self._socket.settimeout(30)
		self._socket.connect(path)
		self._socket.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
		self._data = b""
		while b": events\n" not in self._data:
			more = self._socket.recv(65536)
			if not more:
				raise DaemonError("the event stream ended")
			self._data += more

	def close(self):
		"""Returns the types of the events that came."""
		self._socket.settimeout(0.05)
		try:
			while more := self._socket.recv(65536):
				self._data += more
		except OSError:
			pass
		self._socket.close()
		return re.findall(r"^event: (\S+)$", self._data.decode("utf-8", "replace"), re.M)


class Daemon:
	def __init__(self, program, directory, bootstrapped_port):
		self._program, self._directory = program, directory
		self.rest = Rest(os.path.join(directory, "admin.sock"))
		self._config = os.path.join(directory, "lanyard.conf")
		self._log = os.path.join(directory, "lanyardd.log")
		self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self._notify_path = os.path.join(directory, "notify.sock")
		self._notify.bind(self._notify_path)
		self._process, self._log_from = None, 0
		state = os.path.join(directory, "state")
		os.mkdir(state, 0o700)
		with open(self._config, "w", encoding="utf-8") as f:
			f.write(CONFIG.format(bootstrapped_port=bootstrapped_port, state=state,
				socket=os.path.join(directory, "admin.sock")))

	def spawn(self):
		self._notify.setblocking(False)
		try:
			while True:  # what an earlier one said
				self._notify.recv(4096)
		except BlockingIOError:
			pass
		with open(self._log, "ab") as log:
			self._log_from = log.tell()
			self._process = subprocess.Popen([self._program, "-c", self._config],
				stdout=log, stderr=log, stdin=subprocess.DEVNULL,
				env={**os.environ, "NOTIFY_SOCKET": self._notify_path})

	def wait_ready(self):
		self._notify.settimeout(0.2)
		for _ in range(5 * READY_S):
			try:
				if b"READY=1" in self._notify.recv(4096):
					return self._addresses()
			except TimeoutError:
				pass
			if self._process.poll() is not None:
				raise DaemonError("the daemon ended with status %d:\n%s" % (
					self._process.returncode, self.tail()))
		raise DaemonError("the daemon does not get ready:\n" + self.tail())

	def _addresses(self):
		with open(self._log, encoding="utf-8", errors="replace") as log:
			log.seek(self._log_from)
			ports = dict(re.findall(r"listening name=\w+ role=(\w+) .*port=(\d+)", log.read()))
		return {role: ("127.0.0.1", int(port)) for role, port in ports.items()}

	def unseal(self):
		"""False if it does not answer."""
		try:
			return self.rest.call("POST", "/v1/unseal", {"only_copy": True})[0] in (200, 204)
		except (OSError, http.client.HTTPException, ValueError):
			return False

	def tail(self):
		with open(self._log, encoding="utf-8", errors="replace") as log:
			return "".join(log.readlines()[-20:])

	def signal(self, number):
		if self._process and self._process.poll() is None:
			self._process.send_signal(number)

	def kill(self):
		"""Also from another thread; reap() follows."""
		self.signal(signal.SIGKILL)

	def reap(self):
		"""Its exit status."""
		status = self._process.wait(60)
		self._process = None
		return status

	def close(self):
		if self._process:
			self.kill()
			self.reap()
		self._notify.close()
