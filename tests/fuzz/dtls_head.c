/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram as it may come to a DTLS socket: what is let through is whole records, none of them
 * too short to be decrypted; a ClientHello has a random. */
#include "transport/dtls_head.h"

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
	struct dtls_head h = {.epoch = 4711};

	if (dtls_head_read(s, &h)) {
		require(h.epoch == 4711 && !h.hello);
		return 0;
	}
	for (size_t at = 0, n; at < size; at += n) {
		require(size - at >= 13);
		n = 13 + ((size_t)data[at + 11] << 8) + data[at + 12];
		require(n <= size - at);
		require((!data[at + 3] && !data[at + 4]) || n >= 13 + 16);
	}
	require(!h.hello || (h.random.n == DTLS_RANDOM && !h.epoch && h.random.p > data &&
				    h.random.p + h.random.n <= data + size));
	return 0;
}
