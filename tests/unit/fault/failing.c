/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change the disk fail, each in its turn: once, for some time, or until it is mended; as
 * full, as broken, as read-only. Meanwhile only 5.03 in the clear leaves; afterwards it works by
 * itself, nothing acknowledged is lost, and the store is not sealed. Power may be cut on top.
 *
 * FAULT_FULL=1: every call in every way; else a choice of them, from SEED. */
#include "tests/unit/fault/scenes.h"

#include <time.h>

static const struct way {
	int no;
	uint64_t calls; /* 0: until it is mended */
	bool cut;       /* power, once it works again */
} ways[] = {
	{ENOSPC, 1, false},
	{ENOSPC, 0, true},
	{EIO, 1, true},
	{EIO, 1, false},
	{EIO, 3, false},
	{EIO, 0, false},
	{EROFS, 0, false},
};

enum { WAYS = sizeof(ways) / sizeof(*ways) };

static unsigned wrong;

static bool only_unavailable(
	struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	struct msg m;
	(void)dev, (void)listener;
	if (!up && rig.up && s->core->failed)
		wrong += msg_parse_udp(datagram, &m) || m.code != MSG_UNAVAILABLE ||
			 msg_find(&m, OPT_OSCORE);
	return false;
}

static bool works(const struct sim *s)
{
	return !s->core->failed;
}

static void check_state(const struct sim_told *told)
{
	CHECK(rig_good(), "it can store");
	rig_check_rollbacks();
	CHECK(sim_lost(&rig_sim, told) == 0, "registrations that devices know of are there");
	rig_check_acknowledged();
	rig_check_replays();
}

/* The disk is mended. A daemon that could not start is started again, as systemd does it. */
static void mend(void)
{
	struct sim *s = &rig_sim;
	struct sim_told told[SIM_DEVICES_MAX];
	sim_note(s, told);
	disk_arm(0);
	if (!rig.up)
		REQUIRE(rig_start() == ERR_OK, rig.why);
	if (s->core->failed == ERR_SEALED)
		scene_unseal();
	CHECK(sim_until(s, works, 5000), "it recovers alone");
	if (!s->core->failed)
		check_state(told);
}

static void cut_power(uint64_t seed)
{
	struct sim *s = &rig_sim;
	struct sim_told told[SIM_DEVICES_MAX];
	sim_note(s, told);
	rig_drop();
	disk_revive(DISK_LOSE, seed);
	REQUIRE(rig_start() == ERR_OK, rig.why);
	check_state(told);
}

static void play(const struct scene *c, uint64_t at, unsigned way)
{
	struct sim *s = &rig_sim;
	int failed = test_failed;
	rig_begin(7);
	wrong = 0;
	s->tap = only_unavailable;
	c->before();
	disk_fail(at, ways[way].calls, ways[way].no);
	c->during();
	mend();
	if (ways[way].cut && !s->core->failed)
		cut_power(at);
	for (unsigned i = 0; i < s->dev_n; i++)
		if (!s->dev[i].seen[DEV_EVENT_SENT])
			sim_begin(s, i);
	if (!s->core->failed)
		rig_check_going_on();
	CHECK(!wrong, "only 5.03 in the clear left while nothing could be stored");
	if (test_failed != failed)
		printf("in \"%s\", call %u, way %u\n", c->name, (unsigned)at, way);
	rig_end();
}

static uint64_t count_calls(const struct scene *c)
{
	rig_begin(7);
	c->before();
	disk_arm(0);
	c->during();
	uint64_t n = disk.calls;
	REQUIRE(n > 0, c->name);
	rig_end();
	return n;
}

static void all(void)
{
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t n = count_calls(&scenes[i]);
		for (uint64_t at = 1; at <= n; at++)
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
			uint64_t at = 1 + rng_u64(&rng) % n;
			play(&scenes[i], at, (unsigned)(rng_u64(&rng) % WAYS));
		}
	}
}

int main(int argc, char **argv)
{
	const char *seed = getenv("SEED");
	rig_init();
	if (argc == 4) /* SCENE CALL WAY: one of them again */
		play(&scenes[atoi(argv[1])], (uint64_t)atoi(argv[2]), (unsigned)atoi(argv[3]));
	else if (getenv("FAULT_FULL"))
		all();
	else
		some(seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL));
	rig_fini();
	return test_done();
}
