/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams in and out: UDP sockets on a libevent loop, in batches. */
#ifndef LANYARD_TRANSPORT_NET_H
#define LANYARD_TRANSPORT_NET_H

#include "base/peer.h"
#include "base/span.h"

struct event_base;
struct net;

enum { NET_BATCH = 64, NET_DATAGRAM_MAX = 2048, NET_LISTENERS_MAX = 16 };

/* One datagram; it dies with the call. A datagram larger than NET_DATAGRAM_MAX never arrives
 * (counted). */
typedef void net_input_fn(void *arg, const struct peer *from, struct span datagram);
/* The reads of one turn are over: time to submit and to flush. At most NET_BATCH * 4 datagrams of
 * each socket make a turn. */
typedef void net_turn_fn(void *arg);

struct net_stats {
	uint64_t received, sent, receive_errors, send_errors;
	uint64_t truncated;  /* incoming, larger than NET_DATAGRAM_MAX */
	uint64_t dropped;    /* outgoing: the queue was full */
	uint64_t overflowed; /* incoming: the kernel's buffer was full */
};

MUST_USE enum err net_new(struct event_base *base, net_input_fn *input, net_turn_fn *turn,
	void *arg, struct net **out);
/* Closes all sockets; what was queued is dropped. */
void net_free(struct net *n);

/* Opens a UDP socket as listener number `index`. address: numeric IPv4 or IPv6 (with %scope), or
 * "*" for dual-stack any. Large buffers, IP(V6)_PKTINFO, so that answers leave from the address
 * that was spoken to. With port 0 the kernel picks one. `why` (256 bytes) gets a text for the
 * operator. ERR_SYNTAX: no such address form; ERR_BUSY: the port is taken; ERR_NOTFOUND: this
 * machine has no such address or interface; ERR_EXISTS, ERR_LIMIT: the index; ERR_IO, ERR_NOMEM. */
MUST_USE enum err net_listen_udp(
	struct net *n, uint16_t index, const char *address, uint16_t port, char *why);
uint16_t net_port(const struct net *n, uint16_t index);
/* Stops reading for good (a clean stop); sending still works. */
void net_pause(struct net *n);

/* Queues a datagram for to->listener; copied. ERR_NOTFOUND for a listener that is not there,
 * ERR_LIMIT when the queue is full (dropped and counted: CoAP retransmits), ERR_RANGE for a peer
 * that the listener's family cannot reach or a datagram above NET_DATAGRAM_MAX. */
MUST_USE enum err net_send(struct net *n, const struct peer *to, struct span datagram);
/* Sends what is queued, in order (sendmmsg); what the kernel does not take now follows when the
 * socket is writable. */
void net_flush(struct net *n);
void net_stats(const struct net *n, struct net_stats *out);

/* A peer from numeric text, for clients and tools. ERR_SYNTAX, or ERR_NOTFOUND for an interface
 * that is not there. */
MUST_USE enum err net_peer(const char *address, uint16_t port, uint16_t listener, struct peer *out);

#endif
