/* SPDX-License-Identifier: Apache-2.0 */
/* Reading everything, with the log folded in on the way. */
#include "storage/sqlite_db.h"
#include "storage/sqlite_sum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What is known of a registration's expiry besides its own row. */
struct expiry {
	uint64_t endpoint_id, pos, ms;
};

struct load {
	struct sqdb *d;
	const struct store_visitor *v;
	struct sqdb_folds folds; /* by context */
	size_t fold_at;
	struct expiry *expiry; /* by endpoint, once sorted */
	size_t expiry_n, expiry_cap, expiry_at;
	uint64_t contexts; /* rows of it that have counters */
};

typedef enum err row_fn(struct load *l, struct sqdb_cur *c);

static enum err each(struct load *l, const char *sql, row_fn *fn)
{
	struct sqdb_cur c = {0};
	c.rc = sqlite3_prepare_v2(l->d->db, sql, -1, &c.st, NULL);
	enum err e;
	if (sqlite3_bind_parameter_count(c.st))
		store_sqdb_put(&c, (uint64_t)store_sqdb_cutoff(l->d));
	while (!(e = store_sqdb_row(l->d, &c))) {
		e = fn(l, &c);
		if (e)
			break;
	}
	sqlite3_finalize(c.st);
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* Somebody must hear of it. */
static enum err damaged(struct load *l, const struct rec_damage *r)
{
	if (l->v->damage)
		return l->v->damage(l->v->arg, r);
	snprintf(l->d->why, sizeof(l->d->why),
		"row %" PRIu64 " of its table %s is damaged (endpoint %" PRIu64 ")", r->row,
		r->table, r->endpoint_id);
	return ERR_CORRUPT;
}

/* Contexts are visited in the order of their ids, so the folds of the log are walked alongside. */
static const struct sqdb_fold *fold_of(struct load *l, uint64_t context_id)
{
	const struct sqdb_folds *f = &l->folds;
	while (l->fold_at < f->n && f->v[l->fold_at].context_id < context_id)
		l->fold_at++;
	if (l->fold_at == f->n || f->v[l->fold_at].context_id != context_id)
		return NULL;
	return &f->v[l->fold_at];
}

static enum err add_expiry(struct load *l, struct expiry x)
{
	if (!x.pos)
		return ERR_OK;
	if (l->expiry_n == l->expiry_cap) {
		size_t cap = l->expiry_cap ? 2 * l->expiry_cap : 1024;
		struct expiry *v = realloc(l->expiry, cap * sizeof(*v));
		if (!v)
			return ERR_NOMEM;
		l->expiry = v;
		l->expiry_cap = cap;
	}
	l->expiry[l->expiry_n++] = x;
	return ERR_OK;
}

static int by_endpoint(const void *a, const void *b)
{
	const struct expiry *x = a, *y = b;
	return x->endpoint_id < y->endpoint_id ? -1 : x->endpoint_id > y->endpoint_id;
}

static enum err endpoint_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_endpoint r = {.id = store_sqdb_get(c)};
	r.name = store_sqdb_get_span(c);
	r.bs_ep = store_sqdb_get_span(c);
	r.rd_ep = store_sqdb_get_span(c);
	r.freshness = (uint8_t)store_sqdb_get(c);
	r.allow_nosec = store_sqdb_get(c) != 0;
	r.oscore_version = (uint8_t)store_sqdb_get(c);
	r.pace.ack_timeout_ms = (uint32_t)store_sqdb_get(c);
	r.pace.block_bytes = (uint16_t)store_sqdb_get(c);
	r.pace.message_bytes = (uint16_t)store_sqdb_get(c);
	r.pace.max_retransmit = (uint8_t)store_sqdb_get(c);
	r.pace.nstart = (uint8_t)store_sqdb_get(c);
	r.require = (uint8_t)store_sqdb_get(c);
	r.damaged = !store_sqdb_get(c);
	enum err e = l->v->endpoint ? l->v->endpoint(l->v->arg, &r) : ERR_OK;
	if (e || !r.damaged)
		return e;
	return damaged(l, &(struct rec_damage){"endpoints", r.id, r.id, 0, false, false});
}

static const char context_sql[] =
	"SELECT h.context_id, h.endpoint_id, h.expiry_pos, h.expiry_ms, h.live, h.flags_pos,"
	" h.exact_stop, h.generation, h.ssn_limit, h.highest, h.window_bits, h.fresh, h.executed,"
	" h.stale, h.ssn_gap, h.failures,"
	" c.role, c.origin, c.aead, c.hkdf, c.ssid, c.sender_id, c.recipient_id, c.id_context,"
	" c.master_secret, c.master_salt, c.sender_key, c.recipient_key, c.common_iv,"
	" c.ikm_fingerprint, c.created_day, c.id, c.sum = row_sum(" SUM_CONTEXT(
		"c.") "), " SUM_HOT_GOOD("h.") ", c.endpoint_id FROM hot h LEFT JOIN contexts c ON "
					       "c.id = h.context_id"
					       " ORDER BY h.context_id";

static void context_counters(
	struct load *l, struct sqdb_cur *c, const struct sqdb_fold *f, struct rec_context *r)
{
	uint64_t flags_pos = store_sqdb_get(c), exact_stop = store_sqdb_get(c);
	r->generation = (uint8_t)store_sqdb_get(c);
	r->ssn_limit = store_sqdb_get(c);
	uint64_t highest = store_sqdb_get(c);
	r->window = store_sqdb_get(c);
	r->fresh = store_sqdb_get(c) || (f && f->fresh_pos > flags_pos);
	r->executed = store_sqdb_get(c) || (f && f->executed_pos > flags_pos);
	r->stale = store_sqdb_get(c) && !r->fresh;
	r->ssn_gap = store_sqdb_get(c);
	r->failures = store_sqdb_get(c);
	r->highest = f ? store_higher(highest, f->highest) : highest;
	r->exact = l->d->info.clean && exact_stop == l->d->stops && r->highest == highest;
	if (!r->exact)
		r->window = 0;
}

static void context_inputs(struct sqdb_cur *c, struct rec_context *r)
{
	r->role = (uint8_t)store_sqdb_get(c);
	r->origin = (uint8_t)store_sqdb_get(c);
	r->aead = (int)store_sqdb_get(c);
	r->hkdf = (int)store_sqdb_get(c);
	r->ssid = (uint16_t)store_sqdb_get(c);
	r->sender_id = store_sqdb_get_span(c);
	r->recipient_id = store_sqdb_get_span(c);
	r->id_context = store_sqdb_get_span(c);
	r->master_secret = store_sqdb_get_span(c);
	r->master_salt = store_sqdb_get_span(c);
	r->sender_key = store_sqdb_get_span(c);
	r->recipient_key = store_sqdb_get_span(c);
	r->common_iv = store_sqdb_get_span(c);
	r->ikm_fingerprint = store_sqdb_get_span(c);
	r->created_day = (uint16_t)store_sqdb_get(c);
}

/* The keys of a context with damaged counters: known, and used up. */
static enum err tell_used_up(struct load *l, const struct rec_context *r)
{
	struct rec_tombstone t = {.ikm_fingerprint = r->ikm_fingerprint,
		.id = r->sender_id,
		.sender = true,
		.number = STORE_NUMBER_LOST};
	enum err e = l->v->tombstone ? l->v->tombstone(l->v->arg, &t) : ERR_OK;
	t.id = r->recipient_id;
	t.sender = false;
	return !e && l->v->tombstone ? l->v->tombstone(l->v->arg, &t) : e;
}

static enum err tell_context(
	struct load *l, const struct rec_context *r, bool good_row, bool good_counters)
{
	if (good_row && good_counters)
		return l->v->context ? l->v->context(l->v->arg, r) : ERR_OK;
	struct rec_damage m = {"contexts", r->id, r->endpoint_id, 0, false, false};
	if (!good_row)
		m.ssn_limit = good_counters ? r->ssn_limit : STORE_NUMBER_LOST;
	else
		m.table = "hot";
	enum err e = damaged(l, &m);
	return e || !good_row ? e : tell_used_up(l, r);
}

/* Of deleted contexts too: their last word on an expiry may be the newest. */
static enum err context_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_context r = {.id = store_sqdb_get(c)};
	const struct sqdb_fold *f = fold_of(l, r.id);
	r.endpoint_id = store_sqdb_get(c);
	struct expiry x = {.endpoint_id = r.endpoint_id};
	x.pos = store_sqdb_get(c);
	x.ms = store_sqdb_get(c);
	if (f && f->expiry_pos > x.pos)
		x = (struct expiry){r.endpoint_id, f->expiry_pos, f->expiry_ms};
	bool live = store_sqdb_get(c) != 0;
	context_counters(l, c, f, &r);
	context_inputs(c, &r);
	bool has_row = store_sqdb_get(c) == r.id, good_row = store_sqdb_get(c) != 0;
	bool good_counters = store_sqdb_get(c) != 0;
	uint64_t owner = store_sqdb_get(c);
	l->contexts += has_row;
	if (!has_row && !live) /* a deleted one; its tombstone tells */
		return add_expiry(l, x);
	if (has_row && good_row) { /* the counters' own word for whose they are has no sum */
		good_counters &= r.endpoint_id == owner;
		r.endpoint_id = owner;
	}
	enum err e = good_counters ? add_expiry(l, x) : ERR_OK;
	return e ? e : tell_context(l, &r, has_row && good_row, live && good_counters);
}

/* Rows of contexts whose counters are lost with all else of `hot`. */
static enum err countless_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_context r = {.id = store_sqdb_get(c)};
	r.endpoint_id = store_sqdb_get(c);
	r.sender_id = store_sqdb_get_span(c);
	r.recipient_id = store_sqdb_get_span(c);
	r.ikm_fingerprint = store_sqdb_get_span(c);
	return tell_context(l, &r, store_sqdb_get(c) != 0, false);
}

static enum err count_row(struct load *l, struct sqdb_cur *c)
{
	if (store_sqdb_get(c) == l->contexts)
		return ERR_OK;
	return each(l,
		"SELECT c.id, c.endpoint_id, c.sender_id, c.recipient_id, c.ikm_fingerprint,"
		" c.sum = row_sum(" SUM_CONTEXT(
			"c.") ") FROM contexts c"
			      " WHERE NOT EXISTS (SELECT 1 FROM hot h WHERE h.context_id = c.id)",
		countless_row);
}

/* Its own expiry, unless the log or a folded one says something newer. */
static uint64_t newest_expiry(struct load *l, uint64_t endpoint_id, uint64_t pos, uint64_t ms)
{
	while (l->expiry_at < l->expiry_n && l->expiry[l->expiry_at].endpoint_id < endpoint_id)
		l->expiry_at++;
	for (; l->expiry_at < l->expiry_n; l->expiry_at++) {
		const struct expiry *x = &l->expiry[l->expiry_at];
		if (x->endpoint_id != endpoint_id)
			break;
		if (x->pos > pos) {
			pos = x->pos;
			ms = x->ms;
		}
	}
	return ms;
}

static enum err reg_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_reg r = {.endpoint_id = store_sqdb_get(c)};
	r.context_id = store_sqdb_get(c);
	r.location = store_sqdb_get_span(c);
	r.lifetime_s = (uint32_t)store_sqdb_get(c);
	r.lwm2m = (uint8_t)store_sqdb_get(c);
	r.binding = (uint8_t)store_sqdb_get(c);
	r.queue = store_sqdb_get(c) != 0;
	r.sms = store_sqdb_get_span(c);
	r.links = store_sqdb_get_span(c);
	r.peer = store_sqdb_get_span(c);
	r.registered_wall_s = (int64_t)store_sqdb_get(c);
	uint64_t pos = store_sqdb_get(c);
	r.expiry_ms = newest_expiry(l, r.endpoint_id, pos, store_sqdb_get(c));
	if (!store_sqdb_get(c))
		return damaged(l, &(struct rec_damage){"registrations", r.endpoint_id,
					  r.endpoint_id, 0, false, false});
	return l->v->registration ? l->v->registration(l->v->arg, &r) : ERR_OK;
}

static enum err seen_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_seen r = {.context_id = store_sqdb_get(c)};
	r.piv = store_sqdb_get(c);
	r.now_ms = store_sqdb_get(c);
	r.hash = store_sqdb_get(c);
	r.expiry_ms = store_sqdb_get(c);
	uint64_t flags = store_sqdb_get(c);
	r.fresh = flags & 1;
	r.executed = flags & 2;
	r.response = store_sqdb_get_span(c);
	return l->v->seen ? l->v->seen(l->v->arg, &r) : ERR_OK;
}

static enum err plan_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_plan r = {.endpoint_id = store_sqdb_get(c)};
	r.json = store_sqdb_get_span(c);
	if (!store_sqdb_get(c))
		return damaged(l, &(struct rec_damage){
					  "plans", r.endpoint_id, r.endpoint_id, 0, false, false});
	return l->v->plan ? l->v->plan(l->v->arg, &r) : ERR_OK;
}

static enum err op_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_op r = {.id = store_sqdb_get(c)};
	r.endpoint_id = store_sqdb_get(c);
	r.kind = store_sqdb_get_span(c);
	r.path = store_sqdb_get_span(c);
	r.state = (uint8_t)store_sqdb_get(c);
	r.created_wall_s = (int64_t)store_sqdb_get(c);
	r.result = store_sqdb_get_span(c);
	r.ref = store_sqdb_get(c);
	r.expiry_ms = store_sqdb_get(c);
	r.body = store_sqdb_get_span(c);
	if (!store_sqdb_get(c))
		return damaged(l,
			&(struct rec_damage){"operations", r.id, r.endpoint_id, 0, false, false});
	return l->v->op ? l->v->op(l->v->arg, &r) : ERR_OK;
}

/* The key is known, or lost; so is how far it was used. */
static enum err tombstone_row(struct load *l, struct sqdb_cur *c)
{
	uint64_t id = store_sqdb_get(c);
	const struct sqdb_fold *f = fold_of(l, id);
	struct rec_tombstone recipient = {.sender = false}, sender = {.sender = true};
	sender.ikm_fingerprint = recipient.ikm_fingerprint = store_sqdb_get_span(c);
	sender.id = store_sqdb_get_span(c);
	sender.number = store_sqdb_get(c);
	recipient.id = store_sqdb_get_span(c);
	recipient.number = store_sqdb_get(c);
	sender.aside = store_sqdb_get(c);
	recipient.aside = store_sqdb_get(c);
	bool good_row = store_sqdb_get(c) != 0, good_counters = store_sqdb_get(c) != 0;
	enum err e = ERR_OK;
	if (f)
		recipient.number = store_higher(recipient.number, f->highest);
	if (!good_counters) {
		sender.number = STORE_NUMBER_LOST;
		sender.aside = 0;
	}
	if (!good_row || !good_counters)
		e = damaged(l, &(struct rec_damage){good_row ? "hot" : "tombstones", id, 0,
				       good_row ? 0 : sender.number, true, false});
	if (e || !good_row || !l->v->tombstone)
		return e;
	e = l->v->tombstone(l->v->arg, &sender);
	return e ? e : l->v->tombstone(l->v->arg, &recipient);
}

static enum err image_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_image r = {.id = store_sqdb_get(c)};
	r.name = store_sqdb_get_span(c);
	r.sha256 = store_sqdb_get_span(c);
	r.bytes = store_sqdb_get(c);
	r.created_wall_s = (int64_t)store_sqdb_get(c);
	r.once = store_sqdb_get(c);
	if (!store_sqdb_get(c))
		return damaged(l, &(struct rec_damage){"images", r.id, 0, 0, false, false});
	return l->v->image ? l->v->image(l->v->arg, &r) : ERR_OK;
}

static enum err firmware_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_firmware r = {.endpoint_id = store_sqdb_get(c)};
	r.method = (uint8_t)store_sqdb_get(c);
	r.step = (uint8_t)store_sqdb_get(c);
	r.outcome = (uint8_t)store_sqdb_get(c);
	r.device_result = (uint8_t)store_sqdb_get(c);
	r.executed = store_sqdb_get(c);
	r.observing = store_sqdb_get(c);
	r.image_id = store_sqdb_get(c);
	r.image = store_sqdb_get_span(c);
	r.uri = store_sqdb_get_span(c);
	r.detail = store_sqdb_get_span(c);
	r.created_wall_s = (int64_t)store_sqdb_get(c);
	r.changed_wall_s = (int64_t)store_sqdb_get(c);
	if (!store_sqdb_get(c))
		return damaged(l, &(struct rec_damage){"firmware", r.endpoint_id, r.endpoint_id, 0,
					  false, false});
	return l->v->firmware ? l->v->firmware(l->v->arg, &r) : ERR_OK;
}

static enum err credential_row(struct load *l, struct sqdb_cur *c)
{
	struct rec_credential r = {.endpoint_id = store_sqdb_get(c)};
	r.kind = (uint8_t)store_sqdb_get(c);
	r.role = (uint8_t)store_sqdb_get(c);
	r.identity = store_sqdb_get_span(c);
	r.key = store_sqdb_get_span(c);
	if (!store_sqdb_get(c))
		return damaged(l, &(struct rec_damage){"credentials", r.endpoint_id, r.endpoint_id,
					  0, false, false});
	return l->v->credential ? l->v->credential(l->v->arg, &r) : ERR_OK;
}

static enum err load_firmware(struct load *l)
{
	enum err e = each(l,
		"SELECT " SUM_IMAGE ", sum = row_sum(" SUM_IMAGE ") FROM images ORDER BY id",
		image_row);
	return e ? e
		 : each(l,
			   "SELECT " SUM_FIRMWARE ", sum = row_sum(" SUM_FIRMWARE
			   ") FROM firmware ORDER BY endpoint_id",
			   firmware_row);
}

static enum err load_all(struct load *l)
{
	enum err e = each(l,
		"SELECT id, name, bs_ep, rd_ep, freshness, allow_nosec, oscore_version,"
		" ack_timeout_ms, block_bytes, message_bytes, max_retransmit, nstart, require,"
		" sum = row_sum(" SUM_ENDPOINT ") FROM endpoints ORDER BY id",
		endpoint_row);
	if (!e)
		e = each(l, context_sql, context_row);
	if (!e)
		e = each(l, "SELECT count(*) FROM contexts", count_row);
	if (!e)
		e = each(l,
			"SELECT " SUM_CREDENTIAL ", sum = row_sum(" SUM_CREDENTIAL
			") FROM credentials ORDER BY endpoint_id, kind, role",
			credential_row);
	l->fold_at = 0;
	if (!e && l->expiry_n)
		qsort(l->expiry, l->expiry_n, sizeof(*l->expiry), by_endpoint);
	if (!e)
		e = each(l,
			"SELECT endpoint_id, context_id, location, lifetime_s, lwm2m, binding,"
			" queue, sms, links, peer, registered_wall_s, expiry_pos, expiry_ms,"
			" sum = row_sum(" SUM_REG ") FROM registrations ORDER BY endpoint_id",
			reg_row);
	if (!e)
		e = each(l,
			"SELECT s.context_id, s.piv, s.now_ms, s.hash, s.expiry_ms, s.flags,"
			" s.response FROM seen s CROSS JOIN hot h ON h.context_id = s.context_id"
			" WHERE h.live = 1 AND s.now_ms > ?1 ORDER BY s.id",
			seen_row);
	if (!e)
		e = each(l,
			"SELECT endpoint_id, json, sum = row_sum(" SUM_PLAN
			") FROM plans ORDER BY endpoint_id",
			plan_row);
	if (!e)
		e = each(l,
			"SELECT id, endpoint_id, kind, path, state, created_wall_s, result,"
			" ref, expiry_ms, body, sum = row_sum(" SUM_OP(
				"state") ") FROM operations ORDER BY id",
			op_row);
	if (!e)
		e = each(l,
			"SELECT t.context_id, t.ikm_fingerprint, t.sender_id, h.ssn_limit,"
			" t.recipient_id, h.highest, h.ssn_gap, h.failures,"
			" t.sum = row_sum(" SUM_TOMBSTONE("t.") "), " SUM_HOT_GOOD(
				"h.") " AND h.live = 0 FROM tombstones t LEFT JOIN hot h ON "
				      "h.context_id = t.context_id ORDER BY t.context_id",
			tombstone_row);
	return e ? e : load_firmware(l);
}

/* What the log says. What cannot be read of it is mended first, or given up: *torn is such a row.
 */
static enum err read_log(struct load *l, struct sqdb_mended *mended, uint64_t *torn)
{
	struct sqdb *d = l->d;
	enum err e = store_sqdb_folds_read(d, &l->folds);
	if (e && d->torn) {
		d->torn = 0;
		store_sqdb_folds_fini(&l->folds);
		e = store_sqdb_turn_back(d, mended);
		if (!e)
			e = store_sqdb_folds_read(d, &l->folds);
	}
	*torn = e ? d->torn : 0;
	if (*torn) {
		store_sqdb_folds_fini(&l->folds);
		e = store_sqdb_mend_log(d);
		d->torn = 0;
	}
	return e;
}

enum err store_sqdb_load(struct sqdb *d, const struct store_visitor *v, struct store_info *info)
{
	struct load l = {.d = d, .v = v};
	struct sqdb_mended mended = {.n = 0};
	uint64_t torn = 0;
	enum err e = read_log(&l, &mended, &torn);
	*info = d->info;
	if (!e)
		e = load_all(&l);
	if (!e && torn)
		e = damaged(&l, &(struct rec_damage){"seen", torn, 0, 0, false, false});
	for (size_t i = 0; !e && i < mended.n; i++)
		e = damaged(&l, &(struct rec_damage){"seen", mended.row[i], 0, 0, false, true});
	store_sqdb_folds_fini(&l.folds);
	free(l.expiry);
	return e;
}

enum err store_sqdb_events(
	struct sqdb *d, uint64_t after, size_t max, store_event_fn *fn, void *arg, uint64_t *first)
{
	uint64_t next = d->info.next_event, ring = d->opts.event_ring;
	uint64_t gone = next - 1 > ring ? next - 1 - ring : 0;
	struct sqdb_cur c = store_sqdb_use(d, SQDB_EVENTS);
	store_sqdb_put(&c, gone);
	store_sqdb_put(&c, 1);
	enum err e = store_sqdb_row(d, &c);
	*first = e ? 0 : store_sqdb_get(&c);
	sqlite3_reset(c.st);
	if (after > INT64_MAX)
		return ERR_OK;
	c = store_sqdb_use(d, SQDB_EVENTS);
	store_sqdb_put(&c, after > gone ? after : gone);
	store_sqdb_put(&c, max < INT64_MAX ? max : INT64_MAX);
	while (!(e = store_sqdb_row(d, &c))) {
		struct rec_event r = {.seq = store_sqdb_get(&c)};
		r.wall_ms = (int64_t)store_sqdb_get(&c);
		r.type = store_sqdb_get_span(&c);
		r.endpoint = store_sqdb_get_span(&c);
		r.json = store_sqdb_get_span(&c);
		e = fn(arg, &r);
		if (e)
			break;
	}
	sqlite3_reset(c.st);
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

void store_sqdb_inputs(struct sqdb *d, struct store_inputs *q)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_INPUTS);
	store_sqdb_put(&c, q->context_id);
	q->result = store_sqdb_row(d, &c);
	if (!q->result) {
		struct span secret = store_sqdb_get_span(&c), salt = store_sqdb_get_span(&c);
		if (store_sqdb_get(&c))
			store_answer(q, secret, salt);
		else
			q->result = ERR_CORRUPT;
	}
	sqlite3_reset(c.st);
}
