/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of our requests that go out in blocks (RFC 7959 section 2.5; RFC 9175 section 3.4): to
 * devices that follow, that want it otherwise, and that mean harm. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

static uint8_t body[6000], got[6000];
static size_t got_n;
static struct block b; /* of what is in q */

static enum err start_as(
	struct rig *r, uint8_t code, size_t n, bool observe, struct ep_request **req)
{
	struct msg ask;
	rig_plain(&ask, code, "5/0/0");
	REQUIRE(msg_add_uint(&ask, OPT_CONTENT_FORMAT, 42) == ERR_OK, "format");
	ask.payload = span_make(body, n);
	struct ep_request_opts o = {.endpoint = r->e,
		.ctx = r->server,
		.msg = &ask,
		.observe = observe,
		.role = REC_ROLE_SERVER};
	return ep_request_start(r->x, &o, &r->t, req);
}

/* The datagram sent last, as the device sees it; its Block1 in b. False: nothing new was sent. */
static bool asked(struct rig *r)
{
	size_t n = rig_sent_n(r);
	if (!n || !rig_asked(r, RIG_SERVER, rig_sent(r, n - 1), &q))
		return false;
	b = (struct block){0};
	if (block_get(&q.plain, OPT_BLOCK1, &b))
		return true;
	size_t at = b.num * block_size(b.szx);
	if (at + q.plain.payload.n <= sizeof(got)) {
		memcpy(got + at, q.plain.payload.p, q.plain.payload.n);
		got_n = at + q.plain.payload.n;
	}
	return true;
}

static struct ep_request *start(struct rig *r, uint8_t code, size_t n)
{
	struct ep_request *req;
	got_n = 0;
	memset(got, 0, sizeof(got));
	REQUIRE(start_as(r, code, n, false, &req) == ERR_OK && asked(r), "a request with a body");
	return req;
}

enum { NONE = -1 };

/* The device answers q. szx NONE: without Block1. */
static enum ep_delivery_kind answer_as(
	struct rig *r, uint8_t code, uint32_t num, bool more, int szx, const char *echo)
{
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, code);
	REQUIRE(szx < 0 || block_add(&m, OPT_BLOCK1, (struct block){num, more, (uint8_t)szx}) ==
				   ERR_OK,
		"block");
	REQUIRE(!echo || msg_add(&m, OPT_ECHO, span_str(echo)) == ERR_OK, "echo");
	return rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, echo ? RIG_OWN_NUMBER : 0, &p));
}

/* As it should be: the same number, the size asked for. */
static enum ep_delivery_kind answer(struct rig *r, uint8_t code)
{
	return answer_as(r, code, b.num, b.more, b.szx, NULL);
}

/* It follows to the end; true if the body arrives whole and is answered with 2.04 once. */
static bool follows(struct rig *r, const struct ep_request *req, size_t n)
{
	while (b.more) {
		if (answer(r, MSG_CONTINUE) != EP_NOTHING || req->state != EP_REQ_SENT || !asked(r))
			return false;
	}
	return answer(r, MSG_CHANGED) == EP_RESPONSE && r->d.request == req && !rig_sent_n(r) &&
	       r->d.msg->code == MSG_CHANGED && got_n == n && !memcmp(got, body, n);
}

static bool told(
	struct rig *r, const struct ep_request *req, enum ep_delivery_kind kind, uint8_t code)
{
	return kind == EP_RESPONSE && r->d.request == req && r->d.msg->code == code &&
	       !rig_sent_n(r) && !r->server->conv->current;
}

static void close_rig(struct rig *r)
{
	struct ep_conversation *v = r->server->conv;
	struct ep_delivery d;
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_NOTHING && (!v || (!v->current && !v->queue && !v->pinned)),
		"nothing is left");
	rig_fini(r);
}

/* ---- a device that follows */

/* Proves: 8613-4.1.3.4.2-2 */
static void sizes(void)
{
	struct rig *r = &rig;
	static const size_t bytes[] = {1, 1023, 1024, 1025, 2047, 2048, 2049, 5000};
	struct ep_request *req;
	uint32_t size;
	open_rig(r);
	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		size_t n = bytes[i];
		bool blocks = n > 1024;
		req = start(r, MSG_PUT, n);
		CHECK(blocks == !block_get(&q.plain, OPT_BLOCK1, &b) &&
				blocks == msg_get_uint(&q.plain, OPT_SIZE1, &size) &&
				(!blocks || (size == n && b.szx == 6 && b.more && !b.num)),
			"one message up to 1024 bytes, else blocks, with Size1 (BLK-05)");
		if (!blocks) {
			CHECK(q.plain.payload.n == n && answer_as(r, MSG_CHANGED, 0, false, NONE,
								NULL) == EP_RESPONSE,
				"one message is one message");
		} else {
			uint64_t first = q.number;
			CHECK(follows(r, req, n), "the body arrives whole, and once");
			CHECK(q.number == first + (n - 1) / 1024 &&
					!msg_find(&q.plain, OPT_SIZE1) &&
					msg_find(&q.plain, OPT_CONTENT_FORMAT) &&
					!msg_find(&q.plain, OPT_REQUEST_TAG),
				"a number a block; Size1 in the first alone; no Request-Tag");
		}
		end(r);
	}
	CHECK(start_as(r, MSG_PUT, 5001, false, &req) == ERR_SPACE, "above the limit");
	close_rig(r);
}

static void queued_behind(void)
{
	struct rig *r = &rig;
	struct ep_request *behind;
	open_rig(r);
	struct ep_request *req = start(r, MSG_PUT, 3000);
	REQUIRE(ask_as(r, MSG_GET, false, &behind) == ERR_OK, "another");
	CHECK(follows(r, req, 3000), "the whole body goes before the next request (NSTART 1)");
	end(r);
	CHECK(asked(r) && q.plain.code == MSG_GET, "which goes then");
	ep_request_end(r->x, behind, &r->t);
	close_rig(r);
}

/* ---- it wants smaller blocks (BLK-02) */

static void smaller(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	open_rig(r);
	req = start(r, MSG_PUT, 5000);
	CHECK(answer_as(r, MSG_CONTINUE, 0, true, 2, NULL) == EP_NOTHING && asked(r) &&
			b.num == 16 && b.szx == 2 && q.plain.payload.n == 64,
		"goes on from the same byte in blocks of 64 (BLK-02)");
	CHECK(answer_as(r, MSG_CONTINUE, 16, true, 0, NULL) == EP_NOTHING && asked(r) &&
			b.num == 68 && b.szx == 0,
		"and then of 16");
	CHECK(answer_as(r, MSG_CONTINUE, 68, true, 6, NULL) == EP_NOTHING && asked(r) &&
			b.num == 69 && b.szx == 0,
		"a larger size was not offered");
	CHECK(follows(r, req, 5000), "the body arrives whole");
	end(r);
	req = start(r, MSG_PUT, 5000);
	CHECK(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r) && b.num == 1, "the second");
	CHECK(answer_as(r, MSG_CONTINUE, 2, true, 5, NULL) == EP_NOTHING && asked(r) &&
			b.num == 4 && b.szx == 5,
		"a number counted in the new size is understood");
	CHECK(answer_as(r, MSG_CONTINUE, 0, false, NONE, NULL) == EP_NOTHING && asked(r) &&
			b.num == 5,
		"2.31 without Block1 goes on");
	CHECK(follows(r, req, 5000), "and this one, too");
	end(r);
	close_rig(r);
}

/* ---- what it answers to the first of three blocks, or to the last */

enum { GO_ON = 0, RESTART = 1 };

static const struct {
	const char *what;
	bool last;
	uint8_t code;
	uint32_t num;
	bool more;
	int szx;
	uint8_t want; /* the code that is told, or one of the above */
} answers[] = {
	{"2.31", false, MSG_CONTINUE, 0, true, 6, GO_ON},
	{"2.31 without M", false, MSG_CONTINUE, 0, false, 6, GO_ON},
	{"2.04 with Block1: it acts on each", false, MSG_CHANGED, 0, false, 6, GO_ON},
	{"2.04 with Block1 and M", false, MSG_CHANGED, 0, true, 6, GO_ON},
	{"2.04 without: took a part for the whole", false, MSG_CHANGED, 0, false, NONE,
		MSG_REQUEST_ENTITY_INCOMPLETE},
	{"2.01 without", false, MSG_CREATED, 0, false, NONE, MSG_REQUEST_ENTITY_INCOMPLETE},
	{"2.31 for another block", false, MSG_CONTINUE, 1, true, 6, MSG_REQUEST_ENTITY_INCOMPLETE},
	{"2.31 for one far away", false, MSG_CONTINUE, 1048575, true, 6,
		MSG_REQUEST_ENTITY_INCOMPLETE},
	{"2.04 for another block", false, MSG_CHANGED, 3, false, 0, MSG_REQUEST_ENTITY_INCOMPLETE},
	{"4.00", false, MSG_BAD_REQUEST, 0, false, 6, MSG_BAD_REQUEST},
	{"4.02: no Block1 there", false, MSG_BAD_OPTION, 0, false, NONE, MSG_BAD_OPTION},
	{"4.05 in the middle of it", false, MSG_METHOD_NOT_ALLOWED, 0, false, NONE,
		MSG_METHOD_NOT_ALLOWED},
	{"4.08", false, MSG_REQUEST_ENTITY_INCOMPLETE, 0, false, NONE, RESTART},
	{"4.13", false, MSG_TOO_LARGE, 0, false, NONE, MSG_TOO_LARGE},
	{"4.13 of the same size", false, MSG_TOO_LARGE, 0, false, 6, MSG_TOO_LARGE},
	{"4.13 with a smaller one", false, MSG_TOO_LARGE, 0, false, 4, RESTART},
	{"5.03", false, MSG_UNAVAILABLE, 0, false, 6, MSG_UNAVAILABLE},
	{"4.01 without Echo", false, MSG_UNAUTHORIZED, 0, false, NONE, MSG_UNAUTHORIZED},
	{"the last: 2.04", true, MSG_CHANGED, 2, false, 6, MSG_CHANGED},
	{"the last: 2.04 without Block1", true, MSG_CHANGED, 0, false, NONE, MSG_CHANGED},
	{"the last: 2.04 in a smaller size", true, MSG_CHANGED, 4, false, 5, MSG_CHANGED},
	{"the last: 2.04 of another block", true, MSG_CHANGED, 1, false, 6,
		MSG_REQUEST_ENTITY_INCOMPLETE},
	{"the last: 2.31", true, MSG_CONTINUE, 2, true, 6, MSG_REQUEST_ENTITY_INCOMPLETE},
	{"the last: 4.08", true, MSG_REQUEST_ENTITY_INCOMPLETE, 2, false, 6, RESTART},
	{"the last: 5.00", true, MSG_INTERNAL_ERROR, 2, false, 6, MSG_INTERNAL_ERROR},
};

static void outcomes(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		open_rig(r);
		struct ep_request *req = start(r, MSG_PUT, 3000);
		while (answers[i].last && b.more)
			REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "next");
		enum ep_delivery_kind kind = answer_as(
			r, answers[i].code, answers[i].num, answers[i].more, answers[i].szx, NULL);
		if (answers[i].want > RESTART) {
			CHECK(told(r, req, kind, answers[i].want), answers[i].what);
			end(r);
			close_rig(r);
			continue;
		}
		CHECK(kind == EP_NOTHING && asked(r) && b.num == (answers[i].want == GO_ON ? 1 : 0),
			answers[i].what);
		CHECK(follows(r, req, 3000), "and the body arrives whole");
		end(r);
		close_rig(r);
	}
}

/* ---- begun anew, and not for ever */

static void once(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	uint32_t size;
	open_rig(r);
	req = start(r, MSG_PUT, 3000);
	REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "the second block");
	CHECK(answer(r, MSG_REQUEST_ENTITY_INCOMPLETE) == EP_NOTHING && asked(r) && !b.num &&
			msg_get_uint(&q.plain, OPT_SIZE1, &size) && size == 3000,
		"4.08: it begins anew");
	const struct opt *tag = msg_find(&q.plain, OPT_REQUEST_TAG);
	CHECK(tag && tag->val.n == 1 && tag->val.p[0] == q.number,
		"with a Request-Tag: the number of its first block");
	uint8_t had = (uint8_t)q.number;
	REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "the second block");
	tag = msg_find(&q.plain, OPT_REQUEST_TAG);
	CHECK(tag && tag->val.n == 1 && tag->val.p[0] == had, "which all its blocks have");
	CHECK(told(r, req, answer(r, MSG_REQUEST_ENTITY_INCOMPLETE), MSG_REQUEST_ENTITY_INCOMPLETE),
		"4.08 again: told");
	end(r);
	req = start(r, MSG_PUT, 3000);
	CHECK(answer_as(r, MSG_TOO_LARGE, 0, false, 5, NULL) == EP_NOTHING && asked(r) &&
			b.szx == 5 && !b.num,
		"4.13 with 512 bytes: from the start, in blocks of 512");
	CHECK(told(r, req, answer_as(r, MSG_TOO_LARGE, 0, false, 4, NULL), MSG_TOO_LARGE),
		"4.13 again: told");
	end(r);
	req = start(r, MSG_PUT, 900);
	CHECK(!b.more && answer_as(r, MSG_TOO_LARGE, 0, false, 4, NULL) == EP_NOTHING && asked(r) &&
			b.szx == 4 && b.more,
		"a body that was sent whole is cut up when 4.13 names a size");
	CHECK(follows(r, req, 900), "and arrives");
	end(r);
	req = start(r, MSG_PUT, 900);
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_TOO_LARGE);
	REQUIRE(block_add(&m, OPT_BLOCK1, (struct block){0, false, 4}) == ERR_OK &&
			msg_add_uint(&m, OPT_SIZE1, 899) == ERR_OK,
		"options");
	CHECK(told(r, req, rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p)), MSG_TOO_LARGE),
		"unless Size1 says that nothing helps");
	end(r);
	close_rig(r);
}

/* 2.31 to a request that has no more to say. */
static void continue_what(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, false, &q);
	CHECK(told(r, req, rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTINUE, "", 0)),
		      MSG_REQUEST_ENTITY_INCOMPLETE),
		"2.31 to a Read is no success");
	end(r);
	req = start(r, MSG_PUT, 10);
	CHECK(told(r, req, answer_as(r, MSG_CONTINUE, 0, true, 6, NULL),
		      MSG_REQUEST_ENTITY_INCOMPLETE),
		"nor to a small Write");
	end(r);
	close_rig(r);
}

/* ---- challenged on the way (RFC 9175 section 2) */

static void echo(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = start(r, MSG_PUT, 4000);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t number = q.number;
		CHECK(answer_as(r, MSG_UNAUTHORIZED, 0, false, NONE, "12345678") == EP_NOTHING &&
				asked(r) && b.num == i && q.number == number + 1 &&
				msg_find(&q.plain, OPT_ECHO),
			"a challenged block is repeated with its Echo, under a new number");
		CHECK(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r) && b.num == i + 1 &&
				!msg_find(&q.plain, OPT_ECHO),
			"the next one has none");
	}
	CHECK(answer_as(r, MSG_UNAUTHORIZED, 0, false, NONE, "12345678") == EP_NOTHING && asked(r),
		"the last is challenged");
	CHECK(told(r, req, answer_as(r, MSG_UNAUTHORIZED, 0, false, NONE, "12345678"),
		      MSG_UNAUTHORIZED),
		"twice for one block is an answer");
	end(r);
	close_rig(r);
}

/* ---- an answer in blocks to a body in blocks (RFC 7959 section 3.3) */

static enum ep_delivery_kind answer2(struct rig *r, struct block b2, size_t n, const char *etag)
{
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(!etag || msg_add(&m, OPT_ETAG, span_str(etag)) == ERR_OK, "etag");
	REQUIRE(block_add(&m, OPT_BLOCK2, b2) == ERR_OK, "block");
	m.payload = span_make(body + b2.num * block_size(b2.szx), n);
	return rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p));
}

static struct ep_request *sent_whole(struct rig *r, uint8_t code)
{
	struct ep_request *req = start(r, code, 3000);
	while (b.more)
		REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "next");
	return req;
}

static bool asks_block2(struct rig *r, uint32_t num)
{
	struct block b2;
	return asked(r) && !block_get(&q.plain, OPT_BLOCK2, &b2) && b2.num == num &&
	       !msg_find(&q.plain, OPT_BLOCK1) && !q.plain.payload.n &&
	       msg_find(&q.plain, OPT_URI_PATH);
}

static void both_ways(void)
{
	struct rig *r = &rig;
	struct block b0 = {0, true, 4}, b1 = {1, true, 4}, b2 = {2, false, 4};
	open_rig(r);
	struct ep_request *req = sent_whole(r, MSG_POST);
	CHECK(answer2(r, b0, 256, "a") == EP_NOTHING && asks_block2(r, 1),
		"the next block is asked for without the body");
	CHECK(answer_as(r, MSG_UNAUTHORIZED, 0, false, NONE, "12345678") == EP_NOTHING &&
			asks_block2(r, 1) && msg_find(&q.plain, OPT_ECHO),
		"and again when challenged");
	CHECK(answer2(r, b1, 256, "a") == EP_NOTHING && asks_block2(r, 2), "then the next");
	CHECK(answer2(r, b2, 5, "a") == EP_RESPONSE && r->d.request == req &&
			r->d.msg->code == MSG_CONTENT &&
			span_eq(r->d.msg->payload, span_make(body, 517)),
		"and the answer is whole");
	end(r);
	req = sent_whole(r, MSG_POST);
	REQUIRE(answer2(r, b0, 256, "a") == EP_NOTHING && asks_block2(r, 1), "next");
	CHECK(told(r, req, answer2(r, b1, 256, "b"), MSG_REQUEST_ENTITY_INCOMPLETE),
		"an answer that changes is broken, for a POST is not done twice");
	end(r);
	req = sent_whole(r, MSG_FETCH);
	REQUIRE(answer2(r, b0, 256, "a") == EP_NOTHING && asks_block2(r, 1), "next");
	CHECK(answer2(r, b1, 256, "b") == EP_NOTHING && asked(r) && b.more && !b.num &&
			q.plain.payload.n == 1024 && msg_find(&q.plain, OPT_REQUEST_TAG),
		"a FETCH is: the body goes out once more, with a Request-Tag");
	while (b.more)
		REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "next");
	CHECK(got_n == 3000 && !memcmp(got, body, 3000), "whole");
	REQUIRE(answer2(r, b0, 256, "b") == EP_NOTHING && asks_block2(r, 1), "next");
	CHECK(answer2(r, (struct block){1, false, 4}, 7, "b") == EP_RESPONSE &&
			r->d.request == req && r->d.msg->payload.n == 263,
		"and is answered");
	end(r);
	close_rig(r);
}

/* An observation that is asked for with a long body. */
static void observed(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	uint8_t token[8];
	open_rig(r);
	REQUIRE(start_as(r, MSG_FETCH, 3000, true, &req) == ERR_OK && asked(r), "observe");
	while (b.more) {
		CHECK(msg_find(&q.plain, OPT_OBSERVE), "every block is one of an Observe");
		REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "next");
	}
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p)) == EP_RESPONSE &&
			req->state == EP_REQ_OBSERVING,
		"it observes");
	ep_delivery_end(r->x, &r->d, &r->t);
	memcpy(token, q.outer.token, 8);
	struct rig_msg first = q;
	rig_turn(r, 10);
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 2) == ERR_OK &&
			block_add(&m, OPT_BLOCK2, (struct block){0, true, 4}) == ERR_OK,
		"options");
	m.payload = span_make(body, 256);
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &first, &m, RIG_OWN_NUMBER, &p)) == EP_NOTHING &&
			rig_sent_n(r) == 2 && rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			!block_get(&q.plain, OPT_BLOCK1, &b) && !b.num && b.more &&
			!msg_find(&q.plain, OPT_BLOCK2) && !msg_find(&q.plain, OPT_OBSERVE),
		"the rest of a notification is asked for with the whole body, from its start");
	while (b.more)
		REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "next");
	CHECK(answer(r, MSG_CONTENT) == EP_NOTIFICATION && r->d.request == req,
		"and told as a notification");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_turn(r, 10);
	REQUIRE(ep_request_cancel(r->x, req, &r->t) == ERR_OK && asked(r), "cancelled");
	got_n = 0;
	CHECK(!b.num && b.more && !memcmp(token, q.outer.token, 8), "by the same request");
	CHECK(asked(r) && follows(r, req, 3000) && !memcmp(token, q.outer.token, 8),
		"in blocks that all have the token of the observation");
	end(r);
	close_rig(r);
}

/* ---- Request-Tag */

static size_t tag_n(void)
{
	const struct opt *o = msg_find(&q.plain, OPT_REQUEST_TAG);
	return o ? o->val.n : 0;
}

static void tags(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = start(r, MSG_PUT, 3000);
	CHECK(!tag_n() && follows(r, req, 3000), "the first body has none");
	end(r);
	req = start(r, MSG_PUT, 3000);
	CHECK(!tag_n(), "nor the second, when all of the first was answered");
	REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "the second block");
	ep_request_end(r->x, req, &r->t);
	req = start(r, MSG_PUT, 3000);
	CHECK(tag_n() == 1, "after one that was given up there is one");
	CHECK(follows(r, req, 3000), "and the body arrives");
	end(r);
	req = start(r, MSG_PUT, 3000);
	CHECK(tag_n() == 1, "from then on: what was given up may still come");
	ep_request_end(r->x, req, &r->t);
	close_rig(r);
	open_rig(r);
	r->server->ssn_next = 70000;
	r->server->untagged = true; /* as after a start */
	req = start(r, MSG_PUT, 3000);
	CHECK(tag_n() == 3 && follows(r, req, 3000), "in a context from before the start, too");
	end(r);
	close_rig(r);
}

/* ---- bearers */

static void bearers(void)
{
	static const struct {
		const char *what;
		enum bearer bearer;
		uint8_t szx;
		uint64_t number;
	} rows[] = {
		{"UDP", BEARER_UDP, 6, 0},
		{"UDP, long numbers", BEARER_UDP, 6, EP_SSN_END_MAX - 1000},
		{"a stream before its CSM", BEARER_TCP, 6, EP_SSN_END_MAX - 1000},
		{"SMS", BEARER_SMS, 2, 0},
		{"SMS, long numbers", BEARER_SMS, 2, EP_SSN_END_MAX - 1000},
	};
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool fit = true;
		open_rig(r);
		r->server->peer->peer.bearer = rows[i].bearer;
		if (rows[i].number) {
			r->dir.ssn_end = EP_SSN_END_MAX;
			r->server->ssn_next = rows[i].number;
			r->server->ssn_gap = (uint32_t)rows[i].number;
		}
		r->server->untagged = rows[i].number;
		struct ep_request *req = start(r, MSG_PUT, 5000);
		CHECK(b.szx == rows[i].szx && b.more, rows[i].what);
		for (; b.more && fit; fit &= asked(r)) {
			fit &= q.n <= bearer_timing(rows[i].bearer)->mtu_bytes;
			fit &= answer(r, MSG_CONTINUE) == EP_NOTHING;
		}
		CHECK(fit && follows(r, req, 5000),
			"no datagram is too long, and it arrives whole");
		end(r);
		close_rig(r);
	}
}

/* One byte more would not fit: what goes along is counted exactly. */
static void filled(void)
{
	static const uint64_t numbers[] = {0, 70000, EP_SSN_END_MAX - 1000};
	struct rig *r = &rig;
	for (size_t i = 0; i < 9; i++) {
		struct ep_request *req;
		size_t fits_n = 0;
		bool observe = i >= 3;
		open_rig(r);
		r->server->peer->peer.bearer = BEARER_SMS;
		r->server->ssn_next = numbers[i % 3];
		r->server->ssn_gap = (uint32_t)numbers[i % 3];
		r->dir.ssn_end = EP_SSN_END_MAX;
		for (size_t n = 64; n < 140; n++) {
			REQUIRE(start_as(r, MSG_FETCH, n, observe, &req) == ERR_OK, "request");
			if (i >= 6) { /* Observe 1 is a byte longer */
				ep_request_end(r->x, req, &r->t);
				REQUIRE(start_as(r, MSG_FETCH, n, true, &req) == ERR_OK, "request");
				ep_request_leave(r->x, req, &r->t);
				req->cancel = true;
				ep_request_enqueue(r->server->conv, req);
				ep_pump(r->x, r->server->conv, &r->t);
			}
			REQUIRE(asked(r), "sent");
			if (!msg_find(&q.plain, OPT_BLOCK1))
				fits_n = q.n;
			ep_request_end(r->x, req, &r->t);
			rig_turn(r, 1);
		}
		CHECK(fits_n == bearer_timing(BEARER_SMS)->mtu_bytes, "a datagram is filled");
		close_rig(r);
	}
}

/* The device goes over to SMS in the middle of it. */
static void moves(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = start(r, MSG_PUT, 5000);
	r->from.bearer = BEARER_SMS;
	CHECK(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r) && b.szx == 2 && b.num == 16 &&
			q.n <= 140,
		"the next block is small, from the same byte on");
	CHECK(follows(r, req, 5000), "and the body arrives whole");
	end(r);
	close_rig(r);
}

static void unprotected(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	struct msg ask, in;
	uint8_t bytes[2048];
	rig_init(r, true);
	r->from.listener = RIG_PLAIN;
	rig_plain(&ask, MSG_PUT, "5/0/0");
	ask.payload = span_make(body, 3000);
	struct ep_request_opts o = {
		.endpoint = r->e, .peer = &r->from, .msg = &ask, .role = REC_ROLE_SERVER};
	REQUIRE(ep_request_start(r->x, &o, &r->t, &req) == ERR_OK, "a request");
	bool good = true, anew = false;
	for (got_n = 0; good && got_n < 3000;) {
		struct span sent = rig_sent(r, 0);
		good = !msg_parse_udp(sent, &in) && !block_get(&in, OPT_BLOCK1, &b) &&
		       sent.n <= 1280 && anew == !!msg_find(&in, OPT_REQUEST_TAG);
		memcpy(got + b.num * 1024, in.payload.p, in.payload.n);
		got_n = b.num * 1024 + in.payload.n;
		bool lost = b.num == 1 && !anew;
		anew |= lost;
		msg_init(&m, MSG_ACK,
			lost     ? MSG_REQUEST_ENTITY_INCOMPLETE
			: b.more ? MSG_CONTINUE
				 : MSG_CHANGED);
		m.mid = in.mid;
		m.token_n = in.token_n;
		memcpy(m.token, in.token, in.token_n);
		REQUIRE(block_add(&m, OPT_BLOCK1, b) == ERR_OK, "block");
		struct writer w = wr_make(bytes, sizeof(bytes));
		REQUIRE(msg_encode_udp(&m, &w) == ERR_OK, "encode");
		rig_turn(r, 10);
		good &= rig_in(r, wr_span(&w)) == (got_n < 3000 ? EP_NOTHING : EP_RESPONSE);
	}
	CHECK(good && anew && !memcmp(got, body, 3000), "without OSCORE, too");
	end(r);
	rig_fini(r);
}

/* ---- it comes to nothing */

static void silent(void)
{
	struct rig *r = &rig;
	struct ep_delivery d = {.kind = EP_NOTHING};
	struct ep_request *behind;
	unsigned n = 0;
	bool same = true;
	open_rig(r);
	struct ep_request *req = start(r, MSG_PUT, 5000);
	REQUIRE(ask_as(r, MSG_GET, false, &behind) == ERR_OK, "another");
	REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "the second block");
	for (int i = 0; i < 200 && d.kind == EP_NOTHING; i++) {
		rig_turn(r, 1000);
		ep_timer(r->x, &r->t, &d);
		for (size_t k = 0; k < rig_sent_n(r) && d.kind == EP_NOTHING; k++, n++)
			same &= span_eq(rig_sent(r, k), span_make(q.bytes, q.n));
	}
	CHECK(d.kind == EP_TIMEOUT && d.request == req && n == 4 && same,
		"a block is retransmitted as it is, then the whole is given up");
	ep_request_end(r->x, req, &r->t);
	CHECK(!rig_sent_n(r), "what waits behind it could still be taken back");
	ep_delivery_end(r->x, &d, &r->t);
	CHECK(rig_sent_n(r) == 1, "then the next request goes");
	ep_request_end(r->x, behind, &r->t);
	close_rig(r);
}

static void given_up(void)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	for (int how = 0; how < 3; how++) {
		open_rig(r);
		struct ep_request *req = start(r, MSG_PUT, 5000);
		REQUIRE(answer(r, MSG_CONTINUE) == EP_NOTHING && asked(r), "the second block");
		if (how == 0) {
			ep_request_end(r->x, req, &r->t);
			CHECK(answer(r, MSG_CONTINUE) == EP_NOTHING && !rig_sent_n(r),
				"ended: an answer that comes late moves nothing");
			close_rig(r);
			continue;
		}
		if (how == 1) {
			ep_context_close(r->x, r->server);
		} else {
			r->server->ssn_next = OSC_SSN_MAX + 1;
			r->server->ssn_left = 0;
			CHECK(answer(r, MSG_CONTINUE) == EP_NOTHING && !rig_sent_n(r),
				"no number for the next block");
		}
		ep_timer(r->x, &r->t, &d);
		CHECK(d.kind == EP_CANCELLED && d.request == req, "it is told, once");
		ep_request_end(r->x, req, &r->t);
		close_rig(r);
	}
}

/* What waits for a device is bounded in bytes, not only by number. */
static void waiting_bytes(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	open_rig(r);
	CHECK(start_as(r, MSG_PUT, 5000, false, &req) == ERR_OK &&
			start_as(r, MSG_PUT, 5000, false, &req) == ERR_OK &&
			r->x->tx_bytes == 10000,
		"twice the limit waits for one device");
	CHECK(start_as(r, MSG_PUT, 1, false, &req) == ERR_LIMIT &&
			start_as(r, MSG_GET, 0, false, &req) == ERR_OK,
		"no more, but what has no body");
	while (r->server->conv->current)
		ep_request_end(r->x, r->server->conv->current, &r->t);
	CHECK(!r->x->tx_bytes, "nothing is counted when all is over");
	close_rig(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 11 + i / 251);
	sizes();
	queued_behind();
	smaller();
	outcomes();
	once();
	continue_what();
	echo();
	both_ways();
	observed();
	tags();
	bearers();
	filled();
	moves();
	unprotected();
	silent();
	given_up();
	waiting_bytes();
	return test_done();
}
