/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a proxy cuts outside OSCORE, and answers it fetches in pieces (RFC 8613 section
 * 4.1.3.4.2). */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/rig.h"

static struct rig rig;
static struct rig_msg q, q2, a;
static uint8_t big[6000], joined[8192];
static size_t joined_n;

/* A request of the device with n bytes inside, as it comes to the proxy. */
static struct span request(struct rig *r, size_t n, struct rig_msg *out)
{
	struct msg m;
	rig_plain(&m, MSG_POST, "rd");
	m.payload = span_make(big, n);
	return rig_protect(r, RIG_SERVER, &m, out);
}

struct piece {
	struct block b;
	int block2_szx; /* of an answer in pieces; NO: none is asked for */
	const char *tag;
	bool flip;
};
enum { NO = -1 };

/* The proxy sends that piece of `whole` on, with Message ID and token of its own. */
static enum ep_delivery_kind put(struct rig *r, const struct rig_msg *whole, struct piece p)
{
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct msg m;
	struct span part;
	rig_turn(r, 10);
	REQUIRE(msg_parse_udp(span_make(whole->bytes, whole->n), &m) == ERR_OK, "a request");
	bool more = p.b.more;
	if (block_cut(m.payload, &p.b, &part))
		part = SPAN_LIT("beyond");
	p.b.more = p.b.more || more;
	m.payload = part;
	m.mid = r->mid++;
	m.token[1] = r->token++;
	REQUIRE(block_add(&m, OPT_BLOCK1, p.b) == ERR_OK, "Block1");
	if (p.block2_szx != NO)
		REQUIRE(block_add(&m, OPT_BLOCK2, (struct block){.szx = (uint8_t)p.block2_szx}) ==
				ERR_OK,
			"Block2");
	if (p.tag)
		REQUIRE(msg_add(&m, OPT_REQUEST_TAG, span_str(p.tag)) == ERR_OK, "Request-Tag");
	REQUIRE(msg_encode_udp(&m, &w) == ERR_OK, "encode");
	if (p.flip)
		bytes[w.n - 1] ^= 1;
	return rig_in(r, wr_span(&w));
}

/* The unprotected answer of the turn; 0: none, or a protected one. */
static uint8_t code(struct rig *r, struct msg *m)
{
	struct span s = rig_sent(r, 0);
	if (rig_sent_n(r) != 1 || msg_parse_udp(s, m) || msg_find(m, OPT_OSCORE))
		return 0;
	return m->code;
}

static bool continued(struct rig *r, struct block b)
{
	struct msg m;
	struct block got;
	return code(r, &m) == MSG_CONTINUE && !block_get(&m, OPT_BLOCK1, &got) &&
	       got.num == b.num && got.szx == b.szx && !m.payload.n && rig_sent(r, 0).n <= 16 &&
	       !rig_records(r, REC_SEEN);
}

static bool refused(struct rig *r, uint8_t want)
{
	struct msg m;
	uint32_t age;
	return code(r, &m) == want && msg_get_uint(&m, OPT_MAX_AGE, &age) && !age &&
	       !rig_records(r, REC_SEEN);
}

static size_t sealed_n(const struct rig_msg *whole)
{
	struct msg m;
	REQUIRE(msg_parse_udp(span_make(whole->bytes, whole->n), &m) == ERR_OK, "parse");
	return m.payload.n;
}

/* All pieces; true if all but the last are acknowledged and the last delivers the request. */
static bool whole(struct rig *r, const struct rig_msg *m, uint8_t szx, size_t n)
{
	size_t last = (sealed_n(m) - 1) / block_size(szx);
	for (uint32_t i = 0; i <= last; i++) {
		struct piece p = {.b = {.num = i, .szx = szx}, .block2_szx = NO};
		enum ep_delivery_kind kind = put(r, m, p);
		if (i < last && (kind != EP_NOTHING || !continued(r, p.b)))
			return false;
		if (i == last)
			return kind == EP_REQUEST && span_eq(r->d.msg->payload, span_make(big, n));
	}
	return false;
}

/* Proves: 8613-4.1.3.4.2-3 8613-8.2.1-1 */
static void sizes(void)
{
	struct rig *r = &rig;
	static const size_t bytes[] = {1, 16, 200, 1000, 1900};
	struct block b;
	rig_init(r, true);
	for (uint8_t szx = 0; szx <= 6; szx++)
		for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
			request(r, bytes[i], &q);
			CHECK(whole(r, &q, szx, bytes[i]), "a request in pieces arrives whole");
			ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
			CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
					a.plain.code == MSG_CREATED &&
					!msg_find(&a.plain, OPT_BLOCK1) &&
					!block_get(&a.outer, OPT_BLOCK1, &b) && b.szx == szx &&
					!b.more,
				"and is answered once, with Block1 outside");
		}
	CHECK(!r->x->pieces.by_key.count && r->x->count.outer_refused == 0, "nothing is left");
	rig_fini(r);
}

static struct piece at(uint32_t num, uint8_t szx)
{
	return (struct piece){.b = {.num = num, .szx = szx}, .block2_szx = NO};
}

static void copies(void)
{
	struct rig *r = &rig;
	static uint8_t first[RIG_BYTES];
	rig_init(r, true);
	request(r, 100, &q);
	CHECK(put(r, &q, at(0, 2)) == EP_NOTHING && continued(r, at(0, 2).b) &&
			put(r, &q, at(0, 2)) == EP_NOTHING && continued(r, at(0, 2).b),
		"a piece once more is acknowledged once more");
	r->mid = 700;
	r->token = 7;
	CHECK(put(r, &q, at(1, 2)) == EP_REQUEST, "the last one");
	ep_respond_code(r->x, &r->d, MSG_CREATED, &r->t);
	CHECK(rig_records(r, REC_SEEN) == 1, "is recorded");
	size_t n = rig_sent(r, 0).n;
	memcpy(first, rig_sent(r, 0).p, n);
	r->mid = 700;
	r->token = 7;
	CHECK(put(r, &q, at(1, 2)) == EP_NOTHING && rig_sent_n(r) == 1 && rig_sent(r, 0).n == n &&
			!memcmp(rig_sent(r, 0).p, first, n) && !rig_records(r, REC_SEEN),
		"a copy of it gets the same bytes");
	CHECK(put(r, &q, at(0, 2)) == EP_NOTHING && refused(r, MSG_UNAUTHORIZED),
		"under another Message ID it is a replay, from its first piece on");
	rig_fini(r);
}

static void apart(void)
{
	struct rig *r = &rig;
	struct peer honest;
	rig_init(r, true);
	honest = r->from;
	request(r, 100, &q);
	request(r, 100, &q2);
	CHECK(put(r, &q, at(0, 2)) == EP_NOTHING && put(r, &q2, at(0, 2)) == EP_NOTHING,
		"two requests of one device at once");
	CHECK(put(r, &q, at(1, 2)) == EP_REQUEST && put(r, &q2, at(1, 2)) == EP_REQUEST,
		"do not mix: their Partial IVs differ");
	request(r, 100, &q);
	put(r, &q, at(0, 2));
	r->from.addr[5]++;
	CHECK(put(r, &q, at(1, 2)) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"from another port it is another transfer: 4.08");
	r->from = honest;
	struct piece tagged = at(1, 2);
	tagged.tag = "t";
	CHECK(put(r, &q, tagged) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"so it is under another Request-Tag");
	CHECK(put(r, &q, at(1, 2)) == EP_REQUEST, "and the first is not hurt");
	rig_fini(r);
}

static void troubles(void)
{
	struct rig *r = &rig;
	rig_init(r, true);
	request(r, 1000, &q);
	CHECK(put(r, &q, at(1, 2)) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"no beginning: 4.08");
	put(r, &q, at(0, 2));
	CHECK(put(r, &q, at(2, 2)) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"a gap: 4.08");
	CHECK(put(r, &q, at(1, 2)) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"what was there is gone");
	request(r, 100, &q);
	struct piece bad = at(1, 2);
	bad.flip = true;
	put(r, &q, at(0, 2));
	CHECK(put(r, &q, bad) == EP_NOTHING && refused(r, MSG_BAD_REQUEST) &&
			!r->x->pieces.by_key.count,
		"a changed piece: 4.00, and nothing is kept");
	CHECK(whole(r, &q, 2, 100), "which used up no number: the same request may come");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_fini(r);
}

/* A datagram of the proxy made by hand: a piece of `n` bytes of nothing for number `piv`. */
static enum ep_delivery_kind junk(struct rig *r, uint8_t piv, const char *kid, struct block b)
{
	static uint8_t bytes[RIG_BYTES], option[16];
	struct writer w = wr_make(bytes, sizeof(bytes)), o = wr_make(option, sizeof(option));
	struct msg m;
	rig_turn(r, 10);
	wr_u8(&o, 0x09);
	wr_u8(&o, piv);
	wr_str(&o, kid);
	msg_init(&m, MSG_CON, MSG_POST);
	m.mid = r->mid++;
	m.token_n = 1;
	m.token[0] = r->token++;
	m.payload = span_make(big, block_size(b.szx));
	REQUIRE(msg_add(&m, OPT_OSCORE, wr_span(&o)) == ERR_OK &&
			block_add(&m, OPT_BLOCK1, b) == ERR_OK && msg_encode_udp(&m, &w) == ERR_OK,
		"junk");
	return rig_in(r, wr_span(&w));
}

/* Proves: 8613-4.1.3.4.2-1 8613-4.1.3.4.2-4 */
static void bounds(void)
{
	struct rig *r = &rig;
	struct msg m;
	uint32_t size1 = 0, i;
	rig_init(r, true);
	for (i = 0; i < 4; i++)
		CHECK(junk(r, 9, "s", (struct block){i, true, 6}) == EP_NOTHING &&
				continued(r, (struct block){i, true, 6}),
			"up to 4096 bytes");
	CHECK(junk(r, 9, "s", (struct block){i, true, 6}) == EP_NOTHING &&
			code(r, &m) == MSG_TOO_LARGE && msg_get_uint(&m, OPT_SIZE1, &size1) &&
			size1 == EP_UNFRAGMENTED_MAX && !r->x->pieces.by_key.count,
		"beyond: 4.13, and it is gone");
	CHECK(junk(r, 9, "?", (struct block){0, true, 6}) == EP_NOTHING &&
			refused(r, MSG_UNAUTHORIZED) && !r->x->pieces.by_key.count,
		"nothing is kept for a kid we do not know");
	for (i = 0; i < 100; i++)
		junk(r, (uint8_t)(100 + i), "s", (struct block){0, true, 0});
	CHECK(r->x->pieces.by_key.count == 64, "one address has at most 64 on their way");
	CHECK(junk(r, 199, "s", (struct block){1, true, 0}) == EP_NOTHING &&
			continued(r, (struct block){1, true, 0}),
		"the newest of them");
	for (i = 0; i < 2000; i++) {
		r->from.addr[2] = (uint8_t)(i / 60);
		junk(r, (uint8_t)(10 + i % 60), "s", (struct block){0, true, 0});
	}
	CHECK(r->x->pieces.by_key.count == 1024, "and all together 1024");
	uint64_t due = ep_deadline_ms(r->x);
	CHECK(due > r->now_ms && due <= r->now_ms + 247000, "they end by themselves");
	rig_turn(r, 247001);
	ep_timer(r->x, &r->t, &r->d);
	CHECK(!r->x->pieces.by_key.count && r->d.kind == EP_NOTHING, "after EXCHANGE_LIFETIME");
	rig_fini(r);
}

/* Blocks of the device inside, pieces of the proxy outside. */
static void inner_and_outer(void)
{
	struct rig *r = &rig;
	struct block got;
	rig_init(r, true);
	for (uint32_t i = 0; i < 3; i++) {
		struct msg m;
		rig_plain(&m, MSG_POST, "rd");
		REQUIRE(block_add(&m, OPT_BLOCK1, (struct block){i, i < 2, 5}) == ERR_OK, "block");
		m.payload = span_make(big + 512 * i, i < 2 ? 512 : 100);
		rig_protect(r, RIG_SERVER, &m, &q);
		size_t last = (sealed_n(&q) - 1) / 64;
		for (uint32_t k = 0; k < last; k++)
			CHECK(put(r, &q, at(k, 2)) == EP_NOTHING && continued(r, at(k, 2).b),
				"a piece of a block");
		enum ep_delivery_kind kind = put(r, &q, at((uint32_t)last, 2));
		if (i == 2) {
			CHECK(kind == EP_REQUEST &&
					span_eq(r->d.msg->payload, span_make(big, 1124)),
				"all pieces of all blocks make the body");
			break;
		}
		CHECK(kind == EP_NOTHING && rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) &&
				a.plain.code == MSG_CONTINUE &&
				!block_get(&a.plain, OPT_BLOCK1, &got) && got.num == i &&
				got.szx == 5 && !block_get(&a.outer, OPT_BLOCK1, &got) &&
				got.num == last && got.szx == 2,
			"each is answered inside and outside");
	}
	rig_fini(r);
}

/* ---- answers in pieces */

/* A request whole, by a proxy that wants the answer in pieces; the engine answers with n bytes. */
static void asked_in_pieces(struct rig *r, uint8_t szx, size_t n)
{
	struct msg m, resp;
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	rig_turn(r, 10);
	rig_get(r, RIG_SERVER, &q);
	REQUIRE(msg_parse_udp(span_make(q.bytes, q.n), &m) == ERR_OK &&
			block_add(&m, OPT_BLOCK2, (struct block){.szx = szx}) == ERR_OK &&
			msg_encode_udp(&m, &w) == ERR_OK,
		"asked");
	REQUIRE(rig_in(r, wr_span(&w)) == EP_REQUEST, "delivered");
	msg_init(&resp, MSG_ACK, MSG_CONTENT);
	resp.payload = span_make(big, n);
	ep_respond(r->x, &r->d, &resp, &r->t);
	joined_n = 0;
}

/* Joins what was sent last; false if it is no piece. Keeps the head in a. */
static bool join(struct rig *r, struct block *b)
{
	struct span s = rig_sent(r, 0);
	memcpy(a.bytes, s.p ? s.p : a.bytes, a.n = s.n);
	if (rig_sent_n(r) != 1 || msg_parse_udp(span_make(a.bytes, a.n), &a.outer) ||
		!msg_find(&a.outer, OPT_OSCORE) || block_get(&a.outer, OPT_BLOCK2, b) ||
		b->num * block_size(b->szx) != joined_n)
		return false;
	memcpy(joined + joined_n, a.outer.payload.p, a.outer.payload.n);
	joined_n += a.outer.payload.n;
	return true;
}

static enum ep_delivery_kind ask_piece(struct rig *r, uint32_t num, uint8_t szx)
{
	static uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct msg m;
	rig_turn(r, 10);
	REQUIRE(msg_parse_udp(span_make(q.bytes, q.n), &m) == ERR_OK, "parse");
	m.payload = SPAN_EMPTY;
	m.mid = r->mid++;
	m.token[1] = r->token++;
	REQUIRE(block_add(&m, OPT_BLOCK2, (struct block){.num = num, .szx = szx}) == ERR_OK &&
			msg_encode_udp(&m, &w) == ERR_OK,
		"ask");
	return rig_in(r, wr_span(&w));
}

static bool opens(struct rig *r, size_t n)
{
	struct writer work = wr_make(a.work, sizeof(a.work));
	a.outer.payload = span_make(joined, joined_n);
	return !osc_unprotect_response(r->crypto, &r->device[RIG_SERVER], &q.binding, &a.outer,
		       &work, &a.plain, &a.number) &&
	       a.plain.code == MSG_CONTENT && span_eq(a.plain.payload, span_make(big, n));
}

static void answers(void)
{
	struct rig *r = &rig;
	struct block b;
	rig_init(r, true);
	for (uint8_t szx = 0; szx <= 6; szx++) {
		asked_in_pieces(r, szx, 1024);
		CHECK(rig_records(r, REC_SEEN) == 1 && join(r, &b) && b.more && b.szx == szx,
			"the first piece, when asked for");
		while (b.more && ask_piece(r, b.num + 1, szx) == EP_NOTHING && join(r, &b))
			CHECK(!rig_records(r, REC_SEEN), "the rest is no request");
		CHECK(!b.more && opens(r, 1024), "put together they are one answer");
	}
	asked_in_pieces(r, 6, 100);
	CHECK(rig_answer(r, RIG_SERVER, &q, rig_sent(r, 0), &a) && !msg_find(&a.outer, OPT_BLOCK2),
		"what fits goes out as it is");
	rig_fini(r);
}

static void answers_kept_from_others(void)
{
	struct rig *r = &rig;
	struct block b;
	unsigned served = 0;
	rig_init(r, true);
	asked_in_pieces(r, 2, 1000);
	REQUIRE(join(r, &b), "first");
	r->from.addr[5]++;
	CHECK(ask_piece(r, 1, 2) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"another peer gets 4.08");
	r->from.addr[5]--;
	CHECK(ask_piece(r, 100, 2) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"beyond the end: 4.08");
	CHECK(ask_piece(r, 1, 2) == EP_NOTHING && join(r, &b), "the proxy gets it");
	while (served < 1000 && ask_piece(r, 1, 2) == EP_NOTHING &&
		!refused(r, MSG_REQUEST_ENTITY_INCOMPLETE))
		served++;
	CHECK(served > 40 && served < 80, "not for ever: about four times all of it");
	struct rig_msg old = q;
	asked_in_pieces(r, 2, 500);
	q2 = q;
	q = old;
	CHECK(ask_piece(r, 1, 2) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"an older answer is gone");
	q = q2;
	CHECK(ask_piece(r, 1, 2) == EP_NOTHING && !refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"the newest is there");
	rig_turn(r, 247001);
	CHECK(ask_piece(r, 2, 2) == EP_NOTHING && refused(r, MSG_REQUEST_ENTITY_INCOMPLETE),
		"as long as an exchange lives");
	rig_fini(r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 / 3);
	sizes();
	copies();
	apart();
	troubles();
	bounds();
	inner_and_outer();
	answers();
	answers_kept_from_others();
	return test_done();
}
