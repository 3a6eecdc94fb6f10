/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the log in which one bit has turned. A row that cannot be believed may be anybody's: then
 * no window is (store_sqdb_mend_log), and each device has to prove that it is there. But the sum of
 * a row has 29 bits, and there are few rows that it can have been if one bit of a number, or of the
 * sum, is wrong: all of them are tried, and if one alone is good, that one it was. Of rows with
 * other damage, one in a million and a half seems to be such.
 *
 * It would not do to look only for whose the row was, so that this one is challenged alone: that is
 * known only where the rest of the row is good, and among a million contexts some other would have
 * the same sum once in 500 times. The hash of the request is of no help either, as its bytes are
 * not kept; nor are the neighbours, which are rows of other devices. Nothing is mended where a
 * row's place or length is wrong, or a row is gone. */
#include "storage/sqlite_db.h"
#include "storage/sqlite_sum.h"

#include <string.h>

enum { AT_ID, AT_FLAGS = 4, AT_NOW = 5, SIGNS = 5, CHANGES = 64 + SIGNS };

static bool is_good(const uint64_t v[static SUM_SEEN_N])
{
	uint64_t w[SUM_SEEN_N];
	memcpy(w, v, sizeof(w));
	w[AT_FLAGS] &= (1u << SUM_SEEN_SHIFT) - 1;
	return v[AT_FLAGS] >> SUM_SEEN_SHIFT == store_sum_seen(w);
}

/* What a turned bit does to a number: in the first that SQLite stores, it is the sign. */
static uint64_t change(size_t k)
{
	static const uint8_t stored_bits[SIGNS] = {8, 16, 24, 32, 48};
	return k < 64 ? UINT64_C(1) << k : UINT64_MAX << (stored_bits[k - 64] - 1);
}

static bool mend(uint64_t v[static SUM_SEEN_N])
{
	size_t n = 0, at = 0, with = 0;
	for (size_t i = AT_ID + 1; i < SUM_SEEN_N; i++)
		for (size_t k = 0; k < CHANGES; k++) {
			v[i] ^= change(k);
			if (is_good(v)) {
				n++;
				at = i;
				with = k;
			}
			v[i] ^= change(k);
		}
	if (n == 1)
		v[at] ^= change(with);
	return n == 1;
}

/* What the damaged rows were; none if one of them cannot be mended. */
static enum err find(
	struct sqdb *d, struct sqdb_mended *m, uint64_t rows[][SUM_SEEN_N], size_t rows_max)
{
	struct sqdb_cur c = store_sqdb_use(d, SQDB_LOG_ROWS);
	store_sqdb_put(&c, d->log_first);
	store_sqdb_put(&c, d->log_next);
	enum err e;
	while (!(e = store_sqdb_row(d, &c))) {
		uint64_t v[SUM_SEEN_N];
		for (size_t i = 0; i < SUM_SEEN_N; i++)
			v[i] = store_sqdb_get(&c);
		if (is_good(v))
			continue;
		if (m->n == rows_max || !mend(v)) {
			m->n = 0;
			break;
		}
		memcpy(rows[m->n], v, sizeof(v));
		m->row[m->n++] = v[AT_ID];
	}
	sqlite3_reset(c.st);
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err put_back(struct sqdb *d, const uint64_t v[static SUM_SEEN_N])
{
	struct sqdb_cur c = {0};
	c.rc = sqlite3_prepare_v2(d->db,
		"UPDATE seen SET context_id = ?2, piv = ?3, expiry_ms = ?4, flags = ?5,"
		" now_ms = ?6 WHERE id = ?1",
		-1, &c.st, NULL);
	for (size_t i = 0; i < SUM_SEEN_N; i++)
		store_sqdb_put(&c, v[i]);
	enum err e = store_sqdb_run(d, &c);
	sqlite3_finalize(c.st);
	if (!e && v[AT_NOW] > d->info.now_ms)
		d->info.now_ms = v[AT_NOW];
	return e;
}

enum err store_sqdb_turn_back(struct sqdb *d, struct sqdb_mended *m)
{
	uint64_t rows[SQDB_MENDED_MAX][SUM_SEEN_N];
	m->n = 0;
	enum err e = store_sqdb_begin(d);
	if (e)
		return e;
	e = find(d, m, rows, SQDB_MENDED_MAX);
	for (size_t i = 0; !e && i < m->n; i++)
		e = put_back(d, rows[i]);
	return store_sqdb_end(d, e);
}
