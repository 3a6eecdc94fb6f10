/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of bodies and targets. */
#include "admin/body.h"
#include "admin/url.h"
#include "base/text.h"
#include "tests/unit/test.h"

#include <json-c/json.h>

static const struct json_row {
	const char *what, *text;
	int status; /* 0: good */
} json_rows[] = {
	{"an object", "{\"a\":1}", 0},
	{"white space around", " \r\n\t{} ", 0},
	{"nothing", "", 400},
	{"a number", "5", 400},
	{"a string", "\"{}\"", 400},
	{"null", "null", 400},
	{"cut short", "{\"a\":", 400},
	{"a trailing comma", "{\"a\":1,}", 400},
	{"single quotes", "{'a':1}", 400},
	{"single quotes around a double one", "{'a\"':1}", 400},
	{"a single quote in a string", "{\"a'\":\"'\"}", 0},
	{"a comment", "/**/{}", 400},
	{"text behind", "{}{}", 400},
	{"the greatest unsigned", "{\"a\":18446744073709551615}", 0},
	{"one more", "{\"a\":18446744073709551616}", 400},
	{"the least signed", "{\"a\":-9223372036854775808}", 0},
	{"one less", "{\"a\":-9223372036854775809}", 400},
	{"digits in a string", "{\"a\":\"99999999999999999999\"}", 0},
	{"digits behind an escaped quote", "{\"a\":\"\\\"99999999999999999999\"}", 0},
	{"digits in a nested array", "{\"a\":[1,[99999999999999999999]]}", 400},
	{"a large float", "{\"a\":99999999999999999999.5}", 0},
	{"not a number", "{\"a\":NaN}", 400},
	{"infinity", "{\"a\":[Infinity]}", 400},
	{"a float beyond its range", "{\"a\":{\"b\":1e400}}", 400},
	{"an escaped character", "{\"a\":\"\\ud83d\\ude00\"}", 0},
	{"one that json-c reads as another", "{\"a\":\"\\ud836\\udc00\"}", 400},
	{"the last of those", "{\"a\":\"\\uDBF7\\uDFFF\"}", 400},
	{"the next one", "{\"a\":\"\\udbf8\\udc00\"}", 0},
	{"as itself", "{\"a\":\"\xf0\x9d\xa0\x80\"}", 0},
	{"behind a backslash it is text", "{\"a\":\"\\\\ud836\"}", 0},
	{"half a pair", "{\"a\":\"\\udc00\"}", 400},
	{"the other half", "{\"a\":\"\\ud83dx\"}", 400},
	{"two first halves", "{\"a\":\"\\ud83d\\ud83d\"}", 400},
	{"two pairs", "{\"a\":\"\\ud83d\\ude00\\ud83d\\ude00\"}", 0},
	{"no UTF-8", "{\"a\":\"\xff\"}", 400},
	{"a control character in a string", "{\"a\":\"\x01\"}", 400},
	{"a line end in a string", "{\"a\":\"b\nc\"}", 400},
	{"line ends outside strings", "{\n\t\"a\":\r\n\"\\n\"}", 0},
	{"depth 15", "{\"a\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}", 0},
	{"too deep", "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", 400},
	{"the last of two members counts", "{\"a\":1,\"a\":2}", 0},
};

static void check_json(void)
{
	for (size_t i = 0; i < sizeof(json_rows) / sizeof(json_rows[0]); i++) {
		const struct json_row *r = &json_rows[i];
		struct adm_fail fail = {0};
		struct json_object *o;
		bool good = js_parse(span_str(r->text), &o, &fail);

		CHECK(good == (r->status == 0) && fail.status == r->status && (o != NULL) == good,
			r->what);
		js_free(o);
	}
}

/* Every truncation of a good text fails. */
static void check_truncations(void)
{
	const char *good =
		"{\"master_secret\":\"00\",\"a\":[true,null,-1.5e3],\"b\":{\"c\":\"\\u00e9\"}}";
	struct json_object *o;

	for (size_t n = 0; n < strlen(good); n++) {
		struct adm_fail fail = {0};
		char *cut = malloc(n ? n : 1);

		memcpy(cut, good, n);
		CHECK(!js_parse(span_make(cut, n), &o, &fail) && fail.status == 400,
			"a truncation");
		free(cut);
	}
}

static const struct value_row {
	const char *what, *path, *text;
	const char *want;  /* records as text, or NULL */
	const char *field; /* of the failure */
} value_rows[] = {
	{"string", "3/0/14", "{\"value\":\"+02:00\"}", "/3/0/14=string:+02:00", NULL},
	{"empty string", "3/0/14", "{\"value\":\"\"}", "/3/0/14=string:", NULL},
	{"string with a NUL", "3/0/14", "{\"value\":\"a\\u0000\"}", NULL, "/3/0/14"},
	{"string for an integer", "1/0/1", "{\"value\":\"5\"}", NULL, "/1/0/1"},
	{"integer, the least", "1/0/1", "{\"value\":-9223372036854775808}",
		"/1/0/1=integer:-9223372036854775808", NULL},
	{"integer, the greatest", "1/0/1", "{\"value\":9223372036854775807}",
		"/1/0/1=integer:9223372036854775807", NULL},
	{"integer, one more", "1/0/1", "{\"value\":9223372036854775808}", NULL, "/1/0/1"},
	{"integer with a fraction", "1/0/1", "{\"value\":5.0}", NULL, "/1/0/1"},
	{"boolean", "1/0/6", "{\"value\":true}", "/1/0/6=boolean:1", NULL},
	{"boolean as a number", "1/0/6", "{\"value\":1}", NULL, "/1/0/6"},
	{"time", "3/0/13", "{\"value\":1700000000}", "/3/0/13=time:1700000000", NULL},
	{"time before 1970", "3/0/13", "{\"value\":-1}", "/3/0/13=time:-1", NULL},
	{"opaque", "5/0/0", "{\"value\":\"AAH/\"}", "/5/0/0=opaque:AAH/", NULL},
	{"opaque, empty", "5/0/0", "{\"value\":\"\"}", "/5/0/0=opaque:", NULL},
	{"opaque, no base64", "5/0/0", "{\"value\":\"A\"}", NULL, "/5/0/0"},
	{"float", "3303/0/5601", "{\"value\":1.5}", "/3303/0/5601=float:1.5", NULL},
	{"float from an integer", "3303/0/5601", "{\"value\":2}", NULL, NULL},
	{"unknown: by the JSON type", "32000/0/1", "{\"value\":true}", "/32000/0/1=boolean:1",
		NULL},
	{"unknown: integer", "32000/0/1", "{\"value\":-7}", "/32000/0/1=integer:-7", NULL},
	{"unknown: unsigned", "32000/0/1", "{\"value\":18446744073709551615}",
		"/32000/0/1=unsigned:18446744073709551615", NULL},
	{"unknown: with a type", "32000/0/1", "{\"value\":\"AAE=\",\"type\":\"opaque\"}",
		"/32000/0/1=opaque:AAE=", NULL},
	{"unknown: link", "32000/0/1", "{\"value\":\"3303:1\",\"type\":\"objlnk\"}",
		"/32000/0/1=objlnk:3303:1", NULL},
	{"link without a colon", "32000/0/1", "{\"value\":\"3303\",\"type\":\"objlnk\"}", NULL,
		"/32000/0/1"},
	{"link out of range", "32000/0/1", "{\"value\":\"65536:0\",\"type\":\"objlnk\"}", NULL,
		"/32000/0/1"},
	{"link with text behind", "32000/0/1", "{\"value\":\"1:0:\",\"type\":\"objlnk\"}", NULL,
		"/32000/0/1"},
	{"unknown type", "32000/0/1", "{\"value\":1,\"type\":\"int\"}", NULL, "type"},
	{"null", "3/0/14", "{\"value\":null}", NULL, "value"},
	{"an array", "3/0/14", "{\"value\":[\"a\"]}", NULL, "/3/0/14"},
	{"unknown member", "3/0/14", "{\"value\":\"a\",\"x\":1}", NULL, ""},
	{"instances of a multiple resource", "6/0/7", "{\"value\":{\"0\":1,\"12\":2}}",
		"/6/0/7/0=integer:1 /6/0/7/12=integer:2", NULL},
	{"no instances", "32000/0/1", "{\"value\":{}}", "/32000/0/1=multiple", NULL},
	{"an instance id of a bad form", "32000/0/1", "{\"value\":{\"01\":1}}", NULL, "/32000/0/1"},
	{"an instance id too large", "32000/0/1", "{\"value\":{\"65535\":1}}", NULL, "/32000/0/1"},
	{"a single resource as multiple", "3/0/14", "{\"value\":{\"0\":\"a\"}}", NULL, "/3/0/14"},
	{"a resource instance", "32000/0/1/3", "{\"value\":4}", "/32000/0/1/3=integer:4", NULL},
	{"an object in a resource instance", "32000/0/1/3", "{\"value\":{\"0\":1}}", NULL,
		"/32000/0/1/3"},
	{"an instance", "3/0", "{\"resources\":{\"14\":\"+02:00\",\"15\":\"CET\"}}",
		"/3/0/14=string:+02:00 /3/0/15=string:CET", NULL},
	{"an instance with a multiple resource", "32000/0",
		"{\"resources\":{\"1\":{\"0\":1},\"2\":2}}",
		"/32000/0/1/0=integer:1 /32000/0/2=integer:2", NULL},
	{"an instance with a bad id", "3/0", "{\"resources\":{\"x\":1}}", NULL, "resources"},
	{"an instance with nothing", "3/0", "{\"resources\":{}}", NULL, "resources"},
	{"an instance without resources", "3/0", "{}", NULL, "resources"},
	{"an instance with a value", "3/0", "{\"value\":1}", NULL, ""},
	{"in its range", "5/0/11", "{\"value\":2}", "/5/0/11=integer:2", NULL},
	{"above its range", "5/0/11", "{\"value\":3}", NULL, "/5/0/11"},
	{"below its range", "5/0/11", "{\"value\":-1}", NULL, "/5/0/11"},
	{"with a type of the caller's", "5/0/11", "{\"value\":3,\"type\":\"integer\"}",
		"/5/0/11=integer:3", NULL},
	{"in an instance", "5/0", "{\"resources\":{\"11\":9}}", NULL, "/5/0/11"},
	{"a string of 32 bytes", "19/0/3", "{\"value\":\"01234567890123456789012345678901\"}",
		"/19/0/3=string:01234567890123456789012345678901", NULL},
	{"a string of 33 bytes", "19/0/3", "{\"value\":\"0123456789012345678901234567890\u00e9\"}",
		NULL, "/19/0/3"},
};

static void records_text(const struct lwm_records *rec, char *out, size_t cap)
{
	struct writer w = wr_make(out, cap - 1);

	for (size_t i = 0; i < rec->n; i++) {
		wr_str(&w, i ? " " : "");
		wr_path(&w, &rec->v[i].path);
		if (rec->v[i].kind == LWM_RECORD_MULTIPLE) {
			wr_str(&w, "=multiple");
			continue;
		}
		wr_fmt(&w, "=%s:", lwm_type_name(rec->v[i].value.type));
		wr_value_text(&w, &rec->v[i].value);
	}
	out[w.n] = '\0';
}

static void check_value(const struct value_row *r)
{
	struct adm_fail fail = {0};
	struct lwm_records rec;
	struct lwm_path path;
	struct arena a;
	char text[512] = "";
	bool good;

	arena_init(&a, 0);
	lwm_records_init(&rec, &a);
	REQUIRE(lwm_path_parse(span_str(r->path), &path) == ERR_OK, r->what);
	good = body_values(span_str(r->text), &path, NULL, &rec, &fail);
	records_text(&rec, text, sizeof(text));
	CHECK(r->field ? !good && fail.status == 422 && strcmp(fail.field, r->field) == 0
		       : good && (!r->want || strcmp(text, r->want) == 0),
		r->what);
	if (!r->field && r->want && strcmp(text, r->want) != 0)
		printf("  got %s (%s)\n", text, fail.detail);
	else if (r->field && strcmp(fail.field, r->field) != 0)
		printf("  got field %s (%s)\n", fail.field, fail.detail);
	arena_fini(&a);
}

static uint8_t first_version(void *arg, struct span prefix, uint16_t oid)
{
	(void)arg, (void)prefix, (void)oid;
	return 10;
}

/* Ranges are of the version that the device has. */
static void check_versions(void)
{
	const struct lwm_versions first = {first_version, NULL, SPAN_EMPTY};
	const struct lwm_path acl = {4, {2, 0, 2, 1}};
	struct adm_fail fail = {0};
	struct lwm_records rec;
	struct arena a;

	arena_init(&a, 0);
	lwm_records_init(&rec, &a);
	CHECK(body_values(SPAN_LIT("{\"value\":32}"), &acl, &first, &rec, &fail), "of 1.0");
	CHECK(!body_values(SPAN_LIT("{\"value\":32}"), &acl, NULL, &rec, &fail), "of 1.1");
	CHECK(strcmp(fail.detail, "/2/0/2/1: ACL is 0 to 31") == 0, fail.detail);
	fail = (struct adm_fail){0};
	CHECK(!body_raw(SPAN_LIT("32"), true, &acl, NULL, &rec, &fail), "as text");
	CHECK(fail.status == 422 && strcmp(fail.field, "/2/0/2/1") == 0, fail.detail);
	arena_fini(&a);
}

static const struct argument_row {
	const char *text;
	bool good;
} argument_rows[] = {
	{"", true},
	{"0", true},
	{"0,1", true},
	{"0=''", true},
	{"0='a'", true},
	{"5='!#$%&()*+,-./09:;<=>?@AZ[]^_`az{|}~'", true},
	{"0='a',1='b',2,3,4,5,6,7,8,9", true},
	{"a", false},
	{"10", false},
	{"0,", false},
	{",0", false},
	{"0=", false},
	{"0='", false},
	{"0='a", false},
	{"0='a'b", false},
	{"0=a", false},
	{"0='a b'", false},
	{"0='a\\\\b'", false},
	{"0='\\\"'", false},
	{"0='\\u007f'", false},
	{"0='\xc3\xa9'", false},
	{"0, 1", false},
	{"0,0", false},
	{"0='a',0", false},
	{"0='\\u0000'", false},
};

/* Proves: DM-12 */
static void check_arguments(void)
{
	for (size_t i = 0; i < sizeof(argument_rows) / sizeof(argument_rows[0]); i++) {
		const struct argument_row *r = &argument_rows[i];
		struct adm_fail fail = {0};
		struct arena a;
		struct span got;
		char body[256];

		arena_init(&a, 0);
		snprintf(body, sizeof(body), "{\"arguments\":\"%s\"}", r->text);
		CHECK(body_execute(span_str(body), &a, &got, &fail) == r->good, r->text);
		arena_fini(&a);
	}
}

static const struct url_row {
	const char *what, *path, *query;
	int status;
	const char *want; /* segments | name=value,... */
} url_rows[] = {
	{"plain", "/a/b", "", 0, "a b |"},
	{"no path", "", "", 0, "|"},
	{"the root", "/", "", 0, " |"},
	{"trailing slash", "/a/", "", 0, "a  |"},
	{"double slash", "/a//b", "", 0, "a  b |"},
	{"an escaped slash", "/a%2Fb", "", 0, "a/b |"},
	{"a bare percent", "/%", "", 400, NULL},
	{"half an escape", "/%4", "", 400, NULL},
	{"a bad escape", "/%4g", "", 400, NULL},
	{"parameters", "/", "a=1&b=&c&d=x=y&&e=%26+", 0, " |a=1,b=,c=,d=x=y,e=&+,"},
	{"twice", "/", "a=1&%61=2", 400, NULL},
	{"twelve", "/", "a&b&c&d&e&f&g&h&i&j&k&l", 0, " |a=,b=,c=,d=,e=,f=,g=,h=,i=,j=,k=,l=,"},
	{"thirteen", "/", "a&b&c&d&e&f&g&h&i&j&k&l&m", 400, NULL},
	{"twelve segments", "/1/2/3/4/5/6/7/8/9/0/1/2", "", 0, "1 2 3 4 5 6 7 8 9 0 1 2 |"},
	{"thirteen segments", "/1/2/3/4/5/6/7/8/9/0/1/2/3", "", 404, NULL},
};

static void url_text(const struct url *u, char *out, size_t cap)
{
	struct writer w = wr_make(out, cap - 1);

	for (size_t i = 0; i < u->segment_n; i++) {
		wr_bytes(&w, u->segment[i]);
		wr_str(&w, " ");
	}
	wr_str(&w, "|");
	for (size_t i = 0; i < u->param_n; i++) {
		wr_bytes(&w, u->param[i].name);
		wr_str(&w, "=");
		wr_bytes(&w, u->param[i].value);
		wr_str(&w, ",");
	}
	out[w.n] = '\0';
}

static void check_urls(void)
{
	for (size_t i = 0; i < sizeof(url_rows) / sizeof(url_rows[0]); i++) {
		const struct url_row *r = &url_rows[i];
		struct adm_fail fail = {0};
		struct arena a;
		struct url u;
		char text[256];
		bool good;

		arena_init(&a, 0);
		good = url_parse(span_str(r->path), span_str(r->query), &a, &u, &fail);
		url_text(&u, text, sizeof(text));
		CHECK(good ? r->want && strcmp(text, r->want) == 0 : fail.status == r->status,
			r->what);
		if (good && r->want && strcmp(text, r->want) != 0)
			printf("  got %s\n", text);
		arena_fini(&a);
	}
}

/* Overwritten before it is freed: looked at through a second reference. */
static void check_wiping(void)
{
	struct adm_fail fail = {0};
	struct json_object *o, *s;

	REQUIRE(js_parse(SPAN_LIT("{\"a\":[{\"b\":\"secret\"}]}"), &o, &fail), "parse");
	s = json_object_get(json_object_object_get(
		json_object_array_get_idx(json_object_object_get(o, "a"), 0), "b"));
	js_free(o);
	CHECK(memcmp(json_object_get_string(s), "\0\0\0\0\0\0", 6) == 0, "strings are wiped");
	json_object_put(s);
}

static void check_oscore_limits(void)
{
	static const struct {
		size_t secret_n;
		bool good;
	} rows[] = {{0, false}, {15, false}, {16, true}, {32, true}, {64, true}, {65, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct adm_fail fail = {0};
		struct adm_oscore out;
		struct arena a;
		char hex[140], body[300];
		bool good;

		arena_init(&a, 0);
		memset(hex, 'a', 2 * rows[i].secret_n);
		hex[2 * rows[i].secret_n] = '\0';
		snprintf(body, sizeof(body),
			"{\"master_secret\":\"%s\",\"sender_id\":\"\",\"recipient_id\":"
			"\"01020304050607\"}",
			hex);
		good = body_oscore(span_str(body), &a, &out, &fail);
		CHECK(good == rows[i].good && (good || strcmp(fail.field, "master_secret") == 0),
			"the length of a master secret");
		CHECK(!good || (out.master_secret.n == rows[i].secret_n && out.sender_id.n == 0 &&
				       out.recipient_id.n == 7 && !out.has_id_context),
			"what it holds");
		arena_fini(&a);
	}
}

int main(void)
{
	check_json();
	check_truncations();
	for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++)
		check_value(&value_rows[i]);
	check_versions();
	check_arguments();
	check_urls();
	check_wiping();
	check_oscore_limits();
	return test_done();
}
