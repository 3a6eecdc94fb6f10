/* SPDX-License-Identifier: Apache-2.0 */
#include "device/histogram.h"

#include <stddef.h>

enum { STEPS = DEV_HISTOGRAM_STEPS, BUCKETS = DEV_HISTOGRAM_BUCKETS };

/* Below 2 * STEPS each value is a bucket of its own; above, STEPS buckets a power of two. */
static size_t bucket_of(uint64_t us)
{
	unsigned shift = 0;
	while (us >> shift >= 2 * STEPS)
		shift++;
	size_t b = shift * (size_t)STEPS + (size_t)(us >> shift);
	return b < BUCKETS ? b : BUCKETS - 1;
}

static uint64_t lower_us(size_t b)
{
	size_t shift = b < 2 * STEPS ? 0 : b / STEPS - 1;
	return (uint64_t)(b - shift * STEPS) << shift;
}

void dev_histogram_add(struct dev_histogram *h, uint64_t us)
{
	h->bucket[bucket_of(us)]++;
	h->count++;
	if (us > h->max_us)
		h->max_us = us;
}

uint64_t dev_histogram_us(const struct dev_histogram *h, unsigned permille)
{
	/* The rank, rounded up: half of three samples is the second. */
	uint64_t sum = 0, rank = (h->count * permille + 999) / 1000;
	if (permille > 999)
		return h->max_us;
	for (size_t b = 0; b < BUCKETS; b++) {
		sum += h->bucket[b];
		if (sum && sum >= rank)
			return lower_us(b) < h->max_us ? lower_us(b) : h->max_us;
	}
	return h->max_us;
}
