/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes of devices behind a gateway: in paths, and in the names of payloads. */
#include "lwm2m/target.h"

#include "lwm2m/format.h"
#include "tests/unit/test.h"

static const struct {
	const char *what, *text;
	enum err err;
	const char *prefix;
	struct lwm_path path;
	const char *written;
} rows[] = {
	{"a device and a path (GW-03)", "/d01/3303/0", ERR_OK, "d01", {2, {3303, 0}},
		"/d01/3303/0"},
	{"without the slash", "d01/3303/0/5700", ERR_OK, "d01", {3, {3303, 0, 5700}},
		"/d01/3303/0/5700"},
	{"the root of a device", "d01", ERR_OK, "d01", {0}, "/d01"},
	{"no device", "/3/0/9", ERR_OK, "", {3, {3, 0, 9}}, "/3/0/9"},
	{"the root", "/", ERR_OK, "", {0}, "/"},
	{"a number is an id", "/5/3/0", ERR_OK, "", {3, {5, 3, 0}}, "/5/3/0"},
	{"a number that is no id", "/99999/3", ERR_RANGE, "", {0}, NULL},
	{"two prefixes", "/d01/d02/3", ERR_SYNTAX, "", {0}, NULL},
	{"a slash at the end", "/d01/", ERR_SYNTAX, "", {0}, NULL},
	{"a path that is none", "/d01/3/x", ERR_SYNTAX, "", {0}, NULL},
	{"five ids", "/d01/1/2/3/4/5", ERR_SYNTAX, "", {0}, NULL},
	{"a space", "/d 1/3", ERR_SYNTAX, "", {0}, NULL},
	{"no prefix", "//3", ERR_SYNTAX, "", {0}, NULL},
	{"up", "/../3", ERR_SYNTAX, "", {0}, NULL},
	{"39 bytes", "/abcdefghijklmnopqrstuvwxyz0123456789abc/3", ERR_OK,
		"abcdefghijklmnopqrstuvwxyz0123456789abc", {1, {3}},
		"/abcdefghijklmnopqrstuvwxyz0123456789abc/3"},
	{"40 bytes", "/abcdefghijklmnopqrstuvwxyz0123456789abcd/3", ERR_SYNTAX, "", {0}, NULL},
};

static void parses(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lwm_target t;
		char text[LWM_TARGET_TEXT_MAX];
		struct writer w = wr_make(text, sizeof(text));
		enum err err = lwm_target_parse(span_str(rows[i].text), &t);
		CHECK(err == rows[i].err, rows[i].what);
		if (err)
			continue;
		CHECK(span_eq_str(lwm_prefix_span(&t.prefix), rows[i].prefix) &&
				lwm_path_eq(&t.path, &rows[i].path),
			rows[i].what);
		wr_target(&w, &t.prefix, &t.path);
		CHECK(!w.err && span_eq_str(wr_span(&w), rows[i].written), rows[i].what);
	}
}

static const struct {
	const char *prefix, *fault;
} faults[] = {
	{"d01", NULL},
	{"00:11:22", NULL},
	{"5a", NULL},
	{"", "is empty"},
	{"7", "is a number, so its paths could be those of the gateway itself"},
	{"007", "is a number, so its paths could be those of the gateway itself"},
	{"a/b", "has a character that no segment of a path should have"},
	{"/d01", "has a character that no segment of a path should have"},
	{"d\xc3\xa9", "has a character that no segment of a path should have"},
	{"a\nb", "has a character that no segment of a path should have"},
	{"a%2f", "has a character that no segment of a path should have"},
	{".", "is no name"},
};

static void judges(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const char *fault = lwm_prefix_fault(span_str(faults[i].prefix));
		CHECK(!fault == !faults[i].fault && (!fault || !strcmp(fault, faults[i].fault)),
			faults[i].prefix);
	}
}

/* ---- names in payloads, of one device */

#define J(text) LWM_CF_SENML_JSON, SPAN_LIT(text)

static const struct {
	const char *what, *alt;
	uint16_t cf;
	struct span payload;
	bool good;
} names[] = {
	{"with the prefix (GW-03)", "", J("[{\"n\":\"/d01/3303/0/5700\",\"v\":1.5}]"), true},
	{"without", "", J("[{\"n\":\"/3303/0/5700\",\"v\":1.5}]"), true},
	{"in the base name", "", J("[{\"bn\":\"/d01/3303/0/\",\"n\":\"5700\",\"v\":1.5}]"), true},
	{"a base name that is the prefix", "",
		J("[{\"bn\":\"/d01/\",\"n\":\"3303/0/5700\",\"v\":1.5}]"), true},
	{"split", "", J("[{\"bn\":\"/d0\",\"n\":\"1/3303/0/5700\",\"v\":1.5}]"), true},
	{"behind the alternate path", "/lwm2m",
		J("[{\"bn\":\"/lwm2m/d01/3303/0/\",\"n\":\"5700\",\"v\":1.5}]"), true},
	{"without the alternate path", "/lwm2m", J("[{\"n\":\"/d01/3303/0/5700\",\"v\":1.5}]"),
		true},
	{"the alternate path alone", "/lwm2m", J("[{\"n\":\"/lwm2m/3303/0/5700\",\"v\":1.5}]"),
		true},
	{"another device", "", J("[{\"n\":\"/d02/3303/0/5700\",\"v\":1.5}]"), false},
	{"one whose prefix begins so", "", J("[{\"n\":\"/d011/3303/0/5700\",\"v\":1.5}]"), false},
	{"twice", "", J("[{\"n\":\"/d01/d01/3303/0/5700\",\"v\":1.5}]"), false},
	/* {["d01",3303,0]:{5700:1.5}}, {"d01":{...}}, {[3303,0]:...}, {["d02",...]} */
	{"LwM2M CBOR (GW-06)", "", LWM_CF_LWM2M_CBOR,
		SPAN_LIT("\xa1\x83\x63"
			 "d01\x19\x0c\xe7\x00\xa1\x19\x16\x44\xf9\x3e\x00"),
		true},
	{"in a map", "", LWM_CF_LWM2M_CBOR,
		SPAN_LIT("\xa1\x63"
			 "d01\xa1\x82\x19\x0c\xe7\x00\xa1\x19\x16\x44\xf9\x3e\x00"),
		true},
	{"without", "", LWM_CF_LWM2M_CBOR,
		SPAN_LIT("\xa1\x82\x19\x0c\xe7\x00\xa1\x19\x16\x44\xf9\x3e\x00"), true},
	{"another device", "", LWM_CF_LWM2M_CBOR,
		SPAN_LIT("\xa1\x83\x63"
			 "d02\x19\x0c\xe7\x00\xa1\x19\x16\x44\xf9\x3e\x00"),
		false},
};

static void reads(void)
{
	const struct lwm_path base = {2, {3303, 0}}, leaf = {3, {3303, 0, 5700}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct arena arena;
		struct lwm_records rec;
		const struct lwm_codec_opts o = {
			.alt = span_str(names[i].alt), .behind = SPAN_LIT("d01")};
		arena_init(&arena, 1 << 16);
		lwm_records_init(&rec, &arena);
		enum err err = lwm_format(names[i].cf)->decode(names[i].payload, &base, &o, &rec);
		CHECK(!err == names[i].good, names[i].what);
		CHECK(err || (rec.n == 1 && lwm_path_eq(&rec.v->path, &leaf) && !rec.v->prefix.n &&
				     rec.v->value.f == 1.5),
			names[i].what);
		arena_fini(&arena);
	}
}

static void writes(void)
{
	static const struct {
		uint16_t cf;
		const char *alt;
		struct span want;
	} all[] = {
		{LWM_CF_SENML_JSON, "",
			SPAN_LIT("[{\"bn\":\"/d01/3303/0/\",\"n\":\"5700\",\"v\":1.5},"
				 "{\"n\":\"5701\",\"vs\":\"Cel\"}]")},
		{LWM_CF_SENML_JSON, "/lwm2m",
			SPAN_LIT("[{\"bn\":\"/lwm2m/d01/3303/0/\",\"n\":\"5700\",\"v\":1.5},"
				 "{\"n\":\"5701\",\"vs\":\"Cel\"}]")},
		{LWM_CF_LWM2M_CBOR, "/lwm2m",
			SPAN_LIT("\xa1\x83\x63"
				 "d01\x19\x0c\xe7\x00\xa2\x19\x16\x44\xf9\x3e\x00\x19\x16\x45\x63"
				 "Cel")},
	};
	const struct lwm_record rec[] = {
		{.path = {3, {3303, 0, 5700}}, .value = {.type = LWM_FLOAT, .f = 1.5}},
		{.path = {3, {3303, 0, 5701}},
			.value = {.type = LWM_STRING, .bytes = SPAN_LIT("Cel")}}};
	const struct lwm_path base = {2, {3303, 0}};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint8_t buf[256];
		struct writer w = wr_make(buf, sizeof(buf));
		const struct lwm_codec_opts o = {
			.alt = span_str(all[i].alt), .behind = SPAN_LIT("d01")};
		CHECK(lwm_format(all[i].cf)->encode(rec, 2, &base, &o, &w) == ERR_OK, "written");
		CHECK_BYTES(wr_span(&w), all[i].want, "with the prefix of all (GW-03, GW-06)");
	}
}

/* The types of a record are those of its device: an Object 2 of version 1.0 behind d01 alone. */
static uint8_t two_devices(void *arg, struct span prefix, uint16_t oid)
{
	(void)arg;
	return oid == 21 ? (span_eq_str(prefix, "d01") ? 11 : 20) : 0;
}

/* Resource 1 of Object 21 is a string in 1.1 and opaque in 2.0. */
static void types(void)
{
	static const char text[] = "[{\"n\":\"/d01/21/0/1\",\"vs\":\"a\"},"
				   "{\"n\":\"/d02/21/0/1\",\"vd\":\"YQ\"}]";
	const struct lwm_codec_opts o = {
		.prefixed = true, .versions = {two_devices, NULL, SPAN_EMPTY}};
	const struct lwm_path root = {0};
	struct arena arena;
	struct lwm_records rec;
	arena_init(&arena, 1 << 16);
	lwm_records_init(&rec, &arena);
	CHECK(lwm_format(LWM_CF_SENML_JSON)->decode(span_str(text), &root, &o, &rec) == ERR_OK &&
			rec.n == 2 && rec.v[0].kind == LWM_RECORD_VALUE &&
			rec.v[0].value.type == LWM_STRING && rec.v[1].kind == LWM_RECORD_VALUE &&
			rec.v[1].value.type == LWM_OPAQUE,
		"each record is read by the objects of its device");
	arena_fini(&arena);
}

static void options(void)
{
	struct lwm_target t;
	struct msg m;
	char text[LWM_PATH_TEXT_MAX], all[64] = "";
	msg_init(&m, MSG_CON, MSG_GET);
	REQUIRE(lwm_target_parse(SPAN_LIT("d01/3303/0"), &t) == ERR_OK, "target");
	CHECK(lwm_target_to_options(
		      &t.prefix, &t.path, SPAN_LIT("/lwm2m"), &m, text, sizeof(text)) == ERR_OK,
		"a path of options");
	for (const struct opt *o = msg_find(&m, OPT_URI_PATH); o; o = msg_next(&m, o))
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "/%.*s", (int)o->val.n,
			(const char *)o->val.p);
	CHECK(!strcmp(all, "/lwm2m/d01/3303/0"), "the prefix is behind the alternate path (GW-03)");
}

int main(void)
{
	parses();
	judges();
	reads();
	writes();
	types();
	options();
	return test_done();
}
