/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of a body that an observation told in blocks, when it does not come: the first response
 * ends the request that waits for it, a notification is lost and no more. */
#include "tests/unit/endpoint/asking.h"

static struct rig_msg first; /* the observing request */
static struct ep_request *observation;
static uint32_t value; /* of Observe */

static const struct block b0 = {0, true, 2}, b1 = {1, true, 2};

static struct span with_etag(struct rig *r, const struct rig_msg *to, struct block b, size_t n,
	const char *etag, bool notification)
{
	static uint8_t body[512];
	rig_turn(r, 10);
	msg_init(&m, notification ? MSG_CON : MSG_ACK, MSG_CONTENT);
	REQUIRE(!notification || msg_add_uint(&m, OPT_OBSERVE, ++value) == ERR_OK, "observe");
	REQUIRE(!etag || msg_add(&m, OPT_ETAG, span_str(etag)) == ERR_OK, "etag");
	REQUIRE(block_add(&m, OPT_BLOCK2, b) == ERR_OK, "block");
	m.payload = span_make(body, n);
	return rig_reply(r, RIG_SERVER, to, &m, notification ? RIG_OWN_NUMBER : 0, &p);
}

/* The first block of a notification. */
static void notify(struct rig *r, const char *etag)
{
	CHECK(rig_in(r, with_etag(r, &first, b0, 64, etag, true)) == EP_NOTHING,
		"a notification in blocks");
}

/* An observation; `blocks`: its first response is told by its first block, and q asks for the
 * second. */
static void observe(struct rig *r, bool blocks)
{
	open_rig(r);
	value = 1;
	observation = ask(r, true, &first);
	if (blocks) {
		CHECK(rig_in(r, block_reply(r, &first, b0, 64, value)) == EP_NOTHING, "in blocks");
		REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "the rest is asked for");
		return;
	}
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, value) == ERR_OK, "observe");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &first, &m, 0, &p)) == EP_RESPONSE, "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
}

/* The observation is there, and what comes next is told. */
static void goes_on(struct rig *r)
{
	rig_turn(r, 10);
	CHECK(observation->state == EP_REQ_OBSERVING, "the observation stays");
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, ++value) == ERR_OK, "observe");
	m.payload = SPAN_LIT("next");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &first, &m, RIG_OWN_NUMBER, &p)) ==
				EP_NOTIFICATION &&
			r->d.request == observation && span_eq_str(r->d.msg->payload, "next"),
		"and the next notification is delivered");
	ep_delivery_end(r->x, &r->d, &r->t);
}

static void close_rig(struct rig *r)
{
	struct ep_conversation *v = r->server->conv;
	struct ep_delivery d;
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_NOTHING, "there is nothing more to tell");
	CHECK(!v || (!v->current && !v->queue && !v->queue_n && !v->observations && !v->pinned),
		"nothing is left");
	rig_fini(r);
}

/* ---- the device answers, but not with the rest */

enum ending { ETAG_CHANGES, ETAG_GOES, NOT_FOUND, A_GAP, A_REPEAT };

static const struct {
	const char *what;
	enum ending how;
} endings[] = {
	{"another ETag", ETAG_CHANGES},
	{"an ETag less", ETAG_GOES},
	{"4.04", NOT_FOUND},
	{"a gap", A_GAP},
	{"the first block again", A_REPEAT},
};

static struct span bad_rest(struct rig *r, enum ending how)
{
	struct block gap = {3, true, 2};
	switch (how) {
	case ETAG_CHANGES:
		return with_etag(r, &q, b1, 64, "b", false);
	case ETAG_GOES:
		return with_etag(r, &q, b1, 64, NULL, false);
	case NOT_FOUND:
		return reply(r, &q, MSG_ACK, MSG_NOT_FOUND, "gone", 0);
	case A_GAP:
		return with_etag(r, &q, gap, 64, "a", false);
	case A_REPEAT:
		break;
	}
	return with_etag(r, &q, b0, 64, "a", false);
}

/* The device keeps at it until nothing more is asked for; how often the body was begun. */
static int begun;

static enum ep_delivery_kind keep_at_it(struct rig *r, enum ending how)
{
	struct block b;
	enum ep_delivery_kind kind = EP_NOTHING;
	begun = 1;
	for (int i = 0; i < 20 && kind == EP_NOTHING; i++) {
		bool later = !block_get(&q.plain, OPT_BLOCK2, &b) && b.num;
		begun += !later;
		kind = rig_in(r, later || how == NOT_FOUND ? bad_rest(r, how)
							   : with_etag(r, &q, b0, 64, "a", false));
		if (kind == EP_NOTHING && !rig_sent_n(r))
			break;
		if (kind == EP_NOTHING)
			REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "asked again");
	}
	return kind;
}

/* Of a notification: it is fetched from its start, twice at most; then it is lost, and nothing is
 * told. */
static void rest_is_bad(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		observe(r, false);
		notify(r, "a");
		REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "its rest is asked for");
		enum ep_delivery_kind kind = keep_at_it(r, endings[i].how);
		CHECK(kind == EP_NOTHING && !r->server->conv->current, endings[i].what);
		CHECK(begun == (endings[i].how == NOT_FOUND ? 2 : 3), "after some attempts");
		ep_delivery_end(r->x, &r->d, &r->t);
		goes_on(r);
		notify(r, "a");
		CHECK(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
				rig_in(r, with_etag(r, &q, (struct block){1, false, 2}, 5, "a",
						  false)) == EP_NOTIFICATION &&
				r->d.msg->payload.n == 69,
			"and a long one is whole");
		ep_delivery_end(r->x, &r->d, &r->t);
		ep_request_end(r->x, observation, &r->t);
		close_rig(r);
	}
}

/* Of the first response: who asked is told, once. */
static void first_is_bad(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		open_rig(r);
		value = 1;
		observation = ask(r, true, &first);
		rig_turn(r, 10);
		msg_init(&m, MSG_ACK, MSG_CONTENT);
		REQUIRE(msg_add_uint(&m, OPT_OBSERVE, value) == ERR_OK &&
				msg_add(&m, OPT_ETAG, SPAN_LIT("a")) == ERR_OK &&
				block_add(&m, OPT_BLOCK2, b0) == ERR_OK,
			"options");
		static const uint8_t body[64];
		m.payload = SPAN_OF(body);
		CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &first, &m, 0, &p)) == EP_NOTHING,
			"begun");
		REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "the rest is asked for");
		enum ep_delivery_kind kind = keep_at_it(r, endings[i].how);
		CHECK(begun == (endings[i].how == NOT_FOUND ? 2 : 3), "after some attempts");
		CHECK((kind == EP_CANCELLED ||
			      (kind == EP_RESPONSE && msg_code_class(r->d.msg->code) != 2)) &&
				r->d.request == observation && !observation->awaits_body,
			endings[i].what);
		end(r);
		close_rig(r);
	}
}

/* ---- the device is silent */

/* Until something is told, or a hundred minutes have gone by. */
static enum ep_delivery_kind silence(struct rig *r, struct ep_delivery *d)
{
	d->kind = EP_NOTHING;
	for (int i = 0; i < 6000 && d->kind == EP_NOTHING; i++) {
		rig_turn(r, 1000);
		ep_timer(r->x, &r->t, d);
	}
	return d->kind;
}

/* Later notifications take its place. */
static void first_times_out(void)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	for (int queued = 0; queued < 3; queued++) {
		observe(r, true);
		for (int n = 0; n < queued; n++)
			notify(r, "a");
		CHECK(!r->server->conv->queue_n, "one body is fetched at a time");
		CHECK(silence(r, &d) == EP_TIMEOUT && d.request == observation,
			"no rest: who asked is told, and it is over");
		ep_request_end(r->x, observation, &r->t);
		ep_delivery_end(r->x, &d, &r->t);
		close_rig(r);
	}
}

static void rest_times_out(void)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	observe(r, false);
	notify(r, "a");
	notify(r, "b");
	notify(r, "c");
	CHECK(!r->server->conv->queue_n, "one body is fetched at a time");
	for (int i = 0; i < 600 && r->server->conv && r->server->conv->current; i++) {
		rig_turn(r, 1000);
		ep_timer(r->x, &r->t, &d);
		CHECK(d.kind == EP_NOTHING, "nothing is told");
	}
	goes_on(r);
	ep_request_end(r->x, observation, &r->t);
	close_rig(r);
}

/* ---- it is given up, or cannot be asked for */

static void given_up(void)
{
	struct rig *r = &rig;
	for (int how = 0; how < 4; how++) {
		observe(r, how & 1);
		notify(r, "a");
		notify(r, "a");
		rig_turn(r, 10);
		if (how < 2) {
			ep_request_end(r->x, observation, &r->t);
			close_rig(r);
			continue;
		}
		CHECK(ep_request_cancel(r->x, observation, &r->t) == ERR_OK &&
				!r->server->conv->queue_n &&
				r->server->conv->current == observation &&
				rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q),
			"cancelled, its rests go, and the word of it goes out");
		CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE &&
				r->d.request == observation,
			"whose answer ends it");
		end(r);
		close_rig(r);
	}
}

static void context_goes(void)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	for (int blocks = 0; blocks < 2; blocks++) {
		observe(r, blocks);
		notify(r, "a");
		notify(r, "a");
		ep_context_close(r->x, r->server);
		ep_timer(r->x, &r->t, &d);
		CHECK(d.kind == EP_CANCELLED && d.request == observation,
			"the context goes: the observation is told of, its rests are not");
		ep_request_end(r->x, observation, &r->t);
		close_rig(r);
	}
}

/* Our numbers are used up when the second block is to be asked for. */
static void no_number(void)
{
	struct rig *r = &rig;
	struct ep_request *behind;
	struct ep_delivery d;
	for (int blocks = 0; blocks < 2; blocks++) {
		observe(r, blocks);
		notify(r, "a");
		REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "asked for");
		REQUIRE(ask_as(r, MSG_GET, false, &behind) == ERR_OK, "another request waits");
		r->server->ssn_next = OSC_SSN_MAX + 1;
		r->server->ssn_left = 0;
		CHECK(rig_in(r, with_etag(r, &q, b1, 64, "a", false)) == EP_NOTHING &&
				!rig_sent_n(r),
			"the next block cannot be asked for");
		ep_timer(r->x, &r->t, &d);
		CHECK(d.kind == EP_CANCELLED && d.request == behind, "nor what waits behind it");
		ep_request_end(r->x, behind, &r->t);
		ep_timer(r->x, &r->t, &d);
		CHECK(blocks ? d.kind == EP_CANCELLED && d.request == observation
			     : d.kind == EP_NOTHING,
			"told where somebody waits for it");
		CHECK(!r->server->conv->current && !r->server->conv->queue,
			"what waits cannot go either");
		if (!blocks)
			goes_on(r);
		ep_request_end(r->x, observation, &r->t);
		close_rig(r);
	}
}

int main(void)
{
	rest_is_bad();
	first_is_bad();
	first_times_out();
	rest_times_out();
	given_up();
	context_goes();
	no_number();
	return test_done();
}
