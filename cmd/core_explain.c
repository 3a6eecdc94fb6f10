/* SPDX-License-Identifier: Apache-2.0 */
/* Why an endpoint does not connect: what stands, then what happened, the newest first. */
#include "cmd/core_impl.h"

#include <stdlib.h>
#include <string.h>

static struct adm_reason reason_view(enum ep_reason r, uint64_t count, int64_t wall_ms)
{
	const struct ep_reason_info *i = ep_reason_info(r);
	return (struct adm_reason){
		.code = i->code, .text = i->text, .wall_s = wall_ms / 1000, .count = count};
}

static void standing(adm_reason_fn *fn, void *cb_arg, const char *code, const char *text)
{
	struct adm_reason r = {.code = code, .text = text};
	fn(cb_arg, &r);
}

static bool any_stale(const struct endpoint *e)
{
	const struct ep_context *c = e->contexts;
	while (c && !c->stale)
		c = c->next_of_endpoint;
	return c != NULL;
}

static void explain_state(struct core *c, const struct endpoint *e, adm_reason_fn *fn, void *cb_arg)
{
	struct srv_view v;
	struct bs_view b;
	srv_view(c->srv, e, core_view_ms(c), &v);
	bs_view(c->bs, e, &b);
	if (v.registered && v.asleep)
		standing(fn, cb_arg, "asleep",
			"It is registered, uses queue mode and has been silent: it is asleep.");
	else if (v.registered)
		standing(fn, cb_arg, "registered", "It is registered.");
	else
		standing(fn, cb_arg, "not-registered", "It is not registered now.");
	if (!e->contexts && !e->allow_nosec)
		standing(fn, cb_arg, "no-credentials",
			"It has no credentials here: provision it, or allow it to come "
			"unprotected.");
	const struct ep_context *server = ep_context_newest(e, REC_ROLE_SERVER, REC_GEN_WRITTEN);
	if (server && !server->window.any)
		standing(fn, cb_arg, "never-used",
			"Its newest server keys have never been used: no protected request has "
			"arrived under them.");
	const struct ep_context *boot = ep_context_newest(e, REC_ROLE_BOOTSTRAP, REC_GEN_WRITTEN);
	if (boot && !server && !boot->window.any)
		standing(fn, cb_arg, "never-bootstrapped",
			"It has bootstrap credentials, but no protected Bootstrap-Request has "
			"arrived.");
	if (any_stale(e))
		standing(fn, cb_arg, "rolled-back",
			"The database was set back to an older copy since its keys were first "
			"used: "
			"nothing is done under them before the device has answered an Echo "
			"challenge. "
			"One that does not know Echo needs new credentials.");
	if (boot && !b.plan.uri[0])
		standing(fn, cb_arg, "no-plan", ep_reason_info(EP_REASON_NO_PLAN)->text);
}

static void explain_bootstrap(
	struct core *c, const struct endpoint *e, adm_reason_fn *fn, void *cb_arg)
{
	char text[256];
	struct bs_view v;
	bs_view(c->bs, e, &v);
	if (!v.last_wall_s)
		return;
	bool good = !strcmp(v.last_result, "finished");
	struct writer w = wr_make(text, sizeof(text) - 1);
	wr_fmt(&w, good ? "Its last bootstrap %s." : "Its last bootstrap failed: %s.",
		v.last_result);
	text[w.n] = '\0';
	struct adm_reason r = {.code = good ? "bootstrapped" : "last-bootstrap",
		.text = text,
		.wall_s = v.last_wall_s};
	fn(cb_arg, &r);
}

static bool answered_challenge(const struct endpoint *e)
{
	const struct ep_context *c = e->contexts;
	while (c && (c->fresh || !c->challenged))
		c = c->next_of_endpoint;
	return !c;
}

enum err core_explain(void *arg, struct span name, adm_reason_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	if (c->failed == ERR_SEALED) { /* nothing is loaded, so nobody knows its name */
		standing(fn, cb_arg, "sealed",
			"Every request gets 5.03, because the database may be a copy: status says "
			"why, 'lanyardctl help unseal' what to do.");
		return ERR_OK;
	}
	if (c->failed)
		standing(fn, cb_arg, "storage", ep_reason_info(EP_REASON_STORAGE)->text);
	struct endpoint *e = core_find(c, name);
	if (!e)
		return core_not_found(c);
	explain_state(c, e, fn, cb_arg);
	explain_bootstrap(c, e, fn, cb_arg);
	for (const struct ep_note *n = e->notes; n; n = n->next) {
		/* Every device is challenged at first; only one that never answers has a problem.
		 */
		if (n->reason == EP_REASON_CHALLENGED && answered_challenge(e))
			continue;
		struct adm_reason r = reason_view(n->reason, n->count, n->wall_ms);
		fn(cb_arg, &r);
	}
	return ERR_OK;
}

static int newer(const void *a, const void *b)
{
	const struct adm_reason *x = a, *y = b;
	return (x->wall_s < y->wall_s) - (x->wall_s > y->wall_s);
}

void core_refusals(const struct core *c, struct adm_status *out)
{
	static struct adm_reason list[EP_REASON_COUNT];
	size_t n = 0;
	for (size_t i = 0; i < EP_REASON_COUNT; i++) {
		const struct ep_tally_row *r = &c->tally.row[i];
		if (r->strays)
			list[n++] = reason_view((enum ep_reason)i, r->strays, r->stray_wall_ms);
	}
	qsort(list, n, sizeof(*list), newer);
	out->refusals = list;
	out->refusal_n = n;
}
