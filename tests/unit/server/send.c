/* SPDX-License-Identifier: Apache-2.0 */
/* Send: what a device reports by itself. Proves: IR-09, IR-10 */
#include "tests/unit/server/rig.h"

#define JSON  LWM_CF_SENML_JSON
#define LINKS "</1/0>,</3/0>,</3303/0>,</3303/1>"

static const struct {
	const char *what, *links;
	int cf;
	const char *payload;
	uint8_t code;
	const char *told;
} rows[] = {
	{"a value without a time", LINKS, JSON, "[{\"n\":\"/3/0/9\",\"v\":80}]", MSG_CHANGED,
		"[110 /3/0/9=80]"}, /* IR-09, CT-71 */
	{"with one", LINKS, JSON, "[{\"n\":\"/3/0/9\",\"v\":80,\"t\":1600000000}]", MSG_CHANGED,
		"[110 /3/0/9=80@1600000000]"}, /* CT-71 */
	{"several of one path: each sample counts", LINKS, JSON,
		"[{\"bn\":\"/3/0/"
		"9\",\"bt\":1600000000,\"v\":80},{\"v\":79,\"t\":5},{\"v\":78,\"t\":"
		"9}]",
		MSG_CHANGED,
		"[110 /3/0/9=80@1600000000 /3/0/9=79@1600000005 /3/0/9=78@1600000009]"}, /* CT-71 */
	{"of two objects", LINKS, JSON,
		"[{\"n\":\"/3/0/9\",\"v\":80},{\"n\":\"/3303/1/5700\",\"v\":1.5}]", MSG_CHANGED,
		"[110 /3/0/9=80 /3303/1/5700=1.5]"}, /* IR-09 */
	{"a Resource that nobody knows", LINKS, JSON, "[{\"n\":\"/3/0/4711\",\"v\":1}]",
		MSG_CHANGED, "[110 /3/0/4711=1]"}, /* IR-10 */
	{"an Object Instance that is not registered", LINKS, JSON,
		"[{\"n\":\"/3303/2/5700\",\"v\":1}]", MSG_NOT_FOUND, ""}, /* IR-09 */
	{"an Object that is not", LINKS, JSON, "[{\"n\":\"/4/0/0\",\"v\":1}]", MSG_NOT_FOUND,
		""}, /* IR-09 */
	{"one good value does not help", LINKS, JSON,
		"[{\"n\":\"/3/0/9\",\"v\":80},{\"n\":\"/4/0/0\",\"v\":1}]", MSG_NOT_FOUND,
		""}, /* IR-09 */
	{"a device behind a gateway", LINKS, JSON, "[{\"n\":\"/d01/4/0/0\",\"v\":1}]", MSG_CHANGED,
		"[110 d01/4/0/0=1]"}, /* IR-09, GW-05 */
	{"under an alternate path", "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/3/0>", JSON,
		"[{\"n\":\"/lwm2m/3/0/9\",\"v\":80}]", MSG_CHANGED, "[110 /3/0/9=80]"}, /* GEN-06 */
	{"a value that does not fit its type is told", LINKS, JSON,
		"[{\"n\":\"/3/0/9\",\"vs\":\"x\"}]", MSG_CHANGED, "[110 /3/0/9]"}, /* DM-20 */
	{"SenML CBOR", LINKS, LWM_CF_SENML_CBOR, "\x81\xa2\x21\x66/3/0/9\x02\x18\x50", MSG_CHANGED,
		"[112 /3/0/9=80]"}, /* IR-09 */
	{"LwM2M CBOR (FMT-35)", LINKS, LWM_CF_LWM2M_CBOR,
		"\xa1\x19\x0c\xe7\xa1\x01\xa1\x19\x16\x44\x18\x50", MSG_CHANGED,
		"[11544 /3303/1/5700=80.0]"},                      /* IR-09 */
	{"no JSON", LINKS, JSON, "[{\"n\":", MSG_BAD_REQUEST, ""}, /* IR-09 */
	{"no values", LINKS, JSON, "[]", MSG_BAD_REQUEST, ""},     /* IR-09 */
	{"nothing", LINKS, JSON, "", MSG_BAD_REQUEST, ""},         /* IR-09 */
	{"no format", LINKS, -1, "80", MSG_BAD_REQUEST, ""},       /* IR-09 */
	{"text", LINKS, LWM_CF_TEXT, "80", MSG_BAD_REQUEST, ""},   /* IR-09 */
	{"TLV, which has no path", LINKS, LWM_CF_TLV, "\xc1\x09\x50", MSG_BAD_REQUEST,
		""}, /* IR-09 */
	{"a format of FETCH", LINKS, LWM_CF_ETCH_JSON, "[{\"n\":\"/3/0/9\",\"v\":80}]",
		MSG_BAD_REQUEST, ""},                               /* IR-09 */
	{"an unknown one", LINKS, 4711, "80", MSG_BAD_REQUEST, ""}, /* IR-09 */
};

static void each(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_server("");
		register_device("ep=dev&lt=60&lwm2m=1.1", rows[i].links);
		sent_events[0] = '\0';
		uint8_t code = ask(MSG_POST, "dp", "", rows[i].cf, rows[i].payload);
		bool good = rows[i].code == MSG_CHANGED;
		CHECK(code == rows[i].code && !strcmp(sent_events, rows[i].told) &&
				rig_records(&rig, REC_EVENT) == good &&
				srv_counters(srv)->sends == good &&
				srv_counters(srv)->refusals == !good,
			rows[i].what);
		close_server();
	}
}

/* What is too long for one event makes several; no sample is lost. */
static void several(void)
{
	open_server("");
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	sent_events[0] = '\0';
	send_values_max = 2;
	CHECK(ask(MSG_POST, "dp", "", JSON,
		      "[{\"bn\":\"/3/0/"
		      "9\",\"bt\":1600000000,\"v\":1},{\"v\":2,\"t\":1},{\"v\":3,\"t\":2},{\"v\":4,"
		      "\"t\":3},{\"v\":5,\"t\":4}]") == MSG_CHANGED &&
			rig_records(&rig, REC_EVENT) == 3,
		"three events");
	CHECK(!strcmp(sent_events, "[110 /3/0/9=1@1600000000 /3/0/9=2@1600000001]"
				   "[110 /3/0/9=3@1600000002 /3/0/9=4@1600000003]"
				   "[110 /3/0/9=5@1600000004]"),
		"no sample is lost");
	send_values_max = 0;
	close_server();
}

static void others(void)
{
	const char *value = "[{\"n\":\"/3/0/9\",\"v\":80}]";
	open_server("");
	CHECK(ask(MSG_POST, "dp", "", JSON, value) == MSG_BAD_REQUEST, "not registered: 4.00");
	register_device("ep=dev&lt=60&lwm2m=1.0", LINKS);
	CHECK(ask(MSG_POST, "dp", "", JSON, value) == MSG_CHANGED,
		"registered as 1.0, it is taken (CT-70)");
	CHECK(ask(MSG_GET, "dp", "", -1, "") == MSG_METHOD_NOT_ALLOWED, "GET");
	CHECK(ask(MSG_POST, "dp/x", "", JSON, value) == MSG_NOT_FOUND, "below it there is nothing");
	srv_forget_endpoint(srv, rig.e, &rig.t);
	CHECK(ask(MSG_POST, "dp", "", JSON, value) == MSG_BAD_REQUEST, "gone: 4.00");
	close_server();
}

int main(void)
{
	each();
	several();
	others();
	return test_done();
}
