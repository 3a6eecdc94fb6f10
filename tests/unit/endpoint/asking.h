/* SPDX-License-Identifier: Apache-2.0 */
/* The rig, with a device that was heard of and answers by hand. */
#ifndef LANYARD_TESTS_UNIT_ENDPOINT_ASKING_H
#define LANYARD_TESTS_UNIT_ENDPOINT_ASKING_H

#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static RIG_UNUSED struct rig_msg hello, q, q2, p; /* asked, and answered */
static struct msg m;

static RIG_UNUSED void open_rig(struct rig *r)
{
	rig_init(r, true);
	r->piv = 10;
	REQUIRE(rig_in(r, rig_get(r, RIG_SERVER, &hello)) == EP_REQUEST, "the device is heard of");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_turn(r, 10);
}

static RIG_UNUSED enum err ask_as(
	struct rig *r, uint8_t code, bool observe, struct ep_request **out)
{
	struct msg ask;
	rig_plain(&ask, code, "3/0/0");
	struct ep_request_opts o = {.endpoint = r->e,
		.ctx = r->server,
		.msg = &ask,
		.observe = observe,
		.role = REC_ROLE_SERVER};
	return ep_request_start(r->x, &o, &r->t, out);
}

static RIG_UNUSED struct ep_request *ask(struct rig *r, bool observe, struct rig_msg *sent)
{
	struct ep_request *req;
	REQUIRE(ask_as(r, MSG_GET, observe, &req) == ERR_OK, "a request");
	REQUIRE(rig_asked(r, RIG_SERVER, rig_sent(r, rig_sent_n(r) - 1), sent), "is sent");
	return req;
}

static RIG_UNUSED struct span reply(struct rig *r, const struct rig_msg *to, uint8_t type,
	uint8_t code, const char *payload, int flags)
{
	rig_turn(r, 10);
	msg_init(&m, type, code);
	m.payload = span_str(payload);
	return rig_reply(r, RIG_SERVER, to, &m, flags, &p);
}

static RIG_UNUSED void end(struct rig *r)
{
	ep_request_end(r->x, r->d.request, &r->t);
	ep_delivery_end(r->x, &r->d, &r->t);
}

static RIG_UNUSED bool is_empty(struct span s, uint8_t type, uint16_t mid)
{
	return s.n == 4 && s.p[0] == (0x40 | type << 4) && !s.p[1] && s.p[2] == mid >> 8 &&
	       s.p[3] == (mid & 0xff);
}

/* A block of a long body as response; Observe too if `observe` is not 0. */
static RIG_UNUSED struct span block_reply(
	struct rig *r, const struct rig_msg *to, struct block b, size_t n, uint32_t observe)
{
	static uint8_t body[8192];
	rig_turn(r, 10);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i / 7);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(!observe || msg_add_uint(&m, OPT_OBSERVE, observe) == ERR_OK, "observe");
	REQUIRE(block_add(&m, OPT_BLOCK2, b) == ERR_OK, "block");
	m.payload = span_make(body + b.num * block_size(b.szx), n);
	return rig_reply(r, RIG_SERVER, to, &m, 0, &p);
}

#endif
