/* SPDX-License-Identifier: Apache-2.0 */
/* Tombstones: keys of contexts that are gone. A key's counters outlive its context, so that nothing
 * an administrator does can make a number be used twice. */
#ifndef LANYARD_ENDPOINT_GRAVE_H
#define LANYARD_ENDPOINT_GRAVE_H

#include "base/map.h"
#include "oscore/context.h"

struct ep_grave {
	uint8_t key[8 + 1 + OSC_ID_MAX]; /* start of the fingerprint, the id, its length first */
	uint8_t key_n;
	bool sender;     /* the key was ours to send with; else the device's */
	uint32_t aside;  /* of number, so many never were; or failed verifications */
	uint64_t number; /* ssn_limit, or highest (UINT64_MAX: none) */
};

void ep_graves_init(struct map *m, const uint8_t seed[static 16]);
void ep_graves_fini(struct map *m);
/* Two rows of one key and one use become one with the higher number, and with what makes it look
 * used more. ERR_CONFLICT: one key, both uses. */
MUST_USE enum err ep_grave_put(struct map *m, const uint8_t ikm[static 8], struct span id,
	bool sender, uint64_t number, uint32_t aside);
/* NULL: the key of (ikm, id) was never used, or its context lives. */
const struct ep_grave *ep_grave_find(
	const struct map *m, const uint8_t ikm[static 8], struct span id);

#endif
