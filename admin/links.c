/* SPDX-License-Identifier: Apache-2.0 */
/* What Discover told, as JSON. */
#include "admin/render.h"

#include "base/arena.h"
#include "lwm2m/link.h"

enum { ARENA_LIMIT = 4 * 1024 * 1024 };

static void value(struct jo *o, const char *name, struct span quoted, struct arena *a)
{
	uint8_t *p = arena_alloc(a, quoted.n);
	struct writer w = wr_make(p, p ? quoted.n : 0);

	wr_link_value(&w, quoted);
	o->err = o->err ? o->err : w.err;
	jo_text(o, name, wr_span(&w));
}

/* Of a name that comes twice the first counts: a member can be there once. */
static void attributes(struct jo *o, const struct lwm_link *l, struct arena *a)
{
	enum err e = ERR_OK;

	jo_object(o, "attributes");
	for (uint8_t i = 0; i < l->attr_n; i++) {
		const struct lwm_link_attr *at = &l->attr[i];
		/* A name has no character that JSON would want escaped. */
		const char *name = (const char *)arena_dup(a, at->name, &e).p;

		if (e) {
			o->err = o->err ? o->err : e;
			return;
		}
		if (lwm_link_attr(l, name) != at)
			continue;
		if (at->value.p)
			value(o, name, at->value, a);
		else
			jo_bool(o, name, true);
	}
	jo_end_object(o);
}

static void name_out(struct jo *o, struct span target, const struct lwm_versions *versions)
{
	const struct lwm_resource *r;
	const struct lwm_object *of;
	struct lwm_path p;

	if (!target.p || lwm_path_parse(target, &p) || p.n == 0 || p.n == 2)
		return;
	r = lwm_resource_of(versions, &p);
	of = p.n == 1 ? lwm_object_of(versions, p.id[0]) : NULL;
	if (r || of)
		jo_str(o, "name", r ? r->name : of->name);
}

/* Links below a prefix should come without it (GW-04). */
static struct span target_of(const struct lwm_link *l, struct span prefix)
{
	struct span s = span_sub(l->target, 1, l->target.n);

	if (prefix.n && s.n > prefix.n && span_eq(span_sub(s, 0, prefix.n), prefix) &&
		s.p[prefix.n] == '/')
		return span_sub(s, prefix.n, s.n);
	return l->target;
}

static void link_out(struct jo *o, const struct lwm_link *l, const struct lwm_versions *versions,
	struct arena *a)
{
	struct span target = target_of(l, versions->prefix);

	jo_object(o, NULL);
	/* The first link of the old form (BS-12) stands for the root. */
	jo_text(o, "path", target.p ? target : SPAN_LIT("/"));
	name_out(o, target, versions);
	attributes(o, l, a);
	jo_end_object(o);
}

/* Whether it can be read to its end. */
static const char *objection(int32_t content_format, struct span payload)
{
	struct lwm_link l;
	enum err e = ERR_OK;

	/* Some devices leave the format out: what reads as links are links. */
	if (content_format >= 0 && content_format != LWM_CF_LINK)
		return "the device did not answer in link format";
	while (e == ERR_OK)
		e = lwm_link_next(&payload, &l);
	return e == ERR_NOTFOUND ? NULL : "the payload is no link format";
}

void render_links(struct jo *o, const struct lwm_path *base, int32_t content_format,
	struct span payload, const struct lwm_versions *versions)
{
	const char *why = objection(content_format, payload);
	struct lwm_link l;
	struct arena a;

	arena_init(&a, ARENA_LIMIT);
	jo_array(o, "links");
	if (why)
		render_unreadable(o, base, payload, why);
	while (!why && lwm_link_next(&payload, &l) == ERR_OK) {
		link_out(o, &l, versions, &a);
		arena_reset(&a);
	}
	jo_end_array(o);
	arena_fini(&a);
}
