/* SPDX-License-Identifier: Apache-2.0 */
/* Plans as JSON: what is read, what is refused and why, and back again. */
#include "bootstrap/plan.h"

#include "tests/unit/test.h"

#define SERVER(members) "{\"servers\":[{" members "}]}"
#define URI             "\"uri\":\"coap://h:1\""
#define URIS            "\"uri\":\"coaps://h:1\""
#define PSK2(ssid)      URIS ",\"ssid\":" #ssid ",\"psk\":{\"identity\":\"6465762d31\",\"key\":\"00ff\"}"
#define TWO(members)    "{\"servers\":[{" URI "},{" PSK2(2) "}]" members "}"

static const struct {
	const char *what, *json, *why; /* why: part of the reason; NULL: good */
} rows[] = {
	{"the least", SERVER(URI), NULL},
	{"all of it",
		SERVER(URI ",\"ssid\":7,\"lifetime_s\":60,\"binding\":\"UQ\","
			   "\"notification_storing\":false,\"default_pmin_s\":1,"
			   "\"default_pmax_s\":2"),
		NULL},
	{"ssid 1", SERVER(URI ",\"ssid\":1"), NULL},
	{"ssid 65534", SERVER(URI ",\"ssid\":65534"), NULL},
	{"IPv6", SERVER("\"uri\":\"coap://[2001:db8::1]:5683\""), NULL},
	{"space around", " " SERVER(URI) " ", NULL},
	{"nothing", "", "1 to"},
	{"no JSON", "x", "not JSON"},
	{"cut off", "{\"servers\":[{", "not JSON"},
	{"something behind", SERVER(URI) "x", "not JSON"},
	{"deeper than anything", "[[[[[[[[[[[[]]]]]]]]]]]]", "not JSON"},
	{"an array", "[]", "object"},
	{"no servers", "{}", "servers"},
	{"servers no array", "{\"servers\":{}}", "array"},
	{"no account", "{\"servers\":[]}", "1 to 8"},
	{"more accounts than there can be", "{\"servers\":[1,2,3,4,5,6,7,8,9]}", "at most 8"},
	{"two accounts of one SSID (BS-27)", "{\"servers\":[{" URI "},{" PSK2(1) "}]}", "ssid 1"},
	{"two accounts whose keys are drawn", "{\"servers\":[{" URI "},{" URI ",\"ssid\":2}]}",
		"drawn for one account"},
	{"two accounts, rights unsaid (BS-28)", TWO(""), "access must be there"},
	{"two accounts with all rights (BS-28)", TWO(",\"access\":[]"), NULL},
	{"rights",
		TWO(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":1,\"rights\":{\"1\":"
		    "\"RWE\",\"2\":\"R\",\"default\":\"\"}}]"),
		NULL},
	{"a right to create (BS-29)",
		TWO(",\"access\":[{\"object\":3303,\"rights\":{\"2\":\"C\"}}]"), NULL},
	{"access no array", TWO(",\"access\":{}"), "array"},
	{"rights to nothing", TWO(",\"access\":[{\"instance\":0,\"owner\":1}]"), "object"},
	{"rights to Object 2", TWO(",\"access\":[{\"object\":2,\"instance\":0,\"owner\":1}]"),
		"fixed"},
	{"rights without an owner", TWO(",\"access\":[{\"object\":3,\"instance\":0}]"), "owner"},
	{"an owner nobody knows", TWO(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":9}]"),
		"owner"},
	{"rights of nobody",
		TWO(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":1,"
		    "\"rights\":{\"9\":\"R\"}}]"),
		"SSID of an account"},
	{"a letter that is no right",
		TWO(",\"access\":[{\"object\":3,\"instance\":0,"
		    "\"owner\":1,\"rights\":{\"2\":\"X\"}}]"),
		"letters"},
	{"C of an instance",
		TWO(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":1,"
		    "\"rights\":{\"2\":\"RC\"}}]"),
		"right to an object"},
	{"R of an object", TWO(",\"access\":[{\"object\":3,\"rights\":{\"2\":\"RC\"}}]"),
		"only the right C"},
	{"nobody may create", TWO(",\"access\":[{\"object\":3,\"rights\":{}}]"), "nobody"},
	{"rights twice",
		TWO(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":1},{\"object\":3,"
		    "\"instance\":0,\"owner\":2}]"),
		"twice"},
	{"a PSK", "{\"servers\":[{" PSK2(2) "}]}", NULL},
	{"a PSK and OSCORE inside (OSC-01)", "{\"servers\":[{" PSK2(2) ",\"oscore\":{}}]}", NULL},
	{"a PSK over CoAP in clear", SERVER(URI ",\"psk\":{\"identity\":\"61\",\"key\":\"62\"}"),
		"coaps://"},
	{"OSCORE over coaps", SERVER("\"uri\":\"coaps://h\""), "coap://"},
	{"a PSK without a key", SERVER(URIS ",\"psk\":{\"identity\":\"61\"}"), "key must be there"},
	{"a PSK without an identity", SERVER(URIS ",\"psk\":{\"key\":\"61\"}"),
		"identity must be there"},
	{"a PSK of text", SERVER(URIS ",\"psk\":{\"identity\":\"61\",\"key\":\"secret\"}"), "hex"},
	{"a PSK of nothing", SERVER(URIS ",\"psk\":{\"identity\":\"61\",\"key\":\"\"}"), "1 to 64"},
	{"a PSK no object", SERVER(URIS ",\"psk\":1"), "psk must be an object"},
	{"psk and rpk", SERVER(URIS ",\"psk\":{\"identity\":\"61\",\"key\":\"62\"},\"rpk\":{}"),
		"one of"},
	{"a raw public key",
		SERVER(URIS ",\"rpk\":{\"public_key\":\"3000\",\"server_public_key\":"
			    "\"30020500\",\"private_key\":\"3000\"}"),
		NULL},
	{"a raw public key cut off",
		SERVER(URIS ",\"rpk\":{\"public_key\":\"300205\",\"server_public_key\":\"3000\","
			    "\"private_key\":\"3000\"}"),
		"public_key is not DER"},
	{"a raw public key without that of the server (SEC-05)",
		SERVER(URIS ",\"rpk\":{\"public_key\":\"3000\",\"private_key\":\"3000\"}"),
		"server_public_key must be there"},
	{"a certificate",
		SERVER(URIS ",\"x509\":{\"certificate\":\"3000\",\"server_certificate\":"
			    "\"3000\",\"private_key\":\"3000\",\"certificate_usage\":2,"
			    "\"matching_type\":0,\"sni\":\"s.example\"}"),
		NULL},
	{"a certificate usage beyond",
		SERVER(URIS ",\"x509\":{\"certificate\":\"3000\","
			    "\"server_certificate\":\"3000\","
			    "\"private_key\":\"3000\",\"certificate_usage\":4}"),
		"certificate_usage"},
	{"a digest of the wrong length (SEC-06)",
		SERVER(URIS ",\"x509\":{\"certificate\":\"3000\",\"server_certificate\":\"3000\","
			    "\"private_key\":\"3000\",\"matching_type\":1}"),
		"of 32 bytes"},
	{"others stay (BS-32)", "{\"servers\":[{" URI "}],\"other_accounts\":\"keep\"}", NULL},
	{"others go", "{\"servers\":[{" URI "}],\"other_accounts\":\"delete\"}", NULL},
	{"others, a word", "{\"servers\":[{" URI "}],\"other_accounts\":\"x\"}", "other_accounts"},
	{"an account is removed (BS-09)",
		"{\"servers\":[],\"other_accounts\":\"keep\",\"remove\":[2]}", NULL},
	{"keys of a month", "{\"servers\":[{" URI "}],\"rotate_keys_days\":30}", NULL},
	{"keys for ever", "{\"servers\":[{" URI "}],\"rotate_keys_days\":0}", NULL},
	{"keys of less than no time", "{\"servers\":[{" URI "}],\"rotate_keys_days\":-1}",
		"0 to 3650"},
	{"keys older than all", "{\"servers\":[{" URI "}],\"rotate_keys_days\":3651}", "0 to 3650"},
	{"removed, where all go", "{\"servers\":[{" URI "}],\"remove\":[2]}", "keep"},
	{"removed and written",
		"{\"servers\":[{" URI "}],\"other_accounts\":\"keep\",\"remove\":[1]}", "once"},
	{"patterns of one endpoint", "{\"servers\":[{" URI "}],\"patterns\":[]}",
		"unknown member patterns"},
	{"coap+tcp", SERVER("\"uri\":\"coap+tcp://h\""), NULL},
	{"versions of LwM2M (REG-23)", SERVER(URI ",\"lwm2m_versions\":[\"1.0\",\"1.2\"]"), NULL},
	{"all of them", SERVER(URI ",\"lwm2m_versions\":[\"1.2\",\"1.1\",\"1.0\"]"), NULL},
	{"none", SERVER(URI ",\"lwm2m_versions\":[]"), "lwm2m_versions"},
	{"one twice", SERVER(URI ",\"lwm2m_versions\":[\"1.1\",\"1.1\"]"), "each once"},
	{"one nobody speaks", SERVER(URI ",\"lwm2m_versions\":[\"1.3\"]"), "lwm2m_versions"},
	{"a number", SERVER(URI ",\"lwm2m_versions\":[1.1]"), "lwm2m_versions"},
	{"no array", SERVER(URI ",\"lwm2m_versions\":\"1.1\""), "lwm2m_versions"},
	{"a hash for profiles", SERVER(URI ",\"profile_hash\":6"), NULL},
	{"which there is not", SERVER(URI ",\"profile_hash\":7"), "1 to 6"},
	{"nor that", SERVER(URI ",\"profile_hash\":0"), "1 to 6"},
	{"pmax below pmin", SERVER(URI ",\"default_pmin_s\":9,\"default_pmax_s\":8"), "less than"},
	{"an account that is none", "{\"servers\":[1]}", "object"},
	{"an unknown member", "{\"servers\":[{" URI "}],\"x\":1}", "unknown member x"},
	{"an unknown member of an account", SERVER(URI ",\"secret\":\"x\""),
		"unknown member secret"},
	{"no uri", SERVER("\"ssid\":1"), "uri"},
	{"uri no string", SERVER("\"uri\":1"), "uri must be a string"},
	{"uri null", SERVER("\"uri\":null"), "uri must be a string"},
	{"uri empty", SERVER("\"uri\":\"\""), "uri"},
	{"uri without host", SERVER("\"uri\":\"coap://\""), "uri"},
	{"another scheme", SERVER("\"uri\":\"http://h\""), "coap://"},
	{"uri with path (CT-92)", SERVER("\"uri\":\"coap://h/lwm2m\""), "path"},
	{"uri with query (CT-92)", SERVER("\"uri\":\"coap://h?x\""), "query"},
	{"uri with NUL", SERVER("\"uri\":\"coap://h\\u0000\""), "NUL"},
	{"ssid 0 (BS-25)", SERVER(URI ",\"ssid\":0"), "ssid"},
	{"ssid 65535 (BS-25)", SERVER(URI ",\"ssid\":65535"), "ssid"},
	{"ssid negative", SERVER(URI ",\"ssid\":-1"), "ssid"},
	{"ssid a string", SERVER(URI ",\"ssid\":\"1\""), "ssid"},
	{"ssid a fraction", SERVER(URI ",\"ssid\":1.5"), "ssid"},
	/* json-c bends it up to 0.16, and then refuses the text: either reason will do */
	{"ssid of 65 bits", SERVER(URI ",\"ssid\":36893488147419103233"), ""},
	{"lifetime beyond", SERVER(URI ",\"lifetime_s\":2147483648"), "lifetime_s"},
	{"binding empty", SERVER(URI ",\"binding\":\"\""), "binding"},
	{"binding of other letters", SERVER(URI ",\"binding\":\"X\""), "binding"},
	{"binding too long", SERVER(URI ",\"binding\":\"UUUUUUUU\""), "binding"},
	{"algorithms by name",
		SERVER(URI ",\"oscore\":{\"aead\":\"A256GCM\",\"hkdf\":\"HKDF-SHA-512\","
			   "\"hkdf_spelling\":\"hkdf\",\"id_context_bytes\":8,\"recipient_id_"
			   "bytes\":6}"),
		NULL},
	{"algorithms by number", SERVER(URI ",\"oscore\":{\"aead\":24,\"hkdf\":7}"), NULL},
	{"no member of oscore", SERVER(URI ",\"oscore\":{}"), NULL},
	{"oscore no object", SERVER(URI ",\"oscore\":[]"), "oscore must be an object"},
	{"a secret is drawn, never told", SERVER(URI ",\"oscore\":{\"master_secret\":\"00\"}"),
		"unknown member master_secret"},
	{"aead unknown", SERVER(URI ",\"oscore\":{\"aead\":4}"), "oscore.aead"},
	{"aead a name nobody knows", SERVER(URI ",\"oscore\":{\"aead\":\"ROT13\"}"), "oscore.aead"},
	{"aead a hash", SERVER(URI ",\"oscore\":{\"aead\":-10}"), "oscore.aead"},
	{"aead 2^32 + 10", SERVER(URI ",\"oscore\":{\"aead\":4294967306}"), "oscore.aead"},
	{"hkdf unknown", SERVER(URI ",\"oscore\":{\"hkdf\":6}"), "oscore.hkdf"},
	{"hkdf null", SERVER(URI ",\"oscore\":{\"hkdf\":null}"), "oscore.hkdf"},
	{"a spelling", SERVER(URI ",\"oscore\":{\"hkdf_spelling\":5}"), "hkdf_spelling"},
	{"id_context_bytes beyond", SERVER(URI ",\"oscore\":{\"id_context_bytes\":9}"),
		"id_context_bytes"},
	{"an id of 7 needs a nonce of 13",
		SERVER(URI ",\"oscore\":{\"aead\":1,\"recipient_id_bytes\":7}"), "too long"},
	{"and of 2 one of 8", SERVER(URI ",\"oscore\":{\"aead\":12,\"recipient_id_bytes\":2}"),
		"too long"},
	{"which has room for 1", SERVER(URI ",\"oscore\":{\"aead\":12,\"recipient_id_bytes\":1}"),
		NULL},
	{"notification_storing no boolean", SERVER(URI ",\"notification_storing\":1"),
		"true or false"},
};

static void table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bs_refusal no;
		static uint8_t text[BS_JSON_MAX], second[BS_JSON_MAX];
		struct bs_plan *p = NULL, *again = NULL;
		struct writer w = wr_make(text, sizeof(text)), v = wr_make(second, sizeof(second));
		enum err err = bs_plan_parse(span_str(rows[i].json), BS_PLAN_OWN, &p, &no);
		CHECK(rows[i].why ? err == ERR_SYNTAX && strstr(no.text, rows[i].why) : !err,
			rows[i].what);
		CHECK(!rows[i].why == (p != NULL), "refused, nothing is touched");
		if (err)
			continue;
		bs_plan_write(p, true, &w);
		CHECK(!w.err && !bs_plan_parse(wr_span(&w), BS_PLAN_OWN, &again, &no),
			"written it is read again");
		if (again)
			bs_plan_write(again, true, &v);
		CHECK_BYTES(wr_span(&v), wr_span(&w), "and is the same");
		bs_plan_unref(p);
		bs_plan_unref(again);
	}
}

static void presets(void)
{
	struct bs_refusal no;
	struct bs_plan *p;
	REQUIRE(!bs_plan_parse(SPAN_LIT(SERVER(URI)), BS_PLAN_OWN, &p, &no), "the least");
	const struct bs_account *a = p->account;
	CHECK(p->account_n == 1 && !p->access_n && !p->keep_others && a->ssid == 1 &&
			a->lifetime_s == 86400 && !strcmp(a->binding, "U") &&
			a->notification_storing && !a->pmin_s && !a->pmax_s && a->has_oscore &&
			a->mode == BS_MODE_NOSEC && a->oscore.aead == 10 && a->oscore.hkdf == -10 &&
			!a->oscore.id_context_bytes && !a->oscore.recipient_id_bytes,
		"what is left out has its default");
	bs_plan_unref(p);
}

static void long_ones(void)
{
	static char json[BS_JSON_MAX + 64];
	struct bs_refusal no;
	struct bs_plan *p = NULL;
	for (size_t n = 240; n < 300; n++) {
		char uri[320];
		memset(uri, 'a', sizeof(uri));
		memcpy(uri, "coap://", 7);
		uri[n] = '\0';
		snprintf(json, sizeof(json), "{\"servers\":[{\"uri\":\"%s\"}]}", uri);
		CHECK((bs_plan_parse(span_str(json), BS_PLAN_OWN, &p, &no) == ERR_OK) ==
				(n <= BS_URI_MAX),
			"a URI has at most 255 bytes (BS-34)");
		bs_plan_unref(p);
		p = NULL;
	}
	memset(json, ' ', sizeof(json));
	memcpy(json, SERVER(URI), strlen(SERVER(URI)));
	CHECK(!bs_plan_parse(span_make(json, BS_JSON_MAX), BS_PLAN_OWN, &p, &no),
		"the largest plan");
	bs_plan_unref(p);
	CHECK(bs_plan_parse(span_make(json, BS_JSON_MAX + 1), BS_PLAN_OWN, &p, &no) == ERR_SYNTAX,
		"beyond it");
}

/* The default plan, with those of patterns. */
static void templates(void)
{
	static const struct {
		const char *what, *json, *field; /* NULL: good */
	} row[] = {
		{"a plan for all", SERVER(URI), NULL},
		{"and one for some",
			"{\"servers\":[{" URI
			"}],\"patterns\":[{\"match\":\"m-*\",\"servers\":[{" URI ",\"ssid\":5}]}]}",
			NULL},
		{"for some alone", "{\"patterns\":[{\"match\":\"m-*\",\"servers\":[{" URI "}]}]}",
			NULL},
		{"neither", "{}", "servers"},
		{"a pattern without its text", "{\"patterns\":[{\"servers\":[{" URI "}]}]}",
			"patterns[0].match"},
		{"a pattern within", "{\"patterns\":[{\"match\":\"a\",\"patterns\":[]}]}",
			"patterns[0].patterns"},
		{"a pattern's plan is checked",
			"{\"patterns\":[{\"match\":\"a\",\"servers\":[{" URI ",\"ssid\":0}]}]}",
			"patterns[0].servers[0].ssid"},
		{"a pattern's keys would be shared (SEC-15)",
			"{\"patterns\":[{\"match\":\"a\",\"servers\":[{" PSK2(2) "}]}]}",
			"patterns[0].servers[0].psk.key"},
		{"those of all too (SEC-15)", "{\"servers\":[{" PSK2(2) "}]}",
			"servers[0].psk.key"},
		{"no pattern", "{\"servers\":[{" URI "}],\"patterns\":[]}", "patterns"},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct bs_refusal no;
		struct bs_plan *p = NULL;
		static uint8_t text[BS_JSON_MAX];
		struct writer w = wr_make(text, sizeof(text));
		enum err err = bs_plan_parse(span_str(row[i].json), BS_PLAN_DEFAULT, &p, &no);
		CHECK(row[i].field ? err == ERR_SYNTAX && !strcmp(no.field, row[i].field) : !err,
			row[i].what);
		if (p)
			bs_plan_write(p, true, &w);
		bs_plan_unref(p);
		p = NULL;
		if (!err)
			CHECK(!bs_plan_parse(wr_span(&w), BS_PLAN_DEFAULT, &p, &no), "read again");
		bs_plan_unref(p);
	}
}

/* What a plan is shown as has no secret in it. */
static void no_secrets(void)
{
	struct bs_refusal no;
	struct bs_plan *p;
	char text[1024] = "";
	struct writer w = wr_make(text, sizeof(text) - 1);
	REQUIRE(!bs_plan_parse(SPAN_LIT(TWO(",\"access\":[]")), BS_PLAN_OWN, &p, &no), "a plan");
	bs_plan_write(p, false, &w);
	CHECK(!w.err && strstr(text, "6465762d31") && !strstr(text, "00ff") &&
			!strstr(text, "\"key\""),
		"the identity is shown, the key is not");
	bs_plan_unref(p);
}

/* What is at fault is named by its way through the plan. */
static void fields(void)
{
	static const struct {
		const char *json, *field;
	} at[] = {
		{"{\"server\":[]}", "server"},
		{"{}", "servers"},
		{"{\"servers\":[1]}", "servers[0]"},
		{SERVER("\"uri\":5"), "servers[0].uri"},
		{SERVER("\"uri\":\"http://x\""), "servers[0].uri"},
		{SERVER(URI ",\"ssid\":0"), "servers[0].ssid"},
		{SERVER(URI ",\"oscore\":[]"), "servers[0].oscore"},
		{SERVER(URI ",\"oscore\":{\"aead\":4}"), "servers[0].oscore.aead"},
		{SERVER(URI ",\"oscore\":{\"x\":4}"), "servers[0].oscore.x"},
		{SERVER(URI ",\"oscore\":{\"id_context_bytes\":9}"),
			"servers[0].oscore.id_context_bytes"},
		{SERVER(URI ",\"a-name-that-is-longer-than-any-of-ours-could-be-in-a-plan\":1"),
			"servers[0].a-name-that-is-longer-than-a"},
		{TWO(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":1,\"rights\":{\"2\":"
		     "\"X\"}}]"),
			"access[0].rights.2"},
		{SERVER(URIS ",\"psk\":{\"identity\":\"61\",\"key\":\"6\"}"), "servers[0].psk.key"},
		{"[]", ""},
		{"{", ""},
	};
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct bs_refusal no;
		struct bs_plan *p;
		bool good =
			bs_plan_parse(span_str(at[i].json), BS_PLAN_OWN, &p, &no) == ERR_SYNTAX &&
			!strcmp(no.field, at[i].field);
		CHECK(good, at[i].json);
		if (!good)
			printf("  %s\n", no.field);
	}
}

int main(void)
{
	table();
	fields();
	presets();
	templates();
	no_secrets();
	long_ones();
	return test_done();
}
