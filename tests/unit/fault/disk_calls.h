/* SPDX-License-Identifier: Apache-2.0 */
/* The system's calls that change files, caught for disk.h: these definitions come before those of
 * the C library, for SQLite too. Not included by more than one source of a program. */
#ifndef LANYARD_TESTS_UNIT_FAULT_DISK_CALLS_H
#define LANYARD_TESTS_UNIT_FAULT_DISK_CALLS_H

#include "tests/unit/fault/disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>

/* disk_real(NAME) is the C library's. */
#define disk_real(name) ((__typeof__(&(name)))disk_next(#name))

static void *disk_next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	if (!f)
		abort();
	return f;
}

static struct disk_node *disk_of(int fd)
{
	return disk.top && fd >= 0 && fd < DISK_FDS ? disk.fd[fd] : NULL;
}

/* A call that would change something. False: it fails, and errno says why. */
static bool disk_may(const char *what)
{
	disk.calls++;
	if (disk.trace)
		printf("%4u %s\n", (unsigned)disk.calls, what);
	if (disk.dead_at && disk.calls >= disk.dead_at)
		disk.dead = true;
	if (disk.dead) {
		errno = EIO;
		return false;
	}
	if (!disk.fail_at || disk.calls < disk.fail_at || disk.calls > disk.fail_last)
		return true;
	errno = disk.fail_errno;
	return false;
}

/* ---- names */

struct disk_place {
	struct disk_node *dir; /* NULL: not ours */
	char name[DISK_NAME];
};

static struct disk_place disk_place(int at, const char *path)
{
	struct disk_place p = {0};
	char dir[4096];
	struct stat st;
	const char *slash = strrchr(path, '/');
	if (!disk.top)
		return p;
	snprintf(p.name, sizeof(p.name), "%s", slash ? slash + 1 : path);
	if (!slash) {
		p.dir = disk_of(at);
		return p;
	}
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (!fstatat(at, slash == path ? "/" : dir, &st, 0))
		p.dir = disk_node_find(&st);
	return p;
}

static struct disk_node *disk_node_at(int at, const char *path)
{
	struct stat st;
	return fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) ? NULL : disk_node_find(&st);
}

static void disk_named(struct disk_place p, struct disk_node *node)
{
	struct disk_op *op = disk_op_add(p.dir);
	strcpy(op->set[0].name, p.name);
	op->set[0].node = node;
}

/* It has no name now; its number may come again. */
static void disk_unnamed(struct disk_node *n, nlink_t links)
{
	if (n && links <= 1)
		n->ino = 0;
}

static int disk_opened(int fd, struct disk_place p, bool made)
{
	struct stat st;
	if (fd < 0 || fd >= DISK_FDS || fstat(fd, &st))
		return fd;
	struct disk_node *n = disk_node_find(&st);
	if (!n && made && p.dir) {
		n = disk_node_new(&st);
		disk_named(p, n);
	}
	disk.fd[fd] = n;
	return fd;
}

typedef int disk_open_fn(int at, const char *path, int flags, mode_t mode);

static int disk_open(disk_open_fn *real, int at, const char *path, int flags, mode_t mode)
{
	struct stat st;
	int fd = -1;
	disk_lock();
	struct disk_place p = disk_place(at, path);
	bool made = p.dir && (flags & O_CREAT) && fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW);
	bool writes = p.dir && (flags & O_ACCMODE) != O_RDONLY;
	if ((!made && !writes) || disk_may(path))
		fd = real(at, path, flags, mode);
	if (disk.top)
		disk_opened(fd, p, made);
	disk_unlock();
	return fd;
}

static int disk_open_real(int at, const char *path, int flags, mode_t mode)
{
	return disk_real(openat)(at, path, flags, mode);
}

#define DISK_MODE(flags)                                                                           \
	mode_t mode = 0;                                                                           \
	if ((flags)&O_CREAT) {                                                                     \
		va_list ap;                                                                        \
		va_start(ap, flags);                                                               \
		mode = va_arg(ap, mode_t);                                                         \
		va_end(ap);                                                                        \
	}

int open(const char *path, int flags, ...)
{
	DISK_MODE(flags)
	return disk_open(disk_open_real, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	DISK_MODE(flags)
	return disk_open(disk_open_real, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	DISK_MODE(flags)
	return disk_open(disk_open_real, at, path, flags, mode);
}

int close(int fd)
{
	disk_lock();
	if (fd >= 0 && fd < DISK_FDS)
		disk.fd[fd] = NULL;
	disk_unlock();
	return disk_real(close)(fd);
}

int mkdir(const char *path, mode_t mode)
{
	struct stat st;
	int rc = -1;
	disk_lock();
	struct disk_place p = disk_place(AT_FDCWD, path);
	if (!p.dir || disk_may(path))
		rc = disk_real(mkdir)(path, mode);
	if (!rc && p.dir && !stat(path, &st))
		disk_named(p, disk_node_new(&st));
	disk_unlock();
	return rc;
}

int unlinkat(int at, const char *path, int flags)
{
	struct stat st = {0};
	int rc = -1;
	disk_lock();
	struct disk_place p = disk_place(at, path);
	struct disk_node *was = p.dir ? disk_node_at(at, path) : NULL;
	if (was && fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW))
		was = NULL;
	if (!was || disk_may(path))
		rc = disk_real(unlinkat)(at, path, flags);
	if (!rc && p.dir) {
		disk_named(p, NULL);
		disk_unnamed(was, st.st_nlink);
	}
	disk_unlock();
	return rc;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	struct stat st = {.st_nlink = 1};
	int rc = -1;
	disk_lock();
	struct disk_place p = disk_place(from_at, from), q = disk_place(to_at, to);
	struct disk_node *moved = p.dir ? disk_node_at(from_at, from) : NULL;
	struct disk_node *over = q.dir ? disk_node_at(to_at, to) : NULL;
	REQUIRE(p.dir == q.dir, "names move within a directory");
	if (over && fstatat(to_at, to, &st, AT_SYMLINK_NOFOLLOW))
		over = NULL;
	if (!p.dir || disk_may(to))
		rc = disk_real(renameat)(from_at, from, to_at, to);
	if (!rc && p.dir) {
		struct disk_op *op = disk_op_add(p.dir);
		strcpy(op->set[0].name, p.name);
		strcpy(op->set[1].name, q.name);
		op->set[1].node = moved;
		disk_unnamed(over, st.st_nlink);
	}
	disk_unlock();
	return rc;
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int link(const char *from, const char *to)
{
	int rc = -1;
	disk_lock();
	struct disk_place q = disk_place(AT_FDCWD, to);
	struct disk_node *node = q.dir ? disk_node_at(AT_FDCWD, from) : NULL;
	if (!q.dir || disk_may(to))
		rc = disk_real(link)(from, to);
	if (!rc && q.dir)
		disk_named(q, node);
	disk_unlock();
	return rc;
}

/* ---- contents */

/* A disk that is full takes what still fits. */
static size_t disk_fits(size_t n)
{
	return disk.fail_at && disk.calls == disk.fail_at && disk.fail_errno == ENOSPC ? n / 2 : 0;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	disk_lock();
	struct disk_node *f = disk_of(fd);
	bool good = !f || disk_may("pwrite");
	if (!good)
		n = disk.dead ? 0 : disk_fits(n);
	ssize_t done = good || n ? disk_real(pwrite)(fd, p, n, at) : -1;
	if (f && done > 0) {
		struct disk_op *op = disk_op_add(f);
		op->at = (size_t)at;
		op->n = (size_t)done;
		op->bytes = malloc(op->n);
		REQUIRE(op->bytes, "memory");
		memcpy(op->bytes, p, op->n);
	}
	disk_unlock();
	return done;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

/* Of our files only ones that are written from front to back come this way. */
ssize_t write(int fd, const void *p, size_t n)
{
	disk_lock();
	struct disk_node *f = disk_of(fd);
	disk_unlock();
	if (!f)
		return disk_real(write)(fd, p, n);
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t done = pwrite(fd, p, n, at);
	if (done > 0)
		lseek(fd, at + done, SEEK_SET);
	return done;
}

int ftruncate(int fd, off_t n)
{
	int rc = -1;
	disk_lock();
	struct disk_node *f = disk_of(fd);
	if (!f || disk_may("ftruncate"))
		rc = disk_real(ftruncate)(fd, n);
	if (f && !rc) {
		struct disk_op *op = disk_op_add(f);
		op->cut = true;
		op->n = (size_t)n;
	}
	disk_unlock();
	return rc;
}

int ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

static int disk_sync(int fd, int (*real)(int))
{
	int rc = -1;
	disk_lock();
	struct disk_node *n = disk_of(fd);
	if (!n) {
		rc = real(fd);
	} else if (disk_may("sync")) {
		rc = 0;
		disk.syncs++;
		disk_synced(n);
	} else if (!disk.dead && !n->dir) {
		disk_stick(n);
	}
	disk_unlock();
	return rc;
}

int fsync(int fd)
{
	return disk_sync(fd, disk_real(fsync));
}

int fdatasync(int fd)
{
	return disk_sync(fd, disk_real(fdatasync));
}

#endif
