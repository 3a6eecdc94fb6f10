/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to our requests that a proxy has cut outside OSCORE. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

static struct rig_msg whole; /* the device's answer as the proxy has it */
static struct msg ours;      /* what we sent last */
static uint8_t sent[RIG_BYTES];

/* The device answers `to` with n bytes; `observe`: as a notification. The proxy has it now. */
static void device_answers(
	struct rig *r, const struct rig_msg *to, size_t n, bool observe, int flags)
{
	static uint8_t body[2048];
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i / 5);
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(!observe || msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
	m.payload = span_make(body, n);
	rig_reply(r, RIG_SERVER, to, &m, flags, &whole);
}

/* The proxy gives that piece of what it has: as answer to what we sent last if `type` is ACK. */
static enum ep_delivery_kind give(
	struct rig *r, enum msg_type type, struct block b, bool more, bool flip)
{
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct span part;
	struct msg piece;
	rig_turn(r, 10);
	REQUIRE(msg_parse_udp(span_make(whole.bytes, whole.n), &piece) == ERR_OK, "parse");
	if (block_cut(piece.payload, &b, &part))
		part = SPAN_LIT("more than there is");
	b.more = b.more || more;
	piece.type = type;
	piece.payload = part;
	piece.mid = type == MSG_ACK ? ours.mid : r->mid++;
	memcpy(piece.token, ours.token, sizeof(piece.token));
	piece.token_n = ours.token_n;
	REQUIRE(block_add(&piece, OPT_BLOCK2, b) == ERR_OK && msg_encode_udp(&piece, &w) == ERR_OK,
		"encode");
	if (flip)
		bytes[w.n - 1] ^= 1;
	return rig_in(r, wr_span(&w));
}

/* The last datagram of the turn, as the proxy reads it. */
static bool read_ours(struct rig *r)
{
	size_t n = rig_sent_n(r);
	struct span s = n ? rig_sent(r, n - 1) : SPAN_EMPTY;
	memcpy(sent, s.p ? s.p : sent, s.n);
	return n && !msg_parse_udp(span_make(sent, s.n), &ours) && msg_code_is_request(ours.code);
}

static struct block at(uint32_t num, uint8_t szx)
{
	return (struct block){.num = num, .szx = szx};
}

/* Asked for: that piece, by the same OSCORE message, and nothing is encrypted anew. */
static bool asks_for(struct rig *r, uint32_t num, uint8_t szx, const struct rig_msg *first)
{
	struct block b;
	uint64_t next = r->server->ssn_next;
	return read_ours(r) && !block_get(&ours, OPT_BLOCK2, &b) && b.num == num && b.szx == szx &&
	       !b.more && ours.code == first->outer.code && !msg_find(&ours, OPT_OBSERVE) &&
	       span_eq(msg_find(&ours, OPT_OSCORE)->val,
		       msg_find(&first->outer, OPT_OSCORE)->val) &&
	       next == r->server->ssn_next &&
	       (ours.code == MSG_FETCH ? span_eq(ours.payload, first->outer.payload)
				       : !ours.payload.n);
}

static struct ep_request *ask_proxy(struct rig *r, bool observe)
{
	struct ep_request *req = ask(r, observe, &q);
	REQUIRE(read_ours(r), "a request");
	return req;
}

/* From piece `from` on to the end; true if the last one delivers n bytes. */
static bool fetched(struct rig *r, uint32_t from, uint8_t szx, size_t n)
{
	size_t last = (whole.outer.payload.n - 1) / block_size(szx);
	for (uint32_t i = from; i < last; i++)
		if (give(r, MSG_ACK, at(i, szx), false, false) != EP_NOTHING ||
			!asks_for(r, i + 1, szx, &q))
			return false;
	return give(r, MSG_ACK, at((uint32_t)last, szx), false, false) == EP_RESPONSE &&
	       r->d.msg->payload.n == n && r->d.msg->code == MSG_CONTENT;
}

static void parse_whole(void)
{
	REQUIRE(msg_parse_udp(span_make(whole.bytes, whole.n), &whole.outer) == ERR_OK, "parse");
}

/* Proves: 8613-4.1.3.4.2-3 8613-8.4.1-1 */
static void sizes(void)
{
	struct rig *r = &rig;
	static const size_t bytes[] = {60, 1000, 1900};
	open_rig(r);
	for (uint8_t szx = 0; szx <= 6; szx++)
		for (size_t i = 0; i < 3; i++) {
			struct ep_request *req = ask_proxy(r, false);
			device_answers(r, &q, bytes[i], false, 0);
			parse_whole();
			CHECK(fetched(r, 0, szx, bytes[i]) && r->d.request == req && !req->fetch,
				"an answer in pieces is fetched and opened");
			end(r);
		}
	CHECK(!r->x->observing.count && !r->x->exch.by_token.count, "nothing is left");
	rig_fini(r);
}

static void separate(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask_proxy(r, false);
	device_answers(r, &q, 100, false, 0);
	parse_whole();
	CHECK(give(r, MSG_CON, at(0, 2), false, false) == EP_NOTHING && rig_sent_n(r) == 2 &&
			is_empty(rig_sent(r, 0), MSG_ACK, (uint16_t)(r->mid - 1)) &&
			asks_for(r, 1, 2, &q),
		"a separate first piece is acknowledged");
	rig_turn(r, 3100);
	ep_timer(r->x, &r->t, &r->d);
	CHECK(rig_sent_n(r) == 1 &&
			span_eq(rig_sent(r, 0), span_make(req->exch.bytes, req->exch.n)),
		"what asks for the next is sent again");
	CHECK(give(r, MSG_ACK, at(1, 2), false, false) == EP_RESPONSE && r->d.request == req,
		"and the answer comes");
	end(r);
	rig_fini(r);
}

/* What a proxy may give and must not be believed; the request is still waiting after each. */
static void lies(void)
{
	struct rig *r = &rig;
	struct rig_msg other;
	open_rig(r);
	struct ep_request *req = ask_proxy(r, false);
	device_answers(r, &q, 300, false, 0);
	parse_whole();
#define STILL(what, why)                                                                           \
	CHECK((what) == EP_NOTHING && req->state == EP_REQ_SENT && !rig_sent_n(r), why)
	STILL(give(r, MSG_ACK, at(1, 2), false, false), "no first piece");
	CHECK(give(r, MSG_ACK, at(0, 2), false, false) == EP_NOTHING && asks_for(r, 1, 2, &q),
		"the first");
	STILL(give(r, MSG_ACK, at(0, 2), false, false), "the first instead of the second");
	STILL(give(r, MSG_ACK, at(2, 2), false, false), "a gap");
	STILL(give(r, MSG_ACK, at(100, 2), true, false), "far away");
	other = whole;
	device_answers(r, &q, 300, false, RIG_OWN_NUMBER);
	STILL(give(r, MSG_ACK, at(1, 2), false, false), "a piece of another message");
	whole = other;
	CHECK(r->x->count.outer_refused == 5, "all are counted");
	CHECK(fetched(r, 1, 2, 300), "the right one goes on");
	end(r);
	req = ask_proxy(r, false);
	device_answers(r, &q, 100, false, 0);
	parse_whole();
	CHECK(give(r, MSG_ACK, at(0, 2), false, false) == EP_NOTHING && read_ours(r), "first");
	STILL(give(r, MSG_ACK, at(1, 2), false, true), "changed on the way");
	CHECK(r->x->count.answers_ignored == 1, "it does not open");
	rig_fini(r);
}

static bool junk(struct rig *r, uint32_t num)
{
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct msg piece;
	rig_turn(r, 10);
	REQUIRE(msg_parse_udp(span_make(whole.bytes, whole.n), &piece) == ERR_OK, "parse");
	piece.payload = SPAN_LIT("sixteen bytes!!!");
	piece.mid = ours.mid;
	memcpy(piece.token, ours.token, sizeof(piece.token));
	piece.token_n = ours.token_n;
	REQUIRE(block_add(&piece, OPT_BLOCK2, (struct block){num, true, 0}) == ERR_OK &&
			msg_encode_udp(&piece, &w) == ERR_OK,
		"junk");
	return rig_in(r, wr_span(&w)) == EP_NOTHING && rig_sent_n(r);
}

/* A proxy that makes up one piece after another. */
static void endless(void)
{
	struct rig *r = &rig;
	unsigned n = 0;
	size_t bytes = 0;
	open_rig(r);
	struct ep_request *req = ask_proxy(r, false);
	device_answers(r, &q, 1900, false, 0);
	parse_whole();
	while (n < 1000 && junk(r, n) && read_ours(r)) {
		bytes += rig_sent(r, 0).n;
		n++;
	}
	CHECK(n == EP_UNFRAGMENTED_MAX / 16 && req->state == EP_REQ_SENT,
		"4096 bytes are asked for, and no more");
	CHECK(bytes / n < 40, "by small messages");
	rig_fini(r);
}

static void observation(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask_proxy(r, true);
	uint8_t token[MSG_TOKEN_MAX];
	memcpy(token, q.outer.token, sizeof(token));
	device_answers(r, &q, 100, true, 0);
	parse_whole();
	CHECK(give(r, MSG_ACK, at(0, 2), false, false) == EP_NOTHING && asks_for(r, 1, 2, &q) &&
			memcmp(ours.token, token, sizeof(token)) != 0,
		"the rest is asked for without Observe, under another token");
	struct msg rest = ours;
	device_answers(r, &q, 20, true, RIG_OWN_NUMBER);
	CHECK(rig_in(r, span_make(whole.bytes, whole.n)) == EP_NOTHING && !rig_sent_n(r) &&
			req->state == EP_REQ_SENT,
		"a notification meanwhile has to come again");
	rig.piv -= 1;
	device_answers(r, &q, 100, true, 0);
	parse_whole();
	ours = rest;
	CHECK(give(r, MSG_ACK, at(1, 2), false, false) == EP_RESPONSE && r->d.request == req &&
			req->state == EP_REQ_OBSERVING && r->x->observing.count == 1,
		"then it is established");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(rig_in(r, reply(r, &q, MSG_CON, MSG_CONTENT, "x", 0)) == EP_NOTHING,
		"the request's own nonce orders nothing");
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 2) == ERR_OK, "observe");
	rig_turn(r, 10);
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, RIG_OWN_NUMBER, &p)) == EP_NOTIFICATION,
		"notifications come under the first token");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_fini(r);
}

static void notification(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask_proxy(r, true);
	struct rig_msg reg = q;
	REQUIRE(msg_parse_udp(span_make(reg.bytes, reg.n), &reg.outer) == ERR_OK, "parse");
	struct msg registration = reg.outer;
	device_answers(r, &reg, 1, true, 0);
	REQUIRE(rig_in(r, span_make(whole.bytes, whole.n)) == EP_RESPONSE, "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
	device_answers(r, &reg, 300, true, RIG_OWN_NUMBER);
	ours = registration;
	CHECK(give(r, MSG_CON, at(0, 2), false, false) == EP_NOTHING && rig_sent_n(r) == 2 &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q2) && q2.plain.code == MSG_GET &&
			!msg_find(&q2.plain, OPT_OBSERVE) &&
			is_empty(rig_sent(r, 1), MSG_ACK, (uint16_t)(r->mid - 1)),
		"a notification in pieces: the value is read, once it is acknowledged");
	CHECK(give(r, MSG_NON, at(0, 2), false, false) == EP_NOTHING && !rig_sent_n(r) &&
			give(r, MSG_NON, at(0, 2), false, false) == EP_NOTHING && !rig_sent_n(r) &&
			r->server->conv->queue_n == 1,
		"further ones wait behind it, as one");
	device_answers(r, &q2, 10, false, 0);
	CHECK(rig_in(r, span_make(whole.bytes, whole.n)) == EP_NOTIFICATION &&
			r->d.request == req && r->d.msg->payload.n == 10,
		"what was read is the notification");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q2), "and it is read once more");
	rig_fini(r);
}

int main(void)
{
	sizes();
	separate();
	lies();
	endless();
	observation();
	notification();
	return test_done();
}
