/* SPDX-License-Identifier: Apache-2.0 */
/* Recovered keys (RFC 8613 Appendix B.2): storage gives the secrets, the engines take the new
 * context for the old one. */
#include "cmd/core_impl.h"

#include <stdlib.h>

struct asking {
	struct store_inputs store;
	struct core *core;
};

/* The engines may have been built anew since: they then keep what nobody waits for, for a while. */
static void on_inputs(struct store_inputs *q)
{
	struct asking *a = q->arg;
	struct core *c = a->core;
	if (c->up)
		ep_inputs_told(c->x, q->context_id, q->result, span_make(q->secret, q->secret_n),
			span_make(q->salt, q->salt_n), core_now_ms(c));
	secret_wipe(a, sizeof(*a));
	free(a);
}

void core_ask_inputs(struct core *c, uint64_t context_id)
{
	struct asking *a = calloc(1, sizeof(*a));
	if (!a) {
		if (c->up)
			ep_inputs_told(c->x, context_id, ERR_NOMEM, SPAN_EMPTY, SPAN_EMPTY,
				core_now_ms(c));
		return;
	}
	a->core = c;
	a->store.context_id = context_id;
	a->store.done = on_inputs;
	a->store.arg = a;
	store_inputs(c->store, &a->store);
}

/* The response to request 2 may be lost: until the next message the device may still come back with
 * the keys it had before. Those of recoveries that came to nothing in between go at once. */
void core_recovered(struct core *c, const struct ep_delivery *d, struct turn *t)
{
	struct ep_context *older = ep_context_older(d->ctx), *next;
	for (; older; older = next) {
		next = ep_context_older(older);
		srv_context_replaced(c->srv, older, d->ctx, t);
		if (!d->adopted || next)
			core_remove_context(c, older, t);
	}
}
