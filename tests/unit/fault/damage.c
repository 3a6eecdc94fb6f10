/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon and a database in which an accident has changed a row: whoever it concerns is not
 * served and is told why; the others go on, and no number is used twice. */
#include "tests/unit/cmd/sim_plain.h"
#include "tests/unit/fault/scenes.h"

static void sql(const char *text)
{
	char path[128];
	sqlite3 *db;
	disk.top = NULL;
	snprintf(path, sizeof(path), "%s/lanyard.db", rig.state);
	REQUIRE(!sqlite3_open(path, &db) && !sqlite3_exec(db, text, NULL, NULL, NULL),
		sqlite3_errmsg(db));
	sqlite3_close(db);
	disk_watch(rig.root);
}

static uint64_t damaged_rows(void)
{
	struct adm_status st;
	static struct sim_result r;
	struct adm_ops ops = sim_ops(&rig_sim, &r);
	ops.status(ops.arg, &st);
	return st.damaged;
}

static bool explained(const char *name, const char *code)
{
	struct adm_explanation x;
	static struct sim_result r;
	struct adm_ops ops = sim_ops(&rig_sim, &r);
	bool standing = false;
	if (ops.explain(ops.arg, span_str(name), &x))
		return false;
	for (size_t i = 0; i < x.reason_n; i++)
		standing |= !strcmp(x.reasons[i].code, "damaged");
	bool good = !strcmp(x.code, code) && standing == !strcmp(code, "damaged");
	if (!good)
		printf("  %s: %s\n", x.code, x.text);
	return good;
}

/* Two devices at the server, of endpoints 1 and 2, and a stop. */
static void begin(uint64_t seed, bool clean, char name[64])
{
	rig_begin(seed);
	scene_up();
	scene_device(DEV_ROLE_SERVER);
	scene_device(DEV_ROLE_SERVER);
	REQUIRE(sim_until(&rig_sim, sim_all_registered, 60000), "registered");
	struct dev_credentials c = sim_credentials(&rig_sim, 0, DEV_ROLE_SERVER);
	snprintf(name, 64, "%.60s", c.endpoint);
	if (clean)
		CHECK(core_stop(rig_sim.core) == ERR_OK, "a clean stop");
	rig_drop();
}

static bool second_updated(const struct sim *s)
{
	return s->dev[1].done[DEV_OP_UPDATE] > rig_updates;
}

static void others_go_on(void)
{
	struct sim *s = &rig_sim;
	static struct sim_result r;
	rig_updates = s->dev[1].done[DEV_OP_UPDATE];
	CHECK(sim_until(s, second_updated, 1000000), "the other is served");
	CHECK(sim_dm(s, 1, ADM_READ, "/3/0/0", &r) == 200, "both ways");
	CHECK(sim_dm(s, 0, ADM_READ, "/3/0/0", &r) != 200, "this one is not");
	CHECK(!s->audit.reuses, "no key met a nonce twice");
}

/* Nobody takes the place of one whose keys are withheld, even where strangers are welcome. */
static void nobody_else(const char *name)
{
	char query[160];
	struct msg m;
	snprintf(query, sizeof(query), "lt=60&lwm2m=1.1&ep=%s", name);
	CHECK(plain_ask(&rig_sim, 7, SIM_SERVER, MSG_POST, "rd", query, &m) == MSG_UNAUTHORIZED,
		"no Register without protection");
	CHECK(plain_ask(&rig_sim, 8, SIM_SERVER, MSG_POST, "rd", "lt=60&lwm2m=1.1&ep=stranger",
		      &m) == MSG_CREATED,
		"others may");
}

static const struct {
	const char *what, *sql;
	int again;        /* what importing its keys for another comes to */
	const char *then; /* of new ones: any may be the one that is lost */
} rows[] = {
	{"a sender number", "UPDATE hot SET ssn_limit = 0 WHERE endpoint_id = 1", 422,
		"never-heard"},
	{"a key", "UPDATE contexts SET sender_key = zeroblob(16) WHERE endpoint_id = 1", 201,
		"rolled-back"},
	{"a name", "UPDATE endpoints SET allow_nosec = 1 WHERE id = 1", 201, "never-heard"},
};

static void test_row(size_t i)
{
	struct sim *s = &rig_sim;
	char name[64];
	static struct sim_result r, del;
	begin(40 + i, true, name);
	sql(rows[i].sql);
	s->cfg.listen[SIM_SERVER].nosec = true;
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(damaged_rows() == 1, rows[i].what);
	CHECK(explained(name, "damaged"), "and it is said whose");
	others_go_on();
	nobody_else(name);
	struct dev_credentials c = sim_credentials(s, 0, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	CHECK(sim_put_oscore(s, "another", &o, &r) == rows[i].again, "its keys for another");
	if (rows[i].again == 201) {
		const struct endpoint *e = ep_find(&s->core->dir, SPAN_LIT("another"));
		CHECK(e && ep_ssn_limit(e->contexts) > 0, "go on behind what they have done");
	}
	if (!strcmp(rows[i].what, "a name"))
		CHECK(sim_put_oscore(s, name, &o, &r) == 409, "it can only be deleted");
	struct adm_ops ops = sim_ops(s, &del);
	ops.endpoint_delete(ops.arg, span_str(name), sim_on_done, &del);
	sim_await(s, &del, 10000);
	CHECK(del.status == 204, "it can be deleted");
	c = sim_credentials(s, 30, DEV_ROLE_SERVER);
	o = sim_oscore_of(&c, DEV_ROLE_SERVER);
	CHECK(sim_put_oscore(s, name, &o, &r) == 201, "and provisioned with other keys");
	CHECK(explained(name, rows[i].then), "and is not served worse than that");
	rig_drop();
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(explained(name, rows[i].then), "after the next start, too");
	rig_end();
}

/* Nobody knows whose request was in it: everybody proves that he is no replay. */
static void test_log(void)
{
	struct sim *s = &rig_sim;
	char name[64];
	begin(50, false, name);
	sql("UPDATE seen SET piv = 0, expiry_ms = 77 WHERE id = (SELECT max(id) FROM seen)");
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(damaged_rows() == 1, "it is told");
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&s->core->dir.by_name, &cursor));)
		CHECK(e->contexts && e->contexts->stale, "no window is believed");
	rig.rolled = true; /* what is repeated may be challenged */
	rig_check_replays();
	rig_check_going_on();
	CHECK(core_stop(s->core) == ERR_OK, "a clean stop");
	rig_drop();
	REQUIRE(rig_start() == ERR_OK && !damaged_rows(), "and it is over");
	rig_end();
}

/* One bit that has turned is turned back: nobody has to prove anything. */
static void test_bit(void)
{
	struct sim *s = &rig_sim;
	char name[64];
	begin(51, false, name);
	sql("UPDATE seen SET piv = piv + 4096 WHERE id = (SELECT max(id) FROM seen)");
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(!damaged_rows(), "nothing is lost");
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&s->core->dir.by_name, &cursor));)
		CHECK(e->contexts && !e->contexts->stale && e->contexts->window.highest < 4096,
			"every window is as it was");
	rig_check_replays();
	rig_check_going_on();
	rig_end();
}

/* Whose row is lost is not known by name any more, but nothing of it is served. */
static void test_lost(void)
{
	char name[64];
	begin(55, true, name);
	sql("DELETE FROM endpoints WHERE id = 1");
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(damaged_rows() == 1, "it is told, once");
	others_go_on();
	rig_end();
}

/* What is left of a deleted endpoint concerns nobody. */
static void test_past(void)
{
	static struct sim_result del;
	char name[64];
	begin(56, true, name);
	REQUIRE(rig_start() == ERR_OK, rig.why);
	struct adm_ops ops = sim_ops(&rig_sim, &del);
	ops.endpoint_delete(ops.arg, span_str(name), sim_on_done, &del);
	sim_await(&rig_sim, &del, 10000);
	CHECK(del.status == 204 && core_stop(rig_sim.core) == ERR_OK, "it is deleted");
	rig_drop();
	sql("UPDATE tombstones SET sender_id = x'00'");
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(!damaged_rows() && rig_sim.core->dir.ssn_lost > 0, "but its numbers are spent");
	rig_end();
}

/* A damaged default plan is no plan, and not the configured one. */
static void test_plan(void)
{
	static struct sim_result r;
	struct bs_view v;
	char name[64];
	begin(60, true, name);
	sql("INSERT INTO plans (endpoint_id, json, sum) VALUES (0, '{}', 1)");
	REQUIRE(rig_start() == ERR_OK, rig.why);
	CHECK(damaged_rows() == 1, "it is told");
	const struct endpoint *e = ep_find(&rig_sim.core->dir, span_str(name));
	bs_view(rig_sim.core->bs, e, &v);
	CHECK(!bs_plan_acts(v.plan), "there is none");
	struct adm_ops ops = sim_ops(&rig_sim, &r);
	ops.plan_delete(ops.arg, SPAN_EMPTY, sim_on_done, &r);
	sim_await(&rig_sim, &r, 10000);
	bs_view(rig_sim.core->bs, e, &v);
	CHECK(r.status == 204 && bs_plan_acts(v.plan), "until it is deleted");
	rig_drop();
	REQUIRE(rig_start() == ERR_OK && !damaged_rows(), "for good");
	rig_end();
}

int main(void)
{
	rig_init();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_row(i);
	test_log();
	test_bit();
	test_lost();
	test_past();
	test_plan();
	rig_fini();
	return test_done();
}
