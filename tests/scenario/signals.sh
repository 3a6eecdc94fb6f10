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

# told WHAT LINE: a line of the log that matches comes, of what was written after `mark`
mark() { seen=$(wc -l <"$dir/log"); }
fresh() { tail -n "+$((seen + 1))" "$dir/log"; }
told() {
	local i
	for ((i = 0; i < 50; i++)); do fresh | grep -q -- "$2" && break; sleep 0.1; done
	check "$1" grep -q -- "$2" <(fresh)
}
untold() { check "$1" is "$(fresh | grep -c -- "$2")" 0; }
# An unregistered context and a name that would break a line of text or of JSON.
hostile() {
	/usr/bin/python3 tests/scenario/lib/refused.py "$dir/log" "$dir/admin.sock" "$1"
}

# SIGHUP: what it changes, what it cannot, and what it says of a file that is wrong.
start
mark
printf '[log]\nlevel = debug\n' >>"$dir/conf"
signals HUP
told 'HUP: a level is taken over' '^notice: configuration reloaded file='
mark
"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" status >/dev/null
told 'HUP: and is in force' '^debug: admin request answered .*method=GET path=/v1/status status=200'
check_quietly 'text: an awkward name' hostile text
mark
echo 'format = json' >>"$dir/conf"
signals HUP
told 'HUP: a format is taken over' '^{"time":".*Z","level":"notice","message":"configuration reloaded","file":'
check_quietly 'JSON: an awkward name' hostile json
mark
printf '[oscore]\nwindow = 33\nwinow = 34\n[storage\n' >>"$dir/conf"
signals HUP
told 'HUP: a broken file is refused' '"level":"error","message":"configuration not reloaded, the old one stays",.*"reason":"malformed'
told 'HUP: it says where and what' '"message":".*conf:19: unknown key .*did you mean .*window.*","file":".*conf","line":19}'
told 'HUP: each of them' '"line":20}'
untold 'HUP: nothing outside of the form' '^[^{]'
mark
"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" status >/dev/null
told 'HUP: the old level stays' '"message":"admin request answered",.*"path":"/v1/status","status":200'
mark
sed -i -e '/^winow/d' -e '/^.storage$/d' -e 's/^format = json/format = text/' -e 's/^level = .*/level = notice/' "$dir/conf"
sed -i 's/^role = server$/&\nnosec = yes/' "$dir/conf"
signals HUP
told 'HUP: a good file again' '^notice: configuration reloaded'
told 'HUP: what needs a restart is named' '^warning: some changes need a restart options="oscore.window listen.server.nosec"'
mark
"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" status >/dev/null
mv "$dir/conf" "$dir/conf.away"
signals HUP
told 'HUP: a file that is gone' '^error: configuration not reloaded, the old one stays file=.*conf reason="not found"'
untold 'HUP: the level of the good file' '^debug'
mv "$dir/conf.away" "$dir/conf"
signals TERM
wait $pid
pid=
config 0

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
check 'a bad configuration: file and line' has '^error: .*conf:14: neither a '
mark
(
	exec 2>>"$dir/log"
	JOURNAL_STREAM=$(stat -L -c %d:%i "$dir/log") "$BUILD/bin/lanyardd" --config "$dir/conf"
)
told 'a bad configuration: the journal gets its priority' '^<3>.*conf:14: neither a '
mark
"$BUILD/bin/lanyardd" --check-config --config "$dir/none" 2>>"$dir/log"
check 'no such configuration: status 2' is $? 2
told 'no such configuration: named' '^error: .*/none: no such file'
mark
printf '[listen a]\nrole = server\n' >"$dir/conf"
"$BUILD/bin/lanyardd" --check-config --config "$dir/conf" 2>>"$dir/log"
check 'a role without a listener: one whole line' is "$(fresh | wc -l)" 1
told 'a role without a listener: named' '^error: .*conf: \[bootstrap\] is enabled'

finish
