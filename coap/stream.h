/* SPDX-License-Identifier: Apache-2.0 */
/* CoAP over a byte stream (RFC 8323): frames and signalling messages, sans-IO.
 *
 * Above the connection every message has the form of a datagram, so that one parser, one encoder
 * and one trace serve all bearers. A frame has all of a datagram but version, type and Message ID;
 * who turns one into the other drops or makes up these three. */
#ifndef LANYARD_COAP_STREAM_H
#define LANYARD_COAP_STREAM_H

#include "coap/msg.h"

/* RFC 8323 section 5. Signalling codes are those of class 7. */
enum stream_signal {
	STREAM_CSM = MSG_CODE(7, 1),
	STREAM_PING = MSG_CODE(7, 2),
	STREAM_PONG = MSG_CODE(7, 3),
	STREAM_RELEASE = MSG_CODE(7, 4),
	STREAM_ABORT = MSG_CODE(7, 5),
};

enum {
	STREAM_MESSAGE_BASE = 1152, /* Max-Message-Size before a CSM says otherwise */
	STREAM_HEAD_MAX = 6,        /* length nibbles, extended length, code */
	STREAM_SIGNAL_MAX = 64,     /* of a signalling message that is written here */
};

/* Where a frame ends, told from its first bytes. */
struct stream_frame {
	size_t n;      /* all of it */
	size_t head_n; /* what lies before the token */
	uint8_t token_n;
	uint8_t code;
};

/* `have` is what has come of it so far. ERR_SHORT: not enough to tell; ERR_SYNTAX: a token length
 * of 9 to 15; ERR_LIMIT: the frame is longer than `limit`, which is known before the code is there.
 * Section 3.2. */
MUST_USE enum err stream_peek(struct span have, size_t limit, struct stream_frame *out);

/* A whole frame as a confirmable datagram of that Message ID. ERR_SYNTAX if `frame` is not exactly
 * one, ERR_SPACE. */
MUST_USE enum err stream_to_datagram(struct span frame, uint16_t mid, struct writer *w);
/* The other way. ERR_SYNTAX if it has no head, or no room for its token; ERR_SPACE; ERR_RANGE. What
 * the writer held before is then all it holds. */
MUST_USE enum err stream_from_datagram(struct span datagram, struct writer *w);

static inline bool stream_is_signal(uint8_t code)
{
	return msg_code_class(code) == 7;
}

/* What the other end has told of itself. */
struct stream_csm {
	uint32_t max_message_bytes;
	bool blocks; /* it knows block-wise transfer */
};
/* Before anything was told. */
struct stream_csm stream_csm_default(void);
/* Takes the options of a CSM. ERR_UNSUPPORTED and the number, if one is critical and not known:
 * the connection is to be aborted (section 5.3). A later CSM changes what it names only. */
MUST_USE enum err stream_csm_take(const struct msg *m, struct stream_csm *csm, uint16_t *bad);
/* The same for the options of another signalling message. */
MUST_USE enum err stream_signal_check(const struct msg *m, uint16_t *bad);
/* Does a Ping want to know that all before it was dealt with? (section 5.4.1) */
bool stream_has_custody(const struct msg *m);

/* Whole frames, into a writer with STREAM_SIGNAL_MAX bytes of room. */
void stream_write_csm(struct writer *w, uint32_t max_message_bytes);
void stream_write_ping(struct writer *w, struct span token);
void stream_write_pong(struct writer *w, struct span token, bool custody);
void stream_write_release(struct writer *w, uint32_t hold_off_s);
/* `bad_option` 0: there is none. `text` is a static diagnostic of at most 40 bytes. */
void stream_write_abort(struct writer *w, uint16_t bad_option, const char *text);

#endif
