/* SPDX-License-Identifier: Apache-2.0 */
/* The data of the memory engine: ordered tables of copied records. Only mem.c uses this. */
#ifndef LANYARD_STORAGE_MEM_DB_H
#define LANYARD_STORAGE_MEM_DB_H

#include "storage/anchor.h"

enum memdb_kind {
	MEMDB_ENDPOINT,
	MEMDB_CONTEXT,
	MEMDB_DEAD, /* a deleted context, for its tombstones: ids and counters, no keys */
	MEMDB_REG,
	MEMDB_SEEN, /* keyed by position in the log */
	MEMDB_PLAN,
	MEMDB_OP,
	MEMDB_EVENT,
	MEMDB_IMAGE,
	MEMDB_FIRMWARE,
	MEMDB_CREDENTIAL, /* keyed by endpoint, kind and role */
	MEMDB_KINDS,
};

/* A record and the bytes of its spans in one allocation. */
struct memdb_item {
	uint64_t key;
	size_t size;
	struct rec rec;
};

struct memdb_table { /* sorted by key */
	struct memdb_item **v;
	size_t n, cap;
};

struct memdb_undo {
	enum memdb_kind kind;
	uint64_t key;
	struct memdb_item *old; /* NULL: there was none */
};

struct memdb {
	struct memdb_table table[MEMDB_KINDS];
	struct memdb_undo *undo; /* of the batch being applied */
	size_t undo_n, undo_cap;
	uint64_t exchange_lifetime_ms;
	size_t event_ring;
	uint64_t log_next;
	struct store_info info;
	struct store_mark mark;
	bool reserved; /* the last batch raised an ssn_limit */
};

void store_memdb_init(struct memdb *db, const struct store_mem_opts *o);
void store_memdb_fini(struct memdb *db);
/* All or nothing. ERR_CONFLICT: a sender number that is not as expected, a name that is taken, a
 * context id that was deleted. ERR_NOMEM. */
MUST_USE enum err store_memdb_apply(struct memdb *db, const struct batch *b);
void store_memdb_begin(struct memdb *db);
/* What a rollback means for contexts and log, with the number of rollbacks that `mark` has. */
void store_memdb_set_back(struct memdb *db, const struct store_mark *mark);
void store_memdb_stop(struct memdb *db, const struct rec_context *exact, size_t n, uint64_t now_ms);
MUST_USE enum err store_memdb_load(
	const struct memdb *db, const struct store_visitor *v, struct store_info *info);
void store_memdb_inputs(const struct memdb *db, struct store_inputs *q);
MUST_USE enum err store_memdb_events(const struct memdb *db, uint64_t after, size_t max,
	store_event_fn *fn, void *arg, uint64_t *first);
/* `to` is as store_memdb_init left it; on ERR_NOMEM it is in part filled. */
MUST_USE enum err store_memdb_copy(struct memdb *to, const struct memdb *from);

#endif
