#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything across a CoAP proxy that is honest first and hostile then: see lib/proxy_steps.py.
exec bash "$(dirname "$0")/lib/with_daemon.sh" proxy_steps
