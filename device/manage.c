/* SPDX-License-Identifier: Apache-2.0 */
/* Device management, seen from the device (lwm2m.md DM-01 to DM-16). */
#include "device/inner.h"

#include <string.h>

uint16_t dev_accept(const struct msg *m, uint16_t fallback)
{
	uint32_t v;
	if (!msg_get_uint(m, OPT_ACCEPT, &v))
		return fallback;
	return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

const struct lwm_format *dev_format(const struct dev *d, uint32_t cf)
{
	const struct lwm_format *f = lwm_format(cf);
	if (!f || !f->encode || !f->decode)
		return NULL;
	bool basic = f->cf == LWM_CF_TEXT || f->cf == LWM_CF_OPAQUE || f->cf == LWM_CF_TLV;
	return basic || d->host->o.all_formats ? f : NULL;
}

static bool known_object(const struct dev *d, uint16_t oid)
{
	size_t n;
	const uint16_t *oids = dev_objects(d, &n);
	for (size_t i = 0; i < n; i++) {
		if (oids[i] == oid)
			return true;
	}
	return false;
}

uint8_t dev_check_path(const struct dev *d, const struct dev_accounts *a, const struct lwm_path *p)
{
	if (p->n == 0)
		return MSG_METHOD_NOT_ALLOWED;
	if (p->id[0] == 0 || p->id[0] == 21)
		return MSG_UNAUTHORIZED; /* DM-16 */
	if (!known_object(d, p->id[0]) || (p->n > 1 && !dev_has_instance(d, a, p->id[0], p->id[1])))
		return MSG_NOT_FOUND;
	if (p->n < 3)
		return MSG_EMPTY;
	const struct dev_resource *r = dev_resource(p->id[0], p->id[2]);
	if (!r || (p->n > 3 && (!r->multiple || p->id[3] != 0)))
		return MSG_NOT_FOUND;
	return MSG_EMPTY;
}

static void collect_instance(struct dev *d, const struct dev_accounts *a, const struct lwm_path *p,
	uint16_t iid, struct lwm_records *out)
{
	struct dev_view view = {d, a, &d->host->scratch, iid};
	size_t n;
	const struct dev_resource *table = dev_resource_table(&n);
	for (size_t i = 0; i < n; i++) {
		const struct dev_resource *r = &table[i];
		if (r->oid != p->id[0] || !(r->ops & LWM_OP_R) || (p->n > 2 && p->id[2] != r->rid))
			continue;
		struct lwm_record *rec = lwm_records_add(out);
		if (!rec)
			return;
		rec->kind = LWM_RECORD_VALUE;
		rec->path = (struct lwm_path){r->multiple ? 4 : 3, {r->oid, iid, r->rid, 0}};
		dev_value(r, &view, &rec->value);
	}
}

void dev_collect(struct dev *d, const struct dev_accounts *a, const struct lwm_path *p,
	struct lwm_records *out)
{
	uint16_t iid[DEV_INSTANCES_MAX];
	size_t n = dev_instances(d, a, p->id[0], iid);
	for (size_t i = 0; i < n; i++) {
		if (p->n < 2 || p->id[1] == iid[i])
			collect_instance(d, a, p, iid[i], out);
	}
}

size_t dev_value_bytes(const struct lwm_records *r)
{
	size_t n = 1024 + r->n * 64;
	for (size_t i = 0; i < r->n; i++) {
		enum lwm_type t = r->v[i].value.type;
		if (t == LWM_STRING || t == LWM_OPAQUE || t == LWM_CORELNK)
			n += 2 * r->v[i].value.bytes.n;
	}
	return n;
}

uint8_t dev_read_body(struct dev *d, const struct dev_accounts *a, const struct lwm_path *p,
	uint16_t cf, struct span *body)
{
	struct lwm_records r;
	uint8_t code = dev_check_path(d, a, p);
	const struct lwm_format *f = dev_format(d, cf);
	if (code != MSG_EMPTY)
		return code;
	if (p->n > 2 && !(dev_resource(p->id[0], p->id[2])->ops & LWM_OP_R))
		return MSG_METHOD_NOT_ALLOWED;
	if (!f)
		return MSG_NOT_ACCEPTABLE;
	dev_things_step(d);
	lwm_records_init(&r, &d->host->scratch);
	dev_collect(d, a, p, &r);
	struct writer w = dev_scratch(d->host, dev_value_bytes(&r));
	if (r.err || w.err)
		return MSG_INTERNAL_ERROR;
	const struct lwm_codec_opts opts = {.behind = dev_behind_prefix(d)};
	enum err e = f->encode(r.v, r.n, p, &opts, &w);
	if (e == ERR_UNSUPPORTED)
		return MSG_NOT_ACCEPTABLE;
	*body = wr_span(&w);
	return e || w.err ? MSG_INTERNAL_ERROR : MSG_CONTENT;
}

static enum err add_etag(struct dev *d, struct msg *reply, struct span body)
{
	struct writer w = dev_scratch(d->host, 8);
	wr_u64(&w, siphash24(d->host->seed, body));
	return w.err ? w.err : msg_add(reply, OPT_ETAG, wr_span(&w));
}

void dev_reply_body(
	struct dev *d, struct msg *reply, uint16_t cf, struct span body, const struct block *want)
{
	uint8_t szx = block_szx_for(d->host->o.block_bytes);
	struct block b = {0, false, szx};
	enum err e = msg_add_uint(reply, OPT_CONTENT_FORMAT, cf);
	if (want) {
		b = *want;
		if (b.szx > szx) { /* the same offset, counted in smaller blocks */
			b.num <<= b.szx - szx;
			b.szx = szx;
		}
	}
	reply->payload = body;
	if (e == ERR_OK && (want || body.n > block_size(szx))) {
		e = block_cut(body, &b, &reply->payload);
		if (e == ERR_OK)
			e = block_add(reply, OPT_BLOCK2, b);
		if (e == ERR_OK)
			e = add_etag(d, reply, body);
		if (e == ERR_OK && b.num == 0)
			e = msg_add_uint(reply, OPT_SIZE2, (uint32_t)body.n);
	}
	if (e) {
		msg_init(reply, MSG_ACK, e == ERR_RANGE ? MSG_BAD_OPTION : MSG_INTERNAL_ERROR);
		reply->payload = SPAN_EMPTY;
	}
}

static void get(struct dev_call *c, const struct lwm_path *p, struct msg *reply)
{
	struct dev *d = c->d;
	uint16_t cf = dev_accept(&c->plain, LWM_CF_TLV);
	struct span body = SPAN_EMPTY;
	struct block b, *want = block_get(&c->plain, OPT_BLOCK2, &b) == ERR_OK ? &b : NULL;
	uint32_t observe = 2;
	if (cf == LWM_CF_LINK) {
		reply->code = dev_discover(d, &c->plain, p, &body);
		dev_event_add(d, DEV_EVENT_DISCOVER)->path = *p;
	} else {
		reply->code = dev_read_body(d, &d->accounts, p, cf, &body);
		struct dev_event *e = dev_event_add(d, DEV_EVENT_READ);
		e->path = *p;
		e->code = reply->code;
		msg_get_uint(&c->plain, OPT_OBSERVE, &observe);
	}
	if (reply->code != MSG_CONTENT)
		return;
	if (observe == 0 && (!want || want->num == 0))
		dev_observe_start(c, p, cf, reply);
	else if (observe == 1)
		dev_observe_cancel(c, p);
	dev_reply_body(d, reply, cf, body, want);
}

static enum lwm_type own_type(void *arg, const struct lwm_path *p)
{
	(void)arg;
	const struct dev_resource *r = p->n > 2 ? dev_resource(p->id[0], p->id[2]) : NULL;
	return r ? r->type : LWM_NONE;
}

uint8_t dev_check_record(const struct lwm_record *v)
{
	if (v->kind == LWM_RECORD_BAD)
		return MSG_BAD_REQUEST;
	if (v->path.n < 3)
		return MSG_EMPTY;
	const struct dev_resource *r = dev_resource(v->path.id[0], v->path.id[2]);
	if (!r)
		return MSG_NOT_FOUND;
	if (!(r->ops & LWM_OP_W))
		return MSG_METHOD_NOT_ALLOWED;
	if (v->kind == LWM_RECORD_VALUE && v->value.type != r->type)
		return MSG_BAD_REQUEST;
	return v->path.n > 3 && (!r->multiple || v->path.id[3] != 0) ? MSG_BAD_REQUEST : MSG_EMPTY;
}

/* All records are looked at before the first is taken, so that a refusal changes nothing. */
uint8_t dev_store(struct dev *d, const struct lwm_record *v, size_t n)
{
	uint8_t code = MSG_EMPTY;
	for (size_t i = 0; i < n && code == MSG_EMPTY; i++)
		code = dev_check_record(&v[i]);
	for (size_t i = 0; i < n && (code == MSG_EMPTY || code == MSG_CHANGED); i++) {
		if (v[i].kind != LWM_RECORD_VALUE || v[i].path.n < 3)
			continue;
		const struct dev_resource *r = dev_resource(v[i].path.id[0], v[i].path.id[2]);
		code = r->set(d, v[i].path.id[1], &v[i].value);
		if (code == MSG_CHANGED)
			dev_observe_touch(d, &v[i].path);
	}
	return code == MSG_EMPTY ? MSG_CHANGED : code;
}

/* The optional texts that a replaced instance has no more (DM-08). */
static void clear_left_out(
	struct dev *d, const struct lwm_path *p, const struct lwm_record *v, size_t n)
{
	static const uint16_t optional[][2] = {{3, 14}, {3, 15}, {3303, 5750}};
	static const struct lwm_value nothing = {.type = LWM_STRING};
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		bool given = optional[i][0] != p->id[0];
		for (size_t k = 0; k < n; k++)
			given |= v[k].path.n > 2 && v[k].path.id[2] == optional[i][1];
		if (!given)
			dev_resource(p->id[0], optional[i][1])->set(d, p->id[1], &nothing);
	}
}

enum err dev_decode(struct dev_call *c, const struct lwm_path *p, const struct lwm_format *f,
	struct lwm_records *out)
{
	struct lwm_codec_opts opts = {.type = own_type,
		.behind = dev_behind_prefix(c->d),
		.prefixed = p->n == 0 && c->d->behind_n};
	lwm_records_init(out, &c->d->host->scratch);
	enum err err = f->decode(c->body, p, &opts, out);
	return err ? err : out->err;
}

/* The values of a request for p; MSG_EMPTY or the code to refuse with. */
static uint8_t decode(struct dev_call *c, const struct lwm_path *p, struct lwm_records *r)
{
	uint32_t cf = p->n > 2 ? LWM_CF_TEXT : LWM_CF_TLV;
	msg_get_uint(&c->plain, OPT_CONTENT_FORMAT, &cf);
	const struct lwm_format *f = dev_format(c->d, cf);
	if (!f)
		return MSG_UNSUPPORTED_FORMAT;
	return dev_decode(c, p, f, r) ? MSG_BAD_REQUEST : MSG_EMPTY;
}

static uint8_t write(struct dev_call *c, const struct lwm_path *p)
{
	struct dev *d = c->d;
	struct lwm_records r;
	uint8_t code = dev_check_path(d, &d->accounts, p);
	struct dev_event *e = dev_event_add(d, DEV_EVENT_WRITE);
	e->path = *p;
	if (code == MSG_EMPTY && p->n < 2)
		code = MSG_METHOD_NOT_ALLOWED;
	if (code == MSG_EMPTY)
		code = decode(c, p, &r);
	if (code == MSG_EMPTY) {
		code = dev_store(d, r.v, r.n);
		if (code == MSG_CHANGED && c->plain.code == MSG_PUT && p->n == 2)
			clear_left_out(d, p, r.v, r.n);
	}
	e->code = code;
	return code;
}

/* The Location-Path tells an id that the server does not know (CT-50). */
static uint8_t create(struct dev_call *c, const struct lwm_path *p, struct msg *reply)
{
	struct dev *d = c->d;
	struct lwm_records r;
	struct lwm_path made = {2, {p->id[0], 0, 0, 0}};
	bool chosen = false;
	uint8_t code = dev_check_path(d, &d->accounts, p);
	if (code == MSG_EMPTY)
		code = decode(c, p, &r);
	if (code == MSG_EMPTY)
		code = dev_create(d, p->id[0], r.v, r.n, &made.id[1], &chosen);
	struct dev_event *e = dev_event_add(d, DEV_EVENT_CREATE);
	e->path = code == MSG_CREATED ? made : *p;
	e->code = code;
	if (code != MSG_CREATED || !chosen)
		return code;
	struct span oid = dev_fmt(d->host, "%u", made.id[0]),
		    iid = dev_fmt(d->host, "%u", made.id[1]);
	if (d->at && msg_add(reply, OPT_LOCATION_PATH, dev_behind_prefix(d)))
		return MSG_INTERNAL_ERROR;
	return msg_add(reply, OPT_LOCATION_PATH, oid) || msg_add(reply, OPT_LOCATION_PATH, iid)
		       ? MSG_INTERNAL_ERROR
		       : code;
}

static uint8_t delete (struct dev_call *c, const struct lwm_path *p)
{
	uint8_t code = dev_check_path(c->d, &c->d->accounts, p);
	if (code == MSG_EMPTY)
		code = dev_delete(c->d, p);
	struct dev_event *e = dev_event_add(c->d, DEV_EVENT_DELETE);
	e->path = *p;
	e->code = code;
	return code;
}

static uint8_t act(struct dev *d, const struct dev_resource *r, uint16_t iid)
{
	const struct dev_server *s = dev_server_of(&d->accounts);
	if (d->at && r->action != DEV_ACTION_RESET)
		return MSG_CHANGED; /* it is none of the gateway's */
	switch (r->action) {
	case DEV_ACTION_NONE:
		return MSG_METHOD_NOT_ALLOWED;
	case DEV_ACTION_NOTHING:
		break;
	case DEV_ACTION_RESET:
		dev_things_reset(d, iid);
		break;
	case DEV_ACTION_FIRMWARE: /* OBJ-04 */
		return dev_firmware_update(d);
	case DEV_ACTION_FIRMWARE_CANCEL:
		return dev_firmware_cancel(d);
	case DEV_ACTION_REBOOT:
		d->todo = DEV_TODO_REGISTER;
		break;
	case DEV_ACTION_UPDATE:
		d->todo = DEV_TODO_UPDATE;
		break;
	case DEV_ACTION_BOOTSTRAP:
		if (!dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP))
			return MSG_METHOD_NOT_ALLOWED;
		d->todo = DEV_TODO_BOOTSTRAP;
		break;
	case DEV_ACTION_DISABLE:
		d->stay_away_ms = s ? s->disable_s * UINT64_C(1000) : 0;
		d->todo = DEV_TODO_DISABLE;
		break;
	}
	return MSG_CHANGED;
}

static uint8_t execute(struct dev_call *c, const struct lwm_path *p, const struct dev_resource *r)
{
	struct dev *d = c->d;
	uint32_t cf = LWM_CF_TEXT;
	uint8_t code = dev_check_path(d, &d->accounts, p);
	msg_get_uint(&c->plain, OPT_CONTENT_FORMAT, &cf);
	if (code == MSG_EMPTY)
		code = cf == LWM_CF_TEXT ? act(d, r, p->id[1]) : MSG_UNSUPPORTED_FORMAT;
	struct dev_event *e = dev_event_add(d, DEV_EVENT_EXECUTE);
	e->path = *p;
	e->code = code;
	return code;
}

static uint8_t post(struct dev_call *c, const struct lwm_path *p, struct msg *reply)
{
	const struct dev_resource *r = p->n == 3 ? dev_resource(p->id[0], p->id[2]) : NULL;
	if (r && (r->ops & LWM_OP_E))
		return execute(c, p, r);
	if (p->n == 2 || (r && r->multiple))
		return write(c, p);
	if (p->n == 1)
		return create(c, p, reply);
	uint8_t code = dev_check_path(c->d, &c->d->accounts, p);
	return code == MSG_EMPTY ? MSG_METHOD_NOT_ALLOWED : code;
}

static uint8_t put(struct dev_call *c, const struct lwm_path *p)
{
	bool attributes = !c->body.n && !msg_find(&c->plain, OPT_CONTENT_FORMAT) &&
			  msg_find(&c->plain, OPT_URI_QUERY);
	if (!attributes)
		return write(c, p);
	uint8_t code = dev_check_path(c->d, &c->d->accounts, p);
	return code == MSG_EMPTY ? dev_attr_write(c->d, &c->plain, p) : code;
}

static void serve(struct dev_call *c, struct lwm_path p, struct msg *reply)
{
	uint8_t code;
	switch (c->plain.code) {
	case MSG_GET:
		get(c, &p, reply);
		break;
	case MSG_PUT:
		reply->code = put(c, &p);
		break;
	case MSG_POST:
		reply->code = post(c, &p, reply);
		break;
	case MSG_DELETE:
		reply->code = delete (c, &p);
		break;
	default:
		code = dev_check_path(c->d, &c->d->accounts, &p);
		reply->code = code == MSG_EMPTY ? MSG_METHOD_NOT_ALLOWED : code;
	}
}

/* A prefix in front is that of a device behind it (GW-03). */
void dev_manage_request(struct dev_call *c, struct msg *reply)
{
	const struct opt *first = msg_find(&c->plain, OPT_URI_PATH);
	struct lwm_path p;
	uint16_t at = 0;
	bool behind = first && dev_behind_find(c->d, first->val, &at) && at;
	if (lwm_path_from_options(&c->plain, behind, &p) != ERR_OK) {
		reply->code = MSG_NOT_FOUND;
		return;
	}
	if (!behind && p.n == 0 && (c->plain.code == MSG_FETCH || c->plain.code == MSG_IPATCH)) {
		dev_composite_request(c, reply);
		return;
	}
	dev_behind_enter(c->d, behind ? at : 0);
	serve(c, p, reply);
	dev_behind_leave(c->d);
}
