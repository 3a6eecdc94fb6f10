/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/senml.h"

#include "base/text.h"
#include "lwm2m/codec.h"

#include <math.h>
#include <stdlib.h>

enum { FEW = 16 };

static double time_of(const struct lwm_record *r, double now_s)
{
	return r->has_time ? r->time_s : now_s;
}

/* By path, then time; what has none is from now (FMT-25). */
static int compare(const struct lwm_record *a, const struct lwm_record *b, double now_s)
{
	double s, t;
	int c = lwm_record_cmp(a, b);

	if (c)
		return c;
	s = time_of(a, now_s);
	t = time_of(b, now_s);
	return (s > t) - (s < t);
}

struct timed {
	const struct lwm_record *r;
	double now_s;
};

static int by_path_and_time(const void *a, const void *b)
{
	const struct timed *s = a, *t = b;

	return compare(s->r, t->r, s->now_s);
}

static bool sorted_unique(struct timed *all, size_t n)
{
	qsort(all, n, sizeof(all[0]), by_path_and_time);
	for (size_t i = 1; i < n; i++)
		if (by_path_and_time(&all[i - 1], &all[i]) == 0)
			return false;
	return true;
}

enum err lwm_senml_unique(const struct lwm_record *v, size_t n, double now_s)
{
	struct timed few[FEW], *all = few;
	size_t ordered = 1;
	bool unique;

	/* Most come in order, and then nothing need be sorted. */
	while (ordered < n && compare(&v[ordered - 1], &v[ordered], now_s) < 0)
		ordered++;
	if (ordered >= n)
		return ERR_OK;
	if (n > FEW)
		all = malloc(n * sizeof(all[0]));
	if (!all)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		all[i] = (struct timed){&v[i], now_s};
	unique = sorted_unique(all, n);
	if (all != few)
		free(all);
	return unique ? ERR_OK : ERR_SYNTAX;
}

static enum err check_value(const struct lwm_value *v)
{
	switch (v->type) {
	case LWM_NONE:
		return ERR_UNSUPPORTED;
	case LWM_STRING:
	case LWM_CORELNK:
		return utf8_valid(v->bytes) ? ERR_OK : ERR_UNSUPPORTED;
	case LWM_FLOAT:
		return isfinite(v->f) ? ERR_OK : ERR_RANGE;
	case LWM_INTEGER:
	case LWM_UNSIGNED:
	case LWM_BOOLEAN:
	case LWM_OPAQUE:
	case LWM_TIME:
	case LWM_OBJLNK:
		break;
	}
	return ERR_OK;
}

/* How many ids a record of that kind has at least; -1: there is no such record here. */
static int least_ids(const struct lwm_senml_plan *p, enum lwm_record_kind kind)
{
	if (p->fetch)
		return kind == LWM_RECORD_NAME ? 0 : -1;
	if (kind == LWM_RECORD_DELETE && p->etch)
		return 4;
	return kind == LWM_RECORD_VALUE ? 3 : -1;
}

static enum err check_record(
	const struct lwm_senml_plan *p, const struct lwm_record *r, const struct lwm_path *base)
{
	int least = least_ids(p, r->kind);

	if (least < 0 || r->path.n < least || (p->fetch && r->has_time) ||
		!lwm_path_under(&r->path, base))
		return ERR_UNSUPPORTED;
	if (p->alt.n + p->behind.n + r->prefix.n + 2 + LWM_PATH_TEXT_MAX > LWM_SENML_NAME_MAX)
		return ERR_UNSUPPORTED;
	for (uint8_t i = 0; i < r->path.n; i++)
		if (r->path.id[i] == LWM_ID_NONE) /* nothing says "choose one" (DM-13) */
			return ERR_UNSUPPORTED;
	if (r->has_time && !isfinite(r->time_s))
		return ERR_RANGE;
	return r->kind == LWM_RECORD_VALUE ? check_value(&r->value) : ERR_OK;
}

/* The one record there is says that what was asked for exists and is empty. */
static bool is_empty_base(const struct lwm_record *v, size_t n, const struct lwm_path *base)
{
	return n == 1 && lwm_path_eq(&v->path, base) &&
	       (v->kind == LWM_RECORD_MULTIPLE || v->kind == LWM_RECORD_INSTANCE);
}

/* The longest path that all records lie below, or that all are (a history). */
static struct lwm_path common_prefix(const struct lwm_record *v, size_t n)
{
	struct lwm_path p = v[0].path;
	uint8_t shortest = p.n;
	bool history = true;

	for (size_t i = 1; i < n; i++) {
		history = history && lwm_path_eq(&v[i].path, &v[0].path);
		shortest = v[i].path.n < shortest ? v[i].path.n : shortest;
		while (!lwm_path_under(&v[i].path, &p))
			p.n--;
	}
	if (!history && p.n && p.n == shortest)
		p.n--;
	return p;
}

static void wr_front(const struct lwm_senml_plan *p, struct span prefix, struct writer *w)
{
	struct span device = prefix.n ? prefix : p->behind;

	wr_bytes(w, p->alt);
	if (device.n)
		wr_u8(w, '/');
	wr_bytes(w, device);
}

static void wr_prefix(const struct lwm_senml_plan *p, struct writer *w)
{
	wr_front(p, SPAN_EMPTY, w);
	if (p->prefix.n)
		wr_path(w, &p->prefix);
}

static bool is_history(const struct lwm_senml_plan *p)
{
	return p->bn && lwm_path_eq(&p->prefix, &p->v[0].path);
}

static void plan_names(struct lwm_senml_plan *p, size_t bn_cost)
{
	char text[LWM_SENML_NAME_MAX];
	struct writer w = wr_make(text, sizeof(text));

	p->prefix = common_prefix(p->v, p->n);
	wr_prefix(p, &w);
	p->bn = p->n > 1 && (p->n - 1) * (w.n + 1) > bn_cost;
	for (size_t i = 0; i < p->n; i++)
		p->bn = p->bn && !p->v[i].prefix.n && p->v[i].path.n;
}

static void plan_times(struct lwm_senml_plan *p)
{
	p->bt = p->v[0].has_time && p->n > 1;
	for (size_t i = 1; i < p->n && p->bt; i++)
		p->bt = p->v[i].has_time && p->v[i].time_s == p->v[0].time_s;
}

enum err lwm_senml_plan(const struct lwm_record *v, size_t n, const struct lwm_path *base,
	const struct lwm_codec_opts *o, size_t bn_cost, bool etch, struct lwm_senml_plan *out)
{
	struct lwm_senml_plan p = {.v = v, .n = n, .etch = etch};
	enum err e = ERR_OK;

	if (o) {
		p.alt = o->alt;
		p.behind = o->behind;
		p.now_s = o->now_s;
		p.fetch = o->fetch;
	}
	if (is_empty_base(v, n, base))
		p.n = 0;
	for (size_t i = 0; i < p.n && !e; i++)
		e = check_record(&p, &v[i], base);
	if (!e && p.n > 1) {
		e = lwm_senml_unique(v, p.n, p.now_s);
		e = e == ERR_SYNTAX ? ERR_UNSUPPORTED : e;
	}
	if (e)
		return e;
	if (p.n) {
		plan_names(&p, bn_cost);
		plan_times(&p);
	}
	*out = p;
	return ERR_OK;
}

void lwm_senml_wr_base(const struct lwm_senml_plan *p, struct writer *w)
{
	wr_prefix(p, w);
	if (!is_history(p))
		wr_u8(w, '/');
}

void lwm_senml_wr_name(const struct lwm_senml_plan *p, const struct lwm_record *r, struct writer *w)
{
	const struct lwm_path *path = &r->path;

	if (!p->bn) {
		wr_front(p, r->prefix, w);
		wr_path(w, path);
		return;
	}
	for (uint8_t i = p->prefix.n; i < path->n; i++) {
		if (i > p->prefix.n)
			wr_u8(w, '/');
		lwm_wr_id(w, path->id[i]);
	}
}

double lwm_senml_seconds(const struct lwm_senml_plan *p, double time_s)
{
	return time_s >= LWM_SENML_UNIX_TIME ? time_s : time_s - p->now_s;
}

enum lwm_senml_label lwm_senml_label_of(enum lwm_type t)
{
	switch (t) {
	case LWM_STRING:
	case LWM_CORELNK:
		return LWM_SENML_VS;
	case LWM_INTEGER:
	case LWM_UNSIGNED:
	case LWM_FLOAT:
	case LWM_TIME:
		return LWM_SENML_V;
	case LWM_BOOLEAN:
		return LWM_SENML_VB;
	case LWM_OPAQUE:
		return LWM_SENML_VD;
	case LWM_OBJLNK:
		return LWM_SENML_VLO;
	case LWM_NONE:
		break;
	}
	return LWM_SENML_UNKNOWN;
}
