/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a group that are not quite right: each byte turned, each field another member's, the
 * wrong mode, the wrong group, and what a change of keys does to a long exchange. */
#include "tests/unit/oscore/group_fixture.h"

#include "oscore/group_internal.h"

static struct osc_group *a, *b, *c;

static void open_groups(const struct gf_group *g)
{
	a = gf_join(g, A);
	b = gf_join(g, B);
	c = gf_join(g, C);
}

static void close_groups(void)
{
	osc_group_free(a);
	osc_group_free(b);
	osc_group_free(c);
	a = b = c = NULL;
}

static const struct gf_group algorithms[] = {
	{10, OSC_EDDSA, 10, OSC_ECDH_SS_256, "44616c", "a0", false, false},
	{-65534, OSC_EDDSA, 24, OSC_ECDH_SS_256, "44616c", "a0", false, false},
	{10, OSC_ES256, 10, OSC_ECDH_SS_256, "44616c", "a0", false, false},
	{-65532, OSC_ES256, 1, OSC_ECDH_SS_256, "", "a0", true, false},
};

/* ---- each byte */

static bool same_window(const struct osc_window *x, const struct osc_window *y)
{
	return x->any == y->any && x->highest == y->highest && x->seen == y->seen;
}

/* A request of `t` with one byte of option or payload changed, to a server that has seen nothing.
 * Where the option then names somebody else or is malformed, that is how it is refused. */
static bool turned_is_refused(const struct gf_trip *t, size_t at, uint8_t by, bool request)
{
	struct osc_group *g = request ? b : a;
	struct osc_member *m = gf_other(g, request ? A : B);
	struct osc_window before = m->window;
	static struct gf_trip x;

	gf_begin(&x);
	memcpy(x.bytes, t->bytes, t->wire.n);
	x.bytes[at] ^= by;
	x.asked = t->asked;
	if (msg_parse_udp(span_make(x.bytes, t->wire.n), &x.outer) ||
		!msg_find(&x.outer, OPT_OSCORE) || osc_group_option_of(&x.outer, &x.opt))
		return true;
	enum err err = request ? gf_take(&x, g, false) : gf_hear(&x, g);
	return err && err != ERR_SYNTAX && same_window(&before, &m->window) && x.clear.n == 0 &&
	       (!request || x.got.code == MSG_EMPTY || err == ERR_NOTFOUND || err == ERR_REPLAY);
}

static void check_turned(const struct gf_trip *t, bool request, const char *what)
{
	bool refused = true;

	/* header and token are not protected: 4 bytes and 3 of token */
	for (size_t i = 7; i < t->wire.n; i++) {
		for (unsigned bit = 0; bit < 8; bit += 3)
			refused = refused && turned_is_refused(t, i, (uint8_t)(1u << bit), request);
	}
	CHECK(refused, what);
}

/* Proves: 10021-7-1 10021-7.2-3 */
static void test_turned(const struct gf_group *g)
{
	struct msg plain = gf_request(), answer = gf_response();
	static struct gf_trip t;
	uint64_t number = 0x123;

	open_groups(g);
	for (int pairwise = 0; pairwise < 2; pairwise++) {
		gf_ask(&t, a, pairwise ? gf_other(a, B) : NULL, 5, &plain);
		check_turned(&t, true, pairwise ? "a pairwise request" : "a signed request");
		CHECK(gf_take(&t, b, false) == ERR_OK, "as it was");
		osc_window_init(&gf_other(b, A)->window, 0);
		for (int signs = 0; signs < 2; signs++) {
			struct osc_group_reply how = {.to = signs ? NULL : gf_other(b, A)};
			gf_answer(&t, b, &how, &answer);
			check_turned(&t, false, "a response");
			how.number = &number;
			gf_answer(&t, b, &how, &answer);
			check_turned(&t, false, "a response with a number");
			CHECK(gf_hear(&t, a) == ERR_OK && fx_same(&answer, &t.got) &&
					t.number == number,
				"as it was");
		}
	}
	close_groups();
}

/* ---- each field another's */

/* The request of A in `t`, with its option made of other parts; what B says. */
static enum err with_option(struct gf_trip *t, const char *option)
{
	msg_remove(&t->outer, OPT_OSCORE);
	fx_add(&t->outer, OPT_OSCORE, test_hex(option));
	REQUIRE(osc_group_option_of(&t->outer, &t->opt) == ERR_OK, option);
	gf_begin(t);
	return gf_take(t, b, false);
}

static const struct {
	const char *what, *option; /* as it is: 39 05 03 44616c a1, pairwise 19 */
	enum err err;
} swapped[] = {
	{"another member's kid", "39050344616cc3", ERR_AUTH},
	{"B's own kid", "39050344616cb2", ERR_NOTFOUND},
	{"nobody's kid", "39050344616cee", ERR_NOTFOUND},
	{"no kid at all", "39050344616c", ERR_NOTFOUND},
	{"another Gid", "39050344616da1", ERR_NOTFOUND},
	{"a shorter Gid", "3905024461a1", ERR_NOTFOUND},
	{"another number", "39060344616ca1", ERR_AUTH},
	{"another mode", "19050344616ca1", ERR_AUTH},
};

/* Proves: 10021-3.4-3 10021-7.2-4 */
static void test_swapped_options(const struct gf_group *g)
{
	struct msg plain = gf_request();
	static struct gf_trip t;

	open_groups(g);
	for (int pairwise = 0; pairwise < 2; pairwise++) {
		for (size_t i = 0; i < sizeof(swapped) / sizeof(swapped[0]); i++) {
			char option[32];
			snprintf(option, sizeof(option), "%s", swapped[i].option);
			if (pairwise)
				option[0] = (char)(option[0] ^ 2); /* 3 and 1 */
			gf_ask(&t, a, pairwise ? gf_other(a, B) : NULL, 5, &plain);
			CHECK(with_option(&t, option) == swapped[i].err, swapped[i].what);
		}
		gf_ask(&t, a, pairwise ? gf_other(a, B) : NULL, 5, &plain);
		CHECK(!gf_other(b, A)->window.any && !gf_other(b, C)->window.any,
			"no window has moved");
		CHECK(with_option(&t, pairwise ? "19050344616ca1" : "39050344616ca1") == ERR_OK,
			"as it is");
		osc_window_init(&gf_other(b, A)->window, 0);
	}
	close_groups();
}

/* B thinks otherwise of A or of the group than A does. `cred`: of A. */
static void check_stranger(
	const struct gf_group *of_b, const char *id, const char *cred, bool ok, const char *what)
{
	struct msg plain = gf_request();
	static struct gf_trip t;
	struct osc_group *g = gf_new(of_b, B);
	struct osc_member *m;

	a = gf_join(&gf_both, A);
	REQUIRE(osc_group_add(crypto, g, test_hex(id), test_hex(cred), &m) == ERR_OK, what);
	for (int pairwise = 0; pairwise < 2; pairwise++) {
		gf_ask(&t, a, pairwise ? gf_other(a, B) : NULL, (uint64_t)pairwise, &plain);
		CHECK(gf_take(&t, g, false) == (ok ? ERR_OK : ERR_AUTH), what);
		CHECK(m->window.any == ok, what);
	}
	osc_group_free(g);
	osc_group_free(a);
	a = NULL;
}

/* Proves: 10021-2.4-2 10021-3.4-4 */
static void test_strangers(void)
{
	const char *cred = gf_ed25519[A].cred;
	/* A's key without its alg: the same key, other bytes */
	static const char other_bytes[] = "a108a101a301012006215820"
					  "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664"
					  "125531b8";
	struct gf_group g = gf_both;

	check_stranger(&gf_both, "a1", cred, true, "as it is");
	check_stranger(&gf_both, "a1", gf_ed25519[C].cred, false, "a foreign key");
	check_stranger(&gf_both, "a1", other_bytes, false, "credentials are opaque");
	g.gm = "a101";
	check_stranger(&g, "a1", cred, false, "another Group Manager (section 14.8)");
	g = gf_both;
	g.four_elements = true;
	struct msg plain = gf_request();
	static struct gf_trip t;
	open_groups(&gf_both);
	struct osc_group *four = gf_join(&g, B), *also = gf_join(&g, A);
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(gf_take(&t, four, false) == ERR_AUTH, "five elements to four");
	gf_ask(&t, also, NULL, 2, &plain);
	CHECK(gf_take(&t, b, false) == ERR_AUTH, "four to five");
	gf_ask(&t, also, NULL, 3, &plain);
	CHECK(gf_take(&t, four, false) == ERR_OK, "four to four");
	gf_ask(&t, a, gf_other(a, B), 4, &plain);
	CHECK(gf_take(&t, four, false) == ERR_OK, "in pairwise mode nothing is signed");
	osc_group_free(four);
	osc_group_free(also);
	close_groups();
}

/* ---- answers */

/* The client remembers another request than it sent. */
static void test_bindings(const struct gf_group *g)
{
	struct msg plain = gf_request(), answer = gf_response();
	static struct gf_trip t;
	uint64_t number = 3;

	open_groups(g);
	for (int pairwise = 0; pairwise < 2; pairwise++) {
		gf_ask(&t, a, pairwise ? gf_other(a, B) : NULL, (uint64_t)pairwise, &plain);
		CHECK(gf_take(&t, b, false) == ERR_OK, "a request");
		struct osc_group_reply how = {
			.to = pairwise ? gf_other(b, A) : NULL, .number = &number};
		gf_answer(&t, b, &how, &answer);
		struct osc_group_binding asked = t.asked;
		CHECK(gf_hear(&t, a) == ERR_OK, "as it is");
		osc_piv_set(&t.asked.piv, 77);
		CHECK(gf_hear(&t, a) == ERR_AUTH, "another number");
		t.asked = asked;
		t.asked.kid = gf_other(a, B)->id;
		CHECK(gf_hear(&t, a) == ERR_AUTH, "another kid");
		t.asked = asked;
		t.asked.gid[0] ^= 1;
		t.asked.gid_n = 1;
		CHECK(gf_hear(&t, a) == ERR_AUTH, "another Gid");
		t.asked = asked;
		CHECK(osc_group_unprotect_response(crypto, a, gf_other(a, C), &t.asked, &t.outer,
			      &t.clear, &t.got, &t.number) == ERR_AUTH,
			"another member");
		CHECK(gf_hear(&t, c) == (pairwise ? ERR_AUTH : ERR_OK), "somebody listens");
	}
	close_groups();
}

/* The mode of an answer is free, and says whether the kid must be there.
 *
 * Proves: 10021-3.2-1 10021-4.1-1 10021-7.4-1 */
static void test_modes(void)
{
	static const struct {
		const char *what;
		bool asked_one, answers_one, with_kid, has_kid;
	} modes[] = {
		{"signed and signed", false, false, false, true},
		{"signed, answered to one", false, true, false, true},
		{"to one and back", true, true, false, false},
		{"to one and back, with a kid", true, true, true, true},
		{"to one, signed", true, false, false, false},
		{"to one, signed, with a kid", true, false, true, true},
	};
	struct msg plain = gf_request(), answer = gf_response();
	static struct gf_trip t;

	open_groups(&gf_both);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		gf_ask(&t, a, modes[i].asked_one ? gf_other(a, B) : NULL, i, &plain);
		CHECK(gf_take(&t, b, false) == ERR_OK, modes[i].what);
		struct osc_group_reply how = {.to = modes[i].answers_one ? gf_other(b, A) : NULL,
			.with_kid = modes[i].with_kid};
		gf_answer(&t, b, &how, &answer);
		CHECK(t.opt.parts.has_kid == modes[i].has_kid, modes[i].what);
		CHECK(t.opt.group == !modes[i].answers_one && !t.opt.parts.has_kid_context &&
				t.opt.parts.piv.n == 0,
			modes[i].what);
		CHECK(gf_hear(&t, a) == ERR_OK && fx_same(&answer, &t.got) &&
				t.number == UINT64_MAX,
			modes[i].what);
	}
	close_groups();
}

/* Who answers is not whom it was asked, or does not say so.
 *
 * Proves: 10021-7.4-2 10021-8.6-1 */
static void test_wrong_responder(void)
{
	struct msg plain = gf_request(), answer = gf_response();
	static struct gf_trip t;
	uint64_t number = 1;

	open_groups(&gf_both);
	gf_ask(&t, a, gf_other(a, B), 1, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK, "B was asked");
	t.heard.server = c->sender_id;
	struct osc_group_reply how = {.to = NULL, .number = &number, .with_kid = true};
	gf_answer(&t, c, &how, &answer);
	CHECK(gf_hear(&t, a) == ERR_AUTH, "C answers, signed (section 7.4)");
	how.to = gf_other(c, A);
	gf_answer(&t, c, &how, &answer);
	CHECK(gf_hear(&t, a) == ERR_AUTH, "C answers, pairwise (section 8.6)");
	gf_ask(&t, a, gf_other(a, B), 2, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK, "B was asked");
	how = (struct osc_group_reply){.to = NULL};
	gf_answer(&t, b, &how, &answer);
	t.asked.group = true;
	CHECK(gf_hear(&t, a) == ERR_SYNTAX, "no kid, to a signed request");
	close_groups();
}

static void test_observe(void)
{
	struct msg plain = gf_request(), answer = gf_response(), out;
	static struct gf_trip t;
	uint64_t number = 0x1234567;
	uint32_t value = 0;

	open_groups(&gf_both);
	REQUIRE(msg_add_uint(&plain, OPT_OBSERVE, 0) == ERR_OK, "Observe");
	REQUIRE(msg_add_uint(&answer, OPT_OBSERVE, 9) == ERR_OK, "Observe");
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(t.outer.code == MSG_FETCH && t.asked.observe, "it asks");
	CHECK(gf_take(&t, b, false) == ERR_OK && t.heard.observe, "it is asked");
	struct osc_group_reply how = {.to = NULL, .number = &number};
	gf_answer(&t, b, &how, &answer);
	CHECK(gf_hear(&t, a) == ERR_OK && msg_get_uint(&t.got, OPT_OBSERVE, &value) &&
			value == 0x234567,
		"ordered by its number");
	t.asked.observe = t.heard.observe = false;
	CHECK(gf_hear(&t, a) == ERR_SYNTAX, "which was not asked for");
	CHECK(osc_group_protect_response(crypto, b, &how, &t.heard, &answer, &t.buf, &out) ==
			ERR_STATE,
		"which was not asked for");
	close_groups();
}

/* ---- new keys */

/* Proves: 10021-2.6.3.2-1 10021-3.4-2 10021-5.1-1 10021-7.3-1 10021-7.3-2 10021-8.5-1 */
static void test_rekey(const struct gf_group *old)
{
	struct gf_group next = *old;
	struct msg plain = gf_request(), answer = gf_response(), out;
	static struct gf_trip t;
	uint64_t number = 0;

	next.gid = "44616d";
	open_groups(old);
	struct osc_group *a2 = gf_join(&next, A), *b2 = gf_join(&next, B);
	for (int pairwise = 0; pairwise < 2; pairwise++) {
		gf_ask(&t, a, pairwise ? gf_other(a, B) : NULL, (uint64_t)pairwise, &plain);
		CHECK(gf_take(&t, b, false) == ERR_OK, "under the old Gid");
		struct osc_group_reply how = {.to = pairwise ? gf_other(b2, A) : NULL};
		CHECK(osc_group_protect_response(
			      crypto, b2, &how, &t.heard, &answer, &t.buf, &out) == ERR_STATE,
			"the first response has a number of its own (section 7.3)");
		how.number = &number;
		gf_answer(&t, b2, &how, &answer);
		CHECK_BYTES(t.opt.parts.kid_context, test_hex("44616d"), "and the new Gid");
		CHECK(t.opt.parts.piv.n == 1, "a number");
		CHECK(gf_hear(&t, a) == ERR_AUTH, "not under the old keys");
		CHECK(gf_hear(&t, a2) == ERR_OK && fx_same(&answer, &t.got),
			"kid and Gid stay the request's");
		memcpy(t.asked.gid, osc_group_gid(a2).p, 3);
		t.asked.gid_n = 3;
		CHECK(gf_hear(&t, a2) == ERR_AUTH, "which are not the new ones");
	}
	osc_group_free(a2);
	osc_group_free(b2);
	close_groups();
}

/* One of the two gets another Sender ID under the same Gid.
 *
 * Proves: 10021-7.3-3 10021-7.4-3 */
static void test_renamed(void)
{
	struct msg plain = gf_request(), answer = gf_response(), out;
	static struct gf_trip t;
	struct osc_group *renamed;
	struct osc_member *m;
	uint64_t number = 0;

	open_groups(&gf_both);
	struct osc_group_params p = gf_params(&gf_both, B);
	p.sender_id = test_hex("b3");
	REQUIRE(osc_group_new(crypto, &p, &renamed) == ERR_OK &&
			osc_group_add(crypto, renamed, test_hex("a1"), test_hex(gf_ed25519[A].cred),
				&m) == ERR_OK &&
			osc_group_add(crypto, a, test_hex("b3"), test_hex(gf_ed25519[B].cred),
				&m) == ERR_OK,
		"B is b3 now");
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK, "it was asked as b2");
	struct osc_group_reply how = {.to = NULL};
	CHECK(osc_group_protect_response(crypto, renamed, &how, &t.heard, &answer, &t.buf, &out) ==
			ERR_STATE,
		"another key, so another nonce");
	how.number = &number;
	gf_answer(&t, renamed, &how, &answer);
	CHECK_BYTES(t.opt.parts.kid, test_hex("b3"), "its new id");
	CHECK(!t.opt.parts.has_kid_context, "the Gid is the same");
	CHECK(gf_hear(&t, a) == ERR_OK && fx_same(&answer, &t.got), "it is heard as b3");
	gf_ask(&t, a, gf_other(a, B), 2, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK, "asked alone");
	how.to = gf_other(renamed, A);
	gf_answer(&t, renamed, &how, &answer);
	CHECK(t.opt.parts.has_kid, "the new id is told (section 8.5)");
	CHECK(gf_hear(&t, a) == ERR_AUTH, "an exchange has one server");
	osc_group_free(renamed);
	close_groups();
}

/* ---- lengths */

static size_t bytes_of(const struct msg *m)
{
	uint8_t buf[GF_CAP];
	struct writer w = wr_make(buf, sizeof(buf));

	REQUIRE(msg_encode_udp(m, &w) == ERR_OK, "msg_encode_udp");
	return w.n;
}

/* Over plain CoAP, with empty ids on the client's side and in the Gid. */
static void test_sizes(void)
{
	struct gf_group g = gf_both;
	struct osc_group *one, *two;
	struct msg plain = gf_request(), answer = gf_response();
	static struct gf_trip t;

	g.gid = "";
	struct osc_group_params p = gf_params(&g, A);
	struct osc_member *m, *n;
	p.sender_id = SPAN_EMPTY;
	REQUIRE(osc_group_new(crypto, &p, &one) == ERR_OK, "a client");
	two = gf_new(&g, B);
	REQUIRE(osc_group_add(crypto, one, test_hex("b2"), test_hex(gf_ed25519[B].cred), &m) ==
				ERR_OK &&
			osc_group_add(crypto, two, SPAN_EMPTY, test_hex(gf_ed25519[A].cred), &n) ==
				ERR_OK,
		"two members");
	gf_ask(&t, one, m, 1, &plain);
	CHECK(t.wire.n == bytes_of(&plain) + 14, "a pairwise request takes 14 bytes more");
	CHECK(gf_take(&t, two, false) == ERR_OK, "a request");
	struct osc_group_reply how = {.to = n};
	gf_answer(&t, two, &how, &answer);
	CHECK(t.wire.n == bytes_of(&answer) + 11, "a pairwise response 11");
	gf_ask(&t, one, NULL, 2, &plain);
	CHECK(t.wire.n == bytes_of(&plain) + 14 + 64, "a signature takes 64");
	osc_group_free(one);
	osc_group_free(two);
}

static void test_no_space(const struct gf_group *g)
{
	struct msg plain = gf_request(), out;
	static struct gf_trip t;
	struct osc_group_binding binding;
	bool tidy = true;

	open_groups(g);
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(t.buf.n <= bytes_of(&plain) + 256, "256 bytes more suffice");
	size_t full = t.buf.n;
	for (size_t cap = 0; cap < full; cap++) {
		struct writer w = wr_make(t.sealed, cap);
		tidy = tidy &&
		       osc_group_protect_request(crypto, a, NULL, 2, &plain, &w, &out, &binding) ==
			       ERR_SPACE &&
		       w.n == 0 && out.code == MSG_EMPTY;
	}
	CHECK(tidy, "a buffer that is too small, by any number of bytes");
	gf_ask(&t, a, NULL, 3, &plain);
	tidy = true;
	for (size_t cap = 0; cap < 5; cap++) {
		t.clear = wr_make(t.opened, cap);
		tidy = tidy && gf_take(&t, b, false) == ERR_SPACE && t.clear.n == 0;
	}
	CHECK(tidy && !gf_other(b, A)->window.any, "one for what comes out");
	close_groups();
}

/* Proves: 10021-2.6.2-1 */
static void test_lengths(void)
{
	static uint8_t big[5000], room[8192];
	struct msg plain = gf_request(), out;
	static struct gf_trip t;
	struct osc_group_binding binding;
	struct writer w = wr_make(room, sizeof(room));

	open_groups(&gf_both);
	plain.payload = SPAN_OF(big);
	CHECK(osc_group_protect_request(crypto, a, NULL, 1, &plain, &w, &out, &binding) ==
			ERR_RANGE,
		"longer than its key may have");
	plain.payload = SPAN_EMPTY;
	CHECK(osc_group_protect_request(
		      crypto, a, NULL, OSC_SSN_MAX + 1, &plain, &w, &out, &binding) == ERR_RANGE,
		"a number that is too large");
	gf_ask(&t, a, NULL, OSC_SSN_MAX, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK, "the last number");
	gf_ask(&t, a, NULL, 1, &plain);
	struct span whole = t.outer.payload;
	bool refused = true;
	for (size_t n = 1; n < whole.n; n++) {
		t.outer.payload.n = n;
		refused = refused && osc_group_unprotect_request(crypto, b, gf_other(b, A), &t.opt,
					     &t.outer, &t.clear, &t.got, &t.heard) == ERR_AUTH;
	}
	CHECK(refused, "cut short anywhere");
	t.outer.payload = SPAN_OF(big);
	CHECK(osc_group_unprotect_request(crypto, b, gf_other(b, A), &t.opt, &t.outer, &t.clear,
		      &t.got, &t.heard) == ERR_RANGE,
		"too long");
	close_groups();
}

/* ---- what is inside */

/* Seals and signs any bytes, as a member without manners would. */
static void seal_raw(struct gf_trip *t, bool request, struct span plaintext)
{
	static const struct osc_piv piv = {1, {5}};
	uint8_t *p = t->sealed;
	struct osc_group *g = request ? a : b;
	struct osc_group_binding binding = {
		.kid = a->sender_id, .piv = piv, .gid_n = 3, .group = true};

	memcpy(binding.gid, a->gid, 3);
	gf_begin(t);
	t->outer = fx_msg(request ? MSG_POST : MSG_CHANGED);
	fx_add(&t->outer, OPT_OSCORE,
		request ? SPAN_LIT("\x39\x05\x03"
				   "Dal\xa1")
			: SPAN_LIT("\x28\xb2"));
	struct osc_group_message x = {.c = crypto,
		.g = g,
		.binding = &binding,
		.piv_owner = &binding.kid,
		.piv = &binding.piv,
		.option = msg_find(&t->outer, OPT_OSCORE)->val,
		.sender_cred = g->sender_cred,
		.group = true,
		.request = request};
	REQUIRE(osc_group_seal(&x, plaintext, p) == ERR_OK, "osc_group_seal");
	size_t n = plaintext.n + osc_group_alg(g, true)->tag_n;
	uint8_t stream[OSC_SIGNATURE];
	REQUIRE(osc_group_sign(&x, span_make(p, n), p + n) == ERR_OK &&
			osc_group_keystream(&x, stream) == ERR_OK,
		"osc_group_sign");
	for (size_t i = 0; i < OSC_SIGNATURE; i++)
		p[n + i] ^= stream[i];
	t->outer.payload = span_make(p, n + OSC_SIGNATURE);
	t->asked = binding;
	REQUIRE(osc_group_option_of(&t->outer, &t->opt) == ERR_OK, "osc_group_option_of");
}

static const struct {
	const char *what, *plaintext;
	bool request;
	enum err err;
} inners[] = {
	{"a request", "01b3747631", true, ERR_OK},
	{"a response", "45ff48", false, ERR_OK},
	{"a response as request", "45ff48", true, ERR_SYNTAX},
	{"a request as response", "01b3747631", false, ERR_SYNTAX},
	{"an Empty message", "00", true, ERR_SYNTAX},
	{"a marker without payload", "01ff", true, ERR_SYNTAX},
	{"option 9 inside", "0190", true, ERR_SYNTAX},
	{"an option cut short", "01b37476", true, ERR_SYNTAX},
	{"a notification nobody asked for", "4560ff48", false, ERR_SYNTAX},
};

static void test_inners(const struct gf_group *g)
{
	static struct gf_trip t;

	open_groups(g);
	for (size_t i = 0; i < sizeof(inners) / sizeof(inners[0]); i++) {
		seal_raw(&t, inners[i].request, test_hex(inners[i].plaintext));
		enum err err = inners[i].request ? gf_take(&t, b, false) : gf_hear(&t, a);
		CHECK(err == inners[i].err, inners[i].what);
		CHECK(err == ERR_OK || (t.got.code == MSG_EMPTY && t.clear.n == 0), inners[i].what);
		CHECK(!inners[i].request || gf_other(b, A)->window.any,
			"it was authentic, so the window moves");
		osc_window_init(&gf_other(b, A)->window, 0);
	}
	seal_raw(&t, true, SPAN_EMPTY);
	CHECK(gf_take(&t, b, false) == ERR_AUTH, "nothing inside");
	close_groups();
}

int main(void)
{
	crypto = fx_crypto();
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		test_turned(&algorithms[i]);
		test_bindings(&algorithms[i]);
		test_no_space(&algorithms[i]);
	}
	test_swapped_options(&algorithms[0]);
	test_swapped_options(&algorithms[2]);
	test_inners(&algorithms[0]);
	test_inners(&algorithms[1]);
	test_rekey(&algorithms[0]);
	test_rekey(&algorithms[2]);
	test_strangers();
	test_modes();
	test_wrong_responder();
	test_observe();
	test_renamed();
	test_sizes();
	test_lengths();
	osc_crypto_free(crypto);
	return test_done();
}
