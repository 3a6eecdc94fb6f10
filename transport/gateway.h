/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways: what carries CoAP messages as they are to and from devices that are not reached by IP.
 * Here is what all of them have in common: the peers that their addresses become, what is let in
 * and out, what is counted, the state of the link. Below are drivers, one for each type of
 * [gateway NAME]: the socket for bridges (transport/gateway_socket.h), SMPP and so on.
 *
 * A driver is opened on a gateway (gateway_attach) and from then on
 * - tells each message that came with gateway_input, the state of its link with gateway_link, and
 *   what it took and could not deliver with gateway_unsent;
 * - is given messages to send through its table of functions.
 * All of it runs in the one loop of the daemon and never waits. Nothing of a driver may grow
 * without a bound: what waits to be sent is in gateway_queue objects, which share the bounds of
 * their gateway. */
#ifndef LANYARD_TRANSPORT_GATEWAY_H
#define LANYARD_TRANSPORT_GATEWAY_H

#include "base/gateway.h"

struct event_base;
struct gateways; /* all of them */
struct gateway;  /* one */

/* The longest message either way. */
enum { GATEWAY_DATAGRAM_MAX = GATEWAY_MTU_MAX, GATEWAY_REASON_MAX = 127, GATEWAY_WHY = 256 };

/* What the daemon does with what gateways tell. All from the loop, none from within gateway_send.
 */
struct gateway_host {
	/* A message has come; it dies with the call. */
	void (*input)(void *arg, const struct peer *from, struct span datagram);
	/* What came is over for now: the end of a turn. */
	void (*turn)(void *arg);
	/* A link has come up or gone down. */
	void (*link)(void *arg, const struct gateway *g, bool up);
	/* A message that was taken never left; its request then waits for its device to be heard
	 * of, or for its link. Empty: nothing reaches that device now. */
	void (*unsent)(void *arg, const struct peer *to, struct span datagram);
	/* A device takes no longer messages than that, or any again (0). */
	void (*mtu)(void *arg, const struct peer *to, uint32_t bytes);
	void *arg;
};

struct gateway_opts {
	const char *name; /* 1 to GATEWAY_NAME_MAX bytes; copied */
	const char *type; /* static */
	struct gateway_pace pace;
	/* What comes in: so many messages a second from all, and a minute from one address, each at
	 * once too. 0: any number. Above that they are dropped and counted. */
	uint32_t rate_per_s, address_rate_per_min;
	/* What waits to be sent: messages, their bytes, messages to one address. */
	uint32_t queue_max, queue_bytes, queue_address_max;
	uint32_t cost; /* of a message sent, in whatever unit: only summed up */
};

/* What became of messages; each only grows. */
struct gateway_stats {
	uint64_t received, received_bytes;
	uint64_t limited;   /* dropped: more than the rates allow */
	uint64_t malformed; /* dropped: no such address, too long, or no CoAP at all */
	uint64_t sent, sent_bytes;
	uint64_t cost;
	uint64_t refused_down; /* not sent: the link was down */
	uint64_t refused_full; /* not sent: too much was waiting */
	uint64_t refused_long; /* not sent: longer than the gateway or the device takes */
	uint64_t undelivered;  /* taken, and told later that they could not be delivered */
	uint64_t faults;       /* of the protocol, by whoever is at the other end of the link */
	uint64_t ups, downs;   /* of the link */
	uint64_t queued, queued_bytes; /* now */
};

struct gateway_view {
	const char *name, *type;
	uint16_t number;
	bool up;
	const char *reason; /* why it is down, or what there is to say of it */
	uint64_t since_ms;  /* in that state, by the clock of gateway_now_ms */
	unsigned links;     /* how many are connected: bridges; else 1 or 0 */
	struct gateway_stats stats;
};

struct gateway_driver {
	/* Takes a message, which is not longer than the MTU, or says why not. ERR_STATE: the link
	 * is down; ERR_LIMIT: too much is waiting. Never calls the host. Both die with the call. */
	enum err (*send)(void *driver, const struct peer *to, struct span datagram);
	/* The end of a turn: what was taken may leave now. May be NULL. */
	void (*flush)(void *driver);
	/* A clean stop: nothing more is read, what was taken still leaves if it can at once. */
	void (*pause)(void *driver);
	void (*free)(void *driver);
};

MUST_USE enum err gateways_new(
	struct event_base *base, const struct gateway_host *host, struct gateways **out);
/* Frees the drivers first. */
void gateways_free(struct gateways *all);
/* A gateway without a driver, whose link is down. ERR_EXISTS: the name, or its number, is taken;
 * ERR_LIMIT: there are GATEWAYS_MAX; ERR_RANGE: the name; ERR_NOMEM. */
MUST_USE enum err gateway_new(
	struct gateways *all, const struct gateway_opts *o, struct gateway **out);
/* From now on the driver is used, and freed with the gateway. */
void gateway_attach(struct gateway *g, const struct gateway_driver *table, void *driver);

/* ---- for the daemon */

/* Queues or sends; copied where it has to wait. ERR_NOTFOUND: no such gateway, or a forgotten
 * address; ERR_STATE, ERR_LIMIT of the driver; ERR_RANGE: longer than the MTU. Whatever the error
 * is, it is counted. */
MUST_USE enum err gateways_send(struct gateways *all, const struct peer *to, struct span datagram);
void gateways_flush(struct gateways *all);
void gateways_pause(struct gateways *all);
/* The next one: start with *cursor = 0, false at the end. What is told lives until the next call of
 * anything here. */
bool gateways_view(const struct gateways *all, size_t *cursor, struct gateway_view *out);

/* ---- for drivers */

struct event_base *gateway_base(const struct gateway *g);
uint16_t gateway_number_of(const struct gateway *g);
const char *gateway_name(const struct gateway *g);
/* The longest message of that kind. */
uint32_t gateway_mtu_of(const struct gateway *g, enum gateway_kind kind);
/* A clock that never jumps, CLOCK_BOOTTIME in milliseconds. */
uint64_t gateway_now_ms(void);
/* A message has come, from that address, by that way: 0, or a number of the driver's for one of
 * several, the same as long as it is the same. What is more than the rates allow, or malformed, is
 * dropped and counted. A turn follows by itself. */
void gateway_input(struct gateway *g, enum gateway_kind kind, struct span address, uint8_t way,
	struct span datagram);
/* By which way the address was heard of last; 0: nobody remembers. */
uint8_t gateway_way(const struct gateway *g, const struct peer *p);
/* How many messages may come now before some are dropped; 0: not before `wait_ms`. For drivers that
 * can leave them where they are. */
size_t gateway_room(struct gateway *g, uint64_t *wait_ms);
/* Something came that is no message, and counts as one for the rate. */
void gateway_spend(struct gateway *g);
/* The state of the link, when it changes; `reason` is for people, in lower case, and copied: "no
 * bridge is connected", "connected to smsc.example:2775". Cut at GATEWAY_REASON_MAX. A state that
 * stays is told with another reason without being counted. */
void gateway_link(struct gateway *g, bool up, unsigned links, const char *reason);
/* What was taken did not leave: no copy of it can have arrived. Empty: nothing reaches that device
 * now, which is only counted. */
void gateway_unsent(struct gateway *g, const struct peer *to, struct span datagram);
/* A device takes at most that long messages; 0: as long as any. */
void gateway_mtu(struct gateway *g, const struct peer *to, uint32_t bytes);
/* The other end does not keep to its protocol; the line in the log is the driver's. */
void gateway_fault(struct gateway *g);

/* ---- what waits to be sent: first in, first out. All queues of a gateway share its bounds. */

struct gateway_item {
	struct gateway_item *next;
	struct peer to; /* its address is kept */
	uint64_t since_ms;
	uint32_t n;
	uint8_t bytes[];
};
struct gateway_queue {
	struct gateway *gateway;
	struct gateway_item *first, **last;
	size_t n;
};
void gateway_queue_init(struct gateway_queue *q, struct gateway *g);
/* Drops what is in it. */
void gateway_queue_fini(struct gateway_queue *q);
/* ERR_LIMIT: one of the bounds; ERR_NOMEM. */
MUST_USE enum err gateway_queue_put(
	struct gateway_queue *q, const struct peer *to, struct span datagram);
/* The first is sent, or given up. */
void gateway_queue_drop(struct gateway_queue *q);
/* All from one queue behind those of another of the same gateway. */
void gateway_queue_move(struct gateway_queue *to, struct gateway_queue *from);

#endif
