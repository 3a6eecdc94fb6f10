#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lanyardctl doctor over installations that are well and broken, with a daemon and without.
# Environment: BUILD (build).
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-doctor.XXXXXX) || exit 2
chmod 755 "$dir"
pid=''
stop() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=
}
trap 'stop; rm -rf "$dir"' EXIT
. tests/lib.sh
unset LANYARD_SOCKET

# config ADDRESS [LINE]...: at the end of the file
config() {
	cat >"$dir/conf" <<-CONF
		[storage]
		dir = $dir/state
		[admin]
		socket = $dir/admin.sock
		socket_group =
		[bootstrap]
		enabled = no
		[listen server]
		role = server
		port = 0
		address = $1
	CONF
	printf '%s\n' "${@:2}" >>"$dir/conf"
}
start() {
	: >"$dir/log" # what the one before said counts no more
	"$BUILD/bin/lanyardd" --config "$dir/conf" >>"$dir/log" 2>&1 </dev/null &
	pid=$!
	local i
	for ((i = 0; i < 100; i++)); do grep -q '^notice: ready' "$dir/log" && return; sleep 0.1; done
}
# doctor: its JSON in $dir/json, its status in $rc
doctor() {
	"$BUILD/bin/lanyardctl" doctor --json --config "$dir/conf" >"$dir/json" 2>"$dir/out"
	rc=$?
}
# finds WHAT LEVEL CHECK [TEXT]: there is such a finding, with what to do unless it is ok
finds() {
	check "$1" /usr/bin/python3 -c '
import json, sys
doc, level, check, text = json.load(open(sys.argv[1])), *sys.argv[2:]
found = [c for c in doc["checks"] if (c["level"], c["check"]) == (level, check) and text in c["text"]]
sys.exit(not found or any(("advice" in c) == (level == "ok") for c in found))' \
		"$dir/json" "$2" "$3" "${4-}"
}
# The exit status is that of the worst finding.
agrees() {
	check "$1: the status is of the worst" is "$rc" "$(/usr/bin/python3 -c '
import json, sys
doc = json.load(open(sys.argv[1]))
worst = max((c["level"] for c in doc["checks"]), key=["ok", "warn", "FAIL"].index)
assert worst == doc["result"]
print(["ok", "warn", "FAIL"].index(worst))' "$dir/json")"
	check "$1: nothing else is said" [ ! -s "$dir/out" ]
}
show() { sed 's/^/    /' "$dir/json"; echo; sed 's/^/    /' "$dir/out"; }

# Not started yet.
config 127.0.0.1
doctor
agrees 'never started'
check 'never started: status 2' is $rc 2
finds 'the configuration is read' ok config "$dir/conf is valid"
finds 'no state yet' warn state 'does not exist'
finds 'no daemon' FAIL daemon 'No such file'

# It runs.
start
doctor
agrees 'it runs'
check 'it runs: nothing fails' test $rc -lt 2
finds 'the daemon answers' ok daemon 'answers'
finds 'its version' ok version
finds 'its state' ok state 'of '
finds 'its anchor' ok anchor
finds 'the anchor has its place' ok anchor-place
finds 'room' ok space
finds 'the database' ok database
finds 'the socket' ok socket-rights 'mode 0660'
finds 'a loopback listener' warn listener 'only this machine'
finds 'limits' ok files
finds 'no core dumps' ok core-dumps
finds 'no refusals' ok refusals
finds 'no endpoints' ok credentials '0 of 0'
"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" set bare >/dev/null
"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" set open nosec=true >/dev/null
doctor
finds 'an endpoint without credentials' warn credentials '1 of 2 endpoints have no credentials: bare'
echo '{"master_secret":"00112233445566778899aabbccddeeff","sender_id":"01","recipient_id":"07","sender_seq":1000000,"role":"server"}' |
	"$BUILD/bin/lanyardctl" -S "$dir/admin.sock" provision bare --from - >"$dir/out" 2>&1
doctor
finds 'with credentials' ok credentials '0 of 2'
finds 'numbers that end' warn numbers '1 of 2 endpoints are near the end of their sequence numbers: bare'
chmod 666 "$dir/admin.sock"
chmod 755 "$dir/state"
doctor
agrees 'rights'
finds 'a socket for everybody' FAIL socket-rights 'mode 0666'
finds 'a state directory for everybody' FAIL state 'mode 0755'
check 'text: the same, with what to do' grep -q "FAIL  state .*mode 0755" <("$BUILD/bin/lanyardctl" doctor -c "$dir/conf")
check 'text: advice' grep -q -- "-> chmod 0700 $dir/state" <("$BUILD/bin/lanyardctl" doctor -c "$dir/conf")
stop
chmod 700 "$dir/state"

# A database whose anchor is gone.
mv "$dir/state.anchor" "$dir/kept"
doctor
finds 'no anchor' FAIL anchor 'sealed'
start
doctor
finds 'a sealed database' FAIL database 'sealed'
stop
rm -rf "$dir/state.anchor"
mv "$dir/kept" "$dir/state.anchor"

# An anchor that is within after all.
mkdir -m 700 "$dir/state/inside"
ln -s "$dir/state/inside" "$dir/link"
config 0.0.0.0 'nosec = yes' '[storage]' "anchor = $dir/link"
sed -i '1,2d' "$dir/conf"
sed -i "s|^anchor|dir = $dir/state\\nanchor|" "$dir/conf"
doctor
finds 'an anchor by way of a link' FAIL anchor-place 'is within'
rm -rf "$dir/link" "$dir/state/inside"

# Open to everybody.
config '*' 'nosec = yes'
start
doctor
finds 'every address' ok listener 'to every address'
finds 'no security' warn nosec 'without security'
stop

# A configuration that cannot be used.
echo 'nonsense' >>"$dir/conf"
doctor
check 'a bad configuration: status 2' is $rc 2
finds 'a bad configuration: file and line' FAIL config "conf:13: neither a"

# Systems that are no good for it, as far as they can be had here.
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
	shm=$(mktemp -d /dev/shm/lanyard-doctor.XXXXXX)
	config 127.0.0.1
	sed -i "s|^dir = .*|dir = $shm|" "$dir/conf"
	doctor
	[ "$(stat -f -c %T "$shm")" != tmpfs ] || finds 'a file system in memory' warn file-system tmpfs
	rm -rf "$shm"
fi

finish
