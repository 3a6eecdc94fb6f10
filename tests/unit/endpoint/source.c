/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are read as their blocks go out. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

enum { BODY = 5000, LONG = 40000000 };

static uint8_t body[BODY], got[BODY];
static size_t got_n, reads, most;
static enum err fails;
static struct block b; /* of what is in q */

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

static enum err read_body(void *arg, size_t at, uint8_t *buf, size_t n)
{
	reads++;
	most = n > most ? n : most;
	REQUIRE(at + n <= *(size_t *)arg, "only what is there is asked for");
	for (size_t i = 0; i < n; i++)
		buf[i] = byte_at(at + i);
	return fails;
}

static struct ep_request *start(struct rig *r, size_t *n)
{
	static struct ep_source s;
	struct ep_request *req;
	struct msg ask;
	s = (struct ep_source){*n, read_body, n};
	rig_plain(&ask, MSG_PUT, "5/0/0");
	REQUIRE(msg_add_uint(&ask, OPT_CONTENT_FORMAT, 42) == ERR_OK, "format");
	struct ep_request_opts o = {.endpoint = r->e,
		.ctx = r->server,
		.msg = &ask,
		.source = &s,
		.role = REC_ROLE_SERVER};
	reads = most = got_n = 0;
	REQUIRE(ep_request_start(r->x, &o, &r->t, &req) == ERR_OK, "a request with a source");
	return req;
}

/* The datagram sent last, as the device sees it; its Block1 in b. False: nothing was sent. */
static bool asked(struct rig *r)
{
	size_t n = rig_sent_n(r);
	if (!n || !rig_asked(r, RIG_SERVER, rig_sent(r, n - 1), &q))
		return false;
	b = (struct block){0};
	if (q.plain.code != MSG_PUT)
		return true;
	bool blocks = !block_get(&q.plain, OPT_BLOCK1, &b);
	size_t at = blocks ? b.num * block_size(b.szx) : 0;
	if (at + q.plain.payload.n <= sizeof(got)) {
		memcpy(got + at, q.plain.payload.p, q.plain.payload.n);
		got_n = at + q.plain.payload.n;
	}
	return true;
}

static enum ep_delivery_kind answer(struct rig *r, uint8_t code, uint8_t szx)
{
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, code);
	REQUIRE(q.plain.code != MSG_PUT ||
			block_add(&m, OPT_BLOCK1, (struct block){b.num, b.more, szx}) == ERR_OK,
		"block");
	return rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p));
}

static bool follows(struct rig *r, size_t n)
{
	while (b.more)
		if (answer(r, MSG_CONTINUE, b.szx) != EP_NOTHING || !asked(r))
			return false;
	return answer(r, MSG_CHANGED, b.szx) == EP_RESPONSE && r->d.msg->code == MSG_CHANGED &&
	       got_n == n && !memcmp(got, body, n);
}

static void sizes(void)
{
	struct rig *r = &rig;
	static const size_t bytes[] = {1, 1024, 1025, 2048, 4999};
	uint32_t size;
	open_rig(r);
	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		size_t n = bytes[i];
		start(r, &n);
		REQUIRE(asked(r), "it is sent");
		CHECK(n <= 1024 ? b.num == 0 && !b.more && reads == 1
				: b.more && msg_get_uint(&q.plain, OPT_SIZE1, &size) && size == n,
			"in one message if it fits one, else in blocks that tell how long it is");
		CHECK(follows(r, n), "it arrives whole (BLK-06)");
		CHECK(most <= 1024 && !r->x->tx_bytes, "no more than a block of it is in memory");
		end(r);
	}
	rig_fini(r);
}

/* A body beyond the limit of bodies; the device wants it in small blocks. */
static void large(void)
{
	struct rig *r = &rig;
	size_t n = LONG;
	open_rig(r);
	struct ep_request *req = start(r, &n);
	REQUIRE(asked(r), "it is sent");
	CHECK(n > ep_body_limit_bytes(r->x) && b.more, "the limit of bodies is none of a source");
	CHECK(answer(r, MSG_CONTINUE, 2) == EP_NOTHING && asked(r) && b.num == 16 && b.szx == 2 &&
			q.plain.payload.p[0] == byte_at(1024),
		"smaller blocks go on from the same byte");
	ep_request_end(r->x, req, &r->t);
	CHECK(!r->server->conv->current, "it can be given up");
	rig_fini(r);
}

static void between(void)
{
	struct rig *r = &rig;
	size_t n = BODY;
	struct ep_request *behind, *again;
	open_rig(r);
	struct ep_request *req = start(r, &n);
	REQUIRE(asked(r) && b.num == 0, "the first block");
	REQUIRE(ask_as(r, MSG_GET, false, &behind) == ERR_OK, "another request");
	CHECK(answer(r, MSG_CONTINUE, 6) == EP_NOTHING && asked(r) && q.plain.code == MSG_GET,
		"goes out between two blocks");
	CHECK(req->state == EP_REQ_QUEUED, "and the body waits");
	CHECK(answer(r, MSG_CONTENT, 0) == EP_RESPONSE && r->d.request == behind, "it is answered");
	end(r);
	CHECK(asked(r) && q.plain.code == MSG_PUT && b.num == 1, "then the next block");
	REQUIRE(ask_as(r, MSG_GET, false, &again) == ERR_OK, "one more");
	CHECK(answer(r, MSG_CONTINUE, 6) == EP_NOTHING && asked(r) && q.plain.code == MSG_GET,
		"likewise");
	ep_request_end(r->x, again, &r->t);
	CHECK(asked(r) && b.num == 2, "what was given up holds nothing up");
	CHECK(follows(r, BODY), "all of it arrives");
	end(r);
	rig_fini(r);
}

static void unreadable(void)
{
	struct rig *r = &rig;
	size_t n = BODY;
	struct ep_delivery d;
	open_rig(r);
	struct ep_request *req = start(r, &n);
	REQUIRE(asked(r), "the first block");
	fails = ERR_IO;
	CHECK(answer(r, MSG_CONTINUE, 6) == EP_NOTHING && !rig_sent_n(r), "nothing is sent");
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_CANCELLED && d.request == req, "what cannot be read ends the request");
	fails = ERR_OK;
	ep_request_end(r->x, req, &r->t);
	ep_delivery_end(r->x, &d, &r->t);
	rig_fini(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = byte_at(i);
	sizes();
	large();
	between();
	unreadable();
	return test_done();
}
