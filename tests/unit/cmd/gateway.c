/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway and the devices behind it, in a whole daemon: over a bad network, over crashes, asleep,
 * and one that says what it should not. Proves: GW-01, GW-02, GW-03 */
#include "tests/unit/cmd/sim_craft.h"

static struct sim sim;
static struct sim_result result;

enum { BEHIND = 3 };

/* ---- what is known */

struct known {
	struct adm_gateway_view view;
	size_t n, usable;
	char last[64]; /* prefix of the last one */
};

static void note(void *arg, const struct adm_device_view *v)
{
	struct known *k = arg;
	k->n++;
	k->usable += !v->fault;
	snprintf(k->last, sizeof(k->last), "%.*s", (int)v->prefix.n, (const char *)v->prefix.p);
}

static struct known known(struct sim *s, const char *name)
{
	struct known k = {.n = 0};
	struct adm_ops ops = sim_ops(s, NULL);
	if (ops.device_list(ops.arg, span_str(name), &k.view, note, &k))
		k.view.state = "nobody";
	return k;
}

static bool all_known(const struct sim *s)
{
	struct known k = known((struct sim *)s, "dev-000000");
	return !strcmp(k.view.state, "known") && k.n == BEHIND && k.usable == BEHIND;
}

static struct adm_dm aim(struct sim *s, enum adm_dm_kind kind, const char *path)
{
	struct lwm_target at;
	struct adm_dm d = {
		.kind = kind, .endpoint = sim_name(s, 0), .content_format = -1, .depth = -1};
	REQUIRE(lwm_target_parse(span_str(path), &at) == ERR_OK, "path");
	d.prefix = at.prefix;
	d.path = at.path;
	return d;
}

static int run(struct sim *s, enum adm_dm_kind kind, const char *path)
{
	struct adm_dm d = aim(s, kind, path);
	sim_dm_begin(s, &d, &result);
	return sim_await(s, &result, 200000);
}

static bool is_active(const struct sim *s)
{
	struct sim_watched w = sim_watch((struct sim *)s, 0, "/3303/0/5700");
	return w.found && w.active;
}

static void open_gateway(struct sim *s, uint64_t seed, struct sim_net net)
{
	sim_init(s, seed);
	s->net = net;
	s->dev_options.gateway = BEHIND;
	s->dev_options.update_interval_ms = 20000;
	sim_open(s);
	(void)sim_provision(s, DEV_ROLE_SERVER);
}

/* Over a network that loses, repeats and reorders, and power cuts in the midst of it. */
static void lives(uint64_t seed, struct sim_net net)
{
	struct sim *s = &sim;
	open_gateway(s, seed, net);
	CHECK(sim_until(s, all_known, 600000), "the devices are known");
	CHECK(run(s, ADM_READ, "/d02/3/0/2") == 200 && result.n == 12 &&
			!memcmp(result.payload, "dev-000000-2", 12),
		"one of them is read");
	CHECK(run(s, ADM_READ, "/d09/3/0/2") == 404 && !strcmp(result.type, "unknown-device"),
		"one that is not there is not asked");
	CHECK(run(s, ADM_OBSERVE, "/d01/3303/0/5700") == 200 && is_active(s), "one is observed");
	for (int i = 0; i < 3; i++) {
		if (i & 1)
			sim_restart(s);
		else
			sim_crash(s);
		CHECK(!strcmp(known(s, "dev-000000").view.state, "unread"),
			"after a start nothing is known");
		CHECK(sim_until(s, all_known, 600000), "until the gateway is heard of");
		CHECK(sim_until(s, is_active, 600000), "and what was observed is again");
	}
	CHECK(run(s, ADM_CANCEL, "/d01/3303/0/5700") == 204, "cancelled");
	sim_close(s);
}

/* What is asked of a device behind a gateway that sleeps is stored; a power cut loses none of it.
 */
static void sleeps(uint64_t seed)
{
	struct sim *s = &sim;
	sim_init(s, seed);
	s->dev_options.gateway = BEHIND;
	s->dev_options.queue = true;
	s->dev_options.awake_ms = 3000;
	s->dev_options.update_interval_ms = 60000;
	s->cfg.awake_s = 2;
	sim_open(s);
	(void)sim_provision(s, DEV_ROLE_SERVER);
	CHECK(sim_until(s, all_known, 600000), "the devices are known");
	sim_run(s, 10000);
	struct adm_dm d = aim(s, ADM_EXECUTE, "/d03/3303/0/5605");
	sim_dm_begin(s, &d, &result);
	CHECK(sim_await(s, &result, 1000) == 202, "it sleeps: stored");
	sim_crash(s);
	unsigned before = s->dev[0].seen[DEV_EVENT_EXECUTE];
	sim_run(s, 120000);
	CHECK(s->dev[0].seen[DEV_EVENT_EXECUTE] == before + 1, "done when it wakes, once");
	sim_close(s);
}

/* ---- a gateway that says what it should not */

static const struct {
	const char *what, *payload;
	const char *state;
	size_t n, usable;
} rows[] = {
	{"good ones", "[{\"n\":\"/25/0/1\",\"vs\":\"a\"},{\"n\":\"/25/9/1\",\"vs\":\"b\"}]",
		"known", 2, 2},
	{"one prefix for two",
		"[{\"n\":\"/25/0/1\",\"vs\":\"a\"},{\"n\":\"/25/9/1\",\"vs\":\"a\"}]", "known", 2,
		0},
	{"slashes, numbers, nothing, quotes",
		"[{\"n\":\"/25/0/1\",\"vs\":\"a/b\"},{\"n\":\"/25/1/1\",\"vs\":\"3\"},"
		"{\"n\":\"/25/2/1\",\"vs\":\"\"},{\"n\":\"/25/3/1\",\"vs\":\"\\\"\\\\\\u0001\"},"
		"{\"n\":\"/25/4/0\",\"vs\":\"\\\"\\u0007</script>\"}]",
		"known", 5, 0},
	{"links that are none",
		"[{\"n\":\"/25/0/1\",\"vs\":\"a\"},{\"n\":\"/25/0/3\",\"vs\":\"<<<,;\\\"\"}]",
		"known", 1, 1},
	{"no payload", "[{\"n\"", "failed", 0, 0},
	{"another Object", "[{\"n\":\"/3/0/0\",\"vs\":\"x\"}]", "failed", 0, 0},
};

static void says(size_t i)
{
	struct sim *s = &sim;
	struct craft c;
	struct msg m, a, outer, asked;
	struct osc_binding b;
	sim_init(s, 100 + i);
	sim_open(s);
	craft_open(&c, s, DEV_ROLE_SERVER);
	craft_request(&m, MSG_GET, "x", "");
	REQUIRE(craft_ask_fresh(&c, &m, &a) == MSG_NOT_FOUND, "its freshness is proved");
	craft_register(&m, "ep=crafted&lt=300&lwm2m=1.1", "</3/0>,</25>;ver=2.0,</25/0>");
	REQUIRE(craft_give(&c, craft_seal(&c, &m, NULL), &outer), "registered");
	REQUIRE(craft_asked(&c, &outer, &asked, &b) && asked.code == MSG_GET, "it is asked");
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_SENML_JSON) == ERR_OK, "format");
	m.payload = span_str(rows[i].payload);
	craft_answer(&c, &outer, &b, &m);
	sim_run(s, 1000);
	struct known k = known(s, "crafted");
	CHECK(!strcmp(k.view.state, rows[i].state) && k.n == rows[i].n &&
			k.usable == rows[i].usable,
		rows[i].what);
	sim_crash(s);
	CHECK(!strcmp(known(s, "crafted").view.state, "unread"), "nothing of it is stored");
	sim_close(s);
}

int main(void)
{
	static const struct sim_net good = {0}, bad = {.loss = 100, .dup = 100, .reorder = 250};
	lives(1, good);
	for (uint64_t seed = 2; seed <= 6; seed++)
		lives(seed, bad);
	sleeps(11);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		says(i);
	return test_done();
}
