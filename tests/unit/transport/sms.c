/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sms.h"

#include "tests/unit/test.h"

static void numbers(void)
{
	static const struct {
		const char *what, *text, *want; /* NULL: none */
	} rows[] = {
		{"digits", "491701234567", "491701234567"},
		{"a plus is left out (TRN-SMS-1)", "+491701234567", "491701234567"},
		{"one digit", "7", "7"},
		{"fifteen", "123456789012345", "123456789012345"},
		{"sixteen", "1234567890123456", NULL},
		{"a plus and fifteen", "+123456789012345", "123456789012345"},
		{"none", "", NULL},
		{"a plus alone", "+", NULL},
		{"two", "++49", NULL},
		{"one behind", "49+", NULL},
		{"letters", "Lanyard", NULL},
		{"a space", "49 170", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[SMS_NUMBER_MAX + 1] = "x";
		enum err err = sms_number_read(span_str(rows[i].text), out);
		CHECK(!err == (rows[i].want != NULL) &&
				!strcmp(out, rows[i].want ? rows[i].want : ""),
			rows[i].what);
	}
	char out[SMS_NUMBER_MAX + 1];
	CHECK(sms_number_read(SPAN_LIT("49\0"), out) == ERR_SYNTAX, "a NUL");
}

static void user_data(void)
{
	static const struct {
		const char *what, *hex;
		bool header;
		enum err err;
		unsigned bits, ref, total, number;
		const char *data;
	} rows[] = {
		{"no header", "40010203", false, ERR_OK, 0, 0, 0, 0, "40010203"},
		{"nothing", "", false, ERR_OK, 0, 0, 0, 0, ""},
		{"8 bits", "050003a70201aabb", true, ERR_OK, 8, 0xa7, 2, 1, "aabb"},
		{"16 bits", "060804a7010302cc", true, ERR_OK, 16, 0xa701, 3, 2, "cc"},
		{"a header that says nothing", "00aabb", true, ERR_OK, 0, 0, 0, 0, "aabb"},
		{"ports", "0605040b84c002aa", true, ERR_OK, 0, 0, 0, 0, "aa"},
		{"ports and parts", "0b05040b84c0020003070201aa", true, ERR_OK, 8, 7, 2, 1, "aa"},
		{"of two the last counts", "0a00030102010003020302aa", true, ERR_OK, 8, 2, 3, 2,
			"aa"},
		{"no data behind it", "050003a70201", true, ERR_OK, 8, 0xa7, 2, 1, ""},
		{"of one part", "050003a70101aa", true, ERR_OK, 8, 0xa7, 1, 1, "aa"},
		{"of 255", "050003a7ffffaa", true, ERR_OK, 8, 0xa7, 255, 255, "aa"},
		{"part 0", "050003a70200aa", true, ERR_RANGE, 0, 0, 0, 0, ""},
		{"part 3 of 2", "050003a70203aa", true, ERR_RANGE, 0, 0, 0, 0, ""},
		{"of no parts", "050003a70001aa", true, ERR_RANGE, 0, 0, 0, 0, ""},
		{"no byte of a header", "", true, ERR_SHORT, 0, 0, 0, 0, ""},
		{"longer than all", "060003a70201", true, ERR_SHORT, 0, 0, 0, 0, ""},
		{"an element longer than the header", "050004a70201aa", true, ERR_SHORT, 0, 0, 0, 0,
			""},
		{"half an element", "0100aa", true, ERR_SHORT, 0, 0, 0, 0, ""},
		{"8 bits, one byte more", "060004a7020100aa", true, ERR_SYNTAX, 0, 0, 0, 0, ""},
		{"8 bits, one byte less", "040002a702aa", true, ERR_SYNTAX, 0, 0, 0, 0, ""},
		{"16 bits, one byte less", "050803a70102aa", true, ERR_SYNTAX, 0, 0, 0, 0, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sms_part p = {.ref = 4711};
		enum err err = sms_read(test_hex(rows[i].hex), rows[i].header, &p);
		bool as_said = err == rows[i].err;
		if (err)
			as_said &= p.ref == 4711;
		else
			as_said &= p.ref_bits == rows[i].bits && p.ref == rows[i].ref &&
				   p.total == rows[i].total && p.number == rows[i].number &&
				   span_eq(p.data, test_hex(rows[i].data));
		CHECK(as_said, rows[i].what);
	}
}

static uint8_t big[SMS_PARTS_MAX * SMS_BYTES + 2];

static void cutting(void)
{
	static const struct {
		const char *what;
		enum sms_concat concat;
		size_t n, parts, first, header;
	} rows[] = {
		{"nothing", SMS_UDH8, 0, 1, 0, 0},
		{"what fits into one (TRN-SMS-1)", SMS_UDH8, 140, 1, 140, 0},
		{"134 bytes a part", SMS_UDH8, 141, 2, 134, 6},
		{"two full ones", SMS_UDH8, 268, 2, 134, 6},
		{"three", SMS_UDH8, 269, 3, 134, 6},
		{"all", SMS_UDH8, 134 * 16, 16, 134, 6},
		{"one byte too many", SMS_UDH8, 134 * 16 + 1, 0, 0, 0},
		{"16 bits", SMS_UDH16, 141, 2, 133, 7},
		{"16 bits, one", SMS_UDH16, 140, 1, 140, 0},
		{"beside the data", SMS_SAR, 141, 2, 140, 0},
		{"beside the data, all", SMS_SAR, 140 * 16, 16, 140, 0},
		{"beside the data, one byte too many", SMS_SAR, 140 * 16 + 1, 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(0x40 + i * 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sms_cutting c = {span_make(big, rows[i].n), rows[i].concat, 0x1234};
		struct sms_cut cut;
		CHECK(sms_parts(&c) == rows[i].parts, rows[i].what);
		CHECK(sms_cut(&c, 0, &cut) == ERR_RANGE, "there is no part 0");
		CHECK(sms_cut(&c, rows[i].parts + 1, &cut) == ERR_RANGE, "nor one behind the last");
		if (!rows[i].parts)
			continue;
		CHECK(!sms_cut(&c, 1, &cut) && cut.n == rows[i].first + rows[i].header &&
				cut.has_header == (rows[i].header > 0) &&
				cut.total == rows[i].parts && cut.number == 1,
			rows[i].what);
	}
	struct sms_cutting c = {span_make(big, 141), SMS_UDH8, 0x1234};
	struct sms_cut cut;
	REQUIRE(!sms_cut(&c, 2, &cut), "part 2");
	CHECK_BYTES(span_make(cut.bytes, 6), test_hex("050003340202"), "a header of 8 bits");
	CHECK_BYTES(span_make(&cut.bytes[6], cut.n - 6U), span_make(&big[134], 7), "what is left");
	c.concat = SMS_UDH16;
	REQUIRE(!sms_cut(&c, 2, &cut), "part 2");
	CHECK_BYTES(span_make(cut.bytes, 7), test_hex("06080412340202"), "a header of 16 bits");
}

static void push(void)
{
	uint8_t buf[SMS_BYTES];
	struct writer w = wr_make(buf, sizeof(buf));
	sms_push_begin(&w);
	wr_bytes(&w, test_hex("5002123481313131"));
	struct sms_cutting c = {wr_span(&w), SMS_UDH8, 1};
	struct sms_cut cut;
	CHECK(sms_is_push(wr_span(&w)) && !sms_is_push(test_hex("5002")) &&
			!sms_is_push(test_hex("010603c4af")) && !sms_is_push(SPAN_EMPTY),
		"what is a push");
	REQUIRE(sms_parts(&c) == 1 && !sms_cut(&c, 1, &cut), "one part");
	CHECK(cut.has_header, "it has a header");
	CHECK_BYTES(span_make(cut.bytes, cut.n),
		test_hex("0605040b84c002010603c4af9a5002123481313131"), "on the air (TRN-SMS-3)");
	for (size_t n = 126; n <= 128; n++) {
		uint8_t longer[160] = {0};
		struct writer l = wr_make(longer, sizeof(longer));
		sms_push_begin(&l);
		wr_bytes(&l, span_make(big, n));
		c.message = wr_span(&l);
		CHECK(sms_parts(&c) == (n <= 127), "127 bytes of CoAP fit, and it is not cut");
	}
}

/* ---- parts that come in */

static struct sms_box *box(uint32_t messages, uint32_t per_number)
{
	struct sms_box *b = NULL;
	struct sms_box_limits l = {
		.messages = messages, .per_number = per_number, .wait_ms = 600000};
	REQUIRE(!sms_box_new(&l, &b), "a box");
	return b;
}

static enum err add(struct sms_box *b, const char *number, unsigned ref, unsigned total, unsigned n,
	const char *data, uint64_t now_ms, struct span *out)
{
	struct sms_part p = {.data = span_str(data),
		.ref_bits = 8,
		.ref = (uint16_t)ref,
		.total = (uint8_t)total,
		.number = (uint8_t)n};
	*out = SPAN_EMPTY;
	return sms_box_add(b, number, &p, now_ms, out);
}

static void joining(void)
{
	static const struct {
		const char *what, *number;
		unsigned ref, total, part;
		const char *data;
		uint64_t at_ms;
		enum err err;
		const char *whole;
	} rows[] = {
		{"the first", "1", 1, 3, 1, "a", 0, ERR_SHORT, ""},
		{"the last before the second", "1", 1, 3, 3, "c", 1, ERR_SHORT, ""},
		{"repeated", "1", 1, 3, 1, "a", 2, ERR_EXISTS, ""},
		{"whole", "1", 1, 3, 2, "b", 3, ERR_OK, "abc"},
		{"repeated behind it, begins anew", "1", 1, 3, 2, "b", 4, ERR_SHORT, ""},
		{"another message meanwhile", "1", 2, 2, 1, "x", 5, ERR_SHORT, ""},
		{"another number, same reference", "2", 2, 2, 2, "q", 5, ERR_SHORT, ""},
		{"another count of parts", "1", 2, 3, 2, "z", 5, ERR_SHORT, ""},
		{"crossed, the first number's", "1", 2, 2, 2, "y", 6, ERR_OK, "xy"},
		{"crossed, the other's", "2", 2, 2, 1, "p", 6, ERR_OK, "pq"},
		{"a contradiction", "3", 9, 2, 1, "old", 7, ERR_SHORT, ""},
		{"begins anew", "3", 9, 2, 1, "new", 8, ERR_SHORT, ""},
		{"and is what is told", "3", 9, 2, 2, "er", 9, ERR_OK, "newer"},
		{"just in time", "4", 1, 2, 1, "a", 10, ERR_SHORT, ""},
		{"ten minutes less one", "4", 1, 2, 2, "b", 600009, ERR_OK, "ab"},
		{"too late", "5", 1, 2, 1, "a", 700000, ERR_SHORT, ""},
		{"ten minutes", "5", 1, 2, 2, "b", 1300000, ERR_SHORT, ""},
		{"of one part", "6", 1, 1, 1, "alone", 1300000, ERR_OK, "alone"},
		{"an empty part", "7", 1, 2, 1, "", 1300001, ERR_SHORT, ""},
		{"and the other", "7", 1, 2, 2, "b", 1300001, ERR_OK, "b"},
		{"too many parts", "8", 1, 17, 1, "a", 1300001, ERR_RANGE, ""},
		{"endless parts", "8", 1, 255, 200, "a", 1300001, ERR_RANGE, ""},
		{"no part at all", "8", 1, 2, 0, "a", 1300001, ERR_RANGE, ""},
		{"behind the last", "8", 1, 2, 3, "a", 1300001, ERR_RANGE, ""},
	};
	struct sms_box *b = box(100, 10);
	struct span got;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum err err = add(b, rows[i].number, rows[i].ref, rows[i].total, rows[i].part,
			rows[i].data, rows[i].at_ms, &got);
		CHECK(err == rows[i].err && span_eq_str(got, rows[i].whole), rows[i].what);
	}
	CHECK(sms_box_stats(b).repeated == 1 && sms_box_stats(b).expired == 3, "counted");
	sms_box_expire(b, 9999999);
	CHECK(sms_box_stats(b).waiting == 0 && sms_box_stats(b).expired == 4, "all are forgotten");
	struct sms_part whole = {.data = span_make(big, SMS_MESSAGE_MAX)};
	CHECK(!sms_box_add(b, "1", &whole, 0, &got) && span_eq(got, whole.data), "a long one");
	whole.data.n++;
	CHECK(sms_box_add(b, "1", &whole, 0, &got) == ERR_RANGE, "too long");
	struct sms_part part = {span_make(big, SMS_BYTES + 1), 8, 1, 2, 1};
	CHECK(sms_box_add(b, "1", &part, 0, &got) == ERR_RANGE, "a part that is too long");
	sms_box_free(b);
}

static void bounds(void)
{
	struct sms_box *b = box(8, 3);
	struct span got;
	char number[SMS_NUMBER_MAX + 1];
	unsigned waits = 0;
	for (unsigned i = 0; i < 5; i++)
		CHECK(add(b, "111", i, 2, 1, "a", i, &got) == ERR_SHORT, "one more of a number");
	CHECK(sms_box_stats(b).waiting == 3 && sms_box_stats(b).displaced == 2, "has three");
	CHECK(add(b, "111", 0, 2, 2, "b", 6, &got) == ERR_SHORT, "the oldest is gone");
	CHECK(add(b, "111", 4, 2, 2, "b", 6, &got) == ERR_OK, "the newest is there");
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(number, sizeof(number), "49%u", i);
		waits += add(b, number, 1, 16, 1 + i % 16, "a", i, &got) == ERR_SHORT;
	}
	CHECK(waits == 10000, "a flood of numbers that never end a message");
	CHECK(sms_box_stats(b).waiting == 8, "all have eight");
	/* Parts without end of one message are one message. */
	for (unsigned i = 0; i < 1000; i++)
		(void)!add(b, "222", 7, 16, 1 + i % 15, i & 16 ? "x" : "y", 20000, &got);
	CHECK(sms_box_stats(b).waiting <= 8, "still");
	sms_box_free(b);
}

/* What is cut is read and put together again, in any order. */
static void there_and_back(void)
{
	struct sms_box *b = box(8, 3);
	for (size_t n = 1; n <= SMS_MESSAGE_MAX; n += 61) {
		struct sms_cutting c = {
			span_make(big, n), n % 2 ? SMS_UDH8 : SMS_UDH16, (uint16_t)n};
		size_t total = sms_parts(&c), whole = 0;
		for (size_t i = total; i; i--) {
			struct sms_cut cut;
			struct sms_part p;
			struct span got = SPAN_EMPTY;
			REQUIRE(!sms_cut(&c, i, &cut), "a part");
			REQUIRE(!sms_read(span_make(cut.bytes, cut.n), cut.has_header, &p), "read");
			enum err err = sms_box_add(b, "49", &p, 0, &got);
			whole += !err && i == 1 && span_eq(got, c.message);
			CHECK(!err || (err == ERR_SHORT && i > 1), "complete with the last");
		}
		CHECK(whole == 1, "there and back");
	}
	sms_box_free(b);
}

int main(void)
{
	numbers();
	user_data();
	cutting();
	push();
	joining();
	bounds();
	there_and_back();
	return test_done();
}
