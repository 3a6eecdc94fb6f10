/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/sign.h"

#include "base/secret.h"

/* OpenSSL has a type of the name of one of our errors. */
#define ERR_STATE openssl_ERR_STATE
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#undef ERR_STATE

#include <stdlib.h>
#include <string.h>

enum { OKP = 32, HALF = OSC_SIGNATURE / 2, DER_MAX = 80, GROUP_NAME_MAX = 64 };

struct osc_pkey {
	enum osc_curve curve;
	EVP_PKEY *key;
	uint8_t u[OKP]; /* of Ed25519: the public key as X25519 has it */
};

/* The error queue is the thread's, and the TLS code of the same thread judges by it. */
static enum err done(enum err err)
{
	ERR_clear_error();
	return err;
}

static const char *okp_name(int curve)
{
	return curve == OSC_ED25519 ? "ED25519" : "X25519";
}

static enum err pkey_take(enum osc_curve curve, EVP_PKEY *key, struct osc_pkey **out)
{
	struct osc_pkey *k = calloc(1, sizeof(*k));

	if (!k) {
		EVP_PKEY_free(key);
		return done(ERR_NOMEM);
	}
	*k = (struct osc_pkey){.curve = curve, .key = key};
	*out = k;
	return done(ERR_OK);
}

void osc_pkey_free(struct osc_pkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

enum osc_curve osc_pkey_curve(const struct osc_pkey *k)
{
	return k->curve;
}

bool osc_pkey_eq(const struct osc_pkey *a, const struct osc_pkey *b)
{
	bool same = a->curve == b->curve && EVP_PKEY_eq(a->key, b->key) == 1;

	ERR_clear_error();
	return same;
}

/* ---- Edwards to Montgomery */

/* Numbers modulo p = 2^255 - 19, and d of the curve; all from one BN_CTX. */
struct field {
	BN_CTX *x;
	BIGNUM *p, *d, *y, *num, *den, *t;
};

static bool field_init(struct field *f)
{
	static const char d[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";

	BN_CTX_start(f->x);
	f->p = BN_CTX_get(f->x);
	f->d = BN_CTX_get(f->x);
	f->y = BN_CTX_get(f->x);
	f->num = BN_CTX_get(f->x);
	f->den = BN_CTX_get(f->x);
	f->t = BN_CTX_get(f->x);
	return f->t && BN_one(f->p) && BN_lshift(f->p, f->p, 255) && BN_sub_word(f->p, 19) &&
	       BN_hex2bn(&f->d, d);
}

/* Whether there is an x for this y: (y^2 - 1) / (d y^2 + 1) is a square, where the quotient of two
 * is a square if their product is one (RFC 8032 section 5.1.3). -1: no memory. */
static int field_on_curve(struct field *f)
{
	if (!BN_mod_sqr(f->t, f->y, f->p, f->x) || !BN_mod_mul(f->den, f->t, f->d, f->p, f->x) ||
		!BN_add_word(f->den, 1) || !BN_sub_word(f->t, 1) ||
		!BN_mod_mul(f->num, f->t, f->den, f->p, f->x))
		return -1;
	int k = BN_kronecker(f->num, f->p, f->x);
	return k < -1 ? -1 : k >= 0;
}

/* u = (1 + y) / (1 - y) of f->y, which is neither 1 nor -1. */
static bool field_u(struct field *f, uint8_t out[static OKP])
{
	return BN_copy(f->num, f->y) && BN_add_word(f->num, 1) && BN_one(f->den) &&
	       BN_mod_sub(f->den, f->den, f->y, f->p, f->x) &&
	       BN_mod_inverse(f->t, f->den, f->p, f->x) &&
	       BN_mod_mul(f->t, f->t, f->num, f->p, f->x) && BN_bn2lebinpad(f->t, out, OKP) == OKP;
}

static enum err edwards_to_u_in(struct field *f, const uint8_t *point, uint8_t out[static OKP])
{
	uint8_t bytes[OKP];

	memcpy(bytes, point, OKP);
	bytes[OKP - 1] &= 0x7f; /* the sign of x */
	if (!field_init(f) || !BN_lebin2bn(bytes, OKP, f->y) || !BN_copy(f->t, f->p) ||
		!BN_sub_word(f->t, 1))
		return ERR_NOMEM;
	/* -1 is p - 1, and what is p or more is another's second encoding */
	if (BN_is_one(f->y) || BN_cmp(f->y, f->t) >= 0)
		return ERR_RANGE;
	int on = field_on_curve(f);
	if (on < 0)
		return ERR_NOMEM;
	if (!on)
		return ERR_RANGE;
	return field_u(f, out) ? ERR_OK : ERR_NOMEM;
}

static enum err edwards_to_u(const uint8_t *point, uint8_t out[static OKP])
{
	struct field f = {.x = BN_CTX_new()};

	if (!f.x)
		return ERR_NOMEM;
	enum err err = edwards_to_u_in(&f, point, out);
	BN_CTX_end(f.x);
	BN_CTX_free(f.x);
	return err;
}

/* ---- key agreement */

static enum err derive(EVP_PKEY *own, EVP_PKEY *other, uint8_t out[static OSC_SHARED])
{
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t n = OSC_SHARED;
	enum err err = ERR_NOMEM;

	if (!x || EVP_PKEY_derive_init(x) != 1 || EVP_PKEY_derive_set_peer(x, other) != 1)
		goto out;
	err = EVP_PKEY_derive(x, out, &n) == 1 && n == OSC_SHARED ? ERR_OK : ERR_RANGE;
out:
	EVP_PKEY_CTX_free(x);
	return err;
}

/* The library refuses a secret of zeros, which is what a point of small order gives. */
static enum err x25519(const uint8_t *scalar, const uint8_t *u, uint8_t out[static OSC_SHARED])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, scalar, OKP);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, u, OKP);

	enum err err = own && other ? derive(own, other, out) : ERR_NOMEM;
	EVP_PKEY_free(own);
	EVP_PKEY_free(other);
	return err;
}

/* RFC 8032 section 5.1.5: the scalar is the lower half of the seed's hash; X25519 clamps it. */
static enum err agree_edwards(
	const struct osc_pkey *own, const struct osc_pkey *other, uint8_t out[static OSC_SHARED])
{
	uint8_t seed[OKP], hash[EVP_MAX_MD_SIZE];
	size_t n = sizeof(seed);
	enum err err = ERR_NOMEM;

	if (EVP_PKEY_get_raw_private_key(own->key, seed, &n) == 1 &&
		EVP_Digest(seed, n, hash, NULL, EVP_sha512(), NULL) == 1)
		err = x25519(hash, other->u, out);
	secret_wipe(seed, sizeof(seed));
	secret_wipe(hash, sizeof(hash));
	return err;
}

enum err osc_agree(
	const struct osc_pkey *own, const struct osc_pkey *other, uint8_t out[static OSC_SHARED])
{
	secret_wipe(out, OSC_SHARED);
	if (own->curve != other->curve)
		return ERR_CONFLICT;
	enum err err = own->curve == OSC_ED25519 ? agree_edwards(own, other, out)
						 : derive(own->key, other->key, out);
	if (err)
		secret_wipe(out, OSC_SHARED);
	return done(err);
}

/* ---- keys */

static enum err okp_public(int curve, struct span point, struct osc_pkey **out)
{
	static const uint8_t any[OKP] = {8};
	uint8_t u[OKP], ignored[OSC_SHARED];

	if (point.n != OKP)
		return ERR_RANGE;
	memcpy(u, point.p, OKP);
	enum err err = curve == OSC_ED25519 ? edwards_to_u(point.p, u) : ERR_OK;
	if (!err)
		err = x25519(any, u, ignored);
	if (err)
		return done(err);
	EVP_PKEY *key =
		EVP_PKEY_new_raw_public_key_ex(NULL, okp_name(curve), NULL, point.p, point.n);
	if (!key)
		return done(ERR_NOMEM);
	err = pkey_take((enum osc_curve)curve, key, out);
	if (!err)
		memcpy((*out)->u, u, OKP);
	return err;
}

/* ERR_RANGE if the library does not take the parts, which it checks. */
static enum err p256_of(OSSL_PARAM_BLD *b, int selection, EVP_PKEY **out)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	enum err err = ERR_NOMEM;

	if (!params || !x || EVP_PKEY_fromdata_init(x) != 1)
		goto out;
	err = EVP_PKEY_fromdata(x, out, selection, params) == 1 ? ERR_OK : ERR_RANGE;
out:
	EVP_PKEY_CTX_free(x);
	OSSL_PARAM_free(params);
	return err;
}

static bool p256_passes(EVP_PKEY *key, int (*check)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool passes = x && check(x) == 1;

	EVP_PKEY_CTX_free(x);
	return passes;
}

static bool p256_begin(OSSL_PARAM_BLD *b, struct span point)
{
	return b && OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
	       OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n);
}

static enum err p256_public(struct span point, struct osc_pkey **out)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	/* one byte is the point at infinity, 06 and 07 a spelling that COSE does not have */
	bool known = (point.n == 65 && point.p[0] == 4) ||
		     (point.n == 33 && (point.p[0] == 2 || point.p[0] == 3));
	enum err err = known ? ERR_NOMEM : ERR_RANGE;
	if (known && p256_begin(b, point))
		err = p256_of(b, EVP_PKEY_PUBLIC_KEY, &key);
	OSSL_PARAM_BLD_free(b);
	if (!err && !p256_passes(key, EVP_PKEY_public_check))
		err = ERR_RANGE;
	if (!err)
		return pkey_take(OSC_P256, key, out);
	EVP_PKEY_free(key);
	return done(err);
}

enum err osc_pkey_public(int curve, struct span point, struct osc_pkey **out)
{
	*out = NULL;
	if (curve == OSC_P256)
		return p256_public(point, out);
	if (curve == OSC_ED25519 || curve == OSC_X25519)
		return okp_public(curve, point, out);
	return ERR_UNSUPPORTED;
}

static enum err p256_pair(const struct osc_pkey *public, struct span private, EVP_PKEY **out)
{
	uint8_t point[OSC_POINT_MAX];
	size_t n = 0;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *d = BN_secure_new();
	enum err err = ERR_NOMEM;

	if (!d || !BN_bin2bn(private.p, (int)private.n, d) ||
		EVP_PKEY_get_octet_string_param(
			public->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1)
		goto out;
	if (p256_begin(b, span_make(point, n)) &&
		OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d))
		err = p256_of(b, EVP_PKEY_KEYPAIR, out);
	if (!err && !p256_passes(*out, EVP_PKEY_private_check))
		err = ERR_RANGE;
	if (!err && !p256_passes(*out, EVP_PKEY_pairwise_check))
		err = ERR_CONFLICT;
out:
	BN_clear_free(d);
	OSSL_PARAM_BLD_free(b);
	return err;
}

static enum err okp_pair(const struct osc_pkey *public, struct span private, EVP_PKEY **out)
{
	*out = EVP_PKEY_new_raw_private_key_ex(
		NULL, okp_name((int)public->curve), NULL, private.p, private.n);
	if (!*out)
		return ERR_NOMEM;
	return EVP_PKEY_eq(*out, public->key) == 1 ? ERR_OK : ERR_CONFLICT;
}

enum err osc_pkey_pair(const struct osc_pkey *public, struct span private, struct osc_pkey **out)
{
	EVP_PKEY *key = NULL;

	*out = NULL;
	if (private.n != OSC_PRIVATE)
		return ERR_RANGE;
	enum err err = public->curve == OSC_P256 ? p256_pair(public, private, &key)
						 : okp_pair(public, private, &key);
	if (!err)
		err = pkey_take(public->curve, key, out);
	else
		EVP_PKEY_free(key);
	if (!err)
		memcpy((*out)->u, public->u, OKP);
	return done(err);
}

static enum err x509_key(EVP_PKEY *key, int *curve, struct writer *point)
{
	uint8_t buf[OSC_POINT_MAX];
	char group[GROUP_NAME_MAX];
	size_t n = sizeof(buf);
	bool got = false;

	if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "X25519")) {
		*curve = EVP_PKEY_is_a(key, "ED25519") ? OSC_ED25519 : OSC_X25519;
		got = EVP_PKEY_get_raw_public_key(key, buf, &n) == 1;
	} else if (EVP_PKEY_is_a(key, "EC") &&
		   EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
		   strcmp(group, SN_X9_62_prime256v1) == 0) {
		*curve = OSC_P256;
		got = EVP_PKEY_get_octet_string_param(
			      key, OSSL_PKEY_PARAM_PUB_KEY, buf, sizeof(buf), &n) == 1;
	}
	if (!got)
		return ERR_UNSUPPORTED;
	wr_bytes(point, span_make(buf, n));
	return point->err;
}

enum err osc_x509_key(struct span der, int *curve, struct writer *point)
{
	const uint8_t *p = der.p;
	X509 *cert = der.n && der.n <= INT16_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	enum err err = ERR_SYNTAX;

	if (cert && p == der.p + der.n) {
		EVP_PKEY *key = X509_get0_pubkey(cert);
		err = key ? x509_key(key, curve, point) : ERR_UNSUPPORTED;
	}
	X509_free(cert);
	return done(err);
}

/* ---- signatures */

/* NULL for Ed25519, which hashes by itself. */
static const char *digest_of(const struct osc_pkey *k)
{
	return k->curve == OSC_P256 ? "SHA256" : NULL;
}

static bool to_raw(const uint8_t *der, size_t n, uint8_t out[static OSC_SIGNATURE])
{
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), out, HALF) == HALF &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(s), out + HALF, HALF) == HALF;

	ECDSA_SIG_free(s);
	return ok;
}

/* 0: no memory. */
static size_t to_der(const uint8_t raw[static OSC_SIGNATURE], uint8_t out[static DER_MAX])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, HALF, NULL), *s = BN_bin2bn(raw + HALF, HALF, NULL);
	int n = 0;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		n = i2d_ECDSA_SIG(sig, &out);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

/* Without memory for the last step ECDSA succeeds, with a length of UINT_MAX and nothing written.
 */
enum err osc_sign(const struct osc_pkey *k, struct span in, uint8_t out[static OSC_SIGNATURE])
{
	uint8_t sig[DER_MAX];
	size_t n = sizeof(sig);
	bool ok = false;

	if (k->curve == OSC_X25519)
		return ERR_UNSUPPORTED;
	EVP_MD_CTX *x = EVP_MD_CTX_new();
	if (x && EVP_DigestSignInit_ex(x, NULL, digest_of(k), NULL, NULL, k->key, NULL) == 1 &&
		EVP_DigestSign(x, sig, &n, in.p, in.n) == 1 && n <= sizeof(sig))
		ok = k->curve == OSC_P256 ? to_raw(sig, n, out) : n == OSC_SIGNATURE;
	if (ok && k->curve == OSC_ED25519)
		memcpy(out, sig, OSC_SIGNATURE);
	EVP_MD_CTX_free(x);
	return done(ok ? ERR_OK : ERR_NOMEM);
}

enum err osc_verify(
	const struct osc_pkey *k, struct span in, const uint8_t signature[static OSC_SIGNATURE])
{
	uint8_t der[DER_MAX];
	const uint8_t *sig = signature;
	size_t n = OSC_SIGNATURE;
	enum err err = ERR_NOMEM;

	if (k->curve == OSC_X25519)
		return ERR_UNSUPPORTED;
	if (k->curve == OSC_P256) {
		n = to_der(signature, der);
		sig = der;
	}
	EVP_MD_CTX *x = EVP_MD_CTX_new();
	if (n && x && EVP_DigestVerifyInit_ex(x, NULL, digest_of(k), NULL, NULL, k->key, NULL) == 1)
		err = EVP_DigestVerify(x, sig, n, in.p, in.n) == 1 ? ERR_OK : ERR_AUTH;
	EVP_MD_CTX_free(x);
	return done(err);
}
