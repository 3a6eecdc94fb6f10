/* SPDX-License-Identifier: Apache-2.0 */
/* A recording of all traffic: one JSON object a datagram and line.
 *   t         microseconds since 1970
 *   dir       "out" (sent, or given to the system) or "in"
 *   endpoint  the device
 *   local     its address and port
 *   remote    the server's
 *   hex       the datagram */
#ifndef LANYARD_CMD_DEVICE_RECORD_H
#define LANYARD_CMD_DEVICE_RECORD_H

#include "base/peer.h"

#include <stdio.h>

struct device_record {
	FILE *file;
	uint16_t port; /* the local one */
};

/* Creates or truncates, mode 0600. ERR_IO. */
MUST_USE enum err device_record_open(struct device_record *r, const char *path);
/* Nothing happens without a file. `local` is an address without port (empty: unknown). */
void device_record_add(struct device_record *r, bool out, const char *endpoint, struct span local,
	const struct peer *remote, struct span datagram);
void device_record_flush(struct device_record *r);
/* ERR_IO if a line is missing. */
MUST_USE enum err device_record_close(struct device_record *r);

#endif
