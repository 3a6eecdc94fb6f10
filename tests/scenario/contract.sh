#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything that the OpenAPI document promises of the REST interface, asked of a real daemon with
# real devices; every answer is held against its schema.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-contract.XXXXXX) || exit 2
pid=
end() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/scenario/lib/contract.py "$BUILD" "$dir" &
pid=$!
wait $pid
status=$?
pid=
exit $status
