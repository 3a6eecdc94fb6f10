/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8613 Appendix B.2, the part of its server. Without state: what is to be known at request 2 is
 * in its R2. The context in use stays as it is until request 2 has been verified, and usable until
 * a message under the new keys has come after it. Secrets are not in memory: they are asked of
 * storage, and requests wait for them in a small table. */
#include "oscore/recover.h"
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	HELD_PER_CONTEXT = 4,
	TRIES_MAX = 3,
	SAME_KID_MAX = 8,
	ROLE_CONTEXTS_MAX = 2 * EP_GENERATIONS_MAX
};

/* ---- what contexts are derived from */

static uint32_t lifetime_ms(void)
{
	return bearer_timing(BEARER_UDP)->exchange_lifetime_ms;
}

static struct ep_inputs *inputs_of(struct ep_exchange *x, uint64_t context_id)
{
	for (size_t i = 0; i < EP_INPUTS_MAX; i++)
		if (x->recovery.inputs[i].context_id == context_id)
			return &x->recovery.inputs[i];
	return NULL;
}

const struct ep_inputs *ep_recover_inputs(struct ep_exchange *x, uint64_t context_id)
{
	return inputs_of(x, context_id);
}

/* A free place, else that of the oldest: whoever needs those again asks again. */
static struct ep_inputs *place(struct ep_exchange *x)
{
	struct ep_inputs *best = x->recovery.inputs;
	for (size_t i = 0; i < EP_INPUTS_MAX && best->context_id; i++) {
		struct ep_inputs *n = &x->recovery.inputs[i];
		if (!n->context_id || n->expires_ms < best->expires_ms)
			best = n;
	}
	return best;
}

void ep_recover_expire(struct ep_exchange *x, uint64_t now_ms)
{
	struct ep_recovery *r = &x->recovery;
	if (!r->due_ms || now_ms < r->due_ms)
		return;
	r->due_ms = 0;
	for (size_t i = 0; i < EP_INPUTS_MAX; i++) {
		struct ep_inputs *n = &r->inputs[i];
		if (n->context_id && n->expires_ms <= now_ms)
			secret_wipe(n, sizeof(*n));
		if (n->context_id && (!r->due_ms || n->expires_ms < r->due_ms))
			r->due_ms = n->expires_ms;
	}
}

static void keep_inputs(struct ep_exchange *x, uint64_t context_id, struct span secret,
	struct span salt, uint64_t now_ms)
{
	struct ep_inputs *n = inputs_of(x, context_id);
	if (!n)
		n = place(x);
	secret_wipe(n, sizeof(*n));
	n->context_id = context_id;
	n->expires_ms = now_ms + lifetime_ms();
	n->secret_n = (uint8_t)secret.n;
	n->salt_n = (uint8_t)salt.n;
	if (secret.n)
		memcpy(n->secret, secret.p, secret.n);
	if (salt.n)
		memcpy(n->salt, salt.p, salt.n);
	if (!x->recovery.due_ms)
		x->recovery.due_ms = n->expires_ms;
}

static void held_free(struct ep_exchange *x, struct ep_held *h)
{
	x->recovery.ready_n -= h->ready;
	free(h->bytes);
	*h = (struct ep_held){.bytes = NULL};
}

void ep_inputs_told(struct ep_exchange *x, uint64_t context_id, enum err err, struct span secret,
	struct span salt, uint64_t now_ms)
{
	if (!err && (secret.n > STORE_SECRET_MAX || salt.n > STORE_SECRET_MAX))
		err = ERR_RANGE;
	if (!err && context_id)
		keep_inputs(x, context_id, secret, salt, now_ms);
	for (size_t i = 0; i < EP_BEGIN_MAX; i++) {
		struct ep_conversation *v = x->recovery.begin[i];
		if (!v || v->ctx->id != context_id)
			continue;
		x->recovery.begin_ready = true;
		if (err)
			ep_begin_end(x, v);
	}
	for (size_t i = 0; i < EP_HELD_MAX; i++) {
		struct ep_held *h = &x->recovery.held[i];
		if (!h->bytes || h->context_id != context_id)
			continue;
		if (err) { /* the sender tries again */
			held_free(x, h);
			continue;
		}
		x->recovery.ready_n += !h->ready;
		h->ready = true;
	}
}

/* ---- requests that wait */

static void overloaded(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	x->count.recoveries_refused++;
	ep_secure_refuse(x, t, d, EP_REASON_OVERLOAD, MSG_UNAVAILABLE, "Too many recoveries");
}

static bool is_held(const struct ep_held *h, const struct peer *from, struct span datagram)
{
	return h->bytes && peer_eq(&h->from, from) && span_eq(span_make(h->bytes, h->n), datagram);
}

/* False: there is no room for it. */
static bool hold(struct ep_exchange *x, struct span datagram, const struct ep_context *c,
	struct turn *t, struct ep_delivery *d)
{
	struct ep_held *free_one = NULL;
	bool asked = false;
	uint8_t tries = x->recovery.again ? x->recovery.now.tries : 0;
	size_t n = 0;
	for (size_t i = 0; i < EP_HELD_MAX; i++) {
		struct ep_held *h = &x->recovery.held[i];
		if (is_held(h, &d->from, datagram))
			return true; /* a copy of it */
		if (!h->bytes)
			free_one = h;
		n += h->bytes && h->context_id == c->id;
		asked |= h->bytes && h->context_id == c->id && !h->ready;
	}
	if (!free_one || n >= HELD_PER_CONTEXT || datagram.n > EP_WORK_BYTES || tries >= TRIES_MAX)
		return false;
	uint8_t *copy = malloc(datagram.n);
	if (!copy)
		return false;
	memcpy(copy, datagram.p, datagram.n);
	*free_one = (struct ep_held){.bytes = copy,
		.mark = d->mark,
		.n = datagram.n,
		.from = d->from,
		.context_id = c->id,
		.tries = tries};
	if (!asked)
		turn_effect(t, EFFECT_INPUTS)->context_id = c->id;
	return true;
}

bool ep_recover_ready(struct ep_exchange *x, struct span datagram, struct ep_context *c, bool known,
	struct turn *t, struct ep_delivery *d)
{
	struct ep_recovery *r = &x->recovery;
	d->endpoint = c->endpoint;
	if (!r->again && !ep_budget_spend(&r->budget, x->hash_key, &d->from, known, t->now_ms)) {
		overloaded(x, t, d);
		return false;
	}
	if (inputs_of(x, c->id))
		return true;
	if (d->has_outer1) { /* only its last piece could be held: the next try finds what it needs
			      */
		turn_effect(t, EFFECT_INPUTS)->context_id = c->id;
		overloaded(x, t, d);
		return false;
	}
	if (!hold(x, datagram, c, t, d))
		overloaded(x, t, d);
	return false;
}

bool ep_recover_next(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct ep_recovery *r = &x->recovery;
	size_t i = 0;
	held_free(x, &r->now);
	for (size_t k = 0; r->begin_ready && k < EP_BEGIN_MAX; k++)
		if (r->begin[k])
			ep_begin_go(x, r->begin[k], t);
	r->begin_ready = false;
	if (!r->ready_n)
		return false;
	while (!r->held[i].ready)
		i++;
	r->now = r->held[i];
	r->held[i] = (struct ep_held){.bytes = NULL};
	r->now.tries++;
	r->again = true;
	ep_input_again(x, &r->now.from, r->now.mark, span_make(r->now.bytes, r->now.n), t, d);
	r->again = false;
	return true;
}

uint64_t ep_recover_deadline_ms(const struct ep_exchange *x)
{
	if (x->recovery.ready_n || x->recovery.begin_ready)
		return 0;
	return x->recovery.due_ms ? x->recovery.due_ms : UINT64_MAX;
}

void ep_recover_fini(struct ep_exchange *x)
{
	held_free(x, &x->recovery.now);
	for (size_t i = 0; i < EP_HELD_MAX; i++)
		held_free(x, &x->recovery.held[i]);
}

/* ---- the two requests */

/* Inputs of the keys that c's endpoint has under another ID Context. */
struct osc_params ep_recover_params(
	const struct ep_context *c, const struct ep_inputs *in, struct span id_context)
{
	return (struct osc_params){.aead = c->aead,
		.hkdf = c->hkdf,
		.master_secret = span_make(in->secret, in->secret_n),
		.master_salt = span_make(in->salt, in->salt_n),
		.sender_id = ep_sender_id(c),
		.recipient_id = ep_recipient_id(c),
		.has_id_context = true,
		.id_context = id_context};
}

/* Verifies the request at hand under the keys of that ID Context, which stay in the work space.
 * Only what it takes is derived: it may be forged. */
static enum err verify(struct ep_exchange *x, const struct osc_params *p,
	const struct osc_option *o, struct ep_delivery *d)
{
	struct writer w = wr_make(x->in, sizeof(x->in));
	enum err err = osc_derive_receiver(x->dir->crypto, p, &x->keys);
	if (!err)
		err = osc_unprotect_request(
			x->dir->crypto, &x->keys, o, &x->outer, &w, &x->plain, &d->binding);
	return err;
}

/* What an R2 is bound to: the context in use, and how many have succeeded it, so that none is taken
 * twice. Ids have 48 bits. */
static uint64_t base_of(const struct ep_context *c)
{
	return (uint64_t)c->successors << 48 | c->id;
}

/* Response 1: 4.01 under R2 and `id_context`, with the nonce of the request at hand, whose keys are
 * in the work space. */
static enum err response_1(struct ep_exchange *x, const struct ep_context *c,
	const struct ep_inputs *in, struct span id_context, struct turn *t, struct ep_delivery *d,
	struct writer *w)
{
	uint8_t r2[OSC_R2_BYTES], both[OSC_ID_CONTEXT_MAX];
	struct writer id = wr_make(both, sizeof(both)), work = wr_make(x->in, sizeof(x->in));
	struct msg m, sealed;
	struct osc_keys keys;
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	ep_respond_address(x, d, &m);
	enum err err = osc_r2_make(x->dir->crypto, x->echo_key, ep_recipient_id(c), base_of(c),
		t->now_ms, x->recovery.r2_count++, r2);
	wr_bytes(&id, SPAN_OF(r2));
	wr_bytes(&id, id_context);
	struct osc_params p = ep_recover_params(c, in, wr_span(&id));
	if (!err)
		err = id.err ? id.err : osc_derive(x->dir->crypto, &p, &keys);
	if (err)
		return err;
	err = osc_protect_response_1(
		x->dir->crypto, &keys, &x->keys, &d->binding, SPAN_OF(r2), &m, &work, &sealed);
	secret_wipe(&keys, sizeof(keys));
	if (err)
		return err;
	x->count.recoveries_begun++;
	ep_note_under(x->dir, c->endpoint, c, EP_REASON_RECOVERING, t->wall_ms);
	return msg_encode_udp(&sealed, w);
}

/* Keys that are known belong to a recovery of long ago. */
static bool keys_known(struct ep_exchange *x, const struct osc_params *p)
{
	uint8_t print[16];
	return osc_ikm_fingerprint(x->dir->crypto, p, print) ||
	       ep_grave_find(&x->dir->graves, print, p->recipient_id) ||
	       ep_grave_find(&x->dir->graves, print, p->sender_id);
}

static void replayed(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	x->count.replays++;
	ep_secure_refuse(x, t, d, EP_REASON_REPLAY, MSG_UNAUTHORIZED, "Replay detected");
}

/* Request 1. It may be a copy, or years old: it proves nothing, so nothing changes by it. Each
 * answer has an R2 of its own, and so keys under which nothing else is ever said. */
static void request_1(struct ep_exchange *x, const struct ep_context *c, const struct ep_inputs *in,
	struct span id_context, struct turn *t, struct ep_delivery *d)
{
	struct osc_params p = ep_recover_params(c, in, id_context);
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (keys_known(x, &p)) {
		replayed(x, t, d);
		return;
	}
	ep_trace_in(x, d, "the first request of a recovery", t);
	if (!response_1(x, c, in, id_context, t, d, &w))
		turn_send(t, &d->from, turn_dup(t, wr_span(&w)));
}

enum err ep_recover_adopt(struct ep_exchange *x, struct ep_context *old, const struct osc_params *p,
	struct turn *t, struct ep_context **out)
{
	struct ep_context_input input = {.params = *p,
		.role = old->role,
		.origin = REC_ORIGIN_RECOVERED,
		.generation = old->generation,
		.ssid = old->ssid,
		.created_day = old->created_day,
		.highest = UINT64_MAX,
		.fresh = true,
		.unheard_of = true};
	size_t n = 0;
	for (const struct ep_context *s = old->endpoint->contexts; s; s = s->next_of_endpoint)
		n += s->role == old->role;
	enum err err = n >= ROLE_CONTEXTS_MAX || old->successors == UINT8_MAX
			       ? ERR_LIMIT
			       : ep_context_add(x->dir, old->endpoint, &input, t, out);
	if (err)
		return err;
	/* Something may have been done under this secret: the old keys, which are still good, are
	 * no longer ones that nothing was ever done under. */
	old->executed = true;
	old->successors++;
	if (old->naming == EP_NAMING_NEEDED)
		(*out)->naming = EP_NAMING_NEEDED;
	ep_context_record_state(t, old);
	x->count.recoveries_done++;
	ep_note_drop(old->endpoint, old, EP_REASON_RECOVERING);
	return ERR_OK;
}

/* Request 2 is verified: its keys become a context. */
static void request_2(struct ep_exchange *x, struct span datagram, const struct osc_option *o,
	struct ep_context *c, const struct ep_inputs *in, struct span id_context, struct turn *t,
	struct ep_delivery *d)
{
	struct osc_params p = ep_recover_params(c, in, id_context);
	struct ep_context *made;
	enum err err = ep_recover_adopt(x, c, &p, t, &made);
	if (err == ERR_REPLAY || err == ERR_CONFLICT || err == ERR_EXISTS) {
		replayed(x, t, d);
		return;
	}
	if (err) {
		overloaded(x, t, d);
		return;
	}
	keep_inputs(x, made->id, p.master_secret, p.master_salt, t->now_ms);
	d->adopted = true;
	if (ep_secure_under(x, datagram, o, made, true, t, d) && d->kind == EP_NOTHING)
		d->kind = EP_RECOVERED;
}

static bool r2_good(const struct ep_exchange *x, const struct ep_context *c, struct span id_context,
	uint64_t now_ms)
{
	return id_context.n > OSC_R2_BYTES &&
	       !osc_r2_check(x->dir->crypto, x->echo_key, ep_recipient_id(c), base_of(c), now_ms,
		       lifetime_ms(), span_sub(id_context, 0, OSC_R2_BYTES));
}

/* Whose keys to try. *second: our R2 says whose, and that they are those in use. */
static size_t choose(struct ep_exchange *x, const struct osc_option *o, struct span id_context,
	const struct turn *t, const struct ep_delivery *d, struct ep_context *out[EP_TRIALS],
	bool *second)
{
	struct ep_context *all[SAME_KID_MAX];
	size_t n = ep_context_bases(
		x->dir, o->kid, d->role, &d->from, x->recovery.turn, all, SAME_KID_MAX);
	*second = false;
	for (size_t i = 0; i < n && !*second; i++) {
		out[0] = all[i];
		*second = r2_good(x, all[i], id_context, t->now_ms);
	}
	if (*second)
		return 1;
	size_t trials = n < EP_TRIALS ? n : EP_TRIALS;
	if (n > trials)
		x->recovery.turn++; /* the sender's next try may be another's turn */
	for (size_t i = 0; i < trials; i++)
		out[i] = all[i];
	return trials;
}

static void not_verified(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	x->count.auth_failures++;
	ep_secure_refuse(x, t, d, EP_REASON_DECRYPT, MSG_BAD_REQUEST, "Decryption failed");
}

bool ep_recover(struct ep_exchange *x, struct span datagram, const struct osc_option *o,
	struct turn *t, struct ep_delivery *d)
{
	struct ep_context *c[EP_TRIALS];
	struct span id_context;
	bool second;
	if (!o->has_kid_context || osc_unwrap(o->kid_context, &id_context) || !id_context.n ||
		id_context.n > OSC_ID_CONTEXT_MAX)
		return false;
	size_t n = choose(x, o, id_context, t, d, c, &second);
	if (!n || (!second && id_context.n > OSC_ID_CONTEXT_MAX - OSC_R2_BYTES))
		return false;
	if (!ep_secure_whole(x, t, d))
		return true;
	for (size_t i = 0; i < n; i++) {
		bool known = second || ep_heard_at(c[i], &d->from);
		if (!ep_recover_ready(x, datagram, c[i], known, t, d))
			return true;
		const struct ep_inputs *in = inputs_of(x, c[i]->id);
		struct ep_inputs copy = *in;
		struct osc_params p = ep_recover_params(c[i], &copy, id_context);
		enum err err = verify(x, &p, o, d);
		if (!err && second)
			request_2(x, datagram, o, c[i], &copy, id_context, t, d);
		else if (!err)
			request_1(x, c[i], &copy, id_context, t, d);
		secret_wipe(&copy, sizeof(copy));
		if (!err)
			return true;
	}
	not_verified(x, t, d);
	return true;
}

bool ep_recover_start(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct ep_context *c = d->ctx;
	const struct ep_inputs *in = inputs_of(x, c->id);
	struct writer w = wr_make(x->out, sizeof(x->out));
	if (!in || c->id_context_n > OSC_ID_CONTEXT_MAX - OSC_R2_BYTES)
		return false;
	ep_work_keys(x, c);
	/* The R2 is bound to the newest keys, which the device may never have got: those are what
	 * its request 2 is held against. */
	if (response_1(x, ep_context_latest(c), in, ep_id_context(c), t, d, &w))
		return false;
	ep_respond_bytes(x, d, wr_span(&w), t);
	return true;
}
