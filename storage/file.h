/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories: what their failures mean, and how their names become durable. Only
 * storage/ includes this. */
#ifndef LANYARD_STORAGE_FILE_H
#define LANYARD_STORAGE_FILE_H

#include "base/span.h"

enum { STORE_WHY_MAX = 256 };

/* "cannot DOING PATH: ..." of errno, into `why` (STORE_WHY_MAX bytes), and its meaning. */
enum err store_file_error(char *why, const char *doing, const char *path);
/* A directory, so that names that were made, moved or removed in it stay so. */
MUST_USE enum err store_file_sync_dir(const char *dir, char *why);
/* The directory that holds this one. */
MUST_USE enum err store_file_sync_parent(const char *dir, char *why);
/* "DIR/FILE"; ERR_IO if it is too long. */
MUST_USE enum err store_file_path(
	const char *dir, const char *file, char out[static 4096], char *why);
/* Makes a directory (mode 0700) and its name durable; its parent must exist. One that is there is
 * no error. */
MUST_USE enum err store_file_make_dir(const char *dir, char *why);
/* What a file holds, if there is one, is written to it again and synced: after a sync that failed
 * the system takes it for written, and no later sync would write it. */
MUST_USE enum err store_file_write_again(const char *path, char *why);

#endif
