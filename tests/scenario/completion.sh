#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash offers behind "lanyardctl ...", with a daemon and without.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
source completion/lanyardctl || exit 2
dir=$(mktemp -d /tmp/lanyard-words.XXXXXX) || exit 2
pid=
end() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
export PATH=$BUILD/bin:$PATH LANYARD_SOCKET=$dir/sock
cat >"$dir/conf" <<-CONF
	[listen server]
	address = 127.0.0.1
	port = 0
	[bootstrap]
	enabled = no
	[storage]
	dir = $dir/state
	[admin]
	socket = $dir/sock
	socket_group =
CONF
lanyardd --config "$dir/conf" >"$dir/log" 2>&1 </dev/null &
pid=$!
for _ in {1..100}; do grep -q '^notice: ready' "$dir/log" && break; sleep 0.1; done
for name in meter-1 urn:imei:1 urn:imei:2 '$(touch hacked)' 'two words' 'a"b'; do
	lanyardctl set "$name" nosec=true >/dev/null || exit 2
done
cd "$dir" || exit 2
mkdir files
touch files/one files/other

COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
passed=0 failed=0
# The line (# is the cursor), and the words that are offered; ... stands for more behind these.
while IFS='|' read -r line wanted; do
	COMP_LINE=${line/'#'/} before=${line%%'#'*}
	COMP_POINT=${#before}
	_lanyardctl lanyardctl
	got="${COMPREPLY[*]-}"
	case $got in
	$wanted | ${wanted%...}*)
		if [ "$got" = "$wanted" ] || [ "$wanted" != "${wanted%...}" ]; then
			passed=$((passed + 1))
			continue
		fi
		;;
	esac
	failed=$((failed + 1))
	printf 'FAILED: %s\n    wanted: %s\n    offered: %s\n' "$line" "$wanted" "$got"
done <<'ROWS'
lanyardctl #|status list show ...
lanyardctl st#|status
lanyardctl exp#|explain
lanyardctl st# meter-1|status
lanyardctl nonsense #|
lanyardctl --js#|--json
lanyardctl --json li#|list
lanyardctl status #|
lanyardctl read #|meter-1 urn:imei:1 urn:imei:2
lanyardctl read m#|meter-1
lanyardctl read --f#|--format
lanyardctl __#|
lanyardctl read urn:#|imei:1 imei:2
lanyardctl read urn:imei:2#|2
lanyardctl read $#|
lanyardctl read a#|
lanyardctl read t*#|
lanyardctl read meter-1 #|
lanyardctl read meter-1 /3/0/0 m#|
lanyardctl read --wait #|
lanyardctl read -w 3 m#|meter-1
lanyardctl read --wait=3 m#|meter-1
lanyardctl -S sock read m#|meter-1
lanyardctl -S gone read m#|
lanyardctl --socket gone read m#|
lanyardctl -S files/o#|files/one files/other
lanyardctl provision m#|meter-1
lanyardctl provision --rep#|--replace
lanyardctl provision meter-1 --role #|bootstrap server
lanyardctl provision meter-1 -r s#|server
lanyardctl provision --from files/on#|files/one
lanyardctl status --rep#|
lanyardctl execute m#|meter-1
lanyardctl plan meter-1 sh#|show
lanyardctl help exp#|explain
lanyardctl events --type reg#|registered
ROWS
if [ -e hacked ]; then
	failed=$((failed + 1))
	echo 'FAILED: a name of an endpoint was run as a command'
else
	passed=$((passed + 1))
fi
if complete -p lanyardctl | grep -qx 'complete -F _lanyardctl lanyardctl'; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo 'FAILED: bash does not know the function'
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
