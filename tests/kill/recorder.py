# SPDX-License-Identifier: Apache-2.0
"""The recording: JSON lines, in the order in which things happened.

{"kind": "packet", "dir": "up"|"down", "src": "device"|"resend"|"replay", "endpoint", "role",
"port", "hex"} is a datagram: up towards the daemon, down from it. `port` is the local port on our
side of the daemon; endpoint is empty on a port that only replays. `lost` is true if a datagram
from the daemon was not passed on to its device.

Other kinds say what was done ("start", "kill", "stop") or what the REST interface said
("listing", "quiet-begin", "quiet-end").
"""
import json
import threading
import time


class Recorder:
	"""Used by several threads."""

	def __init__(self, path):
		self._lock = threading.Lock()
		self._file = open(path, "w", encoding="utf-8")
		self.packets = 0

	def note(self, kind, **fields):
		line = json.dumps({"t": time.time_ns() // 1000, "kind": kind, **fields})
		with self._lock:
			self._file.write(line + "\n")

	def packet(self, direction, src, port, data, endpoint="", role="", lost=False):
		fields = {"dir": direction, "src": src, "endpoint": endpoint, "role": role,
			"port": port, "hex": data.hex()}
		if lost:
			fields["lost"] = True
		self.packets += 1
		self.note("packet", **fields)

	def close(self):
		self._file.close()


def load(path):
	"""Line by line: a long run's recording does not fit into memory."""
	with open(path, encoding="utf-8") as f:
		for line in f:
			yield json.loads(line)
