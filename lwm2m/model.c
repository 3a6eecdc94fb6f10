/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/model.h"

#include "lwm2m/objects.h"
#include "lwm2m/version.h"

/* The one in use; NULL: the built-in one. */
static const struct lwm_object *table;
static size_t table_n;

void lwm_objects_use(const struct lwm_object *v, size_t n)
{
	table = v;
	table_n = n;
}

const struct lwm_object *lwm_object_table(size_t *n)
{
	*n = table ? table_n : lwm_objects_n;
	return table ? table : lwm_objects;
}

/* The versions of an object, newest first. */
static const struct lwm_object *versions_of(uint16_t oid, size_t *n)
{
	size_t all, from = 0, to;
	const struct lwm_object *v = lwm_object_table(&all);

	to = all;
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (v[mid].oid < oid)
			from = mid + 1;
		else
			to = mid;
	}
	for (*n = 0; from + *n < all && v[from + *n].oid == oid;)
		++*n;
	return &v[from];
}

static const struct lwm_resource *find(const struct lwm_object *o, uint16_t rid)
{
	size_t from = 0, to = o->resource_n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (o->resources[mid].rid < rid)
			from = mid + 1;
		else
			to = mid;
	}
	return from < o->resource_n && o->resources[from].rid == rid ? &o->resources[from] : NULL;
}

/* How far a version is from what is wanted: less is better. 0 is wanted where nobody knows. */
static unsigned distance(uint8_t version, uint8_t wanted)
{
	if (wanted == 0)
		return 255u - version;
	if (version / 10 != wanted / 10)
		return 512u + 255u - version;
	return version >= wanted ? (unsigned)(version - wanted) : 256u + wanted - version;
}

/* With `res` the nearest version that has the Resource `rid`. */
static const struct lwm_object *nearest(
	uint16_t oid, uint8_t wanted, uint16_t rid, const struct lwm_resource **res)
{
	const struct lwm_object *best = NULL;
	size_t n;
	const struct lwm_object *v = versions_of(oid, &n);

	for (size_t i = 0; i < n; i++) {
		const struct lwm_resource *r = res ? find(&v[i], rid) : NULL;

		if ((res && !r) ||
			(best && distance(best->version, wanted) <= distance(v[i].version, wanted)))
			continue;
		best = &v[i];
		if (res)
			*res = r;
	}
	return best;
}

static uint8_t version_of(const struct lwm_versions *v, uint16_t oid)
{
	return v && v->of ? v->of(v->arg, v->prefix, oid) : 0;
}

struct lwm_versions lwm_versions_of(const struct lwm_versions *v, struct span prefix)
{
	struct lwm_versions of = v ? *v : (struct lwm_versions){0};

	if (prefix.n)
		of.prefix = prefix;
	return of;
}

const struct lwm_object *lwm_object_of(const struct lwm_versions *v, uint16_t oid)
{
	return nearest(oid, version_of(v, oid), 0, NULL);
}

const struct lwm_resource *lwm_resource_of(const struct lwm_versions *v, const struct lwm_path *p)
{
	const struct lwm_resource *r = NULL;

	if (p->n >= 3)
		(void)nearest(p->id[0], version_of(v, p->id[0]), p->id[2], &r);
	return r;
}

const struct lwm_object *lwm_object(uint16_t oid)
{
	return lwm_object_of(NULL, oid);
}

const struct lwm_resource *lwm_resource(uint16_t oid, uint16_t rid)
{
	const struct lwm_path p = {3, {oid, 0, rid}};

	return lwm_resource_of(NULL, &p);
}

enum lwm_type lwm_type_at(const struct lwm_path *p)
{
	const struct lwm_resource *r = lwm_resource_of(NULL, p);

	return r ? r->type : LWM_NONE;
}

/* What a range is about; false: such a value has none. */
static bool measure(const struct lwm_value *v, double *out)
{
	switch (v->type) {
	case LWM_STRING:
	case LWM_OPAQUE:
		*out = (double)v->bytes.n;
		return true;
	case LWM_INTEGER:
		*out = (double)v->i;
		return true;
	case LWM_UNSIGNED:
		*out = (double)v->u;
		return true;
	case LWM_FLOAT:
		*out = v->f;
		return true;
	case LWM_NONE:
	case LWM_BOOLEAN:
	case LWM_TIME:
	case LWM_OBJLNK:
	case LWM_CORELNK:
		break;
	}
	return false;
}

bool lwm_in_range(const struct lwm_resource *r, const struct lwm_value *v)
{
	double x;

	if (!r->ranged || v->type != r->type || !measure(v, &x))
		return true;
	return x >= r->min && x <= r->max;
}

void wr_range(struct writer *w, const struct lwm_resource *r)
{
	bool length = r->type == LWM_STRING || r->type == LWM_OPAQUE;

	wr_fmt(w, "%.15g to %.15g%s", r->min, r->max, length ? " bytes" : "");
}

void wr_object_version(struct writer *w, uint8_t version)
{
	wr_version(w, version);
}

/* Core TS table E-1 of each release. Where 1.2.2 contradicts itself (Object 5: 1.1 or 1.2) the
 * newer one, since minor versions only add. */
static const struct {
	uint16_t oid;
	uint8_t in_1_0, in_1_1, in_1_2;
} default_versions[] = {
	{0, 10, 11, 12},
	{1, 10, 11, 12},
	{2, 10, 10, 11},
	{3, 10, 11, 12},
	{4, 10, 12, 13},
	{5, 10, 10, 12},
	{21, 10, 10, 20},
};

uint8_t lwm_default_version(uint16_t oid, uint8_t lwm2m)
{
	for (size_t i = 0; i < sizeof(default_versions) / sizeof(default_versions[0]); i++) {
		if (default_versions[i].oid != oid)
			continue;
		if (lwm2m >= 12)
			return default_versions[i].in_1_2;
		return lwm2m == 11 ? default_versions[i].in_1_1 : default_versions[i].in_1_0;
	}
	return 10;
}
