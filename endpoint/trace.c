/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/trace.h"

#include "base/text.h"
#include "endpoint/exchange_impl.h"

#include <inttypes.h>

enum { TEXT_MAX = 12 << 10 };

/* Objects 0 and 21, or a bootstrap message that does not say where its payload belongs. What we
 * answer with at the bootstrap interface is a Pack. */
static bool holds_credentials(const struct ep_trace *what)
{
	const struct opt *o = msg_find(what->msg, OPT_URI_PATH);
	if (!what->credentials || !what->msg->payload.n)
		return false;
	if (!msg_code_is_request(what->msg->code))
		return what->out && what->msg->code == MSG_CONTENT;
	return !o || span_eq_str(o->val, "0") || span_eq_str(o->val, "21") ||
	       span_eq_str(o->val, "23");
}

static void payload(struct writer *w, const struct ep_trace *what)
{
	struct span p = what->msg->payload;
	wr_fmt(w, ",\"payload_bytes\":%zu", p.n);
	if (holds_credentials(what)) {
		wr_str(w, ",\"masked\":true");
		return;
	}
	if (!p.n)
		return;
	wr_str(w, ",\"payload_hex\":\"");
	wr_hex(w, span_sub(p, 0, EP_TRACE_PAYLOAD_MAX));
	wr_str(w, "\"");
}

static void message(struct writer *w, const struct ep_trace *what)
{
	const struct msg *m = what->msg, *outer = what->outer ? what->outer : m;
	wr_fmt(w, ",\"type\":\"%s\",\"mid\":%u,\"token\":\"", msg_type_name(outer->type),
		(unsigned)outer->mid);
	wr_hex(w, span_make(outer->token, outer->token_n));
	wr_str(w, "\",\"code\":\"");
	wr_code(w, m->code);
	wr_str(w, "\",\"options\":[");
	for (size_t i = 0; i < m->opt_n; i++) {
		if (i)
			wr_str(w, ",");
		wr_opt_json(w, &m->opt[i]);
	}
	wr_str(w, "]");
	payload(w, what);
}

static void render(struct writer *w, const struct ep_trace *what, bool brief)
{
	wr_fmt(w, "{\"direction\":\"%s\",\"peer\":\"", what->out ? "out" : "in");
	wr_peer(w, what->peer);
	wr_fmt(w, "\",\"protected\":%s", what->sealed ? "true" : "false");
	if (what->partial_iv != UINT64_MAX)
		wr_fmt(w, ",\"partial_iv\":%" PRIu64, what->partial_iv);
	if (what->msg && !brief)
		message(w, what);
	if (what->note)
		wr_fmt(w, ",\"note\":\"%s\"", what->note);
	else if (brief)
		wr_str(w, ",\"note\":\"too large to be shown\"");
	wr_str(w, "}");
}

void ep_trace(const struct endpoint *e, const struct ep_trace *what, struct turn *t)
{
	static uint8_t text[TEXT_MAX];
	struct writer w = wr_make(text, sizeof(text));
	if (!e || !e->traced)
		return;
	render(&w, what, false);
	if (w.err) {
		w = wr_make(text, sizeof(text));
		render(&w, what, true);
	}
	struct rec_event ev = {.wall_ms = t->wall_ms, .type = SPAN_LIT("trace")};
	ev.endpoint = turn_dup(t, ep_name(e));
	ev.json = turn_dup(t, wr_span(&w));
	turn_effect(t, EFFECT_EVENT)->event = ev;
}

static bool is_bootstrap(const struct ep_context *c, const struct ep_conversation *v)
{
	uint8_t role = c ? c->role : v ? v->role : 0;
	return role == REC_ROLE_BOOTSTRAP;
}

void ep_trace_in(
	const struct ep_exchange *x, const struct ep_delivery *d, const char *note, struct turn *t)
{
	if (!d->endpoint || !d->endpoint->traced)
		return;
	struct ep_trace what = {.sealed = msg_find(&x->outer, OPT_OSCORE) != NULL,
		.credentials = is_bootstrap(d->ctx, d->conv),
		.peer = &d->from,
		.msg = d->msg,
		.outer = &x->outer,
		.partial_iv = d->ctx ? d->piv : UINT64_MAX,
		.note = note};
	ep_trace(d->endpoint, &what, t);
}

void ep_trace_out(const struct endpoint *e, const struct ep_conversation *v, const struct peer *to,
	const struct msg *m, uint64_t number, struct turn *t)
{
	if (!e || !e->traced)
		return;
	struct ep_trace what = {.out = true,
		.sealed = v->ctx != NULL,
		.credentials = is_bootstrap(v->ctx, v),
		.peer = to,
		.msg = m,
		.partial_iv = number};
	ep_trace(e, &what, t);
}

void ep_trace_again(const struct ep_request *r, const struct peer *to, struct turn *t)
{
	struct ep_trace what = {.out = true,
		.sealed = r->conv->ctx != NULL,
		.peer = to,
		.partial_iv = UINT64_MAX,
		.note = "retransmission"};
	ep_trace(r->endpoint, &what, t);
}
