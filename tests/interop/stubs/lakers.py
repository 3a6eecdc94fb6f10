# SPDX-License-Identifier: Apache-2.0
"""Stands in for lakers (EDHOC), which aiocoap imports, which nothing here uses and Debian lacks."""
