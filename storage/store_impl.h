/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine of the store fills in. Only storage/ includes this. */
#ifndef LANYARD_STORAGE_STORE_IMPL_H
#define LANYARD_STORAGE_STORE_IMPL_H

#include "storage/store.h"

/* With traffic the generation rises this often: the requests of so long are what a rollback to a
 * younger copy can bring back unnoticed. */
enum { STORE_RAISE_MS = 60000 };

/* The calls of store.h, one to one; `free` gets no NULL. */
struct store_engine {
	void (*submit)(struct store *s, struct batch *b);
	void (*poll)(struct store *s);
	int (*fd)(struct store *s);
	size_t (*pending)(const struct store *s);
	enum err (*load)(struct store *s, const struct store_visitor *v, struct store_info *info);
	enum err (*begin)(struct store *s);
	enum err (*recover)(struct store *s);
	enum err (*unseal)(struct store *s);
	void (*inputs)(struct store *s, struct store_inputs *q);
	enum err (*backup)(struct store *s, struct store_backup *b);
	enum err (*stop)(
		struct store *s, const struct rec_context *exact, size_t n, uint64_t now_ms);
	enum err (*events)(struct store *s, uint64_t after, size_t max, store_event_fn *fn,
		void *arg, uint64_t *first);
	void (*stats)(struct store *s, struct store_stats *out);
	void (*free)(struct store *s);
};

/* The first member of every engine's own struct. */
struct store {
	const struct store_engine *engine;
};

/* Batches in order of submission, linked through batch.next. */
struct store_queue {
	struct batch *head;
	struct batch **tail;
	size_t n;
};

void store_queue_init(struct store_queue *q);
void store_queue_add(struct store_queue *q, struct batch *b);
/* Appends all of `from`, which is empty afterwards. */
void store_queue_move(struct store_queue *to, struct store_queue *from);
struct batch *store_queue_take(struct store_queue *q);

/* Questions for the inputs of contexts, likewise. */
struct store_asked {
	struct store_inputs *head, **tail;
};

void store_asked_init(struct store_asked *a);
void store_asked_add(struct store_asked *a, struct store_inputs *q);
void store_asked_move(struct store_asked *to, struct store_asked *from);
/* Tells them all; `why` is their result unless it is ERR_OK. */
void store_asked_tell(struct store_asked *a, enum err why);
/* The answer to one. */
void store_answer(struct store_inputs *q, struct span secret, struct span salt);

/* How numbers with UINT64_MAX for "none" compare: none is the lowest. */
uint64_t store_higher(uint64_t a, uint64_t b);
/* Of a response too long to be kept, nothing is. */
struct span store_response(struct span response);

#endif
