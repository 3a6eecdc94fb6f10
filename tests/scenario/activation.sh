#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sockets from the service manager, and what it is told (see lib/activation.py); then the same and
# the demonstration under the unit's filter of system calls, where that can be had.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
. tests/scenario/lib/filtered.sh
dir=$(mktemp -d /tmp/lanyard-units.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
. tests/lib.sh
# A filter that lets everything pass would prove nothing.
killed() {
	grep -vx "$1" "$dir/calls" >"$dir/fewer"
	/usr/bin/python3 tests/scenario/lib/filtered.py "$dir/fewer" "$BUILD/bin/lanyardd" --check-config
	[ $? = 159 ] # SIGSYS
}
activation() {
	mkdir "$dir/$1"
	/usr/bin/python3 tests/scenario/lib/activation.py "$2" "$dir/$1" >"$dir/$1.out" 2>&1
	case $(tail -n 1 "$dir/$1.out") in
	*' passed, 0 failed') ;;
	*) sed "s/^/$1: /" "$dir/$1.out" ;;
	esac
	read -r p _ f _ <<<"$(tail -n 1 "$dir/$1.out")"
	case $p$f in *[!0-9]* | '') p=0 f=1 ;; esac
	passed=$((passed + p)) failed=$((failed + f))
}

activation plain "$BUILD/bin/lanyardd"
if filtered "$dir"; then
	check_quietly 'without openat it is killed' killed openat
	check_quietly 'without socket it is not, when it opens none' \
		/usr/bin/python3 tests/scenario/lib/filtered.py <(grep -vx socket "$dir/calls") "$BUILD/bin/lanyardd" --version
	activation filtered "$dir/bin/lanyardd"
	check_quietly 'the demonstration under the filter' env KEEP= BUILD="$dir" tests/demo.sh
else
	echo 'for information: no systemd-analyze, no libseccomp, or sanitizers: the filter was not tried'
fi
finish
