/* SPDX-License-Identifier: Apache-2.0 */
/* A bad network between a fleet and its server, sans-IO: datagrams are lost, doubled, delayed and
 * overtaken, by a seed, so that the same datagrams in the same order meet the same fate. */
#ifndef LANYARD_DEVICE_IMPAIR_H
#define LANYARD_DEVICE_IMPAIR_H

#include "base/peer.h"
#include "base/secret.h"

struct dev_impair;

struct dev_impair_options {
	uint32_t loss_ppm, duplicate_ppm, reorder_ppm; /* of a million datagrams */
	uint32_t delay_min_ms, delay_max_ms;           /* of each datagram */
	uint32_t held_max; /* how many can be delayed at a time; more are lost */
};

/* Reordering holds a datagram back for up to this long, so that later ones overtake it. */
enum { DEV_IMPAIR_REORDER_MS = 100 };

struct dev_impair_stats {
	uint64_t lost, duplicated, reordered, delayed;
	uint64_t overflowed; /* lost because held_max were held; counted in lost too */
};

/* A datagram whose time has come. */
struct dev_impair_datagram {
	bool out; /* towards the server */
	struct peer peer;
	struct span bytes;
};

/* Whether these options change anything. */
bool dev_impair_wanted(const struct dev_impair_options *o);
/* ERR_NOMEM. */
MUST_USE enum err dev_impair_new(
	const struct dev_impair_options *o, uint64_t seed, struct dev_impair **out);
void dev_impair_free(struct dev_impair *i);
/* How many copies go on at once: 0, 1 or 2. Copies that are to come later are kept. */
unsigned dev_impair_take(struct dev_impair *i, bool out, const struct peer *peer, struct span bytes,
	uint64_t now_ms);
/* The next kept datagram that is due; it dies with the next call. False: none is. */
bool dev_impair_due(struct dev_impair *i, uint64_t now_ms, struct dev_impair_datagram *out);
/* When the next one is; UINT64_MAX: none is kept. */
uint64_t dev_impair_next_ms(const struct dev_impair *i);
const struct dev_impair_stats *dev_impair_stats(const struct dev_impair *i);

#endif
