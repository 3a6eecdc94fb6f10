/* SPDX-License-Identifier: Apache-2.0 */
/* A packet of a bridge: what is taken is within its bounds and written again as it was. */
#include "transport/gateway_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_make(data, size);
	static uint8_t out[FRAME_MAX + 1];
	struct writer w = wr_make(out, sizeof(out));
	struct frame f;

	if (frame_parse(s, &f)) {
		require(!f.type && !f.address.n && !f.datagram.n && !f.text.n);
		return 0;
	}
	require(size <= FRAME_MAX && f.type >= FRAME_HELLO && f.type < FRAME_ERROR);
	require((unsigned)f.kind < GATEWAY_KINDS && (f.kind != GATEWAY_NONE) == (f.address.n > 0));
	require(f.datagram.n <= GATEWAY_DATAGRAM_MAX && f.text.n <= FRAME_TEXT_MAX);
	if (f.type == FRAME_HELLO) /* ours says an MTU too */
		return 0;
	require(!frame_write(&f, &w) && span_eq(wr_span(&w), s));
	return 0;
}
