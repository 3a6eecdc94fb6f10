/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes: pmin and pmax act, the others are taken and have no effect, as in many clients. */
#include "device/inner.h"

#include <string.h>

static bool no_effect(struct span name)
{
	static const char *const names[] = {
		"gt", "lt", "st", "epmin", "epmax", "edge", "con", "hqmax"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_eq_str(name, names[i]))
			return true;
	}
	return false;
}

/* "pmin=10"; "pmin" alone takes it away. */
static enum err apply(struct span query, struct dev_attr *a)
{
	size_t at = 0;
	uint64_t v = 0;
	while (at < query.n && query.p[at] != '=')
		at++;
	struct span name = span_sub(query, 0, at);
	if (no_effect(name))
		return ERR_OK;
	bool min = span_eq_str(name, "pmin");
	if (!min && !span_eq_str(name, "pmax"))
		return ERR_NOTFOUND;
	bool has = at < query.n;
	if (has && span_to_u64(span_sub(query, at + 1, query.n), UINT32_MAX, &v) != ERR_OK)
		return ERR_SYNTAX;
	*(min ? &a->has_pmin : &a->has_pmax) = has;
	*(min ? &a->pmin_s : &a->pmax_s) = (uint32_t)v;
	return ERR_OK;
}

static size_t count(const struct dev *d)
{
	return d->watch ? d->watch->attr_n : 0;
}

static struct dev_attr *find(struct dev *d, const struct lwm_path *p)
{
	for (size_t i = 0; i < count(d); i++) {
		if (lwm_path_eq(&d->watch->attr[i].path, p))
			return &d->watch->attr[i];
	}
	return NULL;
}

uint8_t dev_attr_write(struct dev *d, const struct msg *m, const struct lwm_path *p)
{
	struct dev_attr *have = find(d, p);
	struct dev_attr new = {.path = *p};
	if (have)
		new = *have;
	for (const struct opt *o = msg_find(m, OPT_URI_QUERY); o; o = msg_next(m, o)) {
		if (apply(o->val, &new) != ERR_OK)
			return MSG_BAD_REQUEST;
	}
	dev_event_add(d, DEV_EVENT_ATTRIBUTES)->path = *p;
	if (have) {
		*have = new;
		return MSG_CHANGED;
	}
	if (!new.has_pmin && !new.has_pmax)
		return MSG_CHANGED;
	struct dev_watch *w = dev_watch_need(d);
	if (!w || w->attr_n == DEV_ATTRS_MAX)
		return w ? MSG_BAD_REQUEST : MSG_INTERNAL_ERROR;
	w->attr[w->attr_n++] = new;
	return MSG_CHANGED;
}

void dev_attr_list(const struct dev *d, const struct lwm_path *p, struct writer *w)
{
	for (size_t i = 0; i < count(d); i++) {
		const struct dev_attr *a = &d->watch->attr[i];
		if (!lwm_path_eq(&a->path, p))
			continue;
		if (a->has_pmin)
			wr_fmt(w, ";pmin=%u", a->pmin_s);
		if (a->has_pmax)
			wr_fmt(w, ";pmax=%u", a->pmax_s);
	}
}

void dev_attr_effective(const struct dev *d, const struct lwm_path *p, struct dev_attr *out)
{
	const struct dev_server *s = dev_server_of(&d->accounts);
	*out = (struct dev_attr){.path = *p};
	out->pmin_s = s ? s->pmin_s : 0;
	out->pmax_s = s ? s->pmax_s : 0;
	for (uint8_t level = 1; level <= p->n; level++) {
		for (size_t i = 0; i < count(d); i++) {
			const struct dev_attr *a = &d->watch->attr[i];
			if (a->path.n != level || !lwm_path_under(p, &a->path))
				continue;
			if (a->has_pmin)
				out->pmin_s = a->pmin_s;
			if (a->has_pmax)
				out->pmax_s = a->pmax_s;
		}
	}
	out->has_pmin = out->pmin_s > 0;
	out->has_pmax = out->pmax_s > 0 && out->pmax_s >= out->pmin_s; /* ATT-04 */
}
