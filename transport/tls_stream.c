/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL reads and writes the socket through a BIO of ours, which raises no signal. */
#include "transport/tls_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls_stream {
	struct tls_who who;
	SSL *ssl;
	int fd; /* of the call at hand */
	uint64_t mark;
	bool broken; /* nothing more can be said */
};

static int done(BIO *b, ssize_t n, bool reading)
{
	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (reading)
			BIO_set_retry_read(b);
		else
			BIO_set_retry_write(b);
	}
	return (int)n;
}

static int io_write(BIO *b, const char *p, int n)
{
	const struct tls_stream *s = BIO_get_data(b);
	return done(b, send(s->fd, p, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL), false);
}

static int io_read(BIO *b, char *out, int n)
{
	const struct tls_stream *s = BIO_get_data(b);
	return done(b, recv(s->fd, out, (size_t)n, MSG_DONTWAIT), true);
}

static long io_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static int io_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

/* One for all connections: there are few numbers for methods. */
static BIO_METHOD *method_of(struct tls *t)
{
	if (t->stream)
		return t->stream;
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "a socket");
	if (m && BIO_meth_set_write(m, io_write) && BIO_meth_set_read(m, io_read) &&
		BIO_meth_set_ctrl(m, io_ctrl) && BIO_meth_set_create(m, io_create))
		return t->stream = m;
	BIO_meth_free(m);
	return NULL;
}

struct tls_stream *tls_stream_new(struct tls *t, uint16_t listener, const struct peer *to)
{
	BIO_METHOD *m = method_of(t);
	struct tls_stream *s = m ? calloc(1, sizeof(*s)) : NULL;
	BIO *bio = s ? BIO_new(m) : NULL;
	if (s) {
		s->who.listener = listener;
		s->who.to = to;
	}
	if (bio)
		s->ssl = to ? tls_connecting(t, &s->who) : tls_accepting(t, &s->who, tcp_now_ms());
	if (!s || !s->ssl) {
		BIO_free(bio);
		free(s);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, s);
	SSL_set_bio(s->ssl, bio, bio); /* takes it */
	return s;
}

uint64_t tls_stream_mark(const struct tls_stream *s)
{
	return s->mark;
}

void tls_stream_failed(const struct tls_stream *s, const struct peer *who)
{
	const struct tls *t = s->who.tls;
	struct channel_failure f = tls_failure(&s->who);
	t->how->failed(t->arg, who, &f);
}

static enum tcp_open stream_open(void *stream, int fd)
{
	struct tls_stream *s = stream;
	s->fd = fd;
	ERR_clear_error();
	int n = SSL_do_handshake(s->ssl);
	if (n == 1) {
		s->mark = tls_mark(s->ssl, &s->who);
		return s->mark ? TCP_OPEN_DONE : TCP_OPEN_FAILED;
	}
	switch (tls_step(s->ssl, n)) {
	case TLS_STEP_WAIT:
		return TCP_OPEN_READ;
	case TLS_STEP_WRITE:
		return TCP_OPEN_WRITE;
	case TLS_STEP_CLOSED:
	case TLS_STEP_FAILED:
		break;
	}
	s->broken = true;
	return TCP_OPEN_FAILED;
}

/* As recv(2) would say it. */
static ssize_t result(struct tls_stream *s, int n)
{
	if (n > 0)
		return n;
	switch (tls_step(s->ssl, n)) {
	case TLS_STEP_WAIT:
	case TLS_STEP_WRITE:
		errno = EAGAIN;
		return -1;
	case TLS_STEP_CLOSED:
		return 0;
	case TLS_STEP_FAILED:
		break;
	}
	s->broken = true;
	errno = EPROTO;
	return -1;
}

/* A record's worth. */
static int at_most(size_t n)
{
	enum { RECORD = 16384 };
	return n < RECORD ? (int)n : RECORD;
}

static ssize_t stream_read(void *stream, int fd, void *buf, size_t n)
{
	struct tls_stream *s = stream;
	s->fd = fd;
	ERR_clear_error();
	return result(s, SSL_read(s->ssl, buf, at_most(n)));
}

static ssize_t stream_write(void *stream, int fd, const void *buf, size_t n)
{
	struct tls_stream *s = stream;
	s->fd = fd;
	ERR_clear_error();
	ssize_t got = result(s, SSL_write(s->ssl, buf, at_most(n)));
	if (got)
		return got;
	errno = EPIPE;
	return -1;
}

/* Says that no more is sent, as far as it can be said at once. */
static void stream_end(void *stream, int fd)
{
	struct tls_stream *s = stream;
	s->fd = fd;
	ERR_clear_error();
	if (s->mark && !s->broken)
		(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
}

static void stream_free(void *stream)
{
	struct tls_stream *s = stream;
	SSL_free(s->ssl);
	free(s);
}

const struct tcp_bytes tls_stream_bytes = {
	stream_open, stream_read, stream_write, stream_end, stream_free};
