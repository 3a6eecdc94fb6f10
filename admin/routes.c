/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/routes.h"

#include "admin/etag.h"
#include "admin/idempotency.h"
#include "base/text.h"
#include "lwm2m/regparam.h"

#include <string.h>

/* {} is an endpoint's name, * the rest of the path; `params` are the query parameters it takes. */
static const struct adm_route routes[] = {
	{"GET", "/v1/openapi.json", openapi_get, ""},
	{"GET", "/v1/status", status_get, ""},
	{"GET", "/v1/endpoints", endpoints_list, "limit after match"},
	{"GET", "/v1/endpoints/{}", endpoint_get, ""},
	{"PUT", "/v1/endpoints/{}", endpoint_put, ""},
	{"DELETE", "/v1/endpoints/{}", endpoint_delete, ""},
	{"GET", "/v1/endpoints/{}/credentials/oscore", credentials_get, ""},
	{"PUT", "/v1/endpoints/{}/credentials/oscore", credentials_put, ""},
	{"DELETE", "/v1/endpoints/{}/credentials/oscore", credentials_delete, "role"},
	{"GET", "/v1/endpoints/{}/credentials/psk", psks_get, ""},
	{"PUT", "/v1/endpoints/{}/credentials/psk", psk_put, ""},
	{"DELETE", "/v1/endpoints/{}/credentials/psk", psk_delete, "role"},
	{"GET", "/v1/endpoints/{}/credentials/x509", x509_get, ""},
	{"PUT", "/v1/endpoints/{}/credentials/x509", x509_put, ""},
	{"DELETE", "/v1/endpoints/{}/credentials/x509", x509_delete, "role"},
	{"GET", "/v1/endpoints/{}/credentials/rpk", rpk_get, ""},
	{"PUT", "/v1/endpoints/{}/credentials/rpk", rpk_put, ""},
	{"DELETE", "/v1/endpoints/{}/credentials/rpk", rpk_delete, "role"},
	{"POST", "/v1/endpoints/{}/oscore/decode", oscore_decode_post, ""},
	{"GET", "/v1/endpoints/{}/devices", devices_get, ""},
	{"GET", "/v1/endpoints/{}/data/*", data_get, "wait format expires"},
	{"PUT", "/v1/endpoints/{}/data/*", data_put, "wait format expires"},
	{"POST", "/v1/endpoints/{}/data/*", data_post, "wait format expires"},
	{"DELETE", "/v1/endpoints/{}/data/*", data_delete, "wait expires"},
	{"GET", "/v1/endpoints/{}/discover/*", discover_get, "wait depth expires"},
	{"PUT", "/v1/endpoints/{}/attributes/*", attributes_put, "wait expires"},
	{"POST", "/v1/endpoints/{}/execute/*", execute_post, "wait expires"},
	{"POST", "/v1/endpoints/{}/read-composite", read_composite_post, "wait format expires"},
	{"POST", "/v1/endpoints/{}/write-composite", write_composite_post, "wait format expires"},
	{"PUT", "/v1/endpoints/{}/observe-composite", observe_composite_put, "wait format expires"},
	{"DELETE", "/v1/endpoints/{}/observe-composite", observe_composite_delete, "wait"},
	{"GET", "/v1/endpoints/{}/observations", observations_list, ""},
	{"PUT", "/v1/endpoints/{}/observations/*", observation_put, "wait format expires"},
	{"DELETE", "/v1/endpoints/{}/observations/*", observation_delete, "wait"},
	{"GET", "/v1/endpoints/{}/explain", explain_get, ""},
	{"GET", "/v1/endpoints/{}/trace", trace_get, ""},
	{"POST", "/v1/import", import_post, "replace"},
	{"GET", "/v1/bootstrap/{}", bootstrap_get, ""},
	{"PUT", "/v1/bootstrap/{}", bootstrap_put, ""},
	{"DELETE", "/v1/bootstrap/{}", bootstrap_delete, ""},
	{"POST", "/v1/bootstrap/{}/trigger", bootstrap_trigger_post, "instance wait expires"},
	{"POST", "/v1/bootstrap/{}/start", bootstrap_start_post, ""},
	{"GET", "/v1/bootstrap-default", bootstrap_get, ""},
	{"PUT", "/v1/bootstrap-default", bootstrap_put, ""},
	{"DELETE", "/v1/bootstrap-default", bootstrap_delete, ""},
	{"GET", "/v1/firmware", images_list, ""},
	{"GET", "/v1/firmware/*", image_get, ""},
	{"PUT", "/v1/firmware/*", image_put, "once"},
	{"DELETE", "/v1/firmware/*", image_delete, ""},
	{"GET", "/v1/firmware-updates", firmware_list, ""},
	{"GET", "/v1/endpoints/{}/firmware", firmware_get, ""},
	{"PUT", "/v1/endpoints/{}/firmware", firmware_put, ""},
	{"DELETE", "/v1/endpoints/{}/firmware", firmware_delete, ""},
	{"GET", "/v1/operations", operations_list, "endpoint"},
	{"GET", "/v1/operations/*", operation_get, ""},
	{"DELETE", "/v1/operations/*", operation_delete, ""},
	{"GET", "/v1/events", events_get, "endpoint type after"},
	{"POST", "/v1/backups", backup_post, ""},
	{"POST", "/v1/unseal", unseal_post, ""},
	{"GET", "/v1/models", models_get, "object"},
	{"GET", "/metrics", metrics_get, ""},
};

/* What has an entity tag. */
static const struct {
	const char *pattern;
	adm_tag_fn *tag;
} tags[] = {
	{"/v1/openapi.json", openapi_tag},
	{"/v1/endpoints/{}", endpoint_tag},
	{"/v1/endpoints/{}/credentials/oscore", credentials_tag},
	{"/v1/bootstrap/{}", bootstrap_tag},
	{"/v1/bootstrap-default", bootstrap_tag},
};

enum { ROUTE_N = sizeof(routes) / sizeof(routes[0]) };

const struct adm_route *routes_table(size_t *n)
{
	*n = ROUTE_N;
	return routes;
}

/* The segments from `at` on with slashes between them. */
static struct span join(struct adm_req *r, size_t at)
{
	size_t n = 0;
	struct writer w;

	for (size_t i = at; i < r->url.segment_n; i++)
		n += r->url.segment[i].n + 1;
	w = wr_make(arena_alloc(&r->arena, n), n);
	if (!w.p) {
		adm_fail_set(&r->fail, 500, "internal", NULL, "out of memory");
		return SPAN_EMPTY;
	}
	for (size_t i = at; i < r->url.segment_n; i++) {
		if (i > at)
			wr_u8(&w, '/');
		wr_bytes(&w, r->url.segment[i]);
	}
	return wr_span(&w);
}

/* Compares segment by segment; *ep is the endpoint's segment and *rest where the star starts, both
 * 0 if the pattern has none. */
static bool matches(const struct url *u, const char *pattern, size_t *ep, size_t *rest)
{
	size_t i = 0;

	*ep = *rest = 0;
	for (; *pattern == '/'; i++) {
		size_t n = strcspn(++pattern, "/");

		if (i >= u->segment_n)
			return false;
		if (*pattern == '*') {
			*rest = i;
			return true;
		}
		if (*pattern == '{')
			*ep = i;
		else if (!span_eq(u->segment[i], span_make(pattern, n)))
			return false;
		pattern += n;
	}
	return i == u->segment_n;
}

/* Any name a registration could carry; nothing else names an endpoint. */
static bool name_good(struct adm_req *r, struct span name)
{
	bool good = name.n >= 1 && name.n <= LWM_EP_MAX && utf8_valid(name);

	for (size_t i = 0; i < name.n; i++)
		good = good && name.p[i] >= 0x20 && name.p[i] != 0x7f;
	if (good)
		return true;
	return adm_fail_set(&r->fail, 400, "invalid", "endpoint",
		"an endpoint's name is 1 to 255 bytes of UTF-8 without control characters");
}

static adm_tag_fn *tag_of(const struct adm_route *route)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strcmp(tags[i].pattern, route->pattern) == 0)
			return tags[i].tag;
	return NULL;
}

static void handle(struct adm_req *r, const struct adm_route *route)
{
	adm_tag_fn *tag = tag_of(route);
	bool change = strcmp(r->method, "GET") != 0, exists = false;

	r->tagged = tag && (!change || etag_wanted(r));
	if (r->tagged)
		exists = tag(r, &r->tag);
	if (r->tagged && change && !etag_precondition(r, exists))
		req_fail(r);
	else
		route->handler(r);
}

static void call(struct adm_req *r, const struct adm_route *route, size_t ep, size_t rest)
{
	if (ep) {
		r->endpoint = r->url.segment[ep];
		(void)name_good(r, r->endpoint);
	}
	if (rest)
		r->rest = join(r, rest);
	if (r->fail.status || !url_known(&r->url, route->params, &r->fail))
		req_fail(r);
	else if (idem_begin(r))
		handle(r, route);
}

void routes_dispatch(struct adm_req *r)
{
	char allow[64];
	struct writer w = wr_make(allow, sizeof(allow) - 1);
	size_t ep, rest;

	for (size_t i = 0; i < ROUTE_N; i++) {
		if (!matches(&r->url, routes[i].pattern, &ep, &rest))
			continue;
		if (strcmp(routes[i].method, r->method) == 0) {
			call(r, &routes[i], ep, rest);
			return;
		}
		wr_fmt(&w, "%s%s", w.n ? ", " : "", routes[i].method);
	}
	allow[w.n] = '\0';
	if (w.n)
		req_not_allowed(r, allow);
	else
		req_problem(r, 404, "unknown-path", "no resource has this path");
}
