/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets that listen, for programs of this machine. */
#ifndef LANYARD_BASE_LOCAL_H
#define LANYARD_BASE_LOCAL_H

#include "base/err.h"

#include <stdint.h>

enum { LOCAL_WHY = 256, LOCAL_PATH = 108 };

struct local_opts {
	const char *what; /* "admin": for what is told of an inherited one */
	int type;         /* SOCK_STREAM, SOCK_SEQPACKET */
	const char *path;
	uint32_t mode;
	const char *group; /* NULL or "": leave it */
	int fd;            /* an inherited listening socket, or -1 */
};

/* The file that was made, to be removed if it is still that one. */
struct local_file {
	char path[LOCAL_PATH]; /* "": none was */
	uint64_t dev, ino;
};

/* A socket that listens, close-on-exec and non-blocking. A stale file is replaced, a live one is
 * ERR_BUSY; what is there and no socket ERR_EXISTS; ERR_RANGE: the path is too long; ERR_NOTFOUND:
 * there is no such group; ERR_UNSUPPORTED: what was inherited is no such socket; ERR_IO. `why`
 * (LOCAL_WHY bytes) says it. What was made so far is for local_remove even then. */
MUST_USE enum err local_listen(
	const struct local_opts *o, int *fd, struct local_file *file, char *why);
void local_remove(const struct local_file *file);

#endif
