/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in and out: every datagram, whatever its bearer, goes through ep_input, which finds
 * duplicates, removes and checks OSCORE, proves freshness, puts blocks together, and delivers at
 * most one request or response to an engine. Engines answer with ep_respond and ask with
 * ep_request_start. Sans-IO: everything to send goes into the turn. */
#ifndef LANYARD_ENDPOINT_EXCHANGE_H
#define LANYARD_ENDPOINT_EXCHANGE_H

#include "coap/block.h"
#include "coap/exch.h"
#include "endpoint/endpoint.h"
#include "oscore/protect.h"

enum { EP_LISTENERS_MAX = 16, EP_QUEUE_MAX = 16, EP_MTUS_MAX = 4096 };

struct ep_listener {
	uint8_t role;    /* enum rec_role */
	bool nosec;      /* anyone may come unprotected */
	uint8_t require; /* enum ep_require */
};

struct ep_exchange_opts {
	struct ep_directory *directory;
	const uint8_t *secret; /* 32 bytes that stay with the database: datagram fingerprints */
	struct ep_listener listener[EP_LISTENERS_MAX];
	const struct gateway_timings *gateways;   /* outlives the exchange; NULL: there are none */
	struct ep_listener gateway[GATEWAYS_MAX]; /* each of them */
	bool nosec_names;                         /* [server] nosec_endpoints is not empty */
	size_t body_limit_bytes;
	struct pace pace; /* of endpoints that have no other */
	uint32_t echo_max_age_ms;
	size_t dedup_limit_bytes; /* of all answers kept for copies */
	uint32_t nosec_peers_max;
	uint64_t now_ms;
};

struct ep_counters {
	uint64_t datagrams, malformed, requests, responses, notifications, duplicates, replays,
		sealed;
	uint64_t no_context, bad_option, auth_failures, challenges, nosec_refused, unavailable;
	uint64_t recoveries_begun, recoveries_done, recoveries_refused; /* RFC 8613 Appendix B.2 */
	uint64_t retransmissions, timeouts, unknown_tokens, unprotected_answers, answers_ignored;
	uint64_t outer_pieces, outer_refused; /* of messages that a proxy has cut */
	uint64_t channels_failed, weak_channels;
};

/* What is going on with a peer now: its last answers, our requests to it. Found through its
 * context, or by address for an unprotected peer. Goes when it has been quiet for
 * EXCHANGE_LIFETIME. */
struct ep_conversation {
	struct timer timer;     /* first: the end of its quiet time */
	struct ep_context *ctx; /* NULL: unprotected */
	struct peer peer;       /* of an unprotected one */
	uint8_t role;           /* enum rec_role, of one in a channel; 0 */
	struct dedup dedup;
	struct ep_request *current; /* on their way, the oldest first: at most NSTART of them */
	struct ep_request *queue, **tail; /* waiting behind them */
	uint16_t queue_n;
	uint8_t current_n;
	uint16_t next_mid; /* of an unprotected one */
	uint16_t pinned;   /* a delivery under way refers to it */
	struct ep_request *observations;
	struct ep_conversation *next_stirred;
	bool stirred;                 /* it is in that list */
	uint32_t messages;            /* of our requests, so far */
	struct block_rx *rx;          /* a body coming in by Block1 */
	struct ep_outer_tx *outer_tx; /* an answer that a proxy fetches in pieces */
	struct ep_kept *kept;         /* a long answer that goes out by Block2 */
	struct ep_begin *begin;       /* the device is offered new keys; NULL: it is not */
	uint64_t begun_ms;            /* when it was last */
	uint64_t answered;            /* the highest number of ours that was answered */
};

/* Puts back what the log remembers of a context's recent requests. */
struct ep_exchange;
void ep_load_seen(
	struct ep_exchange *x, struct ep_context *c, const struct rec_seen *r, uint64_t now_ms);

enum ep_request_state { EP_REQ_QUEUED, EP_REQ_SENT, EP_REQ_OBSERVING, EP_REQ_DEAD };

/* A body on its way out by Block1, cut from the request's `plain`. */
struct ep_tx {
	size_t body_n;
	size_t at, n;                      /* the block on its way */
	uint8_t szx;                       /* of the blocks */
	uint8_t tag_n, tag[MSG_TOKEN_MAX]; /* Request-Tag */
	bool blocks;                       /* it does not fit one message */
	bool begun;                        /* its first block has been sent, and the tag chosen */
	bool sent;                         /* all of it, and answered */
	bool again;                        /* it was begun anew after 4.08 */
	bool smaller;                      /* likewise after 4.13 */
};

/* A body that is not in memory: it is read as its blocks go out. */
struct ep_source {
	size_t n; /* 0: there is none */
	/* Fills `n` bytes from `at` on, which lie within the body; must not wait for anything. */
	enum err (*read)(void *arg, size_t at, uint8_t *buf, size_t n);
	void *arg; /* outlives the request */
};

/* A request of ours. Owned here from ep_request_start on; freed when its end has been delivered. */
struct ep_request {
	struct exch exch; /* first: found from its timer */
	struct ep_request *next;
	struct ep_request *parent; /* whose notification this fetches the rest of; or NULL */
	struct ep_conversation *conv;
	struct endpoint *endpoint;
	struct osc_binding binding;
	struct peer stream; /* the connection that it went by; of no bearer: there is none */
	enum ep_request_state state;
	uint8_t token_n, token[MSG_TOKEN_MAX];
	uint8_t *
		plain; /* what is to be asked: code, options, payload, as OSCORE would encrypt it */
	size_t plain_n;
	struct ep_tx tx;              /* its body, if it goes out in blocks */
	struct ep_source source;      /* the body, if it is not in `plain` */
	struct block_rx rx;           /* a body coming in by Block2 */
	struct ep_outer_fetch *fetch; /* an answer that a proxy has cut */
	uint32_t message;             /* which of the conversation's it was sent as, last */
	uint8_t fetched_again;        /* how often that was begun anew */
	uint8_t echo[40];
	uint8_t echo_n;
	bool echo_done;   /* one challenge is answered, no more */
	bool proving;     /* and what that is worth is not known yet */
	bool observe;     /* stays after its response */
	bool renews;      /* goes out although the keys are used up, for it has them renewed */
	bool spent;       /* it could not go out: the keys are used up */
	bool begins;      /* it is a struct ep_begin's, and in no list */
	bool unsent;      /* there was no connection to send it by */
	bool lost;        /* its connection is gone, and its answer with it */
	bool brief;       /* it did not name the ID Context of its context */
	bool cancel;      /* Observe 1: the end of an observation */
	bool observed;    /* the response carried Observe */
	bool awaits_body; /* observing, but the rest of the first response is still being fetched */
	uint8_t hint;     /* code of an unprotected answer that was ignored */
	uint8_t role;     /* enum rec_role: the engine it belongs to */
	uint64_t last_number; /* order of notifications: Partial IV plus one, or Observe value; 0:
				 none yet */
	uint64_t last_ms;
	void *user; /* the engine's */
};

/* Whether the device may have acted on it. Not by blocks of a body alone. */
static inline bool ep_request_acted(const struct ep_request *r)
{
	return r->state != EP_REQ_QUEUED || r->tx.sent;
}

enum ep_delivery_kind {
	EP_NOTHING,
	EP_REQUEST,      /* answer with ep_respond */
	EP_RESPONSE,     /* the final response to `request`; ep_request_end when done with it */
	EP_NOTIFICATION, /* a later one of an observation; `request` stays unless the code is an
			    error */
	EP_TIMEOUT,      /* no answer; ep_request_end */
	EP_CANCELLED,    /* the peer rejected it (RST), or its context is gone; ep_request_end */
	EP_RECOVERED,    /* nothing to answer, but `adopted` is set */
};

struct ep_delivery {
	enum ep_delivery_kind kind;
	uint8_t role;    /* enum rec_role: the engine it is for */
	struct msg *msg; /* request or response in the clear, body whole */
	struct peer from;
	uint64_t mark;                       /* of the channel it came by */
	const struct ep_credential *channel; /* that opened the channel it came by; NULL: none */
	struct ep_context *ctx;              /* NULL: not protected by OSCORE */
	struct endpoint *endpoint; /* by OSCORE, or else by its channel; NULL: unprotected, `ep`
				      has to tell */
	struct ep_conversation *conv;
	struct ep_request *request;
	bool moved;     /* the peer speaks from another address than before */
	bool first_use; /* the first verified request under this context generation */
	struct ep_context
		*tried[EP_TRIALS - 1]; /* others that it may have been under, and was not */
	uint8_t tried_n;
	bool whole;    /* its ciphertext is whole, whatever a proxy has done to it */
	bool verified; /* a message under `ctx` was verified */
	bool adopted;  /* by it `ctx` came to be: keys that older contexts of these ids make room
			  for when the next message under it is verified */
	bool refused;  /* why, for the log: */
	enum ep_reason reason;
	struct osc_id kid; /* as far as it fits; n 0: none */
	/* for ep_respond */
	struct osc_binding binding;
	uint64_t hash, piv;
	uint64_t expiry_ms; /* the engine's: new expiry for the log row; 0: unchanged */
	bool changed;       /* the engine's: the request changed something */
	bool own_number;
	bool has_block1, has_block2, has_outer1, asked_outer2;
	struct block block1, block2, outer1, outer2; /* inside and outside OSCORE */
	/* for ep_delivery_end */
	struct span ack;              /* what acknowledges a confirmable notification */
	struct ep_request *child;     /* holds the body */
	struct ep_conversation *next; /* whose next request may go */
};

struct ep_exchange;

MUST_USE enum err ep_exchange_new(const struct ep_exchange_opts *o, struct ep_exchange **out);
void ep_exchange_free(struct ep_exchange *x);
const struct ep_counters *ep_exchange_counters(const struct ep_exchange *x);
struct ep_directory *ep_exchange_directory(struct ep_exchange *x);
/* How long a body may be, either way. */
size_t ep_body_limit_bytes(const struct ep_exchange *x);

/* While nothing can be stored: requests get 5.03 before decryption, all else is dropped. Stateless.
 */
void ep_input_unavailable(
	struct ep_counters *count, const struct peer *from, struct span datagram, struct turn *t);
/* These are the next to come, so that what they need can be fetched from memory together. Changes
 * nothing, and nobody has to call it. */
void ep_expect(const struct ep_exchange *x, const struct span *datagrams, size_t n);
/* One datagram; its bytes must live as long as the delivery. */
void ep_input(struct ep_exchange *x, const struct peer *from, struct span datagram, struct turn *t,
	struct ep_delivery *out);
/* The same by DTLS or TLS; `mark` is that of the credential the channel was opened with. */
void ep_input_by(struct ep_exchange *x, const struct peer *from, uint64_t mark,
	struct span datagram, struct turn *t, struct ep_delivery *out);
/* A handshake came to nothing; why, for an operator. */
enum ep_reason ep_channel_failed(struct ep_exchange *x, const struct peer *from,
	const struct channel_failure *f, const struct turn *t);
/* A connection has ended: requests that went by it get no answer (EP_TIMEOUT), and observations
 * that began by it are over. Their ends come from ep_timer. */
void ep_closed(struct ep_exchange *x, const struct peer *who, struct turn *t);
/* A datagram of ours was not sent, for there is no such connection any more, or the gateway's link
 * is down. A request waits for its device to be heard of again, or for the link, as long as it
 * would have waited for its answer; one of which a copy may have arrived is only waited for. May be
 * called while effects leave. */
void ep_unsent(struct ep_exchange *x, const struct peer *to, struct span datagram);
/* The link of that gateway is up: what could not be sent by it goes out, from ep_timer. */
void ep_link_up(struct ep_exchange *x, uint16_t number);
/* A device behind a gateway takes at most that long messages, beside what its gateway takes; 0: no
 * less than that. Of the last EP_MTUS_MAX devices that is known, until the end of the run. */
void ep_mtu(struct ep_exchange *x, const struct peer *p, uint32_t bytes);
/* What is let in where that peer speaks. */
const struct ep_listener *ep_listener_at(const struct ep_exchange *x, const struct peer *p);
/* What is due: retransmissions go into the turn; returns after the first delivery. Call until
 * EP_NOTHING. */
void ep_timer(struct ep_exchange *x, struct turn *t, struct ep_delivery *out);
uint64_t ep_deadline_ms(const struct ep_exchange *x);
/* Offers the device of c new keys by RFC 8613 Appendix B.2, which we begin, if that may be
 * (ep_renewable, endpoint/limits.h) and c is a server context. Before they are due only while
 * nothing else is under way with the device, since operations end with the keys they began under.
 * The rest is as with any recovery. False: not now. */
bool ep_renew(struct ep_exchange *x, struct ep_context *c, struct turn *t);
/* Whether such an offer, or one in answer to a request, was made a moment ago and may still be
 * taken. */
bool ep_renewing(const struct ep_context *c, uint64_t now_ms);
/* The answer to an EFFECT_INPUTS, which a later ep_timer acts on; `err`: why there is none. The
 * secrets are copied, and wiped after EXCHANGE_LIFETIME. */
void ep_inputs_told(struct ep_exchange *x, uint64_t context_id, enum err err, struct span secret,
	struct span salt, uint64_t now_ms);

/* How to speak to an endpoint (or NULL) at that address (NULL: by UDP); nothing is 0. By a gateway
 * it is for the gateway to say, but for the number of requests at once, and where the endpoint's
 * messages or blocks are to be shorter. */
struct pace ep_pace_of(
	const struct ep_exchange *x, const struct endpoint *e, const struct peer *to);
/* How many requests of ours for e may be under way to that peer (NULL: who knows); 1 at least. */
unsigned ep_nstart(const struct ep_exchange *x, const struct endpoint *e, const struct peer *to);

/* Notes for the operator that the request of `d` was refused; `e` is whose it was or claimed to be,
 * or NULL. */
void ep_refused(struct ep_exchange *x, struct ep_delivery *d, struct endpoint *e,
	enum ep_reason why, const struct turn *t);
/* Answers a delivered request: code, options and payload of `resp`; type, MID and token are set
 * here. Exactly once for each EP_REQUEST; the request's message is gone afterwards. */
void ep_respond(struct ep_exchange *x, struct ep_delivery *d, struct msg *resp, struct turn *t);
/* The same with nothing but a code. */
void ep_respond_code(struct ep_exchange *x, struct ep_delivery *d, uint8_t code, struct turn *t);
/* A payload that does not fit one message goes out by Block2, at most EP_KEPT_MAX bytes of it. The
 * rest is kept for EXCHANGE_LIFETIME, one answer for each peer: whoever asks anew before the last
 * block has been fetched gets the same answer from its start, and the engine does not hear of it.
 * Forgets what is kept for c. */
enum { EP_KEPT_MAX = 64 << 10 };
void ep_respond_forget(struct ep_exchange *x, struct ep_context *c);
/* After any delivery has been dealt with: acknowledges a notification, behind the records of the
 * turn, and lets the peer's next request go. */
void ep_delivery_end(struct ep_exchange *x, struct ep_delivery *d, struct turn *t);

struct ep_request_opts {
	struct endpoint *endpoint;
	struct ep_context *ctx; /* or NULL and `peer` for an unprotected endpoint */
	const struct peer *peer;
	const struct msg *msg;          /* code, options, payload */
	const struct ep_source *source; /* the payload, if not NULL; may be above the limit */
	bool observe;
	bool renews; /* goes out although the keys are used up */
	uint8_t role;
	void *user;
};
/* Sends, or queues behind what is on its way. At most `nstart` of the endpoint's pace are on their
 * way to a peer (RFC 7252 section 4.7), by whatever bearer; what is answered at leisure, and what
 * is observed, counts until its response has come. They start in the order in which they were asked
 * for, and each has its own outcome, in any order: where order matters, one waits for the other.
 * While one is neither acknowledged nor answered, no message goes that is nstart or more behind it:
 * so a device finds a copy of it among its last nstart answers (section 4.5). And whatever nstart
 * says, there go not together:
 * - a request with a body, with another whose body goes out in blocks: a small device puts together
 *   one at a time, and need not know Request-Tag (RFC 9175 section 3.3);
 * - the end of an observation, with the beginning of one;
 * - two fetches of what an observation notifies of: the older value would be told last;
 * - a request, with one that repeats the Echo of a challenge: its keys are in doubt;
 * - more than one, while a device is offered new keys (RFC 8613 Appendix B.2).
 * What is behind one that waits, waits too.
 * A long body goes out in blocks, as part of this one request: what comes back is the answer to all
 * of it, 4.08 also if the device does not follow. Between the blocks of a source, which may take
 * hours, other requests to the device go out.
 * ERR_LIMIT (queue full), ERR_STATE (the keys are used up, or our numbers), ERR_NOTFOUND (no
 * address known), ERR_NOMEM, ERR_SPACE (a body above the limit). */
MUST_USE enum err ep_request_start(struct ep_exchange *x, const struct ep_request_opts *o,
	struct turn *t, struct ep_request **out);
/* How many requests of ours are under way to a peer, and how many wait behind those. */
struct ep_requests {
	unsigned under_way, waiting;
};
/* Of a context, or (c NULL) of an unprotected peer, which may be NULL too. */
struct ep_requests ep_requests_of(
	const struct ep_exchange *x, const struct ep_context *c, const struct peer *p);
/* While held, no queued request goes out: for ending many requests of one peer at once. */
void ep_exchange_hold(struct ep_exchange *x);
void ep_exchange_release(struct ep_exchange *x, struct turn *t);
/* Forgets it without a word: a delivered one, or one nobody wants an answer to any more. */
void ep_request_end(struct ep_exchange *x, struct ep_request *r, struct turn *t);
/* Cancels an observation (RFC 7641 section 3.6): the same request and token with Observe 1. Its end
 * comes as EP_RESPONSE, EP_TIMEOUT or EP_CANCELLED. ERR_STATE if it is not observing now;
 * ERR_LIMIT. */
MUST_USE enum err ep_request_cancel(struct ep_exchange *x, struct ep_request *r, struct turn *t);
/* Ends the conversation of a context that goes away; its requests come back as EP_CANCELLED from
 * ep_timer. */
void ep_context_close(struct ep_exchange *x, struct ep_context *c);

/* An event: stored, then told to those who listen. `json` is copied. */
void ep_event(struct turn *t, uint64_t *next_seq, const char *type, struct span endpoint,
	struct span json);

#endif
