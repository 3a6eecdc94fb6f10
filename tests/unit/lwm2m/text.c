/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lwm2m/dump.h"

#include <math.h>

static const struct {
	const char *what;
	enum lwm_type type;
	const char *text;
	enum err err;
	const char *written; /* NULL: as read */
} value_rows[] = {
	{"Core TS 7.5.1, string", LWM_STRING, "Open Mobile Alliance", ERR_OK, NULL},
	{"Core TS 7.5.1, time", LWM_TIME, "1367491215", ERR_OK, NULL},
	{"Core TS table C-2, integer", LWM_INTEGER, "-750", ERR_OK, NULL},
	{"Core TS table C-2, unsigned", LWM_UNSIGNED, "18", ERR_OK, NULL},
	{"Core TS table C-2, float", LWM_FLOAT, "0.00000000006667", ERR_OK, NULL},
	{"Core TS table C-2, false", LWM_BOOLEAN, "0", ERR_OK, NULL},
	{"Core TS table C-2, true", LWM_BOOLEAN, "1", ERR_OK, NULL},
	{"Core TS table C-2, opaque (FMT-40)", LWM_OPAQUE, "AQIDBAU=", ERR_OK, NULL},
	{"Core TS table C-2, time", LWM_TIME, "1476186613", ERR_OK, NULL},
	{"an exponent is read", LWM_FLOAT, "1.5e3", ERR_OK, "1500.0"},
	{"a link without colon", LWM_OBJLNK, "1", ERR_SYNTAX, NULL},
	{"a link of three", LWM_OBJLNK, "0:0:0", ERR_SYNTAX, NULL},
	{"a negative link", LWM_OBJLNK, "-1:0", ERR_SYNTAX, NULL},
	{"a link of letters", LWM_OBJLNK, "a:b", ERR_SYNTAX, NULL},
	{"an empty link", LWM_OBJLNK, "", ERR_SYNTAX, NULL},
	{"half a link", LWM_OBJLNK, "3:", ERR_SYNTAX, NULL},
	{"the other half", LWM_OBJLNK, ":3", ERR_SYNTAX, NULL},
	{"a link", LWM_OBJLNK, "10:20", ERR_OK, NULL},
	{"the null link", LWM_OBJLNK, "65535:65535", ERR_OK, NULL},
	{"a link beyond 16 bits", LWM_OBJLNK, "65536:0", ERR_RANGE, NULL},
	{"a link beyond 16 bits", LWM_OBJLNK, "0:65536", ERR_RANGE, NULL},

	{"zero", LWM_INTEGER, "0", ERR_OK, NULL},
	{"the largest integer", LWM_INTEGER, "9223372036854775807", ERR_OK, NULL},
	{"the smallest integer", LWM_INTEGER, "-9223372036854775808", ERR_OK, NULL},
	{"one beyond", LWM_INTEGER, "9223372036854775808", ERR_RANGE, NULL},
	{"one below", LWM_INTEGER, "-9223372036854775809", ERR_RANGE, NULL},
	{"a whole fraction, CT-76", LWM_INTEGER, "3.0", ERR_OK, "3"},
	{"a whole fraction, CT-76", LWM_INTEGER, "-3.000", ERR_OK, "-3"},
	{"a real fraction", LWM_INTEGER, "3.5", ERR_SYNTAX, NULL},
	{"nothing behind the point", LWM_INTEGER, "3.", ERR_SYNTAX, NULL},
	{"nothing before the point", LWM_INTEGER, ".0", ERR_SYNTAX, NULL},
	{"two points", LWM_INTEGER, "3.0.0", ERR_SYNTAX, NULL},
	{"no digits", LWM_INTEGER, "", ERR_SYNTAX, NULL},
	{"a sign alone", LWM_INTEGER, "-", ERR_SYNTAX, NULL},
	{"a plus", LWM_INTEGER, "+1", ERR_SYNTAX, NULL},
	{"two signs", LWM_INTEGER, "--1", ERR_SYNTAX, NULL},
	{"a space before", LWM_INTEGER, " 1", ERR_SYNTAX, NULL},
	{"a newline behind", LWM_INTEGER, "1\n", ERR_SYNTAX, NULL},
	{"a letter behind", LWM_INTEGER, "1x", ERR_SYNTAX, NULL},
	{"hexadecimal", LWM_INTEGER, "0x10", ERR_SYNTAX, NULL},

	{"the largest unsigned", LWM_UNSIGNED, "18446744073709551615", ERR_OK, NULL},
	{"one beyond", LWM_UNSIGNED, "18446744073709551616", ERR_RANGE, NULL},
	{"a negative unsigned", LWM_UNSIGNED, "-1", ERR_SYNTAX, NULL},
	{"a whole fraction", LWM_UNSIGNED, "20.0", ERR_OK, "20"},
	{"before 1970", LWM_TIME, "-1", ERR_OK, NULL},

	{"a float", LWM_FLOAT, "56.4", ERR_OK, NULL},
	{"a whole float", LWM_FLOAT, "3", ERR_OK, "3.0"},
	{"a whole float", LWM_FLOAT, "-10.0", ERR_OK, NULL},
	{"zero", LWM_FLOAT, "0.0", ERR_OK, NULL},
	{"minus zero", LWM_FLOAT, "-0.0", ERR_OK, NULL},
	{"a point in the middle", LWM_FLOAT, "-123.125", ERR_OK, NULL},
	{"17 digits", LWM_FLOAT, "0.30000000000000004", ERR_OK, NULL},
	{"more digits than matter", LWM_FLOAT, "0.1000000000000000055511151231257827", ERR_OK,
		"0.1"},
	{"large and whole", LWM_FLOAT, "1e21", ERR_OK, "1000000000000000000000.0"},
	{"two to the 53", LWM_FLOAT, "9007199254740992.0", ERR_OK, NULL},
	{"capital exponent", LWM_FLOAT, "25E-1", ERR_OK, "2.5"},
	{"an exponent with plus", LWM_FLOAT, "25e+1", ERR_OK, "250.0"},
	{"no digit before the point", LWM_FLOAT, ".5", ERR_OK, "0.5"},
	{"no digit behind the point", LWM_FLOAT, "5.", ERR_OK, "5.0"},
	{"too large", LWM_FLOAT, "1e400", ERR_RANGE, NULL},
	{"too small is zero", LWM_FLOAT, "1e-400", ERR_OK, "0.0"},
	{"infinity, CT-76", LWM_FLOAT, "inf", ERR_SYNTAX, NULL},
	{"minus infinity", LWM_FLOAT, "-inf", ERR_SYNTAX, NULL},
	{"not a number, CT-76", LWM_FLOAT, "nan", ERR_SYNTAX, NULL},
	{"hexadecimal", LWM_FLOAT, "0x1p3", ERR_SYNTAX, NULL},
	{"a point alone", LWM_FLOAT, ".", ERR_SYNTAX, NULL},
	{"an exponent alone", LWM_FLOAT, "e5", ERR_SYNTAX, NULL},
	{"an exponent without digits", LWM_FLOAT, "1e", ERR_SYNTAX, NULL},
	{"an exponent with only a sign", LWM_FLOAT, "1e-", ERR_SYNTAX, NULL},
	{"a space", LWM_FLOAT, " 1", ERR_SYNTAX, NULL},
	{"two numbers", LWM_FLOAT, "1 2", ERR_SYNTAX, NULL},
	{"a comma", LWM_FLOAT, "1,5", ERR_SYNTAX, NULL},
	{"nothing", LWM_FLOAT, "", ERR_SYNTAX, NULL},

	{"no boolean", LWM_BOOLEAN, "2", ERR_SYNTAX, NULL},
	{"a word", LWM_BOOLEAN, "true", ERR_SYNTAX, NULL},
	{"two digits", LWM_BOOLEAN, "01", ERR_SYNTAX, NULL},
	{"nothing", LWM_BOOLEAN, "", ERR_SYNTAX, NULL},

	{"an empty string", LWM_STRING, "", ERR_OK, NULL},
	{"a string", LWM_STRING, "\303\244\342\202\254", ERR_OK, NULL},
	{"not UTF-8", LWM_STRING, "a\377", ERR_SYNTAX, NULL},
	{"links", LWM_CORELNK, "</3/0>;ver=1.1,</3306/0>", ERR_OK, NULL},
	{"no type is read as string", LWM_NONE, "007", ERR_OK, NULL},

	{"empty opaque", LWM_OPAQUE, "", ERR_OK, NULL},
	{"base64url without padding", LWM_OPAQUE, "_-8", ERR_OK, "/+8="},
	{"no base64", LWM_OPAQUE, "!,-INVALID$_'", ERR_SYNTAX, NULL},
	{"one character", LWM_OPAQUE, "A", ERR_SYNTAX, NULL},
};

static void test_values(void)
{
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++) {
		const char *text = value_rows[i].text, *want = value_rows[i].written;
		struct lwm_value v = {.type = LWM_CORELNK};
		char buf[512];
		struct writer w = wr_make(buf, sizeof(buf));
		enum err e = lwm_value_from_text(span_str(text), value_rows[i].type, &a, &v);

		CHECK(e == value_rows[i].err, value_rows[i].what);
		if (e) {
			CHECK(v.type == LWM_CORELNK, "an error leaves the output alone");
			continue;
		}
		wr_value_text(&w, &v);
		CHECK(w.err == ERR_OK, value_rows[i].what);
		CHECK_BYTES(wr_span(&w), span_str(want ? want : text), value_rows[i].what);
	}
	arena_fini(&a);
}

static void test_float_edges(void)
{
	static const double values[] = {5e-324, -5e-324, 2.2250738585072014e-308,
		1.7976931348623157e308, -1.7976931348623157e308, 0.1, 1.0 / 3, 1e15 + 0.3,
		123456.75};
	struct lwm_value v = {.type = LWM_FLOAT}, back = {0};
	char buf[512];
	struct writer w;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		w = wr_make(buf, sizeof(buf));
		v.f = values[i];
		wr_value_text(&w, &v);
		CHECK(!w.err && !memchr(buf, 'e', w.n), "a float has no exponent, FMT-40");
		CHECK(lwm_value_from_text(wr_span(&w), LWM_FLOAT, NULL, &back) == ERR_OK &&
				back.f == values[i],
			"a float comes back as it was");
	}
	for (int i = 0; i < 3; i++) {
		w = wr_make(buf, sizeof(buf));
		v.f = i == 0 ? (double)NAN : i == 1 ? (double)INFINITY : -(double)INFINITY;
		wr_value_text(&w, &v);
		CHECK(w.err == ERR_RANGE, "no text for what is no number");
	}
	memset(buf, '1', sizeof(buf));
	CHECK(lwm_value_from_text(span_make(buf, 511), LWM_FLOAT, NULL, &back) == ERR_RANGE,
		"511 digits are a number, if too large a one");
	CHECK(lwm_value_from_text(span_make(buf, 512), LWM_FLOAT, NULL, &back) == ERR_SYNTAX,
		"512 digits are too many");
}

static void test_nul(void)
{
	static const enum lwm_type types[] = {LWM_STRING, LWM_INTEGER, LWM_UNSIGNED, LWM_FLOAT,
		LWM_BOOLEAN, LWM_OPAQUE, LWM_TIME, LWM_CORELNK};
	struct lwm_value v;
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK(lwm_value_from_text(SPAN_LIT("1\0"), types[i], &a, &v) == ERR_SYNTAX,
			"a trailing NUL");
	CHECK(lwm_value_from_text(SPAN_LIT("1:1\0"), LWM_OBJLNK, &a, &v) == ERR_SYNTAX,
		"a trailing NUL");
	arena_fini(&a);
}

static const struct {
	const char *what, *base, *text;
	enum err err;
	const char *want;
} decode_rows[] = {
	{"a resource", "/3/0/9", "100", ERR_OK, "/3/0/9 integer 100"},
	{"a resource instance", "/3/0/7/1", "3800", ERR_OK, "/3/0/7/1 integer 3800"},
	{"a bad value is kept as such, DM-20", "/3/0/9", "1OO", ERR_OK,
		"/3/0/9 bad integer 314f4f"},
	{"an empty number is a bad value", "/3/0/9", "", ERR_OK, "/3/0/9 bad integer "},
	{"no base64", "/5/0/0", "!", ERR_OK, "/5/0/0 bad opaque 21"},
	{"an unknown resource", "/3/0/999", "x", ERR_OK, "/3/0/999 string x"},
	{"an unknown resource, no text", "/3/0/999", "\377", ERR_OK, "/3/0/999 bad string ff"},
	{"an instance cannot be text", "/3/0", "1", ERR_SYNTAX, ""},
	{"an object cannot be text", "/3", "1", ERR_SYNTAX, ""},
	{"nor can the root", "/", "1", ERR_SYNTAX, ""},
};

static void test_decode(void)
{
	const struct lwm_format *f = lwm_format(LWM_CF_TEXT);
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(decode_rows) / sizeof(decode_rows[0]); i++) {
		struct lwm_path base = path_of(decode_rows[i].base);
		struct lwm_records r;
		char buf[512];
		enum err e;

		lwm_records_init(&r, &a);
		e = f->decode(span_str(decode_rows[i].text), &base, NULL, &r);
		CHECK(e == decode_rows[i].err, decode_rows[i].what);
		CHECK_BYTES(dump_records(&r, buf, sizeof(buf)), span_str(decode_rows[i].want),
			decode_rows[i].what);
	}
	arena_fini(&a);
}

static void test_decode_no_memory(void)
{
	const struct lwm_format *f = lwm_format(LWM_CF_TEXT);
	struct lwm_path number = path_of("/3/0/9"), opaque = path_of("/5/0/0");
	struct lwm_records r;
	struct arena a;

	arena_init(&a, 16);
	lwm_records_init(&r, &a);
	CHECK(f->decode(SPAN_LIT("1"), &number, NULL, &r) == ERR_NOMEM, "no room for the record");
	lwm_records_init(&r, &a);
	CHECK(f->decode(SPAN_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &opaque, NULL, &r) ==
				ERR_NOMEM &&
			r.n == 0,
		"no room for the bytes");
	arena_fini(&a);
}

static void test_encode(void)
{
	const struct lwm_format *f = lwm_format(LWM_CF_TEXT);
	struct lwm_record r[2] = {{.path = path_of("/3/0/9"), .value = {.type = LWM_INTEGER}}};
	char buf[8];
	struct writer w = wr_make(buf, sizeof(buf));
	struct lwm_path base = r[0].path;

	r[0].value.i = -5;
	r[1] = r[0];
	CHECK(f->encode(r, 1, &base, NULL, &w) == ERR_OK, "one value");
	CHECK_BYTES(wr_span(&w), SPAN_LIT("-5"), "one value");
	CHECK(f->encode(r, 2, &base, NULL, &w) == ERR_UNSUPPORTED, "two values");
	CHECK(f->encode(r, 0, &base, NULL, &w) == ERR_UNSUPPORTED, "no value");
	r[0].has_time = true;
	CHECK(f->encode(r, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "a time");
	r[0].has_time = false;
	r[0].kind = LWM_RECORD_MULTIPLE;
	CHECK(f->encode(r, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "an empty multiple resource");
	r[0].kind = LWM_RECORD_VALUE;
	r[0].value = (struct lwm_value){.type = LWM_FLOAT, .f = (double)NAN};
	CHECK(f->encode(r, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "not a number");
	r[0].value = (struct lwm_value){.type = LWM_NONE};
	CHECK(f->encode(r, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "no type");
	r[0].value = (struct lwm_value){.type = LWM_STRING, .bytes = SPAN_LIT("123456789")};
	CHECK(f->encode(r, 1, &base, NULL, &w) == ERR_SPACE, "no space");
}

int main(void)
{
	test_values();
	test_float_edges();
	test_nul();
	test_decode();
	test_decode_no_memory();
	test_encode();
	return test_done();
}
