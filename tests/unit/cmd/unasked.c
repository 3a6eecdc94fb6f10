/* SPDX-License-Identifier: Apache-2.0 */
/* A bootstrap that begins at the server.
 * Proves: BS-23, CT-100 */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

static int start(struct sim *s, const char *name)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.bootstrap_start(ops.arg, span_str(name), sim_on_done, &result);
	return sim_await(s, &result, 1000);
}

static const char *name_of(const struct sim *s)
{
	return dev_endpoint(s->dev[0].dev);
}

static void open_one(struct sim *s, bool server, bool device)
{
	sim_init(s, server ? 101 : 100);
	s->cfg.unasked = server;
	s->dev_options.unasked = device;
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	CHECK(sim_until(s, sim_all_registered, 10000), "a device");
}

static bool settled(const struct sim *s)
{
	return sim_registered(s, 0) && s->dev[0].dev->state == DEV_STATE_REGISTERED &&
	       !bs_sessions(s->core->bs);
}

static void begun(void)
{
	struct sim *s = &sim;
	open_one(s, true, true);
	uint64_t old = sim_endpoint(s, 0)->contexts->id;
	unsigned asked = s->dev[0].done[DEV_OP_BOOTSTRAP];
	CHECK(start(s, name_of(s)) == 200, "it begins");
	CHECK(start(s, name_of(s)) == 409, "not twice at a time");
	sim_run(s, 2000);
	CHECK(sim_until(s, settled, 20000) && sim_endpoint(s, 0)->contexts->id != old,
		"the device registers under new keys (BS-23)");
	CHECK(s->dev[0].done[DEV_OP_BOOTSTRAP] == asked, "it has not asked for them");
	CHECK(bs_counters(s->core->bs)->finished == 2, "finished");
	CHECK(start(s, name_of(s)) == 200, "and once more");
	sim_run(s, 2000);
	CHECK(sim_until(s, settled, 20000) && !s->audit.reuses, "no key met a nonce twice");
	/* Where a device was under its bootstrap keys is not stored. */
	sim_crash(s);
	CHECK(start(s, name_of(s)) == 504, "after a crash nobody knows where the device is");
	CHECK(sim_dm(s, 0, ADM_EXECUTE, "/1/0/9", &result) == 200, "it is told to ask (BS-22)");
	sim_run(s, 2000);
	CHECK(sim_until(s, settled, 20000) && start(s, name_of(s)) == 200, "then they do");
	sim_run(s, 2000);
	CHECK(sim_until(s, settled, 20000), "and it ends");
	struct adm_ops ops = sim_ops(s, &result);
	ops.plan_put(ops.arg, sim_name(s, 0),
		SPAN_LIT("{\"servers\":[{\"uri\":\"coap://192.0.2.1\"}],\"bootstrap_account\":"
			 "{\"uri\":\"coap://192.0.2.1:5783\"}}"),
		sim_on_done, &result);
	REQUIRE(sim_await(s, &result, 1000) == 200, "a plan");
	CHECK(start(s, name_of(s)) == 200, "that replaces the account it runs under");
	sim_run(s, 2000);
	CHECK(sim_until(s, settled, 20000) && start(s, name_of(s)) == 504,
		"under the new one nothing was heard yet");
	sim_close(s);
}

static void refused(void)
{
	struct sim *s = &sim;
	open_one(s, true, false);
	uint64_t old = sim_endpoint(s, 0)->contexts->id;
	CHECK(start(s, name_of(s)) == 200, "a device that does not allow it");
	sim_run(s, 60000);
	CHECK(settled(s) && bs_counters(s->core->bs)->failed == 1 &&
			ep_context_newest(sim_endpoint(s, 0), REC_ROLE_SERVER, REC_GEN_USED)->id ==
				old,
		"keeps its account and its registration");
	sim_close(s);
	open_one(s, false, true);
	CHECK(start(s, name_of(s)) == 409 && !bs_sessions(s->core->bs), "off by default (CT-100)");
	sim_close(s);
}

static void impossible(void)
{
	struct sim *s = &sim;
	struct dev_credentials c;
	open_one(s, true, true);
	CHECK(start(s, "nobody") == 404, "nobody");
	c = sim_credentials(s, 7, DEV_ROLE_BOOTSTRAP);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_BOOTSTRAP);
	REQUIRE(sim_put_oscore(s, c.endpoint, &o, &result) == 201, "provisioned");
	CHECK(start(s, c.endpoint) == 504, "one that was never heard of");
	struct adm_ops ops = sim_ops(s, &result);
	ops.oscore_delete(ops.arg, sim_name(s, 0), true, sim_on_done, &result);
	REQUIRE(sim_await(s, &result, 1000) == 204, "deleted");
	CHECK(start(s, name_of(s)) == 404, "one without keys for it");
	sim_close(s);
	sim_init(s, 110);
	s->cfg.unasked = true;
	s->cfg.uri[0] = '\0';
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	sim_run(s, 5000);
	CHECK(start(s, name_of(s)) != 200, "one without a plan");
	CHECK(!bs_sessions(s->core->bs), "nothing is begun");
	sim_close(s);
}

int main(void)
{
	begun();
	refused();
	impossible();
	return test_done();
}
