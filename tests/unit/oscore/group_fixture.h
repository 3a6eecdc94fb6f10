/* SPDX-License-Identifier: Apache-2.0 */
/* Three members of a group and their messages. */
#ifndef LANYARD_TESTS_UNIT_OSCORE_GROUP_FIXTURE_H
#define LANYARD_TESTS_UNIT_OSCORE_GROUP_FIXTURE_H

#include "oscore/group.h"
#include "tests/unit/oscore/fixture.h"

enum { A = 0, B, C, MEMBERS, GF_CAP = 4096 };

struct gf_key {
	const char *private, *cred;
};

static const struct gf_key gf_ed25519[MEMBERS] = {
	{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"a108a101a401010327200621582003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc86"
		"64125531b8"},
	{"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
		"a108a101a401010327200621582029acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc"
		"9322966dd7"},
	{"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
		"a108a101a40101032720062158202543b92ff1095511476adc8369db6ddc933665a11978dda1404ee1"
		"066ca9559d"},
};
static const struct gf_key gf_p256[MEMBERS] = {
	{"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
		"a108a101a50102032620012158207660c0e1a7fad372c3b04734bc3f2e1d2ad41d13d18f624a88756a"
		"016f4177172258207e411a1c4a7987c850b92a9280fb7cbb93338f8052831c40272ee17a66ee3ba3"},
	{"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
		"a108a101a501020326200121582025ecfe4920840fafcb4e82c3309e9cd88858eb35e54ffa16b3cc79"
		"5e59e01071225820bfda183d198497337b1a93988dadd2eb094199d37421a97e1273c53cf8dad49b"},
	{"8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f",
		"a108a101a501020326200121582029f43ff2674d9a2badd9ce5bfeef5464e48e110bc6e4c44ba8eee0"
		"73359e5029225820b2a67cd0c595b438dcd8089ffab838042a3454c233a8e589b1faea66b0c3a6d5"},
};
static const char *const gf_id[MEMBERS] = {"a1", "b2", "c3"};

static struct osc_crypto *crypto;

/* A group's common part; who is in it comes from gf_params. */
struct gf_group {
	int group_enc, signature, aead, agreement;
	const char *gid, *gm;
	bool four_elements, deleted;
};

__attribute__((unused)) static const struct gf_group gf_both = {
	10, OSC_EDDSA, 10, OSC_ECDH_SS_256, "44616c", "a0", false, false};

static const struct gf_key *gf_keys(const struct gf_group *g)
{
	return g->signature == OSC_ES256 ? gf_p256 : gf_ed25519;
}

__attribute__((unused)) static struct osc_group_params gf_params(const struct gf_group *g, int who)
{
	const struct gf_key *k = &gf_keys(g)[who];

	return (struct osc_group_params){
		.group_enc = g->group_enc,
		.signature = g->signature,
		.aead = g->aead,
		.agreement = g->agreement,
		.hkdf = ALG_HKDF_SHA256,
		.format = OSC_CRED_CCS,
		.master_secret = SPAN_LIT("0123456789abcdef"),
		.master_salt = SPAN_LIT("salt"),
		.gid = test_hex(g->gid),
		.gm_cred = test_hex(g->gm),
		.sender_id = test_hex(gf_id[who]),
		.sender_cred = test_hex(k->cred),
		.private_key = test_hex(k->private),
		.members_max = 8,
		.deleted = g->deleted,
		.four_elements = g->four_elements,
	};
}

__attribute__((unused)) static struct osc_group *gf_new(const struct gf_group *g, int who)
{
	struct osc_group_params p = gf_params(g, who);
	struct osc_group *out;

	REQUIRE(osc_group_new(crypto, &p, &out) == ERR_OK, "osc_group_new");
	return out;
}

/* `who` with the others added. */
__attribute__((unused)) static struct osc_group *gf_join(const struct gf_group *g, int who)
{
	struct osc_group *out = gf_new(g, who);
	struct osc_member *m;

	for (int i = 0; i < MEMBERS; i++) {
		if (i == who)
			continue;
		REQUIRE(osc_group_add(crypto, out, test_hex(gf_id[i]), test_hex(gf_keys(g)[i].cred),
				&m) == ERR_OK,
			"osc_group_add");
	}
	return out;
}

__attribute__((unused)) static struct osc_member *gf_other(const struct osc_group *g, int who)
{
	return osc_group_find(g, test_hex(gf_id[who]));
}

/* A message on its way. */
struct gf_trip {
	uint8_t sealed[GF_CAP], bytes[GF_CAP], opened[GF_CAP];
	struct writer buf, wire, clear;
	struct msg sent, outer, got;
	struct osc_group_option opt;
	struct osc_group_binding asked, heard; /* as client and server have it */
	uint64_t number;
};

__attribute__((unused)) static void gf_begin(struct gf_trip *t)
{
	t->buf = wr_make(t->sealed, GF_CAP);
	t->wire = wr_make(t->bytes, GF_CAP);
	t->clear = wr_make(t->opened, GF_CAP);
}

/* Over the wire, so that nothing of the sender's message is shared. */
__attribute__((unused)) static void gf_carry(struct gf_trip *t)
{
	REQUIRE(msg_encode_udp(&t->sent, &t->wire) == ERR_OK, "msg_encode_udp");
	REQUIRE(msg_parse_udp(wr_span(&t->wire), &t->outer) == ERR_OK, "msg_parse_udp");
	REQUIRE(osc_group_option_of(&t->outer, &t->opt) == ERR_OK, "osc_group_option_of");
}

__attribute__((unused)) static void gf_ask(struct gf_trip *t, struct osc_group *from,
	struct osc_member *to, uint64_t number, const struct msg *plain)
{
	gf_begin(t);
	REQUIRE(osc_group_protect_request(
			crypto, from, to, number, plain, &t->buf, &t->sent, &t->asked) == ERR_OK,
		"osc_group_protect_request");
	gf_carry(t);
}

__attribute__((unused)) static void gf_answer(struct gf_trip *t, struct osc_group *from,
	const struct osc_group_reply *how, const struct msg *plain)
{
	gf_begin(t);
	REQUIRE(osc_group_protect_response(
			crypto, from, how, &t->heard, plain, &t->buf, &t->sent) == ERR_OK,
		"osc_group_protect_response");
	gf_carry(t);
}

/* What a server does with a request, in the order that oscore/group.h tells. ERR_STATE: it is
 * challenged. */
__attribute__((unused)) static enum err gf_take(struct gf_trip *t, struct osc_group *g, bool echoed)
{
	struct osc_member *m = osc_group_find(g, t->opt.parts.kid);

	if (!span_eq(t->opt.parts.kid_context, osc_group_gid(g)) || !m)
		return ERR_NOTFOUND;
	enum err err = osc_window_check(&m->window, osc_piv_number(&t->opt.parts.piv));
	if (!err)
		err = osc_group_unprotect_request(
			crypto, g, m, &t->opt, &t->outer, &t->clear, &t->got, &t->heard);
	if (err && err != ERR_SYNTAX)
		return err;
	return osc_group_accept(g, m, &t->heard, echoed) ? err : ERR_STATE;
}

/* What a client does with a response. */
__attribute__((unused)) static enum err gf_hear(struct gf_trip *t, struct osc_group *g)
{
	struct span id;

	enum err err = osc_group_responder(&t->asked, &t->opt, &id);
	if (err)
		return err;
	struct osc_member *m = osc_group_find(g, id);
	return m ? osc_group_unprotect_response(
			   crypto, g, m, &t->asked, &t->outer, &t->clear, &t->got, &t->number)
		 : ERR_NOTFOUND;
}

__attribute__((unused)) static struct msg gf_request(void)
{
	struct msg m = fx_msg(MSG_GET);

	fx_add(&m, OPT_URI_PATH, SPAN_LIT("tv1"));
	return m;
}

__attribute__((unused)) static struct msg gf_response(void)
{
	struct msg m = fx_msg(MSG_CONTENT);

	m.payload = SPAN_LIT("Hello World!");
	return m;
}

#endif
