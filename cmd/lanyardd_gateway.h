/* SPDX-License-Identifier: Apache-2.0 */
/* The gateways of lanyardd, from its configuration to what is told of them. */
#ifndef LANYARD_CMD_LANYARDD_GATEWAY_H
#define LANYARD_CMD_LANYARDD_GATEWAY_H

#include "cmd/lanyardd_listen.h"
#include "transport/gateway.h"

/* Opens each [gateway NAME]; false, and logged: one cannot be. */
bool daemon_gateways(
	struct gateways *all, const struct cfg *cfg, struct daemon_inherited *inherited);
/* A core_io's `gateways` and part of its `metrics`. */
void daemon_gateway_status(
	const struct gateways *all, const struct cfg *cfg, struct adm_status *out);
void daemon_gateway_metrics(const struct gateways *all, adm_metric_fn *fn, void *cb_arg);

#endif
