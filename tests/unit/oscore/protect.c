/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/protect.h"

#include "tests/unit/oscore/trip.h"

static void test_all_codes(void)
{
	struct osc_binding b = a_binding(false);
	struct trip t;
	bool ok = true;

	for (unsigned code = 0; code < 256; code++) {
		struct msg plain = fx_msg((uint8_t)code);
		trip_init(&t);
		enum err want = msg_code_is_request((uint8_t)code) ? ERR_OK : ERR_UNSUPPORTED;
		ok = ok && osc_protect_request(crypto, &client, 1, NULL, &plain, &t.buf, &t.sent,
				   &t.asked) == want;
		want = msg_code_is_response((uint8_t)code) ? ERR_OK : ERR_UNSUPPORTED;
		ok = ok && osc_protect_response(
				   crypto, &server, &b, NULL, &plain, &t.buf, &t.sent) == want;
	}
	CHECK(ok, "requests are protected as requests, responses as responses");
}

/* Observe in requests (section 4.1.3.5.1): value inside, value outside when it arrives; -1 absent.
 */
static const struct {
	const char *what;
	int inner, outer, want;
	bool observe;
} asks[] = {
	{"registration", 0, 0, 0, true},
	{"cancellation", 1, 1, 1, false},
	{"an intermediary took the outer one away", 0, -1, 0, true},
	{"the inner one decides: registration", 0, 1, 0, true},
	{"the inner one decides: cancellation", 1, 0, 1, false},
	{"an outer one alone means nothing", -1, 0, -1, false},
	{"none", -1, -1, -1, false},
};

static int observe_of(const struct msg *m)
{
	uint32_t v;

	return msg_get_uint(m, OPT_OBSERVE, &v) ? (int)v : -1;
}

static void set_observe(struct msg *m, int value)
{
	msg_remove(m, OPT_OBSERVE);
	if (value >= 0)
		REQUIRE(msg_add_uint(m, OPT_OBSERVE, (uint32_t)value) == ERR_OK, "msg_add_uint");
}

/* Proves: 8613-4.1.3.5-1 8613-4.1.3.5-2 8613-4.1.3.5-6 8613-4.1.3.5.1-1 */
static void test_observe_requests(void)
{
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct msg plain = fx_msg(MSG_GET);
		struct trip t;
		set_observe(&plain, asks[i].inner);
		send_request(&t, &plain);
		CHECK(observe_of(&t.outer) == asks[i].inner, asks[i].what);
		CHECK(t.outer.code == (asks[i].inner >= 0 ? MSG_FETCH : MSG_POST), asks[i].what);
		CHECK(t.asked.observe == asks[i].observe, asks[i].what);
		set_observe(&t.outer, asks[i].outer);
		CHECK(take_request(&t) == ERR_OK, asks[i].what);
		CHECK(observe_of(&t.got) == asks[i].want, asks[i].what);
		CHECK(t.heard.observe == asks[i].observe, asks[i].what);
		CHECK(t.got.code == MSG_GET, asks[i].what);
	}
}

/* Notifications (section 4.1.3.5.2). */
static const struct {
	const char *what;
	bool asked;
	int sent;        /* Observe of the plain response */
	uint64_t number; /* UINT64_MAX: none of its own */
	int outer;       /* Observe outside when it arrives */
	enum err want_err;
	int want;
} notes[] = {
	{"ordered by the Partial IV", true, 9, 77, 9, ERR_OK, 77},
	{"whatever stands outside", true, 9, 77, 3, ERR_OK, 77},
	{"an intermediary took the outer one away", true, 9, 77, -1, ERR_OK, 77},
	{"the low 24 bits", true, 9, 0x12345678, 9, ERR_OK, 0x345678},
	{"the last number", true, 9, OSC_SSN_MAX, 9, ERR_OK, 0xffffff},
	{"Partial IV zero", true, 9, 0, 9, ERR_OK, 0},
	{"the first without Partial IV", true, 9, UINT64_MAX, 9, ERR_OK, 9},
	{"the first, nothing outside", true, 9, UINT64_MAX, -1, ERR_OK, 0},
	{"a plain response to a registration", true, -1, UINT64_MAX, -1, ERR_OK, -1},
	{"outside alone it makes no notification", true, -1, 77, 5, ERR_OK, -1},
	{"outside alone, not asked for", false, -1, 77, 5, ERR_OK, -1},
};

/* Proves: 8613-4.1.3.5-6 8613-4.1.3.5.2-3 8613-4.1.3.5.2-4 8613-8.3.1-1 */
static void test_notifications(void)
{
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		struct msg plain = fx_msg(MSG_CONTENT);
		struct osc_binding b = a_binding(notes[i].asked);
		const uint64_t *number = notes[i].number == UINT64_MAX ? NULL : &notes[i].number;
		struct trip t;
		set_observe(&plain, notes[i].sent);
		plain.payload = SPAN_LIT("21.5");
		send_response(&t, &b, number, &plain);
		CHECK(t.outer.code == (notes[i].sent >= 0 ? MSG_CONTENT : MSG_CHANGED),
			notes[i].what);
		CHECK(observe_of(&t.outer) == notes[i].sent, notes[i].what);
		/* code, an empty Observe, marker, payload, tag */
		CHECK(t.outer.payload.n == 1 + (notes[i].sent >= 0) + 1 + 4 + 8,
			"4.1.3.5.2: the inner Observe is empty");
		set_observe(&t.outer, notes[i].outer);
		CHECK(take_response(&t) == notes[i].want_err, notes[i].what);
		CHECK(observe_of(&t.got) == notes[i].want, notes[i].what);
		CHECK(t.number == notes[i].number, notes[i].what);
		CHECK(span_eq(t.got.payload, plain.payload), notes[i].what);
	}
}

/* Proves: 8613-4.1.3.5.2-6 */
static void test_unasked_notification(void)
{
	struct msg plain = fx_msg(MSG_CONTENT);
	struct osc_binding b = a_binding(true), unasked = a_binding(false);
	struct trip t;

	set_observe(&plain, 4);
	send_response(&t, &b, NULL, &plain);
	t.asked.observe = false;
	CHECK(take_response(&t) == ERR_SYNTAX, "8.4: Observe in a response that nobody asked for");
	CHECK(t.got.code == MSG_EMPTY && t.clear.n == 0, "it leaves nothing");
	trip_init(&t);
	CHECK(osc_protect_response(crypto, &server, &unasked, NULL, &plain, &t.buf, &t.sent) ==
			ERR_STATE,
		"nor do we send one");
	CHECK(t.sent.code == MSG_EMPTY && t.buf.n == 0, "it leaves nothing");
}

static const struct {
	const char *what, *plaintext;
	enum err as_request, as_response;
} inners[] = {
	{"GET", "01", ERR_OK, ERR_SYNTAX},
	{"method 0.31", "1f", ERR_OK, ERR_SYNTAX},
	{"2.05", "45", ERR_SYNTAX, ERR_OK},
	{"5.03 with payload", "a3ff41", ERR_SYNTAX, ERR_OK},
	{"code 0.00", "00", ERR_SYNTAX, ERR_SYNTAX},
	{"code 0.00 with payload", "00ff41", ERR_SYNTAX, ERR_SYNTAX},
	{"code 1.00", "20", ERR_SYNTAX, ERR_SYNTAX},
	{"code 7.01", "e1", ERR_SYNTAX, ERR_SYNTAX},
	{"a nested OSCORE option in a request", "0190", ERR_SYNTAX, ERR_SYNTAX},
	{"a nested OSCORE option with a value", "01920114ff41", ERR_SYNTAX, ERR_SYNTAX},
	{"a nested OSCORE option in a response", "4590", ERR_SYNTAX, ERR_SYNTAX},
	{"behind other options", "01523131406f", ERR_SYNTAX, ERR_SYNTAX},
	{"Observe in a response to a request without it", "4560", ERR_SYNTAX, ERR_SYNTAX},
	{"Observe in a request", "0160", ERR_OK, ERR_SYNTAX},
	{"a marker without payload", "01ff", ERR_SYNTAX, ERR_SYNTAX},
	{"a marker without payload, response", "45ff", ERR_SYNTAX, ERR_SYNTAX},
	{"a truncated option", "01b574696d", ERR_SYNTAX, ERR_SYNTAX},
	{"a reserved option length", "01bf", ERR_SYNTAX, ERR_SYNTAX},
	{"a reserved option delta", "01f1", ERR_SYNTAX, ERR_SYNTAX},
	{"an option number above 65535", "01e0ffff", ERR_SYNTAX, ERR_SYNTAX},
	{"41 options",
		"01b0000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"00",
		ERR_SYNTAX, ERR_SYNTAX},
	{"nothing at all: no CoAP sender makes it", "", ERR_AUTH, ERR_AUTH},
};

/* Proves: 8613-4.1.3.7-1 */
static void test_inners(void)
{
	for (size_t i = 0; i < sizeof(inners) / sizeof(inners[0]); i++) {
		struct span plaintext = test_hex(inners[i].plaintext);
		struct trip t;
		seal_raw(&t, true, plaintext, &piv_14);
		enum err got = take_request(&t);
		CHECK(got == inners[i].as_request, inners[i].what);
		/* the protected 4.02 needs to know what it answers */
		CHECK(got == ERR_AUTH || osc_piv_number(&t.heard.piv) == 0x14, inners[i].what);
		CHECK(got == ERR_OK || (t.got.code == MSG_EMPTY && t.clear.n == 0), inners[i].what);
		seal_raw(&t, false, plaintext, &piv_14);
		got = take_response(&t);
		CHECK(got == inners[i].as_response, inners[i].what);
		CHECK(got == ERR_OK || (t.got.code == MSG_EMPTY && t.clear.n == 0), inners[i].what);
	}
}

static void test_inner_wins(void)
{
	struct trip t;

	seal_raw(&t, true, test_hex("013161"), &piv_14); /* GET, Uri-Host "a" */
	fx_add(&t.outer, OPT_URI_HOST, SPAN_LIT("b"));
	CHECK(take_request(&t) == ERR_OK, "Uri-Host in both places");
	CHECK(t.got.opt_n == 1 && span_eq_str(t.got.opt[0].val, "a"), "the authentic one counts");
	seal_raw(&t, true, test_hex("01"), &piv_14);
	t.outer.opt[t.outer.opt_n++] = (struct opt){OPT_PROXY_SCHEME, SPAN_EMPTY};
	CHECK(take_request(&t) == ERR_SYNTAX, "an outer option that the registry refuses");
}

static void big_request(struct msg *plain)
{
	*plain = fx_msg(MSG_PUT);
	fx_add(plain, OPT_URI_HOST, SPAN_LIT("lwm2m.example"));
	fx_add(plain, OPT_OBSERVE, SPAN_EMPTY);
	fx_add(plain, OPT_URI_PATH, SPAN_LIT("3"));
	fx_add(plain, OPT_URI_PATH, SPAN_LIT("0"));
	fx_add(plain, OPT_ECHO, SPAN_LIT("12345678"));
	plain->payload = SPAN_LIT("a payload of some length");
}

/* What a receiver may act on: all but the options of class U, which are nobody's promise. */
static bool acts_alike(const struct msg *a, const struct msg *b)
{
	struct msg x, y;
	static const uint16_t outside[] = {
		OPT_URI_HOST, OPT_URI_PORT, OPT_EDHOC, OPT_PROXY_URI, OPT_PROXY_SCHEME};

	msg_copy(&x, a);
	msg_copy(&y, b);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		msg_remove(&x, outside[i]);
		msg_remove(&y, outside[i]);
	}
	return fx_same(&x, &y);
}

/* A datagram as the receiver's front door treats it. ERR_OK if it was accepted. */
static enum err receive(struct trip *t, struct span datagram, bool request)
{
	t->clear = wr_make(t->opened, CAP);
	enum err err = msg_parse_udp(datagram, &t->outer);
	if (!err)
		err = osc_option_of(&t->outer, &t->opt);
	if (err)
		return err;
	return request ? take_request(t) : take_response(t);
}

static void check_tampering(struct trip *t, bool request, const char *what)
{
	size_t n = t->wire.n, wrong = 0, refused = 0;
	struct msg good;
	uint8_t copy[CAP];

	REQUIRE(receive(t, wr_span(&t->wire), request) == ERR_OK, what);
	/* the copy's values point into t->opened, where accepted ones come out alike */
	msg_copy(&good, &t->got);
	uint64_t number = request ? osc_piv_number(&t->heard.piv) : t->number;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(copy, t->bytes, n);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		struct trip other = *t;
		if (receive(&other, (struct span){copy, n}, request)) {
			refused++;
			continue;
		}
		uint64_t got = request ? osc_piv_number(&other.heard.piv) : other.number;
		wrong += !acts_alike(&good, &other.got) || got != number;
	}
	CHECK(wrong == 0, what);
	CHECK(refused > 8 * t->outer.payload.n - 1, "each bit of the ciphertext is refused");
	for (size_t cut = 0; cut < n; cut++) {
		struct trip other = *t;
		CHECK(receive(&other, (struct span){t->bytes, cut}, request) != ERR_OK,
			"each truncation");
	}
	memcpy(copy, t->bytes, n);
	copy[n] = 0;
	struct trip other = *t;
	CHECK(receive(&other, (struct span){copy, n + 1}, request) == ERR_AUTH, "a trailing byte");
}

static void test_tampering(void)
{
	struct msg plain, response = fx_msg(MSG_CONTENT);
	struct osc_binding b = a_binding(true);
	uint64_t number = 300;
	struct trip t;

	big_request(&plain);
	send_request(&t, &plain);
	check_tampering(&t, true, "a request, each bit flipped");
	fx_add(&response, OPT_OBSERVE, SPAN_LIT("\x05"));
	fx_add(&response, OPT_CONTENT_FORMAT, SPAN_LIT("\x28"));
	response.payload = SPAN_LIT("</3/0>");
	send_response(&t, &b, &number, &response);
	check_tampering(&t, false, "a notification, each bit flipped");
	msg_remove(&response, OPT_OBSERVE);
	send_response(&t, &b, NULL, &response);
	check_tampering(&t, false, "a response without Partial IV, each bit flipped");
}

/* Every size of buffer up to what is needed: refused, and nothing changed. */
static void test_no_space(void)
{
	struct msg plain;
	struct trip t;
	size_t need, refused = 0;

	big_request(&plain);
	send_request(&t, &plain);
	need = t.buf.n;
	for (size_t cap = 0; cap < need; cap++) {
		trip_init(&t);
		t.buf = wr_make(t.sealed, cap);
		refused += osc_protect_request(crypto, &client, NUMBER, NULL, &plain, &t.buf,
				   &t.sent, &t.asked) == ERR_SPACE &&
			   t.buf.n == 0 && t.buf.err == ERR_OK && t.sent.code == MSG_EMPTY;
	}
	CHECK(refused == need, "protect: each smaller buffer");
	send_request(&t, &plain);
	CHECK(take_request(&t) == ERR_OK && t.clear.n <= t.wire.n, "the datagram's size suffices");
	need = t.clear.n;
	refused = 0;
	for (size_t cap = 0; cap < need; cap++) {
		t.clear = wr_make(t.opened, cap);
		refused += take_request(&t) == ERR_SPACE && t.clear.n == 0 &&
			   t.clear.err == ERR_OK && t.got.code == MSG_EMPTY;
	}
	CHECK(refused == need, "unprotect: each smaller buffer");
	t.clear = wr_make(t.opened, need);
	CHECK(take_request(&t) == ERR_OK, "unprotect: just enough");
}

/* The longest of everything that the option holds, under a 16-byte tag. */
static void test_104_bytes_more(void)
{
	static const struct fx_inputs in = {30, "0102", "", "01020304050607", "07", NULL};
	struct osc_keys k = fx_keys(crypto, &in, true);
	uint8_t id_context[OSC_ID_CONTEXT_MAX + 2] = {1}, encoded[CAP];
	struct span kid_context = SPAN_OF(id_context);
	struct writer w = wr_make(encoded, CAP);
	struct msg plain;
	struct trip t;

	big_request(&plain);
	REQUIRE(msg_encode_udp(&plain, &w) == ERR_OK, "msg_encode_udp");
	trip_init(&t);
	t.buf = wr_make(t.sealed, w.n + 104);
	CHECK(osc_protect_request(crypto, &k, OSC_SSN_MAX, &kid_context, &plain, &t.buf, &t.sent,
		      &t.asked) == ERR_OK,
		"104 bytes more than the plain message");
	CHECK(msg_find(&t.sent, OPT_OSCORE)->val.n == 1 + 5 + 1 + 66 + 7, "the longest option");
}

static enum err try_request(const struct msg *plain, uint64_t number, const struct span *context)
{
	struct trip t;

	trip_init(&t);
	enum err err = osc_protect_request(
		crypto, &client, number, context, plain, &t.buf, &t.sent, &t.asked);
	if (err)
		CHECK(t.buf.n == 0 && t.sent.code == MSG_EMPTY && t.asked.piv.n == 0,
			"an error leaves nothing");
	return err;
}

static void test_refusals(void)
{
	static uint8_t big[70000];
	struct span context = {big, 256};
	struct msg plain = fx_msg(MSG_GET);

	CHECK(try_request(&plain, OSC_SSN_MAX, NULL) == ERR_OK, "2^40-1 is the last number");
	CHECK(try_request(&plain, OSC_SSN_MAX + 1, NULL) == ERR_RANGE, "2^40 is none");
	CHECK(try_request(&plain, UINT64_MAX, NULL) == ERR_RANGE, "2^64-1 is none");
	CHECK(try_request(&plain, 1, &context) == ERR_RANGE, "a kid context of 256 bytes");
	context.n = 253;
	CHECK(try_request(&plain, 1, &context) == ERR_RANGE, "an option above 255 bytes");
	context.n = 252;
	CHECK(try_request(&plain, 1, &context) == ERR_OK, "an option of 255 bytes");
	context.n = 0;
	CHECK(try_request(&plain, 1, &context) == ERR_OK, "an empty kid context");
	fx_add(&plain, OPT_PROXY_URI, SPAN_LIT("coap://a/b"));
	CHECK(try_request(&plain, 1, NULL) == ERR_UNSUPPORTED, "Proxy-Uri");
	plain = fx_msg(MSG_GET);
	fx_add(&plain, OPT_OSCORE, SPAN_EMPTY);
	CHECK(try_request(&plain, 1, NULL) == ERR_UNSUPPORTED, "option 9 in the plain message");
	plain = fx_msg(MSG_GET);
	for (size_t i = 0; i < MSG_OPTS_MAX; i++)
		fx_add(&plain, OPT_URI_PATH, SPAN_LIT("a"));
	CHECK(try_request(&plain, 1, NULL) == ERR_OK, "as many options inside as a message has");
	plain = fx_msg(MSG_GET);
	for (size_t i = 0; i < MSG_OPTS_MAX; i++)
		fx_add(&plain, OPT_URI_HOST, SPAN_LIT("a"));
	CHECK(try_request(&plain, 1, NULL) == ERR_LIMIT, "no room outside for option 9");
	plain = fx_msg(MSG_PUT);
	plain.payload = SPAN_OF(big);
	CHECK(try_request(&plain, 1, NULL) == ERR_SPACE, "a payload beyond the buffer");
}

static void test_too_long(void)
{
	static uint8_t big[4096], room[5000], back[5000];
	struct msg plain = fx_msg(MSG_PUT), out, got;
	struct osc_binding b;
	struct osc_option opt;
	struct writer w = wr_make(room, sizeof(room)), clear = wr_make(back, sizeof(back));

	plain.payload = (struct span){big, 4087};
	CHECK(osc_protect_request(crypto, &client, 1, NULL, &plain, &w, &out, &b) == ERR_RANGE,
		"a ciphertext of 4097 bytes");
	plain.payload.n = 4086;
	REQUIRE(osc_protect_request(crypto, &client, 1, NULL, &plain, &w, &out, &b) == ERR_OK,
		"a ciphertext of 4096 bytes");
	REQUIRE(osc_option_of(&out, &opt) == ERR_OK, "osc_option_of");
	CHECK(osc_unprotect_request(crypto, &server, &opt, &out, &clear, &got, &b) == ERR_OK,
		"a ciphertext of 4096 bytes");
	CHECK(span_eq(got.payload, plain.payload), "a ciphertext of 4096 bytes");
}

/* Proves: 8613-7.1-1 8613-7.2.1-1 */
static void test_response_numbers(void)
{
	struct msg plain = fx_msg(MSG_CONTENT);
	struct osc_binding b = a_binding(false);
	uint64_t number = OSC_SSN_MAX + 1;
	struct trip t;

	trip_init(&t);
	CHECK(osc_protect_response(crypto, &server, &b, &number, &plain, &t.buf, &t.sent) ==
			ERR_RANGE,
		"2^40 is none");
	number = OSC_SSN_MAX;
	send_response(&t, &b, &number, &plain);
	CHECK(take_response(&t) == ERR_OK && t.number == OSC_SSN_MAX, "2^40-1 is the last number");
	/* wrong requests */
	t.asked.piv.p[0] ^= 1;
	CHECK(take_response(&t) == ERR_AUTH && t.number == UINT64_MAX, "another request_piv");
	t.asked = b;
	t.asked.piv = (struct osc_piv){2, {0, 0x14}};
	CHECK(take_response(&t) == ERR_AUTH, "another spelling of request_piv");
	t.asked = b;
	t.asked.kid = (struct osc_id){1, {0}};
	CHECK(take_response(&t) == ERR_AUTH, "another request_kid");
}

/* Authentic, but with a nonce and AAD of no number at all. */
static void test_no_number(void)
{
	struct trip t;

	seal_raw(&t, true, test_hex("01"), &(struct osc_piv){.n = 0});
	t.opt.piv.n = 0;
	CHECK(take_request(&t) == ERR_AUTH, "a request without Partial IV, sealed so");
}

/* Proves: 8613-4.1.3.2-1 */
static void test_wrong_context(void)
{
	static const struct fx_inputs other = {10, "0102", "", "", "01", NULL};
	struct osc_keys stranger = fx_keys(crypto, &other, false);
	struct msg plain = fx_msg(MSG_GET), answer = fx_msg(MSG_CONTENT);
	struct osc_binding b = a_binding(false);
	struct trip t;

	send_request(&t, &plain);
	CHECK(osc_unprotect_request(
		      crypto, &stranger, &t.opt, &t.outer, &t.clear, &t.got, &t.heard) == ERR_AUTH,
		"another context");
	CHECK(t.heard.piv.n == 0 && t.clear.n == 0 && t.got.code == MSG_EMPTY, "it leaves nothing");
	CHECK(osc_unprotect_request(
		      crypto, &client, &t.opt, &t.outer, &t.clear, &t.got, &t.heard) == ERR_AUTH,
		"our own request, reflected");
	struct osc_option opt = t.opt;
	t.opt.has_kid = false;
	CHECK(take_request(&t) == ERR_AUTH, "no kid");
	t.opt = opt;
	t.opt.piv.n = 0;
	CHECK(take_request(&t) == ERR_AUTH, "no Partial IV");
	t.opt = opt;
	t.opt.kid = SPAN_LIT("x");
	CHECK(take_request(&t) == ERR_AUTH, "a kid that is not the context's");
	send_response(&t, &b, NULL, &answer);
	t.outer.code = MSG_POST;
	CHECK(take_response(&t) == ERR_SYNTAX, "a request where a response should be");
	t.outer.code = MSG_CHANGED;
	msg_remove(&t.outer, OPT_OSCORE);
	CHECK(take_response(&t) == ERR_NOTFOUND, "an unprotected response");
	fx_add(&t.outer, OPT_OSCORE, SPAN_LIT("\x20"));
	CHECK(take_response(&t) == ERR_SYNTAX, "a malformed option in a response");
}

/* The outer code means nothing to the receiver, within its kind (section 4.2).
 * Proves: 8613-4.2-4 */
static void test_outer_codes(void)
{
	static const uint8_t codes[] = {MSG_GET, MSG_PUT, MSG_DELETE, MSG_FETCH, 31};
	struct msg plain = fx_msg(MSG_GET);
	struct trip t;

	for (size_t i = 0; i < sizeof(codes); i++) {
		send_request(&t, &plain);
		t.outer.code = codes[i];
		CHECK(take_request(&t) == ERR_OK && t.got.code == MSG_GET, "any outer method");
	}
}

/* Every algorithm of the table, both ways. */
static void test_algorithms(void)
{
	static const int aeads[] = {1, 2, 3, 10, 11, 12, 13, 24, 30, 31, 32, 33};
	struct osc_keys c1_client = client, c1_server = server;

	for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++) {
		struct fx_inputs in = fx_c1;
		struct msg plain, answer = fx_msg(MSG_CHANGED);
		struct trip t;
		in.aead = aeads[i];
		client = fx_keys(crypto, &in, true);
		server = fx_keys(crypto, &in, false);
		big_request(&plain);
		send_request(&t, &plain);
		CHECK(take_request(&t) == ERR_OK && fx_same(&plain, &t.got), "each algorithm");
		struct osc_binding b = t.heard;
		send_response(&t, &b, &(uint64_t){5}, &answer);
		CHECK(take_response(&t) == ERR_OK && fx_same(&answer, &t.got), "each algorithm");
		t.outer.payload.n = osc_aead_info(aeads[i])->tag_n;
		CHECK(take_response(&t) == ERR_AUTH, "a payload of the tag's size");
	}
	client = c1_client;
	server = c1_server;
	client.aead = server.aead = 99;
	struct msg plain = fx_msg(MSG_GET);
	CHECK(try_request(&plain, 1, NULL) == ERR_UNSUPPORTED, "an algorithm that is none");
	client.aead = c1_client.aead;
	struct trip t;
	send_request(&t, &plain);
	CHECK(take_request(&t) == ERR_UNSUPPORTED, "an algorithm that is none");
	server.aead = c1_server.aead;
}

int main(void)
{
	crypto = fx_crypto();
	client = fx_keys(crypto, &fx_c1, true);
	server = fx_keys(crypto, &fx_c1, false);
	test_all_codes();
	test_observe_requests();
	test_notifications();
	test_unasked_notification();
	test_inners();
	test_inner_wins();
	test_tampering();
	test_no_space();
	test_104_bytes_more();
	test_refusals();
	test_too_long();
	test_response_numbers();
	test_no_number();
	test_wrong_context();
	test_outer_codes();
	test_algorithms();
	osc_crypto_free(crypto);
	return test_done();
}
