/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine of the store. */
#ifndef LANYARD_STORAGE_SQLITE_H
#define LANYARD_STORAGE_SQLITE_H

#include "storage/store.h"

struct store_sqlite_opts {
	const char *dir;    /* made if it is missing, mode 0700; holds lanyard.db and lock */
	const char *anchor; /* the directory of the anchor; NULL or "": DIR.anchor */
	uint64_t exchange_lifetime_ms; /* how long log rows must stay */
	uint64_t log_rows_max; /* beyond this many, older rows than that are folded, and beyond 16
				  times as many all of them; 0: 262144 */
	size_t event_ring;     /* events kept; 0: 10000 */
	uint32_t wal_pages;    /* the log of pages is checkpointed once it has so many; 0: 2048 */
	bool read_only_check;  /* look at version and lock, change nothing; *out stays NULL */
};

/* Opens or makes the database: WAL, synchronous=FULL, locking_mode=EXCLUSIVE, one connection, flock
 * on the directory. On error `why` (256 bytes) says it for an operator, with the path; the database
 * is left as it was. ERR_NEWER, ERR_READONLY, ERR_BUSY (another daemon, or sqlite3 has it open),
 * ERR_CORRUPT, ERR_CONFLICT (the anchor is another database's), ERR_FULL, ERR_IO, ERR_NOMEM,
 * ERR_LIMIT (threads); checking only: ERR_NOTFOUND if
 * there is no database yet. */
MUST_USE enum err store_sqlite_open(const struct store_sqlite_opts *o, store_done_fn *done,
	void *arg, struct store **out, char *why);

struct store_restore {
	const char *dir, *anchor; /* as in store_sqlite_opts */
	const char *file;         /* a backup, or a raw copy with its -wal beside it */
	const char *when;         /* for a file name: "20240131T235959Z" */
	/* the outcome */
	char aside[4096];     /* where the database went that was there; "": there was none */
	enum store_seal seal; /* why the next start will be sealed; none: it will be a rollback */
	uint32_t rollbacks;   /* of the copy */
};

/* Puts a copy in the place of the database of a daemon that does not run. The copy is checked and
 * stamped first, and is put in whole or not at all; the database that was there is moved aside,
 * never deleted. Files belong to the owner of the directory. ERR_BUSY: a daemon runs; ERR_CONFLICT:
 * the anchor is another database's; ERR_NOTFOUND (the file), ERR_CORRUPT, ERR_NEWER, ERR_READONLY,
 * ERR_FULL, ERR_EXISTS (aside), ERR_IO. `why` (256 bytes) says it. */
MUST_USE enum err store_sqlite_restore(struct store_restore *r, char *why);

/* Where the anchor of the state directory `dir` is: `anchor`, or DIR.anchor if that is NULL or
 * empty. ERR_IO (and `why`, 256 bytes) if the path is too long. */
MUST_USE enum err store_sqlite_anchor_dir(
	const char *dir, const char *anchor, char out[static 4096], char *why);

#endif
