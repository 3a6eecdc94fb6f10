/* SPDX-License-Identifier: Apache-2.0 */
/* A registry file: what is taken is sorted, complete and within its bounds; what is refused changes
 * nothing and is told once. */
#include "lwm2m/models.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void tell(void *arg, const char *file, uint32_t line, const char *what)
{
	(void)line;
	require(strcmp(file, "f.xml") == 0 && *what);
	++*(unsigned *)arg;
}

static void check(const struct lwm_object *o)
{
	require(o->oid < LWM_ID_NONE && o->version && strlen(o->name) <= LWM_MODEL_TEXT_MAX);
	require(o->resource_n <= LWM_MODEL_RESOURCES_MAX);
	for (size_t i = 0; i < o->resource_n; i++) {
		const struct lwm_resource *r = &o->resources[i];

		require(r->oid == o->oid && (i == 0 || o->resources[i - 1].rid < r->rid));
		require(*r->name && strlen(r->name) <= LWM_MODEL_TEXT_MAX);
		require((r->type == LWM_NONE) == ((r->ops & LWM_OP_E) != 0));
		require(r->type != LWM_NONE || !r->multiple);
		require(!r->ranged || r->min <= r->max);
		require(lwm_resource(o->oid, r->rid));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lwm_models *m;
	unsigned told = 0;
	size_t before, n;
	enum err err;

	(void)lwm_object_table(&before);
	if (lwm_models_new(&m))
		return 0;
	err = lwm_models_add(m, "f.xml", span_make(data, size), tell, &told);
	lwm_models_use(m);
	const struct lwm_object *v = lwm_object_table(&n);
	require(told == (err != ERR_OK) && n >= before && (!err || n == before));
	for (size_t i = 0; i < n; i++) {
		require(i == 0 || v[i - 1].oid < v[i].oid ||
			(v[i - 1].oid == v[i].oid && v[i - 1].version > v[i].version));
		if (v[i].source)
			check(&v[i]);
	}
	lwm_models_use(NULL);
	lwm_models_free(m);
	return 0;
}
