/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a group, who is in it, and what of its messages is taken. */
#include "oscore/echo.h"
#include "tests/unit/oscore/group_fixture.h"

#include <stddef.h>

static struct osc_group *a, *b, *c;

static void open_groups(const struct gf_group *g)
{
	a = gf_join(g, A);
	b = gf_join(g, B);
	c = gf_join(g, C);
}

static void close_groups(void)
{
	osc_group_free(a);
	osc_group_free(b);
	osc_group_free(c);
	a = b = c = NULL;
}

/* ---- what a group is made of */

static struct osc_group_params params;
static uint8_t long_bytes[OSC_CRED_MAX + 1];

static const struct {
	const char *what;
	enum err err;
	size_t at; /* of the field */
	int number;
	const char *bytes;
	size_t length; /* of long_bytes, where there are no bytes */
} news[] = {
#define FIELD(name) offsetof(struct osc_group_params, name)
	{"as it is", ERR_OK, FIELD(hkdf), ALG_HKDF_SHA256, NULL, 0},
	{"no AEAD", ERR_OK, FIELD(aead), 0, NULL, 0},
	{"no Group Encryption Algorithm", ERR_OK, FIELD(group_enc), 0, NULL, 0},
	{"no signature", ERR_OK, FIELD(signature), 0, NULL, 0},
	{"no key agreement", ERR_OK, FIELD(agreement), 0, NULL, 0},
	{"A128CTR for the group", ERR_OK, FIELD(group_enc), -65534, NULL, 0},
	{"A128CTR for pairs", ERR_UNSUPPORTED, FIELD(aead), -65534, NULL, 0},
	{"A128CBC", ERR_UNSUPPORTED, FIELD(group_enc), -65531, NULL, 0},
	{"an algorithm that is none", ERR_UNSUPPORTED, FIELD(aead), 99, NULL, 0},
	{"ES512", ERR_UNSUPPORTED, FIELD(signature), -36, NULL, 0},
	{"ES256 with keys of Ed25519", ERR_CONFLICT, FIELD(signature), OSC_ES256, NULL, 0},
	{"another hash for pairs", ERR_CONFLICT, FIELD(agreement), OSC_ECDH_SS_512, NULL, 0},
	{"another hash for the group", ERR_CONFLICT, FIELD(hkdf), ALG_HKDF_SHA512, NULL, 0},
	{"ECDH-ES", ERR_UNSUPPORTED, FIELD(agreement), -25, NULL, 0},
	{"no HKDF", ERR_UNSUPPORTED, FIELD(hkdf), 5, NULL, 0},
	{"no room", ERR_RANGE, FIELD(members_max), 0, NULL, 0},
	{"no Master Secret", ERR_RANGE, FIELD(master_secret), 0, "", 0},
	{"a Master Secret of 64", ERR_OK, FIELD(master_secret), 0, NULL, 64},
	{"a Master Secret of 65", ERR_RANGE, FIELD(master_secret), 0, NULL, 65},
	{"no Master Salt", ERR_OK, FIELD(master_salt), 0, "", 0},
	{"a Master Salt of 65", ERR_RANGE, FIELD(master_salt), 0, NULL, 65},
	{"a Gid of 64", ERR_OK, FIELD(gid), 0, NULL, 64},
	{"a Gid of 65", ERR_RANGE, FIELD(gid), 0, NULL, 65},
	{"no credential of the Group Manager", ERR_RANGE, FIELD(gm_cred), 0, "", 0},
	{"one of 2048", ERR_OK, FIELD(gm_cred), 0, NULL, OSC_CRED_MAX},
	{"one of 2049", ERR_RANGE, FIELD(gm_cred), 0, NULL, OSC_CRED_MAX + 1},
	{"an id of 7", ERR_OK, FIELD(sender_id), 0, "01020304050607", 0},
	{"an id of 8", ERR_RANGE, FIELD(sender_id), 0, "0102030405060708", 0},
	{"an empty id", ERR_OK, FIELD(sender_id), 0, "", 0},
	{"a credential that is none", ERR_SYNTAX, FIELD(sender_cred), 0, "a1", 0},
	{"too long a credential", ERR_RANGE, FIELD(sender_cred), 0, NULL, OSC_CRED_MAX + 1},
	{"a credential without a key", ERR_NOTFOUND, FIELD(sender_cred), 0, "a0", 0},
	{"no private key", ERR_RANGE, FIELD(private_key), 0, "", 0},
	{"somebody's private key", ERR_CONFLICT, FIELD(private_key), 0,
		"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f", 0},
#undef FIELD
};

static void set_field(size_t i)
{
	uint8_t *field = (uint8_t *)&params + news[i].at;
	struct span s =
		news[i].bytes ? test_hex(news[i].bytes) : span_make(long_bytes, news[i].length);

	if (news[i].bytes || news[i].length)
		memcpy(field, &s, sizeof(s));
	else
		memcpy(field, &news[i].number, sizeof(int));
}

/* Proves: 10021-2.1.1-1 10021-2.1.2-1 10021-2.1.7-2 10021-2.1.10-1 10021-2.2-1 */
static void test_new(void)
{
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		struct osc_group *g;
		params = gf_params(&gf_both, A);
		set_field(i);
		CHECK(osc_group_new(crypto, &params, &g) == news[i].err, news[i].what);
		CHECK(!g == (news[i].err != ERR_OK), news[i].what);
		osc_group_free(g);
	}
	struct osc_group *g;
	params = gf_params(&gf_both, A);
	params.aead = params.signature = 0;
	CHECK(osc_group_new(crypto, &params, &g) == ERR_UNSUPPORTED, "neither mode");
	params = gf_params(&gf_both, A);
	params.aead = 12;
	CHECK(osc_group_new(crypto, &params, &g) == ERR_OK, "an id of 1 and a nonce of 7");
	osc_group_free(g);
	params.sender_id = test_hex("0102");
	CHECK(osc_group_new(crypto, &params, &g) == ERR_RANGE, "the smaller nonce is the limit");
	osc_group_free(NULL);
}

/* ---- who is in it */

static enum err add(struct osc_group *g, const char *id, const char *cred)
{
	struct osc_member *m;

	enum err err = osc_group_add(crypto, g, test_hex(id), test_hex(cred), &m);
	CHECK(!m == (err != ERR_OK), id);
	return err;
}

/* Proves: 10021-2.2-2 10021-2.4-1 10021-2.6.1.2-1 10021-2.6.1.2-2 */
static void test_members(void)
{
	struct osc_group_params p = gf_params(&gf_both, A);
	struct osc_group *g;

	p.members_max = 2;
	REQUIRE(osc_group_new(crypto, &p, &g) == ERR_OK, "osc_group_new");
	CHECK(!osc_group_oldest(g), "nobody is here");
	CHECK(add(g, "a1", gf_ed25519[B].cred) == ERR_CONFLICT, "our own id");
	CHECK(add(g, "b2", gf_p256[B].cred) == ERR_CONFLICT, "a key of another algorithm");
	CHECK(add(g, "0102030405060708", gf_ed25519[B].cred) == ERR_RANGE, "an id of 8");
	CHECK(add(g, "b2", "") == ERR_RANGE, "no credential");
	CHECK(add(g, "b2", "a0") == ERR_NOTFOUND, "no key in it");
	CHECK(osc_group_members(g) == 0, "nobody came of that");
	CHECK(add(g, "b2", gf_ed25519[B].cred) == ERR_OK, "one");
	CHECK(add(g, "b2", gf_ed25519[C].cred) == ERR_EXISTS, "twice");
	CHECK(add(g, "", gf_ed25519[C].cred) == ERR_OK, "an empty id");
	CHECK(add(g, "c3", gf_ed25519[C].cred) == ERR_LIMIT, "one too many");
	CHECK(osc_group_oldest(g) == osc_group_find(g, test_hex("b2")), "who came first");
	CHECK(!osc_group_find(g, test_hex("c3")), "it is not there");
	CHECK(!osc_group_find(g, SPAN_EMPTY)->stale, "at first they are fresh");
	CHECK(osc_group_forget(g, osc_group_find(g, SPAN_EMPTY)) == ERR_OK, "it sent nothing");
	CHECK(!osc_group_deleted(g) && add(g, "", gf_ed25519[C].cred) == ERR_OK &&
			!osc_group_find(g, SPAN_EMPTY)->stale,
		"nothing was lost");
	osc_group_remove(g, osc_group_oldest(g));
	CHECK(osc_group_deleted(g) && osc_group_members(g) == 1, "one is gone");
	CHECK(!osc_group_find(g, SPAN_EMPTY)->stale, "the others stay as they are");
	CHECK(add(g, "c3", gf_ed25519[C].cred) == ERR_OK &&
			osc_group_find(g, test_hex("c3"))->stale,
		"from then on who is new is stale (section 2.6.1.2)");
	osc_group_free(g);
	struct gf_group pairs = gf_both;
	pairs.group_enc = pairs.signature = 0;
	g = gf_new(&pairs, A);
	CHECK(add(g, "b2", gf_p256[B].cred) == ERR_CONFLICT, "a key of another kind than ours");
	CHECK(add(g, "b2", gf_ed25519[B].cred) == ERR_OK, "one of our kind");
	osc_group_free(g);
	struct gf_group deleted = gf_both;
	deleted.deleted = true;
	g = gf_join(&deleted, A);
	CHECK(gf_other(g, B)->stale && gf_other(g, C)->stale, "as it was stored");
	osc_group_free(g);
}

/* ---- what is taken */

/* Proves: 10021-5.3-1 10021-7.2-1 10021-8.4-1 10021-9-5 */
static void test_replay(void)
{
	struct msg plain = gf_request();
	struct gf_trip t, later;

	open_groups(&gf_both);
	gf_ask(&t, a, NULL, 5, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK && fx_same(&plain, &t.got), "a request");
	CHECK(gf_take(&t, b, false) == ERR_REPLAY, "again");
	CHECK(gf_take(&t, b, true) == ERR_REPLAY, "an Echo does not change that");
	CHECK(gf_take(&t, c, false) == ERR_OK, "to the whole group");
	CHECK(osc_group_forget(b, gf_other(b, A)) == ERR_STATE, "its window counts");
	gf_ask(&later, a, gf_other(a, B), 5, &plain);
	CHECK(gf_take(&later, b, false) == ERR_REPLAY, "one window for both modes");
	gf_ask(&later, a, gf_other(a, B), 6, &plain);
	CHECK(gf_take(&later, c, false) == ERR_AUTH, "for somebody else (section 8.1)");
	CHECK(gf_other(c, A)->window.highest == 5, "the window is untouched");
	CHECK(gf_take(&later, b, false) == ERR_OK, "the next number");
	osc_group_remove(b, gf_other(b, A));
	CHECK(gf_take(&t, b, false) == ERR_NOTFOUND, "its public key is not here: 5.03");
	close_groups();
}

static void stale_again(void)
{
	osc_group_remove(b, gf_other(b, A));
	REQUIRE(add(b, "a1", gf_ed25519[A].cred) == ERR_OK, "it comes again");
}

/* Proves: 10021-2.6.1.2-3 10021-9-4 */
static void test_stale(void)
{
	struct msg plain = gf_request();
	struct gf_trip t, echo, old;

	open_groups(&gf_both);
	gf_ask(&old, a, NULL, 3, &plain);
	CHECK(gf_take(&old, b, false) == ERR_OK, "before");
	stale_again();
	CHECK(gf_take(&old, b, false) == ERR_STATE, "a replay is challenged");
	CHECK(gf_take(&old, b, false) == ERR_REPLAY, "once: it cannot burn our numbers");
	gf_ask(&t, a, NULL, 9, &plain);
	CHECK(gf_take(&t, b, true) == ERR_STATE, "an Echo in group mode counts nothing");
	CHECK(gf_other(b, A)->stale, "it stays so");
	gf_ask(&echo, a, gf_other(a, B), 10, &plain);
	CHECK(gf_take(&echo, b, true) == ERR_OK && !gf_other(b, A)->stale, "the Echo came");
	gf_ask(&t, a, NULL, 8, &plain);
	CHECK(gf_take(&t, b, false) == ERR_REPLAY, "its number is the lower edge (section 9)");
	gf_ask(&t, a, NULL, 11, &plain);
	CHECK(gf_take(&t, b, false) == ERR_OK, "above it all is normal");
	close_groups();
	struct gf_group alone = gf_both;
	alone.aead = alone.agreement = 0;
	alone.deleted = true;
	open_groups(&alone);
	gf_ask(&t, a, NULL, 0, &plain);
	CHECK(gf_take(&t, b, true) == ERR_OK, "where there is no pairwise mode it counts");
	close_groups();
}

/* Section 9, with the values of oscore/echo.h.
 *
 * Proves: 10021-9-1 10021-9-2 */
static void test_echo_exchange(void)
{
	static const uint8_t key[32] = {1};
	struct msg plain = gf_request(), challenge = fx_msg(MSG_UNAUTHORIZED);
	uint8_t value[OSC_ECHO_BYTES];
	struct gf_trip t;
	uint64_t own = 40;

	open_groups(&gf_both);
	stale_again();
	struct osc_member *m = gf_other(b, A);
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(gf_take(&t, b, false) == ERR_STATE, "it is challenged");
	REQUIRE(osc_echo_make(crypto, key, osc_group_echo_id(b, m), 1000, value) == ERR_OK, "Echo");
	fx_add(&challenge, OPT_ECHO, SPAN_OF(value));
	struct osc_group_reply how = {.to = m, .number = &own};
	gf_answer(&t, b, &how, &challenge);
	CHECK(gf_hear(&t, a) == ERR_OK && t.number == own, "under a number of our own");
	fx_add(&plain, OPT_ECHO, msg_find(&t.got, OPT_ECHO)->val);
	struct gf_trip again;
	gf_ask(&again, a, gf_other(a, B), 2, &plain);
	CHECK(osc_group_unprotect_request(crypto, b, m, &again.opt, &again.outer, &again.clear,
		      &again.got, &again.heard) == ERR_OK,
		"again, with it");
	struct span back = msg_find(&again.got, OPT_ECHO)->val;
	CHECK(osc_echo_check(crypto, key, osc_group_echo_id(b, gf_other(b, C)), 1500, 1000, back) ==
			ERR_AUTH,
		"it is not another member's");
	CHECK(osc_echo_check(crypto, key, osc_group_echo_id(a, gf_other(a, C)), 1500, 1000, back) ==
			ERR_AUTH,
		"it is not another server's");
	bool echoed =
		osc_echo_check(crypto, key, osc_group_echo_id(b, m), 1500, 1000, back) == ERR_OK;
	CHECK(echoed && osc_group_accept(b, m, &again.heard, echoed) && !m->stale, "delivered");
	uint64_t before = osc_group_echo_id(b, m);
	close_groups();
	struct gf_group next = gf_both;
	next.gid = "44616d";
	open_groups(&next);
	CHECK(osc_group_echo_id(b, gf_other(b, A)) != before, "nor one from before a rekey");
	close_groups();
}

/* Proves: 10021-9-3 */
static void test_echo_is_pairwise(void)
{
	struct msg plain = gf_request(), out;
	struct osc_group_binding binding;
	struct gf_trip t;
	uint8_t buf[GF_CAP];
	struct writer w = wr_make(buf, sizeof(buf));

	fx_add(&plain, OPT_ECHO, SPAN_LIT("12345678"));
	open_groups(&gf_both);
	CHECK(osc_group_protect_request(crypto, a, NULL, 1, &plain, &w, &out, &binding) ==
			ERR_STATE,
		"an Echo to the whole group (section 9)");
	CHECK(w.n == 0 && out.code == MSG_EMPTY, "and nothing is left of it");
	gf_ask(&t, a, gf_other(a, B), 1, &plain);
	CHECK(gf_take(&t, b, true) == ERR_OK, "to one");
	close_groups();
	struct gf_group alone = gf_both;
	alone.aead = alone.agreement = 0;
	open_groups(&alone);
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(gf_take(&t, b, true) == ERR_OK, "to the group, where there is no other mode");
	close_groups();
}

static void test_silent(void)
{
	struct osc_group_params p = gf_params(&gf_both, A);
	struct osc_group *g;
	struct msg plain = gf_request(), answer = gf_response(), out;
	struct gf_trip t;
	uint8_t buf[GF_CAP];
	struct writer w = wr_make(buf, sizeof(buf));

	p.sender_cred = p.private_key = p.sender_id = SPAN_EMPTY;
	REQUIRE(osc_group_new(crypto, &p, &g) == ERR_OK, "a silent server");
	REQUIRE(add(g, "b2", gf_ed25519[B].cred) == ERR_OK, "it knows one");
	open_groups(&gf_both);
	gf_ask(&t, b, NULL, 1, &plain);
	CHECK(gf_take(&t, g, false) == ERR_OK && fx_same(&plain, &t.got), "it reads");
	struct osc_group_reply how = {.to = NULL};
	CHECK(osc_group_protect_response(crypto, g, &how, &t.heard, &answer, &w, &out) == ERR_STATE,
		"it answers nothing");
	CHECK(osc_group_protect_request(crypto, g, NULL, 1, &plain, &w, &out, &t.asked) ==
			ERR_STATE,
		"it asks nothing");
	CHECK(!osc_group_has_pairwise(g), "it has no pairwise mode");
	gf_ask(&t, b, gf_other(b, A), 2, &plain);
	CHECK(osc_group_unprotect_request(crypto, g, gf_other(g, B), &t.opt, &t.outer, &t.clear,
		      &t.got, &t.heard) == ERR_UNSUPPORTED,
		"it has no pairwise mode");
	osc_group_free(g);
	close_groups();
}

/* One mode alone: what is in the other is not taken, and not sent.
 *
 * Proves: 10021-2.1.7-3 10021-6-1 */
static void test_one_mode(void)
{
	struct gf_group signing = gf_both, pairing = gf_both;
	struct msg plain = gf_request();
	struct gf_trip t;
	uint8_t buf[GF_CAP];
	struct writer w = wr_make(buf, sizeof(buf));

	signing.agreement = 0;
	pairing.signature = 0;
	open_groups(&gf_both);
	struct osc_group *s = gf_join(&signing, B), *p = gf_join(&pairing, B);
	gf_ask(&t, a, NULL, 1, &plain);
	CHECK(gf_take(&t, p, false) == ERR_UNSUPPORTED, "the group mode (section 6)");
	gf_ask(&t, a, gf_other(a, B), 2, &plain);
	CHECK(gf_take(&t, s, false) == ERR_UNSUPPORTED, "the pairwise mode (section 6)");
	CHECK(osc_group_protect_request(crypto, p, NULL, 1, &plain, &w, &t.sent, &t.asked) ==
			ERR_UNSUPPORTED,
		"to the group");
	CHECK(osc_group_protect_request(crypto, s, gf_other(s, A), 1, &plain, &w, &t.sent,
		      &t.asked) == ERR_UNSUPPORTED,
		"to one");
	osc_group_free(s);
	osc_group_free(p);
	close_groups();
}

/* ---- the option */

static const struct {
	const char *what;
	uint8_t code;
	const char *option;
	enum err err;
	bool group;
} options[] = {
	{"section 4.3.1, request", MSG_POST, "39050344616c25", ERR_OK, true},
	{"section 4.3.1, response", MSG_CHANGED, "2852", ERR_OK, true},
	{"section 4.3.2, request", MSG_POST, "19050344616c25", ERR_OK, false},
	{"section 4.3.2, response", MSG_CHANGED, "", ERR_OK, false},
	{"a response that is only signed", MSG_CHANGED, "20", ERR_OK, true},
	{"a request without kid context", MSG_POST, "290525", ERR_SYNTAX, false},
	{"a pairwise one without", MSG_POST, "090525", ERR_SYNTAX, false},
	{"a request without kid", MSG_POST, "31050344616c", ERR_SYNTAX, false},
	{"a request without Partial IV", MSG_POST, "380344616c25", ERR_SYNTAX, false},
	{"a reserved bit", MSG_POST, "79050344616c25", ERR_SYNTAX, false},
	{"the other", MSG_POST, "b9050344616c25", ERR_SYNTAX, false},
	{"a Partial IV of 6", MSG_POST, "3e0102030405060344616c25", ERR_SYNTAX, false},
	{"not minimal", MSG_POST, "3a00050344616c25", ERR_SYNTAX, false},
	{"cut short", MSG_POST, "3905034461", ERR_SYNTAX, false},
};

/* Proves: 10021-3.2-2 10021-4.3-1 10021-6-2 */
static void test_options(void)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct msg m = fx_msg(options[i].code);
		struct osc_group_option o;
		uint8_t buf[64];
		struct writer w = wr_make(buf, sizeof(buf));
		fx_add(&m, OPT_OSCORE, test_hex(options[i].option));
		m.payload = SPAN_LIT("x");
		CHECK(osc_group_option_of(&m, &o) == options[i].err, options[i].what);
		CHECK(o.group == options[i].group, options[i].what);
		CHECK(options[i].err == ERR_OK || (o.value.n == 0 && !o.parts.has_kid),
			options[i].what);
		if (options[i].err)
			continue;
		osc_group_option_encode(&o.parts, o.group, &w);
		CHECK_BYTES(wr_span(&w), test_hex(options[i].option), options[i].what);
	}
	struct msg m = fx_msg(MSG_POST);
	struct osc_group_option o;
	struct osc_option plain;
	CHECK(osc_group_option_of(&m, &o) == ERR_NOTFOUND, "there is none");
	fx_add(&m, OPT_OSCORE, test_hex("39050344616c25"));
	CHECK(osc_group_option_of(&m, &o) == ERR_SYNTAX, "without a payload");
	m.payload = SPAN_LIT("x");
	CHECK(osc_option_of(&m, &plain) == ERR_SYNTAX, "outside of groups the flag is reserved");
}

int main(void)
{
	crypto = fx_crypto();
	test_new();
	test_members();
	test_replay();
	test_stale();
	test_echo_exchange();
	test_echo_is_pairwise();
	test_silent();
	test_one_mode();
	test_options();
	osc_crypto_free(crypto);
	return test_done();
}
