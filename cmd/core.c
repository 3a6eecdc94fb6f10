/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets what: datagrams to the exchange, deliveries to the engines; start and stop. */
#include "cmd/core_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

void core_remove_context(struct core *c, struct ep_context *ctx, struct turn *t)
{
	srv_context_gone(c->srv, ctx, t);
	bs_context_gone(c->bs, ctx, t);
	ep_context_close(c->x, ctx);
	ep_context_remove(&c->dir, ctx, t);
}

void core_forget_endpoint(struct core *c, struct endpoint *e, struct turn *t)
{
	while (e->contexts)
		core_remove_context(c, e->contexts, t);
	srv_forget_endpoint(c->srv, e, t);
	bs_forget_endpoint(c->bs, e);
	turn_rec(t, REC_ENDPOINT_DEL)->del.id = e->id;
	ep_forget(&c->dir, e);
}

void core_forget_orphans(struct core *c, struct turn *t)
{
	for (struct endpoint *e; (e = srv_take_orphan(c->srv));)
		if (ep_is_bare(e) && !bs_has_plan(e))
			core_forget_endpoint(c, e, t);
}

/* The device has used its newest keys: older ones of that role have served (bootstrap keeps them
 * valid until here). */
static void promote(struct core *c, struct ep_context *ctx, struct turn *t)
{
	ctx->generation = REC_GEN_USED;
	ep_context_record_state(t, ctx);
	bs_context_used(c->bs, ctx, t);
	struct ep_context *kept =
		ep_context_older(ctx); /* of the same secret: see core_recovered */
	for (struct ep_context *o = ctx->next_of_endpoint, *next; o; o = next) {
		next = o->next_of_endpoint;
		if (o == kept)
			kept = ep_context_older(o);
		else if (o->role == ctx->role)
			core_remove_context(c, o, t);
	}
}

static void deliver(struct core *c, struct ep_delivery *d, struct turn *t)
{
	switch (d->kind) {
	case EP_NOTHING:
	case EP_RECOVERED:
		return;
	case EP_REQUEST:
		if (d->role == REC_ROLE_BOOTSTRAP)
			bs_request(c->bs, d, t);
		else
			srv_request(c->srv, d, t);
		if (d->first_use && d->changed)
			promote(c, d->ctx, t);
		core_forget_orphans(c, t);
		return;
	case EP_RESPONSE:
	case EP_NOTIFICATION:
	case EP_TIMEOUT:
	case EP_CANCELLED:
		if (d->role == REC_ROLE_BOOTSTRAP)
			bs_response(c->bs, d, t);
		else
			srv_response(c->srv, d, t);
		ep_delivery_end(c->x, d, t);
		return;
	}
}

void core_deliver(struct core *c, struct ep_delivery *d)
{
	struct turn *t = core_cur(c);
	/* Whether the context is still there afterwards, nobody can tell. */
	bool recovered =
		d->kind != EP_NOTHING && d->verified && d->ctx->origin == REC_ORIGIN_RECOVERED;
	deliver(c, d, t);
	if (recovered)
		core_recovered(c, d, t);
}

void core_tell_refused(const struct core *c, const struct ep_delivery *d)
{
	if (d->refused && c->opts.io.refused)
		c->opts.io.refused(c->opts.io.arg, d);
}

/* While nothing can be stored, or more is in flight than is good: 5.03, at once. */
static void refuse(struct core *c, const struct peer *from, struct span datagram)
{
	struct turn t;
	enum ep_reason why = c->failed == ERR_SEALED ? EP_REASON_SEALED
			     : c->failed             ? EP_REASON_STORAGE
						     : EP_REASON_OVERLOAD;
	uint64_t before = c->lost.unavailable;
	turn_init(&t);
	turn_begin(&t, core_now_ms(c), c->wall_ms);
	ep_input_unavailable(&c->lost, from, datagram, &t);
	if (c->lost.unavailable != before)
		ep_tally_count(&c->tally, why, true, c->wall_ms);
	for (size_t i = 0; i < t.effect_n; i++)
		c->opts.io.send(c->opts.io.arg, &t.effect[i].send.to, t.effect[i].send.bytes);
	turn_fini(&t);
}

void core_input(struct core *c, const struct peer *from, struct span datagram)
{
	core_input_by(c, from, 0, datagram);
}

void core_input_by(struct core *c, const struct peer *from, uint64_t mark, struct span datagram)
{
	struct ep_delivery d;
	if (c->failed || c->flight_n >= CORE_TURNS_MAX) {
		refuse(c, from, datagram);
		return;
	}
	ep_input_by(c->x, from, mark, datagram, core_cur(c), &d);
	core_deliver(c, &d);
	core_security(c);
	core_tell_refused(c, &d);
}

void core_expect(const struct core *c, const struct span *datagrams, size_t n)
{
	if (!c->failed)
		ep_expect(c->x, datagrams, n);
}

void core_closed(struct core *c, const struct peer *who)
{
	if (!c->failed)
		ep_closed(c->x, who, core_cur(c));
}

void core_unsent(struct core *c, const struct peer *to, struct span datagram)
{
	if (!c->failed)
		ep_unsent(c->x, to, datagram);
}

void core_link_up(struct core *c, uint16_t gateway)
{
	if (!c->failed)
		ep_link_up(c->x, gateway);
}

void core_mtu(struct core *c, const struct peer *p, uint32_t bytes)
{
	if (!c->failed)
		ep_mtu(c->x, p, bytes);
}

enum err core_start(struct core *c, struct store *s, uint64_t boot_ms, int64_t wall_ms)
{
	c->store = s;
	c->boot_start_ms = boot_ms;
	c->boot_ms = boot_ms;
	c->wall_ms = wall_ms;
	c->started_boot_ms = boot_ms;
	struct store_stats st;
	store_stats(s, &st);
	if (st.seal) {
		c->failed = ERR_SEALED;
		c->opts.io.storage(c->opts.io.arg, ERR_SEALED);
		return ERR_OK;
	}
	enum err err = core_load(c);
	if (!err)
		err = core_begin(c, false);
	if (err)
		return err;
	core_images_sweep(c);
	core_turn_end(c);
	return ERR_OK;
}

/* No event number comes twice: each rollback begins a range of its own, of which any client can
 * still read the numbers. */
static uint64_t events_from(uint32_t rollbacks)
{
	enum { RANGE_BITS = 40, RANGES_MAX = 8191 };
	return (uint64_t)(rollbacks < RANGES_MAX ? rollbacks : RANGES_MAX) << RANGE_BITS;
}

/* Whoever follows the events learns from this one that those after the copy was made are gone. */
static void tell_rollback(struct core *c, uint32_t rollbacks, bool unsealed)
{
	char json[80];
	struct writer w = wr_make(json, sizeof(json));
	c->rollbacks_told = rollbacks;
	wr_fmt(&w, "{\"rollbacks\":%u,\"unsealed\":%s}", rollbacks, unsealed ? "true" : "false");
	if (c->next_event < events_from(rollbacks))
		c->next_event = events_from(rollbacks);
	ep_event(core_cur(c), &c->next_event, "rollback", SPAN_EMPTY, wr_span(&w));
	ep_security_note(&c->dir, EP_SECURITY_ROLLBACK, NULL, SPAN_EMPTY, NULL, core_now_ms(c));
	core_security(c);
	c->opts.io.rolled_back(c->opts.io.arg, rollbacks);
}

enum err core_begin(struct core *c, bool unsealed)
{
	struct store_stats st;
	enum err err = store_begin(c->store);
	store_stats(c->store, &st);
	if (!err && st.rolled_back)
		tell_rollback(c, st.rollbacks, unsealed);
	return err;
}

int core_store_fd(const struct core *c)
{
	return store_fd(c->store);
}

/* Exact windows and next numbers of all contexts. */
static enum err exact_rows(const struct core *c, struct rec_context **out, size_t *n)
{
	*n = 0;
	*out = calloc(c->dir.context_n + 1, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&c->dir.by_name, &cursor));)
		for (const struct ep_context *x = e->contexts; x; x = x->next_of_endpoint)
			(*out)[(*n)++] = (struct rec_context){.id = x->id,
				.ssn_limit = x->ssn_next,
				.highest = x->window.any ? x->window.highest : UINT64_MAX,
				.window = x->window.seen,
				.failures = x->auth_failures,
				.exact = true,
				.fresh = x->fresh,
				.executed = x->executed};
	return ERR_OK;
}

/* How long a commit may take before a stop gives up on it. */
enum { STOP_WAIT_MS = 30000 };

enum err core_stop(struct core *c)
{
	core_turn_end(c);
	while (store_pending(c->store)) {
		struct pollfd p = {.fd = store_fd(c->store), .events = POLLIN};
		int n = poll(&p, 1, STOP_WAIT_MS);
		if (n == 0 || (n < 0 && errno != EINTR))
			return ERR_IO;
		core_store_poll(c);
		core_turn_end(c); /* what gathered meanwhile */
	}
	core_store_poll(c);
	if (c->failed)
		return c->failed == ERR_SEALED ? ERR_OK : c->failed;
	struct rec_context *rows;
	size_t n;
	enum err err = exact_rows(c, &rows, &n);
	if (err)
		return err;
	err = store_stop(c->store, rows, n, core_now_ms(c));
	free(rows);
	return err;
}

void core_listener_port(struct core *c, size_t index, uint16_t port)
{
	if (index < CFG_LISTEN_MAX)
		c->port[index] = port;
}

void core_status_text(const struct core *c, struct writer *w)
{
	if (c->failed == ERR_SEALED)
		wr_str(w, "sealed until 'lanyardctl unseal'; answering 5.03");
	else if (c->failed)
		wr_fmt(w, "cannot store: %s; answering 5.03", err_text(c->failed));
	else
		wr_fmt(w, "%zu registered, %zu provisioned", srv_registered(c->srv),
			c->dir.by_name.count);
}
