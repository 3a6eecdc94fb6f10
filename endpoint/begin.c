/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8613 Appendix B.2, the part of its client: a device that answers our requests as if it had no
 * such keys is offered new ones. It is a hint that anybody can forge, so the request goes on as it
 * was meanwhile, and once in a while is enough. So is a device whose keys come to their limits.
 * Both requests ask for something harmless. */
#include "endpoint/exchange_impl.h"
#include "oscore/recover.h"

#include <stdlib.h>
#include <string.h>

enum begin_step { BEGIN_SECRET, BEGIN_REQUEST_1, BEGIN_REQUEST_2 };

struct ep_begin {
	struct ep_request r; /* first: found from its exchange; it carries both requests */
	enum begin_step step;
	uint8_t id1[OSC_PART_BYTES];
	struct osc_keys keys; /* of request 1 */
	uint64_t made_id;     /* the context of request 2 */
};

enum { TAKEN_MS = 60000 }; /* how long an offer is given to be taken */

static uint32_t lifetime_ms(void)
{
	return bearer_timing(BEARER_UDP)->exchange_lifetime_ms;
}

void ep_begin_end(struct ep_exchange *x, struct ep_conversation *v)
{
	struct ep_begin *b = v->begin;
	if (!b)
		return;
	v->begin = NULL;
	for (size_t i = 0; i < EP_BEGIN_MAX; i++)
		if (x->recovery.begin[i] == v)
			x->recovery.begin[i] = NULL;
	exch_stop(&x->exch, &b->r.exch);
	secret_wipe(b, sizeof(*b));
	free(b);
}

static bool wanted(const struct ep_exchange *x, const struct ep_context *c)
{
	uint8_t policy = ep_freshness_of(x->dir, c->endpoint);
	return c->peer && c->role == REC_ROLE_SERVER &&
	       (policy == EP_FRESH_AUTO || policy == EP_FRESH_B2);
}

static bool lately(const struct ep_conversation *v, uint64_t now_ms)
{
	return v->begun_ms && now_ms - v->begun_ms < lifetime_ms();
}

static bool start(struct ep_exchange *x, struct ep_conversation *v, struct turn *t)
{
	struct ep_context *c = v->ctx;
	size_t at = 0;
	while (at < EP_BEGIN_MAX && x->recovery.begin[at])
		at++;
	if (at == EP_BEGIN_MAX || v->begin || lately(v, t->now_ms) ||
		!ep_budget_spend(&x->recovery.budget, x->hash_key, &c->peer->peer, true, t->now_ms))
		return false;
	struct ep_begin *b = calloc(1, sizeof(*b));
	if (!b)
		return false;
	b->r.begins = true;
	b->r.conv = v;
	b->r.endpoint = c->endpoint;
	v->begin = b;
	v->begun_ms = t->now_ms;
	x->recovery.begin[at] = v;
	x->count.recoveries_begun++;
	ep_note_under(x->dir, c->endpoint, c, EP_REASON_RECOVERING, t->wall_ms);
	if (ep_recover_inputs(x, c->id))
		ep_begin_go(x, v, t);
	else
		turn_effect(t, EFFECT_INPUTS)->context_id = c->id;
	return true;
}

void ep_begin(struct ep_exchange *x, struct ep_conversation *v, struct turn *t)
{
	if (wanted(x, v->ctx))
		(void)start(x, v, t);
}

bool ep_renew(struct ep_exchange *x, struct ep_context *c, struct turn *t)
{
	if (!c->peer || c->role != REC_ROLE_SERVER || !ep_renewable(x->dir, c))
		return false;
	struct ep_conversation *v = ep_conv_of(x, c, t->now_ms);
	bool idle = v && !v->current && !v->queue;
	return v && (idle || ep_key_level(c) >= EP_LEVEL_DUE) && start(x, v, t);
}

void ep_begin_noted(struct ep_conversation *v, uint64_t now_ms)
{
	if (!lately(v, now_ms))
		v->begun_ms = now_ms;
}

bool ep_renewing(const struct ep_context *c, uint64_t now_ms)
{
	const struct ep_conversation *v = c->conv;
	return v && (v->begin || (v->begun_ms && now_ms - v->begun_ms < TAKEN_MS));
}

/* GET /3 for links: every device has it, and it changes nothing. */
static enum err build(
	struct ep_exchange *x, struct ep_begin *b, const struct peer *to, struct msg *m)
{
	enum { LINK_FORMAT = 40 };
	msg_init(m, MSG_CON, MSG_GET);
	rng_fill(&x->dir->rng, b->r.token, sizeof(b->r.token));
	b->r.token_n = sizeof(b->r.token);
	m->token_n = b->r.token_n;
	memcpy(m->token, b->r.token, sizeof(b->r.token));
	if (!ep_choose_mid(x, b->r.conv, to, &m->mid))
		return ERR_LIMIT;
	enum err err = msg_add(m, OPT_URI_PATH, SPAN_LIT("3"));
	return err ? err : msg_add_uint(m, OPT_ACCEPT, LINK_FORMAT);
}

static enum err send(struct ep_exchange *x, struct ep_begin *b, const struct osc_keys *keys,
	uint64_t number, struct span id_context, struct turn *t)
{
	const struct peer *to = &b->r.conv->ctx->peer->peer;
	uint8_t wrapped[OSC_WRAPPED_MAX];
	struct writer wrap = wr_make(wrapped, sizeof(wrapped)),
		      work = wr_make(x->in, sizeof(x->in)), w = wr_make(x->out, sizeof(x->out));
	struct msg m, sealed;
	enum err err = build(x, b, to, &m);
	osc_wrap(id_context, &wrap);
	struct span kid_context = wr_span(&wrap);
	if (!err)
		err = osc_protect_request(x->dir->crypto, keys, number, &kid_context, &m, &work,
			&sealed, &b->r.binding);
	if (!err)
		err = msg_encode_udp(&sealed, &w);
	exch_stop(&x->exch, &b->r.exch);
	if (!err)
		err = exch_start(&x->exch, &b->r.exch, to, &sealed, wr_span(&w), true, t->now_ms,
			&x->dir->rng);
	if (!err)
		turn_send(t, to, turn_dup(t, wr_span(&w)));
	return err;
}

/* Number 0 under keys that an ID1 of eight random bytes makes: used by one message, and then never
 * again. */
void ep_begin_go(struct ep_exchange *x, struct ep_conversation *v, struct turn *t)
{
	struct ep_begin *b = v->begin;
	const struct ep_inputs *in = ep_recover_inputs(x, v->ctx->id);
	if (!b || b->step != BEGIN_SECRET || !in)
		return;
	rng_fill(&x->dir->rng, b->id1, sizeof(b->id1));
	struct osc_params p = ep_recover_params(v->ctx, in, SPAN_OF(b->id1));
	b->step = BEGIN_REQUEST_1;
	enum err err = v->ctx->peer ? osc_derive(x->dir->crypto, &p, &b->keys) : ERR_NOTFOUND;
	if (!err)
		err = send(x, b, &b->keys, 0, SPAN_OF(b->id1), t);
	if (err)
		ep_begin_end(x, v);
}

static struct ep_context *made_of(const struct ep_begin *b)
{
	struct ep_context *c = b->r.endpoint->contexts;
	while (c && c->id != b->made_id)
		c = c->next_of_endpoint;
	return c;
}

/* Durable before request 2 leaves: its keys and its number are records of this turn. */
static enum err request_2(struct ep_exchange *x, struct ep_begin *b, const struct ep_inputs *in,
	struct span id_context, struct turn *t)
{
	struct ep_context *c = b->r.conv->ctx, *made;
	struct osc_params p = ep_recover_params(c, in, id_context);
	struct osc_keys keys;
	uint64_t number;
	bool moved;
	enum err err = ep_recover_adopt(x, c, &p, t, &made);
	if (err)
		return err;
	b->made_id = made->id;
	b->step = BEGIN_REQUEST_2;
	ep_context_heard(made, &c->peer->peer, 0, &moved);
	err = made->peer ? ep_take_number(x->dir, made, t, &number) : ERR_NOMEM;
	if (err)
		return err;
	ep_keys(made, &keys);
	err = send(x, b, &keys, number, id_context, t);
	secret_wipe(&keys, sizeof(keys));
	return err;
}

/* Response 1, if it is one and authentic; all else is ignored. */
static void response_1(
	struct ep_exchange *x, struct ep_begin *b, struct turn *t, const struct ep_delivery *d)
{
	struct ep_conversation *v = b->r.conv;
	const struct ep_inputs *in = ep_recover_inputs(x, v->ctx->id);
	uint8_t both[OSC_ID_CONTEXT_MAX], r3[OSC_PART_BYTES];
	struct writer id = wr_make(both, sizeof(both)), work = wr_make(x->in, sizeof(x->in));
	struct span r2;
	if (!in || osc_response_1_r2(&x->outer, &r2) || !r2.n)
		return;
	wr_bytes(&id, r2);
	wr_bytes(&id, SPAN_OF(b->id1));
	struct ep_inputs copy = *in;
	struct osc_params p = ep_recover_params(v->ctx, &copy, wr_span(&id));
	enum err err = id.err ? id.err : osc_derive_receiver(x->dir->crypto, &p, &x->keys);
	if (!err)
		err = osc_unprotect_response_1(x->dir->crypto, &x->keys, &b->keys, &b->r.binding,
			&x->outer, &work, &x->plain);
	if (!err) {
		if (x->outer.type == MSG_CON)
			ep_send_empty(t, &d->from, MSG_ACK, x->outer.mid);
		rng_fill(&x->dir->rng, r3, sizeof(r3));
		id = wr_make(both, sizeof(both));
		wr_bytes(&id, r2);
		wr_bytes(&id, SPAN_OF(r3));
		if (id.err || request_2(x, b, &copy, wr_span(&id), t))
			ep_begin_end(x, v);
	}
	secret_wipe(&copy, sizeof(copy));
}

/* Whatever it says: the device has the new keys. */
static void response_2(
	struct ep_exchange *x, struct ep_begin *b, struct turn *t, struct ep_delivery *d)
{
	struct writer work = wr_make(x->in, sizeof(x->in));
	struct ep_context *made = made_of(b);
	uint64_t number;
	if (!made || osc_unprotect_response(x->dir->crypto, ep_work_keys(x, made), &b->r.binding,
			     &x->outer, &work, &x->plain, &number))
		return;
	if (x->outer.type == MSG_CON)
		ep_send_empty(t, &d->from, MSG_ACK, x->outer.mid);
	ep_context_heard(made, &d->from, 0, &d->moved);
	d->kind = EP_RECOVERED;
	d->verified = true;
	d->ctx = made;
	d->endpoint = made->endpoint;
	ep_begin_end(x, b->r.conv);
}

void ep_begin_response(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d)
{
	struct ep_begin *b = (struct ep_begin *)r;
	if (x->outer.type == MSG_ACK && x->outer.mid != exch_mid(&r->exch))
		return;
	if (!msg_find(&x->outer, OPT_OSCORE))
		return;
	if (b->step == BEGIN_REQUEST_1)
		response_1(x, b, t, d);
	else
		response_2(x, b, t, d);
}
