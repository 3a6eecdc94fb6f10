/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the device and what comes back. One at a time (NSTART of RFC 7252 section 4.7). */
#include "device/inner.h"

#include "lwm2m/version.h"

#include <string.h>

enum { ECHO_TRIES = 3, MAX_AGE_DEFAULT_S = 60 };

/* Adds an option unless an earlier one failed: building a request has one check, at its end. */
static void add(enum err *e, struct msg *m, uint16_t num, struct span val)
{
	if (*e == ERR_OK)
		*e = msg_add(m, num, val);
}

/* A version goes to the object, or to its only instance (REG-07). */
static void list_object(struct dev *d, uint16_t oid, struct writer *w)
{
	uint16_t iid[DEV_INSTANCES_MAX];
	uint8_t version = dev_object_version(oid);
	size_t n = dev_instances(d, &d->accounts, oid, iid);
	for (size_t i = 0; i <= n; i++) {
		if (i == 0 && (n == 1 || (n && !version)))
			continue; /* no link of its own */
		wr_str(w, w->n ? ",<" : "<");
		wr_path(w, &(struct lwm_path){i ? 2 : 1, {oid, i ? iid[i - 1] : 0, 0, 0}});
		wr_str(w, ">");
		if (version && (i == 0 || n == 1)) {
			wr_str(w, ";ver=");
			wr_version(w, version);
		}
	}
}

/* "</1/0>,</3/0>,..." (REG-07); the formats beyond the mandatory ones go to the root link. */
static struct span object_list(struct dev *d)
{
	struct writer w = dev_scratch(d->host, 2048);
	size_t n;
	const uint16_t *oids = dev_objects(d, &n);
	if (d->host->o.all_formats)
		wr_str(&w, "</>;rt=\"oma.lwm2m\";ct=\"60 110 112\"");
	for (size_t i = 0; i < n; i++)
		list_object(d, oids[i], &w);
	return wr_span(&w);
}

uint32_t dev_lifetime_s(const struct dev *d)
{
	const struct dev_server *s = dev_server_of(&d->accounts);
	return s ? s->lifetime_s : d->host->o.lifetime_s;
}

static void build_register(struct dev *d, enum err *e, struct msg *m)
{
	struct dev_host *h = d->host;
	const struct dev_server *s = dev_server_of(&d->accounts);
	add(e, m, OPT_URI_PATH, SPAN_LIT("rd"));
	if (*e == ERR_OK)
		*e = msg_add_uint(m, OPT_CONTENT_FORMAT, LWM_CF_LINK);
	add(e, m, OPT_URI_QUERY, dev_fmt(h, "ep=%s", d->endpoint));
	add(e, m, OPT_URI_QUERY, dev_fmt(h, "lt=%u", dev_lifetime_s(d)));
	add(e, m, OPT_URI_QUERY, SPAN_LIT("lwm2m=1.1"));
	bool tcp = bearer_timing(d->peer[DEV_ROLE_SERVER].bearer)->reliable;
	const char *binding = s ? s->binding : "U";
	add(e, m, OPT_URI_QUERY, dev_fmt(h, "b=%s", tcp && !strchr(binding, 'T') ? "T" : binding));
	if (h->o.queue)
		add(e, m, OPT_URI_QUERY, SPAN_LIT("Q"));
	m->payload = object_list(d);
	d->lt_told_s = dev_lifetime_s(d);
}

static enum err build(struct dev *d, enum dev_op op, struct msg *m)
{
	struct dev_host *h = d->host;
	enum err e = ERR_OK;
	msg_init(m, MSG_CON, MSG_POST);
	switch (op) {
	case DEV_OP_NONE:
		return ERR_STATE;
	case DEV_OP_BOOTSTRAP:
		add(&e, m, OPT_URI_PATH, SPAN_LIT("bs"));
		add(&e, m, OPT_URI_QUERY, dev_fmt(h, "ep=%s", d->endpoint));
		add(&e, m, OPT_URI_QUERY,
			dev_fmt(h, "pct=%u", h->o.all_formats ? LWM_CF_SENML_CBOR : LWM_CF_TLV));
		break;
	case DEV_OP_PACK:
		m->code = MSG_GET;
		e = dev_pack_build(d, m);
		break;
	case DEV_OP_REGISTER:
		build_register(d, &e, m);
		break;
	case DEV_OP_UPDATE:
		e = msg_add_path(m, OPT_URI_PATH, d->location);
		if (dev_lifetime_s(d) != d->lt_told_s)
			add(&e, m, OPT_URI_QUERY, dev_fmt(h, "lt=%u", dev_lifetime_s(d)));
		d->lt_told_s = dev_lifetime_s(d);
		break;
	case DEV_OP_DEREGISTER:
		m->code = MSG_DELETE;
		e = msg_add_path(m, OPT_URI_PATH, d->location);
		break;
	}
	return e ? e : dev_challenge_answer(&d->req.challenge, m);
}

/* Protects `plain` as a request of ours and starts its exchange. */
static enum err transmit(struct dev *d, struct msg *plain)
{
	struct dev_host *h = d->host;
	struct dev_request *r = &d->req;
	enum err e = dev_recover_begin(d, r->role);
	struct dev_context *c = d->ctx[r->role];
	struct writer buf = dev_scratch(h, dev_msg_bytes(plain)), wrapped = dev_scratch(h, 72);
	struct msg out;
	struct span datagram = SPAN_EMPTY;
	uint64_t number;
	struct span kid_context;
	if (e || !c)
		return e ? e : ERR_STATE;
	bool with = dev_recover_kid_context(c, &wrapped, &kid_context);
	plain->mid = d->mid++;
	plain->token_n = MSG_TOKEN_MAX;
	rng_fill(&h->rng, plain->token, MSG_TOKEN_MAX);
	e = buf.err ? buf.err : wrapped.err;
	if (e == ERR_OK)
		e = dev_context_number(d, c, &number);
	if (e == ERR_OK)
		e = osc_protect_request(h->crypto, &c->keys, number, with ? &kid_context : NULL,
			plain, &buf, &out, &r->binding);
	if (e == ERR_OK)
		e = dev_encode(h, &out, &datagram);
	if (e == ERR_OK)
		e = dev_exch_start(&r->e, &d->peer[r->role], &out, datagram, true);
	if (e == ERR_OK)
		dev_emit(d, &d->peer[r->role], datagram);
	return e;
}

void dev_request_again(struct dev *d)
{
	struct msg m;
	enum err e = build(d, d->req.op, &m);
	if (e == ERR_OK)
		e = transmit(d, &m);
	if (e)
		dev_life_failed(d, 0, err_text(e), 0);
}

void dev_request_stop(struct dev *d)
{
	exch_stop(&d->host->exchanges, &d->req.e.x);
	d->req.op = DEV_OP_NONE;
	d->req.challenge = (struct dev_challenge){0};
	dev_pack_drop(d);
}

void dev_request_send(struct dev *d, enum dev_op op)
{
	dev_request_stop(d);
	if (!dev_life_board(d)) {
		dev_life_queue(d, op);
		return;
	}
	d->state = DEV_STATE_REQUESTING;
	d->req.op = op;
	d->req.role = dev_role_of(op);
	d->req.started_us = d->host->now_us;
	dev_event_add(d, DEV_EVENT_SENT)->op = op;
	dev_request_again(d);
}

/* A separate response is acknowledged, and so is its copy after our acknowledgement was lost. */
static void acknowledge(struct dev *d, const struct peer *from, const struct msg *outer)
{
	if (outer->type != MSG_CON)
		return;
	d->acked_mid = outer->mid;
	d->has_acked_mid = true;
	dev_emit_empty(d, from, MSG_ACK, outer->mid);
}

bool dev_challenge_take(struct dev_challenge *c, const struct msg *m)
{
	const struct opt *o = msg_find(m, OPT_ECHO);
	if (m->code != MSG_UNAUTHORIZED || !o || !o->val.n || o->val.n > DEV_ECHO_MAX ||
		c->tries >= ECHO_TRIES)
		return false;
	memcpy(c->echo, o->val.p, c->n = (uint8_t)o->val.n);
	c->tries++;
	return true;
}

enum err dev_challenge_answer(const struct dev_challenge *c, struct msg *m)
{
	return c->n ? msg_add(m, OPT_ECHO, span_make(c->echo, c->n)) : ERR_OK;
}

/* An error in the clear may be forged: it makes the device try again later, nothing else
 * (RFC 8613 section 8.4). */
static void unprotected(struct dev *d, const struct peer *from, const struct msg *outer)
{
	static const uint8_t hints[] = {
		MSG_BAD_REQUEST, MSG_UNAUTHORIZED, MSG_BAD_OPTION, MSG_UNAVAILABLE};
	uint32_t wait_s = 0;
	for (size_t i = 0; i < sizeof(hints); i++) {
		if (outer->code != hints[i])
			continue;
		acknowledge(d, from, outer);
		if (outer->code != MSG_UNAVAILABLE)
			dev_recover_again(d, d->req.role);
		if (outer->code == MSG_UNAVAILABLE && !msg_get_uint(outer, OPT_MAX_AGE, &wait_s))
			wait_s = MAX_AGE_DEFAULT_S;
		dev_life_failed(d, outer->code, "an error in the clear", wait_s);
		return;
	}
}

static bool ours(struct dev *d, const struct exch *x, const struct msg *outer)
{
	return x && x == &d->req.e.x && d->req.op != DEV_OP_NONE &&
	       (outer->type != MSG_ACK || outer->mid == exch_mid(x));
}

void dev_client_response(struct dev *d, const struct peer *from, const struct msg *outer)
{
	struct dev_host *h = d->host;
	struct exch *x = exch_by_token(&h->exchanges, span_make(outer->token, outer->token_n));
	struct writer buf = dev_scratch(h, dev_msg_bytes(outer));
	struct msg plain;
	uint64_t number;
	if (x && d->firmware && x == &d->firmware->fetch.x &&
		(outer->type != MSG_ACK || outer->mid == exch_mid(x))) {
		dev_firmware_response(d, from, outer);
		return;
	}
	if (!ours(d, x, outer)) {
		bool again = d->has_acked_mid && outer->mid == d->acked_mid;
		if (outer->type == MSG_CON)
			dev_emit_empty(d, from, again ? MSG_ACK : MSG_RESET, outer->mid);
		return;
	}
	if (!msg_find(outer, OPT_OSCORE)) {
		unprotected(d, from, outer);
		return;
	}
	if (dev_recover_response(d, outer)) {
		acknowledge(d, from, outer);
		exch_stop(&h->exchanges, x);
		dev_request_again(d);
		return;
	}
	if (buf.err || osc_unprotect_response(h->crypto, &d->ctx[d->req.role]->keys,
			       &d->req.binding, outer, &buf, &plain, &number) != ERR_OK)
		return;
	dev_recover_done(d, d->ctx[d->req.role]);
	acknowledge(d, from, outer);
	exch_stop(&h->exchanges, x);
	if (dev_challenge_take(&d->req.challenge, &plain)) {
		dev_event_add(d, DEV_EVENT_CHALLENGED)->op = d->req.op;
		dev_request_again(d);
		return;
	}
	dev_life_done(d, &plain);
}
