/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and pace of our messages, set for an endpoint or for all. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

static uint8_t body[3000];

static struct ep_request *put(struct rig *r, size_t n)
{
	struct ep_request *req;
	struct msg ask;
	rig_plain(&ask, MSG_PUT, "5/0/0");
	ask.payload = span_make(body, n);
	struct ep_request_opts o = {
		.endpoint = r->e, .ctx = r->server, .msg = &ask, .role = REC_ROLE_SERVER};
	REQUIRE(ep_request_start(r->x, &o, &r->t, &req) == ERR_OK, "a Write");
	return req;
}

static struct span last(struct rig *r)
{
	size_t n = rig_sent_n(r);
	return n ? rig_sent(r, n - 1) : SPAN_EMPTY;
}

/* How large the blocks of a body of n bytes are; 0: none. Every datagram is at most `longest`. */
static size_t blocks_of(struct rig *r, size_t n, size_t longest)
{
	struct block b = {0};
	size_t size = 0;
	put(r, n);
	for (;;) {
		CHECK(rig_asked(r, RIG_SERVER, last(r), &q) && last(r).n <= longest,
			"no datagram is longer");
		bool blocks = !block_get(&q.plain, OPT_BLOCK1, &b);
		size = blocks ? block_size(b.szx) : 0;
		rig_turn(r, 10);
		msg_init(&m, MSG_ACK, blocks && b.more ? MSG_CONTINUE : MSG_CHANGED);
		REQUIRE(!blocks || block_add(&m, OPT_BLOCK1, b) == ERR_OK, "block");
		if (rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p)) == EP_RESPONSE)
			break;
	}
	end(r);
	return size;
}

static const struct {
	const char *what;
	struct pace all, own;
	size_t n, size, longest;
} sizes[] = {
	{"as it is without", {0}, {0}, 3000, 1024, 1280},
	{"for all", {.block_bytes = 64}, {0}, 500, 64, 1280},
	{"its own goes before", {.block_bytes = 64}, {.block_bytes = 256}, 500, 256, 1280},
	{"larger, too", {.block_bytes = 16}, {.block_bytes = 1024}, 1000, 0, 1280},
	{"what fits goes whole", {0}, {.block_bytes = 512}, 512, 0, 1280},
	{"the smallest", {0}, {.block_bytes = 16}, 100, 16, 1280},
	{"the message is short", {0}, {.message_bytes = 128}, 500, 64, 128},
	{"shorter than the block", {.message_bytes = 300}, {.block_bytes = 512}, 1000, 256, 300},
	{"never longer than the bearer takes", {.message_bytes = 9000}, {0}, 3000, 1024, 1280},
};

static void all_sizes(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct block b = {.szx = 6};
		open_rig(r);
		r->x->opts.pace = sizes[i].all;
		REQUIRE(!ep_set_pace(r->e, &sizes[i].own), "paced");
		CHECK(blocks_of(r, sizes[i].n, sizes[i].longest) == sizes[i].size, sizes[i].what);
		struct pace eff = pace_of(&sizes[i].own, &r->x->opts.pace);
		bool small = eff.block_bytes && eff.block_bytes < 1024;
		struct ep_request *req = ask(r, true, &q);
		CHECK(block_get(&q.plain, OPT_BLOCK2, &b) == (small ? ERR_OK : ERR_NOTFOUND) &&
				(!small || (block_size(b.szx) == eff.block_bytes && !b.num)),
			"answers are asked for in blocks of that size");
		ep_request_end(r->x, req, &r->t);
		rig_fini(r);
	}
}

/* An answer in small blocks, of a device that does as it was asked. */
static void read_small(void)
{
	struct rig *r = &rig;
	struct block b;
	open_rig(r);
	REQUIRE(!ep_set_pace(r->e, &(struct pace){.block_bytes = 32}), "paced");
	struct ep_request *req = ask(r, false, &q);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(!block_get(&q.plain, OPT_BLOCK2, &b) && b.num == i && b.szx == 1,
			"each is asked for");
		struct span s = block_reply(r, &q, (struct block){i, i < 2, 1}, i < 2 ? 32 : 7, 0);
		enum ep_delivery_kind kind = rig_in(r, s);
		CHECK(kind == (i < 2 ? EP_NOTHING : EP_RESPONSE), "and fetched");
		if (i < 2)
			REQUIRE(rig_asked(r, RIG_SERVER, last(r), &q), "the next");
	}
	CHECK(r->d.request == req && r->d.msg->payload.n == 71, "whole");
	end(r);
	rig_fini(r);
}

static const struct {
	const char *what;
	struct pace own;
	uint64_t first_min, first_max;
	unsigned sent;
} paces[] = {
	{"as RFC 7252 says", {0}, 2000, 3000, 5},
	{"a fast network", {.ack_timeout_ms = 100}, 100, 150, 5},
	{"a slow one", {.ack_timeout_ms = 60000, .max_retransmit = 1}, 60000, 90000, 2},
	{"patient", {.max_retransmit = 8}, 2000, 3000, 9},
};

static void all_paces(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(paces) / sizeof(*paces); i++) {
		unsigned sent = 1;
		open_rig(r);
		REQUIRE(!ep_set_pace(r->e, &paces[i].own), "paced");
		uint64_t start = r->now_ms, first = 0;
		struct ep_request *req = ask(r, false, &q);
		do {
			uint64_t due = ep_deadline_ms(r->x);
			rig_turn(r, due > r->now_ms ? due - r->now_ms : 0);
			ep_timer(r->x, &r->t, &r->d);
			sent += (unsigned)rig_sent_n(r);
			first = first || sent < 2 ? first : r->now_ms - start;
		} while (r->d.kind == EP_NOTHING);
		CHECK(r->d.kind == EP_TIMEOUT && r->d.request == req && sent == paces[i].sent &&
				first >= paces[i].first_min && first <= paces[i].first_max,
			paces[i].what);
		end(r);
		rig_fini(r);
	}
}

int main(void)
{
	all_sizes();
	read_small();
	all_paces();
	return test_done();
}
