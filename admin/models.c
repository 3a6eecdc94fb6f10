/* SPDX-License-Identifier: Apache-2.0 */
/* What objects are known, with each version and where it comes from. */
#include "admin/routes.h"

#include "lwm2m/model.h"

static void model_out(struct jo *o, const struct lwm_object *m)
{
	char version[8];
	struct writer w = wr_make(version, sizeof(version));

	wr_object_version(&w, m->version);
	jo_object(o, NULL);
	jo_u64(o, "object", m->oid);
	jo_text(o, "version", wr_span(&w));
	jo_str(o, "name", m->name);
	jo_bool(o, "multiple", m->multiple);
	jo_bool(o, "mandatory", m->mandatory);
	jo_u64(o, "resources", m->resource_n);
	jo_str(o, "source", m->source ? m->source : "built-in");
	jo_end_object(o);
}

void models_get(struct adm_req *r)
{
	struct jo o = {0};
	uint64_t object = LWM_ID_NONE;
	size_t n;
	const struct lwm_object *all = lwm_object_table(&n);

	if (!url_number(&r->url, "object", 0, LWM_ID_NONE - 1, LWM_ID_NONE, &object, &r->fail)) {
		req_fail(r);
		return;
	}
	jo_object(&o, NULL);
	jo_array(&o, "models");
	for (size_t i = 0; i < n; i++)
		if (object == LWM_ID_NONE || all[i].oid == object)
			model_out(&o, &all[i]);
	jo_end_array(&o);
	jo_end_object(&o);
	req_json(r, 200, &o);
}
