/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations of libcrypto that fail. fail_crypto_hook comes before its first use. */
#ifndef LANYARD_TESTS_UNIT_OSCORE_FAIL_CRYPTO_H
#define LANYARD_TESTS_UNIT_OSCORE_FAIL_CRYPTO_H

#include "tests/unit/test.h"

#include <stdlib.h>

/* Declared here because only the files of oscore/ named _openssl include its headers. */
int CRYPTO_set_mem_functions(void *(*m)(size_t, const char *, int),
	void *(*r)(void *, size_t, const char *, int), void (*f)(void *, const char *, int));

static long fail_crypto_after = -1; /* allocations until one fails; -1: none does */

static bool fails(void)
{
	return fail_crypto_after >= 0 && fail_crypto_after-- == 0;
}

static void *hook_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(n);
}

static void *hook_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, n);
}

static void hook_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void fail_crypto_hook(void)
{
	REQUIRE(CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free) == 1, "the hook");
}

#endif
