/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of keys: what they have done is counted, told, and ends in time. */
#include "endpoint/limits.h"
#include "tests/unit/endpoint/asking.h"

enum { Q = 1 << 20, V = 1 << 14 };

static struct rig_msg a;

/* ---- encryptions */

static void levels(void)
{
	static const struct {
		const char *what;
		uint64_t ssn, gap, highest; /* UINT64_MAX: nothing was received */
		uint64_t used;
		enum ep_level level;
	} row[] = {
		{"nothing", 0, 0, UINT64_MAX, 0, EP_LEVEL_FINE},
		{"the device's first", 0, 0, 0, 1, EP_LEVEL_FINE},
		{"just below 75 percent, of both", Q / 2, 0, Q / 4 - 2, Q / 4 * 3 - 1,
			EP_LEVEL_FINE},
		{"75 percent, of both", Q / 2, 0, Q / 4 - 1, Q / 4 * 3, EP_LEVEL_NEAR},
		{"75 percent, the device's", 0, 0, Q / 4 * 3 - 1, Q / 4 * 3, EP_LEVEL_NEAR},
		{"75 percent, ours", Q / 4 * 3, 0, UINT64_MAX, Q / 4 * 3, EP_LEVEL_NEAR},
		{"below 15/16", 0, 0, Q / 16 * 15 - 2, Q / 16 * 15 - 1, EP_LEVEL_NEAR},
		{"15/16", 0, 0, Q / 16 * 15 - 1, Q / 16 * 15, EP_LEVEL_DUE},
		{"one before the last", 7, 0, Q - 9, Q - 1, EP_LEVEL_DUE},
		{"the last", 7, 0, Q - 8, Q, EP_LEVEL_OVER},
		{"the device's last number of all", 0, 0, OSC_SSN_MAX, OSC_SSN_MAX + 1,
			EP_LEVEL_OVER},
		{"what a rollback left out", 5 * Q + 9, 5 * Q, UINT64_MAX, 9, EP_LEVEL_FINE},
		{"a gap that cannot be", 5, 9, UINT64_MAX, 0, EP_LEVEL_FINE},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct rig *r = &rig;
		rig_init(r, true);
		r->server->ssn_next = row[i].ssn;
		r->server->ssn_gap = (uint32_t)row[i].gap;
		if (row[i].highest != UINT64_MAX)
			osc_window_seal(&r->server->window, row[i].highest);
		CHECK(ep_used(r->server) == row[i].used && ep_use_level(r->server) == row[i].level,
			row[i].what);
		rig_fini(r);
	}
}

static bool noted(const struct rig *r, enum ep_reason why)
{
	const struct ep_note *n = r->e->notes;
	while (n && n->reason != why)
		n = n->next;
	return n != NULL;
}

/* Exactly one is told, of that kind; that the device was heard of may be told with it. */
static bool news_of(struct rig *r, enum ep_news_kind kind)
{
	struct ep_news n;
	size_t good = 0, other = 0;
	while (ep_take_news(&r->dir, &n))
		if (n.kind != EP_NEWS_HEARD || kind == EP_NEWS_HEARD)
			*(n.ctx == r->server && n.kind == kind ? &good : &other) += 1;
	return good == 1 && !other;
}

/* The i-th datagram of the turn is an unprotected answer of that code. */
static bool plainly(struct rig *r, size_t i, uint8_t code)
{
	struct msg in;
	return !msg_parse_udp(rig_sent(r, i), &in) && in.code == code && !msg_find(&in, OPT_OSCORE);
}

static enum ep_delivery_kind get_at(struct rig *r, uint64_t piv)
{
	r->piv = piv;
	rig_turn(r, 10);
	return rig_in(r, rig_get(r, RIG_SERVER, &q));
}

static void request_at_the_limit(void)
{
	struct rig *r = &rig;
	struct ep_news n;
	rig_init(r, true);
	CHECK(get_at(r, Q / 4 * 3 - 2) == EP_REQUEST && !ep_take_news(&r->dir, &n), "below 75 %");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(get_at(r, Q / 4 * 3 - 1) == EP_REQUEST && news_of(r, EP_NEWS_USE), "75 % is told");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(get_at(r, Q / 4 * 3) == EP_REQUEST && !ep_take_news(&r->dir, &n), "once");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(get_at(r, Q - 1) == EP_REQUEST && news_of(r, EP_NEWS_USE),
		"the last of q is served, and told");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) && a.plain.code == MSG_CHANGED,
		"as ever");
	CHECK(get_at(r, Q) == EP_NOTHING && news_of(r, EP_NEWS_HEARD), "it is there, and due");
	CHECK(r->d.refused && r->d.reason == EP_REASON_KEY_LIMIT &&
			rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
			a.plain.code == MSG_UNAUTHORIZED &&
			span_eq_str(a.plain.payload, "Key limit reached"),
		"the next gets a protected error");
	CHECK(rig_records(r, REC_SEEN) == 1, "and its number is used up");
	CHECK(noted(r, EP_REASON_KEY_LIMIT), "an operator can read why");
	CHECK(get_at(r, Q + EP_USE_SLACK - 1) == EP_NOTHING &&
			rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a),
		"for a while");
	CHECK(get_at(r, Q + EP_USE_SLACK) == EP_NOTHING && plainly(r, 0, MSG_UNAUTHORIZED) &&
			!r->t.batch.n,
		"then nothing is encrypted or decrypted any more");
	rig_fini(r);
}

/* Where new keys may be made of the same secret, and when the device is to be offered them. */
static void renewable(void)
{
	static const struct {
		const char *what;
		uint8_t freshness, origin;
		bool good;
	} row[] = {
		{"b2", EP_FRESH_B2, REC_ORIGIN_IMPORTED, true},
		{"b2, recovered", EP_FRESH_B2, REC_ORIGIN_RECOVERED, true},
		{"auto, recovered", EP_FRESH_AUTO, REC_ORIGIN_RECOVERED, true},
		{"auto by default, recovered", EP_FRESH_DEFAULT, REC_ORIGIN_RECOVERED, true},
		{"auto, imported", EP_FRESH_AUTO, REC_ORIGIN_IMPORTED, false},
		{"auto, drawn", EP_FRESH_AUTO, REC_ORIGIN_DRAWN, false},
		{"echo, recovered", EP_FRESH_ECHO, REC_ORIGIN_RECOVERED, false},
		{"none, recovered", EP_FRESH_NONE, REC_ORIGIN_RECOVERED, false},
	};
	struct ep_news n;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct rig *r = &rig;
		rig_init(r, true);
		r->e->freshness = row[i].freshness;
		r->server->origin = row[i].origin & 3u;
		CHECK(ep_renewable(&r->dir, r->server) == row[i].good, row[i].what);
		osc_window_seal(&r->server->window, Q / 4 * 3 - 2);
		ep_heard_news(&r->dir, r->server);
		CHECK(!ep_take_news(&r->dir, &n), "below 75 % nobody is told");
		osc_window_seal(&r->server->window, Q / 4 * 3);
		ep_heard_news(&r->dir, r->server);
		CHECK(ep_take_news(&r->dir, &n) == row[i].good, row[i].what);
		r->server->offers = EP_OFFERS_NEAR;
		ep_heard_news(&r->dir, r->server);
		CHECK(!ep_take_news(&r->dir, &n), "nor when it was offered in vain");
		CHECK(ep_renewing(r->server, r->now_ms) == false, "nothing is under way");
		rig_fini(r);
	}
}

/* One leap to the last number is good, and the end. */
static void leap(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	CHECK(get_at(r, OSC_SSN_MAX) == EP_REQUEST, "2^40-1 is a number");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) && a.plain.code == MSG_CHANGED,
		"and is answered");
	CHECK(get_at(r, OSC_SSN_MAX - 1) == EP_NOTHING && plainly(r, 0, MSG_UNAUTHORIZED),
		"afterwards the context is dead");
	rig_fini(r);
}

static void ours_at_the_limit(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	struct msg ask_for;
	open_rig(r);
	r->server->ssn_next = Q - 11 - 1; /* the device has used 11 */
	r->server->ssn_left = 0;
	req = ask(r, false, &q);
	CHECK(ep_use_level(r->server) == EP_LEVEL_OVER && news_of(r, EP_NEWS_USE),
		"the last one goes");
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "v", 0)) == EP_RESPONSE &&
			r->d.request == req,
		"its answer counts");
	end(r);
	rig_turn(r, 10);
	CHECK(ask_as(r, MSG_GET, false, &req) == ERR_STATE && !rig_sent_n(r) &&
			noted(r, EP_REASON_KEY_LIMIT),
		"the next is refused at once");
	rig_plain(&ask_for, MSG_POST, "1/0/9");
	struct ep_request_opts o = {.endpoint = r->e,
		.ctx = r->server,
		.msg = &ask_for,
		.renews = true,
		.role = REC_ROLE_SERVER};
	CHECK(ep_request_start(r->x, &o, &r->t, &req) == ERR_OK && rig_sent_n(r) == 1,
		"but one that renews the keys goes");
	ep_request_end(r->x, req, &r->t);
	rig_fini(r);
}

/* Queued before the limit, sent after it: it comes back and says why. */
static void queued_over_the_limit(void)
{
	struct rig *r = &rig;
	struct ep_request *first, *second;
	struct ep_delivery d;
	open_rig(r);
	r->server->ssn_next = Q - 11 - 1;
	r->server->ssn_left = 0;
	first = ask(r, false, &q);
	r->server->ssn_next--;
	CHECK(ask_as(r, MSG_GET, false, &second) == ERR_OK, "waits");
	r->server->ssn_next++;
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "v", 0)) == EP_RESPONSE &&
			r->d.request == first,
		"the first is answered");
	end(r);
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_CANCELLED && d.request == second && second->spent,
		"the second comes back");
	ep_request_end(r->x, second, &r->t);
	rig_fini(r);
}

/* Our numbers end before the device has proved itself: no challenge can be made. */
static void no_number_for_a_challenge(void)
{
	struct rig *r = &rig;
	rig_init(r, false);
	r->dir.ssn_end = 0;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING &&
			plainly(r, 0, MSG_UNAUTHORIZED) && noted(r, EP_REASON_EXHAUSTED),
		"it is told that there is no context, rather than nothing");
	rig_fini(r);
}

/* ---- failed verifications */

static void forge_from(struct rig *r, uint8_t host)
{
	uint8_t mine = r->from.addr[3];
	struct span in = rig_get(r, RIG_SERVER, &q);
	r->piv--;
	q.bytes[in.n - 1] ^= 1;
	r->from.addr[3] = host;
	rig_in(r, in);
	r->from.addr[3] = mine;
}

static void recorded(void)
{
	struct rig *r = &rig;
	size_t wrong = 0;
	rig_init(r, true);
	for (int i = 1; i <= 600; i++) {
		rig_turn(r, 1);
		forge_from(r, 66);
		const struct rec *rec = rig_record(r, REC_CONTEXT_FAILURES);
		if (i % 256)
			wrong += rec != NULL;
		else
			wrong += !rec || rec->context_failures.failures != (uint64_t)i ||
				 rec->context_failures.id != r->server->id;
	}
	CHECK(!wrong && r->server->auth_failures == 600, "recorded at each 256th, and only there");
	/* More of them than may be written in a second: the rest waits. */
	size_t n = 0;
	rig_turn(r, 5000);
	for (int i = 0; i < 2 * EP_FAILURES_RECORDS; i++) {
		r->server->auth_failures = 256 * 3 - 1;
		r->server->unrecorded = false;
		forge_from(r, 66);
		n = rig_records(r, REC_CONTEXT_FAILURES);
	}
	CHECK(n == EP_FAILURES_RECORDS && r->server->unrecorded,
		"a flood writes no more than that");
	rig_turn(r, 1000);
	forge_from(r, 66);
	CHECK(rig_record(r, REC_CONTEXT_FAILURES)->context_failures.failures == 256 * 3 + 1 &&
			!r->server->unrecorded,
		"what waited is recorded with the next failure");
	rig_fini(r);
}

static void replays_do_not_count(void)
{
	struct rig *r = &rig;
	open_rig(r);
	r->piv = 10;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING && r->server->replays == 1 &&
			!r->server->auth_failures,
		"a replay is no failed verification");
	rig_fini(r);
}

static void flood_beyond_v(void)
{
	struct rig *r = &rig;
	open_rig(r);
	rig_turn(r, 5000);
	r->server->auth_failures = V / 4 * 3 - 1;
	forge_from(r, 66);
	CHECK(ep_failure_level(r->server) == EP_LEVEL_NEAR && news_of(r, EP_NEWS_FAILURES),
		"75 % is told");
	r->server->auth_failures = V - 1;
	forge_from(r, 66);
	CHECK(ep_failure_level(r->server) == EP_LEVEL_DUE && news_of(r, EP_NEWS_FAILURES),
		"v is told");
	rig_turn(r, 5000);
	for (int i = 0; i < 1000; i++)
		forge_from(r, 66);
	CHECK(r->server->auth_failures == V + EP_TRIALS_OTHER && rig_sent_n(r) == EP_TRIALS_OTHER &&
			noted(r, EP_REASON_FORGERIES),
		"of a thousand a few are tried and answered, the rest dropped");
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST,
		"the device, from where it was heard of, gets through");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	for (int i = 0; i < 1000; i++)
		forge_from(r, r->from.addr[3]);
	CHECK(r->server->auth_failures == V + EP_TRIALS_OTHER + EP_TRIALS_KNOWN,
		"its address is bounded too");
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING, "in this second");
	rig_turn(r, 1000);
	r->from.addr[3] = 77;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST && r->d.moved,
		"in the next it may even come from elsewhere");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_fini(r);
}

/* Answers to our requests fail under the same key. */
static void answers_count(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	struct span in = reply(r, &q, MSG_ACK, MSG_CONTENT, "v", 0);
	p.bytes[in.n - 1] ^= 1;
	CHECK(rig_in(r, in) == EP_NOTHING && r->server->auth_failures == 1, "a forged answer");
	r->server->auth_failures = V;
	for (int i = 0; i < 100; i++)
		rig_in(r, in);
	CHECK(r->server->auth_failures == V + EP_TRIALS_KNOWN, "no more than some are tried");
	rig_turn(r, 1000);
	p.bytes[in.n - 1] ^= 1;
	CHECK(rig_in(r, in) == EP_RESPONSE && r->d.request == req, "the good one is");
	end(r);
	rig_fini(r);
}

static void stop_at_v(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	open_rig(r);
	r->dir.failures_stop = true;
	r->server->auth_failures = V - 1;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "below v all is well");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	forge_from(r, 66);
	rig_turn(r, 60000);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING &&
			plainly(r, 0, MSG_UNAUTHORIZED) && r->d.reason == EP_REASON_FORGERIES,
		"at v the context is dead");
	CHECK(ask_as(r, MSG_GET, false, &req) == ERR_STATE, "for us too");
	rig_fini(r);
}

/* ---- what outlives the context, or comes with it */

static enum err add(struct rig *r, uint64_t ssn, uint64_t highest, struct ep_context **out)
{
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_LIT("another secret!!"),
					      .sender_id = SPAN_LIT("\x03"),
					      .recipient_id = SPAN_LIT("x")},
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_IMPORTED,
		.generation = REC_GEN_USED,
		.ssn_start = ssn,
		.highest = highest};
	return ep_context_add(&r->dir, r->e, &in, &r->t, out);
}

static void imported(void)
{
	struct rig *r = &rig;
	struct ep_context *c = NULL;
	rig_init(r, true);
	CHECK(add(r, Q / 2, Q / 2 - 1, &c) == ERR_FULL, "keys that have done all they may");
	CHECK(add(r, 0, OSC_SSN_MAX, &c) == ERR_FULL, "whoever has");
	CHECK(add(r, Q / 2, Q / 2 - 2, &c) == ERR_OK && ep_use_level(c) == EP_LEVEL_DUE,
		"one less is a past they may have");
	rig_fini(r);
	rig_init_after(r, true, 3);
	CHECK(add(r, 100, 50, &c) == ERR_OK && c->ssn_next == 3 * Q && ep_used(c) == 151,
		"an epoch that they begin late in is no use of them");
	rig_fini(r);
}

static void buried(void)
{
	struct rig *r = &rig;
	struct ep_context *c = NULL;
	rig_init_after(r, true, 2);
	REQUIRE(add(r, 100, 50, &c) == ERR_OK, "added");
	c->auth_failures = 5000;
	rig_turn(r, 10);
	ep_context_remove(&r->dir, c, &r->t);
	CHECK(add(r, 0, UINT64_MAX, &c) == ERR_OK && c->auth_failures == 5000 && ep_used(c) == 151,
		"deleted and added again, a key is as used as before");
	const struct rec *rec = rig_record(r, REC_CONTEXT_PUT);
	CHECK(rec && rec->context.failures == 5000 && rec->context.ssn_gap == 2 * Q - 100,
		"and so it is stored");
	struct ep_news n;
	osc_window_seal(&c->window, Q);
	ep_use_news(&r->dir, c, EP_LEVEL_FINE);
	ep_context_remove(&r->dir, c, &r->t);
	CHECK(!ep_take_news(&r->dir, &n), "nothing is told of what is gone");
	rig_fini(r);
}

int main(void)
{
	levels();
	request_at_the_limit();
	renewable();
	leap();
	ours_at_the_limit();
	queued_over_the_limit();
	no_number_for_a_challenge();
	recorded();
	replays_do_not_count();
	flood_beyond_v();
	answers_count();
	stop_at_v();
	imported();
	buried();
	return test_done();
}
