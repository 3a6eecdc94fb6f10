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

/* FMT-23: either alphabet, with or without padding. */
static void undo_base64(struct lwm_json *j, struct lwm_arrived *v)
{
	size_t cap = v->bytes.n / 4 * 3 + 3;
	struct writer w;

	if (v->kind != LWM_ARRIVED_TEXT || j->err) {
		v->kind = LWM_ARRIVED_OTHER;
		return;
	}
	w = wr_make(arena_alloc(j->arena, cap), cap);
	if (!w.p)
		lwm_json_fail(j, ERR_NOMEM);
	v->kind = w.p && base64_decode(v->bytes, &w) == ERR_OK ? LWM_ARRIVED_BYTES
							       : LWM_ARRIVED_OTHER;
	v->bytes = wr_span(&w);
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
			undo_base64(j, v);
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
		return lwm_json_end(j) ? ERR_SYNTAX : lwm_senml_empty(r, false);
	return lwm_json_end(j);
}

enum err lwm_senml_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	struct lwm_senml_reader r = lwm_senml_start(base, o, out);
	struct lwm_json j = lwm_json_make(payload, out->arena);

	if (payload.n == 0)
		return lwm_senml_finish(&r, lwm_senml_empty(&r, true));
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

static void wr_seconds(struct writer *w, double s)
{
	struct lwm_number n = lwm_number_double(s);
	int64_t whole;

	if (lwm_number_to_int64(&n, &whole))
		wr_fmt(w, "%lld", (long long)whole);
	else
		lwm_wr_double(w, s);
}

static void wr_value(struct writer *w, const struct lwm_value *v)
{
	switch (v->type) {
	case LWM_NONE:
		w->err = w->err ? w->err : ERR_UNSUPPORTED;
		break;
	case LWM_STRING:
	case LWM_CORELNK:
		wr_json_string(w, v->bytes);
		break;
	case LWM_INTEGER:
	case LWM_TIME:
		wr_fmt(w, "%lld", (long long)v->i);
		break;
	case LWM_UNSIGNED:
		wr_fmt(w, "%llu", (unsigned long long)v->u);
		break;
	case LWM_FLOAT:
		lwm_wr_double(w, v->f);
		break;
	case LWM_BOOLEAN:
		wr_str(w, v->b ? "true" : "false");
		break;
	case LWM_OPAQUE:
		wr_u8(w, '"');
		wr_base64url(w, v->bytes);
		wr_u8(w, '"');
		break;
	case LWM_OBJLNK:
		wr_fmt(w, "\"%u:%u\"", v->link.oid, v->link.iid);
		break;
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
	lwm_senml_wr_name(p, &r->path, &name);
	if (name.n) {
		wr_key(w, LWM_SENML_N, !bn);
		wr_json_string(w, wr_span(&name));
	}
	if (bt || t) {
		wr_key(w, bt ? LWM_SENML_BT : LWM_SENML_T, !bn && !name.n);
		wr_seconds(w, lwm_senml_seconds(p, r->time_s));
	}
	wr_key(w, lwm_senml_label_of(r->value.type), !bn && !name.n && !bt && !t);
	wr_value(w, &r->value);
	wr_u8(w, '}');
}

enum err lwm_senml_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	struct lwm_senml_plan p;
	enum err e = lwm_senml_plan(v, n, base, o, BN_COST, &p);

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
