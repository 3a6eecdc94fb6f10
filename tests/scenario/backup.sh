#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A backup while devices come and go, a kill, the backup put back: the daemon sees that it is older,
# uses no number twice, does nothing old, and the devices get on. A clone waits for a word.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-backup.XXXXXX) || exit 2
daemon='' devices=''
end() {
	[ -z "$devices" ] || { kill "$devices" && wait "$devices"; } 2>/dev/null
	[ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
export PATH=$BUILD/bin:$PATH LANYARD_SOCKET=$dir/admin.sock
tool=tests/scenario/lib/backup.py
: >"$dir/out"
. tests/lib.sh
show() {
	sed 's/^/    /' "$dir/out"
	tail -n 5 "$dir/log" | sed 's/^/    log: /'
}
ctl() { timeout 30 lanyardctl "$@" >"$dir/out" 2>&1 </dev/null; }
# refused STATUS PATTERN COMMAND...
refused() {
	local status=0
	ctl "${@:3}" || status=$?
	[ $status = "$1" ] && grep -qE -- "$2" "$dir/out"
}
out_has() { grep -qE -- "$1" "$dir/out"; }
log_has() { grep -qE -- "$1" "$dir/log"; }
metric() { lanyardctl metrics | sed -n "s/^$1 //p"; }
at_least() { [ "$(metric "$1")" -ge "$2" ]; }
now_us() { echo "${EPOCHREALTIME/./}"; }
wait_for() {
	local i
	for ((i = 0; i < 300; i++)); do
		if "${@:2}" 2>/dev/null; then return; fi
		sleep 0.05
	done
	echo "FAILED: $1"
	cat "$dir/log" "$dir/devices.log"
	echo "$passed passed, $((failed + 1)) failed"
	exit 1
}
# config PORT STATE
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
		dir = $dir/$2
		[admin]
		socket = $dir/admin.sock
		socket_group =
	CONF
}
start() {
	: >"$dir/log"
	lanyardd --config "$dir/conf" >>"$dir/log" 2>&1 </dev/null &
	daemon=$!
	wait_for 'the daemon starts' log_has '^notice: ready'
}
end_daemon() {
	kill -"$1" "$daemon"
	wait "$daemon" 2>/dev/null
	daemon=
}

config 0 state
start
port=$(sed -nE 's/.* listening name=server .* port=([0-9]+).*/\1/p' "$dir/log")
config "$port" state # so that it comes back where the devices look for it
fleet=(--fleet-seed backup --count 3 --server "coap://127.0.0.1:$port")
lanyard-device "${fleet[@]}" --fleet-credentials >"$dir/fleet"
check 'the devices are provisioned' ctl import "$dir/fleet"
lanyard-device "${fleet[@]}" --update-rate 100 --jitter 0 --notify-interval 300 --keep --record "$dir/record" --quiet \
	>"$dir/devices.log" 2>&1 </dev/null &
devices=$!
wait_for '100 Updates' at_least lanyard_updates_total 100
check 'a device is read' ctl read dev000000 /3/0/0
check 'there is one anchor' [ -s "$dir/state.anchor/anchor" ]

check 'a backup' ctl backup "$dir/backup.db"
check 'for nobody else' is "$(stat -c %a "$dir/backup.db")" 600
check 'it says that it holds keys' out_has 'keys of all devices'
check 'the daemon keeps none' is "$(ls -A "$dir/state/backups")" ''
check 'it never overwrites' refused 1 'never overwrites' backup "$dir/backup.db"
check 'nor restores while it runs' refused 1 'in use by process' restore --config "$dir/conf" "$dir/backup.db"
check 'nor is it sealed' refused 1 'not sealed' unseal --only-copy

wait_for '100 more' at_least lanyard_updates_total 220
for i in 0 1 2; do check 'a device is observed' ctl observe dev00000$i /3303/0/5700 --count 1; done
for _ in {1..20}; do ctl read dev000001 /3/0/0; done
end_daemon KILL
killed=$(now_us)
check 'it is put back' ctl restore --config "$dir/conf" "$dir/backup.db"
check 'it says what comes' out_has 'Echo challenge'
check 'what was there is kept' compgen -G "$dir/state/lanyard.db.before-restore-*" >"$dir/out"
start
check 'the log says so' log_has 'older copy than its anchor.* rollbacks=1$'
check 'and status' refused 0 '"rollbacks":1' -j status
wait_for 'the devices get on' at_least lanyard_updates_total 60
check 'after a challenge' at_least lanyard_echo_challenges_total 3
check 'a metric counts it' is "$(metric lanyard_rollbacks_total)/$(metric lanyard_sealed)" 1/0
for i in 0 1 2; do check 'every device is read' ctl read dev00000$i /3/0/0; done
check 'an event is there' ctl events --type rollback --after 0 --count 1
kill -INT "$devices"
wait "$devices" 2>/dev/null
devices=
read -r lowest count twice < <(/usr/bin/python3 $tool numbers "$dir/record" "$killed")
echo "numbers: lowest $lowest, $count of them, $twice twice" >"$dir/out"
check 'numbers of the next range' [ "$lowest" -ge 1048576 ]
check 'several of them' [ "$count" -ge 6 ]
check 'none is used twice' is "$twice" 0
before=$(metric lanyard_updates_total)/$(metric lanyard_registers_total)/$(metric lanyard_echo_challenges_total)
read -r sent answered < <(/usr/bin/python3 $tool replay "$dir/record" "$port" "$killed")
after=$(metric lanyard_updates_total)/$(metric lanyard_registers_total)/$(metric lanyard_echo_challenges_total)
echo "replayed $sent, answered $answered; $before, then $after" >"$dir/out"
check 'old requests are sent again' [ "$sent" -ge 200 ]
check 'and do nothing' is "$after" "$before"
check 'nor get a protected answer' is "$answered" 0

# A clone: the state directory without what is beside it.
end_daemon TERM
cp -r "$dir/state" "$dir/clone"
config "$port" clone
start
check 'a clone is sealed' log_has 'sealed'
check 'status says why' refused 0 'anchor is missing' status
check 'requests get 5.03' is "$(/usr/bin/python3 $tool ask "$port")" 5.03
check 'explain says so' refused 0 'may be a copy' explain dev000000
check 'so do calls' refused 1 'sealed|may be a copy' read dev000000 /3/0/0
check 'nobody unseals by accident' refused 2 'only-copy' unseal
check 'nor makes a backup' refused 1 'may be a copy' backup "$dir/none.db"
check 'of which nothing is left' [ ! -e "$dir/none.db" ]
end_daemon KILL
start
check 'it still is, started again' is "$(metric lanyard_sealed)" 1
check 'the operator knows' ctl unseal --only-copy
check 'then it is open' is "$(metric lanyard_sealed)/$(metric lanyard_rollbacks_total)" 0/17
check 'and refuses the unprotected' is "$(/usr/bin/python3 $tool ask "$port")" 4.01
end_daemon TERM
check 'it stops cleanly' log_has '^notice: stopped$'
# The anchor of another database.
mv "$dir/clone.anchor" "$dir/away"
cp -r "$dir/state.anchor" "$dir/clone.anchor"
cp "$dir/away/anchor" "$dir/state.anchor/anchor"
config "$port" clone
start
check "an older anchor's numbers are not believed" is "$(metric lanyard_sealed)" 1
end_daemon TERM

finish
