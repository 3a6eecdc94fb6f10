/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/exch.h"
#include "tests/unit/coap/failing.h"
#include "tests/unit/test.h"

enum { ENTRY = sizeof(struct dedup_entry) };

static const uint8_t answer[70000];

static struct span bytes(size_t n)
{
	return (struct span){answer, n};
}

static void test_remember(void)
{
	struct dedup_budget b = {.limit_bytes = 10000};
	struct dedup d = {0};

	CHECK(!dedup_find(&d, 1, 0), "nothing is known at first");
	CHECK(dedup_put(&d, &b, 1, 100, SPAN_LIT("answer"), 0) == ERR_OK && b.bytes == ENTRY + 6,
		"an answer is kept and counted");
	const struct dedup_entry *e = dedup_find(&d, 1, 99);
	REQUIRE(e != NULL, "a copy finds it until it expires");
	CHECK_BYTES(((struct span){e->response, e->n}), SPAN_LIT("answer"), "byte for byte");
	CHECK(!e->pending, "it is known");
	CHECK(!dedup_find(&d, 1, 100), "not when it has expired");
	CHECK(!dedup_find(&d, 2, 0), "not under another fingerprint");
	dedup_clear(&d, &b);
	CHECK(!d.head && b.bytes == 0, "cleared, it costs nothing");
	dedup_clear(&d, &b);
	CHECK(b.bytes == 0, "clearing an empty list");
}

static void test_pending(void)
{
	struct dedup_budget b = {.limit_bytes = 10000};
	struct dedup d = {0};

	REQUIRE(dedup_put(&d, &b, 1, 100, SPAN_EMPTY, 0) == ERR_OK, "no answer yet");
	CHECK(dedup_find(&d, 1, 0)->pending, "its answer is pending");
	REQUIRE(dedup_put(&d, &b, 2, 100, SPAN_LIT("other"), 0) == ERR_OK, "another");
	REQUIRE(dedup_put(&d, &b, 1, 100, SPAN_LIT("late"), 0) == ERR_OK, "the answer comes");
	const struct dedup_entry *e = dedup_find(&d, 1, 0);
	CHECK(e && !e->pending && e->n == 4 && e == d.head && e->next->hash == 2 && !e->next->next,
		"it takes the place of the pending one, newest first");
	CHECK(b.bytes == 2 * ENTRY + 5 + 4, "and is counted once");
	dedup_clear(&d, &b);
	CHECK(b.bytes == 0, "all is given back");
}

static void test_count(void)
{
	struct dedup_budget b = {.limit_bytes = 10000};
	struct dedup d = {0};
	bool ok = true;

	for (uint64_t hash = 1; hash <= DEDUP_PER_PEER + 2; hash++)
		ok = ok && dedup_put(&d, &b, hash, 100, bytes(10), 0) == ERR_OK;
	CHECK(ok && b.bytes == DEDUP_PER_PEER * (ENTRY + 10), "a list has a bounded length");
	CHECK(!dedup_find(&d, 1, 0) && !dedup_find(&d, 2, 0) && dedup_find(&d, 3, 0) &&
			dedup_find(&d, DEDUP_PER_PEER + 2, 0),
		"the oldest go");
	dedup_clear(&d, &b);
	b.per_peer = 2 * DEDUP_PER_PEER;
	for (uint64_t hash = 1; hash <= b.per_peer + 1; hash++)
		ok = ok && dedup_put(&d, &b, hash, 100, bytes(10), 0) == ERR_OK;
	CHECK(ok && !dedup_find(&d, 1, 0) && dedup_find(&d, 2, 0) &&
			b.bytes == b.per_peer * (ENTRY + 10),
		"or a longer one, for those who answer more at once");
	dedup_clear(&d, &b);
}

static void test_expiry(void)
{
	struct dedup_budget b = {.limit_bytes = 10000};
	struct dedup d = {0};

	REQUIRE(dedup_put(&d, &b, 1, 100, bytes(1), 0) == ERR_OK &&
			dedup_put(&d, &b, 2, 300, bytes(1), 0) == ERR_OK &&
			dedup_put(&d, &b, 3, 200, bytes(1), 0) == ERR_OK,
		"three answers");
	dedup_expire(&d, &b, 99);
	CHECK(b.bytes == 3 * (ENTRY + 1), "none before its time");
	dedup_expire(&d, &b, 200);
	CHECK(b.bytes == ENTRY + 1 && d.head->hash == 2, "those go whose time has come");
	REQUIRE(dedup_put(&d, &b, 4, 900, bytes(1), 300) == ERR_OK, "a fourth");
	CHECK(b.bytes == ENTRY + 1 && d.head->hash == 4, "a new one drops the expired");
	dedup_clear(&d, &b);
}

struct budget_row {
	const char *what;
	size_t limit; /* beyond the entries' own bytes: the room for two answers of 50 */
	size_t n;
	uint64_t hash;
	enum err err;
	size_t bytes;
};

/* Answers of 50 bytes under 1 and 2 are there. */
static const struct budget_row budget_rows[] = {
	{"exactly fits", 3 * ENTRY + 150, 50, 3, ERR_OK, 3 * ENTRY + 150},
	{"a byte too many", 3 * ENTRY + 149, 50, 3, ERR_LIMIT, 2 * ENTRY + 100},
	{"replacing one gives its bytes back", 2 * ENTRY + 150, 100, 2, ERR_OK, 2 * ENTRY + 150},
	{"replacing one with too much keeps it", 2 * ENTRY + 149, 100, 2, ERR_LIMIT,
		2 * ENTRY + 100},
	{"the budget shrank below what is used", ENTRY, 0, 3, ERR_LIMIT, 2 * ENTRY + 100},
	{"the largest answer", 200000, 65535, 3, ERR_OK, 3 * ENTRY + 100 + 65535},
	{"an answer too large to count", 200000, 65536, 3, ERR_LIMIT, 2 * ENTRY + 100},
};

static void test_budget(void)
{
	for (size_t i = 0; i < sizeof(budget_rows) / sizeof(budget_rows[0]); i++) {
		const struct budget_row *row = &budget_rows[i];
		struct dedup_budget b = {.limit_bytes = 10000};
		struct dedup d = {0};
		REQUIRE(dedup_put(&d, &b, 1, 100, bytes(50), 0) == ERR_OK &&
				dedup_put(&d, &b, 2, 100, bytes(50), 0) == ERR_OK,
			"two answers");
		b.limit_bytes = row->limit;
		CHECK(dedup_put(&d, &b, row->hash, 100, bytes(row->n), 0) == row->err &&
				b.bytes == row->bytes && dedup_find(&d, 1, 0) &&
				dedup_find(&d, 2, 0),
			row->what);
		dedup_clear(&d, &b);
		CHECK(b.bytes == 0, "all is given back");
	}
}

static void test_shared_budget(void)
{
	struct dedup_budget b = {.limit_bytes = 2 * ENTRY + 100};
	struct dedup one = {0}, two = {0};

	REQUIRE(dedup_put(&one, &b, 1, 100, bytes(100), 0) == ERR_OK, "one peer uses it up");
	CHECK(dedup_put(&two, &b, 1, 100, bytes(1), 0) == ERR_LIMIT && !two.head,
		"another gets nothing");
	dedup_clear(&one, &b);
	CHECK(dedup_put(&two, &b, 1, 100, bytes(1), 0) == ERR_OK, "until it is given back");
	dedup_clear(&two, &b);
}

static void test_memory(void)
{
	struct dedup_budget b = {.limit_bytes = 10000};
	struct dedup d = {0};

	REQUIRE(dedup_put(&d, &b, 1, 100, bytes(10), 0) == ERR_OK, "an answer");
	if (failing_malloc(true)) {
		enum err err = dedup_put(&d, &b, 1, 100, bytes(20), 0);
		failing_malloc(false);
		CHECK(err == ERR_NOMEM && dedup_find(&d, 1, 0)->n == 10 && b.bytes == ENTRY + 10,
			"no memory: the earlier one stays");
	}
	dedup_clear(&d, &b);
}

int main(void)
{
	test_remember();
	test_pending();
	test_count();
	test_expiry();
	test_budget();
	test_shared_budget();
	test_memory();
	return test_done();
}
