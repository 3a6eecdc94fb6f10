/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(int fd, uint8_t *p, size_t max, size_t *n)
{
	*n = 0;
	for (;;) {
		ssize_t got = read(fd, p + *n, max + 1 - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_IO;
		if (got == 0)
			return ERR_OK;
		*n += (size_t)got;
		if (*n > max)
			return ERR_LIMIT;
	}
}

enum err device_file_read(const char *path, size_t max, struct span *out)
{
	size_t n = 0;
	uint8_t *p = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	p = malloc(max + 1);
	enum err e = p ? read_all(fd, p, max, &n) : ERR_NOMEM;
	close(fd);
	if (e) {
		free(p);
		return e;
	}
	*out = span_make(p, n);
	return ERR_OK;
}

static bool write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			s = span_sub(s, (size_t)n, s.n);
	}
	return true;
}

static bool sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	free(copy);
	return good;
}

enum err device_file_replace(const char *path, struct span content)
{
	char *tmp = NULL;
	if (asprintf(&tmp, "%s.new", path) < 0)
		return ERR_NOMEM;
	enum err e = ERR_IO;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		goto out;
	/* A file left behind by another umask or owner does not get the secrets. */
	bool good = fchmod(fd, 0600) == 0 && write_all(fd, content) && fsync(fd) == 0;
	if (close(fd) == 0 && good && rename(tmp, path) == 0 && sync_directory(path))
		e = ERR_OK;
out:
	free(tmp);
	return e;
}

enum err device_file_lock(const char *path)
{
	char *name = NULL;
	if (asprintf(&name, "%s.lock", path) < 0)
		return ERR_NOMEM;
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(name);
	if (fd < 0)
		return ERR_IO;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK; /* the descriptor stays open, and with it the lock */
	enum err e = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
	close(fd);
	return e;
}
