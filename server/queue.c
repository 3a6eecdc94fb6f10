/* SPDX-License-Identifier: Apache-2.0 */
#include "server/queue.h"

#include "base/secret.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Of outcomes that nobody has asked for: the oldest go first. */
enum { OUTCOMES_MAX = 4096, OUTCOME_BYTES_MAX = 16 << 20 };
/* What expires together is told in several turns: requests of devices wait no longer for it. */
enum { EXPIRIES_PER_TURN = 256 };

static struct srv_queue *queue_of(const struct srv *s, const struct endpoint *e)
{
	return map_get(&s->queues, span_make(&e->id, sizeof(e->id)));
}

bool srv_queue_waits(const struct srv *s, const struct endpoint *e)
{
	const struct srv_queue *k = queue_of(s, e);
	return k && k->waiting_n;
}

bool srv_queue_holds(const struct srv *s, const struct endpoint *e)
{
	return queue_of(s, e) != NULL;
}

bool srv_asleep(const struct srv *s, const struct srv_reg *g, uint64_t now_ms)
{
	return g->queue && now_ms - g->awake_ms > s->opts.awake_s * UINT64_C(1000);
}

static struct srv_queued *by_ref(const struct srv *s, uint64_t ref)
{
	return map_get(&s->by_ref, span_make(&ref, sizeof(ref)));
}

static struct srv_queue *queue_make(struct srv *s, struct endpoint *e)
{
	struct srv_queue *k = queue_of(s, e);
	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->endpoint_id = e->id;
	k->endpoint = e;
	k->srv = s;
	if (!map_put(&s->queues, k))
		return k;
	free(k);
	return NULL;
}

/* ---- one of them */

static void set_data(struct srv_queued *q, uint8_t *data, size_t n)
{
	struct srv *s = q->queue->srv;
	if (q->data)
		secret_wipe(q->data, q->n);
	free(q->data);
	s->queue_bytes -= q->n;
	q->data = data;
	q->n = n;
	s->queue_bytes += n;
}

static void unlink_outcome(struct srv *s, struct srv_queued *q)
{
	*(q->older ? &q->older->newer : &s->outcomes) = q->newer;
	*(q->newer ? &q->newer->older : &s->last_outcome) = q->older;
	q->older = q->newer = NULL;
	s->outcome_n--;
	s->outcome_bytes -= q->n;
}

static void queued_free(struct srv_queued *q, struct turn *t)
{
	struct srv_queue *k = q->queue;
	struct srv *s = k->srv;
	struct srv_queued **at = &k->first;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (q->state == SRV_QUEUED_DONE)
		unlink_outcome(s, q);
	else
		k->waiting_n--, s->queued_n--;
	if (t && q->id)
		turn_rec(t, REC_OP_DEL)->del.id = q->id;
	wheel_del(&s->queue_wheel, &q->timer);
	map_remove(&s->by_ref, q);
	set_data(q, NULL, 0);
	free(q);
	if (k->first)
		return;
	if (t && !srv_reg_of(k->endpoint))
		srv_orphan(s, k->endpoint);
	map_remove(&s->queues, k);
	free(k);
}

static struct srv_queued *queued_new(
	struct srv *s, struct endpoint *e, uint64_t ref, enum srv_dm_kind kind)
{
	struct srv_queue *k = queue_make(s, e);
	struct srv_queued *q = k ? calloc(1, sizeof(*q)) : NULL;
	struct srv_queued **at = k ? &k->first : NULL;
	if (q)
		*q = (struct srv_queued){.queue = k, .ref = ref, .kind = kind, .state = SRV_QUEUED};
	if (q && map_put(&s->by_ref, q)) {
		free(q);
		q = NULL;
	}
	if (!q) {
		if (k && !k->first) {
			map_remove(&s->queues, k);
			free(k);
		}
		return NULL;
	}
	while (*at)
		at = &(*at)->next;
	*at = q;
	k->waiting_n++;
	s->queued_n++;
	return q;
}

static void record(struct srv_queued *q, struct turn *t)
{
	uint8_t text[LWM_TARGET_TEXT_MAX];
	struct writer w = wr_make(text, sizeof(text));
	wr_target(&w, &q->prefix, &q->path);
	struct span path = turn_dup(t, wr_span(&w)), body = turn_dup(t, span_make(q->data, q->n));
	turn_rec(t, REC_OP_PUT)->op = (struct rec_op){.id = q->id,
		.endpoint_id = q->queue->endpoint_id,
		.kind = span_str(srv_op_name(q->kind)),
		.path = path,
		.state = q->state,
		.created_wall_s = q->created_wall_s,
		.ref = q->ref,
		.expiry_ms = q->expiry_ms,
		.body = body};
}

static void set_state(struct srv_queued *q, enum srv_queued_state state, struct turn *t)
{
	if (q->state == state)
		return;
	q->state = (uint8_t)state;
	turn_rec(t, REC_OP_STATE)->op_state = (struct rec_op_state){.id = q->id, .state = q->state};
}

/* ---- outcomes */

static const char *outcome_name(const struct effect_done *e)
{
	if (!e->type)
		return "done";
	return strcmp(e->type, "outcome-unknown") ? "failed" : "unknown";
}

static void tell_event(const struct srv_queued *q, const struct effect_done *e, struct turn *t)
{
	uint8_t text[256];
	struct writer w = wr_make(text, sizeof(text));
	struct srv *s = q->queue->srv;
	wr_fmt(&w, "{\"id\":\"%016llx\",\"operation\":\"%s\",\"path\":\"",
		(unsigned long long)q->ref, srv_op_name(q->kind));
	wr_path(&w, &q->path);
	if (q->prefix.n) {
		wr_str(&w, "\",\"prefix\":\"");
		wr_bytes(&w, lwm_prefix_span(&q->prefix));
	}
	wr_fmt(&w, "\",\"outcome\":\"%s\",\"status\":%d", outcome_name(e), e->status);
	if (e->type) {
		wr_str(&w, ",\"problem\":");
		wr_json_string(&w, span_str(e->type));
	}
	wr_str(&w, "}");
	ep_event(t, s->opts.next_event, "operation", ep_name(q->queue->endpoint), wr_span(&w));
}

static void keep_outcome(struct srv_queued *q)
{
	struct srv *s = q->queue->srv;
	q->state = SRV_QUEUED_DONE;
	q->queue->waiting_n--;
	s->queued_n--;
	q->older = s->last_outcome;
	*(q->older ? &q->older->newer : &s->outcomes) = q;
	s->last_outcome = q;
	s->outcome_n++;
	s->outcome_bytes += q->n;
	wheel_add(&s->queue_wheel, &q->timer, q->expiry_ms);
}

static void trim_outcomes(struct srv *s, struct turn *t)
{
	while (s->outcomes && (s->outcome_n > OUTCOMES_MAX || s->outcome_bytes > OUTCOME_BYTES_MAX))
		queued_free(s->outcomes, t);
}

void srv_queue_result(struct srv_queued *q, const struct effect_done *e, struct turn *t)
{
	struct srv *s = q->queue->srv;
	uint8_t *data = NULL;
	size_t n = 0;
	if (q->op)
		q->op->queued = NULL;
	q->op = NULL;
	q->ended_wall_s = t->wall_ms / 1000;
	q->expiry_ms = t->now_ms + s->opts.queue_expiry_s * UINT64_C(1000);
	tell_event(q, e, t);
	if (q->ticket)
		turn_effect(t, EFFECT_DONE)->done = *e;
	q->ticket = 0;
	if (srv_queue_pack_outcome(e, q->ended_wall_s, &data, &n)) {
		free(data);
		t->err = ERR_NOMEM;
		return;
	}
	set_data(q, data, n);
	keep_outcome(q);
	record(q, t);
	trim_outcomes(s, t);
}

static void end(
	struct srv_queued *q, int status, const char *type, const char *detail, struct turn *t)
{
	struct effect_done e = {.ticket = q->ticket,
		.status = status,
		.type = type,
		.detail = turn_dup(t, span_str(detail)),
		.content_format = -1};
	srv_queue_result(q, &e, t);
}

/* ---- delivery */

/* Lets go of the operation that was on its way. */
static void let_go(struct srv_queued *q, struct turn *t)
{
	q->op->queued = NULL;
	q->op = NULL;
	if (!t)
		return;
	set_state(q, SRV_QUEUED, t);
	wheel_add(&q->queue->srv->queue_wheel, &q->timer, q->expiry_ms); /* it may have passed */
	if (q->ticket) /* who waits for the answer learns that there is none yet */
		turn_done(t, q->ticket, 202, "asleep", NULL);
	q->ticket = 0;
}

bool srv_queue_back(struct srv_op *op, struct turn *t)
{
	struct srv_queued *q = op->queued;
	if (!q)
		return false;
	bool left = op->request && ep_request_acted(op->request);
	if (t && srv_op_kept(op->kind) && left) {
		end(q, 504, "outcome-unknown", "it was sent, and the device may have done it", t);
		return true;
	}
	let_go(q, t);
	return true;
}

static void expire(struct srv_queued *q, struct turn *t)
{
	end(q, 504, "expired", "the device did not wake in time", t);
}

/* True: it is on its way, or has ended. False: it could not be sent now, and waits for the next
 * sign of life. */
static bool deliver(struct srv *s, struct srv_queued *q, struct srv_reg *g, struct turn *t)
{
	struct srv_dm d = {.kind = q->kind,
		.endpoint = q->queue->endpoint,
		.prefix = q->prefix,
		.path = q->path};
	struct lwm_record *records;
	struct srv_refusal why;
	enum err err = srv_queue_unpack(span_make(q->data, q->n), &d, &records);
	if (err == ERR_NOMEM)
		return false;
	if (err) {
		end(q, 500, "internal", "what was asked for cannot be read any more", t);
		return true;
	}
	uint64_t ref = q->ref;
	bool allowed = srv_op_allowed(g, &d, &why);
	struct srv_op *op = allowed ? srv_op_new(s, &d, g) : NULL;
	if (op) {
		op->queued = q;
		q->op = op;
		if (srv_op_kept(q->kind))
			set_state(q, SRV_QUEUED_SENT, t);
		srv_op_start(s, op, &d, t);
	}
	free(records);
	if (!allowed)
		end(q, why.status, why.type, why.detail, t);
	q = by_ref(s, ref);
	return !q || q->op || q->state == SRV_QUEUED_DONE;
}

/* The first that is neither done nor on its way. NULL: there is none, or enough are. */
static struct srv_queued *next_to_go(const struct srv *s, const struct srv_reg *g)
{
	const struct srv_queue *k = queue_of(s, g->endpoint);
	const struct peer *to = g->peer;
	if (g->ctx)
		to = g->ctx->peer ? &g->ctx->peer->peer : NULL;
	unsigned n = ep_nstart(s->x, g->endpoint, to);
	for (struct srv_queued *q = k && k->waiting_n ? k->first : NULL; q && n; q = q->next)
		if (q->op)
			n--;
		else if (q->state != SRV_QUEUED_DONE)
			return q;
	return NULL;
}

void srv_queue_next(struct srv *s, struct srv_reg *g, struct turn *t)
{
	struct srv_queued *q;
	bool goes_on = s->queued_n && !srv_asleep(s, g, t->now_ms);
	while (goes_on && (q = next_to_go(s, g)))
		if (q->expiry_ms <= t->now_ms)
			expire(q, t);
		else
			goes_on = deliver(s, q, g, t);
}

/* What has not left yet stays in its queue. */
static void take_back(struct srv *s, struct srv_reg *g, struct turn *t)
{
	const struct srv_queue *k = queue_of(s, g->endpoint);
	for (struct srv_queued *q = k ? k->first : NULL; q; q = q->next) {
		struct srv_op *op = q->op;
		if (!op || !op->request || ep_request_acted(op->request))
			continue;
		ep_request_end(s->x, op->request, t);
		op->request = NULL;
		let_go(q, t);
		srv_op_finish(s, op, t);
	}
}

void srv_queue_sleep(struct srv *s, struct srv_reg *g, struct turn *t)
{
	if (!g->queue)
		return;
	g->awake_ms = t->now_ms - s->opts.awake_s * UINT64_C(1000) - 1;
	ep_exchange_hold(s->x);
	take_back(s, g, t);
	srv_observations_hold(s, g, t);
	ep_exchange_release(s->x, t);
}

/* What no format can carry is refused now, not when the device wakes. */
static enum err try_it(struct srv *s, struct srv_reg *g, const struct srv_dm *d)
{
	struct srv_op *op = srv_op_new(s, d, g);
	if (!op)
		return ERR_LIMIT;
	enum err err = d->kind == SRV_OBSERVE ? ERR_OK : srv_op_prepare(s, op, d);
	op->ticket = 0;
	srv_op_finish(s, op, NULL);
	return err;
}

static struct srv_queued *take(
	struct srv *s, struct srv_reg *g, const struct srv_dm *d, struct turn *t)
{
	const struct srv_queue *k = queue_of(s, g->endpoint);
	uint32_t expires_s = d->expires_s ? d->expires_s : s->opts.queue_expiry_s;
	uint8_t *data;
	size_t n;
	if ((k && k->waiting_n >= s->opts.queue_limit) || s->queued_n >= s->opts.queue_total ||
		srv_queue_pack(d, &data, &n))
		return NULL;
	bool room = s->queue_bytes - s->outcome_bytes + n <= s->opts.queue_bytes;
	uint64_t ref = d->ref;
	while (!ref || (!d->ref && by_ref(s, ref))) /* one that was given and is taken: refused */
		ref = rng_u64(&s->dir->rng);
	struct srv_queued *q = room ? queued_new(s, g->endpoint, ref, d->kind) : NULL;
	if (!q) {
		secret_wipe(data, n);
		free(data);
		return NULL;
	}
	set_data(q, data, n);
	q->id = s->dir->next_id++;
	q->ticket = d->ticket;
	q->prefix = d->prefix;
	q->path = d->path;
	q->created_wall_s = t->wall_ms / 1000;
	q->expiry_ms = t->now_ms + expires_s * UINT64_C(1000);
	wheel_add(&s->queue_wheel, &q->timer, q->expiry_ms);
	record(q, t);
	return q;
}

/* Whoever asks waits for the answer if the request leaves at once, else learns that it is queued:
 * what has the storage's word must not be called failed because storage fails later. */
void srv_queue_take(struct srv *s, struct srv_reg *g, const struct srv_dm *d, struct turn *t)
{
	bool asleep = srv_asleep(s, g, t->now_ms);
	enum err err = try_it(s, g, d);
	struct srv_queued *q = err ? NULL : take(s, g, d, t);
	if (!q) {
		srv_op_refuse(d->ticket, err ? err : ERR_LIMIT, t);
		return;
	}
	uint64_t ref = q->ref;
	srv_queue_next(s, g, t);
	q = by_ref(s, ref);
	if (!q || q->state == SRV_QUEUED_DONE || q->op)
		return;
	q->ticket = 0;
	turn_done(t, d->ticket, 202, asleep ? "asleep" : "busy", NULL);
}

/* ---- its end */

static void free_all(struct srv *s, struct endpoint *e, struct turn *t)
{
	for (struct srv_queue *k; (k = queue_of(s, e)) && k->first;) {
		struct srv_queued *q = k->first;
		if (q->op)
			let_go(q, NULL);
		queued_free(q, t);
	}
}

void srv_queue_free(struct srv *s, struct endpoint *e, struct turn *t)
{
	const struct srv_queue *k = queue_of(s, e);
	for (struct srv_queued *q = k ? k->first : NULL; t && q; q = q->next) {
		struct effect_done done = {.ticket = q->ticket,
			.status = 409,
			.type = "cancelled",
			.detail = SPAN_LIT("the endpoint was deleted"),
			.content_format = -1};
		if (q->state == SRV_QUEUED_DONE)
			continue;
		tell_event(q, &done, t);
		if (q->ticket)
			turn_effect(t, EFFECT_DONE)->done = done;
	}
	free_all(s, e, t);
}

void srv_queue_timer(struct srv *s, struct turn *t)
{
	struct timer *due;
	for (int i = 0; i < EXPIRIES_PER_TURN; i++) {
		due = wheel_expire(&s->queue_wheel, t->now_ms);
		if (!due)
			return;
		struct srv_queued *q = (struct srv_queued *)due;
		if (q->state == SRV_QUEUED_DONE)
			queued_free(q, t);
		else if (!q->op) /* else its answer, or the lack of it, comes soon */
			expire(q, t);
	}
}

/* ---- storage's rows */

static bool kind_of(struct span name, enum srv_dm_kind *out)
{
	for (int i = SRV_READ; i <= SRV_CANCEL_COMPOSITE; i++)
		if (span_eq_str(name, srv_op_name((enum srv_dm_kind)i))) {
			*out = (enum srv_dm_kind)i;
			return true;
		}
	return false;
}

static enum err load_data(struct srv_queued *q, struct span body)
{
	uint8_t *copy = malloc(body.n ? body.n : 1);
	if (!copy)
		return ERR_NOMEM;
	if (body.n)
		memcpy(copy, body.p, body.n);
	set_data(q, copy, body.n);
	return ERR_OK;
}

static enum err load_outcome(struct srv_queued *q)
{
	struct srv_outcome o;
	enum err err = srv_queue_unpack_outcome(span_make(q->data, q->n), &o);
	if (err)
		return err;
	q->ended_wall_s = o.ended_wall_s;
	keep_outcome(q);
	return ERR_OK;
}

enum err srv_queue_load(struct srv *s, struct endpoint *e, const struct rec_op *r, struct turn *t)
{
	enum srv_dm_kind kind;
	struct lwm_target at;
	if (!kind_of(r->kind, &kind) || lwm_target_parse(r->path, &at) ||
		r->state > SRV_QUEUED_DONE)
		return ERR_CORRUPT;
	struct srv_queued *q = queued_new(s, e, r->ref, kind);
	if (!q)
		return ERR_NOMEM;
	q->id = r->id;
	q->prefix = at.prefix;
	q->path = at.path;
	q->created_wall_s = r->created_wall_s;
	q->expiry_ms = r->expiry_ms;
	enum err err = load_data(q, r->body);
	if (err)
		return err;
	if (r->state == SRV_QUEUED_DONE)
		return load_outcome(q);
	wheel_add(&s->queue_wheel, &q->timer, q->expiry_ms);
	/* An older copy of the database does not know what was done since it was made. */
	if (r->state == SRV_QUEUED_SENT || (s->opts.rolled_back && srv_op_kept(kind)))
		end(q, 504, "outcome-unknown", "it was sent, perhaps done, before a restart", t);
	return ERR_OK;
}

/* ---- the administrator's side */

enum err srv_queued_cancel(struct srv *s, uint64_t ref, struct turn *t)
{
	struct srv_queued *q = by_ref(s, ref);
	struct srv_op *op = q ? q->op : NULL;
	if (!q)
		return ERR_NOTFOUND;
	if (q->state == SRV_QUEUED_DONE || (op && (!op->request || q->state == SRV_QUEUED_SENT)))
		return ERR_STATE;
	if (op) {
		ep_request_end(s->x, op->request, t);
		op->request = NULL;
		let_go(q, t);
		srv_op_finish(s, op, t);
	}
	struct srv_reg *g = srv_reg_of(q->queue->endpoint);
	end(q, 409, "cancelled", "it was cancelled before the device answered", t);
	if (g && op)
		srv_queue_next(s, g, t);
	return ERR_OK;
}

enum err srv_queued_follow(struct srv *s, uint64_t ref, uint64_t ticket, struct turn *t)
{
	struct srv_queued *q = by_ref(s, ref);
	struct srv_outcome o;
	if (!q)
		return ERR_NOTFOUND;
	q->ticket = ticket;
	if (q->state != SRV_QUEUED_DONE)
		return ERR_OK;
	q->ticket = 0;
	if (srv_queue_unpack_outcome(span_make(q->data, q->n), &o))
		return ERR_CORRUPT;
	o.done.ticket = ticket;
	if (o.done.type) /* has to live as long as the turn */
		o.done.type = (const char *)turn_dup(t, span_make(o.type, strlen(o.type) + 1)).p;
	o.done.detail = turn_dup(t, o.done.detail);
	o.done.payload = turn_dup(t, o.done.payload);
	o.done.location = turn_dup(t, o.done.location);
	o.done.alt = turn_dup(t, o.done.alt);
	turn_effect(t, EFFECT_DONE)->done = o.done;
	return ERR_OK;
}

static void show(const struct srv_queued *q, uint64_t now_ms, srv_queued_fn *fn, void *arg)
{
	static const char *const states[] = {
		[SRV_QUEUED] = "queued", [SRV_QUEUED_SENT] = "running"};
	struct srv_queued_view v = {.ref = q->ref,
		.endpoint = ep_name(q->queue->endpoint),
		.kind = q->kind,
		.prefix = q->prefix,
		.path = q->path,
		.created_wall_s = q->created_wall_s,
		.ended_wall_s = q->ended_wall_s,
		.expires_in_s = ((int64_t)q->expiry_ms - (int64_t)now_ms) / 1000};
	struct srv_outcome o;
	if (q->state != SRV_QUEUED_DONE)
		v.state = q->op ? "running" : states[q->state];
	else if (srv_queue_unpack_outcome(span_make(q->data, q->n), &o))
		return;
	else
		v.outcome = &o.done;
	fn(arg, &v);
}

bool srv_queued_get(
	const struct srv *s, uint64_t ref, uint64_t now_ms, srv_queued_fn *fn, void *arg)
{
	const struct srv_queued *q = by_ref(s, ref);
	if (q)
		show(q, now_ms, fn, arg);
	return q != NULL;
}

void srv_queued_list(const struct srv *s, const struct endpoint *e, uint64_t now_ms,
	srv_queued_fn *fn, void *arg)
{
	size_t cursor = 0;
	const struct srv_queue *k = e ? queue_of(s, e) : map_next(&s->queues, &cursor);
	while (k) {
		for (const struct srv_queued *q = k->first; q; q = q->next)
			show(q, now_ms, fn, arg);
		k = e ? NULL : map_next(&s->queues, &cursor);
	}
}

size_t srv_queued_count(const struct srv *s)
{
	return s->queued_n;
}
