/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of our requests on their way out by Block1 (RFC 7959 section 2.5), cut inside OSCORE: each
 * block is a protected request of its own (RFC 8613 section 4.1.3.4). */
#include "endpoint/exchange_impl.h"

#include <string.h>

enum {
	BLOCK_MIN = 16,
	BLOCK1_BYTES = 5, /* the option with its head */
	HEADER_BYTES = 4,
	SHORT_VALUE_MAX = 12, /* of an option whose head is one byte */
	MARKER_BYTES = 1,
	TAG_UNPROTECTED = 4,
};

void ep_tx_restart(struct ep_tx *tx)
{
	tx->at = 0;
	tx->sent = false;
	tx->begun = false;
}

/* The OSCORE option of the next request: head, flags, Partial IV, ids. */
static size_t oscore_option_bytes(const struct ep_context *c)
{
	struct osc_piv piv;
	osc_piv_set(&piv, c->ssn_next);
	size_t n = (size_t)1 + piv.n + c->sender_n;
	if (ep_named(c))
		n += (size_t)1 + c->id_context_n;
	return n + (n > SHORT_VALUE_MAX ? 2 : 1);
}

/* What the datagram of `m` holds beside its payload. */
static size_t overhead(struct ep_exchange *x, const struct ep_context *c, struct msg *m)
{
	struct writer w = wr_make(x->in, sizeof(x->in));
	struct span payload = m->payload;
	const struct opt *observe = msg_find(m, OPT_OBSERVE);
	m->payload = SPAN_EMPTY;
	enum err err = c ? msg_encode_inner(m, &w) : msg_encode_udp(m, &w);
	m->payload = payload;
	if (err)
		return SIZE_MAX;
	if (!c)
		return w.n + MARKER_BYTES;
	size_t outer = oscore_option_bytes(c) + m->token_n + HEADER_BYTES + MARKER_BYTES;
	if (observe) /* it is inside and outside */
		outer += 1 + observe->val.n;
	return outer + w.n + MARKER_BYTES + osc_aead_info(c->aead)->tag_n;
}

/* The part of a body for block `b`; sets more. */
static enum err part_of(struct ep_exchange *x, const struct ep_request *r, const struct msg *m,
	struct block *b, struct span *part)
{
	const struct ep_source *s = &r->source;
	size_t at = b->num * block_size(b->szx), left = r->tx.body_n - at;
	if (!s->n)
		return block_cut(m->payload, b, part);
	size_t n = left < block_size(b->szx) ? left : block_size(b->szx);
	enum err err = s->read(s->arg, at, x->block, n);
	*part = span_make(x->block, n);
	b->more = n < left;
	return err;
}

/* How much payload fits a datagram to that bearer. */
static size_t room_for(
	struct ep_exchange *x, const struct ep_request *r, const struct pace *pace, struct msg *m)
{
	size_t used = overhead(x, r->conv->ctx, m);
	return used < pace->message_bytes ? pace->message_bytes - used : 0;
}

static bool begun_beside(const struct ep_request *list, const struct ep_request *r)
{
	while (list && (list == r || !list->tx.begun || list->tx.sent))
		list = list->next;
	return list;
}

/* RFC 9175 section 3.4 and 3.5.1: blocks of two bodies with equal tags may be mixed up, by whoever
 * holds back one of the first. No tag at all is a tag too, and the cheapest: it is good for as long
 * as every block that was ever sent without one has been answered, since a copy of it is then a
 * replay. Where we cannot know, and where a body begins anew, the number of its first block is the
 * tag: under one key no two are equal, and it is short. Without keys there is no such promise: a
 * body that goes out between the blocks of another has a tag, drawn by chance. */
static void choose_tag(struct ep_exchange *x, struct ep_request *r)
{
	struct ep_tx *tx = &r->tx;
	struct ep_context *c = r->conv->ctx;
	bool again = tx->tag_n || tx->again || tx->smaller || r->fetched_again;
	bool beside = begun_beside(r->conv->current, r) || begun_beside(r->conv->queue, r);
	struct osc_piv piv;
	tx->begun = true;
	tx->tag_n = 0;
	if (!c && (again || beside)) {
		tx->tag_n = TAG_UNPROTECTED;
		rng_fill(&x->dir->rng, tx->tag, tx->tag_n);
	} else if (c && (again || c->untagged)) {
		osc_piv_set(&piv, c->ssn_next);
		tx->tag_n = piv.n;
		memcpy(tx->tag, piv.p, piv.n);
	} else if (c) {
		c->untagged = true;
	}
}

bool ep_tx_in_blocks(const struct ep_request *r)
{
	return r->tx.blocks && !r->tx.sent;
}

static enum err add_options(const struct ep_tx *tx, struct msg *m)
{
	enum err err = ERR_OK;
	if (!tx->at)
		err = msg_add_uint(m, OPT_SIZE1, (uint32_t)tx->body_n);
	if (!err && tx->tag_n)
		err = msg_add(m, OPT_REQUEST_TAG, span_make(tx->tag, tx->tag_n));
	return err;
}

/* The option with its head, of a block of the smallest size (RFC 7959 section 2.2). */
static size_t block1_bytes(size_t at)
{
	enum { HEAD = 2, NUM_1 = 16, NUM_2 = 4096 };
	size_t num = at / BLOCK_MIN;
	return (size_t)HEAD + (num < NUM_1 ? 1 : num < NUM_2 ? 2 : 3);
}

/* It needs no blocks. */
static enum err whole(struct ep_exchange *x, const struct ep_request *r, struct msg *m)
{
	const struct ep_source *s = &r->source;
	if (!s->n)
		return ERR_OK;
	m->payload = span_make(x->block, s->n);
	return s->read(s->arg, 0, x->block, s->n);
}

enum err ep_tx_cut(
	struct ep_exchange *x, struct ep_request *r, const struct pace *pace, struct msg *m)
{
	struct ep_tx *tx = &r->tx;
	size_t room = room_for(x, r, pace, m);
	if (!tx->blocks) {
		if (tx->body_n <= pace->block_bytes && tx->body_n <= room)
			return whole(x, r, m);
		tx->blocks = true;
		tx->szx = block_szx_for(pace->block_bytes);
	}
	if (!tx->begun)
		choose_tag(x, r);
	enum err err = add_options(tx, m);
	if (err)
		return err;
	room = room_for(x, r, pace, m);
	if (room < BLOCK_MIN + BLOCK1_BYTES) { /* what is not needed makes room */
		msg_remove(m, OPT_SIZE1);
		room = room_for(x, r, pace, m);
	}
	size_t head = room < BLOCK_MIN + BLOCK1_BYTES ? block1_bytes(tx->at) : BLOCK1_BYTES;
	if (room < BLOCK_MIN + head)
		return ERR_SPACE;
	/* The size only shrinks, by powers of two, so that the offset fits each. */
	uint8_t szx = block_szx_for(room - head);
	if (szx < tx->szx)
		tx->szx = szx;
	struct block b = {.num = (uint32_t)(tx->at / block_size(tx->szx)), .szx = tx->szx};
	struct span part;
	err = part_of(x, r, m, &b, &part);
	if (err)
		return err;
	tx->n = part.n;
	m->payload = part;
	return block_add(m, OPT_BLOCK1, b);
}

static bool is_last(const struct ep_tx *tx)
{
	return tx->at + tx->n >= tx->body_n;
}

/* Does it speak of the block that was sent? Its number may be counted in the size that was sent or
 * in the one it asks for (RFC 7959 section 2.3 shows the first and forbids neither). */
static bool fits(const struct ep_tx *tx, const struct block *b)
{
	return b->num == tx->at / block_size(tx->szx) || b->num * block_size(b->szx) == tx->at;
}

/* 4.13: with a smaller size it is a hint (section 2.9.3), once. With a Size1 below what we have to
 * say no size helps. */
static bool start_smaller(struct ep_tx *tx, const struct block *b, const struct msg *m)
{
	uint32_t size1;
	size_t had = tx->blocks ? block_size(tx->szx) : tx->body_n;
	if (tx->smaller || block_size(b->szx) >= had)
		return false;
	if (msg_get_uint(m, OPT_SIZE1, &size1) && size1 < tx->body_n)
		return false;
	ep_tx_restart(tx);
	tx->blocks = true;
	tx->smaller = true;
	tx->szx = b->szx;
	return true;
}

/* 4.08: blocks were lost on the way to the application, or the peer has begun anew. Once. */
static bool start_again(struct ep_tx *tx)
{
	if (tx->again)
		return false;
	ep_tx_restart(tx);
	tx->again = true;
	return true;
}

static enum ep_tx_step go_on(struct ep_request *r, const struct block *b)
{
	struct ep_tx *tx = &r->tx;
	tx->at += tx->n;
	if (b && b->szx < tx->szx) /* a larger one was not offered: ours stays */
		tx->szx = b->szx;
	r->echo_n = 0; /* it was good; the next block may be challenged anew */
	r->echo_done = false;
	return EP_TX_NEXT;
}

/* What an answer means before the last block has been sent:
 * - 2.31: go on, with the size it asks for. Without Block1, too: OSCORE, or the token, binds it to
 *   the block.
 * - Another 2.xx with Block1: the peer has acted on that block alone, or says "go on" in the words
 *   of old drafts (section 2.3: it expects the rest in both cases). The answer to the last block is
 *   the outcome.
 * - Another 2.xx without Block1: the peer took the block for the whole and has now a body that is
 *   cut off. That is no success, and more blocks would each replace it: 4.08, and no more.
 * - 4.08 and 4.13: see above. 4.01 with Echo was dealt with before. All else is the outcome: the
 *   peer has dropped what it had.
 * To the last block any 2.xx but 2.31, which promises an answer that never comes, is the outcome,
 * with or without Block1. A Block1 of another block is no answer to ours: 4.08. */
enum ep_tx_step ep_tx_answered(struct ep_request *r, const struct msg *m)
{
	struct ep_tx *tx = &r->tx;
	struct ep_context *c = r->conv->ctx;
	struct block b;
	enum err err = block_get(m, OPT_BLOCK1, &b);
	bool good = msg_code_class(m->code) == 2;
	if (tx->sent) /* now it is the blocks of the answer that come */
		return EP_TX_OVER;
	bool last = !tx->blocks || is_last(tx);
	if (good && err == ERR_OK && tx->blocks && !fits(tx, &b))
		err = ERR_RANGE;
	if (good && !last && (!err || (err == ERR_NOTFOUND && m->code == MSG_CONTINUE)))
		return go_on(r, err ? NULL : &b);
	if (c && tx->blocks && !tx->tag_n) /* nothing of it is on its way any more */
		c->untagged = false;
	if (m->code == MSG_TOO_LARGE && !err && start_smaller(tx, &b, m))
		return EP_TX_NEXT;
	if (m->code == MSG_REQUEST_ENTITY_INCOMPLETE && tx->blocks && start_again(tx))
		return EP_TX_NEXT;
	tx->sent = true;
	bool broken = good && (!last || m->code == MSG_CONTINUE || err == ERR_RANGE);
	return broken ? EP_TX_BROKEN : EP_TX_OVER;
}
