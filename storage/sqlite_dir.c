/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: made, locked, and looked at without SQLite. */
#include "storage/file.h"
#include "storage/sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err busy(const char *dir, int fd, char *why)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
	pid[n > 0 ? n : 0] = 0;
	long holder = strtol(pid, NULL, 10);
	if (holder > 0)
		snprintf(why, SQDB_WHY_MAX, "%s is in use by process %ld", dir, holder);
	else
		snprintf(why, SQDB_WHY_MAX, "%s is in use by another process", dir);
	return ERR_BUSY;
}

static enum err lock_dir(const char *dir, int *lock_fd, char *why)
{
	char path[4096];
	enum err e = store_file_path(dir, "lock", path, why);
	if (e)
		return e;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return store_file_error(why, "open", path);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		e = errno == EWOULDBLOCK ? busy(dir, fd, why) : store_file_error(why, "lock", path);
		close(fd);
		return e;
	}
	/* Only told to people, so a full disk is no reason to stop here. */
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)n, 0) < 0)
		errno = 0;
	*lock_fd = fd;
	return ERR_OK;
}

static uint32_t header_u32(struct span header, size_t at)
{
	struct reader r = rd_make(span_sub(header, at, 4));
	return rd_u32(&r);
}

static bool all_zero(struct span s)
{
	uint8_t any = 0;
	struct reader r = rd_make(s);
	while (rd_left(&r))
		any |= rd_u8(&r);
	return !any;
}

enum err store_sqdir_version(const char *path, char *why)
{
	enum { VERSION_AT = 60, APPLICATION_AT = 68, HEADER_N = 100 };
	uint8_t header[HEADER_N];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return store_file_error(why, "open", path);
	ssize_t n = pread(fd, header, sizeof(header), 0);
	enum err e = n < 0 ? store_file_error(why, "read", path) : ERR_OK;
	close(fd);
	if (e || !n || all_zero(span_make(header, (size_t)n)))
		return e; /* power was cut before its first sector was written; SQLite finds out */
	if (n < HEADER_N || memcmp(header, "SQLite format 3", 16) != 0) {
		snprintf(why, SQDB_WHY_MAX, "%s is not a database", path);
		return ERR_CORRUPT;
	}
	uint32_t application = header_u32(SPAN_OF(header), APPLICATION_AT);
	uint32_t version = header_u32(SPAN_OF(header), VERSION_AT);
	if (application != SQDB_APPLICATION_ID && (application || version)) {
		snprintf(why, SQDB_WHY_MAX, "%s belongs to another program", path);
		return ERR_CORRUPT;
	}
	if (version > SQDB_VERSION) {
		snprintf(why, SQDB_WHY_MAX,
			"%s is of a newer version (schema %u, this program knows %d); "
			"it is left as it was",
			path, version, SQDB_VERSION);
		return ERR_NEWER;
	}
	return ERR_OK;
}

static enum err make_file(const char *path, char *why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return store_file_error(why, "open", path);
	close(fd);
	return ERR_OK;
}

static enum err set_mode(const char *path, mode_t mode, char *why)
{
	struct stat st;
	if (stat(path, &st))
		return errno == ENOENT ? ERR_OK : store_file_error(why, "look at", path);
	return (st.st_mode & 077) && chmod(path, mode)
		       ? store_file_error(why, "set the mode of", path)
		       : ERR_OK;
}

/* They hold keys: what was copied here with other permissions gets ours, and SQLite gives those of
 * the database to what it makes beside it. */
enum err store_sqdir_tighten(const char *dir, char *why)
{
	static const char *const names[] = {
		"lanyard.db", "lanyard.db-wal", "lanyard.db-journal", "lock"};
	char path[4096];
	enum err e = set_mode(dir, 0700, why);
	for (size_t i = 0; !e && i < sizeof(names) / sizeof(*names); i++) {
		e = store_file_path(dir, names[i], path, why);
		if (!e)
			e = set_mode(path, 0600, why);
	}
	return e;
}

enum err store_sqdir_lock(const char *dir, int *lock_fd, char *why)
{
	*lock_fd = -1;
	enum err e = store_file_make_dir(dir, why);
	return e ? e : lock_dir(dir, lock_fd, why);
}

enum err store_sqdir_open(const char *dir, int *lock_fd, char *why)
{
	char path[4096];
	*lock_fd = -1;
	enum err e = store_file_path(dir, "lanyard.db", path, why);
	if (!e)
		e = store_sqdir_lock(dir, lock_fd, why);
	if (!e)
		e = make_file(path, why);
	if (!e)
		e = store_sqdir_version(path, why);
	if (e && *lock_fd >= 0) {
		close(*lock_fd);
		*lock_fd = -1;
	}
	return e == ERR_NOTFOUND ? ERR_IO : e;
}

static enum err check_lock(const char *dir, char *why)
{
	char path[4096];
	enum err e = store_file_path(dir, "lock", path, why);
	if (e)
		return e;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_OK : store_file_error(why, "open", path);
	if (flock(fd, LOCK_SH | LOCK_NB))
		e = errno == EWOULDBLOCK ? busy(dir, fd, why) : store_file_error(why, "lock", path);
	close(fd);
	return e;
}

enum err store_sqdir_check(const char *dir, char *why)
{
	char path[4096];
	enum err e = store_file_path(dir, "lanyard.db", path, why);
	if (e)
		return e;
	e = check_lock(dir, why);
	if (!e)
		e = store_sqdir_version(path, why);
	if (!e && (access(path, W_OK) || access(dir, W_OK | X_OK)))
		e = store_file_error(why, "write to", path);
	return e;
}
