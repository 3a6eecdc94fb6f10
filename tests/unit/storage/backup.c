/* SPDX-License-Identifier: Apache-2.0 */
/* Copies made while commits go on, and copies put back. */
#include "tests/unit/storage/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>

enum { ENDPOINTS = 3000 };

static struct rig rig;
static char path[256];
static char why[256];

struct copying {
	struct store_backup b;
	bool over;
};

static struct copying copying;

static void on_done(struct store_backup *b)
{
	((struct copying *)b->arg)->over = true;
}

static const char *beside(const struct rig *r, const char *tail)
{
	static char p[4][300];
	static unsigned turn;
	char *out = p[turn++ % 4];
	snprintf(out, sizeof(p[0]), "%s%s", r->dir, tail);
	return out;
}

static void start_at(struct rig *r, const char *at)
{
	memset(&copying, 0, sizeof(copying));
	copying.b = (struct store_backup){.done = on_done, .arg = &copying};
	snprintf(copying.b.path, sizeof(copying.b.path), "%s", at);
	REQUIRE(store_backup(r->s, &copying.b) == ERR_OK, "a backup starts");
}

static enum err finish(struct rig *r)
{
	while (!copying.over) {
		struct pollfd p = {.fd = store_fd(r->s), .events = POLLIN};
		if (poll(&p, 1, 10000) != 1)
			abort();
		store_poll(r->s);
	}
	return copying.b.result;
}

static enum err back_up(struct rig *r, const char *at)
{
	start_at(r, at);
	return finish(r);
}

static void fill(struct rig *r)
{
	static struct rec recs[2 * ENDPOINTS];
	static char name[ENDPOINTS][24];
	for (uint64_t i = 0; i < ENDPOINTS; i++) {
		snprintf(name[i], sizeof(name[i]), "endpoint-%u", (unsigned)i);
		recs[2 * i] = rec_endpoint_of(2 * i + 1, name[i]);
		recs[2 * i + 1] = rec_context_of(2 * i + 2, 2 * i + 1);
	}
	REQUIRE(!store_begin(r->s) && !rig_commit(r, recs, 2 * ENDPOINTS), "endpoints");
}

/* The copy as a store of its own. Sealed, since it has no anchor. */
static void open_copy(struct rig *r, struct rig *out, const char *file)
{
	static struct store_restore in;
	*out = (struct rig){.sqlite = true, .opts = r->opts};
	snprintf(out->dir, sizeof(out->dir), "%.50s-c", r->dir);
	out->opts.dir = out->dir;
	in = (struct store_restore){.dir = out->dir, .file = file, .when = "now"};
	enum err e = store_sqlite_restore(&in, why);
	if (e)
		printf("  %s\n", why);
	REQUIRE(!e && !in.aside[0] && in.seal == STORE_SEAL_MISSING, "the copy is restored");
	REQUIRE(!rig_start(out), out->why);
	struct store_stats st;
	store_stats(out->s, &st);
	CHECK(st.seal == STORE_SEAL_MISSING, "without its anchor it is sealed");
	REQUIRE(!store_unseal(out->s), "unseal");
}

static int count(const char *file, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	int n = -1;
	if (!sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) &&
		!sqlite3_prepare_v2(db, sql, -1, &st, NULL)) {
		n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int(st, 0) : -1;
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return n;
}

/* While commits go on, each of an operation and an event: the copy is of one moment. */
static void while_busy(void)
{
	enum { N = 400 };
	static struct rec recs[N][2];
	static struct batch b[N];
	struct stat st;
	struct rig *r = &rig;
	rig_open(r, true);
	r->opts.event_ring = 100000;
	rig_reopen(r);
	fill(r);
	snprintf(path, sizeof(path), "%s", beside(r, "/backups/copy.db"));
	start_at(r, path);
	CHECK(store_backup(r->s, &copying.b) == ERR_BUSY, "one at a time");
	uint64_t n = 0;
	for (; n < N && !copying.over; n++) {
		recs[n][0] = (struct rec){.type = REC_OP_PUT, .op = {.id = 10000 + n}};
		recs[n][1] = rec_event_of(n + 1);
		b[n] = (struct batch){.recs = recs[n], .n = 2, .now_ms = n};
		store_submit(r->s, &b[n]);
		rig_wait(r);
		CHECK(!b[n].result, "commits go on");
	}
	CHECK(!finish(r), copying.b.why);
	CHECK(n > 0, "some of them while it was made");
	CHECK(!stat(path, &st) && (uint64_t)st.st_size == copying.b.bytes &&
			(st.st_mode & 07777) == 0600 && copying.b.bytes > 100000,
		"a file of that size, for nobody else");
	CHECK(!stat(beside(r, "/backups"), &st) && (st.st_mode & 07777) == 0700, "its directory");
	CHECK(access(beside(r, "/backups/copy.db-wal"), F_OK) &&
			access(beside(r, "/backups/copy.db-journal"), F_OK),
		"nothing lies beside it");
	CHECK(count(path, "SELECT suspect FROM meta") == 255, "it is stamped");
	CHECK(count(path, "SELECT count(*) FROM hot") == ENDPOINTS, "all contexts");
	int ops = count(path, "SELECT count(*) FROM operations");
	CHECK(ops >= 0 && ops <= (int)n && ops == count(path, "SELECT count(*) FROM events"),
		"of one moment");
	CHECK(count(path, "SELECT 1 FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1,
		"it is whole");
	CHECK(back_up(r, path) == ERR_EXISTS && strstr(copying.b.why, path), "never overwritten");
	CHECK(count(path, "SELECT count(*) FROM hot") == ENDPOINTS, "and left alone");
	CHECK(!rig_put(r, rec_plan_of(1)), "the store goes on");
	rig_close(r);
}

/* What is in it is what was there. */
static void same(void)
{
	struct rig *r = &rig, copy;
	rig_open(r, true);
	fill(r);
	CHECK(!rig_commit_at(r, 50, (struct rec[]){rec_seen_of(2, 7, 50), rec_reg_of(1, 99)}, 2),
		"a row");
	snprintf(path, sizeof(path), "%s", beside(r, "/copy.db"));
	CHECK(!back_up(r, path), copying.b.why);
	open_copy(r, &copy, path);
	CHECK(rig_has(&copy, "endpoint 5999 "), "endpoints");
	CHECK(rig_has(&copy, "limit=16777216 highest=7 fresh=0 executed=0 stale"), "counters");
	CHECK(rig_has(&copy, "registration 1 1 "), "registrations");
	rig_close(&copy);
	rig_close(r);
}

/* Where no copy can be made. */
static void failures(void)
{
	struct rig *r = &rig;
	rig_open(r, true);
	fill(r);
	CHECK(back_up(r, beside(r, "/no/such/place.db")) != ERR_OK && copying.b.why[0],
		"no directory");
	CHECK(back_up(r, "copy.db") == ERR_RANGE, "no path");
	REQUIRE(!mkdir(beside(r, "/backups"), 0700) &&
			!symlink("/dev/null", beside(r, "/backups/x.db")),
		"a link");
	CHECK(back_up(r, beside(r, "/backups/x.db")) == ERR_EXISTS, "is not followed");
	CHECK(!rig_put(r, rec_plan_of(1)), "the store goes on");
	start_at(r, beside(r, "/backups/y.db"));
	store_free(r->s);
	CHECK(copying.over && (copying.b.result == ERR_STATE || copying.b.result == ERR_OK),
		"the store ends");
	CHECK((access(beside(r, "/backups/y.db"), F_OK) == 0) == (copying.b.result == ERR_OK),
		"and leaves no part of a file");
	r->s = NULL;
	REQUIRE(!rig_start(r), r->why);
	start_at(r, beside(r, "/backups/z.db"));
	struct rec conflict = rec_ssn_of(999, 1, 1);
	CHECK(rig_commit(r, &conflict, 1) == ERR_CONFLICT, "the store fails meanwhile");
	CHECK(!store_recover(r->s), "and recovers");
	enum err e = finish(r);
	CHECK((access(beside(r, "/backups/z.db"), F_OK) == 0) == (e == ERR_OK), "all or nothing");
	CHECK(!back_up(r, beside(r, "/backups/again.db")), "and once more");
	rig_close(r);
}

static struct store_restore in;

static enum err restore(struct rig *r, const char *file, const char *when)
{
	in = (struct store_restore){.dir = r->dir, .file = file, .when = when};
	return store_sqlite_restore(&in, why);
}

static void put_file(const char *at, const char *text)
{
	int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd),
		"a file");
}

static void sql(const char *file, const char *text)
{
	sqlite3 *db;
	REQUIRE(!sqlite3_open(file, &db) && !sqlite3_exec(db, text, NULL, NULL, NULL), "sql");
	sqlite3_close(db);
}

static struct store_stats stats_of(struct rig *r)
{
	struct store_stats st;
	store_stats(r->s, &st);
	return st;
}

static void stop(struct rig *r)
{
	store_free(r->s);
	r->s = NULL;
}

/* A backup in `path`, and what happened after it; then the daemon is killed. */
static void begin(struct rig *r)
{
	rig_open(r, true);
	fill(r);
	snprintf(path, sizeof(path), "%s", beside(r, "-backup.db"));
	CHECK(!back_up(r, path), copying.b.why);
	CHECK(!rig_put(r, rec_ssn_of(2, 0, 64)) && !rig_put(r, rec_endpoint_of(9999, "later")),
		"after the backup");
	CHECK(restore(r, path, "1") == ERR_BUSY && strstr(why, r->dir), "not while it runs");
	rig_crash(r); /* a log with all of it is left */
	stop(r);
}

/* What is no copy of ours changes nothing. */
static void refusals(struct rig *r)
{
	char cmd[600];
	CHECK(restore(r, beside(r, "-nothing"), "1") == ERR_NOTFOUND, "no such file");
	put_file(beside(r, "/empty"), "");
	CHECK(restore(r, beside(r, "/empty"), "1") == ERR_CORRUPT && strstr(why, "no database of"),
		"an empty file");
	put_file(beside(r, "/text"), "this is no database, and much longer than a header would be "
				     "if it were one, which it is not");
	CHECK(restore(r, beside(r, "/text"), "1") == ERR_CORRUPT, "a text");
	sql(beside(r, "/other"), "CREATE TABLE t (x)");
	CHECK(restore(r, beside(r, "/other"), "1") == ERR_CORRUPT, "another program's");
	snprintf(cmd, sizeof(cmd), "cp '%s' '%s'", path, beside(r, "/newer"));
	REQUIRE(!system(cmd), "cp");
	sql(beside(r, "/newer"), "PRAGMA user_version = 99");
	CHECK(restore(r, beside(r, "/newer"), "1") == ERR_NEWER && strstr(why, "schema 99"),
		"a newer version");
	snprintf(cmd, sizeof(cmd),
		"cp '%s' '%s' && dd if=/dev/urandom of='%s' bs=4096 seek=9 count=40 "
		"conv=notrunc status=none",
		path, beside(r, "/bad"), beside(r, "/bad"));
	REQUIRE(!system(cmd), "dd");
	CHECK(restore(r, beside(r, "/bad"), "1") == ERR_CORRUPT && strstr(why, "/bad"), "damaged");
	CHECK(access(beside(r, "/lanyard.db.restoring"), F_OK), "nothing is left of these");
	REQUIRE(!rig_start(r), r->why);
	CHECK(rig_has(r, "endpoint 9999 ") && rig_has(r, "limit=64"), "all that was there is");
	CHECK(!stats_of(r).rolled_back, "and it was no rollback");
	stop(r);
}

/* The backup, then the database that was moved aside for it. */
static void comes_back(struct rig *r)
{
	char aside[4096];
	CHECK(!restore(r, path, "20240101T000000Z"), why);
	CHECK(strstr(in.aside, "/lanyard.db.before-restore-20240101T000000Z") &&
			!access(in.aside, F_OK) && !in.seal && !in.rollbacks,
		"told what was moved, and what comes");
	CHECK(count(path, "SELECT suspect FROM meta") == 255, "the backup is where it was");
	snprintf(aside, sizeof(aside), "%s", in.aside);
	CHECK(restore(r, path, "20240101T000000Z") == ERR_EXISTS, "a name that is taken");
	REQUIRE(!rig_start(r), r->why);
	CHECK(stats_of(r).rolled_back && stats_of(r).rollbacks == 1 && !stats_of(r).seal,
		"a rollback");
	CHECK(rig_lacks(r, "endpoint 9999 ") &&
			rig_has(r, "limit=1048576 highest=-1 fresh=0 executed=0 stale"),
		"with what the copy knows");
	stop(r);
	CHECK(!restore(r, aside, "again"), why);
	REQUIRE(!rig_start(r), r->why);
	CHECK(stats_of(r).rolled_back && stats_of(r).rollbacks == 2, "any file counts as a copy");
	CHECK(rig_has(r, "endpoint 9999 "), "also one that was moved aside");
	stop(r);
}

/* One that was made elsewhere. */
static void of_another(struct rig *r)
{
	struct rig other;
	char cmd[600];
	rig_open(&other, true);
	fill(&other);
	CHECK(!back_up(&other, beside(&other, "-o.db")), "a backup of another database");
	CHECK(restore(r, beside(&other, "-o.db"), "other") == ERR_CONFLICT &&
			strstr(why, "move it away") && strstr(why, ".anchor"),
		"another database: what to do");
	REQUIRE(!rig_start(r), "nothing was changed");
	stop(r);
	snprintf(cmd, sizeof(cmd), "mv '%s' '%s'", beside(r, ".anchor"), beside(r, "/old-anchor"));
	REQUIRE(!system(cmd), "moving it away");
	CHECK(!restore(r, beside(&other, "-o.db"), "other") && in.seal == STORE_SEAL_MISSING,
		"then it is restored");
	REQUIRE(!rig_start(r), r->why);
	CHECK(stats_of(r).seal == STORE_SEAL_MISSING, "and sealed");
	unlink(beside(&other, "-o.db"));
	rig_close(&other);
}

static void restores(void)
{
	struct rig *r = &rig;
	begin(r);
	refusals(r);
	comes_back(r);
	of_another(r);
	unlink(path);
	rig_close(r);
}

/* A copy of the files of a running daemon, its log not yet in the database. */
static void raw_copies(void)
{
	struct rig *r = &rig;
	struct store_stats st;
	char cmd[600];
	for (int log = 0; log < 2; log++) {
		rig_open(r, true);
		fill(r);
		snprintf(cmd, sizeof(cmd), "cp '%s' '%s' && %s cp '%s' '%s'",
			beside(r, "/lanyard.db"), beside(r, "-raw"), log ? "" : ": ||",
			beside(r, "/lanyard.db-wal"), beside(r, "-raw-wal"));
		REQUIRE(!system(cmd), "a raw copy");
		store_free(r->s);
		r->s = NULL;
		CHECK(!restore(r, beside(r, "-raw"), "x"), why);
		REQUIRE(!rig_start(r), r->why);
		store_stats(r->s, &st);
		CHECK(st.rolled_back, "a rollback");
		if (log)
			CHECK(rig_has(r, "endpoint 5999 "), "with what is in its log");
		unlink(beside(r, "-raw"));
		unlink(beside(r, "-raw-wal"));
		rig_close(r);
	}
}

int main(void)
{
	umask(077);
	while_busy();
	same();
	failures();
	restores();
	raw_copies();
	return test_done();
}
