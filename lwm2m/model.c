/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/model.h"

#include "lwm2m/objects.h"

const struct lwm_object *lwm_object(uint16_t oid)
{
	size_t i = oid < lwm_objects_n ? oid + (size_t)1 : lwm_objects_n;

	/* Rows are sorted and ids are not negative: the row of id k is at place k or before. */
	while (i > 0 && lwm_objects[i - 1].oid > oid)
		i--;
	return i > 0 && lwm_objects[i - 1].oid == oid ? &lwm_objects[i - 1] : NULL;
}

const struct lwm_resource *lwm_resource(uint16_t oid, uint16_t rid)
{
	const struct lwm_object *o = lwm_object(oid);

	size_t i = !o ? 0 : rid < o->resource_n ? rid + (size_t)1 : o->resource_n;

	while (i > 0 && o->resources[i - 1].rid > rid)
		i--;
	return i > 0 && o->resources[i - 1].rid == rid ? &o->resources[i - 1] : NULL;
}

enum lwm_type lwm_type_at(const struct lwm_path *p)
{
	const struct lwm_resource *r = p->n >= 3 ? lwm_resource(p->id[0], p->id[2]) : NULL;

	return r ? r->type : LWM_NONE;
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
