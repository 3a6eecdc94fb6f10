/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 110: SenML in JSON (RFC 8428 section 5; Core TS 7.5.6). */
#include "base/text.h"
#include "lwm2m/codec.h"
#include "lwm2m/json.h"
#include "lwm2m/senml.h"

/* A base name takes "bn":"", */
enum { BN_COST = 8 };

static const struct {
	const char *key;
	enum lwm_senml_label label;
} keys[] = {
	{"n", LWM_SENML_N},
	{"v", LWM_SENML_V},
	{"vs", LWM_SENML_VS},
	{"vb", LWM_SENML_VB},
	{"vd", LWM_SENML_VD},
	{"vlo", LWM_SENML_VLO},
	{"t", LWM_SENML_T},
	{"bn", LWM_SENML_BN},
	{"bt", LWM_SENML_BT},
	{"bv", LWM_SENML_BV},
	{"bver", LWM_SENML_BVER},
	{"u", LWM_SENML_UNUSED},
	{"s", LWM_SENML_UNUSED},
	{"ut", LWM_SENML_UNUSED},
	{"bu", LWM_SENML_UNUSED},
	{"bs", LWM_SENML_UNUSED},
};

static enum lwm_senml_label read_key(struct lwm_json *j)
{
	struct span key = lwm_json_name(j);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_eq_str(key, keys[i].key))
			return keys[i].label;
	if (lwm_senml_unknown(key))
		lwm_json_fail(j, ERR_SYNTAX);
	return LWM_SENML_UNKNOWN;
}

static enum err read_record(struct lwm_json *j, struct lwm_senml_reader *r)
{
	struct lwm_senml_fields f;
	size_t n = 0;

	f.seen = 0;
	lwm_json_open(j, '{');
	while (lwm_json_more(j, '}', &n)) {
		enum lwm_senml_label label = read_key(j);
		struct lwm_arrived *v;

		if (label == LWM_SENML_UNUSED || label == LWM_SENML_UNKNOWN) {
			lwm_json_skip(j);
			continue;
		}
		v = lwm_senml_field(&f, label);
		if (v)
			lwm_json_value(j, v);
		if (v && label == LWM_SENML_VD)
			lwm_json_base64(j, v);
		if (!v || lwm_senml_check(&f, label))
			lwm_json_fail(j, ERR_SYNTAX);
	}
	return j->err ? j->err : lwm_senml_record(r, &f);
}

static enum err read_records(struct lwm_json *j, struct lwm_senml_reader *r)
{
	size_t n = 0;

	lwm_json_open(j, '[');
	while (lwm_json_more(j, ']', &n)) {
		enum err e = read_record(j, r);

		if (e)
			return e;
	}
	if (n == 0 && !j->err)
		return lwm_json_end(j) ? ERR_SYNTAX : lwm_codec_empty(r->base, r->out, false);
	return lwm_json_end(j);
}

static enum err decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, bool etch, struct lwm_records *out)
{
	struct lwm_senml_reader r = lwm_senml_start(base, o, etch, out);
	struct lwm_json j = lwm_json_make(payload, out->arena);

	if (payload.n == 0)
		return lwm_senml_finish(&r, lwm_codec_empty(base, out, true));
	return lwm_senml_finish(&r, read_records(&j, &r));
}

static const char *key_of(enum lwm_senml_label label)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].label == label)
			return keys[i].key;
	return "";
}

static void wr_key(struct writer *w, enum lwm_senml_label label, bool first)
{
	wr_str(w, first ? "\"" : ",\"");
	wr_str(w, key_of(label));
	wr_str(w, "\":");
}

static void wr_content(struct writer *w, const struct lwm_record *r, bool first)
{
	if (r->kind == LWM_RECORD_VALUE) {
		wr_key(w, lwm_senml_label_of(r->value.type), first);
		lwm_wr_json_value(w, &r->value, true);
	} else if (r->kind == LWM_RECORD_DELETE) {
		wr_key(w, LWM_SENML_V, first);
		wr_str(w, "null");
	}
}

/* No character of a name needs an escape but those of an alternate path may. */
static void wr_record(struct writer *w, const struct lwm_senml_plan *p, size_t at)
{
	const struct lwm_record *r = &p->v[at];
	bool bn = p->bn && at == 0, bt = p->bt && at == 0, t = r->has_time && !p->bt;
	char text[LWM_SENML_NAME_MAX];
	struct writer name = wr_make(text, sizeof(text)), base = name;

	wr_u8(w, '{');
	if (bn) {
		lwm_senml_wr_base(p, &base);
		wr_key(w, LWM_SENML_BN, true);
		wr_json_string(w, wr_span(&base));
	}
	lwm_senml_wr_name(p, r, &name);
	if (name.n) {
		wr_key(w, LWM_SENML_N, !bn);
		wr_json_string(w, wr_span(&name));
	}
	if (bt || t) {
		wr_key(w, bt ? LWM_SENML_BT : LWM_SENML_T, !bn && !name.n);
		lwm_wr_json_seconds(w, lwm_senml_seconds(p, r->time_s));
	}
	wr_content(w, r, !bn && !name.n && !bt && !t);
	wr_u8(w, '}');
}

static enum err encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, bool etch, struct writer *w)
{
	struct lwm_senml_plan p;
	enum err e = lwm_senml_plan(v, n, base, o, BN_COST, etch, &p);

	if (e)
		return e;
	wr_u8(w, '[');
	for (size_t i = 0; i < p.n; i++) {
		if (i)
			wr_u8(w, ',');
		wr_record(w, &p, i);
	}
	wr_u8(w, ']');
	return w->err;
}

enum err lwm_senml_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	return decode(payload, base, o, false, out);
}

enum err lwm_senml_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	return encode(v, n, base, o, false, w);
}

enum err lwm_etch_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	return decode(payload, base, o, true, out);
}

enum err lwm_etch_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	return encode(v, n, base, o, true, w);
}
