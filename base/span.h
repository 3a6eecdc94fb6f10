/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_SPAN_H
#define LANYARD_BASE_SPAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. Passed by value. {NULL, 0} is the empty span. */
struct span {
	const uint8_t *p;
	size_t n;
};

#define SPAN_EMPTY ((struct span){NULL, 0})
/* Of a string literal or byte array. */
#define SPAN_LIT(s)    ((struct span){(const uint8_t *)(s), sizeof(s) - 1})
#define SPAN_OF(array) ((struct span){(array), sizeof(array)})

struct span span_make(const void *p, size_t n);
/* Of a NUL-terminated string; NULL gives the empty span. */
struct span span_str(const char *s);
bool span_eq(struct span a, struct span b);
bool span_eq_str(struct span a, const char *s);
/* Lexicographic by bytes, then by length; as memcmp. */
int span_cmp(struct span a, struct span b);
/* The part from `at` on, at most `n` bytes; clipped to what is there. */
static inline struct span span_sub(struct span s, size_t at, size_t n)
{
	if (at >= s.n)
		return SPAN_EMPTY;
	return (struct span){s.p + at, n < s.n - at ? n : s.n - at};
}
/* Copies into `out` with a closing NUL. ERR_SPACE if it does not fit, ERR_SYNTAX if `s` holds a
 * NUL; `out` is then the empty string. */
MUST_USE enum err span_to_str(struct span s, char *out, size_t out_cap);
/* Decimal digits only, no sign, no leading '+', no spaces. ERR_SYNTAX or ERR_RANGE (above max). */
MUST_USE enum err span_to_u64(struct span s, uint64_t max, uint64_t *out);

/* Reads a span from front to back. The error is sticky: after a failure every read yields zero or
 * the empty span, so that a parser checks once, at its end. */
struct reader {
	const uint8_t *p;
	size_t n;
	enum err err;
};

struct reader rd_make(struct span s);
uint8_t rd_u8(struct reader *r);
uint16_t rd_u16(struct reader *r); /* big-endian, like the others */
uint32_t rd_u32(struct reader *r);
uint64_t rd_u64(struct reader *r);
/* The next n (0 to 8) bytes as a big-endian number. */
uint64_t rd_uint(struct reader *r, size_t n);
struct span rd_bytes(struct reader *r, size_t n);
struct span rd_rest(struct reader *r);
size_t rd_left(const struct reader *r);
/* Sets ERR_SYNTAX or whatever is told, unless there is an error already. */
void rd_fail(struct reader *r, enum err e);
/* The closing check: the sticky error, or ERR_SYNTAX if bytes are left over. */
MUST_USE enum err rd_end(const struct reader *r);

/* Writes into a fixed buffer. The error (ERR_SPACE) is sticky; `n` never passes `cap`. */
struct writer {
	uint8_t *p;
	size_t cap;
	size_t n;
	enum err err;
};

struct writer wr_make(void *buf, size_t cap);
void wr_u8(struct writer *w, uint8_t v);
void wr_u16(struct writer *w, uint16_t v);
void wr_u32(struct writer *w, uint32_t v);
void wr_u64(struct writer *w, uint64_t v);
/* v as exactly n (0 to 8) big-endian bytes. ERR_RANGE if it does not fit. */
void wr_uint(struct writer *w, uint64_t v, size_t n);
void wr_bytes(struct writer *w, struct span s);
void wr_str(struct writer *w, const char *s);
/* printf into the buffer; no NUL is counted or left. */
void wr_fmt(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n bytes to be filled by the caller, or NULL (and the error is set). */
uint8_t *wr_room(struct writer *w, size_t n);
struct span wr_span(const struct writer *w);

#endif
