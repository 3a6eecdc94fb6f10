#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# All tests, then those that take too long for every day (make check-full), one after the other.
# The last line is the total, "N passed, N failed". Environment: BUILD (build), SAN.
set -u
cd "$(dirname "$0")/.." || exit 2
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
passed=0 failed=0

# part [NAME=VALUE...] [PROGRAM...]: adds what tests/run.sh counts.
part() {
	local environment=()
	while [[ ${1:-} == *=* ]]; do
		environment+=("$1")
		shift
	done
	env "${environment[@]}" tests/run.sh "$@" 2>&1 | tee "$out"
	read -r p _ f _ <<<"$(tail -n 1 "$out")"
	case $p$f in *[!0-9]* | '') p=0 f=1 ;; esac
	passed=$((passed + p)) failed=$((failed + f))
}

part
# The same under AddressSanitizer and UBSan, then other tools. They go one after the other, with all
# cores each.
if [ ! "${SAN:-}" ]; then
	make --no-print-directory -j"$(nproc)" SAN=1 all unit-tests >/dev/null
	part BUILD=build/san SAN=1
	part JOBS=1 TEST_TIMEOUT=7200 tests/valgrind.sh
	part JOBS=1 TEST_TIMEOUT=7200 tests/tsan.sh
fi
# Whatever needs long: one line each.
long='JOBS=1 TEST_TIMEOUT=7200'
part $long KILLS=300 tests/kill/kill.sh
part $long KILLS=60 tests/kill/firmware.sh
part $long FAULT_FULL=1 "${BUILD:-build}"/tests/fault/{power,failing,memory}
part $long FLIPS=1000 "${BUILD:-build}/tests/fault/flips"
part $long tests/interop/npm/run.sh
mkdir -p build/packages
part $long KEEP="$PWD/build/packages" tests/package.sh
part $long tests/boot.sh
part $long tests/fresh.sh

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
