/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says what the rest is: a datagram as it comes from the net, or what a peer that
 * has the keys encrypted (which is how the fuzzer gets behind the tag). */
#include "oscore/protect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AS_RESPONSE = 1, AS_INNER = 2, WITH_PIV = 4, WITH_OBSERVE = 8, INPUT_MAX = 2048 };

static struct osc_crypto *crypto;
static struct osc_keys client, server;

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void setup(void)
{
	static const uint8_t secret[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct osc_params p = {
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = SPAN_OF(secret),
		.recipient_id = SPAN_LIT("\x01"),
	};

	if (crypto)
		return;
	require(osc_crypto_new(&crypto) == ERR_OK);
	require(osc_derive(crypto, &p, &client) == ERR_OK);
	p.sender_id = p.recipient_id;
	p.recipient_id = SPAN_EMPTY;
	require(osc_derive(crypto, &p, &server) == ERR_OK);
}

static void check_plain(const struct msg *plain, bool request, const struct osc_binding *b)
{
	if (request)
		require(msg_code_is_request(plain->code));
	else
		require(msg_code_is_response(plain->code));
	require(!msg_find(plain, OPT_OSCORE));
	require(request || b->observe || !msg_find(plain, OPT_OBSERVE));
	require(plain->opt_n <= MSG_OPTS_MAX);
	for (size_t i = 1; i < plain->opt_n; i++)
		require(plain->opt[i - 1].num <= plain->opt[i].num);
}

static enum err unprotect(const struct msg *outer, bool request, struct osc_binding *b)
{
	uint8_t buf[INPUT_MAX];
	struct writer w = wr_make(buf, sizeof(buf));
	struct osc_option opt;
	struct msg plain;
	uint64_t number;

	enum err err = osc_option_of(outer, &opt);
	if (err)
		return err;
	if (request)
		err = osc_unprotect_request(crypto, &server, &opt, outer, &w, &plain, b);
	else
		err = osc_unprotect_response(crypto, &client, b, outer, &w, &plain, &number);
	require(err != ERR_SPACE);
	if (err)
		require(plain.code == MSG_EMPTY && w.n == 0);
	else
		check_plain(&plain, request, b);
	return err;
}

static void as_inner(struct span plaintext, uint8_t mode, struct osc_binding *b)
{
	bool request = !(mode & AS_RESPONSE), piv = mode & WITH_PIV;
	const struct osc_keys *from = request ? &client : &server;
	uint8_t nonce[OSC_NONCE_MAX], aad_buf[64], sealed[INPUT_MAX + OSC_TAG_MAX];
	struct writer aad = wr_make(aad_buf, sizeof(aad_buf));
	struct osc_piv own = {1, {7}};
	struct msg outer;

	msg_init(&outer, MSG_CON, request ? MSG_POST : MSG_CHANGED);
	if (request)
		require(msg_add(&outer, OPT_OSCORE, SPAN_LIT("\x09\x14")) == ERR_OK);
	else
		require(msg_add(&outer, OPT_OSCORE, piv ? SPAN_LIT("\x01\x07") : SPAN_EMPTY) ==
			ERR_OK);
	if (!request && piv)
		osc_nonce(from, &from->sender_id, &own, nonce);
	else
		osc_nonce(from, &b->kid, &b->piv, nonce);
	osc_aad(from, b, &aad);
	const struct osc_aead_info *a = osc_aead_info(from->aead);
	require(osc_seal(crypto, a, from->sender_key, nonce, wr_span(&aad), plaintext, sealed) ==
		ERR_OK);
	outer.payload = span_make(sealed, plaintext.n + a->tag_n);
	enum err err = unprotect(&outer, request, b);
	require(err == ERR_OK || err == ERR_SYNTAX || plaintext.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = rd_make(span_make(data, size));
	uint8_t mode = rd_u8(&r);
	struct span rest = rd_rest(&r);
	struct osc_binding b = {.piv = {1, {0x14}}, .observe = mode & WITH_OBSERVE};
	struct msg outer;

	setup();
	if (rest.n > INPUT_MAX)
		return 0;
	if (mode & AS_INNER)
		as_inner(rest, mode, &b);
	else if (msg_parse_udp(rest, &outer) == ERR_OK)
		(void)unprotect(&outer, !(mode & AS_RESPONSE), &b);
	return 0;
}
