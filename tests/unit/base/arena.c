/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "tests/unit/base/small_heap.h"
#include "tests/unit/test.h"

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_alloc(void)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 4096, 4097, 100000, 300000, 5};
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	uint8_t *got[N];
	struct arena a;

	arena_init(&a, 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			got[i] = arena_alloc(&a, sizes[i]);
			REQUIRE(got[i], "an allocation");
			CHECK((uintptr_t)got[i] % 16 == 0, "aligned to 16");
			CHECK(all_zero(got[i], sizes[i]), "zeroed, also after a reset");
			memset(got[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < N; i++)
			for (size_t k = 0; k < sizes[i]; k += 7)
				if (got[i][k] != i + 1)
					CHECK(false, "allocations overlap");
		CHECK(got[0] != got[1], "an allocation of nothing has its own address");
		CHECK(a.used_bytes >= 4000 + 4096 + 4097 + 400000, "used bytes are counted");
		arena_reset(&a);
		CHECK(a.used_bytes == 0, "a reset gives everything back");
	}
	arena_fini(&a);
	arena_fini(&a);
	arena_reset(&a);
	CHECK(a.used_bytes == 0, "reset and fini of an empty arena");
}

static void test_reset(void)
{
	struct arena a;
	uint8_t *p;

	arena_init(&a, 0);
	p = arena_alloc(&a, 3000);
	REQUIRE(p, "an allocation");
	memset(p, 0x5a, 3000);
	arena_reset(&a);
	CHECK(all_zero(p, 3000), "a reset wipes the chunk that it keeps");
	CHECK(arena_alloc(&a, 3000) == p, "a reset keeps a chunk");
	arena_fini(&a);
}

static void test_limit(void)
{
	static const struct {
		const char *what;
		size_t limit, n;
		bool ok;
	} rows[] = {
		{"at the limit", 160, 160, true},
		{"above", 160, 161, false},
		{"rounded up to above", 159, 150, false},
		{"far above", 160, 1 << 20, false},
		{"SIZE_MAX", 160, SIZE_MAX, false},
		{"SIZE_MAX without limit", 0, SIZE_MAX, false},
		{"nearly SIZE_MAX without limit", 0, SIZE_MAX - 16, false},
		{"half of SIZE_MAX without limit", 0, SIZE_MAX / 2, false},
		{"more than the heap has", 0, (size_t)512 << 20, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a;

		arena_init(&a, rows[i].limit);
		CHECK((arena_alloc(&a, rows[i].n) != NULL) == rows[i].ok, rows[i].what);
		CHECK(rows[i].ok || a.used_bytes == 0, "a failure uses nothing");
		CHECK(rows[i].ok == (arena_alloc(&a, 1) == NULL), "and later ones go on");
		arena_reset(&a);
		CHECK(arena_alloc(&a, 144) != NULL, "a reset makes room again");
		arena_fini(&a);
	}
}

static void test_dup(void)
{
	struct arena a;
	enum err err = ERR_OK;
	struct span s;

	arena_init(&a, 64);
	s = arena_dup(&a, SPAN_LIT("abc"), &err);
	CHECK_BYTES(s, SPAN_LIT("abc"), "a copy");
	CHECK(err == ERR_OK && s.p[3] == 0, "with a NUL behind");
	s = arena_dup(&a, SPAN_EMPTY, &err);
	CHECK(err == ERR_OK && s.n == 0 && s.p && s.p[0] == 0, "a copy of nothing is a string");
	s = arena_dup(&a, SPAN_LIT("0123456789abcdef0123456789abcdef"), &err);
	CHECK(err == ERR_LIMIT && s.p == NULL && s.n == 0, "no room for the NUL");
	s = arena_dup(&a, SPAN_LIT("abc"), &err);
	CHECK(err == ERR_LIMIT && s.n == 3, "a later success does not hide the error");
	err = ERR_OK;
	s = arena_dup(&a, span_make("", SIZE_MAX), &err);
	CHECK(err == ERR_LIMIT && s.p == NULL, "SIZE_MAX bytes");
	arena_fini(&a);

	arena_init(&a, 0);
	err = ERR_OK;
	s = arena_dup(&a, span_make("", (size_t)512 << 20), &err);
	CHECK(err == ERR_NOMEM && s.p == NULL, "the heap is used up");
	arena_fini(&a);
}

int main(void)
{
	small_heap();
	test_alloc();
	test_reset();
	test_limit();
	test_dup();
	return test_done();
}
