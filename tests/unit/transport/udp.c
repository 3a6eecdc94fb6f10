/* SPDX-License-Identifier: Apache-2.0 */
/* Real sockets on loopback, and a stand-in for sendmmsg where loopback cannot fail. */
#include "transport/udp.h"

#include "tests/unit/test.h"
#include "transport/addr.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEEN_MAX = 16 };

/* What the callbacks saw; `echo` answers each datagram with itself. */
struct seen {
	struct net *net;
	bool echo;
	size_t inputs, turns, inputs_at_turn;
	struct peer from[SEEN_MAX];
	size_t n[SEEN_MAX];
	uint8_t first[SEEN_MAX];
};

struct world {
	struct event_base *base;
	struct net *net;
	struct seen seen;
	char why[256];
};

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct seen *s = arg;
	size_t at = s->inputs++ % SEEN_MAX;

	s->from[at] = *from;
	s->n[at] = datagram.n;
	s->first[at] = datagram.n ? datagram.p[0] : 0;
	if (s->echo)
		CHECK(net_send(s->net, from, datagram) == ERR_OK, "echo is queued");
}

static void on_turn(void *arg)
{
	struct seen *s = arg;

	s->turns++;
	s->inputs_at_turn = s->inputs;
	net_flush(s->net);
}

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	REQUIRE(w->base, "event base");
	REQUIRE(net_new(w->base, on_input, on_turn, &w->seen, &w->net) == ERR_OK, "net_new");
	w->seen.net = w->net;
}

static void world_fini(struct world *w)
{
	net_free(w->net);
	event_base_free(w->base);
}

/* One iteration of the loop. */
static void step(struct world *w)
{
	event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static struct net_stats stats(const struct world *w)
{
	struct net_stats s;

	net_stats(w->net, &s);
	return s;
}

static union addr make_addr(const char *text, uint16_t port)
{
	union addr a;

	REQUIRE(addr_parse(text, port, &a) == ERR_OK, text);
	return a;
}

/* A plain client socket bound to `from`. */
static int client_open(const char *from)
{
	union addr a = make_addr(from, 0);
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0 && bind(fd, &a.sa, addr_len(&a)) == 0, "client socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void client_send(int fd, const char *to, uint16_t port, const void *p, size_t n)
{
	union addr a = make_addr(to, port);

	REQUIRE(sendto(fd, p, n, 0, &a.sa, addr_len(&a)) == (ssize_t)n, "client sends");
}

/* Whether the next datagram is `want` and came from that address. */
static bool client_gets(int fd, const char *from, uint16_t port, const char *want)
{
	union addr want_from = make_addr(from, port), got_from;
	socklen_t from_n = sizeof(got_from);
	char buf[NET_DATAGRAM_MAX];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, &got_from.sa, &from_n);
	struct peer a = {0}, b = {0};

	if (n < 0)
		return false;
	addr_to_peer(&want_from, &a);
	addr_to_peer(&got_from, &b);
	return span_eq_str(span_make(buf, (size_t)n), want) && peer_eq(&a, &b);
}

static const struct echo_row {
	const char *listen, *client, *spoken_to;
	const char *local; /* hex */
	uint8_t addr_n;
	const char *what;
} echo_rows[] = {
	{"127.0.0.1", "127.0.0.1", "127.0.0.1", "7f000001", 6, "IPv4, one address"},
	{"127.0.0.5", "127.0.0.9", "127.0.0.5", "7f000005", 6, "IPv4, another address"},
	{"0.0.0.0", "127.0.0.1", "127.0.0.5", "7f000005", 6, "IPv4 any, spoken to on .5"},
	{"0.0.0.0", "127.0.0.1", "127.8.9.10", "7f08090a", 6,
		"IPv4 any, spoken to on 127.8.9.10 (TRN-UDP-1, CT-12)"},
	{"::1", "::1", "::1", "00000000000000000000000000000001", 18, "IPv6, one address"},
	{"::", "::1", "::1", "00000000000000000000000000000001", 18, "IPv6 any"},
	{"*", "::1", "::1", "00000000000000000000000000000001", 18, "dual stack, by IPv6"},
	{"*", "127.0.0.1", "127.0.0.1", "7f000001", 6, "dual stack, by IPv4"},
	{"*", "127.0.0.1", "127.0.0.5", "7f000005", 6, "dual stack, by IPv4 on .5"},
};

static void check_echo(const struct echo_row *r)
{
	struct world w;
	int fd = client_open(r->client);
	uint16_t port;

	world_init(&w);
	w.seen.echo = true;
	REQUIRE(net_listen_udp(w.net, 2, r->listen, 0, w.why) == ERR_OK, r->what);
	port = net_port(w.net, 2);
	CHECK(port != 0, "port 0 becomes a real one");
	client_send(fd, r->spoken_to, port, "ping", 4);
	step(&w);
	CHECK(w.seen.inputs == 1 && w.seen.turns == 1, r->what);
	CHECK(w.seen.from[0].listener == 2 && w.seen.from[0].bearer == BEARER_UDP, r->what);
	CHECK(w.seen.from[0].addr_n == r->addr_n, r->what);
	CHECK_BYTES(span_make(w.seen.from[0].local, w.seen.from[0].local_n), test_hex(r->local),
		r->what);
	CHECK(client_gets(fd, r->spoken_to, port, "ping"), r->what);
	CHECK(stats(&w).received == 1 && stats(&w).sent == 1, r->what);
	close(fd);
	world_fini(&w);
}

/* A peer whose address bytes were stored before this machine lost its own address. */
static void check_local_gone(const char *listen, const char *client, struct peer stored)
{
	struct world w;
	int fd = client_open(client);
	struct peer to;
	union addr self;
	socklen_t n = sizeof(self);

	world_init(&w);
	REQUIRE(net_listen_udp(w.net, 0, listen, 0, w.why) == ERR_OK, listen);
	REQUIRE(getsockname(fd, &self.sa, &n) == 0, "getsockname");
	REQUIRE(net_peer(client, ntohs(self.v4.sin_port), 0, &to) == ERR_OK, client);
	to.local_n = stored.local_n;
	memcpy(to.local, stored.local, sizeof(to.local));
	CHECK(net_send(w.net, &to, SPAN_LIT("late")) == ERR_OK, "queued");
	net_flush(w.net);
	CHECK(client_gets(fd, client, net_port(w.net, 0), "late"), "leaves from another address");
	CHECK(stats(&w).send_errors == 0 && stats(&w).sent == 1, "no error is counted");
	close(fd);
	world_fini(&w);
}

static void check_locals_gone(void)
{
	struct peer v4 = {.local = {203, 0, 113, 77}, .local_n = 4};
	struct peer v6 = {.local = {0x20, 1, 0xd, 0xb8, [15] = 77}, .local_n = 16};
	struct peer group4 = {.local = {224, 0, 1, 187}, .local_n = 4};
	struct peer group6 = {.local = {0xff, 2, [15] = 0xfd}, .local_n = 16};

	check_local_gone("0.0.0.0", "127.0.0.1", v4);
	check_local_gone("*", "127.0.0.1", v4);
	check_local_gone("*", "::1", v6);
	check_local_gone("0.0.0.0", "127.0.0.1", group4);
	check_local_gone("*", "::1", group6);
}

static void check_sizes(void)
{
	struct world w;
	int fd = client_open("127.0.0.1");
	static uint8_t big[NET_DATAGRAM_MAX + 1] = {7};
	uint16_t port;

	world_init(&w);
	REQUIRE(net_listen_udp(w.net, 0, "127.0.0.1", 0, w.why) == ERR_OK, "listen");
	port = net_port(w.net, 0);
	client_send(fd, "127.0.0.1", port, big, 0);
	client_send(fd, "127.0.0.1", port, big, NET_DATAGRAM_MAX);
	client_send(fd, "127.0.0.1", port, big, NET_DATAGRAM_MAX + 1);
	client_send(fd, "127.0.0.1", port, big, 1);
	step(&w);
	CHECK(w.seen.inputs == 3, "the one that is too large does not arrive");
	CHECK(w.seen.n[0] == 0 && w.seen.n[1] == NET_DATAGRAM_MAX && w.seen.n[2] == 1, "sizes");
	CHECK(stats(&w).truncated == 1 && stats(&w).received == 3, "it is counted");
	CHECK(net_send(w.net, &w.seen.from[0], SPAN_OF(big)) == ERR_RANGE, "too large to send");
	close(fd);
	world_fini(&w);
}

/* One turn for all sockets of an iteration, at most NET_BATCH * 4 datagrams of each. */
static void check_turn_bound(void)
{
	struct world w;
	int fd = client_open("127.0.0.1");
	enum { EACH = NET_BATCH * 4 + 10 };

	world_init(&w);
	for (uint16_t i = 0; i < 2; i++)
		REQUIRE(net_listen_udp(w.net, i, "127.0.0.1", 0, w.why) == ERR_OK, "listen");
	for (int i = 0; i < EACH; i++) {
		client_send(fd, "127.0.0.1", net_port(w.net, 0), "a", 1);
		client_send(fd, "127.0.0.1", net_port(w.net, 1), "b", 1);
	}
	step(&w);
	CHECK(w.seen.turns == 1, "one turn for both");
	CHECK(w.seen.inputs_at_turn == 2 * NET_BATCH * 4, "bounded, and the turn comes last");
	step(&w);
	CHECK(w.seen.turns == 2 && w.seen.inputs == 2 * EACH, "the rest is the next turn");
	step(&w);
	CHECK(w.seen.turns == 2, "nothing read, no turn");
	close(fd);
	world_fini(&w);
}

static void check_pause(void)
{
	struct world w;
	int fd = client_open("127.0.0.1");
	uint16_t port;

	world_init(&w);
	w.seen.echo = true;
	REQUIRE(net_listen_udp(w.net, 0, "127.0.0.1", 0, w.why) == ERR_OK, "listen");
	port = net_port(w.net, 0);
	client_send(fd, "127.0.0.1", port, "1", 1);
	step(&w);
	CHECK(w.seen.inputs == 1 && client_gets(fd, "127.0.0.1", port, "1"), "read");
	net_pause(w.net);
	client_send(fd, "127.0.0.1", port, "2", 1);
	step(&w);
	CHECK(w.seen.inputs == 1, "paused");
	REQUIRE(net_listen_udp(w.net, 1, "127.0.0.1", 0, w.why) == ERR_OK, "listen");
	client_send(fd, "127.0.0.1", net_port(w.net, 1), "2", 1);
	step(&w);
	CHECK(w.seen.inputs == 1, "opened while paused: nothing is read");
	CHECK(net_send(w.net, &w.seen.from[0], SPAN_LIT("3")) == ERR_OK, "sending works");
	net_flush(w.net);
	CHECK(client_gets(fd, "127.0.0.1", port, "3"), "and arrives");
	close(fd);
	world_fini(&w);
}

/* A port that nobody listens on answers with ICMP errors. */
static void check_icmp(void)
{
	struct world w;
	int fd = client_open("127.0.0.1");
	int gone = client_open("127.0.0.1");
	union addr a;
	socklen_t n = sizeof(a);
	struct peer dead;
	uint16_t port;

	world_init(&w);
	w.seen.echo = true;
	REQUIRE(getsockname(gone, &a.sa, &n) == 0, "getsockname");
	close(gone);
	REQUIRE(net_listen_udp(w.net, 0, "*", 0, w.why) == ERR_OK, "listen");
	port = net_port(w.net, 0);
	REQUIRE(net_peer("127.0.0.1", ntohs(a.v4.sin_port), 0, &dead) == ERR_OK, "peer");
	for (int i = 0; i < 3; i++) {
		CHECK(net_send(w.net, &dead, SPAN_LIT("x")) == ERR_OK, "queued");
		net_flush(w.net);
		step(&w);
	}
	client_send(fd, "127.0.0.1", port, "on", 2);
	step(&w);
	CHECK(client_gets(fd, "127.0.0.1", port, "on"), "others are served");
	CHECK(stats(&w).receive_errors == 0 && stats(&w).send_errors == 0, "no errors");
	close(fd);
	world_fini(&w);
}

/* The stand-in: what it does next, and what it was given. */
static struct {
	int calls;
	int budget;     /* datagrams it takes before EAGAIN; -1: no end */
	uint8_t poison; /* a first byte that fails with EPERM */
	size_t n;
	uint8_t first[UDP_QUEUE * 2];
} fake;

static int fake_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	(void)fd;
	(void)flags;
	fake.calls++;
	CHECK(n >= 1 && n <= NET_BATCH, "at most a batch");
	for (unsigned i = 0; i < n; i++) {
		uint8_t first = *(const uint8_t *)msgs[i].msg_hdr.msg_iov->iov_base;
		errno = fake.budget == 0 ? EAGAIN : EPERM;
		if (fake.budget == 0 || (fake.poison && first == fake.poison))
			return i ? (int)i : -1;
		if (fake.n < sizeof(fake.first))
			fake.first[fake.n++] = first;
		fake.budget -= fake.budget > 0;
	}
	return (int)n;
}

static void fake_world(struct world *w, struct peer *to)
{
	world_init(w);
	memset(&fake, 0, sizeof(fake));
	fake.budget = -1;
	net_set_sendmmsg(w->net, fake_sendmmsg);
	REQUIRE(net_listen_udp(w->net, 0, "127.0.0.1", 0, w->why) == ERR_OK, "listen");
	REQUIRE(net_peer("127.0.0.1", 9, 0, to) == ERR_OK, "peer");
}

static enum err send_byte(struct world *w, const struct peer *to, unsigned v)
{
	uint8_t b = (uint8_t)v;

	return net_send(w->net, to, span_make(&b, 1));
}

static void check_queue_bound(void)
{
	struct world w;
	struct peer to;
	unsigned taken = 0;

	fake_world(&w, &to);
	fake.budget = 0;
	for (unsigned i = 0; i < 10000; i++)
		taken += send_byte(&w, &to, i % 251) == ERR_OK;
	CHECK(taken == UDP_QUEUE, "the queue is bounded");
	CHECK(stats(&w).dropped == 10000 - UDP_QUEUE, "what did not fit is counted");
	CHECK(fake.calls == 1, "a blocked socket is left alone");
	net_flush(w.net);
	CHECK(fake.calls == 1, "by a flush, too");
	fake.budget = 100;
	step(&w);
	CHECK(fake.n == 100 && stats(&w).sent == 100, "writable: what the kernel takes");
	for (unsigned i = 0; i < 100; i++)
		CHECK(send_byte(&w, &to, (UDP_QUEUE + i) % 251) == ERR_OK, "room again");
	CHECK(send_byte(&w, &to, 0) == ERR_LIMIT, "and full again");
	fake.budget = -1;
	step(&w);
	CHECK(fake.n == UDP_QUEUE + 100, "all out, across the end of the ring");
	for (unsigned i = 0; i < fake.n; i++)
		if (fake.first[i] != i % 251)
			CHECK(false, "in order");
	CHECK(stats(&w).send_errors == 0, "no errors");
	world_fini(&w);
}

/* A full queue flushes by itself when the kernel takes datagrams. */
static void check_auto_flush(void)
{
	struct world w;
	struct peer to;
	unsigned taken = 0;

	fake_world(&w, &to);
	for (unsigned i = 0; i < 10000; i++)
		taken += send_byte(&w, &to, i) == ERR_OK;
	net_flush(w.net);
	CHECK(taken == 10000 && stats(&w).sent == 10000, "10,000 datagrams pass");
	CHECK(stats(&w).dropped == 0, "none is dropped");
	world_fini(&w);
}

static void check_send_errors(void)
{
	struct world w;
	struct peer to;

	fake_world(&w, &to);
	fake.poison = 5;
	for (unsigned i = 0; i < 10; i++)
		CHECK(send_byte(&w, &to, i) == ERR_OK, "queued");
	CHECK(send_byte(&w, &to, 5) == ERR_OK, "the last fails, too");
	net_flush(w.net);
	CHECK(stats(&w).sent == 9 && stats(&w).send_errors == 2, "skipped and counted");
	CHECK_BYTES(
		span_make(fake.first, fake.n), test_hex("000102030406070809"), "the others left");
	world_fini(&w);
}

static void check_unreachable(void)
{
	struct world w;
	struct peer v4, v6, p;

	fake_world(&w, &v4);
	REQUIRE(net_peer("::1", 9, 0, &v6) == ERR_OK, "peer");
	CHECK(net_send(w.net, &v6, SPAN_LIT("x")) == ERR_RANGE, "IPv6 peer, IPv4 listener");
	p = v4;
	p.listener = 1;
	CHECK(net_send(w.net, &p, SPAN_LIT("x")) == ERR_NOTFOUND, "a listener that is not open");
	p.listener = NET_LISTENERS_MAX;
	CHECK(net_send(w.net, &p, SPAN_LIT("x")) == ERR_NOTFOUND, "a listener out of range");
	p = v4;
	p.bearer = BEARER_SMS;
	CHECK(net_send(w.net, &p, SPAN_LIT("x")) == ERR_NOTFOUND, "another bearer");
	p = v4;
	p.addr_n = 5;
	CHECK(net_send(w.net, &p, SPAN_LIT("x")) == ERR_RANGE, "no address");
	CHECK(net_port(w.net, 1) == 0 && net_port(w.net, NET_LISTENERS_MAX) == 0, "no port");
	net_flush(w.net);
	CHECK(fake.calls == 0, "nothing was queued");
	world_fini(&w);
}

static const struct bad_row {
	const char *address;
	enum err err;
	const char *text; /* part of what the operator reads */
} bad_rows[] = {
	{"localhost", ERR_SYNTAX, "cannot listen on localhost port 5683: not a numeric address"},
	{"127.0.0.1:5683", ERR_SYNTAX, "not a numeric address"},
	{"", ERR_SYNTAX, "not a numeric address"},
	{"fe80::1%nosuch0", ERR_NOTFOUND, "no such network interface"},
	{"203.0.113.77", ERR_NOTFOUND, "this machine has no such address"},
};

static void check_bad_address(const struct bad_row *r)
{
	struct world w;

	world_init(&w);
	CHECK(net_listen_udp(w.net, 0, r->address, 5683, w.why) == r->err, r->address);
	CHECK(strstr(w.why, r->text) != NULL, w.why);
	CHECK(net_listen_udp(w.net, 0, "127.0.0.1", 0, w.why) == ERR_OK, "the index is still free");
	world_fini(&w);
}

static void check_in_use(void)
{
	struct world w;
	uint16_t port;

	world_init(&w);
	REQUIRE(net_listen_udp(w.net, 0, "127.0.0.1", 0, w.why) == ERR_OK, "listen");
	port = net_port(w.net, 0);
	CHECK(net_listen_udp(w.net, 1, "127.0.0.1", port, w.why) == ERR_BUSY, "address in use");
	CHECK(strstr(w.why, "another socket has this port") != NULL, w.why);
	CHECK(net_listen_udp(w.net, 1, "*", port, w.why) == ERR_BUSY, "in use by dual stack");
	CHECK(net_listen_udp(w.net, 0, "127.0.0.1", 0, w.why) == ERR_EXISTS, "index taken");
	CHECK(net_listen_udp(w.net, NET_LISTENERS_MAX, "*", 0, w.why) == ERR_LIMIT, "index");
	/* "::" leaves IPv4 to others. */
	CHECK(net_listen_udp(w.net, 1, "::", port, w.why) == ERR_OK, "IPv6 beside IPv4");
	world_fini(&w);
}

/* Blast more than one turn takes through real sockets, and count what comes back. */
static void check_burst(void)
{
	struct world w;
	int fd = client_open("127.0.0.1");
	size_t back = 0;
	int big = 8 << 20;
	char buf[16];

	world_init(&w);
	w.seen.echo = true;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	REQUIRE(net_listen_udp(w.net, 0, "*", 0, w.why) == ERR_OK, "listen");
	for (int i = 0; i < 10000; i++) {
		client_send(fd, "127.0.0.1", net_port(w.net, 0), "burst", 5);
		if (i % 500 == 499)
			while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 5)
				back++;
		if (i % 100 == 99)
			step(&w);
	}
	for (int i = 0; i < 100; i++)
		step(&w);
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 5)
		back++;
	CHECK(back == 10000, "all of 10,000 come back");
	CHECK(stats(&w).received == 10000 && stats(&w).sent == 10000, "and are counted");
	close(fd);
	world_fini(&w);
}

/* Nobody reads: the kernel's buffer overflows, which the statistics tell. */
static void check_overflow(void)
{
	struct world w;
	int fd = client_open("127.0.0.1");
	static uint8_t big[NET_DATAGRAM_MAX];

	world_init(&w);
	REQUIRE(net_listen_udp(w.net, 0, "127.0.0.1", 0, w.why) == ERR_OK, "listen");
	for (int i = 0; i < 10000; i++)
		client_send(fd, "127.0.0.1", net_port(w.net, 0), big, sizeof(big));
	for (int i = 0; i < 100; i++)
		step(&w);
	CHECK(stats(&w).overflowed > 0, "overflow is counted");
	CHECK(stats(&w).overflowed + stats(&w).received == 10000, "nothing is lost uncounted");
	CHECK(stats(&w).received >= 1000, "the buffer is large");
	close(fd);
	world_fini(&w);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(echo_rows) / sizeof(echo_rows[0]); i++)
		check_echo(&echo_rows[i]);
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++)
		check_bad_address(&bad_rows[i]);
	check_locals_gone();
	check_sizes();
	check_turn_bound();
	check_pause();
	check_icmp();
	check_queue_bound();
	check_auto_flush();
	check_send_errors();
	check_unreachable();
	check_in_use();
	check_burst();
	check_overflow();
	net_free(NULL);
	return test_done();
}
