/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and signalling messages of RFC 8323. */
#include "coap/stream.h"

#include "tests/unit/coap/dump.h"

enum { LIMIT = 1 << 20 };

/* A frame with that head and as many zero bytes behind it as it claims. */
struct head_row {
	const char *what, *head;
	size_t limit;
	enum err err;
	size_t n, head_n;
	uint8_t token_n, code;
};

static const struct head_row head_rows[] = {
	{"Empty, section 3.4", "0000", LIMIT, ERR_OK, 2, 2, 0, 0x00},
	{"GET without anything", "0001", LIMIT, ERR_OK, 2, 2, 0, 0x01},
	{"GET with a token, figure 6", "0143", LIMIT, ERR_OK, 3, 2, 1, 0x43},
	{"length 12", "c145", LIMIT, ERR_OK, 15, 2, 1, 0x45},
	{"length 13, extended by one byte (TRN-TCP-2)", "d00045", LIMIT, ERR_OK, 16, 3, 0, 0x45},
	{"length 268, the most in one byte", "d0ff45", LIMIT, ERR_OK, 271, 3, 0, 0x45},
	{"length 269, extended by two bytes", "e8000045", LIMIT, ERR_OK, 281, 4, 8, 0x45},
	{"length 65804, the most in two bytes", "e0ffff45", LIMIT, ERR_OK, 65808, 4, 0, 0x45},
	{"length 65805, extended by four bytes", "f00000000045", LIMIT, ERR_OK, 65811, 6, 0, 0x45},
	{"just within the limit", "d00045", 16, ERR_OK, 16, 3, 0, 0x45},
	{"just above it", "d00045", 15, ERR_LIMIT, 0, 0, 0, 0},
	{"above it with its token", "1144", 3, ERR_LIMIT, 0, 0, 0, 0},
	{"too long before its code has come", "e0ffff", 4096, ERR_LIMIT, 0, 0, 0, 0},
	{"the longest there can be", "f8ffffffff45", LIMIT, ERR_LIMIT, 0, 0, 0, 0},
	{"token length 9, section 3.2", "0945", LIMIT, ERR_SYNTAX, 0, 0, 0, 0},
	{"token length 15", "0f45", LIMIT, ERR_SYNTAX, 0, 0, 0, 0},
	{"token length 9 is known from one byte", "09", LIMIT, ERR_SYNTAX, 0, 0, 0, 0},
	{"nothing", "", LIMIT, ERR_SHORT, 0, 0, 0, 0},
	{"no code", "00", LIMIT, ERR_SHORT, 0, 0, 0, 0},
	{"no extended length", "d0", LIMIT, ERR_SHORT, 0, 0, 0, 0},
	{"half of an extended length", "e000", LIMIT, ERR_SHORT, 0, 0, 0, 0},
	{"three quarters of one", "f0000000", LIMIT, ERR_SHORT, 0, 0, 0, 0},
};

static void test_heads(void)
{
	for (size_t i = 0; i < sizeof(head_rows) / sizeof(head_rows[0]); i++) {
		const struct head_row *row = &head_rows[i];
		struct span in = exact(test_hex(row->head));
		struct stream_frame f = {0};
		enum err err = stream_peek(in, row->limit, &f);
		CHECK(err == row->err && f.n == row->n && f.head_n == row->head_n &&
				f.token_n == row->token_n && f.code == row->code,
			row->what);
		free((void *)(uintptr_t)in.p);
	}
}

/* What a head tells does not depend on how much has come behind it. */
static void test_byte_by_byte(void)
{
	struct span frame = test_hex("d80244010203040506070861ffb26c6f63616c686f737400");
	struct stream_frame f;
	bool ok = true;

	for (size_t n = 0; n <= frame.n; n++) {
		struct span in = exact(span_sub(frame, 0, n));
		enum err err = stream_peek(in, LIMIT, &f);
		ok = ok && err == (n < 3 ? ERR_SHORT : ERR_OK);
		ok = ok && (n < 3 || (f.n == 26 && f.token_n == 8));
		free((void *)(uintptr_t)in.p);
	}
	CHECK(ok, "a frame one byte at a time");
}

struct pair_row {
	const char *what, *frame, *datagram;
};

static const struct pair_row pair_rows[] = {
	{"smallest", "0001", "4001abcd"},
	{"token", "0143aa", "4143abcdaa"},
	{"an option", "2101aab16f", "4101abcdaab16f"},
	{"length 12", "c145aab16fff303132333435363738", "4145abcdaab16fff303132333435363738"},
	{"length 13", "d10045aab16fff30313233343536373839", "4145abcdaab16fff30313233343536373839"},
};

static void test_pairs(void)
{
	for (size_t i = 0; i < sizeof(pair_rows) / sizeof(pair_rows[0]); i++) {
		const struct pair_row *row = &pair_rows[i];
		uint8_t buf[64];
		struct writer w = wr_make(buf, sizeof(buf));
		CHECK(stream_to_datagram(test_hex(row->frame), 0xabcd, &w) == ERR_OK, row->what);
		CHECK_BYTES(wr_span(&w), test_hex(row->datagram), row->what);
		w = wr_make(buf, sizeof(buf));
		CHECK(stream_from_datagram(test_hex(row->datagram), &w) == ERR_OK, row->what);
		CHECK_BYTES(wr_span(&w), test_hex(row->frame), row->what);
	}
}

/* Around each step of the length, both ways. */
static void test_lengths(void)
{
	static const size_t bodies[] = {0, 1, 12, 13, 14, 268, 269, 270, 65804, 65805, 65806};
	static uint8_t datagram[70000], frame[70010], back[70000];
	bool ok = true;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (size_t token_n = 0; token_n <= MSG_TOKEN_MAX; token_n += 4) {
			struct writer w = wr_make(frame, sizeof(frame));
			struct writer b = wr_make(back, sizeof(back));
			struct stream_frame f;
			memset(datagram, 0x5a, sizeof(datagram));
			datagram[0] = (uint8_t)(0x40 | token_n);
			datagram[1] = MSG_POST;
			struct span d = span_make(datagram, 4 + token_n + bodies[i]);
			ok = ok && !stream_from_datagram(d, &w);
			ok = ok && !stream_peek(wr_span(&w), LIMIT, &f) && f.n == w.n;
			ok = ok && !stream_to_datagram(wr_span(&w), 0x5a5a, &b);
			ok = ok && span_eq(wr_span(&b), d);
		}
	CHECK(ok, "frame and datagram at each step of the length");
}

static void test_not_frames(void)
{
	static const char *const frames[] = {"", "00", "1001", "000100", "0145", "d000", "0901"};
	static const char *const datagrams[] = {
		"", "40", "400100", "48010000", "4901000001", "00010000", "80010000", "4201000001"};
	uint8_t buf[64];

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct writer w = wr_make(buf, sizeof(buf));
		wr_u8(&w, 7);
		CHECK(stream_to_datagram(test_hex(frames[i]), 1, &w) == ERR_SYNTAX && w.n == 1,
			frames[i]);
	}
	for (size_t i = 0; i < sizeof(datagrams) / sizeof(datagrams[0]); i++) {
		struct writer w = wr_make(buf, sizeof(buf));
		wr_u8(&w, 7);
		CHECK(stream_from_datagram(test_hex(datagrams[i]), &w) == ERR_SYNTAX && w.n == 1,
			datagrams[i]);
	}
	for (size_t cap = 0; cap < 7; cap++) {
		struct writer to = wr_make(buf, cap), from = wr_make(buf, cap);
		bool full = stream_to_datagram(test_hex("2101aab16f"), 1, &to) == ERR_SPACE &&
			    to.n == 0;
		bool fits = stream_from_datagram(test_hex("4101abcdaab16f"), &from) == ERR_OK;
		CHECK(full && fits == (cap >= 5) && (fits || from.n == 0),
			"a writer that is too small holds nothing");
	}
}

struct signal_row {
	const char *what, *frame;
	enum err err;
	uint32_t max;
	bool blocks;
	uint16_t bad;
};

static const struct signal_row csm_rows[] = {
	{"CSM without options leaves what was (TRN-TCP-3)", "00e1", ERR_OK, 1152, false, 0},
	{"Max-Message-Size", "30e1220400", ERR_OK, 1024, false, 0},
	{"Max-Message-Size of 0", "10e120", ERR_OK, 0, false, 0},
	{"Max-Message-Size of 4 bytes", "50e124ffffffff", ERR_OK, UINT32_MAX, false, 0},
	{"one that is too long counts as absent", "60e1250000000400", ERR_OK, 1152, false, 0},
	{"Block-Wise-Transfer", "10e140", ERR_OK, 1152, true, 0},
	{"both", "40e122040020", ERR_OK, 1024, true, 0},
	{"an elective option of later days (RFC 8974)", "20e16101", ERR_OK, 1152, false, 0},
	{"critical and unknown, section 5.3.1", "10e130", ERR_UNSUPPORTED, 1152, false, 3},
	{"critical and unknown behind others", "50e12204002010", ERR_UNSUPPORTED, 1152, false, 5},
	{"number 1 is critical too", "10e110", ERR_UNSUPPORTED, 1152, false, 1},
};

static enum err parse(const char *frame, struct msg *m)
{
	static uint8_t buf[128];
	struct writer w = wr_make(buf, sizeof(buf));
	enum err err = stream_to_datagram(test_hex(frame), 0, &w);

	return err ? err : msg_parse_udp(wr_span(&w), m);
}

static void test_csm(void)
{
	for (size_t i = 0; i < sizeof(csm_rows) / sizeof(csm_rows[0]); i++) {
		const struct signal_row *row = &csm_rows[i];
		struct stream_csm csm = stream_csm_default();
		struct msg m;
		uint16_t bad = 0;
		enum err err = parse(row->frame, &m);
		if (!err)
			err = stream_csm_take(&m, &csm, &bad);
		CHECK(err == row->err && csm.max_message_bytes == row->max &&
				csm.blocks == row->blocks && bad == row->bad,
			row->what);
	}
}

static void test_written(void)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg m;
	uint16_t bad = 0;

	stream_write_csm(&w, 4096);
	CHECK_BYTES(wr_span(&w), test_hex("40e122100020"), "CSM, figure 8");
	w = wr_make(buf, sizeof(buf));
	stream_write_ping(&w, test_hex("0a0b"));
	CHECK_BYTES(wr_span(&w), test_hex("02e20a0b"), "Ping");
	w = wr_make(buf, sizeof(buf));
	stream_write_pong(&w, test_hex("0a0b"), false);
	CHECK_BYTES(wr_span(&w), test_hex("02e30a0b"), "Pong has the token of its Ping");
	w = wr_make(buf, sizeof(buf));
	stream_write_pong(&w, test_hex("0a"), true);
	CHECK_BYTES(wr_span(&w), test_hex("11e30a20"), "Pong with Custody");
	CHECK(!parse("11e30a20", &m) && stream_has_custody(&m), "which is read");
	CHECK(!parse("01e20a", &m) && !stream_has_custody(&m), "Ping without Custody");
	w = wr_make(buf, sizeof(buf));
	stream_write_release(&w, 0);
	CHECK_BYTES(wr_span(&w), test_hex("00e4"), "Release");
	w = wr_make(buf, sizeof(buf));
	stream_write_release(&w, 300);
	CHECK_BYTES(wr_span(&w), test_hex("30e442012c"), "Release with Hold-Off");
	w = wr_make(buf, sizeof(buf));
	stream_write_abort(&w, 0, "");
	CHECK_BYTES(wr_span(&w), test_hex("00e5"), "Abort");
	w = wr_make(buf, sizeof(buf));
	stream_write_abort(&w, 300, "no");
	CHECK_BYTES(wr_span(&w), test_hex("60e522012cff6e6f"), "Abort with Bad-CSM-Option");
	CHECK(!parse("10e210", &m) && stream_signal_check(&m, &bad) == ERR_UNSUPPORTED && bad == 1,
		"a Ping with a critical option that is not known");
	w = wr_make(buf, sizeof(buf));
	stream_write_abort(&w, UINT16_MAX, "0123456789012345678901234567890123456789 and more");
	CHECK(!w.err && w.n == 47, "no text is too long");
}

int main(void)
{
	test_heads();
	test_byte_by_byte();
	test_pairs();
	test_lengths();
	test_not_frames();
	test_csm();
	test_written();
	return test_done();
}
