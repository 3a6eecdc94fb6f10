/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that come in: every refusal, duplicates, freshness (RFC 8613 section 8.2; spec/oscore 1
 * and 2). */
#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static struct rig_msg q, a, b;

/* ---- refused without a look inside */

enum { RST = 255 };

static const struct {
	const char *what, *datagram;
	uint8_t code; /* 0: silence */
	const char *text;
} refusals[] = {
	{"an empty datagram", "", 0, NULL},
	{"three bytes", "400100", 0, NULL},
	{"another version", "80010001", 0, NULL},
	{"a CON with a bad token length: RST", "4f010001", RST, NULL},
	{"a NON with a bad token length: silence", "5f010001", 0, NULL},
	{"a CON with a marker and no payload: RST", "40020001ff", RST, NULL},
	{"ping: RST", "40000001", RST, NULL},
	{"an Empty NON: silence", "50000001", 0, NULL},
	{"an ACK to nothing: silence", "60000001", 0, NULL},
	{"a RST to nothing: silence", "70000001", 0, NULL},
	{"a request as ACK: silence", "60010001", 0, NULL},
	{"a code of class 1: RST", "40210001", RST, NULL},
	{"a CON response of an unknown token: RST", "4145000101", RST, NULL},
	{"a NON response of an unknown token: RST", "5145000101", RST, NULL},
	{"a piggybacked response of an unknown token: silence", "6145000101", 0, NULL},
	{"unprotected: 4.01 (OSC-08)", "40020001b27264", MSG_UNAUTHORIZED, "Protection required"},
	{"unprotected, NON: 4.01", "50020001b27264", MSG_UNAUTHORIZED, "Protection required"},
	{"Proxy-Uri: 5.05", "40020001da16636f61703a2f2f612f62", MSG_CODE(5, 5),
		"Proxying not supported"},
	{"Proxy-Scheme: 5.05", "40020001d41a636f6170", MSG_CODE(5, 5), "Proxying not supported"},
	{"option 9 empty", "4002000190ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"flag byte 00 spelt out", "400200019100ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"reserved bit 0x80", "4002000193890073ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"reserved bit 0x40", "4002000193490073ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"reserved bit 0x20", "4002000193290073ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"n = 6", "40020001980e00000000000173ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"n = 7", "40020001990f0000000000000173ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"Partial IV truncated", "40020001920b01ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"Partial IV not minimal", "40020001940a000173ff01", MSG_BAD_OPTION,
		"Failed to decode COSE"},
	{"kid context past the end", "400200019419000973ff01", MSG_BAD_OPTION,
		"Failed to decode COSE"},
	{"bytes left over without k", "4002000193010073ff01", MSG_BAD_OPTION,
		"Failed to decode COSE"},
	{"no kid", "40020001920101ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"no Partial IV", "40020001920873ff01", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"two options 9",
		"4002000193090073030900"
		"73ff01",
		MSG_BAD_OPTION, "Failed to decode COSE"},
	{"no payload", "4002000193090073", MSG_BAD_OPTION, "Failed to decode COSE"},
	{"kid unknown", "4002000193090074ff0102030405060708", MSG_UNAUTHORIZED,
		"Security context not found"},
	{"kid too long for any",
		"400200019b0900"
		"010203040506070809"
		"ff01",
		MSG_UNAUTHORIZED, "Security context not found"},
	{"kid context unknown", "40020001951900015573ff0102030405060708", MSG_UNAUTHORIZED,
		"Security context not found"},
	{"bad tag", "4002000193090073ff0102030405060708090a", MSG_BAD_REQUEST, "Decryption failed"},
	{"shorter than a tag", "4002000193090073ff01", MSG_BAD_REQUEST, "Decryption failed"},
};

static bool right_refusal(struct span sent, uint8_t code, const char *text, struct span in)
{
	struct msg m;
	uint32_t age = 1;
	if (!code)
		return !sent.n;
	if (code == RST)
		return sent.n == 4 && sent.p[0] == 0x70 && !sent.p[1] && sent.p[3] == in.p[3];
	return !msg_parse_udp(sent, &m) && m.code == code && !msg_find(&m, OPT_OSCORE) &&
	       msg_get_uint(&m, OPT_MAX_AGE, &age) && !age &&
	       (!m.payload.n || span_eq_str(m.payload, text)) && sent.n <= 3 * in.n &&
	       m.type == (in.p[0] >> 4 == 4 ? MSG_ACK : MSG_NON);
}

/* Proves: 8613-5-8 8613-8.2-2 8613-8.2-3 8613-8.2-5 */
static void refused(void)
{
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		rig_init(r, true);
		struct span in = test_hex(refusals[i].datagram);
		CHECK(rig_in(r, in) == EP_NOTHING &&
				rig_sent_n(r) == (refusals[i].code ? 1u : 0u) &&
				right_refusal(
					rig_sent(r, 0), refusals[i].code, refusals[i].text, in),
			refusals[i].what);
		CHECK(!r->t.batch.n && !r->server->window.any && !r->server->peer &&
				!r->server->conv,
			"a refusal moves nothing");
		rig_fini(r);
	}
}

/* ---- accepted, and copies of it */

static uint8_t plain_code(struct span s)
{
	struct msg m;
	return !s.n || msg_parse_udp(s, &m) ? 0 : m.code;
}

/* Proves: 8613-8.3-2 8613-8.3-5 8613-8.3-6 */
static void accepted(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	struct span in = rig_get(r, RIG_SERVER, &q);
	CHECK(rig_in(r, in) == EP_REQUEST && r->d.ctx == r->server && r->d.endpoint == r->e &&
			r->d.role == REC_ROLE_SERVER && r->d.moved && !r->d.first_use,
		"a protected request is delivered");
	ep_respond_code(r->x, &r->d, MSG_NOT_FOUND, &r->t);
	CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) && a.plain.code == MSG_NOT_FOUND &&
			a.number == UINT64_MAX && a.outer.type == MSG_ACK,
		"its answer is protected, under the request's nonce");
	const struct rec *rec = rig_record(r, REC_SEEN);
	CHECK(rig_records(r, REC_SEEN) == 1 && rec->seen.piv == 0 &&
			rec->seen.context_id == r->server->id &&
			span_eq(rec->seen.response, rig_sent(r, 0)),
		"the log row holds number and answer");
	struct peer thief = r->from;
	thief.addr[3] = 9;
	struct ep_peer before = *r->server->peer;
	struct osc_window w = r->server->window;
	memcpy(b.bytes, rig_sent(r, 0).p, b.n = rig_sent(r, 0).n);
	rig_turn(r, 246000);
	r->from = thief;
	CHECK(rig_in(r, in) == EP_NOTHING && span_eq(rig_sent(r, 0), span_make(b.bytes, b.n)) &&
			peer_eq(rig_sent_to(r, 0), &thief),
		"a copy gets the same bytes, at its source (GEN-08)");
	CHECK(!memcmp(&before, r->server->peer, sizeof(before)) && !r->t.batch.n &&
			!memcmp(&w, &r->server->window, sizeof(w)),
		"and moves nothing");
	rig_turn(r, 2000);
	CHECK(rig_in(r, in) == EP_NOTHING && plain_code(rig_sent(r, 0)) == MSG_UNAUTHORIZED,
		"after the exchange lifetime it is a replay");
	CHECK(r->server->replays == 1 && !r->t.batch.n, "which is counted");
	rig_fini(r);
}

static void replays(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	r->piv = 100;
	for (int n = 0; n < 10; n++) {
		CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "numbers rise");
		ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	}
	struct ep_peer before = *r->server->peer;
	r->from.addr[3] = 2;
	r->piv = 99;
	uint16_t mid = r->mid;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "late, within the window");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(!memcmp(&before, r->server->peer, sizeof(before)) && !r->d.moved,
		"an older message moves no address");
	rig_turn(r, 10);
	r->piv = 99;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING &&
			plain_code(rig_sent(r, 0)) == MSG_UNAUTHORIZED && !r->t.batch.n,
		"a number once more, other bytes: replay");
	rig_turn(r, 10);
	r->piv = 99;
	r->mid = mid;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING &&
			plain_code(rig_sent(r, 0)) == MSG_UNAUTHORIZED,
		"even under the same MID: it is no copy");
	r->piv = 109 - 32;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING, "left of the window: replay");
	r->piv = 109 - 31;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "its last place is good");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	r->piv = OSC_SSN_MAX;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "2^40-1 is a number");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_fini(r);
}

/* A flipped bit anywhere in the ciphertext: 4.00, and the number stays good.
 * Proves: 8613-8.2-6 */
static void forgeries(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	struct span in = rig_get(r, RIG_SERVER, &q);
	for (size_t i = in.n - 12; i < in.n; i++) {
		rig_turn(r, 1);
		q.bytes[i] ^= 4;
		CHECK(rig_in(r, in) == EP_NOTHING &&
				plain_code(rig_sent(r, 0)) == MSG_BAD_REQUEST &&
				!r->server->window.any && !r->t.batch.n,
			"a forged request moves nothing");
		q.bytes[i] ^= 4;
	}
	CHECK(rig_in(r, in) == EP_REQUEST, "the honest one is good");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(r->server->auth_failures == 12, "forgeries are counted");
	rig_fini(r);
}

/* ---- after an unclean stop */

static void sealed(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	r->piv = 50;
	struct span in = rig_get(r, RIG_SERVER, &q);
	CHECK(rig_in(r, in) == EP_REQUEST, "before");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	struct rec_seen seen = rig_record(r, REC_SEEN)->seen;
	memcpy(b.bytes, seen.response.p, b.n = seen.response.n);
	seen.response = span_make(b.bytes, b.n);
	ep_context_close(r->x, r->server);
	osc_window_seal(&r->server->window, 50);
	r->server->sealed = true;
	ep_load_seen(r->x, r->server, &seen, r->now_ms);
	rig_turn(r, 1000);
	CHECK(rig_in(r, in) == EP_NOTHING && span_eq(rig_sent(r, 0), seen.response),
		"the same bytes get the logged answer");
	ep_context_close(r->x, r->server);
	seen.response = SPAN_EMPTY;
	ep_load_seen(r->x, r->server, &seen, r->now_ms);
	rig_turn(r, 1000);
	struct msg told;
	CHECK(rig_in(r, in) == EP_NOTHING && !msg_parse_udp(rig_sent(r, 0), &told) &&
			told.code == MSG_UNAUTHORIZED && !msg_find(&told, OPT_OSCORE) &&
			span_eq_str(told.payload, "Replay detected"),
		"or, when that was too long for the log, are told to be a replay");
	rig_turn(r, 1000);
	r->piv = 49;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &a)) == EP_NOTHING && !rig_sent_n(r),
		"another number from before: silence");
	r->piv = 50;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &a)) == EP_NOTHING && !rig_sent_n(r),
		"the highest, with other bytes: silence");
	r->piv = 51;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &a)) == EP_REQUEST, "above it all is normal");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_turn(r, 1000);
	r->piv = 49;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &a)) == EP_NOTHING &&
			plain_code(rig_sent(r, 0)) == MSG_UNAUTHORIZED,
		"and replays are told again");
	rig_fini(r);
}

/* ---- roles */

/* Proves: 8613-4.1.3.2-1 8613-8.3-1 */
static void roles(void)
{
	struct rig *r = &rig;
	for (int which = RIG_SERVER; which <= RIG_BOOTSTRAP; which++) {
		rig_init(r, true);
		r->from.listener = which == RIG_SERVER ? RIG_BOOTSTRAP : RIG_SERVER;
		CHECK(rig_in(r, rig_get(r, which, &q)) == EP_NOTHING &&
				rig_answer(r, which, &q, rig_sent(r, 0), &a) &&
				a.plain.code == MSG_UNAUTHORIZED && !msg_find(&a.plain, OPT_ECHO),
			"a context of the other role: protected 4.01");
		CHECK(rig_records(r, REC_SEEN) == 1, "its number is used up, durably");
		rig_fini(r);
	}
}

/* ---- freshness */

/* Proves: 8613-B.1.2-1 8613-B.1.2-2 8613-B.1.2-3 */
static void challenged(void)
{
	struct rig *r = &rig;
	struct msg m;
	uint8_t echo[40];
	rig_init(r, false);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING,
		"the first use is challenged (OSC-09)");
	REQUIRE(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a), "an answer");
	const struct opt *o = msg_find(&a.plain, OPT_ECHO);
	CHECK(a.plain.code == MSG_UNAUTHORIZED && o && a.plain.opt_n == 1 && !a.plain.payload.n,
		"4.01 with Echo and nothing else (RFC 8613 B.1.2)");
	CHECK(a.number == 0, "under a number of our own");
	CHECK(rig_records(r, REC_SSN_RESERVE) == 1 && rig_records(r, REC_SEEN) == 1 &&
			!rig_record(r, REC_SEEN)->seen.fresh,
		"which is reserved in the same turn");
	struct span value = o ? o->val : SPAN_EMPTY;
	memcpy(echo, value.p, value.n);
	rig_turn(r, 10);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING, "without Echo: once more");
	CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) && a.number == 1, "a new number");
	rig_turn(r, 10);
	rig_plain(&m, MSG_GET, "rd/x");
	REQUIRE(msg_add(&m, OPT_ECHO, span_make(echo, value.n)) == ERR_OK, "echo");
	echo[5] ^= 1;
	CHECK(rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)) == EP_NOTHING, "a wrong Echo");
	echo[5] ^= 1;
	rig_turn(r, 10);
	CHECK(rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)) == EP_REQUEST, "the right one");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(rig_record(r, REC_SEEN)->seen.fresh, "is proof, durably");
	rig_turn(r, 10);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "once and for all");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_fini(r);
}

/* Which contexts pass on their second try without Echo (spec/oscore 2). */
static void without_echo(void)
{
	static const struct {
		const char *what;
		uint8_t freshness, origin;
		bool executed;
		int first, second; /* EP_NOTHING: challenged */
	} row[] = {
		{"drawn here, never used", EP_FRESH_AUTO, REC_ORIGIN_DRAWN, false, EP_NOTHING,
			EP_REQUEST},
		{"drawn here, used", EP_FRESH_AUTO, REC_ORIGIN_DRAWN, true, EP_NOTHING, EP_NOTHING},
		{"imported", EP_FRESH_AUTO, REC_ORIGIN_IMPORTED, false, EP_NOTHING, EP_NOTHING},
		{"echo only", EP_FRESH_ECHO, REC_ORIGIN_DRAWN, false, EP_NOTHING, EP_NOTHING},
		{"none asked", EP_FRESH_NONE, REC_ORIGIN_IMPORTED, true, EP_REQUEST, EP_REQUEST},
	};
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		rig_init(r, false);
		r->e->freshness = row[i].freshness;
		r->server->executed = row[i].executed;
		uint8_t origin = r->server->origin;
		r->server->origin = row[i].origin & 3u;
		int first = rig_in(r, rig_get(r, RIG_SERVER, &q));
		if (first == EP_REQUEST)
			ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
		int second = rig_in(r, rig_get(r, RIG_SERVER, &q));
		if (second == EP_REQUEST)
			ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
		CHECK(first == row[i].first && second == row[i].second, row[i].what);
		r->server->origin = origin & 3u;
		rig_fini(r);
	}
}

/* An older request may be one that was held up, by whoever can, since before the context's past was
 * forgotten. */
static void older_without_echo(void)
{
	struct rig *r = &rig;
	rig_init(r, false);
	uint8_t origin = r->server->origin;
	r->server->origin = REC_ORIGIN_DRAWN;
	r->piv = 5;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING, "the first is challenged");
	r->piv = 3;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_NOTHING, "an older one is too");
	r->piv = 6;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "a newer one passes");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	r->server->origin = origin & 3u;
	rig_fini(r);
}

/* ---- what is inside is no good */

/* Proves: 8613-8.2-8 8613-8.3-1 */
static void bad_inside(void)
{
	struct rig *r = &rig;
	struct msg m;
	rig_init(r, true);
	rig_plain(&m, MSG_GET, "rd/x");
	REQUIRE(msg_add(&m, 65001, SPAN_LIT("x")) == ERR_OK, "an unknown critical option");
	CHECK(rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)) == EP_NOTHING &&
			rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
			a.plain.code == MSG_BAD_OPTION && rig_records(r, REC_SEEN) == 1,
		"an inner unknown critical option: protected 4.02 (GEN-09)");
	rig_turn(r, 1);
	rig_plain(&m, MSG_GET, "rd/x");
	REQUIRE(msg_add(&m, 65000, SPAN_LIT("x")) == ERR_OK, "an unknown elective option");
	CHECK(rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)) == EP_REQUEST, "elective: skipped");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_fini(r);
}

/* Rejected without a word: a NON request (RFC 7252 section 5.4.1). */
static void bad_inside_non(void)
{
	struct rig *r = &rig;
	struct msg m;
	rig_init(r, true);
	rig_plain(&m, MSG_GET, "rd/x");
	REQUIRE(msg_add(&m, 65001, SPAN_LIT("x")) == ERR_OK, "an unknown critical option");
	m.type = MSG_NON;
	struct span in = rig_protect(r, RIG_SERVER, &m, &q);
	CHECK(rig_in(r, in) == EP_NOTHING && !rig_sent_n(r), "protected NON: silence");
	CHECK(rig_records(r, REC_SEEN) == 1 && r->server->window.any &&
			r->server->window.highest == q.number,
		"but its number is used up, durably");
	rig_turn(r, 1);
	CHECK(rig_in(r, in) == EP_NOTHING && !r->t.batch.n, "its copy does nothing");
	rig_turn(r, 1);
	r->from.listener = RIG_PLAIN;
	CHECK(rig_in(r, test_hex("40010001b27264e1fcd178")) == EP_NOTHING &&
			plain_code(rig_sent(r, 0)) == MSG_BAD_OPTION,
		"unprotected CON: 4.02");
	rig_turn(r, 1);
	CHECK(rig_in(r, test_hex("50010002b27264e1fcd178")) == EP_NOTHING && !rig_sent_n(r) &&
			!r->t.batch.n,
		"unprotected NON: silence");
	rig_fini(r);
}

/* Who sees a request on its way adds an outer option that is used as it is, badly formed.
 * Proves: 8613-8.2-1 */
static void outer_options(void)
{
	static const struct {
		const char *what;
		uint16_t number;
		size_t n;
	} row[] = {
		{"Uri-Host empty", OPT_URI_HOST, 0},
		{"Uri-Host too long", OPT_URI_HOST, 256},
		{"Uri-Port too long", OPT_URI_PORT, 3},
		{"EDHOC with a value", OPT_EDHOC, 1},
		{"EDHOC, which is not built", OPT_EDHOC, 0},
	};
	static const uint8_t zeros[256];
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct msg m;
		rig_init(r, true);
		struct span in = rig_get(r, RIG_SERVER, &q);
		REQUIRE(msg_parse_udp(in, &m) == ERR_OK, "the captured request");
		struct opt *last = &m.opt[m.opt_n++], *at = m.opt;
		while (at < last && at->num <= row[i].number)
			at++;
		memmove(at + 1, at, (size_t)(last - at) * sizeof(*at));
		*at = (struct opt){row[i].number, span_make(zeros, row[i].n)};
		struct writer w = wr_make(b.bytes, sizeof(b.bytes));
		REQUIRE(msg_encode_udp(&m, &w) == ERR_OK, "and what is made of it");
		CHECK(rig_in(r, wr_span(&w)) == EP_NOTHING &&
				plain_code(rig_sent(r, 0)) == MSG_BAD_OPTION && !r->t.batch.n &&
				!r->server->window.any && !r->server->conv,
			row[i].what);
		rig_turn(r, 1);
		CHECK(rig_in(r, in) == EP_REQUEST, "the genuine one is still good");
		ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
		rig_fini(r);
	}
}

/* While nothing can be stored. */
static void unavailable(void)
{
	struct rig *r = &rig;
	struct ep_counters count = {0};
	struct msg m;
	uint32_t age;
	static const uint8_t response[] = {0x40, 0x45, 0, 1};
	rig_init(r, true);
	ep_input_unavailable(&count, &r->from, rig_get(r, RIG_SERVER, &q), &r->t);
	CHECK(!msg_parse_udp(rig_sent(r, 0), &m) && m.code == MSG_UNAVAILABLE &&
			!msg_find(&m, OPT_OSCORE) && msg_get_uint(&m, OPT_MAX_AGE, &age) && age,
		"5.03 in the clear, with Max-Age (CT-37)");
	ep_input_unavailable(&count, &r->from, SPAN_OF(response), &r->t);
	CHECK(rig_sent_n(r) == 1 && count.unavailable == 1, "what is no request is dropped");
	rig_fini(r);
}

int main(void)
{
	refused();
	accepted();
	replays();
	forgeries();
	sealed();
	roles();
	challenged();
	without_echo();
	older_without_echo();
	bad_inside();
	bad_inside_non();
	outer_options();
	unavailable();
	return test_done();
}
