/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/turn.h"

#include <stdlib.h>
#include <string.h>

/* A turn holds at most the datagrams of one pass over the sockets; this much means something loops.
 */
enum { TURN_ARENA_LIMIT = 256 << 20 };

void turn_init(struct turn *t)
{
	*t = (struct turn){0};
	arena_init(&t->arena, TURN_ARENA_LIMIT);
}

void turn_fini(struct turn *t)
{
	arena_fini(&t->arena);
	free(t->rec);
	free(t->effect);
	*t = (struct turn){0};
}

void turn_begin(struct turn *t, uint64_t now_ms, int64_t wall_ms)
{
	arena_reset(&t->arena);
	t->batch = (struct batch){0};
	t->effect_n = 0;
	t->now_ms = now_ms;
	t->wall_ms = wall_ms;
	t->err = ERR_OK;
	t->next = NULL;
}

bool turn_empty(const struct turn *t)
{
	return !t->batch.n && !t->effect_n;
}

/* Room for one more element of `size` bytes, or NULL. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	size_t want = *cap ? *cap * 2 : 64;
	void *p = reallocarray(array, want, size);
	if (p)
		*cap = want;
	return p;
}

struct rec *turn_rec(struct turn *t, enum rec_type type)
{
	static struct rec scratch;
	struct rec *v = grow(t->rec, t->batch.n, &t->rec_cap, sizeof(*v));
	if (!v) {
		t->err = ERR_NOMEM;
		memset(&scratch, 0, sizeof(scratch));
		return &scratch;
	}
	t->rec = v;
	t->batch.recs = v;
	struct rec *r = &v[t->batch.n++];
	memset(r, 0, sizeof(*r));
	r->type = type;
	return r;
}

struct effect *turn_effect(struct turn *t, enum effect_kind kind)
{
	static struct effect scratch;
	struct effect *v = grow(t->effect, t->effect_n, &t->effect_cap, sizeof(*v));
	if (!v) {
		t->err = ERR_NOMEM;
		memset(&scratch, 0, sizeof(scratch));
		return &scratch;
	}
	t->effect = v;
	struct effect *e = &v[t->effect_n++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	return e;
}

struct span turn_dup(struct turn *t, struct span s)
{
	enum err err = ERR_OK;
	struct span out = arena_dup(&t->arena, s, &err);
	if (err)
		t->err = err;
	return out;
}

void turn_send(struct turn *t, const struct peer *to, struct span bytes)
{
	if (!bytes.n)
		return;
	struct effect *e = turn_effect(t, EFFECT_SEND);
	e->send.to = *to;
	e->send.bytes = bytes;
}

void turn_done(struct turn *t, uint64_t ticket, int status, const char *type, const char *detail)
{
	struct effect_done d = {
		.ticket = ticket, .status = status, .type = type, .content_format = -1};
	d.detail = turn_dup(t, span_str(detail));
	turn_effect(t, EFFECT_DONE)->done = d;
}

void turn_refuse(struct turn *t, uint64_t ticket, int status, const char *type, const char *field,
	const char *detail)
{
	struct effect_done d = {.ticket = ticket,
		.status = status,
		.type = type,
		.content_format = -1,
		.detail = turn_dup(t, span_str(detail)),
		.field = turn_dup(t, span_str(field))};
	turn_effect(t, EFFECT_DONE)->done = d;
}
