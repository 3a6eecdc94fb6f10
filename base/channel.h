/* SPDX-License-Identifier: Apache-2.0 */
/* What transport and endpoints tell each other of DTLS and TLS. */
#ifndef LANYARD_BASE_CHANNEL_H
#define LANYARD_BASE_CHANNEL_H

#include "base/span.h"

/* Why a handshake came to nothing. */
enum channel_fault {
	CHANNEL_FAULT_NONE,
	CHANNEL_FAULT_IDENTITY, /* nobody has that PSK identity */
	CHANNEL_FAULT_KEY,      /* somebody has, but the handshake did not end: the keys differ */
	CHANNEL_FAULT_OFFER,    /* no version, cipher suite or curve in common, or malformed */
	CHANNEL_FAULT_PROOF,    /* a certificate or raw key was good, but the rest was not */
	CHANNEL_FAULT_MISSING,  /* no certificate came */
	CHANNEL_FAULT_ISSUER,   /* no trusted CA vouches for it */
	CHANNEL_FAULT_TIME,     /* expired, or not valid yet */
	CHANNEL_FAULT_REVOKED,
	CHANNEL_FAULT_CRL,     /* whether it is revoked cannot be known */
	CHANNEL_FAULT_WEAK,    /* a key or a signature that is too weak */
	CHANNEL_FAULT_NAME,    /* it names no endpoint that may come so */
	CHANNEL_FAULT_OTHER,   /* the endpoint it names has another one */
	CHANNEL_FAULT_RAW_KEY, /* nobody has that raw public key */
	CHANNEL_FAULT_STORAGE, /* whose it is cannot be stored now */
};

enum {
	CHANNEL_PSK_MAX = 64,
	CHANNEL_IDENTITY_MAX = 128,
	CHANNEL_NAMES_MAX = 8,
	CHANNEL_NAME_MAX = 254, /* of a certificate: of each name, and of its subject */
	CHANNEL_SHA256 = 32,
	CHANNEL_SPKI_BYTES = 91, /* of a key of P-256 */
};

/* A pre-shared key, and the mark of the credential it belongs to: by that everybody knows whose a
 * channel is. Marks are never 0. Whoever has one wipes it. */
struct channel_psk {
	uint64_t mark;
	uint8_t key_n;
	uint8_t key[CHANNEL_PSK_MAX];
};

/* What a certificate, or a raw public key, says of who its owner is. */
struct channel_peer {
	struct span raw_key;                 /* SubjectPublicKeyInfo; empty: it is a certificate */
	uint8_t sha256[CHANNEL_SHA256];      /* of a certificate */
	struct span subject;                 /* as RFC 2253 writes it; empty: too long */
	struct span name[CHANNEL_NAMES_MAX]; /* common name, then DNS names and URIs */
	uint8_t name_n;
	bool trusted; /* a CA vouches for it; else nothing but its SHA-256 can count */
	bool proven;  /* the handshake has shown that the key is the peer's */
};

/* Whose it is. */
struct channel_owner {
	uint64_t mark; /* 0: there is no credential yet, it is made once the key is proven */
	uint8_t name_n;
	uint8_t name[CHANNEL_NAME_MAX + 1]; /* of the endpoint; empty: none is known */
};

struct channel_failure {
	enum channel_fault why;
	uint64_t mark;    /* of the credential it was tried with; 0: of none */
	struct span name; /* of the endpoint that was meant, where there is no mark; or empty */
};

#endif
