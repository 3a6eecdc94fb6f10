/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to our requests that a proxy has cut outside OSCORE: the rest is fetched from the proxy,
 * and the whole is opened (RFC 8613 section 4.1.3.4.2). Before that nothing is known of it, so it
 * changes nothing but what is asked next. */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

struct ep_outer_fetch {
	struct block_rx rx;
	uint64_t option; /* fingerprint of option 9, which all pieces share */
	uint16_t mid;    /* of the first piece */
};

void ep_outer_forget(struct ep_exchange *x, struct ep_request *r)
{
	if (!r->fetch)
		return;
	if (r->observe)
		map_remove(&x->observing, r);
	block_rx_reset(&r->fetch->rx);
	free(r->fetch);
	r->fetch = NULL;
}

bool ep_outer_is_piece(const struct msg *m)
{
	struct block b;
	return !block_get(m, OPT_BLOCK2, &b) && (b.more || b.num);
}

static uint64_t option_of(const struct ep_exchange *x)
{
	return siphash24(x->hash_key, msg_find(&x->outer, OPT_OSCORE)->val);
}

/* Notifications that come meanwhile have the first token, so that has to be found too. */
static bool begin(struct ep_exchange *x, struct ep_request *r)
{
	r->fetch = calloc(1, sizeof(*r->fetch));
	if (!r->fetch)
		return false;
	block_rx_init(&r->fetch->rx, EP_UNFRAGMENTED_MAX);
	r->fetch->option = option_of(x);
	r->fetch->mid = x->outer.mid;
	if (!r->observe || !map_put(&x->observing, r))
		return true;
	free(r->fetch);
	r->fetch = NULL;
	return false;
}

/* The request as it was sent, once more and under another token, for another piece of its answer:
 * nothing is encrypted. Observe would make it a registration. A POST is not sent with its body
 * again; that of a FETCH belongs to what names the answer (RFC 8132 section 2). */
static enum err ask_piece(
	struct ep_exchange *x, struct ep_request *r, struct block next, struct turn *t)
{
	struct msg m;
	struct peer to;
	enum err err = msg_parse_udp(span_make(r->exch.bytes, r->exch.n), &m);
	if (err)
		return err;
	exch_peer(&r->exch, &to);
	msg_remove(&m, OPT_BLOCK2);
	msg_remove(&m, OPT_OBSERVE);
	if (m.code != MSG_FETCH)
		m.payload = SPAN_EMPTY;
	rng_fill(&x->dir->rng, m.token, m.token_n);
	if (!ep_choose_mid(x, r->conv, &to, &m.mid))
		return ERR_LIMIT;
	struct writer w = wr_make(x->out, sizeof(x->out));
	err = block_add(&m, OPT_BLOCK2, next);
	if (!err)
		err = msg_encode_udp(&m, &w);
	if (err)
		return err;
	exch_stop(&x->exch, &r->exch);
	err = exch_start(&x->exch, &r->exch, &to, &m, wr_span(&w), true, t->now_ms, &x->dir->rng);
	if (err)
		return err;
	struct pace pace = ep_pace_of(x, r->endpoint, &to);
	exch_pace(&x->exch, &r->exch, pace.ack_timeout_ms, pace.max_retransmit, t->now_ms);
	r->message = ++r->conv->messages;
	turn_send(t, &to, turn_dup(t, wr_span(&w)));
	return ERR_OK;
}

/* The next piece goes on where the last one ended; a piece that adds nothing was not asked for. */
static enum block_step take(
	struct ep_exchange *x, struct ep_request *r, struct block b, uint64_t now_ms)
{
	struct block_rx *rx = r->fetch ? &r->fetch->rx : NULL;
	if (!rx && (b.num || !begin(x, r)))
		return BLOCK_INCOMPLETE;
	if (!rx)
		return block_rx_take(&r->fetch->rx, b, x->outer.payload, now_ms);
	if (!rx->active || rx->complete || !b.num || b.num * block_size(b.szx) != rx->n ||
		r->fetch->option != option_of(x))
		return BLOCK_INCOMPLETE;
	return block_rx_take(rx, b, x->outer.payload, now_ms);
}

bool ep_outer_whole(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, const struct ep_delivery *d)
{
	struct block b;
	if (block_get(&x->outer, OPT_BLOCK2, &b) || (!b.more && !b.num))
		return true;
	enum block_step step = take(x, r, b, t->now_ms);
	if (step == BLOCK_DONE) {
		x->count.outer_pieces++;
		x->outer.payload = span_make(r->fetch->rx.body, r->fetch->rx.n);
		return true;
	}
	if (step != BLOCK_MORE) {
		x->count.outer_refused++;
		ep_note(x->dir, r->endpoint, EP_REASON_ANSWER_BLOCKS, t->wall_ms);
		return false;
	}
	x->count.outer_pieces++;
	if (x->outer.type == MSG_CON)
		ep_send_empty(t, &d->from, MSG_ACK, x->outer.mid);
	struct block next = {.num = (uint32_t)(r->fetch->rx.n / block_size(b.szx)), .szx = b.szx};
	if (ask_piece(x, r, next, t)) { /* nobody will answer: it is over when its time is */
		x->count.outer_refused++;
		ep_note(x->dir, r->endpoint, EP_REASON_OVERLOAD, t->wall_ms);
	}
	return false;
}

bool ep_outer_early(struct ep_exchange *x, const struct ep_request *r, struct turn *t,
	const struct ep_delivery *d)
{
	struct span token = span_make(x->outer.token, x->outer.token_n);
	if (!r->fetch || span_eq(token, span_make(r->exch.token, r->exch.token_n)))
		return false;
	if (x->outer.type == MSG_CON && x->outer.mid == r->fetch->mid)
		ep_send_empty(t, &d->from, MSG_ACK, x->outer.mid);
	return true;
}

static bool is_queued(const struct ep_conversation *v, const struct ep_request *parent)
{
	for (const struct ep_request *r = v->queue; r; r = r->next)
		if (r->parent == parent)
			return true;
	return false;
}

bool ep_outer_read_instead(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	struct ep_conversation *v = r->conv;
	struct ep_request *child;
	if (is_queued(v, r))
		return true;
	if (v->queue_n >= EP_QUEUE_MAX || ep_request_child(x, r, &child))
		return false;
	x->count.outer_pieces++;
	ep_request_enqueue(v, child);
	ep_pump(x, v, t);
	return true;
}
