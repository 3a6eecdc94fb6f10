/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_MAP_H
#define LANYARD_BASE_MAP_H

#include "base/span.h"

/* A hash map from bytes to pointers, keyed with a secret seed (SipHash-1-3) so that peers cannot
 * choose collisions. Open addressing; 12 bytes a slot (a 4-byte hash and a pointer, in two arrays),
 * at most 7/8 full. The map owns neither items nor keys: an item carries its key, and `key` tells
 * where. A key must not change while its item is inside. */
typedef struct span map_key_fn(const void *item);

struct map {
	map_key_fn *key;
	uint32_t *hash; /* 0: free */
	void **item;
	size_t slots; /* a power of two, or 0 */
	size_t count;
	uint64_t seed[2];
};

void map_init(struct map *m, map_key_fn *key, const uint8_t seed[static 16]);
/* Frees the table, not the items. */
void map_fini(struct map *m);
void *map_get(const struct map *m, struct span key);
/* ERR_EXISTS if the key is taken (the map is unchanged), ERR_NOMEM. */
MUST_USE enum err map_put(struct map *m, void *item);
/* The same, and the key may be there already: then there are several items of that key. */
MUST_USE enum err map_add(struct map *m, void *item);
/* The items of one key, in no order: start with an empty cursor, ends with NULL. No change
 * meanwhile. */
struct map_cursor {
	uint32_t hash;
	uint32_t next; /* distance from the home slot */
};
void *map_each(const struct map *m, struct span key, struct map_cursor *cursor);
/* Where many keys are looked up, a look-up waits for memory most of its time, so that of all is
 * fetched first: for each key map_fetch, then for each what map_fetch has returned to
 * map_fetch_item, then the look-ups. The item may be of another key, and is not to be looked at
 * before; NULL: there is none. */
uint32_t map_fetch(const struct map *m, struct span key);
const void *map_fetch_item(const struct map *m, uint32_t hash);
/* Takes this very item out; harmless if it is not inside. */
void map_remove(struct map *m, const void *item);
/* Takes the item with that key out and returns it, or NULL. */
void *map_del(struct map *m, struct span key);
/* Makes room for `count` items at once. */
MUST_USE enum err map_reserve(struct map *m, size_t count);
/* Visits all items in no order: start with *cursor = 0, ends with NULL. The item just returned may
 * be deleted; no other change is allowed meanwhile. */
void *map_next(const struct map *m, size_t *cursor);

/* SipHash-2-4, 64 bits; `key` is secret. For fingerprints that must not be forged. */
uint64_t siphash24(const uint8_t key[static 16], struct span s);

#endif
