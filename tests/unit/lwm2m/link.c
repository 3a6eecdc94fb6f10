/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/link.h"

#include "tests/unit/test.h"

/* `want`: one link a line, target;name=value;flag, quotes removed. NULL: refused. */
static const struct {
	const char *what, *text, *want;
} rows[] = {
	/* worked examples */
	{"Core TS 6.1.7.3, first",
		"</>;lwm2m=1.1,</0/0>;ssid=101;uri=\"coaps://server_1.example.com\", </0/1/>, "
		"</0/2>;ssid=102;uri=\"coaps://server_2.example.com\"",
		"/;lwm2m=1.1\n/0/0;ssid=101;uri=coaps://server_1.example.com\n/0/1\n"
		"/0/2;ssid=102;uri=coaps://server_2.example.com"},
	{"Core TS 6.1.7.3, second",
		"</>;lwm2m=1.1,</0/0>;ssid=101;uri=\"coaps://server_1.example.com\",</0/2>;"
		"ssid=102;uri=\"coap://server_1.example.com\",</21/0>;ssid=101,</21/2>;ssid=102,"
		"</0/1>,</21/1/>",
		"/;lwm2m=1.1\n/0/0;ssid=101;uri=coaps://server_1.example.com\n"
		"/0/2;ssid=102;uri=coap://server_1.example.com\n/21/0;ssid=101\n/21/2;ssid=102\n"
		"/0/1\n/21/1"},
	{"Core TS 6.1.7.3, third",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101;uri=\"coaps://server_1.example.com\", "
		"</1/0/>;ssid=101, </3/0>,</5>,</4>, </55>;ver=1.9,</55/0>",
		"/;lwm2m=1.1\n/0/0\n/0/1;ssid=101;uri=coaps://server_1.example.com\n"
		"/1/0;ssid=101\n/3/0\n/5\n/4\n/55;ver=1.9\n/55/0"},
	{"Core TS 6.1.7.3, fourth",
		"</>;lwm2m=1.2,</0/0>;ssid=101;uri=\"coaps://server_1.example.com\",</0/1>,"
		"</21/0>;ssid=101,</24/1>,</23/65>",
		"/;lwm2m=1.2\n/0/0;ssid=101;uri=coaps://server_1.example.com\n/0/1\n"
		"/21/0;ssid=101\n/24/1\n/23/65"},
	{"Core TS 6.1.7.3 note: the old form, BS-12",
		"lwm2m=1.0,</0/0>;ssid=101,</0/1/>,</0/2>;ssid=102",
		";lwm2m=1.0\n/0/0;ssid=101\n/0/1\n/0/2;ssid=102"},
	{"Core TS 6.1.7.7, one", "</0/0>", "/0/0"},
	{"Core TS 6.1.7.7, two", "</0/2>,</21/0>", "/0/2\n/21/0"},
	{"Core TS 6.2.1, ct",
		"</>;ct=110, </1/0>,</1/1>,</2/0>,</2/1>,</2/2>,</2/3>,</2/4>,</3/0>,</4/0>,</5>",
		"/;ct=110\n/1/0\n/1/1\n/2/0\n/2/1\n/2/2\n/2/3\n/2/4\n/3/0\n/4/0\n/5"},
	{"Core TS 6.2.1, ct with several (CT-27)",
		"</>;ct=\"110 112 60\", </1/0>,</1/1>,</2/0>,</2/1>,</2/2>,</2/3>,</2/4>,</3/0>,"
		"</4/0>,</5>",
		"/;ct=110 112 60\n/1/0\n/1/1\n/2/0\n/2/1\n/2/2\n/2/3\n/2/4\n/3/0\n/4/0\n/5"},
	{"Core TS 7.2.3, object link", "</1>;ver=1.0,</1/0>,</1/1>,</3/0>",
		"/1;ver=1.0\n/1/0\n/1/1\n/3/0"},
	{"Core TS 7.2.3, instance link", "</1/0>,</1/1>,</3/0>,</44/0>;ver=2.2",
		"/1/0\n/1/1\n/3/0\n/44/0;ver=2.2"},
	{"Core TS 7.2.3, no version", "</1>,</1/0>,</1/1>,</3/0>,</4/0>",
		"/1\n/1/0\n/1/1\n/3/0\n/4/0"},
	{"Transport TS 6.5", "</1/0>, </3/0>", "/1/0\n/3/0"},
	{"Gateway TS 10", "</1/0>,</3/0>,</5/0>,</25/0>,</25/1>", "/1/0\n/3/0\n/5/0\n/25/0\n/25/1"},
	{"Gateway TS 10, resource 3", "</3/0>;ver=1.1,</3306/0>", "/3/0;ver=1.1\n/3306/0"},
	{"Gateway TS table 10-1: an equals sign is missing",
		"</3/0>;ver=1.2,</5/0>;ver1.1,</3303/0>,</3303/1>",
		"/3/0;ver=1.2\n/5/0;ver1.1\n/3303/0\n/3303/1"},
	{"Transport TS figure 6.4.3-1: a comma is missing",
		"</1/1>,</1/2>,</2/0></2/1>,</3/0>,</4/0>", NULL},
	{"Core TS 6.3.2", "</1>, </1/0>, </1/4>;pmax=300", "/1\n/1/0\n/1/4;pmax=300"},

	/* nothing, spaces */
	{"nothing", "", ""},
	{"only spaces", "  ", ""},
	{"spaces and tabs everywhere", " </1> ; a = 1 ;\tb\t, </2> ", "/1;a=1;b\n/2"},
	{"a space within the target", "</ 1>", NULL},
	{"a newline between links", "</1>,\n</2>", NULL},

	/* targets */
	{"the root", "</>", "/"},
	{"one trailing slash goes", "</uri/>", "/uri"},
	{"only one", "</uri//>", "/uri/"},
	{"the name of a host", "<//>", NULL},
	{"the name of a host", "<//h/1>", NULL},
	{"an absolute target", "<coap://h/1>", "coap://h/1"},
	{"percent-encoded", "</%20a>", "/%20a"},
	{"half percent-encoded", "</%2>", NULL},
	{"badly percent-encoded", "</%1g>", NULL},
	{"every character of a path", "</-._~aZ09:@!$&'()*+,;=>", "/-._~aZ09:@!$&'()*+,;="},
	{"a fragment", "</a#b>", NULL},
	{"not ASCII", "</f\303\263>", NULL},
	{"empty target", "<>", NULL},
	{"no target", ";ver=1.0", NULL},
	{"an attribute alone", "ver=1.0", NULL},
	{"the old form in quotes", "lwm2m=\"1.0\",</0>", ";lwm2m=1.0\n/0"},
	{"no end of the target", "</1", NULL},
	{"no start of the target", "/1>", NULL},

	/* attributes */
	{"a flag", "</1>;obs", "/1;obs"},
	{"a flag between others", "</1>;a=1;obs;b=2", "/1;a=1;obs;b=2"},
	{"quoted comma, semicolon, bracket, equals (FMT-42)", "</1>;a=\",;>=\",</2>",
		"/1;a=,;>=\n/2"},
	{"quoted and empty", "</1>;a=\"\"", "/1;a="},
	{"a quote that is escaped", "</1>;a=\"x\\\"y\"", "/1;a=x\\\"y"},
	{"a backslash that is escaped", "</1>;a=\"\\\\\",</2>", "/1;a=\\\\\n/2"},
	{"quoted UTF-8", "</1>;a=\"\304\205\"", "/1;a=\304\205"},
	{"brackets in a token", "</1>;a=<,</2>;b=>", "/1;a=<\n/2;b=>"},
	{"every character of a token", "</1>;a=!#$%&'()*+-./:<=>?@[]^_`{|}~aZ09",
		"/1;a=!#$%&'()*+-./:<=>?@[]^_`{|}~aZ09"},
	{"an extended name", "</1>;title*=x", "/1;title*=x"},
	{"no value behind the equals sign", "</1>;a=", NULL},
	{"no value, another attribute", "</1>;a=;b", NULL},
	{"no name", "</1>;=1", NULL},
	{"nothing behind the semicolon", "</1>;", NULL},
	{"two semicolons", "</1>;;a", NULL},
	{"no end of the quotes", "</1>;a=\"b", NULL},
	{"the end of the quotes escaped", "</1>;a=\"b\\\"", NULL},
	{"a backslash at the end", "</1>;a=\"b\\", NULL},
	{"text behind the quotes", "</1>;a=\"b\"c", NULL},
	{"a quote within a token", "</1>;a=b\"c\"", NULL},
	{"a control character in quotes", "</1>;a=\"\n\"", NULL},
	{"an escaped control character", "</1>;a=\"\\\n\"", NULL},
	{"a name that is not ASCII", "</1>;\304\205", NULL},
	{"a token that is not ASCII", "</1>;a=\304\205", NULL},
	{"17 attributes: the last is skipped", "</1>;a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p;q,</2>;r",
		"/1;a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p\n/2;r"},

	/* commas */
	{"a comma at the end", "</1>,", NULL},
	{"a comma and a space at the end", "</1>, ", NULL},
	{"a comma at the start", ",</1>", NULL},
	{"two commas", "</1>,,</2>", NULL},
	{"text behind a link", "</1>x", NULL},
};

static void dump(struct writer *w, const struct lwm_link *l)
{
	wr_bytes(w, l->target);
	for (uint8_t i = 0; i < l->attr_n; i++) {
		wr_u8(w, ';');
		wr_bytes(w, l->attr[i].name);
		if (l->attr[i].value.p)
			wr_u8(w, '=');
		wr_bytes(w, l->attr[i].value);
	}
}

/* All links of a text; *good: it ended as it should. */
static struct span read_all(struct span rest, char *buf, size_t cap, bool *good)
{
	struct writer w = wr_make(buf, cap);
	struct lwm_link l;
	struct span before = rest;
	enum err e;

	while ((e = lwm_link_next(&rest, &l)) == ERR_OK) {
		if (w.n)
			wr_u8(&w, '\n');
		dump(&w, &l);
		before = rest;
	}
	CHECK(before.p == rest.p && before.n == rest.n, "an error takes nothing");
	CHECK(e == ERR_NOTFOUND || (e == ERR_SYNTAX && !l.attr_n && !l.target.p),
		"an error leaves an empty link");
	REQUIRE(!w.err, "the dump fits");
	*good = e == ERR_NOTFOUND;
	return wr_span(&w);
}

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buf[1024];
		bool good;
		struct span got = read_all(span_str(rows[i].text), buf, sizeof(buf), &good);

		CHECK(good == (rows[i].want != NULL), rows[i].what);
		if (good)
			CHECK_BYTES(got, span_str(rows[i].want), rows[i].what);
	}
}

/* Every text cut at every place, in a block of its own: what is read before an error is the front
 * of what the whole gives, the last line perhaps shortened. */
static void test_cuts(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);

		for (size_t n = 0; n < len && rows[i].want; n++) {
			char buf[1024];
			uint8_t *copy = malloc(n ? n : 1);
			bool good;
			struct span got, line;

			REQUIRE(copy, "memory");
			memcpy(copy, rows[i].text, n);
			got = read_all((struct span){copy, n}, buf, sizeof(buf), &good);
			line = span_sub(span_str(rows[i].want), 0, got.n);
			CHECK_BYTES(got, line, rows[i].what);
			free(copy);
		}
	}
}

static void test_attr(void)
{
	struct span rest = SPAN_LIT("</1>;a=1;b;a=2;e=\"\"");
	struct lwm_link l;

	REQUIRE(lwm_link_next(&rest, &l) == ERR_OK, "a link");
	CHECK(lwm_link_attr(&l, "a") && span_eq_str(lwm_link_attr(&l, "a")->value, "1"),
		"the first of that name");
	CHECK(lwm_link_attr(&l, "b") && !lwm_link_attr(&l, "b")->value.p, "a flag");
	CHECK(lwm_link_attr(&l, "e") && lwm_link_attr(&l, "e")->value.p, "empty is no flag");
	CHECK(!lwm_link_attr(&l, "A") && !lwm_link_attr(&l, ""), "absent");
	CHECK(lwm_link_next(&rest, &l) == ERR_NOTFOUND, "the end");
}

static const struct value_row {
	const char *what, *in, *want;
} value_rows[] = {
	{"plain", "oma.lwm2m", "oma.lwm2m"},
	{"empty", "", ""},
	{"a quote", "a\\\"b", "a\"b"},
	{"a backslash", "\\\\", "\\"},
	{"two", "\\\\\\\\", "\\\\"},
	{"a letter", "\\x", "x"},
	{"nothing behind it", "a\\", "a\\"},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++) {
		char text[32];
		struct writer w = wr_make(text, sizeof(text));

		wr_link_value(&w, span_str(value_rows[i].in));
		CHECK_BYTES(wr_span(&w), span_str(value_rows[i].want), value_rows[i].what);
	}
}

int main(void)
{
	test_rows();
	test_cuts();
	test_attr();
	test_values();
	return test_done();
}
