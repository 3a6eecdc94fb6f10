/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/events.h"

#include "admin/routes.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* At most so many of the ring are read at a time; then devices have their turn. */
enum { CATCH_UP_EVENTS = 256 };

struct sse {
	struct adm *adm;
	struct sse *next, **pprev;
	struct evhttp_request *http; /* NULL: its last byte was written */
	struct evhttp_connection *con;
	struct event *more; /* goes on catching up */
	struct arena arena;
	struct span endpoint, types; /* filters; empty: all. Types are separated by commas */
	uint64_t start;              /* what the client said it had */
	uint64_t last;               /* seq of the newest stored event that was dealt with */
	bool catching_up;
	bool trace; /* messages of `endpoint`, and nothing else */
	bool ended; /* too slow: only what is queued still goes out */
};

static void set_trace(const struct sse *c, bool on)
{
	enum err e = c->adm->ops.trace(c->adm->ops.arg, c->endpoint, on);

	(void)e; /* the endpoint has gone: there is nothing to trace until it comes again */
}

static bool traced_by_others(const struct sse *c)
{
	for (const struct sse *o = c->adm->clients; o; o = o->next)
		if (o->trace && span_eq(o->endpoint, c->endpoint))
			return true;
	return false;
}

static void sse_free(struct sse *c)
{
	*c->pprev = c->next;
	if (c->next)
		c->next->pprev = c->pprev;
	c->adm->client_n--;
	if (c->trace && !traced_by_others(c))
		set_trace(c, false);
	event_free(c->more);
	arena_fini(&c->arena);
	free(c);
}

/* The connection is about to go, and with it what is queued on it. */
static void closed(struct evhttp_connection *con, void *arg)
{
	struct sse *c = arg;

	(void)con;
	if (c->http && !evhttp_request_get_connection(c->http))
		evhttp_request_free(c->http);
	sse_free(c);
}

static void drop(struct sse *c)
{
	evhttp_connection_free(c->con);
}

static struct bufferevent *stream(const struct sse *c)
{
	return evhttp_connection_get_bufferevent(c->con);
}

static size_t waiting(const struct sse *c)
{
	return evbuffer_get_length(bufferevent_get_output(stream(c)));
}

/* Takes what stands before the next comma. */
static struct span first_type(struct span *types)
{
	struct span first;
	size_t n = 0;

	while (n < types->n && types->p[n] != ',')
		n++;
	first = span_sub(*types, 0, n);
	*types = span_sub(*types, n + 1, types->n);
	return first;
}

static bool type_wanted(struct span types, struct span type)
{
	while (types.n)
		if (span_eq(first_type(&types), type))
			return true;
	return false;
}

static bool wanted(const struct sse *c, const struct adm_event *e)
{
	/* A trace is for those who asked for it, and they for nothing else. */
	if (c->trace != span_eq_str(e->type, "trace"))
		return false;
	return (c->endpoint.n == 0 || span_eq(c->endpoint, e->endpoint)) &&
	       (c->types.n == 0 || type_wanted(c->types, e->type));
}

static void time_out(struct jo *o, int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	char date[24], text[40];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		jo_null(o, "time");
		return;
	}
	snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(wall_ms % 1000));
	jo_str(o, "time", text);
}

/* One event on the wire. A line end inside would end it early; JSON has none but as white space. */
static void event_out(struct jo *o, const struct adm_event *e)
{
	size_t from;

	if (e->seq)
		jo_fmt(o, "id: %" PRIu64 "\n", e->seq);
	jo_raw(o, SPAN_LIT("event: "));
	jo_raw(o, e->type);
	jo_raw(o, SPAN_LIT("\ndata: "));
	from = o->n;
	jo_object(o, NULL);
	if (e->seq)
		jo_u64(o, "seq", e->seq);
	time_out(o, e->wall_ms);
	jo_text(o, "type", e->type);
	jo_text(o, "endpoint", e->endpoint);
	if (e->json.n)
		jo_json(o, "data", e->json);
	jo_end_object(o);
	for (size_t i = from; !o->err && i < o->n; i++)
		if (o->p[i] == '\n' || o->p[i] == '\r')
			o->p[i] = ' ';
	jo_raw(o, SPAN_LIT("\n\n"));
}

static void flushed(struct evhttp_connection *con, void *arg);

/* Every chunk names the same callback, for evhttp remembers only the last one's. */
static void send_chunk(struct sse *c, struct span s)
{
	struct evbuffer *b = evbuffer_new();

	if (b && evbuffer_add(b, s.p, s.n) == 0)
		evhttp_send_reply_chunk_with_cb(c->http, b, flushed, c);
	if (b)
		evbuffer_free(b);
}

static void send_event(struct sse *c, const struct adm_event *e)
{
	struct jo o = {0};

	event_out(&o, e);
	if (!o.err)
		send_chunk(c, span_make(o.p, o.n));
	jo_free(&o);
}

/* Told that the ring has moved on: what lies between is lost to this client. */
static void send_gap(struct sse *c, uint64_t first)
{
	struct jo o = {0};

	jo_fmt(&o, "event: gap\ndata: {\"type\":\"gap\",\"first\":%" PRIu64 "}\n\n", first);
	if (!o.err)
		send_chunk(c, span_make(o.p, o.n));
	jo_free(&o);
}

static void stored(void *cb_arg, const struct adm_event *e)
{
	struct sse *c = cb_arg;

	/* Full: the rest is asked for again when this has gone out. */
	if (waiting(c) > SSE_BUFFER_MAX / 2)
		return;
	c->last = e->seq;
	if (wanted(c, e))
		send_event(c, e);
}

/* A number that the ring does not reach (another database?) must not hide what comes. */
static void go_live(struct sse *c)
{
	c->catching_up = false;
	if (c->last == c->start)
		c->last = 0;
}

/* One read of the ring, when what was sent before is out. Without storage the client is sent away,
 * to resume later. */
static void catch_up(struct sse *c)
{
	static const struct timeval now = {0};
	struct adm *a = c->adm;
	uint64_t before = c->last, first = 0;
	enum err e;

	if (!c->catching_up || waiting(c))
		return;
	e = a->ops.events(a->ops.arg, before, CATCH_UP_EVENTS, stored, c, &first);
	if (e == ERR_NOTFOUND && first > before + 1) {
		send_gap(c, first);
		c->last = first - 1;
	} else if (e && e != ERR_NOTFOUND) {
		drop(c);
		return;
	} else if (c->last == before) {
		go_live(c);
	}
	/* What was sent goes on when it is out; a filter may have let nothing through. */
	if (c->catching_up && waiting(c) == 0)
		event_add(c->more, &now);
}

static void flushed(struct evhttp_connection *con, void *arg)
{
	(void)con;
	catch_up(arg);
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	catch_up(arg);
}

static void written(struct evhttp_request *http, void *arg)
{
	struct sse *c = arg;

	(void)http;
	c->http = NULL; /* evhttp frees it, and closes */
}

/* Too slow. What is queued still goes out, with a last word; whoever does not take even that is
 * gone after SSE_STALLED_S. It keeps its place until then. */
static void end(struct sse *c)
{
	send_chunk(c, SPAN_LIT(": too slow, resume with Last-Event-ID\n\n"));
	c->ended = true;
	evhttp_request_set_on_complete_cb(c->http, written, c);
	evhttp_send_reply_end(c->http);
}

void adm_event_emit(struct adm *a, const struct adm_event *e)
{
	struct sse *next;

	for (struct sse *c = a->clients; c; c = next) {
		next = c->next;
		if (c->ended)
			continue;
		/* Whoever is catching up finds a stored event in the ring. */
		if (e->seq && (c->catching_up || e->seq <= c->last))
			continue;
		if (e->seq)
			c->last = e->seq;
		if (!wanted(c, e))
			continue;
		send_event(c, e);
		if (waiting(c) > SSE_BUFFER_MAX)
			end(c);
	}
}

static void beat(evutil_socket_t fd, short what, void *arg)
{
	struct adm *a = arg;

	(void)fd;
	(void)what;
	for (struct sse *c = a->clients; c; c = c->next) {
		if (!c->ended && waiting(c) == 0)
			send_chunk(c, SPAN_LIT(": heartbeat\n\n"));
		if (c->trace) /* it may have come again, or been loaded afresh */
			set_trace(c, true);
	}
}

enum err events_init(struct adm *a)
{
	struct timeval every = {.tv_sec = SSE_HEARTBEAT_S};

	a->beat = event_new(a->base, -1, EV_PERSIST, beat, a);
	if (!a->beat || event_add(a->beat, &every))
		return ERR_NOMEM;
	return ERR_OK;
}

void events_fini(struct adm *a)
{
	while (a->clients)
		drop(a->clients);
	if (a->beat)
		event_free(a->beat);
}

/* Last-Event-ID, or `after` for those who cannot set a header. */
static bool resume_from(struct adm_req *r, bool *resume, uint64_t *after)
{
	const char *id =
		evhttp_find_header(evhttp_request_get_input_headers(r->http), "Last-Event-ID");

	*resume = id || url_param(&r->url, "after");
	if (id && span_to_u64(span_str(id), UINT64_MAX - 1, after))
		return adm_fail_set(&r->fail, 400, "bad-request", "Last-Event-ID",
			"Last-Event-ID must be the number of an event");
	return id || url_number(&r->url, "after", 0, UINT64_MAX - 1, 0, after, &r->fail);
}

/* A name that no event has would wait for ever. */
static bool types_known(struct adm_req *r)
{
	static const struct span known = SPAN_LIT("registered,updated,deregistered,expired,"
						  "notification,send,operation,device,bootstrap,"
						  "rollback,security,key-limit,firmware");
	const struct span *types = url_param(&r->url, "type");
	struct span left = types ? *types : SPAN_EMPTY;

	while (left.n) {
		struct span one = first_type(&left);

		if (!type_wanted(known, one))
			return adm_fail_set(&r->fail, 400, "bad-request", "type",
				"type must be of %.*s", (int)known.n, (const char *)known.p);
	}
	return true;
}

/* `endpoint` and `types` may be NULL. */
static struct sse *sse_new(struct adm_req *r, const struct span *endpoint, const struct span *types)
{
	struct sse *c = calloc(1, sizeof(*c));
	enum err e = ERR_OK;

	if (!c)
		return NULL;
	c->adm = r->adm;
	arena_init(&c->arena, 0);
	if (endpoint)
		c->endpoint = arena_dup(&c->arena, *endpoint, &e);
	if (types)
		c->types = arena_dup(&c->arena, *types, &e);
	c->more = evtimer_new(r->adm->base, on_more, c);
	if (!e && c->more)
		return c;
	if (c->more)
		event_free(c->more);
	arena_fini(&c->arena);
	free(c);
	return NULL;
}

static void sse_start(struct sse *c)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(c->http);
	struct timeval stalled = {.tv_sec = SSE_STALLED_S};
	struct adm *a = c->adm;

	evhttp_add_header(h, "Content-Type", "text/event-stream");
	evhttp_add_header(h, "Cache-Control", "no-store");
	evhttp_add_header(
		h, "Connection", "close"); /* it has no end that another request could follow */
	evhttp_send_reply_start(c->http, 200, "OK");
	evhttp_connection_set_closecb(c->con, closed, c);
	/* evhttp goes on reading, to see the client go. It has nothing to say: silence is no reason
	 * to close, and what it says all the same is not kept. */
	bufferevent_set_timeouts(stream(c), NULL, &stalled);
	bufferevent_setwatermark(stream(c), EV_READ, 0, 1);
	c->next = a->clients;
	c->pprev = &a->clients;
	if (c->next)
		c->next->pprev = &c->next;
	a->clients = c;
	a->client_n++;
}

/* Makes the request a stream. NULL: it is answered already. */
static struct sse *listen_to(
	struct adm_req *r, const struct span *endpoint, const struct span *types)
{
	struct sse *c;

	if (r->adm->client_n >= r->adm->client_max) {
		req_problem(r, 503, "busy", "too many clients listen to events already");
		return NULL;
	}
	c = sse_new(r, endpoint, types);
	if (!c) {
		req_problem(r, 500, "internal", "out of memory");
		return NULL;
	}
	c->http = req_release(r, 200);
	c->con = evhttp_request_get_connection(c->http);
	sse_start(c);
	return c;
}

void events_get(struct adm_req *r)
{
	struct sse *c;
	bool resume;
	uint64_t after;

	if (!types_known(r) || !resume_from(r, &resume, &after)) {
		req_fail(r);
		return;
	}
	c = listen_to(r, url_param(&r->url, "endpoint"), url_param(&r->url, "type"));
	if (!c)
		return;
	c->start = c->last = after;
	c->catching_up = resume;
	/* The head is still to be written; its end starts the catching up. */
	send_chunk(c, SPAN_LIT(": events\n\n"));
}

void trace_get(struct adm_req *r)
{
	struct adm *a = r->adm;
	struct sse *c;
	enum err e = ERR_OK;

	if (a->client_n < a->client_max)
		e = a->ops.trace(a->ops.arg, r->endpoint, true);
	if (e) {
		req_err(r, e);
		return;
	}
	c = listen_to(r, &r->endpoint, NULL);
	if (!c)
		return;
	c->trace = true;
	send_chunk(c, SPAN_LIT(": trace\n\n"));
}
