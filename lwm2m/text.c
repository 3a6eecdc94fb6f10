/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 0: one value as text (FMT-40), and the text form of values in general. */
#include "base/text.h"
#include "lwm2m/codec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest number we read. The longest we write is 345: a sign, "0.", 323 zeros, 17 digits. */
enum { NUMBER_MAX = 512 };

/* "3.0" is the integer 3 to some clients (CT-76): a fraction of nothing but zeros is cut off. */
static enum err cut_zero_fraction(struct span *text)
{
	const uint8_t *dot = text->n ? memchr(text->p, '.', text->n) : NULL;
	size_t whole = dot ? (size_t)(dot - text->p) : text->n;

	if (!dot)
		return ERR_OK;
	for (size_t i = whole + 1; i < text->n; i++)
		if (text->p[i] != '0')
			return ERR_SYNTAX;
	if (whole + 1 == text->n)
		return ERR_SYNTAX;
	*text = span_sub(*text, 0, whole);
	return ERR_OK;
}

static enum err parse_unsigned(struct span text, uint64_t *out)
{
	enum err e = cut_zero_fraction(&text);

	return e ? e : span_to_u64(text, UINT64_MAX, out);
}

static enum err parse_integer(struct span text, int64_t *out)
{
	bool minus = text.n && text.p[0] == '-';
	uint64_t most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX, v;
	enum err e = cut_zero_fraction(&text);

	if (!e)
		e = span_to_u64(span_sub(text, minus, text.n), most, &v);
	if (!e)
		*out = (int64_t)(minus ? 0 - v : v);
	return e;
}

static size_t skip_digits(struct span s, size_t at)
{
	while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
		at++;
	return at;
}

/* strtod alone would take spaces, hexadecimal, "inf" and "nan". */
static bool is_decimal(struct span s)
{
	size_t from = s.n && s.p[0] == '-', at = skip_digits(s, from);
	size_t digits = at - from;

	if (at < s.n && s.p[at] == '.') {
		from = at + 1;
		at = skip_digits(s, from);
		digits += at - from;
	}
	if (digits && at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		from = at + 1;
		from += from < s.n && (s.p[from] == '-' || s.p[from] == '+');
		at = skip_digits(s, from);
		digits = at - from;
	}
	return digits && at == s.n;
}

static enum err parse_float(struct span text, double *out)
{
	char buf[NUMBER_MAX];
	double v;

	if (!is_decimal(text) || span_to_str(text, buf, sizeof(buf)))
		return ERR_SYNTAX;
	v = strtod(buf, NULL);
	if (!isfinite(v))
		return ERR_RANGE;
	*out = v;
	return ERR_OK;
}

static enum err parse_bool(struct span text, bool *out)
{
	if (text.n != 1 || (text.p[0] != '0' && text.p[0] != '1'))
		return ERR_SYNTAX;
	*out = text.p[0] == '1';
	return ERR_OK;
}

static enum err parse_opaque(struct span text, struct arena *a, struct span *out)
{
	size_t cap = text.n / 4 * 3 + 3;
	struct writer w = wr_make(arena_alloc(a, cap), cap);
	enum err e = w.p ? base64_decode(text, &w) : ERR_NOMEM;

	if (!e)
		*out = wr_span(&w);
	return e;
}

enum err lwm_objlnk_parse(struct span text, struct lwm_value *out)
{
	const uint8_t *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	size_t at = colon ? (size_t)(colon - text.p) : 0;
	uint64_t oid, iid;
	enum err e = span_to_u64(span_sub(text, 0, at), UINT16_MAX, &oid);

	if (!e)
		e = span_to_u64(span_sub(text, at + 1, text.n), UINT16_MAX, &iid);
	if (e)
		return e;
	*out = (struct lwm_value){.type = LWM_OBJLNK, .link = {(uint16_t)oid, (uint16_t)iid}};
	return ERR_OK;
}

enum err lwm_value_from_text(
	struct span text, enum lwm_type type, struct arena *a, struct lwm_value *out)
{
	struct lwm_value v = {.type = type == LWM_NONE ? LWM_STRING : type};
	enum err e = ERR_OK;

	switch (v.type) {
	case LWM_NONE:
	case LWM_STRING:
	case LWM_CORELNK:
		v.bytes = text;
		e = utf8_valid(text) ? ERR_OK : ERR_SYNTAX;
		break;
	case LWM_INTEGER:
	case LWM_TIME:
		e = parse_integer(text, &v.i);
		break;
	case LWM_UNSIGNED:
		e = parse_unsigned(text, &v.u);
		break;
	case LWM_FLOAT:
		e = parse_float(text, &v.f);
		break;
	case LWM_BOOLEAN:
		e = parse_bool(text, &v.b);
		break;
	case LWM_OPAQUE:
		e = parse_opaque(text, a, &v.bytes);
		break;
	case LWM_OBJLNK:
		e = lwm_objlnk_parse(text, &v);
		break;
	}
	if (!e)
		*out = v;
	return e;
}

/* The digits of "d.ddde-5" placed around the point, since FMT-40 wants no exponent. */
static void wr_positional(struct writer *w, const char *digits, size_t n, int exp10)
{
	if (exp10 < 0) {
		wr_str(w, "0.");
		for (int i = -1; i > exp10; i--)
			wr_u8(w, '0');
		wr_bytes(w, span_make(digits, n));
		return;
	}
	for (size_t i = 0; i < n || i <= (size_t)exp10; i++) {
		if (i == (size_t)exp10 + 1)
			wr_u8(w, '.');
		wr_u8(w, i < n ? (uint8_t)digits[i] : '0');
	}
	if (n <= (size_t)exp10 + 1)
		wr_str(w, ".0");
}

/* The fewest digits that read back as the same double; a whole number ends in ".0". */
static void wr_float(struct writer *w, double f)
{
	char sci[32], digits[20];
	const char *c = sci;
	size_t n = 0;

	if (!isfinite(f)) {
		w->err = w->err ? w->err : ERR_RANGE;
		return;
	}
	for (int precision = 0; precision <= 16; precision++) {
		snprintf(sci, sizeof(sci), "%.*e", precision, f);
		if (strtod(sci, NULL) == f)
			break;
	}
	if (*c == '-')
		wr_u8(w, (uint8_t)*c++);
	for (; *c && *c != 'e'; c++)
		if (*c != '.' && n < sizeof(digits))
			digits[n++] = *c;
	wr_positional(w, digits, n, *c ? atoi(c + 1) : 0);
}

void wr_value_text(struct writer *w, const struct lwm_value *v)
{
	switch (v->type) {
	case LWM_NONE:
		break;
	case LWM_STRING:
	case LWM_CORELNK:
		wr_bytes(w, v->bytes);
		break;
	case LWM_INTEGER:
	case LWM_TIME:
		wr_fmt(w, "%lld", (long long)v->i);
		break;
	case LWM_UNSIGNED:
		wr_fmt(w, "%llu", (unsigned long long)v->u);
		break;
	case LWM_FLOAT:
		wr_float(w, v->f);
		break;
	case LWM_BOOLEAN:
		wr_u8(w, v->b ? '1' : '0');
		break;
	case LWM_OPAQUE:
		wr_base64(w, v->bytes);
		break;
	case LWM_OBJLNK:
		wr_fmt(w, "%u:%u", v->link.oid, v->link.iid);
		break;
	}
}

enum err lwm_text_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	enum lwm_type wanted;
	struct lwm_value v;
	struct lwm_record *r;
	enum err e;

	if (base->n < 3)
		return ERR_SYNTAX;
	wanted = lwm_codec_type(o, base);
	e = lwm_value_from_text(payload, wanted, out->arena, &v);
	if (e == ERR_NOMEM)
		return e;
	r = lwm_records_add(out);
	if (!r)
		return out->err;
	r->path = *base;
	if (e)
		lwm_record_bad(r, wanted == LWM_NONE ? LWM_STRING : wanted, payload);
	else
		r->value = v;
	return ERR_OK;
}

enum err lwm_text_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	(void)base;
	(void)o;
	if (!lwm_is_single(v, n) || v->value.type == LWM_NONE)
		return ERR_UNSUPPORTED;
	if (v->value.type == LWM_FLOAT && !isfinite(v->value.f))
		return ERR_UNSUPPORTED;
	wr_value_text(w, &v->value);
	return w->err;
}
