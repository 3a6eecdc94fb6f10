/* SPDX-License-Identifier: Apache-2.0 */
/* A DTLS listener over loopback, and OpenSSL's client. The clock is the real one. */
#ifndef LANYARD_TESTS_TRANSPORT_DTLS_WORLD_H
#define LANYARD_TESTS_TRANSPORT_DTLS_WORLD_H

#include "transport/dtls.h"

#include "tests/unit/test.h"
#include "transport/addr.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, MARK = 4711, DATAGRAM = 2048 };

static const char key[] = "0123456789abcdef";

struct world {
	struct event_base *base;
	struct net *net;
	struct net_secure how;
	size_t inputs, closed, failed;
	struct peer from, gone;
	uint8_t bytes[DATAGRAM];
	size_t n;
	enum channel_fault why;
	uint64_t mark;
	bool forgotten; /* the credential is gone */
	bool wrong;     /* our own key is */
	uint16_t port;
};

static inline bool on_psk(
	void *arg, uint16_t listener, struct span identity, struct channel_psk *out)
{
	const struct world *w = arg;
	CHECK(listener == 3, "the listener is told");
	if (w->forgotten || !span_eq_str(identity, "me"))
		return false;
	*out = (struct channel_psk){.mark = MARK, .key_n = 16};
	memcpy(out->key, key, 16);
	return true;
}

static inline bool on_known(void *arg, uint16_t listener, uint64_t mark)
{
	const struct world *w = arg;
	return listener == 3 && mark == MARK && !w->forgotten;
}

static inline void on_failed(void *arg, const struct peer *who, const struct channel_failure *f)
{
	struct world *w = arg;
	w->failed++;
	w->why = f->why;
	w->mark = f->mark;
	CHECK(who->bearer == BEARER_DTLS, "whose handshake failed");
}

static inline void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct world *w = arg;
	w->inputs++;
	w->from = *from;
	w->n = datagram.n;
	memcpy(w->bytes, datagram.p, datagram.n);
}

static inline void on_turn(void *arg)
{
	struct world *w = arg;
	net_flush(w->net);
}

static inline void on_closed(void *arg, const struct peer *who)
{
	struct world *w = arg;
	w->closed++;
	w->gone = *who;
}

/* `how` of the world as it is asked for here. */
static inline void world_open(struct world *w)
{
	char why[256] = "";
	w->how.psk = on_psk;
	w->how.known = on_known;
	w->how.failed = on_failed;
	w->base = event_base_new();
	REQUIRE(w->base && !net_new(w->base, on_input, on_turn, w, &w->net), "net_new");
	net_on_closed(w->net, on_closed);
	CHECK(net_listen_dtls(w->net, 3, "127.0.0.1", 0, why) == ERR_STATE && why[0],
		"nobody to ask for keys");
	net_secure(w->net, &w->how);
	REQUIRE(!net_listen_dtls(w->net, 3, "127.0.0.1", 0, why), why);
	w->port = net_port(w->net, 3);
}

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->how.sessions = 100;
	w->how.handshakes = 100;
	w->how.idle_ms = 60000;
	w->how.handshake_ms = 60000;
	world_open(w);
}

static inline void world_fini(struct world *w)
{
	net_free(w->net);
	event_base_free(w->base);
}

static inline struct net_stats stats(const struct world *w)
{
	struct net_stats s;
	net_stats(w->net, &s);
	return s;
}

/* ---- the other end */

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	const char *identity, *key;
	SSL_SESSION *session; /* the last one */
	uint8_t sent[DATAGRAM];
	size_t sent_n, got, got_bytes; /* the last datagram of ours; theirs */
};

static inline unsigned client_psk(SSL *ssl, const char *hint, char *identity, unsigned max,
	unsigned char *psk, unsigned psk_max)
{
	const struct client *c = SSL_get_app_data(ssl);
	(void)hint, (void)psk_max;
	snprintf(identity, max, "%s", c->identity);
	memcpy(psk, c->key, 16);
	return 16;
}

/* A new handshake, on the same socket if there is one. */
static inline void client_begin(struct client *c, struct world *w, const char *suites)
{
	union addr a;
	if (!c->ctx) {
		REQUIRE(!addr_parse("127.0.0.1", w->port, &a), "an address");
		c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		REQUIRE(!connect(c->fd, &a.sa, addr_len(&a)), "connect");
		c->ctx = SSL_CTX_new(DTLS_client_method());
		SSL_CTX_set_security_level(c->ctx, 0);
		SSL_CTX_set_psk_client_callback(c->ctx, client_psk);
		REQUIRE(SSL_CTX_set_cipher_list(c->ctx, suites), "suites");
	}
	c->ssl = SSL_new(c->ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(c->in, -1);
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_app_data(c->ssl, c);
	SSL_set_options(c->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(c->ssl, 1200);
	SSL_set_connect_state(c->ssl);
	if (c->session)
		SSL_set_session(c->ssl, c->session);
}

static inline void client_init(
	struct client *c, struct world *w, const char *identity, const char *psk)
{
	memset(c, 0, sizeof(*c));
	c->identity = identity;
	c->key = psk;
	client_begin(c, w, "PSK-AES128-CCM8");
}

static inline void client_fini(struct client *c)
{
	SSL_free(c->ssl);
	SSL_SESSION_free(c->session);
	SSL_CTX_free(c->ctx);
	close(c->fd);
}

/* What has to go goes, what has come comes. */
static inline void client_pump(struct client *c)
{
	char *p;
	long n = BIO_get_mem_data(c->out, &p);
	uint8_t buf[DATAGRAM];
	if (n > 0) {
		memcpy(c->sent, p, c->sent_n = (size_t)n);
		CHECK(send(c->fd, p, (size_t)n, 0) == n, "client sends");
		(void)BIO_reset(c->out);
	}
	for (ssize_t got; (got = recv(c->fd, buf, sizeof(buf), 0)) > 0;) {
		c->got++;
		c->got_bytes += (size_t)got;
		BIO_write(c->in, buf, (int)got);
	}
}

static inline void step(struct world *w)
{
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	(void)poll(NULL, 0, 1);
}

/* True once the handshake is over. */
static inline bool shake(struct world *w, struct client *c, uint64_t ms)
{
	for (uint64_t end = dtls_now_ms() + ms; dtls_now_ms() < end;) {
		ERR_clear_error();
		int n = SSL_do_handshake(c->ssl);
		int e = SSL_get_error(c->ssl, n);
		client_pump(c);
		if (n == 1)
			return true;
		if (e != SSL_ERROR_WANT_READ)
			return false;
		step(w);
	}
	return false;
}

static inline bool until(struct world *w, const size_t *n, size_t want)
{
	for (uint64_t end = dtls_now_ms() + PATIENCE_MS; *n < want && dtls_now_ms() < end;)
		step(w);
	return *n == want;
}

static inline bool open_client(struct world *w, struct client *c)
{
	client_init(c, w, "me", key);
	return shake(w, c, PATIENCE_MS) && (step(w), stats(w).dtls_open > 0);
}

static inline bool say(struct world *w, struct client *c, const char *text)
{
	size_t want = w->inputs + 1;
	SSL_write(c->ssl, text, (int)strlen(text));
	client_pump(c);
	return until(w, &w->inputs, want) && span_eq_str(span_make(w->bytes, w->n), text);
}

/* The answer to the last message. */
static inline bool hears(struct world *w, struct client *c, const char *text)
{
	char buf[64];
	if (net_send(w->net, &w->from, span_str(text)))
		return false;
	net_flush(w->net);
	for (uint64_t end = dtls_now_ms() + PATIENCE_MS; dtls_now_ms() < end; step(w)) {
		client_pump(c);
		int n = SSL_read(c->ssl, buf, sizeof(buf));
		if (n > 0)
			return span_eq_str(span_make(buf, (size_t)n), text);
	}
	return false;
}

/* Until the server keeps something of it. */
static inline void begin(struct world *w, struct client *c)
{
	SSL_do_handshake(c->ssl);
	client_pump(c);
	step(w);
	client_pump(c);
	SSL_do_handshake(c->ssl);
	client_pump(c);
	step(w);
}

#endif
