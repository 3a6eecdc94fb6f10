/* SPDX-License-Identifier: Apache-2.0 */
/* Values in a body, typed by the model. */
#include "admin/body.h"

#include "base/text.h"

#include <json-c/json.h>
#include <stdio.h>

enum { NAME_SHOWN = 80 };

struct values {
	struct lwm_records *out;
	struct adm_fail *fail;
	const struct lwm_versions *versions;
	enum lwm_type forced; /* by "type"; LWM_NONE: the model's */
	/* Of a composite: the device behind a gateway that what comes now is of. */
	struct lwm_prefix prefix;
	struct lwm_versions behind;
};

/* The path of a value as its field name: what was sent is not repeated, the path is. */
static bool bad(struct values *v, const struct lwm_path *p, const char *what)
{
	char text[LWM_TARGET_TEXT_MAX + 1];
	struct writer w = wr_make(text, sizeof(text) - 1);

	wr_target(&w, &v->prefix, p);
	text[w.n] = '\0';
	/* The device chooses the instance: only the rest of the path is known. */
	if (p->n > 2 && p->id[1] == LWM_ID_NONE)
		snprintf(text, sizeof(text), p->n == 3 ? "resources.%u" : "resources.%u.%u",
			p->id[2], p->id[3]);
	return adm_fail_set(v->fail, 422, "invalid", text, "%s: %s", text, what);
}

/* What a value is taken for that the model does not know. */
static enum lwm_type guess(struct json_object *j)
{
	uint64_t u;
	int64_t i;

	switch (json_object_get_type(j)) {
	case json_type_boolean:
		return LWM_BOOLEAN;
	case json_type_double:
		return LWM_FLOAT;
	case json_type_int:
		return js_int64(j, &i) ? LWM_INTEGER : js_uint64(j, &u) ? LWM_UNSIGNED : LWM_NONE;
	case json_type_string:
		return LWM_STRING;
	case json_type_null:
	case json_type_object:
	case json_type_array:
		return LWM_NONE;
	}
	return LWM_NONE;
}

static bool bytes_value(struct values *v, struct json_object *j, struct lwm_value *out)
{
	enum err e = ERR_OK;

	if (!json_object_is_type(j, json_type_string))
		return false;
	out->bytes = arena_dup(v->out->arena, js_string(j), &e);
	return e == ERR_OK && utf8_valid(out->bytes);
}

static bool opaque_value(struct values *v, struct json_object *j, struct lwm_value *out)
{
	struct span s = js_string(j);
	uint8_t *p = arena_alloc(v->out->arena, s.n);
	struct writer w = wr_make(p, p ? s.n : 0);

	if (!json_object_is_type(j, json_type_string) || !p || base64_decode(s, &w))
		return false;
	out->bytes = wr_span(&w);
	return true;
}

static bool link_value(struct json_object *j, struct lwm_value *out)
{
	struct span s = js_string(j);
	struct reader r = rd_make(s);
	uint64_t oid, iid;
	size_t n = 0;

	while (n < s.n && s.p[n] != ':')
		n++;
	if (span_to_u64(rd_bytes(&r, n), UINT16_MAX, &oid) || rd_u8(&r) != ':' ||
		span_to_u64(rd_rest(&r), UINT16_MAX, &iid))
		return false;
	out->link.oid = (uint16_t)oid;
	out->link.iid = (uint16_t)iid;
	return true;
}

static bool boolean_value(struct json_object *j, struct lwm_value *out)
{
	out->b = json_object_get_boolean(j);
	return json_object_is_type(j, json_type_boolean);
}

static bool typed(
	struct values *v, enum lwm_type type, struct json_object *j, struct lwm_value *out)
{
	out->type = type;
	switch (type) {
	case LWM_STRING:
	case LWM_CORELNK:
		return bytes_value(v, j, out);
	case LWM_INTEGER:
	case LWM_TIME:
		return js_int64(j, &out->i);
	case LWM_UNSIGNED:
		return js_uint64(j, &out->u);
	case LWM_FLOAT:
		return js_number(j, &out->f);
	case LWM_BOOLEAN:
		return boolean_value(j, out);
	case LWM_OPAQUE:
		return opaque_value(v, j, out);
	case LWM_OBJLNK:
		return link_value(j, out);
	case LWM_NONE:
		return false;
	}
	return false;
}

static const char *wanted(enum lwm_type type)
{
	switch (type) {
	case LWM_STRING:
	case LWM_CORELNK:
		return "must be a string of UTF-8 without NUL";
	case LWM_INTEGER:
		return "must be an integer of 64 bits";
	case LWM_TIME:
		return "must be a time: an integer of seconds since 1970";
	case LWM_UNSIGNED:
		return "must be an integer from 0 to 18446744073709551615";
	case LWM_FLOAT:
		return "must be a number";
	case LWM_BOOLEAN:
		return "must be true or false";
	case LWM_OPAQUE:
		return "must be bytes in base64";
	case LWM_OBJLNK:
		return "must be an object link, as \"3303:0\"";
	case LWM_NONE:
		break;
	}
	return "must be a string, a number, or true or false";
}

static bool append(struct values *v, enum lwm_record_kind kind, const struct lwm_path *p,
	struct lwm_value value)
{
	struct lwm_record *r = lwm_records_add(v->out);
	enum err e = ERR_OK;

	if (r)
		r->prefix = arena_dup(v->out->arena, lwm_prefix_span(&v->prefix), &e);
	if (!r || e)
		return adm_fail_set(v->fail, 413, "invalid", NULL, "too many values");
	r->kind = kind;
	r->path = *p;
	r->value = value;
	return true;
}

/* A value of the model's type that is to be written. */
static bool add_fitting(struct values *v, const struct lwm_path *p,
	const struct lwm_resource *model, struct lwm_value value)
{
	char what[NAME_SHOWN + 96];
	struct writer w = wr_make(what, sizeof(what) - 1);

	if (!model || v->forced != LWM_NONE || lwm_in_range(model, &value))
		return append(v, LWM_RECORD_VALUE, p, value);
	wr_fmt(&w, "%.*s is ", NAME_SHOWN, model->name);
	wr_range(&w, model);
	what[w.n] = '\0';
	return bad(v, p, what);
}

static bool add(struct values *v, const struct lwm_path *p, struct json_object *j)
{
	const struct lwm_resource *model = lwm_resource_of(v->versions, p);
	enum lwm_type type = v->forced != LWM_NONE ? v->forced : model ? model->type : LWM_NONE;
	struct lwm_value value = {0};

	if (type == LWM_NONE)
		type = guess(j);
	if (!typed(v, type, j, &value))
		return bad(v, p, wanted(type));
	return add_fitting(v, p, model, value);
}

/* `p` with the id in `name` behind it. */
static bool child(const struct lwm_path *p, const char *name, struct lwm_path *out)
{
	struct span s = span_str(name);
	uint64_t id;

	if (span_to_u64(s, LWM_ID_NONE - 1, &id) || (s.n > 1 && s.p[0] == '0'))
		return false;
	*out = *p;
	out->id[out->n++] = (uint16_t)id;
	return true;
}

static bool multiple(struct values *v, const struct lwm_path *p, struct json_object *j)
{
	struct lwm_path at;

	json_object_object_foreach(j, name, member)
	{
		if (!child(p, name, &at))
			return bad(v, p, "the members must be named by instance ids, 0 to 65534");
		if (!add(v, &at, member))
			return false;
	}
	return json_object_object_length(j) > 0 ||
	       append(v, LWM_RECORD_MULTIPLE, p, (struct lwm_value){0});
}

/* A Resource: one value, or {"0":...,"1":...} of a multiple one. */
static bool resource(struct values *v, const struct lwm_path *p, struct json_object *j)
{
	const struct lwm_resource *model = lwm_resource_of(v->versions, p);
	bool several = json_object_is_type(j, json_type_object);

	if (model && p->n == 3 && model->multiple != several)
		return bad(v, p,
			model->multiple ? "has instances: give {\"0\":...}" : "has a single value");
	return several && p->n == 3 ? multiple(v, p, j) : add(v, p, j);
}

/* What "resources" holds, below the Object Instance `at`. */
static bool resources(struct values *v, struct js_in *in, const struct lwm_path *at)
{
	struct json_object *j = js_member(in, "resources");
	struct lwm_path p;

	json_object_object_foreach(j, name, member)
	{
		if (!child(at, name, &p))
			return js_fail(in, "resources",
				"the members must be named by resource ids, 0 to 65534");
		if (!resource(v, &p, member))
			return false;
	}
	return true;
}

static bool instance(struct values *v, struct js_in *in, const struct lwm_path *at)
{
	static const char *const names[] = {"resources", NULL};
	struct json_object *j = js_member(in, "resources");

	js_known(in, names);
	if (!json_object_is_type(j, json_type_object) || json_object_object_length(j) == 0)
		return js_fail(
			in, "resources", "must be an object of values, named by resource id");
	return resources(v, in, at);
}

static enum lwm_type forced_type(struct js_in *in)
{
	struct span s = js_text(in, "type", 1, 16, NULL);

	for (int t = LWM_STRING; t <= LWM_CORELNK; t++)
		if (span_eq_str(s, lwm_type_name((enum lwm_type)t)))
			return (enum lwm_type)t;
	if (js_member(in, "type"))
		js_fail(in, "type",
			"must be string, integer, unsigned, float, boolean, opaque, "
			"time, objlnk or corelnk");
	return LWM_NONE;
}

static bool single(struct values *v, struct js_in *in, const struct lwm_path *at)
{
	static const char *const names[] = {"value", "type", NULL};
	struct json_object *j = js_member(in, "value");

	js_known(in, names);
	if (!j)
		return js_fail(in, "value", "is missing");
	v->forced = forced_type(in);
	return in->fail->status == 0 && resource(v, at, j);
}

/* A POST on a Resource adds and overwrites instances, and with a single value it would be an
 * Execute to some devices (CT-45). */
static bool addition(struct values *v, struct js_in *in, const struct lwm_path *at)
{
	struct json_object *j = js_member(in, "value");

	if (j && (!json_object_is_type(j, json_type_object) || json_object_object_length(j) == 0))
		return bad(v, at,
			"POST adds instances to a multiple resource: give {\"0\":...}; "
			"PUT writes a value");
	return single(v, in, at);
}

typedef bool members_fn(struct values *v, struct js_in *in, const struct lwm_path *at);

static bool read_members(struct span text, const struct lwm_path *at,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail,
	members_fn *members)
{
	struct js_in in = {.fail = fail};
	struct values v = {.out = out, .fail = fail, .versions = versions};

	if (!js_parse(text, &in.obj, fail))
		return false;
	(void)members(&v, &in, at);
	js_free(in.obj);
	return fail->status == 0;
}

bool body_values(struct span text, const struct lwm_path *at, const struct lwm_versions *versions,
	struct lwm_records *out, struct adm_fail *fail)
{
	return read_members(text, at, versions, out, fail, at->n == 2 ? instance : single);
}

bool body_partial(struct span text, const struct lwm_path *at, const struct lwm_versions *versions,
	struct lwm_records *out, struct adm_fail *fail)
{
	return read_members(text, at, versions, out, fail, at->n == 2 ? instance : addition);
}

static bool creation(struct values *v, struct js_in *in, const struct lwm_path *object)
{
	static const char *const names[] = {"instance", "resources", NULL};
	struct json_object *j = js_member(in, "resources");
	struct lwm_path at = {.n = 2, .id = {object->id[0]}};

	js_known(in, names);
	at.id[1] = (uint16_t)js_u64(in, "instance", LWM_ID_NONE - 1, LWM_ID_NONE, NULL);
	if (j && !json_object_is_type(j, json_type_object))
		return js_fail(
			in, "resources", "must be an object of values, named by resource id");
	if (!j || json_object_object_length(j) == 0)
		return append(v, LWM_RECORD_INSTANCE, &at, (struct lwm_value){0});
	return resources(v, in, &at);
}

bool body_create(struct span text, const struct lwm_path *object,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail)
{
	return read_members(text, object, versions, out, fail, creation);
}

/* ---- composites */

static bool composite_value(
	struct values *v, struct js_in *in, const char *name, struct json_object *j)
{
	const struct lwm_versions *all = v->versions;
	struct lwm_target at;
	struct lwm_path p;
	bool good;

	if (lwm_target_parse(span_str(name), &at) || at.path.n < 3)
		return js_fail(in, "values",
			"the members must be named by paths of resources or their instances, like "
			"/3/0/14");
	p = at.path;
	v->prefix = at.prefix;
	if (j) {
		v->behind = lwm_versions_of(all, lwm_prefix_span(&v->prefix));
		v->versions = &v->behind;
		good = resource(v, &p, j);
		v->versions = all;
		return good;
	}
	if (p.n < 4)
		return bad(v, &p, "null takes a resource instance away, and nothing else");
	return append(v, LWM_RECORD_DELETE, &p, (struct lwm_value){0});
}

static bool composite(struct values *v, struct js_in *in, const struct lwm_path *at)
{
	static const char *const names[] = {"values", NULL};
	struct json_object *j = js_member(in, "values");

	(void)at;
	js_known(in, names);
	if (!json_object_is_type(j, json_type_object) || json_object_object_length(j) == 0)
		return js_fail(in, "values", "must be an object of values, named by path");
	json_object_object_foreach(j, name, member)
	{
		if (in->fail->status || !composite_value(v, in, name, member))
			return false;
	}
	return true;
}

bool body_composite(struct span text, const struct lwm_versions *versions, struct lwm_records *out,
	struct adm_fail *fail)
{
	return read_members(text, NULL, versions, out, fail, composite);
}

static bool paths(struct values *v, struct js_in *in, const struct lwm_path *at)
{
	static const char *const names[] = {"paths", NULL};
	struct json_object *j = js_member(in, "paths");
	size_t n = json_object_is_type(j, json_type_array) ? json_object_array_length(j) : 0;
	struct lwm_target p;

	(void)at;
	js_known(in, names);
	if (n == 0 || n > BODY_PATHS_MAX)
		return js_fail(in, "paths", "must be an array of 1 to 64 paths");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(j, i));

		if (!text || lwm_target_parse(span_str(text), &p) || p.path.n == 0)
			return js_fail(in, "paths", "a path is one to four ids, like /3/0/9");
		v->prefix = p.prefix;
		if (!append(v, LWM_RECORD_NAME, &p.path, (struct lwm_value){0}))
			return false;
	}
	return true;
}

bool body_paths(struct span text, struct lwm_records *out, struct adm_fail *fail)
{
	return read_members(text, NULL, NULL, out, fail, paths);
}

/* Text differs from JSON where a value has no quotes, and for 0 and 1 (FMT-40). */
static const char *wanted_text(enum lwm_type type)
{
	if (type == LWM_BOOLEAN)
		return "must be 0 or 1";
	if (type == LWM_OBJLNK)
		return "must be an object link, as 3303:0";
	return wanted(type == LWM_NONE ? LWM_STRING : type);
}

bool body_raw(struct span raw, bool text, const struct lwm_path *at,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail)
{
	const struct lwm_resource *model = lwm_resource_of(versions, at);
	struct values v = {.out = out, .fail = fail, .versions = versions};
	enum lwm_type type = model ? model->type : LWM_NONE;
	struct lwm_value value = {.type = LWM_OPAQUE, .bytes = raw};

	if (at->n < 3 || (model && model->multiple && at->n == 3))
		return adm_fail_set(fail, 415, "unsupported", NULL,
			"a body that is no JSON holds one value; the path leads to several");
	if (!text && type != LWM_OPAQUE && type != LWM_NONE)
		return adm_fail_set(fail, 415, "unsupported", NULL,
			"the resource is no opaque one; give its value as text/plain or JSON");
	if (text && lwm_value_from_text(raw, type, out->arena, &value))
		return bad(&v, at, wanted_text(type));
	return add_fitting(&v, at, model, value);
}
