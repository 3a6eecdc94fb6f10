#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lanyardctl watch: a line for each event, over restarts of the daemon; a table on a terminal, which
# is left as it was.
# Environment: BUILD (build).
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-watch.XXXXXX) || exit 2
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
/usr/bin/python3 tests/scenario/lib/watch.py "$BUILD" "$dir"
