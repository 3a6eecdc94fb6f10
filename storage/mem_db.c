/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mem_db.h"

#include "base/secret.h"
#include "storage/store_impl.h"

#include <stdlib.h>
#include <string.h>

/* Where the spans of each record type are; 0 ends a row, since no span is there. */
#define AT(member) offsetof(struct rec, member)
static const size_t span_at[][12] = {
	[REC_ENDPOINT_PUT] = {AT(endpoint.name), AT(endpoint.bs_ep), AT(endpoint.rd_ep)},
	[REC_CONTEXT_PUT] = {AT(context.sender_id), AT(context.recipient_id),
		AT(context.id_context), AT(context.master_secret), AT(context.master_salt),
		AT(context.sender_key), AT(context.recipient_key), AT(context.common_iv),
		AT(context.ikm_fingerprint)},
	[REC_SEEN] = {AT(seen.response)},
	[REC_REG_PUT] = {AT(reg.location), AT(reg.sms), AT(reg.links), AT(reg.peer)},
	[REC_OP_PUT] = {AT(op.kind), AT(op.path), AT(op.result), AT(op.body)},
	[REC_PLAN_PUT] = {AT(plan.json)},
	[REC_EVENT] = {AT(event.type), AT(event.endpoint), AT(event.json)},
	[REC_IMAGE_PUT] = {AT(image.name), AT(image.sha256)},
	[REC_FIRMWARE_PUT] = {AT(firmware.image), AT(firmware.uri), AT(firmware.detail)},
	[REC_CREDENTIAL_PUT] = {AT(credential.identity), AT(credential.key)},
};

static struct span *span_of(struct rec *r, size_t i)
{
	size_t at = span_at[r->type][i];
	return at ? (struct span *)((char *)r + at) : NULL;
}

static void item_free(struct memdb_item *it)
{
	if (!it)
		return;
	secret_wipe(it, it->size);
	free(it);
}

static struct memdb_item *item_new(uint64_t key, const struct rec *r)
{
	struct rec copy = *r;
	struct span *s;
	size_t size = sizeof(struct memdb_item) + 1; /* one byte for empty spans to point to */
	for (size_t i = 0; (s = span_of(&copy, i)); i++)
		size += s->n;
	struct memdb_item *it = malloc(size);
	if (!it)
		return NULL;
	uint8_t *room = (uint8_t *)(it + 1);
	for (size_t i = 0; (s = span_of(&copy, i)); i++) {
		if (s->n)
			memcpy(room, s->p, s->n);
		if (s->p)
			s->p = room;
		room += s->n;
	}
	it->key = key;
	it->size = size;
	it->rec = copy;
	return it;
}

/* Index of the first key that is not below `key`. */
static size_t table_at(const struct memdb_table *t, uint64_t key)
{
	size_t low = 0, high = t->n;
	if (t->n && t->v[t->n - 1]->key < key)
		return t->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->v[mid]->key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct rec *table_get(const struct memdb_table *t, uint64_t key)
{
	size_t i = table_at(t, key);
	return i < t->n && t->v[i]->key == key ? &t->v[i]->rec : NULL;
}

static void *grow(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	size_t more = *cap ? *cap * 2 : 16;
	void *p = realloc(v, more * size);
	if (p)
		*cap = more;
	return p;
}

/* Puts `it` (NULL: nothing) under the key; there must be room. Returns what was there. */
static struct memdb_item *table_swap(struct memdb_table *t, uint64_t key, struct memdb_item *it)
{
	size_t i = table_at(t, key);
	if (i < t->n && t->v[i]->key == key) {
		struct memdb_item *old = t->v[i];
		if (it) {
			t->v[i] = it;
			return old;
		}
		memmove(t->v + i, t->v + i + 1, (t->n - i - 1) * sizeof(*t->v));
		t->n--;
		return old;
	}
	if (it) {
		memmove(t->v + i + 1, t->v + i, (t->n - i) * sizeof(*t->v));
		t->v[i] = it;
		t->n++;
	}
	return NULL;
}

/* Every change goes through here, so that it can be undone. Takes `it`, on errors too. */
static enum err set_take(
	struct memdb *db, enum memdb_kind kind, uint64_t key, struct memdb_item *it)
{
	struct memdb_table *t = &db->table[kind];
	void *v = grow(t->v, t->n, &t->cap, sizeof(*t->v));
	if (v)
		t->v = v;
	void *u = grow(db->undo, db->undo_n, &db->undo_cap, sizeof(*db->undo));
	if (u)
		db->undo = u;
	if (!v || !u) {
		item_free(it);
		return ERR_NOMEM;
	}
	db->undo[db->undo_n++] = (struct memdb_undo){kind, key, table_swap(t, key, it)};
	return ERR_OK;
}

static enum err put(struct memdb *db, enum memdb_kind kind, uint64_t key, const struct rec *r)
{
	struct memdb_item *it = item_new(key, r);
	return it ? set_take(db, kind, key, it) : ERR_NOMEM;
}

static enum err del(struct memdb *db, enum memdb_kind kind, uint64_t key)
{
	return table_get(&db->table[kind], key) ? set_take(db, kind, key, NULL) : ERR_OK;
}

static void undo_all(struct memdb *db)
{
	while (db->undo_n) {
		struct memdb_undo *u = &db->undo[--db->undo_n];
		item_free(table_swap(&db->table[u->kind], u->key, u->old));
	}
}

static void undo_forget(struct memdb *db)
{
	while (db->undo_n)
		item_free(db->undo[--db->undo_n].old);
}

static void use_id(struct memdb *db, uint64_t id)
{
	if (id >= db->info.next_id)
		db->info.next_id = id + 1;
}

enum { CREDENTIAL_KEYS = 16 };

static uint64_t credential_key(const struct rec_credential *r)
{
	return r->endpoint_id * CREDENTIAL_KEYS + r->kind % 4u * 4 + r->role % 4u;
}

static enum err put_endpoint(struct memdb *db, const struct rec *r)
{
	const struct memdb_table *t = &db->table[MEMDB_ENDPOINT];
	for (size_t i = 0; i < t->n; i++) {
		const struct rec_endpoint *e = &t->v[i]->rec.endpoint;
		if (e->id != r->endpoint.id && span_eq(e->name, r->endpoint.name))
			return ERR_CONFLICT;
	}
	use_id(db, r->endpoint.id);
	return put(db, MEMDB_ENDPOINT, r->endpoint.id, r);
}

static enum err put_context(struct memdb *db, const struct rec *r)
{
	struct rec now = *r;
	const struct rec *old = table_get(&db->table[MEMDB_CONTEXT], r->context.id);
	if (table_get(&db->table[MEMDB_DEAD], r->context.id))
		return ERR_CONFLICT;
	now.context.window = 0;
	now.context.exact = false;
	if (old) {
		if (old->context.ssn_limit > now.context.ssn_limit)
			now.context.ssn_limit = old->context.ssn_limit;
		now.context.highest = store_higher(old->context.highest, now.context.highest);
		if (old->context.ssn_gap < now.context.ssn_gap)
			now.context.ssn_gap = old->context.ssn_gap;
		if (old->context.failures > now.context.failures)
			now.context.failures = old->context.failures;
	}
	use_id(db, r->context.id);
	return put(db, MEMDB_CONTEXT, r->context.id, &now);
}

static enum err del_context(struct memdb *db, const struct rec_id *r)
{
	uint64_t id = r->id;
	const struct rec *old = table_get(&db->table[MEMDB_CONTEXT], id);
	if (!old)
		return ERR_OK;
	if (r->forgotten && old->context.ssn_limit >= db->info.ssn_forgotten)
		db->info.ssn_forgotten = old->context.ssn_limit + 1;
	if (r->forgotten && r->above > db->info.ssn_forgotten)
		db->info.ssn_forgotten = r->above;
	if (r->unused || r->forgotten)
		return del(db, MEMDB_CONTEXT, id);
	struct rec dead = *old;
	struct rec_context *c = &dead.context;
	c->master_secret = c->master_salt = c->id_context = SPAN_EMPTY;
	c->sender_key = c->recipient_key = c->common_iv = SPAN_EMPTY;
	enum err e = put(db, MEMDB_DEAD, id, &dead);
	return e ? e : del(db, MEMDB_CONTEXT, id);
}

static enum err del_endpoint(struct memdb *db, uint64_t id)
{
	struct memdb_table *t = &db->table[MEMDB_CONTEXT];
	enum err e = ERR_OK;
	for (size_t i = t->n; !e && i > 0; i--)
		if (t->v[i - 1]->rec.context.endpoint_id == id)
			e = del_context(db, &(struct rec_id){.id = t->v[i - 1]->key});
	t = &db->table[MEMDB_OP];
	for (size_t i = t->n; !e && i > 0; i--)
		if (t->v[i - 1]->rec.op.endpoint_id == id)
			e = del(db, MEMDB_OP, t->v[i - 1]->key);
	if (!e)
		e = del(db, MEMDB_REG, id);
	if (!e)
		e = del(db, MEMDB_PLAN, id);
	if (!e)
		e = del(db, MEMDB_FIRMWARE, id);
	for (uint8_t i = 0; !e && i < CREDENTIAL_KEYS; i++)
		e = del(db, MEMDB_CREDENTIAL, id * CREDENTIAL_KEYS + i);
	return e ? e : del(db, MEMDB_ENDPOINT, id);
}

/* Of a live context or of a deleted one. */
static const struct rec *either(const struct memdb *db, uint64_t id, enum memdb_kind *kind)
{
	const struct rec *r = table_get(&db->table[ *kind = MEMDB_CONTEXT], id);
	return r ? r : table_get(&db->table[*kind = MEMDB_DEAD], id);
}

static enum err set_context_state(struct memdb *db, const struct rec_context_state *st)
{
	const struct rec *old = table_get(&db->table[MEMDB_CONTEXT], st->id);
	if (!old)
		return ERR_OK;
	struct rec now = *old;
	now.context.generation = st->generation;
	now.context.fresh = st->fresh;
	now.context.executed = st->executed;
	return put(db, MEMDB_CONTEXT, st->id, &now);
}

static enum err set_op_state(struct memdb *db, const struct rec_op_state *st)
{
	const struct rec *old = table_get(&db->table[MEMDB_OP], st->id);
	if (!old)
		return ERR_OK;
	struct rec now = *old;
	now.op.state = st->state;
	return put(db, MEMDB_OP, st->id, &now);
}

static enum err set_failures(struct memdb *db, const struct rec_context_failures *f)
{
	enum memdb_kind kind;
	const struct rec *old = either(db, f->id, &kind);
	if (!old || old->context.failures >= f->failures)
		return ERR_OK;
	struct rec now = *old;
	now.context.failures = f->failures;
	return put(db, kind, f->id, &now);
}

static enum err reserve(struct memdb *db, const struct rec_ssn_reserve *r)
{
	const struct rec *old = table_get(&db->table[MEMDB_CONTEXT], r->context_id);
	if (!old || old->context.ssn_limit != r->expect)
		return ERR_CONFLICT;
	struct rec now = *old;
	db->reserved = true;
	now.context.ssn_limit += r->add;
	return put(db, MEMDB_CONTEXT, r->context_id, &now);
}

static enum err touch(struct memdb *db, const struct rec_reg_touch *t)
{
	const struct rec *old = table_get(&db->table[MEMDB_REG], t->endpoint_id);
	if (!old)
		return ERR_OK;
	struct rec now = *old;
	if (t->expiry_ms)
		now.reg.expiry_ms = t->expiry_ms;
	if (t->peer.n)
		now.reg.peer = t->peer;
	return put(db, MEMDB_REG, t->endpoint_id, &now);
}

/* The log row for its response; its state is folded at once, for nothing is gained by waiting. */
static enum err seen(struct memdb *db, const struct rec *r)
{
	struct rec row = *r;
	row.seen.response = store_response(r->seen.response);
	enum err e = put(db, MEMDB_SEEN, db->log_next, &row);
	if (e)
		return e;
	db->log_next++;
	enum memdb_kind kind;
	const struct rec *old = either(db, r->seen.context_id, &kind);
	if (!old)
		return ERR_OK;
	struct rec now = *old;
	now.context.highest = store_higher(now.context.highest, r->seen.piv);
	now.context.fresh |= r->seen.fresh;
	now.context.executed |= r->seen.executed;
	struct rec_reg_touch t = {now.context.endpoint_id, r->seen.expiry_ms, SPAN_EMPTY};
	e = put(db, kind, r->seen.context_id, &now);
	return e || !t.expiry_ms ? e : touch(db, &t);
}

static enum err put_event(struct memdb *db, const struct rec *r)
{
	struct memdb_table *t = &db->table[MEMDB_EVENT];
	if (table_get(t, r->event.seq))
		return ERR_CONFLICT;
	enum err e = put(db, MEMDB_EVENT, r->event.seq, r);
	while (!e && t->n > db->event_ring)
		e = del(db, MEMDB_EVENT, t->v[0]->key);
	if (!e && r->event.seq >= db->info.next_event)
		db->info.next_event = r->event.seq + 1;
	return e;
}

static enum err apply(struct memdb *db, const struct rec *r)
{
	switch (r->type) {
	case REC_ENDPOINT_PUT:
		return put_endpoint(db, r);
	case REC_ENDPOINT_DEL:
		return del_endpoint(db, r->del.id);
	case REC_CONTEXT_PUT:
		return put_context(db, r);
	case REC_CONTEXT_DEL:
		return del_context(db, &r->del);
	case REC_CONTEXT_FAILURES:
		return set_failures(db, &r->context_failures);
	case REC_CONTEXT_STATE:
		return set_context_state(db, &r->context_state);
	case REC_SSN_RESERVE:
		return reserve(db, &r->ssn);
	case REC_SEEN:
		return seen(db, r);
	case REC_REG_PUT:
		return put(db, MEMDB_REG, r->reg.endpoint_id, r);
	case REC_REG_DEL:
		return del(db, MEMDB_REG, r->del.id);
	case REC_REG_TOUCH:
		return touch(db, &r->touch);
	case REC_OP_PUT:
		use_id(db, r->op.id);
		return put(db, MEMDB_OP, r->op.id, r);
	case REC_OP_STATE:
		return set_op_state(db, &r->op_state);
	case REC_OP_DEL:
		return del(db, MEMDB_OP, r->del.id);
	case REC_PLAN_PUT:
		return put(db, MEMDB_PLAN, r->plan.endpoint_id, r);
	case REC_PLAN_DEL:
		return del(db, MEMDB_PLAN, r->del.id);
	case REC_EVENT:
		return put_event(db, r);
	case REC_IMAGE_PUT:
		use_id(db, r->image.id);
		return put(db, MEMDB_IMAGE, r->image.id, r);
	case REC_IMAGE_DEL:
		return del(db, MEMDB_IMAGE, r->del.id);
	case REC_FIRMWARE_PUT:
		return put(db, MEMDB_FIRMWARE, r->firmware.endpoint_id, r);
	case REC_FIRMWARE_DEL:
		return del(db, MEMDB_FIRMWARE, r->del.id);
	case REC_CREDENTIAL_PUT:
		return put(db, MEMDB_CREDENTIAL, credential_key(&r->credential), r);
	case REC_CREDENTIAL_DEL:
		return del(db, MEMDB_CREDENTIAL, credential_key(&r->credential));
	}
	return ERR_UNSUPPORTED;
}

static bool seen_live(const struct memdb *db, const struct memdb_item *it)
{
	uint64_t born = it->rec.seen.now_ms, now = db->info.now_ms;
	return born > now || now - born < db->exchange_lifetime_ms;
}

/* Once half of the log is too old, drops that half. */
static void prune_seen(struct memdb *db)
{
	struct memdb_table *t = &db->table[MEMDB_SEEN];
	size_t half = (t->n + 1) / 2;
	if (!half || seen_live(db, t->v[half - 1]))
		return;
	for (size_t i = 0; i < half; i++)
		item_free(t->v[i]);
	t->n -= half;
	memmove(t->v, t->v + half, t->n * sizeof(*t->v));
}

enum err store_memdb_apply(struct memdb *db, const struct batch *b)
{
	struct store_info info = db->info;
	uint64_t log_next = db->log_next;
	enum err e = ERR_OK;
	db->reserved = false;
	for (size_t i = 0; !e && i < b->n; i++)
		e = apply(db, &b->recs[i]);
	if (e) {
		undo_all(db);
		db->info = info;
		db->log_next = log_next;
		return e;
	}
	undo_forget(db);
	if (b->now_ms > db->info.now_ms)
		db->info.now_ms = b->now_ms;
	prune_seen(db);
	return ERR_OK;
}

void store_memdb_begin(struct memdb *db)
{
	struct memdb_table *t = &db->table[MEMDB_CONTEXT];
	db->info.clean = false;
	for (size_t i = 0; i < t->n; i++)
		t->v[i]->rec.context.exact = false;
}

void store_memdb_set_back(struct memdb *db, const struct store_mark *mark)
{
	static const enum memdb_kind kinds[] = {MEMDB_CONTEXT, MEMDB_DEAD};
	uint64_t floor = (uint64_t)mark->rollbacks << STORE_EPOCH_BITS;
	for (size_t k = 0; k < 2; k++) {
		struct memdb_table *t = &db->table[kinds[k]];
		for (size_t i = 0; i < t->n; i++) {
			struct rec_context *c = &t->v[i]->rec.context;
			if (c->ssn_limit < floor) {
				c->ssn_gap += floor - c->ssn_limit;
				c->ssn_limit = floor;
			}
			c->stale = true;
			c->fresh = c->exact = false;
		}
	}
	struct memdb_table *seen_rows = &db->table[MEMDB_SEEN];
	while (seen_rows->n)
		item_free(seen_rows->v[--seen_rows->n]);
	db->mark = *mark;
	db->info.rollbacks = mark->rollbacks;
	db->info.clean = false;
}

void store_memdb_stop(struct memdb *db, const struct rec_context *exact, size_t n, uint64_t now_ms)
{
	for (size_t i = 0; i < n; i++) {
		struct rec *r = table_get(&db->table[MEMDB_CONTEXT], exact[i].id);
		if (!r)
			continue;
		r->context.ssn_limit = exact[i].ssn_limit;
		r->context.highest = store_higher(r->context.highest, exact[i].highest);
		r->context.window = exact[i].window;
		if (exact[i].failures > r->context.failures)
			r->context.failures = exact[i].failures;
		r->context.exact = r->context.highest == exact[i].highest;
	}
	db->info.clean = true;
	if (now_ms > db->info.now_ms)
		db->info.now_ms = now_ms;
}

static enum err tell_context(const struct store_visitor *v, const struct rec_context *c)
{
	struct rec_context told = *c;
	told.stale = c->stale && !c->fresh;
	return v->context(v->arg, &told);
}

static enum err tell_dead(const struct store_visitor *v, const struct rec_context *c)
{
	struct rec_tombstone t = {c->ikm_fingerprint, c->sender_id, true, c->ssn_limit, c->ssn_gap};
	enum err e = v->tombstone(v->arg, &t);
	if (e)
		return e;
	t = (struct rec_tombstone){
		c->ikm_fingerprint, c->recipient_id, false, c->highest, c->failures};
	return v->tombstone(v->arg, &t);
}

static enum err tell(const struct memdb *db, enum memdb_kind kind, const struct rec *r,
	const struct store_visitor *v)
{
	switch (kind) {
	case MEMDB_ENDPOINT:
		return v->endpoint ? v->endpoint(v->arg, &r->endpoint) : ERR_OK;
	case MEMDB_CONTEXT:
		return v->context ? tell_context(v, &r->context) : ERR_OK;
	case MEMDB_DEAD:
		return v->tombstone ? tell_dead(v, &r->context) : ERR_OK;
	case MEMDB_REG:
		return v->registration ? v->registration(v->arg, &r->reg) : ERR_OK;
	case MEMDB_SEEN:
		if (!v->seen || !table_get(&db->table[MEMDB_CONTEXT], r->seen.context_id))
			return ERR_OK;
		return v->seen(v->arg, &r->seen);
	case MEMDB_PLAN:
		return v->plan ? v->plan(v->arg, &r->plan) : ERR_OK;
	case MEMDB_OP:
		return v->op ? v->op(v->arg, &r->op) : ERR_OK;
	case MEMDB_IMAGE:
		return v->image ? v->image(v->arg, &r->image) : ERR_OK;
	case MEMDB_FIRMWARE:
		return v->firmware ? v->firmware(v->arg, &r->firmware) : ERR_OK;
	case MEMDB_CREDENTIAL:
		return v->credential ? v->credential(v->arg, &r->credential) : ERR_OK;
	case MEMDB_EVENT:
	case MEMDB_KINDS:
		break;
	}
	return ERR_OK;
}

enum err store_memdb_load(
	const struct memdb *db, const struct store_visitor *v, struct store_info *info)
{
	static const enum memdb_kind order[] = {MEMDB_ENDPOINT, MEMDB_CONTEXT, MEMDB_CREDENTIAL,
		MEMDB_REG, MEMDB_SEEN, MEMDB_PLAN, MEMDB_OP, MEMDB_DEAD, MEMDB_IMAGE,
		MEMDB_FIRMWARE};
	*info = db->info;
	for (size_t k = 0; k < sizeof(order) / sizeof(*order); k++) {
		const struct memdb_table *t = &db->table[order[k]];
		for (size_t i = 0; i < t->n; i++) {
			if (order[k] == MEMDB_SEEN && !seen_live(db, t->v[i]))
				continue;
			enum err e = tell(db, order[k], &t->v[i]->rec, v);
			if (e)
				return e;
		}
	}
	return ERR_OK;
}

void store_memdb_inputs(const struct memdb *db, struct store_inputs *q)
{
	const struct rec *r = table_get(&db->table[MEMDB_CONTEXT], q->context_id);
	q->result = ERR_NOTFOUND;
	if (r)
		store_answer(q, r->context.master_secret, r->context.master_salt);
}

enum err store_memdb_events(const struct memdb *db, uint64_t after, size_t max, store_event_fn *fn,
	void *arg, uint64_t *first)
{
	const struct memdb_table *t = &db->table[MEMDB_EVENT];
	*first = t->n ? t->v[0]->key : 0;
	if (after == UINT64_MAX)
		return ERR_OK;
	for (size_t i = table_at(t, after + 1); i < t->n && max; i++, max--) {
		enum err e = fn(arg, &t->v[i]->rec.event);
		if (e)
			return e;
	}
	return ERR_OK;
}

enum err store_memdb_copy(struct memdb *to, const struct memdb *from)
{
	for (int k = 0; k < MEMDB_KINDS; k++) {
		const struct memdb_table *t = &from->table[k];
		for (size_t i = 0; i < t->n; i++) {
			enum err e = put(to, (enum memdb_kind)k, t->v[i]->key, &t->v[i]->rec);
			if (e)
				return e;
		}
	}
	undo_forget(to);
	to->info = from->info;
	to->log_next = from->log_next;
	to->mark = from->mark;
	return ERR_OK;
}

void store_memdb_init(struct memdb *db, const struct store_mem_opts *o)
{
	*db = (struct memdb){
		.exchange_lifetime_ms = o->exchange_lifetime_ms,
		.event_ring = o->event_ring ? o->event_ring : 10000,
		.log_next = 1,
		.info = {.next_id = 1, .next_event = 1},
	};
	memcpy(db->info.secret, o->secret, sizeof(o->secret));
}

void store_memdb_fini(struct memdb *db)
{
	undo_forget(db);
	free(db->undo);
	for (int k = 0; k < MEMDB_KINDS; k++) {
		for (size_t i = 0; i < db->table[k].n; i++)
			item_free(db->table[k].v[i]);
		free(db->table[k].v);
	}
}
