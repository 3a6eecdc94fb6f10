/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512, EXP10_MAX = 100000 };

struct lwm_number lwm_number_integer(bool minus, uint64_t magnitude)
{
	double f = (double)magnitude;

	return (struct lwm_number){
		.whole = true, .minus = minus, .magnitude = magnitude, .f = minus ? -f : f};
}

struct lwm_number lwm_number_double(double f)
{
	struct lwm_number n = {.fraction = true, .minus = signbit(f) != 0, .f = f};

	/* 2^64 is the first double that does not fit; NaN fails the comparison. */
	n.whole = fabs(f) < 18446744073709551616.0 && trunc(f) == f;
	n.magnitude = n.whole ? (uint64_t)fabs(f) : 0;
	return n;
}

/* Takes ten to the exp10th into the magnitude. False if it would not stay whole or fit. */
static bool scale(uint64_t *magnitude, int64_t exp10)
{
	if (*magnitude == 0)
		return true;
	for (; exp10 > 0; exp10--)
		if (__builtin_mul_overflow(*magnitude, 10, magnitude))
			return false;
	for (; exp10 < 0 && *magnitude % 10 == 0; exp10++)
		*magnitude /= 10;
	return exp10 == 0;
}

static int64_t clamp(int64_t v, int64_t most)
{
	return v < -most ? -most : v > most ? most : v;
}

struct lwm_number lwm_number_decimal(bool minus, uint64_t magnitude, int64_t exp10)
{
	struct lwm_number n;
	char text[64];
	uint64_t whole = magnitude;

	if (scale(&whole, exp10)) {
		n = lwm_number_integer(minus, whole);
		n.fraction = true;
		return n;
	}
	snprintf(text, sizeof(text), "%s%llue%lld", minus ? "-" : "", (unsigned long long)magnitude,
		(long long)clamp(exp10, EXP10_MAX));
	return (struct lwm_number){.minus = minus, .fraction = true, .f = strtod(text, NULL)};
}

/* The digits so far: magnitude, then `zeros` zeros that need not be told apart from an exponent. */
struct digits {
	uint64_t magnitude;
	int64_t zeros, behind_point;
	bool over, point;
};

static void add_digit(struct digits *d, uint8_t c)
{
	d->behind_point += d->point;
	if (c == '0') {
		d->zeros += d->magnitude != 0;
		return;
	}
	d->over |= !scale(&d->magnitude, d->zeros + 1);
	d->over |= __builtin_add_overflow(d->magnitude, (uint64_t)(c - '0'), &d->magnitude);
	d->zeros = 0;
}

static int64_t read_exp10(struct span s)
{
	bool minus = s.n && s.p[0] == '-';
	bool sign = s.n && (s.p[0] == '-' || s.p[0] == '+');
	uint64_t v;

	if (span_to_u64(span_sub(s, sign, s.n), EXP10_MAX, &v))
		v = EXP10_MAX;
	return minus ? -(int64_t)v : (int64_t)v;
}

enum err lwm_number_parse(struct span text, struct lwm_number *out)
{
	struct digits d = {0};
	char buf[TEXT_MAX];
	bool minus = text.n && text.p[0] == '-', exponent = false;
	int64_t exp10 = 0;

	if (text.n >= sizeof(buf))
		return ERR_RANGE;
	for (size_t i = minus; i < text.n && !exponent; i++) {
		exponent = text.p[i] == 'e' || text.p[i] == 'E';
		if (exponent)
			exp10 = read_exp10(span_sub(text, i + 1, text.n));
		else if (text.p[i] == '.')
			d.point = true;
		else
			add_digit(&d, text.p[i]);
	}
	*out = (struct lwm_number){0};
	if (!d.over && scale(&d.magnitude, exp10 + d.zeros - d.behind_point)) {
		*out = lwm_number_integer(minus, d.magnitude);
	} else {
		out->minus = minus;
		if (span_to_str(text, buf, sizeof(buf)) == ERR_OK)
			out->f = strtod(buf, NULL);
	}
	out->fraction = d.point || exponent;
	return ERR_OK;
}

static bool add_whole(
	const struct lwm_number *a, const struct lwm_number *b, struct lwm_number *sum)
{
	uint64_t magnitude;

	if (!a->whole || !b->whole)
		return false;
	if (a->minus == b->minus) {
		if (__builtin_add_overflow(a->magnitude, b->magnitude, &magnitude))
			return false;
		*sum = lwm_number_integer(a->minus, magnitude);
		return true;
	}
	if (a->magnitude < b->magnitude)
		return add_whole(b, a, sum);
	*sum = lwm_number_integer(
		a->minus && a->magnitude != b->magnitude, a->magnitude - b->magnitude);
	return true;
}

struct lwm_number lwm_number_add(const struct lwm_number *a, const struct lwm_number *b)
{
	struct lwm_number sum;

	if (!add_whole(a, b, &sum))
		sum = lwm_number_double(a->f + b->f);
	sum.fraction = a->fraction || b->fraction;
	return sum;
}

bool lwm_number_to_int64(const struct lwm_number *n, int64_t *out)
{
	if (!n->whole || n->magnitude > (n->minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX))
		return false;
	*out = (int64_t)(n->minus ? 0 - n->magnitude : n->magnitude);
	return true;
}

bool lwm_number_to_uint64(const struct lwm_number *n, uint64_t *out)
{
	if (!n->whole || (n->minus && n->magnitude))
		return false;
	*out = n->magnitude;
	return true;
}

void lwm_wr_double(struct writer *w, double f)
{
	char text[32];

	if (!isfinite(f)) {
		w->err = w->err ? w->err : ERR_RANGE;
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, f);
		if (strtod(text, NULL) == f)
			break;
	}
	wr_str(w, text);
	if (!strpbrk(text, ".e"))
		wr_str(w, ".0");
}
