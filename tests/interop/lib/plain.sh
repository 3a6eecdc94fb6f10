# SPDX-License-Identifier: Apache-2.0
# A daemon for devices without security, named by the patterns given. Sourced after tests/lib.sh, in
# the project's folder, with BUILD and dir set; the test ends $daemon.
plain_daemon() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen server]
		role = server
		address = 127.0.0.1
		port = 0
		[server]
		nosec_endpoints = $*
		[bootstrap]
		enabled = no
		[storage]
		dir = $dir/state
		[admin]
		socket = $dir/admin.sock
		socket_group =
	CONF
	"$BUILD/bin/lanyardd" -c "$dir/lanyard.conf" >"$dir/log" 2>&1 &
	daemon=$!
	check 'the daemon is ready' await "$dir/log" '^notice: ready'
	port=$(sed -n 's/^notice: listening .* port=//p' "$dir/log")
}
# await FILE PATTERN: within ten seconds.
await() {
	for _ in {1..100}; do
		grep -q "$2" "$1" 2>/dev/null && return
		sleep 0.1
	done
	cp "$1" "$dir/out"
	return 1
}
ctl() { timeout 20 "$BUILD/bin/lanyardctl" -S "$dir/admin.sock" "$@" >"$dir/out" 2>&1; }
says() { ctl "${@:2}" && grep -qF -- "$1" "$dir/out"; }
