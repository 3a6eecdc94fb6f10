/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the database while it is in use, by SQLite's own means: what a commit changes in pages
 * that are copied already, SQLite changes in the copy too, because both go through one connection.
 * The copy is one file without a log beside it. */
#include "storage/sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A slice: what a commit may have to wait for. */
enum { SLICE_PAGES = 64 };

static enum err fail(struct sqdb *d, const char *doing)
{
	return store_file_error(d->why, doing, d->copying.path);
}

/* Of the copy's connection. */
static enum err copy_error(struct sqdb *d, int rc)
{
	int no = sqlite3_system_errno(d->copying.to);
	snprintf(d->why, sizeof(d->why), "cannot write %.120s: %.100s", d->copying.path,
		sqlite3_errmsg(d->copying.to));
	return (rc & 0xff) == SQLITE_FULL || no == ENOSPC ? ERR_FULL : ERR_IO;
}

/* The daemon must be able to go on afterwards: as much room again stays free. */
static enum err check_room(struct sqdb *d, const char *dir)
{
	struct stat st, log;
	struct statvfs fs;
	char wal[4096 + 8];
	snprintf(wal, sizeof(wal), "%s-wal", d->path);
	if (stat(d->path, &st) || statvfs(dir, &fs))
		return store_file_error(d->why, "look at", dir);
	uint64_t need = (uint64_t)st.st_size;
	if (!stat(wal, &log))
		need += (uint64_t)log.st_size;
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= 2 * need)
		return ERR_OK;
	snprintf(d->why, sizeof(d->why),
		"a copy of %llu MiB and as much free room again do not fit into %.100s",
		(unsigned long long)(need >> 20) + 1, dir);
	return ERR_FULL;
}

static enum err make_place(struct sqdb *d)
{
	char dir[4096];
	char *slash;
	snprintf(dir, sizeof(dir), "%s", d->copying.path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir) {
		snprintf(d->why, sizeof(d->why), "a backup needs the path of a file");
		return ERR_RANGE;
	}
	*slash = '\0';
	enum err e = store_file_make_dir(dir, d->why);
	if (!e)
		e = check_room(d, dir);
	if (e)
		return e;
	d->copying.fd =
		open(d->copying.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->copying.fd >= 0)
		return ERR_OK;
	e = errno == EEXIST ? ERR_EXISTS : ERR_OK;
	enum err why = fail(d, "make");
	return e ? e : why;
}

/* It is synced as a whole at its end, and is nothing before. */
static enum err open_copy(struct sqdb *d)
{
	struct sqdb_copying *c = &d->copying;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(c->path, &c->to, flags, NULL);
	if (!rc)
		rc = sqlite3_exec(c->to,
			"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
			"PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;"
			"PRAGMA cache_size = -1024;",
			NULL, NULL, NULL);
	if (!rc) {
		c->backup = sqlite3_backup_init(c->to, "main", d->db, "main");
		rc = c->backup ? SQLITE_OK : sqlite3_errcode(c->to);
	}
	return rc ? copy_error(d, rc) : ERR_OK;
}

enum err store_sqdb_backup_begin(struct sqdb *d, const char *path)
{
	d->copying = (struct sqdb_copying){.fd = -1};
	if (!d->db) {
		snprintf(d->why, sizeof(d->why), "the database is not open");
		return ERR_STATE;
	}
	snprintf(d->copying.path, sizeof(d->copying.path), "%s", path);
	enum err e = make_place(d);
	if (e) { /* what is there is not ours */
		d->copying.path[0] = '\0';
		return e;
	}
	e = open_copy(d);
	if (e)
		store_sqdb_backup_stop(d);
	return e;
}

static void close_copy(struct sqdb_copying *c)
{
	if (c->backup)
		sqlite3_backup_finish(c->backup);
	c->backup = NULL;
	sqlite3_close(c->to);
	c->to = NULL;
}

void store_sqdb_backup_stop(struct sqdb *d)
{
	struct sqdb_copying *c = &d->copying;
	if (!c->path[0])
		return;
	close_copy(c);
	if (c->fd >= 0)
		close(c->fd);
	unlink(c->path);
	*c = (struct sqdb_copying){.fd = -1};
}

/* No log is to lie beside it, and nobody is to take it for the newest. */
static const char stamp[] =
	"PRAGMA journal_mode = DELETE; UPDATE meta SET suspect = 255 WHERE id = 1";

static enum err sync_copy(struct sqdb *d, uint64_t *bytes)
{
	struct stat st;
	char *slash;
	if (fsync(d->copying.fd) || fstat(d->copying.fd, &st))
		return fail(d, "sync");
	*bytes = (uint64_t)st.st_size;
	char dir[4096];
	snprintf(dir, sizeof(dir), "%s", d->copying.path);
	slash = strrchr(dir, '/');
	*slash = '\0';
	return store_file_sync_dir(dir, d->why);
}

static enum err finish(struct sqdb *d, uint64_t *bytes)
{
	struct sqdb_copying *c = &d->copying;
	int rc = sqlite3_backup_finish(c->backup);
	c->backup = NULL;
	if (!rc)
		rc = sqlite3_exec(c->to, stamp, NULL, NULL, NULL);
	if (!rc && sqlite3_changes(c->to) != 1)
		rc = SQLITE_ERROR;
	if (rc)
		return copy_error(d, rc);
	close_copy(c);
	enum err e = sync_copy(d, bytes);
	if (e)
		return e;
	close(c->fd);
	*c = (struct sqdb_copying){.fd = -1};
	return ERR_OK;
}

/* The pages go to the disk while the next ones are copied, so that there is little to wait for at
 * the end. */
static void write_behind(const struct sqdb_copying *c)
{
	if (sync_file_range(c->fd, 0, 0, SYNC_FILE_RANGE_WRITE))
		errno = 0; /* the sync at the end tells */
}

enum err store_sqdb_backup_slice(struct sqdb *d, bool *over, uint64_t *bytes)
{
	*over = false;
	if (!d->copying.backup) { /* the connection was opened anew meanwhile */
		snprintf(d->why, sizeof(d->why), "the database failed meanwhile");
		return ERR_IO;
	}
	int rc = sqlite3_backup_step(d->copying.backup, SLICE_PAGES);
	enum err e = ERR_OK;
	if (rc == SQLITE_DONE)
		e = finish(d, bytes);
	else if (rc != SQLITE_OK)
		e = copy_error(d, rc);
	else
		write_behind(&d->copying);
	if (e)
		store_sqdb_backup_stop(d);
	*over = !e && rc == SQLITE_DONE;
	return e;
}
