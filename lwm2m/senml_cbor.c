/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 112: SenML in CBOR (RFC 8428 section 6; Core TS 7.5.7). */
#include "base/text.h"
#include "lwm2m/cbor.h"
#include "lwm2m/codec.h"
#include "lwm2m/senml.h"

/* A base name takes its key and the head of its text. */
enum { BN_COST = 2 };

/* The labels by key, from -6 to 8 (RFC 8428 table 4). */
enum { KEY_LEAST = -6, KEYS = 15 };
static const uint8_t labels[KEYS] = {
	[0 - KEY_LEAST] = LWM_SENML_N,
	[1 - KEY_LEAST] = LWM_SENML_UNUSED,
	[2 - KEY_LEAST] = LWM_SENML_V,
	[3 - KEY_LEAST] = LWM_SENML_VS,
	[4 - KEY_LEAST] = LWM_SENML_VB,
	[5 - KEY_LEAST] = LWM_SENML_UNUSED,
	[6 - KEY_LEAST] = LWM_SENML_T,
	[7 - KEY_LEAST] = LWM_SENML_UNUSED,
	[8 - KEY_LEAST] = LWM_SENML_VD,
	[-1 - KEY_LEAST] = LWM_SENML_BVER,
	[-2 - KEY_LEAST] = LWM_SENML_BN,
	[-3 - KEY_LEAST] = LWM_SENML_BT,
	[-4 - KEY_LEAST] = LWM_SENML_UNUSED,
	[-5 - KEY_LEAST] = LWM_SENML_BV,
	[-6 - KEY_LEAST] = LWM_SENML_UNUSED,
};

static enum lwm_senml_label label_of_integer(const struct lwm_cbor_item *key)
{
	uint64_t at =
		key->minus ? (uint64_t)-KEY_LEAST - 1 - key->u : (uint64_t)-KEY_LEAST + key->u;

	if (key->u >= KEYS || at >= KEYS)
		return LWM_SENML_UNKNOWN;
	return (enum lwm_senml_label)labels[at];
}

static enum lwm_senml_label read_key(struct lwm_cbor *c)
{
	struct lwm_cbor_item key;

	lwm_cbor_next(c, &key);
	if (key.kind == LWM_CBOR_INTEGER)
		return label_of_integer(&key);
	if (key.kind != LWM_CBOR_TEXT || lwm_senml_unknown(key.s)) {
		lwm_cbor_fail(c, ERR_SYNTAX);
		return LWM_SENML_UNKNOWN;
	}
	return span_eq_str(key.s, "vlo") ? LWM_SENML_VLO : LWM_SENML_UNKNOWN;
}

/* Half of all items are names. */
static void read_text(struct lwm_cbor *c, struct lwm_arrived *out)
{
	struct lwm_cbor_item it;

	lwm_cbor_next(c, &it);
	out->kind = it.kind == LWM_CBOR_TEXT ? LWM_ARRIVED_TEXT : LWM_ARRIVED_OTHER;
	if (it.kind == LWM_CBOR_TEXT)
		out->bytes = it.s;
}

static enum err read_record(struct lwm_cbor *c, struct lwm_senml_reader *r)
{
	struct lwm_senml_fields f;
	struct lwm_cbor_list map = lwm_cbor_open(c, LWM_CBOR_MAP);

	f.seen = 0;
	while (lwm_cbor_more(c, &map)) {
		enum lwm_senml_label label = read_key(c);
		struct lwm_arrived *v;

		if (label == LWM_SENML_UNUSED || label == LWM_SENML_UNKNOWN) {
			lwm_cbor_skip(c);
			continue;
		}
		v = lwm_senml_field(&f, label);
		if (v && (label == LWM_SENML_N || label == LWM_SENML_BN))
			read_text(c, v);
		else if (v)
			lwm_cbor_value(c, v);
		if (!v || lwm_senml_check(&f, label))
			lwm_cbor_fail(c, ERR_SYNTAX);
	}
	return c->err ? c->err : lwm_senml_record(r, &f);
}

static enum err read_records(struct lwm_cbor *c, struct lwm_senml_reader *r)
{
	struct lwm_cbor_list array = lwm_cbor_open(c, LWM_CBOR_ARRAY);
	size_t n = 0;

	for (; lwm_cbor_more(c, &array); n++) {
		enum err e = read_record(c, r);

		if (e)
			return e;
	}
	if (n == 0 && !c->err)
		return lwm_cbor_end(c) ? ERR_SYNTAX : lwm_codec_empty(r->base, r->out, false);
	return lwm_cbor_end(c);
}

static enum err decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, bool etch, struct lwm_records *out)
{
	struct lwm_senml_reader r = lwm_senml_start(base, o, etch, out);
	struct lwm_cbor c = lwm_cbor_make(payload, out->arena);

	if (payload.n == 0)
		return lwm_senml_finish(&r, lwm_codec_empty(base, out, true));
	return lwm_senml_finish(&r, read_records(&c, &r));
}

static void wr_key(struct writer *w, enum lwm_senml_label label)
{
	int key = 0;

	if (label == LWM_SENML_VLO) {
		lwm_wr_cbor_text(w, SPAN_LIT("vlo"));
		return;
	}
	while (key < KEYS && labels[key] != label)
		key++;
	lwm_wr_cbor_int(w, key + KEY_LEAST);
}

static void wr_seconds(struct writer *w, double s)
{
	struct lwm_number n = lwm_number_double(s);
	int64_t whole;

	if (lwm_number_to_int64(&n, &whole))
		lwm_wr_cbor_int(w, whole);
	else
		lwm_wr_cbor_float(w, s, true);
}

static void wr_text(struct writer *w, enum lwm_senml_label label, const struct writer *text)
{
	wr_key(w, label);
	lwm_wr_cbor_text(w, wr_span(text));
}

static void wr_content(struct writer *w, const struct lwm_record *r)
{
	if (r->kind == LWM_RECORD_VALUE) {
		wr_key(w, lwm_senml_label_of(r->value.type));
		lwm_wr_cbor_value(w, &r->value, true);
	} else if (r->kind == LWM_RECORD_DELETE) {
		wr_key(w, LWM_SENML_V);
		lwm_wr_cbor_null(w);
	}
}

static void wr_record(struct writer *w, const struct lwm_senml_plan *p, size_t at)
{
	const struct lwm_record *r = &p->v[at];
	bool bn = p->bn && at == 0, bt = p->bt && at == 0, t = r->has_time && !p->bt;
	char base_text[LWM_SENML_NAME_MAX], name_text[LWM_SENML_NAME_MAX];
	struct writer base = wr_make(base_text, sizeof(base_text));
	struct writer name = wr_make(name_text, sizeof(name_text));

	lwm_senml_wr_name(p, r, &name);
	lwm_wr_cbor_map(w, (size_t)bn + bt + t + (name.n > 0) + (r->kind != LWM_RECORD_NAME));
	if (bn) {
		lwm_senml_wr_base(p, &base);
		wr_text(w, LWM_SENML_BN, &base);
	}
	if (bt || t) {
		wr_key(w, bt ? LWM_SENML_BT : LWM_SENML_T);
		wr_seconds(w, lwm_senml_seconds(p, r->time_s));
	}
	if (name.n)
		wr_text(w, LWM_SENML_N, &name);
	wr_content(w, r);
}

static enum err encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, bool etch, struct writer *w)
{
	struct lwm_senml_plan p;
	enum err e = lwm_senml_plan(v, n, base, o, BN_COST, etch, &p);

	if (e)
		return e;
	lwm_wr_cbor_array(w, p.n);
	for (size_t i = 0; i < p.n; i++)
		wr_record(w, &p, i);
	return w->err;
}

enum err lwm_senml_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	return decode(payload, base, o, false, out);
}

enum err lwm_senml_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	return encode(v, n, base, o, false, w);
}

enum err lwm_etch_cbor_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	return decode(payload, base, o, true, out);
}

enum err lwm_etch_cbor_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	return encode(v, n, base, o, true, w);
}
