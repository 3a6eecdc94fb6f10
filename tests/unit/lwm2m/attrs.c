/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/attrs.h"

#include "tests/unit/test.h"

#define DIGITS20 "12345678901234567890"

/* `want`: what is set and, behind a '-', taken away, as Discover would show it; or the message. */
static const struct row {
	const char *what, *path, *text;
	uint8_t lwm2m;
	enum err err;
	const char *want;
} rows[] = {
	{"one at an object, TS 6.3.4", "/3", "pmin=1", 12, ERR_OK, ";pmin=1"},
	{"one taken away, TS 6.3.4", "/3", "pmin", 12, ERR_OK, " -pmin"},
	{"taken away by an empty value", "/3", "pmin=", 12, ERR_OK, " -pmin"},
	{"limits and step, TS 7.3", "/3/0/9", "lt=20&gt=85&st=10", 12, ERR_OK,
		";gt=85;lt=20;st=10"},
	{"periods and a limit, TS 7.3", "/3/0/9", "pmin=1&pmax=5&lt=5", 12, ERR_OK,
		";pmin=1;pmax=5;lt=5"},
	{"set and taken away together", "/3/0/9", "pmin=10&gt=&pmax=60", 10, ERR_OK,
		";pmin=10;pmax=60 -gt"},
	{"edge and con without a target (ATT-06)", NULL, "edge=1&con=1", 12, ERR_OK,
		";edge=1;con=1"},
	{"con 0", "/3", "con=0", 12, ERR_OK, ";con=0"},
	{"con true", NULL, "con=true", 12, ERR_SYNTAX, "con: only 0 and 1 are values"},
	{"con 2", NULL, "con=2", 12, ERR_SYNTAX, "con: only 0 and 1 are values"},
	{"con 01", NULL, "con=01", 12, ERR_SYNTAX, "con: only 0 and 1 are values"},
	{"hqmax", "/3/0/9", "hqmax=10", 12, ERR_OK, ";hqmax=10"},
	{"hqmax 0", "/3", "hqmax=0", 12, ERR_OK, ";hqmax=0"},
	{"hqmax negative", NULL, "hqmax=-1", 12, ERR_SYNTAX, "hqmax: only digits are a value"},
	{"epmin equal to epmax, ATT-04", NULL, "epmin=10&epmax=10", 12, ERR_CONFLICT,
		"epmin: has to be below epmax"},
	{"epmin below epmax", NULL, "epmin=9&epmax=10", 12, ERR_OK, ";epmin=9;epmax=10"},
	{"epmax alone", NULL, "epmax=1&epmin=", 12, ERR_OK, ";epmax=1 -epmin"},
	{"gt at an object, ATT-02", "/3", "gt=5", 12, ERR_UNSUPPORTED,
		"gt: belongs to a resource or its instance"},
	{"st at an instance", "/3/0", "st=1", 12, ERR_UNSUPPORTED,
		"st: belongs to a resource or its instance"},
	{"edge at an instance", "/3/0", "edge=1", 12, ERR_UNSUPPORTED,
		"edge: belongs to a resource or its instance"},
	{"taking away at the wrong level", "/3/0", "lt", 12, ERR_UNSUPPORTED,
		"lt: belongs to a resource or its instance"},
	{"two steps do not fit, ATT-04", "/3/0/9", "lt=1&gt=5&st=2", 12, ERR_CONFLICT,
		"st: twice the step has to fit between lt and gt"},
	{"two steps fit", "/3/0/9", "lt=1&gt=5&st=1.9", 12, ERR_OK, ";gt=5;lt=1;st=1.9"},
	{"lt equal to gt, ATT-04", "/3/0/9", "gt=50&lt=50", 12, ERR_CONFLICT,
		"lt: has to be below gt"},
	{"lt above gt, ATT-04", "/3/0/9", "lt=50&gt=49", 12, ERR_CONFLICT,
		"lt: has to be below gt"},
	{"pmax below pmin is no error, ATT-04", "/3/0/9", "pmin=50&pmax=49", 12, ERR_OK,
		";pmin=50;pmax=49"},
	{"a dot without digits behind", NULL, "gt=5.", 12, ERR_SYNTAX,
		"gt: only a decimal without exponent is a value"},
	{"a dot without digits before", NULL, "gt=.5", 12, ERR_SYNTAX,
		"gt: only a decimal without exponent is a value"},
	{"an exponent", NULL, "lt=1e3", 12, ERR_SYNTAX,
		"lt: only a decimal without exponent is a value"},
	{"a minus alone", NULL, "lt=-", 12, ERR_SYNTAX,
		"lt: only a decimal without exponent is a value"},
	{"a plus", NULL, "lt=+1", 12, ERR_SYNTAX, "lt: only a decimal without exponent is a value"},
	{"hexadecimal, inf and nan are no decimals", NULL, "lt=inf", 12, ERR_SYNTAX,
		"lt: only a decimal without exponent is a value"},
	{"two dots", NULL, "lt=1.2.3", 12, ERR_SYNTAX,
		"lt: only a decimal without exponent is a value"},
	{"a negative step", NULL, "st=-1", 12, ERR_SYNTAX,
		"st: only a decimal without sign and exponent is a value"},
	{"unknown", NULL, "foo=1", 12, ERR_SYNTAX, "foo: is no attribute"},
	{"another case", NULL, "PMIN=1", 12, ERR_SYNTAX, "PMIN: is no attribute"},
	{"unknown and unprintable", NULL, "f\no=1", 12, ERR_SYNTAX, "f\\x0ao: is no attribute"},
	{"unknown and long", NULL, DIGITS20 DIGITS20, 12, ERR_SYNTAX,
		"12345678901234567890123456789012: is no attribute"},
	{"read only", "/3", "ver=1.1", 12, ERR_SYNTAX,
		"ver: is told by the device and not written"},
	{"read only: dim (ATT-10)", "/3/0/6", "dim=1", 12, ERR_SYNTAX,
		"dim: is told by the device and not written"},
	{"negative limits (ATT-02)", "/4/0/2", "lt=-110&gt=-60", 12, ERR_OK, ";gt=-60;lt=-110"},
	{"fractions", "/3303/0/5700", "lt=-0.25&gt=20.10", 10, ERR_OK, ";gt=20.1;lt=-0.25"},

	{"nothing", "/3", "", 12, ERR_SYNTAX, "an attribute is missing"},
	{"a bare &", "/3", "&", 12, ERR_SYNTAX, "an attribute is missing"},
	{"an & before", "/3", "&pmin=1", 12, ERR_SYNTAX, "an attribute is missing"},
	{"an & behind", "/3", "pmin=1&", 12, ERR_SYNTAX, "an attribute is missing"},
	{"two &", "/3", "pmin=1&&pmax=2", 12, ERR_SYNTAX, "an attribute is missing"},
	{"no name", "/3", "=1", 12, ERR_SYNTAX, "an attribute is missing"},
	{"twice", "/3", "pmin=1&pmin=1", 12, ERR_SYNTAX, "pmin: is given twice"},
	{"set and taken away at once", "/3", "pmin=1&pmin", 12, ERR_SYNTAX, "pmin: is given twice"},
	{"all ten", "/6/0/0", "pmin=1&pmax=2&gt=9&lt=1&st=1&epmin=1&epmax=2&con=1&hqmax=3&edge", 0,
		ERR_UNSUPPORTED, "edge: belongs to a boolean resource"},

	{"largest period", "/3", "pmax=4294967295", 10, ERR_OK, ";pmax=4294967295"},
	{"a larger one", "/3", "pmax=4294967296", 10, ERR_RANGE, "pmax: the number is too large"},
	{"pmax of letters", "/3", "pmax=1m", 10, ERR_SYNTAX, "pmax: only digits are a value"},
	{"pmin with a fraction", "/3", "pmin=1.0", 10, ERR_SYNTAX, "pmin: only digits are a value"},
	{"a limit of 63 characters", "/3/0/9", "gt=" DIGITS20 DIGITS20 DIGITS20 ".5", 10, ERR_OK,
		NULL},
	{"a limit of 64 characters", "/3/0/9", "gt=" DIGITS20 DIGITS20 DIGITS20 "0.51", 10,
		ERR_RANGE, "gt: the number is too large"},

	{"epmin in 1.0, ATT-01", "/3", "epmin=1", 10, ERR_UNSUPPORTED,
		"epmin: is younger than the device's LwM2M version"},
	{"epmin in 1.1 (ATT-01)", "/3", "epmin=1", 11, ERR_OK, ";epmin=1"},
	{"con in 1.1", "/3", "con=1", 11, ERR_UNSUPPORTED,
		"con: is younger than the device's LwM2M version"},
	{"taking away what is younger", "/3", "hqmax=", 11, ERR_UNSUPPORTED,
		"hqmax: is younger than the device's LwM2M version"},
	{"con for an unknown version", "/3", "con=1", 0, ERR_OK, ";con=1"},

	{"at the root", "/", "pmin=1", 12, ERR_UNSUPPORTED, "pmin: has no place above an object"},
	{"limits of a resource instance", "/3/0/7/0", "gt=5", 12, ERR_OK, ";gt=5"},
	{"limits of a string", "/3/0/0", "gt=5", 12, ERR_UNSUPPORTED,
		"gt: belongs to a numeric resource"},
	{"limits of an executable", "/3/0/4", "lt=5", 12, ERR_UNSUPPORTED,
		"lt: belongs to a numeric resource"},
	{"limits of a time", "/3/0/13", "gt=5", 12, ERR_OK, ";gt=5"},
	{"limits of the unknown", "/4711/0/1", "gt=5", 12, ERR_OK, ";gt=5"},
	{"edge of a boolean", "/1/0/6", "edge=0", 12, ERR_OK, ";edge=0"},
	{"edge of an integer", "/3/0/9", "edge=0", 12, ERR_UNSUPPORTED,
		"edge: belongs to a boolean resource"},
	{"edge of the unknown", "/4711/0/1", "edge=0", 12, ERR_OK, ";edge=0"},
	{"periods of a string", "/3/0/0", "pmin=1&pmax=2", 10, ERR_OK, ";pmin=1;pmax=2"},
};

static struct span shown(const struct lwm_attrs *a)
{
	static uint8_t buf[512];
	struct writer w = wr_make(buf, sizeof(buf));

	wr_attrs(&w, a);
	for (size_t i = 0; i < LWM_ATTRS; i++)
		if (a->unset & LWM_ATTR_BIT(i))
			wr_fmt(&w, " -%s", lwm_attr_name((enum lwm_attr)i));
	return wr_span(&w);
}

static struct span said(const struct lwm_attr_why *why)
{
	static uint8_t buf[256];
	struct writer w = wr_make(buf, sizeof(buf));

	wr_attr_why(&w, why);
	return wr_span(&w);
}

static void test_row(const struct row *r)
{
	struct lwm_path path, *at = r->path ? &path : NULL;
	struct lwm_attrs a = {.set = 0xffff};
	struct lwm_attr_why why = {SPAN_EMPTY, NULL};
	struct msg m;
	enum err e;

	REQUIRE(!at || lwm_path_parse(span_str(r->path), &path) == ERR_OK, r->what);
	e = lwm_attrs_parse(span_str(r->text), at, r->lwm2m, &a, &why);
	CHECK(e == r->err, r->what);
	if (r->want)
		CHECK_BYTES(e ? said(&why) : shown(&a), span_str(r->want), r->what);
	CHECK(!e || a.set == 0xffff, r->what);
	if (e)
		return;
	msg_init(&m, MSG_CON, MSG_PUT);
	CHECK(lwm_attrs_to_options(span_str(r->text), 0xffff, &m) == ERR_OK, r->what);
	struct lwm_attrs again = {0};
	CHECK(lwm_attrs_from_options(&m, at, r->lwm2m, &again, &why) == ERR_OK, r->what);
	CHECK(again.set == a.set && again.unset == a.unset, r->what);
}

/* What goes on the wire, separated by spaces. */
static const struct {
	const char *what, *text;
	uint16_t which;
	const char *want;
} options[] = {
	{"as given", "pmin=10&gt=05.50", 0xffff, "pmin=10 gt=05.50 "},
	{"taken away: the bare name, DM-10", "gt=&pmax", 0xffff, "gt pmax "},
	{"the basic five, CT-47", "con=1&pmin=1&epmin=&pmax=2&gt=3&lt=1&st=0.5&edge=1",
		LWM_ATTRS_BASIC, "pmin=1 pmax=2 gt=3 lt=1 st=0.5 "},
	{"none of them", "con=1", LWM_ATTRS_BASIC, ""},
};

static void test_options(void)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		uint8_t buf[128];
		struct writer w = wr_make(buf, sizeof(buf));
		struct msg m;

		msg_init(&m, MSG_CON, MSG_PUT);
		CHECK(lwm_attrs_to_options(span_str(options[i].text), options[i].which, &m) ==
				ERR_OK,
			options[i].what);
		for (const struct opt *o = msg_find(&m, OPT_URI_QUERY); o; o = msg_next(&m, o)) {
			wr_bytes(&w, o->val);
			wr_u8(&w, ' ');
		}
		CHECK_BYTES(wr_span(&w), span_str(options[i].want), options[i].what);
	}
}

/* Changes one after the other, at one place. */
static const struct {
	const char *what, *before, *change, *want;
	enum err err; /* of what comes out */
} merges[] = {
	{"added", "pmin=1", "pmax=5", ";pmin=1;pmax=5", ERR_OK},
	{"overwritten", "pmin=1", "pmin=2", ";pmin=2", ERR_OK},
	{"taken away", "pmin=1&gt=5", "gt", ";pmin=1", ERR_OK},
	{"taken away though not there", "pmin=1", "st=", ";pmin=1", ERR_OK},
	{"in conflict with what is there, ATT-04", "gt=5", "lt=6", ";gt=5;lt=6", ERR_CONFLICT},
	{"the conflict taken away too", "gt=5", "lt=6&gt", ";lt=6", ERR_OK},
};

static void test_merge(void)
{
	for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
		struct lwm_attrs a = {0}, before = {0}, change = {0};

		CHECK(!lwm_attrs_parse(span_str(merges[i].before), NULL, 12, &before, NULL) &&
				!lwm_attrs_parse(
					span_str(merges[i].change), NULL, 12, &change, NULL),
			merges[i].what);
		lwm_attrs_merge(&a, &before);
		lwm_attrs_merge(&a, &change);
		CHECK_BYTES(shown(&a), span_str(merges[i].want), merges[i].what);
		CHECK(lwm_attrs_consistent(&a, NULL) == merges[i].err, merges[i].what);
	}
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test_row(&rows[i]);
	test_options();
	test_merge();
	return test_done();
}
