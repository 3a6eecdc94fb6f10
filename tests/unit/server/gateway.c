/* SPDX-License-Identifier: Apache-2.0 */
/* The devices behind a gateway: what it says of them, good and bad, and operations on them. */
#include "server/gateway.h"

#include "server/queue.h"
#include "tests/unit/server/asking.h"

#define QUERY "ep=dev&lt=60&lwm2m=1.1"
#define LINKS "</1/0>,</3/0>,</25>;ver=2.0,</25/0>,</25/1>"
#define TWO                                                                                        \
	"[{\"bn\":\"/25/\",\"n\":\"0/0\",\"vs\":\"s1\"},{\"n\":\"0/1\",\"vs\":\"d01\"},"           \
	"{\"n\":\"0/3\",\"vs\":\"</3/0>,</21>;ver=1.1,</3303>;ver=1.1,</3303/0>\"},"               \
	"{\"n\":\"1/0\",\"vs\":\"s2\"},{\"n\":\"1/1\",\"vs\":\"d02\"},"                            \
	"{\"n\":\"1/3\",\"vs\":\"</3303/0>,</3303/1>\"}]"
#define ONE                                                                                        \
	"[{\"bn\":\"/25/0/\",\"n\":\"0\",\"vs\":\"s1\"},{\"n\":\"1\",\"vs\":\"d01\"},"             \
	"{\"n\":\"3\",\"vs\":\"</3/0>,</3303>;ver=1.1,</3303/0>\"}]"

/* ---- what is known, as text: "known; 0 s1 d01 </3/0>; 1 ..." */

static void show(void *arg, const struct srv_device_view *v)
{
	struct writer *w = arg;
	wr_fmt(w, "; %u %.*s %.*s ", v->instance, (int)v->id.n, (const char *)v->id.p,
		(int)v->prefix.n, (const char *)v->prefix.p);
	CHECK(lwm_object_list_write(v->list, w) == ERR_OK, "a list");
	if (v->fault)
		wr_fmt(w, " (%s)", v->fault);
	if (v->links_bad)
		wr_str(w, " (links)");
}

static const char *devices(void)
{
	static char text[1024];
	static uint8_t buf[1024];
	struct writer w = wr_make(buf, sizeof(buf));
	struct srv_gateway_view g;
	if (!srv_devices(srv, rig.e, &g, show, &w))
		return "none";
	snprintf(text, sizeof(text), "%s%.*s", g.state, (int)w.n, (const char *)buf);
	return text;
}

static bool are(const char *want)
{
	const char *is = devices();
	bool good = !strcmp(is, want);
	if (!good)
		printf("  devices: %s\n", is);
	return good;
}

/* The "device" events of this turn: "appeared d01, gone d02". */
static const char *told(void)
{
	static char text[512];
	text[0] = '\0';
	for (size_t i = 0; i < rig.t.batch.n; i++) {
		const struct rec *r = &rig.t.rec[i];
		char json[256], *state, *prefix;
		if (r->type != REC_EVENT || !span_eq_str(r->event.type, "device"))
			continue;
		REQUIRE(!span_to_str(r->event.json, json, sizeof(json)), "an event");
		state = strstr(json, "\"state\":\"") + 9;
		prefix = strstr(json, "\"prefix\":\"");
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s %.*s",
			text[0] ? ", " : "", (int)strcspn(state, "\""), state,
			prefix ? (int)strcspn(prefix + 10, "\"") : 0, prefix ? prefix + 10 : "");
	}
	return text;
}

/* A Register or Update, in whose turn the devices are asked for. */
static bool reads_after(uint8_t code, const char *path, const char *query, const char *links)
{
	q.n = 0;
	ask(code, path, query, *links ? LWM_CF_LINK : -1, links);
	q.n = 0;
	return rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q);
}

static void open_gateway(const char *links, const char *answered)
{
	open_server("");
	REQUIRE(reads_after(MSG_POST, "rd", QUERY, links) &&
			!strcmp(wire(), "GET /25 accept 11542"),
		"Object 25 is read behind the Register (GW-02)");
	REQUIRE(answer(MSG_CONTENT, LWM_CF_SENML_JSON, answered, -1), "answered");
}

/* ---- Proves: GW-01, GW-02 */

static void reads(void)
{
	open_gateway(LINKS, TWO);
	CHECK(are("known; 0 s1 d01 </3/0>,</3303>;ver=1.1,</3303/0>; 1 s2 d02 "
		  "</3303/0>,</3303/1>"),
		"id, prefix and objects of each (GW-01)");
	CHECK(!strcmp(told(), "appeared d01, appeared d02"), "told as events");
	CHECK(srv_object_version(rig.e, SPAN_LIT("d01"), 3303) == 11 &&
			srv_object_version(rig.e, SPAN_LIT("d02"), 3303) == 10 &&
			srv_object_version(rig.e, SPAN_LIT("d03"), 3303) == 0,
		"versions are those of the device");
	CHECK(!reads_after(MSG_POST, location(), "", ""), "an Update without a list says nothing");
	CHECK(reads_after(MSG_POST, location(), "", "</3/0>,</25>;ver=2.0,</25/0>") &&
			!strcmp(wire(), "GET /25 accept 11542"),
		"one with a list has it read again (GW-02)");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON, ONE, -1) && !strcmp(told(), "gone d02"),
		"who has gone is told");
	CHECK(reads_after(MSG_POST, "rd", QUERY, LINKS) && !strcmp(told(), "") &&
			are("reading; 0 s1 d01 </3/0>,</3303>;ver=1.1,</3303/0>"),
		"a new registration goes on with what was known");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON, ONE, -1) && !strcmp(told(), ""),
		"nothing is new");
	CHECK(reads_after(MSG_POST, location(), "", LINKS) &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/25/0/0\",\"vs\":\"s1\"},"
				"{\"n\":\"/25/0/1\",\"vs\":\"d01\"},"
				"{\"n\":\"/25/0/3\",\"vs\":\"</3/0>\"}]",
				-1) &&
			!strcmp(told(), "changed d01") && are("known; 0 s1 d01 </3/0>"),
		"who has other objects is told");
	CHECK(reads_after(MSG_POST, location(), "", LINKS) &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/25/0/0\",\"vs\":\"s9\"},"
				"{\"n\":\"/25/0/1\",\"vs\":\"d01\"}]",
				-1) &&
			!strcmp(told(), "gone d01, appeared d01"),
		"another device in its place is another device");
	CHECK(!reads_after(MSG_POST, location(), "", "</3/0>") && !strcmp(told(), "gone d01") &&
			are("none"),
		"no gateway any more");
	close_server();
}

/* v1.0: a list of instances of /26, each for one Object (GW-01). */
static void routes(void)
{
	open_gateway("</3/0>,</25/0>,</25/1>,</26/0>,</26/4>",
		"[{\"bn\":\"/25/\",\"n\":\"0/0\",\"vs\":\"s1\"},{\"n\":\"0/1\",\"vs\":\"d01\"},"
		"{\"n\":\"0/2\",\"vlo\":\"26:0\"},{\"n\":\"1/0\",\"vs\":\"s2\"},"
		"{\"n\":\"1/1\",\"vs\":\"d02\"},{\"n\":\"1/2\",\"vlo\":\"26:4\"}]");
	CHECK(!strcmp(wire(), "GET /26 accept 11542") && are("reading"), "then Object 26");
	const struct srv_gateway *k = srv_gateway_of(srv_reg_of(rig.e));
	CHECK(k->next.bytes && srv->device_bytes == k->next.bytes,
		"what waits for it counts already");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON,
		      "[{\"n\":\"/26/4/0\",\"v\":3303},{\"n\":\"/26/0/0\",\"v\":3},"
		      "{\"n\":\"/26/0/1\",\"vs\":\"\"},{\"n\":\"/26/9/0\",\"v\":4}]",
		      -1) &&
			are("known; 0 s1 d01 </3>; 1 s2 d02 </3303>"),
		"the Objects of each (GW-01)");
	CHECK(k->now.bytes && !k->next.bytes && srv->device_bytes == k->now.bytes, "once");
	CHECK(!reads_after(MSG_POST, location(), "", "</3/0>") && !srv->device_bytes,
		"and no longer than it is kept");
	close_server();
	open_gateway("</3/0>,</25/0>", ONE);
	CHECK(are("known; 0 s1 d01 </3/0>,</3303>;ver=1.1,</3303/0>"),
		"a list where v1.0 has none is the list of a gateway that leaves ver out");
	close_server();
	open_gateway("</3/0>,</25>;ver=2.0,</25/0>,</26/0>",
		"[{\"n\":\"/25/0/1\",\"vs\":\"d01\"},{\"n\":\"/25/0/2\",\"vlo\":\"26:0\"}]");
	CHECK(are("known; 0  d01 "), "v2.0 has no Object 26 (GW-01)");
	close_server();
	open_gateway("</3/0>,</25/0>,</26/0>",
		"[{\"n\":\"/25/0/1\",\"vs\":\"d01\"},{\"n\":\"/25/0/2\",\"vlo\":\"26:0\"}]");
	CHECK(answer(MSG_NOT_FOUND, -1, "", -1) && are("known; 0  d01 "),
		"without Object 26 the devices are there all the same");
	close_server();
}

/* ---- operations. Proves: GW-03, GW-04 */

static const struct {
	const char *what;
	enum srv_dm_kind kind;
	const char *path, *text, *wire;
} sent[] = {
	{"Read (GW-03)", SRV_READ, "/d01/3303/0/5700", "", "GET /d01/3303/0/5700 accept 0"},
	{"Read of an Instance", SRV_READ, "/d02/3303/1", "", "GET /d02/3303/1 accept 11542"},
	{"Write", SRV_WRITE, "/d01/3303/0/5750", "/3303/0/5750=x",
		"PUT /d01/3303/0/5750 format 0 78"},
	{"a Write of several", SRV_WRITE_PARTIAL, "/d01/3303/0", "/3303/0/5750=x",
		"POST /d01/3303/0 format 11542 e1167678"},
	{"Execute", SRV_EXECUTE, "/d01/3303/0/5605", "", "POST /d01/3303/0/5605"},
	{"Create", SRV_CREATE, "/d01/3303", "/3303/7/5750=x",
		"POST /d01/3303 format 11542 0407e1167678"},
	{"Delete", SRV_DELETE, "/d01/3303/0", "", "DELETE /d01/3303/0"},
	{"Discover (GW-04)", SRV_DISCOVER, "/d01/3303", "", "GET /d01/3303 accept 40"},
	{"Write-Attributes", SRV_ATTRIBUTES, "/d01/3303/0/5700", "pmin=10",
		"PUT /d01/3303/0/5700?pmin=10"},
	{"Observe", SRV_OBSERVE, "/d01/3303/0/5700", "", "GET /d01/3303/0/5700 accept 0"},
};

static bool detail_has(const char *what)
{
	char detail[256] = "";
	bool good = outcome() && !span_to_str(outcome()->detail, detail, sizeof(detail)) &&
		    strstr(detail, what);
	if (!good)
		printf("  detail: %s\n", detail);
	return good;
}

static void operations(void)
{
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		open_gateway(LINKS, TWO);
		CHECK(begin(sent[i].kind, sent[i].path, -1, sent[i].text, -1) &&
				!strcmp(wire(), sent[i].wire),
			sent[i].what);
		if (strcmp(wire(), sent[i].wire))
			printf("  sent: %s\n", wire());
		close_server();
	}
}

static void alternate(void)
{
	open_server("");
	REQUIRE(reads_after(MSG_POST, "rd", QUERY,
			"</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/25>;ver=2.0,</lwm2m/25/0>"),
		"registered");
	CHECK(!strcmp(wire(), "GET /lwm2m/25 accept 11542") &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"bn\":\"/lwm2m/25/0/\",\"n\":\"1\",\"vs\":\"d01\"},"
				"{\"n\":\"3\",\"vs\":\"</3303/0>\"}]",
				-1) &&
			are("known; 0  d01 </3303/0>"),
		"the gateway has an alternate path");
	CHECK(begin(SRV_READ, "/d01/3303/0", -1, "", -1) &&
			!strcmp(wire(), "GET /lwm2m/d01/3303/0 accept 11542"),
		"the prefix is behind it (GW-03)");
	CHECK(answer(MSG_CONTENT, LWM_CF_TLV, "", -1) && outcome()->status == 200, "answered");
	CHECK(begin(SRV_WRITE_PARTIAL, "/d01/3303/0", LWM_CF_SENML_JSON, "/3303/0/5750=x", -1) &&
			span_eq_str(q.plain.payload,
				"[{\"n\":\"/lwm2m/d01/3303/0/5750\",\"vs\":\"x\"}]"),
		"so it is in names");
	close_server();
}

static const struct {
	const char *what;
	enum srv_dm_kind kind;
	const char *path, *text;
	int status;
	const char *type, *detail;
} refused[] = {
	{"an unknown prefix (GW-03)", SRV_READ, "/d03/3303/0", "", 404, "unknown-device",
		"no device behind it has the prefix d03; it has d01, d02"},
	{"one in a composite", SRV_READ_COMPOSITE, "/", "?/3/0/9 ?/d03/3303/0", 404,
		"unknown-device", "d03"},
	{"one that is observed", SRV_OBSERVE, "/d03/3303/0", "", 404, "unknown-device", "d03"},
	{"no access control there (GW-08)", SRV_CREATE, "/d01/2", "/2/0/3=1", 422, "invalid",
		"every server has all rights there"},
	{"nor to be read (GW-08)", SRV_READ, "/d01/2", "", 422, "invalid", "Object 2"},
	{"nor in a composite (GW-08)", SRV_WRITE_COMPOSITE, "/", "/d01/2/0/3=1", 422, "invalid",
		"Object 2"},
	{"what is the bootstrap server's", SRV_READ, "/d01/0/0", "", 422, "reserved", "Object 0"},
	{"a device itself", SRV_READ, "/d01", "", 422, "invalid", "takes a path"},
};

static void refuses(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		open_gateway(LINKS, TWO);
		CHECK(!begin(refused[i].kind, refused[i].path, -1, refused[i].text, -1) &&
				rig_sent_n(&rig) == 0 && outcome() &&
				outcome()->status == refused[i].status &&
				!strcmp(outcome()->type, refused[i].type),
			refused[i].what);
		CHECK(detail_has(refused[i].detail), refused[i].what);
		close_server();
	}
	open_registered("</3/0>");
	CHECK(!begin(SRV_READ, "/d01/3/0", -1, "", -1) && outcome()->status == 404 &&
			detail_has("it is no gateway"),
		"an endpoint that is no gateway");
	close_server();
}

/* GW-05: both in one message; what is written there is none of our registration's lifetime. */
static void composites(void)
{
	open_gateway(LINKS, TWO);
	CHECK(begin(SRV_READ_COMPOSITE, "/", LWM_CF_SENML_JSON, "?/3/0/9 ?/d01/3303/0/5700", -1) &&
			span_eq_str(q.plain.payload,
				"[{\"n\":\"/3/0/9\"},{\"n\":\"/d01/3303/0/5700\"}]"),
		"read together (GW-05)");
	close_server();
	open_gateway(LINKS, TWO);
	CHECK(begin(SRV_WRITE_COMPOSITE, "/", LWM_CF_SENML_JSON, "/d01/1/0/1=5 /d02/3303/0/5750=x",
		      -1) &&
			span_eq_str(q.plain.payload,
				"[{\"n\":\"/d01/1/0/1\",\"v\":5},"
				"{\"n\":\"/d02/3303/0/5750\",\"vs\":\"x\"}]") &&
			answer(MSG_CHANGED, -1, "", -1) && outcome()->status == 200 &&
			view().lifetime_s == 60,
		"written together (GW-05)");
	close_server();
	open_gateway(LINKS, TWO);
	CHECK(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9 ?/d01/3303/0/5700", -1) &&
			answer(MSG_METHOD_NOT_ALLOWED, -1, "", -1) &&
			!strcmp(wire(), "GET /3/0/9 accept 0") &&
			answer(MSG_CONTENT, LWM_CF_TEXT, "80", -1) &&
			!strcmp(wire(), "GET /d01/3303/0/5700 accept 0") &&
			answer(MSG_CONTENT, LWM_CF_TEXT, "1.5", -1) && outcome()->in_parts,
		"a gateway without composites is asked one by one");
	close_server();
}

/* ---- observations. Proves: GW-02 */

struct seen {
	char prefix[40];
	bool active;
	size_t n;
};

static void look(void *arg, const struct srv_observation_view *v)
{
	struct seen *s = arg;
	snprintf(s->prefix, sizeof(s->prefix), "%.*s", (int)v->prefix.n, v->prefix.text);
	s->active = v->active;
	s->n++;
}

static struct seen watched(void)
{
	struct seen s = {.n = 0};
	srv_observations(srv, rig.e, look, &s);
	return s;
}

static void observes(void)
{
	open_gateway(LINKS, TWO);
	CHECK(begin(SRV_OBSERVE, "/d02/3303/0/5700", -1, "", -1) && rig_record(&rig, REC_OP_PUT) &&
			span_eq_str(rig_record(&rig, REC_OP_PUT)->op.path, "/d02/3303/0/5700"),
		"wanted durably, with its prefix");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "1.5", 1) && watched().active &&
			!strcmp(watched().prefix, "d02"),
		"observed");
	CHECK(begin(SRV_OBSERVE, "/d01/3303/0/5700", -1, "", -1) && srv_observation_count(srv) == 2,
		"the same path of another device is another one");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "1.5", 1) &&
			start(SRV_CANCEL, "/d01/3303/0/5700", -1, NULL, "") &&
			outcome()->status == 204 && answer(MSG_CONTENT, LWM_CF_TEXT, "1.5", -1) &&
			srv_observation_count(srv) == 1,
		"and is cancelled by itself");
	CHECK(reads_after(MSG_POST, location(), "", "</3/0>,</25>;ver=2.0,</25/0>") &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON, ONE, -1) && !watched().active &&
			watched().n == 1,
		"its device has gone: it stays wanted");
	CHECK(reads_after(MSG_POST, location(), "", LINKS), "the device is back");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON, TWO, -1) &&
			!strcmp(wire(), "GET /d02/3303/0/5700 accept 0") &&
			msg_find(&q.plain, OPT_OBSERVE),
		"and is observed again");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "2.5", 1) && watched().active, "it goes on");
	close_server();
}

/* Stored rows, as a start finds them. */
static void loads(void)
{
	const struct rec_op r = {.id = 9,
		.endpoint_id = 1,
		.kind = SPAN_LIT("observe"),
		.path = SPAN_LIT("/d01/3303/0/5700"),
		.result = SPAN_LIT("-1")};
	open_version(11, LINKS);
	CHECK(srv_load_op(srv, rig.e, &r, &rig.t) == ERR_OK && watched().n == 1 &&
			!strcmp(watched().prefix, "d01"),
		"an observation of the last run");
	CHECK(are("unread"), "the devices are not known after a start");
	CHECK(begin(SRV_READ, "/d09/3303/0", -1, "", -1) &&
			!strcmp(wire(), "GET /d09/3303/0 accept 11542"),
		"until they are read the gateway says what is there");
	CHECK(answer(MSG_NOT_FOUND, -1, "", -1) && outcome()->status == 502 &&
			!strcmp(wire(), "GET /d01/3303/0/5700 accept 0") &&
			msg_find(&q.plain, OPT_OBSERVE),
		"at the first sign of life what is wanted is observed");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "1.5", 1) && !strcmp(wire(), "GET /25 accept 11542"),
		"and the devices are read");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON, TWO, -1) && !strcmp(told(), "read ") &&
			!strncmp(devices(), "known; 0 s1", 11),
		"none of them is told as new");
	close_server();
}

/* A notification about /25 says that there is something new. */
static void notified(void)
{
	open_gateway(LINKS, TWO);
	CHECK(begin(SRV_OBSERVE, "/25", -1, "", -1) &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON, TWO, 1) &&
			!strcmp(wire(), "GET /25 accept 11542") && !msg_find(&q.plain, OPT_OBSERVE),
		"it is read again");
	close_server();
}

/* ---- a sleeping gateway: the queue */

static void queued(void)
{
	static struct lwm_record *rec;
	struct srv_dm d = {.kind = SRV_WRITE_COMPOSITE,
		.endpoint = rig.e,
		.content_format = -1,
		.depth = -1,
		.ticket = 7};
	struct lwm_record v = {.kind = LWM_RECORD_VALUE,
		.prefix = SPAN_LIT("d01"),
		.path = {3, {3303, 0, 5750}},
		.value = {.type = LWM_STRING, .bytes = SPAN_LIT("x")}};
	uint8_t *packed;
	size_t n;
	d.records = &v;
	d.record_n = 1;
	REQUIRE(srv_queue_pack(&d, &packed, &n) == ERR_OK, "packed");
	CHECK(srv_queue_unpack(span_make(packed, n), &d, &rec) == ERR_OK && d.record_n == 1 &&
			span_eq_str(rec->prefix, "d01") && rec->path.n == 3 &&
			span_eq_str(rec->value.bytes, "x"),
		"the prefixes of values are stored");
	free(rec);
	for (size_t i = 0; i < n; i++)
		CHECK(srv_queue_unpack(span_make(packed, i), &d, &rec) == ERR_CORRUPT, "cut");
	free(packed);

	open_server("");
	REQUIRE(reads_after(MSG_POST, "rd", "ep=dev&lt=6000&lwm2m=1.1&Q", LINKS) &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON, TWO, -1),
		"a gateway in queue mode is asked while it is awake");
	rig_turn(&rig, 200000);
	CHECK(!begin(SRV_READ, "/d01/3303/0/5700", -1, "", -1) && outcome()->status == 202 &&
			rig_record(&rig, REC_OP_PUT) &&
			span_eq_str(rig_record(&rig, REC_OP_PUT)->op.path, "/d01/3303/0/5700"),
		"asleep: what is asked of a device waits");
	CHECK(!begin(SRV_READ, "/d03/3303/0/5700", -1, "", -1) && outcome()->status == 404,
		"what nobody can answer does not");
	rig_turn(&rig, 200000);
	CHECK(reads_after(MSG_POST, location(), "", "") &&
			!strcmp(wire(), "GET /d01/3303/0/5700 accept 0"),
		"and goes when it wakes");
	close_server();
}

/* ---- what a device made or lost by us */

static void made(void)
{
	open_gateway(LINKS, TWO);
	CHECK(begin(SRV_CREATE, "/d01/3303", -1, "/3303/7/5750=x", -1) &&
			answer(MSG_CREATED, -1, "", -1) && outcome()->status == 201 &&
			span_eq_str(outcome()->location, "3303/7") &&
			strstr(devices(), "d01 </3/0>,</3303>;ver=1.1,</3303/0>,</3303/7>;"),
		"a Create is in the list of the device");
	CHECK(begin(SRV_DELETE, "/d01/3303/0", -1, "", -1) && answer(MSG_DELETED, -1, "", -1) &&
			strstr(devices(), "d01 </3/0>,</3303>;ver=1.1,</3303/7>;"),
		"so is a Delete");
	CHECK(!lwm_object_list_has(view().list, 3303, LWM_ID_NONE),
		"nothing of it is in that of the gateway (GW-02)");
	close_server();
}

/* ---- what it says is hostile until it fits */

static const struct {
	const char *what, *answer, *known;
} hostile[] = {
	{"no device", "[]", "known"},
	{"a prefix with a slash", "[{\"n\":\"/25/0/1\",\"vs\":\"a/3\"}]",
		"known; 0  a/3  (has a character that no segment of a path should have)"},
	{"none", "[{\"n\":\"/25/0/0\",\"vs\":\"s\"}]", "known; 0 s   (is empty)"},
	{"an empty one", "[{\"n\":\"/25/0/1\",\"vs\":\"\"}]", "known; 0    (is empty)"},
	{"a number", "[{\"n\":\"/25/0/1\",\"vs\":\"3\"}]",
		"known; 0  3  (is a number, so its paths could be those of the gateway itself)"},
	{"no text", "[{\"n\":\"/25/0/1\",\"v\":3}]", "known; 0    (is empty)"},
	{"two with the same",
		"[{\"n\":\"/25/0/1\",\"vs\":\"d01\"},{\"n\":\"/25/3/1\",\"vs\":\"d02\"},"
		"{\"n\":\"/25/7/1\",\"vs\":\"d01\"}]",
		"known; 0  d01  (is that of another device too); 3  d02 ; "
		"7  d01  (is that of another device too)"},
	{"links that are none",
		"[{\"n\":\"/25/0/1\",\"vs\":\"d01\"},{\"n\":\"/25/0/3\",\"vs\":\"<</3>\"}]",
		"known; 0  d01  (links)"},
	{"a list that is a number",
		"[{\"n\":\"/25/0/1\",\"vs\":\"d01\"},{\"n\":\"/25/0/3\",\"v\":1}]",
		"known; 0  d01  (links)"},
	{"an alternate path in it, a secret object, a link elsewhere",
		"[{\"n\":\"/25/0/1\",\"vs\":\"d01\"},{\"n\":\"/25/0/3\",\"vs\":"
		"\"</x>;rt=\\\"oma.lwm2m\\\",</0/0>,</x/3/0>,</a/b>,</21/0>\"}]",
		"known; 0  d01 </3/0>"},
	{"what is no payload", "[{", "failed"},
	{"another Object", "[{\"n\":\"/3/0/0\",\"vs\":\"x\"}]", "failed"},
};

static void hostiles(void)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		open_gateway(LINKS, hostile[i].answer);
		CHECK(are(hostile[i].known), hostile[i].what);
		close_server();
	}
	open_gateway(LINKS, hostile[6].answer);
	CHECK(!begin(SRV_READ, "/d01/3303/0", -1, "", -1) && outcome()->status == 404 &&
			begin(SRV_READ, "/d02/3303/0", -1, "", -1),
		"of two with one prefix none is asked");
	close_server();
	open_server("");
	REQUIRE(reads_after(MSG_POST, "rd", QUERY, LINKS) && answer(MSG_UNAUTHORIZED, -1, "", -1),
		"refused");
	CHECK(are("failed") && rig_sent_n(&rig) == 0 && !reads_after(MSG_POST, location(), "", ""),
		"what is refused is not asked for again");
	CHECK(reads_after(MSG_POST, "rd", QUERY, LINKS), "until it registers again");
	close_server();
}

/* A payload of n devices, each with a list of so many links. */
static struct span many(size_t n, size_t links)
{
	static uint8_t text[8 << 20];
	struct writer w = wr_make(text, sizeof(text));
	wr_str(&w, "[");
	for (size_t i = 0; i < n; i++) {
		wr_fmt(&w, "%s{\"n\":\"/25/%zu/1\",\"vs\":\"p%zu\"},{\"n\":\"/25/%zu/3\",\"vs\":\"",
			i ? "," : "", i, i, i);
		for (size_t k = 0; k < links; k++)
			wr_fmt(&w, "%s</%zu/0>", k ? "," : "", 100 + k);
		wr_str(&w, "\"}");
	}
	wr_str(&w, "]");
	REQUIRE(!w.err, "room");
	return wr_span(&w);
}

static void bounded(void)
{
	struct srv_reg g = {.lwm2m = 12};
	struct srv_devices all;
	struct msg m;
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_SENML_JSON) == ERR_OK, "format");
	m.payload = many(3000, 1);
	CHECK(srv_devices_read(&g, &m, SRV_DEVICE_BYTES_TOTAL, &all) == ERR_OK &&
			all.n == SRV_DEVICES_MAX && all.left_out == 3000 - SRV_DEVICES_MAX &&
			all.v[SRV_DEVICES_MAX - 1].iid == SRV_DEVICES_MAX - 1,
		"more devices than are kept");
	srv_devices_fini(&all);
	m.payload = many(300, 1000);
	CHECK(srv_devices_read(&g, &m, SRV_DEVICE_BYTES_MAX, &all) == ERR_OK && all.n > 10 &&
			all.n < 100 && all.left_out == 300 - all.n &&
			all.bytes <= SRV_DEVICE_BYTES_MAX,
		"more bytes than are kept");
	srv_devices_fini(&all);
	m.payload = many(1, 3000);
	CHECK(srv_devices_read(&g, &m, SRV_DEVICE_BYTES_MAX, &all) == ERR_OK && all.n == 1 &&
			all.v->links_bad && !all.v->list.inst_n,
		"a list that is too long is none");
	srv_devices_fini(&all);
	for (size_t n = 0; n < 200; n++) {
		m.payload = span_sub(many(2, 2), 0, n);
		if (!srv_devices_read(&g, &m, SRV_DEVICE_BYTES_MAX, &all))
			srv_devices_fini(&all);
	}
	CHECK(true, "cut anywhere");
}

/* More than 64 changes are told as a number. */
static void crowd(void)
{
	char text[2048];
	struct writer w = wr_make(text, sizeof(text) - 1);
	open_gateway(LINKS, TWO);
	wr_str(&w, "[{\"bn\":\"/25/\",\"n\":\"100/1\",\"vs\":\"p\"}");
	for (int i = 101; i < 100 + SRV_DEVICE_EVENTS_MAX - 1; i++)
		wr_fmt(&w, ",{\"n\":\"%d/1\",\"vs\":\"\"}", i);
	wr_str(&w, "]");
	text[w.n] = '\0';
	CHECK(reads_after(MSG_POST, location(), "", LINKS) &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON, text, -1) &&
			!strcmp(told(), "read "),
		"two gone, 63 new: a number");
	CHECK(reads_after(MSG_POST, location(), "", LINKS) &&
			answer(MSG_CONTENT, LWM_CF_SENML_JSON, TWO, -1) && !strcmp(told(), "read "),
		"and back");
	close_server();
}

int main(void)
{
	reads();
	routes();
	operations();
	alternate();
	refuses();
	composites();
	observes();
	loads();
	notified();
	queued();
	made();
	hostiles();
	bounded();
	crowd();
	return test_done();
}
