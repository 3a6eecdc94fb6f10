/* SPDX-License-Identifier: Apache-2.0 */
/* Moves what old log rows say into `hot`. A chunk of rows is read, sorted and merged by context, so
 * that the updates go through the table from front to back and touch each page once; then the rows
 * are deleted. All in slices, each within some group's transaction. */
#include "storage/sqlite_db.h"
#include "storage/sqlite_sum.h"

#include <inttypes.h>
#include <stdio.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, YOUNG_FACTOR = 16 };

static void sort_by_digit(
	struct sqdb_fold *to, const struct sqdb_fold *from, size_t n, unsigned shift)
{
	uint32_t at[DIGITS] = {0}, sum = 0;
	for (size_t i = 0; i < n; i++)
		at[from[i].context_id >> shift & (DIGITS - 1)]++;
	for (size_t i = 0; i < DIGITS; i++) {
		uint32_t count = at[i];
		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].context_id >> shift & (DIGITS - 1)]++] = from[i];
}

/* By context. A radix sort: qsort of half a log took 50 ms, and a commit waits for it. */
static enum err sort(struct sqdb_folds *f)
{
	uint64_t max = 0;
	for (size_t i = 0; i < f->n; i++)
		max |= f->v[i].context_id;
	struct sqdb_fold *spare = malloc((f->cap ? f->cap : 1) * sizeof(*spare));
	if (!spare)
		return ERR_NOMEM;
	for (unsigned shift = 0; shift < 64 && max >> shift; shift += DIGIT_BITS) {
		struct sqdb_fold *from = f->v;
		sort_by_digit(spare, from, f->n, shift);
		f->v = spare;
		spare = from;
	}
	free(spare);
	return ERR_OK;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* In any order, with the same outcome. */
static void merge(struct sqdb_fold *to, const struct sqdb_fold *from)
{
	to->highest = larger(to->highest, from->highest);
	to->fresh_pos = larger(to->fresh_pos, from->fresh_pos);
	to->executed_pos = larger(to->executed_pos, from->executed_pos);
	if (from->expiry_pos > to->expiry_pos) {
		to->expiry_pos = from->expiry_pos;
		to->expiry_ms = from->expiry_ms;
	}
}

static enum err compact(struct sqdb_folds *f)
{
	size_t n = 0;
	enum err e = sort(f);
	if (e)
		return e;
	for (size_t i = 0; i < f->n; i++) {
		if (n && f->v[n - 1].context_id == f->v[i].context_id)
			merge(&f->v[n - 1], &f->v[i]);
		else
			f->v[n++] = f->v[i];
	}
	f->n = n;
	return ERR_OK;
}

static enum err folds_grow(struct sqdb_folds *f)
{
	size_t cap = f->cap ? 2 * f->cap : 1024;
	struct sqdb_fold *v = realloc(f->v, cap * sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	f->v = v;
	f->cap = cap;
	return ERR_OK;
}

/* Compacts before it grows, so that memory is bounded by the number of contexts. */
static enum err folds_add(struct sqdb_folds *f, const struct sqdb_fold *row)
{
	if (f->n == f->cap) {
		enum err e = compact(f);
		if (!e && f->n >= f->cap / 2)
			e = folds_grow(f);
		if (e)
			return e;
	}
	f->v[f->n++] = *row;
	return ERR_OK;
}

void store_sqdb_folds_fini(struct sqdb_folds *f)
{
	free(f->v);
	*f = (struct sqdb_folds){0};
}

/* The next row of the log; `next` is the position it must have. False: it is damaged, or lost. */
static bool read_row(struct sqdb_cur *c, uint64_t next, struct sqdb_fold *row)
{
	uint64_t v[SUM_SEEN_N];
	for (size_t i = 0; i < SUM_SEEN_N; i++)
		v[i] = store_sqdb_get(c);
	uint64_t sum = v[4] >> SUM_SEEN_SHIFT;
	v[4] &= (1u << SUM_SEEN_SHIFT) - 1;
	if (v[0] != next || sum != store_sum_seen(v))
		return false;
	*row = (struct sqdb_fold){.context_id = v[1],
		.highest = v[2],
		.expiry_ms = v[3],
		.expiry_pos = v[3] ? next : 0,
		.fresh_pos = v[4] & 1 ? next : 0,
		.executed_pos = v[4] & 2 ? next : 0};
	return true;
}

static enum err torn(struct sqdb *d, uint64_t pos)
{
	if (!d->torn)
		d->torn = pos;
	snprintf(d->why, sizeof(d->why), "row %" PRIu64 " of its table seen is damaged or lost",
		pos);
	return ERR_CORRUPT;
}

/* With `anyway` damaged rows are left out. */
static enum err collect(
	struct sqdb *d, struct sqdb_folds *f, uint64_t from, uint64_t end, bool anyway)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_LOG_ROWS);
	struct sqdb_fold row;
	store_sqdb_put(&c, from);
	store_sqdb_put(&c, end);
	enum err e;
	uint64_t next = from;
	for (; !(e = store_sqdb_row(d, &c)); next++) {
		if (anyway)
			next = (uint64_t)sqlite3_column_int64(c.st, 0);
		if (read_row(&c, next, &row))
			e = folds_add(f, &row);
		else if (!anyway)
			e = torn(d, next);
		if (e)
			break;
	}
	sqlite3_reset(c.st);
	if (e != ERR_NOTFOUND)
		return e;
	return next != end && !anyway ? torn(d, next) : ERR_OK;
}

enum err store_sqdb_folds_read(struct sqdb *d, struct sqdb_folds *f)
{
	enum err e = collect(d, f, d->log_first, d->log_next, false);
	return e ? e : compact(f);
}

static enum err apply(struct sqdb *d, const struct sqdb_fold *f)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_FOLD);
	store_sqdb_put(&c, f->context_id);
	store_sqdb_put(&c, f->highest);
	store_sqdb_put(&c, f->fresh_pos);
	store_sqdb_put(&c, f->executed_pos);
	store_sqdb_put(&c, f->expiry_ms);
	store_sqdb_put(&c, f->expiry_pos);
	return store_sqdb_run(d, &c);
}

/* The clock must not fall back to what is left, nor the positions start again. */
static enum err delete_rows(struct sqdb *d, uint64_t end)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_LOG_DEL);
	store_sqdb_put(&c, d->log_first);
	store_sqdb_put(&c, end);
	d->log_first = end;
	d->meta_dirty = true;
	return store_sqdb_run(d, &c);
}

int64_t store_sqdb_cutoff(const struct sqdb *d)
{
	uint64_t now = d->info.now_ms, lifetime = d->opts.exchange_lifetime_ms;
	return now < lifetime ? -1 : (int64_t)(now - lifetime);
}

static enum err row_is_old(struct sqdb *d, uint64_t pos, bool *old)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_LOG_AT);
	store_sqdb_put(&c, pos);
	enum err e = store_sqdb_row(d, &c);
	if (!e)
		*old = (int64_t)store_sqdb_get(&c) <= store_sqdb_cutoff(d);
	sqlite3_reset(c.st);
	return e == ERR_NOTFOUND ? ERR_CORRUPT : e;
}

/* Starts on half a log's worth of rows, when there are too many and those are old. Far too many are
 * folded young: a copy of such a request then finds no stored answer after a crash and is refused,
 * which loses an answer under a load that would fill the disk, and admits no replay. */
static enum err start(struct sqdb *d)
{
	uint64_t max = d->opts.log_rows_max, chunk = (max + 1) / 2;
	if (d->log_next - d->log_first <= max)
		return ERR_OK;
	bool old = d->log_next - d->log_first > max * YOUNG_FACTOR;
	enum err e = old ? ERR_OK : row_is_old(d, d->log_first + chunk - 1, &old);
	if (e || !old)
		return e;
	d->folding.phase = SQDB_FOLD_COLLECT;
	d->folding.next = d->log_first;
	d->folding.end = d->log_first + chunk;
	return ERR_OK;
}

void store_sqdb_fold_reset(struct sqdb *d)
{
	store_sqdb_folds_fini(&d->folding.folds);
	d->folding = (struct sqdb_folding){.phase = SQDB_FOLD_IDLE};
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Does at most *rows of the current phase, takes what it did off *rows, and moves on to the next
 * phase at its end. */
static enum err step(struct sqdb *d, uint64_t *rows)
{
	struct sqdb_folding *f = &d->folding;
	uint64_t end;
	enum err e = ERR_OK;
	switch (f->phase) {
	case SQDB_FOLD_IDLE:
		return start(d);
	case SQDB_FOLD_COLLECT:
		end = smaller(f->next + *rows, f->end);
		e = collect(d, &f->folds, f->next, end, false);
		*rows -= end - f->next;
		f->next = end;
		if (e || end < f->end)
			return e;
		f->phase = SQDB_FOLD_APPLY;
		return compact(&f->folds);
	case SQDB_FOLD_APPLY:
		for (; !e && *rows && f->applied < f->folds.n; --*rows)
			e = apply(d, &f->folds.v[f->applied++]);
		if (!e && f->applied == f->folds.n) {
			store_sqdb_folds_fini(&f->folds);
			f->phase = SQDB_FOLD_DELETE;
		}
		return e;
	case SQDB_FOLD_DELETE:
		end = smaller(d->log_first + *rows, f->end);
		*rows -= end - d->log_first;
		e = delete_rows(d, end);
		if (!e && end == f->end)
			store_sqdb_fold_reset(d);
		return e;
	}
	return e;
}

static uint64_t monotonic_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Three phases each go over the rows once, so four steps for each row appended keep up; a lone
 * device's commit stays small. The time limit is for pages that must come from a slow disk. */
enum err store_sqdb_fold_slice(struct sqdb *d, uint64_t rows)
{
	enum { LIMIT_US = 10000, LOT = 256 };
	uint64_t until = monotonic_us() + LIMIT_US;
	enum err e = ERR_OK;
	uint64_t left = 4 * rows;
	/* Far above the limit the log comes first: commits wait for the disk, and it stays bounded.
	 */
	bool over = d->log_next - d->log_first > d->opts.log_rows_max * YOUNG_FACTOR;
	while (!e && left && (over || monotonic_us() < until)) {
		bool idle = d->folding.phase == SQDB_FOLD_IDLE;
		uint64_t lot = smaller(left, LOT), unused = lot;
		e = step(d, &unused);
		left -= lot - unused;
		if (idle && d->folding.phase == SQDB_FOLD_IDLE)
			break;
	}
	return e;
}

static enum err first_young(struct sqdb *d, uint64_t *pos)
{
	bool old = true;
	for (*pos = d->log_first; *pos < d->log_next; (*pos)++) {
		enum err e = row_is_old(d, *pos, &old);
		if (e || !old)
			return e;
	}
	return ERR_OK;
}

static enum err fold_rows(struct sqdb *d, bool anyway)
{
	struct sqdb_folds f = {0};
	store_sqdb_fold_reset(d);
	uint64_t from = anyway ? 0 : d->log_first, end = anyway ? INT64_MAX : d->log_next;
	enum err e = collect(d, &f, from, end, anyway);
	if (!e)
		e = compact(&f);
	for (size_t i = 0; !e && i < f.n; i++)
		e = apply(d, &f.v[i]);
	store_sqdb_folds_fini(&f);
	return e;
}

enum err store_sqdb_fold_away(struct sqdb *d)
{
	enum err e = fold_rows(d, true);
	d->log_first = 0; /* where damaged rows may claim to be */
	return e ? e : delete_rows(d, d->log_next);
}

enum err store_sqdb_mend_log(struct sqdb *d)
{
	enum err e = store_sqdb_begin(d);
	if (e)
		return e;
	e = store_sqdb_fold_away(d);
	struct sqdb_cur c = store_sqdb_use(d, SQDB_DISTRUST);
	store_sqdb_put(&c, d->log_next - 1);
	if (!e)
		e = store_sqdb_run(d, &c);
	return store_sqdb_end(d, e);
}

enum err store_sqdb_fold_all(struct sqdb *d)
{
	uint64_t young;
	enum err e = fold_rows(d, false);
	if (!e)
		e = first_young(d, &young);
	if (!e && young > d->log_first)
		e = delete_rows(d, young);
	return e;
}
