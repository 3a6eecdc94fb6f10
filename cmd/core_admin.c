/* SPDX-License-Identifier: Apache-2.0 */
/* What the REST interface asks, answered by directory and engines. */
#include "cmd/core_impl.h"

#include "endpoint/limits.h"
#include "lwm2m/regparam.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- views */

uint64_t core_view_ms(struct core *c)
{
	c->opts.io.wake(c->opts.io.arg);
	return core_now_ms(c);
}

static void op_status(void *arg, struct adm_status *out)
{
	struct core *c = arg;
	const struct cfg *g = c->opts.cfg;
	struct store_stats st;
	static char health[sizeof(st.health_text)];
	(void)core_view_ms(c);
	store_stats(c->store, &st);
	*out = (struct adm_status){.version = LANYARD_VERSION,
		.uptime_s = (c->boot_ms - c->started_boot_ms) / 1000,
		.storage_ok = !c->failed && !st.health,
		.sealed = c->failed == ERR_SEALED,
		.rollbacks = st.rollbacks,
		.damaged = c->damaged,
		.listener_n = g->listen_n};
	memcpy(health, st.health_text, sizeof(health));
	out->storage_text =
		st.health || c->failed ? (health[0] ? health : err_text(c->failed)) : "ok";
	for (size_t i = 0; i < g->listen_n && i < 16; i++) {
		bool bootstrap = g->listen[i].role == CFG_ROLE_BOOTSTRAP;
		out->listeners[i] = (struct adm_listener){.name = g->listen[i].name,
			.role = bootstrap ? "bootstrap" : "server",
			.transport = cfg_transport_name(g->listen[i].transport),
			.require = ep_require_name((uint8_t)g->listen[i].require),
			.address = g->listen[i].address,
			.port = c->port[i],
			.nosec = g->listen[i].nosec};
	}
	if (c->opts.io.gateways)
		c->opts.io.gateways(c->opts.io.arg, out);
	core_refusals(c, out);
	if (!c->up)
		return;
	out->endpoints = c->dir.by_name.count;
	out->registered = srv_registered(c->srv);
	out->contexts = c->dir.context_n;
	out->observations = srv_observation_count(c->srv);
	out->operations_waiting = srv_waiting(c->srv);
	out->bootstrap_sessions = bs_sessions(c->bs);
}

static const char *freshness_name(uint8_t f)
{
	static const char *const names[] = {"default", "auto", "echo", "none", "b2"};
	return names[f % 5];
}

static const char *oscore_version_name(uint8_t v)
{
	return v == 10 ? "1.0" : v == 11 ? "1.1" : v == 20 ? "2.0" : "discover";
}

static void tell_endpoint(
	struct core *c, const struct endpoint *e, adm_endpoint_fn *fn, void *cb_arg)
{
	struct srv_view v;
	uint8_t address[PEER_TEXT_MAX + 1], binding[16];
	static uint8_t links[96 << 10];
	struct writer a = wr_make(address, sizeof(address)),
		      b = wr_make(binding, sizeof(binding) - 1), l = wr_make(links, sizeof(links));
	srv_view(c->srv, e, core_view_ms(c), &v);
	if (v.peer)
		wr_peer(&a, v.peer);
	wr_u8(&a, 0);
	wr_binding(&b, v.binding);
	binding[b.n] = '\0';
	if (v.list && lwm_object_list_write(v.list, &l))
		l = wr_make(links, sizeof(links));
	struct adm_endpoint_view out = {.name = ep_name(e),
		.bs_ep = ep_bs_name(e),
		.rd_ep = ep_rd_name(e),
		.freshness = freshness_name(e->freshness),
		.oscore_version = oscore_version_name(e->oscore_version),
		.nosec_allowed = e->allow_nosec,
		.pace = ep_pace(e),
		.registered = v.registered,
		.asleep = v.asleep,
		.queue = v.queue,
		.location = v.location,
		.lifetime_s = v.lifetime_s,
		.expires_in_s = v.expires_in_s,
		.lwm2m = v.lwm2m,
		.binding = (const char *)binding,
		.security = ep_security_text(v.ctx, v.peer),
		.require = ep_require_name(ep_require_of(e)),
		.address = a.err ? "" : (const char *)address,
		.links = wr_span(&l),
		.registered_wall_s = v.registered_wall_s,
		.last_contact_wall_s = v.last_contact_wall_s};
	for (const struct ep_context *x = e->contexts; x; x = x->next_of_endpoint)
		out.context_n++;
	fn(cb_arg, &out);
}

static uint8_t op_object_version(void *arg, struct span name, struct span prefix, uint16_t oid)
{
	struct core *c = arg;
	const struct endpoint *e = !c->failed ? core_find(c, name) : NULL;
	return e ? srv_object_version(e, prefix, oid) : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct endpoint *const *x = a, *const *y = b;
	return span_cmp(ep_name(*x), ep_name(*y));
}

static bool wanted(const struct endpoint *e, struct span after, struct span match)
{
	char pattern[256];
	if (after.n && span_cmp(ep_name(e), after) <= 0)
		return false;
	return !match.n ||
	       (!span_to_str(match, pattern, sizeof(pattern)) && !fnmatch(pattern, e->name, 0));
}

/* The smallest `limit + 1` names, kept sorted while the directory is walked once. */
static size_t smallest(const struct core *c, struct span after, struct span match,
	const struct endpoint **top, size_t cap)
{
	size_t n = 0, cursor = 0;
	for (const struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));) {
		if (!wanted(e, after, match) || (n == cap && by_name(&e, &top[n - 1]) >= 0))
			continue;
		size_t lo = 0, hi = n;
		while (lo < hi) {
			size_t mid = (lo + hi) / 2;
			if (by_name(&top[mid], &e) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (n < cap)
			n++;
		memmove(&top[lo + 1], &top[lo], (n - 1 - lo) * sizeof(*top));
		top[lo] = e;
	}
	return n;
}

static bool op_endpoint_list(void *arg, struct span after, size_t limit, struct span match,
	adm_endpoint_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	const struct endpoint **top = c->up ? calloc(limit + 1, sizeof(*top)) : NULL;
	if (!top)
		return false;
	size_t n = smallest(c, after, match, top, limit + 1);
	for (size_t i = 0; i < n && i < limit; i++)
		tell_endpoint(c, top[i], fn, cb_arg);
	free(top);
	return n > limit;
}

enum err core_not_found(const struct core *c)
{
	return c->failed == ERR_SEALED ? ERR_SEALED : ERR_NOTFOUND;
}

static enum err op_endpoint_get(void *arg, struct span name, adm_endpoint_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct endpoint *e = core_find(c, name);
	if (!e)
		return core_not_found(c);
	tell_endpoint(c, e, fn, cb_arg);
	return ERR_OK;
}

static enum err op_context_list(void *arg, struct span name, adm_context_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct endpoint *e = core_find(c, name);
	static const char *const generations[] = {[REC_GEN_WRITTEN] = "written",
		[REC_GEN_ACKNOWLEDGED] = "acknowledged",
		[REC_GEN_USED] = "used"};
	if (!e)
		return core_not_found(c);
	static const char *const origins[] = {[REC_ORIGIN_IMPORTED] = "imported",
		[REC_ORIGIN_DRAWN] = "drawn",
		[REC_ORIGIN_RECOVERED] = "recovered"};
	for (const struct ep_context *x = e->contexts; x; x = x->next_of_endpoint) {
		struct adm_context_view v = {.id = x->id,
			.role = x->role == REC_ROLE_BOOTSTRAP ? "bootstrap" : "server",
			.origin = origins[x->origin & 3],
			.generation = x->origin == REC_ORIGIN_IMPORTED && !x->window.any
					      ? "provisioned"
					      : generations[x->generation & 3],
			.sender_id = ep_sender_id(x),
			.recipient_id = ep_recipient_id(x),
			.aead = x->aead,
			.hkdf = x->hkdf,
			.sender_next = x->ssn_next,
			.sender_limit = ep_ssn_limit(x),
			.received_any = x->window.any,
			.highest = x->window.highest,
			.fresh = x->fresh,
			.stale = x->stale,
			.replays = x->replays,
			.auth_failures = x->auth_failures,
			.auth_failures_limit = osc_limits_of(x->aead).failures,
			.encryptions = ep_used(x),
			.encryptions_limit = osc_limits_of(x->aead).encryptions,
			.created_wall_s = (int64_t)x->created_day * 86400,
			.rotation_wall_s = core_rotation_s(c, x)};
		v.id_context = ep_id_context(x);
		fn(cb_arg, &v);
	}
	return ERR_OK;
}

struct telling {
	adm_observation_fn *fn;
	void *cb_arg;
};

static void tell_observation(void *arg, const struct srv_observation_view *v)
{
	const struct telling *k = arg;
	struct adm_observation_view out = {.prefix = v->prefix,
		.path = v->path,
		.paths = v->paths,
		.path_n = v->path_n,
		.attributes = v->attributes,
		.state = v->active ? "active" : "requested",
		.notifications = v->notifications,
		.last_wall_s = v->last_wall_s};
	k->fn(k->cb_arg, &out);
}

static enum err op_observation_list(
	void *arg, struct span name, adm_observation_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct endpoint *e = core_find(c, name);
	struct telling k = {fn, cb_arg};
	if (!e)
		return core_not_found(c);
	srv_observations(c->srv, e, tell_observation, &k);
	return ERR_OK;
}

static enum err op_bootstrap_get(void *arg, struct span name, struct adm_bootstrap_view *out)
{
	struct core *c = arg;
	static uint8_t json[BS_JSON_MAX];
	struct bs_view v;
	struct endpoint *e = name.n ? core_find(c, name) : NULL;
	if (!c->up || (name.n && !e))
		return core_not_found(c);
	bs_view(c->bs, e, &v);
	struct writer w = wr_make(json, sizeof(json));
	if (v.plan)
		bs_plan_write(v.plan, false, &w);
	*out = (struct adm_bootstrap_view){.plan_json = wr_span(&w),
		.own_plan = v.own_plan,
		.state = v.state,
		.last_result = v.last_result,
		.reads = v.reads,
		.last_wall_s = v.last_wall_s};
	return ERR_OK;
}

/* ---- changes */

static void op_endpoint_delete(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct turn *t = core_cur(c);
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct endpoint *e = core_known(c, name, ticket);
	if (!e)
		return;
	core_forget_endpoint(c, e, t);
	turn_done(t, ticket, 204, NULL, NULL);
}

static void op_oscore_delete(
	void *arg, struct span name, bool bootstrap, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct turn *t = core_cur(c);
	uint8_t role = bootstrap ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER;
	size_t n = 0;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct endpoint *e = core_known(c, name, ticket);
	if (!e)
		return;
	for (struct ep_context *x = e->contexts, *next; x; x = next) {
		next = x->next_of_endpoint;
		if (x->role != role)
			continue;
		core_remove_context(c, x, t);
		n++;
	}
	if (n)
		turn_done(t, ticket, 204, NULL, NULL);
	else
		core_refuse(c, ticket, 404, "no-credentials", "it has no such credentials");
}

static void op_plan_put(
	void *arg, struct span name, struct span json, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct bs_refusal no;
	struct endpoint *e = NULL;
	struct turn *t = core_cur(c);
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	if (name.n && !(e = core_known(c, name, ticket)))
		return;
	enum err err = bs_plan_put(c->bs, e, json, t, &no);
	if (err == ERR_SYNTAX)
		turn_refuse(t, ticket, 422, "invalid", no.field, no.text);
	else if (err)
		core_refuse_err(c, ticket, err);
	else
		turn_done(t, ticket, 200, NULL, NULL);
}

static void op_plan_delete(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct endpoint *e = NULL;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	if (name.n && !(e = core_known(c, name, ticket)))
		return;
	if (bs_plan_delete(c->bs, e, core_cur(c)))
		core_refuse(c, ticket, 404, "no-plan", "it has no plan of its own");
	else
		turn_done(core_cur(c), ticket, 204, NULL, NULL);
}

/* BS-23 */
static void op_bootstrap_start(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	struct endpoint *e;
	if (!core_call_begin(c, done, done_arg, &ticket) || !(e = core_known(c, name, ticket)))
		return;
	enum err err = bs_begin(c->bs, e, core_cur(c));
	if (!err)
		turn_done(core_cur(c), ticket, 200, NULL, NULL);
	else if (err == ERR_UNSUPPORTED)
		core_refuse(c, ticket, 409, "conflict",
			"[bootstrap] unasked is off: only devices begin a bootstrap");
	else if (err == ERR_NOTFOUND)
		core_refuse(c, ticket, 404, "no-credentials", "it has no bootstrap credentials");
	else if (err == ERR_STATE)
		core_refuse(c, ticket, 504, "no-address",
			"nothing was heard of it under its bootstrap keys since the start");
	else if (err == ERR_BUSY || err == ERR_CONFLICT)
		core_refuse(c, ticket, 409, "conflict",
			err == ERR_BUSY ? "its bootstrap is under way"
					: "there is no plan for its bootstrap");
	else
		core_refuse_err(c, ticket, err);
}

static enum err op_trace(void *arg, struct span name, bool on)
{
	struct core *c = arg;
	struct endpoint *e = core_find(c, name);
	if (!e)
		return ERR_NOTFOUND;
	e->traced = on;
	return ERR_OK;
}

/* ---- events */

struct event_telling {
	adm_event_fn *fn;
	void *cb_arg;
	uint64_t after, *first;
};

/* Whether events behind `after` are gone. */
static bool has_gap(const struct event_telling *k)
{
	return *k->first > k->after + 1;
}

static enum err tell_event(void *arg, const struct rec_event *e)
{
	const struct event_telling *k = arg;
	struct adm_event out = {.seq = e->seq,
		.wall_ms = e->wall_ms,
		.type = e->type,
		.endpoint = e->endpoint,
		.json = e->json};
	if (has_gap(k))
		return ERR_NOTFOUND;
	k->fn(k->cb_arg, &out);
	return ERR_OK;
}

static enum err op_events(
	void *arg, uint64_t after, size_t max, adm_event_fn *fn, void *cb_arg, uint64_t *first)
{
	struct core *c = arg;
	struct event_telling k = {fn, cb_arg, after, first};
	if (c->failed)
		return c->failed;
	enum err err = store_events(c->store, after, max, tell_event, &k, first);
	return !err && has_gap(&k) ? ERR_NOTFOUND : err;
}

void core_admin_ops(struct core *c, struct adm_ops *out)
{
	*out = (struct adm_ops){.arg = c,
		.status = op_status,
		.endpoint_list = op_endpoint_list,
		.endpoint_get = op_endpoint_get,
		.endpoint_put = core_endpoint_put,
		.endpoint_delete = op_endpoint_delete,
		.object_version = op_object_version,
		.device_list = core_device_list,
		.context_list = op_context_list,
		.oscore_put = core_oscore_put,
		.oscore_decode = core_oscore_decode,
		.import = core_import,
		.oscore_delete = op_oscore_delete,
		.psk_list = core_psk_list,
		.psk_put = core_psk_put,
		.psk_delete = core_psk_delete,
		.peer_list = core_peer_list,
		.peer_put = core_peer_put,
		.peer_delete = core_peer_delete,
		.dm = core_dm,
		.dm_cancel = core_dm_cancel,
		.queued_list = core_queued_list,
		.queued_get = core_queued_get,
		.queued_cancel = core_queued_cancel,
		.queued_follow = core_queued_follow,
		.observation_list = op_observation_list,
		.bootstrap_get = op_bootstrap_get,
		.plan_put = op_plan_put,
		.plan_delete = op_plan_delete,
		.bootstrap_start = op_bootstrap_start,
		.explain = core_explain,
		.trace = op_trace,
		.events = op_events,
		.metrics = core_metrics,
		.unseal = core_unseal,
		.backup = core_backup};
	core_firmware_ops(out);
}
