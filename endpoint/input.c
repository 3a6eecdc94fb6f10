/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

enum { AMPLIFICATION_MAX = 3, RX_BYTES_MAX = 64 << 20 };

/* Of what a device sends by itself: no object list is longer. */
enum { REQUEST_BODY_MAX = 256 << 10 };

/* Fewer datagrams than that are not worth looking at twice. */
enum { EXPECT_MIN = 4 };

void ep_plain_init(struct ep_exchange *x, struct msg *m, uint8_t code)
{
	bool con = x->outer.type == MSG_CON;
	msg_init(m, con ? MSG_ACK : MSG_NON, code);
	m->mid = con ? x->outer.mid : x->next_mid++;
	m->token_n = x->outer.token_n;
	memcpy(m->token, x->outer.token, sizeof(m->token));
}

void ep_plain_error(struct ep_exchange *x, const struct peer *to, uint8_t code, const char *text,
	struct turn *t)
{
	struct msg m;
	if (ep_is_silent(to))
		return;
	ep_plain_init(x, &m, code);
	m.payload = span_str(text);
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (msg_add_uint(&m, OPT_MAX_AGE, 0) ||
		(code == MSG_TOO_LARGE && msg_add_uint(&m, OPT_SIZE1, EP_UNFRAGMENTED_MAX)) ||
		msg_encode_udp(&m, &w))
		return;
	if (w.n > AMPLIFICATION_MAX * x->datagram_n ||
		w.n > ep_longest_to(x, NULL, to)) { /* its source is not proved: no text */
		m.payload = SPAN_EMPTY;
		w = wr_make(x->out, sizeof(x->out));
		if (msg_encode_udp(&m, &w))
			return;
	}
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
	if (ep_is_silent(from))
		return;
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
	if (e->n) {
		ep_trace_in(x, d, "a copy: its answer goes out again", t);
		turn_send(t, &d->from, turn_dup(t, span_make(e->response, e->n)));
		return true;
	}
	/* It was answered before a restart, with more than is stored. Silence would make the device
	 * wait for the end of its retransmissions before it asks anew (RFC 8613 section 8.2). */
	ep_trace_in(x, d, "a copy, and its answer was too long to be stored", t);
	if (x->outer.type == MSG_CON)
		ep_plain_error(x, &d->from, MSG_UNAUTHORIZED, "Replay detected", t);
	return true;
}

void ep_body_key(const struct ep_exchange *x, const struct msg *m, uint8_t key[static 16])
{
	uint8_t text[512];
	struct writer w = wr_make(text, sizeof(text));
	wr_u8(&w, m->code);
	for (size_t i = 0; i < m->opt_n; i++) {
		uint16_t n = m->opt[i].num;
		if (n != OPT_URI_PATH && n != OPT_URI_QUERY && n != OPT_REQUEST_TAG &&
			n != OPT_ACCEPT)
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

static void refuse(struct ep_exchange *x, struct turn *t, struct ep_delivery *d, enum ep_reason why,
	uint8_t code)
{
	ep_refused(x, d, d->endpoint, why, t);
	ep_respond_code(x, d, code, t);
}

/* Which answer a block gets; MSG_EMPTY: the body is whole. Memory for bodies is bounded in total,
 * since an unprotected peer may be anyone. */
static uint8_t take_body(struct ep_exchange *x, struct ep_conversation *v, struct msg *m,
	const struct block *b, uint64_t now_ms)
{
	uint8_t key[16];
	ep_body_key(x, m, key);
	if (b->num && (!v->rx->active || memcmp(key, v->rx->key, sizeof(key))))
		return MSG_REQUEST_ENTITY_INCOMPLETE;
	memcpy(v->rx->key, key, sizeof(key));
	size_t *bytes = &x->rx_bytes[v->ctx != NULL];
	if (*bytes >= RX_BYTES_MAX)
		return MSG_UNAVAILABLE;
	size_t had = v->rx->cap;
	enum block_step step = block_rx_take(v->rx, *b, m->payload, now_ms);
	*bytes += v->rx->cap - had;
	switch (step) {
	case BLOCK_MORE:
		return MSG_CONTINUE;
	case BLOCK_DONE:
		m->payload = span_make(v->rx->body, v->rx->n);
		return MSG_EMPTY;
	case BLOCK_INCOMPLETE:
		return MSG_REQUEST_ENTITY_INCOMPLETE;
	case BLOCK_TOO_LARGE:
		return MSG_TOO_LARGE;
	case BLOCK_NOMEM:
		break;
	}
	return MSG_UNAVAILABLE;
}

void ep_rx_reset(struct ep_exchange *x, struct ep_conversation *v)
{
	if (!v->rx)
		return;
	size_t had = v->rx->cap;
	block_rx_reset(v->rx);
	x->rx_bytes[v->ctx != NULL] -= had - v->rx->cap;
}

static enum ep_reason reason_of_body(uint8_t code)
{
	if (code == MSG_TOO_LARGE)
		return EP_REASON_BODY_TOO_LARGE;
	return code == MSG_UNAVAILABLE ? EP_REASON_OVERLOAD : EP_REASON_BODY_INCOMPLETE;
}

/* Takes a block. True when the body is whole, or there are no blocks. */
static bool take_block1(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct block b;
	struct ep_conversation *v = d->conv;
	enum err err = block_get(d->msg, OPT_BLOCK1, &b);
	if (err == ERR_NOTFOUND)
		return true;
	if (err) {
		refuse(x, t, d, EP_REASON_BAD_BLOCK, MSG_BAD_OPTION);
		return false;
	}
	const struct opt *path = msg_find(d->msg, OPT_URI_PATH);
	if (!path || !span_eq_str(path->val, "rd")) { /* nothing else takes a body */
		refuse(x, t, d, EP_REASON_NO_PATH, MSG_NOT_FOUND);
		return false;
	}
	if (!v->rx && (v->rx = calloc(1, sizeof(*v->rx))))
		block_rx_init(v->rx, x->opts.body_limit_bytes < REQUEST_BODY_MAX
					     ? x->opts.body_limit_bytes
					     : REQUEST_BODY_MAX);
	if (!v->rx) {
		refuse(x, t, d, EP_REASON_OVERLOAD, MSG_UNAVAILABLE);
		return false;
	}
	uint8_t code = take_body(x, v, d->msg, &b, t->now_ms);
	d->has_block1 = true;
	d->block1 = b;
	if (code == MSG_CONTINUE)
		ep_respond_code(x, d, code, t);
	else if (code != MSG_EMPTY)
		refuse(x, t, d, reason_of_body(code), code);
	return code == MSG_EMPTY;
}

void ep_deliver_request(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	if (msg_check_options(d->msg) != MSG_OPTIONS_GOOD) {
		x->count.bad_option++;
		ep_refused(x, d, d->endpoint, EP_REASON_UNKNOWN_OPTION, t);
		if (x->outer.type == MSG_NON) /* RFC 7252 section 5.4.1 */
			ep_respond_nothing(d, t);
		else
			ep_respond_code(x, d, MSG_BAD_OPTION, t);
		return;
	}
	if (take_block1(x, t, d) && !ep_kept_serve(x, t, d))
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
	const struct ep_listener *l = ep_listener_at(x, &d->from);
	if (ep_is_silent(&d->from) || l->role != REC_ROLE_SERVER || l->require ||
		(!l->nosec && !x->opts.nosec_names && !x->dir->nosec_n)) {
		x->count.nosec_refused++;
		ep_refused(x, d, claimed_endpoint(x), EP_REASON_NOSEC, t);
		ep_plain_error(x, &d->from, MSG_UNAUTHORIZED, "Protection required", t);
		return;
	}
	d->conv = ep_conv_of_peer(x, &d->from, t->now_ms);
	if (!d->conv) {
		x->count.unavailable++;
		ep_refused(x, d, claimed_endpoint(x), EP_REASON_OVERLOAD, t);
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
	d->role = ep_listener_at(x, &d->from)->role;
	if (msg_find(&x->outer, OPT_PROXY_URI) || msg_find(&x->outer, OPT_PROXY_SCHEME)) {
		ep_refused(x, d, NULL, EP_REASON_PROXY, t);
		ep_plain_error(x, &d->from, MSG_CODE(5, 5), "Proxying not supported", t);
	} else if (msg_find(&x->outer, OPT_OSCORE)) {
		ep_secure_request(x, datagram, t, d);
	} else if (bearer_is_channel(d->from.bearer)) {
		ep_channel_request(x, datagram, t, d);
	} else {
		nosec_request(x, datagram, t, d);
	}
}

/* An Empty message: a ping, an acknowledgement or a Reset (RFC 7252 section 4.2 and 4.3). */
static void empty(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	if (gateway_kind_at(&d->from) == GATEWAY_LORAWAN) /* TRN-NIP-6: it lets us speak, no more */
		return;
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
		ep_pump(x, r->conv, t); /* what was not to be too far behind it */
		return;
	}
	if (r->conv->ctx) /* a Reset is not authenticated: remembered, not obeyed */
		return;
	r = ep_request_fail(x, r, t);
	if (!r)
		return;
	d->kind = EP_CANCELLED;
	d->role = r->role;
	d->request = r;
	d->endpoint = r->endpoint;
}

void ep_input_again(struct ep_exchange *x, const struct peer *from, uint64_t mark,
	struct span datagram, struct turn *t, struct ep_delivery *d)
{
	*d = (struct ep_delivery){.kind = EP_NOTHING, .from = *from, .mark = mark};
	ep_channel_read(x, mark, d);
	d->role = ep_listener_at(x, from)->role;
	x->datagram_n = datagram.n;
	if (!msg_parse_udp(datagram, &x->outer) && msg_find(&x->outer, OPT_OSCORE))
		ep_secure_request(x, datagram, t, d);
	ep_stream_heard(x, d);
}

/* The kid that is in a datagram, or nothing. */
static struct span kid_in(struct span datagram)
{
	struct msg m;
	struct osc_option o;
	return msg_parse_udp(datagram, &m) || osc_option_of(&m, &o) ? SPAN_EMPTY : o.kid;
}

void ep_expect(const struct ep_exchange *x, const struct span *datagrams, size_t n)
{
	struct span kid[EP_FETCH_MAX];
	if (n < EXPECT_MIN)
		return;
	for (size_t at = 0; at < n; at += EP_FETCH_MAX) {
		size_t lot = n - at < EP_FETCH_MAX ? n - at : EP_FETCH_MAX;
		for (size_t i = 0; i < lot; i++)
			kid[i] = kid_in(datagrams[at + i]);
		ep_context_fetch(x->dir, kid, lot);
	}
}

void ep_input(struct ep_exchange *x, const struct peer *from, struct span datagram, struct turn *t,
	struct ep_delivery *d)
{
	ep_input_by(x, from, 0, datagram, t, d);
}

void ep_input_by(struct ep_exchange *x, const struct peer *from, uint64_t mark,
	struct span datagram, struct turn *t, struct ep_delivery *d)
{
	*d = (struct ep_delivery){.kind = EP_NOTHING, .from = *from, .mark = mark};
	ep_channel_read(x, mark, d);
	x->count.datagrams++;
	x->datagram_n = datagram.n;
	enum err err = msg_parse_udp(datagram, &x->outer);
	if (err) {
		x->count.malformed++;
		ep_refused(x, d, NULL, EP_REASON_MALFORMED, t);
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
	ep_stream_heard(x, d);
}
