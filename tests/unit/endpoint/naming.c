/* SPDX-License-Identifier: Apache-2.0 */
/* The kid context of our requests: as long as a device may need it, and no longer (RFC 8613
 * section 5.2). */
#include "endpoint/exchange_impl.h"
#include "tests/unit/endpoint/asking.h"

enum { LONG = 40, SHORT = 14, ID_CONTEXT = 24 };

static const uint8_t id_context[ID_CONTEXT] = {9, 8, 7};

/* The rig, with keys that have an ID Context in place of the others. */
static void open_named(struct rig *r)
{
	struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
					      .hkdf = ALG_HKDF_SHA256,
					      .master_secret = SPAN_LIT("recovered secret"),
					      .sender_id = SPAN_LIT("\x01"),
					      .recipient_id = SPAN_LIT("n"),
					      .has_id_context = true,
					      .id_context = SPAN_OF(id_context)},
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_RECOVERED,
		.generation = REC_GEN_USED,
		.highest = UINT64_MAX,
		.fresh = true};
	struct osc_params device = in.params;
	rig_init(r, true);
	device.sender_id = in.params.recipient_id;
	device.recipient_id = in.params.sender_id;
	REQUIRE(!ep_context_add(&r->dir, r->e, &in, &r->t, &r->server) &&
			!osc_derive(r->crypto, &device, &r->device[RIG_SERVER]),
		"keys");
	rig_turn(r, 10);
}

/* A request of the device, with or without its kid context. */
static void hear(struct rig *r, bool named)
{
	struct span kid_context = SPAN_OF(id_context);
	struct writer work = wr_make(hello.work, sizeof(hello.work)),
		      w = wr_make(hello.bytes, sizeof(hello.bytes));
	struct msg plain, sealed;
	rig_turn(r, 10);
	rig_plain(&plain, MSG_GET, "rd/x");
	plain.mid = r->mid++;
	plain.token_n = 1;
	plain.token[0] = r->token++;
	REQUIRE(!osc_protect_request(r->crypto, &r->device[RIG_SERVER], r->piv++,
			named ? &kid_context : NULL, &plain, &work, &sealed, &hello.binding) &&
			!msg_encode_udp(&sealed, &w),
		"protect");
	REQUIRE(rig_in(r, wr_span(&w)) == EP_REQUEST && r->d.ctx == r->server, "it is heard of");
	ep_respond_code(r->x, &r->d, MSG_CHANGED, &r->t);
	rig_turn(r, 10);
}

/* How many bytes the last datagram is longer than what is in it would be in the clear. */
static size_t last_extra(struct rig *r)
{
	uint8_t bytes[RIG_BYTES];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct span sent = rig_sent(r, rig_sent_n(r) - 1);
	REQUIRE(rig_asked(r, RIG_SERVER, sent, &q), "a request of ours");
	q.plain.type = q.outer.type;
	q.plain.token_n = q.outer.token_n;
	REQUIRE(!msg_encode_udp(&q.plain, &w), "in the clear");
	struct osc_option o;
	REQUIRE(!osc_option_of(&q.outer, &o), "option 9");
	CHECK(!o.has_kid_context || span_eq(o.kid_context, SPAN_OF(id_context)),
		"raw, and the right one");
	return sent.n - w.n;
}

static struct ep_request *get(struct rig *r, uint8_t code, size_t extra, const char *what)
{
	struct ep_request *req;
	rig_turn(r, 10);
	REQUIRE(!ask_as(r, code, false, &req), "a request");
	CHECK(last_extra(r) == extra, what);
	return req;
}

static void answer(struct rig *r)
{
	CHECK(rig_in(r, reply(r, &q, MSG_ACK, MSG_CONTENT, "x", 0)) == EP_RESPONSE, "answered");
	end(r);
}

/* An error in the clear, to what was asked last. */
static void refuse(struct rig *r, uint8_t code)
{
	uint8_t plain[12] = {0x68, code, (uint8_t)(q.outer.mid >> 8), (uint8_t)q.outer.mid};
	memcpy(plain + 4, q.outer.token, 8);
	rig_turn(r, 10);
	CHECK(rig_in(r, SPAN_OF(plain)) == EP_NOTHING, "an error in the clear ends nothing");
}

static void silence(struct rig *r)
{
	struct ep_delivery d = {.kind = EP_NOTHING};
	for (int i = 0; i < 100 && d.kind == EP_NOTHING; i++) {
		uint64_t due = ep_deadline_ms(r->x);
		rig_turn(r, due > r->now_ms ? due - r->now_ms : 0);
		ep_timer(r->x, &r->t, &d);
	}
	CHECK(d.kind == EP_TIMEOUT, "no answer");
	ep_request_end(r->x, d.request, &r->t);
	ep_delivery_end(r->x, &d, &r->t);
}

/* Proves: 8613-5-6 */
static void learned(void)
{
	struct rig *r = &rig;
	open_named(r);
	hear(r, true);
	get(r, MSG_GET, LONG, "the device names it, and so do we");
	answer(r);
	hear(r, false);
	get(r, MSG_GET, SHORT, "it does not, and nor do we: 26 bytes less");
	answer(r);
	hear(r, true);
	get(r, MSG_GET, SHORT, "it has answered such a one, so that stays");
	answer(r);
	rig_fini(r);
	open_rig(r);
	get(r, MSG_GET, SHORT, "there is none to name");
	answer(r);
	CHECK(r->server->naming == EP_NAMING_FULL, "and nothing to learn");
	rig_fini(r);
}

static void not_known(uint8_t code, bool proved)
{
	struct rig *r = &rig;
	struct ep_request *req;
	open_named(r);
	hear(r, false);
	if (proved) {
		get(r, MSG_GET, SHORT, "short");
		answer(r);
	}
	req = get(r, MSG_GET, SHORT, "short");
	struct rig_msg first = q;
	refuse(r, code);
	CHECK(rig_sent_n(r) == 1 && last_extra(r) == LONG, "it is asked again, at length");
	CHECK(q.outer.mid != first.outer.mid && q.number == first.number + 1,
		"as a message of its own");
	CHECK(!r->server->conv->begin, "no new keys are offered for that");
	answer(r);
	CHECK(r->d.request == req, "and that is answered");
	get(r, MSG_GET, LONG, "the next is long too");
	answer(r);
	hear(r, false);
	get(r, MSG_GET, proved ? SHORT : LONG,
		proved ? "it knew it once: another chance" : "it never did: no other");
	refuse(r, code);
	if (proved)
		CHECK(last_extra(r) == LONG, "asked again");
	else
		CHECK(rig_sent_n(r) == 0 && r->server->conv->begin,
			"at length it does not know it: it is offered new keys");
	refuse(r, code);
	silence(r);
	hear(r, false);
	get(r, MSG_GET, LONG, "no more chances");
	answer(r);
	rig_fini(r);
}

/* What does something is not done twice because of what anybody can say. */
static void not_repeated(void)
{
	struct rig *r = &rig;
	open_named(r);
	hear(r, false);
	get(r, MSG_POST, SHORT, "an Execute");
	refuse(r, MSG_UNAUTHORIZED);
	CHECK(!rig_sent_n(r) && !r->server->conv->begin, "nothing is sent");
	answer(r);
	get(r, MSG_POST, LONG, "the next is long");
	refuse(r, MSG_UNAUTHORIZED);
	CHECK(!rig_sent_n(r) && r->server->conv->begin, "and then it is as ever");
	rig_fini(r);
}

static void no_answer(void)
{
	struct rig *r = &rig;
	open_named(r);
	hear(r, false);
	get(r, MSG_GET, SHORT, "short");
	silence(r);
	get(r, MSG_GET, LONG, "after silence it is long");
	answer(r);
	hear(r, false);
	get(r, MSG_GET, LONG, "for good: it may have been that");
	answer(r);
	rig_fini(r);
	open_named(r);
	hear(r, false);
	get(r, MSG_GET, SHORT, "short");
	answer(r);
	get(r, MSG_GET, SHORT, "short");
	silence(r);
	get(r, MSG_GET, LONG, "likewise where it was understood before");
	answer(r);
	hear(r, false);
	get(r, MSG_GET, SHORT, "but then it was something else");
	answer(r);
	get(r, MSG_GET, SHORT, "as it seems");
	answer(r);
	rig_fini(r);
}

/* An error in the clear with the token of an observation. */
static void observing(void)
{
	struct rig *r = &rig;
	open_named(r);
	hear(r, false);
	struct ep_request *req;
	REQUIRE(!ask_as(r, MSG_GET, true, &req) && last_extra(r) == SHORT + 1, "observe");
	rig_turn(r, 10);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	REQUIRE(!msg_add_uint(&m, OPT_OBSERVE, 1), "observe");
	CHECK(rig_in(r, rig_reply(r, RIG_SERVER, &q, &m, 0, &p)) == EP_RESPONSE, "observed");
	ep_delivery_end(r->x, &r->d, &r->t);
	refuse(r, MSG_UNAUTHORIZED);
	CHECK(!rig_sent_n(r) && r->server->naming == EP_NAMING_SHORT,
		"does not have it registered again");
	rig_fini(r);
}

/* The sizes of blocks follow what is sent. */
static void sizes(void)
{
	static uint8_t body[256];
	struct rig *r = &rig;
	for (size_t n = 100; n < 200; n++) {
		struct ep_request *req;
		struct msg ask_for;
		struct block b;
		open_named(r);
		struct pace pace = {.message_bytes = 200};
		REQUIRE(!ep_set_pace(r->e, &pace), "short messages");
		for (int brief = 0; brief < 2; brief++) {
			hear(r, !brief);
			rig_plain(&ask_for, MSG_PUT, "5/0/0");
			ask_for.payload = span_make(body, n);
			struct ep_request_opts o = {.endpoint = r->e,
				.ctx = r->server,
				.msg = &ask_for,
				.role = REC_ROLE_SERVER};
			REQUIRE(!ep_request_start(r->x, &o, &r->t, &req), "a Write");
			struct span sent = rig_sent(r, 0);
			CHECK(last_extra(r) == (brief ? SHORT : LONG), "as long as it should be");
			bool whole = block_get(&q.plain, OPT_BLOCK1, &b) == ERR_NOTFOUND;
			size_t all = 4 + 8 + 6 + 1 + n + (brief ? SHORT : LONG);
			CHECK(whole == (all <= 200) && (!whole || sent.n == all),
				"whole as long as it fits, to the byte");
			ep_request_end(r->x, req, &r->t);
		}
		rig_fini(r);
	}
}

int main(void)
{
	learned();
	not_known(MSG_UNAUTHORIZED, false);
	not_known(MSG_UNAUTHORIZED, true);
	not_known(MSG_BAD_REQUEST, false);
	not_repeated();
	no_answer();
	observing();
	sizes();
	return test_done();
}
