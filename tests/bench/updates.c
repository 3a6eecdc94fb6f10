/* SPDX-License-Identifier: Apache-2.0 */
/* A load of protected Updates that were encrypted beforehand, so that the core that makes the load
 * keeps the daemon busy: what a request costs then is what it costs under load.
 *
 *     updates PORT ROUNDS FIRST_NUMBER < LINES
 *
 * A path in the place of the port is a gateway socket, and this the bridge of as many addresses.
 *
 * A line: master_secret master_salt device_sender_id device_recipient_id location, in hex but for
 * the location. Each round is one Update of every endpoint. At most IN_FLIGHT are unanswered; what
 * is lost is not sent again. Prints a JSON line. */
#include "base/text.h"
#include "oscore/protect.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { BATCH = 64, IN_FLIGHT = 1024, DATAGRAM_MAX = 160, ENDPOINTS_MAX = 100000 };

struct endpoint {
	struct osc_keys keys;
	char location[24];
};

struct datagram {
	uint8_t n;
	uint8_t p[DATAGRAM_MAX];
};

static struct endpoint endpoints[ENDPOINTS_MAX];
static size_t endpoint_n;
static struct osc_crypto *crypto;
static bool bridge;

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "updates: %s\n", what);
	exit(1);
}

static struct span hex(const char *text, uint8_t *buf, size_t cap)
{
	struct writer w = wr_make(buf, cap);
	need(!hex_decode(span_str(text), &w), "a line is not hex");
	return wr_span(&w);
}

static void read_line(const char *line, struct endpoint *e)
{
	char f[4][80];
	uint8_t b[4][40];
	need(sscanf(line, "%79s %79s %79s %79s %23s", f[0], f[1], f[2], f[3], e->location) == 5,
		"a line is short");
	struct osc_params p = {.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = hex(f[0], b[0], sizeof(b[0])),
		.master_salt = hex(f[1], b[1], sizeof(b[1])),
		.sender_id = hex(f[2], b[2], sizeof(b[2])),
		.recipient_id = hex(f[3], b[3], sizeof(b[3]))};
	need(!osc_derive(crypto, &p, &e->keys), "keys cannot be derived");
}

static void make(const struct endpoint *e, uint64_t number, uint16_t mid, struct datagram *out)
{
	struct msg plain, sealed;
	struct osc_binding binding;
	uint8_t work[256];
	struct writer buf = wr_make(work, sizeof(work)), w = wr_make(out->p, sizeof(out->p));
	if (bridge)
		wr_fmt(&w, "\1\2\3\6d%05zu", (size_t)(e - endpoints));
	msg_init(&plain, MSG_CON, MSG_POST);
	plain.mid = mid;
	plain.token_n = 2;
	memcpy(plain.token, &mid, 2);
	need(!msg_add(&plain, OPT_URI_PATH, SPAN_LIT("rd")) &&
			!msg_add(&plain, OPT_URI_PATH, span_str(e->location)) &&
			!osc_protect_request(
				crypto, &e->keys, number, NULL, &plain, &buf, &sealed, &binding) &&
			!msg_encode_udp(&sealed, &w),
		"an Update cannot be made");
	out->n = (uint8_t)w.n;
}

static struct datagram *make_all(size_t rounds, uint64_t first)
{
	struct datagram *all = calloc(rounds * endpoint_n, sizeof(*all));
	need(all, "out of memory");
	for (size_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < endpoint_n; i++)
			make(&endpoints[i], first + r, (uint16_t)(r * 977 + i),
				&all[r * endpoint_n + i]);
	return all;
}

static void send_batch(int fd, struct datagram *d, size_t n)
{
	struct mmsghdr m[BATCH] = {0};
	struct iovec v[BATCH];
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct iovec){d[i].p, d[i].n};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	for (size_t at = 0; at < n;) {
		int k = sendmmsg(fd, m + at, (unsigned)(n - at), 0);
		need(k > 0, "cannot send");
		at += (size_t)k;
	}
}

/* Answers that are there; waits a moment for the first. */
static size_t receive(int fd, int wait_ms)
{
	static uint8_t buf[BATCH][256];
	struct mmsghdr m[BATCH] = {0};
	struct iovec v[BATCH];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (poll(&p, 1, wait_ms) <= 0)
		return 0;
	for (size_t i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){buf[i], sizeof(buf[i])};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	int k = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
	return k > 0 ? (size_t)k : 0;
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int udp_socket(const char *port)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	need(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "no socket");
	return fd;
}

static int gateway_socket(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), size = 4 << 20;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	uint8_t hello[64];
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	need(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "no gateway");
	need(send(fd, "\1\1\3\1b", 5, 0) == 5 && recv(fd, hello, sizeof(hello), 0) > 4, "no hello");
	return fd;
}

int main(int argc, char **argv)
{
	char line[512];
	need(argc == 4 && !osc_crypto_new(&crypto), "usage: updates PORT ROUNDS FIRST_NUMBER");
	bridge = argv[1][0] == '/';
	while (endpoint_n < ENDPOINTS_MAX && fgets(line, sizeof(line), stdin))
		read_line(line, &endpoints[endpoint_n++]);
	size_t rounds = strtoul(argv[2], NULL, 10), total = rounds * endpoint_n;
	struct datagram *all = make_all(rounds, strtoull(argv[3], NULL, 10));
	int fd = bridge ? gateway_socket(argv[1]) : udp_socket(argv[1]);
	double start = now_s();
	size_t sent = 0, answered = 0, lost = 0;
	while (answered + lost < total) {
		while (sent < total && sent - answered - lost + BATCH <= IN_FLIGHT) {
			size_t n = total - sent < BATCH ? total - sent : BATCH;
			send_batch(fd, all + sent, n);
			sent += n;
		}
		size_t n = receive(fd, 1000);
		answered += n;
		if (!n)
			lost = sent - answered;
	}
	double took = now_s() - start;
	printf("{\"sent\":%zu,\"answered\":%zu,\"per_second\":%.0f}\n", sent, answered,
		(double)answered / took);
	return 0;
}
