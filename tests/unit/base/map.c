/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/secret.h"
#include "tests/unit/base/small_heap.h"
#include "tests/unit/test.h"

struct item {
	uint32_t id;
	bool in, seen;
};

static const uint8_t seed[16] = {1, 2, 3, 4};

static struct span item_key(const void *p)
{
	const struct item *it = p;

	return span_make(&it->id, sizeof(it->id));
}

static struct span id_span(const uint32_t *id)
{
	return span_make(id, sizeof(*id));
}

/* The reference implementation's key is 00 to 0f, and its inputs are 00, 01, 02, ... of growing
 * length (Aumasson and Bernstein, appendix A and vectors.h). */
static void test_siphash(void)
{
	static const struct {
		size_t n;
		uint64_t want;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{2, 0x0d6c8009d9a94f5a},
		{3, 0x85676696d7fb7e2d},
		{4, 0xcf2794e0277187b7},
		{5, 0x18765564cd99a68d},
		{6, 0xcbc9466e58fee3ce},
		{7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},
		{9, 0x9e0082df0ba9e4b0},
		{15, 0xa129ca6149be45e5},
		{16, 0x3f2acc7f57c29bdb},
		{63, 0x958a324ceb064572},
	};
	uint8_t in[64], key[16];

	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	memcpy(key, in, sizeof(key));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(siphash24(key, span_make(in, rows[i].n)) == rows[i].want, "SipHash-2-4");
	CHECK(siphash24(key, SPAN_EMPTY) == rows[0].want, "SipHash-2-4 of no bytes");
}

static void test_basics(void)
{
	struct item a = {.id = 1}, same = {.id = 1}, b = {.id = 2};
	size_t cursor = 0;
	struct map m;

	map_init(&m, item_key, seed);
	CHECK(map_get(&m, id_span(&a.id)) == NULL, "nothing in an empty map");
	CHECK(map_del(&m, id_span(&a.id)) == NULL, "nothing to delete either");
	CHECK(map_next(&m, &cursor) == NULL, "nor to visit");
	CHECK(map_put(&m, &a) == ERR_OK && m.count == 1, "put");
	CHECK(map_put(&m, &same) == ERR_EXISTS && m.count == 1, "the key is taken");
	CHECK(map_get(&m, id_span(&same.id)) == &a, "the first one stays");
	CHECK(map_get(&m, id_span(&b.id)) == NULL, "another key");
	CHECK(map_get(&m, SPAN_EMPTY) == NULL, "the empty key");
	CHECK(map_put(&m, &b) == ERR_OK && m.count == 2, "put another");
	CHECK(map_del(&m, id_span(&a.id)) == &a && m.count == 1, "delete");
	CHECK(map_del(&m, id_span(&a.id)) == NULL && m.count == 1, "delete again");
	CHECK(map_get(&m, id_span(&b.id)) == &b, "the other is still there");
	CHECK(map_put(&m, &same) == ERR_OK, "the key is free again");
	map_fini(&m);
}

static void check_visit(
	struct map *m, struct item *items, size_t n, uint32_t del_one_in, const struct rng *rng)
{
	size_t visited = 0, expected = m->count, cursor = 0;
	struct item *it;
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		items[i].seen = false;
	while ((it = map_next(m, &cursor))) {
		ok = ok && it->in && !it->seen;
		it->seen = true;
		visited++;
		if (del_one_in && rng_u64(rng) % del_one_in == 0) {
			ok = ok && map_del(m, item_key(it)) == it;
			it->in = false;
		}
	}
	CHECK(ok && visited == expected, "each item is visited once, with deletions meanwhile");
	CHECK(map_next(m, &cursor) == NULL, "the end stays the end");
}

/* The Robin Hood order, from which the short misses and the end of a shift follow. */
static bool in_order(const struct map *m)
{
	size_t mask = m->slots - 1, count = 0;

	for (size_t i = 0; i < m->slots; i++) {
		size_t prev = (i - 1) & mask, d = (i - m->hash[i]) & mask;

		if (!m->hash[i])
			continue;
		count++;
		if (d > 0 && (!m->hash[prev] || ((prev - m->hash[prev]) & mask) + 1 < d))
			return false;
	}
	return count == m->count && count <= m->slots / 8 * 7;
}

/* Small universes fill few slots, so that runs go round the end of the table all the time. */
static void test_model(uint32_t universe, size_t ops, uint64_t test_seed)
{
	struct item *items = calloc(universe, sizeof(*items));
	uint64_t state[4];
	struct rng rng = rng_test(state, test_seed);
	size_t count = 0;
	bool ok = true;
	struct map m;

	REQUIRE(items, "memory");
	map_init(&m, item_key, seed);
	for (uint32_t i = 0; i < universe; i++)
		items[i].id = i * 7919;
	for (size_t op = 0; op < ops; op++) {
		struct item *it = &items[rng_u64(&rng) % universe];
		uint64_t what = rng_u64(&rng) % 100;
		/* Growing and shrinking by turns. */
		uint64_t puts = op / (4 * universe) % 2 ? 30 : 55;

		ok = ok && map_get(&m, item_key(it)) == (it->in ? it : NULL);
		if (what < puts) {
			ok = ok && map_put(&m, it) == (it->in ? ERR_EXISTS : ERR_OK);
			count += !it->in;
			it->in = true;
		} else if (what < 85) {
			ok = ok && map_del(&m, item_key(it)) == (it->in ? it : NULL);
			count -= it->in;
			it->in = false;
		}
		ok = ok && m.count == count && (op % 64 || in_order(&m));
		if (op % (ops / 100) == 0) {
			check_visit(&m, items, universe, op % 3 ? 0 : 3, &rng);
			count = m.count;
		}
	}
	CHECK(ok, "the map does what the model does");
	check_visit(&m, items, universe, 1, &rng);
	CHECK(m.count == 0 && in_order(&m), "all were deleted while they were visited");
	map_fini(&m);
	free(items);
}

/* Several items of one key, among others: against counting. */
static void test_same_keys(uint32_t universe, size_t ops, uint64_t test_seed)
{
	enum { ITEMS = 600 };
	static struct item it[ITEMS];
	uint64_t state[4];
	struct rng rng = rng_test(state, test_seed);
	struct map m;

	memset(it, 0, sizeof(it));
	map_init(&m, item_key, seed);
	for (size_t op = 0; op < ops; op++) {
		struct item *i = &it[rng_u64(&rng) % ITEMS];
		if (i->in) {
			map_remove(&m, i);
		} else {
			i->id = (uint32_t)(rng_u64(&rng) % universe);
			REQUIRE(map_add(&m, i) == ERR_OK, "add");
		}
		i->in = !i->in;
		uint32_t id = (uint32_t)(rng_u64(&rng) % universe);
		struct map_cursor cursor = {0};
		size_t want = 0, got = 0;
		for (size_t k = 0; k < ITEMS; k++)
			want += it[k].in && it[k].id == id;
		const struct item *one = map_fetch_item(&m, map_fetch(&m, id_span(&id)));
		REQUIRE((one != NULL) == (want > 0) && (!one || one->id == id), "it is fetched");
		for (struct item *k; (k = map_each(&m, id_span(&id), &cursor)); got++)
			REQUIRE(k->in && k->id == id, "an item of that key");
		REQUIRE(got == want, "each of them once");
	}
	CHECK(in_order(&m), "the order of the slots");
	map_remove(&m, &it[0]);
	map_remove(&m, &it[0]);
	map_fini(&m);
}

static void test_reserve(void)
{
	enum { N = 1000 };
	static struct item items[N];
	uint32_t *hash;
	struct map m;

	map_init(&m, item_key, seed);
	CHECK(map_reserve(&m, 0) == ERR_OK, "reserve nothing");
	CHECK(map_reserve(&m, N) == ERR_OK && m.slots == 2048, "reserve");
	hash = m.hash;
	for (uint32_t i = 0; i < N; i++) {
		items[i].id = i;
		if (map_put(&m, &items[i]))
			CHECK(false, "put into reserved room");
	}
	CHECK(m.hash == hash && m.count == N, "reserved room needs no other table");
	CHECK(map_reserve(&m, 10) == ERR_OK && m.hash == hash, "a reserve never shrinks");
	CHECK(map_reserve(&m, SIZE_MAX) == ERR_NOMEM, "more than can be");
	CHECK(map_reserve(&m, (size_t)1 << 31) == ERR_NOMEM, "more than hashes tell apart");
	/* 4 and 8 bytes a slot: the second array fails, then the first. */
	CHECK(map_reserve(&m, (size_t)50 << 20) == ERR_NOMEM, "no heap for the items");
	CHECK(map_reserve(&m, (size_t)200 << 20) == ERR_NOMEM, "no heap for the hashes");
	CHECK(m.hash == hash && m.count == N && m.slots == 2048, "a failure changes nothing");
	for (uint32_t i = 0; i < N; i++)
		if (map_get(&m, id_span(&i)) != &items[i])
			CHECK(false, "items survive a failed reserve");
	map_fini(&m);
}

static void test_load(void)
{
	static struct item items[8];
	struct map m;

	map_init(&m, item_key, seed);
	for (uint32_t i = 0; i < 8; i++) {
		items[i].id = i;
		CHECK(map_put(&m, &items[i]) == ERR_OK, "put");
		CHECK(m.slots == (i < 7 ? 8 : 16), "full to 7/8, not further");
	}
	map_fini(&m);
}

int main(void)
{
	small_heap();
	test_siphash();
	test_basics();
	test_load();
	test_same_keys(1, 2000, 7);
	test_same_keys(40, 20000, 8);
	test_same_keys(5000, 20000, 9);
	test_reserve();
	for (uint32_t universe = 1; universe < 30; universe++)
		test_model(universe, 5000, universe);
	test_model(100, 100000, 1);
	test_model(5000, 100000, 2);
	return test_done();
}
