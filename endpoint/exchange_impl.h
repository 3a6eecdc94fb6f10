/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the message exchange: shared by its files, for nobody else. */
#ifndef LANYARD_ENDPOINT_EXCHANGE_IMPL_H
#define LANYARD_ENDPOINT_EXCHANGE_IMPL_H

#include "endpoint/budget.h"
#include "endpoint/exchange.h"
#include "endpoint/limits.h"

enum {
	/* MAX_UNFRAGMENTED_SIZE (RFC 8613 section 4.1.3.4.2): the ciphertext of a message that a
	 * proxy has cut. As long as any message under an 8-byte tag should be. */
	EP_UNFRAGMENTED_MAX = 4096,
	/* Beside it, the outer options that a message keeps. */
	EP_WORK_BYTES = EP_UNFRAGMENTED_MAX + 1024,
	/* Slots for contexts whose failures are at their limit. */
	EP_TRIAL_SLOTS = 256,
	EP_INPUTS_MAX = 64,
	EP_HELD_MAX = 64,
	EP_BEGIN_MAX = 64,
};

/* Messages on their way in that a proxy has cut. */
struct ep_outer_rx;
struct ep_outer {
	struct map by_key;
	struct ep_outer_rx *oldest, *newest; /* by the last piece of each */
	struct ep_outer_rx *whole;           /* the one at hand */
};

/* What failed to verify in a second, under such contexts. */
struct ep_trials {
	uint64_t second;
	uint8_t known, other;
};

/* What a context is derived from, for as long as its recovery may take. */
struct ep_inputs {
	uint64_t context_id; /* 0: none */
	uint64_t expires_ms;
	uint8_t secret_n, salt_n;
	uint8_t secret[STORE_SECRET_MAX], salt[STORE_SECRET_MAX];
};

/* A request that waits for them. */
struct ep_held {
	uint8_t *bytes; /* NULL: free */
	size_t n;
	struct peer from;
	uint64_t mark;
	uint64_t context_id;
	uint8_t tries;
	bool ready;
};

struct ep_recovery {
	struct ep_budget budget;
	struct ep_inputs inputs[EP_INPUTS_MAX];
	struct ep_held held[EP_HELD_MAX];
	size_t ready_n;     /* of them, and of the next */
	struct ep_held now; /* the one that goes on */
	bool again;         /* the datagram at hand is that one */
	uint32_t r2_count;
	struct ep_conversation *begin[EP_BEGIN_MAX]; /* recoveries that we have begun; NULL: free */
	bool begin_ready;                            /* one of them may go on */
	size_t turn;     /* whose turn it is where more have one kid than are tried */
	uint64_t due_ms; /* when the first of the inputs expires; 0: there are none */
};

struct ep_exchange {
	struct ep_exchange_opts opts;
	struct ep_directory *dir;
	struct wheel exch_wheel; /* retransmissions */
	struct wheel conv_wheel; /* quiet conversations */
	struct exch_table exch;
	struct map nosec;                     /* struct ep_conversation by peer */
	struct map observing;                 /* struct ep_request by token */
	struct map streams;                   /* struct ep_request by the connection it went by */
	const struct peer *closing;           /* the connection whose end is being dealt with */
	struct ep_conversation *stirred;      /* whose request at hand may go on, or has to end */
	struct ep_request *dead, **dead_tail; /* to be delivered as cancelled */
	struct dedup_budget dedup;
	struct ep_counters count;
	uint8_t echo_key[32]; /* new at every start */
	uint8_t hash_key[16];
	uint16_t next_mid;  /* of stateless answers */
	size_t datagram_n;  /* of the message at hand */
	size_t rx_bytes[2]; /* in bodies on their way in by Block1: unprotected, protected */
	size_t tx_bytes,
		fetch_bytes; /* in requests of ours; in answers on their way in by Block2 */
	size_t kept_bytes;   /* in answers on their way out by Block2 */
	struct ep_outer pieces;
	struct map mtus; /* of devices behind gateways */
	struct ep_mtu *oldest_mtu, **last_mtu;
	bool hold;                    /* no queued request goes out */
	struct ep_conversation *held; /* one that wanted to */
	struct ep_trials trials[EP_TRIAL_SLOTS];
	uint64_t failures_second; /* of records of failures */
	uint32_t failures_records;
	size_t evict_at;         /* where to look next for a conversation to give up */
	struct osc_keys keys;    /* of the message at hand */
	struct msg outer, plain; /* likewise */
	uint8_t in[EP_WORK_BYTES], out[EP_WORK_BYTES];
	uint8_t block[PACE_BLOCK_MAX]; /* of a source, on its way out */
	struct ep_recovery recovery;
};

/* exchange.c */
/* The keys of c, in the work space. */
const struct osc_keys *ep_work_keys(struct ep_exchange *x, const struct ep_context *c);
struct ep_conversation *ep_conv_of(struct ep_exchange *x, struct ep_context *c, uint64_t now_ms);
struct ep_conversation *ep_conv_of_peer(
	struct ep_exchange *x, const struct peer *p, uint64_t now_ms);
void ep_conv_touch(struct ep_exchange *x, struct ep_conversation *v, uint64_t now_ms);
/* Nobody who has not proved who he is gets an answer there: not by SMS (TRN-SMS-6), where each
 * costs, and numbers can be forged. */
bool ep_is_silent(const struct peer *to);
void ep_send_empty(struct turn *t, const struct peer *to, enum msg_type type, uint16_t mid);

/* secure.c: a request with option 9. */
void ep_secure_request(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d);
/* A request whose option was read and whose context may be `c`. False: it is not, and there is
 * another to try (`last` is not set). */
bool ep_secure_under(struct ep_exchange *x, struct span datagram, const struct osc_option *o,
	struct ep_context *c, bool last, struct turn *t, struct ep_delivery *d);
/* A message that a proxy has cut is put together, once. False: it is not whole, and was answered.
 */
bool ep_secure_whole(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
/* The same without a context: refused. */
void ep_secure_refuse(struct ep_exchange *x, struct turn *t, struct ep_delivery *d,
	enum ep_reason why, uint8_t code, const char *text);

/* recover.c: RFC 8613 Appendix B.2, the server's part. */
/* A request whose kid context is none of ours: the first of a recovery, or the second. False: it
 * is neither, as far as anyone can tell. */
bool ep_recover(struct ep_exchange *x, struct span datagram, const struct osc_option *o,
	struct turn *t, struct ep_delivery *d);
/* What c is derived from is at hand. False: it is asked for, and the datagram waits, or it was
 * refused. */
bool ep_recover_ready(struct ep_exchange *x, struct span datagram, struct ep_context *c, bool known,
	struct turn *t, struct ep_delivery *d);
/* Answers a verified request under old keys with the beginning of a recovery. False: it cannot. */
bool ep_recover_start(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
/* The next request that has waited long enough; false: none. */
bool ep_recover_next(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
void ep_recover_expire(struct ep_exchange *x, uint64_t now_ms);
uint64_t ep_recover_deadline_ms(const struct ep_exchange *x);
void ep_recover_fini(struct ep_exchange *x);

/* What c is derived from, if it is at hand; it dies with the next that come. */
const struct ep_inputs *ep_recover_inputs(struct ep_exchange *x, uint64_t context_id);
struct osc_params ep_recover_params(
	const struct ep_context *c, const struct ep_inputs *in, struct span id_context);
/* A context of new keys beside `old`. Errors of ep_context_add; ERR_LIMIT: there are too many. */
MUST_USE enum err ep_recover_adopt(struct ep_exchange *x, struct ep_context *old,
	const struct osc_params *p, struct turn *t, struct ep_context **out);

/* begin.c: the same, the client's part. */
void ep_begin(struct ep_exchange *x, struct ep_conversation *v, struct turn *t);
/* New keys were offered in answer to a request: no other offer for a while. */
void ep_begin_noted(struct ep_conversation *v, uint64_t now_ms);
/* Goes on if it has waited for the secret. */
void ep_begin_go(struct ep_exchange *x, struct ep_conversation *v, struct turn *t);
void ep_begin_response(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, struct ep_delivery *d);
void ep_begin_end(struct ep_exchange *x, struct ep_conversation *v);

/* An unprotected error with Max-Age 0 (RFC 8613 section 8.2). */
void ep_plain_error(struct ep_exchange *x, const struct peer *to, uint8_t code, const char *text,
	struct turn *t);

/* The head of an unprotected answer to the message at hand. */
void ep_plain_init(struct ep_exchange *x, struct msg *m, uint8_t code);

/* outer.c: messages that a proxy has cut. */
void ep_outer_init(struct ep_exchange *x, const uint8_t seed[static 16]);
void ep_outer_fini(struct ep_exchange *x);
/* Forgets what has waited for its next piece for EXCHANGE_LIFETIME. */
void ep_outer_expire(struct ep_exchange *x, uint64_t now_ms);
uint64_t ep_outer_next_ms(const struct ep_exchange *x);
/* Takes a piece of a request. True when the ciphertext is whole, or was never cut: it is then the
 * payload of the message at hand, until ep_outer_taken. False: the piece was answered. */
bool ep_outer_take(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
void ep_outer_taken(struct ep_exchange *x);
/* Does it ask for a further piece of an answer? */
bool ep_outer_is_ask(const struct msg *m);
/* True if the message at hand does; it is then served or refused. */
bool ep_outer_asks(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
/* Leaves of a protected answer the first piece, if it was asked for so, and keeps the rest. */
MUST_USE enum err ep_outer_cut(const struct ep_exchange *x, const struct ep_delivery *d,
	struct msg *sealed, uint64_t now_ms);
void ep_outer_tx_free(struct ep_conversation *v);

/* outer_fetch.c: answers that a proxy has cut. */
bool ep_outer_is_piece(const struct msg *m);
/* Takes a protected answer to `r`. True when its ciphertext is whole, or was never cut: it is the
 * payload of the message at hand as long as the fetch is not forgotten. False: more was asked for,
 * or the piece was ignored. */
bool ep_outer_whole(
	struct ep_exchange *x, struct ep_request *r, struct turn *t, const struct ep_delivery *d);
/* True if what came has the token of an observation whose first answer is still being fetched: a
 * copy of its first piece, or a notification, which is not acknowledged and so comes again. */
bool ep_outer_early(struct ep_exchange *x, const struct ep_request *r, struct turn *t,
	const struct ep_delivery *d);
/* The first piece of a notification: the value is read anew, since a proxy need not keep the rest.
 * False: not now. */
bool ep_outer_read_instead(struct ep_exchange *x, struct ep_request *r, struct turn *t);
void ep_outer_forget(struct ep_exchange *x, struct ep_request *r);

/* input.c: a datagram that was held. */
void ep_input_again(struct ep_exchange *x, const struct peer *from, uint64_t mark,
	struct span datagram, struct turn *t, struct ep_delivery *d);
/* The tail of every accepted request: Block1, then delivery. */
void ep_deliver_request(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
/* True if the datagram is a copy of an answered one; the answer goes out again. */
bool ep_answer_copy(struct ep_exchange *x, const struct ep_conversation *v, struct turn *t,
	struct ep_delivery *d);

/* trace.c: the message at hand, as far as it was read, for those who trace its endpoint. `note` is
 * static, or NULL. */
void ep_trace_in(
	const struct ep_exchange *x, const struct ep_delivery *d, const char *note, struct turn *t);
/* `number` is ours, UINT64_MAX: none. */
void ep_trace_out(const struct endpoint *e, const struct ep_conversation *v, const struct peer *to,
	const struct msg *m, uint64_t number, struct turn *t);
/* A request of ours goes out once more as it was. */
void ep_trace_again(const struct ep_request *r, const struct peer *to, struct turn *t);

/* What makes requests parts of one: method, path, query, Accept, Request-Tag (RFC 9175
 * section 3.3).
 */
void ep_body_key(const struct ep_exchange *x, const struct msg *m, uint8_t key[static 16]);
/* Gives up a body coming in by Block1. */
void ep_rx_reset(struct ep_exchange *x, struct ep_conversation *v);

/* The longest answer to a message from there: what its gateway takes, or anything. */
size_t ep_longest_to(const struct ep_exchange *x, const struct endpoint *e, const struct peer *to);
/* respond.c: the answer that was made already, to a verified request. */
void ep_respond_bytes(
	struct ep_exchange *x, struct ep_delivery *d, struct span datagram, struct turn *t);
/* Type, MID and token of an answer. */
void ep_respond_address(struct ep_exchange *x, const struct ep_delivery *d, struct msg *m);
/* A verified request is rejected in silence. */
void ep_respond_nothing(const struct ep_delivery *d, struct turn *t);

/* kept.c: answers of ours in blocks. */
/* Reads Block2 of a request. True: a block of what is kept was the answer, or it was refused. */
bool ep_kept_serve(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);
/* Leaves of an answer its first block, if it is too long or smaller blocks were asked for, and
 * keeps it. ERR_SPACE, ERR_LIMIT: too much is kept; ERR_NOMEM. */
MUST_USE enum err ep_kept_cut(
	struct ep_exchange *x, const struct ep_delivery *d, struct msg *resp, uint64_t now_ms);
void ep_kept_free(struct ep_exchange *x, struct ep_conversation *v);

/* channel.c: what DTLS and TLS say of who speaks. */
void ep_channel_read(const struct ep_exchange *x, uint64_t mark, struct ep_delivery *d);
/* A request without OSCORE that came by a channel. */
void ep_channel_request(
	struct ep_exchange *x, struct span datagram, struct turn *t, struct ep_delivery *d);
/* Whether what protects a request of d->endpoint is all that it and its listener require. */
bool ep_channel_enough(const struct ep_exchange *x, const struct ep_delivery *d);

/* mtu.c */
void ep_mtu_init(struct ep_exchange *x, const uint8_t seed[static 16]);
void ep_mtu_fini(struct ep_exchange *x);
/* 0: nothing was told. */
uint32_t ep_mtu_of(const struct ep_exchange *x, const struct peer *p);

/* stream.c: requests over a reliable bearer. */
void ep_stream_init(struct ep_exchange *x, const uint8_t seed[static 16]);
void ep_stream_fini(struct ep_exchange *x);
bool ep_is_stream(const struct peer *p);
/* Its answers come by the same connection, or channel, or not at all. */
bool ep_is_bound(const struct peer *p);
/* The answer to r can come by that connection only, if it is one. */
void ep_stream_join(struct ep_exchange *x, struct ep_request *r, const struct peer *to);
void ep_stream_leave(struct ep_exchange *x, struct ep_request *r);
/* The conversation goes away. */
void ep_stream_forget(struct ep_exchange *x, struct ep_conversation *v);
/* After a message was taken: what could not be sent to its device before may go, soon. */
void ep_stream_heard(struct ep_exchange *x, const struct ep_delivery *d);
/* For ep_timer: one of those goes on; false: there is none. */
bool ep_stream_stirred(struct ep_exchange *x, struct turn *t);

/* naming.c: whether our requests under c name its ID Context. */
bool ep_named(const struct ep_context *c);
/* A request of the device was verified; `named`: it names it. */
void ep_naming_heard(struct ep_context *c, bool named);
/* r was answered, by whom knows the keys. */
void ep_naming_answered(struct ep_request *r);
/* r was not, or its device seems not to know whom it was for: the next names it. False: it was
 * there already. */
bool ep_naming_failed(struct ep_request *r);

/* body.c: bodies of ours in blocks. */
enum ep_tx_step {
	EP_TX_OVER,   /* the answer is the one to the whole body */
	EP_TX_NEXT,   /* another block is to be sent, or the same one differently */
	EP_TX_BROKEN, /* it says nothing about the whole body: it has come apart */
};
/* Leaves of a message with a body the block that is to be sent now, if it does not fit as it is.
 * All other options are there. ERR_SPACE: not even the smallest block fits. */
MUST_USE enum err ep_tx_cut(
	struct ep_exchange *x, struct ep_request *r, const struct pace *pace, struct msg *m);
/* Its body goes out in blocks, and has not been answered. */
bool ep_tx_in_blocks(const struct ep_request *r);
/* A verified answer to what was sent last. */
enum ep_tx_step ep_tx_answered(struct ep_request *r, const struct msg *m);
void ep_tx_restart(struct ep_tx *tx);

/* request.c: our requests; response.c: what comes back. */
void ep_pump(struct ep_exchange *x, struct ep_conversation *v, struct turn *t);
/* Whether r, or a request like it, may be on its way beside those that are. */
bool ep_may_go(
	const struct ep_exchange *x, const struct ep_conversation *v, const struct ep_request *r);
/* Into and out of those on their way. */
void ep_current_add(struct ep_conversation *v, struct ep_request *r);
void ep_current_del(struct ep_conversation *v, struct ep_request *r);
void ep_request_send(
	struct ep_exchange *x, struct ep_request *r, const struct block *block2, struct turn *t);
/* Once more what was sent last, as a new message. */
void ep_request_resend(struct ep_exchange *x, struct ep_request *r, struct turn *t);
/* A Message ID that is free with that peer. Contexts behind one address count for themselves: their
 * numbers may meet. */
MUST_USE bool ep_choose_mid(const struct ep_exchange *x, struct ep_conversation *v,
	const struct peer *to, uint16_t *mid);
/* No answer to what was sent last is waited for any more. */
void ep_request_stop(struct ep_exchange *x, struct ep_request *r);
void ep_request_kill(struct ep_exchange *x, struct ep_request *r);
/* It came to nothing. The request whose engine has to hear of it (not linked anywhere any more), or
 * NULL. */
struct ep_request *ep_request_fail(struct ep_exchange *x, struct ep_request *r, struct turn *t);
void ep_request_leave(struct ep_exchange *x, struct ep_request *r, struct turn *t);
void ep_request_free(struct ep_exchange *x, struct ep_request *r);
/* Gives up an answer coming in by Block2. */
void ep_request_rx_reset(struct ep_exchange *x, struct ep_request *r);
/* A newer notification has come: what is being fetched for older ones is out of date. No request
 * goes out meanwhile, for the notification is in the work space: the caller pumps later. */
void ep_request_supersede(struct ep_exchange *x, struct ep_request *parent, struct turn *t);
void ep_request_enqueue(struct ep_conversation *v, struct ep_request *r);
/* The next message of one on its way: now, or before all others as soon as that may be. */
void ep_request_go_on(struct ep_exchange *x, struct ep_request *r, struct turn *t);
/* A request for the same thing without Observe; not yet in any list. */
MUST_USE enum err ep_request_child(
	struct ep_exchange *x, struct ep_request *parent, struct ep_request **out);
void ep_response(struct ep_exchange *x, struct turn *t, struct ep_delivery *d);

#endif
