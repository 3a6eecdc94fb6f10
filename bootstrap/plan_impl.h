/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of a plan share; nobody else includes it. */
#ifndef LANYARD_BOOTSTRAP_PLAN_IMPL_H
#define LANYARD_BOOTSTRAP_PLAN_IMPL_H

#include "bootstrap/plan.h"

#include <json-c/json.h>

/* Where strings and keys go. It is as long as the text they come from, so they fit. */
struct plan_in {
	struct writer blob;
	enum bs_plan_kind kind;
	struct bs_refusal *no;
};

enum err bs_complain(struct bs_refusal *no, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The field at fault is one of this member. */
enum err bs_within(struct bs_refusal *no, const char *member, enum err err);
/* The same of an array's i-th. */
enum err bs_within_at(struct bs_refusal *no, const char *member, size_t i, enum err err);
MUST_USE enum err bs_known_members(
	struct json_object *o, const char *const *known, struct bs_refusal *no);
/* Absent: *out stays. */
MUST_USE enum err bs_number_member(struct json_object *o, const char *key, int64_t min, int64_t max,
	int64_t *out, struct bs_refusal *no);
/* Into the blob, with a closing NUL. */
MUST_USE enum err bs_string_member(
	struct plan_in *in, struct json_object *o, const char *key, size_t max, const char **out);

/* plan_keys.c: "psk", "rpk", "x509" of an account, at most one of them. *any: there was one. */
MUST_USE enum err bs_keys_parse(
	struct plan_in *in, struct json_object *o, struct bs_account *a, bool *any);
/* plan_oscore.c */
MUST_USE enum err bs_oscore_parse(
	struct json_object *o, struct bs_oscore *p, struct bs_refusal *no);
/* Of an account or a renewal. */
MUST_USE enum err bs_uri_check(const char *uri, bool keys, struct bs_refusal *no);
/* plan_renewal.c: "bootstrap_account" */
MUST_USE enum err bs_renewal_parse(struct plan_in *in, struct json_object *o, struct bs_plan *p);
/* plan_read.c: "read", an array or NULL. */
MUST_USE enum err bs_reads_parse(
	struct json_object *array, struct bs_plan *p, struct bs_refusal *no);
/* plan_access.c: "access" of a plan whose accounts are known. */
MUST_USE enum err bs_access_parse(struct plan_in *in, struct json_object *array, struct bs_plan *p);

#endif
