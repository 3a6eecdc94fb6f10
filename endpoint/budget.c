/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/budget.h"

/* A recovery costs 20 to 60 us of CPU, in both threads. */
static const struct limit {
	uint32_t per_s, burst;
} by_source = {16, 64}, in_total[2] = {{500, 500}, {2000, 2000}};

static void fill(struct ep_bucket *b, const struct limit *l, uint64_t now_ms)
{
	uint64_t gone_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
	uint64_t full = l->burst * UINT64_C(1000), have = b->millitokens;
	if (!b->at_ms || gone_ms >= full / l->per_s)
		have = full;
	else
		have += gone_ms * l->per_s;
	b->millitokens = (uint32_t)(have < full ? have : full);
	b->at_ms = now_ms;
}

/* An IPv6 network is one source, and so are all ports of an address. */
static uint64_t source_of(const uint8_t *key, const struct peer *p)
{
	uint8_t buf[1 + sizeof(p->addr)];
	struct writer w = wr_make(buf, sizeof(buf));
	size_t n = p->addr_n;
	if (bearer_is_ip(p->bearer))
		n = n < 16 ? 4 : 8;
	wr_u8(&w, p->bearer);
	wr_bytes(&w, span_make(p->addr, n));
	return siphash24(key, wr_span(&w));
}

bool ep_budget_spend(struct ep_budget *b, const uint8_t key[static 16], const struct peer *from,
	bool known, uint64_t now_ms)
{
	struct ep_bucket *source = &b->source[source_of(key, from) % EP_SOURCES];
	struct ep_bucket *total = &b->total[known];
	fill(source, &by_source, now_ms);
	fill(total, &in_total[known], now_ms);
	if (source->millitokens < 1000 || total->millitokens < 1000)
		return false;
	source->millitokens -= 1000;
	total->millitokens -= 1000;
	return true;
}
