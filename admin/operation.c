/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/operation.h"

#include "admin/render.h"
#include "admin/routes.h"
#include "base/secret.h"
#include "base/text.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ID_BYTES = 8, ARENA_LIMIT = 4096 };

struct operation {
	struct adm *adm; /* NULL once adm_free was called */
	struct operation *next, **pprev;
	char id[2 * ID_BYTES + 1];
	struct adm_req *req; /* who waits for it; NULL: nobody */
	struct event *timer; /* the end of the patience, then of the keeping */
	struct arena arena;
	struct span endpoint;
	enum adm_dm_kind kind;
	struct lwm_prefix prefix;
	struct lwm_path path;
	adm_answer_fn *answer;
	uint64_t ticket;
	int64_t started_wall_s, ended_wall_s;
	bool starting; /* the call that starts it has not returned */
	bool ended;
	bool queued;  /* the daemon keeps it, and tells its end only to who waits here */
	uint64_t ref; /* the id as a number */
	int status;   /* of the outcome */
	struct jo outcome;
};

static const char *const kinds[] = {
	[ADM_READ] = "read",
	[ADM_WRITE] = "write",
	[ADM_WRITE_PARTIAL] = "write-partial",
	[ADM_CREATE] = "create",
	[ADM_DELETE] = "delete",
	[ADM_EXECUTE] = "execute",
	[ADM_DISCOVER] = "discover",
	[ADM_ATTRIBUTES] = "attributes",
	[ADM_OBSERVE] = "observe",
	[ADM_CANCEL] = "cancel",
	[ADM_READ_COMPOSITE] = "read-composite",
	[ADM_OBSERVE_COMPOSITE] = "observe-composite",
	[ADM_CANCEL_COMPOSITE] = "cancel-composite",
	[ADM_WRITE_COMPOSITE] = "write-composite",
};

static void unlink_operation(struct operation *op)
{
	struct operations *all = &op->adm->operations;

	*op->pprev = op->next;
	if (op->next)
		op->next->pprev = op->pprev;
	else
		all->last = op->pprev;
	all->n--;
	all->bytes -= op->outcome.n;
}

static void operation_free(struct operation *op)
{
	if (op->adm)
		unlink_operation(op);
	if (op->timer)
		event_free(op->timer);
	if (op->outcome.p)
		secret_wipe(op->outcome.p, op->outcome.n);
	jo_free(&op->outcome);
	arena_fini(&op->arena);
	free(op);
}

/* Forgets the oldest finished one; false: none has finished. */
static bool drop_oldest(struct adm *a)
{
	struct operation *op = a->operations.first;

	while (op && !op->ended)
		op = op->next;
	if (op)
		operation_free(op);
	return op != NULL;
}

static struct operation *find(const struct adm *a, struct span id)
{
	struct operation *op = a->operations.first;

	while (op && !span_eq_str(id, op->id))
		op = op->next;
	return op;
}

static void draw_id(struct adm *a, struct operation *op)
{
	uint8_t raw[ID_BYTES];
	char id[sizeof(op->id)];
	struct writer w;

	do {
		w = wr_make(id, sizeof(id) - 1);
		rng_fill(&a->rng, raw, sizeof(raw));
		raw[0] |= 1; /* not 0 */
		wr_hex(&w, SPAN_OF(raw));
		id[w.n] = '\0';
	} while (find(a, span_str(id)));
	struct reader r = rd_make(SPAN_OF(raw));
	op->ref = rd_u64(&r);
	memcpy(op->id, id, sizeof(id));
}

static void describe(const struct operation *op, struct jo *o)
{
	jo_str(o, "id", op->id);
	jo_text(o, "endpoint", op->endpoint);
	jo_str(o, "kind", kinds[op->kind]);
	jo_target(o, lwm_prefix_span(&op->prefix), &op->path);
	jo_str(o, "state",
		op->queued         ? "queued"
		: !op->ended       ? "running"
		: op->status < 400 ? "done"
				   : "failed");
}

/* The answer to a call whose time is over: where the outcome will be. */
static void answer_later(struct operation *op)
{
	struct adm_req *r = op->req;
	struct jo o = {0};

	op->req = NULL;
	jo_object(&o, NULL);
	describe(op, &o);
	jo_end_object(&o);
	snprintf(r->location, sizeof(r->location), "/v1/operations/%s", op->id);
	req_json(r, 202, &o);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct operation *op = arg;

	(void)fd;
	(void)what;
	if (op->ended)
		operation_free(op);
	else if (op->req)
		answer_later(op);
}

/* It has ended, and whoever started it is out of the way. */
static void settle(struct operation *op)
{
	struct timeval keep = {.tv_sec = op->adm->operation_keep_s};
	struct adm *a = op->adm;
	struct adm_req *r = op->req;
	bool told = r && req_heard(r);

	op->req = NULL;
	if (r && op->status == 201 && op->path.n == 2)
		req_location(r, &op->path);
	if (r)
		req_reply(r, op->status, &op->outcome);
	if (told || event_add(op->timer, &keep)) {
		operation_free(op);
		return;
	}
	while (a->operations.bytes > OPERATIONS_BYTES_MAX && drop_oldest(a))
		;
}

/* The path is that of the new instance: as the device says, who chose; else as it was told. Nothing
 * else that a device may have put there gets into an answer. */
static void created_path(struct lwm_path *path, const struct adm_result *res)
{
	struct lwm_path p;

	if (lwm_path_parse(res->location, &p) == ERR_OK && p.n == 2 && p.id[0] == path->id[0])
		*path = p;
}

static adm_done_fn on_done;

/* It is stored: whoever does not wait needs nothing of us. Without a word of it, a call waits for a
 * device that is awake, not for one that sleeps. */
static void on_queued(struct operation *op, const struct adm_result *res)
{
	struct adm *a = op->adm;
	bool asleep = res->type && !strcmp(res->type, "asleep");

	op->queued = true;
	if (op->req && (op->req->waits || !asleep)) {
		a->ops.queued_follow(a->ops.arg, op->ref, on_done, op);
		return;
	}
	if (op->req)
		answer_later(op);
	operation_free(op);
}

/* The end of what was queued. The daemon keeps the outcome. If nothing can be stored now, it still
 * waits. */
static void on_followed(struct operation *op, const struct adm_result *res)
{
	struct adm_req *r = op->req;
	struct jo o = {0};
	int status;

	bool waits = res->status == 202 ||
		     (res->status == 503 && res->type && !strcmp(res->type, "storage-unavailable"));

	if (r && waits) {
		answer_later(op);
	} else if (r) {
		op->req = NULL;
		if (op->kind == ADM_CREATE)
			created_path(&op->path, res);
		status = outcome_out(&o, op->endpoint, &op->path, op->answer, res);
		if (status == 201 && op->path.n == 2)
			req_location(r, &op->path);
		req_reply(r, status, &o);
		jo_free(&o);
	}
	operation_free(op);
}

static uint8_t version_of(void *arg, struct span prefix, uint16_t oid)
{
	const struct operation *op = arg;

	return op->adm->ops.object_version(op->adm->ops.arg, op->endpoint, prefix, oid);
}

/* An adm_done_fn. */
static void on_done(void *done_arg, const struct adm_result *res)
{
	struct operation *op = done_arg;
	struct adm_result whole = *res;

	if (!op->adm) {
		operation_free(op);
		return;
	}
	whole.prefix = lwm_prefix_span(&op->prefix);
	whole.versions = (struct lwm_versions){version_of, op, whole.prefix};
	if (op->queued) {
		on_followed(op, &whole);
		return;
	}
	if (res->status == 202 && !op->starting) {
		on_queued(op, res);
		return;
	}
	if (op->kind == ADM_CREATE)
		created_path(&op->path, res);
	op->status = outcome_out(&op->outcome, op->endpoint, &op->path, op->answer, &whole);
	op->adm->operations.bytes += op->outcome.n;
	op->ended = true;
	op->ended_wall_s = time(NULL);
	if (!op->starting)
		settle(op);
}

static struct operation *operation_new(struct adm_req *r, const struct adm_dm *d)
{
	struct operations *all = &r->adm->operations;
	struct operation *op = calloc(1, sizeof(*op));
	enum err e = ERR_OK;

	if (!op)
		return NULL;
	arena_init(&op->arena, ARENA_LIMIT);
	op->endpoint = arena_dup(&op->arena, r->endpoint, &e);
	op->timer = evtimer_new(r->adm->base, on_timer, op);
	if (e || !op->timer) {
		operation_free(op);
		return NULL;
	}
	draw_id(r->adm, op);
	op->kind = d->kind;
	op->prefix = r->prefix;
	op->path = r->path;
	op->started_wall_s = time(NULL);
	op->req = r;
	op->adm = r->adm;
	op->pprev = all->last;
	*all->last = op;
	all->last = &op->next;
	all->n++;
	return op;
}

void operation_run(struct adm_req *r, const struct adm_dm *d, adm_answer_fn *answer)
{
	struct timeval patience = {.tv_sec = r->wait_s};
	struct adm *a = r->adm;
	struct adm_dm named = *d;
	struct operation *op;

	if (a->operations.n >= OPERATIONS_MAX && !drop_oldest(a)) {
		req_problem(r, 503, "busy", "too many operations are under way");
		return;
	}
	op = operation_new(r, d);
	if (!op) {
		req_problem(r, 500, "internal", "out of memory");
		return;
	}
	op->answer = answer;
	op->starting = true;
	named.id = op->ref;
	named.expires_s = r->expires_s;
	op->ticket = a->ops.dm(a->ops.arg, &named, on_done, op);
	op->starting = false;
	if (op->ended)
		settle(op);
	else if (r->wait_s == 0 || event_add(op->timer, &patience))
		answer_later(op);
}

void operations_fini(struct adm *a)
{
	struct operation *op;

	while ((op = a->operations.first)) {
		if (op->req) {
			req_abandon(op->req);
			req_drop(op->req);
			op->req = NULL;
		}
		if (op->ended) {
			operation_free(op);
			continue;
		}
		unlink_operation(op);
		event_free(op->timer); /* the loop may end before the operation does */
		op->timer = NULL;
		op->adm = NULL; /* its end frees it */
	}
}

/* ---- routes */

struct telling {
	struct adm *adm;
	const struct adm_queued_view *view;
	struct jo *o;
};

static uint8_t version_told(void *arg, struct span prefix, uint16_t oid)
{
	const struct telling *k = arg;

	return k->adm->ops.object_version(k->adm->ops.arg, k->view->endpoint, prefix, oid);
}

/* What the daemon keeps; *body is that of its outcome, or nothing. */
static void queued_out(struct telling *k, struct jo *body)
{
	const struct adm_queued_view *v = k->view;
	struct jo *o = k->o;
	struct adm_result whole;
	struct lwm_path path = v->path;
	char id[2 * ID_BYTES + 1];
	int status = 0;

	if (v->outcome && v->kind == ADM_CREATE)
		created_path(&path, v->outcome);
	if (v->outcome) {
		whole = *v->outcome;
		whole.prefix = lwm_prefix_span(&v->prefix);
		whole.versions = (struct lwm_versions){version_told, k, whole.prefix};
		status = outcome_out(body, v->endpoint, &path, data_answer(v->kind), &whole);
	}
	snprintf(id, sizeof(id), "%016" PRIx64, v->id);
	jo_str(o, "id", id);
	jo_text(o, "endpoint", v->endpoint);
	jo_str(o, "kind", kinds[v->kind]);
	jo_target(o, lwm_prefix_span(&v->prefix), &path);
	jo_str(o, "state", !v->outcome ? v->state : status < 400 ? "done" : "failed");
	jo_time(o, "started", v->created_wall_s);
	jo_time(o, "ended", v->ended_wall_s);
	jo_time(o, "expires", (int64_t)time(NULL) + v->expires_in_s);
	if (v->outcome)
		jo_i64(o, "status", status);
}

/* An adm_queued_fn: an element of the list. */
static void queued_row(void *cb_arg, const struct adm_queued_view *v)
{
	struct telling *k = cb_arg;
	struct jo *o = k->o, body = {0};

	k->view = v;
	jo_object(o, NULL);
	queued_out(k, &body);
	jo_end_object(o);
	jo_free(&body);
}

/* An adm_queued_fn: the answer to a GET. */
static void queued_whole(void *cb_arg, const struct adm_queued_view *v)
{
	struct telling *k = cb_arg;
	struct jo *o = k->o, body = {0};

	k->view = v;
	jo_object(o, NULL);
	queued_out(k, &body);
	if (body.n)
		jo_json(o, v->outcome->status < 400 ? "result" : "problem",
			span_make(body.p, body.n));
	jo_end_object(o);
	jo_free(&body);
}

static uint64_t ref_of(struct span id)
{
	uint8_t raw[ID_BYTES];
	struct writer w = wr_make(raw, sizeof(raw));
	struct reader r = rd_make(SPAN_OF(raw));

	return id.n == 2 * ID_BYTES && hex_decode(id, &w) == ERR_OK ? rd_u64(&r) : 0;
}

static void row_out(const struct operation *op, struct jo *o)
{
	describe(op, o);
	jo_time(o, "started", op->started_wall_s);
	jo_time(o, "ended", op->ended_wall_s);
	if (op->ended)
		jo_i64(o, "status", op->status);
}

void operations_list(struct adm_req *r)
{
	const struct span *endpoint = url_param(&r->url, "endpoint");
	struct jo o = {0};
	struct telling k = {.adm = r->adm, .o = &o};

	jo_object(&o, NULL);
	jo_array(&o, "operations");
	for (const struct operation *op = r->adm->operations.first; op; op = op->next) {
		if (op->queued || (endpoint && !span_eq(*endpoint, op->endpoint)))
			continue;
		jo_object(&o, NULL);
		row_out(op, &o);
		jo_end_object(&o);
	}
	r->adm->ops.queued_list(r->adm->ops.arg, endpoint ? *endpoint : SPAN_EMPTY, queued_row, &k);
	jo_end_array(&o);
	jo_end_object(&o);
	req_json(r, 200, &o);
}

static struct operation *wanted(struct adm_req *r)
{
	struct operation *op = find(r->adm, r->rest);

	if (!op)
		req_problem(r, 404, "unknown-operation",
			"no operation has this id; outcomes are kept for an hour");
	return op;
}

void operation_get(struct adm_req *r)
{
	const struct operation *op;
	struct jo o = {0};
	struct telling k = {.adm = r->adm, .o = &o};

	if (r->adm->ops.queued_get(r->adm->ops.arg, ref_of(r->rest), queued_whole, &k)) {
		req_json(r, 200, &o);
		return;
	}
	op = wanted(r);
	if (!op)
		return;
	jo_object(&o, NULL);
	row_out(op, &o);
	if (op->outcome.n)
		jo_json(&o, op->status < 400 ? "result" : "problem",
			span_make(op->outcome.p, op->outcome.n));
	jo_end_object(&o);
	req_json(r, 200, &o);
}

static void cancelled(struct adm_req *r, enum err e)
{
	struct jo none = {0};

	if (e)
		req_problem(r, 409, "conflict",
			"it cannot be cancelled: it has ended, the device may have done it "
			"already, or it sets up an observation, which has a DELETE of its own");
	else
		req_reply(r, 204, &none);
}

void operation_delete(struct adm_req *r)
{
	struct adm *a = r->adm;
	enum err e = a->ops.queued_cancel(a->ops.arg, ref_of(r->rest));
	const struct operation *op;

	if (e != ERR_NOTFOUND) {
		cancelled(r, e);
		return;
	}
	op = wanted(r);

	if (!op)
		return;
	if (op->ended || op->starting)
		req_problem(r, 409, "conflict", "it has ended");
	else
		cancelled(r, a->ops.dm_cancel(a->ops.arg, op->endpoint, op->ticket));
}
