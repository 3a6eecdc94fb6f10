/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span span_make(const void *p, size_t n)
{
	return (struct span){p, n};
}

struct span span_str(const char *s)
{
	return s ? (struct span){(const uint8_t *)s, strlen(s)} : SPAN_EMPTY;
}

bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

int span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

enum err span_to_str(struct span s, char *out, size_t out_cap)
{
	if (out_cap == 0)
		return ERR_SPACE;
	out[0] = '\0';
	if (s.n && memchr(s.p, '\0', s.n))
		return ERR_SYNTAX;
	if (s.n >= out_cap)
		return ERR_SPACE;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return ERR_OK;
}

enum err span_to_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (s.n == 0)
		return ERR_SYNTAX;
	/* All digits are looked at even after an overflow: a letter behind them is a syntax error.
	 */
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return ERR_SYNTAX;
		over |= __builtin_mul_overflow(v, 10, &v);
		over |= __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v);
	}
	if (over || v > max)
		return ERR_RANGE;
	*out = v;
	return ERR_OK;
}

struct reader rd_make(struct span s)
{
	return (struct reader){s.p, s.n, ERR_OK};
}

/* A failed reader has nothing left, so that the length is the only thing the reads test. */
void rd_fail(struct reader *r, enum err e)
{
	if (r->err == ERR_OK)
		r->err = e;
	r->n = 0;
}

static inline const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (n > r->n) {
		rd_fail(r, ERR_SHORT);
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

uint8_t rd_u8(struct reader *r)
{
	const uint8_t *p = take(r, 1);

	return p ? p[0] : 0;
}

uint16_t rd_u16(struct reader *r)
{
	const uint8_t *p = take(r, 2);

	return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

uint32_t rd_u32(struct reader *r)
{
	const uint8_t *p = take(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

uint64_t rd_u64(struct reader *r)
{
	return rd_uint(r, 8);
}

uint64_t rd_uint(struct reader *r, size_t n)
{
	const uint8_t *p;
	uint64_t v = 0;

	if (n > 8)
		rd_fail(r, ERR_RANGE);
	if (n == 0 || !(p = take(r, n)))
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

struct span rd_bytes(struct reader *r, size_t n)
{
	const uint8_t *p;

	/* An empty reader may stand on NULL, which must not be added to. */
	if (n == 0)
		return r->err ? SPAN_EMPTY : (struct span){r->p, 0};
	p = take(r, n);
	return p ? (struct span){p, n} : SPAN_EMPTY;
}

struct span rd_rest(struct reader *r)
{
	return rd_bytes(r, r->n);
}

size_t rd_left(const struct reader *r)
{
	return r->n;
}

enum err rd_end(const struct reader *r)
{
	if (r->err)
		return r->err;
	return r->n ? ERR_SYNTAX : ERR_OK;
}

struct writer wr_make(void *buf, size_t cap)
{
	return (struct writer){buf, cap, 0, ERR_OK};
}

static void wr_fail(struct writer *w, enum err e)
{
	if (w->err == ERR_OK)
		w->err = e;
}

uint8_t *wr_room(struct writer *w, size_t n)
{
	uint8_t *p;

	if (w->err || n > w->cap - w->n) {
		wr_fail(w, ERR_SPACE);
		return NULL;
	}
	p = w->n ? w->p + w->n : w->p;
	w->n += n;
	return p;
}

void wr_u8(struct writer *w, uint8_t v)
{
	uint8_t *p = wr_room(w, 1);

	if (p)
		p[0] = v;
}

void wr_u16(struct writer *w, uint16_t v)
{
	wr_uint(w, v, 2);
}

void wr_u32(struct writer *w, uint32_t v)
{
	wr_uint(w, v, 4);
}

void wr_u64(struct writer *w, uint64_t v)
{
	wr_uint(w, v, 8);
}

void wr_uint(struct writer *w, uint64_t v, size_t n)
{
	uint8_t *p;

	if (n > 8 || (n < 8 && v >> (8 * n))) {
		wr_fail(w, ERR_RANGE);
		return;
	}
	p = wr_room(w, n);
	if (!p)
		return;
	for (size_t i = n; i > 0; i--, v >>= 8)
		p[i - 1] = (uint8_t)v;
}

void wr_bytes(struct writer *w, struct span s)
{
	uint8_t *p = wr_room(w, s.n);

	if (p && s.n)
		memcpy(p, s.p, s.n);
}

void wr_str(struct writer *w, const char *s)
{
	wr_bytes(w, span_str(s));
}

static void wr_vfmt_long(struct writer *w, const char *fmt, va_list ap)
{
	char *text;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0) {
		wr_fail(w, ERR_NOMEM);
		return;
	}
	wr_bytes(w, span_make(text, (size_t)n));
	free(text);
}

/* Not straight into the buffer: printf would want a byte for its NUL, and a text that just fits
 * would lose its last character to it. */
void wr_fmt(struct writer *w, const char *fmt, ...)
{
	char text[256];
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		wr_fail(w, ERR_SYNTAX);
	else if ((size_t)n < sizeof(text))
		wr_bytes(w, span_make(text, (size_t)n));
	else if (w->err || (size_t)n > w->cap - w->n)
		wr_fail(w, ERR_SPACE);
	else
		wr_vfmt_long(w, fmt, again);
	va_end(again);
	va_end(ap);
}

struct span wr_span(const struct writer *w)
{
	return (struct span){w->p, w->n};
}
