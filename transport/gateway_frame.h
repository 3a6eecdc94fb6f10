/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the gateway socket, lanyard-gateway(7): one to a packet. Pure. */
#ifndef LANYARD_TRANSPORT_GATEWAY_FRAME_H
#define LANYARD_TRANSPORT_GATEWAY_FRAME_H

#include "transport/gateway.h"

/* The numbers are a public protocol. */
enum { FRAME_VERSION = 1, FRAME_HEAD = 4 };
enum frame_type {
	FRAME_HELLO = 1,       /* both ways: who is there, and what it reaches */
	FRAME_DATAGRAM = 2,    /* both ways */
	FRAME_UNDELIVERED = 3, /* of a bridge: a datagram that never left it; none: the address */
	FRAME_MTU = 4,         /* of a bridge: the longest message an address takes */
	FRAME_LINK = 5,        /* of a bridge: its network is there, gone, or cannot take more */
	FRAME_ERROR = 6,       /* to a bridge: why the connection ends */
};
enum frame_link { FRAME_LINK_DOWN, FRAME_LINK_UP, FRAME_LINK_BUSY };
enum {
	FRAME_TEXT_MAX = GATEWAY_REASON_MAX,
	FRAME_MAX = FRAME_HEAD + GATEWAY_ADDRESS_MAX + GATEWAY_DATAGRAM_MAX,
};

struct frame {
	enum frame_type type;
	enum gateway_kind kind; /* GATEWAY_NONE in LINK and ERROR */
	struct span address;    /* in HELLO a name; empty in LINK and ERROR */
	struct span datagram;   /* of DATAGRAM; of UNDELIVERED, or empty */
	uint16_t mtu_bytes;     /* of MTU: 0: as long as any; of a HELLO of ours */
	enum frame_link link;
	struct span text; /* of LINK and ERROR: visible ASCII and spaces */
};

/* What a bridge sent; spans are of `packet`. Errors, and nothing is in `out`: ERR_NEWER: another
 * version; ERR_UNSUPPORTED: a type that no bridge sends; ERR_SHORT; ERR_SYNTAX: more than belongs
 * there, or a text or name of other characters; ERR_RANGE: the kind, an empty or too long address,
 * datagram or text. An address is looked at no further. */
MUST_USE enum err frame_parse(struct span packet, struct frame *out);
/* Any frame. ERR_SPACE; ERR_RANGE: the address. */
MUST_USE enum err frame_write(const struct frame *f, struct writer *w);
/* What an error of frame_parse means, for the bridge's author. */
const char *frame_fault(enum err e);

#endif
