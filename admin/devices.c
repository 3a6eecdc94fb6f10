/* SPDX-License-Identifier: Apache-2.0 */
/* The devices behind a gateway. */
#include "admin/render.h"
#include "admin/routes.h"

enum { LINKS_MAX = 96 << 10 };

static void objects(struct jo *o, const struct lwm_object_list *list)
{
	static uint8_t text[LINKS_MAX];
	struct writer w = wr_make(text, sizeof(text));
	struct span links;
	struct lwm_link l;

	if (lwm_object_list_write(list, &w))
		w.n = 0;
	links = wr_span(&w);
	jo_text(o, "links", links);
	jo_array(o, "objects");
	while (lwm_link_next(&links, &l) == ERR_OK)
		jo_text(o, NULL, l.target);
	jo_end_array(o);
}

static void problem(struct jo *o, const struct adm_device_view *v)
{
	char text[128];
	struct writer w = wr_make(text, sizeof(text));

	if (v->fault)
		wr_fmt(&w, "its prefix %s", v->fault);
	if (v->links_bad)
		wr_fmt(&w, "%sits object list cannot be read", v->fault ? "; " : "");
	if (w.n)
		jo_text(o, "problem", wr_span(&w));
}

static void device_out(void *cb_arg, const struct adm_device_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_u64(o, "instance", v->instance);
	jo_text(o, "device_id", v->id);
	jo_text(o, "prefix", v->prefix);
	jo_bool(o, "usable", !v->fault);
	problem(o, v);
	objects(o, v->list);
	jo_end_object(o);
}

void devices_get(struct adm_req *r)
{
	struct jo o = {0};
	struct adm_gateway_view g;
	enum err e;

	jo_object(&o, NULL);
	jo_text(&o, "endpoint", r->endpoint);
	jo_array(&o, "devices");
	e = r->adm->ops.device_list(r->adm->ops.arg, r->endpoint, &g, device_out, &o);
	jo_end_array(&o);
	if (e) {
		jo_free(&o);
		req_err(r, e);
		return;
	}
	jo_str(&o, "state", g.state);
	jo_time(&o, "read", g.read_wall_s);
	if (g.code)
		jo_code(&o, "code", g.code);
	if (g.left_out)
		jo_u64(&o, "left_out", g.left_out);
	jo_end_object(&o);
	req_json(r, 200, &o);
}
