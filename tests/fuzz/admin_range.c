/* SPDX-License-Identifier: Apache-2.0 */
/* A Content-Range: what is accepted lies within the whole, and is the same when it is written. */
#include "admin/range.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t at = 1, total = 0, again_at = 0, again_total = 0;
	char buf[80];
	struct writer w = wr_make((uint8_t *)buf, sizeof(buf));
	size_t part = size ? data[0] : 0;

	if (!range_read(span_sub((struct span){data, size}, 1, size), part, &at, &total)) {
		require(at == 1 && total == 0);
		return 0;
	}
	require(part && at < total && part <= total - at);
	wr_fmt(&w, "bytes %llu-%llu/%llu", (unsigned long long)at,
		(unsigned long long)(at + part - 1), (unsigned long long)total);
	require(range_read(wr_span(&w), part, &again_at, &again_total));
	require(again_at == at && again_total == total);
	return 0;
}
