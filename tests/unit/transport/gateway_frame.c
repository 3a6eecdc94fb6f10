/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gateway_frame.h"

#include "tests/unit/test.h"

static const struct row {
	const char *what, *hex;
	enum err err;
	struct frame f;
} rows[] = {
	{"hello", "010102026131", ERR_OK,
		{FRAME_HELLO, GATEWAY_LORAWAN, SPAN_LIT("a1"), {0}, 0, 0, {0}}},
	{"hello, all a name may hold", "010105032d5f2e", ERR_OK,
		{FRAME_HELLO, GATEWAY_OTHER, SPAN_LIT("-_."), {0}, 0, 0, {0}}},
	{"hello without a kind", "010100026131", ERR_RANGE, {0}},
	{"hello without a name", "01010200", ERR_RANGE, {0}},
	{"hello with a bad name", "010102026120", ERR_SYNTAX, {0}},
	{"hello with a NUL", "010102026100", ERR_SYNTAX, {0}},
	{"hello and more", "01010202613100", ERR_SYNTAX, {0}},
	{"hello, a name of 32 bytes",
		"010102206161616161616161616161616161616161616161616161616161616161616161",
		ERR_RANGE, {0}},
	{"hello, an unknown kind", "010106026131", ERR_RANGE, {0}},
	{"a datagram", "0102010334393140010203", ERR_OK,
		{FRAME_DATAGRAM, GATEWAY_SMS, SPAN_LIT("491"), SPAN_LIT("\x40\1\2\3"), 0, 0, {0}}},
	{"the shortest datagram", "010201013400", ERR_OK,
		{FRAME_DATAGRAM, GATEWAY_SMS, SPAN_LIT("4"), SPAN_LIT("\0"), 0, 0, {0}}},
	{"a datagram from nowhere", "0102010040010203", ERR_RANGE, {0}},
	{"a datagram of no kind", "010200013440", ERR_RANGE, {0}},
	{"an empty datagram", "0102010134", ERR_SHORT, {0}},
	{"an address cut off", "010201053439", ERR_SHORT, {0}},
	{"undelivered", "010303016140", ERR_OK,
		{FRAME_UNDELIVERED, GATEWAY_NIDD, SPAN_LIT("a"), SPAN_LIT("\x40"), 0, 0, {0}}},
	{"an address unreachable", "0103030161", ERR_OK,
		{FRAME_UNDELIVERED, GATEWAY_NIDD, SPAN_LIT("a"), {0}, 0, 0, {0}}},
	{"undelivered, nobody's", "0103030040", ERR_RANGE, {0}},
	{"an MTU", "01040201610033", ERR_OK,
		{FRAME_MTU, GATEWAY_LORAWAN, SPAN_LIT("a"), {0}, 51, 0, {0}}},
	{"an MTU as usual", "01040201610000", ERR_OK,
		{FRAME_MTU, GATEWAY_LORAWAN, SPAN_LIT("a"), {0}, 0, 0, {0}}},
	{"half an MTU", "010402016100", ERR_SHORT, {0}},
	{"an MTU and more", "0104020161003300", ERR_SYNTAX, {0}},
	{"an MTU of nobody", "010402000033", ERR_RANGE, {0}},
	{"link down", "0105000000", ERR_OK, {FRAME_LINK, 0, {0}, {0}, 0, FRAME_LINK_DOWN, {0}}},
	{"link up, and a text", "01050000016f6b20", ERR_OK,
		{FRAME_LINK, 0, {0}, {0}, 0, FRAME_LINK_UP, SPAN_LIT("ok ")}},
	{"link busy", "0105000002", ERR_OK, {FRAME_LINK, 0, {0}, {0}, 0, FRAME_LINK_BUSY, {0}}},
	{"link in a fourth state", "0105000003", ERR_RANGE, {0}},
	{"link without a state", "01050000", ERR_SHORT, {0}},
	{"link of a kind", "0105010001", ERR_RANGE, {0}},
	{"link of an address", "010500016101", ERR_RANGE, {0}},
	{"link, a text for a terminal", "01050000011b5b", ERR_SYNTAX, {0}},
	{"an error, which is ours to send", "010600006e6f", ERR_UNSUPPORTED, {0}},
	{"type 0", "01000000", ERR_UNSUPPORTED, {0}},
	{"type 7", "01070000", ERR_UNSUPPORTED, {0}},
	{"another version", "020102026131", ERR_NEWER, {0}},
	{"version 0", "000102026131", ERR_NEWER, {0}},
	{"nothing", "", ERR_SHORT, {0}},
	{"half a head", "0102", ERR_UNSUPPORTED, {0}},
};

/* What a short packet lacks may also be told as something else that it is not. */
static void test_parse(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct frame f = {.type = FRAME_ERROR}, none = {0};
		struct span in = test_hex(r->hex);
		enum err err = frame_parse(in, &f);

		if (r->err == ERR_UNSUPPORTED && in.n < FRAME_HEAD)
			CHECK(err != ERR_OK, r->what);
		else
			CHECK(err == r->err, r->what);
		if (err) {
			CHECK(memcmp(&f, &none, sizeof(f)) == 0, "nothing on an error");
			CHECK(frame_fault(err)[0] != '\0', "and a word for it");
			continue;
		}
		CHECK(f.type == r->f.type && f.kind == r->f.kind && f.link == r->f.link &&
				f.mtu_bytes == r->f.mtu_bytes,
			r->what);
		CHECK_BYTES(f.address, r->f.address, r->what);
		CHECK_BYTES(f.datagram, r->f.datagram, r->what);
		CHECK_BYTES(f.text, r->f.text, r->what);
	}
}

static void test_write(void)
{
	uint8_t buf[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span want = test_hex(rows[i].hex);
		struct writer w = wr_make(buf, sizeof(buf));
		struct writer tight = wr_make(buf, want.n ? want.n - 1 : 0);

		if (rows[i].err || rows[i].f.type == FRAME_HELLO) /* ours has an MTU too */
			continue;
		CHECK(frame_write(&rows[i].f, &w) == ERR_OK, rows[i].what);
		CHECK_BYTES(wr_span(&w), want, rows[i].what);
		CHECK(frame_write(&rows[i].f, &tight) == ERR_SPACE, rows[i].what);
	}
	struct frame hello = {.type = FRAME_HELLO,
		.kind = GATEWAY_SMS,
		.address = SPAN_LIT("main"),
		.mtu_bytes = 140};
	struct writer w = wr_make(buf, sizeof(buf));
	CHECK(frame_write(&hello, &w) == ERR_OK, "our hello");
	CHECK_BYTES(wr_span(&w), test_hex("010101046d61696e008c"), "with the MTU of its kind");
}

static void test_bounds(void)
{
	static uint8_t bytes[FRAME_MAX + 1] = {1, FRAME_DATAGRAM, GATEWAY_NIDD, 255};
	static uint8_t text[5 + FRAME_TEXT_MAX + 1] = {1, FRAME_LINK, 0, 0, 1};
	struct frame f;

	memset(bytes + 4, 'a', 255);
	CHECK(frame_parse(span_make(bytes, FRAME_MAX), &f) == ERR_OK &&
			f.datagram.n == GATEWAY_DATAGRAM_MAX && f.address.n == 255,
		"the longest");
	CHECK(frame_parse(span_make(bytes, FRAME_MAX + 1), &f) == ERR_RANGE, "a byte longer");
	for (size_t n = 0; n < 4 + 255 + 1; n++)
		CHECK(frame_parse(span_make(bytes, n), &f) != ERR_OK, "cut off");
	memset(text + 5, 'x', FRAME_TEXT_MAX + 1);
	CHECK(frame_parse(span_make(text, 5 + FRAME_TEXT_MAX), &f) == ERR_OK, "the longest text");
	CHECK(frame_parse(span_make(text, 6 + FRAME_TEXT_MAX), &f) == ERR_RANGE, "a longer one");
	struct frame big = {.type = FRAME_DATAGRAM, .address = span_make(bytes, 256)};
	struct writer w = wr_make(text, sizeof(text));
	CHECK(frame_write(&big, &w) == ERR_RANGE && w.n == 0, "an address of 256 bytes");
}

int main(void)
{
	test_parse();
	test_write();
	test_bounds();
	return test_done();
}
