/* SPDX-License-Identifier: Apache-2.0 */
/* The keys a bootstrap draws, and how Object 21 tells them: algorithms in the spelling of each
 * client, an ID Context, ids that fit the nonce, text where text is wanted. */
#include "tests/unit/bootstrap/asking.h"

static struct bs_account usual; /* what the plan's account is at first */

/* Bootstraps as far as the Write of Object 21, which is then in q. */
static void to_oscore(const struct bs_account *want, const char *query, const char *discover)
{
	account = *want;
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", query) == MSG_CHANGED, "request");
	REQUIRE(answer(MSG_CONTENT, discover), "Discover");
	while (q.plain.code == MSG_DELETE)
		REQUIRE(answer(MSG_DELETED, ""), "Delete");
	REQUIRE(answer(MSG_CHANGED, "") && answer(MSG_CHANGED, ""), "Security and Server");
	REQUIRE(!strncmp(command(), "PUT /21/", 8), "OSCORE");
}

struct told {
	struct arena arena;
	struct lwm_records r;
};

/* As a client reads it to whom these are Strings. */
static enum lwm_type as_string(void *arg, const struct lwm_path *at)
{
	(void)arg;
	return at->id[2] == 3 || at->id[2] == 4 ? LWM_NONE : LWM_STRING;
}

static void read_write(struct told *k, bool text)
{
	const struct lwm_codec_opts strings = {.type = as_string};
	uint32_t cf = 0;
	struct lwm_path base = {.n = 2, .id = {21, 1}};
	arena_init(&k->arena, 0);
	lwm_records_init(&k->r, &k->arena);
	REQUIRE(msg_get_uint(&q.plain, OPT_CONTENT_FORMAT, &cf), "a Content-Format");
	const struct lwm_format *f = lwm_format(cf);
	REQUIRE(f && f->decode, "that we know");
	REQUIRE(f->decode(q.plain.payload, &base, text ? &strings : NULL, &k->r) == ERR_OK,
		"readable");
}

static const struct lwm_record *of(const struct told *k, uint16_t rid)
{
	for (size_t i = 0; i < k->r.n; i++)
		if (k->r.v[i].path.id[2] == rid)
			return &k->r.v[i];
	return NULL;
}

static const char discovered[] = "</>;lwm2m=1.1,</0/0>,</21/0>";

/* ---- algorithms */

static const struct {
	int aead;
	uint8_t id_max;
} aeads[] = {{10, 7}, {11, 7}, {12, 1}, {13, 1}, {30, 7}, {31, 7}, {32, 1}, {33, 1}, {1, 6}, {2, 6},
	{3, 6}, {24, 6}};

static void one_pair(size_t i, int hkdf, bool number)
{
	struct bs_account want = usual;
	struct told k;
	want.oscore.aead = (int16_t)aeads[i].aead;
	want.oscore.hkdf = (int16_t)hkdf;
	want.oscore.hkdf_number = number;
	to_oscore(&want, "ep=dev", discovered);
	read_write(&k, false);
	const struct ep_context *c = ((struct bs_endpoint *)rig.e->session)->session->keys[0].made;
	const struct lwm_record *aead = of(&k, 3), *hmac = of(&k, 4);
	CHECK(c->aead == aeads[i].aead && c->hkdf == hkdf, "the context's algorithms");
	CHECK(aeads[i].aead == 10 ? !aead : aead && aead->value.i == aeads[i].aead,
		"/21/x/3, left out at its default");
	CHECK(hkdf == -10 ? !hmac : hmac && hmac->value.i == (number ? -11 : 7),
		"/21/x/4 in that client's spelling (CT-101), left out at its default");
	CHECK(ep_recipient_id(c).n == (aeads[i].id_max < 5 ? aeads[i].id_max : 5),
		"an id that the nonce has room for (RFC 8613 section 3.3)");
	arena_fini(&k.arena);
	close_bootstrap();
}

/* The new context answers the keys that were told: derived once more from the Write. */
static void derives(const struct bs_account *want, const char *query)
{
	struct told k;
	struct osc_keys device, ours;
	to_oscore(want, query, discovered);
	read_write(&k, false);
	const struct ep_context *c = ((struct bs_endpoint *)rig.e->session)->session->keys[0].made;
	struct osc_params in = {.aead = of(&k, 3) ? (int)of(&k, 3)->value.i : 10, .hkdf = -10};
	if (of(&k, 4))
		REQUIRE(alg_hkdf_read(of(&k, 4)->value.i, &in.hkdf), "an HKDF");
	in.master_secret = of(&k, 0)->value.bytes;
	in.sender_id = of(&k, 1)->value.bytes;
	in.recipient_id = of(&k, 2)->value.bytes;
	in.master_salt = of(&k, 5)->value.bytes;
	in.has_id_context = of(&k, 6) != NULL;
	if (in.has_id_context)
		in.id_context = of(&k, 6)->value.bytes;
	REQUIRE(osc_derive(rig.dir.crypto, &in, &device) == ERR_OK, "derive");
	ep_keys(c, &ours);
	const struct osc_aead_info *info = osc_aead_info(in.aead);
	CHECK(!memcmp(device.sender_key, ours.recipient_key, info->key_n) &&
			!memcmp(device.recipient_key, ours.sender_key, info->key_n) &&
			!memcmp(device.common_iv, ours.common_iv, info->nonce_n),
		"what the device derives is what we have, turned round");
	CHECK(in.has_id_context == (want->oscore.id_context_bytes != 0) &&
			in.id_context.n == want->oscore.id_context_bytes,
		"an ID Context as long as the plan says");
	arena_fini(&k.arena);
	close_bootstrap();
}

static void algorithms(void)
{
	for (size_t i = 0; i < sizeof(aeads) / sizeof(*aeads); i++) {
		struct bs_account want = usual;
		one_pair(i, -10, false);
		one_pair(i, -11, false);
		one_pair(i, -11, true);
		want.oscore.aead = (int16_t)aeads[i].aead;
		want.oscore.hkdf = -11;
		derives(&want, "ep=dev");
		want.oscore.id_context_bytes = BS_ID_CONTEXT_MAX;
		derives(&want, "ep=dev");
	}
}

/* ---- ids */

/* Nonces of 7 bytes leave one byte for ids: 256 devices without, any number with an ID Context. */
static void one_byte_ids(void)
{
	struct bs_account want = usual;
	size_t made = 0;
	account = want;
	open_bootstrap(&plan);
	rig.dir.endpoints_max = 1000;
	want.oscore.aead = 12;
	for (int i = 0; i < 400; i++) {
		char name[16];
		struct endpoint *e;
		snprintf(name, sizeof(name), "d%d", i);
		REQUIRE(!ep_ensure(&rig.dir, span_str(name), &rig.t, &e) && bs_of(e), "endpoint");
		struct bs_session s = {.endpoint = e, .format = LWM_CF_TLV};
		bs_session_follow(&s, &plan);
		want.oscore.id_context_bytes = i < 300 ? 0 : 4;
		account = want;
		enum err err = bs_draw_contexts(bs, &s, &rig.t);
		made += !err;
		CHECK(i < 300 ? !err || err == ERR_EXISTS : !err, "drawn, or there are no more");
	}
	CHECK(made > 200 && made < 100 + 257, "as many as there are");
	close_bootstrap();
}

/* ---- formats */

static const struct {
	const char *what, *query, *discover;
	uint8_t setting; /* oscore_version of the endpoint */
	bool text;
} formats[] = {
	{"SenML CBOR, 1.1: Strings (BS-30)", "ep=dev&pct=112", discovered, 0, true},
	{"SenML JSON, 1.1: Strings", "ep=dev&pct=110", discovered, 0, true},
	{"version 2.0 is told", "ep=dev&pct=112", "</>;lwm2m=1.1,</0/0>,</21>;ver=2.0,</21/0>", 0,
		false},
	{"version 1.1 is told", "ep=dev&pct=112", "</>;lwm2m=1.2,</0/0>,</21>;ver=1.1,</21/0>", 0,
		true},
	{"LwM2M 1.2 without a version", "ep=dev&pct=112", "</>;lwm2m=1.2,</0/0>,</21/0>", 0, false},
	{"Opaque by setting (CT-101)", "ep=dev&pct=110", discovered, 20, false},
	{"String by setting", "ep=dev&pct=112", "</>;lwm2m=1.2,</0/0>,</21/0>", 10, true},
	{"TLV knows no difference", "ep=dev&pct=11542", discovered, 0, false},
};

static void format_row(size_t i)
{
	static const uint16_t keys[] = {0, 1, 2, 5, 6};
	struct bs_account want = usual;
	struct told k;
	want.oscore.id_context_bytes = 4;
	account = want;
	open_bootstrap(&plan);
	rig.e->oscore_version = formats[i].setting;
	REQUIRE(request(MSG_POST, "bs", formats[i].query) == MSG_CHANGED, formats[i].what);
	REQUIRE(answer(MSG_CONTENT, formats[i].discover), "Discover");
	while (q.plain.code == MSG_DELETE)
		REQUIRE(answer(MSG_DELETED, ""), "Delete");
	REQUIRE(answer(MSG_CHANGED, "") && answer(MSG_CHANGED, ""), "Security and Server");
	const struct bs_session *s = ((struct bs_endpoint *)rig.e->session)->session;
	read_write(&k, formats[i].text);
	for (size_t j = 0; j < sizeof(keys) / sizeof(*keys); j++) {
		const struct lwm_record *r = of(&k, keys[j]);
		REQUIRE(r && r->kind == LWM_RECORD_VALUE && r->value.bytes.n, "a key or an id");
		CHECK(r->value.type == (formats[i].text ? LWM_STRING : LWM_OPAQUE),
			"of the type that version has");
		for (size_t n = 0; formats[i].text && n < r->value.bytes.n; n++)
			CHECK(r->value.bytes.p[n] > ' ' && r->value.bytes.p[n] < 0x7f, "letters");
	}
	CHECK(s->keys[0].secret_n == (formats[i].text ? 24 : 16) &&
			span_eq(of(&k, 0)->value.bytes,
				span_make(s->keys[0].secret, s->keys[0].secret_n)),
		formats[i].what);
	CHECK(formats[i].text || of(&k, 0)->value.bytes.n == 16,
		"a key that is drawn has 16 bytes (CT-16)");
	CHECK(answer(MSG_CHANGED, "") && !strcmp(command(), "POST /bs"), "Finish");
	arena_fini(&k.arena);
	close_bootstrap();
}

int main(void)
{
	usual = account;
	algorithms();
	one_byte_ids();
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		format_row(i);
	return test_done();
}
