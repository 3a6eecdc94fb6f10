/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as one JSON text in UTF-8, and nothing else (RFC 8259). */
#include "lwm2m/json.h"

#include "tests/unit/test.h"

#define NEST_15 "[[[[[[[[[[[[[[["
#define END_15  "]]]]]]]]]]]]]]]"

static const struct {
	const char *what, *text;
	bool valid;
} rows[] = {
	{"an object", "{\"a\":[1,-2.5e3,true,false,null,\"x\"]}", true},
	{"white space around it", " \t\r\n{ } \n", true},
	{"letters beyond ASCII", "{\"\xc3\xa9\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}", true},
	{"escapes", "\"\\u00e9\\n\\\\\\/\"", true},
	{"sixteen levels", NEST_15 "1" END_15, true},
	{"seventeen", NEST_15 "[1]" END_15, false},
	{"nothing", "", false},
	{"no UTF-8", "\"\xff\"", false},
	{"a comment", "/* x */ {}", false},
	{"single quotes", "{'a':1}", false},
	{"a comma too many", "[1,]", false},
	{"a leading zero", "[01]", false},
	{"a leading plus", "[+1]", false},
	{"NaN", "[NaN]", false},
	{"capitals", "[True]", false},
	{"a control character", "\"\x01\"", false},
	{"an unknown escape", "\"\\x41\"", false},
	{"text behind it", "{} x", false},
	{"two texts", "{}{}", false},
	{"cut off", "{\"a\":", false},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(lwm_json_valid(span_str(rows[i].text)) == rows[i].valid, rows[i].what);
	CHECK(!lwm_json_valid(span_make("{}\0", 3)), "a NUL behind it");
	return test_done();
}
