/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 60: one value as CBOR (FMT-36, FMT-33). */
#include "lwm2m/cbor.h"
#include "lwm2m/codec.h"

#include "base/text.h"

enum err lwm_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	struct lwm_cbor c = lwm_cbor_make(payload, out->arena);
	struct lwm_arrived arrived;
	struct lwm_value v;
	struct lwm_record *r;
	enum err e;

	if (base->n < 3)
		return ERR_SYNTAX;
	lwm_cbor_value(&c, &arrived);
	e = lwm_cbor_end(&c);
	if (e)
		return e;
	r = lwm_records_add(out);
	if (!r)
		return out->err;
	r->path = *base;
	if (lwm_arrived_fit(&arrived, lwm_codec_type(o, base), &v))
		r->value = v;
	else
		lwm_record_bad(r, v.type, payload);
	return ERR_OK;
}

enum err lwm_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	(void)base;
	(void)o;
	if (!lwm_is_single(v, n))
		return ERR_UNSUPPORTED;
	if ((v->value.type == LWM_STRING || v->value.type == LWM_CORELNK) &&
		!utf8_valid(v->value.bytes))
		return ERR_UNSUPPORTED;
	/* As in TLV floats are doubles: readers in the field expect one width. */
	lwm_wr_cbor_value(w, &v->value, false);
	return w->err;
}
