/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/regparam.h"

#include "tests/unit/test.h"

#define EP32  "0123456789abcdef0123456789abcdef"
#define EP255 EP32 EP32 EP32 EP32 EP32 EP32 EP32 "0123456789abcdef0123456789abcde"

/* Queries are separated by spaces in `queries` (a space itself is written \1). `want`: what is
 * there, in the order ep lt lwm2m b queue sms pct pid; NULL: refused. */
static const struct {
	const char *what, *queries, *want;
} rows[] = {
	{"nothing: the defaults of 1.0, REG-02", "", "lifetime 86400 version 10 U"},
	{"a usual client", "ep=node1 lt=300 lwm2m=1.1 b=U",
		"ep[node1] lt lwm2m b lifetime 300 version 11 U"},
	{"lwm2m first, CT-20", "lwm2m=1.1 b=U lt=300 ep=node1",
		"ep[node1] lt lwm2m b lifetime 300 version 11 U"},
	{"another order, CT-20", "ep=n lt=1 lwm2m=1.0 b=U sms=491701234567 Q",
		"ep[n] lt lwm2m b queue sms[491701234567] lifetime 1 version 10 U"},
	{"unknown keys, CT-20", "x=1 ep=n y EP=other =z", "ep[n] lifetime 86400 version 10 U"},
	{"an unknown key twice", "x=1 x=2 ep=n", "ep[n] lifetime 86400 version 10 U"},
	{"a key twice, CT-20", "ep=a ep=a", NULL},
	{"lt twice", "lt=1 lt=1", NULL},
	{"Q twice", "Q Q", NULL},
	{"b twice", "b=U b=T", NULL},

	{"Q bare, CT-21", "Q", "queue lifetime 86400 version 10 U"},
	{"Q with an equals sign, CT-21", "Q=", "queue lifetime 86400 version 10 U"},
	{"Q within b, CT-21", "b=UQ", "b queue lifetime 86400 version 10 U"},
	{"Q within b and alone", "b=UQ Q lwm2m=1.1", "lwm2m b queue lifetime 86400 version 11 U"},
	{"no Q", "q b=U", "b lifetime 86400 version 10 U"},

	{"b empty, CT-22", "b=", "b lifetime 86400 version 10 U"},
	{"b bare", "b", "b lifetime 86400 version 10 U"},
	{"b without U: U is assumed, CT-22", "b=N", "b lifetime 86400 version 10 UN"},
	{"b=UT, CT-22", "b=UT", "b lifetime 86400 version 10 UT"},
	{"b of 1.0 (REG-11)", "b=UQS", "b queue lifetime 86400 version 10 US"},
	{"any order of letters (REG-11)", "b=HMNSTU", "b lifetime 86400 version 10 UTSNMH"},
	{"letters of later versions", "b=UXZ", "b lifetime 86400 version 10 U"},
	{"letters twice", "b=UUTT", "b lifetime 86400 version 10 UT"},
	{"small letters", "b=u", NULL},
	{"no letters", "b=U,T", NULL},

	{"ep missing, CT-23", "lt=60 lwm2m=1.1", "lt lwm2m lifetime 60 version 11 U"},
	{"ep without urn, CT-24", "ep=imei-imsi:1234-5678",
		"ep[imei-imsi:1234-5678] lifetime 86400 version 10 U"},
	{"ep with an equals sign (CT-25)", "ep=a=b", "ep[a=b] lifetime 86400 version 10 U"},
	{"ep of any UTF-8, CT-24", "ep=Z\303\244hler\1\342\202\254",
		"ep[Z\303\244hler \342\202\254] lifetime 86400 version 10 U"},
	{"ep raw, CT-25", "ep=urn:dev:a%3Ab", "ep[urn:dev:a%3Ab] lifetime 86400 version 10 U"},
	{"ep of 255 bytes", "ep=" EP255, "ep[" EP255 "] lifetime 86400 version 10 U"},
	{"ep of 256 bytes", "ep=" EP255 "f", NULL},
	{"ep empty", "ep=", NULL},
	{"ep bare", "ep", NULL},
	{"ep not UTF-8", "ep=a\377", NULL},
	{"ep with a newline", "ep=a\nb", NULL},
	{"ep with DEL", "ep=a\177", NULL},
	{"ep with a C1 control", "ep=a\302\205", NULL},
	{"ep with a no-break space", "ep=a\302\240", "ep[a\302\240] lifetime 86400 version 10 U"},

	{"lt 0: no expiry, CT-35", "lt=0", "lt lifetime 0 version 10 U"},
	{"largest lt", "lt=4294967295", "lt lifetime 4294967295 version 10 U"},
	{"lt too large", "lt=4294967296", NULL},
	{"lt negative", "lt=-1", NULL},
	{"lt of letters", "lt=1h", NULL},
	{"lt empty", "lt=", NULL},
	{"lt bare", "lt", NULL},

	{"lwm2m 1.2", "lwm2m=1.2", "lwm2m lifetime 86400 version 12 U"},
	{"lwm2m of another minor version: 4.12 is the engine's, CT-02", "lwm2m=1.3",
		"lwm2m lifetime 86400 version 0 U"},
	{"lwm2m of another major version", "lwm2m=2.0", "lwm2m lifetime 86400 version 0 U"},
	{"lwm2m of three parts", "lwm2m=1.1.1", "lwm2m lifetime 86400 version 0 U"},
	{"lwm2m of two digits", "lwm2m=1.10", "lwm2m lifetime 86400 version 0 U"},
	{"lwm2m without minor", "lwm2m=1", "lwm2m lifetime 86400 version 0 U"},
	{"lwm2m of letters", "lwm2m=x", NULL},
	{"lwm2m in quotes", "lwm2m=\"1.1\"", NULL},
	{"lwm2m empty", "lwm2m=", NULL},
	{"lwm2m bare", "lwm2m", NULL},

	{"sms of digits, REG-12", "sms=123", "sms[123] lifetime 86400 version 10 U"},
	{"sms of many digits", "sms=123456789012345678901234567890",
		"sms[123456789012345678901234567890] lifetime 86400 version 10 U"},
	{"sms with a plus", "sms=+49170", NULL},
	{"sms empty", "sms=", NULL},
	{"sms bare", "sms", NULL},
	{"sms: an External Identifier in 1.2", "sms=id@example.com lwm2m=1.2",
		"lwm2m sms[id@example.com] lifetime 86400 version 12 U"},
	{"sms: an External Identifier before 1.2", "lwm2m=1.1 sms=id@example.com", NULL},
	{"sms: letters in 1.2", "lwm2m=1.2 sms=abc", NULL},
	{"sms: an External Identifier with a control", "lwm2m=1.2 sms=a\n@b", NULL},

	{"pct, BS-03", "ep=n pct=112", "ep[n] pct[112] lifetime 86400 version 10 U"},
	{"largest pct", "pct=65535", "pct[65535] lifetime 86400 version 10 U"},
	{"pct too large", "pct=65536", NULL},
	{"pct of letters", "pct=cbor", NULL},
	{"acc, BS-19", "acc=</0/2>,</21/0>", "acc[</0/2>,</21/0>] lifetime 86400 version 10 U"},
	{"pid, PID-01", "pid=1:0a0b,oma:x", "pid[1:0a0b,oma:x] lifetime 86400 version 10 U"},
	{"an empty query", "\2", "lifetime 86400 version 10 U"},
};

/* One option for each word; \1 stands for a space, \2 for no byte at all. */
static void add_queries(struct msg *m, const char *text, char *buf, size_t cap)
{
	size_t from = 0, n = strlen(text);

	REQUIRE(n < cap, "the row fits");
	for (size_t i = 0; i <= n; i++) {
		buf[i] = text[i] == '\1' ? ' ' : text[i];
		if (text[i] != ' ' && text[i] != '\0')
			continue;
		if (i > from)
			m->opt[m->opt_n++] = (struct opt){OPT_URI_QUERY,
				span_make(buf + from, text[from] == '\2' ? 0 : i - from)};
		from = i + 1;
	}
}

static void wr_named(struct writer *w, const char *name, struct span value)
{
	wr_fmt(w, "%s[", name);
	wr_bytes(w, value);
	wr_str(w, "] ");
}

static struct span dump(const struct lwm_reg_params *p, char *buf, size_t cap)
{
	struct writer w = wr_make(buf, cap);

	if (p->has_ep)
		wr_named(&w, "ep", p->ep);
	wr_str(&w, p->has_lt ? "lt " : "");
	wr_str(&w, p->has_lwm2m ? "lwm2m " : "");
	wr_str(&w, p->has_b ? "b " : "");
	wr_str(&w, p->queue ? "queue " : "");
	if (p->has_sms)
		wr_named(&w, "sms", p->sms);
	if (p->has_pct)
		wr_fmt(&w, "pct[%u] ", p->pct);
	if (p->has_pid)
		wr_named(&w, "pid", p->pid);
	if (p->has_acc)
		wr_named(&w, "acc", p->acc);
	wr_fmt(&w, "lifetime %u version %u ", p->lifetime_s, p->lwm2m);
	wr_binding(&w, p->binding);
	REQUIRE(!w.err, "the dump fits");
	return wr_span(&w);
}

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lwm_reg_params p = {.pct = 77};
		struct msg m;
		char queries[512], buf[512];
		enum err e;

		msg_init(&m, MSG_CON, MSG_POST);
		add_queries(&m, rows[i].queries, queries, sizeof(queries));
		e = lwm_reg_params_parse(&m, &p);
		CHECK(e == (rows[i].want ? ERR_OK : ERR_SYNTAX), rows[i].what);
		if (e)
			CHECK(p.pct == 77, "an error leaves the output alone");
		else
			CHECK_BYTES(
				dump(&p, buf, sizeof(buf)), span_str(rows[i].want), rows[i].what);
	}
}

/* Bytes that no row can hold. */
static void test_nul(void)
{
	static const struct {
		const char *what;
		struct span query;
	} bad[] = {
		{"a NUL in ep", SPAN_LIT("ep=a\0b")},
		{"a NUL behind lt", SPAN_LIT("lt=1\0")},
		{"a NUL in b", SPAN_LIT("b=U\0")},
		{"a NUL behind sms", SPAN_LIT("sms=1\0")},
		{"a space before a number", SPAN_LIT("lt= 1")},
	};
	struct lwm_reg_params p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct msg m;

		msg_init(&m, MSG_CON, MSG_POST);
		m.opt[m.opt_n++] = (struct opt){OPT_URI_QUERY, bad[i].query};
		CHECK(lwm_reg_params_parse(&m, &p) == ERR_SYNTAX, bad[i].what);
	}
}

static void test_other_options(void)
{
	struct lwm_reg_params p;
	struct msg m;

	msg_init(&m, MSG_CON, MSG_POST);
	REQUIRE(msg_add(&m, OPT_URI_PATH, SPAN_LIT("ep=path")) == ERR_OK, "path");
	REQUIRE(msg_add(&m, OPT_LOCATION_QUERY, SPAN_LIT("lt=5")) == ERR_OK, "location");
	REQUIRE(msg_add(&m, OPT_URI_QUERY, SPAN_LIT("lt=7")) == ERR_OK, "query");
	CHECK(lwm_reg_params_parse(&m, &p) == ERR_OK && !p.has_ep && p.lifetime_s == 7,
		"only Uri-Query counts");
}

int main(void)
{
	test_rows();
	test_nul();
	test_other_options();
	return test_done();
}
