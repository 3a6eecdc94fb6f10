/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/cbor.h"

#include "lwm2m/datetime.h"

#include <cbor.h>
#include <string.h>

enum { BREAK = 0xff, MAJOR_BYTES = 2, MAJOR_MAP = 5, LENGTH_64 = 27 };
enum { TAG_DATETIME = 0, TAG_EPOCH = 1, TAG_DECIMAL = 4 };

static void on_integer(struct lwm_cbor_item *it, bool minus, uint64_t u)
{
	it->kind = LWM_CBOR_INTEGER;
	it->minus = minus;
	it->u = u;
}

static void on_uint8(void *it, uint8_t u)
{
	on_integer(it, false, u);
}

static void on_uint16(void *it, uint16_t u)
{
	on_integer(it, false, u);
}

static void on_uint32(void *it, uint32_t u)
{
	on_integer(it, false, u);
}

static void on_uint64(void *it, uint64_t u)
{
	on_integer(it, false, u);
}

static void on_negint8(void *it, uint8_t u)
{
	on_integer(it, true, u);
}

static void on_negint16(void *it, uint16_t u)
{
	on_integer(it, true, u);
}

static void on_negint32(void *it, uint32_t u)
{
	on_integer(it, true, u);
}

static void on_negint64(void *it, uint64_t u)
{
	on_integer(it, true, u);
}

static void on_bytes(void *arg, cbor_data p, size_t n)
{
	struct lwm_cbor_item *it = arg;

	it->kind = LWM_CBOR_BYTES;
	it->s = span_make(p, n);
}

static void on_text(void *arg, cbor_data p, size_t n)
{
	on_bytes(arg, p, n);
	((struct lwm_cbor_item *)arg)->kind = LWM_CBOR_TEXT;
}

/* The first byte, which next_item looks at, tells bytes from text. */
static void on_chunks(void *it)
{
	((struct lwm_cbor_item *)it)->kind = LWM_CBOR_CHUNKS;
}

static void on_container(struct lwm_cbor_item *it, enum lwm_cbor_kind kind, uint64_t n, bool open)
{
	it->kind = kind;
	it->u = n;
	it->indefinite = open;
}

static void on_array(void *it, size_t n)
{
	on_container(it, LWM_CBOR_ARRAY, n, false);
}

static void on_map(void *it, size_t n)
{
	on_container(it, LWM_CBOR_MAP, n, false);
}

static void on_open_array(void *it)
{
	on_container(it, LWM_CBOR_ARRAY, 0, true);
}

static void on_open_map(void *it)
{
	on_container(it, LWM_CBOR_MAP, 0, true);
}

static void on_tag(void *it, uint64_t tag)
{
	on_container(it, LWM_CBOR_TAG, tag, false);
}

static void on_double(void *arg, double f)
{
	struct lwm_cbor_item *it = arg;

	it->kind = LWM_CBOR_FLOAT;
	it->f = f;
}

static void on_float(void *arg, float f)
{
	on_double(arg, (double)f);
}

static void on_bool(void *arg, bool b)
{
	struct lwm_cbor_item *it = arg;

	it->kind = LWM_CBOR_BOOL;
	it->b = b;
}

static void on_null(void *it)
{
	((struct lwm_cbor_item *)it)->kind = LWM_CBOR_NULL;
}

static void on_undefined(void *it)
{
	((struct lwm_cbor_item *)it)->kind = LWM_CBOR_UNDEFINED;
}

static void on_break(void *it)
{
	((struct lwm_cbor_item *)it)->kind = LWM_CBOR_BREAK;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string = on_bytes,
	.byte_string_start = on_chunks,
	.string = on_text,
	.string_start = on_chunks,
	.array_start = on_array,
	.indef_array_start = on_open_array,
	.map_start = on_map,
	.indef_map_start = on_open_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.boolean = on_bool,
	.null = on_null,
	.undefined = on_undefined,
	.indef_break = on_break,
};

struct lwm_cbor lwm_cbor_make(struct span in, struct arena *a)
{
	return (struct lwm_cbor){.in = in, .arena = a};
}

void lwm_cbor_fail(struct lwm_cbor *c, enum err e)
{
	if (!c->err)
		c->err = e;
	c->at = c->in.n;
}

static struct span rest(const struct lwm_cbor *c)
{
	return span_sub(c->in, c->at, c->in.n);
}

/* libcbor hands counts on as size_t: where that has 32 bits a longer one would be cut. Every
 * element takes a byte, so a count above what is left is false anyway. */
static bool count_too_large(struct span s)
{
	struct reader r = rd_make(s);
	uint8_t head = rd_u8(&r);

	if ((head & 0x1f) != LENGTH_64 || head >> 5 < MAJOR_BYTES || head >> 5 > MAJOR_MAP)
		return false;
	return rd_u64(&r) > s.n;
}

static struct lwm_cbor_item next_raw(struct lwm_cbor *c)
{
	struct lwm_cbor_item it = {0};
	struct span s = rest(c);
	struct cbor_decoder_result r;

	if (c->err || s.n == 0 || count_too_large(s)) {
		lwm_cbor_fail(c, ERR_SYNTAX);
		return it;
	}
	r = cbor_stream_decode(s.p, s.n, &callbacks, &it);
	if (r.status != CBOR_DECODER_FINISHED) {
		lwm_cbor_fail(c, ERR_SYNTAX);
		return (struct lwm_cbor_item){0};
	}
	c->at += r.read;
	return it;
}

/* Goes over chunks up to the break; appends them to w unless it is NULL. Their length. */
static size_t chunks(struct lwm_cbor *c, enum lwm_cbor_kind kind, struct writer *w)
{
	struct lwm_cbor_item it = next_raw(c);
	size_t n = 0;

	for (; it.kind == kind; it = next_raw(c)) {
		n += it.s.n;
		if (w)
			wr_bytes(w, it.s);
	}
	if (it.kind != LWM_CBOR_BREAK)
		lwm_cbor_fail(c, ERR_SYNTAX);
	return n;
}

static struct lwm_cbor_item join(struct lwm_cbor *c, enum lwm_cbor_kind kind)
{
	struct lwm_cbor_item it = {.kind = kind};
	size_t from = c->at, n = chunks(c, kind, NULL);
	struct writer w;

	if (c->err)
		return (struct lwm_cbor_item){0};
	w = wr_make(arena_alloc(c->arena, n), n);
	if (!w.p) {
		lwm_cbor_fail(c, ERR_NOMEM);
		return (struct lwm_cbor_item){0};
	}
	c->at = from;
	chunks(c, kind, &w);
	it.s = wr_span(&w);
	return it;
}

struct lwm_cbor_item lwm_cbor_next(struct lwm_cbor *c)
{
	size_t from = c->at;
	struct lwm_cbor_item it = next_raw(c);

	if (it.kind != LWM_CBOR_CHUNKS)
		return it;
	return join(c, c->in.p[from] >> 5 == MAJOR_BYTES ? LWM_CBOR_BYTES : LWM_CBOR_TEXT);
}

struct lwm_cbor_list lwm_cbor_open(struct lwm_cbor *c, enum lwm_cbor_kind kind)
{
	struct lwm_cbor_item it = lwm_cbor_next(c);

	if (it.kind != kind)
		lwm_cbor_fail(c, ERR_SYNTAX);
	return (struct lwm_cbor_list){it.indefinite, it.u};
}

bool lwm_cbor_more(struct lwm_cbor *c, struct lwm_cbor_list *l)
{
	if (c->err)
		return false;
	if (!l->indefinite)
		return l->left && l->left--;
	if (c->at == c->in.n || c->in.p[c->at] != BREAK)
		return true;
	c->at++;
	return false;
}

static void skip(struct lwm_cbor *c, int depth)
{
	struct lwm_cbor_item it = next_raw(c);
	struct lwm_cbor_list l = {it.indefinite, it.u};

	if (depth == LWM_CBOR_DEPTH_MAX || it.kind == LWM_CBOR_BREAK)
		lwm_cbor_fail(c, ERR_SYNTAX);
	if (it.kind == LWM_CBOR_CHUNKS) {
		bool bytes = c->in.p[c->at - 1] >> 5 == MAJOR_BYTES;

		chunks(c, bytes ? LWM_CBOR_BYTES : LWM_CBOR_TEXT, NULL);
	}
	if (it.kind == LWM_CBOR_TAG)
		skip(c, depth + 1);
	if (it.kind != LWM_CBOR_ARRAY && it.kind != LWM_CBOR_MAP)
		return;
	while (lwm_cbor_more(c, &l)) {
		skip(c, depth + 1);
		if (it.kind == LWM_CBOR_MAP)
			skip(c, depth + 1);
	}
}

void lwm_cbor_skip(struct lwm_cbor *c)
{
	skip(c, 0);
}

/* Starts again at `from` and skips what stands there. */
static void skip_from(struct lwm_cbor *c, size_t from)
{
	if (!c->err)
		c->at = from;
	skip(c, 0);
}

/* -1 - 18446744073709551615 has no magnitude in 64 bits. */
static struct lwm_number number_of(const struct lwm_cbor_item *it)
{
	if (it->kind == LWM_CBOR_FLOAT)
		return lwm_number_double(it->f);
	if (it->minus && it->u == UINT64_MAX)
		return (struct lwm_number){.minus = true, .f = -18446744073709551616.0};
	return lwm_number_integer(it->minus, it->minus ? it->u + 1 : it->u);
}

/* What is behind tag 4: [exponent, mantissa], both integers of 64 bits. */
static bool decimal(struct lwm_cbor *c, struct lwm_number *out)
{
	struct lwm_cbor_item list = lwm_cbor_next(c), it[2];
	struct lwm_number n[2];
	int64_t exp10;

	if (list.kind != LWM_CBOR_ARRAY || (!list.indefinite && list.u != 2))
		return false;
	for (int i = 0; i < 2; i++) {
		it[i] = lwm_cbor_next(c);
		n[i] = number_of(&it[i]);
		if (it[i].kind != LWM_CBOR_INTEGER || !n[i].whole)
			return false;
	}
	if (list.indefinite && lwm_cbor_next(c).kind != LWM_CBOR_BREAK)
		return false;
	if (!lwm_number_to_int64(&n[0], &exp10))
		return false;
	*out = lwm_number_decimal(n[1].minus, n[1].magnitude, exp10);
	return true;
}

bool lwm_cbor_number(struct lwm_cbor *c, struct lwm_number *out)
{
	struct lwm_arrived v;

	lwm_cbor_value(c, &v);
	*out = v.number;
	return !c->err && v.kind == LWM_ARRIVED_NUMBER;
}

static void simple_value(const struct lwm_cbor_item *it, struct lwm_arrived *out)
{
	switch (it->kind) {
	case LWM_CBOR_INTEGER:
	case LWM_CBOR_FLOAT:
		out->kind = LWM_ARRIVED_NUMBER;
		out->number = number_of(it);
		break;
	case LWM_CBOR_BOOL:
		out->kind = LWM_ARRIVED_BOOL;
		out->b = it->b;
		break;
	case LWM_CBOR_BYTES:
		out->kind = LWM_ARRIVED_BYTES;
		out->bytes = it->s;
		break;
	case LWM_CBOR_TEXT:
		out->kind = LWM_ARRIVED_TEXT;
		out->bytes = it->s;
		break;
	case LWM_CBOR_NONE:
	case LWM_CBOR_NULL:
	case LWM_CBOR_UNDEFINED:
	case LWM_CBOR_ARRAY:
	case LWM_CBOR_MAP:
	case LWM_CBOR_TAG:
	case LWM_CBOR_BREAK:
	case LWM_CBOR_CHUNKS:
		break;
	}
}

/* What is behind `tag`. False if it is not what the tag promises, or a tag we do not know. */
static bool tagged_value(struct lwm_cbor *c, uint64_t tag, struct lwm_arrived *out)
{
	struct lwm_cbor_item it;
	int64_t s;

	if (tag == TAG_DECIMAL) {
		out->kind = LWM_ARRIVED_NUMBER;
		return decimal(c, &out->number);
	}
	if (tag != TAG_DATETIME && tag != TAG_EPOCH)
		return false;
	it = lwm_cbor_next(c);
	out->kind = LWM_ARRIVED_TIME;
	if (tag == TAG_EPOCH) {
		out->number = number_of(&it);
		return it.kind == LWM_CBOR_INTEGER || it.kind == LWM_CBOR_FLOAT;
	}
	if (it.kind != LWM_CBOR_TEXT || lwm_datetime_parse(it.s, &s))
		return false;
	out->number = lwm_number_integer(s < 0, s < 0 ? 0 - (uint64_t)s : (uint64_t)s);
	return true;
}

void lwm_cbor_value(struct lwm_cbor *c, struct lwm_arrived *out)
{
	size_t from = c->at, content;
	struct lwm_cbor_item it = lwm_cbor_next(c);

	*out = (struct lwm_arrived){0};
	content = c->at;
	if (it.kind == LWM_CBOR_BREAK) {
		lwm_cbor_fail(c, ERR_SYNTAX);
	} else if (it.kind == LWM_CBOR_ARRAY || it.kind == LWM_CBOR_MAP) {
		skip_from(c, from);
	} else if (it.kind == LWM_CBOR_TAG && !tagged_value(c, it.u, out)) {
		out->kind = LWM_ARRIVED_OTHER;
		skip_from(c, content);
	} else if (it.kind != LWM_CBOR_TAG) {
		simple_value(&it, out);
	}
	out->raw = span_sub(c->in, from, c->at - from);
}

enum err lwm_cbor_end(const struct lwm_cbor *c)
{
	if (c->err)
		return c->err;
	return c->at == c->in.n ? ERR_OK : ERR_SYNTAX;
}
