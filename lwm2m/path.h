/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_LWM2M_PATH_H
#define LANYARD_LWM2M_PATH_H

#include "base/span.h"
#include "coap/msg.h"

enum { LWM_ID_NONE = 65535, LWM_PATH_TEXT_MAX = 4 * 6 + 1 };

/* Object, Object Instance, Resource, Resource Instance; n of them (0 is the root). */
struct lwm_path {
	uint8_t n;
	uint16_t id[4];
};

/* "/3/0/9", "3/0/9", "/" and "" (both the root). Decimal without leading zeros, ids 0 to 65534
 * (65535 is reserved), at most four. ERR_SYNTAX, ERR_RANGE. */
MUST_USE enum err lwm_path_parse(struct span text, struct lwm_path *out);
/* "0/9": appends one id or more to `p`, which holds some of them on an error. */
MUST_USE enum err lwm_path_parse_below(struct span text, struct lwm_path *p);
/* In decimal. */
void lwm_wr_id(struct writer *w, uint16_t id);
/* "/3/0/9"; the root is "/". */
void wr_path(struct writer *w, const struct lwm_path *p);
bool lwm_path_eq(const struct lwm_path *a, const struct lwm_path *b);
/* By ids, the shorter path first: negative, 0 or positive. */
int lwm_path_cmp(const struct lwm_path *a, const struct lwm_path *b);
/* True if `p` is `prefix` or lies below it. */
bool lwm_path_under(const struct lwm_path *p, const struct lwm_path *prefix);
/* Uri-Path options: the segments of `alt` (an alternate path, "" if none), then the ids. The digits
 * are written into `text` (LWM_PATH_TEXT_MAX bytes at least), which must outlive the message, and
 * so must `alt`. ERR_SYNTAX (an empty segment in `alt`), ERR_SPACE, ERR_LIMIT; `m` may then hold
 * some. */
MUST_USE enum err lwm_path_to_options(
	const struct lwm_path *p, struct span alt, struct msg *m, char *text, size_t text_cap);
/* The ids in the Uri-Path options from the `skip`th on. ERR_SYNTAX if one is no id. */
MUST_USE enum err lwm_path_from_options(const struct msg *m, size_t skip, struct lwm_path *out);

#endif
