# SPDX-License-Identifier: Apache-2.0
"""Operations towards devices by REST, while the daemon lives. What fails, fails: the recording is
what counts."""
import http.client
import random
import threading

WAIT_S = 1

# (weight, whom, method and path below the endpoint, body), or several of the last two in a row.
OPERATIONS = [
	(6, "all", "GET data/3/0", None),
	(4, "all", "GET data/3303/0/5700", None),
	(2, "all", "GET data/19/0/0", None),  # in blocks
	(4, "all", "PUT data/1/0/2", {"value": 0}),
	(2, "all", "PUT data/1/0/3", {"value": 1}),
	(3, "all", "POST execute/3303/0/5605", {}),
	(3, "all", "POST execute/1/0/8", {}),  # Update
	(2, "all", "POST execute/3/0/4", {}),  # Reboot: registers anew
	(3, "all", "PUT observations/3303/0/5700", {}),
	(3, "all", "PUT observations/3/0/13", {}),
	(1, "all", "DELETE observations/3/0/13", None),
	(1, "bootstrapped", "POST execute/1/0/9", {}),  # Bootstrap-Request
	# Disable: de-registers, and comes back a second later. Bootstrap would make it a day.
	(2, "direct", "PUT data/1/0/5", {"value": 1}, "POST execute/1/0/4", {}),
]


class Load:
	def __init__(self, rest, direct, bootstrapped, seed, threads):
		self._rest = rest
		self._names = {"direct": direct, "bootstrapped": bootstrapped,
			"all": direct + bootstrapped}
		self.done = self.answered = 0
		self._active, self._closing = threading.Event(), False
		self._threads = [threading.Thread(target=self._run, args=(random.Random(seed + i),),
			daemon=True) for i in range(threads)]
		for t in self._threads:
			t.start()

	def resume(self):
		self._active.set()

	def pause(self):
		self._active.clear()

	def close(self):
		self._closing = True
		self._active.set()
		for t in self._threads:
			t.join(10)

	def _run(self, rng):
		weights = [o[0] for o in OPERATIONS]
		while self._active.wait() and not self._closing:
			_, whom, *steps = rng.choices(OPERATIONS, weights)[0]
			endpoint = rng.choice(self._names[whom])
			for target, body in zip(steps[::2], steps[1::2]):
				if not self._step(endpoint, target, body):
					break

	def _step(self, endpoint, target, body):
		method, path = target.split()
		path = "/v1/endpoints/%s/%s" % (endpoint, path)
		if method != "DELETE":
			path += "?wait=%d" % WAIT_S
		self.done += 1
		try:
			status, _ = self._rest.raw(method, path, body, WAIT_S + 5)
		except (OSError, http.client.HTTPException):
			self._active.clear()  # the daemon is gone; resume() comes with the next
			return False
		self.answered += status in (200, 204)
		return status in (200, 204)
