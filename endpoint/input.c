/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

void ep_plain_error(struct ep_exchange *x, const struct peer *to, uint8_t code, const char *text,
	struct turn *t)
{
	struct msg m;
	msg_init(&m, x->outer.type == MSG_CON ? MSG_ACK : MSG_NON, code);
	m.mid = x->outer.type == MSG_CON ? x->outer.mid : x->next_mid++;
	m.token_n = x->outer.token_n;
	memcpy(m.token, x->outer.token, sizeof(m.token));
	m.payload = span_str(text);
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (msg_add_uint(&m, OPT_MAX_AGE, 0) || msg_encode_udp(&m, &w))
		return;
	turn_send(t, to, turn_dup(t, wr_span(&w)));
}

void ep_input_unavailable(
	struct ep_counters *count, const struct peer *from, struct span datagram, struct turn *t)
{
	struct msg in, m;
	uint8_t out[64];
	count->datagrams++;
	if (msg_parse_udp(datagram, &in) || !msg_code_is_request(in.code) || in.type > MSG_NON)
		return;
	count->unavailable++;
	msg_init(&m, in.type == MSG_CON ? MSG_ACK : MSG_NON, MSG_UNAVAILABLE);
	m.mid = in.mid;
	m.token_n = in.token_n;
	memcpy(m.token, in.token, sizeof(m.token));
	struct writer w = wr_make(out, sizeof(out));
	if (msg_add_uint(&m, OPT_MAX_AGE, 30) || msg_encode_udp(&m, &w))
		return;
	turn_send(t, from, turn_dup(t, wr_span(&w)));
}

bool ep_answer_copy(struct ep_exchange *x, const struct ep_conversation *v, struct turn *t,
	struct ep_delivery *d)
{
	const struct dedup_entry *e = v ? dedup_find(&v->dedup, d->hash, t->now_ms) : NULL;
	if (!e)
		return false;
	x->count.duplicates++;
	turn_send(t, &d->from, turn_dup(t, span_make(e->response, e->n)));
	return true;
}

/* What makes blocks parts of one body: method, path, query, Request-Tag (RFC 9175 section 3.3). */
static void body_key(const struct ep_exchange *x, const struct msg *m, uint8_t key[static 16])
{
	uint8_t text[512];
	struct writer w = wr_make(text, sizeof(text));
	wr_u8(&w, m->code);
	for (size_t i = 0; i < m->opt_n; i++) {
		uint16_t n = m->opt[i].num;
		if (n != OPT_URI_PATH && n != OPT_URI_QUERY && n != OPT_REQUEST_TAG)
			continue;
		wr_u16(&w, n);
		wr_u16(&w, (uint16_t)m->opt[i].val.n);
		wr_bytes(&w, m->opt[i].val);
	}
	/* Longer than the buffer: its start decides, which only merges bodies of one peer. */
	uint64_t h = siphash24(x->hash_key, wr_span(&w));
	memset(key, 0, 16);
	memcpy(key, &h, sizeof(h));
}

/* Takes a block. True when the body is whole, or there are no blocks. */
static bool take_block1(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct block b;
	enum err err = block_get(d->msg, OPT_BLOCK1, &b);
	if (err == ERR_NOTFOUND)
		return true;
	if (err) {
		ep_respond_code(x, d, MSG_BAD_OPTION, t);
		return false;
	}
	struct ep_conversation *v = d->conv;
	if (!v->rx && (v->rx = calloc(1, sizeof(*v->rx))))
		block_rx_init(v->rx, x->opts.body_limit_bytes);
	if (!v->rx) {
		ep_respond_code(x, d, MSG_UNAVAILABLE, t);
		return false;
	}
	uint8_t key[16];
	body_key(x, d->msg, key);
	if (b.num && (!v->rx->active || memcmp(key, v->rx->key, sizeof(key)))) {
		ep_respond_code(x, d, MSG_REQUEST_ENTITY_INCOMPLETE, t);
		return false;
	}
	memcpy(v->rx->key, key, sizeof(key));
	d->has_block1 = true;
	d->block1 = b;
	switch (block_rx_take(v->rx, b, d->msg->payload, t->now_ms)) {
	case BLOCK_MORE:
		ep_respond_code(x, d, MSG_CONTINUE, t);
		return false;
	case BLOCK_DONE:
		d->msg->payload = span_make(v->rx->body, v->rx->n);
		return true;
	case BLOCK_INCOMPLETE:
		ep_respond_code(x, d, MSG_REQUEST_ENTITY_INCOMPLETE, t);
		return false;
	case BLOCK_TOO_LARGE:
		ep_respond_code(x, d, MSG_TOO_LARGE, t);
		return false;
	case BLOCK_NOMEM:
		ep_respond_code(x, d, MSG_UNAVAILABLE, t);
		return false;
	}
	return false;
}

void ep_deliver_request(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	if (msg_check_options(d->msg) != MSG_OPTIONS_GOOD) {
		x->count.bad_option++;
		ep_note(d->endpoint, EP_REASON_BAD_OPTION, t->wall_ms);
		ep_respond_code(x, d, MSG_BAD_OPTION, t);
		return;
	}
	if (take_block1(x, t, d))
		d->kind = EP_REQUEST;
}

/* The endpoint a query claims to be; only to tell an operator about it. */
static struct endpoint *claimed_endpoint(const struct ep_exchange *x)
{
	const struct opt *o = msg_find(&x->outer, OPT_URI_QUERY);
	for (; o; o = msg_next(&x->outer, o))
		if (o->val.n > 3 && !memcmp(o->val.p, "ep=", 3))
			return ep_find(x->dir, span_sub(o->val, 3, o->val.n));
	return NULL;
}

static void nosec_request(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d)
{
	const struct ep_listener *l = &x->opts.listener[d->from.listener % EP_LISTENERS_MAX];
	if (!l->nosec && !x->opts.nosec_names && !x->dir->nosec_n) {
		x->count.nosec_refused++;
		ep_note(claimed_endpoint(x), EP_REASON_NOSEC, t->wall_ms);
		ep_plain_error(x, &d->from, MSG_UNAUTHORIZED, "Protection required", t);
		return;
	}
	d->conv = ep_conv_of_peer(x, &d->from, t->now_ms);
	if (!d->conv) {
		x->count.unavailable++;
		ep_plain_error(x, &d->from, MSG_UNAVAILABLE, "Too many peers", t);
		return;
	}
	d->hash = siphash24(x->hash_key, datagram);
	if (ep_answer_copy(x, d->conv, t, d))
		return;
	d->msg = &x->outer;
	ep_deliver_request(x, t, d);
}

static void request(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d)
{
	x->count.requests++;
	d->role = x->opts.listener[d->from.listener % EP_LISTENERS_MAX].role;
	if (msg_find(&x->outer, OPT_PROXY_URI) || msg_find(&x->outer, OPT_PROXY_SCHEME))
		ep_plain_error(x, &d->from, MSG_CODE(5, 5), "Proxying not supported", t);
	else if (msg_find(&x->outer, OPT_OSCORE))
		ep_secure_request(x, datagram, t, d);
	else
		nosec_request(x, datagram, t, d);
}

/* An Empty message: a ping, an acknowledgement or a Reset (RFC 7252 section 4.2 and 4.3). */
static void empty(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	if (x->outer.type == MSG_CON) {
		ep_send_empty(t, &d->from, MSG_RESET, x->outer.mid);
		return;
	}
	struct exch *e = exch_by_mid(&x->exch, &d->from, x->outer.mid);
	struct ep_request *r = (struct ep_request *)e;
	if (!e || x->outer.type == MSG_NON)
		return;
	if (x->outer.type == MSG_ACK) {
		exch_acked(&x->exch, e, t->now_ms);
		return;
	}
	if (r->conv->ctx) /* a Reset is not authenticated: remembered, not obeyed */
		return;
	ep_request_leave(x, r, t);
	r->state = EP_REQ_DEAD;
	d->kind = EP_CANCELLED;
	d->role = r->role;
	d->request = r;
	d->endpoint = r->endpoint;
}

void ep_input(struct ep_exchange *x, const struct peer *from, struct span datagram, struct turn *t,
	struct ep_delivery *d)
{
	*d = (struct ep_delivery){.kind = EP_NOTHING, .from = *from};
	x->count.datagrams++;
	enum err err = msg_parse_udp(datagram, &x->outer);
	if (err) {
		x->count.malformed++;
		/* Only a confirmable message of our version is worth a Reset (RFC 7252
		 * section 4.2). */
		if (datagram.n >= 4 && datagram.p[0] >> 4 == 4)
			ep_send_empty(t, from, MSG_RESET, x->outer.mid);
		return;
	}
	if (x->outer.code == MSG_EMPTY)
		empty(x, t, d);
	else if (msg_code_is_request(x->outer.code) && x->outer.type <= MSG_NON)
		request(x, datagram, t, d);
	else if (msg_code_is_response(x->outer.code) && x->outer.type != MSG_RESET)
		ep_response(x, t, d);
	else if (x->outer.type == MSG_CON)
		ep_send_empty(t, from, MSG_RESET, x->outer.mid);
}
