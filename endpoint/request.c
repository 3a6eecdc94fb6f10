/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of ours: as many at a time to each peer as it takes, encrypted when their turn comes. */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

enum { BODIES_MAX = 256 << 20 };

void ep_request_stop(struct ep_exchange *x, struct ep_request *r)
{
	exch_stop(&x->exch, &r->exch);
	ep_stream_leave(x, r);
	ep_outer_forget(x, r);
}

void ep_request_rx_reset(struct ep_exchange *x, struct ep_request *r)
{
	x->fetch_bytes -= r->rx.cap;
	block_rx_reset(&r->rx);
}

/* Of its body, in memory. */
static size_t held_bytes(const struct ep_request *r)
{
	return r->source.n ? 0 : r->tx.body_n;
}

void ep_request_free(struct ep_exchange *x, struct ep_request *r)
{
	ep_request_stop(x, r);
	ep_request_rx_reset(x, r);
	x->tx_bytes -= held_bytes(r);
	if (r->plain)
		secret_wipe(r->plain, r->plain_n); /* a Bootstrap-Write holds keys */
	free(r->plain);
	free(r);
}

void ep_request_kill(struct ep_exchange *x, struct ep_request *r)
{
	ep_request_stop(x, r);
	r->conv = NULL;
	r->next = NULL;
	if (r->parent) {
		ep_request_free(x, r);
		return;
	}
	r->state = EP_REQ_DEAD;
	*x->dead_tail = r;
	x->dead_tail = &r->next;
}

static void unlink_from(struct ep_request **list, struct ep_request *r)
{
	while (*list && *list != r)
		list = &(*list)->next;
	if (*list)
		*list = r->next;
	r->next = NULL;
}

void ep_current_add(struct ep_conversation *v, struct ep_request *r)
{
	struct ep_request **at = &v->current;
	while (*at)
		at = &(*at)->next;
	*at = r;
	r->next = NULL;
	r->state = EP_REQ_SENT;
	v->current_n++;
}

void ep_current_del(struct ep_conversation *v, struct ep_request *r)
{
	unlink_from(&v->current, r);
	v->current_n--;
}

/* Takes it out of its conversation, wherever it is, and lets the next one go. */
void ep_request_leave(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct ep_conversation *v = r->conv;
	ep_request_stop(x, r);
	if (!v)
		return;
	r->conv = NULL;
	switch (r->state) {
	case EP_REQ_QUEUED:
		unlink_from(&v->queue, r);
		v->queue_n--;
		for (v->tail = &v->queue; *v->tail;)
			v->tail = &(*v->tail)->next;
		break;
	case EP_REQ_SENT:
		ep_current_del(v, r);
		break;
	case EP_REQ_OBSERVING:
		unlink_from(&v->observations, r);
		map_del(&x->observing, span_make(r->token, r->token_n));
		break;
	case EP_REQ_DEAD:
		break;
	}
	ep_pump(x, v, t);
}

/* Notifications whose rest is being fetched for `parent` have lost their purpose. */
static void end_children(struct ep_exchange *x, struct ep_conversation *v,
	const struct ep_request *parent, struct turn *t)
{
	for (struct ep_request **at = &v->queue; *at;) {
		struct ep_request *r = *at;
		if (r->parent == parent) {
			ep_request_leave(x, r, t);
			ep_request_free(x, r);
			at = &v->queue;
		} else {
			at = &r->next;
		}
	}
	for (struct ep_request *r = v->current, *next; r; r = next) {
		next = r->next;
		if (r->parent == parent) {
			ep_request_leave(x, r, t);
			ep_request_free(x, r);
			next = v->current; /* others may have come */
		}
	}
}

void ep_request_supersede(struct ep_exchange *x, struct ep_request *parent, struct turn *t)
{
	bool hold = x->hold;
	struct ep_conversation *held = x->held;
	x->hold = true;
	end_children(x, parent->conv, parent, t);
	x->hold = hold;
	x->held = held;
}

void ep_request_end(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	for (struct ep_request **at = &x->dead; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			if (!*at)
				x->dead_tail = at;
			break;
		}
	r->awaits_body = false; /* so that a child that fails now leaves it alone */
	if (r->conv && r->observe)
		end_children(x, r->conv, r, t);
	ep_request_leave(x, r, t);
	ep_request_free(x, r);
}

struct ep_request *ep_request_fail(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct ep_request *parent = r->parent;
	if (parent) { /* the rest of a notification: without it there is nothing to tell */
		bool awaited = parent->awaits_body;
		parent->awaits_body = false; /* what fails while r leaves must not end it again */
		ep_request_leave(x, r, t);
		ep_request_free(x, r);
		if (!awaited)
			return NULL;
		r = parent;
	}
	r->awaits_body = false;
	if (r->conv && r->observe)
		end_children(x, r->conv, r, t);
	ep_request_leave(x, r, t);
	r->state = EP_REQ_DEAD;
	return r;
}

/* An answer of smaller blocks than usual is asked for at once (RFC 7959 section 2.4), where one
 * with a body may come. */
static enum err ask_small(const struct pace *pace, struct msg *m)
{
	bool reads = m->code == MSG_GET || m->code == MSG_FETCH;
	if (!reads || pace->block_bytes >= PACE_BLOCK_MAX)
		return ERR_OK;
	return block_add(m, OPT_BLOCK2, (struct block){.szx = block_szx_for(pace->block_bytes)});
}

/* Further blocks of an answer are asked for with the body of the request, unless that went in
 * blocks of its own (RFC 7959 section 2.7 and its figure 10). */
static enum err add_blocks(struct ep_exchange *x, struct ep_request *r, const struct block *block2,
	const struct pace *pace, struct msg *m)
{
	if (!block2) {
		enum err err = ask_small(pace, m);
		return err || !r->tx.body_n ? err : ep_tx_cut(x, r, pace, m);
	}
	if (r->tx.blocks)
		m->payload = SPAN_EMPTY;
	return block_add(m, OPT_BLOCK2, *block2);
}

static bool token_taken(const struct ep_exchange *x, const struct ep_request *r)
{
	struct span token = span_make(r->token, r->token_n);
	return exch_by_token(&x->exch, token) || map_get(&x->observing, token);
}

/* Eight random bytes, which nobody guesses. An answer under OSCORE is bound to its request by more
 * than the token, so that where each byte counts it need only be unlike those that are in use. */
static void choose_token(struct ep_exchange *x, struct ep_request *r, const struct pace *pace)
{
	enum { SHORT_MESSAGE = 128, SHORT_TRIES = 64 };
	bool brief = r->conv->ctx && pace->message_bytes < SHORT_MESSAGE;
	r->token_n = brief ? 2 : sizeof(r->token);
	for (int tries = 0; tries <= SHORT_TRIES; tries++) {
		if (brief && tries == SHORT_TRIES)
			r->token_n = 4;
		rng_fill(&x->dir->rng, r->token, r->token_n);
		if (!brief || !token_taken(x, r))
			break;
	}
}

/* The message to protect: what was asked, and the options of this attempt. */
static enum err build(struct ep_exchange *x, struct ep_request *r, const struct block *block2,
	const struct pace *pace, struct msg *m)
{
	enum err err = msg_parse_inner(span_make(r->plain, r->plain_n), m);
	if (err)
		return err;
	m->type = MSG_CON;
	if (!r->cancel) /* which has the token of what it cancels */
		choose_token(x, r, pace);
	m->token_n = r->token_n;
	memcpy(m->token, r->token, r->token_n);
	if (r->cancel)
		err = msg_add_uint(m, OPT_OBSERVE, 1);
	else if (r->observe && !block2)
		err = msg_add_uint(m, OPT_OBSERVE, 0);
	if (!err && r->echo_n)
		err = msg_add(m, OPT_ECHO, span_make(r->echo, r->echo_n));
	return err ? err : add_blocks(x, r, block2, pace, m);
}

static enum err protect(struct ep_exchange *x, struct ep_request *r, const struct msg *plain,
	struct turn *t, struct writer *w, struct msg *out)
{
	struct ep_context *c = r->conv->ctx;
	struct writer work = wr_make(x->in, sizeof(x->in));
	struct span id_context = ep_id_context(c);
	uint64_t number;
	if (ep_spent(x->dir, c) && !r->renews)
		return ERR_STATE;
	enum err err = ep_take_number(x->dir, c, t, &number);
	if (!err)
		err = osc_protect_request(x->dir->crypto, ep_work_keys(x, c), number,
			ep_named(c) ? &id_context : NULL, plain, &work, out, &r->binding);
	r->brief = c->has_id_context && !ep_named(c);
	return err ? err : msg_encode_udp(out, w);
}

bool ep_choose_mid(const struct ep_exchange *x, struct ep_conversation *v, const struct peer *to,
	uint16_t *mid)
{
	for (uint32_t tries = 0; tries <= UINT16_MAX; tries++) {
		*mid = v->ctx ? ep_next_mid(v->ctx) : v->next_mid++;
		if (!exch_by_mid(&x->exch, to, *mid))
			return true;
	}
	return false;
}

static enum err send_now(
	struct ep_exchange *x, struct ep_request *r, const struct block *block2, struct turn *t)
{
	struct msg plain, sealed;
	const struct msg *sent = &plain;
	struct ep_context *c = r->conv->ctx;
	const struct peer *to = c ? (c->peer ? &c->peer->peer : NULL) : &r->conv->peer;
	if (!to)
		return ERR_NOTFOUND;
	struct pace pace = ep_pace_of(x, r->endpoint, to);
	enum err err = build(x, r, block2, &pace, &plain);
	if (err)
		return err;
	if (!ep_choose_mid(x, r->conv, to, &plain.mid))
		return ERR_LIMIT;
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (c) {
		err = protect(x, r, &plain, t, &w, &sealed);
		sent = &sealed;
	} else {
		err = msg_encode_udp(&plain, &w);
	}
	if (!err && w.n > pace.message_bytes)
		err = ERR_SPACE;
	if (!err)
		err = exch_start(
			&x->exch, &r->exch, to, sent, wr_span(&w), true, t->now_ms, &x->dir->rng);
	if (err)
		return err;
	exch_pace(&x->exch, &r->exch, pace.ack_timeout_ms, pace.max_retransmit, t->now_ms);
	ep_stream_join(x, r, to);
	r->unsent = false;
	r->message = ++r->conv->messages;
	turn_send(t, to, turn_dup(t, wr_span(&w)));
	ep_trace_out(r->endpoint, r->conv, to, &plain,
		c ? osc_piv_number(&r->binding.piv) : UINT64_MAX, t);
	return ERR_OK;
}

/* Notes that nothing of ours can go out: for want of numbers, or because the keys have done all
 * they may. */
static void spent(struct ep_exchange *x, struct endpoint *e, const struct ep_context *c,
	bool exhausted, const struct turn *t)
{
	ep_security_note(x->dir, EP_SECURITY_KEY_LIMIT, e, SPAN_EMPTY, NULL, t->now_ms);
	ep_note_under(
		x->dir, e, c, exhausted ? EP_REASON_EXHAUSTED : EP_REASON_KEY_LIMIT, t->wall_ms);
}

void ep_request_send(
	struct ep_exchange *x, struct ep_request *r, const struct block *block2, struct turn *t)
{
	ep_request_stop(x, r);
	enum err err = send_now(x, r, block2, t);
	if (!err)
		return;
	r->spent = err == ERR_STATE || err == ERR_LIMIT;
	if (err == ERR_SPACE)
		ep_note_under(x->dir, r->endpoint, r->conv->ctx, EP_REASON_TOO_LONG, t->wall_ms);
	if (r->spent)
		spent(x, r->endpoint, r->conv->ctx, err == ERR_LIMIT, t);
	r = ep_request_fail(x, r, t);
	if (r)
		ep_request_kill(x, r);
}

void ep_exchange_hold(struct ep_exchange *x)
{
	x->hold = true;
	x->held = NULL;
}

void ep_exchange_release(struct ep_exchange *x, struct turn *t)
{
	x->hold = false;
	if (x->held)
		ep_pump(x, x->held, t);
	x->held = NULL;
}

/* What of one device must not be under way together (see ep_request_start). */
static bool collide(const struct ep_request *sent, const struct ep_request *r)
{
	bool siblings = r->parent && sent->parent == r->parent;
	bool ends = (sent->cancel && r->observe) || (sent->observe && r->cancel);
	/* Between the blocks of a source others go, today as ever: they may last for hours. */
	bool bodies = r->tx.body_n && !sent->source.n && ep_tx_in_blocks(sent);
	return sent->proving || siblings || ends || bodies;
}

/* It may come to be sent again, and then the device must know that copy. */
static bool too_far(const struct ep_conversation *v, const struct ep_request *sent, unsigned n)
{
	return !sent->exch.acked && v->messages + 1 - sent->message >= n;
}

bool ep_may_go(
	const struct ep_exchange *x, const struct ep_conversation *v, const struct ep_request *r)
{
	if (!v->current)
		return true;
	const struct ep_peer *p = v->ctx ? v->ctx->peer : NULL;
	const struct peer *to = v->ctx ? (p ? &p->peer : NULL) : &v->peer;
	unsigned n = ep_nstart(x, r->endpoint, to);
	if (v->begin || v->current_n >= n)
		return false;
	const struct ep_request *sent = v->current;
	while (sent && !collide(sent, r) && !too_far(v, sent, n))
		sent = sent->next;
	return !sent;
}

void ep_pump(struct ep_exchange *x, struct ep_conversation *v, struct turn *t)
{
	if (x->hold)
		x->held = v;
	for (struct ep_request *r; !x->hold && (r = v->queue) && ep_may_go(x, v, r);) {
		v->queue = r->next;
		if (!v->queue)
			v->tail = &v->queue;
		v->queue_n--;
		ep_current_add(v, r);
		ep_request_resend(x, r, t); /* some were on their way before */
	}
}

void ep_request_enqueue(struct ep_conversation *v, struct ep_request *r)
{
	r->conv = v;
	r->state = EP_REQ_QUEUED;
	r->next = NULL;
	*v->tail = r;
	v->tail = &r->next;
	v->queue_n++;
}

void ep_request_go_on(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct ep_conversation *v = r->conv;
	ep_request_stop(x, r);
	ep_current_del(v, r);
	r->state = EP_REQ_QUEUED;
	r->next = v->queue;
	v->queue = r;
	if (!r->next)
		v->tail = &r->next;
	v->queue_n++;
	ep_pump(x, v, t);
}

/* As long as it can get inside OSCORE. */
static size_t inner_bytes(const struct msg *m)
{
	size_t n = 2 + m->payload.n;
	for (size_t i = 0; i < m->opt_n; i++)
		n += 5 + m->opt[i].val.n;
	return n;
}

static struct ep_request *request_new(struct ep_exchange *x, const struct msg *m)
{
	struct ep_request *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	size_t cap = inner_bytes(m);
	r->plain = malloc(cap);
	struct writer w = wr_make(r->plain, r->plain ? cap : 0);
	if (!r->plain || msg_encode_inner(m, &w)) {
		if (r->plain)
			secret_wipe(r->plain, cap);
		free(r->plain);
		free(r);
		return NULL;
	}
	r->plain_n = w.n;
	r->tx.body_n = m->payload.n;
	x->tx_bytes += r->tx.body_n;
	block_rx_init(&r->rx, x->opts.body_limit_bytes);
	return r;
}

/* Bodies that wait are bounded for each peer and in all; one at least may always go. */
static bool has_room(
	const struct ep_exchange *x, const struct ep_conversation *v, size_t body_bytes)
{
	size_t n = body_bytes;
	if (v->queue_n >= EP_QUEUE_MAX)
		return false;
	if (!body_bytes)
		return true;
	for (const struct ep_request *r = v->current; r; r = r->next)
		n += held_bytes(r);
	for (const struct ep_request *r = v->queue; r; r = r->next)
		n += held_bytes(r);
	return n <= 2 * x->opts.body_limit_bytes && x->tx_bytes + body_bytes <= BODIES_MAX;
}

/* Said at once rather than when its turn has come. */
static enum err may_ask(
	struct ep_exchange *x, const struct ep_request_opts *o, const struct turn *t)
{
	bool exhausted = o->ctx && o->ctx->ssn_next >= x->dir->ssn_end;
	if (!o->ctx || (!exhausted && (o->renews || !ep_spent(x->dir, o->ctx))))
		return ERR_OK;
	spent(x, o->endpoint, o->ctx, exhausted, t);
	return ERR_STATE;
}

enum err ep_request_start(struct ep_exchange *x, const struct ep_request_opts *o, struct turn *t,
	struct ep_request **out)
{
	if (o->ctx ? !o->ctx->peer : !o->peer)
		return ERR_NOTFOUND;
	struct ep_conversation *v =
		o->ctx ? ep_conv_of(x, o->ctx, t->now_ms) : ep_conv_of_peer(x, o->peer, t->now_ms);
	if (!v)
		return ERR_NOMEM;
	if (o->msg->payload.n > x->opts.body_limit_bytes)
		return ERR_SPACE;
	if (!has_room(x, v, o->msg->payload.n))
		return ERR_LIMIT;
	enum err err = may_ask(x, o, t);
	if (err)
		return err;
	struct ep_request *r = request_new(x, o->msg);
	if (!r)
		return ERR_NOMEM;
	if (o->source) {
		r->source = *o->source;
		r->tx.body_n = r->source.n;
	}
	r->endpoint = o->endpoint;
	r->observe = o->observe;
	r->renews = o->renews;
	r->role = o->role;
	r->user = o->user;
	*out = r;
	ep_request_enqueue(v, r);
	ep_pump(x, v, t);
	return ERR_OK;
}

struct ep_requests ep_requests_of(
	const struct ep_exchange *x, const struct ep_context *c, const struct peer *p)
{
	const struct ep_conversation *v = c ? c->conv : NULL;
	if (!c && p)
		v = map_get(&x->nosec, span_make(p, sizeof(*p)));
	return v ? (struct ep_requests){v->current_n, v->queue_n} : (struct ep_requests){0, 0};
}

enum err ep_request_cancel(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct ep_conversation *v = r->conv;
	if (r->state != EP_REQ_OBSERVING || !v)
		return ERR_STATE;
	if (v->queue_n >= EP_QUEUE_MAX)
		return ERR_LIMIT;
	r->awaits_body = false;
	end_children(x, v, r, t);
	unlink_from(&v->observations, r);
	map_del(&x->observing, span_make(r->token, r->token_n));
	r->cancel = true;
	r->observed = false;
	r->echo_done = false;
	ep_tx_restart(&r->tx);
	ep_request_enqueue(v, r);
	ep_pump(x, v, t);
	return ERR_OK;
}

enum err ep_request_child(struct ep_exchange *x, struct ep_request *parent, struct ep_request **out)
{
	struct msg m;
	enum err err = msg_parse_inner(span_make(parent->plain, parent->plain_n), &m);
	struct ep_request *r = err ? NULL : request_new(x, &m);
	if (!r)
		return err ? err : ERR_NOMEM;
	r->endpoint = parent->endpoint;
	r->role = parent->role;
	r->parent = parent;
	*out = r;
	return ERR_OK;
}
