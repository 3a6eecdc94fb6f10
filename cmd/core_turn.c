/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: commit, then speak. */
#include "cmd/core_impl.h"

#include "base/heap.h"

#include <stdlib.h>

/* ---- tickets */

uint64_t core_ticket(struct core *c, adm_done_fn *done, void *done_arg)
{
	struct core_ticket *k = calloc(1, sizeof(*k));
	if (!k)
		return 0;
	k->id = ++c->next_ticket;
	k->done = done;
	k->done_arg = done_arg;
	k->next = c->tickets;
	c->tickets = k;
	return k->id;
}

void core_result_of(const struct effect_done *e, struct core_result *out)
{
	if (span_to_str(span_sub(e->detail, 0, sizeof(out->detail) - 1), out->detail,
		    sizeof(out->detail)))
		out->detail[0] = '\0';
	if (span_to_str(e->field, out->field, sizeof(out->field)))
		out->field[0] = '\0';
	out->result = (struct adm_result){.status = e->status,
		.type = e->type,
		.detail = out->detail,
		.field = out->field,
		.has_response = e->has_response,
		.in_parts = e->in_parts,
		.code = e->code,
		.content_format = e->content_format,
		.payload = e->payload,
		.location = e->location,
		.bytes = e->bytes,
		.alt = e->alt};
}

void core_answer(struct core *c, const struct effect_done *e)
{
	struct core_ticket **at = &c->tickets;
	while (*at && (*at)->id != e->ticket)
		at = &(*at)->next;
	struct core_ticket *k = *at;
	if (!k)
		return;
	*at = k->next;
	struct core_result r;
	core_result_of(e, &r);
	k->done(k->done_arg, &r.result);
	free(k);
}

static void answer_all_failed(struct core *c)
{
	while (c->tickets) {
		struct effect_done e = {.ticket = c->tickets->id,
			.status = 503,
			.type = "storage-unavailable",
			.detail = SPAN_LIT("nothing can be stored now; see status"),
			.content_format = -1};
		core_answer(c, &e);
	}
}

/* ---- turns */

static struct core_turn *turn_get(struct core *c)
{
	struct core_turn *n = c->idle;
	if (n) {
		c->idle = n->next;
		c->idle_n--;
		n->next = NULL;
	} else {
		n = calloc(1, sizeof(*n));
		if (n)
			turn_init(&n->turn);
	}
	return n;
}

static void turn_put(struct core *c, struct core_turn *n)
{
	if (c->idle_n >= CORE_TURNS_IDLE) { /* a burst is over, and what it took goes back */
		turn_fini(&n->turn);
		free(n);
		return;
	}
	turn_begin(&n->turn, 0, 0);
	n->durable = false;
	n->next = c->idle;
	c->idle = n;
	c->idle_n++;
}

struct turn *core_cur(struct core *c)
{
	return &c->cur->turn;
}

static void speak(struct core *c, struct core_turn *n)
{
	for (size_t i = 0; i < n->turn.effect_n; i++) {
		const struct effect *e = &n->turn.effect[i];
		switch (e->kind) {
		case EFFECT_SEND:
			c->opts.io.send(c->opts.io.arg, &e->send.to, e->send.bytes);
			break;
		case EFFECT_EVENT:
			c->opts.io.event(c->opts.io.arg, &e->event);
			break;
		case EFFECT_DONE:
			core_answer(c, &e->done);
			break;
		case EFFECT_IMAGE_GONE:
			core_image_gone(c, e->sha256);
			break;
		case EFFECT_INPUTS:
			core_ask_inputs(c, e->context_id);
			break;
		}
	}
}

static void pop(struct core *c, struct core_turn *n)
{
	c->first = n->next;
	if (!c->first)
		c->last = &c->first;
	c->flight_n--;
}

/* Everything at the front of the line that is durable. */
static void release(struct core *c)
{
	for (struct core_turn *n; (n = c->first) && n->durable;) {
		pop(c, n);
		speak(c, n);
		turn_put(c, n);
	}
}

void core_speak_refusals(struct core *c)
{
	struct turn *t = core_cur(c);
	for (size_t i = 0; i < t->effect_n; i++)
		if (t->effect[i].kind == EFFECT_DONE)
			core_answer(c, &t->effect[i].done);
	turn_begin(t, core_now_ms(c), c->wall_ms);
}

/* Storage is behind. What comes meanwhile goes into one turn, for it would be one commit anyway: so
 * it is the number of requests, not of the loop's passes, that makes the daemon refuse. What is in
 * flight ends this, when it comes back. */
static bool gathers(const struct core *c, const struct turn *t)
{
	return c->flight_n >= CORE_TURNS_APART && store_pending(c->store) && !t->err &&
	       t->batch.n < CORE_GATHER_MAX && t->effect_n < CORE_GATHER_MAX;
}

void core_turn_end(struct core *c)
{
	struct core_turn *n = c->cur;
	if (c->failed) {
		core_speak_refusals(c);
		return;
	}
	core_limits(c);
	if ((turn_empty(&n->turn) && !n->turn.err) || gathers(c, &n->turn))
		return;
	heap_grown();
	struct core_turn *fresh = turn_get(c);
	if (!fresh || n->turn.err) {
		core_fail(c, ERR_NOMEM);
		if (fresh)
			turn_put(c, fresh);
		turn_begin(&n->turn, core_now_ms(c), c->wall_ms);
		return;
	}
	turn_begin(&fresh->turn, core_now_ms(c), c->wall_ms);
	c->cur = fresh;
	n->next = NULL;
	n->durable = !n->turn.batch.n;
	*c->last = n;
	c->last = &n->next;
	c->flight_n++;
	if (!n->durable) {
		n->turn.batch.now_ms = core_now_ms(c);
		store_submit(c->store, &n->turn.batch);
	}
	release(c);
}

void core_store_done(void *core, struct batch *b)
{
	struct core *c = core;
	struct core_turn *n = (struct core_turn *)(void *)b;
	n->durable = true;
	if (b->result && !c->failed)
		core_fail(c, b->result);
}

/* ---- failure */

/* Nothing of what is in flight is said. The engines' state ran ahead of storage: they are built
 * anew from what is durable as soon as storage works, just as after a crash. */
void core_fail(struct core *c, enum err e)
{
	if (c->failed)
		return;
	c->failed = e;
	c->recover_ms = c->boot_ms + CORE_RECOVER_MS;
	c->opts.io.storage(c->opts.io.arg, e);
	answer_all_failed(c);
}

/* Drops turns that have come back, in order; what waits behind them has nothing to wait for. */
static void drop_returned(struct core *c)
{
	for (struct core_turn *n; (n = c->first) && n->durable;) {
		pop(c, n);
		turn_put(c, n);
	}
}

static void recover(struct core *c)
{
	if (c->boot_ms < c->recover_ms || c->failed == ERR_SEALED)
		return;
	c->recover_ms = c->boot_ms + CORE_RECOVER_MS;
	if (store_pending(c->store))
		return;
	drop_returned(c);
	if (store_recover(c->store))
		return;
	core_speak_refusals(
		c); /* calls of this very pass are answered before loading begins a turn anew */
	core_unload(c);
	enum err err = core_load(c);
	if (err)
		return; /* the next try loads again */
	c->failed = ERR_OK;
	c->recoveries++;
	c->opts.io.storage(c->opts.io.arg, ERR_OK);
	core_turn_end(c);
}

void core_store_poll(struct core *c)
{
	store_poll(c->store);
	if (c->failed)
		drop_returned(c);
	else
		release(c);
}

void core_timers(struct core *c)
{
	struct ep_delivery d;
	if (c->failed) {
		recover(c);
		return;
	}
	struct turn *t = core_cur(c);
	do { /* what had to wait may come to nothing, and leave others waiting */
		ep_timer(c->x, t, &d);
		core_deliver(c, &d);
		core_tell_refused(c, &d);
	} while (d.kind != EP_NOTHING || !ep_deadline_ms(c->x));
	srv_timer(c->srv, t);
	bs_timer(c->bs, t);
	core_rotate(c);
	core_security(c);
	core_forget_orphans(c, t);
}

uint64_t core_deadline_ms(const struct core *c)
{
	if (c->failed)
		return c->failed == ERR_SEALED ? UINT64_MAX : c->recover_ms;
	uint64_t a = ep_deadline_ms(c->x), b = srv_deadline_ms(c->srv), d = bs_deadline_ms(c->bs);
	a = a < b ? a : b;
	uint64_t s = ep_security_deadline_ms(&c->security);
	a = a < d ? a : d;
	a = a < s ? a : s;
	uint64_t r = core_rotate_deadline_ms(c);
	a = a < r ? a : r;
	if (a == UINT64_MAX)
		return a;
	return a <= c->clock_base_ms ? c->boot_start_ms : a - c->clock_base_ms + c->boot_start_ms;
}

void core_time(struct core *c, uint64_t boot_ms, int64_t wall_ms)
{
	if (boot_ms > c->boot_ms)
		c->boot_ms = boot_ms;
	c->wall_ms = wall_ms;
	c->cur->turn.now_ms = core_now_ms(c);
	c->cur->turn.wall_ms = wall_ms;
}

static void free_turns(struct core_turn *n)
{
	while (n) {
		struct core_turn *next = n->next;
		turn_fini(&n->turn);
		free(n);
		n = next;
	}
}

enum err core_new(const struct core_opts *o, struct core **out)
{
	struct core *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	c->opts = *o;
	c->last = &c->first;
	c->cur = turn_get(c);
	if (!c->cur) {
		free(c);
		return ERR_NOMEM;
	}
	*out = c;
	return ERR_OK;
}

void core_free(struct core *c)
{
	if (!c)
		return;
	answer_all_failed(c);
	core_unload(c);
	store_free(c->store);
	free_turns(c->first);
	free_turns(c->idle);
	free_turns(c->cur);
	secret_wipe(c->secret, sizeof(c->secret));
	free(c);
}
