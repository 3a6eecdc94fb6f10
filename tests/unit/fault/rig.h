/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated daemon and its devices over the SQLite engine, on a disk that fails. A scene is
 * what happens meanwhile: the part before nothing fails in, and the part in which something does.
 */
#ifndef LANYARD_TESTS_UNIT_FAULT_RIG_H
#define LANYARD_TESTS_UNIT_FAULT_RIG_H

#define AUDIT_SMALL
#include "storage/sqlite.h"
#include "tests/unit/cmd/sim_check.h"
#include "tests/unit/fault/disk_calls.h"

#include <sqlite3.h>

enum { RIG_CALLS = 40, RIG_MADE = 4 };

static struct sim rig_sim;

static struct {
	char root[64], state[96];
	struct store_sqlite_opts opts;
	bool up, opening; /* opening: the store */
	bool starved;     /* allocations fail */
	char why[256];
	/* what administrators asked for, and how it went */
	struct sim_result result[RIG_CALLS];
	size_t result_n;
	unsigned executes[SIM_DEVICES_MAX]; /* asked for */
	struct sim_result made[RIG_MADE], gone[RIG_MADE];
	struct sim_result backup;
	bool sealed; /* until an operator opens it; a cut before that leaves it so */
	bool rolled; /* an older copy took the place of the database */
	struct {
		size_t n;
		uint8_t bytes[1 << 20];
	} copy[2]; /* of the database and its log */
} rig;

static SIM_UNUSED void rig_made_name(char out[static 16], unsigned n)
{
	snprintf(out, 16, "made-%u", n);
}

static SIM_UNUSED struct sim_result *rig_result(void)
{
	REQUIRE(rig.result_n < RIG_CALLS, "room for results");
	return &rig.result[rig.result_n++];
}

/* ---- the daemon */

/* It fails only if the disk does. */
static enum err rig_start(void)
{
	struct sim *s = &rig_sim;
	struct store *store;
	sim_core_new(s, &s->core);
	rig.opening = true;
	enum err e = store_sqlite_open(&rig.opts, core_store_done, s->core, &store, rig.why);
	rig.opening = false;
	if (!e)
		e = core_start(s->core, store, s->now_us / 1000, sim_wall_ms(s));
	rig.up = !e;
	s->commit_at_us = SIM_NEVER;
	if (e) {
		core_free(s->core);
		s->core = NULL;
		return e;
	}
	sim_time(s);
	sim_turn(s);
	return ERR_OK;
}

/* The process is dead. */
static void rig_drop(void)
{
	struct sim *s = &rig_sim;
	if (rig.up) {
		s->core->failed = ERR_IO; /* nothing more is told */
		core_free(s->core);
	}
	s->core = NULL;
	rig.up = false;
	s->crashes++;
	s->held = false;
}

static void rig_begin(uint64_t seed)
{
	struct sim *s = &rig_sim;
	disk_watch(rig.root);
	disk_revive(DISK_LOSE, seed);
	disk_empty(rig.root);
	disk_watch(rig.root);
	sim_init(s, seed);
	s->threaded = true;
	s->over = disk_is_dead;
	s->dev_options.update_interval_ms = 20000;
	snprintf(s->cfg.dir, sizeof(s->cfg.dir), "%s", rig.state);
	rig.opts = (struct store_sqlite_opts){
		.dir = rig.state, .exchange_lifetime_ms = 247000, .wal_pages = 40};
	rig.result_n = 0;
	memset(rig.executes, 0, sizeof(rig.executes));
	memset(rig.made, 0, sizeof(rig.made));
	memset(rig.gone, 0, sizeof(rig.gone));
	memset(&rig.backup, 0, sizeof(rig.backup));
	rig.rolled = rig.sealed = rig.starved = false;
	sim_open_devices(s);
}

static void rig_end(void)
{
	rig_drop();
	sim_close(&rig_sim);
}

static SIM_UNUSED void rig_init(void)
{
	const char *tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(rig.root, sizeof(rig.root), "%s/lanyard-fault-XXXXXX", tmp);
	REQUIRE(mkdtemp(rig.root), "a directory");
	snprintf(rig.state, sizeof(rig.state), "%s/state", rig.root);
}

static SIM_UNUSED void rig_fini(void)
{
	disk.top = NULL;
	disk_empty(rig.root);
	rmdir(rig.root);
	disk_drop_nodes();
}

/* ---- an older copy */

static const char *const rig_tails[2] = {"", "-wal"};

static SIM_UNUSED void rig_copy(void)
{
	char path[128];
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/lanyard.db%s", rig.state, rig_tails[i]);
		FILE *f = fopen(path, "re");
		rig.copy[i].n = f ? fread(rig.copy[i].bytes, 1, sizeof(rig.copy[i].bytes), f) : 0;
		REQUIRE(rig.copy[i].n < sizeof(rig.copy[i].bytes), "room for a copy");
		if (f)
			fclose(f);
	}
}

/* While no daemon runs. */
static SIM_UNUSED void rig_set_back(void)
{
	char path[128];
	disk.top = NULL;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/lanyard.db%s", rig.state, rig_tails[i]);
		unlink(path);
		FILE *f = rig.copy[i].n ? fopen(path, "we") : NULL;
		REQUIRE(!rig.copy[i].n || f, path);
		if (f) {
			fwrite(rig.copy[i].bytes, 1, rig.copy[i].n, f);
			fclose(f);
		}
	}
	disk_watch(rig.root);
	rig.rolled = true;
}

/* ---- the administrator */

static SIM_UNUSED void rig_dm(unsigned i, enum adm_dm_kind kind, const char *path)
{
	struct sim *s = &rig_sim;
	if (disk_is_dead())
		return;
	struct sim_result *r = rig_result();
	rig.executes[i] += kind == ADM_EXECUTE;
	sim_dm(s, i, kind, path, r);
}

/* The copy is made between commits; it is over when this returns. */
static SIM_UNUSED void rig_backup(void)
{
	struct sim *s = &rig_sim;
	struct adm_ops ops = sim_ops(s, &rig.backup);
	ops.backup(ops.arg, sim_on_done, &rig.backup);
	sim_turn(s);
	for (int n = 0; n < 1000 && !rig.backup.done; n++) {
		struct pollfd p = {.fd = core_store_fd(s->core), .events = POLLIN};
		poll(&p, 1, 10000);
		sim_commit(s);
		sim_turn(s);
	}
}

static SIM_UNUSED int rig_put(unsigned n, const struct adm_oscore *o)
{
	char name[16];
	rig_made_name(name, n);
	return sim_put_oscore(&rig_sim, name, o, &rig.made[n]);
}

static SIM_UNUSED void rig_delete(unsigned n)
{
	char name[16];
	struct adm_ops ops = sim_ops(&rig_sim, &rig.gone[n]);
	rig_made_name(name, n);
	ops.endpoint_delete(ops.arg, span_str(name), sim_on_done, &rig.gone[n]);
	sim_await(&rig_sim, &rig.gone[n], 10000);
}

/* ---- what must hold */

static int rig_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int n = -1;
	if (!sqlite3_prepare_v2(db, sql, -1, &st, NULL) && sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void rig_check_backup(void)
{
	char path[192];
	sqlite3 *db = NULL;
	DIR *d;
	snprintf(path, sizeof(path), "%s/backups", rig.state);
	d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			snprintf(path, sizeof(path), "%s/backups/%.60s", rig.state, e->d_name);
	if (d)
		closedir(d);
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
	CHECK(!rc && rig_number(db, "SELECT suspect FROM meta") == 255 &&
			rig_number(db, "SELECT count(*) FROM pragma_integrity_check"
				       " WHERE integrity_check = 'ok'") == 1,
		"a backup that was told of is there, whole, and stamped");
	sqlite3_close(db);
}

/* What was answered is there. */
static SIM_UNUSED void rig_check_acknowledged(void)
{
	if (rig.backup.status == 201)
		rig_check_backup();
	const struct ep_directory *d = &rig_sim.core->dir;
	for (unsigned n = 0; n < RIG_MADE; n++) {
		char name[16];
		rig_made_name(name, n);
		const struct endpoint *e = ep_find(d, span_str(name));
		if (rig.gone[n].done && rig.gone[n].status == 204)
			CHECK(!e, "an endpoint whose deletion was confirmed is gone");
		else if (!rig.gone[n].calls && rig.made[n].status == 201)
			CHECK(e && e->contexts, "credentials that were confirmed are there");
	}
}

static void rig_check_executed(void)
{
	for (unsigned i = 0; i < rig_sim.dev_n; i++)
		CHECK(rig_sim.dev[i].seen[DEV_EVENT_EXECUTE] <= rig.executes[i],
			"nothing is executed twice");
}

static SIM_UNUSED bool rig_good(void)
{
	struct store_stats st;
	store_stats(rig_sim.core->store, &st);
	if (st.health)
		printf("  %s\n", st.health_text);
	return !st.seal && !st.health;
}

static SIM_UNUSED void rig_check_rollbacks(void)
{
	struct store_stats st;
	store_stats(rig_sim.core->store, &st);
	CHECK(rig.rolled ? st.rollbacks > 0 : !st.rollbacks, "a rollback is one, and nothing else");
}

/* What no old request may do. That it is challenged after a rollback is no harm. */
static uint64_t rig_done(void)
{
	const struct srv_counters *v = srv_counters(rig_sim.core->srv);
	return v->registers + v->updates + v->deregisters + v->refusals +
	       bs_counters(rig_sim.core->bs)->requests;
}

static void rig_check_replays(void)
{
	struct sim *s = &rig_sim;
	uint64_t before = rig_done();
	bool good = sim_replays_pass_by(s) || rig.rolled;
	CHECK(good && rig_done() == before, "nothing old is accepted");
}

static unsigned rig_updated, rig_updates;

static bool rig_has_updated(const struct sim *s)
{
	return s->dev[rig_updated].done[DEV_OP_UPDATE] > rig_updates;
}

/* The devices go on by themselves, both ways. One whose bootstrap has been forgotten waits for it
 * for some time. */
static SIM_UNUSED void rig_check_going_on(void)
{
	struct sim *s = &rig_sim;
	static struct sim_result r;
	CHECK(sim_until(s, sim_all_registered, 7200000), "devices find their way back");
	for (unsigned i = 0; i < s->dev_n; i++) {
		int status = sim_dm(s, i, ADM_READ, "/3/0/0", &r);
		/* Where the power cut left a device with keys of its own, others come first. */
		if (s->host->o.recover && status == 503 && !strcmp(r.type, "cancelled"))
			status = sim_dm(s, i, ADM_READ, "/3/0/0", &r);
		CHECK(status == 200, "a Read is answered");
		rig_updated = i;
		rig_updates = s->dev[i].done[DEV_OP_UPDATE];
		CHECK(sim_until(s, rig_has_updated, 1000000), "Updates are taken");
	}
	rig_check_executed();
	rig_check_replays();
	CHECK(!s->audit.reuses, "no key met a nonce twice");
}

#endif
