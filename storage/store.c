/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_impl.h"

#include <string.h>

void store_submit(struct store *s, struct batch *b)
{
	s->engine->submit(s, b);
}

void store_poll(struct store *s)
{
	s->engine->poll(s);
}

int store_fd(struct store *s)
{
	return s->engine->fd(s);
}

size_t store_pending(const struct store *s)
{
	return s->engine->pending(s);
}

enum err store_load(struct store *s, const struct store_visitor *v, struct store_info *info)
{
	return s->engine->load(s, v, info);
}

enum err store_begin(struct store *s)
{
	return s->engine->begin(s);
}

enum err store_recover(struct store *s)
{
	return s->engine->recover(s);
}

enum err store_backup(struct store *s, struct store_backup *b)
{
	return s->engine->backup(s, b);
}

void store_inputs(struct store *s, struct store_inputs *q)
{
	s->engine->inputs(s, q);
}

enum err store_unseal(struct store *s)
{
	return s->engine->unseal(s);
}

enum err store_stop(struct store *s, const struct rec_context *exact, size_t n, uint64_t now_ms)
{
	return s->engine->stop(s, exact, n, now_ms);
}

enum err store_events(
	struct store *s, uint64_t after, size_t max, store_event_fn *fn, void *arg, uint64_t *first)
{
	return s->engine->events(s, after, max, fn, arg, first);
}

void store_stats(struct store *s, struct store_stats *out)
{
	s->engine->stats(s, out);
}

const char *store_seal_text(enum store_seal seal)
{
	switch (seal) {
	case STORE_SEAL_NONE:
		break;
	case STORE_SEAL_MISSING:
		return "its anchor is missing: it may be a clone of a database that runs elsewhere";
	case STORE_SEAL_DAMAGED:
		return "its anchor is damaged, so nobody knows whether it is the newest copy";
	case STORE_SEAL_OLDER:
		return "its anchor is older than the database, so it does not tell of all "
		       "rollbacks";
	}
	return "";
}

void store_free(struct store *s)
{
	if (s)
		s->engine->free(s);
}

void store_queue_init(struct store_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
}

void store_queue_add(struct store_queue *q, struct batch *b)
{
	b->next = NULL;
	*q->tail = b;
	q->tail = &b->next;
	q->n++;
}

void store_queue_move(struct store_queue *to, struct store_queue *from)
{
	if (!from->head)
		return;
	*to->tail = from->head;
	to->tail = from->tail;
	to->n += from->n;
	store_queue_init(from);
}

struct batch *store_queue_take(struct store_queue *q)
{
	struct batch *b = q->head;
	if (!b)
		return NULL;
	q->head = b->next;
	if (!q->head)
		q->tail = &q->head;
	q->n--;
	b->next = NULL;
	return b;
}

uint64_t store_higher(uint64_t a, uint64_t b)
{
	if (a == UINT64_MAX)
		return b;
	return b != UINT64_MAX && b > a ? b : a;
}

struct span store_response(struct span response)
{
	return response.n <= STORE_RESPONSE_MAX ? response : SPAN_EMPTY;
}

void store_asked_init(struct store_asked *a)
{
	a->head = NULL;
	a->tail = &a->head;
}

void store_asked_add(struct store_asked *a, struct store_inputs *q)
{
	q->next = NULL;
	*a->tail = q;
	a->tail = &q->next;
}

void store_asked_move(struct store_asked *to, struct store_asked *from)
{
	if (!from->head)
		return;
	*to->tail = from->head;
	to->tail = from->tail;
	store_asked_init(from);
}

void store_asked_tell(struct store_asked *a, enum err why)
{
	for (struct store_inputs *q = a->head, *next; q; q = next) {
		next = q->next;
		if (why)
			q->result = why;
		q->done(q);
	}
	store_asked_init(a);
}

void store_answer(struct store_inputs *q, struct span secret, struct span salt)
{
	q->result = ERR_CORRUPT;
	if (secret.n > sizeof(q->secret) || salt.n > sizeof(q->salt))
		return;
	q->secret_n = (uint8_t)secret.n;
	q->salt_n = (uint8_t)salt.n;
	if (secret.n)
		memcpy(q->secret, secret.p, secret.n);
	if (salt.n)
		memcpy(q->salt, salt.p, salt.n);
	q->result = ERR_OK;
}
