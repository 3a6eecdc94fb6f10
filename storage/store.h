/* SPDX-License-Identifier: Apache-2.0 */
/* The store: typed records, committed in batches by an engine behind this interface. The protocol
 * side knows nothing else of storage. All calls come from one thread; a commit runs on the store's
 * own, and its end is told by store_poll, on the caller's thread.
 *
 * Durable means: a power cut right after keeps it. A batch is all or nothing, and batches become
 * durable in the order of their submission; when one fails, so do all that were queued behind it.
 * Batches that wait share a commit, and then its failure.
 *
 * A database that was set back or cloned would repeat sender numbers and accept requests again. So
 * an engine keeps an anchor beside it (storage/anchor.h). Opening one that is an older copy than
 * its anchor is a rollback: before anything else is possible every context's ssn_limit is raised to
 * the epoch of the new number of rollbacks, its window is stale, and no response is remembered.
 * Opening one without its anchor gives a sealed store.
 *
 * Changing or deleting what is not there is no error, except that sender numbers of an unknown
 * context are ERR_CONFLICT; so are a name or an event number that is taken, and the id of a deleted
 * context. Whether a context's endpoint exists is not checked. Text comes back byte for byte. */
#ifndef LANYARD_STORAGE_STORE_H
#define LANYARD_STORAGE_STORE_H

#include "base/peer.h"
#include "base/span.h"

enum rec_type {
	REC_ENDPOINT_PUT,
	REC_ENDPOINT_DEL, /* and all that belongs to it; its contexts leave tombstones */
	REC_CONTEXT_PUT,
	REC_CONTEXT_DEL, /* leaves tombstones */
	REC_CONTEXT_STATE,
	REC_CONTEXT_FAILURES,
	REC_SSN_RESERVE,
	REC_SEEN,
	REC_REG_PUT,
	REC_REG_DEL,
	REC_REG_TOUCH,
	REC_OP_PUT,
	REC_OP_STATE,
	REC_OP_DEL,
	REC_PLAN_PUT,
	REC_PLAN_DEL,
	REC_EVENT,
	REC_IMAGE_PUT,
	REC_IMAGE_DEL,
	REC_FIRMWARE_PUT,
	REC_FIRMWARE_DEL,
	REC_CREDENTIAL_PUT, /* replaces the one of its endpoint, kind and role */
	REC_CREDENTIAL_DEL,
};

enum rec_role { REC_ROLE_BOOTSTRAP = 1, REC_ROLE_SERVER = 2 };
enum rec_origin {
	REC_ORIGIN_IMPORTED = 1,  /* an administrator brought the secret */
	REC_ORIGIN_DRAWN = 2,     /* this database drew it */
	REC_ORIGIN_RECOVERED = 3, /* the keys are younger than the secret: RFC 8613 Appendix B.2 */
};
enum rec_generation {
	REC_GEN_WRITTEN = 1,      /* made for a bootstrap attempt that has not finished */
	REC_GEN_ACKNOWLEDGED = 2, /* the device answered Finish */
	REC_GEN_USED = 3, /* a request under it was verified, or it was provisioned by hand */
};

struct rec_endpoint {
	uint64_t id;
	struct span name;         /* unique */
	struct span bs_ep, rd_ep; /* {NULL, 0}: the name */
	uint8_t freshness;        /* enum ep_freshness of endpoint/ */
	bool allow_nosec;
	uint8_t oscore_version; /* of Object 21 to write: 0 by Discover, 10, 11, 20 */
	uint8_t require;        /* enum ep_require of endpoint/ */
	struct pace pace;
	bool damaged; /* told on loading: the row contradicts itself, and nothing of it is sure */
};

/* By what an endpoint is known to DTLS and TLS. */
struct rec_credential {
	uint64_t endpoint_id;
	uint8_t kind; /* 1 to 3: enum ep_credential_kind of endpoint/; storage does not look at it
		       */
	uint8_t role; /* enum rec_role */
	struct span identity, key; /* not for REC_CREDENTIAL_DEL */
};

/* An OSCORE context with its inputs, derived keys and counters. */
struct rec_context {
	uint64_t id; /* never used again, not even after deletion */
	uint64_t endpoint_id;
	uint8_t role, origin, generation;
	int aead, hkdf;
	struct span sender_id, recipient_id, id_context; /* id_context.p NULL: absent */
	struct span master_secret, master_salt;
	struct span sender_key, recipient_key, common_iv;
	struct span ikm_fingerprint; /* 16 bytes */
	uint16_t ssid; /* the server account it belongs to; 0: bootstrap, or provisioned by hand */
	uint16_t created_day; /* when its secret came to be: days since 1970 */
	/* counters; when a context is put again, the store keeps what is higher */
	uint64_t ssn_limit; /* numbers below it may have been used */
	uint64_t ssn_gap;   /* so many of them never were: a rollback left them out */
	uint64_t failures;  /* verifications that failed under its Recipient Key */
	uint64_t highest;   /* largest Partial IV accepted; UINT64_MAX: none */
	uint64_t window; /* as struct osc_window's seen; meaningful if exact; not taken by a put */
	bool exact;      /* set by a clean stop only, cleared by store_begin */
	bool fresh;      /* freshness of the peer was proved (Echo, B.2) */
	bool stale;      /* nothing may be believed of the window until `fresh` is set */
	bool executed;   /* a request under it changed something */
};

/* Changes flags or generation; counters are left alone. */
struct rec_context_state {
	uint64_t id;
	uint8_t generation;
	bool fresh, executed;
};

/* Failed verifications so far; the store keeps what is higher. Of a context that is gone too. */
struct rec_context_failures {
	uint64_t id, failures;
};

/* ssn_limit := expect + add, if it is `expect` now; else the batch fails with ERR_CONFLICT. Two
 * owners can so never share a number. */
struct rec_ssn_reserve {
	uint64_t context_id, expect, add;
};

/* A verified request: one row of the append-only log. */
struct rec_seen {
	uint64_t context_id;
	uint64_t piv;
	uint64_t now_ms;
	uint64_t hash;        /* of the request datagram */
	uint64_t expiry_ms;   /* new expiry of the endpoint's registration; 0: unchanged */
	bool fresh, executed; /* the context's flags from now on (only ever set) */
	struct span response; /* as sent; at most STORE_RESPONSE_MAX, else empty */
};

enum { STORE_RESPONSE_MAX = 128 };

/* Sender numbers are given out by epochs of 2^20: a rollback ends one and begins the next. */
enum { STORE_EPOCH_BITS = 20 };

struct rec_reg {
	uint64_t endpoint_id;
	uint64_t context_id;  /* it was made under; 0: NoSec */
	struct span location; /* below rd/ */
	uint32_t lifetime_s;
	uint8_t lwm2m, binding;
	bool queue;
	struct span sms, links, peer; /* links as text; peer packed */
	int64_t registered_wall_s;
	uint64_t expiry_ms; /* UINT64_MAX: never */
};

struct rec_reg_touch { /* new expiry or address without a log row */
	uint64_t endpoint_id;
	uint64_t expiry_ms; /* 0: unchanged */
	struct span peer;   /* empty: unchanged */
};

/* An operation towards a device. */
struct rec_op {
	uint64_t id;
	uint64_t endpoint_id;
	struct span kind, path; /* "execute", "/3/0/4" */
	uint8_t state;          /* enum of server/; storage does not look at it */
	int64_t created_wall_s;
	struct span result; /* JSON or empty */
	uint64_t ref;       /* what administrators call it; 0: nothing */
	uint64_t expiry_ms; /* in the store clock; 0: never */
	struct span body;   /* what is asked for, or what came of it: server/'s */
};

struct rec_op_state {
	uint64_t id;
	uint8_t state;
};

struct rec_plan {
	uint64_t endpoint_id; /* 0: the default plan */
	struct span json;
};

/* A firmware image that was uploaded; its bytes are a file (storage/images.h). */
struct rec_image {
	uint64_t id;
	struct span name;   /* unique; whether it is, is not checked here */
	struct span sha256; /* 32 bytes: under which its file is found */
	uint64_t bytes;
	int64_t created_wall_s;
	bool once; /* it goes with the last update that used it */
};

/* The firmware update of an endpoint. */
struct rec_firmware {
	uint64_t endpoint_id;
	uint8_t method, step, outcome; /* enums of server/; storage does not look at them */
	uint8_t device_result;         /* Update Result of the device */
	bool executed;                 /* Update was executed, or was about to be */
	bool observing;                /* its observation was set up for this alone */
	uint64_t image_id;             /* 0: none of ours */
	struct span image, uri, detail;
	int64_t created_wall_s, changed_wall_s;
};

struct rec_event {
	uint64_t seq; /* rises by one; the store keeps the newest `event_ring` of them */
	int64_t wall_ms;
	struct span type, endpoint, json;
};

struct rec_id {
	uint64_t id;
	bool unused;    /* REC_CONTEXT_DEL: no number of it was ever used, so no tombstone */
	bool forgotten; /* REC_CONTEXT_DEL: no tombstone either; ssn_forgotten rises above its
			   limit, and to `above` */
	uint64_t above;
};

struct rec {
	enum rec_type type;
	union {
		struct rec_endpoint endpoint;
		struct rec_context context;
		struct rec_context_state context_state;
		struct rec_context_failures context_failures;
		struct rec_ssn_reserve ssn;
		struct rec_seen seen;
		struct rec_reg reg;
		struct rec_reg_touch touch;
		struct rec_op op;
		struct rec_op_state op_state;
		struct rec_plan plan;
		struct rec_event event;
		struct rec_image image;
		struct rec_firmware firmware;
		struct rec_credential credential;
		/* *_DEL: the endpoint's, context's, operation's or image's id */
		struct rec_id del;
	};
};

/* Owned by the caller and left untouched until it comes back through `done`, with its memory. */
struct batch {
	struct batch *next; /* the store's, while it has the batch */
	const struct rec *recs;
	size_t n;
	uint64_t now_ms; /* the store clock at the end of the turn */
	enum err result; /* set before done */
};

typedef void store_done_fn(void *arg, struct batch *b);

/* A consistent copy of the database as one file, made while commits go on. Stamped as a copy, so
 * that starting with it is a rollback. Owned by the caller and left untouched until done. */
struct store_backup {
	char path[4096]; /* made, mode 0600, with its directory (0700) if only that is missing */
	void (*done)(struct store_backup *b); /* called by store_poll, or by store_free */
	void *arg;
	/* set before done */
	enum err result;
	uint64_t bytes;
	char why[256]; /* what failed, for an operator */
};

/* What a context is derived from, read to derive another from it: secrets are not kept in memory.
 * Owned by the caller and left untouched until done; whoever owns it wipes it. */
enum { STORE_SECRET_MAX = 64 };
struct store_inputs {
	struct store_inputs *next; /* the store's, while it has it */
	uint64_t context_id;
	void (*done)(struct store_inputs *q); /* called by store_poll, or by store_free */
	void *arg;
	/* set before done */
	enum err result;
	uint8_t secret_n, salt_n;
	uint8_t secret[STORE_SECRET_MAX], salt[STORE_SECRET_MAX];
};

/* A tombstone: a key that was used once and belongs to no context any more, wherever its secret
 * came from: a drawn one is in the device, and in every copy of the database. */
struct rec_tombstone {
	struct span ikm_fingerprint, id; /* the key is derived from these two */
	bool sender;                     /* it was ours to send with */
	uint64_t number;                 /* ssn_limit if sender, else highest (UINT64_MAX: none) */
	uint64_t aside;                  /* ssn_gap if sender, else failures */
};

/* The number of a tombstone whose counter is damaged: none is left to be used. */
#define STORE_NUMBER_LOST ((uint64_t)INT64_MAX)

/* A row that contradicts itself: what it said is not told, except an endpoint's. Its key may come
 * back as tombstones, to be told like those of deleted contexts. */
struct rec_damage {
	const char *table;
	uint64_t row;
	uint64_t endpoint_id; /* as far as can be said; 0: of none, or the default plan's */
	uint64_t ssn_limit;   /* of a key that nobody knows any more: numbers below it may have been
				 used; 0: no key is lost */
	bool deleted;         /* what is left of a key of the past: nobody misses it */
	bool mended;          /* it is as it was, and told, too */
};

/* Told on loading, in this order of kinds; any may be NULL. Spans die with the call. Context
 * counters are folded with the log: highest, flags and expiry are those of the newest row. `seen`
 * comes oldest first, only rows younger than the exchange lifetime that was given at opening.
 * A visitor that returns an error ends the load with it.
 *
 * `damage` comes at any time after the endpoints of smaller ids; without it a damaged row ends the
 * load with ERR_CORRUPT. Damaged or missing log rows (table "seen") leave every context stale,
 * durably, before the first visitor is called, but where a turned bit could be turned back. A
 * context whose row is damaged is not told; if only its counters are, its keys come as tombstones.
 */
struct store_visitor {
	enum err (*endpoint)(void *arg, const struct rec_endpoint *r);
	enum err (*context)(void *arg, const struct rec_context *r);
	enum err (*registration)(void *arg, const struct rec_reg *r);
	enum err (*seen)(void *arg, const struct rec_seen *r);
	enum err (*plan)(void *arg, const struct rec_plan *r);
	enum err (*op)(void *arg, const struct rec_op *r);
	enum err (*tombstone)(void *arg, const struct rec_tombstone *r);
	enum err (*damage)(void *arg, const struct rec_damage *r);
	enum err (*image)(void *arg, const struct rec_image *r);
	enum err (*firmware)(void *arg, const struct rec_firmware *r);
	enum err (*credential)(void *arg, const struct rec_credential *r);
	void *arg;
};

/* Why a store is sealed: it does nothing before store_unseal. */
enum store_seal {
	STORE_SEAL_NONE,
	STORE_SEAL_MISSING, /* there is no anchor: the database may be a clone */
	STORE_SEAL_DAMAGED, /* the anchor cannot be read */
	STORE_SEAL_OLDER,   /* the anchor is older than the database */
};

struct store_info {
	uint64_t now_ms;     /* the store clock: the largest now_ms ever committed */
	uint64_t next_id;    /* above every endpoint, context, operation and image id ever used */
	uint64_t next_event; /* seq of the next event */
	bool clean;          /* the last run stopped cleanly */
	uint8_t secret[32];  /* drawn when the database was made: for fingerprints and seeds */
	uint32_t rollbacks;  /* sender numbers are given out in the epoch of this number */
	uint64_t ssn_forgotten; /* above every number of a context that was forgotten */
};

/* For status and metrics. */
struct store_stats {
	uint64_t commits, records, failures;
	uint64_t log_rows;
	uint64_t cpu_us; /* of the storage thread */
	uint64_t anchor_syncs;
	uint32_t rollbacks; /* ever */
	bool rolled_back;   /* one of them since this store was opened */
	enum store_seal seal;
	enum err health; /* ERR_OK, or why it cannot store */
	char health_text[200];
};

struct store;

/* Queues a batch; never blocks and never fails (a batch that cannot be taken comes back failed). */
void store_submit(struct store *s, struct batch *b);
/* Calls done for every finished batch, in order. Call it when store_fd is readable. */
void store_poll(struct store *s);
/* Readable when store_poll has something to do. */
int store_fd(struct store *s);
/* Batches submitted and not yet told done. */
size_t store_pending(const struct store *s);
/* Reads everything. Only while nothing is pending. `info` is filled before the first visitor is
 * called. */
MUST_USE enum err store_load(
	struct store *s, const struct store_visitor *v, struct store_info *info);
/* The first commit after opening, before anything is spoken: clears the clean-stop marker and the
 * exact windows. Synchronous. A batch that is committed without it does the same first. */
MUST_USE enum err store_begin(struct store *s);
/* After a failure: reopens and writes a probe. ERR_OK: durable writing works again, and what is
 * stored must be loaded afresh. Until then every batch fails. Synchronous, milliseconds. */
MUST_USE enum err store_recover(struct store *s);
/* Starts a backup. ERR_BUSY: one is under way. Its result may be ERR_EXISTS (path), ERR_FULL (there
 * is not room for it and as much again), ERR_UNSUPPORTED (not by this engine), ERR_STATE (the store
 * ended), or why reading or writing failed; then there is no file. */
MUST_USE enum err store_backup(struct store *s, struct store_backup *b);
/* Reads them, behind the batches that were submitted before. Never blocks and never fails; the
 * result may be ERR_NOTFOUND (no such live context), ERR_CORRUPT (longer than any), ERR_STATE (the
 * store ended), or why nothing can be read. */
void store_inputs(struct store *s, struct store_inputs *q);
/* Of a sealed store (health ERR_SEALED): the operator has confirmed that no other copy of this
 * database runs, has run since this one was made, or will. It is treated like a rollback: sender
 * numbers start in a later epoch, every window is stale. Synchronous; what is stored must be loaded
 * afterwards. ERR_STATE: it is not sealed; on another error it stays so. */
MUST_USE enum err store_unseal(struct store *s);
/* The clean stop: exact windows and sender numbers (ssn_limit := the exact next number, which may
 * be lower than the reserved limit) and the marker in one transaction. Nothing may be pending
 * (ERR_STATE). A window whose `highest` is below what was committed is not believed. */
MUST_USE enum err store_stop(
	struct store *s, const struct rec_context *exact, size_t n, uint64_t now_ms);
/* Events with seq > after, oldest first, at most max of them. Synchronous, on the caller's thread's
 * time: for the REST interface. *first is the oldest seq there is, 0 if none. `fn` as the visitors
 * of store_load. Works on a failed store too, if it can. */
typedef enum err store_event_fn(void *arg, const struct rec_event *e);
MUST_USE enum err store_events(struct store *s, uint64_t after, size_t max, store_event_fn *fn,
	void *arg, uint64_t *first);
void store_stats(struct store *s, struct store_stats *out);
/* A sentence for an operator; empty for none. */
const char *store_seal_text(enum store_seal seal);
/* Ends the thread; done is called for pending batches, with ERR_STATE if they were not committed.
 * NULL is fine. */
void store_free(struct store *s);

/* The memory engine, for tests: a commit is done at the next store_poll. */
struct store_mem_opts {
	uint64_t exchange_lifetime_ms;
	uint8_t secret[32];
	size_t event_ring;
};
MUST_USE enum err store_mem_open(
	const struct store_mem_opts *o, store_done_fn *done, void *arg, struct store **out);
/* Makes batches from the nth commit on fail with `e` until store_mem_fail(s, 0, ERR_OK). With
 * `committed` the data are kept although failure is told (a COMMIT whose answer was lost). */
void store_mem_fail(struct store *s, uint64_t nth, enum err e, bool committed);
/* Batches stay pending until released: to test what may leave before they are durable. */
void store_mem_hold(struct store *s, bool hold);
/* Writing the anchor fails with `e` until it is told ERR_OK. */
void store_mem_anchor_fail(struct store *s, enum err e);
/* A new store with what is durable in `old`, beside the anchor of `s`; `s` NULL: beside none. */
MUST_USE enum err store_mem_restore(
	struct store *s, struct store *old, store_done_fn *done, void *arg, struct store **out);
/* What a power cut leaves: a new store with what is durable now; `s` stays usable. */
MUST_USE enum err store_mem_crash(
	struct store *s, store_done_fn *done, void *arg, struct store **out);

#endif
