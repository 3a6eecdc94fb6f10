/* SPDX-License-Identifier: Apache-2.0 */
/* A single value as a self-describing format carried it, before the model says what it should be.
 * Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_ARRIVED_H
#define LANYARD_LWM2M_ARRIVED_H

#include "lwm2m/number.h"
#include "lwm2m/value.h"

enum lwm_arrived_kind {
	LWM_ARRIVED_OTHER, /* null, a container, what we do not know: no value of ours */
	LWM_ARRIVED_NUMBER,
	LWM_ARRIVED_TIME, /* a number that said it is one */
	LWM_ARRIVED_TEXT,
	LWM_ARRIVED_LINK, /* text that said it is one */
	LWM_ARRIVED_BYTES,
	LWM_ARRIVED_BOOL,
};

struct lwm_arrived {
	enum lwm_arrived_kind kind;
	struct span raw; /* the value as it stands in the payload */
	union {
		bool b;
		struct lwm_number number; /* number, time */
		struct span bytes;        /* text, link, bytes */
	};
};

/* As a value of type `wanted`; with LWM_NONE by what arrived: integer (unsigned above int64),
 * float, boolean, string, opaque, time, objlnk. A link is read from any text (CT-79), with a
 * trailing NUL (CT-78) and as "FFFF:FFFF" (FMT-23) too. False if it does not fit: `out` then has
 * the type that was looked for. */
bool lwm_arrived_fit(const struct lwm_arrived *a, enum lwm_type wanted, struct lwm_value *out);

#endif
