/* SPDX-License-Identifier: Apache-2.0 */
/* The document of the REST interface against the table of routes: neither has what the other has
 * not. */
#include "admin/openapi.h"
#include "admin/routes.h"
#include "tests/unit/admin/fake.h"

#include <json-c/json.h>

static struct json_object *doc;

static struct json_object *at(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	return o && json_object_object_get_ex(o, name, &v) ? v : NULL;
}

static const char *text_at(struct json_object *o, const char *name)
{
	struct json_object *v = at(o, name);

	return v ? json_object_get_string(v) : "";
}

/* "#/components/KIND/NAME" leads to what it names; all else to itself. */
static struct json_object *resolved(struct json_object *o)
{
	char way[128];
	struct json_object *to = doc;

	if (!at(o, "$ref"))
		return o;
	snprintf(way, sizeof(way), "%s", text_at(o, "$ref"));
	for (char *part = strtok(way, "/"); part; part = strtok(NULL, "/"))
		to = *part == '#' ? doc : at(to, part);
	return to;
}

/* The pattern of a route for a path of the document: {endpoint} is {}, {path} and {id} are *. */
static void pattern_of(const char *path, char *out, size_t cap)
{
	struct writer w = wr_make(out, cap - 1);

	while (*path) {
		size_t n = *path == '{' ? strcspn(path, "}") + 1 : 1;

		if (n == 1)
			wr_u8(&w, (uint8_t)*path);
		else
			wr_str(&w, strncmp(path, "{endpoint}", n) ? "*" : "{}");
		path += n;
	}
	out[w.n] = '\0';
}

static struct json_object *operation_of(const struct adm_route *r)
{
	char pattern[128], method[16] = "";

	for (size_t i = 0; r->method[i] && i + 1 < sizeof(method); i++)
		method[i] = (char)(r->method[i] | 0x20);
	json_object_object_foreach(at(doc, "paths"), path, item)
	{
		pattern_of(path, pattern, sizeof(pattern));
		if (strcmp(pattern, r->pattern) == 0)
			return at(item, method);
	}
	return NULL;
}

static bool documented(struct json_object *operation, const char *in, const char *name, size_t n)
{
	struct json_object *list = at(operation, "parameters");

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *p = resolved(json_object_array_get_idx(list, i));

		if (strcmp(text_at(p, "in"), in) == 0 && strlen(text_at(p, "name")) == n &&
			strncmp(text_at(p, "name"), name, n) == 0)
			return true;
	}
	return false;
}

/* How many query parameters the document has there. */
static size_t query_n(struct json_object *operation)
{
	struct json_object *list = at(operation, "parameters");
	size_t n = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		n += strcmp(text_at(resolved(json_object_array_get_idx(list, i)), "in"), "query") ==
		     0;
	return n;
}

static void check_route(const struct adm_route *r)
{
	char what[200];
	struct json_object *operation = operation_of(r);
	size_t n = 0;

	snprintf(what, sizeof(what), "%s %s", r->method, r->pattern);
	CHECK(operation, what);
	for (const char *p = r->params; operation && *p; n++) {
		size_t length = strcspn(p, " ");

		snprintf(what, sizeof(what), "%s %s: %.*s", r->method, r->pattern, (int)length, p);
		CHECK(documented(operation, "query", p, length), what);
		p += length + (p[length] == ' ');
	}
	CHECK(query_n(operation) == n, "and no parameter more");
	if (strstr(r->pattern, "{}"))
		CHECK(documented(operation, "path", "endpoint", 8), "its endpoint");
	if (strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0)
		CHECK(documented(operation, "header", "Idempotency-Key", 15), "Idempotency-Key");
}

static void check_routes(void)
{
	size_t n, operations = 0;
	const struct adm_route *r = routes_table(&n);

	for (size_t i = 0; i < n; i++)
		check_route(&r[i]);
	json_object_object_foreach(at(doc, "paths"), path, item)
	{
		(void)path;
		operations += (size_t)json_object_object_length(item);
	}
	CHECK(operations == n, "the document has no operation more than the routes");
}

static void check_problems(void)
{
	struct json_object *list = at(
		at(at(at(at(at(doc, "components"), "schemas"), "Problem"), "properties"), "type"),
		"enum");
	size_t n = 0;

	for (; adm_problem_type(n); n++) {
		char urn[96];
		bool found = false;

		snprintf(urn, sizeof(urn), "urn:lanyard:problem:%s", adm_problem_type(n));
		for (size_t i = 0; list && i < json_object_array_length(list) && !found; i++)
			found = strcmp(json_object_get_string(json_object_array_get_idx(list, i)),
					urn) == 0;
		CHECK(found, urn);
	}
	CHECK(list && json_object_array_length(list) == n, "and no type of problem more");
}

/* Every $ref leads somewhere. */
static void check_references(struct json_object *o)
{
	if (json_object_is_type(o, json_type_array))
		for (size_t i = 0; i < json_object_array_length(o); i++)
			check_references(json_object_array_get_idx(o, i));
	if (!json_object_is_type(o, json_type_object))
		return;
	if (at(o, "$ref"))
		CHECK(resolved(o), text_at(o, "$ref"));
	json_object_object_foreach(o, name, v)
	{
		(void)name;
		check_references(v);
	}
}

static void check_served(void)
{
	static char got[512 * 1024];
	struct span want = span_make(adm_openapi_text, adm_openapi_n);
	char tag[64], headers[128];
	const char *body, *etag;
	int fd = client_open();

	fake_reset();
	request_send(fd, "GET", "/v1/openapi.json", SPAN_EMPTY);
	client_read(fd, got, sizeof(got), "\n}\n\n");
	close(fd);
	body = strstr(got, "\r\n\r\n");
	etag = strstr(got, "\r\nETag: ");
	REQUIRE(body && etag, "it is served with a tag");
	CHECK(strncmp(body + 4, (const char *)want.p, want.n) == 0, "as it is in the tree");
	snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(etag + 8, "\r"), etag + 8);
	snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", tag);
	CHECK(ask_with("GET", "/v1/openapi.json", headers, NULL)->status == 304,
		"and not twice to one who has it");
}

int main(void)
{
	struct json_tokener *t = json_tokener_new();
	struct span s = span_make(adm_openapi_text, adm_openapi_n);

	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	doc = json_tokener_parse_ex(t, (const char *)s.p, (int)s.n);
	REQUIRE(doc, "the document is JSON");
	fake_start();
	CHECK(strcmp(text_at(doc, "openapi"), "3.1.0") == 0, "OpenAPI 3.1");
	check_routes();
	check_problems();
	check_references(doc);
	check_served();
	fake_stop();
	json_object_put(doc);
	json_tokener_free(t);
	return test_done();
}
