/* SPDX-License-Identifier: Apache-2.0 */
/* Composites, seen from the device: FETCH and iPATCH of the root (lwm2m.md DM-17 to DM-19). */
#include "device/inner.h"

static enum err decode_names(
	struct dev_call *c, const struct lwm_format *f, struct lwm_records *out)
{
	struct lwm_codec_opts opts = {.fetch = true};
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

/* What is not there, or not to be read, is left out. ERR_NOTFOUND: that was all. */
static enum err collect(struct dev *d, const struct lwm_records *names, const struct lwm_format *f,
	struct span *body)
{
	struct lwm_records r;
	struct lwm_path root = {0};
	lwm_records_init(&r, &d->host->scratch);
	dev_things_step(d);
	for (size_t i = 0; i < names->n; i++)
		if (dev_check_path(d, &d->accounts, &names->v[i].path) == MSG_EMPTY)
			dev_collect(d, &d->accounts, &names->v[i].path, &r);
	struct writer w = dev_scratch(d->host, dev_value_bytes(&r));
	enum err err = r.err ? r.err : w.err;
	if (!err && !r.n)
		err = ERR_NOTFOUND;
	if (!err)
		err = f->encode(r.v, r.n, &root, NULL, &w);
	*body = wr_span(&w);
	return err ? err : w.err;
}

static uint8_t read_composite(
	struct dev_call *c, const struct lwm_format *accept, struct span *body)
{
	const struct lwm_format *f = body_format(c);
	struct lwm_records names;
	if (!f || !f->decode)
		return MSG_UNSUPPORTED_FORMAT;
	if (!accept || !accept->encode || accept->single_only || accept->etch)
		return MSG_NOT_ACCEPTABLE;
	if (decode_names(c, f, &names))
		return MSG_BAD_REQUEST;
	enum err err = collect(c->d, &names, accept, body);
	if (err == ERR_NOTFOUND)
		return MSG_NOT_FOUND;
	return err ? MSG_INTERNAL_ERROR : MSG_CONTENT;
}

static void fetch(struct dev_call *c, struct msg *reply)
{
	const struct lwm_format *accept = lwm_format(dev_accept(&c->plain, LWM_CF_SENML_CBOR));
	struct block b, *want = block_get(&c->plain, OPT_BLOCK2, &b) == ERR_OK ? &b : NULL;
	struct span body = SPAN_EMPTY;
	reply->code = read_composite(c, accept, &body);
	struct dev_event *e = dev_event_add(c->d, DEV_EVENT_READ);
	e->path = (struct lwm_path){0};
	e->code = reply->code;
	if (reply->code == MSG_CONTENT)
		dev_reply_body(c->d, reply, accept->cf, body, want);
}

/* The device has no Resource Instances that could go. */
static uint8_t check_values(struct dev *d, const struct lwm_records *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct lwm_path at = r->v[i].path;
		uint8_t code = dev_check_path(d, &d->accounts, &at);
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
	if (code == MSG_EMPTY)
		code = dev_store(c->d, r.v, r.n);
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
