#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job by itself (make demo): a device bootstraps over OSCORE, gets its keys, registers with
# them, and is managed. In a temporary folder, on free ports, as the user who calls. KEEP=1 leaves
# the daemon and the device running. Environment: BUILD (build), KEEP.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
KEEP=${KEEP:-}
EP=demo-device
for p in lanyardd lanyardctl lanyard-device; do
	[ -x "$BUILD/bin/$p" ] || { echo "demo: $BUILD/bin/$p is not built; run make" >&2; exit 1; }
done
command -v realpath setsid timeout >/dev/null || { echo 'demo: coreutils and util-linux are needed' >&2; exit 1; }

umask 077
tmp=${TMPDIR:-/tmp}
# A Unix socket's path has at most 107 bytes.
[ ${#tmp} -lt 64 ] || tmp=/tmp
dir=$(mktemp -d "$tmp/lanyard-demo.XXXXXX") || exit 1
daemon='' device=''
export PATH=$BUILD/bin:$PATH LANYARD_SOCKET=$dir/admin.sock

end() {
	local status=$?
	trap '' INT TERM HUP
	if [ "$KEEP" ] && [ $status = 0 ]; then return; fi
	[ -z "$device" ] || { kill "$device" && wait "$device"; } 2>/dev/null
	[ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
	printf '\ndemo: %s\n' "$*"
	for log in lanyardd lanyard-device; do
		[ -s "$dir/$log.log" ] || continue
		printf '\nThe last lines of %s:\n' "$log"
		tail -n 15 "$dir/$log.log" | sed 's/^/    /'
	done
	exit 1
} >&2

title() { printf '\n# %s\n' "$*"; }

# Shows a command and runs it.
show() {
	local word line='$'
	for word; do
		case $word in
		*[!A-Za-z0-9_./:=+-]*) line="$line '$word'" ;;
		*) line="$line $word" ;;
		esac
	done
	printf '%s\n' "${line//$dir\//}"
	timeout 30 "$@" </dev/null | sed "s,$dir/,,"
	[ "${PIPESTATUS[0]}" = 0 ] || fail "this did not work: ${line#\$ }"
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
	local i what=$2
	for ((i = 0; i < $1 * 10; i++)); do
		if "${@:3}"; then return; fi
		[ -z "$daemon" ] || kill -0 "$daemon" 2>/dev/null || fail "lanyardd has ended"
		[ -z "$device" ] || kill -0 "$device" 2>/dev/null || fail "lanyard-device has ended"
		sleep 0.1
	done
	fail "$what within $1 s"
}
ready() { grep -q '^notice: ready' "$dir/lanyardd.log"; }
registered() { lanyardctl -j show $EP | grep -q '"registered":true'; }
port() { sed -nE "s/.* listening name=$1 .* port=([0-9]+).*/\1/p" "$dir/lanyardd.log"; }

title 'lanyardd starts: a server and a bootstrap server, on free ports'
cat >"$dir/lanyard.conf" <<-CONF
	[listen server]
	role = server
	address = 127.0.0.1
	port = 0
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
echo '$ lanyardd --config lanyard.conf'
setsid lanyardd --config "$dir/lanyard.conf" >"$dir/lanyardd.log" 2>&1 </dev/null &
daemon=$!
wait_for 10 'lanyardd was not ready' ready
sed 's/^/    /' "$dir/lanyardd.log" | grep listening

title 'The bootstrap plan of every device: it is to register with this server'
printf '{"servers":[{"uri":"coap://127.0.0.1:%s","lifetime_s":300}]}\n' "$(port server)" >"$dir/plan.json"
cat "$dir/plan.json"
show lanyardctl plan --default set "$dir/plan.json"

title 'One device is provisioned: keys for bootstrap, drawn here'
show lanyardctl provision $EP --generate --server-uri "coap://127.0.0.1:$(port bootstrap)" \
	--device-file "$dir/device.conf"

title 'The device starts, bootstraps over OSCORE, gets Object 21, and registers under its new keys'
echo '$ lanyard-device --config device.conf --state device.state --notify-interval 1000'
setsid lanyard-device --config "$dir/device.conf" --state "$dir/device.state" --notify-interval 1000 \
	--log-events >"$dir/lanyard-device.log" 2>&1 </dev/null &
device=$!
wait_for 20 'the device did not register' registered
show lanyardctl events --endpoint $EP --type bootstrap,registered --after 0 --count 2

title 'It is there'
show lanyardctl list
show lanyardctl show $EP

title 'It is read, written, and rebooted'
show lanyardctl read $EP /3/0/0
show lanyardctl read $EP /3/0/9
show lanyardctl write $EP /3/0/14 +02:00
show lanyardctl read $EP /3/0/14
show lanyardctl execute $EP /3/0/4

title 'It is observed: three notifications'
# A registration of its own ends the observations of the one before.
timeout 20 lanyardctl events --endpoint $EP --type registered --after 0 --count 2 >/dev/null </dev/null ||
	fail 'the device did not come back after its reboot within 20 s'
show lanyardctl observe $EP /3303/0/5700 --count 3

title 'All of it worked'
if [ "$KEEP" ]; then
	cat <<-NEXT
		lanyardd ($daemon) and lanyard-device ($device) go on. Try:

		    export LANYARD_SOCKET=$dir/admin.sock PATH="$BUILD/bin:\$PATH"
		    lanyardctl show $EP
		    lanyardctl read $EP /3
		    lanyardctl events
		    curl --unix-socket $dir/admin.sock http://localhost/v1/endpoints/$EP

		Their files are in $dir; to end it:

		    kill $device $daemon && rm -r $dir
	NEXT
else
	cat <<-NEXT
		All is stopped and removed again. Next:

		    make demo KEEP=1        the same, and leave it running to try commands on
		    make check              all tests
		    build/bin/lanyardctl help
		    README.md               a first real device in five steps
	NEXT
fi
