/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include "tests/unit/test.h"

static void test_compare(void)
{
	static const struct {
		const char *what, *a, *b;
		int sign;
	} rows[] = {
		{"both empty", "", "", 0},
		{"equal", "616263", "616263", 0},
		{"a prefix sorts first", "6162", "616263", -1},
		{"empty sorts first", "", "00", -1},
		{"bytes before length", "62", "616263", 1},
		{"bytes are unsigned", "80", "7f", 1},
		{"NUL is a byte", "610062", "610063", -1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span a = test_hex(rows[i].a), b = test_hex(rows[i].b);
		int c = span_cmp(a, b), d = span_cmp(b, a);

		CHECK((c > 0) - (c < 0) == rows[i].sign, rows[i].what);
		CHECK((d > 0) - (d < 0) == -rows[i].sign, rows[i].what);
		CHECK(span_eq(a, b) == (rows[i].sign == 0), rows[i].what);
	}
	CHECK(span_eq(SPAN_EMPTY, test_hex("")), "empty spans are equal whatever they point to");
	CHECK(span_eq_str(SPAN_LIT("abc"), "abc"), "equal to a string");
	CHECK(!span_eq_str(SPAN_LIT("abc"), "abcd"), "shorter than a string");
	CHECK(!span_eq_str(SPAN_LIT("abc\0"), "abc"), "a NUL counts in the span");
	CHECK(span_eq_str(SPAN_EMPTY, NULL), "no string is an empty string");
	CHECK(span_str(NULL).n == 0 && span_str(NULL).p == NULL, "span of no string");
}

static void test_sub(void)
{
	static const struct {
		const char *what;
		size_t at, n;
		const char *want;
	} rows[] = {
		{"all", 0, 4, "abcd"},
		{"inner", 1, 2, "bc"},
		{"last", 3, 1, "d"},
		{"clipped", 2, 3, "cd"},
		{"n near SIZE_MAX", 2, SIZE_MAX, "cd"},
		{"nothing", 1, 0, ""},
		{"at the end", 4, 1, ""},
		{"beyond the end", 5, 1, ""},
		{"at near SIZE_MAX", SIZE_MAX, SIZE_MAX, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_BYTES(span_sub(SPAN_LIT("abcd"), rows[i].at, rows[i].n),
			span_str(rows[i].want), rows[i].what);
	CHECK(span_sub(SPAN_EMPTY, 0, 1).n == 0, "part of the empty span");
}

static void test_to_str(void)
{
	static const struct {
		const char *what;
		struct span in;
		size_t cap;
		enum err err;
	} rows[] = {
		{"fits", {(const uint8_t *)"abc", 3}, 8, ERR_OK},
		{"just fits", {(const uint8_t *)"abc", 3}, 4, ERR_OK},
		{"no room for the NUL", {(const uint8_t *)"abc", 3}, 3, ERR_SPACE},
		{"empty", {NULL, 0}, 1, ERR_OK},
		{"a NUL inside", {(const uint8_t *)"a\0c", 3}, 8, ERR_SYNTAX},
		{"a NUL at the end", {(const uint8_t *)"abc", 4}, 8, ERR_SYNTAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[9] = "xxxxxxxx";

		CHECK(span_to_str(rows[i].in, out, rows[i].cap) == rows[i].err, rows[i].what);
		CHECK_BYTES(span_str(out), rows[i].err ? SPAN_EMPTY : rows[i].in, rows[i].what);
		CHECK(out[rows[i].cap] == (rows[i].cap < 8 ? 'x' : 0), "nothing behind the buffer");
	}
	CHECK(span_to_str(SPAN_EMPTY, NULL, 0) == ERR_SPACE, "no buffer at all");
}

static void test_to_u64(void)
{
	static const struct {
		const char *in;
		uint64_t max;
		enum err err;
		uint64_t want;
	} rows[] = {
		{"0", 0, ERR_OK, 0},
		{"7", UINT64_MAX, ERR_OK, 7},
		{"007", UINT64_MAX, ERR_OK, 7},
		{"65535", 65535, ERR_OK, 65535},
		{"65536", 65535, ERR_RANGE, 0},
		{"18446744073709551615", UINT64_MAX, ERR_OK, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, ERR_RANGE, 0},
		{"18446744073709551620", UINT64_MAX, ERR_RANGE, 0},
		{"99999999999999999999999", UINT64_MAX, ERR_RANGE, 0},
		{"36893488147419103232", UINT64_MAX, ERR_RANGE, 0},
		{"99999999999999999999999x", UINT64_MAX, ERR_SYNTAX, 0},
		{"", UINT64_MAX, ERR_SYNTAX, 0},
		{"+1", UINT64_MAX, ERR_SYNTAX, 0},
		{"-1", UINT64_MAX, ERR_SYNTAX, 0},
		{" 1", UINT64_MAX, ERR_SYNTAX, 0},
		{"1 ", UINT64_MAX, ERR_SYNTAX, 0},
		{"0x1", UINT64_MAX, ERR_SYNTAX, 0},
		{"1/", UINT64_MAX, ERR_SYNTAX, 0},
		{"1:", UINT64_MAX, ERR_SYNTAX, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t v = 4711;
		enum err e = span_to_u64(span_str(rows[i].in), rows[i].max, &v);

		CHECK(e == rows[i].err && v == (e ? 4711 : rows[i].want), rows[i].in);
	}
}

static uint64_t read_u8(struct reader *r)
{
	return rd_u8(r);
}

static uint64_t read_u16(struct reader *r)
{
	return rd_u16(r);
}

static uint64_t read_u32(struct reader *r)
{
	return rd_u32(r);
}

static uint64_t read_uint0(struct reader *r)
{
	return rd_uint(r, 0);
}

static uint64_t read_uint3(struct reader *r)
{
	return rd_uint(r, 3);
}

static uint64_t read_uint8(struct reader *r)
{
	return rd_uint(r, 8);
}

static uint64_t read_bytes5(struct reader *r)
{
	struct span s = rd_bytes(r, 5);

	return s.n ? s.p[4] : 0;
}

/* Every read, at each truncation of its input and with a byte behind it. */
static void test_reads(void)
{
	static const uint8_t in[] = {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x09};
	static const struct {
		const char *what;
		uint64_t (*read)(struct reader *);
		size_t n;
		uint64_t want;
	} rows[] = {
		{"u8", read_u8, 1, 0x81},
		{"u16", read_u16, 2, 0x8192},
		{"u32", read_u32, 4, 0x8192a3b4},
		{"u64", rd_u64, 8, 0x8192a3b4c5d6e7f8},
		{"uint of 0", read_uint0, 0, 0},
		{"uint of 3", read_uint3, 3, 0x8192a3},
		{"uint of 8", read_uint8, 8, 0x8192a3b4c5d6e7f8},
		{"bytes", read_bytes5, 5, 0xc5},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reader r;

		for (size_t n = 0; n < rows[i].n; n++) {
			r = rd_make(span_make(in, n));
			CHECK(rows[i].read(&r) == 0 && rd_end(&r) == ERR_SHORT, rows[i].what);
			CHECK(rd_left(&r) == 0, "nothing is left after a failure");
		}
		r = rd_make(span_make(in, rows[i].n));
		CHECK(rows[i].read(&r) == rows[i].want && rd_end(&r) == ERR_OK, rows[i].what);
		r = rd_make(span_make(in, rows[i].n + 1));
		CHECK(rows[i].read(&r) == rows[i].want && rd_end(&r) == ERR_SYNTAX, rows[i].what);
		CHECK(rd_left(&r) == 1 && rd_u8(&r) == in[rows[i].n], rows[i].what);
		CHECK(rd_end(&r) == ERR_OK, rows[i].what);
	}
}

static void test_reader_errors(void)
{
	struct reader r = rd_make(SPAN_LIT("abcdefgh"));

	CHECK_BYTES(rd_bytes(&r, 2), SPAN_LIT("ab"), "bytes");
	CHECK_BYTES(rd_bytes(&r, 0), SPAN_EMPTY, "no bytes");
	CHECK_BYTES(rd_rest(&r), SPAN_LIT("cdefgh"), "the rest");
	CHECK_BYTES(rd_rest(&r), SPAN_EMPTY, "the rest of nothing");
	CHECK(rd_end(&r) == ERR_OK, "read to the end");

	r = rd_make(SPAN_LIT("abcdefgh"));
	CHECK(rd_bytes(&r, 9).n == 0 && rd_end(&r) == ERR_SHORT, "one byte too many");
	CHECK(rd_u8(&r) == 0 && rd_u16(&r) == 0 && rd_u32(&r) == 0 && rd_u64(&r) == 0,
		"zero after a failure, though there were bytes");
	CHECK(rd_rest(&r).p == NULL && rd_bytes(&r, 0).p == NULL, "empty after a failure");
	rd_fail(&r, ERR_RANGE);
	CHECK(rd_end(&r) == ERR_SHORT, "the first error stays");

	r = rd_make(SPAN_LIT("abcdefgh"));
	rd_fail(&r, ERR_UNSUPPORTED);
	CHECK(rd_u8(&r) == 0 && rd_end(&r) == ERR_UNSUPPORTED, "the caller's error");

	r = rd_make(SPAN_LIT("abcdefghi"));
	CHECK(rd_uint(&r, 9) == 0 && rd_end(&r) == ERR_RANGE, "a number of nine bytes");
	r = rd_make(SPAN_LIT("abcdefgh"));
	CHECK(rd_bytes(&r, SIZE_MAX).n == 0 && rd_end(&r) == ERR_SHORT, "SIZE_MAX bytes");

	r = rd_make(SPAN_EMPTY);
	CHECK(rd_bytes(&r, 0).n == 0 && rd_rest(&r).n == 0 && rd_end(&r) == ERR_OK, "empty input");
}

static void write_u8(struct writer *w)
{
	wr_u8(w, 0x81);
}

static void write_u16(struct writer *w)
{
	wr_u16(w, 0x8192);
}

static void write_u32(struct writer *w)
{
	wr_u32(w, 0x8192a3b4);
}

static void write_u64(struct writer *w)
{
	wr_u64(w, 0x8192a3b4c5d6e7f8);
}

static void write_uint0(struct writer *w)
{
	wr_uint(w, 0, 0);
}

static void write_uint3(struct writer *w)
{
	wr_uint(w, 0xffffff, 3);
}

static void write_uint8(struct writer *w)
{
	wr_uint(w, UINT64_MAX, 8);
}

static void write_bytes(struct writer *w)
{
	wr_bytes(w, SPAN_LIT("ab\0c"));
}

static void write_str(struct writer *w)
{
	wr_str(w, "abc");
}

static void write_fmt(struct writer *w)
{
	wr_fmt(w, "%d-%s", 42, "x");
}

static void write_fmt_long(struct writer *w)
{
	wr_fmt(w, "%0300d", 7);
}

static const struct write_row {
	const char *what;
	void (*write)(struct writer *);
	const char *want;
} write_rows[] = {
	{"u8", write_u8, "81"},
	{"u16", write_u16, "8192"},
	{"u32", write_u32, "8192a3b4"},
	{"u64", write_u64, "8192a3b4c5d6e7f8"},
	{"uint of 0", write_uint0, ""},
	{"uint of 3", write_uint3, "ffffff"},
	{"uint of 8", write_uint8, "ffffffffffffffff"},
	{"bytes", write_bytes, "61620063"},
	{"string", write_str, "616263"},
	{"format", write_fmt, "34322d78"},
};

/* The buffer is filled with 'x' and has a byte in front, so that offsets count. */
static void check_write(const char *what, void (*write)(struct writer *), struct span want)
{
	uint8_t buf[512];
	struct writer w;

	for (size_t cap = 0; cap <= want.n; cap++) {
		memset(buf, 'x', sizeof(buf));
		w = wr_make(buf, cap);
		write(&w);
		CHECK(w.err == (cap < want.n ? ERR_SPACE : ERR_OK), what);
		CHECK_BYTES(wr_span(&w), cap < want.n ? SPAN_EMPTY : want, what);
		CHECK(buf[cap] == 'x', "nothing is written behind the capacity");
	}
	memset(buf, 'x', sizeof(buf));
	w = wr_make(buf, sizeof(buf));
	wr_u8(&w, 0xee);
	write(&w);
	CHECK(w.err == ERR_OK && w.n == want.n + 1 && buf[0] == 0xee && buf[w.n] == 'x', what);
	CHECK_BYTES(span_sub(wr_span(&w), 1, SIZE_MAX), want, what);
}

static void test_writes(void)
{
	char digits[301];

	for (size_t i = 0; i < sizeof(write_rows) / sizeof(write_rows[0]); i++)
		check_write(write_rows[i].what, write_rows[i].write, test_hex(write_rows[i].want));
	snprintf(digits, sizeof(digits), "%0300d", 7);
	check_write("long format", write_fmt_long, span_str(digits));
}

static void test_writer_errors(void)
{
	static const struct {
		const char *what;
		uint64_t v;
		size_t n;
	} rows[] = {
		{"one in no bytes", 1, 0},
		{"256 in one byte", 256, 1},
		{"2^56 in seven bytes", 1ULL << 56, 7},
		{"nine bytes", 1, 9},
	};
	uint8_t buf[16];
	struct writer w;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = wr_make(buf, sizeof(buf));
		wr_uint(&w, rows[i].v, rows[i].n);
		CHECK(w.err == ERR_RANGE && w.n == 0, rows[i].what);
	}
	w = wr_make(buf, 3);
	wr_u16(&w, 1);
	wr_u16(&w, 2);
	CHECK(w.err == ERR_SPACE && w.n == 2, "the writer is full");
	wr_u8(&w, 3);
	wr_fmt(&w, "x");
	wr_bytes(&w, SPAN_EMPTY);
	CHECK(w.err == ERR_SPACE && w.n == 2, "what would fit is not written after an error");
	wr_uint(&w, 256, 1);
	CHECK(w.err == ERR_SPACE, "the first error stays");
	CHECK(wr_room(&w, 0) == NULL, "no room after an error, not even for nothing");

	w = wr_make(buf, 4);
	CHECK(wr_room(&w, 3) == buf && w.n == 3, "room");
	CHECK(wr_room(&w, 1) == buf + 3 && w.n == 4, "room to the end");
	CHECK(wr_room(&w, 0) != NULL && w.err == ERR_OK, "room for nothing at the end");
	CHECK(wr_room(&w, 1) == NULL && w.err == ERR_SPACE && w.n == 4, "no room");
	w = wr_make(buf, 4);
	wr_u8(&w, 1);
	CHECK(wr_room(&w, SIZE_MAX) == NULL && w.err == ERR_SPACE, "room for SIZE_MAX");
	w = wr_make(NULL, 0);
	wr_bytes(&w, SPAN_EMPTY);
	wr_str(&w, NULL);
	wr_fmt(&w, "%s", "");
	CHECK(w.err == ERR_OK && w.n == 0, "nothing fits into no buffer");
}

int main(void)
{
	test_compare();
	test_sub();
	test_to_str();
	test_to_u64();
	test_reads();
	test_reader_errors();
	test_writes();
	test_writer_errors();
	return test_done();
}
