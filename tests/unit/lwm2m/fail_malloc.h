/* SPDX-License-Identifier: Apache-2.0 */
/* A malloc that fails on demand. Not under a sanitizer, whose malloc must stay. */
#ifndef LANYARD_TESTS_UNIT_LWM2M_FAIL_MALLOC_H
#define LANYARD_TESTS_UNIT_LWM2M_FAIL_MALLOC_H

#include <stdbool.h>
#include <stdlib.h>

static long fail_malloc_after = -1; /* so many succeed, then one fails; negative: none fails */

#ifdef __SANITIZE_ADDRESS__
enum { FAIL_MALLOC = false };
#else
enum { FAIL_MALLOC = true };
extern void *__libc_malloc(size_t n);

void *malloc(size_t n)
{
	if (fail_malloc_after >= 0 && fail_malloc_after-- == 0)
		return NULL;
	return __libc_malloc(n);
}
#endif

#endif
