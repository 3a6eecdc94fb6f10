#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job with aiocoap as the device: see lib/steps.py for what is asserted.
exec bash "$(dirname "$0")/lib/with_daemon.sh" steps
