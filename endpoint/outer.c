/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a proxy has cut outside OSCORE, and answers that it fetches in such pieces (RFC
 * 8613 section 4.1.3.4.2). Nothing here is authenticated: what is kept for whom is bounded, a piece
 * never changes more than the message it claims to belong to, and no answer is encrypted twice. */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	TOTAL_MAX = 1024,     /* messages on their way in, of at most EP_UNFRAGMENTED_MAX bytes */
	PER_SOURCE_MAX = 64,  /* of these from one address, ports apart: that of a proxy */
	KEY_BYTES_MAX = 2048, /* of the options of a piece */
	NO_CACHE_KEY = 0x1c,  /* RFC 7252 section 5.4.6 */
	NO_CACHE_MASK = 0x1e,
	SERVED_FACTOR = 4, /* how often, on average, each piece of an answer may be fetched */
};

struct ep_outer_rx {
	struct ep_outer_rx *older, *newer; /* by their last piece */
	uint8_t key[8];
	uint64_t source;
	struct block_rx rx;
};

static struct span key_of(const void *item)
{
	const struct ep_outer_rx *o = item;
	return SPAN_OF(o->key);
}

void ep_outer_init(struct ep_exchange *x, const uint8_t seed[static 16])
{
	map_init(&x->pieces.by_key, key_of, seed);
}

static void unlink_rx(struct ep_outer *l, struct ep_outer_rx *o)
{
	*(o->older ? &o->older->newer : &l->oldest) = o->newer;
	*(o->newer ? &o->newer->older : &l->newest) = o->older;
	o->older = o->newer = NULL;
}

static void append_rx(struct ep_outer *l, struct ep_outer_rx *o)
{
	o->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = o;
	l->newest = o;
}

static void drop(struct ep_exchange *x, struct ep_outer_rx *o)
{
	unlink_rx(&x->pieces, o);
	map_remove(&x->pieces.by_key, o);
	block_rx_reset(&o->rx);
	free(o);
}

void ep_outer_fini(struct ep_exchange *x)
{
	while (x->pieces.oldest)
		drop(x, x->pieces.oldest);
	map_fini(&x->pieces.by_key);
}

/* All live equally long after their last piece, so the oldest ends first. */
void ep_outer_expire(struct ep_exchange *x, uint64_t now_ms)
{
	while (x->pieces.oldest && x->pieces.oldest->rx.expires_ms <= now_ms)
		drop(x, x->pieces.oldest);
}

uint64_t ep_outer_next_ms(const struct ep_exchange *x)
{
	return x->pieces.oldest ? x->pieces.oldest->rx.expires_ms : UINT64_MAX;
}

/* The address without its port: whoever sits behind it shares what a source may have. */
static uint64_t source_of(const struct ep_exchange *x, const struct peer *p)
{
	bool ip = bearer_is_ip(p->bearer);
	size_t n = ip && p->addr_n == 6 ? 4 : p->addr_n;
	return siphash24(x->hash_key, span_sub(SPAN_OF(p->addr), 0, n > 16 ? 16 : n));
}

/* Pieces are of one message when they come from one peer and all that makes up a cache key is the
 * same: code, option 9 with its kid and Partial IV, each Request-Tag in order (RFC 7959
 * section 2.5, RFC 9175 section 3.3). */
static enum err message_key(
	const struct ep_exchange *x, const struct peer *from, uint8_t key[static 8])
{
	uint8_t text[KEY_BYTES_MAX];
	struct writer w = wr_make(text, sizeof(text));
	wr_bytes(&w, span_make((const uint8_t *)from, sizeof(*from)));
	wr_u8(&w, x->outer.code);
	for (size_t i = 0; i < x->outer.opt_n; i++) {
		const struct opt *o = &x->outer.opt[i];
		bool apart = o->num == OPT_BLOCK1 || o->num == OPT_BLOCK2 ||
			     (o->num & NO_CACHE_MASK) == NO_CACHE_KEY;
		if (apart)
			continue;
		wr_u16(&w, o->num);
		wr_u16(&w, (uint16_t)o->val.n);
		wr_bytes(&w, o->val);
	}
	uint64_t h = siphash24(x->hash_key, wr_span(&w));
	memcpy(key, &h, sizeof(h));
	return w.err;
}

static struct ep_outer_rx *oldest_of(const struct ep_outer *l, uint64_t source, size_t *n)
{
	struct ep_outer_rx *first = NULL;
	*n = 0;
	for (struct ep_outer_rx *o = l->oldest; o; o = o->newer) {
		if (o->source != source)
			continue;
		first = first ? first : o;
		++*n;
	}
	return first;
}

/* Room is made at the cost of whoever takes most: the source itself, else what has waited longest.
 */
static struct ep_outer_rx *begin(
	struct ep_exchange *x, const struct peer *from, const uint8_t key[static 8])
{
	size_t n;
	uint64_t source = source_of(x, from);
	struct ep_outer_rx *old = oldest_of(&x->pieces, source, &n);
	if (n >= PER_SOURCE_MAX)
		drop(x, old);
	else if (x->pieces.by_key.count >= TOTAL_MAX)
		drop(x, x->pieces.oldest);
	struct ep_outer_rx *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	memcpy(o->key, key, sizeof(o->key));
	o->source = source;
	block_rx_init(&o->rx, EP_UNFRAGMENTED_MAX);
	if (map_put(&x->pieces.by_key, o)) {
		free(o);
		return NULL;
	}
	append_rx(&x->pieces, o);
	return o;
}

/* 2.31 for a piece: unprotected, and no longer than what asked for it. */
static void go_on(struct ep_exchange *x, const struct peer *to, struct block b, struct turn *t)
{
	struct msg m;
	ep_plain_init(x, &m, MSG_CONTINUE);
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (block_add(&m, OPT_BLOCK1, b) || msg_encode_udp(&m, &w))
		return;
	turn_send(t, to, turn_dup(t, wr_span(&w)));
}

static void refuse(struct ep_exchange *x, struct ep_delivery *d, uint8_t code, struct turn *t)
{
	enum ep_reason why = code == MSG_UNAVAILABLE ? EP_REASON_OVERLOAD : EP_REASON_OUTER_BLOCKS;
	x->count.outer_refused++;
	ep_refused(x, d, d->endpoint, why, t);
	ep_trace_in(x, d, ep_reason_info(why)->code, t);
	ep_plain_error(x, &d->from, code, "", t);
}

static uint8_t take(
	struct ep_exchange *x, const struct ep_delivery *d, struct block b, uint64_t now_ms)
{
	uint8_t key[8];
	if (message_key(x, &d->from, key))
		return MSG_BAD_OPTION;
	struct ep_outer_rx *o = map_get(&x->pieces.by_key, SPAN_OF(key));
	if (!o && b.num)
		return MSG_REQUEST_ENTITY_INCOMPLETE;
	if (!o && !(o = begin(x, &d->from, key)))
		return MSG_UNAVAILABLE;
	enum block_step step = block_rx_take(&o->rx, b, x->outer.payload, now_ms);
	switch (step) {
	case BLOCK_MORE:
		unlink_rx(&x->pieces, o);
		append_rx(&x->pieces, o);
		return MSG_CONTINUE;
	case BLOCK_DONE:
		x->pieces.whole = o;
		return MSG_EMPTY;
	case BLOCK_INCOMPLETE:
	case BLOCK_TOO_LARGE:
	case BLOCK_NOMEM:
		break;
	}
	drop(x, o);
	if (step == BLOCK_NOMEM)
		return MSG_UNAVAILABLE;
	return step == BLOCK_TOO_LARGE ? MSG_TOO_LARGE : MSG_REQUEST_ENTITY_INCOMPLETE;
}

bool ep_outer_take(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct block b;
	d->asked_outer2 = !block_get(&x->outer, OPT_BLOCK2, &d->outer2);
	enum err err = block_get(&x->outer, OPT_BLOCK1, &b);
	if (err == ERR_NOTFOUND)
		return true;
	uint8_t code = err ? MSG_BAD_OPTION : take(x, d, b, t->now_ms);
	if (code == MSG_CONTINUE) {
		x->count.outer_pieces++;
		go_on(x, &d->from, b, t);
		return false;
	}
	if (code != MSG_EMPTY) {
		refuse(x, d, code, t);
		return false;
	}
	d->has_outer1 = true;
	d->outer1 = b;
	x->outer.payload = span_make(x->pieces.whole->rx.body, x->pieces.whole->rx.n);
	return true;
}

void ep_outer_taken(struct ep_exchange *x)
{
	if (x->pieces.whole)
		drop(x, x->pieces.whole);
	x->pieces.whole = NULL;
}

/* ---- answers in pieces */

/* What a proxy may still fetch of the last answer under a context. */
struct ep_outer_tx {
	struct peer to; /* who asked for the answer in pieces; nobody else gets any */
	uint64_t piv;   /* of the request it answers */
	uint64_t expires_ms;
	size_t served_left; /* bytes */
	uint8_t code;
	size_t option_n, n;
	uint8_t bytes[]; /* the value of option 9, then the ciphertext */
};

void ep_outer_tx_free(struct ep_conversation *v)
{
	free(v->outer_tx);
	v->outer_tx = NULL;
}

/* The answer as it is now, encrypted once and for all. Without memory it goes out whole. */
static bool keep(const struct ep_exchange *x, const struct ep_delivery *d, const struct msg *sealed,
	uint64_t now_ms)
{
	struct span option = msg_find(sealed, OPT_OSCORE)->val;
	struct ep_outer_tx *o = malloc(sizeof(*o) + option.n + sealed->payload.n);
	if (!o)
		return false;
	*o = (struct ep_outer_tx){.to = d->from,
		.piv = d->piv,
		.expires_ms =
			now_ms + gateway_timing(x->opts.gateways, &d->from)->exchange_lifetime_ms,
		.served_left = SERVED_FACTOR * sealed->payload.n,
		.code = sealed->code,
		.option_n = option.n,
		.n = sealed->payload.n};
	if (option.n)
		memcpy(o->bytes, option.p, option.n);
	memcpy(&o->bytes[option.n], sealed->payload.p, sealed->payload.n);
	ep_outer_tx_free(d->conv);
	d->conv->outer_tx = o;
	return true;
}

enum err ep_outer_cut(const struct ep_exchange *x, const struct ep_delivery *d, struct msg *sealed,
	uint64_t now_ms)
{
	enum err err = ERR_OK;
	if (d->has_outer1)
		err = block_add(sealed, OPT_BLOCK1, d->outer1);
	if (err || !d->asked_outer2 || sealed->payload.n <= block_size(d->outer2.szx) ||
		!keep(x, d, sealed, now_ms))
		return err;
	struct block b = d->outer2;
	struct span part;
	err = block_cut(sealed->payload, &b, &part);
	sealed->payload = part;
	return err ? err : block_add(sealed, OPT_BLOCK2, b);
}

static bool serve(struct ep_exchange *x, const struct peer *to, struct ep_outer_tx *o,
	struct block b, struct turn *t)
{
	struct msg m;
	struct span part;
	if (block_cut(span_make(&o->bytes[o->option_n], o->n), &b, &part) ||
		part.n > o->served_left)
		return false;
	ep_plain_init(x, &m, o->code);
	m.payload = part;
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (msg_add(&m, OPT_OSCORE, span_make(o->bytes, o->option_n)) ||
		block_add(&m, OPT_BLOCK2, b) || msg_encode_udp(&m, &w))
		return false;
	o->served_left -= part.n;
	turn_send(t, to, turn_dup(t, wr_span(&w)));
	return true;
}

bool ep_outer_is_ask(const struct msg *m)
{
	struct block b;
	return !block_get(m, OPT_BLOCK2, &b) && b.num;
}

bool ep_outer_asks(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct block b;
	if (block_get(&x->outer, OPT_BLOCK2, &b) || !b.num)
		return false;
	struct ep_outer_tx *o = d->ctx->conv ? d->ctx->conv->outer_tx : NULL;
	if (o && t->now_ms < o->expires_ms && o->piv == d->piv && peer_eq(&o->to, &d->from) &&
		serve(x, &d->from, o, b, t))
		x->count.outer_pieces++;
	else
		refuse(x, d, MSG_REQUEST_ENTITY_INCOMPLETE, t);
	return true;
}
