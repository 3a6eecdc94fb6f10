/* SPDX-License-Identifier: Apache-2.0 */
/* Short messages as they may come, one after the other: a length byte (its top bit: there is a
 * header; 0x40: from another number), then user data. What is put together is within its bounds,
 * and so is what waits. */
#include "transport/sms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WAITING_MAX = 5, NUMBER_MAX = 3 };

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void take(struct sms_box *b, const char *number, const struct sms_part *p, uint64_t now_ms)
{
	struct span whole = SPAN_EMPTY;
	enum err err = sms_box_add(b, number, p, now_ms, &whole);
	require(err || whole.n <= SMS_MESSAGE_MAX);
	require(!err || !whole.n || err == ERR_RANGE);
	require(sms_box_stats(b).waiting <= WAITING_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sms_box *b = NULL;
	struct sms_box_limits limits = {
		.messages = WAITING_MAX, .per_number = NUMBER_MAX, .wait_ms = 3};
	struct reader r = rd_make(span_make(data, size));
	if (sms_box_new(&limits, &b))
		return 0;
	for (uint64_t now = 0; rd_left(&r) && !r.err; now++) {
		uint8_t n = rd_u8(&r);
		size_t left = rd_left(&r), want = n & 0x3f;
		struct span user_data = rd_bytes(&r, want < left ? want : left);
		struct sms_part p;
		if (sms_read(user_data, n & 0x80, &p))
			continue;
		require(p.data.n <= user_data.n);
		require(!p.ref_bits || (p.number && p.number <= p.total));
		take(b, n & 0x40 ? "491701" : "491702", &p, now);
	}
	sms_box_free(b);
	return 0;
}
