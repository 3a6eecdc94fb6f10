/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/exch.h"

#include <stdlib.h>
#include <string.h>

static size_t entry_bytes(size_t n)
{
	return sizeof(struct dedup_entry) + n;
}

static void drop(struct dedup_entry **link, struct dedup_budget *b)
{
	struct dedup_entry *e = *link;

	*link = e->next;
	b->bytes -= entry_bytes(e->n);
	free(e);
}

const struct dedup_entry *dedup_find(const struct dedup *d, uint64_t hash, uint64_t now_ms)
{
	for (const struct dedup_entry *e = d->head; e; e = e->next)
		if (e->hash == hash && now_ms < e->expires_ms)
			return e;
	return NULL;
}

void dedup_expire(struct dedup *d, struct dedup_budget *b, uint64_t now_ms)
{
	struct dedup_entry **link = &d->head;

	while (*link) {
		if (now_ms >= (*link)->expires_ms)
			drop(link, b);
		else
			link = &(*link)->next;
	}
}

/* The entry a new one for `hash` replaces: its namesake, else the last of a full list, else none.
 */
static struct dedup_entry **find_victim(
	struct dedup *d, const struct dedup_budget *b, uint64_t hash)
{
	struct dedup_entry **link = &d->head, **last = NULL;
	size_t count = 0;

	for (; *link; link = &(*link)->next, count++) {
		if ((*link)->hash == hash)
			return link;
		last = link;
	}
	return count < (b->per_peer ? b->per_peer : DEDUP_PER_PEER) ? NULL : last;
}

enum err dedup_put(struct dedup *d, struct dedup_budget *b, uint64_t hash, uint64_t expires_ms,
	struct span response, uint64_t now_ms)
{
	size_t size = entry_bytes(response.n);

	dedup_expire(d, b, now_ms);
	struct dedup_entry **victim = find_victim(d, b, hash);
	size_t kept_bytes = b->bytes - (victim ? entry_bytes((*victim)->n) : 0);
	if (response.n > UINT16_MAX || kept_bytes > b->limit_bytes ||
		size > b->limit_bytes - kept_bytes)
		return ERR_LIMIT;
	struct dedup_entry *e = malloc(size);
	if (!e)
		return ERR_NOMEM;
	if (victim)
		drop(victim, b);
	*e = (struct dedup_entry){
		.next = d->head,
		.hash = hash,
		.expires_ms = expires_ms,
		.n = (uint16_t)response.n,
		.pending = response.n == 0,
	};
	if (response.n > 0)
		memcpy(e->response, response.p, response.n);
	d->head = e;
	b->bytes += size;
	return ERR_OK;
}

void dedup_clear(struct dedup *d, struct dedup_budget *b)
{
	while (d->head)
		drop(&d->head, b);
}
