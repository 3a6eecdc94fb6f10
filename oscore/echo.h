/* SPDX-License-Identifier: Apache-2.0 */
/* Echo values without state (RFC 9175 section 2.3; RFC 8613 Appendix B.1.2). */
#ifndef LANYARD_OSCORE_ECHO_H
#define LANYARD_OSCORE_ECHO_H

#include "oscore/crypto.h"

enum { OSC_ECHO_BYTES = 16 }; /* 4 bytes of time in 100 ms, 12 of HMAC */

/* The value for a request of `context_id` at now_ms under a key that is new at every start. */
MUST_USE enum err osc_echo_make(struct osc_crypto *c, const uint8_t key[static 32],
	uint64_t context_id, uint64_t now_ms, uint8_t out[static OSC_ECHO_BYTES]);
/* ERR_AUTH if we did not make it for that context, or it is older than max_age_ms (to 100 ms) or
 * from the future. */
MUST_USE enum err osc_echo_check(struct osc_crypto *c, const uint8_t key[static 32],
	uint64_t context_id, uint64_t now_ms, uint64_t max_age_ms, struct span value);

#endif
