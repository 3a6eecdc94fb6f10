/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of lanyardd: those that it opens, and those that systemd hands over. */
#ifndef LANYARD_CMD_LANYARDD_LISTEN_H
#define LANYARD_CMD_LANYARDD_LISTEN_H

#include "admin/ops.h"
#include "config/config.h"
#include "transport/net.h"

/* Each -1 where there is none. */
struct daemon_inherited {
	int admin;
	int listen[CFG_LISTEN_MAX];   /* of TCP listeners, until they are open */
	int gateway[CFG_GATEWAY_MAX]; /* of gateway sockets, likewise */
};

/* What a socket unit hands over is known by its FileDescriptorName=. False, and logged: one is not
 * known, or comes twice. */
bool daemon_inherit(const struct cfg *cfg, struct daemon_inherited *out);
/* Opens listener `at`, or takes the one that was handed over. Errors and `why` are those of
 * net_listen_udp and net_listen_tcp. */
MUST_USE enum err daemon_listen(struct net *n, const struct cfg *cfg, size_t at,
	struct daemon_inherited *inherited, char *why);

/* Counters of sockets, connections and sessions; a core_io's `metrics`. */
void daemon_net_metrics(const struct net *n, adm_metric_fn *fn, void *cb_arg);

#endif
