/* SPDX-License-Identifier: Apache-2.0 */
/* One context over UDP and TCP: a message of a connection has the form of a datagram whose type and
 * Message ID say nothing (coap/stream.h). */
#include "tests/unit/endpoint/asking.h"

static struct rig_msg older, newer;

static struct peer tcp(uint16_t connection)
{
	return (struct peer){.bearer = BEARER_TCP,
		.listener = RIG_SERVER,
		.connection = connection,
		.addr_n = 6,
		.addr = {10, 0, 0, 1, 0x77, 0x33},
		.local_n = 4,
		.local = {192, 0, 2, 1}};
}

static const struct peer udp = {.bearer = BEARER_UDP,
	.addr_n = 6,
	.addr = {10, 0, 0, 1, 0x16, 0x33},
	.local_n = 4,
	.local = {192, 0, 2, 1}};

/* The device says something by that bearer, and is answered by it. */
static bool speaks(struct rig *r, const struct peer *by, struct rig_msg *said)
{
	rig_turn(r, 10);
	r->from = *by;
	if (rig_in(r, rig_get(r, RIG_SERVER, said)) != EP_REQUEST)
		return false;
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	return peer_eq(rig_sent_to(r, 0), by) &&
	       rig_answer(r, RIG_SERVER, said, rig_sent(r, 0), &p);
}

/* The same message as it comes by another bearer: another Message ID, or type. */
static bool refused_by(struct rig *r, const struct peer *by, const struct rig_msg *said)
{
	uint8_t copy[RIG_BYTES];
	uint64_t replays = ep_exchange_counters(r->x)->replays;
	memcpy(copy, said->bytes, said->n);
	copy[3] ^= 0x55;
	rig_turn(r, 10);
	r->from = *by;
	return rig_in(r, span_make(copy, said->n)) == EP_NOTHING && !r->d.verified &&
	       ep_exchange_counters(r->x)->replays == replays + 1 && !rig_records(r, REC_SEEN) &&
	       !peer_eq(&r->server->peer->peer, by);
}

/* Our next request goes by that bearer, and is answered. */
static bool asked_by(struct rig *r, const struct peer *by)
{
	rig_turn(r, 10);
	(void)ask(r, false, &q);
	bool good = peer_eq(rig_sent_to(r, 0), by);
	r->from = *by;
	good = good && rig_in(r, reply(r, &q, MSG_CON, MSG_CONTENT, "v", 0)) == EP_RESPONSE;
	bool quiet = rig_sent_n(r) == (by->bearer == BEARER_UDP);
	end(r);
	return good && quiet;
}

/* The context moves with each message, and no number is accepted twice. */
static void moving(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1), two = tcp(2);
	open_rig(r);
	CHECK(speaks(r, &udp, &older) && asked_by(r, &udp), "over UDP");
	CHECK(speaks(r, &one, &newer) && r->d.moved, "then over TCP");
	CHECK(asked_by(r, &one), "where it is asked too, without an acknowledgement (GEN-12)");
	CHECK(refused_by(r, &udp, &newer), "what came by TCP is a replay by UDP");
	CHECK(refused_by(r, &udp, &older), "and what came by UDP before it");
	CHECK(speaks(r, &two, &newer) && asked_by(r, &two), "over another connection");
	CHECK(refused_by(r, &one, &older) && refused_by(r, &one, &newer), "replays by TCP");
	CHECK(asked_by(r, &two), "a replay moves nothing");
	CHECK(speaks(r, &udp, &newer) && asked_by(r, &udp), "and over UDP again");
	rig_fini(r);
}

/* A change of the binding counts from the next session on: what was written changes nothing, until
 * the device comes by it. Proves: GEN-11 */
static void written_binding(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1);
	struct ep_request *req;
	struct msg ask;
	open_rig(r);
	REQUIRE(speaks(r, &udp, &older), "over UDP");
	rig_turn(r, 10);
	rig_plain(&ask, MSG_PUT, "1/0/7");
	ask.payload = SPAN_LIT("T");
	struct ep_request_opts o = {
		.endpoint = r->e, .ctx = r->server, .msg = &ask, .role = REC_ROLE_SERVER};
	REQUIRE(!ep_request_start(r->x, &o, &r->t, &req), "Binding is written");
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "asked");
	REQUIRE(rig_in(r, reply(r, &q, MSG_ACK, MSG_CHANGED, "", 0)) == EP_RESPONSE, "done");
	end(r);
	CHECK(asked_by(r, &udp), "it is asked as before (GEN-11)");
	CHECK(speaks(r, &one, &newer) && asked_by(r, &one), "until it comes by TCP");
	rig_fini(r);
}

static size_t due(struct rig *r, uint64_t ms)
{
	rig_turn(r, ms);
	ep_timer(r->x, &r->t, &r->d);
	return rig_sent_n(r);
}

static void no_retransmission(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1);
	open_rig(r);
	REQUIRE(speaks(r, &one, &newer), "over TCP");
	struct ep_request *req = ask(r, false, &q);
	CHECK(!due(r, 100000) && r->d.kind == EP_NOTHING, "nothing is sent again (TRN-TCP-2)");
	CHECK(!due(r, 200000) && r->d.kind == EP_TIMEOUT && r->d.request == req,
		"but an answer is not waited for in vain");
	end(r);
	rig_fini(r);
}

static struct span notification(struct rig *r, uint64_t number, const char *value)
{
	rig_turn(r, 10);
	r->piv = number;
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
	m.payload = span_str(value);
	return rig_reply(r, RIG_SERVER, &q, &m, RIG_OWN_NUMBER, &p);
}

static struct ep_request *observe_by(struct rig *r, const struct peer *by)
{
	open_rig(r);
	REQUIRE(speaks(r, by, &newer), "the device speaks");
	struct ep_request *req = ask(r, true, &q);
	CHECK(rig_in(r, notification(r, 20, "a")) == EP_RESPONSE && req->observed, "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
	return req;
}

static void observed(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1);
	struct ep_request *req = observe_by(r, &one);
	uint32_t value = 0;
	CHECK(rig_in(r, notification(r, 30, "b")) == EP_NOTIFICATION && r->d.request == req,
		"a notification");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(!rig_sent_n(r), "has no acknowledgement");
	CHECK(rig_in(r, notification(r, 29, "a")) == EP_NOTHING && !rig_sent_n(r),
		"an older number is late, whatever the stream did with it");
	rig_turn(r, 10);
	CHECK(!ep_request_cancel(r->x, req, &r->t) &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q2) &&
			msg_get_uint(&q2.plain, OPT_OBSERVE, &value) && value == 1,
		"it is cancelled with Observe 1 (TRN-TCP-4)");
	CHECK(rig_in(r, reply(r, &q2, MSG_CON, MSG_CONTENT, "", 0)) == EP_RESPONSE, "it is over");
	end(r);
	CHECK(rig_in(r, notification(r, 40, "c")) == EP_NOTHING && !rig_sent_n(r),
		"a notification nobody wants is not reset (TRN-TCP-4)");
	rig_fini(r);
}

/* What went by a connection ends with it; other bearers keep theirs. */
static void observed_until_closed(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1), other = tcp(2);
	struct ep_request *req = observe_by(r, &one);
	rig_turn(r, 10);
	ep_closed(r->x, &other, &r->t);
	CHECK(ep_deadline_ms(r->x), "another connection's end is nothing to it");
	ep_closed(r->x, &one, &r->t);
	CHECK(!ep_deadline_ms(r->x) && !due(r, 0) && r->d.kind == EP_TIMEOUT && r->d.request == req,
		"an observation ends with its connection");
	end(r);
	CHECK(r->server->peer, "the device stays known (TRN-TCP-5)");
	rig_fini(r);

	req = observe_by(r, &udp);
	REQUIRE(speaks(r, &one, &newer), "to TCP and away again");
	ep_closed(r->x, &one, &r->t);
	CHECK(rig_in(r, notification(r, 50, "b")) == EP_NOTIFICATION && r->d.request == req,
		"one that began over UDP goes on");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_fini(r);
}

/* The one under way may have been done: it ends. Those behind it were never sent: they wait. */
static void closed(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1), two = tcp(2);
	struct ep_request *second;
	open_rig(r);
	REQUIRE(speaks(r, &one, &newer), "over TCP");
	struct ep_request *req = ask(r, false, &q);
	REQUIRE(!ask_as(r, MSG_POST, false, &second), "another one behind it");
	rig_turn(r, 10);
	ep_closed(r->x, &one, &r->t);
	CHECK(!ep_deadline_ms(r->x), "there is something to tell");
	CHECK(rig_sent_n(r) == 1 && peer_eq(rig_sent_to(r, 0), &one), "the next one is tried");
	ep_unsent(r->x, &one, rig_sent(r, 0));
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "in vain");
	CHECK(!due(r, 0) && r->d.kind == EP_TIMEOUT && r->d.request == req, "the first has ended");
	end(r);
	CHECK(!due(r, 100000) && r->d.kind == EP_NOTHING, "the second waits");
	CHECK(speaks(r, &two, &newer) && rig_sent_n(r) == 1,
		"the device comes back, and is answered first (GEN-05)");
	CHECK(!ep_deadline_ms(r->x) && due(r, 0) == 1 && peer_eq(rig_sent_to(r, 0), &two),
		"then what has waited goes out");
	uint64_t before = q.number;
	CHECK(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) && q.number > before,
		"under a number of its own");
	CHECK(!due(r, 0), "once");
	CHECK(rig_in(r, reply(r, &q, MSG_CON, MSG_CHANGED, "", 0)) == EP_RESPONSE &&
			r->d.request == second,
		"and is answered");
	end(r);
	rig_fini(r);
}

static void unsent(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1);
	open_rig(r);
	REQUIRE(speaks(r, &one, &newer), "over TCP");
	rig_turn(r, 10);
	struct ep_request *req = ask(r, false, &q);
	ep_unsent(r->x, &one, rig_sent(r, 0));
	CHECK(speaks(r, &udp, &newer), "it comes by UDP");
	CHECK(due(r, 0) == 1 && peer_eq(rig_sent_to(r, 0), &udp), "and is asked there");
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "anew");
	CHECK(due(r, 3500) == 1, "where a request is sent again");
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "v", 0)) == EP_RESPONSE &&
			r->d.request == req,
		"and answered");
	end(r);
	REQUIRE(speaks(r, &one, &newer), "over TCP again");
	rig_turn(r, 10);
	req = ask(r, false, &q);
	ep_unsent(r->x, &one, rig_sent(r, 0));
	CHECK(!due(r, 300000) && r->d.kind == EP_TIMEOUT && r->d.request == req,
		"who does not come back is not waited for");
	end(r);
	/* An answer of ours, or bytes that are none of ours, concern no request. */
	ep_unsent(r->x, &one, test_hex("61450000aa"));
	ep_unsent(r->x, &one, test_hex("40"));
	ep_unsent(r->x, &one, test_hex("4101000055"));
	ep_unsent(r->x, &udp, test_hex("4101000055"));
	CHECK(!due(r, 0) && r->d.kind == EP_NOTHING, "nothing else is unsent");
	rig_fini(r);
}

/* A peer without keys is its connection. */
static void unprotected(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1);
	struct ep_request *req;
	struct msg ask;
	rig_init(r, true);
	one.listener = RIG_PLAIN;
	for (int end_first = 0; end_first < 2; end_first++) {
		rig_turn(r, 10);
		rig_plain(&ask, MSG_GET, "3/0/0");
		struct ep_request_opts o = {.endpoint = r->e,
			.peer = &one,
			.msg = &ask,
			.observe = true,
			.role = REC_ROLE_SERVER};
		REQUIRE(!ep_request_start(r->x, &o, &r->t, &req), "a request");
		REQUIRE(!msg_parse_udp(rig_sent(r, 0), &q.outer), "is sent");
		if (end_first)
			ep_closed(r->x, &one, &r->t);
		else
			ep_unsent(r->x, &one, rig_sent(r, 0));
		while (ep_deadline_ms(r->x) == 0 && r->d.kind != EP_TIMEOUT)
			(void)due(r, 0);
		CHECK(r->d.kind == EP_TIMEOUT && r->d.request == req,
			"without its connection a peer without keys cannot come back");
		end(r);
		r->d.kind = EP_NOTHING;
	}
	/* Equal requests of one connection are two, for each has a Message ID of its own. */
	r->from = one;
	for (uint8_t i = 0; i < 2; i++) {
		uint8_t bytes[] = {0x41, 2, 0, i, 0xaa, 0xb2, 'r', 'd'};
		rig_turn(r, 10);
		CHECK(rig_in(r, SPAN_OF(bytes)) == EP_REQUEST, "the same again is a new request");
		ep_respond_code(r->x, &r->d, MSG_BAD_REQUEST, &r->t);
	}
	rig_fini(r);
}

int main(void)
{
	moving();
	written_binding();
	no_retransmission();
	observed();
	observed_until_closed();
	closed();
	unsent();
	unprotected();
	return test_done();
}
