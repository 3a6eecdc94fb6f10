/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto seam: AEAD and HKDF by COSE number. One implementation, crypto_openssl.c. */
#ifndef LANYARD_OSCORE_CRYPTO_H
#define LANYARD_OSCORE_CRYPTO_H

#include "base/alg.h"
#include "base/span.h"

enum { OSC_KEY_MAX = 32, OSC_NONCE_MAX = 13, OSC_TAG_MAX = 16, OSC_SHA256 = 32 };

/* The longest plaintext, AAD or key material: what CCM with a 13-byte nonce can count. */
enum { OSC_INPUT_MAX = 65535 };

struct osc_aead_info {
	int cose; /* RFC 9053 section 4; its name: alg_aead_name */
	uint8_t key_n, nonce_n, tag_n;
};

/* NULL if we do not do it. */
const struct osc_aead_info *osc_aead_info(int cose);

/* A128CTR, A192CTR and A256CTR (RFC 9459 section 4), whose tag_n is 0: they authenticate nothing,
 * so they are for messages that are signed, and osc_aead_info does not know them. NULL for others.
 */
const struct osc_aead_info *osc_ctr_info(int cose);

/* Algorithms fetched once, one cipher context per direction that is rekeyed for each message
 * (0.4 us; making one per message doubles that). Not for two threads at once. */
struct osc_crypto;
/* ERR_UNSUPPORTED if the library lacks an algorithm we must have; ERR_NOMEM. */
MUST_USE enum err osc_crypto_new(struct osc_crypto **out);
void osc_crypto_free(struct osc_crypto *c);

/* All that follow: ERR_RANGE for an input above OSC_INPUT_MAX, ERR_UNSUPPORTED for an algorithm
 * that the library lacks, ERR_NOMEM if the library fails, which it does for want of memory only. */

/* `key` has a->key_n bytes, `nonce` a->nonce_n. out gets plaintext.n + tag_n bytes, zeros
 * on ERR_NOMEM; in place is allowed (out == plaintext.p). */
MUST_USE enum err osc_seal(struct osc_crypto *c, const struct osc_aead_info *a, const uint8_t *key,
	const uint8_t *nonce, struct span aad, struct span plaintext, uint8_t *out);
/* out gets ciphertext.n - tag_n bytes; ERR_AUTH and a wiped out if the tag does not match,
 * ERR_SHORT if there is no room for a tag. In place is allowed. */
MUST_USE enum err osc_open(struct osc_crypto *c, const struct osc_aead_info *a, const uint8_t *key,
	const uint8_t *nonce, struct span aad, struct span ciphertext, uint8_t *out);
/* Both directions of osc_ctr_info's algorithms: the 12 bytes of the nonce stand before a block
 * counter that starts at zero. out gets in.n bytes, zeros on ERR_NOMEM; in place is allowed. */
MUST_USE enum err osc_ctr(struct osc_crypto *c, const struct osc_aead_info *a, const uint8_t *key,
	const uint8_t *nonce, struct span in, uint8_t *out);
/* RFC 5869 extract and expand. hkdf: ALG_HKDF_*; ERR_UNSUPPORTED for others. ERR_RANGE also above
 * 255 hash lengths of output. out is zeros on error, and overlaps none of the inputs. */
MUST_USE enum err osc_hkdf(struct osc_crypto *c, int hkdf, struct span salt, struct span ikm,
	struct span info, uint8_t *out, size_t out_n);
/* SHA-256 of what is added, for files: on any thread. NULL without memory; on an error of the
 * library, `end` is ERR_NOMEM. `end` frees it; out may be NULL. */
void *osc_sha256_begin(void);
void osc_sha256_add(void *digest, struct span s);
MUST_USE enum err osc_sha256_end(void *digest, uint8_t *out);
/* HMAC-SHA-256, for stateless Echo values. */
MUST_USE enum err osc_hmac256(
	struct osc_crypto *c, struct span key, struct span in, uint8_t out[static OSC_SHA256]);

#endif
