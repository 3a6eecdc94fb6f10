/* SPDX-License-Identifier: Apache-2.0 */
/* The memory engine: what is durable is a struct memdb, and a commit happens in store_poll. */
#include "storage/mem_db.h"
#include "storage/store_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mem {
	struct store base;
	struct memdb db;
	struct store_mem_opts opts;
	store_done_fn *done;
	void *arg;
	struct store_queue queue;
	struct store_asked asked;
	size_t pending;
	int fd;
	bool hold;
	bool begun; /* the clean-stop marker is cleared, the generation has risen */
	struct store_mark anchor;
	bool anchored;
	enum err anchor_fail;
	uint64_t raised_ms; /* when the generation rose last */
	uint64_t fail_in;   /* commits that still succeed, plus one; 0: no failure is planned */
	enum err fail_with;
	bool fail_committed;
	struct store_stats stats;
};

static const struct store_engine mem_engine;

static struct mem *mem_of(struct store *s)
{
	assert(s->engine == &mem_engine);
	return (struct mem *)s;
}

static void wake(struct mem *m)
{
	uint64_t one = 1;
	bool work = m->queue.n || m->asked.head;
	if (!m->hold && work && write(m->fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its end, so the descriptor is readable */
}

static void mem_submit(struct store *s, struct batch *b)
{
	struct mem *m = mem_of(s);
	store_queue_add(&m->queue, b);
	m->pending++;
	wake(m);
}

/* A commit: counts it, and says whether it fails and whether its data are kept all the same. */
static enum err commit(struct mem *m, bool *keep)
{
	*keep = true;
	if (!m->fail_in || --m->fail_in)
		return ERR_OK;
	m->fail_in = 1; /* and all that follow */
	*keep = m->fail_committed;
	return m->fail_with;
}

static void failed(struct mem *m, enum err e)
{
	m->stats.failures++;
	m->stats.health = e;
	snprintf(m->stats.health_text, sizeof(m->stats.health_text), "%s", err_text(e));
}

static void rise(struct mem *m)
{
	if (m->db.mark.generation == m->anchor.generation)
		m->db.mark.generation++;
	m->raised_ms = m->db.info.now_ms;
}

/* Behind a commit, as the other engine does it: else it was none. */
static enum err follow(struct mem *m)
{
	if (m->anchor_fail)
		return m->anchor_fail;
	m->stats.anchor_syncs += m->anchor.generation != m->db.mark.generation;
	m->anchor = m->db.mark;
	return ERR_OK;
}

static void clear_marker(struct mem *m)
{
	if (!m->begun) {
		store_memdb_begin(&m->db);
		rise(m);
	}
	m->begun = true;
}

static enum err commit_batch(struct mem *m, const struct batch *b)
{
	if (m->stats.health)
		return m->stats.health;
	bool keep;
	enum err e = commit(m, &keep);
	if (keep) {
		clear_marker(m);
		enum err applied = store_memdb_apply(&m->db, b);
		if (!e)
			e = applied;
		if (!applied &&
			(m->db.reserved || m->db.info.now_ms - m->raised_ms >= STORE_RAISE_MS))
			rise(m);
	}
	if (!e)
		e = follow(m);
	if (e) {
		failed(m, e);
		return e;
	}
	m->stats.commits++;
	m->stats.records += b->n;
	return ERR_OK;
}

static void mem_inputs(struct store *s, struct store_inputs *q)
{
	struct mem *m = mem_of(s);
	store_asked_add(&m->asked, q);
	wake(m);
}

static void answer_asked(struct mem *m)
{
	struct store_asked now;
	store_asked_init(&now);
	store_asked_move(&now, &m->asked);
	for (struct store_inputs *q = now.head; q; q = q->next) {
		q->result = m->stats.health;
		if (!q->result)
			store_memdb_inputs(&m->db, q);
	}
	store_asked_tell(&now, ERR_OK);
}

static void mem_poll(struct store *s)
{
	struct mem *m = mem_of(s);
	if (m->hold)
		return;
	uint64_t count;
	if (read(m->fd, &count, sizeof(count)) < 0)
		count = 0; /* nothing was signalled; there may be a batch all the same */
	struct store_queue now;
	store_queue_init(&now);
	store_queue_move(&now, &m->queue);
	for (struct batch *b = now.head; b; b = b->next)
		b->result = commit_batch(m, b);
	for (struct batch *b; (b = store_queue_take(&now));) {
		m->pending--;
		m->done(m->arg, b);
	}
	answer_asked(m);
}

static int mem_fd(struct store *s)
{
	return mem_of(s)->fd;
}

static size_t mem_pending(const struct store *s)
{
	return ((const struct mem *)s)->pending;
}

static enum err mem_load(struct store *s, const struct store_visitor *v, struct store_info *info)
{
	struct mem *m = mem_of(s);
	if (m->pending)
		return ERR_STATE;
	return m->stats.health ? m->stats.health : store_memdb_load(&m->db, v, info);
}

static enum err mem_begin(struct store *s)
{
	struct mem *m = mem_of(s);
	if (m->stats.health)
		return m->stats.health;
	bool keep;
	enum err e = commit(m, &keep);
	if (keep)
		clear_marker(m);
	if (!e)
		e = follow(m);
	if (e)
		failed(m, e);
	return e;
}

static enum err mem_recover(struct store *s)
{
	struct mem *m = mem_of(s);
	bool keep;
	if (m->stats.seal)
		return ERR_SEALED;
	enum err e = commit(m, &keep);
	if (!e)
		e = follow(m);
	if (e) {
		failed(m, e);
		return e;
	}
	m->stats.health = ERR_OK;
	m->stats.health_text[0] = 0;
	return ERR_OK;
}

static enum err mem_stop(
	struct store *s, const struct rec_context *exact, size_t n, uint64_t now_ms)
{
	struct mem *m = mem_of(s);
	if (m->pending)
		return ERR_STATE;
	if (m->stats.health)
		return m->stats.health;
	bool keep;
	enum err e = commit(m, &keep);
	if (keep) {
		store_memdb_stop(&m->db, exact, n, now_ms);
		m->begun = false;
		rise(m);
	}
	if (!e)
		e = follow(m);
	if (e)
		failed(m, e);
	return e;
}

static void roll_back(struct mem *m, bool lost)
{
	struct store_mark next = m->db.mark;
	if (m->anchor.generation > next.generation)
		next.generation = m->anchor.generation;
	next.rollbacks = store_anchor_next(&m->db.mark, &m->anchor, lost);
	next.generation++;
	store_memdb_set_back(&m->db, &next);
	m->anchor = next;
	m->anchored = true;
	m->stats.rolled_back = true;
	m->stats.rollbacks = next.rollbacks;
}

static enum err mem_unseal(struct store *s)
{
	struct mem *m = mem_of(s);
	if (!m->stats.seal)
		return ERR_STATE;
	if (m->anchor_fail)
		return m->anchor_fail;
	roll_back(m, true);
	m->stats.seal = STORE_SEAL_NONE;
	m->stats.health = ERR_OK;
	m->stats.health_text[0] = 0;
	return ERR_OK;
}

/* What this start is: as the other engine does it. */
static void moor(struct mem *m)
{
	enum store_seal seal;
	enum err found = m->anchored ? ERR_OK : ERR_NOTFOUND;
	m->stats.rollbacks = m->db.mark.rollbacks;
	switch (store_anchor_judge(&m->db.mark, false, found, &m->anchor, &seal)) {
	case STORE_START_NEW:
	case STORE_START_GOOD:
	case STORE_START_CRASH:
		m->anchor = m->db.mark;
		m->anchored = true;
		break;
	case STORE_START_ROLLBACK:
		roll_back(m, false);
		break;
	case STORE_START_SEALED:
	case STORE_START_FOREIGN: /* there is one id here, so this does not happen */
		m->stats.seal = seal;
		m->stats.health = ERR_SEALED;
		snprintf(m->stats.health_text, sizeof(m->stats.health_text), "sealed: %s",
			store_seal_text(seal));
		break;
	}
}

static enum err mem_backup(struct store *s, struct store_backup *b)
{
	(void)s;
	b->result = ERR_UNSUPPORTED;
	snprintf(b->why, sizeof(b->why), "what is in memory has no file");
	b->done(b);
	return ERR_OK;
}

static enum err mem_events(
	struct store *s, uint64_t after, size_t max, store_event_fn *fn, void *arg, uint64_t *first)
{
	return store_memdb_events(&mem_of(s)->db, after, max, fn, arg, first);
}

static void mem_stats(struct store *s, struct store_stats *out)
{
	struct mem *m = mem_of(s);
	*out = m->stats;
	out->log_rows = m->db.table[MEMDB_SEEN].n;
}

static void mem_free(struct store *s)
{
	struct mem *m = mem_of(s);
	for (struct batch *b; (b = store_queue_take(&m->queue));) {
		b->result = ERR_STATE;
		m->pending--;
		m->done(m->arg, b);
	}
	store_asked_tell(&m->asked, ERR_STATE);
	store_memdb_fini(&m->db);
	close(m->fd);
	free(m);
}

static const struct store_engine mem_engine = {
	.submit = mem_submit,
	.poll = mem_poll,
	.fd = mem_fd,
	.pending = mem_pending,
	.load = mem_load,
	.begin = mem_begin,
	.recover = mem_recover,
	.unseal = mem_unseal,
	.inputs = mem_inputs,
	.backup = mem_backup,
	.stop = mem_stop,
	.events = mem_events,
	.stats = mem_stats,
	.free = mem_free,
};

static enum err mem_new(
	const struct store_mem_opts *o, store_done_fn *done, void *arg, struct mem **out)
{
	*out = NULL;
	struct mem *m = calloc(1, sizeof(*m));
	if (!m)
		return ERR_NOMEM;
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0) {
		free(m);
		return ERR_IO;
	}
	m->base.engine = &mem_engine;
	m->opts = *o;
	m->done = done;
	m->arg = arg;
	store_queue_init(&m->queue);
	store_asked_init(&m->asked);
	store_memdb_init(&m->db, o);
	*out = m;
	return ERR_OK;
}

enum err store_mem_open(
	const struct store_mem_opts *o, store_done_fn *done, void *arg, struct store **out)
{
	struct mem *m;
	enum err e = mem_new(o, done, arg, &m);
	*out = NULL;
	if (e)
		return e;
	moor(m);
	*out = &m->base;
	return ERR_OK;
}

void store_mem_fail(struct store *s, uint64_t nth, enum err e, bool committed)
{
	struct mem *m = mem_of(s);
	m->fail_in = nth;
	m->fail_with = e;
	m->fail_committed = committed;
}

void store_mem_hold(struct store *s, bool hold)
{
	struct mem *m = mem_of(s);
	m->hold = hold;
	wake(m);
}

void store_mem_anchor_fail(struct store *s, enum err e)
{
	mem_of(s)->anchor_fail = e;
}

enum err store_mem_restore(
	struct store *s, struct store *old, store_done_fn *done, void *arg, struct store **out)
{
	struct mem *from = mem_of(old), *m;
	enum err e = mem_new(&from->opts, done, arg, &m);
	*out = NULL;
	if (e)
		return e;
	e = store_memdb_copy(&m->db, &from->db);
	if (e) {
		store_free(&m->base);
		return e;
	}
	if (s) {
		m->anchor = mem_of(s)->anchor;
		m->anchored = mem_of(s)->anchored;
	}
	moor(m);
	*out = &m->base;
	return ERR_OK;
}

enum err store_mem_crash(struct store *s, store_done_fn *done, void *arg, struct store **out)
{
	return store_mem_restore(s, s, done, arg, out);
}
