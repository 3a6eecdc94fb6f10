#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices behind a simulated gateway: they are listed, asked, observed, and come and go.
# Proves: GW-01, GW-02, GW-03, GW-04
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh gateway
# play N: the gateway runs, with so many devices behind it.
play() {
	lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --notify-interval 200 \
		--update-interval 2 --gateway "$1" >"$dir/device.log" 2>&1 </dev/null &
	device=$!
}
# It goes without a word.
lose() { { kill -9 "$device" && wait "$device"; } 2>/dev/null; }
start() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen server]
		role = server
		address = 127.0.0.1
		port = $1
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

start 0
port=$(sed -nE 's/.* listening name=server .* port=([0-9]+).*/\1/p' "$dir/lanyardd.log")
ctl provision g --generate --role server --server-uri "coap://127.0.0.1:$port" \
	--device-file "$dir/device.conf" || give_up 'it is provisioned'
play 3
wait_for 'the gateway tells its devices' shows '^d03 +2 +g-3 +/3/0 /3303 /3303/0$' devices g
check 'so they are three' [ "$(grep -c '^d0' "$dir/out")" = 3 ]
check 'they are events' shows 'device +g +.*"appeared".*"d02"' events --type device --after 0 --count 3

check 'read' says g-2 read g /d02/3/0/2
check 'that of the gateway is another' says g read g /3/0/2
check 'read an instance' shows '^/3303/0/5701 .*Cel$' read g d01/3303/0
check 'write' says '' write g /d01/3/0/15 Europe/Vienna
check 'it has changed' says Europe/Vienna read g /d01/3/0/15
check 'there alone' hides 'Europe/Vienna' read g /d02/3/0/15
check 'nor at the gateway' hides 'Europe/Vienna' read g /3/0/15
check 'write a part' says '' write g /d01/3/0 --partial '{"14":"+05:00"}'
check 'execute' says '' execute g /d01/3303/0/5605
check 'create' says /d01/3303/5 create g /d01/3303/5 '{"5750":"boiler"}'
check 'it is in the list' shows '^d01 .*/3303/5$' devices g
check 'of that device' hides '^d02 .*/3303/5' devices g
check 'nothing of it is the gateway'"'"'s' hides '/3303/5' show g
check 'remove' says '' remove g /d01/3303/5
check 'links come without the prefix' shows '^/3303/0/5700  Sensor Value' discover g /d01/3303/0
check 'attributes' says '' attributes g /d01/3303/0/5700 pmin=1
check 'they are of one device' shows '^/3303/0/5700 .* pmin=1$' discover g /d01/3303/0
check 'and of no other' hides 'pmin' discover g /d02/3303/0
check 'a composite of several' shows '^/d02/3/0/2 .*g-2$' read-composite g /3/0/2 /d01/3/0/15 /d02/3/0/2
check 'with all of them' out_has '^/d01/3/0/15 .*Europe/Vienna$'
check 'write several' says '' write-composite g /d01/3/0/15=UTC /d02/3/0/15=CET
check 'both have changed' shows '^/d02/3/0/15 .*CET$' read-composite g /d01/3/0/15 /d02/3/0/15
check 'an unknown prefix' refused 1 'no device behind it has the prefix d04; it has d01, d02, d03' read g /d04/3/0
check 'no access control there' refused 1 'no access control' read g /d01/2
check 'a device that has no such object' refused 1 '4\.04' read g /d01/5/0/3

check 'observe' ctl observe g /d03/3303/0/5700 --count 2
check 'it is in the list' shows '^/d03/3303/0/5700 +active' observations g
check 'its notifications have the prefix' shows '"path": ?"/3303/0/5700", ?"prefix": ?"d03"' \
	events --endpoint g --type notification --after 0 --count 1
check 'observe several together' shows '^/d01/3303/0/5700' observe-composite g /d01/3303/0/5700 /3/0/9
check 'they are in the list too' shows '^/3/0/9 /d01/3303/0/5700 +active' observations g

# One device less: at its Register.
lose
play 2
wait_for 'a device has gone' hides '^d03' devices g
check 'which is told' shows '"gone".*"d03"' events --type device --after 0 --count 4
check 'it is not asked' refused 1 'prefix d03' read g /d03/3/0/2
wait_for 'its observation waits' shows '^/d03/3303/0/5700 +requested' observations g
lose
play 3
wait_for 'it is back' shows '^d03' devices g
wait_for 'and observed again' shows '^/d03/3303/0/5700 +active' observations g

# Over a restart.
{ kill "$daemon" && wait "$daemon"; } 2>/dev/null
start "$port"
wait_for 'the daemon knows them when the gateway is heard of' shows '^d03' devices g
check 'and observes' shows '^/d03/3303/0/5700' observations g
check 'cancel' says '' cancel g /d03/3303/0/5700
check 'no more' hides 'd03' observations g

finish
