#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# RFC 8613 Appendix B.2 against a client that was written from its text: lib/b2.py.
set -u
cd "$(dirname "$0")/../.." || exit 2
exec /usr/bin/python3 tests/interop/lib/b2.py "$(realpath "${BUILD:-build}")/bin"
