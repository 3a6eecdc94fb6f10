/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers of COSE algorithms (RFC 9053 sections 4 and 6, RFC 8152 table 7). */
#include "base/alg.h"

#include "tests/unit/test.h"

static const struct {
	int cose;
	const char *name;
} aeads[] = {
	{1, "A128GCM"},
	{2, "A192GCM"},
	{3, "A256GCM"},
	{10, "AES-CCM-16-64-128"},
	{11, "AES-CCM-16-64-256"},
	{12, "AES-CCM-64-64-128"},
	{13, "AES-CCM-64-64-256"},
	{24, "ChaCha20/Poly1305"},
	{30, "AES-CCM-16-128-128"},
	{31, "AES-CCM-16-128-256"},
	{32, "AES-CCM-64-128-128"},
	{33, "AES-CCM-64-128-256"},
};

static void names(void)
{
	int cose = 4711;
	for (size_t i = 0; i < sizeof(aeads) / sizeof(*aeads); i++) {
		const char *name = alg_aead_name(aeads[i].cose);
		CHECK(name && !strcmp(name, aeads[i].name), aeads[i].name);
		CHECK(alg_aead_by_name(span_str(aeads[i].name), &cose) && cose == aeads[i].cose,
			"and back");
	}
	CHECK(alg_aead_by_name(SPAN_LIT("aes-ccm-16-64-128"), &cose) && cose == 10, "any case");
	cose = 4711;
	CHECK(!alg_aead_by_name(SPAN_LIT("AES-CCM-16-64"), &cose) && cose == 4711, "a part of one");
	CHECK(!alg_aead_by_name(SPAN_LIT("A128GCM "), &cose), "something behind");
	CHECK(!alg_aead_by_name(SPAN_EMPTY, &cose), "nothing");
	CHECK(!alg_aead_name(0) && !alg_aead_name(4) && !alg_aead_name(-10), "no AEAD");
	CHECK(!strcmp(alg_hkdf_name(-10), "HKDF-SHA-256") &&
			!strcmp(alg_hkdf_name(-11), "HKDF-SHA-512") && !alg_hkdf_name(5) &&
			!alg_hkdf_name(0),
		"HKDFs");
	CHECK(alg_hkdf_by_name(SPAN_LIT("direct+HKDF-SHA-512"), &cose) && cose == -11, "in full");
	CHECK(!alg_hkdf_by_name(SPAN_LIT("HKDF"), &cose), "no HKDF");
}

static void spellings(void)
{
	static const struct {
		int64_t number;
		int hkdf; /* 0: refused */
	} rows[] = {{-10, -10}, {5, -10}, {-11, -11}, {7, -11}, {6, 0}, {4, 0}, {0, 0}, {10, 0},
		{-12, 0}, {(INT64_C(1) << 32) + 5, 0}, {INT64_MIN, 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int hkdf = 0;
		CHECK(alg_hkdf_read(rows[i].number, &hkdf) == (rows[i].hkdf != 0) &&
				hkdf == rows[i].hkdf,
			"both spellings (CT-101)");
	}
	CHECK(alg_hmac_number(-10) == 5 && alg_hmac_number(-11) == 7 && !alg_hmac_number(-12),
		"the HMAC's number");
}

int main(void)
{
	names();
	spellings();
	return test_done();
}
