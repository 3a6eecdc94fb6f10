#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# aiocoap as a device with an Access Control object: see lib/access_steps.py.
exec bash "$(dirname "$0")/lib/with_daemon.sh" access_steps
