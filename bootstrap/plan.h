/* SPDX-License-Identifier: Apache-2.0 */
/* What a bootstrap gives a device. */
#ifndef LANYARD_BOOTSTRAP_PLAN_H
#define LANYARD_BOOTSTRAP_PLAN_H

#include "base/span.h"

enum { BS_URI_MAX = 255, BS_JSON_MAX = 4096 };

/* How the keys of an account are made and told. */
struct bs_oscore {
	int16_t aead, hkdf;         /* COSE numbers */
	uint8_t id_context_bytes;   /* drawn at each bootstrap; 0: no ID Context */
	uint8_t recipient_id_bytes; /* 0: as configured */
	bool hkdf_number; /* /21/x/4 as the number of the HKDF, not of its HMAC (CT-101) */
};

/* One server account: Security, Server and OSCORE Object Instances. */
struct bs_plan {
	char uri[BS_URI_MAX + 1];
	char binding[8];
	uint16_t ssid;
	uint32_t lifetime_s;
	uint32_t pmin_s, pmax_s; /* default periods; 0: not written */
	bool notification_storing;
	struct bs_oscore oscore;
};

enum { BS_ID_CONTEXT_MAX = 8 };

/* Why a plan is not taken. */
struct bs_refusal {
	char field[64]; /* "servers[0].uri"; "": the plan as a whole */
	char text[160];
};

/* {"servers":[{"uri":"coap://host:5683","ssid":1,"lifetime_s":86400,"binding":"U",
 *  "notification_storing":true,"default_pmin_s":0,"default_pmax_s":0,
 *  "oscore":{"aead":"AES-CCM-16-64-128","hkdf":"HKDF-SHA-256","hkdf_spelling":"hmac",
 *  "id_context_bytes":0,"recipient_id_bytes":0}}]}: exactly one account; only uri must be there.
 * "hkdf_spelling" is "hmac" (5, 7: what the object's text means) or "hkdf" (-10, -11: what Leshan
 * reads). ERR_SYNTAX with the reason in `no`, ERR_NOMEM. */
MUST_USE enum err bs_plan_parse(struct span json, struct bs_plan *out, struct bs_refusal *no);
/* As JSON that bs_plan_parse reads. */
void bs_plan_write(const struct bs_plan *p, struct writer *w);
/* What a plan holds where it says nothing. */
void bs_plan_defaults(struct bs_plan *p);
/* uri, ssid, binding: the rules of Objects 0 and 1. ERR_SYNTAX with a reason. */
MUST_USE enum err bs_plan_check(const struct bs_plan *p, struct bs_refusal *no);

#endif
