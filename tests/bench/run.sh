#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench: the measurements, on a machine that should be doing nothing else.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
mkdir -p "$build/bench"
"${CC:-cc}" -O2 -D_GNU_SOURCE -I. -o "$build/bench/udp_echo" tests/bench/udp_echo.c
"${CC:-cc}" -O2 -D_GNU_SOURCE -I. -o "$build/bench/storage" tests/bench/storage.c \
	"$build/lib/storage.a" "$build/lib/base.a" -lsqlite3 -lpthread -lm
"$build/bench/storage"
exec /usr/bin/python3 tests/bench/bench.py --build "$build" "$@"
