#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A device without security on the npm package coap. Fetches it (npm ci), so it belongs to make
# check-full. Environment: BUILD (build).
set -u
cd "$(dirname "$0")/../../.." || exit 2
. tests/lib.sh
. tests/interop/lib/plain.sh
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-npm.XXXXXX) || exit 2
daemon= device=
end() {
	kill -9 $daemon $device 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM
mkdir -p "$BUILD/npm"
cp tests/interop/npm/{package.json,package-lock.json,device.js} "$BUILD/npm"
check_quietly 'the package is there' npm ci --prefix "$BUILD/npm" --no-audit --no-fund --ignore-scripts ||
	{ finish; exit 1; }
plain_daemon npm
node "$BUILD/npm/device.js" "$port" npm >"$dir/device" 2>&1 &
device=$!
check 'it registers' await "$dir/device" '^registered 2.01 rd/'
check 'as a 1.0 device' says '"lwm2m":"1.0"' --json show npm
# It refuses TLV (4.06), which each Read tries first and gives up for this device.
check 'Read' says '"value":"npm coap"' --json read npm /3/0/0
check 'Write' ctl write npm /3/0/15 Europe/Rome
check 'has an effect' says '"value":"Europe/Rome"' --json read npm /3/0/15
check 'Execute' ctl execute npm /3/0/4 "0='now'"
check 'comes with its arguments' await "$dir/device" "^executed 0='now'"
check 'Delete' ctl remove npm /3303/1
check 'is done' await "$dir/device" '^deleted'
refused() { ! ctl --json read npm /3/0/14 && grep -q '"code":"4.04"' "$dir/out"; }
check 'what is not there' refused
check 'a long answer comes in blocks' says "$(printf 'x%.0s' {1..3000})" --json read npm /5/0/1
# The package tells bodies in blocks apart by their tokens, which RFC 7959 leaves free and which
# differ here, so that it answers no body longer than a block.
head -c 1000 /dev/zero | tr '\0' z >"$dir/image"
check 'a Write of bytes' ctl write npm /5/0/0 --file "$dir/image"
check 'and arrives whole' await "$dir/device" "^uploaded $(sha256sum <"$dir/image" | cut -d' ' -f1)"
check 'notifications' ctl observe npm /3303/0/5700 --count 4
for value in 21 22 23; do
	check "$value is among them" grep -qw "$value" "$dir/out"
done
check 'Cancel' ctl cancel npm /3303/0/5700
kill -USR1 $device
check 'Update' await "$dir/device" '^updated 2.04'
check 'the lifetime is new' says '"lifetime_s":600' --json show npm
kill $device
check 'De-register' await "$dir/device" '^deregistered 2.02'
gone() { ! ctl --json show npm && grep -q unknown-endpoint "$dir/out"; }
check 'it is gone' gone
finish
