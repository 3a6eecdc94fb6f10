#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CoAP over TCP: a device bootstraps over UDP and is sent to TCP, is asked there, loses the daemon and
# comes back with an Update; libcoap's client speaks to the same listener. Proves: TRN-TCP-1, TRN-TCP-5
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh tcp
# As a socket unit does, with FileDescriptorName=tcp.
activate='
import os, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=False)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="tcp")
os.execvp(sys.argv[2], sys.argv[2:])'
# start TCP_PORT COMMAND...
start() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen udp]
		address = 127.0.0.1
		port = 0
		[listen tcp]
		transport = tcp
		address = 127.0.0.1
		port = $1
		[listen open]
		transport = tcp
		address = 127.0.0.1
		port = 0
		nosec = yes
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
	launch "${@:2}"
}
stop() {
	kill "$1"
	wait "$1"
}
counted() { is "$(grep -c "event=$1 " "$dir/device.log")" "$2"; }

start 0 env
tcp=$(port tcp)
head -c 5000 /dev/zero >"$dir/package"
check 'status tells the transport' shows '^tcp +server +tcp +127\.0\.0\.1 +'"$tcp" status
cat >"$dir/plan.json" <<-PLAN
	{"servers":[{"uri":"coap+tcp://127.0.0.1:$tcp","lifetime_s":300,"binding":"UT"}]}
PLAN
check 'a plan may send devices to TCP' ctl plan --default set "$dir/plan.json"
ctl provision d --generate --server-uri "coap://127.0.0.1:$(port bootstrap)" \
	--device-file "$dir/device.conf" || give_up 'it is provisioned'
lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --notify-interval 200 \
	--retry 1 --log-events >"$dir/device.log" 2>&1 </dev/null &
device=$!
wait_for 'the device bootstraps over UDP and registers over TCP' shows '"address":"tcp 127\.0\.0\.1:' -j show d
check 'with its binding' shows '"binding":"UT"' -j show d
check 'it is read over TCP' shows 'Lanyard' read d /3/0/0
check 'and written' ctl write d /3/0/14 +02:00
check 'a long value comes in blocks' ctl read d /19/0/0
check 'a long body goes in blocks' ctl write d /5/0/0 --file "$dir/package"
check 'it is observed' ctl observe d /3303/0/5700 --count 3
location() { lanyardctl -j show d 2>/dev/null | grep -oE '"location":"[^"]*"'; }
before=$(location)
stop $daemon
check 'the daemon stops cleanly' is $? 0
start "$tcp" /usr/bin/python3 -c "$activate" "$tcp"
again() { shows '"address":"tcp 127\.0\.0\.1:' -j show d && counted updated 1; }
wait_for 'the device comes back with an Update (TRN-TCP-5)' again
check 'to the same registration' is "$before" "$(location)"
check 'it registered once' counted registered 1
check 'and is read again' shows 'Lanyard' read d /3/0/0

# Nobody without keys gets in where keys are wanted; libcoap's client speaks TCP with TLS in its name.
client() { timeout 10 coap-client-openssl -B 3 "$@" >"$dir/out" 2>&1 </dev/null; }
client -m post -t 40 -e '</3/0>' "coap+tcp://127.0.0.1:$tcp/rd?ep=c&lt=60&lwm2m=1.1&b=T"
check 'libcoap is refused without keys' out_has '4\.01'
client -v 7 -m post -t 40 -e '</3/0>' "coap+tcp://127.0.0.1:$(port open)/rd?ep=c&lt=60&lwm2m=1.1&b=T"
check 'libcoap registers where that is allowed' out_has '2\.01'
check 'over TCP, with a binding that tells so' shows '"binding":"UT"' -j show c
# Its connection is gone with it.
ctl read c /3/0/0 --wait 5
check 'who has left is not there' out_has 'did not answer|wait'
check 'but registered still (TRN-TCP-5)' shows '"registered":true' -j show c

stop $device
device=''
finish
