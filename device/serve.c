/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the device: duplicates, OSCORE, blocks, and the way back. */
#include "device/inner.h"
#include "oscore/echo.h"

#include <string.h>

enum { ECHO_MAX_AGE_MS = 60 * 1000, CONTEXTS = 2 };

static uint64_t expiry_ms(const struct dev *d, const struct peer *from)
{
	return dev_now_ms(d) + bearer_timing(from->bearer)->exchange_lifetime_ms;
}

/* A piggybacked answer to a CON, a NON to a NON. */
void dev_answer_head(struct dev *d, const struct msg *outer, struct msg *reply)
{
	bool con = outer->type == MSG_CON;
	reply->type = con ? MSG_ACK : MSG_NON;
	reply->mid = con ? outer->mid : d->mid++;
	reply->token_n = outer->token_n;
	memcpy(reply->token, outer->token, outer->token_n);
}

/* An error in the clear (RFC 8613 section 8.2). A NON gets none: nobody asked for it. */
static void refuse(struct dev_call *c, uint8_t code, const char *why)
{
	struct dev *d = c->d;
	struct dev_event *e = dev_event_add(d, DEV_EVENT_REFUSED);
	struct msg m;
	struct span datagram;
	e->code = code;
	dev_event_text(d, e, span_str(why));
	if (c->outer->type != MSG_CON)
		return;
	msg_init(&m, MSG_ACK, code);
	dev_answer_head(d, c->outer, &m);
	m.payload = span_str(why);
	if (msg_add_uint(&m, OPT_MAX_AGE, 0) == ERR_OK &&
		dev_encode(d->host, &m, &datagram) == ERR_OK)
		dev_emit(d, c->from, datagram);
}

static void send_kept(struct dev_call *c, struct span datagram)
{
	struct dev *d = c->d;
	dev_emit(d, c->from, datagram);
	/* Without room to remember, a copy of the request is a replay, which is safe. */
	if (dedup_put(&d->dedup, &d->host->budget, c->hash, expiry_ms(d, c->from), datagram,
		    dev_now_ms(d)) != ERR_OK)
		return;
}

void dev_answer_sealed(struct dev_call *c, const struct msg *sealed)
{
	struct span datagram;
	enum err e = dev_encode(c->d->host, sealed, &datagram);
	if (e)
		c->d->host->out->err = e;
	else
		send_kept(c, datagram);
}

/* Protects and sends. `own_number`: not under the request's nonce. */
static void answer(struct dev_call *c, struct msg *reply, bool own_number)
{
	struct dev *d = c->d;
	struct dev_host *h = d->host;
	struct writer buf = dev_scratch(h, dev_msg_bytes(reply));
	struct msg out;
	struct span datagram;
	uint64_t number;
	enum err e = buf.err;
	dev_answer_head(d, c->outer, reply);
	if (e == ERR_OK && own_number)
		e = dev_context_number(d, c->ctx, &number);
	if (e == ERR_OK)
		e = osc_protect_response(h->crypto, &c->ctx->keys, &c->binding,
			own_number ? &number : NULL, reply, &buf, &out);
	if (e == ERR_OK)
		e = dev_encode(h, &out, &datagram);
	if (e) {
		h->out->err = e;
		return;
	}
	send_kept(c, datagram);
}

static void answer_code(struct dev_call *c, uint8_t code, bool own_number)
{
	struct msg m;
	msg_init(&m, MSG_ACK, code);
	answer(c, &m, own_number);
}

/* RFC 8613 Appendix B.1.2: true if the request may be acted on. */
static bool fresh(struct dev_call *c)
{
	struct dev *d = c->d;
	struct dev_host *h = d->host;
	const struct opt *o = msg_find(&c->plain, OPT_ECHO);
	uint64_t id = (uint64_t)d->index << 1 | (c->ctx == d->ctx[DEV_ROLE_SERVER]);
	uint8_t echo[OSC_ECHO_BYTES];
	struct msg m;
	if (!c->ctx->challenge)
		return true;
	if (o && osc_echo_check(h->crypto, h->echo_key, id, dev_now_ms(d), ECHO_MAX_AGE_MS,
			 o->val) == ERR_OK) {
		c->ctx->challenge = false;
		return true;
	}
	dev_event_add(d, DEV_EVENT_CHALLENGE);
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	if (osc_echo_make(h->crypto, h->echo_key, id, dev_now_ms(d), echo) == ERR_OK &&
		msg_add(&m, OPT_ECHO, SPAN_OF(echo)) == ERR_OK)
		answer(c, &m, true);
	return false;
}

/* What makes two blocks parts of one body (RFC 7959 section 2.5, RFC 9175 section 3). */
static void block_key(const struct dev_call *c, uint8_t key[static 16])
{
	static const uint16_t nums[] = {
		OPT_URI_PATH, OPT_URI_QUERY, OPT_CONTENT_FORMAT, OPT_REQUEST_TAG};
	uint8_t text[256];
	struct writer w = wr_make(text, sizeof(text));
	wr_u8(&w, c->plain.code);
	wr_u8(&w, c->ctx == c->d->ctx[DEV_ROLE_SERVER]);
	for (size_t i = 0; i < sizeof(nums) / sizeof(nums[0]); i++) {
		for (const struct opt *o = msg_find(&c->plain, nums[i]); o;
			o = msg_next(&c->plain, o)) {
			wr_u16(&w, o->num);
			wr_u16(&w, (uint16_t)o->val.n);
			wr_bytes(&w, o->val);
		}
	}
	struct writer k = wr_make(key, 16);
	wr_u64(&k, siphash24(c->d->host->seed, wr_span(&w)));
	wr_u64(&k, w.err ? 1 : 0);
}

static uint8_t block_code(enum block_step step)
{
	switch (step) {
	case BLOCK_MORE:
		return MSG_CONTINUE;
	case BLOCK_DONE:
		return MSG_EMPTY;
	case BLOCK_INCOMPLETE:
		return MSG_REQUEST_ENTITY_INCOMPLETE;
	case BLOCK_TOO_LARGE:
		return MSG_TOO_LARGE;
	case BLOCK_NOMEM:
		break;
	}
	return MSG_UNAVAILABLE;
}

static void answer_block(struct dev_call *c, struct msg *reply)
{
	uint8_t szx = block_szx_for(c->d->host->o.block_bytes);
	struct block b = c->block1;
	if (b.szx > szx)
		b.szx = szx; /* the sender goes on from the same offset in smaller blocks */
	if (c->has_block1 && block_add(reply, OPT_BLOCK1, b) != ERR_OK)
		reply->code = MSG_INTERNAL_ERROR;
}

/* The first block may tell how long the body is (RFC 7959 section 4). */
static bool too_large(const struct dev_call *c)
{
	uint32_t size;
	return c->block1.num == 0 && msg_get_uint(&c->plain, OPT_SIZE1, &size) &&
	       size > c->d->host->o.body_limit_bytes;
}

/* Collects a body in blocks; true when c->body holds all of it. */
static bool take_blocks(struct dev_call *c)
{
	struct dev *d = c->d;
	uint8_t key[16];
	struct msg m;
	enum err e = block_get(&c->plain, OPT_BLOCK1, &c->block1);
	c->body = c->plain.payload;
	if (e == ERR_NOTFOUND)
		return true;
	if (e) {
		answer_code(c, MSG_BAD_OPTION, false);
		return false;
	}
	c->has_block1 = true;
	block_key(c, key);
	enum block_step step = BLOCK_INCOMPLETE;
	bool push = c->ctx == d->ctx[DEV_ROLE_SERVER] && dev_firmware_is_push(&c->plain);
	if (push && dev_firmware_may_push(d)) { /* nothing is collected for it */
		answer_code(c, dev_firmware_may_push(d), false);
		return false;
	}
	if (too_large(c)) {
		step = BLOCK_TOO_LARGE;
	} else if (push) {
		step = dev_firmware_block(d, c->block1, c->plain.payload);
		c->pushed = true;
	} else if (c->block1.num == 0 || memcmp(key, d->rx.key, sizeof(key)) == 0) {
		step = block_rx_take(&d->rx, c->block1, c->plain.payload, dev_now_ms(d));
		memcpy(d->rx.key, key, sizeof(key));
	}
	c->body = c->pushed ? SPAN_EMPTY : span_make(d->rx.body, d->rx.n);
	if (step == BLOCK_DONE)
		return true;
	msg_init(&m, MSG_ACK, block_code(step));
	if (step == BLOCK_MORE)
		answer_block(c, &m);
	if (step == BLOCK_TOO_LARGE &&
		msg_add_uint(&m, OPT_SIZE1, d->host->o.body_limit_bytes) != ERR_OK)
		m.code = MSG_INTERNAL_ERROR;
	answer(c, &m, false);
	return false;
}

static void pushed(struct dev_call *c, struct msg *reply)
{
	struct dev_event *e = dev_event_add(c->d, DEV_EVENT_WRITE);
	e->path = (struct lwm_path){3, {5, 0, 0, 0}};
	reply->code = e->code = dev_firmware_pushed(c->d);
}

static void dispatch(struct dev_call *c)
{
	struct dev *d = c->d;
	bool bootstrap = c->ctx == d->ctx[DEV_ROLE_BOOTSTRAP];
	struct msg reply;
	if (msg_check_options(&c->plain) != MSG_OPTIONS_GOOD) {
		answer_code(c, MSG_BAD_OPTION, false);
		return;
	}
	if (!take_blocks(c))
		return;
	msg_init(&reply, MSG_ACK, MSG_INTERNAL_ERROR);
	if (bootstrap)
		dev_bootstrap_request(c, &reply);
	else if (c->pushed)
		pushed(c, &reply);
	else
		dev_manage_request(c, &reply);
	answer_block(c, &reply);
	answer(c, &reply, false);
	if (c->has_block1) {
		block_rx_reset(&d->rx);
		block_rx_init(&d->rx, d->host->o.body_limit_bytes);
	}
	/* Last, for it may replace the context the answer needed. */
	if (bootstrap && d->finished && d->draft)
		dev_life_bootstrapped(d);
}

static bool kid_matches(const struct dev_context *c, const struct osc_option *o)
{
	struct span id_context = c ? span_make(c->id_context, c->id_context_n) : SPAN_EMPTY;
	return c && o->has_kid && span_eq(o->kid, osc_id_span(&c->keys.recipient_id)) &&
	       (!o->has_kid_context || (c->has_id_context && span_eq(o->kid_context, id_context)));
}

/* Tries one context. ERR_OK: the request is verified and its number used up; ERR_SYNTAX: as well,
 * but what it carried is no request. */
static enum err unprotect(struct dev_call *c, struct dev_context *ctx, const struct osc_option *o)
{
	struct dev_host *h = c->d->host;
	struct writer buf = dev_scratch(h, dev_msg_bytes(c->outer));
	uint64_t number = osc_piv_number(&o->piv);
	enum err e = buf.err ? buf.err : osc_window_check(&ctx->at.window, number);
	if (e == ERR_OK)
		e = osc_unprotect_request(
			h->crypto, &ctx->keys, o, c->outer, &buf, &c->plain, &c->binding);
	if (e == ERR_OK || e == ERR_SYNTAX) {
		c->ctx = ctx;
		dev_context_seen(c->d, ctx, number);
	}
	return e;
}

static enum err find_context(struct dev_call *c, const struct osc_option *o)
{
	enum err e = ERR_NOTFOUND;
	for (size_t i = 0; i < CONTEXTS; i++) {
		struct dev_context *ctx = c->d->ctx[i];
		if (!kid_matches(ctx, o))
			continue;
		e = unprotect(c, ctx, o);
		if (c->ctx)
			break;
	}
	return e;
}

static void protected_request(struct dev_call *c, const struct opt *option)
{
	struct osc_option o;
	if (osc_option_parse(option->val, &o) != ERR_OK || !o.has_kid || !o.piv.n ||
		msg_next(c->outer, option) || !c->outer->payload.n) {
		refuse(c, MSG_BAD_OPTION, "Failed to decode COSE");
		return;
	}
	enum err e = find_context(c, &o);
	if (e == ERR_NOTFOUND) {
		enum dev_recovered got = dev_recover_serve(c, &o);
		if (got == DEV_RECOVERED_OPENED)
			dispatch(c);
		if (got != DEV_RECOVERED_NOT)
			return;
	}
	if (e == ERR_NOTFOUND)
		refuse(c, MSG_UNAUTHORIZED, "Security context not found");
	else if (e == ERR_REPLAY)
		refuse(c, MSG_UNAUTHORIZED, "Replay detected");
	else if (!c->ctx)
		refuse(c, MSG_BAD_REQUEST, "Decryption failed");
	else if (e)
		answer_code(c, MSG_BAD_OPTION, c->ctx->challenge);
	else if (fresh(c))
		dispatch(c);
}

void dev_serve(
	struct dev *d, const struct peer *from, struct span datagram, const struct msg *outer)
{
	struct dev_call c = {.d = d, .from = from, .outer = outer};
	c.hash = siphash24(d->host->seed, datagram);
	const struct dedup_entry *e = dedup_find(&d->dedup, c.hash, dev_now_ms(d));
	if (e) {
		dev_event_add(d, DEV_EVENT_DUPLICATE);
		if (!e->pending)
			dev_emit(d, from, span_make(e->response, e->n));
		return;
	}
	const struct opt *option = msg_find(outer, OPT_OSCORE);
	if (option)
		protected_request(&c, option);
	else
		refuse(&c, MSG_UNAUTHORIZED, "OSCORE is required");
}
