/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling: what a plain UDP echo with recvmmsg and sendmmsg costs on this machine, without
 * libevent and without any protocol. The server has one core, the load generator another.
 *
 *     udp_echo [SECONDS [PEERS [BYTES [IN_FLIGHT]]]]
 *
 * prints requests per second and CPU microseconds per request of the echo side, as one JSON line.
 * BATCH=1 in the environment does without batches (recvmsg and sendmsg by the count). */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, BYTES_MAX = 1280, PEERS_MAX = 1024, STRIDE = 2112 };

struct batch {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in name[BATCH];
	uint8_t data[BATCH][STRIDE];
};

/* What the echo side hands back through a pipe. */
struct result {
	uint64_t requests;
	double cpu_s, wall_s;
	uint64_t batches;
};

static volatile sig_atomic_t stop;

static void on_signal(int n)
{
	(void)n;
	stop = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "udp_echo: cannot pin to core %d: %s\n", cpu, strerror(errno));
}

static int open_udp(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int big = 4 << 20;
	socklen_t n = sizeof(*at);

	*at = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)at, sizeof(*at)))
		die("udp_echo: socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	if (getsockname(fd, (struct sockaddr *)at, &n))
		die("udp_echo: getsockname");
	return fd;
}

static struct batch *batch_new(void)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		die("udp_echo: calloc");
	for (size_t i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){b->data[i], STRIDE};
		b->msg[i].msg_hdr = (struct msghdr){.msg_name = &b->name[i],
			.msg_namelen = sizeof(b->name[i]),
			.msg_iov = &b->iov[i],
			.msg_iovlen = 1};
	}
	return b;
}

/* Answers what is there; waits in poll, as the daemon waits in epoll, when nothing is. */
static void echo_once(int fd, struct batch *b, unsigned batch, struct result *r)
{
	int n = recvmmsg(fd, b->msg, batch, MSG_DONTWAIT, NULL);

	if (n < 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		(void)poll(&p, 1, 100);
		return;
	}
	for (int i = 0; i < n; i++)
		b->iov[i].iov_len = b->msg[i].msg_len;
	for (int done = 0; done < n;) {
		int sent = sendmmsg(fd, &b->msg[done], (unsigned)(n - done), 0);
		if (sent < 0)
			die("udp_echo: sendmmsg");
		done += sent;
	}
	for (int i = 0; i < n; i++) {
		b->iov[i].iov_len = STRIDE;
		b->msg[i].msg_hdr.msg_namelen = sizeof(b->name[i]);
	}
	r->requests += (uint64_t)n;
	r->batches++;
}

static void echo_run(int fd, unsigned batch, int report)
{
	struct batch *b = batch_new();
	struct result r = {0};
	double cpu0, wall0;

	signal(SIGTERM, on_signal);
	pin(0);
	cpu0 = cpu_seconds();
	wall0 = seconds(CLOCK_MONOTONIC);
	while (!stop)
		echo_once(fd, b, batch, &r);
	r.cpu_s = cpu_seconds() - cpu0;
	r.wall_s = seconds(CLOCK_MONOTONIC) - wall0;
	free(b);
	if (write(report, &r, sizeof(r)) != sizeof(r))
		die("udp_echo: report");
}

struct load {
	struct sockaddr_in to;
	int fd[PEERS_MAX];
	int peers;
	size_t bytes;
	size_t in_flight;
};

/* Up to `want` requests over that socket. */
static size_t load_send(struct load *l, struct batch *b, int fd, size_t want)
{
	size_t n = want < BATCH ? want : BATCH;
	int sent;

	for (size_t i = 0; i < n; i++) {
		b->name[i] = l->to;
		b->iov[i].iov_len = l->bytes;
	}
	sent = sendmmsg(fd, b->msg, (unsigned)n, 0);
	return sent > 0 ? (size_t)sent : 0;
}

static size_t load_receive(struct batch *b, int fd)
{
	int n;

	for (size_t i = 0; i < BATCH; i++)
		b->iov[i].iov_len = STRIDE;
	n = recvmmsg(fd, b->msg, BATCH, MSG_DONTWAIT, NULL);
	return n > 0 ? (size_t)n : 0;
}

/* Keeps `in_flight` requests under way over all sockets. A second without an answer means that
 * some were lost: those are written off. */
static uint64_t load_run(struct load *l, double for_s)
{
	struct batch *b = batch_new();
	double until = seconds(CLOCK_MONOTONIC) + for_s, heard = until - for_s;
	size_t flying = 0;
	uint64_t answers = 0;

	for (int i = 0; seconds(CLOCK_MONOTONIC) < until; i = (i + 1) % l->peers) {
		size_t got = load_receive(b, l->fd[i]);
		flying -= got < flying ? got : flying;
		answers += got;
		if (got)
			heard = seconds(CLOCK_MONOTONIC);
		if (flying && seconds(CLOCK_MONOTONIC) - heard > 1)
			flying = 0;
		if (flying < l->in_flight)
			flying += load_send(l, b, l->fd[i], l->in_flight - flying);
	}
	free(b);
	return answers;
}

static long argument(int argc, char **argv, int at, long preset, long max)
{
	long v = argc > at ? strtol(argv[at], NULL, 10) : preset;

	if (v < 1 || v > max) {
		fprintf(stderr, "usage: udp_echo [SECONDS [PEERS [BYTES [IN_FLIGHT]]]]\n");
		exit(2);
	}
	return v;
}

static unsigned batch_from_env(void)
{
	const char *text = getenv("BATCH");
	long v = text ? strtol(text, NULL, 10) : BATCH;

	return v >= 1 && v <= BATCH ? (unsigned)v : BATCH;
}

int main(int argc, char **argv)
{
	long for_s = argument(argc, argv, 1, 5, 3600);
	struct load l = {.peers = (int)argument(argc, argv, 2, 64, PEERS_MAX),
		.bytes = (size_t)argument(argc, argv, 3, 64, BYTES_MAX),
		.in_flight = (size_t)argument(argc, argv, 4, 1024, 100000)};
	unsigned batch = batch_from_env();
	int fd = open_udp(&l.to), report[2];
	struct result r;
	uint64_t answers;
	pid_t server;

	if (pipe(report))
		die("udp_echo: pipe");
	server = fork();
	if (server < 0)
		die("udp_echo: fork");
	if (server == 0) {
		echo_run(fd, batch, report[1]);
		return 0;
	}
	pin(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0);
	for (int i = 0; i < l.peers; i++) {
		struct sockaddr_in self;
		l.fd[i] = open_udp(&self);
	}
	answers = load_run(&l, (double)for_s);
	kill(server, SIGTERM);
	if (read(report[0], &r, sizeof(r)) != sizeof(r))
		die("udp_echo: report");
	waitpid(server, NULL, 0);
	printf("{\"bench\":\"udp_echo\",\"batch\":%u,\"bytes\":%zu,\"requests\":%llu,\"answers\":%"
	       "llu,"
	       "\"per_second\":%.0f,\"cpu_us_per_request\":%.3f,\"mean_batch\":%.1f}\n",
		batch, l.bytes, (unsigned long long)r.requests, (unsigned long long)answers,
		(double)r.requests / r.wall_s, r.requests ? r.cpu_s * 1e6 / (double)r.requests : 0,
		r.batches ? (double)r.requests / (double)r.batches : 0);
	return 0;
}
