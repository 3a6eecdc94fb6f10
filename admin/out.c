/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/out.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OUT_FIRST = 1024 };

void jo_free(struct jo *o)
{
	free(o->p);
	*o = (struct jo){0};
}

/* Room for n more bytes and a NUL, or NULL. */
static char *room(struct jo *o, size_t n)
{
	size_t cap = o->cap ? o->cap : OUT_FIRST;
	char *p;

	if (o->err)
		return NULL;
	if (n >= SIZE_MAX / 4 - o->n) {
		o->err = ERR_NOMEM;
		return NULL;
	}
	while (cap < o->n + n + 1)
		cap *= 2;
	if (cap != o->cap) {
		p = realloc(o->p, cap);
		if (!p) {
			o->err = ERR_NOMEM;
			return NULL;
		}
		o->p = p;
		o->cap = cap;
	}
	return o->p + o->n;
}

char *jo_take(struct jo *o)
{
	char *p = room(o, 0);

	if (!p) {
		jo_free(o);
		return NULL;
	}
	*p = '\0';
	p = o->p;
	*o = (struct jo){0};
	return p;
}

void jo_raw(struct jo *o, struct span s)
{
	char *to = room(o, s.n);

	if (!to || s.n == 0)
		return;
	memcpy(to, s.p, s.n);
	o->n += s.n;
}

void jo_fmt(struct jo *o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		o->err = o->err ? o->err : ERR_SPACE;
	else
		jo_raw(o, span_make(text, (size_t)n));
}

/* The comma before a member, and its name. A member is the first if an opening bracket (or nothing,
 * or the end of an earlier top-level line) stands before it. */
static void start(struct jo *o, const char *key)
{
	char last = o->n ? o->p[o->n - 1] : '{';

	if (last != '{' && last != '[' && last != '\n' && last != ' ')
		jo_raw(o, SPAN_LIT(","));
	if (key) {
		jo_raw(o, SPAN_LIT("\""));
		jo_raw(o, span_str(key));
		jo_raw(o, SPAN_LIT("\":"));
	}
}

void jo_object(struct jo *o, const char *key)
{
	start(o, key);
	jo_raw(o, SPAN_LIT("{"));
}

void jo_array(struct jo *o, const char *key)
{
	start(o, key);
	jo_raw(o, SPAN_LIT("["));
}

void jo_end_object(struct jo *o)
{
	jo_raw(o, SPAN_LIT("}"));
}

void jo_end_array(struct jo *o)
{
	jo_raw(o, SPAN_LIT("]"));
}

void jo_text(struct jo *o, const char *key, struct span s)
{
	size_t cap = 6 * s.n + 2; /* every byte an escape */
	start(o, key);
	char *to = room(o, cap);
	if (!to)
		return;
	struct writer w = wr_make(to, cap);
	wr_json_string(&w, s);
	o->n += w.n;
}

void jo_str(struct jo *o, const char *key, const char *s)
{
	if (s)
		jo_text(o, key, span_str(s));
	else
		jo_null(o, key);
}

typedef void encode_fn(struct writer *w, struct span s);

static void encoded(struct jo *o, const char *key, struct span s, size_t text_n, encode_fn *encode)
{
	struct writer w;
	char *to;

	start(o, key);
	jo_raw(o, SPAN_LIT("\""));
	to = room(o, text_n);
	if (!to)
		return;
	w = wr_make(to, text_n);
	encode(&w, s);
	o->n += w.n;
	jo_raw(o, SPAN_LIT("\""));
}

void jo_hex(struct jo *o, const char *key, struct span s)
{
	encoded(o, key, s, 2 * s.n, wr_hex);
}

void jo_base64(struct jo *o, const char *key, struct span s)
{
	encoded(o, key, s, (s.n + 2) / 3 * 4, wr_base64);
}

void jo_u64(struct jo *o, const char *key, uint64_t v)
{
	start(o, key);
	jo_fmt(o, "%" PRIu64, v);
}

void jo_i64(struct jo *o, const char *key, int64_t v)
{
	start(o, key);
	jo_fmt(o, "%" PRId64, v);
}

void jo_bool(struct jo *o, const char *key, bool v)
{
	start(o, key);
	jo_raw(o, v ? SPAN_LIT("true") : SPAN_LIT("false"));
}

void jo_double(struct jo *o, const char *key, double v)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	start(o, key);
	jo_raw(o, span_str(text));
}

void jo_null(struct jo *o, const char *key)
{
	start(o, key);
	jo_raw(o, SPAN_LIT("null"));
}

void jo_json(struct jo *o, const char *key, struct span json)
{
	start(o, key);
	jo_raw(o, json);
}

void jo_time(struct jo *o, const char *key, int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;
	char text[32];

	if (wall_s == 0 || !gmtime_r(&t, &tm) ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		jo_null(o, key);
	else
		jo_str(o, key, text);
}
