/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/body.h"
#include "admin/etag.h"
#include "admin/routes.h"
#include "lwm2m/link.h"
#include "lwm2m/regparam.h"

#include <stdio.h>

enum { LIST_LIMIT_MAX = 1000, LIST_LIMIT_PRESET = 100 };

static void objects(struct jo *o, struct span links)
{
	struct lwm_link l;

	jo_array(o, "objects");
	while (lwm_link_next(&links, &l) == ERR_OK)
		if (l.target.p && l.target.n > 1)
			jo_text(o, NULL, l.target);
	jo_end_array(o);
}

static void registration(struct jo *o, const struct adm_endpoint_view *v, bool full)
{
	char version[8];

	if (!v->registered) {
		jo_null(o, "registration");
		return;
	}
	jo_object(o, "registration");
	jo_text(o, "location", v->location);
	jo_u64(o, "lifetime_s", v->lifetime_s);
	if (v->expires_in_s == INT64_MAX)
		jo_null(o, "expires_in_s");
	else
		jo_i64(o, "expires_in_s", v->expires_in_s);
	snprintf(version, sizeof(version), "%u.%u", v->lwm2m / 10u, v->lwm2m % 10u);
	jo_str(o, "lwm2m", version);
	jo_str(o, "binding", v->binding);
	jo_bool(o, "queue", v->queue);
	jo_bool(o, "asleep", v->asleep);
	jo_str(o, "security", v->security);
	jo_str(o, "address", v->address);
	jo_time(o, "registered_at", v->registered_wall_s);
	if (full) {
		jo_text(o, "links", v->links);
		objects(o, v->links);
	}
	jo_end_object(o);
}

/* What PUT sets. */
static void settings_out(struct jo *o, const struct adm_endpoint_view *v)
{
	jo_text(o, "name", v->name);
	jo_text(o, "bs_ep", v->bs_ep.n ? v->bs_ep : v->name);
	jo_text(o, "rd_ep", v->rd_ep.n ? v->rd_ep : v->name);
	jo_str(o, "freshness", v->freshness);
	jo_bool(o, "nosec", v->nosec_allowed);
	jo_str(o, "require", v->require);
	jo_str(o, "oscore_version", v->oscore_version);
	jo_u64(o, "block_size", v->pace.block_bytes);
	jo_u64(o, "message_size", v->pace.message_bytes);
	jo_u64(o, "ack_timeout_ms", v->pace.ack_timeout_ms);
	jo_u64(o, "max_retransmit", v->pace.max_retransmit);
	jo_u64(o, "nstart", v->pace.nstart);
}

static void view_out(struct jo *o, const struct adm_endpoint_view *v, bool full)
{
	jo_object(o, NULL);
	settings_out(o, v);
	jo_u64(o, "contexts", v->context_n);
	jo_bool(o, "registered", v->registered);
	jo_time(o, "last_contact", v->last_contact_wall_s);
	registration(o, v, full);
	jo_end_object(o);
}

struct list {
	struct jo out;
	struct adm_req *r;
	struct span last;
	enum err err;
};

static void list_row(void *cb_arg, const struct adm_endpoint_view *v)
{
	struct list *l = cb_arg;

	view_out(&l->out, v, false);
	l->last = arena_dup(&l->r->arena, v->name, &l->err);
}

/* The link to the next page, in the body and as a header (RFC 8288). */
static void link_next(struct list *l, uint64_t limit, const struct span *match)
{
	char text[6 * LWM_EP_MAX + 128], header[sizeof(text) + 16];
	struct writer w = wr_make(text, sizeof(text) - 1);

	wr_fmt(&w, "/v1/endpoints?limit=%u&after=", (unsigned)limit);
	wr_url(&w, l->last);
	if (match) {
		wr_str(&w, "&match=");
		wr_url(&w, *match);
	}
	if (w.err) {
		l->err = w.err;
		return;
	}
	text[w.n] = '\0';
	jo_str(&l->out, "next", text);
	snprintf(header, sizeof(header), "<%s>; rel=\"next\"", text);
	req_header(l->r, "Link", "", header);
}

void endpoints_list(struct adm_req *r)
{
	const struct span *after = url_param(&r->url, "after");
	const struct span *match = url_param(&r->url, "match");
	struct list l = {.r = r};
	uint64_t limit;
	bool more;

	if (!url_number(&r->url, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT_PRESET, &limit, &r->fail)) {
		req_fail(r);
		return;
	}
	jo_object(&l.out, NULL);
	jo_array(&l.out, "endpoints");
	more = r->adm->ops.endpoint_list(r->adm->ops.arg, after ? *after : SPAN_EMPTY,
		(size_t)limit, match ? *match : SPAN_EMPTY, list_row, &l);
	jo_end_array(&l.out);
	if (more)
		link_next(&l, limit, match);
	jo_end_object(&l.out);
	if (l.err)
		l.out.err = l.err;
	req_json(r, 200, &l.out);
}

static void full_row(void *cb_arg, const struct adm_endpoint_view *v)
{
	view_out(cb_arg, v, true);
}

static void tag_row(void *cb_arg, const struct adm_endpoint_view *v)
{
	settings_out(cb_arg, v);
}

bool endpoint_tag(struct adm_req *r, uint64_t *tag)
{
	struct jo o = {0};
	bool exists = r->adm->ops.endpoint_get(r->adm->ops.arg, r->endpoint, tag_row, &o) == ERR_OK;

	*tag = etag_hash(r->adm, span_make(o.p, o.n));
	jo_free(&o);
	return exists;
}

void endpoint_get(struct adm_req *r)
{
	struct jo o = {0};
	enum err e = r->adm->ops.endpoint_get(r->adm->ops.arg, r->endpoint, full_row, &o);

	if (e == ERR_OK) {
		req_json(r, 200, &o);
		return;
	}
	jo_free(&o);
	req_err(r, e);
}

void endpoint_put(struct adm_req *r)
{
	struct adm_settings s;

	if (!body_settings(r->body, &r->arena, &s, &r->fail))
		req_fail(r);
	else
		r->adm->ops.endpoint_put(r->adm->ops.arg, r->endpoint, &s, req_done, r);
}

void endpoint_delete(struct adm_req *r)
{
	r->adm->ops.endpoint_delete(r->adm->ops.arg, r->endpoint, req_done, r);
}
