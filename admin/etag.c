/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/etag.h"

#include "base/map.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HALF_CHARS = 16, TAG_CHARS = 2 * HALF_CHARS + 3 /* with quotes and dash */ };

uint64_t etag_hash(const struct adm *a, struct span s)
{
	return siphash24(a->tag_key, s);
}

static struct span trimmed(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_sub(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s = span_sub(s, 0, s.n - 1);
	return s;
}

/* Takes what stands before the next comma. No tag of ours holds one, and another's never matches.
 */
static struct span next_tag(struct span *list)
{
	size_t n = 0;
	struct span one;

	while (n < list->n && list->p[n] != ',')
		n++;
	one = trimmed(span_sub(*list, 0, n));
	*list = span_sub(*list, n + 1, list->n);
	return one;
}

/* Whether a tag of the list is ours in its first n characters. A weak one counts if `weak`. */
static bool listed(struct span list, const char *tag, size_t n, bool weak)
{
	while (list.n) {
		struct span one = next_tag(&list);

		if (weak && one.n > 2 && one.p[0] == 'W' && one.p[1] == '/')
			one = span_sub(one, 2, one.n);
		if (one.n == TAG_CHARS && memcmp(one.p, tag, n) == 0)
			return true;
	}
	return false;
}

static void write_tag(char tag[static TAG_CHARS + 1], uint64_t stored, uint64_t whole)
{
	snprintf(tag, TAG_CHARS + 1, "\"%016" PRIx64 "-%016" PRIx64 "\"", stored, whole);
}

static bool any(struct span list)
{
	return span_eq_str(trimmed(list), "*");
}

bool etag_wanted(const struct adm_req *r)
{
	return req_input_header(r, "If-Match").p || req_input_header(r, "If-None-Match").p;
}

bool etag_precondition(struct adm_req *r, bool exists)
{
	struct span match = req_input_header(r, "If-Match");
	struct span none = req_input_header(r, "If-None-Match");
	char tag[TAG_CHARS + 1];

	write_tag(tag, r->tag, 0);
	if (match.p && !(exists && (any(match) || listed(match, tag, HALF_CHARS + 1, false))))
		return adm_fail_set(&r->fail, 412, "precondition-failed", "If-Match",
			exists ? "it has changed since this tag was given"
			       : "there is no such thing yet");
	if (none.p && exists && (any(none) || listed(none, tag, HALF_CHARS + 1, true)))
		return adm_fail_set(&r->fail, 412, "precondition-failed", "If-None-Match",
			"there is one already");
	return true;
}

bool etag_fresh(struct adm_req *r, struct span body)
{
	struct span none = req_input_header(r, "If-None-Match");
	char tag[TAG_CHARS + 1];

	write_tag(tag, r->tag, etag_hash(r->adm, body));
	req_header(r, "ETag", "", tag);
	return none.p && (any(none) || listed(none, tag, TAG_CHARS, true));
}
