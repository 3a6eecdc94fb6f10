/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of osc_crypto_new fails once, the library's own included. */
#include "oscore/crypto.h"

#include "tests/unit/test.h"

/* libcrypto's hook, declared here because only oscore/crypto_openssl.c includes its headers. */
int CRYPTO_set_mem_functions(void *(*m)(size_t, const char *, int),
	void *(*r)(void *, size_t, const char *, int), void (*f)(void *, const char *, int));

static long left = -1; /* allocations until one fails; -1: none does */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
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

static bool works(struct osc_crypto *c)
{
	static const uint8_t key[16] = {1}, nonce[13] = {2};
	uint8_t out[16];

	return osc_seal(c, osc_aead_info(10), key, nonce, SPAN_EMPTY, SPAN_LIT("text"), out) ==
	       ERR_OK;
}

int main(void)
{
	struct osc_crypto *c = NULL;
	bool tidy = true;
	long n = 0;

	REQUIRE(CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free) == 1, "the hook");
	REQUIRE(osc_crypto_new(&c) == ERR_OK, "once, so that the library has set itself up");
	osc_crypto_free(c);
	for (; n < 100000; n++) {
		left = n;
		enum err err = osc_crypto_new(&c);
		bool failed = left < 0;
		left = -1;
		/* an optional algorithm may be missing then, never the mandatory one */
		tidy = tidy && (err ? !c : works(c));
		osc_crypto_free(c);
		if (!failed)
			break;
	}
	CHECK(tidy, "no context, or one that works");
	CHECK(n > 10, "allocations were made to fail");
	return test_done();
}
