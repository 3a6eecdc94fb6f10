/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gateway.h"

#include "tests/unit/test.h"

enum { NUMBER = 0x8123 };

static struct span text_of(char *buf, size_t n, char fill)
{
	memset(buf, fill, n);
	return span_make(buf, n);
}

static void test_kinds(void)
{
	for (unsigned k = GATEWAY_NONE + 1; k < GATEWAY_KINDS; k++)
		CHECK(gateway_kind_of(span_str(gateway_kind_name(k))) == k, "its own name");
	CHECK(gateway_kind_of(SPAN_LIT("none")) == GATEWAY_NONE, "no kind");
	CHECK(gateway_kind_of(SPAN_LIT("smss")) == GATEWAY_NONE, "no such kind");
	CHECK(gateway_kind_of(SPAN_EMPTY) == GATEWAY_NONE, "no name");
	CHECK(strcmp(gateway_kind_name(200), "none") == 0, "no such number");
}

/* Stored: they must never change. */
static void test_numbers(void)
{
	static const struct {
		const char *name;
		uint16_t number;
	} rows[] = {{"", 0x9ffc}, {"a", 0xe134}, {"lorawan", 0x8ee1}, {"sms-main", 0xb5e1}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t got = gateway_number(rows[i].name);
		if (got != rows[i].number)
			printf("%s: %04x\n", rows[i].name, got);
		CHECK(got == rows[i].number, rows[i].name);
	}
}

static void test_addresses(void)
{
	static const struct {
		const char *what;
		uint16_t number;
		enum gateway_kind kind;
		size_t n;
		char fill;
		enum err err;
	} rows[] = {
		{"one byte", NUMBER, GATEWAY_BLE, 1, '0', ERR_OK},
		{"the longest short one", NUMBER, GATEWAY_SMS, 24, '1', ERR_OK},
		{"the shortest long one", NUMBER, GATEWAY_SMS, 25, '1', ERR_OK},
		{"the longest", NUMBER, GATEWAY_NIDD, 255, '~', ERR_OK},
		{"too long", NUMBER, GATEWAY_NIDD, 256, 'a', ERR_RANGE},
		{"empty", NUMBER, GATEWAY_NIDD, 0, 'a', ERR_RANGE},
		{"with a space", NUMBER, GATEWAY_NIDD, 3, ' ', ERR_RANGE},
		{"with a quote", NUMBER, GATEWAY_NIDD, 3, '"', ERR_RANGE},
		{"with a backslash", NUMBER, GATEWAY_NIDD, 3, '\\', ERR_RANGE},
		{"with a NUL", NUMBER, GATEWAY_NIDD, 3, 0, ERR_RANGE},
		{"with DEL", NUMBER, GATEWAY_NIDD, 30, 0x7f, ERR_RANGE},
		{"beyond ASCII", NUMBER, GATEWAY_NIDD, 3, (char)0xc3, ERR_RANGE},
		{"of no kind", NUMBER, GATEWAY_NONE, 3, 'a', ERR_RANGE},
		{"of an unknown kind", NUMBER, (enum gateway_kind)GATEWAY_KINDS, 3, 'a', ERR_RANGE},
		{"of a listener", 3, GATEWAY_NIDD, 3, 'a', ERR_RANGE},
	};
	char buf[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span a = text_of(buf, rows[i].n, rows[i].fill);
		struct peer p = {0}, q = {0};
		enum err err = gateway_peer(rows[i].number, rows[i].kind, a, &p);

		CHECK(err == rows[i].err, rows[i].what);
		CHECK(!err || peer_eq(&p, &q), "untouched on an error");
		if (err)
			continue;
		CHECK_BYTES(gateway_address(&p), a, rows[i].what);
		CHECK(gateway_is(&p) && gateway_kind_at(&p) == rows[i].kind, rows[i].what);
		CHECK(p.connection == 0 && p.listener == NUMBER, rows[i].what);
		CHECK(gateway_peer(rows[i].number, rows[i].kind, a, &q) == ERR_OK &&
				peer_eq(&p, &q),
			"the same address is the same peer");
	}
}

/* To storage and back, and to text, however long. */
static void test_stored(void)
{
	char buf[255];

	for (size_t n = 1; n <= sizeof(buf); n++) {
		struct span a = text_of(buf, n, (char)('a' + n % 26));
		uint8_t packed[PEER_PACKED_MAX], text[PEER_TEXT_MAX];
		struct writer w = wr_make(packed, sizeof(packed)), t = wr_make(text, sizeof(text));
		struct peer p, q;

		if (gateway_peer(NUMBER, GATEWAY_LORAWAN, a, &p)) {
			CHECK(false, "made");
			continue;
		}
		wr_peer_packed(&w, &p);
		CHECK(w.err == ERR_OK && peer_unpack(wr_span(&w), &q) == ERR_OK && peer_eq(&p, &q),
			"lossless");
		for (size_t cut = 0; cut < w.n; cut++)
			CHECK(peer_unpack(span_make(packed, cut), &q) != ERR_OK, "cut off");
		wr_peer(&t, &p);
		CHECK(t.err == ERR_OK && t.n == n + strlen("lorawan "), "told whole");
	}
}

static struct peer numbered(unsigned i)
{
	char name[64];
	struct peer p = {0};

	snprintf(name, sizeof(name), "an-external-identifier-%06u@example.com", i);
	CHECK(gateway_peer(NUMBER, GATEWAY_NIDD, span_str(name), &p) == ERR_OK, "made");
	return p;
}

/* A flood of addresses pushes out what nobody keeps, and nothing else; what was pushed out means
 * nobody, even when its address comes again. */
static void test_bounds(void)
{
	struct peer kept = numbered(1), lost = numbered(2), again;
	uint8_t buf[PEER_PACKED_MAX];
	struct writer w = wr_make(buf, sizeof(buf));

	gateway_keep(&kept);
	gateway_keep(&kept);
	for (unsigned i = 0; i < 5000; i++)
		numbered(1000 + i);
	CHECK(gateway_addresses().all == 4096 + 1 && gateway_addresses().kept == 1, "bounded");
	CHECK(gateway_address(&kept).n == 41, "kept");
	CHECK(gateway_address(&lost).n == 0, "forgotten");
	wr_peer_packed(&w, &lost);
	CHECK(w.err == ERR_NOTFOUND && w.n == 0, "not to be stored");
	again = numbered(2);
	CHECK(!peer_eq(&lost, &again) && gateway_address(&lost).n == 0, "another number");
	gateway_drop(&kept);
	for (unsigned i = 0; i < 5000; i++)
		numbered(7000 + i);
	CHECK(gateway_address(&kept).n == 41, "dropped once of two times");
	gateway_drop(&kept);
	gateway_drop(&kept); /* once too often does no harm */
	for (unsigned i = 0; i < 5000; i++)
		numbered(17000 + i);
	CHECK(gateway_address(&kept).n == 0 && gateway_addresses().kept == 0, "nobody's");
	gateway_keep(NULL);
	gateway_drop(NULL);
	gateway_keep(&kept); /* what is forgotten stays so */
	CHECK(gateway_addresses().kept == 0, "nothing to keep");
}

static void test_timing(void)
{
	struct gateway_timings t = {0};
	const struct gateway_pace none = {0},
				  slow = {.mtu_bytes = 51,
					  .ack_timeout_ms = 100000,
					  .response_wait_ms = 5000,
					  .max_retransmit = 8 + 1},
				  once = {.max_retransmit = 1};
	struct peer p, ip = {.bearer = BEARER_UDP}, other;

	CHECK(gateway_timings_add(&t, NUMBER, &none) == ERR_OK, "added");
	CHECK(gateway_timings_add(&t, NUMBER + 1, &slow) == ERR_OK, "added");
	CHECK(gateway_timings_add(&t, NUMBER + 2, &once) == ERR_OK, "added");
	CHECK(gateway_timing(&t, &ip) == bearer_timing(BEARER_UDP), "IP stays as it is");
	for (unsigned k = GATEWAY_NONE + 1; k < GATEWAY_KINDS; k++) {
		enum gateway_kind kind = (enum gateway_kind)k;
		const struct bearer_timing usual = gateway_timing_usual(kind), *got;

		if (gateway_peer(NUMBER, kind, SPAN_LIT("1"), &p))
			continue;
		got = gateway_timing(&t, &p);
		CHECK(got->ack_timeout_ms == usual.ack_timeout_ms &&
				got->mtu_bytes == usual.mtu_bytes &&
				got->max_retransmit == usual.max_retransmit &&
				got->response_wait_ms == usual.response_wait_ms,
			"as usual");
		CHECK(got->exchange_lifetime_ms > got->ack_timeout_ms *
							  ((1ULL << got->max_retransmit) - 1) *
							  got->ack_random_permille / 1000,
			"a lifetime outlasts the last retransmission");
		p.listener = NUMBER + 1;
		got = gateway_timing(&t, &p);
		CHECK(got->mtu_bytes == 51 && got->ack_timeout_ms == 100000 &&
				got->max_retransmit == 8 && got->response_wait_ms == 5000,
			"as configured");
		CHECK(got->exchange_lifetime_ms >= 100000 * 255ULL, "and its lifetime with it");
		p.listener = NUMBER + 2;
		CHECK(gateway_timing(&t, &p)->max_retransmit == 0, "never again");
		p.listener = NUMBER + 3;
		CHECK(gateway_timing(&t, &p)->mtu_bytes == usual.mtu_bytes, "one that is gone");
		CHECK(gateway_timing(NULL, &p)->mtu_bytes == usual.mtu_bytes, "no gateways");
	}
	CHECK(!gateway_timing_usual(GATEWAY_SMS).max_retransmit, "SMS is not repeated");
	while (t.n < GATEWAYS_MAX)
		CHECK(gateway_timings_add(&t, (uint16_t)(NUMBER + t.n), &none) == ERR_OK, "room");
	CHECK(gateway_timings_add(&t, NUMBER + 99, &none) == ERR_LIMIT, "no room");
	other = (struct peer){.bearer = BEARER_SMS};
	CHECK(gateway_timing(&t, &other) == bearer_timing(BEARER_SMS), "of no kind");
}

int main(void)
{
	test_kinds();
	test_numbers();
	test_addresses();
	test_stored();
	test_bounds();
	test_timing();
	return test_done();
}
