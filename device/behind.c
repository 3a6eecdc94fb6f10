/* SPDX-License-Identifier: Apache-2.0 */
/* The devices behind a simulated gateway (lwm2m.md GW-01 to GW-06): each a Device and thermometers
 * of its own. A request for one of them is served as it would be by a device that is asked itself:
 * for so long its hardware is in the place of the gateway's. */
#include "device/inner.h"

#include <stdlib.h>

enum err dev_behind_add(struct dev *d, uint16_t n)
{
	d->behind = calloc(n, sizeof(*d->behind));
	if (!d->behind)
		return ERR_NOMEM;
	d->behind_n = n;
	for (uint16_t i = 0; i < n; i++) {
		d->behind[i].things.low = INT16_MAX;
		d->behind[i].things.high = INT16_MIN;
		dev_behind_enter(d, i + 1);
		dev_things_step(d);
		dev_behind_leave(d);
	}
	return ERR_OK;
}

void dev_behind_free(struct dev *d)
{
	for (uint16_t i = 0; i < d->behind_n; i++)
		free(d->behind[i].sensors);
	free(d->behind);
}

static void swap(struct dev *d, struct dev_behind *b)
{
	struct dev_behind own = {d->things, d->sensors};
	d->things = b->things;
	d->sensors = b->sensors;
	*b = own;
}

void dev_behind_enter(struct dev *d, uint16_t at)
{
	if (at)
		swap(d, &d->behind[at - 1]);
	d->at = at;
}

void dev_behind_leave(struct dev *d)
{
	if (d->at)
		swap(d, &d->behind[d->at - 1]);
	d->at = 0;
}

/* "d01" */
static struct span prefix_of(struct dev_host *h, uint16_t at)
{
	return at ? dev_fmt(h, "d%02u", at) : SPAN_EMPTY;
}

struct span dev_behind_prefix(const struct dev *d)
{
	return prefix_of(d->host, d->at);
}

bool dev_behind_find(const struct dev *d, struct span prefix, uint16_t *at)
{
	for (*at = 0; *at <= d->behind_n; ++*at)
		if (span_eq(prefix, prefix_of(d->host, *at)))
			return true;
	return false;
}

void dev_get_behind_id(const struct dev_view *v, struct lwm_value *out)
{
	out->bytes = dev_fmt(v->d->host, "%s-%u", v->d->endpoint, v->iid + 1u);
}

void dev_get_behind_prefix(const struct dev_view *v, struct lwm_value *out)
{
	out->bytes = prefix_of(v->d->host, (uint16_t)(v->iid + 1));
}

void dev_get_behind_links(const struct dev_view *v, struct lwm_value *out)
{
	const struct dev_sensors *s = v->d->behind[v->iid].sensors;
	struct writer w = dev_scratch(v->d->host, 64 + DEV_SENSORS_MAX * sizeof("</3303/65534>,"));
	wr_str(&w, "</3/0>,</3303>;ver=1.1");
	for (size_t i = 0; s && i < s->n; i++)
		wr_fmt(&w, ",</3303/%u>", s->at[i].iid);
	if (!s)
		wr_str(&w, ",</3303/0>");
	out->bytes = w.err ? SPAN_EMPTY : wr_span(&w);
}
