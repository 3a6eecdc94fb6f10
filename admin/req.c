/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/req.h"

#include "admin/etag.h"
#include "admin/idempotency.h"
#include "admin/render.h"
#include "base/log.h"
#include "base/text.h"
#include "lwm2m/regparam.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARENA_LIMIT = 8 * ADM_BODY_MAX };

static const struct {
	enum evhttp_cmd_type type;
	const char *text;
} methods[] = {
	{EVHTTP_REQ_GET, "GET"},
	{EVHTTP_REQ_PUT, "PUT"},
	{EVHTTP_REQ_POST, "POST"},
	{EVHTTP_REQ_DELETE, "DELETE"},
	{EVHTTP_REQ_PATCH, "PATCH"},
	{EVHTTP_REQ_HEAD, "HEAD"},
	{EVHTTP_REQ_OPTIONS, "OPTIONS"},
};

static const char *method_text(enum evhttp_cmd_type type)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].type == type)
			return methods[i].text;
	return "?";
}

static void closed(struct evhttp_connection *c, void *arg)
{
	struct adm_req *r = arg;

	(void)c;
	/* evhttp frees the request with the connection, unless it took it off already. */
	if (!evhttp_request_get_connection(r->http))
		evhttp_request_free(r->http);
	r->http = NULL;
}

static void read_peer(struct adm_req *r)
{
	struct evhttp_connection *c = evhttp_request_get_connection(r->http);
	struct bufferevent *bev = c ? evhttp_connection_get_bufferevent(c) : NULL;
	socklen_t n = sizeof(r->peer);

	r->peer = (struct ucred){.pid = -1, .uid = (uid_t)-1, .gid = (gid_t)-1};
	if (bev)
		(void)getsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_PEERCRED, &r->peer, &n);
	if (c)
		evhttp_connection_set_closecb(c, closed, r);
}

static enum err read_body(struct adm_req *r)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->http);
	size_t n = evbuffer_get_length(in);
	uint8_t *p = arena_alloc(&r->arena, n + 1);

	if (!p)
		return ERR_NOMEM;
	if (n && evbuffer_remove(in, p, n) != (ssize_t)n)
		return ERR_NOMEM;
	r->body = span_make(p, n);
	return ERR_OK;
}

struct adm_req *req_new(struct adm *a, struct evhttp_request *http)
{
	struct adm_req *r = calloc(1, sizeof(*r));
	const char *uri = evhttp_request_get_uri(http);
	enum err e = ERR_OK;

	if (!r) {
		evhttp_send_error(http, 500, "Internal Server Error");
		return NULL;
	}
	r->adm = a;
	r->http = http;
	arena_init(&r->arena, ARENA_LIMIT);
	r->method = method_text(evhttp_request_get_command(http));
	r->next = a->requests;
	r->pprev = &a->requests;
	if (r->next)
		r->next->pprev = &r->next;
	a->requests = r;
	a->request_n++;
	read_peer(r);
	r->uri = arena_dup(&r->arena, span_str(uri), &e);
	r->target = span_sub(r->uri, 0, strcspn(uri, "?"));
	if (!e)
		e = read_body(r);
	if (!e)
		return r;
	req_problem(r, 500, "internal", "out of memory");
	return NULL;
}

static void unlink_req(struct adm_req *r)
{
	if (!r->pprev)
		return;
	*r->pprev = r->next;
	if (r->next)
		r->next->pprev = r->pprev;
	r->pprev = NULL;
	r->adm->request_n--;
}

static void req_free(struct adm_req *r)
{
	unlink_req(r);
	arena_fini(&r->arena);
	free(r);
}

static void log_request(const struct adm_req *r, int status)
{
	/* Reading leaves no trace but for those who look for one: scrapers come every few seconds.
	 */
	enum log_level level = !strcmp(r->method, "GET") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	struct log_field path = log_text("path", span_sub(r->target, 0, 140));

	if (!log_enabled(level))
		return;
	path.kind = LOG_WORD;
	log_fields(level, "admin request answered", log_number("peer_pid", (long)r->peer.pid),
		log_number("peer_uid", (int)r->peer.uid), log_number("peer_gid", (int)r->peer.gid),
		log_word("method", r->method), path, log_number("status", status),
		r->http ? (struct log_field){0} : log_word("client", "gone"));
}

struct evhttp_request *req_release(struct adm_req *r, int status)
{
	struct evhttp_request *http = r->http;
	struct evhttp_connection *c = http ? evhttp_request_get_connection(http) : NULL;

	log_request(r, status);
	if (c)
		evhttp_connection_set_closecb(c, NULL, NULL);
	req_free(r);
	return http;
}

static void send_body(
	struct evhttp_request *http, int status, const char *content_type, struct jo *o)
{
	struct evbuffer *body = evbuffer_new();
	struct evkeyvalq *h = evhttp_request_get_output_headers(http);

	if (!body || o->err || evbuffer_add(body, o->p, o->n) ||
		evhttp_add_header(h, "Cache-Control", "no-store")) {
		evhttp_send_error(http, 500, "Internal Server Error");
	} else {
		/* Without one, libevent would call it HTML. */
		if (status != 204 && status != 304)
			evhttp_add_header(h, "Content-Type", content_type);
		evhttp_send_reply(http, status, adm_status_text(status), body);
	}
	if (body)
		evbuffer_free(body);
}

void req_answer(struct adm_req *r, int status, const char *content_type, struct jo *o)
{
	struct evhttp_request *http;

	if (!o->err)
		idem_answered(r, status, content_type, span_make(o->p, o->n));
	if (*r->location)
		req_header(r, "Location", "", r->location);
	http = req_release(r, status);
	if (http)
		send_body(http, status, content_type, o);
	jo_free(o);
}

void req_json(struct adm_req *r, int status, struct jo *o)
{
	jo_raw(o, SPAN_LIT("\n"));
	if (status == 200 && r->tagged && !o->err && etag_fresh(r, span_make(o->p, o->n))) {
		jo_free(o);
		status = 304;
	}
	req_answer(r, status, "application/json", o);
}

void req_text(struct adm_req *r, const char *content_type, struct jo *o)
{
	req_answer(r, 200, content_type, o);
}

static void problem_out(struct jo *o, int status, const char *type, const char *detail,
	const char *field, const struct adm_result *res)
{
	adm_problem_begin(o, status, type, detail, field);
	if (res && res->has_response) {
		jo_object(o, "device");
		jo_code(o, "code", res->code);
		if (res->payload.n)
			jo_text(o, "text", span_sub(res->payload, 0, 256));
		jo_end_object(o);
	}
	jo_end_object(o);
}

static void problem(
	struct adm_req *r, int status, const char *type, const char *detail, const char *field)
{
	struct jo o = {0};

	problem_out(&o, status, type, detail, field, NULL);
	req_reply(r, status, &o);
	jo_free(&o);
}

void req_problem(struct adm_req *r, int status, const char *type, const char *detail)
{
	problem(r, status, type, detail, NULL);
}

void req_fail(struct adm_req *r)
{
	struct adm_fail f = r->fail;

	problem(r, f.status, f.type, f.detail, f.field);
}

void req_err(struct adm_req *r, enum err e)
{
	if (e == ERR_NOTFOUND)
		req_problem(r, 404, "unknown-endpoint", "no endpoint has this name");
	else if (e == ERR_SEALED)
		req_problem(r, 503, "sealed", "nothing happens before unseal; see status");
	else if (e == ERR_IO || e == ERR_FULL)
		req_problem(r, 503, "storage-unavailable", err_text(e));
	else
		req_problem(r, 500, "internal", err_text(e));
}

void req_not_allowed(struct adm_req *r, const char *allow)
{
	char detail[96];

	if (r->http)
		evhttp_add_header(evhttp_request_get_output_headers(r->http), "Allow", allow);
	snprintf(detail, sizeof(detail), "it takes %s", allow);
	req_problem(r, 405, "method-not-allowed", detail);
}

static void good_out(struct jo *o, struct span endpoint, const struct lwm_path *path,
	adm_answer_fn *members, const struct adm_result *res)
{
	if (res->status == 204)
		return;
	jo_object(o, NULL);
	if (endpoint.n)
		jo_text(o, "endpoint", endpoint);
	if (members)
		members(path, res, o);
	jo_end_object(o);
}

static uint8_t version_of(void *arg, struct span prefix, uint16_t oid)
{
	const struct adm_req *r = arg;

	return r->adm->ops.object_version(r->adm->ops.arg, r->endpoint, prefix, oid);
}

struct lwm_versions req_versions(struct adm_req *r)
{
	return (struct lwm_versions){version_of, r, lwm_prefix_span(&r->prefix)};
}

int outcome_out(struct jo *o, struct span endpoint, const struct lwm_path *path,
	adm_answer_fn *members, const struct adm_result *res)
{
	int status = res->status;

	if (status >= 200 && status < 300) {
		good_out(o, endpoint, path, members, res);
		return status;
	}
	if (status < 400 || status >= 600)
		status = 500;
	problem_out(o, status, res->type ? res->type : "internal", res->detail, res->field, res);
	return status;
}

void req_reply(struct adm_req *r, int status, const struct jo *o)
{
	struct jo copy = {.err = o->err};

	if (o->n) {
		jo_raw(&copy, span_make(o->p, o->n));
		jo_raw(&copy, SPAN_LIT("\n"));
	}
	req_answer(
		r, status, status < 400 ? "application/json" : "application/problem+json", &copy);
}

void req_done(void *done_arg, const struct adm_result *res)
{
	struct adm_req *r = done_arg;
	struct jo o = {0};
	int status;

	if (!r->adm) {
		req_free(r);
		return;
	}
	status = outcome_out(&o, r->endpoint, &r->path, NULL, res);
	req_reply(r, status, &o);
	jo_free(&o);
}

bool req_heard(const struct adm_req *r)
{
	struct evhttp_connection *c = r->http ? evhttp_request_get_connection(r->http) : NULL;
	char next;
	int fd;

	if (!c)
		return false;
	/* libevent does not look at the socket while a request is being answered. */
	fd = bufferevent_getfd(evhttp_connection_get_bufferevent(c));
	return fd >= 0 && recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

struct span req_input_header(const struct adm_req *r, const char *name)
{
	struct evkeyvalq *h = r->http ? evhttp_request_get_input_headers(r->http) : NULL;

	return span_str(h ? evhttp_find_header(h, name) : NULL);
}

void req_header(struct adm_req *r, const char *name, const char *prefix, const char *value)
{
	char text[2048];

	if (!r->http)
		return;
	snprintf(text, sizeof(text), "%s%s", prefix, value);
	evhttp_add_header(evhttp_request_get_output_headers(r->http), name, text);
}

void req_location(struct adm_req *r, const struct lwm_path *p)
{
	char text[3 * (LWM_EP_MAX + LWM_PREFIX_MAX) + 64];
	struct writer w = wr_make(text, sizeof(text) - 1);

	wr_str(&w, "/v1/endpoints/");
	wr_url_segment(&w, r->endpoint);
	wr_str(&w, "/data");
	if (r->prefix.n) {
		wr_u8(&w, '/');
		wr_url_segment(&w, lwm_prefix_span(&r->prefix));
	}
	wr_path(&w, p);
	text[w.n] = '\0';
	if (r->http && !w.err)
		evhttp_add_header(evhttp_request_get_output_headers(r->http), "Location", text);
}

static void send_stopping(int fd)
{
	struct jo body = {0}, o = {0};

	adm_problem_begin(&body, 503, "shutting-down", NULL, NULL);
	jo_end_object(&body);
	jo_fmt(&o,
		"HTTP/1.1 503 %s\r\nContent-Type: application/problem+json\r\n"
		"Connection: close\r\nContent-Length: %zu\r\n\r\n",
		adm_status_text(503), body.n);
	jo_raw(&o, span_make(body.p, body.n));
	if (!body.err && !o.err)
		(void)!send(fd, o.p, o.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	jo_free(&body);
	jo_free(&o);
}

void req_abandon(struct adm_req *r)
{
	struct evhttp_connection *c = r->http ? evhttp_request_get_connection(r->http) : NULL;

	if (c) {
		send_stopping(bufferevent_getfd(evhttp_connection_get_bufferevent(c)));
		evhttp_connection_set_closecb(c, NULL, NULL);
	}
	log_request(r, 503);
	r->http = NULL;
	unlink_req(r);
	r->adm = NULL;
}

void req_drop(struct adm_req *r)
{
	req_free(r);
}

void req_list_begin(const struct adm_req *r, struct jo *o, const char *name)
{
	jo_object(o, NULL);
	jo_text(o, "endpoint", r->endpoint);
	jo_array(o, name);
}

void req_list_end(struct adm_req *r, struct jo *o, enum err e)
{
	if (e) {
		jo_free(o);
		req_err(r, e);
		return;
	}
	jo_end_array(o);
	jo_end_object(o);
	req_json(r, 200, o);
}

enum req_media req_media(const struct adm_req *r)
{
	const char *type =
		evhttp_find_header(evhttp_request_get_input_headers(r->http), "Content-Type");
	size_t n = type ? strcspn(type, "; \t") : 0;

	if (n == strlen("text/plain") && strncasecmp(type, "text/plain", n) == 0)
		return REQ_TEXT;
	if (n == strlen("application/octet-stream") &&
		strncasecmp(type, "application/octet-stream", n) == 0)
		return REQ_OCTETS;
	return REQ_JSON;
}

bool req_json_only(struct adm_req *r)
{
	if (req_media(r) == REQ_JSON)
		return true;
	return adm_fail_set(&r->fail, 415, "unsupported", NULL, "this takes JSON alone");
}

bool req_wait(struct adm_req *r)
{
	uint64_t v;

	if (!url_number(
		    &r->url, "wait", 0, r->adm->wait_max_s, r->adm->wait_default_s, &v, &r->fail))
		return false;
	r->wait_s = (uint32_t)v;
	r->waits = url_param(&r->url, "wait") != NULL;
	if (!url_number(&r->url, "expires", 1, 31536000, 0, &v, &r->fail))
		return false;
	r->expires_s = (uint32_t)v;
	return true;
}

bool req_path(struct adm_req *r, uint8_t min, uint8_t max)
{
	static const char *const levels[] = {
		"the root", "an object", "an object instance", "a resource", "a resource instance"};

	struct lwm_target at;

	if (lwm_target_parse(r->rest, &at))
		return adm_fail_set(&r->fail, 400, "invalid", "path",
			"the path must be up to four ids from 0 to 65534, as in 3/0/9, or the "
			"prefix of a device behind a gateway and ids, as in d01/3/0/9");
	r->prefix = at.prefix;
	r->path = at.path;
	if (r->path.n >= min && r->path.n <= max)
		return true;
	return adm_fail_set(&r->fail, 400, "invalid", "path",
		"the path leads to %s; this takes %s%s%s", levels[r->path.n], levels[min],
		min < max ? " to " : "", min < max ? levels[max] : "");
}
