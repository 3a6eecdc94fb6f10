/* SPDX-License-Identifier: Apache-2.0 */
/* The anchor: a few numbers of a database, kept in a directory of their own, so that a database
 * that was set back or cloned is found out. A database that is older than its anchor would use
 * sender numbers again and accept requests again.
 *
 * The generation rises in the database first, in a transaction; then the anchor follows and is
 * synced; then what depends on it may happen. So the database is at most one ahead. The file holds
 * two slots that are written in turn: a power cut spoils at most the one that is being written. */
#ifndef LANYARD_STORAGE_ANCHOR_H
#define LANYARD_STORAGE_ANCHOR_H

#include "storage/file.h"
#include "storage/store.h"

enum { STORE_ID_BYTES = 16 };

/* Kept by both sides. */
struct store_mark {
	uint8_t id[STORE_ID_BYTES]; /* drawn when the database was made */
	uint64_t generation;        /* 0: never started */
	uint32_t rollbacks;         /* raised by each rollback */
};

enum store_start {
	STORE_START_NEW,      /* the first start: there is no anchor, and nothing to lose */
	STORE_START_GOOD,     /* they agree */
	STORE_START_CRASH,    /* the anchor did not follow yet */
	STORE_START_ROLLBACK, /* the database is an older copy */
	STORE_START_SEALED,   /* nobody knows: perhaps a clone */
	STORE_START_FOREIGN,  /* the anchor is another database's */
};

/* What a start is. `suspect`: the database is stamped as a copy. `found` is how reading the anchor
 * went: ERR_OK, ERR_NOTFOUND or ERR_CORRUPT; `anchor` counts if it is ERR_OK. *seal says why in the
 * case of STORE_START_SEALED, else it is STORE_SEAL_NONE. */
enum store_start store_anchor_judge(const struct store_mark *db, bool suspect, enum err found,
	const struct store_mark *anchor, enum store_seal *seal);
/* The rollbacks to go on with. One whose anchor is lost does not know of all of them, so it leaves
 * a gap. */
uint32_t store_anchor_next(const struct store_mark *db, const struct store_mark *anchor, bool lost);

struct store_anchor {
	char dir[4096];
	int dir_fd, fd; /* -1: none */
	bool damaged;   /* there is a file that says nothing */
	uint64_t seq;   /* of the newest slot; its place is the lowest bit */
	struct store_mark mark;
};

/* Every function says in `why` (STORE_WHY_MAX bytes) what failed, with the path. */

/* Locks the directory and reads the newest slot, which is then written again: a system that failed
 * to sync it may have forgotten that. ERR_NOTFOUND: there is no anchor; ERR_CORRUPT: neither slot
 * is good; both can be made good by store_anchor_make. ERR_BUSY: another daemon has it;
 * ERR_READONLY, ERR_FULL, ERR_IO. To be closed in any case. */
MUST_USE enum err store_anchor_open(struct store_anchor *a, const char *dir, char *why);
/* Makes the directory (mode 0700; its parent must exist) and the file (0600), whole or not at all,
 * in the place of what is there. ERR_BUSY, ERR_READONLY, ERR_FULL, ERR_IO. */
MUST_USE enum err store_anchor_make(
	struct store_anchor *a, const struct store_mark *mark, char *why);
/* Durable when it returns ERR_OK; else the next write tries the same slot again. */
MUST_USE enum err store_anchor_write(
	struct store_anchor *a, const struct store_mark *mark, char *why);
/* Gives the lock back. Harmless if nothing is open. */
void store_anchor_close(struct store_anchor *a);
/* Reads only: of an anchor that nobody needs to have locked. Errors as of opening. */
MUST_USE enum err store_anchor_peek(const char *dir, struct store_mark *out, char *why);

#endif
