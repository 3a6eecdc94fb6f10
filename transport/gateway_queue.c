/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gateway_impl.h"

#include <stdlib.h>
#include <string.h>

void gateway_queue_init(struct gateway_queue *q, struct gateway *g)
{
	*q = (struct gateway_queue){.gateway = g, .last = &q->first};
}

void gateway_queue_fini(struct gateway_queue *q)
{
	while (q->first)
		gateway_queue_drop(q);
}

/* Of the two places of an address the emptier one counts for it. */
static bool is_full(const struct gateway *g, const uint32_t place[static 2], size_t n)
{
	const struct gateway_stats *s = &g->stats;

	return s->queued >= g->opts.queue_max || s->queued_bytes + n > g->opts.queue_bytes ||
	       (g->waiting[place[0]] >= g->opts.queue_address_max &&
		       g->waiting[place[1]] >= g->opts.queue_address_max);
}

static void count(struct gateway *g, const struct gateway_item *i, bool in)
{
	uint32_t place[2];

	gateway_places(g, &i->to, place);
	for (size_t k = 0; k < 2; k++)
		g->waiting[place[k]] = (uint16_t)(g->waiting[place[k]] + (in ? 1 : -1));
	g->stats.queued += in ? 1 : UINT64_MAX;
	g->stats.queued_bytes += in ? i->n : -(uint64_t)i->n;
}

enum err gateway_queue_put(struct gateway_queue *q, const struct peer *to, struct span datagram)
{
	struct gateway *g = q->gateway;
	struct gateway_item *i;
	uint32_t place[2];

	gateway_places(g, to, place);
	if (is_full(g, place, datagram.n))
		return ERR_LIMIT;
	i = malloc(sizeof(*i) + datagram.n);
	if (!i)
		return ERR_NOMEM;
	*i = (struct gateway_item){
		.to = *to, .since_ms = gateway_now_ms(), .n = (uint32_t)datagram.n};
	memcpy(i->bytes, datagram.p, datagram.n);
	gateway_keep(&i->to);
	count(g, i, true);
	*q->last = i;
	q->last = &i->next;
	q->n++;
	return ERR_OK;
}

void gateway_queue_drop(struct gateway_queue *q)
{
	struct gateway_item *i = q->first;

	q->first = i->next;
	if (!q->first)
		q->last = &q->first;
	q->n--;
	count(q->gateway, i, false);
	gateway_drop(&i->to);
	free(i);
}

void gateway_queue_move(struct gateway_queue *to, struct gateway_queue *from)
{
	if (!from->first)
		return;
	*to->last = from->first;
	to->last = from->last;
	to->n += from->n;
	gateway_queue_init(from, from->gateway);
}
