/* SPDX-License-Identifier: Apache-2.0 */
/* The other half of the crypto seam, for groups: signatures and static key agreement. One
 * implementation, sign_openssl.c. */
#ifndef LANYARD_OSCORE_SIGN_H
#define LANYARD_OSCORE_SIGN_H

#include "base/span.h"

/* COSE numbers: of curves (RFC 9053 section 7.1), signatures (section 2) and key agreements
 * (section 6.3.1). */
enum osc_curve { OSC_P256 = 1, OSC_X25519 = 4, OSC_ED25519 = 6 };
enum { OSC_ES256 = -7, OSC_EDDSA = -8, OSC_ECDH_SS_256 = -27, OSC_ECDH_SS_512 = -28 };
enum { OSC_SIGNATURE = 64, OSC_POINT_MAX = 65, OSC_PRIVATE = 32, OSC_SHARED = 32 };

/* A public key, or a pair. Does not change once it is made; the library wipes what was secret. */
struct osc_pkey;

/* `point` is 32 bytes of Ed25519 or X25519, or a point of P-256 as SEC 1 writes it, compressed or
 * not. ERR_RANGE: it is not on the curve, not in its one encoding, or of small order (Ed25519's y =
 * 1 and y = -1 are), under which signatures and secrets could be guessed. ERR_UNSUPPORTED: another
 * curve; ERR_NOMEM. */
MUST_USE enum err osc_pkey_public(int curve, struct span point, struct osc_pkey **out);
/* With its private half: Ed25519's seed (RFC 8032), X25519's scalar or P-256's d, 32 bytes each.
 * ERR_CONFLICT: it is another key's; ERR_RANGE: none at all; ERR_NOMEM. */
MUST_USE enum err osc_pkey_pair(
	const struct osc_pkey *public, struct span private, struct osc_pkey **out);
void osc_pkey_free(struct osc_pkey *k);
enum osc_curve osc_pkey_curve(const struct osc_pkey *k);
/* Public halves. */
bool osc_pkey_eq(const struct osc_pkey *a, const struct osc_pkey *b);
/* The key of an X.509 certificate (DER, nothing behind it), for osc_pkey_public: `point` has room
 * for OSC_POINT_MAX bytes. Nothing else in it is looked at: whom it belongs to, and whether it is
 * valid, is for whoever hands out credentials. ERR_SYNTAX; ERR_UNSUPPORTED: a key of another kind.
 */
MUST_USE enum err osc_x509_key(struct span der, int *curve, struct writer *point);

/* EdDSA or ES256 by the key's curve, as COSE has it: R | S, or r | s of 32 bytes each. The random
 * number that ES256 needs is the library's own. ERR_UNSUPPORTED for a key that cannot sign;
 * ERR_NOMEM. */
MUST_USE enum err osc_sign(
	const struct osc_pkey *k, struct span in, uint8_t out[static OSC_SIGNATURE]);
/* ERR_AUTH: not this key's signature of these bytes. Else as osc_sign. */
MUST_USE enum err osc_verify(
	const struct osc_pkey *k, struct span in, const uint8_t signature[static OSC_SIGNATURE]);
/* ECDH of a pair and a public key of one curve. Keys of Ed25519 are mapped to X25519 first: u = (1
 * + y) / (1 - y), and the scalar of the seed (RFC 10021 section 2.5.2). ERR_CONFLICT: two curves;
 * ERR_RANGE: the secret would be zero; ERR_NOMEM. `out` is then zeros. */
MUST_USE enum err osc_agree(
	const struct osc_pkey *own, const struct osc_pkey *other, uint8_t out[static OSC_SHARED]);

#endif
