/* SPDX-License-Identifier: Apache-2.0 */
/* What DTLS and TLS share: versions, suites, who is there, tickets. Private to transport/ and its
 * tests; with dtls.c and tls*.c alone it sees OpenSSL. */
#ifndef LANYARD_TRANSPORT_TLS_H
#define LANYARD_TRANSPORT_TLS_H

#include "transport/net.h"
#include "transport/tls_openssl.h"

struct tls {
	SSL_CTX *ctx;
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
};

/* ERR_NOMEM; ERR_UNSUPPORTED: this OpenSSL lacks something, and `why` (256 bytes) says it. */
MUST_USE enum err tls_init(
	struct tls *t, bool dtls, const struct net_secure *how, void *arg, char *why);
void tls_fini(struct tls *t);
/* One of the server's side; NULL: no memory. `who` outlives it. New tickets get new keys once a
 * day. */
SSL *tls_accepting(struct tls *t, struct tls_who *who, uint64_t now_ms);
/* One of the client's side, which proves itself and has the server prove itself by `how->own`;
 * likewise.
 */
SSL *tls_connecting(struct tls *t, struct tls_who *who);
/* After a handshake: the mark of the credential it was made with; 0: it counts for nothing. */
uint64_t tls_mark(const SSL *ssl, const struct tls_who *who);
/* Why a handshake came to nothing. */
enum channel_fault tls_fault(const struct tls_who *who);
/* May it go on after this result of an SSL_* call, and is there only something to wait for? Empties
 * the queue of errors. */
enum tls_step { TLS_STEP_WAIT, TLS_STEP_WRITE, TLS_STEP_CLOSED, TLS_STEP_FAILED };
enum tls_step tls_step(SSL *ssl, int result);

#endif
