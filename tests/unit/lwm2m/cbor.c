/* SPDX-License-Identifier: Apache-2.0 */
/* One value as CBOR; and the pieces below it: times in text, the halves of floats. */
#include "tests/unit/lwm2m/codec_rows.h"

#include "lwm2m/cbor.h"
#include "lwm2m/datetime.h"

#include <math.h>

#define DATE(text) "/3/0/13", "c0" text

static const struct {
	const char *what, *base, *hex, *want, *writes;
} rows[] = {
	{"integer", "/3/0/9", "1864", "/3/0/9 integer 100", "1864"},
	{"-1", "/3/0/9", "20", "/3/0/9 integer -1", "20"},
	{"the least (FMT-36)", "/3/0/9", "3b7fffffffffffffff",
		"/3/0/9 integer -9223372036854775808", "3b7fffffffffffffff"},
	{"one below", "/3/0/9", "3b8000000000000000", "/3/0/9 bad integer 3b8000000000000000",
		NULL},
	{"of a Resource Instance", "/3/0/11/0", "00", "/3/0/11/0 integer 0", "00"},
	{"unsigned", "/0/0/13", "1bffffffffffffffff", "/0/0/13 unsigned 18446744073709551615",
		"1bffffffffffffffff"},
	{"unsigned, minus", "/0/0/13", "20", "/0/0/13 bad unsigned 20", NULL},
	{"a whole float", "/3/0/9", "f94d00", "/3/0/9 integer 20", "14"},
	{"decimal", "/3/0/9", "c4822018c8", "/3/0/9 integer 20", "14"},
	{"half", "/6/0/0", "f93e00", "/6/0/0 float 1.5", "fb3ff8000000000000"},
	{"single", "/6/0/0", "fa3fc00000", "/6/0/0 float 1.5", "fb3ff8000000000000"},
	{"double", "/6/0/0", "fb3fb999999999999a", "/6/0/0 float 0.1", "fb3fb999999999999a"},
	{"an integer for a float", "/6/0/0", "03", "/6/0/0 float 3.0", "fb4008000000000000"},
	{"NaN", "/6/0/0", "f97e00", "/6/0/0 bad float f97e00", NULL},
	{"boolean", "/1/0/6", "f5", "/1/0/6 boolean 1", "f5"},
	{"1 is not true", "/1/0/6", "01", "/1/0/6 bad boolean 01", NULL},
	{"string", "/3/0/0", "63616263", "/3/0/0 string abc", "63616263"},
	{"empty", "/3/0/0", "60", "/3/0/0 string ", "60"},
	{"in chunks", "/3/0/0", "7f616160626263ff", "/3/0/0 string abc", "63616263"},
	{"no UTF-8", "/3/0/0", "61ff", "/3/0/0 bad string 61ff", NULL},
	{"opaque", "/5/0/0", "43010203", "/5/0/0 opaque 010203", "43010203"},
	{"in chunks", "/5/0/0", "5f4101420203ff", "/5/0/0 opaque 010203", "43010203"},
	{"link", "/0/0/17", "6432313a30", "/0/0/17 objlnk 21:0", "6432313a30"},
	{"link with a NUL (CT-78)", "/0/0/17", "6532313a3000", "/0/0/17 objlnk 21:0", "6432313a30"},
	{"the null link", "/0/0/17", "6b36353533353a3635353335", "/0/0/17 objlnk 65535:65535",
		"6b36353533353a3635353335"},
	{"no link", "/0/0/17", "623231", "/0/0/17 bad objlnk 623231", NULL},

	{"time", "/3/0/13", "1a5182428f", "/3/0/13 time 1367491215", "1a5182428f"},
	{"before 1970", "/3/0/13", "20", "/3/0/13 time -1", "20"},
	{"tag 1", "/3/0/13", "c11a5182428f", "/3/0/13 time 1367491215", "1a5182428f"},
	{"tag 1, before 1970", "/3/0/13", "c120", "/3/0/13 time -1", "20"},
	{"tag 1, float", "/3/0/13", "c1f94d00", "/3/0/13 time 20", "14"},
	{"tag 1, a fraction", "/3/0/13", "c1f93e00", "/3/0/13 bad time c1f93e00", NULL},
	{"tag 1, text", "/3/0/13", "c16131", "/3/0/13 bad time c16131", NULL},
	{"tag 1, decimal", "/3/0/13", "c1c4820001", "/3/0/13 bad time c1c4820001", NULL},
	{"tag 0 with -00:00 (CT-78)",
		DATE("7819313937302d30312d30315430303a30303a30312d30303a3030"), "/3/0/13 time 1",
		"01"},
	{"tag 0, RFC 8949 appendix A", DATE("74323031332d30332d32315432303a30343a30305a"),
		"/3/0/13 time 1363896240", "1a514b67b0"},
	{"tag 0, a number", DATE("01"), "/3/0/13 bad time c001", NULL},
	{"tag 0, no time", DATE("6161"), "/3/0/13 bad time c06161", NULL},
	{"a time for an integer", "/3/0/9", "c101", "/3/0/9 bad integer c101", NULL},

	{"unknown: an integer", "/10234/0/1", "24", "/10234/0/1 integer -5", "24"},
	{"unknown: above int64", "/10234/0/1", "1b8000000000000000",
		"/10234/0/1 unsigned 9223372036854775808", "1b8000000000000000"},
	{"unknown: a float", "/10234/0/1", "f94d00", "/10234/0/1 float 20.0", NULL},
	{"unknown: text", "/10234/0/1", "63313a32", "/10234/0/1 string 1:2", "63313a32"},
	{"unknown: bytes", "/10234/0/1", "4101", "/10234/0/1 opaque 01", "4101"},
	{"unknown: true", "/10234/0/1", "f5", "/10234/0/1 boolean 1", "f5"},
	{"unknown: a time", "/10234/0/1", "c101", "/10234/0/1 time 1", "01"},
	{"unknown: null", "/10234/0/1", "f6", "/10234/0/1 bad none f6", NULL},
	{"unknown: an array", "/10234/0/1", "8101", "/10234/0/1 bad none 8101", NULL},
	{"null", "/3/0/9", "f6", "/3/0/9 bad integer f6", NULL},
	{"an array", "/3/0/9", "9f01ff", "/3/0/9 bad integer 9f01ff", NULL},
	{"a map", "/3/0/9", "a10102", "/3/0/9 bad integer a10102", NULL},
	{"an unknown tag", "/3/0/9", "d9d9f701", "/3/0/9 bad integer d9d9f701", NULL},

	{"nothing", "/3/0/9", "", NULL, NULL},
	{"two values", "/3/0/9", "0101", NULL, NULL},
	{"an instance", "/3/0", "01", NULL, NULL},
	{"a break", "/3/0/9", "ff", NULL, NULL},
	{"a simple value", "/3/0/9", "f820", NULL, NULL},
	{"a reserved length", "/3/0/9", "1e", NULL, NULL},
	{"text of 2^63 bytes", "/3/0/0", "7b800000000000000061", NULL, NULL},
	{"an array of 2^63", "/3/0/9", "9b800000000000000001", NULL, NULL},
	{"chunks without an end", "/5/0/0", "5f4101", NULL, NULL},
	{"a tag without a value", "/3/0/13", "c1", NULL, NULL},
};

static const struct {
	const char *what, *text;
	enum err err;
	int64_t want;
} dates[] = {
	{"the beginning", "1970-01-01T00:00:00Z", ERR_OK, 0},
	{"small letters", "1970-01-01t00:00:01z", ERR_OK, 1},
	{"a space", "1970-01-01 00:00:01Z", ERR_OK, 1},
	{"-00:00", "1970-01-01T00:00:01-00:00", ERR_OK, 1},
	{"an offset", "1970-01-01T02:00:00+02:00", ERR_OK, 0},
	{"an offset to the west", "1969-12-31T20:30:00-03:30", ERR_OK, 0},
	{"RFC 3339 section 5.8", "1990-12-31T23:59:60Z", ERR_OK, 662688000},
	{"the same with an offset", "1990-12-31T15:59:60-08:00", ERR_OK, 662688000},
	{"a fraction of zeros", "2013-03-21T20:04:00.000Z", ERR_OK, 1363896240},
	{"a leap day", "2000-02-29T00:00:00Z", ERR_OK, 951782400},
	{"the day after", "2000-03-01T00:00:00Z", ERR_OK, 951868800},
	{"2100 is no leap year", "2100-03-01T00:00:00Z", ERR_OK, 4107542400},
	{"the first year", "0000-01-01T00:00:00Z", ERR_OK, -62167219200},
	{"the year after", "0001-01-01T00:00:00Z", ERR_OK, -62135596800},
	{"the last second", "9999-12-31T23:59:59Z", ERR_OK, 253402300799},
	{"a fraction", "1985-04-12T23:20:50.52Z", ERR_SYNTAX, 0},
	{"no digits behind the point", "1985-04-12T23:20:50.Z", ERR_SYNTAX, 0},
	{"no offset", "1985-04-12T23:20:50", ERR_SYNTAX, 0},
	{"more behind", "1985-04-12T23:20:50ZZ", ERR_SYNTAX, 0},
	{"a date", "1985-04-12", ERR_SYNTAX, 0},
	{"nothing", "", ERR_SYNTAX, 0},
	{"a sign", "+985-04-12T23:20:50Z", ERR_SYNTAX, 0},
	{"slashes", "1985/04/12T23:20:50Z", ERR_SYNTAX, 0},
	{"half an offset", "1985-04-12T23:20:50+01", ERR_SYNTAX, 0},
	{"month 0", "1985-00-12T23:20:50Z", ERR_RANGE, 0},
	{"month 13", "1985-13-12T23:20:50Z", ERR_RANGE, 0},
	{"day 0", "1985-04-00T23:20:50Z", ERR_RANGE, 0},
	{"day 31 of April", "1985-04-31T23:20:50Z", ERR_RANGE, 0},
	{"29 February of no leap year", "1900-02-29T00:00:00Z", ERR_RANGE, 0},
	{"hour 24", "1985-04-12T24:00:00Z", ERR_RANGE, 0},
	{"minute 60", "1985-04-12T23:60:00Z", ERR_RANGE, 0},
	{"second 61", "1985-04-12T23:20:61Z", ERR_RANGE, 0},
	{"offset of a day", "1985-04-12T23:20:50+24:00", ERR_RANGE, 0},
};

static const struct lwm_format *format;

static void test_dates(void)
{
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t s = 0;

		CHECK(lwm_datetime_parse(span_str(dates[i].text), &s) == dates[i].err &&
				s == dates[i].want,
			dates[i].what);
	}
}

/* Every finite half is read as its number and written as itself. */
static void test_halves(void)
{
	size_t good = 0, finite = 0;

	for (uint32_t h = 0; h <= UINT16_MAX; h++) {
		int exponent = (int)(h >> 10 & 31);
		double magnitude =
			exponent ? ldexp(1024 + (h & 1023), exponent - 25) : ldexp(h & 1023, -24);
		uint8_t in[3] = {0xf9, (uint8_t)(h >> 8), (uint8_t)h}, out[9];
		struct lwm_cbor c = lwm_cbor_make(SPAN_OF(in), NULL);
		struct writer w = wr_make(out, sizeof(out));
		struct lwm_cbor_item it;

		if (exponent == 31)
			continue;
		finite++;
		lwm_cbor_next(&c, &it);
		lwm_wr_cbor_float(&w, it.f, true);
		good += it.kind == LWM_CBOR_FLOAT && fabs(it.f) == magnitude &&
			signbit(it.f) == (int)(h >> 15) && span_eq(wr_span(&w), SPAN_OF(in));
	}
	CHECK(finite == 63488 && good == finite, "every half");
}

/* The neighbours of a half are no halves. */
static void test_not_halves(void)
{
	static const struct {
		double f;
		size_t n;
	} widths[] = {{1.0, 3}, {1.0009765625, 3}, {1.00048828125, 5}, {65504, 3}, {65520, 5},
		{65536, 5}, {0x1p-24, 3}, {0x1p-25, 5}, {0x1.8p-24, 5}, {0x1.8p-23, 3},
		{0x1p-14, 3}, {0x1.ffcp-15, 5}, {0x1.ff8p-15, 3}, {0x1p-149, 5}, {0x1p-150, 9},
		{0x1.fffffep127, 5}, {0x1.ffffffp127, 9}, {0x1p128, 9}, {-0x1p128, 9}, {0.1, 9}};

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		char what[32];
		uint8_t out[9];
		struct writer w = wr_make(out, sizeof(out));
		struct lwm_cbor c;
		struct lwm_cbor_item it;

		snprintf(what, sizeof(what), "%a", widths[i].f);
		lwm_wr_cbor_float(&w, widths[i].f, true);
		c = lwm_cbor_make(wr_span(&w), NULL);
		lwm_cbor_next(&c, &it);
		CHECK(w.n == widths[i].n && it.f == widths[i].f, what);
	}
}

static void test_encode_refusals(void)
{
	struct lwm_path base = path_of("/3/0/9");
	struct lwm_record v[2] = {{.path = base, .value = {.type = LWM_INTEGER, .i = 1}}};
	uint8_t out[16];
	struct writer w = wr_make(out, sizeof(out));

	CHECK(format->encode(v, 2, &base, NULL, &w) == ERR_UNSUPPORTED, "two values");
	CHECK(format->encode(v, 0, &base, NULL, &w) == ERR_UNSUPPORTED, "no value");
	v->has_time = true;
	CHECK(format->encode(v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "a time");
	v->has_time = false;
	v->kind = LWM_RECORD_MULTIPLE;
	CHECK(format->encode(v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "an empty Resource");
	v->kind = LWM_RECORD_VALUE;
	v->value = (struct lwm_value){.type = LWM_NONE};
	CHECK(format->encode(v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "no type");
	v->value = (struct lwm_value){.type = LWM_STRING, .bytes = SPAN_LIT("\xff")};
	CHECK(format->encode(v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "no UTF-8");
	CHECK(w.n == 0, "and nothing is written");
	w.err = ERR_OK;
	v->value = (struct lwm_value){.type = LWM_FLOAT, .f = NAN};
	CHECK(format->encode(v, 1, &base, NULL, &w) == ERR_RANGE, "not a number");
	w.err = ERR_OK;
	v->value.f = INFINITY;
	CHECK(format->encode(v, 1, &base, NULL, &w) == ERR_RANGE, "infinity");
}

static void test_memory(void)
{
	struct codec_row row = {
		.what = "out of memory", .base = "/3/0/0", .payload = test_hex("7f616160626263ff")};
	struct lwm_path base = path_of(row.base);
	size_t limit = 0;
	enum err e = ERR_NOMEM;

	for (; e && limit < 4096; limit += 16) {
		struct lwm_records r;
		struct arena a;

		arena_init(&a, limit + 16);
		lwm_records_init(&r, &a);
		e = format->decode(row.payload, &base, NULL, &r);
		CHECK(e ? e == ERR_NOMEM && r.n == 0 : r.n == 1, "an arena at its limit");
		arena_fini(&a);
	}
	CHECK(!e && limit > 64, "in the end there is enough");
}

int main(void)
{
	format = lwm_format(LWM_CF_CBOR);
	REQUIRE(format && lwm_format_by_name(SPAN_LIT("cbor")) == format && format->single_only,
		"the format");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct codec_row row = {rows[i].what, rows[i].base, test_hex(rows[i].hex),
			rows[i].want, rows[i].writes, 0};

		check_row(format, &row);
	}
	test_dates();
	test_halves();
	test_not_halves();
	test_encode_refusals();
	test_memory();
	return test_done();
}
