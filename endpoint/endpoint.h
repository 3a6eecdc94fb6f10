/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: every endpoint we know, its OSCORE contexts with their durable counters, and the
 * indexes that find them. Plain data and functions; nothing here sends. */
#ifndef LANYARD_ENDPOINT_ENDPOINT_H
#define LANYARD_ENDPOINT_ENDPOINT_H

#include "base/map.h"
#include "base/peer.h"
#include "base/secret.h"
#include "endpoint/credential.h"
#include "endpoint/grave.h"
#include "endpoint/reason.h"
#include "endpoint/security.h"

#include "endpoint/turn.h"
#include "oscore/context.h"

enum ep_freshness {
	EP_FRESH_DEFAULT = 0, /* what the configuration says */
	EP_FRESH_AUTO, /* challenge first; accept a device that does not know Echo where that is
			  safe */
	EP_FRESH_ECHO, /* challenge, and insist */
	EP_FRESH_NONE, /* never challenge */
	EP_FRESH_B2,   /* have new keys derived (RFC 8613 Appendix B.2) */
};

enum {
	EP_SSN_BLOCK_MAX = 4096,
	EP_GENERATIONS_MAX = 4,
	EP_FORGET_MAX = 1 << 16, /* keys with higher numbers are remembered singly */
};

/* Sender numbers end with the epoch (STORE_EPOCH_BITS): what was used in one that a rollback made
 * us forget lies below the start of the next. Some peers read a Partial IV as a signed 32-bit
 * number. */
#define EP_SSN_END_MAX (UINT64_C(1) << 31)

/* Whether requests of ours name the ID Context of a context that has one (RFC 8613 section 5.2). */
enum ep_naming {
	EP_NAMING_FULL,   /* they do: nothing is known of the device */
	EP_NAMING_TRIED,  /* they do not, as its own do not; it has answered none of them yet */
	EP_NAMING_SHORT,  /* they do not, and it has */
	EP_NAMING_NEEDED, /* they do: it did not know whom one without it was for */
};

struct ep_conversation; /* endpoint/exchange.h: what is going on with a peer now */

/* The address of the last verified message, newest in its order (`piv`). */
struct ep_peer {
	struct peer peer;
	uint64_t piv;
};

/* An OSCORE context in use. There may be a million: what only matters during a conversation hangs
 * off `conv`, and keys and ids are packed behind the structure (ep_keys, ep_sender_id ...). */
struct ep_context {
	struct endpoint *endpoint;
	struct ep_context *next_of_endpoint;
	struct ep_conversation *conv; /* NULL: idle */
	struct ep_peer *peer;         /* NULL: never heard of, or an idle bootstrap context */
	struct osc_window window;
	uint64_t id : 48;
	uint64_t next_mid : 16;
	uint64_t ssn_next;
	uint32_t ssn_gap;   /* numbers below ssn_next that never were: a rollback left them out */
	uint16_t ssn_left;  /* numbers from ssn_next on that are reserved */
	uint16_t ssn_block; /* size of the last reservation */
	uint16_t ssid;
	uint16_t replays;
	uint32_t auth_failures; /* it stops at its end, as replays does */
	uint32_t heard_s;       /* when a good message came, since 1970; 0: not since the start */
	uint16_t created_day;   /* when its secret came to be: days since 1970 */
	uint8_t role : 2, origin : 2, generation : 2; /* enum rec_* */
	uint8_t offers : 2;  /* how often new keys were offered in place of these (limits.h) */
	uint8_t aead : 6;    /* COSE number */
	uint8_t naming : 2;  /* enum ep_naming; since the start */
	int8_t hkdf;         /* COSE number */
	bool fresh : 1;      /* freshness was proved */
	bool executed : 1;   /* a request under it changed something */
	bool challenged : 1; /* an Echo challenge is out (since the start) */
	bool sealed : 1;   /* numbers up to the highest are from before an unclean stop: silence */
	bool untagged : 1; /* a block of ours without Request-Tag may still be on its way */
	bool stale : 1;    /* the window may be that of an older copy of the database: nothing is
			      executed under it before the device has answered an Echo challenge */
	bool has_id_context : 1;
	bool unrecorded : 1; /* auth_failures is to be recorded as soon as that may be */
	uint8_t sender_n : 4, recipient_n : 4;
	uint8_t id_context_n : 7;
	bool marked : 1;    /* its salt says that its secret was drawn here (mark.h) */
	uint8_t successors; /* recoveries that began with it and came to an end, since the start */
	uint8_t packed[]; /* Recipient ID, Sender ID, Sender Key, Recipient Key, Common IV, ikm, ID
			     Context */
};

static inline bool ep_heard_at(const struct ep_context *c, const struct peer *p)
{
	return c->peer && peer_eq(&c->peer->peer, p);
}

enum { EP_IKM_BYTES = 8 }; /* of the fingerprint of what it was derived from */

static inline uint64_t ep_ssn_limit(const struct ep_context *c)
{
	return c->ssn_next + c->ssn_left;
}
struct span ep_recipient_id(const struct ep_context *c);
struct span ep_sender_id(const struct ep_context *c);
struct span ep_id_context(const struct ep_context *c); /* p is NULL if absent */
struct span ep_ikm(const struct ep_context *c);
/* Unpacks; wipe it after use where it does not stay in a work space. */
void ep_keys(const struct ep_context *c, struct osc_keys *out);

/* What few endpoints have. */
struct ep_own {
	char *bs_ep, *rd_ep; /* NULL: the name */
	struct pace pace;    /* 0 in each: as configured */
	struct ep_credential *credentials;
	uint8_t require; /* enum ep_require, beside what the listener requires */
};

/* What of it the database has lost. */
enum ep_damage {
	EP_DAMAGE_NONE,
	EP_DAMAGE_KEYS, /* a context of it: nothing is served under that one */
	EP_DAMAGE_ROW,  /* its name or settings: it has no contexts, and can only be deleted */
};

struct endpoint {
	uint64_t id;
	struct ep_own *own;          /* NULL: nothing of it */
	struct ep_context *contexts; /* newest first */
	void *registration;          /* server/'s */
	void *session;               /* bootstrap/'s */
	struct ep_note *notes;       /* newest first */
	uint8_t freshness;           /* enum ep_freshness */
	uint8_t oscore_version;
	bool allow_nosec;
	bool traced;     /* its messages are told as events */
	uint8_t damaged; /* enum ep_damage */
	uint8_t name_n;
	char name[]; /* and a NUL */
};

enum { EP_NEWS_MAX = 64 };

/* What there is to tell of a context's limits (endpoint/limits.h). */
enum ep_news_kind {
	EP_NEWS_USE,      /* encryptions have come to a level */
	EP_NEWS_FAILURES, /* failed verifications have */
	EP_NEWS_HEARD,    /* the device is there, and its keys are to be renewed */
};
struct ep_news {
	struct ep_context *ctx;
	enum ep_news_kind kind;
};

struct ep_directory {
	struct map by_name; /* struct endpoint */
	struct map by_kid; /* struct ep_context by Recipient ID, which may be there several times */
	struct map by_ikm; /* the same by ikm, likewise */
	struct map graves; /* tombstones, by key */
	struct map by_identity, by_mark; /* struct ep_credential */
	uint8_t credential_key[16];
	struct osc_crypto *crypto;
	struct rng rng;
	uint64_t next_id;
	uint16_t next_mid; /* where the next context starts to count */
	uint32_t endpoints_max;
	uint8_t window_width;
	uint16_t ssn_block;
	uint8_t freshness; /* the configured default */
	uint32_t rollbacks;
	uint64_t ssn_floor, ssn_end; /* sender numbers of this epoch; keys drawn here start at 0 */
	uint64_t ssn_lost; /* numbers below it may have been used with some imported key that is in
			      no index: damage has made it unknown */
	uint64_t ssn_forgotten; /* the same of keys of recoveries and of bootstraps, which are not
				   remembered singly */
	uint8_t mark_key[16];
	size_t context_n, nosec_n;
	struct ep_tally *tally;           /* NULL: nobody counts */
	struct ep_security *security;     /* NULL: nobody is told */
	bool failures_stop;               /* a key that failed to verify too often is dead */
	struct ep_news news[EP_NEWS_MAX]; /* not yet told */
	size_t news_n;
};

struct ep_directory_opts {
	struct rng rng;
	const uint8_t *seed;           /* 16 bytes */
	const uint8_t *mark_key;       /* 16 secret bytes that stay with the database */
	const uint8_t *credential_key; /* likewise, for marks of credentials; NULL: the seed */
	uint32_t endpoints_max;
	uint8_t window_width;
	uint16_t ssn_block;
	uint8_t freshness;
	uint32_t rollbacks;     /* of the database, ever */
	uint64_t ssn_forgotten; /* as the store has it */
	struct ep_tally *tally; /* both outlive the directory; or NULL */
	struct ep_security *security;
	bool failures_stop;
};

MUST_USE enum err ep_directory_init(struct ep_directory *d, const struct ep_directory_opts *o);
/* Wipes and frees all endpoints and contexts; conversations must be gone. */
void ep_directory_fini(struct ep_directory *d);

/* Endpoints. `name` is 1 to 255 bytes. */
struct endpoint *ep_find(const struct ep_directory *d, struct span name);
struct span ep_name(const struct endpoint *e);
/* The name it uses at /rd and at /bs. */
struct span ep_rd_name(const struct endpoint *e);
struct span ep_bs_name(const struct endpoint *e);
/* Finds or makes; a new one is recorded in the turn. ERR_LIMIT, ERR_RANGE, ERR_NOMEM. */
MUST_USE enum err ep_ensure(
	struct ep_directory *d, struct span name, struct turn *t, struct endpoint **out);
/* Sets bs_ep or rd_ep ("" or the name itself: none). The caller records with ep_record. */
MUST_USE enum err ep_set_bs_ep(struct endpoint *e, struct span alias);
MUST_USE enum err ep_set_rd_ep(struct endpoint *e, struct span alias);
/* Makes e->own; false: no memory. */
bool ep_has_own(struct endpoint *e);
/* Block size and so on of this endpoint; 0 in each: as configured. ERR_NOMEM. */
MUST_USE enum err ep_set_pace(struct endpoint *e, const struct pace *p);
struct pace ep_pace(const struct endpoint *e);
void ep_record(struct turn *t, const struct endpoint *e);
/* Forgets an endpoint whose contexts, registration and session are gone. */
void ep_forget(struct ep_directory *d, struct endpoint *e);
/* True if it is only a name: no credentials, aliases or settings, and none that are damaged. */
bool ep_is_bare(const struct endpoint *e);
uint8_t ep_freshness_of(const struct ep_directory *d, const struct endpoint *e);
/* Notes for an operator what happened to e, and counts it; e may be NULL. */
void ep_note(struct ep_directory *d, struct endpoint *e, enum ep_reason r, int64_t wall_ms);
/* The same under a context of e, or NULL. */
void ep_note_under(struct ep_directory *d, struct endpoint *e, const struct ep_context *c,
	enum ep_reason r, int64_t wall_ms);
/* For the events of security: that was seen of an endpoint of ours, or of nobody (e NULL). */
void ep_security_note(struct ep_directory *d, enum ep_security_kind k, const struct endpoint *e,
	struct span kid, const struct peer *from, uint64_t now_ms);
/* That note is of no interest any more. */
void ep_note_drop(struct endpoint *e, const struct ep_context *c, enum ep_reason r);
/* The low bits of a context's id, as notes have it. */
uint32_t ep_note_id(const struct ep_context *c);

/* Contexts. */
struct ep_context_input {
	struct osc_params params;
	uint8_t role, origin, generation;
	uint16_t ssid;
	uint64_t ssn_start;   /* first number we may use */
	uint64_t highest;     /* UINT64_MAX: none, or not known */
	uint16_t created_day; /* 0: today */
	bool fresh;
	bool unheard_of; /* ERR_REPLAY if one of the keys was ever used */
	bool replaces;   /* the caller removes the endpoint's other contexts of that role at once:
			    their kid is free */
};
/* Derives, checks and adds a context; records it in the turn. ERR_CONFLICT: equal ids, or a key
 * that was used the other way; ERR_REPLAY (see unheard_of); ERR_EXISTS: the kid is taken under that
 * ID Context; ERR_UNSUPPORTED, ERR_RANGE, ERR_FULL (a key has no sender numbers left below the end
 * of the epoch, or has encrypted as much as it may), ERR_NOMEM. An unchanged one (same inputs, same
 * endpoint) is found again and nothing changes. A key that was used before continues its counters.
 * After a rollback an imported key may have been used here without our knowing: it starts in this
 * epoch, and stale, unless `highest` says up to where the device has come. */
MUST_USE enum err ep_context_add(struct ep_directory *d, struct endpoint *e,
	const struct ep_context_input *in, struct turn *t, struct ep_context **out);
/* Takes it out of the directory and frees it; recorded if t is not NULL, and then one that was used
 * leaves tombstones, unless its keys were made here, used little, and newer ones took their place.
 * Its conversation must be gone. */
void ep_context_remove(struct ep_directory *d, struct ep_context *c, struct turn *t);
/* Undoes an ep_context_add of this turn, of a context that was made by it: nothing was spoken under
 * it, so it leaves nothing behind but what its keys had before. */
void ep_context_take_back(struct ep_directory *d, struct ep_context *c, struct turn *t);
/* By kid, and by kid context if one was sent, raw or wrapped as in B.2 (RFC 8613 section 8.2 step
 * 2): the contexts a request may be under, the likeliest first. There may be several where none was
 * sent, since recovered keys need none. */
enum { EP_TRIALS = 3 };
size_t ep_context_find(const struct ep_directory *d, struct span kid,
	const struct span *kid_context, const struct peer *from,
	struct ep_context *out[static EP_TRIALS]);
/* Fetches the memory of the contexts that are about to be looked for: of many at once, since each
 * is a wait of its own. Some of n <= EP_FETCH_MAX kids may be empty. */
enum { EP_FETCH_MAX = 64 };
void ep_context_fetch(const struct ep_directory *d, const struct span *kids, size_t n);
/* Of the endpoints that have that kid in that role, the newest context: those whose keys a B.2 may
 * begin with. As many as `max`, those that were last heard of at `from` first; of the others,
 * `turn` says which. */
size_t ep_context_bases(const struct ep_directory *d, struct span kid, uint8_t role,
	const struct peer *from, size_t turn, struct ep_context **out, size_t max);
/* Another context of the same endpoint, role and ids: older or newer keys of the same secret. The
 * next older one; NULL: none. */
struct ep_context *ep_context_older(const struct ep_context *c);
/* The newest of them, c itself perhaps. */
struct ep_context *ep_context_latest(const struct ep_context *c);
struct ep_context *ep_context_newest(
	const struct endpoint *e, uint8_t role, uint8_t generation_min);
/* Whether some context has that Recipient ID, under whatever ID Context. */
bool ep_kid_taken(const struct ep_directory *d, struct span kid);
/* Whose it is, under whatever ID Context; NULL: nobody's, or several endpoints have it. */
struct endpoint *ep_kid_owner(const struct ep_directory *d, struct span kid);
/* The next sender number. When few are left of the reserved ones, a reservation goes into the turn:
 * the number leaves with the turn's effects, so never before its reservation is durable. ERR_LIMIT:
 * the numbers of this epoch are used up. */
MUST_USE enum err ep_take_number(
	struct ep_directory *d, struct ep_context *c, struct turn *t, uint64_t *number);
uint16_t ep_next_mid(struct ep_context *c);
/* Records flags and generation. */
void ep_context_record_state(struct turn *t, const struct ep_context *c);
/* Forgets where it is. */
void ep_peer_forget(struct ep_context *c);
void ep_context_heard(struct ep_context *c, const struct peer *from, uint64_t piv, bool *moved);

/* What storage gave back at start. An endpoint whose row is damaged has no settings, and what they
 * would allow is forbidden. */
MUST_USE enum err ep_load_endpoint(
	struct ep_directory *d, const struct rec_endpoint *r, struct endpoint **out);
MUST_USE enum err ep_load_context(struct ep_directory *d, struct endpoint *e,
	const struct rec_context *r, struct ep_context **out);
MUST_USE enum err ep_load_tombstone(struct ep_directory *d, const struct rec_tombstone *r);
/* Of a context that is not to be served: its keys are remembered as used. */
MUST_USE enum err ep_load_withheld(struct ep_directory *d, const struct rec_context *r);
/* A key that nobody knows any more was used up to that number. */
void ep_load_lost(struct ep_directory *d, uint64_t ssn_limit);

#endif
