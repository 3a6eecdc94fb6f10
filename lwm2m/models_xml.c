/* SPDX-License-Identifier: Apache-2.0 */
/* Registry files: OMA LwM2M Core appendix D.1. Elements that are not named here are passed over,
 * with what is in them: the format grows. */
#include "lwm2m/models_xml.h"

#include "base/text.h"
#include "lwm2m/version.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 16, TEXT_CAP = LWM_MODEL_TEXT_MAX + 1 };

/* Where elements stand: <LWM2M><Object><Resources><Item><Name>. */
enum { DEPTH_ROOT = 1, DEPTH_OBJECT, DEPTH_OBJECT_FIELD, DEPTH_ITEM, DEPTH_ITEM_FIELD };

enum field {
	FIELD_NONE,
	FIELD_NAME,
	FIELD_ID,
	FIELD_VERSION,
	FIELD_MULTIPLE,
	FIELD_MANDATORY,
	FIELD_OPERATIONS,
	FIELD_TYPE,
	FIELD_RANGE,
};

static const struct {
	const char *element;
	uint8_t depth;
	enum field field;
} fields[] = {
	{"Name", DEPTH_OBJECT_FIELD, FIELD_NAME},
	{"ObjectID", DEPTH_OBJECT_FIELD, FIELD_ID},
	{"ObjectVersion", DEPTH_OBJECT_FIELD, FIELD_VERSION},
	{"MultipleInstances", DEPTH_OBJECT_FIELD, FIELD_MULTIPLE},
	{"Mandatory", DEPTH_OBJECT_FIELD, FIELD_MANDATORY},
	{"Name", DEPTH_ITEM_FIELD, FIELD_NAME},
	{"Operations", DEPTH_ITEM_FIELD, FIELD_OPERATIONS},
	{"MultipleInstances", DEPTH_ITEM_FIELD, FIELD_MULTIPLE},
	{"Mandatory", DEPTH_ITEM_FIELD, FIELD_MANDATORY},
	{"Type", DEPTH_ITEM_FIELD, FIELD_TYPE},
	{"RangeEnumeration", DEPTH_ITEM_FIELD, FIELD_RANGE},
};

struct item {
	struct lwm_resource r;
	uint32_t line;
};

struct parser {
	XML_Parser xml;
	struct arena *arena;
	struct lwm_model_file *out;
	enum err err;
	unsigned depth;
	bool in_resources, in_item;
	unsigned seen; /* fields of what is open now: 1 << FIELD_... */
	unsigned object_seen;
	struct lwm_object object;
	struct item *items;
	size_t item_n, item_cap;
	enum field field;
	char text[TEXT_CAP];
	size_t text_n;
	bool text_long;
	char range[TEXT_CAP]; /* until the type is known */
};

__attribute__((format(printf, 3, 4))) static void fail(
	struct parser *p, enum err err, const char *what, ...)
{
	va_list ap;

	if (p->err)
		return;
	p->err = err;
	p->out->why_line = (uint32_t)XML_GetCurrentLineNumber(p->xml);
	va_start(ap, what);
	vsnprintf(p->out->why, sizeof(p->out->why), what, ap);
	va_end(ap);
	XML_StopParser(p->xml, XML_FALSE);
}

/* ---- values */

static struct span trimmed(const struct parser *p)
{
	struct span s = span_make(p->text, p->text_n);

	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	while (s.n && strchr(" \t\r\n", s.p[0]))
		s = span_sub(s, 1, s.n);
	return s;
}

static bool is_word(struct span s, const char *word)
{
	return s.n == strlen(word) && (s.n == 0 || strncasecmp((const char *)s.p, word, s.n) == 0);
}

/* One of two words. */
static bool choice(struct parser *p, struct span s, const char *yes, const char *no, const char *of)
{
	if (!is_word(s, yes) && !is_word(s, no))
		fail(p, ERR_SYNTAX, "%s is neither %s nor %s", of, yes, no);
	return is_word(s, yes);
}

static const char *name_of(struct parser *p, struct span s)
{
	struct span copy;
	enum err err = ERR_OK;

	if (s.n == 0 || p->text_long || !utf8_valid(s)) {
		fail(p, ERR_SYNTAX, "Name is not 1 to %d bytes", LWM_MODEL_TEXT_MAX);
		return "";
	}
	copy = arena_dup(p->arena, s, &err);
	if (err)
		fail(p, err, "there is no memory left for models");
	return err ? "" : (const char *)copy.p;
}

static enum lwm_type type_of(struct parser *p, struct span s)
{
	static const struct {
		const char *word;
		enum lwm_type type;
	} types[] = {
		{"String", LWM_STRING},
		{"Integer", LWM_INTEGER},
		{"Unsigned Integer", LWM_UNSIGNED},
		{"UnsignedInteger", LWM_UNSIGNED},
		{"Float", LWM_FLOAT},
		{"Boolean", LWM_BOOLEAN},
		{"Opaque", LWM_OPAQUE},
		{"Time", LWM_TIME},
		{"Objlnk", LWM_OBJLNK},
		{"Corelnk", LWM_CORELNK},
		{"", LWM_NONE},
		{"None", LWM_NONE},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (is_word(s, types[i].word))
			return types[i].type;
	fail(p, ERR_SYNTAX, "Type is none of those of LwM2M");
	return LWM_NONE;
}

static uint8_t operations_of(struct parser *p, struct span s)
{
	uint8_t ops = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = memchr("RWE", s.p[i], 3);

		if (at)
			ops |= (uint8_t)(*at == 'R' ? LWM_OP_R : *at == 'W' ? LWM_OP_W : LWM_OP_E);
		else
			fail(p, ERR_SYNTAX, "Operations has other letters than R, W and E");
	}
	return ops;
}

static void set_number(struct parser *p, struct span s)
{
	uint64_t v;

	if (span_to_u64(s, LWM_ID_NONE - 1, &v))
		fail(p, ERR_SYNTAX, "ObjectID is no number from 0 to 65534");
	else
		p->object.oid = (uint16_t)v;
}

static void set_version(struct parser *p, struct span s)
{
	if (s.n && lwm_version_parse(s, &p->object.version))
		fail(p, ERR_SYNTAX, "ObjectVersion is no version like 1.0");
}

/* "a..b" of numbers; false: text of another kind, which says nothing to a program. */
static bool range_of(const char *text, double *min, double *max)
{
	const char *dots = strstr(text, "..");
	char low[TEXT_CAP], *end;

	if (!dots)
		return false;
	snprintf(low, sizeof(low), "%.*s", (int)(dots - text), text);
	*min = strtod(low, &end);
	if (end == low || end[strspn(end, " ")])
		return false;
	*max = strtod(dots + 2, &end);
	return end != dots + 2 && !end[strspn(end, " ")] && *min <= *max;
}

/* ---- elements */

static void object_field(struct parser *p, struct span s)
{
	struct lwm_object *o = &p->object;

	if (p->field == FIELD_NAME)
		o->name = name_of(p, s);
	else if (p->field == FIELD_ID)
		set_number(p, s);
	else if (p->field == FIELD_VERSION)
		set_version(p, s);
	else if (p->field == FIELD_MULTIPLE)
		o->multiple = choice(p, s, "Multiple", "Single", "MultipleInstances");
	else if (p->field == FIELD_MANDATORY)
		o->mandatory = choice(p, s, "Mandatory", "Optional", "Mandatory");
}

static void item_field(struct parser *p, struct span s)
{
	struct lwm_resource *r = &p->items[p->item_n].r;

	if (p->field == FIELD_NAME)
		r->name = name_of(p, s);
	else if (p->field == FIELD_OPERATIONS)
		r->ops = operations_of(p, s);
	else if (p->field == FIELD_MULTIPLE)
		r->multiple = choice(p, s, "Multiple", "Single", "MultipleInstances");
	else if (p->field == FIELD_MANDATORY)
		r->mandatory = choice(p, s, "Mandatory", "Optional", "Mandatory");
	else if (p->field == FIELD_TYPE)
		r->type = type_of(p, s);
	else if (p->field == FIELD_RANGE && !p->text_long && span_to_str(s, p->range, TEXT_CAP))
		p->range[0] = '\0';
}

static bool more_items(struct parser *p)
{
	size_t cap = p->item_cap ? 2 * p->item_cap : 64;
	struct item *v;

	if (p->item_n == LWM_MODEL_RESOURCES_MAX)
		fail(p, ERR_LIMIT, "more than %d resources", LWM_MODEL_RESOURCES_MAX);
	if (p->err || p->item_n < p->item_cap)
		return !p->err;
	v = realloc(p->items, cap * sizeof(*v));
	if (!v) {
		fail(p, ERR_NOMEM, "there is no memory left for models");
		return false;
	}
	p->items = v;
	p->item_cap = cap;
	return true;
}

static void begin_item(struct parser *p, const char **attributes)
{
	uint64_t id = LWM_ID_NONE;

	for (size_t i = 0; attributes[i]; i += 2)
		if (strcmp(attributes[i], "ID") == 0 &&
			span_to_u64(span_str(attributes[i + 1]), LWM_ID_NONE - 1, &id))
			id = LWM_ID_NONE;
	if (id == LWM_ID_NONE)
		fail(p, ERR_SYNTAX, "Item has no ID from 0 to 65534");
	if (!more_items(p))
		return;
	p->items[p->item_n] =
		(struct item){{.rid = (uint16_t)id}, (uint32_t)XML_GetCurrentLineNumber(p->xml)};
	p->in_item = true;
	p->seen = 0;
	p->range[0] = '\0';
}

static bool seen(unsigned fields_seen, enum field f)
{
	return fields_seen >> f & 1;
}

static void end_item(struct parser *p)
{
	struct lwm_resource *r = &p->items[p->item_n].r;

	p->in_item = false;
	if (!seen(p->seen, FIELD_NAME))
		fail(p, ERR_SYNTAX, "Item %u has no Name", r->rid);
	if (r->ops & LWM_OP_E) { /* OBJ-03 */
		r->type = LWM_NONE;
		r->multiple = false;
	} else if (r->type == LWM_NONE) {
		fail(p, ERR_SYNTAX, "Item %u has no Type, and is not executable", r->rid);
	}
	r->ranged = range_of(p->range, &r->min, &r->max);
	p->item_n++;
}

static void begin_object(struct parser *p)
{
	p->object = (struct lwm_object){.version = 10};
	p->object_seen = 0;
	p->item_n = 0;
	if (p->out->n == LWM_MODEL_OBJECTS_MAX)
		fail(p, ERR_LIMIT, "more than %d objects in one file", LWM_MODEL_OBJECTS_MAX);
}

static int by_rid(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->r.rid != y->r.rid ? (x->r.rid > y->r.rid) - (x->r.rid < y->r.rid)
				    : (x->line > y->line) - (x->line < y->line);
}

static void keep_items(struct parser *p)
{
	struct lwm_resource *rows = arena_alloc(p->arena, (p->item_n + 1) * sizeof(*rows));

	if (!rows)
		fail(p, ERR_NOMEM, "there is no memory left for models");
	if (p->item_n)
		qsort(p->items, p->item_n, sizeof(p->items[0]), by_rid);
	for (size_t i = 0; i < p->item_n && !p->err; i++) {
		rows[i] = p->items[i].r;
		rows[i].oid = p->object.oid;
		if (i == 0 || rows[i - 1].rid != rows[i].rid)
			continue;
		fail(p, ERR_SYNTAX, "Item %u is there twice", rows[i].rid);
		p->out->why_line = p->items[i].line;
	}
	p->object.resources = rows;
	p->object.resource_n = p->item_n;
}

static void end_object(struct parser *p)
{
	static const struct {
		enum field field;
		const char *name;
	} needed[] = {{FIELD_NAME, "Name"}, {FIELD_ID, "ObjectID"},
		{FIELD_MULTIPLE, "MultipleInstances"}};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!seen(p->object_seen, needed[i].field))
			fail(p, ERR_SYNTAX, "Object has no %s", needed[i].name);
	keep_items(p);
	if (p->err)
		return;
	p->out->line[p->out->n] = (uint32_t)XML_GetCurrentLineNumber(p->xml);
	p->out->object[p->out->n++] = p->object;
}

static enum field field_of(const struct parser *p, const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].depth == p->depth && strcmp(fields[i].element, name) == 0 &&
			(p->depth == DEPTH_OBJECT_FIELD || p->in_item))
			return fields[i].field;
	return FIELD_NONE;
}

static void begin_field(struct parser *p, const char *name)
{
	unsigned *done = p->depth == DEPTH_OBJECT_FIELD ? &p->object_seen : &p->seen;

	p->field = field_of(p, name);
	if (p->field == FIELD_NONE)
		return;
	if (seen(*done, p->field))
		fail(p, ERR_SYNTAX, "%s is there twice", name);
	*done |= 1u << p->field;
	p->text_n = 0;
	p->text_long = false;
}

static void XMLCALL on_start(void *arg, const char *name, const char **attributes)
{
	struct parser *p = arg;

	if (p->err)
		return;
	p->field = FIELD_NONE;
	if (++p->depth > DEPTH_MAX)
		fail(p, ERR_LIMIT, "elements nest more than %d deep", DEPTH_MAX);
	else if (p->depth == DEPTH_ROOT && strcmp(name, "LWM2M") != 0)
		fail(p, ERR_SYNTAX, "the outermost element is not LWM2M");
	else if (p->depth == DEPTH_OBJECT && strcmp(name, "Object") != 0)
		fail(p, ERR_SYNTAX, "LWM2M holds something else than Object");
	else if (p->depth == DEPTH_OBJECT)
		begin_object(p);
	else if (p->depth == DEPTH_ITEM && p->in_resources && strcmp(name, "Item") == 0)
		begin_item(p, attributes);
	else if (p->depth == DEPTH_OBJECT_FIELD && strcmp(name, "Resources") == 0)
		p->in_resources = true;
	else
		begin_field(p, name);
}

static void XMLCALL on_end(void *arg, const char *name)
{
	struct parser *p = arg;

	(void)name;
	if (p->err)
		return;
	if (p->field != FIELD_NONE) {
		if (p->depth == DEPTH_OBJECT_FIELD)
			object_field(p, trimmed(p));
		else
			item_field(p, trimmed(p));
	} else if (p->depth == DEPTH_ITEM && p->in_item) {
		end_item(p);
	} else if (p->depth == DEPTH_OBJECT_FIELD) {
		p->in_resources = false;
	} else if (p->depth == DEPTH_OBJECT) {
		end_object(p);
	}
	p->field = FIELD_NONE;
	p->depth--;
}

static void XMLCALL on_text(void *arg, const char *s, int n)
{
	struct parser *p = arg;
	size_t room = LWM_MODEL_TEXT_MAX - p->text_n, take = (size_t)n < room ? (size_t)n : room;

	if (p->err || p->field == FIELD_NONE)
		return;
	memcpy(&p->text[p->text_n], s, take);
	p->text_n += take;
	p->text_long |= take < (size_t)n;
}

/* Without a document type there are no entities but those of XML itself, and no other files. */
static void XMLCALL on_doctype(
	void *arg, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name, (void)sysid, (void)pubid, (void)internal;
	fail(arg, ERR_SYNTAX, "a document type is not taken");
}

static void parse(struct parser *p, struct span text)
{
	XML_SetUserData(p->xml, p);
	XML_SetElementHandler(p->xml, on_start, on_end);
	XML_SetCharacterDataHandler(p->xml, on_text);
	XML_SetStartDoctypeDeclHandler(p->xml, on_doctype);
	if (text.n > LWM_MODEL_FILE_MAX)
		fail(p, ERR_LIMIT, "the file has more than %d bytes", LWM_MODEL_FILE_MAX);
	else if (XML_Parse(p->xml, (const char *)text.p, (int)text.n, 1) != XML_STATUS_OK)
		fail(p, ERR_SYNTAX, "%s", XML_ErrorString(XML_GetErrorCode(p->xml)));
	else if (p->out->n == 0)
		fail(p, ERR_SYNTAX, "there is no Object in it");
}

enum err lwm_model_file_read(struct span text, struct arena *a, struct lwm_model_file *out)
{
	struct parser p = {.xml = XML_ParserCreate(NULL), .arena = a, .out = out};

	*out = (struct lwm_model_file){.n = 0};
	if (!p.xml)
		return ERR_NOMEM;
	parse(&p, text);
	XML_ParserFree(p.xml);
	free(p.items);
	if (p.err)
		out->n = 0;
	return p.err;
}
