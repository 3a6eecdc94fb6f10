/* SPDX-License-Identifier: Apache-2.0 */
/* What transport and endpoints tell each other of DTLS and TLS. */
#ifndef LANYARD_BASE_CHANNEL_H
#define LANYARD_BASE_CHANNEL_H

#include <stdint.h>

/* Why a handshake came to nothing. */
enum channel_fault {
	CHANNEL_FAULT_NONE,
	CHANNEL_FAULT_IDENTITY, /* nobody has that PSK identity */
	CHANNEL_FAULT_KEY,      /* somebody has, but the handshake did not end: the keys differ */
	CHANNEL_FAULT_OFFER,    /* no version, cipher suite or curve in common, or malformed */
};

enum { CHANNEL_PSK_MAX = 64, CHANNEL_IDENTITY_MAX = 128 };

/* A pre-shared key, and the mark of the credential it belongs to: by that everybody knows whose a
 * channel is. Marks are never 0. Whoever has one wipes it. */
struct channel_psk {
	uint64_t mark;
	uint8_t key_n;
	uint8_t key[CHANNEL_PSK_MAX];
};

#endif
