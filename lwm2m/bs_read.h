/* SPDX-License-Identifier: Apache-2.0 */
/* What a Bootstrap-Read tells of the accounts of a device (BS-13). */
#ifndef LANYARD_LWM2M_BS_READ_H
#define LANYARD_LWM2M_BS_READ_H

#include "lwm2m/link.h"

/* An instance of Object 2, and what it gives rights to. */
struct lwm_bs_right {
	uint16_t iid;
	uint16_t oid, target; /* target LWM_ID_NONE: the right to create in oid */
};
enum { LWM_BS_RIGHTS_MAX = 64 };
struct lwm_bs_rights {
	struct lwm_bs_right v[LWM_BS_RIGHTS_MAX]; /* in the order of the answer */
	uint8_t n;
	bool known; /* that is all of Object 2 */
};

/* Whether a Bootstrap-Read may ask for p: Objects 1 and 2, and instances of them. */
bool lwm_bs_readable(const struct lwm_path *p);
/* Reads what answered a Bootstrap-Read of `base`. Short Server IDs of Object 1 go into `d` where
 * Bootstrap-Discover did not tell them; Object 2, if it was all asked for, into `rights`, known if
 * each instance tells what it is for. ERR_UNSUPPORTED (a format that names no instances),
 * ERR_SYNTAX (it does not fit its format, or holds something else than what was asked for),
 * ERR_LIMIT, ERR_NOMEM; both are then untouched. */
MUST_USE enum err lwm_bs_read(uint32_t cf, struct span payload, const struct lwm_path *base,
	struct lwm_bs_discover *d, struct lwm_bs_rights *rights);

#endif
