/* SPDX-License-Identifier: Apache-2.0 */
/* A test program is tables of rows and ends with test_done(). Each row or named check counts once;
 * the last line printed is "N passed, N failed". Only tests include this. */
#ifndef LANYARD_TESTS_UNIT_TEST_H
#define LANYARD_TESTS_UNIT_TEST_H

#include "base/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_passed, test_failed;

__attribute__((unused)) static void test_report(
	bool ok, const char *file, int line, const char *what)
{
	if (ok) {
		test_passed++;
		return;
	}
	test_failed++;
	printf("%s:%d: FAILED: %s\n", file, line, what);
}

__attribute__((unused)) static void test_bytes(
	struct span got, struct span want, const char *file, int line, const char *what)
{
	bool ok = span_eq(got, want);
	test_report(ok, file, line, what);
	if (ok)
		return;
	printf("  got  ");
	for (size_t i = 0; i < got.n; i++)
		printf("%02x", got.p[i]);
	printf("\n  want ");
	for (size_t i = 0; i < want.n; i++)
		printf("%02x", want.p[i]);
	printf("\n");
}

/* `what` names the row: a description and, where there is one, the clause. */
#define CHECK(cond, what)            test_report((cond), __FILE__, __LINE__, (what))
#define CHECK_BYTES(got, want, what) test_bytes((got), (want), __FILE__, __LINE__, (what))
/* Ends the program: what follows makes no sense without it. */
#define REQUIRE(cond, what)                                                                        \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			test_report(false, __FILE__, __LINE__, (what));                            \
			exit(test_done());                                                         \
		}                                                                                  \
	} while (0)

__attribute__((unused)) static int test_done(void)
{
	printf("%d passed, %d failed\n", test_passed, test_failed);
	return test_failed || !test_passed ? 1 : 0;
}

/* Bytes of a hex string; static storage, eight of them in turn, 4096 bytes each. */
__attribute__((unused)) static struct span test_hex(const char *hex)
{
	static uint8_t buf[8][4096];
	static unsigned turn;
	uint8_t *out = buf[turn++ % 8];
	size_t n = 0;
	for (; hex[0] && hex[1] && n < sizeof(buf[0]); hex += 2) {
		unsigned v;
		if (sscanf(hex, "%2x", &v) != 1)
			abort();
		out[n++] = (uint8_t)v;
	}
	return (struct span){out, n};
}

#endif
