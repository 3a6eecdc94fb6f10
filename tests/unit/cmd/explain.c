/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason that explain and status can tell, by something that really is refused for it. */
#include "tests/unit/cmd/sim_craft.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;
static struct craft craft;
static struct sim_result result;
static struct msg m, answer;

#define GOOD  "lt=60&lwm2m=1.1"
#define LINKS "</1/0>,</3/0>"

/* ---- who asks */

static void open_plain(struct sim *s)
{
	s->cfg.listen[SIM_SERVER].nosec = true;
	sim_open(s);
}

static void open_server(struct sim *s)
{
	sim_open(s);
	craft_open(&craft, s, DEV_ROLE_SERVER);
}

static void open_bootstrap(struct sim *s)
{
	sim_open(s);
	craft_open(&craft, s, DEV_ROLE_BOOTSTRAP);
}

/* Its freshness is proved, and it is registered; what that noted is not counted below. */
static void open_registered(struct sim *s)
{
	open_server(s);
	craft_register(&m, GOOD, LINKS);
	REQUIRE(craft_ask_fresh(&craft, &m, &answer) == MSG_CREATED, "Register");
}

static void open_channel(struct sim *s)
{
	static struct sim_result r;
	sim_open(s);
	struct adm_ops ops = sim_ops(s, &r);
	ops.psk_put(ops.arg, SPAN_LIT("crafted"),
		&(struct adm_psk){false, SPAN_LIT("me"), SPAN_LIT("0123456789abcdef")}, sim_on_done,
		&r);
	REQUIRE(sim_await(s, &r, 10000) == 201, "a PSK");
}

static void open_strict(struct sim *s)
{
	s->cfg.listen[SIM_SERVER].require = CFG_REQUIRE_OSCORE;
	open_channel(s);
}

/* ---- how it is refused. Each returns whether the answer is the right one. */

static bool raw(struct sim *s, const char *hex, uint8_t code)
{
	struct peer from = sim_peer_of(100, 5683, SIM_SERVER);
	bool told = sim_inject(s, &from, test_hex(hex), &answer);
	return (told ? answer.code : 0) == code;
}

static uint64_t mark_of(struct sim *s)
{
	struct channel_psk psk = {0};
	REQUIRE(core_psk(s->core, SIM_SERVER, SPAN_LIT("me"), &psk), "it is known");
	return psk.mark;
}

/* By a credential, or with a certificate in which that endpoint is named. */
static bool fails(struct sim *s, enum channel_fault why, uint64_t mark, const char *name)
{
	struct peer from = sim_peer_of(100, 5684, SIM_SERVER);
	struct channel_failure f = {why, mark, span_str(name)};
	sim_time(s);
	(void)core_channel_failed(s->core, &from, &f);
	sim_turn(s);
	return s->core->x != NULL;
}

static bool psk_identity(struct sim *s)
{
	struct channel_psk psk;
	return !core_psk(s->core, SIM_SERVER, SPAN_LIT("you"), &psk) &&
	       fails(s, CHANNEL_FAULT_IDENTITY, 0, "");
}

static bool psk_key(struct sim *s)
{
	return fails(s, CHANNEL_FAULT_KEY, mark_of(s), "");
}

#define HANDSHAKE(what, fault, name)                                                               \
	static bool what(struct sim *s)                                                            \
	{                                                                                          \
		return fails(s, fault, 0, name);                                                   \
	}
HANDSHAKE(bad_handshake, CHANNEL_FAULT_OFFER, "")
HANDSHAKE(certificate_missing, CHANNEL_FAULT_MISSING, "")
HANDSHAKE(certificate_issuer, CHANNEL_FAULT_ISSUER, "crafted")
HANDSHAKE(certificate_time, CHANNEL_FAULT_TIME, "crafted")
HANDSHAKE(certificate_revoked, CHANNEL_FAULT_REVOKED, "crafted")
HANDSHAKE(certificate_crl, CHANNEL_FAULT_CRL, "crafted")
HANDSHAKE(certificate_weak, CHANNEL_FAULT_WEAK, "crafted")
HANDSHAKE(certificate_name, CHANNEL_FAULT_NAME, "ghost")
HANDSHAKE(certificate_other, CHANNEL_FAULT_OTHER, "crafted")
HANDSHAKE(unknown_key, CHANNEL_FAULT_RAW_KEY, "")

static uint8_t by_channel(struct sim *s, uint64_t mark)
{
	struct plain r = {.listener = SIM_SERVER,
		.code = MSG_POST,
		.path = "rd",
		.query = GOOD,
		.payload = SPAN_LIT(LINKS),
		.channel = true,
		.mark = mark};
	return plain_send(s, &r, &answer);
}

static bool credential_gone(struct sim *s)
{
	return by_channel(s, mark_of(s) + 1) == MSG_UNAUTHORIZED;
}

static bool weak(struct sim *s)
{
	return by_channel(s, mark_of(s)) == MSG_UNAUTHORIZED;
}

static bool malformed(struct sim *s)
{
	return raw(s, "16feff0000000000000000", 0);
}

static bool proxying(struct sim *s)
{
	return raw(s,
		"40010001d3166162"
		"63",
		MSG_CODE(5, 5));
}

static bool ask(uint8_t code, const char *path, const char *query, uint8_t want)
{
	craft_request(&m, code, path, query);
	return craft_ask_fresh(&craft, &m, &answer) == want;
}

static bool unknown_option(struct sim *s)
{
	(void)s;
	craft_register(&m, GOOD, LINKS);
	REQUIRE(msg_add(&m, 65001, SPAN_LIT("x")) == ERR_OK, "an option");
	return craft_ask_fresh(&craft, &m, &answer) == MSG_BAD_OPTION;
}

static bool block(struct block b, size_t n, uint8_t want)
{
	static uint8_t body[1024];
	craft_register(&m, GOOD, LINKS);
	REQUIRE(block_add(&m, OPT_BLOCK1, b) == ERR_OK, "a block");
	m.payload = span_make(body, n);
	return craft_ask_fresh(&craft, &m, &answer) == want;
}

static bool bad_block(struct sim *s)
{
	(void)s;
	craft_register(&m, GOOD, LINKS);
	REQUIRE(msg_add(&m, OPT_BLOCK1, SPAN_LIT("\x07")) == ERR_OK, "a block of no size");
	return craft_ask_fresh(&craft, &m, &answer) == MSG_BAD_OPTION;
}

static bool body_incomplete(struct sim *s)
{
	(void)s;
	return block((struct block){.num = 1, .szx = 2}, 64, MSG_REQUEST_ENTITY_INCOMPLETE);
}

static bool body_too_large(struct sim *s)
{
	(void)s;
	return block((struct block){.more = true, .szx = 6}, 1024, MSG_CONTINUE) &&
	       block((struct block){.num = 1, .szx = 6}, 1024, MSG_TOO_LARGE);
}

static bool no_path(struct sim *s)
{
	(void)s;
	return ask(MSG_POST, "bs", "", MSG_NOT_FOUND);
}

static bool method(struct sim *s)
{
	(void)s;
	return ask(MSG_PUT, "rd", "", MSG_METHOD_NOT_ALLOWED);
}

static bool oscore_option(struct sim *s)
{
	return raw(s, "4002000191e0ff00", MSG_BAD_OPTION);
}

static bool no_context(struct sim *s)
{
	return raw(s, "400200019409006e6fff00112233445566778899", MSG_UNAUTHORIZED);
}

static bool id_context(struct sim *s)
{
	struct span other = SPAN_LIT("other");
	(void)s;
	craft_register(&m, GOOD, LINKS);
	return craft_give(&craft, craft_seal(&craft, &m, &other), &answer) == MSG_UNAUTHORIZED;
}

/* A request with the number of the last one, which is not the same datagram. */
static uint8_t number_again(void)
{
	craft.piv--;
	craft_register(&m, GOOD, LINKS);
	return craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
}

static bool replay(struct sim *s)
{
	(void)s;
	return number_again() == MSG_UNAUTHORIZED;
}

static bool old_number(struct sim *s)
{
	sim_crash(s);
	return number_again() == 0;
}

static bool decrypt(struct sim *s)
{
	(void)s;
	craft.keys.sender_key[0] ^= 1;
	craft_register(&m, GOOD, LINKS);
	return craft_give(&craft, craft_seal(&craft, &m, NULL), &answer) == MSG_BAD_REQUEST;
}

/* A request that holds a response. */
static bool plaintext(struct sim *s)
{
	const struct osc_aead_info *a = osc_aead_info(craft.keys.aead);
	uint8_t nonce[OSC_NONCE_MAX], aad[128], sealed[1 + OSC_TAG_MAX];
	struct writer w = wr_make(aad, sizeof(aad));
	struct msg outer;
	craft_register(&m, GOOD, LINKS);
	craft_seal(&craft, &m, NULL);
	osc_nonce(&craft.keys, &craft.binding.kid, &craft.binding.piv, nonce);
	osc_aad(&craft.keys, &craft.binding, &w);
	REQUIRE(!msg_parse_udp(craft.sent, &outer) &&
			!osc_seal(s->crypto, a, craft.keys.sender_key, nonce, wr_span(&w),
				SPAN_LIT("\x45"), sealed),
		"a response is sealed");
	outer.payload = span_make(sealed, 1 + a->tag_n);
	uint8_t bytes[256];
	w = wr_make(bytes, sizeof(bytes));
	REQUIRE(msg_encode_udp(&outer, &w) == ERR_OK, "and sent");
	return craft_give(&craft, wr_span(&w), &answer) == MSG_CHANGED;
}

static bool role(struct sim *s)
{
	(void)s;
	craft.peer.listener = SIM_SERVER;
	craft_register(&m, GOOD, LINKS);
	return craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED;
}

static bool challenged(struct sim *s)
{
	(void)s;
	craft_register(&m, GOOD, LINKS);
	return craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED && msg_find(&answer, OPT_ECHO);
}

/* With [oscore] key_limit_stop: else some of what comes would be tried. */
static bool forgeries(struct sim *s)
{
	struct endpoint *e = ep_find(&s->core->dir, span_str("crafted"));
	s->core->dir.failures_stop = true;
	e->contexts->auth_failures = 1 << 14;
	craft_register(&m, GOOD, LINKS);
	return craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED && !msg_find(&answer, OPT_ECHO);
}

static bool key_limit(struct sim *s)
{
	struct endpoint *e = ep_find(&s->core->dir, span_str("crafted"));
	osc_window_seal(&e->contexts->window, (1 << 20) - 1);
	craft.piv = 1 << 20;
	craft_register(&m, GOOD, LINKS);
	return craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED && !msg_find(&answer, OPT_ECHO) &&
	       span_eq_str(answer.payload, "Key limit reached");
}

static void open_offering(struct sim *s)
{
	s->cfg.freshness = 3; /* b2 */
	open_server(s);
}

/* New keys, which nobody takes: an answer with a kid context. */
static bool offered(struct sim *s)
{
	struct msg got;
	struct osc_option o;
	craft_register(&m, GOOD, LINKS);
	(void)craft_ask(&craft, &m, &answer);
	sim_run(s, 10); /* the secret is read first */
	return !msg_parse_udp(span_make(s->last, s->last_n), &got) && !osc_option_of(&got, &o) &&
	       o.has_kid_context;
}

static bool no_registers(
	struct sim *s, bool up, unsigned dev, uint16_t listener, struct span datagram)
{
	(void)s, (void)dev, (void)datagram;
	return up && listener == SIM_SERVER;
}

static bool acknowledged(const struct sim *s)
{
	const struct endpoint *e = sim_endpoint(s, 0);
	return ep_context_newest(e, REC_ROLE_SERVER, REC_GEN_ACKNOWLEDGED) != NULL;
}

/* Keys that a bootstrap gave it, and no Echo. */
static bool no_echo(struct sim *s)
{
	sim_provision(s, DEV_ROLE_BOOTSTRAP);
	s->tap = no_registers;
	REQUIRE(sim_until(s, acknowledged, 60000), "bootstrapped");
	craft_keys(&craft, s, "dev-000000", REC_ROLE_SERVER);
	craft_register(&m, GOOD, LINKS);
	return craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED &&
	       craft_ask(&craft, &m, &answer) == MSG_CREATED;
}

static bool nosec(struct sim *s)
{
	return plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", "ep=crafted&" GOOD, &answer) ==
	       MSG_UNAUTHORIZED;
}

/* A piece of a request, without the first. */
static bool proxy_blocks(struct sim *s)
{
	uint8_t bytes[256];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct msg piece;
	(void)s;
	craft_register(&m, GOOD, LINKS);
	REQUIRE(!msg_parse_udp(craft_seal(&craft, &m, NULL), &piece) &&
			!block_add(&piece, OPT_BLOCK1, (struct block){1, false, 6}) &&
			!msg_encode_udp(&piece, &w),
		"a piece");
	return craft_give(&craft, wr_span(&w), &answer) == MSG_REQUEST_ENTITY_INCOMPLETE;
}

static bool registers(const char *query, const char *list, uint8_t want)
{
	craft_register(&m, query, list);
	return craft_ask_fresh(&craft, &m, &answer) == want;
}

static bool ep_mismatch(struct sim *s)
{
	(void)s;
	return registers("ep=another&" GOOD, LINKS, MSG_BAD_REQUEST);
}

static bool ep_missing(struct sim *s)
{
	return plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", GOOD, &answer) == MSG_BAD_REQUEST;
}

static bool parameters(struct sim *s)
{
	(void)s;
	return registers("lt=soon&lwm2m=1.1", LINKS, MSG_BAD_REQUEST);
}

static bool version(struct sim *s)
{
	(void)s;
	return registers("lt=60&lwm2m=9.9", LINKS, MSG_PRECONDITION_FAILED);
}

static bool no_lifetime(struct sim *s)
{
	(void)s;
	return registers("lwm2m=1.1", LINKS, MSG_BAD_REQUEST);
}

static bool list_format(struct sim *s)
{
	(void)s;
	craft_request(&m, MSG_POST, "rd", GOOD);
	REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_TLV) == ERR_OK, "format");
	m.payload = SPAN_LIT(LINKS);
	return craft_ask_fresh(&craft, &m, &answer) == MSG_BAD_REQUEST;
}

static bool no_list(struct sim *s)
{
	(void)s;
	return registers(GOOD, "", MSG_BAD_REQUEST);
}

static bool bad_list(struct sim *s)
{
	(void)s;
	return registers(GOOD, "</1/0>,</3", MSG_BAD_REQUEST);
}

/* One object more than can be kept, in blocks. */
static bool list_too_large(struct sim *s)
{
	static char list[32 << 10];
	size_t n = 0;
	uint8_t code = MSG_CONTINUE;
	(void)s;
	for (unsigned i = 0; i < LWM_LIST_MAX + 1; i++)
		n += (size_t)snprintf(
			list + n, sizeof(list) - n, i ? ",</%u>" : "</%u>", 60000 + i);
	for (uint32_t i = 0; code == MSG_CONTINUE; i++) {
		struct block b = {.num = i, .szx = 6};
		craft_register(&m, GOOD, LINKS);
		REQUIRE(!block_cut(span_make(list, n), &b, &m.payload) &&
				!block_add(&m, OPT_BLOCK1, b),
			"a block");
		code = craft_ask_fresh(&craft, &m, &answer);
	}
	return code == MSG_TOO_LARGE;
}

static bool no_registration(struct sim *s)
{
	(void)s;
	return ask(MSG_POST, "rd/gone", "", MSG_NOT_FOUND);
}

static bool send(const char *payload, uint8_t want)
{
	msg_init(&m, MSG_CON, MSG_POST);
	REQUIRE(msg_add(&m, OPT_URI_PATH, SPAN_LIT("dp")) == ERR_OK &&
			msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_SENML_JSON) == ERR_OK,
		"a Send");
	m.payload = span_str(payload);
	return craft_ask_fresh(&craft, &m, &answer) == want;
}

static bool send_unregistered(struct sim *s)
{
	(void)s;
	return send("[{\"n\":\"/3/0/9\",\"v\":80}]", MSG_BAD_REQUEST);
}

static bool send_payload(struct sim *s)
{
	(void)s;
	return send("[{\"n\":", MSG_BAD_REQUEST);
}

static bool send_unknown(struct sim *s)
{
	(void)s;
	return send("[{\"n\":\"/4711/0/9\",\"v\":80}]", MSG_NOT_FOUND);
}

/* ---- ours */

static bool unavailable(struct sim *s)
{
	return plain_ask(s, 1, SIM_SERVER, MSG_POST, "rd", "ep=x&" GOOD, &answer) ==
	       MSG_UNAVAILABLE;
}

static bool storage(struct sim *s)
{
	store_mem_fail(s->core->store, 1, ERR_FULL, false);
	plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", "ep=x&" GOOD, &answer);
	sim_run(s, 10);
	return s->core->failed == ERR_FULL && unavailable(s);
}

/* The database is put somewhere where no anchor is. */
static bool sealed(struct sim *s)
{
	struct core *old = s->core;
	struct store *store;
	sim_core_new(s, &s->core);
	REQUIRE(store_mem_restore(NULL, old->store, core_store_done, s->core, &store) == ERR_OK,
		"a copy");
	old->failed = ERR_IO;
	core_free(old);
	sim_core_start(s, store);
	return s->core->failed == ERR_SEALED && unavailable(s);
}

static bool overload(struct sim *s)
{
	s->core->dir.endpoints_max = 1;
	return plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", "ep=x&" GOOD, &answer) == MSG_CREATED &&
	       plain_ask(s, 1, SIM_SERVER, MSG_POST, "rd", "ep=y&" GOOD, &answer) ==
		       MSG_UNAVAILABLE;
}

/* ---- bootstrap */

static bool no_plan(struct sim *s)
{
	(void)s;
	return ask(MSG_POST, "bs", "", MSG_BAD_REQUEST);
}

static bool plan_format(struct sim *s)
{
	(void)s;
	return ask(MSG_POST, "bs", "pct=0", MSG_UNSUPPORTED_FORMAT);
}

static bool no_pack(struct sim *s)
{
	(void)s;
	craft_request(&m, MSG_GET, "bspack", "");
	REQUIRE(msg_add_uint(&m, OPT_ACCEPT, LWM_CF_TEXT) == ERR_OK, "Accept");
	return craft_ask_fresh(&craft, &m, &answer) == MSG_NOT_ACCEPTABLE;
}

/* It asks, and refuses what it is asked. */
static bool bootstrap_failed(struct sim *s)
{
	struct msg outer, asked;
	struct osc_binding b;
	(void)s;
	craft_request(&m, MSG_POST, "bs", "");
	REQUIRE(craft_ask(&craft, &m, &answer) == MSG_UNAUTHORIZED, "challenged");
	const struct opt *o = msg_find(&answer, OPT_ECHO);
	REQUIRE(o && msg_add(&m, OPT_ECHO, o->val) == ERR_OK, "Echo");
	craft_give(&craft, craft_seal(&craft, &m, NULL), &answer);
	for (int i = 0; i < 2; i++) { /* Discover and Finish */
		REQUIRE(craft_asked(&craft, &outer, &asked, &b), "asked");
		msg_init(&m, MSG_ACK, MSG_NOT_FOUND);
		craft_answer(&craft, &outer, &b, &m);
	}
	return true;
}

/* ---- answers */

static void read_begins(struct sim *s)
{
	struct adm_dm d = {.kind = ADM_READ,
		.endpoint = span_str("crafted"),
		.path = {.n = 3, .id = {3, 0, 0}},
		.content_format = -1};
	sim_dm_begin(s, &d, &result);
}

/* An answer without protection to the last request, or with nonsense for it. */
static bool answers_badly(
	struct sim *s, struct span oscore, const struct block *b, const struct peer *from)
{
	struct msg asked, none;
	uint8_t bytes[128];
	struct writer w = wr_make(bytes, sizeof(bytes));
	read_begins(s);
	REQUIRE(!msg_parse_udp(span_make(s->last, s->last_n), &asked), "asked");
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	m.mid = asked.mid;
	m.token_n = asked.token_n;
	memcpy(m.token, asked.token, sizeof(m.token));
	REQUIRE(!oscore.p || msg_add(&m, OPT_OSCORE, span_make(oscore.p, 0)) == ERR_OK, "option");
	REQUIRE(!b || block_add(&m, OPT_BLOCK2, *b) == ERR_OK, "block");
	m.payload = SPAN_LIT("0123456789abcdef");
	REQUIRE(msg_encode_udp(&m, &w) == ERR_OK, "an answer");
	sim_inject(s, from, wr_span(&w), &none);
	return !result.done;
}

static bool unprotected_answer(struct sim *s)
{
	return answers_badly(s, SPAN_EMPTY, NULL, &craft.peer);
}

static bool answer_decrypt(struct sim *s)
{
	return answers_badly(s, SPAN_LIT("x"), NULL, &craft.peer);
}

/* A piece of an answer, without the first. */
static bool answer_blocks(struct sim *s)
{
	struct block b = {.num = 1};
	return answers_badly(s, SPAN_LIT("x"), &b, &craft.peer);
}

static bool answer_option(struct sim *s)
{
	struct msg outer, asked;
	struct osc_binding b;
	read_begins(s);
	REQUIRE(craft_asked(&craft, &outer, &asked, &b), "asked");
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add(&m, 65001, SPAN_LIT("x")) == ERR_OK, "an option");
	craft_answer(&craft, &outer, &b, &m);
	return !result.done;
}

static bool answer_address(struct sim *s)
{
	struct peer other = sim_peer_of(101, 5683, SIM_SERVER);
	if (plain_ask(s, 0, SIM_SERVER, MSG_POST, "rd", "ep=crafted&" GOOD, &answer) != MSG_CREATED)
		return false;
	return answers_badly(s, SPAN_EMPTY, NULL, &other);
}

static bool no_answer(struct sim *s)
{
	read_begins(s);
	return sim_await(s, &result, 130000) == 504;
}

static bool exhausted(struct sim *s)
{
	struct dev_credentials k = sim_credentials(s, 1, DEV_ROLE_SERVER);
	struct adm_oscore o = sim_oscore_of(&k, DEV_ROLE_SERVER);
	REQUIRE(sim_put_oscore(s, "crafted", &o, &result) == 201, "provisioned");
	s->core->dir.ssn_end = 1; /* one number is left */
	craft_keys(&craft, s, "crafted", REC_ROLE_SERVER);
	craft_register(&m, GOOD, LINKS);
	if (craft_ask_fresh(&craft, &m, &answer) != MSG_CREATED)
		return false;
	read_begins(s);
	return sim_await(s, &result, 1000) >= 500;
}

static bool too_long(struct sim *s)
{
	read_begins(s);
	return sim_await(s, &result, 1000) >= 500;
}

/* ---- the table */

static const struct row {
	enum ep_reason reason;
	void (*open)(struct sim *s);
	bool (*refused)(struct sim *s);
	const char *name; /* whose refusal it is; NULL: nobody's, and status tells it */
} rows[] = {
	{EP_REASON_PSK_IDENTITY, open_channel, psk_identity, NULL},
	{EP_REASON_PSK_KEY, open_channel, psk_key, "crafted"},
	{EP_REASON_HANDSHAKE, open_channel, bad_handshake, NULL},
	{EP_REASON_CERTIFICATE_MISSING, open_channel, certificate_missing, NULL},
	{EP_REASON_CERTIFICATE_ISSUER, open_channel, certificate_issuer, "crafted"},
	{EP_REASON_CERTIFICATE_TIME, open_channel, certificate_time, "crafted"},
	{EP_REASON_CERTIFICATE_REVOKED, open_channel, certificate_revoked, "crafted"},
	{EP_REASON_CERTIFICATE_CRL, open_channel, certificate_crl, "crafted"},
	{EP_REASON_CERTIFICATE_WEAK, open_channel, certificate_weak, "crafted"},
	{EP_REASON_CERTIFICATE_NAME, open_channel, certificate_name, NULL},
	{EP_REASON_CERTIFICATE_OTHER, open_channel, certificate_other, "crafted"},
	{EP_REASON_RAW_KEY, open_channel, unknown_key, NULL},
	{EP_REASON_CREDENTIAL_GONE, open_channel, credential_gone, NULL},
	{EP_REASON_WEAK, open_strict, weak, "crafted"},
	{EP_REASON_MALFORMED, sim_open, malformed, NULL},
	{EP_REASON_PROXY, sim_open, proxying, NULL},
	{EP_REASON_UNKNOWN_OPTION, open_server, unknown_option, "crafted"},
	{EP_REASON_BAD_BLOCK, open_server, bad_block, "crafted"},
	{EP_REASON_BODY_INCOMPLETE, open_server, body_incomplete, "crafted"},
	{EP_REASON_BODY_TOO_LARGE, open_server, body_too_large, "crafted"},
	{EP_REASON_NO_PATH, open_server, no_path, "crafted"},
	{EP_REASON_METHOD, open_server, method, "crafted"},
	{EP_REASON_OSCORE_OPTION, sim_open, oscore_option, NULL},
	{EP_REASON_OUTER_BLOCKS, open_server, proxy_blocks, "crafted"},
	{EP_REASON_NO_CONTEXT, open_server, no_context, NULL},
	{EP_REASON_ID_CONTEXT, open_server, id_context, "crafted"},
	{EP_REASON_REPLAY, open_registered, replay, "crafted"},
	{EP_REASON_OLD_NUMBER, open_registered, old_number, "crafted"},
	{EP_REASON_DECRYPT, open_server, decrypt, "crafted"},
	{EP_REASON_FORGERIES, open_server, forgeries, "crafted"},
	{EP_REASON_KEY_LIMIT, open_registered, key_limit, "crafted"},
	{EP_REASON_PLAINTEXT, open_registered, plaintext, "crafted"},
	{EP_REASON_ROLE, open_bootstrap, role, "crafted"},
	{EP_REASON_CHALLENGED, open_server, challenged, "crafted"},
	{EP_REASON_RECOVERING, open_offering, offered, "crafted"},
	{EP_REASON_NO_ECHO, sim_open, no_echo, "dev-000000"},
	{EP_REASON_NOSEC, open_server, nosec, "crafted"},
	{EP_REASON_EP_MISMATCH, open_server, ep_mismatch, "crafted"},
	{EP_REASON_EP_MISSING, open_plain, ep_missing, NULL},
	{EP_REASON_PARAMETERS, open_server, parameters, "crafted"},
	{EP_REASON_VERSION, open_server, version, "crafted"},
	{EP_REASON_NO_LIFETIME, open_server, no_lifetime, "crafted"},
	{EP_REASON_LIST_FORMAT, open_server, list_format, "crafted"},
	{EP_REASON_NO_LIST, open_server, no_list, "crafted"},
	{EP_REASON_BAD_LIST, open_server, bad_list, "crafted"},
	{EP_REASON_LIST_TOO_LARGE, open_server, list_too_large, "crafted"},
	{EP_REASON_NO_REGISTRATION, open_server, no_registration, "crafted"},
	{EP_REASON_SEND_UNREGISTERED, open_server, send_unregistered, "crafted"},
	{EP_REASON_SEND_PAYLOAD, open_registered, send_payload, "crafted"},
	{EP_REASON_SEND_UNKNOWN, open_registered, send_unknown, "crafted"},
	{EP_REASON_STORAGE, open_plain, storage, NULL},
	{EP_REASON_SEALED, sim_open, sealed, NULL},
	{EP_REASON_OVERLOAD, open_plain, overload, NULL},
	{EP_REASON_NO_PLAN, open_bootstrap, no_plan, "crafted"},
	{EP_REASON_PLAN_FORMAT, open_bootstrap, plan_format, "crafted"},
	{EP_REASON_NO_PACK, open_bootstrap, no_pack, "crafted"},
	{EP_REASON_BOOTSTRAP_FAILED, open_bootstrap, bootstrap_failed, "crafted"},
	{EP_REASON_UNPROTECTED_ANSWER, open_registered, unprotected_answer, "crafted"},
	{EP_REASON_ANSWER_DECRYPT, open_registered, answer_decrypt, "crafted"},
	{EP_REASON_ANSWER_OPTION, open_registered, answer_option, "crafted"},
	{EP_REASON_ANSWER_BLOCKS, open_registered, answer_blocks, "crafted"},
	{EP_REASON_ANSWER_ADDRESS, open_plain, answer_address, "crafted"},
	{EP_REASON_NO_ANSWER, open_registered, no_answer, "crafted"},
	{EP_REASON_EXHAUSTED, sim_open, exhausted, "crafted"},
	{EP_REASON_TOO_LONG, open_registered, too_long, "crafted"},
};

static bool status_tells(struct sim *s, const char *code)
{
	struct adm_status st = {0};
	struct adm_ops ops = sim_ops(s, NULL);
	bool found = false;
	ops.status(ops.arg, &st);
	for (size_t i = 0; i < st.refusal_n; i++)
		found |= !strcmp(st.refusals[i].code, code) && st.refusals[i].wall_s &&
			 st.refusals[i].count;
	return found;
}

struct counted {
	const char *reason;
	uint64_t n;
};

static void on_metric(void *arg, const struct adm_metric *a)
{
	struct counted *c = arg;
	if (!strcmp(a->name, "lanyard_refusals_total") && !strcmp(a->label_value, c->reason))
		c->n = a->value;
}

/* Is nothing counted besides that reason? Every new device is challenged. */
static bool alone(const struct sim *s, enum ep_reason r)
{
	for (int i = 0; i < EP_REASON_COUNT; i++)
		if (i != (int)r && i != EP_REASON_CHALLENGED && s->core->tally.row[i].all)
			return false;
	return true;
}

static void run(const struct row *r)
{
	struct sim *s = &sim;
	const char *code = ep_reason_info(r->reason)->code;
	struct counted c = {.reason = code};
	sim_init(s, 1);
	if (r->reason == EP_REASON_BODY_TOO_LARGE)
		s->cfg.body_limit_bytes = 1024;
	if (r->reason == EP_REASON_TOO_LONG)
		s->cfg.message_bytes = 20;
	if (r->reason == EP_REASON_NO_PLAN)
		s->cfg.uri[0] = '\0';
	r->open(s);
	CHECK(r->refused(s), code);
	CHECK(alone(s, r->reason), code);
	CHECK(r->name ? sim_explains(s, r->name, code) : status_tells(s, code), code);
	struct adm_ops ops = sim_ops(s, NULL);
	ops.metrics(ops.arg, on_metric, &c);
	CHECK(c.n > 0, code);
	sim_close(s);
}

int main(void)
{
	for (int reason = 0; reason < EP_REASON_COUNT; reason++) {
		const struct row *found = NULL;
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			if ((int)rows[i].reason == reason)
				found = &rows[i];
		CHECK(found, ep_reason_info((enum ep_reason)reason)->code);
		if (found)
			run(found);
	}
	return test_done();
}
