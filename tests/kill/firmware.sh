#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/kill/firmware.sh: kills the daemon KILLS times (8) while packages are uploaded, pushed and fetched. A package
# whose upload was acknowledged is there ever after, whole; an update that was acknowledged goes on to its end; no
# device is told to update twice. SEED repeats a run's choices, not its timing.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/firmware.sh
kills=${KILLS:-8}
RANDOM=${SEED:-$$}
echo "seed ${SEED:-$$}"

start_daemon
lanyard-device --fleet-seed kf --prefix kf --count "$kills" --server "coap://127.0.0.1:$port" \
	--fleet-credentials >"$dir/fleet.json" 2>/dev/null
ctl import "$dir/fleet.json" || give_up 'a fleet is imported'
lanyard-device --fleet-seed kf --prefix kf --count "$kills" --server "coap://127.0.0.1:$port" --log-events \
	--firmware-time 200 --notify-interval 200 --delay 4 >"$dir/fleet.log" 2>&1 </dev/null &
fleet=$!
registered() { [ "$(grep -c 'event=registered' "$dir/fleet.log")" -ge "$kills" ]; }
wait_for 'the fleet registers' registered

sum() { sha256sum <"$1" | cut -d' ' -f1; }
# An upload and an update; what is acknowledged leaves a file behind.
begin() {
	local how=push
	[ $(($1 % 2)) = 0 ] || how=pull
	if ctl firmware upload "$dir/p$1.bin"; then : >"$dir/kept.$1"; fi
	if ctl firmware $how "kf$(printf %06d "$1")" "p$1.bin"; then : >"$dir/begun.$1"; fi
}
whole() {
	local k
	ctl firmware images || return
	for ((k = 0; k < kills; k++)); do
		[ -e "$dir/kept.$k" ] || continue
		grep -qE "^p$k.bin .* $(sum "$dir/p$k.bin")" "$dir/out" || return
		[ "$(sum "$dir/state/firmware/$(sum "$dir/p$k.bin")")" = "$(sum "$dir/p$k.bin")" ] || return
	done
}
for ((k = 0; k < kills; k++)); do
	head -c $((2000 + RANDOM * 3)) /dev/urandom >"$dir/p$k.bin"
	begin "$k" &
	asking=$!
	[ $((k % 3)) != 2 ] || wait "$asking" # the others may be killed before they are acknowledged
	sleep "0.$(printf %03d $((RANDOM % 600)))"
	kill_daemon
	wait "$asking"
	start_daemon
	check "after kill $k, all packages that were acknowledged are whole" whole
done
begun=$(find "$dir" -name 'begun.*' | wc -l)
over() { ctl firmware list && ! grep -qvE ' (succeeded|failed|cancelled|unknown)' <(tail -n +2 "$dir/out"); }
wait_for 'all updates end' over
told_once() { [ "$(grep -c "event=execute endpoint=kf$(printf %06d "$1") .*code=2.04 path=/5/0/2$" "$dir/fleet.log")" = 1 ]; }
for ((k = 0; k < kills; k++)); do
	[ -e "$dir/begun.$k" ] || continue
	check "the update of $k succeeds" says '^succeeded$' firmware status "kf$(printf %06d "$k")"
	check 'the device has its bytes' grep -q "endpoint=kf$(printf %06d "$k") .*SHA-256 $(sum "$dir/p$k.bin")" "$dir/fleet.log"
	check 'and was told to update once' told_once "$k"
done
echo "$begun updates of $kills were acknowledged before a kill"
check 'some updates were acknowledged' [ "$begun" -gt 0 ]
finish
