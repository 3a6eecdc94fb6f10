/* SPDX-License-Identifier: Apache-2.0 */
/* Content format 11543: the JSON of LwM2M 1.0 (Core TS 1.0.2 6.4.4; FMT-43). One object with a base
 * name, a base time and the entries; else it is much like SenML, whose reader and plan serve. */
#include "base/text.h"
#include "lwm2m/codec.h"
#include "lwm2m/json.h"
#include "lwm2m/senml.h"

/* A base name takes "bn":"",. */
enum { BN_COST = 8 };

static const struct {
	const char *key;
	enum lwm_senml_label label;
} keys[] = {
	{"n", LWM_SENML_N},
	{"v", LWM_SENML_V},
	{"sv", LWM_SENML_VS},
	{"bv", LWM_SENML_VB},
	{"ov", LWM_SENML_VLO},
	{"t", LWM_SENML_T},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static enum lwm_senml_label read_key(struct lwm_json *j)
{
	struct span key = lwm_json_name(j);

	for (size_t i = 0; i < KEYS; i++)
		if (span_eq_str(key, keys[i].key))
			return keys[i].label;
	return LWM_SENML_UNKNOWN;
}

/* Where the entries begin, and the fields beside them, which may stand behind. */
struct head {
	struct lwm_senml_fields base; /* bn and bt */
	size_t entries;
	bool has_entries;
};

static void read_base(struct lwm_json *j, struct head *h, enum lwm_senml_label label)
{
	struct lwm_arrived *v = lwm_senml_field(&h->base, label);

	if (v)
		lwm_json_value(j, v);
	if (!v || lwm_senml_check(&h->base, label))
		lwm_json_fail(j, ERR_SYNTAX);
}

static enum err read_head(struct lwm_json *j, struct head *h)
{
	size_t n = 0;

	lwm_json_open(j, '{');
	while (lwm_json_more(j, '}', &n)) {
		struct span key = lwm_json_name(j);

		if (span_eq_str(key, "bn")) {
			read_base(j, h, LWM_SENML_BN);
		} else if (span_eq_str(key, "bt")) {
			read_base(j, h, LWM_SENML_BT);
		} else {
			bool entries = span_eq_str(key, "e");

			if (entries && h->has_entries)
				lwm_json_fail(j, ERR_SYNTAX);
			if (entries)
				h->entries = j->at;
			h->has_entries |= entries;
			lwm_json_skip(j);
		}
	}
	if (lwm_json_end(j))
		return j->err ? j->err : ERR_SYNTAX;
	return h->has_entries ? ERR_OK : ERR_SYNTAX;
}

/* Without a base name a name is from the root, or, without a slash too, what was asked for stands
 * in front. */
static enum err name_in_full(
	struct lwm_senml_reader *r, const struct lwm_senml_fields *entry, struct span *out)
{
	struct span n = entry->seen & 1u << LWM_SENML_N ? entry->v[LWM_SENML_N].bytes : SPAN_EMPTY;
	char text[LWM_PATH_TEXT_MAX + 1];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_path p;
	enum err e = ERR_OK;

	*out = SPAN_EMPTY;
	if (n.n && (n.p[0] == '/' || (!lwm_path_parse(n, &p) && lwm_path_under(&p, r->base))))
		return ERR_OK;
	wr_path(&w, r->base);
	if (n.n && r->base->n)
		wr_u8(&w, '/');
	*out = arena_dup(r->out->arena, wr_span(&w), &e);
	return e;
}

static void put_base(struct lwm_senml_fields *f, enum lwm_senml_label label, struct lwm_arrived v)
{
	struct lwm_arrived *at = lwm_senml_field(f, label);

	if (at)
		*at = v;
}

/* What is opaque comes as a string in base64. */
static void undo_opaque(
	struct lwm_senml_reader *r, struct lwm_json *j, const struct lwm_senml_fields *f)
{
	struct lwm_record *last = &r->out->v[r->out->n - 1];
	struct lwm_arrived v = f->v[LWM_SENML_VS];

	if (last->kind != LWM_RECORD_BAD || last->value.type != LWM_OPAQUE ||
		f->value != LWM_SENML_VS)
		return;
	lwm_json_base64(j, &v);
	if (v.kind != LWM_ARRIVED_BYTES)
		return;
	last->kind = LWM_RECORD_VALUE;
	last->value = (struct lwm_value){.type = LWM_OPAQUE, .bytes = v.bytes};
}

static enum err take_entry(struct lwm_json *j, struct lwm_senml_reader *r, const struct head *h,
	struct lwm_senml_fields *f)
{
	struct lwm_arrived name = {.kind = LWM_ARRIVED_TEXT};
	enum err e = ERR_OK;

	if (h->base.seen & 1u << LWM_SENML_BN)
		name = h->base.v[LWM_SENML_BN];
	else
		e = name_in_full(r, f, &name.bytes);
	put_base(f, LWM_SENML_BN, name);
	if (h->base.seen & 1u << LWM_SENML_BT)
		put_base(f, LWM_SENML_BT, h->base.v[LWM_SENML_BT]);
	if (!e)
		e = lwm_senml_record(r, f);
	if (!e)
		undo_opaque(r, j, f);
	return e;
}

static enum err read_entry(struct lwm_json *j, struct lwm_senml_reader *r, const struct head *h)
{
	struct lwm_senml_fields f;
	size_t n = 0;

	f.seen = 0;
	lwm_json_open(j, '{');
	while (lwm_json_more(j, '}', &n)) {
		enum lwm_senml_label label = read_key(j);
		struct lwm_arrived *v;

		if (label == LWM_SENML_UNKNOWN) {
			lwm_json_skip(j);
			continue;
		}
		v = lwm_senml_field(&f, label);
		if (v)
			lwm_json_value(j, v);
		if (!v || lwm_senml_check(&f, label))
			lwm_json_fail(j, ERR_SYNTAX);
	}
	return j->err ? j->err : take_entry(j, r, h, &f);
}

static enum err read_entries(struct lwm_json *j, struct lwm_senml_reader *r, const struct head *h)
{
	size_t n = 0;

	j->at = h->entries;
	lwm_json_open(j, '[');
	while (lwm_json_more(j, ']', &n)) {
		enum err e = read_entry(j, r, h);

		if (e)
			return e;
	}
	if (j->err)
		return j->err;
	return n ? ERR_OK : lwm_codec_empty(r->base, r->out, false);
}

enum err lwm_oma_json_decode(struct span payload, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct lwm_records *out)
{
	struct lwm_senml_reader r = lwm_senml_start(base, o, false, out);
	struct lwm_json j = lwm_json_make(payload, out->arena);
	struct head h = {0};
	enum err e = read_head(&j, &h);

	r.absolute = true;
	return lwm_senml_finish(&r, e ? e : read_entries(&j, &r, &h));
}

static const char *key_of(const struct lwm_value *v)
{
	enum lwm_senml_label label =
		v->type == LWM_OPAQUE ? LWM_SENML_VS : lwm_senml_label_of(v->type);

	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].label == label)
			return keys[i].key;
	return "";
}

static void wr_entry(struct writer *w, const struct lwm_senml_plan *p, const struct lwm_record *r)
{
	char text[LWM_SENML_NAME_MAX];
	struct writer name = wr_make(text, sizeof(text));

	lwm_senml_wr_name(p, r, &name);
	wr_u8(w, '{');
	if (name.n) {
		wr_str(w, "\"n\":");
		wr_json_string(w, wr_span(&name));
		wr_u8(w, ',');
	}
	wr_fmt(w, "\"%s\":", key_of(&r->value));
	lwm_wr_json_value(w, &r->value, false);
	if (r->has_time && !p->bt) {
		wr_str(w, ",\"t\":");
		lwm_wr_json_seconds(w, r->time_s);
	}
	wr_u8(w, '}');
}

static void wr_head(struct writer *w, const struct lwm_senml_plan *p)
{
	char text[LWM_SENML_NAME_MAX];
	struct writer base = wr_make(text, sizeof(text));

	wr_u8(w, '{');
	if (p->n && p->bn) {
		lwm_senml_wr_base(p, &base);
		wr_str(w, "\"bn\":");
		wr_json_string(w, wr_span(&base));
		wr_u8(w, ',');
	}
	if (p->n && p->bt) {
		wr_str(w, "\"bt\":");
		lwm_wr_json_seconds(w, p->v[0].time_s);
		wr_u8(w, ',');
	}
	wr_str(w, "\"e\":[");
}

enum err lwm_oma_json_encode(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, struct writer *w)
{
	struct lwm_codec_opts plain = {.alt = o ? o->alt : SPAN_EMPTY};
	struct lwm_senml_plan p;
	enum err e = lwm_senml_plan(v, n, base, &plain, BN_COST, false, &p);

	if (e)
		return e;
	wr_head(w, &p);
	for (size_t i = 0; i < p.n; i++) {
		if (i)
			wr_u8(w, ',');
		wr_entry(w, &p, &v[i]);
	}
	wr_str(w, "]}");
	return w->err;
}
