#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Group OSCORE with two others: what each protects, the other opens. See lib/group_steps.py.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
lib=tests/interop/lib
packages=$(BUILD=$BUILD $lib/fetch.sh) || { echo "aiocoap could not be had"; echo "0 passed, 1 failed"; exit 1; }
PYTHONPATH=$packages:tests/interop/stubs:$lib exec /usr/bin/python3 -W ignore $lib/group_steps.py \
	"$BUILD/tests/oscore/group_vectors"
