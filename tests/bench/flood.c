/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers can send: kids that nobody has, kids of devices with tags that do not fit,
 * openings of RFC 8613 Appendix B.2, garbage. From many addresses of the loopback network.
 *
 *     flood PORT PACKETS_PER_SECOND SECONDS < KIDS
 *
 * A line of KIDS: a device's Sender ID, in hex. Prints a JSON line: what was sent, what came back
 * and the bytes of both. */
#include "base/text.h"
#include "coap/msg.h"
#include "oscore/protect.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 32, SOURCES = 256, KIDS_MAX = 100000, KID_MAX = 7, DATAGRAM_MAX = 128 };

static struct {
	uint8_t n, p[KID_MAX];
} kids[KIDS_MAX];
static size_t kid_n;
static uint64_t seed = 0x9e3779b97f4a7c15;

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "flood: %s\n", what);
	exit(1);
}

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void junk(uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)draw(256);
}

static size_t garbage(uint8_t out[static DATAGRAM_MAX])
{
	size_t n = draw(DATAGRAM_MAX);
	junk(out, n);
	return n;
}

/* A quarter each: a kid of nobody, a bad tag, an opening of B.2, garbage. */
static size_t forge(uint8_t out[static DATAGRAM_MAX])
{
	uint8_t value[64], kid[KID_MAX], bytes[64];
	unsigned how = (unsigned)draw(4);
	size_t k = draw(kid_n);
	struct osc_option o = {.has_kid = true, .kid = span_make(kids[k].p, kids[k].n)};
	struct writer option = wr_make(value, sizeof(value)), w = wr_make(out, DATAGRAM_MAX);
	struct msg m;
	if (how == 3)
		return garbage(out);
	junk(kid, sizeof(kid));
	junk(bytes, sizeof(bytes));
	if (how == 0)
		o.kid = span_make(kid, 5);
	if (how == 2) {
		bytes[0] = 0x48; /* a CBOR byte string of eight */
		o.has_kid_context = true;
		o.kid_context = span_make(bytes, 9);
	}
	osc_piv_set(&o.piv, draw(1 << 20));
	osc_option_encode(&o, &option);
	msg_init(&m, draw(2) ? MSG_CON : MSG_NON, MSG_POST);
	m.mid = (uint16_t)draw(65536);
	m.payload = span_make(bytes + 9, 9 + draw(40));
	need(!msg_add(&m, OPT_OSCORE, wr_span(&option)) && !msg_encode_udp(&m, &w), "no message");
	return w.n;
}

static int source(const char *port, unsigned i)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	from.sin_addr.s_addr = htonl(0x7f010000 + 1 + i);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)atoi(port));
	need(fd >= 0 && !bind(fd, (struct sockaddr *)&from, sizeof(from)) &&
			!connect(fd, (struct sockaddr *)&to, sizeof(to)),
		"no socket");
	return fd;
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct {
	uint64_t sent, sent_bytes, answers, answer_bytes;
} total;

static void send_lot(int fd)
{
	static uint8_t bytes[BATCH][DATAGRAM_MAX];
	struct mmsghdr m[BATCH] = {0};
	struct iovec v[BATCH];
	for (size_t i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){bytes[i], forge(bytes[i])};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	int n = sendmmsg(fd, m, BATCH, 0);
	for (int i = 0; i < n; i++)
		total.sent_bytes += v[i].iov_len;
	total.sent += n > 0 ? (uint64_t)n : 0;
}

static void drain(int fd)
{
	uint8_t buf[2048];
	for (ssize_t n; (n = recv(fd, buf, sizeof(buf), 0)) >= 0; total.answers++)
		total.answer_bytes += (uint64_t)n;
}

int main(int argc, char **argv)
{
	char line[64];
	int fd[SOURCES];
	need(argc == 4, "usage: flood PORT PACKETS_PER_SECOND SECONDS");
	while (kid_n < KIDS_MAX && fgets(line, sizeof(line), stdin)) {
		struct writer w = wr_make(kids[kid_n].p, KID_MAX);
		line[strcspn(line, "\n")] = 0;
		need(!hex_decode(span_str(line), &w), "a line is not hex");
		kids[kid_n++].n = (uint8_t)w.n;
	}
	need(kid_n, "no kids");
	for (unsigned i = 0; i < SOURCES; i++)
		fd[i] = source(argv[1], i);
	double rate = atof(argv[2]), start = now_s(), end = start + atof(argv[3]), now = start;
	for (size_t turn = 0; now < end; now = now_s(), turn++) {
		if ((double)total.sent >= (now - start) * rate) {
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
			continue;
		}
		send_lot(fd[turn % SOURCES]);
		drain(fd[turn % SOURCES]);
	}
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	for (unsigned i = 0; i < SOURCES; i++)
		drain(fd[i]);
	printf("{\"sent\":%llu,\"per_second\":%.0f,\"answers\":%llu,\"amplification\":%.2f}\n",
		(unsigned long long)total.sent, (double)total.sent / (now - start),
		(unsigned long long)total.answers,
		(double)total.answer_bytes / (double)(total.sent_bytes ? total.sent_bytes : 1));
	return 0;
}
