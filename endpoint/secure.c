/* SPDX-License-Identifier: Apache-2.0 */
/* A protected request, in the order of RFC 8613 section 8.2 and the rules of freshness. */
#include "coap/opt.h"
#include "endpoint/exchange_impl.h"
#include "oscore/echo.h"

#include <string.h>

void ep_secure_refuse(struct ep_exchange *x, struct turn *t, struct ep_delivery *d,
	enum ep_reason why, uint8_t code, const char *text)
{
	ep_refused(x, d, d->endpoint, why, t);
	ep_trace_in(x, d, ep_reason_info(why)->code, t);
	ep_plain_error(x, &d->from, code, text, t);
}

/* Outer options that are used as they are must be well-formed, and EDHOC is not built: whoever adds
 * bad ones on the way must not use up a number of the device, nor have it told a protected 4.02.
 * Those that have a meaning inside too are discarded, whatever they look like (RFC 8613 section 8.2
 * step 1). */
static bool outer_options_good(const struct msg *m)
{
	for (size_t i = 0; i < m->opt_n; i++) {
		const struct opt_info *o = opt_info(m->opt[i].num);
		size_t n = m->opt[i].val.n;
		if (o && o->oscore == OPT_CLASS_U &&
			(n < o->min || n > o->max || o->num == OPT_EDHOC))
			return false;
	}
	return true;
}

/* Step 1: the option. */
static bool read_option(
	struct ep_exchange *x, struct osc_option *o, struct turn *t, struct ep_delivery *d)
{
	const struct opt *raw = msg_find(&x->outer, OPT_OSCORE);
	if (!outer_options_good(&x->outer) || msg_next(&x->outer, raw) ||
		osc_option_parse(raw->val, o) || !o->has_kid || !o->piv.n ||
		(!x->outer.payload.n && !ep_outer_is_ask(&x->outer))) {
		x->count.bad_option++;
		ep_secure_refuse(
			x, t, d, EP_REASON_OSCORE_OPTION, MSG_BAD_OPTION, "Failed to decode COSE");
		return false;
	}
	if (osc_id_set(&d->kid, span_sub(o->kid, 0, OSC_ID_MAX)))
		d->kid.n = 0;
	d->piv = osc_piv_number(&o->piv);
	return true;
}

static void no_context(
	struct ep_exchange *x, const struct osc_option *o, struct turn *t, struct ep_delivery *d)
{
	x->count.no_context++;
	d->endpoint = ep_kid_owner(x->dir, o->kid);
	ep_secure_refuse(x, t, d, d->endpoint ? EP_REASON_ID_CONTEXT : EP_REASON_NO_CONTEXT,
		MSG_UNAUTHORIZED, "Security context not found");
}

/* What was answered has used up its number, so a number that is still free needs no look at the
 * answers, which lie all over the memory. */
static bool is_copy(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	return osc_window_check(&d->ctx->window, d->piv) && ep_answer_copy(x, d->ctx->conv, t, d);
}

/* After a rollback a device may have newer keys than we know of, whose numbers begin at 0. Silence
 * would keep it from asking for others, so it is told what it would be told with a higher number.
 */
static bool other_keys(
	struct ep_exchange *x, const struct osc_option *o, struct turn *t, struct ep_delivery *d)
{
	struct writer w = wr_make(x->in, sizeof(x->in));
	if (!d->ctx->stale || d->has_outer1 || !ep_trial_allowed(x, d->ctx, &d->from, t->now_ms) ||
		osc_unprotect_request(x->dir->crypto, ep_work_keys(x, d->ctx), o, &x->outer, &w,
			&x->plain, &d->binding) != ERR_AUTH)
		return false;
	x->count.auth_failures++;
	ep_trial_failed(x, d->ctx, &d->from, t);
	ep_secure_refuse(x, t, d, EP_REASON_DECRYPT, MSG_BAD_REQUEST, "Decryption failed");
	return true;
}

/* Step 3: the window. Numbers of before an unclean stop get silence: their sender may be an honest
 * device whose answer is no longer known, and 4.01 would make it give up. */
static bool check_window(
	struct ep_exchange *x, const struct osc_option *o, struct turn *t, struct ep_delivery *d)
{
	if (!osc_window_check(&d->ctx->window, d->piv))
		return true;
	if (d->ctx->sealed && other_keys(x, o, t, d))
		return false;
	if (d->ctx->sealed) {
		x->count.sealed++;
		ep_refused(x, d, d->endpoint, EP_REASON_OLD_NUMBER, t);
		ep_trace_in(x, d, ep_reason_info(EP_REASON_OLD_NUMBER)->code, t);
		return false;
	}
	x->count.replays++;
	if (d->ctx->replays < UINT16_MAX)
		d->ctx->replays++;
	ep_secure_refuse(x, t, d, EP_REASON_REPLAY, MSG_UNAUTHORIZED, "Replay detected");
	return false;
}

/* Limits of the keys, before anything is decrypted. Far beyond that of encryptions, or where an
 * operator wants it at that of failures, we have no such context any more. Else a key that failed
 * too often is only tried a few times a second: to switch a device off must not be so cheap. */
static bool check_keys(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	const struct ep_context *c = d->ctx;
	bool attacked = ep_failure_level(c) == EP_LEVEL_DUE;
	if (ep_used(c) >= osc_limits_of(c->aead).encryptions + (uint64_t)EP_USE_SLACK) {
		ep_secure_refuse(x, t, d, EP_REASON_KEY_LIMIT, MSG_UNAUTHORIZED,
			"Security context not found");
		return false;
	}
	if (attacked && x->dir->failures_stop) {
		ep_secure_refuse(x, t, d, EP_REASON_FORGERIES, MSG_UNAUTHORIZED,
			"Security context not found");
		return false;
	}
	if (ep_trial_allowed(x, c, &d->from, t->now_ms))
		return true;
	ep_refused(x, d, d->endpoint, EP_REASON_FORGERIES, t);
	return false;
}

/* A verified request under keys that had done all they may before it came. Where new ones may take
 * their place, it is answered under those; nothing more is encrypted under the old. */
static void key_limit(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct msg m;
	ep_refused(x, d, d->endpoint, EP_REASON_KEY_LIMIT, t);
	if (d->ctx->role == d->role && ep_renewable(x->dir, d->ctx) && ep_recover_start(x, t, d)) {
		ep_begin_noted(d->conv, t->now_ms);
		return;
	}
	d->own_number = !d->ctx->fresh;
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	m.payload = SPAN_LIT("Key limit reached");
	ep_respond(x, d, &m, t);
}

/* Step 4 to 6. Afterwards the number is used up, whatever comes. ERR_AUTH: there is another context
 * to try; ERR_STATE: it is dealt with. */
static enum err open_request(struct ep_exchange *x, const struct osc_option *o, bool last,
	struct turn *t, struct ep_delivery *d)
{
	struct writer w = wr_make(x->in, sizeof(x->in));
	enum ep_level before = ep_use_level(d->ctx);
	enum err err = osc_unprotect_request(
		x->dir->crypto, ep_work_keys(x, d->ctx), o, &x->outer, &w, &x->plain, &d->binding);
	if (err == ERR_RANGE) {
		ep_secure_refuse(
			x, t, d, EP_REASON_BODY_TOO_LARGE, MSG_TOO_LARGE, "Message too long");
		return ERR_STATE;
	}
	if (err == ERR_AUTH && !last) {
		d->tried[d->tried_n++] = d->ctx;
		return ERR_AUTH;
	}
	if (err && err != ERR_SYNTAX) {
		x->count.auth_failures++;
		if (err == ERR_AUTH)
			ep_trial_failed(x, d->ctx, &d->from, t);
		for (size_t i = 0; err == ERR_AUTH && i < d->tried_n; i++)
			ep_trial_failed(x, d->tried[i], &d->from, t);
		ep_secure_refuse(x, t, d, EP_REASON_DECRYPT, MSG_BAD_REQUEST, "Decryption failed");
		return ERR_STATE;
	}
	d->conv = ep_conv_of(x, d->ctx, t->now_ms);
	if (!d->conv) { /* no memory: as if it had been lost on the way */
		ep_refused(x, d, d->endpoint, EP_REASON_OVERLOAD, t);
		return ERR_STATE;
	}
	if (osc_window_update(&d->ctx->window, d->piv)) {
		/* Under a stale window it may be an old request of which we know nothing. What lies
		 * below it is left alone: old requests in their order would have a challenge each,
		 * and crowd out the one that the device may ask for again. */
		d->ctx->sealed = d->ctx->stale;
		if (d->ctx->stale)
			osc_window_seal(&d->ctx->window, d->piv);
		else
			ep_context_heard(d->ctx, &d->from, d->piv, &d->moved);
		ep_use_news(x->dir, d->ctx, before);
	}
	ep_heard_news(x->dir, d->ctx);
	ep_naming_heard(d->ctx, o->has_kid_context);
	d->verified = true;
	if (d->adopted) /* the first number under new keys is the lower edge */
		osc_window_seal(&d->ctx->window, d->piv);
	d->msg = &x->plain;
	if (!err)
		ep_trace_in(x, d, NULL, t);
	if (err) {
		d->own_number = !d->ctx->fresh;
		ep_refused(x, d, d->endpoint, EP_REASON_PLAINTEXT, t);
		ep_respond_code(x, d, MSG_BAD_OPTION, t);
		return ERR_STATE;
	}
	return ERR_OK;
}

static bool echo_good(const struct ep_exchange *x, const struct ep_delivery *d, uint64_t now_ms)
{
	const struct opt *o = msg_find(d->msg, OPT_ECHO);
	return o && !osc_echo_check(x->dir->crypto, x->echo_key, d->ctx->id, now_ms,
			    x->opts.echo_max_age_ms, o->val);
}

/* May a repeat without Echo pass? Only where nothing older can exist: this database drew the
 * secret, it was not rolled back since, nothing was ever done under it, and the number is above all
 * seen. */
static bool passes_without_echo(const struct ep_exchange *x, const struct ep_delivery *d)
{
	const struct ep_context *c = d->ctx;
	return ep_freshness_of(x->dir, d->endpoint) == EP_FRESH_AUTO &&
	       c->origin == REC_ORIGIN_DRAWN && !c->stale && !c->executed && c->challenged &&
	       !msg_find(d->msg, OPT_ECHO) && d->piv == c->window.highest;
}

static void challenge(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	uint8_t value[OSC_ECHO_BYTES];
	struct msg m;
	x->count.challenges++;
	ep_note_under(x->dir, d->endpoint, d->ctx, EP_REASON_CHALLENGED, t->wall_ms);
	d->ctx->challenged = true;
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	if (osc_echo_make(x->dir->crypto, x->echo_key, d->ctx->id, t->now_ms, value) ||
		msg_add(&m, OPT_ECHO, SPAN_OF(value)))
		m.code = MSG_INTERNAL_ERROR;
	ep_respond(x, d, &m, t);
}

/* The number of the repeated request is the lower edge: below it may lie requests of a past we do
 * not know of. */
static void proved(struct ep_delivery *d)
{
	osc_window_seal(&d->ctx->window, d->piv);
	if (d->ctx->stale)
		ep_context_heard(d->ctx, &d->from, d->piv, &d->moved);
}

/* RFC 8613 Appendix B.1.2 and RFC 9175 section 2; B.2 has proved it for keys that it made. */
static bool check_freshness(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct ep_context *c = d->ctx;
	uint8_t policy = ep_freshness_of(x->dir, d->endpoint);
	if (c->fresh)
		return true;
	if (echo_good(x, d, t->now_ms)) {
		proved(d);
	} else if (passes_without_echo(x, d)) {
		ep_note_under(x->dir, d->endpoint, c, EP_REASON_NO_ECHO, t->wall_ms);
	} else if (policy == EP_FRESH_B2 && ep_recover_start(x, t, d)) {
		return false;
	} else if (c->stale || policy != EP_FRESH_NONE) {
		d->own_number = true;
		challenge(x, t, d);
		return false;
	}
	c->fresh = true;
	c->stale = false;
	ep_note_drop(d->endpoint, c, EP_REASON_CHALLENGED);
	return true;
}

/* Whether the answer to a request under it may be the beginning of a recovery. */
static bool offers_keys(const struct ep_exchange *x, const struct ep_context *c)
{
	if (ep_use_level(c) == EP_LEVEL_OVER)
		return ep_renewable(x->dir, c);
	return !c->fresh && ep_freshness_of(x->dir, c->endpoint) == EP_FRESH_B2;
}

/* What it takes to begin a recovery ourselves has to be at hand before the number is used up. */
static bool may_begin(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d)
{
	struct ep_context *c = d->ctx;
	if (c->role != d->role || !offers_keys(x, c))
		return true;
	return ep_recover_ready(x, datagram, c, ep_heard_at(c, &d->from), t, d);
}

bool ep_secure_whole(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	if (!d->whole)
		d->whole = ep_outer_take(x, t, d);
	return d->whole;
}

bool ep_secure_under(struct ep_exchange *x, struct span datagram, const struct osc_option *o,
	struct ep_context *c, bool last, struct turn *t, struct ep_delivery *d)
{
	d->ctx = c;
	d->endpoint = c->endpoint;
	if (is_copy(x, t, d) || ep_outer_asks(x, t, d))
		return true;
	if (!last && osc_window_check(&c->window, d->piv))
		return false;
	if (!check_window(x, o, t, d) || !check_keys(x, t, d) || !ep_secure_whole(x, t, d) ||
		!may_begin(x, datagram, t, d))
		return true;
	bool spent = ep_use_level(c) == EP_LEVEL_OVER;
	enum err err = open_request(x, o, last, t, d);
	if (err)
		return err != ERR_AUTH;
	if (spent) {
		key_limit(x, t, d);
		return true;
	}
	if (c->role != d->role) {
		d->own_number = !c->fresh;
		ep_refused(x, d, d->endpoint, EP_REASON_ROLE, t);
		ep_respond_code(x, d, MSG_UNAUTHORIZED, t);
		return true;
	}
	if (!ep_channel_enough(x, d)) {
		d->own_number = !c->fresh;
		x->count.weak_channels++;
		ep_refused(x, d, d->endpoint, EP_REASON_WEAK, t);
		ep_respond_code(x, d, MSG_UNAUTHORIZED, t);
		return true;
	}
	if (!check_freshness(x, t, d))
		return true;
	c->heard_s = (uint32_t)(t->wall_ms / 1000);
	d->first_use = c->generation != REC_GEN_USED;
	ep_deliver_request(x, t, d);
	return true;
}

void ep_secure_request(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d)
{
	struct osc_option o;
	struct ep_context *found[EP_TRIALS];
	if (!read_option(x, &o, t, d))
		return;
	size_t n = ep_context_find(
		x->dir, o.kid, o.has_kid_context ? &o.kid_context : NULL, &d->from, found);
	d->hash = siphash24(x->hash_key, datagram);
	if (!n && !ep_recover(x, datagram, &o, t, d))
		no_context(x, &o, t, d);
	for (size_t i = 0; i < n; i++)
		if (ep_secure_under(x, datagram, &o, found[i], i + 1 == n, t, d))
			break;
	ep_outer_taken(x);
}
