/* SPDX-License-Identifier: Apache-2.0 */
/* One session: its handshake, its records, its end. */
#include "transport/dtls.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* What fits a path of 1280 bytes behind the headers of IPv6 and UDP. */
enum { MTU = 1280 - 48 };

/* ---- what OpenSSL reads and writes */

static int io_write(BIO *b, const char *p, int n)
{
	struct dtls_io *io = BIO_get_data(b);
	BIO_clear_retry_flags(b);
	struct span s = span_make(p, n > 0 ? (size_t)n : 0);
	enum err err = n > 0 ? udp_queue(io->udp, &io->at, s) : ERR_OK;
	if (err == ERR_LIMIT && udp_flush(io->udp, sendmmsg))
		err = udp_queue(io->udp, &io->at, s);
	if (err) /* it is lost, as any datagram may be */
		io->stats->dropped++;
	return n;
}

static int io_read(BIO *b, char *out, int n)
{
	struct dtls_io *io = BIO_get_data(b);
	BIO_clear_retry_flags(b);
	if (!io->in.n || n <= 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	size_t len = io->in.n < (size_t)n ? io->in.n : (size_t)n;
	memcpy(out, io->in.p, len);
	io->in = SPAN_EMPTY;
	return (int)len;
}

static long io_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b, (void)num, (void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return MTU;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
		return 1280 - MTU;
	default:
		return 0;
	}
}

static int io_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

BIO_METHOD *dtls_io_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
	if (m && BIO_meth_set_write(m, io_write) && BIO_meth_set_read(m, io_read) &&
		BIO_meth_set_ctrl(m, io_ctrl) && BIO_meth_set_create(m, io_create))
		return m;
	BIO_meth_free(m);
	return NULL;
}

struct dtls_session *dtls_session_new(struct dtls_place *p)
{
	struct dtls *t = p->hub;
	struct dtls_session *s = calloc(1, sizeof(*s));
	BIO *bio = BIO_new(t->method);
	SSL *ssl = NULL;
	if (s)
		s->who.listener = p->index;
	if (s && bio)
		ssl = p->client ? tls_connecting(&t->tls, &s->who)
				: tls_accepting(&t->tls, &s->who, dtls_now_ms());
	if (!ssl) {
		BIO_free(bio);
		free(s);
		ERR_clear_error();
		return NULL;
	}
	s->hub = t;
	s->ssl = ssl;
	s->who.to = &s->peer;
	s->client = p->client;
	s->io.udp = p->udp;
	s->io.stats = t->stats;
	BIO_set_data(bio, &s->io);
	SSL_set_bio(ssl, bio, bio); /* takes it */
	SSL_set_mtu(ssl, MTU);
	return s;
}

void dtls_session_free(struct dtls_session *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	free(s->held);
	free(s);
}

/* ---- its time */

void dtls_session_arm(struct dtls_session *s, uint64_t now_ms)
{
	struct timeval tv;
	uint64_t due = s->due_ms;
	if (!s->open && DTLSv1_get_timeout(s->ssl, &tv)) {
		uint64_t again = now_ms + (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000;
		due = again < due ? again : due;
	}
	wheel_add(&s->hub->wheel, &s->timer, due > now_ms ? due : now_ms + 1);
	dtls_arm(s->hub);
}

void dtls_session_failed(struct dtls_session *s)
{
	struct dtls *t = s->hub;
	struct channel_failure f = tls_failure(&s->who);
	t->stats->dtls_failed++;
	t->how.failed(t->arg, &s->peer, &f);
	dtls_session_close(s, false);
}

void dtls_session_due(struct dtls_session *s, uint64_t now_ms)
{
	if (now_ms >= s->due_ms && s->open) {
		dtls_session_close(s, true);
	} else if (now_ms >= s->due_ms && s->who.asked) { /* wrong keys end in silence */
		dtls_session_failed(s);
	} else if (now_ms >= s->due_ms) {
		s->hub->stats->dtls_failed++;
		dtls_session_close(s, false);
	} else {
		if (!s->open && DTLSv1_handle_timeout(s->ssl) < 0)
			s->due_ms = now_ms; /* often enough */
		ERR_clear_error();
		dtls_session_arm(s, now_ms);
	}
}

/* ---- its end */

void dtls_session_close(struct dtls_session *s, bool alert)
{
	struct dtls *t = s->hub;
	if (s->over)
		return;
	s->over = true;
	if (alert && s->open) {
		(void)SSL_shutdown(s->ssl);
		ERR_clear_error();
	}
	wheel_del(&t->wheel, &s->timer);
	map_remove(s->open ? &t->open : &t->begun, s);
	crowd_del(s->open ? &t->opens : &t->begins, &s->member);
	s->next_dead = t->dead;
	t->dead = s;
	event_active(t->reap, 0, 0);
}

/* ---- what comes in */

static void handshake(struct dtls_session *s)
{
	int n = SSL_do_handshake(s->ssl);
	if (n == 1) {
		dtls_opened(s);
		return;
	}
	enum tls_step step = tls_step(s->ssl, n);
	if (step == TLS_STEP_CLOSED || step == TLS_STEP_FAILED)
		dtls_session_failed(s);
	else
		dtls_session_arm(s, dtls_now_ms());
}

/* One datagram may have several records. */
static void records(struct dtls_session *s)
{
	struct dtls *t = s->hub;
	int n = 0;
	while (!s->over && (n = SSL_read(s->ssl, t->scratch, sizeof(t->scratch))) > 0) {
		uint64_t now = dtls_now_ms();
		crowd_touch(&t->opens, &s->member, now);
		s->due_ms = now + t->how.idle_ms;
		t->stats->received++;
		t->input(t->arg, &s->peer, span_make(t->scratch, (size_t)n));
	}
	if (s->over)
		return;
	enum tls_step step = tls_step(s->ssl, n);
	if (step == TLS_STEP_CLOSED || step == TLS_STEP_FAILED)
		dtls_session_close(s, step == TLS_STEP_CLOSED);
}

void dtls_session_feed(struct dtls_session *s, struct span datagram)
{
	s->io.in = datagram;
	ERR_clear_error();
	if (!s->open)
		handshake(s);
	if (s->open && !s->over)
		records(s);
	s->io.in = SPAN_EMPTY;
}
