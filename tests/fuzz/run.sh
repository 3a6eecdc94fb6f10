#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make fuzz: tests/fuzz/run.sh BUILD SECONDS SANITIZERS LIBRARIES; every target under libFuzzer, from
# its seeds, as many at once as there are cores. What is found stays in BUILD/fuzz/NAME.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1 seconds=$2 san=$3 libs=$4
status=0
one() {
	local name=$1 dir=$build/fuzz/$1
	mkdir -p "$dir/corpus"
	/usr/bin/python3 - "tests/fuzz/seeds/$name.hex" "$dir/corpus" <<'P' || return 1
import sys
for n, line in enumerate(open(sys.argv[1])):
    line = line.rstrip("\n")
    if line and line[0] != "#":
        text = line.startswith("text ")
        data = line[5:].replace("\\n", "\n").encode() if text else bytes.fromhex(line)
        open(f"{sys.argv[2]}/seed{n}", "wb").write(data)
P
	# shellcheck disable=SC2086
	clang -fsanitize=fuzzer $san -o "$dir/$name" "$build/tests/fuzz/$name.o" \
		-Wl,--start-group "$build"/lib/{base,coap,oscore,lwm2m,storage,endpoint,server,bootstrap,transport,config,admin,device,core}.a \
		-Wl,--end-group $libs || return 1
	(cd "$dir" && "./$name" -max_total_time="$seconds" -rss_limit_mb=4096 -print_final_stats=1 corpus \
		>log 2>&1) || { tail -n 30 "$dir/log"; echo "fuzz: $name: FAILED, see $dir"; return 1; }
	echo "fuzz: $name: $(grep -o 'number_of_executed_units: .*' "$dir/log") runs without a fault"
}
export -f one
export build seconds san libs
for f in tests/fuzz/*.c; do
	name=$(basename "$f" .c)
	[ "$name" = driver ] || echo "$name"
done | xargs -n 1 -P "$(nproc)" bash -c 'one "$0"' || status=1
exit $status
