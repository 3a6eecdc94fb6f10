/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/protect.h"

#include "tests/unit/oscore/fixture.h"

/* NULL is absent. */
static const struct row {
	const char *what, *value;
	const char *piv, *kid_context, *kid;
} good[] = {
	{"6.3 example 1: request (OSC-06)", "090525", "05", NULL, "25"},
	{"6.3 example 2: empty kid, Partial IV 0", "0900", "00", NULL, ""},
	{"6.3 example 3: kid context, empty kid", "19050544616c656b", "05", "44616c656b", ""},
	{"6.3 example 4: response without Partial IV", "", NULL, NULL, NULL},
	{"6.3 example 5: response with Partial IV", "0107", "07", NULL, NULL},
	{"C.4", "0914", "14", NULL, ""},
	{"C.5", "091400", "14", NULL, "00"},
	{"C.6", "19140837cbf3210017a2d3", "14", "37cbf3210017a2d3", ""},
	{"C.8", "0100", "00", NULL, NULL},
	{"a Partial IV of five bytes", "0dffffffffff01", "ffffffffff", NULL, "01"},
	{"B.2 response 1: kid context only", "100948b4d52270e92d6a73", NULL, "48b4d52270e92d6a73",
		NULL},
	{"an empty kid context", "1000", NULL, "", NULL},
	{"an empty kid context and a kid", "190100aa", "01", "", "aa"},
	{"a kid of seven bytes", "090101020304050607", "01", NULL, "01020304050607"},
	{"a kid of eight bytes is well-formed", "09010102030405060708", "01", NULL,
		"0102030405060708"},
	{"kid without Partial IV", "08aa", NULL, NULL, "aa"},
	{"an empty kid and nothing else", "08", NULL, NULL, ""},
};

static const struct {
	const char *what, *value;
} bad[] = {
	{"reserved bit 0x80", "890525"},
	{"reserved bit 0x40", "490525"},
	{"reserved bit 0x20, Group OSCORE's", "290525"},
	{"reserved bit alone", "80"},
	{"n = 6", "0e01020304050625"},
	{"n = 7", "0f0102030405060725"},
	{"n = 6 and nothing else", "06"},
	{"no Partial IV where one is announced", "09"},
	{"a truncated Partial IV", "0a01"},
	{"a truncated Partial IV of five", "0d01020304"},
	{"kid context without its length", "1905"},
	{"s past the end", "1905054461"},
	{"s past the end by one", "19050544616c65"},
	{"s past the end, kid context only", "1001"},
	{"s of 255 and nothing", "10ff"},
	{"bytes left over when k = 0", "010725"},
	{"bytes left over behind a kid context", "100144aa"},
	{"bytes left over behind a zero flag byte", "0000"},
	{"a Partial IV that is not minimal: 0014", "0a001401"},
	{"a Partial IV that is not minimal: 0000", "0a000001"},
	{"a Partial IV that is not minimal, five bytes", "0d00ffffffff01"},
};

static bool matches(const char *want, bool has, struct span got)
{
	return want ? has && span_eq(got, test_hex(want)) : !has;
}

static bool is_empty(const struct osc_option *o)
{
	return o->piv.n == 0 && !o->has_kid && !o->has_kid_context;
}

/* Proves: 8613-6.1-1 8613-6.1-4 */
static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct row *r = &good[i];
		struct span value = test_hex(r->value);
		struct osc_option o;
		uint8_t buf[64];
		struct writer w = wr_make(buf, sizeof(buf));
		CHECK(osc_option_parse(value, &o) == ERR_OK, r->what);
		CHECK(matches(r->piv, o.piv.n > 0, (struct span){o.piv.p, o.piv.n}), r->what);
		CHECK(matches(r->kid_context, o.has_kid_context, o.kid_context), r->what);
		CHECK(matches(r->kid, o.has_kid, o.kid), r->what);
		osc_option_encode(&o, &w);
		CHECK(w.err == ERR_OK, r->what);
		CHECK_BYTES(wr_span(&w), value, r->what);
	}
}

/* Proves: 8613-6.1-3 */
static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct osc_option o;
		CHECK(osc_option_parse(test_hex(bad[i].value), &o) == ERR_SYNTAX, bad[i].what);
		CHECK(is_empty(&o), bad[i].what);
	}
}

/* "19 0105 03 aabbcc 0102": what is left of each truncation is malformed up to the kid context, and
 * a shorter kid behind it. */
static void test_truncations(void)
{
	struct span whole = test_hex("1a010503aabbcc0102");
	struct osc_option o;

	for (size_t n = 1; n < whole.n; n++) {
		enum err want = n < 7 ? ERR_SYNTAX : ERR_OK;
		CHECK(osc_option_parse(span_sub(whole, 0, n), &o) == want, "each truncation");
		CHECK(want || o.kid.n == n - 7, "each truncation: the kid is the rest");
	}
}

static void test_edges(void)
{
	uint8_t buf[300] = {0x19, 0x01, 0xff}, room[300];
	struct osc_option o;
	struct writer w = wr_make(room, sizeof(room));

	CHECK(osc_option_parse(SPAN_LIT("\0"), &o) == ERR_OK && is_empty(&o),
		"a zero flag byte reads as the empty value");
	buf[2] = 252;
	CHECK(osc_option_parse((struct span){buf, 255}, &o) == ERR_OK && o.kid_context.n == 252,
		"a kid context that fills 255 bytes");
	CHECK(osc_option_parse((struct span){buf, 256}, &o) == ERR_SYNTAX, "256 bytes");
	buf[0] = 0x09;
	CHECK(osc_option_parse((struct span){buf, 255}, &o) == ERR_OK && o.kid.n == 253,
		"a kid that fills 255 bytes");
	o = (struct osc_option){.has_kid_context = true, .kid_context = {buf, 256}};
	osc_option_encode(&o, &w);
	CHECK(w.err == ERR_RANGE, "6.1: s is one byte");
	w = wr_make(room, 2);
	o = (struct osc_option){.piv = {2, {1, 1}}};
	osc_option_encode(&o, &w);
	CHECK(w.err == ERR_SPACE, "no room");
}

static const struct {
	uint64_t number;
	const char *piv;
} pivs[] = {
	{0, "00"},
	{1, "01"},
	{20, "14"},
	{255, "ff"},
	{256, "0100"},
	{65535, "ffff"},
	{65536, "010000"},
	{0xffffff, "ffffff"},
	{0x1000000, "01000000"},
	{0xffffffff, "ffffffff"},
	{0x100000000, "0100000000"},
	{OSC_SSN_MAX, "ffffffffff"},
};

/* Proves: 8613-5-3 */
static void test_pivs(void)
{
	for (size_t i = 0; i < sizeof(pivs) / sizeof(pivs[0]); i++) {
		struct osc_piv piv;
		osc_piv_set(&piv, pivs[i].number);
		CHECK_BYTES(((struct span){piv.p, piv.n}), test_hex(pivs[i].piv), "6.1: minimal");
		CHECK(osc_piv_number(&piv) == pivs[i].number, pivs[i].piv);
	}
	CHECK(osc_piv_number(&(struct osc_piv){.n = 0}) == 0, "none is zero");
}

/* Option 9 in a message: "" is an empty value, NULL none; two values make two options. */
static const struct {
	const char *what;
	uint8_t code;
	const char *first, *second;
	bool payload;
	enum err want;
} messages[] = {
	{"a request", MSG_POST, "0914", NULL, true, ERR_OK},
	{"a request with Observe", MSG_FETCH, "0914", NULL, true, ERR_OK},
	{"a response", MSG_CHANGED, "", NULL, true, ERR_OK},
	{"a response with Partial IV", MSG_CONTENT, "0107", NULL, true, ERR_OK},
	{"no option 9", MSG_POST, NULL, NULL, true, ERR_NOTFOUND},
	{"no option 9, no payload", MSG_POST, NULL, NULL, false, ERR_NOTFOUND},
	{"2: option 9 without payload", MSG_POST, "0914", NULL, false, ERR_SYNTAX},
	{"a response without payload", MSG_CHANGED, "", NULL, false, ERR_SYNTAX},
	{"two options 9", MSG_POST, "0914", "0914", true, ERR_SYNTAX},
	{"two options 9 in a response", MSG_CHANGED, "", "", true, ERR_SYNTAX},
	{"a request with an empty option", MSG_POST, "", NULL, true, ERR_SYNTAX},
	{"a request with a zero flag byte", MSG_POST, "00", NULL, true, ERR_SYNTAX},
	{"a request without kid", MSG_POST, "0114", NULL, true, ERR_SYNTAX},
	{"a request without Partial IV", MSG_POST, "0801", NULL, true, ERR_SYNTAX},
	{"a malformed option", MSG_POST, "890525", NULL, true, ERR_SYNTAX},
	{"a malformed option in a response", MSG_CHANGED, "0a01", NULL, true, ERR_SYNTAX},
};

static void test_messages(void)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct msg m = fx_msg(messages[i].code);
		struct osc_option o;
		if (messages[i].first)
			fx_add(&m, OPT_OSCORE, test_hex(messages[i].first));
		if (messages[i].second)
			fx_add(&m, OPT_OSCORE, test_hex(messages[i].second));
		m.payload = messages[i].payload ? SPAN_LIT("123456789") : SPAN_EMPTY;
		enum err got = osc_option_of(&m, &o);
		CHECK(got == messages[i].want, messages[i].what);
		CHECK(got == ERR_OK || is_empty(&o), messages[i].what);
	}
}

int main(void)
{
	test_good();
	test_bad();
	test_truncations();
	test_edges();
	test_pivs();
	test_messages();
	return test_done();
}
