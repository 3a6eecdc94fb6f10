/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each record type. */
#include "storage/sqlite_db.h"
#include "storage/sqlite_sum.h"

#include <inttypes.h>
#include <stdio.h>

/* The newest position in the log: what is written now is newer than that row. */
static uint64_t position(const struct sqdb *d)
{
	return d->log_next - 1;
}

static void use_id(struct sqdb *d, uint64_t id)
{
	if (id < d->info.next_id)
		return;
	d->info.next_id = id + 1;
	d->meta_dirty = true;
}

/* Statements whose only parameter is an id. */
static enum err run_id(struct sqdb *d, enum sqdb_stmt which, uint64_t id)
{
	struct sqdb_cur c = store_sqdb_use(d, which);
	store_sqdb_put(&c, id);
	return store_sqdb_run(d, &c);
}

/* Empty is NULL. */
static void put_opt_text(struct sqdb_cur *c, struct span s)
{
	if (s.n)
		store_sqdb_put_text(c, s);
	else
		store_sqdb_put_opt(c, SPAN_EMPTY);
}

static enum err put_endpoint(struct sqdb *d, const struct rec_endpoint *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_ENDPOINT_PUT);
	use_id(d, r->id);
	store_sqdb_put(&c, r->id);
	store_sqdb_put_text(&c, r->name);
	put_opt_text(&c, r->bs_ep);
	put_opt_text(&c, r->rd_ep);
	store_sqdb_put(&c, r->freshness);
	store_sqdb_put(&c, r->allow_nosec);
	store_sqdb_put(&c, r->oscore_version);
	store_sqdb_put(&c, r->pace.ack_timeout_ms);
	store_sqdb_put(&c, r->pace.block_bytes);
	store_sqdb_put(&c, r->pace.message_bytes);
	store_sqdb_put(&c, r->pace.max_retransmit);
	store_sqdb_put(&c, r->pace.nstart);
	store_sqdb_put(&c, r->require);
	return store_sqdb_run(d, &c);
}

static enum err put_hot(struct sqdb *d, const struct rec_context *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_HOT_PUT);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->generation);
	store_sqdb_put(&c, r->ssn_limit);
	store_sqdb_put(&c, r->highest);
	store_sqdb_put(&c, r->fresh);
	store_sqdb_put(&c, r->executed);
	store_sqdb_put(&c, position(d));
	store_sqdb_put(&c, r->stale);
	store_sqdb_put(&c, r->ssn_gap);
	store_sqdb_put(&c, r->failures);
	enum err e = store_sqdb_run(d, &c);
	if (e || sqlite3_changes(d->db) == 1)
		return e;
	snprintf(d->why, sizeof(d->why), "context %" PRIu64 " was deleted", r->id);
	return ERR_CONFLICT;
}

static enum err put_context(struct sqdb *d, const struct rec_context *r)
{
	enum err e = put_hot(d, r);
	if (e)
		return e;
	struct sqdb_cur c = store_sqdb_use(d, SQDB_CONTEXT_PUT);
	use_id(d, r->id);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->role);
	store_sqdb_put(&c, r->origin);
	store_sqdb_put(&c, (uint64_t)r->aead);
	store_sqdb_put(&c, (uint64_t)r->hkdf);
	store_sqdb_put(&c, r->ssid);
	store_sqdb_put_blob(&c, r->sender_id);
	store_sqdb_put_blob(&c, r->recipient_id);
	store_sqdb_put_opt(&c, r->id_context);
	store_sqdb_put_blob(&c, r->master_secret);
	store_sqdb_put_blob(&c, r->master_salt);
	store_sqdb_put_blob(&c, r->sender_key);
	store_sqdb_put_blob(&c, r->recipient_key);
	store_sqdb_put_blob(&c, r->common_iv);
	store_sqdb_put_blob(&c, r->ikm_fingerprint);
	store_sqdb_put(&c, r->created_day);
	return store_sqdb_run(d, &c);
}

/* Overwrites the keys even if their page is given up, which costs the log too much to be always on.
 */
static enum err run_wiping(struct sqdb *d, struct sqdb_cur *c)
{
	enum err e = store_sqdb_exec(d, "PRAGMA secure_delete = ON");
	if (!e)
		e = store_sqdb_run(d, c);
	enum err back = store_sqdb_exec(d, "PRAGMA secure_delete = FAST");
	return e ? e : back;
}

static enum err wipe_id(struct sqdb *d, enum sqdb_stmt which, uint64_t id)
{
	struct sqdb_cur c = store_sqdb_use(d, which);
	store_sqdb_put(&c, id);
	return run_wiping(d, &c);
}

static enum err put_credential(struct sqdb *d, const struct rec_credential *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_CREDENTIAL_PUT);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->kind);
	store_sqdb_put(&c, r->role);
	store_sqdb_put_blob(&c, r->identity);
	store_sqdb_put_blob(&c, r->key);
	return run_wiping(d, &c);
}

static enum err del_credential(struct sqdb *d, const struct rec_credential *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_CREDENTIAL_DEL);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->kind);
	store_sqdb_put(&c, r->role);
	return run_wiping(d, &c);
}

/* How far it was used is kept with that of others. */
static enum err forget(struct sqdb *d, const struct rec_id *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_HOT_LIMIT);
	store_sqdb_put(&c, r->id);
	enum err e = store_sqdb_row(d, &c);
	uint64_t above = e ? 0 : store_sqdb_get(&c);
	sqlite3_reset(c.st);
	if (above < r->above)
		above = r->above;
	if (above > d->info.ssn_forgotten) {
		d->info.ssn_forgotten = above;
		d->meta_dirty = true;
	}
	return e && e != ERR_NOTFOUND ? e : run_id(d, SQDB_HOT_DEL, r->id);
}

/* Its hot row stays, for the tombstones' numbers: the log may still raise them. Of one that was
 * never used nothing stays. */
static enum err del_context(struct sqdb *d, const struct rec_id *r)
{
	enum err e;
	uint64_t id = r->id;
	if (r->unused) {
		e = run_id(d, SQDB_HOT_DEL, id);
	} else if (r->forgotten) {
		e = forget(d, r);
	} else {
		e = run_id(d, SQDB_TOMBSTONE, id);
		if (!e)
			e = run_id(d, SQDB_HOT_DEAD, id);
	}
	return e ? e : wipe_id(d, SQDB_CONTEXT_DEL, id);
}

static enum err del_contexts_of(struct sqdb *d, uint64_t endpoint_id)
{
	for (;;) {
		struct sqdb_cur c = store_sqdb_use(d, SQDB_ENDPOINT_CONTEXTS);
		store_sqdb_put(&c, endpoint_id);
		enum err e = store_sqdb_row(d, &c);
		uint64_t id = e ? 0 : store_sqdb_get(&c);
		sqlite3_reset(c.st);
		if (e)
			return e == ERR_NOTFOUND ? ERR_OK : e;
		e = del_context(d, &(struct rec_id){.id = id});
		if (e)
			return e;
	}
}

static enum err del_endpoint(struct sqdb *d, uint64_t id)
{
	static const enum sqdb_stmt rest[] = {
		SQDB_OPS_DEL, SQDB_REG_DEL, SQDB_PLAN_DEL, SQDB_FIRMWARE_DEL, SQDB_ENDPOINT_DEL};
	enum err e = del_contexts_of(d, id);
	if (!e)
		e = wipe_id(d, SQDB_CREDENTIALS_DEL, id);
	for (size_t i = 0; !e && i < sizeof(rest) / sizeof(*rest); i++)
		e = run_id(d, rest[i], id);
	return e;
}

static enum err set_context_state(struct sqdb *d, const struct rec_context_state *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_CONTEXT_STATE);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->generation);
	store_sqdb_put(&c, r->fresh);
	store_sqdb_put(&c, r->executed);
	store_sqdb_put(&c, position(d));
	return store_sqdb_run(d, &c);
}

static enum err set_failures(struct sqdb *d, const struct rec_context_failures *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_CONTEXT_FAILURES);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->failures);
	return store_sqdb_run(d, &c);
}

static enum err reserve(struct sqdb *d, const struct rec_ssn_reserve *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_SSN_RESERVE);
	store_sqdb_put(&c, r->context_id);
	store_sqdb_put(&c, r->expect);
	store_sqdb_put(&c, r->add);
	enum err e = store_sqdb_run(d, &c);
	d->reserved = true;
	if (e || sqlite3_changes(d->db) == 1)
		return e;
	snprintf(d->why, sizeof(d->why), "the sender number of context %" PRIu64 " is not %" PRIu64,
		r->context_id, r->expect);
	return ERR_CONFLICT;
}

static enum err seen(struct sqdb *d, const struct rec_seen *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_SEEN);
	uint64_t flags = (uint64_t)(r->fresh | r->executed << 1);
	const uint64_t summed[SUM_SEEN_N] = {
		d->log_next, r->context_id, r->piv, r->expiry_ms, flags, r->now_ms};
	store_sqdb_put(&c, d->log_next);
	store_sqdb_put(&c, r->context_id);
	store_sqdb_put(&c, r->piv);
	store_sqdb_put(&c, r->now_ms);
	store_sqdb_put(&c, r->hash);
	store_sqdb_put(&c, r->expiry_ms);
	store_sqdb_put(&c, store_sum_seen(summed) << SUM_SEEN_SHIFT | flags);
	store_sqdb_put_blob(&c, store_response(r->response));
	enum err e = store_sqdb_run(d, &c);
	if (e)
		return e;
	d->log_next++;
	d->clock_log_ms = r->now_ms;
	return ERR_OK;
}

static enum err put_reg(struct sqdb *d, const struct rec_reg *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_REG_PUT);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->context_id);
	store_sqdb_put_text(&c, r->location);
	store_sqdb_put(&c, r->lifetime_s);
	store_sqdb_put(&c, r->lwm2m);
	store_sqdb_put(&c, r->binding);
	store_sqdb_put(&c, r->queue);
	store_sqdb_put_text(&c, r->sms);
	store_sqdb_put_text(&c, r->links);
	store_sqdb_put_blob(&c, r->peer);
	store_sqdb_put(&c, (uint64_t)r->registered_wall_s);
	store_sqdb_put(&c, r->expiry_ms);
	store_sqdb_put(&c, position(d));
	return store_sqdb_run(d, &c);
}

static enum err touch(struct sqdb *d, const struct rec_reg_touch *r)
{
	enum err e = ERR_OK;
	struct sqdb_cur c = store_sqdb_use(d, SQDB_REG_EXPIRY);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->expiry_ms);
	store_sqdb_put(&c, position(d));
	if (r->expiry_ms)
		e = store_sqdb_run(d, &c);
	if (e || !r->peer.n)
		return e;
	c = store_sqdb_use(d, SQDB_REG_PEER);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put_blob(&c, r->peer);
	return store_sqdb_run(d, &c);
}

static enum err put_op(struct sqdb *d, const struct rec_op *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_OP_PUT);
	use_id(d, r->id);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put_text(&c, r->kind);
	store_sqdb_put_text(&c, r->path);
	store_sqdb_put(&c, r->state);
	store_sqdb_put(&c, (uint64_t)r->created_wall_s);
	store_sqdb_put_text(&c, r->result);
	store_sqdb_put(&c, r->ref);
	store_sqdb_put(&c, r->expiry_ms);
	store_sqdb_put_blob(&c, r->body);
	return store_sqdb_run(d, &c);
}

static enum err put_op_state(struct sqdb *d, const struct rec_op_state *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_OP_STATE);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->state);
	return store_sqdb_run(d, &c);
}

static enum err put_plan(struct sqdb *d, const struct rec_plan *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_PLAN_PUT);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put_text(&c, r->json);
	return store_sqdb_run(d, &c);
}

static enum err put_event(struct sqdb *d, const struct rec_event *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_EVENT);
	store_sqdb_put(&c, r->seq);
	store_sqdb_put(&c, (uint64_t)r->wall_ms);
	store_sqdb_put_text(&c, r->type);
	store_sqdb_put_text(&c, r->endpoint);
	store_sqdb_put_text(&c, r->json);
	enum err e = store_sqdb_run(d, &c);
	if (!e && r->seq >= d->info.next_event)
		d->info.next_event = r->seq + 1;
	return e;
}

static enum err put_image(struct sqdb *d, const struct rec_image *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_IMAGE_PUT);
	use_id(d, r->id);
	store_sqdb_put(&c, r->id);
	store_sqdb_put_text(&c, r->name);
	store_sqdb_put_blob(&c, r->sha256);
	store_sqdb_put(&c, r->bytes);
	store_sqdb_put(&c, (uint64_t)r->created_wall_s);
	store_sqdb_put(&c, r->once);
	return store_sqdb_run(d, &c);
}

static enum err put_firmware(struct sqdb *d, const struct rec_firmware *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_FIRMWARE_PUT);
	store_sqdb_put(&c, r->endpoint_id);
	store_sqdb_put(&c, r->method);
	store_sqdb_put(&c, r->step);
	store_sqdb_put(&c, r->outcome);
	store_sqdb_put(&c, r->device_result);
	store_sqdb_put(&c, r->executed);
	store_sqdb_put(&c, r->observing);
	store_sqdb_put(&c, r->image_id);
	store_sqdb_put_text(&c, r->image);
	store_sqdb_put_text(&c, r->uri);
	store_sqdb_put_text(&c, r->detail);
	store_sqdb_put(&c, (uint64_t)r->created_wall_s);
	store_sqdb_put(&c, (uint64_t)r->changed_wall_s);
	return store_sqdb_run(d, &c);
}

static enum err apply(struct sqdb *d, const struct rec *r)
{
	switch (r->type) {
	case REC_ENDPOINT_PUT:
		return put_endpoint(d, &r->endpoint);
	case REC_ENDPOINT_DEL:
		return del_endpoint(d, r->del.id);
	case REC_CONTEXT_PUT:
		return put_context(d, &r->context);
	case REC_CONTEXT_DEL:
		return del_context(d, &r->del);
	case REC_CONTEXT_STATE:
		return set_context_state(d, &r->context_state);
	case REC_CONTEXT_FAILURES:
		return set_failures(d, &r->context_failures);
	case REC_SSN_RESERVE:
		return reserve(d, &r->ssn);
	case REC_SEEN:
		return seen(d, &r->seen);
	case REC_REG_PUT:
		return put_reg(d, &r->reg);
	case REC_REG_DEL:
		return run_id(d, SQDB_REG_DEL, r->del.id);
	case REC_REG_TOUCH:
		return touch(d, &r->touch);
	case REC_OP_PUT:
		return put_op(d, &r->op);
	case REC_OP_STATE:
		return put_op_state(d, &r->op_state);
	case REC_OP_DEL:
		return run_id(d, SQDB_OP_DEL, r->del.id);
	case REC_PLAN_PUT:
		return put_plan(d, &r->plan);
	case REC_PLAN_DEL:
		return run_id(d, SQDB_PLAN_DEL, r->del.id);
	case REC_EVENT:
		return put_event(d, &r->event);
	case REC_IMAGE_PUT:
		return put_image(d, &r->image);
	case REC_IMAGE_DEL:
		return run_id(d, SQDB_IMAGE_DEL, r->del.id);
	case REC_FIRMWARE_PUT:
		return put_firmware(d, &r->firmware);
	case REC_FIRMWARE_DEL:
		return run_id(d, SQDB_FIRMWARE_DEL, r->del.id);
	case REC_CREDENTIAL_PUT:
		return put_credential(d, &r->credential);
	case REC_CREDENTIAL_DEL:
		return del_credential(d, &r->credential);
	}
	snprintf(d->why, sizeof(d->why), "unknown record type %d", (int)r->type);
	return ERR_UNSUPPORTED;
}

enum err store_sqdb_apply(struct sqdb *d, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		enum err e = apply(d, &b->recs[i]);
		if (e)
			return e;
	}
	if (b->now_ms > d->info.now_ms)
		d->info.now_ms = b->now_ms;
	return ERR_OK;
}

/* Deletes in lots; readers ask for no more than the ring anyway. */
enum err store_sqdb_trim(struct sqdb *d)
{
	enum { LOT = 64 };
	uint64_t newest = d->info.next_event - 1, ring = d->opts.event_ring;
	if (newest < ring || newest - ring < d->event_trimmed + LOT)
		return ERR_OK;
	enum err e = run_id(d, SQDB_EVENT_TRIM, newest - ring);
	if (!e)
		d->event_trimmed = newest - ring;
	return e;
}

enum err store_sqdb_probe(struct sqdb *d)
{
	enum err e = store_sqdb_begin(d);
	d->meta_dirty = true;
	return e ? e : store_sqdb_end(d, ERR_OK);
}

enum err store_sqdb_mark_running(struct sqdb *d)
{
	d->info.clean = false;
	store_sqdb_raise(d);
	d->begun = true;
	return store_sqdb_probe(d);
}

static enum err put_exact(struct sqdb *d, const struct rec_context *r)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_EXACT);
	store_sqdb_put(&c, r->id);
	store_sqdb_put(&c, r->ssn_limit);
	store_sqdb_put(&c, r->highest);
	store_sqdb_put(&c, r->window);
	store_sqdb_put(&c, d->stops);
	store_sqdb_put(&c, r->failures);
	return store_sqdb_run(d, &c);
}

enum err store_sqdb_stop(struct sqdb *d, const struct rec_context *exact, size_t n, uint64_t now_ms)
{
	enum err e = store_sqdb_begin(d);
	if (e)
		return e;
	if (now_ms > d->info.now_ms)
		d->info.now_ms = now_ms;
	d->stops++;
	d->info.clean = true;
	d->meta_dirty = true;
	store_sqdb_raise(d); /* a copy of an earlier moment is then known for what it is */
	e = store_sqdb_fold_all(d);
	for (size_t i = 0; !e && i < n; i++)
		e = put_exact(d, &exact[i]);
	return store_sqdb_end(d, e);
}
