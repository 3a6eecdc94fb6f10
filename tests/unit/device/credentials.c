/* SPDX-License-Identifier: Apache-2.0 */
#include "device/credentials.h"

#include "tests/unit/test.h"

static const struct {
	const char *what, *text;
	enum err parse, check;
} files[] = {
	{"bootstrap",
		"endpoint=a\nbootstrap_uri=coap://"
		"h:1\nmaster_secret=01\nsender_id=\nrecipient_id=02\n",
		ERR_OK, ERR_OK},
	{"comments, spaces and a missing newline",
		"# x\n\n endpoint = a "
		"\r\nserver_uri=coap://[::1]\nmaster_secret=01\nsender_id=01\nrecipient_id=",
		ERR_OK, ERR_OK},
	{"nothing", "", ERR_OK, ERR_STATE},
	{"no URI", "endpoint=a\nmaster_secret=01\nsender_id=01\nrecipient_id=02", ERR_OK,
		ERR_STATE},
	{"no ids", "endpoint=a\nserver_uri=coap://h\nmaster_secret=01", ERR_OK, ERR_STATE},
	{"equal ids (RFC 8613 section 3.3)",
		"endpoint=a\nserver_uri=coap://h\nmaster_secret=01\nsender_id=01\nrecipient_id=01",
		ERR_OK, ERR_STATE},
	{"unknown key", "endpiont=a", ERR_NOTFOUND, ERR_OK},
	{"no value", "endpoint", ERR_RANGE, ERR_OK},
	{"odd hex", "master_secret=0", ERR_SYNTAX, ERR_OK},
	{"secret too long",
		"master_secret=000000000000000000000000000000000000000000000000000000000000000000",
		ERR_RANGE, ERR_OK},
	{"id of 8 bytes", "sender_id=0102030405060708", ERR_RANGE, ERR_OK},
	{"not coap", "server_uri=http://h", ERR_UNSUPPORTED, ERR_OK},
	{"coaps without a key",
		"endpoint=a\nserver_uri=coaps://h\nmaster_secret=00\nsender_id=01\nrecipient_id=02",
		ERR_OK, ERR_STATE},
	{"coaps with one",
		"endpoint=a\nserver_uri=coaps://"
		"h\nmaster_secret=00\nsender_id=01\nrecipient_id=02\npsk_identity=me\npsk_key=0011",
		ERR_OK, ERR_OK},
	{"a key that is no hex", "psk_key=xy", ERR_SYNTAX, ERR_OK},
	{"an empty identity", "psk_identity=", ERR_RANGE, ERR_OK},
};

static const struct {
	const char *uri;
	enum err err;
	const char *host;
	uint16_t port;
} uris[] = {
	{"coap://h", ERR_OK, "h", 5683},
	{"coap://h/", ERR_OK, "h", 5683},
	{"coap://192.0.2.1:5783", ERR_OK, "192.0.2.1", 5783},
	{"coap://[2001:db8::1]", ERR_OK, "2001:db8::1", 5683},
	{"coap://[2001:db8::1]:1", ERR_OK, "2001:db8::1", 1},
	{"coap+tcp://h", ERR_OK, "h", 5683},
	{"coap+tcp://[::1]:5783", ERR_OK, "::1", 5783},
	{"coap+tcp://", ERR_SYNTAX, "", 0},
	{"coap+tcp:h", ERR_UNSUPPORTED, "", 0},
	{"coaps://h", ERR_OK, "h", 5684},
	{"coaps+tcp://[::1]", ERR_OK, "::1", 5684},
	{"coaps://h:5683", ERR_OK, "h", 5683},
	{"coaps://", ERR_SYNTAX, "", 0},
	{"coaps+udp://h", ERR_UNSUPPORTED, "", 0},
	{"coap://", ERR_SYNTAX, "", 0},
	{"coap://h:", ERR_SYNTAX, "", 0},
	{"coap://[::1]:", ERR_SYNTAX, "", 0},
	{"coap://h:0", ERR_SYNTAX, "", 0},
	{"coap://h:65536", ERR_RANGE, "", 0},
	{"coap://h/rd", ERR_SYNTAX, "", 0},
	{"coap://a b", ERR_SYNTAX, "", 0},
	{"", ERR_UNSUPPORTED, "", 0},
};

static const struct {
	const char *what, *line;
	enum err err;
	uint8_t sender; /* first byte of the device's Sender ID */
} lines[] = {
	{"as the device sees it",
		"{\"endpoint\":\"a\",\"sender_id\":\"05\",\"recipient_id\":\"06\"}", ERR_OK, 5},
	{"as the server sees it",
		" { \"role\" : \"server\", "
		"\"endpoint\":\"a\\\"b\",\"sender_id\":\"05\",\"recipient_id\":\"06\"} ",
		ERR_OK, 6},
	{"other keys and kinds", "{\"n\":12,\"ok\":true,\"note\":\"x\",\"sender_id\":\"05\"}",
		ERR_OK, 5},
	{"algorithms by number", "{\"aead\":30, \"hkdf\":-11,\"sender_id\":\"05\"}", ERR_OK, 5},
	{"algorithms by name",
		"{\"sender_id\":\"05\",\"aead\":\"A128GCM\",\"hkdf\":\"HKDF-SHA-512\"}", ERR_OK, 5},
	{"an HMAC's number", "{\"sender_id\":\"05\",\"hkdf\":7}", ERR_OK, 5},
	{"no AEAD", "{\"aead\":5}", ERR_RANGE, 0},
	{"no HKDF", "{\"hkdf\":6}", ERR_RANGE, 0},
	{"an unknown name", "{\"aead\":\"ROT13\"}", ERR_SYNTAX, 0},
	{"as the import has it",
		"{\"endpoint\":\"a\",\"credentials\":{\"oscore\":{\"role\":\"server\","
		"\"sender_id\":\"05\",\"recipient_id\":\"06\"} } }",
		ERR_OK, 6},
	{"and keys behind it", "{\"oscore\":{\"recipient_id\":\"06\"},\"sender_id\":\"05\"}",
		ERR_OK, 5},
	{"an object of another name", "{\"psk\":{\"sender_id\":\"05\"}}", ERR_SYNTAX, 0},
	{"objects without end", "{\"oscore\":{\"oscore\":{\"oscore\":{\"sender_id\":\"05\"}}}}",
		ERR_SYNTAX, 0},
	{"an inner object left open", "{\"oscore\":{\"sender_id\":\"05\"}", ERR_SHORT, 0},
	{"one closed too often", "{\"oscore\":{\"sender_id\":\"05\"}}}", ERR_SYNTAX, 0},
	{"role", "{\"role\":\"admin\"}", ERR_RANGE, 0},
	{"bad hex", "{\"sender_id\":\"0x\"}", ERR_SYNTAX, 0},
	{"open", "{\"sender_id\":\"05\"", ERR_SHORT, 0},
	{"open string", "{\"sender_id\":\"05", ERR_SHORT, 0},
	{"trailing bytes", "{\"sender_id\":\"05\"}x", ERR_SYNTAX, 0},
	{"array", "[]", ERR_SYNTAX, 0},
	{"empty", "", ERR_SHORT, 0},
};

static void check_tables(void)
{
	struct dev_credentials c;
	char why[DEV_REASON_MAX];
	struct span host;
	uint16_t port;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		enum err e = dev_credentials_parse(span_str(files[i].text), &c, why);
		CHECK(e == files[i].parse, files[i].what);
		if (e == ERR_OK)
			CHECK(dev_credentials_check(&c, why) == files[i].check, files[i].what);
	}
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		enum err e = dev_uri_parse(span_str(uris[i].uri), &host, &port);
		bool good = e == uris[i].err &&
			    (e || (span_eq_str(host, uris[i].host) && port == uris[i].port));
		CHECK(good, uris[i].uri);
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		enum err e =
			dev_credentials_json(span_str(lines[i].line), NULL, "coap://h", &c, why);
		CHECK(e == lines[i].err && (e || c.sender_id.p[0] == lines[i].sender),
			lines[i].what);
	}
}

static void check_algorithms(void)
{
	static const struct {
		const char *aead, *hkdf;
		int a, h;
	} rows[] = {{"10", "-10", 10, -10}, {"24", "5", 24, -10}, {"1", "7", 1, -11},
		{"aes-ccm-64-128-256", "hkdf-sha-512", 33, -11}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dev_credentials c = {0};
		CHECK(!dev_credentials_set(&c, SPAN_LIT("aead"), span_str(rows[i].aead)) &&
				!dev_credentials_set(
					&c, SPAN_LIT("hkdf"), span_str(rows[i].hkdf)) &&
				c.aead == rows[i].a && c.hkdf == rows[i].h,
			rows[i].aead);
	}
}

static void check_truncations(void)
{
	static const char line[] = "{\"endpoint\":\"a\",\"role\":\"server\",\"sender_id\":\"05\"}";
	struct dev_credentials c;
	char why[DEV_REASON_MAX];
	bool refused = true;
	for (size_t n = 0; n < sizeof(line) - 1; n++)
		refused &= dev_credentials_json(span_make(line, n), NULL, NULL, &c, why) != ERR_OK;
	CHECK(refused, "every truncation of a JSON line is refused");
}

/* The derivation is a promise to those who provision servers: fixed values. */
static void check_fleet(void)
{
	struct osc_crypto *crypto;
	struct dev_credentials c, again;
	char why[DEV_REASON_MAX];
	uint8_t text[1024], mac[OSC_SHA256];
	REQUIRE(osc_crypto_new(&crypto) == ERR_OK, "crypto");
	REQUIRE(dev_credentials_derive(crypto, "dev", SPAN_LIT("seed"), 7, DEV_ROLE_SERVER, &c) ==
			ERR_OK,
		"derive");
	CHECK(strcmp(c.endpoint, "dev000007") == 0, "endpoint of a fleet");
	REQUIRE(osc_hmac256(crypto, SPAN_LIT("seed"), SPAN_LIT("dev000007 server secret"), mac) ==
			ERR_OK,
		"HMAC");
	CHECK_BYTES(
		span_make(c.master_secret, c.secret_n), span_make(mac, 16), "secret of a fleet");
	REQUIRE(osc_hmac256(crypto, SPAN_LIT("seed"), SPAN_LIT("dev000007 server salt"), mac) ==
			ERR_OK,
		"HMAC");
	CHECK_BYTES(span_make(c.master_salt, c.salt_n), span_make(mac, 8), "salt of a fleet");
	CHECK(c.sender_id.n == 5 && c.sender_id.p[0] == 's' && c.sender_id.p[4] == 7, "sender id");
	CHECK(dev_credentials_derive(crypto, "dev", SPAN_LIT("seed"), 1 << 24, DEV_ROLE_SERVER,
		      &again) == ERR_RANGE,
		"2^24 endpoints are the most");
	struct writer w = wr_make(text, sizeof(text));
	dev_credentials_write_json(&c, DEV_ROLE_SERVER, &w);
	struct span line = span_sub(wr_span(&w), 0, w.n - 1);
	static const char start[] =
		"{\"endpoint\":\"dev000007\",\"credentials\":{\"oscore\":{\"role\":\"server\",";
	CHECK_BYTES(span_sub(line, 0, sizeof(start) - 1), span_str(start), "the import's form");
	REQUIRE(dev_credentials_json(line, NULL, "coap://h", &again, why) == ERR_OK,
		"own line is read");
	CHECK(strcmp(again.endpoint, c.endpoint) == 0 &&
			span_eq(osc_id_span(&again.sender_id), osc_id_span(&c.sender_id)) &&
			span_eq(osc_id_span(&again.recipient_id), osc_id_span(&c.recipient_id)) &&
			memcmp(again.master_secret, c.master_secret, 16) == 0,
		"a line printed for the server leads back to the same device");
	osc_crypto_free(crypto);
}

int main(void)
{
	check_tables();
	check_algorithms();
	check_truncations();
	check_fleet();
	return test_done();
}
