/* SPDX-License-Identifier: Apache-2.0 */
/* Power is cut before every call that changes the disk, in every scene, and what was not synced is
 * lost, kept, or torn. The next start needs nobody: nothing acknowledged is lost, nothing that was
 * answered is accepted again, no nonce is used twice, and the devices go on.
 *
 * FAULT_FULL=1: every call in every way; else a choice of them, from SEED. */
#include "tests/unit/fault/scenes.h"

#include <time.h>

enum way {
	WAY_LOSE,
	WAY_KILL,      /* the process only */
	WAY_KILL_LOSE, /* that, and power once it runs again */
	WAY_SOME,      /* and some more of these, each with its own dice */
	WAYS = WAY_SOME + 4,
};

static void restart(enum disk_cut how, uint64_t seed)
{
	struct sim *s = &rig_sim;
	struct sim_told told[SIM_DEVICES_MAX];
	sim_note(s, told);
	rig_drop();
	disk_revive(how, seed);
	enum err e = rig_start();
	CHECK(e == ERR_OK, e ? rig.why : "it starts");
	if (e)
		return;
	if (rig.sealed && rig_sim.core->failed == ERR_SEALED)
		scene_unseal();
	CHECK(rig_good(), "and can store");
	if (!rig_good()) {
		rig_drop();
		return;
	}
	rig_check_rollbacks();
	CHECK(sim_lost(s, told) == 0, "registrations that devices know of are there");
	rig_check_acknowledged();
	rig_check_replays();
}

static void cut(enum way way, uint64_t seed)
{
	restart(way == WAY_LOSE ? DISK_LOSE : way >= WAY_SOME ? DISK_SOME : DISK_KEEP, seed);
	if (rig.up && way == WAY_KILL_LOSE) {
		sim_run(&rig_sim, 25000);
		restart(DISK_LOSE, seed);
	}
	for (unsigned i = 0; i < rig_sim.dev_n; i++)
		if (!rig_sim.dev[i].seen[DEV_EVENT_SENT])
			sim_begin(&rig_sim, i);
	if (rig.up)
		rig_check_going_on();
}

/* False if the scene was over before that call. */
static bool play(const struct scene *c, uint64_t at, enum way way)
{
	int failed = test_failed;
	rig_begin(7);
	c->before();
	disk_arm(at);
	c->during();
	bool dead = disk_is_dead();
	cut(way, at * WAYS + way);
	if (test_failed != failed)
		printf("in \"%s\", call %u, way %u\n", c->name, (unsigned)at, (unsigned)way);
	rig_end();
	return dead;
}

static uint64_t count_calls(const struct scene *c)
{
	rig_begin(7);
	c->before();
	disk_arm(0);
	c->during();
	uint64_t n = disk.calls;
	REQUIRE(n > 0, c->name);
	printf("%-24s %4u calls, %3u of them syncs\n", c->name, (unsigned)n, (unsigned)disk.syncs);
	rig_end();
	return n;
}

static void all(void)
{
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t n = count_calls(&scenes[i]);
		for (uint64_t at = 1; at <= n + 1; at++)
			for (unsigned way = 0; way < WAYS; way++)
				play(&scenes[i], at, way);
	}
}

static void some(uint64_t seed)
{
	uint64_t state[4];
	struct rng rng = rng_test(state, seed);
	enum { TRIES = 12 };
	printf("SEED=%llu\n", (unsigned long long)seed);
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t n = count_calls(&scenes[i]);
		for (int k = 0; k < TRIES; k++) {
			uint64_t at = 1 + rng_u64(&rng) % (n + 1);
			play(&scenes[i], at, rng_u64(&rng) % WAYS);
		}
	}
}

int main(int argc, char **argv)
{
	const char *seed = getenv("SEED");
	rig_init();
	if (argc == 4) { /* SCENE CALL WAY: one of them again */
		play(&scenes[atoi(argv[1])], (uint64_t)atoi(argv[2]), (unsigned)atoi(argv[3]));
	} else if (getenv("FAULT_FULL")) {
		all();
	} else {
		some(seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL));
	}
	rig_fini();
	return test_done();
}
