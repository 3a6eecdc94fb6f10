/* SPDX-License-Identifier: Apache-2.0 */
/* A new bootstrap account: what the device is given, that the account in use is not touched, and
 * which keys are left when something fails on the way.
 * Proves: BS-17, BS-18 */
#include "tests/unit/bootstrap/asking.h"

#define OURS  "{\"uri\":\"coap://192.0.2.1\",\"ssid\":101}"
#define NEXT  "\"bootstrap_account\":{\"uri\":\"coap://b\"}"
#define FOUND "</>;lwm2m=1.1,</0/0>,</21/0>,</3/0>"

static struct bs_plan *made;

static void open_with(const char *json)
{
	struct bs_refusal no;
	enum err err = bs_plan_parse(span_str(json), BS_PLAN_OWN, &made, &no);
	if (err)
		printf("%s: %s\n", no.field, no.text);
	REQUIRE(!err, "a plan");
	open_bootstrap(made);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
}

static void close_with(void)
{
	close_bootstrap();
	bs_plan_unref(made);
}

static bool well(void)
{
	return answer(q.plain.code == MSG_DELETE ? MSG_DELETED : MSG_CHANGED, "");
}

static const char *walk(const char *discover)
{
	static char told[512];
	bool more = answer(MSG_CONTENT, discover);
	told[0] = '\0';
	while (more && strcmp(command(), "POST /bs")) {
		REQUIRE(strlen(told) < 400, "few commands");
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s",
			told[0] ? ", " : "", command());
		more = well();
	}
	CHECK(more, "Finish comes last (BS-14)");
	return told;
}

static unsigned contexts(uint8_t role)
{
	unsigned n = 0;
	for (const struct ep_context *c = rig.e->contexts; c; c = c->next_of_endpoint)
		n += c->role == role;
	return n;
}

static const struct {
	const char *what, *plan, *discover, *commands;
} rows[] = {
	{"beside the server's, and last", "{\"servers\":[" OURS "]," NEXT "}", FOUND,
		"DELETE /1, PUT /0/1, PUT /1/0, PUT /21/1, PUT /21/2, PUT /0/2"},
	{"alone", "{\"servers\":[],\"other_accounts\":\"keep\"," NEXT "}",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</1/0>;ssid=7,</21/0>,</21/1>;ssid=7",
		"PUT /21/2, PUT /0/2"},
	{"far from what is not shown", "{\"servers\":[],\"other_accounts\":\"keep\"," NEXT "}",
		"</>;lwm2m=1.1,</3/0>", "PUT /21/32, PUT /0/32"},
	{"what an attempt before has left may be in use: it stays",
		"{\"servers\":[],\"other_accounts\":\"keep\"," NEXT "}",
		"</>;lwm2m=1.1,</0/0>,</0/1>,</21/0>,</21/1>", "PUT /21/2, PUT /0/2"},
};

static void row(size_t i)
{
	open_with(rows[i].plan);
	const char *told = walk(rows[i].discover);
	CHECK(!strcmp(told, rows[i].commands), rows[i].what);
	if (strcmp(told, rows[i].commands))
		printf("  %s\n", told);
	CHECK(!answer(MSG_CHANGED, "") && bs_counters(bs)->finished == 1, "finished");
	close_with();
}

/* ---- what is written */

static const struct bs_keys *keys(void)
{
	return &((struct bs_endpoint *)rig.e->session)->session->keys[BS_KEYS_BOOTSTRAP];
}

static void payloads(void)
{
	uint8_t want[128];
	struct writer w = wr_make(want, sizeof(want));
	open_with("{\"servers\":[],\"other_accounts\":\"keep\",\"bootstrap_account\":{\"uri\":"
		  "\"coap://b\",\"hold_off_s\":300,\"timeout_s\":86400}}");
	REQUIRE(answer(MSG_CONTENT, FOUND) && !strcmp(command(), "PUT /21/1"), "its keys");
	CHECK(contexts(REC_ROLE_BOOTSTRAP) == 2 && rig_records(&rig, REC_CONTEXT_PUT) == 1 &&
			keys()->made->role == REC_ROLE_BOOTSTRAP &&
			keys()->made->generation == REC_GEN_WRITTEN && !keys()->made->ssid,
		"they are recorded before they go, beside those in use");
	wr_bytes(&w, test_hex("c80010"));
	wr_bytes(&w, span_make(keys()->secret, keys()->secret_n));
	wr_bytes(&w, test_hex("c501"));
	wr_bytes(&w, ep_recipient_id(keys()->made));
	wr_bytes(&w, test_hex("c102"));
	wr_bytes(&w, ep_sender_id(keys()->made));
	wr_bytes(&w, test_hex("c80508"));
	wr_bytes(&w, SPAN_OF(keys()->salt));
	CHECK_BYTES(q.plain.payload, wr_span(&w), "ids as the device sees them (OSC-03)");
	CHECK(well() && !strcmp(command(), "PUT /0/1"), "then the account");
	CHECK_BYTES(q.plain.payload,
		test_hex("c80008"
			 "636f61703a2f2f62"
			 "c10101"
			 "c10203"
			 "c20b012c"
			 "c40c00015180"
			 "c41100150001"),
		"0, 1, 2, 11, 12, 17 and no Short Server ID (BS-18, BS-25)");
	uint64_t id = keys()->made->id;
	CHECK(well() && !strcmp(command(), "POST /bs") && !answer(MSG_CHANGED, ""), "finished");
	const struct rec *r = rig_record(&rig, REC_CONTEXT_STATE);
	CHECK(r && r->context_state.id == id && r->context_state.generation == REC_GEN_ACKNOWLEDGED,
		"acknowledged");
	CHECK(contexts(REC_ROLE_BOOTSTRAP) == 2, "the old ones serve until the new are used");
	close_with();
}

static void no_times(void)
{
	open_with("{\"servers\":[],\"other_accounts\":\"keep\"," NEXT "}");
	REQUIRE(answer(MSG_CONTENT, FOUND) && well(), "the account");
	CHECK_BYTES(q.plain.payload,
		test_hex("c80008"
			 "636f61703a2f2f62"
			 "c10101"
			 "c10203"
			 "c41100150001"),
		"times that are not set are not written");
	close_with();
}

/* ---- failures */

/* Answers n commands well, the next one not. */
static void failing(unsigned n, uint8_t code)
{
	open_with("{\"servers\":[" OURS "]," NEXT "}");
	bool more = answer(MSG_CONTENT, FOUND);
	for (unsigned i = 0; i < n && more; i++)
		more = well();
	REQUIRE(more, "a command");
	bool finish = !strcmp(command(), "POST /bs");
	more = answer(code, "");
	if (!finish) {
		CHECK(more == (code != MSG_DELETED) && (!more || !strcmp(command(), "POST /bs")),
			"a refusal: Finish (BS-14)");
		more = answer(MSG_CHANGED, "");
	}
	CHECK(!more && bs_counters(bs)->finished == 0, "it has failed");
	CHECK(rig.bootstrap->generation == REC_GEN_USED && contexts(REC_ROLE_BOOTSTRAP) == 2,
		"the account in use stays, and so do the keys that may have arrived");
	CHECK(!rig_records(&rig, REC_CONTEXT_DEL), "nothing is forgotten");
	close_with();
}

/* However often it fails. */
static void for_ever(void)
{
	bool kept = true, bounded = true;
	open_with("{\"servers\":[],\"other_accounts\":\"keep\"," NEXT "}");
	for (int n = 0; n < 200; n++) {
		struct bs_endpoint *be = rig.e->session;
		uint64_t last = 0;
		REQUIRE(answer(MSG_CONTENT, FOUND), "Discover");
		for (const struct ep_context *c = rig.e->contexts; c; c = c->next_of_endpoint)
			kept &= c != rig.bootstrap || c->generation == REC_GEN_USED;
		last = be->session->keys[BS_KEYS_BOOTSTRAP].made->id;
		kept &= contexts(REC_ROLE_BOOTSTRAP) >= 2 && rig.e->contexts->id == last;
		bounded &= contexts(REC_ROLE_BOOTSTRAP) <= EP_GENERATIONS_MAX;
		REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "again");
	}
	const struct ep_context *c = rig.e->contexts;
	while (c && c != rig.bootstrap)
		c = c->next_of_endpoint;
	CHECK(c && kept, "the account in use is never given up for one that is not");
	CHECK(bounded, "and attempts do not pile up");
	close_with();
}

/* 4.06: Object 21 is told in the other way, both instances of it. */
static void respelt(void)
{
	open_with("{\"servers\":[" OURS "],\"bootstrap_account\":{\"uri\":\"coap://b\",\"oscore\":"
		  "{\"hkdf\":\"HKDF-SHA-512\"}}}");
	walk(FOUND);
	CHECK(answer(MSG_NOT_ACCEPTABLE, "") && !strcmp(command(), "PUT /21/1") && well() &&
			!strcmp(command(), "PUT /21/2") &&
			memmem(q.plain.payload.p, q.plain.payload.n, "\xc1\x04\xf5", 3),
		"the new keys are told in the other spelling (CT-101)");
	CHECK(well() && !strcmp(command(), "PUT /0/2") && well() && !strcmp(command(), "POST /bs"),
		"and the account again, which does no harm (BS-05)");
	CHECK(!answer(MSG_NOT_ACCEPTABLE, "") && bs_sessions(bs) == 1,
		"a device that has no room for it waits, with its old one");
	close_with();
}

static void packs(void)
{
	open_with("{\"servers\":[" OURS "]," NEXT "}");
	CHECK(request(MSG_GET, "bspack", "ep=dev") == MSG_METHOD_NOT_ALLOWED,
		"a Pack leaves the bootstrap account alone (BS-21)");
	close_with();
}

static void plans(void)
{
	static const struct {
		const char *what, *json, *field; /* NULL: good */
	} row[] = {
		{"the least", NEXT, NULL},
		{"all of it",
			"\"bootstrap_account\":{\"uri\":\"coap+tcp://"
			"b:5\",\"hold_off_s\":2147483647,"
			"\"timeout_s\":1,\"oscore\":{\"aead\":1,\"id_context_bytes\":4}}",
			NULL},
		{"no object", "\"bootstrap_account\":1", "bootstrap_account"},
		{"null", "\"bootstrap_account\":null", "bootstrap_account"},
		{"no uri", "\"bootstrap_account\":{}", "bootstrap_account.uri"},
		{"a uri of DTLS", "\"bootstrap_account\":{\"uri\":\"coaps://b\"}",
			"bootstrap_account.uri"},
		{"a uri with a path", "\"bootstrap_account\":{\"uri\":\"coap://b/bs\"}",
			"bootstrap_account.uri"},
		{"a time below 0", "\"bootstrap_account\":{\"uri\":\"coap://b\",\"hold_off_s\":-1}",
			"bootstrap_account.hold_off_s"},
		{"a time beyond",
			"\"bootstrap_account\":{\"uri\":\"coap://b\",\"timeout_s\":2147483648}",
			"bootstrap_account.timeout_s"},
		{"a time as text",
			"\"bootstrap_account\":{\"uri\":\"coap://b\",\"timeout_s\":\"1\"}",
			"bootstrap_account.timeout_s"},
		{"a secret",
			"\"bootstrap_account\":{\"uri\":\"coap://b\",\"master_secret\":\"00\"}",
			"bootstrap_account.master_secret"},
		{"an algorithm nobody knows",
			"\"bootstrap_account\":{\"uri\":\"coap://b\",\"oscore\":{\"aead\":4}}",
			"bootstrap_account.oscore.aead"},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct bs_refusal no;
		struct bs_plan *first = NULL, *again = NULL;
		static uint8_t text[BS_JSON_MAX], second[BS_JSON_MAX];
		char json[512];
		struct writer w = wr_make(text, sizeof(text)), v = wr_make(second, sizeof(second));
		snprintf(json, sizeof(json), "{\"servers\":[" OURS "],%s}", row[i].json);
		enum err err = bs_plan_parse(span_str(json), BS_PLAN_OWN, &first, &no);
		CHECK(row[i].field ? err == ERR_SYNTAX && !strcmp(no.field, row[i].field) : !err,
			row[i].what);
		if (err)
			printf("%s",
				row[i].field && strcmp(no.field, row[i].field) ? no.field : "");
		if (!first)
			continue;
		bs_plan_write(first, true, &w);
		CHECK(!w.err && !bs_plan_parse(wr_span(&w), BS_PLAN_OWN, &again, &no),
			"written it is read again");
		if (again)
			bs_plan_write(again, true, &v);
		CHECK_BYTES(wr_span(&v), wr_span(&w), "and is the same");
		bs_plan_unref(first);
		bs_plan_unref(again);
	}
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		row(i);
	payloads();
	no_times();
	for (unsigned n = 1; n < 6; n++)
		failing(n, MSG_BAD_REQUEST);
	failing(6, MSG_BAD_REQUEST);
	for_ever();
	respelt();
	packs();
	plans();
	return test_done();
}
