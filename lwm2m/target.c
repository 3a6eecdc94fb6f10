/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/target.h"

#include <string.h>

const char *lwm_prefix_fault(struct span s)
{
	size_t digits = 0;

	if (s.n == 0)
		return "is empty";
	if (s.n > LWM_PREFIX_MAX)
		return "is longer than 39 bytes";
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("/%?#\"\\<>,;", s.p[i]))
			return "has a character that no segment of a path should have";
		digits += s.p[i] >= '0' && s.p[i] <= '9';
	}
	if (digits == s.n)
		return "is a number, so its paths could be those of the gateway itself";
	if (span_eq_str(s, ".") || span_eq_str(s, ".."))
		return "is no name";
	return NULL;
}

enum err lwm_prefix_set(struct span s, struct lwm_prefix *out)
{
	if (lwm_prefix_fault(s))
		return ERR_SYNTAX;
	*out = (struct lwm_prefix){.n = (uint8_t)s.n};
	memcpy(out->text, s.p, s.n);
	return ERR_OK;
}

struct span lwm_prefix_span(const struct lwm_prefix *p)
{
	return span_make(p->text, p->n);
}

bool lwm_prefix_eq(const struct lwm_prefix *a, const struct lwm_prefix *b)
{
	return span_eq(lwm_prefix_span(a), lwm_prefix_span(b));
}

enum err lwm_target_parse(struct span text, struct lwm_target *out)
{
	struct span s = span_sub(text, text.n && text.p[0] == '/', text.n);
	const uint8_t *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	size_t n = slash ? (size_t)(slash - s.p) : s.n;
	struct lwm_target t = {.path = {0}};
	enum err e;

	if (lwm_prefix_set(span_sub(s, 0, n), &t.prefix)) {
		e = lwm_path_parse(text, &t.path);
	} else {
		s = span_sub(s, n + 1, s.n);
		e = slash ? lwm_path_parse_below(s, &t.path) : ERR_OK;
	}
	if (!e)
		*out = t;
	return e;
}

void wr_target(struct writer *w, const struct lwm_prefix *prefix, const struct lwm_path *p)
{
	if (prefix->n) {
		wr_u8(w, '/');
		wr_bytes(w, lwm_prefix_span(prefix));
	}
	if (p->n || !prefix->n)
		wr_path(w, p);
}

int lwm_target_cmp(const struct lwm_target *a, const struct lwm_target *b)
{
	int c = span_cmp(lwm_prefix_span(&a->prefix), lwm_prefix_span(&b->prefix));

	return c ? c : lwm_path_cmp(&a->path, &b->path);
}

enum err lwm_target_to_options(const struct lwm_prefix *prefix, const struct lwm_path *p,
	struct span alt, struct msg *m, char *text, size_t text_cap)
{
	const struct lwm_path root = {0};
	enum err e = lwm_path_to_options(&root, alt, m, text, text_cap);

	if (!e && prefix->n)
		e = msg_add(m, OPT_URI_PATH, lwm_prefix_span(prefix));
	return e ? e : lwm_path_to_options(p, SPAN_EMPTY, m, text, text_cap);
}
