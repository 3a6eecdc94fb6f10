/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_TESTS_UNIT_FAULT_SCENES_H
#define LANYARD_TESTS_UNIT_FAULT_SCENES_H

#include "tests/unit/fault/rig.h"

struct scene {
	const char *name;
	void (*before)(void);
	void (*during)(void); /* ends early once rig.up or the disk is gone */
};

static struct sim *const scene_sim = &rig_sim;

static bool scene_dead(void)
{
	return disk_is_dead() || !rig.up;
}

static void scene_up(void)
{
	REQUIRE(rig_start() == ERR_OK, rig.why);
}

static unsigned scene_device(enum dev_role role)
{
	return sim_provision(scene_sim, role);
}

static void scene_registered(void)
{
	scene_up();
	scene_device(DEV_ROLE_SERVER);
	scene_device(DEV_ROLE_BOOTSTRAP);
	REQUIRE(sim_until(scene_sim, sim_all_registered, 60000), "registered");
}

/* ---- scenes */

static void scene_nothing(void)
{
}

/* Provisions through calls that are recorded, unlike sim_provision, which requires success. */
static void scene_provisions(void)
{
	for (unsigned n = 0; n < RIG_MADE && !scene_dead(); n++) {
		struct dev_credentials c = sim_credentials(scene_sim, 20 + n, DEV_ROLE_SERVER);
		struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
		rig_put(n, &o);
	}
}

static void scene_first_start(void)
{
	if (rig_start() == ERR_OK)
		scene_provisions();
}

static void scene_one_provisioned(void)
{
	struct sim *s = scene_sim;
	static struct sim_result r;
	scene_up();
	struct dev_credentials c = sim_credentials(s, s->dev_n, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	sim_device(s, &c);
	REQUIRE(sim_put_oscore(s, c.endpoint, &o, &r) == 201, "provisioned");
}

static void scene_registers(void)
{
	sim_begin(scene_sim, 0);
	sim_until(scene_sim, sim_all_registered, 60000);
}

static void scene_to_bootstrap(void)
{
	struct sim *s = scene_sim;
	static struct sim_result r;
	scene_up();
	struct dev_credentials c = sim_credentials(s, s->dev_n, DEV_ROLE_BOOTSTRAP);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_BOOTSTRAP);
	sim_device(s, &c);
	REQUIRE(sim_put_oscore(s, c.endpoint, &o, &r) == 201, "provisioned");
}

static void scene_updates(void)
{
	sim_run(scene_sim, 65000);
}

/* New keys in the middle. */
static void scene_bootstraps_again(void)
{
	rig_dm(1, ADM_EXECUTE, "/1/0/9");
	sim_run(scene_sim, 8000);
}

static void scene_observed(void)
{
	scene_registered();
	rig_dm(0, ADM_OBSERVE, "/3303/0/5700");
}

static void scene_notifications(void)
{
	sim_run(scene_sim, 25000);
	rig_dm(0, ADM_CANCEL, "/3303/0/5700");
}

static void scene_operations(void)
{
	static const struct {
		enum adm_dm_kind kind;
		const char *path;
	} row[] = {{ADM_READ, "/3/0"}, {ADM_EXECUTE, "/3303/0/5605"}, {ADM_READ, "/19/0/0"},
		{ADM_OBSERVE, "/3/0/13"}, {ADM_EXECUTE, "/1/0/8"}};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
		rig_dm(0, row[i].kind, row[i].path);
	sim_run(scene_sim, 2000);
}

/* To where the next block of sender numbers is near. */
static void scene_busy(void)
{
	static struct sim_result r;
	scene_registered();
	const struct ep_context *c = sim_endpoint(scene_sim, 0)->contexts;
	for (int n = 0; n < 100 && c->ssn_left > c->ssn_block / 4u + 2; n++)
		REQUIRE(sim_dm(scene_sim, 0, ADM_READ, "/3/0/0", &r) == 200, "Read");
}

static void scene_reserves(void)
{
	for (int n = 0; n < 6; n++)
		rig_dm(0, ADM_READ, "/3/0/0");
}

/* Devices that know RFC 8613 Appendix B.2, and one whose keys have done three quarters. */
static void scene_used_up(void)
{
	enum { NEAR = 3 << 18 };
	struct sim *s = scene_sim;
	s->cfg.freshness = 3;
	s->host->o.recover = DEV_RECOVER_BEGIN;
	scene_up();
	scene_device(DEV_ROLE_SERVER);
	REQUIRE(sim_until(s, sim_all_registered, 300000), "registered");
	sim_run(s, 21000);
	struct dev_counters *at = &s->dev[0].dev->ctx[DEV_ROLE_SERVER]->at;
	at->next = at->limit = NEAR;
	osc_window_seal(&sim_endpoint(s, 0)->contexts->window, NEAR - 1);
}

static void scene_renews(void)
{
	sim_run(scene_sim, 45000);
	CHECK(scene_dead() || disk.fail_at || rig.starved || rig_sim.core->failed ||
			!ep_context_older(sim_endpoint(scene_sim, 0)->contexts),
		"new keys are in use");
}

static void scene_small(void)
{
	rig.opts.log_rows_max = 4;
	rig.opts.exchange_lifetime_ms = 1000;
	rig.opts.wal_pages = 8;
	rig.opts.event_ring = 4;
	scene_registered();
}

static void scene_many(void)
{
	scene_registered();
	scene_provisions();
}

static void scene_deletes(void)
{
	for (unsigned n = 0; n < 2 && !scene_dead(); n++)
		rig_delete(n);
}

static void scene_backs_up(void)
{
	rig_backup();
	sim_run(scene_sim, 21000);
}

static void scene_stops(void)
{
	enum err e = core_stop(scene_sim->core);
	CHECK(disk_is_dead() || disk.fail_at || rig.starved || !e, "a clean stop");
	rig_drop();
	if (!disk_is_dead() && rig_start() == ERR_OK)
		sim_run(scene_sim, 2000);
}

static void scene_killed(void)
{
	scene_registered();
	sim_run(scene_sim, 21000);
	rig_drop();
}

static void scene_starts(void)
{
	if (rig_start() == ERR_OK)
		sim_run(scene_sim, 21000);
}

/* An older copy, and an anchor that knows of what came after it. */
static void scene_set_back(void)
{
	scene_registered();
	rig_copy();
	rig_dm(0, ADM_READ, "/3/0/0");
	sim_run(scene_sim, 90000);
	rig_drop();
	rig_set_back();
}

/* The anchor is lost. */
static void scene_sealed(void)
{
	char path[128];
	scene_registered();
	sim_run(scene_sim, 30000);
	rig_drop();
	disk.top = NULL;
	snprintf(path, sizeof(path), "%s.anchor/anchor", rig.state);
	REQUIRE(!unlink(path), path);
	disk_watch(rig.root);
	rig.sealed = rig.rolled = true;
	scene_up();
}

static void scene_unseal(void)
{
	static struct sim_result r;
	if (scene_dead())
		return;
	struct adm_ops ops = sim_ops(scene_sim, &r);
	ops.unseal(ops.arg, sim_on_done, &r);
	sim_await(scene_sim, &r, 1000);
	sim_run(scene_sim, 21000);
}

static const struct scene scenes[] = {
	{"first start", scene_nothing, scene_first_start},
	{"registration", scene_one_provisioned, scene_registers},
	{"bootstrap", scene_to_bootstrap, scene_registers},
	{"updates", scene_registered, scene_updates},
	{"new keys", scene_registered, scene_bootstraps_again},
	{"keys at their limit", scene_used_up, scene_renews},
	{"notifications", scene_observed, scene_notifications},
	{"operations", scene_registered, scene_operations},
	{"reservation", scene_busy, scene_reserves},
	{"folding and checkpoints", scene_small, scene_updates},
	{"deletion", scene_many, scene_deletes},
	{"backup", scene_registered, scene_backs_up},
	{"clean stop", scene_registered, scene_stops},
	{"start after a crash", scene_killed, scene_starts},
	{"rollback", scene_set_back, scene_starts},
	{"unsealing", scene_sealed, scene_unseal},
};

enum { SCENES = sizeof(scenes) / sizeof(*scenes) };

#endif
