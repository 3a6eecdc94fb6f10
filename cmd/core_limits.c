/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come near what they may do: told as events, and renewed where that is possible. */
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
	return ep_use_level(x) >= EP_LEVEL_DUE || ep_failure_level(x) == EP_LEVEL_DUE;
}

/* {"context":7,"limit":"encryptions","count":786432,"of":1048576,"level":"near","renewing":false}
 */
static void tell(struct core *c, const struct ep_news *n, bool renewing, struct turn *t)
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
	char json[200];
	struct writer w = wr_make(json, sizeof(json));
	if (failures && level == EP_LEVEL_DUE)
		level = EP_LEVEL_OVER;
	c->limits_told[failures][level]++;
	wr_fmt(&w, "{\"context\":%llu,\"limit\":\"%s\",\"count\":%llu,\"of\":%u,",
		(unsigned long long)x->id, failures ? "failures" : "encryptions",
		(unsigned long long)count, failures ? l.failures : l.encryptions);
	wr_fmt(&w, "\"level\":\"%s\",\"renewing\":%s}", levels[level], renewing ? "true" : "false");
	ep_event(t, &c->next_event, "key-limit", ep_name(x->endpoint), wr_span(&w));
}

void core_limits(struct core *c)
{
	struct turn *t = core_cur(c);
	struct ep_news n;
	while (ep_take_news(&c->dir, &n)) {
		bool renewing = due(n.ctx) && may_try(c, n.ctx) && core_renew(c, n.ctx, t);
		c->renewals += renewing;
		if (n.kind != EP_NEWS_HEARD)
			tell(c, &n, renewing, t);
	}
}

bool core_near_limit(const struct endpoint *e, bool failures)
{
	const struct ep_context *x = e->contexts;
	while (x && (failures ? ep_failure_level(x) : ep_use_level(x)) == EP_LEVEL_FINE)
		x = x->next_of_endpoint;
	return x != NULL;
}
