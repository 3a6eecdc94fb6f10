/* SPDX-License-Identifier: Apache-2.0 */
/* What the REST interface does with credentials, endpoints and plans. */
#include "tests/unit/cmd/sim_check.h"

static struct sim sim;
static struct sim_result result;

static int delete_oscore(struct sim *s, const char *name, bool bootstrap)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.oscore_delete(ops.arg, span_str(name), bootstrap, sim_on_done, &result);
	return sim_await(s, &result, 1000);
}

static const struct ep_context *newest(const struct sim *s)
{
	const struct endpoint *e = ep_find(&s->core->dir, SPAN_LIT("dev-000000"));
	return e ? e->contexts : NULL;
}

/* ---- one row a PUT, beside a context that is there */

struct row {
	const char *what, *name, *secret, *sender, *recipient;
	int status;
	const char *type;
};

#define SECRET_A "0102030405060708090a0b0c0d0e0f10"
#define SECRET_C "2102030405060708090a0b0c0d0e0f10"
#define SECRET_B "1102030405060708090a0b0c0d0e0f10"

static const struct row rows[] = {
	{"the first", "a", SECRET_A, "01", "7301", 201, ""},
	{"the same again changes nothing", "a", SECRET_A, "01", "7301", 200, ""},
	{"its ids swapped (spec 4.6)", "b", SECRET_A, "7301", "01", 422, "invalid"},
	{"equal ids", "b", SECRET_B, "05", "05", 422, "invalid"},
	{"equal empty ids", "b", SECRET_B, "", "", 422, "invalid"},
	{"a kid that is taken", "b", SECRET_B, "01", "7301", 409, "conflict"},
	{"a kid that is taken, by the same secret", "b", SECRET_A, "01", "7301", 409, "conflict"},
	{"one key of the same secret shared", "b", SECRET_A, "01", "7302", 422, "invalid"},
	{"no secret", "b", "", "01", "7303", 422, "invalid"},
	{"an id too long for the algorithm", "b", SECRET_B, "01", "0102030405060708", 422,
		"invalid"},
	{"another endpoint", "b", SECRET_B, "01", "7303", 201, ""},
	{"changed ids replace", "b", SECRET_B, "02", "7304", 201, ""},
	{"old keys again", "b", SECRET_B, "01", "7303", 201, ""},
	{"another secret under the same ids replaces", "b", SECRET_C, "01", "7303", 201, ""},
	{"used keys with roles crossed", "c", SECRET_B, "7303", "7305", 422, "invalid"},
};

/* Proves: 8613-4.1.3.2-2 */
static void puts_of_credentials(void)
{
	struct sim *s = &sim;
	sim_init(s, 1);
	sim_open(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		size_t endpoints = s->core->dir.by_name.count;
		struct adm_oscore o = {.master_secret = test_hex(r->secret),
			.sender_id = test_hex(r->sender),
			.recipient_id = test_hex(r->recipient),
			.aead = ALG_AES_CCM_16_64_128,
			.hkdf = ALG_HKDF_SHA256};
		int status = sim_put_oscore(s, r->name, &o, &result);
		CHECK(status == r->status && !strcmp(result.type, r->type), r->what);
		CHECK(status < 300 || s->core->dir.by_name.count == endpoints,
			"a refused call leaves nothing behind");
	}
	CHECK(s->core->dir.context_n == 2, "one context each");
	sim_crash(s);
	CHECK(s->core->dir.context_n == 2 && s->core->dir.by_name.count == 2, "all is stored");
	sim_close(s);
}

/* ---- counters belong to keys */

static void counters_stay(bool crash, bool endpoint)
{
	struct sim *s = &sim;
	struct dev_credentials c;
	sim_init(s, 2);
	sim_open(s);
	sim_provision(s, DEV_ROLE_SERVER);
	c = sim_credentials(s, 0, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	for (int n = 0; n < 5; n++)
		CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "Read");
	uint64_t next = newest(s)->ssn_next, highest = newest(s)->window.highest;
	uint64_t id = newest(s)->id;
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 200, "PUT of what is there");
	CHECK(newest(s)->id == id && newest(s)->ssn_next == next && sim_registered(s, 0),
		"changes nothing");
	if (endpoint) {
		struct adm_ops ops = sim_ops(s, &result);
		ops.endpoint_delete(ops.arg, SPAN_LIT("dev-000000"), sim_on_done, &result);
		CHECK(sim_await(s, &result, 1000) == 204, "DELETE of the endpoint");
	} else {
		CHECK(delete_oscore(s, "dev-000000", false) == 204, "DELETE");
		CHECK(delete_oscore(s, "dev-000000", false) == 404, "once");
	}
	CHECK(!newest(s), "gone");
	if (crash)
		sim_crash(s);
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "PUT of the same secret");
	CHECK(newest(s)->ssn_next >= next && newest(s)->window.any &&
			newest(s)->window.highest >= highest,
		"its counters go on");
	if (crash)
		sim_crash(s);
	CHECK(sim_replays_pass_by(s), "nothing old is accepted");
	CHECK(sim_until(s, sim_all_registered, 3600000), "the device registers again");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "and answers");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* Start values of imported keys. */
static void start_values(void)
{
	struct sim *s = &sim;
	struct dev_credentials c;
	sim_init(s, 3);
	sim_open(s);
	c = sim_credentials(s, 0, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	o.sender_seq = 1000;
	o.has_recipient_seq = true;
	o.recipient_seq = 0; /* the device has used 0: its first request of ours is 1 */
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "PUT with counters");
	CHECK(newest(s)->ssn_next == 1000 && newest(s)->window.highest == 0, "they are taken");
	unsigned i = sim_device(s, &c);
	sim_begin(s, i);
	sim_run(s, 1000);
	CHECK(s->dev[i].failed_code == MSG_UNAUTHORIZED, "number 0 is a replay");
	CHECK(sim_explains(s, "dev-000000", "replay"), "explain tells so");
	CHECK(sim_until(s, sim_all_registered, 60000), "the next is good");
	CHECK(newest(s)->ssn_next > 1000, "ours begin where they were told to");
	sim_close(s);
}

/* Another secret under the same ids: both contexts have one kid while the new one takes the place
 * of the old, and then the device is known by the new. */
static void same_kid(bool crash)
{
	struct sim *s = &sim;
	struct dev_credentials c;
	sim_init(s, 6);
	sim_open(s);
	c = sim_credentials(s, 0, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	o.master_secret = SPAN_LIT("another secret..");
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "the old");
	uint64_t old = newest(s)->id;
	o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	CHECK(sim_put_oscore(s, "dev-000000", &o, &result) == 201, "the new, under the same ids");
	if (crash)
		sim_crash(s);
	struct peer from = {.bearer = BEARER_UDP};
	struct ep_context *found[EP_TRIALS];
	size_t n = ep_context_find(&s->core->dir, o.recipient_id, NULL, &from, found);
	CHECK(n == 1 && found[0] == newest(s) && found[0]->id != old && s->core->dir.context_n == 1,
		"is found by its kid");
	sim_begin(s, sim_device(s, &c));
	CHECK(sim_until(s, sim_all_registered, 60000), "a device that has it registers");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &result) == 200, "and answers");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
	sim_close(s);
}

/* ---- views */

static void on_endpoint(void *arg, const struct adm_endpoint_view *v)
{
	char *text = arg;
	strncat(text, (const char *)v->name.p, v->name.n);
	strcat(text, v->registered ? "+" : "-");
}

static void on_context(void *arg, const struct adm_context_view *v)
{
	strcat(arg, v->role);
	strcat(arg, v->generation);
}

static void on_algorithms(void *arg, const struct adm_context_view *v)
{
	if (v->aead == ALG_AES_CCM_16_64_128 && v->hkdf == -10)
		++*(size_t *)arg;
}

static void on_event(void *arg, const struct adm_event *e)
{
	strncat(arg, (const char *)e->type.p, e->type.n);
	strcat(arg, " ");
}

static void on_metric(void *arg, const struct adm_metric *m)
{
	*(size_t *)arg += m->name && m->help;
}

static void views(void)
{
	struct sim *s = &sim;
	struct adm_status st;
	char text[512] = "";
	uint64_t first;
	size_t n = 0;
	sim_init(s, 4);
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, sim_all_registered, 10000), "registered");
	struct adm_settings none = {0};
	struct adm_ops ops = sim_ops(s, &result);
	ops.endpoint_put(ops.arg, SPAN_LIT("another"), &none, sim_on_done, &result);
	CHECK(sim_await(s, &result, 1000) == 200, "an endpoint without credentials");
	CHECK(!ops.endpoint_list(ops.arg, SPAN_EMPTY, 10, SPAN_EMPTY, on_endpoint, text) &&
			!strcmp(text, "another-dev-000000+dev-000001+"),
		"all endpoints, sorted");
	text[0] = 0;
	CHECK(ops.endpoint_list(
		      ops.arg, SPAN_LIT("another"), 1, SPAN_LIT("dev*"), on_endpoint, text) &&
			!strcmp(text, "dev-000000+"),
		"a page of those that match");
	text[0] = 0;
	CHECK(ops.context_list(ops.arg, SPAN_LIT("dev-000000"), on_context, text) == ERR_OK &&
			!strcmp(text, "serverusedbootstrapused"),
		"contexts, the newest first");
	for (int crash = 0; crash < 2; crash++) {
		n = 0;
		CHECK(ops.context_list(ops.arg, SPAN_LIT("dev-000000"), on_algorithms, &n) ==
					ERR_OK &&
				n == 2,
			"with the algorithms they have: aead 10, hkdf -10");
		if (!crash)
			sim_crash(s);
		ops = sim_ops(s, &result);
	}
	n = 0;
	CHECK(ops.context_list(ops.arg, SPAN_LIT("nobody"), on_context, text) == ERR_NOTFOUND,
		"none of nobody");
	ops.status(ops.arg, &st);
	CHECK(st.endpoints == 3 && st.registered == 2 && st.contexts == 3 && st.storage_ok,
		"status");
	text[0] = 0;
	CHECK(ops.events(ops.arg, 0, 10, on_event, text, &first) == ERR_OK && first == 1,
		"events are kept");
	CHECK(strstr(text, "bootstrap ") && strstr(text, "registered "), "of both engines");
	ops.metrics(ops.arg, on_metric, &n);
	CHECK(n > 10, "metrics");
	CHECK(sim_explains(s, "another", "no-credentials"), "explain of one without credentials");
	sim_close(s);
}

/* More events than are kept: who comes back from before them is told so. */
static void past_events(void)
{
	enum { RING = 10000 };
	struct sim *s = &sim;
	uint64_t first = 0;
	char text[512] = "";
	sim_init(s, 7);
	sim_open(s);
	for (unsigned n = 0; n < RING + 100; n++) {
		sim_time(s);
		ep_event(core_cur(s->core), &s->core->next_event, "test", SPAN_LIT("x"),
			SPAN_LIT("{}"));
		if (n % 100 == 0)
			sim_turn(s);
	}
	sim_turn(s);
	struct adm_ops ops = sim_ops(s, &result);
	CHECK(ops.events(ops.arg, 1, 3, on_event, text, &first) == ERR_NOTFOUND && first > 2 &&
			!text[0],
		"a resume point of before: not found, and where it can go on; no event yet");
	CHECK(ops.events(ops.arg, first - 1, 3, on_event, text, &first) == ERR_OK &&
			!strcmp(text, "test test test "),
		"from the first that is kept it goes on");
	text[0] = 0;
	uint64_t last = s->core->next_event - 1;
	CHECK(ops.events(ops.arg, last, 3, on_event, text, &first) == ERR_OK && !text[0],
		"behind the last there is none, and no gap");
	sim_close(s);
}

/* ---- plans and operations on nobody */

static int put_plan(struct sim *s, const char *name, const char *json)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.plan_put(ops.arg, span_str(name), span_str(json), sim_on_done, &result);
	return sim_await(s, &result, 1000);
}

static int delete_plan(struct sim *s, const char *name)
{
	struct adm_ops ops = sim_ops(s, &result);
	ops.plan_delete(ops.arg, span_str(name), sim_on_done, &result);
	return sim_await(s, &result, 1000);
}

static void plans(void)
{
	static const char plan[] = "{\"servers\":[{\"uri\":\"coap://192.0.2.1:5683\",\"ssid\":7,"
				   "\"lifetime_s\":1234}]}";
	struct sim *s = &sim;
	struct adm_bootstrap_view v;
	struct srv_view r;
	sim_init(s, 5);
	s->cfg.uri[0] = '\0';
	sim_open(s);
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	sim_run(s, 1000);
	CHECK(s->dev[0].failed[DEV_OP_BOOTSTRAP] && sim_explains(s, "dev-000000", "no-plan"),
		"without a plan a Bootstrap-Request is refused");
	CHECK(put_plan(s, "dev-000000", "{}") == 422, "a bad plan");
	CHECK(put_plan(s, "nobody", plan) == 404, "a plan for nobody");
	CHECK(put_plan(s, "dev-000000", plan) == 200, "a plan of its own");
	sim_crash(s);
	CHECK(sim_until(s, sim_all_registered, 600000), "it is used, after a crash too");
	CHECK(sim_view(s, 0, &r) && r.lifetime_s == 1234, "with what it says");
	struct adm_ops ops = sim_ops(s, NULL);
	CHECK(ops.bootstrap_get(ops.arg, SPAN_LIT("dev-000000"), &v) == ERR_OK && v.own_plan &&
			!strcmp(v.last_result, "finished"),
		"and shown");
	CHECK(delete_plan(s, "dev-000000") == 204 && delete_plan(s, "dev-000000") == 404,
		"deleted once");
	CHECK(put_plan(s, "", plan) == 200, "the default plan");
	sim_crash(s);
	ops = sim_ops(s, NULL);
	CHECK(ops.bootstrap_get(ops.arg, SPAN_LIT("dev-000000"), &v) == ERR_OK && !v.own_plan &&
			v.plan_json.n,
		"deleted and stored, the default plan is in force");
	struct adm_dm d = sim_dm_of(s, 0, ADM_READ, "/3/0/0");
	d.endpoint = SPAN_LIT("nobody");
	sim_dm_begin(s, &d, &result);
	CHECK(result.done && result.status == 404, "an operation on nobody");
	sim_close(s);
}

int main(void)
{
	puts_of_credentials();
	for (int n = 0; n < 4; n++)
		counters_stay(n & 1, n & 2);
	start_values();
	same_kid(false);
	same_kid(true);
	views();
	past_events();
	plans();
	return test_done();
}
