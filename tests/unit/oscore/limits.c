/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may do, and how long a message may be under it, either way. */
#include "oscore/protect.h"
#include "tests/unit/test.h"

enum { CODE_MARKER = 2 };

static uint8_t payload[20000], sealed[20000], opened[20000];

static void numbers(void)
{
	static const struct {
		int aead;
		struct osc_limits want;
	} row[] = {
		{10, {1 << 20, 1 << 14, 4096}}, /* AES-CCM-16-64-128 */
		{11, {1 << 20, 1 << 14, 4096}}, {12, {1 << 20, 1 << 14, 4096}},
		{13, {1 << 20, 1 << 14, 4096}},
		{30, {1 << 20, 1 << 20, 16384}}, /* AES-CCM-16-128-128 */
		{33, {1 << 20, 1 << 20, 16384}}, {1, {1 << 20, 1 << 20, 16384}}, /* A128GCM */
		{24, {1 << 20, 1 << 20, 16384}}, /* ChaCha20/Poly1305 */
		{99, {1 << 20, 1 << 14, 4096}},  /* nobody's */
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct osc_limits l = osc_limits_of(row[i].aead);
		CHECK(l.encryptions == row[i].want.encryptions &&
				l.failures == row[i].want.failures &&
				l.message_bytes == row[i].want.message_bytes,
			"limits of an AEAD");
	}
}

static void keys(struct osc_crypto *c, int aead, struct osc_keys *device, struct osc_keys *server)
{
	struct osc_params p = {.aead = aead,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = SPAN_LIT("0123456789abcdef"),
		.sender_id = SPAN_LIT("d"),
		.recipient_id = SPAN_LIT("s")};
	REQUIRE(osc_derive(c, &p, device) == ERR_OK, "the device's keys");
	p.sender_id = SPAN_LIT("s");
	p.recipient_id = SPAN_LIT("d");
	REQUIRE(osc_derive(c, &p, server) == ERR_OK, "the server's keys");
}

/* A request whose ciphertext, tag included, has n bytes. */
static enum err protect(struct osc_crypto *c, const struct osc_keys *k, size_t n, struct msg *out,
	struct osc_binding *b)
{
	struct msg m;
	struct writer w = wr_make(sealed, sizeof(sealed));
	msg_init(&m, MSG_CON, MSG_POST);
	m.payload = span_make(payload, n - osc_aead_info(k->aead)->tag_n - CODE_MARKER);
	return osc_protect_request(c, k, 1, NULL, &m, &w, out, b);
}

static void lengths(int aead)
{
	struct osc_crypto *c;
	struct osc_keys device, server;
	struct msg m, plain;
	struct osc_binding b;
	struct osc_option o;
	size_t max = osc_limits_of(aead).message_bytes;
	struct writer w = wr_make(opened, sizeof(opened));
	REQUIRE(osc_crypto_new(&c) == ERR_OK, "crypto");
	keys(c, aead, &device, &server);
	CHECK(protect(c, &device, max + 1, &m, &b) == ERR_RANGE, "one byte too long is not sent");
	REQUIRE(protect(c, &device, max, &m, &b) == ERR_OK && m.payload.n == max, "the longest is");
	REQUIRE(osc_option_of(&m, &o) == ERR_OK, "its option");
	CHECK(osc_unprotect_request(c, &server, &o, &m, &w, &plain, &b) == ERR_OK &&
			plain.payload.n == max - CODE_MARKER - osc_aead_info(aead)->tag_n,
		"and taken");
	m.payload.n++; /* there is room for it in `sealed` */
	w = wr_make(opened, sizeof(opened));
	CHECK(osc_unprotect_request(c, &server, &o, &m, &w, &plain, &b) == ERR_RANGE && !w.n,
		"a longer one is refused for its length, not for its tag");
	osc_crypto_free(c);
}

int main(void)
{
	numbers();
	lengths(10);
	lengths(30);
	return test_done();
}
