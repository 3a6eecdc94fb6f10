/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange with one endpoint that has a server and a bootstrap context, and the device's side of
 * them, made of oscore/ functions: messages by hand, time by statement. */
#ifndef LANYARD_TESTS_UNIT_ENDPOINT_RIG_H
#define LANYARD_TESTS_UNIT_ENDPOINT_RIG_H

#include "endpoint/exchange.h"
#include "tests/unit/test.h"

#define RIG_UNUSED __attribute__((unused))

enum { RIG_BYTES = 2048, RIG_SERVER = 0, RIG_BOOTSTRAP = 1, RIG_PLAIN = 2 };

/* One datagram and what is inside it. */
struct rig_msg {
	uint8_t bytes[RIG_BYTES], work[RIG_BYTES];
	size_t n;
	struct msg outer, plain;
	struct osc_binding binding;
	uint64_t number; /* its Partial IV; UINT64_MAX: none */
};

struct rig {
	uint64_t state[4];
	struct ep_directory dir;
	struct ep_exchange *x;
	struct turn t;
	struct ep_delivery d;
	struct endpoint *e;
	struct ep_context *server, *bootstrap;
	struct osc_keys device[2]; /* the device's keys for both */
	struct osc_crypto *crypto;
	struct peer from;
	uint64_t now_ms;
	uint64_t piv; /* the device's next */
	uint16_t mid;
	uint8_t token;
};

static struct ep_context *rig_context(struct rig *r, uint8_t role, bool fresh)
{
	bool server = role == REC_ROLE_SERVER;
	struct ep_context_input in = {
		.params = {.aead = ALG_AES_CCM_16_64_128,
			.hkdf = ALG_HKDF_SHA256,
			.master_secret = server ? SPAN_LIT("server secret!!!")
						: SPAN_LIT("bootstrap secret"),
			.sender_id = SPAN_LIT("\x01"),
			.recipient_id = server ? SPAN_LIT("s") : SPAN_LIT("b")},
		.role = role,
		.origin = REC_ORIGIN_IMPORTED,
		.generation = REC_GEN_USED,
		.highest = UINT64_MAX,
		.fresh = fresh};
	struct osc_params device = in.params;
	struct ep_context *c;
	device.sender_id = in.params.recipient_id;
	device.recipient_id = in.params.sender_id;
	REQUIRE(ep_context_add(&r->dir, r->e, &in, &r->t, &c) == ERR_OK, "context");
	REQUIRE(osc_derive(r->crypto, &device, &r->device[server ? 0 : 1]) == ERR_OK, "keys");
	return c;
}

/* Time goes on and a turn begins; what the last one held is gone. */
static RIG_UNUSED void rig_turn(struct rig *r, uint64_t ms)
{
	r->now_ms += ms;
	turn_begin(&r->t, r->now_ms, (int64_t)r->now_ms);
}

static RIG_UNUSED void rig_init_after(struct rig *r, bool fresh, uint32_t rollbacks)
{
	static const uint8_t seed[16] = {3}, secret[32] = {4};
	memset(r, 0, sizeof(*r));
	r->now_ms = 1000000;
	turn_init(&r->t);
	struct ep_directory_opts d = {.rng = rng_test(r->state, 5),
		.seed = seed,
		.mark_key = seed,
		.endpoints_max = 100,
		.window_width = 32,
		.ssn_block = 64,
		.freshness = EP_FRESH_AUTO,
		.rollbacks = rollbacks};
	REQUIRE(ep_directory_init(&r->dir, &d) == ERR_OK, "directory");
	REQUIRE(osc_crypto_new(&r->crypto) == ERR_OK, "crypto");
	struct ep_exchange_opts o = {.directory = &r->dir,
		.secret = secret,
		.listener = {{REC_ROLE_SERVER, false}, {REC_ROLE_BOOTSTRAP, false},
			{REC_ROLE_SERVER, true}},
		.body_limit_bytes = 5000,
		.echo_max_age_ms = 10000,
		.dedup_limit_bytes = 1 << 20,
		.nosec_peers_max = 4,
		.now_ms = r->now_ms};
	REQUIRE(ep_exchange_new(&o, &r->x) == ERR_OK, "exchange");
	rig_turn(r, 0);
	REQUIRE(ep_ensure(&r->dir, SPAN_LIT("dev"), &r->t, &r->e) == ERR_OK, "endpoint");
	r->server = rig_context(r, REC_ROLE_SERVER, fresh);
	r->bootstrap = rig_context(r, REC_ROLE_BOOTSTRAP, fresh);
	r->from = (struct peer){.bearer = BEARER_UDP,
		.addr_n = 6,
		.addr = {10, 0, 0, 1, 0x16, 0x33},
		.local_n = 4,
		.local = {192, 0, 2, 1}};
	rig_turn(r, 0);
}

static RIG_UNUSED void rig_init(struct rig *r, bool fresh)
{
	rig_init_after(r, fresh, 0);
}

static RIG_UNUSED void rig_fini(struct rig *r)
{
	ep_exchange_free(r->x);
	ep_directory_fini(&r->dir);
	osc_crypto_free(r->crypto);
	turn_fini(&r->t);
}

/* ---- what the turn holds */

static RIG_UNUSED size_t rig_sent_n(const struct rig *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->t.effect_n; i++)
		n += r->t.effect[i].kind == EFFECT_SEND;
	return n;
}

/* The i-th datagram of the turn; empty if there are not so many. */
static RIG_UNUSED struct span rig_sent(const struct rig *r, size_t i)
{
	for (size_t k = 0; k < r->t.effect_n; k++)
		if (r->t.effect[k].kind == EFFECT_SEND && !i--)
			return r->t.effect[k].send.bytes;
	return SPAN_EMPTY;
}

static RIG_UNUSED const struct peer *rig_sent_to(const struct rig *r, size_t i)
{
	for (size_t k = 0; k < r->t.effect_n; k++)
		if (r->t.effect[k].kind == EFFECT_SEND && !i--)
			return &r->t.effect[k].send.to;
	return NULL;
}

static RIG_UNUSED size_t rig_records(const struct rig *r, enum rec_type type)
{
	size_t n = 0;
	for (size_t i = 0; i < r->t.batch.n; i++)
		n += r->t.rec[i].type == type;
	return n;
}

static RIG_UNUSED const struct rec *rig_record(const struct rig *r, enum rec_type type)
{
	for (size_t i = 0; i < r->t.batch.n; i++)
		if (r->t.rec[i].type == type)
			return &r->t.rec[i];
	return NULL;
}

/* ---- the device's side */

static RIG_UNUSED void rig_plain(struct msg *m, uint8_t code, const char *path)
{
	msg_init(m, MSG_CON, code);
	REQUIRE(msg_add_path(m, OPT_URI_PATH, path) == ERR_OK, "path");
}

/* A request of the device, protected, under number r->piv++; MID and token are drawn. */
static RIG_UNUSED struct span rig_protect(
	struct rig *r, int which, struct msg *plain, struct rig_msg *out)
{
	struct writer work = wr_make(out->work, sizeof(out->work)),
		      w = wr_make(out->bytes, sizeof(out->bytes));
	struct msg sealed;
	plain->mid = r->mid++;
	plain->token_n = 2;
	plain->token[0] = 0xaa;
	plain->token[1] = r->token++;
	out->number = r->piv++;
	REQUIRE(osc_protect_request(r->crypto, &r->device[which], out->number, NULL, plain, &work,
			&sealed, &out->binding) == ERR_OK &&
			msg_encode_udp(&sealed, &w) == ERR_OK,
		"protect");
	out->n = w.n;
	return wr_span(&w);
}

/* A GET of /rd/x: any request will do. */
static RIG_UNUSED struct span rig_get(struct rig *r, int which, struct rig_msg *out)
{
	struct msg m;
	rig_plain(&m, MSG_GET, "rd/x");
	return rig_protect(r, which, &m, out);
}

static RIG_UNUSED enum ep_delivery_kind rig_in(struct rig *r, struct span datagram)
{
	ep_input(r->x, &r->from, datagram, &r->t, &r->d);
	return r->d.kind;
}

/* Opens a sent datagram as the response to `q`; false if it is none that verifies. */
static RIG_UNUSED bool rig_answer(
	struct rig *r, int which, const struct rig_msg *q, struct span sent, struct rig_msg *out)
{
	struct writer work = wr_make(out->work, sizeof(out->work));
	memcpy(out->bytes, sent.p ? sent.p : out->bytes, out->n = sent.n);
	return !msg_parse_udp(span_make(out->bytes, out->n), &out->outer) &&
	       !osc_unprotect_response(r->crypto, &r->device[which], &q->binding, &out->outer,
		       &work, &out->plain, &out->number);
}

/* Opens a sent datagram as a request of the server. */
static RIG_UNUSED bool rig_asked(struct rig *r, int which, struct span sent, struct rig_msg *out)
{
	struct writer work = wr_make(out->work, sizeof(out->work));
	struct osc_option o;
	memcpy(out->bytes, sent.p ? sent.p : out->bytes, out->n = sent.n);
	if (msg_parse_udp(span_make(out->bytes, out->n), &out->outer) ||
		osc_option_of(&out->outer, &o))
		return false;
	out->number = osc_piv_number(&o.piv);
	return !osc_unprotect_request(
		r->crypto, &r->device[which], &o, &out->outer, &work, &out->plain, &out->binding);
}

enum { RIG_OWN_NUMBER = 1 };

/* The device's response to a request of ours. `flags`: under a number of its own. */
static RIG_UNUSED struct span rig_reply(struct rig *r, int which, const struct rig_msg *q,
	struct msg *resp, int flags, struct rig_msg *out)
{
	struct writer work = wr_make(out->work, sizeof(out->work)),
		      w = wr_make(out->bytes, sizeof(out->bytes));
	struct msg sealed;
	uint64_t number = r->piv;
	if (flags & RIG_OWN_NUMBER)
		out->number = r->piv++;
	resp->mid = resp->type == MSG_ACK ? q->outer.mid : r->mid++;
	resp->token_n = q->outer.token_n;
	memcpy(resp->token, q->outer.token, sizeof(resp->token));
	REQUIRE(osc_protect_response(r->crypto, &r->device[which], &q->binding,
			flags & RIG_OWN_NUMBER ? &number : NULL, resp, &work, &sealed) == ERR_OK &&
			msg_encode_udp(&sealed, &w) == ERR_OK,
		"protect a response");
	out->n = w.n;
	return wr_span(&w);
}

#endif
