/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/sqlite_db.h"

#include "base/secret.h"
#include "storage/sqlite_sum.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum err meaning(int rc, int no)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return ERR_OK;
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return ERR_READONLY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_ERROR: /* our SQL against tables that are not ours */
	case SQLITE_MISMATCH:
		return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return ERR_RANGE;
	default: /* among them SQLITE_IOERR and SQLITE_CANTOPEN, which is also a full disk */
		break;
	}
	if (no == ENOSPC || no == EDQUOT || no == EFBIG)
		return ERR_FULL;
	return no == EACCES || no == EPERM || no == EROFS ? ERR_READONLY : ERR_IO;
}

/* Of the call that failed. sqlite3_system_errno alone is overwritten by the rollback. */
static int system_errno(struct sqdb *d, int rc)
{
	int no = 0;
	sqlite3_file *f = NULL;
	if (!d->db || ((rc & 0xff) != SQLITE_IOERR && (rc & 0xff) != SQLITE_CANTOPEN))
		return 0;
	if (!sqlite3_file_control(d->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f) && f &&
		f->pMethods)
		f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &no);
	if (!no)
		sqlite3_file_control(d->db, "main", SQLITE_FCNTL_LAST_ERRNO, &no);
	return no ? no : sqlite3_system_errno(d->db);
}

enum err store_sqdb_error(struct sqdb *d, int rc)
{
	const char *text = d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc);
	int no = system_errno(d, rc);
	enum err e = meaning(rc, no);
	snprintf(d->why, sizeof(d->why), "%s%s%s (sqlite %d)", text, no ? ": " : "",
		no ? strerror(no) : "", rc);
	return e;
}

enum err store_sqdb_exec(struct sqdb *d, const char *sql)
{
	int rc = sqlite3_exec(d->db, sql, NULL, NULL, NULL);
	return rc ? store_sqdb_error(d, rc) : ERR_OK;
}

/* The first column of the first row; SQL that yields none gives 0. */
static enum err query(struct sqdb *d, const char *sql, int64_t *out)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(d->db, sql, -1, &st, NULL);
	if (rc)
		return store_sqdb_error(d, rc);
	rc = sqlite3_step(st);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	enum err e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : store_sqdb_error(d, rc);
	sqlite3_finalize(st);
	return e;
}

struct sqdb_cur store_sqdb_use(struct sqdb *d, enum sqdb_stmt which)
{
	return (struct sqdb_cur){.st = d->stmt[which]};
}

void store_sqdb_put(struct sqdb_cur *c, uint64_t v)
{
	c->rc |= sqlite3_bind_int64(c->st, ++c->at, (int64_t)v);
}

void store_sqdb_put_text(struct sqdb_cur *c, struct span s)
{
	const char *p = s.n ? (const char *)s.p : "";
	c->rc |= sqlite3_bind_text64(c->st, ++c->at, p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void store_sqdb_put_blob(struct sqdb_cur *c, struct span s)
{
	c->rc |= sqlite3_bind_blob64(
		c->st, ++c->at, s.n ? (const void *)s.p : "", s.n, SQLITE_STATIC);
}

void store_sqdb_put_opt(struct sqdb_cur *c, struct span s)
{
	if (s.p)
		store_sqdb_put_blob(c, s);
	else
		c->rc |= sqlite3_bind_null(c->st, ++c->at);
}

enum err store_sqdb_run(struct sqdb *d, struct sqdb_cur *c)
{
	int rc = c->rc ? c->rc : sqlite3_step(c->st);
	enum err e = rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : store_sqdb_error(d, rc);
	sqlite3_reset(c->st);
	return e;
}

enum err store_sqdb_row(struct sqdb *d, struct sqdb_cur *c)
{
	int rc = c->rc ? c->rc : sqlite3_step(c->st);
	c->at = 0;
	if (rc == SQLITE_ROW)
		return ERR_OK;
	return rc == SQLITE_DONE ? ERR_NOTFOUND : store_sqdb_error(d, rc);
}

uint64_t store_sqdb_get(struct sqdb_cur *c)
{
	return (uint64_t)sqlite3_column_int64(c->st, c->at++);
}

struct span store_sqdb_get_span(struct sqdb_cur *c)
{
	int at = c->at++;
	if (sqlite3_column_type(c->st, at) == SQLITE_NULL)
		return SPAN_EMPTY;
	const void *p = sqlite3_column_blob(c->st, at);
	size_t n = (size_t)sqlite3_column_bytes(c->st, at);
	return (struct span){n ? p : (const void *)"", n};
}

enum err store_sqdb_begin(struct sqdb *d)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_BEGIN);
	return store_sqdb_run(d, &c);
}

static enum err write_meta(struct sqdb *d)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_META);
	store_sqdb_put(&c, d->info.now_ms);
	store_sqdb_put(&c, d->info.next_id);
	store_sqdb_put(&c, d->log_next);
	store_sqdb_put(&c, d->stops);
	store_sqdb_put(&c, d->info.clean);
	store_sqdb_put(&c, d->mark.generation);
	store_sqdb_put(&c, d->mark.rollbacks);
	store_sqdb_put(&c, d->log_first);
	store_sqdb_put(&c, d->info.ssn_forgotten);
	store_sqdb_put(&c, d->suspect ? SQDB_SUSPECT : 0);
	enum err e = store_sqdb_run(d, &c);
	if (!e) {
		d->clock_stored_ms = d->info.now_ms;
		d->meta_dirty = false;
	}
	return e;
}

enum err store_sqdb_end(struct sqdb *d, enum err e)
{
	/* The newest log row mostly carries the clock already, which saves writing a page. */
	if (d->info.now_ms > d->clock_stored_ms && d->info.now_ms > d->clock_log_ms)
		d->meta_dirty = true;
	if (!e && d->meta_dirty)
		e = write_meta(d);
	struct sqdb_cur c = store_sqdb_use(d, SQDB_COMMIT);
	if (!e)
		e = store_sqdb_run(d, &c);
	if (e && !sqlite3_get_autocommit(d->db))
		sqlite3_step(d->stmt[SQDB_ROLLBACK]);
	sqlite3_reset(d->stmt[SQDB_ROLLBACK]);
	return e ? e : store_sqdb_follow(d);
}

/* In one transaction: the tables, the numbers that name us, the secret, and the id. */
static enum err make_schema(struct sqdb *d, int64_t from)
{
	char sql[128];
	uint8_t secret[32], id[STORE_ID_BYTES];
	enum err e = store_sqdb_exec(d, "BEGIN IMMEDIATE");
	for (int64_t v = from; !e && v < SQDB_VERSION; v++)
		e = store_sqdb_exec(d, store_sqdb_migration[v]);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		SQDB_APPLICATION_ID, SQDB_VERSION);
	if (!e)
		e = store_sqdb_exec(d, sql);
	if (!e && !from) {
		struct sqdb_cur c = {0};
		struct rng rng = rng_system();
		rng_fill(&rng, secret, sizeof(secret));
		rng_fill(&rng, id, sizeof(id));
		c.rc = sqlite3_prepare_v2(d->db,
			"INSERT INTO meta (id, secret, clock_ms, next_id, log_next, stops, clean,"
			" writes, db_id, sum) VALUES (1, ?1, 0, 1, 1, 0, 0, 0, ?2,"
			" row_sum(0, 1, 1, 0, 0, 0, 0, 1, 0))",
			-1, &c.st, NULL);
		store_sqdb_put_blob(&c, SPAN_OF(secret));
		store_sqdb_put_blob(&c, SPAN_OF(id));
		e = store_sqdb_run(d, &c);
		sqlite3_finalize(c.st);
		secret_wipe(secret, sizeof(secret));
	}
	if (!e)
		e = store_sqdb_exec(d, "COMMIT");
	return e;
}

/* Looks at the header through SQLite, which sees the WAL too, and brings the schema up to date. */
static enum err check_schema(struct sqdb *d, int64_t *version)
{
	int64_t application = 0, tables = 0;
	enum err e = query(d, "PRAGMA user_version", version);
	if (!e)
		e = query(d, "PRAGMA application_id", &application);
	if (!e)
		e = query(d, "SELECT count(*) FROM sqlite_schema", &tables);
	if (e)
		return e;
	bool empty = !*version && !application && !tables;
	if (!empty && application != SQDB_APPLICATION_ID) {
		snprintf(d->why, sizeof(d->why), "it belongs to another program");
		return ERR_CORRUPT;
	}
	if (*version > SQDB_VERSION) {
		snprintf(d->why, sizeof(d->why),
			"it is of a newer version (schema %lld, this program knows %d)",
			(long long)*version, SQDB_VERSION);
		return ERR_NEWER;
	}
	return ERR_OK;
}

/* Settings that write nothing. The WAL is checkpointed once it has 8 MiB; a larger transaction lets
 * it grow, and it is cut back to 64 MiB afterwards. */
enum { WAL_PAGES = 2048 };
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA temp_store = MEMORY;"
			       "PRAGMA cache_size = -32768;"
			       "PRAGMA journal_size_limit = 67108864;"
			       "PRAGMA secure_delete = FAST;"
			       "PRAGMA trusted_schema = OFF;";

static enum err prepare(struct sqdb *d)
{
	for (int i = 0; i < SQDB_STMTS; i++) {
		int rc = sqlite3_prepare_v3(
			d->db, store_sqdb_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &d->stmt[i], NULL);
		if (rc)
			return store_sqdb_error(d, rc);
	}
	return ERR_OK;
}

static enum err read_ends(struct sqdb *d)
{
	int64_t last, now, event;
	enum err e = query(d, "SELECT max(id) FROM seen", &last);
	if (!e) /* of a damaged row nothing is believed */
		e = query(d,
			"SELECT iif(" SUM_SEEN_GOOD ", now_ms, 0) FROM seen"
			" ORDER BY id DESC LIMIT 1",
			&now);
	if (!e)
		e = query(d, "SELECT max(seq) FROM events", &event);
	if (e)
		return e;
	if ((uint64_t)last >= d->log_next)
		d->log_next = (uint64_t)last + 1;
	d->info.next_event = (uint64_t)event + 1;
	d->clock_log_ms = (uint64_t)now;
	if (d->clock_log_ms > d->info.now_ms)
		d->info.now_ms = d->clock_log_ms;
	return ERR_OK;
}

static bool get_bytes(struct sqdb_cur *c, uint8_t *to, size_t n)
{
	struct span s = store_sqdb_get_span(c);
	if (s.n == n)
		memcpy(to, s.p, n);
	return s.n == n;
}

static enum err read_meta(struct sqdb *d)
{
	struct sqdb_cur c = {0};
	c.rc = sqlite3_prepare_v2(d->db,
		"SELECT clock_ms, next_id, log_next, stops, clean, generation, rollbacks,"
		" suspect, secret, db_id, log_first, ssn_forgotten, sum = row_sum(" SUM_META ")"
		" FROM meta WHERE id = 1",
		-1, &c.st, NULL);
	enum err e = store_sqdb_row(d, &c);
	if (!e) {
		d->info.now_ms = d->clock_stored_ms = store_sqdb_get(&c);
		d->info.next_id = store_sqdb_get(&c);
		d->log_next = store_sqdb_get(&c);
		d->stops = store_sqdb_get(&c);
		d->info.clean = store_sqdb_get(&c) != 0;
		d->mark.generation = store_sqdb_get(&c);
		d->info.rollbacks = d->mark.rollbacks = (uint32_t)store_sqdb_get(&c);
		d->suspect = store_sqdb_get(&c) != 0;
		if (!get_bytes(&c, d->info.secret, sizeof(d->info.secret)) ||
			!get_bytes(&c, d->mark.id, sizeof(d->mark.id)))
			e = ERR_NOTFOUND;
		d->log_first = store_sqdb_get(&c);
		d->info.ssn_forgotten = store_sqdb_get(&c);
		if (!store_sqdb_get(&c))
			e = ERR_NOTFOUND;
	}
	sqlite3_finalize(c.st);
	if (e == ERR_NOTFOUND) {
		snprintf(d->why, sizeof(d->why),
			"its row of meta is missing or damaged: restore a backup, if this is "
			"not a passing fault of the disk");
		e = ERR_CORRUPT;
	}
	d->meta_dirty = false;
	d->event_trimmed = 0;
	d->reserved = false;
	d->torn = 0;
	return e ? e : read_ends(d);
}

static enum err use_wal(struct sqdb *d)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(d->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
	if (rc)
		return store_sqdb_error(d, rc);
	rc = sqlite3_step(st);
	bool wal = rc == SQLITE_ROW &&
		   !sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "wal");
	int end = sqlite3_finalize(st); /* it commits here, after its answer */
	if (end)
		return store_sqdb_error(d, end);
	if (wal)
		return ERR_OK;
	snprintf(d->why, sizeof(d->why), "its file system allows no write-ahead log");
	return ERR_IO;
}

/* A commit whose sync failed may be there for this process to read, and nowhere else: others must
 * not be built upon it. */
static enum err secure_log(struct sqdb *d)
{
	char wal[sizeof(d->path) + 8];
	snprintf(wal, sizeof(wal), "%s-wal", d->path);
	enum err e = store_file_write_again(wal, d->why);
	return e == ERR_READONLY ? ERR_OK : e; /* SQLite will say that */
}

static enum err open_steps(struct sqdb *d)
{
	int64_t version = 0;
	enum err e = secure_log(d);
	if (e)
		return e;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(d->path, &d->db, flags, NULL);
	if (!rc)
		rc = store_sum_register(d->db);
	if (rc)
		return store_sqdb_error(d, rc);
	if (sqlite3_db_readonly(d->db, "main") == 1) {
		snprintf(d->why, sizeof(d->why), "it cannot be written");
		return ERR_READONLY;
	}
	e = store_sqdb_exec(d, settings);
	sqlite3_wal_autocheckpoint(d->db, d->opts.wal_pages ? (int)d->opts.wal_pages : WAL_PAGES);
	if (!e)
		e = check_schema(d, &version);
	if (e) /* whatever it is, leave it as it was */
		sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (!e && version < SQDB_VERSION)
		e = make_schema(d, version);
	if (!e)
		e = use_wal(d);
	/* so that the version stands in the file itself, where store_sqdir_version looks */
	if (!e && version < SQDB_VERSION)
		e = store_sqdb_exec(d, "PRAGMA wal_checkpoint(TRUNCATE)");
	if (!e)
		e = prepare(d);
	return e ? e : read_meta(d);
}

enum err store_sqdb_open(struct sqdb *d)
{
	enum err e = open_steps(d);
	if (e)
		store_sqdb_close(d);
	return e;
}

void store_sqdb_close(struct sqdb *d)
{
	store_sqdb_backup_stop(d); /* it reads from this connection */
	store_sqdb_fold_reset(d);
	for (int i = 0; i < SQDB_STMTS; i++) {
		sqlite3_finalize(d->stmt[i]);
		d->stmt[i] = NULL;
	}
	sqlite3_close(d->db);
	d->db = NULL;
	secret_wipe(d->info.secret, sizeof(d->info.secret));
}
