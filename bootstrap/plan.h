/* SPDX-License-Identifier: Apache-2.0 */
/* What a bootstrap gives a device. */
#ifndef LANYARD_BOOTSTRAP_PLAN_H
#define LANYARD_BOOTSTRAP_PLAN_H

#include "base/span.h"

enum { BS_URI_MAX = 255, BS_JSON_MAX = 4096 };

/* One server account: Security, Server and OSCORE Object Instances. */
struct bs_plan {
	char uri[BS_URI_MAX + 1];
	char binding[8];
	uint16_t ssid;
	uint32_t lifetime_s;
	uint32_t pmin_s, pmax_s; /* default periods; 0: not written */
	bool notification_storing;
};

/* {"servers":[{"uri":"coap://host:5683","ssid":1,"lifetime_s":86400,"binding":"U",
 *  "notification_storing":true,"default_pmin_s":0,"default_pmax_s":0}]}: exactly one account; only
 * uri must be there. ERR_SYNTAX with a reason in `why` (160 bytes), ERR_NOMEM. */
MUST_USE enum err bs_plan_parse(struct span json, struct bs_plan *out, char *why);
/* As JSON that bs_plan_parse reads. */
void bs_plan_write(const struct bs_plan *p, struct writer *w);
/* uri, ssid, binding: the rules of Objects 0 and 1. ERR_SYNTAX with a reason. */
MUST_USE enum err bs_plan_check(const struct bs_plan *p, char *why);

#endif
