/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/crypto.h"

#include "tests/unit/oscore/fixture.h"

/* libcrypto's; only oscore/crypto_openssl.c includes its headers. */
unsigned long ERR_peek_error(void);

static const struct {
	int cose;
	uint8_t key_n, nonce_n, tag_n;
} infos[] = {
	/* RFC 9053 section 4 */
	{1, 16, 12, 16},
	{2, 24, 12, 16},
	{3, 32, 12, 16},
	{10, 16, 13, 8},
	{11, 32, 13, 8},
	{12, 16, 7, 8},
	{13, 32, 7, 8},
	{24, 32, 12, 16},
	{30, 16, 13, 16},
	{31, 32, 13, 16},
	{32, 16, 7, 16},
	{33, 32, 7, 16},
};

enum { INFOS = sizeof(infos) / sizeof(infos[0]) };

static void test_infos(void)
{
	static const int unknown[] = {0, 4, 5, 9, 14, 25, 29, 34, -10, 256, 266, INT32_MIN};

	for (size_t i = 0; i < INFOS; i++) {
		const struct osc_aead_info *a = osc_aead_info(infos[i].cose);
		REQUIRE(a != NULL, "RFC 9053 section 4");
		CHECK(a->cose == infos[i].cose && a->key_n == infos[i].key_n &&
				a->nonce_n == infos[i].nonce_n && a->tag_n == infos[i].tag_n,
			alg_aead_name(a->cose));
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		CHECK(!osc_aead_info(unknown[i]), "no such AEAD");
}

static const uint8_t key[OSC_KEY_MAX + 1] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
static const uint8_t nonce[OSC_NONCE_MAX + 1] = {0x20, 0x21, 0x22, 0x23};

/* Sizes around the cipher block, with and without AAD; in place and not. */
static void test_round(struct osc_crypto *c, const struct osc_aead_info *a, size_t n, size_t aad_n)
{
	uint8_t text[1200], sealed[1300], same[1300], back[1300];
	struct span aad = {text, aad_n}, plain = {text, n}, got = {sealed, n + a->tag_n};

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	if (aad_n == 0)
		aad = SPAN_EMPTY;
	if (n == 0)
		plain = SPAN_EMPTY;
	memcpy(same, text, n);
	CHECK(osc_seal(c, a, key, nonce, aad, plain, sealed) == ERR_OK, alg_aead_name(a->cose));
	CHECK(osc_seal(c, a, key, nonce, aad, (struct span){same, n}, same) == ERR_OK,
		alg_aead_name(a->cose));
	CHECK(span_eq(got, (struct span){same, got.n}), "in place seals alike");
	CHECK(n < 16 || memcmp(sealed, text, n) != 0, "it is not the plaintext");
	CHECK(osc_open(c, a, key, nonce, aad, got, back) == ERR_OK, alg_aead_name(a->cose));
	CHECK(memcmp(back, text, n) == 0, alg_aead_name(a->cose));
	CHECK(osc_open(c, a, key, nonce, aad, (struct span){same, got.n}, same) == ERR_OK,
		alg_aead_name(a->cose));
	CHECK(memcmp(same, text, n) == 0, "in place opens alike");
}

/* One bit off, anywhere: refused, and nothing of the plaintext left. */
static void test_forged(struct osc_crypto *c, const struct osc_aead_info *a, size_t n)
{
	uint8_t text[40] = {0x45, 1, 2}, sealed[60], back[60], zero[60] = {0};
	struct span aad = SPAN_LIT("additional"), got = {sealed, n + a->tag_n};
	size_t refused = 0, wiped = 0;

	CHECK(osc_seal(c, a, key, nonce, aad, (struct span){text, n}, sealed) == ERR_OK,
		alg_aead_name(a->cose));
	for (size_t bit = 0; bit < 8 * got.n; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(back, 0xaa, sizeof(back));
		refused += osc_open(c, a, key, nonce, aad, got, back) == ERR_AUTH;
		wiped += memcmp(back, zero, n) == 0 && back[n] == 0xaa;
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CHECK(refused == 8 * got.n, "each bit of text and tag");
	CHECK(ERR_peek_error() == 0, "the thread's error queue, which TLS reads, is clean");
	CHECK(wiped == 8 * got.n, "the output is wiped, and no more than it");
	CHECK(osc_open(c, a, key, nonce, SPAN_LIT("Additional"), got, back) == ERR_AUTH, "AAD");
	CHECK(osc_open(c, a, key, nonce, SPAN_EMPTY, got, back) == ERR_AUTH, "no AAD");
	CHECK(osc_open(c, a, &key[1], nonce, aad, got, back) == ERR_AUTH, "key");
	CHECK(osc_open(c, a, key, &nonce[1], aad, got, back) == ERR_AUTH, "nonce");
	CHECK(osc_open(c, a, key, nonce, aad, got, back) == ERR_OK, "and then a good one");
	for (size_t cut = 0; cut < got.n; cut++) {
		enum err want = cut < a->tag_n ? ERR_SHORT : ERR_AUTH;
		CHECK(osc_open(c, a, key, nonce, aad, span_sub(got, 0, cut), back) == want,
			"each truncation");
	}
}

static void test_limits(struct osc_crypto *c)
{
	static uint8_t big[OSC_INPUT_MAX + OSC_TAG_MAX + 1];
	static const struct osc_aead_info none = {99, 16, 13, 8};
	struct span most = {big, OSC_INPUT_MAX}, more = {big, OSC_INPUT_MAX + 1};

	for (size_t i = 0; i < INFOS; i++) {
		const struct osc_aead_info *a = osc_aead_info(infos[i].cose);
		struct span sealed = {big, OSC_INPUT_MAX + a->tag_n};
		CHECK(osc_seal(c, a, key, nonce, most, most, big) == ERR_OK,
			alg_aead_name(a->cose));
		CHECK(osc_open(c, a, key, nonce, SPAN_EMPTY, sealed, big) == ERR_AUTH,
			alg_aead_name(a->cose));
		CHECK(osc_seal(c, a, key, nonce, SPAN_EMPTY, more, big) == ERR_RANGE,
			alg_aead_name(a->cose));
		CHECK(osc_seal(c, a, key, nonce, more, SPAN_EMPTY, big) == ERR_RANGE,
			alg_aead_name(a->cose));
		sealed.n++;
		CHECK(osc_open(c, a, key, nonce, SPAN_EMPTY, sealed, big) == ERR_RANGE,
			alg_aead_name(a->cose));
	}
	CHECK(osc_seal(c, &none, key, nonce, SPAN_EMPTY, most, big) == ERR_UNSUPPORTED, "99");
	CHECK(osc_open(c, &none, key, nonce, SPAN_EMPTY, most, big) == ERR_UNSUPPORTED, "99");
}

static void test_aeads(struct osc_crypto *c)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 32, 100, 1200};

	for (size_t i = 0; i < INFOS; i++) {
		const struct osc_aead_info *a = osc_aead_info(infos[i].cose);
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			test_round(c, a, sizes[s], 20);
			test_round(c, a, sizes[s], 0);
		}
		test_forged(c, a, 21);
		test_forged(c, a, 0);
	}
}

static const struct {
	const char *what;
	int hkdf;
	const char *ikm, *salt, *info, *okm;
} hkdfs[] = {
	{"RFC 5869 A.1", ALG_HKDF_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		"000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b8871858"
		"65"},
	{"RFC 5869 A.2", ALG_HKDF_SHA256,
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728"
		"292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
		"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788"
		"898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8"
		"d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271"
		"cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d8"
		"7"},
	{"RFC 5869 A.3", ALG_HKDF_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96"
		"c8"},
	{"SHA-512, inputs of A.1 (computed)", ALG_HKDF_SHA512,
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
		"f0f1f2f3f4f5f6f7f8f9",
		"832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c1481579338da362cb8d9f925d7"
		"cb"},
	{"SHA-512, inputs of A.2 (computed)", ALG_HKDF_SHA512,
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728"
		"292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
		"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788"
		"898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8"
		"d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"ce6c97192805b346e6161e821ed165673b84f400a2b514b2fe23d84cd189ddf1b695b48cbd1c838844"
		"1137b3ce28f16aa64ba33ba466b24df6cfcb021ecff235f6a2056ce3af1de44d572097a8505d9e7a9"
		"3"},
};

static void test_hkdfs(struct osc_crypto *c)
{
	static uint8_t big[OSC_INPUT_MAX + 1];
	struct span secret = SPAN_LIT("secret"), more = SPAN_OF(big);
	uint8_t out[100];

	for (size_t i = 0; i < sizeof(hkdfs) / sizeof(hkdfs[0]); i++) {
		struct span want = test_hex(hkdfs[i].okm);
		CHECK(osc_hkdf(c, hkdfs[i].hkdf, test_hex(hkdfs[i].salt), test_hex(hkdfs[i].ikm),
			      test_hex(hkdfs[i].info), out, want.n) == ERR_OK,
			hkdfs[i].what);
		CHECK_BYTES(((struct span){out, want.n}), want, hkdfs[i].what);
	}
	CHECK(osc_hkdf(c, -12, secret, secret, secret, out, 16) == ERR_UNSUPPORTED, "no such HKDF");
	CHECK(osc_hkdf(c, 0, secret, secret, secret, out, 16) == ERR_UNSUPPORTED, "no such HKDF");
	CHECK(osc_hkdf(c, -10, secret, secret, secret, big, 255 * 32) == ERR_OK, "the most");
	CHECK(osc_hkdf(c, -10, secret, secret, secret, big, 255 * 32 + 1) == ERR_RANGE, "too much");
	CHECK(osc_hkdf(c, -10, more, secret, secret, out, 16) == ERR_RANGE, "a long salt");
	CHECK(osc_hkdf(c, -10, secret, more, secret, out, 16) == ERR_RANGE, "a long secret");
	CHECK(osc_hkdf(c, -10, secret, secret, more, out, 16) == ERR_RANGE, "a long info");
}

static const struct {
	const char *what, *key, *in, *mac;
} macs[] = {
	{"RFC 4231 4.2", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"RFC 4231 4.3", "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{"no key, no input (computed)", "", "",
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static void test_macs(struct osc_crypto *c)
{
	static uint8_t big[OSC_INPUT_MAX + 1];
	uint8_t out[OSC_SHA256];

	for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		CHECK(osc_hmac256(c, test_hex(macs[i].key), test_hex(macs[i].in), out) == ERR_OK,
			macs[i].what);
		CHECK_BYTES(SPAN_OF(out), test_hex(macs[i].mac), macs[i].what);
	}
	CHECK(osc_hmac256(c, SPAN_LIT("a key"), SPAN_EMPTY, out) == ERR_OK, "a key");
	CHECK(osc_hmac256(c, SPAN_EMPTY, SPAN_EMPTY, out) == ERR_OK, "then none");
	CHECK_BYTES(SPAN_OF(out), test_hex(macs[2].mac), "no key is not the key before");
	CHECK(osc_hmac256(c, SPAN_OF(big), SPAN_EMPTY, out) == ERR_RANGE, "a long key");
}

/* Computed with AES alone: the key is 00 01 02 ..., the nonce a0 to ab, the text 00 to 27. */
static const struct {
	int cose;
	const char *want;
} ctrs[] = {
	{-65534,
		"077d6340cf271dc45df629def589af61ecff7b0e36d26fa4b9bfc2b96b4d6e7a8aa71a985aac152d"},
	{-65533,
		"2f2d0d4acfaee3ea736a0a8f49ace98b95e57a104b481bda0ca5faa4f545c1e61b439c41dd763e54"},
	{-65532,
		"b7a537cd414165b068d588c3344b841e4c788436bb5e85b7e03b10317d04dbcfc6395e0e61ee2498"},
};

/* RFC 9459 section 4, with the counter of RFC 10021 section 2.1.7. */
static void test_ctr(struct osc_crypto *c)
{
	uint8_t ctr_key[OSC_KEY_MAX], iv[12], text[40], out[40];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	memcpy(ctr_key, text, sizeof(ctr_key));
	for (size_t i = 0; i < sizeof(iv); i++)
		iv[i] = (uint8_t)(0xa0 + i);
	for (size_t i = 0; i < sizeof(ctrs) / sizeof(ctrs[0]); i++) {
		const struct osc_aead_info *a = osc_ctr_info(ctrs[i].cose);
		REQUIRE(a && a->nonce_n == 12 && a->tag_n == 0, "AES-CTR");
		CHECK(!osc_aead_info(ctrs[i].cose), "which is no AEAD");
		CHECK(osc_ctr(c, a, ctr_key, iv, SPAN_OF(text), out) == ERR_OK, "AES-CTR");
		CHECK_BYTES(SPAN_OF(out), test_hex(ctrs[i].want), "three blocks");
		CHECK(osc_ctr(c, a, ctr_key, iv, SPAN_OF(out), out) == ERR_OK, "in place");
		CHECK_BYTES(SPAN_OF(out), SPAN_OF(text), "and back");
		CHECK(osc_ctr(c, a, ctr_key, iv, SPAN_EMPTY, out) == ERR_OK, "nothing");
		CHECK(osc_ctr(c, a, ctr_key, iv, span_make(text, OSC_INPUT_MAX + 1), out) ==
				ERR_RANGE,
			"too long");
	}
	CHECK(!osc_ctr_info(10) && !osc_ctr_info(0), "what is no AES-CTR");
	CHECK(osc_ctr(c, osc_aead_info(10), ctr_key, iv, SPAN_OF(text), out) == ERR_UNSUPPORTED,
		"an AEAD");
}

int main(void)
{
	struct osc_crypto *c = fx_crypto();

	test_infos();
	test_aeads(c);
	test_ctr(c);
	test_limits(c);
	test_hkdfs(c);
	test_macs(c);
	osc_crypto_free(c);
	osc_crypto_free(NULL);
	return test_done();
}
