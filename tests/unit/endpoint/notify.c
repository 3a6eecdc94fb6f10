/* SPDX-License-Identifier: Apache-2.0 */
/* Observations: their beginning, the order of notifications, long ones, their end (RFC 7641; RFC
 * 8613 sections 4.1.3.5 and 7.4.1). */
#include "tests/unit/endpoint/asking.h"

static struct rig_msg first; /* the observing request */

/* A notification under number r->piv++, or without one. */
static struct span notification(struct rig *r, uint8_t type, const char *payload, int flags)
{
	rig_turn(r, 10);
	msg_init(&m, type, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 5) == ERR_OK, "observe");
	m.payload = span_str(payload);
	return rig_reply(r, RIG_SERVER, &first, &m, flags, &p);
}

static struct ep_request *observe(struct rig *r, int flags)
{
	open_rig(r);
	struct ep_request *req = ask(r, true, &first);
	uint32_t value = 1;
	CHECK(msg_get_uint(&first.plain, OPT_OBSERVE, &value) && value == 0 &&
			first.outer.code == MSG_FETCH,
		"Observe 0, FETCH outside (GEN-03)");
	CHECK(rig_in(r, notification(r, MSG_ACK, "first", flags)) == EP_RESPONSE &&
			r->d.request == req && req->observed && req->state == EP_REQ_OBSERVING,
		"the first response");
	ep_delivery_end(r->x, &r->d, &r->t);
	return req;
}

static bool acked(const struct rig *r)
{
	return rig_sent_n(r) == 1 && is_empty(rig_sent(r, 0), MSG_ACK, m.mid);
}

/* Proves: 8613-4.1.3.5.2-2 8613-4.1.3.5.2-7 8613-7.4.1-1 8613-7.4.1-2 8613-7.4.1-3 8613-7.4.1-4
 * 8613-8-2 8613-8.4.2-1 */
static void ordered(void)
{
	struct rig *r = &rig;
	for (int flags = 0; flags <= RIG_OWN_NUMBER; flags++) {
		struct ep_request *req = observe(r, flags); /* the first may lack a Partial IV */
		r->piv = 40;
		CHECK(rig_in(r, notification(r, MSG_CON, "b", RIG_OWN_NUMBER)) == EP_NOTIFICATION &&
				r->d.request == req && span_eq_str(r->d.msg->payload, "b") &&
				!rig_sent_n(r),
			"a notification, not yet acknowledged");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(acked(r), "but when it has been dealt with");
		memcpy(q.bytes, p.bytes, q.n = p.n);
		rig_turn(r, 10);
		CHECK(rig_in(r, span_make(q.bytes, q.n)) == EP_NOTHING && acked(r),
			"its copy is acknowledged again, and no more");
		r->piv = 39;
		CHECK(rig_in(r, notification(r, MSG_CON, "a", RIG_OWN_NUMBER)) == EP_NOTHING &&
				acked(r),
			"an older one is acknowledged, and no more (IR-05)");
		r->piv = 300;
		CHECK(rig_in(r, notification(r, MSG_NON, "c", RIG_OWN_NUMBER)) == EP_NOTIFICATION,
			"a NON one");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(!rig_sent_n(r), "needs no acknowledgement (IR-04, CT-65)");
		CHECK(rig_in(r, notification(r, MSG_NON, "x", 0)) == EP_NOTHING,
			"a second one without Partial IV is none");
		ep_request_end(r->x, req, &r->t);
		CHECK(rig_in(r, notification(r, MSG_CON, "d", RIG_OWN_NUMBER)) == EP_NOTHING &&
				rig_sent_n(r) == 1 && is_empty(rig_sent(r, 0), MSG_RESET, m.mid),
			"nobody listens any more: RST (IR-02, IR-04)");
		rig_fini(r);
	}
}

/* Neither window nor log know of responses; the address follows. */
static void apart(void)
{
	struct rig *r = &rig;
	observe(r, RIG_OWN_NUMBER);
	struct osc_window w = r->server->window;
	r->from.addr[3] = 7;
	r->piv = 90;
	CHECK(rig_in(r, notification(r, MSG_CON, "b", RIG_OWN_NUMBER)) == EP_NOTIFICATION &&
			r->d.moved && !r->t.batch.n,
		"a notification from elsewhere");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(!memcmp(&w, &r->server->window, sizeof(w)) && r->server->peer->peer.addr[3] == 7,
		"moves the address, not the window");
	r->piv = 50;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &hello)) == EP_REQUEST,
		"a request with a number below");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_fini(r);
}

/* Proves: 8613-4.1.3.5.1-2 */
static void cancelled(void)
{
	struct rig *r = &rig;
	uint32_t value = 0;
	struct ep_request *req = observe(r, RIG_OWN_NUMBER);
	rig_turn(r, 10);
	CHECK(ep_request_cancel(r->x, req, &r->t) == ERR_OK &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			msg_get_uint(&q.plain, OPT_OBSERVE, &value) && value == 1 &&
			!memcmp(q.outer.token, first.outer.token, 8) && q.number > first.number,
		"Observe 1 with the same token, under a new number (IR-02)");
	CHECK(ep_request_cancel(r->x, req, &r->t) == ERR_STATE, "once");
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE &&
			r->d.request == req && !req->observed,
		"its answer ends it");
	end(r);
	CHECK(rig_in(r, notification(r, MSG_CON, "d", RIG_OWN_NUMBER)) == EP_NOTHING &&
			is_empty(rig_sent(r, 0), MSG_RESET, m.mid),
		"a late notification gets RST");
	rig_fini(r);
}

/* A device that does not observe, or says no.
 * Proves: 8613-4.1.3.5.2-5 */
static void not_observed(void)
{
	struct rig *r = &rig;
	for (int bad = 0; bad <= 1; bad++) {
		open_rig(r);
		struct ep_request *req = ask(r, true, &first);
		CHECK(rig_in(r, reply(r, &first, MSG_ACK, bad ? MSG_NOT_FOUND : MSG_CONTENT, "x",
					0)) == EP_RESPONSE &&
				r->d.request == req && !req->observed,
			"a response without Observe establishes nothing (IR-01)");
		end(r);
		rig_fini(r);
	}
}

/* ---- long ones */

static bool fetch(struct rig *r, uint32_t from)
{
	struct block b;
	for (uint32_t i = from; i < 4; i++) {
		if (!rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) ||
			block_get(&q.plain, OPT_BLOCK2, &b) || b.num != i ||
			msg_find(&q.plain, OPT_OBSERVE) ||
			!memcmp(q.outer.token, first.outer.token, 8))
			return false;
		enum ep_delivery_kind k = rig_in(
			r, block_reply(r, &q, (struct block){i, i < 3, 2}, i < 3 ? 64 : 9, 0));
		if (i < 3 && k != EP_NOTHING)
			return false;
	}
	return r->d.msg && r->d.msg->payload.n == 3 * 64 + 9;
}

static struct span long_notification(struct rig *r)
{
	static uint8_t body[64];
	rig_turn(r, 10);
	msg_init(&m, MSG_CON, MSG_CONTENT);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i / 7);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 6) == ERR_OK &&
			block_add(&m, OPT_BLOCK2, (struct block){0, true, 2}) == ERR_OK,
		"options");
	m.payload = SPAN_OF(body);
	return rig_reply(r, RIG_SERVER, &first, &m, RIG_OWN_NUMBER, &p);
}

static void long_ones(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, true, &first);
	CHECK(rig_in(r, block_reply(r, &first, (struct block){0, true, 2}, 64, 4)) == EP_NOTHING,
		"a first response in blocks");
	CHECK(fetch(r, 1) && r->d.kind == EP_RESPONSE && r->d.request == req && req->observed,
		"its rest is fetched without Observe, under other tokens (RFC 7959 2.6) (BLK-04)");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(rig_in(r, long_notification(r)) == EP_NOTHING && rig_sent_n(r) == 2 &&
			is_empty(rig_sent(r, 1), MSG_ACK, m.mid),
		"a notification in blocks is acknowledged");
	CHECK(fetch(r, 1) && r->d.kind == EP_NOTIFICATION && r->d.request == req,
		"and delivered whole");
	ep_delivery_end(r->x, &r->d, &r->t);
	ep_request_end(r->x, req, &r->t);
	rig_fini(r);
}

/* With something else under way the whole of it is read when its turn comes. */
static void long_and_busy(void)
{
	struct rig *r = &rig;
	struct ep_request *req = observe(r, RIG_OWN_NUMBER);
	ask(r, false, &q2);
	CHECK(rig_in(r, long_notification(r)) == EP_NOTHING && acked(r), "acknowledged");
	CHECK(rig_in(r, reply(r, &q2, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE, "the other");
	end(r);
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "then");
	CHECK(!msg_find(&q.plain, OPT_BLOCK2) && !msg_find(&q.plain, OPT_OBSERVE), "a plain read");
	rig_in(r, block_reply(r, &q, (struct block){0, true, 2}, 64, 0));
	CHECK(fetch(r, 1) && r->d.kind == EP_NOTIFICATION && r->d.request == req, "of all of it");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_fini(r);
}

/* No room for one request more: it is not acknowledged, and its copy finds room. */
static void long_and_full(void)
{
	struct rig *r = &rig;
	struct ep_request *other[EP_QUEUE_MAX + 1];
	observe(r, RIG_OWN_NUMBER);
	for (int i = 0; i <= EP_QUEUE_MAX; i++)
		REQUIRE(ask_as(r, MSG_GET, false, &other[i]) == ERR_OK, "room");
	struct span in = long_notification(r);
	memcpy(q2.bytes, in.p, q2.n = in.n);
	CHECK(rig_in(r, in) == EP_NOTHING && !rig_sent_n(r), "not taken, not acknowledged");
	for (int i = EP_QUEUE_MAX; i >= 0; i--)
		ep_request_end(r->x, other[i], &r->t);
	rig_turn(r, 2000);
	CHECK(rig_in(r, span_make(q2.bytes, q2.n)) == EP_NOTHING &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q),
		"its copy is taken");
	rig_fini(r);
}

/* The rest of an observation's first response goes before what waits, however much that is. */
static void begins_full(void)
{
	struct rig *r = &rig;
	struct ep_request *other[EP_QUEUE_MAX];
	struct block b;
	open_rig(r);
	struct ep_request *req = ask(r, true, &first);
	for (int i = 0; i < EP_QUEUE_MAX; i++)
		REQUIRE(ask_as(r, MSG_GET, false, &other[i]) == ERR_OK, "room");
	CHECK(rig_in(r, block_reply(r, &first, (struct block){0, true, 2}, 64, 4)) == EP_NOTHING &&
			rig_sent_n(r) == 1 && rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			!block_get(&q.plain, OPT_BLOCK2, &b) && b.num == 1,
		"its rest is asked for at once");
	CHECK(rig_in(r, block_reply(r, &q, (struct block){1, false, 2}, 5, 0)) == EP_RESPONSE &&
			r->d.request == req && r->d.msg->payload.n == 69 && !rig_sent_n(r),
		"and told");
	ep_delivery_end(r->x, &r->d, &r->t);
	CHECK(rig_sent_n(r) == 1, "then the next in line goes");
	rig_fini(r);
}

/* Its rest does not come: the observation stays, the notification is lost. */
static void rest_is_lost(void)
{
	struct rig *r = &rig;
	struct ep_delivery d = {.kind = EP_NOTHING};
	struct ep_request *req = observe(r, RIG_OWN_NUMBER);
	CHECK(rig_in(r, long_notification(r)) == EP_NOTHING, "in blocks");
	for (int i = 0; i < 300 && r->server->conv && r->server->conv->current; i++) {
		rig_turn(r, 1000);
		ep_timer(r->x, &r->t, &d);
	}
	CHECK(d.kind == EP_NOTHING && req->state == EP_REQ_OBSERVING, "nothing is told");
	r->piv = 700;
	CHECK(rig_in(r, notification(r, MSG_NON, "n", RIG_OWN_NUMBER)) == EP_NOTIFICATION,
		"the next is good");
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_fini(r);
}

int main(void)
{
	ordered();
	apart();
	cancelled();
	not_observed();
	long_ones();
	long_and_busy();
	long_and_full();
	begins_full();
	rest_is_lost();
	return test_done();
}
