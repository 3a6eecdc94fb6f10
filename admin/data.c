/* SPDX-License-Identifier: Apache-2.0 */
/* Operations towards a device: data, execute, observations. */
#include "admin/body.h"
#include "admin/operation.h"
#include "admin/render.h"
#include "admin/routes.h"

#include <stdio.h>

static void response(const struct lwm_path *path, const struct adm_result *res, struct jo *o)
{
	jo_path(o, "path", path);
	if (res->has_response)
		jo_code(o, "code", res->code);
}

static void content(const struct lwm_path *path, const struct adm_result *res, struct jo *o)
{
	const struct lwm_format *f =
		res->content_format < 0 ? NULL : lwm_format((uint32_t)res->content_format);
	char number[16];

	response(path, res, o);
	if (f)
		jo_str(o, "format", f->name);
	snprintf(number, sizeof(number), "%d", res->content_format);
	if (!f && res->content_format >= 0)
		jo_str(o, "format", number);
	render_values(o, path, res->content_format, res->payload);
}

/* The `format` parameter: a name or a number. */
static bool format(struct adm_req *r, int32_t *cf)
{
	const struct span *s = url_param(&r->url, "format");
	const struct lwm_format *f = s ? lwm_format_by_name(*s) : NULL;
	uint64_t number;

	*cf = -1;
	if (!s)
		return true;
	if (!f && span_to_u64(*s, UINT16_MAX, &number) == ERR_OK)
		f = lwm_format((uint32_t)number);
	if (!f)
		return adm_fail_set(&r->fail, 400, "bad-request", "format",
			"format must be text, opaque or tlv, or the number of one of them");
	*cf = f->cf;
	return true;
}

/* What every operation has in common. min and max: how many ids its path may have. */
static bool prepare(
	struct adm_req *r, enum adm_dm_kind kind, uint8_t min, uint8_t max, struct adm_dm *d)
{
	*d = (struct adm_dm){.kind = kind, .endpoint = r->endpoint};
	if (!req_path(r, min, max) || !format(r, &d->content_format) || !req_wait(r))
		return false;
	d->path = r->path;
	return true;
}

static void run(struct adm_req *r, const struct adm_dm *d, adm_answer_fn *answer)
{
	operation_run(r, d, answer);
}

void data_get(struct adm_req *r)
{
	struct adm_dm d;

	if (prepare(r, ADM_READ, 1, 4, &d))
		run(r, &d, content);
	else
		req_fail(r);
}

void data_put(struct adm_req *r)
{
	struct lwm_records rec;
	struct adm_dm d;

	lwm_records_init(&rec, &r->arena);
	if (!prepare(r, ADM_WRITE, 2, 4, &d) || !body_values(r->body, &r->path, &rec, &r->fail)) {
		req_fail(r);
		return;
	}
	d.records = rec.v;
	d.record_n = rec.n;
	run(r, &d, response);
}

void execute_post(struct adm_req *r)
{
	struct adm_dm d;

	if (prepare(r, ADM_EXECUTE, 3, 3, &d) &&
		body_execute(r->body, &r->arena, &d.arguments, &r->fail))
		run(r, &d, response);
	else
		req_fail(r);
}

void observation_put(struct adm_req *r)
{
	struct adm_dm d;

	if (prepare(r, ADM_OBSERVE, 1, 4, &d))
		run(r, &d, content);
	else
		req_fail(r);
}

void observation_delete(struct adm_req *r)
{
	struct adm_dm d;

	if (prepare(r, ADM_CANCEL, 1, 4, &d))
		run(r, &d, response);
	else
		req_fail(r);
}

static void observation_out(void *cb_arg, const struct adm_observation_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_path(o, "path", &v->path);
	jo_str(o, "state", v->state);
	jo_u64(o, "notifications", v->notifications);
	jo_time(o, "last", v->last_wall_s);
	jo_end_object(o);
}

void observations_list(struct adm_req *r)
{
	struct jo o = {0};
	enum err e;

	req_list_begin(r, &o, "observations");
	e = r->adm->ops.observation_list(r->adm->ops.arg, r->endpoint, observation_out, &o);
	req_list_end(r, &o, e);
}
