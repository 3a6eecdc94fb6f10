/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* Linear probing in Robin Hood order: along a run, items stand in the cyclic order of their home
 * slots. A search ends where the resident is nearer to its home than the searcher, which keeps
 * misses short at 7/8 load; a deletion shifts the rest of the run back and leaves no tombstone. */

enum { SLOTS_MIN = 8 };
#define SLOTS_MAX ((size_t)1 << 31) /* a hash has 32 bits */

static inline uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static inline uint64_t load_le64(const uint8_t p[static 8])
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

static inline void sip_rounds(uint64_t v[static 4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[0] = rotl(v[0], 32);
		v[2] += v[3];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[2] = rotl(v[2], 32);
	}
}

static inline void sip_word(uint64_t v[static 4], uint64_t word, int rounds)
{
	v[3] ^= word;
	sip_rounds(v, rounds);
	v[0] ^= word;
}

static inline uint64_t siphash(
	uint64_t k0, uint64_t k1, struct span s, int word_rounds, int end_rounds)
{
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573};
	uint64_t last = (uint64_t)s.n << 56;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8)
		sip_word(v, load_le64(s.p + i), word_rounds);
	for (unsigned shift = 0; i < s.n; i++, shift += 8)
		last |= (uint64_t)s.p[i] << shift;
	sip_word(v, last, word_rounds);
	v[2] ^= 0xff;
	sip_rounds(v, end_rounds);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t siphash24(const uint8_t key[static 16], struct span s)
{
	return siphash(load_le64(key), load_le64(key + 8), s, 2, 4);
}

void map_init(struct map *m, map_key_fn *key, const uint8_t seed[static 16])
{
	*m = (struct map){.key = key, .seed = {load_le64(seed), load_le64(seed + 8)}};
}

void map_fini(struct map *m)
{
	free(m->hash);
	free(m->item);
	secret_wipe(m, sizeof(*m));
}

static uint32_t hash_of(const struct map *m, struct span key)
{
	uint32_t h = (uint32_t)siphash(m->seed[0], m->seed[1], key, 1, 3);

	return h ? h : 1;
}

/* How far slot i is from the home of the hash in it. */
static inline size_t distance(const struct map *m, size_t i)
{
	return (i - m->hash[i]) & (m->slots - 1);
}

/* The slot with that key, or m->slots. */
static size_t find(const struct map *m, uint32_t h, struct span key)
{
	size_t mask = m->slots - 1;
	size_t i = h & mask;

	if (m->slots == 0)
		return m->slots;
	__builtin_prefetch(&m->item[i]); /* comes with the hash, not after it */
	for (size_t d = 0; m->hash[i] && distance(m, i) >= d; d++, i = (i + 1) & mask)
		if (m->hash[i] == h && span_eq(m->key(m->item[i]), key))
			return i;
	return m->slots;
}

uint32_t map_fetch(const struct map *m, struct span key)
{
	if (!m->count)
		return 0;
	uint32_t h = hash_of(m, key);
	size_t i = h & (m->slots - 1);
	__builtin_prefetch(&m->hash[i]);
	__builtin_prefetch(&m->item[i]);
	return h;
}

const void *map_fetch_item(const struct map *m, uint32_t h)
{
	size_t mask = m->slots - 1;
	size_t i = h & mask;
	if (!m->count || !h)
		return NULL;
	for (size_t d = 0; m->hash[i] && distance(m, i) >= d; d++, i = (i + 1) & mask)
		if (m->hash[i] == h) {
			__builtin_prefetch(m->item[i]);
			return m->item[i];
		}
	return NULL;
}

/* There is a free slot, and no such key. */
static void place(struct map *m, uint32_t h, void *item)
{
	size_t mask = m->slots - 1;
	size_t i = h & mask;

	for (size_t d = 0; m->hash[i]; d++, i = (i + 1) & mask) {
		size_t resident = distance(m, i);

		if (resident < d) {
			uint32_t other_hash = m->hash[i];
			void *other = m->item[i];

			m->hash[i] = h;
			m->item[i] = item;
			h = other_hash;
			item = other;
			d = resident;
		}
	}
	m->hash[i] = h;
	m->item[i] = item;
}

static enum err resize(struct map *m, size_t slots)
{
	struct map old = *m;
	uint32_t *hash = calloc(slots, sizeof(*hash));
	void **item = malloc(slots * sizeof(*item));

	if (!hash || !item) {
		free(hash);
		free(item);
		return ERR_NOMEM;
	}
	m->hash = hash;
	m->item = item;
	m->slots = slots;
	for (size_t i = 0; i < old.slots; i++)
		if (old.hash[i])
			place(m, old.hash[i], old.item[i]);
	free(old.hash);
	free(old.item);
	return ERR_OK;
}

enum err map_reserve(struct map *m, size_t count)
{
	size_t slots = m->slots ? m->slots : SLOTS_MIN;

	if (count > SLOTS_MAX / 8 * 7)
		return ERR_NOMEM;
	while (count > slots / 8 * 7)
		slots *= 2;
	return slots == m->slots ? ERR_OK : resize(m, slots);
}

void *map_get(const struct map *m, struct span key)
{
	size_t i = m->count ? find(m, hash_of(m, key), key) : m->slots;

	return i < m->slots ? m->item[i] : NULL;
}

enum err map_add(struct map *m, void *item)
{
	uint32_t h = hash_of(m, m->key(item));
	enum err err = map_reserve(m, m->count + 1);

	if (err)
		return err;
	place(m, h, item);
	m->count++;
	return ERR_OK;
}

enum err map_put(struct map *m, void *item)
{
	struct span key = m->key(item);

	if (m->count && find(m, hash_of(m, key), key) < m->slots)
		return ERR_EXISTS;
	return map_add(m, item);
}

void *map_each(const struct map *m, struct span key, struct map_cursor *cursor)
{
	size_t mask = m->slots - 1;
	uint32_t d = cursor->next;

	if (!m->count)
		return NULL;
	if (!cursor->hash)
		cursor->hash = hash_of(m, key);
	size_t i = (cursor->hash + d) & mask;
	__builtin_prefetch(&m->item[i]);
	for (; m->hash[i] && distance(m, i) >= d; d++, i = (i + 1) & mask)
		if (m->hash[i] == cursor->hash && span_eq(m->key(m->item[i]), key)) {
			cursor->next = d + 1;
			return m->item[i];
		}
	return NULL;
}

/* Empties slot i and closes the gap. */
static void *take_out(struct map *m, size_t i)
{
	size_t mask = m->slots - 1;
	void *item = m->item[i];

	for (;;) {
		size_t next = (i + 1) & mask;

		if (!m->hash[next] || distance(m, next) == 0)
			break;
		m->hash[i] = m->hash[next];
		m->item[i] = m->item[next];
		i = next;
	}
	m->hash[i] = 0;
	m->count--;
	return item;
}

void map_remove(struct map *m, const void *item)
{
	size_t mask = m->slots - 1;
	uint32_t h = m->count ? hash_of(m, m->key(item)) : 0;
	size_t i = h & mask;

	if (!m->count)
		return;
	for (size_t d = 0; m->hash[i] && distance(m, i) >= d; d++, i = (i + 1) & mask)
		if (m->item[i] == item) {
			take_out(m, i);
			return;
		}
}

void *map_del(struct map *m, struct span key)
{
	size_t i = m->count ? find(m, hash_of(m, key), key) : m->slots;

	return i < m->slots ? take_out(m, i) : NULL;
}

/* Whether the item in slot i belongs to the run that goes round the end of the table. */
static bool wrapped(const struct map *m, size_t i)
{
	return m->hash[i] && (m->hash[i] & (m->slots - 1)) > i;
}

/* From the last slot to the first, so that what a deletion shifts back was visited before. The
 * items that have run over the end come first, from the end of that run, since a deletion in the
 * last slots shifts them there; the second pass leaves them out. The cursor is one more than the
 * virtual slot of the item returned last, those of the first pass counting from m->slots. */
void *map_next(const struct map *m, size_t *cursor)
{
	size_t at = *cursor - 1;

	if (m->slots == 0)
		return NULL;
	if (*cursor == 0)
		for (at = m->slots; wrapped(m, at - m->slots);)
			at++;
	while (at > 0) {
		size_t i = --at & (m->slots - 1);

		if (m->hash[i] && wrapped(m, i) == (at >= m->slots)) {
			*cursor = at + 1;
			return m->item[i];
		}
	}
	*cursor = 1;
	return NULL;
}
