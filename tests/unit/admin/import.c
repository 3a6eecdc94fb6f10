/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/import: what a line may be, which lines are refused and with what words, and that a
 * refused line keeps no other from being done. */
#include "tests/unit/admin/fake.h"

#define SECRET "00112233445566778899aabbccddeeff"
#define KEYS(role)                                                                                 \
	"{\"role\":\"" role "\",\"master_secret\":\"" SECRET                                       \
	"\",\"sender_id\":\"01\",\"recipient_id\":\"02\"}"
#define WITH(oscore) "{\"endpoint\":\"d\",\"credentials\":{\"oscore\":" oscore "}}"

static const struct {
	const char *what, *line;
	const char *seen;    /* of the operation: name:contexts:bytes of plan */
	const char *refusal; /* part of the answer; NULL: good */
} lines[] = {
	{"a name alone", "{\"endpoint\":\"d\"}", " d:0:0", NULL},
	{"settings", "{\"endpoint\":\"d\",\"rd_ep\":\"x\",\"freshness\":\"echo\",\"nosec\":true}",
		" d:0:0", NULL},
	{"a server context", WITH(KEYS("server")), " d:1:0", NULL},
	{"both roles", WITH("[" KEYS("server") "," KEYS("bootstrap") "]"), " d:2:0", NULL},
	{"no context in an array", WITH("[]"), " d:0:0", NULL},
	{"a plan", "{\"endpoint\":\"d\",\"plan\":{\"servers\":[]}}", " d:0:14", NULL},
	{"with a carriage return", "{\"endpoint\":\"d\"}\r", " d:0:0", NULL},
	{"there already", "{\"endpoint\":\"same\"}", " same:0:0", NULL},
	{"refused by the directory", "{\"endpoint\":\"taken\"}", " taken:0:0",
		"\"line\":1,\"endpoint\":\"taken\",\"status\":409,\"type\":\"conflict\",\"field\":"
		"\"credentials.oscore\",\"detail\":\"taken\""},
	{"no JSON", "x", "", "\"line\":1,\"status\":400,\"type\":\"bad-json\""},
	{"an array", "[]", "", "must be a JSON object"},
	{"cut off", "{\"endpoint\":\"d\"", "", "ends too early"},
	{"no endpoint", "{}", "", "\"field\":\"endpoint\",\"detail\":\"endpoint: is missing\""},
	{"endpoint empty", "{\"endpoint\":\"\"}", "", "\"field\":\"endpoint\""},
	{"a control character in its name", "{\"endpoint\":\"a\\u0007\"}", "",
		"\"field\":\"endpoint\""},
	{"an unknown member", "{\"endpoint\":\"d\",\"x\":1}", "", "unknown name"},
	{"a bad setting", "{\"endpoint\":\"d\",\"nosec\":1}", "", "\"field\":\"nosec\""},
	{"credentials no object", "{\"endpoint\":\"d\",\"credentials\":1}", "",
		"\"field\":\"credentials\""},
	{"credentials of another kind", "{\"endpoint\":\"d\",\"credentials\":{\"psk\":{}}}", "",
		"unknown name"},
	{"oscore a string", WITH("\"x\""), "", "\"field\":\"credentials.oscore\""},
	{"a secret missing", WITH("{\"sender_id\":\"01\",\"recipient_id\":\"02\"}"), "",
		"\"field\":\"credentials.oscore.master_secret\""},
	{"a bad id in the second",
		WITH("[" KEYS("server") ",{\"role\":\"bootstrap\","
					"\"master_secret\":\"" SECRET
					"\",\"sender_id\":\"0\",\"recipient_id\":\"02\"}]"),
		"", "\"field\":\"credentials.oscore[1].sender_id\""},
	{"one role twice", WITH("[" KEYS("server") "," KEYS("server") "]"), "",
		"one for each role"},
	{"three", WITH("[" KEYS("server") "," KEYS("bootstrap") "," KEYS("server") "]"), "",
		"one for each role"},
	{"a plan that is none", "{\"endpoint\":\"d\",\"plan\":[]}", "", "\"field\":\"plan\""},
};

static void check_lines(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char want[128], body[2048];
		bool same = strstr(lines[i].line, "same") != NULL;
		const struct reply *r;

		fake_reset();
		r = ask("POST", "/v1/import", lines[i].line);
		snprintf(want, sizeof(want), "keep%s", lines[i].seen);
		CHECK(r->status == 200 && !strcmp(fake.text, want), lines[i].what);
		if (lines[i].refusal)
			CHECK(strstr(r->text, lines[i].refusal) &&
					strstr(r->text, "\"imported\":0,\"unchanged\":0"),
				lines[i].what);
		else
			CHECK(strstr(r->text, "\"refused\":[]") &&
					strstr(r->text,
						same ? "\"unchanged\":1" : "\"imported\":1"),
				lines[i].what);
		CHECK(!strstr(r->text, SECRET) && !strstr(fake.log, SECRET),
			"no secret comes back");
		/* The same line between good ones: they are done, and lines keep their numbers. */
		fake_reset();
		snprintf(body, sizeof(body), "{\"endpoint\":\"a\"}\n\n%s\n{\"endpoint\":\"z\"}\n",
			lines[i].line);
		r = ask("POST", "/v1/import?replace=true", body);
		snprintf(want, sizeof(want), "replace a:0:0%s z:0:0", lines[i].seen);
		CHECK(r->status == 200 && !strcmp(fake.text, want), "the other lines are done");
		CHECK(!lines[i].refusal || strstr(r->text, "{\"line\":3,"),
			"its number in the body");
		CHECK(strstr(r->text, "\"lines\":3,"), "blank lines do not count");
	}
}

static char big[64 * 1024];

static void many(size_t n)
{
	struct writer w = wr_make(big, sizeof(big) - 1);

	for (size_t i = 0; i < n; i++)
		wr_fmt(&w, "{\"endpoint\":\"%zu\"}\n", i);
	big[w.n] = '\0';
}

static void check_limits(void)
{
	fake_reset();
	CHECK(ask("POST", "/v1/import", "")->status == 400 && !fake.call[0], "nothing");
	CHECK(ask("POST", "/v1/import", "\n \n\t\r\n")->status == 400 && !fake.call[0],
		"blank lines alone");
	CHECK(ask("POST", "/v1/import?replace=yes", "{}")->status == 400 && !fake.call[0],
		"replace is true or false");
	CHECK(ask("POST", "/v1/import?x=1", "{}")->status == 400, "no other parameter");
	CHECK(ask("GET", "/v1/import", NULL)->status == 405, "GET");
	many(ADM_IMPORT_MAX);
	CHECK(ask("POST", "/v1/import", big)->status == 200 && !strcmp(fake.call, "import"),
		"the most");
	fake_reset();
	many(ADM_IMPORT_MAX + 1);
	CHECK(ask("POST", "/v1/import", big)->status == 413 && !fake.call[0], "one more");
}

static void check_failure(void)
{
	const struct reply *r;

	fake_reset();
	fake.result = (struct adm_result){
		.status = 503, .type = "storage-unavailable", .detail = "disk full"};
	r = ask("POST", "/v1/import", "{\"endpoint\":\"d\"}");
	CHECK(r->status == 503 && strstr(r->text, "disk full") && !strstr(r->text, "imported"),
		"nothing counts before it is stored");
}

int main(void)
{
	fake_start();
	check_lines();
	check_limits();
	check_failure();
	fake_stop();
	return test_done();
}
