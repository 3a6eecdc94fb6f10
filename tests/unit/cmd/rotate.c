/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are changed because they are old: when, how many at a time, and what interrupts it. */
#include "tests/unit/cmd/sim_check.h"

enum { DAY_MS = 86400000, DEVICES = 6 };

static struct sim sim;
static struct sim_result result;
static uint64_t first[DEVICES]; /* contexts */
static unsigned expected;       /* how many of them are to be gone */

static uint64_t used(const struct sim *s, unsigned i)
{
	const struct ep_context *c =
		ep_context_newest(sim_endpoint(s, i), REC_ROLE_SERVER, REC_GEN_USED);
	return c ? c->id : 0;
}

static unsigned rotated(const struct sim *s)
{
	unsigned n = 0;
	for (unsigned i = 0; i < s->dev_n; i++)
		n += sim_registered(s, i) && used(s, i) != first[i];
	return n;
}

static bool all_rotated(const struct sim *s)
{
	return rotated(s) == expected;
}

static void open_fleet(struct sim *s, uint64_t seed, uint32_t days)
{
	expected = DEVICES;
	sim_init(s, seed);
	s->cfg.rotate_keys_days = days;
	s->cfg.lifetime_s = 7200;
	sim_open(s);
	for (int n = 0; n < DEVICES; n++)
		sim_provision(s, DEV_ROLE_BOOTSTRAP);
	REQUIRE(sim_until(s, sim_all_registered, 60000), "registered");
	for (unsigned i = 0; i < DEVICES; i++)
		first[i] = used(s, i);
}

static struct ep_keys_of {
	struct osc_keys keys;
} before[DEVICES];

static void changed(void)
{
	struct sim *s = &sim;
	open_fleet(s, 1, 2);
	for (unsigned i = 0; i < DEVICES; i++) {
		const struct ep_context *x =
			ep_context_newest(sim_endpoint(s, i), REC_ROLE_SERVER, REC_GEN_USED);
		int64_t due_s = core_rotation_s(s->core, x), day_s = 86400;
		int64_t made_s = x->created_day * day_s;
		ep_keys(x, &before[i].keys);
		CHECK(made_s == sim_wall_ms(s) / 1000 / day_s * day_s, "made today");
		CHECK(due_s >= made_s + 2 * day_s && due_s < made_s + 2 * day_s + 2 * day_s / 10,
			"two days old at least, and not all at once");
	}
	sim_run(s, DAY_MS);
	CHECK(rotated(s) == 0 && !s->core->rotations, "keys of a day stay");
	CHECK(sim_until(s, all_rotated, 2 * DAY_MS), "those of two are changed");
	CHECK(s->core->rotations == DEVICES, "each device was told once");
	for (unsigned i = 0; i < DEVICES; i++) {
		CHECK(sim_contexts(s, i, REC_ROLE_SERVER) == 1, "the old keys are erased");
		CHECK(!ep_kid_taken(&s->core->dir, osc_id_span(&before[i].keys.recipient_id)),
			"and unknown");
	}
	sim_run(s, DAY_MS / 2);
	CHECK(s->core->rotations == DEVICES, "the new ones are young");
	sim_crash(s);
	sim_run(s, DAY_MS / 4);
	CHECK(!s->core->rotations && sim_all_registered(s), "after a crash as well");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* A plan says otherwise than the configuration, in either direction. */
static void plans(bool configured)
{
	static const char text[] =
		"{\"servers\":[{\"uri\":\"coap://192.0.2.1:5683\",\"lifetime_s\":7200}],"
		"\"rotate_keys_days\":%d}";
	struct sim *s = &sim;
	char json[256];
	open_fleet(s, 2, configured);
	struct adm_ops ops = sim_ops(s, &result);
	snprintf(json, sizeof(json), text, !configured);
	ops.plan_put(ops.arg, sim_name(s, 2), span_str(json), sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 200 || result.status == 204 || result.status == 201,
		"a plan of its own");
	expected = configured ? DEVICES - 1 : 1;
	CHECK(sim_until(s, all_rotated, 2 * DAY_MS), "as each plan says");
	CHECK((used(s, 2) == first[2]) == configured, "this one as its own");
	sim_run(s, DAY_MS / 4);
	CHECK(rotated(s) == expected, "and no other");
	sim_close(s);
}

/* Nothing of bootstrap gets through; then power is lost; then everything works again. */
static bool cut(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)s, (void)up, (void)dev, (void)datagram;
	return listener == SIM_BOOTSTRAP;
}

static void interrupted(void)
{
	struct sim *s = &sim;
	open_fleet(s, 3, 1);
	s->tap = cut;
	sim_run(s, DAY_MS + DAY_MS / 4);
	CHECK(s->core->rotations >= DEVICES && rotated(s) == 0, "told, and without success");
	for (unsigned i = 0; i < DEVICES; i++)
		CHECK(used(s, i) == first[i], "the old keys serve");
	sim_crash(s);
	s->tap = NULL;
	for (int n = 0; n < 200 && !all_rotated(s); n++) {
		uint64_t steps = 1 + sim_draw(s, 60);
		while (steps-- && sim_step(s, s->now_us + 600000000))
			;
		sim_crash(s);
	}
	CHECK(sim_until(s, all_rotated, DAY_MS), "changed in the end");
	sim_run(s, 600000);
	for (unsigned i = 0; i < DEVICES; i++)
		CHECK(sim_contexts(s, i, REC_ROLE_SERVER) == 1, "the old keys are erased");
	CHECK(!s->core->dir.graves.count && s->core->dir.ssn_forgotten,
		"and of all of them one number is left");
	sim_crash(s);
	CHECK(!s->core->dir.graves.count && s->core->dir.ssn_forgotten, "on disk, too");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

int main(void)
{
	changed();
	plans(true);
	plans(false);
	interrupted();
	return test_done();
}
