/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints whose names look like one that nobody has. */
#include "cmd/core_impl.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Of a larger directory a part is looked through: nothing else goes on meanwhile. */
enum { FAR = 3, WIDTH = 256, LOOKED_AT_MAX = 100000 };

static int least(int a, int b, int c)
{
	int m = a < b ? a : b;
	return m < c ? m : c;
}

static bool same(uint8_t a, uint8_t b)
{
	return tolower(a) == tolower(b);
}

/* How many letters have to be changed, added or left out; FAR or more: too many. Case does not
 * count. Cells further than FAR from the diagonal cannot matter. */
static int distance(struct span a, struct span b)
{
	int row[WIDTH + 1], n = (int)b.n;
	if (a.n > WIDTH || b.n > WIDTH || a.n > b.n + FAR || b.n > a.n + FAR)
		return FAR;
	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 1; i <= (int)a.n; i++) {
		int from = i > FAR ? i - FAR : 1, to = i + FAR < n ? i + FAR : n;
		int before = row[from - 1], best = FAR;
		row[from - 1] = from == 1 ? i : FAR;
		for (int j = from; j <= to; j++) {
			int was = row[j];
			row[j] = least(
				before + !same(a.p[i - 1], b.p[j - 1]), was + 1, row[j - 1] + 1);
			best = row[j] < best ? row[j] : best;
			before = was;
		}
		if (best >= FAR)
			return FAR;
	}
	return row[n];
}

static bool begins(struct span name, struct span with)
{
	return with.n >= FAR && name.n > with.n &&
	       !strncasecmp((const char *)name.p, (const char *)with.p, with.n);
}

/* 0: it is called so elsewhere; FAR: nothing like it. */
static int likeness(const struct endpoint *e, struct span name)
{
	if (span_eq(ep_bs_name(e), name) || span_eq(ep_rd_name(e), name))
		return 0;
	int d = distance(ep_name(e), name);
	return d == FAR && begins(ep_name(e), name) ? FAR - 1 : d;
}

/* The nearest first, of equals the first by name. */
void core_similar(const struct core *c, struct span name, struct adm_explanation *out)
{
	int how[ADM_SIMILAR_MAX];
	size_t cursor = 0, n = 0, seen = 0;
	for (const struct endpoint *e;
		seen++ < LOOKED_AT_MAX && (e = map_next(&c->dir.by_name, &cursor));) {
		int d = likeness(e, name);
		if (d >= FAR)
			continue;
		size_t at = n;
		while (at && (how[at - 1] > d || (how[at - 1] == d && span_cmp(out->similar[at - 1],
									      ep_name(e)) > 0)))
			at--;
		if (at == ADM_SIMILAR_MAX)
			continue;
		n += n < ADM_SIMILAR_MAX;
		memmove(&how[at + 1], &how[at], (n - 1 - at) * sizeof(*how));
		memmove(&out->similar[at + 1], &out->similar[at],
			(n - 1 - at) * sizeof(*out->similar));
		how[at] = d;
		out->similar[at] = ep_name(e);
	}
	out->similar_n = n;
}
