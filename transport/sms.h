/* SPDX-License-Identifier: Apache-2.0 */
/* CoAP in short messages (LwM2M Transport section 6.8.3): what 140 bytes of user data hold, and
 * messages that take several of them (3GPP TS 23.040 section 9.2.3.24). Pure: no socket, no clock.
 */
#ifndef LANYARD_TRANSPORT_SMS_H
#define LANYARD_TRANSPORT_SMS_H

#include "base/span.h"

enum {
	SMS_BYTES = 140,        /* of user data, with its header */
	SMS_NUMBER_MAX = 15,    /* digits of an MSISDN (E.164) */
	SMS_PARTS_MAX = 16,     /* of a message; a part more is one too many */
	SMS_MESSAGE_MAX = 2048, /* bytes of a message, as of any datagram */
};

/* An MSISDN as it is kept and compared: digits alone. A `+` before it is left out. ERR_SYNTAX: it
 * is anything else; `out` is then the empty string. */
MUST_USE enum err sms_number_read(struct span text, char out[static SMS_NUMBER_MAX + 1]);

/* What came in one short message. */
struct sms_part {
	struct span data; /* behind the header */
	uint8_t ref_bits; /* 0: it is no part of a longer message; else 8 or 16 */
	uint16_t ref;
	uint8_t total, number; /* of parts, the first is 1 */
};

/* Takes the header off user data, if `has_header` says that there is one. Of headers that we do not
 * know nothing is wanted; of two of a kind the last counts. ERR_SHORT, ERR_SYNTAX: a header that
 * does not fit; ERR_RANGE: a part that is none of its message. */
MUST_USE enum err sms_read(struct span user_data, bool has_header, struct sms_part *out);

/* A trigger as a WAP push, which the system of a phone or module hands to whoever has application
 * 0x9A (LwM2M Core, Appendix L): a message that starts with this is sent to WDP port 2948. No CoAP
 * message does. */
void sms_push_begin(struct writer *w);
bool sms_is_push(struct span message);

/* How parts name their message: in a header by 8 or 16 bits, or beside the user data, in parameters
 * of SMPP (16 bits). */
enum sms_concat { SMS_UDH8, SMS_UDH16, SMS_SAR };

/* A message on its way out. A push is never cut. */
struct sms_cutting {
	struct span message;
	enum sms_concat concat;
	uint16_t ref; /* of 8 bits only the lower ones are used */
};

/* One of its parts. */
struct sms_cut {
	uint8_t bytes[SMS_BYTES];
	uint8_t n;
	bool has_header;
	uint8_t total, number;
};

/* How many short messages it takes; 0: it does not fit into SMS_PARTS_MAX of them. */
size_t sms_parts(const struct sms_cutting *c);
/* Part `number` of 1 to sms_parts. ERR_RANGE: there is none. */
MUST_USE enum err sms_cut(const struct sms_cutting *c, size_t number, struct sms_cut *out);

/* Parts that wait for others. A number can be forged: so one has few messages waiting, all of them
 * have a bounded number, and the one that waits longest gives way. */
struct sms_box;
struct sms_box_limits {
	uint32_t messages, per_number; /* 1 at least */
	uint64_t wait_ms;              /* from the first part that came */
};
struct sms_box_stats {
	uint64_t expired, displaced, repeated; /* messages, messages, parts */
	size_t waiting;
};

MUST_USE enum err sms_box_new(const struct sms_box_limits *limits, struct sms_box **out);
void sms_box_free(struct sms_box *b);
/* A part from that number. ERR_OK: the message is whole, and lies in the box until the next call;
 * what is no part of a longer one is whole as it is. ERR_SHORT: parts are missing. ERR_EXISTS: the
 * part is there. ERR_RANGE: more parts than SMS_PARTS_MAX, or more bytes in one than it can have.
 * ERR_NOMEM. A part that contradicts what is there begins its message anew: devices that were
 * started again count from the same reference. */
MUST_USE enum err sms_box_add(struct sms_box *b, const char *number, const struct sms_part *part,
	uint64_t now_ms, struct span *message);
/* Forgets what has waited for too long. sms_box_add does so, too. */
void sms_box_expire(struct sms_box *b, uint64_t now_ms);
struct sms_box_stats sms_box_stats(const struct sms_box *b);

#endif
