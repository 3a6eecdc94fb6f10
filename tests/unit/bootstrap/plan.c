/* SPDX-License-Identifier: Apache-2.0 */
/* Plans as JSON: what is read, what is refused and why, and back again. */
#include "bootstrap/plan.h"

#include "tests/unit/test.h"

#define SERVER(members) "{\"servers\":[{" members "}]}"
#define URI             "\"uri\":\"coap://h:1\""

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
	{"no account", "{\"servers\":[]}", "exactly one"},
	{"two accounts", "{\"servers\":[{" URI "},{" URI "}]}", "exactly one"},
	{"an account that is none", "{\"servers\":[1]}", "object"},
	{"an unknown member", "{\"servers\":[{" URI "}],\"x\":1}", "unknown member x"},
	{"an unknown member of an account", SERVER(URI ",\"secret\":\"x\""),
		"unknown member secret"},
	{"no uri", SERVER("\"ssid\":1"), "uri"},
	{"uri no string", SERVER("\"uri\":1"), "uri must be a string"},
	{"uri null", SERVER("\"uri\":null"), "uri must be a string"},
	{"uri empty", SERVER("\"uri\":\"\""), "uri"},
	{"uri without host", SERVER("\"uri\":\"coap://\""), "uri"},
	{"another scheme", SERVER("\"uri\":\"coaps://h\""), "coap://"},
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

static bool same(const struct bs_plan *a, const struct bs_plan *b)
{
	return !strcmp(a->uri, b->uri) && !strcmp(a->binding, b->binding) && a->ssid == b->ssid &&
	       a->lifetime_s == b->lifetime_s && a->pmin_s == b->pmin_s && a->pmax_s == b->pmax_s &&
	       a->notification_storing == b->notification_storing &&
	       a->oscore.aead == b->oscore.aead && a->oscore.hkdf == b->oscore.hkdf &&
	       a->oscore.hkdf_number == b->oscore.hkdf_number &&
	       a->oscore.id_context_bytes == b->oscore.id_context_bytes &&
	       a->oscore.recipient_id_bytes == b->oscore.recipient_id_bytes;
}

static void table(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bs_refusal no;
		uint8_t text[BS_JSON_MAX];
		struct bs_plan p = {.ssid = 4711}, again;
		struct writer w = wr_make(text, sizeof(text));
		enum err err = bs_plan_parse(span_str(rows[i].json), &p, &no);
		CHECK(rows[i].why ? err == ERR_SYNTAX && strstr(no.text, rows[i].why) : !err,
			rows[i].what);
		CHECK(rows[i].why ? p.ssid == 4711 : p.ssid != 4711, "refused, nothing is touched");
		if (err)
			continue;
		bs_plan_write(&p, &w);
		CHECK(!w.err && !bs_plan_parse(wr_span(&w), &again, &no) && same(&p, &again),
			"written and read back it is the same");
	}
}

static void presets(void)
{
	struct bs_refusal no;
	struct bs_plan p;
	REQUIRE(bs_plan_parse(SPAN_LIT(SERVER(URI)), &p, &no) == ERR_OK, "the least");
	CHECK(p.ssid == 1 && p.lifetime_s == 86400 && !strcmp(p.binding, "U") &&
			p.notification_storing && !p.pmin_s && !p.pmax_s && p.oscore.aead == 10 &&
			p.oscore.hkdf == -10 && !p.oscore.id_context_bytes &&
			!p.oscore.recipient_id_bytes,
		"what is left out has its default");
}

static void long_ones(void)
{
	char json[BS_JSON_MAX + 64];
	struct bs_refusal no;
	struct bs_plan p;
	for (size_t n = 240; n < 300; n++) {
		char uri[320];
		memset(uri, 'a', sizeof(uri));
		memcpy(uri, "coap://", 7);
		uri[n] = '\0';
		snprintf(json, sizeof(json), "{\"servers\":[{\"uri\":\"%s\"}]}", uri);
		CHECK((bs_plan_parse(span_str(json), &p, &no) == ERR_OK) == (n <= BS_URI_MAX),
			"a URI has at most 255 bytes (BS-34)");
	}
	memset(json, ' ', sizeof(json));
	memcpy(json, SERVER(URI), strlen(SERVER(URI)));
	CHECK(!bs_plan_parse(span_make(json, BS_JSON_MAX), &p, &no), "the largest plan");
	CHECK(bs_plan_parse(span_make(json, BS_JSON_MAX + 1), &p, &no) == ERR_SYNTAX, "beyond it");
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
		{"[]", ""},
		{"{", ""},
	};
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct bs_refusal no;
		struct bs_plan p;
		bool good = bs_plan_parse(span_str(at[i].json), &p, &no) == ERR_SYNTAX &&
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
	long_ones();
	return test_done();
}
