/* SPDX-License-Identifier: Apache-2.0 */
#include "server/queue.h"

#include <stdlib.h>
#include <string.h>

static struct span key_location(const void *item)
{
	const struct srv_reg *g = item;
	return span_str(g->location);
}

static struct span key_peer(const void *item)
{
	const struct srv_reg *g = item;
	return span_make(g->peer, sizeof(*g->peer));
}

static struct span key_queue(const void *item)
{
	const struct srv_queue *k = item;
	return span_make(&k->endpoint_id, sizeof(k->endpoint_id));
}

static struct span key_ref(const void *item)
{
	const struct srv_queued *q = item;
	return span_make(&q->ref, sizeof(q->ref));
}

struct srv_endpoint *srv_of(struct endpoint *e)
{
	if (!e->registration)
		e->registration = calloc(1, sizeof(struct srv_endpoint));
	return e->registration;
}

struct srv_reg *srv_reg_of(const struct endpoint *e)
{
	const struct srv_endpoint *s = e->registration;
	return s ? s->reg : NULL;
}

enum err srv_new(const struct srv_opts *o, struct srv **out)
{
	struct srv *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->opts = *o;
	s->x = o->exchange;
	s->dir = ep_exchange_directory(o->exchange);
	wheel_init(&s->reg_wheel, o->now_ms);
	map_init(&s->by_location, key_location, o->seed);
	map_init(&s->by_peer, key_peer, o->seed);
	map_init(&s->queues, key_queue, o->seed);
	map_init(&s->by_ref, key_ref, o->seed);
	wheel_init(&s->queue_wheel, o->now_ms);
	srv_fw_init(s);
	srv_profiles_init(s);
	s->opts.seed = NULL;
	*out = s;
	return ERR_OK;
}

/* Everything of one endpoint, with no word to anyone: the engine goes down. */
static void endpoint_free(struct srv *s, struct endpoint *e)
{
	struct srv_endpoint *se = e->registration;
	srv_queue_free(s, e, NULL);
	if (!se)
		return;
	if (se->reg) {
		srv_ops_drop(s, se->reg, NULL, NULL, NULL);
		srv_reg_free(s, se->reg);
	}
	srv_observations_free(s, se, NULL);
	free(se);
	e->registration = NULL;
}

void srv_free(struct srv *s)
{
	if (!s)
		return;
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&s->dir->by_name, &cursor));)
		endpoint_free(s, e);
	srv_fw_fini(s);
	srv_profiles_fini(s);
	map_fini(&s->by_location);
	map_fini(&s->by_peer);
	map_fini(&s->queues);
	map_fini(&s->by_ref);
	free(s->orphans);
	free(s);
}

static void drop_orphan(struct srv *s, const struct endpoint *e)
{
	for (size_t i = 0; i < s->orphan_n; i++)
		if (s->orphans[i] == e) {
			s->orphans[i] = s->orphans[--s->orphan_n];
			return;
		}
}

void srv_forget_endpoint(struct srv *s, struct endpoint *e, struct turn *t)
{
	struct srv_endpoint *se = e->registration;
	srv_fw_forget(s, e, t);
	srv_profile_forget(s, e);
	if (!se) {
		srv_queue_free(s, e, t);
		return;
	}
	if (se->reg)
		srv_reg_end(s, se->reg, "deregistered", t);
	srv_queue_free(s, e, t);
	srv_observations_free(s, se, t);
	drop_orphan(s, e);
	free(se);
	e->registration = NULL;
}

void srv_orphan(struct srv *s, struct endpoint *e)
{
	struct srv_endpoint *se = srv_of(e);
	if (!se || se->orphan)
		return;
	if (s->orphan_n == s->orphan_cap) {
		size_t cap = s->orphan_cap ? 2 * s->orphan_cap : 16;
		struct endpoint **p = reallocarray(s->orphans, cap, sizeof(*p));
		if (!p)
			return; /* it stays known, which costs a little memory */
		s->orphans = p;
		s->orphan_cap = cap;
	}
	se->orphan = true;
	s->orphans[s->orphan_n++] = e;
}

struct endpoint *srv_take_orphan(struct srv *s)
{
	while (s->orphan_n) {
		struct endpoint *e = s->orphans[--s->orphan_n];
		struct srv_endpoint *se = e->registration;
		se->orphan = false;
		if (!se->reg && !se->observations && !srv_queue_holds(s, e))
			return e;
	}
	return NULL;
}

void srv_context_gone(struct srv *s, struct ep_context *c, struct turn *t)
{
	struct srv_reg *g = srv_reg_of(c->endpoint);
	if (!g || g->ctx != c)
		return;
	/* The registration was made under these keys; without them the device cannot be reached. */
	srv_reg_end(s, g, "deregistered", t);
}

void srv_context_replaced(
	struct srv *s, struct ep_context *old, struct ep_context *now, struct turn *t)
{
	struct srv_reg *g = srv_reg_of(old->endpoint);
	if (!g)
		return;
	if (g->ctx == old)
		srv_reg_rekey(s, g, now, t);
	srv_reg_record(s, t, g); /* its newest expiry may be with what goes now */
}

enum err srv_load_registration(
	struct srv *s, struct endpoint *e, struct ep_context *c, const struct rec_reg *r)
{
	struct srv_reg *g = calloc(1, sizeof(*g));
	struct peer peer = {0};
	if (!g)
		return ERR_NOMEM;
	g->endpoint = e;
	g->ctx = c;
	g->lifetime_s = r->lifetime_s;
	g->lwm2m = r->lwm2m;
	g->binding = r->binding;
	g->queue = r->queue;
	g->registered_wall_s = r->registered_wall_s;
	g->expiry_ms = r->expiry_ms;
	/* Until it is heard of. */
	g->awake_ms = s->opts.now_ms - s->opts.awake_s * UINT64_C(1000) - 1;
	/* Downtime does not count against devices: the whole grace is theirs again. */
	if (g->expiry_ms < s->opts.now_ms)
		g->expiry_ms = s->opts.now_ms;
	enum err err = ERR_OK;
	if (r->links.n)
		err = lwm_object_list_parse(r->links, &g->list);
	if (!err)
		err = span_to_str(r->location, g->location, sizeof(g->location));
	if (!err && r->sms.n && !srv_reg_set_sms(g, r->sms))
		err = ERR_NOMEM;
	if (!err && r->peer.n)
		err = peer_unpack(r->peer, &peer);
	if (!err && r->peer.n && c) {
		bool moved;
		ep_context_heard(c, &peer, 0, &moved);
		err = c->peer ? ERR_OK : ERR_NOMEM; /* else nobody would know where it is */
	} else if (!err && !c) {
		g->peer = malloc(sizeof(*g->peer));
		err = g->peer ? ERR_OK : ERR_NOMEM;
		if (g->peer)
			*g->peer = peer;
		gateway_keep(g->peer);
	}
	if (!err)
		err = srv_reg_insert(s, g);
	if (err)
		srv_reg_free(s, g);
	else
		srv_gateway_listed(s, g, NULL);
	return err;
}

/* rd, rd/LOCATION, dp, fw/NAME: what a device may ask of a server. */
static void route(struct srv *s, struct ep_delivery *d, struct turn *t)
{
	const struct opt *a = msg_find(d->msg, OPT_URI_PATH);
	const struct opt *b = a ? msg_next(d->msg, a) : NULL;
	const struct opt *c = b ? msg_next(d->msg, b) : NULL;
	bool dp = a && !b && span_eq_str(a->val, "dp");
	if (b && !c && span_eq_str(a->val, "fw")) {
		srv_fw_serve(s, d, b->val, t);
		return;
	}
	if (!a || c || (!dp && !span_eq_str(a->val, "rd"))) {
		srv_refuse(s, d, d->endpoint, EP_REASON_NO_PATH, MSG_NOT_FOUND, t);
		return;
	}
	if (dp && d->msg->code == MSG_POST)
		srv_send(s, d, t);
	else if (!dp && !b && d->msg->code == MSG_POST)
		srv_register(s, d, t);
	else if (b && (d->msg->code == MSG_POST || d->msg->code == MSG_PUT))
		srv_update(
			s, d, b->val, t); /* PUT: what 1.0 drafts had, and old modems still send */
	else if (b && d->msg->code == MSG_DELETE)
		srv_deregister(s, d, b->val, t);
	else
		srv_refuse(s, d, d->endpoint, EP_REASON_METHOD, MSG_METHOD_NOT_ALLOWED, t);
}

void srv_woken(struct srv *s, struct srv_reg *g, struct turn *t)
{
	if (!g->settled)
		srv_observations_settle(s, g, t);
	if (srv_gateway_of(g))
		srv_gateway_ask(g, t);
	srv_queue_next(s, g, t);
}

void srv_request(struct srv *s, struct ep_delivery *d, struct turn *t)
{
	struct srv_reg *g = d->endpoint ? srv_reg_of(d->endpoint) : NULL;
	if (g && g->ctx == d->ctx)
		srv_reg_heard(g, t);
	route(s, d, t);
	/* Whatever it said, and was told: it is awake (QM-02). */
	g = d->endpoint ? srv_reg_of(d->endpoint) : NULL;
	if (g && g->ctx == d->ctx)
		srv_woken(s, g, t);
	if (d->endpoint)
		srv_fw_heard(s, d->endpoint, false, t);
}

void srv_response(struct srv *s, struct ep_delivery *d, struct turn *t)
{
	struct ep_request *r = d->request;
	struct srv_reg *g = srv_reg_of(r->endpoint);
	bool answered = d->kind == EP_RESPONSE || d->kind == EP_NOTIFICATION;
	if (g && answered)
		srv_reg_heard(g, t);
	if (g && answered && d->moved)
		srv_reg_record(s, t, g);
	if (r->observe)
		srv_observation_delivery(s, r->user, d, t);
	else
		srv_op_delivery(s, r->user, d, t);
	if (g && answered)
		srv_woken(s, g, t); /* more may be wanted than requests can wait for a device */
	else if (g && d->kind == EP_CANCELLED)
		srv_queue_next(s, g, t);
	else if (g && d->kind == EP_TIMEOUT)
		srv_queue_sleep(s, g, t);
}

void srv_timer(struct srv *s, struct turn *t)
{
	struct timer *due;
	while ((due = wheel_expire(&s->reg_wheel, t->now_ms))) {
		s->count.expiries++;
		srv_reg_end(s, (struct srv_reg *)due, "expired", t);
	}
	srv_queue_timer(s, t);
	srv_fw_timer(s, t);
}

uint64_t srv_deadline_ms(const struct srv *s)
{
	uint64_t a = wheel_next_ms(&s->reg_wheel), b = wheel_next_ms(&s->queue_wheel),
		 c = wheel_next_ms(&s->firmware.wheel);
	a = a < c ? a : c;
	return a < b ? a : b;
}

void srv_view(const struct srv *s, const struct endpoint *e, uint64_t now_ms, struct srv_view *out)
{
	const struct srv_reg *g = srv_reg_of(e);
	*out = (struct srv_view){.expires_in_s = INT64_MAX};
	if (!g)
		return;
	out->registered = true;
	out->queue = g->queue;
	out->asleep = srv_asleep(s, g, now_ms);
	out->location = span_str(g->location);
	out->lifetime_s = g->lifetime_s;
	if (g->expiry_ms != UINT64_MAX)
		out->expires_in_s = ((int64_t)g->expiry_ms - (int64_t)now_ms) / 1000;
	out->lwm2m = g->lwm2m;
	out->binding = g->binding;
	out->ctx = g->ctx;
	out->peer = g->peer;
	if (g->ctx)
		out->peer = g->ctx->peer ? &g->ctx->peer->peer : NULL;
	out->registered_wall_s = g->registered_wall_s;
	out->last_contact_wall_s = g->heard_wall_s;
	out->list = &g->list;
}

const struct srv_counters *srv_counters(const struct srv *s)
{
	return &s->count;
}

size_t srv_registered(const struct srv *s)
{
	return s->by_location.count;
}

size_t srv_observation_count(const struct srv *s)
{
	return s->observation_n;
}

size_t srv_waiting(const struct srv *s)
{
	return s->op_n;
}
