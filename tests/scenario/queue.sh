#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A device that sleeps is asked for things, the daemon is killed and started again, the device wakes:
# everything is done once, in order, and told. Proves: QM-02
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh queue
says() { ctl "${@:2}" && is "$(cat "$dir/out")" "$1"; }
refused() { ! ctl "${@:2}" && out_has "$1"; }
# start PORT
start() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen server]
		role = server
		address = 127.0.0.1
		port = $1
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
asleep() { shows '^asleep +yes' show d; }
# The id that the last command named.
operation() { sed -nE "s/.*'lanyardctl operation ([0-9a-f]+)'.*/\1/p" "$dir/out"; }
heard() { grep -oE 'event=(write|execute|read|missed) ' "$dir/device.log" | tr -d '\n'; }

start 0
port=$(sed -nE 's/.* listening name=server .* port=([0-9]+).*/\1/p' "$dir/lanyardd.log")
ctl provision d --generate --role server --server-uri "coap://127.0.0.1:$port" \
	--device-file "$dir/device.conf" || give_up 'it is provisioned'
lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --queue --awake 3000 \
	--update-interval 6 --log-events >"$dir/device.log" 2>&1 </dev/null &
device=$!
wait_for 'the device registers in queue mode' shows '^queue mode +yes' show d
wait_for 'and sleeps' asleep

check 'a Write is stored' shows 'asked when it wakes' write d /3/0/15 Europe/Berlin
write=$(operation)
check 'an Execute' shows 'asked when it wakes' execute d /3303/0/5605
execute=$(operation)
check 'a Read' shows 'asked when it wakes' read d /3/0/15
read=$(operation)
check 'a Read that is not worth it later' shows 'asked when it wakes' read d /3/0/1 --expires 1
short=$(operation)
check 'one that is given up' shows 'asked when it wakes' write d /3/0/14 +02:00
given_up=$(operation)
check 'while it waits' ctl operation "$given_up" --cancel
check 'the list has them' shows "$write  queued +d +write +/3/0/15" operations d
wait_for 'the one expires' sleep 1.2 # while the daemon is down, its time stands still
{ kill -9 "$daemon" && wait "$daemon"; } 2>/dev/null
start "$port"
check 'they are there after a crash' shows "$execute  queued +d +execute +/3303/0/5605" operations d
ended() { shows "$read  done" operations d; }
wait_for 'the device wakes' ended
check 'the Write was done' says 'done' operation "$write"
check 'the Execute was done' says 'done' operation "$execute"
check 'the Read came behind the Write' says 'Europe/Berlin' operation "$read"
check 'what was given up was not done' refused 'cancelled' operation "$given_up"
check 'what expired was not done' refused 'did not wake in time' operation "$short"
check 'each once, in order, and nothing while it slept' \
	is "$(heard)" 'event=write event=execute event=read '
events() { ctl events --after 0 --type operation --count "$1"; }
check 'each end was told' events 5
show_n() { is "$(grep -cE "$1" "$dir/out")" "$2"; }
check 'as done' show_n '"outcome":"done"' 3
check 'or not' show_n '"outcome":"failed".*"problem":"(expired|cancelled)"' 2

wait_for 'it sleeps again' asleep
check 'who waits gets the answer' says 'Europe/Berlin' read d /3/0/15 --wait 15
check 'nothing came while it slept' is "$(heard | grep -c missed)" 0
{ kill -9 "$daemon" && wait "$daemon"; } 2>/dev/null
start "$port"
check 'outcomes are kept' says 'Europe/Berlin' operation "$read"
finish
