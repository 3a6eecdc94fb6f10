/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/path.h"

/* One decimal id without leading zeros, from `at` up to a slash or the end; moves `at` there. */
static enum err read_id(struct span text, size_t *at, uint16_t *out)
{
	size_t from = *at;
	uint32_t v = 0;

	for (; *at < text.n && text.p[*at] != '/'; ++*at) {
		uint32_t digit = (uint32_t)text.p[*at] - '0';

		if (digit > 9)
			return ERR_SYNTAX;
		v = v < LWM_ID_NONE ? 10 * v + digit : v;
	}
	if (*at == from || (*at - from > 1 && text.p[from] == '0'))
		return ERR_SYNTAX;
	*out = (uint16_t)v;
	return v < LWM_ID_NONE ? ERR_OK : ERR_RANGE;
}

static enum err parse_id(struct span digits, uint16_t *out)
{
	size_t at = 0;
	enum err e = read_id(digits, &at, out);

	return !e && at < digits.n ? ERR_SYNTAX : e;
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

enum err lwm_path_parse_below(struct span text, struct lwm_path *p)
{
	for (size_t at = 0; at <= text.n; at++) { /* over the slash: an id has to follow */
		enum err e = p->n < 4 ? read_id(text, &at, &p->id[p->n]) : ERR_SYNTAX;

		if (e)
			return e;
		p->n++;
	}
	return ERR_OK;
}

enum err lwm_path_parse(struct span text, struct lwm_path *out)
{
	struct lwm_path p = {0};
	struct span ids = span_sub(text, text.n && text.p[0] == '/', text.n);
	enum err e = ids.n ? lwm_path_parse_below(ids, &p) : ERR_OK;

	if (!e)
		*out = p;
	return e;
}

void lwm_wr_id(struct writer *w, uint16_t id)
{
	uint8_t digits[5];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + id % 10);
		id /= 10;
	} while (id);
	wr_bytes(w, span_sub(SPAN_OF(digits), at, sizeof(digits)));
}

void wr_path(struct writer *w, const struct lwm_path *p)
{
	if (p->n == 0)
		wr_u8(w, '/');
	for (uint8_t i = 0; i < p->n; i++) {
		wr_u8(w, '/');
		lwm_wr_id(w, p->id[i]);
	}
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
	if (p->n < prefix->n)
		return false;
	for (uint8_t i = 0; i < prefix->n; i++)
		if (p->id[i] != prefix->id[i])
			return false;
	return true;
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
