#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Signals while the daemon runs and while it stops, and starts that fail: what is left counts as a
# clean stop, and a kill does not.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-signals.XXXXXX) || exit 2
pid='' holder=''
end() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	[ -z "$holder" ] || kill "$holder" 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
. tests/lib.sh
show() { sed 's/^/    /' "$dir/log"; }
has() { grep -q -- "$1" "$dir/log"; }
lacks() { ! has "$1"; }
# Of a database that nobody has open.
meta() {
	[ -e "$dir/state/lanyard.db" ] || { echo 0; return; }
	sqlite3 "$dir/state/lanyard.db" "SELECT $1 FROM meta"
}

# config PORT
config() {
	cat >"$dir/conf" <<-CONF
		[listen server]
		role = server
		address = 127.0.0.1
		port = $1
		[listen bootstrap]
		role = bootstrap
		address = 127.0.0.1
		port = 0
		[storage]
		dir = $dir/state
		[admin]
		socket = $dir/admin.sock
		socket_group =
	CONF
}
start() {
	: >"$dir/log" # here: the last run's must be gone before this one is looked for
	"$BUILD/bin/lanyardd" --config "$dir/conf" >>"$dir/log" 2>&1 </dev/null &
	pid=$!
	local i
	for ((i = 0; i < 100; i++)); do
		has '^notice: ready' && return
		grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" 2>/dev/null || return
		sleep 0.1
	done
}
# Sends signals one after the other, without a pause. A number is a pause in seconds.
signals() {
	local s
	for s; do
		case $s in
		*[0-9]) sleep "$s" ;;
		*) kill -"$s" "$pid" 2>/dev/null ;;
		esac
	done
}

# stops WHAT SIGNAL...: these signals stop it cleanly
stops() {
	local what=$1 before
	shift
	before=$(meta stops)
	start
	check "$what: it runs" has 'ready'
	signals "$@"
	wait "$pid"
	check "$what: status 0" is $? 0
	pid=
	check "$what: says so" has '^notice: stopped$'
	check "$what: a clean stop" is "$(meta clean)/$(meta stops)" "1/$((before + 1))"
}

config 0
stops 'TERM' TERM
stops 'INT' INT
stops 'TERM twice' TERM TERM
stops 'TERM and INT' TERM INT
stops 'TERM again and again' TERM 0.001 TERM 0.001 TERM 0.001 TERM 0.001 INT 0.001 TERM
stops 'HUP while it stops' TERM HUP HUP HUP
stops 'HUP while it stops, a little later' TERM 0.002 HUP 0.002 HUP
stops 'HUP, then TERM' HUP 0.05 TERM

start
signals HUP 0.2
check 'HUP alone reads the configuration again' has 'configuration reloaded'
check 'and stops nothing' kill -0 $pid
signals KILL
wait $pid 2>/dev/null
pid=
check 'a kill is no clean stop' is "$(meta clean)" 0
stops 'after a kill' TERM

# A port in use: the start fails, and leaves what was there as clean as it was.
python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(600)' >"$dir/port" &
holder=$!
for _ in {1..50}; do [ -s "$dir/port" ] && break; sleep 0.1; done
config "$(cat "$dir/port")"
for n in once twice; do
	start
	wait "$pid"
	check "a port in use, $n: status 1" is $? 1
	pid=
	check "a port in use, $n: never ready" lacks 'ready'
	check "a port in use, $n: says why" has 'name=server'
	check "a port in use, $n: still a clean stop" is "$(meta clean)" 1
done
config 0
stops 'with a free port again' TERM

# A configuration that cannot be used touches nothing.
echo 'nonsense' >>"$dir/conf"
start
wait "$pid"
check 'a bad configuration: status 2' is $? 2
pid=
check 'a bad configuration: still a clean stop' is "$(meta clean)" 1

finish
