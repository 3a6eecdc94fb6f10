/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks by a DTLS or TLS channel is known by the credential it was opened with, and whether
 * that is enough is for the listener and the endpoint to say. A credential that is gone opens
 * nothing any more, whatever sessions there are. */
#include "endpoint/exchange_impl.h"

void ep_channel_read(const struct ep_exchange *x, uint64_t mark, struct ep_delivery *d)
{
	d->channel = ep_credential_by_mark(x->dir, mark);
}

static const struct ep_listener *listener_of(
	const struct ep_exchange *x, const struct ep_delivery *d)
{
	return &x->opts.listener[d->from.listener % EP_LISTENERS_MAX];
}

/* Over a channel the kid names the peer, as elsewhere: a proxy may have a channel of its own. It is
 * the endpoint's only where both are the same. */
bool ep_channel_enough(const struct ep_exchange *x, const struct ep_delivery *d)
{
	uint8_t require = listener_of(x, d)->require | ep_require_of(d->endpoint);
	bool channel = d->channel && d->channel->endpoint == d->endpoint;
	return (!(require & EP_REQUIRE_OSCORE) || d->ctx) &&
	       (!(require & EP_REQUIRE_CHANNEL) || channel);
}

static void refuse(struct ep_exchange *x, struct endpoint *e, enum ep_reason why, const char *text,
	struct turn *t, struct ep_delivery *d)
{
	x->count.weak_channels++;
	ep_refused(x, d, e, why, t);
	ep_trace_in(x, d, ep_reason_info(why)->code, t);
	ep_plain_error(x, &d->from, MSG_UNAUTHORIZED, text, t);
}

void ep_channel_request(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d)
{
	if (!d->channel || ep_credential_role(d->channel) != d->role) {
		refuse(x, NULL, EP_REASON_CREDENTIAL_GONE, "Credential not valid", t, d);
		return;
	}
	d->endpoint = d->channel->endpoint;
	if (!ep_channel_enough(x, d)) {
		refuse(x, d->endpoint, EP_REASON_WEAK, "OSCORE required", t, d);
		return;
	}
	d->conv = ep_conv_of_peer(x, &d->from, t->now_ms);
	if (!d->conv) {
		x->count.unavailable++;
		ep_refused(x, d, d->endpoint, EP_REASON_OVERLOAD, t);
		ep_plain_error(x, &d->from, MSG_UNAVAILABLE, "Too many peers", t);
		return;
	}
	d->conv->role = d->role;
	d->hash = siphash24(x->hash_key, datagram);
	if (ep_answer_copy(x, d->conv, t, d))
		return;
	d->msg = &x->outer;
	ep_trace_in(x, d, NULL, t);
	ep_deliver_request(x, t, d);
}

void ep_channel_failed(struct ep_exchange *x, const struct peer *from, enum channel_fault why,
	uint64_t mark, const struct turn *t)
{
	static const enum ep_reason reasons[] = {[CHANNEL_FAULT_NONE] = EP_REASON_HANDSHAKE,
		[CHANNEL_FAULT_IDENTITY] = EP_REASON_PSK_IDENTITY,
		[CHANNEL_FAULT_KEY] = EP_REASON_PSK_KEY,
		[CHANNEL_FAULT_OFFER] = EP_REASON_HANDSHAKE};
	const struct ep_credential *c = ep_credential_by_mark(x->dir, mark);
	struct endpoint *e = c ? c->endpoint : NULL;
	x->count.channels_failed++;
	ep_note(x->dir, e, reasons[why], t->wall_ms);
	if (why == CHANNEL_FAULT_KEY)
		ep_security_note(x->dir, EP_SECURITY_HANDSHAKE, e, SPAN_EMPTY, from, t->now_ms);
}
