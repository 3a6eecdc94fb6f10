#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Firmware updates to simulated devices over OSCORE, by push and by pull: to their end, with faults,
# over kills of the daemon in the middle, and of many devices at once. What arrives is compared by
# its SHA-256, which the device tells.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/firmware.sh
# How many packages of the given SHA-256 the device has got.
received() { grep -c "firmware received: .* SHA-256 $1" "$dir/device.log"; }
start_device() {
	[ -z "$device" ] || { kill "$device" && wait "$device"; } 2>/dev/null
	: >"$dir/device.log"
	lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --firmware-time 200 --notify-interval 100 \
		"$@" >"$dir/device.log" 2>&1 </dev/null &
	device=$!
	wait_for 'the device registers' grep -q '^registered after' "$dir/device.log"
}
percent() { lanyardctl firmware status d 2>/dev/null | sed -nE 's/^(sending|downloading): ([0-9]+) %/\2/p'; }
beyond() { [ "$(percent || true)" ] && [ "$(percent)" -ge "$1" ]; }

start_daemon
ctl provision d --generate --role server --server-uri "coap://127.0.0.1:$port" \
	--device-file "$dir/device.conf" || give_up 'it is provisioned'
head -c 400000 /dev/urandom >"$dir/v1.bin"
sum=$(sha256sum <"$dir/v1.bin" | cut -d' ' -f1)

# ---- to its end
start_device
check 'push, to its end' says '^succeeded$' firmware push d "$dir/v1.bin" --wait 60
check 'byte for byte, once' is "$(received "$sum")" 1
check 'pull, to its end' says '^succeeded$' firmware pull d "$dir/v1.bin" --wait 60
check 'byte for byte, too' is "$(received "$sum")" 2
check 'the version has risen twice' says '1\.2' read d /3/0/3
check 'nothing is kept that nobody uses' is "$(ls "$dir/state/firmware")" ''
check 'upload' says "SHA-256 $sum" firmware upload "$dir/v1.bin"
check 'it is listed' says "^v1.bin +400000 +0 .* $sum" firmware images
check 'and its file is for the daemon alone' is "$(stat -c '%a %s' "$dir/state/firmware/$sum")" '600 400000'
check 'what is kept can be pushed by its name' says '^succeeded$' firmware push d v1.bin --wait 60
check 'and stays' says '^v1.bin' firmware images
check 'the list tells' says '^d +push +v1.bin .* succeeded$' firmware list
check 'explain tells' says 'Its last firmware update: succeeded' explain d
check 'metrics count' says 'updates_total\{outcome="succeeded"\} 3' metrics
check 'events tell of it' says '"state":"sending"' -j events --type firmware --after 0 --count 3
check 'one that has no such image' refused 'no image' firmware push d v2.bin
check 'one that is over is forgotten' ctl firmware cancel d
check 'and not known any more' refused 'no firmware update' firmware status d

# ---- what devices say
fails() {
	start_device --firmware-result "$1" "${@:3}"
	check "result $1: $2" refused "^failed: the device told result $1: $2" firmware push d small.bin --wait 30
}
head -c 5000 /dev/urandom >"$dir/small.bin"
ctl firmware upload "$dir/small.bin"
fails 5 'integrity check'
fails 8 'firmware update failed'
check 'and nothing is sent to one that is reset first' refused 'result 8' firmware push d small.bin --wait 30
start_device --firmware-result 11
check 'deferred, then well' says '^succeeded$' firmware push d small.bin --wait 30
start_device --firmware-auto
check 'one that updates by itself' says '^succeeded$' firmware pull d small.bin --wait 30
check 'is never told to' is "$(grep -c 'execute /5/0/2' "$dir/device.log")" 0
start_device --firmware-delivery pull
check 'one that pulls gets no push' refused 'by pull only' firmware push d small.bin --wait 30
start_device --firmware-delivery push
check 'nor the other way round' refused 'by push only' firmware pull d small.bin --wait 30
start_device
check 'a URI elsewhere' refused 'result 7: invalid URI' firmware pull d coap://192.0.2.7/x --wait 30

# ---- killed in the middle, 12 ms a message each way
head -c 50000 /dev/urandom >"$dir/v2.bin"
sum2=$(sha256sum <"$dir/v2.bin" | cut -d' ' -f1)
start_device --delay 12
ctl firmware push d "$dir/v2.bin"
wait_for 'the push is on its way' grep -q 'read /5/0/5' "$dir/device.log"
sleep 0.7
kill_daemon
check 'it has not all arrived' is "$(received "$sum2")" 0
start_daemon
wait_for 'the push goes on' says '^succeeded$' firmware status d
check 'byte for byte, over a kill' is "$(received "$sum2")" 1
check 'the device was told to update once' is "$(grep -c 'execute /5/0/2: 2.04' "$dir/device.log")" 1
start_device --delay 12
ctl firmware pull d "$dir/v2.bin"
wait_for 'the pull is on its way' grep -q 'write /5/0/1: 2.04' "$dir/device.log"
wait_for 'a good part is there' beyond 20
kill_daemon
check 'it has not all arrived' is "$(received "$sum2")" 0
start_daemon
wait_for 'the pull goes on' says '^succeeded$' firmware status d
check 'byte for byte, over a kill' is "$(received "$sum2")" 1
check 'the device was told to update once' is "$(grep -c 'execute /5/0/2: 2.04' "$dir/device.log")" 1
start_device --firmware-time 3000
ctl firmware push d small.bin
wait_for 'the device updates' says '^updating' firmware status d
check 'what updates cannot be cancelled' refused 'told to update' firmware cancel d
kill_daemon
start_daemon
wait_for 'the update is followed to its end' says '^succeeded$' firmware status d
check 'the device was told to update once' is "$(grep -c 'execute /5/0/2: 2.04' "$dir/device.log")" 1
start_device --delay 30
ctl firmware push d "$dir/v2.bin"
wait_for 'the package is on its way' says '^sending' firmware status d
check 'what is on its way is cancelled' ctl firmware cancel d
wait_for 'and the device told so' says '^d .* cancelled' firmware list
kill "$device" && wait "$device" 2>/dev/null
device=''

# ---- many at once: none of them costs the memory of an image
resident() { awk '/VmRSS/ { print $2 }' "/proc/$daemon/status"; }
n=24
lanyard-device --fleet-seed fw --prefix fw --count $n --server "coap://127.0.0.1:$port" \
	--fleet-credentials >"$dir/fleet.json" 2>/dev/null
ctl import "$dir/fleet.json" || give_up 'a fleet is imported'
lanyard-device --fleet-seed fw --prefix fw --count $n --server "coap://127.0.0.1:$port" --log-events \
	--firmware-time 100 --notify-interval 200 >"$dir/fleet.log" 2>&1 </dev/null &
fleet=$!
registered() { [ "$(grep -c 'event=registered' "$dir/fleet.log")" -ge $n ]; }
wait_for 'the fleet registers' registered
before=$(resident)
for i in $(seq 0 $((n - 1))); do
	ctl firmware "$([ $((i % 2)) = 0 ] && echo push || echo pull)" "fw$(printf %06d "$i")" v1.bin ||
		check "update of $i begins" false
done
over() { [ "$(lanyardctl firmware list | grep -c '^fw.* succeeded$')" = $n ]; }
most=0
for _ in $(seq 400); do
	now=$(resident)
	[ "$now" -le "$most" ] || most=$now
	if over; then break; fi
	sleep 0.1
done
check "$n devices are updated at once" over
check 'each has got the same' is "$(grep -c "event=firmware .* SHA-256 $sum" "$dir/fleet.log")" $n
# 24 images would be 9600 kB.
[ "${SAN:-}" ] || check "they cost no image each ($((most - before)) kB)" [ $((most - before)) -lt 5000 ]
finish
