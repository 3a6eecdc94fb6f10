/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lives of devices over good and bad networks. */
#include "tests/unit/cmd/sim_admin.h"

static struct sim sim;
static struct sim_result result;

static void manage(struct sim *s, unsigned i)
{
	struct lwm_value text = {.type = LWM_STRING, .bytes = SPAN_LIT("+02:00")};
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/0", &result) == 200 && result.n, "Read");
	CHECK(result.content_format == LWM_CF_TEXT, "Read: one text resource as text");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0", &result) == 200 &&
			result.content_format == LWM_CF_TLV && result.n > 20,
		"Read: an instance as TLV");
	CHECK(sim_write(s, i, "/3/0/14", &text, &result) == 200 && result.code == MSG_CHANGED,
		"Write");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/14", &result) == 200 &&
			span_eq_str(span_make(result.payload, result.n), "+02:00"),
		"Read what was written");
	CHECK(sim_dm(s, i, ADM_EXECUTE, "/3303/0/5605", &result) == 200, "Execute");
	CHECK(sim_dm(s, i, ADM_READ, "/19/0/0", &result) == 200 && result.n > 4096,
		"Read in blocks");
	CHECK(sim_dm(s, i, ADM_READ, "/4/0/0", &result) == 502 && result.code == MSG_NOT_FOUND,
		"an error of the device is told");
	CHECK(result.calls == 1, "an outcome is told once");
}

static void observe(struct sim *s, unsigned i)
{
	static const char path[] = "/3303/0/5700";
	CHECK(sim_dm(s, i, ADM_OBSERVE, path, &result) == 200 && result.n, "Observe");
	CHECK(sim_watch(s, i, path).active, "the observation is active");
	uint64_t before = sim_watch(s, i, path).notifications;
	sim_run(s, 60000);
	CHECK(sim_watch(s, i, path).notifications > before + 3, "Notify");
	CHECK(sim_dm(s, i, ADM_CANCEL, path, &result) == 204, "Cancel");
	CHECK(!sim_watch(s, i, path).found || !sim_watch(s, i, path).active, "it ended");
	sim_run(s, 100000);
	CHECK(!sim_watch(s, i, path).found, "nothing is left of it");
}

static void life(uint64_t seed, struct sim_net net, uint32_t commit_us, enum dev_role role)
{
	struct sim *s = &sim;
	bool bad = net.loss > 0;
	sim_init(s, seed);
	s->net = net;
	s->commit_us = commit_us;
	sim_open(s);
	for (int n = 0; n < 4; n++)
		sim_provision(s, role);
	CHECK(sim_until(s, sim_all_registered, bad ? 3600000 : 10000), "all register");
	if (!bad) {
		manage(s, 0);
		observe(s, 1);
	}
	unsigned before = s->dev[3].done[DEV_OP_UPDATE];
	sim_run(s, bad ? 3600000 : 700000);
	CHECK(s->dev[3].done[DEV_OP_UPDATE] > before + (bad ? 0u : 2u), "Updates go on");
	CHECK(sim_until(s, sim_all_registered, bad ? 3600000 : 1000), "all are registered");
	s->net = (struct sim_net){0};
	sim_until(s, sim_all_registered, 600000);
	dev_stop(s->dev[2].dev, true, s->now_us, &s->out);
	sim_take(s);
	sim_run(s, 5000);
	struct srv_view v;
	CHECK(s->dev[2].seen[DEV_EVENT_STOPPED] && !sim_view(s, 2, &v), "De-register");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	CHECK(s->audit.use_n > 50 && !s->audit.unknown, "all protected messages were looked at");
	CHECK(!bad || ep_exchange_counters(s->core->x)->duplicates, "duplicates were answered");
	sim_close(s);
}

int main(void)
{
	static const struct sim_net good = {0}, bad = {.loss = 300, .dup = 50, .reorder = 250};
	life(1, good, 0, DEV_ROLE_BOOTSTRAP);
	life(2, good, 0, DEV_ROLE_SERVER);
	life(3, good, 3000, DEV_ROLE_BOOTSTRAP);
	for (uint64_t seed = 10; seed < 18; seed++)
		life(seed, bad, seed % 2 ? 3000 : 0, DEV_ROLE_BOOTSTRAP);
	return test_done();
}
