/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware: images, and the updates of endpoints. */
#include "admin/body.h"
#include "admin/range.h"
#include "admin/routes.h"

#include <string.h>

/* Both are shown alike: all of them as the array of an object, one of them as itself. */
static void list_begin(struct jo *o, const char *array)
{
	jo_object(o, NULL);
	jo_array(o, array);
}

static void list_end(struct adm_req *r, struct jo *o, enum err e)
{
	if (e) {
		jo_free(o);
		req_err(r, e);
		return;
	}
	jo_end_array(o);
	jo_end_object(o);
	req_json(r, 200, o);
}

/* `missing` says that there is none, which `type` and `detail` tell. */
static void one_end(struct adm_req *r, int status, struct jo *o, enum err e, enum err missing,
	const char *type, const char *detail)
{
	if (!e) {
		req_json(r, status, o);
		return;
	}
	jo_free(o);
	if (e == missing)
		req_problem(r, 404, type, detail);
	else
		req_err(r, e);
}

/* ---- images */

static void image_out(void *cb_arg, const struct adm_image_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_str(o, "name", v->name);
	jo_u64(o, "bytes", v->bytes);
	jo_hex(o, "sha256", v->sha256);
	jo_bool(o, "once", v->once);
	jo_u64(o, "uses", v->uses);
	jo_time(o, "created", v->created_wall_s);
	jo_end_object(o);
}

void images_list(struct adm_req *r)
{
	struct jo o = {0};

	list_begin(&o, "images");
	list_end(r, &o, r->adm->ops.image_list(r->adm->ops.arg, SPAN_EMPTY, image_out, &o));
}

static void image_answer(struct adm_req *r, int status)
{
	struct jo o = {0};
	enum err e = r->rest.n ? r->adm->ops.image_list(r->adm->ops.arg, r->rest, image_out, &o)
			       : ERR_NOTFOUND;

	one_end(r, status, &o, e, ERR_NOTFOUND, "unknown-image", "there is no image of this name");
}

void image_get(struct adm_req *r)
{
	image_answer(r, 200);
}

static void image_done(void *done_arg, const struct adm_result *res)
{
	struct adm_req *r = done_arg;
	struct jo o = {0};

	if (!r->adm || (res->status != 201 && res->status != 202)) {
		req_done(r, res);
		return;
	}
	if (res->status == 201) {
		image_answer(r, 201);
		return;
	}
	jo_object(&o, NULL);
	jo_text(&o, "name", r->rest);
	jo_u64(&o, "received", res->bytes);
	jo_end_object(&o);
	req_json(r, 202, &o);
}

void image_put(struct adm_req *r)
{
	struct span range = req_input_header(r, "Content-Range");
	const struct span *once = url_param(&r->url, "once");
	struct adm_image_piece p = {.name = r->rest, .bytes = r->body, .total = r->body.n};

	if (once)
		p.once = span_eq_str(*once, "true");
	if (once && !p.once && !span_eq_str(*once, "false"))
		(void)adm_fail_set(
			&r->fail, 400, "bad-request", "once", "once must be true or false");
	else if (range.p && !range_read(range, r->body.n, &p.at, &p.total))
		(void)adm_fail_set(&r->fail, 400, "bad-request", NULL,
			"Content-Range must be like bytes 0-1023/5000, and fit the body");
	if (r->fail.status)
		req_fail(r);
	else
		r->adm->ops.image_add(r->adm->ops.arg, &p, image_done, r);
}

void image_delete(struct adm_req *r)
{
	r->adm->ops.image_delete(r->adm->ops.arg, r->rest, req_done, r);
}

/* ---- updates */

static void firmware_out(void *cb_arg, const struct adm_firmware_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_text(o, "endpoint", v->endpoint);
	jo_str(o, "state", v->state);
	jo_bool(o, "over", v->over);
	jo_bool(o, "waiting", v->waiting);
	jo_str(o, "method", v->method);
	if (*v->image)
		jo_str(o, "image", v->image);
	if (*v->uri)
		jo_str(o, "uri", v->uri);
	if (v->bytes) {
		jo_u64(o, "sent", v->sent);
		jo_u64(o, "bytes", v->bytes);
	}
	jo_u64(o, "result", v->result);
	jo_str(o, "result_text", v->result_text);
	jo_str(o, "detail", v->detail);
	jo_time(o, "created", v->created_wall_s);
	jo_time(o, "changed", v->changed_wall_s);
	jo_end_object(o);
}

void firmware_list(struct adm_req *r)
{
	struct jo o = {0};

	list_begin(&o, "updates");
	list_end(r, &o, r->adm->ops.firmware_list(r->adm->ops.arg, SPAN_EMPTY, firmware_out, &o));
}

static void firmware_answer(struct adm_req *r, int status)
{
	struct jo o = {0};
	enum err e = r->adm->ops.firmware_list(r->adm->ops.arg, r->endpoint, firmware_out, &o);

	one_end(r, status, &o, e, ERR_STATE, "no-update", "it has no firmware update");
}

void firmware_get(struct adm_req *r)
{
	firmware_answer(r, 200);
}

static void firmware_done(void *done_arg, const struct adm_result *res)
{
	struct adm_req *r = done_arg;

	if (r->adm && (res->status == 201 || res->status == 202))
		firmware_answer(r, res->status);
	else
		req_done(r, res);
}

void firmware_put(struct adm_req *r)
{
	struct adm_firmware f;

	if (!body_firmware(r->body, &r->arena, &f, &r->fail))
		req_fail(r);
	else
		r->adm->ops.firmware_start(r->adm->ops.arg, r->endpoint, &f, firmware_done, r);
}

void firmware_delete(struct adm_req *r)
{
	r->adm->ops.firmware_cancel(r->adm->ops.arg, r->endpoint, firmware_done, r);
}
