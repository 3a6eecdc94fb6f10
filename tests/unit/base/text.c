/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "tests/unit/test.h"

typedef void write_fn(struct writer *w, struct span s);
typedef enum err decode_fn(struct span s, struct writer *w);

/* Through every capacity up to the one that fits. */
static void check_encode(const char *what, write_fn *encode, struct span in, struct span want)
{
	uint8_t buf[128];

	for (size_t cap = 0; cap <= want.n; cap++) {
		struct writer w = wr_make(buf, cap);

		memset(buf, 0xee, sizeof(buf));
		encode(&w, in);
		CHECK(w.err == (cap < want.n ? ERR_SPACE : ERR_OK), what);
		CHECK(buf[cap] == 0xee, "nothing is written behind the capacity");
		if (cap == want.n)
			CHECK_BYTES(wr_span(&w), want, what);
	}
}

/* The writer holds a byte before, which must stay. Text that is malformed and too long may fail for
 * either reason. */
static void check_decode(
	const char *what, decode_fn *decode, struct span in, enum err err, struct span want)
{
	uint8_t buf[128];

	for (size_t room = err ? want.n : 0; room <= want.n; room++) {
		struct writer w = wr_make(buf, room + 1);
		enum err short_err = err == ERR_OK && room < want.n ? ERR_SPACE : err;

		memset(buf, 0xee, sizeof(buf));
		wr_u8(&w, 0x77);
		CHECK(decode(in, &w) == short_err, what);
		CHECK(buf[room + 1] == 0xee, "nothing is written behind the capacity");
		CHECK_BYTES(
			span_sub(wr_span(&w), 1, SIZE_MAX), short_err ? SPAN_EMPTY : want, what);
		CHECK(buf[0] == 0x77 && w.n >= 1, what);
	}
}

static void test_hex_text(void)
{
	static const struct {
		const char *in;
		enum err err;
		const char *want; /* lower case */
	} rows[] = {
		{"", ERR_OK, ""},
		{"00", ERR_OK, "00"},
		{"0123456789abcdef", ERR_OK, "0123456789abcdef"},
		{"ABCDEFabcdef", ERR_OK, "abcdefabcdef"},
		{"f", ERR_SYNTAX, ""},
		{"fff", ERR_SYNTAX, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span bytes = test_hex(rows[i].want);

		check_decode(rows[i].in, hex_decode, span_str(rows[i].in), rows[i].err, bytes);
		check_encode(rows[i].want, wr_hex, bytes, span_str(rows[i].want));
	}
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t hi[] = {'1', '2', (uint8_t)c, '4'},
			      lo[] = {'1', '2', '3', (uint8_t)c};
		uint8_t buf[2] = {0};
		struct writer w = wr_make(buf, 2), v = wr_make(buf, 2);
		bool digit = c && strchr("0123456789abcdefABCDEF", (int)c);

		CHECK(hex_decode(SPAN_OF(hi), &w) == (digit ? ERR_OK : ERR_SYNTAX), "high digit");
		CHECK(w.n == (digit ? 2 : 0), "nothing is appended on an error");
		CHECK(hex_decode(SPAN_OF(lo), &v) == (digit ? ERR_OK : ERR_SYNTAX), "low digit");
		CHECK(digit || (buf[0] == 0 && buf[1] == 0), "what was decoded is wiped");
	}
}

/* RFC 4648 section 10, and the last two characters of both alphabets. */
static void test_base64_encode(void)
{
	static const struct {
		const char *in, *plain, *url;
	} rows[] = {
		{"", "", ""},
		{"66", "Zg==", "Zg"},
		{"666f", "Zm8=", "Zm8"},
		{"666f6f", "Zm9v", "Zm9v"},
		{"666f6f62", "Zm9vYg==", "Zm9vYg"},
		{"666f6f6261", "Zm9vYmE=", "Zm9vYmE"},
		{"666f6f626172", "Zm9vYmFy", "Zm9vYmFy"},
		{"fbefbeffffff", "++++////", "----____"},
		{"00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29aabb2dbafc31cb3d3"
		 "5db7e39ebbf3dfbf",
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span in = test_hex(rows[i].in), plain = span_str(rows[i].plain);
		struct span url = span_str(rows[i].url);

		check_encode(rows[i].plain, wr_base64, in, plain);
		check_encode(rows[i].url, wr_base64url, in, url);
		check_decode(rows[i].plain, base64_decode, plain, ERR_OK, in);
		check_decode(rows[i].url, base64_decode, url, ERR_OK, in);
	}
}

static void test_base64_decode(void)
{
	static const char *const bad[] = {"A", "=",
		"==", "===", "====", "A=", "A==", "A===", "AA=", "AA===", "AAA==", "AAA=A",
		"AAAA=", "AAAA==", "AAAA====", "AA==AAAA", "A=AA", "AB==", "AB", "AP", "AAB",
		"AAB=", "AAD", "AA A", "AAAA\n", "AAA\x7f", "AAA\xc1", "AA.A", "AA@A", "AA[A",
		"AA`A", "AA{A", "AA:A", "AA,A"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_decode(bad[i], base64_decode, span_str(bad[i]), ERR_SYNTAX,
			test_hex("000000000000"));
	check_decode("mixed", base64_decode, SPAN_LIT("+-/_"), ERR_OK, test_hex("fbefff"));
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t in[] = {'A', (uint8_t)c, 'A', 'A'};
		uint8_t buf[3] = {0};
		struct writer w = wr_make(buf, 3);
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || (c && strchr("+/-_", (int)c));

		CHECK(base64_decode(SPAN_OF(in), &w) == (digit ? ERR_OK : ERR_SYNTAX), "character");
		CHECK(w.n == (digit ? 3 : 0), "nothing is appended on an error");
		CHECK(digit || (buf[0] | buf[1] | buf[2]) == 0, "what was decoded is wiped");
	}
}

static const struct utf8_row {
	const char *what, *in;
	bool valid;
	const char *escaped;
} utf8_rows[] = {
	{"empty", "", true, ""},
	{"printable ASCII", "207e", true, " ~"},
	{"quote and backslash", "225c27", true, "\\x22\\x5c'"},
	{"newline", "610a62", true, "a\\x0ab"},
	{"escape and DEL", "1b7f", true, "\\x1b\\x7f"},
	{"NUL", "00", false, "\\x00"},
	{"NUL inside", "610062", false, "a\\x00b"},
	{"two bytes, lowest printable", "c2a0", true, "\xc2\xa0"},
	{"C1 control", "c285", true, "\\xc2\\x85"},
	{"two bytes, highest", "dfbf", true, "\xdf\xbf"},
	{"three bytes, lowest", "e0a080", true, "\xe0\xa0\x80"},
	{"euro sign", "e282ac", true, "\xe2\x82\xac"},
	{"below the surrogates", "ed9fbf", true, "\xed\x9f\xbf"},
	{"above the surrogates, private", "ee8080", true, "\\xee\\x80\\x80"},
	{"replacement character", "efbfbd", true, "\xef\xbf\xbd"},
	{"noncharacter", "efbfbf", true, "\\xef\\xbf\\xbf"},
	{"four bytes, lowest", "f0908080", true, "\xf0\x90\x80\x80"},
	{"four bytes, highest", "f48fbfbf", true, "\\xf4\\x8f\\xbf\\xbf"},
	{"right-to-left override", "e280ae", true, "\\xe2\\x80\\xae"},
	{"line separator", "e280a8", true, "\\xe2\\x80\\xa8"},
	{"byte order mark", "efbbbf", true, "\\xef\\xbb\\xbf"},
	{"lone continuation", "80", false, "\\x80"},
	{"highest continuation", "bf", false, "\\xbf"},
	{"overlong NUL", "c080", false, "\\xc0\\x80"},
	{"overlong, two bytes", "c1bf", false, "\\xc1\\xbf"},
	{"overlong, three bytes", "e09fbf", false, "\\xe0\\x9f\\xbf"},
	{"overlong, four bytes", "f08fbfbf", false, "\\xf0\\x8f\\xbf\\xbf"},
	{"first surrogate", "eda080", false, "\\xed\\xa0\\x80"},
	{"last surrogate", "edbfbf", false, "\\xed\\xbf\\xbf"},
	{"above U+10FFFF", "f4908080", false, "\\xf4\\x90\\x80\\x80"},
	{"lead of five bytes", "f888808080", false, "\\xf8\\x88\\x80\\x80\\x80"},
	{"FE and FF", "feff", false, "\\xfe\\xff"},
	{"cut after one of two", "61c3", false, "a\\xc3"},
	{"cut after two of three", "e282", false, "\\xe2\\x82"},
	{"cut after three of four", "f09f98", false, "\\xf0\\x9f\\x98"},
	{"ASCII instead of a continuation", "c341", false,
		"\\xc3"
		"A"},
	{"a lead instead of a continuation", "e2c3a9", false, "\\xe2\xc3\xa9"},
	{"text around it", "68c3a96cf09f9880", true, "h\xc3\xa9l\xf0\x9f\x98\x80"},
};

static void test_utf8(void)
{
	for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
		const struct utf8_row *row = &utf8_rows[i];

		CHECK(utf8_valid(test_hex(row->in)) == row->valid, row->what);
		check_encode(row->what, wr_escaped, test_hex(row->in), span_str(row->escaped));
	}
	CHECK(utf8_valid(SPAN_EMPTY), "the empty span");
}

static void test_ago(void)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{INT64_MIN, "just now"},
		{-1, "just now"},
		{0, "just now"},
		{1, "1 s ago"},
		{59, "59 s ago"},
		{60, "1 min ago"},
		{3599, "59 min ago"},
		{3600, "1 h ago"},
		{2 * 86400 - 1, "47 h ago"},
		{2 * 86400, "2 days ago"},
		{INT64_MAX, "106751991167300 days ago"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t text[40];
		struct writer w = wr_make(text, sizeof(text));

		wr_ago(&w, rows[i].seconds);
		CHECK(span_eq_str(wr_span(&w), rows[i].text), rows[i].text);
	}
}

int main(void)
{
	test_ago();
	test_hex_text();
	test_base64_encode();
	test_base64_decode();
	test_utf8();
	return test_done();
}
