/* SPDX-License-Identifier: Apache-2.0 */
/* Plays every scene with a fault at one call after the other, in every way (FAULT_FULL=1), or a
 * choice of them from SEED. With three numbers as arguments one of them again: SCENE CALL WAY. */
#ifndef LANYARD_TESTS_UNIT_FAULT_SWEEP_H
#define LANYARD_TESTS_UNIT_FAULT_SWEEP_H

#include "tests/unit/fault/scenes.h"

#include <time.h>

struct sweep {
	uint64_t (*count)(const struct scene *c); /* how many calls there are */
	void (*play)(const struct scene *c, uint64_t at, unsigned way);
	unsigned ways, tries; /* tries: of each scene, where not all are played */
	bool may_have_none;   /* a scene without such calls is passed over */
};

static void sweep_play(const struct sweep *w, const struct scene *c, uint64_t at, unsigned way)
{
	int failed = test_failed;
	w->play(c, at, way);
	if (test_failed != failed)
		printf("in \"%s\", call %u, way %u\n", c->name, (unsigned)at, way);
}

static uint64_t sweep_count(const struct sweep *w, const struct scene *c)
{
	uint64_t n = w->count(c);
	printf("%-24s %4u calls\n", c->name, (unsigned)n);
	REQUIRE(n > 0 || w->may_have_none, c->name);
	return n;
}

static void sweep_all(const struct sweep *w)
{
	uint64_t all = 0;
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t n = sweep_count(w, &scenes[i]);
		all += n;
		for (uint64_t at = 1; at <= n; at++)
			for (unsigned way = 0; way < w->ways; way++)
				sweep_play(w, &scenes[i], at, way);
	}
	CHECK(all > 0, "some scene has such calls");
}

static void sweep_some(const struct sweep *w, uint64_t seed)
{
	uint64_t state[4];
	struct rng rng = rng_test(state, seed);
	printf("SEED=%llu\n", (unsigned long long)seed);
	uint64_t all = 0;
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t n = sweep_count(w, &scenes[i]);
		all += n;
		for (unsigned k = 0; n && k < w->tries; k++) {
			uint64_t at = 1 + rng_u64(&rng) % n;
			sweep_play(w, &scenes[i], at, (unsigned)(rng_u64(&rng) % w->ways));
		}
	}
	CHECK(all > 0, "some scene has such calls");
}

static int sweep_main(const struct sweep *w, int argc, char **argv)
{
	const char *seed = getenv("SEED");
	rig_init();
	if (argc == 4)
		sweep_play(w, &scenes[atoi(argv[1])], (uint64_t)atoi(argv[2]),
			(unsigned)atoi(argv[3]));
	else if (getenv("FAULT_FULL"))
		sweep_all(w);
	else
		sweep_some(w, seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL));
	rig_fini();
	return test_done();
}

#endif
