#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OSCORE inside DTLS and TLS, from bootstrap on: what is required is there, the context moves, and sessions that
# the other end has forgotten are made anew.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh coaps
# start DTLS_PORT
start() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen udp]
		address = 127.0.0.1
		port = 0
		[listen dtls]
		transport = dtls
		require = oscore+dtls
		address = 127.0.0.1
		port = $1
		[listen tls]
		transport = tls
		require = oscore+dtls
		address = 127.0.0.1
		port = 0
		[listen bootstrap]
		role = bootstrap
		transport = dtls
		require = oscore+dtls
		address = 127.0.0.1
		port = 0
		[storage]
		dir = $dir/state
		[admin]
		socket = $dir/admin.sock
		socket_group =
	CONF
	launch
}
# run NAME [OPTIONS]
run() {
	lanyard-device --config "$dir/$1.conf" --state "$dir/$1.state" --retry 1 --ack-timeout 200 --log-events "${@:2}" \
		>"$dir/device.log" 2>&1 </dev/null &
	device=$!
}
stop() {
	kill "$1"
	wait "$1"
}
key=30313233343536373839616263646566
# psk EP ROLE
psk() {
	echo "{\"role\":\"$2\",\"identity\":\"$1-$2\",\"key\":\"$key\"}" >"$dir/psk.json"
	ctl psk "$1" --from "$dir/psk.json"
	printf 'psk_identity=%s\npsk_key=%s\n' "$1-$2" $key >>"$dir/$1.conf"
}
start 0
dtls=$(port dtls)

echo "{\"servers\":[{\"uri\":\"coap://127.0.0.1:$(port udp)\",\"lifetime_s\":300}]}" >"$dir/plan.json"
check 'a plan' ctl plan --default set "$dir/plan.json"
ctl provision b --generate --server-uri "coaps://127.0.0.1:$(port bootstrap)" --device-file "$dir/b.conf" ||
	give_up 'it is provisioned'
check 'a key for the bootstrap server' psk b bootstrap
run b
wait_for 'a device bootstraps inside DTLS, and registers over UDP' shows '"address":"udp 127\.0\.0\.1:' -j show b
check 'its bootstrap finished' grep -q '^info: bootstrap endpoint="b" .*"finished"' "$dir/lanyardd.log"
stop $device

ctl provision d --generate --role server --server-uri "coaps://127.0.0.1:$dtls" --device-file "$dir/d.conf" ||
	give_up 'it is provisioned'
check 'a key for the server' psk d server
head -c 5000 /dev/zero >"$dir/package"
run d --notify-interval 200
wait_for 'another registers inside DTLS' shows '"security":"oscore\+dtls"' -j show d
check 'it is read' shows 'Lanyard' read d /3/0/0
check 'a long value comes in blocks' ctl read d /19/0/0
check 'a long body goes in blocks' ctl write d /5/0/0 --file "$dir/package"
check 'it is observed' ctl observe d /3303/0/5700 --count 3
stop $daemon
check 'the daemon stops cleanly' is $? 0
start "$dtls"
again() { shows '"security":"oscore\+dtls"' -j show d && shows 'Lanyard' read d /3/0/0 --wait 1; }
wait_for 'the device makes a new session' again
stop $device

run d --server "coaps+tcp://127.0.0.1:$(port tls)"
wait_for 'the same keys serve inside TLS' shows '"security":"oscore\+tls"' -j show d
check 'where it is read' shows 'Lanyard' read d /3/0/0
stop $device
ctl set d require=any
run d --server "coap://127.0.0.1:$(port udp)"
wait_for 'and over UDP' shows '"address":"udp ' -j show d
check 'under one context, whose numbers never came twice' \
	sh -c "lanyardctl -j credentials d | grep -o '\"replays\": *[0-9]*' | grep -qE ' *0$'"
stop $device
check 'which an operator may forbid' ctl set d require=oscore+dtls
run d --server "coap://127.0.0.1:$(port udp)"
forbidden() { shows 'weak-channel' explain d; }
wait_for 'then OSCORE alone is too weak' forbidden
stop $device
sed -i 's/^psk_key=.*/psk_key=00112233445566778899aabbccddeeff/' "$dir/d.conf"
run d --server "coaps+tcp://127.0.0.1:$(port tls)"
wrong() { shows 'psk-key' explain d; }
wait_for 'a wrong key is explained' wrong
stop $device
device=''
check 'no key is in a log' sh -c "! grep -q $key '$dir'/*.log"
finish
