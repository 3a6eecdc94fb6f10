/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine below its thread: one connection, its prepared statements, and what it mirrors
 * of the database. Nothing here locks; whoever holds the struct is alone with it. */
#ifndef LANYARD_STORAGE_SQLITE_DB_H
#define LANYARD_STORAGE_SQLITE_DB_H

#include "storage/anchor.h"
#include "storage/file.h"
#include "storage/sqlite.h"
#include "storage/store_impl.h"

#include <sqlite3.h>

enum {
	SQDB_APPLICATION_ID = 0x4c4e5944, /* "LNYD" */
	SQDB_VERSION = 11,                /* user_version of the schema in sqlite_schema.c */
	SQDB_WHY_MAX = STORE_WHY_MAX,
	SQDB_SUSPECT = 255, /* meta.suspect of a copy: no single bit takes it back */
};

enum sqdb_stmt {
	SQDB_BEGIN,
	SQDB_COMMIT,
	SQDB_ROLLBACK,
	SQDB_META,
	SQDB_ENDPOINT_PUT,
	SQDB_ENDPOINT_DEL,
	SQDB_ENDPOINT_CONTEXTS,
	SQDB_OPS_DEL,
	SQDB_CONTEXT_PUT,
	SQDB_HOT_PUT,
	SQDB_TOMBSTONE,
	SQDB_HOT_DEAD,
	SQDB_HOT_DEL,
	SQDB_HOT_LIMIT,
	SQDB_CONTEXT_DEL,
	SQDB_CONTEXT_STATE,
	SQDB_INPUTS,
	SQDB_CONTEXT_FAILURES,
	SQDB_SSN_RESERVE,
	SQDB_SEEN,
	SQDB_REG_PUT,
	SQDB_REG_DEL,
	SQDB_REG_EXPIRY,
	SQDB_REG_PEER,
	SQDB_OP_PUT,
	SQDB_OP_STATE,
	SQDB_OP_DEL,
	SQDB_PLAN_PUT,
	SQDB_PLAN_DEL,
	SQDB_EVENT,
	SQDB_EVENT_TRIM,
	SQDB_EVENTS,
	SQDB_LOG_AT,
	SQDB_LOG_ROWS,
	SQDB_LOG_DEL,
	SQDB_FOLD,
	SQDB_EXACT,
	SQDB_IMAGE_PUT,
	SQDB_IMAGE_DEL,
	SQDB_FIRMWARE_PUT,
	SQDB_FIRMWARE_DEL,
	SQDB_CREDENTIAL_PUT,
	SQDB_CREDENTIAL_DEL,
	SQDB_CREDENTIALS_DEL,
	SQDB_ROLL_BACK,
	SQDB_DISTRUST,
	SQDB_STMTS,
};

/* What the log says of one context. Of a position, 0 means nothing was said. */
struct sqdb_fold {
	uint64_t context_id;
	uint64_t highest;
	uint64_t fresh_pos, executed_pos; /* of the newest row that set the flag */
	uint64_t expiry_pos, expiry_ms;   /* of the newest row with an expiry */
};

/* One for each context, sorted, once it is compacted; before that one for each row. */
struct sqdb_folds {
	struct sqdb_fold *v;
	size_t n, cap;
};

enum sqdb_fold_phase { SQDB_FOLD_IDLE, SQDB_FOLD_COLLECT, SQDB_FOLD_APPLY, SQDB_FOLD_DELETE };

/* Folding a chunk of the log, a slice of work in each commit. Lost without harm. */
struct sqdb_folding {
	enum sqdb_fold_phase phase;
	struct sqdb_folds folds;
	uint64_t next, end; /* log positions: of the rows left to collect */
	size_t applied;     /* of folds */
};

/* A backup under way. */
struct sqdb_copying {
	sqlite3 *to; /* NULL: none */
	sqlite3_backup *backup;
	int fd; /* of the file, to sync it */
	char path[4096];
};

struct sqdb {
	sqlite3 *db; /* NULL: closed */
	sqlite3_stmt *stmt[SQDB_STMTS];
	char path[4096];
	struct store_sqlite_opts opts; /* its `dir` is not to be used: it was the caller's */

	/* mirrors of meta; after a failure read again by reopening */
	struct store_info info;
	uint64_t clock_stored_ms;     /* what meta.clock_ms is */
	uint64_t clock_log_ms;        /* now_ms of the newest log row */
	uint64_t stops;               /* clean stops so far */
	uint64_t log_first, log_next; /* the log is the rows log_first to log_next - 1 */
	uint64_t event_trimmed;       /* events up to this one are deleted */
	bool meta_dirty;
	struct store_mark mark;
	bool suspect;  /* it is stamped as a copy */
	uint64_t torn; /* of the log: a row that is damaged, or lost; 0: none was found */

	struct store_anchor anchor; /* its mark is the database's, or one generation behind */
	enum store_seal seal;
	bool rolled_back;
	bool begun;         /* the generation has risen since the start */
	bool reserved;      /* the transaction raised an ssn_limit */
	uint64_t raised_ms; /* when the generation rose last */
	uint64_t anchor_syncs;

	struct sqdb_folding folding;
	struct sqdb_copying copying;
	char why[SQDB_WHY_MAX]; /* of the last failure */
};

/* sqlite_db.c */

/* Opens d->path (a file that exists, of whatever length), makes or migrates the schema, prepares
 * and reads the mirrors. On error d->why says it and the connection is closed; a database of a
 * newer version, or of another program, is untouched. */
MUST_USE enum err store_sqdb_open(struct sqdb *d);
void store_sqdb_close(struct sqdb *d);
/* Remembers the failure `rc` of the last call in d->why and returns its meaning. */
enum err store_sqdb_error(struct sqdb *d, int rc);
/* Runs SQL that returns no rows. */
MUST_USE enum err store_sqdb_exec(struct sqdb *d, const char *sql);
/* Commits if `e` is ERR_OK, else rolls back; returns what became of it. Writes meta if it is dirty.
 * If the generation rose, the anchor has followed when it returns ERR_OK. */
MUST_USE enum err store_sqdb_end(struct sqdb *d, enum err e);
MUST_USE enum err store_sqdb_begin(struct sqdb *d);

/* Parameters of a statement and columns of a row, from left to right. */
struct sqdb_cur {
	sqlite3_stmt *st;
	int at;
	int rc; /* sticky */
};

struct sqdb_cur store_sqdb_use(struct sqdb *d, enum sqdb_stmt which);
void store_sqdb_put(struct sqdb_cur *c, uint64_t v); /* UINT64_MAX becomes -1 */
void store_sqdb_put_text(struct sqdb_cur *c, struct span s);
void store_sqdb_put_blob(struct sqdb_cur *c, struct span s);
/* NULL if s.p is NULL. */
void store_sqdb_put_opt(struct sqdb_cur *c, struct span s);
/* Steps a statement that returns no rows, and resets it. */
MUST_USE enum err store_sqdb_run(struct sqdb *d, struct sqdb_cur *c);
/* Steps to the next row; the columns are read from c. ERR_NOTFOUND at the end. The statement is
 * to be reset or finalized by the caller. */
MUST_USE enum err store_sqdb_row(struct sqdb *d, struct sqdb_cur *c);
uint64_t store_sqdb_get(struct sqdb_cur *c);
/* NULL is {NULL, 0}; an empty value has a p. */
struct span store_sqdb_get_span(struct sqdb_cur *c);

/* sqlite_schema.c */
extern const char *const store_sqdb_sql[SQDB_STMTS];
/* From version i to i + 1. */
extern const char *const store_sqdb_migration[SQDB_VERSION];

/* sqlite_dir.c: the state directory and its files. */

/* Makes the directory if it is missing, locks it and makes an empty database file if there is none.
 * *lock_fd holds the lock until it is closed. */
MUST_USE enum err store_sqdir_open(const char *dir, int *lock_fd, char *why);
/* The first half of that: directory and lock. */
MUST_USE enum err store_sqdir_lock(const char *dir, int *lock_fd, char *why);
/* Whether opening would find the directory free and the database of a version this program knows;
 * changes nothing. ERR_NOTFOUND if there is no database. */
MUST_USE enum err store_sqdir_check(const char *dir, char *why);
/* Of the database file alone: application and version in its header. */
MUST_USE enum err store_sqdir_version(const char *path, char *why);
MUST_USE enum err store_sqdir_tighten(const char *dir, char *why);

/* sqlite_write.c */
MUST_USE enum err store_sqdb_apply(struct sqdb *d, const struct batch *b);
/* After the batches of a group: trims the events. */
MUST_USE enum err store_sqdb_trim(struct sqdb *d);
/* The whole of store_stop and store_begin, each one transaction. */
MUST_USE enum err store_sqdb_stop(
	struct sqdb *d, const struct rec_context *exact, size_t n, uint64_t now_ms);
MUST_USE enum err store_sqdb_mark_running(struct sqdb *d);
/* Commits something that means nothing. */
MUST_USE enum err store_sqdb_probe(struct sqdb *d);

/* sqlite_anchor.c */
/* After opening: opens the anchor in `dir`, finds out what this start is and acts on it; a rollback
 * is over when it returns, and a sealed store (d->seal) untouched. On error d->why says it. */
MUST_USE enum err store_sqdb_moor(struct sqdb *d, const char *dir);
/* After opening again: it must still be the database it was. */
MUST_USE enum err store_sqdb_moor_again(struct sqdb *d);
/* In a transaction: the generation rises with it. */
void store_sqdb_raise(struct sqdb *d);
/* Behind a commit: the anchor says what the database says, durably. */
MUST_USE enum err store_sqdb_follow(struct sqdb *d);
/* What to do about an anchor that is another database's. */
void store_sqdb_foreign(const char *anchor_dir, char *why);
/* A sealed one is opened, as after a rollback. */
MUST_USE enum err store_sqdb_unseal(struct sqdb *d);

/* sqlite_backup.c: a copy, a slice at a time. Never two at once. */
/* Makes the file. On error it is gone again, as on any later one, and d->why says it. */
MUST_USE enum err store_sqdb_backup_begin(struct sqdb *d, const char *path);
/* Some pages more; *over: that was the last, and the file is whole and durable. */
MUST_USE enum err store_sqdb_backup_slice(struct sqdb *d, bool *over, uint64_t *bytes);
/* Gives it up. Harmless if there is none. */
void store_sqdb_backup_stop(struct sqdb *d);

/* sqlite_fold.c */

/* A slice of folding, after a group that appended `rows` to the log. */
MUST_USE enum err store_sqdb_fold_slice(struct sqdb *d, uint64_t rows);
/* Folds the whole log and deletes what is older than the exchange lifetime. */
MUST_USE enum err store_sqdb_fold_all(struct sqdb *d);
/* Folds the whole log and deletes all of it. */
MUST_USE enum err store_sqdb_fold_away(struct sqdb *d);
/* A log with damaged or lost rows (d->torn) does not say which windows they belonged to: the rest
 * is folded, the log emptied, and every window stale, in one transaction. */
MUST_USE enum err store_sqdb_mend_log(struct sqdb *d);
/* sqlite_mend.c */
/* Before that: rows of it in which one bit has turned become what they were, if that is all there
 * is. `m` tells which. */
enum { SQDB_MENDED_MAX = 16 };
struct sqdb_mended {
	size_t n;
	uint64_t row[SQDB_MENDED_MAX];
};
MUST_USE enum err store_sqdb_turn_back(struct sqdb *d, struct sqdb_mended *m);
/* sqlite_fold.c, again */
void store_sqdb_fold_reset(struct sqdb *d);
/* The whole log, compacted, to be freed with store_sqdb_folds_fini. ERR_CORRUPT: d->torn. */
MUST_USE enum err store_sqdb_folds_read(struct sqdb *d, struct sqdb_folds *f);
void store_sqdb_folds_fini(struct sqdb_folds *f);
/* Rows with now_ms above it are younger than the exchange lifetime. -1: all are. */
int64_t store_sqdb_cutoff(const struct sqdb *d);

/* sqlite_load.c */
MUST_USE enum err store_sqdb_load(
	struct sqdb *d, const struct store_visitor *v, struct store_info *info);
void store_sqdb_inputs(struct sqdb *d, struct store_inputs *q);
MUST_USE enum err store_sqdb_events(
	struct sqdb *d, uint64_t after, size_t max, store_event_fn *fn, void *arg, uint64_t *first);

#endif
