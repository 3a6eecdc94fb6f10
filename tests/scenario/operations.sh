#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every basic operation, by lanyardctl, through the daemon, to a simulated device over OSCORE.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh operations

cat >"$dir/lanyard.conf" <<-CONF
	[listen server]
	role = server
	address = 127.0.0.1
	port = 0
	[server]
	body_limit = 1048576
	[bootstrap]
	enabled = no
	[storage]
	dir = $dir/state
	[admin]
	socket = $dir/admin.sock
	socket_group =
CONF
launch
port=$(sed -nE 's/.* listening name=server .* port=([0-9]+).*/\1/p' "$dir/lanyardd.log")
ctl provision d --generate --role server --server-uri "coap://127.0.0.1:$port" \
	--device-file "$dir/device.conf" || give_up 'it is provisioned'
lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --notify-interval 200 \
	>"$dir/device.log" 2>&1 </dev/null &
device=$!
wait_for 'the device registers' shows '^registered +yes' show d

check 'a fresh object has one instance' hides '/3303/1' discover d /3303
check 'discover names resources' shows '^/3303/0/5700  Sensor Value +-$' discover d /3303/0
check 'discover tells the instances of multiple resources' shows '^/3/0/7 .* dim=1$' discover d /3/0
check 'discover goes no deeper than the version' refused 1 'depth' discover d /3 --depth 1

check 'create, with its number told' says /3303/5 create d /3303/5 '{"5750":"boiler"}'
check 'create, the device chooses' shows '^/3303/[0-9]+$' create d /3303 '{"5750":"cellar"}'
chosen=$(cat "$dir/out")
check 'it is another one' [ "$chosen" != /3303/5 -a "$chosen" != /3303/0 ]
check 'its values are there' says cellar read d "$chosen/5750"
check 'what is there is not made again' refused 1 '4\.0[0-9]' create d /3303/5
check 'discover shows both' shows "^$chosen " discover d /3303
check 'so does the list of objects' shows 'objects .*/3303/5( |$)' show d
check 'create --json tells the path' shows '"path":"/3303/7"' -j create d /3303/7
check 'remove' says '' remove d /3303/5
check 'it is gone' refused 1 '4\.04' read d /3303/5
check 'and from the list of objects' hides 'objects .*/3303/5( |$)' show d
check 'what is gone cannot be removed' refused 1 '4\.04' remove d /3303/5
check 'the device itself stays' refused 1 'cannot be deleted' remove d /3/0

check 'write one resource' says '' write d /3/0/14 +01:00
check 'write a part of an instance' says '' write d /3/0 --partial '{"15":"Europe/Vienna"}'
check 'what was named has changed' says Europe/Vienna read d /3/0/15
check 'what was not named has not' says +01:00 read d /3/0/14
check 'write an instance of a multiple resource' says '' write d /19/0/0 --partial '{"0":"AAH/"}'
check 'it has changed' says AAH/ read d /19/0/0/0
check 'a single value is not added' refused 1 'PUT writes a value' write d /3/0/14 x --partial
check 'names and types line up' shows '^/3/0/14    UTC Offset                   string   \+01:00$' read d /3/0
head -c 700000 /dev/urandom >"$dir/image"
check 'write firmware' says '' write d /5/0/0 --file "$dir/image"

check 'read several' shows '^/3303/0/5700 +Sensor Value' read-composite d /3/0/14 /3303/0/5700
check 'and each of them' out_has '^/3/0/14 .*\+01:00$'
check 'what is not there is left out' hides 4711 read-composite d /3/0/14 /4711
check 'in another format' shows '^/3/0/14 .*\+01:00$' read-composite d /3/0/14 /1 --format senml-json
check 'observe several' shows '^/3303/0/5700 +Sensor Value' observe-composite d /3303/0/5700 /3/0/14
check 'they are in the list' shows '^/3/0/14 /3303/0/5700 +active' observations d
check 'notifications are events' shows 'notification .*/3303/0/5700' events --endpoint d --type notification --after 0 --count 2
check 'other paths are not observed' refused 1 'not observed together' observe-composite d /3/0/14 --cancel
check 'observe no more' says '' observe-composite d /3/0/14 /3303/0/5700 --cancel
check 'the list is empty' hides 3303/0/5700 observations d
check 'write several' says '' write-composite d /3/0/14=+03:00 /3/0/15=Asia/Baku
check 'both have changed' shows '^/3/0/15 .*Asia/Baku$' read-composite d /3/0/14 /3/0/15
check 'the other too' out_has '^/3/0/14 .*\+03:00$'
check 'all or none' refused 1 '4\.0[0-9]' write-composite d /3/0/14=+09:00 /3/0/0=x
check 'none' says +03:00 read d /3/0/14
check 'write it back' says '' write d /3/0/14 +01:00
check 'a removal is younger than this device' refused 1 'since LwM2M 1\.2' write-composite d /3/0/7/1=
check 'a composite has paths' refused 2 'PATH=VALUE' write-composite d /3/0=x

check 'attributes' says '' attributes d /3303/0/5700 pmin=1 pmax=3 gt=30.5
check 'discover shows them' shows '^/3303/0/5700 .* pmin=1 pmax=3 gt=30\.5$' discover d /3303/0/5700
check 'one is taken away' says '' attributes d /3303/0/5700 gt=
check 'and only that' shows '^/3303/0/5700 .* pmin=1 pmax=3$' discover d /3303/0/5700
check 'they contradict' refused 1 'lt: ' attributes d /3303/0/5700 gt=1 lt=2
check 'they belong to numbers' refused 1 'gt: ' attributes d /3/0/0 gt=1

check 'nobody waits' shows "'lanyardctl operation [0-9a-f]+'" create d /3303/9 --wait 0
id=$(grep -oE '[0-9a-f]{16}' "$dir/out")
wait_for 'the operation ends' shows '^/3303/9$' operation "$id"
check 'its outcome is kept' shows '^/3303/9$' operation "$id"

# Several at once: the device stands still, so that what goes out goes before the first answer.
values=(/3/0/0=Lanyard /3/0/14=+01:00 /3/0/15=Asia/Baku /3303/0/5701=Cel /3303/9/5750=fifth)
check 'a fifth value' says '' write d /3303/9/5750 fifth
check 'four at once are allowed' quietly lanyardctl set d nstart=4
check 'which is told' shows '"nstart": ?4' -j show d
kill -STOP $device
reads=()
for value in "${values[@]}"; do
	timeout 20 lanyardctl read d "${value%%=*}" >"$dir/read${#reads[@]}" 2>&1 </dev/null &
	reads+=($!)
done
wait_for 'four are under way, and one waits' shows 'As many as 4 requests .*: 4 are, and 1 wait\.' explain d
kill -CONT $device
for i in "${!reads[@]}"; do
	check 'each read is answered' wait "${reads[i]}"
	cp "$dir/read$i" "$dir/out"
	check 'with its own value' out_is "${values[i]#*=}"
done
check 'nothing is under way any more' shows ': 0 are, and 0 wait\.' explain d
check 'one at a time again' quietly lanyardctl set d nstart=0
check 'and explain is silent about it' hides 'may be under way' explain d

# Traced: our request and the device's answer, in the clear; nothing of it in the log.
timeout 20 lanyardctl trace d --count 2 >"$dir/trace" 2>&1 </dev/null &
tracer=$!
sleep 0.3
ctl read d /3/0/14
wait $tracer
cp "$dir/trace" "$dir/out"
check 'a trace shows the request' out_has '-> udp 127\.0\.0\.1:[0-9]+  CON GET /3/0/14 Accept:[0-9]+  number [0-9]+$'
check 'and the answer' out_has '<- udp 127\.0\.0\.1:[0-9]+  ACK 2\.05 Content-Format:.* bytes 2b30313a3030'
check 'what is traced is not logged' sh -c "! grep -q 2b30313a3030 '$dir'/*.log"
check 'a trace of nobody' refused 1 'no such endpoint' trace nobody

finish
