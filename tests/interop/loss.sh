#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Long bodies over a network that loses some of it: see lib/loss_steps.py.
exec bash "$(dirname "$0")/lib/with_daemon.sh" loss_steps
