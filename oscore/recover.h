/* SPDX-License-Identifier: Apache-2.0 */
/* A new context from the same Master Secret, by two exchanges (RFC 8613 Appendix B.2): what both
 * ends derive, wrap and protect in it. Each step is a change of the ID Context: request 1 is
 * protected under ID1, response 1 under R2 | ID1, all that follows under R2 | R3. */
#ifndef LANYARD_OSCORE_RECOVER_H
#define LANYARD_OSCORE_RECOVER_H

#include "oscore/protect.h"

enum {
	OSC_R2_BYTES = 16,  /* ours: 4 of time in 100 ms, 4 of a counter, 8 of HMAC */
	OSC_PART_BYTES = 8, /* ID1 and R3 of ours */
	OSC_WRAPPED_MAX = 2 + OSC_ID_CONTEXT_MAX,
};

/* On the wire of B.2 a kid context is a CBOR byte string of the value. ERR_SYNTAX: it is not one,
 * or not that alone. */
MUST_USE enum err osc_unwrap(struct span kid_context, struct span *value);
void osc_wrap(struct span value, struct writer *w);

/* R2 without state: what it was made for is the endpoint's context in use, by its kid and by an id
 * that no other context ever has. `count` rises with each value under one key, which is new at
 * every start: so no two are equal. */
MUST_USE enum err osc_r2_make(struct osc_crypto *c, const uint8_t key[static 32], struct span kid,
	uint64_t context_id, uint64_t now_ms, uint32_t count, uint8_t out[static OSC_R2_BYTES]);
/* ERR_AUTH if we did not make it for that context, or it is older than max_age_ms (to 100 ms) or
 * from the future. */
MUST_USE enum err osc_r2_check(struct osc_crypto *c, const uint8_t key[static 32], struct span kid,
	uint64_t context_id, uint64_t now_ms, uint64_t max_age_ms, struct span value);

/* Recipient Key and Common IV alone, which is what a message that may be forged is worth. Errors as
 * osc_derive; the Sender Key is zeros. */
MUST_USE enum err osc_derive_receiver(
	struct osc_crypto *c, const struct osc_params *p, struct osc_keys *out);

/* Response 1. `k`: of R2 | ID1. Its nonce is, byte for byte, that of request 1 (section 8.3), whose
 * keys are `request_keys`; its option carries the wrapped R2 and nothing else. Errors as
 * osc_protect_response. Once for each R2. */
MUST_USE enum err osc_protect_response_1(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_keys *request_keys, const struct osc_binding *binding, struct span r2,
	const struct msg *plain, struct writer *buf, struct msg *out);
/* The R2 of a message that looks like response 1: it is one that has a kid context. ERR_NOTFOUND:
 * it does not. */
MUST_USE enum err osc_response_1_r2(const struct msg *outer, struct span *r2);
/* Errors as osc_unprotect_response. */
MUST_USE enum err osc_unprotect_response_1(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_keys *request_keys, const struct osc_binding *binding,
	const struct msg *outer, struct writer *buf, struct msg *plain);

#endif
