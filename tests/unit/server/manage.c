/* SPDX-License-Identifier: Apache-2.0 */
/* Read, Write, Execute, Observe: what goes to the device, byte by byte, and what its answers mean.
 */
#include "tests/unit/server/asking.h"

#define LINKS "</1/0>,</3/0>"

static void reads(void)
{
	static const uint16_t further[] = {LWM_CF_SENML_CBOR, LWM_CF_SENML_JSON, LWM_CF_CBOR};
	open_registered(LINKS);
	CHECK(start(SRV_READ, "/3/0/9", -1, NULL, "") &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"one value is asked for as text (CT-40)");
	CHECK(rig_records(&rig, REC_OP_PUT) == 0, "a Read leaves no record");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", -1) && outcome() && outcome()->status == 200 &&
			outcome()->code == MSG_CONTENT && span_eq_str(outcome()->payload, "80"),
		"its answer is the outcome");
	CHECK(start(SRV_READ, "/3/0/9", -1, NULL, "") &&
			answer(MSG_CONTENT, LWM_CF_SENML_CBOR, "80", -1) &&
			outcome()->content_format == LWM_CF_SENML_CBOR,
		"the answer's own format counts, whatever was asked for (FMT-02, CT-40)");
	CHECK(start(SRV_READ, "/3/0", -1, NULL, "") &&
			asked(MSG_GET, "/3/0", LWM_CF_TLV, -1, SPAN_EMPTY),
		"an instance as TLV");
	CHECK(answer(MSG_CONTENT, LWM_CF_TLV, "", -1) && outcome()->status == 200, "even empty");
	CHECK(start(SRV_READ, "/3/0/9", -1, NULL, "") && answer(MSG_NOT_ACCEPTABLE, -1, "", -1) &&
			!outcome() && asked(MSG_GET, "/3/0/9", LWM_CF_TLV, -1, SPAN_EMPTY),
		"refused (4.06), the next format is tried (CT-26)");
	for (size_t i = 0; i < sizeof(further) / sizeof(further[0]); i++)
		CHECK(answer(MSG_NOT_ACCEPTABLE, -1, "", -1) && !outcome() &&
				asked(MSG_GET, "/3/0/9", further[i], -1, SPAN_EMPTY),
			"and those of LwM2M 1.1");
	CHECK(answer(MSG_NOT_ACCEPTABLE, -1, "", -1) && outcome()->status == 502 &&
			outcome()->code == MSG_NOT_ACCEPTABLE,
		"until there is none");
	CHECK(start(SRV_READ, "/3/0/9", LWM_CF_SENML_JSON, NULL, "") &&
			asked(MSG_GET, "/3/0/9", LWM_CF_SENML_JSON, -1, SPAN_EMPTY),
		"a wanted format is asked for");
	CHECK(answer(MSG_NOT_ACCEPTABLE, -1, "", -1) && outcome()->status == 502, "and no other");
	CHECK(srv_waiting(srv) == 0, "nothing is left");
	close_server();
	open_registered("</a>;rt=\"oma.lwm2m\"," LINKS);
	CHECK(start(SRV_READ, "/3/0/9", -1, NULL, "") &&
			asked(MSG_GET, "/a/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"the alternate path goes in front (GEN-06)");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", -1) && outcome()->status == 200 &&
			span_eq_str(outcome()->alt, "/a"),
		"and is told with the answer, whose names may have it");
	close_server();
}

static void writes(void)
{
	struct lwm_value text = {.type = LWM_STRING, .bytes = SPAN_LIT("U")};
	struct lwm_value lt = {.type = LWM_INTEGER, .i = 300};
	open_registered(LINKS);
	CHECK(start(SRV_WRITE, "/1/0/7", -1, &text, "") &&
			asked(MSG_PUT, "/1/0/7", -1, LWM_CF_TEXT, SPAN_LIT("U")),
		"a Write as text");
	CHECK(rig_records(&rig, REC_OP_PUT) == 1, "is recorded as sent (D3)");
	CHECK(answer(MSG_UNSUPPORTED_FORMAT, -1, "", -1) && !outcome() &&
			asked(MSG_PUT, "/1/0/7", -1, LWM_CF_TLV, SPAN_LIT("\xc1\x07U")),
		"refused (4.15), as TLV");
	CHECK(answer(MSG_CHANGED, -1, "", -1) && outcome()->status == 200 &&
			rig_records(&rig, REC_OP_DEL) == 1,
		"done");
	CHECK(start(SRV_WRITE, "/1/0/1", -1, &lt, "") && view().lifetime_s == 60, "a lifetime");
	CHECK(answer(MSG_CHANGED, -1, "", -1) && view().lifetime_s == 300 &&
			view().expires_in_s == 300 && rig_records(&rig, REC_REG_PUT) == 1,
		"counts when its Write succeeds (CT-31)");
	static char long_text[6000];
	memset(long_text, 'x', sizeof(long_text));
	struct lwm_value blob = {.type = LWM_STRING};
	blob.bytes = span_make(long_text, 5001); /* one more than the limit of the rig */
	CHECK(!start(SRV_WRITE, "/3/0/15", LWM_CF_TEXT, &blob, "") && outcome()->status == 413,
		"a body above the limit: 413");
	CHECK(start(SRV_WRITE, "/1/0/1", -1, &text, "") || outcome()->status == 422,
		"a value of the wrong type is our caller's to check, or 422");
	close_server();
}

/* Proves: CT-36 */
static void executes(void)
{
	open_registered(LINKS);
	CHECK(start(SRV_EXECUTE, "/3/0/4", -1, NULL, "") &&
			asked(MSG_POST, "/3/0/4", -1, -1, SPAN_EMPTY),
		"Execute: no payload, no format (CT-07)");
	CHECK(rig_records(&rig, REC_OP_PUT) == 1 &&
			span_eq_str(rig_record(&rig, REC_OP_PUT)->op.kind, "execute"),
		"recorded before it is sent (DM-11)");
	CHECK(answer(MSG_CHANGED, -1, "", -1) && outcome()->status == 200, "done");
	CHECK(start(SRV_EXECUTE, "/3/0/4", -1, NULL, "0='U'") &&
			asked(MSG_POST, "/3/0/4", -1, LWM_CF_TEXT, SPAN_LIT("0='U'")),
		"arguments are text (DM-11)");
	CHECK(answer(MSG_METHOD_NOT_ALLOWED, -1, "", -1) && outcome()->status == 502 &&
			!strcmp(outcome()->type, "device-error"),
		"refused");
	close_server();
}

/* A device that is told to stay away leaves, and comes back when it likes (REG-21). */
static void disabled(void)
{
	open_registered(LINKS);
	CHECK(start(SRV_EXECUTE, "/1/0/4", -1, NULL, "") && answer(MSG_CHANGED, -1, "", -1) &&
			outcome()->status == 200 && view().registered,
		"Disable is answered (REG-21)");
	CHECK(ask(MSG_DELETE, location(), "", -1, "") == MSG_DELETED && !view().registered,
		"the device leaves");
	CHECK(!start(SRV_READ, "/3/0/9", -1, NULL, "") && outcome()->status == 404,
		"and is not asked");
	rig_turn(&rig, 86400000);
	register_device("ep=dev&lt=60&lwm2m=1.1", LINKS);
	CHECK(start(SRV_READ, "/3/0/9", -1, NULL, ""), "until it registers");
	close_server();
}

static void not_now(void)
{
	open_server("");
	CHECK(!start(SRV_READ, "/3/0/9", -1, NULL, "") && outcome()->status == 404 &&
			!strcmp(outcome()->type, "not-registered"),
		"not registered (GEN-05)");
	register_device("ep=dev&lt=600&lwm2m=1.1&Q", LINKS);
	rig_turn(&rig, 93100);
	CHECK(!start(SRV_READ, "/3/0/9", -1, NULL, "") && outcome()->status == 202 &&
			!strcmp(outcome()->type, "asleep"),
		"asleep");
	CHECK(ask(MSG_POST, location(), "", -1, "") == MSG_CHANGED, "an Update");
	CHECK(rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY),
		"wakes it");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "1", -1) && !outcome() && srv_waiting(srv) == 0,
		"and it answers; nobody waits");
	close_server();
}

static unsigned outcomes(void)
{
	unsigned n = 0;
	for (size_t i = 0; i < rig.t.effect_n; i++)
		n += rig.t.effect[i].kind == EFFECT_DONE;
	return n;
}

/* No answer of the device may find anything left. */
static void late_answer(void)
{
	struct msg m;
	struct ep_delivery d;
	rig_turn(&rig, 10);
	msg_init(&m, MSG_CON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
	CHECK(rig_in(&rig, rig_reply(&rig, RIG_SERVER, &q, &m, 0, &p)) == EP_NOTHING,
		"a late answer changes nothing");
	for (ep_timer(rig.x, &rig.t, &d); d.kind != EP_NOTHING; ep_timer(rig.x, &rig.t, &d)) {
		srv_response(srv, &d, &rig.t);
		ep_delivery_end(rig.x, &d, &rig.t);
	}
	CHECK(!outcomes() && srv_waiting(srv) == 0, "and nobody is told twice");
}

static enum err cancel(uint64_t ticket)
{
	rig_turn(&rig, 10);
	return srv_dm_cancel(srv, rig.e, ticket, &rig.t);
}

static void cancelling(void)
{
	struct srv_dm second = {.kind = SRV_EXECUTE,
		.endpoint = rig.e,
		.path = {.n = 3, .id = {3, 0, 4}},
		.content_format = -1,
		.ticket = 8};
	open_server("");
	second.endpoint = rig.e;
	CHECK(cancel(7) == ERR_NOTFOUND, "nothing is under way: not registered");
	register_device("ep=dev&lt=600&lwm2m=1.1", LINKS);
	CHECK(start(SRV_READ, "/3/0/9", -1, NULL, ""), "a Read");
	CHECK(cancel(6) == ERR_NOTFOUND && srv_waiting(srv) == 1, "another ticket's");
	CHECK(cancel(7) == ERR_OK && srv_waiting(srv) == 0 && outcomes() == 1 &&
			!strcmp(outcome()->type, "cancelled"),
		"is cancelled");
	CHECK(cancel(7) == ERR_NOTFOUND, "and not twice");
	CHECK(!answer(MSG_CONTENT, LWM_CF_TEXT, "1", -1), "a late answer changes nothing");
	CHECK(start(SRV_EXECUTE, "/3/0/4", -1, NULL, ""), "an Execute");
	CHECK(cancel(7) == ERR_STATE && srv_waiting(srv) == 1, "that was sent is not");
	rig_turn(&rig, 10);
	srv_dm(srv, &second, &rig.t);
	CHECK(cancel(8) == ERR_OK && srv_waiting(srv) == 1, "one that waits behind it is");
	CHECK(answer(MSG_CHANGED, -1, "", -1) && srv_waiting(srv) == 0, "the first goes on");
	CHECK(start(SRV_OBSERVE, "/3/0/9", -1, NULL, "") && cancel(7) == ERR_STATE,
		"an Observe has its own way");
	close_server();
}

/* It stays wanted, and there is nobody to tell. */
static void set_up_again(bool wanted)
{
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=600&lwm2m=1.1", 40, LINKS) == MSG_CREATED, "again");
	CHECK(rig_sent_n(&rig) == (wanted ? 2u : 1u) && !outcomes(), "what is wanted is asked for");
	if (!wanted)
		return;
	REQUIRE(rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q), "asked");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", 1) && !outcomes() &&
			rig_records(&rig, REC_EVENT) == 1,
		"and its answer is an event, no outcome");
}

enum turn_of { REREGISTERS, DEREGISTERS, LOSES_KEYS, EXPIRES, IS_FORGOTTEN };

static const struct {
	const char *what;
	enum turn_of how;
} pending[] = {
	{"Observe is pending when the device registers anew", REREGISTERS},
	{"when it de-registers", DEREGISTERS},
	{"when its keys go", LOSES_KEYS},
	{"when its lifetime ends", EXPIRES},
	{"when its endpoint is deleted", IS_FORGOTTEN},
};

static void happens(enum turn_of how)
{
	switch (how) {
	case REREGISTERS:
		CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS) == MSG_CREATED,
			"anew");
		break;
	case DEREGISTERS:
		CHECK(ask(MSG_DELETE, location(), "", -1, "") == MSG_DELETED, "gone");
		break;
	case LOSES_KEYS:
		rig_turn(&rig, 10);
		srv_context_gone(srv, rig.server, &rig.t);
		break;
	case EXPIRES:
		rig_turn(&rig, 160000);
		srv_timer(srv, &rig.t);
		break;
	case IS_FORGOTTEN:
		rig_turn(&rig, 10);
		srv_forget_endpoint(srv, rig.e, &rig.t);
		break;
	}
}

/* Whoever waits for an observation is told once, whatever becomes of the registration; also when it
 * waits behind another. */
static void observe_pending(void)
{
	for (size_t i = 0; i < 2 * sizeof(pending) / sizeof(*pending); i++) {
		static struct rig_msg asked;
		enum turn_of how = pending[i / 2].how;
		bool two = i % 2;
		open_registered(LINKS);
		CHECK(start(SRV_OBSERVE, "/3/0/9", -1, NULL, ""), "Observe");
		asked = q;
		CHECK(!two || !start(SRV_OBSERVE, "/3/0/13", -1, NULL, ""), "one behind it");
		happens(how);
		CHECK(outcomes() == (two ? 2u : 1u) && outcome()->status == 503 &&
				!strcmp(outcome()->type, "cancelled"),
			pending[i / 2].what);
		CHECK(srv_waiting(srv) == 0, "nobody waits any more");
		CHECK(how != REREGISTERS || rig_sent_n(&rig) == 2, "it stays wanted, and is asked");
		CHECK(how == REREGISTERS || how == DEREGISTERS || !rig_sent_n(&rig),
			"nothing goes out that nobody wants");
		q = asked;
		late_answer();
		set_up_again(how != IS_FORGOTTEN);
		close_server();
	}
}

static void registration_ends(void)
{
	open_registered(LINKS);
	CHECK(start(SRV_EXECUTE, "/3/0/4", -1, NULL, ""), "an operation is under way");
	CHECK(ask(MSG_DELETE, location(), "", -1, "") == MSG_DELETED && outcome() &&
			outcome()->status == 503 && !strcmp(outcome()->type, "cancelled"),
		"when the registration ends");
	CHECK(rig_records(&rig, REC_OP_DEL) == 1 && srv_waiting(srv) == 0, "nothing is left of it");
	close_server();
}

/* ---- observations */

static void observes(void)
{
	open_registered(LINKS);
	CHECK(start(SRV_OBSERVE, "/3/0/9", -1, NULL, "") &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TEXT, -1, SPAN_EMPTY) &&
			msg_find(&q.plain, OPT_OBSERVE) && rig_records(&rig, REC_OP_PUT) == 1,
		"Observe is wanted, durably");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", 1) && outcome()->status == 200 &&
			rig_records(&rig, REC_EVENT) == 1,
		"its first value is an outcome and an event");
	CHECK(!start(SRV_OBSERVE, "/3/0/9", -1, NULL, "") && outcome()->status == 200,
		"once is enough (CT-67)");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS) == MSG_CREATED &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			msg_find(&q.plain, OPT_OBSERVE),
		"after a Register it is set up again, behind the 2.01 (IR-06, CT-34)");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "81", 1) && !outcome(), "without a word");
	CHECK(start(SRV_CANCEL, "/3/0/9", -1, NULL, "") && outcome()->status == 204 &&
			rig_records(&rig, REC_OP_DEL) == 1,
		"cancelled, durably");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "81", -1) && srv_observation_count(srv) == 0,
		"its end");
	CHECK(!start(SRV_CANCEL, "/3/0/9", -1, NULL, "") && outcome()->status == 404, "once");
	close_server();
}

#define VALUES "[{\"n\":\"/3/0/9\",\"v\":80},{\"n\":\"/1/0/1\",\"v\":60}]"
#define NAMES  SPAN_LIT("\x82\xa1\x00\x62/1\xa1\x00\x66/3/0/9")

static void view_paths(void *arg, const struct srv_observation_view *v)
{
	if (v->path_n == 2 && v->path.n == 0 && v->paths[0].path.n == 1 && v->paths[1].path.n == 3)
		++*(size_t *)arg;
}

/* Proves: IR-03 */
static void observes_composite(void)
{
	size_t seen = 0;
	open_registered(LINKS);
	CHECK(begin(SRV_OBSERVE_COMPOSITE, "/", -1, "?/3/0/9 ?/1 ?/3/0/9", -1) &&
			asked(MSG_FETCH, "", LWM_CF_SENML_CBOR, LWM_CF_SENML_CBOR, NAMES) &&
			msg_find(&q.plain, OPT_OBSERVE) && rig_records(&rig, REC_OP_PUT) == 1,
		"FETCH with Observe, wanted durably");
	const struct rec *kept = rig_record(&rig, REC_OP_PUT);
	CHECK(kept && span_eq_str(kept->op.path, "/1 /3/0/9") &&
			span_eq_str(kept->op.kind, "observe-composite"),
		"its record");
	CHECK(answer(MSG_NOT_ACCEPTABLE, -1, "", -1) && !outcome() &&
			asked(MSG_FETCH, "", LWM_CF_SENML_JSON, LWM_CF_SENML_JSON,
				SPAN_LIT("[{\"n\":\"/1\"},{\"n\":\"/3/0/9\"}]")),
		"refused in one format, the next is tried");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON, VALUES, 1) && outcome()->status == 200 &&
			rig_records(&rig, REC_EVENT) == 1,
		"its first values are an outcome and an event");
	srv_observations(srv, rig.e, view_paths, &seen);
	CHECK(seen == 1, "the list has its paths");
	CHECK(!begin(SRV_OBSERVE_COMPOSITE, "/", -1, "?/1 ?/3/0/9", -1) && outcome()->status == 200,
		"once is enough, in any order");
	CHECK(begin(SRV_OBSERVE_COMPOSITE, "/", -1, "?/1", -1) && srv_observation_count(srv) == 2,
		"other paths are another one");
	CHECK(answer(MSG_CONTENT, -1, "", -1) && !strcmp(outcome()->type, "not-observable") &&
			srv_observation_count(srv) == 1,
		"which the device does not take up");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS) == MSG_CREATED &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			q.plain.code == MSG_FETCH && msg_find(&q.plain, OPT_OBSERVE),
		"after a Register it is set up again (IR-06)");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_CBOR, "\x80", 1) && !outcome(), "without a word");
	CHECK(!begin(SRV_CANCEL_COMPOSITE, "/", -1, "?/3/0/9", -1) && outcome()->status == 404,
		"paths that are not observed together");
	CHECK(begin(SRV_CANCEL_COMPOSITE, "/", -1, "?/3/0/9 ?/1", -1) && outcome()->status == 204 &&
			rig_records(&rig, REC_OP_DEL) == 1 &&
			asked(MSG_FETCH, "", LWM_CF_SENML_CBOR, LWM_CF_SENML_CBOR, NAMES),
		"cancelled by the same body, durably");
	CHECK(answer(MSG_CONTENT, LWM_CF_SENML_CBOR, "\x80", -1) && srv_observation_count(srv) == 0,
		"its end");
	close_server();
}

/* ---- parameters of an Observe. Proves: ATT-07 */

static const char *parameters_seen;

static void view_parameters(void *arg, const struct srv_observation_view *v)
{
	static char text[128];
	(void)arg;
	if (!span_to_str(v->attributes, text, sizeof(text)))
		parameters_seen = text;
}

static bool observe_with(const char *path, const char *attributes)
{
	struct srv_dm d = {.kind = SRV_OBSERVE,
		.endpoint = rig.e,
		.content_format = -1,
		.depth = -1,
		.attributes = span_str(attributes),
		.ticket = 7};
	REQUIRE(lwm_path_parse(span_str(path), &d.path) == ERR_OK, "path");
	rig_turn(&rig, 10);
	srv_dm(srv, &d, &rig.t);
	return rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 0), &q);
}

static void observes_with_parameters(void)
{
	struct rec_op kept = {.id = 9,
		.kind = SPAN_LIT("observe"),
		.path = SPAN_LIT("/3/0/9"),
		.result = SPAN_LIT("-1 pmin=10&gt=5.5")};
	open_version(12, LINKS);
	CHECK(observe_with("/3/0/9", "pmin=10&gt=5.5") && msg_find(&q.plain, OPT_OBSERVE) &&
			!strcmp(wire(), "GET /3/0/9?pmin=10&gt=5.5 accept 0"),
		"they are queries");
	CHECK(rig_records(&rig, REC_OP_PUT) == 1 &&
			span_eq(rig_record(&rig, REC_OP_PUT)->op.result, kept.result),
		"and kept");
	CHECK(answer(MSG_CONTENT, LWM_CF_TEXT, "80", 1) && outcome()->status == 200, "observed");
	srv_observations(srv, rig.e, view_parameters, NULL);
	CHECK(parameters_seen && !strcmp(parameters_seen, "pmin=10&gt=5.5"), "listed");
	CHECK(!observe_with("/3/0/9", "pmin=10&gt=5.5") && outcome()->status == 200, "once");
	CHECK(!observe_with("/3/0/9", "pmin=11") && outcome()->status == 409, "others: not both");
	CHECK(!observe_with("/3/0/9", "") && outcome()->status == 409, "nor none");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.2", 40, LINKS) == MSG_CREATED &&
			rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q) &&
			!strcmp(wire(), "GET /3/0/9?pmin=10&gt=5.5 accept 0"),
		"set up again with them");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS) == MSG_CREATED &&
			rig_sent_n(&rig) == 1 && srv_observation_count(srv) == 1,
		"not of an older client, which may come back as a newer one");
	close_server();
	open_version(12, LINKS);
	CHECK(srv_load_op(srv, rig.e, &kept, &rig.t) == ERR_OK && srv_observation_count(srv) == 1,
		"the next start finds them");
	parameters_seen = NULL;
	srv_observations(srv, rig.e, view_parameters, NULL);
	CHECK(parameters_seen && !strcmp(parameters_seen, "pmin=10&gt=5.5"), "as they were");
	kept.path = SPAN_LIT("/3/0/13");
	kept.result = SPAN_LIT("-1 pmin");
	CHECK(srv_load_op(srv, rig.e, &kept, &rig.t) == ERR_OK, "a flag");
	kept.path = SPAN_LIT("/3/0/14");
	kept.result = SPAN_LIT("-1 x=1");
	CHECK(srv_load_op(srv, rig.e, &kept, &rig.t) == ERR_CORRUPT, "no attributes");
	close_server();
}

static void refuses_parameters(void)
{
	static const struct {
		uint8_t lwm2m;
		const char *attributes, *why;
	} bad[] = {
		{11, "pmin=10", "since LwM2M 1.2"},
		{12, "pmin=", "has a value"},
		{12, "pmin=x", "digits"},
		{12, "lt=5&gt=5", "has to be below gt"},
	};
	char detail[256];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		open_version(bad[i].lwm2m, LINKS);
		CHECK(!observe_with("/3/0/9", bad[i].attributes) && outcome()->status == 422 &&
				!span_to_str(outcome()->detail, detail, sizeof(detail)) &&
				strstr(detail, bad[i].why) && !srv_observation_count(srv),
			bad[i].attributes);
		close_server();
	}
}

static struct rig_msg asked_for;

static bool notification(const char *payload)
{
	static uint32_t value = 1;
	struct msg m;
	rig_turn(&rig, 10);
	msg_init(&m, MSG_NON, MSG_CONTENT);
	REQUIRE(msg_add_uint(&m, OPT_OBSERVE, ++value) == ERR_OK &&
			msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_SENML_JSON) == ERR_OK,
		"options");
	m.payload = span_str(payload);
	if (rig_in(&rig, rig_reply(&rig, RIG_SERVER, &asked_for, &m, RIG_OWN_NUMBER, &p)) !=
		EP_NOTIFICATION)
		return false;
	srv_response(srv, &rig.d, &rig.t);
	ep_delivery_end(rig.x, &rig.d, &rig.t);
	return true;
}

/* What the answers of a composite hold is the device's business: some leave out what they cannot
 * read now, some tell of what nobody asked for. */
static void composite_answers(void)
{
	static const struct {
		const char *what, *payload;
	} told[] = {
		{"a path is missing (CT-68)", "[{\"n\":\"/3/0/9\",\"v\":80}]"},
		{"all are (CT-68)", "[]"},
		{"a foreign one (CT-68)",
			"[{\"n\":\"/4/0/0\",\"v\":1},{\"n\":\"/3/0/9\",\"v\":80}]"},
		{"what cannot be read (CT-68, CT-69)", "[{"},
	};
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		open_registered(LINKS);
		REQUIRE(begin(SRV_OBSERVE_COMPOSITE, "/", -1, "?/3/0/9 ?/1", -1), "asked");
		asked_for = q;
		CHECK(answer(MSG_CONTENT, LWM_CF_SENML_JSON, told[i].payload, 1) &&
				outcome()->status == 200 && rig_records(&rig, REC_EVENT) == 1,
			told[i].what);
		CHECK(notification(told[i].payload) && rig_records(&rig, REC_EVENT) == 1 &&
				srv_observation_count(srv) == 1 && notification(VALUES),
			told[i].what);
		close_server();
	}
}

static const struct {
	uint8_t lwm2m;
	const char *names, *type;
} composite_refusals[] = {
	{10, "?/3/0/9", "invalid"},
	{11, "?/3/0/9 ?/0/1", "reserved"},
	{11, "?/21", "reserved"},
};

static void refuses_composites(void)
{
	for (size_t i = 0; i < sizeof(composite_refusals) / sizeof(composite_refusals[0]); i++) {
		open_version(composite_refusals[i].lwm2m, LINKS);
		CHECK(!begin(SRV_OBSERVE_COMPOSITE, "/", -1, composite_refusals[i].names, -1) &&
				outcome()->status == 422 &&
				!strcmp(outcome()->type, composite_refusals[i].type) &&
				srv_observation_count(srv) == 0,
			composite_refusals[i].names);
		close_server();
	}
}

/* As the next start finds it. */
static const struct {
	const char *path;
	enum err err;
} stored[] = {
	{"/1 /3/0/9", ERR_OK},
	{"/3/0/9", ERR_OK},
	{"", ERR_CORRUPT},
	{"/", ERR_CORRUPT},
	{"/1  /3", ERR_CORRUPT},
	{"/1 x", ERR_CORRUPT},
	{"/0 /1 /2 /3 /4 /5 /6 /7 /8 /9 /10 /11 /12 /13 /14 /15 /16 /17 /18 /19 /20 /21 /22 /23 "
	 "/24 /25 /26 /27 /28 /29 /30 /31",
		ERR_OK},
	{"/0 /1 /2 /3 /4 /5 /6 /7 /8 /9 /10 /11 /12 /13 /14 /15 /16 /17 /18 /19 /20 /21 /22 /23 "
	 "/24 /25 /26 /27 /28 /29 /30 /31 /32",
		ERR_CORRUPT},
};

static void loads_composites(void)
{
	for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
		const struct rec_op r = {.id = 9,
			.kind = SPAN_LIT("observe-composite"),
			.path = span_str(stored[i].path),
			.result = SPAN_LIT("-1")};
		open_registered(LINKS);
		CHECK(srv_load_op(srv, rig.e, &r, &rig.t) == stored[i].err, stored[i].path);
		CHECK(srv_observation_count(srv) == (stored[i].err == ERR_OK), stored[i].path);
		close_server();
	}
}

static void refused(void)
{
	open_registered(LINKS);
	CHECK(start(SRV_OBSERVE, "/3/0/9", -1, NULL, "") &&
			answer(MSG_NOT_ACCEPTABLE, -1, "", -1) && !outcome() &&
			asked(MSG_GET, "/3/0/9", LWM_CF_TLV, -1, SPAN_EMPTY),
		"refused in one format, the next is tried");
	CHECK(answer(MSG_NOT_FOUND, -1, "", -1) && outcome()->status == 502 &&
			srv_observation_count(srv) == 0 && rig_records(&rig, REC_OP_DEL) == 1,
		"refused for good: it is wanted no more");
	CHECK(start(SRV_OBSERVE, "/3/0/9", -1, NULL, "") &&
			answer(MSG_CONTENT, LWM_CF_TEXT, "1", -1) &&
			!strcmp(outcome()->type, "not-observable") &&
			srv_observation_count(srv) == 0,
		"an answer without Observe (IR-01)");
	close_server();
}

static void count_active(void *arg, const struct srv_observation_view *v)
{
	*(size_t *)arg += v->active;
}

/* What cannot be decoded is told as it came, and ends nothing (CT-69). */
static void undecodable(void)
{
	size_t active = 0;
	open_registered(LINKS);
	CHECK(start(SRV_OBSERVE, "/3/0/9", LWM_CF_TLV, NULL, "") &&
			answer(MSG_CONTENT, LWM_CF_TLV, "\xff\xff", 1) &&
			outcome()->status == 200 && span_eq_str(outcome()->payload, "\xff\xff"),
		"a value that is none is told");
	srv_observations(srv, rig.e, count_active, &active);
	CHECK(active == 1 && srv_observation_count(srv) == 1, "the observation goes on (CT-69)");
	close_server();
}

/* More observations than requests can wait for a device: each answer lets the next be asked. */
static void many(void)
{
	enum { MANY = 40 };
	char path[16];
	open_registered(LINKS);
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/3303/%d/5700", i);
		CHECK(start(SRV_OBSERVE, path, LWM_CF_TEXT, NULL, "") &&
				answer(MSG_CONTENT, LWM_CF_TEXT, "1", 1) &&
				outcome()->status == 200,
			"observed");
	}
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=600&lwm2m=1.1", 40, LINKS) == MSG_CREATED, "anew");
	REQUIRE(rig_asked(&rig, RIG_SERVER, rig_sent(&rig, 1), &q), "the first is asked for");
	bool good = true;
	for (int i = 0; i < MANY; i++)
		good &= answer(MSG_CONTENT, LWM_CF_TEXT, "1", 1) &&
			rig_sent_n(&rig) == (i + 1 < MANY ? 1u : 0u);
	CHECK(good, "every one of them is asked for, one after the other");
	size_t active = 0;
	srv_observations(srv, rig.e, count_active, &active);
	CHECK(active == MANY, "after one Register all are active");
	close_server();
}

/* The next content format cannot be tried: an error, and nothing of what memory held. */
static void no_next_format(void)
{
	static const enum srv_dm_kind kinds[] = {SRV_READ, SRV_OBSERVE};
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		static struct rig_msg asked;
		open_registered(LINKS);
		CHECK(start(kinds[k], "/3/0/9", -1, NULL, ""), "on its way");
		asked = q;
		for (int i = 0; i < EP_QUEUE_MAX; i++)
			CHECK(!start(SRV_READ, "/3/0/1", -1, NULL, "") && !outcome(),
				"others wait");
		q = asked;
		CHECK(answer(MSG_NOT_ACCEPTABLE, -1, "a diagnostic payload", -1) && outcome() &&
				outcomes() == 1,
			"told, once");
		CHECK(outcome()->status == (kinds[k] == SRV_READ ? 503 : 502), "as an error");
		CHECK(!outcome()->payload.n ||
				span_eq_str(outcome()->payload, "a diagnostic payload"),
			"with what the device said or nothing (CT-55)");
		close_server();
	}
}

/* A Register while operations and observations wait: the device gets its 2.01 first. */
static void register_first(void)
{
	open_registered(LINKS);
	CHECK(start(SRV_OBSERVE, "/3/0/9", -1, NULL, "") &&
			answer(MSG_CONTENT, LWM_CF_TEXT, "80", 1),
		"observed");
	CHECK(start(SRV_READ, "/3/0/1", -1, NULL, ""), "one is on its way");
	CHECK(!start(SRV_OBSERVE, "/3/0/13", -1, NULL, ""), "others wait");
	CHECK(!start(SRV_READ, "/3/0/2", -1, NULL, ""), "behind it");
	CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", 40, LINKS) == MSG_CREATED,
		"the 2.01 leaves before any request");
	CHECK(rig_sent_n(&rig) == 2, "and one request after it (NSTART) (CT-56)");
	close_server();
}

int main(void)
{
	reads();
	writes();
	executes();
	disabled();
	not_now();
	cancelling();
	registration_ends();
	observes();
	observes_composite();
	composite_answers();
	observes_with_parameters();
	refuses_parameters();
	refuses_composites();
	loads_composites();
	refused();
	undecodable();
	register_first();
	observe_pending();
	many();
	no_next_format();
	return test_done();
}
