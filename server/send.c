/* SPDX-License-Identifier: Apache-2.0 */
/* Send: values that a device reports by itself (IR-09, IR-10; Core TS 6.4.6). */
#include "server/server_impl.h"

enum { ARENA_LIMIT = 16 << 20 };

/* Formats that name what they carry: there is no path to read others by. */
static const struct lwm_format *format_of(const struct msg *m)
{
	uint32_t cf;
	const struct lwm_format *f =
		msg_get_uint(m, OPT_CONTENT_FORMAT, &cf) ? lwm_format(cf) : NULL;
	if (!f || !f->decode || f->single_only || f->etch || f->cf == LWM_CF_TLV)
		return NULL;
	return f;
}

/* Any registered client may. An unprotected one is known by its address, if that is its alone. */
static struct srv_reg *sender(struct srv *s, const struct ep_delivery *d)
{
	struct map_cursor cursor = {0};
	if (d->endpoint)
		return srv_reg_of(d->endpoint);
	struct span from = span_make(&d->from, sizeof(d->from));
	struct srv_reg *g = map_each(&s->by_peer, from, &cursor);
	return g && !map_each(&s->by_peer, from, &cursor) ? g : NULL;
}

/* What is behind a gateway is registered elsewhere, or not at all; Resources are not listed. */
static bool known(const struct srv_reg *g, const struct lwm_record *r)
{
	const struct lwm_path *p = &r->path;
	if (r->prefix.n)
		return true;
	return p->n && lwm_object_list_has(&g->list, p->id[0], p->n > 1 ? p->id[1] : LWM_ID_NONE);
}

/* Whether an event can hold it, in whatever spelling. */
static bool fits(const struct lwm_value *v)
{
	switch (v->type) {
	case LWM_OPAQUE:
		return v->bytes.n <= SRV_TEXT_MAX;
	case LWM_STRING:
	case LWM_CORELNK:
		return v->bytes.n <= SRV_TEXT_MAX / 4;
	default:
		return true;
	}
}

struct refusal {
	uint8_t code;
	enum ep_reason why;
};

static struct refusal read_records(const struct srv_reg *g, const struct ep_delivery *d,
	const struct turn *t, struct lwm_records *out)
{
	const struct lwm_codec_opts o = {.now_s = (double)t->wall_ms / 1000,
		.alt = span_str(g->list.alt),
		.prefixed = true,
		.versions = srv_versions_of_all(g)};
	const struct lwm_path root = {0};
	const struct lwm_format *f = format_of(d->msg);
	enum err err = f ? f->decode(d->msg->payload, &root, &o, out) : ERR_SYNTAX;
	if (err == ERR_NOMEM || out->err == ERR_NOMEM)
		return (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD};
	if (err || out->err || !out->n)
		return (struct refusal){MSG_BAD_REQUEST, EP_REASON_SEND_PAYLOAD};
	for (size_t i = 0; i < out->n; i++) {
		if (!known(g, &out->v[i]))
			return (struct refusal){MSG_NOT_FOUND, EP_REASON_SEND_UNKNOWN};
		if (!fits(&out->v[i].value))
			return (struct refusal){MSG_TOO_LARGE, EP_REASON_SEND_PAYLOAD};
	}
	return (struct refusal){0};
}

/* As many events as it takes to tell every sample: only a single value makes a large one. */
static enum err tell(struct srv *s, const struct srv_reg *g, int32_t cf,
	const struct lwm_records *rec, struct turn *t)
{
	const struct lwm_versions versions = srv_versions_of_all(g);
	size_t n = rec->n;
	for (size_t at = 0; at < rec->n;) {
		if (n > rec->n - at)
			n = rec->n - at;
		struct writer w = wr_make(s->event, n > 1 ? SRV_EVENT_MAX : sizeof(s->event));
		s->opts.render_send(s->opts.render_arg, cf, &rec->v[at], n, &versions, &w);
		if (w.err && (w.err != ERR_SPACE || n == 1))
			return w.err;
		if (w.err) {
			n /= 2;
			continue;
		}
		ep_event(t, s->opts.next_event, "send", ep_name(g->endpoint), wr_span(&w));
		at += n;
	}
	return ERR_OK;
}

static struct refusal take(struct srv *s, const struct srv_reg *g, const struct ep_delivery *d,
	struct lwm_records *rec, struct turn *t)
{
	uint32_t cf = 0;
	struct refusal no = read_records(g, d, t, rec);
	if (no.code)
		return no;
	msg_get_uint(d->msg, OPT_CONTENT_FORMAT, &cf);
	if (tell(s, g, (int32_t)cf, rec, t))
		no = (struct refusal){MSG_UNAVAILABLE, EP_REASON_OVERLOAD};
	return no;
}

void srv_send(struct srv *s, struct ep_delivery *d, struct turn *t)
{
	struct srv_reg *g = sender(s, d);
	struct lwm_records rec;
	struct arena arena;
	if (!g) {
		srv_refuse(s, d, d->endpoint, EP_REASON_SEND_UNREGISTERED, MSG_BAD_REQUEST, t);
		return;
	}
	arena_init(&arena, ARENA_LIMIT);
	lwm_records_init(&rec, &arena);
	struct refusal no = take(s, g, d, &rec, t);
	arena_fini(&arena);
	if (no.code) {
		srv_refuse(s, d, g->endpoint, no.why, no.code, t);
		return;
	}
	srv_reg_heard(g, t);
	s->count.sends++;
	d->changed = true;
	ep_respond_code(s->x, d, MSG_CHANGED, t);
	srv_woken(s, g, t);
}
