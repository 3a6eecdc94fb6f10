/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/events.h"
#include "admin/idempotency.h"
#include "admin/operation.h"
#include "admin/routes.h"

#include "base/secret.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WHY_BYTES = 256, BACKLOG = 128, HEADERS_MAX = 16 * 1024, IDLE_TIMEOUT_S = 30 };

/* Bodies with secrets pass through libevent's buffers, which it frees as they are. These wipe what
 * they free. They stand on malloc, so memory that libevent took before is theirs to free as well.
 */
static void wiping_free(void *p)
{
	if (p)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *wiping_realloc(void *p, size_t n)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *to = malloc(n);

	if (to && p)
		memcpy(to, p, old < n ? old : n);
	if (to)
		wiping_free(p);
	return to;
}

static enum err say(char *why, enum err e, const char *what, const char *about)
{
	snprintf(why, WHY_BYTES, "%s %s%s%s", what, about, errno ? ": " : "",
		errno ? strerror(errno) : "");
	return e;
}

static void on_request(struct evhttp_request *http, void *arg)
{
	struct adm *a = arg;
	bool full = a->request_n >= ADM_PENDING_MAX;
	struct adm_req *r = req_new(a, http);
	const struct evhttp_uri *uri;
	struct span path, query;

	if (!r)
		return;
	uri = evhttp_request_get_evhttp_uri(http);
	path = span_str(uri ? evhttp_uri_get_path(uri) : NULL);
	query = span_str(uri ? evhttp_uri_get_query(uri) : NULL);
	if (full)
		req_problem(r, 503, "busy", "too many requests wait for their answers");
	else if (!url_parse(path, query, &r->arena, &r->url, &r->fail))
		req_fail(r);
	else
		routes_dispatch(r);
}

/* Whether somebody listens there: ERR_BUSY. A file that nobody listens on any more is removed. */
static enum err clear_stale(const struct sockaddr_un *sun, char *why)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st))
		return errno == ENOENT ? ERR_OK : say(why, ERR_IO, "cannot look at", sun->sun_path);
	errno = 0;
	if (!S_ISSOCK(st.st_mode))
		return say(why, ERR_EXISTS, "what is there is no socket:", sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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

static enum err bind_socket(struct adm *a, int fd, const struct adm_opts *o, char *why)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	enum err e;

	errno = 0;
	if (strlen(o->socket) >= sizeof(sun.sun_path))
		return say(why, ERR_RANGE, "the path is too long:", o->socket);
	memcpy(sun.sun_path, o->socket, strlen(o->socket) + 1);
	e = clear_stale(&sun, why);
	if (e)
		return e;
	if (bind_private(fd, &sun))
		return say(why, errno == EADDRINUSE ? ERR_BUSY : ERR_IO, "cannot bind", o->socket);
	memcpy(a->socket, sun.sun_path, sizeof(a->socket));
	if (lstat(a->socket, &st) == 0) {
		a->socket_dev = st.st_dev;
		a->socket_ino = st.st_ino;
	}
	e = set_group(a->socket, o->group, why);
	if (e)
		return e;
	if (chmod(a->socket, (mode_t)o->mode))
		return say(why, ERR_IO, "cannot set the mode of", o->socket);
	return listen(fd, BACKLOG) ? say(why, ERR_IO, "cannot listen on", o->socket) : ERR_OK;
}

/* An inherited one has to be what we would have made. */
static enum err check_inherited(int fd, char *why)
{
	int domain = 0, listening = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n))
		return say(why, ERR_IO, "cannot use", "the inherited admin socket");
	errno = 0;
	if (domain != AF_UNIX || !listening)
		return say(why, ERR_UNSUPPORTED,
			"not a listening Unix socket:", "the inherited admin socket");
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return say(why, ERR_IO, "cannot use", "the inherited admin socket");
	return ERR_OK;
}

static enum err open_socket(struct adm *a, const struct adm_opts *o, int *fd, char *why)
{
	enum err e;

	*fd = o->fd;
	if (o->fd >= 0)
		return check_inherited(o->fd, why);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return say(why, ERR_IO, "cannot make", "a socket");
	e = bind_socket(a, *fd, o, why);
	if (e)
		close(*fd);
	return e;
}

static enum err start_http(struct adm *a, int fd)
{
	a->http = evhttp_new(a->base);
	if (!a->http)
		return ERR_NOMEM;
	/* All of them, so that they get our 405 instead of libevent's page; the highest bit is what
	 * libevent takes a method for that it does not know. */
	evhttp_set_allowed_methods(a->http, UINT16_MAX);
	evhttp_set_max_headers_size(a->http, HEADERS_MAX);
	evhttp_set_max_body_size(a->http, ADM_BODY_MAX);
	/* Of reading a request and of writing when there is something to write; waiting for a
	 * device is not timed here. */
	evhttp_set_timeout(a->http, IDLE_TIMEOUT_S);
	evhttp_set_gencb(a->http, on_request, a);
	return evhttp_accept_socket_with_handle(a->http, fd) ? ERR_OK : ERR_NOMEM;
}

enum err adm_new(struct event_base *base, const struct adm_ops *ops, const struct adm_opts *o,
	struct adm **out, char *why)
{
	struct adm *a = calloc(1, sizeof(*a));
	int fd;
	enum err e;

	*out = NULL;
	*why = '\0';
	if (!a)
		return ERR_NOMEM;
	event_set_mem_functions(malloc, wiping_realloc, wiping_free);
	signal(SIGPIPE, SIG_IGN);
	a->base = base;
	a->ops = *ops;
	a->wait_default_s = o->wait_default_s;
	a->wait_max_s = o->wait_max_s;
	a->operation_keep_s = o->operation_keep_s;
	a->idempotency_keep_s = o->idempotency_keep_s;
	a->rng = o->rng;
	rng_fill(&a->rng, a->tag_key, sizeof(a->tag_key));
	rng_fill(&a->rng, a->idem_key, sizeof(a->idem_key));
	a->idem.last = &a->idem.first;
	a->operations.last = &a->operations.first;
	a->client_max = o->event_clients_max;
	e = open_socket(a, o, &fd, why);
	if (e)
		goto out;
	e = events_init(a);
	if (!e)
		e = start_http(a, fd);
	if (e) {
		errno = e == ERR_NOMEM ? ENOMEM : 0;
		say(why, e, "cannot serve", o->fd >= 0 ? "the inherited socket" : o->socket);
		close(fd);
	}
out:
	if (e) {
		adm_free(a);
		return e;
	}
	*out = a;
	return ERR_OK;
}

static void remove_socket(const struct adm *a)
{
	struct stat st;

	if (a->socket[0] && lstat(a->socket, &st) == 0 && st.st_dev == a->socket_dev &&
		st.st_ino == a->socket_ino)
		unlink(a->socket);
}

void adm_free(struct adm *a)
{
	if (!a)
		return;
	remove_socket(a);
	events_fini(a);
	operations_fini(a);
	while (a->requests)
		req_abandon(a->requests);
	idem_fini(a);
	if (a->http)
		evhttp_free(a->http);
	secret_wipe(a->tag_key, sizeof(a->tag_key));
	secret_wipe(a->idem_key, sizeof(a->idem_key));
	free(a);
}
