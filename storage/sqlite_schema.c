/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, for an operator's eyes too (sqlite3 lanyard.db), and every statement that is kept.
 *
 * Numbers that have "none" or "never" hold -1 for it. `hot` holds all that changes of a context, so
 * that the rows with keys are written once. The log `seen` has no index: appending to it must be
 * cheap. A position is a row id of `seen`; ids are never used again, so positions order what the
 * log says and what was said beside it: of an expiry or a flag, the one with the largest position
 * holds. That makes folding free to stop anywhere and to be repeated. */
#include "storage/sqlite_db.h"

#include "storage/sqlite_sum.h"

static const char version_1[] =
	"CREATE TABLE meta ("
	" id INTEGER PRIMARY KEY CHECK (id = 1),"
	" secret BLOB NOT NULL,"
	" clock_ms INTEGER NOT NULL," /* at least: the newest log row may be ahead */
	" next_id INTEGER NOT NULL,"  /* of endpoints, contexts, operations */
	" log_next INTEGER NOT NULL," /* at least: likewise */
	" stops INTEGER NOT NULL,"    /* clean stops so far */
	" clean INTEGER NOT NULL,"    /* the last run stopped cleanly */
	" writes INTEGER NOT NULL"    /* of this row; a probe changes it */
	") STRICT;"
	"CREATE TABLE endpoints ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" bs_ep TEXT,"
	" rd_ep TEXT,"
	" freshness INTEGER NOT NULL,"
	" allow_nosec INTEGER NOT NULL,"
	" oscore_version INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE contexts ("
	" id INTEGER PRIMARY KEY,"
	" endpoint_id INTEGER NOT NULL,"
	" role INTEGER NOT NULL,"
	" origin INTEGER NOT NULL,"
	" aead INTEGER NOT NULL,"
	" hkdf INTEGER NOT NULL,"
	" ssid INTEGER NOT NULL,"
	" sender_id BLOB NOT NULL,"
	" recipient_id BLOB NOT NULL,"
	" id_context BLOB,"
	" master_secret BLOB NOT NULL,"
	" master_salt BLOB NOT NULL,"
	" sender_key BLOB NOT NULL,"
	" recipient_key BLOB NOT NULL,"
	" common_iv BLOB NOT NULL,"
	" ikm_fingerprint BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX contexts_endpoint ON contexts(endpoint_id);"
	"CREATE TABLE hot (" /* of live contexts and of deleted ones */
	" context_id INTEGER PRIMARY KEY,"
	" endpoint_id INTEGER NOT NULL,"
	" live INTEGER NOT NULL,"
	" generation INTEGER NOT NULL,"
	" ssn_limit INTEGER NOT NULL,"
	" highest INTEGER NOT NULL,"
	" window_bits INTEGER NOT NULL,"
	" exact_stop INTEGER NOT NULL," /* window_bits holds if this is meta.stops, meta.clean 1 */
	" fresh INTEGER NOT NULL,"
	" executed INTEGER NOT NULL,"
	" flags_pos INTEGER NOT NULL,"
	" expiry_ms INTEGER NOT NULL," /* of the endpoint's registration */
	" expiry_pos INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE tombstones ("
	" context_id INTEGER PRIMARY KEY,"
	" ikm_fingerprint BLOB NOT NULL,"
	" sender_id BLOB NOT NULL,"
	" recipient_id BLOB NOT NULL"
	") STRICT;"
	"CREATE TABLE seen ("
	" id INTEGER PRIMARY KEY,"
	" context_id INTEGER NOT NULL,"
	" piv INTEGER NOT NULL,"
	" now_ms INTEGER NOT NULL,"
	" hash INTEGER NOT NULL,"
	" expiry_ms INTEGER NOT NULL," /* 0: unchanged */
	" flags INTEGER NOT NULL,"     /* 1 fresh, 2 executed; above them the row's sum */
	" response BLOB NOT NULL"
	") STRICT;"
	"CREATE TABLE registrations ("
	" endpoint_id INTEGER PRIMARY KEY,"
	" context_id INTEGER NOT NULL,"
	" location TEXT NOT NULL,"
	" lifetime_s INTEGER NOT NULL,"
	" lwm2m INTEGER NOT NULL,"
	" binding INTEGER NOT NULL,"
	" queue INTEGER NOT NULL,"
	" sms TEXT NOT NULL,"
	" links TEXT NOT NULL,"
	" peer BLOB NOT NULL,"
	" registered_wall_s INTEGER NOT NULL,"
	" expiry_ms INTEGER NOT NULL,"
	" expiry_pos INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE plans (endpoint_id INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;"
	"CREATE TABLE operations ("
	" id INTEGER PRIMARY KEY,"
	" endpoint_id INTEGER NOT NULL,"
	" kind TEXT NOT NULL,"
	" path TEXT NOT NULL,"
	" state INTEGER NOT NULL,"
	" created_wall_s INTEGER NOT NULL,"
	" result TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX operations_endpoint ON operations(endpoint_id);"
	"CREATE TABLE events ("
	" seq INTEGER PRIMARY KEY,"
	" wall_ms INTEGER NOT NULL,"
	" type TEXT NOT NULL,"
	" endpoint TEXT NOT NULL,"
	" json TEXT NOT NULL"
	") STRICT;"
	/* for the operator: exact after a clean stop, else without what is still in the log */
	"CREATE VIEW devices AS SELECT e.name, r.location, r.lifetime_s,"
	" datetime(r.registered_wall_s, 'unixepoch') AS registered,"
	" coalesce((SELECT h.expiry_ms FROM hot h JOIN contexts c ON c.id = h.context_id"
	"   WHERE c.endpoint_id = r.endpoint_id AND h.expiry_pos > r.expiry_pos"
	"   ORDER BY h.expiry_pos DESC LIMIT 1), r.expiry_ms) AS expiry_ms"
	" FROM registrations r JOIN endpoints e ON e.id = r.endpoint_id;";

/* What a copy is told apart by (storage/anchor.h), and what may be believed of its windows. A
 * database that was in use before it had an id counts as one whose anchor is lost. */
static const char version_2[] =
	"ALTER TABLE meta ADD COLUMN db_id BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE meta ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE meta ADD COLUMN rollbacks INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE meta ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;" /* a copy */
	"ALTER TABLE hot ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;"    /* until fresh is set */
	"UPDATE meta SET db_id = randomblob(16),"
	" generation = EXISTS (SELECT 1 FROM hot) OR stops > 0;";

/* How much the keys have done, where numbers alone do not tell. */
static const char version_3[] =
	"ALTER TABLE hot ADD COLUMN ssn_gap INTEGER NOT NULL DEFAULT 0;" /* of ssn_limit, unused */
	"ALTER TABLE hot ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;"
	/* what earlier rollbacks left out: all below the epoch, as far as anybody knows */
	"UPDATE hot SET ssn_gap = ssn_limit >> 20 << 20"
	" WHERE (SELECT rollbacks FROM meta) > 0;";

/* Messages of other sizes and pace for some endpoints; 0: as configured. */
static const char version_4[] =
	"ALTER TABLE endpoints ADD COLUMN ack_timeout_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE endpoints ADD COLUMN block_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE endpoints ADD COLUMN message_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE endpoints ADD COLUMN max_retransmit INTEGER NOT NULL DEFAULT 0;";

/* Queues of devices that sleep. */
static const char version_5[] =
	"ALTER TABLE operations ADD COLUMN ref INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE operations ADD COLUMN expiry_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE operations ADD COLUMN body BLOB NOT NULL DEFAULT x'';";

/* What makes an accident to a row be seen (storage/sqlite_sum.h). `suspect` is 255 for a copy, so
 * that no single bit takes it back. */
/* clang-format off */
static const char version_6[] =
	"ALTER TABLE meta ADD COLUMN log_first INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE meta ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE endpoints ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE contexts ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tombstones ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE registrations ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE plans ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE operations ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE hot ADD COLUMN ssn_not INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE hot ADD COLUMN highest_not INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE hot ADD COLUMN window_not INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE hot ADD COLUMN gap_not INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE hot ADD COLUMN failures_not INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE hot ADD COLUMN state_not INTEGER NOT NULL DEFAULT 0;"
	"UPDATE hot SET ssn_not = ~ssn_limit, highest_not = ~highest, window_not = ~window_bits,"
	" gap_not = ~ssn_gap, failures_not = ~failures, state_not = ~(" SUM_HOT_STATE("") ");"
	"UPDATE endpoints SET sum = row_sum(" SUM_ENDPOINT_6 ");"
	"UPDATE contexts SET sum = row_sum(" SUM_CONTEXT_6("") ");"
	"UPDATE tombstones SET sum = row_sum(" SUM_TOMBSTONE("") ");"
	"UPDATE seen SET flags = flags | row_sum(" SUM_SEEN ") << 2;"
	"UPDATE registrations SET sum = row_sum(" SUM_REG ");"
	"UPDATE plans SET sum = row_sum(" SUM_PLAN ");"
	"UPDATE operations SET sum = row_sum(" SUM_OP("state") ");"
	"UPDATE meta SET suspect = 255 * suspect,"
	" log_next = max(log_next, coalesce((SELECT max(id) + 1 FROM seen), 1)),"
	" log_first = coalesce((SELECT min(id) FROM seen), log_next);"
	"UPDATE meta SET sum = row_sum(clock_ms, next_id, log_next, stops, clean, generation,"
	" rollbacks, log_first);";
/* clang-format on */

/* Firmware: the images that are kept, and the update of each endpoint. */
static const char version_7[] = "CREATE TABLE images ("
				" id INTEGER PRIMARY KEY,"
				" name TEXT NOT NULL,"
				" sha256 BLOB NOT NULL,"
				" bytes INTEGER NOT NULL,"
				" created_wall_s INTEGER NOT NULL,"
				" once INTEGER NOT NULL,"
				" sum INTEGER NOT NULL"
				") STRICT;"
				"CREATE TABLE firmware ("
				" endpoint_id INTEGER PRIMARY KEY,"
				" method INTEGER NOT NULL,"
				" step INTEGER NOT NULL,"
				" outcome INTEGER NOT NULL,"
				" device_result INTEGER NOT NULL,"
				" executed INTEGER NOT NULL,"
				" observing INTEGER NOT NULL,"
				" image_id INTEGER NOT NULL,"
				" image TEXT NOT NULL,"
				" uri TEXT NOT NULL,"
				" detail TEXT NOT NULL,"
				" created_wall_s INTEGER NOT NULL,"
				" changed_wall_s INTEGER NOT NULL,"
				" sum INTEGER NOT NULL"
				") STRICT;";

/* How far keys were used that left no tombstone. */
static const char version_8[] =
	"ALTER TABLE meta ADD COLUMN ssn_forgotten INTEGER NOT NULL DEFAULT 0;"
	"UPDATE meta SET sum = row_sum(" SUM_META ")"
	" + (sum <> row_sum(clock_ms, next_id, log_next, stops, clean, generation, rollbacks,"
	" log_first));";

/* How old keys are; of those that are there already, from now on. A row that was damaged stays so.
 */
static const char version_9[] =
	"ALTER TABLE contexts ADD COLUMN created_day INTEGER NOT NULL DEFAULT 0;"
	"UPDATE contexts SET sum = sum = row_sum(" SUM_CONTEXT_6(
		"") ");"
		    "UPDATE contexts SET created_day = CAST(strftime('%s', 'now') AS INTEGER) / "
		    "86400;"
		    "UPDATE contexts SET sum = CASE sum WHEN 1 THEN row_sum(" SUM_CONTEXT(
			    "") ")"
				" ELSE ~row_sum(" SUM_CONTEXT("") ") END;";

/* How many requests of ours may be under way; 0: as configured. A row that was damaged stays so. */
static const char version_10[] =
	"ALTER TABLE endpoints ADD COLUMN nstart INTEGER NOT NULL DEFAULT 0;"
	"UPDATE endpoints SET sum = CASE sum WHEN row_sum(" SUM_ENDPOINT_6
	") THEN row_sum(" SUM_ENDPOINT_10 ") ELSE ~row_sum(" SUM_ENDPOINT_10 ") END;";

/* DTLS and TLS. An endpoint that was damaged stays so. */
static const char version_11[] =
	"ALTER TABLE endpoints ADD COLUMN require INTEGER NOT NULL DEFAULT 0;"
	"UPDATE endpoints SET sum = row_sum(" SUM_ENDPOINT ")"
	" + (sum <> row_sum(" SUM_ENDPOINT_10 "));"
	"CREATE TABLE credentials ("
	" endpoint_id INTEGER NOT NULL,"
	" kind INTEGER NOT NULL,"
	" role INTEGER NOT NULL,"
	" identity BLOB NOT NULL,"
	" secret BLOB NOT NULL,"
	" sum INTEGER NOT NULL,"
	" PRIMARY KEY (endpoint_id, kind, role)"
	") STRICT;";

const char *const store_sqdb_migration[SQDB_VERSION] = {version_1, version_2, version_3, version_4,
	version_5, version_6, version_7, version_8, version_9, version_10, version_11};

const char *const store_sqdb_sql[SQDB_STMTS] = {
	[SQDB_BEGIN] = "BEGIN IMMEDIATE",
	[SQDB_COMMIT] = "COMMIT",
	[SQDB_ROLLBACK] = "ROLLBACK",
	[SQDB_META] = "UPDATE meta SET clock_ms = ?1, next_id = ?2, log_next = ?3,"
		      " stops = ?4, clean = ?5, generation = ?6, rollbacks = ?7, log_first = ?8,"
		      " ssn_forgotten = ?9, sum = row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9),"
		      " suspect = ?10, writes = writes + 1 WHERE id = 1",
	[SQDB_ENDPOINT_PUT] = "INSERT INTO endpoints (id, name, bs_ep, rd_ep, freshness,"
			      " allow_nosec, oscore_version, ack_timeout_ms, block_bytes,"
			      " message_bytes, max_retransmit, nstart, require, sum)"
			      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
			      " row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))"
			      " ON CONFLICT (id) DO UPDATE SET name = ?2, bs_ep = ?3, rd_ep = ?4,"
			      " freshness = ?5, allow_nosec = ?6, oscore_version = ?7,"
			      " ack_timeout_ms = ?8, block_bytes = ?9, message_bytes = ?10,"
			      " max_retransmit = ?11, nstart = ?12, require = ?13, sum ="
			      " row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[SQDB_ENDPOINT_DEL] = "DELETE FROM endpoints WHERE id = ?1",
	[SQDB_ENDPOINT_CONTEXTS] = "SELECT id FROM contexts WHERE endpoint_id = ?1 LIMIT 1",
	[SQDB_OPS_DEL] = "DELETE FROM operations WHERE endpoint_id = ?1",
	[SQDB_CONTEXT_PUT] =
		"INSERT OR REPLACE INTO contexts (id, endpoint_id, role, origin, aead,"
		" hkdf, ssid, sender_id, recipient_id, id_context, master_secret,"
		" master_salt, sender_key, recipient_key, common_iv, ikm_fingerprint,"
		" created_day, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
		" ?11, ?12, ?13, ?14, ?15, ?16, ?17, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
		" ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17))",
	[SQDB_HOT_PUT] = "INSERT INTO hot (context_id, endpoint_id, live, generation, ssn_limit,"
			 " highest, window_bits, exact_stop, fresh, executed, flags_pos,"
			 " expiry_ms, expiry_pos, stale, ssn_gap, failures, ssn_not,"
			 " highest_not, window_not, gap_not, failures_not, state_not)"
			 " VALUES (?1, ?2, 1, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, 0, 0, ?9, ?10, ?11,"
			 " ~?4, ~?5, -1, ~?10, ~?11,"
			 " ~(64 * ?1 + 16 * ?3 + 8 * ?9 + 4 * ?7 + 2 * ?6 + 1))"
			 " ON CONFLICT (context_id) DO UPDATE SET endpoint_id = ?2,"
			 " generation = ?3, ssn_limit = max(ssn_limit, ?4),"
			 " highest = max(highest, ?5), exact_stop = 0, fresh = ?6, executed = ?7,"
			 " flags_pos = ?8, stale = ?9, ssn_gap = min(ssn_gap, ?10),"
			 " failures = max(failures, ?11), ssn_not = min(ssn_not, ~?4),"
			 " highest_not = min(highest_not, ~?5), gap_not = max(gap_not, ~?10),"
			 " failures_not = min(failures_not, ~?11),"
			 " state_not = ~(64 * ?1 + 16 * ?3 + 8 * ?9 + 4 * ?7 + 2 * ?6 + 1)"
			 " WHERE live = 1",
	[SQDB_TOMBSTONE] =
		"INSERT INTO tombstones (context_id, ikm_fingerprint, sender_id,"
		" recipient_id, sum) SELECT id, ikm_fingerprint, sender_id, recipient_id,"
		" row_sum(id, ikm_fingerprint, sender_id, recipient_id)"
		" + (sum <> row_sum(" SUM_CONTEXT("") ")) FROM contexts WHERE id = ?1",
	[SQDB_HOT_DEAD] = "UPDATE hot SET live = 0, state_not = state_not | 1"
			  " WHERE context_id = ?1",
	[SQDB_HOT_LIMIT] = "SELECT max(ssn_limit, ~ssn_not) + 1 FROM hot WHERE context_id = ?1",
	[SQDB_HOT_DEL] = "DELETE FROM hot WHERE context_id = ?1",
	[SQDB_CONTEXT_DEL] = "DELETE FROM contexts WHERE id = ?1",
	[SQDB_CONTEXT_STATE] = "UPDATE hot SET generation = ?2, fresh = ?3, executed = ?4,"
			       " flags_pos = ?5, state_not = (state_not & 8)"
			       " | ~(64 * ?1 + 16 * ?2 + 8 + 4 * ?4 + 2 * ?3 + 1)"
			       " WHERE context_id = ?1 AND live = 1",
	[SQDB_INPUTS] = "SELECT master_secret, master_salt, sum = row_sum(" SUM_CONTEXT(
		"") ") FROM contexts WHERE id = ?1",
	[SQDB_CONTEXT_FAILURES] = "UPDATE hot SET failures = max(failures, ?2),"
				  " failures_not = min(failures_not, ~?2)"
				  " WHERE context_id = ?1",
	[SQDB_SSN_RESERVE] = "UPDATE hot SET ssn_limit = ssn_limit + ?3, ssn_not = ssn_not - ?3"
			     " WHERE context_id = ?1 AND ssn_limit = ?2 AND ssn_not = ~?2"
			     " AND live = 1",
	[SQDB_SEEN] = "INSERT INTO seen (id, context_id, piv, now_ms, hash, expiry_ms, flags,"
		      " response) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQDB_REG_PUT] = "INSERT OR REPLACE INTO registrations (endpoint_id, context_id, location,"
			 " lifetime_s, lwm2m, binding, queue, sms, links, peer, registered_wall_s,"
			 " expiry_ms, expiry_pos, sum)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
			 " row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?11))",
	[SQDB_REG_DEL] = "DELETE FROM registrations WHERE endpoint_id = ?1",
	[SQDB_REG_EXPIRY] = "UPDATE registrations SET expiry_ms = ?2, expiry_pos = ?3"
			    " WHERE endpoint_id = ?1",
	[SQDB_REG_PEER] = "UPDATE registrations SET peer = ?2 WHERE endpoint_id = ?1",
	[SQDB_OP_PUT] = "INSERT OR REPLACE INTO operations (id, endpoint_id, kind, path, state,"
			" created_wall_s, result, ref, expiry_ms, body, sum)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
			" row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10))",
	[SQDB_OP_STATE] = "UPDATE operations SET state = ?2, sum = row_sum(" SUM_OP(
		"?2") ")"
		      " + (sum <> row_sum(" SUM_OP("state") ")) WHERE id = ?1",
	[SQDB_OP_DEL] = "DELETE FROM operations WHERE id = ?1",
	[SQDB_PLAN_PUT] = "INSERT OR REPLACE INTO plans (endpoint_id, json, sum)"
			  " VALUES (?1, ?2, row_sum(?1, ?2))",
	[SQDB_PLAN_DEL] = "DELETE FROM plans WHERE endpoint_id = ?1",
	[SQDB_EVENT] = "INSERT INTO events (seq, wall_ms, type, endpoint, json)"
		       " VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQDB_EVENT_TRIM] = "DELETE FROM events WHERE seq <= ?1",
	[SQDB_EVENTS] = "SELECT seq, wall_ms, type, endpoint, json FROM events WHERE seq > ?1"
			" ORDER BY seq LIMIT ?2",
	[SQDB_LOG_AT] = "SELECT now_ms FROM seen WHERE id = ?1",
	[SQDB_LOG_ROWS] = "SELECT id, context_id, piv, expiry_ms, flags, now_ms FROM seen"
			  " WHERE id >= ?1 AND id < ?2 ORDER BY id",
	[SQDB_LOG_DEL] = "DELETE FROM seen WHERE id >= ?1 AND id < ?2",
	[SQDB_FOLD] = "UPDATE hot SET highest = max(highest, ?2),"
		      " highest_not = min(highest_not, ~?2), state_not = state_not"
		      " & ~(2 * (?3 > flags_pos) + 4 * (?4 > flags_pos)),"
		      " fresh = fresh OR ?3 > flags_pos, executed = executed OR ?4 > flags_pos,"
		      " expiry_ms = iif(?6 > expiry_pos, ?5, expiry_ms),"
		      " expiry_pos = max(expiry_pos, ?6) WHERE context_id = ?1",
	[SQDB_EXACT] = "UPDATE hot SET ssn_limit = ?2, window_bits = ?4,"
		       " exact_stop = iif(?3 >= highest, ?5, 0), highest = max(highest, ?3),"
		       " failures = max(failures, ?6), ssn_not = ~?2, window_not = ~?4,"
		       " highest_not = min(highest_not, ~?3),"
		       " failures_not = min(failures_not, ~?6)"
		       " WHERE context_id = ?1 AND live = 1",
	[SQDB_IMAGE_PUT] = "INSERT OR REPLACE INTO images (id, name, sha256, bytes, created_wall_s,"
			   " once, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
			   " row_sum(?1, ?2, ?3, ?4, ?5, ?6))",
	[SQDB_IMAGE_DEL] = "DELETE FROM images WHERE id = ?1",
	[SQDB_FIRMWARE_PUT] = "INSERT OR REPLACE INTO firmware (endpoint_id, method, step,"
			      " outcome, device_result, executed, observing, image_id, image, uri,"
			      " detail, created_wall_s, changed_wall_s, sum)"
			      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
			      " row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13))",
	[SQDB_FIRMWARE_DEL] = "DELETE FROM firmware WHERE endpoint_id = ?1",
	[SQDB_CREDENTIAL_PUT] = "INSERT OR REPLACE INTO credentials (endpoint_id, kind, role,"
				" identity, secret, sum) VALUES (?1, ?2, ?3, ?4, ?5,"
				" row_sum(?1, ?2, ?3, ?4, ?5))",
	[SQDB_CREDENTIAL_DEL] = "DELETE FROM credentials WHERE endpoint_id = ?1 AND kind = ?2"
				" AND role = ?3",
	[SQDB_CREDENTIALS_DEL] = "DELETE FROM credentials WHERE endpoint_id = ?1",
	[SQDB_ROLL_BACK] = "UPDATE hot SET ssn_limit = max(ssn_limit, ?1),"
			   " ssn_gap = ssn_gap + max(0, ?1 - ssn_limit), stale = 1, fresh = 0,"
			   " window_bits = 0, exact_stop = 0, flags_pos = ?2,"
			   " ssn_not = min(ssn_not, ~?1), window_not = -1,"
			   " gap_not = gap_not - max(0, ?1 - ssn_limit),"
			   " state_not = (state_not | 2) & -9",
	[SQDB_DISTRUST] = "UPDATE hot SET stale = 1, fresh = 0, window_bits = 0, exact_stop = 0,"
			  " flags_pos = ?1, window_not = -1, state_not = (state_not | 2) & -9",
};
