/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 11544: LwM2M CBOR (Core TS 7.5.4; FMT-30 to FMT-35). Maps in maps, whose keys are
 * ids or arrays of ids; together they are paths, always from the root. */
#include "base/text.h"
#include "lwm2m/cbor.h"
#include "lwm2m/codec.h"

#include <math.h>
#include <stdlib.h>

enum { FEW = 32, MAJOR_MAP = 5, BYTE_NULL = 0xf6, BYTE_HALF = 0xf9 };
enum { HALF_INF = 0x7c00, HALF_MINUS_INF = 0xfc00, HALF_NAN = 0x7e00 };

/* Where the reader stands: the keys so far. */
struct place {
	struct span prefix;
	struct lwm_path path;
	bool begun; /* some key has been read: a prefix would come too late */
};

struct cbor_reader {
	struct lwm_cbor c;
	const struct lwm_path *base;
	const struct lwm_codec_opts *opts;
	struct lwm_records *out;
};

/* 65535 only stands for an Object Instance that the receiver is to choose (DM-13). */
static enum err push_id(struct place *at, const struct lwm_cbor_item *key)
{
	if (key->minus || key->u > LWM_ID_NONE || at->path.n == 4)
		return ERR_SYNTAX;
	if (key->u == LWM_ID_NONE && at->path.n != 1)
		return ERR_SYNTAX;
	at->path.id[at->path.n++] = (uint16_t)key->u;
	at->begun = true;
	return ERR_OK;
}

/* GW-06: the prefix of a device behind a gateway is the very first key. That of the device which
 * was asked says nothing new. */
static enum err push_prefix(struct cbor_reader *r, struct place *at, struct span prefix)
{
	bool own = r->opts && r->opts->behind.n && span_eq(prefix, r->opts->behind);

	if (at->begun || !prefix.n || !r->opts || !utf8_valid(prefix))
		return ERR_SYNTAX;
	if (!own && !r->opts->prefixed)
		return ERR_SYNTAX;
	if (!own)
		at->prefix = prefix;
	at->begun = true;
	return ERR_OK;
}

static enum err push_key(struct cbor_reader *r, struct place *at, const struct lwm_cbor_item *key)
{
	if (key->kind == LWM_CBOR_INTEGER)
		return push_id(at, key);
	return key->kind == LWM_CBOR_TEXT ? push_prefix(r, at, key->s) : ERR_SYNTAX;
}

static enum err read_key(struct cbor_reader *r, struct place *at)
{
	struct lwm_cbor_item key;
	struct lwm_cbor_list array;
	enum err e = ERR_OK;
	size_t n = 0;

	lwm_cbor_next(&r->c, &key);
	if (key.kind != LWM_CBOR_ARRAY)
		return push_key(r, at, &key);
	array = (struct lwm_cbor_list){key.indefinite, key.u};
	for (; !e && lwm_cbor_more(&r->c, &array); n++) {
		lwm_cbor_next(&r->c, &key);
		e = push_key(r, at, &key);
	}
	return e || n ? e : ERR_SYNTAX;
}

static struct lwm_record *add_record(struct cbor_reader *r, const struct place *at)
{
	struct lwm_record *out = lwm_records_add(r->out);

	if (!out)
		return NULL;
	out->path = at->path;
	out->prefix = at->prefix;
	return out;
}

/* As TLV does, and unlike the others, this format has NaN and the infinities; and it has null for
 * what has no value (FMT-33). */
static bool fit(const struct lwm_arrived *v, enum lwm_type wanted, struct lwm_value *out)
{
	bool number = v->kind == LWM_ARRIVED_NUMBER, open = wanted == LWM_NONE;

	if (number && !isfinite(v->number.f) && (open || wanted == LWM_FLOAT)) {
		*out = (struct lwm_value){.type = LWM_FLOAT, .f = v->number.f};
		return true;
	}
	if (open && v->raw.n == 1 && v->raw.p[0] == BYTE_NULL) {
		*out = (struct lwm_value){.type = LWM_NONE};
		return true;
	}
	return lwm_arrived_fit(v, wanted, out);
}

static enum err read_leaf(struct cbor_reader *r, const struct place *at)
{
	struct lwm_arrived v;
	struct lwm_record *out;

	lwm_cbor_value(&r->c, &v);
	if (r->c.err || at->path.n < 3 || !lwm_path_under(&at->path, r->base))
		return ERR_SYNTAX;
	out = add_record(r, at);
	if (!out)
		return r->out->err;
	if (!fit(&v, lwm_codec_type_of(r->opts, at->prefix, &at->path), &out->value))
		lwm_record_bad(out, out->value.type, v.raw);
	return ERR_OK;
}

/* FMT-34: an Object Instance or a multiple Resource that exists and is empty. */
static enum err read_empty(struct cbor_reader *r, const struct place *at)
{
	struct lwm_record *out;

	if (!at->prefix.n && lwm_path_under(r->base, &at->path))
		return lwm_codec_empty(r->base, r->out, false);
	if (!lwm_path_under(&at->path, r->base))
		return ERR_SYNTAX;
	if (at->path.n < 2)
		return ERR_OK;
	out = add_record(r, at);
	if (!out)
		return r->out->err;
	out->kind = at->path.n == 2 ? LWM_RECORD_INSTANCE : LWM_RECORD_MULTIPLE;
	return ERR_OK;
}

static bool map_in_front(const struct lwm_cbor *c)
{
	return c->at < c->in.n && c->in.p[c->at] >> 5 == MAJOR_MAP;
}

/* A level has a key at least, and there are five keys at most: a prefix and four ids. */
static enum err read_map(struct cbor_reader *r, const struct place *at)
{
	struct lwm_cbor_list map = lwm_cbor_open(&r->c, LWM_CBOR_MAP);
	enum err e = at->path.n == 4 ? ERR_SYNTAX : ERR_OK;
	size_t n = 0;

	for (; !e && lwm_cbor_more(&r->c, &map); n++) {
		struct place below = *at;

		e = read_key(r, &below);
		if (!e)
			e = map_in_front(&r->c) ? read_map(r, &below) : read_leaf(r, &below);
	}
	if (e || r->c.err)
		return r->c.err ? r->c.err : e;
	return n ? ERR_OK : read_empty(r, at);
}

static int compare_pointers(const void *a, const void *b)
{
	return lwm_record_cmp(
		*(const struct lwm_record *const *)a, *(const struct lwm_record *const *)b);
}

/* True if `b`, which is not before `a`, is the same or lies below it. */
static bool collide(const struct lwm_record *a, const struct lwm_record *b)
{
	return span_eq(a->prefix, b->prefix) && lwm_path_under(&b->path, &a->path);
}

/* In order, what lies below a path comes right behind it. */
static bool sorted_apart(const struct lwm_record **all, size_t n)
{
	qsort(all, n, sizeof(all[0]), compare_pointers);
	for (size_t i = 1; i < n; i++)
		if (collide(all[i - 1], all[i]))
			return false;
	return true;
}

/* Pointers to the records in order, in `few` or, if those are too few, in memory to be freed.
 * ERR_UNSUPPORTED if two collide, ERR_NOMEM. */
static enum err sort_apart(const struct lwm_record *v, size_t n, const struct lwm_record *few[FEW],
	const struct lwm_record ***out)
{
	const struct lwm_record **all = n > FEW ? malloc(n * sizeof(all[0])) : few;

	*out = all ? all : few;
	if (!all)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		all[i] = &v[i];
	return sorted_apart(all, n) ? ERR_OK : ERR_UNSUPPORTED;
}

/* No path comes twice, whatever the layout, and none has both a value and something below. */
static enum err check_apart(const struct lwm_record *v, size_t n)
{
	const struct lwm_record *few[FEW], **all = few;
	size_t ordered = 1;
	enum err e;

	while (ordered < n && lwm_record_cmp(&v[ordered - 1], &v[ordered]) < 0 &&
		!collide(&v[ordered - 1], &v[ordered]))
		ordered++;
	if (ordered >= n)
		return ERR_OK;
	e = sort_apart(v, n, few, &all);
	if (all != few)
		free(all);
	return e == ERR_UNSUPPORTED ? ERR_SYNTAX : e;
}

enum err lwm_lwm2m_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	struct cbor_reader r = {lwm_cbor_make(payload, out->arena), base, o, out};
	struct place root = {0};
	size_t before = out->n;
	enum err e = read_map(&r, &root);

	if (!e)
		e = lwm_cbor_end(&r.c);
	if (!e)
		e = check_apart(&out->v[before], out->n - before);
	if (e)
		out->n = before;
	return e;
}

/* Records in order: those at the front that agree with the first in prefix and `depth` ids. */
static size_t front(const struct lwm_record *const *v, size_t n, uint8_t depth)
{
	struct lwm_path p = v[0]->path;
	size_t k = 0;

	p.n = depth;
	while (k < n && span_eq(v[k]->prefix, v[0]->prefix) && lwm_path_under(&v[k]->path, &p))
		k++;
	return k;
}

/* How far the keys of all n records agree, seen from `depth`: at most to where they part. */
static uint8_t common(const struct lwm_record *const *v, size_t n, uint8_t depth)
{
	uint8_t d = depth;

	while (d < v[0]->path.n && front(v, n, d + 1) == n)
		d++;
	return d;
}

static void wr_nonfinite(struct writer *w, double f)
{
	wr_u8(w, BYTE_HALF);
	wr_u16(w, isnan(f) ? HALF_NAN : f > 0 ? HALF_INF : HALF_MINUS_INF);
}

static void wr_leaf(struct writer *w, const struct lwm_record *r)
{
	if (r->kind != LWM_RECORD_VALUE)
		lwm_wr_cbor_map(w, 0);
	else if (r->value.type == LWM_NONE)
		lwm_wr_cbor_null(w);
	else if (r->value.type == LWM_FLOAT && !isfinite(r->value.f))
		wr_nonfinite(w, r->value.f);
	else
		lwm_wr_cbor_value(w, &r->value, true);
}

/* One id alone, or an array of prefix and ids. */
static void wr_map_key(
	struct writer *w, const struct lwm_record *r, struct span behind, uint8_t from, uint8_t to)
{
	struct span prefix = from ? SPAN_EMPTY : r->prefix.n ? r->prefix : behind;
	size_t n = (size_t)(to - from) + (prefix.n > 0);

	if (n > 1)
		lwm_wr_cbor_array(w, n);
	if (prefix.n)
		lwm_wr_cbor_text(w, prefix);
	for (uint8_t i = from; i < to; i++)
		lwm_wr_cbor_uint(w, r->path.id[i]);
}

/* Where the entry ends that begins with the first record below `from`: its records share a key as
 * long as it pays. An Object Instance makes an entry of its own, as the examples have it. */
static size_t entry(const struct lwm_record *const *v, size_t n, uint8_t from, uint8_t *to)
{
	size_t k = front(v, n, from ? (uint8_t)(from + 1) : 2);

	*to = common(v, k, from);
	return k;
}

static void wr_map(struct writer *w, const struct lwm_record *const *v, size_t n,
	struct span behind, uint8_t from)
{
	size_t entries = 0;
	uint8_t to;

	for (size_t i = 0; i < n; entries++)
		i += entry(v + i, n - i, from, &to);
	lwm_wr_cbor_map(w, entries);
	for (size_t i = 0, k; i < n; i += k) {
		k = entry(v + i, n - i, from, &to);
		wr_map_key(w, v[i], behind, from, to);
		if (k == 1)
			wr_leaf(w, v[i]);
		else
			wr_map(w, v + i, k, behind, to);
	}
}

static bool id_65535_elsewhere(const struct lwm_path *p)
{
	for (uint8_t i = 0; i < p->n; i++)
		if (p->id[i] == LWM_ID_NONE && i != 1)
			return true;
	return false;
}

static enum err check_record(const struct lwm_record *r, const struct lwm_path *base)
{
	uint8_t least = r->kind == LWM_RECORD_INSTANCE ? 2 : 3;
	bool text = r->value.type == LWM_STRING || r->value.type == LWM_CORELNK;

	if (r->kind > LWM_RECORD_MULTIPLE || r->has_time || r->path.n < least)
		return ERR_UNSUPPORTED;
	if (r->kind != LWM_RECORD_VALUE && r->path.n != least)
		return ERR_UNSUPPORTED;
	if (id_65535_elsewhere(&r->path) || !lwm_path_under(&r->path, base))
		return ERR_UNSUPPORTED;
	return r->kind == LWM_RECORD_VALUE && text && !utf8_valid(r->value.bytes) ? ERR_UNSUPPORTED
										  : ERR_OK;
}

enum err lwm_lwm2m_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	const struct lwm_record *few[FEW], **all = few;
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && !e; i++)
		e = check_record(&v[i], base);
	if (e)
		return e;
	e = sort_apart(v, n, few, &all);
	if (!e)
		wr_map(w, all, n, o ? o->behind : SPAN_EMPTY, 0);
	if (all != few)
		free(all);
	return e ? e : w->err;
}
