/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications in whatever order a network, or a proxy, hands them on: what is told is newer each
 * time, and the newest is told in the end (RFC 8613 sections 4.1.3.5.2 and 7.4.1). */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

enum { MESSAGES = 4 };

static struct rig_msg first, again, sent[MESSAGES];
static size_t sent_n[MESSAGES];

/* The answer that establishes the observation, and three notifications, as the device sends them.
 */
static void make_all(struct rig *r, int first_flags, uint8_t type)
{
	for (size_t i = 0; i < MESSAGES; i++) {
		msg_init(&m, i ? type : MSG_NON, MSG_CONTENT);
		REQUIRE(msg_add_uint(&m, OPT_OBSERVE, 1) == ERR_OK, "observe");
		static const char *const values[MESSAGES] = {"0", "1", "2", "3"};
		m.payload = span_str(values[i]);
		rig_reply(r, RIG_SERVER, &first, &m, i ? RIG_OWN_NUMBER : first_flags, &sent[i]);
		sent_n[i] = sent[i].n;
	}
}

/* Hands one on; which was told, or -1. */
static int hand(struct rig *r, size_t i)
{
	int told = -1;
	rig_turn(r, 10);
	enum ep_delivery_kind kind = rig_in(r, span_make(sent[i].bytes, sent_n[i]));
	if (kind == EP_RESPONSE || kind == EP_NOTIFICATION)
		told = r->d.msg->payload.p[0] - '0';
	if (kind != EP_NOTHING)
		ep_delivery_end(r->x, &r->d, &r->t);
	return told;
}

/* The n-th order of all four; those of which `lost` has a bit do not arrive, and each that does
 * comes `copies` times. */
static void order(unsigned n, unsigned lost, unsigned copies, int first_flags, uint8_t type)
{
	struct rig *r = &rig;
	size_t left[MESSAGES] = {0, 1, 2, 3}, left_n = MESSAGES;
	int newest = -1, expected = -1;
	bool rising = true;
	open_rig(r);
	struct ep_request *req = ask(r, true, &first);
	make_all(r, first_flags, type);
	for (unsigned d = MESSAGES; d; d--) {
		size_t pick = n % d, i = left[pick];
		n /= d;
		memmove(&left[pick], &left[pick + 1], (--left_n - pick) * sizeof(*left));
		if (lost & 1U << i)
			continue;
		expected = (int)i > expected ? (int)i : expected;
		for (unsigned c = 0; c < copies; c++) {
			int told = hand(r, i);
			rising &= told == -1 || told > newest;
			newest = told > newest ? told : newest;
		}
	}
	CHECK(rising, "what is told is newer than all before");
	CHECK(newest == expected, "and the newest that arrives is told");
	CHECK(expected < 0 || req->state == EP_REQ_OBSERVING, "it goes on");
	rig_fini(r);
}

static void all_orders(void)
{
	for (unsigned n = 0; n < 24; n++)
		for (unsigned lost = 0; lost < 16; lost++)
			for (unsigned k = 0; k < 4; k++)
				order(n, lost, 1 + k % 2, k & 2 ? RIG_OWN_NUMBER : 0,
					k == 1 ? MSG_CON : MSG_NON);
}

/* Far apart: the 24 bits of Observe would call the newer one older. */
static void far_apart(void)
{
	struct rig *r = &rig;
	static const uint64_t steps[] = {1, 1 << 23, 1 << 24, (1 << 24) + 1, UINT64_C(1) << 39};
	open_rig(r);
	ask(r, true, &first);
	make_all(r, 0, MSG_NON);
	CHECK(hand(r, 0) == 0 && hand(r, 3) == 3, "observed");
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		uint64_t before = r->piv;
		r->piv = before + steps[i];
		make_all(r, 0, MSG_NON);
		CHECK(hand(r, 3) == 3, "newer by any step");
		r->piv = before;
		make_all(r, 0, MSG_NON);
		CHECK(hand(r, 3) == -1, "older by it");
		r->piv = before + steps[i] + MESSAGES;
	}
	rig_fini(r);
}

/* A new registration is another request: what belonged to the old one is not its. */
static void registered_anew(void)
{
	struct rig *r = &rig;
	open_rig(r);
	struct ep_request *req = ask(r, true, &first);
	make_all(r, 0, MSG_CON);
	CHECK(hand(r, 0) == 0 && hand(r, 1) == 1, "observed");
	ep_request_end(r->x, req, &r->t);
	req = ask(r, true, &again);
	CHECK(memcmp(again.outer.token, first.outer.token, 8) && again.number > first.number,
		"another token, another number");
	CHECK(hand(r, 2) == -1 && rig_sent_n(r) == 1 && rig_sent(r, 0).p[0] == 0x70,
		"a late one of the old gets RST");
	memcpy(&sent[3].bytes[4], again.outer.token, 8);
	CHECK(hand(r, 3) == -1 && r->x->count.answers_ignored == 1 && req->state == EP_REQ_SENT,
		"under the new token it does not open: its AAD names the old request");
	first = again;
	uint64_t high = r->piv;
	r->piv = 11; /* orders do not mix either */
	make_all(r, 0, MSG_NON);
	CHECK(hand(r, 0) == 0 && hand(r, 1) == 1, "numbers are counted for each by itself");
	r->piv = high;
	rig_fini(r);
}

static bool same_but_observe(const struct msg *a, const struct msg *b)
{
	size_t i = 0, k = 0;
	for (;;) {
		while (i < a->opt_n && a->opt[i].num == OPT_OBSERVE)
			i++;
		while (k < b->opt_n && b->opt[k].num == OPT_OBSERVE)
			k++;
		if (i == a->opt_n || k == b->opt_n)
			return i == a->opt_n && k == b->opt_n && a->code == b->code;
		if (a->opt[i].num != b->opt[k].num || !span_eq(a->opt[i].val, b->opt[k].val))
			return false;
		i++, k++;
	}
}

/* Its end matches by what is inside (RFC 8613 section 4.1.3.5.1). `answered`: 0 not at all, 1
 * well, 2 with an error; a notification may cross it. */
static void cancelled(int answered, uint16_t block_bytes)
{
	struct rig *r = &rig;
	struct ep_delivery d = {0};
	open_rig(r);
	REQUIRE(!ep_set_pace(r->e, &(struct pace){.block_bytes = block_bytes}), "paced");
	struct ep_request *req = ask(r, true, &first);
	make_all(r, 0, MSG_CON);
	CHECK(hand(r, 0) == 0, "observed");
	rig_turn(r, 10);
	CHECK(ep_request_cancel(r->x, req, &r->t) == ERR_OK &&
			rig_asked(r, RIG_SERVER, rig_sent(r, 0), &q) &&
			same_but_observe(&first.plain, &q.plain) && q.outer.code == MSG_FETCH,
		"the same options inside, but Observe");
	CHECK(hand(r, 1) == -1 && req->state == EP_REQ_SENT, "a notification on its way is none");
	if (answered) {
		enum ep_delivery_kind kind = rig_in(r,
			reply(r, &q, MSG_ACK, answered == 1 ? MSG_CONTENT : MSG_NOT_FOUND, "x", 0));
		CHECK(kind == EP_RESPONSE && r->d.request == req, "its answer ends it");
		end(r);
	}
	while (!answered && d.kind == EP_NOTHING) {
		rig_turn(r, 1000);
		ep_timer(r->x, &r->t, &d);
	}
	if (!answered) {
		CHECK(d.kind == EP_TIMEOUT && d.request == req, "it is told that no answer came");
		ep_request_end(r->x, d.request, &r->t);
	}
	CHECK(hand(r, 2) == -1 && rig_sent_n(r) == 1 && rig_sent(r, 0).p[0] == 0x70 &&
			!r->x->observing.count,
		"RST tells a device that did not hear of it");
	rig_fini(r);
}

int main(void)
{
	all_orders();
	far_apart();
	registered_anew();
	for (int answered = 0; answered < 3; answered++) {
		cancelled(answered, 0);
		cancelled(answered, 64);
	}
	return test_done();
}
