/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum {
	ARENA_ALIGN = 16,
	CHUNK_MIN = 4096,
	CHUNK_MAX = 256 * 1024, /* larger ones are made to measure and not kept */
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t cap;
	size_t used;
	_Alignas(ARENA_ALIGN) uint8_t bytes[]; /* zero from `used` on */
};

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){.limit_bytes = limit_bytes};
}

static void free_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *next = c->next;

		secret_wipe(c->bytes, c->used);
		free(c);
		c = next;
	}
}

void arena_fini(struct arena *a)
{
	free_chunks(a->head);
	*a = (struct arena){.limit_bytes = a->limit_bytes};
}

/* Takes the largest chunk that is worth keeping out of the list. */
static struct arena_chunk *take_kept(struct arena *a)
{
	struct arena_chunk **best = NULL, *c;

	for (struct arena_chunk **at = &a->head; *at; at = &(*at)->next)
		if ((*at)->cap <= CHUNK_MAX && (!best || (*at)->cap > (*best)->cap))
			best = at;
	if (!best)
		return NULL;
	c = *best;
	*best = c->next;
	c->next = NULL;
	return c;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *kept = take_kept(a);

	free_chunks(a->head);
	if (kept) {
		secret_wipe(kept->bytes, kept->used);
		kept->used = 0;
	}
	a->head = kept;
	a->used_bytes = 0;
}

static struct arena_chunk *chunk_new(const struct arena *a, size_t need)
{
	size_t cap = a->head ? 2 * a->head->cap : CHUNK_MIN;
	struct arena_chunk *c;

	if (cap > CHUNK_MAX)
		cap = CHUNK_MAX;
	if (cap < need)
		cap = need;
	c = aligned_alloc(ARENA_ALIGN, sizeof(*c) + cap);
	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c) + cap);
	c->cap = cap;
	return c;
}

static size_t left_bytes(const struct arena *a)
{
	size_t top = a->limit_bytes ? a->limit_bytes : SIZE_MAX / 2;

	return top > a->used_bytes ? top - a->used_bytes : 0;
}

/* What an allocation of n takes. Zero bytes take some too, so that each has its own address. 0 if
 * the arena's limit is in the way. */
static size_t cost(const struct arena *a, size_t n)
{
	size_t need;

	if (n > SIZE_MAX / 4)
		return 0;
	need = n ? (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
	return need <= left_bytes(a) ? need : 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t need = cost(a, n);
	struct arena_chunk *c = a->head;
	void *p;

	if (need == 0)
		return NULL;
	if (!c || need > c->cap - c->used) {
		c = chunk_new(a, need);
		if (!c)
			return NULL;
		c->next = a->head;
		a->head = c;
	}
	p = c->bytes + c->used;
	c->used += need;
	a->used_bytes += need;
	return p;
}

struct span arena_dup(struct arena *a, struct span s, enum err *err)
{
	uint8_t *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (!p) {
		*err = s.n == SIZE_MAX || cost(a, s.n + 1) == 0 ? ERR_LIMIT : ERR_NOMEM;
		return SPAN_EMPTY;
	}
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct span){p, s.n};
}
