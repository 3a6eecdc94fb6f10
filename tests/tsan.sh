#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Data races between the two threads, under ThreadSanitizer: builds what it needs in build/tsan, runs
# storage's tests, and the daemon through all operations and a backup. Slow; part of make check-full.
set -u
cd "$(dirname "$0")/.." || exit 2
dir=$(mktemp -d /tmp/lanyard-tsan.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
. tests/lib.sh
show() { tail -n 40 "$dir/$1"* | sed 's/^/    /'; }

tests=()
for t in tests/unit/storage/*.c; do
	t=${t##*/}
	tests+=("build/tsan/tests/storage/${t%.c}")
done
make -s -j"$(nproc)" SAN=thread all "${tests[@]}" >"$dir/build" 2>&1
check 'it builds' [ $? = 0 ] || { show build; finish; exit 1; }

# The daemon's own reports do not get in the way of what it prints.
export TSAN_OPTIONS="exitcode=66 log_path=$dir/report"
for t in "${tests[@]}"; do
	"$t" >"$dir/${t##*/}" 2>&1
	check "$t" [ $? = 0 ] || show "${t##*/}"
done
for s in operations backup; do
	BUILD=build/tsan tests/scenario/$s.sh >"$dir/$s" 2>&1
	check "$s.sh" [ $? = 0 ] || show $s
done
check 'no race' [ -z "$(ls "$dir" | grep '^report')" ] || show report
finish
