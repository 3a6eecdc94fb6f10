/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/file.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err errno_err(int no)
{
	switch (no) {
	case EROFS:
	case EACCES:
	case EPERM:
		return ERR_READONLY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FULL;
	case ENOENT:
		return ERR_NOTFOUND;
	case ENOMEM:
		return ERR_NOMEM;
	case EINVAL:
		return ERR_UNSUPPORTED;
	default:
		return ERR_IO;
	}
}

enum err store_file_error(char *why, const char *doing, const char *path)
{
	int no = errno;
	snprintf(why, STORE_WHY_MAX, "cannot %s %s: %s", doing, path, strerror(no));
	return errno_err(no);
}

enum err store_file_path(const char *dir, const char *file, char out[static 4096], char *why)
{
	int n = snprintf(out, 4096, "%s/%s", dir, file);
	if (n >= 0 && n < 4096)
		return ERR_OK;
	snprintf(why, STORE_WHY_MAX, "the path of a directory is too long");
	return ERR_IO;
}

enum err store_file_sync_dir(const char *dir, char *why)
{
	enum err e = ERR_OK;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return store_file_error(why, "open directory", dir);
	if (fsync(fd))
		e = store_file_error(why, "sync directory", dir);
	close(fd);
	return e;
}

enum err store_file_sync_parent(const char *dir, char *why)
{
	char parent[4096];
	enum err e = store_file_path(dir, "..", parent, why);
	return e ? e : store_file_sync_dir(parent, why);
}

/* One that is there may have been made by somebody who was killed before its name was safe; but
 * what is above it need not be ours to open. */
enum err store_file_make_dir(const char *dir, char *why)
{
	if (!mkdir(dir, 0700))
		return store_file_sync_parent(dir, why);
	if (errno != EEXIST)
		return store_file_error(why, "make directory", dir);
	enum err e = store_file_sync_parent(dir, why);
	return e == ERR_READONLY || e == ERR_UNSUPPORTED ? ERR_OK : e;
}

static enum err write_again(int fd, const char *path, char *why)
{
	static const size_t size = 1 << 18;
	uint8_t *buf = malloc(size);
	enum err e = buf ? ERR_OK : ERR_NOMEM;
	ssize_t n;
	for (off_t at = 0; !e && (n = pread(fd, buf, size, at)); at += n) {
		ssize_t done = n < 0 ? n : pwrite(fd, buf, (size_t)n, at);
		if (done >= 0 && done != n)
			errno = ENOSPC;
		if (done != n)
			e = store_file_error(why, n < 0 ? "read" : "write", path);
		if (e)
			break;
	}
	if (!e && fdatasync(fd))
		e = store_file_error(why, "sync", path);
	if (buf)
		secret_wipe(buf, size);
	free(buf);
	return e;
}

enum err store_file_write_again(const char *path, char *why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_OK : store_file_error(why, "open", path);
	enum err e = write_again(fd, path, why);
	close(fd);
	return e;
}
