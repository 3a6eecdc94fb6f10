/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of tests/vectors, and of the folder VECTORS in the environment, or of the folders
 * given as arguments. A vector is a payload, the path it was asked for, and the records expected;
 * their types come from the expectation, as a server's come from its model. One whose payload must
 * be refused may be read as a value that does not fit (DM-20). */
#include "tests/unit/lwm2m/dump.h"

#include "lwm2m/codec.h"

#include <json-c/json.h>
#include <math.h>

enum { NOW_S = 1700000000, PAYLOAD_MAX = 16384 };

struct vector {
	const char *name, *format, *path;
	struct span payload;
	struct json_object *expect;
	bool error, both;
	struct lwm_path base;
	struct lwm_codec_opts opts;
};

static uint8_t payload_bytes[PAYLOAD_MAX];

static const char *text_of(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && v ? json_object_get_string(v) : NULL;
}

static bool flag_of(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && json_object_get_boolean(v);
}

/* Object 65535 is reserved, but some vectors use it: they run with 65534, whose text is as long. */
static void rename_object(uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 7 <= n; i++)
		if (memcmp(p + i, "/65535/", 7) == 0)
			p[i + 5] = '4';
}

static struct lwm_path path_at(const struct vector *v, const char *text)
{
	char copy[64];
	struct lwm_path p = {3, {65534, 0, 0}};

	if (!text || !*text)
		return v ? v->base : p;
	snprintf(copy, sizeof(copy), "%s", text);
	rename_object((uint8_t *)copy, strlen(copy));
	if (strncmp(copy, "/1/65534/", 9) == 0) { /* a Create's, to be chosen */
		p = (struct lwm_path){3, {1, LWM_ID_NONE, (uint16_t)atoi(copy + 9)}};
		return p;
	}
	if (strncmp(copy, "/lwm2m", 6) == 0)
		memmove(copy, copy + 6, strlen(copy + 6) + 1);
	REQUIRE(lwm_path_parse(span_str(copy), &p) == ERR_OK, text);
	return p;
}

static enum lwm_type expected_type(void *arg, const struct lwm_path *p)
{
	const struct vector *v = arg;

	for (size_t i = 0; i < json_object_array_length(v->expect); i++) {
		struct json_object *e = json_object_array_get_idx(v->expect, i);
		struct lwm_path at = path_at(v, text_of(e, "path"));
		const char *type = text_of(e, "type");

		if (lwm_path_eq(&at, p))
			return type_of_name(type, strlen(type));
	}
	return LWM_NONE;
}

static bool same_float(struct json_object *want, double got)
{
	if (!json_object_is_type(want, json_type_string))
		return json_object_get_double(want) == got;
	return strtod(json_object_get_string(want), NULL) == got ||
	       (isnan(got) && strcmp(json_object_get_string(want), "nan") == 0);
}

static bool same_value(struct json_object *want, const struct lwm_value *got)
{
	static char text[PAYLOAD_MAX];
	struct writer w = wr_make(text, sizeof(text));

	if (got->type == LWM_FLOAT)
		return same_float(want, got->f);
	if (got->type == LWM_BOOLEAN)
		return json_object_is_type(want, json_type_boolean) &&
		       json_object_get_boolean(want) == got->b;
	if (got->type == LWM_OPAQUE)
		wr_hex(&w, got->bytes);
	else if (got->type != LWM_NONE)
		wr_value_text(&w, got);
	if (got->type == LWM_NONE)
		return want == NULL;
	return span_eq_str(wr_span(&w), json_object_get_string(want));
}

static bool same_time(struct json_object *e, const struct lwm_record *r)
{
	struct json_object *t;
	double want;

	if (json_object_object_get_ex(e, "time", &t))
		want = json_object_get_double(t);
	else if (json_object_object_get_ex(e, "time_rel", &t))
		want = NOW_S + json_object_get_double(t);
	else
		return !r->has_time;
	return r->has_time && fabs(r->time_s - want) < 1e-6;
}

/* An alternate path is named as a prefix too, but taken off. */
static bool same_prefix(struct json_object *e, const struct lwm_record *r)
{
	const char *want = text_of(e, "prefix");

	return span_eq_str(r->prefix, want && *want != '/' ? want : "");
}

static bool same_record(const struct vector *v, struct json_object *e, const struct lwm_record *r)
{
	struct lwm_path p = path_at(v, text_of(e, "path"));
	const char *type = text_of(e, "type");
	struct json_object *want = NULL;

	json_object_object_get_ex(e, "value", &want);
	if (!lwm_path_eq(&p, &r->path) || !same_time(e, r) || !same_prefix(e, r))
		return false;
	if (strcmp(type, "name") == 0)
		return r->kind == LWM_RECORD_NAME;
	if (strcmp(type, "delete") == 0)
		return r->kind == LWM_RECORD_DELETE;
	if (strcmp(type, "instance") == 0)
		return r->kind == LWM_RECORD_INSTANCE;
	if (strcmp(type, "multiple") == 0)
		return r->kind == LWM_RECORD_MULTIPLE;
	return r->kind == LWM_RECORD_VALUE && strcmp(type, lwm_type_name(r->value.type)) == 0 &&
	       same_value(want, &r->value);
}

static void check_records(const struct vector *v, const struct lwm_records *r)
{
	size_t n = json_object_array_length(v->expect);

	CHECK(r->n == n, v->name);
	for (size_t i = 0; i < r->n && i < n; i++)
		CHECK(same_record(v, json_object_array_get_idx(v->expect, i), &r->v[i]), v->name);
}

static bool any_bad(const struct lwm_records *r)
{
	bool bad = false;

	for (size_t i = 0; i < r->n; i++)
		bad |= r->v[i].kind == LWM_RECORD_BAD;
	return bad;
}

/* What was read, written again: the same bytes, or in SenML the same records. */
static void check_writing(const struct lwm_format *f, const struct vector *v,
	const struct lwm_records *r, size_t head)
{
	static uint8_t out[PAYLOAD_MAX], second[PAYLOAD_MAX];
	struct lwm_path root = {0}; /* linked records lie outside what was asked for */
	bool senml = f->cf != LWM_CF_TLV && !f->single_only; /* many ways to write the same */
	const struct lwm_path *base = senml && r->n > 1 ? &root : &v->base;
	struct writer w = wr_make(out, sizeof(out));
	struct lwm_records back;

	CHECK(f->encode(r->v, r->n, base, &v->opts, &w) == ERR_OK, v->name);
	if (!senml) {
		struct span value = span_sub(v->payload, head, v->payload.n);

		if (v->both)
			CHECK_BYTES(
				head ? span_sub(wr_span(&w), w.n - value.n, value.n) : wr_span(&w),
				value, v->name);
		return;
	}
	lwm_records_init(&back, r->arena);
	CHECK(f->decode(wr_span(&w), &v->base, &v->opts, &back) == ERR_OK, v->name);
	if (f->cf != LWM_CF_LWM2M_CBOR) {
		check_records(v, &back);
		return;
	}
	/* Written in the order of paths, whatever the order in which they came. */
	struct writer again = wr_make(second, sizeof(second));
	CHECK(back.n == r->n && !f->encode(back.v, back.n, base, &v->opts, &again), v->name);
	CHECK_BYTES(wr_span(&again), wr_span(&w), v->name);
}

static bool is_fetch(struct json_object *expect)
{
	for (size_t i = 0; i < json_object_array_length(expect); i++) {
		const char *type = text_of(json_object_array_get_idx(expect, i), "type");

		if (type && strcmp(type, "name") == 0)
			return true;
	}
	return false;
}

static void run_format(const struct lwm_format *f, struct vector *v, size_t head)
{
	struct lwm_records r;
	struct arena a;
	enum err e;

	v->opts = (struct lwm_codec_opts){.type = expected_type,
		.arg = v,
		.now_s = NOW_S,
		.alt = strncmp(v->path, "/lwm2m", 6) == 0 ? SPAN_LIT("/lwm2m") : SPAN_EMPTY,
		.linked = true,
		.prefixed = true,
		.fetch = is_fetch(v->expect)};
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	e = f->decode(v->payload, &v->base, &v->opts, &r);
	CHECK((e || any_bad(&r)) == v->error, v->name);
	if (!v->error && !e) {
		check_records(v, &r);
		check_writing(f, v, &r, head);
	}
	arena_fini(&a);
}

/* A value of TLV inside a Resource, with the longest of heads. */
static void run_tlv_value(struct vector *v)
{
	static uint8_t bytes[PAYLOAD_MAX];
	struct writer w = wr_make(bytes, sizeof(bytes));

	wr_u16(&w, 0xd800);
	wr_uint(&w, v->payload.n, 3);
	wr_bytes(&w, v->payload);
	v->payload = wr_span(&w);
	run_format(lwm_format(LWM_CF_TLV), v, 5);
}

static void run_path(struct vector *v)
{
	struct json_object *ids = NULL;
	struct lwm_path p = {0};
	enum err e = lwm_path_parse(v->payload, &p);
	char text[64];
	struct writer w = wr_make(text, sizeof(text));

	CHECK((e != ERR_OK) == v->error, v->name);
	if (e)
		return;
	json_object_object_get_ex(json_object_array_get_idx(v->expect, 0), "value", &ids);
	CHECK(p.n == json_object_array_length(ids), v->name);
	for (uint8_t i = 0; i < p.n; i++)
		CHECK(p.id[i] == json_object_get_int(json_object_array_get_idx(ids, i)), v->name);
	wr_path(&w, &p);
	if (v->both)
		CHECK_BYTES(wr_span(&w), v->payload, v->name);
}

static void run_objlnk(struct vector *v)
{
	struct lwm_value value;
	char text[64];
	struct writer w = wr_make(text, sizeof(text));
	enum err e = lwm_objlnk_parse(v->payload, &value);

	CHECK((e != ERR_OK) == v->error, v->name);
	if (e)
		return;
	wr_value_text(&w, &value);
	CHECK_BYTES(wr_span(&w), v->payload, v->name);
}

static void run_vector(struct json_object *o)
{
	struct vector v = {.name = text_of(o, "name"),
		.format = text_of(o, "format"),
		.path = text_of(o, "path"),
		.error = flag_of(o, "error"),
		.both = strcmp(text_of(o, "dir"), "both") == 0};
	const char *hex = text_of(o, "hex"), *text = text_of(o, "text");
	struct writer w = wr_make(payload_bytes, sizeof(payload_bytes));
	const struct lwm_format *f = lwm_format_by_name(span_str(v.format));

	json_object_object_get_ex(o, "expect", &v.expect);
	if (hex)
		REQUIRE(hex_decode(span_str(hex), &w) == ERR_OK, v.name);
	else
		wr_str(&w, text);
	REQUIRE(!w.err, v.name);
	rename_object(w.p, w.n);
	v.payload = wr_span(&w);
	if (strcmp(v.format, "path") == 0) {
		run_path(&v);
		return;
	}
	v.base = path_at(NULL, v.path);
	if (strcmp(v.format, "objlnk") == 0)
		run_objlnk(&v);
	else if (strcmp(v.format, "tlv-value") == 0)
		run_tlv_value(&v);
	else if (f)
		run_format(f, &v, 0);
	else
		CHECK(false, v.name);
}

static bool run_file(const char *folder, const char *name)
{
	char path[512];
	struct json_object *all, *list;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	all = json_object_from_file(path);
	if (!all || !json_object_object_get_ex(all, "vectors", &list))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		run_vector(json_object_array_get_idx(list, i));
	json_object_put(all);
	return true;
}

static size_t run_folder(const char *folder)
{
	static const char *const files[] = {"senml_json.json", "senml_cbor.json", "cbor.json",
		"objlnk.json", "path.json", "plain_text.json", "tlv.json", "lwm2m_cbor.json",
		"oma_json.json"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		n += run_file(folder, files[i]);
	return n;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			CHECK(run_folder(argv[i]) > 0, argv[i]);
		return test_done();
	}
	CHECK(run_folder("tests/vectors") == 9, "the files of tests/vectors");
	const char *more = getenv("VECTORS");
	if (more && *more)
		CHECK(run_folder(more) > 0, more);
	return test_done();
}
