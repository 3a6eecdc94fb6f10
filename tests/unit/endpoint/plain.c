/* SPDX-License-Identifier: Apache-2.0 */
/* Unprotected peers: how much of us they may take, and what a Reset of theirs ends. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

enum { PEERS = 4 }; /* as the rig's nosec_peers_max */

static uint16_t mid;

static void from(struct rig *r, unsigned host)
{
	r->from.listener = RIG_PLAIN;
	r->from.addr[2] = (uint8_t)(host >> 8);
	r->from.addr[3] = (uint8_t)host;
}

static struct span encode(const struct msg *in)
{
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	REQUIRE(msg_encode_udp(in, &w) == ERR_OK, "encode");
	return wr_span(&w);
}

/* A Register of that host, in blocks if `b`; the code of its answer, 0: delivered. */
static uint8_t put(struct rig *r, unsigned host, const struct block *b)
{
	static const uint8_t body[64];
	struct msg in;
	rig_turn(r, 10);
	from(r, host);
	rig_plain(&in, MSG_POST, "rd");
	in.mid = ++mid;
	REQUIRE(!b || block_add(&in, OPT_BLOCK1, *b) == ERR_OK, "block");
	in.payload = SPAN_OF(body);
	if (rig_in(r, encode(&in)) == EP_REQUEST)
		return 0;
	return rig_sent_n(r) && !msg_parse_udp(rig_sent(r, 0), &p.outer) ? p.outer.code : 255;
}

/* The same under the device's protection. */
static uint8_t put_protected(struct rig *r, const struct block *b)
{
	static const uint8_t body[64];
	struct msg in;
	rig_turn(r, 10);
	from(r, 1);
	r->from.listener = RIG_SERVER;
	rig_plain(&in, MSG_POST, "rd");
	REQUIRE(block_add(&in, OPT_BLOCK1, *b) == ERR_OK, "block");
	in.payload = SPAN_OF(body);
	if (rig_in(r, rig_protect(r, RIG_SERVER, &in, &q)) == EP_REQUEST)
		return 0;
	return rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &q2) ? q2.plain.code : 255;
}

/* A request of ours to that host; what goes out is in q. */
static struct ep_request *ask_plain(struct rig *r, unsigned host, bool watch)
{
	struct ep_request *req;
	struct msg out;
	from(r, host);
	rig_plain(&out, MSG_GET, "3/0/0");
	struct ep_request_opts o = {.endpoint = r->e,
		.peer = &r->from,
		.msg = &out,
		.observe = watch,
		.role = REC_ROLE_SERVER};
	rig_turn(r, 10);
	REQUIRE(ep_request_start(r->x, &o, &r->t, &req) == ERR_OK, "a request");
	if (rig_sent_n(r)) {
		memcpy(q.bytes, rig_sent(r, 0).p, q.n = rig_sent(r, 0).n);
		REQUIRE(msg_parse_udp(span_make(q.bytes, q.n), &q.outer) == ERR_OK, "is sent");
	}
	return req;
}

/* The host's answer to q; b: in blocks. */
static enum ep_delivery_kind answer(struct rig *r, uint8_t type, const struct block *b, bool watch)
{
	static const uint8_t body[64];
	static uint32_t value;
	struct msg in;
	rig_turn(r, 10);
	msg_init(&in, type, MSG_CONTENT);
	in.mid = type == MSG_ACK ? q.outer.mid : ++mid;
	in.token_n = q.outer.token_n;
	memcpy(in.token, q.outer.token, sizeof(in.token));
	REQUIRE(!watch || msg_add_uint(&in, OPT_OBSERVE, ++value) == ERR_OK, "observe");
	REQUIRE(!b || block_add(&in, OPT_BLOCK2, *b) == ERR_OK, "block");
	in.payload = SPAN_OF(body);
	return rig_in(r, encode(&in));
}

static void reset(struct rig *r, uint16_t of)
{
	uint8_t bytes[] = {0x70, 0, (uint8_t)(of >> 8), (uint8_t)of};
	rig_turn(r, 10);
	rig_in(r, SPAN_OF(bytes));
}

static void quiet(struct rig *r)
{
	struct ep_delivery d;
	for (int n = 0; n < 4; n++) {
		rig_turn(r, 250000);
		ep_timer(r->x, &r->t, &d);
	}
}

/* ---- bodies on their way in */

static const struct block b0 = {0, true, 2}, b1 = {1, true, 2}, b2 = {2, false, 2};

static void account(void)
{
	struct rig *r = &rig;
	size_t *bytes;
	rig_init(r, true);
	bytes = r->x->rx_bytes;
	for (unsigned host = 10; host < 10 + PEERS; host++)
		CHECK(put(r, host, &b0) == MSG_CONTINUE && put(r, host, &b1) == MSG_CONTINUE,
			"half a body");
	CHECK(put_protected(r, &b0) == MSG_CONTINUE, "and of a protected device");
	CHECK(bytes[0] >= PEERS * 128 && bytes[1] >= 64 && bytes[1] < bytes[0],
		"are counted, each kind for itself");
	size_t before = bytes[0];
	CHECK(put(r, 10, &b2) == 0, "whole");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	CHECK(bytes[0] < before, "counted no more");
	before = bytes[0];
	CHECK(put(r, 11, &(struct block){7, true, 2}) == MSG_REQUEST_ENTITY_INCOMPLETE &&
			bytes[0] < before,
		"nor is one that broke off");
	before = bytes[0];
	CHECK(put(r, 99, NULL) == 0 && bytes[0] <= before, "one whose place a stranger takes");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	quiet(r);
	CHECK(!bytes[0] && !bytes[1] && !r->x->nosec.count && !r->server->conv,
		"what is left goes with time, to the last byte");
	rig_fini(r);
}

/* Strangers have filled their share. */
static void share(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	CHECK(put(r, 10, &b0) == MSG_CONTINUE, "there is room");
	size_t others = (size_t)1 << 30;
	r->x->rx_bytes[0] += others;
	CHECK(put(r, 11, &b0) == MSG_UNAVAILABLE, "their share is full: 5.03");
	CHECK(put_protected(r, &b0) == MSG_CONTINUE && put_protected(r, &b1) == MSG_CONTINUE &&
			put_protected(r, &b2) == 0,
		"a protected device's body arrives");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	CHECK(put(r, 12, NULL) == 0, "and so do requests of one datagram");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	r->x->rx_bytes[0] -= others;
	CHECK(put(r, 11, &b0) == MSG_CONTINUE, "room again");
	quiet(r);
	CHECK(!r->x->rx_bytes[0] && !r->x->rx_bytes[1], "nothing is left");
	rig_fini(r);
}

/* ---- the table of unprotected peers */

static void idle_goes(void)
{
	struct rig *r = &rig;
	bool good = true;
	rig_init(r, true);
	for (unsigned host = 10; host < 1000; host++) {
		good &= put(r, host, NULL) == 0;
		ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
		good &= r->x->nosec.count <= PEERS;
	}
	CHECK(good, "an idle one gives its place, and there are never more");
	rig_fini(r);
}

enum use { ON_ITS_WAY, WATCHED, BEING_TOLD };

static void busy_stays(void)
{
	static const char *const what[] = {[ON_ITS_WAY] = "one with a request on its way stays",
		[WATCHED] = "one that is observed stays",
		[BEING_TOLD] = "one whose answer is being dealt with stays"};
	struct rig *r = &rig;
	for (enum use use = ON_ITS_WAY; use <= BEING_TOLD; use++) {
		struct ep_request *req[PEERS];
		static struct ep_delivery d[PEERS];
		rig_init(r, true);
		for (unsigned i = 0; i < PEERS; i++) {
			req[i] = ask_plain(r, 10 + i, use == WATCHED);
			if (use == ON_ITS_WAY)
				continue;
			CHECK(answer(r, MSG_ACK, NULL, use == WATCHED) == EP_RESPONSE, "answered");
			d[i] = r->d;
			if (use == WATCHED)
				ep_delivery_end(r->x, &d[i], &r->t);
		}
		CHECK(put(r, 99, NULL) == MSG_UNAVAILABLE && r->x->nosec.count == PEERS, what[use]);
		if (use == BEING_TOLD)
			ep_delivery_end(r->x, &d[1], &r->t);
		ep_request_end(r->x, req[1], &r->t);
		CHECK(put(r, 99, NULL) == 0 && r->x->nosec.count == PEERS, "until it is idle");
		ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
		for (unsigned i = 0; i < PEERS; i++)
			if (i != 1) {
				if (use == BEING_TOLD)
					ep_delivery_end(r->x, &d[i], &r->t);
				ep_request_end(r->x, req[i], &r->t);
			}
		rig_fini(r);
	}
}

/* ---- Reset */

/* To the request for the rest of a notification; `begins`: of the first response. */
static void rest_is_reset(bool begins)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	rig_init(r, true);
	struct ep_request *req = ask_plain(r, 10, true);
	static struct rig_msg observing;
	observing = q;
	if (!begins) {
		CHECK(answer(r, MSG_ACK, NULL, true) == EP_RESPONSE, "observed");
		ep_delivery_end(r->x, &r->d, &r->t);
	}
	CHECK(answer(r, begins ? MSG_ACK : MSG_CON, &b0, true) == EP_NOTHING, "in blocks");
	REQUIRE(!msg_parse_udp(rig_sent(r, 0), &p.outer) && p.outer.code == MSG_GET, "the rest");
	reset(r, p.outer.mid);
	CHECK(begins ? r->d.kind == EP_CANCELLED && r->d.request == req : r->d.kind == EP_NOTHING,
		"a Reset of the rest: told where somebody waits");
	if (begins) {
		ep_request_end(r->x, req, &r->t);
	} else {
		q = observing;
		CHECK(req->state == EP_REQ_OBSERVING &&
				answer(r, MSG_NON, NULL, true) == EP_NOTIFICATION &&
				r->d.request == req,
			"the observation stays, and its next notification is told");
		ep_delivery_end(r->x, &r->d, &r->t);
		ep_request_end(r->x, req, &r->t);
	}
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_NOTHING, "that is all");
	quiet(r);
	CHECK(!r->x->nosec.count, "nothing is left");
	rig_fini(r);
}

int main(void)
{
	account();
	share();
	idle_goes();
	busy_stays();
	rest_is_reset(false);
	rest_is_reset(true);
	return test_done();
}
