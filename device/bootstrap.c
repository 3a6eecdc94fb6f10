/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap interface, seen from the device (lwm2m.md BS-04 to BS-17). Everything changes a
 * draft; only Finish makes it real. */
#include "device/inner.h"

/* Of the server account that links there (BS-11); 0: none does. */
static uint16_t ssid_of_oscore(const struct dev_accounts *a, uint16_t iid)
{
	for (size_t i = 0; i < a->security_n; i++) {
		if (!a->security[i].bootstrap && a->security[i].oscore_iid == iid)
			return a->security[i].ssid;
	}
	return 0;
}

static uint8_t discover(struct dev *d, const struct lwm_path *p, struct span *body)
{
	const struct dev_accounts *a = d->draft;
	struct writer w = dev_scratch(d->host, 2048);
	bool all = p->n == 0;
	if (p->n > 1)
		return MSG_NOT_FOUND;
	wr_str(&w, "</>;lwm2m=1.1");
	for (size_t i = 0; i < a->security_n && (all || p->id[0] == 0); i++) {
		const struct dev_security *s = &a->security[i];
		wr_fmt(&w, ",</0/%u>", s->iid);
		if (!s->bootstrap)
			wr_fmt(&w, ";ssid=%u", s->ssid);
		wr_fmt(&w, ";uri=\"%s\"", s->uri);
	}
	if (all || p->id[0] == 1)
		wr_str(&w, a->server_n ? "" : ",</1>");
	for (size_t i = 0; i < a->server_n && (all || p->id[0] == 1); i++)
		wr_fmt(&w, ",</1/%u>;ssid=%u", a->server[i].iid, a->server[i].ssid);
	if (all)
		wr_str(&w, ",</3/0>,</5/0>,</19/0>");
	if (all || p->id[0] == 21)
		wr_str(&w, ",</21>;ver=2.0");
	for (size_t i = 0; i < a->oscore_n && (all || p->id[0] == 21); i++) {
		uint16_t ssid = ssid_of_oscore(a, a->oscore[i].iid);
		wr_fmt(&w, ",</21/%u>", a->oscore[i].iid);
		if (ssid)
			wr_fmt(&w, ";ssid=%u", ssid);
	}
	if (all)
		wr_str(&w, ",</3303/0>");
	*body = wr_span(&w);
	return w.err ? MSG_INTERNAL_ERROR : MSG_CONTENT;
}

static void get(struct dev_call *c, const struct lwm_path *p, struct msg *reply)
{
	struct dev *d = c->d;
	uint16_t cf = dev_accept(&c->plain, LWM_CF_TLV);
	struct span body = SPAN_EMPTY;
	struct block b, *want = block_get(&c->plain, OPT_BLOCK2, &b) == ERR_OK ? &b : NULL;
	if (cf == LWM_CF_LINK) {
		reply->code = discover(d, p, &body);
		dev_event_add(d, DEV_EVENT_BS_DISCOVER)->path = *p;
	} else {
		bool good = (p->n == 1 || p->n == 2) && (p->id[0] == 1 || p->id[0] == 2);
		reply->code = good ? dev_read_body(d, d->draft, p, cf, &body) : MSG_UNAUTHORIZED;
		struct dev_event *e = dev_event_add(d, DEV_EVENT_BS_READ);
		e->path = *p;
		e->code = reply->code;
	}
	if (reply->code == MSG_CONTENT)
		dev_reply_body(d, reply, cf, body, want);
}

/* An instance named by the payload is new, whatever was there (BS-05). */
static enum err begin_instances(
	struct dev *d, const struct lwm_path *p, const struct lwm_record *v, size_t n)
{
	uint16_t last = LWM_ID_NONE;
	enum err e = ERR_OK;
	if (p->n >= 2)
		return dev_accounts_instance(d->draft, p->id[0], p->id[1], p->n == 2);
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		if (v[i].path.n > 1 && v[i].path.id[1] != last) {
			last = v[i].path.id[1];
			e = dev_accounts_instance(d->draft, p->id[0], last, true);
		}
	}
	return e;
}

static enum err apply(struct dev *d, const struct lwm_record *v, size_t n)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		if (v[i].kind == LWM_RECORD_BAD)
			e = ERR_RANGE;
		else if (v[i].kind == LWM_RECORD_VALUE)
			e = dev_accounts_set(d->draft, &v[i].path, &v[i].value);
	}
	return e;
}

static uint8_t put(struct dev_call *c, const struct lwm_path *p)
{
	struct dev *d = c->d;
	uint32_t cf = LWM_CF_TLV;
	struct lwm_codec_opts opts = {0};
	struct lwm_records r;
	struct dev_accounts before = *d->draft;
	msg_get_uint(&c->plain, OPT_CONTENT_FORMAT, &cf);
	const struct lwm_format *f = dev_format(d, cf);
	if (!f)
		return MSG_UNSUPPORTED_FORMAT;
	if (p->n < 1 || p->n > 3)
		return MSG_BAD_REQUEST;
	lwm_records_init(&r, &d->host->scratch);
	enum err e = f->decode(c->body, p, &opts, &r);
	if (e == ERR_OK)
		e = r.err;
	if (e == ERR_OK)
		e = begin_instances(d, p, r.v, r.n);
	if (e == ERR_OK)
		e = apply(d, r.v, r.n);
	if (e) /* all or nothing */
		*d->draft = before;
	secret_wipe(&before, sizeof(before));
	struct dev_event *ev = dev_event_add(d, DEV_EVENT_BS_WRITE);
	ev->path = *p;
	ev->code = e ? MSG_BAD_REQUEST : MSG_CHANGED;
	return ev->code;
}

static uint8_t delete (struct dev *d, const struct lwm_path *p)
{
	if (p->n > 2)
		return MSG_BAD_REQUEST;
	dev_accounts_delete(d->draft, p);
	dev_event_add(d, DEV_EVENT_BS_DELETE)->path = *p;
	return MSG_DELETED;
}

static uint8_t finish(struct dev *d)
{
	struct dev_event *e = dev_event_add(d, DEV_EVENT_BS_FINISH);
	struct dev_accounts before = *d->draft;
	dev_accounts_renew(d->draft, &d->accounts);
	d->finished = dev_accounts_check(d->host, d->draft) == ERR_OK;
	if (!d->finished) /* the old bootstrap account survives */
		*d->draft = before;
	secret_wipe(&before, sizeof(before));
	e->code = d->finished ? MSG_CHANGED : MSG_NOT_ACCEPTABLE;
	return e->code;
}

static bool is_finish(const struct msg *m)
{
	const struct opt *o = msg_find(m, OPT_URI_PATH);
	return m->code == MSG_POST && o && span_eq_str(o->val, "bs") && !msg_next(m, o);
}

void dev_bootstrap_request(struct dev_call *c, struct msg *reply)
{
	struct dev *d = c->d;
	struct lwm_path p;
	/* The 2.04 to our request may have been lost, or be on its way. */
	bool open = d->state == DEV_STATE_BOOTSTRAP ||
		    (d->state == DEV_STATE_REQUESTING && d->req.op == DEV_OP_BOOTSTRAP);
	bool again = !open && is_finish(&c->plain) && d->finished;
	bool may_begin = d->host->o.unasked && d->state != DEV_STATE_NEW;
	if (again || !(open || may_begin) || d->stopping) {
		reply->code = again ? MSG_CHANGED : MSG_UNAUTHORIZED;
		return;
	}
	dev_life_bootstrap(d);
	if (!d->draft)
		reply->code = MSG_UNAVAILABLE;
	else if (is_finish(&c->plain))
		reply->code = finish(d);
	else if (lwm_path_from_options(&c->plain, 0, &p) != ERR_OK)
		reply->code = MSG_NOT_FOUND;
	else if (c->plain.code == MSG_GET)
		get(c, &p, reply);
	else if (c->plain.code == MSG_PUT)
		reply->code = put(c, &p);
	else if (c->plain.code == MSG_DELETE)
		reply->code = delete (d, &p);
	else
		reply->code = MSG_METHOD_NOT_ALLOWED;
}
