/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts at any moment, while the devices go on: nothing acknowledged is lost, nothing that was
 * answered is ever accepted again, no nonce is used twice. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

static const char watched[] = "/3303/0/5700";

static void crash(struct sim *s)
{
	struct sim_told told[SIM_DEVICES_MAX];
	sim_note(s, told);
	sim_crash(s);
	CHECK(sim_lost(s, told) == 0, "registrations that devices know of are there after a crash");
	CHECK(sim_replays_pass_by(s), "no answered request is accepted after a crash");
}

/* Something that an administrator asks for meanwhile; the outcome does not matter, but that there
 * is one does. */
static struct sim_result busy[25];

static void administrator(struct sim *s, int n)
{
	static const struct {
		enum adm_dm_kind kind;
		const char *path;
	} calls[] = {
		{ADM_READ, "/3/0"}, {ADM_READ, "/19/0/0"}, {ADM_OBSERVE, watched},
		{ADM_OBSERVE, "/3/0/13"}, {ADM_CANCEL, watched},
		{ADM_EXECUTE, "/1/0/8"}, /* Update */
		{ADM_EXECUTE, "/1/0/9"}, /* bootstrap */
		{ADM_EXECUTE, "/3/0/4"}, /* reboot: registers */
	};
	size_t k = sim_draw(s, sizeof(calls) / sizeof(*calls));
	unsigned i = (unsigned)sim_draw(s, s->dev_n);
	struct adm_dm d = sim_dm_of(s, i, calls[k].kind, calls[k].path);
	sim_dm_begin(s, &d, &busy[n]);
}

static bool all_told(void)
{
	for (size_t n = 0; n < sizeof(busy) / sizeof(*busy); n++)
		if (busy[n].calls != 1)
			return false;
	return true;
}

/* Proves: 8613-7.2-1 8613-7.5-1 8613-7.5-2 */
static void crashes(uint64_t seed, struct sim_net net, uint32_t commit_us)
{
	struct sim *s = &sim;
	sim_init(s, seed);
	s->net = net;
	s->commit_us = commit_us;
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	for (int n = 0; n < 4; n++)
		sim_provision(s, n == 3 ? DEV_ROLE_SERVER : DEV_ROLE_BOOTSTRAP);
	for (int n = 0; n < 25; n++) {
		uint64_t turns = 1 + sim_draw(s, n % 3 ? 40 : 400);
		administrator(s, n);
		while (turns-- && sim_step(s, s->now_us + 60000000))
			;
		crash(s);
	}
	CHECK(sim_until(s, sim_all_registered, 3600000), "devices find their way back");
	unsigned before = s->dev[3].done[DEV_OP_UPDATE];
	sim_run(s, 400000);
	CHECK(s->dev[3].done[DEV_OP_UPDATE] > before, "and their Updates are taken");
	CHECK(sim_replays_pass_by(s), "no answered request is accepted without a crash either");
	CHECK(all_told(), "every administrator's call came to one end");
	CHECK(!s->audit.reuses && s->audit.use_n > 100, "no key met a nonce twice");
	sim_close(s);
}

/* Wanted observations outlive a crash: set up again at the next Update (IR-06).
 * Proves: 8613-B.1.3-1 */
static void observations(void)
{
	struct sim *s = &sim;
	sim_init(s, 5);
	s->dev_options.update_interval_ms = 50000;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	CHECK(sim_dm(s, i, ADM_OBSERVE, watched, &result) == 200, "observed");
	crash(s);
	struct sim_watched w = sim_watch(s, i, watched);
	CHECK(w.found && !w.active, "after a crash it is wanted and not active");
	sim_run(s, 51000);
	CHECK(sim_watch(s, i, watched).active, "the next Update sets it up");
	uint64_t n = sim_watch(s, i, watched).notifications;
	sim_run(s, 30000);
	CHECK(sim_watch(s, i, watched).notifications > n, "and values come");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* An operation that may have happened is told as unknown, and never repeated (D3). */
static void unknown_outcome(void)
{
	struct sim *s = &sim;
	sim_init(s, 6);
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	struct adm_dm d = sim_dm_of(s, i, ADM_EXECUTE, "/3303/0/5605");
	sim_dm_begin(s, &d, &result);
	sim_crash(s);
	CHECK(result.calls == 1 && result.status == 503, "who waited is told, once");
	sim_run(s, 1000);
	CHECK(s->dev[i].seen[DEV_EVENT_EXECUTE] == 1, "the device did it once");
	sim_crash(s);
	sim_run(s, 200000);
	CHECK(s->dev[i].seen[DEV_EVENT_EXECUTE] == 1, "and it is not asked again");
	sim_close(s);
}

/* A clean stop keeps windows exactly: a number below the highest that was not used is good. */
static void clean_stop(void)
{
	struct sim *s = &sim;
	sim_init(s, 7);
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	for (int n = 0; n < 3; n++)
		sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "Read");
	for (int n = 0; n < 5; n++) {
		struct sim_told told[SIM_DEVICES_MAX];
		const struct ep_context *c = sim_endpoint(s, 0)->contexts;
		uint64_t next = c->ssn_next;
		struct osc_window w = c->window;
		sim_note(s, told);
		sim_restart(s);
		c = sim_endpoint(s, 0)->contexts;
		CHECK(c->ssn_next == next, "a clean stop keeps the next number");
		CHECK(c->window.highest == w.highest && c->window.seen == w.seen && !c->sealed,
			"and the window");
		CHECK(sim_lost(s, told) == 0 && sim_replays_pass_by(s),
			"nothing lost, nothing replayed");
		sim_run(s, 41000);
		CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "Read afterwards");
	}
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

int main(void)
{
	static const struct sim_net good = {0}, bad = {.loss = 200, .dup = 50, .reorder = 250};
	for (uint64_t seed = 1; seed <= 8; seed++)
		crashes(seed, seed % 2 ? good : bad, seed % 4 < 2 ? 3000 : 200000);
	observations();
	unknown_outcome();
	clean_stop();
	return test_done();
}
