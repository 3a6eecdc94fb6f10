/* SPDX-License-Identifier: Apache-2.0 */
/* As much of a DTLS datagram as tells whose it may be (RFC 6347 section 4), and what must not come
 * to OpenSSL: an encrypted record that is too short to be one ends its session, whoever sent it.
 * Pure; private to transport/ and its tests. */
#ifndef LANYARD_TRANSPORT_DTLS_HEAD_H
#define LANYARD_TRANSPORT_DTLS_HEAD_H

#include "base/span.h"

enum { DTLS_RANDOM = 32 };

/* Of the first record. */
struct dtls_head {
	uint16_t epoch;
	uint16_t sealed;    /* encrypted records of a handshake, and alerts, in all of it */
	bool hello;         /* it begins a ClientHello, in the clear; then: */
	struct span random; /* the client's, which stays through a handshake */
};

/* ERR_SYNTAX: it is not made of whole records of DTLS 1.0 to 1.2. `random` is of the datagram. */
MUST_USE enum err dtls_head_read(struct span datagram, struct dtls_head *out);

#endif
