/* SPDX-License-Identifier: Apache-2.0 */
/* Observations: wanted ones are kept in storage and set up again after every Register (IR-06). */
#include "server/queue.h"

#include "base/text.h"
#include "lwm2m/attrs.h"

#include <stdlib.h>
#include <string.h>

/* `names` NULL: no composite. */
static struct srv_observation *find(
	struct srv_endpoint *e, const struct lwm_target *at, const struct srv_names *names)
{
	struct srv_observation *o = e ? e->observations : NULL;
	while (o && !(lwm_path_eq(&o->path, &at->path) && lwm_prefix_eq(&o->prefix, &at->prefix) &&
			    srv_names_eq(o->names, names)))
		o = o->next;
	return o;
}

static struct lwm_target target_of(const struct srv_dm *d)
{
	return (struct lwm_target){d->prefix, d->path};
}

/* What `d` is about; NULL: its path alone. A composite of no names, or too many, is of none that
 * is there. */
static const struct srv_names *names_of(const struct srv_dm *d, struct srv_names *buf)
{
	if (d->kind != SRV_OBSERVE_COMPOSITE && d->kind != SRV_CANCEL_COMPOSITE)
		return NULL;
	if (!srv_names_of(d, buf))
		buf->n = 0;
	return buf;
}

static size_t count(const struct srv_endpoint *e)
{
	size_t n = 0;
	for (const struct srv_observation *o = e->observations; o; o = o->next)
		n++;
	return n;
}

static struct srv_observation *observation_new(struct srv *s, struct endpoint *e,
	const struct lwm_target *at, const struct srv_names *names, int32_t content_format,
	struct span attributes)
{
	struct srv_endpoint *se = srv_of(e);
	if (!se || count(se) >= SRV_OBSERVATIONS_MAX)
		return NULL;
	struct srv_observation *o = calloc(1, sizeof(*o));
	if (o && names)
		o->names = malloc(sizeof(*names));
	if (o && attributes.n)
		o->attributes = strndup((const char *)attributes.p, attributes.n);
	if (!o || (names && !o->names) || (attributes.n && !o->attributes)) {
		free(o ? o->names : NULL);
		free(o);
		return NULL;
	}
	if (names)
		*o->names = *names;
	o->endpoint = e;
	o->prefix = at->prefix;
	o->path = at->path;
	o->content_format = content_format;
	o->next = se->observations;
	se->observations = o;
	s->observation_n++;
	return o;
}

static void observation_free(struct srv *s, struct srv_observation *o, struct turn *t)
{
	struct srv_endpoint *se = o->endpoint->registration;
	struct srv_observation **at = &se->observations;
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	if (o->request && t)
		ep_request_end(s->x, o->request, t);
	if (o->id && t)
		turn_rec(t, REC_OP_DEL)->del.id = o->id;
	s->observation_n--;
	free(o->names);
	free(o->attributes);
	free(o);
}

static void record(struct srv *s, struct srv_observation *o, struct turn *t)
{
	uint8_t text[SRV_NAMES_MAX * (LWM_TARGET_TEXT_MAX + 1)], cf[16 + SRV_PARAMETERS_MAX];
	struct writer w = wr_make(text, sizeof(text)), c = wr_make(cf, sizeof(cf));
	if (o->names)
		srv_names_write(o->names, &w);
	else
		wr_target(&w, &o->prefix, &o->path);
	wr_fmt(&c, "%d%s%s", (int)o->content_format, o->attributes ? " " : "",
		o->attributes ? o->attributes : "");
	o->id = s->dir->next_id++;
	struct span path = turn_dup(t, wr_span(&w)), format = turn_dup(t, wr_span(&c));
	turn_rec(t, REC_OP_PUT)->op = (struct rec_op){.id = o->id,
		.endpoint_id = o->endpoint->id,
		.kind = o->names ? SPAN_LIT("observe-composite") : SPAN_LIT("observe"),
		.path = path,
		.created_wall_s = t->wall_ms / 1000,
		.result = format};
}

static size_t formats_for(const struct srv_observation *o, const struct srv_reg *g,
	uint16_t out[static SRV_FORMATS_MAX])
{
	const struct lwm_target at = {o->prefix, o->path};
	if (!o->names || o->content_format >= 0)
		return srv_formats(g, &at, SRV_USE_READ, o->content_format, out);
	out[0] = LWM_CF_SENML_CBOR;
	out[1] = LWM_CF_SENML_JSON;
	return 2;
}

/* The best format that was not refused in this try. ERR_NOTFOUND: none is left. */
static enum err next_format(const struct srv_observation *o, const struct srv_reg *g, uint16_t *out)
{
	uint16_t cf[SRV_FORMATS_MAX];
	size_t n = formats_for(o, g, cf);
	for (size_t i = 0; i < n; i++)
		if (!(o->tried & srv_format_bit(cf[i]))) {
			*out = cf[i];
			return ERR_OK;
		}
	return ERR_NOTFOUND;
}

static enum err ask(struct srv *s, struct srv_observation *o, struct srv_reg *g, struct turn *t)
{
	char text[LWM_PATH_TEXT_MAX];
	uint8_t body[SRV_NAMES_BODY_MAX];
	struct span alt = span_str(g->list.alt);
	struct msg m;
	uint16_t cf;
	if (next_format(o, g, &cf))
		return ERR_NOTFOUND;
	if (o->attributes && g->lwm2m < 12) /* it comes as an older client now */
		return ERR_UNSUPPORTED;
	o->asked = cf;
	msg_init(&m, MSG_CON, o->names ? MSG_FETCH : MSG_GET);
	enum err err = lwm_target_to_options(&o->prefix, &o->path, alt, &m, text, sizeof(text));
	if (!err && o->names)
		err = srv_names_request(o->names, alt, cf, body, &m);
	else if (!err)
		err = msg_add_uint(&m, OPT_ACCEPT, cf);
	if (!err && o->attributes)
		err = lwm_attrs_to_options(span_str(o->attributes), UINT16_MAX, &m);
	return err ? err : srv_ask(s, g, &m, true, o, t, &o->request);
}

void srv_observe(struct srv *s, struct srv_op *op, const struct srv_dm *d, struct turn *t)
{
	struct srv_names buf;
	const struct srv_names *names = names_of(d, &buf);
	const struct lwm_target at = target_of(d);
	struct srv_observation *o = find(op->endpoint->registration, &at, names);
	const char *why = "too many observations of this endpoint";
	if (o && !span_eq(span_str(o->attributes), d->attributes)) {
		srv_op_done(op, 409, "conflict",
			"it is observed with other parameters: cancel that first", t);
		srv_op_finish(s, op, t);
		return;
	}
	if (o && (o->request || o->op)) {
		why = o->active ? "it is observed already" : "it is being set up already";
		srv_op_done(op, o->active ? 200 : 409, o->active ? NULL : "conflict", why, t);
		srv_op_finish(s, op, t);
		return;
	}
	enum err err = ERR_NOMEM;
	bool wanted = o != NULL; /* by an earlier call that was told so */
	if (!o) {
		o = observation_new(s, op->endpoint, &at, names, d->content_format, d->attributes);
		if (o)
			record(s, o, t);
	}
	if (o) {
		o->op = op;
		o->tried = 0;
		err = ask(s, o, op->reg, t);
		if (!err)
			return;
		why = err == ERR_STATE ? SRV_USED_UP : "the request could not be sent";
		o->op = NULL;
		if (wanted)
			op->reg->settled = false;
		else
			observation_free(s, o, t);
	}
	srv_op_done(op, 503, err == ERR_STATE ? "key-limit" : "overload", why, t);
	srv_op_finish(s, op, t);
}

void srv_cancel(struct srv *s, const struct srv_dm *d, struct turn *t)
{
	struct srv_names buf;
	const struct lwm_target at = target_of(d);
	struct srv_observation *o = find(d->endpoint->registration, &at, names_of(d, &buf));
	if (!o) {
		turn_done(t, d->ticket, 404, "not-observed",
			d->kind == SRV_CANCEL ? "this path is not observed"
					      : "these paths are not observed together");
		return;
	}
	/* Whether the device hears of it or not, it is wanted no more: a later notification is
	 * answered with a Reset. */
	if (o->op) {
		srv_op_done(o->op, 503, "cancelled", "the observation was cancelled", t);
		srv_op_finish(s, o->op, t);
		o->op = NULL;
	}
	if (o->id)
		turn_rec(t, REC_OP_DEL)->del.id = o->id;
	o->id = 0;
	if (!o->request || ep_request_cancel(s->x, o->request, t))
		observation_free(s, o, t);
	else
		o->active = false;
	if (!srv_reg_of(d->endpoint))
		srv_orphan(s, d->endpoint);
	turn_done(t, d->ticket, 204, NULL, NULL);
}

void srv_observations_settle(struct srv *s, struct srv_reg *g, struct turn *t)
{
	struct srv_endpoint *se = g->endpoint->registration;
	struct srv_refusal why;
	g->settled = true;
	for (struct srv_observation *o = se->observations; o; o = o->next) {
		if (o->request || !o->id)
			continue;
		/* When its device is back behind the gateway. */
		if (!srv_gateway_knows(g, lwm_prefix_span(&o->prefix), &o->path, &why))
			continue;
		o->tried = 0;
		if (ask(s, o, g, t))
			g->settled = false; /* at the next sign of life */
	}
}

void srv_observations_hold(struct srv *s, struct srv_reg *g, struct turn *t)
{
	struct srv_endpoint *se = g->endpoint->registration;
	for (struct srv_observation *o = se->observations; o; o = o->next) {
		if (!o->request || o->request->state != EP_REQ_QUEUED || o->op || !o->id)
			continue;
		ep_request_end(s->x, o->request, t);
		o->request = NULL;
		g->settled = false;
	}
}

void srv_observations_unsettle(struct srv *s, struct srv_endpoint *e, struct turn *t)
{
	for (struct srv_observation *o = e->observations, *next; o; o = next) {
		next = o->next;
		if (o->op) {
			srv_op_done(o->op, 503, "cancelled", "the registration ended", t);
			srv_op_finish(s, o->op, t);
			o->op = NULL;
		}
		if (o->request)
			ep_request_end(s->x, o->request, t);
		o->request = NULL;
		o->active = false;
		if (!o->id)
			observation_free(s, o, t);
	}
	if (e->reg)
		e->reg->settled = false;
}

void srv_observations_free(struct srv *s, struct srv_endpoint *e, struct turn *t)
{
	while (e->observations)
		observation_free(s, e->observations, t);
}

void srv_observations_leave(
	struct srv *s, struct srv_endpoint *e, const struct lwm_prefix *prefix, struct turn *t)
{
	for (struct srv_observation *o = e->observations; o; o = o->next) {
		if (!o->request || o->op || !o->id || !lwm_prefix_eq(&o->prefix, prefix))
			continue;
		ep_request_end(s->x, o->request, t);
		o->request = NULL;
		o->active = false;
	}
}

/* What is told of a payload that is too large to be shown, or to be rendered: its start. */
static void brief_json(
	const struct srv_observation *o, const struct msg *m, int32_t format, struct writer *w)
{
	wr_str(w, "{\"path\":\"");
	wr_path(w, &o->path);
	if (o->prefix.n) {
		wr_str(w, "\",\"prefix\":\"");
		wr_bytes(w, lwm_prefix_span(&o->prefix));
	}
	wr_str(w, "\",\"code\":\"");
	wr_code(w, m->code);
	wr_fmt(w, "\",\"content_format\":%d,\"payload_bytes\":%zu,\"payload_hex\":\"", (int)format,
		m->payload.n);
	wr_hex(w, span_sub(m->payload, 0, SRV_EVENT_PAYLOAD_MAX));
	wr_str(w, "\",\"values\":[]}");
}

static void notify(struct srv *s, struct srv_observation *o, const struct msg *m, struct turn *t)
{
	uint32_t cf;
	int32_t format = msg_get_uint(m, OPT_CONTENT_FORMAT, &cf) ? (int32_t)cf : -1;
	const struct srv_reg *g = srv_reg_of(o->endpoint);
	struct span alt = span_str(g ? g->list.alt : NULL);
	struct lwm_versions versions = {.prefix = lwm_prefix_span(&o->prefix)};
	if (g)
		versions = srv_versions(g, &o->prefix);
	struct writer w = wr_make(s->event, SRV_EVENT_MAX);
	bool whole = s->opts.render && m->payload.n <= SRV_EVENT_PAYLOAD_MAX;
	if (whole)
		s->opts.render(s->opts.render_arg, &o->path, m->code, format, m->payload, alt,
			&versions, &w);
	if (!whole || w.err) {
		w = wr_make(s->event, SRV_EVENT_MAX);
		brief_json(o, m, format, &w);
	}
	o->notifications++;
	o->last_wall_s = t->wall_ms / 1000;
	s->count.notifications++;
	ep_event(t, s->opts.next_event, "notification", ep_name(o->endpoint), wr_span(&w));
	if (o->prefix.n)
		return;
	srv_fw_notified(s, o->endpoint, &o->path, t);
	if (g)
		srv_gateway_notified(srv_reg_of(o->endpoint), &o->path);
}

static void end_request(struct srv *s, struct srv_observation *o, struct turn *t)
{
	ep_request_end(s->x, o->request, t);
	o->request = NULL;
	o->active = false;
}

/* The device said no, or did not observe. With an administrator waiting the observation ends; one
 * that is set up again stays wanted. */
static void refused(struct srv *s, struct srv_observation *o, const struct msg *m, struct turn *t)
{
	struct srv_op *op = o->op;
	bool good = msg_code_class(m->code) == 2;
	o->op = NULL;
	if (op) {
		if (good)
			srv_op_done(op, 502, "not-observable",
				"the device answered, but did not take up the observation", t);
		else
			srv_op_answer(op, m, t);
		srv_op_finish(s, op, t);
	}
	end_request(s, o, t);
	if (op || !o->id)
		observation_free(s, o, t);
}

static bool try_next_format(struct srv *s, struct srv_observation *o, struct msg *m, struct turn *t)
{
	struct srv_reg *g = srv_reg_of(o->endpoint);
	uint16_t cf;
	if (m->code != MSG_NOT_ACCEPTABLE && m->code != MSG_UNSUPPORTED_FORMAT)
		return false;
	if (!g || !srv_format_bit(o->asked))
		return false;
	o->tried |= srv_format_bit(o->asked);
	if (next_format(o, g, &cf))
		return false;
	struct ep_request *old = o->request;
	o->request = NULL;
	if (ask(s, o, g, t)) {
		o->request = old;
		m->payload = SPAN_EMPTY; /* the try has used its memory */
		return false;
	}
	ep_request_end(s->x, old, t);
	return true;
}

static void answered(
	struct srv *s, struct srv_observation *o, struct ep_delivery *d, struct turn *t)
{
	if (d->request->cancel) {
		end_request(s, o, t);
		observation_free(s, o, t);
		return;
	}
	if (!d->request->observed) {
		if (!try_next_format(s, o, d->msg, t))
			refused(s, o, d->msg, t);
		return;
	}
	o->active = true;
	struct srv_op *op = o->op;
	struct srv_reg *g = srv_reg_of(o->endpoint);
	if (g && !o->names)
		srv_formats_learn(g, SRV_USE_READ, o->asked, o->tried);
	o->op = NULL;
	if (op) {
		srv_op_answer(op, d->msg, t);
		srv_op_finish(s, op, t);
	}
	notify(s, o, d->msg, t);
}

/* Not observed any more: the next sign of life sets it up again, unless nobody wants it. */
static void ended(struct srv *s, struct srv_observation *o)
{
	struct srv_reg *g = srv_reg_of(o->endpoint);
	if (!o->id)
		observation_free(s, o, NULL);
	else if (g)
		g->settled = false;
}

static void unanswered(struct srv *s, struct srv_observation *o, struct turn *t)
{
	struct srv_op *op = o->op;
	o->op = NULL;
	if (op) {
		srv_op_done(op, 504, "timeout",
			"the device did not answer; its next Update sets the observation up", t);
		srv_op_finish(s, op, t);
	}
	end_request(s, o, t);
	ended(s, o);
}

void srv_observation_delivery(
	struct srv *s, struct srv_observation *o, struct ep_delivery *d, struct turn *t)
{
	switch (d->kind) {
	case EP_RESPONSE:
		answered(s, o, d, t);
		break;
	case EP_NOTIFICATION:
		notify(s, o, d->msg, t);
		if (msg_code_class(d->msg->code) !=
			2) { /* the device has ended it; it stays wanted */
			end_request(s, o, t);
			ended(s, o);
		}
		break;
	case EP_TIMEOUT:
	case EP_CANCELLED:
		unanswered(s, o, t);
		break;
	case EP_NOTHING:
	case EP_REQUEST:
	case EP_RECOVERED:
		break;
	}
}

void srv_observations(
	const struct srv *s, const struct endpoint *e, srv_observation_fn *fn, void *arg)
{
	(void)s;
	const struct srv_endpoint *se = e->registration;
	for (const struct srv_observation *o = se ? se->observations : NULL; o; o = o->next) {
		struct srv_observation_view v = {.prefix = o->prefix,
			.path = o->path,
			.attributes = span_str(o->attributes),
			.paths = o->names ? o->names->v : NULL,
			.path_n = o->names ? o->names->n : 0,
			.active = o->active,
			.notifications = o->notifications,
			.last_wall_s = o->last_wall_s};
		fn(arg, &v);
	}
}

/* "-1" or a number; behind a space the parameters. */
static int32_t stored_format(struct span s, struct span *attributes)
{
	uint64_t v;
	const uint8_t *space = s.n ? memchr(s.p, ' ', s.n) : NULL;
	size_t n = space ? (size_t)(space - s.p) : s.n;
	*attributes = space ? span_sub(s, n + 1, s.n) : SPAN_EMPTY;
	return span_to_u64(span_sub(s, 0, n), 65535, &v) ? -1 : (int32_t)v;
}

enum err srv_load_op(struct srv *s, struct endpoint *e, const struct rec_op *r, struct turn *t)
{
	struct lwm_target at = {.path = {0}};
	struct srv_names names;
	if (r->state)
		return srv_queue_load(s, e, r, t);
	bool composite = span_eq_str(r->kind, "observe-composite");
	if (composite ? !srv_names_parse(r->path, &names) : lwm_target_parse(r->path, &at))
		return ERR_CORRUPT;
	if (composite || span_eq_str(r->kind, "observe")) {
		struct span attributes;
		int32_t cf = stored_format(r->result, &attributes);
		if (attributes.n && lwm_attrs_parse(attributes, &at.path, 0, NULL, NULL))
			return ERR_CORRUPT;
		struct srv_observation *o =
			observation_new(s, e, &at, composite ? &names : NULL, cf, attributes);
		if (!o)
			return ERR_NOMEM;
		o->id = r->id;
		return ERR_OK;
	}
	/* It was sent, perhaps done: it is never repeated. */
	uint8_t text[160];
	struct writer w = wr_make(text, sizeof(text));
	wr_str(&w, "{\"operation\":");
	wr_json_string(&w, r->kind);
	wr_str(&w, ",\"path\":\"");
	wr_path(&w, &at.path);
	if (at.prefix.n) {
		wr_str(&w, "\",\"prefix\":\"");
		wr_bytes(&w, lwm_prefix_span(&at.prefix));
	}
	wr_str(&w, "\"");
	wr_str(&w, ",\"outcome\":\"unknown\"}");
	ep_event(t, s->opts.next_event, "operation", ep_name(e), wr_span(&w));
	turn_rec(t, REC_OP_DEL)->del.id = r->id;
	return ERR_OK;
}
