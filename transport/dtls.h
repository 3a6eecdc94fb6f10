/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS 1.2 over the sockets of udp.h, all in bounded memory. Private to transport/ and its tests.
 * Nothing is kept of an address before it has shown by a cookie that it hears us. Above this, a
 * session is a peer; a new one from the address of an old one takes its place when it is complete.
 */
#ifndef LANYARD_TRANSPORT_DTLS_H
#define LANYARD_TRANSPORT_DTLS_H

#include "base/map.h"
#include "base/wheel.h"
#include "transport/crowd.h"
#include "transport/dtls_head.h"
#include "transport/tls.h"
#include "transport/udp.h"

struct event;
struct dtls_session;

/* What stands below an SSL: the datagram at hand, and where others go. */
struct dtls_io {
	struct udp *udp;
	struct peer at; /* as the socket knows it */
	struct span in; /* empty: nothing is there */
	struct net_stats *stats;
};

/* So many encrypted records of a handshake are looked at before it is over. OpenSSL keeps each that
 * comes too early, in 16 kB of its own. */
enum { DTLS_SEALED_MAX = 12 };

struct dtls_session {
	struct timer timer; /* first */
	struct dtls *hub;
	struct crowd_member member; /* of those that begin, or are open */
	struct dtls_session *next_dead;
	struct tls_who who;
	struct dtls_io io; /* in the map by io.at */
	struct peer peer;  /* as told */
	SSL *ssl;
	uint64_t due_ms; /* when it is given up */
	uint8_t random[DTLS_RANDOM];
	uint16_t sealed; /* of its records until it is open */
	uint8_t *held;   /* a client's message that waits for the end of the handshake; or NULL */
	size_t held_n;
	bool open, over, client;
};

struct dtls_place {
	struct dtls *hub;
	struct udp *udp;
	uint16_t index;
	bool client; /* sessions are opened from here */
	/* For ClientHellos that bring no cookie, and then for the first that does. */
	struct dtls_session *next;
};

struct dtls {
	struct event_base *base;
	net_input_fn *input;
	net_closed_fn **closed;
	void *arg;
	struct event *turn_event, *tick, *reap;
	struct net_stats *stats;
	struct net_secure how;
	struct tls tls;
	BIO_METHOD *method;
	struct map open, begun;     /* sessions by address */
	struct crowd opens, begins; /* by credential; by address */
	struct wheel wheel;
	uint64_t armed_ms;
	struct dtls_session *dead;
	uint16_t next_connection;
	uint8_t cookie_key[16];
	struct dtls_place place[NET_LISTENERS_MAX];
	uint8_t scratch[NET_DATAGRAM_MAX];
};

/* ERR_NOMEM; ERR_UNSUPPORTED with `why`. `closed` is looked at when a session ends. */
MUST_USE enum err dtls_new(struct event_base *base, net_input_fn *input, net_closed_fn **closed,
	void *arg, struct event *turn_event, struct net_stats *stats, const struct net_secure *how,
	struct dtls **out, char *why);
void dtls_free(struct dtls *t);
/* What comes from that socket is DTLS; `client`: of sessions that we open. */
void dtls_serve(struct dtls *t, uint16_t index, struct udp *udp, bool client);
/* That listener, which is open or not, has this identity; as net_identify. */
MUST_USE enum err dtls_identify(
	struct dtls *t, uint16_t index, const struct net_identity *id, char *why);
void dtls_hang_up(struct dtls *t, const struct peer *who);
bool dtls_has(const struct dtls *t, uint16_t index);
/* A net_input_fn, whose argument is the place. */
void dtls_input(void *place, const struct peer *from, struct span datagram);
/* As net_send. */
MUST_USE enum err dtls_send(struct dtls *t, const struct peer *to, struct span datagram);
uint64_t dtls_mark(const struct dtls *t, const struct peer *who);
/* Tells all peers that their sessions end. */
void dtls_release(struct dtls *t);

/* dtls_session.c */
struct dtls_session *dtls_session_new(struct dtls_place *p);
void dtls_session_free(struct dtls_session *s);
/* Goes on with what has come, in a handshake or after it. */
void dtls_session_feed(struct dtls_session *s, struct span datagram);
/* Sends the next flight again, or gives it up. */
void dtls_session_due(struct dtls_session *s, uint64_t now_ms);
void dtls_session_arm(struct dtls_session *s, uint64_t now_ms);
/* Ends it; `alert`: the peer is told. To be freed later; harmless if it is over. */
void dtls_session_close(struct dtls_session *s, bool alert);
/* Its handshake came to nothing, which is told. */
void dtls_session_failed(struct dtls_session *s);
/* The handshake is over. */
void dtls_opened(struct dtls_session *s);
void dtls_arm(struct dtls *t);
uint64_t dtls_now_ms(void);
BIO_METHOD *dtls_io_method(void);

#endif
