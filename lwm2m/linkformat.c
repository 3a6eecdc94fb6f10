/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6690 section 2, with the leniency of FMT-42 and BS-12. */
#include "lwm2m/link.h"

#include <string.h>

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* RFC 3986: what a path and a query are made of; no fragment. */
static bool is_target(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "-._~!$&'()*+,;=:@/?%[]");
}

/* RFC 5987 attr-char, and the star of extended names. */
static bool is_name(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "!#$&+-.^_`|~*");
}

/* RFC 6690 ptokenchar. */
static bool is_token(uint8_t c)
{
	return is_alnum(c) || is_one_of(c, "!#$%&'()*+-./:<=>?@[]^_`{|}~");
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span take_while(struct reader *r, bool (*is)(uint8_t))
{
	size_t n = 0;

	while (n < r->n && is(r->p[n]))
		n++;
	return rd_bytes(r, n);
}

static bool take(struct reader *r, char c)
{
	if (r->n == 0 || r->p[0] != (uint8_t)c)
		return false;
	rd_u8(r);
	return true;
}

static void skip_spaces(struct reader *r)
{
	take_while(r, is_space);
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool escapes_good(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
			return false;
	return true;
}

/* Behind the "<". */
static struct span read_target(struct reader *r)
{
	struct span t = take_while(r, is_target);

	if (t.n == 0 || !take(r, '>') || !escapes_good(t))
		rd_fail(r, ERR_SYNTAX);
	else if (t.n > 1 && t.p[0] == '/' && t.p[1] == '/')
		rd_fail(r, ERR_SYNTAX); /* the name of another host */
	else if (t.n > 1 && t.p[t.n - 1] == '/')
		t.n--;
	return t;
}

/* Behind the opening quote. A backslash keeps its place: no attribute of LwM2M needs one, and a
 * value without it would need memory of its own. */
static struct span read_quoted(struct reader *r)
{
	size_t n = 0;
	struct span s;

	while (n < r->n && r->p[n] != '"') {
		n += r->p[n] == '\\' && n + 1 < r->n;
		if ((r->p[n] < ' ' && r->p[n] != '\t') || r->p[n] == 0x7f)
			rd_fail(r, ERR_SYNTAX);
		n++;
	}
	s = rd_bytes(r, n);
	if (!take(r, '"'))
		rd_fail(r, ERR_SYNTAX);
	return s;
}

static struct lwm_link_attr read_attr(struct reader *r)
{
	struct lwm_link_attr a = {0};

	skip_spaces(r);
	a.name = take_while(r, is_name);
	if (a.name.n == 0)
		rd_fail(r, ERR_SYNTAX);
	skip_spaces(r);
	if (!take(r, '='))
		return a;
	skip_spaces(r);
	if (take(r, '"')) {
		a.value = read_quoted(r);
		return a;
	}
	a.value = take_while(r, is_token);
	if (a.value.n == 0)
		rd_fail(r, ERR_SYNTAX);
	return a;
}

static void add_attr(struct lwm_link *l, struct lwm_link_attr a)
{
	if (l->attr_n < LWM_LINK_ATTRS_MAX)
		l->attr[l->attr_n++] = a;
}

static void read_link(struct reader *r, struct lwm_link *out)
{
	out->attr_n = 0;
	out->target = SPAN_EMPTY;
	if (take(r, '<')) {
		out->target = read_target(r);
	} else {
		add_attr(out, read_attr(r));
		if (!span_eq_str(out->attr[0].name, "lwm2m"))
			rd_fail(r, ERR_SYNTAX);
	}
	skip_spaces(r);
	while (take(r, ';')) {
		add_attr(out, read_attr(r));
		skip_spaces(r);
	}
}

enum err lwm_link_next(struct span *rest, struct lwm_link *out)
{
	struct reader r = rd_make(*rest);

	skip_spaces(&r);
	if (rd_left(&r) == 0)
		return ERR_NOTFOUND;
	read_link(&r, out);
	if (rd_left(&r)) {
		if (!take(&r, ','))
			rd_fail(&r, ERR_SYNTAX);
		skip_spaces(&r);
		if (rd_left(&r) == 0)
			rd_fail(&r, ERR_SYNTAX); /* nothing behind the comma */
	}
	if (r.err) {
		out->attr_n = 0;
		out->target = SPAN_EMPTY;
		return ERR_SYNTAX;
	}
	*rest = rd_rest(&r);
	return ERR_OK;
}

const struct lwm_link_attr *lwm_link_attr(const struct lwm_link *l, const char *name)
{
	for (uint8_t i = 0; i < l->attr_n; i++)
		if (span_eq_str(l->attr[i].name, name))
			return &l->attr[i];
	return NULL;
}

void wr_link_value(struct writer *w, struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		i += value.p[i] == '\\' && i + 1 < value.n;
		wr_u8(w, value.p[i]);
	}
}
