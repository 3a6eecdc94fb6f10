/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a device: what may be, in which formats, and the request itself. */
#include "server/server_impl.h"

#include "base/secret.h"
#include "lwm2m/attrs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENCODE_FIRST = 1024,
	/* Of large values, only the first two ways to put them are kept. */
	ALTERNATIVES_MAX_BYTES = 32 << 10
};

static const struct {
	const char *name;
	uint8_t method;
	bool kept;
	uint8_t min, max; /* how many ids its path has */
	enum srv_use use;
} kinds[] = {
	[SRV_READ] = {"read", MSG_GET, false, 1, 4, SRV_USE_READ},
	[SRV_WRITE] = {"write", MSG_PUT, true, 2, 4, SRV_USE_WRITE},
	[SRV_WRITE_PARTIAL] = {"write-partial", MSG_POST, true, 2, 3, SRV_USE_PARTIAL},
	[SRV_CREATE] = {"create", MSG_POST, true, 1, 1, SRV_USE_PARTIAL},
	[SRV_DELETE] = {"delete", MSG_DELETE, true, 2, 4, SRV_USE_NONE},
	[SRV_EXECUTE] = {"execute", MSG_POST, true, 3, 3, SRV_USE_NONE},
	[SRV_DISCOVER] = {"discover", MSG_GET, false, 1, 3, SRV_USE_NONE},
	[SRV_ATTRIBUTES] = {"attributes", MSG_PUT, true, 1, 4, SRV_USE_NONE},
	[SRV_OBSERVE] = {"observe", MSG_GET, false, 1, 4, SRV_USE_READ},
	[SRV_CANCEL] = {"cancel", MSG_GET, false, 1, 4, SRV_USE_READ},
	[SRV_READ_COMPOSITE] = {"read-composite", MSG_FETCH, false, 0, 0, SRV_USE_NONE},
	[SRV_OBSERVE_COMPOSITE] = {"observe-composite", MSG_FETCH, false, 0, 0, SRV_USE_NONE},
	[SRV_CANCEL_COMPOSITE] = {"cancel-composite", MSG_FETCH, false, 0, 0, SRV_USE_NONE},
	[SRV_WRITE_COMPOSITE] = {"write-composite", MSG_IPATCH, true, 0, 0, SRV_USE_NONE},
};

const char *srv_op_name(enum srv_dm_kind kind)
{
	return kinds[kind].name;
}

bool srv_op_kept(enum srv_dm_kind kind)
{
	return kinds[kind].kept;
}

enum srv_use srv_op_use(enum srv_dm_kind kind)
{
	return kinds[kind].use;
}

/* ---- what may be asked */

__attribute__((format(printf, 2, 3))) static bool no(
	struct srv_refusal *why, const char *detail, ...)
{
	va_list ap;
	va_start(ap, detail);
	vsnprintf(why->detail, sizeof(why->detail), detail, ap);
	va_end(ap);
	why->status = 422;
	why->type = "invalid";
	return false;
}

/* DM-16: 4.01 always. */
static bool reserved(const struct lwm_path *p)
{
	return p->n && (p->id[0] == 0 || p->id[0] == 21 || p->id[0] == 23);
}

static bool partial_allowed(
	const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	const struct lwm_versions versions = srv_versions(g, &d->prefix);
	const struct lwm_resource *r = d->path.n == 3 ? lwm_resource_of(&versions, &d->path) : NULL;
	return !r || r->multiple || no(why, "%s holds one value: write it to replace it", r->name);
}

static bool create_allowed(const struct srv_dm *d, struct srv_refusal *why)
{
	for (size_t i = 0; i < d->record_n; i++)
		if (d->records[i].path.n < 2 ||
			d->records[i].path.id[1] != d->records[0].path.id[1])
			return no(why, "a Create makes one Object Instance");
	return true;
}

static bool delete_allowed(
	const struct srv_reg *g, const struct lwm_path *p, struct srv_refusal *why)
{
	if (p->n == 3)
		return no(why, "a Resource cannot be deleted, only Object Instances and "
			       "Resource Instances");
	if (p->n == 4 && g->lwm2m < 12)
		return no(why, "Resource Instances can be deleted since LwM2M 1.2 only");
	if (p->n == 2 && p->id[0] == 3)
		return no(why, "the Device object cannot be deleted");
	return true;
}

/* The depth that is meant without one: DM-03. */
static int8_t default_depth(const struct lwm_path *p)
{
	return p->n == 1 ? 2 : 1;
}

static bool discover_allowed(
	const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	if (d->depth > 3)
		return no(why, "depth is 0 to 3");
	if (d->depth >= 0 && g->lwm2m < 12 && d->depth != default_depth(&d->path))
		return no(why, "Discover has a depth since LwM2M 1.2 only");
	return true;
}

static bool attributes_allowed(
	const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	struct lwm_attr_why what;
	uint8_t text[160];
	struct writer w = wr_make(text, sizeof(text));
	if (!lwm_attrs_parse(d->attributes, &d->path, g->lwm2m, NULL, &what))
		return true;
	wr_attr_why(&w, &what);
	return no(why, "%.*s", (int)w.n, (const char *)w.p);
}

/* ATT-07: parameters have values, for there is nothing to take away. */
static bool parameters_allowed(
	const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	struct lwm_attrs a;
	if (!d->attributes.n)
		return true;
	if (d->attributes.n > SRV_PARAMETERS_MAX)
		return no(why, "the parameters are too long");
	if (g->lwm2m < 12)
		return no(why, "an Observe has parameters since LwM2M 1.2 only");
	if (!attributes_allowed(g, d, why))
		return false;
	return lwm_attrs_parse(d->attributes, &d->path, g->lwm2m, &a, NULL) == ERR_OK && !a.unset
		       ? true
		       : no(why, "a parameter of an Observe has a value");
}

static bool reserved_refusal(const struct lwm_path *p, struct srv_refusal *why)
{
	no(why, "Object %u belongs to the bootstrap server alone", p->id[0]);
	why->type = "reserved";
	return false;
}

/* DM-18, DM-19 */
static bool composite_allowed(
	const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	const struct lwm_format *f =
		d->content_format < 0 ? NULL : lwm_format((uint32_t)d->content_format);
	if (g->lwm2m < 11)
		return no(why, "there are composites since LwM2M 1.1 only");
	if (g->no_composite && d->kind == SRV_WRITE_COMPOSITE)
		return no(why, "this device has no composites: write one by one, which is not all "
			       "or none");
	if (g->no_composite && d->kind == SRV_OBSERVE_COMPOSITE)
		return no(why, "this device has no composites: observe one by one");
	if (d->kind == SRV_OBSERVE_COMPOSITE && d->record_n > SRV_NAMES_MAX)
		return no(why, "at most %d paths are observed together", SRV_NAMES_MAX);
	if (f && f->etch && g->lwm2m < 12)
		return no(why, "there is SenML-ETCH since LwM2M 1.2 only");
	for (size_t i = 0; i < d->record_n; i++) {
		const struct lwm_record *r = &d->records[i];
		if (!srv_gateway_knows(g, r->prefix, &r->path, why))
			return false;
		if (reserved(&r->path))
			return reserved_refusal(&r->path, why);
		if (r->kind == LWM_RECORD_DELETE && g->lwm2m < 12)
			return no(why, "Resource Instances can be deleted since LwM2M 1.2 only");
	}
	return true;
}

/* POSTed to a Resource, a single value would be an Execute (CT-45). */
static bool format_allowed(const struct srv_dm *d, struct srv_refusal *why)
{
	const struct lwm_format *f =
		d->content_format < 0 ? NULL : lwm_format((uint32_t)d->content_format);
	if (kinds[d->kind].use != SRV_USE_PARTIAL || !f || !f->single_only)
		return true;
	return no(
		why, "the %s format cannot carry the values of a %s", f->name, kinds[d->kind].name);
}

static bool kind_allowed(const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	switch (d->kind) {
	case SRV_WRITE_PARTIAL:
		return partial_allowed(g, d, why);
	case SRV_CREATE:
		return create_allowed(d, why);
	case SRV_DELETE:
		return delete_allowed(g, &d->path, why);
	case SRV_DISCOVER:
		return discover_allowed(g, d, why);
	case SRV_ATTRIBUTES:
		return attributes_allowed(g, d, why);
	case SRV_READ_COMPOSITE:
	case SRV_WRITE_COMPOSITE:
	case SRV_OBSERVE_COMPOSITE:
		return composite_allowed(g, d, why);
	case SRV_OBSERVE:
		return parameters_allowed(g, d, why);
	case SRV_CANCEL_COMPOSITE:
	case SRV_READ:
	case SRV_WRITE:
	case SRV_EXECUTE:
	case SRV_CANCEL:
		break;
	}
	return true;
}

bool srv_op_allowed(const struct srv_reg *g, const struct srv_dm *d, struct srv_refusal *why)
{
	uint8_t n = d->path.n;
	if (!srv_gateway_knows(g, lwm_prefix_span(&d->prefix), &d->path, why))
		return false;
	if (reserved(&d->path))
		return reserved_refusal(&d->path, why);
	if (n < kinds[d->kind].min || n > kinds[d->kind].max)
		return no(why, "%s takes a path of %u to %u ids", kinds[d->kind].name,
			kinds[d->kind].min, kinds[d->kind].max);
	if (n == 4 && g->lwm2m < 11)
		return no(why, "Resource Instances have paths since LwM2M 1.1 only");
	return kind_allowed(g, d, why) && format_allowed(d, why);
}

/* ---- the ways to put it */

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

struct values {
	const struct srv_dm *d;
	struct lwm_target base;
	struct lwm_codec_opts opts;
	size_t limit_bytes;
};

/* ERR_SPACE above the limit of bodies. */
static enum err add_encoded(struct srv_op *op, const struct values *v, uint16_t cf)
{
	const struct lwm_format *f = lwm_format(cf);
	enum err err = f && f->encode ? ERR_SPACE : ERR_UNSUPPORTED;
	for (size_t cap = 0; err == ERR_SPACE && cap < v->limit_bytes;) {
		cap = cap ? cap * 2 : ENCODE_FIRST;
		if (cap > v->limit_bytes)
			cap = v->limit_bytes;
		uint8_t *buf = malloc(cap);
		if (!buf)
			return ERR_NOMEM;
		struct writer w = wr_make(buf, cap);
		err = f->encode(v->d->records, v->d->record_n, &v->base.path, &v->opts, &w);
		if (!err)
			err = add_attempt(op, f->cf, wr_span(&w));
		secret_wipe(buf, cap);
		free(buf);
	}
	return err;
}

static bool enough(const struct srv_op *op)
{
	size_t bytes = 0;
	for (size_t i = 0; i < op->attempt_n; i++)
		bytes += op->attempt[i].n;
	return op->attempt_n == SRV_ATTEMPTS_MAX ||
	       (op->attempt_n >= 2 && bytes > ALTERNATIVES_MAX_BYTES);
}

/* One way for each format that can carry it, at most so many. */
static enum err add_formats(struct srv_op *op, const struct values *v, uint8_t most)
{
	uint16_t cf[SRV_FORMATS_MAX];
	uint8_t from = op->attempt_n;
	enum err last = ERR_UNSUPPORTED;
	size_t n = srv_formats(op->reg, &v->base, kinds[op->kind].use, v->d->content_format, cf);
	for (size_t i = 0; i < n && op->attempt_n - from < most && !enough(op); i++) {
		enum err err = add_encoded(op, v, cf[i]);
		if (err == ERR_NOMEM)
			return err;
		if (err)
			last = err;
	}
	return op->attempt_n > from ? ERR_OK : last;
}

/* A partial Write of a Resource is asked of it first; of its Instance where that was refused, or
 * was the last time (CT-45). */
static enum err prepare_partial(struct srv_op *op, const struct values *v)
{
	struct values at_instance = *v;
	bool resource = v->base.path.n == 3;
	enum err err = ERR_OK;
	if (resource && !op->reg->at_instance)
		err = add_formats(op, v, 1);
	if (err)
		return err;
	uint8_t from = op->attempt_n;
	at_instance.base.path.n = 2;
	err = add_formats(op, &at_instance, SRV_ATTEMPTS_MAX);
	for (uint8_t i = from; i < op->attempt_n; i++)
		op->attempt[i].at_instance = resource;
	return err;
}

/* Our own registration's lifetime may be among the values (CT-31). */
static void note_lifetime(struct srv_op *op, const struct srv_dm *d)
{
	for (size_t i = 0; i < d->record_n; i++) {
		const struct lwm_record *r = &d->records[i];
		if (d->prefix.n || r->prefix.n)
			continue;
		if (r->kind != LWM_RECORD_VALUE || r->path.n != 3 || r->path.id[0] != 1 ||
			r->path.id[2] != 1 || r->value.type != LWM_INTEGER || r->value.i < 0 ||
			r->value.i > UINT32_MAX)
			continue;
		op->sets_lifetime = true;
		op->lifetime_s = (uint32_t)r->value.i;
	}
}

static enum err prepare_values(struct srv *s, struct srv_op *op, const struct srv_dm *d)
{
	struct values v = {.d = d,
		.base = {d->prefix, d->path},
		.opts = {.alt = span_str(op->reg->list.alt), .behind = lwm_prefix_span(&d->prefix)},
		.limit_bytes = ep_body_limit_bytes(s->x)};
	if (d->kind == SRV_CREATE)
		op->iid = d->record_n ? d->records[0].path.id[1] : LWM_ID_NONE;
	else
		note_lifetime(op, d);
	return d->kind == SRV_WRITE_PARTIAL ? prepare_partial(op, &v)
					    : add_formats(op, &v, SRV_ATTEMPTS_MAX);
}

/* What a composite may be put in, best first. Some read the body of a FETCH by its Accept, so both
 * are the same (CT-42) unless the answer is wanted in a format that has no names alone. Removals
 * need SenML-ETCH. */
static size_t composite_formats(
	const struct srv_op *op, const struct srv_dm *d, uint16_t out[static SRV_FORMATS_MAX])
{
	bool v12 = op->reg->lwm2m >= 12, removes = false;
	size_t n = 0;
	if (d->content_format >= 0) {
		out[0] = (uint16_t)d->content_format;
		return 1;
	}
	for (size_t i = 0; i < d->record_n; i++)
		removes |= d->records[i].kind == LWM_RECORD_DELETE;
	if (!removes)
		out[n++] = LWM_CF_SENML_CBOR;
	if (!removes && v12 && op->kind == SRV_WRITE_COMPOSITE)
		out[n++] = LWM_CF_LWM2M_CBOR;
	if (v12)
		out[n++] = LWM_CF_ETCH_CBOR;
	if (!removes)
		out[n++] = LWM_CF_SENML_JSON;
	if (v12)
		out[n++] = LWM_CF_ETCH_JSON;
	return n;
}

/* The format of a FETCH's body, for an answer in `accept`. */
static uint16_t names_format(uint16_t accept)
{
	switch (accept) {
	case LWM_CF_SENML_JSON:
	case LWM_CF_ETCH_JSON:
	case LWM_CF_ETCH_CBOR:
		return accept;
	default:
		return LWM_CF_SENML_CBOR;
	}
}

/* An answer has no removals: it comes in plain SenML. */
static uint16_t answer_format(uint16_t cf)
{
	return cf == LWM_CF_ETCH_JSON   ? LWM_CF_SENML_JSON
	       : cf == LWM_CF_ETCH_CBOR ? LWM_CF_SENML_CBOR
					: cf;
}

static enum err prepare_composite(struct srv *s, struct srv_op *op, const struct srv_dm *d)
{
	bool fetch = d->kind == SRV_READ_COMPOSITE;
	struct values v = {.d = d,
		.opts = {.alt = span_str(op->reg->list.alt), .fetch = fetch},
		.limit_bytes = ep_body_limit_bytes(s->x)};
	uint16_t cf[SRV_FORMATS_MAX];
	enum err last = ERR_UNSUPPORTED;
	size_t n = composite_formats(op, d, cf);
	if (fetch && srv_parts_note(s, op, d))
		return ERR_NOMEM;
	if (!fetch)
		note_lifetime(op, d);
	for (size_t i = 0; i < n && !enough(op); i++) {
		enum err err = add_encoded(op, &v, fetch ? names_format(cf[i]) : cf[i]);
		if (err == ERR_NOMEM)
			return err;
		if (err)
			last = err;
		else
			op->attempt[op->attempt_n - 1].accept = answer_format(cf[i]);
	}
	return op->attempt_n ? ERR_OK : last;
}

static enum err prepare_read(struct srv_op *op, const struct srv_dm *d)
{
	uint16_t cf[SRV_FORMATS_MAX];
	enum err err = ERR_OK;
	const struct lwm_target at = {d->prefix, d->path};
	size_t n = srv_formats(op->reg, &at, SRV_USE_READ, d->content_format, cf);
	for (size_t i = 0; i < n && !err; i++)
		err = add_attempt(op, cf[i], SPAN_EMPTY);
	return err;
}

/* The text without what is younger than 1.0, if leaving that out changes nothing: a client that
 * does not know an attribute has none of it to take away (CT-47). Where a value would be left out
 * the device's refusal stands. */
static enum err prepare_attributes(struct srv_op *op, const struct srv_dm *d)
{
	struct lwm_attrs a;
	uint8_t text[16 * LWM_ATTRS + 8 * 64];
	struct writer w = wr_make(text, sizeof(text));
	struct msg m;
	enum err err = lwm_attrs_parse(d->attributes, &d->path, op->reg->lwm2m, &a, NULL);
	if (!err)
		err = add_attempt(op, 0, d->attributes);
	uint16_t all = (uint16_t)(a.set | a.unset);
	if (err || !(all & LWM_ATTRS_BASIC) || !(all & ~LWM_ATTRS_BASIC) ||
		(a.set & ~LWM_ATTRS_BASIC))
		return err;
	msg_init(&m, MSG_CON, MSG_PUT);
	err = lwm_attrs_to_options(d->attributes, LWM_ATTRS_BASIC, &m);
	for (const struct opt *o = msg_find(&m, OPT_URI_QUERY); o; o = msg_next(&m, o)) {
		if (w.n)
			wr_u8(&w, '&');
		wr_bytes(&w, o->val);
	}
	if (!err)
		err = w.err;
	return err ? err : add_attempt(op, 0, wr_span(&w));
}

enum err srv_op_prepare(struct srv *s, struct srv_op *op, const struct srv_dm *d)
{
	op->iid = LWM_ID_NONE;
	op->depth = -1;
	switch (d->kind) {
	case SRV_WRITE:
		if (op->source.n)
			return add_attempt(op, LWM_CF_OPAQUE, SPAN_EMPTY);
		return prepare_values(s, op, d);
	case SRV_WRITE_PARTIAL:
	case SRV_CREATE:
		return prepare_values(s, op, d);
	case SRV_EXECUTE:
		return add_attempt(op, LWM_CF_TEXT, d->arguments);
	case SRV_DISCOVER:
		if (d->depth != default_depth(&d->path))
			op->depth = d->depth;
		return add_attempt(op, LWM_CF_LINK, SPAN_EMPTY);
	case SRV_ATTRIBUTES:
		return prepare_attributes(op, d);
	case SRV_DELETE:
		return add_attempt(op, 0, SPAN_EMPTY);
	case SRV_READ_COMPOSITE:
	case SRV_WRITE_COMPOSITE:
		return prepare_composite(s, op, d);
	case SRV_OBSERVE_COMPOSITE:
	case SRV_CANCEL_COMPOSITE:
	case SRV_READ:
	case SRV_OBSERVE:
	case SRV_CANCEL:
		break;
	}
	return prepare_read(op, d);
}

/* ---- the request */

/* Everything but the path. */
static enum err fill(
	const struct srv_op *op, const struct srv_attempt *a, char depth[static 16], struct msg *m)
{
	enum err err = ERR_OK;
	if (op->kind == SRV_ATTRIBUTES) /* DM-10: no payload, no format */
		return lwm_attrs_to_options(span_make(a->payload, a->n), UINT16_MAX, m);
	m->payload = span_make(a->payload, a->n);
	if (op->kind == SRV_READ || op->kind == SRV_DISCOVER)
		err = msg_add_uint(m, OPT_ACCEPT, a->cf);
	/* Always with values, even empty ones (CT-43); on an Execute only with arguments. */
	else if (kinds[op->kind].use != SRV_USE_NONE || a->n)
		err = msg_add_uint(m, OPT_CONTENT_FORMAT, a->cf);
	if (!err && op->kind == SRV_READ_COMPOSITE)
		err = msg_add_uint(m, OPT_ACCEPT, a->accept);
	if (!err && op->depth >= 0) {
		snprintf(depth, 16, "depth=%d", op->depth);
		err = msg_add(m, OPT_URI_QUERY, span_str(depth));
	}
	return err;
}

enum err srv_op_send(struct srv *s, struct srv_op *op, struct turn *t)
{
	const struct srv_attempt *a = &op->attempt[op->attempt_at];
	struct lwm_path path = op->path;
	char text[LWM_PATH_TEXT_MAX], depth[16];
	struct msg m;
	if (a->at_instance)
		path.n = 2;
	msg_init(&m, MSG_CON, kinds[op->kind].method);
	enum err err = lwm_target_to_options(
		&op->prefix, &path, span_str(op->reg->list.alt), &m, text, sizeof(text));
	if (!err)
		err = fill(op, a, depth, &m);
	return err ? err : srv_ask(s, op->reg, &m, false, op, t, &op->request);
}
