#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OSCORE over TCP with aiocoap as the device: see lib/tcp_steps.py for what is asserted.
exec bash "$(dirname "$0")/lib/with_daemon.sh" tcp_steps
