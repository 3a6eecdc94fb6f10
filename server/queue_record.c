/* SPDX-License-Identifier: Apache-2.0 */
/* What a queued operation asks for, and what came of it, as bytes in storage: exactly what was
 * given, since the device's version and formats are known only when it wakes. */
#include "server/queue.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* 2: with prefixes of devices behind a gateway, which 1 could not have. */
enum { VERSION_1 = 1, VERSION = 2, RECORD_BYTES = 48, HEAD_BYTES = 64 };

static bool has_bytes(enum lwm_type t)
{
	return t == LWM_STRING || t == LWM_OPAQUE || t == LWM_CORELNK;
}

static void wr_sized(struct writer *w, struct span s)
{
	wr_u32(w, (uint32_t)s.n);
	wr_bytes(w, s);
}

static struct span rd_sized(struct reader *r)
{
	uint32_t n = rd_u32(r);
	return rd_bytes(r, n);
}

static uint64_t bits_of(const struct lwm_value *v)
{
	uint64_t bits = v->u;
	switch (v->type) {
	case LWM_BOOLEAN:
		return v->b;
	case LWM_OBJLNK:
		return (uint64_t)v->link.oid << 16 | v->link.iid;
	case LWM_FLOAT:
		memcpy(&bits, &v->f, sizeof(bits));
		return bits;
	default:
		return bits;
	}
}

static void put_record(struct writer *w, const struct lwm_record *r)
{
	wr_u8(w, r->kind);
	wr_u8(w, (uint8_t)r->prefix.n);
	wr_bytes(w, r->prefix);
	wr_u8(w, r->path.n);
	for (int i = 0; i < 4; i++)
		wr_u16(w, i < r->path.n ? r->path.id[i] : 0);
	wr_u8(w, r->kind == LWM_RECORD_VALUE ? (uint8_t)r->value.type : LWM_NONE);
	if (r->kind != LWM_RECORD_VALUE || r->value.type == LWM_NONE)
		return;
	if (has_bytes(r->value.type))
		wr_sized(w, r->value.bytes);
	else
		wr_u64(w, bits_of(&r->value));
}

static void get_value(struct reader *r, struct lwm_value *v)
{
	if (v->type == LWM_NONE)
		return;
	if (has_bytes(v->type)) {
		v->bytes = rd_sized(r);
		return;
	}
	uint64_t bits = rd_u64(r);
	switch (v->type) {
	case LWM_BOOLEAN:
		v->b = bits != 0;
		return;
	case LWM_OBJLNK:
		v->link.oid = (uint16_t)(bits >> 16);
		v->link.iid = (uint16_t)bits;
		return;
	case LWM_FLOAT:
		memcpy(&v->f, &bits, sizeof(bits));
		return;
	default:
		v->u = bits;
	}
}

static void get_record(struct reader *r, uint8_t version, struct lwm_record *out)
{
	*out = (struct lwm_record){.kind = rd_u8(r)};
	if (version > VERSION_1)
		out->prefix = rd_bytes(r, rd_u8(r));
	out->path.n = rd_u8(r);
	for (int i = 0; i < 4; i++)
		out->path.id[i] = rd_u16(r);
	out->value.type = rd_u8(r);
	if (out->path.n > 4 || out->kind > LWM_RECORD_BAD || out->value.type > LWM_CORELNK)
		rd_fail(r, ERR_CORRUPT);
	else
		get_value(r, &out->value);
}

enum err srv_queue_pack(const struct srv_dm *d, uint8_t **out, size_t *out_n)
{
	size_t cap = HEAD_BYTES + d->arguments.n + d->attributes.n + d->record_n * RECORD_BYTES;
	for (size_t i = 0; i < d->record_n; i++) {
		cap += d->records[i].prefix.n;
		if (has_bytes(d->records[i].value.type))
			cap += d->records[i].value.bytes.n;
	}
	uint8_t *p = malloc(cap);
	if (!p)
		return ERR_NOMEM;
	struct writer w = wr_make(p, cap);
	wr_u8(&w, VERSION);
	wr_u32(&w, (uint32_t)d->content_format);
	wr_u8(&w, (uint8_t)d->depth);
	wr_sized(&w, d->arguments);
	wr_sized(&w, d->attributes);
	wr_u32(&w, (uint32_t)d->record_n);
	for (size_t i = 0; i < d->record_n; i++)
		put_record(&w, &d->records[i]);
	if (w.err) {
		secret_wipe(p, cap);
		free(p);
		return w.err;
	}
	*out = p;
	*out_n = w.n;
	return ERR_OK;
}

enum err srv_queue_unpack(struct span s, struct srv_dm *d, struct lwm_record **records)
{
	struct reader r = rd_make(s);
	*records = NULL;
	uint8_t version = rd_u8(&r);
	if (version != VERSION && version != VERSION_1)
		return ERR_CORRUPT;
	d->content_format = (int32_t)rd_u32(&r);
	d->depth = (int8_t)rd_u8(&r);
	d->arguments = rd_sized(&r);
	d->attributes = rd_sized(&r);
	size_t n = rd_u32(&r);
	if (r.err || n > rd_left(&r))
		return ERR_CORRUPT;
	struct lwm_record *v = n ? calloc(n, sizeof(*v)) : NULL;
	if (n && !v)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		get_record(&r, version, &v[i]);
	if (rd_end(&r)) {
		free(v);
		return ERR_CORRUPT;
	}
	d->records = *records = v;
	d->record_n = n;
	return ERR_OK;
}

/* ---- the outcome */

enum err srv_queue_pack_outcome(
	const struct effect_done *e, int64_t ended_wall_s, uint8_t **out, size_t *out_n)
{
	struct span type = span_str(e->type);
	size_t cap = HEAD_BYTES + type.n + e->detail.n + e->payload.n + e->location.n + e->alt.n;
	uint8_t *p = malloc(cap);
	if (!p)
		return ERR_NOMEM;
	struct writer w = wr_make(p, cap);
	wr_u8(&w, VERSION);
	wr_u64(&w, (uint64_t)ended_wall_s);
	wr_u16(&w, (uint16_t)e->status);
	wr_u8(&w, (uint8_t)(e->has_response | e->in_parts << 1));
	wr_u8(&w, e->code);
	wr_u32(&w, (uint32_t)e->content_format);
	wr_sized(&w, type);
	wr_sized(&w, e->detail);
	wr_sized(&w, e->payload);
	wr_sized(&w, e->location);
	wr_sized(&w, e->alt);
	*out = p;
	*out_n = w.n;
	return w.err;
}

enum err srv_queue_unpack_outcome(struct span s, struct srv_outcome *out)
{
	struct reader r = rd_make(s);
	*out = (struct srv_outcome){0};
	uint8_t version = rd_u8(&r); /* both have the same form */
	if (version != VERSION && version != VERSION_1)
		return ERR_CORRUPT;
	out->ended_wall_s = (int64_t)rd_u64(&r);
	out->done.status = rd_u16(&r);
	uint8_t flags = rd_u8(&r);
	out->done.has_response = flags & 1;
	out->done.in_parts = flags >> 1 & 1;
	out->done.code = rd_u8(&r);
	out->done.content_format = (int32_t)rd_u32(&r);
	struct span type = rd_sized(&r);
	out->done.detail = rd_sized(&r);
	out->done.payload = rd_sized(&r);
	out->done.location = rd_sized(&r);
	out->done.alt = rd_sized(&r);
	if (rd_end(&r) || span_to_str(type, out->type, sizeof(out->type)))
		return ERR_CORRUPT;
	out->done.type = type.n ? out->type : NULL;
	return ERR_OK;
}
