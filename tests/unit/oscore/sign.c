/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/sign.h"

#include "tests/unit/test.h"

/* RFC 8032 section 7.1, TEST 2. */
static const char ed_seed[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char ed_public[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char ed_signature[] =
	"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
	"f11d8c387b2eaeb4302aeeb00d291612bb0c00";
static const char other_public[] =
	"03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
/* RFC 7748 section 6.1. */
static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
static const char alice_public[] =
	"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
static const char bob_public[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
static const char alice_bob[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
/* RFC 6979 section A.2.5. */
static const char p_private[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char p_public[] = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			       "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char p_compressed[] =
	"0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
/* Of the text "sample", as the RFC makes it. */
static const char p_signature[] =
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6"
	"e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static struct osc_pkey *public_key(int curve, const char *hex)
{
	struct osc_pkey *k;

	REQUIRE(osc_pkey_public(curve, test_hex(hex), &k) == ERR_OK, hex);
	return k;
}

static struct osc_pkey *pair(int curve, const char *public, const char *private)
{
	struct osc_pkey *k, *p = public_key(curve, public);

	REQUIRE(osc_pkey_pair(p, test_hex(private), &k) == ERR_OK, private);
	osc_pkey_free(p);
	return k;
}

static const struct {
	const char *what;
	int curve;
	const char *point;
	enum err err;
} points[] = {
	{"Ed25519", OSC_ED25519, ed_public, ERR_OK},
	{"P-256", OSC_P256, p_public, ERR_OK},
	{"P-256, compressed", OSC_P256, p_compressed, ERR_OK},
	{"y = 1", OSC_ED25519, "0100000000000000000000000000000000000000000000000000000000000000",
		ERR_RANGE},
	{"y = 1 and a sign", OSC_ED25519,
		"0100000000000000000000000000000000000000000000000000000000000080", ERR_RANGE},
	{"y = -1", OSC_ED25519, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		ERR_RANGE},
	{"y = 0, of order 4", OSC_ED25519,
		"0000000000000000000000000000000000000000000000000000000000000000", ERR_RANGE},
	{"of order 8", OSC_ED25519,
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", ERR_RANGE},
	{"of order 8, the other", OSC_ED25519,
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", ERR_RANGE},
	{"y = p, which is 0", OSC_ED25519,
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ERR_RANGE},
	{"y = p + 1, which is 1", OSC_ED25519,
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ERR_RANGE},
	{"y = p + 3, which is another's second form", OSC_ED25519,
		"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ERR_RANGE},
	{"y = 2, for which there is no x", OSC_ED25519,
		"0200000000000000000000000000000000000000000000000000000000000000", ERR_RANGE},
	{"u = 0", OSC_X25519, "0000000000000000000000000000000000000000000000000000000000000000",
		ERR_RANGE},
	{"u = 1", OSC_X25519, "0100000000000000000000000000000000000000000000000000000000000000",
		ERR_RANGE},
	{"31 bytes", OSC_ED25519, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af466",
		ERR_RANGE},
	{"none", OSC_ED25519, "", ERR_RANGE},
	{"infinity", OSC_P256, "00", ERR_RANGE},
	{"none", OSC_P256, "", ERR_RANGE},
	{"a point off the curve", OSC_P256,
		"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d446229a",
		ERR_RANGE},
	{"x = p", OSC_P256, "02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
		ERR_RANGE},
	{"the hybrid form", OSC_P256,
		"0760fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
		ERR_RANGE},
	{"64 bytes", OSC_P256,
		"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d44622",
		ERR_RANGE},
	{"P-384", 2, p_public, ERR_UNSUPPORTED},
	{"Ed448", 7, ed_public, ERR_UNSUPPORTED},
};

/* Proves: 10021-2.5.1-2 10021-2.5.2-2 */
static void test_points(void)
{
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct osc_pkey *k;
		enum err err = osc_pkey_public(points[i].curve, test_hex(points[i].point), &k);
		CHECK(err == points[i].err, points[i].what);
		CHECK(!k == (err != ERR_OK), points[i].what);
		CHECK(!k || (int)osc_pkey_curve(k) == points[i].curve, points[i].what);
		osc_pkey_free(k);
	}
	struct osc_pkey *a = public_key(OSC_P256, p_public),
			*b = public_key(OSC_P256, p_compressed);
	struct osc_pkey *c = public_key(OSC_ED25519, ed_public);
	CHECK(osc_pkey_eq(a, b), "two spellings of one key");
	CHECK(!osc_pkey_eq(a, c), "two kinds of key");
	osc_pkey_free(a);
	osc_pkey_free(b);
	osc_pkey_free(c);
}

static const struct {
	const char *what;
	int curve;
	const char *public, *private;
	enum err err;
} pairs[] = {
	{"Ed25519", OSC_ED25519, ed_public, ed_seed, ERR_OK},
	{"P-256", OSC_P256, p_public, p_private, ERR_OK},
	{"another's seed", OSC_ED25519, ed_public, p_private, ERR_CONFLICT},
	{"another's number", OSC_P256, p_public, ed_seed, ERR_CONFLICT},
	{"X25519", OSC_X25519, alice_public, alice, ERR_OK},
	{"another's scalar", OSC_X25519, bob_public, alice, ERR_CONFLICT},
	{"no seed", OSC_ED25519, ed_public, "", ERR_RANGE},
	{"31 bytes", OSC_P256, p_public,
		"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f67", ERR_RANGE},
	{"d = 0", OSC_P256, p_public,
		"0000000000000000000000000000000000000000000000000000000000000000", ERR_RANGE},
	{"d = n", OSC_P256, p_public,
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", ERR_RANGE},
};

static void test_pairs(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct osc_pkey *p = public_key(pairs[i].curve, pairs[i].public), *k;
		enum err err = osc_pkey_pair(p, test_hex(pairs[i].private), &k);
		CHECK(err == pairs[i].err, pairs[i].what);
		CHECK(!k == (err != ERR_OK), pairs[i].what);
		CHECK(!k || osc_pkey_eq(k, p), pairs[i].what);
		osc_pkey_free(p);
		osc_pkey_free(k);
	}
}

/* Every byte of a signature and of what is signed counts. */
static void check_signature(
	struct osc_pkey *k, const struct osc_pkey *other, struct span in, const char *what)
{
	uint8_t sig[OSC_SIGNATURE], text[16];
	bool caught = true;

	REQUIRE(osc_sign(k, in, sig) == ERR_OK, what);
	CHECK(osc_verify(k, in, sig) == ERR_OK, what);
	CHECK(osc_verify(other, in, sig) == ERR_AUTH, "another's key");
	for (size_t i = 0; i < OSC_SIGNATURE; i++) {
		sig[i] ^= 0x10;
		caught = caught && osc_verify(k, in, sig) == ERR_AUTH;
		sig[i] ^= 0x10;
	}
	memcpy(text, in.p, in.n);
	for (size_t i = 0; i < in.n; i++) {
		text[i] ^= 1;
		caught = caught && osc_verify(k, span_make(text, in.n), sig) == ERR_AUTH;
		text[i] ^= 1;
	}
	CHECK(caught, what);
	CHECK(osc_verify(k, span_sub(in, 0, in.n - 1), sig) == ERR_AUTH, what);
	memset(sig, 0, sizeof(sig));
	CHECK(osc_verify(k, in, sig) == ERR_AUTH, "zeros");
	memset(sig, 0xff, sizeof(sig));
	CHECK(osc_verify(k, in, sig) == ERR_AUTH, "numbers that are too large");
}

static void test_signatures(void)
{
	struct osc_pkey *ed = pair(OSC_ED25519, ed_public, ed_seed);
	struct osc_pkey *ed2 = public_key(OSC_ED25519, other_public);
	struct osc_pkey *p256 = pair(OSC_P256, p_public, p_private);
	uint8_t sig[OSC_SIGNATURE];

	CHECK(osc_sign(ed, test_hex("72"), sig) == ERR_OK, "RFC 8032 section 7.1");
	CHECK_BYTES(SPAN_OF(sig), test_hex(ed_signature), "RFC 8032 section 7.1");
	CHECK(osc_verify(p256, SPAN_LIT("sample"), test_hex(p_signature).p) == ERR_OK,
		"RFC 6979 section A.2.5");
	check_signature(ed, ed2, SPAN_LIT("some text"), "EdDSA");
	check_signature(p256, ed, SPAN_LIT("some text"), "ES256");
	osc_pkey_free(ed);
	osc_pkey_free(ed2);
	osc_pkey_free(p256);
}

static void test_agreement(void)
{
	struct osc_pkey *ed = pair(OSC_ED25519, ed_public, ed_seed);
	struct osc_pkey *p256 = pair(OSC_P256, p_public, p_private);
	struct osc_pkey *bob = public_key(OSC_X25519, bob_public);
	struct osc_pkey *own = pair(OSC_X25519, alice_public, alice);
	uint8_t out[OSC_SHARED], zeros[OSC_SHARED] = {0}, sig[OSC_SIGNATURE] = {0};

	CHECK(osc_agree(own, bob, out) == ERR_OK, "RFC 7748 section 6.1");
	CHECK_BYTES(SPAN_OF(out), test_hex(alice_bob), "RFC 7748 section 6.1");
	CHECK(osc_agree(ed, p256, out) == ERR_CONFLICT, "two curves");
	CHECK_BYTES(SPAN_OF(out), SPAN_OF(zeros), "two curves");
	CHECK(osc_sign(bob, SPAN_LIT("x"), sig) == ERR_UNSUPPORTED, "X25519 signs nothing");
	CHECK(osc_verify(bob, SPAN_LIT("x"), sig) == ERR_UNSUPPORTED, "X25519 signs nothing");
	osc_pkey_free(ed);
	osc_pkey_free(p256);
	osc_pkey_free(bob);
	osc_pkey_free(own);
}

int main(void)
{
	test_points();
	test_pairs();
	test_signatures();
	test_agreement();
	return test_done();
}
