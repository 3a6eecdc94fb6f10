/* SPDX-License-Identifier: Apache-2.0 */
/* A captured message, taken apart for a person: what stands outside, what the OSCORE option says,
 * and what is inside, or exactly why that cannot be told. Touches no window and no number. */
#ifndef LANYARD_OSCORE_INSPECT_H
#define LANYARD_OSCORE_INSPECT_H

#include "oscore/protect.h"

enum { OSC_INSPECT_MAX = 8192, OSC_INSPECT_JSON = 12 * OSC_INSPECT_MAX };

struct osc_inspect {
	struct span message; /* a datagram of at most OSC_INSPECT_MAX bytes */
	/* What a response answers: the datagram, or its kid and Partial IV. */
	struct span request;
	bool has_kid;
	struct span kid, piv;
};

/* The context to try, as one of its two ends has it. */
struct osc_inspect_context {
	struct osc_keys keys;
	struct span id_context; /* p NULL: none */
	bool mask;              /* payloads of requests may hold keys: they are not shown */
};

enum osc_inspected {
	OSC_INSPECT_FOREIGN, /* it is of no such context, or of no context at all */
	OSC_INSPECT_FAILED,  /* it should be of this context, but does not open */
	OSC_INSPECT_OPENED,
};

/* Writes an object of JSON:
 *   {"outer":{"type":"CON","code":"0.02","mid":1,"token":"hex","options":[{"number","name","value"}],
 *             "payload_bytes":13},
 *    "oscore":{"flags":9,"partial_iv":"hex"|null,"kid":"hex"|null,"kid_context":"hex"|null},
 *    "direction":"in"|"out",
 *    "inner":{"code","options","payload_bytes","payload_hex"|"masked":true},
 *    "error":{"reason":"tag","text":"...","byte":2}}
 * "in" is what the other end has sent. Members that cannot be told are not there; "error" is, if
 * the message was not opened, and "byte" (from 0, in the option) if the option is malformed.
 * Errors of the writer are the caller's to look at. `x` NULL: no context has the ids. */
enum osc_inspected osc_inspect(struct osc_crypto *c, const struct osc_inspect *in,
	const struct osc_inspect_context *x, struct writer *w);

#endif
