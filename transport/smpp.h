/* SPDX-License-Identifier: Apache-2.0 */
/* A session with a message centre (SMPP 3.4, as a transceiver): bytes in, bytes out, time as an
 * argument. It lasts from connection to connection: what was not acknowledged by the one is sent by
 * the next. Private to transport/ and its tests. */
#ifndef LANYARD_TRANSPORT_SMPP_H
#define LANYARD_TRANSPORT_SMPP_H

#include "transport/smpp_pdu.h"
#include "transport/sms.h"

struct smpp;

enum { SMPP_WINDOW_MAX = 100, SMPP_DELIVERIES_MAX = 256 };

struct smpp_opts {
	char system_id[SMPP_ID_MAX + 1];
	char password[SMPP_PASSWORD_MAX + 1];
	char system_type[SMPP_TYPE_MAX + 1];
	char source[SMS_NUMBER_MAX + 1]; /* "": that of the account */
	uint32_t window;                 /* messages that are sent and not acknowledged */
	uint64_t enquire_ms, answer_ms;  /* how often the link is tried; what an answer may take */
	enum sms_concat concat;
	struct sms_box_limits box;
};

/* A message on its way out; whoever hands it over has it again when it is told of. */
struct smpp_message {
	struct smpp_message *next;
	char number[SMS_NUMBER_MAX + 1];
	struct span bytes;
	uint64_t expires_ms; /* it is given up if no part of it has left by then */
	/* the session's: */
	uint16_t ref;
	uint8_t parts;
	uint32_t sent, taken; /* a bit for each part; taken: by the message centre */
};

struct smpp_told {
	enum smpp_kind {
		SMPP_NOTHING, /* left to tell, for now */
		SMPP_BOUND,   /* messages can go */
		SMPP_MESSAGE, /* has come: from `number`, `bytes`, which die with the next call;
				 smpp_answer says what became of it */
		SMPP_SENT,    /* `message` is at the message centre */
		SMPP_FAILED,  /* `message` is not, and will not be: `reason` */
		SMPP_BROKEN,  /* `reason`: close the connection, behind what is to be sent */
	} kind;
	char number[SMS_NUMBER_MAX + 1];
	struct span bytes;
	uint64_t delivery;
	struct smpp_message *message;
	const char *reason; /* static */
	bool fault;         /* the other end does not keep to SMPP */
};

struct smpp_stats {
	uint64_t receipts, ignored;   /* came, and were no messages for us */
	uint64_t malformed, oversize; /* PDUs */
	uint64_t throttled, parts;    /* sent: parts, and those that had to wait */
	uint64_t deferred;            /* deliveries that the message centre has to repeat */
	struct sms_box_stats box;
	uint32_t in_flight, deliveries; /* now */
};

/* Copies `o`. ERR_RANGE: window; ERR_NOMEM. */
MUST_USE enum err smpp_new(const struct smpp_opts *o, struct smpp **out);
/* Messages that it still has are forgotten: take them back before. */
void smpp_free(struct smpp *s);

/* A connection is open: it begins with a bind. */
void smpp_opened(struct smpp *s, uint64_t now_ms);
/* It has ended. What was not acknowledged waits for the next one. */
void smpp_closed(struct smpp *s);
bool smpp_is_bound(const struct smpp *s);
/* Says farewell; SMPP_BROKEN follows. */
void smpp_stop(struct smpp *s, uint64_t now_ms);

/* What came; returns how much of it was taken. Call smpp_next until there is nothing, then again
 * with the rest. */
size_t smpp_feed(struct smpp *s, struct span bytes);
/* The next thing to tell; also where only time has passed. */
void smpp_next(struct smpp *s, uint64_t now_ms, struct smpp_told *out);
/* When smpp_next is to be called without any bytes; UINT64_MAX: not at all. */
uint64_t smpp_deadline_ms(const struct smpp *s);
/* What is to be sent; dies with the next call but smpp_sent, which takes n bytes off. */
struct span smpp_output(const struct smpp *s);
void smpp_sent(struct smpp *s, size_t n);

/* What came with that delivery is safe (or: is nothing to us), or has to be delivered again. */
void smpp_answer(struct smpp *s, uint64_t delivery, bool safe);

/* Hands a message over, which may leave with the next smpp_next. ERR_RANGE: it is too long. */
MUST_USE enum err smpp_send(struct smpp *s, struct smpp_message *m);
/* The first of those that it has, or NULL: to another session, or to nobody. Not while a connection
 * is open. */
struct smpp_message *smpp_take_back(struct smpp *s);
struct smpp_stats smpp_stats(const struct smpp *s);

#endif
