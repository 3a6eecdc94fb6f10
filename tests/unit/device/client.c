/* SPDX-License-Identifier: Apache-2.0 */
/* What the device starts: bootstrap, registration, Echo, loss, refusal. */
#include "device/inner.h"
#include "tests/unit/device/world.h"

static struct world w;
static struct heard h;

static bool has_query(const struct msg *m, const char *text)
{
	for (const struct opt *o = msg_find(m, OPT_URI_QUERY); o; o = msg_next(m, o)) {
		if (span_eq_str(o->val, text))
			return true;
	}
	return false;
}

static void begin(bool direct)
{
	struct dev_credentials c = w_credentials(direct);
	w_init(&w, &c);
	w.options.notify_interval_ms = 1000;
	w_open(&w, &c, SPAN_EMPTY);
}

static void check_register(void)
{
	begin(true);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "a protected request");
	CHECK(h.outer.code == MSG_POST && h.plain.code == MSG_POST, "POST (RFC 8613 section 4.2)");
	CHECK(!msg_find(&h.outer, OPT_URI_PATH), "nothing of the path is outside");
	CHECK(span_eq_str(msg_find(&h.plain, OPT_URI_PATH)->val, "rd"), "/rd");
	CHECK(has_query(&h.plain, "ep=urn:test:1") && has_query(&h.plain, "lt=300") &&
			has_query(&h.plain, "lwm2m=1.1") && has_query(&h.plain, "b=U"),
		"REG-01");
	CHECK(span_eq_str(
		      h.plain.payload, "</1/0>,</3/0>,</5/0>;ver=1.2,</19/0>,</3303/0>;ver=1.1"),
		"REG-07, REG-09");
	w_reply_register(&w, &h);
	CHECK(dev_registered(w.dev), "registered");

	w_forget(&w);
	w_pass(&w, (300 - 93) * 1000);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "an Update in time");
	CHECK(span_eq_str(msg_next(&h.plain, msg_find(&h.plain, OPT_URI_PATH))->val, "5a7f"),
		"location");
	CHECK(!h.plain.payload.n && !msg_find(&h.plain, OPT_URI_QUERY), "REG-15: nothing changed");
	w_reply_code(&w, &w.server, &h, MSG_CHANGED);
	CHECK(dev_registered(w.dev), "still registered");

	w_forget(&w);
	dev_stop(w.dev, true, w.now_us, &w.out);
	w_take(&w);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "a De-register");
	CHECK(h.plain.code == MSG_DELETE, "REG-17");
	w_reply_code(&w, &w.server, &h, MSG_DELETED);
	CHECK(dev_stopped(w.dev), "stopped");
	w_fini(&w);
}

static void check_update_gone(void)
{
	begin(true);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "Register");
	w_reply_register(&w, &h);
	w_forget(&w);
	w_pass(&w, 250 * 1000);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "Update");
	w_forget(&w);
	w_reply_code(&w, &w.server, &h, MSG_NOT_FOUND);
	w_pass(&w, 10);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "REG-18: 4.04 leads to a new Register");
	CHECK(span_eq_str(msg_find(&h.plain, OPT_URI_PATH)->val, "rd") && h.plain.payload.n > 0,
		"Register");
	w_fini(&w);
}

static void check_echo(void)
{
	struct msg m;
	begin(true);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "Register");
	uint64_t first = h.number;
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	REQUIRE(msg_add(&m, OPT_ECHO, SPAN_LIT("12345678")) == ERR_OK, "Echo");
	w_forget(&w);
	uint8_t out[W_BYTES];
	size_t n = w_protect_reply(&w, &w.server, &h, &m, true, out);
	w_in(&w, span_make(out, n));
	REQUIRE(w_hear(&w, 0, &w.server, &h), "the request again");
	CHECK(h.number > first, "under a new number");
	const struct opt *o = msg_find(&h.plain, OPT_ECHO);
	CHECK(o && span_eq_str(o->val, "12345678"), "with the Echo (RFC 9175 section 2.3)");
	CHECK(!msg_find(&h.outer, OPT_ECHO), "inside");
	w_reply_register(&w, &h);
	CHECK(dev_registered(w.dev), "registered");
	w_fini(&w);
}

static void check_lost(void)
{
	begin(true);
	w_pass(&w, 3000);
	REQUIRE(w.sent_n == 2, "RFC 7252 section 4.2: sent again");
	CHECK_BYTES(span_make(w.sent[1], w.sent_bytes[1]), span_make(w.sent[0], w.sent_bytes[0]),
		"the same bytes");
	w_pass(&w, 100 * 1000);
	CHECK(w.seen[DEV_EVENT_FAILED] == 1, "then given up");
	CHECK(w.sent_n > 5 && w_hear(&w, w.sent_n - 1, &w.server, &h) && h.number > 0,
		"and tried anew under a new number");
	w_reply_register(&w, &h);
	CHECK(dev_registered(w.dev), "registered after all");
	w_fini(&w);
}

/* The acknowledgement first, the response later as a CON (RFC 7252 section 5.2.2). */
static void check_separate(void)
{
	struct msg m;
	uint8_t ack[4] = {0x60, 0}, out[W_BYTES];
	begin(true);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "Register");
	ack[2] = (uint8_t)(h.outer.mid >> 8);
	ack[3] = (uint8_t)h.outer.mid;
	w_forget(&w);
	w_in(&w, SPAN_OF(ack));
	w_pass(&w, 60 * 1000);
	CHECK(w.sent_n == 0, "no retransmission after the acknowledgement");
	msg_init(&m, MSG_CON, MSG_CREATED);
	REQUIRE(msg_add_path(&m, OPT_LOCATION_PATH, "rd/1") == ERR_OK, "location");
	size_t n = w_protect_reply(&w, &w.server, &h, &m, false, out);
	w_in(&w, span_make(out, n));
	CHECK(dev_registered(w.dev), "registered");
	CHECK(w.sent_n == 1 && w.sent[0][0] == 0x60 && w.sent[0][3] == out[3], "acknowledged");
	w_in(&w, span_make(out, n));
	CHECK(w.sent_n == 2 && w.sent[1][0] == 0x60, "its copy as well");
	out[3] ^= 1;
	w_in(&w, span_make(out, n));
	CHECK(w.sent_n == 3 && w.sent[2][0] == 0x70, "another one is reset");
	w_fini(&w);
}

static void check_clear_errors(void)
{
	static const struct {
		uint8_t code;
		bool acts;
	} rows[] = {{MSG_CREATED, false}, {MSG_NOT_FOUND, false}, {MSG_UNAUTHORIZED, true},
		{MSG_UNAVAILABLE, true}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[64];
		struct writer dg = wr_make(out, sizeof(out));
		struct msg m;
		begin(true);
		REQUIRE(w_hear(&w, 0, &w.server, &h), "Register");
		msg_init(&m, MSG_ACK, rows[i].code);
		m.mid = h.outer.mid;
		memcpy(m.token, h.outer.token, m.token_n = h.outer.token_n);
		REQUIRE(msg_encode_udp(&m, &dg) == ERR_OK, "encode");
		w_in(&w, wr_span(&dg));
		CHECK(!dev_registered(w.dev), "an unprotected success is discarded");
		CHECK((w.seen[DEV_EVENT_FAILED] > 0) == rows[i].acts,
			"RFC 8613 section 8.4: hints only");
		w_fini(&w);
	}
}

/* Object 21, then 0 and 1, as TLV: secret, ids and salt of w_credentials(true). */
static const char tlv_21[] =
	"c8001001020304 05060708090a0b0c0d0e0f10c10173c10202c805089e7ca92223786340";
static const char tlv_0[] = "c8001063 6f61703a2f2f3139322e302e322e31c10100c10203c10a65c41100150001";
static const char tlv_1[] = "c10065c1013cc10600c10755";

static struct span unspaced(const char *hex)
{
	static char text[4][512];
	static unsigned turn;
	char *out = text[turn++ % 4];
	size_t n = 0;
	for (; *hex; hex++) {
		if (*hex != ' ')
			out[n++] = *hex;
	}
	out[n] = 0;
	return test_hex(out);
}

static void bootstrap_until_finish(void)
{
	struct msg m;
	begin(false);
	REQUIRE(w_hear(&w, 0, &w.bootstrap, &h), "a Bootstrap-Request");
	CHECK(has_query(&h.plain, "ep=urn:test:1") && has_query(&h.plain, "pct=11542"),
		"BS-01, BS-03");
	w_reply_code(&w, &w.bootstrap, &h, MSG_CHANGED);
	w_msg(&m, MSG_GET, "");
	REQUIRE(msg_add_uint(&m, OPT_ACCEPT, LWM_CF_LINK) == ERR_OK, "accept");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_CONTENT, "Bootstrap-Discover");
	CHECK(span_eq_str(h.plain.payload,
		      "</>;lwm2m=1.1,</0/0>;uri=\"coap://192.0.2.1:5783\",</1>,</3/0>,</5/0>,"
		      "</19/0>,</21>;ver=2.0,</21/0>,</3303/0>"),
		"BS-10, BS-11");
	w_msg(&m, MSG_DELETE, "");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_DELETED,
		"Bootstrap-Delete spares the account");
	CHECK(w_put(&w, &w.bootstrap, MSG_PUT, "21/1", LWM_CF_TLV, unspaced(tlv_21), &h) ==
			MSG_CHANGED,
		"Object 21");
}

static void check_bootstrap(void)
{
	struct msg m;
	struct dev_credentials server = w_credentials(true);
	bootstrap_until_finish();
	w_msg(&m, MSG_POST, "bs");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_NOT_ACCEPTABLE,
		"BS-14: no account, no Finish");
	CHECK(w_put(&w, &w.bootstrap, MSG_PUT, "0/1", LWM_CF_TLV, unspaced(tlv_0), &h) ==
			MSG_CHANGED,
		"Object 0");
	CHECK(w_put(&w, &w.bootstrap, MSG_PUT, "1/0", LWM_CF_TLV, unspaced(tlv_1), &h) ==
			MSG_CHANGED,
		"Object 1");
	CHECK(w_put(&w, &w.bootstrap, MSG_PUT, "1/0", LWM_CF_TLV, unspaced("c1"), &h) ==
			MSG_BAD_REQUEST,
		"a broken payload");
	CHECK(w_put(&w, &w.bootstrap, MSG_PUT, "2/0", LWM_CF_TLV, unspaced(tlv_1), &h) ==
			MSG_BAD_REQUEST,
		"an object it does not have");
	CHECK(w_put(&w, &w.bootstrap, MSG_PUT, "1/0", 50, unspaced(tlv_1), &h) ==
			MSG_UNSUPPORTED_FORMAT,
		"a format it does not have");
	w_msg(&m, MSG_POST, "bs");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_CHANGED, "Bootstrap-Finish");
	w_msg(&m, MSG_POST, "bs");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_CHANGED, "Finish once more: idempotent");
	w_msg(&m, MSG_DELETE, "");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_UNAUTHORIZED, "nothing else after it");
	w_side(&w, &w.server, &server);
	w_forget(&w);
	w_pass(&w, 1);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "a Register under the new keys");
	CHECK(has_query(&h.plain, "lt=60"), "lifetime of Object 1");
	w_reply_register(&w, &h);
	CHECK(dev_registered(w.dev), "registered");
}

/* After check_bootstrap: the next run has the account and goes on with the numbers. */
static void check_next_run(void)
{
	static uint8_t state[DEV_STATE_MAX];
	struct dev_credentials c = w_credentials(false);
	uint64_t before = h.number;
	size_t n = w.state_bytes;
	memcpy(state, w.state, n);
	dev_host_free(w.host);
	w_forget(&w);
	w_open(&w, &c, span_make(state, n));
	REQUIRE(w_hear(&w, 0, &w.server, &h), "registers without bootstrap");
	CHECK(h.number > before, "with a number never used");
	w_fini(&w);
}

static void check_bootstrap_lost(void)
{
	bootstrap_until_finish();
	w_forget(&w);
	w_pass(&w, 247 * 1000 + 10000);
	CHECK(w.seen[DEV_EVENT_FAILED] == 1, "BS-15: no Finish in 247 s");
	REQUIRE(w_hear(&w, 0, &w.bootstrap, &h), "a new Bootstrap-Request");
	w_fini(&w);
}

/* Keys seen before go on where they were: RFC 8613 section 7.2.1. An observation ends with the
 * account it was made under, also when a notification is due first. */
static void check_same_keys_again(void)
{
	struct msg m;
	uint64_t before = h.number;
	static const char *const paths[] = {"21/1", "0/1", "1/0"};
	static const char *const bodies[] = {tlv_21, tlv_0, tlv_1};
	w_msg(&m, MSG_GET, "3303/0/5700");
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 0) == ERR_OK, "observe");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CONTENT, "Observe");
	w_forget(&w);
	w_msg(&m, MSG_POST, "1/0/9");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "BS-22: Execute /1/0/9");
	REQUIRE(w_hear(&w, 1, &w.bootstrap, &h), "a Bootstrap-Request");
	w_reply_code(&w, &w.bootstrap, &h, MSG_CHANGED);
	for (size_t i = 0; i < 3; i++)
		CHECK(w_put(&w, &w.bootstrap, MSG_PUT, paths[i], LWM_CF_TLV, unspaced(bodies[i]),
			      &h) == MSG_CHANGED,
			"written again");
	w_msg(&m, MSG_POST, "bs");
	w.now_us += 2000 * 1000;
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_CHANGED, "Finish");
	w_forget(&w);
	w_pass(&w, 1);
	CHECK(w.sent_n == 1, "no notification under the new keys");
	REQUIRE(w_hear(&w, 0, &w.server, &h), "Register");
	CHECK(h.number > before, "the same keys never use a number twice");
	w_reply_register(&w, &h);
}

/* Asleep it is deaf, until it has something to say. */
static void check_queue(void)
{
	static uint8_t q[W_BYTES];
	struct dev_credentials c = w_credentials(true);
	struct msg m;
	w_init(&w, &c);
	w.options.queue = true;
	w.options.awake_ms = 1000;
	w_open(&w, &c, SPAN_EMPTY);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "a Register");
	CHECK(has_query(&h.plain, "Q"), "it says so");
	w_reply_register(&w, &h);
	w_pass(&w, 1000);
	CHECK(w_get(&w, "3/0/9", 0, &h) == MSG_CONTENT, "awake for the time");
	w_pass(&w, 1000);
	CHECK(w_get(&w, "3/0/9", 0, &h) == MSG_CONTENT, "which each message begins anew");
	w_pass(&w, 1001);
	w_forget(&w);
	w_msg(&m, MSG_GET, "3/0/9");
	w_in(&w, span_make(q, w_request(&w, &w.server, &m, &h, q)));
	CHECK(!w.sent_n && w.seen[DEV_EVENT_MISSED] == 1, "then asleep");
	w_pass(&w, (300 - 93) * 1000);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "an Update");
	CHECK(!has_query(&h.plain, "Q"), "Q is said once");
	w_reply_code(&w, &w.server, &h, MSG_CHANGED);
	CHECK(w_get(&w, "3/0/9", 0, &h) == MSG_CONTENT && w.seen[DEV_EVENT_MISSED] == 1, "awake");
	w_fini(&w);
}

/* A long list: forty links. */
static void check_sensors(void)
{
	struct dev_credentials c = w_credentials(true);
	unsigned links = 0;
	w_init(&w, &c);
	w.options.sensors = 35;
	w_open(&w, &c, SPAN_EMPTY);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "a Register");
	for (size_t i = 0; i < h.plain.payload.n; i++)
		links += h.plain.payload.p[i] == '<';
	CHECK(links == 40, "the object with its version, and its instances");
	w_reply_register(&w, &h);
	CHECK(w_get(&w, "3303/34/5700", 0, &h) == MSG_CONTENT &&
			w_get(&w, "3303/35/5700", 0, &h) == MSG_NOT_FOUND,
		"each can be read");
	w_fini(&w);
}

/* ---- BS-17: another bootstrap account */

/* The next bootstrap's: Sender ID 6e ("n"), Recipient ID 07. */
static const char tlv_21_next[] =
	"c8001011121314 15161718191a1b1c1d1e1f20c1016ec10207c805089e7ca92223786340";
static const char tlv_0_next[] =
	"c8001063 6f61703a2f2f3139322e302e322e32c10101c10203c10b05c20c0e10c41100150002";

static void renew_until_finish(void)
{
	bootstrap_until_finish();
	static const char *const paths[] = {"0/1", "1/0", "21/2", "0/2"};
	static const char *const bodies[] = {tlv_0, tlv_1, tlv_21_next, tlv_0_next};
	for (size_t i = 0; i < 4; i++)
		CHECK(w_put(&w, &w.bootstrap, MSG_PUT, paths[i], LWM_CF_TLV, unspaced(bodies[i]),
			      &h) == MSG_CHANGED,
			"written");
}

static void check_renewed(void)
{
	static uint8_t state[DEV_STATE_MAX];
	struct dev_credentials c = w_credentials(false), server = w_credentials(true), next = c;
	struct side new;
	struct msg m;
	renew_until_finish();
	w_msg(&m, MSG_POST, "bs");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_CHANGED, "Finish (BS-17)");
	const struct dev_security *b = dev_security_of(&w.dev->accounts, DEV_ROLE_BOOTSTRAP);
	CHECK(w.dev->accounts.security_n == 2 && b->iid == 2 && b->hold_off_s == 5 &&
			b->timeout_s == 3600 && w.dev->accounts.oscore_n == 2,
		"the old account is purged, the new one has its times (BS-18)");
	w_msg(&m, MSG_GET, "");
	w_forget(&w);
	w_request(&w, &w.bootstrap, &m, &h, NULL);
	CHECK(!w_answer(&w, 0, &w.bootstrap, &h), "the old keys are good no more");
	/* The next run is given the old account, and goes on with the new. */
	size_t n = w.state_bytes;
	memcpy(state, w.state, n);
	dev_host_free(w.host);
	w_forget(&w);
	w_open(&w, &c, span_make(state, n));
	w_side(&w, &w.server, &server);
	REQUIRE(w_hear(&w, 0, &w.server, &h), "it registers without a bootstrap");
	w_reply_register(&w, &h);
	w_forget(&w);
	w_msg(&m, MSG_POST, "1/0/9");
	CHECK(w_ask(&w, &w.server, &m, &h) == MSG_CHANGED, "Execute /1/0/9");
	memcpy(next.master_secret, test_hex("1112131415161718191a1b1c1d1e1f20").p, 16);
	next.sender_id = (struct osc_id){.n = 1, .p = "n"};
	next.recipient_id = (struct osc_id){.n = 1, .p = {7}};
	memcpy(next.master_salt, server.master_salt, next.salt_n = server.salt_n);
	w_side(&w, &new, &next);
	CHECK(w_hear(&w, 1, &new, &h), "a Bootstrap-Request under the new keys");
	/* Its time is over: it has none. */
	for (int i = 0; i < 360; i++) {
		w_forget(&w);
		w_pass(&w, 10 * 1000);
	}
	n = w.state_bytes;
	memcpy(state, w.state, n);
	dev_host_free(w.host);
	w_forget(&w);
	w_open(&w, &c, span_make(state, n));
	CHECK(!w.dev->ctx[DEV_ROLE_BOOTSTRAP] && w.dev->accounts.security_n == 1,
		"dropped after 3600 s, over a restart too (BS-18)");
	w_fini(&w);
	/* Other credentials than those it all came from: a new start. */
	w_init(&w, &c);
	c.master_secret[0] ^= 1;
	w_open(&w, &c, span_make(state, n));
	CHECK(w.dev->ctx[DEV_ROLE_BOOTSTRAP] && !dev_security_of(&w.dev->accounts, DEV_ROLE_SERVER),
		"a state of other credentials is of no use");
	w_fini(&w);
}

static void check_not_renewed(void)
{
	struct msg m;
	renew_until_finish();
	w_msg(&m, MSG_DELETE, "21/2");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_DELETED, "the keys of the new one go");
	w_msg(&m, MSG_POST, "bs");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_NOT_ACCEPTABLE,
		"a new account without keys is refused");
	w_msg(&m, MSG_DELETE, "0/2");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_DELETED, "it can be taken back");
	w_msg(&m, MSG_POST, "bs");
	CHECK(w_ask(&w, &w.bootstrap, &m, &h) == MSG_CHANGED &&
			dev_security_of(&w.dev->accounts, DEV_ROLE_BOOTSTRAP)->iid == 0,
		"the old one has survived (BS-17)");
	w_fini(&w);
}

int main(void)
{
	check_register();
	check_queue();
	check_sensors();
	check_update_gone();
	check_echo();
	check_lost();
	check_separate();
	check_clear_errors();
	check_bootstrap();
	check_same_keys_again();
	check_next_run();
	check_bootstrap_lost();
	check_renewed();
	check_not_renewed();
	return test_done();
}
