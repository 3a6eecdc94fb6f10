/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/format.h"

#include "base/text.h"
#include "lwm2m/codec.h"

/* A row's place is its bit in lwm_object_list.formats: new rows go to the end. */
static const struct lwm_format formats[] = {
	{LWM_CF_TEXT, 1541, "text", true, false, lwm_text_decode, lwm_text_encode},
	{LWM_CF_LINK, 0, "link", false, false, NULL, NULL},
	{LWM_CF_OPAQUE, 0, "opaque", true, false, lwm_opaque_decode, lwm_opaque_encode},
	{LWM_CF_TLV, 1542, "tlv", false, false, lwm_tlv_decode, lwm_tlv_encode},
	{LWM_CF_SENML_JSON, 0, "senml-json", false, false, lwm_senml_json_decode,
		lwm_senml_json_encode},
	{LWM_CF_SENML_CBOR, 0, "senml-cbor", false, false, lwm_senml_cbor_decode,
		lwm_senml_cbor_encode},
	{LWM_CF_CBOR, 0, "cbor", true, false, lwm_cbor_decode, lwm_cbor_encode},
	{LWM_CF_LWM2M_CBOR, 0, "lwm2m-cbor", false, false, lwm_lwm2m_cbor_decode,
		lwm_lwm2m_cbor_encode},
	{LWM_CF_JSON, 1543, "oma-json", false, false, lwm_oma_json_decode, lwm_oma_json_encode},
	{LWM_CF_ETCH_JSON, 0, "senml-etch-json", false, true, lwm_etch_json_decode,
		lwm_etch_json_encode},
	{LWM_CF_ETCH_CBOR, 0, "senml-etch-cbor", false, true, lwm_etch_cbor_decode,
		lwm_etch_cbor_encode},
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

enum lwm_type lwm_codec_type_of(
	const struct lwm_codec_opts *o, struct span prefix, const struct lwm_path *p)
{
	enum lwm_type t = o && o->type ? o->type(o->arg, p) : LWM_NONE;
	struct lwm_versions versions;
	const struct lwm_resource *r;

	if (t != LWM_NONE)
		return t;
	versions = lwm_versions_of(o ? &o->versions : NULL, prefix);
	r = lwm_resource_of(&versions, p);
	return r ? r->type : LWM_NONE;
}

enum lwm_type lwm_codec_type(const struct lwm_codec_opts *o, const struct lwm_path *p)
{
	return lwm_codec_type_of(o, SPAN_EMPTY, p);
}

void lwm_record_bad(struct lwm_record *r, enum lwm_type wanted, struct span raw)
{
	r->kind = LWM_RECORD_BAD;
	r->value = (struct lwm_value){.type = wanted, .bytes = raw};
}

enum err lwm_codec_empty(const struct lwm_path *base, struct lwm_records *out, bool no_bytes)
{
	const struct lwm_resource *m = base->n == 3 ? lwm_resource_of(NULL, base) : NULL;
	struct lwm_record *r;

	if (base->n < 2)
		return ERR_OK;
	if (base->n == 4 || (m && !m->multiple) || (base->n == 3 && !m && no_bytes))
		return ERR_SYNTAX;
	r = lwm_records_add(out);
	if (!r)
		return out->err;
	r->kind = base->n == 2 ? LWM_RECORD_INSTANCE : LWM_RECORD_MULTIPLE;
	r->path = *base;
	return ERR_OK;
}

int lwm_record_cmp(const struct lwm_record *a, const struct lwm_record *b)
{
	int c = a->prefix.n || b->prefix.n ? span_cmp(a->prefix, b->prefix) : 0;

	return c ? c : lwm_path_cmp(&a->path, &b->path);
}

bool lwm_is_single(const struct lwm_record *v, size_t n)
{
	return n == 1 && v->kind == LWM_RECORD_VALUE && v->path.n >= 3 && !v->has_time &&
	       !v->prefix.n;
}
