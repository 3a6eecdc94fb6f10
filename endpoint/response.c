/* SPDX-License-Identifier: Apache-2.0 */
/* Responses and notifications: found by token, bound to their request by OSCORE (RFC 8613 section
 * 8.4), put together from blocks, ordered. */
#include "endpoint/exchange_impl.h"

#include <string.h>

enum { FETCHED_AGAIN_MAX = 2, FETCH_BYTES_MAX = 64 << 20 };

static struct ep_request *by_token(const struct ep_exchange *x)
{
	struct span token = span_make(x->outer.token, x->outer.token_n);
	struct exch *e = exch_by_token(&x->exch, token);
	return e ? (struct ep_request *)e : map_get(&x->observing, token);
}

/* Unprotected errors of a server that could not verify our request, or of a proxy on the way (RFC
 * 8613 sections 7.4, 8.2 and 4.1.3.6): all that an unprotected answer may hint at. */
static bool is_hint(uint8_t code)
{
	static const uint8_t hints[] = {MSG_BAD_REQUEST, MSG_UNAUTHORIZED, MSG_BAD_OPTION,
		MSG_NOT_FOUND, MSG_TOO_LARGE, MSG_CODE(5, 2), MSG_UNAVAILABLE, MSG_CODE(5, 4),
		MSG_CODE(5, 5)};
	return memchr(hints, code, sizeof(hints));
}

/* Asking twice does no harm. */
static bool asks_only(const struct ep_request *r)
{
	return r->plain[0] == MSG_GET || r->plain[0] == MSG_FETCH;
}

/* The device seems not to have our keys. If the request left out the ID Context, that may be why;
 * it is a hint that anybody can forge, so what would do something is not repeated. True: it goes
 * out once more. */
static bool no_context(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	if (r->state == EP_REQ_SENT && ep_naming_failed(r))
		return asks_only(r);
	ep_begin(x, r->conv, t);
	return false;
}

/* What cannot be trusted changes nothing; an operator hears of it. */
static void ignore(struct ep_exchange *x, struct ep_request *r, enum ep_reason why, struct turn *t,
	struct ep_delivery *d)
{
	bool again = false;
	if (why == EP_REASON_UNPROTECTED_ANSWER) {
		x->count.unprotected_answers++;
		if (is_hint(x->outer.code))
			r->hint = x->outer.code;
		if (x->outer.code == MSG_UNAUTHORIZED || x->outer.code == MSG_BAD_REQUEST)
			again = no_context(x, r, t);
	} else {
		x->count.answers_ignored++;
	}
	ep_note_under(x->dir, r->endpoint, r->conv->ctx, why, t->wall_ms);
	d->endpoint = r->endpoint;
	if (why == EP_REASON_ANSWER_DECRYPT)
		ep_security_note(x->dir, EP_SECURITY_DECRYPTION, r->endpoint, SPAN_EMPTY, &d->from,
			t->now_ms);
	if (why == EP_REASON_UNPROTECTED_ANSWER) /* the code tells a proxy from a device */
		d->msg = &x->outer;
	ep_trace_in(x, d, ep_reason_info(why)->code, t);
	d->msg = NULL;
	if (again)
		ep_request_resend(x, r, t);
}

/* The response in the clear. Sets number to the sender's Partial IV plus one, or 0 without one. */
static bool open_response(struct ep_exchange *x, struct ep_request *r, struct turn *t,
	struct ep_delivery *d, uint64_t *number)
{
	struct ep_context *c = r->conv->ctx;
	uint64_t piv;
	*number = 0;
	if (!c) {
		d->msg = &x->outer;
		if (peer_eq(&d->from, &r->conv->peer))
			return true;
		ignore(x, r, EP_REASON_ANSWER_ADDRESS, t, d);
		return false;
	}
	if (!msg_find(&x->outer, OPT_OSCORE)) {
		ignore(x, r, EP_REASON_UNPROTECTED_ANSWER, t, d);
		return false;
	}
	if (!ep_trial_allowed(x, c, &d->from, t->now_ms)) {
		ignore(x, r, EP_REASON_FORGERIES, t, d);
		return false;
	}
	if (!ep_outer_whole(x, r, t, d))
		return false;
	struct writer w = wr_make(x->in, sizeof(x->in));
	enum err err = osc_unprotect_response(
		x->dir->crypto, ep_work_keys(x, c), &r->binding, &x->outer, &w, &x->plain, &piv);
	if (err) {
		if (err == ERR_AUTH)
			ep_trial_failed(x, c, &d->from, t);
		ignore(x, r, EP_REASON_ANSWER_DECRYPT, t, d);
		return false;
	}
	*number = piv == UINT64_MAX ? 0 : piv + 1;
	ep_naming_answered(r);
	c->heard_s = (uint32_t)(t->wall_ms / 1000);
	d->verified = true;
	d->msg = &x->plain;
	d->ctx = c;
	d->piv = piv;
	return true;
}

/* A response with an option we must understand and do not is rejected (RFC 7252 section 5.4.1). */
static bool check_options(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d)
{
	if (msg_check_options(d->msg) == MSG_OPTIONS_GOOD) {
		d->endpoint = r->endpoint;
		ep_trace_in(x, d, NULL, t);
		return true;
	}
	ignore(x, r, EP_REASON_ANSWER_OPTION, t, d);
	if (x->outer.type == MSG_CON)
		ep_send_empty(t, &d->from, MSG_RESET, x->outer.mid);
	return false;
}

/* A response without a number is as new as the request that it answers. */
static bool is_newest(struct ep_request *r, uint64_t number)
{
	struct ep_conversation *v = r->conv;
	uint64_t asked = osc_piv_number(&r->binding.piv);
	bool newest = asked >= v->answered;
	if (r->state == EP_REQ_SENT && newest)
		v->answered = asked;
	return number || newest;
}

/* The address of the newest verified message. */
static void heard(struct ep_delivery *d, struct ep_request *r, uint64_t number)
{
	if (!d->ctx || !is_newest(r, number) || !d->ctx->peer)
		return;
	uint64_t piv = number ? number - 1 : d->ctx->peer->piv;
	if (piv >= d->ctx->peer->piv &&
		(!d->ctx->window.any || piv >= d->ctx->window.highest || !number))
		ep_context_heard(d->ctx, &d->from, piv, &d->moved);
}

/* Asks for the next block of the body in r->rx. */
static void ask_next(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct block next = {.szx = r->rx.szx};
	next.num = (uint32_t)(r->rx.n / block_size(next.szx));
	ep_request_send(x, r, &next, t);
}

void ep_request_resend(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	if (r->rx.active)
		ask_next(x, r, t);
	else
		ep_request_send(x, r, NULL, t);
}

/* What was asked last, a block of a body for one, is asked again. */
static bool repeat_with_echo(
	struct ep_exchange *x, struct ep_request *r, const struct msg *m, struct turn *t)
{
	const struct opt *o = msg_find(m, OPT_ECHO);
	if (m->code != MSG_UNAUTHORIZED || !o || !o->val.n || o->val.n > sizeof(r->echo) ||
		r->echo_done)
		return false;
	memcpy(r->echo, o->val.p, o->val.n);
	r->echo_n = (uint8_t)o->val.n;
	r->echo_done = true;
	r->proving = true;
	if (!r->tx.blocks) /* the body that was asked with in blocks is not sent twice */
		ep_request_rx_reset(x, r); /* the answer is asked from the start */
	ep_request_go_on(x, r, t);
	return true;
}

enum body {
	BODY_WHOLE,
	BODY_MORE,
	BODY_CHANGED, /* the blocks are not of one body */
	BODY_BROKEN,
};

/* All blocks of one body carry the ETag of the first, or none does (RFC 7959 section 2.4). */
static bool same_etag(struct block_rx *rx, const struct msg *m, bool first)
{
	const struct opt *o = msg_find(m, OPT_ETAG);
	struct span etag = o ? o->val : SPAN_EMPTY;
	if (!first)
		return span_eq(etag, span_make(rx->etag, rx->etag_n));
	if (etag.n > sizeof(rx->etag))
		return false;
	rx->etag_n = (uint8_t)etag.n;
	if (etag.n)
		memcpy(rx->etag, etag.p, etag.n);
	return true;
}

/* An error for a later block: perhaps that block is not there any more, but another body is. */
static bool lost_block(const struct ep_request *r, uint8_t code)
{
	return r->rx.active && (code == MSG_NOT_FOUND || code == MSG_REQUEST_ENTITY_INCOMPLETE ||
				       code == MSG_BAD_REQUEST || code == MSG_BAD_OPTION);
}

static enum body take_block2(
	struct ep_exchange *x, struct ep_request *r, struct msg *m, uint64_t now_ms)
{
	struct block b;
	enum err err = block_get(m, OPT_BLOCK2, &b);
	if (lost_block(r, m->code))
		return BODY_CHANGED;
	if (err == ERR_NOTFOUND || (!err && !b.num && !b.more))
		return BODY_WHOLE;
	if (err || msg_code_class(m->code) != 2)
		return err ? BODY_BROKEN : BODY_WHOLE;
	/* A block that adds nothing, or the first once more, was not asked for: a device must not
	 * keep us asking for ever. */
	if (!b.num && r->rx.active)
		return BODY_CHANGED;
	size_t had = r->rx.n, cap = r->rx.cap;
	bool first = !r->rx.active;
	if (x->fetch_bytes > FETCH_BYTES_MAX)
		return BODY_BROKEN;
	enum block_step step = block_rx_take(&r->rx, b, m->payload, now_ms);
	x->fetch_bytes += r->rx.cap - cap;
	if (step == BLOCK_TOO_LARGE || step == BLOCK_NOMEM)
		return BODY_BROKEN;
	bool stuck = step == BLOCK_MORE && r->rx.n == had;
	if (step == BLOCK_INCOMPLETE || stuck || !same_etag(&r->rx, m, !b.num))
		return first ? BODY_BROKEN : BODY_CHANGED;
	if (step == BLOCK_MORE)
		return BODY_MORE;
	m->payload = span_make(r->rx.body, r->rx.n);
	return BODY_WHOLE;
}

/* The next block of a body; that of a source after whatever else waits for the peer, since all of
 * it may take long. */
static void send_next(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct ep_conversation *v = r->conv;
	if (!r->source.n || !v->queue) {
		ep_request_go_on(x, r, t);
		return;
	}
	ep_request_stop(x, r);
	ep_current_del(v, r);
	ep_request_enqueue(v, r);
	ep_pump(x, v, t);
}

/* It is asked for from its start, if asking twice does no harm; and not for ever, for a body may
 * change faster than it can be fetched. */
static bool fetch_again(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	if (!asks_only(r) || r->fetched_again >= FETCHED_AGAIN_MAX)
		return false;
	r->fetched_again++;
	ep_request_rx_reset(x, r);
	ep_tx_restart(&r->tx);
	send_next(x, r, t);
	return true;
}

/* A first block of a notification: its rest comes by requests of its own (RFC 7959 section 2.6). */
static bool fetch_rest(struct ep_exchange *x, struct ep_request *r, struct msg *m, struct turn *t)
{
	struct ep_request *child;
	struct ep_conversation *v = r->conv;
	bool busy = !ep_may_go(x, v, r) || r->tx.blocks; /* it is asked with a body: that goes first
							  */
	if ((busy && v->queue_n >= EP_QUEUE_MAX) || ep_request_child(x, r, &child))
		return false;
	if (busy || take_block2(x, child, m, t->now_ms) != BODY_MORE) {
		/* A plain read from the start, when its turn comes. */
		ep_request_rx_reset(x, child);
		block_rx_init(&child->rx, x->opts.body_limit_bytes);
		ep_request_enqueue(v, child);
		ep_pump(x, v, t);
		return true;
	}
	child->conv = v;
	ep_current_add(v, child);
	ask_next(x, child, t);
	return true;
}

static void start_observing(
	struct ep_exchange *x, struct ep_request *r, uint64_t number, uint64_t now_ms)
{
	struct ep_conversation *v = r->conv;
	struct peer stream = r->stream;
	ep_request_stop(x, r);
	ep_stream_join(x, r, &stream); /* it ends with its connection */
	r->state = EP_REQ_OBSERVING;
	r->observed = true;
	r->last_number = number;
	r->last_ms = now_ms;
	ep_current_del(v, r);
	r->next = v->observations;
	v->observations = r;
	if (map_put(&x->observing, r)) { /* no memory: then it is a response and nothing more */
		v->observations = r->next;
		r->next = NULL;
		r->observed = false;
		r->state = EP_REQ_DEAD;
		r->conv = NULL;
	}
}

/* The final response of a request on its way. */
static void finish(struct ep_exchange *x, struct ep_request *r, uint64_t number, struct turn *t,
	struct ep_delivery *d)
{
	struct ep_conversation *v = r->conv;
	bool observed = r->observe && !r->cancel && msg_find(d->msg, OPT_OBSERVE) &&
			msg_code_class(d->msg->code) == 2;
	d->kind = EP_RESPONSE;
	d->request = r;
	d->role = r->role;
	if (r->parent) { /* the rest of a notification, or of an observation's first response */
		d->kind = r->parent->awaits_body ? EP_RESPONSE : EP_NOTIFICATION;
		d->request = r->parent;
		r->parent->awaits_body = false;
	}
	if (observed) {
		uint32_t value = 0;
		if (!d->ctx)
			msg_get_uint(d->msg, OPT_OBSERVE, &value);
		start_observing(x, r, d->ctx ? number : value, t->now_ms);
	} else {
		ep_request_stop(x, r);
		ep_current_del(v, r);
		r->state = EP_REQ_DEAD;
		r->conv = NULL;
	}
	if (r->parent) /* the body lives in it */
		d->child = r;
	d->next = v;
	v->pinned++;
}

/* The rest of a notification cannot be had: it is the child that failed, not the observation. */
static void fetch_failed(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d)
{
	r = ep_request_fail(x, r, t);
	if (!r)
		return;
	d->kind = EP_CANCELLED;
	d->request = r;
	d->role = r->role;
	d->msg = NULL;
}

/* The observation is bound to the token of its first request; the rest of the body is not. */
static bool starts_observation_in_blocks(const struct ep_request *r, const struct msg *m)
{
	struct block b;
	return r->observe && !r->cancel && msg_find(m, OPT_OBSERVE) &&
	       !block_get(m, OPT_BLOCK2, &b) && b.more;
}

static void observe_in_blocks(
	struct ep_exchange *x, struct ep_request *r, uint64_t number, struct msg *m, struct turn *t)
{
	struct ep_conversation *v = r->conv;
	start_observing(x, r, number, t->now_ms);
	r->awaits_body = r->observed;
	if (r->observed && fetch_rest(x, r, m, t))
		return;
	r = ep_request_fail(x, r, t);
	if (r)
		ep_request_kill(x, r);
	ep_pump(x, v, t);
}

/* What a good response does to bodies, the one we send and the one we fetch. BODY_MORE: it was one
 * step, and the next is on its way. BODY_BROKEN: nothing more will come of it. */
static enum body take(
	struct ep_exchange *x, struct ep_request *r, uint64_t number, struct msg *m, struct turn *t)
{
	enum ep_tx_step step = ep_tx_answered(r, m);
	if (step == EP_TX_BROKEN)
		return BODY_BROKEN;
	if (step == EP_TX_NEXT) {
		send_next(x, r, t);
		return BODY_MORE;
	}
	if (starts_observation_in_blocks(r, m)) {
		observe_in_blocks(x, r, number, m, t);
		return BODY_MORE;
	}
	enum body got = take_block2(x, r, m, t->now_ms);
	if (got == BODY_MORE) {
		ep_request_go_on(x, r, t);
	} else if (got == BODY_CHANGED) {
		if (fetch_again(x, r, t))
			return BODY_MORE;
		got = msg_code_class(m->code) == 2 ? BODY_BROKEN : BODY_WHOLE;
	}
	return got;
}

static void response(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d)
{
	uint64_t number;
	if (x->outer.type == MSG_ACK && x->outer.mid != exch_mid(&r->exch))
		return;
	if (!open_response(x, r, t, d, &number))
		return;
	if (!check_options(x, r, t, d))
		return;
	ep_outer_forget(x, r);
	x->count.responses++;
	if (x->outer.type == MSG_CON)
		ep_send_empty(t, &d->from, MSG_ACK, x->outer.mid);
	d->endpoint = r->endpoint;
	d->conv = r->conv;
	ep_conv_touch(x, r->conv, t->now_ms);
	heard(d, r, number);
	struct ep_conversation *v = r->conv;
	if (repeat_with_echo(x, r, d->msg, t))
		return;
	r->proving = false;
	enum body got = take(x, r, number, d->msg, t);
	if (got == BODY_MORE) {
		ep_pump(x, v, t); /* what waited for this answer alone */
		return;
	}
	if (got == BODY_BROKEN) {
		d->msg->code = MSG_REQUEST_ENTITY_INCOMPLETE;
		d->msg->payload = SPAN_EMPTY;
	}
	if (r->parent && msg_code_class(d->msg->code) != 2)
		fetch_failed(x, r, t, d);
	else
		finish(x, r, number, t, d);
}

/* Is it newer than the last one? Protected ones by their number, others by Observe, or by the order
 * of the stream (RFC 8323 section 7.1). */
static bool newer(
	struct ep_request *r, const struct ep_delivery *d, uint64_t number, uint64_t now_ms)
{
	uint32_t value = 0;
	if (d->ctx) {
		if (!number || number <= r->last_number)
			return false;
		r->last_number = number;
	} else {
		if (!ep_is_stream(&d->from) && msg_get_uint(d->msg, OPT_OBSERVE, &value) &&
			!observe_newer((uint32_t)r->last_number, r->last_ms, value, now_ms))
			return false;
		r->last_number = value;
	}
	r->last_ms = now_ms;
	return true;
}

static bool is_first_block(const struct msg *m)
{
	struct block b;
	return !block_get(m, OPT_BLOCK2, &b) && b.more;
}

static const struct ep_request *fetch_of(const struct ep_request *r, const struct ep_request *list)
{
	while (list && (list->parent != r || !list->rx.active))
		list = list->next;
	return list;
}

/* Is its body the one whose rest is on its way already? Only an ETag can tell. */
static bool being_fetched(const struct ep_request *r, const struct msg *m)
{
	const struct opt *etag = msg_find(m, OPT_ETAG);
	const struct ep_request *child = fetch_of(r, r->conv->current);
	if (!child)
		child = fetch_of(r, r->conv->queue);
	return child && is_first_block(m) && etag &&
	       span_eq(etag->val, span_make(child->rx.etag, child->rx.etag_n));
}

/* A whole one. If the rest of the first response was still being fetched, it takes its place. */
static void tell(struct ep_request *r, struct ep_delivery *d)
{
	d->kind = r->awaits_body ? EP_RESPONSE : EP_NOTIFICATION;
	if (r->awaits_body && msg_code_class(d->msg->code) != 2)
		r->observed = false;
	r->awaits_body = false;
	d->role = r->role;
	d->request = r;
}

static void notification(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d)
{
	uint64_t number;
	if (r->conv->ctx && ep_outer_is_piece(&x->outer) && msg_find(&x->outer, OPT_OSCORE)) {
		if (ep_outer_read_instead(x, r, t) && x->outer.type == MSG_CON)
			ep_send_empty(t, &d->from, MSG_ACK, x->outer.mid);
		return;
	}
	if (!open_response(x, r, t, d, &number) || !check_options(x, r, t, d))
		return;
	x->count.notifications++;
	d->endpoint = r->endpoint;
	d->conv = r->conv;
	ep_conv_touch(x, r->conv, t->now_ms);
	uint8_t ack[4] = {0x60, 0, (uint8_t)(x->outer.mid >> 8), (uint8_t)x->outer.mid};
	if (x->outer.type == MSG_CON && !ep_is_stream(&d->from))
		d->ack = turn_dup(t, SPAN_OF(ack));
	uint64_t last_number = r->last_number, last_ms = r->last_ms;
	if (!newer(r, d, number, t->now_ms)) {
		ep_delivery_end(x, d, t);
		return;
	}
	heard(d, r, number);
	if (being_fetched(r, d->msg)) {
		ep_delivery_end(x, d, t);
		return;
	}
	ep_request_supersede(x, r, t);
	d->next = r->conv; /* what waited behind it */
	r->conv->pinned++;
	if (!is_first_block(d->msg)) {
		tell(r, d);
		return;
	}
	if (!fetch_rest(x, r, d->msg, t)) { /* not taken: it may come again */
		d->ack = SPAN_EMPTY;
		r->last_number = last_number;
		r->last_ms = last_ms;
	}
	ep_delivery_end(x, d, t);
}

void ep_response(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct ep_request *r = by_token(x);
	if (!r) {
		x->count.unknown_tokens++;
		if (x->outer.type != MSG_ACK)
			ep_send_empty(t, &d->from, MSG_RESET, x->outer.mid);
	} else if (r->begins) {
		ep_begin_response(x, r, t, d);
	} else if (ep_outer_early(x, r, t, d)) {
		ep_trace_in(x, d, "before the first answer is whole", t);
	} else if (r->state == EP_REQ_OBSERVING) {
		notification(x, r, t, d);
	} else {
		response(x, r, t, d);
	}
}
