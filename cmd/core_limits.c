/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come near what they may do: told as events, and renewed where that is possible. A
 * device that knows RFC 8613 Appendix B.2 is offered new keys from the same secret, which costs two
 * exchanges and leaves its registration as it is; what does not know it, or does not take them, is
 * told to bootstrap. */
#include "cmd/core_impl.h"
#include "endpoint/limits.h"

enum { RENEW_MS = 60000 };

/* An attempt a minute for each slot, and so for each context: a fleet whose keys are used up at
 * once is not told all at once. */
static bool may_try(struct core *c, const struct ep_context *x)
{
	uint64_t *until_ms = &c->renew_after_ms[x->id % CORE_RENEW_SLOTS], now = core_now_ms(c);
	if (*until_ms > now)
		return false;
	*until_ms = now + RENEW_MS;
	return true;
}

bool core_renew(struct core *c, const struct ep_context *x, struct turn *t)
{
	struct endpoint *e = x->endpoint;
	struct bs_view b;
	if (x->role != REC_ROLE_SERVER ||
		!ep_context_newest(e, REC_ROLE_BOOTSTRAP, REC_GEN_WRITTEN))
		return false;
	bs_view(c->bs, e, &b);
	return bs_plan_acts(b.plan) && srv_rebootstrap(c->srv, x, t);
}

static bool due(const struct ep_context *x)
{
	return ep_key_level(x) >= EP_LEVEL_DUE;
}

static bool wanted(const struct core *c, const struct ep_context *x)
{
	bool offer = ep_key_level(x) == EP_LEVEL_NEAR && x->offers < EP_OFFERS_NEAR &&
		     ep_renewable(&c->dir, x);
	return (due(x) || offer) && !ep_renewing(x, core_now_ms(c));
}

/* A device that sleeps does not hear it. */
static bool offer(struct core *c, struct ep_context *x, struct turn *t)
{
	struct srv_view v;
	srv_view(c->srv, x->endpoint, t->now_ms, &v);
	return !v.asleep && ep_renew(c->x, x, t);
}

/* Before keys are due there is time: two offers, no more, since the device may not know the
 * procedure, or be out of reach. When they are due, one more; then it is told to bootstrap, if it
 * can, and after that both have their turns. */
static enum core_renewal renew(struct core *c, struct ep_context *x, struct turn *t)
{
	bool is_due = due(x), bootstrap;
	uint8_t max = is_due ? EP_OFFERS_MAX : EP_OFFERS_NEAR;
	if (x->offers < max && offer(c, x, t)) {
		x->offers = (is_due ? EP_OFFERS_MAX : x->offers + 1u) & 3u;
		return CORE_RENEW_B2;
	}
	bootstrap = is_due && core_renew(c, x, t);
	if (bootstrap && x->offers == EP_OFFERS_MAX)
		x->offers--;
	if (bootstrap)
		return CORE_RENEW_BOOTSTRAP;
	return is_due && offer(c, x, t) ? CORE_RENEW_B2 : CORE_RENEW_NOT;
}

static const char *const way_names[] = {
	[CORE_RENEW_NOT] = NULL, [CORE_RENEW_B2] = "b2", [CORE_RENEW_BOOTSTRAP] = "bootstrap"};

/* {"context":7,"limit":"encryptions","count":786432,"of":1048576,"level":"near","renewing":true,
 * "by":"b2"} */
static void tell(struct core *c, const struct ep_news *n, enum core_renewal way, struct turn *t)
{
	static const char *const levels[] = {[EP_LEVEL_FINE] = "fine",
		[EP_LEVEL_NEAR] = "near",
		[EP_LEVEL_DUE] = "due",
		[EP_LEVEL_OVER] = "reached"};
	const struct ep_context *x = n->ctx;
	struct osc_limits l = osc_limits_of(x->aead);
	bool failures = n->kind == EP_NEWS_FAILURES;
	enum ep_level level = failures ? ep_failure_level(x) : ep_use_level(x);
	uint64_t count = failures ? x->auth_failures : ep_used(x);
	char json[220];
	struct writer w = wr_make(json, sizeof(json));
	if (failures && level == EP_LEVEL_DUE)
		level = EP_LEVEL_OVER;
	c->limits_told[failures][level]++;
	wr_fmt(&w, "{\"context\":%llu,\"limit\":\"%s\",\"count\":%llu,\"of\":%u,",
		(unsigned long long)x->id, failures ? "failures" : "encryptions",
		(unsigned long long)count, failures ? l.failures : l.encryptions);
	wr_fmt(&w, "\"level\":\"%s\",\"renewing\":%s", levels[level], way ? "true" : "false");
	if (way)
		wr_fmt(&w, ",\"by\":\"%s\"", way_names[way]);
	wr_str(&w, "}");
	ep_event(t, &c->next_event, "key-limit", ep_name(x->endpoint), wr_span(&w));
}

void core_limits(struct core *c)
{
	struct turn *t = core_cur(c);
	struct ep_news n;
	while (ep_take_news(&c->dir, &n)) {
		enum core_renewal way = CORE_RENEW_NOT;
		if (wanted(c, n.ctx) && may_try(c, n.ctx))
			way = renew(c, n.ctx, t);
		c->renewals[way]++;
		if (n.kind != EP_NEWS_HEARD)
			tell(c, &n, way, t);
	}
}

bool core_near_limit(const struct endpoint *e, bool failures)
{
	const struct ep_context *x = e->contexts;
	while (x && (failures ? ep_failure_level(x) : ep_use_level(x)) == EP_LEVEL_FINE)
		x = x->next_of_endpoint;
	return x != NULL;
}
