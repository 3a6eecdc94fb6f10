/* SPDX-License-Identifier: Apache-2.0 */
/* The anchor: what a start is, and that its file is whole or old whatever is cut short. */
#include "storage/anchor.h"
#include "tests/unit/storage/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- calls that are cut short: these stand before those of libc */

enum cut { CUT_NOTHING, CUT_BEFORE, CUT_AFTER, CUT_HALF, CUT_FAIL };
static enum cut cut_how;
static int cut_at, cut_n; /* the cut_at-th call, from 1 */

/* Power goes at a chosen call; or it fails with EIO. True: do it. */
static bool cut_passes(void)
{
	if (!cut_how || ++cut_n != cut_at || cut_how == CUT_AFTER || cut_how == CUT_HALF)
		return true;
	if (cut_how == CUT_BEFORE)
		_exit(0);
	errno = EIO;
	return false;
}

static void cut_behind(void)
{
	if (cut_how == CUT_AFTER && cut_n == cut_at)
		_exit(0);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (!cut_passes())
		return -1;
	bool half = cut_how == CUT_HALF && cut_n == cut_at;
	ssize_t done = syscall(SYS_pwrite64, fd, p, half ? 30 : n, at);
	if (half)
		_exit(0);
	cut_behind();
	return done;
}

#define CUT(type, name, params, call)                                                              \
	type name params                                                                           \
	{                                                                                          \
		if (!cut_passes())                                                                 \
			return -1;                                                                 \
		type rc = (type)(call);                                                            \
		cut_behind();                                                                      \
		return rc;                                                                         \
	}
CUT(int, fdatasync, (int fd), syscall(SYS_fdatasync, fd))
CUT(int, fsync, (int fd), syscall(SYS_fsync, fd))
CUT(int, unlinkat, (int dir, const char *path, int flags), syscall(SYS_unlinkat, dir, path, flags))
CUT(int, renameat, (int a, const char *from, int b, const char *to),
	syscall(SYS_renameat2, a, from, b, to, 0))
CUT(int, mkdir, (const char *path, mode_t mode), syscall(SYS_mkdirat, AT_FDCWD, path, mode))

/* ---- what a start is */

#define ID_A "aaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbb"

static const struct {
	const char *what;
	const char *db_id;
	uint64_t db_generation;
	uint32_t db_rollbacks;
	bool suspect;
	enum err found;
	uint64_t generation; /* of the anchor, whose id is A */
	uint32_t rollbacks;
	enum store_start want;
	enum store_seal seal;
} starts[] = {
	{"both new", ID_A, 0, 0, false, ERR_NOTFOUND, 0, 0, STORE_START_NEW, 0},
	{"cut between the two", ID_A, 0, 0, false, ERR_OK, 0, 0, STORE_START_GOOD, 0},
	{"cut before the first rise arrived", ID_A, 1, 0, false, ERR_OK, 0, 0, STORE_START_CRASH,
		0},
	{"they agree", ID_A, 7, 2, false, ERR_OK, 7, 2, STORE_START_GOOD, 0},
	{"one ahead", ID_A, 8, 2, false, ERR_OK, 7, 2, STORE_START_CRASH, 0},
	{"one behind", ID_A, 6, 2, false, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"far behind", ID_A, 1, 2, false, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"never started", ID_A, 0, 0, false, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"fewer rollbacks", ID_A, 7, 1, false, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"cut in a rollback", ID_A, 8, 1, false, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"a stamped copy", ID_A, 7, 2, true, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"a stamped copy, one ahead", ID_A, 8, 2, true, ERR_OK, 7, 2, STORE_START_ROLLBACK, 0},
	{"two ahead", ID_A, 9, 2, false, ERR_OK, 7, 2, STORE_START_SEALED, STORE_SEAL_OLDER},
	{"more rollbacks", ID_A, 7, 3, false, ERR_OK, 7, 2, STORE_START_SEALED, STORE_SEAL_OLDER},
	{"more rollbacks, behind", ID_A, 5, 3, false, ERR_OK, 7, 2, STORE_START_SEALED,
		STORE_SEAL_OLDER},
	{"a stamped copy, more rollbacks", ID_A, 7, 3, true, ERR_OK, 7, 2, STORE_START_SEALED,
		STORE_SEAL_OLDER},
	{"no anchor", ID_A, 1, 0, false, ERR_NOTFOUND, 0, 0, STORE_START_SEALED,
		STORE_SEAL_MISSING},
	{"a stamped copy without an anchor", ID_A, 0, 0, true, ERR_NOTFOUND, 0, 0,
		STORE_START_SEALED, STORE_SEAL_MISSING},
	{"a damaged anchor", ID_A, 1, 0, false, ERR_CORRUPT, 0, 0, STORE_START_SEALED,
		STORE_SEAL_DAMAGED},
	{"a damaged anchor, never started", ID_A, 0, 0, false, ERR_CORRUPT, 0, 0,
		STORE_START_SEALED, STORE_SEAL_DAMAGED},
	{"another's anchor", ID_B, 7, 2, false, ERR_OK, 7, 2, STORE_START_FOREIGN, 0},
	{"a new database, another's anchor", ID_B, 0, 0, false, ERR_OK, 7, 2, STORE_START_FOREIGN,
		0},
	{"another's copy", ID_B, 7, 2, true, ERR_OK, 7, 2, STORE_START_FOREIGN, 0},
};

static struct store_mark mark_of(const char *id, uint64_t generation, uint32_t rollbacks)
{
	struct store_mark m = {.generation = generation, .rollbacks = rollbacks};
	memcpy(m.id, id, sizeof(m.id));
	return m;
}

static void judges(void)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct store_mark db =
			mark_of(starts[i].db_id, starts[i].db_generation, starts[i].db_rollbacks);
		struct store_mark a = mark_of(ID_A, starts[i].generation, starts[i].rollbacks);
		enum store_seal seal = STORE_SEAL_OLDER;
		enum store_start s =
			store_anchor_judge(&db, starts[i].suspect, starts[i].found, &a, &seal);
		CHECK(s == starts[i].want && seal == starts[i].seal, starts[i].what);
		CHECK((seal != STORE_SEAL_NONE) == (store_seal_text(seal)[0] != '\0'),
			"a seal says why");
	}
	struct store_mark low = mark_of(ID_A, 1, 2), high = mark_of(ID_A, 1, 9);
	CHECK(store_anchor_next(&low, &high, false) == 10 &&
			store_anchor_next(&high, &low, false) == 10,
		"a rollback is one more than both know");
	CHECK(store_anchor_next(&low, &high, true) > 20, "a lost anchor leaves a gap");
}

/* ---- the file */

static char dir[64], why[STORE_WHY_MAX];

static void fresh_dir(void)
{
	static unsigned n;
	snprintf(dir, sizeof(dir), "/tmp/lanyard-anchor-%ld-%u", (long)getpid(), n++);
}

static const char *file_path(void)
{
	static char path[80];
	snprintf(path, sizeof(path), "%s/anchor", dir);
	return path;
}

/* What is there; the anchor is closed again. */
static enum err look(struct store_mark *m)
{
	struct store_anchor a;
	enum err e = store_anchor_open(&a, dir, why);
	*m = a.mark;
	store_anchor_close(&a);
	return e;
}

static bool is(uint64_t generation, uint32_t rollbacks)
{
	struct store_mark m;
	return look(&m) == ERR_OK && m.generation == generation && m.rollbacks == rollbacks &&
	       !memcmp(m.id, ID_A, sizeof(m.id));
}

static void write_one(uint64_t generation)
{
	struct store_anchor a;
	struct store_mark m = mark_of(ID_A, generation, 1);
	enum err e = store_anchor_open(&a, dir, why);
	if (e == ERR_NOTFOUND || e == ERR_CORRUPT)
		e = store_anchor_make(&a, &m, why);
	else if (!e)
		e = store_anchor_write(&a, &m, why);
	store_anchor_close(&a);
	REQUIRE(!e, why);
}

static void life(void)
{
	struct store_anchor a, other;
	struct store_mark m = mark_of(ID_A, 3, 1);
	struct stat st;
	fresh_dir();
	CHECK(look(&m) == ERR_NOTFOUND && access(dir, F_OK), "nothing is there, nothing is made");
	CHECK(store_anchor_peek(dir, &m, why) == ERR_NOTFOUND, "nor seen");
	write_one(3);
	CHECK(!stat(dir, &st) && (st.st_mode & 07777) == 0700, "its directory");
	CHECK(!stat(file_path(), &st) && (st.st_mode & 07777) == 0600 && st.st_nlink == 1,
		"its file");
	CHECK(is(3, 1), "it says what it was told");
	for (uint64_t g = 4; g < 40; g++) {
		write_one(g);
		CHECK(is(g, 1), "and what it is told next");
	}
	CHECK(!store_anchor_peek(dir, &m, why) && m.generation == 39, "a look without a lock");
	CHECK(!store_anchor_open(&a, dir, why), "open");
	for (uint64_t g = 40; g < 50; g++) {
		m = mark_of(ID_A, g, 1);
		CHECK(!store_anchor_write(&a, &m, why), "written again and again");
	}
	CHECK(store_anchor_open(&other, dir, why) == ERR_BUSY && strstr(why, dir), "one at a time");
	store_anchor_close(&other);
	CHECK(!store_anchor_peek(dir, &m, why) && m.generation == 49, "a look meanwhile");
	store_anchor_close(&a);
	store_anchor_close(&a);
	CHECK(is(49, 1), "and closed");
	REQUIRE(!chmod(dir, 0755) && !chmod(file_path(), 0644), "loose modes");
	CHECK(is(49, 1) && !stat(dir, &st) && (st.st_mode & 077) == 0 && !stat(file_path(), &st) &&
			(st.st_mode & 077) == 0,
		"are tightened");
	rig_remove(dir);
	CHECK(store_anchor_write(&a, &m, why) == ERR_STATE, "a closed one is not written");
}

static void damage(int slot, size_t at, uint8_t xor)
{
	uint8_t b;
	int fd = open(file_path(), O_RDWR | O_CLOEXEC);
	off_t where = (off_t)slot * 4096 + (off_t)at;
	REQUIRE(fd >= 0 && pread(fd, &b, 1, where) == 1, "reading");
	b ^= xor;
	REQUIRE(pwrite(fd, &b, 1, where) == 1 && !close(fd), "damaging");
}

/* Each bit of a slot counts; the other slot then holds. */
static void damages(void)
{
	enum { BYTES = 52 };
	struct store_mark m;
	fresh_dir();
	write_one(1); /* both slots */
	write_one(2); /* slot 0 */
	write_one(3); /* slot 1 */
	for (size_t i = 0; i < BYTES * 8; i++) {
		damage(1, i / 8, (uint8_t)(1 << i % 8));
		CHECK(is(2, 1), "a damaged slot is not believed, the older one is");
		damage(1, i / 8, (uint8_t)(1 << i % 8));
	}
	CHECK(is(3, 1), "and is again when it is mended");
	damage(0, 0, 1);
	CHECK(is(3, 1), "a damaged older slot does no harm");
	damage(1, 0, 1);
	CHECK(look(&m) == ERR_CORRUPT && strstr(why, dir), "both are damaged");
	CHECK(store_anchor_peek(dir, &m, why) == ERR_CORRUPT, "a look says so");
	write_one(9);
	CHECK(is(9, 1), "a new one takes its place");
	for (off_t n = 0; n < 4096 + BYTES; n += 13) {
		REQUIRE(!truncate(file_path(), n), "cutting it");
		enum err e = look(&m);
		CHECK(n < BYTES ? e == ERR_CORRUPT : e == ERR_OK && m.generation == 9, "cut short");
		write_one(9);
	}
	REQUIRE(!unlink(file_path()) && !symlink("/dev/zero", file_path()), "a link");
	CHECK(look(&m) == ERR_IO, "is not followed");
	rig_remove(dir);
}

/* In a child, so that it may end anywhere. Its status: 0 if it was cut, else what write_one did. */
static bool in_child(enum cut how, int at, uint64_t generation)
{
	pid_t child = fork();
	if (!child) {
		cut_how = how;
		cut_at = at;
		struct store_anchor a;
		struct store_mark m = mark_of(ID_A, generation, 1);
		enum err e = store_anchor_open(&a, dir, why);
		if (e == ERR_NOTFOUND)
			e = store_anchor_make(&a, &m, why);
		else if (!e)
			e = store_anchor_write(&a, &m, why);
		_exit(e ? 2 : 1);
	}
	int status = 0;
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "a child");
	return WEXITSTATUS(status) == 1;
}

/* Cut at each call: it is the old one or the new one, and can be written again. */
static void cuts(enum cut how, bool making)
{
	bool whole = false;
	for (int at = 1; !whole; at++) {
		struct store_mark m;
		fresh_dir();
		if (!making) {
			write_one(1);
			write_one(2);
		}
		whole = in_child(how, at, 3);
		enum err e = look(&m);
		if (whole)
			CHECK(!e && m.generation == 3, "what was told to be written is");
		else if (making)
			CHECK(e == ERR_NOTFOUND || (!e && m.generation == 3),
				"none, or a whole one");
		else
			CHECK(!e && (m.generation == 2 || m.generation == 3), "the old or the new");
		write_one(4);
		CHECK(is(4, 1), "and can be written again");
		rig_remove(dir);
		REQUIRE(at < 50, "an end");
	}
}

/* A write that failed may be in the file and yet not on the disk: the good slot must stay. */
static void failures(void)
{
	struct store_anchor a;
	struct store_mark m = mark_of(ID_A, 3, 1);
	fresh_dir();
	write_one(1);
	write_one(2);
	CHECK(!store_anchor_open(&a, dir, why), "open");
	uint64_t seq = a.seq;
	for (int i = 0; i < 5; i++) {
		cut_how = CUT_FAIL;
		cut_at = 2; /* the sync */
		cut_n = 0;
		CHECK(store_anchor_write(&a, &m, why) == ERR_IO && strstr(why, dir), "it fails");
		cut_how = CUT_NOTHING;
		CHECK(a.seq == seq && a.mark.generation == 2, "it goes on with what is durable");
		damage((int)((seq + 1) % 2), 3, 255);
		store_anchor_close(&a);
		CHECK(is(2, 1), "of which it keeps a slot");
		REQUIRE(!store_anchor_open(&a, dir, why), "open again");
	}
	CHECK(!store_anchor_write(&a, &m, why), "and then succeeds");
	store_anchor_close(&a);
	CHECK(is(3, 1), "for good");
	rig_remove(dir);
}

static void places(void)
{
	static const struct {
		const char *dir, *anchor, *want;
	} rows[] = {
		{"/var/lib/lanyard", NULL, "/var/lib/lanyard.anchor"},
		{"/var/lib/lanyard", "", "/var/lib/lanyard.anchor"},
		{"/var/lib/lanyard//", "", "/var/lib/lanyard.anchor"},
		{"state", "", "state.anchor"},
		{"/var/lib/lanyard", "/elsewhere/a", "/elsewhere/a"},
	};
	static char out[4096], longer[5000];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK(!store_sqlite_anchor_dir(rows[i].dir, rows[i].anchor, out, why) &&
				!strcmp(out, rows[i].want),
			rows[i].want);
	memset(longer, 'x', sizeof(longer) - 1);
	CHECK(store_sqlite_anchor_dir(longer, "", out, why) == ERR_IO, "too long");
	CHECK(store_sqlite_anchor_dir("/a", longer, out, why) == ERR_IO, "too long by itself");
	fresh_dir();
	strcat(dir, "/no/parent");
	struct store_anchor a;
	struct store_mark m = mark_of(ID_A, 1, 0);
	CHECK(store_anchor_open(&a, dir, why) == ERR_NOTFOUND &&
			store_anchor_make(&a, &m, why) != ERR_OK && strstr(why, dir),
		"no parent");
	store_anchor_close(&a);
}

int main(void)
{
	judges();
	life();
	damages();
	for (int making = 0; making < 2; making++) {
		cuts(CUT_BEFORE, making);
		cuts(CUT_AFTER, making);
		cuts(CUT_HALF, making);
		cuts(CUT_FAIL, making);
	}
	failures();
	places();
	return test_done();
}
