/* SPDX-License-Identifier: Apache-2.0 */
/* Write-Attributes: a body into the text that lwm_attrs_parse checks. */
#include "admin/body.h"

#include "lwm2m/attrs.h"

#include <json-c/json.h>

enum { TEXT_MAX = 1024, VALUE_MAX = 64 };

/* Digits, points and minuses: nothing that could end the value. */
static bool number_like(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '.' && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= VALUE_MAX;
}

/* NULL (what takes the attribute away) writes nothing. */
static bool value_text(struct json_object *j, struct writer *w)
{
	struct lwm_value v = {.type = LWM_INTEGER};

	if (!j)
		return true;
	if (json_object_is_type(j, json_type_string)) {
		wr_bytes(w, js_string(j));
		return number_like(js_string(j));
	}
	if (json_object_is_type(j, json_type_double) && js_number(j, &v.f))
		v.type = LWM_FLOAT;
	else if (js_uint64(j, &v.u))
		v.type = LWM_UNSIGNED;
	else if (!js_int64(j, &v.i))
		return false;
	wr_value_text(w, &v);
	return true;
}

static void members(struct js_in *in, struct writer *w)
{
	const char *names[LWM_ATTRS + 1] = {NULL};

	for (int a = 0; a < LWM_ATTRS; a++)
		names[a] = lwm_attr_name((enum lwm_attr)a);
	js_known(in, names);
	if (json_object_object_length(in->obj) == 0)
		adm_fail_set(in->fail, 422, "invalid", NULL,
			"give an attribute, as {\"pmin\":10}; null takes it away");
	if (in->fail->status)
		return;
	json_object_object_foreach(in->obj, name, j)
	{
		wr_fmt(w, "%s%s=", w->n ? "&" : "", name);
		if (!value_text(j, w))
			js_fail(in, name,
				"must be a number, the text of one, or null to take it away");
		else if (w->err)
			js_fail(in, name, "is too long");
	}
}

static bool check(struct span text, const struct lwm_path *at, struct adm_fail *fail)
{
	struct lwm_attr_why why = {0};
	char name[16];

	if (lwm_attrs_parse(text, at, 0, NULL, &why) == ERR_OK)
		return true;
	/* The name is one of ours: js_known let no other pass. */
	if (span_to_str(why.name, name, sizeof(name)))
		name[0] = '\0';
	return adm_fail_set(fail, 422, "invalid", name, "%s: %s", name, why.text);
}

bool body_attributes(struct span text, const struct lwm_path *at, struct arena *a, struct span *out,
	struct adm_fail *fail)
{
	struct js_in in = {.fail = fail};
	uint8_t *to = arena_alloc(a, TEXT_MAX);
	struct writer w = wr_make(to, to ? TEXT_MAX : 0);

	*out = SPAN_EMPTY;
	if (!to)
		return adm_fail_set(fail, 500, "internal", NULL, "out of memory");
	if (!js_parse(text, &in.obj, fail))
		return false;
	members(&in, &w);
	js_free(in.obj);
	if (fail->status || !check(wr_span(&w), at, fail))
		return false;
	*out = wr_span(&w);
	return true;
}
