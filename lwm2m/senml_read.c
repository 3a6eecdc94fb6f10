/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/senml.h"

#include "base/text.h"
#include "lwm2m/codec.h"

#include <math.h>
#include <stdlib.h>

enum { BVER_MAX = 10 };

#define BIT(label) (UINT32_C(1) << (label))
#define VALUES                                                                                     \
	(BIT(LWM_SENML_V) | BIT(LWM_SENML_VS) | BIT(LWM_SENML_VB) | BIT(LWM_SENML_VD) |            \
		BIT(LWM_SENML_VLO))

#define TIMES (BIT(LWM_SENML_T) | BIT(LWM_SENML_BT))

struct lwm_senml_reader lwm_senml_start(const struct lwm_path *base, const struct lwm_codec_opts *o,
	bool etch, struct lwm_records *out)
{
	return (struct lwm_senml_reader){
		.base = base, .opts = o, .out = out, .before = out->n, .etch = etch};
}

struct lwm_arrived *lwm_senml_field(struct lwm_senml_fields *f, enum lwm_senml_label label)
{
	uint32_t bit = BIT(label), rivals = bit & VALUES ? VALUES : bit;

	if (f->seen & rivals)
		return NULL;
	f->seen |= bit;
	if (bit & VALUES)
		f->value = label;
	return &f->v[label];
}

/* FMT-22. A value of another kind is no value of the label's (DM-20); text under v may be a link.
 */
enum err lwm_senml_check(struct lwm_senml_fields *f, enum lwm_senml_label label)
{
	static const uint32_t fitting[LWM_SENML_USED] = {
		[LWM_SENML_BVER] = BIT(LWM_ARRIVED_NUMBER),
		[LWM_SENML_BN] = BIT(LWM_ARRIVED_TEXT),
		[LWM_SENML_BT] = BIT(LWM_ARRIVED_NUMBER),
		[LWM_SENML_BV] = BIT(LWM_ARRIVED_NUMBER),
		[LWM_SENML_N] = BIT(LWM_ARRIVED_TEXT),
		[LWM_SENML_T] = BIT(LWM_ARRIVED_NUMBER),
		[LWM_SENML_V] =
			BIT(LWM_ARRIVED_NUMBER) | BIT(LWM_ARRIVED_TIME) | BIT(LWM_ARRIVED_TEXT),
		[LWM_SENML_VS] = BIT(LWM_ARRIVED_TEXT),
		[LWM_SENML_VB] = BIT(LWM_ARRIVED_BOOL),
		[LWM_SENML_VD] = BIT(LWM_ARRIVED_BYTES),
		[LWM_SENML_VLO] = BIT(LWM_ARRIVED_TEXT),
	};
	struct lwm_arrived *v = &f->v[label];

	if (fitting[label] & BIT(v->kind)) {
		if (label == LWM_SENML_VLO)
			v->kind = LWM_ARRIVED_LINK;
		return ERR_OK;
	}
	v->kind = LWM_ARRIVED_OTHER;
	return BIT(label) & VALUES ? ERR_OK : ERR_SYNTAX;
}

enum err lwm_senml_unknown(struct span key)
{
	return key.n && key.p[key.n - 1] == '_' ? ERR_SYNTAX : ERR_OK;
}

static struct span without_slash(struct span s)
{
	return span_sub(s, s.n && s.p[0] == '/', s.n);
}

/* Takes whole segments off the front of a name. False: it starts with something else. */
static bool strip(struct span front, struct span *name)
{
	struct span s = without_slash(*name);

	if (!span_eq(span_sub(s, 0, front.n), front) || (s.n > front.n && s.p[front.n] != '/'))
		return false;
	*name = span_sub(s, front.n, s.n);
	return true;
}

/* The alternate path (GEN-06), then the prefix of the device (GW-03), as far as they are there.
 * True if both are that should be. */
static bool strip_front(const struct lwm_codec_opts *o, struct span *name)
{
	struct span alt = o ? without_slash(o->alt) : SPAN_EMPTY;
	bool all = alt.n == 0 || strip(alt, name);

	if (!o || o->behind.n == 0)
		return all;
	return strip(o->behind, name) && all;
}

/* Base names are mostly a path and a slash: then names need not be joined to be read. */
static void set_base_name(struct lwm_senml_reader *r, struct span bn)
{
	r->bn = bn;
	r->bn_is_path = false;
	if (bn.n == 0 || bn.p[bn.n - 1] != '/' || !strip_front(r->opts, &bn))
		return;
	r->bn_is_path = lwm_path_parse(span_sub(bn, 0, bn.n - 1), &r->prefix) == ERR_OK;
}

/* GW-05. A first segment of digits alone is an id, if a wrong one. */
static enum err parse_prefixed(
	const struct lwm_senml_reader *r, struct span name, struct lwm_record *out)
{
	struct span s = without_slash(name);
	size_t n = 0, digits = 0;
	enum err e = ERR_OK;

	for (; n < s.n && s.p[n] != '/'; n++)
		digits += s.p[n] >= '0' && s.p[n] <= '9';
	if (digits == n || n == s.n || !r->opts || !r->opts->prefixed)
		return ERR_SYNTAX;
	if (!utf8_valid(span_sub(s, 0, n)) || lwm_path_parse(span_sub(s, n, s.n), &out->path))
		return ERR_SYNTAX;
	out->prefix = arena_dup(r->out->arena, span_sub(s, 0, n), &e);
	return e;
}

static enum err join_and_parse(
	const struct lwm_senml_reader *r, struct span n, struct lwm_record *out)
{
	char name[LWM_SENML_NAME_MAX];
	struct writer w = wr_make(name, sizeof(name));
	struct span s;

	wr_bytes(&w, r->bn);
	wr_bytes(&w, n);
	s = wr_span(&w);
	(void)strip_front(r->opts, &s);
	if (w.err)
		return ERR_SYNTAX;
	return lwm_path_parse(s, &out->path) ? parse_prefixed(r, s, out) : ERR_OK;
}

/* FMT-21 */
static enum err read_name(struct lwm_senml_reader *r, struct span n, struct lwm_record *out)
{
	if (!r->bn_is_path || n.n == 0 || n.p[0] == '/')
		return join_and_parse(r, n, out);
	out->path = r->prefix;
	return lwm_path_parse_below(n, &out->path) ? ERR_SYNTAX : ERR_OK;
}

static enum err take_base(struct lwm_senml_reader *r, const struct lwm_senml_fields *f)
{
	uint64_t bver;

	if ((f->seen & BIT(LWM_SENML_BVER)) &&
		(!lwm_number_to_uint64(&f->v[LWM_SENML_BVER].number, &bver) || bver > BVER_MAX))
		return ERR_SYNTAX;
	if (f->seen & BIT(LWM_SENML_BN))
		set_base_name(r, f->v[LWM_SENML_BN].bytes);
	if (f->seen & BIT(LWM_SENML_BT)) {
		r->has_bt = true;
		r->bt = f->v[LWM_SENML_BT].number;
	}
	if (f->seen & BIT(LWM_SENML_BV)) {
		r->has_bv = true;
		r->bv = f->v[LWM_SENML_BV].number;
	}
	return ERR_OK;
}

/* FMT-25 */
static enum err read_time(
	const struct lwm_senml_reader *r, const struct lwm_senml_fields *f, struct lwm_record *out)
{
	bool t = f->seen & BIT(LWM_SENML_T);
	double s = (r->has_bt ? r->bt.f : 0) + (t ? f->v[LWM_SENML_T].number.f : 0);

	out->has_time = r->has_bt || t;
	if (!out->has_time)
		return ERR_OK;
	if (s < LWM_SENML_UNIX_TIME && r->opts && !r->absolute)
		s += r->opts->now_s;
	out->time_s = s;
	return isfinite(s) ? ERR_OK : ERR_SYNTAX;
}

/* The base value alone, or added to a number under v. */
static struct lwm_arrived add_base_value(
	const struct lwm_senml_reader *r, const struct lwm_senml_fields *f)
{
	struct lwm_arrived v = {.kind = LWM_ARRIVED_NUMBER, .number = r->bv};

	if (!(f->seen & VALUES))
		return v;
	if (f->value != LWM_SENML_V || f->v[f->value].kind != LWM_ARRIVED_NUMBER)
		return f->v[f->value];
	v.raw = f->v[f->value].raw;
	v.number = lwm_number_add(&f->v[f->value].number, &r->bv);
	return v;
}

/* As JSON and CBOR have it. */
static bool is_null(const struct lwm_senml_fields *f)
{
	const struct lwm_arrived *v = &f->v[f->value];

	return f->seen & BIT(LWM_SENML_V) && v->kind == LWM_ARRIVED_OTHER &&
	       (span_eq_str(v->raw, "null") || span_eq_str(v->raw, "\xf6"));
}

static void read_value(
	const struct lwm_senml_reader *r, const struct lwm_senml_fields *f, struct lwm_record *out)
{
	enum lwm_type wanted = lwm_codec_type_of(r->opts, out->prefix, &out->path);
	const struct lwm_arrived *v;
	struct lwm_arrived sum;
	bool fits;

	if (r->has_bv) {
		sum = add_base_value(r, f);
		v = &sum;
	} else {
		v = &f->v[f->value];
	}
	if (r->etch && is_null(f) && out->path.n == 4) {
		out->kind = LWM_RECORD_DELETE;
		return;
	}
	fits = lwm_arrived_fit(v, wanted, &out->value);
	/* Text under v may be a link (CT-79), and nothing else. */
	if (v->kind == LWM_ARRIVED_TEXT && f->value == LWM_SENML_V && wanted != LWM_OBJLNK)
		fits = false;
	if (!fits)
		lwm_record_bad(out, out->value.type, v->raw);
}

enum err lwm_senml_record(struct lwm_senml_reader *r, const struct lwm_senml_fields *f)
{
	struct lwm_record *out;
	enum err e = take_base(r, f);
	bool fetch;

	if (e)
		return e;
	fetch = r->opts && r->opts->fetch;
	if (fetch == ((f->seen & VALUES) || r->has_bv) || (fetch && (f->seen & TIMES)))
		return ERR_SYNTAX;
	out = lwm_records_add(r->out);
	if (!out)
		return r->out->err;
	e = read_name(r, f->seen & BIT(LWM_SENML_N) ? f->v[LWM_SENML_N].bytes : SPAN_EMPTY, out);
	if (!e && !fetch && out->path.n < 3)
		e = ERR_SYNTAX;
	if (!e)
		e = read_time(r, f, out);
	if (e)
		return e;
	if (fetch)
		out->kind = LWM_RECORD_NAME;
	else
		read_value(r, f, out);
	r->outside |= !lwm_path_under(&out->path, r->base);
	return ERR_OK;
}

static uint32_t instance_key(uint16_t oid, uint16_t iid)
{
	return (uint32_t)oid << 16 | iid;
}

static int by_key(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* True if an Object Link among the records names the Object Instance of each that lies outside. */
static bool all_linked(
	const struct lwm_path *base, const struct lwm_record *v, size_t n, uint32_t *keys)
{
	size_t key_n = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].kind == LWM_RECORD_VALUE && v[i].value.type == LWM_OBJLNK)
			keys[key_n++] = instance_key(v[i].value.link.oid, v[i].value.link.iid);
	qsort(keys, key_n, sizeof(keys[0]), by_key);
	for (size_t i = 0; i < n; i++) {
		uint32_t key = instance_key(v[i].path.id[0], v[i].path.id[1]);

		if (!lwm_path_under(&v[i].path, base) &&
			!bsearch(&key, keys, key_n, sizeof(keys[0]), by_key))
			return false;
	}
	return true;
}

static enum err check_outside(const struct lwm_senml_reader *r)
{
	size_t n = r->out->n - r->before;
	uint32_t *keys;
	bool good;

	if (!r->outside)
		return ERR_OK;
	if (!r->opts || !r->opts->linked)
		return ERR_SYNTAX;
	keys = malloc(n * sizeof(keys[0]));
	if (!keys)
		return ERR_NOMEM;
	good = all_linked(r->base, &r->out->v[r->before], n, keys);
	free(keys);
	return good ? ERR_OK : ERR_SYNTAX;
}

enum err lwm_senml_finish(struct lwm_senml_reader *r, enum err e)
{
	size_t n = r->out->n - r->before;

	if (!e)
		e = check_outside(r);
	if (!e && n > 1)
		e = lwm_senml_unique(&r->out->v[r->before], n, r->opts ? r->opts->now_s : 0);
	if (e)
		r->out->n = r->before;
	return e;
}
