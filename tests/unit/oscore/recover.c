/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/recover.h"

#include "tests/unit/oscore/fixture.h"

enum { MADE_MS = 1000000, MAX_AGE_MS = 247000, CAP = 512 };

static struct osc_crypto *crypto;

/* ---- wrapping */

static const struct {
	const char *what, *wrapped;
	enum err want;
	const char *value;
} wraps[] = {
	{"nothing", "", ERR_SYNTAX, ""},
	{"the empty byte string", "40", ERR_OK, ""},
	{"eight bytes (RFC 8613 Appendix B.2)", "480102030405060708", ERR_OK, "0102030405060708"},
	{"a byte short", "4801020304050607", ERR_SYNTAX, ""},
	{"a byte left over", "48010203040506070809", ERR_SYNTAX, ""},
	{"23 bytes", "5700112233445566778899aabbccddeeff00112233445566", ERR_OK,
		"00112233445566778899aabbccddeeff00112233445566"},
	{"24 bytes", "581800112233445566778899aabbccddeeff0011223344556677", ERR_OK,
		"00112233445566778899aabbccddeeff0011223344556677"},
	{"a length byte where none is needed", "580201ff", ERR_OK, "01ff"},
	{"a length byte that is missing", "58", ERR_SYNTAX, ""},
	{"a length byte of more than there is", "580301ff", ERR_SYNTAX, ""},
	{"a length of two bytes", "59000101", ERR_SYNTAX, ""},
	{"an indefinite length", "5f4101ff", ERR_SYNTAX, ""},
	{"a text string", "63616263", ERR_SYNTAX, ""},
	{"a number", "18ff", ERR_SYNTAX, ""},
	{"a raw ID Context", "37cbf3210017a2d3", ERR_SYNTAX, ""},
};

static void test_wrap(void)
{
	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
		struct span value;
		CHECK(osc_unwrap(test_hex(wraps[i].wrapped), &value) == wraps[i].want,
			wraps[i].what);
		CHECK_BYTES(value, test_hex(wraps[i].value), wraps[i].what);
	}
	uint8_t all[OSC_ID_CONTEXT_MAX] = {7}, buf[OSC_WRAPPED_MAX];
	for (size_t n = 0; n <= sizeof(all); n++) {
		struct writer w = wr_make(buf, sizeof(buf));
		struct span back;
		osc_wrap(span_make(all, n), &w);
		CHECK(!w.err && !osc_unwrap(wr_span(&w), &back) && span_eq(back, span_make(all, n)),
			"each length there and back");
	}
}

/* ---- R2 */

static const struct {
	const char *what, *kid;
	uint64_t context, now_ms;
	enum err want;
} ages[] = {
	{"at once", "6162", 7, MADE_MS, ERR_OK},
	{"at the end of its time", "6162", 7, MADE_MS + MAX_AGE_MS, ERR_OK},
	{"100 ms too old", "6162", 7, MADE_MS + MAX_AGE_MS + 100, ERR_AUTH},
	{"from the future", "6162", 7, MADE_MS - 100, ERR_AUTH},
	{"another context", "6162", 8, MADE_MS, ERR_AUTH},
	{"another kid", "6163", 7, MADE_MS, ERR_AUTH},
	{"a shorter kid", "61", 7, MADE_MS, ERR_AUTH},
	{"no kid", "", 7, MADE_MS, ERR_AUTH},
};

static void test_r2(void)
{
	uint8_t key[32] = {1, 2, 3}, other[32] = {1, 2, 4}, r2[OSC_R2_BYTES], again[OSC_R2_BYTES];
	struct span kid = SPAN_LIT("ab"), good = SPAN_OF(r2);
	REQUIRE(osc_r2_make(crypto, key, kid, 7, MADE_MS, 5, r2) == ERR_OK, "osc_r2_make");
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		CHECK(osc_r2_check(crypto, key, test_hex(ages[i].kid), ages[i].context,
			      ages[i].now_ms, MAX_AGE_MS, good) == ages[i].want,
			ages[i].what);
	CHECK(osc_r2_check(crypto, other, kid, 7, MADE_MS, MAX_AGE_MS, good) == ERR_AUTH,
		"a key of another start");
	for (size_t n = 0; n < sizeof(r2); n++)
		CHECK(osc_r2_check(crypto, key, kid, 7, MADE_MS, MAX_AGE_MS,
			      span_sub(good, 0, n)) == ERR_AUTH,
			"each truncation");
	for (size_t bit = 0; bit < 8 * sizeof(r2); bit++) {
		memcpy(again, r2, sizeof(r2));
		again[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(osc_r2_check(crypto, key, kid, 7, MADE_MS, UINT64_MAX, SPAN_OF(again)) ==
				ERR_AUTH,
			"each bit flipped");
	}
	CHECK(osc_r2_make(crypto, key, kid, 7, MADE_MS, 6, again) == ERR_OK &&
			!span_eq(SPAN_OF(again), good),
		"the next count gives another, in the same tick");
}

/* ---- the two exchanges, with every AEAD */

/* Keys of one end under an ID Context. */
static struct osc_keys keys(int aead, const char *id_context, bool client)
{
	const struct fx_inputs in = {aead, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340",
		aead == 11 || aead == 13 ? "" : "c1", "", id_context};
	struct fx_inputs use = in;
	use.server_id = "01";
	return fx_keys(crypto, &use, client);
}

struct exchange {
	uint8_t sealed[CAP], bytes[CAP], opened[CAP];
	struct msg sent, got;
	struct osc_binding asked, bound;
};

/* Request 1 to the server and its binding there. */
static bool request_1(struct exchange *x, const struct osc_keys *client, struct osc_keys *server,
	struct span wrapped)
{
	struct msg plain = fx_msg(MSG_POST);
	struct writer buf = wr_make(x->sealed, CAP), open = wr_make(x->opened, CAP);
	struct osc_option o;
	fx_add(&plain, OPT_URI_PATH, SPAN_LIT("rd"));
	if (osc_protect_request(crypto, client, 0, &wrapped, &plain, &buf, &x->sent, &x->asked) ||
		osc_option_of(&x->sent, &o) || !span_eq(o.kid_context, wrapped))
		return false;
	return !osc_unprotect_request(crypto, server, &o, &x->sent, &open, &x->got, &x->bound) &&
	       fx_same(&x->got, &plain);
}

static void b2_row(int aead)
{
	struct exchange x;
	struct osc_keys c1 = keys(aead, "a1a2", true), c2 = keys(aead, "b1b2b3a1a2", true);
	struct osc_keys s2 = keys(aead, "b1b2b3a1a2", false), s1;
	struct fx_inputs in = {aead, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340",
		aead == 11 || aead == 13 ? "" : "c1", "01", "a1a2"};
	struct osc_params p = fx_params(&in, false);
	CHECK(osc_derive_receiver(crypto, &p, &s1) == ERR_OK, "the half that receives");
	REQUIRE(request_1(&x, &c1, &s1, test_hex("42a1a2")), "request 1");
	struct msg plain = fx_msg(MSG_UNAUTHORIZED), got;
	uint8_t sealed[CAP], opened[CAP];
	struct writer buf = wr_make(sealed, CAP), open = wr_make(opened, CAP);
	struct span r2;
	struct msg sent;
	uint64_t number;
	CHECK(osc_protect_response_1(crypto, &s2, &s1, &x.bound, test_hex("b1b2b3"), &plain, &buf,
		      &sent) == ERR_OK,
		"response 1");
	CHECK_BYTES(msg_find(&sent, OPT_OSCORE)->val, test_hex("100443b1b2b3"),
		"its option: flags 0x10 and the wrapped R2 (OSC-10)");
	CHECK(osc_response_1_r2(&sent, &r2) == ERR_OK && span_eq(r2, test_hex("b1b2b3")), "its R2");
	CHECK(osc_unprotect_response_1(crypto, &c2, &c1, &x.asked, &sent, &open, &got) == ERR_OK &&
			fx_same(&got, &plain),
		"opened under R2 | ID1 with the nonce of request 1");
	open = wr_make(opened, CAP);
	CHECK(osc_unprotect_response(crypto, &c2, &x.asked, &sent, &open, &got, &number) ==
			ERR_AUTH,
		"it is not the nonce that the new Common IV would make");
	CHECK(osc_unprotect_response_1(crypto, &c1, &c1, &x.asked, &sent, &open, &got) == ERR_AUTH,
		"nor under the keys of request 1");
}

static void test_b2(void)
{
	static const int aeads[] = {10, 11, 12, 13, 30, 31, 32, 33, 1, 2, 3, 24};
	for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++)
		b2_row(aeads[i]);
}

/* What is no response 1. */
static void test_other_responses(void)
{
	struct exchange x;
	struct osc_keys c = keys(10, NULL, true), s = keys(10, NULL, false);
	struct msg plain = fx_msg(MSG_CONTENT), sent;
	uint8_t sealed[CAP];
	struct writer buf = wr_make(sealed, CAP);
	struct span r2;
	REQUIRE(request_1(&x, &c, &s, test_hex("42a1a2")), "a request");
	CHECK(osc_response_1_r2(&x.sent, &r2) == ERR_NOTFOUND, "a request is no response");
	REQUIRE(osc_protect_response(crypto, &s, &x.bound, NULL, &plain, &buf, &sent) == ERR_OK,
		"an ordinary response");
	CHECK(osc_response_1_r2(&sent, &r2) == ERR_NOTFOUND, "an ordinary response");
	fx_add(&plain, OPT_OBSERVE, SPAN_EMPTY);
	buf = wr_make(sealed, CAP);
	CHECK(osc_protect_response_1(
		      crypto, &s, &s, &x.bound, test_hex("b1"), &plain, &buf, &sent) == ERR_STATE,
		"response 1 starts no observation");
	uint8_t long_r2[OSC_ID_CONTEXT_MAX + 1] = {0};
	plain = fx_msg(MSG_UNAUTHORIZED);
	CHECK(osc_protect_response_1(
		      crypto, &s, &s, &x.bound, SPAN_OF(long_r2), &plain, &buf, &sent) == ERR_RANGE,
		"an R2 that is too long");
	plain = fx_msg(MSG_POST);
	CHECK(osc_protect_response_1(crypto, &s, &s, &x.bound, test_hex("b1"), &plain, &buf,
		      &sent) == ERR_UNSUPPORTED,
		"a request in place of a response");
}

int main(void)
{
	crypto = fx_crypto();
	test_wrap();
	test_r2();
	test_b2();
	test_other_responses();
	osc_crypto_free(crypto);
	return test_done();
}
