/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that have done all they may, in a whole daemon: renewed in time where that is possible, told
 * and refused where it is not, counted through crashes, and no forger switches a device off. */
#include "endpoint/limits.h"
#include "tests/unit/cmd/sim_check.h"
#include "tests/unit/cmd/sim_craft.h"

enum { Q = 1 << 20, V = 1 << 14 };

static struct sim sim;
static struct sim_result result;
static struct craft craft;
static struct msg m, answer;

static struct ep_context *server_keys(const struct sim *s, const char *name)
{
	struct endpoint *e = ep_find(&s->core->dir, span_str(name));
	return ep_context_newest(e, REC_ROLE_SERVER, REC_GEN_WRITTEN);
}

static uint64_t told_metric;

static void on_metric(void *arg, const struct adm_metric *a)
{
	const char *const *want = arg;
	if (!strcmp(a->name, want[0]) && (!want[1] || !strcmp(a->label_value, want[1])))
		told_metric = a->value;
}

static uint64_t metric(struct sim *s, const char *name, const char *label)
{
	const char *want[] = {name, label};
	struct adm_ops ops = sim_ops(s, NULL);
	told_metric = UINT64_MAX;
	ops.metrics(ops.arg, on_metric, want);
	return told_metric;
}

/* Both sides have come that far: the device's next request is number n. */
static void age(struct sim *s, unsigned i, uint64_t n)
{
	struct dev_counters *at = &s->dev[i].dev->ctx[DEV_ROLE_SERVER]->at;
	at->next = at->limit = n;
	osc_window_seal(&server_keys(s, dev_endpoint(s->dev[i].dev))->window, n - 1);
}

static bool settled(const struct sim *s)
{
	return sim_registered(s, 0) && s->dev[0].dev->state == DEV_STATE_REGISTERED;
}

static bool renewed(const struct sim *s)
{
	const struct ep_context *c = server_keys(s, dev_endpoint(s->dev[0].dev));
	return settled(s) && sim_contexts(s, 0, REC_ROLE_SERVER) == 1 && ep_used(c) < 1000 &&
	       c->generation == REC_GEN_USED && !c->auth_failures;
}

static void open_fleet_of_one(struct sim *s, uint64_t seed)
{
	sim_init(s, seed);
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	REQUIRE(sim_until(s, settled, 60000), "registered");
}

/* A device that is there: it is told to bootstrap before anything is refused.
 * Proves: 8613-7.2.1-3 */
static void in_time(bool crash)
{
	struct sim *s = &sim;
	open_fleet_of_one(s, 400 + crash);
	age(s, 0, Q / 4 * 3 - 50);
	unsigned updates = s->dev[0].done[DEV_OP_UPDATE];
	sim_run(s, 60000);
	CHECK(s->dev[0].done[DEV_OP_UPDATE] > updates &&
			!sim_explains(s, "dev-000000", "keys-used"),
		"below 75 percent nothing is said");
	age(s, 0, Q / 4 * 3);
	sim_run(s, 60000);
	CHECK(sim_explains(s, "dev-000000", "keys-used") && !renewed(s),
		"at 75 percent it is told");
	age(s, 0, Q / 16 * 15);
	if (crash) {
		sim_run(s, 20000);
		sim_crash(s);
	}
	CHECK(sim_until(s, renewed, 300000), "before the limit it has new keys");
	CHECK(!s->dev[0].failed[DEV_OP_UPDATE] && !s->dev[0].failed[DEV_OP_REGISTER],
		"and nothing was refused");
	CHECK(!sim_explains(s, "dev-000000", "keys-used"), "which explain tells");
	CHECK(crash || metric(s, "lanyard_key_renewals_total", "bootstrap") == 1, "once");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* It was away, and comes back with keys that are used up. */
static void too_late(void)
{
	struct sim *s = &sim;
	open_fleet_of_one(s, 410);
	age(s, 0, Q + 3);
	sim_run(s, 25000);
	CHECK(sim_explains(s, "dev-000000", "key-limit"), "its request is refused");
	CHECK(sim_until(s, renewed, 300000), "and it is told to bootstrap all the same");
	sim_close(s);
}

/* No bootstrap keys: the end, and why. */
static void no_way_to_renew(void)
{
	struct sim *s = &sim;
	sim_init(s, 420);
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	REQUIRE(sim_until(s, settled, 60000), "registered");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "it can be read");
	age(s, 0, Q - 1 - server_keys(s, "dev-000000")->ssn_next);
	sim_run(s, 45000);
	CHECK(metric(s, "lanyard_key_limits_reached_total", "encryptions") == 1 &&
			metric(s, "lanyard_key_renewals_total", "bootstrap") == 0,
		"it is told, once, and nothing can be done");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 503 && !strcmp(result.type, "key-limit"),
		"a read is refused with the reason");
	CHECK(sim_dm(s, 0, ADM_OBSERVE, "/3/0/13", &result) == 503 &&
			!strcmp(result.type, "key-limit"),
		"so is an observation");
	sim_crash(s);
	sim_run(s, 25000);
	CHECK(sim_explains(s, "dev-000000", "keys-used"), "after a crash it is still so");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 503, "all of it");
	sim_close(s);
}

/* ---- forgeries */

static void forge(struct sim *s, unsigned n, uint8_t host)
{
	struct peer from = sim_peer_of(host, 4444, SIM_SERVER);
	struct msg none;
	craft_register(&m, "lt=60&lwm2m=1.1", "</1/0>,</3/0>");
	struct span in = craft_seal(&craft, &m, NULL);
	craft.piv--;
	craft.bytes[in.n - 1] ^= 1;
	for (unsigned i = 0; i < n; i++)
		sim_inject(s, &from, in, &none);
}

static void open_crafted(struct sim *s, uint64_t seed)
{
	sim_init(s, seed);
	sim_open(s);
	craft_open(&craft, s, DEV_ROLE_SERVER);
	craft_register(&m, "lt=600&lwm2m=1.1", "</1/0>,</3/0>");
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED, "registered");
}

static void counted_through_crashes(void)
{
	struct sim *s = &sim;
	open_crafted(s, 430);
	forge(s, 300, 66);
	CHECK(server_keys(s, "crafted")->auth_failures == 300, "counted");
	sim_crash(s);
	CHECK(server_keys(s, "crafted")->auth_failures == 256, "a crash forgets less than a step");
	forge(s, 10, 66);
	sim_restart(s);
	CHECK(server_keys(s, "crafted")->auth_failures == 266, "a clean stop nothing");
	forge(s, 500, 66);
	sim_crash(s);
	CHECK(server_keys(s, "crafted")->auth_failures == 512, "the next steps are recorded too");
	sim_close(s);
}

/* To the limit and far beyond, one per forgery: no device is switched off. */
static void flood(bool stop)
{
	struct sim *s = &sim;
	unsigned good = 0;
	open_crafted(s, 440);
	s->core->dir.failures_stop = stop;
	forge(s, V / 4 * 3, 66);
	CHECK(sim_explains(s, "crafted", "keys-attacked") &&
			metric(s, "lanyard_key_limits_near_total", "failures") == 1,
		"75 percent is told");
	forge(s, V / 4, 66);
	CHECK(metric(s, "lanyard_key_limits_reached_total", "failures") == 1, "the limit too");
	sim_crash(s);
	CHECK(server_keys(s, "crafted")->auth_failures == V, "a crash brings nobody back below it");
	s->core->dir.failures_stop = stop;
	for (int i = 0; i < 30; i++) {
		sim_run(s, 1000);
		forge(s, 500, 66);
		craft_register(&m, "lt=600&lwm2m=1.1", "</1/0>,</3/0>");
		good += craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED;
	}
	uint64_t tried = server_keys(s, "crafted")->auth_failures - V;
	if (stop) {
		CHECK(!good && !tried, "with key_limit_stop the keys are dead");
	} else {
		CHECK(good >= 29, "the device is served all the time");
		CHECK(tried <= 31 * EP_TRIALS_OTHER, "and of 15,000 forgeries few are tried");
	}
	sim_close(s);
}

/* Keys that are attacked are renewed. */
static void attacked_and_renewed(void)
{
	struct sim *s = &sim;
	open_fleet_of_one(s, 450);
	server_keys(s, "dev-000000")->auth_failures = V - 1;
	craft_keys(&craft, s, "dev-000000", REC_ROLE_SERVER);
	craft.piv = 1000;
	forge(s, 1, 66);
	CHECK(sim_until(s, renewed, 300000), "by a bootstrap");
	sim_close(s);
}

int main(void)
{
	in_time(false);
	in_time(true);
	too_late();
	no_way_to_renew();
	counted_through_crashes();
	flood(false);
	flood(true);
	attacked_and_renewed();
	return test_done();
}
