/* SPDX-License-Identifier: Apache-2.0 */
/* What storing costs: storage-bench DIR [CONTEXTS]. DIR must not exist, and is on the disk that
 * counts. Prints time for each append, by the clock and of the storage thread's processor. */
#include "storage/sqlite.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RESPONSE_N = 24 };

static const uint8_t bytes[256];
static uint64_t store_clock_ms = 1;
static uint64_t piv = 1;
static struct rec recs[65536];

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(struct store *s)
{
	struct store_stats st;
	store_stats(s, &st);
	return (double)st.cpu_us / 1e6;
}

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	fprintf(stderr, "%s: %s\n", what, err_text(e));
	exit(1);
}

static void done(void *arg, struct batch *b)
{
	(void)arg;
	must(b->result, "a batch");
}

static double commit(struct store *s, size_t n)
{
	struct batch b = {.recs = recs, .n = n, .now_ms = store_clock_ms};
	double start = now_s();
	store_submit(s, &b);
	while (store_pending(s)) {
		struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
		poll(&p, 1, -1);
		store_poll(s);
	}
	return now_s() - start;
}

static struct rec context(uint64_t id)
{
	return (struct rec){.type = REC_CONTEXT_PUT,
		.context = {.id = id,
			.endpoint_id = id,
			.aead = 10,
			.hkdf = -10,
			.sender_id = {bytes, 1},
			.recipient_id = {bytes, 5},
			.master_secret = {bytes, 16},
			.sender_key = {bytes, 16},
			.recipient_key = {bytes, 16},
			.common_iv = {bytes, 13},
			.ikm_fingerprint = {bytes, 16},
			.highest = UINT64_MAX}};
}

static struct rec registration(uint64_t id)
{
	return (struct rec){.type = REC_REG_PUT,
		.reg = {.endpoint_id = id,
			.context_id = id,
			.location = {bytes + 1, 8},
			.lifetime_s = 86400,
			.links = {bytes + 1, 60},
			.peer = {bytes, 24},
			.expiry_ms = 5}};
}

static void fill(struct store *s, uint64_t contexts)
{
	enum { LOT = 10000 };
	static char names[LOT][16];
	double start = now_s();
	for (uint64_t id = 1; id <= contexts;) {
		size_t n = 0;
		for (size_t i = 0; i < LOT && id <= contexts; i++, id++) {
			snprintf(names[i], sizeof(names[i]), "device-%08" PRIu64, id);
			recs[n++] = (struct rec){.type = REC_ENDPOINT_PUT,
				.endpoint = {.id = id, .name = span_str(names[i])}};
			recs[n++] = context(id);
			recs[n++] = registration(id);
		}
		(void)commit(s, n);
	}
	double took = now_s() - start;
	printf("%" PRIu64 " endpoints with context and registration: %.2f s, %.1f us each\n",
		contexts, took, took * 1e6 / (double)contexts);
}

static void seen(struct rec *r, uint64_t contexts)
{
	uint64_t id = 1 + (uint64_t)random() % contexts;
	*r = (struct rec){.type = REC_SEEN,
		.seen = {.context_id = id,
			.piv = piv++,
			.now_ms = store_clock_ms,
			.hash = (uint64_t)random(),
			.expiry_ms = store_clock_ms + 86400000,
			.executed = true,
			.response = {bytes, RESPONSE_N}}};
}

/* `rows` appends in commits of `lot`; the clock moves `step_ms` a commit. */
static void append(struct store *s, uint64_t contexts, size_t lot, size_t rows, uint64_t step_ms)
{
	double start_cpu = cpu_s(s), slowest = 0, total = 0;
	for (size_t at = 0; at < rows; at += lot) {
		store_clock_ms += step_ms;
		for (size_t i = 0; i < lot; i++)
			seen(&recs[i], contexts);
		double took = commit(s, lot);
		total += took;
		if (took > slowest)
			slowest = took;
	}
	struct store_stats st;
	store_stats(s, &st);
	printf("commits of %5zu: %8.0f ns a row, %6.0f ns of processor; %8.0f rows/s; slowest"
	       " commit %.1f ms; log %" PRIu64 " rows\n",
		lot, total * 1e9 / (double)rows, (cpu_s(s) - start_cpu) * 1e9 / (double)rows,
		(double)rows / total, slowest * 1e3, st.log_rows);
}

/* Commits with one reservation of sender numbers each: the anchor is synced behind every one. */
static void reserve(struct store *s, size_t lot, size_t rows)
{
	struct store_stats before, st;
	double start = now_s();
	store_stats(s, &before);
	for (size_t at = 0; at < rows; at += lot) {
		for (size_t i = 0; i < lot; i++)
			recs[i] = (struct rec){.type = REC_SSN_RESERVE,
				.ssn = {.context_id = at + i + 1, .expect = 0, .add = 64}};
		commit(s, lot);
	}
	store_stats(s, &st);
	printf("reservations, commits of %5zu: %.0f us a commit, %.1f us a row; anchor synced "
	       "%" PRIu64 " times\n",
		lot, (now_s() - start) * 1e6 * (double)lot / (double)rows,
		(now_s() - start) * 1e6 / (double)rows, st.anchor_syncs - before.anchor_syncs);
}

static bool backed_up;

static void on_backup(struct store_backup *b)
{
	must(b->result, b->why);
	backed_up = true;
}

/* A backup, and commits of one row meanwhile. */
static void back_up(struct store *s, const char *dir, uint64_t contexts)
{
	static struct store_backup b = {.done = on_backup};
	double start = now_s(), slowest = 0;
	size_t commits = 0;
	snprintf(b.path, sizeof(b.path), "%s/backup.db", dir);
	must(store_backup(s, &b), "backup");
	for (; !backed_up; commits++) {
		seen(&recs[0], contexts);
		double took = commit(s, 1);
		if (took > slowest)
			slowest = took;
	}
	printf("backup: %.2f s for %.1f MiB; %zu commits meanwhile, the slowest %.1f ms\n",
		now_s() - start, (double)b.bytes / 1048576, commits, slowest * 1e3);
	unlink(b.path);
}

static enum err count(void *arg, const struct rec_context *r)
{
	(void)r;
	++*(uint64_t *)arg;
	return ERR_OK;
}

static void load(struct store *s, const char *what)
{
	uint64_t n = 0;
	struct store_visitor v = {.context = count, .arg = &n};
	struct store_info info;
	double start = now_s();
	must(store_load(s, &v, &info), "load");
	printf("load %s: %.2f s for %" PRIu64 " contexts\n", what, now_s() - start, n);
}

static void stop(struct store *s, uint64_t contexts)
{
	struct rec_context *exact = calloc(contexts, sizeof(*exact));
	if (!exact)
		exit(1);
	for (uint64_t i = 0; i < contexts; i++)
		exact[i] = (struct rec_context){.id = i + 1, .ssn_limit = i % 64, .highest = piv};
	double start = now_s();
	must(store_stop(s, exact, contexts, store_clock_ms), "stop");
	printf("stop: %.2f s\n", now_s() - start);
	free(exact);
}

static void file_size(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!stat(path, &st))
		printf("%s: %.1f MiB\n", name, (double)st.st_size / 1048576);
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s DIR [CONTEXTS]\n", argv[0]);
		return 2;
	}
	uint64_t contexts = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
	struct store_sqlite_opts o = {.dir = argv[1], .exchange_lifetime_ms = 247000};
	struct store *s;
	char why[256];
	if (!contexts || store_sqlite_open(&o, done, NULL, &s, why)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	must(store_begin(s), "begin");
	fill(s, contexts);
	load(s, "without a log");
	append(s, contexts, 1, 1000, 1);
	append(s, contexts, 10, 10000, 1);
	append(s, contexts, 100, 50000, 1);
	append(s, contexts, 1000, 150000, 1);
	load(s, "with a log");
	reserve(s, 1, 1000);
	store_clock_ms += 10 * o.exchange_lifetime_ms;
	puts("folding all the while:");
	append(s, contexts, 1, 1000, 1000);
	append(s, contexts, 10000, 400000, 1000);
	append(s, contexts, 1000, 1000000, 1000);
	file_size(argv[1], "lanyard.db-wal");
	back_up(s, argv[1], contexts);
	stop(s, contexts);
	file_size(argv[1], "lanyard.db");
	file_size(argv[1], "lanyard.db-wal");
	double start = now_s();
	store_free(s);
	printf("close: %.2f s\n", now_s() - start);
	return 0;
}
