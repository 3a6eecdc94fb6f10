/* SPDX-License-Identifier: Apache-2.0 */
/* Captured messages taken apart: those of RFC 8613 Appendix C, and every way in which one fails. */
#include "oscore/inspect.h"

#include "base/text.h"
#include "tests/unit/oscore/fixture.h"

static struct osc_crypto *crypto;
static const struct fx_inputs c2 = {10, "0102030405060708090a0b0c0d0e0f10", "", "00", "01", NULL};
static const struct fx_inputs c3 = {
	10, "0102030405060708090a0b0c0d0e0f10", "9e7ca92223786340", "", "01", "37cbf3210017a2d3"};

#define C4 "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e"
#define C5 "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0"
#define C6                                                                                         \
	"44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3"
#define C7 "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106"
#define C8 "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e"

/* An option of these bytes at the place of that in C4, with Uri-Host before it. */
#define WITH(length, option)                                                                       \
	"44025d1f00003974396c6f63616c686f73746" length option "ff612f1092f1776f1c1668b3825e"

static const struct row {
	const char *what;
	const struct fx_inputs *inputs; /* NULL: no context */
	bool client;                    /* seen by the client; else by the server */
	const char *message, *request, *kid, *piv;
	enum osc_inspected want;
	const char *has; /* in the JSON */
} rows[] = {
	{"C.4 at the server", &fx_c1, false, C4, NULL, NULL, NULL, OSC_INSPECT_OPENED,
		"\"oscore\":{\"flags\":9,\"partial_iv\":\"14\",\"kid\":\"\",\"kid_context\":null},"
		"\"direction\":\"in\",\"inner\":{\"code\":\"0.01\",\"options\":[{\"number\":11,"
		"\"name\":\"Uri-Path\",\"value\":\"tv1\"}],\"payload_bytes\":0}}"},
	{"C.4 at the client, who sent it", &fx_c1, true, C4, NULL, NULL, NULL, OSC_INSPECT_OPENED,
		"\"direction\":\"out\",\"inner\":{\"code\":\"0.01\""},
	{"C.4, outside", &fx_c1, false, C4, NULL, NULL, NULL, OSC_INSPECT_OPENED,
		"{\"outer\":{\"type\":\"CON\",\"code\":\"0.02\",\"mid\":23839,\"token\":"
		"\"00003974\","
		"\"options\":[{\"number\":3,\"name\":\"Uri-Host\",\"value\":\"localhost\"}"},
	{"C.5", &c2, false, C5, NULL, NULL, NULL, OSC_INSPECT_OPENED, "\"kid\":\"00\""},
	{"C.6", &c3, false, C6, NULL, NULL, NULL, OSC_INSPECT_OPENED,
		"\"kid_context\":\"37cbf3210017a2d3\"},\"direction\":\"in\",\"inner\":"},
	{"C.6 without an ID Context", &fx_c1, false, C6, NULL, NULL, NULL, OSC_INSPECT_FOREIGN,
		"\"reason\":\"unknown-kid-context\""},
	{"C.7 with its request", &fx_c1, true, C7, C4, NULL, NULL, OSC_INSPECT_OPENED,
		"\"direction\":\"in\",\"inner\":{\"code\":\"2.05\",\"options\":[],\"payload_"
		"bytes\":"
		"12,\"payload_hex\":\"48656c6c6f20576f726c6421\"}}"},
	{"C.7 at the server, who sent it", &fx_c1, false, C7, NULL, "", "14", OSC_INSPECT_OPENED,
		"\"direction\":\"out\""},
	{"C.8", &fx_c1, true, C8, NULL, "", "14", OSC_INSPECT_OPENED,
		"\"oscore\":{\"flags\":1,\"partial_iv\":\"00\",\"kid\":null"},
	{"C.8 with its request", &fx_c1, false, C8, C4, NULL, NULL, OSC_INSPECT_OPENED,
		"\"payload_hex\":\"48656c6c6f20576f726c6421\""},
	{"a response alone", &fx_c1, true, C7, NULL, NULL, NULL, OSC_INSPECT_FOREIGN,
		"\"reason\":\"no-request\""},
	{"what is no request", &fx_c1, true, C7, C8, NULL, NULL, OSC_INSPECT_FOREIGN,
		"\"reason\":\"no-request\""},
	{"another request", &fx_c1, true, C7, NULL, "", "15", OSC_INSPECT_FAILED,
		"\"reason\":\"tag\""},
	{"a kid that is nobody's", &fx_c1, true, C7, NULL, "07", "14", OSC_INSPECT_FOREIGN,
		"\"reason\":\"unknown-kid\""},
	{"the kid of the other end", &fx_c1, true, C7, NULL, "01", "14", OSC_INSPECT_FAILED,
		"\"reason\":\"wrong-direction\""},
	{"other keys", &c2, false, WITH("3", "091400"), NULL, NULL, NULL, OSC_INSPECT_FAILED,
		"\"reason\":\"tag\""},
	{"no context", NULL, false, C4, NULL, NULL, NULL, OSC_INSPECT_FOREIGN,
		"\"reason\":\"unknown-kid\""},
	{"a kid of eight bytes", &fx_c1, false, WITH("a", "09140102030405060708"), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "\"reason\":\"unknown-kid\""},
	{"no OSCORE", &fx_c1, false, "44015d1f00003974b3747631", NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "\"reason\":\"no-oscore\""},
	{"no CoAP", &fx_c1, false, "0102", NULL, NULL, NULL, OSC_INSPECT_FOREIGN,
		"{\"outer\":null,\"error\":{\"reason\":\"malformed-message\""},
	{"no payload", &fx_c1, false, "44025d1f00003974920914", NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "\"reason\":\"malformed-message\""},
	{"two options", &fx_c1, false, "44025d1f00003974920914020914ff612f1092f1776f1c1668b3825e",
		NULL, NULL, NULL, OSC_INSPECT_FOREIGN, "there are two of them"},
	{"a request with an empty option", &fx_c1, false, WITH("0", ""), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "a request needs a kid and a Partial IV"},
	{"a reserved flag", &fx_c1, false, WITH("2", "8914"), NULL, NULL, NULL, OSC_INSPECT_FOREIGN,
		"a reserved flag is set\",\"byte\":0"},
	{"six bytes of Partial IV", &fx_c1, false, WITH("7", "0e010203040506"), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "at most 5 bytes\",\"byte\":0"},
	{"a Partial IV that ends", &fx_c1, false, WITH("2", "0a14"), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "Partial IV ends too early\",\"byte\":2"},
	{"a Partial IV with a zero", &fx_c1, false, WITH("3", "0a0014"), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "not needed\",\"byte\":1"},
	{"no length of a kid context", &fx_c1, false, WITH("2", "1914"), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "kid context ends too early\",\"byte\":2"},
	{"a kid context that ends", &fx_c1, false, WITH("4", "19140237"), NULL, NULL, NULL,
		OSC_INSPECT_FOREIGN, "kid context ends too early\",\"byte\":4"},
	{"left over", &fx_c1, false, WITH("3", "011407"), NULL, NULL, NULL, OSC_INSPECT_FOREIGN,
		"bytes are left over, and no flag says that they are a kid\",\"byte\":2"},
};

static enum osc_inspected look(const struct row *r, const struct osc_inspect *in, bool mask,
	char json[static OSC_INSPECT_JSON])
{
	struct osc_inspect_context x = {.mask = mask};
	struct writer w = wr_make(json, OSC_INSPECT_JSON - 1);

	if (r->inputs)
		x.keys = fx_keys(crypto, r->inputs, r->client);
	if (r->inputs && r->inputs->id_context)
		x.id_context = test_hex(r->inputs->id_context);
	enum osc_inspected got = osc_inspect(crypto, in, r->inputs ? &x : NULL, &w);
	CHECK(!w.err, "it fits");
	json[w.n] = '\0';
	return got;
}

static struct osc_inspect input(const struct row *r)
{
	return (struct osc_inspect){.message = test_hex(r->message),
		.request = r->request ? test_hex(r->request) : SPAN_EMPTY,
		.has_kid = r->kid != NULL,
		.kid = r->kid ? test_hex(r->kid) : SPAN_EMPTY,
		.piv = r->piv ? test_hex(r->piv) : SPAN_EMPTY};
}

static void check_row(const struct row *r)
{
	static char json[OSC_INSPECT_JSON];
	struct osc_inspect in = input(r);
	enum osc_inspected got = look(r, &in, false, json);

	CHECK(got == r->want, r->what);
	CHECK(strstr(json, r->has), r->what);
	if (got != r->want || !strstr(json, r->has))
		printf("  %s\n", json);
	CHECK((strstr(json, "\"error\"") == NULL) == (got == OSC_INSPECT_OPENED),
		"an error, or it is opened");
}

/* No prefix opens, and none with a bit changed in option or ciphertext. */
static void check_damage(void)
{
	static char json[OSC_INSPECT_JSON];
	static const struct row r = {.inputs = &fx_c1, .message = C4};
	uint8_t bytes[64];
	struct osc_inspect in = input(&r);
	size_t n = in.message.n;

	memcpy(bytes, in.message.p, n);
	for (size_t i = 0; i < n; i++) {
		in.message = span_make(bytes, i);
		CHECK(look(&r, &in, false, json) != OSC_INSPECT_OPENED, "a prefix");
	}
	in.message = span_make(bytes, n);
	for (size_t i = 18; i < n; i++) {
		bytes[i] ^= 1;
		CHECK(look(&r, &in, false, json) != OSC_INSPECT_OPENED, "a changed byte");
		bytes[i] ^= 1;
	}
	CHECK(look(&r, &in, false, json) == OSC_INSPECT_OPENED, "as it was");
}

/* Every option of up to three bytes: what the parser refuses has a byte that is wrong. */
static void check_faults(void)
{
	static char json[OSC_INSPECT_JSON];
	static const struct row r = {.inputs = NULL};
	uint8_t bytes[] = {0x40, 0x02, 0, 1, 0x90, 0, 0, 0, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct osc_option o;

	for (unsigned v = 0; v < 256 * 256; v++) {
		uint8_t m[20];
		size_t n = 1 + v % 3;
		memcpy(m, bytes, sizeof(bytes));
		m[4] = (uint8_t)(0x90 | n);
		m[5] = (uint8_t)(v >> 8);
		m[6] = (uint8_t)v;
		m[7] = 3;
		memmove(&m[5 + n], &bytes[8], 10);
		struct osc_inspect in = {.message = span_make(m, 5 + n + 10)};
		bool bad = osc_option_parse(span_make(&m[5], n), &o) != ERR_OK;
		(void)look(&r, &in, false, json);
		if (bad != (strstr(json, "\"byte\":") != NULL))
			CHECK(false, json);
	}
	CHECK(strstr(json, "outer"), "there was something");
}

static void check_mask(void)
{
	static char json[OSC_INSPECT_JSON];
	struct row r = {.inputs = &fx_c1};
	struct osc_keys client = fx_keys(crypto, &fx_c1, true);
	uint8_t buf[128], wire[128];
	struct writer w = wr_make(buf, sizeof(buf)), bytes = wr_make(wire, sizeof(wire));
	struct osc_binding b;
	struct msg plain, out;

	msg_init(&plain, MSG_CON, MSG_PUT);
	plain.payload = SPAN_LIT("key");
	REQUIRE(osc_protect_request(crypto, &client, 5, NULL, &plain, &w, &out, &b) == ERR_OK &&
			msg_encode_udp(&out, &bytes) == ERR_OK,
		"a request");
	struct osc_inspect in = {.message = wr_span(&bytes)};
	CHECK(look(&r, &in, false, json) == OSC_INSPECT_OPENED, "it opens");
	CHECK(strstr(json, "\"payload_hex\":\"6b6579\""), "its payload is there");
	CHECK(look(&r, &in, true, json) == OSC_INSPECT_OPENED, "it opens");
	CHECK(strstr(json, "\"payload_bytes\":3,\"masked\":true}}") && !strstr(json, "6b6579"),
		"its payload is not shown");
}

int main(void)
{
	crypto = fx_crypto();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	check_damage();
	check_faults();
	check_mask();
	osc_crypto_free(crypto);
	return test_done();
}
