/* SPDX-License-Identifier: Apache-2.0 */
/* "Why does it not connect": reasons, the newest first as the operation gives them. */
#include "admin/routes.h"

void explain_reason(struct jo *o, const struct adm_reason *v)
{
	jo_object(o, NULL);
	jo_str(o, "code", v->code);
	jo_str(o, "text", v->text);
	jo_time(o, "last", v->wall_s);
	jo_u64(o, "count", v->count);
	jo_end_object(o);
}

static void reason_out(void *cb_arg, const struct adm_reason *v)
{
	explain_reason(cb_arg, v);
}

void explain_get(struct adm_req *r)
{
	struct jo o = {0};
	enum err e;

	req_list_begin(r, &o, "reasons");
	e = r->adm->ops.explain(r->adm->ops.arg, r->endpoint, reason_out, &o);
	req_list_end(r, &o, e);
}
