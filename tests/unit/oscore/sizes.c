/* SPDX-License-Identifier: Apache-2.0 */
/* What protection adds to a message over plain CoAP, to the byte: a message carries nothing that it
 * need not. */
#include "oscore/protect.h"
#include "tests/unit/oscore/trip.h"

enum { NONE = -1 };

static size_t wire_size(const struct msg *m)
{
	uint8_t buf[512];
	struct writer w = wr_make(buf, sizeof(buf));

	REQUIRE(msg_encode_udp(m, &w) == ERR_OK, "msg_encode_udp");
	return w.n;
}

/* Flag byte, number and kid: what a request cannot do without. */
static const struct {
	const char *what;
	int aead;
	const char *id, *context; /* NULL: none is sent */
	uint64_t number;
	int observe;
	bool payload;
	size_t more;
	const char *option;
} requests[] = {
	{"empty id, number 0", 10, "", NULL, 0, NONE, true, 13, "0900"},
	{"the same without payload", 10, "", NULL, 0, NONE, false, 13, "0900"},
	{"the last number of one byte", 10, "", NULL, 255, NONE, true, 13, "09ff"},
	{"a number of two bytes", 10, "", NULL, 256, NONE, true, 14, "0a0100"},
	{"of three", 10, "", NULL, 65536, NONE, true, 15, "0b010000"},
	{"of five", 10, "", NULL, OSC_SSN_MAX, NONE, true, 17, "0dffffffffff"},
	{"an id of one byte", 10, "07", NULL, 5, NONE, true, 14, "090507"},
	{"an id of five", 10, "0102030405", NULL, 5, NONE, true, 18, "09050102030405"},
	{"an id of seven", 10, "01020304050607", NULL, 5, NONE, true, 20, "090501020304050607"},
	{"an empty kid context", 10, "", "", 5, NONE, true, 14, "190500"},
	{"a kid context of eight", 10, "", "0102030405060708", 5, NONE, true, 22,
		"1905080102030405060708"},
	{"Observe 0 once more outside", 10, "", NULL, 5, 0, false, 14, "0905"},
	{"Observe 1 once more outside", 10, "", NULL, 5, 1, false, 15, "0905"},
	{"a tag of 16 bytes", 30, "", NULL, 5, NONE, true, 21, "0905"},
	{"A128GCM", 1, "", NULL, 5, NONE, true, 21, "0905"},
	{"a nonce of 7 bytes", 12, "07", NULL, 5, NONE, true, 14, "090507"},
};

/* Proves: 8613-6.1-1 8613-5-4 8613-5-5 */
static void test_requests(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct fx_inputs in = fx_c1;
		struct msg m = fx_msg(requests[i].payload ? MSG_POST : MSG_GET);
		struct span context = SPAN_EMPTY;
		struct trip t;
		in.aead = requests[i].aead;
		in.client_id = requests[i].id;
		struct osc_keys k = fx_keys(crypto, &in, true);
		if (requests[i].observe != NONE)
			REQUIRE(msg_add_uint(&m, OPT_OBSERVE, (uint32_t)requests[i].observe) ==
					ERR_OK,
				"Observe");
		fx_add(&m, OPT_URI_PATH, SPAN_LIT("rd"));
		m.payload = requests[i].payload ? SPAN_LIT("</3/0>") : SPAN_EMPTY;
		if (requests[i].context)
			context = test_hex(requests[i].context);
		trip_init(&t);
		REQUIRE(osc_protect_request(crypto, &k, requests[i].number,
				requests[i].context ? &context : NULL, &m, &t.buf, &t.sent,
				&t.asked) == ERR_OK,
			requests[i].what);
		CHECK(wire_size(&t.sent) == wire_size(&m) + requests[i].more, requests[i].what);
		CHECK_BYTES(msg_find(&t.sent, OPT_OSCORE)->val, test_hex(requests[i].option),
			requests[i].what);
	}
}

static const struct {
	const char *what;
	int aead;
	uint64_t number; /* UINT64_MAX: that of the request */
	int observe;
	bool payload;
	size_t more;
	const char *option;
} responses[] = {
	{"with the request's nonce", 10, UINT64_MAX, NONE, true, 11, ""},
	{"the same without payload", 10, UINT64_MAX, NONE, false, 11, ""},
	{"a number of its own", 10, 5, NONE, true, 13, "0105"},
	{"zero is a number", 10, 0, NONE, true, 13, "0100"},
	{"of five bytes", 10, OSC_SSN_MAX, NONE, true, 17, "05ffffffffff"},
	{"a first notification: one empty Observe inside", 10, UINT64_MAX, 5, true, 12, ""},
	{"a later one", 10, 6, 5, true, 14, "0106"},
	{"a long Observe is not repeated inside", 10, 6, 0x123456, true, 14, "0106"},
	{"a tag of 16 bytes", 30, UINT64_MAX, NONE, true, 19, ""},
	{"ChaCha20/Poly1305", 24, UINT64_MAX, NONE, true, 19, ""},
};

/* Proves: 8613-5-7 8613-8.3-5 8613-8.3-4 */
static void test_responses(void)
{
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct fx_inputs in = fx_c1;
		struct msg m = fx_msg(MSG_CONTENT);
		struct osc_binding b = a_binding(responses[i].observe != NONE);
		const uint64_t *number =
			responses[i].number == UINT64_MAX ? NULL : &responses[i].number;
		struct trip t;
		in.aead = responses[i].aead;
		struct osc_keys k = fx_keys(crypto, &in, false);
		if (responses[i].observe != NONE)
			REQUIRE(msg_add_uint(&m, OPT_OBSERVE, (uint32_t)responses[i].observe) ==
					ERR_OK,
				"Observe");
		m.payload = responses[i].payload ? SPAN_LIT("21.5") : SPAN_EMPTY;
		trip_init(&t);
		REQUIRE(osc_protect_response(crypto, &k, &b, number, &m, &t.buf, &t.sent) == ERR_OK,
			responses[i].what);
		CHECK(wire_size(&t.sent) == wire_size(&m) + responses[i].more, responses[i].what);
		CHECK_BYTES(msg_find(&t.sent, OPT_OSCORE)->val, test_hex(responses[i].option),
			responses[i].what);
	}
}

int main(void)
{
	crypto = fx_crypto();
	client = fx_keys(crypto, &fx_c1, true);
	server = fx_keys(crypto, &fx_c1, false);
	test_requests();
	test_responses();
	osc_crypto_free(crypto);
	return test_done();
}
