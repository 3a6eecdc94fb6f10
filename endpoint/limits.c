/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/limits.h"

#include "endpoint/exchange_impl.h"

static struct osc_limits limits(const struct ep_context *c)
{
	return osc_limits_of(c->aead);
}

/* The highest of its requests, or of its notifications and separate responses. */
static uint64_t theirs(const struct ep_context *c)
{
	uint64_t n = c->window.any ? c->window.highest + UINT64_C(1) : 0;
	return c->peer && c->peer->piv >= n ? c->peer->piv + 1 : n;
}

uint64_t ep_used(const struct ep_context *c)
{
	uint64_t ours = c->ssn_next > c->ssn_gap ? c->ssn_next - c->ssn_gap : 0;
	return ours + theirs(c);
}

static enum ep_level level(uint64_t n, uint64_t max, uint64_t due)
{
	if (n >= max)
		return EP_LEVEL_OVER;
	if (n >= due)
		return EP_LEVEL_DUE;
	return n >= max / 4 * 3 ? EP_LEVEL_NEAR : EP_LEVEL_FINE;
}

enum ep_level ep_use_level(const struct ep_context *c)
{
	uint64_t max = limits(c).encryptions;
	return level(ep_used(c), max, max / 16 * 15);
}

enum ep_level ep_failure_level(const struct ep_context *c)
{
	uint64_t max = limits(c).failures;
	enum ep_level l = level(c->auth_failures, max, max);
	return l == EP_LEVEL_OVER ? EP_LEVEL_DUE : l;
}

enum ep_level ep_key_level(const struct ep_context *c)
{
	enum ep_level use = ep_use_level(c), failure = ep_failure_level(c);
	return use > failure ? use : failure;
}

bool ep_renewable(const struct ep_directory *d, const struct ep_context *c)
{
	uint8_t policy = ep_freshness_of(d, c->endpoint);
	return policy == EP_FRESH_B2 ||
	       (policy == EP_FRESH_AUTO && c->origin == REC_ORIGIN_RECOVERED);
}

bool ep_spent(const struct ep_directory *d, const struct ep_context *c)
{
	return ep_use_level(c) == EP_LEVEL_OVER ||
	       (d->failures_stop && ep_failure_level(c) == EP_LEVEL_DUE);
}

static void tell(struct ep_directory *d, struct ep_context *c, enum ep_news_kind kind)
{
	if (d->news_n < EP_NEWS_MAX)
		d->news[d->news_n++] = (struct ep_news){c, kind};
}

void ep_use_news(struct ep_directory *d, struct ep_context *c, enum ep_level before)
{
	if (ep_use_level(c) > before)
		tell(d, c, EP_NEWS_USE);
}

void ep_heard_news(struct ep_directory *d, struct ep_context *c)
{
	enum ep_level l = ep_key_level(c);
	bool offer = l == EP_LEVEL_NEAR && c->offers < EP_OFFERS_NEAR && ep_renewable(d, c);
	if (l >= EP_LEVEL_DUE || offer)
		tell(d, c, EP_NEWS_HEARD);
}

bool ep_take_news(struct ep_directory *d, struct ep_news *out)
{
	if (!d->news_n)
		return false;
	*out = d->news[--d->news_n];
	return true;
}

void ep_forget_news(struct ep_directory *d, const struct ep_context *c)
{
	for (size_t i = d->news_n; i > 0; i--)
		if (d->news[i - 1].ctx == c)
			d->news[i - 1] = d->news[--d->news_n];
}

/* Contexts under attack are few: where two of them share a slot, they share its trials. */
static size_t slot(const struct ep_context *c)
{
	return c->id % EP_TRIAL_SLOTS;
}

static bool known(const struct ep_context *c, const struct peer *from)
{
	return c->peer && peer_eq(&c->peer->peer, from);
}

bool ep_trial_allowed(const struct ep_exchange *x, const struct ep_context *c,
	const struct peer *from, uint64_t now_ms)
{
	const struct ep_trials *s = &x->trials[slot(c)];
	if (ep_failure_level(c) != EP_LEVEL_DUE || s->second != now_ms / 1000)
		return true;
	return known(c, from) ? s->known < EP_TRIALS_KNOWN : s->other < EP_TRIALS_OTHER;
}

static void spend_trial(
	struct ep_exchange *x, const struct ep_context *c, const struct peer *from, uint64_t now_ms)
{
	struct ep_trials *s = &x->trials[slot(c)];
	if (s->second != now_ms / 1000)
		*s = (struct ep_trials){.second = now_ms / 1000};
	if (known(c, from))
		s->known++;
	else
		s->other++;
}

/* Whether one more record of failures may be written in this second. */
static bool may_record(struct ep_exchange *x, uint64_t now_ms)
{
	if (x->failures_second != now_ms / 1000) {
		x->failures_second = now_ms / 1000;
		x->failures_records = 0;
	}
	return x->failures_records++ < EP_FAILURES_RECORDS;
}

static void record(struct ep_exchange *x, struct ep_context *c, struct turn *t)
{
	if (c->auth_failures % EP_FAILURES_STEP == 0)
		c->unrecorded = true;
	if (!c->unrecorded || !may_record(x, t->now_ms))
		return;
	c->unrecorded = false;
	turn_rec(t, REC_CONTEXT_FAILURES)->context_failures =
		(struct rec_context_failures){c->id, c->auth_failures};
}

void ep_trial_failed(
	struct ep_exchange *x, struct ep_context *c, const struct peer *from, struct turn *t)
{
	enum ep_level before = ep_failure_level(c);
	if (before == EP_LEVEL_DUE)
		spend_trial(x, c, from, t->now_ms);
	if (c->auth_failures == UINT32_MAX)
		return;
	c->auth_failures++;
	record(x, c, t);
	if (ep_failure_level(c) > before)
		tell(x->dir, c, EP_NEWS_FAILURES);
}
