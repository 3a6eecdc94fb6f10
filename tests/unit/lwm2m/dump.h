/* SPDX-License-Identifier: Apache-2.0 */
/* Records as text, one a line: "/3/0/9 integer 100", "/3/0/6 multiple", "/2/0 instance", "/3/0/9
 * bad integer 0001", "/3/0/9 integer 100 @1700000000.5"; opaque in hex. And reading them back, so
 * that a row says what it expects and what types its paths have at once. */
#ifndef LANYARD_TESTS_UNIT_LWM2M_DUMP_H
#define LANYARD_TESTS_UNIT_LWM2M_DUMP_H

#include "base/text.h"
#include "lwm2m/format.h"
#include "tests/unit/test.h"

#include <math.h>

static inline void dump_record(struct writer *w, const struct lwm_record *r)
{
	if (r->prefix.n)
		wr_u8(w, '/');
	wr_bytes(w, r->prefix);
	wr_path(w, &r->path);
	wr_u8(w, ' ');
	switch (r->kind) {
	case LWM_RECORD_INSTANCE:
		wr_str(w, "instance");
		return;
	case LWM_RECORD_MULTIPLE:
		wr_str(w, "multiple");
		return;
	case LWM_RECORD_NAME:
		wr_str(w, "name");
		return;
	case LWM_RECORD_DELETE:
		wr_str(w, "delete");
		break;
	case LWM_RECORD_BAD:
		wr_fmt(w, "bad %s ", lwm_type_name(r->value.type));
		wr_hex(w, r->value.bytes);
		break;
	case LWM_RECORD_VALUE:
		wr_fmt(w, "%s ", lwm_type_name(r->value.type));
		if (r->value.type == LWM_OPAQUE)
			wr_hex(w, r->value.bytes);
		else if (r->value.type == LWM_FLOAT && !isfinite(r->value.f))
			wr_fmt(w, "%f", r->value.f);
		else if (r->value.type != LWM_NONE)
			wr_value_text(w, &r->value);
		break;
	}
	if (r->has_time)
		wr_fmt(w, " @%.17g", r->time_s);
}

static inline struct span dump_records(const struct lwm_records *r, void *buf, size_t cap)
{
	struct writer w = wr_make(buf, cap);

	for (size_t i = 0; i < r->n; i++) {
		if (i)
			wr_u8(&w, '\n');
		dump_record(&w, &r->v[i]);
	}
	REQUIRE(!w.err, "the dump fits its buffer");
	return wr_span(&w);
}

static inline enum lwm_type type_of_name(const char *name, size_t n)
{
	for (int t = LWM_STRING; t <= LWM_CORELNK; t++)
		if (span_eq_str(span_make(name, n), lwm_type_name((enum lwm_type)t)))
			return (enum lwm_type)t;
	return LWM_NONE;
}

/* An lwm_type_fn; arg is the expected dump. */
static inline enum lwm_type type_from_dump(void *arg, const struct lwm_path *p)
{
	char text[64];
	struct writer w = wr_make(text, sizeof(text) - 1);
	const char *at = arg;

	wr_path(&w, p);
	wr_u8(&w, ' ');
	text[w.n] = '\0';
	while (at && strncmp(at, text, w.n) != 0) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	return at ? type_of_name(at + w.n, strcspn(at + w.n, " ")) : LWM_NONE;
}

static inline struct lwm_path path_of(const char *text)
{
	struct lwm_path p = {0};

	REQUIRE(lwm_path_parse(span_str(text), &p) == ERR_OK, text);
	return p;
}

#endif
