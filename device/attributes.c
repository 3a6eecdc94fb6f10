/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of LwM2M 1.1: pmin, pmax, gt, lt and st act, epmin and epmax have no effect, as in
 * many clients. */
#include "device/inner.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 11 };

static size_t count(const struct dev *d)
{
	return d->watch ? d->watch->attr_n : 0;
}

static struct dev_attr *find(const struct dev *d, const struct lwm_path *p)
{
	for (size_t i = 0; i < count(d); i++) {
		if (d->watch->attr[i].at == d->at && lwm_path_eq(&d->watch->attr[i].path, p))
			return &d->watch->attr[i];
	}
	return NULL;
}

static void drop(struct dev_watch *w, struct dev_attr *a)
{
	*a = w->attr[--w->attr_n];
	if (w->attr_n)
		return;
	free(w->attr);
	w->attr = NULL;
}

static struct dev_attr *attach(struct dev *d, const struct lwm_path *p)
{
	struct dev_watch *w = dev_watch_need(d);
	if (!w || w->attr_n == DEV_ATTRS_MAX)
		return NULL;
	struct dev_attr *more = reallocarray(w->attr, w->attr_n + 1u, sizeof(*more));
	if (!more)
		return NULL;
	w->attr = more;
	more[w->attr_n] = (struct dev_attr){.at = d->at, .path = *p};
	return &more[w->attr_n++];
}

/* What counts at p with `at_p` instead of what is attached there. */
static void effective(const struct dev *d, const struct lwm_path *p, const struct lwm_attrs *at_p,
	struct lwm_attrs *out)
{
	const struct dev_server *s = dev_server_of(&d->accounts);
	*out = (struct lwm_attrs){.set = LWM_ATTR_BIT(LWM_ATTR_PMIN) | LWM_ATTR_BIT(LWM_ATTR_PMAX)};
	out->value[LWM_ATTR_PMIN] = s ? s->pmin_s : 0;
	out->value[LWM_ATTR_PMAX] = s ? s->pmax_s : 0;
	for (uint8_t level = 1; level <= p->n; level++) {
		struct lwm_path at = *p;
		at.n = level;
		const struct dev_attr *a = find(d, &at);
		if (level == p->n && at_p)
			lwm_attrs_merge(out, at_p);
		else if (a)
			lwm_attrs_merge(out, &a->attrs);
	}
}

void dev_attr_effective(const struct dev *d, const struct lwm_path *p, struct lwm_attrs *out)
{
	effective(d, p, NULL, out);
}

/* An inconsistent set changes nothing (DM-10, ATT-04). */
uint8_t dev_attr_write(struct dev *d, const struct msg *m, const struct lwm_path *p)
{
	struct dev_attr *at = find(d, p);
	struct lwm_attrs new = {0}, change, all;
	if (at)
		new = at->attrs;
	if (lwm_attrs_from_options(m, p, VERSION, &change, NULL) != ERR_OK)
		return MSG_BAD_REQUEST;
	lwm_attrs_merge(&new, &change);
	effective(d, p, &new, &all);
	if (lwm_attrs_consistent(&all, NULL) != ERR_OK)
		return MSG_BAD_REQUEST;
	if (new.set && !at && !(at = attach(d, p)))
		return MSG_INTERNAL_ERROR;
	if (at)
		at->attrs = new;
	if (at && !new.set)
		drop(d->watch, at);
	dev_event_add(d, DEV_EVENT_ATTRIBUTES)->path = *p;
	return MSG_CHANGED;
}

void dev_attr_list(const struct dev *d, const struct lwm_path *p, struct writer *w)
{
	const struct dev_attr *a = find(d, p);
	if (a)
		wr_attrs(w, &a->attrs);
}

void dev_attr_drop(struct dev *d, const struct lwm_path *p)
{
	for (size_t i = count(d); i > 0; i--) {
		if (d->watch->attr[i - 1].at == d->at &&
			lwm_path_under(&d->watch->attr[i - 1].path, p))
			drop(d->watch, &d->watch->attr[i - 1]);
	}
}
