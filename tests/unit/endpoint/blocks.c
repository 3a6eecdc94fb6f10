/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come in by Block1, inside OSCORE (RFC 7959 section 2.5; RFC 8613 section 4.1.3.4). */
#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static struct rig_msg q, a;
static uint8_t body[6000];

/* One block of the body; the code of the answer, or MSG_CONTINUE + 1 if it was delivered whole. */
enum { WHOLE = MSG_CONTINUE + 1 };

static uint8_t put(struct rig *r, const char *path, struct block b, size_t n)
{
	struct msg m;
	rig_turn(r, 10);
	rig_plain(&m, MSG_POST, path);
	REQUIRE(block_add(&m, OPT_BLOCK1, b) == ERR_OK, "block");
	m.payload = span_make(body + b.num * block_size(b.szx), n);
	if (rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)) == EP_REQUEST)
		return WHOLE;
	if (!rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) || rig_records(r, REC_SEEN) != 1)
		return 0;
	return a.plain.code;
}

/* All blocks of n bytes; true if they arrive whole and each is answered as it should be. */
static bool whole(struct rig *r, uint8_t szx, size_t n)
{
	size_t size = block_size(szx), last = (n - 1) / size;
	for (uint32_t i = 0; i <= last; i++) {
		struct block b = {.num = i, .more = i < last, .szx = szx}, got;
		uint8_t code = put(r, "rd", b, i < last ? size : n - last * size);
		if (i == last)
			return code == WHOLE && span_eq(r->d.msg->payload, span_make(body, n));
		if (code != MSG_CONTINUE || block_get(&a.plain, OPT_BLOCK1, &got) || got.num != i ||
			!got.more || got.szx != szx)
			return false;
	}
	return false;
}

/* Proves: 8613-4.1.3.4.1-2 */
static void sizes(void)
{
	struct rig *r = &rig;
	static const size_t bytes[] = {1, 15, 16, 17, 1023, 1024, 1025, 3000, 5000};
	rig_init(r, true);
	for (uint8_t szx = 0; szx <= 6; szx++)
		for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
			struct block got;
			CHECK(whole(r, szx, bytes[i]),
				"a body in blocks arrives whole (GEN-03, BLK-01)");
			ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
			CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
					a.plain.code == MSG_CREATED &&
					!block_get(&a.plain, OPT_BLOCK1, &got) && !got.more,
				"the last is answered by the engine, with Block1");
		}
	rig_fini(r);
}

static void troubles(void)
{
	struct rig *r = &rig;
	struct block b0 = {0, true, 2}, b1 = {1, true, 2}, b2 = {2, true, 2}, b3 = {3, false, 2};
	rig_init(r, true);
	CHECK(put(r, "rd", b1, 64) == MSG_REQUEST_ENTITY_INCOMPLETE, "no beginning: 4.08");
	CHECK(put(r, "rd", b0, 64) == MSG_CONTINUE &&
			put(r, "rd", b2, 64) == MSG_REQUEST_ENTITY_INCOMPLETE,
		"a gap: 4.08 (BLK-03)");
	CHECK(put(r, "rd", b1, 64) == MSG_REQUEST_ENTITY_INCOMPLETE, "what was there is gone");
	CHECK(put(r, "rd", b0, 64) == MSG_CONTINUE && put(r, "rd", b1, 64) == MSG_CONTINUE &&
			put(r, "rd", b0, 64) == MSG_CONTINUE &&
			put(r, "rd", b1, 64) == MSG_CONTINUE,
		"number 0 starts anew");
	CHECK(put(r, "rd", b1, 64) == MSG_CONTINUE, "the last block once more does no harm");
	CHECK(put(r, "rd/x", b2, 64) == MSG_REQUEST_ENTITY_INCOMPLETE,
		"another path is another body: 4.08");
	CHECK(put(r, "other", b0, 64) == MSG_NOT_FOUND, "nothing else takes a body: 4.04");
	CHECK(put(r, "rd", b2, 64) == MSG_CONTINUE && put(r, "rd", b3, 10) == WHOLE &&
			r->d.msg->payload.n == 202,
		"which did not hurt the first");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	CHECK(put(r, "rd", b3, 10) == MSG_REQUEST_ENTITY_INCOMPLETE,
		"after its end nothing is left of it");
	CHECK(put(r, "rd", b0, 63) == MSG_REQUEST_ENTITY_INCOMPLETE, "a short block with more");
	CHECK(put(r, "rd", b0, 65) == MSG_REQUEST_ENTITY_INCOMPLETE, "a block too long");
	rig_fini(r);
}

/* A device may use one token for all of them, and say Size2: 0. Proves: CT-54 */
static void same_token(void)
{
	struct rig *r = &rig;
	struct msg m;
	rig_init(r, true);
	for (uint32_t i = 0; i < 3; i++) {
		rig_plain(&m, MSG_POST, "rd");
		r->token = 5;
		REQUIRE(block_add(&m, OPT_BLOCK1, (struct block){i, i < 2, 2}) == ERR_OK &&
				msg_add_uint(&m, OPT_SIZE2, 0) == ERR_OK,
			"options");
		m.payload = span_make(body + i * 64, 64);
		enum ep_delivery_kind kind = rig_in(r, rig_protect(r, RIG_SERVER, &m, &q));
		CHECK(q.bytes[5] == 5 && kind == (i < 2 ? EP_NOTHING : EP_REQUEST),
			"a token again and again");
	}
	CHECK(r->d.msg->payload.n == 192, "the whole");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	rig_fini(r);
}

static void too_large(void)
{
	struct rig *r = &rig;
	uint8_t code = MSG_CONTINUE;
	uint32_t i;
	rig_init(r, true);
	for (i = 0; i < 6 && code == MSG_CONTINUE; i++)
		code = put(r, "rd", (struct block){i, true, 6}, 1024);
	CHECK(code == MSG_TOO_LARGE && i == 5, "above the limit: 4.13 (BLK-03)");
	CHECK(put(r, "rd", (struct block){i, true, 6}, 1) == MSG_REQUEST_ENTITY_INCOMPLETE,
		"and the transfer is over");
	rig_fini(r);
}

static void bad_option(void)
{
	struct rig *r = &rig;
	struct msg m;
	rig_init(r, true);
	rig_plain(&m, MSG_POST, "rd");
	REQUIRE(msg_add_uint(&m, OPT_BLOCK1, 0x0f) == ERR_OK, "SZX 7");
	m.payload = SPAN_LIT("x");
	CHECK(rig_in(r, rig_protect(r, RIG_SERVER, &m, &q)) == EP_NOTHING &&
			rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
			a.plain.code == MSG_BAD_OPTION,
		"SZX 7: 4.02");
	rig_fini(r);
}

/* A conversation that has been quiet forgets half a body. */
static void forgotten(void)
{
	struct rig *r = &rig;
	struct ep_delivery d;
	rig_init(r, true);
	CHECK(put(r, "rd", (struct block){0, true, 2}, 64) == MSG_CONTINUE, "half a body");
	for (int n = 0; n < 4 && r->server->conv; n++) {
		rig_turn(r, 250000);
		ep_timer(r->x, &r->t, &d);
	}
	CHECK(!r->server->conv, "goes with its conversation");
	CHECK(put(r, "rd", (struct block){1, true, 2}, 64) == MSG_REQUEST_ENTITY_INCOMPLETE,
		"its rest finds nothing");
	rig_fini(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7 + i / 256);
	sizes();
	troubles();
	same_token();
	too_large();
	bad_option();
	forgotten();
	return test_done();
}
