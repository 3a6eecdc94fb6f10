/* SPDX-License-Identifier: Apache-2.0 */
/* The REST interface on a Unix socket. */
#ifndef LANYARD_ADMIN_ADMIN_H
#define LANYARD_ADMIN_ADMIN_H

#include "admin/ops.h"
#include "base/secret.h"

struct event_base;
struct adm;

struct adm_opts {
	const char *socket;
	uint32_t mode;     /* 0660 */
	const char *group; /* NULL or "": leave it */
	int fd;            /* an inherited listening socket (systemd), or -1 */
	uint32_t wait_default_s, wait_max_s;
	uint32_t operation_keep_s;   /* how long the outcome of an operation can be asked for */
	uint32_t idempotency_keep_s; /* how long an Idempotency-Key is remembered */
	struct rng rng;
	size_t event_clients_max;
};

/* Binds and listens; a stale socket file is replaced, a live one is ERR_BUSY. `why`: 256 bytes. */
MUST_USE enum err adm_new(struct event_base *base, const struct adm_ops *ops,
	const struct adm_opts *o, struct adm **out, char *why);
/* Removes the socket file it made. Requests still waiting get 503. */
void adm_free(struct adm *a);
/* A durable event (or one that is only live: seq 0) for those who listen. */
void adm_event_emit(struct adm *a, const struct adm_event *e);

#endif
