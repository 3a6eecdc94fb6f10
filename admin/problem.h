/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request is refused (RFC 9457). */
#ifndef LANYARD_ADMIN_PROBLEM_H
#define LANYARD_ADMIN_PROBLEM_H

#include "admin/out.h"

/* Filled by whatever checks a request. `type` is the last part of the problem type; `field` names
 * the part of the body or query at fault ("" : none). The text never quotes what was sent: it may
 * be a secret. */
struct adm_fail {
	int status; /* 0: nothing failed */
	const char *type;
	char field[64];
	char detail[256];
};

/* The first failure stays. `field` NULL: none. Returns false, for the caller to return. */
bool adm_fail_set(struct adm_fail *f, int status, const char *type, const char *field,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* An application/problem+json object, left open for further members. */
void adm_problem_begin(
	struct jo *o, int status, const char *type, const char *detail, const char *field);
/* All types there are; NULL behind the last. */
const char *adm_problem_type(size_t i);
/* "Not Found" */
const char *adm_status_text(int status);

#endif
