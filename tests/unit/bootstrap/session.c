/* SPDX-License-Identifier: Apache-2.0 */
/* A bootstrap command by command: which deletes, which instances, which bytes, which keys. */
#include "tests/unit/bootstrap/asking.h"

/* ---- the request */

static void requests(void)
{
	static const struct {
		const char *what;
		uint8_t method;
		const char *path, *query;
		uint8_t code;
	} row[] = {
		{"with ep (BS-01, CT-95)", MSG_POST, "bs", "ep=dev", MSG_CHANGED},
		{"without ep (BS-02, CT-91)", MSG_POST, "bs", "", MSG_CHANGED},
		{"pct=TLV (BS-03)", MSG_POST, "bs", "ep=dev&pct=11542", MSG_CHANGED},
		{"pct=TLV of old", MSG_POST, "bs", "ep=dev&pct=1542", MSG_CHANGED},
		{"pct we cannot write (BS-03)", MSG_POST, "bs", "ep=dev&pct=9999",
			MSG_UNSUPPORTED_FORMAT},
		{"pct no number", MSG_POST, "bs", "ep=dev&pct=x", MSG_BAD_REQUEST},
		{"another's ep (BS-01)", MSG_POST, "bs", "ep=other", MSG_BAD_REQUEST},
		{"a repeated key", MSG_POST, "bs", "ep=dev&ep=dev", MSG_BAD_REQUEST},
		{"text, which carries one value alone (BS-06)", MSG_POST, "bs", "ep=dev&pct=0",
			MSG_UNSUPPORTED_FORMAT},
		{"a Pack is fetched, not posted", MSG_POST, "bspack", "ep=dev",
			MSG_METHOD_NOT_ALLOWED},
		{"GET", MSG_GET, "bs", "ep=dev", MSG_METHOD_NOT_ALLOWED},
		{"elsewhere", MSG_POST, "rd", "ep=dev", MSG_NOT_FOUND},
		{"below", MSG_POST, "bs/1", "ep=dev", MSG_NOT_FOUND},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		open_bootstrap(&plan);
		CHECK(request(row[i].method, row[i].path, row[i].query) == row[i].code,
			row[i].what);
		CHECK(bs_sessions(bs) == (row[i].code == MSG_CHANGED) &&
				rig_sent_n(&rig) == (row[i].code == MSG_CHANGED ? 2u : 1u),
			"a command follows the 2.04, and nothing else (BS-04)");
		close_bootstrap();
	}
	open_bootstrap(NULL);
	CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_BAD_REQUEST && !bs_sessions(bs),
		"without a plan");
	close_bootstrap();
}

/* The first use of a context: Echo comes before anything is done. */
static void challenged(void)
{
	uint8_t echo[40];
	struct msg m;
	open_bootstrap_to(&plan, false);
	CHECK(!request(MSG_POST, "bs", "ep=dev") && !bs_sessions(bs) && rig_sent_n(&rig) == 1,
		"nothing is begun (BS-31)");
	REQUIRE(rig_answer(&rig, RIG_BOOTSTRAP, &a, rig_sent(&rig, 0), &p), "an answer");
	const struct opt *o = msg_find(&p.plain, OPT_ECHO);
	REQUIRE(p.plain.code == MSG_UNAUTHORIZED && o && o->val.n <= sizeof(echo), "a challenge");
	memcpy(echo, o->val.p, o->val.n);
	struct span value = span_make(echo, o->val.n);
	rig_turn(&rig, 10);
	rig_plain(&m, MSG_POST, "bs");
	REQUIRE(msg_add(&m, OPT_ECHO, value) == ERR_OK, "echo");
	CHECK(rig_in(&rig, rig_protect(&rig, RIG_BOOTSTRAP, &m, &a)) == EP_REQUEST, "with Echo");
	bs_request(bs, &rig.d, &rig.t);
	CHECK(bs_sessions(bs) == 1 && rig_sent_n(&rig) == 2, "it is (BS-31)");
	close_bootstrap();
}

/* ---- what goes to the device */

static void check_write(const char *path, const char *hex, const char *what)
{
	uint32_t cf = 0;
	CHECK(!strcmp(command(), path), what);
	CHECK(msg_get_uint(&q.plain, OPT_CONTENT_FORMAT, &cf) && cf == LWM_CF_TLV,
		"as TLV (BS-05)");
	CHECK_BYTES(q.plain.payload, test_hex(hex), what);
}

/* The keys that were drawn, as the device's Write must say them. */
static void check_oscore(const char *path)
{
	uint8_t want[128];
	struct writer w = wr_make(want, sizeof(want));
	struct bs_endpoint *be = rig.e->session;
	const struct bs_session *s = be->session;
	wr_bytes(&w, test_hex("c80010"));
	wr_bytes(&w, span_make(s->keys[0].secret, s->keys[0].secret_n));
	wr_bytes(&w, test_hex("c501"));
	wr_bytes(&w, ep_recipient_id(s->keys[0].made));
	wr_bytes(&w, test_hex("c102"));
	wr_bytes(&w, ep_sender_id(s->keys[0].made));
	wr_bytes(&w, test_hex("c80508"));
	wr_bytes(&w, SPAN_OF(s->keys[0].salt));
	CHECK(!strcmp(command(), path), "OSCORE instance");
	CHECK_BYTES(q.plain.payload, wr_span(&w), "the device's ids are ours swapped (OSC-03)");
	CHECK(ep_recipient_id(s->keys[0].made).n == 5 && ep_sender_id(s->keys[0].made).n == 1,
		"id lengths (OSC-03)");
	CHECK(!span_eq(ep_sender_id(s->keys[0].made), SPAN_LIT("\x01")),
		"our Sender ID differs from that of the device's other account");
}

/* All that a device needs is written, whatever was there.
 * Proves: BS-16, CT-97 */
static void whole(void)
{
	uint32_t v = 1;
	open_bootstrap(&plan);
	CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "Bootstrap-Request");
	CHECK(!strcmp(command(), "GET ") && msg_get_uint(&q.plain, OPT_ACCEPT, &v) && v == 40,
		"Discover of the root (BS-10, CT-06)");
	CHECK(!rig_records(&rig, REC_CONTEXT_PUT), "no keys yet");
	CHECK(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>;uri=\"coap://b\",</0/3>;ssid=101,"
				  "</1/0>;ssid=101,</3/0>,</21>;ver=2.0,</21/0>,</21/4>;ssid=101"),
		"Discover is answered");
	CHECK(rig_records(&rig, REC_CONTEXT_PUT) == 1,
		"new keys are recorded before anything goes");
	CHECK(!strcmp(command(), "DELETE /1"), "every Server instance goes (BS-07)");
	CHECK(answer(MSG_DELETED, "") && !strcmp(command(), "DELETE /0/3"),
		"the old account by its ssid (BS-11)");
	CHECK(answer(MSG_DELETED, "") && !strcmp(command(), "DELETE /21/4"), "and its keys");
	CHECK(answer(MSG_DELETED, ""), "deleted");
	check_write("PUT /0/1",
		"c80015"
		"636f61703a2f2f3139322e302e322e313a35363833"
		"c10100"
		"c10203"
		"c10a65"
		"c41100150001",
		"Security (BS-25, OSC-01, BS-26)");
	CHECK(answer(MSG_CHANGED, ""), "taken");
	check_write("PUT /1/0",
		"c10065"
		"c201012c"
		"c10201"
		"c1033c"
		"c10601"
		"c2075551",
		"Server (BS-27)");
	CHECK(answer(MSG_CHANGED, ""), "taken");
	check_oscore("PUT /21/1");
	CHECK(answer(MSG_CHANGED, "") && !strcmp(command(), "POST /bs") && !q.plain.payload.n &&
			!msg_find(&q.plain, OPT_CONTENT_FORMAT),
		"Finish (BS-14)");
	CHECK(!answer(MSG_CHANGED, "") && !bs_sessions(bs) &&
			rig_record(&rig, REC_CONTEXT_STATE)->context_state.generation ==
				REC_GEN_ACKNOWLEDGED,
		"the end, acknowledged");
	CHECK(rig_records(&rig, REC_EVENT) == 1 && bs_counters(bs)->finished == 1, "told");
	close_bootstrap();
}

/* ---- instances */

static const struct {
	const char *what, *discover;
	const char *deletes; /* after /1, separated by commas */
	const char *security, *oscore;
} instances[] = {
	{"a new device", "</>;lwm2m=1.1,</0/0>,</21/0>,</3/0>", "", "PUT /0/1", "PUT /21/1"},
	{"the bootstrap account elsewhere (BS-08)", "</>;lwm2m=1.1,</0/1>,</21/7>", "", "PUT /0/0",
		"PUT /21/0"},
	{"an unused slot of its own object (CT-93)",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=0,</21/0>,</21/1>;ssid=0", "", "PUT /0/2",
		"PUT /21/2"},
	{"no ssid on /21: never named", "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=1,</21/0>,</21/1>",
		"/0/1", "PUT /0/1", "PUT /21/2"},
	{"an unused slot (CT-93)", "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=0,</21/0>", "", "PUT /0/2",
		"PUT /21/1"},
	{"several accounts", "</>,</0/0>;ssid=5,</0/1>,</0/2>;ssid=6,</21/0>;ssid=5,</21/1>",
		"/0/0,/0/2,/21/0", "PUT /0/0", "PUT /21/0"},
	{"the old form (BS-12)", "lwm2m=1.0,</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</3/0>", "/0/1",
		"PUT /0/1", "PUT /21/32"},
	{"nothing of its own is shown: far away from it", "</>;lwm2m=1.1,</3/0>", "", "PUT /0/32",
		"PUT /21/32"},
};

static void instance_row(size_t i)
{
	char deletes[64] = "";
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	bool more = answer(MSG_CONTENT, instances[i].discover);
	CHECK(more && !strcmp(command(), "DELETE /1"), "Server instances first");
	while ((more = answer(MSG_DELETED, "")) && q.plain.code == MSG_DELETE) {
		REQUIRE(strlen(deletes) < 40, "few deletes");
		if (deletes[0])
			strcat(deletes, ",");
		strcat(deletes, command() + strlen("DELETE "));
	}
	CHECK(!strcmp(deletes, instances[i].deletes), instances[i].what);
	CHECK(more && !strcmp(command(), instances[i].security), "a free Security instance");
	CHECK(answer(MSG_CHANGED, "") && answer(MSG_CHANGED, "") &&
			!strcmp(command(), instances[i].oscore),
		"a free OSCORE instance");
	close_bootstrap();
}

/* ---- refusals of the device */

/* Answers n commands well, the next with `code`; what then follows. */
static bool refused_at(int n, uint8_t code)
{
	static const uint8_t good[] = {
		MSG_CONTENT, MSG_DELETED, MSG_CHANGED, MSG_CHANGED, MSG_CHANGED, MSG_CHANGED};
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	for (int i = 0; i < n; i++)
		if (!answer(good[i], i ? "" : "</>;lwm2m=1.1,</0/0>,</21/0>"))
			return false;
	return answer(code, "");
}

static void refusals(void)
{
	CHECK(refused_at(0, MSG_NOT_FOUND) && !strcmp(command(), "POST /bs"),
		"no Discover: Finish, all the same (BS-14)");
	CHECK(!answer(MSG_NOT_ACCEPTABLE, "") && !bs_sessions(bs) && bs_counters(bs)->failed == 1,
		"and it has failed");
	close_bootstrap();
	CHECK(refused_at(1, MSG_BAD_REQUEST) && !strcmp(command(), "PUT /0/1"),
		"a Delete that is refused does not matter");
	close_bootstrap();
	for (int n = 2; n < 5; n++) {
		CHECK(refused_at(n, MSG_BAD_REQUEST) && !strcmp(command(), "POST /bs"),
			"a Write that is refused: Finish (CT-96)");
		CHECK(!answer(MSG_CHANGED, "") && bs_counters(bs)->failed == 1 &&
				!rig_records(&rig, REC_CONTEXT_STATE),
			"its keys are not acknowledged (CT-96)");
		close_bootstrap();
	}
	CHECK(!refused_at(5, MSG_BAD_REQUEST) && !bs_sessions(bs) && bs_counters(bs)->failed == 1,
		"Finish that is refused ends it");
	close_bootstrap();
}

/* ---- time, and starting over */

static void silent(void)
{
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	rig_turn(&rig, 246900);
	bs_timer(bs, &rig.t);
	CHECK(bs_sessions(bs) == 1, "247 s of silence (BS-15)");
	rig_turn(&rig, 200);
	CHECK(bs_deadline_ms(bs) <= rig.now_ms, "are a deadline");
	bs_timer(bs, &rig.t);
	CHECK(!bs_sessions(bs) && bs_counters(bs)->failed == 1, "and end a session");
	close_bootstrap();
}

/* Some answer Finish when they have connected to their new server. */
static void late_finish(void)
{
	static const uint8_t good[] = {
		MSG_CONTENT, MSG_DELETED, MSG_CHANGED, MSG_CHANGED, MSG_CHANGED};
	struct ep_delivery d = {.kind = EP_NOTHING};
	struct msg m;
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	for (size_t i = 0; i < sizeof(good); i++)
		REQUIRE(answer(good[i], i ? "" : "</>;lwm2m=1.1,</0/0>,</21/0>"), "a command");
	uint8_t ack[] = {0x60, 0, (uint8_t)(q.outer.mid >> 8), (uint8_t)q.outer.mid};
	CHECK(!strcmp(command(), "POST /bs") && rig_in(&rig, SPAN_OF(ack)) == EP_NOTHING,
		"Finish is acknowledged");
	rig_turn(&rig, 240000);
	ep_timer(rig.x, &rig.t, &d);
	bs_timer(bs, &rig.t);
	CHECK(d.kind == EP_NOTHING && bs_sessions(bs) == 1, "its answer is waited for (CT-94)");
	msg_init(&m, MSG_CON, MSG_CHANGED);
	REQUIRE(rig_in(&rig, rig_reply(&rig, RIG_BOOTSTRAP, &q, &m, 0, &p)) == EP_RESPONSE,
		"answered at last");
	bs_response(bs, &rig.d, &rig.t);
	ep_delivery_end(rig.x, &rig.d, &rig.t);
	CHECK(!bs_sessions(bs) && bs_counters(bs)->finished == 1, "and counts (CT-57)");
	close_bootstrap();
}

static void again(void)
{
	uint8_t first[16];
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>") && answer(MSG_DELETED, ""), "Write");
	struct bs_endpoint *be = rig.e->session;
	memcpy(first, be->session->keys[0].secret, sizeof(first));
	CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED && bs_sessions(bs) == 1 &&
			!strcmp(command(), "GET "),
		"a new request starts over (BS-32)");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>") && answer(MSG_DELETED, ""), "Write");
	CHECK(memcmp(first, be->session->keys[0].secret, sizeof(first)),
		"with new keys (SEC-15, OSC-13)");
	close_bootstrap();
}

/* ---- how many generations are kept */

/* The id of a context that was drawn and got so far. */
static uint64_t draw(uint8_t generation)
{
	struct bs_endpoint *be = bs_of(rig.e);
	struct bs_session s = {.endpoint = rig.e, .ctx = rig.bootstrap};
	bs_session_follow(&s, &plan);
	REQUIRE(be && bs_draw_contexts(bs, &s, &rig.t) == ERR_OK, "keys");
	s.keys[0].made->generation = generation & 3u;
	return s.keys[0].made->id;
}

static bool there(uint64_t id)
{
	const struct ep_context *o = rig.e->contexts;
	while (o && o->id != id)
		o = o->next_of_endpoint;
	return o != NULL;
}

static unsigned server_contexts(void)
{
	unsigned n = 0;
	for (const struct ep_context *c = rig.e->contexts; c; c = c->next_of_endpoint)
		n += c->role == REC_ROLE_SERVER;
	return n;
}

static void generations(void)
{
	open_bootstrap(&plan);
	uint64_t known = draw(REC_GEN_ACKNOWLEDGED), used = rig.server->id, last = 0;
	for (int n = 0; n < 10; n++) {
		uint64_t before = last;
		last = draw(REC_GEN_WRITTEN);
		CHECK(!n || there(before), "the attempt before may have reached the device");
		CHECK(server_contexts() <= EP_GENERATIONS_MAX, "attempts do not pile up");
		CHECK(there(known) && there(used),
			"what a device acknowledged or uses stays until newer keys are used (4.8)");
		CHECK(there(last), "and the last attempt");
	}
	for (int n = 0; n < 10; n++) {
		last = draw(REC_GEN_ACKNOWLEDGED);
		CHECK(server_contexts() <= EP_GENERATIONS_MAX && there(used) && there(last),
			"acknowledged ones are bounded too");
	}
	CHECK(!there(known), "the oldest gives way");
	close_bootstrap();
}

/* A device that bootstraps for ever: nothing of its attempts piles up, and ids do not run out. */
static void for_ever(void)
{
	bool drawn = true, bounded = true;
	open_bootstrap(&plan);
	size_t graves = rig.dir.graves.count;
	for (int n = 0; n < 1000; n++) {
		rig_turn(&rig, 10);
		struct bs_session s = {.endpoint = rig.e, .ctx = rig.bootstrap};
		bs_session_follow(&s, &plan);
		REQUIRE(bs_of(rig.e), "bootstrap side");
		drawn &= bs_draw_contexts(bs, &s, &rig.t) == ERR_OK;
		if (!drawn)
			break;
		s.keys[0].made->generation = n % 3 ? REC_GEN_WRITTEN : REC_GEN_ACKNOWLEDGED;
		bounded &= server_contexts() <= EP_GENERATIONS_MAX &&
			   rig_records(&rig, REC_CONTEXT_PUT) == 1 &&
			   rig_records(&rig, REC_CONTEXT_DEL) <= 1;
	}
	CHECK(drawn, "a thousand times keys are drawn");
	CHECK(bounded, "and there are never more than some");
	CHECK(rig.dir.graves.count == graves, "drawn keys leave nothing to remember");
	CHECK(rig.dir.context_n <= EP_GENERATIONS_MAX + 1u, "nor does the directory grow");
	close_bootstrap();
}

/* ---- what cannot be done safely is not begun */

/* n instances of /0 and as many of /21, and one link that does not count. */
static const char *long_discover(unsigned n)
{
	static char text[8192];
	size_t at = (size_t)snprintf(text, sizeof(text), "</>;lwm2m=1.1,</3/0>,</0/0>,</21/0>");
	for (unsigned i = 1; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
			",</0/%u>;ssid=%u,</21/%u>;ssid=%u", i, 100 + i, i, 100 + i);
	return text;
}

static void failed_early(const char *what)
{
	CHECK(!strcmp(command(), "POST /bs"), what);
	CHECK(!answer(MSG_CHANGED, "") && !bs_sessions(bs) && bs_counters(bs)->failed == 1 &&
			!bs_counters(bs)->finished,
		"and it has failed");
	CHECK(server_contexts() == 1, "no keys are left of it");
}

static void too_many_instances(void)
{
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	CHECK(answer(MSG_CONTENT, long_discover(LWM_BS_INSTANCES_MAX / 2)) &&
			!strcmp(command(), "DELETE /1"),
		"as many instances as can be looked at");
	close_bootstrap();
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	CHECK(answer(MSG_CONTENT, long_discover(LWM_BS_INSTANCES_MAX / 2 + 1)), "more than that");
	CHECK(!rig_records(&rig, REC_CONTEXT_PUT), "no keys for it");
	failed_early("nothing is deleted: Finish (BS-14)");
	close_bootstrap();
}

/* Every Recipient ID of that length is taken. */
static void no_keys(void)
{
	struct endpoint *other;
	open_bootstrap(&plan);
	bs->opts.recipient_id_bytes = 1;
	REQUIRE(ep_ensure(&rig.dir, SPAN_LIT("other"), &rig.t, &other) == ERR_OK, "endpoint");
	for (unsigned i = 0; i < 256; i++) {
		uint8_t secret[16] = {(uint8_t)i, 1}, id = (uint8_t)i;
		struct ep_context *c;
		struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
						      .hkdf = ALG_HKDF_SHA256,
						      .master_secret = SPAN_OF(secret),
						      .sender_id = SPAN_LIT("xx"),
						      .recipient_id = span_make(&id, 1)},
			.role = REC_ROLE_SERVER,
			.origin = REC_ORIGIN_IMPORTED,
			.generation = REC_GEN_USED,
			.highest = UINT64_MAX};
		enum err err = ep_context_add(&rig.dir, other, &in, &rig.t, &c);
		REQUIRE(!err || err == ERR_EXISTS, "a context");
	}
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
	CHECK(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</21/0>"), "Discover");
	failed_early("no keys can be drawn: nothing is deleted, Finish");
	close_bootstrap();
}

int main(void)
{
	requests();
	challenged();
	whole();
	for (size_t i = 0; i < sizeof(instances) / sizeof(*instances); i++)
		instance_row(i);
	refusals();
	silent();
	late_finish();
	again();
	generations();
	for_ever();
	too_many_instances();
	no_keys();
	return test_done();
}
