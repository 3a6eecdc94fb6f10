/* SPDX-License-Identifier: Apache-2.0 */
/* A TLV payload asked for at one of several paths (the first byte): what is read lies below the
 * path and, unless a value was bad, is written in a form that reads and writes as itself. What a
 * Bootstrap-Read takes from it stays within its bounds. */
#include "lwm2m/bs_read.h"
#include "lwm2m/format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lwm_path bases[] = {
	{1, {3}},
	{2, {3, 0}},
	{3, {3, 0, 6}},
	{4, {3, 0, 6, 1}},
	{1, {1}},
	{1, {10234}},
	{2, {6, 0}},
	{1, {2}},
	{3, {5, 0, 0}},
	{2, {0, 1}},
	{0, {0}},
	{2, {25, 0}},
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool all_good(const struct lwm_records *r, const struct lwm_path *base)
{
	bool good = true;

	for (size_t i = 0; i < r->n; i++) {
		require(lwm_path_under(&r->v[i].path, base));
		good &= r->v[i].kind != LWM_RECORD_BAD;
	}
	return good;
}

static void round_trip(const struct lwm_format *f, const struct lwm_path *base,
	const struct lwm_records *r, size_t cap)
{
	uint8_t *first = malloc(cap), *second = malloc(cap);
	struct writer w = wr_make(first, cap), again = wr_make(second, cap);
	struct lwm_records back;
	struct arena a;

	require(first && second);
	arena_init(&a, 0);
	lwm_records_init(&back, &a);
	require(f->encode(r->v, r->n, base, NULL, &w) == ERR_OK);
	require(f->decode(wr_span(&w), base, NULL, &back) == ERR_OK);
	require(f->encode(back.v, back.n, base, NULL, &again) == ERR_OK);
	require(span_eq(wr_span(&w), wr_span(&again)));
	arena_fini(&a);
	free(first);
	free(second);
}

static void bootstrap_read(struct span payload, const struct lwm_path *base, bool readable)
{
	struct lwm_bs_discover d = {.server_n = 1, .server = {{1, 0, 0}}};
	struct lwm_bs_rights rights = {0};
	enum err e = lwm_bs_read(LWM_CF_TLV, payload, base, &d, &rights);

	require(!e == (readable && lwm_bs_readable(base)));
	require(!e || (d.server_n == 1 && !d.server[0].ssid && !rights.known));
	require(d.server_n <= LWM_BS_SERVERS_MAX && rights.n <= LWM_BS_RIGHTS_MAX);
	for (uint8_t i = 0; rights.known && i < rights.n; i++)
		require(rights.v[i].oid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lwm_format *f = lwm_format(LWM_CF_TLV);
	const struct lwm_path *base;
	struct lwm_records r;
	struct arena a;

	if (size == 0)
		return 0;
	base = &bases[data[0] % (sizeof(bases) / sizeof(bases[0]))];
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	struct span payload = span_sub((struct span){data, size}, 1, size);
	enum err e = f->decode(payload, base, NULL, &r);
	bootstrap_read(payload, base, !e);
	if (e)
		require(r.n == 0);
	else if (all_good(&r, base) && (r.n || base->n < 3))
		round_trip(f, base, &r, 4 * size + 64);
	arena_fini(&a);
	return 0;
}
