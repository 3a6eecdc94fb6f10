/* SPDX-License-Identifier: Apache-2.0 */
/* What COSE does to a message of a group: additional data, encryption, signature. */
#include "oscore/group_internal.h"
#include "oscore/internal.h"

#include "base/secret.h"

/* the longest ciphertext that osc_limits_of allows */
enum { CIPHERTEXT_MAX = 16384, HEADS = 64, INFO_MAX = 128 };

static void write_alg(struct writer *w, int cose)
{
	if (cose)
		osc_cbor_int(w, cose);
	else
		wr_u8(w, CBOR_NULL);
}

void osc_group_aad(const struct osc_group *g, const struct osc_group_binding *b, struct span option,
	struct span sender_cred, struct writer *w)
{
	osc_cbor_head(w, CBOR_ARRAY, 9);
	osc_cbor_head(w, CBOR_UINT, 1); /* oscore_version */
	osc_cbor_head(w, CBOR_ARRAY, 4);
	write_alg(w, g->pair ? g->pair->cose : 0);
	write_alg(w, g->enc ? g->enc->cose : 0);
	write_alg(w, g->signature);
	write_alg(w, g->agreement);
	osc_cbor_bytes(w, osc_id_span(&b->kid));
	osc_cbor_bytes(w, osc_group_bytes_of_piv(&b->piv));
	osc_cbor_bytes(w, SPAN_EMPTY); /* class I options: there are none */
	osc_cbor_bytes(w, span_make(b->gid, b->gid_n));
	osc_cbor_bytes(w, option);
	osc_cbor_bytes(w, sender_cred);
	osc_cbor_bytes(w, g->gm_cred);
}

void osc_group_nonce(const struct osc_group_message *x, uint8_t out[static OSC_NONCE_MAX])
{
	const struct osc_aead_info *a = osc_group_alg(x->g, x->group);

	osc_make_nonce(x->g->common_iv, a->nonce_n, x->piv_owner, x->piv, out);
}

enum err osc_group_keystream(const struct osc_group_message *x, uint8_t out[static OSC_SIGNATURE])
{
	const struct osc_group *g = x->g;
	uint8_t buf[INFO_MAX];
	struct writer info = wr_make(buf, sizeof(buf));

	osc_cbor_head(&info, CBOR_ARRAY, 4);
	osc_cbor_bytes(&info, osc_id_span(x->piv_owner));
	osc_cbor_bytes(&info, osc_group_gid(g));
	wr_u8(&info, x->request ? CBOR_TRUE : CBOR_FALSE);
	osc_cbor_head(&info, CBOR_UINT, OSC_SIGNATURE);
	return osc_hkdf(x->c, g->hkdf, osc_group_bytes_of_piv(x->piv),
		span_make(g->signature_key, g->enc->key_n), wr_span(&info), out, OSC_SIGNATURE);
}

static void write_aad(const struct osc_group_message *x, struct writer *w)
{
	uint8_t buf[OSC_GROUP_AAD_MAX];
	struct writer aad = wr_make(buf, sizeof(buf));

	osc_group_aad(x->g, x->binding, x->option, x->sender_cred, &aad);
	if (aad.err)
		w->err = aad.err;
	else
		osc_cbor_bytes(w, wr_span(&aad));
}

/* RFC 9338 section 3.3. */
static enum err countersign(
	const struct osc_group_message *x, struct span ciphertext, struct writer *w)
{
	bool four = x->g->four_elements;

	osc_cbor_head(w, CBOR_ARRAY, four ? 4 : 5);
	osc_cbor_text(w, "CounterSignature0");
	osc_cbor_bytes(w, SPAN_EMPTY);
	if (!four)
		osc_cbor_bytes(w, SPAN_EMPTY);
	write_aad(x, w);
	osc_cbor_bytes(w, ciphertext);
	return w->err ? ERR_RANGE : ERR_OK;
}

enum err osc_group_sign(const struct osc_group_message *x, struct span ciphertext,
	uint8_t signature[static OSC_SIGNATURE])
{
	uint8_t buf[OSC_GROUP_AAD_MAX + CIPHERTEXT_MAX + HEADS];
	struct writer w = wr_make(buf, sizeof(buf));

	enum err err = countersign(x, ciphertext, &w);
	return err ? err : osc_sign(x->g->own, wr_span(&w), signature);
}

enum err osc_group_verify(const struct osc_group_message *x, struct span ciphertext,
	const uint8_t signature[static OSC_SIGNATURE])
{
	uint8_t buf[OSC_GROUP_AAD_MAX + CIPHERTEXT_MAX + HEADS];
	struct writer w = wr_make(buf, sizeof(buf));

	enum err err = countersign(x, ciphertext, &w);
	return err ? err : osc_verify(x->m->public, wr_span(&w), signature);
}

/* Enc_structure (RFC 9052 section 5.3). */
static enum err enc_structure(const struct osc_group_message *x, struct writer *w)
{
	osc_cbor_head(w, CBOR_ARRAY, 3);
	osc_cbor_text(w, "Encrypt0");
	osc_cbor_bytes(w, SPAN_EMPTY);
	write_aad(x, w);
	return w->err ? ERR_RANGE : ERR_OK;
}

enum err osc_group_seal(const struct osc_group_message *x, struct span plaintext, uint8_t *out)
{
	const struct osc_group *g = x->g;
	const struct osc_aead_info *a = osc_group_alg(g, x->group);
	const uint8_t *key = x->group ? g->sender_key : x->m->pairwise_out;
	uint8_t nonce[OSC_NONCE_MAX], buf[OSC_GROUP_AAD_MAX + HEADS];
	struct writer aad = wr_make(buf, sizeof(buf));

	osc_group_nonce(x, nonce);
	if (x->group && g->ctr)
		return osc_ctr(x->c, a, key, nonce, plaintext, out);
	enum err err = enc_structure(x, &aad);
	return err ? err : osc_seal(x->c, a, key, nonce, wr_span(&aad), plaintext, out);
}

enum err osc_group_open(const struct osc_group_message *x, struct span ciphertext, uint8_t *out)
{
	const struct osc_group *g = x->g;
	const struct osc_aead_info *a = osc_group_alg(g, x->group);
	const uint8_t *key = x->group ? x->m->key : x->m->pairwise_in;
	uint8_t nonce[OSC_NONCE_MAX], buf[OSC_GROUP_AAD_MAX + HEADS];
	struct writer aad = wr_make(buf, sizeof(buf));

	osc_group_nonce(x, nonce);
	if (x->group && g->ctr)
		return osc_ctr(x->c, a, key, nonce, ciphertext, out);
	enum err err = enc_structure(x, &aad);
	return err ? err : osc_open(x->c, a, key, nonce, wr_span(&aad), ciphertext, out);
}
