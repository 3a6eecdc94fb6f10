/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that an accident has changed: each is told, what it said is not, and the rest is as it was.
 */
#include "storage/sqlite_sum.h"
#include "tests/unit/storage/rig.h"

#include <sqlite3.h>

static void sql(const struct rig *r, const char *text)
{
	char path[128];
	sqlite3 *db;
	snprintf(path, sizeof(path), "%s/lanyard.db", r->dir);
	REQUIRE(!sqlite3_open(path, &db) && !store_sum_register(db), "sqlite3_open");
	int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	REQUIRE(!rc, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* A clean database: endpoints 1 and 2 with contexts 3 and 4, a deleted one (5) of endpoint 1, one
 * of each other kind, and a log of three rows. */
static void make(struct rig *r)
{
	struct rec gone = rec_context_of(5, 1), second = rec_context_of(4, 2);
	gone.context.ikm_fingerprint = SPAN_LIT("other fingerprnt");
	second.context.ikm_fingerprint = SPAN_LIT("third fingerprnt");
	struct rec reg = rec_reg_of(1, 9);
	reg.reg.context_id = 3;
	struct rec recs[] = {rec_endpoint_of(1, "one"), rec_endpoint_of(2, "two"),
		rec_context_of(3, 1), second, gone, rec_ssn_of(3, 0, 64), rec_ssn_of(5, 0, 32),
		rec_del_of(REC_CONTEXT_DEL, 5), reg, rec_plan_of(2), rec_seen_of(3, 7, 100),
		rec_seen_of(4, 8, 100), rec_seen_of(3, 9, 100),
		{.type = REC_OP_PUT,
			.op = {.id = 6,
				.endpoint_id = 1,
				.kind = SPAN_LIT("execute"),
				.path = SPAN_LIT("/3/0/4")}},
		{.type = REC_IMAGE_PUT,
			.image = {7, SPAN_LIT("v2"), SPAN_LIT("0123456789abcdef0123456789abcdef"),
				9, 1, false}},
		{.type = REC_FIRMWARE_PUT,
			.firmware = {.endpoint_id = 1, .method = 1, .step = 3, .image_id = 7}},
		{.type = REC_CREDENTIAL_PUT,
			.credential = {2, 1, 2, SPAN_LIT("two"), SPAN_LIT("0123456789abcdef")}}};
	rig_open(r, true);
	REQUIRE(!rig_commit(r, recs, sizeof(recs) / sizeof(*recs)), "something");
	store_free(r->s);
	r->s = NULL;
}

static const struct row {
	const char *what, *sql;
	const char *told;  /* "": nothing is */
	const char *lacks; /* of the dump */
	const char *has;
} rows[] = {
	{"nothing", "SELECT 1", "", "damage", "endpoint 1"},
	{"a name", "UPDATE endpoints SET name = 'onf' WHERE id = 1",
		"damage endpoints 1 of 1 below 0\n", "no such", "context 4"},
	{"that NoSec is allowed", "UPDATE endpoints SET allow_nosec = 1 WHERE id = 1",
		"damage endpoints 1 of 1 below 0\n", "no such", "context 4"},
	{"an alias that was none", "UPDATE endpoints SET bs_ep = '' WHERE id = 2",
		"damage endpoints 2 of 2 below 0\n", "no such", "context 3"},
	{"a sender key", "UPDATE contexts SET sender_key = x'00' WHERE id = 3",
		"damage contexts 3 of 1 below 64\n", "context 3", "context 4"},
	{"an id", "UPDATE contexts SET recipient_id = x'5252525253' WHERE id = 3",
		"damage contexts 3 of 1 below 64\n", "context 3", "context 4"},
	{"text for bytes", "UPDATE contexts SET id_context = x'' WHERE id = 3",
		"damage contexts 3 of 1 below 64\n", "context 3", "context 4"},
	{"whose it is", "UPDATE contexts SET endpoint_id = 2 WHERE id = 3",
		"damage contexts 3 of 1 below 64\n", "context 3", "context 4"},
	{"whose counters they are", "UPDATE hot SET endpoint_id = 2 WHERE context_id = 3",
		"damage hot 3 of 1 below 0\n", "context 3", "context 4"},
	{"a lost context", "DELETE FROM contexts WHERE id = 3", "damage contexts 3 of 1 below 64\n",
		"context 3", "context 4"},
	{"lost counters", "DELETE FROM hot WHERE context_id = 3", "damage hot 3 of 1 below 0\n",
		"context 3", "context 4"},
	{"lost counters, and a key",
		"DELETE FROM hot WHERE context_id = 3;"
		" UPDATE contexts SET common_iv = x'00' WHERE id = 3",
		"damage contexts 3 of 1 below 9223372036854775807\n", "context 3", "context 4"},
	{"a sender number", "UPDATE hot SET ssn_limit = 32 WHERE context_id = 3",
		"damage hot 3 of 1 below 0\n", "context 3", "context 4"},
	{"its complement", "UPDATE hot SET ssn_not = ~32 WHERE context_id = 3",
		"damage hot 3 of 1 below 0\n", "context 3", "context 4"},
	{"the highest received", "UPDATE hot SET highest = -1 WHERE context_id = 4", "", "damage",
		"context 4"}, /* the log says the same as its fold */
	{"a higher one than the log's", "UPDATE hot SET highest = 100 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"a window", "UPDATE hot SET window_bits = 8 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"freshness", "UPDATE hot SET fresh = 1 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"staleness", "UPDATE hot SET stale = 1 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"a generation", "UPDATE hot SET generation = 1 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"failures", "UPDATE hot SET failures = 1 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"a gap", "UPDATE hot SET ssn_gap = 1 WHERE context_id = 4", "damage hot 4 of 2 below 0\n",
		"context 4", "context 3"},
	{"a live context that died", "UPDATE hot SET live = 0 WHERE context_id = 4",
		"damage hot 4 of 2 below 0\n", "context 4", "context 3"},
	{"a dead one that lives", "UPDATE hot SET live = 1 WHERE context_id = 5",
		"damage contexts 5 of 1 below", "context 5", "context 3"},
	{"how far a deleted key was used", "UPDATE hot SET ssn_limit = 16 WHERE context_id = 5",
		"damage hot 5 of 0 below 0\n", "no such", "9223372036854775807"},
	{"a deleted key", "UPDATE tombstones SET ikm_fingerprint = x'78' WHERE context_id = 5",
		"damage tombstones 5 of 0 below 32\n", "tombstone 78", "context 3"},
	{"the counters of a deleted key", "DELETE FROM hot WHERE context_id = 5",
		"damage hot 5 of 0 below 0\n", "no such", "context 3"},
	{"a registration under no context", "UPDATE registrations SET context_id = 0",
		"damage registrations 1 of 1 below 0\n", "registration 1", "context 3"},
	{"a location", "UPDATE registrations SET location = 'abd'",
		"damage registrations 1 of 1 below 0\n", "registration 1", "context 3"},
	{"an address", "UPDATE registrations SET peer = x'78'", "", "damage", "context 3"},
	{"a plan", "UPDATE plans SET json = '[]'", "damage plans 2 of 2 below 0\n", "plan 2",
		"context 3"},
	{"the plan of another", "UPDATE plans SET endpoint_id = 1", "damage plans 1 of 1 below 0\n",
		"plan 1", "context 3"},
	{"what is to be executed", "UPDATE operations SET path = '/3/0/5'",
		"damage operations 6 of 1 below 0\n", "op 6", "context 3"},
	{"the bytes of an image", "UPDATE images SET sha256 = x'00'",
		"damage images 7 of 0 below 0\n", "image 7", "firmware 1"},
	{"whether a device was told to update", "UPDATE firmware SET executed = 1",
		"damage firmware 1 of 1 below 0\n", "firmware 1 1", "image 7"},
	{"whose identity it is", "UPDATE credentials SET endpoint_id = 1",
		"damage credentials 1 of 1 below 0\n", "credential 1 1", "context 3"},
	{"a key of DTLS", "UPDATE credentials SET secret = x'00'",
		"damage credentials 2 of 2 below 0\n", "credential 2 1", "context 3"},
	{"what an endpoint has to be secured by", "UPDATE endpoints SET require = 1 WHERE id = 1",
		"damage endpoints 1 of 1 below 0\n", "no such", "context 4"},
	{"a number in the log", "UPDATE seen SET piv = 4 WHERE id = 3",
		"damage seen 3 of 0 below 0\n", "seen 3", "highest=7"},
	{"a bit of a number in the log", "UPDATE seen SET piv = 1 WHERE id = 3",
		"mended seen 3 of 0 below 0\n", "stale", "highest=9"},
	{"its sign", "UPDATE seen SET piv = piv - 128 WHERE id = 3", "mended seen 3 of 0 below 0\n",
		"stale", "highest=9"},
	{"a bit of whose number", "UPDATE seen SET context_id = 11 WHERE id = 3",
		"mended seen 3 of 0 below 0\n", "stale", "highest=9"},
	{"a bit of a sum", "UPDATE seen SET flags = (flags | 64) - (flags & 64) WHERE id <> 2",
		"mended seen", "stale", "highest=9"},
	{"a bit each", "UPDATE seen SET piv = piv + 1024 * (id & 1) - 128 * (~id & 1)",
		"mended seen 1 of 0 below 0\nmended seen 2 of 0 below 0\nmended seen 3", "stale",
		"highest=9"},
	{"a bit, and a row", "UPDATE seen SET piv = 1 WHERE id = 3; DELETE FROM seen WHERE id = 1",
		"damage seen 1 of 0 below 0\n", "seen 3", "stale"},
	{"a bit, and more elsewhere",
		"UPDATE seen SET piv = 1 WHERE id = 3; UPDATE seen SET piv = 0 WHERE id = 1",
		"damage seen 1 of 0 below 0\n", "seen 3", "stale"},
	{"whose number", "UPDATE seen SET context_id = 4 WHERE id = 1",
		"damage seen 1 of 0 below 0\n", "seen 3", "highest=9"},
	{"the clock of the log", "UPDATE seen SET now_ms = 1000000000000 WHERE id = 3",
		"damage seen 3 of 0 below 0\n", "clock=1000000000000", "clock=1 "},
	{"a flag in the log", "UPDATE seen SET flags = 1 WHERE id = 1",
		"damage seen 1 of 0 below 0\n", "seen 3", "highest=9"},
	{"the first of the log", "DELETE FROM seen WHERE id = 1", "damage seen 1 of 0 below 0\n",
		"seen 3", "highest=9"},
	{"one of the log", "DELETE FROM seen WHERE id = 2", "damage seen 2 of 0 below 0\n",
		"seen 3", "highest=9"},
	{"a place in the log", "UPDATE seen SET id = 1000 WHERE id = 3",
		"damage seen 3 of 0 below 0\n", "seen 3", "highest=7"},
};

static void run(const struct row *row)
{
	struct rig r;
	char what[160];
	make(&r);
	sql(&r, row->sql);
	REQUIRE(!rig_start(&r), r.why);
	snprintf(what, sizeof(what), "%s: told", row->what);
	CHECK(rig_has(&r, row->told), what);
	snprintf(what, sizeof(what), "%s: kept", row->what);
	store_free(r.s);
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, row->has) && rig_lacks(&r, row->lacks), what);
	rig_close(&r);
}

/* Whoever does not want to hear of it learns nothing. */
static void test_error(void)
{
	struct rig r;
	struct store_visitor none = {0};
	make(&r);
	sql(&r, "UPDATE hot SET ssn_limit = 32 WHERE context_id = 3");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(store_load(r.s, &none, &r.info) == ERR_CORRUPT, "an error instead");
	rig_close(&r);
}

/* A log with a hole says nothing of any window, for good, and goes on behind it. */
static void test_log(void)
{
	struct rig r;
	make(&r);
	sql(&r, "UPDATE seen SET piv = 4 WHERE id = 3; UPDATE hot SET fresh = 0");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "damage seen 3"), "it is told");
	CHECK(rig_lacks(&r, "damage"), "once");
	CHECK(rig_has(&r, "limit=64 highest=7") && rig_has(&r, "stale"),
		"and every window is stale");
	REQUIRE(!rig_put(&r, rec_seen_of(3, 20, 200)), "it goes on");
	rig_crash(&r);
	CHECK(rig_has(&r, "limit=64 highest=20") && rig_lacks(&r, "damage"), "and is kept");
	rig_close(&r);
}

/* No row changes what is wrong already into what seems right. */
static void test_kept(void)
{
	static const struct rec writes[] = {
		{.type = REC_CONTEXT_STATE, .context_state = {.id = 3, .generation = 3}},
		{.type = REC_CONTEXT_FAILURES, .context_failures = {3, 5}},
	};
	struct rig r;
	make(&r);
	sql(&r, "UPDATE hot SET ssn_limit = 32 WHERE context_id = 3");
	REQUIRE(!rig_start(&r), r.why);
	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++)
		CHECK(!rig_put(&r, writes[i]) && rig_has(&r, "damage hot 3"), "it stays damaged");
	CHECK(!rig_put(&r, rec_seen_of(3, 10, 200)) && !store_stop(r.s, NULL, 0, 300),
		"the log is folded");
	store_free(r.s);
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "damage hot 3"), "and it stays damaged");
	CHECK(rig_put(&r, rec_ssn_of(3, 32, 8)) == ERR_CONFLICT, "no number is reserved");
	CHECK(!store_recover(r.s) && !rig_put(&r, rec_del_of(REC_ENDPOINT_DEL, 1)),
		"it is deleted");
	CHECK(rig_has(&r, "damage hot 3 of 0"), "and what its key was used for stays unknown");
	rig_close(&r);
}

/* Nor does what becomes of an operation, which is written in place. */
static void test_op(void)
{
	static const struct rec later = {.type = REC_OP_STATE, .op_state = {6, 2}};
	struct rig r;
	make(&r);
	REQUIRE(!rig_start(&r), r.why);
	CHECK(!rig_put(&r, later) && rig_lacks(&r, "damage"), "a good one stays good");
	store_free(r.s);
	r.s = NULL;
	sql(&r, "UPDATE operations SET body = x'31'");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(!rig_put(&r, later) && rig_has(&r, "damage operations 6"), "a bad one bad");
	rig_close(&r);
}

/* A database of before there were sums gets them, and is what it was. */
static void test_upgrade(const char *back)
{
	struct rig r;
	make(&r);
	sql(&r, "DELETE FROM images; DELETE FROM firmware; DELETE FROM credentials"); /* which are
											 younger */
	REQUIRE(!rig_start(&r), r.why);
	char *before = rig_dump(&r), *after;
	store_free(r.s);
	sql(&r, back);
	REQUIRE(!rig_start(&r), r.why);
	after = rig_dump(&r);
	CHECK(before && after && !strcmp(before, after) && !strstr(after, "damage"),
		"all is there, and good");
	CHECK(strstr(after, "seen 3") && strstr(after, "tombstone"), "whatever there is");
	free(before);
	free(after);
	store_free(r.s);
	sql(&r, "UPDATE hot SET ssn_limit = 32 WHERE context_id = 3");
	REQUIRE(!rig_start(&r), r.why);
	CHECK(rig_has(&r, "damage hot 3"), "from then on");
	rig_close(&r);
}

/* What is said of the whole database is believed as a whole, or there is none. */
static void test_meta(void)
{
	static const char *const columns[] = {"clock_ms", "next_id", "log_next", "log_first",
		"stops", "clean", "generation", "rollbacks", "ssn_forgotten", "sum"};
	char text[80];
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		struct rig r;
		make(&r);
		snprintf(text, sizeof(text), "UPDATE meta SET %s = %s + 1", columns[i], columns[i]);
		sql(&r, text);
		CHECK(rig_start(&r) == ERR_CORRUPT && strstr(r.why, "its row of meta"), columns[i]);
		rig_remove(r.dir);
	}
}

static const struct {
	const char *table, *column;
} unguarded[] = {
	{"meta", "secret"},    /* of fingerprints of requests: copies are refused, not answered */
	{"meta", "suspect"},   /* the start is a rollback */
	{"meta", "writes"},    /* nobody reads it */
	{"hot", "exact_stop"}, /* silence below the highest */
	{"hot", "flags_pos"},  /* a challenge more */
	{"hot", "expiry_ms"},
	{"hot", "expiry_pos"},
	{"seen", "hash"},
	{"seen", "response"}, /* the device judges it */
	{"registrations", "peer"},
	{"registrations", "expiry_ms"},
	{"registrations", "expiry_pos"},
};

static bool is_guarded(const char *table, const char *column)
{
	for (size_t i = 0; i < sizeof(unguarded) / sizeof(*unguarded); i++)
		if (!strcmp(unguarded[i].table, table) && !strcmp(unguarded[i].column, column))
			return false;
	return true;
}

static sqlite3_stmt *prepared(
	sqlite3 *db, const char *fmt, const char *column, const char *table, int64_t row)
{
	char text[160];
	sqlite3_stmt *st;
	snprintf(text, sizeof(text), fmt, column, table, row);
	REQUIRE(!sqlite3_prepare_v2(db, text, -1, &st, NULL), text);
	return st;
}

/* Turns a bit of a value; false: it has none, or the schema does not allow what comes of it. */
static bool turn_bit(sqlite3 *db, const char *table, const char *column, int64_t row, size_t bit)
{
	uint8_t bytes[512];
	sqlite3_stmt *get =
		prepared(db, "SELECT %s FROM %s WHERE rowid = %" PRId64, column, table, row);
	sqlite3_stmt *set = prepared(
		db, "UPDATE %2$s SET %1$s = ?1 WHERE rowid = %3$" PRId64, column, table, row);
	REQUIRE(sqlite3_step(get) == SQLITE_ROW, table);
	int type = sqlite3_column_type(get, 0), n = sqlite3_column_bytes(get, 0);
	bool ok = type == SQLITE_INTEGER;
	if (ok) {
		sqlite3_bind_int64(set, 1,
			(int64_t)((uint64_t)sqlite3_column_int64(get, 0) ^ UINT64_C(1) << bit));
	} else if (n && (size_t)n <= sizeof(bytes)) {
		ok = true;
		memcpy(bytes, sqlite3_column_blob(get, 0), (size_t)n);
		bytes[bit / 8 % (size_t)n] ^= (uint8_t)(1u << bit % 8);
		if (type == SQLITE_TEXT)
			sqlite3_bind_text(set, 1, (const char *)bytes, n, SQLITE_TRANSIENT);
		else
			sqlite3_bind_blob(set, 1, bytes, n, SQLITE_TRANSIENT);
	}
	ok = ok && sqlite3_step(set) == SQLITE_DONE;
	sqlite3_finalize(get);
	sqlite3_finalize(set);
	return ok;
}

/* Whatever there still is was there before. Keys come as tombstones; a damaged endpoint is told. */
static bool is_part(char *now, const char *before)
{
	static const char *const others[] = {"damage", "mended", "tombstone", "clock", "endpoint"};
	char *save, *line = strtok_r(now, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		bool other = false;
		for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
			other |= !strncmp(line, others[i], strlen(others[i]));
		if (!other && !strstr(before, line))
			return false;
	}
	return true;
}

/* But for a line that tells that it was mended. */
static bool is_whole(const char *now, const char *before)
{
	const char *line = strstr(now, "mended"), *rest = line ? strchr(line, '\n') : NULL;
	size_t n = line ? (size_t)(line - now) : 0;
	return rest && !strncmp(now, before, n) && !strcmp(rest + 1, before + n);
}

static void shell(const struct rig *r, const char *text)
{
	char cmd[512];
	snprintf(cmd, sizeof(cmd), "D='%s'; %s", r->dir, text);
	REQUIRE(!system(cmd), text);
}

static void change(struct rig *r, const char *before, const char *table, const char *column,
	int64_t row, size_t bit)
{
	char path[128], what[160];
	sqlite3 *db;
	shell(r, "rm -rf $D $D.anchor && cp -r $D.good $D && cp -r $D.anchor.good $D.anchor");
	snprintf(path, sizeof(path), "%s/lanyard.db", r->dir);
	REQUIRE(!sqlite3_open(path, &db), "sqlite3_open");
	bool turned = turn_bit(db, table, column, row, bit);
	sqlite3_close(db);
	if (!turned)
		return;
	snprintf(what, sizeof(what), "%s.%s of row %" PRId64 ", bit %zu", table, column, row, bit);
	if (rig_start(r)) {
		CHECK(!strcmp(table, "meta"), what); /* the whole is refused */
		return;
	}
	char *now = rig_dump(r);
	REQUIRE(now, what);
	bool told = strstr(now, "damage") != NULL, torn = strstr(now, "damage seen") != NULL;
	if (strstr(now, "mended"))
		CHECK(!told && is_whole(now, before), what);
	else
		CHECK(told ? torn || is_part(now, before) : !strcmp(now, before), what);
	CHECK(told || strcmp(column, "sum"), what);
	free(now);
	store_free(r->s);
	r->s = NULL;
}

static void each_row(struct rig *r, const char *before, const char *table, const char *column)
{
	static const size_t bits[] = {0, 37};
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t ids[4];
	size_t n = 0;
	char path[128];
	snprintf(path, sizeof(path), "%s.good/lanyard.db", r->dir);
	REQUIRE(!sqlite3_open(path, &db), "sqlite3_open");
	st = prepared(db, "SELECT rowid, '%s' FROM %s LIMIT %" PRId64, column, table,
		strcmp(table, "hot") ? 1 : 3);
	while (sqlite3_step(st) == SQLITE_ROW)
		ids[n++] = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++)
			change(r, before, table, column, ids[i], bits[b]);
}

/* A bit of any value that matters is told, or the database refused. */
static void test_each_column(void)
{
	struct rig r;
	sqlite3 *db;
	sqlite3_stmt *st;
	char path[128];
	size_t columns = 0;
	make(&r);
	REQUIRE(!rig_start(&r), r.why);
	char *before = rig_dump(&r);
	store_free(r.s);
	r.s = NULL;
	shell(&r, "cp -r $D $D.good && cp -r $D.anchor $D.anchor.good");
	snprintf(path, sizeof(path), "%s.good/lanyard.db", r.dir);
	REQUIRE(!sqlite3_open(path, &db) && !sqlite3_prepare_v2(db,
						    "SELECT t.name, c.name FROM sqlite_schema t, "
						    "pragma_table_info(t.name) c"
						    " WHERE t.type = 'table'",
						    -1, &st, NULL),
		"columns");
	for (; sqlite3_step(st) == SQLITE_ROW; columns++) {
		const char *table = (const char *)sqlite3_column_text(st, 0);
		const char *column = (const char *)sqlite3_column_text(st, 1);
		if (is_guarded(table, column))
			each_row(&r, before, table, column);
	}
	CHECK(columns > 80, "all of them");
	sqlite3_finalize(st);
	sqlite3_close(db);
	free(before);
	shell(&r, "rm -rf $D.good $D.anchor.good");
	rig_remove(r.dir);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		run(&rows[i]);
	test_error();
	test_log();
	test_kept();
	test_op();
	test_upgrade(RIG_NO_SUMS "DROP TABLE images; DROP TABLE firmware; PRAGMA user_version = 5");
	test_upgrade(RIG_NO_FORGOTTEN "UPDATE meta SET sum = row_sum(clock_ms, next_id, log_next, "
				      "stops, clean, generation,"
				      " rollbacks, log_first); PRAGMA user_version = 7");
	test_meta();
	test_each_column();
	return test_done();
}
