/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include "base/secret.h"
#include "tests/unit/test.h"

enum { TIMERS = 200 };

struct model {
	struct wheel w;
	struct timer t[TIMERS];
	bool armed[TIMERS];
	uint64_t due_ms[TIMERS]; /* never before the time it was armed at */
	struct rng rng;
	uint64_t state[4];
	bool ok;
};

/* A distance of each order of magnitude, up to far beyond the last level. */
static uint64_t any_distance(struct model *m, unsigned bits)
{
	uint64_t n = rng_u64(&m->rng) % bits;

	return rng_u64(&m->rng) & ((1ULL << n << 1) - 1);
}

static void arm(struct model *m, size_t i, uint64_t due_ms)
{
	wheel_add(&m->w, &m->t[i], due_ms);
	m->armed[i] = true;
	m->due_ms[i] = due_ms > m->w.now_ms ? due_ms : m->w.now_ms;
}

static uint64_t earliest(const struct model *m)
{
	uint64_t min = UINT64_MAX;

	for (size_t i = 0; i < TIMERS; i++)
		if (m->armed[i] && m->due_ms[i] < min)
			min = m->due_ms[i];
	return min;
}

static void check(struct model *m, bool cond)
{
	m->ok = m->ok && cond;
}

/* Expires everything up to now_ms; handlers arm and disarm timers as they please. */
static void expire(struct model *m, uint64_t now_ms)
{
	struct timer *t;

	while ((t = wheel_expire(&m->w, now_ms))) {
		size_t i = (size_t)(t - m->t), other = rng_u64(&m->rng) % TIMERS;

		check(m, m->armed[i] && m->due_ms[i] <= now_ms && m->due_ms[i] == earliest(m));
		check(m, !timer_armed(t) && m->w.now_ms >= m->due_ms[i]);
		m->armed[i] = false;
		if (rng_u64(&m->rng) % 4 == 0)
			arm(m, i, m->w.now_ms + 1 + any_distance(m, 44));
		if (rng_u64(&m->rng) % 8 == 0) {
			wheel_del(&m->w, &m->t[other]);
			m->armed[other] = false;
		}
	}
	check(m, earliest(m) > now_ms && m->w.now_ms == now_ms);
}

static void step(struct model *m)
{
	uint64_t now = m->w.now_ms, next;
	size_t i = rng_u64(&m->rng) % TIMERS;

	switch (rng_u64(&m->rng) % 8) {
	case 0:
	case 1:
	case 2:
		arm(m, i, now + any_distance(m, 45));
		break;
	case 3:
		arm(m, i, now - any_distance(m, 10)); /* in the past */
		break;
	case 4:
		wheel_del(&m->w, &m->t[i]);
		m->armed[i] = false;
		break;
	case 5:
		expire(m, now + any_distance(m, 41));
		break;
	default:
		next = wheel_next_ms(&m->w); /* as the loop does */
		check(m, next <= earliest(m) && next >= now);
		check(m, (next == UINT64_MAX) == (earliest(m) == UINT64_MAX));
		if (next != UINT64_MAX)
			expire(m, next + any_distance(m, 4));
		break;
	}
	check(m, timer_armed(&m->t[i]) == m->armed[i]);
}

static void test_model(uint64_t seed, uint64_t start_ms, size_t steps)
{
	struct model *m = calloc(1, sizeof(*m));

	REQUIRE(m, "memory");
	m->ok = true;
	m->rng = rng_test(m->state, seed);
	wheel_init(&m->w, start_ms);
	for (size_t i = 0; i < steps; i++)
		step(m);
	CHECK(m->ok, "the wheel does what the model does");
	for (size_t i = 0; i < TIMERS; i++)
		wheel_del(&m->w, &m->t[i]);
	CHECK(wheel_next_ms(&m->w) == UINT64_MAX, "none is armed");
	for (int l = 0; l < WHEEL_LEVELS; l++)
		CHECK(m->w.used[l] == 0, "no bit is left behind");
	free(m);
}

/* One timer at each distance that matters, from several times of day. */
static void test_single(void)
{
	static const uint64_t starts[] = {0, 1, 63, 64, 4095, (1ULL << 36) - 1,
		(1ULL << 36) + 12345, 1800000000000ULL, (5ULL << 36) - 64};

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (unsigned bit = 0; bit < 44; bit++) {
			for (uint64_t off = 0; off <= 2; off++) {
				uint64_t due = starts[s] + (1ULL << bit) + off - 1;
				struct timer t = {0};
				struct wheel w;
				int wakes = 0;

				wheel_init(&w, starts[s]);
				wheel_add(&w, &t, due);
				if (due > starts[s])
					CHECK(!wheel_expire(&w, due - 1), "not before its time");
				CHECK(wheel_expire(&w, due) == &t, "at its time");
				wheel_init(&w, starts[s]);
				wheel_add(&w, &t, due);
				while (wheel_expire(&w, wheel_next_ms(&w)) != &t && wakes < 1000)
					wakes++;
				CHECK(w.now_ms == due, "next_ms leads to it");
				CHECK(wakes <= WHEEL_LEVELS + (int)(due >> 36), "in few steps");
			}
		}
	}
}

static void test_order(void)
{
	static const uint64_t due[] = {5000, 70, 70, 4096, 1, 0, 64, 300000, 63, 200};
	enum { N = sizeof(due) / sizeof(due[0]) };
	struct timer t[N] = {0}, *got;
	uint64_t last = 0;
	struct wheel w;
	int n = 0;

	wheel_init(&w, 0);
	for (size_t i = 0; i < N; i++)
		wheel_add(&w, &t[i], due[i]);
	while ((got = wheel_expire(&w, 1000000))) {
		CHECK(got->due_ms >= last, "one big jump fires in order");
		last = got->due_ms;
		n++;
	}
	CHECK(n == N && w.now_ms == 1000000, "all of them");
}

static void test_basics(void)
{
	struct timer a = {0}, b = {0}, c = {0}, *first;
	struct wheel w;

	wheel_init(&w, 1000);
	CHECK(wheel_next_ms(&w) == UINT64_MAX && !wheel_expire(&w, 1000), "an empty wheel");
	wheel_del(&w, &a);
	CHECK(!timer_armed(&a), "deleting what is not armed");
	wheel_add(&w, &a, 10);
	CHECK(timer_armed(&a) && wheel_next_ms(&w) == 1000, "a past due time is due now");
	CHECK(wheel_expire(&w, 500) == &a && w.now_ms == 1000, "time never goes back");
	CHECK(!timer_armed(&a) && !wheel_expire(&w, 1000), "it fires once");
	wheel_add(&w, &a, 2000);
	wheel_add(&w, &a, 1500);
	CHECK(!wheel_expire(&w, 1499) && wheel_expire(&w, 3000) == &a, "armed again, sooner");
	CHECK(!wheel_expire(&w, 3000), "its first time is forgotten");
	wheel_add(&w, &a, 3500);
	wheel_add(&w, &a, 4000);
	CHECK(!wheel_expire(&w, 3999) && wheel_expire(&w, 4000) == &a, "armed again, later");

	wheel_add(&w, &a, 4100);
	wheel_add(&w, &b, 4100);
	wheel_add(&w, &c, 4100);
	wheel_del(&w, &b);
	first = wheel_expire(&w, 4100);
	CHECK(first == &a || first == &c, "one of those with the same time");
	wheel_del(&w, first == &a ? &c : &a);
	CHECK(!wheel_expire(&w, 4100), "an expired one can be deleted before it is taken");
	CHECK(wheel_next_ms(&w) == UINT64_MAX, "nothing is left");

	wheel_add(&w, &a, UINT64_MAX);
	CHECK(!wheel_expire(&w, 1ULL << 42) && timer_armed(&a), "never is not soon");
	wheel_init(&w, UINT64_MAX - 100);
	wheel_add(&w, &b, UINT64_MAX);
	wheel_add(&w, &c, UINT64_MAX - 50);
	CHECK(wheel_expire(&w, UINT64_MAX - 1) == &c, "at the end of time");
	CHECK(!wheel_expire(&w, UINT64_MAX - 1) && wheel_expire(&w, UINT64_MAX) == &b, "the last");
}

int main(void)
{
	test_basics();
	test_order();
	test_single();
	for (uint64_t seed = 1; seed <= 20; seed++)
		test_model(seed, seed % 2 ? 0 : (seed << 36) - 1000, 20000);
	return test_done();
}
