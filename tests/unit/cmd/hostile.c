/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers may say in a Register: names of every kind, parameters twice and by the hundred,
 * lists without end. Each gets its code, and nothing else is harmed. */
#include "tests/unit/cmd/sim_admin.h"
#include "tests/unit/cmd/sim_plain.h"

static struct sim sim;

#define LINKS SPAN_LIT("</1/0>,</3/0>")
#define N16   "0123456789abcdef"
#define N64   N16 N16 N16 N16

static void open_plain(void)
{
	sim_init(&sim, 1);
	sim.cfg.listen[SIM_SERVER].nosec = true;
	sim_open(&sim);
}

/* The datagram of a Register with these queries; the Message ID is the caller's. */
static struct span encode(const struct span *query, size_t n, uint16_t mid)
{
	static uint8_t bytes[65507]; /* as long as a datagram can be */
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct msg m;
	msg_init(&m, MSG_CON, MSG_POST);
	m.mid = mid;
	REQUIRE(!msg_add(&m, OPT_URI_PATH, SPAN_LIT("rd")), "path");
	REQUIRE(!msg_add_uint(&m, OPT_CONTENT_FORMAT, LWM_CF_LINK), "format");
	for (size_t i = 0; i < n; i++)
		m.opt[m.opt_n++] = (struct opt){OPT_URI_QUERY, query[i]};
	m.payload = LINKS;
	REQUIRE(msg_encode_udp(&m, &w) == ERR_OK, "encode");
	return wr_span(&w);
}

static uint8_t answer_to(struct span datagram)
{
	struct peer from = sim_peer_of(100, 5683, SIM_SERVER);
	struct msg m;
	return sim_inject(&sim, &from, datagram, &m) ? m.code : 0;
}

static uint8_t put(const struct span *query, size_t n)
{
	static uint16_t mid;
	return answer_to(encode(query, n, ++mid));
}

static void goes_on(void)
{
	struct span q[] = {SPAN_LIT("ep=good"), SPAN_LIT("lt=60"), SPAN_LIT("lwm2m=1.1")};
	CHECK(!sim.core->failed && put(q, 3) == MSG_CREATED, "life goes on");
}

/* ---- names */

/* REG-24: any text that is unique will do; nothing is decoded, and nothing of it is a path. */
static const struct {
	const char *what;
	struct span query;
	uint8_t code;
} names[] = {
	{"a UUID (REG-24)", SPAN_LIT("ep=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
		MSG_CREATED},
	{"OPS (REG-24)", SPAN_LIT("ep=urn:dev:ops:00DD00-T1-123"), MSG_CREATED},
	{"OS (REG-24)", SPAN_LIT("ep=urn:dev:os:32473-123456"), MSG_CREATED},
	{"an IMEI (REG-24)", SPAN_LIT("ep=urn:gsma:imei:90420156-025763-0"), MSG_CREATED},
	{"a MEID (REG-24)", SPAN_LIT("ep=urn:3gpp2:meid:A04B0D56-02A7E3-0"), MSG_CREATED},
	{"an IMEI of old (REG-24)", SPAN_LIT("ep=urn:imei:123456789012345"), MSG_CREATED},
	{"an External Identifier (REG-24)", SPAN_LIT("ep=urn:extid:a@example.com"), MSG_CREATED},
	{"two numbers and no urn (CT-24)", SPAN_LIT("ep=imei-imsi:12345-67890"), MSG_CREATED},
	{"a way up", SPAN_LIT("ep=../../../etc/passwd"), MSG_CREATED},
	{"slashes", SPAN_LIT("ep=/rd/x"), MSG_CREATED},
	{"percent signs (CT-25)", SPAN_LIT("ep=%2e%2e%2f%00"), MSG_CREATED},
	{"quotes", SPAN_LIT("ep=\"';drop table endpoint--"), MSG_CREATED},
	{"braces", SPAN_LIT("ep={\"a\":[]}<b>&amp;$(id)`id`\\"), MSG_CREATED},
	{"252 bytes, all that an option holds",
		SPAN_LIT("ep=" N64 N64 N64 N16 N16 N16 "0123456789ab"), MSG_CREATED},
	{"none", SPAN_LIT("ep="), MSG_BAD_REQUEST},
	{"a newline", SPAN_LIT("ep=a\nb"), MSG_BAD_REQUEST},
	{"a NUL", SPAN_LIT("ep=a\0b"), MSG_BAD_REQUEST},
	{"a NUL alone", SPAN_LIT("ep=\0"), MSG_BAD_REQUEST},
	{"an escape", SPAN_LIT("ep=\x1b[2J"), MSG_BAD_REQUEST},
	{"DEL", SPAN_LIT("ep=a\x7f"), MSG_BAD_REQUEST},
	{"a control of C1", SPAN_LIT("ep=a\xc2\x9b"), MSG_BAD_REQUEST},
	{"no UTF-8", SPAN_LIT("ep=\xff\xfe"), MSG_BAD_REQUEST},
	{"a slash spelt too long", SPAN_LIT("ep=\xc0\xaf"), MSG_BAD_REQUEST},
	{"a surrogate", SPAN_LIT("ep=\xed\xa0\x80"), MSG_BAD_REQUEST},
	{"half a character", SPAN_LIT("ep=a\xe2\x82"), MSG_BAD_REQUEST},
	{"beyond the last plane", SPAN_LIT("ep=\xf4\x90\x80\x80"), MSG_BAD_REQUEST},
};

/* Proves: REG-03 */
static void named(void)
{
	struct span q[] = {SPAN_EMPTY, SPAN_LIT("lt=60"), SPAN_LIT("lwm2m=1.1")};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct span name = span_sub(names[i].query, 3, names[i].query.n);
		bool good = names[i].code == MSG_CREATED;
		open_plain();
		q[0] = names[i].query;
		CHECK(put(q, 3) == names[i].code, names[i].what);
		CHECK(sim.core->dir.by_name.count == good, "nothing stays of what is refused");
		CHECK(!good || ep_find(&sim.core->dir, name), "it is known by that very name");
		sim_crash(&sim);
		CHECK(sim.core->dir.by_name.count == good, "after a crash too");
		goes_on();
		sim_close(&sim);
	}
}

/* An option that is longer than Uri-Query may be is one that we do not know: 4.02 (GEN-09). */
static void too_long(void)
{
	static uint8_t text[65000];
	static const size_t bytes[] = {256, 1100, 65000};
	struct span q[] = {SPAN_EMPTY, SPAN_LIT("lt=60"), SPAN_LIT("lwm2m=1.1")};
	memset(text, 'x', sizeof(text));
	memcpy(text, "ep=", 3);
	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		open_plain();
		q[0] = span_make(text, bytes[i]);
		CHECK(put(q, 3) == MSG_BAD_OPTION, "a name that no Uri-Query holds: 4.02");
		CHECK(!sim.core->dir.by_name.count, "nothing stays");
		goes_on();
		sim_close(&sim);
	}
}

/* ---- parameters */

/* Proves: CT-20, REG-05 */
static void twice(void)
{
	static const char *const keys[] = {
		"ep=a", "lt=60", "lwm2m=1.1", "b=U", "Q", "sms=1", "pct=110", "pid=oma:a"};
	enum { KEYS = sizeof(keys) / sizeof(*keys) };
	for (size_t i = 0; i < KEYS; i++) {
		struct span q[KEYS + 1];
		open_plain();
		for (size_t k = 0; k < KEYS; k++)
			q[k] = span_str(keys[k]);
		q[KEYS] = q[i];
		CHECK(put(q, KEYS + 1) == MSG_BAD_REQUEST, keys[i]);
		CHECK(!sim.core->dir.by_name.count, "nothing stays");
		goes_on();
		sim_close(&sim);
	}
}

/* As many queries as a message may have options, and more. */
static void flood(void)
{
	struct span q[MSG_OPTS_MAX] = {SPAN_LIT("ep=a"), SPAN_LIT("lt=60"), SPAN_LIT("lwm2m=1.1")};
	for (size_t i = 3; i < MSG_OPTS_MAX; i++)
		q[i] = SPAN_LIT("x=1");
	open_plain();
	CHECK(put(q, MSG_OPTS_MAX - 2) == MSG_CREATED, "unknown ones are skipped (CT-20)");
	sim_close(&sim);
	static uint8_t bytes[1400];
	struct writer w = wr_make(bytes, sizeof(bytes));
	open_plain();
	wr_bytes(&w, test_hex("40020001b27264")); /* CON POST /rd */
	wr_bytes(&w, SPAN_LIT("\x44"
			      "ep=a"));
	while (w.n + 4 <= sizeof(bytes))
		wr_bytes(&w, SPAN_LIT("\x03"
				      "x=1"));
	CHECK(answer_to(wr_span(&w)) == MSG_EMPTY && sim.last_n == 4 && sim.last[0] == 0x70,
		"more than we look at: RST");
	CHECK(!sim.core->dir.by_name.count, "nothing stays");
	goes_on();
	sim_close(&sim);
}

/* ---- copies */

/* Unprotected devices repeat what was not answered in time, byte for byte.
 * Proves: CT-10, GEN-08 */
static void copies(void)
{
	struct span good[] = {SPAN_LIT("ep=a"), SPAN_LIT("lt=60"), SPAN_LIT("lwm2m=1.1")};
	struct span bad[] = {SPAN_LIT("ep=a"), SPAN_LIT("lwm2m=1.1")};
	uint8_t first[64];
	open_plain();
	CHECK(answer_to(encode(bad, 2, 70)) == MSG_BAD_REQUEST, "refused");
	CHECK(answer_to(encode(bad, 2, 70)) == MSG_BAD_REQUEST, "once more, the same");
	CHECK(answer_to(encode(good, 3, 71)) == MSG_CREATED, "taken, without a challenge");
	size_t n = sim.last_n;
	REQUIRE(n <= sizeof(first), "a short answer");
	memcpy(first, sim.last, n);
	CHECK(answer_to(encode(good, 3, 71)) == MSG_CREATED &&
			span_eq(span_make(sim.last, sim.last_n), span_make(first, n)),
		"a copy gets the same location");
	CHECK(srv_registered(sim.core->srv) == 1 && srv_counters(sim.core->srv)->registers == 1,
		"and is not acted upon again");
	sim_close(&sim);
}

int main(void)
{
	named();
	too_long();
	twice();
	flood();
	copies();
	return test_done();
}
