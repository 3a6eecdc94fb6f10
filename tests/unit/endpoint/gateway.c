/* SPDX-License-Identifier: Apache-2.0 */
/* Devices behind gateways: what is answered, how long it may be, what goes again and what waits. */
#include "tests/unit/endpoint/rig.h"

#include "endpoint/exchange_impl.h"

static struct rig rig;
static struct gateway_timings timings;
static struct rig_msg q, a;
static uint8_t body[4096], got[4096];

enum { SMS, LORAWAN, NIDD, ONCE };
static const char *const names[] = {"sms", "lora", "nidd", "once"};

static void open_rig(struct rig *r)
{
	static const struct gateway_pace paces[] = {{0}, {0}, {0}, {.max_retransmit = 1}};
	rig_init(r, true);
	timings.n = 0;
	for (size_t i = 0; i < 4; i++) {
		REQUIRE(!gateway_timings_add(&timings, gateway_number(names[i]), &paces[i]),
			"room");
		r->x->opts.gateway[i].role = REC_ROLE_SERVER;
	}
	r->x->opts.gateways = &timings;
	r->x->exch.gateways = &timings;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7);
}

static struct peer at(int gateway, enum gateway_kind kind, const char *address)
{
	struct peer p = {0};
	CHECK(!gateway_peer(gateway_number(names[gateway]), kind, span_str(address), &p), address);
	return p;
}

/* A verified message from there, so that requests go there. */
static void hear(struct rig *r, const struct peer *p)
{
	r->from = *p;
	REQUIRE(rig_in(r, rig_get(r, RIG_SERVER, &a)) == EP_REQUEST, "a request");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_turn(r, 1);
}

static enum err ask(struct rig *r, uint8_t code, size_t body_n, struct ep_request **out)
{
	struct msg m;
	rig_plain(&m, code, "5/0/0");
	m.payload = span_make(body, body_n);
	struct ep_request_opts o = {
		.endpoint = r->e, .ctx = r->server, .msg = &m, .role = REC_ROLE_SERVER};
	return ep_request_start(r->x, &o, &r->t, out);
}

/* Proves: TRN-SMS-6 */
static void silence(void)
{
	static const struct {
		const char *what, *hex; /* NULL: made below */
	} rows[] = {
		{"unprotected", "40010001b272640161"},
		{"unprotected, with ep", "40020001b272644565703d78"},
		{"malformed", "4f010001"},
		{"a ping", "40000001"},
		{"an unknown kid", "4002000193090178ff0102030405060708090a0b"},
		{"a bad OSCORE option", "400200019109ff0102030405060708090a"},
		{"a proxied one", "40010001d31678797a"},
		{"a response to nobody", "40450001ff31"},
	};
	struct rig *r = &rig;
	for (int gateway = SMS; gateway <= NIDD; gateway += NIDD - SMS) {
		bool sms = gateway == SMS;
		size_t answered = 0;
		open_rig(r);
		r->from = at(gateway, sms ? GATEWAY_SMS : GATEWAY_NIDD, "491701234567");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			CHECK(rig_in(r, test_hex(rows[i].hex)) == EP_NOTHING, rows[i].what);
			CHECK(!sms || !rig_sent_n(r), rows[i].what);
			answered += rig_sent_n(r) > 0;
			rig_turn(r, 1);
		}
		CHECK(sms || answered == sizeof(rows) / sizeof(rows[0]),
			"elsewhere each is answered");
		/* A replay, and what was changed on the way. */
		struct span once = rig_get(r, RIG_SERVER, &a);
		CHECK(rig_in(r, once) == EP_REQUEST, "a good one");
		ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
		CHECK(rig_sent_n(r) == 1, "is answered");
		rig_turn(r, 1);
		CHECK(rig_in(r, once) == EP_NOTHING && rig_sent_n(r) == 1, "a copy too");
		rig_turn(r, 1);
		a.bytes[2] ^= 1;
		CHECK(rig_in(r, once) == EP_NOTHING && rig_sent_n(r) == !sms, "a replay");
		rig_turn(r, 1);
		struct span bad = rig_get(r, RIG_SERVER, &a);
		a.bytes[bad.n - 1] ^= 1;
		CHECK(rig_in(r, bad) == EP_NOTHING && rig_sent_n(r) == !sms, "wrongly protected");
		rig_turn(r, 1);
		struct ep_counters lost = {0};
		ep_input_unavailable(&lost, &r->from, bad, &r->t);
		CHECK(lost.unavailable == 1 && rig_sent_n(r) == !sms, "without storage");
		rig_fini(r);
	}
}

/* Unprotected requests are let in where that is allowed, and never by SMS. */
static void policy(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct span plain = test_hex("40010001b272640161");
	r->x->opts.gateway[SMS].nosec = true;
	r->x->opts.gateway[NIDD].nosec = true;
	r->from = at(NIDD, GATEWAY_NIDD, "a@b");
	CHECK(rig_in(r, plain) == EP_REQUEST, "where it is allowed");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	r->from = at(LORAWAN, GATEWAY_LORAWAN, "0004a30b001c0530");
	CHECK(rig_in(r, plain) == EP_NOTHING && r->d.reason == EP_REASON_NOSEC, "where it is not");
	r->from = at(SMS, GATEWAY_SMS, "1");
	CHECK(rig_in(r, plain) == EP_NOTHING && r->d.reason == EP_REASON_NOSEC, "never by SMS");
	r->from.listener = GATEWAY_NUMBERS | 1;
	r->from.bearer = BEARER_NONIP;
	r->from.flags = GATEWAY_NIDD;
	CHECK(rig_in(r, plain) == EP_NOTHING, "nor by a gateway that is not configured");
	rig_fini(r);
}

/* Proves: TRN-NIP-6 */
static void repeats(void)
{
	static const struct {
		const char *what;
		int gateway;
		enum gateway_kind kind;
		unsigned copies;
		uint64_t least_ms, most_ms; /* until the first, or the end */
	} rows[] = {
		{"SMS: the message centre does it", SMS, GATEWAY_SMS, 0, 600000, 600000},
		{"LoRaWAN", LORAWAN, GATEWAY_LORAWAN, 4, 300000, 450000},
		{"NIDD", NIDD, GATEWAY_NIDD, 4, 30000, 45000},
		{"as configured", ONCE, GATEWAY_NIDD, 0, 30000, 45000},
	};
	struct rig *r = &rig;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer p = at(rows[i].gateway, rows[i].kind, "1");
		struct ep_delivery d = {.kind = EP_NOTHING};
		struct ep_request *req;
		unsigned copies = 0;
		uint64_t first = 0, start;
		open_rig(r);
		hear(r, &p);
		REQUIRE(ask(r, MSG_GET, 0, &req) == ERR_OK && rig_sent_n(r) == 1, "sent");
		start = r->now_ms;
		for (int k = 0; k < 20000 && d.kind == EP_NOTHING; k++) {
			rig_turn(r, 1000);
			ep_timer(r->x, &r->t, &d);
			copies += rig_sent_n(r) > 0;
			if (!first && (rig_sent_n(r) || d.kind == EP_TIMEOUT))
				first = r->now_ms - start;
		}
		CHECK(d.kind == EP_TIMEOUT && copies == rows[i].copies, rows[i].what);
		CHECK(first + 1000 >= rows[i].least_ms && first <= rows[i].most_ms + 1000,
			rows[i].what);
		ep_request_end(r->x, d.request, &r->t);
		ep_delivery_end(r->x, &d, &r->t);
		rig_fini(r);
	}
}

/* An Empty message of a LoRaWAN device only lets us speak. */
static void empties(void)
{
	struct rig *r = &rig;
	struct ep_request *req;
	struct ep_delivery d;
	for (int gateway = LORAWAN; gateway <= NIDD; gateway++) {
		bool lora = gateway == LORAWAN;
		struct peer p = at(gateway, lora ? GATEWAY_LORAWAN : GATEWAY_NIDD, "1");
		open_rig(r);
		hear(r, &p);
		CHECK(rig_in(r, test_hex("40000001")) == EP_NOTHING && rig_sent_n(r) == !lora,
			"a ping");
		rig_turn(r, 1);
		REQUIRE(ask(r, MSG_GET, 0, &req) == ERR_OK, "asked");
		struct span sent = rig_sent(r, 0);
		uint8_t ack[4] = {0x60, 0, sent.p[2], sent.p[3]};
		rig_turn(r, 1);
		CHECK(rig_in(r, SPAN_OF(ack)) == EP_NOTHING && !rig_sent_n(r), "acknowledged");
		rig_turn(r, 450001);
		ep_timer(r->x, &r->t, &d);
		CHECK(rig_sent_n(r) == lora, "which counts for nothing there");
		ep_request_end(r->x, req, &r->t);
		rig_fini(r);
	}
}

static const uint32_t mtus[] = {51, 64, 100, 115, 140, 222, 512, 1280};

/* A body of ours: each block fits, and all arrive. */
static void asks_in_blocks(uint32_t mtu, uint64_t number)
{
	struct rig *r = &rig;
	struct peer p = at(LORAWAN, GATEWAY_LORAWAN, "0004a30b001c0530");
	struct ep_request *req;
	struct block b = {.more = true};
	size_t n = 0;
	bool fit = true;
	open_rig(r);
	timings.gateway[LORAWAN].kind[GATEWAY_LORAWAN].mtu_bytes = mtu;
	hear(r, &p);
	r->server->ssn_next = number;
	r->server->ssn_gap = (uint32_t)number;
	r->dir.ssn_end = EP_SSN_END_MAX;
	REQUIRE(ask(r, MSG_PUT, 1400, &req) == ERR_OK, "asked");
	for (int i = 0; i < 200 && b.more && fit; i++) {
		fit = rig_sent_n(r) == 1 && rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
		      q.n <= mtu;
		if (!fit || block_get(&q.plain, OPT_BLOCK1, &b))
			break;
		memcpy(got + b.num * block_size(b.szx), q.plain.payload.p, q.plain.payload.n);
		n = b.num * block_size(b.szx) + q.plain.payload.n;
		struct msg m;
		msg_init(&m, MSG_ACK, b.more ? MSG_CONTINUE : MSG_CHANGED);
		REQUIRE(!block_add(&m, OPT_BLOCK1, b), "block");
		struct span reply = rig_reply(r, RIG_SERVER, &q, &m, 0, &a);
		rig_turn(r, 1);
		fit = rig_in(r, reply) == (b.more ? EP_NOTHING : EP_RESPONSE);
	}
	char what[64];
	snprintf(what, sizeof(what), "MTU %u, number %llu", mtu, (unsigned long long)number);
	CHECK(fit && !b.more && n == 1400 && !memcmp(got, body, n), what);
	ep_request_end(r->x, req, &r->t);
	ep_delivery_end(r->x, &r->d, &r->t);
	rig_fini(r);
}

/* An answer of ours likewise. */
static void answers_in_blocks(uint32_t mtu)
{
	struct rig *r = &rig;
	struct peer p = at(LORAWAN, GATEWAY_LORAWAN, "0004a30b001c0530");
	struct block b = {.more = true};
	size_t n = 0;
	bool fit = true;
	open_rig(r);
	timings.gateway[LORAWAN].kind[GATEWAY_LORAWAN].mtu_bytes = mtu;
	r->from = p;
	for (unsigned i = 0; i < 200 && b.more && fit; i++) {
		struct msg m;
		rig_plain(&m, MSG_GET, "rd/x");
		if (i && block_add(&m, OPT_BLOCK2, (struct block){.num = i, .szx = b.szx}))
			break;
		enum ep_delivery_kind kind = rig_in(r, rig_protect(r, RIG_SERVER, &m, &q));
		if (kind == EP_REQUEST) {
			struct msg resp;
			msg_init(&resp, MSG_ACK, MSG_CONTENT);
			resp.payload = span_make(body, 700);
			ep_respond(r->x, &r->d, &resp, &r->t);
		}
		struct span sent = rig_sent(r, 0);
		fit = sent.n && sent.n <= mtu && rig_answer(r, RIG_SERVER, &q, sent, &a) &&
		      !block_get(&a.plain, OPT_BLOCK2, &b) && b.num == i;
		if (fit) {
			memcpy(got + n, a.plain.payload.p, a.plain.payload.n);
			n += a.plain.payload.n;
		}
		rig_turn(r, 1);
	}
	char what[64];
	snprintf(what, sizeof(what), "an answer, MTU %u", mtu);
	CHECK(fit && !b.more && n == 700 && !memcmp(got, body, n), what);
	rig_fini(r);
}

static void sizes(void)
{
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		asks_in_blocks(mtus[i], 0);
		asks_in_blocks(mtus[i], 60000);
		if (mtus[i] >= 64 && mtus[i] <= 512) /* 51 leaves no room for an ETag and a block */
			answers_in_blocks(mtus[i]);
	}
}

/* What cannot fit is not sent, and told. */
static void too_long(void)
{
	struct rig *r = &rig;
	struct peer p = at(LORAWAN, GATEWAY_LORAWAN, "1");
	struct ep_request *req;
	struct ep_delivery d;
	struct msg m;
	open_rig(r);
	hear(r, &p);
	rig_plain(&m, MSG_GET, "a-path-that-is-much-longer-than-fits-the-message");
	struct ep_request_opts o = {
		.endpoint = r->e, .ctx = r->server, .msg = &m, .role = REC_ROLE_SERVER};
	REQUIRE(ep_request_start(r->x, &o, &r->t, &req) == ERR_OK, "asked");
	CHECK(!rig_sent_n(r), "a request that is too long does not go out");
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_CANCELLED && d.request == req, "its engine hears of it");
	CHECK(r->e->notes && r->e->notes->reason == EP_REASON_TOO_LONG, "and the operator");
	ep_request_end(r->x, req, &r->t);
	rig_turn(r, 1);
	r->from = p;
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "a request");
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	CHECK(!msg_add_path(&m, OPT_LOCATION_PATH, "a-path-that-is-much-longer-than-fits"), "path");
	ep_respond(r->x, &r->d, &m, &r->t);
	CHECK(rig_sent(r, 0).n <= 51 && rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
			a.plain.code == MSG_INTERNAL_ERROR && a.number != UINT64_MAX,
		"an answer becomes an error under a number of its own");
	timings.gateway[LORAWAN].kind[GATEWAY_LORAWAN].mtu_bytes = 11;
	rig_turn(r, 1);
	CHECK(rig_in(r, rig_get(r, RIG_SERVER, &q)) == EP_REQUEST, "a request");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	CHECK(!rig_sent_n(r), "or nothing, where not even that fits");
	rig_fini(r);
}

static void learned_sizes(void)
{
	struct rig *r = &rig;
	struct peer p = at(LORAWAN, GATEWAY_LORAWAN, "1"),
		    other = at(LORAWAN, GATEWAY_LORAWAN, "2");
	open_rig(r);
	r->x->opts.gateway[LORAWAN].role = REC_ROLE_SERVER;
	timings.gateway[LORAWAN].kind[GATEWAY_LORAWAN].mtu_bytes = 222;
	CHECK(ep_pace_of(r->x, NULL, &p).message_bytes == 222, "the gateway's");
	ep_mtu(r->x, &p, 51);
	CHECK(ep_pace_of(r->x, NULL, &p).message_bytes == 51 &&
			ep_pace_of(r->x, NULL, &p).block_bytes == 16,
		"the device's");
	CHECK(ep_pace_of(r->x, NULL, &other).message_bytes == 222, "and of no other");
	ep_mtu(r->x, &p, 1000);
	CHECK(ep_pace_of(r->x, NULL, &p).message_bytes == 222, "no more than the gateway's");
	ep_mtu(r->x, &p, 1);
	CHECK(ep_pace_of(r->x, NULL, &p).message_bytes == GATEWAY_MTU_MIN, "no less than some");
	ep_mtu(r->x, &p, 0);
	CHECK(ep_pace_of(r->x, NULL, &p).message_bytes == 222, "as before");
	ep_mtu(r->x, &p, 60);
	for (unsigned i = 0; i < EP_MTUS_MAX; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%u", i);
		other = at(LORAWAN, GATEWAY_LORAWAN, name);
		ep_mtu(r->x, &other, 60);
	}
	CHECK(r->x->mtus.count == EP_MTUS_MAX && ep_pace_of(r->x, NULL, &p).message_bytes == 222,
		"the last so many are known");
	struct ep_own own = {.pace = {.message_bytes = 128,
				     .ack_timeout_ms = 100,
				     .max_retransmit = 8,
				     .block_bytes = 32,
				     .nstart = 2}};
	r->e->own = &own;
	struct pace pace = ep_pace_of(r->x, r->e, &p);
	CHECK(pace.message_bytes == 128 && pace.block_bytes == 32 && pace.nstart == 2,
		"an endpoint may have less");
	CHECK(pace.ack_timeout_ms == 300000 && pace.max_retransmit == 4, "but not be faster");
	r->e->own = NULL;
	rig_fini(r);
}

/* What found no link goes out when there is one, or the device speaks; what may have arrived does
 * not. */
static void waits(void)
{
	struct rig *r = &rig;
	struct peer p = at(NIDD, GATEWAY_NIDD, "an.identifier.of.more.than.24.bytes@example.com");
	struct ep_request *req;
	struct ep_delivery d;
	open_rig(r);
	hear(r, &p);
	REQUIRE(ask(r, MSG_GET, 0, &req) == ERR_OK && rig_sent_n(r) == 1, "sent");
	uint8_t bytes[128];
	struct span sent = rig_sent(r, 0);
	memcpy(bytes, sent.p, sent.n);
	ep_unsent(r->x, &p, span_make(bytes, sent.n));
	rig_turn(r, 1);
	ep_timer(r->x, &r->t, &d);
	CHECK(!rig_sent_n(r), "it waits");
	ep_link_up(r->x, gateway_number("sms"));
	ep_timer(r->x, &r->t, &d);
	CHECK(!rig_sent_n(r), "for its own gateway");
	ep_link_up(r->x, gateway_number("nidd"));
	ep_timer(r->x, &r->t, &d);
	CHECK(rig_sent_n(r) == 1 && !span_eq(rig_sent(r, 0), span_make(bytes, sent.n)),
		"and goes out, as another message");
	struct peer to = *rig_sent_to(r, 0);
	CHECK(peer_eq(&to, &p) && gateway_address(&to).n == 47, "to where it is");
	ep_link_up(r->x, gateway_number("nidd"));
	rig_turn(r, 1);
	ep_timer(r->x, &r->t, &d);
	CHECK(!rig_sent_n(r), "once");
	for (int i = 0; i < 60 && !rig_sent_n(r); i++) {
		rig_turn(r, 1000);
		ep_timer(r->x, &r->t, &d);
	}
	CHECK(rig_sent_n(r) == 1, "it goes again by itself");
	ep_unsent(r->x, &p, rig_sent(r, 0));
	rig_turn(r, 1);
	ep_link_up(r->x, gateway_number("nidd"));
	ep_timer(r->x, &r->t, &d);
	CHECK(!rig_sent_n(r), "but the first may have arrived");
	ep_request_end(r->x, req, &r->t);
	/* The device speaks from elsewhere: what did not leave goes there. */
	rig_turn(r, 1);
	REQUIRE(ask(r, MSG_GET, 0, &req) == ERR_OK && rig_sent_n(r) == 1, "another");
	ep_unsent(r->x, &p, rig_sent(r, 0));
	struct peer now = at(LORAWAN, GATEWAY_LORAWAN, "1");
	rig_turn(r, 1);
	hear(r, &now);
	ep_timer(r->x, &r->t, &d);
	CHECK(rig_sent_n(r) == 1 && peer_eq(rig_sent_to(r, 0), &now), "after the device");
	ep_request_end(r->x, req, &r->t);
	CHECK(gateway_addresses().kept == 0, "nobody keeps the old address");
	rig_fini(r);
}

/* Short tokens are unlike those in use, and long ones stay where there is room, or no key. */
static void tokens(void)
{
	struct rig *r = &rig;
	struct peer p = at(LORAWAN, GATEWAY_LORAWAN, "1");
	struct ep_request *req;
	open_rig(r);
	hear(r, &p);
	REQUIRE(ask(r, MSG_GET, 0, &req) == ERR_OK, "asked");
	CHECK((rig_sent(r, 0).p[0] & 15) == 2, "two bytes where each counts");
	ep_request_end(r->x, req, &r->t);
	rig_turn(r, 1);
	p = at(NIDD, GATEWAY_NIDD, "1");
	hear(r, &p);
	REQUIRE(ask(r, MSG_GET, 0, &req) == ERR_OK, "asked");
	CHECK((rig_sent(r, 0).p[0] & 15) == 8, "eight where there is room");
	ep_request_end(r->x, req, &r->t);
	rig_fini(r);
}

int main(void)
{
	silence();
	policy();
	repeats();
	empties();
	sizes();
	too_long();
	learned_sizes();
	waits();
	tokens();
	return test_done();
}
