/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/json.h"

#include "base/secret.h"
#include "base/text.h"
#include "lwm2m/json.h"

#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* An integer token fits 64 bits, signed if it has a minus. */
static bool integer_fits(struct span token)
{
	bool minus = token.n && token.p[0] == '-';
	uint64_t v;

	token = span_sub(token, minus, token.n);
	return span_to_u64(token, minus ? (uint64_t)INT64_MAX + 1 : UINT64_MAX, &v) != ERR_RANGE;
}

static bool in_number(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* How long the number at the front is; false if it is an integer that does not fit. */
static bool number(struct span s, size_t *n)
{
	bool whole = true;

	for (*n = 0; *n < s.n && in_number(s.p[*n]); ++*n)
		whole = whole && (s.p[*n] == '-' || (s.p[*n] >= '0' && s.p[*n] <= '9'));
	return *n == 0 || !whole || integer_fits(span_sub(s, 0, *n));
}

/* The number behind "\u"; 0 if there is none. */
static uint32_t escaped_unit(struct span s)
{
	uint8_t unit[2] = {0};
	struct writer w = wr_make(unit, sizeof(unit));

	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u' || hex_decode(span_sub(s, 2, 4), &w))
		return 0;
	return (uint32_t)(unit[0] << 8 | unit[1]);
}

/* How long the escape at the front is, a pair of them if it takes two. False for what json-c puts
 * another character in the place of: half a pair, and a pair whose character has low 16 bits from
 * D800 to DFFF. */
static bool escape(struct span s, size_t *n)
{
	uint32_t high = escaped_unit(s), low = escaped_unit(span_sub(s, 6, s.n));

	*n = 2;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	*n = 12;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return false;
	return (((high - 0xd800) << 10 | (low - 0xdc00)) & 0xf800) != 0xd800;
}

/* What json-c lets pass though it is no JSON, or bends: found before it sees the text. */
static const char *objection(struct span s)
{
	bool quoted = false;

	for (size_t at = 0; at < s.n; at++) {
		size_t n = 0;

		if (quoted && s.p[at] == '\\' && !escape(span_sub(s, at, s.n), &n))
			return "this character cannot be read as an escape, only as itself";
		else if (quoted && s.p[at] == '\\')
			;
		else if (s.p[at] == '"')
			quoted = !quoted;
		else if (quoted && s.p[at] < 0x20)
			return "a control character in a string has to be escaped";
		else if (quoted)
			continue;
		else if (s.p[at] == '\'')
			return "names and strings stand in double quotes";
		else if (!number(span_sub(s, at, s.n), &n))
			return "a number is beyond 64 bits";
		at += n ? n - 1 : 0;
	}
	return NULL;
}

static void wipe_string(struct json_object *o)
{
	/* The string is ours to overwrite: nobody else holds the object. */
	secret_wipe((void *)(uintptr_t)json_object_get_string(o),
		(size_t)json_object_get_string_len(o));
}

/* Depth is bounded by the tokener's limit. */
static void wipe(struct json_object *o)
{
	if (json_object_is_type(o, json_type_string)) {
		wipe_string(o);
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			wipe(json_object_array_get_idx(o, i));
	} else if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, name, v)
		{
			(void)name;
			wipe(v);
		}
	}
}

void js_free(struct json_object *o)
{
	wipe(o);
	json_object_put(o);
}

/* What a failed parse leaves behind inside the tokener, and its scratch buffer, hold parts of the
 * text; json-c frees them as they are. There is no call for this, only its open structure. */
static void tokener_free(struct json_tokener *t)
{
	if (json_tokener_get_error(t) != json_tokener_success)
		for (int i = 0; i <= t->depth; i++)
			wipe(t->stack[i].current);
	if (t->pb && t->pb->buf)
		secret_wipe(t->pb->buf, (size_t)t->pb->size);
	json_tokener_free(t);
}

static struct json_tokener *tokener_new(size_t text_n)
{
	struct json_tokener *t = json_tokener_new_ex(JS_DEPTH_MAX);

	if (!t)
		return NULL;
	/* Large enough from the start: growing would leave copies behind. */
	if (printbuf_memset(t->pb, -1, 0, (int)text_n + 1) < 0) {
		json_tokener_free(t);
		return NULL;
	}
	printbuf_reset(t->pb);
	return t;
}

static bool not_finite(struct json_object *o)
{
	bool bad = false;

	if (json_object_is_type(o, json_type_double))
		return !isfinite(json_object_get_double(o));
	if (json_object_is_type(o, json_type_array))
		for (size_t i = 0; i < json_object_array_length(o) && !bad; i++)
			bad = not_finite(json_object_array_get_idx(o, i));
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, name, v)
		{
			(void)name;
			bad = bad || not_finite(v);
		}
	}
	return bad;
}

static struct json_object *parse(struct span text, struct adm_fail *fail)
{
	struct json_tokener *t = tokener_new(text.n);
	struct json_object *o;

	if (!t) {
		adm_fail_set(fail, 500, "internal", NULL, "out of memory");
		return NULL;
	}
	o = json_tokener_parse_ex(t, (const char *)text.p, (int)text.n);
	if (json_tokener_get_error(t) == json_tokener_continue && !o)
		adm_fail_set(fail, 400, "bad-json", NULL, "the JSON text ends too early");
	else if (!o || json_tokener_get_parse_end(t) != text.n)
		adm_fail_set(fail, 400, "bad-json", NULL, "%s at byte %zu",
			o ? "text behind the object"
			  : json_tokener_error_desc(json_tokener_get_error(t)),
			json_tokener_get_parse_end(t));
	tokener_free(t);
	return o;
}

bool js_parse(struct span text, struct json_object **out, struct adm_fail *fail)
{
	struct json_object *o = NULL;
	const char *why;

	*out = NULL;
	if (text.n == 0)
		return adm_fail_set(fail, 400, "bad-json", NULL, "a JSON object is needed");
	if (text.n >= INT_MAX)
		return adm_fail_set(fail, 413, "bad-json", NULL, "the body is too long");
	why = objection(text);
	if (why)
		return adm_fail_set(fail, 400, "bad-json", NULL, "%s", why);
	o = parse(text, fail);
	if (o && !fail->status && !lwm_json_valid(text))
		adm_fail_set(fail, 400, "bad-json", NULL, "the text is no JSON in UTF-8");
	else if (o && !json_object_is_type(o, json_type_object))
		adm_fail_set(fail, 400, "bad-json", NULL, "the body must be a JSON object");
	else if (not_finite(o))
		adm_fail_set(fail, 400, "bad-json", NULL, "a number is not finite");
	if (fail->status) {
		js_free(o);
		return false;
	}
	*out = o;
	return true;
}

bool js_fail(struct js_in *in, const char *name, const char *what)
{
	char field[64];

	snprintf(field, sizeof(field), "%s%s", in->prefix ? in->prefix : "", name);
	return adm_fail_set(in->fail, 422, "invalid", field, "%s: %s", field, what);
}

static bool listed(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void js_known(struct js_in *in, const char *const *names)
{
	char known[200];
	struct writer w = wr_make(known, sizeof(known) - 1);

	for (size_t i = 0; names[i]; i++)
		wr_fmt(&w, "%s%s", i ? ", " : "", names[i]);
	known[w.n] = '\0';
	json_object_object_foreach(in->obj, name, v)
	{
		(void)v;
		/* Not quoted: a misplaced secret may stand here. */
		if (!listed(names, name))
			adm_fail_set(in->fail, 422, "invalid", NULL,
				"a member has an unknown name; known are %s", known);
	}
}

struct json_object *js_member(const struct js_in *in, const char *name)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(in->obj, name, &v);
	return v;
}

struct span js_string(struct json_object *v)
{
	if (!json_object_is_type(v, json_type_string))
		return SPAN_EMPTY;
	return span_make(json_object_get_string(v), (size_t)json_object_get_string_len(v));
}

/* The member if it is a string; `has` tells whether there is one at all. */
static bool string_member(struct js_in *in, const char *name, struct span *out, bool *has)
{
	struct json_object *v = js_member(in, name);

	*out = SPAN_EMPTY;
	if (has)
		*has = v != NULL;
	if (!v)
		return false;
	if (!json_object_is_type(v, json_type_string))
		return js_fail(in, name, "must be a string");
	*out = js_string(v);
	return true;
}

struct span js_text(struct js_in *in, const char *name, size_t min, size_t max, bool *has)
{
	struct span s;
	char what[64];

	if (!string_member(in, name, &s, has))
		return SPAN_EMPTY;
	snprintf(what, sizeof(what), "must have %zu to %zu bytes and no NUL", min, max);
	if (s.n < min || s.n > max || (s.n && memchr(s.p, 0, s.n))) {
		js_fail(in, name, what);
		return SPAN_EMPTY;
	}
	return s;
}

struct span js_hex(
	struct js_in *in, struct arena *a, const char *name, size_t min, size_t max, bool *has)
{
	struct span s;
	struct writer w;
	char what[64];
	uint8_t *p;

	if (!string_member(in, name, &s, has))
		return SPAN_EMPTY;
	snprintf(what, sizeof(what), "must be %zu to %zu bytes in hex", min, max);
	if (s.n % 2 || s.n / 2 < min || s.n / 2 > max) {
		js_fail(in, name, what);
		return SPAN_EMPTY;
	}
	p = arena_alloc(a, s.n / 2);
	w = wr_make(p, s.n / 2);
	if (!p || hex_decode(s, &w)) {
		js_fail(in, name, p ? what : "out of memory");
		return SPAN_EMPTY;
	}
	return span_make(p, w.n);
}

bool js_int64(struct json_object *v, int64_t *out)
{
	if (!json_object_is_type(v, json_type_int))
		return false;
	*out = json_object_get_int64(v);
	/* json-c keeps what is above INT64_MAX as unsigned and clamps here. */
	return *out != INT64_MAX || json_object_get_uint64(v) == (uint64_t)INT64_MAX;
}

bool js_uint64(struct json_object *v, uint64_t *out)
{
	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
		return false;
	*out = json_object_get_uint64(v);
	return true;
}

bool js_number(struct json_object *v, double *out)
{
	if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
		return false;
	*out = json_object_get_double(v);
	return isfinite(*out);
}

uint64_t js_u64(struct js_in *in, const char *name, uint64_t max, uint64_t preset, bool *has)
{
	struct json_object *v = js_member(in, name);
	uint64_t u;
	char what[64];

	if (has)
		*has = v != NULL;
	if (!v)
		return preset;
	if (js_uint64(v, &u) && u <= max)
		return u;
	snprintf(what, sizeof(what), "must be an integer from 0 to %llu", (unsigned long long)max);
	js_fail(in, name, what);
	return preset;
}

bool js_bool(struct js_in *in, const char *name, bool *has)
{
	struct json_object *v = js_member(in, name);

	*has = v != NULL;
	if (v && !json_object_is_type(v, json_type_boolean))
		return js_fail(in, name, "must be true or false");
	return v && json_object_get_boolean(v);
}

int js_choice(struct js_in *in, const char *name, const char *const *words, bool *has)
{
	struct span s;
	char what[128];
	struct writer w = wr_make(what, sizeof(what) - 1);

	if (!string_member(in, name, &s, has))
		return 0;
	wr_str(&w, "must be one of");
	for (int i = 0; words[i]; i++) {
		if (span_eq_str(s, words[i]))
			return i;
		wr_fmt(&w, " %s", words[i]);
	}
	what[w.n] = '\0';
	js_fail(in, name, what);
	return 0;
}
