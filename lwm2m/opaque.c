/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 42: the bytes of one opaque value (FMT-41). */
#include "lwm2m/codec.h"

enum err lwm_opaque_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	enum lwm_type wanted;
	struct lwm_record *r;

	if (base->n < 3)
		return ERR_SYNTAX;
	wanted = lwm_codec_type(o, base);
	r = lwm_records_add(out);
	if (!r)
		return out->err;
	r->path = *base;
	if (wanted == LWM_OPAQUE || wanted == LWM_NONE)
		r->value = (struct lwm_value){.type = LWM_OPAQUE, .bytes = payload};
	else
		lwm_record_bad(r, wanted, payload);
	return ERR_OK;
}

enum err lwm_opaque_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	(void)base;
	(void)o;
	if (!lwm_is_single(v, n) || v->value.type != LWM_OPAQUE)
		return ERR_UNSUPPORTED;
	wr_bytes(w, v->value.bytes);
	return w->err;
}
