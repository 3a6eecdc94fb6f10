/* SPDX-License-Identifier: Apache-2.0 */
/* The Idempotency-Key header: a POST or PUT that comes again gets the answer of the first, and does
 * nothing.
 *
 * A key belongs to the user who sent it. What is remembered of a request is a keyed hash of its
 * method, target, Content-Type and body; of its answer up to IDEM_ANSWER_MAX bytes. In memory: a
 * restart forgets it. Answers that ask to try again (500, 503, 507) are not kept. */
#ifndef LANYARD_ADMIN_IDEMPOTENCY_H
#define LANYARD_ADMIN_IDEMPOTENCY_H

#include "admin/req.h"

enum { IDEM_MAX = 4096, IDEM_ANSWER_MAX = 16 * 1024, IDEM_KEY_MAX = 255 };

/* True: go on; without the header, or for the first of its key. False: the request is answered. */
MUST_USE bool idem_begin(struct adm_req *r);
/* The request's answer. Before it is sent, and once for each request. */
void idem_answered(struct adm_req *r, int status, const char *content_type, struct span body);
void idem_fini(struct adm *a);

#endif
