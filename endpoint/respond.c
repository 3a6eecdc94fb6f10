/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/exchange_impl.h"

#include <string.h>

void ep_respond_address(struct ep_exchange *x, const struct ep_delivery *d, struct msg *m)
{
	const struct msg *req = &x->outer;
	m->type = req->type == MSG_CON ? MSG_ACK : MSG_NON;
	m->mid = req->mid;
	if (req->type != MSG_CON && d->ctx)
		m->mid = ep_next_mid(d->ctx);
	else if (req->type != MSG_CON)
		m->mid = d->conv ? d->conv->next_mid++ : x->next_mid++;
	m->token_n = req->token_n;
	memcpy(m->token, req->token, sizeof(m->token));
}

/* The datagram of the response, in x->out; ERR_LIMIT if our numbers are used up. */
static enum err encode(struct ep_exchange *x, const struct ep_delivery *d, const struct msg *resp,
	struct turn *t, struct span *out)
{
	struct writer w = wr_make(x->out, sizeof(x->out));
	enum err err;
	if (!d->ctx) {
		err = msg_encode_udp(resp, &w);
		*out = wr_span(&w);
		return err;
	}
	struct msg sealed;
	uint64_t number = 0;
	if (d->own_number && (err = ep_take_number(x->dir, d->ctx, t, &number)))
		return err;
	struct writer work = wr_make(x->in, sizeof(x->in));
	err = osc_protect_response(x->dir->crypto, ep_work_keys(x, d->ctx), &d->binding,
		d->own_number ? &number : NULL, resp, &work, &sealed);
	if (!err)
		err = ep_outer_cut(x, d, &sealed, t->now_ms);
	if (!err)
		err = msg_encode_udp(&sealed, &w);
	*out = wr_span(&w);
	return err;
}

/* The log row of a verified request (the durable half of replay protection). */
static void record(const struct ep_delivery *d, struct span response, struct turn *t)
{
	struct rec_seen *r = &turn_rec(t, REC_SEEN)->seen;
	*r = (struct rec_seen){.context_id = d->ctx->id,
		.piv = d->piv,
		.now_ms = t->now_ms,
		.hash = d->hash,
		.expiry_ms = d->expiry_ms,
		.fresh = d->ctx->fresh,
		.executed = d->ctx->executed,
		.response = response.n <= STORE_RESPONSE_MAX ? response : SPAN_EMPTY};
}

/* No number for an answer that needs one: as if we had no context, so that the device makes a new
 * one. */
static void exhausted(struct ep_exchange *x, const struct ep_delivery *d, struct turn *t)
{
	ep_security_note(x->dir, EP_SECURITY_KEY_LIMIT, d->endpoint, SPAN_EMPTY, NULL, t->now_ms);
	ep_plain_error(x, &d->from, MSG_UNAUTHORIZED, "Security context not found", t);
}

/* It is longer than the gateway takes. What was encrypted is thrown away, and its nonce with it:
 * the bare error that takes its place has a number of its own. ERR_SPACE: not even that fits. */
static enum err say_less(struct ep_exchange *x, struct ep_delivery *d, struct msg *resp,
	struct turn *t, struct span *out)
{
	ep_note_under(x->dir, d->endpoint, d->ctx, EP_REASON_TOO_LONG, t->wall_ms);
	msg_init(resp, MSG_ACK, MSG_INTERNAL_ERROR);
	ep_respond_address(x, d, resp);
	d->own_number = d->ctx != NULL;
	enum err err = encode(x, d, resp, t, out);
	return !err && out->n > ep_longest_to(x, d->endpoint, &d->from) ? ERR_SPACE : err;
}

void ep_respond(struct ep_exchange *x, struct ep_delivery *d, struct msg *resp, struct turn *t)
{
	struct span datagram = SPAN_EMPTY;
	if (ep_kept_cut(x, d, resp, t->now_ms))
		msg_init(resp, MSG_ACK, MSG_UNAVAILABLE);
	ep_respond_address(x, d, resp);
	enum err err = ERR_OK;
	if (d->has_block1)
		err = block_add(resp, OPT_BLOCK1, d->block1);
	ep_trace_out(d->endpoint, d->conv, &d->from, resp, UINT64_MAX, t);
	if (!err)
		err = encode(x, d, resp, t, &datagram);
	if (!err && datagram.n > ep_longest_to(x, d->endpoint, &d->from))
		err = say_less(x, d, resp, t, &datagram);
	if (err) {
		datagram = SPAN_EMPTY;
		if (err != ERR_SPACE)
			ep_note(x->dir, d->endpoint,
				err == ERR_LIMIT ? EP_REASON_EXHAUSTED : EP_REASON_OVERLOAD,
				t->wall_ms);
		if (err == ERR_LIMIT)
			exhausted(x, d, t);
	}
	ep_respond_bytes(x, d, datagram, t);
	if (d->has_block1 && !d->block1.more)
		ep_rx_reset(x, d->conv);
}

void ep_respond_bytes(
	struct ep_exchange *x, struct ep_delivery *d, struct span datagram, struct turn *t)
{
	datagram = turn_dup(t, datagram);
	if (d->changed && d->ctx)
		d->ctx->executed = true;
	if (d->ctx)
		record(d, datagram, t);
	uint64_t expires =
		t->now_ms + gateway_timing(x->opts.gateways, &d->from)->exchange_lifetime_ms;
	/* When it cannot be kept, a copy counts as a replay. */
	enum err err = dedup_put(&d->conv->dedup, &x->dedup, d->hash, expires, datagram, t->now_ms);
	(void)err;
	turn_send(t, &d->from, datagram);
}

void ep_respond_nothing(const struct ep_delivery *d, struct turn *t)
{
	if (d->ctx)
		record(d, SPAN_EMPTY, t);
}

void ep_respond_code(struct ep_exchange *x, struct ep_delivery *d, uint8_t code, struct turn *t)
{
	struct msg m;
	msg_init(&m, MSG_ACK, code);
	ep_respond(x, d, &m, t);
}

void ep_refused(struct ep_exchange *x, struct ep_delivery *d, struct endpoint *e,
	enum ep_reason why, const struct turn *t)
{
	enum ep_security_kind kind;
	ep_note_under(x->dir, e, d->ctx, why, t->wall_ms);
	if (ep_security_of(why, &kind))
		ep_security_note(x->dir, kind, e, osc_id_span(&d->kid), &d->from, t->now_ms);
	d->refused = true;
	d->reason = why;
}

void ep_delivery_end(struct ep_exchange *x, struct ep_delivery *d, struct turn *t)
{
	if (d->ack.n)
		turn_send(t, &d->from, d->ack);
	d->ack = SPAN_EMPTY;
	if (d->child)
		ep_request_free(x, d->child);
	d->child = NULL;
	if (d->next) {
		d->next->pinned--;
		ep_pump(x, d->next, t);
	}
	d->next = NULL;
}
