/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/json.h"

#include "base/text.h"
#include "lwm2m/format.h"

#include <string.h>

struct lwm_json lwm_json_make(struct span in, struct arena *a)
{
	return (struct lwm_json){.in = in, .arena = a};
}

void lwm_json_fail(struct lwm_json *j, enum err e)
{
	if (!j->err)
		j->err = e;
	j->at = j->in.n;
}

/* The byte in front as it is; 0 at the end, which no token has inside. */
static uint8_t front(const struct lwm_json *j)
{
	return j->at < j->in.n ? j->in.p[j->at] : 0;
}

uint8_t lwm_json_peek(struct lwm_json *j)
{
	uint8_t c = front(j);

	while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
		j->at++;
		c = front(j);
	}
	return c;
}

void lwm_json_open(struct lwm_json *j, uint8_t c)
{
	if (lwm_json_peek(j) == c)
		j->at++;
	else
		lwm_json_fail(j, ERR_SYNTAX);
}

bool lwm_json_more(struct lwm_json *j, uint8_t close, size_t *n)
{
	uint8_t c = lwm_json_peek(j);

	if (j->err)
		return false;
	if (c == close) {
		j->at++;
		return false;
	}
	if ((*n)++ > 0)
		lwm_json_open(j, ',');
	return !j->err;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The letter behind a backslash, with the digits of \u. */
static bool scan_escape(struct lwm_json *j)
{
	uint8_t c = front(j);

	if (c == 0 || !strchr("\"\\/bfnrtu", c))
		return false;
	j->at++;
	for (int i = 0; c == 'u' && i < 4; i++, j->at++)
		if (!is_hex(front(j)))
			return false;
	return true;
}

/* A string as it stands, without its quotes. */
static struct span scan_string(struct lwm_json *j, bool *escapes)
{
	size_t from;

	*escapes = false;
	lwm_json_open(j, '"');
	from = j->at;
	while (j->at < j->in.n && j->in.p[j->at] >= 0x20 && j->in.p[j->at] != '"') {
		bool escape = j->in.p[j->at++] == '\\';

		*escapes |= escape;
		if (escape && !scan_escape(j))
			lwm_json_fail(j, ERR_SYNTAX);
	}
	if (front(j) != '"') {
		lwm_json_fail(j, ERR_SYNTAX);
		return SPAN_EMPTY;
	}
	j->at++;
	return span_sub(j->in, from, j->at - 1 - from);
}

/* The four digits of \u. */
static uint32_t read_hex4(struct reader *r)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t c = rd_u8(r);

		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static void wr_utf8(struct writer *w, uint32_t cp)
{
	if (cp < 0x80) {
		wr_u8(w, (uint8_t)cp);
	} else if (cp < 0x800) {
		wr_u8(w, (uint8_t)(0xc0 | cp >> 6));
		wr_u8(w, (uint8_t)(0x80 | (cp & 0x3f)));
	} else if (cp < 0x10000) {
		wr_u8(w, (uint8_t)(0xe0 | cp >> 12));
		wr_u8(w, (uint8_t)(0x80 | (cp >> 6 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (cp & 0x3f)));
	} else {
		wr_u8(w, (uint8_t)(0xf0 | cp >> 18));
		wr_u8(w, (uint8_t)(0x80 | (cp >> 12 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (cp >> 6 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (cp & 0x3f)));
	}
}

/* \u, and a second one if the first is half of a pair. */
static void unescape_u(struct reader *r, struct writer *w)
{
	uint32_t cp = read_hex4(r), low;

	if (cp >= 0xd800 && cp < 0xdc00) {
		if (rd_u8(r) != '\\' || rd_u8(r) != 'u')
			rd_fail(r, ERR_SYNTAX);
		low = read_hex4(r);
		if (low < 0xdc00 || low > 0xdfff)
			rd_fail(r, ERR_SYNTAX);
		cp = 0x10000 + ((cp & 0x3ff) << 10) + (low & 0x3ff);
	} else if (cp >= 0xdc00 && cp < 0xe000) {
		rd_fail(r, ERR_SYNTAX);
	}
	wr_utf8(w, cp);
}

static void unescape(struct reader *r, struct writer *w)
{
	static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
	uint8_t c = rd_u8(r);
	const char *at = c ? strchr(letters, c) : NULL;

	if (c == 'u')
		unescape_u(r, w);
	else
		wr_u8(w, at ? (uint8_t)bytes[at - letters] : c);
}

struct span lwm_json_string(struct lwm_json *j)
{
	bool escapes;
	struct span s = scan_string(j, &escapes);
	struct reader r = rd_make(s);
	struct writer w;

	if (!escapes || j->err)
		return s;
	w = wr_make(arena_alloc(j->arena, s.n), s.n); /* no escape is shorter than what it is for */
	if (!w.p) {
		lwm_json_fail(j, ERR_NOMEM);
		return SPAN_EMPTY;
	}
	while (rd_left(&r)) {
		uint8_t c = rd_u8(&r);

		if (c == '\\')
			unescape(&r, &w);
		else
			wr_u8(&w, c);
	}
	if (r.err || w.err) {
		lwm_json_fail(j, ERR_SYNTAX);
		return SPAN_EMPTY;
	}
	return wr_span(&w);
}

struct span lwm_json_name(struct lwm_json *j)
{
	struct span s = lwm_json_string(j);

	lwm_json_open(j, ':');
	return s;
}

static size_t digits(struct lwm_json *j)
{
	size_t from = j->at;

	while (front(j) >= '0' && front(j) <= '9')
		j->at++;
	return j->at - from;
}

static bool take(struct lwm_json *j, const char *any_of)
{
	uint8_t c = front(j);

	if (c == 0 || !strchr(any_of, c))
		return false;
	j->at++;
	return true;
}

static struct span scan_number(struct lwm_json *j)
{
	size_t from = j->at;
	bool good;

	(void)take(j, "-");
	good = take(j, "0") || digits(j) > 0;
	if (good && take(j, "."))
		good = digits(j) > 0;
	if (good && take(j, "eE")) {
		(void)take(j, "+-");
		good = digits(j) > 0;
	}
	if (!good) {
		lwm_json_fail(j, ERR_SYNTAX);
		return SPAN_EMPTY;
	}
	return span_sub(j->in, from, j->at - from);
}

static void word(struct lwm_json *j, const char *w)
{
	struct span s = span_str(w);

	if (span_eq(span_sub(j->in, j->at, s.n), s))
		j->at += s.n;
	else
		lwm_json_fail(j, ERR_SYNTAX);
}

void lwm_json_value(struct lwm_json *j, struct lwm_arrived *out)
{
	uint8_t c = lwm_json_peek(j);
	size_t from = j->at;

	*out = (struct lwm_arrived){0};
	if (c == '"') {
		out->kind = LWM_ARRIVED_TEXT;
		out->bytes = lwm_json_string(j);
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		out->kind = LWM_ARRIVED_NUMBER;
		if (lwm_number_parse(scan_number(j), &out->number))
			out->kind = LWM_ARRIVED_OTHER;
	} else if (c == 't' || c == 'f') {
		out->kind = LWM_ARRIVED_BOOL;
		out->b = c == 't';
		word(j, out->b ? "true" : "false");
	} else {
		lwm_json_skip(j);
	}
	out->raw = span_sub(j->in, from, j->at - from);
}

static void skip(struct lwm_json *j, int depth);

static void skip_members(struct lwm_json *j, uint8_t open, int depth)
{
	size_t n = 0;
	bool escapes;

	lwm_json_open(j, open);
	while (lwm_json_more(j, open == '[' ? ']' : '}', &n)) {
		if (open == '{') {
			scan_string(j, &escapes);
			lwm_json_open(j, ':');
		}
		skip(j, depth + 1);
	}
}

static void skip(struct lwm_json *j, int depth)
{
	uint8_t c = lwm_json_peek(j);
	bool escapes;

	if (depth == LWM_JSON_DEPTH_MAX)
		lwm_json_fail(j, ERR_SYNTAX);
	else if (c == '[' || c == '{')
		skip_members(j, c, depth);
	else if (c == '"')
		scan_string(j, &escapes);
	else if (c == 't')
		word(j, "true");
	else if (c == 'f')
		word(j, "false");
	else if (c == 'n')
		word(j, "null");
	else
		scan_number(j);
}

void lwm_json_skip(struct lwm_json *j)
{
	skip(j, 0);
}

enum err lwm_json_end(struct lwm_json *j)
{
	uint8_t c = lwm_json_peek(j);

	if (j->err)
		return j->err;
	return c == 0 && j->at == j->in.n ? ERR_OK : ERR_SYNTAX;
}

bool lwm_json_valid(struct span text)
{
	struct lwm_json j = lwm_json_make(text, NULL); /* skipping needs no memory */

	lwm_json_skip(&j);
	return lwm_json_end(&j) == ERR_OK && utf8_valid(text);
}

void lwm_json_base64(struct lwm_json *j, struct lwm_arrived *v)
{
	size_t cap = v->bytes.n / 4 * 3 + 3;
	struct writer w;

	if (v->kind != LWM_ARRIVED_TEXT || j->err) {
		v->kind = LWM_ARRIVED_OTHER;
		return;
	}
	w = wr_make(arena_alloc(j->arena, cap), cap);
	if (!w.p)
		lwm_json_fail(j, ERR_NOMEM);
	v->kind = w.p && base64_decode(v->bytes, &w) == ERR_OK ? LWM_ARRIVED_BYTES
							       : LWM_ARRIVED_OTHER;
	v->bytes = wr_span(&w);
}

void lwm_wr_json_seconds(struct writer *w, double s)
{
	struct lwm_number n = lwm_number_double(s);
	int64_t whole;

	if (lwm_number_to_int64(&n, &whole))
		wr_fmt(w, "%lld", (long long)whole);
	else
		lwm_wr_double(w, s);
}

void lwm_wr_json_value(struct writer *w, const struct lwm_value *v, bool url)
{
	switch (v->type) {
	case LWM_NONE:
		w->err = w->err ? w->err : ERR_UNSUPPORTED;
		break;
	case LWM_STRING:
	case LWM_CORELNK:
		wr_json_string(w, v->bytes);
		break;
	case LWM_INTEGER:
	case LWM_TIME:
	case LWM_UNSIGNED:
		wr_value_text(w, v);
		break;
	case LWM_FLOAT:
		lwm_wr_double(w, v->f);
		break;
	case LWM_BOOLEAN:
		wr_str(w, v->b ? "true" : "false");
		break;
	case LWM_OPAQUE:
		wr_u8(w, '"');
		if (url)
			wr_base64url(w, v->bytes);
		else
			wr_base64(w, v->bytes);
		wr_u8(w, '"');
		break;
	case LWM_OBJLNK:
		wr_fmt(w, "\"%u:%u\"", v->link.oid, v->link.iid);
		break;
	}
}
