/* SPDX-License-Identifier: Apache-2.0 */
/* What DTLS and TLS share: versions, suites, who is there, tickets. Private to transport/ and its
 * tests; with dtls.c and tls*.c alone it sees OpenSSL. */
#ifndef LANYARD_TRANSPORT_TLS_H
#define LANYARD_TRANSPORT_TLS_H

#include "transport/net.h"
#include "transport/tls_openssl.h"

struct tls {
	SSL_CTX *ctx;
	SSL_CTX *own[NET_LISTENERS_MAX]; /* of listeners that have an identity; else NULL */
	bool dtls;
	int (*cookie_check)(SSL *, const unsigned char *, unsigned); /* of DTLS */
	int (*cookie_make)(SSL *, unsigned char *, unsigned *);
	const struct net_secure *how; /* both of whoever has this */
	void *arg;
	BIO_METHOD *stream; /* of connections; NULL: there were none */
	uint64_t keys_ms;   /* when the keys of tickets were drawn */
};

/* What is found out about a peer in its handshake; set as the app data of its SSL. */
struct tls_who {
	struct tls *tls;
	const struct peer *to; /* of a client: whom it speaks to */
	uint16_t listener;
	bool asked;    /* an identity was given */
	uint64_t mark; /* 0: nobody's */
	/* Of a peer that came with a certificate or a raw public key. */
	bool peer, trusted;
	enum channel_fault fault;   /* why it was refused */
	struct channel_owner owner; /* whose it is, or was meant to be */
	int64_t until_s;            /* since 1970; when it expires */
};

/* ERR_NOMEM; ERR_UNSUPPORTED: this OpenSSL lacks something, and `why` (256 bytes) says it. The
 * callbacks for cookies are set before. */
MUST_USE enum err tls_init(
	struct tls *t, bool dtls, const struct net_secure *how, void *arg, char *why);
void tls_fini(struct tls *t);
/* That listener has this identity, or none if it has no key, from its next handshake on. On an
 * error it keeps the one it has: those of tls_files_load. */
MUST_USE enum err tls_identify(
	struct tls *t, uint16_t listener, const struct net_identity *id, char *why);
/* One of the server's side, at who->listener; NULL: no memory. `who` outlives it. New tickets get
 * new keys once a day. */
SSL *tls_accepting(struct tls *t, struct tls_who *who, uint64_t now_ms);
/* One of the client's side, which proves itself and has the server prove itself by `how->own`;
 * likewise.
 */
SSL *tls_connecting(struct tls *t, struct tls_who *who);
/* After a handshake: the mark of the credential it was made with; 0: it counts for nothing. */
uint64_t tls_mark(SSL *ssl, struct tls_who *who);
/* Why a handshake came to nothing; it lives as long as `who`. */
struct channel_failure tls_failure(const struct tls_who *who);
/* May it go on after this result of an SSL_* call, and is there only something to wait for? Empties
 * the queue of errors. */
enum tls_step { TLS_STEP_WAIT, TLS_STEP_WRITE, TLS_STEP_CLOSED, TLS_STEP_FAILED };
enum tls_step tls_step(SSL *ssl, int result);

/* tls_files.c: certificate, key, trust anchors and revocation lists of a listener, from files.
 * ERR_IO: one cannot be read; ERR_SYNTAX: it does not hold what it should, or they do not fit
 * together; ERR_RANGE: the key may be read by everybody; ERR_UNSUPPORTED; ERR_NOMEM. `why` (256
 * bytes) says which, and may hold a warning where all is well. */
MUST_USE enum err tls_files_load(SSL_CTX *c, const struct net_identity *id, char *why);
/* tls_peer.c: has certificates and raw keys of clients looked at. */
void tls_peer_set_up(SSL_CTX *c);
/* The key of a peer is proven: its credential is made, if it is not there. */
void tls_peer_proven(SSL *ssl, struct tls_who *who);

#endif
