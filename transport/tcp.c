/* SPDX-License-Identifier: Apache-2.0 */
/* All connections: who may come, where they are, when they are due. */
#include "transport/tcp.h"

#include "base/secret.h"
#include "transport/addr.h"
#include "transport/tls_stream.h"
#include "transport/udp.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPTS_MAX = 64, RESUME_MS = 1000, UNACKED_MS = 60000 };

void net_tcp_limits_default(struct net_tcp_limits *out)
{
	*out = (struct net_tcp_limits){.connections = 10000,
		.per_address = 1000,
		.handshakes = 1000,
		.handshakes_each = 250,
		.spared_ms = 2000,
		.tx_bytes = 64 << 10,
		.tx_total_bytes = 64 << 20,
		.csm_ms = 10000,
		.frame_ms = 30000,
		.stuck_ms = 30000,
		.idle_ms = 86400000,
		.connect_ms = 30000,
		.release_ms = 5000};
}

uint64_t tcp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct span conn_key(const void *item)
{
	const struct tcp_conn *c = item;

	return span_make(&c->peer, sizeof(c->peer));
}

/* ---- time */

static void set_timer(struct event *e, uint64_t wait_ms)
{
	struct timeval tv = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000)};

	(void)event_add(e, &tv);
}

void tcp_arm(struct tcp *t)
{
	uint64_t due = wheel_next_ms(&t->wheel), now = tcp_now_ms();

	if (due >= t->armed_ms)
		return;
	t->armed_ms = due;
	set_timer(t->tick, due > now ? due - now : 0);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct tcp *t = arg;
	uint64_t now = tcp_now_ms();

	(void)fd;
	(void)what;
	for (struct timer *due; (due = wheel_expire(&t->wheel, now));)
		tcp_conn_due((struct tcp_conn *)due, now);
	t->armed_ms = UINT64_MAX;
	tcp_arm(t);
}

/* ---- the end of connections */

static void purge_dirty(struct tcp *t)
{
	struct tcp_conn **at = &t->dirty;

	while (*at)
		if ((*at)->fd < 0) {
			(*at)->is_dirty = false;
			*at = (*at)->next_dirty;
		} else {
			at = &(*at)->next_dirty;
		}
}

static void free_dead(struct tcp *t, bool tell)
{
	purge_dirty(t);
	for (struct tcp_conn *c; (c = t->dead);) {
		t->dead = c->next_dead;
		if (tell && t->closed)
			t->closed(t->arg, &c->peer);
		tcp_conn_free(c);
	}
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct tcp *t = arg;

	(void)fd;
	(void)what;
	free_dead(t, true);
	event_active(t->turn_event, EV_READ, 0);
}

/* ---- those that come in */

static struct tcp_conn *of_member(struct crowd_member *m)
{
	return m ? (void *)((char *)m - offsetof(struct tcp_conn, member)) : NULL;
}

/* Where many come at once, those that came a moment ago are left to come to their end: else nobody
 * would. */
bool tcp_room(struct tcp *t, const struct peer *from, bool open)
{
	const struct net_tcp_limits *l = &t->limits;
	struct crowd *c = open ? &t->opens : &t->begins;
	size_t max = open ? l->connections : l->handshakes;
	size_t each = open ? l->per_address : l->handshakes_each;
	uint64_t now = tcp_now_ms();

	for (struct tcp_conn *old; (old = of_member(crowd_victim(c, crowd_of(from), max, each)));) {
		if (now - old->member.since_ms < l->spared_ms)
			return false;
		t->stats->tcp_evicted++;
		tcp_conn_dismiss(old);
	}
	return true;
}

static void set_int(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* No keep-alive: it would wake devices that sleep. What is sent and never acknowledged tells. */
static void set_options(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MS);
}

static uint16_t next_connection(struct tcp *t)
{
	t->next_connection++;
	if (!t->next_connection)
		t->next_connection = 1;
	return t->next_connection;
}

static void take(struct tcp *t, const struct tcp_place *at, int fd, const union addr *from)
{
	struct peer p = {.bearer = at->tls ? BEARER_TLS : BEARER_TCP, .listener = at->index};
	union addr here;
	socklen_t n = sizeof(here);

	addr_to_peer(from, &p);
	if (getsockname(fd, &here.sa, &n) == 0)
		addr_to_local(&here, &p);
	p.connection = next_connection(t);
	if (!tcp_room(t, &p, false)) {
		t->stats->tcp_refused++;
		close(fd);
		return;
	}
	set_options(fd);
	if (tcp_conn_new(t, &p, fd, TCP_CAME))
		t->stats->tcp_accepted++;
}

/* Out of descriptors: whoever waits is left waiting, and the loop does not spin. */
static void rest(struct tcp *t)
{
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		if (t->place[i] && t->place[i]->acceptable)
			event_del(t->place[i]->acceptable);
	set_timer(t->resume, RESUME_MS);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct tcp *t = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < NET_LISTENERS_MAX && !t->paused; i++)
		if (t->place[i] && t->place[i]->acceptable)
			(void)event_add(t->place[i]->acceptable, NULL);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_place *at = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		union addr from;
		socklen_t n = sizeof(from);
		int got = accept4(fd, &from.sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got >= 0) {
			take(at->hub, at, got, &from);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			at->hub->stats->tcp_refused++;
			rest(at->hub);
			return;
		} else if (errno == EAGAIN) {
			return;
		} /* else that one is gone already */
	}
}

/* ---- places */

static enum err fail(char *why, enum err err, const char *address, uint16_t port, const char *text)
{
	snprintf(why, UDP_WHY, "cannot listen on %s port %u for TCP: %s", address, port, text);
	return err;
}

static enum err open_listening(const char *address, uint16_t port, int *out, char *why)
{
	union addr at;
	bool dual = strcmp(address, "*") == 0;
	enum err err = addr_listen(address, port, &at, why);
	int fd = err ? -1 : addr_socket(SOCK_STREAM, address, &at);

	*out = fd;
	if (err)
		return err;
	if (fd < 0)
		return fail(why, ERR_IO, address, port, strerror(errno));
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (at.sa.sa_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
	if (bind(fd, &at.sa, addr_len(&at)) || listen(fd, BACKLOG)) {
		if (errno == EADDRINUSE)
			return fail(why, ERR_BUSY, address, port,
				"another socket has this port; stop that program or choose "
				"another port");
		if (errno == EADDRNOTAVAIL)
			return fail(why, ERR_NOTFOUND, address, port,
				"this machine has no such address");
		return fail(why, ERR_IO, address, port, strerror(errno));
	}
	return ERR_OK;
}

/* Of an inherited socket. */
static enum err check_listening(int fd, char *why)
{
	int type = 0, listening = 0;
	socklen_t n = sizeof(type), m = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) || type != SOCK_STREAM ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &m) || !listening) {
		snprintf(why, UDP_WHY,
			"the inherited socket is not one that takes TCP connections "
			"(ListenStream= of the socket unit)");
		return ERR_SYNTAX;
	}
	return evutil_make_socket_nonblocking(fd) ? ERR_IO : ERR_OK;
}

static enum err place_new(struct tcp *t, uint16_t index, int fd)
{
	struct tcp_place *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	*p = (struct tcp_place){.hub = t, .index = index, .fd = fd};
	t->place[index] = p;
	return ERR_OK;
}

static void place_free(struct tcp *t, uint16_t index)
{
	struct tcp_place *p = t->place[index];

	if (!p)
		return;
	if (p->acceptable)
		event_free(p->acceptable);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
	t->place[index] = NULL;
}

static enum err watch(struct tcp_place *p)
{
	union addr at;
	socklen_t n = sizeof(at);

	if (getsockname(p->fd, &at.sa, &n) ||
		(at.sa.sa_family != AF_INET && at.sa.sa_family != AF_INET6))
		return ERR_SYNTAX;
	p->port = ntohs(at.sa.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
	p->acceptable = event_new(p->hub->base, p->fd, EV_READ | EV_PERSIST, on_acceptable, p);
	if (!p->acceptable)
		return ERR_NOMEM;
	return !p->hub->paused && event_add(p->acceptable, NULL) ? ERR_IO : ERR_OK;
}

enum err tcp_listen(
	struct tcp *t, uint16_t index, const char *address, uint16_t port, int fd, char *why)
{
	bool given = fd >= 0;
	enum err err = given ? check_listening(fd, why) : open_listening(address, port, &fd, why);

	if (!err)
		err = place_new(t, index, fd);
	if (err) {
		if (fd >= 0)
			close(fd);
	} else {
		err = watch(t->place[index]);
		if (err)
			place_free(t, index);
	}
	if (err && !why[0])
		(void)fail(why, err, address, port, err_text(err));
	return err;
}

enum err tcp_dial(struct tcp *t, uint16_t index)
{
	return place_new(t, index, -1);
}

void tcp_secure(struct tcp *t, uint16_t index, struct tls *tls)
{
	t->place[index]->tls = tls;
}

uint64_t tcp_mark(const struct tcp *t, const struct peer *who)
{
	const struct tcp_conn *c = map_get(&t->conns, span_make(who, sizeof(*who)));

	return c && c->bytes == &tls_stream_bytes ? tls_stream_mark(c->stream) : 0;
}

bool tcp_has(const struct tcp *t, uint16_t index)
{
	return index < NET_LISTENERS_MAX && t->place[index];
}

uint16_t tcp_port(const struct tcp *t, uint16_t index)
{
	return t->place[index]->port;
}

/* ---- those that we open */

/* A client's own address: the port is the kernel's choice, late, so that many connections to
 * different peers may share it. */
static bool bind_local(int fd, const struct peer *to, sa_family_t family)
{
	struct peer here = {.addr_n = (uint8_t)(to->local_n + 2)};
	union addr a;

	if (!to->local_n)
		return true;
	if (to->local_n != 4 && to->local_n != 16)
		return false;
	memcpy(here.addr, to->local, to->local_n);
	if (addr_from_peer(&here, family, &a))
		return false;
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(fd, &a.sa, addr_len(&a)) == 0;
}

static struct tcp_conn *dial(struct tcp *t, const struct peer *to)
{
	sa_family_t family = to->addr_n == 6 ? AF_INET : AF_INET6;
	union addr a;
	int fd;

	if (addr_from_peer(to, family, &a))
		return NULL;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	set_options(fd);
	bool good = bind_local(fd, to, family);
	bool now = good && connect(fd, &a.sa, addr_len(&a)) == 0;
	if (!good || (!now && errno != EINPROGRESS)) {
		close(fd);
		return NULL;
	}
	return tcp_conn_new(t, to, fd, now ? TCP_CONNECTED : TCP_CONNECTING);
}

enum err tcp_send(struct tcp *t, const struct peer *to, struct span datagram)
{
	struct tcp_conn *c = map_get(&t->conns, span_make(to, sizeof(*to)));
	bool client = tcp_has(t, to->listener) && t->place[to->listener]->fd < 0;

	if (!c && client && !to->connection)
		c = dial(t, to);
	return c ? tcp_conn_send(c, datagram) : ERR_NOTFOUND;
}

void tcp_flush(struct tcp *t)
{
	struct tcp_conn *c;

	while ((c = t->dirty)) {
		t->dirty = c->next_dirty;
		c->is_dirty = false;
		if (c->fd >= 0 && !c->blocked)
			tcp_conn_flush(c);
	}
}

/* ---- all of it */

void tcp_pause(struct tcp *t)
{
	size_t cursor = 0;

	t->paused = true;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		if (t->place[i] && t->place[i]->acceptable)
			event_del(t->place[i]->acceptable);
	for (struct tcp_conn *c; (c = map_next(&t->conns, &cursor));)
		event_del(c->readable);
}

void tcp_release(struct tcp *t)
{
	size_t cursor = 0;

	for (struct tcp_conn *c; (c = map_next(&t->conns, &cursor));)
		tcp_conn_release(c);
}

enum err tcp_new(struct event_base *base, net_input_fn *input, void *arg, struct event *turn_event,
	struct net_stats *stats, struct tcp **out)
{
	struct tcp *t = calloc(1, sizeof(*t));
	struct rng rng = rng_system();
	uint8_t seed[16];

	if (!t)
		return ERR_NOMEM;
	t->base = base;
	t->input = input;
	t->arg = arg;
	t->turn_event = turn_event;
	t->stats = stats;
	t->armed_ms = UINT64_MAX;
	net_tcp_limits_default(&t->limits);
	rng_fill(&rng, seed, sizeof(seed));
	map_init(&t->conns, conn_key, seed);
	crowd_init(&t->opens, seed);
	crowd_init(&t->begins, seed);
	crowd_init(&t->stuck, seed);
	wheel_init(&t->wheel, tcp_now_ms());
	t->tick = evtimer_new(base, on_tick, t);
	t->resume = evtimer_new(base, on_resume, t);
	t->reap = event_new(base, -1, 0, on_reap, t);
	if (!t->tick || !t->resume || !t->reap) {
		tcp_free(t);
		return ERR_NOMEM;
	}
	*out = t;
	return ERR_OK;
}

void tcp_free(struct tcp *t)
{
	size_t cursor = 0;

	if (!t)
		return;
	for (struct tcp_conn *c; (c = map_next(&t->conns, &cursor));)
		tcp_conn_close(c);
	free_dead(t, false);
	for (uint16_t i = 0; i < NET_LISTENERS_MAX; i++)
		place_free(t, i);
	struct event *own[] = {t->tick, t->resume, t->reap};
	for (size_t i = 0; i < 3; i++)
		if (own[i])
			event_free(own[i]);
	map_fini(&t->conns);
	crowd_fini(&t->opens);
	crowd_fini(&t->begins);
	crowd_fini(&t->stuck);
	free(t);
}
