/* SPDX-License-Identifier: Apache-2.0 */
/* What is known everywhere of a gateway: a way to devices that are not reached by IP, through a
 * message centre, a broker or a program of somebody's. Each has a number that follows from its
 * name, so that the address of a device, which is stored, still means the same when the
 * configuration has changed. */
#ifndef LANYARD_BASE_GATEWAY_H
#define LANYARD_BASE_GATEWAY_H

#include "base/peer.h"

enum { GATEWAYS_MAX = 16, GATEWAY_NAME_MAX = 31, GATEWAY_MTU_MIN = 11, GATEWAY_MTU_MAX = 1280 };

/* What network is behind it. The numbers are part of the protocol of lanyard-gateway(7), and of
 * what is stored. */
enum gateway_kind {
	GATEWAY_NONE = 0,
	GATEWAY_SMS = 1,     /* the address is an MSISDN in digits, without "+" */
	GATEWAY_LORAWAN = 2, /* a DevEUI, 16 hexadecimal digits */
	GATEWAY_NIDD = 3,    /* an External Identifier, or an MSISDN */
	GATEWAY_BLE = 4,
	GATEWAY_OTHER = 5,
};
enum { GATEWAY_KINDS = GATEWAY_OTHER + 1 };
/* "sms", "lorawan", "nidd", "ble", "other"; "none". */
const char *gateway_kind_name(unsigned kind);
/* GATEWAY_NONE: there is no such kind. */
enum gateway_kind gateway_kind_of(struct span name);

/* The number of the gateway of that name: what peers have in the place of a listener's index, and
 * no listener has. */
enum { GATEWAY_NUMBERS = 0x8000 };
uint16_t gateway_number(const char *name);

/* A peer behind a gateway. The address is 1 to 255 bytes of visible ASCII, but for '"' and '\\';
 * what has more than 24 is kept in a table of the process, found by a number that is never given
 * twice. `way` tells by which of several bridges it came, or 0. ERR_RANGE: it is no such address,
 * or kind; ERR_NOMEM. */
enum { GATEWAY_ADDRESS_MAX = 255 };
MUST_USE enum err gateway_peer(
	uint16_t number, enum gateway_kind kind, struct span address, struct peer *out);
static inline bool gateway_is(const struct peer *p)
{
	return p->bearer == BEARER_SMS || p->bearer == BEARER_NONIP;
}
static inline enum gateway_kind gateway_kind_at(const struct peer *p)
{
	return gateway_is(p) && p->flags < GATEWAY_KINDS ? (enum gateway_kind)p->flags
							 : GATEWAY_NONE;
}
/* The address of any peer; of one behind a gateway it dies with the next gateway_peer or
 * gateway_drop, and is empty if it is long and was forgotten: of long addresses that nobody keeps
 * the last 4096 are remembered. */
struct span gateway_address(const struct peer *p);
/* For those that hold a peer for long: its address stays until it is dropped as often. Of other
 * peers, and of NULL, nothing is done. */
void gateway_keep(const struct peer *p);
void gateway_drop(const struct peer *p);
/* How many long addresses are remembered: of them kept by somebody. */
struct gateway_addresses {
	size_t all, kept;
};
struct gateway_addresses gateway_addresses(void);

/* What a gateway's section of the configuration says of the messages; 0 in each: as usual for the
 * kind. */
struct gateway_pace {
	uint32_t mtu_bytes;
	uint32_t ack_timeout_ms;
	uint32_t response_wait_ms;
	uint8_t max_retransmit; /* plus one, so that 1 is: none */
};

/* How the message layer speaks to each kind by each gateway. */
struct gateway_timings {
	size_t n;
	struct {
		uint16_t number;
		struct bearer_timing kind[GATEWAY_KINDS];
	} gateway[GATEWAYS_MAX];
};
/* As usual for the kind: SMS is not repeated, for the message centre does that; LoRaWAN as LwM2M
 * 1.1 says (Transport, Appendix C). */
struct bearer_timing gateway_timing_usual(enum gateway_kind kind);
/* ERR_LIMIT: there are GATEWAYS_MAX. */
MUST_USE enum err gateway_timings_add(
	struct gateway_timings *t, uint16_t number, const struct gateway_pace *p);
/* Of whatever peer; t may be NULL. Lives as long as t, or for ever. */
const struct bearer_timing *gateway_timing(const struct gateway_timings *t, const struct peer *p);

#endif
