/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: bytes in, frames out; signalling; what it may cost. */
#include "transport/tls_stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEAD_ROOM = 16, /* of a frame whose length is not known yet */
	DATAGRAM_ROOM = NET_MESSAGE_MAX + 4,
	FIRST_TX = 256,
	DRAIN_READS = 16,
};

static enum tcp_open plain_open(void *stream, int fd)
{
	(void)stream;
	(void)fd;
	return TCP_OPEN_DONE;
}

static void plain_end(void *stream, int fd)
{
	(void)stream;
	(void)fd;
}

static ssize_t plain_read(void *stream, int fd, void *buf, size_t n)
{
	(void)stream;
	return recv(fd, buf, n, MSG_DONTWAIT);
}

static ssize_t plain_write(void *stream, int fd, const void *buf, size_t n)
{
	(void)stream;
	return send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void plain_free(void *stream)
{
	(void)stream;
}

static const struct tcp_bytes plain = {plain_open, plain_read, plain_write, plain_end, plain_free};

/* ---- its time */

void tcp_conn_arm(struct tcp_conn *c)
{
	uint64_t due = c->quiet_ms < c->stuck_ms ? c->quiet_ms : c->stuck_ms;

	wheel_add(&c->hub->wheel, &c->timer, due);
	tcp_arm(c->hub);
}

/* A timer that fires too early costs less than one that is moved with every message. */
static void quiet_until(struct tcp_conn *c, uint64_t wait_ms)
{
	uint64_t due = tcp_now_ms() + wait_ms;
	bool sooner = due < c->quiet_ms;

	c->quiet_ms = due;
	if (sooner || !timer_armed(&c->timer))
		tcp_conn_arm(c);
}

static void handshake_failed(const struct tcp_conn *c)
{
	c->hub->stats->tls_failed++;
	tls_stream_failed(c->stream, &c->peer);
}

void tcp_conn_due(struct tcp_conn *c, uint64_t now_ms)
{
	if (now_ms < c->quiet_ms && now_ms < c->stuck_ms) {
		tcp_conn_arm(c);
		return;
	}
	c->hub->stats->tcp_timeouts++;
	if (c->opening)
		handshake_failed(c);
	if (!c->connecting && !c->releasing && now_ms >= c->quiet_ms && !c->part_n && c->heard)
		tcp_conn_release(c);
	tcp_conn_close(c);
}

/* ---- the end of it */

void tcp_conn_close(struct tcp_conn *c)
{
	struct tcp *t = c->hub;

	if (c->fd < 0)
		return;
	wheel_del(&t->wheel, &c->timer);
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	c->readable = c->writable = NULL;
	close(c->fd);
	c->fd = -1;
	t->tx_bytes -= c->tx_cap;
	free(c->tx);
	free(c->part);
	c->tx = c->part = NULL;
	c->tx_cap = c->tx_n = c->tx_at = c->part_n = c->part_cap = 0;
	map_remove(&t->conns, c);
	crowd_del(c->heard ? &t->opens : &t->begins, &c->member);
	crowd_del(&t->stuck, &c->stuck);
	c->next_dead = t->dead;
	t->dead = c;
	event_active(t->reap, 0, 0);
}

void tcp_conn_free(struct tcp_conn *c)
{
	c->bytes->free(c->stream);
	free(c);
}

/* ---- out */

/* Whoever does not read what it is sent loses its connection, and holds up nobody. */
static enum err give_up(struct tcp_conn *c)
{
	c->hub->stats->tcp_slow++;
	tcp_conn_close(c);
	return ERR_LIMIT;
}

/* Of what all may have waiting. Those that have not read for longest give theirs back first, so
 * that they do not take it from those that read. */
static bool make_tx_room(struct tcp_conn *c, size_t n)
{
	struct tcp *t = c->hub;
	struct crowd_member *m;

	while (t->tx_bytes + n > t->limits.tx_total_bytes && (m = t->stuck.all.oldest) &&
		m != &c->stuck)
		(void)give_up((void *)((char *)m - offsetof(struct tcp_conn, stuck)));
	return t->tx_bytes + n <= t->limits.tx_total_bytes;
}

/* Room for n more bytes at the end of what is to be sent. */
static bool tx_room(struct tcp_conn *c, size_t n)
{
	struct tcp *t = c->hub;
	size_t used = c->tx_n - c->tx_at, cap = c->tx_cap ? c->tx_cap : FIRST_TX;

	if (used + n > t->limits.tx_bytes)
		return false;
	if (c->tx_at) {
		memmove(c->tx, &c->tx[c->tx_at], used);
		c->tx_at = 0;
		c->tx_n = used;
	}
	while (cap < used + n)
		cap *= 2;
	if (cap == c->tx_cap)
		return true;
	if (!make_tx_room(c, cap - c->tx_cap))
		return false;
	uint8_t *tx = realloc(c->tx, cap);
	if (!tx)
		return false;
	t->tx_bytes += cap - c->tx_cap;
	c->tx = tx;
	c->tx_cap = cap;
	return true;
}

static void mark_dirty(struct tcp_conn *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = true;
	c->next_dirty = c->hub->dirty;
	c->hub->dirty = c;
}

static enum err queue(struct tcp_conn *c, struct span frame)
{
	if (c->fd < 0)
		return ERR_NOTFOUND;
	if (!tx_room(c, frame.n))
		return give_up(c);
	memcpy(&c->tx[c->tx_n], frame.p, frame.n);
	c->tx_n += frame.n;
	mark_dirty(c);
	return ERR_OK;
}

enum err tcp_conn_send(struct tcp_conn *c, struct span datagram)
{
	uint8_t frame[NET_MESSAGE_MAX + STREAM_HEAD_MAX];
	struct writer w = wr_make(frame, sizeof(frame));
	enum err err = stream_from_datagram(datagram, &w);

	if (err == ERR_SPACE || (!err && w.n > c->theirs.max_message_bytes))
		return ERR_RANGE;
	if (!err && c->releasing)
		return ERR_NOTFOUND;
	if (!err)
		err = queue(c, wr_span(&w));
	if (!err && msg_code_is_response(datagram.p[1]) && c->open_n)
		c->open_n--;
	if (!err)
		c->hub->stats->sent++;
	return err;
}

static void queue_signal(struct tcp_conn *c, const struct writer *w)
{
	if (queue(c, wr_span(w)) == ERR_OK)
		event_active(c->hub->turn_event, EV_READ, 0);
}

static void tx_done(struct tcp_conn *c)
{
	c->hub->tx_bytes -= c->tx_cap;
	free(c->tx);
	c->tx = NULL;
	c->tx_cap = c->tx_n = c->tx_at = 0;
	c->stuck_ms = UINT64_MAX;
}

/* Waits for the peer to read, which takes it no longer than it may. */
static void wait_writable(struct tcp_conn *c, bool progress)
{
	if (!c->blocked || progress)
		c->stuck_ms = tcp_now_ms() + c->hub->limits.stuck_ms;
	c->blocked = event_add(c->writable, NULL) == 0;
	/* Without memory for it its time has to do. */
	if (!c->stuck.group && crowd_add(&c->hub->stuck, &c->stuck, SPAN_EMPTY, c->stuck_ms))
		c->hub->stats->send_errors++;
	tcp_conn_arm(c);
}

void tcp_conn_flush(struct tcp_conn *c)
{
	bool progress = false;

	if (c->connecting || c->opening)
		return;
	while (c->fd >= 0 && c->tx_at < c->tx_n) {
		ssize_t n = c->bytes->write(c->stream, c->fd, &c->tx[c->tx_at], c->tx_n - c->tx_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_writable(c, progress);
			return;
		}
		if (n < 0) {
			c->hub->stats->send_errors++;
			tcp_conn_close(c);
			return;
		}
		progress = true;
		c->tx_at += (size_t)n;
	}
	if (c->fd < 0 || !c->tx)
		return;
	c->blocked = false;
	crowd_del(&c->hub->stuck, &c->stuck);
	tx_done(c);
}

/* What lies unread when a socket is closed makes the kernel throw away what was sent last. */
static void discard_input(struct tcp_conn *c)
{
	for (int i = 0; i < DRAIN_READS; i++)
		if (recv(c->fd, c->hub->scratch, sizeof(c->hub->scratch), MSG_DONTWAIT) <= 0)
			return;
}

/* Ends it with a reason that the peer can read, if it does. */
static void abort_with(struct tcp_conn *c, uint16_t bad_option, const char *text)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer w = wr_make(buf, sizeof(buf));

	c->hub->stats->tcp_aborts++;
	stream_write_abort(&w, bad_option, text);
	if (queue(c, wr_span(&w)) == ERR_OK)
		tcp_conn_flush(c);
	if (c->fd >= 0) {
		c->bytes->end(c->stream, c->fd);
		(void)shutdown(c->fd, SHUT_WR);
		discard_input(c);
	}
	tcp_conn_close(c);
}

void tcp_conn_release(struct tcp_conn *c)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer w = wr_make(buf, sizeof(buf));

	if (c->fd < 0 || c->connecting || c->opening)
		return;
	stream_write_release(&w, 0);
	if (queue(c, wr_span(&w)) == ERR_OK)
		tcp_conn_flush(c);
	if (c->fd < 0)
		return;
	c->releasing = true;
	c->bytes->end(c->stream, c->fd);
	(void)shutdown(c->fd, SHUT_WR);
	discard_input(c);
}

void tcp_conn_dismiss(struct tcp_conn *c)
{
	if (c->heard)
		tcp_conn_release(c);
	tcp_conn_close(c);
}

/* ---- in */

/* Its first message is a CSM: it counts among those that are open. False: there is no room. */
static bool arrived(struct tcp_conn *c)
{
	struct tcp *t = c->hub;
	bool came = c->member.group != NULL;

	if (came && !tcp_room(t, &c->peer, true)) {
		t->stats->tcp_refused++;
		return false;
	}
	if (c->fd < 0) /* what others were told on their way out has cost it its place */
		return false;
	crowd_del(&t->begins, &c->member);
	c->heard = true;
	return !came || !crowd_add(&t->opens, &c->member, crowd_of(&c->peer), tcp_now_ms());
}

static void pong(struct tcp_conn *c, const struct msg *m)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer w = wr_make(buf, sizeof(buf));

	stream_write_pong(&w, span_make(m->token, m->token_n), stream_has_custody(m) && !c->open_n);
	queue_signal(c, &w);
}

static void signal_in(struct tcp_conn *c, const struct msg *m)
{
	uint16_t bad = 0;
	enum err err = m->code == STREAM_CSM ? stream_csm_take(m, &c->theirs, &bad)
					     : stream_signal_check(m, &bad);

	if (err && m->code == STREAM_CSM) {
		abort_with(c, bad, "critical option not known");
		return;
	}
	switch (m->code) {
	case STREAM_CSM:
	case STREAM_PONG:
		break;
	case STREAM_PING: /* with an option that is critical and not known it is ignored */
		if (!err)
			pong(c, m);
		break;
	case STREAM_RELEASE: /* no more requests; what is under way may still be answered */
		c->releasing = c->open_n == 0;
		quiet_until(c, c->hub->limits.release_ms);
		break;
	case STREAM_ABORT:
		tcp_conn_close(c);
		break;
	default: /* section 5.1: what is not known is ignored */
		break;
	}
}

/* One whole frame. */
static void frame_in(struct tcp_conn *c, struct span frame, const struct stream_frame *f)
{
	uint8_t buf[DATAGRAM_ROOM];
	struct writer w = wr_make(buf, sizeof(buf));
	struct msg m;

	if (stream_to_datagram(frame, c->mid, &w) ||
		(f->code != MSG_EMPTY && msg_parse_udp(wr_span(&w), &m))) {
		abort_with(c, 0, "malformed message");
		return;
	}
	if (!c->heard && f->code != STREAM_CSM) {
		abort_with(c, 0, "the first message must be a CSM");
		return;
	}
	if (!c->heard && !arrived(c)) {
		abort_with(c, 0, "too many connections");
		return;
	}
	c->frames++;
	if (stream_is_signal(f->code)) {
		signal_in(c, &m);
		return;
	}
	if (f->code == MSG_EMPTY) /* section 3.4 */
		return;
	c->mid++;
	if (msg_code_is_request(f->code) && c->open_n < UINT32_MAX)
		c->open_n++;
	c->hub->stats->received++;
	c->hub->input(c->hub->arg, &c->peer, wr_span(&w));
}

static bool part_room(struct tcp_conn *c, size_t n)
{
	if (n <= c->part_cap)
		return true;
	uint8_t *p = realloc(c->part, n);
	if (!p)
		return false;
	c->part = p;
	c->part_cap = n;
	return true;
}

static void part_free(struct tcp_conn *c)
{
	free(c->part);
	c->part = NULL;
	c->part_n = c->part_cap = 0;
}

/* How many more bytes have to come before more can be said of what `have` begins; 0: it is whole.
 * False: it is no frame, or too long, and the connection is over. */
static bool lacks(struct tcp_conn *c, struct span have, struct stream_frame *f, size_t *more)
{
	enum err err = stream_peek(have, NET_MESSAGE_MAX, f);

	*more = 1;
	if (err == ERR_SHORT)
		return true;
	if (err) {
		abort_with(c, 0, err == ERR_LIMIT ? "message too large" : "malformed message");
		return false;
	}
	*more = f->n > have.n ? f->n - have.n : 0;
	return true;
}

/* Goes on with the frame whose first part lies here; what is left of `s`. */
static struct span part_take(struct tcp_conn *c, struct span s)
{
	struct stream_frame f = {0};
	size_t more;

	while (s.n) {
		if (!lacks(c, span_make(c->part, c->part_n), &f, &more))
			return SPAN_EMPTY;
		size_t n = more < s.n ? more : s.n;
		if (!part_room(c, more == 1 ? c->part_n + HEAD_ROOM : c->part_n + more)) {
			tcp_conn_close(c);
			return SPAN_EMPTY;
		}
		memcpy(&c->part[c->part_n], s.p, n);
		c->part_n += n;
		s = span_sub(s, n, s.n);
		if (!lacks(c, span_make(c->part, c->part_n), &f, &more))
			return SPAN_EMPTY;
		if (more)
			continue;
		frame_in(c, span_make(c->part, c->part_n), &f);
		part_free(c);
		break;
	}
	return s;
}

static void bytes_in(struct tcp_conn *c, struct span s)
{
	struct stream_frame f;
	size_t more;

	while (c->fd >= 0 && s.n) {
		if (c->part_n) {
			s = part_take(c, s);
			continue;
		}
		if (!lacks(c, s, &f, &more))
			return;
		if (!more) {
			frame_in(c, span_sub(s, 0, f.n), &f);
			s = span_sub(s, f.n, s.n);
			continue;
		}
		if (!part_room(c, HEAD_ROOM)) {
			tcp_conn_close(c);
			return;
		}
		c->part[0] = s.p[0];
		c->part_n = 1;
		s = span_sub(s, 1, s.n);
	}
}

/* Goes on with a handshake, within the time that a CSM has. */
static void shake(struct tcp_conn *c)
{
	switch (c->bytes->open(c->stream, c->fd)) {
	case TCP_OPEN_DONE:
		c->opening = false;
		c->hub->stats->tls_opened++;
		tcp_conn_flush(c);
		break;
	case TCP_OPEN_READ:
		break;
	case TCP_OPEN_WRITE:
		if (event_add(c->writable, NULL))
			tcp_conn_close(c);
		break;
	case TCP_OPEN_FAILED:
		handshake_failed(c);
		tcp_conn_close(c);
		break;
	}
	event_active(c->hub->turn_event, EV_READ, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_conn *c = arg;
	struct tcp *t = c->hub;

	if (c->opening) {
		shake(c);
		return;
	}
	bool had_part = c->part_n > 0;
	uint32_t had_frames = c->frames;
	ssize_t n = c->bytes->read(c->stream, fd, t->scratch, sizeof(t->scratch));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (n < 0)
			t->stats->receive_errors++;
		tcp_conn_close(c);
		return;
	}
	bytes_in(c, span_make(t->scratch, (size_t)n));
	event_active(t->turn_event, EV_READ, 0);
	if (c->fd < 0 || c->releasing || !c->heard)
		return;
	/* A frame has its time from its first byte on, and a CSM from the start. */
	if (c->frames != had_frames)
		crowd_touch(&t->opens, &c->member, tcp_now_ms());
	if (!c->part_n)
		quiet_until(c, t->limits.idle_ms);
	else if (!had_part || c->frames != had_frames)
		quiet_until(c, t->limits.frame_ms);
}

static void opened(struct tcp_conn *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) || error) {
		tcp_conn_close(c);
		return;
	}
	c->connecting = false;
	if (event_add(c->readable, NULL)) {
		tcp_conn_close(c);
		return;
	}
	quiet_until(c, c->hub->limits.csm_ms);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->connecting)
		opened(c);
	if (c->fd >= 0 && c->opening)
		shake(c);
	else if (c->fd >= 0)
		tcp_conn_flush(c);
}

static bool watch(struct tcp_conn *c)
{
	struct event_base *base = c->hub->base;

	c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, c->fd, EV_WRITE, on_writable, c);
	return c->readable && c->writable &&
	       event_add(c->connecting ? c->writable : c->readable, NULL) == 0;
}

/* The peer's place says what its bytes are in. False: no memory. */
static bool clothe(struct tcp_conn *c)
{
	const struct tcp_place *at = c->hub->place[c->peer.listener];

	c->bytes = &plain;
	if (!at || !at->tls)
		return true;
	c->stream = tls_stream_new(at->tls, at->index, at->fd < 0 ? &c->peer : NULL);
	if (!c->stream)
		return false;
	c->bytes = &tls_stream_bytes;
	c->opening = true;
	return true;
}

/* In all the lists it belongs to, with the socket watched. */
static bool enter(struct tcp_conn *c, enum tcp_way way)
{
	struct tcp *t = c->hub;

	if (!clothe(c) || map_put(&t->conns, c))
		return false;
	if (way == TCP_CAME && crowd_add(&t->begins, &c->member, crowd_of(&c->peer), tcp_now_ms()))
		return false;
	return watch(c);
}

struct tcp_conn *tcp_conn_new(struct tcp *t, const struct peer *peer, int fd, enum tcp_way way)
{
	uint8_t buf[STREAM_SIGNAL_MAX];
	struct writer w = wr_make(buf, sizeof(buf));
	struct tcp_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->hub = t;
	c->peer = *peer;
	c->fd = fd;
	c->connecting = way == TCP_CONNECTING;
	c->theirs = stream_csm_default();
	c->quiet_ms = c->stuck_ms = UINT64_MAX;
	if (!enter(c, way)) {
		tcp_conn_close(c);
		return NULL;
	}
	quiet_until(c, c->connecting ? t->limits.connect_ms : t->limits.csm_ms);
	/* More, with block-wise transfer, would promise BERT (RFC 8323 section 6), which is not
	 * served. What is longer is taken all the same, up to NET_MESSAGE_MAX. */
	stream_write_csm(&w, STREAM_MESSAGE_BASE);
	queue_signal(c, &w);
	return c->fd < 0 ? NULL : c;
}
