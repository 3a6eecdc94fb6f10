/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests of ours under way, and what happens meanwhile: keys are in doubt, the device
 * moves, its connection ends, what is observed changes. */
#include "tests/unit/endpoint/together.h"

/* ---- keys in doubt */

static void challenged(void)
{
	struct rig *r = &rig;
	uint64_t numbers = 0;
	open_n(r, 3);
	for (int i = 0; i < 5; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3, "three");
	CHECK(goes_on(r, 0, MSG_UNAUTHORIZED, "one") && collect(r) == 1 && of[3] == 0,
		"a challenge is answered (CT-55)");
	CHECK(goes_on(r, 1, MSG_UNAUTHORIZED, "two") && !collect(r) &&
			answered(r, 2, MSG_CONTENT) && !collect(r),
		"nothing goes before its outcome is known, the answer to another challenge "
		"neither");
	CHECK(answered(r, 3, MSG_CONTENT) && collect(r) == 1 && of[4] == 1,
		"then that goes, alone");
	const struct opt *echo = msg_find(&sent[4].plain, OPT_ECHO);
	CHECK(echo && span_eq_str(echo->val, "two"), "with what it was challenged by");
	CHECK(answered(r, 4, MSG_CONTENT) && collect(r) == 2, "then the others");
	CHECK(answered(r, 6, MSG_CONTENT) && answered(r, 5, MSG_CONTENT), "and end");
	for (size_t i = 0; i < sent_n; i++)
		numbers |= UINT64_C(1) << sent[i].number;
	CHECK(sent_n == 7 && numbers == 127, "no number was used twice");
	close_n(r);
}

/* A challenge within a body: what waited for its outcome alone goes when the block is taken. */
static void challenged_block(void)
{
	struct rig *r = &rig;
	open_n(r, 3);
	ask_more(r, MSG_PUT, BODY, false);
	REQUIRE(collect(r) == 1 && goes_on(r, 0, MSG_CONTINUE, NULL) && collect(r) == 1, "a block");
	CHECK(goes_on(r, 1, MSG_UNAUTHORIZED, "one") && collect(r) == 1, "is challenged");
	ask_more(r, MSG_GET, 0, false);
	CHECK(!collect(r), "nothing starts");
	CHECK(goes_on(r, 2, MSG_CONTINUE, NULL) && collect(r) == 2, "then it does");
	CHECK(answered(r, 4, MSG_CONTENT) && answered(r, 3, MSG_CHANGED), "beside the body");
	close_n(r);
}

static void hint(struct rig *r, size_t i)
{
	const struct msg *o = &sent[i].outer;
	uint8_t plain[] = {
		0x68, 0x81, (uint8_t)(o->mid >> 8), (uint8_t)o->mid, 0, 0, 0, 0, 0, 0, 0, 0};
	memcpy(plain + 4, o->token, 8);
	CHECK(rig_in(r, SPAN_OF(plain)) == EP_NOTHING && r->server->conv->begin,
		"a device that seems to have lost its keys is offered new ones");
	rig_turn(r, 10);
}

/* The offer is made because of a hint, which anybody can forge: what is under way stays, and one at
 * a time goes on as ever. */
static void offered_keys(void)
{
	struct rig *r = &rig;
	open_n(r, 3);
	for (int i = 0; i < 5; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3, "three");
	hint(r, 1);
	CHECK(answered(r, 0, MSG_CONTENT) && !collect(r) && answered(r, 1, MSG_CONTENT) &&
			!collect(r),
		"meanwhile nothing starts beside another");
	CHECK(answered(r, 2, MSG_CONTENT) && collect(r) == 1, "but one alone does");
	ep_inputs_told(r->x, r->server->id, ERR_NOTFOUND, SPAN_EMPTY, SPAN_EMPTY, r->now_ms);
	CHECK(!r->server->conv->begin && answered(r, 3, MSG_CONTENT) && collect(r) == 1 &&
			answered(r, 4, MSG_CONTENT),
		"it ends");
	ask_more(r, MSG_GET, 0, false);
	ask_more(r, MSG_GET, 0, false);
	CHECK(collect(r) == 2 && answered(r, 5, MSG_CONTENT) && answered(r, 6, MSG_CONTENT),
		"and all is as before");
	close_n(r);
}

/* No number of ours is left after the second. */
static void used_up(void)
{
	struct rig *r = &rig;
	unsigned told = 0;
	open_n(r, 4);
	ask_more(r, MSG_GET, 0, false);
	for (int i = 0; i < 2; i++)
		ask_more(r, MSG_PUT, BODY, false);
	REQUIRE(collect(r) == 2, "two, and a third waits");
	r->server->ssn_next = OSC_SSN_MAX + 1;
	r->server->ssn_left = 0;
	CHECK(goes_on(r, 1, MSG_CONTINUE, NULL) && !collect(r), "no number for a block");
	for (ep_timer(r->x, &r->t, &r->d); r->d.kind == EP_CANCELLED;
		ep_timer(r->x, &r->t, &r->d)) {
		told |= r->d.request == req[1] ? 1 : r->d.request == req[2] ? 2 : 4;
		CHECK(r->d.request->spent, "and says why");
		end(r);
	}
	CHECK(told == 3 && answered(r, 0, MSG_CONTENT), "both end; the other is still answered");
	close_n(r);
}

/* ---- addresses */

static void moved(void)
{
	struct rig *r = &rig;
	open_n(r, 2);
	for (int i = 0; i < 2; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 2, "two");
	r->from.addr[3] = 2;
	CHECK(answered(r, 1, MSG_CONTENT) && r->server->peer->peer.addr[3] == 2,
		"the answer to the newer shows where the device is now");
	r->from.addr[3] = 1;
	CHECK(answered(r, 0, MSG_CONTENT) && r->server->peer->peer.addr[3] == 2,
		"a late one to the older does not take that back");
	ask_more(r, MSG_GET, 0, false);
	CHECK(rig_sent_to(r, 0)->addr[3] == 2 && collect(r) == 1, "it is asked there");
	r->from.addr[3] = 3;
	CHECK(answered(r, 2, MSG_CONTENT) && r->server->peer->peer.addr[3] == 3, "and moves on");
	close_n(r);
}

/* What is sent again goes to where the device is now, whichever it was sent to. */
static void moved_meanwhile(void)
{
	struct rig *r = &rig;
	size_t n = 0;
	open_n(r, 3);
	at_leisure = false;
	for (int i = 0; i < 3; i++)
		ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 3, "three");
	r->from.addr[3] = 2;
	REQUIRE(answered(r, 2, MSG_CONTENT), "an answer from elsewhere");
	rig_turn(r, 3100);
	ep_timer(r->x, &r->t, &r->d);
	for (size_t i = 0; i < rig_sent_n(r); i++)
		n += rig_sent_to(r, i)->addr[3] == 2;
	CHECK(n == 2 && rig_sent_n(r) == 2, "the other two are sent again, there");
	for (size_t i = 0; i < 2; i++)
		CHECK(answered(r, i, MSG_CONTENT), "and answered");
	close_n(r);
}

/* ---- a connection */

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

static void speaks(struct rig *r, const struct peer *by)
{
	r->from = *by;
	REQUIRE(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "the device speaks");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_turn(r, 10);
}

static void connection(void)
{
	struct rig *r = &rig;
	struct peer one = tcp(1), two = tcp(2);
	unsigned told = 0;
	open_n(r, 3);
	speaks(r, &one);
	for (int i = 0; i < 6; i++)
		ask_more(r, MSG_GET, 0, false);
	CHECK(collect(r) == 3, "over a stream it bounds what is not yet answered");
	CHECK(answered(r, 1, MSG_CONTENT) && collect(r) == 1, "in any order, too");
	ep_closed(r->x, &one, &r->t);
	REQUIRE(rig_sent_n(r) == 2, "what waited is tried by the connection that ends");
	for (size_t i = 0; i < 2; i++)
		ep_unsent(r->x, &one, rig_sent(r, i));
	rig_turn(r, 0);
	for (ep_timer(r->x, &r->t, &r->d); r->d.kind == EP_TIMEOUT; ep_timer(r->x, &r->t, &r->d)) {
		for (unsigned i = 0; i < 6; i++)
			told |= r->d.request == req[i] ? 1u << i : 0;
		end(r);
	}
	CHECK(told == (1 | 4 | 8), "what went by it has no answer, and each is told");
	REQUIRE(!collect(r), "nothing goes nowhere");
	speaks(r, &two);
	ep_timer(r->x, &r->t, &r->d);
	sent_n = 0;
	CHECK(r->d.kind == EP_NOTHING && collect(r) == 2 && of[0] == 4 && of[1] == 5,
		"the others wait until the device is heard of again, and go in their order");
	CHECK(answered(r, 1, MSG_CONTENT) && answered(r, 0, MSG_CONTENT), "and are answered");
	close_n(r);
}

/* ---- observations */

static struct span observed(struct rig *r, const struct rig_msg *to, struct block *b, char c)
{
	static uint8_t text[64];
	uint8_t etag = (uint8_t)c;
	memset(text, c, sizeof(text));
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(!msg_add(&m, OPT_ETAG, span_make(&etag, 1)) && !msg_add_uint(&m, OPT_OBSERVE, 1) &&
			(!b || !block_add(&m, OPT_BLOCK2, *b)),
		"observe");
	m.payload = SPAN_OF(text);
	return rig_reply(r, RIG_SERVER, to, &m, RIG_OWN_NUMBER, &p);
}

static bool observes(struct rig *r, size_t i)
{
	bool good = rig_in(r, observed(r, &sent[i], NULL, 'a')) == EP_RESPONSE &&
		    r->d.request == req[of[i]] && req[of[i]]->state == EP_REQ_OBSERVING;
	ep_delivery_end(r->x, &r->d, &r->t);
	return good;
}

/* Those that are observed count until they are. */
static void observations(void)
{
	struct rig *r = &rig;
	struct block first = {0, true, 2}, last = {1, false, 2};
	open_n(r, 2);
	for (int i = 0; i < 3; i++)
		ask_more(r, MSG_GET, 0, true);
	CHECK(collect(r) == 2 && observes(r, 1) && collect(r) == 1 && observes(r, 0) &&
			observes(r, 2),
		"set up two at a time, and then they cost no place");
	/* Long notifications of both: the rest of each is fetched beside the other. */
	for (size_t i = 0; i < 2; i++)
		CHECK(rig_in(r, observed(r, &sent[i], &first, 'b')) == EP_NOTHING &&
				collect(r) == 1,
			"the rest of two is fetched at once");
	CHECK(rig_in(r, observed(r, &sent[2], &first, 'b')) == EP_NOTHING && !collect(r),
		"that of a third waits");
	for (size_t i = 0; i < 2; i++) {
		size_t child = 4 - i;
		msg_init(&m, MSG_ACK, MSG_CONTENT);
		REQUIRE(!msg_add(&m, OPT_ETAG, SPAN_LIT("b")) && !block_add(&m, OPT_BLOCK2, last),
			"block");
		CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[child], &m, 0, &p)) ==
					EP_NOTIFICATION &&
				r->d.request == req[1 - i],
			"and each is told of its own observation");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(collect(r) == !i, "then the third");
	}
	/* The same once more is known by its ETag, whatever else is on its way. */
	ask_more(r, MSG_GET, 0, false);
	REQUIRE(collect(r) == 1 && of[6] == 3, "a Read beside it");
	ep_request_end(r->x, r->server->conv->current, &r->t);
	REQUIRE(rig_in(r, observed(r, &sent[2], &first, 'b')) == EP_NOTHING && collect(r) == 1,
		"fetched beside the Read");
	CHECK(rig_in(r, observed(r, &sent[2], &first, 'b')) == EP_NOTHING && !collect(r),
		"a copy is not fetched again");
	CHECK(answered(r, 6, MSG_CONTENT), "the Read is answered");
	/* A newer value while that is fetched: the older one is given up. */
	CHECK(rig_in(r, observed(r, &sent[2], NULL, 'c')) == EP_NOTIFICATION &&
			r->d.request == req[2],
		"a newer one is told at once");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(!r->server->conv->current && !collect(r), "and the older one given up");
	for (int i = 0; i < 3; i++)
		ep_request_end(r->x, req[i], &r->t);
	close_n(r);
}

/* One that was challenged, and whose first value is long: what waited for its proof goes beside the
 * rest of that. */
static void observed_in_blocks(void)
{
	struct rig *r = &rig;
	struct block b0 = {0, true, 2}, b1 = {1, false, 2};
	open_n(r, 3);
	at_leisure = false;
	ask_more(r, MSG_GET, 0, true);
	REQUIRE(collect(r) == 1 && goes_on(r, 0, MSG_UNAUTHORIZED, "one") && collect(r) == 1,
		"it is challenged");
	ask_more(r, MSG_GET, 0, false);
	CHECK(!collect(r), "a Read waits");
	CHECK(rig_in(r, observed(r, &sent[1], &b0, 'a')) == EP_NOTHING && collect(r) == 2,
		"and goes, as does the next block");
	CHECK(answered(r, 3, MSG_CONTENT), "it is answered");
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(!msg_add(&m, OPT_ETAG, SPAN_LIT("a")) && !block_add(&m, OPT_BLOCK2, b1), "block");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[2], &m, 0, &p)) == EP_RESPONSE &&
			r->d.request == req[0] && r->d.msg->payload.n == 64,
		"and the value told whole");
	ep_delivery_end(r->x, &r->d, &r->t);
	ep_request_end(r->x, req[0], &r->t);
	close_n(r);
}

/* Behind an observation's end nothing is observed before that is known: a device may know one
 * observation of a path. */
static void observed_anew(void)
{
	struct rig *r = &rig;
	open_n(r, 4);
	ask_more(r, MSG_GET, 0, true);
	REQUIRE(collect(r) == 1 && observes(r, 0), "observed");
	rig_turn(r, 10);
	REQUIRE(!ep_request_cancel(r->x, req[0], &r->t), "cancelled");
	ask_more(r, MSG_GET, 0, false);
	ask_more(r, MSG_GET, 0, true);
	CHECK(collect(r) == 2 && of[2] == 1, "a Read goes beside its end, no Observe");
	CHECK(answered(r, 1, MSG_CONTENT) && collect(r) == 1 && of[3] == 2 && observes(r, 3),
		"but then");
	CHECK(answered(r, 2, MSG_CONTENT), "all end");
	ep_request_end(r->x, req[2], &r->t);
	close_n(r);
}

/* Values behind a proxy that cuts: read anew, one after the other, or the older would be told last.
 */
static void read_anew(void)
{
	struct rig *r = &rig;
	open_n(r, 4);
	ask_more(r, MSG_GET, 0, true);
	REQUIRE(collect(r) == 1 && observes(r, 0), "observed");
	for (int i = 0; i < 3; i++) {
		rig_turn(r, 10);
		struct span s = observed(r, &sent[0], NULL, 'x');
		struct msg cut;
		uint8_t bytes[RIG_BYTES];
		struct writer w = wr_make(bytes, sizeof(bytes));
		REQUIRE(!msg_parse_udp(s, &cut) &&
				!block_add(&cut, OPT_BLOCK2, (struct block){0, true, 2}) &&
				!msg_encode_udp(&cut, &w),
			"a piece");
		CHECK(rig_in(r, wr_span(&w)) == EP_NOTHING && collect(r) == !i,
			"the value is read, once at a time");
	}
	CHECK(r->server->conv->queue_n == 1, "and once more");
	for (size_t i = 1; i <= 2; i++) {
		msg_init(&m, MSG_ACK, MSG_CONTENT);
		CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &sent[i], &m, 0, &p)) == EP_NOTIFICATION,
			"told");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(collect(r) == (i == 1), "then the newer");
	}
	ep_request_end(r->x, req[0], &r->t);
	close_n(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 11 + i / 251);
	challenged();
	challenged_block();
	offered_keys();
	used_up();
	moved();
	moved_meanwhile();
	connection();
	observations();
	observed_in_blocks();
	observed_anew();
	read_anew();
	return test_done();
}
