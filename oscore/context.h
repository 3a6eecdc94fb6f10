/* SPDX-License-Identifier: Apache-2.0 */
/* OSCORE security contexts (RFC 8613 section 3): inputs, derivation, replay window. */
#ifndef LANYARD_OSCORE_CONTEXT_H
#define LANYARD_OSCORE_CONTEXT_H

#include "base/span.h"
#include "oscore/crypto.h"

/* An ID Context of ours or an administrator's has at most 32 bytes; one of B.2 is put together from
 * parts of both ends. */
enum { OSC_ID_MAX = 7, OSC_ID_CONTEXT_MAX = 64 };

#define OSC_SSN_MAX ((UINT64_C(1) << 40) - 1)

struct osc_id {
	uint8_t n;
	uint8_t p[OSC_ID_MAX];
};

static inline struct span osc_id_span(const struct osc_id *id)
{
	return (struct span){id->p, id->n};
}
/* ERR_RANGE above OSC_ID_MAX bytes; `id` is then untouched. */
MUST_USE enum err osc_id_set(struct osc_id *id, struct span s);

/* How much its keys may do (draft-ietf-core-oscore-key-limits): messages encrypted, messages that
 * failed to verify, and the length of one, tag included. */
struct osc_limits {
	uint32_t encryptions, failures, message_bytes;
};
/* By the AEAD's COSE number; of one we do not know, the narrowest. */
struct osc_limits osc_limits_of(int aead);

/* What a context is derived from. */
struct osc_params {
	int aead, hkdf; /* COSE numbers */
	struct span master_secret, master_salt;
	struct span sender_id, recipient_id;
	bool has_id_context; /* absent (CBOR null) is not the empty string */
	struct span id_context;
};

/* The derived keys and what a message needs. Plain value of 16-byte fields first; wipe it. The
 * sequence number and its durable limit are the owner's (endpoint/ or device/). */
struct osc_keys {
	uint8_t sender_key[OSC_KEY_MAX];
	uint8_t recipient_key[OSC_KEY_MAX];
	uint8_t common_iv[OSC_NONCE_MAX];
	struct osc_id sender_id, recipient_id;
	uint8_t aead; /* COSE number; 10 */
};

/* RFC 8613 section 3.2.1. ERR_UNSUPPORTED (algorithm), ERR_RANGE (an id longer than nonce - 6, an
 * ID Context above OSC_ID_CONTEXT_MAX, an empty Master Secret), ERR_CONFLICT (equal ids);
 * ERR_NOMEM. `out` is wiped on error. */
MUST_USE enum err osc_derive(
	struct osc_crypto *c, const struct osc_params *p, struct osc_keys *out);
/* Names everything but the ids: two contexts with equal fingerprints and an equal id share a key,
 * and the other way round. It is one more HKDF output beside the keys, so it reveals nothing about
 * a secret of high entropy, and two spellings of one key (HMAC pads a salt with zeros) have one
 * fingerprint, which a hash over the inputs would not give. Errors as osc_derive, ids apart. */
MUST_USE enum err osc_ikm_fingerprint(
	struct osc_crypto *c, const struct osc_params *p, uint8_t out[static 16]);

/* RFC 8613 section 7.4. `highest` is the right edge; bit i of `seen` stands for highest - i. */
struct osc_window {
	uint64_t seen;
	uint64_t highest : 40;
	uint64_t width : 8; /* 32 by default, up to 64 */
	uint64_t any : 1;   /* 0: nothing was ever accepted */
};

/* A width of 0 is 32; above 64 is 64. */
void osc_window_init(struct osc_window *w, uint8_t width);
/* Everything up to and including `highest` counts as seen: the state after a crash. Never moves the
 * window backwards: what lies below an older, higher edge then counts as seen too. */
void osc_window_seal(struct osc_window *w, uint64_t highest);
/* ERR_REPLAY for a number seen or left of the window, ERR_RANGE above OSC_SSN_MAX. */
MUST_USE enum err osc_window_check(const struct osc_window *w, uint64_t piv);
/* After decryption only, with a number that was checked. true if it raised the highest. */
bool osc_window_update(struct osc_window *w, uint64_t piv);

#endif
