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

/* ERR_SYNTAX for all that is malformed: reserved bits (0x80, 0x40, 0x20), n of 6 or 7, a truncated
 * Partial IV or kid context, bytes left over without k, a Partial IV that is not minimal, a value
 * above 255 bytes. A kid longer than OSC_ID_MAX is well-formed (and unknown). `out` is then empty.
 */
MUST_USE enum err osc_option_parse(struct span value, struct osc_option *out);
/* The option of a received message. ERR_NOTFOUND: there is none, so this is no OSCORE message.
 * ERR_SYNTAX (4.02 "Failed to decode COSE") also for a second option 9, no payload, and a request
 * without kid or Partial IV. */
MUST_USE enum err osc_option_of(const struct msg *m, struct osc_option *out);
/* Nothing at all is the empty value. ERR_RANGE in the writer for a kid context above 255 bytes. */
void osc_option_encode(const struct osc_option *o, struct writer *w);

/* Ties responses to their request (section 8): both directions put it into the AAD. */
struct osc_binding {
	struct osc_id kid;
	struct osc_piv piv;
	bool observe; /* the request carried Observe 0 */
};

/* Both of these take a message with its options in the clear, in `plain`, and give the message to
 * send in `out`: type, MID and token of `plain`, outer code and options, ciphertext. Bytes of `out`
 * live in `buf` (give it 104 bytes more than the plain message has). ERR_SPACE (buf);
 * ERR_UNSUPPORTED (Proxy-Uri or option 9 in plain, the wrong kind of code, an unknown algorithm);
 * ERR_LIMIT (no room for one option more), ERR_RANGE (too long); ERR_NOMEM. On error buf is as it
 * was and out empty. */

/* A request under sender number `number`, which the caller must never use again. kid_context: put
 * it into the option if it is not NULL. Fills `binding`. ERR_RANGE also for a number above
 * OSC_SSN_MAX. Outer Observe and the FETCH code as in sections 4.1.3.5 and 4.2. */
MUST_USE enum err osc_protect_request(struct osc_crypto *c, const struct osc_keys *k,
	uint64_t number, const struct span *kid_context, const struct msg *plain,
	struct writer *buf, struct msg *out, struct osc_binding *binding);
/* A response. `number` NULL: under the request's nonce, which may be done once for each request;
 * else under a number of our own, sent as Partial IV. Notifications (plain has Observe) leave with
 * an empty inner Observe and their value outside; ERR_STATE if the request did not ask for them. */
MUST_USE enum err osc_protect_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *binding, const uint64_t *number, const struct msg *plain,
	struct writer *buf, struct msg *out);

/* Both of these give in `plain` the message that the sender protected, with type, MID and token of
 * `outer`; its spans point into `buf`, where as many bytes as the datagram has suffice. Of the
 * outer options those of class U stay, unless the inner message has that option too; an outer
 * Observe alone means nothing. ERR_SPACE (buf); ERR_RANGE (too long); ERR_UNSUPPORTED, ERR_NOMEM.
 * On error plain is empty and buf as it was. */

/* A request whose option was parsed into `opt` and whose context was found and window checked.
 * Fills `binding`, for ERR_SYNTAX as well. ERR_AUTH: answer "Decryption failed"; opt without kid or
 * Partial IV, or with another kid than the context's, is ERR_AUTH too. ERR_SYNTAX: it decrypted,
 * but what is inside is no CoAP request or carries option 9 again, or its outer options do not fit
 * (4.02 protected); the caller still moves the window. */
MUST_USE enum err osc_unprotect_request(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_option *opt, const struct msg *outer, struct writer *buf,
	struct msg *plain, struct osc_binding *binding);
/* A response to the request of `binding`. `number` gets its Partial IV, or is UINT64_MAX if it had
 * none. A notification has in `plain` an Observe of the low 24 bits of its Partial IV, by which
 * RFC 7641 orders (section 4.1.3.5.2); without Partial IV, the outer value or 0. ERR_SYNTAX if
 * malformed, carries an Observe the request did not ask for, or is no response; ERR_NOTFOUND if it
 * has no option 9; ERR_AUTH. */
MUST_USE enum err osc_unprotect_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *binding, const struct msg *outer, struct writer *buf,
	struct msg *plain, uint64_t *number);

/* For tests and tools: the nonce of a message (section 5.2; unused bytes are zero), and its AAD as
 * the AEAD gets it (section 5.4: the Enc_structure with the external AAD inside). */
void osc_nonce(const struct osc_keys *k, const struct osc_id *piv_owner, const struct osc_piv *piv,
	uint8_t out[static OSC_NONCE_MAX]);
void osc_aad(const struct osc_keys *k, const struct osc_binding *b, struct writer *w);

#endif
