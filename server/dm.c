/* SPDX-License-Identifier: Apache-2.0 */
/* Read, Write and Execute: one operation is one request, or several where a format is refused. */
#include "server/server_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENCODE_FIRST = 1024 };

static const struct {
	const char *name;
	bool kept; /* recorded before it is sent: a crash must not hide that it may have happened */
} kinds[] = {
	[SRV_READ] = {"read", false},
	[SRV_WRITE] = {"write", true},
	[SRV_EXECUTE] = {"execute", true},
	[SRV_OBSERVE] = {"observe", false},
	[SRV_CANCEL] = {"cancel", false},
};

size_t srv_formats(const struct lwm_path *p, int32_t wanted, uint16_t out[static SRV_FORMATS_MAX])
{
	const struct lwm_resource *r = p->n >= 3 ? lwm_resource(p->id[0], p->id[1 + 1]) : NULL;
	size_t n = 0;
	if (wanted >= 0) {
		out[n++] = (uint16_t)wanted;
		return n;
	}
	bool single = p->n == 4 || (p->n == 3 && r && !r->multiple);
	if (single && r)
		out[n++] = r->type == LWM_OPAQUE ? LWM_CF_OPAQUE : LWM_CF_TEXT;
	out[n++] = LWM_CF_TLV;
	if (p->n >= 3 && !r)
		out[n++] = LWM_CF_TEXT;
	return n;
}

static void op_free(struct srv *s, struct srv_op *op)
{
	for (size_t i = 0; i < op->attempt_n; i++) {
		if (op->attempt[i].payload)
			secret_wipe(op->attempt[i].payload, op->attempt[i].n);
		free(op->attempt[i].payload);
	}
	free(op);
	s->op_n--;
}

/* Takes it out of its registration's list, ends its record, frees it. Its request is gone. */
void srv_op_finish(struct srv *s, struct srv_op *op, struct turn *t)
{
	for (struct srv_op **at = op->reg ? &op->reg->ops : NULL; at && *at; at = &(*at)->next)
		if (*at == op) {
			*at = op->next;
			break;
		}
	if (op->id && t)
		turn_rec(t, REC_OP_DEL)->del.id = op->id;
	op_free(s, op);
}

void srv_op_done(
	struct srv_op *op, int status, const char *type, const char *detail, struct turn *t)
{
	if (op->ticket && t)
		turn_done(t, op->ticket, status, type, detail);
	op->ticket = 0;
}

void srv_op_answer(struct srv_op *op, const struct msg *m, struct turn *t)
{
	char text[64];
	uint8_t code[8];
	struct writer w = wr_make(code, sizeof(code));
	if (!op->ticket)
		return;
	bool good = msg_code_class(m->code) == 2;
	wr_code(&w, m->code);
	snprintf(text, sizeof(text), "the device answered %.*s", (int)w.n, (const char *)code);
	struct effect_done e = {.ticket = op->ticket,
		.status = good ? 200 : 502,
		.type = good ? NULL : "device-error",
		.has_response = true,
		.code = m->code,
		.content_format = -1};
	uint32_t cf;
	if (msg_get_uint(m, OPT_CONTENT_FORMAT, &cf))
		e.content_format = (int32_t)cf;
	e.payload = turn_dup(t, m->payload);
	if (!good)
		e.detail = turn_dup(t, span_str(text));
	turn_effect(t, EFFECT_DONE)->done = e;
	op->ticket = 0;
}

enum err srv_ask(struct srv *s, struct srv_reg *g, struct msg *m, bool observe, void *user,
	struct turn *t, struct ep_request **out)
{
	struct ep_request_opts o = {.endpoint = g->endpoint,
		.ctx = g->ctx,
		.peer = g->peer,
		.msg = m,
		.observe = observe,
		.role = REC_ROLE_SERVER,
		.user = user};
	return ep_request_start(s->x, &o, t, out);
}

static enum err attempt(struct srv *s, struct srv_op *op, struct turn *t)
{
	static const uint8_t code[] = {
		[SRV_READ] = MSG_GET, [SRV_WRITE] = MSG_PUT, [SRV_EXECUTE] = MSG_POST};
	const struct srv_attempt *a = &op->attempt[op->attempt_at];
	char text[LWM_PATH_TEXT_MAX];
	struct msg m;
	msg_init(&m, MSG_CON, code[op->kind]);
	enum err err =
		lwm_path_to_options(&op->path, span_str(op->reg->list.alt), &m, text, sizeof(text));
	m.payload = span_make(a->payload, a->n);
	if (!err && op->kind == SRV_READ)
		err = msg_add_uint(&m, OPT_ACCEPT, a->cf);
	else if (!err && a->n)
		err = msg_add_uint(&m, OPT_CONTENT_FORMAT, a->cf);
	return err ? err : srv_ask(s, op->reg, &m, false, op, t, &op->request);
}

static enum err add_attempt(struct srv_op *op, uint16_t cf, struct span payload)
{
	struct srv_attempt *a = &op->attempt[op->attempt_n];
	a->cf = cf;
	a->n = payload.n;
	if (payload.n) {
		a->payload = malloc(payload.n);
		if (!a->payload)
			return ERR_NOMEM;
		memcpy(a->payload, payload.p, payload.n);
	}
	op->attempt_n++;
	return ERR_OK;
}

/* The values of `d` in that format as one more attempt; ERR_SPACE above the limit of bodies. */
static enum err add_encoded(struct srv_op *op, const struct srv_dm *d, uint16_t cf, size_t limit)
{
	const struct lwm_format *f = lwm_format(cf);
	enum err err = f && f->encode ? ERR_SPACE : ERR_UNSUPPORTED;
	for (size_t cap = 0; err == ERR_SPACE && cap < limit;) {
		cap = cap ? cap * 2 : ENCODE_FIRST;
		if (cap > limit)
			cap = limit;
		uint8_t *buf = malloc(cap);
		if (!buf)
			return ERR_NOMEM;
		struct writer w = wr_make(buf, cap);
		err = f->encode(d->records, d->record_n, &d->path, NULL, &w);
		if (!err)
			err = add_attempt(op, cf, wr_span(&w));
		secret_wipe(buf, cap);
		free(buf);
	}
	return err;
}

/* One way to put it for each format that can carry it. */
static enum err prepare_write(struct srv_op *op, const struct srv_dm *d, size_t limit)
{
	uint16_t cf[SRV_FORMATS_MAX];
	enum err last = ERR_UNSUPPORTED;
	size_t n = srv_formats(&d->path, d->content_format, cf);
	for (size_t i = 0; i < n; i++) {
		enum err err = add_encoded(op, d, cf[i], limit);
		if (err)
			last = err;
	}
	if (d->record_n == 1 && d->path.n == 3 && d->path.id[0] == 1 && d->path.id[2] == 1 &&
		d->records[0].value.type == LWM_INTEGER && d->records[0].value.i >= 0 &&
		d->records[0].value.i <= UINT32_MAX) {
		op->sets_lifetime = true;
		op->lifetime_s = (uint32_t)d->records[0].value.i;
	}
	return op->attempt_n ? ERR_OK : last;
}

static enum err prepare(struct srv *s, struct srv_op *op, const struct srv_dm *d)
{
	uint16_t cf[SRV_FORMATS_MAX];
	enum err err = ERR_OK;
	if (d->kind == SRV_WRITE)
		return prepare_write(op, d, ep_body_limit_bytes(s->x));
	if (d->kind == SRV_EXECUTE)
		return add_attempt(op, LWM_CF_TEXT, d->arguments);
	size_t n = srv_formats(&d->path, d->content_format, cf);
	for (size_t i = 0; i < n && !err; i++)
		err = add_attempt(op, cf[i], SPAN_EMPTY);
	return err;
}

static void record_op(struct srv *s, struct srv_op *op, struct turn *t)
{
	uint8_t text[LWM_PATH_TEXT_MAX + 1];
	struct writer w = wr_make(text, sizeof(text));
	wr_path(&w, &op->path);
	op->id = s->dir->next_id++;
	struct span path = turn_dup(t, wr_span(&w));
	turn_rec(t, REC_OP_PUT)->op = (struct rec_op){.id = op->id,
		.endpoint_id = op->endpoint->id,
		.kind = span_str(kinds[op->kind].name),
		.path = path,
		.created_wall_s = t->wall_ms / 1000};
}

static void refuse(uint64_t ticket, enum err err, struct turn *t)
{
	switch (err) {
	case ERR_SPACE:
		turn_done(t, ticket, 413, "too-large",
			"the payload is longer than [server] body_limit allows");
		break;
	case ERR_UNSUPPORTED:
	case ERR_RANGE:
	case ERR_SYNTAX:
		turn_done(t, ticket, 422, "invalid",
			"no content format can carry these values there");
		break;
	case ERR_NOTFOUND:
		turn_done(t, ticket, 504, "no-address", "the device's address is not known");
		break;
	default:
		turn_done(t, ticket, 503, "overload",
			"too many requests are waiting for this device");
		break;
	}
}

static struct srv_op *op_new(struct srv *s, const struct srv_dm *d, struct srv_reg *g)
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
	op->path = d->path;
	op->ticket = d->ticket;
	op->next = g->ops;
	g->ops = op;
	return op;
}

static void start(struct srv *s, struct srv_op *op, const struct srv_dm *d, struct turn *t)
{
	enum err err = prepare(s, op, d);
	if (!err) {
		if (kinds[op->kind].kept)
			record_op(s, op, t);
		err = attempt(s, op, t);
	}
	if (err) {
		uint64_t ticket = op->ticket;
		op->ticket = 0;
		srv_op_finish(s, op, t);
		refuse(ticket, err, t);
	}
}

void srv_dm(struct srv *s, const struct srv_dm *d, struct turn *t)
{
	struct srv_view v;
	struct srv_reg *g = srv_reg_of(d->endpoint);
	srv_view(s, d->endpoint, t->now_ms, &v);
	s->count.operations++;
	if (!g && d->kind != SRV_CANCEL) {
		turn_done(
			t, d->ticket, 404, "not-registered", "the endpoint is not registered now");
		return;
	}
	if (v.asleep && d->kind != SRV_CANCEL) {
		turn_done(t, d->ticket, 504, "asleep",
			"the device uses queue mode and has been silent; try when it has been "
			"heard of");
		return;
	}
	if (d->kind == SRV_CANCEL) {
		srv_cancel(s, d, t);
		return;
	}
	struct srv_op *op = op_new(s, d, g);
	if (!op)
		turn_done(
			t, d->ticket, 503, "overload", "too many operations wait for this device");
	else if (d->kind == SRV_OBSERVE)
		srv_observe(s, op, d, t);
	else
		start(s, op, d, t);
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

static bool format_refused(uint8_t code)
{
	return code == MSG_NOT_ACCEPTABLE || code == MSG_UNSUPPORTED_FORMAT;
}

static void unanswered(struct srv_op *op, const struct ep_delivery *d, struct turn *t)
{
	if (d->kind == EP_CANCELLED)
		srv_op_done(op, 503, "cancelled",
			"the request could not be sent, or its context is gone", t);
	else if (d->request->hint)
		srv_op_done(op, 504, "timeout",
			"the device gave no protected answer; an unprotected error was ignored", t);
	else
		srv_op_done(op, 504, "timeout", "the device did not answer", t);
}

void srv_op_delivery(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t)
{
	op->request = NULL;
	if (d->kind == EP_RESPONSE && format_refused(d->msg->code) &&
		op->attempt_at + 1 < op->attempt_n) {
		op->attempt_at++;
		ep_request_end(s->x, d->request, t);
		if (!attempt(s, op, t))
			return;
		srv_op_done(op, 503, "overload", "the next content format could not be tried", t);
		srv_op_finish(s, op, t);
		return;
	}
	if (d->kind == EP_RESPONSE) {
		if (op->sets_lifetime && d->msg->code == MSG_CHANGED)
			apply_lifetime(s, op, t);
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
	if (!op->request || (kinds[op->kind].kept && op->request->state != EP_REQ_QUEUED))
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
		if (op->request && t)
			ep_request_end(s->x, op->request, t);
		srv_op_done(op, 503, type, why, t);
		g->ops = op->next;
		op->reg = NULL;
		srv_op_finish(s, op, t);
	}
}
