/* SPDX-License-Identifier: Apache-2.0 */
/* decode: what a payload found in the field says. Needs no daemon. */
#include "cmd/lanyardctl.h"

#include "base/text.h"
#include "lwm2m/attrs.h"
#include "lwm2m/format.h"
#include "lwm2m/link.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What has a longer name elsewhere. */
static const struct {
	const char *name;
	uint32_t cf;
} aliases[] = {
	{"link-format", LWM_CF_LINK},
};

void ctl_format_names(struct writer *w, bool of_values)
{
	size_t n;
	const struct lwm_format *f = lwm_format_table(&n);

	for (size_t i = 0; i < n; i++)
		if (!of_values || (f[i].decode && !f[i].etch))
			wr_fmt(w, "%s%s", w->n ? ", " : "", f[i].name);
}

static const struct lwm_format *format_of(const char *word)
{
	const struct lwm_format *f = lwm_format_by_name(span_str(word));
	uint64_t number;

	for (size_t i = 0; !f && i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(word, aliases[i].name) == 0)
			f = lwm_format(aliases[i].cf);
	if (!f && span_to_u64(span_str(word), UINT16_MAX, &number) == ERR_OK)
		f = lwm_format((uint32_t)number);
	return f;
}

/* The hex digits of a word; space between them is skipped. */
static int hex_bytes(struct ctl *c, const char *word, struct span *out)
{
	size_t n = strlen(word);
	uint8_t *digits = arena_alloc(&c->arena, n + 1), *bytes = arena_alloc(&c->arena, n + 1);
	struct writer d = wr_make(digits, digits ? n : 0), b = wr_make(bytes, bytes ? n : 0);

	if (!digits || !bytes)
		return ctl_fail("out of memory");
	for (; *word; word++)
		if (!strchr(" \t\r\n", *word))
			wr_u8(&d, (uint8_t)*word);
	if (hex_decode(wr_span(&d), &b))
		return ctl_fail("the payload is no hex: two digits a byte (--text takes it as it "
				"is)");
	*out = wr_span(&b);
	return CTL_OK;
}

static int payload_of(struct ctl *c, const char *word, struct span *out)
{
	size_t n = strlen(word);

	if (strcmp(word, "-") == 0) {
		word = ctl_read_file(c, "-", &n);
		if (!word)
			return CTL_REFUSED;
	}
	*out = span_make(word, n);
	return c->opt[CTL_OPT_TEXT] ? CTL_OK : hex_bytes(c, word, out);
}

static int type_of(struct ctl *c, enum lwm_type *out)
{
	const char *word = c->opt[CTL_OPT_TYPE];

	*out = LWM_NONE;
	for (int t = LWM_STRING; word && t <= LWM_CORELNK; t++)
		if (strcmp(word, lwm_type_name((enum lwm_type)t)) == 0)
			*out = (enum lwm_type)t;
	if (word && *out == LWM_NONE)
		return ctl_usage(ctl_command_find("decode"),
			"--type is string, integer, unsigned, float, boolean, opaque, time, objlnk "
			"or corelnk");
	return CTL_OK;
}

static enum lwm_type unknown_type(void *arg, const struct lwm_path *p)
{
	return lwm_type_at(p) == LWM_NONE ? *(const enum lwm_type *)arg : LWM_NONE;
}

/* The shortest text that reads back the same; JSON has no word for what is not finite. */
static void wr_double(struct writer *w, double f)
{
	char text[32];

	if (!isfinite(f)) {
		wr_str(w, isnan(f) ? "\"nan\"" : f < 0 ? "\"-inf\"" : "\"inf\"");
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, f);
		if (strtod(text, NULL) == f)
			break;
	}
	wr_str(w, text);
}

/* Readers of JSON keep 53 bits. */
static bool exact(uint64_t magnitude)
{
	return magnitude <= UINT64_C(1) << 53;
}

static void wr_integer(struct writer *w, int64_t i)
{
	bool plain = exact(i < 0 ? 0 - (uint64_t)i : (uint64_t)i);

	wr_fmt(w, plain ? "%" PRId64 : "\"%" PRId64 "\"", i);
}

static void wr_quoted_hex(struct writer *w, struct span s)
{
	wr_str(w, "\"");
	wr_hex(w, s);
	wr_str(w, "\"");
}

static void wr_json_value(struct writer *w, const struct lwm_value *v)
{
	switch (v->type) {
	case LWM_NONE:
		wr_str(w, "null");
		break;
	case LWM_STRING:
	case LWM_CORELNK:
		wr_json_string(w, v->bytes);
		break;
	case LWM_INTEGER:
	case LWM_TIME:
		wr_integer(w, v->i);
		break;
	case LWM_UNSIGNED:
		wr_fmt(w, exact(v->u) ? "%" PRIu64 : "\"%" PRIu64 "\"", v->u);
		break;
	case LWM_FLOAT:
		wr_double(w, v->f);
		break;
	case LWM_BOOLEAN:
		wr_str(w, v->b ? "true" : "false");
		break;
	case LWM_OPAQUE:
		wr_quoted_hex(w, v->bytes);
		break;
	case LWM_OBJLNK:
		wr_fmt(w, "\"%u:%u\"", v->link.oid, v->link.iid);
		break;
	}
}

/* SenML tells small times relative to the moment of receipt, which nobody knows here: reading with
 * a clock of 0 leaves them as they are. */
static void wr_time(struct writer *w, const struct lwm_format *f, double time_s)
{
	bool senml = f->cf == LWM_CF_SENML_JSON || f->cf == LWM_CF_SENML_CBOR ||
		     f->cf == LWM_CF_ETCH_JSON || f->cf == LWM_CF_ETCH_CBOR;

	wr_str(w, senml && fabs(time_s) < 1 << 28 ? ",\"time_rel\":" : ",\"time\":");
	wr_double(w, time_s);
}

static void wr_record(struct writer *w, const struct lwm_format *f, const struct lwm_record *r)
{
	wr_str(w, "{\"path\":\"");
	if (r->path.id[0] != LWM_ID_NONE)
		wr_path(w, &r->path);
	wr_str(w, "\",\"type\":\"");
	switch (r->kind) {
	case LWM_RECORD_VALUE:
		wr_fmt(w, "%s\",\"value\":", lwm_type_name(r->value.type));
		wr_json_value(w, &r->value);
		break;
	case LWM_RECORD_INSTANCE:
		wr_str(w, "instance\",\"value\":null");
		break;
	case LWM_RECORD_MULTIPLE:
		wr_str(w, "multiple\",\"value\":null");
		break;
	case LWM_RECORD_NAME:
		wr_str(w, "name\",\"value\":null");
		break;
	case LWM_RECORD_DELETE:
		wr_str(w, "delete\",\"value\":null");
		break;
	case LWM_RECORD_BAD:
		wr_fmt(w, "%s\",\"error\":\"the value does not fit the type\",\"raw_hex\":",
			lwm_type_name(r->value.type));
		wr_quoted_hex(w, r->value.bytes);
		break;
	}
	if (r->prefix.n) {
		wr_str(w, ",\"prefix\":");
		wr_json_string(w, r->prefix);
	}
	if (r->has_time)
		wr_time(w, f, r->time_s);
	wr_str(w, "}\n");
}

static bool has_bytes(const struct lwm_record *r)
{
	enum lwm_type t = r->value.type;

	return r->kind == LWM_RECORD_BAD ||
	       (r->kind == LWM_RECORD_VALUE &&
		       (t == LWM_STRING || t == LWM_CORELNK || t == LWM_OPAQUE));
}

static int print(const struct lwm_format *f, const struct lwm_record *r)
{
	size_t cap = 256 + 6 * (r->prefix.n + (has_bytes(r) ? r->value.bytes.n : 0));
	uint8_t *text = malloc(cap);
	struct writer w = wr_make(text, text ? cap : 0);

	wr_record(&w, f, r);
	if (!w.err)
		fwrite(w.p, 1, w.n, stdout);
	free(text);
	return w.err ? ctl_fail("out of memory") : CTL_OK;
}

static int decode_values(struct ctl *c, const struct lwm_format *f, const struct lwm_path *base,
	struct span payload, enum lwm_type type)
{
	struct lwm_codec_opts o = {
		.type = unknown_type, .arg = &type, .linked = true, .prefixed = true};
	struct lwm_records rec;
	/* One value of an unknown place still has a type: a Resource that is none. */
	struct lwm_path nowhere = {3, {LWM_ID_NONE, 0, 0}};
	size_t bad = 0;
	enum err e;
	int rc = CTL_OK;

	lwm_records_init(&rec, &c->arena);
	e = f->decode(payload, f->single_only && base->n == 0 ? &nowhere : base, &o, &rec);
	o.fetch = e == ERR_SYNTAX && base->n == 0;
	if (o.fetch) /* names alone are the body of a FETCH, which has no path */
		e = f->decode(payload, base, &o, &rec);
	if (e || rec.err)
		return ctl_fail("the payload is no %s for this path: %s", f->name,
			err_text(e ? e : rec.err));
	for (size_t i = 0; i < rec.n && rc == CTL_OK; i++) {
		rc = print(f, &rec.v[i]);
		bad += rec.v[i].kind == LWM_RECORD_BAD;
	}
	if (rc == CTL_OK && bad)
		rc = ctl_fail("%zu of %zu values do not fit their types", bad, rec.n);
	return rc;
}

/* `value` has room for any of the link's. */
static void wr_link(struct writer *w, const struct lwm_link *l, struct writer value)
{
	wr_str(w, "{\"path\":");
	/* The first link of the old form stands for the root. */
	wr_json_string(w, l->target.p ? l->target : SPAN_LIT("/"));
	wr_str(w, ",\"type\":\"link\",\"value\":{");
	for (uint8_t i = 0; i < l->attr_n; i++) {
		wr_str(w, i ? "," : "");
		wr_json_string(w, l->attr[i].name);
		wr_str(w, ":");
		value.n = 0;
		wr_link_value(&value, l->attr[i].value);
		if (l->attr[i].value.p)
			wr_json_string(w, wr_span(&value));
		else
			wr_str(w, "null");
	}
	wr_str(w, "}}\n");
}

static int decode_links(struct ctl *c, struct span payload)
{
	size_t most = payload.n, cap = 6 * most + 64 * (size_t)LWM_LINK_ATTRS_MAX;
	void *text = arena_alloc(&c->arena, cap), *value = arena_alloc(&c->arena, most);
	struct lwm_link l;
	enum err e = text && value ? ERR_OK : ERR_NOMEM;

	for (size_t i = 0; !e; i++) {
		struct writer w = wr_make(text, cap);

		e = lwm_link_next(&payload, &l);
		if (e == ERR_SYNTAX)
			return ctl_fail("link %zu is no link of link format", i + 1);
		if (!e)
			wr_link(&w, &l, wr_make(value, most));
		if (!e)
			fwrite(w.p, 1, w.n, stdout);
	}
	return e == ERR_NOTFOUND ? CTL_OK : ctl_fail("out of memory");
}

/* Of a Write-Attributes: the query, as its options would be joined. */
static int decode_attributes(const struct lwm_path *base, struct span payload)
{
	uint8_t text[64 * LWM_ATTRS + 64];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_attr_why why = {0};
	struct lwm_attrs a;
	const char *comma = "";

	if (lwm_attrs_parse(payload, base, 0, &a, &why)) {
		wr_attr_why(&w, &why);
		return ctl_fail("%.*s", (int)w.n, (const char *)w.p);
	}
	wr_str(&w, "{\"path\":\"");
	wr_path(&w, base);
	wr_str(&w, "\",\"type\":\"attributes\",\"value\":{");
	for (unsigned i = 0; i < LWM_ATTRS; i++) {
		if (!((a.set | a.unset) & LWM_ATTR_BIT(i)))
			continue;
		wr_fmt(&w, "%s\"%s\":", comma, lwm_attr_name((enum lwm_attr)i));
		if (a.set & LWM_ATTR_BIT(i))
			wr_fmt(&w, "%.15g", a.value[i]);
		else
			wr_str(&w, "null");
		comma = ",";
	}
	wr_str(&w, "}}\n");
	if (w.err)
		return ctl_fail("out of memory");
	fwrite(w.p, 1, w.n, stdout);
	return CTL_OK;
}

static int no_format(const char *word)
{
	char names[200];
	struct writer w = wr_make(names, sizeof(names) - 1);

	ctl_format_names(&w, false);
	wr_str(&w, ", " CTL_FORMATS_MORE);
	names[w.n] = '\0';
	return ctl_usage(
		ctl_command_find("decode"), "there is no format %s; known are %s", word, names);
}

int ctl_decode(struct ctl *c)
{
	bool attributes = strcmp(c->arg[0], "attributes") == 0;
	const struct lwm_format *f = format_of(c->arg[0]);
	struct lwm_models *models;
	enum lwm_type type;
	struct lwm_path base;
	struct span payload;
	int rc = type_of(c, &type);

	if (rc)
		return rc;
	if (!f && !attributes)
		return no_format(c->arg[0]);
	if (lwm_path_parse(span_str(c->arg[1]), &base))
		return ctl_usage(ctl_command_find("decode"),
			"PATH is what was asked for: up to four ids, like /3/0, or / for none");
	rc = payload_of(c, c->arg[2], &payload);
	if (!rc)
		rc = ctl_models_use(c, &models);
	if (rc)
		return rc;
	if (attributes)
		rc = decode_attributes(&base, payload);
	else
		rc = f->decode ? decode_values(c, f, &base, payload, type)
			       : decode_links(c, payload);
	ctl_models_done(models);
	return rc;
}
