/* SPDX-License-Identifier: Apache-2.0 */
/* A device of the rig that is asked for several things at once, and answers in any order. */
#ifndef LANYARD_TESTS_UNIT_ENDPOINT_TOGETHER_H
#define LANYARD_TESTS_UNIT_ENDPOINT_TOGETHER_H

#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

enum { MANY = 32, BODY = 3000, DONE = -1, QUIET_MS = 250000 };

static uint8_t body[BODY];
static struct ep_request *req[MANY];
static size_t req_n;
static struct rig_msg sent[MANY]; /* as the device sees them */
static size_t sent_n;
static int of[MANY];    /* the request that each is of; DONE: it was answered */
static bool at_leisure; /* the device acknowledges at once, and answers later */

static RIG_UNUSED void open_n(struct rig *r, uint8_t nstart)
{
	struct pace own = {.nstart = nstart};
	open_rig(r);
	REQUIRE(!ep_set_pace(r->e, &own), "nstart");
	req_n = sent_n = 0;
	at_leisure = true;
}

/* The request that a message is of, by its path. */
static RIG_UNUSED int number_in(const struct msg *plain)
{
	const struct opt *o = msg_find(plain, OPT_URI_PATH);
	uint64_t v = MANY;
	for (int i = 0; o && i < 2; i++)
		o = msg_next(plain, o);
	return o && !span_to_u64(o->val, MANY, &v) ? (int)v : MANY;
}

static RIG_UNUSED void acknowledge(struct rig *r, size_t i)
{
	uint16_t mid = sent[i].outer.mid;
	uint8_t ack[] = {0x60, 0, (uint8_t)(mid >> 8), (uint8_t)mid};
	REQUIRE(rig_in(r, SPAN_OF(ack)) == EP_NOTHING, "an acknowledgement");
}

/* Takes what the turn has sent, and begins another; how many requests there were. */
static RIG_UNUSED size_t collect(struct rig *r)
{
	size_t before = sent_n;
	for (size_t i = 0; i < rig_sent_n(r) && sent_n < MANY; i++)
		if (rig_asked(r, RIG_SERVER, rig_sent(r, i), &sent[sent_n])) {
			of[sent_n] = number_in(&sent[sent_n].plain);
			if (at_leisure)
				acknowledge(r, sent_n);
			sent_n++;
		}
	rig_turn(r, 10);
	return sent_n - before;
}

static RIG_UNUSED void ask_more(struct rig *r, uint8_t code, size_t body_n, bool observe)
{
	char path[16];
	struct msg ask;
	snprintf(path, sizeof(path), "3/0/%zu", req_n);
	rig_plain(&ask, code, path);
	ask.payload = span_make(body, body_n);
	struct ep_request_opts o = {.endpoint = r->e,
		.ctx = r->server,
		.msg = &ask,
		.observe = observe,
		.role = REC_ROLE_SERVER};
	REQUIRE(req_n < MANY && !ep_request_start(r->x, &o, &r->t, &req[req_n]), "a request");
	req_n++;
}

/* The device answers the i-th message; true if that request, and no other, hears of it. */
static RIG_UNUSED bool answered(struct rig *r, size_t i, uint8_t code)
{
	char text[16];
	int n = of[i];
	REQUIRE(i < sent_n && n >= 0 && n < MANY, "a message to answer");
	snprintf(text, sizeof(text), "of %d", n);
	of[i] = DONE;
	msg_init(&m, at_leisure ? MSG_NON : MSG_ACK, code);
	m.payload = span_str(text);
	bool good = rig_in(r, rig_reply(r, RIG_SERVER, &sent[i], &m, 0, &p)) == EP_RESPONSE &&
		    r->d.request == req[n] && span_eq_str(r->d.msg->payload, text);
	if (good)
		end(r);
	return good;
}

/* A challenge, a block taken, or the like: the request goes on. Block1 is given back if there is
 * one. */
static RIG_UNUSED bool goes_on(struct rig *r, size_t i, uint8_t code, const char *echo)
{
	struct block b;
	msg_init(&m, at_leisure ? MSG_NON : MSG_ACK, code);
	if (!block_get(&sent[i].plain, OPT_BLOCK1, &b))
		REQUIRE(!block_add(&m, OPT_BLOCK1, b), "block");
	REQUIRE(!echo || !msg_add(&m, OPT_ECHO, span_str(echo)), "echo");
	of[i] = DONE;
	return rig_in(r, rig_reply(r, RIG_SERVER, &sent[i], &m, echo ? RIG_OWN_NUMBER : 0, &p)) ==
	       EP_NOTHING;
}

static RIG_UNUSED void close_n(struct rig *r)
{
	struct ep_conversation *v = r->server->conv;
	struct ep_delivery d;
	ep_timer(r->x, &r->t, &d);
	CHECK(d.kind == EP_NOTHING && !v->current && !v->current_n && !v->queue && !v->queue_n &&
			v->tail == &v->queue && !v->pinned,
		"nothing is left");
	rig_turn(r, QUIET_MS);
	for (int i = 0; i < 3 && r->server->conv; i++, rig_turn(r, QUIET_MS))
		ep_timer(r->x, &r->t, &d);
	CHECK(!r->server->conv, "and in the end no conversation, whatever nstart says");
	rig_fini(r);
}

#endif
