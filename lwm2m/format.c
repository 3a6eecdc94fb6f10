/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/format.h"

#include "base/text.h"
#include "lwm2m/codec.h"

/* A row's place is its bit in lwm_object_list.formats: new rows go to the end. */
static const struct lwm_format formats[] = {
	{LWM_CF_TEXT, 1541, "text", true, lwm_text_decode, lwm_text_encode},
	{LWM_CF_LINK, 0, "link", false, NULL, NULL},
	{LWM_CF_OPAQUE, 0, "opaque", true, lwm_opaque_decode, lwm_opaque_encode},
	{LWM_CF_TLV, 1542, "tlv", false, lwm_tlv_decode, lwm_tlv_encode},
	{LWM_CF_SENML_JSON, 0, "senml-json", false, lwm_senml_json_decode, lwm_senml_json_encode},
	{LWM_CF_SENML_CBOR, 0, "senml-cbor", false, lwm_senml_cbor_decode, lwm_senml_cbor_encode},
	{LWM_CF_CBOR, 0, "cbor", true, lwm_cbor_decode, lwm_cbor_encode},
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

const struct lwm_format *lwm_format(uint32_t cf)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (cf == formats[i].cf || (formats[i].old_cf && cf == formats[i].old_cf))
			return &formats[i];
	return NULL;
}

const struct lwm_format *lwm_format_by_name(struct span name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (span_eq_str(name, formats[i].name))
			return &formats[i];
	return NULL;
}

const struct lwm_format *lwm_format_table(size_t *n)
{
	*n = FORMATS;
	return formats;
}

enum lwm_type lwm_codec_type(const struct lwm_codec_opts *o, const struct lwm_path *p)
{
	enum lwm_type t = o && o->type ? o->type(o->arg, p) : LWM_NONE;

	return t == LWM_NONE ? lwm_type_at(p) : t;
}

void lwm_record_bad(struct lwm_record *r, enum lwm_type wanted, struct span raw)
{
	r->kind = LWM_RECORD_BAD;
	r->value = (struct lwm_value){.type = wanted, .bytes = raw};
}

bool lwm_is_single(const struct lwm_record *v, size_t n)
{
	return n == 1 && v->kind == LWM_RECORD_VALUE && v->path.n >= 3 && !v->has_time;
}
