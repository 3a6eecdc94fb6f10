/* SPDX-License-Identifier: Apache-2.0 */
/* The files of lanyard-device: whole reads, durable writes, one user at a time. */
#ifndef LANYARD_CMD_DEVICE_FILES_H
#define LANYARD_CMD_DEVICE_FILES_H

#include "base/span.h"

/* Reads all of it into malloc'd memory; wipe it and free `p`. ERR_NOTFOUND, ERR_LIMIT (more than
 * `max`), ERR_IO, ERR_NOMEM. */
MUST_USE enum err device_file_read(const char *path, size_t max, struct span *out);
/* Durable when it returns: a new file of mode 0600, synced, in the place of the old one, and the
 * directory synced. Another reader sees the old or the new one, whole. ERR_IO, ERR_NOMEM. */
MUST_USE enum err device_file_replace(const char *path, struct span content);
/* Holds PATH.lock until the process ends. ERR_BUSY, ERR_IO, ERR_NOMEM. */
MUST_USE enum err device_file_lock(const char *path);

#endif
