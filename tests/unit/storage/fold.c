/* SPDX-License-Identifier: Apache-2.0 */
/* A random workload leaves the same state whether the log is folded at once (memory), after a few
 * rows, or never, across crashes and clean stops. */
#include "tests/unit/storage/rig.h"

#include "base/secret.h"

enum { RIGS = 4, ENDPOINTS = 12, CONTEXTS = 40, BATCH_MAX = 12 };

struct world {
	struct rig rig[RIGS];
	uint64_t state[4];
	struct rng rng;
	uint64_t now_ms, next_context, event;
	struct {
		uint64_t id, endpoint_id, limit; /* id 0: free */
	} context[CONTEXTS];
	char name[ENDPOINTS][8];
};

static uint64_t roll(struct world *w, uint64_t n)
{
	return rng_u64(&w->rng) % n;
}

static uint64_t an_endpoint(struct world *w)
{
	return 1 + roll(w, ENDPOINTS);
}

static struct rec roll_context(struct world *w, size_t i)
{
	if (!w->context[i].id) {
		w->context[i].id = w->next_context++;
		w->context[i].endpoint_id = an_endpoint(w);
		w->context[i].limit = 0;
		return rec_context_of(w->context[i].id, w->context[i].endpoint_id);
	}
	struct rec r = rec_context_of(w->context[i].id, w->context[i].endpoint_id);
	r.context.highest = roll(w, 3) ? UINT64_MAX : roll(w, 1000);
	r.context.fresh = roll(w, 2);
	return r;
}

static struct rec roll_seen(struct world *w, size_t i)
{
	struct rec r = rec_seen_of(w->context[i].id, roll(w, 2000), w->now_ms);
	r.seen.expiry_ms = roll(w, 2) ? 1 + roll(w, 100000) : 0;
	r.seen.fresh = !roll(w, 20);
	r.seen.executed = !roll(w, 20);
	return r;
}

static struct rec roll_state(struct world *w, size_t i)
{
	return (struct rec){.type = REC_CONTEXT_STATE,
		.context_state = {.id = w->context[i].id,
			.generation = (uint8_t)roll(w, 4),
			.fresh = roll(w, 2),
			.executed = roll(w, 2)}};
}

static struct rec roll_touch(struct world *w)
{
	return (struct rec){.type = REC_REG_TOUCH,
		.touch = {.endpoint_id = an_endpoint(w), .expiry_ms = roll(w, 100000)}};
}

/* Of a context that is live; mostly log rows. */
static struct rec roll_record(struct world *w)
{
	size_t i = roll(w, CONTEXTS);
	uint64_t kind = roll(w, 40);
	if (!w->context[i].id || kind == 0)
		return roll_context(w, i);
	switch (kind) {
	case 1: {
		struct rec r = rec_del_of(REC_CONTEXT_DEL, w->context[i].id);
		w->context[i].id = 0;
		return r;
	}
	case 2:
		return roll_state(w, i);
	case 3:
		w->context[i].limit += 64;
		return rec_ssn_of(w->context[i].id, w->context[i].limit - 64, 64);
	case 4:
		return rec_reg_of(an_endpoint(w), 1 + roll(w, 100000));
	case 5:
		return rec_del_of(REC_REG_DEL, an_endpoint(w));
	case 6:
	case 7:
		return roll_touch(w);
	case 8:
		return rec_event_of(++w->event);
	default:
		return roll_seen(w, i);
	}
}

static void same(struct world *w, const char *what)
{
	char *want = rig_dump(&w->rig[0]);
	for (size_t i = 1; i < RIGS; i++) {
		char *got = rig_dump(&w->rig[i]);
		bool ok = got && want && !strcmp(got, want);
		CHECK(ok, what);
		if (!ok) {
			printf("--- memory\n%s--- store %zu\n%s", want, i, got);
			exit(test_done());
		}
		free(got);
	}
	free(want);
}

static void turn(struct world *w)
{
	struct rec recs[BATCH_MAX];
	size_t n = roll(w, BATCH_MAX + 1);
	w->now_ms += roll(w, 10);
	for (size_t i = 0; i < n; i++)
		recs[i] = roll_record(w);
	for (size_t i = 0; i < RIGS; i++)
		REQUIRE(!rig_commit_at(&w->rig[i], w->now_ms, recs, n), "a batch");
}

static void stop_all(struct world *w)
{
	struct rec_context exact[CONTEXTS];
	size_t n = 0;
	for (size_t i = 0; i < CONTEXTS; i++) {
		if (!w->context[i].id)
			continue;
		w->context[i].limit -=
			roll(w, w->context[i].limit < 64 ? w->context[i].limit + 1 : 64);
		exact[n++] = (struct rec_context){.id = w->context[i].id,
			.ssn_limit = w->context[i].limit,
			.highest = 2000,
			.window = rng_u64(&w->rng)};
	}
	for (size_t i = 0; i < RIGS; i++)
		REQUIRE(!store_stop(w->rig[i].s, exact, n, w->now_ms), "stop");
}

static void run(uint64_t seed)
{
	static const uint64_t log_rows_max[RIGS] = {0, 20, 40, 1000000};
	static struct world w;
	w = (struct world){.next_context = 1};
	w.rng = rng_test(w.state, seed);
	for (size_t i = 0; i < RIGS; i++) {
		rig_open(&w.rig[i], i > 0);
		w.rig[i].opts.log_rows_max = log_rows_max[i];
		w.rig[i].opts.exchange_lifetime_ms = w.rig[i].mem.exchange_lifetime_ms = 30;
		store_free(w.rig[i].s);
		REQUIRE(!rig_start(&w.rig[i]), "opening with other options");
	}
	for (size_t t = 0; t < 120; t++) {
		turn(&w);
		if (roll(&w, 10) == 0)
			same(&w, "the same state");
		bool stop = roll(&w, 30) == 0;
		if (stop)
			stop_all(&w);
		if (stop || roll(&w, 30) == 0) {
			for (size_t i = 0; i < RIGS; i++)
				stop ? rig_reopen(&w.rig[i]) : rig_crash(&w.rig[i]);
			same(&w, stop ? "the same after a stop" : "the same after a crash");
		}
	}
	struct store_stats st[RIGS];
	for (size_t i = 0; i < RIGS; i++)
		store_stats(w.rig[i].s, &st[i]);
	CHECK(st[1].log_rows < 200 && st[2].log_rows < 200, "folding keeps the log short");
	for (size_t i = 0; i < RIGS; i++)
		rig_close(&w.rig[i]);
}

/* Rows stay while they are younger than the exchange lifetime, up to 16 times the limit. */
static void test_young_rows(void)
{
	struct rig r;
	struct store_stats st;
	rig_open(&r, true);
	r.opts.log_rows_max = 10;
	store_free(r.s);
	REQUIRE(!rig_start(&r), "opening");
	struct rec recs[100];
	for (size_t i = 0; i < 100; i++)
		recs[i] = rec_seen_of(1, i, 10);
	REQUIRE(!rig_put(&r, rec_context_of(1, 1)), "a context");
	REQUIRE(!rig_commit_at(&r, 10, recs, 100), "rows");
	store_stats(r.s, &st);
	CHECK(st.log_rows == 100, "young rows stay");
	for (uint64_t i = 0; i < 100; i++) {
		recs[0] = rec_seen_of(1, 100 + i, 2000);
		REQUIRE(!rig_commit_at(&r, 2000, recs, 1), "rows");
	}
	store_stats(r.s, &st);
	CHECK(st.log_rows >= 100 && st.log_rows <= 110, "old rows go, as many as are appended");
	CHECK(rig_has(&r, "highest=199") && rig_has(&r, "seen 1 100 2000"), "the state is there");
	for (uint64_t i = 0; i < 400; i++) {
		recs[0] = rec_seen_of(1, 200 + i, 2001);
		REQUIRE(!rig_commit_at(&r, 2001, recs, 1), "rows");
	}
	store_stats(r.s, &st);
	CHECK(st.log_rows <= 170, "young rows beyond all measure go too");
	CHECK(rig_has(&r, "highest=599") && rig_has(&r, "seen 1 599 2001"), "their numbers stay");
	rig_close(&r);
}

int main(void)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		run(seed);
	test_young_rows();
	return test_done();
}
