/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/endpoint.h"

#include <stdlib.h>
#include <string.h>

static bool same_id_context(const struct ep_context *c, bool has, struct span id_context)
{
	if (!has || !c->id_context)
		return !has && !c->id_context;
	return span_eq(span_make(c->id_context, c->id_context_n), id_context);
}

struct ep_context *ep_context_find(
	const struct ep_directory *d, struct span kid, const struct span *kid_context)
{
	struct ep_context *first = map_get(&d->by_kid, kid);
	for (struct ep_context *c = first; kid_context && c; c = c->next_same_kid)
		if (same_id_context(c, true, *kid_context))
			return c;
	if (kid_context)
		return NULL;
	for (struct ep_context *c = first; c; c = c->next_same_kid)
		if (!c->id_context)
			return c;
	/* A sender may leave its ID Context out where that is not ambiguous. */
	return first && !first->next_same_kid ? first : NULL;
}

struct ep_context *ep_context_newest(const struct endpoint *e, uint8_t role, uint8_t generation_min)
{
	for (struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
		if (c->role == role && c->generation >= generation_min)
			return c;
	return NULL;
}

enum err ep_draw_recipient_id(struct ep_directory *d, uint8_t n, struct osc_id *out)
{
	for (int tries = 0; tries < 64; tries++) {
		struct osc_id id = {.n = n};
		rng_fill(&d->rng, id.p, n);
		if (!map_get(&d->by_kid, osc_id_span(&id))) {
			*out = id;
			return ERR_OK;
		}
	}
	return ERR_LIMIT;
}

/* Adds to a map of chains: the map holds the first of each key. */
static enum err chain_put(struct map *m, struct ep_context *c, struct span key, size_t next_at)
{
	struct ep_context **next = (struct ep_context **)(void *)((char *)c + next_at);
	struct ep_context *first = map_get(m, key);
	if (!first)
		return map_put(m, c);
	struct ep_context **first_next = (struct ep_context **)(void *)((char *)first + next_at);
	*next = *first_next;
	*first_next = c;
	return ERR_OK;
}

static void chain_del(struct map *m, struct ep_context *c, struct span key, size_t next_at)
{
#define NEXT(x) (*(struct ep_context **)(void *)((char *)(x) + next_at))
	struct ep_context *first = map_get(m, key);
	if (first == c) {
		map_del(m, key);
		/* The slot just freed takes the second: this cannot fail. */
		if (NEXT(c) && map_put(m, NEXT(c)))
			abort();
		return;
	}
	while (first && NEXT(first) != c)
		first = NEXT(first);
	if (first)
		NEXT(first) = NEXT(c);
#undef NEXT
}

static enum err index_put(struct ep_directory *d, struct ep_context *c)
{
	enum err err = chain_put(&d->by_kid, c, osc_id_span(&c->keys.recipient_id),
		offsetof(struct ep_context, next_same_kid));
	if (err || c->origin != REC_ORIGIN_IMPORTED)
		return err;
	err = chain_put(&d->by_ikm, c, span_make(c->ikm, sizeof(c->ikm)),
		offsetof(struct ep_context, next_same_ikm));
	if (err)
		chain_del(&d->by_kid, c, osc_id_span(&c->keys.recipient_id),
			offsetof(struct ep_context, next_same_kid));
	return err;
}

static void context_free(struct ep_context *c)
{
	if (!c)
		return;
	free(c->peer);
	free(c->id_context);
	secret_wipe(c, sizeof(*c));
	free(c);
}

static enum err set_id_context(struct ep_context *c, bool has, struct span s)
{
	if (!has)
		return ERR_OK;
	if (s.n > OSC_ID_CONTEXT_MAX)
		return ERR_RANGE;
	c->id_context = malloc(s.n + 1);
	if (!c->id_context)
		return ERR_NOMEM;
	if (s.n)
		memcpy(c->id_context, s.p, s.n);
	c->id_context_n = (uint8_t)s.n;
	return ERR_OK;
}

/* The rules of keys used before: neither a live context nor a grave may have used one of the new
 * keys the other way. Sets the counters to continue from graves. */
static enum err check_history(
	const struct ep_directory *d, const struct ep_context *c, struct ep_context_input *in)
{
	struct span sid = osc_id_span(&c->keys.sender_id), rid = osc_id_span(&c->keys.recipient_id);
	const struct ep_context *o = map_get(&d->by_ikm, span_make(c->ikm, sizeof(c->ikm)));
	for (; o; o = o->next_same_ikm) {
		bool crossed = span_eq(osc_id_span(&o->keys.recipient_id), sid) ||
			       span_eq(osc_id_span(&o->keys.sender_id), rid);
		/* A key shared the same way would be two counters of one key. */
		bool shared = span_eq(osc_id_span(&o->keys.sender_id), sid) ||
			      span_eq(osc_id_span(&o->keys.recipient_id), rid);
		if (crossed || shared)
			return ERR_CONFLICT;
	}
	const struct ep_grave *s = ep_grave_find(&d->graves, c->ikm, sid);
	const struct ep_grave *r = ep_grave_find(&d->graves, c->ikm, rid);
	if ((s && !s->sender) || (r && r->sender))
		return ERR_CONFLICT;
	if (s && s->number > in->ssn_start)
		in->ssn_start = s->number;
	if (r && r->number != UINT64_MAX && (in->highest == UINT64_MAX || r->number > in->highest))
		in->highest = r->number;
	if (s || r)
		in->fresh = false;
	return ERR_OK;
}

static void record_context(struct turn *t, const struct ep_context *c,
	const struct ep_context_input *in, const uint8_t fingerprint[16])
{
	struct rec_context *r = &turn_rec(t, REC_CONTEXT_PUT)->context;
	const struct osc_aead_info *a = osc_aead_info(c->keys.aead);
	*r = (struct rec_context){.id = c->id,
		.endpoint_id = c->endpoint->id,
		.role = c->role,
		.origin = c->origin,
		.generation = c->generation,
		.aead = in->params.aead,
		.hkdf = in->params.hkdf,
		.ssid = c->ssid,
		.ssn_limit = c->ssn_limit,
		.highest = c->window.any ? c->window.highest : UINT64_MAX,
		.fresh = c->fresh};
	r->sender_id = turn_dup(t, in->params.sender_id);
	r->recipient_id = turn_dup(t, in->params.recipient_id);
	r->id_context =
		c->id_context ? turn_dup(t, span_make(c->id_context, c->id_context_n)) : SPAN_EMPTY;
	r->master_secret = turn_dup(t, in->params.master_secret);
	r->master_salt = turn_dup(t, in->params.master_salt);
	r->sender_key = turn_dup(t, span_make(c->keys.sender_key, a->key_n));
	r->recipient_key = turn_dup(t, span_make(c->keys.recipient_key, a->key_n));
	r->common_iv = turn_dup(t, span_make(c->keys.common_iv, a->nonce_n));
	r->ikm_fingerprint = turn_dup(t, span_make(fingerprint, 16));
}

/* The live context of the same inputs, if `e` has it. */
static struct ep_context *find_unchanged(
	const struct ep_directory *d, const struct endpoint *e, const struct ep_context *c)
{
	struct ep_context *o = map_get(&d->by_ikm, span_make(c->ikm, sizeof(c->ikm)));
	for (; o; o = o->next_same_ikm)
		if (o->endpoint == e && o->role == c->role &&
			span_eq(osc_id_span(&o->keys.sender_id), osc_id_span(&c->keys.sender_id)) &&
			span_eq(osc_id_span(&o->keys.recipient_id),
				osc_id_span(&c->keys.recipient_id)))
			return o;
	return NULL;
}

static void start_counters(
	const struct ep_directory *d, struct ep_context *c, uint64_t ssn, uint64_t highest)
{
	c->ssn_next = ssn;
	c->ssn_limit = ssn;
	c->ssn_block = 0;
	osc_window_init(&c->window, d->window_width);
	if (highest != UINT64_MAX)
		osc_window_seal(&c->window, highest);
	uint8_t mid[2];
	rng_fill(&d->rng, mid, sizeof(mid));
	c->next_mid = (uint16_t)(mid[0] << 8 | mid[1]);
}

static void attach(struct ep_directory *d, struct endpoint *e, struct ep_context *c)
{
	c->endpoint = e;
	c->next_of_endpoint = e->contexts;
	e->contexts = c;
	d->context_n++;
}

static enum err context_make(struct ep_directory *d, const struct ep_context_input *in,
	uint8_t fingerprint[static 16], struct ep_context **out)
{
	struct ep_context *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	c->role = in->role;
	c->origin = in->origin;
	c->generation = in->generation;
	c->ssid = in->ssid;
	enum err err = osc_derive(d->crypto, &in->params, &c->keys);
	if (!err)
		err = osc_ikm_fingerprint(d->crypto, &in->params, fingerprint);
	if (!err)
		err = set_id_context(c, in->params.has_id_context, in->params.id_context);
	if (err) {
		context_free(c);
		return err;
	}
	memcpy(c->ikm, fingerprint, sizeof(c->ikm));
	*out = c;
	return ERR_OK;
}

/* By another context under the same ID Context; one of `replaced` of that role makes room. */
static bool kid_taken(
	const struct ep_directory *d, const struct ep_context *c, const struct endpoint *replaced)
{
	struct ep_context *o = map_get(&d->by_kid, osc_id_span(&c->keys.recipient_id));
	struct span id_context = span_make(c->id_context, c->id_context_n);
	for (; o; o = o->next_same_kid)
		if (same_id_context(o, c->id_context != NULL, id_context) &&
			(o->endpoint != replaced || o->role != c->role))
			return true;
	return false;
}

enum err ep_context_add(struct ep_directory *d, struct endpoint *e,
	const struct ep_context_input *input, struct turn *t, struct ep_context **out)
{
	struct ep_context_input in = *input;
	struct ep_context *c = NULL;
	uint8_t fingerprint[16];
	enum err err = context_make(d, &in, fingerprint, &c);
	if (err)
		return err;
	struct ep_context *same = find_unchanged(d, e, c);
	if (same) {
		*out = same;
		goto out;
	}
	err = kid_taken(d, c, in.replaces ? e : NULL) ? ERR_EXISTS : check_history(d, c, &in);
	if (err)
		goto out;
	start_counters(d, c, in.ssn_start, in.highest);
	c->fresh = in.fresh;
	c->id = d->next_id++;
	err = index_put(d, c);
	if (err)
		goto out;
	attach(d, e, c);
	record_context(t, c, &in, fingerprint);
	*out = c;
	c = NULL;
out:
	context_free(c);
	return err;
}

static void bury(struct ep_directory *d, const struct ep_context *c)
{
	uint64_t highest = c->window.any ? c->window.highest : UINT64_MAX;
	/* Out of memory here means a tombstone that is only on disk until the next start. */
	enum err a = ep_grave_put(
		&d->graves, c->ikm, osc_id_span(&c->keys.sender_id), true, c->ssn_limit);
	enum err b = ep_grave_put(
		&d->graves, c->ikm, osc_id_span(&c->keys.recipient_id), false, highest);
	(void)a, (void)b;
}

void ep_context_remove(struct ep_directory *d, struct ep_context *c, struct turn *t)
{
	chain_del(&d->by_kid, c, osc_id_span(&c->keys.recipient_id),
		offsetof(struct ep_context, next_same_kid));
	if (c->origin == REC_ORIGIN_IMPORTED)
		chain_del(&d->by_ikm, c, span_make(c->ikm, sizeof(c->ikm)),
			offsetof(struct ep_context, next_same_ikm));
	struct ep_context **at = &c->endpoint->contexts;
	while (*at != c)
		at = &(*at)->next_of_endpoint;
	*at = c->next_of_endpoint;
	d->context_n--;
	if (t) {
		turn_rec(t, REC_CONTEXT_DEL)->del.id = c->id;
		if (c->origin == REC_ORIGIN_IMPORTED)
			bury(d, c);
	}
	context_free(c);
}

/* Twice as many as last time, for contexts that are busy. */
static void reserve(const struct ep_directory *d, struct ep_context *c, struct turn *t)
{
	uint16_t add = d->ssn_block;
	if (c->ssn_block)
		add = c->ssn_block > EP_SSN_BLOCK_MAX / 2 ? EP_SSN_BLOCK_MAX
							  : (uint16_t)(c->ssn_block * 2);
	struct rec_ssn_reserve *r = &turn_rec(t, REC_SSN_RESERVE)->ssn;
	*r = (struct rec_ssn_reserve){.context_id = c->id, .expect = c->ssn_limit, .add = add};
	c->ssn_limit += add;
	c->ssn_block = add;
}

enum err ep_take_number(
	const struct ep_directory *d, struct ep_context *c, struct turn *t, uint64_t *number)
{
	if (c->ssn_next > OSC_SSN_MAX)
		return ERR_LIMIT;
	if (c->ssn_limit <= c->ssn_next + c->ssn_block / 4u && c->ssn_limit <= OSC_SSN_MAX)
		reserve(d, c, t);
	if (c->ssn_next >= c->ssn_limit)
		return ERR_LIMIT; /* whatever went wrong: no number without its reservation */
	*number = c->ssn_next++;
	return ERR_OK;
}

uint16_t ep_next_mid(struct ep_context *c)
{
	return c->next_mid++;
}

void ep_context_record_state(struct turn *t, const struct ep_context *c)
{
	struct rec_context_state *r = &turn_rec(t, REC_CONTEXT_STATE)->context_state;
	*r = (struct rec_context_state){.id = c->id,
		.generation = c->generation,
		.fresh = c->fresh,
		.executed = c->executed};
}

void ep_context_heard(struct ep_context *c, const struct peer *from, uint64_t piv, bool *moved)
{
	*moved = false;
	if (!c->peer) {
		c->peer = calloc(1, sizeof(*c->peer));
		if (!c->peer)
			return; /* the answer still goes to its source */
	} else if (piv < c->peer->piv) {
		return;
	}
	*moved = !peer_eq(&c->peer->peer, from);
	c->peer->peer = *from;
	c->peer->piv = piv;
}

static enum err load_keys(struct ep_context *c, const struct rec_context *r)
{
	const struct osc_aead_info *a = osc_aead_info(r->aead);
	if (!a)
		return ERR_UNSUPPORTED;
	if (r->sender_key.n != a->key_n || r->recipient_key.n != a->key_n ||
		r->common_iv.n != a->nonce_n || r->ikm_fingerprint.n != 16)
		return ERR_CORRUPT;
	memcpy(c->keys.sender_key, r->sender_key.p, a->key_n);
	memcpy(c->keys.recipient_key, r->recipient_key.p, a->key_n);
	memcpy(c->keys.common_iv, r->common_iv.p, a->nonce_n);
	memcpy(c->ikm, r->ikm_fingerprint.p, sizeof(c->ikm));
	c->keys.aead = (uint8_t)r->aead;
	enum err err = osc_id_set(&c->keys.sender_id, r->sender_id);
	return err ? err : osc_id_set(&c->keys.recipient_id, r->recipient_id);
}

enum err ep_load_context(struct ep_directory *d, struct endpoint *e, const struct rec_context *r,
	struct ep_context **out)
{
	struct ep_context *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	enum err err = load_keys(c, r);
	if (!err)
		err = set_id_context(c, r->id_context.p != NULL, r->id_context);
	if (err)
		goto fail;
	c->id = r->id;
	c->role = r->role;
	c->origin = r->origin;
	c->generation = r->generation;
	c->ssid = r->ssid;
	c->fresh = r->fresh;
	c->executed = r->executed;
	start_counters(d, c, r->ssn_limit, r->highest);
	if (r->exact && c->window.any)
		c->window.seen = r->window;
	c->sealed = !r->exact && c->window.any;
	err = index_put(d, c);
	if (err)
		goto fail;
	attach(d, e, c);
	*out = c;
	return ERR_OK;
fail:
	context_free(c);
	return err == ERR_EXISTS ? ERR_CORRUPT : err;
}

enum err ep_load_tombstone(struct ep_directory *d, const struct rec_tombstone *r)
{
	if (r->ikm_fingerprint.n != 16 || r->id.n > OSC_ID_MAX)
		return ERR_CORRUPT;
	enum err err = ep_grave_put(&d->graves, r->ikm_fingerprint.p, r->id, r->sender, r->number);
	return err == ERR_CONFLICT ? ERR_OK : err;
}
