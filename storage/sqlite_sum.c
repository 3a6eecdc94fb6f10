/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/sqlite_sum.h"

/* Each step maps what was before, and the word, one to one: a change of one word changes all that
 * comes of it. */
static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static uint64_t end(uint64_t h)
{
	return h * UINT64_C(0xd6e8feb86659fd93) >> (64 - SUM_BITS);
}

static uint64_t of_bytes(struct span s, uint64_t h)
{
	struct reader r = rd_make(s);
	while (rd_left(&r) >= 8)
		h = mix(h, rd_u64(&r));
	return mix(mix(h, rd_uint(&r, rd_left(&r))), s.n);
}

uint64_t store_sum_seen(const uint64_t v[static SUM_SEEN_N])
{
	uint64_t h = 0;
	for (size_t i = 0; i < SUM_SEEN_N; i++)
		h = mix(h, v[i]);
	return end(h);
}

/* A number stands for itself; of text and bytes the type stands too: an empty value is not a
 * missing one. */
static uint64_t add(uint64_t h, sqlite3_value *v)
{
	int type = sqlite3_value_type(v);
	if (type == SQLITE_INTEGER)
		return mix(h, (uint64_t)sqlite3_value_int64(v));
	struct span s = {.p = sqlite3_value_blob(v)};
	s.n = (size_t)sqlite3_value_bytes(v);
	return of_bytes(s, mix(h, (uint64_t)type));
}

static void row_sum(sqlite3_context *c, int n, sqlite3_value **v)
{
	uint64_t h = 0;
	for (int i = 0; i < n; i++)
		h = add(h, v[i]);
	sqlite3_result_int64(c, (int64_t)end(h));
}

int store_sum_register(sqlite3 *db)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
	return sqlite3_create_function_v2(
		db, "row_sum", -1, flags, NULL, row_sum, NULL, NULL, NULL);
}
