/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_wipe(void)
{
	uint8_t buf[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	secret_wipe(buf + 1, 6);
	CHECK_BYTES(SPAN_OF(buf), test_hex("0100000000000008"), "wiped, and nothing beside");
	secret_wipe(buf, 0);
	secret_wipe(NULL, 0);
	CHECK(buf[0] == 1, "nothing to wipe");
}

static void test_eq(void)
{
	static const struct {
		const char *what, *a, *b;
		bool want;
	} rows[] = {
		{"both empty", "", "", true},
		{"equal", "00ff80", "00ff80", true},
		{"first byte", "01ff80", "00ff80", false},
		{"last bit", "00ff80", "00ff81", false},
		{"differences that cancel out", "0101", "0000", false},
		{"shorter", "00ff", "00ff80", false},
		{"empty and not", "", "00", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(secret_eq(test_hex(rows[i].a), test_hex(rows[i].b)) == rows[i].want,
			rows[i].what);
	CHECK(secret_eq(SPAN_EMPTY, SPAN_EMPTY), "no pointers");
}

/* xoshiro256** from splitmix64(0), whose first outputs are published test vectors. */
static void test_rng_test(void)
{
	uint64_t state[4], again[4];
	struct rng a = rng_test(state, 0), b;
	uint8_t one[20], two[20];

	CHECK(state[0] == 0xe220a8397b1dcdaf && state[1] == 0x6e789e6aa1b965f4 &&
			state[2] == 0x06c45d188009454f && state[3] == 0xf88bb8a8724c81ec,
		"splitmix64 from 0");
	state[0] = 1;
	state[1] = 2;
	state[2] = 3;
	state[3] = 4;
	CHECK(rng_u64(&a) == 11520, "xoshiro256** from 1, 2, 3, 4");
	CHECK(rng_u64(&a) == 0 && rng_u64(&a) == 1509978240, "its next two");

	a = rng_test(state, 7);
	b = rng_test(again, 7);
	rng_fill(&a, one, sizeof(one));
	rng_fill(&b, two, sizeof(two));
	CHECK_BYTES(SPAN_OF(one), SPAN_OF(two), "the same seed gives the same bytes");
	CHECK(rng_u64(&a) == rng_u64(&b), "and goes on alike");
	b = rng_test(again, 8);
	rng_fill(&b, two, sizeof(two));
	CHECK(!span_eq(SPAN_OF(one), SPAN_OF(two)), "another seed gives others");
}

static void test_rng_system(void)
{
	struct rng r = rng_system();
	uint8_t one[600] = {0}, two[600] = {0};

	rng_fill(&r, one, sizeof(one));
	rng_fill(&r, two, 599);
	CHECK(memcmp(one, two, 32) != 0, "two draws differ");
	CHECK(memcmp(one + 560, two + 560, 32) != 0, "to their ends");
	CHECK(two[599] == 0, "no byte more than asked for");
	CHECK(rng_u64(&r) != rng_u64(&r), "two numbers differ");
	rng_fill(&r, NULL, 0);
}

static void *draw(void *arg)
{
	struct rng r = rng_system();
	rng_fill(&r, arg, 8);
	return NULL;
}

/* Short draws come from a stock, of which nothing may be given twice: over its end, to another
 * thread, or in a forked process. */
static void test_rng_short(void)
{
	enum { DRAWS = 1000 };
	static uint64_t drawn[DRAWS + 3];
	struct rng r = rng_system();
	size_t same = 0;
	pthread_t thread;
	int ends[2];

	for (size_t i = 0; i < DRAWS; i++)
		rng_fill(&r, (uint8_t *)&drawn[i], 1 + i % 8 > 4 ? 8 : 7);
	REQUIRE(!pthread_create(&thread, NULL, draw, &drawn[DRAWS]), "a thread");
	REQUIRE(!pthread_join(thread, NULL) && !pipe(ends), "it ends");
	pid_t pid = fork();
	if (pid == 0) {
		draw(&drawn[0]);
		_exit(write(ends[1], &drawn[0], 8) != 8);
	}
	REQUIRE(pid > 0 && read(ends[0], &drawn[DRAWS + 1], 8) == 8, "a process");
	REQUIRE(waitpid(pid, NULL, 0) == pid && !close(ends[0]) && !close(ends[1]), "it ends");
	draw(&drawn[DRAWS + 2]);
	for (size_t i = 0; i < DRAWS + 3; i++)
		for (size_t j = 0; j < i; j++)
			same += drawn[i] == drawn[j];
	CHECK(!same, "no two are the same");
}

static void test_harden(void)
{
	struct rlimit limit;

	CHECK(secret_harden_process() == ERR_OK, "harden");
	CHECK(prctl(PR_GET_DUMPABLE) == 0, "not dumpable");
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0, "no core files");
}

int main(void)
{
	test_wipe();
	test_eq();
	test_rng_test();
	test_rng_system();
	test_rng_short();
#ifndef __SANITIZE_ADDRESS__ /* the leak checker needs ptrace */
	test_harden();
#else
	(void)test_harden;
#endif
	return test_done();
}
