/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/exch.h"
#include "tests/unit/coap/failing.h"
#include "tests/unit/test.h"

static const uint8_t seed[16] = {1, 2, 3};

/* A table, its wheel and its chance. */
struct bench {
	struct wheel wheel;
	struct exch_table table;
	uint64_t state[4];
	struct rng rng;
};

static void bench_init(struct bench *b, uint64_t chance)
{
	wheel_init(&b->wheel, 0);
	exch_table_init(&b->table, &b->wheel, seed);
	b->rng = rng_test(b->state, chance);
}

static void bench_fini(struct bench *b)
{
	exch_table_fini(&b->table);
}

static struct peer peer_of(enum bearer bearer, uint8_t host)
{
	return (struct peer){
		.bearer = (uint8_t)bearer, .addr_n = 6, .addr = {192, 0, 2, host, 0x16, 0x33}};
}

static struct msg message(enum msg_type type, uint16_t mid, uint8_t token)
{
	struct msg m;

	msg_init(&m, type, MSG_GET);
	m.mid = mid;
	m.token_n = 1;
	m.token[0] = token;
	return m;
}

static enum err start(struct bench *b, struct exch *x, const struct peer *to, const struct msg *m,
	bool wants_reply)
{
	return exch_start(&b->table, x, to, m, SPAN_LIT("datagram"), wants_reply, 0, &b->rng);
}

/* Runs the wheel to its end; notes when each timer fired and what came of it. */
static size_t run(struct bench *b, uint64_t *fired_ms, enum exch_due *due, size_t max)
{
	size_t n = 0;

	for (uint64_t now = 0; now < 1000 * 1000 && n < max; now++) {
		struct timer *t = wheel_expire(&b->wheel, now);
		if (!t)
			continue;
		fired_ms[n] = now;
		due[n++] = exch_timer(&b->table, exch_of_timer(t), now);
	}
	return n;
}

/* RFC 7252 section 4.2: T, 2T, 4T, 8T and 16T apart, T between 2 and 3 s. */
static bool schedule_good(const uint64_t *fired_ms, const enum exch_due *due)
{
	uint64_t first = fired_ms[0], want = 0;

	for (size_t i = 0; i < 5; i++) {
		want += first << i;
		if (fired_ms[i] != want || due[i] != (i < 4 ? EXCH_RETRANSMIT : EXCH_TIMEOUT))
			return false;
	}
	return first >= 2000 && first <= 3000;
}

static void test_schedule(void)
{
	uint64_t low = UINT64_MAX, high = 0, good = 0;

	for (uint64_t i = 0; i < 200; i++) {
		struct bench b;
		struct exch x;
		uint64_t fired_ms[8];
		enum exch_due due[8];
		struct peer to = peer_of(BEARER_UDP, 1);
		struct msg m = message(MSG_CON, 1, 1);
		bench_init(&b, i);
		REQUIRE(start(&b, &x, &to, &m, true) == ERR_OK, "a request");
		size_t n = run(&b, fired_ms, due, 8);
		good += n == 5 && schedule_good(fired_ms, due) && x.retransmits == 4;
		low = fired_ms[0] < low ? fired_ms[0] : low;
		high = fired_ms[0] > high ? fired_ms[0] : high;
		exch_stop(&b.table, &x);
		bench_fini(&b);
	}
	CHECK(good == 200, "four retransmissions, each after twice the time, then a timeout");
	CHECK(low < 2050 && high > 2950, "first timeouts spread over 2 s to 3 s");
}

/* A generator of one value, for the ends of the range. */
static void constant_fill(void *arg, uint8_t *out, size_t n)
{
	memset(out, *(uint8_t *)arg, n);
}

static void test_first_timeout(void)
{
	struct peer to = peer_of(BEARER_UDP, 1);
	struct msg m = message(MSG_CON, 1, 1);
	uint8_t zero = 0;
	struct bench b;
	struct exch x;

	bench_init(&b, 0);
	b.rng = (struct rng){constant_fill, &zero};
	REQUIRE(start(&b, &x, &to, &m, true) == ERR_OK, "a request");
	CHECK(x.timeout_ms == 2000, "least chance gives ACK_TIMEOUT");
	exch_stop(&b.table, &x);
	bench_fini(&b);
}

static void test_matching(void)
{
	struct peer here = peer_of(BEARER_UDP, 1), there = peer_of(BEARER_UDP, 2), back;
	struct msg m = message(MSG_CON, 0x1234, 0xaa);
	struct bench b;
	struct exch x;

	bench_init(&b, 1);
	REQUIRE(start(&b, &x, &here, &m, true) == ERR_OK, "a request");
	exch_peer(&x, &back);
	CHECK(exch_mid(&x) == 0x1234 && peer_eq(&back, &here), "MID and peer are kept");
	CHECK_BYTES(((struct span){x.bytes, x.n}), SPAN_LIT("datagram"), "so are the bytes");
	CHECK(exch_by_mid(&b.table, &here, 0x1234) == &x, "found by MID and peer");
	CHECK(!exch_by_mid(&b.table, &there, 0x1234), "another peer's MID");
	CHECK(!exch_by_mid(&b.table, &here, 0x3412), "another MID");
	CHECK(exch_by_token(&b.table, SPAN_LIT("\xaa")) == &x, "found by token alone");
	CHECK(!exch_by_token(&b.table, SPAN_LIT("\xab")), "another token");
	CHECK(!exch_by_token(&b.table, SPAN_LIT("\xaa\x00")), "a longer token");
	exch_stop(&b.table, &x);
	CHECK(!exch_by_mid(&b.table, &here, 0x1234) && !exch_by_token(&b.table, SPAN_LIT("\xaa")) &&
			!timer_armed(&x.timer) && !x.bytes,
		"stopped, it is gone");
	exch_stop(&b.table, &x);
	CHECK(b.table.by_mid.count == 0 && b.table.by_token.count == 0, "stopping it twice");
	bench_fini(&b);
}

static void test_stop_unstarted(void)
{
	struct peer here = peer_of(BEARER_UDP, 1);
	struct msg m = message(MSG_CON, 0, 0);
	struct exch x, never = {0};
	struct bench b;

	bench_init(&b, 1);
	REQUIRE(start(&b, &x, &here, &m, true) == ERR_OK, "a request");
	exch_stop(&b.table, &never);
	CHECK(exch_by_mid(&b.table, &here, 0) == &x, "one that was not started stops nothing");
	exch_stop(&b.table, &x);
	bench_fini(&b);
}

struct clash_row {
	const char *what;
	uint8_t host;
	uint16_t mid;
	uint8_t token;
	bool wants_reply;
	enum err err;
};

/* A request with MID 1 and token 1 to host 1 is under way. */
static const struct clash_row clash_rows[] = {
	{"the same MID to the same peer", 1, 1, 2, true, ERR_EXISTS},
	{"the same MID to another peer", 2, 1, 2, true, ERR_OK},
	{"the same token to another peer", 2, 2, 1, true, ERR_EXISTS},
	{"a notification under the same token", 1, 2, 1, false, ERR_OK},
	{"a notification under the same MID", 1, 1, 2, false, ERR_EXISTS},
	{"nothing in common", 2, 2, 2, true, ERR_OK},
};

static void test_clashes(void)
{
	for (size_t i = 0; i < sizeof(clash_rows) / sizeof(clash_rows[0]); i++) {
		const struct clash_row *row = &clash_rows[i];
		struct peer one = peer_of(BEARER_UDP, 1), to = peer_of(BEARER_UDP, row->host);
		struct msg m1 = message(MSG_CON, 1, 1), m = message(MSG_CON, row->mid, row->token);
		struct exch first, x;
		struct bench b;
		bench_init(&b, i);
		REQUIRE(start(&b, &first, &one, &m1, true) == ERR_OK, "a request");
		enum err err = start(&b, &x, &to, &m, row->wants_reply);
		bool kept = exch_by_mid(&b.table, &to, row->mid) == &x;
		CHECK(err == row->err && kept == (err == ERR_OK), row->what);
		if (err == ERR_OK)
			exch_stop(&b.table, &x);
		CHECK(exch_by_mid(&b.table, &one, 1) == &first &&
				exch_by_token(&b.table, SPAN_LIT("\x01")) == &first &&
				b.table.by_mid.count == 1 && b.table.by_token.count == 1,
			"and the first is as it was");
		exch_stop(&b.table, &first);
		bench_fini(&b);
	}
}

struct wait_row {
	const char *what;
	enum bearer bearer;
	enum msg_type type;
	bool wants_reply;
	bool ack; /* at 1 s */
	bool by_mid;
	uint64_t fires_ms; /* 0: never */
};

static const struct wait_row wait_rows[] = {
	{"acknowledged request waits for its response (CT-57)", BEARER_UDP, MSG_CON, true, true,
		true, 1000 + 247000},
	{"acknowledged notification waits for nothing", BEARER_UDP, MSG_CON, false, true, true, 0},
	{"NON request waits from the start", BEARER_UDP, MSG_NON, true, false, true, 247000},
	{"NON request is not prolonged by a stray ACK", BEARER_UDP, MSG_NON, true, true, true,
		247000},
	{"request on a stream, RFC 8323: no MID, no retransmission", BEARER_TCP, MSG_CON, true,
		false, false, 247000},
};

static void test_waits(void)
{
	for (size_t i = 0; i < sizeof(wait_rows) / sizeof(wait_rows[0]); i++) {
		const struct wait_row *row = &wait_rows[i];
		struct peer to = peer_of(row->bearer, 1);
		struct msg m = message(row->type, 7, 1);
		uint64_t fired_ms[2] = {0};
		enum exch_due due[2] = {EXCH_TIMEOUT};
		struct bench b;
		struct exch x;
		bench_init(&b, i);
		REQUIRE(start(&b, &x, &to, &m, row->wants_reply) == ERR_OK, row->what);
		CHECK((exch_by_mid(&b.table, &to, 7) == &x) == row->by_mid, row->what);
		if (row->ack)
			exch_acked(&b.table, &x, 1000);
		if (row->ack)
			exch_acked(&b.table, &x, 5000); /* a copy of the ACK prolongs nothing */
		size_t n = run(&b, fired_ms, due, 2);
		CHECK(n == (row->fires_ms > 0) && fired_ms[0] == row->fires_ms &&
				due[0] == EXCH_TIMEOUT && x.acked,
			row->what);
		exch_stop(&b.table, &x);
		bench_fini(&b);
	}
}

static void test_stream_mids(void)
{
	struct peer to = peer_of(BEARER_TCP, 1);
	struct msg m1 = message(MSG_CON, 0, 1), m2 = message(MSG_CON, 0, 2);
	struct exch one, two;
	struct bench b;

	bench_init(&b, 1);
	CHECK(start(&b, &one, &to, &m1, true) == ERR_OK &&
			start(&b, &two, &to, &m2, true) == ERR_OK,
		"streams have no MIDs that could clash");
	exch_stop(&b.table, &one);
	CHECK(exch_by_token(&b.table, SPAN_LIT("\x02")) == &two, "stopping one leaves the other");
	exch_stop(&b.table, &two);
	bench_fini(&b);
}

static void test_memory(void)
{
	struct peer to = peer_of(BEARER_UDP, 1);
	struct msg m = message(MSG_CON, 1, 1);
	struct exch x = {0};
	struct bench b;

	bench_init(&b, 1);
	if (failing_malloc(true)) {
		enum err err = start(&b, &x, &to, &m, true);
		failing_malloc(false);
		CHECK(err == ERR_NOMEM && !x.bytes && b.table.by_mid.count == 0 &&
				b.table.by_token.count == 0,
			"no memory: nothing is kept");
	}
	bench_fini(&b);
}

struct observe_row {
	const char *what;
	uint32_t v1;
	uint64_t t1_ms;
	uint32_t v2;
	uint64_t t2_ms;
	bool newer;
};

static const struct observe_row observe_rows[] = {
	{"next number", 1, 0, 2, 0, true},
	{"same number", 1, 0, 1, 0, false},
	{"earlier number", 2, 0, 1, 0, false},
	{"just under half the circle ahead", 0, 0, (1 << 23) - 1, 0, true},
	{"half the circle ahead (IR-05)", 0, 0, 1 << 23, 0, false},
	{"more than half ahead is behind", 0, 0, (1 << 23) + 1, 0, false},
	{"wrapped", (1 << 24) - 1, 0, 0, 0, true},
	{"half the circle back", 1 << 23, 0, 0, 0, false},
	{"more than half back is ahead", (1 << 23) + 1, 0, 0, 0, true},
	{"behind, 128 s later", 2, 1000, 1, 1000 + 128000, false},
	{"behind, more than 128 s later", 2, 1000, 1, 1000 + 128001, true},
	{"the same, more than 128 s later", 2, 1000, 2, 1000 + 128001, true},
	{"ahead, but the clock went back", 1, 9000, 2, 0, true},
};

static void test_observe(void)
{
	for (size_t i = 0; i < sizeof(observe_rows) / sizeof(observe_rows[0]); i++) {
		const struct observe_row *row = &observe_rows[i];
		CHECK(observe_newer(row->v1, row->t1_ms, row->v2, row->t2_ms) == row->newer,
			row->what);
	}
}

int main(void)
{
	test_schedule();
	test_first_timeout();
	test_matching();
	test_stop_unstarted();
	test_clashes();
	test_waits();
	test_stream_mids();
	test_memory();
	test_observe();
	return test_done();
}
