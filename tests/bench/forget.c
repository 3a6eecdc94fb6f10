/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that forgets which requests it has seen, to measure what remembering costs. Linked in
 * front of the storage (--wrap=store_submit): the rows of verified requests never reach it, so that
 * after a crash each of them could be replayed. Never a daemon for anybody. */
#include "storage/store.h"

void __real_store_submit(struct store *s, struct batch *b);
void __wrap_store_submit(struct store *s, struct batch *b);

void __wrap_store_submit(struct store *s, struct batch *b)
{
	struct rec *recs = (struct rec *)b->recs; /* the turn's own, and no longer read by it */
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++)
		if (recs[i].type != REC_SEEN)
			recs[n++] = recs[i];
	b->n = n;
	__real_store_submit(s, b);
}
