/* SPDX-License-Identifier: Apache-2.0 */
/* A store of either engine, with what tests need around it: batches that wait for their end,
 * crashes, and a dump of all that a load tells, so that two states can be compared as text. */
#ifndef LANYARD_TESTS_UNIT_STORAGE_RIG_H
#define LANYARD_TESTS_UNIT_STORAGE_RIG_H

#include "storage/sqlite.h"
#include "storage/sqlite_sum.h"
#include "tests/unit/test.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
	bool sqlite;
	char dir[64];
	struct store_sqlite_opts opts;
	struct store_mem_opts mem;
	struct store *s;
	struct batch *done[256]; /* in the order they were told */
	size_t done_n;
	char why[256];
	struct store_info info; /* of the last dump */
};

struct text {
	char *p;
	size_t n, cap;
};

static inline void text_add(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void text_add(struct text *t, const char *fmt, ...)
{
	char line[8192];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		abort();
	if (t->n + (size_t)n + 1 > t->cap) {
		t->cap = 2 * (t->n + (size_t)n + 1);
		t->p = realloc(t->p, t->cap);
	}
	if (!t->p)
		abort();
	memcpy(t->p + t->n, line, (size_t)n + 1);
	t->n += (size_t)n;
}

static inline void text_span(struct text *t, struct span s)
{
	text_add(t, " ");
	if (!s.p)
		text_add(t, "-");
	else if (!s.n)
		text_add(t, "''");
	for (size_t i = 0; i < s.n; i++)
		text_add(t, "%02x", s.p[i]);
}

/* Where absent and empty are the same. */
static inline void text_bytes(struct text *t, struct span s)
{
	text_span(t, s.n ? s : SPAN_EMPTY);
}

static inline enum err dump_endpoint(void *arg, const struct rec_endpoint *r)
{
	struct text *t = arg;
	text_add(t, "endpoint %" PRIu64, r->id);
	text_bytes(t, r->name);
	text_bytes(t, r->bs_ep);
	text_bytes(t, r->rd_ep);
	text_add(t, " %d %d %d", r->freshness, r->allow_nosec, r->oscore_version);
	text_add(t, " %u %d %d %d", r->pace.ack_timeout_ms, r->pace.block_bytes,
		r->pace.message_bytes, r->pace.max_retransmit);
	if (r->pace.nstart)
		text_add(t, " nstart=%d", r->pace.nstart);
	if (r->require)
		text_add(t, " require=%d", r->require);
	text_add(t, "\n");
	return ERR_OK;
}

/* Days that no clock of today tells. */
enum { RIG_DAY_MAX = 10000 };

static inline enum err dump_context(void *arg, const struct rec_context *r)
{
	struct text *t = arg;
	text_add(t, "context %" PRIu64 " %" PRIu64 " %d %d %d %d %d %d", r->id, r->endpoint_id,
		r->role, r->origin, r->generation, r->aead, r->hkdf, r->ssid);
	if (r->created_day && r->created_day < RIG_DAY_MAX)
		text_add(t, " made=%u", (unsigned)r->created_day);
	text_bytes(t, r->sender_id);
	text_bytes(t, r->recipient_id);
	text_span(t, r->id_context);
	text_bytes(t, r->master_secret);
	text_bytes(t, r->master_salt);
	text_bytes(t, r->sender_key);
	text_bytes(t, r->recipient_key);
	text_bytes(t, r->common_iv);
	text_bytes(t, r->ikm_fingerprint);
	text_add(t, " limit=%" PRIu64 " highest=%" PRId64, r->ssn_limit, (int64_t)r->highest);
	if (r->exact)
		text_add(t, " window=%" PRIx64, r->window);
	text_add(t, " fresh=%d executed=%d%s", r->fresh, r->executed, r->stale ? " stale" : "");
	if (r->ssn_gap)
		text_add(t, " gap=%" PRIu64, r->ssn_gap);
	if (r->failures)
		text_add(t, " failures=%" PRIu64, r->failures);
	text_add(t, "\n");
	return ERR_OK;
}

static inline enum err dump_registration(void *arg, const struct rec_reg *r)
{
	struct text *t = arg;
	text_add(t, "registration %" PRIu64 " %" PRIu64, r->endpoint_id, r->context_id);
	text_bytes(t, r->location);
	text_add(t, " %u %d %d %d", r->lifetime_s, r->lwm2m, r->binding, r->queue);
	text_bytes(t, r->sms);
	text_bytes(t, r->links);
	text_bytes(t, r->peer);
	text_add(t, " %" PRId64 " expiry=%" PRId64 "\n", r->registered_wall_s,
		(int64_t)r->expiry_ms);
	return ERR_OK;
}

static inline enum err dump_seen(void *arg, const struct rec_seen *r)
{
	struct text *t = arg;
	text_add(t, "seen %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRId64 " %d %d",
		r->context_id, r->piv, r->now_ms, r->hash, (int64_t)r->expiry_ms, r->fresh,
		r->executed);
	text_bytes(t, r->response);
	text_add(t, "\n");
	return ERR_OK;
}

static inline enum err dump_plan(void *arg, const struct rec_plan *r)
{
	text_add(arg, "plan %" PRIu64, r->endpoint_id);
	text_bytes(arg, r->json);
	text_add(arg, "\n");
	return ERR_OK;
}

static inline enum err dump_op(void *arg, const struct rec_op *r)
{
	struct text *t = arg;
	text_add(t, "op %" PRIu64 " %" PRIu64, r->id, r->endpoint_id);
	text_bytes(t, r->kind);
	text_bytes(t, r->path);
	text_add(t, " %d %" PRId64, r->state, r->created_wall_s);
	text_bytes(t, r->result);
	if (r->ref || r->expiry_ms || r->body.n) {
		text_add(t, " %" PRIu64 " %" PRIu64, r->ref, r->expiry_ms);
		text_bytes(t, r->body);
	}
	text_add(t, "\n");
	return ERR_OK;
}

static inline enum err dump_tombstone(void *arg, const struct rec_tombstone *r)
{
	struct text *t = arg;
	text_add(t, "tombstone");
	text_bytes(t, r->ikm_fingerprint);
	text_bytes(t, r->id);
	text_add(t, " %d %" PRId64, r->sender, (int64_t)r->number);
	if (r->aside)
		text_add(t, " aside=%" PRIu64, r->aside);
	text_add(t, "\n");
	return ERR_OK;
}

static inline enum err dump_image(void *arg, const struct rec_image *r)
{
	struct text *t = arg;
	text_add(t, "image %" PRIu64, r->id);
	text_bytes(t, r->name);
	text_bytes(t, r->sha256);
	text_add(t, " %" PRIu64 " %" PRId64 " %d\n", r->bytes, r->created_wall_s, r->once);
	return ERR_OK;
}

static inline enum err dump_firmware(void *arg, const struct rec_firmware *r)
{
	struct text *t = arg;
	text_add(t, "firmware %" PRIu64 " %d %d %d %d %d %d %" PRIu64, r->endpoint_id, r->method,
		r->step, r->outcome, r->device_result, r->executed, r->observing, r->image_id);
	text_bytes(t, r->image);
	text_bytes(t, r->uri);
	text_bytes(t, r->detail);
	text_add(t, " %" PRId64 " %" PRId64 "\n", r->created_wall_s, r->changed_wall_s);
	return ERR_OK;
}

static inline enum err dump_credential(void *arg, const struct rec_credential *r)
{
	struct text *t = arg;
	text_add(t, "credential %" PRIu64 " %d %d", r->endpoint_id, r->kind, r->role);
	text_bytes(t, r->identity);
	text_bytes(t, r->key);
	text_add(t, "\n");
	return ERR_OK;
}

static inline enum err dump_event(void *arg, const struct rec_event *r)
{
	struct text *t = arg;
	text_add(t, "event %" PRIu64 " %" PRId64, r->seq, r->wall_ms);
	text_bytes(t, r->type);
	text_bytes(t, r->endpoint);
	text_bytes(t, r->json);
	text_add(t, "\n");
	return ERR_OK;
}

static inline enum err dump_damage(void *arg, const struct rec_damage *r)
{
	text_add(arg, "%s %s %" PRIu64 " of %" PRIu64 " below %" PRIu64 "\n",
		r->mended ? "mended" : "damage", r->table, r->row, r->endpoint_id, r->ssn_limit);
	return ERR_OK;
}

/* All there is, as text to be freed; NULL if loading fails. */
static inline char *rig_dump(struct rig *r)
{
	struct text t = {0};
	uint64_t first = 0;
	struct store_visitor v = {dump_endpoint, dump_context, dump_registration, dump_seen,
		dump_plan, dump_op, dump_tombstone, dump_damage, dump_image, dump_firmware,
		dump_credential, &t};
	text_add(&t, "store\n");
	enum err e = store_load(r->s, &v, &r->info);
	if (!e)
		e = store_events(r->s, 0, SIZE_MAX, dump_event, &t, &first);
	text_add(&t,
		"clock=%" PRIu64 " id=%" PRIu64 " event=%" PRIu64 " first=%" PRIu64 " clean=%d\n",
		r->info.now_ms, r->info.next_id, r->info.next_event, first, r->info.clean);
	if (!e)
		return t.p;
	free(t.p);
	return NULL;
}

static inline bool rig_has(struct rig *r, const char *line)
{
	char *d = rig_dump(r);
	bool found = d && strstr(d, line);
	if (!found)
		printf("  no \"%s\" in:\n%s", line, d ? d : "(load failed)\n");
	free(d);
	return found;
}

static inline bool rig_lacks(struct rig *r, const char *line)
{
	char *d = rig_dump(r);
	bool lacks = d && !strstr(d, line);
	if (!lacks)
		printf("  \"%s\" is in:\n%s", line, d ? d : "(load failed)\n");
	free(d);
	return lacks;
}

static inline void rig_done(void *arg, struct batch *b)
{
	struct rig *r = arg;
	r->done[r->done_n++ % 256] = b;
}

static inline enum err rig_start(struct rig *r)
{
	if (r->sqlite)
		return store_sqlite_open(&r->opts, rig_done, r, &r->s, r->why);
	return store_mem_open(&r->mem, rig_done, r, &r->s);
}

static inline void rig_remove(const char *dir)
{
	char cmd[200];
	snprintf(cmd, sizeof(cmd), "rm -rf '%s' '%s.anchor'", dir, dir);
	if (system(cmd))
		abort();
}

static inline void rig_open(struct rig *r, bool sqlite)
{
	static unsigned count;
	*r = (struct rig){.sqlite = sqlite};
	snprintf(r->dir, sizeof(r->dir), "%s/lanyard-store-%ld-%u",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid(), count++);
	r->opts.dir = r->dir;
	r->opts.exchange_lifetime_ms = r->mem.exchange_lifetime_ms = 1000;
	r->opts.event_ring = r->mem.event_ring = 8;
	enum err e = rig_start(r);
	if (e)
		printf("  %s\n", r->why);
	REQUIRE(!e, "opening a store");
}

static inline void rig_wait(struct rig *r)
{
	while (store_pending(r->s)) {
		struct pollfd p = {.fd = store_fd(r->s), .events = POLLIN};
		if (poll(&p, 1, 10000) != 1)
			abort();
		store_poll(r->s);
	}
}

static inline enum err rig_commit_at(
	struct rig *r, uint64_t now_ms, const struct rec *recs, size_t n)
{
	struct batch b = {.recs = recs, .n = n, .now_ms = now_ms};
	store_submit(r->s, &b);
	rig_wait(r);
	return b.result;
}

static inline enum err rig_commit(struct rig *r, const struct rec *recs, size_t n)
{
	return rig_commit_at(r, 1, recs, n);
}

static inline enum err rig_put(struct rig *r, struct rec rec)
{
	return rig_commit(r, &rec, 1);
}

/* What kill -9 leaves is opened in the place of the store. */
static inline void rig_crash(struct rig *r)
{
	struct store *now = NULL;
	if (!r->sqlite) {
		REQUIRE(!store_mem_crash(r->s, rig_done, r, &now), "crashing a memory store");
		store_free(r->s);
		r->s = now;
		return;
	}
	char was[64], cmd[400];
	snprintf(was, sizeof(was), "%s", r->dir);
	/* Another process copies: closing the database in this one would drop SQLite's locks. */
	snprintf(r->dir, sizeof(r->dir), "%.50s+", was);
	snprintf(cmd, sizeof(cmd),
		"cp -r '%s' '%s' && { cp -r '%s.anchor' '%s.anchor' 2>/dev/null || :; }", was,
		r->dir, was, r->dir);
	REQUIRE(!system(cmd), "copying the directory");
	store_free(r->s);
	rig_remove(was);
	enum err e = rig_start(r);
	if (e)
		printf("  %s\n", r->why);
	REQUIRE(!e, "opening after a crash");
}

/* Keeps a copy of what is durable now, the anchor apart: what somebody may put back later. */
struct rig_copy {
	struct store *mem;
	char dir[80];
};

static inline void rig_ignore(void *arg, struct batch *b)
{
	(void)arg, (void)b;
}

static inline void rig_copy(struct rig *r, struct rig_copy *c)
{
	char cmd[256];
	if (!r->sqlite) {
		REQUIRE(!store_mem_crash(r->s, rig_ignore, NULL, &c->mem), "copying");
		return;
	}
	snprintf(c->dir, sizeof(c->dir), "%s.copy", r->dir);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s' && cp -r '%s' '%s'", c->dir, r->dir, c->dir);
	REQUIRE(!system(cmd), "copying the directory");
}

/* Puts it back, beside the anchor or without one. */
static inline void rig_restore(struct rig *r, struct rig_copy *c, bool anchor)
{
	char cmd[512];
	if (!r->sqlite) {
		struct store *now;
		REQUIRE(!store_mem_restore(anchor ? r->s : NULL, c->mem, rig_done, r, &now),
			"restoring");
		store_free(r->s);
		r->s = now;
		return;
	}
	store_free(r->s);
	r->s = NULL;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s' && cp -r '%s' '%s'", r->dir, c->dir, r->dir);
	REQUIRE(!system(cmd), "putting the directory back");
	snprintf(cmd, sizeof(cmd), "rm -rf '%s.anchor'", r->dir);
	REQUIRE(anchor || !system(cmd), "losing the anchor");
	REQUIRE(!rig_start(r), r->why);
}

static inline void rig_copy_end(struct rig_copy *c)
{
	store_free(c->mem);
	if (c->dir[0])
		rig_remove(c->dir);
}

/* Without store_stop; the memory engine cannot tell it from a crash. */
static inline void rig_reopen(struct rig *r)
{
	if (!r->sqlite) {
		rig_crash(r);
		return;
	}
	store_free(r->s);
	REQUIRE(!rig_start(r), "opening again");
}

static inline void rig_close(struct rig *r)
{
	store_free(r->s);
	if (r->sqlite)
		rig_remove(r->dir);
}

/* As SQL: without what version 11 of the schema added, with the sums of then. */
#define RIG_NO_CREDENTIALS                                                                         \
	"UPDATE endpoints SET sum = row_sum(" SUM_ENDPOINT_10                                      \
	"); ALTER TABLE endpoints DROP COLUMN require; DROP TABLE credentials;"

/* Without what version 10 added, either. */
#define RIG_NO_NSTART                                                                              \
	RIG_NO_CREDENTIALS                                                                         \
	"UPDATE endpoints SET sum = row_sum(" SUM_ENDPOINT_6                                       \
	"); ALTER TABLE endpoints DROP COLUMN nstart;"

/* Without what version 9 added, either. */
#define RIG_NO_AGE                                                                                 \
	RIG_NO_NSTART                                                                              \
	"UPDATE contexts SET sum = row_sum(" SUM_CONTEXT_6(                                        \
		"") ");"                                                                           \
		    "ALTER TABLE contexts DROP COLUMN created_day;"

/* Without what version 8 added, either. */
#define RIG_NO_FORGOTTEN RIG_NO_AGE "ALTER TABLE meta DROP COLUMN ssn_forgotten;"

/* Without what version 6 added, either. */
#define RIG_NO_SUMS                                                                                \
	RIG_NO_FORGOTTEN                                                                           \
	"ALTER TABLE meta DROP COLUMN sum; ALTER TABLE meta DROP COLUMN log_first;"                \
	"ALTER TABLE endpoints DROP COLUMN sum; ALTER TABLE contexts DROP COLUMN sum;"             \
	"ALTER TABLE tombstones DROP COLUMN sum; UPDATE seen SET flags = flags & 3;"               \
	"ALTER TABLE registrations DROP COLUMN sum; ALTER TABLE plans DROP COLUMN sum;"            \
	"ALTER TABLE operations DROP COLUMN sum; ALTER TABLE hot DROP COLUMN ssn_not;"             \
	"ALTER TABLE hot DROP COLUMN highest_not; ALTER TABLE hot DROP COLUMN window_not;"         \
	"ALTER TABLE hot DROP COLUMN gap_not; ALTER TABLE hot DROP COLUMN failures_not;"           \
	"ALTER TABLE hot DROP COLUMN state_not;"

/* Records as tests want them. */

static inline struct rec rec_endpoint_of(uint64_t id, const char *name)
{
	return (struct rec){.type = REC_ENDPOINT_PUT,
		.endpoint = {.id = id, .name = span_str(name), .freshness = 1}};
}

static inline struct rec rec_context_of(uint64_t id, uint64_t endpoint_id)
{
	return (struct rec){.type = REC_CONTEXT_PUT,
		.context = {.id = id,
			.endpoint_id = endpoint_id,
			.role = REC_ROLE_SERVER,
			.origin = REC_ORIGIN_IMPORTED,
			.generation = REC_GEN_USED,
			.aead = 10,
			.hkdf = -10,
			.sender_id = SPAN_LIT("S"),
			.recipient_id = SPAN_LIT("RRRRR"),
			.master_secret = SPAN_LIT("0123456789abcdef"),
			.sender_key = SPAN_LIT("sender key......"),
			.recipient_key = SPAN_LIT("recipient key..."),
			.common_iv = SPAN_LIT("common iv...."),
			.ikm_fingerprint = SPAN_LIT("fingerprint....."),
			.highest = UINT64_MAX}};
}

static inline struct rec rec_seen_of(uint64_t context_id, uint64_t piv, uint64_t now_ms)
{
	return (struct rec){.type = REC_SEEN,
		.seen = {.context_id = context_id, .piv = piv, .now_ms = now_ms, .hash = piv * 3}};
}

static inline struct rec rec_reg_of(uint64_t endpoint_id, uint64_t expiry_ms)
{
	return (struct rec){.type = REC_REG_PUT,
		.reg = {.endpoint_id = endpoint_id,
			.context_id = 1,
			.location = SPAN_LIT("abc"),
			.lifetime_s = 300,
			.links = SPAN_LIT("</3/0>"),
			.peer = SPAN_LIT("\1peer"),
			.expiry_ms = expiry_ms}};
}

static inline struct rec rec_ssn_of(uint64_t context_id, uint64_t expect, uint64_t add)
{
	return (struct rec){.type = REC_SSN_RESERVE, .ssn = {context_id, expect, add}};
}

static inline struct rec rec_del_of(enum rec_type type, uint64_t id)
{
	return (struct rec){.type = type, .del = {id}};
}

static inline struct rec rec_plan_of(uint64_t endpoint_id)
{
	return (struct rec){.type = REC_PLAN_PUT, .plan = {endpoint_id, SPAN_LIT("{}")}};
}

static inline struct rec rec_event_of(uint64_t seq)
{
	return (struct rec){.type = REC_EVENT,
		.event = {.seq = seq,
			.wall_ms = 1700000000000 + (int64_t)seq,
			.type = SPAN_LIT("registered"),
			.endpoint = SPAN_LIT("dev"),
			.json = SPAN_LIT("{}")}};
}

#endif
