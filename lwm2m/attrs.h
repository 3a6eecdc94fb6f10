/* SPDX-License-Identifier: Apache-2.0 */
/* Notification attributes (ATT-01 to ATT-04): what Write-Attributes sets and takes away, and what
 * Discover shows. Text is "pmin=10&pmax=60&gt=": a name with an empty value or none is taken away.
 */
#ifndef LANYARD_LWM2M_ATTRS_H
#define LANYARD_LWM2M_ATTRS_H

#include "lwm2m/path.h"

enum lwm_attr {
	LWM_ATTR_PMIN, /* seconds, as all periods */
	LWM_ATTR_PMAX,
	LWM_ATTR_GT,
	LWM_ATTR_LT,
	LWM_ATTR_ST,
	LWM_ATTR_EPMIN,
	LWM_ATTR_EPMAX,
	LWM_ATTR_EDGE,
	LWM_ATTR_CON,
	LWM_ATTR_HQMAX,
	LWM_ATTRS
};
#define LWM_ATTR_BIT(a) ((uint16_t)(1u << (a)))
/* Those of LwM2M 1.0, which clients of later versions may know alone (CT-47). */
#define LWM_ATTRS_BASIC ((uint16_t)0x1f)

struct lwm_attrs {
	uint16_t set;            /* LWM_ATTR_BIT of each that has a value */
	uint16_t unset;          /* of each to be taken away */
	double value[LWM_ATTRS]; /* whole numbers, but for gt, lt and st */
};

/* What is wrong with a text. */
struct lwm_attr_why {
	struct span name; /* of the attribute, as given; points into the text */
	const char *text; /* static: "only digits are a value" */
};

/* Reads a text for the target `at` (NULL: unknown, then neither level nor type are looked at), for
 * a client of LwM2M `lwm2m` (10, 11, 12; 0: unknown, then all are). Refuses unknown and read-only
 * names, repeats, values outside the grammar (a minus is taken before limits), what is younger than
 * the version, not allowed at that level or for the type the model knows, and sets that contradict
 * themselves. ERR_SYNTAX, ERR_RANGE (a number too large), ERR_UNSUPPORTED (version, level, type),
 * ERR_CONFLICT; *out is then untouched and *why says it. `out` may be NULL. */
MUST_USE enum err lwm_attrs_parse(struct span text, const struct lwm_path *at, uint8_t lwm2m,
	struct lwm_attrs *out, struct lwm_attr_why *why);
/* The same from a request's Uri-Query options. */
MUST_USE enum err lwm_attrs_from_options(const struct msg *m, const struct lwm_path *at,
	uint8_t lwm2m, struct lwm_attrs *out, struct lwm_attr_why *why);
/* A text that was read well, as Uri-Query options, only those in `which` (bits): "pmin=10", "gt".
 * Spans point into the text. ERR_LIMIT. */
MUST_USE enum err lwm_attrs_to_options(struct span text, uint16_t which, struct msg *m);
/* Applies a change to what is in force at the same place: `change` sets and takes away. */
void lwm_attrs_merge(struct lwm_attrs *on, const struct lwm_attrs *change);
/* ERR_CONFLICT where values contradict each other (ATT-04). `why` may be NULL. */
MUST_USE enum err lwm_attrs_consistent(const struct lwm_attrs *a, struct lwm_attr_why *why);
/* ";pmin=10;gt=5.5", as in Discover. */
void wr_attrs(struct writer *w, const struct lwm_attrs *a);
/* "gt: only digits are a value". */
void wr_attr_why(struct writer *w, const struct lwm_attr_why *why);
const char *lwm_attr_name(enum lwm_attr a);

#endif
