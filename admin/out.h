/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, written front to back into memory that grows. */
#ifndef LANYARD_ADMIN_OUT_H
#define LANYARD_ADMIN_OUT_H

#include "base/span.h"

/* The error is sticky (ERR_NOMEM); what was written is then worthless. Start from {0}. */
struct jo {
	char *p;
	size_t n, cap;
	enum err err;
};

void jo_free(struct jo *o);
/* Gives the text away with a closing NUL, to be freed with free(); NULL after an error. */
char *jo_take(struct jo *o);

/* Text as it is, JSON or not. */
void jo_raw(struct jo *o, struct span s);
void jo_fmt(struct jo *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Members. `key` is a literal of ours; NULL inside an array or at the top. Commas come by
 * themselves. */
void jo_object(struct jo *o, const char *key);
void jo_array(struct jo *o, const char *key);
void jo_end_object(struct jo *o);
void jo_end_array(struct jo *o);
/* A string; bytes that are not UTF-8 become U+FFFD. */
void jo_text(struct jo *o, const char *key, struct span s);
/* NULL is null. */
void jo_str(struct jo *o, const char *key, const char *s);
void jo_hex(struct jo *o, const char *key, struct span s);
void jo_base64(struct jo *o, const char *key, struct span s);
void jo_u64(struct jo *o, const char *key, uint64_t v);
void jo_i64(struct jo *o, const char *key, int64_t v);
void jo_bool(struct jo *o, const char *key, bool v);
/* The shortest text that reads back the same; v is finite. */
void jo_double(struct jo *o, const char *key, double v);
void jo_null(struct jo *o, const char *key);
/* JSON that is known to be good, on one line. */
void jo_json(struct jo *o, const char *key, struct span json);
/* Seconds since 1970 as RFC 3339; 0 is null. */
void jo_time(struct jo *o, const char *key, int64_t wall_s);

#endif
