/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

void secret_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

bool secret_eq(struct span a, struct span b)
{
	volatile uint8_t diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff = (uint8_t)(diff | (a.p[i] ^ b.p[i]));
	return diff == 0;
}

enum err secret_harden_process(void)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
		return ERR_IO;
	return ERR_OK;
}

void rng_fill(const struct rng *r, uint8_t *out, size_t n)
{
	r->fill(r->arg, out, n);
}

uint64_t rng_u64(const struct rng *r)
{
	uint64_t v;

	r->fill(r->arg, (uint8_t *)&v, sizeof(v));
	return v;
}

static void fill_kernel(uint8_t *out, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			perror("getrandom");
			abort();
		}
		out += got;
		n -= (size_t)got;
	}
}

/* Tokens and the like are drawn a few bytes at a time, several for each message: from a stock of
 * each thread, so that not each costs a call of the kernel. What is handed out is wiped there, and
 * a forked process begins with none. Keys are longer, and never lie in it. */
enum { STOCK_BYTES = 512, FROM_STOCK_MAX = 8 };
static _Thread_local struct {
	size_t left;
	uint8_t bytes[STOCK_BYTES];
} stock;

static void forget_stock(void)
{
	secret_wipe(&stock, sizeof(stock));
}

static void forget_at_fork(void)
{
	if (pthread_atfork(NULL, NULL, forget_stock)) {
		perror("pthread_atfork");
		abort();
	}
}

static void fill_system(void *arg, uint8_t *out, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)arg;
	if (n == 0 || n > FROM_STOCK_MAX) {
		fill_kernel(out, n);
		return;
	}
	if (n > stock.left) {
		if (pthread_once(&once, forget_at_fork))
			abort();
		fill_kernel(stock.bytes, sizeof(stock.bytes));
		stock.left = sizeof(stock.bytes);
	}
	stock.left -= n;
	memcpy(out, stock.bytes + stock.left, n);
	secret_wipe(stock.bytes + stock.left, n);
}

struct rng rng_system(void)
{
	return (struct rng){fill_system, NULL};
}

static uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static uint64_t xoshiro(uint64_t s[static 4])
{
	uint64_t out = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

static void fill_test(void *arg, uint8_t *out, size_t n)
{
	uint64_t v = 0;

	/* Byte by byte, so that a seed means the same on every machine. */
	for (size_t i = 0; i < n; i++, v >>= 8) {
		if (i % 8 == 0)
			v = xoshiro(arg);
		out[i] = (uint8_t)v;
	}
}

/* The state comes from splitmix64, as the authors of xoshiro advise: never all zero. */
struct rng rng_test(uint64_t state[static 4], uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		state[i] = z ^ z >> 31;
	}
	return (struct rng){fill_test, state};
}
