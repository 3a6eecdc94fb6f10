/* SPDX-License-Identifier: Apache-2.0 */
/* How often what looks like an attack is told. */
#include "endpoint/security.h"

#include "tests/unit/test.h"

static struct ep_security s;
static char text[512];
static struct span name;

static void saw(enum ep_security_kind kind, uint64_t id, const char *who, uint64_t now_ms)
{
	struct peer from = {.bearer = BEARER_UDP, .addr_n = 6, .addr = {10, 0, 0, 1, 0x16, 0x33}};
	struct ep_sighting w = {.kind = kind,
		.endpoint_id = id,
		.name = span_str(who),
		.kid = SPAN_LIT("\x73\x01"),
		.from = &from};
	ep_security_saw(&s, &w, now_ms);
}

/* How many events are due; the last stays in `text`. */
static unsigned due(uint64_t now_ms)
{
	unsigned n = 0;
	for (;;) {
		struct writer w = wr_make(text, sizeof(text) - 1);
		if (!ep_security_due(&s, now_ms, &name, &w))
			return n;
		text[w.n] = '\0';
		n++;
	}
}

static bool tells(const char *part)
{
	return strstr(text, part) != NULL;
}

static void one_endpoint(void)
{
	s = (struct ep_security){0};
	CHECK(!due(0) && ep_security_deadline_ms(&s) == UINT64_MAX, "nothing");
	saw(EP_SECURITY_REPLAY, 7, "meter", 1000);
	CHECK(ep_security_deadline_ms(&s) == 1000 && due(1000) == 1, "the first is told at once");
	CHECK(!strcmp(text, "{\"kind\":\"replay\",\"count\":1,\"seconds\":0,\"kid\":\"7301\","
			    "\"address\":\"udp 10.0.0.1:5683\"}") &&
			span_eq_str(name, "meter"),
		"with all that is known");
	for (unsigned i = 0; i < 40; i++)
		saw(EP_SECURITY_REPLAY, 7, "meter", 2000 + i * 1000);
	CHECK(!due(60999) && ep_security_deadline_ms(&s) == 61000, "more of it a minute later");
	CHECK(due(61000) == 1 && tells("\"count\":40,\"seconds\":39,"), "as one, with a count");
	CHECK(!due(200000) && ep_security_deadline_ms(&s) == UINT64_MAX, "then nothing");
	saw(EP_SECURITY_REPLAY, 7, "meter", 200000);
	CHECK(due(200000) == 1 && tells("\"count\":1,"), "another burst begins anew");
}

static void bursts(void)
{
	s = (struct ep_security){0};
	for (unsigned i = 0; i < EP_SECURITY_BURST - 1; i++)
		saw(EP_SECURITY_DECRYPTION, 7, "meter", i);
	CHECK(!due(10) && ep_security_deadline_ms(&s) == UINT64_MAX, "a few are no burst");
	saw(EP_SECURITY_DECRYPTION, 7, "meter", 200000);
	CHECK(!due(200000), "nor with one much later");
	for (unsigned i = 0; i < EP_SECURITY_BURST - 1; i++)
		saw(EP_SECURITY_DECRYPTION, 7, "meter", 200001);
	CHECK(due(200001) == 1 && tells("\"decryption-failed\",\"count\":5,"), "five are one");
}

/* More endpoints than slots: the others are told together, without a name. */
static void many_endpoints(void)
{
	unsigned named = 0, unnamed = 0;
	s = (struct ep_security){0};
	for (uint64_t id = 1; id <= 100; id++)
		saw(EP_SECURITY_REPLAY, id, "x", 0);
	for (uint64_t now = 0; now < 24 * UINT64_C(3600000); now += 1000) {
		struct writer w = wr_make(text, sizeof(text) - 1);
		if (!ep_security_due(&s, now, &name, &w))
			continue;
		text[w.n] = '\0';
		named += name.n != 0;
		unnamed += !name.n && tells("\"count\":68,");
	}
	CHECK(named == EP_SECURITY_SLOTS && unnamed == 1, "each is told in the end, once");
}

/* A day of a flood of everything, from everyone. */
static void flood(void)
{
	enum { DAY_S = 24 * 3600 };
	unsigned n = 0, named = 0;
	s = (struct ep_security){0};
	for (uint64_t i = 0; i < DAY_S; i++) {
		for (int k = 0; k < EP_SECURITY_KINDS; k++) {
			saw((enum ep_security_kind)k, 1 + i % 1000, "x", i * 1000);
			saw((enum ep_security_kind)k, 1 + i % 20, "y", i * 1000);
		}
		n += due(i * 1000);
	}
	CHECK(n >= EP_SECURITY_KINDS * 24, "it is told all the time");
	CHECK(n <= EP_SECURITY_KINDS * (EP_SECURITY_TOKENS + DAY_S * 1000 / EP_SECURITY_REFILL_MS),
		"but seldom");
	s = (struct ep_security){0};
	n = 0;
	for (uint64_t i = 0; i < 3600; i++) {
		saw(EP_SECURITY_UNKNOWN_KID, 1 + i, "x", i * 1000);
		n += due(i * 1000);
		named += name.n != 0;
	}
	CHECK(n <= EP_SECURITY_TOKENS + 12 && !named,
		"an hour of unknown kids, which are nobody's");
	saw(EP_SECURITY_REPLAY, 1, "meter", 3600000);
	CHECK(due(3600000) && tells("replay") && span_eq_str(name, "meter"), "drowns nothing else");
}

int main(void)
{
	ep_security_saw(NULL, &(struct ep_sighting){.kind = EP_SECURITY_REPLAY}, 0);
	one_endpoint();
	bursts();
	many_endpoints();
	flood();
	return test_done();
}
