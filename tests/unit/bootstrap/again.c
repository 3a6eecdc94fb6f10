/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that nothing acknowledges.
 * Proves: CT-13 */
#include "tests/unit/bootstrap/asking.h"

static uint64_t number;

/* Time passes until a request is given up; what is sent then is in q, if it is a command. */
static bool lost(void)
{
	for (int i = 0; i < 40; i++) {
		struct ep_delivery d;
		rig_turn(&rig, 5000);
		do {
			d = (struct ep_delivery){.kind = EP_NOTHING};
			ep_timer(rig.x, &rig.t, &d);
			if (d.kind != EP_TIMEOUT)
				continue;
			size_t before = rig_sent_n(&rig);
			bs_response(bs, &d, &rig.t);
			ep_delivery_end(rig.x, &d, &rig.t);
			return rig_sent_n(&rig) > before &&
			       rig_asked(&rig, RIG_BOOTSTRAP, rig_sent(&rig, before), &q);
		} while (d.kind != EP_NOTHING);
		bs_timer(bs, &rig.t);
	}
	return false;
}

static void begin(void)
{
	open_bootstrap(&plan);
	REQUIRE(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED, "request");
}

/* The nth command is lost. */
static void one(unsigned n)
{
	static const char discovered[] = "</>;lwm2m=1.1,</0/0>,</0/1>;ssid=101,</21/0>";
	char before[64];
	begin();
	for (unsigned i = 0; i < n; i++)
		REQUIRE(answer(!i                            ? MSG_CONTENT
				: q.plain.code == MSG_DELETE ? MSG_DELETED
							     : MSG_CHANGED,
				i ? "" : discovered),
			"a command");
	snprintf(before, sizeof(before), "%s", command());
	uint16_t mid = q.outer.mid;
	struct span payload = q.plain.payload;
	uint8_t copy[256];
	REQUIRE(payload.n <= sizeof(copy), "short");
	memcpy(copy, payload.p ? payload.p : copy, payload.n);
	number = q.number;
	CHECK(lost() && !strcmp(command(), before) && q.outer.mid != mid && q.number > number &&
			span_eq(q.plain.payload, span_make(copy, payload.n)),
		"the same command is sent anew, under a Message ID and a number of its own "
		"(CT-13)");
	CHECK(bs_sessions(bs) == 1 && !bs_counters(bs)->failed, "the session goes on");
	bool more = true;
	for (unsigned i = n; more && i < 12; i++)
		more = answer(q.plain.code == MSG_GET      ? MSG_CONTENT
			      : q.plain.code == MSG_DELETE ? MSG_DELETED
							   : MSG_CHANGED,
			q.plain.code == MSG_GET ? discovered : "");
	CHECK(!more && bs_counters(bs)->finished == 1, "to its end");
	close_bootstrap();
}

static void twice(void)
{
	begin();
	CHECK(lost(), "anew");
	CHECK(!lost() && !bs_sessions(bs) && bs_counters(bs)->failed == 1,
		"one that is lost twice ends the session");
	CHECK(request(MSG_POST, "bs", "ep=dev") == MSG_CHANGED && !strcmp(command(), "GET ") &&
			bs_sessions(bs) == 1,
		"and the device's next request starts over");
	REQUIRE(lost() && answer(MSG_CONTENT, "</>;lwm2m=1.1,</0/0>,</21/0>"), "lost and answered");
	CHECK(lost() && !strcmp(command(), "DELETE /1"), "each command has its own second try");
	close_bootstrap();
}

int main(void)
{
	for (unsigned n = 0; n < 7; n++)
		one(n);
	twice();
	return test_done();
}
