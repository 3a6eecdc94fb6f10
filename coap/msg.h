/* SPDX-License-Identifier: Apache-2.0 */
/* CoAP messages (RFC 7252 section 3): parse and encode, over libcoap's option functions. */
#ifndef LANYARD_COAP_MSG_H
#define LANYARD_COAP_MSG_H

#include "base/span.h"

/* MSG_RESET, because <sys/socket.h> has an MSG_RST. */
enum msg_type { MSG_CON = 0, MSG_NON = 1, MSG_ACK = 2, MSG_RESET = 3 };

#define MSG_CODE(class, detail) ((uint8_t)((class) << 5 | (detail)))

enum msg_code {
	MSG_EMPTY = 0,
	MSG_GET = MSG_CODE(0, 1),
	MSG_POST = MSG_CODE(0, 2),
	MSG_PUT = MSG_CODE(0, 3),
	MSG_DELETE = MSG_CODE(0, 4),
	MSG_FETCH = MSG_CODE(0, 5),
	MSG_PATCH = MSG_CODE(0, 6),
	MSG_IPATCH = MSG_CODE(0, 7),
	MSG_CREATED = MSG_CODE(2, 1),
	MSG_DELETED = MSG_CODE(2, 2),
	MSG_VALID = MSG_CODE(2, 3),
	MSG_CHANGED = MSG_CODE(2, 4),
	MSG_CONTENT = MSG_CODE(2, 5),
	MSG_CONTINUE = MSG_CODE(2, 31),
	MSG_BAD_REQUEST = MSG_CODE(4, 0),
	MSG_UNAUTHORIZED = MSG_CODE(4, 1),
	MSG_BAD_OPTION = MSG_CODE(4, 2),
	MSG_FORBIDDEN = MSG_CODE(4, 3),
	MSG_NOT_FOUND = MSG_CODE(4, 4),
	MSG_METHOD_NOT_ALLOWED = MSG_CODE(4, 5),
	MSG_NOT_ACCEPTABLE = MSG_CODE(4, 6),
	MSG_REQUEST_ENTITY_INCOMPLETE = MSG_CODE(4, 8),
	MSG_CONFLICT = MSG_CODE(4, 9),
	MSG_PRECONDITION_FAILED = MSG_CODE(4, 12),
	MSG_TOO_LARGE = MSG_CODE(4, 13),
	MSG_UNSUPPORTED_FORMAT = MSG_CODE(4, 15),
	MSG_INTERNAL_ERROR = MSG_CODE(5, 0),
	MSG_NOT_IMPLEMENTED = MSG_CODE(5, 1),
	MSG_BAD_GATEWAY = MSG_CODE(5, 2),
	MSG_UNAVAILABLE = MSG_CODE(5, 3),
	MSG_GATEWAY_TIMEOUT = MSG_CODE(5, 4),
};

static inline unsigned msg_code_class(uint8_t code)
{
	return code >> 5;
}
static inline bool msg_code_is_request(uint8_t code)
{
	return code > 0 && code < 32;
}
static inline bool msg_code_is_response(uint8_t code)
{
	return code >= MSG_CODE(2, 0) && code < MSG_CODE(6, 0);
}

/* Option numbers are those of libcoap's COAP_OPTION_*, under our own names. */
enum opt_num {
	OPT_IF_MATCH = 1,
	OPT_URI_HOST = 3,
	OPT_ETAG = 4,
	OPT_IF_NONE_MATCH = 5,
	OPT_OBSERVE = 6,
	OPT_URI_PORT = 7,
	OPT_LOCATION_PATH = 8,
	OPT_OSCORE = 9,
	OPT_URI_PATH = 11,
	OPT_CONTENT_FORMAT = 12,
	OPT_MAX_AGE = 14,
	OPT_URI_QUERY = 15,
	OPT_HOP_LIMIT = 16,
	OPT_ACCEPT = 17,
	OPT_Q_BLOCK1 = 19,
	OPT_LOCATION_QUERY = 20,
	OPT_EDHOC = 21,
	OPT_BLOCK2 = 23,
	OPT_BLOCK1 = 27,
	OPT_SIZE2 = 28,
	OPT_Q_BLOCK2 = 31,
	OPT_PROXY_URI = 35,
	OPT_PROXY_SCHEME = 39,
	OPT_SIZE1 = 60,
	OPT_ECHO = 252,
	OPT_NO_RESPONSE = 258,
	OPT_REQUEST_TAG = 292,
};

enum { MSG_OPTS_MAX = 40, MSG_TOKEN_MAX = 8, MSG_SMALL_BYTES = 64 };

struct opt {
	uint16_t num;
	struct span val;
};

/* A message, parsed or to be encoded. Options are in ascending order of number, values of one
 * number in the order of the message. Spans point into the parsed bytes, into the caller's memory,
 * or into `small`; so a struct msg is not copied with `=` after msg_add_uint: use msg_copy. */
struct msg {
	uint8_t type; /* enum msg_type */
	uint8_t code;
	uint16_t mid;
	uint8_t token_n;
	uint8_t token[MSG_TOKEN_MAX];
	uint8_t opt_n;
	uint8_t small_n;
	uint8_t small[MSG_SMALL_BYTES]; /* values of numeric options */
	struct opt opt[MSG_OPTS_MAX];
	struct span payload; /* empty: no payload marker */
};

/* Empties a message; only type and code are set. Does not touch the option array (speed). */
void msg_init(struct msg *m, enum msg_type type, uint8_t code);
void msg_copy(struct msg *to, const struct msg *from);

/* A datagram (RFC 7252 section 3). Errors: ERR_SHORT, ERR_SYNTAX (version, token length, marker
 * without payload, bytes behind an Empty message, an option delta or length of 15, a number above
 * 65535), ERR_LIMIT (more than MSG_OPTS_MAX options). On error type, mid and code are set if the
 * first four bytes were there and of version 1 (so that a CON can be rejected with RST), else type
 * is MSG_NON and code MSG_EMPTY: section 3 wants other versions ignored in silence. */
MUST_USE enum err msg_parse_udp(struct span datagram, struct msg *out);
/* What OSCORE encrypts (RFC 8613 section 5.3): code, options, marker, payload. Same errors. Type is
 * MSG_NON, MID 0 and the token empty: those are the outer message's. */
MUST_USE enum err msg_parse_inner(struct span plaintext, struct msg *out);

/* Errors: ERR_SPACE; what the writer held before is then all it holds. An Empty message is its four
 * bytes, whatever else is set. */
MUST_USE enum err msg_encode_udp(const struct msg *m, struct writer *w);
MUST_USE enum err msg_encode_inner(const struct msg *m, struct writer *w);

/* Insert in order (behind equal numbers). ERR_LIMIT when the message is full, ERR_RANGE when the
 * value's length does not fit the option registry. `val` must outlive the message. */
MUST_USE enum err msg_add(struct msg *m, uint16_t num, struct span val);
/* The shortest form of v (RFC 7252 section 3.2); zero is the empty value. */
MUST_USE enum err msg_add_uint(struct msg *m, uint16_t num, uint32_t v);
/* Splits "3/0/9" at slashes into Uri-Path (or Location-Path) options; "" adds none. No empty
 * segment is ever added (clients break on them): ERR_SYNTAX. */
MUST_USE enum err msg_add_path(struct msg *m, uint16_t num, const char *path);

/* The first option of that number, or NULL. Repeats follow it directly. */
const struct opt *msg_find(const struct msg *m, uint16_t num);
/* The next option of the same number, or NULL. */
const struct opt *msg_next(const struct msg *m, const struct opt *o);
/* A numeric option: false if absent; a value longer than 4 bytes counts as absent too. */
bool msg_get_uint(const struct msg *m, uint16_t num, uint32_t *out);
void msg_remove(struct msg *m, uint16_t num);

/* What to do with a message's options before acting on it (RFC 7252 section 5.4). */
enum msg_verdict {
	MSG_OPTIONS_GOOD,
	MSG_OPTIONS_BAD, /* a critical option is unknown, single and repeated, or ill-sized: 4.02 */
};
/* Judges against the registry; elective options that are unknown or ill-sized, and the repeats of
 * single ones, are removed. Only a request may carry Uri-Host and Uri-Port. Proxy-Uri and
 * Proxy-Scheme are for proxies, and Q-Block1, Q-Block2 and EDHOC are not implemented: BAD. Option 9
 * passes; whoever looks inside OSCORE rejects it there. */
enum msg_verdict msg_check_options(struct msg *m);

/* "2.05"; every code has its text. */
void wr_code(struct writer *w, uint8_t code);
/* "CON" */
const char *msg_type_name(uint8_t type);
/* {"number":11,"name":"Uri-Path","value":"rd"}: text as a string, a number as one, all else as hex;
 * without a name if the registry has none. */
void wr_opt_json(struct writer *w, const struct opt *o);

#endif
