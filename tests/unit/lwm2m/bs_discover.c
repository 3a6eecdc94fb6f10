/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/link.h"

#include "tests/unit/test.h"

/* `want`: lwm2m, version of /21, then oid/iid=ssid of each instance. NULL: refused. */
static const struct {
	const char *what, *text, *want;
} rows[] = {
	{"Core TS 6.1.7.3, third",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101;uri=\"coaps://server_1.example.com\", "
		"</1/0/>;ssid=101, </3/0>,</5>,</4>, </55>;ver=1.9,</55/0>",
		"11 0 0/0=0 0/1=101"},
	{"Core TS 6.1.7.3, fourth",
		"</>;lwm2m=1.2,</0/0>;ssid=101;uri=\"coaps://server_1.example.com\",</0/1>,"
		"</21/0>;ssid=101,</24/1>,</23/65>",
		"12 0 0/0=101 0/1=0 21/0=101"},
	{"Core TS 6.1.7.3 note: the old form, BS-12",
		"lwm2m=1.0,</0/0>;ssid=101,</0/1/>,</0/2>;ssid=102", "10 0 0/0=101 0/1=0 0/2=102"},
	{"the old form in quotes, CT-93", "lwm2m=\"1.0\",</0/0>", "10 0 0/0=0"},
	{"the old form is first or not at all", "</0/0>,lwm2m=1.0", NULL},
	{"version in quotes", "</>;lwm2m=\"1.1\"", "11 0"},
	{"no version", "</0/0>;ssid=1", "0 0 0/0=1"},
	{"a version of the future", "</>;lwm2m=2.0,</1>", "0 0"},
	{"no version at all", "</>;lwm2m=x,</1>", "0 0"},
	{"version of Object 21", "</>;lwm2m=1.2,</21>;ver=2.0,</21/1>;ssid=5;uri=\"coap://h\"",
		"12 20 21/1=5"},
	{"version of Object 21 at its instance", "</21/0>;ver=\"1.1\",</21/1>",
		"0 11 21/0=0 21/1=0"},
	{"version of another object", "</3>;ver=1.1", "0 0"},
	{"an unused slot, CT-93", "</0/3>;ssid=0", "0 0 0/3=65535"},
	{"ssid is no number", "</0/3>;ssid=x,</0/4>;ssid,</0/5>;ssid=65535",
		"0 0 0/3=65535 0/4=65535 0/5=65535"},
	{"largest ssid", "</0/3>;ssid=\"65534\"", "0 0 0/3=65534"},
	{"links that are no instance", "</>,</1>,</1/0/1>,</x/1>,</65535/0>,<coap://h/1/0>", "0 0"},
	{"devices behind a gateway (GW-07)",
		"</>;lwm2m=1.2,</0/0>,</d01/0/1>;ssid=5,</d01/21>;ver=2.0,</d01/21/0>,</d01/>,</"
		"d01>",
		"12 0 0/0=0"},
	{"nothing", "", "0 0"},
	{"no link format", "</0/0>,", NULL},
	{"text", "hello", NULL},
};

static struct span dump(const struct lwm_bs_discover *d, char *buf, size_t cap)
{
	struct writer w = wr_make(buf, cap);

	wr_fmt(&w, "%u %u", d->lwm2m, d->oscore_version);
	for (uint8_t i = 0; i < d->inst_n; i++)
		wr_fmt(&w, " %u/%u=%u", d->inst[i].oid, d->inst[i].iid, d->inst[i].ssid);
	return wr_span(&w);
}

static void test_many(void)
{
	static char text[4096];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_bs_discover d;

	for (int i = 0; i < LWM_BS_INSTANCES_MAX + 10; i++)
		wr_fmt(&w, "%s</3303/%d>", i ? "," : "", i);
	wr_str(&w, ",</>;lwm2m=1.2");
	wr_str(&w, ",</0/7>");
	CHECK(lwm_bs_discover_parse(wr_span(&w), &d) == ERR_OK, "many instances");
	CHECK(d.inst_n == 1 && d.inst[0].iid == 7 && d.lwm2m == 12,
		"only those of Objects 0 and 21 are kept");
	w = wr_make(text, sizeof(text));
	for (int i = 0; i <= LWM_BS_INSTANCES_MAX; i++)
		wr_fmt(&w, "%s</21/%d>", i ? "," : "", i);
	CHECK(lwm_bs_discover_parse(wr_span(&w), &d) == ERR_LIMIT, "and all of these, or none");
}

static void test_servers(void)
{
	static char text[4096];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_bs_discover d;

	CHECK(lwm_bs_discover_parse(
		      SPAN_LIT("</>;lwm2m=1.1,</1/0>;ssid=101,</1/3>,</2>,</3/0>"), &d) == ERR_OK &&
			d.server_n == 2 && d.server[0].iid == 0 && d.server[0].ssid == 101 &&
			d.server[1].iid == 3 && !d.server[1].ssid && !d.access && !d.inst_n,
		"instances of Object 1 with their SSIDs, and none of Object 2 (BS-11)");
	CHECK(lwm_bs_discover_parse(SPAN_LIT("</2/5>"), &d) == ERR_OK && d.access && !d.server_n,
		"instances of Object 2");
	for (int i = 0; i <= LWM_BS_SERVERS_MAX; i++)
		wr_fmt(&w, "%s</1/%d>", i ? "," : "", i);
	CHECK(lwm_bs_discover_parse(wr_span(&w), &d) == ERR_LIMIT, "all of these, or none");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lwm_bs_discover d = {.lwm2m = 99};
		char buf[256];
		enum err e = lwm_bs_discover_parse(span_str(rows[i].text), &d);

		CHECK(e == (rows[i].want ? ERR_OK : ERR_SYNTAX), rows[i].what);
		if (e)
			CHECK(d.lwm2m == 99, "an error leaves the output alone");
		else
			CHECK_BYTES(
				dump(&d, buf, sizeof(buf)), span_str(rows[i].want), rows[i].what);
	}
	test_many();
	test_servers();
	return test_done();
}
