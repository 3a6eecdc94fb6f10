/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without a fuzzer, for `make check`: on its seeds, on every truncation of them,
 * and on pseudo-random changes of them. A seed is a line of hex in tests/fuzz/seeds/NAME.hex, or
 * the text behind "text " with \\n for a newline; # starts a comment. `make fuzz` gives the same
 * targets to libFuzzer. */
#include "base/secret.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS_MAX = 256, SEED_BYTES = 4096, MUTATIONS = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t seed[SEEDS_MAX][SEED_BYTES];
static size_t seed_size[SEEDS_MAX];
static size_t seed_n;

/* In memory of exactly its size, so that a sanitizer sees a read behind its end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static bool parse_line(char *line, struct writer *w)
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "text ", 5))
		return hex_decode(span_str(line), w) == ERR_OK;
	for (const char *p = line + 5; *p; p++) {
		bool newline = p[0] == '\\' && p[1] == 'n';
		wr_u8(w, newline ? '\n' : (uint8_t)*p);
		p += newline;
	}
	return !w->err;
}

static bool read_seeds(const char *path)
{
	static char line[3 * SEED_BYTES];
	FILE *f = fopen(path, "r");
	bool good = f != NULL;
	while (good && fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		struct writer w = wr_make(seed[seed_n], SEED_BYTES);
		good = seed_n + 1 < SEEDS_MAX && parse_line(line, &w);
		seed_size[seed_n++] = w.n;
	}
	if (f)
		fclose(f);
	return good && seed_n;
}

/* Some bytes changed, taken out, put in, or taken over from another seed. */
static size_t mutate(uint8_t *p, size_t n, const struct rng *rng)
{
	for (uint64_t k = rng_u64(rng) % 4 + 1; k > 0; k--) {
		uint64_t r = rng_u64(rng);
		size_t at = n ? (size_t)(r >> 8) % n : 0;
		size_t other = (size_t)(r >> 32) % seed_n;
		if (r % 5 == 0 && n) {
			p[at] ^= (uint8_t)(1u << (r >> 16) % 8);
		} else if (r % 5 == 1 && n) {
			p[at] = (uint8_t)(r >> 16);
		} else if (r % 5 == 2 && n) {
			memmove(p + at, p + at + 1, n - at - 1);
			n--;
		} else if (r % 5 == 3 && n < SEED_BYTES) {
			memmove(p + at + 1, p + at, n - at);
			p[at] = (uint8_t)(r >> 16);
			n++;
		} else if (at < seed_size[other]) {
			memcpy(p + at, seed[other] + at, seed_size[other] - at);
			n = n > seed_size[other] ? n : seed_size[other];
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	static uint8_t work[SEED_BYTES + 1];
	uint64_t state[4];
	struct rng rng = rng_test(state, 1);
	const char *name = strrchr(argv[0], '/');
	char path[256];
	snprintf(path, sizeof(path), "tests/fuzz/seeds/%s.hex", name ? name + 1 : argv[0]);
	if (!read_seeds(argc > 1 ? argv[1] : path)) {
		printf("%s: seeds cannot be read\n0 passed, 1 failed\n", argc > 1 ? argv[1] : path);
		return 1;
	}
	size_t runs = 0;
	for (size_t i = 0; i < seed_n; i++) {
		for (size_t n = 0; n <= seed_size[i]; n++, runs++)
			run(seed[i], n);
		for (size_t k = 0; k < MUTATIONS; k++, runs++) {
			memcpy(work, seed[i], seed_size[i]);
			run(work, mutate(work, seed_size[i], &rng));
		}
	}
	printf("%zu inputs from %zu seeds\n%zu passed, 0 failed\n", runs, seed_n, seed_n);
	return 0;
}
