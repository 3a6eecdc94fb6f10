/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of ours and what comes back: one at a time, retransmitted, bound by OSCORE (RFC 7252
 * section 4; RFC 8613 section 8.4). */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

/* ---- there and back */

/* Proves: 8613-8-1 8613-8.1-1 */
static void answered(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	CHECK(q.outer.type == MSG_CON && q.outer.token_n == 8 && q.outer.code == MSG_POST &&
			q.plain.code == MSG_GET && q.number == 0,
		"a protected CON with a token of eight bytes (CT-04, GEN-04, CT-67)");
	CHECK(rig_records(r, REC_SSN_RESERVE) == 1, "its number is reserved with it");
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE &&
			r->d.request == req && r->d.msg->code == MSG_CONTENT &&
			span_eq_str(r->d.msg->payload, "x") && !rig_sent_n(r),
		"a piggybacked response");
	CHECK(!r->t.batch.n, "responses never touch the log");
	end(r);
	CHECK(rig_in(r, span_make(p.bytes, p.n)) == EP_NOTHING && !rig_sent_n(r), "once");
	ask(r, false, &q);
	uint8_t ack[] = {0x60, 0, (uint8_t)(q.outer.mid >> 8), (uint8_t)q.outer.mid};
	CHECK(rig_in(r, SPAN_OF(ack)) == EP_NOTHING, "an acknowledgement");
	CHECK(rig_in(r, reply(r, &q, MSG_CON, MSG_CONTENT, "y", 0)) == EP_RESPONSE &&
			is_empty(rig_sent(r, 0), MSG_ACK, p.outer.mid ? p.outer.mid : m.mid),
		"a separate response is acknowledged (GEN-08)");
	end(r);
	CHECK(ep_exchange_counters(r->x)->responses == 2, "both are counted");
	rig_fini(r);
}

static bool span_has(struct span s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* What is not bound to the request changes nothing.
 * Proves: 8613-8.4-7 8613-8.4-8 */
static void ignored(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	uint8_t plain[] = {0x68, 0x81, (uint8_t)(q.outer.mid >> 8), (uint8_t)q.outer.mid, 0, 0, 0,
		0, 0, 0, 0, 0};
	memcpy(plain + 4, q.outer.token, 8);
	CHECK(rig_in(r, SPAN_OF(plain)) == EP_NOTHING && req->hint == MSG_UNAUTHORIZED,
		"an unprotected error is a hint");
	static const uint8_t proxy[] = {MSG_NOT_FOUND, MSG_TOO_LARGE, MSG_BAD_GATEWAY,
		MSG_UNAVAILABLE, MSG_GATEWAY_TIMEOUT, MSG_CODE(5, 5)};
	for (size_t i = 0; i < sizeof(proxy); i++) {
		plain[1] = proxy[i];
		CHECK(rig_in(r, SPAN_OF(plain)) == EP_NOTHING && req->hint == proxy[i] &&
				req->state == EP_REQ_SENT,
			"so is what a proxy says");
	}
	r->e->traced = true;
	rig_turn(r, 10);
	CHECK(rig_in(r, SPAN_OF(plain)) == EP_NOTHING && r->t.effect_n == 1 &&
			span_has(r->t.effect[0].event.json, "\"protected\":false") &&
			span_has(r->t.effect[0].event.json, "\"code\":\"5.05\""),
		"and a trace shows it");
	r->e->traced = false;
	plain[1] = MSG_CONTENT;
	CHECK(rig_in(r, SPAN_OF(plain)) == EP_NOTHING, "an unprotected success is discarded");
	uint8_t reset[] = {0x70, 0, plain[2], plain[3]};
	CHECK(rig_in(r, SPAN_OF(reset)) == EP_NOTHING, "a Reset is not obeyed");
	struct span s = reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0);
	p.bytes[p.n - 1] ^= 1;
	CHECK(rig_in(r, s) == EP_NOTHING, "a response that does not decrypt");
	p.bytes[p.n - 1] ^= 1;
	p.bytes[2] ^= 1;
	CHECK(rig_in(r, s) == EP_NOTHING, "an ACK of another message");
	p.bytes[2] ^= 1;
	CHECK(rig_in(r, s) == EP_RESPONSE, "the good one is still good");
	end(r);
	rig_fini(r);
}

static void retransmitted(void)
{
	struct rig *r = &rig;
	struct ep_delivery d = {.kind = EP_NOTHING};
	unsigned n = 0;
	uint64_t first, began;
	bool same = true;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	first = ep_deadline_ms(r->x) - r->now_ms;
	began = r->now_ms;
	for (int i = 0; i < 1000 && d.kind == EP_NOTHING; i++) {
		uint64_t due = ep_deadline_ms(r->x);
		rig_turn(r, due > r->now_ms ? due - r->now_ms : 0);
		ep_timer(r->x, &r->t, &d);
		for (size_t k = 0; k < rig_sent_n(r); k++, n++)
			same &= span_eq(rig_sent(r, k), span_make(q.bytes, q.n));
	}
	CHECK(first <= 3000 && n == 4, "four retransmissions");
	CHECK(same, "of the same bytes");
	CHECK(d.kind == EP_TIMEOUT && d.request == req, "then it is given up (BS-33)");
	CHECK(r->now_ms - began >= 62000 && r->now_ms - began <= 93100, "after MAX_TRANSMIT_WAIT");
	ep_request_end(r->x, req, &r->t);
	rig_fini(r);
}

static void queued(void)
{
	struct rig *r = &rig;
	struct ep_request *req[EP_QUEUE_MAX + 2];
	open_rig(r);
	for (int i = 0; i <= EP_QUEUE_MAX; i++)
		REQUIRE(ask_as(r, MSG_GET, false, &req[i]) == ERR_OK, "room");
	CHECK(rig_sent_n(r) == 1, "one at a time (NSTART) (CT-56)");
	CHECK(ask_as(r, MSG_GET, false, &req[EP_QUEUE_MAX + 1]) == ERR_LIMIT, "a bound");
	bool order = true;
	for (int i = 0; i <= EP_QUEUE_MAX; i++) {
		order &= rig_asked(r, RIG_SERVER, rig_sent(r, rig_sent_n(r) - 1), &q) &&
			 rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE &&
			 r->d.request == req[i] && !rig_sent_n(r);
		end(r);
	}
	CHECK(order && !rig_sent_n(r), "in their order, each after the one before");
	rig_fini(r);
}

/* ---- addresses */

static void addresses(void)
{
	struct rig *r = &rig;
	open_rig(r);
	ask(r, false, &q);
	r->from.addr[3] = 2;
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE && r->d.moved,
		"a response from another address is good (D5)");
	end(r);
	CHECK(r->server->peer->peer.addr[3] == 2, "that is where the device is now");
	ask(r, false, &q);
	r->from.addr[3] = 3;
	r->piv = 5;
	CHECK(rig_in(r, reply(r, &q, MSG_NON, MSG_CONTENT, "x", RIG_OWN_NUMBER)) == EP_RESPONSE &&
			!r->d.moved,
		"an older number is a response too");
	end(r);
	CHECK(r->server->peer->peer.addr[3] == 2, "and moves no address");
	r->piv = 500;
	ask(r, false, &q);
	CHECK(rig_in(r, reply(r, &q, MSG_NON, MSG_CONTENT, "x", RIG_OWN_NUMBER)) == EP_RESPONSE,
		"a newer one");
	end(r);
	CHECK(r->server->peer->peer.addr[3] == 3, "does");
	r->piv = 400;
	r->from.addr[3] = 4;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &hello)) == EP_REQUEST, "a request before it");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(r->server->peer->peer.addr[3] == 3, "does not");
	rig_fini(r);
}

/* ---- the device challenges us */

/* Proves: 8613-8.1-3 */
static void echo(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	REQUIRE(msg_add(&m, OPT_ECHO, SPAN_LIT("12345678")) == ERR_OK, "echo");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, RIG_OWN_NUMBER, &p)) == EP_NOTHING &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q2),
		"a challenge is answered (CT-55)");
	const struct opt *o = msg_find(&q2.plain, OPT_ECHO);
	CHECK(o && span_eq_str(o->val, "12345678") && q2.plain.code == MSG_GET &&
			q2.number == q.number + 1 && q2.outer.mid != q.outer.mid,
		"with its Echo, under a new number");
	rig_turn(r, 10);
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q2, &m, RIG_OWN_NUMBER, &p)) == EP_RESPONSE &&
			r->d.request == req && r->d.msg->code == MSG_UNAUTHORIZED,
		"but not twice");
	end(r);
	rig_fini(r);
}

/* ---- long answers */

/* Proves: 8613-4.1.3.4.1-2 */
static void long_answer(void)
{
	struct rig *r = &rig;
	struct block b;
	bool asks = true;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	for (uint32_t i = 0; i < 5; i++) {
		asks &= rig_in(r, block_reply(r, &q, (struct block){i, true, 2}, 64, 0)) ==
				EP_NOTHING &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			!block_get(&q.plain, OPT_BLOCK2, &b) && b.num == i + 1 && b.szx == 2 &&
			q.plain.code == MSG_GET && msg_find(&q.plain, OPT_URI_PATH);
	}
	CHECK(asks, "the next block is asked for");
	CHECK(rig_in(r, block_reply(r, &q, (struct block){5, false, 2}, 10, 0)) == EP_RESPONSE &&
			r->d.request == req && r->d.msg->payload.n == 330 &&
			r->d.msg->payload.p[329] == 329 / 7,
		"the whole answer is delivered");
	end(r);
	rig_fini(r);
}

/* A challenge in the middle: the body is asked for from its start. */
static void echo_midway(void)
{
	struct rig *r = &rig;
	struct block b;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	rig_in(r, block_reply(r, &q, (struct block){0, true, 2}, 64, 0));
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "next");
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	REQUIRE(msg_add(&m, OPT_ECHO, SPAN_LIT("12345678")) == ERR_OK, "echo");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, RIG_OWN_NUMBER, &p)) == EP_NOTHING &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			block_get(&q.plain, OPT_BLOCK2, &b) == ERR_NOTFOUND,
		"a challenge of the second block begins anew");
	CHECK(rig_in(r, block_reply(r, &q, (struct block){0, true, 2}, 64, 0)) == EP_NOTHING &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			rig_in(r, block_reply(r, &q, (struct block){1, false, 2}, 9, 0)) ==
				EP_RESPONSE &&
			r->d.request == req && r->d.msg->payload.n == 73,
		"and the body is whole");
	end(r);
	rig_fini(r);
}

/* ---- options nobody here understands (RFC 7252 section 5.4.1) */

static void bad_options(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	for (uint8_t type = MSG_CON; type <= MSG_ACK; type++) {
		rig_turn(r, 10);
		msg_init(&m, type, MSG_CONTENT);
		REQUIRE(msg_add(&m, 65001, SPAN_LIT("x")) == ERR_OK, "option");
		CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p)) == EP_NOTHING,
			"a response with an unknown critical option is rejected (GEN-09)");
		CHECK(type == MSG_CON
				? rig_sent_n(r) == 1 && is_empty(rig_sent(r, 0), MSG_RESET, m.mid)
				: !rig_sent_n(r),
			"CON: by RST and no acknowledgement; others in silence");
	}
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE &&
			r->d.request == req,
		"a good one is still good");
	end(r);
	ask(r, true, &q);
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p)) == EP_RESPONSE, "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_turn(r, 10);
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 2) == ERR_OK &&
			msg_add(&m, 65001, SPAN_LIT("x")) == ERR_OK,
		"options");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, RIG_OWN_NUMBER, &p)) == EP_NOTHING &&
			rig_sent_n(r) == 1 && is_empty(rig_sent(r, 0), MSG_RESET, m.mid),
		"nor is a notification with one acknowledged");
	rig_fini(r);
}

/* All MIDs of a peer are taken: an error, and no endless search. */
static void no_mid(void)
{
	struct rig *r = &rig;
	enum { ALL = 65536 };
	struct exch *taken = calloc(ALL, sizeof(*taken));
	struct ep_request *req;
	struct ep_delivery d;
	open_rig(r);
	struct rng rng = r->dir.rng;
	REQUIRE(taken, "memory");
	msg_init(&m, MSG_CON, MSG_CONTENT);
	for (uint32_t i = 0; i < ALL; i++) {
		m.mid = (uint16_t)i;
		REQUIRE(exch_start(&r->x->exch, &taken[i], &r->server->peer->peer, &m,
				SPAN_LIT("x"), false, r->now_ms, &rng) == ERR_OK,
			"a message on its way");
	}
	enum err err = ask_as(r, MSG_GET, false, &req);
	ep_timer(r->x, &r->t, &d);
	CHECK(err == ERR_OK && !rig_sent_n(r) && d.kind == EP_CANCELLED && d.request == req,
		"it cannot be sent, and comes back");
	ep_request_end(r->x, req, &r->t);
	exch_stop(&r->x->exch, &taken[4711]);
	ask(r, false, &q);
	CHECK(q.outer.mid == 4711, "the one that is free is found");
	for (uint32_t i = 0; i < ALL; i++)
		exch_stop(&r->x->exch, &taken[i]);
	free(taken);
	rig_fini(r);
}

/* ---- it cannot be sent, or its context goes */

static void nowhere(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	struct ep_delivery d;
	rig_init(r, true);
	CHECK(ask_as(r, MSG_GET, false, &req) == ERR_NOTFOUND, "no address is known");
	rig_fini(r);
	open_rig(r);
	struct ep_request *one = ask(r, false, &q), *two;
	REQUIRE(ask_as(r, MSG_GET, false, &two) == ERR_OK, "queued");
	ep_context_close(r->x, r->server);
	CHECK(ep_deadline_ms(r->x) <= r->now_ms, "there is something to tell");
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_CANCELLED && d.request == one, "the context goes: cancelled");
	ep_request_end(r->x, d.request, &r->t);
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_CANCELLED && d.request == two, "what was queued too");
	ep_request_end(r->x, d.request, &r->t);
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_NOTHING, "and that is all");
	rig_fini(r);
}

int main(void)
{
	answered();
	ignored();
	retransmitted();
	queued();
	addresses();
	echo();
	long_answer();
	echo_midway();
	bad_options();
	no_mid();
	nowhere();
	return test_done();
}
