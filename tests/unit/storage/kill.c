/* SPDX-License-Identifier: Apache-2.0 */
/* A child commits and reports each batch that is done; it is killed at a random moment. All that
 * was reported is there, and of every batch all or nothing. */
#include "tests/unit/storage/rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { ROUNDS = 25, IN_FLIGHT = 8 };

/* Batch k: row k of the log, one more sender number, operation k, event k; its `now_ms` is k. */
struct slot {
	struct batch b;
	struct rec recs[4];
	uint64_t k;
};

static int report_fd;

static void report(void *arg, struct batch *b)
{
	(void)arg;
	const struct slot *s = (const struct slot *)b;
	if (b->result || write(report_fd, &s->k, sizeof(s->k)) != sizeof(s->k))
		_exit(2);
}

static void submit(struct store *st, struct slot *s, uint64_t k)
{
	*s = (struct slot){.k = k, .b = {.recs = s->recs, .n = 4, .now_ms = k}};
	s->recs[0] = rec_seen_of(1, k, k);
	s->recs[1] = rec_ssn_of(1, k - 1, 1);
	s->recs[2] = (struct rec){.type = REC_OP_PUT, .op = {.id = k + 1}};
	s->recs[3] = rec_event_of(k);
	store_submit(st, &s->b);
}

static void child(const struct rig *r, uint64_t k)
{
	static struct slot slots[IN_FLIGHT];
	struct store *s;
	char why[256];
	if (store_sqlite_open(&r->opts, report, NULL, &s, why) || store_begin(s))
		_exit(3);
	for (;; k++) {
		while (store_pending(s) == IN_FLIGHT) {
			struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
			poll(&p, 1, -1);
			store_poll(s);
		}
		submit(s, &slots[k % IN_FLIGHT], k);
	}
}

struct found {
	uint64_t highest, limit, ops, events;
	bool events_in_order;
};

static enum err find_context(void *arg, const struct rec_context *c)
{
	struct found *f = arg;
	f->highest = c->highest;
	f->limit = c->ssn_limit;
	return ERR_OK;
}

static enum err find_op(void *arg, const struct rec_op *o)
{
	struct found *f = arg;
	f->ops = o->id - 1;
	return ERR_OK;
}

static enum err find_event(void *arg, const struct rec_event *e)
{
	struct found *f = arg;
	f->events_in_order = f->events_in_order && (!f->events || e->seq == f->events + 1);
	f->events = e->seq;
	return ERR_OK;
}

static void verify(struct rig *r, uint64_t reported, uint64_t *next)
{
	struct found f = {.events_in_order = true};
	struct store_visitor v = {.context = find_context, .op = find_op, .arg = &f};
	struct store_info info;
	uint64_t first;
	REQUIRE(!rig_start(r), r->why);
	REQUIRE(!store_load(r->s, &v, &info), "load");
	REQUIRE(!store_events(r->s, 0, SIZE_MAX, find_event, &f, &first), "events");
	CHECK(f.highest >= reported, "what was reported is there");
	CHECK(f.limit == f.highest && f.ops == f.highest && f.events == f.highest &&
			info.now_ms == f.highest && info.next_id == f.highest + 2,
		"all of a batch or nothing");
	CHECK(f.events_in_order, "no event is missing");
	CHECK(!info.clean, "not a clean stop");
	store_free(r->s);
	r->s = NULL;
	*next = f.highest + 1;
}

/* With `first`, its time begins when it has committed something: how fast a machine is, decides
 * nothing. */
static uint64_t round_of_life(const struct rig *r, uint64_t next, unsigned life_us, bool first)
{
	int fd[2];
	uint64_t k, reported = next - 1;
	REQUIRE(!pipe(fd), "pipe");
	pid_t pid = fork();
	REQUIRE(pid >= 0, "fork");
	if (!pid) {
		close(fd[0]);
		report_fd = fd[1];
		child(r, next);
	}
	close(fd[1]);
	if (first && read(fd[0], &k, sizeof(k)) == sizeof(k))
		reported = k;
	usleep(life_us);
	kill(pid, SIGKILL);
	while (read(fd[0], &k, sizeof(k)) == sizeof(k))
		reported = k;
	close(fd[0]);
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "it lived until then");
	return reported;
}

int main(void)
{
	struct rig r;
	uint64_t next = 1;
	rig_open(&r, true);
	r.opts.log_rows_max = 16;
	r.opts.exchange_lifetime_ms = 20;
	struct rec c = rec_context_of(1, 1);
	c.context.highest = 0;
	REQUIRE(!rig_commit_at(&r, 0, &c, 1), "a context");
	store_free(r.s);
	srandom((unsigned)time(NULL));
	for (int i = 0; i < ROUNDS; i++) {
		unsigned life_us = (unsigned)random() % 60000;
		uint64_t reported = round_of_life(&r, next, life_us, i % 5 != 0);
		verify(&r, reported, &next);
	}
	CHECK(next > ROUNDS / 2, "something was committed at all");
	rig_remove(r.dir);
	return test_done();
}
