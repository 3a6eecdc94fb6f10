/* SPDX-License-Identifier: Apache-2.0 */
/* JSON out: text, numbers, and values of devices. */
#include "admin/render.h"
#include "tests/unit/test.h"

static const struct text_row {
	const char *what;
	struct span in;
	const char *want;
} text_rows[] = {
	{"plain", SPAN_LIT("abc"), "\"abc\""},
	{"empty", {NULL, 0}, "\"\""},
	{"quote and backslash", SPAN_LIT("\"\\/"), "\"\\\"\\\\/\""},
	{"control characters", SPAN_LIT("\n\0\x7f"), "\"\\u000a\\u0000\\u007f\""},
	{"UTF-8", SPAN_LIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{"not UTF-8", SPAN_LIT("a\xff\xc3(\xed\xa0\x80"),
		"\"a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd\""},
	{"what turns text or moves a terminal",
		SPAN_LIT("a\xe2\x80\xae"
			 "b\xc2\x9b"
			 "c\x7f"),
		"\"a\\u202eb\\u009bc\\u007f\""},
	{"cut UTF-8", SPAN_LIT("\xe2\x82"), "\"\\ufffd\\ufffd\""},
};

static void check_texts(void)
{
	for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
		struct jo o = {0};

		jo_text(&o, NULL, text_rows[i].in);
		CHECK_BYTES(span_make(o.p, o.n), span_str(text_rows[i].want), text_rows[i].what);
		jo_free(&o);
	}
}

static void check_members(void)
{
	const char *want =
		"{\"a\":{},\"b\":[[],-9223372036854775808,18446744073709551615],"
		"\"c\":0.1,\"d\":100000,\"e\":1e+300,\"f\":null,\"g\":true,"
		"\"h\":\"0aff\",\"i\":\"Cv8=\",\"j\":\"2023-11-14T22:13:20Z\",\"k\":null,"
		"\"l\":\"\",\"m\":\"\"}";
	struct jo o = {0};
	char *text;

	jo_object(&o, NULL);
	jo_object(&o, "a");
	jo_end_object(&o);
	jo_array(&o, "b");
	jo_array(&o, NULL);
	jo_end_array(&o);
	jo_i64(&o, NULL, INT64_MIN);
	jo_u64(&o, NULL, UINT64_MAX);
	jo_end_array(&o);
	jo_double(&o, "c", 0.1);
	jo_double(&o, "d", 100000);
	jo_double(&o, "e", 1e300);
	jo_str(&o, "f", NULL);
	jo_bool(&o, "g", true);
	jo_hex(&o, "h", SPAN_LIT("\x0a\xff"));
	jo_base64(&o, "i", SPAN_LIT("\x0a\xff"));
	jo_time(&o, "j", 1700000000);
	jo_time(&o, "k", 0);
	jo_hex(&o, "l", SPAN_EMPTY);
	jo_base64(&o, "m", SPAN_EMPTY);
	jo_end_object(&o);
	text = jo_take(&o);
	CHECK(text && strcmp(text, want) == 0, "all kinds of members");
	free(text);
}

static const struct value_row {
	const char *what, *path;
	int32_t cf;
	const char *payload; /* hex */
	const char *want;    /* of "values", then "value" */
} value_rows[] = {
	{"out of the range of the model", "/3/0/9", LWM_CF_TEXT, "313031",
		"\"values\":[{\"path\":\"/3/0/9\",\"name\":\"Battery Level\",\"type\":"
		"\"integer\",\"value\":101,\"warning\":\"out of range: 0 to 100\"}],"
		"\"value\":101"},
	{"a resource in text", "/3/0/9", LWM_CF_TEXT, "3830",
		"\"values\":[{\"path\":\"/3/0/9\",\"name\":\"Battery Level\",\"type\":\"integer\","
		"\"value\":80}],\"value\":80}"},
	{"an opaque resource", "/5/0/0", LWM_CF_OPAQUE, "0aff",
		"\"type\":\"opaque\",\"value\":\"Cv8=\"}],\"value\":\"Cv8=\"}"},
	{"a string that is no UTF-8", "/3/0/0", LWM_CF_TLV, "c100ff",
		"\"type\":\"string\",\"error\":\"the value does not fit the type of the resource\","
		"\"raw_hex\":\"ff\"}]}"},
	{"a value that does not fit", "/3/0/9", LWM_CF_TLV, "c309010203",
		"\"error\":\"the value does not fit the type of the resource\","
		"\"raw_hex\":\"010203\"}]}"},
	{"a multiple resource", "/3/0/6", LWM_CF_TLV, "8606410001410105",
		"{\"path\":\"/3/0/6/1\",\"name\":\"Available Power Sources\",\"type\":\"integer\","
		"\"value\":5}],\"value\":{\"0\":1,\"1\":5}}"},
	{"an empty multiple resource", "/3/0", LWM_CF_TLV, "8007",
		"\"values\":[{\"path\":\"/3/0/7\",\"name\":\"Power Source Voltage\","
		"\"type\":\"integer\",\"value\":{}}]}"},
	{"an empty instance", "/3303", LWM_CF_TLV, "0000",
		"\"values\":[{\"path\":\"/3303/0\",\"value\":{}}]}"},
	{"an instance with a link inside", "/32000/0", LWM_CF_TLV, "c10180",
		"\"path\":\"/32000/0/1\""},
	{"an object without instances", "/3303", LWM_CF_TLV, "", "\"values\":[]}"},
	{"SenML JSON: a value, one that does not fit, a time", "/3/0", LWM_CF_SENML_JSON,
		/* [{"bn":"/3/0/","n":"9","v":80},{"n":"0","v":1},{"n":"10","v":5,"t":500000000}] */
		"5b7b22626e223a222f332f302f222c226e223a2239222c2276223a38307d2c7b226e223a2230222c22"
		"76223a317d2c7b226e223a223130222c2276223a352c2274223a3530303030303030307d5d",
		"\"values\":[{\"path\":\"/3/0/9\",\"name\":\"Battery Level\",\"type\":\"integer\","
		"\"value\":80},{\"path\":\"/3/0/0\",\"name\":\"Manufacturer\",\"type\":\"string\","
		"\"error\":\"the value does not fit the type of the resource\",\"raw_hex\":\"31\"},"
		"{\"path\":\"/3/0/10\",\"name\":\"Memory Free\",\"type\":\"integer\",\"value\":5,"
		"\"time\":500000000"},
	{"SenML JSON: a time before now", "/3/0/9", LWM_CF_SENML_JSON,
		/* [{"n":"/3/0/9","v":80,"t":-10}] */
		"5b7b226e223a222f332f302f39222c2276223a38302c2274223a2d31307d5d",
		"\"value\":80,\"time\":1699999990}"},
	{"SenML CBOR: a link", "/32000/0/1", LWM_CF_SENML_CBOR,
		"81a2006a2f33323030302f302f3163766c6f63333a30",
		"\"values\":[{\"path\":\"/32000/0/1\",\"type\":\"objlnk\",\"value\":\"3:0\"}],"
		"\"value\":\"3:0\"}"},
	{"names below the alternate path (GEN-06)", "/3/0/9", LWM_CF_SENML_JSON,
		/* [{"n":"/lwm2m/3/0/9","v":80}] */
		"5b7b226e223a222f6c776d326d2f332f302f39222c2276223a38307d5d",
		"\"value\":80}],\"value\":80}"},
	{"what links lead to", "/65/0", LWM_CF_SENML_JSON,
		/* [{"n":"/65/0/0","vlo":"66:0"},{"n":"/66/0/0","v":1}] */
		"5b7b226e223a222f36352f302f30222c22766c6f223a2236363a30227d2c7b226e223a222f36362f30"
		"2f30222c2276223a317d5d",
		"\"value\":\"66:0\"},{\"path\":\"/66/0/0\",\"type\":\"integer\",\"value\":1}]"},
	{"CBOR: a time", "/3/0/13", LWM_CF_CBOR, "c11a5182428f",
		"\"type\":\"time\",\"value\":1367491215}],\"value\":1367491215}"},
	{"CBOR: null is no value", "/32000/0/1", LWM_CF_CBOR, "f6",
		"\"values\":[{\"path\":\"/32000/0/1\",\"error\":\"the value does not fit the type "
		"of the "
		"resource\",\"raw_hex\":\"f6\"}]}"},
	{"broken CBOR", "/3/0/9", LWM_CF_CBOR, "18",
		"\"error\":\"the payload does not fit its content format\",\"raw_hex\":\"18\"}]}"},
	{"no format", "/3/0/9", -1, "50",
		"\"values\":[{\"path\":\"/3/0/9\",\"error\":\"the device told no content format\","
		"\"raw_hex\":\"50\"}]}"},
	{"an unknown format", "/3/0/9", 65000, "50",
		"\"error\":\"a content format we do not read\",\"raw_hex\":\"50\"}]}"},
	{"a format that holds no values", "/3/0", LWM_CF_LINK, "3c2f333e",
		"\"error\":\"a content format we do not read\",\"raw_hex\":\"3c2f333e\"}]}"},
	{"a broken payload", "/3/0", LWM_CF_TLV, "c8",
		"\"error\":\"the payload does not fit its content format\",\"raw_hex\":\"c8\"}]}"},
	{"nothing at all", "/3/0/9", -1, "", "\"values\":[]}"},
};

static void check_value(const struct value_row *r)
{
	struct lwm_path path;
	char *text = NULL, head[64];
	const struct lwm_codec_opts opts = {.now_s = 1700000000, .alt = SPAN_LIT("/lwm2m")};

	REQUIRE(lwm_path_parse(span_str(r->path), &path) == ERR_OK, r->what);
	REQUIRE(adm_render_notification(
			&path, MSG_CONTENT, r->cf, test_hex(r->payload), &opts, &text) == ERR_OK,
		r->what);
	snprintf(head, sizeof(head), "{\"path\":\"%s\",\"code\":\"2.05\",", r->path);
	CHECK(strncmp(text, head, strlen(head)) == 0 && (!r->want || strstr(text, r->want)),
		r->what);
	if (r->want && !strstr(text, r->want))
		printf("  got %s\n", text);
	free(text);
}

static void check_bare(void)
{
	struct lwm_path path = {.n = 3, .id = {3, 0, 9}};
	const struct lwm_codec_opts opts = {0};
	char *text;

	REQUIRE(adm_render_values(&path, LWM_CF_TEXT, SPAN_LIT("80"), &opts, &text) == ERR_OK,
		"values");
	CHECK(strcmp(text, "[{\"path\":\"/3/0/9\",\"name\":\"Battery Level\",\"type\":\"integer\","
			   "\"value\":80}]") == 0,
		"the array alone");
	free(text);
}

int main(void)
{
	check_texts();
	check_members();
	for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++)
		check_value(&value_rows[i]);
	check_bare();
	return test_done();
}
