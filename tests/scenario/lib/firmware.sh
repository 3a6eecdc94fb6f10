# SPDX-License-Identifier: Apache-2.0
# What the tests of firmware share: a daemon that is killed and started again on a port that stays. Sourced in the
# project's folder.
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-firmware.XXXXXX) || exit 2
daemon='' device='' fleet=''
end() {
	for p in $device $fleet $daemon; do { kill "$p" && wait "$p"; } 2>/dev/null; done
	rm -rf "$dir"
}
trap end EXIT
export PATH=$BUILD/bin:$PATH LANYARD_SOCKET=$dir/admin.sock
: >"$dir/out"
. tests/lib.sh
ctl() { timeout 60 lanyardctl "$@" >"$dir/out" 2>&1 </dev/null; }
says() { ctl "${@:2}" && grep -qE -- "$1" "$dir/out"; }
refused() {
	local status=0
	ctl "${@:2}" || status=$?
	[ $status = 1 ] && grep -qE -- "$1" "$dir/out"
}
give_up() {
	echo "FAILED: $1"
	tail -n 30 "$dir"/*.log
	echo "$passed passed, $((failed + 1)) failed"
	exit 1
}
# wait_for WHAT COMMAND...
wait_for() {
	local i
	for ((i = 0; i < 600; i++)); do
		if "${@:2}"; then return; fi
		sleep 0.05
	done
	give_up "$1"
}
ready() { [ "$(grep -c '^notice: ready' "$dir/lanyardd.log")" -ge "$1" ]; }
starts=0
start_daemon() {
	lanyardd --config "$dir/lanyard.conf" >>"$dir/lanyardd.log" 2>&1 </dev/null &
	daemon=$!
	starts=$((starts + 1))
	wait_for 'the daemon is ready' ready $starts
}
kill_daemon() {
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
}
# Below the ports that sockets without one are given: nobody takes it before the daemon does, or
# while it is down.
port=$(/usr/bin/python3 -c 'import random, socket
while True:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.bind(("0.0.0.0", random.randrange(20000, 32000)))
        break
    except OSError:
        pass
print(s.getsockname()[1])')
cat >"$dir/lanyard.conf" <<-CONF
	[listen server]
	role = server
	address = 0.0.0.0
	port = $port
	[server]
	firmware_uri = coap://127.0.0.1:$port
	[bootstrap]
	enabled = no
	[storage]
	dir = $dir/state
	[admin]
	socket = $dir/admin.sock
	socket_group =
CONF
