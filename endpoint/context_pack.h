/* SPDX-License-Identifier: Apache-2.0 */
/* Making and freeing a context's memory; for context.c only. */
#ifndef LANYARD_ENDPOINT_CONTEXT_PACK_H
#define LANYARD_ENDPOINT_CONTEXT_PACK_H

#include "endpoint/endpoint.h"

struct ep_parts {
	const struct osc_keys *keys; /* of an algorithm we do */
	uint8_t role, origin, generation;
	uint16_t ssid;
	bool has_id_context;
	struct span id_context;
	const uint8_t *ikm; /* EP_IKM_BYTES */
};

/* A context with these parts and nothing else. ERR_RANGE (ID Context), ERR_NOMEM. */
MUST_USE enum err ep_context_pack(const struct ep_parts *p, struct ep_context **out);
/* Wipes. NULL is fine. */
void ep_context_free(struct ep_context *c);

#endif
