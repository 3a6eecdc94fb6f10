/* SPDX-License-Identifier: Apache-2.0 */
/* Operations towards a device: data, execute, observations. */
#include "admin/body.h"
#include "admin/operation.h"
#include "admin/render.h"
#include "admin/routes.h"
#include "lwm2m/link.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void response(const struct lwm_path *path, const struct adm_result *res, struct jo *o)
{
	jo_target(o, res->prefix, path);
	if (res->has_response)
		jo_code(o, "code", res->code);
}

static void content(const struct lwm_path *path, const struct adm_result *res, struct jo *o)
{
	const struct lwm_format *f =
		res->content_format < 0 ? NULL : lwm_format((uint32_t)res->content_format);
	const struct lwm_codec_opts opts = {.now_s = (double)time(NULL),
		.alt = res->alt,
		.behind = res->prefix,
		.versions = res->versions};
	char number[16];

	response(path, res, o);
	if (f)
		jo_str(o, "format", f->name);
	snprintf(number, sizeof(number), "%d", res->content_format);
	if (!f && res->content_format >= 0)
		jo_str(o, "format", number);
	if (res->in_parts)
		jo_bool(o, "in_parts", true);
	render_values(o, path, res->content_format, res->payload, &opts);
}

/* What can be asked for, or written there. A POST of a single value would be an Execute to some
 * devices (CT-45). */
static bool usable(const struct lwm_format *f, enum adm_dm_kind kind, const struct lwm_path *p)
{
	if (kind == ADM_READ_COMPOSITE || kind == ADM_WRITE_COMPOSITE)
		return f->encode && !f->single_only && f->cf != LWM_CF_TLV && f->cf != LWM_CF_JSON;
	if (f->etch)
		return false;
	if (kind == ADM_OBSERVE_COMPOSITE)
		return f->encode && !f->single_only && f->cf != LWM_CF_TLV && f->cf != LWM_CF_JSON;
	if (kind == ADM_WRITE)
		return f->encode && (p->n >= 3 || !f->single_only);
	if (kind == ADM_WRITE_PARTIAL)
		return f->encode && !f->single_only;
	return f->decode;
}

/* Names what it could be, from the table. */
static bool bad_format(struct adm_req *r, enum adm_dm_kind kind)
{
	char names[160];
	struct writer w = wr_make(names, sizeof(names) - 1);
	size_t n;
	const struct lwm_format *f = lwm_format_table(&n);

	for (size_t i = 0; i < n; i++)
		if (usable(&f[i], kind, &r->path))
			wr_fmt(&w, "%s%s", w.n ? ", " : "", f[i].name);
	names[w.n] = '\0';
	return adm_fail_set(&r->fail, 400, "bad-request", "format",
		"format must be one of %s, or its number", names);
}

/* The `format` parameter: a name or a number. */
static bool format(struct adm_req *r, enum adm_dm_kind kind, int32_t *cf)
{
	const struct span *s = url_param(&r->url, "format");
	const struct lwm_format *f = s ? lwm_format_by_name(*s) : NULL;
	uint64_t number;

	*cf = -1;
	if (!s)
		return true;
	if (!f && span_to_u64(*s, UINT16_MAX, &number) == ERR_OK)
		f = lwm_format((uint32_t)number);
	if (!f || !usable(f, kind, &r->path))
		return bad_format(r, kind);
	*cf = f->cf;
	return true;
}

/* What every operation has in common. min and max: how many ids its path may have. */
static bool prepare(
	struct adm_req *r, enum adm_dm_kind kind, uint8_t min, uint8_t max, struct adm_dm *d)
{
	*d = (struct adm_dm){.kind = kind, .endpoint = r->endpoint, .depth = -1};
	if (!req_path(r, min, max) || !format(r, kind, &d->content_format) || !req_wait(r))
		return false;
	d->prefix = r->prefix;
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

static bool replace_body(struct adm_req *r, struct lwm_records *rec)
{
	enum req_media media = req_media(r);
	const struct lwm_versions versions = req_versions(r);

	if (media == REQ_JSON)
		return body_values(r->body, &r->path, &versions, rec, &r->fail);
	return body_raw(r->body, media == REQ_TEXT, &r->path, &versions, rec, &r->fail);
}

void data_put(struct adm_req *r)
{
	struct lwm_records rec;
	struct adm_dm d;

	lwm_records_init(&rec, &r->arena);
	if (!prepare(r, ADM_WRITE, 2, 4, &d) || !replace_body(r, &rec)) {
		req_fail(r);
		return;
	}
	d.records = rec.v;
	d.record_n = rec.n;
	run(r, &d, response);
}

/* The path is that of the new instance, or of its object if nobody knows. */
static void created(const struct lwm_path *path, const struct adm_result *res, struct jo *o)
{
	if (path->n == 2)
		jo_target(o, res->prefix, path);
	if (res->has_response)
		jo_code(o, "code", res->code);
}

static void create(struct adm_req *r, struct adm_dm *d)
{
	d->kind = ADM_CREATE;
	if (d->records->path.id[1] != LWM_ID_NONE)
		r->path = (struct lwm_path){2, {d->path.id[0], d->records->path.id[1]}};
	run(r, d, created);
}

/* On an Object it is a Create, below one a Write that adds. */
void data_post(struct adm_req *r)
{
	const struct lwm_versions versions = req_versions(r);
	struct lwm_records rec;
	struct adm_dm d;

	lwm_records_init(&rec, &r->arena);
	if (!prepare(r, ADM_WRITE_PARTIAL, 1, 3, &d) || !req_json_only(r) ||
		!(d.path.n == 1 ? body_create : body_partial)(
			r->body, &r->path, &versions, &rec, &r->fail)) {
		req_fail(r);
		return;
	}
	d.records = rec.v;
	d.record_n = rec.n;
	if (d.path.n == 1)
		create(r, &d);
	else
		run(r, &d, response);
}

void data_delete(struct adm_req *r)
{
	struct adm_dm d;
	bool good = prepare(r, ADM_DELETE, 2, 4, &d);

	if (good && d.path.n == 3)
		good = adm_fail_set(&r->fail, 400, "invalid", "path",
			"the path leads to a resource; this takes an object instance or a "
			"resource instance");
	if (good)
		run(r, &d, response);
	else
		req_fail(r);
}

static void links(const struct lwm_path *path, const struct adm_result *res, struct jo *o)
{
	response(path, res, o);
	render_links(o, path, res->content_format, res->payload, &res->versions);
}

void discover_get(struct adm_req *r)
{
	bool given = url_param(&r->url, "depth") != NULL;
	uint64_t depth;
	struct adm_dm d;

	if (!prepare(r, ADM_DISCOVER, 1, 3, &d) ||
		!url_number(&r->url, "depth", 0, 3, 0, &depth, &r->fail)) {
		req_fail(r);
		return;
	}
	if (given)
		d.depth = (int8_t)depth;
	run(r, &d, links);
}

void attributes_put(struct adm_req *r)
{
	struct adm_dm d;

	if (prepare(r, ADM_ATTRIBUTES, 1, 4, &d) && req_json_only(r) &&
		body_attributes(r->body, &r->path, &r->arena, &d.attributes, &r->fail))
		run(r, &d, response);
	else
		req_fail(r);
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

/* What is put together in one message. */
static void composite(
	struct adm_req *r, enum adm_dm_kind kind, struct lwm_records *rec, adm_answer_fn *answer)
{
	struct adm_dm d = {.kind = kind, .endpoint = r->endpoint, .depth = -1};
	const struct lwm_versions versions = req_versions(r);
	bool good;

	r->path = (struct lwm_path){0};
	good = format(r, kind, &d.content_format) && req_wait(r) && req_json_only(r);
	if (good && kind != ADM_WRITE_COMPOSITE)
		good = body_paths(r->body, rec, &r->fail);
	else if (good)
		good = body_composite(r->body, &versions, rec, &r->fail);
	if (!good) {
		req_fail(r);
		return;
	}
	d.records = rec->v;
	d.record_n = rec->n;
	run(r, &d, answer);
}

void read_composite_post(struct adm_req *r)
{
	struct lwm_records rec;

	lwm_records_init(&rec, &r->arena);
	composite(r, ADM_READ_COMPOSITE, &rec, content);
}

void write_composite_post(struct adm_req *r)
{
	struct lwm_records rec;

	lwm_records_init(&rec, &r->arena);
	composite(r, ADM_WRITE_COMPOSITE, &rec, response);
}

/* The lowest Server Object Instance that the device has listed; 0 if it has listed none. */
static void server_instance(void *cb_arg, const struct adm_endpoint_view *v)
{
	uint16_t *out = cb_arg;
	struct span rest = v->links;
	struct lwm_link l;

	while (lwm_link_next(&rest, &l) == ERR_OK) {
		struct lwm_path p;

		if (l.target.p && lwm_path_parse(l.target, &p) == ERR_OK && p.n == 2 &&
			p.id[0] == 1 && p.id[1] < *out)
			*out = p.id[1];
	}
}

/* The Bootstrap-Request Trigger (BS-22). Whether there is such an endpoint, and whether it can be
 * asked, the operation tells. */
void bootstrap_trigger_post(struct adm_req *r)
{
	struct adm_dm d = {.kind = ADM_EXECUTE,
		.endpoint = r->endpoint,
		.path = {.n = 3, .id = {1, LWM_ID_NONE, 9}},
		.content_format = -1,
		.depth = -1};
	uint64_t iid;

	if (r->adm->ops.endpoint_get(
		    r->adm->ops.arg, r->endpoint, server_instance, &d.path.id[1]) ||
		d.path.id[1] == LWM_ID_NONE)
		d.path.id[1] = 0;
	if (url_number(&r->url, "instance", 0, LWM_ID_NONE - 1, d.path.id[1], &iid, &r->fail) &&
		req_wait(r)) {
		d.path.id[1] = (uint16_t)iid;
		r->path = d.path;
		run(r, &d, response);
	} else {
		req_fail(r);
	}
}

void observe_composite_put(struct adm_req *r)
{
	struct lwm_records rec;

	lwm_records_init(&rec, &r->arena);
	composite(r, ADM_OBSERVE_COMPOSITE, &rec, content);
}

void observe_composite_delete(struct adm_req *r)
{
	struct lwm_records rec;

	lwm_records_init(&rec, &r->arena);
	composite(r, ADM_CANCEL_COMPOSITE, &rec, response);
}

void observation_put(struct adm_req *r)
{
	struct adm_dm d;

	/* Parameters (LwM2M 1.2) stand in a body, like attributes. */
	if (prepare(r, ADM_OBSERVE, 1, 4, &d) &&
		(!r->body.n || (req_json_only(r) && body_attributes(r->body, &r->path, &r->arena,
							    &d.attributes, &r->fail))))
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

/* "pmin=10&gt=5", as the attributes of a Discover are shown. */
static void parameters(struct jo *o, struct span text)
{
	if (!text.n)
		return;
	jo_object(o, "attributes");
	while (text.n) {
		const uint8_t *amp = memchr(text.p, '&', text.n);
		struct span one = span_sub(text, 0, amp ? (size_t)(amp - text.p) : text.n);
		const uint8_t *sign = memchr(one.p, '=', one.n);
		size_t n = sign ? (size_t)(sign - one.p) : one.n;
		char name[16];

		if (span_to_str(span_sub(one, 0, n), name, sizeof(name)) == ERR_OK)
			jo_text(o, name, span_sub(one, n + 1, one.n));
		text = span_sub(text, one.n + 1, text.n);
	}
	jo_end_object(o);
}

/* As one would ask for it: the prefix in front. */
static void path_row(struct jo *o, const struct lwm_target *at)
{
	char text[LWM_TARGET_TEXT_MAX];
	struct writer w = wr_make(text, sizeof(text));

	wr_target(&w, &at->prefix, &at->path);
	jo_text(o, NULL, wr_span(&w));
}

static void observation_out(void *cb_arg, const struct adm_observation_view *v)
{
	struct jo *o = cb_arg;

	jo_object(o, NULL);
	jo_target(o, lwm_prefix_span(&v->prefix), &v->path);
	if (v->path_n)
		jo_array(o, "paths");
	for (size_t i = 0; i < v->path_n; i++)
		path_row(o, &v->paths[i]);
	if (v->path_n)
		jo_end_array(o);
	parameters(o, v->attributes);
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

adm_answer_fn *data_answer(enum adm_dm_kind kind)
{
	switch (kind) {
	case ADM_READ:
	case ADM_OBSERVE:
	case ADM_READ_COMPOSITE:
	case ADM_OBSERVE_COMPOSITE:
		return content;
	case ADM_CREATE:
		return created;
	case ADM_DISCOVER:
		return links;
	case ADM_WRITE:
	case ADM_WRITE_PARTIAL:
	case ADM_DELETE:
	case ADM_EXECUTE:
	case ADM_ATTRIBUTES:
	case ADM_CANCEL:
	case ADM_CANCEL_COMPOSITE:
	case ADM_WRITE_COMPOSITE:
		break;
	}
	return response;
}
