/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lwm2m/fail_malloc.h"

#include "lwm2m/format.h"
#include "lwm2m/link.h"
#include "tests/unit/test.h"

/* `want`: as lwm_object_list_write spells it; NULL: refused. */
static const struct {
	const char *what, *text, *want;
} rows[] = {
	{"nothing", "", ""},
	{"instances", "</1/0>,</3/0>", "</1/0>,</3/0>"},
	{"sorted", "</5/0>,</3/0>,</1/1>,</1/0>", "</1/0>,</1/1>,</3/0>,</5/0>"},
	{"ids sort as numbers", "</10/0>,</9/10>,</9/9>", "</9/9>,</9/10>,</10/0>"},
	{"an object without instance", "</5>,</3/0>", "</3/0>,</5>"},
	{"an object link beside an instance", "</1>,</1/0>,</3/0>,</3>", "</1/0>,</3/0>"},
	{"repeats", "</1/0>,</1/0>,</5>,</5>", "</1/0>,</5>"},
	{"Core TS 6.2.1", "</>;ct=\"110 11542 60\", </1/0>,</1/1>,</2/0>,</3/0>,</5>",
		"</>;rt=\"oma.lwm2m\";ct=\"11542 110 60\",</1/0>,</1/1>,</2/0>,</3/0>,</5>"},
	{"the formats of LwM2M 1.1", "</>;ct=\"60 110 112\",</3/0>",
		"</>;rt=\"oma.lwm2m\";ct=\"110 112 60\",</3/0>"},
	{"no root link, CT-26", "</3/0>", "</3/0>"},
	{"root link without ct", "</>;rt=\"oma.lwm2m\",</3/0>", "</3/0>"},
	{"one format, REG-08", "</>;rt=\"oma.lwm2m\";ct=11542,</3/0>",
		"</>;rt=\"oma.lwm2m\";ct=\"11542\",</3/0>"},
	{"several formats, CT-27", "</>;ct=\"42  0 11542 \";rt=oma.lwm2m,</3/0>",
		"</>;rt=\"oma.lwm2m\";ct=\"0 42 11542\",</3/0>"},
	{"old numbers of formats, CT-81", "</>;ct=1542", "</>;rt=\"oma.lwm2m\";ct=\"11542\""},
	{"formats nobody knows", "</>;ct=\"9999 x 99999999999\",</3/0>", "</3/0>"},
	{"ct as a flag", "</>;ct,</3/0>", "</3/0>"},
	{"ct of an object is not the client's", "</3/0>;ct=42", "</3/0>"},

	{"version at the object, REG-07", "</3>;ver=1.1,</3/0>", "</3>;ver=1.1,</3/0>"},
	{"version at the instance, REG-07", "</3/0>;ver=1.1", "</3>;ver=1.1,</3/0>"},
	{"version in quotes, CT-27", "</3>;ver=\"1.1\"", "</3>;ver=1.1"},
	{"version without instance (OBJ-02)", "</5>;ver=1.2", "</5>;ver=1.2"},
	{"version is no version, CT-28", "</3/0>;ver=1,</4/0>;ver=x,</5>;ver,</6/0>;ver=1.10",
		"</3/0>,</4/0>,</5>,</6/0>"},
	{"largest version", "</9/0>;ver=24.9,</10/0>;ver=25.0", "</9>;ver=24.9,</9/0>,</10/0>"},
	{"versions of several", "</5>;ver=1.1,</3>;ver=1.2,</4/0>",
		"</3>;ver=1.2,</4/0>,</5>;ver=1.1"},
	{"version twice", "</3>;ver=1.1,</3/0>;ver=1.1", "</3>;ver=1.1,</3/0>"},
	{"other attributes", "</3/0>;pmin=1;x=\"</9/0>\";obs", "</3/0>"},

	{"hidden objects, REG-09 and CT-29",
		"</0/0>,</0>,</21/0>;ver=2.0,</21>,</23/0>,</24/1>,</3/0>", "</3/0>"},
	{"only hidden objects", "</0/0>,</21>;ver=2.0", ""},
	{"resources and longer", "</3/0/1>,</3/0/6/1>,</1/0>", "</1/0>"},
	{"what is no object", "</rd>,</d01/3/0>,</65535/0>,</3/65535>,</03/0>,</3/0>", "</3/0>"},
	{"the largest ids", "</65534/65534>", "</65534/65534>"},
	{"absolute and relative targets", "<coap://h/3/0>,<3/0>,</1/0>", "</1/0>"},
	{"trailing slashes", "</3/>,</1/0/>", "</1/0>,</3>"},
	{"spaces", " </1/0> , </3/0> ;ver=1.0", "</1/0>,</3>;ver=1.0,</3/0>"},

	{"alternate path, GEN-06", "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/1/101>,</lwm2m/2>",
		"</lwm2m>;rt=\"oma.lwm2m\",</1/101>,</2>"},
	{"alternate path with ct", "</lwm2m>;rt=\"oma.lwm2m\";ct=42,</lwm2m/3/0>;ver=1.1",
		"</lwm2m>;rt=\"oma.lwm2m\";ct=\"42\",</3>;ver=1.1,</3/0>"},
	{"links without the prefix, CT-30", "</alt>;rt=\"oma.lwm2m\",</1/0>,</alt/3/0>",
		"</alt>;rt=\"oma.lwm2m\",</1/0>,</3/0>"},
	{"alternate path of two segments", "</a/b/>;rt=\"oma.lwm2m\",</a/b/3/0>",
		"</a/b>;rt=\"oma.lwm2m\",</3/0>"},
	{"alternate path at the end", "</alt/3/0>,</alt>;rt=\"oma.lwm2m\"",
		"</alt>;rt=\"oma.lwm2m\",</3/0>"},
	{"alternate path among other types", "</alt>;rt=\"x oma.lwm2m y\",</alt/3/0>",
		"</alt>;rt=\"oma.lwm2m\",</3/0>"},
	{"another type", "</alt>;rt=\"oma.lwm2mx\",</alt/3/0>", ""},
	{"a prefix of the prefix", "</alt>;rt=\"oma.lwm2m\",</alternate/3/0>,</al/3/0>",
		"</alt>;rt=\"oma.lwm2m\""},
	{"32 bytes", "</abcdefghijklmnopqrstuvwxyz01234>;rt=\"oma.lwm2m\"",
		"</abcdefghijklmnopqrstuvwxyz01234>;rt=\"oma.lwm2m\""},
	{"33 bytes", "</abcdefghijklmnopqrstuvwxyz012345>;rt=\"oma.lwm2m\"", NULL},
	{"alternate path with a number", "</a/3>;rt=\"oma.lwm2m\"", NULL},
	{"alternate path with an empty segment", "</a//b>;rt=\"oma.lwm2m\"", NULL},
	{"alternate path to be decoded", "</a%20b>;rt=\"oma.lwm2m\"", NULL},
	{"alternate path with a query", "</a?b>;rt=\"oma.lwm2m\"", NULL},
	{"alternate path elsewhere", "<coap://h/a>;rt=\"oma.lwm2m\"", NULL},
	{"an object as the root is only an object", "</3/0>;rt=\"oma.lwm2m\"", "</3/0>"},

	{"Transport TS figure 6.4.3-1: a comma is missing",
		"</1/1>,</1/2>,</2/0></2/1>,</3/0>,</4/0>", NULL},
	{"the old form is Bootstrap-Discover's", "lwm2m=1.0,</3/0>", NULL},
	{"a comma at the end", "</3/0>,", NULL},
	{"no link format", "hello", NULL},
};

static struct span write_list(const struct lwm_object_list *l, char *buf, size_t cap)
{
	struct writer w = wr_make(buf, cap);

	CHECK(lwm_object_list_write(l, &w) == ERR_OK, "written");
	return wr_span(&w);
}

static void test_rows(void)
{
	char buf[256], again[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lwm_object_list l, back;
		struct span text;
		enum err e = lwm_object_list_parse(span_str(rows[i].text), &l);

		CHECK(e == (rows[i].want ? ERR_OK : ERR_SYNTAX), rows[i].what);
		if (e) {
			CHECK(!l.inst && !l.ver && !l.inst_n && !l.alt[0], "empty after an error");
			continue;
		}
		text = write_list(&l, buf, sizeof(buf));
		CHECK_BYTES(text, span_str(rows[i].want), rows[i].what);
		CHECK(lwm_object_list_parse(text, &back) == ERR_OK, "read back");
		CHECK_BYTES(write_list(&back, again, sizeof(again)), text, "and written again");
		CHECK(back.formats == l.formats && back.inst_n == l.inst_n, rows[i].what);
		lwm_object_list_fini(&back);
		lwm_object_list_fini(&l);
	}
}

static void test_has(void)
{
	static const struct {
		uint16_t oid, iid;
		bool has;
	} asked[] = {
		{1, 0, true},
		{1, 1, false},
		{1, 5, true},
		{1, 6, false},
		{1, LWM_ID_NONE, true},
		{5, LWM_ID_NONE, true},
		{5, 0, false},
		{3, 0, true},
		{2, LWM_ID_NONE, false},
		{0, 0, false},
		{9, 0, false},
		{9, LWM_ID_NONE, false},
		{65535, 0, false},
	};
	struct lwm_object_list l;

	REQUIRE(lwm_object_list_parse(SPAN_LIT("</1/0>,</1/5>,</3/0>,</5>"), &l) == ERR_OK, "read");
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		char what[40];

		snprintf(what, sizeof(what), "has /%u/%u", asked[i].oid, asked[i].iid);
		CHECK(lwm_object_list_has(&l, asked[i].oid, asked[i].iid) == asked[i].has, what);
	}
	lwm_object_list_fini(&l);
	CHECK(!lwm_object_list_has(&l, 1, 0), "an empty list has nothing");
	lwm_object_list_fini(&l);
}

static void test_limit(void)
{
	static char text[LWM_LIST_MAX * 16];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_object_list l;

	for (int i = LWM_LIST_MAX; i > 0; i--)
		wr_fmt(&w, "%s</9/%d>", w.n ? "," : "", i);
	CHECK(lwm_object_list_parse(wr_span(&w), &l) == ERR_OK && l.inst_n == LWM_LIST_MAX,
		"as many links as there may be");
	CHECK(lwm_object_list_has(&l, 9, 1) && lwm_object_list_has(&l, 9, LWM_LIST_MAX) &&
			!lwm_object_list_has(&l, 9, 0),
		"sorted");
	lwm_object_list_fini(&l);
	wr_str(&w, ",</0/1>");
	CHECK(lwm_object_list_parse(wr_span(&w), &l) == ERR_OK, "a hidden one does not count");
	lwm_object_list_fini(&l);
	wr_str(&w, ",</3/0>");
	CHECK(lwm_object_list_parse(wr_span(&w), &l) == ERR_LIMIT && !l.inst, "one more");
}

/* What can be written can be read again: a version that came with an instance is a link more. */
static void test_growth(void)
{
	static const struct {
		const char *what, *each;
		int links;
		enum err err;
	} row[] = {
		{"objects with versions", "</%d>;ver=9.9", LWM_LIST_MAX, ERR_OK},
		{"instances with versions, half of them", "</%d/0>;ver=9.9", LWM_LIST_MAX / 2,
			ERR_OK},
		{"and one", "</%d/0>;ver=9.9", LWM_LIST_MAX / 2 + 1, ERR_LIMIT},
		{"all of them", "</%d/65534>;ver=9.9", LWM_LIST_MAX, ERR_LIMIT},
	};
	static char text[LWM_LIST_MAX * 32], written[LWM_LIST_MAX * 64];
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct writer w = wr_make(text, sizeof(text)),
			      again = wr_make(written, sizeof(written));
		struct lwm_object_list l, back;

		for (int n = 0; n < row[i].links; n++) {
			char one[64];
			snprintf(one, sizeof(one), row[i].each, 60000 + n);
			wr_fmt(&w, "%s%s", n ? "," : "", one);
		}
		REQUIRE(lwm_object_list_parse(wr_span(&w), &l) == ERR_OK, "read");
		CHECK(lwm_object_list_write(&l, &again) == row[i].err, row[i].what);
		enum err err = lwm_object_list_parse(wr_span(&again), &back);
		CHECK((err == ERR_OK) == (row[i].err == ERR_OK), "and only such are read again");
		lwm_object_list_fini(&back);
		lwm_object_list_fini(&l);
	}
}

/* Create ('+') and Delete ('-') after a Register. */
static const struct {
	const char *what, *links, *change, *want;
	bool changed;
} changes[] = {
	{"a new instance", "</3/0>,</3303/0>", "+/3303/1", "</3/0>,</3303/0>,</3303/1>", true},
	{"in its place", "</3/0>,</3303/7>", "+/3303/1", "</3/0>,</3303/1>,</3303/7>", true},
	{"the first of its object", "</3/0>,</3303>", "+/3303/1", "</3/0>,</3303/1>", true},
	{"with a version", "</3303>;ver=1.1,</3/0>", "+/3303/1", "</3/0>,</3303>;ver=1.1,</3303/1>",
		true},
	{"of an object that was not listed", "</3/0>", "+/3303/1", "</3/0>,</3303/1>", true},
	{"before all others", "</3/0>", "+/1/0", "</1/0>,</3/0>", true},
	{"into an empty list", "", "+/3/0", "</3/0>", true},
	{"one that is there", "</3/0>", "+/3/0", "</3/0>", false},
	{"one that is never listed", "</3/0>", "+/0/1", "</3/0>", false},
	{"one goes", "</3/0>,</3303/0>,</3303/1>", "-/3303/0", "</3/0>,</3303/1>", true},
	{"the last of three goes", "</9/0>,</9/1>,</9/2>", "-/9/2", "</9/0>,</9/1>", true},
	{"the only one of its object goes", "</3/0>,</3303/4>,</4/0>", "-/3303/4",
		"</3/0>,</4/0>,</3303>", true},
	{"with a version", "</3303>;ver=1.1,</3303/4>", "-/3303/4", "</3303>;ver=1.1", true},
	{"the only one", "</3/0>", "-/3/0", "</3>", true},
	{"one that is not there", "</3/0>,</3303>", "-/3303/0", "</3/0>,</3303>", false},
	{"out of an empty list", "", "-/3/0", "", false},
};

static void test_changes(void)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *c = changes[i].change;
		char buf[128];
		struct writer w = wr_make(buf, sizeof(buf));
		struct lwm_object_list l;
		struct lwm_path p;
		bool changed;

		REQUIRE(lwm_object_list_parse(span_str(changes[i].links), &l) == ERR_OK &&
				lwm_path_parse(span_str(c + 1), &p) == ERR_OK,
			changes[i].what);
		if (*c == '+')
			CHECK(lwm_object_list_add(&l, p.id[0], p.id[1], &changed) == ERR_OK,
				changes[i].what);
		else
			changed = lwm_object_list_remove(&l, p.id[0], p.id[1]);
		CHECK(changed == changes[i].changed, changes[i].what);
		CHECK(lwm_object_list_write(&l, &w) == ERR_OK, changes[i].what);
		CHECK_BYTES(wr_span(&w), span_str(changes[i].want), changes[i].what);
		CHECK(lwm_object_list_has(&l, p.id[0], p.id[1]) == (*c == '+' && p.id[0]),
			changes[i].what);
		lwm_object_list_fini(&l);
	}
}

/* A list that grew is still one that can be read again. */
static void test_full(void)
{
	static char text[LWM_LIST_MAX * 16], written[LWM_LIST_MAX * 32];
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_object_list l;
	bool changed;

	for (int i = 0; i < LWM_LIST_MAX - 3; i++)
		wr_fmt(&w, "</9/%d>,", i);
	wr_str(&w, "</8>;ver=1.1");
	REQUIRE(lwm_object_list_parse(wr_span(&w), &l) == ERR_OK, "read");
	CHECK(lwm_object_list_add(&l, 8, 0, &changed) == ERR_OK && changed, "two more links fit");
	CHECK(lwm_object_list_add(&l, 8, 1, &changed) == ERR_OK && changed, "one");
	CHECK(lwm_object_list_add(&l, 8, 2, &changed) == ERR_LIMIT && !changed, "and no more");
	w = wr_make(written, sizeof(written));
	CHECK(lwm_object_list_write(&l, &w) == ERR_OK, "it can be written");
	lwm_object_list_fini(&l);
	CHECK(lwm_object_list_parse(wr_span(&w), &l) == ERR_OK, "and read again");
	lwm_object_list_fini(&l);
}

/* However long a list is, no more of it is kept. */
static void test_flood(void)
{
	enum { LINKS = 100000, BYTES = LINKS * 16 };
	char *text = malloc(BYTES);
	struct lwm_object_list l;

	REQUIRE(text, "room");
	struct writer w = wr_make(text, BYTES);
	for (int i = 0; i < LINKS; i++)
		wr_fmt(&w, "</%d/%d>,", 100 + i / 1000, i % 1000);
	wr_str(&w, "</3/0>");
	CHECK(lwm_object_list_parse(wr_span(&w), &l) == ERR_LIMIT && !l.inst && !l.ver,
		"100,000 links");
	w = wr_make(text, BYTES);
	for (int i = 0; i < LINKS; i++)
		wr_str(&w, "</x>,");
	wr_str(&w, "</3/0>");
	CHECK(lwm_object_list_parse(wr_span(&w), &l) == ERR_OK && l.inst_n == 1,
		"100,000 links to no object, and one");
	lwm_object_list_fini(&l);
	free(text);
}

static void test_memory(void)
{
	struct lwm_object_list l;

	if (!FAIL_MALLOC)
		return;
	for (long n = 0; n < 2; n++) {
		fail_malloc_after = n;
		CHECK(lwm_object_list_parse(SPAN_LIT("</3/0>;ver=1.0"), &l) == ERR_NOMEM && !l.inst,
			"no memory");
	}
	fail_malloc_after = -1;
	bool changed;
	REQUIRE(lwm_object_list_parse(SPAN_LIT("</3/0>"), &l) == ERR_OK, "read");
	fail_malloc_after = 0;
	CHECK(lwm_object_list_add(&l, 3, 1, &changed) == ERR_NOMEM && !changed && l.inst_n == 1,
		"no memory to grow");
	fail_malloc_after = -1;
	lwm_object_list_fini(&l);
}

static void test_space(void)
{
	struct lwm_object_list l;
	char buf[8];
	struct writer w = wr_make(buf, sizeof(buf));

	REQUIRE(lwm_object_list_parse(SPAN_LIT("</3/0>,</4/0>"), &l) == ERR_OK, "read");
	CHECK(lwm_object_list_write(&l, &w) == ERR_SPACE, "no space");
	lwm_object_list_fini(&l);
}

int main(void)
{
	test_rows();
	test_has();
	test_limit();
	test_growth();
	test_changes();
	test_full();
	test_flood();
	test_memory();
	test_space();
	return test_done();
}
