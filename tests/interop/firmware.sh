#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# aiocoap as a device that gets firmware by push, and fetches it: see lib/firmware_steps.py.
exec bash "$(dirname "$0")/lib/with_daemon.sh" firmware_steps
