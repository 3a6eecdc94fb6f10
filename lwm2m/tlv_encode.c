/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 11542, writing: shortest forms throughout (FMT-14). Every put_ function returns
 * the size of what it writes; with w NULL it only measures, since a length precedes its body. */
#include "lwm2m/codec.h"
#include "lwm2m/tlv.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_MAX = 0xffffff, FEW = 16 };

/* Records sorted by path: what belongs together is adjacent. */
struct run {
	const struct lwm_record *const *v;
	size_t n;
};

static size_t put_uint(struct writer *w, uint64_t v, size_t n)
{
	if (w)
		wr_uint(w, v, n);
	return n;
}

static size_t put_bytes(struct writer *w, struct span s)
{
	if (w)
		wr_bytes(w, s);
	return s.n;
}

/* n bytes of two's complement. */
static size_t put_cut(struct writer *w, uint64_t v, size_t n)
{
	return put_uint(w, n < 8 ? v & (((uint64_t)1 << (8 * n)) - 1) : v, n);
}

static size_t put_signed(struct writer *w, int64_t i)
{
	size_t n = i == (int8_t)i ? 1 : i == (int16_t)i ? 2 : i == (int32_t)i ? 4 : 8;

	return put_cut(w, (uint64_t)i, n);
}

static size_t put_unsigned(struct writer *w, uint64_t u)
{
	size_t n = u <= UINT8_MAX ? 1 : u <= UINT16_MAX ? 2 : u <= UINT32_MAX ? 4 : 8;

	return put_uint(w, u, n);
}

static size_t put_value(struct writer *w, const struct lwm_value *v)
{
	uint64_t bits;

	switch (v->type) {
	case LWM_NONE:
		return 0;
	case LWM_STRING:
	case LWM_CORELNK:
	case LWM_OPAQUE:
		return put_bytes(w, v->bytes);
	case LWM_INTEGER:
	case LWM_TIME:
		return put_signed(w, v->i);
	case LWM_UNSIGNED:
		return put_unsigned(w, v->u);
	case LWM_FLOAT: /* always 8: readers in the field expect one width */
		memcpy(&bits, &v->f, sizeof(bits));
		return put_uint(w, bits, 8);
	case LWM_BOOLEAN:
		return put_uint(w, v->b, 1);
	case LWM_OBJLNK:
		return put_uint(w, (uint64_t)v->link.oid << 16 | v->link.iid, 4);
	}
	return 0;
}

static size_t put_head(struct writer *w, enum tlv_kind kind, uint16_t id, size_t length)
{
	size_t id_n = id > UINT8_MAX ? 2 : 1;
	size_t length_n = length < 8 ? 0 : length <= UINT8_MAX ? 1 : length <= UINT16_MAX ? 2 : 3;
	size_t low = length_n ? length_n << 3 : length;

	put_uint(w, (uint64_t)kind << 6 | (id_n - 1) << 5 | low, 1);
	put_uint(w, id, id_n);
	put_uint(w, length_n ? length : 0, length_n);
	return 1 + id_n + length_n;
}

static size_t put_leaf(struct writer *w, enum tlv_kind kind, uint16_t id, const struct lwm_value *v)
{
	size_t length = put_value(NULL, v);

	return put_head(w, kind, id, length) + put_value(w, v);
}

/* The records at the front that agree with the first one in their first `depth` ids. */
static struct run front(struct run all, uint8_t depth)
{
	struct lwm_path prefix = all.v[0]->path;
	struct run r = {all.v, 0};

	prefix.n = depth;
	while (r.n < all.n && lwm_path_under(&all.v[r.n]->path, &prefix))
		r.n++;
	return r;
}

static struct run rest(struct run all, size_t n)
{
	return (struct run){&all.v[n], all.n - n};
}

static size_t put_entries(struct writer *w, struct run r)
{
	size_t size = 0;

	for (size_t i = 0; i < r.n; i++) {
		const struct lwm_path *p = &r.v[i]->path;

		if (r.v[i]->kind == LWM_RECORD_VALUE)
			size += put_leaf(w, TLV_ENTRY, p->n == 4 ? p->id[3] : 0, &r.v[i]->value);
	}
	return size;
}

/* A value without a Resource Instance id is entry 0 where the model says multiple. */
static bool is_multiple(const struct lwm_record *first)
{
	const struct lwm_resource *r = lwm_resource(first->path.id[0], first->path.id[2]);

	return first->path.n == 4 || first->kind == LWM_RECORD_MULTIPLE || (r && r->multiple);
}

static size_t put_resource(struct writer *w, struct run r)
{
	uint16_t rid = r.v[0]->path.id[2];
	size_t length;

	if (!is_multiple(r.v[0]))
		return put_leaf(w, TLV_RESOURCE, rid, &r.v[0]->value);
	length = put_entries(NULL, r);
	return put_head(w, TLV_MULTIPLE, rid, length) + put_entries(w, r);
}

static size_t put_resources(struct writer *w, struct run all)
{
	size_t size = 0;

	if (all.n && all.v[0]->kind == LWM_RECORD_INSTANCE)
		all = rest(all, 1);
	while (all.n) {
		struct run r = front(all, 3);

		size += put_resource(w, r);
		all = rest(all, r.n);
	}
	return size;
}

static size_t put_instances(struct writer *w, struct run all)
{
	size_t size = 0;

	while (all.n) {
		struct run r = front(all, 2);
		uint16_t iid = r.v[0]->path.id[1];

		/* An instance the receiver is to choose is left out (DM-13). */
		if (iid != LWM_ID_NONE)
			size += put_head(w, TLV_INSTANCE, iid, put_resources(NULL, r));
		size += put_resources(w, r);
		all = rest(all, r.n);
	}
	return size;
}

static size_t put_any(struct writer *w, struct run all, const struct lwm_path *base)
{
	if (base->n == 1)
		return put_instances(w, all);
	if (base->n == 2)
		return put_resources(w, all);
	if (base->n == 3)
		return put_resource(w, all);
	return put_leaf(w, TLV_ENTRY, base->id[3], &all.v[0]->value);
}

static int by_path(const void *a, const void *b)
{
	return lwm_path_cmp(&(*(const struct lwm_record *const *)a)->path,
		&(*(const struct lwm_record *const *)b)->path);
}

static bool fits(const struct lwm_record *r, const struct lwm_path *base)
{
	if (r->has_time || r->prefix.n || !lwm_path_under(&r->path, base))
		return false;
	switch (r->kind) {
	case LWM_RECORD_VALUE:
		return r->path.n >= 3 && r->value.type != LWM_NONE;
	case LWM_RECORD_INSTANCE:
		return r->path.n == 2;
	case LWM_RECORD_MULTIPLE:
		return r->path.n == 3;
	case LWM_RECORD_NAME:
	case LWM_RECORD_DELETE:
	case LWM_RECORD_BAD:
		return false;
	}
	return false;
}

/* No path twice, no value both of a Resource and of its instances; a chosen-by-the-receiver
 * instance is the only one. */
static bool consistent(struct run all, const struct lwm_path *base)
{
	for (size_t i = 0; i < all.n; i++) {
		const struct lwm_record *r = all.v[i], *before = i ? all.v[i - 1] : NULL;

		if (!fits(r, base) || (before && lwm_path_eq(&r->path, &before->path)))
			return false;
		if (before && before->kind == LWM_RECORD_VALUE &&
			lwm_path_under(&r->path, &before->path))
			return false;
		if (r->path.id[1] == LWM_ID_NONE && all.v[0]->path.id[1] != LWM_ID_NONE)
			return false;
	}
	return true;
}

static enum err encode_sorted(struct run all, const struct lwm_path *base, struct writer *w)
{
	if (base->n == 0 || (base->n >= 3 && all.n == 0) || !consistent(all, base))
		return ERR_UNSUPPORTED;
	if (put_any(NULL, all, base) > LENGTH_MAX)
		return ERR_UNSUPPORTED;
	put_any(w, all, base);
	return w->err;
}

enum err lwm_tlv_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	const struct lwm_record *few[FEW], **sorted = few;
	enum err e;

	(void)o;
	if (n > FEW)
		sorted = malloc(n * sizeof(const struct lwm_record *));
	if (!sorted)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &v[i];
	qsort(sorted, n, sizeof(sorted[0]), by_path);
	e = encode_sorted((struct run){sorted, n}, base, w);
	if (sorted != few)
		free(sorted);
	return e;
}
