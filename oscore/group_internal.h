/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a group share. */
#ifndef LANYARD_OSCORE_GROUP_INTERNAL_H
#define LANYARD_OSCORE_GROUP_INTERNAL_H

#include "base/map.h"
#include "oscore/group.h"

/* aad_array: two credentials, and at most 7 + 5 + 64 + 85 bytes and their heads */
enum { OSC_GROUP_AAD_MAX = 2 * OSC_CRED_MAX + 256 };

struct osc_group {
	const struct osc_aead_info *enc, *pair; /* NULL: not set */
	bool ctr;                               /* enc authenticates nothing */
	int signature, agreement, hkdf;         /* 0: not set */
	enum osc_cred_format format;
	bool four_elements, deleted;
	uint8_t window_width;
	uint32_t members_max;
	uint64_t clock;
	struct map members;
	uint8_t gid_n, secret_n, salt_n;
	uint8_t gid[OSC_ID_CONTEXT_MAX];
	uint8_t secret[OSC_GROUP_SECRET_MAX], salt[OSC_GROUP_SECRET_MAX];
	struct span gm_cred;
	/* ourselves; own NULL: a silent server */
	struct osc_id sender_id;
	struct span sender_cred;
	struct osc_pkey *own;
	uint8_t sender_key[OSC_KEY_MAX];
	uint8_t signature_key[OSC_KEY_MAX];
	uint8_t common_iv[OSC_NONCE_MAX];
};

/* One message, on its way out or in. `m`: the other member of a pairwise one; in group mode the
 * sender of one that came in. */
struct osc_group_message {
	struct osc_crypto *c;
	struct osc_group *g;
	struct osc_member *m;
	const struct osc_group_binding *binding;
	const struct osc_id *piv_owner;
	const struct osc_piv *piv;
	struct span option, sender_cred;
	bool group, request;
};

/* The group mode's or the pairwise mode's; NULL: there is no such mode. */
const struct osc_aead_info *osc_group_alg(const struct osc_group *g, bool group);
/* Makes the pairwise keys, unless they are there. ERR_RANGE: the two have no secret; ERR_NOMEM. */
MUST_USE enum err osc_group_pair(struct osc_crypto *c, struct osc_group *g, struct osc_member *m);
void osc_group_nonce(const struct osc_group_message *x, uint8_t out[static OSC_NONCE_MAX]);
/* The keystream that hides the signature (section 4.2). */
MUST_USE enum err osc_group_keystream(
	const struct osc_group_message *x, uint8_t out[static OSC_SIGNATURE]);
/* Signs `ciphertext` or verifies its signature (section 3.1), in the clear. */
MUST_USE enum err osc_group_sign(const struct osc_group_message *x, struct span ciphertext,
	uint8_t signature[static OSC_SIGNATURE]);
MUST_USE enum err osc_group_verify(const struct osc_group_message *x, struct span ciphertext,
	const uint8_t signature[static OSC_SIGNATURE]);
/* In place. osc_group_open gives ERR_AUTH if the tag does not match. */
MUST_USE enum err osc_group_seal(
	const struct osc_group_message *x, struct span plaintext, uint8_t *out);
MUST_USE enum err osc_group_open(
	const struct osc_group_message *x, struct span ciphertext, uint8_t *out);

static inline struct span osc_group_bytes_of_piv(const struct osc_piv *piv)
{
	return (struct span){piv->p, piv->n};
}

#endif
