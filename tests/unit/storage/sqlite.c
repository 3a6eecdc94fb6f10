/* SPDX-License-Identifier: Apache-2.0 */
/* What only the SQLite engine can do wrong: files, locks, versions, full disks. */
#include "storage/sqlite_sum.h"
#include "tests/unit/storage/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char *path_of(const struct rig *r, const char *file)
{
	static char path[2][128];
	static unsigned turn;
	char *p = path[turn++ % 2];
	snprintf(p, sizeof(path[0]), "%s/%s", r->dir, file);
	return p;
}

/* A closed store with something in it. */
static void make(struct rig *r)
{
	struct rec recs[] = {rec_endpoint_of(1, "device"), rec_context_of(2, 1), rec_reg_of(1, 9)};
	rig_open(r, true);
	REQUIRE(!rig_commit(r, recs, 3), "something");
	store_free(r->s);
	r->s = NULL;
}

/* The whole directory as one text: names, modes, contents. */
static char *listing(const char *dir)
{
	char cmd[256];
	struct text t = {0};
	snprintf(cmd, sizeof(cmd), "cd '%s' && stat -c '%%n %%a %%s' * && md5sum *", dir);
	FILE *f = popen(cmd, "r");
	char line[512];
	while (f && fgets(line, sizeof(line), f))
		text_add(&t, "%s", line);
	if (f)
		pclose(f);
	return t.p;
}

static void expect_untouched(struct rig *r, enum err want, const char *why, const char *what)
{
	char *before = listing(r->dir);
	enum err e = rig_start(r);
	char *after = listing(r->dir);
	CHECK(e == want, what);
	CHECK(!r->s && strstr(r->why, why) && strstr(r->why, r->dir), "why, with the path");
	if (e != want || !strstr(r->why, why))
		printf("  %s: %s\n", err_text(e), r->why);
	/* the lock file tells who tried last; the size of its number may differ */
	CHECK(before && after && !strcmp(strstr(before, "lanyard"), strstr(after, "lanyard")),
		"the files are as they were");
	free(before);
	free(after);
	store_free(r->s);
	r->s = NULL;
}

static void patch(const char *path, off_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	REQUIRE(fd >= 0 && pwrite(fd, p, n, at) == (ssize_t)n && !close(fd), "patching a file");
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	REQUIRE(!sqlite3_open(path, &db) && !store_sum_register(db), "sqlite3_open");
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	REQUIRE(!sqlite3_exec(db, text, NULL, NULL, NULL), sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void test_newer(void)
{
	struct rig r;
	make(&r);
	patch(path_of(&r, "lanyard.db"), 60, "\0\0\0\x63", 4);
	expect_untouched(&r, ERR_NEWER, "schema 99", "a newer version");
	r.opts.read_only_check = true;
	expect_untouched(&r, ERR_NEWER, "schema 99", "a newer version, checking");
	rig_remove(r.dir);

	make(&r);
	sql(path_of(&r, "lanyard.db"), "PRAGMA user_version = 98");
	CHECK(!access(path_of(&r, "lanyard.db-wal"), F_OK), "the version is in the log only");
	expect_untouched(&r, ERR_NEWER, "schema 98", "a newer version in the log");
	rig_remove(r.dir);
}

static void test_foreign(void)
{
	struct rig r;
	make(&r);
	sql(path_of(&r, "lanyard.db"), "PRAGMA journal_mode = DELETE; PRAGMA application_id = 1");
	expect_untouched(&r, ERR_CORRUPT, "another program", "another application");
	unlink(path_of(&r, "lanyard.db"));
	sql(path_of(&r, "lanyard.db"), "CREATE TABLE t (x)");
	expect_untouched(&r, ERR_CORRUPT, "another program", "tables without a name");
	unlink(path_of(&r, "lanyard.db"));
	patch(path_of(&r, "lanyard.db"), 0, "hello", 5);
	expect_untouched(&r, ERR_CORRUPT, "not a database", "a text");
	unlink(path_of(&r, "lanyard.db"));
	patch(path_of(&r, "lanyard.db"), 4095, "", 1);
	expect_untouched(&r, ERR_CORRUPT, "not a database", "zeroes, and nothing to mend it with");
	unlink(path_of(&r, "lanyard.db"));
	patch(path_of(&r, "lanyard.db"), 0, "", 0);
	CHECK(rig_start(&r) == ERR_CONFLICT && strstr(r.why, "another database"),
		"a new database beside the anchor of another");
	char anchor[128];
	snprintf(anchor, sizeof(anchor), "%s.anchor/anchor", r.dir);
	REQUIRE(!unlink(anchor), "moving it away");
	CHECK(!rig_start(&r) && rig_has(&r, "clock=0 id=1"), "an empty file is a new database");
	rig_close(&r);
}

static void test_corrupt(void)
{
	struct rig r;
	struct store_info info;
	struct store_visitor v = {0};
	static uint8_t garbage[65536];
	make(&r);
	memset(garbage, 0xa5, sizeof(garbage));
	patch(path_of(&r, "lanyard.db"), 4096, garbage, sizeof(garbage));
	enum err e = rig_start(&r);
	if (!e)
		e = store_load(r.s, &v, &info);
	CHECK(e == ERR_CORRUPT, "garbage is noticed");
	rig_close(&r);
}

static void test_lock(void)
{
	struct rig r, other;
	char pid[32];
	rig_open(&r, true);
	other = r;
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	CHECK(rig_start(&other) == ERR_BUSY, "a second store");
	CHECK(!other.s && strstr(other.why, pid), "names the holder");
	other.opts.read_only_check = true;
	CHECK(rig_start(&other) == ERR_BUSY && !other.s, "checking says so too");
	CHECK(!rig_put(&r, rec_event_of(1)), "the first goes on");
	rig_reopen(&r);
	CHECK(rig_has(&r, "event 1"), "and can be opened again");
	rig_close(&r);
}

static void test_open_elsewhere(void)
{
	struct rig r;
	sqlite3 *db;
	make(&r);
	REQUIRE(!sqlite3_open(path_of(&r, "lanyard.db"), &db), "sqlite3_open");
	REQUIRE(!sqlite3_exec(db, "SELECT * FROM devices", NULL, NULL, NULL), "reading");
	CHECK(rig_start(&r) == ERR_BUSY && strstr(r.why, r.dir), "an operator has it open");
	sqlite3_close(db);
	CHECK(!rig_start(&r) && rig_has(&r, "endpoint 1"), "and closes it");
	rig_close(&r);
}

static void test_check(void)
{
	struct rig r;
	make(&r);
	r.opts.read_only_check = true;
	char *before = listing(r.dir);
	CHECK(!rig_start(&r) && !r.s, "nothing is wrong");
	char *after = listing(r.dir);
	CHECK(before && after && !strcmp(before, after), "nothing was changed");
	free(before);
	free(after);
	rig_remove(r.dir);
	CHECK(rig_start(&r) == ERR_NOTFOUND && access(r.dir, F_OK), "nothing there, nothing made");
}

static void test_modes(void)
{
	struct rig r;
	struct stat st;
	static const char *const files[] = {"lanyard.db", "lanyard.db-wal", "lock"};
	mode_t mask = umask(0);
	rig_open(&r, true);
	umask(mask);
	CHECK(!rig_put(&r, rec_event_of(1)), "something");
	CHECK(!stat(r.dir, &st) && (st.st_mode & 07777) == 0700, "the directory");
	for (size_t i = 0; i < 3; i++)
		CHECK(!stat(path_of(&r, files[i]), &st) && (st.st_mode & 07777) == 0600, files[i]);
	CHECK(access(path_of(&r, "lanyard.db-shm"), F_OK), "no shared memory file");
	store_free(r.s);
	r.s = NULL;
	REQUIRE(!chmod(path_of(&r, "lanyard.db"), 0644) && !chmod(r.dir, 0755), "loose modes");
	CHECK(!rig_start(&r) && !rig_put(&r, rec_context_of(7, 1)), "a database others could read");
	for (size_t i = 0; i < 3; i++)
		CHECK(!stat(path_of(&r, files[i]), &st) && (st.st_mode & 07777) == 0600,
			"is closed to them, and what lies beside it");
	CHECK(!stat(r.dir, &st) && (st.st_mode & 07777) == 0700, "and its directory");
	rig_close(&r);
}

static void test_bad_dirs(void)
{
	struct rig r;
	make(&r);
	char inside[128];
	snprintf(inside, sizeof(inside), "%s/lanyard.db/x", r.dir);
	r.opts.dir = inside;
	CHECK(rig_start(&r) == ERR_IO && strstr(r.why, inside), "below a file");
	snprintf(inside, sizeof(inside), "%s/lanyard.db", r.dir);
	CHECK(rig_start(&r) == ERR_IO && strstr(r.why, inside), "a file");
	snprintf(inside, sizeof(inside), "%s/no/parent", r.dir);
	CHECK(rig_start(&r) == ERR_IO && strstr(r.why, inside), "no parent");
	static char path_long[5000];
	memset(path_long, 'x', sizeof(path_long) - 1);
	r.opts.dir = path_long;
	CHECK(rig_start(&r) == ERR_IO && r.why[0], "a path too long");
	rig_remove(r.dir);
}

/* In a child that gives up root, for whom nothing is read-only. */
static int open_as_nobody(struct rig *r)
{
	pid_t child = fork();
	if (!child) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(99);
		_exit((int)rig_start(r));
	}
	int status = 0;
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "a child");
	return WEXITSTATUS(status);
}

static void test_read_only(void)
{
	struct rig r;
	make(&r);
	REQUIRE(!chmod(r.dir, 0555), "chmod");
	if (!geteuid())
		REQUIRE(!chmod(path_of(&r, "lock"), 0666) &&
				!chmod(path_of(&r, "lanyard.db"), 0666),
			"chmod");
	CHECK(open_as_nobody(&r) == ERR_READONLY, "no files can be made in the directory");
	r.opts.read_only_check = true;
	CHECK(open_as_nobody(&r) == ERR_READONLY, "checking says so too");
	r.opts.read_only_check = false;
	REQUIRE(!chmod(r.dir, 0777) && !chmod(path_of(&r, "lanyard.db"), 0444), "chmod");
	CHECK(open_as_nobody(&r) == ERR_READONLY, "the database cannot be written");
	REQUIRE(!chmod(path_of(&r, "lanyard.db"), 0600), "chmod");
	CHECK(!rig_start(&r) && rig_has(&r, "endpoint 1"), "nothing was harmed");
	rig_close(&r);
}

static void set_size_limit(rlim_t bytes)
{
	struct rlimit l;
	REQUIRE(!getrlimit(RLIMIT_FSIZE, &l), "getrlimit");
	l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
	REQUIRE(!setrlimit(RLIMIT_FSIZE, &l), "setrlimit");
}

/* SIGXFSZ keeps its default action here: the storage thread must not let it through. */
static void test_full(void)
{
	struct rig r;
	struct store_stats st;
	rig_open(&r, true);
	struct rec recs[200];
	for (uint64_t i = 0; i < 200; i++)
		recs[i] = rec_event_of(i + 1);
	CHECK(!rig_put(&r, rec_endpoint_of(1, "before")), "before");
	set_size_limit(4096);
	CHECK(rig_commit(&r, recs, 200) == ERR_FULL, "a write fails");
	CHECK(rig_commit(&r, recs, 1) == ERR_FULL, "and all later ones");
	CHECK(store_recover(r.s) == ERR_FULL, "recovery fails");
	CHECK(store_begin(r.s) == ERR_FULL && store_stop(r.s, NULL, 0, 1) == ERR_FULL,
		"so does all");
	store_stats(r.s, &st);
	CHECK(st.health == ERR_FULL && st.health_text[0] && st.cpu_us, "health");
	set_size_limit(RLIM_INFINITY);
	CHECK(!store_recover(r.s), "recovery");
	CHECK(rig_has(&r, "endpoint 1") && rig_lacks(&r, "event 1 "), "before, and nothing of it");
	CHECK(!rig_commit(&r, recs, 200), "works again");
	rig_crash(&r);
	CHECK(rig_has(&r, "event=201"), "durably");
	rig_close(&r);
}

static void test_group_commit(void)
{
	enum { N = 1000 };
	static struct batch b[N];
	struct rig r;
	struct store_stats st;
	rig_open(&r, true);
	for (size_t i = 0; i < N; i++)
		store_submit(r.s, &b[i]);
	rig_wait(&r);
	store_stats(r.s, &st);
	CHECK(st.commits > 0 && st.commits < N / 2, "batches that wait share a commit");
	rig_close(&r);
}

static bool file_holds(const char *path, const char *text)
{
	char cmd[256];
	snprintf(cmd, sizeof(cmd), "grep -q -a -- '%s' '%s'", text, path);
	return system(cmd) == 0;
}

static void test_deleted_keys(void)
{
	struct rig r;
	make(&r);
	CHECK(file_holds(path_of(&r, "lanyard.db"), "recipient key"), "a key is stored");
	REQUIRE(!rig_start(&r), "opening");
	CHECK(!rig_put(&r, rec_del_of(REC_CONTEXT_DEL, 2)), "delete");
	store_free(r.s);
	r.s = NULL;
	CHECK(!file_holds(path_of(&r, "lanyard.db"), "recipient key"), "it is overwritten");
	CHECK(access(path_of(&r, "lanyard.db-wal"), F_OK), "and no log is left");
	rig_close(&r);
}

/* The operator's view, with an expiry that was folded into a context. */
static void test_view(void)
{
	struct rig r;
	sqlite3 *db;
	sqlite3_stmt *st;
	make(&r);
	REQUIRE(!rig_start(&r), "opening");
	struct rec seen = rec_seen_of(2, 1, 1);
	seen.seen.expiry_ms = 77;
	CHECK(!rig_put(&r, seen) && !store_stop(r.s, NULL, 0, 2), "work and stop");
	store_free(r.s);
	r.s = NULL;
	REQUIRE(!sqlite3_open(path_of(&r, "lanyard.db"), &db), "sqlite3_open");
	REQUIRE(!sqlite3_prepare_v2(db, "SELECT name, expiry_ms FROM devices", -1, &st, NULL),
		"the view");
	CHECK(sqlite3_step(st) == SQLITE_ROW &&
			!strcmp((const char *)sqlite3_column_text(st, 0), "device") &&
			sqlite3_column_int(st, 1) == 77,
		"name and expiry");
	sqlite3_finalize(st);
	sqlite3_close(db);
	rig_close(&r);
}

/* The descriptor of the anchor's file. */
static int anchor_fd(const struct rig *r)
{
	char want[128], link[64], got[256];
	snprintf(want, sizeof(want), "%s.anchor/anchor", r->dir);
	for (int fd = 3; fd < 256; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, got, sizeof(got) - 1);
		got[n > 0 ? n : 0] = 0;
		if (!strcmp(got, want))
			return fd;
	}
	REQUIRE(false, "the anchor is open");
	return -1;
}

/* An anchor that cannot be written fails the commit that needs it, which may have happened. */
static void test_anchor_fails(void)
{
	struct rig r;
	struct store_stats st;
	char path[128];
	rig_open(&r, true);
	CHECK(!store_begin(r.s) && !rig_put(&r, rec_context_of(2, 1)), "before");
	int fd = anchor_fd(&r), good = dup(fd);
	snprintf(path, sizeof(path), "%s.anchor/anchor", r.dir);
	int no_writing = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(good >= 0 && no_writing >= 0 && dup2(no_writing, fd) == fd, "taking it away");
	CHECK(!rig_put(&r, rec_event_of(1)), "what needs it not goes on");
	CHECK(rig_put(&r, rec_ssn_of(2, 0, 64)) == ERR_IO, "a reservation does not");
	store_stats(r.s, &st);
	CHECK(st.health == ERR_IO && strstr(st.health_text, "anchor"), "health says why");
	CHECK(rig_put(&r, rec_event_of(2)) == ERR_IO, "then nothing goes on");
	for (int i = 0; i < 3; i++)
		CHECK(store_recover(r.s) == ERR_IO, "nor is there a way back");
	REQUIRE(dup2(good, fd) == fd, "giving it back");
	CHECK(!store_recover(r.s), "now there is");
	CHECK(rig_has(&r, "limit=64"), "the commit had happened");
	CHECK(!rig_put(&r, rec_ssn_of(2, 64, 64)), "numbers go on behind it");
	close(good);
	close(no_writing);
	rig_crash(&r);
	store_stats(r.s, &st);
	CHECK(!st.rolled_back && !st.seal && rig_has(&r, "limit=128"), "and it was no rollback");
	rig_close(&r);
}

#define NO_FIRMWARE "DROP TABLE images; DROP TABLE firmware;"

#define NO_QUEUE                                                                                   \
	"ALTER TABLE operations DROP COLUMN ref;"                                                  \
	"ALTER TABLE operations DROP COLUMN expiry_ms;"                                            \
	"ALTER TABLE operations DROP COLUMN body;" NO_FIRMWARE

#define NO_PACE                                                                                    \
	"ALTER TABLE endpoints DROP COLUMN ack_timeout_ms;"                                        \
	"ALTER TABLE endpoints DROP COLUMN block_bytes;"                                           \
	"ALTER TABLE endpoints DROP COLUMN message_bytes;"                                         \
	"ALTER TABLE endpoints DROP COLUMN max_retransmit;" NO_QUEUE

/* A database of before there were anchors: nobody can say that it is no clone. */
static void test_upgrade(void)
{
	static const char back[] = RIG_NO_SUMS
		"ALTER TABLE meta DROP COLUMN db_id; ALTER TABLE meta DROP COLUMN generation;"
		"ALTER TABLE meta DROP COLUMN rollbacks; ALTER TABLE meta DROP COLUMN suspect;"
		"ALTER TABLE hot DROP COLUMN stale; ALTER TABLE hot DROP COLUMN ssn_gap;"
		"ALTER TABLE hot DROP COLUMN failures;" NO_PACE "PRAGMA user_version = 1";
	struct rig r;
	struct store_stats st;
	for (int used = 0; used < 2; used++) {
		if (used)
			make(&r);
		else
			rig_open(&r, true);
		store_free(r.s);
		r.s = NULL;
		sql(path_of(&r, "lanyard.db"), back);
		CHECK(rig_start(&r) == ERR_CONFLICT, "the anchor cannot be its own");
		char cmd[128];
		snprintf(cmd, sizeof(cmd), "rm -r '%s.anchor'", r.dir);
		REQUIRE(!system(cmd), "moving it away");
		REQUIRE(!rig_start(&r), r.why);
		store_stats(r.s, &st);
		CHECK(st.seal == (used ? STORE_SEAL_MISSING : STORE_SEAL_NONE),
			"sealed if there is anything to lose");
		CHECK(!used || !store_unseal(r.s), "unseal");
		CHECK(!used || rig_has(&r, "endpoint 1"), "all is there");
		rig_close(&r);
	}
}

/* One of before keys were counted: what rollbacks had left out is no use of them. */
static void test_upgrade_counts(void)
{
	static const char back[] =
		RIG_NO_SUMS "ALTER TABLE hot DROP COLUMN ssn_gap;"
			    "ALTER TABLE hot DROP COLUMN failures;" NO_PACE
			    "UPDATE hot SET ssn_limit = 3145828; PRAGMA user_version = 2";
	struct rig r;
	for (int rolled = 0; rolled < 2; rolled++) {
		make(&r);
		store_free(r.s);
		r.s = NULL;
		sql(path_of(&r, "lanyard.db"), back);
		if (rolled)
			sql(path_of(&r, "lanyard.db"), "UPDATE meta SET rollbacks = 1");
		REQUIRE(!rig_start(&r), r.why);
		CHECK(!rolled || !store_unseal(r.s), "its anchor does not know: one more rollback");
		CHECK(rolled ? rig_has(&r, "limit=17825792") && rig_has(&r, " gap=17825692\n")
			     : rig_has(&r, "limit=3145828") && rig_lacks(&r, "gap="),
			"only a database that was rolled back has gaps");
		rig_close(&r);
	}
}

/* One of before there were queues: what was on its way then has no place in one, and an observation
 * stays wanted. */
static void test_upgrade_queues(void)
{
	struct rec op = {.type = REC_OP_PUT,
		.op = {12, 1, SPAN_LIT("observe"), SPAN_LIT("/3/0/9"), 0, 1700000000,
			SPAN_LIT("-1")}};
	struct rec later = {.type = REC_OP_PUT,
		.op = {.id = 13,
			.endpoint_id = 1,
			.kind = SPAN_LIT("write"),
			.path = SPAN_LIT("/3/0/15"),
			.state = 1,
			.ref = UINT64_MAX,
			.expiry_ms = 77,
			.body = SPAN_LIT("\1\0")}};
	struct rec sent = {.type = REC_OP_STATE, .op_state = {13, 2}};
	struct rig r;
	make(&r);
	REQUIRE(!rig_start(&r) && !rig_put(&r, op), r.why);
	store_free(r.s);
	r.s = NULL;
	sql(path_of(&r, "lanyard.db"), RIG_NO_SUMS NO_QUEUE "PRAGMA user_version = 4");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "op 12 1 6f627365727665 2f332f302f39 0 1700000000 2d31\n"),
		"what was there is as it was, in no queue");
	REQUIRE(!rig_put(&r, later) && !rig_put(&r, sent), "one of a queue");
	store_free(r.s);
	r.s = NULL;
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "op 13 1 7772697465 2f332f302f3135 2 0 - 18446744073709551615 77 0100\n"),
		"what waits is kept whole");
	rig_close(&r);
}

/* One of before firmware was kept. */
static void test_upgrade_firmware(void)
{
	struct rec image = {.type = REC_IMAGE_PUT,
		.image = {7, SPAN_LIT("a"), SPAN_LIT("0123456789abcdef0123456789abcdef"), 9, 1,
			false}};
	struct rec update = {.type = REC_FIRMWARE_PUT,
		.firmware = {.endpoint_id = 1, .method = 1, .image_id = 7}};
	struct rec gone = {.type = REC_IMAGE_DEL, .del = {.id = 7}};
	struct rec endpoint = {.type = REC_ENDPOINT_DEL, .del = {.id = 1}};
	struct rig r;
	make(&r);
	sql(path_of(&r, "lanyard.db"), RIG_NO_FORGOTTEN NO_FIRMWARE
		"UPDATE meta SET sum = row_sum(clock_ms, next_id, log_next, stops, clean,"
		" generation, rollbacks, log_first); PRAGMA user_version = 6");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "endpoint 1"), "what was there is there");
	REQUIRE(!rig_put(&r, image) && !rig_put(&r, update), "firmware");
	CHECK(rig_has(&r, "firmware 1 1 0 0 0 0 0 7 - - - 0 0\n"), "an update is kept");
	REQUIRE(!rig_put(&r, endpoint), "its endpoint goes");
	CHECK(rig_lacks(&r, "firmware 1") && rig_has(&r, "image 7"), "and it goes with that");
	REQUIRE(!rig_put(&r, gone), "the image goes");
	CHECK(rig_lacks(&r, "image 7"), "by itself");
	rig_close(&r);
}

/* Keys of before their age was kept count as made on the day of the upgrade. */
static void test_upgrade_age(void)
{
	struct rec first[] = {rec_endpoint_of(1, "a"), rec_context_of(2, 1)};
	struct rig r;
	make(&r);
	first[1].context.created_day = 4711;
	REQUIRE(!rig_start(&r) && !rig_put(&r, first[0]) && !rig_put(&r, first[1]), r.why);
	CHECK(rig_has(&r, " made=4711 "), "the day is kept");
	store_free(r.s);
	r.s = NULL;
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, " made=4711 "), "and there is no other after a start");
	store_free(r.s);
	r.s = NULL;
	sql(path_of(&r, "lanyard.db"), RIG_NO_AGE "PRAGMA user_version = 8");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "context 2 1") && !rig_has(&r, " made="), "it is there, and new");
	CHECK(!rig_has(&r, "damage"), "and good");
	store_free(r.s);
	r.s = NULL;
	sql(path_of(&r, "lanyard.db"),
		"CREATE TEMP TABLE today (good CHECK (good));"
		"INSERT INTO today SELECT created_day * 86400 BETWEEN unixepoch() - 90000 AND"
		" unixepoch() FROM contexts;" RIG_NO_AGE
		"UPDATE contexts SET ssid = 7; PRAGMA user_version = 8");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "damage contexts"), "what was damaged before stays so");
	rig_close(&r);
}

/* Endpoints of before more than one request could be under way have none of their own. */
static void test_upgrade_nstart(void)
{
	static const char since[] =
		"UPDATE endpoints SET oscore_version = 20 WHERE id = 2; PRAGMA user_version = 9";
	struct rec e[] = {rec_endpoint_of(1, "a"), rec_endpoint_of(2, "b")};
	struct rig r;
	rig_open(&r, true);
	e[0].endpoint.pace = (struct pace){.max_retransmit = 7, .nstart = 4};
	REQUIRE(!rig_put(&r, e[0]) && !rig_put(&r, e[1]), r.why);
	CHECK(rig_has(&r, " 0 0 0 7 nstart=4\n"), "it is kept");
	store_free(r.s);
	r.s = NULL;
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, " 0 0 0 7 nstart=4\n") && rig_lacks(&r, "damage"), "over a start");
	store_free(r.s);
	r.s = NULL;
	char text[2048];
	snprintf(text, sizeof(text), "%s%s", RIG_NO_NSTART, since);
	sql(path_of(&r, "lanyard.db"), text);
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, " 0 0 0 7\n") && rig_lacks(&r, "nstart="), "as configured");
	CHECK(rig_has(&r, "damage endpoints 2") && rig_lacks(&r, "damage endpoints 1"),
		"what was damaged before stays so, and nothing else");
	e[0].endpoint.pace.nstart = 8;
	REQUIRE(!rig_put(&r, e[0]), "set");
	CHECK(rig_has(&r, " 0 0 0 7 nstart=8\n"), "it can be set");
	rig_close(&r);
}

/* One of before there were credentials of DTLS: nothing is required, and what was damaged stays so.
 */
static void test_upgrade_credentials(void)
{
	struct rec psk = {.type = REC_CREDENTIAL_PUT,
		.credential = {1, 1, 2, SPAN_LIT("me"), SPAN_LIT("key")}};
	struct rec endpoint = {.type = REC_ENDPOINT_DEL, .del = {.id = 1}};
	struct rig r;
	make(&r);
	store_free(r.s);
	r.s = NULL;
	sql(path_of(&r, "lanyard.db"), RIG_NO_CREDENTIALS "PRAGMA user_version = 10");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "endpoint 1") && rig_lacks(&r, "damage") && rig_lacks(&r, "require"),
		"what was there is there");
	REQUIRE(!rig_put(&r, psk), "a credential");
	CHECK(rig_has(&r, "credential 1 1 2 6d65 6b6579\n"), "is kept");
	REQUIRE(!rig_put(&r, endpoint), "its endpoint goes");
	CHECK(rig_lacks(&r, "credential"), "and it goes with that");
	rig_close(&r);
	make(&r);
	store_free(r.s);
	r.s = NULL;
	sql(path_of(&r, "lanyard.db"), RIG_NO_CREDENTIALS
		"UPDATE endpoints SET allow_nosec = 1; PRAGMA user_version = 10");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "damage endpoints 1"), "a damaged row stays damaged");
	rig_close(&r);
}

int main(void)
{
	umask(077); /* files as the daemon has them */
	test_newer();
	test_foreign();
	test_corrupt();
	test_lock();
	test_open_elsewhere();
	test_check();
	test_upgrade_counts();
	test_upgrade_age();
	test_upgrade_nstart();
	test_upgrade_credentials();
	test_modes();
	test_bad_dirs();
	test_read_only();
	test_full();
	test_group_commit();
	test_deleted_keys();
	test_view();
	test_anchor_fails();
	test_upgrade();
	test_upgrade_queues();
	test_upgrade_firmware();
	return test_done();
}
