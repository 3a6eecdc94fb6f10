/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/attrs.h"

#include "base/text.h"
#include "lwm2m/format.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_CHARS_MAX = 63, NAME_SHOWN_MAX = 32 };

enum grammar {
	DIGITS,
	SIGNED_DECIMAL, /* ATT-02: the grammar has no minus; a limit may need one */
	DECIMAL,
	BIT,
};

static const struct {
	const char *name;
	enum grammar grammar;
	uint8_t since;
	bool number, boolean; /* only for such Resources, and no higher */
} attrs[LWM_ATTRS] = {
	[LWM_ATTR_PMIN] = {"pmin", DIGITS, 10, false, false},
	[LWM_ATTR_PMAX] = {"pmax", DIGITS, 10, false, false},
	[LWM_ATTR_GT] = {"gt", SIGNED_DECIMAL, 10, true, false},
	[LWM_ATTR_LT] = {"lt", SIGNED_DECIMAL, 10, true, false},
	[LWM_ATTR_ST] = {"st", DECIMAL, 10, true, false},
	[LWM_ATTR_EPMIN] = {"epmin", DIGITS, 11, false, false},
	[LWM_ATTR_EPMAX] = {"epmax", DIGITS, 11, false, false},
	[LWM_ATTR_EDGE] = {"edge", BIT, 12, false, true},
	[LWM_ATTR_CON] = {"con", BIT, 12, false, false},
	[LWM_ATTR_HQMAX] = {"hqmax", DIGITS, 12, false, false},
};

/* What Discover tells and nobody writes. */
static const char *const read_only[] = {"dim", "ver", "ssid", "uri", "lwm2m"};

const char *lwm_attr_name(enum lwm_attr a)
{
	return attrs[a].name;
}

static enum err bad(struct lwm_attr_why *why, struct span name, enum err e, const char *text)
{
	if (why)
		*why = (struct lwm_attr_why){span_sub(name, 0, NAME_SHOWN_MAX), text};
	return e;
}

/* "gt=5" into name and value; value.p is NULL without an equals sign. */
static void split(struct span piece, struct span *name, struct span *value)
{
	const uint8_t *eq = piece.n ? memchr(piece.p, '=', piece.n) : NULL;
	size_t n = eq ? (size_t)(eq - piece.p) : piece.n;

	*name = span_sub(piece, 0, n);
	*value = eq ? span_sub(piece, n + 1, piece.n) : SPAN_EMPTY;
}

static enum err find(struct span name, enum lwm_attr *out, struct lwm_attr_why *why)
{
	for (size_t i = 0; i < LWM_ATTRS; i++)
		if (span_eq_str(name, attrs[i].name)) {
			*out = (enum lwm_attr)i;
			return ERR_OK;
		}
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		if (span_eq_str(name, read_only[i]))
			return bad(why, name, ERR_SYNTAX, "is told by the device and not written");
	return bad(why, name, ERR_SYNTAX, name.n ? "is no attribute" : "an attribute is missing");
}

/* An unknown Resource may be anything; an executable one has no value at all. */
static bool type_fits(enum lwm_attr a, const struct lwm_path *at)
{
	const struct lwm_resource *r = lwm_resource(at->id[0], at->id[2]);
	enum lwm_type t = r ? r->type : LWM_NONE;

	if (!r)
		return true;
	if (attrs[a].boolean)
		return t == LWM_BOOLEAN;
	return t == LWM_INTEGER || t == LWM_UNSIGNED || t == LWM_FLOAT || t == LWM_TIME;
}

static enum err allowed(
	enum lwm_attr a, const struct lwm_path *at, struct span name, struct lwm_attr_why *why)
{
	bool typed = attrs[a].number || attrs[a].boolean;

	if (!at)
		return ERR_OK;
	if (at->n == 0)
		return bad(why, name, ERR_UNSUPPORTED, "has no place above an object");
	if (typed && at->n < 3)
		return bad(why, name, ERR_UNSUPPORTED, "belongs to a resource or its instance");
	if (typed && !type_fits(a, at))
		return bad(why, name, ERR_UNSUPPORTED,
			attrs[a].boolean ? "belongs to a boolean resource"
					 : "belongs to a numeric resource");
	return ERR_OK;
}

static bool all_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static bool is_decimal(struct span s)
{
	const uint8_t *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
	size_t whole = dot ? (size_t)(dot - s.p) : s.n;

	return all_digits(span_sub(s, 0, whole)) &&
	       (!dot || all_digits(span_sub(s, whole + 1, s.n)));
}

static enum err read_decimal(struct span text, bool minus, double *out)
{
	char buf[NUMBER_CHARS_MAX + 1];

	if (!is_decimal(span_sub(text, minus && text.n && text.p[0] == '-', text.n)))
		return ERR_SYNTAX;
	if (span_to_str(text, buf, sizeof(buf)))
		return ERR_RANGE;
	*out = strtod(buf, NULL);
	return ERR_OK;
}

static enum err read_digits(struct span text, uint64_t most, double *out)
{
	uint64_t v;
	enum err e = text.n > NUMBER_CHARS_MAX ? ERR_RANGE : span_to_u64(text, most, &v);

	if (!e)
		*out = (double)v;
	return e;
}

static enum err read_value(
	enum lwm_attr a, struct span name, struct span value, double *out, struct lwm_attr_why *why)
{
	enum err e = ERR_SYNTAX;
	const char *text = "";

	switch (attrs[a].grammar) {
	case DIGITS:
		e = read_digits(value, UINT32_MAX, out);
		text = "only digits are a value";
		break;
	case SIGNED_DECIMAL:
		e = read_decimal(value, true, out);
		text = "only a decimal without exponent is a value";
		break;
	case DECIMAL:
		e = read_decimal(value, false, out);
		text = "only a decimal without sign and exponent is a value";
		break;
	case BIT:
		e = read_digits(value, 1, out) || value.n != 1 ? ERR_SYNTAX : ERR_OK;
		text = "only 0 and 1 are values";
		break;
	}
	return e ? bad(why, name, e, e == ERR_RANGE ? "the number is too large" : text) : ERR_OK;
}

static enum err take(struct span piece, const struct lwm_path *at, uint8_t lwm2m,
	struct lwm_attrs *out, struct lwm_attr_why *why)
{
	struct span name, value;
	enum lwm_attr a;
	enum err e;

	split(piece, &name, &value);
	e = find(name, &a, why);
	if (e)
		return e;
	if ((out->set | out->unset) & LWM_ATTR_BIT(a))
		return bad(why, name, ERR_SYNTAX, "is given twice");
	if (lwm2m && attrs[a].since > lwm2m)
		return bad(
			why, name, ERR_UNSUPPORTED, "is younger than the device's LwM2M version");
	e = allowed(a, at, name, why);
	if (!e && value.n)
		e = read_value(a, name, value, &out->value[a], why);
	if (value.n)
		out->set |= LWM_ATTR_BIT(a);
	else
		out->unset |= LWM_ATTR_BIT(a);
	return e;
}

static bool has(const struct lwm_attrs *a, enum lwm_attr which)
{
	return a->set & LWM_ATTR_BIT(which);
}

static enum err conflict(struct lwm_attr_why *why, enum lwm_attr a, const char *text)
{
	return bad(why, span_str(attrs[a].name), ERR_CONFLICT, text);
}

enum err lwm_attrs_consistent(const struct lwm_attrs *a, struct lwm_attr_why *why)
{
	const double *v = a->value;
	bool limits = has(a, LWM_ATTR_LT) && has(a, LWM_ATTR_GT);

	if (limits && v[LWM_ATTR_LT] >= v[LWM_ATTR_GT])
		return conflict(why, LWM_ATTR_LT, "has to be below gt");
	if (limits && has(a, LWM_ATTR_ST) && v[LWM_ATTR_LT] + 2 * v[LWM_ATTR_ST] >= v[LWM_ATTR_GT])
		return conflict(why, LWM_ATTR_ST, "twice the step has to fit between lt and gt");
	if (has(a, LWM_ATTR_EPMIN) && has(a, LWM_ATTR_EPMAX) &&
		v[LWM_ATTR_EPMIN] >= v[LWM_ATTR_EPMAX])
		return conflict(why, LWM_ATTR_EPMIN, "has to be below epmax");
	return ERR_OK;
}

static enum err finish(const struct lwm_attrs *a, struct lwm_attrs *out, struct lwm_attr_why *why)
{
	enum err e = lwm_attrs_consistent(a, why);

	if (!e && out)
		*out = *a;
	return e;
}

/* Takes the part before the next '&' off the front; true if an '&' stood behind it. */
static bool next_piece(struct span *rest, struct span *piece)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '&', rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) : rest->n;

	*piece = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n + 1, rest->n);
	return end;
}

enum err lwm_attrs_parse(struct span text, const struct lwm_path *at, uint8_t lwm2m,
	struct lwm_attrs *out, struct lwm_attr_why *why)
{
	struct lwm_attrs a = {0};
	struct span piece;
	bool more = true;

	while (more) {
		more = next_piece(&text, &piece);
		enum err e = take(piece, at, lwm2m, &a, why);

		if (e)
			return e;
	}
	return finish(&a, out, why);
}

enum err lwm_attrs_from_options(const struct msg *m, const struct lwm_path *at, uint8_t lwm2m,
	struct lwm_attrs *out, struct lwm_attr_why *why)
{
	struct lwm_attrs a = {0};

	for (const struct opt *o = msg_find(m, OPT_URI_QUERY); o; o = msg_next(m, o)) {
		enum err e = take(o->val, at, lwm2m, &a, why);

		if (e)
			return e;
	}
	return finish(&a, out, why);
}

enum err lwm_attrs_to_options(struct span text, uint16_t which, struct msg *m)
{
	struct span piece, name, value;
	enum lwm_attr a;
	enum err e = ERR_OK;

	for (bool more = true; more && !e;) {
		more = next_piece(&text, &piece);
		split(piece, &name, &value);
		e = find(name, &a, NULL);
		if (!e && which & LWM_ATTR_BIT(a))
			e = msg_add(m, OPT_URI_QUERY, value.n ? piece : name);
	}
	return e;
}

void lwm_attrs_merge(struct lwm_attrs *on, const struct lwm_attrs *change)
{
	on->set = (uint16_t)((on->set | change->set) & ~change->unset);
	for (size_t i = 0; i < LWM_ATTRS; i++)
		if (change->set & LWM_ATTR_BIT(i))
			on->value[i] = change->value[i];
}

/* Whole numbers without the ".0" that a float has elsewhere: all of pmin's family are digits. */
static void wr_number(struct writer *w, double f)
{
	uint8_t buf[2 * NUMBER_CHARS_MAX + 16];
	struct writer n = wr_make(buf, sizeof(buf));
	struct lwm_value v = {.type = LWM_FLOAT, .f = f};

	wr_value_text(&n, &v);
	if (n.err)
		w->err = w->err ? w->err : n.err;
	if (n.n > 2 && n.p[n.n - 2] == '.' && n.p[n.n - 1] == '0')
		n.n -= 2;
	wr_bytes(w, wr_span(&n));
}

void wr_attrs(struct writer *w, const struct lwm_attrs *a)
{
	for (size_t i = 0; i < LWM_ATTRS; i++)
		if (a->set & LWM_ATTR_BIT(i)) {
			wr_fmt(w, ";%s=", attrs[i].name);
			wr_number(w, a->value[i]);
		}
}

void wr_attr_why(struct writer *w, const struct lwm_attr_why *why)
{
	if (why->name.n) {
		wr_escaped(w, why->name);
		wr_str(w, ": ");
	}
	wr_str(w, why->text ? why->text : "");
}
