/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/context.h"

#include "base/secret.h"
#include "oscore/internal.h"
#include "oscore/recover.h"

#include <string.h>

enum { INFO_MAX = 128 };

enum err osc_id_set(struct osc_id *id, struct span s)
{
	if (s.n > OSC_ID_MAX)
		return ERR_RANGE;
	*id = (struct osc_id){.n = (uint8_t)s.n};
	if (s.n)
		memcpy(id->p, s.p, s.n);
	return ERR_OK;
}

struct osc_limits osc_limits_of(int aead)
{
	const struct osc_aead_info *a = osc_aead_info(aead);
	if (a && a->tag_n == OSC_TAG_MAX)
		return (struct osc_limits){1 << 20, 1 << 20, 16384};
	return (struct osc_limits){1 << 20, 1 << 14, 4096};
}

enum err osc_derive_one(struct osc_crypto *c, const struct osc_params *p, struct span id,
	const char *type, uint8_t *out, size_t out_n)
{
	uint8_t buf[INFO_MAX];
	struct writer info = wr_make(buf, sizeof(buf));

	osc_cbor_head(&info, CBOR_ARRAY, 5);
	osc_cbor_bytes(&info, id);
	if (p->has_id_context)
		osc_cbor_bytes(&info, p->id_context);
	else
		wr_u8(&info, CBOR_NULL);
	osc_cbor_int(&info, p->aead);
	osc_cbor_text(&info, type);
	osc_cbor_head(&info, CBOR_UINT, out_n);
	if (info.err)
		return info.err;
	return osc_hkdf(c, p->hkdf, p->master_salt, p->master_secret, wr_span(&info), out, out_n);
}

static enum err check_params(const struct osc_params *p, const struct osc_aead_info *a)
{
	if (!a)
		return ERR_UNSUPPORTED;
	if (p->master_secret.n == 0)
		return ERR_RANGE;
	if (p->has_id_context && p->id_context.n > OSC_ID_CONTEXT_MAX)
		return ERR_RANGE;
	return ERR_OK;
}

/* What all keys have in common. */
static enum err begin(
	const struct osc_params *p, const struct osc_aead_info *a, struct osc_keys *out)
{
	enum err err = check_params(p, a);

	secret_wipe(out, sizeof(*out));
	if (err)
		return err;
	size_t id_max = a->nonce_n - 6u;
	if (p->sender_id.n > id_max || p->recipient_id.n > id_max)
		return ERR_RANGE;
	if (span_eq(p->sender_id, p->recipient_id))
		return ERR_CONFLICT;
	out->aead = (uint8_t)p->aead;
	err = osc_id_set(&out->sender_id, p->sender_id);
	return err ? err : osc_id_set(&out->recipient_id, p->recipient_id);
}

enum err osc_derive_receiver(struct osc_crypto *c, const struct osc_params *p, struct osc_keys *out)
{
	const struct osc_aead_info *a = osc_aead_info(p->aead);
	enum err err = begin(p, a, out);

	if (!err)
		err = osc_derive_one(c, p, p->recipient_id, "Key", out->recipient_key, a->key_n);
	if (!err)
		err = osc_derive_one(c, p, SPAN_EMPTY, "IV", out->common_iv, a->nonce_n);
	if (err)
		secret_wipe(out, sizeof(*out));
	return err;
}

enum err osc_derive(struct osc_crypto *c, const struct osc_params *p, struct osc_keys *out)
{
	enum err err = osc_derive_receiver(c, p, out);

	if (err)
		return err;
	const struct osc_aead_info *a = osc_aead_info(p->aead);
	err = osc_derive_one(c, p, p->sender_id, "Key", out->sender_key, a->key_n);
	if (err)
		secret_wipe(out, sizeof(*out));
	return err;
}

enum err osc_ikm_fingerprint(
	struct osc_crypto *c, const struct osc_params *p, uint8_t out[static 16])
{
	enum err err = check_params(p, osc_aead_info(p->aead));

	secret_wipe(out, 16);
	if (err)
		return err;
	/* a type that no key has: the output is independent of them all */
	return osc_derive_one(c, p, SPAN_EMPTY, "Fingerprint", out, 16);
}
