/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEP_BYTES = 64 << 20, MAPPED_BYTES = 32 << 20, HUGE_BYTES = 2 << 20 };

static uintptr_t advised_to;

void heap_tune(void)
{
	/* Each is a wish: without it the program is slower, not wrong. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TOP_PAD, STEP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * STEP_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	advised_to = (uintptr_t)sbrk(0);
}

void heap_grown(void)
{
	uintptr_t end = (uintptr_t)sbrk(0);
	if (!advised_to || end == advised_to)
		return;
	uintptr_t from = (advised_to + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1);
	if (end > from)
		(void)madvise((void *)from, end - from, MADV_HUGEPAGE);
	advised_to = end;
}
