/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags and preconditions (RFC 9110 sections 8.8.3 and 13) of what is stored.
 *
 * A tag has two halves, "0123456789abcdef-0123456789abcdef": of what a PUT would replace, and of
 * the whole answer, which may tell more (a registration, counters). Preconditions of changes
 * compare the first half, so that a device's own doings do not get in an administrator's way; a GET
 * compares both. They are keyed hashes under a key drawn at start: they tell nothing of what they
 * are made of, and none outlives the process. */
#ifndef LANYARD_ADMIN_ETAG_H
#define LANYARD_ADMIN_ETAG_H

#include "admin/req.h"

uint64_t etag_hash(const struct adm *a, struct span s);
/* Whether the request has a precondition. */
bool etag_wanted(const struct adm_req *r);
/* If-Match and If-None-Match of a change; `exists`: what it would change is there, with r->tag. 412
 * in r->fail. */
MUST_USE bool etag_precondition(struct adm_req *r, bool exists);
/* Adds the ETag header for an answer with this body; true: the client has it already (304). */
bool etag_fresh(struct adm_req *r, struct span body);

#endif
