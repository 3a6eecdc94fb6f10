/* SPDX-License-Identifier: Apache-2.0 */
/* A payload of one content format, asked for at one of several paths (the first byte, whose upper
 * bits choose the options): what is read lies below the path or is linked, and is written in a form
 * that reads as the same records and writes as itself. */
#ifndef LANYARD_TESTS_FUZZ_LWM_RECORDS_H
#define LANYARD_TESTS_FUZZ_LWM_RECORDS_H

#include "lwm2m/format.h"

#include <math.h>
#include <stdlib.h>

enum { NOW_S = 1700000000, UNIX_TIME = 1 << 28 };

static const struct lwm_path bases[] = {
	{0, {0}},
	{1, {3}},
	{2, {3, 0}},
	{3, {3, 0, 6}},
	{4, {3, 0, 6, 1}},
	{3, {3, 0, 9}},
	{3, {3, 0, 13}},
	{3, {3, 0, 0}},
	{1, {10234}},
	{2, {6, 0}},
	{3, {6, 0, 0}},
	{3, {5, 0, 0}},
	{3, {10234, 0, 1}},
	{2, {0, 1}},
	{3, {0, 0, 16}},
	{2, {25, 0}},
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void same_value(const struct lwm_value *a, const struct lwm_value *b)
{
	require(a->type == b->type);
	switch (a->type) {
	case LWM_NONE:
		break;
	case LWM_STRING:
	case LWM_CORELNK:
	case LWM_OPAQUE:
		require(span_eq(a->bytes, b->bytes));
		break;
	case LWM_INTEGER:
	case LWM_TIME:
		require(a->i == b->i);
		break;
	case LWM_UNSIGNED:
		require(a->u == b->u);
		break;
	case LWM_FLOAT:
		require(isnan(a->f) ? isnan(b->f) : a->f == b->f && signbit(a->f) == signbit(b->f));
		break;
	case LWM_BOOLEAN:
		require(a->b == b->b);
		break;
	case LWM_OBJLNK:
		require(a->link.oid == b->link.oid && a->link.iid == b->link.iid);
		break;
	}
}

static void same_records(const struct lwm_records *a, const struct lwm_records *b)
{
	require(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct lwm_record *x = &a->v[i], *y = &b->v[i];

		require(x->kind == y->kind && lwm_path_eq(&x->path, &y->path));
		require(span_eq(x->prefix, y->prefix));
		require(x->has_time == y->has_time && x->time_s == y->time_s);
		if (x->kind == LWM_RECORD_VALUE)
			same_value(&x->value, &y->value);
	}
}

/* Bad values are not written, and a relative time loses bits when now is added to it. The types of
 * a value unknown to the model may be told by tags, which are not written. */
static bool writable(
	uint16_t cf, const struct lwm_records *r, const struct lwm_path *base, bool linked)
{
	bool good = true;

	for (size_t i = 0; i < r->n; i++) {
		const struct lwm_record *x = &r->v[i];

		require(linked || lwm_path_under(&x->path, base));
		require(!x->has_time || isfinite(x->time_s));
		good &= x->kind != LWM_RECORD_BAD;
		require(cf == LWM_CF_TLV || cf == LWM_CF_LWM2M_CBOR ||
			x->kind != LWM_RECORD_VALUE || x->value.type != LWM_FLOAT ||
			isfinite(x->value.f));
		good &= !x->has_time || x->time_s >= UNIX_TIME;
		good &= x->value.type != LWM_TIME || lwm_type_at(&x->path) == LWM_TIME;
		good &= lwm_path_under(&x->path, base);
	}
	return good;
}

/* LwM2M CBOR is written in the order of paths. */
static int by_record(const void *a, const void *b)
{
	const struct lwm_record *x = a, *y = b;
	int c = x->prefix.n || y->prefix.n ? span_cmp(x->prefix, y->prefix) : 0;

	return c ? c : lwm_path_cmp(&x->path, &y->path);
}

static void round_trip(const struct lwm_format *f, const struct lwm_path *base,
	const struct lwm_codec_opts *o, const struct lwm_records *r, size_t size)
{
	size_t cap = 8 * size + 64 * r->n + 64;
	uint8_t *first = malloc(cap), *second = malloc(cap);
	struct writer w = wr_make(first, cap), again = wr_make(second, cap);
	struct lwm_records back;
	struct arena a;

	require(first && second);
	arena_init(&a, 0);
	lwm_records_init(&back, &a);
	require(f->encode(r->v, r->n, base, o, &w) == ERR_OK);
	require(f->decode(wr_span(&w), base, o, &back) == ERR_OK);
	if (f->cf == LWM_CF_LWM2M_CBOR && r->n)
		qsort(r->v, r->n, sizeof(r->v[0]), by_record);
	same_records(r, &back);
	require(f->encode(back.v, back.n, base, o, &again) == ERR_OK);
	require(span_eq(wr_span(&w), wr_span(&again)));
	arena_fini(&a);
	free(first);
	free(second);
}

static inline void fuzz_format(uint16_t cf, const uint8_t *data, size_t size)
{
	const struct lwm_format *f = lwm_format(cf);
	struct lwm_codec_opts o = {.now_s = NOW_S};
	const struct lwm_path *base;
	struct lwm_records r;
	struct arena a;

	if (size == 0)
		return;
	base = &bases[data[0] % (sizeof(bases) / sizeof(bases[0]))];
	o.fetch = data[0] & 0x10;
	o.prefixed = data[0] & 0x20;
	o.linked = data[0] & 0x40;
	if (data[0] & 0x80)
		o.alt = SPAN_LIT("/lwm2m");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	if (f->decode(span_sub((struct span){data, size}, 1, size), base, &o, &r))
		require(r.n == 0);
	else if (writable(cf, &r, base, o.linked))
		round_trip(f, base, &o, &r, size);
	arena_fini(&a);
}

#endif
