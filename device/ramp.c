/* SPDX-License-Identifier: Apache-2.0 */
#include "device/ramp.h"

enum { SECOND_US = 1000000 };

uint32_t dev_ramp_due(uint32_t count, uint32_t rate, uint64_t elapsed_us)
{
	/* In two parts: a long run times a high rate passes 64 bits. */
	uint64_t seconds = elapsed_us / SECOND_US, rest_us = elapsed_us % SECOND_US;
	if (seconds > count) /* rate is 1 at least */
		return count;
	uint64_t n = 1 + seconds * rate + rest_us * rate / SECOND_US;
	return n < count ? (uint32_t)n : count;
}

uint64_t dev_ramp_at_us(uint32_t rate, uint32_t index)
{
	return ((uint64_t)index * SECOND_US + rate - 1) / rate;
}

uint64_t dev_ramp_wait_ms(
	uint64_t interval_ms, uint32_t jitter_permille, bool first, uint64_t chance)
{
	uint64_t spread = first ? interval_ms
				: interval_ms / 1000 * jitter_permille * 2 +
					  interval_ms % 1000 * jitter_permille * 2 / 1000;
	uint64_t from = first ? 0 : interval_ms - spread / 2;
	uint64_t wait = from + chance % (spread + 1);
	return wait ? wait : 1;
}

uint32_t dev_ramp_interval_ms(uint32_t count, uint32_t rate)
{
	uint64_t ms = (uint64_t)count * 1000 / rate;
	if (ms > UINT32_MAX)
		return UINT32_MAX;
	return ms ? (uint32_t)ms : 1;
}
