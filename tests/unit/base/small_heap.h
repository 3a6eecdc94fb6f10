/* SPDX-License-Identifier: Apache-2.0 */
/* A heap on which 256 MiB are to be had and 512 MiB are not. */
#ifndef LANYARD_TESTS_UNIT_BASE_SMALL_HEAP_H
#define LANYARD_TESTS_UNIT_BASE_SMALL_HEAP_H

#include <sys/resource.h>

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
/* AddressSanitizer maps terabytes of shadow, which no resource limit allows. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=400";
}
#endif

static inline void small_heap(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit limit = {400UL << 20, 400UL << 20};

	setrlimit(RLIMIT_AS, &limit);
#endif
}

#endif
