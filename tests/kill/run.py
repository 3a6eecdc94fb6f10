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

from copies import Copies
from daemon import Daemon
from load import Load
from recorder import Recorder
from relay import Relay
from replay import Attacker, choose
from wanderer import Wanderer

BUILD = os.environ.get("BUILD", "build")
# How many devices: those that register by themselves, those that bootstrap, the same two with new
# keys at each start (B.2), and those that make new keys by halves.
GROUPS = {"direct": 30, "bootstrapped": 20, "recovering": 12, "renewing": 6, "wandering": 4}
BOOTSTRAP = ("bootstrapped", "renewing")
LOSS = 0.02          # of what the daemon sends
REPLAYS = 4000       # datagrams each time; all of them in the usual run
MOVED = 0.4          # of the devices speak from another port after a restart
ANSWER_S = 30
WELL_S = 90          # a device that was told to wait, by 5.03, does so for 30 s

COPIED = 0.25        # of the rounds end with a copy of the files, as many have a backup made in them
PUT_BACK = 0.2       # of the rounds begin with a copy that is put back

# What each kill interrupts, with its weight; "clean" is an orderly stop.
WAYS = {"load": 10, "recovery": 6, "startup": 3, "stop": 3, "replay": 2, "clean": 2}
STEPS = ("request 1", "response 1", "request 2", "response 2")


class Fleet:
	"""A process of simulated devices."""

	def __init__(self, directory, name, *options):
		self._args = [os.path.join(BUILD, "bin", "lanyard-device"), "--quiet", "--fleet",
			os.path.join(directory, name + ".json"), "--state",
			os.path.join(directory, name + ".state"), "--challenge", "--update-interval", "1",
			"--notify-interval", "700", "--notify", "con", "--retry", "1", "--lifetime", "3600",
			*options]
		self._state = os.path.join(directory, name + ".state")
		self._process = None

	def start(self, *options):
		self._process = subprocess.Popen([*self._args, *options], stdin=subprocess.DEVNULL)

	def stop(self, number=signal.SIGKILL):
		if self._process:
			self._process.send_signal(number)
			self._process.wait(30)
			self._process = None

	def forget(self):
		"""The state is lost."""
		if os.path.exists(self._state):
			os.unlink(self._state)


def credentials(rng):
	"""For each group one line for each device, as the server's import has it: ids as the server
	sees them."""
	groups, i = {}, 0
	for name, n in GROUPS.items():
		groups[name] = [_credentials(rng, i + k, name in BOOTSTRAP) for k in range(n)]
		i += n
	return groups


def _credentials(rng, i, bootstraps):
	line = {"endpoint": "kill%03d" % i, "role": "bootstrap" if bootstraps else "server",
		"master_secret": rng.randbytes(16).hex(), "master_salt": rng.randbytes(8).hex(),
		"sender_id": rng.randbytes(1).hex(), "recipient_id": (rng.randbytes(3) + bytes([i])).hex()}
	if i % 5 == 0:
		line["id_context"] = rng.randbytes(6).hex()
	return line


class Run:
	def __init__(self, directory, kills, seed):
		self.directory, self.kills, self.rng = directory, kills, random.Random(seed)
		self.recorder = Recorder(os.path.join(directory, "recording"))
		self.relay = Relay(self.recorder, random.Random(seed + 1), LOSS)
		self.groups = credentials(self.rng)
		self.lines = [line for lines in self.groups.values() for line in lines]
		names = {g: [l["endpoint"] for l in lines] for g, lines in self.groups.items()}
		# Their kid is that of many keys, one after the other.
		self.several = {n for g in ("recovering", "renewing", "wandering") for n in names[g]}
		self.ports = {(g, role): self.relay.front(names[g], role).port
			for g in GROUPS for role in ("server", "bootstrap")}
		self.fleets = {
			"direct": self.fleet("direct", "--deregister"),
			"bootstrapped": self.fleet("bootstrapped", "--keep"),
			"recovering": self.fleet("recovering", "--keep", "--recover", "b2"),
			"renewing": self.fleet("renewing", "--keep", "--recover", "b2")}
		self.wanderers = [Wanderer(line, i, self.ports["wandering", "server"], seed + 100 + i)
			for i, line in enumerate(self.groups["wandering"])]
		self.daemon = Daemon(
			os.path.join(BUILD, "bin", "lanyardd"), directory,
			self.ports["bootstrapped", "server"])
		self.attacker = Attacker(self.recorder, self.relay)
		self.load = Load(self.daemon.rest, names["direct"] + names["recovering"],
			names["bootstrapped"] + names["renewing"], seed, 4)
		self.copies = Copies(directory, BUILD, self.recorder)
		self.found, self.rollbacks = "none", 0
		self.killed = 0
		self.crashed = False
		self.relay.start()

	def fleet(self, group, *options):
		role = "bootstrap" if group in BOOTSTRAP else "server"
		option = "--bootstrap-server" if role == "bootstrap" else "--server"
		uri = "coap://127.0.0.1:%d" % self.ports[group, role]
		return Fleet(self.directory, group, option, uri, *options)

	# ---- steps

	def write_credentials(self):
		for name, lines in (*self.groups.items(), ("secrets", self.lines)):
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
		for line in self.groups["renewing"]:
			uri = "coap://127.0.0.1:%d" % self.ports["renewing", "server"]
			path = "/v1/bootstrap/%s" % line["endpoint"]
			status, answer = self.daemon.rest.call(
				"PUT", path, {"servers": [{"uri": uri, "lifetime_s": 3600}]})
			if status not in (200, 201, 204):
				raise RuntimeError("PUT %s: %d %s" % (path, status, answer))

	def start(self):
		self.recorder.note("start")
		self.daemon.spawn()
		self.relay.retarget(self.daemon.wait_ready())
		self.copies.started()
		if self.examine():
			if not self.unseal():
				self.start()
				return
			self.examine()
		self.found = "none"
		self.recorder.note("listing", endpoints=self.daemon.rest.endpoints())

	def examine(self):
		"""What has the daemon found at its start? Is it sealed?"""
		m = self.daemon.rest.metrics()
		sealed = m["lanyard_sealed"] == 1
		if self.found == "sealed" and not sealed:
			self.found = "unsealed"
			self.copies.unsealed()
		self.recorder.note("found", way=self.found, sealed=sealed,
			rollbacks=m["lanyard_rollbacks_total"], before=self.rollbacks)
		if not sealed:
			self.rollbacks = m["lanyard_rollbacks_total"]
		return sealed

	def unseal(self):
		"""False: it was killed meanwhile."""
		self.attacker.shout(self.chosen()[:50], self.rng)
		if self.rng.random() < 0.4:
			delay = self.rng.random() * 0.02
			timer = threading.Timer(delay, self.daemon.kill)
			timer.start()
			self.daemon.unseal()
			timer.join()
			self.gone("kill", way="unseal", delay=delay)
			return False
		if not self.daemon.unseal():
			raise RuntimeError("not unsealed: " + self.daemon.tail())
		return True

	def chosen(self):
		return choose(self.relay, self.rng, REPLAYS, self.crashed, self.several)

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
		chosen = self.chosen()
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
		"""Until each device had four new requests answered, for the first may be a refusal of keys
		of after a copy, the next begin a recovery, or get an Echo challenge. The checker finds out
		which did not come back."""
		self.relay.loss = 0
		self.relay.do(self.relay.served.clear)
		end = time.monotonic() + WELL_S
		while time.monotonic() < end:
			served = self.relay.do(self.relay.served.copy)
			if all(served[l["endpoint"]] > 3 for l in self.lines):
				break
			time.sleep(0.02)
		self.relay.sync()

	# ---- rounds

	def kill_under_load(self, way="load"):
		"""At a datagram, and up to some milliseconds after it: into commits, and between them."""
		fallen = threading.Event()
		sorts, most = {"load": (("up", "down"), 250), "recovery": (STEPS, 20)}[way]
		what, count = self.rng.choice(sorts), self.rng.randint(1, most)
		delay = self.rng.choice((0, self.rng.random() * 0.004))

		def strike():
			self.daemon.kill()
			fallen.set()

		time.sleep(self.rng.random() * 0.7)
		if self.rng.random() < COPIED:
			self.copies.backup()
		self.relay.arm(what, count, delay, strike)
		if way == "recovery":
			self.restart("recovering", 0.5)
			self.restart("renewing", 0.5)
		if not fallen.wait(10):
			self.daemon.kill()
		self.gone("kill", way=way, what=what, count=count, delay=delay)

	def restart(self, group, lost, *options):
		fleet = self.fleets[group]
		fleet.stop()
		if self.rng.random() < lost:
			fleet.forget()
		fleet.start(*options)

	def stop(self):
		time.sleep(self.rng.random() * 0.6)
		self.daemon.signal(signal.SIGTERM)
		self.gone("stop")

	def put_back(self, way):
		"""An older copy takes the place of the database; or both it and its anchor are moved."""
		old = [c for c in self.copies.kept if c.started]
		copy = self.copies.raw() if way == "moved" else self.rng.choice(old) if old else None
		if not copy:
			return
		self.copies.put_back(copy, way)
		if way == "moved":
			return
		self.found, self.crashed = way, True
		if self.rng.random() < 0.5:  # keys that were drawn since are unknown
			self.restart("bootstrapped", 0, "--rebootstrap")
			self.restart("renewing", 0, "--rebootstrap")

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

	def round(self, way, back=None):
		"""way: how it ends; back: what is put back before ("nothing"), else chance decides."""
		if self.found == "none":
			if self.rng.random() < COPIED:
				self.copies.raw()
			if back != "nothing" and (back or self.rng.random() < PUT_BACK):
				self.put_back(
					back or self.rng.choices(("rollback", "sealed", "moved"), (4, 3, 1))[0])
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
		elif way == "clean":
			self.stop()
		else:
			self.kill_under_load(way)

	def first(self):
		self.write_credentials()
		self.start()
		self.provision()
		for fleet in self.fleets.values():
			fleet.start()
		for w in self.wanderers:
			w.start()
		self.load.resume()
		time.sleep(1)
		self.copies.backup()
		self.kill_under_load()
		# Each kind of thing once, early: recordings are doctored at their start.
		self.round("recovery", "nothing")
		self.round("load", "rollback")
		self.round("recovery", "sealed")

	def last(self):
		"""Everybody is well again; then an orderly end, whose traces must survive too."""
		self.relay.hold()
		self.start()
		self.replay()
		self.restart("bootstrapped", 0, "--rebootstrap")
		self.restart("recovering", 0.5)
		self.restart("renewing", 0, "--rebootstrap")
		self.resend()
		self.await_all()
		self.load.pause()
		self.recorder.note("all-well")
		for w in self.wanderers:
			w.close()
		for fleet in self.fleets.values():
			fleet.stop(signal.SIGTERM)
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
					self.restart("bootstrapped", 0)
				self.round(self.rng.choices([*WAYS], [*WAYS.values()])[0])
			self.last()
		finally:
			self.close()

	def close(self):
		for step in (self.load.close, *(f.stop for f in self.fleets.values()),
				*(w.close for w in self.wanderers), self.daemon.close,
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
