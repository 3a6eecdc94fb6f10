#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices without security, played by libcoap's tools: coap-client speaks for the device, coap-server
# answers on the same port. What may register, with which answers, and what a device is then asked
# for. Environment: BUILD (build).
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib.sh
. tests/interop/lib/plain.sh
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-plain.XXXXXX) || exit 2
daemon= device=
end() {
	kill $daemon $device 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM
for tool in coap-client-notls coap-server-notls; do
	command -v $tool >/dev/null || { echo "$tool is missing (libcoap3-bin)"; echo '0 passed, 1 failed'; exit 1; }
done
plain_daemon 'plain*' 'urn:*'
here=$(/usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# ask METHOD TARGET [OPTION...]: the whole conversation in $dir/out.
ask() {
	coap-client-notls -v 7 -B 5 -a 127.0.0.1 -p "$here" -m "$1" "${@:3}" "coap://127.0.0.1:$port/$2" >"$dir/out" 2>&1
}
code() { sed -n 's/.*incoming \([0-9]\.[0-9][0-9]\) response.*/\1/p' "$dir/out" | tail -n 1; }
location() { sed -n 's/.*Location-Path:rd, Location-Path:\([^ ,]*\).*/\1/p' "$dir/out" | tail -n 1; }
# answers CODE METHOD TARGET [OPTION...]
answers() {
	ask "${@:2}"
	is "$(code)" "$1"
}

objects='</1/0>,</3/0>,</3303/0>'
# ---- Register, and what is wrong with it (REG-02, REG-05, REG-11)
check 'a 1.0 device without lt and lwm2m registers' answers 2.01 post 'rd?ep=plain' -t 40 -e "$objects"
place=$(location)
check 'its location is told' test -n "$place"
check 'it counts as 1.0, for a day' says '"lifetime_s":86400' --json show plain
check 'it registers anew from a list in two blocks' answers 2.01 post 'rd?ep=plain&lt=300&lwm2m=1.1&b=U' -t 40 -b 64 \
	-e "$objects,$(printf '</3303/%d>,' {1..20})</5/0>"
check 'all of the list has arrived' says '</5/0>' --json show plain
while IFS='|' read -r want what target payload; do
	check "$want: $what" answers "$want" post "$target" -t 40 -e "$payload"
done <<-'ROWS'
	4.01|a name that needs protection|rd?ep=other&lt=300&lwm2m=1.1&b=U|</3/0>
	4.00|no name|rd?lt=300&lwm2m=1.1&b=U|</3/0>
	4.00|no lifetime in 1.1|rd?ep=plain2&lwm2m=1.1&b=U|</3/0>
	4.00|a lifetime that is no number|rd?ep=plain2&lt=x&lwm2m=1.1&b=U|</3/0>
	4.00|a lifetime with a sign|rd?ep=plain2&lt=-1&lwm2m=1.1&b=U|</3/0>
	4.00|two names|rd?ep=plain2&ep=plain3&lt=300&lwm2m=1.1&b=U|</3/0>
	4.00|a list that is none|rd?ep=plain2&lt=300&lwm2m=1.1&b=U|<3/0
	4.12|a version of the future|rd?ep=plain2&lt=300&lwm2m=2.0&b=U|</3/0>
	2.01|a query nobody knows|rd?ep=plain2&lt=300&lwm2m=1.1&b=U&shoe=43|</3/0>
	2.01|the queue as a query of its own|rd?ep=plain2&lt=300&lwm2m=1.1&b=U&Q|</3/0>
	2.01|the queue inside the binding of 1.0|rd?ep=plain2&lt=300&lwm2m=1.0&b=UQ|</3/0>
	2.01|an urn as name|rd?ep=urn:imei:490154203237518&lt=300&lwm2m=1.1&b=U|</3/0>
	4.04|a path nobody serves|rx?ep=plain2|</3/0>
ROWS
check '4.02: an option that is critical and unknown' answers 4.02 post 'rd?ep=plain2&lt=300' -t 40 -e '</3/0>' -O 65001,x
check '4.05: GET of the place where devices register' answers 4.05 get rd

# ---- Update and De-register (REG-15, REG-17)
check 'plain2 registers' answers 2.01 post 'rd?ep=plain2&lt=300&lwm2m=1.1&b=U' -t 40 -e "$objects"
place=$(location)
check 'an empty Update' answers 2.04 post "rd/$place"
check 'an Update of the lifetime' answers 2.04 post "rd/$place?lt=600"
check 'the lifetime is new' says '"lifetime_s":600' --json show plain2
check 'an Update of the list' answers 2.04 post "rd/$place" -t 40 -e '</3/0>,</3303/7>'
check 'the list is new' says '</3303/7>' --json show plain2
check 'an Update of nobody' answers 4.04 post 'rd/nobody'
check 'an Update that makes no sense changes nothing' answers 4.00 post "rd/$place?lt=0x10"
check 'the lifetime is as it was' says '"lifetime_s":600' --json show plain2
check 'a De-register' answers 2.02 delete "rd/$place"
check 'there is nothing left to update' answers 4.04 post "rd/$place"

# ---- what a device is asked for: a server that makes what is written (DM-02, DM-06, IR-01, IR-02)
check 'plain registers once more' answers 2.01 post 'rd?ep=plain&lt=300&lwm2m=1.0&b=U' -t 40 -e "$objects"
coap-server-notls -A 127.0.0.1 -p "$here" -d 20 >"$dir/server" 2>&1 &
device=$!
sleep 0.3
check 'a Write makes a resource' ctl write plain /3/0/15 'Europe/Oslo'
# The libcoap server of Debian 12 names no format when it gives back what it was given: told as bytes.
reads() { says "$1" --json read plain /3/0/15 || grep -qF "$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')" "$dir/out"; }
check 'a Read gets it back' reads Europe/Oslo
check 'a second Write' ctl write plain /3/0/15 'Europe/Rome'
check 'has an effect' reads Europe/Rome
refused() { ! ctl --json read plain /3/0/14 && grep -q '"device":{"code":"4.04"' "$dir/out"; }
check 'a Read of what is not there is told as 4.04' refused
check 'a Delete' ctl remove plain /3303/0
kill $device
wait $device 2>/dev/null
device=
check 'the daemon is well' says '"storage":{"ok":true' --json status
finish
