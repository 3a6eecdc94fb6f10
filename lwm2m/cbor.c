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

/* libcbor hands counts on as size_t: where that has 32 bits a longer one would be cut. Every
 * element takes a byte, so a count above what is left is false anyway. */
static bool count_too_large(struct span s)
{
	struct reader r = rd_make(s);
	uint8_t head = rd_u8(&r);

	return head >> 5 >= MAJOR_BYTES && head >> 5 <= MAJOR_MAP && rd_u64(&r) > s.n;
}

/* A failed reader is at its end. */
static void next_raw(struct lwm_cbor *c, struct lwm_cbor_item *out)
{
	struct span s = span_sub(c->in, c->at, c->in.n);
	struct cbor_decoder_result r = {.status = CBOR_DECODER_ERROR};

	out->kind = LWM_CBOR_NONE;
	if (s.n && ((s.p[0] & 0x1f) != LENGTH_64 || !count_too_large(s)))
		r = cbor_stream_decode(s.p, s.n, &callbacks, out);
	if (r.status == CBOR_DECODER_FINISHED) {
		c->at += r.read;
		return;
	}
	out->kind = LWM_CBOR_NONE;
	lwm_cbor_fail(c, ERR_SYNTAX);
}

/* Goes over chunks up to the break; appends them to w unless it is NULL. Their length. */
static size_t chunks(struct lwm_cbor *c, enum lwm_cbor_kind kind, struct writer *w)
{
	struct lwm_cbor_item it;
	size_t n = 0;

	for (next_raw(c, &it); it.kind == kind; next_raw(c, &it)) {
		n += it.s.n;
		if (w)
			wr_bytes(w, it.s);
	}
	if (it.kind != LWM_CBOR_BREAK)
		lwm_cbor_fail(c, ERR_SYNTAX);
	return n;
}

static void join(struct lwm_cbor *c, enum lwm_cbor_kind kind, struct lwm_cbor_item *out)
{
	size_t from = c->at, n = chunks(c, kind, NULL);
	struct writer w;

	out->kind = LWM_CBOR_NONE;
	if (c->err)
		return;
	w = wr_make(arena_alloc(c->arena, n), n);
	if (!w.p) {
		lwm_cbor_fail(c, ERR_NOMEM);
		return;
	}
	c->at = from;
	chunks(c, kind, &w);
	out->kind = kind;
	out->s = wr_span(&w);
}

/* What the string whose first chunk is in front, behind its head, consists of. */
static enum lwm_cbor_kind kind_of_chunks(const struct lwm_cbor *c)
{
	return c->in.p[c->at - 1] >> 5 == MAJOR_BYTES ? LWM_CBOR_BYTES : LWM_CBOR_TEXT;
}

void lwm_cbor_next(struct lwm_cbor *c, struct lwm_cbor_item *out)
{
	next_raw(c, out);
	if (out->kind == LWM_CBOR_CHUNKS)
		join(c, kind_of_chunks(c), out);
}

struct lwm_cbor_list lwm_cbor_open(struct lwm_cbor *c, enum lwm_cbor_kind kind)
{
	struct lwm_cbor_item it;

	lwm_cbor_next(c, &it);
	if (it.kind == kind)
		return (struct lwm_cbor_list){it.indefinite, it.u};
	lwm_cbor_fail(c, ERR_SYNTAX);
	return (struct lwm_cbor_list){0};
}

bool lwm_cbor_more_open(struct lwm_cbor *c)
{
	if (c->at == c->in.n || c->in.p[c->at] != BREAK)
		return true;
	c->at++;
	return false;
}

static void skip(struct lwm_cbor *c, int depth);

static void skip_elements(struct lwm_cbor *c, const struct lwm_cbor_item *it, int depth)
{
	struct lwm_cbor_list l = {it->indefinite, it->u};

	while (lwm_cbor_more(c, &l)) {
		skip(c, depth + 1);
		if (it->kind == LWM_CBOR_MAP)
			skip(c, depth + 1);
	}
}

static void skip(struct lwm_cbor *c, int depth)
{
	struct lwm_cbor_item it;

	next_raw(c, &it);
	if (depth == LWM_CBOR_DEPTH_MAX || it.kind == LWM_CBOR_BREAK)
		lwm_cbor_fail(c, ERR_SYNTAX);
	else if (it.kind == LWM_CBOR_CHUNKS)
		chunks(c, kind_of_chunks(c), NULL);
	else if (it.kind == LWM_CBOR_TAG)
		skip(c, depth + 1);
	else if (it.kind == LWM_CBOR_ARRAY || it.kind == LWM_CBOR_MAP)
		skip_elements(c, &it, depth);
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

static bool next_integer(struct lwm_cbor *c, struct lwm_number *out)
{
	struct lwm_cbor_item it;

	lwm_cbor_next(c, &it);
	if (it.kind != LWM_CBOR_INTEGER)
		return false;
	*out = number_of(&it);
	return out->whole;
}

/* What is behind tag 4: [exponent, mantissa], both integers of 64 bits. */
static bool decimal(struct lwm_cbor *c, struct lwm_number *out)
{
	struct lwm_cbor_item list, end;
	struct lwm_number exponent, mantissa;
	int64_t exp10;

	lwm_cbor_next(c, &list);
	if (list.kind != LWM_CBOR_ARRAY || (!list.indefinite && list.u != 2))
		return false;
	if (!next_integer(c, &exponent) || !next_integer(c, &mantissa))
		return false;
	if (list.indefinite) {
		lwm_cbor_next(c, &end);
		if (end.kind != LWM_CBOR_BREAK)
			return false;
	}
	if (!lwm_number_to_int64(&exponent, &exp10))
		return false;
	*out = lwm_number_decimal(mantissa.minus, mantissa.magnitude, exp10);
	return true;
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
	lwm_cbor_next(c, &it);
	out->kind = LWM_ARRIVED_TIME;
	if (tag == TAG_EPOCH) {
		if (it.kind != LWM_CBOR_INTEGER && it.kind != LWM_CBOR_FLOAT)
			return false;
		out->number = number_of(&it);
		return true;
	}
	if (it.kind != LWM_CBOR_TEXT || lwm_datetime_parse(it.s, &s))
		return false;
	out->number = lwm_number_integer(s < 0, s < 0 ? 0 - (uint64_t)s : (uint64_t)s);
	return true;
}

void lwm_cbor_value(struct lwm_cbor *c, struct lwm_arrived *out)
{
	size_t from = c->at, content;
	struct lwm_cbor_item it;

	lwm_cbor_next(c, &it);
	out->kind = LWM_ARRIVED_OTHER;
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
