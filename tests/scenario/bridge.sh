#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A device behind a bridge (lib/bridge.py): it registers, is asked, observed and written to, goes over to UDP and
# back with its context, its observation and its queue; the bridge dies, and the daemon. Nothing longer than the
# gateway takes ever goes out. Proves: TRN-NIP-1, TRN-NIP-3
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh bridge
bridge='' fork=''
end_all() {
	local p
	for p in $bridge $fork $sleeper; do { kill "$p" && wait "$p"; } 2>/dev/null; done
	end
}
sleeper=''
trap end_all EXIT
# start UDP_PORT
start() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen server]
		role = server
		address = 127.0.0.1
		port = $1
		[gateway radio]
		type = socket
		socket = $dir/gateway.sock
		socket_group =
		mtu = 140
		retransmit = no
		[server]
		awake = 1
		[bootstrap]
		enabled = no
		[storage]
		dir = $dir/state
		[admin]
		socket = $dir/admin.sock
		socket_group =
	CONF
	launch
}
# bridge PORT: to $dir/bridge.log
start_bridge() {
	/usr/bin/python3 tests/scenario/lib/bridge.py "$dir/gateway.sock" nidd "$1" >>"$dir/bridge.log" 2>&1 </dev/null &
	bridge=$!
}
said_port() { sed -nE 's/^port ([0-9]+)$/\1/p' "$dir/$1.log" | tail -n 1; }
has_port() { [ "$(said_port "$1")" ]; }
way() { echo "$1" >"$dir/way.new" && mv "$dir/way.new" "$dir/way"; }
by() { shows '"address":"'"$1"' 127\.0\.0\.1:' -j show d; }
counted() { is "$(grep -c "event=$1 " "$dir/device.log")" "$2"; }
longest() { awk -v way="$1" '$1 == way && $2 > n { n = $2 } END { print n + 0 }' "$dir/bridge.log"; }
gateway_is() { shows "^radio +socket +$1 " status; }

echo b >"$dir/way"
: >"$dir/bridge.log" >"$dir/fork.log"
start 0
udp=$(port server)
check 'without a bridge the gateway is down' gateway_is down
check 'doctor says so, too' eval '! ctl doctor; out_has "radio .*is down: no bridge"'
start_bridge 0
wait_for 'the bridge has a port' has_port bridge
wait_for 'the gateway is up' gateway_is up
/usr/bin/python3 tests/scenario/lib/fork.py "$dir/way" "$udp" "$(said_port bridge)" >"$dir/fork.log" 2>&1 </dev/null &
fork=$!
wait_for 'the fork has a port' has_port fork

ctl provision d --generate --role server --server-uri "coap://127.0.0.1:$(said_port fork)" \
	--device-file "$dir/device.conf" || give_up 'it is provisioned'
lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --notify-interval 300 --block-size 64 \
	--update-interval 2 --log-events >"$dir/device.log" 2>&1 </dev/null &
device=$!
wait_for 'the device registers by the bridge' by nidd
check 'under OSCORE' shows '"security":"oscore"' -j show d
check 'it is read' shows 'Lanyard' read d /3/0/0
check 'and written' ctl write d /3/0/14 +02:00
head -c 1500 /dev/zero >"$dir/package"
check 'a long body goes in blocks' ctl write d /5/0/0 --file "$dir/package"
check 'a long value comes in blocks' ctl read d /19/0/0
check 'it is observed' ctl observe d /3303/0/5700 --count 3
check 'no message of ours was longer than the gateway takes' [ "$(longest down)" -le 140 ]
check 'but some were nearly' [ "$(longest down)" -gt 100 ]

# To UDP: the next message that comes by it is enough.
registered=$(grep -c 'event=registered ' "$dir/device.log")
way a
wait_for 'it goes over to UDP' by udp
check 'its observation goes on' shows notification events --endpoint d --type notification --count 2
check 'it is read there' shows 'Lanyard' read d /3/0/0
way b
wait_for 'and back' by nidd
check 'its observation goes on' shows notification events --endpoint d --type notification --count 2
check 'it is read there' shows 'Lanyard' read d /3/0/0
check 'it has not registered again' counted registered "$registered"

# The bridge dies: what is asked meanwhile waits for it.
{ kill -9 "$bridge" && wait "$bridge"; } 2>/dev/null
wait_for 'the gateway is down' gateway_is down
lanyardctl read d /3/0/0 --wait 30 >"$dir/answer" 2>&1 </dev/null &
asked=$!
refused() { lanyardctl metrics 2>/dev/null | grep -q '^lanyard_gateway_refused_down_total{gateway="radio"} [1-9]'; }
wait_for 'a request finds no link' refused
start_bridge "$(said_port bridge)"
check 'and goes out when the bridge is back' wait $asked
check 'with its answer' grep -q Lanyard "$dir/answer"

# The daemon dies: it still knows where the device is, though that has not said a word since.
{ kill -STOP "$device"; kill -9 "$daemon" && wait "$daemon"; } 2>/dev/null
start "$udp"
wait_for 'the bridge comes again' gateway_is up
kill -CONT "$device"
check 'the device is reached after a crash' shows 'Lanyard' read d /3/0/0
check 'no message of ours was longer than the gateway takes' [ "$(longest down)" -le 140 ]

# A device that sleeps: what waits for it follows it from one way to the other.
{ kill "$device" && wait "$device"; } 2>/dev/null
device=''
way a
ctl provision s --generate --role server --server-uri "coap://127.0.0.1:$(said_port fork)" \
	--device-file "$dir/sleeper.conf" || give_up 'it is provisioned'
lanyard-device --config "$dir/sleeper.conf" --state "$dir/sleeper.state" --queue --awake 1500 --update-interval 4 \
	--log-events >"$dir/sleeper.log" 2>&1 </dev/null &
sleeper=$!
device=$sleeper
asleep() { shows '^asleep +yes' show s; }
wait_for 'the sleeper registers over UDP' shows '"address":"udp ' -j show s
wait_for 'and sleeps' asleep
way b
check 'a Write is stored' shows 'asked when it wakes' write s /3/0/15 Europe/Berlin
written() { shows 'done +s +write' operations s; }
wait_for 'it is done when the device wakes by the bridge' written
check 'which is where it is now' shows '"address":"nidd ' -j show s
check 'it registered once' is "$(grep -c 'event=registered ' "$dir/sleeper.log")" 1
check 'nothing came while it slept' is "$(grep -c 'event=missed ' "$dir/sleeper.log")" 0
sleeper=''
finish
