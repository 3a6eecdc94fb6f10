/* SPDX-License-Identifier: Apache-2.0 */
/* The database and its anchor: the decision at each start, and how the one follows the other. */
#include "storage/sqlite_db.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum err store_sqlite_anchor_dir(
	const char *dir, const char *anchor, char out[static 4096], char *why)
{
	bool given = anchor && anchor[0];
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/') /* DIR/ is DIR */
		n--;
	int made = given ? snprintf(out, 4096, "%s", anchor)
			 : snprintf(out, 4096, "%.*s.anchor", (int)(n < 4096 ? n : 4096), dir);
	if (made >= 0 && made < 4096)
		return ERR_OK;
	snprintf(why, SQDB_WHY_MAX, "the path of the anchor is too long");
	return ERR_IO;
}

void store_sqdb_raise(struct sqdb *d)
{
	d->raised_ms = d->info.now_ms;
	d->meta_dirty = true;
	/* At most one ahead. It is ahead where this transaction has raised it already. */
	if (d->mark.generation == d->anchor.mark.generation)
		d->mark.generation++;
}

enum err store_sqdb_follow(struct sqdb *d)
{
	if (d->seal || d->anchor.fd < 0 ||
		(d->mark.generation == d->anchor.mark.generation &&
			d->mark.rollbacks == d->anchor.mark.rollbacks))
		return ERR_OK;
	d->anchor_syncs++;
	return store_anchor_write(&d->anchor, &d->mark, d->why);
}

static enum err set_back(struct sqdb *d)
{
	enum err e = store_sqdb_fold_away(d);
	struct sqdb_cur c = store_sqdb_use(d, SQDB_ROLL_BACK);
	store_sqdb_put(&c, (uint64_t)d->mark.rollbacks << STORE_EPOCH_BITS);
	store_sqdb_put(&c, d->log_next - 1);
	return e ? e : store_sqdb_run(d, &c);
}

/* The anchor remembers the new number of rollbacks first: whatever is cut short after that is seen
 * as one rollback more at the next start. */
static enum err roll_back(struct sqdb *d, bool lost)
{
	struct store_mark next = d->mark;
	if (d->anchor.mark.generation > next.generation)
		next.generation = d->anchor.mark.generation;
	next.rollbacks = store_anchor_next(&d->mark, &d->anchor.mark, lost);
	enum err e = lost ? store_anchor_make(&d->anchor, &next, d->why)
			  : store_anchor_write(&d->anchor, &next, d->why);
	if (!e)
		e = store_sqdb_begin(d);
	if (e)
		return e;
	next.generation++;
	d->mark = next;
	d->info.rollbacks = next.rollbacks;
	d->suspect = d->info.clean = false;
	d->meta_dirty = true;
	e = store_sqdb_end(d, set_back(d));
	d->rolled_back = d->rolled_back || !e;
	return e;
}

void store_sqdb_foreign(const char *anchor_dir, char *why)
{
	snprintf(why, SQDB_WHY_MAX,
		"%.90s is of another database: if this one is to take its place, move it away and "
		"start again; the database is then sealed until 'lanyardctl unseal'",
		anchor_dir);
}

static enum err act(struct sqdb *d, enum store_start start)
{
	switch (start) {
	case STORE_START_NEW:
		return store_anchor_make(&d->anchor, &d->mark, d->why);
	case STORE_START_GOOD:
	case STORE_START_SEALED:
		return ERR_OK;
	case STORE_START_CRASH:
		return store_sqdb_follow(d);
	case STORE_START_ROLLBACK:
		return roll_back(d, false);
	case STORE_START_FOREIGN:
		store_sqdb_foreign(d->anchor.dir, d->why);
		return ERR_CONFLICT;
	}
	return ERR_STATE;
}

enum err store_sqdb_moor(struct sqdb *d, const char *dir)
{
	enum err found = store_anchor_open(&d->anchor, dir, d->why);
	if (found && found != ERR_NOTFOUND && found != ERR_CORRUPT)
		return found;
	enum store_seal seal;
	enum store_start start =
		store_anchor_judge(&d->mark, d->suspect, found, &d->anchor.mark, &seal);
	enum err e = act(d, start);
	d->seal = e ? STORE_SEAL_NONE : seal;
	return e;
}

enum err store_sqdb_moor_again(struct sqdb *d)
{
	enum store_seal seal;
	switch (store_anchor_judge(&d->mark, d->suspect, ERR_OK, &d->anchor.mark, &seal)) {
	case STORE_START_GOOD:
	case STORE_START_CRASH:
		return store_sqdb_follow(d);
	case STORE_START_NEW:
	case STORE_START_ROLLBACK:
	case STORE_START_SEALED:
	case STORE_START_FOREIGN:
		break;
	}
	snprintf(d->why, sizeof(d->why), "the database was exchanged while it was in use");
	return ERR_CORRUPT;
}

enum err store_sqdb_unseal(struct sqdb *d)
{
	enum store_seal seal = d->seal;
	d->seal = STORE_SEAL_NONE;
	enum err e = roll_back(d, true);
	if (e)
		d->seal = seal;
	return e;
}
