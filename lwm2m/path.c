/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/path.h"

#include <string.h>

/* One decimal id, without leading zeros. */
static enum err parse_id(struct span digits, uint16_t *out)
{
	uint64_t v;
	enum err e = span_to_u64(digits, LWM_ID_NONE - 1, &v);

	if (e)
		return e;
	if (digits.n > 1 && digits.p[0] == '0')
		return ERR_SYNTAX;
	*out = (uint16_t)v;
	return ERR_OK;
}

/* Takes the part before the next slash off the front, the slash too. */
static struct span next_segment(struct span *rest)
{
	size_t n = 0;
	struct span seg;

	while (n < rest->n && rest->p[n] != '/')
		n++;
	seg = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n + 1, rest->n);
	return seg;
}

enum err lwm_path_parse(struct span text, struct lwm_path *out)
{
	struct lwm_path p = {0};
	struct span rest = text;

	if (rest.n && rest.p[0] == '/')
		rest = span_sub(rest, 1, rest.n);
	if (rest.n && rest.p[rest.n - 1] == '/')
		return ERR_SYNTAX; /* next_segment cannot tell "3/" from "3" */
	while (rest.n) {
		struct span seg = next_segment(&rest);
		enum err e = p.n < 4 ? parse_id(seg, &p.id[p.n]) : ERR_SYNTAX;

		if (e)
			return e;
		p.n++;
	}
	*out = p;
	return ERR_OK;
}

void wr_path(struct writer *w, const struct lwm_path *p)
{
	if (p->n == 0)
		wr_u8(w, '/');
	for (uint8_t i = 0; i < p->n; i++)
		wr_fmt(w, "/%u", p->id[i]);
}

bool lwm_path_eq(const struct lwm_path *a, const struct lwm_path *b)
{
	return a->n == b->n && lwm_path_under(a, b);
}

int lwm_path_cmp(const struct lwm_path *a, const struct lwm_path *b)
{
	for (uint8_t i = 0; i < a->n && i < b->n; i++)
		if (a->id[i] != b->id[i])
			return a->id[i] < b->id[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

bool lwm_path_under(const struct lwm_path *p, const struct lwm_path *prefix)
{
	return p->n >= prefix->n &&
	       memcmp(p->id, prefix->id, prefix->n * sizeof(prefix->id[0])) == 0;
}

static enum err add_alt(struct span alt, struct msg *m)
{
	struct span rest = alt;
	enum err e = ERR_OK;

	if (rest.n && rest.p[0] == '/')
		rest = span_sub(rest, 1, rest.n);
	if (rest.n && rest.p[rest.n - 1] == '/')
		return ERR_SYNTAX;
	while (rest.n && !e) {
		struct span seg = next_segment(&rest);

		e = seg.n ? msg_add(m, OPT_URI_PATH, seg) : ERR_SYNTAX;
	}
	return e;
}

enum err lwm_path_to_options(
	const struct lwm_path *p, struct span alt, struct msg *m, char *text, size_t text_cap)
{
	struct writer w = wr_make(text, text_cap);
	enum err e = add_alt(alt, m);

	for (uint8_t i = 0; i < p->n && !e; i++) {
		size_t from = w.n;

		wr_fmt(&w, "%u", p->id[i]);
		e = w.err ? w.err
			  : msg_add(m, OPT_URI_PATH, span_sub(wr_span(&w), from, w.n - from));
	}
	return e;
}

enum err lwm_path_from_options(const struct msg *m, size_t skip, struct lwm_path *out)
{
	struct lwm_path p = {0};

	for (const struct opt *o = msg_find(m, OPT_URI_PATH); o; o = msg_next(m, o)) {
		if (skip) {
			skip--;
			continue;
		}
		if (p.n == 4 || parse_id(o->val, &p.id[p.n]))
			return ERR_SYNTAX;
		p.n++;
	}
	*out = p;
	return ERR_OK;
}
