/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithms of an OSCORE context, as COSE numbers and as people write them. Whether the crypto
 * library does one is for oscore/ to say. */
#ifndef LANYARD_BASE_ALG_H
#define LANYARD_BASE_ALG_H

#include "base/span.h"

enum { ALG_AES_CCM_16_64_128 = 10, ALG_HKDF_SHA256 = -10, ALG_HKDF_SHA512 = -11 };

/* NULL if there is no name for it. */
const char *alg_aead_name(int cose);
const char *alg_hkdf_name(int cose);
/* Any case; "AES-CCM-16-64-128", "A128GCM" (RFC 9053 section 4), "HKDF-SHA-256",
 * "direct+HKDF-SHA-256". False: unknown. */
bool alg_aead_by_name(struct span name, int *cose);
bool alg_hkdf_by_name(struct span name, int *cose);
/* An HKDF is spelled by its own number (RFC 9053 section 6: -10, -11) or by that of its HMAC
 * (RFC 8152 table 7: 5, 7), as /21/x/4 asks; both read as the former. False: neither. */
bool alg_hkdf_read(int64_t number, int *hkdf);
/* The number of its HMAC; 0 if it has none. */
int alg_hmac_number(int hkdf);

#endif
