# SPDX-License-Identifier: Apache-2.0
"""Copies of the database, and what is put back of them."""
import os
import shutil
import subprocess

KEPT = 4


class Copy:
	def __init__(self, number, path, raw):
		self.number, self.path, self.raw = number, path, raw
		self.started = False  # has a daemon run on the database since


class Copies:
	def __init__(self, directory, build, recorder):
		self._state = os.path.join(directory, "state")
		self._anchor = self._state + ".anchor"
		self._directory = os.path.join(directory, "copies")
		self._socket = os.path.join(directory, "admin.sock")
		self._config = os.path.join(directory, "lanyard.conf")
		self._bin, self._recorder = os.path.join(build, "bin"), recorder
		self.kept, self._made = [], 0
		os.mkdir(self._directory, 0o700)

	def _begin(self, raw):
		self._made += 1
		path = os.path.join(self._directory, str(self._made))
		self._recorder.note("copy-begin", copy=self._made)
		return Copy(self._made, path, raw)

	def _end(self, copy):
		self._recorder.note("copy-end", copy=copy.number)
		self.kept.append(copy)
		self._forget(KEPT)

	def _forget(self, kept):
		while len(self.kept) > kept:
			old = self.kept.pop(0)
			shutil.rmtree(old.path) if old.raw else os.unlink(old.path)

	def unsealed(self):
		"""Whoever unseals says that no other copy will ever run; the new anchor knows of none."""
		self._forget(0)

	def backup(self):
		"""As operators make it, while the daemon works."""
		copy = self._begin(False)
		self._run("lanyardctl", "-S", self._socket, "backup", copy.path)
		copy.started = True
		self._end(copy)

	def raw(self):
		"""Of a daemon that does not run: its files, and those of its anchor."""
		copy = self._begin(True)
		shutil.copytree(self._state, os.path.join(copy.path, "state"))
		shutil.copytree(self._anchor, os.path.join(copy.path, "anchor"))
		self._end(copy)
		return copy

	def started(self):
		for copy in self.kept:
			copy.started = True

	def put_back(self, copy, way):
		"""way: "rollback", the anchor stays as it is; "sealed", there is none; "moved", the one of
		the copy, on which no daemon has run since."""
		self._recorder.note("put-back", copy=copy.number, way=way, raw=copy.raw)
		if way != "rollback":
			shutil.rmtree(self._anchor)
		if way == "moved":
			shutil.copytree(os.path.join(copy.path, "anchor"), self._anchor)
		if copy.raw:
			shutil.rmtree(self._state)
			shutil.copytree(os.path.join(copy.path, "state"), self._state)
		else:
			self._run("lanyardd", "-c", self._config, "--restore", copy.path)
			for name in os.listdir(self._state):  # the one that was there; as big as that
				if "before-restore" in name:
					os.unlink(os.path.join(self._state, name))

	def _run(self, program, *args):
		done = subprocess.run([os.path.join(self._bin, program), *args], stdin=subprocess.DEVNULL,
			stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
		if done.returncode:
			raise RuntimeError("%s: %s" % (program, done.stdout.decode("utf-8", "replace")))
