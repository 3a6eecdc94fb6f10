/* SPDX-License-Identifier: Apache-2.0 */
/* A Read in parts: what a small device cannot answer whole (CT-53), or as a composite (CT-08,
 * CT-58), it is asked for piece by piece; the values of all pieces are one answer. They are not of
 * one moment, and the answer says so. Only reads: a Write-Composite in parts would not be all or
 * none. */
#include "server/server_impl.h"

#include "lwm2m/link.h"

#include <math.h>
#include <stdlib.h>

enum { PARTS_MAX = 512, RECORDS_MAX = 8192, ENCODE_FIRST = 1024 };

struct srv_parts {
	bool active;    /* it is under way; else: what a composite is about, just in case */
	bool discovers; /* the request under way asks what there is */
	bool good;      /* something was answered */
	uint8_t code;   /* the last refusal */
	struct lwm_target path[PARTS_MAX];
	size_t n, at;
	struct arena arena;     /* of the records */
	struct lwm_records rec; /* all values so far */
};

void srv_parts_free(struct srv_parts *k)
{
	if (!k)
		return;
	arena_fini(&k->arena);
	free(k);
}

bool srv_parts_active(const struct srv_op *op)
{
	return op->parts && op->parts->active;
}

static struct srv_parts *parts_new(const struct srv *s)
{
	struct srv_parts *k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	arena_init(
		&k->arena, ep_body_limit_bytes(s->x) + RECORDS_MAX * 2 * sizeof(struct lwm_record));
	lwm_records_init(&k->rec, &k->arena);
	return k;
}

enum err srv_parts_note(struct srv *s, struct srv_op *op, const struct srv_dm *d)
{
	if (d->record_n > PARTS_MAX)
		return ERR_OK;
	srv_parts_free(op->parts);
	op->parts = parts_new(s);
	if (!op->parts)
		return ERR_NOMEM;
	for (size_t i = 0; i < d->record_n; i++) {
		struct lwm_target *at = &op->parts->path[op->parts->n];
		const struct lwm_record *r = &d->records[i];
		if (r->prefix.n && lwm_prefix_set(r->prefix, &at->prefix))
			continue; /* it was checked before */
		at->path = r->path;
		op->parts->n++;
	}
	return ERR_OK;
}

/* ---- its end */

static enum err encode(const struct srv_parts *k, size_t limit_bytes, uint8_t **out, size_t *out_n)
{
	const struct lwm_path root = {0};
	const struct lwm_codec_opts o = {0};
	const struct lwm_format *f = lwm_format(LWM_CF_SENML_CBOR);
	enum err err = ERR_SPACE;
	for (size_t cap = ENCODE_FIRST; err == ERR_SPACE && cap <= 8 * limit_bytes; cap *= 2) {
		uint8_t *buf = malloc(cap);
		if (!buf)
			return ERR_NOMEM;
		struct writer w = wr_make(buf, cap);
		err = f->encode(k->rec.v, k->rec.n, &root, &o, &w);
		if (!err) {
			*out = buf;
			*out_n = w.n;
			return ERR_OK;
		}
		free(buf);
	}
	return err;
}

static void finish(struct srv *s, struct srv_op *op, struct turn *t)
{
	const struct srv_parts *k = op->parts;
	uint8_t *buf = NULL;
	struct msg m;
	size_t n = 0;
	msg_init(&m, MSG_ACK, k->good ? MSG_CONTENT : k->code);
	enum err err = k->good ? encode(k, ep_body_limit_bytes(s->x), &buf, &n) : ERR_OK;
	if (!err && k->good)
		err = msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_SENML_CBOR);
	m.payload = span_make(buf, n);
	if (err)
		srv_op_done(op, 503, "overload", "the parts of the answer do not fit together", t);
	else
		srv_op_answer(op, &m, t);
	free(buf);
	srv_op_finish(s, op, t);
}

/* ---- asking */

static enum err ask(struct srv *s, struct srv_op *op, struct turn *t)
{
	struct srv_parts *k = op->parts;
	struct srv_dm d = {.kind = k->discovers ? SRV_DISCOVER : SRV_READ,
		.prefix = k->path[k->at].prefix,
		.path = k->path[k->at].path,
		.content_format = -1,
		.depth = -1};
	srv_op_clear(op);
	op->kind = d.kind;
	op->prefix = d.prefix;
	op->path = d.path;
	enum err err = srv_op_prepare(s, op, &d);
	return err ? err : srv_op_send(s, op, t);
}

static void go_on(struct srv *s, struct srv_op *op, struct turn *t)
{
	const struct srv_parts *k = op->parts;
	if (k->at == k->n) {
		finish(s, op, t);
		return;
	}
	enum err err = ask(s, op, t);
	if (!err)
		return;
	srv_op_done(op, 503, err == ERR_STATE ? "key-limit" : "overload",
		err == ERR_STATE ? SRV_USED_UP : "the next part could not be asked for", t);
	srv_op_finish(s, op, t);
}

void srv_parts_start(struct srv *s, struct srv_op *op, struct turn *t)
{
	op->parts->active = true;
	go_on(s, op, t);
}

/* ---- smaller parts */

/* In the place of the part that is too large: what lies below it. False: that is too much. */
static bool replace(struct srv_parts *k, const struct lwm_path *with, size_t n)
{
	if (k->n - 1 + n > PARTS_MAX)
		return false;
	const struct lwm_prefix prefix = k->path[k->at].prefix;
	for (size_t i = k->n; n > 1 && i-- > k->at + 1;)
		k->path[i + n - 1] = k->path[i];
	for (size_t i = k->at; !n && i + 1 < k->n; i++)
		k->path[i] = k->path[i + 1];
	for (size_t i = 0; i < n; i++)
		k->path[k->at + i] = (struct lwm_target){prefix, with[i]};
	k->n = k->n - 1 + n;
	return true;
}

static size_t instances(
	const struct srv_reg *g, const struct lwm_target *at, struct lwm_path out[PARTS_MAX])
{
	const struct lwm_object_list *l = srv_list_of(g, lwm_prefix_span(&at->prefix));
	uint16_t oid = at->path.id[0];
	size_t n = 0;
	for (uint16_t i = 0; l && i < l->inst_n && n < PARTS_MAX; i++)
		if (l->inst[i].oid == oid && l->inst[i].iid != LWM_ID_NONE)
			out[n++] = (struct lwm_path){2, {oid, l->inst[i].iid}};
	return n;
}

static bool readable(
	const struct srv_reg *g, const struct lwm_prefix *prefix, const struct lwm_path *p)
{
	const struct lwm_versions versions = srv_versions(g, prefix);
	const struct lwm_resource *r = lwm_resource_of(&versions, p);
	return !r || r->ops & LWM_OP_R;
}

/* Links below a prefix should come without it (GW-04). */
static bool target_path(const struct srv_reg *g, const struct lwm_prefix *prefix,
	struct span target, struct lwm_path *p)
{
	struct span alt = span_str(g->list.alt);
	struct lwm_target t;
	if (alt.n && span_eq(span_sub(target, 0, alt.n), alt))
		target = span_sub(target, alt.n, target.n);
	if (lwm_target_parse(target, &t) || (t.prefix.n && !lwm_prefix_eq(&t.prefix, prefix)))
		return false;
	*p = t.path;
	return true;
}

/* What a Discover tells, as far as it can be read. */
static size_t discovered(const struct srv_reg *g, const struct lwm_target *at, struct span links,
	struct lwm_path out[PARTS_MAX])
{
	struct lwm_link l;
	size_t n = 0;
	while (n < PARTS_MAX && lwm_link_next(&links, &l) == ERR_OK) {
		struct lwm_path *p = &out[n];
		if (target_path(g, &at->prefix, l.target, p) && p->n == 3 &&
			lwm_path_under(p, &at->path) && readable(g, &at->prefix, p))
			n++;
	}
	return n;
}

/* What the model says there may be. */
static size_t modelled(
	const struct srv_reg *g, const struct lwm_target *at, struct lwm_path out[PARTS_MAX])
{
	const struct lwm_versions versions = srv_versions(g, &at->prefix);
	const struct lwm_path *p = &at->path;
	const struct lwm_object *o = lwm_object_of(&versions, p->id[0]);
	size_t n = 0;
	for (size_t i = 0; o && i < o->resource_n && n < PARTS_MAX; i++)
		if (o->resources[i].ops & LWM_OP_R)
			out[n++] = (struct lwm_path){3, {p->id[0], p->id[1], o->resources[i].rid}};
	return n;
}

/* An Object becomes its Instances; what an Instance becomes is asked for first. False: it can be
 * made no smaller. */
static bool smaller(const struct srv_op *op, struct srv_parts *k)
{
	struct lwm_path with[PARTS_MAX];
	const struct lwm_target *at = &k->path[k->at];
	if (at->path.n == 2)
		return k->discovers = true;
	if (at->path.n != 1)
		return false;
	size_t n = instances(op->reg, at, with);
	return n && replace(k, with, n);
}

static void take_links(const struct srv_op *op, struct srv_parts *k, const struct msg *m)
{
	struct lwm_path with[PARTS_MAX];
	const struct lwm_target at = k->path[k->at];
	size_t n = msg_code_class(m->code) == 2 ? discovered(op->reg, &at, m->payload, with) : 0;
	k->discovers = false;
	if (!n)
		n = modelled(op->reg, &at, with);
	if (!n || !replace(k, with, n))
		k->at++; /* nobody knows what it is made of */
}

/* ---- answers */

/* What has no spelling of its own goes as what it is not, and is told as a bad value again. */
static void spell(struct lwm_value *v, bool bad)
{
	if (bad)
		v->type = LWM_OPAQUE;
	else if (v->type == LWM_FLOAT && !isfinite(v->f))
		*v = (struct lwm_value){.type = LWM_STRING, .bytes = SPAN_LIT("not a number")};
}

static bool keep(struct srv_parts *k, const struct lwm_record *r)
{
	bool bad = r->kind == LWM_RECORD_BAD;
	enum err err = ERR_OK;
	if (r->kind != LWM_RECORD_VALUE && !bad)
		return true;
	struct lwm_record *to = k->rec.n < RECORDS_MAX ? lwm_records_add(&k->rec) : NULL;
	if (!to)
		return false;
	*to = *r;
	to->kind = LWM_RECORD_VALUE;
	to->prefix = arena_dup(&k->arena, lwm_prefix_span(&k->path[k->at].prefix), &err);
	spell(&to->value, bad);
	if (to->value.type == LWM_STRING || to->value.type == LWM_OPAQUE ||
		to->value.type == LWM_CORELNK)
		to->value.bytes = arena_dup(&k->arena, to->value.bytes, &err);
	return !err;
}

static bool take_values(
	const struct srv_op *op, struct srv_parts *k, const struct msg *m, const struct turn *t)
{
	uint32_t cf = LWM_CF_TEXT;
	msg_get_uint(m, OPT_CONTENT_FORMAT, &cf);
	const struct lwm_format *f = lwm_format(cf);
	const struct lwm_codec_opts o = {.now_s = (double)t->wall_ms / 1000,
		.alt = span_str(op->reg->list.alt),
		.behind = lwm_prefix_span(&op->prefix),
		.versions = srv_versions(op->reg, &op->prefix)};
	struct arena arena;
	struct lwm_records rec;
	arena_init(&arena, k->arena.limit_bytes);
	lwm_records_init(&rec, &arena);
	bool good = f && f->decode &&
		    f->decode(m->payload, &k->path[k->at].path, &o, &rec) == ERR_OK && !rec.err;
	for (size_t i = 0; good && i < rec.n; i++)
		good = keep(k, &rec.v[i]);
	arena_fini(&arena);
	return good;
}

static bool too_large(uint8_t code)
{
	return code == MSG_INTERNAL_ERROR || code == MSG_TOO_LARGE;
}

void srv_parts_answered(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t)
{
	struct srv_parts *k = op->parts;
	const struct msg *m = d->msg;
	bool good = msg_code_class(m->code) == 2, read = true;
	if (k->discovers) {
		take_links(op, k, m);
	} else if (good) {
		read = take_values(op, k, m, t);
		k->good = true;
		k->at++;
	} else if (!too_large(m->code) || !smaller(op, k)) {
		k->code = m->code; /* left out */
		k->at++;
	}
	ep_request_end(s->x, d->request, t);
	if (read) {
		go_on(s, op, t);
		return;
	}
	srv_op_done(
		op, 502, "device-error", "a part of the answer cannot be read, or is too much", t);
	srv_op_finish(s, op, t);
}

/* ---- whether there is a need */

/* What a device says that does not know FETCH and iPATCH, or what is in them. 4.05 to a
 * Write-Composite may as well mean that one of its targets is not writable. */
static bool knows_none(enum srv_dm_kind kind, uint8_t code)
{
	return (code == MSG_METHOD_NOT_ALLOWED && kind == SRV_READ_COMPOSITE) ||
	       code == MSG_BAD_OPTION || code == MSG_NOT_IMPLEMENTED;
}

static bool is_composite(enum srv_dm_kind kind)
{
	return kind == SRV_READ_COMPOSITE || kind == SRV_WRITE_COMPOSITE;
}

/* It is there, for it has acknowledged the request, and then said nothing (CT-08). */
static bool fell_silent(const struct ep_delivery *d)
{
	return d->kind == EP_TIMEOUT && d->request->exch.acked;
}

void srv_parts_learn(struct srv_op *op, const struct ep_delivery *d)
{
	if (!is_composite(op->kind) || !op->reg)
		return;
	if (fell_silent(d) || (d->kind == EP_RESPONSE && knows_none(op->kind, d->msg->code)))
		op->reg->no_composite = true;
}

static bool composite_in_parts(const struct srv_op *op, const struct ep_delivery *d)
{
	if (!op->parts || op->wants_format)
		return false;
	if (d->kind != EP_RESPONSE)
		return fell_silent(d);
	uint8_t code = d->msg->code;
	return msg_code_class(code) != 2 && code != MSG_UNAUTHORIZED && code != MSG_FORBIDDEN &&
	       code != MSG_UNAVAILABLE;
}

/* The whole is the first part, and just has turned out to be too large. */
static bool read_in_parts(struct srv *s, struct srv_op *op, const struct ep_delivery *d)
{
	if (d->kind != EP_RESPONSE || !too_large(d->msg->code) || op->wants_format ||
		op->path.n > 2)
		return false;
	struct srv_parts *k = op->parts = parts_new(s);
	if (!k)
		return false;
	k->path[0] = (struct lwm_target){op->prefix, op->path};
	k->n = 1;
	k->code = d->msg->code;
	if (smaller(op, k))
		return true;
	srv_parts_free(k);
	op->parts = NULL;
	return false;
}

bool srv_parts_begin(struct srv *s, struct srv_op *op, struct ep_delivery *d, struct turn *t)
{
	bool needed = op->kind == SRV_READ_COMPOSITE ? composite_in_parts(op, d)
		      : op->kind == SRV_READ         ? read_in_parts(s, op, d)
						     : false;
	if (!needed || !op->reg)
		return false;
	ep_request_end(s->x, d->request, t);
	srv_parts_start(s, op, t);
	return true;
}
