/* SPDX-License-Identifier: Apache-2.0 */
/* A bootstrap account is replaced, and at each datagram of it everything is cut off, or the daemon
 * dies: what the device is left with has to work at its next bootstrap.
 * Proves: BS-17, BS-18 */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

static struct {
	bool armed, up, crash;
	unsigned nth;
} cut;

static bool cutter(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)dev, (void)datagram;
	if (!cut.armed || listener != SIM_BOOTSTRAP)
		return false;
	s->tap_n += up == cut.up;
	return s->tap_n > cut.nth;
}

static void put_plan(struct sim *s, const char *members)
{
	char json[512];
	struct adm_ops ops = sim_ops(s, &result);
	snprintf(json, sizeof(json),
		"{\"servers\":[{\"uri\":\"coap://192.0.2.1:5683\",\"lifetime_s\":300}]%s}",
		members);
	ops.plan_put(ops.arg, sim_name(s, 0), span_str(json), sim_on_done, &result);
	REQUIRE(sim_await(s, &result, 1000) == 200, "a plan");
}

#define NEXT(members) ",\"bootstrap_account\":{\"uri\":\"coap://192.0.2.1:5783\"" members "}"

static void open_one(struct sim *s, uint64_t seed, const char *members)
{
	memset(&cut, 0, sizeof(cut));
	sim_init(s, seed);
	s->tap = cutter;
	s->dev_options.update_interval_ms = 20000;
	s->cfg.session_timeout_s = 200;
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	put_plan(s, members);
	CHECK(sim_until(s, sim_all_registered, 10000), "the first bootstrap");
}

static bool idle(const struct sim *s)
{
	return !bs_sessions(s->core->bs);
}

static bool settled(const struct sim *s)
{
	return sim_registered(s, 0) && s->dev[0].dev->state == DEV_STATE_REGISTERED && idle(s);
}

static void bootstrap_again(struct sim *s)
{
	CHECK(sim_dm(s, 0, ADM_EXECUTE, "/1/0/9", &result) == 200, "bootstrap is triggered");
}

/* The keys with which the device would ask. */
static struct osc_keys device_keys(const struct sim *s)
{
	REQUIRE(s->dev[0].dev->ctx[DEV_ROLE_BOOTSTRAP], "a bootstrap account");
	return s->dev[0].dev->ctx[DEV_ROLE_BOOTSTRAP]->keys;
}

static bool same(const struct osc_keys *a, const struct osc_keys *b)
{
	return !memcmp(a->sender_key, b->sender_key, sizeof(a->sender_key));
}

static void replaced(void)
{
	struct sim *s = &sim;
	open_one(s, 60, NEXT(""));
	struct osc_keys first = device_keys(s), second;
	CHECK(sim_contexts(s, 0, REC_ROLE_BOOTSTRAP) == 2, "both serve until the new one is used");
	bootstrap_again(s);
	sim_run(s, 3000);
	CHECK(sim_until(s, settled, 10000), "a bootstrap with the new account");
	second = device_keys(s);
	CHECK(!same(&first, &second) && sim_contexts(s, 0, REC_ROLE_BOOTSTRAP) == 2,
		"replaces it once more, and the one before is gone");
	put_plan(s, "");
	bootstrap_again(s);
	sim_run(s, 3000);
	first = device_keys(s);
	CHECK(sim_until(s, settled, 10000) && same(&first, &second) &&
			sim_contexts(s, 0, REC_ROLE_BOOTSTRAP) == 1,
		"a plan that leaves it alone leaves one");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

static void interrupted(bool up, bool crash)
{
	struct sim *s = &sim;
	unsigned old = 0, new = 0;
	open_one(s, 70 + up, NEXT(""));
	for (unsigned n = 0; n < 14; n++) {
		struct osc_keys before = device_keys(s), after;
		cut.armed = true;
		cut.up = up;
		cut.nth = n;
		s->tap_n = 0;
		bootstrap_again(s);
		sim_run(s, 5000);
		if (crash)
			sim_crash(s);
		after = device_keys(s);
		if (same(&before, &after))
			old++;
		else
			new ++;
		CHECK(sim_contexts(s, 0, REC_ROLE_BOOTSTRAP) <= EP_GENERATIONS_MAX,
			"attempts do not pile up");
		CHECK(sim_until(s, idle, 300000), "a session that stands still ends");
		cut.armed = false;
		CHECK(sim_until(s, settled, 600000), "the device registers again");
		unsigned finished = s->dev[0].seen[DEV_EVENT_BS_FINISH];
		bootstrap_again(s);
		sim_run(s, 3000);
		CHECK(sim_until(s, settled, 10000) &&
				s->dev[0].seen[DEV_EVENT_BS_FINISH] > finished,
			"and the account that it has works, the old one or the new (BS-17)");
	}
	CHECK(old > 3 && new > 1, "both happened");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* ---- BS-18 */

static bool no_server(struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)s, (void)up, (void)dev, (void)datagram;
	return listener == SIM_SERVER;
}

static void held_off(void)
{
	struct sim *s = &sim;
	open_one(s, 80, NEXT(",\"hold_off_s\":7200"));
	unsigned asked = s->dev[0].done[DEV_OP_BOOTSTRAP];
	s->tap = no_server;
	for (int i = 0; i < 100 && s->dev[0].dev->op != DEV_OP_BOOTSTRAP; i++)
		sim_run(s, 60000);
	CHECK(s->dev[0].dev->op == DEV_OP_BOOTSTRAP, "it has no server, and is to ask");
	sim_run(s, 7000 * 1000);
	CHECK(s->dev[0].done[DEV_OP_BOOTSTRAP] == asked, "it waits before it asks");
	sim_run(s, 400 * 1000);
	CHECK(s->dev[0].done[DEV_OP_BOOTSTRAP] > asked, "and then does");
	s->tap = NULL;
	CHECK(sim_until(s, settled, 3600000), "back");
	asked = s->dev[0].seen[DEV_EVENT_BS_FINISH];
	bootstrap_again(s);
	sim_run(s, 3000);
	CHECK(s->dev[0].seen[DEV_EVENT_BS_FINISH] > asked, "if it is told to, it does at once");
	sim_close(s);
}

static void timed_out(void)
{
	struct sim *s = &sim;
	open_one(s, 90, NEXT(",\"timeout_s\":1000"));
	bootstrap_again(s);
	sim_run(s, 3000);
	CHECK(sim_until(s, settled, 10000), "within its time the account serves");
	sim_run(s, 1100000);
	unsigned asked = s->dev[0].done[DEV_OP_BOOTSTRAP];
	bootstrap_again(s);
	sim_run(s, 60000);
	CHECK(!s->dev[0].dev->ctx[DEV_ROLE_BOOTSTRAP] && s->dev[0].done[DEV_OP_BOOTSTRAP] == asked,
		"after it the device has dropped it");
	CHECK(sim_until(s, settled, 600000), "and goes on with its server");
	sim_close(s);
}

int main(void)
{
	replaced();
	interrupted(false, false);
	interrupted(true, false);
	interrupted(false, true);
	interrupted(true, true);
	held_off();
	timed_out();
	return test_done();
}
