/* SPDX-License-Identifier: Apache-2.0 */
/* The message layer of RFC 7252 section 4, sans-IO: retransmission and matching of what we send,
 * duplicates of what we receive, Observe order. Used by the server side and by the simulated
 * client. */
#ifndef LANYARD_COAP_EXCH_H
#define LANYARD_COAP_EXCH_H

#include "base/gateway.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/wheel.h"
#include "coap/msg.h"

/* An outgoing confirmable message until it is done with. Embedded in, or owned by, the caller's own
 * structure; `bytes` are kept as sent, since a retransmission repeats them exactly. */
struct exch {
	struct timer timer;
	uint8_t key[2 + sizeof(struct peer)]; /* MID and peer */
	uint8_t token[MSG_TOKEN_MAX];
	uint8_t token_n;
	uint8_t retransmits;
	bool acked;       /* no more retransmissions; waiting for a separate response */
	bool wants_reply; /* a request; false for our own CON notification or separate response */
	uint8_t max_retransmit; /* plus one; 0: the bearer's */
	uint32_t timeout_ms;
	uint8_t *bytes;
	size_t n;
};

static inline uint16_t exch_mid(const struct exch *x)
{
	return (uint16_t)(x->key[0] << 8 | x->key[1]);
}
void exch_peer(const struct exch *x, struct peer *out);

struct exch_table {
	struct map by_mid;
	struct map by_token;
	struct wheel *wheel; /* the caller's; timers in it belong to exchanges only */
	const struct gateway_timings *gateways; /* the caller's; NULL: there are none */
};

void exch_table_init(struct exch_table *t, struct wheel *w, const uint8_t seed[static 16]);
void exch_table_fini(struct exch_table *t);

/* Registers a message about to be sent and arms its timer (RFC 7252 section 4.2; timing of the
 * peer's bearer, or gateway). Copies `datagram`. ERR_EXISTS if that MID is in use with the peer or
 * the token is taken; ERR_NOMEM. Nothing is kept on error. A NON request, and anything on a
 * reliable bearer, is never sent again: it starts as if acknowledged. On a reliable bearer there
 * are no MIDs. */
MUST_USE enum err exch_start(struct exch_table *t, struct exch *x, const struct peer *to,
	const struct msg *m, struct span datagram, bool wants_reply, uint64_t now_ms,
	const struct rng *rng);
/* Right after exch_start: another ACK_TIMEOUT and MAX_RETRANSMIT than the bearer's; 0 leaves one as
 * it is. ACK_RANDOM_FACTOR stays. */
void exch_pace(struct exch_table *t, struct exch *x, uint32_t ack_timeout_ms,
	uint8_t max_retransmit, uint64_t now_ms);
/* Ends it: out of both maps, timer off, bytes freed. Harmless when it was not started, if zeroed.
 */
void exch_stop(struct exch_table *t, struct exch *x);

struct exch *exch_by_mid(const struct exch_table *t, const struct peer *from, uint16_t mid);
struct exch *exch_by_token(const struct exch_table *t, struct span token);
/* An acknowledgement came: retransmission stops; a request waits response_wait_ms of its bearer. */
void exch_acked(struct exch_table *t, struct exch *x, uint64_t now_ms);

enum exch_due {
	EXCH_RETRANSMIT, /* send bytes again; the timer is armed anew */
	EXCH_TIMEOUT,    /* given up; the caller stops it */
};
/* One timer of the table's wheel has fired. */
enum exch_due exch_timer(struct exch_table *t, struct exch *x, uint64_t now_ms);
static inline struct exch *exch_of_timer(struct timer *t)
{
	return (struct exch *)t; /* the timer is its first member */
}

/* Answers already given, by fingerprint of the request's bytes: a copy gets the same bytes again.
 * A list per peer, newest first, bounded by count; bounded in bytes by a budget all lists share. */
struct dedup_budget {
	size_t bytes, limit_bytes;
	size_t per_peer; /* entries of a list; 0: DEDUP_PER_PEER */
};
struct dedup_entry {
	struct dedup_entry *next;
	uint64_t hash;
	uint64_t expires_ms;
	uint16_t n;
	bool pending; /* the answer is not yet known */
	uint8_t response[];
};
struct dedup {
	struct dedup_entry *head;
};

enum { DEDUP_PER_PEER = 4 };

const struct dedup_entry *dedup_find(const struct dedup *d, uint64_t hash, uint64_t now_ms);
/* Remembers; drops the oldest of a full list and all that have expired. An empty response is
 * not yet known (pending); a later one for the same hash takes its place. When the budget is
 * used up nothing is kept (ERR_LIMIT): the request then counts as a replay. */
MUST_USE enum err dedup_put(struct dedup *d, struct dedup_budget *b, uint64_t hash,
	uint64_t expires_ms, struct span response, uint64_t now_ms);
void dedup_expire(struct dedup *d, struct dedup_budget *b, uint64_t now_ms);
void dedup_clear(struct dedup *d, struct dedup_budget *b);

/* RFC 7641 section 3.4: is the notification (v2, t2) newer than (v1, t1)? Values below 2^24. */
bool observe_newer(uint32_t v1, uint64_t t1_ms, uint32_t v2, uint64_t t2_ms);

#endif
