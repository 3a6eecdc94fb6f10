/* SPDX-License-Identifier: Apache-2.0 */
#include "base/local.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static enum err say(char *why, enum err e, const char *what, const char *about)
{
	snprintf(why, LOCAL_WHY, "%s %s%s%s", what, about, errno ? ": " : "",
		errno ? strerror(errno) : "");
	return e;
}

/* Whether somebody listens there: ERR_BUSY. A file that nobody listens on any more is removed. */
static enum err clear_stale(const struct local_opts *o, const struct sockaddr_un *sun, char *why)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st))
		return errno == ENOENT ? ERR_OK : say(why, ERR_IO, "cannot look at", sun->sun_path);
	errno = 0;
	if (!S_ISSOCK(st.st_mode))
		return say(why, ERR_EXISTS, "what is there is no socket:", sun->sun_path);
	fd = socket(AF_UNIX, o->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return say(why, ERR_IO, "cannot make", "a socket");
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (rc && errno != ECONNREFUSED)
		rc = 0; /* not plainly dead: leave it */
	close(fd);
	errno = 0;
	if (rc == 0)
		return say(why, ERR_BUSY, "another process listens on", sun->sun_path);
	if (unlink(sun->sun_path))
		return say(why, ERR_IO, "cannot remove the old", sun->sun_path);
	return ERR_OK;
}

static enum err set_group(const char *path, const char *group, char *why)
{
	struct group *g;
	struct stat st;

	if (!group || !*group)
		return ERR_OK;
	errno = 0;
	g = getgrnam(group);
	if (!g)
		return say(why, ERR_NOTFOUND, "there is no group", group);
	/* The unit's filter of system calls knows no chown: its group is right from the start. */
	if (stat(path, &st) == 0 && st.st_gid == g->gr_gid)
		return ERR_OK;
	if (chown(path, (uid_t)-1, g->gr_gid))
		return say(why, ERR_IO, "cannot give the socket to group", group);
	return ERR_OK;
}

/* Opened for nobody else until group and mode are right. */
static int bind_private(int fd, const struct sockaddr_un *sun)
{
	mode_t old = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	int keep = errno;

	umask(old);
	errno = keep;
	return rc;
}

static enum err bind_socket(int fd, const struct local_opts *o, struct local_file *file, char *why)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	enum err e;

	errno = 0;
	if (strlen(o->path) >= sizeof(sun.sun_path))
		return say(why, ERR_RANGE, "the path is too long:", o->path);
	memcpy(sun.sun_path, o->path, strlen(o->path) + 1);
	e = clear_stale(o, &sun, why);
	if (e)
		return e;
	if (bind_private(fd, &sun))
		return say(why, errno == EADDRINUSE ? ERR_BUSY : ERR_IO, "cannot bind", o->path);
	memcpy(file->path, sun.sun_path, sizeof(file->path));
	if (lstat(file->path, &st) == 0) {
		file->dev = st.st_dev;
		file->ino = st.st_ino;
	}
	e = set_group(file->path, o->group, why);
	if (e)
		return e;
	if (chmod(file->path, (mode_t)o->mode))
		return say(why, ERR_IO, "cannot set the mode of", o->path);
	return listen(fd, BACKLOG) ? say(why, ERR_IO, "cannot listen on", o->path) : ERR_OK;
}

/* An inherited one has to be what we would have made. */
static enum err check_inherited(const struct local_opts *o, char *why)
{
	int domain = 0, type = 0, listening = 0;
	socklen_t n = sizeof(int);

	errno = 0;
	if (getsockopt(o->fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) ||
		getsockopt(o->fd, SOL_SOCKET, SO_TYPE, &type, &n) ||
		getsockopt(o->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) ||
		fcntl(o->fd, F_SETFL, fcntl(o->fd, F_GETFL) | O_NONBLOCK)) {
		snprintf(why, LOCAL_WHY, "cannot use the inherited %s socket: %s", o->what,
			strerror(errno));
		return ERR_IO;
	}
	if (domain == AF_UNIX && type == o->type && listening)
		return ERR_OK;
	snprintf(why, LOCAL_WHY, "not a listening Unix socket%s: the inherited %s socket",
		o->type == SOCK_SEQPACKET ? " of sequential packets" : "", o->what);
	return ERR_UNSUPPORTED;
}

enum err local_listen(const struct local_opts *o, int *fd, struct local_file *file, char *why)
{
	enum err e;

	*file = (struct local_file){0};
	*fd = o->fd;
	if (o->fd >= 0)
		return check_inherited(o, why);
	*fd = socket(AF_UNIX, o->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return say(why, ERR_IO, "cannot make", "a socket");
	e = bind_socket(*fd, o, file, why);
	if (e)
		close(*fd);
	return e;
}

void local_remove(const struct local_file *file)
{
	struct stat st;

	if (file->path[0] && lstat(file->path, &st) == 0 && st.st_dev == file->dev &&
		st.st_ino == file->ino)
		unlink(file->path);
}
