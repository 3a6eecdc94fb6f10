/* SPDX-License-Identifier: Apache-2.0 */
/* One UDP socket: batches in, a bounded queue out. Private to transport/ and its tests. */
#ifndef LANYARD_TRANSPORT_UDP_H
#define LANYARD_TRANSPORT_UDP_H

#include "transport/net.h"

struct mmsghdr;
struct udp;
/* The receive buffers, one set for all sockets: the same memory stays in the cache. */
struct udp_rx;

enum { UDP_ROUNDS = 4, UDP_QUEUE = 1024, UDP_WHY = 256 };

typedef int udp_sendmmsg_fn(int fd, struct mmsghdr *msgs, unsigned n, int flags);

MUST_USE enum err udp_rx_new(struct udp_rx **out);
void udp_rx_free(struct udp_rx *rx);

/* As net_listen_udp. `stats` outlives the socket. */
MUST_USE enum err udp_new(uint16_t index, const char *address, uint16_t port,
	struct net_stats *stats, char *why, struct udp **out);
void udp_free(struct udp *u);
int udp_fd(const struct udp *u);
uint16_t udp_port(const struct udp *u);
/* Datagrams that the kernel dropped because its receive buffer was full. */
uint64_t udp_kernel_drops(const struct udp *u);

/* Reads at most UDP_ROUNDS batches and hands each datagram to `input`. */
void udp_receive(
	struct udp *u, struct udp_rx *rx, net_input_fn *input, net_expect_fn *expect, void *arg);
/* ERR_LIMIT if the queue is full, ERR_RANGE for a datagram that is too long or a peer that this
 * socket cannot reach. */
MUST_USE enum err udp_queue(struct udp *u, const struct peer *to, struct span datagram);
/* True when the queue is empty; false when the kernel takes no more before the socket is writable.
 * A datagram that fails is skipped and counted. */
bool udp_flush(struct udp *u, udp_sendmmsg_fn *sendmmsg_fn);

/* For tests: what stands in for sendmmsg(2), whose failures loopback cannot produce. */
void net_set_sendmmsg(struct net *n, udp_sendmmsg_fn *fn);

#endif
