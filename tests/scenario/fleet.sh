#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A fleet over a bad network: everybody gets through, the daemon counts the same, and the report can
# be read by a program. Signals, answers that should not come, wrong options.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-fleet.XXXXXX) || exit 2
pid='' fleet=''
end() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	[ -z "$fleet" ] || kill -KILL "$fleet" 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
. tests/lib.sh
show() {
	echo "    $*"
	tail -n 5 "$dir/err" 2>/dev/null | sed 's/^/    /'
}
over() { [ "$1" -gt "$2" ]; }

cat >"$dir/conf" <<CONF
[listen server]
role = server
address = 0.0.0.0
port = 0
[listen bootstrap]
role = bootstrap
address = 0.0.0.0
port = 0
[bootstrap]
uri = coap://127.0.0.1:PORT
[server]
grace = 0
[storage]
dir = $dir/state
[admin]
socket = $dir/admin.sock
socket_group =
CONF

# The account that bootstrap writes names the port, so that one is chosen beforehand.
port=$(python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
sed -i "s/PORT/$port/; 0,/port = 0/s//port = $port/" "$dir/conf"
"$BUILD/bin/lanyardd" -c "$dir/conf" >"$dir/log" 2>&1 </dev/null &
pid=$!
for _ in {1..100}; do grep -q '^notice: ready' "$dir/log" && break; sleep 0.1; done
bootstrap_port=$(sed -n 's/.*listening name=bootstrap .*port=\([0-9]*\).*/\1/p' "$dir/log")
check 'the daemon runs' over "${bootstrap_port:-0}" 0
server=(--server "coap://127.0.0.1:$port")
bootstrap=(--bootstrap-server "coap://127.0.0.1:$bootstrap_port")
direct=(--fleet-seed a --prefix direct- "${server[@]}")

device() { "$BUILD/bin/lanyard-device" "$@"; }
# How many endpoints it made.
provision() {
	device "$@" --fleet-credentials >"$dir/lines" || return
	"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" import "$dir/lines" >"$dir/err" && wc -l <"$dir/lines"
}
# Of the daemon's status.
status() {
	python3 - "$dir/admin.sock" "$1" <<-'PYTHON'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
		print(json.loads(text.split("\r\n\r\n", 1)[1])[sys.argv[2]])
	PYTHON
}
# A value of the report: of FILE by KEY... ("-" where it is missing).
value() {
	python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    v = v.get(key, "-") if isinstance(v, dict) else "-"
print(v)' "$@" 2>&1
}

n=1600 m=400
check 'credentials of the direct ones' is "$(provision "${direct[@]}" --count $n)" $n
check 'credentials of the others' is \
	"$(provision --fleet-seed b --prefix boot- "${bootstrap[@]}" --count $m)" $m
check 'credentials of those that are packed' is \
	"$(provision --fleet-seed p --prefix pack- "${bootstrap[@]}" --count 100)" 100

bad=(--loss 10 --reorder 10 --duplicate 5 --seed 7)
quick=(--ack-timeout 150 --retry 1 --rate 2000 --lifetime 3600)
device "${direct[@]}" --count $n --state "$dir/a" "${bad[@]}" "${quick[@]}" --sockets 3 --once --json \
	>"$dir/a.json" 2>"$dir/err"
check 'direct: status 0' is $? 0
check 'direct: all registered' is "$(value "$dir/a.json" registered)" $n
check 'direct: each answered 2.01' is "$(value "$dir/a.json" register codes 2.01)" $n
check 'direct: each challenged' over "$(value "$dir/a.json" challenged)" $((n - 1))
check 'direct: something was lost' over "$(value "$dir/a.json" network lost)" 100
check 'direct: something came twice' over "$(value "$dir/a.json" network duplicated)" 50
check 'direct: something was overtaken' over "$(value "$dir/a.json" network reordered)" 100
check 'direct: and sent again' over "$(value "$dir/a.json" retransmitted)" 100
check 'direct: nothing unexpected' is "$(value "$dir/a.json" unexpected)" 0
check 'direct: no progress without a terminal' is "$(cat "$dir/err")" ''
check 'direct: the daemon counts the same' is "$(status registered)" $n

# The server's own messages wait two seconds for their first retransmission, so less is lost here.
device --fleet-seed b --prefix boot- "${bootstrap[@]}" --count $m --loss 1 --reorder 10 --duplicate 5 \
	"${quick[@]}" --once --json --progress >"$dir/b.json" 2>"$dir/err"
check 'bootstrapped: status 0' is $? 0
check 'bootstrapped: all registered' is "$(value "$dir/b.json" registered)" $m
check 'bootstrapped: each once' is "$(value "$dir/b.json" bootstrap-finish)" $m
check 'bootstrapped: progress if wanted' grep -q "of $m registered" "$dir/err"
check 'bootstrapped: the daemon counts the same' is "$(status registered)" $((n + m))

# The same as one document in blocks.
device --fleet-seed p --prefix pack- "${bootstrap[@]}" --count 100 --pack --block-size 64 --loss 1 --reorder 10 \
	--duplicate 5 "${quick[@]}" --once --json --duration 60 >"$dir/p.json" 2>"$dir/err"
check 'packed: status 0' is $? 0
check 'packed: all registered' is "$(value "$dir/p.json" registered)" 100
check 'packed: each by a Pack' is "$(value "$dir/p.json" pack codes 2.05)" 100
check 'packed: nobody the classic way' is "$(value "$dir/p.json" bootstrap-finish)" 0
check 'packed: the daemon counts the same' is "$(status registered)" $((n + m + 100))

# How many Registers the daemon has accepted so far; and wait for some more of them.
registers() { curl -s --unix-socket "$dir/admin.sock" http://lanyard/metrics | sed -n 's/^lanyard_registers_total //p'; }
more_registers() {
	local before=$1 more=$2 i
	for ((i = 0; i < 200; i++)); do over "$(registers)" $((before + more - 1)) && break; sleep 0.05; done
	sleep 0.5 # the answers are on their way
}

# SIGINT ends the registrations of a fleet, --keep does not.
signal() {
	local before
	before=$(registers)
	"$BUILD/bin/lanyard-device" "${direct[@]}" --count 100 --state "$dir/a" "${quick[@]}" --delay 1..5 "$@" >"$dir/c.out" 2>"$dir/err" &
	fleet=$!
	more_registers "$before" 100
	kill -INT $fleet
	wait $fleet
	local code=$?
	fleet=
	return $code
}
signal
check 'SIGINT: status 0' is $? 0
check 'SIGINT: a table' grep -q '^summary: 100 of 100 endpoints registered' "$dir/c.out"
check 'SIGINT: de-registered' grep -q '^  deregister  100 done, 0 failed' "$dir/c.out"
check 'SIGINT: the daemon knows' is "$(status registered)" $((n + m))
signal --keep
check 'SIGINT with --keep: status 0' is $? 0
check 'SIGINT with --keep: still registered' is "$(status registered)" $((n + m + 100))

# Their time is over before they update: 4.04, and they register anew.
"$BUILD/bin/lanyard-device" "${direct[@]}" --count 20 --state "$dir/a" --ack-timeout 150 --rate 2000 --lifetime 1 \
	--update-interval 2 --json >"$dir/e.json" 2>"$dir/err" &
fleet=$!
sleep 4
kill -INT $fleet
wait $fleet
fleet=
check 'too late: told so' over "$(value "$dir/e.json" update codes 4.04)" 10
check 'too late: registered anew' over "$(value "$dir/e.json" register codes 2.01)" 30
check 'too late: nobody is without' is "$(value "$dir/e.json" registered)" 20

# An endpoint is deleted under a device that updates: the fleet notices.
before=$(registers)
"$BUILD/bin/lanyard-device" "${direct[@]}" --count 20 --state "$dir/a" "${quick[@]}" --update-rate 100 --json >"$dir/d.json" 2>"$dir/err" &
fleet=$!
more_registers "$before" 20
"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" delete direct-000003 >/dev/null 2>"$dir/err" ||
	check 'delete an endpoint' false
sleep 1
kill -INT $fleet
wait $fleet
check 'a device that is turned away: status 4' is $? 4
fleet=
check 'a device that is turned away: counted' over "$(value "$dir/d.json" unexpected)" 0
check 'updates at a rate' over "$(value "$dir/d.json" update done)" 50

# wrong OPTION...: refused with a line that begins with the program's name, before anything is sent
wrong() {
	device "$@" >"$dir/out" 2>"$dir/err"
	check "status 2: $*" is $? 2
	check "says why: $*" grep -q '^lanyard-device: ' "$dir/err"
}
wrong "${direct[@]}" --loss 101
wrong "${direct[@]}" --loss -1
wrong "${direct[@]}" --loss 1.23456
wrong "${direct[@]}" --loss 10%
wrong "${direct[@]}" --loss ''
wrong "${direct[@]}" --duplicate many
wrong "${direct[@]}" --reorder 100.5
wrong "${direct[@]}" --delay 5..1
wrong "${direct[@]}" --delay ..
wrong "${direct[@]}" --delay 1..600001
wrong "${direct[@]}" --seed 18446744073709551616
wrong "${direct[@]}" --sockets 17
wrong "${direct[@]}" --sockets 0
wrong "${direct[@]}" --rate 0
wrong "${direct[@]}" --update-rate 0
wrong "${direct[@]}" --update-rate 10 --update-interval 10
wrong "${direct[@]}" --keep --deregister
wrong "${direct[@]}" --json --log-json
wrong "${server[@]}" --update-rate 10
wrong "${server[@]}" --sockets 2
wrong --fleet-seed a --count 1
wrong --fleet "$dir/no-such-file" "${server[@]}"
echo 'no JSON' >"$dir/bad"
wrong --fleet "$dir/bad" "${server[@]}"
check 'names the line' grep -q 'line 1 of' "$dir/err"

kill -TERM $pid
wait $pid
check 'the daemon stops' is $? 0
pid=
finish
