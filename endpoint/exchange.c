/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

static struct span key_nosec(const void *item)
{
	const struct ep_conversation *v = item;
	return span_make(&v->peer, sizeof(v->peer));
}

static struct span key_token(const void *item)
{
	const struct ep_request *r = item;
	return span_make(r->token, r->token_n);
}

const struct osc_keys *ep_work_keys(struct ep_exchange *x, const struct ep_context *c)
{
	ep_keys(c, &x->keys);
	return &x->keys;
}

/* The smallest of what is said, but no block below 16 bytes, and as many requests as are asked for.
 */
static struct pace pace_by_gateway(const struct ep_exchange *x, const struct endpoint *e,
	const struct peer *to, const struct bearer_timing *timing)
{
	enum { AROUND_BYTES = 40 }; /* a block of an answer, under OSCORE */
	const struct pace *own = e && e->own ? &e->own->pace : NULL;
	uint32_t mtu = ep_mtu_of(x, to);
	struct pace p = {.ack_timeout_ms = timing->ack_timeout_ms,
		.block_bytes = x->opts.pace.block_bytes ? x->opts.pace.block_bytes : PACE_BLOCK_MAX,
		.max_retransmit = (uint8_t)timing->max_retransmit,
		.nstart = (uint8_t)timing->nstart};
	if (!mtu || mtu > timing->mtu_bytes)
		mtu = timing->mtu_bytes;
	if (own && own->message_bytes && own->message_bytes < mtu)
		mtu = own->message_bytes;
	p.message_bytes = (uint16_t)mtu;
	if (own && own->nstart)
		p.nstart = own->nstart;
	if (own && own->block_bytes && own->block_bytes < p.block_bytes)
		p.block_bytes = own->block_bytes;
	while (p.block_bytes > PACE_BLOCK_MIN && p.block_bytes + (uint32_t)AROUND_BYTES > mtu)
		p.block_bytes /= 2;
	return p;
}

struct pace ep_pace_of(const struct ep_exchange *x, const struct endpoint *e, const struct peer *to)
{
	const struct bearer_timing *timing =
		to ? gateway_timing(x->opts.gateways, to) : bearer_timing(BEARER_UDP);
	if (to && gateway_kind_at(to))
		return pace_by_gateway(x, e, to, timing);
	struct pace p = {.ack_timeout_ms = timing->ack_timeout_ms,
		.block_bytes = PACE_BLOCK_MAX,
		.message_bytes = (uint16_t)timing->mtu_bytes,
		.max_retransmit = (uint8_t)timing->max_retransmit,
		.nstart = (uint8_t)timing->nstart};
	p = pace_of(&x->opts.pace, &p);
	if (e && e->own)
		p = pace_of(&e->own->pace, &p);
	if (p.message_bytes > timing->mtu_bytes)
		p.message_bytes = (uint16_t)timing->mtu_bytes;
	return p;
}

size_t ep_longest_to(const struct ep_exchange *x, const struct endpoint *e, const struct peer *to)
{
	return gateway_kind_at(to) ? ep_pace_of(x, e, to).message_bytes : SIZE_MAX;
}

unsigned ep_nstart(const struct ep_exchange *x, const struct endpoint *e, const struct peer *to)
{
	return ep_pace_of(x, e, to).nstart;
}

const struct ep_listener *ep_listener_at(const struct ep_exchange *x, const struct peer *p)
{
	/* Of a gateway that is not configured nothing is taken. */
	static const struct ep_listener nobody = {
		.role = REC_ROLE_SERVER, .require = EP_REQUIRE_OSCORE | EP_REQUIRE_CHANNEL};
	const struct gateway_timings *g = x->opts.gateways;
	if (!gateway_kind_at(p))
		return &x->opts.listener[p->listener % EP_LISTENERS_MAX];
	for (size_t i = 0; g && i < g->n; i++)
		if (g->gateway[i].number == p->listener)
			return &x->opts.gateway[i];
	return &nobody;
}

bool ep_is_silent(const struct peer *to)
{
	return gateway_kind_at(to) == GATEWAY_SMS;
}

enum err ep_exchange_new(const struct ep_exchange_opts *o, struct ep_exchange **out)
{
	struct ep_exchange *x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	x->opts = *o;
	x->dir = o->directory;
	x->dead_tail = &x->dead;
	x->dedup.limit_bytes = o->dedup_limit_bytes;
	memcpy(x->hash_key, o->secret, sizeof(x->hash_key));
	x->opts.secret = NULL;
	rng_fill(&x->dir->rng, x->echo_key, sizeof(x->echo_key));
	x->next_mid = (uint16_t)rng_u64(&x->dir->rng);
	wheel_init(&x->exch_wheel, o->now_ms);
	wheel_init(&x->conv_wheel, o->now_ms);
	uint8_t seed[16];
	rng_fill(&x->dir->rng, seed, sizeof(seed));
	exch_table_init(&x->exch, &x->exch_wheel, seed);
	x->exch.gateways = x->opts.gateways;
	ep_mtu_init(x, seed);
	map_init(&x->nosec, key_nosec, seed);
	map_init(&x->observing, key_token, seed);
	ep_stream_init(x, seed);
	ep_outer_init(x, seed);
	*out = x;
	return ERR_OK;
}

static void conv_free(struct ep_exchange *x, struct ep_conversation *v)
{
	wheel_del(&x->conv_wheel, &v->timer);
	dedup_clear(&v->dedup, &x->dedup);
	if (v->ctx) {
		v->ctx->conv = NULL;
		if (v->ctx->role == REC_ROLE_BOOTSTRAP) { /* nobody asks a device when it is over */
			ep_peer_forget(v->ctx);
		}
	} else {
		map_del(&x->nosec, key_nosec(v));
		gateway_drop(&v->peer);
	}
	ep_begin_end(x, v);
	ep_stream_forget(x, v);
	ep_rx_reset(x, v);
	free(v->rx);
	ep_outer_tx_free(v);
	ep_kept_free(x, v);
	free(v);
}

/* All requests of a conversation become dead: their engines hear of it from ep_timer. */
static void conv_kill_requests(struct ep_exchange *x, struct ep_conversation *v)
{
	struct ep_request *r;
	while ((r = v->current)) {
		ep_current_del(v, r);
		ep_request_kill(x, r);
	}
	while ((r = v->queue)) {
		v->queue = r->next;
		ep_request_kill(x, r);
	}
	v->queue_n = 0;
	v->tail = &v->queue;
	while ((r = v->observations)) {
		v->observations = r->next;
		map_del(&x->observing, key_token(r));
		ep_request_kill(x, r);
	}
}

void ep_context_close(struct ep_exchange *x, struct ep_context *c)
{
	if (!c->conv)
		return;
	conv_kill_requests(x, c->conv);
	conv_free(x, c->conv);
}

static void free_dead(struct ep_exchange *x)
{
	for (struct ep_request *r; (r = x->dead);) {
		x->dead = r->next;
		ep_request_free(x, r);
	}
	x->dead_tail = &x->dead;
}

void ep_exchange_free(struct ep_exchange *x)
{
	if (!x)
		return;
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&x->dir->by_name, &cursor));)
		for (struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
			ep_context_close(x, c);
	cursor = 0;
	for (struct ep_conversation *v; (v = map_next(&x->nosec, &cursor));) {
		conv_kill_requests(x, v);
		conv_free(x, v);
	}
	free_dead(x);
	ep_recover_fini(x);
	exch_table_fini(&x->exch);
	ep_outer_fini(x);
	map_fini(&x->nosec);
	map_fini(&x->observing);
	ep_stream_fini(x);
	ep_mtu_fini(x);
	secret_wipe(x, sizeof(*x));
	free(x);
}

const struct ep_counters *ep_exchange_counters(const struct ep_exchange *x)
{
	return &x->count;
}

struct ep_directory *ep_exchange_directory(struct ep_exchange *x)
{
	return x->dir;
}

void ep_conv_touch(struct ep_exchange *x, struct ep_conversation *v, uint64_t now_ms)
{
	wheel_add(&x->conv_wheel, &v->timer,
		now_ms + bearer_timing(BEARER_UDP)->exchange_lifetime_ms);
}

static bool conv_idle(const struct ep_conversation *v)
{
	return !v->current && !v->queue && !v->observations && !v->pinned && !v->begin;
}

/* Room for one more unprotected peer: one of the next idle ones goes. Its copies then count as new,
 * which is what an unprotected peer gets when strangers flood the port. */
static bool evict_nosec(struct ep_exchange *x)
{
	for (int tries = 0; tries < 64; tries++) {
		struct ep_conversation *v = map_next(&x->nosec, &x->evict_at);
		if (!v)
			x->evict_at = 0;
		else if (conv_idle(v)) {
			conv_free(x, v);
			return true;
		}
	}
	return false;
}

static struct ep_conversation *conv_new(struct ep_exchange *x, uint64_t now_ms)
{
	struct ep_conversation *v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->tail = &v->queue;
	ep_conv_touch(x, v, now_ms);
	return v;
}

struct ep_conversation *ep_conv_of(struct ep_exchange *x, struct ep_context *c, uint64_t now_ms)
{
	if (c->conv) {
		ep_conv_touch(x, c->conv, now_ms);
		return c->conv;
	}
	struct ep_conversation *v = conv_new(x, now_ms);
	if (!v)
		return NULL;
	v->ctx = c;
	c->conv = v;
	return v;
}

struct ep_conversation *ep_conv_of_peer(
	struct ep_exchange *x, const struct peer *p, uint64_t now_ms)
{
	struct ep_conversation *v = map_get(&x->nosec, span_make(p, sizeof(*p)));
	if (v) {
		ep_conv_touch(x, v, now_ms);
		return v;
	}
	if (x->nosec.count >= x->opts.nosec_peers_max && !evict_nosec(x))
		return NULL;
	v = conv_new(x, now_ms);
	if (!v)
		return NULL;
	v->peer = *p;
	v->next_mid = (uint16_t)rng_u64(&x->dir->rng);
	if (map_put(&x->nosec, v)) {
		wheel_del(&x->conv_wheel, &v->timer);
		free(v);
		return NULL;
	}
	gateway_keep(&v->peer);
	return v;
}

size_t ep_body_limit_bytes(const struct ep_exchange *x)
{
	return x->opts.body_limit_bytes;
}

/* A conversation has been quiet: it goes, unless something of ours still needs it. */
static void conv_quiet(struct ep_exchange *x, struct ep_conversation *v, uint64_t now_ms)
{
	dedup_expire(&v->dedup, &x->dedup, now_ms);
	if (!conv_idle(v) || v->dedup.head)
		ep_conv_touch(x, v, now_ms);
	else
		conv_free(x, v);
}

void ep_load_seen(
	struct ep_exchange *x, struct ep_context *c, const struct rec_seen *r, uint64_t now_ms)
{
	uint64_t expires = r->now_ms + bearer_timing(BEARER_UDP)->exchange_lifetime_ms;
	struct ep_conversation *v = expires > now_ms ? ep_conv_of(x, c, now_ms) : NULL;
	/* Without memory for it the copy is a replay: refused, not lost. */
	if (v && dedup_put(&v->dedup, &x->dedup, r->hash, expires, r->response, now_ms))
		return;
}

void ep_send_empty(struct turn *t, const struct peer *to, enum msg_type type, uint16_t mid)
{
	if (type == MSG_RESET && ep_is_silent(to))
		return;
	if (ep_is_stream(to)) /* RFC 8323 section 3.4: there is nothing to acknowledge or reset */
		return;
	uint8_t bytes[4] = {(uint8_t)(0x40 | type << 4), 0, (uint8_t)(mid >> 8), (uint8_t)mid};
	turn_send(t, to, turn_dup(t, SPAN_OF(bytes)));
}

/* Where a device has spoken from since it may take shorter messages: there it does not go again. */
static bool fits_there(
	const struct ep_exchange *x, const struct ep_request *r, const struct peer *to)
{
	return !gateway_is(to) || r->exch.n <= ep_pace_of(x, r->endpoint, to).message_bytes;
}

/* A request of ours is due: once more, or given up. */
static void request_due(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d)
{
	if (exch_timer(&x->exch, &r->exch, t->now_ms) == EXCH_RETRANSMIT) {
		const struct ep_context *c = r->conv->ctx;
		struct peer to;
		exch_peer(&r->exch, &to);
		if (c && c->peer && fits_there(x, r, &c->peer->peer)) /* it may have moved */
			to = c->peer->peer;
		r->unsent = false;
		turn_send(t, &to, turn_dup(t, span_make(r->exch.bytes, r->exch.n)));
		ep_trace_again(r, &to, t);
		x->count.retransmissions++;
		return;
	}
	if (r->begins) {
		ep_begin_end(x, r->conv);
		return;
	}
	x->count.timeouts++;
	(void)ep_naming_failed(r);
	ep_note_under(x->dir, r->endpoint, r->conv->ctx, EP_REASON_NO_ANSWER, t->wall_ms);
	struct ep_conversation *v = r->conv;
	bool hold = x->hold;
	x->hold = true; /* what waits behind it may be taken back: it goes when the delivery ends */
	r = ep_request_fail(x, r, t);
	x->hold = hold;
	if (!r) {
		ep_pump(x, v, t);
		return;
	}
	*d = (struct ep_delivery){.kind = EP_TIMEOUT,
		.role = r->role,
		.request = r,
		.endpoint = r->endpoint,
		.next = v};
	v->pinned++;
}

void ep_timer(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	*d = (struct ep_delivery){.kind = EP_NOTHING};
	struct timer *due;
	struct ep_request *r = x->dead;
	if (r) {
		x->dead = r->next;
		if (!x->dead)
			x->dead_tail = &x->dead;
		*d = (struct ep_delivery){.kind = r->lost ? EP_TIMEOUT : EP_CANCELLED,
			.role = r->role,
			.request = r,
			.endpoint = r->endpoint};
		return;
	}
	while (ep_stream_stirred(x, t))
		;
	ep_outer_expire(x, t->now_ms);
	ep_recover_expire(x, t->now_ms);
	if (ep_recover_next(x, t, d))
		return;
	while (d->kind == EP_NOTHING && (due = wheel_expire(&x->exch_wheel, t->now_ms)))
		request_due(x, (struct ep_request *)exch_of_timer(due), t, d);
	while (d->kind == EP_NOTHING && (due = wheel_expire(&x->conv_wheel, t->now_ms)))
		conv_quiet(x, (struct ep_conversation *)due, t->now_ms);
}

uint64_t ep_deadline_ms(const struct ep_exchange *x)
{
	if (x->dead || x->stirred)
		return 0;
	uint64_t a = wheel_next_ms(&x->exch_wheel), b = wheel_next_ms(&x->conv_wheel);
	uint64_t c = ep_outer_next_ms(x), e = ep_recover_deadline_ms(x);
	c = c < e ? c : e;
	a = a < b ? a : b;
	return a < c ? a : c;
}

void ep_event(struct turn *t, uint64_t *next_seq, const char *type, struct span endpoint,
	struct span json)
{
	struct rec_event e = {.seq = (*next_seq)++, .wall_ms = t->wall_ms, .type = span_str(type)};
	e.endpoint = turn_dup(t, endpoint);
	e.json = turn_dup(t, json);
	turn_rec(t, REC_EVENT)->event = e;
	turn_effect(t, EFFECT_EVENT)->event = e;
}
