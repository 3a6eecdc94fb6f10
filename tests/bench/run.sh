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
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$build/bench/storage" "$dir/state" 100000
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/memory" tests/bench/memory.c \
	-Wl,--start-group "$build"/lib/{server,endpoint,lwm2m,storage,oscore,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcrypto sqlite3 libcbor) -lpthread -lm
"$build/bench/memory"
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/oscore" tests/bench/oscore.c \
	-Wl,--start-group "$build"/lib/{endpoint,oscore,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcrypto)
"$build/bench/oscore"
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/group" tests/bench/group.c \
	-Wl,--start-group "$build"/lib/{oscore,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcrypto)
"$build/bench/group"
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/codecs" tests/bench/codecs.c \
	-Wl,--start-group "$build"/lib/{lwm2m,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcbor) -lm
"$build/bench/codecs"
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/overhead" tests/bench/overhead.c \
	-Wl,--start-group "$build"/lib/{lwm2m,oscore,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcrypto libcbor) -lm
"$build/bench/overhead"
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/updates" tests/bench/updates.c \
	-Wl,--start-group "$build"/lib/{oscore,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcrypto)
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/flood" tests/bench/flood.c \
	-Wl,--start-group "$build"/lib/{oscore,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libcoap-3-notls libcrypto)
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/lanyardd-forgetful" tests/bench/forget.c \
	"$build"/cmd/lanyardd*.o -Wl,--wrap=store_submit -Wl,--start-group "$build"/lib/*.a -Wl,--end-group \
	$(pkg-config --libs libevent json-c inih libcbor expat sqlite3 libssl libcrypto libcoap-3-notls libsystemd) -lpthread -lm
"${CC:-cc}" -std=c17 -O2 -D_GNU_SOURCE -I. -o "$build/bench/dtls" tests/bench/dtls.c \
	-Wl,--start-group "$build"/lib/{transport,coap,base}.a -Wl,--end-group \
	$(pkg-config --libs libevent libssl libcrypto libcoap-3-notls)
"$build/bench/dtls"
/usr/bin/python3 tests/bench/bench.py --build "$build" "$@"
