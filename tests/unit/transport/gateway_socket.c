/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway socket and bridges that behave, and others. */
#include "transport/gateway_socket.h"
#include "transport/gateway_frame.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 30000 };

struct world {
	struct event_base *base;
	struct gateways *all;
	struct gateway *g;
	char dir[64], path[100];
	unsigned inputs, links, unsents;
	bool up;
	struct peer last, unsent_to;
	uint32_t mtu;
};

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct world *w = arg;

	(void)datagram;
	w->inputs++;
	w->last = *from;
}

static void on_turn(void *arg)
{
	(void)arg;
}

static void on_link(void *arg, const struct gateway *g, bool up)
{
	struct world *w = arg;

	(void)g;
	w->links++;
	w->up = up;
}

static void on_unsent(void *arg, const struct peer *to, struct span datagram)
{
	struct world *w = arg;

	w->unsents += datagram.n > 0;
	w->unsent_to = *to;
}

static void on_mtu(void *arg, const struct peer *to, uint32_t bytes)
{
	struct world *w = arg;

	(void)to;
	w->mtu = bytes;
}

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Runs the loop until that is so, however slow the machine. */
#define UNTIL(w, condition, what)                                                                  \
	do {                                                                                       \
		uint64_t end = clock_ms() + WAIT_MS;                                               \
		bool is_so = false;                                                                \
		while (!(is_so = (condition)) && clock_ms() < end) {                               \
			event_base_loop((w)->base, EVLOOP_NONBLOCK);                               \
			usleep(100);                                                               \
		}                                                                                  \
		CHECK(is_so, what);                                                                \
	} while (0)

static void spin(struct world *w)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static const struct gateway_opts usual = {.name = "main",
	.type = "socket",
	.queue_max = 50,
	.queue_bytes = 100000,
	.queue_address_max = 50};

static void world_init(struct world *w, const struct gateway_opts *o, uint32_t bridges)
{
	struct gateway_host host = {on_input, on_turn, on_link, on_unsent, on_mtu, w};
	char why[GATEWAY_WHY];

	*w = (struct world){.base = event_base_new(), .dir = "/tmp/lanyard-gw.XXXXXX"};
	REQUIRE(w->base && mkdtemp(w->dir) && !gateways_new(w->base, &host, &w->all), "a world");
	snprintf(w->path, sizeof(w->path), "%s/gateway.sock", w->dir);
	REQUIRE(gateway_new(w->all, o, &w->g) == ERR_OK, "a gateway");
	struct gateway_socket_opts so = {.path = w->path,
		.mode = 0600,
		.group = "",
		.user = "",
		.bridges = bridges,
		.fd = -1};
	REQUIRE(gateway_socket_open(w->g, &so, why) == ERR_OK, why);
}

static void world_fini(struct world *w)
{
	gateways_free(w->all);
	event_base_free(w->base);
	CHECK(access(w->path, F_OK) && errno == ENOENT, "the socket file is gone");
	rmdir(w->dir);
}

static struct gateway_view view(const struct world *w)
{
	struct gateway_view v = {0};
	size_t cursor = 0;

	CHECK(gateways_view(w->all, &cursor, &v), "there is one");
	return v;
}

static int bridge(const struct world *w)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, w->path);
	REQUIRE(fd >= 0 && !connect(fd, (struct sockaddr *)&sun, sizeof(sun)), "connected");
	return fd;
}

static bool say(int fd, struct span packet)
{
	return send(fd, packet.p, packet.n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)packet.n;
}

static bool say_frame(int fd, const struct frame *f)
{
	static uint8_t buf[FRAME_MAX + 200];
	struct writer w = wr_make(buf, sizeof(buf));

	return !frame_write(f, &w) && say(fd, wr_span(&w));
}

static bool hello(int fd, enum gateway_kind kind, const char *name)
{
	uint8_t buf[64];
	struct writer w = wr_make(buf, sizeof(buf));

	wr_u8(&w, FRAME_VERSION);
	wr_u8(&w, FRAME_HELLO);
	wr_u8(&w, (uint8_t)kind);
	wr_u8(&w, (uint8_t)strlen(name));
	wr_str(&w, name);
	return say(fd, wr_span(&w));
}

static bool datagram(int fd, enum gateway_kind kind, const char *address)
{
	struct frame f = {.type = FRAME_DATAGRAM,
		.kind = kind,
		.address = span_str(address),
		.datagram = SPAN_LIT("\x40\1\2\3")};

	return say_frame(fd, &f);
}

static bool link_is(int fd, enum frame_link state, const char *text)
{
	struct frame f = {.type = FRAME_LINK, .link = state, .text = span_str(text)};

	return say_frame(fd, &f);
}

static uint8_t heard[FRAME_MAX + 200];

/* What the daemon says next: its type; 0: the end; -1: nothing so far. */
static int next(struct world *w, int fd, struct span *rest)
{
	ssize_t n;

	spin(w);
	n = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
	*rest = span_make(heard, n > 0 ? (size_t)n : 0);
	return n > 1 ? heard[1] : n == 0 || (n < 0 && errno == ECONNRESET) ? 0 : -1;
}

static struct peer peer(const struct world *w, enum gateway_kind kind, const char *address)
{
	struct peer p = {0};

	CHECK(gateway_peer(gateway_number_of(w->g), kind, span_str(address), &p) == ERR_OK,
		address);
	return p;
}

static void test_open(void)
{
	struct world w;
	struct gateway *g;
	struct stat st;
	char why[GATEWAY_WHY];
	struct gateway_opts o = usual;

	world_init(&w, &usual, 4);
	CHECK(!stat(w.path, &st) && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600,
		"with its permissions");
	CHECK(!view(&w).up && !strcmp(view(&w).reason, "no bridge is connected"), "nobody yet");
	o.name = "other";
	REQUIRE(gateway_new(w.all, &o, &g) == ERR_OK, "another");
	struct gateway_socket_opts so = {
		.path = w.path, .mode = 0600, .group = "", .user = "", .bridges = 1, .fd = -1};
	CHECK(gateway_socket_open(g, &so, why) == ERR_BUSY && strstr(why, "another process"), why);
	so.user = "nobody-has-this-name";
	CHECK(gateway_socket_open(g, &so, why) == ERR_NOTFOUND && strstr(why, "no user"), why);
	so.user = "";
	so.path = "/nonexistent/gateway.sock";
	CHECK(gateway_socket_open(g, &so, why) == ERR_IO && why[0], why);
	so.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(gateway_socket_open(g, &so, why) == ERR_UNSUPPORTED && strstr(why, "inherited"), why);
	world_fini(&w);
}

/* As a socket unit hands it over: its file is not ours to remove. */
static void test_inherited(void)
{
	struct world w;
	struct gateway *g;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct gateway_opts o = usual;
	char why[GATEWAY_WHY];
	struct span got;

	world_init(&w, &usual, 1);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/inherited", w.dir);
	o.name = "other";
	struct gateway_socket_opts so = {.path = "/nowhere",
		.group = "",
		.user = "root",
		.bridges = 1,
		.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
	REQUIRE(so.fd >= 0 && !bind(so.fd, (struct sockaddr *)&sun, sizeof(sun)) &&
			!listen(so.fd, 1) && !gateway_new(w.all, &o, &g),
		"a socket");
	CHECK(gateway_socket_open(g, &so, why) == ERR_OK, why);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	REQUIRE(fd >= 0 && !connect(fd, (struct sockaddr *)&sun, sizeof(sun)), "connected");
	CHECK(hello(fd, GATEWAY_OTHER, "b1"), "hello");
	UNTIL(&w, next(&w, fd, &got) == FRAME_HELLO, "it is served, for it is our own user's");
	CHECK_BYTES(span_sub(got, 4, 5), SPAN_LIT("other"), "by that gateway");
	close(fd);
	gateways_free(w.all);
	w.all = NULL;
	CHECK(!access(sun.sun_path, F_OK), "its file stays");
	unlink(sun.sun_path);
	world_fini(&w);
}

static void test_messages(void)
{
	struct world w;
	struct span got;

	world_init(&w, &usual, 4);
	int fd = bridge(&w);
	struct peer a = peer(&w, GATEWAY_LORAWAN, "0004a30b001c0530"), b = a;
	CHECK(gateways_send(w.all, &a, SPAN_LIT("\x40\1\1\1")) == ERR_STATE, "no bridge");
	CHECK(hello(fd, GATEWAY_LORAWAN, "b1"), "hello");
	UNTIL(&w, w.up, "the link is up");
	CHECK(next(&w, fd, &got) == FRAME_HELLO, "hello is answered");
	CHECK_BYTES(got, test_hex("010102046d61696e0033"), "with the gateway's name and the MTU");
	CHECK(view(&w).links == 1 && !strcmp(view(&w).reason, "b1"), "one is there");
	CHECK(datagram(fd, GATEWAY_LORAWAN, "0004a30b001c0530"), "up");
	UNTIL(&w, w.inputs == 1, "it came");
	CHECK(peer_eq(&w.last, &a), "from there");
	CHECK(gateways_send(w.all, &a, SPAN_LIT("\x60\1\2\3")) == ERR_OK, "down");
	CHECK(next(&w, fd, &got) == FRAME_DATAGRAM, "it went");
	CHECK_BYTES(span_sub(got, 4, 16), SPAN_LIT("0004a30b001c0530"), "to there");
	CHECK_BYTES(span_sub(got, 20, 99), SPAN_LIT("\x60\1\2\3"), "as it was");
	b = peer(&w, GATEWAY_SMS, "1");
	CHECK(gateways_send(w.all, &b, SPAN_LIT("\x40\1\1\1")) == ERR_STATE, "not of its kind");
	CHECK(hello(fd, GATEWAY_SMS, "b1"), "hello for another kind");
	CHECK(next(&w, fd, &got) == FRAME_HELLO, "is answered too");
	CHECK(gateways_send(w.all, &b, SPAN_LIT("\x40\1\1\1")) == ERR_OK, "now it is");
	struct frame f = {.type = FRAME_MTU,
		.kind = GATEWAY_LORAWAN,
		.address = SPAN_LIT("0004a30b001c0530"),
		.mtu_bytes = 222};
	CHECK(say_frame(fd, &f), "an MTU");
	UNTIL(&w, w.mtu == 222, "told");
	f = (struct frame){.type = FRAME_UNDELIVERED,
		.kind = GATEWAY_LORAWAN,
		.address = SPAN_LIT("0004a30b001c0530"),
		.datagram = SPAN_LIT("\x60\1\2\3")};
	CHECK(say_frame(fd, &f), "undelivered");
	UNTIL(&w, w.unsents == 1, "told");
	CHECK(peer_eq(&w.unsent_to, &a), "whose it was");
	f.datagram = SPAN_EMPTY;
	CHECK(say_frame(fd, &f), "unreachable");
	UNTIL(&w, view(&w).stats.undelivered == 2, "counted");
	CHECK(w.unsents == 1, "and no more");
	close(fd);
	UNTIL(&w, !w.up, "the link is down");
	CHECK(view(&w).stats.faults == 0, "without a fault");
	world_fini(&w);
}

static void test_link(void)
{
	struct world w;
	struct span got;

	world_init(&w, &usual, 4);
	int fd = bridge(&w);
	struct peer a = peer(&w, GATEWAY_BLE, "aa:bb:cc:dd:ee:ff");
	CHECK(hello(fd, GATEWAY_BLE, "b1"), "hello");
	UNTIL(&w, w.up && next(&w, fd, &got) == FRAME_HELLO, "up");
	CHECK(link_is(fd, FRAME_LINK_BUSY, "the channel is busy"), "busy");
	UNTIL(&w, strstr(view(&w).reason, "(busy)"), "told");
	CHECK(w.up && gateways_send(w.all, &a, SPAN_LIT("\x40\1\1\1")) == ERR_OK, "it waits");
	CHECK(next(&w, fd, &got) == -1 && view(&w).stats.queued == 1, "in the queue");
	CHECK(link_is(fd, FRAME_LINK_UP, ""), "no longer");
	UNTIL(&w, next(&w, fd, &got) == FRAME_DATAGRAM, "it goes out");
	CHECK(view(&w).stats.queued == 0, "and is not kept");
	CHECK(link_is(fd, FRAME_LINK_DOWN, "no carrier"), "down");
	UNTIL(&w, !w.up, "down");
	CHECK(strstr(view(&w).reason, "b1 has no network: no carrier"), view(&w).reason);
	CHECK(gateways_send(w.all, &a, SPAN_LIT("\x40\1\1\1")) == ERR_STATE, "nothing goes");
	CHECK(link_is(fd, FRAME_LINK_UP, "") && datagram(fd, GATEWAY_BLE, "x"), "and back");
	UNTIL(&w, w.up && w.inputs == 1, "up");
	close(fd);
	world_fini(&w);
}

/* What breaks the protocol ends the connection, and nothing else. */
static void test_faults(void)
{
	static const struct {
		const char *what, *hex, *said;
		bool after_hello;
	} bad[] = {
		{"garbage", "474554202f", "version 1", false},
		{"a datagram before hello", "010201013440010203", "before the hello", false},
		{"a link before hello", "0105000001", "before the hello", false},
		{"a datagram of another kind", "010204013440010203", "before the hello", true},
		{"another version", "0201020161", "version 1", true},
		{"an unknown type", "01090000", "no bridge sends", true},
		{"our own type", "010600006e", "no bridge sends", true},
		{"a frame cut off", "01020205", "ends too early", true},
		{"another name", "0101020178", "another name", true},
		{"a bad state", "0105000009", "out of range", true},
	};
	struct world w;
	struct span got;

	world_init(&w, &usual, 4);
	int good = bridge(&w);
	CHECK(hello(good, GATEWAY_LORAWAN, "good"), "hello");
	UNTIL(&w, w.up && next(&w, good, &got) == FRAME_HELLO, "one that behaves");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = bridge(&w);
		if (bad[i].after_hello) {
			CHECK(hello(fd, GATEWAY_LORAWAN, "bad"), "hello");
			UNTIL(&w, next(&w, fd, &got) == FRAME_HELLO, bad[i].what);
		}
		CHECK(say(fd, test_hex(bad[i].hex)), bad[i].what);
		UNTIL(&w, next(&w, fd, &got) == FRAME_ERROR, bad[i].what);
		char text[200] = "";
		memcpy(text, got.p + 4, got.n - 4 < 199 ? got.n - 4 : 199);
		CHECK(strstr(text, bad[i].said), text);
		UNTIL(&w, next(&w, fd, &got) == 0, "and it is closed");
		close(fd);
		CHECK(view(&w).stats.faults == i + 1, "counted");
	}
	static uint8_t huge[FRAME_MAX + 1] = {1, 2, 3, 1, 'a', 0x40};
	int fd = bridge(&w);
	CHECK(hello(fd, GATEWAY_NIDD, "bad") && say(fd, SPAN_OF(huge)), "a packet too long");
	UNTIL(&w, view(&w).stats.faults == sizeof(bad) / sizeof(bad[0]) + 1, "counted");
	close(fd);
	CHECK(w.up && w.inputs == 0, "the other one was left alone");
	CHECK(datagram(good, GATEWAY_LORAWAN, "x"), "and goes on");
	UNTIL(&w, w.inputs == 1, "it came");
	/* A message that is none is no fault of the bridge's, which need not know CoAP. */
	CHECK(say(good, test_hex("01020201610000")), "no CoAP");
	UNTIL(&w, view(&w).stats.malformed == 1, "counted");
	CHECK(w.up, "and no more");
	close(good);
	world_fini(&w);
}

static void test_several(void)
{
	struct world w;
	struct span got;

	world_init(&w, &usual, 3);
	int one = bridge(&w), two = bridge(&w);
	struct peer a = peer(&w, GATEWAY_SMS, "1"), b = peer(&w, GATEWAY_SMS, "2");
	CHECK(hello(one, GATEWAY_SMS, "one") && hello(two, GATEWAY_SMS, "two"), "hello");
	UNTIL(&w, view(&w).links == 2, "both");
	UNTIL(&w, next(&w, one, &got) == FRAME_HELLO, "hello");
	UNTIL(&w, next(&w, two, &got) == FRAME_HELLO, "hello");
	CHECK(datagram(one, GATEWAY_SMS, "1") && datagram(two, GATEWAY_SMS, "2"), "both speak");
	UNTIL(&w, w.inputs == 2, "both were heard");
	CHECK(gateways_send(w.all, &a, SPAN_LIT("\x40\1\1\1")) == ERR_OK, "by the first");
	CHECK(gateways_send(w.all, &b, SPAN_LIT("\x40\1\1\2")) == ERR_OK, "by the second");
	CHECK(next(&w, one, &got) == FRAME_DATAGRAM && got.p[4] == '1', "its own");
	CHECK(next(&w, two, &got) == FRAME_DATAGRAM && got.p[4] == '2', "its own");
	/* The second dies; what waited for it goes by the first. */
	CHECK(link_is(two, FRAME_LINK_BUSY, ""), "busy");
	UNTIL(&w,
		(spin(&w),
			!gateways_send(w.all, &b, SPAN_LIT("\x40\1\1\3")) && view(&w).stats.queued),
		"something waits");
	close(two);
	UNTIL(&w, view(&w).links == 1 && view(&w).stats.queued == 0, "it is gone");
	UNTIL(&w, next(&w, one, &got) == FRAME_DATAGRAM && got.p[4] == '2', "by the other");
	/* The one of the same name takes its place. */
	int again = bridge(&w);
	CHECK(hello(again, GATEWAY_SMS, "one"), "hello");
	UNTIL(&w, next(&w, again, &got) == FRAME_HELLO, "it is taken");
	while (next(&w, one, &got) == FRAME_DATAGRAM)
		;
	UNTIL(&w, next(&w, one, &got) == 0, "the old one is closed");
	CHECK(gateways_send(w.all, &a, SPAN_LIT("\x40\1\1\4")) == ERR_OK, "and by the new one");
	UNTIL(&w, next(&w, again, &got) == FRAME_DATAGRAM && got.p[4] == '1', "it goes");
	int more[3] = {bridge(&w), bridge(&w), bridge(&w)};
	UNTIL(&w, next(&w, more[2], &got) == FRAME_ERROR, "a fourth");
	UNTIL(&w, next(&w, more[2], &got) == 0, "is turned away");
	for (size_t i = 0; i < 3; i++)
		close(more[i]);
	close(again);
	close(one);
	UNTIL(&w, !w.up, "nobody is left");
	world_fini(&w);
}

/* One that reads nothing: what it may make us keep is bounded. */
static void test_slow(void)
{
	static uint8_t big[1280] = {0x40};
	struct world w;
	struct span got;
	unsigned taken = 0, refused = 0;

	world_init(&w, &usual, 2);
	int fd = bridge(&w);
	CHECK(hello(fd, GATEWAY_NIDD, "slow"), "hello");
	UNTIL(&w, w.up && next(&w, fd, &got) == FRAME_HELLO, "up");
	for (unsigned i = 0; i < 100000 && !refused; i++) {
		char name[16];
		snprintf(name, sizeof(name), "d%u", i);
		struct peer p = peer(&w, GATEWAY_NIDD, name);
		enum err err = gateways_send(w.all, &p, SPAN_OF(big));
		*(err ? &refused : &taken) += 1;
		CHECK(!err || err == ERR_LIMIT, "full");
	}
	CHECK(refused == 1 && view(&w).stats.queued == 50, "no more than may wait");
	CHECK(view(&w).stats.refused_full == 1, "counted");
	for (unsigned i = 0; i < taken; i++)
		UNTIL(&w, next(&w, fd, &got) == FRAME_DATAGRAM, "and all of it goes out");
	CHECK(view(&w).stats.queued == 0, "nothing waits");
	for (unsigned i = 0; i < taken; i++) /* again, and it dies */
		(void)!gateways_send(w.all, &w.last, SPAN_OF(big));
	struct peer p = peer(&w, GATEWAY_NIDD, "x");
	CHECK(link_is(fd, FRAME_LINK_BUSY, ""), "busy");
	UNTIL(&w,
		(spin(&w),
			!gateways_send(w.all, &p, SPAN_LIT("\x40\1\1\3")) && view(&w).stats.queued),
		"something waits");
	close(fd);
	UNTIL(&w, !w.up, "gone");
	CHECK(w.unsents > 0 && peer_eq(&w.unsent_to, &p) && view(&w).stats.queued == 0,
		"what waited is given back");
	world_fini(&w);
}

/* One that floods is slowed down and loses nothing; another one gets through meanwhile. */
static void test_flood(void)
{
	struct gateway_opts o = usual;
	struct world w;
	struct span got;
	unsigned said = 0;

	o.rate_per_s = 200;
	world_init(&w, &o, 2);
	int fd = bridge(&w), other = bridge(&w);
	CHECK(hello(fd, GATEWAY_NIDD, "flood") && hello(other, GATEWAY_NIDD, "other"), "hello");
	UNTIL(&w, view(&w).links == 2, "both are there");
	while (said < 300 && datagram(fd, GATEWAY_NIDD, "loud"))
		said++;
	UNTIL(&w, w.inputs >= 100, "they come");
	struct peer quiet = peer(&w, GATEWAY_NIDD, "quiet");
	CHECK(datagram(other, GATEWAY_NIDD, "quiet"), "another speaks");
	bool heard_it = false;
	UNTIL(&w, (heard_it = heard_it || peer_eq(&w.last, &quiet)) || w.inputs > said,
		"it is heard");
	UNTIL(&w, w.inputs == said + 1, "nothing of it was lost");
	CHECK(view(&w).stats.limited == 0, "or dropped");
	(void)next(&w, fd, &got);
	close(fd);
	close(other);
	world_fini(&w);
}

int main(void)
{
	test_open();
	test_inherited();
	test_messages();
	test_link();
	test_faults();
	test_several();
	test_slow();
	test_flood();
	return test_done();
}
