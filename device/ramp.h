/* SPDX-License-Identifier: Apache-2.0 */
/* When the devices of a fleet do what they do. Pure: times in, times out. */
#ifndef LANYARD_DEVICE_RAMP_H
#define LANYARD_DEVICE_RAMP_H

#include <stdbool.h>
#include <stdint.h>

/* How many of `count` have begun `elapsed_us` after the first, at `rate` a second. */
uint32_t dev_ramp_due(uint32_t count, uint32_t rate, uint64_t elapsed_us);
/* When number `index` (from 0) begins, after the first: the smallest time at which dev_ramp_due
 * counts it. */
uint64_t dev_ramp_at_us(uint32_t rate, uint32_t index);
/* The wait until the next Update: `interval_ms`, moved by at most `jitter_permille` of it either
 * way; for the first one anywhere within the interval, so that a fleet which came at once does not
 * stay together. At least 1. `chance` is any number of a uniform 64 bits. */
uint64_t dev_ramp_wait_ms(
	uint64_t interval_ms, uint32_t jitter_permille, bool first, uint64_t chance);
/* The interval at which `count` devices make `rate` Updates a second; at least 1 ms. */
uint32_t dev_ramp_interval_ms(uint32_t count, uint32_t rate);

#endif
