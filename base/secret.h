/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_SECRET_H
#define LANYARD_BASE_SECRET_H

#include "base/span.h"

/* Overwrites; the compiler does not remove it. */
void secret_wipe(void *p, size_t n);
/* Constant time in the contents; lengths are public. */
bool secret_eq(struct span a, struct span b);
/* No core dumps, no ptrace by others: PR_SET_DUMPABLE 0 and RLIMIT_CORE 0. */
MUST_USE enum err secret_harden_process(void);

/* Where randomness comes from. Injected, so that tests run from a seed. */
struct rng {
	void (*fill)(void *arg, uint8_t *out, size_t n);
	void *arg;
};

void rng_fill(const struct rng *r, uint8_t *out, size_t n);
uint64_t rng_u64(const struct rng *r);
/* The kernel's getrandom(2), for draws of up to 8 bytes by way of a small stock of each thread;
 * ends the process if that fails, since nothing is safe without it. */
struct rng rng_system(void);
/* Deterministic, for tests only: xoshiro256** seeded with `seed` in `state`. */
struct rng rng_test(uint64_t state[static 4], uint64_t seed);

#endif
