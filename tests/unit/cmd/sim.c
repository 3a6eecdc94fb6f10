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
		"an error of the device is told (DM-09)");
	CHECK(result.calls == 1, "an outcome is told once");
}

static struct adm_dm attributes_of(struct sim *s, unsigned i, const char *path, const char *text)
{
	struct adm_dm d = sim_dm_of(s, i, ADM_ATTRIBUTES, path);
	d.attributes = span_str(text);
	return d;
}

static bool listed(const struct sim *s, unsigned i, uint16_t iid)
{
	struct srv_view v;
	return sim_view(s, i, &v) && lwm_object_list_has(v.list, 3303, iid);
}

/* Everything an administrator may do with instances and attributes, to the end. */
static void manage_more(struct sim *s, unsigned i)
{
	struct lwm_record rec = {.kind = LWM_RECORD_VALUE,
		.path = {3, {3303, LWM_ID_NONE, 5750, 0}},
		.value = {.type = LWM_STRING, .bytes = SPAN_LIT("attic")}};
	struct adm_dm d = sim_dm_of(s, i, ADM_CREATE, "/3303");
	d.records = &rec;
	d.record_n = 1;
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 130000) == 201 && !strcmp(result.location, "3303/1"),
		"Create: the device chooses");
	CHECK(listed(s, i, 1), "it is listed, without an Update (CT-51)");
	rec.path.id[1] = 9;
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 130000) == 201 && !strcmp(result.location, "3303/9") &&
			listed(s, i, 9),
		"Create with an id (CT-50)");
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 130000) == 502 && result.code == MSG_BAD_REQUEST,
		"twice: the device refuses");
	d = sim_dm_of(s, i, ADM_WRITE_PARTIAL, "/3303/9");
	rec.value.bytes = SPAN_LIT("cellar");
	d.records = &rec;
	d.record_n = 1;
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 130000) == 200, "partial Write");
	CHECK(sim_dm(s, i, ADM_READ, "/3303/9/5750", &result) == 200 &&
			span_eq_str(span_make(result.payload, result.n), "cellar"),
		"Read what it wrote");
	d = attributes_of(s, i, "/3303/9/5700", "pmin=2&gt=30.5");
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 130000) == 200, "Write-Attributes");
	d = sim_dm_of(s, i, ADM_DISCOVER, "/3303/9/5700");
	d.depth = -1;
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 130000) == 200 && result.content_format == LWM_CF_LINK &&
			span_eq_str(span_make(result.payload, result.n),
				"</3303/9/5700>;pmin=2;gt=30.5"),
		"Discover shows them");
	CHECK(sim_dm(s, i, ADM_DELETE, "/3303/1", &result) == 200 && !listed(s, i, 1),
		"Delete: it is listed no more");
	CHECK(sim_dm(s, i, ADM_DELETE, "/3303/1", &result) == 502 && result.code == MSG_NOT_FOUND,
		"once");
	CHECK(sim_dm(s, i, ADM_DELETE, "/21/0", &result) == 422 && !strcmp(result.type, "reserved"),
		"what belongs to the bootstrap server is not asked (DM-16)");
	sim_crash(s);
	CHECK(listed(s, i, 9) && listed(s, i, 0) && !listed(s, i, 1),
		"and all that outlives a crash");
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

/* The device forgets in the midst of it what it was asked to watch, and registers anew. */
static void observe_and_restart(struct sim *s, unsigned i)
{
	static const char path[] = "/3303/0/5700";
	CHECK(sim_dm(s, i, ADM_OBSERVE, path, &result) == 200 && result.n, "Observe");
	for (int n = 0; n < 3; n++) {
		unsigned before = s->dev[i].done[DEV_OP_REGISTER];
		sim_run(s, 7000);
		int rc = sim_dm(s, i, ADM_EXECUTE, "/3/0/4", &result);
		CHECK(rc == 200 || rc == 503, "Reboot, whose answer the Register may overtake");
		sim_run(s, 10000);
		CHECK(s->dev[i].done[DEV_OP_REGISTER] == before + 1 && sim_watch(s, i, path).active,
			"observed again after the Register (IR-06)");
		uint64_t told = sim_watch(s, i, path).notifications;
		sim_run(s, 60000);
		CHECK(sim_watch(s, i, path).notifications > told + 3, "and told of");
	}
	CHECK(sim_dm(s, i, ADM_CANCEL, path, &result) == 204, "Cancel");
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
	CHECK(sim_until(s, sim_all_registered, bad ? 3600000 : 10000), "all register (REG-22)");
	if (!bad) {
		manage(s, 0);
		manage_more(s, 0);
		observe(s, 1);
		observe_and_restart(s, 1);
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

/* A device that lists SenML and CBOR is spoken to in them. */
static void formats(void)
{
	struct sim *s = &sim;
	sim_init(s, 30);
	s->dev_options.all_formats = true;
	sim_open(s);
	unsigned i = sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0", &result) == 200 &&
			result.content_format == LWM_CF_SENML_CBOR && result.n > 20,
		"several values as SenML CBOR");
	CHECK(sim_dm(s, i, ADM_READ, "/3/0/9", &result) == 200 &&
			result.content_format == LWM_CF_TEXT,
		"one as text, which is smaller");
	manage_more(s, i);
	struct adm_dm d = sim_dm_of(s, i, ADM_READ, "/3303/9/5750");
	for (size_t k = 0; k < 2; k++) {
		d.content_format = k ? LWM_CF_CBOR : LWM_CF_SENML_JSON;
		sim_dm_begin(s, &d, &result);
		CHECK(sim_await(s, &result, 10000) == 200 &&
				result.content_format == d.content_format && result.n,
			"others are answered when asked for");
	}
	sim_close(s);
}

int main(void)
{
	formats();
	static const struct sim_net good = {0}, bad = {.loss = 300, .dup = 50, .reorder = 250};
	life(1, good, 0, DEV_ROLE_BOOTSTRAP);
	life(2, good, 0, DEV_ROLE_SERVER);
	life(3, good, 3000, DEV_ROLE_BOOTSTRAP);
	for (uint64_t seed = 10; seed < 18; seed++)
		life(seed, bad, seed % 2 ? 3000 : 0, DEV_ROLE_BOOTSTRAP);
	return test_done();
}
