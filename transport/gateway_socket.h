/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway socket: a Unix socket of packets to which bridges connect, lanyard-gateway(7). */
#ifndef LANYARD_TRANSPORT_GATEWAY_SOCKET_H
#define LANYARD_TRANSPORT_GATEWAY_SOCKET_H

#include "transport/gateway.h"

enum { GATEWAY_BRIDGES_MAX = 64 };

struct gateway_socket_opts {
	const char *path;
	uint32_t mode;
	const char *group; /* "": leave it */
	const char *user;  /* whose bridges may connect, beside root's and our own; "": anybody's */
	uint32_t bridges;  /* at a time, GATEWAY_BRIDGES_MAX at most */
	int fd;            /* an inherited listening socket, or -1 */
};

/* Listens, and attaches itself to the gateway. Errors of local_listen; ERR_NOTFOUND also if there
 * is no such user; `why` (GATEWAY_WHY) says it. Takes `fd` in any case. */
MUST_USE enum err gateway_socket_open(
	struct gateway *g, const struct gateway_socket_opts *o, char *why);

#endif
