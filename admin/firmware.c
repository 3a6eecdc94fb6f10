/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware: images, and the updates of endpoints. */
#include "admin/body.h"
#include "admin/routes.h"

#include <string.h>

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
	enum err e;

	jo_object(&o, NULL);
	jo_array(&o, "images");
	e = r->adm->ops.image_list(r->adm->ops.arg, SPAN_EMPTY, image_out, &o);
	if (e) {
		jo_free(&o);
		req_err(r, e);
		return;
	}
	jo_end_array(&o);
	jo_end_object(&o);
	req_json(r, 200, &o);
}

static void image_answer(struct adm_req *r, int status)
{
	struct jo o = {0};
	enum err e = r->rest.n ? r->adm->ops.image_list(r->adm->ops.arg, r->rest, image_out, &o)
			       : ERR_NOTFOUND;

	if (!e) {
		req_json(r, status, &o);
		return;
	}
	jo_free(&o);
	if (e == ERR_NOTFOUND)
		req_problem(r, 404, "unknown-image", "there is no image of this name");
	else
		req_err(r, e);
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

/* "bytes 0-1023/5000" (RFC 9110 section 14.4), for a PUT of a part (section 14.5). False: not that.
 */
static bool read_range(struct span s, struct adm_image_piece *p)
{
	static const char unit[] = "bytes ";
	uint64_t part[3];
	size_t at = sizeof(unit) - 1;

	if (!span_eq(span_sub(s, 0, at), span_str(unit)))
		return false;
	for (int i = 0; i < 3; i++) {
		size_t n = 0;
		while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
			n++;
		if (span_to_u64(span_sub(s, at, n), UINT32_MAX, &part[i]))
			return false;
		at += n;
		if (i < 2 && (at >= s.n || s.p[at++] != "-/"[i]))
			return false;
	}
	p->at = part[0];
	p->total = part[2];
	return at == s.n && part[1] < part[2] && part[1] >= part[0] &&
	       part[1] - part[0] + 1 == p->bytes.n;
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
	else if (range.p && !read_range(range, &p))
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

static void members(struct jo *o, const struct adm_firmware_view *v)
{
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

static void firmware_out(void *cb_arg, const struct adm_firmware_view *v)
{
	members(cb_arg, v);
}

void firmware_list(struct adm_req *r)
{
	struct jo o = {0};
	enum err e;

	jo_object(&o, NULL);
	jo_array(&o, "updates");
	e = r->adm->ops.firmware_list(r->adm->ops.arg, SPAN_EMPTY, firmware_out, &o);
	if (e) {
		jo_free(&o);
		req_err(r, e);
		return;
	}
	jo_end_array(&o);
	jo_end_object(&o);
	req_json(r, 200, &o);
}

static void firmware_answer(struct adm_req *r, int status)
{
	struct jo o = {0};
	enum err e = r->adm->ops.firmware_list(r->adm->ops.arg, r->endpoint, firmware_out, &o);

	if (!e) {
		req_json(r, status, &o);
		return;
	}
	jo_free(&o);
	if (e == ERR_STATE)
		req_problem(r, 404, "no-update", "it has no firmware update");
	else
		req_err(r, e);
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
