# SPDX-License-Identifier: Apache-2.0
# What scenarios with one daemon, and perhaps one device, share. Sourced in the project's folder, with a name for
# the directory; the configuration is $dir/lanyard.conf, and what lanyardctl said is in $dir/out.
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d "/tmp/lanyard-$1.XXXXXX") || exit 2
daemon='' device=''
end() {
	[ -z "$device" ] || { kill "$device" && wait "$device"; } 2>/dev/null
	[ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
export PATH=$BUILD/bin:$PATH LANYARD_SOCKET=$dir/admin.sock
: >"$dir/out"
. tests/lib.sh
ctl() { timeout 20 lanyardctl "$@" >"$dir/out" 2>&1 </dev/null; }
out_has() { grep -qE -- "$1" "$dir/out"; }
# shows PATTERN COMMAND...: it succeeds and a line matches.
shows() { ctl "${@:2}" && out_has "$1"; }
out_is() { [ "$(cat "$dir/out")" = "$1" ]; }
# says WORDS COMMAND...: it succeeds and prints exactly that.
says() { ctl "${@:2}" && out_is "$1"; }
# hides PATTERN COMMAND...: it succeeds and no line matches.
hides() { ctl "${@:2}" && ! out_has "$1"; }
# refused STATUS PATTERN COMMAND...
refused() {
	local status=0
	ctl "${@:3}" || status=$?
	[ $status = "$1" ] && out_has "$2"
}
give_up() {
	echo "FAILED: $1"
	cat "$dir"/*.log
	echo "$passed passed, $((failed + 1)) failed"
	exit 1
}
# wait_for WHAT COMMAND...
wait_for() {
	local i
	for ((i = 0; i < 300; i++)); do
		if "${@:2}"; then return; fi
		kill -0 $daemon $device 2>/dev/null || break
		sleep 0.05
	done
	give_up "$1"
}
port() { sed -nE "s/.* listening name=$1 .* port=([0-9]+).*/\1/p" "$dir/lanyardd.log"; }
# launch [COMMAND...]: the daemon, by that command if there is one.
launch() {
	: >"$dir/lanyardd.log" # what the one before said counts no more
	"$@" lanyardd --config "$dir/lanyard.conf" >>"$dir/lanyardd.log" 2>&1 </dev/null &
	daemon=$!
	wait_for 'the daemon is ready' grep -q '^notice: ready' "$dir/lanyardd.log"
}
