/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap/bootstrap.h"

#include "base/secret.h"
#include "bootstrap/session.h"
#include "lwm2m/format.h"
#include "lwm2m/regparam.h"

#include <fnmatch.h>
#include <stdlib.h>

struct bs_endpoint *bs_of(struct endpoint *e)
{
	if (!e->session) {
		struct bs_endpoint *be = calloc(1, sizeof(*be));
		if (be)
			be->last_result = "";
		e->session = be;
	}
	return e->session;
}

enum err bs_new(const struct bs_opts *o, struct bs **out)
{
	struct bs *b = calloc(1, sizeof(*b));
	if (!b)
		return ERR_NOMEM;
	b->opts = *o;
	if (o->configured)
		bs_plan_ref(o->configured);
	b->x = o->exchange;
	b->dir = ep_exchange_directory(o->exchange);
	wheel_init(&b->wheel, o->now_ms);
	*out = b;
	return ERR_OK;
}

void bs_forget_endpoint(struct bs *b, struct endpoint *e)
{
	struct bs_endpoint *be = e->session;
	if (!be)
		return;
	if (be->session)
		bs_session_free(b, be->session);
	bs_reads_forget(b, be);
	bs_plan_unref(be->own);
	free(be);
	e->session = NULL;
}

bool bs_has_plan(const struct endpoint *e)
{
	const struct bs_endpoint *be = e->session;
	return be && be->own;
}

void bs_free(struct bs *b)
{
	if (!b)
		return;
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&b->dir->by_name, &cursor));)
		bs_forget_endpoint(b, e);
	bs_plan_unref(b->stored);
	bs_plan_unref(b->opts.configured);
	free(b);
}

static bool rotates(const struct bs_plan *p)
{
	bool any = p->rotate_days > 0;
	for (size_t i = 0; i < p->pattern_n; i++)
		any = any || p->pattern[i].plan->rotate_days > 0;
	return any;
}

bool bs_rotates(const struct bs *b)
{
	return b->rotates;
}

/* Reads a plan and puts it in its place. */
static enum err set_plan(struct bs *b, struct endpoint *e, struct span json, struct bs_refusal *no)
{
	struct bs_plan *p;
	struct bs_endpoint *be = e ? bs_of(e) : NULL;
	if (e && !be)
		return ERR_NOMEM;
	enum err err = bs_plan_parse(json, e ? BS_PLAN_OWN : BS_PLAN_DEFAULT, &p, no);
	if (err)
		return err;
	struct bs_plan **slot = e ? &be->own : &b->stored;
	bs_plan_unref(*slot);
	*slot = p;
	b->stored_lost &= e != NULL;
	b->rotates |= rotates(p);
	return ERR_OK;
}

enum err bs_load_plan(struct bs *b, struct endpoint *e, struct span json)
{
	struct bs_refusal no;
	return set_plan(b, e, json, &no);
}

static void record(struct turn *t, const struct endpoint *e, const struct bs_plan *p)
{
	uint8_t *text = malloc(BS_JSON_MAX);
	struct writer w = wr_make(text, text ? BS_JSON_MAX : 0);
	bs_plan_write(p, true, &w);
	if (w.err && !t->err)
		t->err = text ? w.err : ERR_NOMEM;
	turn_rec(t, REC_PLAN_PUT)->plan =
		(struct rec_plan){.endpoint_id = e ? e->id : 0, .json = turn_dup(t, wr_span(&w))};
	if (text)
		secret_wipe(text, w.n);
	free(text);
}

enum err bs_load_no_plan(struct bs *b, struct endpoint *e)
{
	struct bs_plan *none = calloc(1, sizeof(*none));
	struct bs_endpoint *be = e ? bs_of(e) : NULL;
	if (!none || (e && !be)) {
		free(none);
		return ERR_NOMEM;
	}
	none->refs = 1;
	struct bs_plan **slot = e ? &be->own : &b->stored;
	bs_plan_unref(*slot);
	*slot = none;
	b->stored_lost |= !e;
	return ERR_OK;
}

enum err bs_plan_put(
	struct bs *b, struct endpoint *e, struct span json, struct turn *t, struct bs_refusal *no)
{
	enum err err = set_plan(b, e, json, no);
	struct bs_endpoint *be = e ? e->session : NULL;
	if (err)
		return err;
	record(t, e, be ? be->own : b->stored);
	if (be && be->session)
		bs_session_correct(b, be->session, be->own, t);
	return ERR_OK;
}

enum err bs_plan_delete(struct bs *b, struct endpoint *e, struct turn *t)
{
	struct bs_endpoint *be = e ? e->session : NULL;
	struct bs_plan **slot = e ? (be ? &be->own : NULL) : &b->stored;
	if (!slot || !*slot)
		return ERR_NOTFOUND;
	bs_plan_unref(*slot);
	*slot = NULL;
	b->stored_lost &= e != NULL;
	turn_rec(t, REC_PLAN_DEL)->plan.endpoint_id = e ? e->id : 0;
	return ERR_OK;
}

/* Its own, the first of which the pattern is its name's, the stored default, the configured one. */
static struct bs_plan *plan_of(const struct bs *b, const struct endpoint *e)
{
	const struct bs_endpoint *be = e ? e->session : NULL;
	if (be && be->own)
		return be->own;
	for (size_t i = 0; e && b->stored && i < b->stored->pattern_n; i++)
		if (!fnmatch(b->stored->pattern[i].match, e->name, 0))
			return b->stored->pattern[i].plan;
	return bs_plan_acts(b->stored) || b->stored_lost ? b->stored : b->opts.configured;
}

void bs_refuse(
	struct bs *b, struct ep_delivery *d, enum ep_reason why, uint8_t code, struct turn *t)
{
	b->count.refused++;
	ep_refused(b->x, d, d->endpoint, why, t);
	ep_respond_code(b->x, d, code, t);
}

/* The plan of who asks; NULL: the request was refused. */
static struct bs_plan *admit(
	struct bs *b, struct ep_delivery *d, struct lwm_reg_params *p, struct turn *t)
{
	enum ep_reason why = EP_REASON_NO_PLAN;
	uint8_t code = MSG_BAD_REQUEST;
	struct bs_plan *plan = NULL;
	b->count.requests++;
	if (!d->endpoint) { /* keys go out under protection or not at all */
		why = EP_REASON_NOSEC;
		code = MSG_UNAUTHORIZED;
	} else if (lwm_reg_params_parse(d->msg, p)) {
		why = EP_REASON_PARAMETERS;
	} else if (p->has_ep && !span_eq(p->ep, ep_bs_name(d->endpoint))) {
		why = EP_REASON_EP_MISMATCH;
	} else {
		plan = plan_of(b, d->endpoint);
	}
	if (bs_plan_acts(plan))
		return plan;
	bs_refuse(b, d, why, code, t);
	return NULL;
}

/* What was begun for it is over: the device starts anew (BS-32). */
static void start_over(struct bs *b, struct ep_delivery *d, struct turn *t)
{
	struct bs_endpoint *be = d->endpoint->session;
	if (be && be->session)
		bs_session_end(b, be->session, "the device asked again", t);
	if (d->ctx)
		ep_respond_forget(b->x, d->ctx);
}

/* Bootstrap-Request (BS-01 to BS-04). */
static void bootstrap_request(struct bs *b, struct ep_delivery *d, struct turn *t)
{
	struct lwm_reg_params p;
	struct bs_plan *plan = admit(b, d, &p, t);
	if (!plan)
		return;
	const struct lwm_format *f = p.has_pct ? lwm_format(p.pct) : lwm_format(LWM_CF_TLV);
	if (!f || !f->encode || f->single_only || f->etch) {
		bs_refuse(b, d, EP_REASON_PLAN_FORMAT, MSG_UNSUPPORTED_FORMAT, t);
		return;
	}
	struct endpoint *e = d->endpoint;
	struct bs_way way = {d->ctx, d->from};
	start_over(b, d, t);
	d->changed = true;
	ep_respond_code(b->x, d, MSG_CHANGED, t);
	if (bs_session_start(b, e, &way, plan, f->cf, t))
		ep_note(b->dir, e, EP_REASON_OVERLOAD, t->wall_ms);
}

enum err bs_begin(struct bs *b, struct endpoint *e, struct turn *t)
{
	const struct bs_endpoint *be = e->session;
	struct bs_plan *plan = plan_of(b, e);
	/* A new account that it took counts, although it has not used it yet. */
	struct ep_context *c = ep_context_newest(e, REC_ROLE_BOOTSTRAP, REC_GEN_ACKNOWLEDGED);
	if (!b->opts.unasked)
		return ERR_UNSUPPORTED;
	if (!c)
		return ERR_NOTFOUND;
	if (!c->fresh || !c->peer)
		return ERR_STATE;
	if (be && be->session)
		return ERR_BUSY;
	if (!bs_plan_acts(plan))
		return ERR_CONFLICT;
	struct bs_way way = {c, c->peer->peer};
	ep_respond_forget(b->x, c);
	return bs_session_start(b, e, &way, plan, LWM_CF_TLV, t);
}

/* Whatever is no 2.05 leads the device on to /bs (BS-20, CT-90). */
static void pack_request(struct bs *b, struct ep_delivery *d, struct turn *t)
{
	struct lwm_reg_params p;
	if (!b->opts.pack || !d->ctx) { /* in a channel /bs serves */
		bs_refuse(b, d, EP_REASON_NO_PACK, MSG_NOT_IMPLEMENTED, t);
		return;
	}
	struct bs_plan *plan = admit(b, d, &p, t);
	if (!plan)
		return;
	start_over(b, d, t);
	bs_pack(b, d, &p, plan, t);
}

void bs_request(struct bs *b, struct ep_delivery *d, struct turn *t)
{
	const struct opt *a = msg_find(d->msg, OPT_URI_PATH);
	bool one = a && !msg_next(d->msg, a);
	bool pack = one && span_eq_str(a->val, "bspack");
	if (!pack && (!one || !span_eq_str(a->val, "bs")))
		bs_refuse(b, d, EP_REASON_NO_PATH, MSG_NOT_FOUND, t);
	else if (d->msg->code != (pack ? MSG_GET : MSG_POST))
		bs_refuse(b, d, EP_REASON_METHOD, MSG_METHOD_NOT_ALLOWED, t);
	else if (pack)
		pack_request(b, d, t);
	else
		bootstrap_request(b, d, t);
}

void bs_response(struct bs *b, struct ep_delivery *d, struct turn *t)
{
	bs_session_delivery(b, d->request->user, d, t);
}

void bs_timer(struct bs *b, struct turn *t)
{
	struct timer *due;
	while ((due = wheel_expire(&b->wheel, t->now_ms)))
		bs_session_end(
			b, (struct bs_session *)due, "the device has been silent for too long", t);
}

uint64_t bs_deadline_ms(const struct bs *b)
{
	return wheel_next_ms(&b->wheel);
}

void bs_context_gone(struct bs *b, struct ep_context *c, struct turn *t)
{
	struct bs_endpoint *be = c->endpoint->session;
	if (be && be->packed == c) {
		be->packed = NULL;
		for (struct ep_context *o = c->endpoint->contexts; o; o = o->next_of_endpoint)
			ep_respond_forget(b->x, o);
	}
	const struct bs_session *s = be ? be->session : NULL;
	if (s && (s->ctx == c || s->keys[BS_KEYS_SERVER].made == c ||
			 s->keys[BS_KEYS_BOOTSTRAP].made == c))
		bs_session_end(b, be->session, "its credentials were removed", t);
}

void bs_view(const struct bs *b, const struct endpoint *e, struct bs_view *out)
{
	static const char *const states[] = {[BS_DISCOVER] = "discover",
		[BS_READ] = "read",
		[BS_DELETE] = "delete",
		[BS_WRITE_SECURITY] = "write",
		[BS_WRITE_SERVER] = "write",
		[BS_WRITE_ACCESS] = "write",
		[BS_WRITE_OSCORE] = "write",
		[BS_WRITE_BOOTSTRAP] = "write",
		[BS_FINISH] = "finish",
		[BS_REFUSED] = "refused"};
	const struct bs_endpoint *be = e ? e->session : NULL;
	*out = (struct bs_view){.plan = e || !b->stored ? plan_of(b, e) : b->stored,
		.state = "idle",
		.last_result = ""};
	if (!be)
		return;
	out->own_plan = be->own != NULL;
	if (be->packed)
		out->state = "packed";
	if (be->session)
		out->state = states[be->session->step];
	out->last_result = be->last_result;
	out->last_wall_s = be->last_wall_s;
	out->reads = span_make(be->reads, be->reads_n);
}

const struct bs_counters *bs_counters(const struct bs *b)
{
	return &b->count;
}

size_t bs_sessions(const struct bs *b)
{
	return b->session_n;
}
