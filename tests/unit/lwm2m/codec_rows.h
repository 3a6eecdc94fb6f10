/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for a content format: what is read from a payload, and what is written again. */
#ifndef LANYARD_TESTS_UNIT_LWM2M_CODEC_ROWS_H
#define LANYARD_TESTS_UNIT_LWM2M_CODEC_ROWS_H

#include "tests/unit/lwm2m/fail_malloc.h"

#include "tests/unit/lwm2m/dump.h"

enum { NOW_S = 1700000000, LINKED = 1, ALT = 2, PREFIXED = 4, FETCH = 8 };

struct codec_row {
	const char *what, *base;
	struct span payload;
	/* The dump of what is read; it names the types of objects the model does not have. NULL:
	 * the payload is refused. */
	const char *want;
	const char *writes; /* what the same records are written as; NULL: anything that reads so */
	unsigned flags;
};

static inline struct lwm_codec_opts row_opts(const struct codec_row *row)
{
	struct lwm_codec_opts o = {.now_s = NOW_S,
		.linked = row->flags & LINKED,
		.prefixed = row->flags & PREFIXED,
		.fetch = row->flags & FETCH};

	if (row->flags & ALT)
		o.alt = SPAN_LIT("/lwm2m");
	if (row->want) {
		o.type = type_from_dump;
		o.arg = (void *)(uintptr_t)row->want;
	}
	return o;
}

/* Truncated, and with a byte too many, a payload is refused and leaves the records as they were. */
static inline void check_broken(const struct lwm_format *f, const struct codec_row *row)
{
	struct lwm_path base = path_of(row->base);
	struct lwm_codec_opts o = row_opts(row);
	uint8_t longer[4096] = {0};
	struct lwm_records r;
	struct arena a;
	bool refused = true;

	REQUIRE(row->payload.n < sizeof(longer), row->what);
	memcpy(longer, row->payload.p, row->payload.n);
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	for (size_t n = 1; n <= row->payload.n + 1; n++) {
		/* In memory of its own, so that a sanitizer sees a read behind its end. */
		uint8_t *copy = malloc(n);

		REQUIRE(copy, "memory");
		memcpy(copy, longer, n);
		if (n != row->payload.n)
			refused &= f->decode(span_make(copy, n), &base, &o, &r) == ERR_SYNTAX;
		refused &= r.n == 0 && !r.err;
		free(copy);
	}
	CHECK(refused, row->what);
	arena_fini(&a);
}

static inline bool has_bad(const struct lwm_records *r)
{
	bool bad = false;

	for (size_t i = 0; i < r->n; i++)
		bad |= r->v[i].kind == LWM_RECORD_BAD;
	return bad;
}

static inline void check_written(
	const struct lwm_format *f, const struct codec_row *row, const struct lwm_records *r)
{
	static uint8_t bytes[8192], text[16384];
	struct lwm_path root = {0}, base = path_of(row->base);
	struct lwm_codec_opts o = row_opts(row);
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct lwm_records back;

	CHECK(f->encode(r->v, r->n, row->flags & LINKED ? &root : &base, &o, &w) == ERR_OK,
		row->what);
	if (row->writes)
		CHECK_BYTES(wr_span(&w),
			f->cf == LWM_CF_SENML_JSON || f->cf == LWM_CF_ETCH_JSON
				? span_str(row->writes)
				: test_hex(row->writes),
			row->what);
	lwm_records_init(&back, r->arena);
	CHECK(f->decode(wr_span(&w), &base, &o, &back) == ERR_OK, row->what);
	CHECK_BYTES(dump_records(&back, text, sizeof(text)), span_str(row->want), row->what);
	for (size_t cap = 0; cap < w.n; cap++) {
		struct writer small = wr_make(bytes, cap);

		if (f->encode(r->v, r->n, row->flags & LINKED ? &root : &base, &o, &small) !=
			ERR_SPACE)
			CHECK(false, row->what);
	}
}

static inline void check_row(const struct lwm_format *f, const struct codec_row *row)
{
	static uint8_t text[16384];
	struct lwm_path base = path_of(row->base);
	struct lwm_codec_opts o = row_opts(row);
	struct lwm_records r;
	struct arena a;
	enum err e;

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	e = f->decode(row->payload, &base, &o, &r);
	CHECK(e == (row->want ? ERR_OK : ERR_SYNTAX), row->what);
	if (e) {
		CHECK(r.n == 0, row->what);
	} else if (row->want) {
		CHECK_BYTES(dump_records(&r, text, sizeof(text)), span_str(row->want), row->what);
		check_broken(f, row);
		if (!has_bad(&r))
			check_written(f, row, &r);
	}
	arena_fini(&a);
}

/* Every size of arena, and every malloc that could fail. */
static inline void check_memory(const struct lwm_format *f, const struct codec_row *row)
{
	struct lwm_path base = path_of(row->base);
	struct lwm_codec_opts o = row_opts(row);
	size_t limit = 16;
	enum err e = ERR_NOMEM;

	for (; e && limit <= 65536; limit += 16) {
		struct lwm_records r;
		struct arena a;

		arena_init(&a, limit);
		lwm_records_init(&r, &a);
		e = f->decode(row->payload, &base, &o, &r);
		CHECK(!e || (e == ERR_NOMEM && r.n == 0), row->what);
		arena_fini(&a);
	}
	CHECK(!e && limit > 512, row->what);
	e = ERR_NOMEM;
	for (long after = 0; FAIL_MALLOC && e && after < 100; after++) {
		struct lwm_records r;
		struct arena a;

		arena_init(&a, 0);
		lwm_records_init(&r, &a);
		fail_malloc_after = after;
		e = f->decode(row->payload, &base, &o, &r);
		fail_malloc_after = -1;
		CHECK(!e || (e == ERR_NOMEM && r.n == 0), row->what);
		arena_fini(&a);
	}
	CHECK(!FAIL_MALLOC || !e, row->what);
}

#endif
