/* SPDX-License-Identifier: Apache-2.0 */
/* malloc that fails on demand. Under AddressSanitizer, which has a malloc of its own, it never
 * does, and failing_malloc says so. */
#ifndef LANYARD_TESTS_UNIT_COAP_FAILING_H
#define LANYARD_TESTS_UNIT_COAP_FAILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define FAILING_MALLOC false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAILING_MALLOC false
#endif
#endif
#ifndef FAILING_MALLOC
#define FAILING_MALLOC true
#endif

static bool malloc_fails;

__attribute__((unused)) static bool failing_malloc(bool on)
{
	malloc_fails = on;
	return FAILING_MALLOC;
}

#if FAILING_MALLOC
void *__libc_malloc(size_t n);

void *malloc(size_t n)
{
	return malloc_fails ? NULL : __libc_malloc(n);
}
#endif

#endif
