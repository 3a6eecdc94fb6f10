/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine's thread, which alone uses the connection. Batches come through a queue; the
 * thread takes all there are as one transaction. Everything else is a call that waits for it. */
#include "storage/sqlite.h"

#include "storage/sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct sq;

/* A call made on the thread while the caller waits. */
struct call {
	enum err (*fn)(struct sqdb *d, void *arg);
	void *arg;
	bool writes;  /* its failure is the store's */
	bool revives; /* made on a failed store; its success is the store's */
	bool anyway;  /* made on a failed store too */
	enum err result;
};

struct sq {
	struct store base;
	store_done_fn *done_fn;
	void *done_arg;
	size_t pending; /* the caller's */
	int event_fd, lock_fd;
	pthread_t thread;

	pthread_mutex_t lock; /* of all below, except db */
	pthread_cond_t work, answered;
	struct store_queue queue, finished;
	struct store_asked asked, answered_ones;
	struct call *call;
	struct store_backup *backup, *backup_over;
	bool backing_up; /* the file is made */
	bool quit;
	struct store_stats stats;

	struct sqdb db; /* the thread's; NULL connection after a failed reopening */
};

static const struct store_engine sq_engine;

/* Called with the lock held, like the next. */
static void mirror(struct sq *s)
{
	const struct sqdb *d = &s->db;
	s->stats.log_rows = d->log_next - d->log_first;
	s->stats.anchor_syncs = d->anchor_syncs;
	s->stats.rollbacks = d->mark.rollbacks;
	s->stats.rolled_back = d->rolled_back;
	s->stats.seal = d->seal;
	if (d->seal) { /* whatever else has failed meanwhile */
		s->stats.health = ERR_SEALED;
		snprintf(s->stats.health_text, sizeof(s->stats.health_text), "sealed: %s",
			store_seal_text(d->seal));
	}
}

static void set_health(struct sq *s, enum err e)
{
	s->stats.health = e;
	s->stats.health_text[0] = 0;
	if (!e)
		return;
	s->stats.failures++;
	snprintf(s->stats.health_text, sizeof(s->stats.health_text), "%s: %.120s", err_text(e),
		s->db.why);
}

static enum err commit_group(struct sqdb *d, const struct batch *group)
{
	enum err e = store_sqdb_begin(d);
	if (e)
		return e;
	if (d->info.clean) {
		d->info.clean = false;
		d->meta_dirty = true;
	}
	d->reserved = !d->begun;
	d->begun = true;
	uint64_t log_was = d->log_next;
	for (const struct batch *b = group; !e && b; b = b->next)
		e = store_sqdb_apply(d, b);
	if (d->reserved || d->info.now_ms - d->raised_ms >= STORE_RAISE_MS)
		store_sqdb_raise(d);
	if (!e)
		e = store_sqdb_trim(d);
	if (!e)
		e = store_sqdb_fold_slice(d, d->log_next - log_was);
	return store_sqdb_end(d, e);
}

static size_t count_records(const struct batch *b)
{
	size_t n = 0;
	for (; b; b = b->next)
		n += b->n;
	return n;
}

static void signal_done(struct sq *s)
{
	uint64_t one = 1;
	if (write(s->event_fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its end, so the descriptor is readable */
}

/* Takes the whole queue. Called and returns with the lock held. */
static void commit_queue(struct sq *s)
{
	struct store_queue group;
	store_queue_init(&group);
	store_queue_move(&group, &s->queue);
	enum err e = s->stats.health;
	if (!e) {
		pthread_mutex_unlock(&s->lock);
		s->db.why[0] = 0;
		e = commit_group(&s->db, group.head);
		pthread_mutex_lock(&s->lock);
		if (e) {
			set_health(s, e);
			store_queue_move(&group, &s->queue);
		} else {
			s->stats.commits++;
			s->stats.records += count_records(group.head);
		}
		mirror(s);
	}
	for (struct batch *b = group.head; b; b = b->next)
		b->result = e;
	store_queue_move(&s->finished, &group);
	signal_done(s);
}

/* Called and returns with the lock held. */
static void answer_call(struct sq *s)
{
	struct call *c = s->call;
	enum err health = s->stats.health;
	if (health && !c->revives && !(c->anyway && s->db.db)) {
		c->result = health;
	} else {
		pthread_mutex_unlock(&s->lock);
		s->db.why[0] = 0;
		c->result = c->fn(&s->db, c->arg);
		pthread_mutex_lock(&s->lock);
		if (c->writes && (c->result || c->revives))
			set_health(s, c->result);
		mirror(s);
	}
	s->call = NULL;
	pthread_cond_signal(&s->answered);
}

/* What contexts are derived from. A failure to read is no failure of the store. Called and returns
 * with the lock held. */
static void read_inputs(struct sq *s, struct store_asked *asked)
{
	enum err health = s->stats.health;
	pthread_mutex_unlock(&s->lock);
	for (struct store_inputs *q = asked->head; q; q = q->next) {
		q->result = health;
		if (!health)
			store_sqdb_inputs(&s->db, q);
	}
	pthread_mutex_lock(&s->lock);
	store_asked_move(&s->answered_ones, asked);
	signal_done(s);
}

/* A slice between two commits, whether there is another to make or not. Called and returns with the
 * lock held. */
static void back_up(struct sq *s)
{
	struct store_backup *b = s->backup;
	bool over = false;
	pthread_mutex_unlock(&s->lock);
	s->db.why[0] = 0;
	if (!s->backing_up)
		b->result = store_sqdb_backup_begin(&s->db, b->path);
	else
		b->result = store_sqdb_backup_slice(&s->db, &over, &b->bytes);
	if (b->result)
		snprintf(b->why, sizeof(b->why), "%s", s->db.why);
	pthread_mutex_lock(&s->lock);
	s->backing_up = !b->result && !over;
	if (s->backing_up)
		return;
	s->backup = NULL;
	s->backup_over = b;
	signal_done(s);
}

static void *run(void *arg)
{
	struct sq *s = arg;
	struct store_asked asked;
	store_asked_init(&asked);
	pthread_mutex_lock(&s->lock);
	while (!s->quit) {
		bool work = s->queue.head || s->call || s->backup || s->asked.head;
		store_asked_move(&asked, &s->asked); /* behind what is queued now */
		if (s->queue.head)
			commit_queue(s);
		else if (s->call)
			answer_call(s);
		if (asked.head)
			read_inputs(s, &asked);
		if (s->backup && !s->quit)
			back_up(s);
		if (!work)
			pthread_cond_wait(&s->work, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	store_sqdb_close(&s->db);
	store_anchor_close(&s->db.anchor);
	return NULL;
}

static struct sq *sq_of(struct store *s)
{
	return (struct sq *)s;
}

static void sq_submit(struct store *base, struct batch *b)
{
	struct sq *s = sq_of(base);
	s->pending++;
	pthread_mutex_lock(&s->lock);
	store_queue_add(&s->queue, b);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static void tell_done(struct sq *s, struct store_queue *done)
{
	for (struct batch *b; (b = store_queue_take(done));) {
		s->pending--;
		s->done_fn(s->done_arg, b);
	}
}

static void sq_poll(struct store *base)
{
	struct sq *s = sq_of(base);
	struct store_queue done;
	struct store_asked answered;
	uint64_t count;
	store_queue_init(&done);
	store_asked_init(&answered);
	if (read(s->event_fd, &count, sizeof(count)) < 0)
		count = 0; /* nothing was signalled; looking costs little */
	pthread_mutex_lock(&s->lock);
	store_queue_move(&done, &s->finished);
	store_asked_move(&answered, &s->answered_ones);
	struct store_backup *backup = s->backup_over;
	s->backup_over = NULL;
	pthread_mutex_unlock(&s->lock);
	tell_done(s, &done);
	store_asked_tell(&answered, ERR_OK);
	if (backup)
		backup->done(backup);
}

static int sq_fd(struct store *base)
{
	return sq_of(base)->event_fd;
}

static size_t sq_pending(const struct store *base)
{
	return ((const struct sq *)base)->pending;
}

static enum err wait_call(struct sq *s, struct call *c)
{
	pthread_mutex_lock(&s->lock);
	s->call = c;
	pthread_cond_signal(&s->work);
	while (s->call)
		pthread_cond_wait(&s->answered, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return c->result;
}

struct load_args {
	const struct store_visitor *v;
	struct store_info *info;
};

static enum err do_load(struct sqdb *d, void *arg)
{
	struct load_args *a = arg;
	return store_sqdb_load(d, a->v, a->info);
}

static enum err sq_load(struct store *base, const struct store_visitor *v, struct store_info *info)
{
	struct sq *s = sq_of(base);
	struct load_args a = {v, info};
	struct call c = {.fn = do_load, .arg = &a};
	return s->pending ? ERR_STATE : wait_call(s, &c);
}

static enum err do_begin(struct sqdb *d, void *arg)
{
	(void)arg;
	return store_sqdb_mark_running(d);
}

static enum err sq_begin(struct store *base)
{
	struct call c = {.fn = do_begin, .writes = true};
	return wait_call(sq_of(base), &c);
}

/* A commit that failed may have happened, so the connection's view of it is worth nothing. */
static enum err do_recover(struct sqdb *d, void *arg)
{
	(void)arg;
	store_sqdb_close(d);
	enum err e = store_sqdb_open(d);
	if (!e)
		e = store_sqdb_moor_again(d);
	return e ? e : store_sqdb_probe(d);
}

/* Only the thread changes it, and only in a call. */
static bool is_sealed(struct sq *s)
{
	pthread_mutex_lock(&s->lock);
	bool sealed = s->stats.seal != STORE_SEAL_NONE;
	pthread_mutex_unlock(&s->lock);
	return sealed;
}

static enum err sq_recover(struct store *base)
{
	struct call c = {.fn = do_recover, .writes = true, .revives = true};
	return is_sealed(sq_of(base)) ? ERR_SEALED : wait_call(sq_of(base), &c);
}

static enum err do_unseal(struct sqdb *d, void *arg)
{
	(void)arg;
	return store_sqdb_unseal(d);
}

static enum err sq_unseal(struct store *base)
{
	struct call c = {.fn = do_unseal, .writes = true, .revives = true};
	return is_sealed(sq_of(base)) ? wait_call(sq_of(base), &c) : ERR_STATE;
}

struct stop_args {
	const struct rec_context *exact;
	size_t n;
	uint64_t now_ms;
};

static enum err do_stop(struct sqdb *d, void *arg)
{
	struct stop_args *a = arg;
	return store_sqdb_stop(d, a->exact, a->n, a->now_ms);
}

static enum err sq_stop(
	struct store *base, const struct rec_context *exact, size_t n, uint64_t now_ms)
{
	struct sq *s = sq_of(base);
	struct stop_args a = {exact, n, now_ms};
	struct call c = {.fn = do_stop, .arg = &a, .writes = true};
	return s->pending ? ERR_STATE : wait_call(s, &c);
}

static void sq_inputs(struct store *base, struct store_inputs *q)
{
	struct sq *s = sq_of(base);
	pthread_mutex_lock(&s->lock);
	store_asked_add(&s->asked, q);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static enum err sq_backup(struct store *base, struct store_backup *b)
{
	struct sq *s = sq_of(base);
	pthread_mutex_lock(&s->lock);
	enum err e = s->stats.health;
	if (!e && (s->backup || s->backup_over))
		e = ERR_BUSY;
	if (!e) {
		b->result = ERR_STATE; /* unless it comes to something */
		b->why[0] = 0;
		s->backup = b;
		pthread_cond_signal(&s->work);
	}
	pthread_mutex_unlock(&s->lock);
	return e;
}

struct events_args {
	uint64_t after;
	size_t max;
	store_event_fn *fn;
	void *arg;
	uint64_t *first;
};

static enum err do_events(struct sqdb *d, void *arg)
{
	struct events_args *a = arg;
	return store_sqdb_events(d, a->after, a->max, a->fn, a->arg, a->first);
}

static enum err sq_events(struct store *base, uint64_t after, size_t max, store_event_fn *fn,
	void *arg, uint64_t *first)
{
	struct events_args a = {after, max, fn, arg, first};
	struct call c = {.fn = do_events, .arg = &a, .anyway = true};
	return wait_call(sq_of(base), &c);
}

static void sq_stats(struct store *base, struct store_stats *out)
{
	struct sq *s = sq_of(base);
	clockid_t clock;
	struct timespec t = {0};
	if (!pthread_getcpuclockid(s->thread, &clock))
		clock_gettime(clock, &t);
	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	pthread_mutex_unlock(&s->lock);
	out->cpu_us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void release(struct sq *s)
{
	if (s->event_fd >= 0)
		close(s->event_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void sq_free(struct store *base)
{
	struct sq *s = sq_of(base);
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	for (struct batch *b = s->queue.head; b; b = b->next)
		b->result = ERR_STATE;
	store_queue_move(&s->finished, &s->queue);
	tell_done(s, &s->finished);
	store_asked_move(&s->answered_ones, &s->asked);
	store_asked_tell(&s->answered_ones, ERR_STATE);
	if (s->backup)
		s->backup->result = ERR_STATE;
	else
		s->backup = s->backup_over;
	if (s->backup)
		s->backup->done(s->backup);
	release(s);
}

static const struct store_engine sq_engine = {
	.submit = sq_submit,
	.poll = sq_poll,
	.fd = sq_fd,
	.pending = sq_pending,
	.load = sq_load,
	.begin = sq_begin,
	.recover = sq_recover,
	.unseal = sq_unseal,
	.inputs = sq_inputs,
	.backup = sq_backup,
	.stop = sq_stop,
	.events = sq_events,
	.stats = sq_stats,
	.free = sq_free,
};

static void close_db(struct sq *s)
{
	store_sqdb_close(&s->db);
	store_anchor_close(&s->db.anchor);
}

static enum err moor(struct sq *s, const struct store_sqlite_opts *o, char *why)
{
	char dir[4096];
	enum err e = store_sqlite_anchor_dir(o->dir, o->anchor, dir, why);
	if (e)
		return e;
	e = store_sqdb_moor(&s->db, dir);
	if (e)
		snprintf(why, SQDB_WHY_MAX, "%s", s->db.why);
	return e;
}

static enum err open_db(struct sq *s, const struct store_sqlite_opts *o, char *why)
{
	enum err e = store_file_path(o->dir, "lanyard.db", s->db.path, why);
	if (!e)
		e = store_sqdir_open(o->dir, &s->lock_fd, why);
	if (!e)
		e = store_sqdir_tighten(o->dir, why);
	if (e)
		return e;
	e = store_sqdb_open(&s->db);
	if (e)
		snprintf(why, SQDB_WHY_MAX, "cannot open %.120s: %.110s", s->db.path, s->db.why);
	if (!e) /* whoever made the files may have been killed before their names were safe */
		e = store_file_sync_dir(o->dir, why);
	if (!e)
		e = moor(s, o, why);
	if (e)
		close_db(s);
	return e;
}

/* With every signal blocked: they are for the other thread, and the one that a file size limit
 * sends must not end the process. */
static enum err start_thread(struct sq *s, char *why)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int no = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!no)
		return ERR_OK;
	snprintf(why, SQDB_WHY_MAX, "cannot start the storage thread: %s", strerror(no));
	close_db(s);
	return ERR_LIMIT;
}

static struct sq *sq_new(const struct store_sqlite_opts *o, store_done_fn *done, void *arg)
{
	struct sq *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base.engine = &sq_engine;
	s->done_fn = done;
	s->done_arg = arg;
	s->lock_fd = -1;
	s->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->answered, NULL);
	store_queue_init(&s->queue);
	store_queue_init(&s->finished);
	store_asked_init(&s->asked);
	store_asked_init(&s->answered_ones);
	s->db.opts = *o;
	s->db.opts.dir = s->db.opts.anchor = NULL;
	s->db.anchor.fd = s->db.anchor.dir_fd = -1;
	if (!o->log_rows_max)
		s->db.opts.log_rows_max = 262144;
	if (!o->event_ring)
		s->db.opts.event_ring = 10000;
	return s;
}

enum err store_sqlite_open(const struct store_sqlite_opts *o, store_done_fn *done, void *arg,
	struct store **out, char *why)
{
	*out = NULL;
	why[0] = 0;
	if (o->read_only_check)
		return store_sqdir_check(o->dir, why);
	/* Counting allocations costs a tenth of an append. Refused once SQLite runs, which is fine.
	 */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	struct sq *s = sq_new(o, done, arg);
	if (!s)
		return ERR_NOMEM;
	enum err e = s->event_fd < 0 ? ERR_IO : open_db(s, o, why);
	if (!e)
		e = start_thread(s, why);
	if (e) {
		release(s);
		return e;
	}
	mirror(s);
	*out = &s->base;
	return ERR_OK;
}
