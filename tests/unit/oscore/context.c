/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/context.h"

#include "tests/unit/oscore/fixture.h"

#define SECRET "0102030405060708090a0b0c0d0e0f10"
#define SALT   "9e7ca92223786340"
#define CTX32  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct {
	const char *what;
	struct fx_inputs in;
	enum err want;
} limits[] = {
	{"CCM-16: ids of seven bytes (OSC-02)", {10, SECRET, SALT, "01020304050607", "01", NULL},
		ERR_OK},
	{"CCM-16: eight bytes", {10, SECRET, SALT, "0102030405060708", "01", NULL}, ERR_RANGE},
	{"CCM-16: eight bytes, recipient", {10, SECRET, SALT, "01", "0102030405060708", NULL},
		ERR_RANGE},
	{"GCM: ids of six bytes", {1, SECRET, SALT, "010203040506", "01", NULL}, ERR_OK},
	{"GCM: seven bytes", {1, SECRET, SALT, "01020304050607", "01", NULL}, ERR_RANGE},
	{"ChaCha20: six bytes", {24, SECRET, SALT, "01", "010203040506", NULL}, ERR_OK},
	{"ChaCha20: seven bytes", {24, SECRET, SALT, "01", "01020304050607", NULL}, ERR_RANGE},
	{"CCM-64: ids of one byte", {12, SECRET, SALT, "02", "01", NULL}, ERR_OK},
	{"CCM-64: two bytes", {12, SECRET, SALT, "0202", "01", NULL}, ERR_RANGE},
	{"equal ids", {10, SECRET, SALT, "01", "01", NULL}, ERR_CONFLICT},
	{"equal empty ids", {10, SECRET, SALT, "", "", NULL}, ERR_CONFLICT},
	{"ids that differ in length only", {10, SECRET, SALT, "00", "0000", NULL}, ERR_OK},
	{"an ID Context of 32 bytes", {10, SECRET, SALT, "", "01", CTX32}, ERR_OK},
	{"an ID Context of 64 bytes", {10, SECRET, SALT, "", "01", CTX32 CTX32}, ERR_OK},
	{"an ID Context of 65 bytes", {10, SECRET, SALT, "", "01", CTX32 CTX32 "20"}, ERR_RANGE},
	{"an empty Master Secret", {10, "", SALT, "", "01", NULL}, ERR_RANGE},
	{"an AEAD that is none", {14, SECRET, SALT, "", "01", NULL}, ERR_UNSUPPORTED},
	{"an AEAD number that fits a byte only when cut", {10 + 256, SECRET, SALT, "", "01", NULL},
		ERR_UNSUPPORTED},
};

static bool is_wiped(const void *p, size_t n)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static void test_limits(struct osc_crypto *c)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct osc_params p = fx_params(&limits[i].in, true);
		struct osc_keys k;
		memset(&k, 0xaa, sizeof(k));
		enum err got = osc_derive(c, &p, &k);
		CHECK(got == limits[i].want, limits[i].what);
		CHECK((got == ERR_OK) != is_wiped(&k, sizeof(k)), limits[i].what);
	}
}

/* Each row changes one input. */
static const struct {
	const char *what;
	struct fx_inputs in;
	bool same;
} prints[] = {
	{"the ids do not count", {10, SECRET, SALT, "aabb", "cc", NULL}, true},
	{"an absent ID Context is not the empty string", {10, SECRET, SALT, "", "01", ""}, false},
	{"an ID Context", {10, SECRET, SALT, "", "01", "37cbf3210017a2d3"}, false},
	{"another AEAD", {30, SECRET, SALT, "", "01", NULL}, false},
	{"another Master Secret", {10, SECRET "11", SALT, "", "01", NULL}, false},
	{"another Master Salt", {10, SECRET, SALT "01", "", "01", NULL}, false},
	{"no Master Salt", {10, SECRET, "", "", "01", NULL}, false},
	{"a salt that HMAC pads to the same one", {10, SECRET, SALT "00", "", "01", NULL}, true},
};

static void test_fingerprints(struct osc_crypto *c)
{
	struct osc_params p = fx_params(&fx_c1, true);
	uint8_t base[16], print[16];

	CHECK(osc_ikm_fingerprint(c, &p, base) == ERR_OK, "osc_ikm_fingerprint");
	for (size_t i = 0; i < sizeof(prints) / sizeof(prints[0]); i++) {
		struct osc_params q = fx_params(&prints[i].in, true);
		struct osc_keys a = fx_keys(c, &fx_c1, true), b;
		CHECK(osc_ikm_fingerprint(c, &q, print) == ERR_OK, prints[i].what);
		CHECK(span_eq(SPAN_OF(print), SPAN_OF(base)) == prints[i].same, prints[i].what);
		/* equal ids, to see that the keys agree with the fingerprint */
		q.sender_id = osc_id_span(&a.sender_id);
		q.recipient_id = osc_id_span(&a.recipient_id);
		CHECK(osc_derive(c, &q, &b) == ERR_OK, prints[i].what);
		CHECK((memcmp(a.sender_key, b.sender_key, 16) == 0) == prints[i].same,
			prints[i].what);
	}
	p.hkdf = ALG_HKDF_SHA512;
	CHECK(osc_ikm_fingerprint(c, &p, print) == ERR_OK &&
			!span_eq(SPAN_OF(print), SPAN_OF(base)),
		"another HKDF");
	p.hkdf = 0;
	CHECK(osc_ikm_fingerprint(c, &p, print) == ERR_UNSUPPORTED && is_wiped(print, 16),
		"an HKDF that is none");
	p.aead = 0;
	CHECK(osc_ikm_fingerprint(c, &p, print) == ERR_UNSUPPORTED && is_wiped(print, 16),
		"an AEAD that is none");
}

static void test_hkdfs(struct osc_crypto *c)
{
	struct osc_params p = fx_params(&fx_c1, true);
	struct osc_keys k;

	p.hkdf = ALG_HKDF_SHA512;
	CHECK(osc_derive(c, &p, &k) == ERR_OK, "HKDF SHA-512");
	/* computed with Python's hmac from the inputs of C.1 */
	CHECK_BYTES(((struct span){k.sender_key, 16}), test_hex("cb7f4a1ecf9423bb470262ec670302dc"),
		"HKDF SHA-512, client");
	CHECK_BYTES(((struct span){k.recipient_key, 16}),
		test_hex("bbaf9de7b437dd1800d923bb1c0262a7"), "HKDF SHA-512, server");
	CHECK_BYTES(SPAN_OF(k.common_iv), test_hex("61bb6f7145bee3eee8cec81d12"),
		"HKDF SHA-512, Common IV");
	p.hkdf = -12;
	CHECK(osc_derive(c, &p, &k) == ERR_UNSUPPORTED && is_wiped(&k, sizeof(k)),
		"an HKDF that is none");
}

static void test_ids(void)
{
	struct osc_id id = {1, {0xaa}};

	CHECK(osc_id_set(&id, test_hex("0102030405060708")) == ERR_RANGE, "eight bytes");
	CHECK_BYTES(osc_id_span(&id), test_hex("aa"), "untouched on error");
	CHECK(osc_id_set(&id, test_hex("01020304050607")) == ERR_OK, "seven bytes");
	CHECK_BYTES(osc_id_span(&id), test_hex("01020304050607"), "seven bytes");
	CHECK(osc_id_set(&id, SPAN_EMPTY) == ERR_OK && id.n == 0, "the empty id");
	CHECK(is_wiped(&id, sizeof(id)), "unused bytes are zero");
}

int main(void)
{
	struct osc_crypto *c = fx_crypto();

	test_limits(c);
	test_fingerprints(c);
	test_hkdfs(c);
	test_ids();
	osc_crypto_free(c);
	return test_done();
}
