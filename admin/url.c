/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/url.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static struct span decode(struct span s, struct arena *a, struct adm_fail *fail)
{
	uint8_t *to = arena_alloc(a, s.n + 1);
	struct writer w = wr_make(to, to ? s.n : 0);

	if (!to)
		adm_fail_set(fail, 500, "internal", NULL, "out of memory");
	for (size_t at = 0; to && at < s.n; at++) {
		if (s.p[at] != '%') {
			wr_u8(&w, s.p[at]);
			continue;
		}
		if (span_sub(s, at + 1, 2).n < 2 || hex_decode(span_sub(s, at + 1, 2), &w))
			adm_fail_set(fail, 400, "bad-request", NULL,
				"a percent sign without two hex digits in the path or query");
		at += 2;
	}
	return wr_span(&w);
}

/* Takes the part before `sep` off the front. */
static struct span take(struct span *rest, char sep)
{
	const uint8_t *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	size_t n = at ? (size_t)(at - rest->p) : rest->n;
	struct span part = span_sub(*rest, 0, n);

	*rest = span_sub(*rest, n + 1, rest->n);
	return part;
}

/* An empty segment is one too, also behind a trailing slash. */
static void path_parse(struct span path, struct arena *a, struct url *out, struct adm_fail *fail)
{
	bool more = path.n && path.p[0] == '/';

	path = span_sub(path, more, path.n);
	while (more && !fail->status) {
		size_t left = path.n;
		struct span part = take(&path, '/');

		more = part.n < left;
		if (out->segment_n == URL_SEGMENTS_MAX)
			adm_fail_set(fail, 404, "unknown-path", NULL, "the path is too long");
		else
			out->segment[out->segment_n++] = decode(part, a, fail);
	}
}

static void query_parse(struct span query, struct arena *a, struct url *out, struct adm_fail *fail)
{
	while (query.n && !fail->status) {
		struct span part = take(&query, '&');
		struct span name = take(&part, '=');
		struct url_param *p = &out->param[out->param_n];

		if (name.n == 0)
			continue;
		if (out->param_n == URL_PARAMS_MAX) {
			adm_fail_set(fail, 400, "bad-request", NULL, "too many parameters");
			return;
		}
		p->name = decode(name, a, fail);
		p->value = decode(part, a, fail);
		for (size_t i = 0; i < out->param_n; i++)
			if (span_eq(out->param[i].name, p->name))
				adm_fail_set(fail, 400, "bad-request", NULL,
					"a parameter is given twice");
		out->param_n++;
	}
}

bool url_parse(struct span path, struct span query, struct arena *a, struct url *out,
	struct adm_fail *fail)
{
	*out = (struct url){0};
	path_parse(path, a, out, fail);
	query_parse(query, a, out, fail);
	return fail->status == 0;
}

static bool unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("-._~", c));
}

void wr_url_segment(struct writer *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (unreserved(s.p[i]))
			wr_u8(w, s.p[i]);
		else
			wr_fmt(w, "%%%02X", s.p[i]);
}

const struct span *url_param(const struct url *u, const char *name)
{
	for (size_t i = 0; i < u->param_n; i++)
		if (span_eq_str(u->param[i].name, name))
			return &u->param[i].value;
	return NULL;
}

bool url_number(const struct url *u, const char *name, uint64_t min, uint64_t max, uint64_t preset,
	uint64_t *out, struct adm_fail *fail)
{
	const struct span *s = url_param(u, name);

	*out = preset;
	if (!s || (span_to_u64(*s, max, out) == ERR_OK && *out >= min))
		return true;
	return adm_fail_set(fail, 400, "bad-request", name,
		"%s must be a number from %" PRIu64 " to %" PRIu64, name, min, max);
}

static bool is_word(struct span name, struct span words)
{
	while (words.n)
		if (span_eq(take(&words, ' '), name))
			return true;
	return false;
}

bool url_known(const struct url *u, const char *words, struct adm_fail *fail)
{
	for (size_t i = 0; i < u->param_n; i++)
		if (!is_word(u->param[i].name, span_str(words)))
			return adm_fail_set(fail, 400, "bad-request", NULL,
				"an unknown query parameter; this resource takes %s",
				*words ? words : "none");
	return true;
}

void wr_url(struct writer *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || (c && strchr("-._~", c));

		if (plain)
			wr_u8(w, c);
		else
			wr_fmt(w, "%%%02X", c);
	}
}
