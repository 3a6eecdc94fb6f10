/* SPDX-License-Identifier: Apache-2.0 */
/* New keys at the first use of an account's secret (RFC 8613 Appendix B.2), the part of the client:
 * request 1 under ID1, then request 2 under R2 | R3 with the R2 of response 1. */
#include "oscore/recover.h"
#include "device/inner.h"

#include <string.h>

/* The account with another ID Context. */
static enum err adopt(struct dev *d, enum dev_role role, struct span id_context, uint8_t step)
{
	const struct dev_oscore *base = dev_oscore_of(&d->accounts, role);
	if (!base)
		return ERR_STATE;
	if (id_context.n > sizeof(base->id_context))
		return ERR_RANGE;
	struct dev_oscore o = *base;
	o.has_id_context = true;
	o.id_context_n = (uint8_t)id_context.n;
	memcpy(o.id_context, id_context.p, id_context.n);
	enum err e = dev_context_adopt(d, role, &o);
	secret_wipe(&o, sizeof(o));
	if (e)
		return e;
	d->ctx[role]->step = step;
	d->ctx[role]->at.next = d->ctx[role]->at.limit = 0;
	d->ctx[role]->challenge = false; /* what arrives under them is fresh */
	if (role == DEV_ROLE_SERVER)     /* bound to requests under other keys */
		dev_observe_clear(d);
	return ERR_OK;
}

enum err dev_recover_begin(struct dev *d, enum dev_role role)
{
	uint8_t id1[OSC_PART_BYTES];
	struct dev_context *c = d->ctx[role];
	if (d->host->o.recover != DEV_RECOVER_BEGIN || !c || c->step == DEV_STEP_REQUEST_2 ||
		c->step == DEV_STEP_DONE)
		return ERR_OK;
	rng_fill(&d->host->rng, id1, sizeof(id1));
	return adopt(d, role, SPAN_OF(id1), DEV_STEP_REQUEST_1);
}

void dev_recover_again(struct dev *d, enum dev_role role)
{
	if (d->ctx[role] && d->ctx[role]->step)
		d->ctx[role]->step = DEV_STEP_NONE;
}

/* Keys of an ID Context in two parts. */
static enum err keys_under(struct dev *d, enum dev_role role, struct span first_part,
	struct span second_part, struct osc_keys *out)
{
	const struct dev_oscore *base = dev_oscore_of(&d->accounts, role);
	uint8_t both[OSC_ID_CONTEXT_MAX];
	struct writer w = wr_make(both, sizeof(both));
	wr_bytes(&w, first_part);
	wr_bytes(&w, second_part);
	if (!base || w.err)
		return ERR_RANGE;
	struct osc_params p = {.aead = base->aead,
		.hkdf = base->hkdf,
		.master_secret = span_make(base->secret, base->secret_n),
		.master_salt = span_make(base->salt, base->salt_n),
		.sender_id = osc_id_span(&base->sender_id),
		.recipient_id = osc_id_span(&base->recipient_id),
		.has_id_context = true,
		.id_context = wr_span(&w)};
	return osc_derive(d->host->crypto, &p, out);
}

bool dev_recover_response(struct dev *d, const struct msg *outer)
{
	enum dev_role role = d->req.role;
	struct writer buf = dev_scratch(d->host, dev_msg_bytes(outer));
	uint8_t both[OSC_ID_CONTEXT_MAX];
	struct writer w = wr_make(both, sizeof(both));
	struct osc_keys keys;
	struct span r2;
	struct msg plain;
	if (!d->host->o.recover || buf.err || osc_response_1_r2(outer, &r2) || !r2.n)
		return false;
	const struct dev_context *c = d->ctx[role];
	enum err e = keys_under(d, role, r2, span_make(c->id_context, c->id_context_n), &keys);
	if (e == ERR_OK)
		e = osc_unprotect_response_1(d->host->crypto, &keys, &d->ctx[role]->keys,
			&d->req.binding, outer, &buf, &plain);
	secret_wipe(&keys, sizeof(keys));
	uint8_t r3[OSC_PART_BYTES];
	rng_fill(&d->host->rng, r3, sizeof(r3));
	wr_bytes(&w, r2);
	wr_bytes(&w, SPAN_OF(r3));
	if (e == ERR_OK)
		e = w.err;
	return e == ERR_OK && adopt(d, role, wr_span(&w), DEV_STEP_REQUEST_2) == ERR_OK;
}

void dev_recover_done(struct dev *d, struct dev_context *c)
{
	if (c->step != DEV_STEP_REQUEST_2)
		return;
	c->step = DEV_STEP_DONE;
	dev_event_add(d, DEV_EVENT_RECOVERED);
}

/* Wrapped until response 2 has come, left out from then on. */
bool dev_recover_kid_context(const struct dev_context *c, struct writer *w, struct span *out)
{
	struct span raw = span_make(c->id_context, c->id_context_n);
	*out = raw;
	if (!c->step)
		return c->has_id_context;
	if (c->step == DEV_STEP_DONE)
		return false;
	osc_wrap(raw, w);
	*out = wr_span(w);
	return true;
}

/* ---- when the server begins */

static enum err open_under(struct dev_call *c, const struct osc_option *o, const struct osc_keys *k)
{
	struct writer buf = dev_scratch(c->d->host, dev_msg_bytes(c->outer));
	return buf.err ? buf.err
		       : osc_unprotect_request(
				 c->d->host->crypto, k, o, c->outer, &buf, &c->plain, &c->binding);
}

/* Request 2: an R2 of ours, once. */
static enum dev_recovered second(
	struct dev_call *c, const struct osc_option *o, enum dev_role role, struct span id_context)
{
	struct dev *d = c->d;
	struct osc_keys keys;
	enum err e = keys_under(d, role, id_context, SPAN_EMPTY, &keys);
	if (e == ERR_OK)
		e = open_under(c, o, &keys);
	secret_wipe(&keys, sizeof(keys));
	if (e == ERR_OK)
		e = adopt(d, role, id_context, DEV_STEP_DONE);
	if (e)
		return DEV_RECOVERED_NOT;
	d->r2_n = 0;
	c->ctx = d->ctx[role];
	osc_window_seal(&c->ctx->at.window, osc_piv_number(&o->piv));
	dev_event_add(d, DEV_EVENT_RECOVERED);
	return DEV_RECOVERED_OPENED;
}

static enum dev_recovered first(
	struct dev_call *c, const struct osc_option *o, enum dev_role role, struct span id_context)
{
	struct dev *d = c->d;
	struct dev_host *h = d->host;
	struct osc_keys asked, keys;
	struct msg m, sealed;
	enum err e = keys_under(d, role, SPAN_EMPTY, id_context, &asked);
	if (e == ERR_OK)
		e = open_under(c, o, &asked);
	uint8_t r2[OSC_PART_BYTES];
	rng_fill(&h->rng, r2, sizeof(r2));
	if (e == ERR_OK)
		e = keys_under(d, role, SPAN_OF(r2), id_context, &keys);
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	dev_answer_head(d, c->outer, &m);
	struct writer buf = dev_scratch(h, dev_msg_bytes(&m));
	if (e == ERR_OK)
		e = osc_protect_response_1(
			h->crypto, &keys, &asked, &c->binding, SPAN_OF(r2), &m, &buf, &sealed);
	secret_wipe(&asked, sizeof(asked));
	secret_wipe(&keys, sizeof(keys));
	if (e)
		return DEV_RECOVERED_NOT;
	memcpy(d->r2, r2, d->r2_n = sizeof(r2));
	dev_answer_sealed(c, &sealed);
	return DEV_RECOVERED_OFFERED;
}

enum dev_recovered dev_recover_serve(struct dev_call *c, const struct osc_option *o)
{
	struct dev *d = c->d;
	const enum dev_role role =
		DEV_ROLE_SERVER; /* a bootstrap server asks nobody it has not heard */
	const struct dev_oscore *base = dev_oscore_of(&d->accounts, role);
	struct span value;
	if (!d->host->o.recover || !base || !o->has_kid_context ||
		osc_unwrap(o->kid_context, &value) || !value.n ||
		!span_eq(o->kid, osc_id_span(&base->recipient_id)))
		return DEV_RECOVERED_NOT;
	bool ours = d->r2_n && value.n > d->r2_n &&
		    span_eq(span_sub(value, 0, d->r2_n), span_make(d->r2, d->r2_n));
	return ours ? second(c, o, role, value) : first(c, o, role, value);
}
