/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams in and out: UDP sockets on a libevent loop, in batches, DTLS sessions on such sockets,
 * and TCP connections, whose messages have the form of datagrams here (coap/stream.h). */
#ifndef LANYARD_TRANSPORT_NET_H
#define LANYARD_TRANSPORT_NET_H

#include "base/channel.h"
#include "base/peer.h"
#include "base/span.h"

struct event_base;
struct net;

enum { NET_BATCH = 64, NET_DATAGRAM_MAX = 2048, NET_LISTENERS_MAX = 16 };
/* The longest message that a connection may send us, as a frame: our Max-Message-Size. */
enum { NET_MESSAGE_MAX = 4096 };

/* One datagram; it dies with the call. A datagram larger than NET_DATAGRAM_MAX never arrives
 * (counted). */
typedef void net_input_fn(void *arg, const struct peer *from, struct span datagram);
/* These datagrams come next, one by one. */
typedef void net_expect_fn(void *arg, const struct span *datagrams, size_t n);
/* The reads of one turn are over: time to submit and to flush. At most NET_BATCH * 4 datagrams of
 * each socket make a turn. */
typedef void net_turn_fn(void *arg);

struct net_stats {
	uint64_t received, sent, receive_errors, send_errors;
	uint64_t truncated;                 /* incoming, larger than NET_DATAGRAM_MAX */
	uint64_t dropped;                   /* outgoing: the queue was full */
	uint64_t overflowed;                /* incoming: the kernel's buffer was full */
	uint64_t tcp_accepted, tcp_refused; /* connections; refused: there were too many */
	uint64_t tcp_timeouts; /* ended for silence, or for a message that did not end */
	uint64_t tcp_slow;     /* ended because the peer did not read */
	uint64_t tcp_evicted;  /* ended to make room for others */
	uint64_t tcp_aborts;   /* ended for what the peer sent */
	uint64_t tcp_open;     /* now */
	uint64_t dtls_opened, dtls_failed;   /* handshakes */
	uint64_t tls_opened, tls_failed;     /* likewise, of TLS */
	uint64_t dtls_strays;                /* datagrams of no session */
	uint64_t dtls_refused;               /* ClientHellos: there were too many handshakes */
	uint64_t dtls_open, dtls_handshakes; /* now */
};

/* How DTLS and TLS find out who is there, and what DTLS may cost. */
struct net_secure {
	/* The key of a PSK identity at that listener. False: nobody has it there. */
	bool (*psk)(void *arg, uint16_t listener, struct span identity, struct channel_psk *out);
	/* Does the credential of that mark count there, still? */
	bool (*known)(void *arg, uint16_t listener, uint64_t mark);
	/* For clients: what is to be said to that peer. False: nothing. The mark is not looked at.
	 */
	bool (*own)(void *arg, const struct peer *to,
		char identity[static CHANNEL_IDENTITY_MAX + 1], struct channel_psk *out);
	/* Whose a client's certificate or raw public key is at that listener, or why it is refused;
	 * `out->name` is told either way, if it is known whose it means to be. NULL: all are
	 * refused. */
	enum channel_fault (*peer)(void *arg, uint16_t listener, const struct channel_peer *peer,
		struct channel_owner *out);
	/* A handshake came to nothing. From the loop. */
	void (*failed)(void *arg, const struct peer *who, const struct channel_failure *f);
	uint32_t sessions, handshakes; /* at a time; the one that was quiet longest goes */
	/* Of one credential; from one address, or IPv6 network of 64 bits. 0: no bound. */
	uint32_t sessions_each, handshakes_each;
	uint64_t idle_ms, handshake_ms; /* without a record; for all of a handshake */
	uint64_t spared_ms; /* a handshake as young as that does not go: newcomers wait */
};

/* By what a listener of DTLS or TLS proves itself, beside pre-shared keys, and whom it trusts.
 * Files are PEM. */
struct net_identity {
	const char *certificate; /* its own, then those between it and a CA; NULL: none */
	const char *key;         /* of the certificate, and of the raw public key */
	const char *ca;          /* trust anchors for clients' certificates; NULL: none */
	const char *crl;         /* of each CA that signs clients' certificates; NULL: none */
	bool raw_keys;           /* raw public keys (RFC 7250) are served */
};
/* What those files hold, without a listener. Errors are those of net_identify. */
MUST_USE enum err net_identity_check(const struct net_identity *id, char *why);
/* Are there raw public keys in this OpenSSL? `version` is its name, for an operator. */
bool net_has_raw_keys(const char **version);

/* What connections may cost. Of those that come in, where it is about their number. */
struct net_tcp_limits {
	/* Those that have sent a CSM: the one that was quiet longest goes. An IPv6 address stands
	 * for its /64. */
	uint32_t connections, per_address;
	/* Those that have not yet: beside them, and the oldest goes. */
	uint32_t handshakes, handshakes_each;
	uint64_t spared_ms;      /* neither goes that is as young as that: newcomers are refused */
	uint32_t tx_bytes;       /* what may wait for one peer to read it */
	uint64_t tx_total_bytes; /* and for all of them */
	uint64_t csm_ms;         /* for the first message */
	uint64_t frame_ms;       /* for the rest of one that has begun */
	uint64_t stuck_ms;       /* for a peer to read anything */
	uint64_t idle_ms;        /* without any message */
	uint64_t connect_ms, release_ms; /* to connect; to close after a Release */
};
void net_tcp_limits_default(struct net_tcp_limits *out);

MUST_USE enum err net_new(struct event_base *base, net_input_fn *input, net_turn_fn *turn,
	void *arg, struct net **out);
/* Has `expect` called before the datagrams of each read. */
void net_expect(struct net *n, net_expect_fn *expect);
/* Closes all sockets; what was queued is dropped. */
void net_free(struct net *n);

/* Opens a UDP socket as listener number `index`. address: numeric IPv4 or IPv6 (with %scope), or
 * "*" for dual-stack any. Large buffers, IP(V6)_PKTINFO, so that answers leave from the address
 * that was spoken to. With port 0 the kernel picks one. `why` (256 bytes) gets a text for the
 * operator. ERR_SYNTAX: no such address form; ERR_BUSY: the port is taken; ERR_NOTFOUND: this
 * machine has no such address or interface; ERR_EXISTS, ERR_LIMIT: the index; ERR_IO, ERR_NOMEM. */
MUST_USE enum err net_listen_udp(
	struct net *n, uint16_t index, const char *address, uint16_t port, char *why);
/* For DTLS and TLS from now on, before their listeners; `arg` is that of net_new. */
void net_secure(struct net *n, const struct net_secure *secure);
/* That listener of DTLS (or of TLS) has this identity for handshakes from now on, before it is open
 * or after; on an error the one that it had. ERR_IO, ERR_SYNTAX, ERR_RANGE (the key is open to
 * others), ERR_UNSUPPORTED (raw keys), ERR_NOMEM, ERR_STATE, with `why`; ERR_OK may come with a
 * warning there. */
MUST_USE enum err net_identify(
	struct net *n, uint16_t index, bool dtls, const struct net_identity *id, char *why);
/* As net_listen_udp, for DTLS 1.2. ERR_UNSUPPORTED: OpenSSL lacks what it takes; ERR_STATE: no
 * net_secure. */
MUST_USE enum err net_listen_dtls(
	struct net *n, uint16_t index, const char *address, uint16_t port, char *why);
/* The mark of the credential that a peer's channel was opened with; 0: it has none, or is gone. */
uint64_t net_mark(const struct net *n, const struct peer *who);
/* Opens a TCP socket that takes connections (RFC 8323), as listener number `index`; or takes `fd`,
 * which is one, if it is not -1. Its peers have a connection number, so that no two are equal.
 * Errors as above; ERR_SYNTAX also if `fd` is no such socket. Takes `fd` in any case. */
MUST_USE enum err net_listen_tcp(
	struct net *n, uint16_t index, const char *address, uint16_t port, int fd, char *why);
/* The same, for TLS 1.2 and 1.3; `net_secure` first. ERR_UNSUPPORTED, ERR_STATE as for DTLS. */
MUST_USE enum err net_listen_tls(
	struct net *n, uint16_t index, const char *address, uint16_t port, int fd, char *why);
/* For clients: what is sent to a TCP peer of this listener opens a connection from to->local, if
 * there is none; its connection number is 0. */
MUST_USE enum err net_dial_tcp(struct net *n, uint16_t index);
/* The same for TLS 1.2, and for DTLS 1.2 from a socket of its own (any port of that address): a
 * session is opened for what is sent there, of which the last message waits. `net_secure` with
 * `own` first. */
MUST_USE enum err net_dial_tls(struct net *n, uint16_t index, char *why);
MUST_USE enum err net_dial_dtls(struct net *n, uint16_t index, const char *address, char *why);
/* Ends a client's DTLS session, if there is one: the next message begins another. */
void net_hang_up(struct net *n, const struct peer *who);
/* For connections from now on. */
void net_tcp_limits(struct net *n, const struct net_tcp_limits *limits);
/* A connection has ended: what was sent to it may not have arrived, and nothing will. Called from
 * the loop, never from within net_send; a turn follows. */
typedef void net_closed_fn(void *arg, const struct peer *who);
void net_on_closed(struct net *n, net_closed_fn *closed);
uint16_t net_port(const struct net *n, uint16_t index);
/* Stops reading for good (a clean stop); sending still works. */
void net_pause(struct net *n);
/* Tells all connections and sessions that they are to be closed, behind what is queued. */
void net_release(struct net *n);

/* Queues a datagram for to->listener; copied. ERR_NOTFOUND for a listener or a connection that is
 * not there,
 * ERR_LIMIT when the queue is full (dropped and counted: CoAP retransmits), ERR_RANGE for a peer
 * that the listener's family cannot reach or a datagram above NET_DATAGRAM_MAX. Over TCP ERR_LIMIT
 * means that the connection was given up, for its peer does not read, and ERR_RANGE that the peer
 * does not take so long a message. */
MUST_USE enum err net_send(struct net *n, const struct peer *to, struct span datagram);
/* Sends what is queued, in order (sendmmsg); what the kernel does not take now follows when the
 * socket is writable. */
void net_flush(struct net *n);
void net_stats(const struct net *n, struct net_stats *out);

/* A peer from numeric text, for clients and tools. ERR_SYNTAX, or ERR_NOTFOUND for an interface
 * that is not there. */
MUST_USE enum err net_peer(const char *address, uint16_t port, uint16_t listener, struct peer *out);

#endif
