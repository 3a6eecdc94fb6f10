/* SPDX-License-Identifier: Apache-2.0 */
/* Composites, seen from the device: FETCH and iPATCH of the root (lwm2m.md DM-17 to DM-19). */
#include "device/inner.h"

static enum err decode_names(
	struct dev_call *c, const struct lwm_format *f, struct lwm_records *out)
{
	struct lwm_codec_opts opts = {.fetch = true, .prefixed = c->d->behind_n > 0};
	struct lwm_path root = {0};
	lwm_records_init(out, &c->d->host->scratch);
	enum err err = f->decode(c->body, &root, &opts, out);
	return err ? err : out->err;
}

/* A device that has composites has the formats for them, whatever else it has. */
static const struct lwm_format *body_format(struct dev_call *c)
{
	uint32_t cf;
	if (!msg_get_uint(&c->plain, OPT_CONTENT_FORMAT, &cf))
		return NULL;
	return lwm_format(cf);
}

/* The values of one name, which are copied where it is of a device behind it. */
static enum err collect_name(struct dev *d, const struct dev_name *name, struct lwm_records *r)
{
	size_t from = r->n;
	enum err err = ERR_OK;
	dev_behind_enter(d, name->at);
	dev_things_step(d);
	if (dev_check_path(d, &d->accounts, &name->path) == MSG_EMPTY)
		dev_collect(d, &d->accounts, &name->path, r);
	for (size_t i = from; i < r->n && name->at; i++) {
		struct lwm_value *v = &r->v[i].value;
		r->v[i].prefix = dev_behind_prefix(d);
		if (v->type == LWM_STRING || v->type == LWM_OPAQUE || v->type == LWM_CORELNK)
			v->bytes = arena_dup(&d->host->scratch, v->bytes, &err);
	}
	dev_behind_leave(d);
	return err;
}

/* What is not there, or not to be read, is left out. ERR_NOTFOUND: that was all. */
static enum err collect(struct dev *d, const struct dev_name *names, size_t n,
	const struct lwm_format *f, struct span *body)
{
	enum err err = ERR_OK;
	struct lwm_records r;
	struct lwm_path root = {0};
	lwm_records_init(&r, &d->host->scratch);
	for (size_t i = 0; i < n && !err; i++)
		err = collect_name(d, &names[i], &r);
	struct writer w = dev_scratch(d->host, dev_value_bytes(&r));
	err = err ? err : r.err ? r.err : w.err;
	if (!err && !r.n)
		err = ERR_NOTFOUND;
	if (!err)
		err = f->encode(r.v, r.n, &root, NULL, &w);
	*body = wr_span(&w);
	return err ? err : w.err;
}

uint8_t dev_composite_body(
	struct dev *d, const struct dev_name *names, size_t n, uint16_t cf, struct span *body)
{
	const struct lwm_format *f = lwm_format(cf);
	if (!f || !f->encode || f->single_only || f->etch)
		return MSG_NOT_ACCEPTABLE;
	enum err err = collect(d, names, n, f, body);
	if (err == ERR_NOTFOUND)
		return MSG_NOT_FOUND;
	return err ? MSG_INTERNAL_ERROR : MSG_CONTENT;
}

/* The paths of the body, in the scratch arena. */
static uint8_t names_of(struct dev_call *c, struct dev_name **out, size_t *n)
{
	const struct lwm_format *f = body_format(c);
	struct lwm_records names;
	if (!f || !f->decode)
		return MSG_UNSUPPORTED_FORMAT;
	if (decode_names(c, f, &names))
		return MSG_BAD_REQUEST;
	*n = 0;
	*out = arena_alloc(&c->d->host->scratch, (names.n + 1) * sizeof(**out));
	if (!*out)
		return MSG_INTERNAL_ERROR;
	for (size_t i = 0; i < names.n; i++) {
		struct dev_name *name = &(*out)[*n];
		name->path = names.v[i].path;
		*n += dev_behind_find(c->d, names.v[i].prefix, &name->at);
	}
	return MSG_CONTENT;
}

static void observe(struct dev_call *c, const struct dev_name *names, size_t n, uint16_t cf,
	const struct block *want, struct msg *reply)
{
	struct lwm_path root = {0};
	uint32_t observe = 2;
	msg_get_uint(&c->plain, OPT_OBSERVE, &observe);
	if (observe == 0 && (!want || want->num == 0))
		dev_observe_names(c, names, n, cf, reply);
	else if (observe == 1)
		dev_observe_cancel(c, &root);
}

static void fetch(struct dev_call *c, struct msg *reply)
{
	uint16_t accept = dev_accept(&c->plain, LWM_CF_SENML_CBOR);
	struct block b, *want = block_get(&c->plain, OPT_BLOCK2, &b) == ERR_OK ? &b : NULL;
	struct span body = SPAN_EMPTY;
	struct dev_name *names = NULL;
	size_t n = 0;
	reply->code = names_of(c, &names, &n);
	if (reply->code == MSG_CONTENT)
		reply->code = dev_composite_body(c->d, names, n, accept, &body);
	struct dev_event *e = dev_event_add(c->d, DEV_EVENT_READ);
	e->path = (struct lwm_path){0};
	e->code = reply->code;
	if (reply->code != MSG_CONTENT)
		return;
	observe(c, names, n, accept, want, reply);
	dev_reply_body(c->d, reply, accept, body, want);
}

/* The device has no Resource Instances that could go. */
static uint8_t check_values(struct dev *d, const struct lwm_records *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct lwm_path at = r->v[i].path;
		uint16_t behind;
		if (!dev_behind_find(d, r->v[i].prefix, &behind))
			return MSG_NOT_FOUND;
		dev_behind_enter(d, behind);
		uint8_t code = dev_check_path(d, &d->accounts, &at);
		dev_behind_leave(d);
		if (code == MSG_EMPTY)
			code = dev_check_record(&r->v[i]);
		if (code == MSG_EMPTY && r->v[i].kind == LWM_RECORD_DELETE)
			code = MSG_METHOD_NOT_ALLOWED;
		if (code != MSG_EMPTY)
			return code;
	}
	return MSG_EMPTY;
}

static uint8_t ipatch(struct dev_call *c)
{
	const struct lwm_format *f = body_format(c);
	struct lwm_records r;
	struct lwm_path root = {0};
	if (!f || !f->decode || f->single_only || f->cf == LWM_CF_TLV)
		return MSG_UNSUPPORTED_FORMAT;
	if (dev_decode(c, &root, f, &r))
		return MSG_BAD_REQUEST;
	uint8_t code = check_values(c->d, &r);
	for (size_t i = 0; i < r.n && (code == MSG_EMPTY || code == MSG_CHANGED); i++) {
		uint16_t at;
		(void)dev_behind_find(c->d, r.v[i].prefix, &at);
		dev_behind_enter(c->d, at);
		code = dev_store(c->d, &r.v[i], 1);
		dev_behind_leave(c->d);
	}
	struct dev_event *e = dev_event_add(c->d, DEV_EVENT_WRITE);
	e->path = root;
	e->code = code;
	return code;
}

void dev_composite_request(struct dev_call *c, struct msg *reply)
{
	if (c->plain.code == MSG_FETCH)
		fetch(c, reply);
	else
		reply->code = ipatch(c);
}
