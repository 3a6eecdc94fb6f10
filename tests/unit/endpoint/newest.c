/* SPDX-License-Identifier: Apache-2.0 */
/* A notification that comes while the rest of an older one is being fetched: the newest wins, and
 * nothing is told twice (RFC 7641 section 3.4, RFC 7959 section 2.6). */
#include "tests/unit/endpoint/asking.h"

static struct rig_msg first; /* the observing request */
static struct ep_request *observation, *behind;
static uint32_t value; /* of Observe */
static uint8_t old_body[512], new_body[512];

static const struct block b0 = {0, true, 2}, b1 = {1, true, 2}, last = {1, false, 2};

/* A block of a body in answer to `to`, which is `first` for a notification. */
static enum ep_delivery_kind block_of(struct rig *r, const struct rig_msg *to, const uint8_t *body,
	struct block b, const char *etag)
{
	bool notification = to == &first;
	rig_turn(r, 10);
	msg_init(&m, notification ? MSG_CON : MSG_ACK, MSG_CONTENT);
	REQUIRE(!notification || msg_add_uint(&m, OPT_OBSERVE, ++value) == ERR_OK, "observe");
	REQUIRE(!etag || msg_add(&m, OPT_ETAG, span_str(etag)) == ERR_OK, "etag");
	REQUIRE(block_add(&m, OPT_BLOCK2, b) == ERR_OK, "block");
	m.payload = span_make(body + b.num * 64, 64);
	return rig_in(r, rig_reply(r, RIG_SERVER, to, &m, notification ? RIG_OWN_NUMBER : 0, &p));
}

static enum ep_delivery_kind short_one(struct rig *r, uint8_t code)
{
	rig_turn(r, 10);
	msg_init(&m, MSG_CON, code);
	REQUIRE(msg_code_class(code) != 2 || msg_add_uint(&m, OPT_OBSERVE, ++value) == ERR_OK,
		"observe");
	m.payload = SPAN_LIT("short");
	return rig_in(r, rig_reply(r, RIG_SERVER, &first, &m, RIG_OWN_NUMBER, &p));
}

/* The block of the observed body that is asked for now. */
static bool asks(struct rig *r, uint32_t num)
{
	struct block b = {0};
	return rig_sent_n(r) && rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
	       q.plain.code == MSG_GET && (!block_get(&q.plain, OPT_BLOCK2, &b) || !num) &&
	       b.num == num;
}

/* An observation, `awaited`: whose first response is being fetched, else a notification is. Another
 * request waits behind it. */
static void fetching(struct rig *r, bool awaited, const char *etag)
{
	open_rig(r);
	value = 1;
	observation = ask(r, true, &first);
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, value) == ERR_OK &&
			(!awaited || !etag || msg_add(&m, OPT_ETAG, span_str(etag)) == ERR_OK) &&
			(!awaited || block_add(&m, OPT_BLOCK2, b0) == ERR_OK),
		"options");
	m.payload = span_make(old_body, 64);
	enum ep_delivery_kind kind = rig_in(r, rig_reply(r, RIG_SERVER, &first, &m, 0, &p));
	REQUIRE(kind == (awaited ? EP_NOTHING : EP_RESPONSE), "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
	if (!awaited)
		REQUIRE(block_of(r, &first, old_body, b0, etag) == EP_NOTHING, "a notification");
	REQUIRE(asks(r, 1), "the rest is asked for");
	REQUIRE(ask_as(r, MSG_POST, false, &behind) == ERR_OK, "another waits");
}

static void close_rig(struct rig *r)
{
	struct ep_conversation *v = r->server->conv;
	struct ep_delivery d;
	ep_request_end(r->x, observation, &r->t);
	ep_request_end(r->x, behind, &r->t);
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_NOTHING && !v->current && !v->queue && !v->queue_n && !v->observations &&
			!v->pinned,
		"nothing is left");
	rig_fini(r);
}

static bool acked(const struct rig *r)
{
	for (size_t i = 0; i < rig_sent_n(r); i++)
		if (is_empty(rig_sent(r, i), MSG_ACK, m.mid))
			return true;
	return false;
}

static void short_wins(void)
{
	struct rig *r = &rig;
	for (int awaited = 0; awaited < 2; awaited++) {
		fetching(r, awaited, "a");
		struct rig_msg old = q;
		CHECK(short_one(r, MSG_CONTENT) == (awaited ? EP_RESPONSE : EP_NOTIFICATION) &&
				r->d.request == observation && !rig_sent_n(r) &&
				span_eq_str(r->d.msg->payload, "short"),
			"a newer one that is whole is told at once, as the response if that waits");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(acked(r) && r->server->conv->current == behind, "then the next request goes");
		CHECK(observation->state == EP_REQ_OBSERVING && !observation->awaits_body,
			"it observes");
		CHECK(block_of(r, &old, old_body, last, "a") == EP_NOTHING,
			"the older body is not told when its rest comes");
		close_rig(r);
	}
}

static void long_wins(void)
{
	static const char *const etags[][2] = {{"a", "b"}, {NULL, NULL}, {NULL, "b"}, {"a", NULL}};
	struct rig *r = &rig;
	for (int i = 0; i < 8; i++) {
		bool awaited = i & 1;
		const char *etag = etags[i / 2][1];
		fetching(r, awaited, etags[i / 2][0]);
		CHECK(block_of(r, &first, new_body, b0, etag) == EP_NOTHING && acked(r) &&
				asks(r, 1),
			"the rest of the newer one is asked for instead");
		CHECK(block_of(r, &q, new_body, last, etag) ==
					(awaited ? EP_RESPONSE : EP_NOTIFICATION) &&
				span_eq(r->d.msg->payload, span_make(new_body, 128)),
			"and told");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(r->server->conv->current == behind, "then the next request goes");
		close_rig(r);
	}
}

/* A notification of the same body: what is there of it is good. */
static void same_body(void)
{
	struct rig *r = &rig;
	fetching(r, false, "a");
	struct rig_msg old = q;
	CHECK(block_of(r, &first, old_body, b0, "a") == EP_NOTHING && acked(r) &&
			rig_sent_n(r) == 1,
		"the same ETag: its rest is on its way");
	CHECK(block_of(r, &old, old_body, last, "a") == EP_NOTIFICATION &&
			span_eq(r->d.msg->payload, span_make(old_body, 128)),
		"and told, once");
	ep_delivery_end(r->x, &r->d, &r->t);
	close_rig(r);
}

/* It ends the observation, and whoever waits for it is told why. */
static void error_wins(void)
{
	struct rig *r = &rig;
	for (int awaited = 0; awaited < 2; awaited++) {
		fetching(r, awaited, "a");
		CHECK(short_one(r, MSG_NOT_FOUND) == (awaited ? EP_RESPONSE : EP_NOTIFICATION) &&
				r->d.request == observation && r->d.msg->code == MSG_NOT_FOUND &&
				observation->observed == !awaited,
			"an error is told at once");
		ep_delivery_end(r->x, &r->d, &r->t);
		close_rig(r);
	}
}

/* The body changes while it is fetched; in the end it stands still, or it never does. */
static void changes(void)
{
	struct rig *r = &rig;
	for (int stands = 0; stands < 2; stands++) {
		fetching(r, false, "a");
		CHECK(block_of(r, &q, new_body, b1, "b") == EP_NOTHING && asks(r, 0),
			"another ETag: from the start (BLK-04)");
		CHECK(block_of(r, &q, new_body, b0, "b") == EP_NOTHING && asks(r, 1), "the second");
		CHECK(block_of(r, &q, new_body, b1, "c") == EP_NOTHING && asks(r, 0),
			"and once more");
		CHECK(block_of(r, &q, new_body, b0, "c") == EP_NOTHING && asks(r, 1), "the second");
		CHECK(block_of(r, &q, new_body, last, stands ? "c" : "d") ==
				(stands ? EP_NOTIFICATION : EP_NOTHING),
			"then it is whole, or given up");
		ep_delivery_end(r->x, &r->d, &r->t);
		CHECK(r->server->conv->current == behind && observation->state == EP_REQ_OBSERVING,
			"and the next request goes");
		close_rig(r);
	}
}

/* The same for a Read: what broke is told as 4.08. */
static void read_changes(void)
{
	static const uint8_t codes[] = {
		MSG_NOT_FOUND, MSG_REQUEST_ENTITY_INCOMPLETE, MSG_BAD_REQUEST, MSG_BAD_OPTION};
	struct rig *r = &rig;
	open_rig(r);
	for (size_t i = 0; i < sizeof(codes) + 2; i++) {
		struct ep_request *req = ask(r, false, &q);
		enum ep_delivery_kind kind = EP_NOTHING;
		uint8_t want = i < sizeof(codes) ? codes[i] : MSG_REQUEST_ENTITY_INCOMPLETE;
		for (int n = 0; n < 3; n++) {
			CHECK(block_of(r, &q, new_body, b0, "a") == EP_NOTHING && asks(r, 1),
				"begun");
			if (i < sizeof(codes))
				kind = rig_in(r, reply(r, &q, MSG_ACK, codes[i], "", 0));
			else
				kind = block_of(r, &q, new_body,
					i & 1 ? b0 : (struct block){3, true, 2}, "a");
			CHECK(n == 2 || (kind == EP_NOTHING && asks(r, 0)), "begun anew");
		}
		CHECK(kind == EP_RESPONSE && r->d.request == req && r->d.msg->code == want &&
				!r->d.msg->payload.n,
			"three times, and no more");
		end(r);
	}
	rig_fini(r);
}

/* Bodies that do not fit are no reason to ask again; nor is one whose first block is wrong. */
static void no_use(void)
{
	struct rig *r = &rig;
	enum ep_delivery_kind kind = EP_NOTHING;
	unsigned asked = 0;
	open_rig(r);
	ask(r, false, &q);
	for (uint32_t i = 0; i < 100 && kind == EP_NOTHING; i++, asked++) {
		kind = block_reply(r, &q, (struct block){i, true, 6}, 1024, 0).n
			       ? rig_in(r, span_make(p.bytes, p.n))
			       : EP_NOTHING;
		REQUIRE(kind != EP_NOTHING || rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "next");
	}
	CHECK(kind == EP_RESPONSE && r->d.msg->code == MSG_REQUEST_ENTITY_INCOMPLETE && asked == 5,
		"above the limit: 4.08 at once");
	end(r);
	ask(r, false, &q);
	CHECK(block_of(r, &q, new_body, b1, "a") == EP_RESPONSE &&
			r->d.msg->code == MSG_REQUEST_ENTITY_INCOMPLETE,
		"the second block first: 4.08 at once");
	end(r);
	rig_fini(r);
}

/* The device may choose another size at any block. */
static void other_sizes(void)
{
	struct rig *r = &rig;
	struct block b;
	open_rig(r);
	ask(r, false, &q);
	REQUIRE(rig_in(r, block_reply(r, &q, (struct block){0, true, 4}, 256, 0)) == EP_NOTHING,
		"256 bytes");
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q), "next");
	CHECK(rig_in(r, block_reply(r, &q, (struct block){8, true, 1}, 32, 0)) == EP_NOTHING &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			!block_get(&q.plain, OPT_BLOCK2, &b) && b.num == 9 && b.szx == 1,
		"then 32: it is asked in that size");
	CHECK(rig_in(r, block_reply(r, &q, (struct block){9, false, 1}, 32, 0)) == EP_RESPONSE &&
			r->d.msg->payload.n == 320,
		"and the body is whole");
	end(r);
	rig_fini(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(old_body); i++) {
		old_body[i] = (uint8_t)(i * 3);
		new_body[i] = (uint8_t)(i * 5 + 1);
	}
	short_wins();
	long_wins();
	same_body();
	error_wins();
	changes();
	read_changes();
	no_use();
	other_sizes();
	return test_done();
}
