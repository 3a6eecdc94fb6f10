#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/run.sh [PROGRAM...]: runs all test programs, or these, and prints the total as its last
# line, "N passed, N failed".
#
# A program's own last such line is its count; one without it is one test, judged by its exit
# status. A crash, a time-out, a non-zero status without a counted failure and a process left
# behind are failures. Environment: BUILD (build), SAN, JOBS (one a core), TEST_TIMEOUT (seconds
# for each program).
set -u
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C TZ=UTC PYTHONDONTWRITEBYTECODE=1
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export BUILD SAN=${SAN:-}
JOBS=${JOBS:-$(nproc)}
TEST_TIMEOUT=${TEST_TIMEOUT:-$([ "$SAN" ] && echo 600 || echo 170)}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

tmp=$(mktemp -d) || exit 2
mark=lanyard-tests-$$-$RANDOM

# Processes that carry the mark $1 in their environment, zombies excepted (theirs is empty).
marked() {
	grep -lzxF "LANYARD_TESTS=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

# Waits a second for what program $1 left to go by itself; kills it and succeeds if it did not.
left_behind() {
	local i pids=
	for i in 1 2 3 4 5 6 7 8 9 10; do
		pids=$(marked "$1")
		[ "$pids" ] || return 1
		sleep 0.1
	done
	for i in $pids; do
		echo "left behind: $i $(tr '\0' ' ' <"/proc/$i/cmdline" 2>/dev/null)"
	done
	kill -KILL $pids 2>/dev/null
	return 0
}

stop() {
	local i pids
	trap '' INT TERM HUP
	kill -KILL $(jobs -rp) 2>/dev/null
	for i in 1 2 3 4 5; do
		pids=$(for n in "${!programs[@]}"; do marked "$mark-$n"; done)
		[ "$pids" ] || break
		kill -KILL $pids 2>/dev/null
		sleep 0.1
	done
	rm -rf "$tmp"
	exit 130
}

# One program: its output goes to $tmp/N.out, its count to $tmp/N.count, and one line to the user.
run_one() {
	local n=$1 prog=$2 out=$tmp/$1.out status=0 start=$EPOCHREALTIME passed failed last word=ok ms

	# A shell's background jobs ignore SIGINT, and what ignores it at its start cannot trap it.
	env --default-signal=INT --default-signal=QUIT "LANYARD_TESTS=$mark-$n" \
		timeout -k 5 "$TEST_TIMEOUT" "$prog" >"$out" 2>&1 </dev/null || status=$?
	ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	last=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$out" | tail -n 1)
	passed=${last%% *} failed=${last#*, }
	failed=${failed%% *}
	if [ ! "$last" ]; then
		passed=0 failed=0
		if [ $status = 0 ]; then passed=1; else failed=1; fi
	elif [ "$((passed + failed))" = 0 ]; then
		echo "ran no test" >>"$out"
		failed=1
	fi
	case $status in
	0) ;;
	124) echo "timed out after $TEST_TIMEOUT s" >>"$out" ;;
	*) echo "exit status $status" >>"$out" ;;
	esac
	[ $status = 0 ] || [ "$failed" != 0 ] || failed=1
	if left_behind "$mark-$n" >>"$out"; then failed=$((failed + 1)); fi
	[ "$failed" = 0 ] || word=FAIL
	echo "$passed $failed" >"$tmp/$n.count"
	{
		printf '%-4s %6d.%03d s  %-40s %d passed, %d failed\n' $word $((ms / 1000)) \
			$((ms % 1000)) "${prog#"$PWD"/}" "$passed" "$failed"
		[ $word = ok ] || tail -n 400 "$out" | sed 's/^/     | /'
	} >"$tmp/$n.say"
	# One write each, so that two programs' lines do not mix.
	cat "$tmp/$n.say"
}

programs=()
absent=0
add() {
	programs+=("$1")
}

# tests/unit/FOLDER/NAME.c is $BUILD/tests/FOLDER/NAME. A binary whose source is gone is stale.
add_binaries() {
	local src name
	for src in tests/unit/*/*.c; do
		name=${src#tests/unit/}
		name=${name%.c}
		if [ -x "$BUILD/tests/$name" ]; then
			add "$BUILD/tests/$name"
		else
			echo "FAIL  $src: no program $BUILD/tests/$name"
			absent=$((absent + 1))
		fi
	done
	for src in tests/fuzz/*.c; do
		name=$BUILD/tests/fuzz/$(basename "$src" .c)
		[ ! -x "$name" ] || add "$name"
	done
}

shopt -s nullglob
if [ $# -gt 0 ]; then
	for p in "$@"; do
		case $p in */*) add "$p" ;; *) add "./$p" ;; esac
	done
else
	# The longest first, or the last of them would run alone.
	for p in tests/kill/*.sh tests/interop/*.sh tests/scenario/*.sh tests/man.sh tests/clauses.sh tests/shape.sh tests/layers.sh; do
		add "$PWD/$p" # one that may not be run fails
	done
	add_binaries
fi

trap stop INT TERM HUP
for n in "${!programs[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do wait -n; done
	run_one "$n" "${programs[$n]}" &
done
wait

passed=0 failed=$absent
for n in "${!programs[@]}"; do
	read -r p f <"$tmp/$n.count" || { p=0 f=1; }
	passed=$((passed + p)) failed=$((failed + f))
done
rm -rf "$tmp"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
