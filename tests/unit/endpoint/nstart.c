/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests of ours under way to one device (RFC 7252 section 4.7): they start in order, and
 * each has its own end. What must not overlap does not. */
#include "tests/unit/endpoint/together.h"

/* ---- in order, and in any */

static const struct {
	const char *what;
	uint8_t all, own, want;
} bounds[] = {
	{"one at a time unless somebody says otherwise", 0, 0, 1},
	{"as many as is said for all", 3, 0, 3},
	{"or for that one, which goes before", 8, 2, 2},
	{"fewer, too", 8, 1, 1},
	{"the most", 0, PACE_NSTART_MAX, PACE_NSTART_MAX},
};

/* The newest is answered first, as long as there is one. */
static void run_bound(struct rig *r, uint8_t all, size_t want, const char *what)
{
	bool starts = true, ends = true;
	r->x->opts.pace.nstart = all;
	for (int i = 0; i < 12; i++)
		ask_more(r, MSG_GET, 0, false);
	CHECK(collect(r) == want, what);
	for (size_t done = 0; done < req_n; done++) {
		size_t i = sent_n;
		while (i && of[i - 1] == DONE)
			i--;
		ends &= i && r->server->conv->current_n <= want && answered(r, i - 1, MSG_CONTENT);
		starts &= collect(r) == (done + want < req_n);
	}
	for (size_t i = 0; i < sent_n; i++)
		starts &= number_in(&sent[i].plain) == (int)i && sent[i].number == i;
	CHECK(starts && sent_n == req_n, "they start in the order in which they were asked");
	CHECK(ends, "an answer is its request's, in whatever order they come (CT-56)");
}

static void all_bounds(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		open_n(r, bounds[i].own);
		run_bound(r, bounds[i].all, bounds[i].want, bounds[i].what);
		close_n(r);
	}
}

/* Lowered, nothing is taken back; raised, more go with the next word. */
static void changes(void)
{
	struct rig *r = &rig;
	struct pace less = {.nstart = 2}, more = {.nstart = 4};
	open_n(r, 3);
	for (int i = 0; i < 8; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3 && !ep_set_pace(r->e, &less), "three are under way");
	CHECK(answered(r, 0, MSG_CONTENT) && !collect(r), "lowered: none more");
	CHECK(answered(r, 2, MSG_CONTENT) && collect(r) == 1, "until there is room");
	REQUIRE(!ep_set_pace(r->e, &more), "raised");
	CHECK(answered(r, 1, MSG_CONTENT) && collect(r) == 3, "more");
	for (size_t i = 3; i < 8; i++) {
		CHECK(answered(r, i, MSG_CONTENT), "all end");
		(void)collect(r);
	}
	close_n(r);
}

static void full(void)
{
	struct rig *r = &rig;
	struct ep_request *one;
	open_n(r, 8);
	for (int i = 0; i < 8 + EP_QUEUE_MAX; i++)
		ask_more(r, MSG_GET, 0, false);
	CHECK(ask_as(r, MSG_GET, false, &one) == ERR_LIMIT, "what waits is bounded as ever");
	CHECK(collect(r) == 8, "eight are under way");
	while (req_n)
		ep_request_end(r->x, req[--req_n], &r->t);
	close_n(r);
}

/* Bodies that wait are bounded with those under way. */
static void full_of_bytes(void)
{
	struct rig *r = &rig;
	struct msg ask;
	struct ep_request *one;
	static uint8_t small[900];
	open_n(r, 8);
	r->x->opts.body_limit_bytes = sizeof(small) * 3 / 2;
	rig_plain(&ask, MSG_PUT, "3/0/0");
	ask.payload = SPAN_OF(small);
	struct ep_request_opts o = {
		.endpoint = r->e, .ctx = r->server, .msg = &ask, .role = REC_ROLE_SERVER};
	for (int i = 0; i < 3; i++)
		REQUIRE(!ep_request_start(r->x, &o, &r->t, &req[req_n++]), "a body");
	CHECK(collect(r) == 3 && ep_request_start(r->x, &o, &r->t, &one) == ERR_LIMIT,
		"twice the limit is on its way, and no more");
	while (req_n)
		ep_request_end(r->x, req[--req_n], &r->t);
	CHECK(!r->x->tx_bytes, "nothing is counted when all is over");
	close_n(r);
}

/* ---- not too far behind one that may be sent again */

/* A device that keeps its last nstart answers knows each copy (RFC 7252 section 4.5). */
static void not_too_far(void)
{
	struct rig *r = &rig;
	open_n(r, 3);
	at_leisure = false;
	for (int i = 0; i < 8; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3, "three");
	CHECK(answered(r, 1, MSG_CONTENT) && answered(r, 2, MSG_CONTENT) && !collect(r),
		"nothing goes further behind one that may come again");
	CHECK(answered(r, 0, MSG_CONTENT) && collect(r) == 3, "when it is answered others go");
	CHECK(answered(r, 4, MSG_CONTENT) && answered(r, 5, MSG_CONTENT) && !collect(r), "again");
	acknowledge(r, 3);
	CHECK(collect(r) == 2, "or when it is acknowledged, for it does not come again then");
	CHECK(answered(r, 3, MSG_CONTENT) && answered(r, 7, MSG_CONTENT) &&
			answered(r, 6, MSG_CONTENT),
		"all end");
	close_n(r);
}

/* Nor do blocks, and they go on where they were. */
static void blocks_not_too_far(bool times_out)
{
	struct rig *r = &rig;
	struct block b;
	open_n(r, 3);
	at_leisure = false;
	ask_more(r, MSG_GET, 0, false);
	ask_more(r, MSG_PUT, BODY, false);
	REQUIRE(collect(r) == 2 && goes_on(r, 1, MSG_CONTINUE, NULL) && collect(r) == 1, "two");
	CHECK(goes_on(r, 2, MSG_CONTINUE, NULL) && !collect(r) &&
			r->server->conv->queue == req[1] && !ep_request_acted(req[1]),
		"a third block would be too far: it waits");
	for (r->d.kind = EP_NOTHING; times_out && r->d.kind != EP_TIMEOUT;) {
		rig_turn(r, 3000);
		ep_timer(r->x, &r->t, &r->d);
	}
	if (times_out)
		end(r);
	else
		CHECK(answered(r, 0, MSG_CONTENT), "the other is answered");
	CHECK(collect(r) == 1 && of[3] == 1 && !block_get(&sent[3].plain, OPT_BLOCK1, &b) &&
			b.num == 2 && !b.more,
		"until the other has its end, and is the third still");
	CHECK(answered(r, 3, MSG_CHANGED), "it arrives whole");
	close_n(r);
}

/* Likewise blocks of an answer, of what may have been done already. */
static void answer_not_too_far(void)
{
	struct rig *r = &rig;
	struct block b;
	static uint8_t part[16];
	open_n(r, 2);
	at_leisure = false;
	ask_more(r, MSG_GET, 0, false);
	ask_more(r, MSG_POST, 0, false);
	REQUIRE(collect(r) == 2, "two");
	msg_init(&m, MSG_ACK, MSG_CHANGED);
	REQUIRE(!block_add(&m, OPT_BLOCK2, (struct block){0, true, 0}), "block");
	m.payload = SPAN_OF(part);
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[1], &m, 0, &p)) == EP_NOTHING &&
			!collect(r) && r->server->conv->queue == req[1] && ep_request_acted(req[1]),
		"the rest of its answer waits, and nobody takes it for one that never left");
	CHECK(answered(r, 0, MSG_CONTENT) && collect(r) == 1 && of[2] == 1 &&
			!block_get(&sent[2].plain, OPT_BLOCK2, &b) && b.num == 1,
		"then it is asked for");
	msg_init(&m, MSG_ACK, MSG_CHANGED);
	REQUIRE(!block_add(&m, OPT_BLOCK2, (struct block){1, false, 0}), "block");
	m.payload = span_make(part, 5);
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[2], &m, 0, &p)) == EP_RESPONSE &&
			r->d.request == req[1] && r->d.msg->payload.n == 21,
		"and told whole");
	end(r);
	close_n(r);
}

/* ---- other ends than an answer */

static void given_up(void)
{
	struct rig *r = &rig;
	open_n(r, 3);
	for (int i = 0; i < 5; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3, "three");
	ep_request_end(r->x, req[1], &r->t);
	CHECK(collect(r) == 1 && of[3] == 3, "the next goes in its place");
	ep_request_end(r->x, req[4], &r->t);
	CHECK(!collect(r), "one that waits can be taken back");
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[1], &m, 0, &p)) == EP_NOTHING,
		"an answer to what was given up is nobody's");
	CHECK(answered(r, 3, MSG_CONTENT) && answered(r, 0, MSG_CONTENT) &&
			answered(r, 2, MSG_CONTENT),
		"the others have theirs");
	close_n(r);
}

static void silent(void)
{
	struct rig *r = &rig;
	int timeouts = 0, repeats = 0;
	bool same = true;
	open_n(r, 3);
	at_leisure = false;
	for (int i = 0; i < 4; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3 && answered(r, 0, MSG_CONTENT) && collect(r) == 1, "one answers");
	for (int i = 0; i < 1000 && timeouts < 3; i++) {
		uint64_t due = ep_deadline_ms(r->x);
		rig_turn(r, due > r->now_ms ? due - r->now_ms : 0);
		ep_timer(r->x, &r->t, &r->d);
		for (size_t k = 0; k < rig_sent_n(r); k++, repeats++) {
			bool known = false;
			for (size_t s = 0; s < sent_n; s++)
				known |= span_eq(
					rig_sent(r, k), span_make(sent[s].bytes, sent[s].n));
			same &= known;
		}
		if (r->d.kind != EP_TIMEOUT)
			continue;
		same &= r->d.request == req[1] || r->d.request == req[2] || r->d.request == req[3];
		timeouts++;
		end(r);
	}
	CHECK(timeouts == 3 && repeats == 12 && same,
		"each is sent again as it was, and ends in its own time");
	CHECK(ep_exchange_counters(r->x)->timeouts == 3, "counted");
	close_n(r);
}

static void closed(void)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	unsigned told = 0;
	open_n(r, 4);
	for (int i = 0; i < 6; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 4, "four");
	ep_context_close(r->x, r->server);
	for (ep_timer(r->x, &r->t, &d); d.kind == EP_CANCELLED; ep_timer(r->x, &r->t, &d)) {
		for (unsigned i = 0; i < 6; i++)
			told |= d.request == req[i] ? 1u << i : 0;
		ep_request_end(r->x, d.request, &r->t);
	}
	CHECK(told == 63 && !r->server->conv, "with its context each ends, and says so");
	CHECK(!r->x->exch.by_mid.count && !r->x->exch.by_token.count, "and nothing is waited for");
	rig_fini(r);
}

/* ---- bodies */

/* A body in blocks, another, and a Read behind them. */
static void bodies(void)
{
	struct rig *r = &rig;
	struct block b;
	size_t blocks = 0;
	open_n(r, 4);
	ask_more(r, MSG_GET, 0, false);
	ask_more(r, MSG_PUT, BODY, false);
	ask_more(r, MSG_GET, 0, false);
	ask_more(r, MSG_PUT, 10, false);
	ask_more(r, MSG_GET, 0, false);
	CHECK(collect(r) == 3 && of[2] == 2, "what has no body goes beside a body in blocks");
	for (size_t i = 1; !block_get(&sent[i].plain, OPT_BLOCK1, &b) && b.more; i = sent_n - 1) {
		CHECK(b.num == blocks++ && goes_on(r, i, MSG_CONTINUE, NULL) && collect(r) == 1 &&
				of[sent_n - 1] == 1,
			"one block is on its way at a time (BLK-01)");
	}
	CHECK(blocks == 2 && r->server->conv->queue_n == 2,
		"another body waits for its end, and what is behind that waits too");
	CHECK(answered(r, 0, MSG_CONTENT) && !collect(r), "also when there is room");
	CHECK(answered(r, sent_n - 1, MSG_CHANGED) && collect(r) == 2 && of[sent_n - 2] == 3 &&
			of[sent_n - 1] == 4,
		"then they go");
	CHECK(answered(r, sent_n - 1, MSG_CONTENT) && answered(r, sent_n - 2, MSG_CHANGED) &&
			answered(r, 2, MSG_CONTENT),
		"and end");
	close_n(r);
}

static bool has_tag(const struct rig_msg *s)
{
	return msg_find(&s->plain, OPT_REQUEST_TAG) != NULL;
}

/* Two that went whole, and are wanted in blocks: one after the other, each under its own tag. */
static void refused_whole(void)
{
	struct rig *r = &rig;
	struct block b;
	open_n(r, 4);
	ask_more(r, MSG_PUT, 100, false);
	ask_more(r, MSG_PUT, 100, false);
	ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3 && block_get(&sent[0].plain, OPT_BLOCK1, &b), "whole");
	struct rig_msg tag[2];
	for (size_t i = 0; i < 2; i++) {
		msg_init(&m, MSG_ACK, MSG_TOO_LARGE);
		REQUIRE(!block_add(&m, OPT_BLOCK1, (struct block){.szx = 2}), "64 at a time");
		of[i] = DONE;
		CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[i], &m, 0, &p)) == EP_NOTHING &&
				collect(r) == !i,
			"the first begins anew in blocks, the other waits for it");
	}
	tag[0] = sent[3];
	CHECK(of[3] == 0 && has_tag(&sent[3]) && goes_on(r, 3, MSG_CONTINUE, NULL) &&
			collect(r) == 1 && answered(r, 4, MSG_CHANGED) && collect(r) == 1,
		"to its end");
	tag[1] = sent[5];
	CHECK(of[5] == 1 && has_tag(&sent[5]) &&
			!span_eq(msg_find(&tag[0].plain, OPT_REQUEST_TAG)->val,
				msg_find(&tag[1].plain, OPT_REQUEST_TAG)->val),
		"then the second, which cannot be taken for the first (RFC 9175 section 3.3)");
	CHECK(goes_on(r, 5, MSG_CONTINUE, NULL) && collect(r) == 1 && answered(r, 6, MSG_CHANGED) &&
			answered(r, 2, MSG_CONTENT),
		"all end");
	close_n(r);
}

static enum err read_body(void *arg, size_t at, uint8_t *buf, size_t n)
{
	(void)arg;
	memcpy(buf, body + at, n);
	return ERR_OK;
}

/* Between the blocks of a source another body goes, also without keys: there it needs a tag. */
static void beside_a_source(void)
{
	struct rig *r = &rig;
	struct ep_source s = {.n = BODY, .read = read_body};
	struct msg ask, out[2];
	struct ep_request *one;
	open_n(r, 2);
	r->from.listener = RIG_PLAIN;
	rig_plain(&ask, MSG_PUT, "5/0/0");
	struct ep_request_opts o = {.endpoint = r->e,
		.peer = &r->from,
		.msg = &ask,
		.source = &s,
		.role = REC_ROLE_SERVER};
	REQUIRE(!ep_request_start(r->x, &o, &r->t, &one), "from a source");
	o.source = NULL;
	ask.payload = span_make(body, BODY);
	REQUIRE(!ep_request_start(r->x, &o, &r->t, &one), "from memory");
	REQUIRE(rig_sent_n(r) == 2, "both are under way");
	for (size_t i = 0; i < 2; i++)
		REQUIRE(!msg_parse_udp(rig_sent(r, i), &out[i]), "a request");
	CHECK(!msg_find(&out[0], OPT_REQUEST_TAG) && msg_find(&out[1], OPT_REQUEST_TAG),
		"the one cannot be taken for the other (RFC 9175 section 3.3)");
	CHECK(out[0].mid != out[1].mid && !span_eq(span_make(out[0].token, out[0].token_n),
						  span_make(out[1].token, out[1].token_n)),
		"nor their answers");
	/* A Reset is the end of its message's request alone. */
	uint8_t reset[] = {0x70, 0, (uint8_t)(out[1].mid >> 8), (uint8_t)out[1].mid};
	CHECK(rig_in(r, SPAN_OF(reset)) == EP_CANCELLED && r->d.request == one, "one is rejected");
	end(r);
	rig_fini(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 11 + i / 251);
	all_bounds();
	changes();
	full();
	full_of_bytes();
	not_too_far();
	blocks_not_too_far(false);
	blocks_not_too_far(true);
	answer_not_too_far();
	given_up();
	silent();
	closed();
	bodies();
	refused_whole();
	beside_a_source();
	return test_done();
}
