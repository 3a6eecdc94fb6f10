/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies: strict, of bounded depth, and wiped after use. Of a name that is given twice the
 * last counts. */
#ifndef LANYARD_ADMIN_JSON_H
#define LANYARD_ADMIN_JSON_H

#include "admin/problem.h"
#include "base/arena.h"

struct json_object;

enum { JS_DEPTH_MAX = 16 };

/* Reads one object. Numbers beyond 64 bits are refused (json-c would bend them to the limit), so
 * are NaN and Infinity. On failure `fail` says why (400) and *out is NULL. */
MUST_USE bool js_parse(struct span text, struct json_object **out, struct adm_fail *fail);
/* Overwrites every string in it, then frees it. NULL is fine. */
void js_free(struct json_object *o);

/* Reads the members of one object. Failures (422) go to `fail`, which is sticky, with the member's
 * name behind `prefix`; a getter that fails yields its empty value. */
struct js_in {
	struct json_object *obj;
	struct adm_fail *fail;
	const char *prefix; /* "resources.", or NULL */
};

/* Refuses members whose name is not in the NULL-terminated list. */
void js_known(struct js_in *in, const char *const *names);
/* NULL if absent or null. */
struct json_object *js_member(const struct js_in *in, const char *name);
bool js_fail(struct js_in *in, const char *name, const char *what);
/* min to max bytes of text without NUL; it lives as long as the object. */
struct span js_text(struct js_in *in, const char *name, size_t min, size_t max, bool *has);
/* min to max bytes given as hex, copied into the arena. */
struct span js_hex(
	struct js_in *in, struct arena *a, const char *name, size_t min, size_t max, bool *has);
/* `preset` if absent. */
uint64_t js_u64(struct js_in *in, const char *name, uint64_t max, uint64_t preset, bool *has);
bool js_bool(struct js_in *in, const char *name, bool *has);
/* One of the words: its index; 0 if absent or wrong. */
int js_choice(struct js_in *in, const char *name, const char *const *words, bool *has);

/* Of any value. */
struct span js_string(struct json_object *v);
bool js_int64(struct json_object *v, int64_t *out);
bool js_uint64(struct json_object *v, uint64_t *out);
bool js_number(struct json_object *v, double *out); /* finite */

#endif
