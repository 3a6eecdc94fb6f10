/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 40000, BYTES = 700 };

static unsigned char *block[BLOCKS];

static bool fill(int from, int to)
{
	for (int i = from; i < to; i++) {
		block[i] = malloc(BYTES);
		if (!block[i])
			return false;
		memset(block[i], i & 0xff, BYTES);
		if (i % 1000 == 0)
			heap_grown();
	}
	return true;
}

static bool intact(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		for (size_t k = 0; k < BYTES; k++) {
			if (block[i][k] != (unsigned char)i)
				return false;
		}
	}
	return true;
}

static void *fill_second_half(void *arg)
{
	*(bool *)arg = fill(BLOCKS / 2, BLOCKS);
	return NULL;
}

static void test_memory_is_kept(void)
{
	pthread_t thread;
	bool good = false;
	heap_grown(); /* before heap_tune: nothing */
	heap_tune();
	CHECK(fill(0, BLOCKS / 2), "memory for the first thread");
	CHECK(pthread_create(&thread, NULL, fill_second_half, &good) == 0, "a thread");
	pthread_join(thread, NULL);
	CHECK(good, "memory for the second");
	heap_grown();
	CHECK(intact(), "every byte as it was written");
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	heap_grown();
	CHECK(fill(0, BLOCKS) && intact(), "and again in what was given back");
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
}

int main(void)
{
	test_memory_is_kept();
	return test_done();
}
