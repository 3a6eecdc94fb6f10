/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_PEER_H
#define LANYARD_BASE_PEER_H

#include "base/span.h"

enum bearer {
	BEARER_NONE = 0,
	BEARER_UDP,
	BEARER_TCP,
	BEARER_SMS,
	BEARER_NONIP,
	BEARER_DTLS, /* UDP, and TCP, with a channel that somebody has proved who he is to */
	BEARER_TLS,
};
bool bearer_is_ip(enum bearer b);
bool bearer_is_channel(enum bearer b);

/* Where a datagram came from and how to answer. Plain value; unused bytes are zero, so that two
 * peers are equal when their bytes are. For what runs over IP `addr` is 4 or 16 address bytes, 2
 * port bytes (big-endian) and for a link-local IPv6 address 4 scope bytes (big-endian); `local` is
 * the address the peer spoke to, 4 or 16 bytes and the same scope. What is behind a gateway is made
 * and read by base/gateway.h: `flags` is what kind it is, `listener` the gateway's number. */
struct peer {
	uint8_t bearer;
	uint8_t addr_n;
	uint8_t local_n;
	uint8_t flags;
	uint16_t listener;   /* index of the listener it arrived on */
	uint16_t connection; /* which of those from that address, of a stream or channel; 0: any,
				or a datagram */
	uint8_t addr[24];
	uint8_t local[20];
};

bool peer_eq(const struct peer *a, const struct peer *b);
/* "udp 192.0.2.1:5683" or "udp [2001:db8::1]:5683", "sms 491701234567"; for logs and the REST
 * interface. PEER_TEXT_MAX bytes are enough. */
enum { PEER_TEXT_MAX = 320, PEER_PACKED_MAX = 288 };
void wr_peer(struct writer *w, const struct peer *p);
/* The bytes as stored, at most PEER_PACKED_MAX: lossless but for the connection, which no restart
 * survives. ERR_NOTFOUND: a long address of a gateway that was forgotten. */
void wr_peer_packed(struct writer *w, const struct peer *p);
MUST_USE enum err peer_unpack(struct span s, struct peer *out);

/* What a bearer needs from the message layer. RFC 7252 section 4.8 for UDP. */
struct bearer_timing {
	uint32_t ack_timeout_ms;
	uint32_t ack_random_permille; /* 1500 for ACK_RANDOM_FACTOR 1.5 */
	uint32_t max_retransmit;
	uint32_t exchange_lifetime_ms;
	uint32_t response_wait_ms; /* for a separate response after the acknowledgement */
	uint32_t mtu_bytes;
	uint32_t nstart; /* RFC 7252 section 4.7; over a stream, where nothing is acknowledged,
			    requests without their answer */
	bool reliable;
};

const struct bearer_timing *bearer_timing(enum bearer b);

/* What may be set otherwise for a slow link or a small device. 0 in each: as it is without. */
struct pace {
	uint32_t ack_timeout_ms;
	uint16_t block_bytes;   /* a power of two, 16 to 1024 */
	uint16_t message_bytes; /* the longest datagram of ours, with the CoAP header */
	uint8_t max_retransmit;
	uint8_t nstart; /* how many requests of ours may be under way at once */
};

enum {
	PACE_ACK_TIMEOUT_MIN = 100,
	PACE_ACK_TIMEOUT_MAX = 60000,
	PACE_BLOCK_MIN = 16,
	PACE_BLOCK_MAX = 1024,
	PACE_MESSAGE_MIN = 128,
	PACE_MESSAGE_MAX = 1280,
	PACE_RETRANSMIT_MAX = 8,
	PACE_NSTART_MAX = 8,
};

/* Is each within its range, or 0? NULL: yes; else the name of the first that is not: "block_size",
 * "message_size", "ack_timeout_ms", "max_retransmit", "nstart". */
const char *pace_fault(const struct pace *p);
/* `over` where it says something, else `under`. */
struct pace pace_of(const struct pace *over, const struct pace *under);

#endif
