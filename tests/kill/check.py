# SPDX-License-Identifier: Apache-2.0
"""check.py DIRECTORY: judges the recording of run.py; the last line is "N passed, N failed"."""
import json
import os
import sys

from doctor import doctored
from recorder import load
from witness import Witness

SHOWN = 8

PROPERTIES = [
	("nonce", "no nonce encrypts two messages"),
	("registration", "no acknowledged registration is lost"),
	("replay", "no request is accepted twice"),
	("recovery", "new keys are taken only from who has proved to have the old secret"),
	("rollback", "an older copy of the database is noticed"),
	("lockout", "no honest device is locked out"),
	("unreadable", "every datagram can be explained"),
	("crash", "the daemon ends only when it is told to"),
	("harness", "every replay reaches the daemon"),
]


def judge(witness):
	failed = 0
	assert {k for k, _ in witness.violations} <= {k for k, _ in PROPERTIES}
	for kind, text in PROPERTIES:
		found = [v for k, v in witness.violations if k == kind]
		failed += bool(found)
		print("%-4s %s" % ("FAIL" if found else "ok", text))
		for v in found[:SHOWN]:
			print("       " + v)
		if len(found) > SHOWN:
			print("       and %d more" % (len(found) - SHOWN))
	return len(PROPERTIES) - failed, failed


def main():
	directory = sys.argv[1]
	secrets = list(load(os.path.join(directory, "secrets.json")))
	recording = os.path.join(directory, "recording")
	witness = Witness(secrets).read(load(recording))
	print(json.dumps(witness.count, indent=1))
	passed, failed = judge(witness)
	# A recording with crimes of its own proves nothing about those put into it.
	for text, good in doctored(load(recording), secrets) if not failed else ():
		print("%-4s finds %s" % ("ok" if good else "FAIL", text))
		passed, failed = passed + good, failed + (not good)
	print("%d passed, %d failed" % (passed, failed))
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
