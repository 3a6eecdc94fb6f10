/* SPDX-License-Identifier: Apache-2.0 */
/* A message on its way from one end to the other, over the wire. */
#ifndef LANYARD_TESTS_UNIT_OSCORE_TRIP_H
#define LANYARD_TESTS_UNIT_OSCORE_TRIP_H

#include "tests/unit/oscore/fixture.h"

enum { NUMBER = 0x1234, CAP = 2048 };

static struct osc_crypto *crypto;
static struct osc_keys client, server;

/* A message on its way: what was sent, as bytes and parsed, and room for what comes out. */
struct trip {
	uint8_t sealed[CAP], bytes[CAP], opened[CAP];
	struct writer buf, wire, clear;
	struct msg sent, outer, got;
	struct osc_option opt;
	struct osc_binding asked, heard; /* as the client and the server have it */
	uint64_t number;
};

__attribute__((unused)) static void trip_init(struct trip *t)
{
	memset(t, 0, sizeof(*t));
	t->buf = wr_make(t->sealed, CAP);
	t->wire = wr_make(t->bytes, CAP);
	t->clear = wr_make(t->opened, CAP);
}

/* Over the wire, so that nothing of the sender's message is shared. */
__attribute__((unused)) static void trip_carry(struct trip *t)
{
	REQUIRE(msg_encode_udp(&t->sent, &t->wire) == ERR_OK, "msg_encode_udp");
	REQUIRE(msg_parse_udp(wr_span(&t->wire), &t->outer) == ERR_OK, "msg_parse_udp");
	REQUIRE(osc_option_of(&t->outer, &t->opt) == ERR_OK, "osc_option_of");
}

__attribute__((unused)) static void send_request(struct trip *t, const struct msg *plain)
{
	trip_init(t);
	REQUIRE(osc_protect_request(crypto, &client, NUMBER, NULL, plain, &t->buf, &t->sent,
			&t->asked) == ERR_OK,
		"osc_protect_request");
	trip_carry(t);
}

__attribute__((unused)) static enum err take_request(struct trip *t)
{
	return osc_unprotect_request(
		crypto, &server, &t->opt, &t->outer, &t->clear, &t->got, &t->heard);
}

__attribute__((unused)) static void send_response(struct trip *t, const struct osc_binding *b,
	const uint64_t *number, const struct msg *plain)
{
	trip_init(t);
	t->asked = *b;
	REQUIRE(osc_protect_response(crypto, &server, b, number, plain, &t->buf, &t->sent) ==
			ERR_OK,
		"osc_protect_response");
	trip_carry(t);
}

__attribute__((unused)) static enum err take_response(struct trip *t)
{
	return osc_unprotect_response(
		crypto, &client, &t->asked, &t->outer, &t->clear, &t->got, &t->number);
}

__attribute__((unused)) static const struct osc_piv piv_14 = {1, {0x14}};

__attribute__((unused)) static struct osc_binding a_binding(bool observe)
{
	return (struct osc_binding){.kid = client.sender_id, .piv = piv_14, .observe = observe};
}

__attribute__((unused)) static bool same_head(const struct msg *a, const struct msg *b)
{
	return a->type == b->type && a->mid == b->mid && a->token_n == b->token_n &&
	       memcmp(a->token, b->token, a->token_n) == 0;
}

/* Seals any bytes, as a peer with the keys but without manners would. */
__attribute__((unused)) static void seal_raw(
	struct trip *t, bool request, struct span plaintext, const struct osc_piv *piv)
{
	const struct osc_keys *from = request ? &client : &server;
	struct osc_binding b = a_binding(false);
	uint8_t nonce[OSC_NONCE_MAX], aad_buf[64];
	struct writer aad = wr_make(aad_buf, sizeof(aad_buf));

	b.piv = *piv;
	trip_init(t);
	t->asked = b;
	t->outer = fx_msg(request ? MSG_POST : MSG_CHANGED);
	fx_add(&t->outer, OPT_OSCORE, request ? SPAN_LIT("\x09\x14") : SPAN_EMPTY);
	osc_nonce(from, &b.kid, &b.piv, nonce);
	osc_aad(from, &b, &aad);
	REQUIRE(osc_seal(crypto, osc_aead_info(10), from->sender_key, nonce, wr_span(&aad),
			plaintext, t->sealed) == ERR_OK,
		"osc_seal");
	t->outer.payload = (struct span){t->sealed, plaintext.n + 8};
	REQUIRE(osc_option_of(&t->outer, &t->opt) == ERR_OK, "osc_option_of");
}

#endif
