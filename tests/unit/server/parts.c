/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that a device cannot answer whole, and composites that it does not know. */
#include "tests/unit/server/asking.h"

#define LINKS "</1/0>,</3/0>,</3303/0>,</3303/2>"

/* What the device is asked, and what it says; the last `asked` NULL. */
struct step {
	const char *asked;
	uint8_t code;
	int cf;
	const char *answer;
};

enum { STEPS = 8 };

static const struct row {
	const char *what;
	enum srv_dm_kind kind;
	const char *path, *text;
	int32_t cf;
	struct step step[STEPS];
	int status;
	const char *values; /* of the answer in parts; NULL: it is not one */
} rows[] = {
	{"an Object, Instance by Instance (CT-53)", SRV_READ, "/3303", "", -1,
		{{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /3303/0 accept 11542", MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/3303/0/5700\",\"v\":1.5}]"},
			{"GET /3303/2 accept 11542", MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/3303/2/5701\",\"vs\":\"Cel\"}]"}},
		200, "/3303/0/5700=1.5 /3303/2/5701=Cel"},
	{"4.13, and Resource by Resource, as a Discover tells them (CT-53)", SRV_READ, "/3/0", "",
		-1,
		{{"GET /3/0 accept 11542", MSG_TOO_LARGE, -1, ""},
			{"GET /3/0 accept 40", MSG_CONTENT, LWM_CF_LINK,
				"</3/0>,</3/0/4>,</3/0/9>,</3/0/15>,</4/0/1>,</3/0/11>;dim=1"},
			{"GET /3/0/9 accept 0", MSG_CONTENT, LWM_CF_TEXT, "80"},
			{"GET /3/0/15 accept 0", MSG_NOT_FOUND, -1, ""},
			{"GET /3/0/11 accept 11542", MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/3/0/11/0\",\"v\":7}]"}},
		200, "/3/0/9=80 /3/0/11/0=7"},
	{"both", SRV_READ, "/3303", "", -1,
		{{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /3303/0 accept 11542", MSG_TOO_LARGE, -1, ""},
			{"GET /3303/0 accept 40", MSG_CONTENT, LWM_CF_LINK, "</3303/0/5700>"},
			{"GET /3303/0/5700 accept 0", MSG_CONTENT, LWM_CF_TEXT, "2.5"},
			{"GET /3303/2 accept 11542", MSG_NOT_FOUND, -1, ""}},
		200, "/3303/0/5700=2.5"},
	{"a Discover that is refused too: as the model has it", SRV_READ, "/6/0", "", -1,
		{{"GET /6/0 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /6/0 accept 40", MSG_NOT_IMPLEMENTED, -1, ""},
			{"GET /6/0/0 accept 0", MSG_CONTENT, LWM_CF_TEXT, "43.5"},
			{"GET /6/0/1 accept 0", MSG_CONTENT, LWM_CF_TEXT, "1.5"},
			{"GET /6/0/2 accept 0", MSG_NOT_FOUND, -1, ""},
			{"GET /6/0/3 accept 0", MSG_METHOD_NOT_ALLOWED, -1, ""},
			{"GET /6/0/4 accept 42", MSG_NOT_FOUND, -1, ""},
			{"GET /6/0/5 accept 0", MSG_NOT_FOUND, -1, ""}},
		-1, NULL},
	{"none of the parts is there", SRV_READ, "/3303", "", -1,
		{{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /3303/0 accept 11542", MSG_NOT_FOUND, -1, ""},
			{"GET /3303/2 accept 11542", MSG_UNAUTHORIZED, -1, ""}},
		502, NULL},
	{"a part that cannot be read", SRV_READ, "/3303", "", -1,
		{{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /3303/0 accept 11542", MSG_CONTENT, LWM_CF_SENML_JSON, "[{"}},
		502, NULL},
	{"an Object of which no Instance is known", SRV_READ, "/5", "", -1,
		{{"GET /5 accept 11542", MSG_INTERNAL_ERROR, -1, ""}}, 502, NULL},
	{"a Resource has no parts", SRV_READ, "/3/0/9", "", -1,
		{{"GET /3/0/9 accept 0", MSG_INTERNAL_ERROR, -1, ""}}, 502, NULL},
	{"nor is there a need for other codes", SRV_READ, "/3303", "", -1,
		{{"GET /3303 accept 11542", MSG_NOT_FOUND, -1, ""}}, 502, NULL},
	{"nor in a format that was asked for", SRV_READ, "/3303", "", LWM_CF_TLV,
		{{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""}}, 502, NULL},
	{"a value that is none stays a bad one", SRV_READ, "/3303", "", -1,
		{{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /3303/0 accept 11542", MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/3303/0/5700\",\"vs\":\"x\"}]"},
			{"GET /3303/2 accept 11542", MSG_NOT_FOUND, -1, ""}},
		200, "/3303/0/5700"},

	{"a composite that is too much for a small device (CT-58)", SRV_READ_COMPOSITE, "/",
		"?/3/0/9 ?/3303/0/5700", -1,
		{{"FETCH", MSG_TOO_LARGE, -1, ""},
			{"GET /3/0/9 accept 0", MSG_CONTENT, LWM_CF_TEXT, "80"},
			{"GET /3303/0/5700 accept 0", MSG_CONTENT, LWM_CF_TEXT, "1.5"}},
		200, "/3/0/9=80 /3303/0/5700=1.5"},
	{"one that the device does not know", SRV_READ_COMPOSITE, "/", "?/3/0/9 ?/1/0/77", -1,
		{{"FETCH", MSG_METHOD_NOT_ALLOWED, -1, ""},
			{"GET /3/0/9 accept 0", MSG_CONTENT, LWM_CF_TEXT, "80"},
			{"GET /1/0/77 accept 11542", MSG_NOT_FOUND, -1, ""}},
		200, "/3/0/9=80"},
	{"with a part that is too large itself", SRV_READ_COMPOSITE, "/", "?/3303 ?/3/0/9", -1,
		{{"FETCH", MSG_BAD_OPTION, -1, ""},
			{"GET /3303 accept 11542", MSG_INTERNAL_ERROR, -1, ""},
			{"GET /3303/0 accept 11542", MSG_CONTENT, LWM_CF_SENML_JSON,
				"[{\"n\":\"/3303/0/5700\",\"v\":1}]"},
			{"GET /3303/2 accept 11542", MSG_NOT_FOUND, -1, ""},
			{"GET /3/0/9 accept 0", MSG_CONTENT, LWM_CF_TEXT, "80"}},
		200, "/3303/0/5700=1.0 /3/0/9=80"},
	{"one that may not be read", SRV_READ_COMPOSITE, "/", "?/3/0/9", -1,
		{{"FETCH", MSG_UNAUTHORIZED, -1, ""}}, 502, NULL},
	{"a Write-Composite is not cut", SRV_WRITE_COMPOSITE, "/", "/3/0/15=UTC /3/0/14=+01", -1,
		{{"iPATCH", MSG_METHOD_NOT_ALLOWED, -1, ""}}, 502, NULL},
};

static const char *text_of(const struct effect_done *e)
{
	static char text[512];
	const struct lwm_path root = {0};
	struct arena arena;
	struct lwm_records rec;
	struct writer w = wr_make(text, sizeof(text) - 1);
	arena_init(&arena, 0);
	lwm_records_init(&rec, &arena);
	const struct lwm_codec_opts o = {0};
	const struct lwm_format *f = lwm_format((uint32_t)e->content_format);
	REQUIRE(f && f->decode(e->payload, &root, &o, &rec) == ERR_OK, "an answer to be read");
	for (size_t i = 0; i < rec.n; i++) {
		if (i)
			wr_u8(&w, ' ');
		wr_path(&w, &rec.v[i].path);
		if (rec.v[i].kind == LWM_RECORD_VALUE) {
			wr_u8(&w, '=');
			wr_value_text(&w, &rec.v[i].value);
		}
	}
	text[w.n] = '\0';
	arena_fini(&arena);
	return text;
}

/* The formats of a FETCH and what it holds are others' to test. */
static bool asks(const char *what)
{
	bool whole = !strncmp(what, "GET", 3);
	const char *is = wire();
	bool good = whole ? !strcmp(is, what) : !strncmp(is, what, strlen(what));
	if (!good)
		printf("  asked: %s\n", is);
	return good;
}

static bool refused(uint8_t code)
{
	return code == MSG_NOT_ACCEPTABLE || code == MSG_UNSUPPORTED_FORMAT;
}

/* False: the last step was no end. */
static bool play(const struct row *r)
{
	for (int i = 0; i < STEPS && r->step[i].asked; i++) {
		const struct step *k = &r->step[i];
		CHECK(asks(k->asked), r->what);
		bool last = i + 1 == STEPS || !r->step[i + 1].asked;
		do {
			q.n = 0;
			CHECK(answer(k->code, k->cf, k->answer, -1), r->what);
		} while (refused(k->code) && !outcome());
		CHECK(!outcome() || last, r->what);
	}
	return outcome() != NULL;
}

static void each(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		open_registered(LINKS);
		REQUIRE(begin(r->kind, r->path, r->cf, r->text, -1), r->what);
		CHECK(play(r) == (r->status >= 0), r->what);
		const struct effect_done *e = outcome();
		if (e) {
			CHECK(e->status == r->status && e->in_parts == (r->values != NULL),
				r->what);
			CHECK(!r->values || !strcmp(text_of(e), r->values), r->what);
			CHECK(srv_waiting(srv) == 0, "nothing is left");
		}
		close_server();
	}
}

static bool detail_has(const char *what)
{
	char detail[256] = "";
	return outcome() && !span_to_str(outcome()->detail, detail, sizeof(detail)) &&
	       strstr(detail, what);
}

/* ---- a device that has no composites is asked for none, until it registers again */

static void marked(void)
{
	open_registered(LINKS);
	CHECK(begin(SRV_WRITE_COMPOSITE, "/", -1, "/3/0/0=x", -1) &&
			answer(MSG_METHOD_NOT_ALLOWED, -1, "", -1) && !detail_has("composites"),
		"a target that is not writable says nothing of composites");
	CHECK(begin(SRV_WRITE_COMPOSITE, "/", -1, "/3/0/15=UTC", -1) &&
			answer(MSG_NOT_IMPLEMENTED, -1, "", -1) &&
			detail_has("5.01; it has no composites: write one by one"),
		"a refusal says what can be done (CT-08)");
	CHECK(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1) && asks("GET /3/0/9 accept 0"),
		"a Read-Composite goes in single requests at once");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", -1) && outcome()->in_parts, "its answer");
	CHECK(!begin(SRV_WRITE_COMPOSITE, "/", -1, "/3/0/15=UTC", -1) && outcome()->status == 422 &&
			detail_has("not all or none"),
		"a Write-Composite is refused, for it would not be all or none");
	CHECK(!begin(SRV_OBSERVE_COMPOSITE, "/", -1, "?/3/0/9", -1) && outcome()->status == 422 &&
			detail_has("observe one by one"),
		"so is an Observe-Composite");
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	CHECK(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1) && asks("FETCH"),
		"a Register may be that of a newer client");
	close_server();
}

/* Until something is told or asked. */
static void wait_long(void)
{
	struct ep_delivery d;
	for (int i = 0; i < 400; i++) {
		rig_turn(&rig, 1000);
		for (ep_timer(rig.x, &rig.t, &d); d.kind != EP_NOTHING;
			ep_timer(rig.x, &rig.t, &d)) {
			srv_response(srv, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
		}
		if (outcome() ||
			(rig_sent_n(&rig) && rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q) &&
				q.plain.code != MSG_FETCH && q.plain.code != MSG_IPATCH))
			return;
	}
}

static void acknowledged(void)
{
	uint8_t ack[4] = {0x60, 0, (uint8_t)(q.outer.mid >> 8), (uint8_t)q.outer.mid};
	rig_turn(&rig, 10);
	CHECK(rig_in(&rig, SPAN_OF(ack)) == EP_NOTHING, "an empty acknowledgement");
}

/* One client acknowledges what it does not know, and never answers. */
static void silent(void)
{
	open_server("");
	register_device("ep=dev&lt=6000&lwm2m=1.1", LINKS);
	REQUIRE(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1), "a composite");
	acknowledged();
	wait_long();
	CHECK(!outcome() && asks("GET /3/0/9 accept 0"), "goes on in single requests (CT-08)");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", -1) && outcome()->in_parts &&
			!strcmp(text_of(outcome()), "/3/0/9=80"),
		"and is answered");
	CHECK(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1) && asks("GET /3/0/9 accept 0"),
		"nobody waits for another");
	close_server();
	open_server("");
	register_device("ep=dev&lt=6000&lwm2m=1.1", LINKS);
	REQUIRE(begin(SRV_WRITE_COMPOSITE, "/", -1, "/3/0/15=UTC", -1), "a Write");
	acknowledged();
	wait_long();
	CHECK(outcome() && outcome()->status == 504 && detail_has("may have done it"),
		"a Write ends there (CT-08)");
	CHECK(!begin(SRV_WRITE_COMPOSITE, "/", -1, "/3/0/15=UTC", -1) && outcome()->status == 422,
		"and is not tried again");
	close_server();
	open_server("");
	register_device("ep=dev&lt=6000&lwm2m=1.1", LINKS);
	REQUIRE(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1), "a composite");
	wait_long();
	CHECK(outcome() && outcome()->status == 504, "a device that is gone is no such device");
	CHECK(begin(SRV_READ_COMPOSITE, "/", -1, "?/3/0/9", -1) && asks("FETCH"), "nor marked");
	close_server();
}

/* ---- bounds */

/* Sixteen Objects of forty Instances each: more than 512 parts there are not. */
static void too_many(void)
{
	static char links[16384], names[256];
	struct writer w = wr_make(links, sizeof(links) - 1), n = wr_make(names, sizeof(names) - 1);
	unsigned wholes = 0, parts = 0;
	for (int i = 0; i < 16 * 40; i++)
		wr_fmt(&w, "%s</%d/%d>", i ? "," : "", 3300 + i / 40, i % 40);
	for (int i = 0; i < 16; i++)
		wr_fmt(&n, "%s?/%d", i ? " " : "", 3300 + i);
	open_version(11, links);
	REQUIRE(begin(SRV_READ_COMPOSITE, "/", -1, names, -1) && answer(MSG_TOO_LARGE, -1, "", -1),
		"a composite that is too much");
	while (!outcome() && parts < 1000) {
		bool whole = strlen(wire()) == strlen("GET /3303 accept 11542");
		wholes += whole;
		parts += !whole;
		q.n = 0;
		CHECK(answer(whole ? MSG_TOO_LARGE : MSG_NOT_FOUND, -1, "", -1), "one by one");
	}
	CHECK(wholes == 16 && parts == 12 * 40 && outcome() && outcome()->status == 502,
		"what would be too many is left out");
	close_server();
}

int main(void)
{
	each();
	marked();
	silent();
	too_many();
	return test_done();
}
