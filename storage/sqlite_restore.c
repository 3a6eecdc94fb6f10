/* SPDX-License-Identifier: Apache-2.0 */
/* An older copy comes into the place of the database, while no daemon runs. */
#include "storage/sqlite_db.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct job {
	struct store_restore *r;
	char anchor[4096], old[4096],
		fresh[4096]; /* fresh: the copy that is to become the database */
	char *why;
};

/* As the directory's owner has it: an administrator may be another. */
static enum err own(const struct job *j, const char *path)
{
	struct stat st;
	if (geteuid() || stat(j->r->dir, &st) || !st.st_uid)
		return ERR_OK;
	if (chown(path, st.st_uid, st.st_gid) && errno != ENOENT)
		return store_file_error(j->why, "give to the daemon's user", path);
	return ERR_OK;
}

static void unlink_fresh(const struct job *j)
{
	static const char *const tails[] = {"", "-wal", "-journal", "-shm"};
	char path[4096 + 16];
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		snprintf(path, sizeof(path), "%s%s", j->fresh, tails[i]);
		unlink(path);
	}
}

static enum err copy_bytes(const struct job *j, int from, int to, const char *path)
{
	static const size_t size = 1 << 20;
	uint8_t *buf = malloc(size);
	enum err e = buf ? ERR_OK : ERR_NOMEM;
	ssize_t n = 0;
	while (!e && (n = read(from, buf, size)) > 0) {
		ssize_t done = write(to, buf, (size_t)n);
		if (done >= 0 && done != n)
			errno = ENOSPC;
		if (done != n)
			e = store_file_error(j->why, "write", j->fresh);
	}
	if (!e && n < 0)
		e = store_file_error(j->why, "read", path);
	if (buf)
		secret_wipe(buf, size);
	free(buf);
	return e;
}

/* One of the files; that there is none is no error where `tail` says so. */
static enum err copy_file(const struct job *j, const char *tail)
{
	char from[4096 + 16], to[4096 + 16];
	snprintf(from, sizeof(from), "%.4095s%s", j->r->file, tail);
	snprintf(to, sizeof(to), "%s%s", j->fresh, tail);
	int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return tail[0] && errno == ENOENT ? ERR_OK : store_file_error(j->why, "read", from);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum err e = out < 0 ? store_file_error(j->why, "make", to) : copy_bytes(j, in, out, from);
	close(in);
	if (out >= 0)
		close(out);
	return e;
}

/* With the log beside it, which a raw copy needs: SQLite then brings it in. The file stays as it
 * is, and may lie where nothing can be written. */
static enum err copy(const struct job *j)
{
	unlink_fresh(j);
	enum err e = copy_file(j, "");
	if (!e)
		e = copy_file(j, "-journal");
	return e ? e : copy_file(j, "-wal");
}

/* A PRAGMA's one value as text; NULL if there is none. It dies with *st. */
static const char *pragma(sqlite3 *db, const char *sql, sqlite3_stmt **st)
{
	*st = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, st, NULL) || sqlite3_step(*st) != SQLITE_ROW)
		return NULL;
	return (const char *)sqlite3_column_text(*st, 0);
}

static enum err check_pages(const struct job *j, sqlite3 *db)
{
	sqlite3_stmt *st;
	const char *says = pragma(db, "PRAGMA application_id", &st);
	enum err e = ERR_CORRUPT;
	if (!says)
		snprintf(j->why, SQDB_WHY_MAX, "cannot read %.120s: %.90s", j->r->file,
			sqlite3_errmsg(db));
	else if (strtol(says, NULL, 10) != SQDB_APPLICATION_ID)
		snprintf(j->why, SQDB_WHY_MAX, "%.160s is no database of lanyardd", j->r->file);
	else
		e = ERR_OK;
	sqlite3_finalize(st);
	if (e)
		return e;
	says = pragma(db, "PRAGMA integrity_check(1)", &st);
	if (!says || strcmp(says, "ok") != 0) {
		snprintf(j->why, SQDB_WHY_MAX, "%.120s is damaged: %.90s", j->r->file,
			says ? says : sqlite3_errmsg(db));
		e = ERR_CORRUPT;
	}
	sqlite3_finalize(st);
	return e;
}

/* Before anything is made of it: an empty file would become a new database. */
static enum err check(const struct job *j)
{
	sqlite3 *db = NULL;
	enum err e = ERR_CORRUPT;
	int rc = sqlite3_open_v2(j->fresh, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc)
		snprintf(j->why, SQDB_WHY_MAX, "cannot open %.120s: %.90s", j->r->file,
			sqlite3_errstr(rc));
	else
		e = check_pages(j, db);
	sqlite3_close(db);
	return e;
}

/* What the next start will be. */
static enum err judge(const struct job *j, const struct sqdb *d)
{
	struct store_mark mark = {0};
	enum err found = store_anchor_peek(j->anchor, &mark, j->why);
	if (found && found != ERR_NOTFOUND && found != ERR_CORRUPT)
		return found;
	j->r->rollbacks = d->mark.rollbacks;
	if (store_anchor_judge(&d->mark, true, found, &mark, &j->r->seal) != STORE_START_FOREIGN)
		return ERR_OK;
	store_sqdb_foreign(j->anchor, j->why);
	return ERR_CONFLICT;
}

/* The copy becomes one of this version, stamped. Whatever it was, from now on it is a copy. */
static enum err stamp(const struct job *j)
{
	struct sqdb *d = calloc(1, sizeof(*d));
	if (!d)
		return ERR_NOMEM;
	d->anchor.fd = d->anchor.dir_fd = -1;
	snprintf(d->path, sizeof(d->path), "%s", j->fresh);
	enum err e = store_sqdb_open(d);
	if (e)
		snprintf(j->why, SQDB_WHY_MAX, "cannot use %.120s: %.110s", j->r->file, d->why);
	if (!e)
		e = judge(j, d);
	if (!e) {
		d->suspect = true;
		e = store_sqdb_probe(d);
		if (e)
			snprintf(j->why, SQDB_WHY_MAX, "cannot write %.120s: %.110s", j->fresh,
				d->why);
	}
	if (d->db)
		store_sqdb_close(d);
	free(d);
	return e;
}

static enum err sync_file(const struct job *j, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return store_file_error(j->why, "open", path);
	enum err e = fsync(fd) ? store_file_error(j->why, "sync", path) : ERR_OK;
	close(fd);
	return e;
}

/* Brings what is in the old database's log into its file, so that the file is all there is to be
 * moved. A damaged one keeps its log, which is moved before it. */
static enum err settle_old(const struct job *j)
{
	char wal[4096 + 8], aside[4096 + 8];
	sqlite3 *db = NULL;
	if (!sqlite3_open_v2(j->old, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA wal_checkpoint(TRUNCATE)",
			NULL, NULL, NULL);
	sqlite3_close(db);
	snprintf(wal, sizeof(wal), "%s-wal", j->old);
	snprintf(aside, sizeof(aside), "%s-wal", j->r->aside);
	if (access(wal, F_OK))
		return ERR_OK;
	return rename(wal, aside) ? store_file_error(j->why, "move", wal) : ERR_OK;
}

static enum err move_old(const struct job *j)
{
	if (access(j->old, F_OK)) {
		j->r->aside[0] = '\0';
		return ERR_OK;
	}
	if (!access(j->r->aside, F_OK)) {
		snprintf(j->why, SQDB_WHY_MAX, "%.200s is there already", j->r->aside);
		return ERR_EXISTS;
	}
	enum err e = settle_old(j);
	if (e)
		return e;
	/* With a second name for it there is no moment without a database. */
	if (!link(j->old, j->r->aside) || !rename(j->old, j->r->aside))
		return ERR_OK;
	return store_file_error(j->why, "move", j->old);
}

static enum err put_in_place(const struct job *j)
{
	enum err e = own(j, j->fresh);
	if (!e)
		e = sync_file(j, j->fresh);
	if (!e)
		e = move_old(j);
	if (!e && rename(j->fresh, j->old))
		e = store_file_error(j->why, "move", j->fresh);
	return e ? e : store_file_sync_dir(j->r->dir, j->why);
}

static enum err names(struct job *j)
{
	char aside[160];
	snprintf(aside, sizeof(aside), "lanyard.db.before-restore-%.64s", j->r->when);
	enum err e = store_sqlite_anchor_dir(j->r->dir, j->r->anchor, j->anchor, j->why);
	if (!e)
		e = store_file_path(j->r->dir, "lanyard.db", j->old, j->why);
	if (!e)
		e = store_file_path(j->r->dir, "lanyard.db.restoring", j->fresh, j->why);
	return e ? e : store_file_path(j->r->dir, aside, j->r->aside, j->why);
}

enum err store_sqlite_restore(struct store_restore *r, char *why)
{
	struct job *j = calloc(1, sizeof(*j));
	char lock[4096];
	int lock_fd = -1;
	why[0] = '\0';
	if (!j)
		return ERR_NOMEM;
	j->r = r;
	j->why = why;
	enum err e = names(j);
	if (!e)
		e = store_sqdir_lock(r->dir, &lock_fd, why);
	if (!e)
		e = store_file_path(r->dir, "lock", lock, why);
	if (!e)
		e = own(j, lock);
	if (!e) {
		e = copy(j);
		if (!e)
			e = check(j);
		if (!e)
			e = stamp(j);
		if (!e)
			e = put_in_place(j);
		unlink_fresh(j);
	}
	if (lock_fd >= 0)
		close(lock_fd);
	free(j);
	return e;
}
