/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 11542, reading (FMT-10 to FMT-14; Core TS 7.5.5). */
#include "lwm2m/tlv.h"

#include "base/text.h"
#include "lwm2m/codec.h"

#include <string.h>

struct item {
	enum tlv_kind kind;
	uint16_t id;
	struct span val;
};

/* The ids met among siblings; a repeat is an error. */
struct id_set {
	uint64_t bits[65536 / 64];
};

struct decoder {
	const struct lwm_codec_opts *opts;
	struct lwm_records *out;
};

static bool id_set_add(struct id_set *s, uint16_t id)
{
	uint64_t bit = (uint64_t)1 << (id % 64);

	if (s->bits[id / 64] & bit)
		return false;
	s->bits[id / 64] |= bit;
	return true;
}

/* Non-minimal lengths and ids are read; bits 2-0 count only where no length field follows. */
static struct item read_item(struct reader *r, struct id_set *seen)
{
	uint8_t type = rd_u8(r);
	size_t length_n = type >> 3 & 3;
	struct item it = {.kind = type >> 6};
	size_t n;

	it.id = type & 0x20 ? rd_u16(r) : rd_u8(r);
	n = length_n ? (size_t)rd_uint(r, length_n) : type & 7U;
	it.val = rd_bytes(r, n);
	if (it.id == LWM_ID_NONE || (!r->err && !id_set_add(seen, it.id)))
		rd_fail(r, ERR_SYNTAX);
	return it;
}

static bool read_number(struct span raw, uint64_t *out)
{
	struct reader r = rd_make(raw);

	if (raw.n != 1 && raw.n != 2 && raw.n != 4 && raw.n != 8)
		return false;
	*out = rd_uint(&r, raw.n);
	return true;
}

static bool read_signed(struct span raw, int64_t *out)
{
	uint64_t u;

	if (!read_number(raw, &u))
		return false;
	switch (raw.n) {
	case 1:
		*out = (int8_t)u;
		break;
	case 2:
		*out = (int16_t)u;
		break;
	case 4:
		*out = (int32_t)u;
		break;
	default:
		*out = (int64_t)u;
		break;
	}
	return true;
}

static bool read_float(struct span raw, double *out)
{
	uint64_t u;
	uint32_t u32;
	float f;

	if (raw.n < 4 || !read_number(raw, &u))
		return false;
	if (raw.n == 8) {
		memcpy(out, &u, sizeof(*out));
		return true;
	}
	u32 = (uint32_t)u;
	memcpy(&f, &u32, sizeof(f));
	*out = (double)f;
	return true;
}

static bool read_objlnk(struct span raw, struct lwm_value *v)
{
	struct reader r = rd_make(raw);

	v->link.oid = rd_u16(&r);
	v->link.iid = rd_u16(&r);
	return rd_end(&r) == ERR_OK;
}

/* False if `raw` is no value of v->type (FMT-13). */
static bool read_value(struct span raw, struct lwm_value *v)
{
	switch (v->type) {
	case LWM_NONE:
	case LWM_OPAQUE:
		v->type = LWM_OPAQUE;
		v->bytes = raw;
		return true;
	case LWM_STRING:
	case LWM_CORELNK:
		v->bytes = raw;
		return utf8_valid(raw);
	case LWM_INTEGER:
	case LWM_TIME:
		return read_signed(raw, &v->i);
	case LWM_UNSIGNED:
		return read_number(raw, &v->u);
	case LWM_FLOAT:
		return read_float(raw, &v->f);
	case LWM_BOOLEAN:
		v->b = raw.n == 1 && raw.p[0] == 1;
		return raw.n == 1 && raw.p[0] <= 1;
	case LWM_OBJLNK:
		return read_objlnk(raw, v);
	}
	return false;
}

static struct lwm_path below(const struct lwm_path *p, uint16_t id)
{
	struct lwm_path q = *p;

	q.id[q.n++] = id;
	return q;
}

static enum err add_empty(struct decoder *d, enum lwm_record_kind kind, const struct lwm_path *path)
{
	struct lwm_record *r = lwm_records_add(d->out);

	if (!r)
		return d->out->err;
	r->kind = kind;
	r->path = *path;
	return ERR_OK;
}

static enum err add_value(struct decoder *d, const struct lwm_path *path, struct span raw)
{
	struct lwm_value v = {.type = lwm_codec_type(d->opts, path)};
	enum lwm_type wanted = v.type;
	struct lwm_record *r = lwm_records_add(d->out);

	if (!r)
		return d->out->err;
	r->path = *path;
	if (read_value(raw, &v))
		r->value = v;
	else
		lwm_record_bad(r, wanted, raw);
	return ERR_OK;
}

/* The entries of the multiple Resource at `path`. */
static enum err decode_entries(struct decoder *d, const struct lwm_path *path, struct span body)
{
	struct id_set seen = {0};
	struct reader r = rd_make(body);

	if (body.n == 0)
		return add_empty(d, LWM_RECORD_MULTIPLE, path);
	while (rd_left(&r)) {
		struct item it = read_item(&r, &seen);
		struct lwm_path entry = below(path, it.id);
		enum err e =
			it.kind == TLV_ENTRY && !r.err ? add_value(d, &entry, it.val) : ERR_SYNTAX;

		if (e)
			return e;
	}
	return rd_end(&r);
}

/* The Resources of the Object Instance at `path`. */
static enum err decode_resources(struct decoder *d, const struct lwm_path *path, struct span body)
{
	struct id_set seen = {0};
	struct reader r = rd_make(body);

	if (body.n == 0)
		return add_empty(d, LWM_RECORD_INSTANCE, path);
	while (rd_left(&r)) {
		struct item it = read_item(&r, &seen);
		struct lwm_path resource = below(path, it.id);
		enum err e = ERR_SYNTAX;

		if (r.err)
			return ERR_SYNTAX;
		if (it.kind == TLV_RESOURCE)
			e = add_value(d, &resource, it.val);
		else if (it.kind == TLV_MULTIPLE)
			e = decode_entries(d, &resource, it.val);
		if (e)
			return e;
	}
	return rd_end(&r);
}

static enum err decode_instances(struct decoder *d, const struct lwm_path *path, struct span body)
{
	struct id_set seen = {0};
	struct reader r = rd_make(body);

	while (rd_left(&r)) {
		struct item it = read_item(&r, &seen);
		struct lwm_path instance = below(path, it.id);
		enum err e = it.kind == TLV_INSTANCE && !r.err
				     ? decode_resources(d, &instance, it.val)
				     : ERR_SYNTAX;

		if (e)
			return e;
	}
	return rd_end(&r);
}

/* The Object Instance of Resources that come without one: the requested one, else that of a
 * single-instance (or unknown) object. In a Create of a multiple-instance object the receiver
 * chooses (DM-13): LWM_ID_NONE. */
static struct lwm_path bare_instance(const struct lwm_path *base)
{
	const struct lwm_object *o = lwm_object(base->id[0]);

	if (base->n >= 2)
		return (struct lwm_path){.n = 2, .id = {base->id[0], base->id[1]}};
	return (struct lwm_path){.n = 2, .id = {base->id[0], o && o->multiple ? LWM_ID_NONE : 0}};
}

static enum err decode_empty(struct decoder *d, const struct lwm_path *base)
{
	const struct lwm_resource *r;

	if (base->n == 1)
		return ERR_OK;
	if (base->n == 2)
		return add_empty(d, LWM_RECORD_INSTANCE, base);
	r = base->n == 3 ? lwm_resource(base->id[0], base->id[2]) : NULL;
	return r && r->multiple ? add_empty(d, LWM_RECORD_MULTIPLE, base) : ERR_SYNTAX;
}

/* Readers take more levels than the request needs, and bare entries (FMT-12, CT-83). */
static enum err decode_any(struct decoder *d, const struct lwm_path *base, struct span payload)
{
	struct lwm_path top = {.n = 1, .id = {base->id[0]}};

	if (base->n == 0)
		return ERR_SYNTAX;
	if (payload.n == 0)
		return decode_empty(d, base);
	switch ((enum tlv_kind)(payload.p[0] >> 6)) {
	case TLV_INSTANCE:
		return decode_instances(d, &top, payload);
	case TLV_RESOURCE:
	case TLV_MULTIPLE:
		top = bare_instance(base);
		return decode_resources(d, &top, payload);
	case TLV_ENTRY:
		if (base->n < 3)
			return ERR_SYNTAX;
		top = *base;
		top.n = 3;
		return decode_entries(d, &top, payload);
	}
	return ERR_SYNTAX;
}

enum err lwm_tlv_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	struct decoder d = {o, out};
	size_t before = out->n;
	enum err e = decode_any(&d, base, payload);

	for (size_t i = before; i < out->n && !e; i++)
		if (!lwm_path_under(&out->v[i].path, base))
			e = ERR_SYNTAX;
	if (!e)
		return ERR_OK;
	out->n = before;
	return out->err ? out->err : ERR_SYNTAX;
}
