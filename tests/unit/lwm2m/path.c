/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/path.h"

#include "tests/unit/test.h"

static const struct {
	const char *text;
	enum err err;
	struct lwm_path path;
	const char *written; /* NULL: as read */
} parse_rows[] = {
	{"/", ERR_OK, {0}, NULL},
	{"", ERR_OK, {0}, "/"},
	{"/0", ERR_OK, {1, {0}}, NULL},
	{"/3", ERR_OK, {1, {3}}, NULL},
	{"3", ERR_OK, {1, {3}}, "/3"},
	{"/3/0", ERR_OK, {2, {3, 0}}, NULL},
	{"/3/0/9", ERR_OK, {3, {3, 0, 9}}, NULL},
	{"3/0/9", ERR_OK, {3, {3, 0, 9}}, "/3/0/9"},
	{"/3/0/6/1", ERR_OK, {4, {3, 0, 6, 1}}, NULL},
	{"/65534/65534/65534/65534", ERR_OK, {4, {65534, 65534, 65534, 65534}}, NULL},
	{"/65535", ERR_RANGE, {0}, NULL},
	{"/65536", ERR_RANGE, {0}, NULL},
	{"/1/99999999999999999999999", ERR_RANGE, {0}, NULL},
	{"/1//2", ERR_SYNTAX, {0}, NULL},
	{"/1/2/3/4/5", ERR_SYNTAX, {0}, NULL},
	{"/-1", ERR_SYNTAX, {0}, NULL},
	{"/+1", ERR_SYNTAX, {0}, NULL},
	{"/1/a", ERR_SYNTAX, {0}, NULL},
	{"//", ERR_SYNTAX, {0}, NULL},
	{"///", ERR_SYNTAX, {0}, NULL},
	{"//3", ERR_SYNTAX, {0}, NULL},
	{"/ 1", ERR_SYNTAX, {0}, NULL},
	{"/1 ", ERR_SYNTAX, {0}, NULL},
	{"/1.0", ERR_SYNTAX, {0}, NULL},
	{"/3/", ERR_SYNTAX, {0}, NULL},
	{"3/0/", ERR_SYNTAX, {0}, NULL},
	{"/03", ERR_SYNTAX, {0}, NULL},
	{"/3/00", ERR_SYNTAX, {0}, NULL},
	{"/3/0?", ERR_SYNTAX, {0}, NULL},
};

static void test_parse(void)
{
	for (size_t i = 0; i < sizeof(parse_rows) / sizeof(parse_rows[0]); i++) {
		const char *text = parse_rows[i].text;
		struct lwm_path p = {.n = 9};
		char buf[LWM_PATH_TEXT_MAX];
		struct writer w = wr_make(buf, sizeof(buf));
		enum err e = lwm_path_parse(span_str(text), &p);

		CHECK(e == parse_rows[i].err, text);
		if (e) {
			CHECK(p.n == 9, "an error leaves the output alone");
			continue;
		}
		CHECK(lwm_path_eq(&p, &parse_rows[i].path), text);
		wr_path(&w, &p);
		CHECK_BYTES(wr_span(&w),
			span_str(parse_rows[i].written ? parse_rows[i].written : text), text);
	}
	CHECK(lwm_path_parse(SPAN_LIT("/3\0"), &(struct lwm_path){0}) == ERR_SYNTAX, "a NUL");
}

static void test_under(void)
{
	static const struct {
		struct lwm_path p, prefix;
		bool under;
		const char *what;
	} rows[] = {
		{{0}, {0}, true, "the root is under itself"},
		{{3, {3, 0, 9}}, {0}, true, "everything is under the root"},
		{{3, {3, 0, 9}}, {2, {3, 0}}, true, "a resource is under its instance"},
		{{3, {3, 0, 9}}, {3, {3, 0, 9}}, true, "a resource is under itself"},
		{{2, {3, 0}}, {3, {3, 0, 9}}, false, "an instance is not under its resource"},
		{{2, {3, 0}}, {3, {3, 0, 0}}, false, "unused ids do not count"},
		{{3, {3, 1, 9}}, {2, {3, 0}}, false, "another instance"},
		{{1, {33}}, {1, {3}}, false, "ids, not digits"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(lwm_path_under(&rows[i].p, &rows[i].prefix) == rows[i].under, rows[i].what);
		CHECK(lwm_path_eq(&rows[i].p, &rows[i].prefix) ==
				(rows[i].under && rows[i].p.n == rows[i].prefix.n),
			rows[i].what);
	}
}

static const struct {
	struct lwm_path path;
	const char *alt;
	enum err err;
	const char *want; /* the segments, each behind a slash */
} option_rows[] = {
	{{0}, "", ERR_OK, ""},
	{{1, {3}}, "", ERR_OK, "/3"},
	{{4, {65534, 65534, 65534, 65534}}, "", ERR_OK, "/65534/65534/65534/65534"},
	{{3, {3, 0, 9}}, "/lwm2m", ERR_OK, "/lwm2m/3/0/9"},
	{{3, {3, 0, 9}}, "lwm2m", ERR_OK, "/lwm2m/3/0/9"},
	{{0}, "/a/b", ERR_OK, "/a/b"},
	{{1, {3}}, "/", ERR_OK, "/3"},
	{{1, {3}}, "/a/", ERR_SYNTAX, ""},
	{{1, {3}}, "/a//b", ERR_SYNTAX, ""},
	{{1, {3}}, "//a", ERR_SYNTAX, ""},
};

static void test_to_options(void)
{
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		struct msg m;
		char text[LWM_PATH_TEXT_MAX], got[256];
		struct writer w = wr_make(got, sizeof(got));
		enum err e;

		msg_init(&m, MSG_CON, MSG_GET);
		e = lwm_path_to_options(
			&option_rows[i].path, span_str(option_rows[i].alt), &m, text, sizeof(text));
		CHECK(e == option_rows[i].err, option_rows[i].want);
		if (e)
			continue;
		for (const struct opt *o = msg_find(&m, OPT_URI_PATH); o; o = msg_next(&m, o)) {
			wr_u8(&w, '/');
			wr_bytes(&w, o->val);
		}
		CHECK_BYTES(wr_span(&w), span_str(option_rows[i].want), "Uri-Path options");
	}
}

static void test_to_options_full(void)
{
	struct lwm_path p = {3, {3, 0, 65534}};
	struct msg m;
	char text[6];

	msg_init(&m, MSG_CON, MSG_GET);
	CHECK(lwm_path_to_options(&p, SPAN_EMPTY, &m, text, sizeof(text)) == ERR_SPACE,
		"digits that do not fit");
	msg_init(&m, MSG_CON, MSG_GET);
	for (int i = 0; i < MSG_OPTS_MAX; i++)
		REQUIRE(msg_add(&m, OPT_URI_PATH, SPAN_LIT("x")) == ERR_OK, "options");
	CHECK(lwm_path_to_options(&p, SPAN_EMPTY, &m, text, sizeof(text)) == ERR_LIMIT,
		"a full message");
	CHECK(lwm_path_to_options(&p, SPAN_LIT("/a"), &m, text, sizeof(text)) == ERR_LIMIT,
		"a full message, alternate path");
}

static void test_from_options(void)
{
	static const struct {
		const char *path;
		size_t skip;
		enum err err;
		struct lwm_path want;
	} rows[] = {
		{"", 0, ERR_OK, {0}},
		{"3/0/9", 0, ERR_OK, {3, {3, 0, 9}}},
		{"lwm2m/3/0", 1, ERR_OK, {2, {3, 0}}},
		{"lwm2m", 1, ERR_OK, {0}},
		{"3", 5, ERR_OK, {0}},
		{"rd/3", 0, ERR_SYNTAX, {0}},
		{"3/0x", 0, ERR_SYNTAX, {0}},
		{"3/65535", 0, ERR_SYNTAX, {0}},
		{"1/2/3/4/5", 0, ERR_SYNTAX, {0}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lwm_path p = {.n = 9};
		struct msg m;

		msg_init(&m, MSG_CON, MSG_GET);
		REQUIRE(msg_add_path(&m, OPT_URI_PATH, rows[i].path) == ERR_OK, rows[i].path);
		CHECK(lwm_path_from_options(&m, rows[i].skip, &p) == rows[i].err, rows[i].path);
		CHECK(rows[i].err ? p.n == 9 : lwm_path_eq(&p, &rows[i].want), rows[i].path);
	}
}

int main(void)
{
	test_parse();
	test_under();
	test_to_options();
	test_to_options_full();
	test_from_options();
	return test_done();
}
