/* SPDX-License-Identifier: Apache-2.0 */
/* While nothing is pending, what is stored is what the daemon holds: a power cut now would lose
 * nothing, and nothing is stored that the daemon does not know of. */
#ifndef LANYARD_TESTS_FUZZ_DAEMON_STORED_H
#define LANYARD_TESTS_FUZZ_DAEMON_STORED_H

#include "bootstrap/session.h"
#include "tests/fuzz/daemon_world.h"

enum { STORED_MAX = 4096 };

struct stored_answer {
	uint64_t context_id, hash;
};

struct stored_grave {
	uint8_t ikm[EP_IKM_BYTES];
	struct osc_id id;
	uint64_t number;
};

struct stored {
	struct core *core;
	size_t endpoints, contexts, registrations, ops, plans, answer_n, grave_n;
	struct stored_answer answer[STORED_MAX];
	struct stored_grave grave[STORED_MAX];
};

static struct endpoint *endpoint_of(const struct core *c, uint64_t id)
{
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));)
		if (e->id == id)
			return e;
	require(false, "what is stored belongs to an endpoint");
	return NULL;
}

static enum err stored_endpoint(void *arg, const struct rec_endpoint *r)
{
	struct stored *s = arg;
	const struct endpoint *e = endpoint_of(s->core, r->id);
	require(span_eq(ep_name(e), r->name) &&
			span_eq(ep_rd_name(e), r->rd_ep.n ? r->rd_ep : r->name) &&
			span_eq(ep_bs_name(e), r->bs_ep.n ? r->bs_ep : r->name),
		"an endpoint's names are stored");
	require(e->freshness == r->freshness && e->allow_nosec == r->allow_nosec &&
			e->oscore_version == r->oscore_version,
		"an endpoint's settings are stored");
	s->endpoints++;
	return ERR_OK;
}

static enum err stored_context(void *arg, const struct rec_context *r)
{
	struct stored *s = arg;
	const struct ep_context *k = endpoint_of(s->core, r->endpoint_id)->contexts;
	while (k && k->id != r->id)
		k = k->next_of_endpoint;
	require(k != NULL, "a stored context is in use");
	require(ep_ssn_limit(k) == r->ssn_limit && k->ssn_left <= k->ssn_block + k->ssn_block / 4,
		"sender numbers are reserved in storage");
	require((k->window.any ? k->window.highest : UINT64_MAX) == r->highest,
		"what was accepted is stored");
	require(k->fresh == r->fresh && k->stale == r->stale && k->executed == r->executed &&
			k->generation == r->generation && k->role == r->role &&
			k->origin == r->origin,
		"a context's state is stored");
	s->contexts++;
	return ERR_OK;
}

/* One whose time ran out while the daemon was away expired when it came back. */
static uint64_t expiry_after(const struct srv *srv, const struct rec_reg *r)
{
	return r->expiry_ms < srv->opts.now_ms ? srv->opts.now_ms : r->expiry_ms;
}

static enum err stored_registration(void *arg, const struct rec_reg *r)
{
	static uint8_t text[SRV_TEXT_MAX];
	struct stored *s = arg;
	const struct srv_reg *g = srv_reg_of(endpoint_of(s->core, r->endpoint_id));
	struct writer w = wr_make(text, sizeof(text));
	require(g != NULL, "a stored registration is one");
	require((g->ctx ? g->ctx->id : 0) == r->context_id && span_eq_str(r->location, g->location),
		"a registration is stored as it is");
	require(g->lifetime_s == r->lifetime_s && g->queue == r->queue && g->lwm2m == r->lwm2m &&
			g->binding == r->binding &&
			span_eq(r->sms, span_str((g->rare ? g->rare->sms : NULL))),
		"a registration's parameters are stored");
	require(g->expiry_ms == expiry_after(s->core->srv, r), "its end is stored");
	require(!lwm_object_list_write(&g->list, &w) && span_eq(r->links, wr_span(&w)),
		"its objects are stored");
	s->registrations++;
	return ERR_OK;
}

static enum err stored_seen(void *arg, const struct rec_seen *r)
{
	struct stored *s = arg;
	if (s->answer_n < STORED_MAX)
		s->answer[s->answer_n++] = (struct stored_answer){r->context_id, r->hash};
	return ERR_OK;
}

static enum err stored_plan(void *arg, const struct rec_plan *r)
{
	struct stored *s = arg;
	static uint8_t text[BS_JSON_MAX];
	struct writer w = wr_make(text, sizeof(text));
	const struct bs_plan *p = s->core->bs->stored;
	if (r->endpoint_id) {
		const struct bs_endpoint *be = endpoint_of(s->core, r->endpoint_id)->session;
		p = be ? be->own : NULL;
	}
	require(p != NULL, "a stored plan is one");
	bs_plan_write(p, true, &w);
	require(span_eq(r->json, wr_span(&w)), "a plan is stored as it is");
	s->plans++;
	return ERR_OK;
}

static void none(void *arg, const struct srv_queued_view *v)
{
	(void)arg;
	(void)v;
}

static enum err stored_op(void *arg, const struct rec_op *r)
{
	struct stored *s = arg;
	const struct endpoint *e = endpoint_of(s->core, r->endpoint_id);
	const struct srv_endpoint *se = e->registration;
	bool queued =
		r->state && srv_queued_get(s->core->srv, r->ref, core_now_ms(s->core), none, NULL);
	const struct srv_observation *o = se ? se->observations : NULL;
	const struct srv_op *op = se && se->reg ? se->reg->ops : NULL;
	while (o && o->id != r->id)
		o = o->next;
	while (op && op->id != r->id)
		op = op->next;
	require(o || op || queued, "a stored operation is under way");
	s->ops++;
	return ERR_OK;
}

static enum err stored_tombstone(void *arg, const struct rec_tombstone *r)
{
	struct stored *s = arg;
	const struct ep_grave *g = ep_grave_find(&s->core->dir.graves, r->ikm_fingerprint.p, r->id);
	require(g && g->sender == r->sender &&
			(r->number == UINT64_MAX ||
				(g->number != UINT64_MAX && g->number >= r->number)),
		"a stored tombstone stands");
	if (s->grave_n == STORED_MAX)
		return ERR_OK;
	struct stored_grave *n = &s->grave[s->grave_n++];
	n->number = r->number;
	memcpy(n->ikm, r->ikm_fingerprint.p, sizeof(n->ikm));
	return osc_id_set(&n->id, r->id);
}

static void check_graves(const struct stored *s)
{
	size_t cursor = 0;
	for (const struct ep_grave *g; (g = map_next(&s->core->dir.graves, &cursor));) {
		size_t i = 0;
		while (i < s->grave_n && (ep_grave_find(&s->core->dir.graves, s->grave[i].ikm,
						  osc_id_span(&s->grave[i].id)) != g ||
						 s->grave[i].number != g->number))
			i++;
		require(i < s->grave_n, "a tombstone is stored");
	}
}

static void check_answers(const struct stored *s, const struct ep_context *k)
{
	const struct dedup_entry *e = k->conv ? k->conv->dedup.head : NULL;
	for (; e && s->answer_n < STORED_MAX; e = e->next) {
		size_t i = 0;
		while (i < s->answer_n &&
			(s->answer[i].context_id != k->id || s->answer[i].hash != e->hash))
			i++;
		require(i < s->answer_n || core_now_ms(s->core) >= e->expires_ms,
			"an answer that is kept is stored");
	}
}

static void count_queued(void *arg, const struct srv_queued_view *v)
{
	(void)v;
	++*(size_t *)arg;
}

/* How many rows there ought to be. */
static void check_counts(const struct stored *s)
{
	struct core *c = s->core;
	size_t cursor = 0, ops = 0, plans = c->bs->stored != NULL;
	for (const struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));) {
		const struct srv_endpoint *se = e->registration;
		const struct bs_endpoint *be = e->session;
		const struct srv_observation *o = se ? se->observations : NULL;
		const struct srv_op *op = se && se->reg ? se->reg->ops : NULL;
		plans += be && be->own;
		srv_queued_list(c->srv, e, core_now_ms(c), count_queued, &ops);
		for (; o; o = o->next)
			ops += o->id != 0;
		for (; op; op = op->next)
			ops += op->id != 0;
		for (const struct ep_context *k = e->contexts; k; k = k->next_of_endpoint)
			check_answers(s, k);
	}
	require(s->endpoints == c->dir.by_name.count, "every endpoint is stored");
	require(s->contexts == c->dir.context_n, "every context is stored");
	require(s->registrations == c->srv->by_location.count, "every registration is stored");
	require(s->ops == ops && s->plans == plans, "every operation and plan is stored");
}

static void check_stored(struct core *c)
{
	static struct stored s;
	struct store_info info;
	const struct store_visitor v = {.endpoint = stored_endpoint,
		.context = stored_context,
		.registration = stored_registration,
		.seen = stored_seen,
		.plan = stored_plan,
		.op = stored_op,
		.tombstone = stored_tombstone,
		.arg = &s};
	if (store_pending(c->store))
		return;
	s.core = c;
	s.endpoints = s.contexts = s.registrations = s.ops = s.plans = s.answer_n = s.grave_n = 0;
	require(store_load(c->store, &v, &info) == ERR_OK, "what is stored can be read");
	check_counts(&s);
	check_graves(&s);
}

#endif
