/* SPDX-License-Identifier: Apache-2.0 */
/* What holds after every turn of the daemon: its lists agree with each other and with storage, and
 * stay bounded; keys are used as they may be. */
#ifndef LANYARD_TESTS_FUZZ_DAEMON_CHECK_H
#define LANYARD_TESTS_FUZZ_DAEMON_CHECK_H

#include "tests/fuzz/daemon_stored.h"

struct check_sums {
	size_t on_their_way, observing, queued, rx_bytes[2], dedup_bytes;
};

static void check_request(
	const struct ep_request *r, const struct ep_conversation *v, enum ep_request_state state)
{
	require(r->conv == v, "a request knows its conversation");
	require(r->state == state, "a request's state is the list it is in");
	require(r->endpoint || !v->ctx, "a request has its endpoint");
	require(r->tx.at + r->tx.n <= r->tx.body_n && (r->source.read || r->tx.body_n < r->plain_n),
		"a block lies in its body");
	require(r->fetched_again <= 2, "an answer is begun anew twice at most");
	if (!r->parent)
		return;
	require(r->parent->conv == v && r->parent->state == EP_REQ_OBSERVING,
		"what is fetched belongs to an observation");
	for (const struct ep_request *o = v->queue; o; o = o->next)
		require(o == r || o->parent != r->parent, "an observation fetches one body");
}

static void check_conversation(const struct ep_conversation *v, struct check_sums *s)
{
	size_t n = 0;
	require(!v->pinned, "no delivery is under way between turns");
	require(v->current || !v->queue, "the next request goes when none is on its way");
	for (const struct ep_request *r = v->current; r; r = r->next, n++)
		check_request(r, v, EP_REQ_SENT);
	require(n == v->current_n && n <= PACE_NSTART_MAX, "few requests are on their way");
	s->on_their_way += n;
	n = 0;
	struct ep_request *const *tail = &v->queue;
	for (const struct ep_request *r = v->queue; r; r = r->next, n++) {
		check_request(r, v, EP_REQ_QUEUED);
		tail = &r->next;
	}
	require(n == v->queue_n && tail == v->tail, "a queue is whole");
	require(n + v->current_n <= EP_QUEUE_MAX + PACE_NSTART_MAX, "a queue is bounded");
	s->queued += n;
	for (const struct ep_request *r = v->observations; r; r = r->next, s->observing++)
		check_request(r, v, EP_REQ_OBSERVING);
	if (v->rx)
		s->rx_bytes[v->ctx != NULL] += v->rx->cap;
	n = 0;
	for (const struct dedup_entry *e = v->dedup.head; e; e = e->next, n++)
		s->dedup_bytes += sizeof(*e) + e->n;
	require(n <= DEDUP_PER_PEER, "few answers are kept for a peer");
}

/* A recovery that the daemon has begun has one request on its way, or waits for a secret. */
static size_t check_begin(const struct ep_exchange *x, const struct ep_conversation *v)
{
	const struct ep_request *r = (const struct ep_request *)v->begin;
	require(!r || (r->begins && r->conv == v), "a recovery knows its conversation");
	return r && exch_by_token(&x->exch, SPAN_OF(r->token)) == &r->exch;
}

static void check_exchange(const struct core *c)
{
	struct check_sums s = {0};
	const struct ep_exchange *x = c->x;
	size_t cursor = 0;
	for (const struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));)
		for (const struct ep_context *k = e->contexts; k; k = k->next_of_endpoint)
			if (k->conv) {
				require(k->conv->ctx == k, "a conversation knows its context");
				check_conversation(k->conv, &s);
				s.on_their_way += check_begin(x, k->conv);
			}
	cursor = 0;
	for (const struct ep_conversation *v; (v = map_next(&x->nosec, &cursor));) {
		require(!v->ctx, "an unprotected conversation has no context");
		check_conversation(v, &s);
	}
	require(s.on_their_way == x->exch.by_mid.count, "every MID belongs to a request");
	require(s.on_their_way == x->exch.by_token.count, "every token belongs to a request");
	require(s.observing == x->observing.count, "every observation is in its list");
	require(s.rx_bytes[0] == x->rx_bytes[0] && s.rx_bytes[1] == x->rx_bytes[1],
		"bodies on their way in are accounted for");
	require(s.dedup_bytes == x->dedup.bytes, "kept answers are accounted for");
	require(!x->hold && !x->dead == (x->dead_tail == &x->dead), "no hold stays");
}

static void check_registration(const struct endpoint *e, const struct srv_reg *g)
{
	require(g->endpoint == e, "a registration knows its endpoint");
	require(g->ctx ? g->ctx->endpoint == e && g->ctx->role == REC_ROLE_SERVER : g->peer != NULL,
		"it was made under keys for the server, or has its peer");
	require(!g->ctx || g->ctx->fresh, "it was made by a device that lives");
}

static void check_server(const struct core *c)
{
	size_t ops = 0, observations = 0, cursor = 0, registered = 0;
	for (const struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));) {
		const struct srv_endpoint *se = e->registration;
		if (!se)
			continue;
		for (const struct srv_observation *o = se->observations; o; o = o->next) {
			require(o->endpoint == e, "an observation knows its endpoint");
			require(!o->request || o->request->user == o, "so does its request");
			observations++;
		}
		registered += se->reg != NULL;
		if (se->reg)
			check_registration(e, se->reg);
		for (const struct srv_op *o = se->reg ? se->reg->ops : NULL; o; o = o->next) {
			require(o->reg == se->reg, "an operation knows its registration");
			require(!o->request || o->request->user == o, "so does its request");
			ops++;
		}
	}
	require(observations == c->srv->observation_n, "observations are counted");
	require(ops == c->srv->op_n, "operations are counted");
	require(registered == c->srv->by_location.count, "every location is a registration's");
}

/* No key serves two contexts or both ways, and no two answer to one name. */
static void check_pair(const struct ep_context *a, const struct ep_context *b)
{
	struct osc_keys j, k;
	ep_keys(a, &j);
	ep_keys(b, &k);
	require(memcmp(j.sender_key, k.sender_key, sizeof(j.sender_key)) &&
			memcmp(j.recipient_key, k.recipient_key, sizeof(j.recipient_key)) &&
			memcmp(j.sender_key, k.recipient_key, sizeof(j.sender_key)),
		"a key belongs to one context and one way");
	require(!span_eq(ep_recipient_id(a), ep_recipient_id(b)) ||
			a->has_id_context != b->has_id_context ||
			!span_eq(ep_id_context(a), ep_id_context(b)),
		"a kid names one context");
}

/* Newer keys came of the same secret, and something may have been done under those. */
static bool is_outlived(const struct ep_context *k)
{
	const struct ep_context *o = k->endpoint->contexts;
	while (o && (o->role != k->role || o->origin != REC_ORIGIN_RECOVERED))
		o = o->next_of_endpoint;
	return o != NULL;
}

static void check_context(struct world *w, const struct ep_context *k)
{
	const struct key *known = world_key_of(w, k);
	size_t cursor = 0;
	require(k->fresh || !k->executed || is_outlived(k),
		"nothing is done for who may be long gone");
	require(!k->fresh || !k->stale, "a stale window ends with the proof");
	require(!k->fresh || k->origin != REC_ORIGIN_IMPORTED || !known || known->proves ||
			known->trusted,
		"a device proves that it lives");
	for (const struct endpoint *e; (e = map_next(&w->core->dir.by_name, &cursor));)
		for (const struct ep_context *o = e->contexts; o; o = o->next_of_endpoint)
			if (o != k)
				check_pair(o, k);
}

static void check_directory(struct world *w)
{
	size_t cursor = 0, nosec = 0;
	for (const struct endpoint *e; (e = map_next(&w->core->dir.by_name, &cursor));) {
		nosec += e->allow_nosec;
		for (const struct ep_context *k = e->contexts; k; k = k->next_of_endpoint) {
			require(k->endpoint == e, "a context knows its endpoint");
			check_context(w, k);
		}
	}
	require(nosec == w->core->dir.nosec_n, "who may come unprotected is counted");
}

static void check_bootstrap(const struct core *c)
{
	size_t cursor = 0, sessions = 0;
	for (const struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));) {
		const struct bs_endpoint *be = e->session;
		const struct bs_session *s = be ? be->session : NULL;
		if (!s)
			continue;
		sessions++;
		require(s->endpoint == e && s->ctx->endpoint == e &&
				s->ctx->role == REC_ROLE_BOOTSTRAP && s->ctx->fresh,
			"a session runs under its device's keys for it");
		require(!s->keys[BS_KEYS_SERVER].made ||
				(s->keys[BS_KEYS_SERVER].made->endpoint == e &&
					s->keys[BS_KEYS_SERVER].made->role == REC_ROLE_SERVER),
			"what it makes is for the server");
	}
	require(sessions == c->bs->session_n, "sessions are counted");
}

static void check_world(struct world *w)
{
	struct core *c = w->core;
	require(!c->failed || w->may_fail, "nothing fails unless storage was made to");
	require(c->flight_n <= CORE_TURNS_MAX + CALLS_MAX, "turns in flight are bounded");
	require(c->dir.by_name.count <= w->cfg.endpoints_max || !c->up, "endpoints are bounded");
	if (c->failed || !c->up)
		return;
	check_exchange(c);
	check_directory(w);
	check_server(c);
	check_bootstrap(c);
	check_stored(c);
}

#endif
