/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/msg.h"
#include "tests/unit/coap/dump.h"

struct parse_row {
	const char *what, *hex;
	enum err err;
	const char *dump; /* NULL: not looked at */
};

static const struct parse_row parse_rows[] = {
	{"smallest request", "40010000", ERR_OK, "CON 0.01 0000 t= p="},
	{"Empty CON (ping)", "40001234", ERR_OK, "CON 0.00 1234 t= p="},
	{"Reset", "7000ffff", ERR_OK, "RST 0.00 ffff t= p="},
	{"Empty ACK", "60000001", ERR_OK, "ACK 0.00 0001 t= p="},
	{"NON", "50450001", ERR_OK, "NON 2.05 0001 t= p="},
	{"token of 1", "41010001aa", ERR_OK, "CON 0.01 0001 t=aa p="},
	{"token of 8", "480100010102030405060708", ERR_OK, "CON 0.01 0001 t=0102030405060708 p="},
	{"payload", "60450001ff68690a", ERR_OK, "ACK 2.05 0001 t= p=68690a"},
	{"payload that looks like a marker", "60450001ffff", ERR_OK, "ACK 2.05 0001 t= p=ff"},
	{"option without value", "4001000050", ERR_OK, "CON 0.01 0000 t= 5= p="},
	{"number 0", "4001000001aa", ERR_OK, "CON 0.01 0000 t= 0=aa p="},
	{"repeated option", "40010000b16101620163", ERR_OK,
		"CON 0.01 0000 t= 11=61 11=62 11=63 p="},
	{"delta 12", "40010000c128", ERR_OK, "CON 0.01 0000 t= 12=28 p="},
	{"delta 13, extended by one byte", "40010000d100aa", ERR_OK, "CON 0.01 0000 t= 13=aa p="},
	{"delta 268, the most in one byte", "40010000d0ff", ERR_OK, "CON 0.01 0000 t= 268= p="},
	{"delta 269, extended by two bytes", "40010000e00000", ERR_OK, "CON 0.01 0000 t= 269= p="},
	{"number 65535", "40010000e0fef2", ERR_OK, "CON 0.01 0000 t= 65535= p="},
	{"number 65535 in two steps",
		"40010000e0fef1"
		"10",
		ERR_OK, "CON 0.01 0000 t= 65534= 65535= p="},
	{"length 12", "40010000bc0102030405060708090a0b0c", ERR_OK,
		"CON 0.01 0000 t= 11=0102030405060708090a0b0c p="},
	{"length 13, extended by one byte", "40010000bd000102030405060708090a0b0c0d", ERR_OK,
		"CON 0.01 0000 t= 11=0102030405060708090a0b0c0d p="},
	{"registration", "44020001c0ffee01b272641128396c776d326d3d312e31ff3c2f3e", ERR_OK, NULL},
	{"Signaling code over UDP is the caller's affair", "40e10001", ERR_OK,
		"CON 7.01 0001 t= p="},

	{"nothing", "", ERR_SHORT, "NON 0.00 0000 t= p="},
	{"one byte", "40", ERR_SHORT, "NON 0.00 0000 t= p="},
	{"three bytes", "400100", ERR_SHORT, "NON 0.00 0000 t= p="},
	{"version 0: ignored in silence", "00010001", ERR_SYNTAX, "NON 0.00 0000 t= p="},
	{"version 2", "80010001", ERR_SYNTAX, "NON 0.00 0000 t= p="},
	{"version 3", "c0010001", ERR_SYNTAX, "NON 0.00 0000 t= p="},
	{"token cut", "4801000101020304050607", ERR_SHORT, "CON 0.01 0001 t= p="},
	{"token length 9, section 3", "49010001010203040506070809", ERR_SYNTAX,
		"CON 0.01 0001 t= p="},
	{"token length 10", "4a0100010102030405060708090a", ERR_SYNTAX, NULL},
	{"token length 11", "4b0100010102030405060708090a0b", ERR_SYNTAX, NULL},
	{"token length 12", "4c0100010102030405060708090a0b0c", ERR_SYNTAX, NULL},
	{"token length 13", "4d0100010102030405060708090a0b0c0d", ERR_SYNTAX, NULL},
	{"token length 14", "4e0100010102030405060708090a0b0c0d0e", ERR_SYNTAX, NULL},
	{"token length 15", "4f0100010102030405060708090a0b0c0d0e0f", ERR_SYNTAX, NULL},
	{"token length 9 and nothing else", "49010001", ERR_SYNTAX, NULL},
	{"marker without payload", "40010001ff", ERR_SYNTAX, "CON 0.01 0001 t= p="},
	{"marker without payload behind an option", "40010001b161ff", ERR_SYNTAX, NULL},
	{"Empty and a trailing byte", "4000000100", ERR_SYNTAX, "CON 0.00 0001 t= p="},
	{"Empty and a payload", "40000001ff00", ERR_SYNTAX, NULL},
	{"Empty and a token", "41000001aa", ERR_SYNTAX, NULL},
	{"Reset and a trailing byte", "7000000100", ERR_SYNTAX, "RST 0.00 0001 t= p="},
	{"delta 15", "40010001f0", ERR_SYNTAX, NULL},
	{"delta 15, length 14", "40010001fe00000000", ERR_SYNTAX, NULL},
	{"length 15", "400100010f", ERR_SYNTAX, NULL},
	{"length 15 behind a good option", "40010001b1611f00", ERR_SYNTAX, NULL},
	{"length 15 with an extended delta", "40010001df0000", ERR_SYNTAX, NULL},
	{"delta wraps at 16 bits", "40010001e0fef3", ERR_SYNTAX, NULL},
	{"delta wraps in the high byte", "40010001e0ff00", ERR_SYNTAX, NULL},
	{"largest delta that can be written", "40010001e0ffff", ERR_SYNTAX, NULL},
	{"sum of deltas above 65535", "40010001e0fef210", ERR_SYNTAX, NULL},
	{"sum of extended deltas above 65535", "40010001e0fef2e00000", ERR_SYNTAX, NULL},
	{"value cut", "40010001b272", ERR_SHORT, NULL},
	{"delta extension cut", "40010001d0", ERR_SHORT, NULL},
	{"long delta extension cut", "40010001e0fe", ERR_SHORT, NULL},
	{"length extension cut", "40010001bd", ERR_SHORT, NULL},
	{"long length extension cut", "40010001be00", ERR_SHORT, NULL},
	{"length that no datagram holds", "40010001beffff00", ERR_SHORT, NULL},
};

static void test_parse(void)
{
	for (size_t i = 0; i < sizeof(parse_rows) / sizeof(parse_rows[0]); i++) {
		const struct parse_row *row = &parse_rows[i];
		struct span in = exact(test_hex(row->hex));
		struct msg m;
		enum err err = msg_parse_udp(in, &m);
		if (row->dump && strcmp(dump(&m), row->dump) != 0 && err == row->err)
			printf("  got  %s\n  want %s\n", dump(&m), row->dump);
		CHECK(err == row->err && (!row->dump || strcmp(dump(&m), row->dump) == 0),
			row->what);
		free((void *)in.p);
	}
}

struct truncation_row {
	const char *what, *hex;
	const char *whole; /* a digit for each prefix that is a message by itself: '1', else '0' */
};

static const struct truncation_row truncation_rows[] = {
	{"ping", "40001234", "0000"},
	{"token", "4401000111223344", "00000000"},
	{"options", "41010001aab2726411283d000102030405060708090a0b0c0d",
		"0000010010100000000000000"},
	{"extended numbers and lengths", "40010001d1ff05e100172a", "00001001000"},
	{"payload", "60450001c128ffabcd", "000010101"},
};

static void test_truncations(void)
{
	for (size_t i = 0; i < sizeof(truncation_rows) / sizeof(truncation_rows[0]); i++) {
		const struct truncation_row *row = &truncation_rows[i];
		struct span whole = test_hex(row->hex);
		struct msg m;
		bool ok = msg_parse_udp(whole, &m) == ERR_OK && strlen(row->whole) == whole.n;
		for (size_t n = 0; ok && n < whole.n; n++) {
			struct span cut = exact(span_sub(whole, 0, n));
			ok = (msg_parse_udp(cut, &m) == ERR_OK) == (row->whole[n] == '1');
			if (!ok)
				printf("  cut to %zu\n", n);
			free((void *)cut.p);
		}
		CHECK(ok, row->what);
	}
}

static const struct parse_row inner_rows[] = {
	{"code alone", "01", ERR_OK, "NON 0.01 0000 t= p="},
	{"request of RFC 8613 C.4", "01b3747631", ERR_OK, "NON 0.01 0000 t= 11=747631 p="},
	{"response of RFC 8613 C.7", "45ff48656c6c6f20576f726c6421", ERR_OK,
		"NON 2.05 0000 t= p=48656c6c6f20576f726c6421"},
	{"option 9 inside is well-formed", "019101", ERR_OK, NULL},
	{"nothing", "", ERR_SHORT, "NON 0.00 0000 t= p="},
	{"marker without payload", "45ff", ERR_SYNTAX, NULL},
	{"Empty and a trailing byte", "0000", ERR_SYNTAX, NULL},
	{"value cut", "01b37476", ERR_SHORT, NULL},
	{"delta wraps", "01e0fef3", ERR_SYNTAX, NULL},
};

static void test_parse_inner(void)
{
	for (size_t i = 0; i < sizeof(inner_rows) / sizeof(inner_rows[0]); i++) {
		const struct parse_row *row = &inner_rows[i];
		struct span in = exact(test_hex(row->hex));
		struct msg m;
		enum err err = msg_parse_inner(in, &m);
		CHECK(err == row->err && (!row->dump || strcmp(dump(&m), row->dump) == 0),
			row->what);
		free((void *)in.p);
	}
}

static void test_limits(void)
{
	uint8_t buf[4 + MSG_OPTS_MAX + 1] = {0x40, 0x01};
	struct msg m;

	CHECK(msg_parse_udp((struct span){buf, 4 + MSG_OPTS_MAX}, &m) == ERR_OK &&
			m.opt_n == MSG_OPTS_MAX,
		"as many options as fit");
	CHECK(msg_parse_udp((struct span){buf, 4 + MSG_OPTS_MAX + 1}, &m) == ERR_LIMIT,
		"one option too many");

	static uint8_t big[4 + 3 + 65804] = {0x40, 0x01, 0, 0, 0x0e};
	CHECK(msg_parse_udp((struct span){big, 7 + 269}, &m) == ERR_OK && m.opt_n == 1 &&
			m.opt[0].val.n == 269,
		"length 269, extended by two bytes");
	big[5] = big[6] = 0xff;
	CHECK(msg_parse_udp(SPAN_OF(big), &m) == ERR_OK && m.opt[0].val.n == 65804,
		"longest value that can be written");
	CHECK(msg_parse_udp((struct span){big, sizeof(big) - 1}, &m) == ERR_SHORT,
		"longest value, cut by one byte");
}

static void random_bytes(uint64_t *state, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(chance(state) >> 24);
}

/* Options of every kind of delta and length; `pool` is where their values lie. */
static void random_msg(uint64_t *state, struct msg *m, struct span pool)
{
	static const size_t spans[] = {1, 12, 13, 268, 400, 65000};
	static const size_t lengths[] = {1, 13, 14, 269, 270, 600};

	msg_init(m, (enum msg_type)below(state, 4), (uint8_t)(1 + below(state, 255)));
	m->mid = (uint16_t)chance(state);
	m->token_n = (uint8_t)below(state, MSG_TOKEN_MAX + 1);
	random_bytes(state, m->token, m->token_n);
	size_t count = below(state, 4) == 0 ? below(state, MSG_OPTS_MAX + 1) : below(state, 8);
	uint32_t num = 0;
	for (size_t i = 0; i < count; i++) {
		num += (uint32_t)below(state, spans[below(state, 6)] + 1);
		if (num > UINT16_MAX)
			break;
		struct span val =
			span_sub(pool, below(state, 50), below(state, lengths[below(state, 6)]));
		m->opt[m->opt_n++] = (struct opt){(uint16_t)num, val};
	}
	if (below(state, 2))
		m->payload = span_sub(pool, below(state, 50), below(state, 500));
}

static bool same(const struct msg *a, const struct msg *b)
{
	bool ok = a->type == b->type && a->code == b->code && a->mid == b->mid &&
		  a->token_n == b->token_n && memcmp(a->token, b->token, a->token_n) == 0 &&
		  a->opt_n == b->opt_n && span_eq(a->payload, b->payload);

	for (size_t i = 0; ok && i < a->opt_n; i++)
		ok = a->opt[i].num == b->opt[i].num && span_eq(a->opt[i].val, b->opt[i].val);
	return ok;
}

static bool round_trip(const struct msg *m)
{
	static uint8_t buf[65536], inner[65536];
	struct writer w = wr_make(buf, sizeof(buf)), wi = wr_make(inner, sizeof(inner));
	struct msg back, bare;

	if (msg_encode_udp(m, &w) != ERR_OK || msg_parse_udp(wr_span(&w), &back) != ERR_OK ||
		!same(m, &back))
		return false;
	msg_copy(&bare, m);
	bare.type = MSG_NON;
	bare.mid = 0;
	bare.token_n = 0;
	return msg_encode_inner(m, &wi) == ERR_OK &&
	       msg_parse_inner(wr_span(&wi), &back) == ERR_OK && same(&bare, &back) &&
	       w.n == wi.n + 3 + m->token_n;
}

static void test_round_trips(void)
{
	uint8_t pool[700];
	uint64_t state = 7252;
	size_t bad = 0;
	struct msg m;

	random_bytes(&state, pool, sizeof(pool));
	for (size_t i = 0; i < 50000; i++) {
		random_msg(&state, &m, SPAN_OF(pool));
		bad += !round_trip(&m);
	}
	CHECK(bad == 0, "50000 pseudo-random messages survive encoding and parsing");
}

/* Every buffer that is too small by one byte or more is refused, and what was in it stays. */
static bool fits_only(const struct msg *m, enum err (*encode)(const struct msg *, struct writer *))
{
	uint8_t buf[256];
	struct writer all = wr_make(buf, sizeof(buf));
	bool ok = encode(m, &all) == ERR_OK;

	for (size_t cap = 0; ok && cap <= all.n; cap++) {
		uint8_t *p = malloc(cap + 1);
		struct writer w = wr_make(p, cap + 1);
		wr_u8(&w, 0xee);
		enum err err = encode(m, &w);
		ok = cap < all.n ? err == ERR_SPACE && w.n == 1 && p[0] == 0xee
				 : err == ERR_OK && memcmp(&p[1], buf, all.n) == 0;
		free(p);
	}
	return ok;
}

static void test_encode_space(void)
{
	struct msg m;

	REQUIRE(msg_parse_udp(test_hex("44020001c0ffee01b272641128396c776d326d3d312e31"
				       "d12005e1001701ff3c2f3e"),
			&m) == ERR_OK,
		"a message with everything");
	CHECK(fits_only(&m, msg_encode_udp), "every buffer too small for a datagram");
	CHECK(fits_only(&m, msg_encode_inner), "every buffer too small for an inner message");

	static uint8_t big[70000], out[80000];
	struct writer w = wr_make(out, sizeof(out));
	msg_init(&m, MSG_CON, MSG_GET);
	m.opt[m.opt_n++] = (struct opt){0, {big, 65804}};
	CHECK(msg_encode_udp(&m, &w) == ERR_OK && w.n == 7 + 65804, "longest value");
	w = wr_make(out, sizeof(out));
	m.opt[0].val.n = 65805;
	CHECK(msg_encode_udp(&m, &w) == ERR_SPACE && w.n == 0, "a value no length can say");
}

static void test_encode_empty(void)
{
	uint8_t buf[64];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg m;

	REQUIRE(msg_parse_udp(test_hex("41010001aab161ff01"), &m) == ERR_OK, "a request");
	m.type = MSG_RESET;
	m.code = MSG_EMPTY;
	CHECK(msg_encode_udp(&m, &w) == ERR_OK, "a request turned into its Reset");
	CHECK_BYTES(
		wr_span(&w), test_hex("70000001"), "an Empty message is four bytes, section 4.1");
}

static void test_codes(void)
{
	static const struct {
		uint8_t code;
		const char *text;
	} rows[] = {
		{MSG_EMPTY, "0.00"},
		{MSG_GET, "0.01"},
		{MSG_CONTENT, "2.05"},
		{MSG_CONTINUE, "2.31"},
		{MSG_UNSUPPORTED_FORMAT, "4.15"},
		{MSG_GATEWAY_TIMEOUT, "5.04"},
		{255, "7.31"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t buf[8];
		struct writer w = wr_make(buf, sizeof(buf));
		wr_code(&w, rows[i].code);
		CHECK(span_eq_str(wr_span(&w), rows[i].text), rows[i].text);
	}
	CHECK(msg_code_is_request(MSG_IPATCH) && !msg_code_is_request(MSG_EMPTY) &&
			!msg_code_is_request(MSG_CREATED),
		"which codes are requests");
	CHECK(msg_code_is_response(MSG_CREATED) && msg_code_is_response(MSG_CODE(5, 31)) &&
			!msg_code_is_response(MSG_CODE(1, 0)) &&
			!msg_code_is_response(MSG_CODE(6, 0)),
		"which codes are responses");
}

int main(void)
{
	test_parse();
	test_truncations();
	test_parse_inner();
	test_limits();
	test_round_trips();
	test_encode_space();
	test_encode_empty();
	test_codes();
	return test_done();
}
