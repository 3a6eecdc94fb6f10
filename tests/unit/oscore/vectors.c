/* SPDX-License-Identifier: Apache-2.0 */
/* Every value of RFC 8613 sections 5.4, 6.3 (in option.c) and Appendix C. */
#include "oscore/context.h"

#include "tests/unit/oscore/fixture.h"

static const struct derivation {
	const char *what;
	struct fx_inputs in;
	const char *info_client, *info_server, *info_iv;
	const char *client_key, *server_key, *common_iv, *client_nonce, *server_nonce;
} derivations[] = {
	{"C.1 (OSC-04)",
		{10, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", NULL},
		"8540f60a634b657910", "854101f60a634b657910", "8540f60a6249560d",
		"f0910ed7295e6ad4b54fc793154302ff", "ffb14e093c94c9cac9471648b4f98710",
		"4622d4dd6d944168eefb54987c", "4622d4dd6d944168eefb54987c",
		"4722d4dd6d944169eefb54987c"},
	{"C.2", {10, "0102030405060708090a0b0c0d0e0f10", "", "00", "01", NULL},
		"854100f60a634b657910", "854101f60a634b657910", "8540f60a6249560d",
		"321b26943253c7ffb6003b0b64d74041", "e57b5635815177cd679ab4bcec9d7dda",
		"be35ae297d2dace910c52e99f9", "bf35ae297d2dace910c52e99f9",
		"bf35ae297d2dace810c52e99f9"},
	{"C.3",
		{10, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01",
			"37cbf3210017a2d3"},
		"85404837cbf3210017a2d30a634b657910", "8541014837cbf3210017a2d30a634b657910",
		"85404837cbf3210017a2d30a6249560d", "af2a1300a5e95788b356336eeecd2b92",
		"e39a0c7c77b43f03b4b39ab9a268699f", "2ca58fb85ff1b81c0b7181b85e",
		"2ca58fb85ff1b81c0b7181b85e", "2da58fb85ff1b81d0b7181b85e"},
};

static const struct message {
	const char *what;
	size_t context; /* of derivations */
	bool request;
	const char *unprotected;
	uint64_t number;
	const char *piv; /* NULL: the request's nonce */
	const char *request_kid, *request_piv, *aad, *plaintext, *nonce, *option, *ciphertext;
	const char *protected;
} messages[] = {
	{"C.4 (OSC-05)", 0, true, "44015d1f00003974396c6f63616c686f737483747631", 20, "14", "",
		"14", "8368456e63727970743040488501810a40411440", "01b3747631",
		"4622d4dd6d944168eefb549868", "0914", "612f1092f1776f1c1668b3825e",
		"44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e"},
	{"C.5", 1, true, "440171c30000b932396c6f63616c686f737483747631", 20, "14", "00", "14",
		"8368456e63727970743040498501810a4100411440", "01b3747631",
		"bf35ae297d2dace910c52e99ed", "091400", "4ed339a5a379b0b8bc731fffb0",
		"440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0"},
	{"C.6", 2, true, "44012f8eef9bbf7a396c6f63616c686f737483747631", 20, "14", "", "14",
		"8368456e63727970743040488501810a40411440", "01b3747631",
		"2ca58fb85ff1b81c0b7181b84a", "19140837cbf3210017a2d3",
		"72cd7273fd331ac45cffbe55c3",
		"44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cff"
		"be55c3"},
	{"C.7", 0, false, "64455d1f00003974ff48656c6c6f20576f726c6421", 0, NULL, "", "14",
		"8368456e63727970743040488501810a40411440", "45ff48656c6c6f20576f726c6421",
		"4622d4dd6d944168eefb549868", "", "dbaad1e9a7e7b2a813d3c31524378303cdafae119106",
		"64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106"},
	{"C.8", 0, false, "64455d1f00003974ff48656c6c6f20576f726c6421", 0, "00", "", "14",
		"8368456e63727970743040488501810a40411440", "45ff48656c6c6f20576f726c6421",
		"4722d4dd6d944169eefb54987c", "0100",
		"4d4c13669384b67354b2b6175ff4b8658c666a6cf88e",
		"64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e"},
};

/* Not published: computed with Python's cryptography package, for the AEADs without RFC vectors. */
static const struct other {
	const char *what;
	struct fx_inputs in;
	const char *client_key, *server_key, *common_iv, *nonce, *aad, *ciphertext;
} others[] = {
	{"A128GCM", {1, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"dc6f2a0638419b48a511e0fea933f392", "a57918b1b1e153325c2696f9fe26fa14",
		"18e102041155706c199c561a", "19e102041155da6c199c560e",
		"8368456e63727970743040498501810141aa411440",
		"7e073a8a9f171a95fc38cd309ad1002c11b5ab929b"},
	{"A192GCM", {2, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"b6467975983a8ae6653f1eba8abafc373fe242070cb53ced",
		"e43133821d4c136d6298d0dcb1debd8633cdfce47d0f236b", "c8e1857b04daada7267bfe07",
		"c9e1857b04da07a7267bfe13", "8368456e63727970743040498501810241aa411440",
		"7ea1a3b7238ade3835b30ac28b451f8ef064cb6df6"},
	{"A256GCM", {3, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"98f15e972f4565368a55b9193f018f25f98e0c37c4e1f715cd463c783b02a3dc",
		"bd8d3ce647d24408ed8a4e9d14c629bf40738ec69786d2b87c34a8454a7983c2",
		"15ac68bccb2d1b049219393b", "14ac68bccb2db1049219392f",
		"8368456e63727970743040498501810341aa411440",
		"194b2e8dc0f3a2dd2375802e46a0246f8b70db1165"},
	{"AES-CCM-16-64-128",
		{10, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"dbab41f8bff5ed5dd9070f223e1e6410", "ffb14e093c94c9cac9471648b4f98710",
		"4622d4dd6d944168eefb54987c", "4722d4dd6d9441c2eefb549868",
		"8368456e63727970743040498501810a41aa411440", "d793b9415e3ea748e9bbebc7e7"},
	{"AES-CCM-16-64-256",
		{11, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"45c425792da2daa9d68d7b55a8f5f828447484e975ff83f339c72d9623817b2f",
		"9fb4c4ef522fae928e66e1d9a566aaed27c97df003f2bb407d114db078cc3eb1",
		"9b0c16244eff0bdf6b69ae6fc4", "9a0c16244eff0b756b69ae6fd0",
		"8368456e63727970743040498501810b41aa411440", "1ccede801bb2eeed395b21ea72"},
	{"AES-CCM-64-64-128",
		{12, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", NULL},
		"2766060dcdf440eee64965fe60d3c1a6", "cc72076f97d0991bc569bf1cd3e67a76",
		"05f3cb97cd4bed", "05f3cb97cd4bf9", "8368456e63727970743040488501810c40411440",
		"1a08d7c8250a999eb5425a454b"},
	{"AES-CCM-64-64-256",
		{13, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", NULL},
		"e94b63d6c4bbb7af7c8e0a9e2202a36e7deac6e8c617e7b5a2cae6940e4ad00e",
		"d4f67f95317df5ce5f0bd0051b2c42e8ce7e8ed9cf0def8308cb97784895f742",
		"622eba33b62644", "622eba33b62650", "8368456e63727970743040488501810d40411440",
		"8a39cf8e6f3d93ece970fdf696"},
	{"ChaCha20/Poly1305",
		{24, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"cf58237795c1c78594cb74d7a8463a864a4751f888eb2bb69547e053fe21fa8e",
		"32882a1c6190308438ec98e6a932f020708f3739dfe46d77989b039b1ffc1cac",
		"64f0bd314d4be03c270c2b1c", "65f0bd314d4b4a3c270c2b08",
		"8368456e637279707430404a850181181841aa411440",
		"d5320d87a30753dca1f012cc33b045ec7bc73142be"},
	{"AES-CCM-16-128-128",
		{30, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"a7955234379c0796bdab5247e56a060a", "5ec80968acecc5fb714e57834c2e1f5e",
		"bbc0ff1df379d836ecb104bfe8", "bac0ff1df379d89cecb104bffc",
		"8368456e637279707430404a850181181e41aa411440",
		"7163f3741c2ad178fa992dcc40677384c695ef2c48"},
	{"AES-CCM-16-128-256",
		{31, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", NULL},
		"526ce4cd301b4cbc216b718c0cb399a91ec1ad5e5d92078af19f82b2f21aa96f",
		"5cb5b836f066286e1d2a5486232285cef370bb835af43c404f9c03a952d7d81f",
		"bf5e4b36df72fa8c282b90ead6", "be5e4b36df72fa26282b90eac2",
		"8368456e637279707430404a850181181f41aa411440",
		"2fe5667486d1096d00ee3ce4c82f626c1cfd4caa11"},
	{"AES-CCM-64-128-128",
		{32, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", NULL},
		"d4a3d19eb87b429ce47d64d9de4a9027", "270c4c3f16334043af1ae3dbd3adea7f",
		"17e0aa451fc4a2", "17e0aa451fc4b6", "8368456e6372797074304049850181182040411440",
		"7a14f4e0064774a0015e6710221e76954e8bfa6aa2"},
	{"AES-CCM-64-128-256",
		{33, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", NULL},
		"5b428b8f20860a29901120a839249133762386c2452c7650c7622e04ccfc7ecc",
		"7618dfef153a3170601de0592314e449684d425e62113790b0d5be45fc2b8775",
		"a3eaff6e448041", "a3eaff6e448055", "8368456e6372797074304049850181182140411440",
		"94b3eaf07dcc5947d223a99b7bf9a0285339754d45"},
};

/* The info array of the RFC, through HKDF alone, gives the key of the RFC; osc_derive gives the
 * same, so it made that array. */
static void check_info(struct osc_crypto *c, const struct fx_inputs *in, const char *info,
	const char *want, const char *what)
{
	uint8_t out[OSC_KEY_MAX];
	struct span expected = test_hex(want);

	CHECK(osc_hkdf(c, ALG_HKDF_SHA256, test_hex(in->salt), test_hex(in->secret), test_hex(info),
		      out, expected.n) == ERR_OK,
		what);
	CHECK_BYTES(((struct span){out, expected.n}), expected, what);
}

static void check_nonce(const struct osc_keys *k, const struct osc_id *owner, uint64_t number,
	const char *want, const char *what)
{
	uint8_t nonce[OSC_NONCE_MAX];
	struct span expected = test_hex(want);
	struct osc_piv piv;

	osc_piv_set(&piv, number);
	osc_nonce(k, owner, &piv, nonce);
	CHECK_BYTES(((struct span){nonce, expected.n}), expected, what);
}

static void check_keys(const struct osc_keys *k, const char *sender_key, const char *recipient_key,
	const char *common_iv, const char *what)
{
	struct span sender = test_hex(sender_key), recipient = test_hex(recipient_key);
	struct span iv = test_hex(common_iv);

	CHECK_BYTES(((struct span){k->sender_key, sender.n}), sender, what);
	CHECK_BYTES(((struct span){k->recipient_key, recipient.n}), recipient, what);
	CHECK_BYTES(((struct span){k->common_iv, iv.n}), iv, what);
}

/* Proves: 8613-5.2-1 8613-C-1 8613-C-2 8613-C-3 */
static void test_derivations(struct osc_crypto *c)
{
	for (size_t i = 0; i < sizeof(derivations) / sizeof(derivations[0]); i++) {
		const struct derivation *d = &derivations[i];
		struct osc_keys client = fx_keys(c, &d->in, true);
		struct osc_keys server = fx_keys(c, &d->in, false);
		check_keys(&client, d->client_key, d->server_key, d->common_iv, d->what);
		check_keys(&server, d->server_key, d->client_key, d->common_iv, d->what);
		CHECK_BYTES(osc_id_span(&client.sender_id), test_hex(d->in.client_id), d->what);
		CHECK_BYTES(osc_id_span(&client.recipient_id), test_hex(d->in.server_id), d->what);
		check_info(c, &d->in, d->info_client, d->client_key, d->what);
		check_info(c, &d->in, d->info_server, d->server_key, d->what);
		check_info(c, &d->in, d->info_iv, d->common_iv, d->what);
		check_nonce(&client, &client.sender_id, 0, d->client_nonce, d->what);
		check_nonce(&client, &client.recipient_id, 0, d->server_nonce, d->what);
	}
}

static struct osc_binding binding_of(const struct message *m)
{
	struct osc_binding b = {.observe = false};
	struct span piv = test_hex(m->request_piv);

	REQUIRE(osc_id_set(&b.kid, test_hex(m->request_kid)) == ERR_OK, m->what);
	b.piv.n = (uint8_t)piv.n;
	memcpy(b.piv.p, piv.p, piv.n);
	return b;
}

static void check_aad(
	const struct osc_keys *k, const struct osc_binding *b, const char *want, const char *what)
{
	uint8_t buf[64];
	struct writer w = wr_make(buf, sizeof(buf));

	osc_aad(k, b, &w);
	CHECK_BYTES(wr_span(&w), test_hex(want), what);
}

/* AAD, nonce and ciphertext from the values of the RFC alone. */
static void check_parts(struct osc_crypto *c, const struct message *m, const struct osc_keys *from)
{
	struct osc_binding b = binding_of(m);
	struct osc_piv piv;
	uint8_t nonce[OSC_NONCE_MAX], out[128];

	check_aad(from, &b, m->aad, m->what);
	osc_piv_set(&piv, m->number);
	osc_nonce(from, m->piv ? &from->sender_id : &b.kid, m->piv ? &piv : &b.piv, nonce);
	CHECK_BYTES(SPAN_OF(nonce), test_hex(m->nonce), m->what);
	struct span plaintext = test_hex(m->plaintext), want = test_hex(m->ciphertext);
	CHECK(osc_seal(c, osc_aead_info(10), from->sender_key, nonce, test_hex(m->aad), plaintext,
		      out) == ERR_OK,
		m->what);
	CHECK_BYTES(((struct span){out, plaintext.n + 8}), want, m->what);
}

static void check_protect(
	struct osc_crypto *c, const struct message *m, const struct osc_keys *from)
{
	const struct fx_inputs *in = &derivations[m->context].in;
	struct span kid_context = in->id_context ? test_hex(in->id_context) : SPAN_EMPTY;
	struct osc_binding want = binding_of(m), b = want;
	uint8_t buf[256], sent[256];
	struct writer w = wr_make(buf, sizeof(buf)), datagram = wr_make(sent, sizeof(sent));
	struct msg plain, out;
	enum err err;

	REQUIRE(msg_parse_udp(test_hex(m->unprotected), &plain) == ERR_OK, m->what);
	if (m->request)
		err = osc_protect_request(c, from, m->number, in->id_context ? &kid_context : NULL,
			&plain, &w, &out, &b);
	else
		err = osc_protect_response(
			c, from, &b, m->piv ? &m->number : NULL, &plain, &w, &out);
	CHECK(err == ERR_OK, m->what);
	CHECK(span_eq(osc_id_span(&b.kid), osc_id_span(&want.kid)) &&
			osc_piv_number(&b.piv) == osc_piv_number(&want.piv) &&
			b.piv.n == want.piv.n,
		m->what);
	CHECK_BYTES(msg_find(&out, OPT_OSCORE)->val, test_hex(m->option), m->what);
	CHECK_BYTES(out.payload, test_hex(m->ciphertext), m->what);
	CHECK(msg_encode_udp(&out, &datagram) == ERR_OK, m->what);
	CHECK_BYTES(wr_span(&datagram), test_hex(m->protected), m->what);
}

static void check_unprotect(
	struct osc_crypto *c, const struct message *m, const struct osc_keys *to)
{
	struct osc_binding want = binding_of(m), b = want;
	struct osc_option opt;
	uint8_t buf[256], clear[256];
	struct writer w = wr_make(buf, sizeof(buf)), datagram = wr_make(clear, sizeof(clear));
	struct msg plain, outer;
	uint64_t number = UINT64_MAX;
	enum err err;

	REQUIRE(msg_parse_udp(test_hex(m->protected), &outer) == ERR_OK, m->what);
	REQUIRE(osc_option_of(&outer, &opt) == ERR_OK, m->what);
	if (m->request)
		err = osc_unprotect_request(c, to, &opt, &outer, &w, &plain, &b);
	else
		err = osc_unprotect_response(c, to, &b, &outer, &w, &plain, &number);
	CHECK(err == ERR_OK, m->what);
	CHECK(m->request || number == (m->piv ? m->number : UINT64_MAX), m->what);
	CHECK(b.piv.n == want.piv.n && osc_piv_number(&b.piv) == osc_piv_number(&want.piv),
		m->what);
	CHECK(msg_encode_udp(&plain, &datagram) == ERR_OK, m->what);
	CHECK_BYTES(wr_span(&datagram), test_hex(m->unprotected), m->what);
}

/* Proves: 8613-4.1.2-2 8613-4.2-1 8613-4.2-2 8613-4.2-7 8613-5-1 8613-5-2 8613-5-4 8613-5-5
 * 8613-5-6 8613-5.3-1 8613-5.4-1 8613-5.4-2 8613-6.1-2 8613-6.2-1 8613-8.1-2 8613-8.1-4 8613-8.1-5
 * 8613-8.3-3 8613-8.3-4 8613-8.3-5 8613-8.4-3 8613-8.4-4 8613-C-4 8613-C-5 8613-C-6 8613-C-7
 * 8613-C-8 */
static void test_messages(struct osc_crypto *c)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const struct message *m = &messages[i];
		const struct fx_inputs *in = &derivations[m->context].in;
		struct osc_keys client = fx_keys(c, in, true), server = fx_keys(c, in, false);
		check_parts(c, m, m->request ? &client : &server);
		check_protect(c, m, m->request ? &client : &server);
		check_unprotect(c, m, m->request ? &server : &client);
	}
}

static void test_others(struct osc_crypto *c)
{
	/* test_hex gives its buffers again after eight calls */
	static const uint8_t text[] = {0x01, 0xb3, 0x74, 0x76, 0x31};
	struct span plaintext = SPAN_OF(text);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct other *o = &others[i];
		const struct osc_aead_info *a = osc_aead_info(o->in.aead);
		struct osc_keys client = fx_keys(c, &o->in, true),
				server = fx_keys(c, &o->in, false);
		struct osc_binding b = {.kid = client.sender_id, .piv = {1, {0x14}}};
		uint8_t nonce[OSC_NONCE_MAX], out[64], back[64];
		REQUIRE(a != NULL, o->what);
		CHECK(span_eq_str(span_str(alg_aead_name(a->cose)), o->what), o->what);
		check_keys(&client, o->client_key, o->server_key, o->common_iv, o->what);
		check_aad(&client, &b, o->aad, o->what);
		check_nonce(&client, &client.sender_id, 0x14, o->nonce, o->what);
		osc_nonce(&client, &client.sender_id, &b.piv, nonce);
		CHECK(osc_seal(c, a, client.sender_key, nonce, test_hex(o->aad), plaintext, out) ==
				ERR_OK,
			o->what);
		struct span sealed = {out, plaintext.n + a->tag_n};
		CHECK_BYTES(sealed, test_hex(o->ciphertext), o->what);
		CHECK(osc_open(c, a, server.recipient_key, nonce, test_hex(o->aad), sealed, back) ==
				ERR_OK,
			o->what);
		CHECK_BYTES(((struct span){back, plaintext.n}), plaintext, o->what);
	}
}

/* Section 5.4: "request_kid is 0x00, request_piv is 0x25". */
static void test_aad(struct osc_crypto *c)
{
	struct osc_keys k = fx_keys(c, &fx_c1, true);
	struct osc_binding b = {.kid = {1, {0x00}}, .piv = {1, {0x25}}};

	check_aad(&k, &b, "8368456e63727970743040498501810a4100412540", "5.4 example");
}

/* The procedure of Appendix B.2 as libcoap 4.3.5 spoke it. The ID Context is raw in the derivation
 * and a CBOR byte string in the option. */
static const struct fx_inputs b2_first = {
	10, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "aa", "01", "1112131415161718"};
static const struct fx_inputs b2_answer = {10, "0102030405060708090a0b0c0d0e0f10",
	"9e7ca92223786340", "aa", "01", "b4d52270e92d6a731112131415161718"};
static const struct fx_inputs b2_second = {10, "0102030405060708090a0b0c0d0e0f10",
	"9e7ca92223786340", "aa", "01", "b4d52270e92d6a733132333435363738"};

static void check_b2_request(struct osc_crypto *c, const struct osc_keys *k,
	const char *kid_context, const char *option, const char *payload, struct osc_binding *b)
{
	uint8_t buf[128];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg plain = fx_msg(MSG_GET), out;
	struct span context = test_hex(kid_context);

	fx_add(&plain, OPT_URI_PATH, SPAN_LIT("time"));
	CHECK(osc_protect_request(c, k, 0, &context, &plain, &w, &out, b) == ERR_OK, option);
	CHECK_BYTES(msg_find(&out, OPT_OSCORE)->val, test_hex(option), "B.2 request");
	CHECK_BYTES(out.payload, test_hex(payload), "B.2 request");
}

static void check_b2_response(struct osc_crypto *c, const struct osc_keys *k,
	const struct osc_binding *b, const char *option, const char *payload, const char *plaintext)
{
	uint8_t buf[128], inner[128];
	struct writer w = wr_make(buf, sizeof(buf)), encoded = wr_make(inner, sizeof(inner));
	struct msg plain, outer = fx_msg(MSG_CHANGED);
	uint64_t number;

	fx_add(&outer, OPT_OSCORE, test_hex(option));
	outer.payload = test_hex(payload);
	CHECK(osc_unprotect_response(c, k, b, &outer, &w, &plain, &number) == ERR_OK, option);
	CHECK(number == UINT64_MAX, "B.2 response without Partial IV");
	CHECK(msg_encode_inner(&plain, &encoded) == ERR_OK, "B.2 response");
	CHECK_BYTES(wr_span(&encoded), test_hex(plaintext), "B.2 response");
}

static void test_b2(struct osc_crypto *c)
{
	struct osc_keys first = fx_keys(c, &b2_first, true);
	struct osc_keys answer = fx_keys(c, &b2_answer, true);
	struct osc_keys second = fx_keys(c, &b2_second, true);
	struct osc_binding b;

	check_keys(&first, "c237d23d33e6226f43e14cd05313b09c", "3cba78ff30970ed32057a07c275ba766",
		"1b6972d3347bf9938e5f22f0df", "B.2 request 1");
	check_keys(&second, "8d988a8b491a2a6b807981c55fee2d9b", "6bceb2658e0f7487385ceca5795f61b8",
		"7f0fc8b70ba0a6be7704554db6", "B.2 request 2");
	check_b2_request(c, &first, "481112131415161718", "190009481112131415161718aa",
		"b1e2b483c2b4046761272116689d", &b);
	/* response 1: new keys, but literally the nonce of request 1, so the older Common IV */
	memcpy(answer.common_iv, first.common_iv, sizeof(answer.common_iv));
	check_b2_response(c, &answer, &b, "100948b4d52270e92d6a73", "5d893d2add4420325e", "81");
	check_b2_request(c, &second, "50b4d52270e92d6a733132333435363738",
		"19001150b4d52270e92d6a733132333435363738aa", "20246cc8a203c01ba0c0d4338923", &b);
	check_b2_response(c, &second, &b, "",
		"23628d9061b9257fb530a418b8c2e9716eef0806b9f0e6e024b3e416",
		"45c02101ff4e6f762032342030323a34373a3230");
}

int main(void)
{
	struct osc_crypto *c = fx_crypto();

	test_derivations(c);
	test_messages(c);
	test_others(c);
	test_aad(c);
	test_b2(c);
	osc_crypto_free(c);
	return test_done();
}
