/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap-Read: what a merge learns by it, what a plan wants to be shown, and devices that refuse
 * it or tell what they were not asked for.
 * Proves: BS-13 */
#include "tests/unit/bootstrap/asking.h"

#define OURS          "{\"uri\":\"coap://192.0.2.1\",\"ssid\":101}"
#define KEEP(members) "{\"servers\":[" OURS "],\"other_accounts\":\"keep\"" members "}"
#define LOOK(paths)   "{\"servers\":[],\"other_accounts\":\"keep\",\"read\":[" paths "]}"

enum { READS_MAX = 4 };

static struct bs_plan *made;

static void open_with(const char *json)
{
	struct bs_refusal no;
	enum err err = bs_plan_parse(span_str(json), BS_PLAN_OWN, &made, &no);
	if (err)
		printf("%s: %s\n", no.field, no.text);
	REQUIRE(!err, "a plan");
	open_bootstrap(made);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
}

static void close_with(void)
{
	close_bootstrap();
	bs_plan_unref(made);
}

static bool is_read(void)
{
	uint32_t v;
	return q.plain.code == MSG_GET && msg_find(&q.plain, OPT_URI_PATH) &&
	       msg_get_uint(&q.plain, OPT_ACCEPT, &v);
}

/* What the device says to the Reads, in order; 2.05 has bytes. */
struct said {
	uint8_t code;
	int cf; /* 0: TLV */
	const char *hex;
};

/* Answers every command until Finish; what was asked. */
static const char *walk(const char *discover, const struct said *said)
{
	static char told[1024];
	bool more = answer(MSG_CONTENT, discover);
	told[0] = '\0';
	while (more && strcmp(command(), "POST /bs")) {
		REQUIRE(strlen(told) < 900, "few commands");
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s",
			told[0] ? ", " : "", command());
		if (is_read()) {
			more = answer_as(said->code,
				said->code != MSG_CONTENT ? -1
				: said->cf                ? said->cf
							  : LWM_CF_TLV,
				said->hex ? test_hex(said->hex) : SPAN_EMPTY);
			said++;
		} else {
			more = answer(q.plain.code == MSG_DELETE ? MSG_DELETED : MSG_CHANGED, "");
		}
	}
	CHECK(more, "Finish comes last (BS-14)");
	return told;
}

/* /1/0 is of 7, /1/1 of 101 */
#define SERVERS                                                                                    \
	"0800"                                                                                     \
	"03"                                                                                       \
	"c10007"                                                                                   \
	"0801"                                                                                     \
	"03"                                                                                       \
	"c10065"
/* /2/0 for /3/0, /2/1 for /1/1, /2/4 for /5/0, /2/5 to create in 5 */
#define RIGHTS                                                                                     \
	"0800"                                                                                     \
	"09"                                                                                       \
	"c10003c10100c10307"                                                                       \
	"0801"                                                                                     \
	"09"                                                                                       \
	"c10001c10101c10365"                                                                       \
	"0804"                                                                                     \
	"09"                                                                                       \
	"c10005c10100c10307"                                                                       \
	"0805"                                                                                     \
	"0c"                                                                                       \
	"c10005c4010000ffffc10307"

static const struct {
	const char *what, *plan, *discover;
	struct said said[READS_MAX];
	const char *commands;
} rows[] = {
	{"whose the instances of Object 1 are is read", KEEP(""),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</0/2>;ssid=101,</1/0>,</1/1>,</21/0>",
		{{MSG_CONTENT, 0, SERVERS}},
		"GET /1, DELETE /1/1, DELETE /0/2, PUT /0/2, PUT /1/1, PUT /21/1"},
	{"or which there are", KEEP(""), "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1>,</21/0>",
		{{MSG_CONTENT, 0, SERVERS}},
		"GET /1, DELETE /1/1, DELETE /0/1, PUT /0/1, PUT /1/1, PUT /21/1"},
	{"not if Bootstrap-Discover told it", KEEP(""),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</1/0>;ssid=7,</21/0>", {{0}},
		"PUT /0/2, PUT /1/1, PUT /21/1"},
	{"nor of a device of 1.0, which knows no Read", KEEP(""),
		"lwm2m=1.0,</0/0>,</0/1>;ssid=101,</1/0>,</21/0>", {{0}},
		"DELETE /0/1, PUT /0/1, PUT /1/1, PUT /21/1"},
	{"nor where all accounts go", "{\"servers\":[" OURS "]}",
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=7,</1/0>,</2/0>,</21/0>", {{0}},
		"DELETE /1, DELETE /0/1, DELETE /2, PUT /0/1, PUT /1/0, PUT /21/1"},
	{"a refusal is normal: an account more, as ever", KEEP(""),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>,</21/0>",
		{{MSG_UNAUTHORIZED, 0, NULL}},
		"GET /1, DELETE /0/1, PUT /0/1, PUT /1/1, PUT /21/1"},
	{"rights of others stay, those for what is written or goes make room",
		KEEP(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":101}]"),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>;ssid=7,</1/1>;ssid=101,</2/0>,</2/1>,"
		"</2/4>,</2/5>,</21/0>",
		{{MSG_CONTENT, 0, RIGHTS}},
		"GET /2, DELETE /1/1, DELETE /0/1, DELETE /2/0, DELETE /2/1, PUT /0/1, PUT /1/1, "
		"PUT /2/0, PUT /2/1, PUT /21/1"},
	{"between them",
		KEEP(",\"access\":[{\"object\":3303,\"instance\":0,\"owner\":101},"
		     "{\"object\":5,\"rights\":{\"101\":\"C\"}}]"),
		"</>;lwm2m=1.1,</0/0>,</1/0>;ssid=7,</2/0>,</21/0>", {{MSG_CONTENT, 0, RIGHTS}},
		"GET /2, DELETE /2/1, DELETE /2/5, PUT /0/1, PUT /1/1, PUT /2/1, PUT /2/2, "
		"PUT /2/3, PUT /21/1"},
	{"rights that are not shown are replaced as a whole",
		KEEP(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":101}]"),
		"</>;lwm2m=1.1,</0/0>,</1/0>;ssid=7,</2/0>,</21/0>",
		{{MSG_METHOD_NOT_ALLOWED, 0, NULL}},
		"GET /2, DELETE /2, PUT /0/1, PUT /1/1, PUT /2/0, PUT /2/1, PUT /21/1"},
	{"and those of which one does not say what for",
		KEEP(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":101}]"),
		"</>;lwm2m=1.1,</0/0>,</1/0>;ssid=7,</2/0>,</21/0>",
		{{MSG_CONTENT, 0, "080006c10003c10307"}},
		"GET /2, DELETE /2, PUT /0/1, PUT /1/1, PUT /2/0, PUT /2/1, PUT /21/1"},
	{"another format is tried (CT-41)", KEEP(""),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>,</1/1>,</21/0>",
		{{MSG_NOT_ACCEPTABLE, 0, NULL}, {MSG_UNSUPPORTED_FORMAT, 0, NULL},
			{MSG_CONTENT, LWM_CF_SENML_JSON,
				"5b7b226e223a222f312f312f30222c2276223a3130317d5d"}},
		"GET /1, GET /1, GET /1, DELETE /1/1, DELETE /0/1, PUT /0/1, PUT /1/1, PUT /21/1"},
	{"until there is none", LOOK("\"/1\""), "</>;lwm2m=1.1,</0/0>,</1/0>;ssid=7",
		{{MSG_NOT_ACCEPTABLE, 0, NULL}, {MSG_NOT_ACCEPTABLE, 0, NULL},
			{MSG_NOT_ACCEPTABLE, 0, NULL}, {MSG_NOT_ACCEPTABLE, 0, NULL}},
		"GET /1, GET /1, GET /1, GET /1"},
	{"a plan that looks, and changes nothing", LOOK("\"/1\",\"/2/0\",\"1/1\""),
		"lwm2m=1.0,</0/0>,</0/1>;ssid=7,</1/0>,</2/0>",
		{{MSG_CONTENT, 0, SERVERS}, {MSG_NOT_FOUND, 0, NULL}, {MSG_CONTENT, 0, "c10065"}},
		"GET /1, GET /2/0, GET /1/1"},
	{"what a merge and a plan want is read once", KEEP(",\"read\":[\"/2\",\"/1\"]"),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>,</1/1>,</21/0>",
		{{MSG_CONTENT, 0, SERVERS}, {MSG_CONTENT, 0, RIGHTS}},
		"GET /1, GET /2, DELETE /1/1, DELETE /0/1, PUT /0/1, PUT /1/1, PUT /21/1"},
	{"what comes is no TLV", KEEP(""),
		"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</1/0>,</1/1>,</21/0>",
		{{MSG_CONTENT, 0, "08ff"}}, "GET /1, DELETE /0/1, PUT /0/1, PUT /1/2, PUT /21/1"},
	{"a format of one value", LOOK("\"/1\""), "</>;lwm2m=1.1,</0/0>",
		{{MSG_CONTENT, LWM_CF_OPAQUE, "00"}}, "GET /1"},
};

static void row(size_t i)
{
	open_with(rows[i].plan);
	const char *told = walk(rows[i].discover, rows[i].said);
	CHECK(!strcmp(told, rows[i].commands), rows[i].what);
	if (strcmp(told, rows[i].commands))
		printf("  %s\n", told);
	CHECK(!answer(MSG_CHANGED, "") && bs_counters(bs)->finished == 1, "finished");
	close_with();
}

/* ---- what is shown */

static struct bs_view view(void)
{
	struct bs_view v;
	bs_view(bs, rig.e, &v);
	return v;
}

static bool shows(const char *text)
{
	struct span s = view().reads;
	return memmem(s.p ? (const char *)s.p : "", s.n, text, strlen(text)) != NULL;
}

static bool event_shows(const char *text)
{
	const struct rec *r = rig_record(&rig, REC_EVENT);
	return r && memmem(r->event.json.p, r->event.json.n, text, strlen(text));
}

static void shown(void)
{
	open_with(LOOK("\"/1\",\"/2\""));
	CHECK(!strcmp(view().state, "discover"), "the state before");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</1/0>"), "Discover");
	CHECK(!strcmp(view().state, "read") && !rig_records(&rig, REC_CONTEXT_PUT),
		"while it reads, and no keys are drawn");
	REQUIRE(answer_as(MSG_CONTENT, LWM_CF_TLV, test_hex(SERVERS)), "/1");
	CHECK(event_shows("{\"result\":\"read\",\"path\":\"/1\",\"code\":\"2.05\"") &&
			event_shows("080003c10007"),
		"an event tells the values");
	REQUIRE(answer(MSG_UNAUTHORIZED, "why"), "/2");
	CHECK(event_shows("\"path\":\"/2\",\"code\":\"4.01\"}") && !event_shows("why"),
		"and a refusal");
	CHECK(shows("{\"path\":\"/1\"") && shows("},{\"path\":\"/2\",\"code\":\"4.01\"}"),
		"the account of the bootstrap has both");
	CHECK(!answer(MSG_CHANGED, "") && shows("\"/1\"") &&
			!strcmp(view().last_result, "finished"),
		"after its end too");
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "again");
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</1/0>"), "Discover");
	CHECK(!view().reads.n, "until the next one asks");
	bs_plan_unref(made);
	close_bootstrap();
}

/* A device that tells its keys where nobody asked for them. */
static void secrets(void)
{
	static const struct {
		const char *what, *json;
	} row[] = {
		{"a key of Object 21 in an answer of Object 1",
			"[{\"n\":\"/1/0/0\",\"v\":101},{\"n\":\"/21/0/0\",\"vd\":\"c2VjcmV0\"}]"},
		{"or led to by a link", "[{\"n\":\"/1/0/10\",\"vlo\":\"21:0\"},{\"n\":\"/21/0/"
					"0\",\"vd\":\"c2VjcmV0\"}]"},
		{"or of Object 0", "[{\"bn\":\"/0/0/\",\"n\":\"5\",\"vd\":\"c2VjcmV0\"}]"},
		{"or behind a gateway's prefix", "[{\"n\":\"/d01/1/0/0\",\"v\":101},{\"n\":\"/d01/"
						 "0/0/5\",\"vd\":\"c2VjcmV0\"}]"},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		open_with(LOOK("\"/1\""));
		REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</1/0>"), "Discover");
		CHECK(answer_as(MSG_CONTENT, LWM_CF_SENML_JSON, span_str(row[i].json)) &&
				!strcmp(command(), "POST /bs"),
			row[i].what);
		CHECK(shows("cannot be used") && !shows("633256") && !shows("c2V") &&
				event_shows("cannot be used") && !event_shows("633256"),
			"it is not shown");
		close_with();
	}
}

/* ---- how much of it */

/* n instances of Object 2, each for an instance of its own. */
static struct span many_rights(unsigned n)
{
	static uint8_t out[LWM_BS_RIGHTS_MAX * 16];
	struct writer w = wr_make(out, sizeof(out));
	for (unsigned i = 0; i < n; i++) {
		wr_bytes(&w, test_hex("0800"));
		w.p[w.n - 1] = (uint8_t)i;
		wr_bytes(&w, test_hex("09c10003c10100c10307"));
		w.p[w.n - 4] = (uint8_t)i;
	}
	return wr_span(&w);
}

static void limits(void)
{
	for (unsigned n = LWM_BS_RIGHTS_MAX; n <= LWM_BS_RIGHTS_MAX + 1; n++) {
		open_with(KEEP(",\"access\":[{\"object\":3,\"instance\":0,\"owner\":101}]"));
		REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</1/0>;ssid=7,</2/0>,</21/0>"),
			"Discover");
		CHECK(answer_as(MSG_CONTENT, LWM_CF_TLV, many_rights(n)) &&
				!strcmp(command(),
					n > LWM_BS_RIGHTS_MAX ? "DELETE /2" : "DELETE /2/0"),
			"as many rights as can be looked at, and one more");
		close_with();
	}
	open_with(LOOK("\"/1\",\"/2\""));
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</1/0>"), "Discover");
	bs->reads_bytes += BS_READS_BYTES_MAX;
	REQUIRE(answer_as(MSG_CONTENT, LWM_CF_TLV, test_hex(SERVERS)), "/1");
	CHECK(!view().reads.n && event_shows("\"/1\""), "without room the event alone has it");
	bs->reads_bytes -= BS_READS_BYTES_MAX;
	REQUIRE(answer(MSG_NOT_FOUND, ""), "/2");
	CHECK(shows("\"/2\"") && bs->reads_bytes == view().reads.n, "what is kept is counted");
	bs_forget_endpoint(bs, rig.e);
	CHECK(!bs->reads_bytes, "and given back");
	close_with();
}

/* Silence ends it, as it does at any command. */
static void silent(void)
{
	open_with(LOOK("\"/1\""));
	REQUIRE(answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</1/0>"), "Discover");
	rig_turn(&rig, 247100);
	bs_timer(bs, &rig.t);
	CHECK(!bs_sessions(bs) && bs_counters(bs)->failed == 1, "no answer (BS-15)");
	close_with();
}

static void packs(void)
{
	open_with(LOOK("\"/1\""));
	CHECK(request(MSG_GET, "bspack", "ep=dev") == MSG_METHOD_NOT_ALLOWED,
		"a Pack reads nothing: the device has to go the classic way (BS-20)");
	close_with();
}

static void plans(void)
{
	static const struct {
		const char *what, *json, *field; /* NULL: good */
	} row[] = {
		{"paths", LOOK("\"/1\",\"/2\",\"/1/0\",\"/2/65534\""), NULL},
		{"none", KEEP(",\"read\":[]"), NULL},
		{"none, and nothing to do", LOOK(""), "servers"},
		{"a look where all accounts go", "{\"servers\":[],\"read\":[\"/1\"]}", "servers"},
		{"keys", LOOK("\"/0\""), "read[0]"},
		{"keys of OSCORE", LOOK("\"/1\",\"/21/0\""), "read[1]"},
		{"another object", LOOK("\"/3/0\""), "read[0]"},
		{"a device behind a gateway (GW-07)", LOOK("\"/1\",\"/d01/1\""), "read[1]"},
		{"one without a path", LOOK("\"d01\""), "read[0]"},
		{"a resource", LOOK("\"/1/0/1\""), "read[0]"},
		{"the root", LOOK("\"/\""), "read[0]"},
		{"nothing", LOOK("\"\""), "read[0]"},
		{"the reserved id", LOOK("\"/2/65535\""), "read[0]"},
		{"one twice", LOOK("\"/1\",\"1\""), "read[1]"},
		{"a number", LOOK("1"), "read[0]"},
		{"no array", KEEP(",\"read\":\"/1\""), "read"},
		{"eight",
			LOOK("\"/1\",\"/2\",\"/1/0\",\"/1/1\",\"/1/2\",\"/1/3\",\"/1/4\",\"/1/5\""),
			NULL},
		{"nine",
			LOOK("\"/1\",\"/2\",\"/1/0\",\"/1/1\",\"/1/2\",\"/1/3\",\"/1/4\",\"/1/5\","
			     "\"/1/6\""),
			"read"},
	};
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct bs_refusal no;
		struct bs_plan *first = NULL, *again = NULL;
		static uint8_t text[BS_JSON_MAX];
		struct writer w = wr_make(text, sizeof(text));
		enum err err = bs_plan_parse(span_str(row[i].json), BS_PLAN_OWN, &first, &no);
		CHECK(row[i].field ? err == ERR_SYNTAX && !strcmp(no.field, row[i].field) : !err,
			row[i].what);
		if (!first)
			continue;
		bs_plan_write(first, true, &w);
		CHECK(!w.err && !bs_plan_parse(wr_span(&w), BS_PLAN_OWN, &again, &no) && again &&
				again->read_n == first->read_n,
			"written it is read again");
		bs_plan_unref(first);
		bs_plan_unref(again);
	}
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		row(i);
	shown();
	secrets();
	limits();
	silent();
	packs();
	plans();
	return test_done();
}
