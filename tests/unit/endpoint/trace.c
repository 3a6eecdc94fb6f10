/* SPDX-License-Identifier: Apache-2.0 */
/* What a trace shows of a message, and what it must not. */
#include "endpoint/trace.h"

#include "tests/unit/endpoint/rig.h"

static struct rig rig;

static struct peer from = {.bearer = BEARER_UDP, .addr_n = 6, .addr = {192, 0, 2, 7, 0x16, 0x33}};

/* The data of the one event, or "". */
static const char *traced(const struct ep_trace *what)
{
	static char text[16384];
	text[0] = '\0';
	rig_turn(&rig, 10);
	ep_trace(rig.e, what, &rig.t);
	for (size_t i = 0; i < rig.t.effect_n; i++) {
		const struct rec_event *ev = &rig.t.effect[i].event;
		if (rig.t.effect[i].kind != EFFECT_EVENT ||
			span_to_str(ev->json, text, sizeof(text)))
			continue;
		CHECK(span_eq_str(ev->type, "trace") && !ev->seq &&
				span_eq_str(ev->endpoint, rig.e->name),
			"a live event of that endpoint");
	}
	CHECK(!rig.t.batch.n, "nothing of it is stored");
	return text;
}

static const struct {
	const char *what;
	const char *plain; /* the message as OSCORE has it inside: code, options, payload */
	bool credentials;
	const char *want; /* part of it */
} rows[] = {
	{"Register", "02b272644465703d64", false,
		"\"code\":\"0.02\",\"options\":[{\"number\":11,\"name\":\"Uri-Path\",\"value\":"
		"\"rd\"},"
		"{\"number\":15,\"name\":\"Uri-Query\",\"value\":\"ep=d\"}],\"payload_bytes\":0}"},
	{"a response with a payload", "45c10bff3432", false,
		"\"code\":\"2.05\",\"options\":[{\"number\":12,\"name\":\"Content-Format\","
		"\"value\":11}],\"payload_bytes\":2,\"payload_hex\":\"3432\"}"},
	{"an opaque option", "81d2ef0102", false,
		"{\"number\":252,\"name\":\"Echo\",\"value\":\"0102\"}"},
	{"an option nobody knows", "01e106f822", false, "\"value\":\"22\"}"},
	{"no option at all", "44", false, "\"options\":[],\"payload_bytes\":0}"},
	{"a path that is hostile", "01b4220a5cff", false, "\"value\":\"\\\"\\u000a\\\\\\ufffd\""},
	{"Security is masked", "03b130ff736563726574", true,
		"\"payload_bytes\":6,\"masked\":true}"},
	{"its instances too", "03b1300131ff736563726574", true,
		"\"payload_bytes\":6,\"masked\":true}"},
	{"OSCORE is masked",
		"03b2323101"
		"30ff736563726574",
		true, "\"payload_bytes\":6,\"masked\":true}"},
	{"a write that names no object is masked", "07ff736563726574", true,
		"\"payload_bytes\":6,\"masked\":true}"},
	{"Server is shown", "03b131ff61", true, "\"payload_hex\":\"61\""},
	{"an answer is shown", "45ff61", true, "\"payload_hex\":\"61\""},
};

static void messages(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct msg m;
		REQUIRE(msg_parse_inner(test_hex(rows[i].plain), &m) == ERR_OK, rows[i].what);
		struct ep_trace t = {.peer = &from,
			.msg = &m,
			.credentials = rows[i].credentials,
			.partial_iv = UINT64_MAX};
		const char *got = traced(&t);
		CHECK(strstr(got, rows[i].want), rows[i].what);
		CHECK(!strstr(got, "736563726574"), "no secret");
	}
}

static void frame(void)
{
	struct msg m, outer;
	msg_init(&m, MSG_NON, MSG_GET);
	msg_init(&outer, MSG_CON, MSG_POST);
	outer.mid = 4660;
	outer.token_n = 2;
	memcpy(outer.token, "\x0a\xff", 2);
	struct ep_trace t = {.out = true,
		.sealed = true,
		.peer = &from,
		.msg = &m,
		.outer = &outer,
		.partial_iv = 7,
		.note = "again"};
	CHECK(!strcmp(traced(&t),
		      "{\"direction\":\"out\",\"peer\":\"udp 192.0.2.7:5683\",\"protected\":true,"
		      "\"partial_iv\":7,\"type\":\"CON\",\"mid\":4660,\"token\":\"0aff\",\"code\":"
		      "\"0.01\",\"options\":[],\"payload_bytes\":0,\"note\":\"again\"}"),
		"all of it");
	t.msg = NULL;
	t.note = "replay";
	CHECK(!strcmp(traced(&t),
		      "{\"direction\":\"out\",\"peer\":\"udp 192.0.2.7:5683\",\"protected\":true,"
		      "\"partial_iv\":7,\"note\":\"replay\"}"),
		"what could not be read");
	rig.e->traced = false;
	rig_turn(&rig, 10);
	ep_trace(rig.e, &t, &rig.t);
	ep_trace(NULL, &t, &rig.t);
	CHECK(!rig.t.effect_n, "nothing is told of others");
	rig.e->traced = true;
}

static void large(void)
{
	static uint8_t bytes[2000];
	struct msg m;
	msg_init(&m, MSG_CON, MSG_CONTENT);
	m.payload = SPAN_OF(bytes);
	struct ep_trace t = {.peer = &from, .msg = &m, .partial_iv = UINT64_MAX};
	const char *got = traced(&t);
	const char *hex = strstr(got, "\"payload_hex\":\"");
	CHECK(strstr(got, "\"payload_bytes\":2000") && hex &&
			strspn(hex + 15, "0") == 2 * EP_TRACE_PAYLOAD_MAX,
		"the start of a long payload");
	memset(bytes, 1, sizeof(bytes)); /* six characters each */
	for (int i = 0; i < 8; i++)
		REQUIRE(msg_add(&m, OPT_URI_PATH, span_make(bytes, 255)) == ERR_OK, "option");
	CHECK(strstr(traced(&t), "too large to be shown"), "options that do not fit");
}

int main(void)
{
	rig_init(&rig, true);
	rig.e->traced = true;
	messages();
	frame();
	large();
	rig_fini(&rig);
	return test_done();
}
