/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that have become too old: their devices are told to bootstrap, a few at a time. The old ones
 * serve until the device has registered with the new; so whatever is lost on the way, a crash of
 * ours included, leaves a device that is asked again. */
#include "cmd/core_impl.h"

enum {
	TICK_MS = 1000,
	LOOK_MAX = 1024, /* endpoints a tick */
	STARTS_MAX = 4,  /* devices told a tick */
	AT_ONCE = 32,    /* bootstraps under way, beyond which nobody is told */
	HOLD_S = 3600,   /* before the same device is told again */
	DAY_S = 86400,
	SPREAD = 1024
};

/* Keys of one day become too old over the tenth part of their time, not all at once. */
static int64_t spread_s(const struct ep_context *x, int64_t age_s)
{
	uint32_t at = (uint32_t)x->id * UINT32_C(2654435761) >> 22; /* below SPREAD */
	return age_s * at / (10 * SPREAD);
}

int64_t core_rotation_s(const struct core *c, const struct ep_context *x)
{
	struct bs_view b;
	if (x->origin == REC_ORIGIN_IMPORTED ||
		x != ep_context_newest(x->endpoint, REC_ROLE_SERVER, REC_GEN_USED))
		return 0;
	bs_view(c->bs, x->endpoint, &b);
	if (!bs_plan_acts(b.plan) || !bs_plan_oscore(b.plan))
		return 0;
	int64_t days = b.plan->rotate_days >= 0 ? b.plan->rotate_days
						: (int64_t)c->opts.cfg->rotate_keys_days;
	return days ? (x->created_day + days) * DAY_S + spread_s(x, days * DAY_S) : 0;
}

static bool tell(struct core *c, const struct endpoint *e, struct turn *t)
{
	const struct ep_context *x = ep_context_newest(e, REC_ROLE_SERVER, REC_GEN_USED);
	int64_t now_s = c->wall_ms / 1000;
	if (!x || x->created_day >= now_s / DAY_S)
		return false;
	uint32_t *after_s = &c->rotate_after_s[x->id % CORE_ROTATE_SLOTS];
	uint32_t up_s = (uint32_t)(core_now_ms(c) / 1000);
	int64_t due_s = *after_s > up_s ? 0 : core_rotation_s(c, x);
	if (!due_s || due_s > now_s || !core_renew(c, x, t))
		return false;
	*after_s = up_s + HOLD_S;
	c->rotations++;
	return true;
}

void core_rotate(struct core *c)
{
	size_t told = 0;
	if (core_rotate_deadline_ms(c) > core_now_ms(c))
		return;
	c->rotate_ms = core_now_ms(c) + TICK_MS;
	for (size_t n = 0; n < LOOK_MAX && told < STARTS_MAX; n++) {
		if (bs_sessions(c->bs) + told >= AT_ONCE)
			return;
		struct endpoint *e = map_next(&c->dir.by_name, &c->rotate_at);
		if (!e) {
			c->rotate_at = 0;
			return;
		}
		told += tell(c, e, core_cur(c));
	}
}

uint64_t core_rotate_deadline_ms(const struct core *c)
{
	return c->opts.cfg->rotate_keys_days || bs_rotates(c->bs) ? c->rotate_ms : UINT64_MAX;
}
