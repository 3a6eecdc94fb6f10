/* SPDX-License-Identifier: Apache-2.0 */
/* CoAP over TCP (RFC 8323): connections that come in or are opened, all in bounded memory. Private
 * to transport/ and its tests. Above this, a message of a connection is a datagram of its peer. */
#ifndef LANYARD_TRANSPORT_TCP_H
#define LANYARD_TRANSPORT_TCP_H

#include "base/map.h"
#include "base/wheel.h"
#include "coap/stream.h"
#include "transport/crowd.h"
#include "transport/net.h"

#include <sys/types.h>

struct event;
struct tls;

enum tcp_open { TCP_OPEN_DONE, TCP_OPEN_READ, TCP_OPEN_WRITE, TCP_OPEN_FAILED };

/* How a connection's bytes come and go. `open` until it says that it is done: it waits to read, or
 * to write. Then as recv(2) and send(2): -1 with EAGAIN where there is nothing to do now. `end`
 * before the socket is shut down for writing. */
struct tcp_bytes {
	enum tcp_open (*open)(void *stream, int fd);
	ssize_t (*read)(void *stream, int fd, void *buf, size_t n);
	ssize_t (*write)(void *stream, int fd, const void *buf, size_t n);
	void (*end)(void *stream, int fd);
	void (*free)(void *stream);
};

struct tcp_place {
	struct tcp *hub;
	uint16_t index;
	int fd; /* -1: a place to connect from */
	uint16_t port;
	struct event *acceptable;
	struct tls *tls; /* NULL: it is not TLS */
};

/* All connections of a struct net. */
struct tcp {
	struct event_base *base;
	net_input_fn *input;
	net_closed_fn *closed; /* NULL: nobody asks */
	void *arg;
	struct event *turn_event;
	struct net_stats *stats;
	struct net_tcp_limits limits;
	struct map conns;           /* struct tcp_conn by peer */
	struct crowd opens, begins; /* that came in, by address: with and without a CSM */
	struct crowd stuck;         /* that do not read what is there for them */
	struct wheel wheel;         /* struct tcp_conn by its timer */
	struct event *tick, *reap, *resume;
	uint64_t armed_ms;
	struct tcp_conn *dirty; /* with something to send */
	struct tcp_conn *dead;  /* closed, not yet told */
	size_t tx_bytes;        /* waiting to be sent, of all */
	uint16_t next_connection;
	bool paused;
	struct tcp_place *place[NET_LISTENERS_MAX];
	uint8_t scratch[16384]; /* what is being read */
};

struct tcp_conn {
	struct timer timer; /* first */
	struct tcp *hub;
	struct peer peer; /* in `conns` by it */
	const struct tcp_bytes *bytes;
	void *stream;
	int fd; /* -1: closed */
	struct event *readable, *writable;
	struct crowd_member member, stuck; /* of `opens` or `begins`; of `stuck` */
	struct tcp_conn *next_dirty, *next_dead;
	struct stream_csm theirs;
	uint64_t quiet_ms, stuck_ms; /* when it is given up; UINT64_MAX: not for that */
	uint16_t mid;                /* of the next message that comes in */
	uint32_t frames;             /* that came in */
	uint32_t open_n;             /* requests that came in and were not answered */
	uint8_t *part;               /* of a frame that has not come whole */
	size_t part_n, part_cap;
	uint8_t *tx; /* from tx_at to tx_n is to be sent */
	size_t tx_at, tx_n, tx_cap;
	bool connecting, opening, heard, blocked, is_dirty, releasing;
};

/* tcp.c */
MUST_USE enum err tcp_new(struct event_base *base, net_input_fn *input, void *arg,
	struct event *turn_event, struct net_stats *stats, struct tcp **out);
void tcp_free(struct tcp *t);
/* As net_listen_tcp. */
MUST_USE enum err tcp_listen(
	struct tcp *t, uint16_t index, const char *address, uint16_t port, int fd, char *why);
MUST_USE enum err tcp_dial(struct tcp *t, uint16_t index);
/* What comes in there is TLS from now on; `tls` outlives the hub. */
void tcp_secure(struct tcp *t, uint16_t index, struct tls *tls);
/* 0: it is not TLS, or gone. */
uint64_t tcp_mark(const struct tcp *t, const struct peer *who);
bool tcp_has(const struct tcp *t, uint16_t index);
uint16_t tcp_port(const struct tcp *t, uint16_t index);
void tcp_pause(struct tcp *t);
MUST_USE enum err tcp_send(struct tcp *t, const struct peer *to, struct span datagram);
void tcp_flush(struct tcp *t);
void tcp_release(struct tcp *t);
uint64_t tcp_now_ms(void);

/* tcp_conn.c */
enum tcp_way { TCP_CAME, TCP_CONNECTING, TCP_CONNECTED };
/* Takes the socket. NULL: no memory. */
struct tcp_conn *tcp_conn_new(struct tcp *t, const struct peer *peer, int fd, enum tcp_way way);
/* Ends it, to be told and freed later; harmless if it is over. */
void tcp_conn_close(struct tcp_conn *c);
void tcp_conn_free(struct tcp_conn *c);
/* Queues a message. ERR_RANGE: longer than the peer takes; ERR_LIMIT: the peer does not read, and
 * the connection was given up. */
MUST_USE enum err tcp_conn_send(struct tcp_conn *c, struct span datagram);
void tcp_conn_flush(struct tcp_conn *c);
/* Says that it is to be closed, and sends what is queued. */
void tcp_conn_release(struct tcp_conn *c);
/* The same, and it is over. */
void tcp_conn_dismiss(struct tcp_conn *c);
/* Makes room for one from there among those that begin, or are open (`open`). False: there is none.
 */
bool tcp_room(struct tcp *t, const struct peer *from, bool open);
/* Its timer has fired. */
void tcp_conn_due(struct tcp_conn *c, uint64_t now_ms);
/* Sets the timer to what is due next. */
void tcp_conn_arm(struct tcp_conn *c);
void tcp_arm(struct tcp *t);

#endif
