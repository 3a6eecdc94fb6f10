/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gateway.h"

#include "tests/unit/test.h"

static struct peer make(enum bearer bearer, const char *addr, const char *local)
{
	struct peer p = {.bearer = (uint8_t)bearer, .listener = 0x0102, .flags = 3};
	if (gateway_is(&p))
		p.listener = 0x8102;
	if (bearer == BEARER_SMS)
		p.flags = GATEWAY_SMS;
	struct span a = test_hex(addr), l = test_hex(local);

	p.addr_n = (uint8_t)a.n;
	p.local_n = (uint8_t)l.n;
	memcpy(p.addr, a.p, a.n);
	memcpy(p.local, l.p, l.n);
	return p;
}

static const struct row {
	const char *what;
	enum bearer bearer;
	const char *addr, *local, *text, *packed;
} rows[] = {
	{"nobody", BEARER_NONE, "", "", "none",
		"00030102"
		"00"
		"00"},
	{"IPv4", BEARER_UDP, "c00002011633", "c00002fe", "udp 192.0.2.1:5683",
		"01030102"
		"06c00002011633"
		"04c00002fe"},
	{"IPv6", BEARER_UDP, "20010db80000000000000000000000011633",
		"20010db8000000000000000000000002", "udp [2001:db8::1]:5683",
		"01030102"
		"1220010db80000000000000000000000011633"
		"1020010db8000000000000000000000002"},
	{"link-local IPv6", BEARER_UDP,
		"fe8000000000000000000000000000011633"
		"00000007",
		"fe800000000000000000000000000002"
		"00000007",
		"udp [fe80::1%7]:5683",
		"01030102"
		"16fe800000000000000000000000000001163300000007"
		"14fe80000000000000000000000000000200000007"},
	{"TCP, highest port", BEARER_TCP, "7f000001ffff", "", "tcp 127.0.0.1:65535",
		"02030102"
		"067f000001ffff"
		"00"},
	{"SMS", BEARER_SMS, "2b3439313233", "", "sms +49123",
		"03018102"
		"062b3439313233"
		"00"},
	{"non-IP", BEARER_NONIP, "6140622e63", "", "nidd a@b.c",
		"04038102"
		"056140622e63"
		"00"},
	{"the longest that a peer holds itself", BEARER_NONIP,
		"616161616161616161616161616161616161616161616161", "",
		"nidd aaaaaaaaaaaaaaaaaaaaaaaa",
		"04038102"
		"18616161616161616161616161616161616161616161616161"
		"00"},
	{"an address of no length", BEARER_UDP, "", "", "udp ",
		"01030102"
		"00"
		"00"},
	{"an address of a wrong length", BEARER_UDP, "c000020116", "", "udp c000020116",
		"01030102"
		"05c000020116"
		"00"},
	{"an address of 20 bytes", BEARER_UDP, "20010db800000000000000000000000116330000", "",
		"udp 20010db800000000000000000000000116330000",
		"01030102"
		"1420010db800000000000000000000000116330000"
		"00"},
	{"the longest addresses", BEARER_UDP, "000102030405060708090a0b0c0d0e0f1011121314151617",
		"0102030405060708090a0b0c0d0e0f1011121314",
		"udp 000102030405060708090a0b0c0d0e0f1011121314151617",
		"01030102"
		"18000102030405060708090a0b0c0d0e0f1011121314151617"
		"140102030405060708090a0b0c0d0e0f1011121314"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void test_text(void)
{
	uint8_t buf[128];

	for (size_t i = 0; i < ROWS; i++) {
		struct peer p = make(rows[i].bearer, rows[i].addr, rows[i].local);
		struct writer w = wr_make(buf, sizeof(buf));
		struct writer tight = wr_make(buf, strlen(rows[i].text) - 1);

		wr_peer(&w, &p);
		CHECK_BYTES(wr_span(&w), span_str(rows[i].text), rows[i].what);
		CHECK(w.err == ERR_OK, rows[i].what);
		wr_peer(&tight, &p);
		CHECK(tight.err == ERR_SPACE, rows[i].what);
	}
}

static void test_packed(void)
{
	uint8_t buf[64];

	for (size_t i = 0; i < ROWS; i++) {
		struct peer p = make(rows[i].bearer, rows[i].addr, rows[i].local), q;
		struct span want = test_hex(rows[i].packed);
		struct writer w = wr_make(buf, sizeof(buf));

		wr_peer_packed(&w, &p);
		CHECK(w.err == ERR_OK, "at most 64 bytes");
		CHECK_BYTES(wr_span(&w), want, rows[i].what);
		memset(&q, 0xee, sizeof(q));
		CHECK(peer_unpack(want, &q) == ERR_OK && peer_eq(&p, &q), rows[i].what);
		memset(&q, 0xee, sizeof(q));
		for (size_t n = 0; n < want.n; n++)
			CHECK(peer_unpack(span_sub(want, 0, n), &q) == ERR_SHORT, rows[i].what);
		wr_u8(&w, 0);
		CHECK(peer_unpack(wr_span(&w), &q) == ERR_SYNTAX, "a byte too many");
		CHECK(q.bearer == 0xee && q.local[19] == 0xee, "untouched on an error");
	}
}

static void test_packed_errors(void)
{
	static const struct {
		const char *what, *in;
	} bad[] = {
		{"unknown bearer", "070301020000"},
		{"address of 25 bytes", "01030102"
					"1900000000000000000000000000000000000000000000000000"
					"00"},
		{"local address of 21 bytes", "0103010200"
					      "15000000000000000000000000000000000000000000"},
		{"a gateway's, that cannot be seen", "030181020700000000000000"
						     "00"},
		{"a gateway's, with a local address", "0303810203616263016a"},
		{"of no kind", "030081020361626300"},
		{"of an unknown kind", "03ff81020361626300"},
		{"of a listener", "030301020361626300"},
	};
	struct peer p = make(BEARER_UDP, "c00002011633", ""), q = p;
	uint8_t buf[128];
	struct writer w = wr_make(buf, sizeof(buf));

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(peer_unpack(test_hex(bad[i].in), &q) == ERR_RANGE, bad[i].what);
	CHECK(peer_eq(&p, &q), "untouched on an error");
	p.addr_n = 25;
	wr_peer_packed(&w, &p);
	CHECK(w.err == ERR_RANGE && w.n == 0, "an address longer than its place");
	p.addr_n = 6;
	p.local_n = 21;
	w = wr_make(buf, sizeof(buf));
	wr_peer_packed(&w, &p);
	CHECK(w.err == ERR_RANGE && w.n == 0, "a local address longer than its place");
	p.addr_n = 255;
	w = wr_make(buf, sizeof(buf));
	wr_peer(&w, &p);
	CHECK(w.err == ERR_OK, "the text of such a one does not read beyond");
	p.bearer = 200;
	wr_peer(&w, &p);
	CHECK(w.err == ERR_OK, "nor does that of an unknown bearer");
}

static void test_eq(void)
{
	const struct peer p = make(BEARER_UDP, "c00002011633", "c00002fe");

	for (size_t i = 0; i < sizeof(p); i++) {
		struct peer q = p;

		CHECK(peer_eq(&p, &q), "equal");
		((uint8_t *)&q)[i] ^= 1;
		CHECK(!peer_eq(&p, &q), "every byte counts");
	}
}

static void test_timing(void)
{
	const struct bearer_timing *udp = bearer_timing(BEARER_UDP);
	const struct bearer_timing *tcp = bearer_timing(BEARER_TCP);
	const struct bearer_timing *sms = bearer_timing(BEARER_SMS);

	CHECK(udp->ack_timeout_ms == 2000 && udp->ack_random_permille == 1500 &&
			udp->max_retransmit == 4 && udp->nstart == 1 && !udp->reliable &&
			udp->exchange_lifetime_ms == 247000 && udp->response_wait_ms == 247000 &&
			udp->mtu_bytes == 1280,
		"UDP, RFC 7252 section 4.8");
	CHECK(tcp->reliable && tcp->max_retransmit == 0, "TCP, RFC 8323");
	CHECK(!sms->reliable && sms->max_retransmit == 0, "SMS does not repeat");
	CHECK(sms->exchange_lifetime_ms > udp->exchange_lifetime_ms, "SMS takes its time");
	CHECK(bearer_timing(BEARER_NONIP)->ack_timeout_ms == 10000, "non-IP");
	for (enum bearer b = BEARER_UDP; b <= BEARER_NONIP; b++) {
		const struct bearer_timing *t = bearer_timing(b);
		/* MAX_TRANSMIT_SPAN, without its random factor */
		uint64_t span_ms = t->ack_timeout_ms * ((1ULL << t->max_retransmit) - 1);

		CHECK(t->exchange_lifetime_ms > span_ms * t->ack_random_permille / 1000,
			"a lifetime outlasts the last retransmission");
		CHECK(t->mtu_bytes && t->nstart && t->response_wait_ms && t->ack_timeout_ms,
			"all set");
	}
	CHECK(bearer_timing((enum bearer)77) == bearer_timing(BEARER_NONE), "an unknown bearer");
}

static const struct {
	const char *what;
	struct pace p;
	const char *fault;
} paces[] = {
	{"as configured", {0}, NULL},
	{"the least", {100, 16, 128, 1, 1}, NULL},
	{"the most", {60000, 1024, 1280, 8, 8}, NULL},
	{"too fast", {.ack_timeout_ms = 99}, "ack_timeout_ms"},
	{"too slow", {.ack_timeout_ms = 60001}, "ack_timeout_ms"},
	{"no power of two", {.block_bytes = 100}, "block_size"},
	{"too short", {.message_bytes = 127}, "message_size"},
	{"too long", {.message_bytes = 1281}, "message_size"},
	{"too often", {.max_retransmit = 9}, "max_retransmit"},
	{"too many at once", {.nstart = 9}, "nstart"},
};

static void test_pace(void)
{
	static const struct pace all = {1000, 64, 200, 3, 2}, own = {.nstart = 5};
	for (size_t i = 0; i < sizeof(paces) / sizeof(*paces); i++) {
		const char *fault = pace_fault(&paces[i].p);
		CHECK(paces[i].fault ? fault && !strcmp(fault, paces[i].fault) : !fault,
			paces[i].what);
	}
	struct pace p = pace_of(&own, &all);
	CHECK(p.ack_timeout_ms == 1000 && p.block_bytes == 64 && p.message_bytes == 200 &&
			p.max_retransmit == 3 && p.nstart == 5,
		"what is set goes before, the rest stays");
	p = pace_of(&all, &own);
	CHECK(p.nstart == 2 && p.max_retransmit == 3, "each of it");
}

int main(void)
{
	test_pace();
	test_text();
	test_packed();
	test_packed_errors();
	test_eq();
	test_timing();
	return test_done();
}
