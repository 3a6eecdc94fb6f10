/* SPDX-License-Identifier: Apache-2.0 */
/* The value of option 9: what parses is encoded to the same bytes. */
#include "oscore/protect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_make(data, size);
	struct osc_option o;
	uint8_t buf[256];
	struct writer w = wr_make(buf, sizeof(buf));

	if (osc_option_parse(value, &o)) {
		require(!o.has_kid && !o.has_kid_context && o.piv.n == 0);
		return 0;
	}
	struct osc_piv piv;
	osc_piv_set(&piv, osc_piv_number(&o.piv));
	require(osc_piv_number(&o.piv) <= OSC_SSN_MAX);
	require(o.piv.n == 0 || piv.n == o.piv.n); /* minimal */
	osc_option_encode(&o, &w);
	require(w.err == ERR_OK);
	if (size == 1 && data[0] == 0)
		value = SPAN_EMPTY; /* the one value with two spellings */
	require(span_eq(wr_span(&w), value));
	return 0;
}
