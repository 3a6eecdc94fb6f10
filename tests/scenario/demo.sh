#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demonstration says what it promises, tidies up after itself, and tells what is wrong.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
export BUILD
dir=$(mktemp -d) pid=
export TMPDIR=$dir/tmp
mkdir "$TMPDIR"
end() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	[ ! -s "$dir/pids" ] || kill $(cat "$dir/pids") 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
. tests/lib.sh
has() { grep -qE -- "$1" "$dir/out"; }
lacks() { ! has "$1"; }
empty() { [ -z "$(ls -A "$TMPDIR")" ]; }
gone() { ! kill -0 "$@" 2>/dev/null; }
# What follows the command $1 in the output, up to the next empty line or command.
after() { sed -nE "\\,^\\\$ lanyardctl $1,,/^(\\\$|\$)/{/^(\\\$|#|\$)/d;p}" "$dir/out"; }

KEEP='' tests/demo.sh >"$dir/out" 2>&1
check 'the demonstration ends with 0' [ $? = 0 ]
check 'it shows the bootstrap' has ' bootstrap +demo-device .*"finished"'
check 'it shows the registration' has ' registered +demo-device .*"security":"oscore"'
check 'it lists the device' has '^demo-device +yes +oscore '
check 'it reads text' is "$(after 'read demo-device /3/0/0')" Lanyard
check 'it reads a number' grep -qxE '[0-9]+' <(after 'read demo-device /3/0/9')
check 'it reads what it wrote' is "$(after 'read demo-device /3/0/14')" '+02:00'
check 'it executes' has '^\$ lanyardctl execute demo-device /3/0/4$'
check 'it prints a value and three notifications' \
	is "$(after 'observe demo-device' | sed -E 's/^20[0-9TZ:.-]+ /time /; s/-?[0-9]+(\.[0-9]+)?$/N/' | tr '\n' ,)" \
	'N,time  N,time  N,time  N,'
check 'it says what to try next' has 'make demo KEEP=1'
check 'it does not print paths of its folder' lacks "$TMPDIR"
check 'it leaves no file' empty

KEEP=1 tests/demo.sh >"$dir/out" 2>&1
check 'with KEEP=1 it ends with 0' [ $? = 0 ]
grep -oE '^ +kill [0-9]+ [0-9]+' "$dir/out" | grep -oE '[0-9]+' >"$dir/pids"
check 'it tells two processes' is "$(wc -l <"$dir/pids")" 2
check 'both run' kill -0 $(cat "$dir/pids")
socket=$(sed -nE 's/.*LANYARD_SOCKET=([^ ]+) .*/\1/p' "$dir/out")
check 'a command it tells works' is "$("$BUILD/bin/lanyardctl" -S "$socket" read demo-device /3/0/0)" Lanyard
kill $(cat "$dir/pids") 2>/dev/null
for _ in {1..50}; do gone $(cat "$dir/pids") && break; sleep 0.1; done
check 'both stop as told' gone $(cat "$dir/pids")
: >"$dir/pids"
rm -rf "${TMPDIR:?}"/*

for signal in INT TERM; do
	env --default-signal=INT tests/demo.sh >"$dir/out" 2>&1 &
	pid=$!
	for _ in {1..100}; do has '^\$ lanyardctl observe' && break; sleep 0.1; done
	kill -$signal $pid
	wait $pid
	status=$?
	pid=
	check "SIG$signal ends it" [ $status = $([ $signal = INT ] && echo 130 || echo 143) ]
	check "SIG$signal leaves no file" empty
done

mkdir -p "$dir/broken/bin"
for p in lanyardd lanyardctl lanyard-device; do ln -s "$BUILD/bin/$p" "$dir/broken/bin/$p"; done
rm "$dir/broken/bin/lanyard-device"
printf '#!/bin/sh\necho "no such device"\nexit 3\n' >"$dir/broken/bin/lanyard-device"
chmod +x "$dir/broken/bin/lanyard-device"
BUILD=$dir/broken tests/demo.sh >"$dir/out" 2>&1
check 'a failure is a failure' [ $? = 1 ]
check 'it says what failed' has '^demo: lanyard-device has ended'
check "it shows the device's log" has 'no such device'
check "it shows the daemon's log" has 'notice: ready'
check 'it leaves no file after a failure' empty
rm "$dir/broken/bin/lanyardd"
BUILD=$dir/broken tests/demo.sh >"$dir/out" 2>&1
check 'without programs it says so' has 'is not built; run make'

finish
