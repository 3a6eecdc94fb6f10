/* SPDX-License-Identifier: Apache-2.0 */
#include "device/impair.h"

#include <stdlib.h>
#include <string.h>

enum { MILLION = 1000000 };

struct held {
	uint64_t due_ms, number; /* of one time the one that was taken first comes first */
	struct peer peer;
	bool out;
	uint32_t n;
	uint8_t bytes[];
};

struct dev_impair {
	struct dev_impair_options o;
	uint64_t state[4];
	struct rng rng;
	struct held **heap; /* the next to come is the first (a binary heap) */
	struct held *last;  /* what dev_impair_due gave out */
	uint32_t held_n, cap;
	uint64_t number;
	struct dev_impair_stats stats;
};

bool dev_impair_wanted(const struct dev_impair_options *o)
{
	return o->loss_ppm || o->duplicate_ppm || o->reorder_ppm || o->delay_max_ms;
}

enum err dev_impair_new(const struct dev_impair_options *o, uint64_t seed, struct dev_impair **out)
{
	struct dev_impair *i = calloc(1, sizeof(*i));
	if (!i)
		return ERR_NOMEM;
	i->o = *o;
	i->rng = rng_test(i->state, seed);
	*out = i;
	return ERR_OK;
}

static void drop_last(struct dev_impair *i)
{
	free(i->last);
	i->last = NULL;
}

void dev_impair_free(struct dev_impair *i)
{
	if (!i)
		return;
	drop_last(i);
	while (i->held_n)
		free(i->heap[--i->held_n]);
	free(i->heap);
	free(i);
}

static bool happens(struct dev_impair *i, uint32_t ppm)
{
	return rng_u64(&i->rng) % MILLION < ppm;
}

static uint32_t up_to(struct dev_impair *i, uint32_t from, uint32_t to)
{
	return from + (uint32_t)(rng_u64(&i->rng) % ((uint64_t)to - from + 1));
}

/* How long one copy is kept. Each datagram draws the same number of times whatever becomes of it,
 * or one more loss would change the fate of all that follow. */
static uint32_t draw_delay(struct dev_impair *i)
{
	uint32_t hold_ms = up_to(i, 1, DEV_IMPAIR_REORDER_MS);
	uint32_t delay_ms = up_to(i, i->o.delay_min_ms, i->o.delay_max_ms);
	if (!happens(i, i->o.reorder_ppm))
		return delay_ms;
	i->stats.reordered++;
	return delay_ms + hold_ms;
}

static void lose(struct dev_impair *i)
{
	i->stats.lost++;
	i->stats.overflowed++;
}

static bool earlier(const struct held *a, const struct held *b)
{
	return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->number < b->number);
}

static bool make_room(struct dev_impair *i)
{
	if (i->held_n >= i->o.held_max)
		return false;
	if (i->held_n < i->cap)
		return true;
	uint32_t cap = i->cap ? 2 * i->cap : 256;
	struct held **heap = realloc(i->heap, cap * sizeof(*heap));
	if (!heap)
		return false;
	i->heap = heap;
	i->cap = cap;
	return true;
}

static void heap_put(struct dev_impair *i, struct held *h)
{
	uint32_t at = i->held_n++;
	for (; at && earlier(h, i->heap[(at - 1) / 2]); at = (at - 1) / 2)
		i->heap[at] = i->heap[(at - 1) / 2];
	i->heap[at] = h;
}

static struct held *heap_take(struct dev_impair *i)
{
	struct held *first = i->heap[0], *moved = i->heap[--i->held_n];
	uint32_t at = 0;
	for (uint32_t down; (down = 2 * at + 1) < i->held_n; at = down) {
		if (down + 1 < i->held_n && earlier(i->heap[down + 1], i->heap[down]))
			down++;
		if (!earlier(i->heap[down], moved))
			break;
		i->heap[at] = i->heap[down];
	}
	i->heap[at] = moved;
	return first;
}

static void hold(struct dev_impair *i, const struct dev_impair_datagram *d, uint64_t due_ms)
{
	struct held *h = make_room(i) ? malloc(sizeof(*h) + d->bytes.n) : NULL;
	if (!h) {
		lose(i);
		return;
	}
	*h = (struct held){.due_ms = due_ms,
		.number = i->number++,
		.peer = d->peer,
		.out = d->out,
		.n = (uint32_t)d->bytes.n};
	memcpy(h->bytes, d->bytes.p, d->bytes.n);
	heap_put(i, h);
	i->stats.delayed++;
}

unsigned dev_impair_take(
	struct dev_impair *i, bool out, const struct peer *peer, struct span bytes, uint64_t now_ms)
{
	struct dev_impair_datagram d = {.out = out, .peer = *peer, .bytes = bytes};
	bool lost = happens(i, i->o.loss_ppm), twice = happens(i, i->o.duplicate_ppm);
	uint64_t lost_reordered = i->stats.reordered;
	uint32_t delay_ms[2] = {draw_delay(i), 0};
	unsigned now = 0;
	if (lost) {
		i->stats.lost++;
		i->stats.reordered = lost_reordered;
		return 0;
	}
	if (twice) {
		delay_ms[1] = draw_delay(i);
		i->stats.duplicated++;
	}
	for (unsigned k = 0; k < 1U + twice; k++) {
		if (delay_ms[k])
			hold(i, &d, now_ms + delay_ms[k]);
		else
			now++;
	}
	return now;
}

bool dev_impair_due(struct dev_impair *i, uint64_t now_ms, struct dev_impair_datagram *out)
{
	drop_last(i);
	if (!i->held_n || i->heap[0]->due_ms > now_ms)
		return false;
	struct held *h = i->last = heap_take(i);
	*out = (struct dev_impair_datagram){
		.out = h->out, .peer = h->peer, .bytes = span_make(h->bytes, h->n)};
	return true;
}

uint64_t dev_impair_next_ms(const struct dev_impair *i)
{
	return i->held_n ? i->heap[0]->due_ms : UINT64_MAX;
}

const struct dev_impair_stats *dev_impair_stats(const struct dev_impair *i)
{
	return &i->stats;
}
