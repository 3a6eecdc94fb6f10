/* SPDX-License-Identifier: Apache-2.0 */
/* Several operations of one device under way at once (nstart): each has its own outcome, whatever
 * ends it. */
#include "endpoint/exchange_impl.h"
#include "tests/unit/server/asking.h"

#define LINKS "</1/0>,</3/0>,</3303/0>"

enum { MANY = 4 };
static struct rig_msg sent[MANY];

/* Reads /3/0/I for each ticket 100 + I, and an Execute as the last. */
static void open_together(uint8_t nstart)
{
	struct pace own = {.nstart = nstart};
	open_registered(LINKS);
	REQUIRE(!ep_set_pace(rig.e, &own), "nstart");
	rig_turn(&rig, 10);
	for (uint16_t i = 0; i < MANY; i++) {
		struct srv_dm d = {.kind = i + 1 < MANY ? SRV_READ : SRV_EXECUTE,
			.endpoint = rig.e,
			.path = {3, {3, 0, i}},
			.content_format = -1,
			.depth = -1,
			.ticket = 100U + i};
		if (d.kind == SRV_EXECUTE)
			d.path.id[2] = 4;
		srv_dm(srv, &d, &rig.t);
	}
	for (size_t i = 0; i < rig_sent_n(&rig); i++)
		REQUIRE(rig_asked(&rig, RIG_SERVER, rig_sent(&rig, i), &sent[i]), "a request");
}

/* Which tickets of this turn have that status, as bits. */
static unsigned told(int status)
{
	unsigned bits = 0;
	for (size_t i = 0; i < rig.t.effect_n; i++) {
		const struct effect *e = &rig.t.effect[i];
		if (e->kind == EFFECT_DONE && e->done.status == status && e->done.ticket >= 100)
			bits |= 1U << (e->done.ticket - 100);
	}
	return bits;
}

static bool answer_with(size_t i, const char *text)
{
	q = sent[i];
	return i + 1 < MANY ? answer(MSG_CONTENT, LWM_CF_TEXT, text, -1)
			    : answer(MSG_CHANGED, -1, "", -1);
}

static void in_any_order(void)
{
	static const size_t orders[][MANY] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}};
	for (size_t o = 0; o < sizeof(orders) / sizeof(*orders); o++) {
		open_together(MANY);
		CHECK(rig_sent_n(&rig) == MANY && rig_records(&rig, REC_OP_PUT) == 1,
			"all go at once; what acts is recorded with it");
		for (size_t k = 0; k < MANY; k++) {
			char text[8];
			size_t i = orders[o][k];
			snprintf(text, sizeof(text), "v%zu", i);
			CHECK(answer_with(i, text) && told(200) == 1U << i &&
					(i + 1 == MANY || span_eq_str(outcome()->payload, text)),
				"an answer is the outcome of what it answers");
		}
		CHECK(!srv_waiting(srv), "nothing waits any more");
		close_server();
	}
}

/* All of them end with what they were asked over, and nothing more leaves. */
enum how { DEREGISTERED, ANEW, DELETED, KEYS_GONE, EXPIRED };
static const struct {
	const char *what;
	enum how how;
	uint8_t nstart;
} ends[] = {
	{"a De-register", DEREGISTERED, 4},
	{"a De-register, two wait", DEREGISTERED, 2},
	{"a Register", ANEW, 4},
	{"a Register, one waits", ANEW, 3},
	{"the endpoint is deleted", DELETED, 4},
	{"the endpoint is deleted, three wait", DELETED, 1},
	{"its keys are taken away", KEYS_GONE, 3},
	{"its lifetime is over", EXPIRED, 3},
};

static void end_by(enum how how)
{
	switch (how) {
	case DEREGISTERED:
		CHECK(ask(MSG_DELETE, location(), "", -1, "") == MSG_DELETED, "2.02");
		break;
	case ANEW:
		CHECK(ask(MSG_POST, "rd", "ep=dev&lt=60&lwm2m=1.1", LWM_CF_LINK, LINKS) ==
				MSG_CREATED,
			"2.01");
		break;
	case DELETED:
		rig_turn(&rig, 10);
		srv_forget_endpoint(srv, rig.e, &rig.t);
		break;
	case KEYS_GONE:
		rig_turn(&rig, 10);
		srv_context_gone(srv, rig.server, &rig.t);
		break;
	case EXPIRED:
		rig_turn(&rig, (60 + 94) * 1000);
		srv_timer(srv, &rig.t);
		break;
	}
}

static void all_ends(void)
{
	struct ep_delivery d;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		open_together(ends[i].nstart);
		REQUIRE(rig_sent_n(&rig) == ends[i].nstart, "as many as may be");
		end_by(ends[i].how);
		CHECK(told(503) == (1U << MANY) - 1 &&
				rig_sent_n(&rig) == (ends[i].how <= ANEW ? 1 : 0),
			ends[i].what);
		CHECK(!srv_waiting(srv) && !rig.server->conv->current && !rig.server->conv->queue &&
				!rig.x->exch.by_token.count,
			"nothing is left of them");
		rig_turn(&rig, 10);
		ep_timer(rig.x, &rig.t, &d);
		CHECK(d.kind == EP_NOTHING && !rig_sent_n(&rig), "nor told twice");
		close_server();
	}
}

/* One is given up by who asked; the Execute, which has left, cannot be. */
static void cancelled(void)
{
	open_together(MANY);
	rig_turn(&rig, 10);
	CHECK(srv_dm_cancel(srv, rig.e, 101, &rig.t) == ERR_OK && told(409) == 2,
		"a Read is given up");
	CHECK(srv_dm_cancel(srv, rig.e, 103, &rig.t) == ERR_STATE && !(told(409) & 8),
		"what may have been done is not");
	CHECK(!answer_with(1, "late"), "its answer is nobody's");
	CHECK(answer_with(2, "b") && told(200) == 4 && answer_with(0, "a") && told(200) == 1 &&
			answer_with(3, "") && told(200) == 8,
		"the others have theirs");
	close_server();
}

/* New keys took the place of those that they went under: all end, and nothing is asked twice. */
static void other_keys(void)
{
	open_together(3);
	rig_turn(&rig, 10);
	srv_context_replaced(srv, rig.server, rig.bootstrap, &rig.t);
	CHECK(told(503) == (1U << MANY) - 1 && !rig_sent_n(&rig) && !rig.server->conv->current &&
			!rig.server->conv->queue,
		"what was under way ends, and what waited was never sent");
	CHECK(rig_records(&rig, REC_OP_DEL) == 1, "the record of what acts goes with it");
	close_server();
}

int main(void)
{
	in_any_order();
	all_ends();
	cancelled();
	other_keys();
	return test_done();
}
