/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats, the opaque format, and lists of records. */
#include "tests/unit/lwm2m/dump.h"

static void test_lookup(void)
{
	static const struct {
		uint32_t cf;
		const char *name; /* NULL: not ours */
	} rows[] = {
		{0, "text"},
		{1541, "text"},
		{40, "link"},
		{42, "opaque"},
		{11542, "tlv"},
		{1542, "tlv"},
		{1, NULL},
		{41, NULL},
		{65536, NULL},
		{65536 + 42, NULL},
		{UINT32_MAX, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct lwm_format *f = lwm_format(rows[i].cf);
		char what[40];

		snprintf(what, sizeof(what), "content format %u", rows[i].cf);
		CHECK((f != NULL) == (rows[i].name != NULL), what);
		CHECK(!f || strcmp(f->name, rows[i].name) == 0, what);
		CHECK(!f || lwm_format_by_name(span_str(rows[i].name)) == f, what);
	}
	CHECK(!lwm_format_by_name(SPAN_LIT("xml")) && !lwm_format_by_name(SPAN_EMPTY), "no name");
}

static void test_table(void)
{
	size_t n;
	const struct lwm_format *all = lwm_format_table(&n);

	CHECK(n > 0 && n <= 32, "a row for each bit of lwm_object_list.formats at most");
	for (size_t i = 0; i < n; i++) {
		CHECK(lwm_format(all[i].cf) == &all[i], all[i].name);
		CHECK(all[i].cf == LWM_CF_LINK ? !all[i].decode && !all[i].encode
					       : all[i].decode && all[i].encode,
			all[i].name);
	}
}

static void test_opaque_decode(void)
{
	static const struct {
		const char *what, *base, *hex;
		enum err err;
		const char *want;
	} rows[] = {
		{"an opaque resource (FMT-41)", "/5/0/0", "0102ff", ERR_OK, "/5/0/0 opaque 0102ff"},
		{"a resource instance", "/19/0/0/3", "00", ERR_OK, "/19/0/0/3 opaque 00"},
		{"no byte", "/5/0/0", "", ERR_OK, "/5/0/0 opaque "},
		{"an unknown resource", "/9999/0/0", "01", ERR_OK, "/9999/0/0 opaque 01"},
		{"a resource of another type", "/3/0/9", "64", ERR_OK, "/3/0/9 bad integer 64"},
		{"an instance", "/5/0", "01", ERR_SYNTAX, ""},
		{"the root", "/", "01", ERR_SYNTAX, ""},
	};
	const struct lwm_format *f = lwm_format(LWM_CF_OPAQUE);
	struct lwm_records r;
	struct arena a;
	char buf[64];

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lwm_path base = path_of(rows[i].base);

		lwm_records_init(&r, &a);
		CHECK(f->decode(test_hex(rows[i].hex), &base, NULL, &r) == rows[i].err,
			rows[i].what);
		CHECK_BYTES(
			dump_records(&r, buf, sizeof(buf)), span_str(rows[i].want), rows[i].what);
	}
	arena_fini(&a);
}

static void test_opaque_encode(void)
{
	const struct lwm_format *f = lwm_format(LWM_CF_OPAQUE);
	struct lwm_path base = path_of("/5/0/0");
	struct lwm_record v = {.path = base};
	char buf[4];
	struct writer w = wr_make(buf, sizeof(buf));

	v.value = (struct lwm_value){.type = LWM_OPAQUE, .bytes = test_hex("0102ff")};
	CHECK(f->encode(&v, 1, &base, NULL, &w) == ERR_OK, "opaque");
	CHECK_BYTES(wr_span(&w), test_hex("0102ff"), "raw bytes (FMT-41)");
	CHECK(f->encode(&v, 1, &base, NULL, &w) == ERR_SPACE, "no space");
	v.value.type = LWM_STRING;
	CHECK(f->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "a string");
	v.value.type = LWM_OPAQUE;
	CHECK(f->encode(&v, 0, &base, NULL, &w) == ERR_UNSUPPORTED, "nothing");
	v.kind = LWM_RECORD_BAD;
	CHECK(f->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "a bad value");
}

static void test_records(void)
{
	struct lwm_records r;
	struct arena a;

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	for (uint16_t i = 0; i < 1000; i++) {
		struct lwm_record *v = lwm_records_add(&r);

		REQUIRE(v, "a record");
		CHECK(v->kind == LWM_RECORD_VALUE && v->path.n == 0 && !v->has_time, "zeroed");
		v->path.id[0] = i;
	}
	for (uint16_t i = 0; i < 1000; i++)
		CHECK(r.v[i].path.id[0] == i, "kept while the list grows");
	r.n = LWM_RECORDS_MAX;
	r.cap = LWM_RECORDS_MAX;
	CHECK(!lwm_records_add(&r) && r.err == ERR_LIMIT, "full");
	r.n = 0;
	CHECK(!lwm_records_add(&r) && r.err == ERR_LIMIT, "the error stays");
	arena_fini(&a);

	arena_init(&a, 64);
	lwm_records_init(&r, &a);
	CHECK(!lwm_records_add(&r) && r.err == ERR_NOMEM && r.n == 0, "no memory");
	arena_fini(&a);
}

static void test_type_names(void)
{
	static const char *const names[] = {"none", "string", "integer", "unsigned", "float",
		"boolean", "opaque", "time", "objlnk", "corelnk"};

	for (int t = LWM_NONE; t <= LWM_CORELNK; t++)
		CHECK(strcmp(lwm_type_name((enum lwm_type)t), names[t]) == 0, names[t]);
}

int main(void)
{
	test_lookup();
	test_table();
	test_opaque_decode();
	test_opaque_encode();
	test_records();
	test_type_names();
	return test_done();
}
