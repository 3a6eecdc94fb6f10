/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of several accounts: which instances go and come, in which order, with which rights; what
 * happens when a device finds them inconsistent. */
#include "tests/unit/bootstrap/asking.h"

#define OURS "{\"uri\":\"coap://192.0.2.1\",\"ssid\":101}"
#define THEIRS                                                                                     \
	"{\"uri\":\"coaps://h\",\"ssid\":7,\"psk\":{\"identity\":\"6964\",\"key\":\"6b6579\"}}"

static struct bs_plan *made;

static struct bs_plan *read_plan(const char *json, enum bs_plan_kind kind)
{
	struct bs_refusal no;
	struct bs_plan *read = NULL;
	enum err err = bs_plan_parse(span_str(json), kind, &read, &no);
	if (err)
		printf("%s: %s\n", no.field, no.text);
	REQUIRE(!err, "a plan");
	return read;
}

static void open_with(const char *json)
{
	made = read_plan(json, BS_PLAN_OWN);
	open_bootstrap(made);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
}

static void close_with(void)
{
	close_bootstrap();
	bs_plan_unref(made);
}

/* Answers every command well until the device is to say whether it is content; what was asked. */
static const char *walk(const char *discover)
{
	static char told[512];
	bool more = answer(MSG_CONTENT, discover);
	told[0] = '\0';
	while (more && strcmp(command(), "POST /bs")) {
		REQUIRE(strlen(told) < 400, "few commands");
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s",
			told[0] ? ", " : "", command());
		more = answer(q.plain.code == MSG_DELETE ? MSG_DELETED : MSG_CHANGED, "");
	}
	CHECK(more, "Finish comes last (BS-14)");
	return told;
}

static const struct {
	const char *what, *plan, *discover, *commands;
} rows[] = {
	{"two accounts with all rights (BS-07, BS-28)",
		"{\"servers\":[" OURS "," THEIRS "],\"access\":[]}",
		"</>;lwm2m=1.1,</0/0>,</21/0>,</3/0>",
		"DELETE /1, PUT /0/1, PUT /0/2, PUT /1/0, PUT /1/1, PUT /21/1"},
	{"and with rights of their own (BS-28, BS-29)",
		"{\"servers\":[" OURS "," THEIRS
		"],\"access\":[{\"object\":3,\"instance\":0,\"owner\":101,"
		"\"rights\":{\"7\":\"R\"}},{\"object\":3303,\"rights\":{\"7\":\"C\"}}]}",
		"</>;lwm2m=1.1,</0/0>,</21/0>,</3/0>",
		"DELETE /1, PUT /0/1, PUT /0/2, PUT /1/0, PUT /1/1, PUT /2/0, PUT /2/1, PUT /2/2, "
		"PUT /2/3, PUT /21/1"},
	{"rights of before go", "{\"servers\":[" OURS "]}",
		"</>;lwm2m=1.1,</0/0>,</1/0>;ssid=101,</2/0>,</2/5>,</21/0>",
		"DELETE /1, DELETE /2, PUT /0/1, PUT /1/0, PUT /21/1"},
	{"devices behind a gateway are left alone (GW-07)", "{\"servers\":[" OURS "]}",
		"</>;lwm2m=1.1,</0/0>,</1/0>;ssid=101,</21/0>,</25/0>,</d01/0/1>;ssid=7,"
		"</d01/0/2>,</d01/1/0>;ssid=7,</d01/2/0>,</d01/21/3>;ssid=7",
		"DELETE /1, PUT /0/1, PUT /1/0, PUT /21/1"},
	{"also where others stay (GW-07)", "{\"servers\":[" OURS "],\"other_accounts\":\"keep\"}",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>;ssid=101,</21/0>,</25/0>,"
		"</d01/0/2>;ssid=101,</d01/1/1>;ssid=101,</d01/2/0>,</d01/21/3>;ssid=101",
		"DELETE /1/0, DELETE /0/1, PUT /0/1, PUT /1/0, PUT /21/1"},
	{"a server of another kind alone", "{\"servers\":[" THEIRS "]}",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</21/0>",
		"DELETE /1, DELETE /0/1, PUT /0/1, PUT /1/0"},
	{"others stay, instances between theirs (BS-32)",
		"{\"servers\":[" OURS "],\"other_accounts\":\"keep\"}",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</0/2>;ssid=101,</1/0>;ssid=7,</1/1>;ssid=101,"
		"</2/0>,</21/0>,</21/1>;ssid=7,</21/2>;ssid=101",
		"DELETE /1/1, DELETE /0/2, DELETE /21/2, PUT /0/2, PUT /1/1, PUT /21/2"},
	{"an account is removed (BS-09), and nothing else",
		"{\"servers\":[],\"other_accounts\":\"keep\",\"remove\":[7]}",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</0/2>;ssid=101,</1/0>;ssid=7,</1/1>;ssid=101,"
		"</21/0>,</21/1>;ssid=7,</21/2>;ssid=101",
		"DELETE /1/0, DELETE /0/1, DELETE /21/1"},
};

static void order(size_t i)
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

/* To the Write of `path`, which is then in q. */
static void to(const char *path)
{
	while (strcmp(command(), path))
		REQUIRE(answer(q.plain.code == MSG_DELETE ? MSG_DELETED : MSG_CHANGED, ""),
			"it comes");
}

static void payloads(void)
{
	open_with("{\"servers\":[" OURS "," THEIRS
		  "],\"access\":[{\"object\":3,\"instance\":0,\"owner\":101,"
		  "\"rights\":{\"7\":\"R\",\"default\":\"\"}},{\"object\":3303,\"rights\":{\"7\":"
		  "\"C\"}}]}");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "Discover");
	to("PUT /0/2");
	CHECK_BYTES(q.plain.payload,
		test_hex("c80009"
			 "636f6170733a2f2f68"
			 "c10100"
			 "c10200"
			 "c2036964"
			 "c3056b6579"
			 "c10a07"),
		"a PSK: 0, 1, 2, 3, 5, 10, and no 4 (BS-25, BS-26)");
	to("PUT /1/1");
	to("PUT /2/0");
	CHECK_BYTES(q.plain.payload,
		test_hex("c10001"
			 "c10100"
			 "c10365"),
		"the account at /1/0 is its server's");
	to("PUT /2/1");
	CHECK_BYTES(q.plain.payload,
		test_hex("c10001"
			 "c10101"
			 "c10307"),
		"and that at /1/1 the other's");
	to("PUT /2/2");
	CHECK_BYTES(q.plain.payload,
		test_hex("c10003"
			 "c10100"
			 "8602"
			 "410000"
			 "410701"
			 "c10365"),
		"rights by SSID, 0 for all others (BS-28)");
	to("PUT /2/3");
	CHECK_BYTES(q.plain.payload,
		test_hex("c2000ce7"
			 "c401"
			 "0000ffff"
			 "8302"
			 "410710"
			 "c403"
			 "0000ffff"),
		"the right to create is the bootstrap server's to give (BS-29)");
	close_with();
}

static void modes(void)
{
	open_with("{\"servers\":[{\"uri\":\"coaps://"
		  "h\",\"ssid\":7,\"rpk\":{\"public_key\":\"300101\","
		  "\"server_public_key\":\"300102\",\"private_key\":\"300103\"}}]}");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "Discover");
	to("PUT /0/1");
	CHECK_BYTES(q.plain.payload,
		test_hex("c80009"
			 "636f6170733a2f2f68"
			 "c10100"
			 "c10201"
			 "c303300101"
			 "c304300102"
			 "c305300103"
			 "c10a07"),
		"raw public keys (SEC-05)");
	close_with();
	open_with("{\"servers\":[{\"uri\":\"coaps://h\",\"ssid\":7,\"x509\":{\"certificate\":"
		  "\"300101\",\"server_certificate\":\"300102\",\"private_key\":\"300103\","
		  "\"certificate_usage\":2,\"matching_type\":0,\"sni\":\"n\"}}]}");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "Discover");
	to("PUT /0/1");
	CHECK_BYTES(q.plain.payload,
		test_hex("c80009"
			 "636f6170733a2f2f68"
			 "c10100"
			 "c10202"
			 "c303300101"
			 "c304300102"
			 "c305300103"
			 "c10a07"
			 "c10d00"
			 "c10e6e"
			 "c10f02"),
		"certificates (SEC-06, BS-24)");
	CHECK(!rig_records(&rig, REC_CONTEXT_PUT), "no keys of OSCORE are drawn");
	close_with();
	open_with("{\"servers\":[{\"uri\":\"coaps://h\",\"ssid\":7,\"psk\":{\"identity\":\"6964\","
		  "\"key\":\"6b6579\"},\"oscore\":{}}]}");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "Discover");
	to("PUT /0/1");
	CHECK_BYTES(q.plain.payload,
		test_hex("c80009"
			 "636f6170733a2f2f68"
			 "c10100"
			 "c10200"
			 "c2036964"
			 "c3056b6579"
			 "c10a07"
			 "c41100150001"),
		"OSCORE inside DTLS: its keys and the link (OSC-01)");
	to("PUT /21/1");
	close_with();
}

static void enabler(void)
{
	open_with("{\"servers\":[{\"uri\":\"coap://h\",\"ssid\":7,\"lwm2m_versions\":[\"1.2\","
		  "\"1.1\"],\"profile_hash\":2}]}");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "Discover");
	to("PUT /1/0");
	CHECK_BYTES(q.plain.payload,
		test_hex("c10007"
			 "c40100015180"
			 "c10601"
			 "c10755"
			 "88190a"
			 "4300312e31"
			 "4301312e32"
			 "c11b02"),
		"which versions the server speaks (REG-23), and the hash it prefers");
	close_with();
}

/* A certificate goes out in blocks. */
static void long_write(void)
{
	static char json[12000];
	char hex[2 * BS_DER_MAX + 1];
	memset(hex, '0', sizeof(hex));
	memcpy(hex, "308207fc", 8); /* 2048 bytes in all */
	hex[2 * BS_DER_MAX] = '\0';
	snprintf(json, sizeof(json),
		"{\"servers\":[{\"uri\":\"coaps://h\",\"ssid\":7,\"x509\":{\"certificate\":\"%s\","
		"\"server_certificate\":\"3000\",\"private_key\":\"3000\"}}]}",
		hex);
	open_with(json);
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "Discover");
	REQUIRE(answer(MSG_DELETED, "") && !strcmp(command(), "PUT /0/1"), "Security");
	struct block block;
	CHECK(block_get(&q.plain, OPT_BLOCK1, &block) == ERR_OK && block.more &&
			q.plain.payload.n <= 1024,
		"what is longer than a message goes out in blocks");
	close_with();
}

/* ---- Finish is refused */

static const char discovered[] = "</>;lwm2m=1.1,</0/0>,</21/0>";

/* What the device waits for comes from an administrator. */
static bool correct(const char *json)
{
	struct bs_refusal no;
	rig_turn(&rig, 10);
	REQUIRE(!bs_plan_put(bs, rig.e, span_str(json), &rig.t, &no), "a plan");
	return rig_asked(&rig, RIG_BOOTSTRAP, rig_sent(&rig, 0), &q);
}

static void corrected(void)
{
	struct bs_view v;
	open_with("{\"servers\":[" OURS "]}");
	walk(discovered);
	CHECK(!answer(MSG_NOT_ACCEPTABLE, "") && bs_sessions(bs) == 1 &&
			rig_records(&rig, REC_EVENT) == 1,
		"4.06 is told at once, and the session stays (BS-14)");
	bs_view(bs, rig.e, &v);
	CHECK(!strcmp(v.state, "refused") && strstr(v.last_result, "4.06"), "with the reason");
	CHECK(correct("{\"servers\":[" THEIRS "]}") && !strcmp(command(), "GET "),
		"a corrected plan begins again (BS-14)");
	CHECK(!strcmp(walk(discovered), "DELETE /1, PUT /0/1, PUT /1/0"), "as it says");
	CHECK(!answer(MSG_CHANGED, "") && !bs_sessions(bs) && bs_counters(bs)->finished == 1 &&
			!bs_counters(bs)->failed,
		"and Finish is accepted");
	close_with();
}

static void never_corrected(void)
{
	struct bs_view v;
	open_with("{\"servers\":[" OURS "]}");
	walk(discovered);
	REQUIRE(!answer(MSG_NOT_ACCEPTABLE, ""), "refused");
	rig_turn(&rig, 247100);
	bs_timer(bs, &rig.t);
	bs_view(bs, rig.e, &v);
	CHECK(!bs_sessions(bs) && bs_counters(bs)->failed == 1 && strstr(v.last_result, "4.06"),
		"it ends after 247 s, for that reason (BS-15)");
	close_with();
	open_with("{\"servers\":[" OURS "]}");
	CHECK(!correct("{\"servers\":[" THEIRS "]}") && bs_sessions(bs) == 1,
		"a plan that comes before is for the next time");
	close_with();
}

/* The algorithm that Object 21 was told, and in which type its secret. */
static void respelt(const char *query, const char *oscore, const char *first, const char *second)
{
	char json[256];
	snprintf(json, sizeof(json),
		"{\"servers\":[{\"uri\":\"coap://192.0.2.1\",\"ssid\":101,\"oscore\":{%s}}]}",
		oscore);
	made = read_plan(json, BS_PLAN_OWN);
	open_bootstrap(made);
	REQUIRE(request(MSG_POST, "bs", query) == MSG_CHANGED, "request");
	REQUIRE(answer(MSG_CONTENT, discovered), "Discover");
	to("PUT /21/1");
	CHECK(memmem(q.plain.payload.p, q.plain.payload.n, first, strlen(first)), "the first way");
	REQUIRE(answer(MSG_CHANGED, ""), "Finish");
	CHECK(answer(MSG_NOT_ACCEPTABLE, "") && !strcmp(command(), "PUT /21/1") &&
			memmem(q.plain.payload.p, q.plain.payload.n, second, strlen(second)),
		"a device that refuses it is told in the other way (BS-14, CT-101)");
	CHECK(answer(MSG_CHANGED, "") && !strcmp(command(), "POST /bs"), "and Finish once more");
	CHECK(!answer(MSG_NOT_ACCEPTABLE, "") && bs_sessions(bs) == 1, "but only once");
	close_with();
}

/* ---- whose plan it is */

static void by_name(void)
{
	static const struct {
		const char *what, *match;
		uint16_t ssid;
	} row[] = {
		{"its pattern", "d*", 5},
		{"its name", "dev", 5},
		{"one of them", "[a-e]ev", 5},
		{"another's pattern: the default", "x*", 101},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		char json[512];
		struct bs_refusal no;
		struct bs_view v;
		snprintf(json, sizeof(json),
			"{\"servers\":[" OURS "],\"patterns\":[{\"match\":\"%s\",\"servers\":[{"
			"\"uri\":\"coap://p\",\"ssid\":5}]},{\"match\":\"d*\",\"servers\":[" OURS
			"]}]}",
			row[i].match);
		open_bootstrap(&plan);
		REQUIRE(!bs_plan_put(bs, NULL, span_str(json), &rig.t, &no), "the default plan");
		bs_view(bs, rig.e, &v);
		CHECK(v.plan && v.plan->account[0].ssid == row[i].ssid, row[i].what);
		bs_view(bs, NULL, &v);
		CHECK(v.plan && v.plan->pattern_n == 2, "the default plan shows its patterns");
		REQUIRE(correct("{\"servers\":[" THEIRS "]}") == false, "a plan of its own");
		bs_view(bs, rig.e, &v);
		CHECK(v.own_plan && v.plan->account[0].ssid == 7, "goes before all others");
		REQUIRE(!bs_plan_delete(bs, rig.e, &rig.t) && !bs_plan_delete(bs, NULL, &rig.t),
			"deleted");
		bs_view(bs, rig.e, &v);
		CHECK(v.plan == &plan, "what is configured comes last");
		close_bootstrap();
	}
	/* Patterns alone leave the others to the configuration. */
	struct bs_refusal no;
	struct bs_view v;
	open_bootstrap(&plan);
	REQUIRE(!bs_plan_put(bs, NULL,
			SPAN_LIT("{\"patterns\":[{\"match\":\"x\",\"servers\":[" OURS "]}]}"),
			&rig.t, &no),
		"patterns");
	bs_view(bs, rig.e, &v);
	CHECK(v.plan == &plan, "a default of patterns is nobody else's");
	close_bootstrap();
}

/* ---- no room */

static void no_room(void)
{
	char text[2048];
	struct writer w = wr_make(text, sizeof(text) - 1);
	open_with("{\"servers\":[" OURS "],\"other_accounts\":\"keep\"}");
	wr_str(&w, "</>;lwm2m=1.1,</1/0>;ssid=1032");
	for (int i = 32; i <= 64; i++)
		wr_fmt(&w, ",</0/%d>;ssid=%d", i, 1000 + i);
	text[w.n] = '\0';
	CHECK(answer(MSG_CONTENT, text) && !strcmp(command(), "POST /bs") &&
			!rig_records(&rig, REC_CONTEXT_PUT),
		"no instance is free: nothing is taken from the device (BS-14)");
	close_with();
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		order(i);
	payloads();
	modes();
	enabler();
	long_write();
	corrected();
	never_corrected();
	respelt("ep=dev", "\"hkdf\":\"HKDF-SHA-512\"", "\xc1\x04\x07", "\xc1\x04\xf5");
	respelt("ep=dev", "\"hkdf\":\"HKDF-SHA-512\",\"hkdf_spelling\":\"hkdf\"", "\xc1\x04\xf5",
		"\xc1\x04\x07");
	respelt("ep=dev&pct=110", "", "\"vs\"", "\"vd\"");
	by_name();
	no_room();
	return test_done();
}
