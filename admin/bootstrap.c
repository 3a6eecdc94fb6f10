/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap plans; without an endpoint in the path, the default plan. */
#include "admin/etag.h"
#include "admin/routes.h"

/* An endpoint without a plan of its own has none here, although the default applies to it. */
bool bootstrap_tag(struct adm_req *r, uint64_t *tag)
{
	struct adm_bootstrap_view v = {0};
	enum err e = r->adm->ops.bootstrap_get(r->adm->ops.arg, r->endpoint, &v);
	bool exists = e == ERR_OK && v.plan_json.n && (!r->endpoint.n || v.own_plan);

	*tag = exists ? etag_hash(r->adm, v.plan_json) : 0;
	return exists;
}

void bootstrap_get(struct adm_req *r)
{
	struct adm_bootstrap_view v = {0};
	struct jo o = {0};
	enum err e = r->adm->ops.bootstrap_get(r->adm->ops.arg, r->endpoint, &v);

	if (e) {
		req_err(r, e);
		return;
	}
	jo_object(&o, NULL);
	if (r->endpoint.n) {
		jo_text(&o, "endpoint", r->endpoint);
		jo_bool(&o, "own_plan", v.own_plan);
		jo_str(&o, "state", v.state);
		jo_str(&o, "last_result", v.last_result);
		jo_time(&o, "last", v.last_wall_s);
	}
	if (r->endpoint.n) {
		jo_array(&o, "reads");
		if (v.reads.n)
			jo_json(&o, NULL, v.reads);
		jo_end_array(&o);
	}
	if (v.plan_json.n)
		jo_json(&o, "plan", v.plan_json);
	else
		jo_null(&o, "plan");
	jo_end_object(&o);
	req_json(r, 200, &o);
}

/* Only that it is JSON is checked here: what it says is the bootstrap engine's matter. */
void bootstrap_put(struct adm_req *r)
{
	struct json_object *plan;

	if (!js_parse(r->body, &plan, &r->fail)) {
		req_fail(r);
		return;
	}
	js_free(plan);
	r->adm->ops.plan_put(r->adm->ops.arg, r->endpoint, r->body, req_done, r);
}

void bootstrap_start_post(struct adm_req *r)
{
	r->adm->ops.bootstrap_start(r->adm->ops.arg, r->endpoint, req_done, r);
}

void bootstrap_delete(struct adm_req *r)
{
	r->adm->ops.plan_delete(r->adm->ops.arg, r->endpoint, req_done, r);
}
