/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/render.h"

#include "base/text.h"

#include <math.h>

enum { ARENA_LIMIT = 16 * 1024 * 1024 };

void jo_path(struct jo *o, const char *key, const struct lwm_path *p)
{
	char text[LWM_PATH_TEXT_MAX + 1];
	struct writer w = wr_make(text, sizeof(text));

	wr_path(&w, p);
	jo_text(o, key, wr_span(&w));
}

void jo_target(struct jo *o, struct span prefix, const struct lwm_path *p)
{
	jo_path(o, "path", p);
	if (prefix.n)
		jo_text(o, "prefix", prefix);
}

void jo_code(struct jo *o, const char *key, uint8_t code)
{
	char text[16];
	struct writer w = wr_make(text, sizeof(text));

	wr_code(&w, code);
	jo_text(o, key, wr_span(&w));
}

static bool showable(const struct lwm_value *v)
{
	if (v->type == LWM_FLOAT)
		return isfinite(v->f);
	if (v->type == LWM_STRING || v->type == LWM_CORELNK)
		return utf8_valid(v->bytes);
	return true;
}

/* `v` is showable. */
static void value_out(struct jo *o, const char *key, const struct lwm_value *v)
{
	char link[16];
	struct writer w = wr_make(link, sizeof(link));

	switch (v->type) {
	case LWM_STRING:
	case LWM_CORELNK:
		jo_text(o, key, v->bytes);
		return;
	case LWM_INTEGER:
	case LWM_TIME:
		jo_i64(o, key, v->i);
		return;
	case LWM_UNSIGNED:
		jo_u64(o, key, v->u);
		return;
	case LWM_FLOAT:
		jo_double(o, key, v->f);
		return;
	case LWM_BOOLEAN:
		jo_bool(o, key, v->b);
		return;
	case LWM_OPAQUE:
		jo_base64(o, key, v->bytes);
		return;
	case LWM_OBJLNK:
		wr_fmt(&w, "%u:%u", v->link.oid, v->link.iid);
		jo_text(o, key, wr_span(&w));
		return;
	case LWM_NONE:
		jo_null(o, key);
		return;
	}
}

static void unshowable(struct jo *o, const struct lwm_record *r)
{
	const struct lwm_value *v = &r->value;

	if (r->kind != LWM_RECORD_BAD && v->type == LWM_FLOAT) {
		jo_str(o, "error", "the number is not finite");
		return;
	}
	jo_str(o, "error",
		r->kind == LWM_RECORD_BAD ? "the value does not fit the type of the resource"
					  : "the text is not UTF-8");
	jo_hex(o, "raw_hex", v->bytes);
}

/* A device may know better than the model: the value stands. */
static void range_out(struct jo *o, const struct lwm_resource *res, const struct lwm_value *v)
{
	char text[96];
	struct writer w = wr_make(text, sizeof(text));

	if (!res || lwm_in_range(res, v))
		return;
	wr_str(&w, "out of range: ");
	wr_range(&w, res);
	jo_text(o, "warning", wr_span(&w));
}

static void record_out(
	struct jo *o, const struct lwm_record *r, const struct lwm_versions *versions)
{
	const struct lwm_versions of = lwm_versions_of(versions, r->prefix);
	const struct lwm_resource *res = lwm_resource_of(&of, &r->path);
	enum lwm_type known = res ? res->type : LWM_NONE;
	enum lwm_type type = r->kind == LWM_RECORD_VALUE ? r->value.type : known;

	jo_object(o, NULL);
	jo_target(o, r->prefix, &r->path);
	if (res)
		jo_str(o, "name", res->name);
	if (r->path.n >= 3 && type != LWM_NONE)
		jo_str(o, "type", lwm_type_name(type));
	switch (r->kind) {
	case LWM_RECORD_VALUE:
		if (showable(&r->value))
			value_out(o, "value", &r->value);
		else
			unshowable(o, r);
		range_out(o, res, &r->value);
		break;
	case LWM_RECORD_BAD:
		unshowable(o, r);
		break;
	case LWM_RECORD_NAME: /* of requests: no answer has them */
	case LWM_RECORD_DELETE:
		jo_null(o, "value");
		break;
	case LWM_RECORD_INSTANCE:
	case LWM_RECORD_MULTIPLE:
		jo_object(o, "value");
		jo_end_object(o);
		break;
	}
	if (r->has_time && isfinite(r->time_s))
		jo_double(o, "time", r->time_s);
	jo_end_object(o);
}

/* All records are good values below the one Resource `base`; a Resource Instance must not come
 * twice (timed values), for it is a member's name. */
static bool is_multiple(const struct lwm_path *base, const struct lwm_record *v, size_t n)
{
	if (base->n != 3 || n == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (v[i].kind != LWM_RECORD_VALUE || v[i].path.n != 4 || !showable(&v[i].value) ||
			!lwm_path_under(&v[i].path, base) ||
			(i && v[i].path.id[3] <= v[i - 1].path.id[3]))
			return false;
	return true;
}

static void single_out(
	struct jo *o, const struct lwm_path *base, const struct lwm_record *v, size_t n)
{
	char id[8];

	if (base->n >= 3 && n == 1 && v->kind == LWM_RECORD_VALUE && showable(&v->value) &&
		lwm_path_eq(&v->path, base)) {
		value_out(o, "value", &v->value);
	} else if (is_multiple(base, v, n)) {
		jo_object(o, "value");
		for (size_t i = 0; i < n; i++) {
			struct writer w = wr_make(id, sizeof(id) - 1);

			wr_fmt(&w, "%u", v[i].path.id[3]);
			id[w.n] = '\0';
			value_out(o, id, &v[i].value);
		}
		jo_end_object(o);
	}
}

void render_unreadable(
	struct jo *o, const struct lwm_path *base, struct span payload, const char *why)
{
	jo_object(o, NULL);
	jo_path(o, "path", base);
	jo_str(o, "error", why);
	jo_hex(o, "raw_hex", payload);
	jo_end_object(o);
}

static const char *decode(const struct lwm_path *base, int32_t content_format, struct span payload,
	const struct lwm_codec_opts *opts, struct lwm_records *out)
{
	/* An answer may bring what its links lead to, and one to a composite devices behind a
	 * gateway. */
	struct lwm_codec_opts o = {.now_s = opts->now_s,
		.alt = opts->alt,
		.behind = opts->behind,
		.linked = true,
		.prefixed = base->n == 0,
		.versions = opts->versions};
	const struct lwm_format *f =
		content_format < 0 ? NULL : lwm_format((uint32_t)content_format);

	if (!f || !f->decode) /* links hold no values */
		return content_format < 0 ? "the device told no content format"
					  : "a content format we do not read";
	if (f->decode(payload, base, &o, out) || out->err)
		return "the payload does not fit its content format";
	return NULL;
}

static void members(struct jo *o, const struct lwm_path *base, int32_t content_format,
	struct span payload, const struct lwm_codec_opts *opts, bool bare)
{
	struct arena a;
	struct lwm_records rec;
	const char *why = NULL;

	arena_init(&a, ARENA_LIMIT);
	lwm_records_init(&rec, &a);
	if (payload.n || content_format >= 0)
		why = decode(base, content_format, payload, opts, &rec);
	jo_array(o, bare ? NULL : "values");
	if (why)
		render_unreadable(o, base, payload, why);
	for (size_t i = 0; !why && i < rec.n; i++)
		record_out(o, &rec.v[i], &opts->versions);
	jo_end_array(o);
	if (!bare && !why)
		single_out(o, base, rec.v, rec.n);
	arena_fini(&a);
}

void render_values(struct jo *o, const struct lwm_path *base, int32_t content_format,
	struct span payload, const struct lwm_codec_opts *opts)
{
	members(o, base, content_format, payload, opts, false);
}

static enum err give(struct jo *o, char **json)
{
	*json = jo_take(o);
	return *json ? ERR_OK : ERR_NOMEM;
}

enum err adm_render_values(const struct lwm_path *base, int32_t content_format, struct span payload,
	const struct lwm_codec_opts *opts, char **json)
{
	struct jo o = {0};

	members(&o, base, content_format, payload, opts, true);
	return give(&o, json);
}

enum err adm_render_notification(const struct lwm_path *base, uint8_t code, int32_t content_format,
	struct span payload, const struct lwm_codec_opts *opts, char **json)
{
	struct jo o = {0};

	jo_object(&o, NULL);
	jo_target(&o, opts->behind, base);
	jo_code(&o, "code", code);
	if (content_format >= 0)
		jo_i64(&o, "content_format", content_format);
	jo_hex(&o, "payload_hex", payload);
	render_values(&o, base, content_format, payload, opts);
	jo_end_object(&o);
	return give(&o, json);
}

enum err adm_render_send(int32_t content_format, const struct lwm_record *v, size_t n,
	const struct lwm_versions *versions, char **json)
{
	struct jo o = {0};

	jo_object(&o, NULL);
	jo_i64(&o, "content_format", content_format);
	jo_array(&o, "values");
	for (size_t i = 0; i < n; i++)
		record_out(&o, &v[i], versions);
	jo_end_array(&o);
	jo_end_object(&o);
	return give(&o, json);
}
