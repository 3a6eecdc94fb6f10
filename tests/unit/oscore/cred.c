/* SPDX-License-Identifier: Apache-2.0 */
#include "oscore/cred.h"

#include "tests/unit/test.h"

/* x of an Ed25519 key; x and y of RFC 6979 section A.2.5; x of RFC 7748 section 6.1 */
#define ED  "582003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
#define PX  "582060fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define PY  "58207903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define XX  "58208520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define CNF "a108a101" /* {8: {1: */
#define OKP "a401010327200621" ED

static const struct {
	const char *what, *hex;
	enum err err;
	int curve;
} creds[] = {
	{"Ed25519", CNF OKP, ERR_OK, OSC_ED25519},
	{"Ed25519 without alg", CNF "a30101200621" ED, ERR_OK, OSC_ED25519},
	{"in another order", CNF "a421" ED "200601010327", ERR_OK, OSC_ED25519},
	{"X25519", CNF "a30101200421" XX, ERR_OK, OSC_X25519},
	{"P-256", CNF "a501020326200121" PX "22" PY, ERR_OK, OSC_P256},
	{"P-256, compressed, y is odd", CNF "a40102200121" PX "22f5", ERR_OK, OSC_P256},
	{"P-256, compressed, y is even", CNF "a40102200121" PX "22f4", ERR_OK, OSC_P256},
	{"P-256 for ECDH", CNF "a5010203381a200121" PX "22" PY, ERR_OK, OSC_P256},
	{"a subject before it", "a2026361626308a101" OKP, ERR_OK, OSC_ED25519},
	{"claims behind it", "a308a101" OKP "041a650000001901008102", ERR_OK, OSC_ED25519},
	{"a claim by name",
		"a2636b6579820102"
		"08a101" OKP,
		ERR_OK, OSC_ED25519},
	{"a tag, a float, a map", "a404c11a6500000005fb3ff800000000000006a101a1020308a101" OKP,
		ERR_OK, OSC_ED25519},
	{"kid inside the key", CNF "a501010241420327200621" ED, ERR_OK, OSC_ED25519},
	{"key_ops inside the key", CNF "a501010327048101200621" ED, ERR_OK, OSC_ED25519},
	{"a long head for a small number", "a11808a101" OKP, ERR_OK, OSC_ED25519},
	{"nested five deep",
		"a20281818180"
		"08a101" OKP,
		ERR_OK, OSC_ED25519},
	{"nothing", "", ERR_SYNTAX, 0},
	{"an empty map", "a0", ERR_NOTFOUND, 0},
	{"no cnf", "a10263616263", ERR_NOTFOUND, 0},
	{"no key in cnf", "a108a1034142", ERR_NOTFOUND, 0},
	{"cnf is no map", "a10801", ERR_SYNTAX, 0},
	{"the key is no map", "a108a10101", ERR_SYNTAX, 0},
	{"an array", "8108", ERR_SYNTAX, 0},
	{"tagged", "d83d" CNF OKP, ERR_SYNTAX, 0},
	{"a byte behind it", CNF OKP "00", ERR_SYNTAX, 0},
	{"cnf twice", "a208a101" OKP "08a101" OKP, ERR_SYNTAX, 0},
	{"the key twice", "a108a201" OKP "01" OKP, ERR_SYNTAX, 0},
	{"x twice", CNF "a40101200621" ED "21" ED, ERR_SYNTAX, 0},
	{"kty twice", CNF "a401010101200621" ED, ERR_SYNTAX, 0},
	{"an indefinite map", "bf08a101" OKP "ff", ERR_SYNTAX, 0},
	{"an indefinite string", "a2025f4161ff08a101" OKP, ERR_SYNTAX, 0},
	{"reserved length 28", "a2021c08a101" OKP, ERR_SYNTAX, 0},
	{"nested too deep",
		"a20281818181818180"
		"08a101" OKP,
		ERR_SYNTAX, 0},
	{"a map of 2^64 - 1", "bbffffffffffffffff08a101" OKP, ERR_SYNTAX, 0},
	{"an array of 2^63 in a claim", "a2029b800000000000000008a101" OKP, ERR_SYNTAX, 0},
	{"a string of 2^32 in a claim", "a2027b000000010000000008a101" OKP, ERR_SYNTAX, 0},
	{"kty is a string", CNF "a3016141200621" ED, ERR_UNSUPPORTED, 0},
	{"kty symmetric", CNF "a30104200621" ED, ERR_UNSUPPORTED, 0},
	{"no kty", CNF "a2200621" ED, ERR_UNSUPPORTED, 0},
	{"no curve", CNF "a2010121" ED, ERR_UNSUPPORTED, 0},
	{"Ed448", CNF "a30101200721" ED, ERR_UNSUPPORTED, 0},
	{"P-384", CNF "a40102200221" PX "22" PY, ERR_UNSUPPORTED, 0},
	{"an EC2 key on Ed25519", CNF "a30102200621" ED, ERR_UNSUPPORTED, 0},
	{"x is text", CNF "a301012006216141", ERR_SYNTAX, 0},
	{"no x", CNF "a201012006", ERR_RANGE, 0},
	{"no y", CNF "a30102200121" PX, ERR_RANGE, 0},
	{"a short x",
		CNF "a401022001214160"
		    "22" PY,
		ERR_RANGE, 0},
	{"a short y", CNF "a40102200121" PX "224179", ERR_RANGE, 0},
	{"off the curve", CNF "a40102200121" PX "22" PX, ERR_RANGE, 0},
	{"y = 1",
		CNF
		"a3010120062158200100000000000000000000000000000000000000000000000000000000000000",
		ERR_RANGE, 0},
	{"Ed25519 for ES256", CNF "a401010326200621" ED, ERR_CONFLICT, 0},
	{"P-256 for EdDSA", CNF "a501020327200121" PX "22" PY, ERR_CONFLICT, 0},
	{"X25519 for EdDSA", CNF "a401010327200421" XX, ERR_CONFLICT, 0},
};

/* Self-signed, of P-256 and Ed25519. */
static const char cert_p256[] =
	"3082010f3081b5a003020102020107300a06082a8648ce3d0403023011310f300d06035504030c066d656d6265"
	"72301e170d3236303130313030303030305a170d3336303130313030303030305a3011310f300d06035504030c"
	"066d656d6265723059301306072a8648ce3d020106082a8648ce3d030107034200040be8e7af514760898e4cdd"
	"dedbd2470188c9995ff7bea432675c318d6b81bd789274b4cb171d83eb6d804e6c77ebf6f296f6fd3859602019"
	"79ad847efc2e0175300a06082a8648ce3d0403020349003046022100e995b83d31556ee0e24337fca98023c9b0"
	"a7f71c393aa431192692d1152566b5022100d65d8aca115951a56c9ecacd43c7825b01e3563e9ba4538b1a96b2"
	"c4e0b3c99b";
static const char cert_ed25519[] =
	"3081ce308181a003020102020107300506032b65703011310f300d06035504030c066d656d626572301e170d32"
	"36303130313030303030305a170d3336303130313030303030305a3011310f300d06035504030c066d656d6265"
	"72302a300506032b65700321004eb85a7eed344c88ceca2775088052646ec8b5653b80c8e9c2714db9694fa3d5"
	"300506032b657003410008b16a760b881a161f5613d6a9087763665c3315ab3dfa8e49c403518d8836c25a1996"
	"82de121c052d98d8af850bf290adbac6b14ec3a055166c34096c518a01";

static enum err try_cred(enum osc_cred_format format, struct span cred, int *curve)
{
	struct osc_pkey *k;

	enum err err = osc_cred_key(format, cred, &k);
	CHECK(!k == (err != ERR_OK), "a key, or an error");
	*curve = k ? (int)osc_pkey_curve(k) : 0;
	osc_pkey_free(k);
	return err;
}

/* Proves: 10021-2.4-3 */
static void test_ccs(void)
{
	int curve;

	for (size_t i = 0; i < sizeof(creds) / sizeof(creds[0]); i++) {
		CHECK(try_cred(OSC_CRED_CCS, test_hex(creds[i].hex), &curve) == creds[i].err,
			creds[i].what);
		CHECK(curve == creds[i].curve, creds[i].what);
	}
}

static void check_truncated(enum osc_cred_format format, struct span cred, const char *what)
{
	bool refused = true;
	int curve;

	for (size_t n = 0; n < cred.n; n++)
		refused = refused && try_cred(format, span_sub(cred, 0, n), &curve) == ERR_SYNTAX;
	CHECK(refused, what);
}

static void test_truncated(void)
{
	check_truncated(OSC_CRED_CCS, test_hex(CNF OKP), "a CCS cut short");
	check_truncated(OSC_CRED_CCS, test_hex(CNF "a501020326200121" PX "22" PY), "of P-256");
	check_truncated(OSC_CRED_X509, test_hex(cert_p256), "a certificate cut short");
	check_truncated(OSC_CRED_X509, test_hex(cert_ed25519), "a certificate cut short");
}

/* Proves: 10021-2.4-4 */
static void test_certificates(void)
{
	static uint8_t big[OSC_CRED_MAX + 1];
	struct span p256 = test_hex(cert_p256);
	uint8_t more[1024] = {0};
	int curve;

	CHECK(try_cred(OSC_CRED_X509, p256, &curve) == ERR_OK && curve == OSC_P256, "P-256");
	CHECK(try_cred(OSC_CRED_X509, test_hex(cert_ed25519), &curve) == ERR_OK &&
			curve == OSC_ED25519,
		"Ed25519");
	memcpy(more, p256.p, p256.n);
	CHECK(try_cred(OSC_CRED_X509, span_make(more, p256.n + 1), &curve) == ERR_SYNTAX,
		"a byte behind it");
	CHECK(try_cred(OSC_CRED_X509, test_hex(CNF OKP), &curve) == ERR_SYNTAX, "a CCS");
	CHECK(try_cred(OSC_CRED_CCS, p256, &curve) == ERR_SYNTAX, "a certificate as CCS");
	CHECK(try_cred((enum osc_cred_format)1, p256, &curve) == ERR_UNSUPPORTED, "CWT");
	CHECK(try_cred(OSC_CRED_X509, SPAN_OF(big), &curve) == ERR_RANGE, "too long");
	CHECK(try_cred(OSC_CRED_CCS, SPAN_OF(big), &curve) == ERR_RANGE, "too long");
}

int main(void)
{
	test_ccs();
	test_truncated();
	test_certificates();
	return test_done();
}
