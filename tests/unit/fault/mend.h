/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold while nothing can be stored, and once it can be again. */
#ifndef LANYARD_TESTS_UNIT_FAULT_MEND_H
#define LANYARD_TESTS_UNIT_FAULT_MEND_H

#include "tests/unit/fault/scenes.h"

static unsigned mend_wrong; /* answers that ought not to have left */

static bool mend_tap(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	struct msg m;
	(void)dev, (void)listener;
	if (!up && rig.up && s->core->failed)
		mend_wrong += msg_parse_udp(datagram, &m) || m.code != MSG_UNAVAILABLE ||
			      msg_find(&m, OPT_OSCORE);
	return false;
}

static bool mend_works(const struct sim *s)
{
	return !s->core->failed;
}

static void mend_check(const struct sim_told *told)
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
	if (!rig.up)
		REQUIRE(rig_start() == ERR_OK, rig.why);
	if (s->core->failed == ERR_SEALED)
		scene_unseal();
	CHECK(sim_until(s, mend_works, 5000), "it recovers alone");
	if (!s->core->failed)
		mend_check(told);
}

static SIM_UNUSED void mend_cut_power(uint64_t seed)
{
	struct sim *s = &rig_sim;
	struct sim_told told[SIM_DEVICES_MAX];
	sim_note(s, told);
	rig_drop();
	disk_revive(DISK_LOSE, seed);
	REQUIRE(rig_start() == ERR_OK, rig.why);
	mend_check(told);
}

static void mend_begin(const struct scene *c)
{
	rig_begin(7);
	mend_wrong = 0;
	rig_sim.tap = mend_tap;
	c->before();
}

/* After mend. */
static void mend_end(void)
{
	struct sim *s = &rig_sim;
	for (unsigned i = 0; i < s->dev_n; i++)
		if (!s->dev[i].seen[DEV_EVENT_SENT])
			sim_begin(s, i);
	if (!s->core->failed)
		rig_check_going_on();
	CHECK(!mend_wrong, "only 5.03 in the clear left while nothing could be stored");
	rig_end();
}

#endif
