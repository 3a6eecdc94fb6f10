#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lanyardctl oscore decode: messages made by a library that shares nothing with ours, under every
# AEAD and HKDF, with keys of a file and by way of the daemon, which moves no counter for it.
# Environment: BUILD (build).
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-oscore.XXXXXX) || exit 2
pid=''
end() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
cat >"$dir/conf" <<CONF
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
"$BUILD/bin/lanyardd" --config "$dir/conf" >"$dir/log" 2>&1 </dev/null &
pid=$!
for _ in {1..100}; do grep -q '^notice: ready' "$dir/log" && break; sleep 0.1; done
/usr/bin/python3 tests/scenario/lib/oscore.py "$BUILD/bin/lanyardctl" "$dir"
