/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, their messages and static secrets against a table that another implementation made:
 * tests/vectors/group-oscore.tsv, or the file given. With a second file, what was protected here is
 * written there, a payload in hex a line, for the other implementation to open.
 *
 *     group_vectors [TABLE [OUT]] */
#include "base/text.h"
#include "oscore/group_internal.h"
#include "tests/unit/oscore/fixture.h"

enum { LINE_MAX_BYTES = 32768, CELLS = 25, VALUE_MAX = 4096, CAP = 4096 };

enum {
	SET_NAME = 1,
	SET_GROUP_ENC,
	SET_SIGNATURE,
	SET_AEAD,
	SET_AGREEMENT,
	SET_HKDF,
	SET_FORMAT,
	SET_SECRET,
	SET_SALT,
	SET_GID,
	SET_CLIENT_ID,
	SET_SERVER_ID,
	SET_CLIENT_PRIVATE,
	SET_CLIENT_CRED,
	SET_SERVER_PRIVATE,
	SET_SERVER_CRED,
	SET_GM_CRED,
	SET_COMMON_IV,
	SET_CLIENT_KEY,
	SET_SERVER_KEY,
	SET_SIGNATURE_KEY,
	SET_CLIENT_TO_SERVER,
	SET_SERVER_TO_CLIENT,
};
enum {
	MSG_KIND = 1,
	MSG_MODE,
	MSG_REQUEST_MODE,
	MSG_REQUEST_NUMBER,
	MSG_NUMBER,
	MSG_WITH_KID,
	MSG_PLAINTEXT,
	MSG_OPTION,
	MSG_PAYLOAD,
};
enum { ECDH_CURVE = 1, ECDH_PRIVATE, ECDH_OWN, ECDH_OTHER, ECDH_SECRET };

static struct osc_crypto *crypto;
static FILE *out_file;
static char text[LINE_MAX_BYTES];
static char *cell[CELLS];
static uint8_t bytes[CELLS][VALUE_MAX];

/* One end of the group, and the other as it knows it. */
static struct end {
	struct osc_group *g;
	struct osc_member *other;
} client, server;
static char name[64], description[128];
static bool random_signature;

static bool absent(int i)
{
	return strcmp(cell[i], "-") == 0;
}

static struct span value(int i)
{
	struct writer w = wr_make(bytes[i], VALUE_MAX);

	if (absent(i))
		return SPAN_EMPTY;
	REQUIRE(hex_decode(span_str(cell[i]), &w) == ERR_OK, "hex in the table");
	return wr_span(&w);
}

static int number(int i)
{
	return absent(i) ? 0 : atoi(cell[i]);
}

/* The cells of the next line that is none of a comment's; 0 at the end. */
static size_t next_line(FILE *f)
{
	size_t n = 0;

	do {
		if (!fgets(text, sizeof(text), f))
			return 0;
	} while (text[0] == '#');
	text[strcspn(text, "\n")] = '\0';
	for (char *p = text; p && n < CELLS; n++)
		cell[n] = strsep(&p, "\t");
	return n;
}

static void end_new(struct end *e, bool is_client)
{
	struct osc_group_params p = {
		.group_enc = number(SET_GROUP_ENC),
		.signature = number(SET_SIGNATURE),
		.aead = number(SET_AEAD),
		.agreement = number(SET_AGREEMENT),
		.hkdf = number(SET_HKDF),
		.format = (enum osc_cred_format)number(SET_FORMAT),
		.master_secret = value(SET_SECRET),
		.master_salt = value(SET_SALT),
		.gid = value(SET_GID),
		.gm_cred = value(SET_GM_CRED),
		.sender_id = value(is_client ? SET_CLIENT_ID : SET_SERVER_ID),
		.sender_cred = value(is_client ? SET_CLIENT_CRED : SET_SERVER_CRED),
		.private_key = value(is_client ? SET_CLIENT_PRIVATE : SET_SERVER_PRIVATE),
		.members_max = 1,
	};

	osc_group_free(e->g);
	REQUIRE(osc_group_new(crypto, &p, &e->g) == ERR_OK, name);
	REQUIRE(osc_group_add(crypto, e->g, value(is_client ? SET_SERVER_ID : SET_CLIENT_ID),
			value(is_client ? SET_SERVER_CRED : SET_CLIENT_CRED), &e->other) == ERR_OK,
		name);
}

static void check_key(const uint8_t *key, int i)
{
	struct span want = value(i);

	CHECK_BYTES(span_make(key, want.n), want, name);
}

/* Proves: 10021-2.1.4-1 10021-2.1.9-1 10021-2.3-1 10021-2.5.1-1 10021-10-1 */
static void check_set(void)
{
	snprintf(name, sizeof(name), "%s", cell[SET_NAME]);
	random_signature = number(SET_SIGNATURE) == OSC_ES256;
	end_new(&client, true);
	end_new(&server, false);
	check_key(client.g->common_iv, SET_COMMON_IV);
	check_key(client.g->sender_key, SET_CLIENT_KEY);
	check_key(client.other->key, SET_SERVER_KEY);
	check_key(server.g->sender_key, SET_SERVER_KEY);
	check_key(client.g->signature_key, SET_SIGNATURE_KEY);
	if (absent(SET_CLIENT_TO_SERVER))
		return;
	CHECK(osc_group_pair(crypto, client.g, client.other) == ERR_OK, name);
	CHECK(osc_group_pair(crypto, server.g, server.other) == ERR_OK, name);
	check_key(client.other->pairwise_out, SET_CLIENT_TO_SERVER);
	check_key(client.other->pairwise_in, SET_SERVER_TO_CLIENT);
	check_key(server.other->pairwise_out, SET_SERVER_TO_CLIENT);
}

/* ---- messages */

static bool is(int i, const char *what)
{
	return strcmp(cell[i], what) == 0;
}

/* What both ends know of the request that is answered. */
static struct osc_group_binding binding_at(const struct end *e)
{
	struct span gid = osc_group_gid(e->g);
	struct osc_group_binding b = {.kid = client.g->sender_id,
		.server = server.g->sender_id,
		.gid_n = (uint8_t)gid.n,
		.group = is(MSG_REQUEST_MODE, "group")};

	osc_piv_set(&b.piv, strtoull(cell[MSG_REQUEST_NUMBER], NULL, 10));
	memcpy(b.gid, gid.p, gid.n);
	return b;
}

static enum err protect(const struct msg *plain, struct writer *buf, struct msg *out)
{
	bool group = is(MSG_MODE, "group");
	struct osc_group_binding b = binding_at(&server);
	uint64_t own = absent(MSG_NUMBER) ? 0 : strtoull(cell[MSG_NUMBER], NULL, 10);

	if (is(MSG_KIND, "request"))
		return osc_group_protect_request(crypto, client.g, group ? NULL : client.other,
			osc_piv_number(&b.piv), plain, buf, out, &b);
	struct osc_group_reply how = {.to = group ? NULL : server.other,
		.number = absent(MSG_NUMBER) ? NULL : &own,
		.with_kid = number(MSG_WITH_KID)};
	return osc_group_protect_response(crypto, server.g, &how, &b, plain, buf, out);
}

static enum err unprotect(const struct msg *outer, struct writer *buf, struct msg *plain)
{
	struct osc_group_binding b = binding_at(&client);
	struct osc_group_option opt;
	uint64_t ignored;

	if (!is(MSG_KIND, "request"))
		return osc_group_unprotect_response(
			crypto, client.g, client.other, &b, outer, buf, plain, &ignored);
	enum err err = osc_group_option_of(outer, &opt);
	return err ? err
		   : osc_group_unprotect_request(
			     crypto, server.g, server.other, &opt, outer, buf, plain, &b);
}

static void check_plain(const struct msg *plain, const char *what)
{
	uint8_t buf[CAP];
	struct writer w = wr_make(buf, sizeof(buf));

	CHECK(msg_encode_inner(plain, &w) == ERR_OK, what);
	CHECK_BYTES(wr_span(&w), value(MSG_PLAINTEXT), what);
}

static void check_protect(void)
{
	uint8_t buf[CAP], opened[CAP];
	struct writer w = wr_make(buf, sizeof(buf)), clear = wr_make(opened, sizeof(opened));
	struct span want = value(MSG_PAYLOAD);
	struct msg plain, out, back;

	REQUIRE(msg_parse_inner(value(MSG_PLAINTEXT), &plain) == ERR_OK, description);
	REQUIRE(protect(&plain, &w, &out) == ERR_OK, description);
	CHECK_BYTES(msg_find(&out, OPT_OSCORE)->val, value(MSG_OPTION), description);
	size_t same = random_signature && is(MSG_MODE, "group") ? want.n - OSC_SIGNATURE : want.n;
	CHECK(out.payload.n == want.n, description);
	CHECK_BYTES(span_sub(out.payload, 0, same), span_sub(want, 0, same), description);
	CHECK(unprotect(&out, &clear, &back) == ERR_OK, description);
	for (size_t i = 0; out_file && i < out.payload.n; i++)
		fprintf(out_file, "%02x", out.payload.p[i]);
	if (out_file)
		fprintf(out_file, "\n");
}

/* Proves: 10021-2.1.7-1 10021-3.1-1 10021-3.3-1 10021-3.4-1 10021-4.1-2 10021-4.2-1 10021-7.1-1
 * 10021-8.3-1 10021-10-2 */
static void check_message(void)
{
	uint8_t opened[CAP];
	struct writer w = wr_make(opened, sizeof(opened));
	struct msg outer, plain;

	snprintf(description, sizeof(description), "%s: %s %s after %s, number %s", name,
		cell[MSG_MODE], cell[MSG_KIND], cell[MSG_REQUEST_MODE], cell[MSG_NUMBER]);
	check_protect();
	msg_init(&outer, MSG_NON, is(MSG_KIND, "request") ? MSG_POST : MSG_CHANGED);
	fx_add(&outer, OPT_OSCORE, value(MSG_OPTION));
	outer.payload = value(MSG_PAYLOAD);
	CHECK(unprotect(&outer, &w, &plain) == ERR_OK, description);
	check_plain(&plain, description);
}

/* Of keys that sign. Proves: 10021-2.5.2-1 10021-8-1 */
static void check_ecdh(void)
{
	struct osc_pkey *own = NULL, *pair = NULL, *other = NULL;
	uint8_t secret[OSC_SHARED] = {0};

	CHECK(osc_pkey_public(number(ECDH_CURVE), value(ECDH_OWN), &own) == ERR_OK &&
			osc_pkey_pair(own, value(ECDH_PRIVATE), &pair) == ERR_OK &&
			osc_pkey_public(number(ECDH_CURVE), value(ECDH_OTHER), &other) == ERR_OK &&
			osc_agree(pair, other, secret) == ERR_OK,
		"a static secret");
	CHECK_BYTES(SPAN_OF(secret), value(ECDH_SECRET), "a static secret");
	osc_pkey_free(own);
	osc_pkey_free(pair);
	osc_pkey_free(other);
}

int main(int argc, char **argv)
{
	FILE *f = fopen(argc > 1 ? argv[1] : "tests/vectors/group-oscore.tsv", "r");
	size_t n, sets = 0, messages = 0;

	REQUIRE(f, "the table");
	out_file = argc > 2 ? fopen(argv[2], "w") : NULL;
	REQUIRE(argc <= 2 || out_file, "the file to write to");
	crypto = fx_crypto();
	while ((n = next_line(f))) {
		if (n == SET_SERVER_TO_CLIENT + 1 && is(0, "set") && ++sets)
			check_set();
		else if (n == MSG_PAYLOAD + 1 && is(0, "msg") && ++messages)
			check_message();
		else if (n == ECDH_SECRET + 1 && is(0, "ecdh"))
			check_ecdh();
		else
			CHECK(false, "a line of the table that is none");
	}
	CHECK(sets && messages, "groups and messages were there");
	fclose(f);
	if (out_file)
		fclose(out_file);
	osc_group_free(client.g);
	osc_group_free(server.g);
	osc_crypto_free(crypto);
	return test_done();
}
