/* SPDX-License-Identifier: Apache-2.0 */
/* The session with a message centre, on a virtual clock; the message centre is written out here. */
#include "transport/smpp.h"

#include "tests/unit/test.h"

enum { ENQUIRE_MS = 30000, ANSWER_MS = 20000 };

/* ---- PDUs */

#define FROM                                                                                       \
	"00"                                                                                       \
	"0101"                                                                                     \
	"343931373100" /* no service; +49171 */
#define TO                                                                                         \
	"0101"                                                                                     \
	"31323300"
#define BODY                                                                                       \
	FROM TO "40"                                                                               \
		"0000"                                                                             \
		"00"                                                                               \
		"00"                                                                               \
		"0000"                                                                             \
		"04"                                                                               \
		"00"

static const struct {
	const char *what, *hex;
	enum err err;
	const char *source, *data;
	unsigned ref, total, number; /* 0: none */
	bool receipt, binary;
} deliveries[] = {
	{"a message", BODY "02aabb", ERR_OK, "49171", "aabb", 0, 0, 0, false, true},
	{"nothing in it", BODY "00", ERR_OK, "49171", "", 0, 0, 0, false, true},
	{"in message_payload",
		BODY "00"
		     "04240003010203",
		ERR_OK, "49171", "010203", 0, 0, 0, false, true},
	{"an empty message_payload",
		BODY "00"
		     "04240000",
		ERR_OK, "49171", "", 0, 0, 0, false, true},
	{"both: the message counts",
		BODY "01aa"
		     "0424000101",
		ERR_OK, "49171", "aa", 0, 0, 0, false, true},
	{"a part",
		BODY "01aa"
		     "020c0002abcd"
		     "020e000102"
		     "020f000101",
		ERR_OK, "49171", "aa", 0xabcd, 2, 1, false, true},
	{"parameters that we do not know",
		BODY "01aa"
		     "1400000212340204000207d0",
		ERR_OK, "49171", "aa", 0, 0, 0, false, true},
	{"half of what makes a part",
		BODY "01aa"
		     "020c0002abcd",
		ERR_OK, "49171", "aa", 0, 0, 0, false, true},
	{"a receipt", FROM TO "04000000000000000001aa", ERR_OK, "49171", "aa", 0, 0, 0, true,
		false},
	{"a receipt by another bit", FROM TO "20000000000000040001aa", ERR_OK, "49171", "aa", 0, 0,
		0, true, true},
	{"mode bits are no receipt", FROM TO "c3000000000000040001aa", ERR_OK, "49171", "aa", 0, 0,
		0, false, true},
	{"letters", FROM TO "00000000000000000001aa", ERR_OK, "49171", "aa", 0, 0, 0, false, false},
	{"letters of 16 bits", FROM TO "00000000000000080001aa", ERR_OK, "49171", "aa", 0, 0, 0,
		false, false},
	{"octets", FROM TO "00000000000000020001aa", ERR_OK, "49171", "aa", 0, 0, 0, false, true},
	{"with a class", FROM TO "00000000000000f50001aa", ERR_OK, "49171", "aa", 0, 0, 0, false,
		true},
	{"letters with a class", FROM TO "00000000000000f10001aa", ERR_OK, "49171", "aa", 0, 0, 0,
		false, false},
	{"no number", "00000000" TO "00000000000000040001aa", ERR_OK, "", "aa", 0, 0, 0, false,
		true},
	{"longer than it is", BODY "03aabb", ERR_SHORT, "", "", 0, 0, 0, false, false},
	{"bytes behind it", BODY "01aabb", ERR_SHORT, "", "", 0, 0, 0, false, false},
	{"a parameter longer than it is",
		BODY "00"
		     "0424000401",
		ERR_SHORT, "", "", 0, 0, 0, false, false},
	{"a number of the wrong length",
		BODY "00"
		     "020c0003010203",
		ERR_SYNTAX, "", "", 0, 0, 0, false, false},
	{"a service without end", "41414141414141414141" TO "0000", ERR_SYNTAX, "", "", 0, 0, 0,
		false, false},
	{"a number that does not end", "00010134393137", ERR_SHORT, "", "", 0, 0, 0, false, false},
	{"nothing", "", ERR_SHORT, "", "", 0, 0, 0, false, false},
};

static void deliver_rows(void)
{
	for (size_t i = 0; i < sizeof(deliveries) / sizeof(*deliveries); i++) {
		struct smpp_deliver d = {.esm_class = 0x77};
		enum err err = smpp_deliver_read(test_hex(deliveries[i].hex), &d);
		bool good = err == deliveries[i].err;
		if (err)
			good &= d.esm_class == 0x77;
		else
			good &= span_eq_str(d.source, deliveries[i].source) &&
				span_eq(d.user_data, test_hex(deliveries[i].data)) &&
				d.has_sar == (deliveries[i].total > 0) &&
				(!deliveries[i].total ||
					(d.sar_total == deliveries[i].total &&
						d.sar_ref == deliveries[i].ref &&
						d.sar_number == deliveries[i].number)) &&
				smpp_is_receipt(&d) == deliveries[i].receipt &&
				smpp_is_binary(&d) == deliveries[i].binary;
		CHECK(good, deliveries[i].what);
	}
	/* Each truncation of one with everything in it is refused or lacks a whole parameter. */
	struct span all = test_hex(BODY "02aabb"
					"020c0002abcd"
					"020e000102"
					"020f000101");
	size_t good = 0;
	for (size_t n = 0; n < all.n; n++) {
		struct smpp_deliver d;
		good += smpp_deliver_read(span_sub(all, 0, n), &d) == ERR_OK;
	}
	CHECK(good == 3, "truncations");
}

/* What crashes libsmpp34: a message with very many parameters. */
static void many_parameters(void)
{
	static uint8_t buf[SMPP_PDU_MAX];
	struct writer w = wr_make(buf, sizeof(buf));
	struct smpp_deliver d;
	wr_bytes(&w, test_hex(BODY "01aa"));
	while (w.cap - w.n >= 4)
		wr_u32(&w, 0x14000000);
	CHECK(!smpp_deliver_read(wr_span(&w), &d) && d.user_data.n == 1, "a thousand parameters");
}

static void submitted(void)
{
	uint8_t buf[SMPP_OUT_MAX * 2];
	struct writer w = wr_make(buf, sizeof(buf));
	struct smpp_submit s = {.source = "1234",
		.destination = "49171",
		.has_header = true,
		.validity_s = 90061,
		.user_data = test_hex("050003010201ff")};
	smpp_write_submit(&w, &s, 7);
	CHECK_BYTES(wr_span(&w),
		test_hex("00000041"
			 "00000004"
			 "00000000"
			 "00000007"
			 "00"
			 "0101"
			 "3132333400"
			 "0101"
			 "343931373100"
			 "40"
			 "00"
			 "00"
			 "00"
			 "30303030303130313031303130303052"
			 "00"
			 "00"
			 "00"
			 "04"
			 "00"
			 "07"
			 "050003010201ff"),
		"submit_sm: type 1 and plan 1, binary, valid for a day, an hour, a minute, a "
		"second");
	w.n = 0;
	s = (struct smpp_submit){.source = "",
		.destination = "4",
		.validity_s = UINT64_MAX,
		.user_data = test_hex("40"),
		.has_sar = true,
		.sar_ref = 0x1234,
		.sar_total = 3,
		.sar_number = 2};
	smpp_write_submit(&w, &s, 8);
	CHECK_BYTES(wr_span(&w),
		test_hex("00000043"
			 "00000004"
			 "00000000"
			 "00000008"
			 "00"
			 "0000"
			 "00"
			 "0101"
			 "3400"
			 "00"
			 "00"
			 "00"
			 "00"
			 "30303030333030303030303030303052"
			 "00"
			 "00"
			 "00"
			 "04"
			 "00"
			 "01"
			 "40"
			 "020c00021234"
			 "020e000103"
			 "020f000102"),
		"submit_sm: parameters beside the data, the account's number, at most 30 days");
}

static void written(void)
{
	uint8_t buf[SMPP_OUT_MAX * 2];
	struct writer w = wr_make(buf, sizeof(buf));
	smpp_write_bind(&w, &(struct smpp_bind){"lanyard", "secret", ""}, 1);
	CHECK_BYTES(wr_span(&w),
		test_hex("00000024"
			 "00000009"
			 "00000000"
			 "00000001"
			 "6c616e7961726400"
			 "73656372657400"
			 "00"
			 "34"
			 "01"
			 "01"
			 "00"),
		"bind_transceiver");
	w.n = 0;
	smpp_write_deliver_resp(&w, SMPP_TRY_LATER, 9);
	CHECK_BYTES(wr_span(&w), test_hex("0000001180000005000000640000000900"), "deliver_sm_resp");
	w.n = 0;
	smpp_write_plain(&w, SMPP_ENQUIRE_LINK, 0, 10);
	CHECK_BYTES(wr_span(&w), test_hex("0000001000000015000000000000000a"), "enquire_link");
	struct smpp_head h;
	CHECK(!smpp_head_read(wr_span(&w), &h) && h.length == 16 && h.sequence == 10, "read again");
	CHECK(smpp_head_read(span_make(buf, 15), &h) == ERR_SHORT, "a head cut short");
	w = wr_make(buf, 40);
	smpp_write_submit(&w,
		&(struct smpp_submit){
			.source = "", .destination = "4", .user_data = test_hex("40")},
		8);
	CHECK(w.err == ERR_SPACE, "no room");
}

/* ---- the session */

struct world {
	struct smpp *s;
	uint64_t now_ms;
	struct smpp_told told; /* last */
	struct smpp_head out[400];
	uint8_t out_bytes[400][SMPP_OUT_MAX];
	size_t out_n;
};

static struct smpp_opts usual(void)
{
	return (struct smpp_opts){.system_id = "lanyard",
		.password = "secret",
		.source = "1234",
		.window = 10,
		.enquire_ms = ENQUIRE_MS,
		.answer_ms = ANSWER_MS,
		.box = {.messages = 16, .per_number = 4, .wait_ms = 600000}};
}

/* Takes what the session sends, PDU by PDU. */
static void collect(struct world *w)
{
	w->out_n = 0;
	for (struct span o; (o = smpp_output(w->s)).n;) {
		struct smpp_head h;
		REQUIRE(!smpp_head_read(o, &h) && h.length <= o.n && h.length <= SMPP_OUT_MAX &&
				w->out_n < 400,
			"whole PDUs are sent");
		w->out[w->out_n] = h;
		memcpy(w->out_bytes[w->out_n++], o.p, h.length);
		smpp_sent(w->s, h.length);
	}
}

static enum smpp_kind step(struct world *w)
{
	smpp_next(w->s, w->now_ms, &w->told);
	collect(w);
	return w->told.kind;
}

static enum smpp_kind feed(struct world *w, const char *hex)
{
	struct span s = test_hex(hex);
	REQUIRE(smpp_feed(w->s, s) == s.n, "taken");
	return step(w);
}

static enum smpp_kind answer(struct world *w, uint32_t command, uint32_t status, uint32_t sequence)
{
	char hex[64];
	snprintf(hex, sizeof(hex), "00000010%08x%08x%08x", command | 0x80000000U, status, sequence);
	return feed(w, hex);
}

static enum smpp_kind deliver(struct world *w, uint32_t sequence, const char *body)
{
	char hex[4096];
	snprintf(hex, sizeof(hex), "%08zx0000000500000000%08x%s", 16 + strlen(body) / 2, sequence,
		body);
	return feed(w, hex);
}

static void up(struct world *w, const struct smpp_opts *o)
{
	memset(w, 0, sizeof(*w));
	w->now_ms = 1000;
	REQUIRE(!smpp_new(o, &w->s), "a session");
	smpp_opened(w->s, w->now_ms);
	collect(w);
	REQUIRE(w->out_n == 1 && w->out[0].command == SMPP_BIND_TRANSCEIVER, "it binds");
	REQUIRE(answer(w, SMPP_BIND_TRANSCEIVER, 0, w->out[0].sequence) == SMPP_BOUND, "bound");
}

static struct smpp_message message(const char *number, const uint8_t *p, size_t n, uint64_t expires)
{
	struct smpp_message m = {.bytes = {p, n}, .expires_ms = expires};
	snprintf(m.number, sizeof(m.number), "%s", number);
	return m;
}

static uint8_t bytes[SMS_MESSAGE_MAX];

static void sending(void)
{
	struct world w;
	struct smpp_opts o = usual();
	struct smpp_message m[12], big;
	up(&w, &o);
	for (size_t i = 0; i < 12; i++) {
		m[i] = message("49171", bytes, 20, 1000000);
		CHECK(!smpp_send(w.s, &m[i]), "taken");
	}
	step(&w);
	CHECK(w.out_n == 10 && smpp_stats(w.s).in_flight == 10, "a window of ten");
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, w.out[3].sequence) == SMPP_SENT &&
			w.told.message == &m[3],
		"the fourth is there");
	step(&w);
	CHECK(w.out_n == 1, "so one more leaves");
	uint32_t last = w.out[0].sequence;
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0x0b, last) == SMPP_FAILED && w.told.message == &m[10] &&
			!strcmp(w.told.reason, "bad destination address"),
		"refused");
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, last) == SMPP_NOTHING, "an answer twice");
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, 0) == SMPP_NOTHING, "an answer to nothing");
	smpp_closed(w.s);
	unsigned n = 0;
	for (struct smpp_message *b; (b = smpp_take_back(w.s)); n++)
		CHECK(b == &m[n < 3 ? n : n < 9 ? n + 1 : 11], "in order");
	CHECK(n == 10, "the rest is there");
	big = message("49171", bytes, 134 * 16 + 1, 1000000);
	CHECK(smpp_send(w.s, &big) == ERR_RANGE, "too long");
	smpp_free(w.s);
}

static void in_parts(void)
{
	struct world w;
	struct smpp_opts o = usual();
	struct smpp_message m = message("49171", bytes, 300, 1000000);
	up(&w, &o);
	CHECK(!smpp_send(w.s, &m), "taken");
	step(&w);
	REQUIRE(w.out_n == 3, "three parts (TRN-SMS-1)");
	uint32_t first = w.out[0].sequence;
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, first + 2) == SMPP_NOTHING, "the last");
	CHECK(answer(&w, SMPP_SUBMIT_SM, SMPP_THROTTLED, first) == SMPP_NOTHING && !w.out_n,
		"the first is throttled");
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, first + 1) == SMPP_NOTHING, "the second");
	CHECK(smpp_deadline_ms(w.s) == w.now_ms + 1000, "a second later");
	w.now_ms += 999;
	CHECK(!step(&w) && !w.out_n, "not yet");
	w.now_ms++;
	CHECK(!step(&w) && w.out_n == 1, "now");
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, w.out[0].sequence) == SMPP_SENT, "whole");
	CHECK(!smpp_take_back(w.s), "nothing is left");
	/* A connection that ends in the midst: what was not taken goes again, by the next. */
	CHECK(!smpp_send(w.s, &m), "taken again");
	step(&w);
	first = w.out[0].sequence;
	answer(&w, SMPP_SUBMIT_SM, 0, first + 1);
	smpp_closed(w.s);
	CHECK(!smpp_is_bound(w.s) && step(&w) == SMPP_NOTHING && !w.out_n, "nothing without one");
	smpp_opened(w.s, w.now_ms);
	collect(&w);
	CHECK(answer(&w, SMPP_BIND_TRANSCEIVER, 0, w.out[0].sequence) == SMPP_BOUND, "bound again");
	step(&w);
	CHECK(w.out_n == 2, "the two that were not acknowledged");
	answer(&w, SMPP_SUBMIT_SM, 0, w.out[0].sequence + 1);
	CHECK(answer(&w, SMPP_SUBMIT_SM, SMPP_OK, first) == SMPP_NOTHING,
		"a sequence that the last connection had");
	smpp_closed(w.s);
	CHECK(smpp_take_back(w.s) == &m, "given back");
	smpp_free(w.s);
}

static void throttling(void)
{
	struct world w;
	struct smpp_opts o = usual();
	struct smpp_message m = message("49171", bytes, 20, 10000000);
	static const uint64_t waits_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	up(&w, &o);
	o.enquire_ms = 0;
	CHECK(!smpp_send(w.s, &m), "taken");
	step(&w);
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(*waits_ms); i++) {
		uint32_t last = w.out[w.out_n - 1].sequence;
		REQUIRE(w.out[w.out_n - 1].command == SMPP_SUBMIT_SM, "sent");
		answer(&w, SMPP_SUBMIT_SM, i % 2 ? SMPP_QUEUE_FULL : SMPP_THROTTLED, last);
		for (uint64_t end = w.now_ms + waits_ms[i]; w.now_ms < end; w.now_ms += 500) {
			step(&w);
			bool sent = false;
			for (size_t k = 0; k < w.out_n; k++) {
				sent |= w.out[k].command == SMPP_SUBMIT_SM;
				if (w.out[k].command == SMPP_ENQUIRE_LINK)
					answer(&w, SMPP_ENQUIRE_LINK, 0, w.out[k].sequence);
			}
			CHECK(!sent, "it waits");
		}
		step(&w);
	}
	REQUIRE(w.out_n, "sent at last");
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, w.out[w.out_n - 1].sequence) == SMPP_SENT, "taken");
	CHECK(smpp_stats(w.s).throttled == 8, "counted");
	smpp_free(w.s);
}

static void times(void)
{
	struct world w;
	struct smpp_opts o = usual();
	struct smpp_message m = message("49171", bytes, 20, 5000);
	up(&w, &o);
	CHECK(smpp_deadline_ms(w.s) == 1000 + ENQUIRE_MS, "when the link is tried");
	w.now_ms += ENQUIRE_MS;
	CHECK(!step(&w) && w.out_n == 1 && w.out[0].command == SMPP_ENQUIRE_LINK, "enquire_link");
	CHECK(!answer(&w, SMPP_ENQUIRE_LINK, 0, w.out[0].sequence), "answered");
	w.now_ms += ENQUIRE_MS;
	step(&w);
	CHECK(smpp_deadline_ms(w.s) == w.now_ms + ANSWER_MS, "when it has to be");
	w.now_ms += ANSWER_MS;
	CHECK(step(&w) == SMPP_BROKEN && !strcmp(w.told.reason, "it does not answer"),
		"it was not");
	CHECK(step(&w) == SMPP_NOTHING, "told once");
	smpp_closed(w.s);
	/* A message that nobody takes. */
	m.expires_ms = w.now_ms + 5000;
	CHECK(!smpp_send(w.s, &m) && smpp_deadline_ms(w.s) == m.expires_ms, "while it is down");
	w.now_ms += 4999;
	CHECK(step(&w) == SMPP_NOTHING, "not yet");
	w.now_ms++;
	CHECK(step(&w) == SMPP_FAILED && w.told.message == &m, "it has waited for too long");
	CHECK(smpp_deadline_ms(w.s) == UINT64_MAX, "nothing more");
	/* A bind without an answer, and one that is refused. */
	smpp_opened(w.s, w.now_ms);
	collect(&w);
	w.now_ms += ANSWER_MS;
	CHECK(step(&w) == SMPP_BROKEN && !strcmp(w.told.reason, "it does not answer the bind"),
		"no answer");
	smpp_opened(w.s, w.now_ms);
	collect(&w);
	CHECK(answer(&w, SMPP_BIND_TRANSCEIVER, 0x0e, w.out[0].sequence) == SMPP_BROKEN &&
			!strcmp(w.told.reason, "wrong password"),
		"refused");
	smpp_free(w.s);
	/* A message without an answer. */
	up(&w, &o);
	m.expires_ms = w.now_ms + 600000;
	CHECK(!smpp_send(w.s, &m), "taken");
	step(&w);
	w.now_ms += ANSWER_MS;
	CHECK(step(&w) == SMPP_BROKEN, "no answer to a message");
	smpp_closed(w.s);
	CHECK(smpp_take_back(w.s) == &m, "it is not lost");
	smpp_free(w.s);
}

static void receiving(void)
{
	struct world w;
	struct smpp_opts o = usual();
	up(&w, &o);
	CHECK(deliver(&w, 5, BODY "0300aabb") == SMPP_MESSAGE && !strcmp(w.told.number, "49171") &&
			span_eq(w.told.bytes, test_hex("aabb")) && !w.out_n,
		"a message, not acknowledged yet");
	uint64_t first = w.told.delivery;
	CHECK(deliver(&w, 6, FROM TO "00000000000000040001cc") == SMPP_MESSAGE,
		"another meanwhile");
	smpp_answer(w.s, w.told.delivery, false);
	collect(&w);
	CHECK(w.out_n == 1 && w.out[0].status == SMPP_TRY_LATER && w.out[0].sequence == 6,
		"to be delivered again");
	smpp_answer(w.s, first, true);
	smpp_answer(w.s, first, true);
	collect(&w);
	CHECK(w.out_n == 1 && w.out[0].status == SMPP_OK && w.out[0].sequence == 5,
		"acknowledged, once");
	/* In parts: each is acknowledged but the one that makes the message. */
	CHECK(deliver(&w, 7,
		      BODY "08"
			   "050003010201"
			   "aabb") == SMPP_NOTHING &&
			w.out_n == 1 && w.out[0].status == SMPP_OK,
		"the first part");
	CHECK(deliver(&w, 8,
		      BODY "07"
			   "050003010202"
			   "cc") == SMPP_MESSAGE &&
			!w.out_n && span_eq(w.told.bytes, test_hex("aabbcc")),
		"the other (TRN-SMS-1)");
	smpp_answer(w.s, w.told.delivery, true);
	CHECK(deliver(&w, 9,
		      FROM TO "00000000000000040001aa"
			      "020c0002abcd"
			      "020e000102"
			      "020f000101") == SMPP_NOTHING,
		"parts beside the data");
	CHECK(deliver(&w, 10,
		      FROM TO "00000000000000040001bb"
			      "020c0002abcd"
			      "020e000102"
			      "020f000102") == SMPP_MESSAGE &&
			span_eq(w.told.bytes, test_hex("aabb")),
		"put together");
	/* What nobody answers in time has to come again. */
	uint64_t late = w.told.delivery;
	collect(&w);
	CHECK(smpp_deadline_ms(w.s) == w.now_ms + 10000, "ten seconds");
	w.now_ms += 10000;
	step(&w);
	CHECK(w.out_n == 1 && w.out[0].status == SMPP_TRY_LATER, "later");
	smpp_answer(w.s, late, true);
	collect(&w);
	CHECK(!w.out_n, "too late to answer");
	smpp_free(w.s);
}

static void nothing_to_us(void)
{
	static const struct {
		const char *what, *body;
		uint32_t status;
		bool fault;
	} rows[] = {
		{"a receipt", FROM TO "04000000000000000001aa", SMPP_OK, false},
		{"letters", FROM TO "00000000000000000001aa", SMPP_OK, false},
		{"no number", "00000000" TO "00000000000000040001aa", SMPP_OK, false},
		{"a name for a number", "0005004c616e7900" TO "00000000000000040001aa", SMPP_OK,
			false},
		{"a header that does not fit", BODY "02ff00", SMPP_OK, false},
		{"endless parts", BODY "0705000301ff01aa", SMPP_OK, false},
		{"malformed", BODY "03aa", SMPP_NEVER, true},
		{"a header alone", "", SMPP_NEVER, true},
	};
	struct world w;
	struct smpp_opts o = usual();
	up(&w, &o);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK(deliver(&w, (uint32_t)i + 1, rows[i].body) == SMPP_NOTHING && w.out_n == 1 &&
				w.out[0].command == (SMPP_RESPONSE | SMPP_DELIVER_SM) &&
				w.out[0].status == rows[i].status && w.out[0].sequence == i + 1 &&
				w.told.fault == rows[i].fault,
			rows[i].what);
	CHECK(smpp_stats(w.s).receipts == 1 && smpp_stats(w.s).ignored == 5 &&
			smpp_stats(w.s).malformed == 2,
		"counted");
	smpp_free(w.s);
}

static void garbage(void)
{
	static const struct {
		const char *what, *hex;
		enum smpp_kind kind;
		uint32_t command, status; /* of the answer; 0: none */
	} rows[] = {
		{"an unknown command", "00000010000000ff0000000000000009", SMPP_NOTHING, 0x80000000,
			3},
		{"an unknown answer", "00000010800000ff0000000000000009", SMPP_NOTHING, 0, 0},
		{"a generic_nack", "00000010800000000000000300000009", SMPP_NOTHING, 0, 0},
		{"an alert", "00000010000001020000000000000009", SMPP_NOTHING, 0, 0},
		{"the link is tried", "00000010000000150000000000000009", SMPP_NOTHING, 0x80000015,
			0},
		{"farewell", "00000010000000060000000000000009", SMPP_BROKEN, 0x80000006, 0},
		{"shorter than a head", "0000000f000000050000000000000009", SMPP_BROKEN, 0x80000000,
			2},
		{"no length at all", "00000000000000050000000000000009", SMPP_BROKEN, 0x80000000,
			2},
		{"endless", "ffffffff000000050000000000000009", SMPP_BROKEN, 0x80000000, 2},
		{"another protocol", "474554202f20485454502f312e310d0a", SMPP_BROKEN, 0x80000000,
			2},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;
		struct smpp_opts o = usual();
		up(&w, &o);
		CHECK(feed(&w, rows[i].hex) == rows[i].kind && w.out_n == (rows[i].command != 0) &&
				(!w.out_n || (w.out[0].command == rows[i].command &&
						     w.out[0].status == rows[i].status)),
			rows[i].what);
		smpp_free(w.s);
	}
}

/* One that is too long is passed over, and what follows is read. */
static void oversize(void)
{
	struct world w;
	struct smpp_opts o = usual();
	static uint8_t big[65536];
	memcpy(big, test_hex("00010000000000050000000000000005").p, 16);
	up(&w, &o);
	struct span rest = SPAN_OF(big);
	size_t refused = 0;
	while (rest.n) {
		size_t n = smpp_feed(w.s, rest);
		REQUIRE(n, "taken bit by bit");
		rest = span_sub(rest, n, rest.n);
		CHECK(step(&w) == SMPP_NOTHING, "nothing of it is told");
		for (size_t i = 0; i < w.out_n; i++)
			refused += w.out[i].status == SMPP_NEVER && w.out[i].sequence == 5;
	}
	CHECK(refused == 1 && smpp_stats(w.s).oversize == 1, "refused for good");
	CHECK(deliver(&w, 6, BODY "0300aabb") == SMPP_MESSAGE, "what follows is read");
	smpp_free(w.s);
}

static void bounds(void)
{
	struct world w;
	struct smpp_opts o = usual();
	up(&w, &o);
	size_t messages = 0, later = 0;
	for (uint32_t i = 0; i < SMPP_DELIVERIES_MAX + 10; i++) {
		messages += deliver(&w, i + 1, BODY "0300aabb") == SMPP_MESSAGE;
		later += w.out_n == 1 && w.out[0].status == SMPP_TRY_LATER;
	}
	CHECK(messages == SMPP_DELIVERIES_MAX && later == 10, "deliveries that wait are bounded");
	smpp_closed(w.s);
	CHECK(smpp_stats(w.s).deliveries == 0, "and forgotten with their connection");
	smpp_free(w.s);
	o.window = 0;
	CHECK(smpp_new(&o, &w.s) == ERR_RANGE, "no window");
	o.window = SMPP_WINDOW_MAX + 1;
	CHECK(smpp_new(&o, &w.s) == ERR_RANGE, "too large a window");
}

static void stopping(void)
{
	struct world w;
	struct smpp_opts o = usual();
	struct smpp_message m = message("49171", bytes, 20, 1000000);
	up(&w, &o);
	CHECK(!smpp_send(w.s, &m), "taken");
	step(&w);
	uint32_t sequence = w.out[0].sequence;
	smpp_stop(w.s, w.now_ms);
	collect(&w);
	CHECK(w.out_n == 1 && w.out[0].command == SMPP_UNBIND, "unbind");
	uint32_t unbind = w.out[0].sequence;
	CHECK(answer(&w, SMPP_SUBMIT_SM, 0, sequence) == SMPP_SENT, "answers are still taken");
	CHECK(answer(&w, SMPP_UNBIND, 0, unbind) == SMPP_BROKEN, "and that is the end");
	smpp_closed(w.s);
	smpp_free(w.s);
	smpp_free(NULL);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(0x40 + i * 3);
	deliver_rows();
	many_parameters();
	submitted();
	written();
	sending();
	in_parts();
	throttling();
	times();
	receiving();
	nothing_to_us();
	garbage();
	oversize();
	bounds();
	stopping();
	return test_done();
}
