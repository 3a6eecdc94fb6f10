/* SPDX-License-Identifier: Apache-2.0 */
/* How long things took: counts by magnitude, of a fixed size, so that a sample costs no memory. */
#ifndef LANYARD_DEVICE_HISTOGRAM_H
#define LANYARD_DEVICE_HISTOGRAM_H

#include <stdint.h>

/* 16 steps for each power of two: a value is told too small by at most a sixteenth. From 2^40 us
 * (twelve days) on all values count as the last step; the largest is kept exactly. */
enum { DEV_HISTOGRAM_STEPS = 16, DEV_HISTOGRAM_BUCKETS = 37 * DEV_HISTOGRAM_STEPS };

struct dev_histogram {
	uint64_t count, max_us;
	uint64_t bucket[DEV_HISTOGRAM_BUCKETS];
};

void dev_histogram_add(struct dev_histogram *h, uint64_t us);
/* The value below or at which `permille` of the samples lie: 500 is the median. The lower end of
 * its step, but never above the largest sample; 0 without samples. Above 999: the largest. */
uint64_t dev_histogram_us(const struct dev_histogram *h, unsigned permille);

#endif
