#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/kill/kill.sh: kills the daemon KILLS times (20) under load, restarts it, and proves from
# the recorded datagrams that nothing acknowledged was lost, no nonce was used twice and no replay
# was accepted. Some devices make new keys all the while (RFC 8613 Appendix B.2), and kills fall on
# each step of that; older copies of the database are put back, with the anchor and without. SEED
# repeats a run's choices. KEEP=1 keeps the recording. BUILD is where the programs are. The last line
# is "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 2
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$(cd ../.. && pwd)/$BUILD ;; esac
export BUILD KILLS=${KILLS:-20} PYTHONDONTWRITEBYTECODE=1
dir=$(mktemp -d) || exit 2
child=
finish() {
	if [ "$child" ] && kill "$child" 2>/dev/null; then wait "$child"; fi
	if [ "${KEEP:-}" ]; then echo "kept: $dir"; else rm -rf "$dir"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

/usr/bin/python3 run.py "$dir" &
child=$!
if ! wait "$child"; then
	child=
	tail -n 30 "$dir/lanyardd.log" 2>/dev/null
	echo "0 passed, 1 failed"
	exit 1
fi
child=
/usr/bin/python3 check.py "$dir"
