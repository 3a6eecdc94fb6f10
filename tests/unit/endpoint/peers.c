/* SPDX-License-Identifier: Apache-2.0 */
/* Crafted requests that other servers were seen to answer wrongly;
 * tests/vectors/oscore-requests.tsv has the right answers. The endpoint's context has id "s" (73),
 * and no ID Context. */
#include "tests/unit/endpoint/craft.h"

static struct rig rig;
static struct rig_msg q, a;
static char outcome[128];

/* What became of the last datagram, in the words of the table. */
static const char *told(struct rig *r, enum ep_delivery_kind kind)
{
	struct msg m;
	struct span sent;
	bool done = kind == EP_REQUEST;
	if (done)
		ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	sent = rig_sent(r, rig_sent_n(r) - 1);
	if (!rig_sent_n(r) || msg_parse_udp(sent, &m))
		return "silence";
	if (!msg_find(&m, OPT_OSCORE)) {
		uint32_t age = 1;
		bool good = msg_get_uint(&m, OPT_MAX_AGE, &age) && !age;
		snprintf(outcome, sizeof(outcome), "%u.%02u %.*s%s", msg_code_class(m.code),
			m.code & 31, (int)m.payload.n, (const char *)m.payload.p,
			good ? "" : ", no Max-Age 0");
		return outcome;
	}
	if (!rig_answer(r, RIG_SERVER, &q, sent, &a))
		return "an answer that does not verify";
	snprintf(outcome, sizeof(outcome), "protected %u.%02u%s%s", msg_code_class(a.plain.code),
		a.plain.code & 31, msg_find(&a.plain, OPT_ECHO) ? " Echo" : "",
		a.number == UINT64_MAX ? "" : ", own Partial IV");
	if (done)
		return a.plain.code != MSG_CHANGED ? outcome
		       : a.number == UINT64_MAX    ? "done, answer without Partial IV"
						   : "done, answer with Partial IV";
	return outcome;
}

/* Cases of one crafted datagram. GET of /rd: 01 b2 72 64. */
#define GET_RD "01b27264"
#define GOOD   "091473"
#define CRAFT(...)                                                                                 \
	{                                                                                          \
		.code = MSG_POST, __VA_ARGS__                                                      \
	}
static const struct {
	const char *what;
	struct crafted c;
} single[] = {
	{"unknown kid", CRAFT(.option = "091474", .piv = "14", .inner = GET_RD)},
	{"flag 0x80", CRAFT(.option = "891473", .piv = "14", .inner = GET_RD)},
	{"flag 0x40", CRAFT(.option = "491473", .piv = "14", .inner = GET_RD)},
	{"flag 0x20", CRAFT(.option = "291473", .piv = "14", .inner = GET_RD)},
	{"n = 6", CRAFT(.option = "0e00000000001473", .piv = "14", .inner = GET_RD)},
	{"n = 7", CRAFT(.option = "0f0000000000001473", .piv = "14", .inner = GET_RD)},
	{"Partial IV cut off", CRAFT(.option = "0a14", .piv = "14", .inner = GET_RD)},
	{"s beyond the end", CRAFT(.option = "19140573", .piv = "14", .inner = GET_RD)},
	{"option value 00", CRAFT(.option = "00", .piv = "14", .inner = GET_RD)},
	{"empty option", CRAFT(.option = "", .piv = "14", .inner = GET_RD)},
	{"k = 0", CRAFT(.option = "0114", .piv = "14", .inner = GET_RD)},
	{"kid without Partial IV", CRAFT(.option = "0873", .piv = "14", .inner = GET_RD)},
	{"no payload", CRAFT(.option = GOOD, .piv = "14")},
	{"payload of the tag alone", CRAFT(.option = GOOD, .piv = "14", .inner = "")},
	{"Partial IV 0014, used consistently",
		CRAFT(.option = "0a001473", .piv = "0014", .inner = GET_RD)},
	{"inner OSCORE option", CRAFT(.option = GOOD, .piv = "14", .inner = "0190")},
	{"inner unknown critical option",
		CRAFT(.option = GOOD, .piv = "14", .inner = "01b27264e1fcd178")},
	{"inner code 0.00", CRAFT(.option = GOOD, .piv = "14", .inner = "00")},
	{"inner code of a response", CRAFT(.option = GOOD, .piv = "14", .inner = "45")},
	{"inner marker without payload", CRAFT(.option = GOOD, .piv = "14", .inner = GET_RD "ff")},
	{"Partial IV 2^40-1",
		CRAFT(.option = "0dffffffffff73", .piv = "ffffffffff", .inner = GET_RD)},
	{"two OSCORE options", CRAFT(.option = GOOD, .second = GOOD, .piv = "14", .inner = GET_RD)},
	{"kid context where the context has none",
		CRAFT(.option = "1914015573", .piv = "14", .inner = GET_RD)},
	{"outer code GET", {.code = MSG_GET, .option = GOOD, .piv = "14", .inner = GET_RD}},
	{"outer code FETCH without Observe",
		{.code = MSG_FETCH, .option = GOOD, .piv = "14", .inner = GET_RD}},
	{"outer If-Match", CRAFT(.option = GOOD, .piv = "14", .inner = GET_RD,
				   .stray = OPT_IF_MATCH, .stray_value = "aa")},
	{"outer unknown critical option", CRAFT(.option = GOOD, .piv = "14", .inner = GET_RD,
						  .stray = 65001, .stray_value = "aa")},
	{"outer Max-Age of five bytes", CRAFT(.option = GOOD, .piv = "14", .inner = GET_RD,
						.stray = OPT_MAX_AGE, .stray_value = "0000000001")},
	{"outer No-Response", CRAFT(.option = GOOD, .piv = "14", .inner = GET_RD,
				      .stray = OPT_NO_RESPONSE, .stray_value = "1a")},
};

/* ---- cases of more than one */

static const struct crafted good = CRAFT(.option = GOOD, .piv = "14", .inner = GET_RD);

static const char *by_echo(struct rig *r, bool repeat)
{
	struct msg m;
	uint8_t echo[40];
	rig_fini(r);
	rig_init(r, false);
	const char *first = told(r, rig_in(r, rig_get(r, RIG_SERVER, &q)));
	const struct opt *o = msg_find(&a.plain, OPT_ECHO);
	if (!repeat || !o || o->val.n > sizeof(echo) || a.plain.opt_n != 1 || a.plain.payload.n)
		return first;
	memcpy(echo, o->val.p, o->val.n);
	rig_plain(&m, MSG_GET, "rd");
	REQUIRE(msg_add(&m, OPT_ECHO, span_make(echo, o->val.n)) == ERR_OK, "Echo");
	rig_turn(r, 10);
	return told(r, rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)));
}

static const char *challenged(struct rig *r)
{
	return by_echo(r, false);
}

static const char *proved(struct rig *r)
{
	return by_echo(r, true);
}

static const char *too_short(struct rig *r)
{
	struct span in = craft_request(r, &good, &q);
	return told(r, rig_in(r, span_sub(in, 0, in.n - 5)));
}

static const char *bad_tag(struct rig *r)
{
	struct span in = craft_request(r, &good, &q);
	q.bytes[in.n - 1] ^= 1;
	const char *said = told(r, rig_in(r, in));
	return r->server->window.any ? "the window has moved" : said;
}

static const char *after_bad_tag(struct rig *r)
{
	bad_tag(r);
	rig_turn(r, 1);
	return told(r, rig_in(r, craft_request(r, &good, &q)));
}

static const char *number(struct rig *r, uint64_t n)
{
	rig_turn(r, 1);
	r->piv = n;
	return told(r, rig_in(r, rig_get(r, RIG_SERVER, &q)));
}

static const char *gap(struct rig *r)
{
	if (strncmp(number(r, 5), "done", 4) || strncmp(number(r, 7), "done", 4))
		return "not done at first";
	for (int i = 0; i < 2; i++)
		if (strcmp(number(r, 5), "4.01 Replay detected"))
			return "5 passed again";
	return number(r, 7);
}

static const char *late(struct rig *r)
{
	number(r, 8);
	return number(r, 7);
}

static const char *same_turn(struct rig *r)
{
	REQUIRE(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "the first");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	r->piv--;
	return told(r, rig_in(r, rig_get(r, RIG_SERVER, &q)));
}

static const char *context_forged(struct rig *r)
{
	static const struct crafted forged =
		CRAFT(.option = "1914015573", .piv = "14", .inner = GET_RD);
	number(r, 1);
	rig_turn(r, 1);
	told(r, rig_in(r, craft_request(r, &forged, &q)));
	return number(r, 2);
}

static const struct {
	const char *what;
	const char *(*run)(struct rig *r);
} several[] = {
	{"first request after a start that lost the window", challenged},
	{"the repeat with Echo", proved},
	{"payload shorter than the tag", too_short},
	{"bad tag", bad_tag},
	{"good again after a bad tag", after_bad_tag},
	{"replay after a gap", gap},
	{"late Partial IV in the window", late},
	{"a second request under one number in the same turn", same_turn},
	{"forged request with a new kid context, then the genuine one", context_forged},
};

enum { SINGLE = sizeof(single) / sizeof(*single), SEVERAL = sizeof(several) / sizeof(*several) };

/* NULL: there is no such case. */
static const char *run(struct rig *r, const char *what)
{
	for (size_t i = 0; i < SINGLE; i++)
		if (!strcmp(single[i].what, what))
			return told(r, rig_in(r, craft_request(r, &single[i].c, &q)));
	for (size_t i = 0; i < SEVERAL; i++)
		if (!strcmp(several[i].what, what))
			return several[i].run(r);
	return NULL;
}

/* Proves: 8613-7.4-1 8613-7.4-2 8613-7.4-3 8613-8.2-2 8613-8.2-3 8613-8.2-4 8613-8.2-5 8613-8.2-6
 * 8613-6.1-3 8613-4.1.3.1-2 8613-B.1.2-1 8613-B.1.2-2 8613-B.1.2-3 */
static void rows(void)
{
	struct rig *r = &rig;
	char line[256];
	size_t n = 0;
	FILE *f = fopen("tests/vectors/oscore-requests.tsv", "r");
	REQUIRE(f, "tests/vectors/oscore-requests.tsv: tests run in the project's folder");
	while (fgets(line, sizeof(line), f)) {
		char *rest = line, *what = strsep(&rest, "\t"), *want = strsep(&rest, "\n");
		if (*line == '#')
			continue;
		rig_init(r, true);
		const char *got = want ? run(r, what) : NULL;
		CHECK(got && !strcmp(got, want), what);
		if (!got || strcmp(got, want))
			printf("  got  %s\n  want %s\n", got ? got : "no such case", want);
		rig_fini(r);
		n++;
	}
	fclose(f);
	CHECK(n == SINGLE + SEVERAL, "the table has every case");
}

int main(void)
{
	rows();
	return test_done();
}
