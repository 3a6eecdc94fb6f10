/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/crypto.h"

#include "base/secret.h"

/* OpenSSL has a type of the name of one of our errors. */
#define ERR_STATE openssl_ERR_STATE
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#undef ERR_STATE

#include <stdlib.h>
#include <string.h>

/* How OpenSSL does an algorithm. `info` is what the rest of the program sees of the row. */
struct aead_row {
	struct osc_aead_info info;
	const char *cipher;
	bool ccm; /* wants all lengths in advance, and has no final step */
};

/* A row is an algorithm: nothing else knows them. The one that everybody uses comes first. */
static const struct aead_row aeads[] = {
	{{10, 16, 13, 8}, "AES-128-CCM", true},
	{{11, 32, 13, 8}, "AES-256-CCM", true},
	{{12, 16, 7, 8}, "AES-128-CCM", true},
	{{13, 32, 7, 8}, "AES-256-CCM", true},
	{{30, 16, 13, 16}, "AES-128-CCM", true},
	{{31, 32, 13, 16}, "AES-256-CCM", true},
	{{32, 16, 7, 16}, "AES-128-CCM", true},
	{{33, 32, 7, 16}, "AES-256-CCM", true},
	{{1, 16, 12, 16}, "AES-128-GCM", false},
	{{2, 24, 12, 16}, "AES-192-GCM", false},
	{{3, 32, 12, 16}, "AES-256-GCM", false},
	{{24, 32, 12, 16}, "ChaCha20-Poly1305", false},
};

enum { AEADS = sizeof(aeads) / sizeof(aeads[0]), HASH_MAX = 64 };

static const struct aead_row ctrs[] = {
	{{-65534, 16, 12, 0}, "AES-128-CTR", false},
	{{-65533, 24, 12, 0}, "AES-192-CTR", false},
	{{-65532, 32, 12, 0}, "AES-256-CTR", false},
};

enum { CTRS = sizeof(ctrs) / sizeof(ctrs[0]), CTR_IV = 16 };

static const struct {
	int cose;
	const char *digest;
	uint8_t hash_n;
} hkdfs[] = {
	{ALG_HKDF_SHA256, "SHA256", 32},
	{ALG_HKDF_SHA512, "SHA512", 64},
};

enum { HKDFS = sizeof(hkdfs) / sizeof(hkdfs[0]) };

struct osc_crypto {
	EVP_CIPHER_CTX *seal[AEADS], *open[AEADS]; /* NULL: the library lacks it */
	EVP_MAC_CTX *hmac[HKDFS];
	EVP_CIPHER_CTX *ctr[CTRS]; /* the same */
};

static size_t aead_index(int cose)
{
	size_t i = 0;

	while (i < AEADS && aeads[i].info.cose != cose)
		i++;
	return i;
}

static size_t hkdf_index(int cose)
{
	size_t i = 0;

	while (i < HKDFS && hkdfs[i].cose != cose)
		i++;
	return i;
}

const struct osc_aead_info *osc_aead_info(int cose)
{
	size_t i = aead_index(cose);

	return i < AEADS ? &aeads[i].info : NULL;
}

static size_t ctr_index(int cose)
{
	size_t i = 0;

	while (i < CTRS && ctrs[i].info.cose != cose)
		i++;
	return i;
}

const struct osc_aead_info *osc_ctr_info(int cose)
{
	size_t i = ctr_index(cose);

	return i < CTRS ? &ctrs[i].info : NULL;
}

/* The error queue is the thread's, and the TLS code of the same thread judges by it. */
static enum err failed(enum err err)
{
	ERR_clear_error();
	return err;
}

/* A cipher context ready to be given key and nonce. Nonce and tag length outlast rekeying. */
static EVP_CIPHER_CTX *aead_ctx_new(const struct aead_row *row, const EVP_CIPHER *cipher, int enc)
{
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	const struct osc_aead_info *a = &row->info;

	if (!x)
		return NULL;
	if (EVP_CipherInit_ex2(x, cipher, NULL, NULL, enc, NULL) != 1)
		goto out;
	if (EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_IVLEN, a->nonce_n, NULL) != 1)
		goto out;
	/* CCM works the tag length into the key, so it must be there before the first one. */
	if (row->ccm && EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, a->tag_n, NULL) != 1)
		goto out;
	return x;
out:
	EVP_CIPHER_CTX_free(x);
	return NULL;
}

/* Only the mandatory algorithm must be there: a FIPS provider, say, has no ChaCha20. */
static enum err aeads_init(struct osc_crypto *c)
{
	for (size_t i = 0; i < AEADS; i++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, aeads[i].cipher, NULL);
		if (!cipher)
			continue;
		c->seal[i] = aead_ctx_new(&aeads[i], cipher, 1);
		c->open[i] = aead_ctx_new(&aeads[i], cipher, 0);
		EVP_CIPHER_free(cipher);
		if (!c->seal[i] || !c->open[i])
			return ERR_NOMEM;
	}
	return c->seal[aead_index(ALG_AES_CCM_16_64_128)] ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err ctrs_init(struct osc_crypto *c)
{
	for (size_t i = 0; i < CTRS; i++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, ctrs[i].cipher, NULL);
		if (!cipher)
			continue;
		c->ctr[i] = EVP_CIPHER_CTX_new();
		bool made =
			c->ctr[i] && EVP_EncryptInit_ex2(c->ctr[i], cipher, NULL, NULL, NULL) == 1;
		EVP_CIPHER_free(cipher);
		if (!made)
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static EVP_MAC_CTX *hmac_ctx_new(EVP_MAC *hmac, const char *digest)
{
	EVP_MAC_CTX *x = EVP_MAC_CTX_new(hmac);
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
		OSSL_PARAM_construct_end()};

	if (x && EVP_MAC_CTX_set_params(x, params) == 1)
		return x;
	EVP_MAC_CTX_free(x);
	return NULL;
}

static enum err hashes_init(struct osc_crypto *c)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (size_t i = 0; hmac && i < HKDFS; i++)
		c->hmac[i] = hmac_ctx_new(hmac, hkdfs[i].digest);
	EVP_MAC_free(hmac);
	return c->hmac[hkdf_index(ALG_HKDF_SHA256)] ? ERR_OK : ERR_UNSUPPORTED;
}

enum err osc_crypto_new(struct osc_crypto **out)
{
	struct osc_crypto *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return ERR_NOMEM;
	enum err err = aeads_init(c);
	if (!err)
		err = ctrs_init(c);
	if (!err)
		err = hashes_init(c);
	/* what was fetched in vain left its complaints */
	ERR_clear_error();
	if (err) {
		osc_crypto_free(c);
		return err;
	}
	*out = c;
	return ERR_OK;
}

/* The library wipes the keys that its contexts still hold. */
void osc_crypto_free(struct osc_crypto *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < AEADS; i++) {
		EVP_CIPHER_CTX_free(c->seal[i]);
		EVP_CIPHER_CTX_free(c->open[i]);
	}
	for (size_t i = 0; i < CTRS; i++)
		EVP_CIPHER_CTX_free(c->ctr[i]);
	for (size_t i = 0; i < HKDFS; i++)
		EVP_MAC_CTX_free(c->hmac[i]);
	free(c);
}

/* One message through a context that has key and nonce (and, to open, the tag). */
static bool aead_run(EVP_CIPHER_CTX *x, bool ccm, struct span aad, struct span in, uint8_t *out)
{
	static const uint8_t nothing = 0;
	uint8_t tail[EVP_MAX_BLOCK_LENGTH];
	const uint8_t *from = in.n ? in.p : &nothing; /* NULL would mean AAD or "final" to it */
	int n;

	if (ccm && EVP_CipherUpdate(x, NULL, &n, NULL, (int)in.n) != 1)
		return false;
	if (aad.n && EVP_CipherUpdate(x, NULL, &n, aad.p, (int)aad.n) != 1)
		return false;
	if ((ccm || in.n) && EVP_CipherUpdate(x, out, &n, from, (int)in.n) != 1)
		return false;
	return ccm || EVP_CipherFinal_ex(x, tail, &n) == 1;
}

enum err osc_seal(struct osc_crypto *c, const struct osc_aead_info *a, const uint8_t *key,
	const uint8_t *nonce, struct span aad, struct span plaintext, uint8_t *out)
{
	size_t i = aead_index(a->cose), n = plaintext.n;
	EVP_CIPHER_CTX *x = i < AEADS ? c->seal[i] : NULL;

	if (!x)
		return ERR_UNSUPPORTED;
	if (n > OSC_INPUT_MAX || aad.n > OSC_INPUT_MAX)
		return ERR_RANGE;
	OSSL_PARAM tag[2] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, &out[n], a->tag_n),
		OSSL_PARAM_construct_end()};
	if (EVP_EncryptInit_ex2(x, NULL, key, nonce, NULL) == 1 &&
		aead_run(x, aeads[i].ccm, aad, plaintext, out) &&
		EVP_CIPHER_CTX_get_params(x, tag) == 1)
		return ERR_OK;
	secret_wipe(out, n + a->tag_n);
	return failed(ERR_NOMEM);
}

enum err osc_open(struct osc_crypto *c, const struct osc_aead_info *a, const uint8_t *key,
	const uint8_t *nonce, struct span aad, struct span ciphertext, uint8_t *out)
{
	size_t i = aead_index(a->cose);
	EVP_CIPHER_CTX *x = i < AEADS ? c->open[i] : NULL;

	if (!x)
		return ERR_UNSUPPORTED;
	if (ciphertext.n < a->tag_n)
		return ERR_SHORT;
	size_t n = ciphertext.n - a->tag_n;
	if (n > OSC_INPUT_MAX || aad.n > OSC_INPUT_MAX)
		return ERR_RANGE;
	OSSL_PARAM tag[2] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
				     (void *)&ciphertext.p[n], a->tag_n),
		OSSL_PARAM_construct_end()};
	if (EVP_DecryptInit_ex2(x, NULL, key, nonce, tag) != 1)
		return failed(ERR_NOMEM);
	if (aead_run(x, aeads[i].ccm, aad, span_sub(ciphertext, 0, n), out))
		return ERR_OK;
	secret_wipe(out, n);
	return failed(ERR_AUTH);
}

enum err osc_ctr(struct osc_crypto *c, const struct osc_aead_info *a, const uint8_t *key,
	const uint8_t *nonce, struct span in, uint8_t *out)
{
	size_t i = ctr_index(a->cose);
	EVP_CIPHER_CTX *x = i < CTRS ? c->ctr[i] : NULL;
	uint8_t iv[CTR_IV] = {0};
	int n;

	if (!x)
		return ERR_UNSUPPORTED;
	if (in.n > OSC_INPUT_MAX)
		return ERR_RANGE;
	memcpy(iv, nonce, a->nonce_n);
	if (EVP_EncryptInit_ex2(x, NULL, key, iv, NULL) == 1 &&
		(!in.n || EVP_EncryptUpdate(x, out, &n, in.p, (int)in.n) == 1))
		return ERR_OK;
	secret_wipe(out, in.n);
	return failed(ERR_NOMEM);
}

static bool hmac_run(EVP_MAC_CTX *x, struct span key, const struct span *part, size_t parts,
	uint8_t out[static HASH_MAX])
{
	static const uint8_t zero[HASH_MAX];
	size_t n;

	/* HMAC pads its key with zeros, so that some of them are the empty key, which the library
	 * would take for "the same key as before". */
	if (key.n == 0)
		key = SPAN_OF(zero);
	if (EVP_MAC_init(x, key.p, key.n, NULL) != 1)
		return false;
	for (size_t i = 0; i < parts; i++) {
		if (part[i].n && EVP_MAC_update(x, part[i].p, part[i].n) != 1)
			return false;
	}
	return EVP_MAC_final(x, out, &n, HASH_MAX) == 1;
}

/* RFC 5869 section 2.3. */
static bool hkdf_expand(EVP_MAC_CTX *x, struct span prk, struct span info, uint8_t *out, size_t n)
{
	uint8_t block[HASH_MAX], count = 0;
	struct span part[3] = {SPAN_EMPTY, info, {&count, 1}};
	bool ok = true;

	for (size_t at = 0; ok && at < n;) {
		count++;
		ok = hmac_run(x, prk, part, 3, block);
		part[0] = (struct span){block, prk.n};
		size_t take = n - at < prk.n ? n - at : prk.n;
		if (ok)
			memcpy(&out[at], block, take);
		at += take;
	}
	secret_wipe(block, sizeof(block));
	return ok;
}

enum err osc_hkdf(struct osc_crypto *c, int hkdf, struct span salt, struct span ikm,
	struct span info, uint8_t *out, size_t out_n)
{
	size_t i = hkdf_index(hkdf);
	uint8_t prk[HASH_MAX];

	secret_wipe(out, out_n);
	if (i == HKDFS || !c->hmac[i])
		return ERR_UNSUPPORTED;
	if (salt.n > OSC_INPUT_MAX || ikm.n > OSC_INPUT_MAX || info.n > OSC_INPUT_MAX)
		return ERR_RANGE;
	if (out_n > (size_t)255 * hkdfs[i].hash_n)
		return ERR_RANGE;
	bool ok = hmac_run(c->hmac[i], salt, &ikm, 1, prk) &&
		  hkdf_expand(c->hmac[i], (struct span){prk, hkdfs[i].hash_n}, info, out, out_n);
	secret_wipe(prk, sizeof(prk));
	if (ok)
		return ERR_OK;
	secret_wipe(out, out_n);
	return failed(ERR_NOMEM);
}

enum err osc_hmac256(
	struct osc_crypto *c, struct span key, struct span in, uint8_t out[static OSC_SHA256])
{
	uint8_t mac[HASH_MAX];

	if (key.n > OSC_INPUT_MAX)
		return ERR_RANGE;
	bool ok = hmac_run(c->hmac[hkdf_index(ALG_HKDF_SHA256)], key, &in, 1, mac);
	if (ok)
		memcpy(out, mac, OSC_SHA256);
	secret_wipe(mac, sizeof(mac));
	return ok ? ERR_OK : failed(ERR_NOMEM);
}

void *osc_sha256_begin(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (!c || EVP_DigestInit_ex(c, EVP_sha256(), NULL))
		return c;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return NULL;
}

void osc_sha256_add(void *digest, struct span s)
{
	/* One that failed is reset, so that its end fails, too. */
	if (!EVP_DigestUpdate(digest, s.p, s.n))
		EVP_MD_CTX_reset(digest);
}

enum err osc_sha256_end(void *digest, uint8_t *out)
{
	uint8_t unwanted[OSC_SHA256];
	unsigned n = 0;
	bool ok = EVP_MD_CTX_get0_md(digest) &&
		  EVP_DigestFinal_ex(digest, out ? out : unwanted, &n) && n == OSC_SHA256;

	EVP_MD_CTX_free(digest);
	return ok ? ERR_OK : failed(ERR_NOMEM);
}
