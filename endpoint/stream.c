/* SPDX-License-Identifier: Apache-2.0 */
/* What differs over a reliable bearer (RFC 8323), and in a channel (RFC 7252 section 9.1.1): a
 * request is bound to its connection, and when that is gone so are its answer and the observation
 * it began. What never left waits, and goes out when the device is heard of again, by whatever
 * bearer. */
#include "endpoint/exchange_impl.h"

#include <string.h>

static struct span key_stream(const void *item)
{
	const struct ep_request *r = item;
	return span_make(&r->stream, sizeof(r->stream));
}

void ep_stream_init(struct ep_exchange *x, const uint8_t seed[static 16])
{
	map_init(&x->streams, key_stream, seed);
}

void ep_stream_fini(struct ep_exchange *x)
{
	map_fini(&x->streams);
}

bool ep_is_stream(const struct peer *p)
{
	return bearer_timing(p->bearer)->reliable;
}

bool ep_is_bound(const struct peer *p)
{
	return ep_is_stream(p) || bearer_is_channel(p->bearer);
}

void ep_stream_join(struct ep_exchange *x, struct ep_request *r, const struct peer *to)
{
	if (!ep_is_bound(to) || (x->closing && peer_eq(to, x->closing)))
		return;
	ep_stream_leave(x, r);
	r->stream = *to;
	/* Without memory for it the end of the connection is not noticed, and time has to tell. */
	if (map_add(&x->streams, r))
		r->stream = (struct peer){0};
}

void ep_stream_leave(struct ep_exchange *x, struct ep_request *r)
{
	if (r->stream.bearer)
		map_remove(&x->streams, r);
	r->stream = (struct peer){0};
}

/* For ep_timer, since nothing may go out while a message is in the work space. */
static void see_later(struct ep_exchange *x, struct ep_conversation *v)
{
	if (v->stirred)
		return;
	v->stirred = true;
	v->next_stirred = x->stirred;
	x->stirred = v;
}

void ep_stream_forget(struct ep_exchange *x, struct ep_conversation *v)
{
	struct ep_conversation **at = &x->stirred;
	while (v->stirred && *at != v)
		at = &(*at)->next_stirred;
	if (v->stirred)
		*at = v->next_stirred;
	v->stirred = false;
}

/* What could not be sent, but for what went to `but` (or NULL). */
static struct ep_request *unsent(const struct ep_conversation *v, const struct peer *but)
{
	struct ep_request *r = v->current;
	while (r && (!r->unsent || (but && peer_eq(&r->stream, but))))
		r = r->next;
	return r;
}

void ep_stream_heard(struct ep_exchange *x, const struct ep_delivery *d)
{
	struct ep_conversation *v = d->verified && d->ctx ? d->ctx->conv : NULL;
	if (v && d->ctx->peer && unsent(v, &d->ctx->peer->peer))
		see_later(x, v);
}

/* It came to nothing; its engine hears that there was no answer. */
static void lost(struct ep_exchange *x, struct ep_request *r, struct turn *t)
{
	if (r->begins) {
		ep_begin_end(x, r->conv);
		return;
	}
	x->count.timeouts++;
	r = ep_request_fail(x, r, t);
	if (!r)
		return;
	r->lost = true;
	ep_request_kill(x, r);
}

void ep_closed(struct ep_exchange *x, const struct peer *who, struct turn *t)
{
	struct ep_request *r;
	x->closing = who; /* what follows by it is not sent, and waits */
	while ((r = map_get(&x->streams, span_make(who, sizeof(*who))))) {
		/* What did not leave by it waits, if its device can come by another one. */
		bool waits = r->unsent && r->conv && r->conv->ctx;
		ep_stream_leave(x, r);
		if (waits)
			continue;
		lost(x, r, t);
	}
	x->closing = NULL;
}

void ep_unsent(struct ep_exchange *x, const struct peer *to, struct span datagram)
{
	struct msg m;
	if ((!ep_is_bound(to) && !gateway_is(to)) || msg_parse_udp(datagram, &m) ||
		!msg_code_is_request(m.code))
		return;
	struct exch *e = exch_by_token(&x->exch, span_make(m.token, m.token_n));
	struct ep_request *r = (struct ep_request *)e;
	/* Of what went out before, a copy may have arrived. */
	if (!r || r->state != EP_REQ_SENT || !r->conv || r->begins || e->retransmits)
		return;
	r->unsent = true;
	if (!r->conv->ctx &&
		ep_is_bound(to)) /* without keys its connection is all we know of a peer */
		see_later(x, r->conv);
}

void ep_link_up(struct ep_exchange *x, uint16_t number)
{
	size_t cursor = 0;
	for (struct exch *e; (e = map_next(&x->exch.by_token, &cursor));) {
		struct ep_request *r = (struct ep_request *)e;
		struct peer to;
		exch_peer(e, &to);
		if (r->unsent && r->conv && gateway_is(&to) && to.listener == number)
			see_later(x, r->conv);
	}
}

bool ep_stream_stirred(struct ep_exchange *x, struct turn *t)
{
	struct ep_conversation *v = x->stirred;
	if (!v)
		return false;
	ep_stream_forget(x, v);
	for (struct ep_request *r; (r = unsent(v, NULL));)
		if (v->ctx || gateway_is(&v->peer))
			ep_request_resend(x, r, t);
		else
			lost(x, r, t);
	return true;
}
