/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over loopback: frames, signalling, and what a peer can cost us. The clock is the real
 * one; limits are made short where one has to pass. */
#include "transport/tcp.h"

#include "base/text.h"
#include "tests/unit/test.h"
#include "transport/addr.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CSM_OURS "40e122048020"
#define CSM      "00e1"

enum { SEEN_MAX = 64, PATIENCE_MS = 5000 };

struct world {
	struct event_base *base;
	struct net *net;
	struct net_tcp_limits limits;
	size_t inputs, closed;
	struct peer from[SEEN_MAX], gone;
	uint8_t bytes[SEEN_MAX][256];
	size_t n[SEEN_MAX];
	uint16_t port;
};

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct world *w = arg;
	size_t at = w->inputs++ % SEEN_MAX;

	w->from[at] = *from;
	w->n[at] = datagram.n;
	memcpy(w->bytes[at], datagram.p,
		datagram.n < sizeof(w->bytes[at]) ? datagram.n : sizeof(w->bytes[at]));
}

static void on_turn(void *arg)
{
	struct world *w = arg;

	net_flush(w->net);
}

static void on_closed(void *arg, const struct peer *who)
{
	struct world *w = arg;

	w->closed++;
	w->gone = *who;
}

static void world_init(struct world *w, const char *address)
{
	char why[256];

	memset(w, 0, sizeof(*w));
	net_tcp_limits_default(&w->limits);
	w->base = event_base_new();
	REQUIRE(w->base && !net_new(w->base, on_input, on_turn, w, &w->net), "net_new");
	net_on_closed(w->net, on_closed);
	REQUIRE(!net_listen_tcp(w->net, 0, address, 0, -1, why), "net_listen_tcp");
	w->port = net_port(w->net, 0);
}

static void world_fini(struct world *w)
{
	net_free(w->net);
	event_base_free(w->base);
}

static void step(struct world *w)
{
	event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static struct net_stats stats(const struct world *w)
{
	struct net_stats s;

	net_stats(w->net, &s);
	return s;
}

/* Turns the loop until `*n` is `want`, or patience ends. */
static bool until(struct world *w, const size_t *n, size_t want)
{
	for (uint64_t end = tcp_now_ms() + PATIENCE_MS; *n < want && tcp_now_ms() < end;) {
		step(w);
		(void)poll(NULL, 0, 1);
	}
	return *n == want;
}

static int client(struct world *w, const char *to)
{
	union addr a;

	REQUIRE(!addr_parse(to, w->port, &a), to);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0 && connect(fd, &a.sa, addr_len(&a)) == 0, "client connects");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	step(w);
	return fd;
}

static void put(int fd, const char *hex)
{
	struct span s = test_hex(hex);

	if (s.n)
		CHECK(send(fd, s.p, s.n, MSG_NOSIGNAL) == (ssize_t)s.n, "client sends");
}

/* What comes until `n` bytes are there, or the end, or patience ends. */
static struct span get(struct world *w, int fd, size_t n, bool *ended)
{
	static uint8_t buf[8192];
	size_t at = 0;

	*ended = false;
	for (uint64_t end = tcp_now_ms() + PATIENCE_MS; at < n && tcp_now_ms() < end;) {
		step(w);
		ssize_t got = recv(fd, &buf[at], n - at, 0);
		*ended = got == 0 || (got < 0 && errno != EAGAIN);
		if (*ended)
			break;
		if (got > 0)
			at += (size_t)got;
		else
			(void)poll(NULL, 0, 1);
	}
	return span_make(buf, at);
}

static bool gets(struct world *w, int fd, const char *hex)
{
	struct span want = test_hex(hex);
	bool ended;

	return span_eq(get(w, fd, want.n, &ended), want);
}

static bool ends(struct world *w, int fd)
{
	bool ended;

	(void)get(w, fd, 1, &ended);
	return ended;
}

/* ---- messages */

static void test_messages(void)
{
	struct world w;
	char text[96];
	struct writer t = wr_make(text, sizeof(text));

	world_init(&w, "*");
	int fd = client(&w, "127.0.0.1");
	CHECK(gets(&w, fd, CSM_OURS), "our CSM comes first, unasked (TRN-TCP-3)");
	put(fd, CSM "2101aab16f"
		    "0002");
	REQUIRE(until(&w, &w.inputs, 2), "two messages in one segment");
	CHECK_BYTES(span_make(w.bytes[0], w.n[0]), test_hex("41010000aab16f"),
		"a message has the form of a datagram (TRN-TCP-2)");
	CHECK_BYTES(span_make(w.bytes[1], w.n[1]), test_hex("40020001"),
		"and a number of its own, so that none is taken for a copy");
	CHECK(w.from[0].bearer == BEARER_TCP && w.from[0].connection &&
			peer_eq(&w.from[0], &w.from[1]),
		"the peer is the connection");
	wr_peer(&t, &w.from[0]);
	CHECK(t.n > 14 && !memcmp(text, "tcp 127.0.0.1:", 14), "which is written as its address");
	CHECK(!net_send(w.net, &w.from[0], test_hex("61450007aaff6869")), "an answer");
	net_flush(w.net);
	CHECK(gets(&w, fd, "3145aaff6869"), "goes out as a frame, without type and Message ID");
	close(fd);
	CHECK(until(&w, &w.closed, 1) && peer_eq(&w.gone, &w.from[0]), "its end is told");
	CHECK(net_send(w.net, &w.from[0], test_hex("60450007")) == ERR_NOTFOUND &&
			stats(&w).tcp_open == 0,
		"and nothing can be sent to it");
	world_fini(&w);
}

static void test_ipv6(void)
{
	struct world w;

	world_init(&w, "::1");
	int fd = client(&w, "::1");
	put(fd, CSM "0001");
	CHECK(until(&w, &w.inputs, 1) && w.from[0].addr_n == 18 && w.from[0].local_n == 16, "IPv6");
	close(fd);
	world_fini(&w);
}

static void test_byte_by_byte(void)
{
	struct world w;
	struct span all = test_hex(CSM "c801"
				       "0102030405060708"
				       "bb74656d7065726174757265"
				       "0002");

	world_init(&w, "127.0.0.1");
	int fd = client(&w, "127.0.0.1");
	for (size_t i = 0; i < all.n; i++) {
		CHECK(send(fd, &all.p[i], 1, MSG_NOSIGNAL) == 1, "one byte");
		step(&w);
	}
	CHECK(until(&w, &w.inputs, 2), "messages that come byte by byte");
	CHECK_BYTES(span_make(w.bytes[0], w.n[0]),
		test_hex("480100000102030405060708bb74656d7065726174757265"), "are whole");
	close(fd);
	world_fini(&w);
}

/* A long message, in pieces of many sizes, with others around it. */
static void test_pieces(void)
{
	static uint8_t all[3 * 2100];
	struct world w;
	struct writer s = wr_make(all, sizeof(all));
	static const size_t steps[] = {1, 2, 3, 5, 17, 255, 1000, 2048, 2049, 4096};

	wr_bytes(&s, test_hex(CSM "0001"
				  "e1")); /* 269 + 1731 bytes, token of 1 */
	wr_u16(&s, 1731);
	wr_bytes(&s, test_hex("02aa"
			      "ff"));
	memset(wr_room(&s, 1999), 0x55, 1999);
	wr_bytes(&s, test_hex("0001"));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		world_init(&w, "127.0.0.1");
		int fd = client(&w, "127.0.0.1");
		for (size_t at = 0; at < s.n; at += steps[i]) {
			struct span piece = span_sub(wr_span(&s), at, steps[i]);
			CHECK(send(fd, piece.p, piece.n, MSG_NOSIGNAL) == (ssize_t)piece.n,
				"piece");
			step(&w);
		}
		CHECK(until(&w, &w.inputs, 3) && w.n[1] == 4 + 1 + 2000, "a long one in pieces");
		close(fd);
		world_fini(&w);
	}
}

/* ---- signalling and faults */

struct row {
	const char *what, *sent;
	const char *reply; /* behind our CSM */
	bool ended;
	size_t inputs;
};

static const struct row rows[] = {
	{"Ping is answered with its token (TRN-TCP-3)", CSM "02e20a0b", "02e30a0b", false, 0},
	{"Ping with Custody, and nothing is open", CSM "11e20a20", "11e30a20", false, 0},
	{"Ping with Custody behind an open request: no promise",
		CSM "0001"
		    "11e20a20",
		"01e30a", false, 1},
	{"Ping with an unknown critical option is ignored",
		CSM "11e20a10"
		    "01e20b",
		"01e30b", false, 0},
	{"Pong is nothing to us",
		CSM "01e30a"
		    "0001",
		"", false, 1},
	{"a second CSM",
		CSM "30e1220400"
		    "0001",
		"", false, 1},
	{"Empty is ignored, section 3.4",
		CSM "0000"
		    "0001",
		"", false, 1},
	{"an unknown signal is ignored",
		CSM "00ff"
		    "0001",
		"", false, 1},
	{"Release", CSM "00e4", "", true, 0},
	{"Abort",
		CSM "00e5"
		    "0001",
		"", true, 0},
	{"no CSM first, section 5.3", "0001",
		"d013e5ff746865206669727374206d657373616765206d75737420626520612043534d", true, 0},
	{"a Ping before the CSM", "00e2",
		"d013e5ff746865206669727374206d657373616765206d75737420626520612043534d", true, 0},
	{"a critical option of a CSM: Bad-CSM-Option, section 5.3.1", "10e130",
		"d00fe52103ff637269746963616c206f7074696f6e206e6f74206b6e6f776e", true, 0},
	{"token length 9", CSM "0901", "d005e5ff6d616c666f726d6564206d657373616765", true, 0},
	{"a bad option", CSM "1001f0", "d005e5ff6d616c666f726d6564206d657373616765", true, 0},
	{"a marker and nothing behind it", CSM "1001ff",
		"d005e5ff6d616c666f726d6564206d657373616765", true, 0},
	{"too large, told from its head", CSM "e0ffff",
		"d005e5ff6d65737361676520746f6f206c61726765", true, 0},
	{"the largest there can be", CSM "ffffffffff", "d005e5ff6d616c666f726d6564206d657373616765",
		true, 0},
	{"4 GB", CSM "f0ffffffff", "d005e5ff6d65737361676520746f6f206c61726765", true, 0},
	{"one fault ends it, what is behind it does not count",
		CSM "0901"
		    "0001",
		"d005e5ff6d616c666f726d6564206d657373616765", true, 0},
};

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct world w;
		world_init(&w, "127.0.0.1");
		w.limits.release_ms = 20;
		net_tcp_limits(w.net, &w.limits);
		int fd = client(&w, "127.0.0.1");
		CHECK(gets(&w, fd, CSM_OURS), row->what);
		put(fd, row->sent);
		CHECK(gets(&w, fd, row->reply), row->what);
		if (row->ended)
			CHECK(ends(&w, fd), row->what);
		CHECK(until(&w, &w.inputs, row->inputs), row->what);
		CHECK(stats(&w).tcp_open == !row->ended, row->what);
		close(fd);
		world_fini(&w);
	}
}

/* ---- what a peer may cost */

/* One that has sent a CSM. */
static int open_client(struct world *w, const char *to)
{
	int fd = client(w, to);

	put(fd, CSM "0001");
	CHECK(until(w, &w->inputs, w->inputs + 1), "a CSM and a request");
	return fd;
}

static void test_numbers(void)
{
	struct world w;
	int fd[6];

	world_init(&w, "*");
	w.limits.connections = 3;
	w.limits.per_address = 2;
	w.limits.spared_ms = 0;
	net_tcp_limits(w.net, &w.limits);
	fd[0] = open_client(&w, "127.0.0.1");
	fd[1] = open_client(&w, "127.0.0.1");
	put(fd[0], "0001");
	REQUIRE(until(&w, &w.inputs, 3), "the first speaks again");
	fd[2] = open_client(&w, "127.0.0.1");
	CHECK(gets(&w, fd[1], CSM_OURS "00e4") && ends(&w, fd[1]) && stats(&w).tcp_evicted == 1,
		"too many from one address: the one that was quiet longest is told, and goes");
	fd[3] = open_client(&w, "::1");
	CHECK(stats(&w).tcp_open == 3, "another address may");
	fd[4] = open_client(&w, "::1");
	CHECK(gets(&w, fd[0], CSM_OURS "00e4") && ends(&w, fd[0]) && stats(&w).tcp_open == 3,
		"too many in all: likewise");
	w.limits.spared_ms = 60000;
	net_tcp_limits(w.net, &w.limits);
	fd[5] = client(&w, "::1");
	put(fd[5], CSM);
	CHECK(gets(&w, fd[5], CSM_OURS "d008e5ff746f6f206d616e7920636f6e6e656374696f6e73") &&
			ends(&w, fd[5]) && stats(&w).tcp_refused == 1 && stats(&w).tcp_open == 3,
		"where all have spoken a moment ago, who comes has to wait");
	for (size_t i = 0; i < 6; i++)
		close(fd[i]);
	world_fini(&w);
}

/* Connections that do not say what they are: bounded for themselves, and by address. */
static void test_half_open(void)
{
	enum { FLOOD = 40, BOUND = 5, EACH = 3 };
	struct world w;
	int fd[FLOOD];

	world_init(&w, "*");
	w.limits.handshakes = BOUND;
	w.limits.handshakes_each = EACH;
	w.limits.spared_ms = 0;
	net_tcp_limits(w.net, &w.limits);
	int good = open_client(&w, "127.0.0.1"), slow = client(&w, "::1");
	for (size_t i = 0; i < FLOOD; i++)
		fd[i] = client(&w, "127.0.0.1");
	CHECK(until(&w, &w.closed, FLOOD - EACH), "one address has so many, and no more");
	CHECK(stats(&w).tcp_open == EACH + 2, "it takes no other's place");
	put(good, "0001");
	put(slow, CSM "0001");
	CHECK(until(&w, &w.inputs, 3), "those that are open, and slow ones elsewhere, are served");
	w.limits.spared_ms = 60000;
	net_tcp_limits(w.net, &w.limits);
	int late = client(&w, "127.0.0.1");
	CHECK(ends(&w, late) && stats(&w).tcp_refused == 1,
		"where all came a moment ago, newcomers are refused");
	for (size_t i = 0; i < FLOOD; i++)
		close(fd[i]);
	close(good);
	close(slow);
	close(late);
	world_fini(&w);
}

static void test_times(void)
{
	static const struct {
		const char *what, *sent;
		uint64_t csm_ms, frame_ms, idle_ms;
		bool released;
	} times[] = {
		{"nothing is said", "", 30, 60000, 60000, false},
		{"half a CSM", "00", 30, 60000, 60000, false},
		{"half a message", CSM "21", 60000, 30, 60000, false},
		{"half a message behind a whole one",
			CSM "0001"
			    "210102",
			60000, 30, 60000, false},
		{"silence", CSM "0001", 60000, 60000, 30, true},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct world w;
		world_init(&w, "127.0.0.1");
		w.limits.csm_ms = times[i].csm_ms;
		w.limits.frame_ms = times[i].frame_ms;
		w.limits.idle_ms = times[i].idle_ms;
		net_tcp_limits(w.net, &w.limits);
		int fd = client(&w, "127.0.0.1");
		put(fd, times[i].sent);
		CHECK(gets(&w, fd, CSM_OURS), times[i].what);
		if (times[i].released)
			CHECK(gets(&w, fd, "00e4"), "an idle one is told (Release)");
		CHECK(ends(&w, fd) && stats(&w).tcp_timeouts == 1, times[i].what);
		CHECK(until(&w, &w.closed, 1), times[i].what);
		close(fd);
		world_fini(&w);
	}
}

/* Who sends a byte of a message now and then has no more time than others. */
static void test_trickle(void)
{
	struct world w;
	struct net_stats s = {0};

	world_init(&w, "127.0.0.1");
	w.limits.frame_ms = 50;
	net_tcp_limits(w.net, &w.limits);
	int fd = client(&w, "127.0.0.1");
	put(fd, CSM "c001");
	for (int i = 0; i < 11 && !s.tcp_timeouts; i++) {
		(void)send(fd, "a", 1, MSG_NOSIGNAL);
		(void)poll(NULL, 0, 10);
		step(&w);
		s = stats(&w);
	}
	CHECK(s.tcp_timeouts == 1 && w.inputs == 0, "a byte at a time is no sign of life");
	close(fd);
	world_fini(&w);
}

/* Answers to one that does not read stay bounded, and others are served. */
static void test_slow(void)
{
	static uint8_t big[1000];
	struct world w;
	enum err err = ERR_OK;
	size_t sent = 0;

	world_init(&w, "127.0.0.1");
	int slow = client(&w, "127.0.0.1"), good = client(&w, "127.0.0.1");
	put(slow, CSM "0001");
	REQUIRE(until(&w, &w.inputs, 1), "the slow one");
	put(good, CSM "0001");
	REQUIRE(until(&w, &w.inputs, 2), "the other");
	big[0] = 0x60;
	big[1] = MSG_CONTENT;
	while (!err && sent < 100000) {
		err = net_send(w.net, &w.from[0], SPAN_OF(big));
		sent++;
		net_flush(w.net);
	}
	CHECK(err == ERR_LIMIT && stats(&w).tcp_slow == 1, "who does not read is dropped");
	CHECK(until(&w, &w.closed, 1) && peer_eq(&w.gone, &w.from[0]), "which is told");
	CHECK(!net_send(w.net, &w.from[1], test_hex("60450000")), "the other is served");
	net_flush(w.net);
	CHECK(gets(&w, good, CSM_OURS "0045"), "as before");
	close(slow);
	close(good);
	world_fini(&w);
}

/* What all may have waiting is not for those that do not read: the first of them go. */
static void test_slow_many(void)
{
	enum { SLOW = 4 };
	static uint8_t big[1000];
	struct world w;
	int slow[SLOW];

	big[0] = 0x60;
	big[1] = MSG_CONTENT;
	world_init(&w, "127.0.0.1");
	w.limits.tx_bytes = 8 << 20;
	w.limits.tx_total_bytes = 20 << 20;
	net_tcp_limits(w.net, &w.limits);
	for (size_t i = 0; i < SLOW; i++) {
		slow[i] = open_client(&w, "127.0.0.1");
		for (size_t n = 0; n < 7000; n++)
			(void)!net_send(w.net, &w.from[i], SPAN_OF(big));
		net_flush(w.net);
		step(&w);
	}
	CHECK(stats(&w).tcp_slow == SLOW - 2 && stats(&w).tcp_open == 2,
		"there is room for two: the first two have gone");
	int good = open_client(&w, "127.0.0.1");
	CHECK(!net_send(w.net, &w.from[SLOW], test_hex("60450000")), "one that reads");
	net_flush(w.net);
	CHECK(gets(&w, good, CSM_OURS "0045"), "is answered");
	for (size_t i = 0; i < SLOW; i++)
		close(slow[i]);
	close(good);
	world_fini(&w);
}

/* Signalling costs us nothing that lasts. */
static void test_signals(void)
{
	enum { TIMES = 20000 };
	struct world w;
	char csm[4 * 12 + 1] = "";

	world_init(&w, "127.0.0.1");
	int fd = open_client(&w, "127.0.0.1");
	for (int i = 0; i < 12; i++)
		strcat(csm, CSM);
	for (int i = 0; i < TIMES / 12; i++) {
		put(fd, csm);
		step(&w);
	}
	put(fd, "20e121400001");
	CHECK(until(&w, &w.inputs, 2) && stats(&w).tcp_open == 1, "thousands of CSMs are read");
	put(fd, "10e130");
	CHECK(gets(&w, fd,
		      CSM_OURS "d00fe52103ff637269746963616c206f7074696f6e206e6f74206b6e6f776e") &&
			ends(&w, fd),
		"a critical option that nobody knows ends it, in a later CSM too");
	close(fd);
	world_fini(&w);
}

static void test_stuck(void)
{
	static uint8_t big[1000];
	struct world w;
	size_t sent = 0;

	world_init(&w, "127.0.0.1");
	w.limits.stuck_ms = 30;
	w.limits.tx_bytes = 8 << 20;
	net_tcp_limits(w.net, &w.limits);
	int fd = client(&w, "127.0.0.1");
	put(fd, CSM "0001");
	REQUIRE(until(&w, &w.inputs, 1), "a request");
	big[0] = 0x60;
	big[1] = MSG_CONTENT;
	for (; sent < 7000 && !net_send(w.net, &w.from[0], SPAN_OF(big)); sent++)
		;
	CHECK(sent == 7000, "much is queued");
	net_flush(w.net);
	CHECK(until(&w, &w.closed, 1) && stats(&w).tcp_timeouts == 1,
		"who reads nothing for long is dropped");
	close(fd);
	world_fini(&w);
}

static void test_message_size(void)
{
	static uint8_t big[1200] = {0x60, MSG_CONTENT};
	struct world w;

	world_init(&w, "127.0.0.1");
	int fd = client(&w, "127.0.0.1");
	put(fd, CSM "0001");
	REQUIRE(until(&w, &w.inputs, 1), "a request");
	CHECK(net_send(w.net, &w.from[0], span_make(big, 1153)) == ERR_RANGE,
		"1152 bytes is the most before a CSM says otherwise");
	CHECK(!net_send(w.net, &w.from[0], span_make(big, 1152)), "and so much may go");
	put(fd, "20e12140"
		"0001");
	REQUIRE(until(&w, &w.inputs, 2), "Max-Message-Size 64");
	CHECK(net_send(w.net, &w.from[0], span_make(big, 66)) == ERR_RANGE &&
			!net_send(w.net, &w.from[0], span_make(big, 65)),
		"it counts");
	put(fd, "30e1221000"
		"0001");
	REQUIRE(until(&w, &w.inputs, 3), "Max-Message-Size 4096");
	CHECK(!net_send(w.net, &w.from[0], span_make(big, 1200)), "it can be more");
	close(fd);
	world_fini(&w);
}

/* ---- a client */

static void test_dial(void)
{
	struct world w;
	struct peer to;

	world_init(&w, "127.0.0.1");
	REQUIRE(!net_dial_tcp(w.net, 1), "a place to connect from");
	REQUIRE(!net_peer("127.0.0.1", w.port, 1, &to), "the server");
	to.bearer = BEARER_TCP;
	memcpy(to.local, (uint8_t[]){127, 0, 5, 6}, to.local_n = 4);
	CHECK(!net_send(w.net, &to, test_hex("41010042aa")), "the first message connects");
	CHECK(!net_send(w.net, &to, test_hex("41020043ab")), "the next goes the same way");
	net_flush(w.net);
	REQUIRE(until(&w, &w.inputs, 2), "both arrive");
	CHECK_BYTES(span_make(w.bytes[0], w.n[0]), test_hex("41010000aa"), "in order");
	CHECK(!memcmp(w.from[0].addr, to.local, 4) && peer_eq(&w.from[0], &w.from[1]),
		"from the address that was wanted");
	struct peer server = w.from[0];
	CHECK(!net_send(w.net, &server, test_hex("41450000aa")), "the answer");
	net_flush(w.net);
	REQUIRE(until(&w, &w.inputs, 3), "comes back");
	CHECK(peer_eq(&w.from[2], &to), "from where it was asked");
	CHECK(stats(&w).tcp_open == 2, "over one connection");
	net_release(w.net);
	CHECK(until(&w, &w.closed, 2) && stats(&w).tcp_open == 0, "a Release ends it");
	CHECK(!net_send(w.net, &to, test_hex("41010044ac")), "the next message connects anew");
	net_flush(w.net);
	CHECK(until(&w, &w.inputs, 4) && !peer_eq(&w.from[3], &server), "as another peer");
	world_fini(&w);
}

static void test_dial_refused(void)
{
	struct world w;
	struct peer to;

	world_init(&w, "127.0.0.1");
	REQUIRE(!net_dial_tcp(w.net, 1) && !net_peer("127.0.0.2", w.port, 1, &to), "nobody there");
	to.bearer = BEARER_TCP;
	enum err err = net_send(w.net, &to, test_hex("41010042aa"));
	CHECK(!err && until(&w, &w.closed, 1) && peer_eq(&w.gone, &to), "is told");
	world_fini(&w);
}

/* ---- starting and stopping */

static void test_stop(void)
{
	struct world w;
	bool ended;

	world_init(&w, "127.0.0.1");
	int fd = client(&w, "127.0.0.1");
	put(fd, CSM "0001");
	REQUIRE(until(&w, &w.inputs, 1), "a request");
	put(fd, "0001"); /* what is never read must not cost the answer */
	net_pause(w.net);
	CHECK(!net_send(w.net, &w.from[0], test_hex("60450000")), "the answer");
	net_flush(w.net);
	net_release(w.net);
	net_free(w.net);
	struct world none = {.base = event_base_new()};
	struct span all = get(&none, fd, 100, &ended);
	CHECK_BYTES(all,
		test_hex(CSM_OURS "0045"
				  "00e4"),
		"is followed by a Release");
	CHECK(ended, "and the end");
	CHECK(w.inputs == 1, "nothing is taken any more");
	close(fd);
	event_base_free(none.base);
	event_base_free(w.base);
}

static void test_listen(void)
{
	struct world w;
	char why[256];
	union addr a;
	socklen_t n = sizeof(a);

	world_init(&w, "127.0.0.1");
	CHECK(net_listen_tcp(w.net, 1, "127.0.0.1", w.port, -1, why) == ERR_BUSY &&
			strstr(why, "another socket has this port"),
		"a port that is taken");
	CHECK(net_listen_tcp(w.net, 0, "127.0.0.1", 0, -1, why) == ERR_EXISTS, "an index twice");
	CHECK(net_listen_udp(w.net, 0, "127.0.0.1", 0, why) == ERR_EXISTS, "by UDP too");
	CHECK(net_listen_tcp(w.net, 1, "localhost", 0, -1, why) == ERR_SYNTAX, "a name");
	CHECK(!net_listen_udp(w.net, 1, "127.0.0.1", w.port, why), "UDP has ports of its own");
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(net_listen_tcp(w.net, 2, "*", 5683, udp, why) == ERR_SYNTAX &&
			strstr(why, "ListenStream="),
		"an inherited socket that is none");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(!addr_parse("127.0.0.1", 0, &a) && !bind(fd, &a.sa, addr_len(&a)) && !listen(fd, 5),
		"one that is");
	CHECK(!net_listen_tcp(w.net, 2, "*", 5683, fd, why), "is taken");
	REQUIRE(!getsockname(fd, &a.sa, &n), "its port");
	CHECK(net_port(w.net, 2) == ntohs(a.v4.sin_port), "with its port");
	w.port = net_port(w.net, 2);
	int c = client(&w, "127.0.0.1");
	CHECK(gets(&w, c, CSM_OURS), "and used");
	close(c);
	world_fini(&w);
}

int main(void)
{
	test_messages();
	test_ipv6();
	test_byte_by_byte();
	test_pieces();
	test_rows();
	test_numbers();
	test_half_open();
	test_times();
	test_trickle();
	test_slow();
	test_slow_many();
	test_signals();
	test_stuck();
	test_message_size();
	test_dial();
	test_dial_refused();
	test_stop();
	test_listen();
	return test_done();
}
