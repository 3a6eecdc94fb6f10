/* SPDX-License-Identifier: Apache-2.0 */
/* How much work strangers may cause: token buckets, by source and in total. What a device that we
 * heard of at its address sends has a total of its own, which nobody else can empty. */
#ifndef LANYARD_ENDPOINT_BUDGET_H
#define LANYARD_ENDPOINT_BUDGET_H

#include "base/map.h"
#include "base/peer.h"

enum { EP_SOURCES = 1024 };

struct ep_bucket {
	uint64_t at_ms; /* when it was filled last */
	uint32_t millitokens;
};

/* Sources share a bucket where their hashes meet: the table never grows. All zeros is full. */
struct ep_budget {
	struct ep_bucket source[EP_SOURCES];
	struct ep_bucket total[2]; /* of strangers, of those we know */
};

/* One piece of work for `from`; false: not now. `key`: 16 secret bytes. */
bool ep_budget_spend(struct ep_budget *b, const uint8_t key[static 16], const struct peer *from,
	bool known, uint64_t now_ms);

#endif
