/* SPDX-License-Identifier: Apache-2.0 */
/* Sender numbers: reserved before they are used, by rising blocks, to the very last of the epoch.
 */
#include "tests/unit/endpoint/rig.h"

static struct rig rig;

/* Proves: 8613-7.2-2 8613-B.1.1-1 */
static void blocks(void)
{
	struct rig *r = &rig;
	uint64_t n, durable = 0, used = 0;
	uint16_t add = 0;
	bool doubles = true, early = true;
	rig_init(r, true);
	for (int i = 0; i < 20000; i++) {
		rig_turn(r, 1);
		uint64_t left = r->server->ssn_left;
		REQUIRE(ep_take_number(&r->dir, r->server, &r->t, &n) == ERR_OK, "a number");
		const struct rec *rec = rig_record(r, REC_SSN_RESERVE);
		if (rec) {
			doubles &= rec->ssn.expect == durable &&
				   (add ? rec->ssn.add == (add < 4096 ? 2 * add : 4096)
					: rec->ssn.add == 64);
			early &= !add || left <= add / 4u;
			add = (uint16_t)rec->ssn.add;
			durable += add;
		}
		/* What this turn reserves is durable before the turn's effects leave. */
		REQUIRE(n == used++ && n < durable, "in order, none before its reservation");
	}
	CHECK(doubles && add == 4096, "64, doubling to 4096");
	CHECK(early, "the next block at 25 percent left, not before");
	CHECK(durable < used + 2 * 4096, "and no more than that");
	rig_fini(r);
}

/* To the last number of an epoch, and never reserved beyond it. */
static void last(uint32_t rollbacks, uint64_t end)
{
	struct rig *r = &rig;
	uint64_t n = 0;
	bool reserved = true;
	rig_init_after(r, true, rollbacks);
	CHECK(r->dir.ssn_end == end, "where the epoch ends");
	r->server->ssn_next = end - 100;
	r->server->ssn_left = 0;
	for (uint64_t want = end - 100; want < end; want++) {
		rig_turn(r, 1);
		CHECK(ep_take_number(&r->dir, r->server, &r->t, &n) == ERR_OK && n == want,
			"the last numbers are good");
		const struct rec *rec = rig_record(r, REC_SSN_RESERVE);
		reserved &= !rec || rec->ssn.expect + rec->ssn.add <= end;
	}
	CHECK(reserved && ep_ssn_limit(r->server) == end, "none is reserved beyond");
	CHECK(ep_take_number(&r->dir, r->server, &r->t, &n) == ERR_LIMIT, "then there is none");
	CHECK(ep_take_number(&r->dir, r->server, &r->t, &n) == ERR_LIMIT, "nor later");
	CHECK(!rig_record(r, REC_SSN_RESERVE), "and nothing is reserved");
	rig_fini(r);
}

/* Used up: what needs no number goes on, a request of ours fails and tells why.
 * Proves: 8613-7.2.1-2 */
static void used_up(void)
{
	struct rig *r = &rig;
	static struct rig_msg q, a;
	struct ep_request *req;
	struct msg m;
	rig_init(r, true);
	r->dir.ssn_end = 0;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "requests are taken");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a), "and answered");
	rig_plain(&m, MSG_GET, "3/0/0");
	struct ep_request_opts o = {
		.endpoint = r->e, .ctx = r->server, .msg = &m, .role = REC_ROLE_SERVER};
	rig_turn(r, 1);
	CHECK(ep_request_start(r->x, &o, &r->t, &req) == ERR_STATE && !rig_sent_n(r),
		"a request of ours is refused");
	bool told = false;
	for (const struct ep_note *note = r->e->notes; note; note = note->next)
		told |= note->reason == EP_REASON_EXHAUSTED;
	CHECK(told, "and its reason is noted");
	rig_fini(r);
}

/* The size of a reservation is what keeps numbers behind what is durable.
 * Proves: 8613-B.1.1-2 */
static void bounds(void)
{
	static const struct {
		const char *what;
		uint16_t block;
		enum err err;
	} row[] = {
		{"no reservation at all", 0, ERR_RANGE},
		{"one at a time", 1, ERR_OK},
		{"the most", EP_SSN_BLOCK_MAX, ERR_OK},
		{"more than that", EP_SSN_BLOCK_MAX + 1, ERR_RANGE},
	};
	struct rig *r = &rig;
	static const uint8_t seed[16] = {3};
	uint64_t state[4], n = 4711;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct ep_directory d;
		struct ep_directory_opts o = {.rng = rng_test(state, 1),
			.seed = seed,
			.mark_key = seed,
			.endpoints_max = 1,
			.window_width = 32,
			.ssn_block = row[i].block};
		enum err err = ep_directory_init(&d, &o);
		CHECK(err == row[i].err, row[i].what);
		if (!err)
			ep_directory_fini(&d);
	}
	rig_init(r, true);
	r->dir.ssn_block = 0; /* whatever went wrong */
	CHECK(ep_take_number(&r->dir, r->server, &r->t, &n) == ERR_LIMIT && n == 4711 &&
			r->server->ssn_next == 0,
		"a reservation of nothing gives no number");
	r->dir.ssn_block = 1;
	bool reserved = true;
	for (uint64_t want = 0; want < 50; want++) {
		rig_turn(r, 1);
		reserved &= ep_take_number(&r->dir, r->server, &r->t, &n) == ERR_OK && n == want &&
			    n < ep_ssn_limit(r->server);
	}
	CHECK(reserved, "from one on all of them are reserved");
	rig_fini(r);
}

/* Proves: 8613-7.5-1 8613-7.5-2 */
static void after_load(void)
{
	struct rig *r = &rig;
	struct ep_context *c;
	uint64_t n;
	rig_init(r, true);
	struct rec_context rec = {.id = 99,
		.endpoint_id = r->e->id,
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_IMPORTED,
		.generation = REC_GEN_USED,
		.aead = 10,
		.hkdf = -10,
		.sender_id = SPAN_LIT("\x02"),
		.recipient_id = SPAN_LIT("t"),
		.sender_key = SPAN_LIT("0123456789abcdef"),
		.recipient_key = SPAN_LIT("fedcba9876543210"),
		.common_iv = SPAN_LIT("0123456789abc"),
		.ikm_fingerprint = SPAN_LIT("0123456789abcdef"),
		.ssn_limit = 640,
		.highest = 7};
	CHECK(ep_load_context(&r->dir, r->e, &rec, &c) == ERR_OK && c->sealed &&
			osc_window_check(&c->window, 7) && osc_window_check(&c->window, 3) &&
			!osc_window_check(&c->window, 8),
		"after a crash all up to the highest is sealed");
	CHECK(ep_take_number(&r->dir, c, &r->t, &n) == ERR_OK && n == 640 &&
			rig_record(r, REC_SSN_RESERVE)->ssn.expect == 640,
		"and numbers go on at the limit");
	rec.sender_key = SPAN_LIT("short");
	rec.recipient_id = SPAN_LIT("u");
	CHECK(ep_load_context(&r->dir, r->e, &rec, &c) == ERR_CORRUPT, "a short key is refused");
	rig_fini(r);
}

int main(void)
{
	blocks();
	last(0, 1 << 20);
	last(1, 2 << 20);
	last(7, 8 << 20);
	last(2047, UINT64_C(1) << 31);
	used_up();
	bounds();
	after_load();
	return test_done();
}
