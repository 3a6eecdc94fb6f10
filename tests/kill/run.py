# SPDX-License-Identifier: Apache-2.0
"""Kills the daemon KILLS times under load and records everything: run.py DIRECTORY."""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

from daemon import Daemon
from load import Load
from recorder import Recorder
from relay import Relay
from replay import Attacker, choose

BUILD = os.environ.get("BUILD", "build")
DIRECT, BOOTSTRAPPED = 30, 20
LOSS = 0.02          # of what the daemon sends
REPLAYS = 4000       # datagrams each time; all of them in the usual run
MOVED = 0.4          # of the devices speak from another port after a restart
ANSWER_S = 30

# What each kill interrupts, with its weight.
WAYS = {"load": 11, "startup": 3, "stop": 3, "replay": 2}


class Fleet:
	"""A process of simulated devices."""

	def __init__(self, directory, name, *options):
		self._args = [os.path.join(BUILD, "bin", "lanyard-device"), "--quiet", "--fleet",
			os.path.join(directory, name + ".json"), "--state",
			os.path.join(directory, name + ".state"), "--challenge", "--update-interval", "1",
			"--notify-interval", "700", "--notify", "con", "--retry", "1", "--lifetime", "300",
			*options]
		self._process = None

	def start(self):
		self._process = subprocess.Popen(self._args, stdin=subprocess.DEVNULL)

	def stop(self, number=signal.SIGKILL):
		if self._process:
			self._process.send_signal(number)
			self._process.wait(30)
			self._process = None


def credentials(rng):
	"""One line for each device, as the server's import has it: ids as the server sees them."""
	lines = []
	for i in range(DIRECT + BOOTSTRAPPED):
		direct = i < DIRECT
		line = {"endpoint": "kill%03d" % i, "role": "server" if direct else "bootstrap",
			"master_secret": rng.randbytes(16).hex(), "master_salt": rng.randbytes(8).hex(),
			"sender_id": rng.randbytes(1).hex(),
			"recipient_id": (rng.randbytes(3) + bytes([i])).hex()}
		if i % 5 == 0:
			line["id_context"] = rng.randbytes(6).hex()
		lines.append(line)
	return lines


class Run:
	def __init__(self, directory, kills, seed):
		self.directory, self.kills, self.rng = directory, kills, random.Random(seed)
		self.recorder = Recorder(os.path.join(directory, "recording"))
		self.relay = Relay(self.recorder, random.Random(seed + 1), LOSS)
		self.lines = credentials(self.rng)
		names = [l["endpoint"] for l in self.lines]
		fronts = [self.relay.front(names[:DIRECT], "server"),
			self.relay.front(names[DIRECT:], "bootstrap"),
			self.relay.front(names[DIRECT:], "server")]
		uri = ["coap://127.0.0.1:%d" % f.port for f in fronts]
		self.direct = Fleet(directory, "direct", "--server", uri[0], "--deregister")
		self.bootstrapped = Fleet(directory, "bootstrapped", "--bootstrap-server", uri[1],
			"--keep")
		self.daemon = Daemon(
			os.path.join(BUILD, "bin", "lanyardd"), directory, fronts[2].port)
		self.attacker = Attacker(self.recorder, self.relay)
		self.load = Load(self.daemon.rest, names[:DIRECT], names[DIRECT:], seed, 4)
		self.killed = 0
		self.crashed = False
		self.relay.start()

	# ---- steps

	def write_credentials(self):
		for name, lines in (("direct", self.lines[:DIRECT]),
				("bootstrapped", self.lines[DIRECT:]), ("secrets", self.lines)):
			path = os.path.join(self.directory, name + ".json")
			with open(path, "w", encoding="utf-8", opener=_private) as f:
				f.writelines(json.dumps(l) + "\n" for l in lines)

	def provision(self):
		for line in self.lines:
			body = {k: v for k, v in line.items() if k != "endpoint"}
			path = "/v1/endpoints/%s/credentials/oscore" % line["endpoint"]
			status, answer = self.daemon.rest.call("PUT", path, body)
			if status not in (200, 201, 204):
				raise RuntimeError("PUT %s: %d %s" % (path, status, answer))

	def start(self):
		self.recorder.note("start")
		self.daemon.spawn()
		self.relay.retarget(self.daemon.wait_ready())
		self.recorder.note("listing", endpoints=self.daemon.rest.endpoints())

	def gone(self, kind, **fields):
		"""The daemon is dead or will be at once: what it still said is recorded before that."""
		self.load.pause()
		status = self.daemon.reap()
		self.relay.disarm()
		self.relay.sync()
		self.crashed = status == -signal.SIGKILL
		self.killed += kind == "kill"
		self.recorder.note(kind, status=status, **fields)

	def snapshot(self, kind, **fields):
		rest = self.daemon.rest
		self.recorder.note(
			kind, endpoints=rest.endpoints(), metrics=rest.metrics(), **fields)

	def replay(self, kill_after=None):
		"""Nothing is said but old things; the state must not move."""
		chosen = choose(self.relay, self.rng, REPLAYS, self.crashed)
		if kill_after is not None:
			cut = int(len(chosen) * kill_after)
			self.attacker.replay(chosen[:cut], self.rng, lambda: True)
			self.daemon.kill()
			return
		events = self.daemon.rest.events()
		self.snapshot("quiet-begin")
		sent = self.attacker.replay(chosen, self.rng, lambda: True)
		self.snapshot("quiet-end", sent=sent, events=events.close())

	def resend(self):
		"""Every device's last request once more, then life goes on."""
		self.recorder.note("resend")
		sent = self.relay.resend(MOVED)
		end = time.monotonic() + ANSWER_S
		while not all(self.relay.answered[d] for _, d in sent) and time.monotonic() < end:
			time.sleep(0.005)
		self.relay.sync()
		self.recorder.note("resent")
		self.relay.release()
		self.load.resume()

	def await_all(self):
		"""Until each device had two new requests answered, for one may be an Echo challenge. The
		checker finds out which did not."""
		self.relay.loss = 0
		self.relay.do(self.relay.served.clear)
		end = time.monotonic() + ANSWER_S
		while time.monotonic() < end:
			served = self.relay.do(self.relay.served.copy)
			if all(served[l["endpoint"]] > 1 for l in self.lines):
				break
			time.sleep(0.02)
		self.relay.sync()

	# ---- rounds

	def kill_under_load(self):
		"""At a datagram, and up to some milliseconds after it: into commits, and between them."""
		fallen = threading.Event()
		direction = self.rng.choice(("up", "down"))
		count, delay = self.rng.randint(1, 250), self.rng.choice((0, self.rng.random() * 0.004))

		def strike():
			self.daemon.kill()
			fallen.set()

		time.sleep(self.rng.random() * 0.7)
		self.relay.arm(direction, count, delay, strike)
		if not fallen.wait(10):
			self.daemon.kill()
		self.gone("kill", way="load", direction=direction, count=count, delay=delay)

	def kill_in_stop(self):
		time.sleep(self.rng.random() * 0.6)
		delay = self.rng.random() * 0.02
		self.daemon.signal(signal.SIGTERM)
		time.sleep(delay)
		self.daemon.kill()
		self.gone("kill", way="stop", delay=delay)

	def kill_in_startup(self):
		delay = self.rng.random() * 0.06
		self.recorder.note("start")
		self.daemon.spawn()
		time.sleep(delay)
		self.daemon.kill()
		self.gone("kill", way="startup", delay=delay)

	def round(self, way):
		if way == "startup":
			self.kill_in_startup()
			return
		self.relay.hold()
		self.start()
		if way == "replay":
			self.replay(kill_after=self.rng.random())
			self.gone("kill", way="replay")
			self.relay.release()
			return
		self.replay()
		self.resend()
		if way == "stop":
			self.kill_in_stop()
		else:
			self.kill_under_load()

	def first(self):
		self.write_credentials()
		self.start()
		self.provision()
		self.direct.start()
		self.bootstrapped.start()
		self.load.resume()
		time.sleep(1)
		self.kill_under_load()

	def last(self):
		"""Everybody is well again; then an orderly end, whose traces must survive too."""
		self.relay.hold()
		self.start()
		self.replay()
		self.bootstrapped.stop()
		self.bootstrapped.start()
		self.resend()
		self.await_all()
		self.load.pause()
		self.recorder.note("all-well")
		self.direct.stop(signal.SIGTERM)
		self.bootstrapped.stop(signal.SIGTERM)
		self.daemon.signal(signal.SIGTERM)
		self.gone("stop")
		self.start()
		self.replay()
		self.daemon.kill()
		self.gone("kill", way="end")

	def run(self):
		try:
			self.first()
			while self.killed < self.kills:
				if self.rng.random() < 0.25:
					self.bootstrapped.stop()
					self.bootstrapped.start()
				self.round(self.rng.choices([*WAYS], [*WAYS.values()])[0])
			self.last()
		finally:
			self.close()

	def close(self):
		for step in (self.load.close, self.direct.stop, self.bootstrapped.stop, self.daemon.close,
				self.relay.close, self.attacker.close, self.recorder.close):
			try:
				step()
			except Exception as e:  # the first failure is the one to see
				print("cleaning up:", e, file=sys.stderr)


def _private(path, flags):
	return os.open(path, flags, 0o600)


def main():
	directory = sys.argv[1]
	kills = int(os.environ.get("KILLS", "20"))
	seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
	print("%d kills, SEED=%d" % (kills, seed), flush=True)
	begin = time.monotonic()
	r = Run(directory, kills, seed)
	r.run()
	print("%d kills, %d datagrams recorded, %d of them replayed, %d operations (%d good), %.1f s" % (
		r.killed, r.recorder.packets, r.attacker.sent, r.load.done, r.load.answered,
		time.monotonic() - begin), flush=True)


if __name__ == "__main__":
	main()
