/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: path segments and query parameters, percent-decoded (RFC 3986). */
#ifndef LANYARD_ADMIN_URL_H
#define LANYARD_ADMIN_URL_H

#include "admin/problem.h"
#include "base/arena.h"

enum { URL_SEGMENTS_MAX = 12, URL_PARAMS_MAX = 12 };

struct url_param {
	struct span name, value;
};

struct url {
	struct span segment[URL_SEGMENTS_MAX];
	size_t segment_n;
	struct url_param param[URL_PARAMS_MAX];
	size_t param_n;
};

/* Splits at slashes first and decodes then, so that a %2F stays inside its segment. A plus sign is
 * a plus sign. 400 in `fail` for a bad escape, too many parts or a parameter given twice. Decoded
 * text is in the arena. */
MUST_USE bool url_parse(struct span path, struct span query, struct arena *a, struct url *out,
	struct adm_fail *fail);
/* A path segment: all but unreserved characters percent-encoded. */
void wr_url_segment(struct writer *w, struct span s);
/* NULL if it was not given. */
const struct span *url_param(const struct url *u, const char *name);
/* `preset` if absent; 400 if it is not a number from min to max. */
MUST_USE bool url_number(const struct url *u, const char *name, uint64_t min, uint64_t max,
	uint64_t preset, uint64_t *out, struct adm_fail *fail);
/* Refuses parameters that are not in the list of words. */
MUST_USE bool url_known(const struct url *u, const char *words, struct adm_fail *fail);

/* Percent-encodes all but unreserved characters (RFC 3986 section 2.3). */
void wr_url(struct writer *w, struct span s);

#endif
