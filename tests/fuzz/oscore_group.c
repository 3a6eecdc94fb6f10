/* SPDX-License-Identifier: Apache-2.0 */
/* A member of a group is given a message in either mode. The first byte says what the rest is: a
 * datagram as it comes from the net, or what another member encrypted, and signed if it must (which
 * is how the fuzzer gets behind signature and tag). */
#include "oscore/group.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	AS_RESPONSE = 1,
	AS_INNER = 2,
	WITH_PIV = 4,
	WITH_OBSERVE = 8,
	PAIRWISE = 16,
	WITHOUT_TAG = 32,
	INPUT_MAX = 2048,
	ROOM = INPUT_MAX + 512
};

static struct osc_crypto *crypto;

static const struct {
	uint8_t id, seed;
	uint8_t cred[46];
} who[2] = {
	{0x25, 0x00,
		{0xa1, 0x08, 0xa1, 0x01, 0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20,
			0x03, 0xa1, 0x07, 0xbf, 0xf3, 0xce, 0x10, 0xbe, 0x1d, 0x70, 0xdd, 0x18,
			0xe7, 0x4b, 0xc0, 0x99, 0x67, 0xe4, 0xd6, 0x30, 0x9b, 0xa5, 0x0d, 0x5f,
			0x1d, 0xdc, 0x86, 0x64, 0x12, 0x55, 0x31, 0xb8}},
	{0x52, 0x20,
		{0xa1, 0x08, 0xa1, 0x01, 0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20,
			0x29, 0xac, 0xba, 0xe1, 0x41, 0xbc, 0xca, 0xf0, 0xb2, 0x2e, 0x1a, 0x94,
			0xd3, 0x4d, 0x0b, 0xc7, 0x36, 0x1e, 0x52, 0x6d, 0x0b, 0xfe, 0x12, 0xc8,
			0x97, 0x94, 0xbc, 0x93, 0x22, 0x96, 0x6d, 0xd7}},
};

/* Of each kind: with an AEAD for the group, and with AES-CTR. */
static struct end {
	struct osc_group *g;
	struct osc_member *other;
} ends[2][2];

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void open_end(struct end *e, bool ctr, int i)
{
	uint8_t seed[32];

	for (size_t k = 0; k < sizeof(seed); k++)
		seed[k] = (uint8_t)(who[i].seed + k);
	struct osc_group_params p = {
		.group_enc = ctr ? -65534 : ALG_AES_CCM_16_64_128,
		.signature = OSC_EDDSA,
		.aead = ALG_AES_CCM_16_64_128,
		.agreement = OSC_ECDH_SS_256,
		.hkdf = ALG_HKDF_SHA256,
		.format = OSC_CRED_CCS,
		.master_secret = SPAN_LIT("0123456789abcdef"),
		.gid = SPAN_LIT("Dal"),
		.gm_cred = SPAN_LIT("manager"),
		.sender_id = span_make(&who[i].id, 1),
		.sender_cred = SPAN_OF(who[i].cred),
		.private_key = SPAN_OF(seed),
		.members_max = 1,
	};
	require(osc_group_new(crypto, &p, &e->g) == ERR_OK);
	require(osc_group_add(crypto, e->g, span_make(&who[!i].id, 1), SPAN_OF(who[!i].cred),
			&e->other) == ERR_OK);
}

static void setup(void)
{
	if (crypto)
		return;
	require(osc_crypto_new(&crypto) == ERR_OK);
	for (int kind = 0; kind < 2; kind++) {
		for (int i = 0; i < 2; i++)
			open_end(&ends[kind][i], kind, i);
	}
}

static struct osc_group_binding binding(uint8_t mode)
{
	struct osc_group_binding b = {.kid = {1, {who[0].id}},
		.piv = {1, {0x14}},
		.server = {1, {who[1].id}},
		.gid_n = 3,
		.group = !(mode & PAIRWISE),
		.observe = mode & WITH_OBSERVE};

	memcpy(b.gid, "Dal", 3);
	return b;
}

static void check_plain(const struct msg *plain, bool request, const struct osc_group_binding *b)
{
	if (request)
		require(msg_code_is_request(plain->code));
	else
		require(msg_code_is_response(plain->code));
	require(!msg_find(plain, OPT_OSCORE));
	require(request || b->observe || !msg_find(plain, OPT_OBSERVE));
	require(plain->opt_n <= MSG_OPTS_MAX);
}

static enum err unprotect(const struct msg *outer, uint8_t mode)
{
	bool request = !(mode & AS_RESPONSE);
	struct end *e = &ends[(mode & WITHOUT_TAG) != 0][request];
	struct osc_group_binding b = binding(mode);
	uint8_t buf[ROOM];
	struct writer w = wr_make(buf, sizeof(buf));
	struct osc_group_option opt;
	struct msg plain;
	uint64_t number;

	enum err err = osc_group_option_of(outer, &opt);
	if (err)
		return err;
	if (request)
		err = osc_group_unprotect_request(
			crypto, e->g, e->other, &opt, outer, &w, &plain, &b);
	else
		err = osc_group_unprotect_response(
			crypto, e->g, e->other, &b, outer, &w, &plain, &number);
	require(err != ERR_SPACE);
	if (err)
		require(plain.code == MSG_EMPTY && w.n == 0);
	else
		check_plain(&plain, request, &b);
	return err;
}

/* Only what parses can be protected by us, so that what comes out must be what went in. */
static void as_inner(struct span plaintext, uint8_t mode)
{
	bool request = !(mode & AS_RESPONSE);
	struct end *e = &ends[(mode & WITHOUT_TAG) != 0][!request];
	struct osc_group_binding b = binding(mode);
	struct osc_member *to = mode & PAIRWISE ? e->other : NULL;
	uint64_t number = 7;
	uint8_t buf[ROOM];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg plain, outer;

	if (msg_parse_inner(plaintext, &plain))
		return;
	struct osc_group_reply how = {.to = to, .number = mode & WITH_PIV ? &number : NULL};
	enum err err =
		request ? osc_group_protect_request(crypto, e->g, to, 0x14, &plain, &w, &outer, &b)
			: osc_group_protect_response(crypto, e->g, &how, &b, &plain, &w, &outer);
	if (err) {
		require(outer.code == MSG_EMPTY && w.n == 0);
		return;
	}
	require(unprotect(&outer, mode) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = rd_make(span_make(data, size));
	uint8_t mode = rd_u8(&r);
	struct span rest = rd_rest(&r);
	struct msg outer;

	setup();
	if (rest.n > INPUT_MAX)
		return 0;
	if (mode & AS_INNER)
		as_inner(rest, mode);
	else if (msg_parse_udp(rest, &outer) == ERR_OK)
		(void)unprotect(&outer, mode);
	return 0;
}
