/* SPDX-License-Identifier: Apache-2.0 */
/* Where an operation goes: a path of the endpoint itself, or of a device behind it, if it is a
 * gateway. That device is told by its prefix, which stands before its paths (GW-03). */
#ifndef LANYARD_LWM2M_TARGET_H
#define LANYARD_LWM2M_TARGET_H

#include "lwm2m/path.h"

enum { LWM_PREFIX_MAX = 39, LWM_TARGET_TEXT_MAX = 1 + LWM_PREFIX_MAX + LWM_PATH_TEXT_MAX };

/* n 0: none, it is the endpoint itself. */
struct lwm_prefix {
	uint8_t n;
	char text[LWM_PREFIX_MAX];
};

struct lwm_target {
	struct lwm_prefix prefix;
	struct lwm_path path;
};

/* Why no path could begin with it, as the end of a sentence that starts with "its prefix"; NULL:
 * one can. It is one segment of printable ASCII that SenML, a URL and a list of paths can hold, and
 * no number, for that would be an id. */
const char *lwm_prefix_fault(struct span s);
/* ERR_SYNTAX: it has a fault. */
MUST_USE enum err lwm_prefix_set(struct span s, struct lwm_prefix *out);
/* It lives as long as `p`. */
struct span lwm_prefix_span(const struct lwm_prefix *p);
bool lwm_prefix_eq(const struct lwm_prefix *a, const struct lwm_prefix *b);

/* "/d01/3303/0", "3303/0", "d01" (the root of that device). ERR_SYNTAX, ERR_RANGE. */
MUST_USE enum err lwm_target_parse(struct span text, struct lwm_target *out);
/* "/d01/3303/0", "/d01", "/". */
void wr_target(struct writer *w, const struct lwm_prefix *prefix, const struct lwm_path *p);
/* By prefixes, none first, then by paths. */
int lwm_target_cmp(const struct lwm_target *a, const struct lwm_target *b);
/* As lwm_path_to_options; `prefix` stands behind `alt`, and must outlive the message too. */
MUST_USE enum err lwm_target_to_options(const struct lwm_prefix *prefix, const struct lwm_path *p,
	struct span alt, struct msg *m, char *text, size_t text_cap);

#endif
