/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an operation: one request, or several where a format is refused. */
#include "server/queue.h"

#include "base/secret.h"
#include "lwm2m/attrs.h"

#include <stdio.h>
#include <stdlib.h>

void srv_op_clear(struct srv_op *op)
{
	for (size_t i = 0; i < op->attempt_n; i++) {
		if (op->attempt[i].payload)
			secret_wipe(op->attempt[i].payload, op->attempt[i].n);
		free(op->attempt[i].payload);
		op->attempt[i] = (struct srv_attempt){0};
	}
	op->attempt_n = op->attempt_at = 0;
}

static void op_free(struct srv *s, struct srv_op *op)
{
	srv_op_clear(op);
	srv_parts_free(op->parts);
	if (op->fw)
		op->fw->op = NULL;
	if (op->gateway)
		srv_gateway_asks(op->gateway, NULL);
	free(op);
	s->op_n--;
}

/* Takes it out of its registration's list, ends its record, frees it. Its request is gone. */
void srv_op_finish(struct srv *s, struct srv_op *op, struct turn *t)
{
	(void)srv_queue_back(op, t); /* nothing was told of it */
	for (struct srv_op **at = op->reg ? &op->reg->ops : NULL; at && *at; at = &(*at)->next)
		if (*at == op) {
			*at = op->next;
			break;
		}
	if (op->id && t)
		turn_rec(t, REC_OP_DEL)->del.id = op->id;
	op_free(s, op);
}

/* The queue tells those who wait, and keeps it. */
static void tell(struct srv_op *op, struct effect_done *e, struct turn *t)
{
	if (op->queued) {
		e->ticket = op->queued->ticket;
		srv_queue_result(op->queued, e, t);
	} else if (e->ticket) {
		turn_effect(t, EFFECT_DONE)->done = *e;
	}
	op->ticket = 0;
}

void srv_op_done(
	struct srv_op *op, int status, const char *type, const char *detail, struct turn *t)
{
	struct effect_done e = {
		.ticket = op->ticket, .status = status, .type = type, .content_format = -1};
	if (op->fw && t)
		srv_fw_unanswered(op->fw, type, t);
	if (op->gateway && t)
		srv_gateway_unanswered(op->gateway);
	if (t && (op->ticket || op->queued)) {
		e.detail = turn_dup(t, span_str(detail));
		tell(op, &e, t);
	}
	op->ticket = 0;
}

/* A set of attributes is refused as a whole: which of them the device may not know (CT-47). */
static void blame_attributes(const struct srv_op *op, uint8_t code, struct writer *w)
{
	struct lwm_attrs a;
	const struct srv_attempt *first = &op->attempt[0];
	if (op->kind != SRV_ATTRIBUTES || (code != MSG_BAD_REQUEST && code != MSG_BAD_OPTION) ||
		lwm_attrs_parse(span_make(first->payload, first->n), NULL, 0, &a, NULL))
		return;
	const char *sep = "; it may not know ";
	for (int i = 0; i < LWM_ATTRS; i++)
		if (a.set & LWM_ATTR_BIT(i) & ~LWM_ATTRS_BASIC) {
			wr_fmt(w, "%s%s", sep, lwm_attr_name((enum lwm_attr)i));
			sep = ", ";
		}
}

static struct span bad_detail(const struct srv_op *op, uint8_t code, struct turn *t)
{
	uint8_t text[128];
	struct writer w = wr_make(text, sizeof(text));
	wr_str(&w, "the device answered ");
	wr_code(&w, code);
	if (op->kind == SRV_WRITE_COMPOSITE && op->reg && op->reg->no_composite)
		wr_str(&w, "; it has no composites: write one by one, which is not all or none");
	blame_attributes(op, code, &w);
	return turn_dup(t, wr_span(&w));
}

void srv_op_answer(struct srv_op *op, const struct msg *m, struct turn *t)
{
	if (op->fw)
		srv_fw_answered(op->fw, op, m, t);
	if (op->gateway)
		srv_gateway_answered(op->gateway, op, m, t);
	if (!op->ticket && !op->queued)
		return;
	bool good = msg_code_class(m->code) == 2;
	struct effect_done e = {.ticket = op->ticket,
		.status = !good                    ? 502
			  : op->kind == SRV_CREATE ? 201
						   : 200,
		.type = good ? NULL : "device-error",
		.has_response = true,
		.in_parts = good && srv_parts_active(op),
		.code = m->code,
		.content_format = -1};
	uint32_t cf;
	if (msg_get_uint(m, OPT_CONTENT_FORMAT, &cf))
		e.content_format = (int32_t)cf;
	e.payload = turn_dup(t, m->payload);
	if (op->reg)
		e.alt = turn_dup(t, span_str(op->reg->list.alt));
	if (good)
		e.location = turn_dup(t, span_str(op->location));
	else
		e.detail = bad_detail(op, m->code, t);
	tell(op, &e, t);
}

enum err srv_ask(struct srv *s, struct srv_reg *g, struct msg *m, bool observe, void *user,
	struct turn *t, struct ep_request **out)
{
	const struct srv_op *op = observe ? NULL : user;
	struct ep_request_opts o = {.endpoint = g->endpoint,
		.ctx = g->ctx,
		.peer = g->peer,
		.msg = m,
		.source = op && op->source.n ? &op->source : NULL,
		.observe = observe,
		.renews = op && op->renews,
		.role = REC_ROLE_SERVER,
		.user = user};
	g->awake_ms = t->now_ms;
	return ep_request_start(s->x, &o, t, out);
}

static void record_op(struct srv *s, struct srv_op *op, struct turn *t)
{
	uint8_t text[LWM_TARGET_TEXT_MAX];
	struct writer w = wr_make(text, sizeof(text));
	wr_target(&w, &op->prefix, &op->path);
	op->id = s->dir->next_id++;
	struct span path = turn_dup(t, wr_span(&w));
	turn_rec(t, REC_OP_PUT)->op = (struct rec_op){.id = op->id,
		.endpoint_id = op->endpoint->id,
		.kind = span_str(srv_op_name(op->kind)),
		.path = path,
		.created_wall_s = t->wall_ms / 1000};
}

struct no {
	int status;
	const char *type, *detail;
};

static struct no no(int status, const char *type, const char *detail)
{
	return (struct no){status, type, detail};
}

static struct no refusal_of(enum err err)
{
	switch (err) {
	case ERR_SPACE:
		return no(
			413, "too-large", "the payload is longer than [server] body_limit allows");
	case ERR_UNSUPPORTED:
	case ERR_RANGE:
	case ERR_SYNTAX:
		return no(422, "invalid", "no content format can carry these values there");
	case ERR_NOTFOUND:
		return no(504, "no-address", "the device's address is not known");
	case ERR_STATE:
		return no(503, "key-limit", SRV_USED_UP);
	default:
		return no(503, "overload", "too many requests are waiting for this device");
	}
}

void srv_op_refuse(uint64_t ticket, enum err err, struct turn *t)
{
	struct no n = refusal_of(err);
	turn_done(t, ticket, n.status, n.type, n.detail);
}

struct srv_op *srv_op_new(struct srv *s, const struct srv_dm *d, struct srv_reg *g)
{
	size_t n = 0;
	for (const struct srv_op *o = g->ops; o; o = o->next)
		n++;
	struct srv_op *op = n < SRV_OPS_MAX ? calloc(1, sizeof(*op)) : NULL;
	if (!op)
		return NULL;
	s->op_n++;
	op->reg = g;
	op->endpoint = d->endpoint;
	op->kind = d->kind;
	op->prefix = d->prefix;
	op->path = d->path;
	op->ticket = d->ticket;
	op->renews = d->renews;
	op->wants_format = d->content_format >= 0;
	op->fw = d->fw;
	if (d->fw)
		d->fw->op = op;
	op->gateway = d->gateway;
	if (d->gateway)
		srv_gateway_asks(d->gateway, op);
	if (d->source)
		op->source = *d->source;
	op->next = g->ops;
	g->ops = op;
	return op;
}

/* What can be sent later waits in its queue. */
static bool passing(enum err err)
{
	return err == ERR_LIMIT || err == ERR_NOTFOUND || err == ERR_NOMEM;
}

void srv_op_start(struct srv *s, struct srv_op *op, const struct srv_dm *d, struct turn *t)
{
	if (op->kind == SRV_OBSERVE || op->kind == SRV_OBSERVE_COMPOSITE) {
		srv_observe(s, op, d, t);
		return;
	}
	enum err err = srv_op_prepare(s, op, d);
	if (!err && op->parts && op->reg->no_composite) {
		srv_parts_start(s, op, t);
		return;
	}
	if (!err) {
		if (srv_op_kept(op->kind) && !op->queued && !op->fw) /* which keep their own */
			record_op(s, op, t);
		err = srv_op_send(s, op, t);
	}
	if (!err)
		return;
	struct no n = refusal_of(err);
	if (!op->queued || !passing(err))
		srv_op_done(op, n.status, n.type, n.detail, t);
	srv_op_finish(s, op, t);
}

void srv_dm(struct srv *s, const struct srv_dm *d, struct turn *t)
{
	struct srv_reg *g = srv_reg_of(d->endpoint);
	s->count.operations++;
	bool cancel = d->kind == SRV_CANCEL || d->kind == SRV_CANCEL_COMPOSITE;
	if (!g && !cancel) {
		turn_done(
			t, d->ticket, 404, "not-registered", "the endpoint is not registered now");
		return;
	}
	if (cancel) {
		srv_cancel(s, d, t);
		return;
	}
	struct srv_refusal why;
	if (!srv_op_allowed(g, d, &why)) {
		turn_done(t, d->ticket, why.status, why.type, why.detail);
		return;
	}
	/* What has the keys renewed waits for nothing: without it nothing else leaves. An update is
	 * kept by itself, and asks while the device is awake; so do we, for a gateway's devices. */
	if (!d->renews && !d->fw && !d->gateway && (g->queue || srv_queue_waits(s, d->endpoint))) {
		srv_queue_take(s, g, d, t);
		return;
	}
	struct srv_op *op = srv_op_new(s, d, g);
	if (!op)
		turn_done(
			t, d->ticket, 503, "overload", "too many operations wait for this device");
	else
		srv_op_start(s, op, d, t);
}

/* The first server account it lists; LWM_ID_NONE: it lists none. */
static uint16_t server_account(const struct srv_reg *g)
{
	for (uint16_t i = 0; i < g->list.inst_n; i++)
		if (g->list.inst[i].oid == 1)
			return g->list.inst[i].iid;
	return LWM_ID_NONE;
}

bool srv_rebootstrap(struct srv *s, const struct ep_context *c, struct turn *t)
{
	struct srv_view v;
	struct srv_reg *g = srv_reg_of(c->endpoint);
	uint16_t iid = g ? server_account(g) : LWM_ID_NONE;
	srv_view(s, c->endpoint, t->now_ms, &v);
	if (iid == LWM_ID_NONE || g->ctx != c || v.asleep)
		return false;
	for (const struct srv_op *o = g->ops; o; o = o->next)
		if (o->renews)
			return false;
	struct srv_dm d = {.kind = SRV_EXECUTE,
		.endpoint = c->endpoint,
		.path = {.n = 3, .id = {1, iid, 9}},
		.content_format = -1,
		.depth = -1,
		.renews = true};
	srv_dm(s, &d, t);
	return true;
}

/* What a Write that went well means for us (CT-31: no Update confirms it). */
static void apply_lifetime(struct srv *s, struct srv_op *op, struct turn *t)
{
	struct srv_reg *g = op->reg;
	g->lifetime_s = op->lifetime_s;
	g->expiry_ms = UINT64_MAX;
	if (g->lifetime_s)
		g->expiry_ms = t->now_ms + g->lifetime_s * UINT64_C(1000);
	srv_reg_arm(s, g);
	srv_reg_record(s, t, g);
}

static void list_changed(struct srv *s, struct srv_reg *g, struct turn *t)
{
	srv_reg_record(s, t, g);
	srv_reg_event(s, t, "updated", g);
}

/* The Object Instance that a 2.01 tells of: "o", "i" below the alternate path; LWM_ID_NONE if it
 * tells of none (CT-50). */
static uint16_t told_instance(const struct srv_op *op, const struct msg *m)
{
	struct lwm_path p;
	struct msg path; /* the last two segments, as a path */
	size_t n = 0, skip;
	for (const struct opt *o = msg_find(m, OPT_LOCATION_PATH); o; o = msg_next(m, o))
		n++;
	skip = n > 2 ? n - 2 : 0;
	msg_init(&path, MSG_ACK, MSG_CREATED);
	for (const struct opt *o = msg_find(m, OPT_LOCATION_PATH); o; o = msg_next(m, o))
		if (skip)
			skip--;
		else if (msg_add(&path, OPT_URI_PATH, o->val))
			return LWM_ID_NONE;
	if (lwm_path_from_options(&path, 0, &p) || p.n != 2 || p.id[0] != op->path.id[0])
		return LWM_ID_NONE;
	return p.id[1];
}

/* No Update follows (CT-51). A 2.01 counts without a location: then the id is the one we gave, or 0
 * where the object has but one instance (DM-14). */
static void created(struct srv *s, struct srv_op *op, const struct msg *m, struct turn *t)
{
	const struct lwm_versions versions = srv_versions(op->reg, &op->prefix);
	const struct lwm_object *o = lwm_object_of(&versions, op->path.id[0]);
	uint16_t iid = told_instance(op, m);
	bool changed;
	if (iid == LWM_ID_NONE)
		iid = op->iid;
	if (iid == LWM_ID_NONE && o && !o->multiple)
		iid = 0;
	if (iid == LWM_ID_NONE)
		return;
	snprintf(op->location, sizeof(op->location), "%u/%u", op->path.id[0], iid);
	if (op->prefix.n) {
		srv_gateway_made(op->reg, &op->prefix, op->path.id[0], iid);
		return;
	}
	/* A list that is full stays as it is: the device's next Update tells. */
	if (!lwm_object_list_add(&op->reg->list, op->path.id[0], iid, &changed) && changed)
		list_changed(s, op->reg, t);
}

static void deleted(struct srv *s, struct srv_op *op, struct turn *t)
{
	if (op->prefix.n)
		srv_gateway_unmade(op->reg, &op->prefix, &op->path);
	else if (op->path.n == 2 &&
		 lwm_object_list_remove(&op->reg->list, op->path.id[0], op->path.id[1]))
		list_changed(s, op->reg, t);
}

/* It was taken: what was refused before was refused for its format, or for its place. */
static void learn(struct srv_op *op)
{
	const struct srv_attempt *good = &op->attempt[op->attempt_at];
	uint8_t refused = 0;
	if (srv_op_use(op->kind) == SRV_USE_NONE)
		return;
	for (size_t i = 0; i < op->attempt_at; i++) {
		const struct srv_attempt *a = &op->attempt[i];
		if (a->at_instance != good->at_instance)
			op->reg->at_instance = a->cf == good->cf;
		else
			refused |= srv_format_bit(a->cf);
	}
	srv_formats_learn(op->reg, srv_op_use(op->kind), good->cf, refused);
}

static void done_well(struct srv *s, struct srv_op *op, const struct msg *m, struct turn *t)
{
	learn(op);
	if (op->sets_lifetime && m->code == MSG_CHANGED)
		apply_lifetime(s, op, t);
	if (op->kind == SRV_CREATE && m->code == MSG_CREATED)
		created(s, op, m, t);
	if (op->kind == SRV_DELETE && m->code == MSG_DELETED)
		deleted(s, op, t);
}

/* Whether another way to put it may do (CT-41, CT-47). */
static bool try_another(const struct srv_op *op, uint8_t code)
{
	if (op->attempt_at + 1 >= op->attempt_n)
		return false;
	if (op->kind == SRV_ATTRIBUTES)
		return code == MSG_BAD_REQUEST || code == MSG_BAD_OPTION;
	return code == MSG_NOT_ACCEPTABLE || code == MSG_UNSUPPORTED_FORMAT;
}

static void unanswered(struct srv_op *op, const struct ep_delivery *d, struct turn *t)
{
	if (d->kind == EP_CANCELLED && d->request->spent)
		srv_op_done(op, 503, "key-limit", SRV_USED_UP, t);
	else if (d->kind == EP_CANCELLED)
		srv_op_done(op, 503, "cancelled",
			"the request could not be sent, or its context is gone", t);
	else if (d->request->hint)
		srv_op_done(op, 504, "timeout",
			"the device gave no protected answer; an unprotected error was ignored", t);
	else
		srv_op_done(op, 504, "timeout",
			srv_op_kept(op->kind) ? "the device did not answer; it may have done it"
					      : "the device did not answer",
			t);
}

void srv_op_delivery(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t)
{
	op->request = NULL;
	if (d->kind == EP_RESPONSE && try_another(op, d->msg->code)) {
		op->attempt_at++;
		ep_request_end(s->x, d->request, t);
		if (!srv_op_send(s, op, t))
			return;
		srv_op_done(op, 503, "overload", "the next way to put it could not be tried", t);
		srv_op_finish(s, op, t);
		return;
	}
	if (d->kind == EP_RESPONSE && srv_parts_active(op)) {
		if (msg_code_class(d->msg->code) == 2)
			learn(op);
		srv_parts_answered(s, op, d, t);
		return;
	}
	srv_parts_learn(op, d);
	if (!srv_parts_active(op) && srv_parts_begin(s, op, d, t))
		return;
	if (d->kind == EP_RESPONSE) {
		if (msg_code_class(d->msg->code) == 2)
			done_well(s, op, d->msg, t);
		srv_op_answer(op, d->msg, t);
	} else {
		unanswered(op, d, t);
	}
	ep_request_end(s->x, d->request, t);
	srv_op_finish(s, op, t);
}

enum err srv_dm_cancel(struct srv *s, struct endpoint *e, uint64_t ticket, struct turn *t)
{
	struct srv_reg *g = srv_reg_of(e);
	struct srv_op *op = g ? g->ops : NULL;
	while (op && op->ticket != ticket)
		op = op->next;
	if (!op)
		return ERR_NOTFOUND;
	if (!op->request || (srv_op_kept(op->kind) && ep_request_acted(op->request)))
		return ERR_STATE;
	ep_request_end(s->x, op->request, t);
	srv_op_done(op, 409, "cancelled", "it was cancelled before the device answered", t);
	srv_op_finish(s, op, t);
	return ERR_OK;
}

void srv_ops_drop(
	struct srv *s, struct srv_reg *g, const char *type, const char *why, struct turn *t)
{
	for (struct srv_op *op; (op = g->ops);) {
		bool back = srv_queue_back(op, t);
		if (op->request && t)
			ep_request_end(s->x, op->request, t);
		if (!back)
			srv_op_done(op, 503, type, why, t);
		g->ops = op->next;
		op->reg = NULL;
		srv_op_finish(s, op, t);
	}
}
