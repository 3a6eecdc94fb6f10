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
	return ep_listener_at(x, &d->from);
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

static enum ep_reason reason_of(enum channel_fault why)
{
	static const enum ep_reason reasons[] = {[CHANNEL_FAULT_NONE] = EP_REASON_HANDSHAKE,
		[CHANNEL_FAULT_IDENTITY] = EP_REASON_PSK_IDENTITY,
		[CHANNEL_FAULT_KEY] = EP_REASON_PSK_KEY,
		[CHANNEL_FAULT_OFFER] = EP_REASON_HANDSHAKE,
		[CHANNEL_FAULT_PROOF] = EP_REASON_HANDSHAKE,
		[CHANNEL_FAULT_MISSING] = EP_REASON_CERTIFICATE_MISSING,
		[CHANNEL_FAULT_ISSUER] = EP_REASON_CERTIFICATE_ISSUER,
		[CHANNEL_FAULT_TIME] = EP_REASON_CERTIFICATE_TIME,
		[CHANNEL_FAULT_REVOKED] = EP_REASON_CERTIFICATE_REVOKED,
		[CHANNEL_FAULT_CRL] = EP_REASON_CERTIFICATE_CRL,
		[CHANNEL_FAULT_WEAK] = EP_REASON_CERTIFICATE_WEAK,
		[CHANNEL_FAULT_NAME] = EP_REASON_CERTIFICATE_NAME,
		[CHANNEL_FAULT_OTHER] = EP_REASON_CERTIFICATE_OTHER,
		[CHANNEL_FAULT_RAW_KEY] = EP_REASON_RAW_KEY,
		[CHANNEL_FAULT_STORAGE] = EP_REASON_OVERLOAD};
	return reasons[why];
}

/* An identity alone proves nothing, and anyone can send one; a certificate or key that is refused
 * is told, whoever's it is. */
static bool is_suspect(enum channel_fault why)
{
	return why == CHANNEL_FAULT_KEY ||
	       (why >= CHANNEL_FAULT_PROOF && why < CHANNEL_FAULT_STORAGE);
}

enum ep_reason ep_channel_failed(struct ep_exchange *x, const struct peer *from,
	const struct channel_failure *f, const struct turn *t)
{
	const struct ep_credential *c = ep_credential_by_mark(x->dir, f->mark);
	struct endpoint *e = c ? c->endpoint : f->name.n ? ep_find(x->dir, f->name) : NULL;
	enum ep_reason why = reason_of(f->why);
	x->count.channels_failed++;
	ep_note(x->dir, e, why, t->wall_ms);
	if (is_suspect(f->why))
		ep_security_note(x->dir, EP_SECURITY_HANDSHAKE, e, SPAN_EMPTY, from, t->now_ms);
	return why;
}
