#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# with_daemon.sh STEPS: starts a daemon and runs lib/STEPS.py, with aiocoap to import, against it. Where there
# is a lib/STEPS.conf, the daemon's configuration has that too.
set -u
steps=$1
cd "$(dirname "$0")/../../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
lib=tests/interop/lib
packages=$(BUILD=$BUILD $lib/fetch.sh) || { echo "aiocoap could not be had"; echo "0 passed, 1 failed"; exit 1; }

dir=$(mktemp -d) daemon=
end() {
	[ -z "$daemon" ] || { kill "$daemon"; wait "$daemon"; } 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM
# Chosen beforehand, for a URI of the configuration names it.
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
cat >"$dir/lanyard.conf" <<-CONF
	[listen server]
	role = server
	address = 127.0.0.1
	port = $port
	[listen bootstrap]
	role = bootstrap
	address = 127.0.0.1
	port = 0
	[server]
	body_limit = 262144
	firmware_uri = coap://127.0.0.1:$port
	[storage]
	dir = $dir/state
	[admin]
	socket = $dir/admin.sock
	socket_group =
	[log]
	level = debug
CONF
[ ! -e "$lib/$steps.conf" ] || cat "$lib/$steps.conf" >>"$dir/lanyard.conf"
"$BUILD/bin/lanyardd" -c "$dir/lanyard.conf" >"$dir/log" 2>&1 &
daemon=$!
for _ in {1..100}; do
	grep -q '^notice: ready' "$dir/log" && break
	kill -0 "$daemon" 2>/dev/null || break
	sleep 0.1
done
PYTHONPATH=$packages:tests/interop/stubs:$lib /usr/bin/python3 -W ignore "$lib/$steps.py" \
	"$BUILD/bin/lanyardctl" "$dir/admin.sock" >"$dir/out" 2>"$dir/errors"
status=$?
kill "$daemon" && wait "$daemon"
stopped=$?
daemon=
grep -v ' passed, ' "$dir/out"
count=$(grep ' passed, ' "$dir/out" || echo '0 passed, 1 failed')
passed=${count%% *} failed=${count#*, }
failed=${failed%% *}
if [ $stopped = 0 ] && tail -n 1 "$dir/log" | grep -q stopped; then
	echo 'ok      the daemon stops cleanly'
	passed=$((passed + 1))
else
	echo "FAILED  the daemon stops cleanly: status $stopped"
	failed=$((failed + 1))
fi
if [ $status != 0 ] || [ "$failed" != 0 ]; then
	sed 's/^/client: /' "$dir/errors" | tail -n 60
	sed 's/^/daemon: /' "$dir/log" | tail -n 120
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
