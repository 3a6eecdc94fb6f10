/* SPDX-License-Identifier: Apache-2.0 */
/* OSCORE messages (RFC 8613 sections 4 to 6 and 8): the option, protect and unprotect. Pure
 * functions of keys, numbers and bytes: replay windows and sequence numbers are the caller's. */
#ifndef LANYARD_OSCORE_PROTECT_H
#define LANYARD_OSCORE_PROTECT_H

#include "coap/msg.h"
#include "oscore/context.h"

enum { OSC_PIV_MAX = 5 };

/* A Partial IV as sent: minimal length, zero is the one byte 00. */
struct osc_piv {
	uint8_t n; /* 0: none */
	uint8_t p[OSC_PIV_MAX];
};

void osc_piv_set(struct osc_piv *piv, uint64_t number); /* at most OSC_SSN_MAX */
uint64_t osc_piv_number(const struct osc_piv *piv);

/* The value of option 9 (section 6.1). */
struct osc_option {
	struct osc_piv piv;
	bool has_kid_context, has_kid;
	struct span kid_context, kid; /* into the option's value */
};

/* ERR_SYNTAX for all that spec and table call malformed: reserved bits, n of 6 or 7, truncation,
 * bytes left over without k, a Partial IV that is not minimal, a value above 255 bytes. A kid
 * longer than OSC_ID_MAX is well-formed (and unknown). */
MUST_USE enum err osc_option_parse(struct span value, struct osc_option *out);
/* Nothing at all is the empty value. */
void osc_option_encode(const struct osc_option *o, struct writer *w);

/* Ties responses to their request (section 8): both directions put it into the AAD. */
struct osc_binding {
	struct osc_id kid;
	struct osc_piv piv;
	bool observe; /* the request carried Observe 0 */
};

/* All of these take a message with its options in the clear, in `plain`, and give the message to
 * send in `out`: type, MID and token of `plain`, outer code and options, ciphertext. Bytes of `out`
 * live in `buf` (give it 64 bytes more than the plain message). */

/* A request under sender number `number`, which the caller must never use again. kid_context: put
 * it into the option if it is not NULL. Fills `binding`. ERR_SPACE, ERR_RANGE (number),
 * ERR_UNSUPPORTED (Proxy-Uri). Outer Observe and the FETCH code as in section 4.1.3.5 and 4.2. */
MUST_USE enum err osc_protect_request(struct osc_crypto *c, const struct osc_keys *k,
	uint64_t number, const struct span *kid_context, const struct msg *plain,
	struct writer *buf, struct msg *out, struct osc_binding *binding);
/* A response. `number` NULL: under the request's nonce, which may be done once for each request;
 * else under a number of our own, sent as Partial IV. Notifications (plain has Observe) leave with
 * an empty inner Observe and their value outside. */
MUST_USE enum err osc_protect_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *binding, const uint64_t *number, const struct msg *plain,
	struct writer *buf, struct msg *out);

/* A request whose option was parsed into `opt` and whose context was found and window checked. On
 * success `plain` is the message the sender protected: outer class E options are gone, outer
 * Observe kept only if the inner is there, type, MID and token of `outer`; its spans point into
 * `buf`. Fills `binding`. ERR_AUTH: answer "Decryption failed". ERR_SYNTAX: it decrypted, but what
 * is inside is no CoAP request or carries option 9 again (4.02 protected); the caller still moves
 * the window. */
MUST_USE enum err osc_unprotect_request(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_option *opt, const struct msg *outer, struct writer *buf,
	struct msg *plain, struct osc_binding *binding);
/* A response to the request of `binding`. `number` gets its Partial IV, or is UINT64_MAX if it had
 * none. ERR_SYNTAX if malformed, carries an Observe the request did not ask for, or is no response;
 * ERR_AUTH. */
MUST_USE enum err osc_unprotect_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *binding, const struct msg *outer, struct writer *buf,
	struct msg *plain, uint64_t *number);

/* For tests and tools: the nonce and the external AAD of a message. */
void osc_nonce(const struct osc_keys *k, const struct osc_id *piv_owner, const struct osc_piv *piv,
	uint8_t out[static OSC_NONCE_MAX]);
void osc_aad(const struct osc_keys *k, const struct osc_binding *b, struct writer *w);

#endif
