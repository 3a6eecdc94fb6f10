/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/version.h"

enum err lwm_version_parse(struct span text, uint8_t *out)
{
	uint64_t major, minor;
	enum err e;

	if (text.n < 3 || text.p[text.n - 2] != '.')
		return ERR_SYNTAX;
	e = span_to_u64(span_sub(text, 0, text.n - 2), 24, &major);
	if (e)
		return e;
	e = span_to_u64(span_sub(text, text.n - 1, 1), 9, &minor);
	if (e)
		return e;
	*out = (uint8_t)(10 * major + minor);
	return ERR_OK;
}

void wr_version(struct writer *w, uint8_t version)
{
	wr_fmt(w, "%u.%u", version / 10, version % 10);
}
