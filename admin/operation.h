/* SPDX-License-Identifier: Apache-2.0 */
/* What a device was asked for, and what came of it.
 *
 * A call waits for its operation as long as it said; then it gets 202 and the operation goes on by
 * itself. What it ended with is kept for an hour: at most OPERATIONS_MAX operations and
 * OPERATIONS_BYTES_MAX of their results, the oldest finished ones go first. */
#ifndef LANYARD_ADMIN_OPERATION_H
#define LANYARD_ADMIN_OPERATION_H

#include "admin/req.h"

enum {
	OPERATIONS_MAX = 1024,
	OPERATIONS_BYTES_MAX = 16 * 1024 * 1024,
};

/* Starts it and lets the request wait for it, r->wait_s. `d` may go when this returns. */
void operation_run(struct adm_req *r, const struct adm_dm *d, adm_answer_fn *answer);
/* Requests that wait get 503; what is under way ends without a trace. */
void operations_fini(struct adm *a);

#endif
