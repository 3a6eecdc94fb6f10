/* SPDX-License-Identifier: Apache-2.0 */
/* Power is cut before every call that changes the disk, in every scene, and what was not synced is
 * lost, kept, or torn. The next start needs nobody: nothing acknowledged is lost, nothing that was
 * answered is accepted again, no nonce is used twice, and the devices go on.
 *
 * FAULT_FULL=1: every call in every way; else a choice of them, from SEED. */
#include "tests/unit/fault/sweep.h"

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

static void play(const struct scene *c, uint64_t at, unsigned way)
{
	rig_begin(7);
	c->before();
	disk_arm(at);
	c->during();
	cut((enum way)way, at * WAYS + way);
	rig_end();
}

/* One more than there are: behind the last. */
static uint64_t count(const struct scene *c)
{
	rig_begin(7);
	c->before();
	disk_arm(0);
	c->during();
	uint64_t n = disk.calls;
	rig_end();
	return n + 1;
}

int main(int argc, char **argv)
{
	static const struct sweep sweep = {count, play, WAYS, 12, false};
	return sweep_main(&sweep, argc, argv);
}
