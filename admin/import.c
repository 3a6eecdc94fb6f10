/* SPDX-License-Identifier: Apache-2.0 */
/* Many endpoints at once: one JSON object a line. A line that is refused changes nothing, and keeps
 * no other from being done. */
#include "admin/body.h"
#include "admin/routes.h"

#include <string.h>

struct import {
	struct adm_req *r;
	struct adm_import *line;
	size_t *number; /* of each, in the body */
	size_t n;
};

/* The next line of *rest, without its end; *number counts it. */
static struct span next_line(struct span *rest, size_t *number)
{
	struct reader r = rd_make(*rest);
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '\n')
		n++;
	struct span line = rd_bytes(&r, n);
	(void)(n < rest->n && rd_u8(&r));
	*rest = rd_rest(&r);
	++*number;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool blank(struct span line)
{
	while (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = span_sub(line, 1, line.n);
	return line.n == 0;
}

/* Lines that hold something. */
static size_t count(struct span body)
{
	size_t n = 0, number = 0;

	while (body.n)
		n += !blank(next_line(&body, &number));
	return n;
}

static void read_line(struct import *im, struct span text, size_t number)
{
	struct adm_import *l = &im->line[im->n];
	struct adm_fail fail = {0};

	im->number[im->n++] = number;
	if (body_import(text, &im->r->arena, l, &fail))
		return;
	l->status = fail.status;
	l->type = fail.type;
	memcpy(l->field, fail.field, sizeof(l->field));
	memcpy(l->detail, fail.detail, sizeof(l->detail));
}

/* False: im->r->fail says why. */
static bool read_body(struct import *im)
{
	struct span rest = im->r->body;
	size_t n = count(rest), number = 0;

	if (n == 0 || n > ADM_IMPORT_MAX)
		return adm_fail_set(&im->r->fail, n ? 413 : 400, n ? "too-large" : "bad-request",
			NULL, "an import has 1 to %d lines, a JSON object each",
			(int)ADM_IMPORT_MAX);
	im->line = arena_alloc(&im->r->arena, n * sizeof(*im->line));
	im->number = arena_alloc(&im->r->arena, n * sizeof(*im->number));
	if (!im->line || !im->number)
		return adm_fail_set(&im->r->fail, 503, "overload", NULL, "out of memory");
	while (rest.n) {
		struct span line = next_line(&rest, &number);

		if (!blank(line))
			read_line(im, line, number);
	}
	return true;
}

static void refusal_out(struct jo *o, const struct adm_import *l, size_t number)
{
	jo_object(o, NULL);
	jo_u64(o, "line", number);
	if (l->endpoint.n)
		jo_text(o, "endpoint", l->endpoint);
	jo_u64(o, "status", (uint64_t)l->status);
	jo_str(o, "type", l->type);
	if (l->field[0])
		jo_str(o, "field", l->field);
	jo_str(o, "detail", l->detail);
	jo_end_object(o);
}

static void report(struct import *im)
{
	struct jo o = {0};
	size_t made = 0, same = 0;

	for (size_t i = 0; i < im->n; i++) {
		made += im->line[i].status == 201;
		same += im->line[i].status == 200;
	}
	jo_object(&o, NULL);
	jo_u64(&o, "lines", im->n);
	jo_u64(&o, "imported", made);
	jo_u64(&o, "unchanged", same);
	jo_array(&o, "refused");
	for (size_t i = 0; i < im->n; i++)
		if (im->line[i].status >= 300)
			refusal_out(&o, &im->line[i], im->number[i]);
	jo_end_array(&o);
	jo_end_object(&o);
	req_json(im->r, 200, &o);
}

/* The lines, and this structure, live in the arena of the request. */
static void done(void *done_arg, const struct adm_result *res)
{
	struct import *im = done_arg;

	if (im->r->adm && res->status == 200)
		report(im);
	else
		req_done(im->r, res);
}

void import_post(struct adm_req *r)
{
	const struct span *replace = url_param(&r->url, "replace");
	bool yes = replace && span_eq_str(*replace, "true");
	struct import *im = arena_alloc(&r->arena, sizeof(*im));

	if (!im) {
		req_problem(r, 503, "overload", "out of memory");
		return;
	}
	*im = (struct import){.r = r};
	if (replace && !yes && !span_eq_str(*replace, "false"))
		adm_fail_set(
			&r->fail, 400, "bad-request", "replace", "replace must be true or false");
	if (r->fail.status || !read_body(im))
		req_fail(r);
	else
		r->adm->ops.import(r->adm->ops.arg, im->line, im->n, yes, done, im);
}
