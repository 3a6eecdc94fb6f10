/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_ARENA_H
#define LANYARD_BASE_ARENA_H

#include "base/span.h"

/* Memory that is given back all at once. What it hands out stays where it is until the reset. */
struct arena {
	struct arena_chunk *head;
	size_t used_bytes;  /* handed out since the last reset */
	size_t limit_bytes; /* 0: none */
};

void arena_init(struct arena *a, size_t limit_bytes);
/* Wipes and frees everything. */
void arena_fini(struct arena *a);
/* Wipes what was handed out (keys pass through turns) and keeps one chunk for the next round. */
void arena_reset(struct arena *a);
/* Zeroed, aligned to 16. NULL on ERR_NOMEM or at the limit. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy with a closing NUL behind it (not counted). An empty span on failure,
 * and *err is set to ERR_NOMEM, or ERR_LIMIT; success leaves *err alone, so that several copies
 * need one check. */
struct span arena_dup(struct arena *a, struct span s, enum err *err);

#endif
