/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a credential; the first byte says of which format. */
#include "oscore/cred.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = rd_make(span_make(data, size));
	enum osc_cred_format format = rd_u8(&r) & 1 ? OSC_CRED_X509 : OSC_CRED_CCS;
	struct osc_pkey *k;

	enum err err = osc_cred_key(format, rd_rest(&r), &k);
	require(!k == (err != ERR_OK));
	if (k)
		require(osc_pkey_eq(k, k));
	osc_pkey_free(k);
	return 0;
}
