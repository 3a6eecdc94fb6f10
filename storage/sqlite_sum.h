/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of rows, against accidents: a bit that a disk or memory turned must not become another key,
 * another name or a lower counter. They hold nobody up who can write to the file, so there is no
 * key, a multiplication for each word does, and 29 bits are enough.
 *
 * A row that is written as a whole has a column `sum`, over the columns below; in the log, where
 * each request pays for it, the sum is in `flags`, above its two bits. In `hot`, which is
 * changed in place by SQL, each number has its complement beside it, kept by the same statement
 * from the statement's own parameters: a change to one of the two stays a contradiction. What only
 * people read (events, expiry, an address that any verified message replaces) has none, nor has a
 * stored answer: the device does not accept a wrong one. */
#ifndef LANYARD_STORAGE_SQLITE_SUM_H
#define LANYARD_STORAGE_SQLITE_SUM_H

#include "base/span.h"

#include <sqlite3.h>

/* Columns as SQL. `p` is what stands before their names: "" or "c.". */
#define SUM_ENDPOINT_6                                                                             \
	"id, name, bs_ep, rd_ep, freshness, allow_nosec, oscore_version, ack_timeout_ms,"          \
	" block_bytes, message_bytes, max_retransmit"
#define SUM_ENDPOINT_10 SUM_ENDPOINT_6 ", nstart"
#define SUM_ENDPOINT    SUM_ENDPOINT_10 ", require"
#define SUM_CONTEXT_6(p)                                                                           \
	p "id, " p "endpoint_id, " p "role, " p "origin, " p "aead, " p "hkdf, " p "ssid, " p      \
	  "sender_id, " p "recipient_id, " p "id_context, " p "master_secret, " p                  \
	  "master_salt, " p "sender_key, " p "recipient_key, " p "common_iv, " p "ikm_fingerprint"
#define SUM_CONTEXT(p)   SUM_CONTEXT_6(p) ", " p "created_day"
#define SUM_TOMBSTONE(p) p "context_id, " p "ikm_fingerprint, " p "sender_id, " p "recipient_id"
#define SUM_SEEN         "id, context_id, piv, expiry_ms, flags & 3, now_ms"
#define SUM_SEEN_GOOD    "flags >> 2 = row_sum(" SUM_SEEN ")"
#define SUM_REG                                                                                    \
	"endpoint_id, context_id, location, lifetime_s, lwm2m, binding, queue, sms, links,"        \
	" registered_wall_s"
#define SUM_PLAN "endpoint_id, json"
#define SUM_OP(state)                                                                              \
	"id, endpoint_id, kind, path, " state ", created_wall_s, result, ref, expiry_ms, body"
#define SUM_IMAGE "id, name, sha256, bytes, created_wall_s, once"
#define SUM_FIRMWARE                                                                               \
	"endpoint_id, method, step, outcome, device_result, executed, observing, image_id, image," \
	" uri, detail, created_wall_s, changed_wall_s"
#define SUM_CREDENTIAL "endpoint_id, kind, role, identity, secret"
#define SUM_META                                                                                   \
	"clock_ms, next_id, log_next, stops, clean, generation, rollbacks, log_first,"             \
	" ssn_forgotten"

/* What hot.state_not is the complement of. */
#define SUM_HOT_STATE(p)                                                                           \
	"64 * " p "context_id + 16 * " p "generation + 8 * " p "stale + 4 * " p                    \
	"executed + 2 * " p "fresh + " p "live"
#define SUM_HOT_GOOD(p)                                                                            \
	"(" p "ssn_not = ~" p "ssn_limit AND " p "highest_not = ~" p "highest AND " p              \
	"window_not = ~" p "window_bits AND " p "gap_not = ~" p "ssn_gap AND " p                   \
	"failures_not = ~" p "failures AND " p "state_not = ~(" SUM_HOT_STATE(p) "))"

enum { SUM_BITS = 29, SUM_SEEN_N = 6, SUM_SEEN_SHIFT = 2 };

/* The sum of a row of the log, over its columns in the order of SUM_SEEN. */
uint64_t store_sum_seen(const uint64_t v[static SUM_SEEN_N]);
/* Gives a connection the function row_sum(column, ...). An SQLite result code. */
int store_sum_register(sqlite3 *db);

#endif
