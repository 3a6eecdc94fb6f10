/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of osc_crypto_new fails once, the library's own included. */
#include "oscore/crypto.h"
#include "tests/unit/oscore/fail_crypto.h"

#include "tests/unit/test.h"

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

	fail_crypto_hook();
	REQUIRE(osc_crypto_new(&c) == ERR_OK, "once, so that the library has set itself up");
	osc_crypto_free(c);
	for (; n < 100000; n++) {
		fail_crypto_after = n;
		enum err err = osc_crypto_new(&c);
		bool failed = fail_crypto_after < 0;
		fail_crypto_after = -1;
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
