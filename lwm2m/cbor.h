/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR (RFC 8949) by libcbor's streaming decoder, item by item: nothing is allocated but the joined
 * chunks of strings, which are there in the payload; a count is believed only as far as there is
 * input. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_CBOR_H
#define LANYARD_LWM2M_CBOR_H

#include "base/arena.h"
#include "lwm2m/arrived.h"

enum { LWM_CBOR_DEPTH_MAX = 16 };

enum lwm_cbor_kind {
	LWM_CBOR_NONE, /* nothing could be read: the reader has an error */
	LWM_CBOR_INTEGER,
	LWM_CBOR_FLOAT,
	LWM_CBOR_BOOL,
	LWM_CBOR_NULL,
	LWM_CBOR_UNDEFINED,
	LWM_CBOR_BYTES,
	LWM_CBOR_TEXT,
	LWM_CBOR_ARRAY,
	LWM_CBOR_MAP,
	LWM_CBOR_TAG,
	LWM_CBOR_BREAK,
	LWM_CBOR_CHUNKS, /* never seen outside: the start of a string in chunks */
};

/* The sticky error: ERR_SYNTAX, ERR_NOMEM or ERR_LIMIT. */
struct lwm_cbor {
	struct span in;
	size_t at;
	struct arena *arena; /* for joined strings */
	enum err err;
};

/* What stands in front: a whole simple item, or the head of a container or tag. */
struct lwm_cbor_item {
	enum lwm_cbor_kind kind;
	bool b;
	bool minus;      /* integer */
	bool indefinite; /* array, map */
	union {
		uint64_t u; /* integer: u, or -1 - u with minus; array, map: count; tag */
		double f;
		struct span s; /* text, bytes; in the payload or the arena */
	};
};

/* The elements of an array, or the pairs of a map. */
struct lwm_cbor_list {
	bool indefinite;
	uint64_t left;
};

struct lwm_cbor lwm_cbor_make(struct span in, struct arena *a);
void lwm_cbor_fail(struct lwm_cbor *c, enum err e);
void lwm_cbor_next(struct lwm_cbor *c, struct lwm_cbor_item *out);
/* Goes into an array or a map; fails if another thing stands there. */
struct lwm_cbor_list lwm_cbor_open(struct lwm_cbor *c, enum lwm_cbor_kind kind);
/* Of an indefinite list: takes the break, if that stands in front. */
bool lwm_cbor_more_open(struct lwm_cbor *c);
/* True if another element (pair) stands in front. */
static inline bool lwm_cbor_more(struct lwm_cbor *c, struct lwm_cbor_list *l)
{
	if (c->err)
		return false;
	return l->indefinite ? lwm_cbor_more_open(c) : l->left && l->left--;
}
/* One item with all it holds. */
void lwm_cbor_skip(struct lwm_cbor *c);
/* One item with all it holds as a value (FMT-33): times by tag 0 or 1, decimal fractions by tag 4.
 */
void lwm_cbor_value(struct lwm_cbor *c, struct lwm_arrived *out);
/* The closing check: the sticky error, or ERR_SYNTAX if bytes are left over. */
MUST_USE enum err lwm_cbor_end(const struct lwm_cbor *c);

/* The shortest forms. */
void lwm_wr_cbor_uint(struct writer *w, uint64_t u);
void lwm_wr_cbor_int(struct writer *w, int64_t i);
void lwm_wr_cbor_array(struct writer *w, size_t n);
void lwm_wr_cbor_map(struct writer *w, size_t n);
void lwm_wr_cbor_text(struct writer *w, struct span s);
void lwm_wr_cbor_bytes(struct writer *w, struct span s);
void lwm_wr_cbor_bool(struct writer *w, bool b);
void lwm_wr_cbor_null(struct writer *w);
/* `shortest`: as half or single if that is the same number; else always a double. ERR_RANGE for
 * NaN and the infinities. */
void lwm_wr_cbor_float(struct writer *w, double f, bool shortest);
/* A value by its own type (FMT-33). */
void lwm_wr_cbor_value(struct writer *w, const struct lwm_value *v, bool shortest);

#endif
