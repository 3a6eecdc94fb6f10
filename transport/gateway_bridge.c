/* SPDX-License-Identifier: Apache-2.0 */
/* One bridge: what it may say, what is said to it, and how it ends. Whatever it does costs no more
 * than its queue, and is over when its connection is. */
#include "transport/gateway_socket_impl.h"

#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void log_bridge(
	const struct bridge *b, enum log_level level, const char *what, const char *why)
{
	static struct log_rate rate = {.interval_ms = 1000, .burst = 20, .tokens = 20};

	if (!log_rate_pass(&rate, gateway_now_ms()))
		return;
	log_fields(level, what, log_word("gateway", gateway_name(b->socket->gateway)),
		log_word("bridge", b->name[0] ? b->name : "-"), log_number("pid", b->pid),
		log_number("uid", b->uid), log_text("reason", span_str(why)));
}

bool bridge_is_up(const struct bridge *b)
{
	return b->fd >= 0 && !b->ending && b->kinds && b->link != FRAME_LINK_DOWN;
}

bool bridge_reaches(const struct bridge *b, enum gateway_kind kind)
{
	return bridge_is_up(b) && (b->kinds >> kind & 1);
}

/* ---- out */

/* 0: it went out; EAGAIN: not now; else why it never will. A packet goes as a whole. */
static int put(const struct bridge *b, const struct frame *f)
{
	uint8_t bytes[FRAME_MAX + GATEWAY_REASON_MAX];
	struct writer w = wr_make(bytes, sizeof(bytes));
	ssize_t n;

	if (frame_write(f, &w))
		return EMSGSIZE;
	do {
		n = send(b->fd, w.p, w.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == EWOULDBLOCK || errno == ENOBUFS ? EAGAIN : errno;
}

static int put_datagram(const struct bridge *b, const struct peer *to, struct span datagram)
{
	struct frame f = {.type = FRAME_DATAGRAM,
		.kind = gateway_kind_at(to),
		.address = gateway_address(to),
		.datagram = datagram};

	return put(b, &f);
}

/* Never from within gateway_send: the host is told of it. */
static void end_soon(struct bridge *b, const char *why)
{
	if (b->ending)
		return;
	b->ending = true;
	snprintf(b->why, sizeof(b->why), "%s", why);
	socket_wake(b->socket);
}

static void wait_writable(struct bridge *b)
{
	if (!b->deaf_ms)
		b->deaf_ms = gateway_now_ms();
	if (event_add(b->writable, NULL))
		end_soon(b, "out of memory");
}

enum err bridge_send(struct bridge *b, const struct peer *to, struct span datagram)
{
	enum err err;
	int e = EAGAIN;

	if (!b->queue.n && b->link == FRAME_LINK_UP)
		e = put_datagram(b, to, datagram);
	if (e && e != EAGAIN) {
		end_soon(b, strerror(e));
		return ERR_STATE;
	}
	if (!e)
		return ERR_OK;
	err = gateway_queue_put(&b->queue, to, datagram);
	if (!err && b->link == FRAME_LINK_UP)
		wait_writable(b);
	return err;
}

static void flush(struct bridge *b)
{
	while (b->queue.n && b->link == FRAME_LINK_UP) {
		struct gateway_item *i = b->queue.first;
		int e = put_datagram(b, &i->to, span_make(i->bytes, i->n));

		if (e == EAGAIN) {
			wait_writable(b);
			return;
		}
		if (e) {
			end_soon(b, strerror(e));
			return;
		}
		b->deaf_ms = 0;
		gateway_queue_drop(&b->queue);
	}
	b->deaf_ms = 0;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct bridge *b = arg;

	(void)fd;
	(void)what;
	if (b->deaf_ms)
		b->deaf_ms = gateway_now_ms();
	flush(b);
}

/* ---- in */

struct bridge *bridge_of_way(struct gateway_socket *s, uint8_t way)
{
	for (size_t i = 0; way && i < GATEWAY_BRIDGES_MAX; i++)
		if (s->bridge[i].fd >= 0 && s->bridge[i].way == way)
			return &s->bridge[i];
	return NULL;
}

/* The number of a name: its own, or one that nobody has, or that of one that is not here. There are
 * as many as places. */
static uint8_t way_for(struct gateway_socket *s, const char *name)
{
	uint8_t spare = 0;

	for (uint8_t w = 1; w <= GATEWAY_BRIDGES_MAX; w++) {
		if (strcmp(s->name[w - 1], name) == 0)
			return w;
		if (!spare || (s->name[spare - 1][0] && !s->name[w - 1][0]))
			spare = bridge_of_way(s, w) ? spare : w;
	}
	return spare;
}

/* Where the name is taken, who had it hangs, or is forgotten: the new one is what somebody has
 * started. */
static void take_name(struct bridge *b, const char *name)
{
	struct gateway_socket *s = b->socket;
	uint8_t way = way_for(s, name);
	struct bridge *old = bridge_of_way(s, way);

	if (old)
		bridge_close(old, "another bridge has come with this name");
	snprintf(s->name[way - 1], sizeof(s->name[0]), "%s", name);
	b->way = way;
	b->name = s->name[way - 1];
	log_bridge(b, LOG_LEVEL_NOTICE, "a bridge has come", "hello");
}

static void say_hello(struct bridge *b, enum gateway_kind kind)
{
	struct frame f = {.type = FRAME_HELLO,
		.kind = kind,
		.address = span_str(gateway_name(b->socket->gateway)),
		.mtu_bytes = (uint16_t)gateway_mtu_of(b->socket->gateway, kind)};
	int e = put(b, &f);

	if (e && e != EAGAIN)
		end_soon(b, strerror(e));
}

static void on_hello(struct bridge *b, const struct frame *f)
{
	char name[GATEWAY_NAME_MAX + 1];

	if (span_to_str(f->address, name, sizeof(name)) || (b->way && strcmp(b->name, name) != 0)) {
		gateway_fault(b->socket->gateway);
		end_soon(b, "a second hello has another name");
		return;
	}
	if (!b->way)
		take_name(b, name);
	b->kinds |= UINT32_C(1) << f->kind;
	say_hello(b, f->kind);
	socket_tell(b->socket);
}

static void on_link(struct bridge *b, const struct frame *f)
{
	char text[FRAME_TEXT_MAX + 1];
	bool was = b->link != FRAME_LINK_DOWN;

	b->link = f->link;
	if (span_to_str(f->text, text, sizeof(text)))
		text[0] = '\0';
	snprintf(b->why, sizeof(b->why), "%s", text);
	if (was != (f->link != FRAME_LINK_DOWN))
		log_bridge(b, LOG_LEVEL_NOTICE,
			was ? "the network of a bridge is gone" : "the network of a bridge is back",
			text);
	socket_tell(b->socket);
	if (f->link == FRAME_LINK_UP)
		flush(b);
}

static void on_undelivered(struct bridge *b, const struct frame *f)
{
	struct peer to;

	if (!gateway_peer(gateway_number_of(b->socket->gateway), f->kind, f->address, &to))
		gateway_unsent(b->socket->gateway, &to, f->datagram);
}

static void on_mtu(struct bridge *b, const struct frame *f)
{
	struct peer to;

	if (!gateway_peer(gateway_number_of(b->socket->gateway), f->kind, f->address, &to))
		gateway_mtu(b->socket->gateway, &to, f->mtu_bytes);
}

static void on_frame(struct bridge *b, const struct frame *f)
{
	bool said = f->kind == GATEWAY_NONE ? b->kinds != 0 : (b->kinds >> f->kind & 1);

	if (f->type != FRAME_HELLO && !said) {
		gateway_fault(b->socket->gateway);
		end_soon(b, "a frame before the hello of its kind");
		return;
	}
	switch (f->type) {
	case FRAME_HELLO:
		on_hello(b, f);
		break;
	case FRAME_DATAGRAM:
		gateway_input(b->socket->gateway, f->kind, f->address, b->way, f->datagram);
		break;
	case FRAME_UNDELIVERED:
		on_undelivered(b, f);
		break;
	case FRAME_MTU:
		on_mtu(b, f);
		break;
	case FRAME_LINK:
		on_link(b, f);
		break;
	case FRAME_ERROR:
		break;
	}
}

static void take(struct bridge *b, struct span packet, bool cut)
{
	struct frame f;
	enum err err = cut ? ERR_RANGE : frame_parse(packet, &f);

	if (err) {
		gateway_fault(b->socket->gateway);
		end_soon(b, frame_fault(err));
		return;
	}
	if (f.type != FRAME_DATAGRAM)
		gateway_spend(b->socket->gateway);
	on_frame(b, &f);
}

/* Less than was asked for: no more is there. A packet of no bytes is the end. */
static int take_batch(struct bridge *b, unsigned n)
{
	static uint8_t bytes[SOCKET_BATCH][FRAME_MAX + 1];
	struct iovec io[SOCKET_BATCH];
	struct mmsghdr m[SOCKET_BATCH];
	int got;

	for (unsigned i = 0; i < n; i++) {
		io[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
		m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &io[i], .msg_iovlen = 1}};
	}
	got = recvmmsg(b->fd, m, n, MSG_DONTWAIT, NULL);
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		end_soon(b, strerror(errno));
	for (int i = 0; i < got && !b->ending; i++) {
		if (m[i].msg_len)
			take(b, span_make(bytes[i], m[i].msg_len),
				m[i].msg_hdr.msg_flags & MSG_TRUNC || m[i].msg_len > FRAME_MAX);
		else
			end_soon(b, "it has closed its connection");
	}
	return got;
}

void bridge_read(struct bridge *b, size_t max)
{
	while (max && b->fd >= 0 && !b->ending) {
		unsigned n = max < SOCKET_BATCH ? (unsigned)max : SOCKET_BATCH;

		if (take_batch(b, n) < (int)n)
			return;
		max -= n;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bridge *b = arg;
	uint64_t wait_ms;
	size_t room = gateway_room(b->socket->gateway, &wait_ms);
	size_t max = (size_t)SOCKET_BATCH * SOCKET_ROUNDS;

	(void)fd;
	(void)what;
	if (!room)
		socket_throttle(b->socket, wait_ms);
	else
		bridge_read(b, room < max ? room : max);
}

/* ---- beginning and end */

static bool may_connect(const struct gateway_socket *s, int fd, struct ucred *who)
{
	socklen_t n = sizeof(*who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &n) || n != sizeof(*who))
		return false;
	return s->any_user || who->uid == s->user || who->uid == 0 || who->uid == geteuid();
}

static struct bridge *free_place(struct gateway_socket *s)
{
	struct bridge *free_one = NULL;
	uint32_t connected = 0;

	for (size_t i = 0; i < GATEWAY_BRIDGES_MAX; i++) {
		connected += s->bridge[i].fd >= 0;
		if (s->bridge[i].fd < 0)
			free_one = &s->bridge[i];
	}
	return connected < s->bridges ? free_one : NULL;
}

static void turn_away(int fd, struct gateway_socket *s, const struct ucred *who, const char *why)
{
	struct bridge b = {.socket = s, .name = "", .fd = fd, .pid = who->pid, .uid = who->uid};
	struct frame f = {.type = FRAME_ERROR, .text = span_str(why)};

	(void)put(&b, &f);
	gateway_fault(s->gateway);
	log_bridge(&b, LOG_LEVEL_WARNING, "a bridge was turned away", why);
	close(fd);
}

void bridge_connect(struct gateway_socket *s, int fd)
{
	struct event_base *base = gateway_base(s->gateway);
	struct ucred who = {0};
	bool may = may_connect(s, fd, &who);
	struct bridge *b = may ? free_place(s) : NULL;

	if (!b) {
		turn_away(fd, s, &who, may ? "too many bridges are connected" : "not your gateway");
		return;
	}
	*b = (struct bridge){.socket = s,
		.name = "",
		.fd = fd,
		.pid = who.pid,
		.uid = who.uid,
		.link = FRAME_LINK_UP,
		.since_ms = gateway_now_ms()};
	gateway_queue_init(&b->queue, s->gateway);
	b->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, b);
	b->writable = event_new(base, fd, EV_WRITE, on_writable, b);
	if (!b->readable || !b->writable ||
		(!s->throttled && !s->paused && event_add(b->readable, NULL)))
		bridge_close(b, "out of memory");
}

/* What waited goes by another bridge, where there is one; or it never went out. */
static void give_back(struct bridge *b)
{
	while (b->queue.n) {
		struct gateway_item *i = b->queue.first;
		struct bridge *other = socket_bridge_for(b->socket, gateway_kind_at(&i->to), b);
		struct span bytes = span_make(i->bytes, i->n);
		struct peer to = i->to;
		enum err err = other ? bridge_send(other, &to, bytes) : ERR_STATE;

		if (err && !b->socket->paused)
			gateway_unsent(b->socket->gateway, &to, bytes);
		gateway_queue_drop(&b->queue);
	}
}

void bridge_free(struct bridge *b)
{
	if (b->readable)
		event_free(b->readable);
	if (b->writable)
		event_free(b->writable);
	b->readable = b->writable = NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	if (b->queue.gateway)
		gateway_queue_fini(&b->queue);
}

void bridge_close(struct bridge *b, const char *why)
{
	struct frame f = {.type = FRAME_ERROR, .text = span_str(why)};

	if (b->fd < 0)
		return;
	b->ending = true;
	(void)put(b, &f);
	log_bridge(b, LOG_LEVEL_NOTICE, "a bridge is gone", why);
	give_back(b);
	bridge_free(b);
	b->kinds = 0;
	b->way = 0;
	socket_tell(b->socket);
}

void bridge_tick(struct bridge *b, uint64_t now_ms)
{
	if (b->fd < 0)
		return;
	if (!b->kinds && now_ms - b->since_ms >= SOCKET_HELLO_MS) {
		gateway_fault(b->socket->gateway);
		end_soon(b, "it did not say hello");
	} else if (b->deaf_ms && b->link == FRAME_LINK_UP &&
		   now_ms - b->deaf_ms >= SOCKET_DEAF_MS) {
		gateway_fault(b->socket->gateway);
		end_soon(b, "it takes nothing, and has not said that it is busy");
	}
	if (b->ending) {
		char text[GATEWAY_REASON_MAX + 1];
		snprintf(text, sizeof(text), "%s", b->why);
		bridge_close(b, text);
	}
}
