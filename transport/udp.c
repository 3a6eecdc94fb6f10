/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a datagram needs is allocated when the socket opens: the arrays of message headers
 * point to their buffers for good, and a datagram sets lengths and addresses only. */
#include "transport/udp.h"

#include "transport/addr.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET_BUFFER_BYTES = 4 << 20 };

/* Of either family; the larger one is IPv6's. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Not a power of two in size, so that the fronts of neighbours do not share cache sets. */
struct slot {
	union addr name;
	struct iovec iov;
	union control control;
	uint8_t data[NET_DATAGRAM_MAX];
};

struct udp_rx {
	struct mmsghdr msg[NET_BATCH];
	struct slot slot[NET_BATCH];
};

struct udp {
	int fd;
	sa_family_t family;
	bool any; /* bound to no address: each datagram tells its own */
	uint16_t port;
	struct peer here; /* what all incoming datagrams have in common */
	struct net_stats *stats;
	size_t head, count; /* of the ring */
	struct mmsghdr msg[UDP_QUEUE];
	struct slot slot[UDP_QUEUE];
};

static void slot_bind(struct slot *s, struct mmsghdr *m)
{
	s->iov = (struct iovec){s->data, sizeof(s->data)};
	m->msg_hdr = (struct msghdr){
		.msg_name = &s->name,
		.msg_namelen = sizeof(s->name),
		.msg_iov = &s->iov,
		.msg_iovlen = 1,
		.msg_control = &s->control,
		.msg_controllen = sizeof(s->control),
	};
}

enum err udp_rx_new(struct udp_rx **out)
{
	struct udp_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return ERR_NOMEM;
	for (size_t i = 0; i < NET_BATCH; i++)
		slot_bind(&rx->slot[i], &rx->msg[i]);
	*out = rx;
	return ERR_OK;
}

void udp_rx_free(struct udp_rx *rx)
{
	free(rx);
}

static enum err fail(char *why, enum err err, const char *address, uint16_t port, const char *text)
{
	snprintf(why, UDP_WHY, "cannot listen on %s port %u: %s", address, port, text);
	return err;
}

static bool set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* FORCE passes the system's limit if we may. */
static void set_buffers(int fd)
{
	if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES))
		(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
	if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES))
		(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
}

static bool set_options(struct udp *u, bool dual)
{
	bool ok = true;

	set_buffers(u->fd);
	if (u->family == AF_INET6)
		ok = set_int(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
	if (ok && u->any && u->family == AF_INET6)
		ok = set_int(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (ok && u->any && u->family == AF_INET)
		ok = set_int(u->fd, IPPROTO_IP, IP_PKTINFO, 1);
	return ok;
}

static bool is_any(const union addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

static enum err open_and_bind(
	struct udp *u, const char *address, uint16_t port, union addr *at, char *why)
{
	bool dual = strcmp(address, "*") == 0;
	socklen_t n = sizeof(*at);

	u->fd = addr_socket(SOCK_DGRAM, address, at);
	u->family = at->sa.sa_family;
	u->any = is_any(at);
	if (u->fd < 0 || !set_options(u, dual))
		return fail(why, ERR_IO, address, port, strerror(errno));
	if (bind(u->fd, &at->sa, addr_len(at))) {
		if (errno == EADDRINUSE)
			return fail(why, ERR_BUSY, address, port,
				"another socket has this port; stop that program or choose "
				"another port");
		if (errno == EADDRNOTAVAIL)
			return fail(why, ERR_NOTFOUND, address, port,
				"this machine has no such address");
		return fail(why, ERR_IO, address, port, strerror(errno));
	}
	if (getsockname(u->fd, &at->sa, &n))
		return fail(why, ERR_IO, address, port, strerror(errno));
	u->port = ntohs(u->family == AF_INET ? at->v4.sin_port : at->v6.sin6_port);
	return ERR_OK;
}

/* Everything of the control data but the source address. */
static void init_control(struct mmsghdr *m, sa_family_t family)
{
	bool v6 = family == AF_INET6;
	size_t n = v6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
	struct cmsghdr *c;

	m->msg_hdr.msg_controllen = CMSG_SPACE(n);
	c = CMSG_FIRSTHDR(&m->msg_hdr);
	c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(n);
}

enum err udp_new(uint16_t index, const char *address, uint16_t port, struct net_stats *stats,
	char *why, struct udp **out)
{
	union addr at;
	struct udp *u = NULL;
	enum err err = addr_listen(address, port, &at, why);

	if (err)
		return err;
	/* Zero pages: what is never queued is never touched. */
	u = calloc(1, sizeof(*u));
	if (!u)
		return fail(why, ERR_NOMEM, address, port, err_text(ERR_NOMEM));
	u->stats = stats;
	u->here.bearer = BEARER_UDP;
	u->here.listener = index;
	err = open_and_bind(u, address, port, &at, why);
	if (err)
		goto out;
	if (!u->any)
		addr_to_local(&at, &u->here);
	for (size_t i = 0; i < UDP_QUEUE; i++) {
		slot_bind(&u->slot[i], &u->msg[i]);
		u->msg[i].msg_hdr.msg_namelen = addr_len(&at);
		init_control(&u->msg[i], u->family);
	}
	*out = u;
	u = NULL;
out:
	udp_free(u);
	return err;
}

void udp_free(struct udp *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

int udp_fd(const struct udp *u)
{
	return u->fd;
}

uint16_t udp_port(const struct udp *u)
{
	return u->port;
}

uint64_t udp_kernel_drops(const struct udp *u)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t n = sizeof(info);

	if (getsockopt(u->fd, SOL_SOCKET, SO_MEMINFO, info, &n))
		return 0;
	return info[SK_MEMINFO_DROPS];
}

/* The address the datagram was sent to, from the only control message that is switched on. */
static void read_local(const struct udp *u, struct msghdr *h, struct peer *from)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	union addr to = {.sa.sa_family = u->family};

	if (!c)
		return;
	if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		to.v6.sin6_addr = info.ipi6_addr;
		to.v6.sin6_scope_id = info.ipi6_ifindex;
		addr_to_local(&to, from);
	} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		to.v4.sin_addr = info.ipi_addr;
		addr_to_local(&to, from);
	}
}

static void receive_one(
	struct udp *u, struct mmsghdr *m, struct slot *s, net_input_fn *input, void *arg)
{
	struct msghdr *h = &m->msg_hdr;
	struct peer from = u->here;

	if (h->msg_flags & MSG_TRUNC) {
		u->stats->truncated++;
	} else {
		addr_to_peer(&s->name, &from);
		if (u->any)
			read_local(u, h, &from);
		u->stats->received++;
		input(arg, &from, span_make(s->data, m->msg_len));
	}
	h->msg_namelen = sizeof(s->name);
	h->msg_controllen = sizeof(s->control);
}

static void announce(const struct udp_rx *rx, size_t n, net_expect_fn *expect, void *arg)
{
	struct span s[NET_BATCH];
	for (size_t i = 0; i < n; i++)
		s[i] = span_make(rx->slot[i].data, rx->msg[i].msg_len);
	expect(arg, s, n);
}

void udp_receive(
	struct udp *u, struct udp_rx *rx, net_input_fn *input, net_expect_fn *expect, void *arg)
{
	for (int round = 0; round < UDP_ROUNDS; round++) {
		int n = recvmmsg(u->fd, rx->msg, NET_BATCH, MSG_DONTWAIT, NULL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			u->stats->receive_errors++;
		if (expect && n > 0)
			announce(rx, (size_t)n, expect, arg);
		for (int i = 0; i < n; i++)
			receive_one(u, &rx->msg[i], &rx->slot[i], input, arg);
		/* Fewer than asked for: the socket is empty, no need to hear it say so. */
		if (n < NET_BATCH)
			return;
	}
}

/* Whether an answer may leave from this address: one to a group must not. */
static bool local_is_source(const struct peer *p)
{
	if (p->local_n == 4)
		return p->local[0] < 224;
	return p->local_n >= 16 && p->local[0] != 0xff;
}

static void write_source(struct udp *u, const struct peer *to, struct msghdr *h)
{
	size_t v6_n = sizeof(struct in6_addr);
	struct cmsghdr *c;

	h->msg_controllen = 0;
	if (!u->any || !local_is_source(to))
		return;
	if (u->family == AF_INET && to->local_n == 4) {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, to->local, 4);
		h->msg_controllen = CMSG_SPACE(sizeof(info));
		c = CMSG_FIRSTHDR(h);
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else if (u->family == AF_INET6) {
		struct in6_pktinfo info = {0};
		struct reader r = rd_make(span_make(to->local, to->local_n));
		bool v4 = to->local_n == 4;
		struct span ip = rd_bytes(&r, v4 ? 4 : v6_n);
		memcpy(&info.ipi6_addr.s6_addr[v4 ? 12 : 0], ip.p, ip.n);
		if (v4)
			info.ipi6_addr.s6_addr16[5] = 0xffff;
		info.ipi6_ifindex = rd_left(&r) ? rd_u32(&r) : 0;
		h->msg_controllen = CMSG_SPACE(sizeof(info));
		c = CMSG_FIRSTHDR(h);
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

enum err udp_queue(struct udp *u, const struct peer *to, struct span datagram)
{
	size_t at = (u->head + u->count) % UDP_QUEUE;
	struct slot *s = &u->slot[at];
	enum err err;

	if (datagram.n > NET_DATAGRAM_MAX)
		return ERR_RANGE;
	if (u->count == UDP_QUEUE)
		return ERR_LIMIT;
	err = addr_from_peer(to, u->family, &s->name);
	if (err)
		return err;
	write_source(u, to, &u->msg[at].msg_hdr);
	if (datagram.n)
		memcpy(s->data, datagram.p, datagram.n);
	s->iov.iov_len = datagram.n;
	u->count++;
	return ERR_OK;
}

/* An empty ring starts over, so that light traffic stays in the same few cache lines. */
static void advance(struct udp *u, size_t n)
{
	u->count -= n;
	u->head = u->count ? (u->head + n) % UDP_QUEUE : 0;
}

/* The address that was spoken to may be gone (a peer is remembered for days): let the kernel choose
 * another rather than never reach the device. Kernels differ in the error. */
static bool retry_without_source(struct udp *u, int error)
{
	struct msghdr *h = &u->msg[u->head].msg_hdr;

	if (h->msg_controllen == 0)
		return false;
	if (error != EINVAL && error != EADDRNOTAVAIL && error != ENETUNREACH)
		return false;
	h->msg_controllen = 0;
	return true;
}

bool udp_flush(struct udp *u, udp_sendmmsg_fn *sendmmsg_fn)
{
	while (u->count) {
		size_t run = u->count < NET_BATCH ? u->count : NET_BATCH;
		if (run > UDP_QUEUE - u->head)
			run = UDP_QUEUE - u->head;
		int sent = sendmmsg_fn(u->fd, &u->msg[u->head], (unsigned)run, MSG_DONTWAIT);
		if (sent > 0) {
			u->stats->sent += (uint64_t)sent;
			advance(u, (size_t)sent);
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return false;
		if (sent < 0 && retry_without_source(u, errno))
			continue;
		u->stats->send_errors++;
		advance(u, 1);
	}
	return true;
}
