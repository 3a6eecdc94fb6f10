/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts at any moment, while the devices go on: nothing acknowledged is lost, nothing that was
 * answered is ever accepted again, no nonce is used twice. */
#include "tests/unit/cmd/sim_admin.h"

static struct sim sim;
static struct sim_result result;

static const char watched[] = "/3303/0/5700";

/* What a device was told before the power cut. */
struct told {
	bool registered, settled;
	char location[DEV_LOCATION_MAX + 1];
};

static void note(const struct sim *s, struct told *t)
{
	for (unsigned i = 0; i < s->dev_n; i++) {
		const struct dev *d = s->dev[i].dev;
		t[i].registered = d->registered && d->req.op != DEV_OP_DEREGISTER;
		/* With a request under way the server may be ahead of what the device knows. */
		t[i].settled = d->registered && d->state == DEV_STATE_REGISTERED;
		memcpy(t[i].location, d->location, sizeof(t[i].location));
	}
}

/* How many registrations that a device was told of are not there. */
static unsigned lost(const struct sim *s, const struct told *t)
{
	unsigned n = 0;
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct srv_view v;
		if (!t[i].registered)
			continue;
		bool there = sim_view(s, i, &v);
		n += !there || (t[i].settled && !span_eq_str(v.location, t[i].location + 3));
	}
	return n;
}

/* Sums of what only an accepted request can change. */
static uint64_t accepted(const struct sim *s)
{
	const struct srv_counters *v = srv_counters(s->core->srv);
	uint64_t n = v->registers + v->updates + v->deregisters + v->refusals +
		     bs_counters(s->core->bs)->requests +
		     ep_exchange_counters(s->core->x)->challenges;
	size_t cursor = 0;
	for (const struct endpoint *e; (e = map_next(&s->core->dir.by_name, &cursor));)
		for (const struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
			n += c->window.any ? c->window.highest + 1 : 0;
	return n;
}

/* Everything that was ever answered comes again, from somewhere else. False if any of it did
 * something. */
static bool replays_pass_by(struct sim *s)
{
	struct peer thief = sim_peer_of(200, 6666, 0);
	sim_time(s);
	uint64_t before = accepted(s);
	for (size_t i = 0; i < s->audit.request_n; i++) {
		const struct audit_request *r = &s->audit.request[i];
		thief.listener = r->listener;
		if (!r->answered)
			continue;
		core_input(s->core, &thief, span_make(r->bytes, r->n));
		sim_turn(s);
	}
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct srv_view v;
		if (sim_view(s, i, &v) && v.peer && v.peer->addr[3] == 200)
			return false;
	}
	return accepted(s) == before;
}

static void crash(struct sim *s)
{
	struct told told[SIM_DEVICES_MAX];
	note(s, told);
	sim_crash(s);
	CHECK(lost(s, told) == 0, "registrations that devices know of are there after a crash");
	CHECK(replays_pass_by(s), "no answered request is accepted after a crash");
}

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
		while (turns-- && sim_step(s, s->now_us + 60000000))
			;
		crash(s);
	}
	CHECK(sim_until(s, sim_all_registered, 3600000), "devices find their way back");
	unsigned before = s->dev[3].done[DEV_OP_UPDATE];
	sim_run(s, 400000);
	CHECK(s->dev[3].done[DEV_OP_UPDATE] > before, "and their Updates are taken");
	CHECK(replays_pass_by(s), "no answered request is accepted without a crash either");
	CHECK(!s->audit.reuses && s->audit.use_n > 100, "no key met a nonce twice");
	sim_close(s);
}

/* Wanted observations outlive a crash: set up again at the next Update (IR-06). */
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
	struct adm_dm d = sim_dm_of(s, i, ADM_EXECUTE, "/3303/0/5605", 60);
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
		struct told told[SIM_DEVICES_MAX];
		const struct ep_context *c = sim_endpoint(s, 0)->contexts;
		uint64_t next = c->ssn_next;
		struct osc_window w = c->window;
		note(s, told);
		sim_restart(s);
		c = sim_endpoint(s, 0)->contexts;
		CHECK(c->ssn_next == next, "a clean stop keeps the next number");
		CHECK(c->window.highest == w.highest && c->window.seen == w.seen && !c->sealed,
			"and the window");
		CHECK(lost(s, told) == 0 && replays_pass_by(s), "nothing lost, nothing replayed");
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
