/* SPDX-License-Identifier: Apache-2.0 */
/* The contexts of RFC 8613 Appendix C.1, and how tests compare and derive. */
#ifndef LANYARD_TESTS_UNIT_OSCORE_FIXTURE_H
#define LANYARD_TESTS_UNIT_OSCORE_FIXTURE_H

#include "oscore/protect.h"
#include "tests/unit/test.h"

/* As JSON prints them: NULL is absent, "" the empty string. */
struct fx_inputs {
	int aead;
	const char *secret, *salt, *client_id, *server_id, *id_context;
};

static const struct fx_inputs fx_c1 = {
	10, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", NULL};

__attribute__((unused)) static struct osc_crypto *fx_crypto(void)
{
	struct osc_crypto *c;

	REQUIRE(osc_crypto_new(&c) == ERR_OK, "osc_crypto_new");
	return c;
}

__attribute__((unused)) static struct osc_params fx_params(const struct fx_inputs *in, bool client)
{
	const char *sender = client ? in->client_id : in->server_id;
	const char *recipient = client ? in->server_id : in->client_id;

	return (struct osc_params){
		.aead = in->aead,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = test_hex(in->secret),
		.master_salt = test_hex(in->salt),
		.sender_id = test_hex(sender),
		.recipient_id = test_hex(recipient),
		.has_id_context = in->id_context != NULL,
		.id_context = in->id_context ? test_hex(in->id_context) : SPAN_EMPTY,
	};
}

__attribute__((unused)) static struct osc_keys fx_keys(
	struct osc_crypto *c, const struct fx_inputs *in, bool client)
{
	struct osc_params p = fx_params(in, client);
	struct osc_keys k;

	REQUIRE(osc_derive(c, &p, &k) == ERR_OK, "osc_derive");
	return k;
}

/* Code, options and payload: what OSCORE has to carry over. */
__attribute__((unused)) static bool fx_same(const struct msg *a, const struct msg *b)
{
	if (a->code != b->code || a->opt_n != b->opt_n || !span_eq(a->payload, b->payload))
		return false;
	for (size_t i = 0; i < a->opt_n; i++) {
		if (a->opt[i].num != b->opt[i].num || !span_eq(a->opt[i].val, b->opt[i].val))
			return false;
	}
	return true;
}

__attribute__((unused)) static struct msg fx_msg(uint8_t code)
{
	struct msg m;

	msg_init(&m, MSG_CON, code);
	m.mid = 0x1234;
	m.token_n = 3;
	memcpy(m.token, "tok", 3);
	return m;
}

__attribute__((unused)) static void fx_add(struct msg *m, uint16_t num, struct span val)
{
	REQUIRE(msg_add(m, num, val) == ERR_OK, "msg_add");
}

#endif
