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

enum { WHY_BYTES = 256, HEADERS_MAX = 16 * 1024, IDLE_TIMEOUT_S = 30 };

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
	struct local_opts l = {.what = "admin",
		.type = SOCK_STREAM,
		.path = o->socket,
		.mode = o->mode,
		.group = o->group,
		.fd = o->fd};
	e = local_listen(&l, &fd, &a->socket, why);
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

void adm_free(struct adm *a)
{
	if (!a)
		return;
	local_remove(&a->socket);
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
