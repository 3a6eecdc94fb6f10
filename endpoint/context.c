/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gateway.h"
#include "endpoint/context_pack.h"
#include "endpoint/limits.h"
#include "endpoint/mark.h"
#include "oscore/recover.h"

#include <stdlib.h>
#include <string.h>

#define EP_ID_MASK                                                                                 \
	((UINT64_C(1) << 48) - 1) /* a million new contexts a second, for eight years              \
				   */

static bool same_id_context(const struct ep_context *c, bool has, struct span id_context)
{
	if (!has || !c->has_id_context)
		return !has && !c->has_id_context;
	return span_eq(ep_id_context(c), id_context);
}

static bool likelier(
	const struct ep_context *a, const struct ep_context *b, const struct peer *from)
{
	bool near = ep_heard_at(a, from);
	return near == ep_heard_at(b, from) ? a->id > b->id : near;
}

/* Takes c in among the likeliest, in their order. */
static size_t consider(struct ep_context *c, const struct peer *from,
	struct ep_context *out[static EP_TRIALS], size_t n)
{
	size_t i = n;
	while (i > 0 && likelier(c, out[i - 1], from))
		i--;
	if (i == EP_TRIALS)
		return n;
	n += n < EP_TRIALS;
	memmove(&out[i + 1], &out[i], (n - i - 1) * sizeof(*out));
	out[i] = c;
	return n;
}

/* A sender may leave its ID Context out where that is not ambiguous, and does once its keys are
 * recovered. One that gave up the recovery half way goes on with the keys before: they are tried
 * too, where no other device has that kid. After a rollback there may be three: those that the copy
 * has in use, those that the device used instead, and those of a recovery since that it gave up. */
static size_t without_id_context(const struct ep_directory *d, struct span kid,
	const struct peer *from, struct ep_context *out[static EP_TRIALS])
{
	struct map_cursor cursor = {0};
	size_t n = 0, named = 0;
	struct ep_context *c, *last = NULL;
	while ((c = map_each(&d->by_kid, kid, &cursor))) {
		if (c->has_id_context && c->origin != REC_ORIGIN_RECOVERED) {
			last = c;
			named++;
			continue;
		}
		n = consider(c, from, out, n);
	}
	if (named == 1 && n < EP_TRIALS && (!n || out[0]->endpoint == last->endpoint))
		out[n++] = last;
	return n;
}

static struct ep_context *under_id_context(
	const struct ep_directory *d, struct span kid, struct span id_context)
{
	struct map_cursor cursor = {0};
	struct ep_context *c;
	while ((c = map_each(&d->by_kid, kid, &cursor)))
		if (same_id_context(c, true, id_context))
			break;
	return c;
}

size_t ep_context_find(const struct ep_directory *d, struct span kid,
	const struct span *kid_context, const struct peer *from,
	struct ep_context *out[static EP_TRIALS])
{
	struct span value;
	if (!kid_context)
		return without_id_context(d, kid, from, out);
	out[0] = under_id_context(d, kid, *kid_context);
	if (!out[0] && !osc_unwrap(*kid_context, &value))
		out[0] = under_id_context(d, kid, value);
	return out[0] != NULL;
}

void ep_context_fetch(const struct ep_directory *d, const struct span *kids, size_t n)
{
	enum { LINE = 64 };
	uint32_t hash[EP_FETCH_MAX];
	const struct ep_context *c[EP_FETCH_MAX];
	for (size_t i = 0; i < n; i++)
		hash[i] = kids[i].n ? map_fetch(&d->by_kid, kids[i]) : 0;
	for (size_t i = 0; i < n; i++) {
		c[i] = map_fetch_item(&d->by_kid, hash[i]);
		if (c[i]) { /* the ids come behind the rest, the keys behind the ids */
			__builtin_prefetch((const uint8_t *)c[i] + LINE);
			__builtin_prefetch((const uint8_t *)c[i] + 2 * (size_t)LINE);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (c[i]) {
			__builtin_prefetch(c[i]->conv);
			__builtin_prefetch(c[i]->endpoint);
			__builtin_prefetch(c[i]->peer);
		}
}

static bool siblings(const struct ep_context *a, const struct ep_context *b)
{
	return a->endpoint == b->endpoint && a->role == b->role &&
	       span_eq(ep_recipient_id(a), ep_recipient_id(b)) &&
	       span_eq(ep_sender_id(a), ep_sender_id(b));
}

struct ep_context *ep_context_older(const struct ep_context *c)
{
	struct ep_context *o = c->next_of_endpoint;
	while (o && !siblings(o, c))
		o = o->next_of_endpoint;
	return o;
}

struct ep_context *ep_context_latest(const struct ep_context *c)
{
	struct ep_context *o = c->endpoint->contexts;
	while (o != c && !siblings(o, c))
		o = o->next_of_endpoint;
	return o;
}

static bool is_newest(const struct ep_context *c)
{
	return ep_context_latest(c) == c;
}

/* Its endpoint has newer keys in that role. */
static bool is_replaced(const struct ep_context *c)
{
	const struct ep_context *o = c->endpoint->contexts;
	while (o != c && o->role != c->role)
		o = o->next_of_endpoint;
	return o != c;
}

/* Numbers that either side may have used lie below. */
static uint64_t used_up_to(const struct ep_context *c)
{
	uint64_t theirs = c->window.any ? c->window.highest + UINT64_C(1) : 0;
	return theirs > ep_ssn_limit(c) ? theirs : ep_ssn_limit(c);
}

size_t ep_context_bases(const struct ep_directory *d, struct span kid, uint8_t role,
	const struct peer *from, size_t turn, struct ep_context **out, size_t max)
{
	size_t n = 0, others = 0;
	for (int near = 1; near >= 0; near--) {
		struct map_cursor cursor = {0};
		size_t at = 0;
		size_t begin = others > max - n ? turn % others : 0;
		for (struct ep_context *c; n < max && (c = map_each(&d->by_kid, kid, &cursor));) {
			if (c->role != role || !is_newest(c))
				continue;
			if (ep_heard_at(c, from) != near) {
				others++;
				continue;
			}
			if (near || at++ >= begin)
				out[n++] = c;
		}
	}
	return n;
}

struct ep_context *ep_context_newest(const struct endpoint *e, uint8_t role, uint8_t generation_min)
{
	for (struct ep_context *c = e->contexts; c; c = c->next_of_endpoint)
		if (c->role == role && c->generation >= generation_min)
			return c;
	return NULL;
}

struct endpoint *ep_kid_owner(const struct ep_directory *d, struct span kid)
{
	struct map_cursor cursor = {0};
	const struct ep_context *c = map_each(&d->by_kid, kid, &cursor);
	return c && !map_each(&d->by_kid, kid, &cursor) ? c->endpoint : NULL;
}

bool ep_kid_taken(const struct ep_directory *d, struct span kid)
{
	return map_get(&d->by_kid, kid) != NULL;
}

static enum err index_put(struct ep_directory *d, struct ep_context *c)
{
	enum err err = map_add(&d->by_kid, c);
	if (err)
		return err;
	err = map_add(&d->by_ikm, c);
	if (err)
		map_remove(&d->by_kid, c);
	return err;
}

/* The live contexts that come from the same secret as c. */
static struct ep_context *same_ikm(
	const struct ep_directory *d, const struct ep_context *c, struct map_cursor *cursor)
{
	return map_each(&d->by_ikm, ep_ikm(c), cursor);
}

/* The rules of keys used before: neither a live context nor a grave may have used one of the new
 * keys the other way. Sets the counters to continue from graves; *stale: those of a receiver may be
 * too low. */
static enum err check_history(const struct ep_directory *d, struct ep_context *c,
	struct ep_context_input *in, bool *stale)
{
	struct span sid = ep_sender_id(c), rid = ep_recipient_id(c);
	struct map_cursor cursor = {0};
	for (const struct ep_context *o; (o = same_ikm(d, c, &cursor));) {
		bool crossed = span_eq(ep_recipient_id(o), sid) || span_eq(ep_sender_id(o), rid);
		/* A key shared the same way would be two counters of one key. */
		bool shared = span_eq(ep_sender_id(o), sid) || span_eq(ep_recipient_id(o), rid);
		if (crossed || shared)
			return ERR_CONFLICT;
	}
	const struct ep_grave *s = ep_grave_find(&d->graves, ep_ikm(c).p, sid);
	const struct ep_grave *r = ep_grave_find(&d->graves, ep_ikm(c).p, rid);
	if ((s && !s->sender) || (r && r->sender))
		return ERR_CONFLICT;
	if (in->unheard_of && (s || r))
		return ERR_REPLAY;
	if (s && s->number > in->ssn_start) {
		in->ssn_start = s->number;
		c->ssn_gap = s->aside;
	}
	if (r && r->number != UINT64_MAX && (in->highest == UINT64_MAX || r->number > in->highest))
		in->highest = r->number;
	if (r)
		c->auth_failures = r->aside;
	if (s || r)
		in->fresh = false;
	*stale = (s || r) && d->rollbacks;
	return ERR_OK;
}

/* The ID Context of recovered keys is R2 | R3, one of them ours; drawn ones have a mark. */
static bool may_be_forgotten(const struct ep_directory *d, const struct ep_context *c)
{
	bool recovered = c->has_id_context && c->id_context_n > OSC_PART_BYTES;
	return d->ssn_forgotten && (recovered || c->marked);
}

/* An imported key may have been used in a past that a rollback has made us forget. One that was
 * drawn here has none. */
static enum err enter_epoch(const struct ep_directory *d, struct ep_context *c,
	struct ep_context_input *in, bool *stale)
{
	if (in->origin != REC_ORIGIN_IMPORTED)
		return ERR_OK;
	if (in->ssn_start < d->ssn_lost)
		in->ssn_start = d->ssn_lost; /* this may be that key */
	bool forgotten = may_be_forgotten(d, c);
	if (forgotten && in->ssn_start < d->ssn_forgotten)
		in->ssn_start = d->ssn_forgotten;
	if (in->ssn_start < d->ssn_floor) {
		c->ssn_gap += (uint32_t)(d->ssn_floor - in->ssn_start);
		in->ssn_start = d->ssn_floor;
	} else if (!c->ssn_gap) { /* numbers of this epoch: of others nothing is known */
		c->ssn_gap = (uint32_t)d->ssn_floor;
	}
	if ((d->rollbacks || d->ssn_lost || forgotten) && in->highest == UINT64_MAX)
		*stale = true;
	return in->ssn_start < d->ssn_end ? ERR_OK : ERR_FULL;
}

static void record_context(struct turn *t, const struct ep_context *c, const struct osc_keys *k,
	const struct ep_context_input *in, const uint8_t fingerprint[16])
{
	struct rec_context *r = &turn_rec(t, REC_CONTEXT_PUT)->context;
	const struct osc_aead_info *a = osc_aead_info(k->aead);
	*r = (struct rec_context){.id = c->id,
		.endpoint_id = c->endpoint->id,
		.role = c->role,
		.origin = c->origin,
		.generation = c->generation,
		.aead = in->params.aead,
		.hkdf = in->params.hkdf,
		.ssid = c->ssid,
		.created_day = c->created_day,
		.ssn_limit = ep_ssn_limit(c),
		.ssn_gap = c->ssn_gap,
		.failures = c->auth_failures,
		.highest = c->window.any ? c->window.highest : UINT64_MAX,
		.fresh = c->fresh,
		.stale = c->stale};
	r->sender_id = turn_dup(t, in->params.sender_id);
	r->recipient_id = turn_dup(t, in->params.recipient_id);
	r->id_context = c->has_id_context ? turn_dup(t, ep_id_context(c)) : SPAN_EMPTY;
	r->master_secret = turn_dup(t, in->params.master_secret);
	r->master_salt = turn_dup(t, in->params.master_salt);
	r->sender_key = turn_dup(t, span_make(k->sender_key, a->key_n));
	r->recipient_key = turn_dup(t, span_make(k->recipient_key, a->key_n));
	r->common_iv = turn_dup(t, span_make(k->common_iv, a->nonce_n));
	r->ikm_fingerprint = turn_dup(t, span_make(fingerprint, 16));
}

/* The live context of the same inputs, if `e` has it. */
static struct ep_context *find_unchanged(
	const struct ep_directory *d, const struct endpoint *e, const struct ep_context *c)
{
	struct map_cursor cursor = {0};
	for (struct ep_context *o; (o = same_ikm(d, c, &cursor));)
		if (o->endpoint == e && o->role == c->role && o->aead == c->aead &&
			span_eq(ep_sender_id(o), ep_sender_id(c)) &&
			span_eq(ep_recipient_id(o), ep_recipient_id(c)))
			return o;
	return NULL;
}

static void start_counters(
	struct ep_directory *d, struct ep_context *c, uint64_t ssn, uint64_t highest)
{
	c->ssn_next = ssn;
	c->ssn_left = 0;
	c->ssn_block = 0;
	c->untagged = ssn > 0; /* whatever the last run left unanswered */
	osc_window_init(&c->window, d->window_width);
	if (highest != UINT64_MAX)
		osc_window_seal(&c->window, highest);
	d->next_mid = (uint16_t)(d->next_mid + 40503); /* far from its neighbours */
	c->next_mid = d->next_mid;
}

static void attach(struct ep_directory *d, struct endpoint *e, struct ep_context *c)
{
	c->endpoint = e;
	c->next_of_endpoint = e->contexts;
	e->contexts = c;
	d->context_n++;
}

static enum err context_make(struct ep_directory *d, const struct ep_context_input *in,
	struct osc_keys *keys, uint8_t fingerprint[static 16], struct ep_context **out)
{
	enum err err = osc_derive(d->crypto, &in->params, keys);
	if (!err)
		err = osc_ikm_fingerprint(d->crypto, &in->params, fingerprint);
	if (err)
		return err;
	struct ep_parts p = {.keys = keys,
		.role = in->role,
		.origin = in->origin,
		.generation = in->generation,
		.ssid = in->ssid,
		.has_id_context = in->params.has_id_context,
		.ikm = fingerprint};
	if (p.has_id_context)
		p.id_context = in->params.id_context;
	return ep_context_pack(&p, out);
}

/* By another context under the same ID Context; one of `replaced` of that role makes room. */
static bool kid_taken(
	const struct ep_directory *d, const struct ep_context *c, const struct endpoint *replaced)
{
	struct map_cursor cursor = {0};
	for (struct ep_context *o; (o = map_each(&d->by_kid, ep_recipient_id(c), &cursor));)
		if (same_id_context(o, c->has_id_context, ep_id_context(c)) &&
			(o->endpoint != replaced || o->role != c->role))
			return true;
	return false;
}

enum err ep_context_add(struct ep_directory *d, struct endpoint *e,
	const struct ep_context_input *input, struct turn *t, struct ep_context **out)
{
	struct ep_context_input in = *input;
	struct ep_context *c = NULL;
	bool stale = false;
	uint8_t fingerprint[16];
	struct osc_keys keys;
	enum err err = context_make(d, &in, &keys, fingerprint, &c);
	if (err)
		goto out;
	c->created_day = in.created_day ? in.created_day : (uint16_t)(t->wall_ms / 86400000);
	struct ep_context *same = find_unchanged(d, e, c);
	if (same) {
		*out = same;
		goto out;
	}
	c->marked = ep_salt_is_marked(d, in.params.master_salt);
	err = kid_taken(d, c, in.replaces ? e : NULL) ? ERR_EXISTS
						      : check_history(d, c, &in, &stale);
	if (!err)
		err = enter_epoch(d, c, &in, &stale);
	if (err)
		goto out;
	start_counters(d, c, in.ssn_start, in.highest);
	if (ep_use_level(c) == EP_LEVEL_OVER) {
		err = ERR_FULL;
		goto out;
	}
	c->fresh = in.fresh && !stale;
	c->stale = stale;
	c->hkdf = (int8_t)in.params.hkdf;
	c->id = d->next_id++ & EP_ID_MASK;
	err = index_put(d, c);
	if (err)
		goto out;
	attach(d, e, c);
	record_context(t, c, &keys, &in, fingerprint);
	*out = c;
	c = NULL;
out:
	secret_wipe(&keys, sizeof(keys));
	ep_context_free(c);
	return err;
}

static void bury(struct ep_directory *d, const struct ep_context *c)
{
	uint64_t highest = c->window.any ? c->window.highest : UINT64_MAX;
	/* Out of memory here means a tombstone that is only on disk until the next start. */
	enum err a = ep_grave_put(
		&d->graves, ep_ikm(c).p, ep_sender_id(c), true, ep_ssn_limit(c), c->ssn_gap);
	enum err b = ep_grave_put(
		&d->graves, ep_ikm(c).p, ep_recipient_id(c), false, highest, c->auth_failures);
	(void)a, (void)b;
}

/* Keys of an attempt that came to nothing have no past that must be kept. Those of an administrator
 * do: whoever brings them may have used them elsewhere, and brings them again. */
static bool never_used(const struct ep_context *c)
{
	return c->origin == REC_ORIGIN_DRAWN && !c->window.any && !ep_ssn_limit(c);
}

/* May keys that were made here go without tombstones, when newer ones have taken their place? A
 * device, or whoever has its keys, could else fill disk and memory, recovery by recovery; and a
 * fleet whose keys are changed now and then would do so slowly. Tombstones serve these purposes:
 *
 * That no request 2 is taken twice, which would start our numbers anew under R2 | R3. But its R2
 * holds without them: it is bound to the context that was in use and to how many had succeeded it
 * (osc_r2_make), and both are past once it was taken. A context id never comes back; the count of a
 * context that becomes the newest again, because its successor was taken away, has risen; and the
 * key of R2 is new at every start, also that of a restored database or after a failure of storage.
 * As a request 1 an old request 2 gets an R2 as new as any, under which nothing else is said. Where
 * we began, R3 is ours, random, and known for as long as the request is under way.
 *
 * That a drawn secret is not drawn again, which 128 random bits see to.
 *
 * That no import brings them back. It may, for an administrator can know a secret, from the device
 * or from a copy of the database. So what is kept is the highest number that any of them had, of
 * ours or the device's, since ids may come the wrong way round: imported keys that might be such,
 * by their ID Context or by the mark of their salt, start above it, and stale, since which of the
 * device's numbers were taken is not known any more. A copy of the database that is put back knows
 * less of them, but then every import starts in an epoch of its own.
 *
 * Those that were used much, or attacked, keep their tombstones, so that they take nothing from the
 * numbers of such imports: it takes 65536 messages to make one, or 256 forgeries. */
static bool is_forgettable(const struct ep_directory *d, const struct ep_context *c)
{
	bool replaced = false;
	if (c->origin == REC_ORIGIN_RECOVERED)
		replaced = !is_newest(c);
	else if (c->origin == REC_ORIGIN_DRAWN)
		replaced = c->marked && is_replaced(c);
	return replaced && used_up_to(c) <= d->ssn_floor + EP_FORGET_MAX &&
	       c->auth_failures < EP_FAILURES_STEP;
}

static void detach(struct ep_directory *d, struct ep_context *c)
{
	ep_forget_news(d, c);
	map_remove(&d->by_kid, c);
	map_remove(&d->by_ikm, c);
	struct ep_context **at = &c->endpoint->contexts;
	while (*at != c)
		at = &(*at)->next_of_endpoint;
	*at = c->next_of_endpoint;
	d->context_n--;
}

void ep_context_take_back(struct ep_directory *d, struct ep_context *c, struct turn *t)
{
	detach(d, c);
	turn_rec(t, REC_CONTEXT_DEL)->del = (struct rec_id){.id = c->id, .unused = true};
	ep_context_free(c);
}

void ep_context_remove(struct ep_directory *d, struct ep_context *c, struct turn *t)
{
	bool unused = never_used(c), forgotten = !unused && is_forgettable(d, c);
	detach(d, c);
	if (t) {
		uint64_t above = forgotten ? used_up_to(c) + 1 : 0;
		turn_rec(t, REC_CONTEXT_DEL)->del = (struct rec_id){
			.id = c->id, .unused = unused, .forgotten = forgotten, .above = above};
		if (above > d->ssn_forgotten)
			d->ssn_forgotten = above;
		else if (!forgotten && !unused)
			bury(d, c);
	}
	ep_context_free(c);
}

/* Twice as many as last time, for contexts that are busy; none beyond the epoch. */
static void reserve(const struct ep_directory *d, struct ep_context *c, struct turn *t)
{
	uint16_t add = d->ssn_block;
	if (c->ssn_block)
		add = c->ssn_block > EP_SSN_BLOCK_MAX / 2 ? EP_SSN_BLOCK_MAX
							  : (uint16_t)(c->ssn_block * 2);
	uint64_t room = d->ssn_end - ep_ssn_limit(c);
	if (add > room)
		add = (uint16_t)room;
	struct rec_ssn_reserve *r = &turn_rec(t, REC_SSN_RESERVE)->ssn;
	*r = (struct rec_ssn_reserve){.context_id = c->id, .expect = ep_ssn_limit(c), .add = add};
	c->ssn_left = (uint16_t)(c->ssn_left + add);
	c->ssn_block = add;
}

enum err ep_take_number(
	struct ep_directory *d, struct ep_context *c, struct turn *t, uint64_t *number)
{
	if (c->ssn_next >= d->ssn_end)
		return ERR_LIMIT;
	if (c->ssn_left <= c->ssn_block / 4u && ep_ssn_limit(c) < d->ssn_end)
		reserve(d, c, t);
	if (!c->ssn_left)
		return ERR_LIMIT; /* whatever went wrong: no number without its reservation */
	enum ep_level before = ep_use_level(c);
	c->ssn_left--;
	*number = c->ssn_next++;
	ep_use_news(d, c, before);
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
	if (*moved) {
		gateway_keep(from);
		gateway_drop(&c->peer->peer);
	}
	c->peer->peer = *from;
	c->peer->piv = piv;
}

void ep_peer_forget(struct ep_context *c)
{
	if (c->peer)
		gateway_drop(&c->peer->peer);
	free(c->peer);
	c->peer = NULL;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static enum err load_keys(const struct rec_context *r, struct osc_keys *k)
{
	const struct osc_aead_info *a = osc_aead_info(r->aead);
	if (!a)
		return ERR_UNSUPPORTED;
	if (r->sender_key.n != a->key_n || r->recipient_key.n != a->key_n ||
		r->common_iv.n != a->nonce_n || r->ikm_fingerprint.n != 16)
		return ERR_CORRUPT;
	memcpy(k->sender_key, r->sender_key.p, a->key_n);
	memcpy(k->recipient_key, r->recipient_key.p, a->key_n);
	memcpy(k->common_iv, r->common_iv.p, a->nonce_n);
	k->aead = (uint8_t)r->aead;
	enum err err = osc_id_set(&k->sender_id, r->sender_id);
	return err ? err : osc_id_set(&k->recipient_id, r->recipient_id);
}

static enum err load_parts(const struct rec_context *r, struct ep_context **out)
{
	struct osc_keys keys;
	enum err err = load_keys(r, &keys);
	struct ep_parts p = {.keys = &keys,
		.role = r->role,
		.origin = r->origin,
		.generation = r->generation,
		.ssid = r->ssid,
		.has_id_context = r->id_context.p != NULL,
		.id_context = r->id_context,
		.ikm = r->ikm_fingerprint.p};
	if (!err)
		err = ep_context_pack(&p, out);
	secret_wipe(&keys, sizeof(keys));
	return err;
}

enum err ep_load_context(struct ep_directory *d, struct endpoint *e, const struct rec_context *r,
	struct ep_context **out)
{
	struct ep_context *c;
	enum err err = load_parts(r, &c);
	if (err)
		return err;
	c->id = r->id & EP_ID_MASK;
	c->fresh = r->fresh;
	c->stale = r->stale && !r->fresh;
	c->executed = r->executed;
	c->marked = ep_salt_is_marked(d, r->master_salt);
	c->hkdf = (int8_t)r->hkdf;
	c->created_day = r->created_day;
	c->ssn_gap = (uint32_t)smaller(r->ssn_gap, UINT32_MAX);
	c->auth_failures = (uint32_t)smaller(r->failures, UINT32_MAX);
	start_counters(d, c, r->ssn_limit, r->highest);
	if (r->exact && c->window.any)
		c->window.seen = r->window;
	c->sealed = !r->exact && c->window.any;
	err = index_put(d, c);
	if (err) {
		ep_context_free(c);
		return err;
	}
	attach(d, e, c);
	*out = c;
	return ERR_OK;
}

enum err ep_load_tombstone(struct ep_directory *d, const struct rec_tombstone *r)
{
	if (r->ikm_fingerprint.n != 16 || r->id.n > OSC_ID_MAX)
		return ERR_CORRUPT;
	enum err err = ep_grave_put(&d->graves, r->ikm_fingerprint.p, r->id, r->sender, r->number,
		(uint32_t)smaller(r->aside, UINT32_MAX));
	return err == ERR_CONFLICT ? ERR_OK : err;
}

enum err ep_load_withheld(struct ep_directory *d, const struct rec_context *r)
{
	struct rec_tombstone t = {.ikm_fingerprint = r->ikm_fingerprint,
		.id = r->sender_id,
		.sender = true,
		.number = r->ssn_limit,
		.aside = r->ssn_gap};
	enum err err = ep_load_tombstone(d, &t);
	t.id = r->recipient_id;
	t.sender = false;
	t.number = r->highest;
	t.aside = r->failures;
	return err ? err : ep_load_tombstone(d, &t);
}

void ep_load_lost(struct ep_directory *d, uint64_t ssn_limit)
{
	if (ssn_limit > d->ssn_lost)
		d->ssn_lost = ssn_limit;
}
