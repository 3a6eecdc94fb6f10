/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of a group fails once, ours and the library's: nothing half-made stays, and
 * nothing is taken that was not verified. */
#include "oscore/group_internal.h"
#include "tests/unit/lwm2m/fail_malloc.h"
#include "tests/unit/oscore/fail_crypto.h"
#include "tests/unit/oscore/group_fixture.h"

enum { TRIES = 100000 };

static const struct gf_group kinds[] = {
	{10, OSC_EDDSA, 10, OSC_ECDH_SS_256, "44616c", "a0", false, false},
	{-65534, OSC_ES256, 24, OSC_ECDH_SS_256, "44616c", "a0", false, false},
};

/* A member joins, speaks and is heard in both modes. */
static enum err whole_life(const struct gf_group *kind, struct osc_group *peer)
{
	struct msg plain = gf_request(), out, got;
	struct osc_group_params p = gf_params(kind, A);
	struct osc_group *g = NULL;
	struct osc_group_binding binding, heard;
	struct osc_member *m = NULL, *us = gf_other(peer, A);
	static uint8_t buf[GF_CAP], clear[GF_CAP];

	enum err err = osc_group_new(crypto, &p, &g);
	CHECK(!g == (err != ERR_OK), "a group, or an error");
	if (!err)
		err = osc_group_add(
			crypto, g, test_hex(gf_id[B]), test_hex(gf_keys(kind)[B].cred), &m);
	for (int pairwise = 0; !err && pairwise < 2; pairwise++) {
		struct writer w = wr_make(buf, sizeof(buf)), r = wr_make(clear, sizeof(clear));
		struct osc_group_option opt;
		err = osc_group_protect_request(
			crypto, g, pairwise ? m : NULL, 1, &plain, &w, &out, &binding);
		if (!err)
			err = osc_group_option_of(&out, &opt);
		if (!err)
			err = osc_group_unprotect_request(
				crypto, peer, us, &opt, &out, &r, &got, &heard);
	}
	osc_group_free(g);
	return err;
}

static void test_kind(const struct gf_group *kind, bool library)
{
	struct osc_group *peer = gf_join(kind, B);
	bool tidy = true, done = false;
	long n = 0;

	CHECK(whole_life(kind, peer) == ERR_OK, "with memory");
	for (; !done && n < TRIES; n++) {
		long *counter = library ? &fail_crypto_after : &fail_malloc_after;
		*counter = n;
		enum err err = whole_life(kind, peer);
		done = *counter >= 0;
		*counter = -1;
		tidy = tidy && (!done || err == ERR_OK);
	}
	CHECK(tidy && done, "an error, and no harm");
	CHECK(n > 3, "allocations were made to fail");
	osc_group_free(peer);
}

int main(void)
{
	fail_crypto_hook();
	crypto = fx_crypto();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		test_kind(&kinds[i], true);
		if (FAIL_MALLOC)
			test_kind(&kinds[i], false);
	}
	osc_crypto_free(crypto);
	return test_done();
}
