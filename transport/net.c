/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/net.h"

#include "transport/addr.h"
#include "transport/dtls.h"
#include "transport/tcp.h"
#include "transport/udp.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct listener {
	struct net *net;
	struct udp *udp;          /* NULL: free */
	struct dtls_place *place; /* NULL: it is no DTLS */
	struct event *readable, *writable;
	bool blocked; /* waiting for `writable` */
};

struct net {
	struct event_base *base;
	net_input_fn *input;
	net_expect_fn *expect; /* NULL: nobody wants to know */
	net_turn_fn *turn;
	void *arg;
	struct event *turn_event;
	struct udp_rx *rx;
	udp_sendmmsg_fn *sendmmsg_fn;
	bool paused;
	struct net_stats stats;
	struct tcp *tcp;   /* NULL: no TCP so far */
	struct dtls *dtls; /* NULL: no DTLS so far */
	struct net_secure secure;
	struct tls tls; /* of connections; ctx NULL: none so far */
	net_closed_fn *closed;
	struct listener listener[NET_LISTENERS_MAX];
};

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct net *n = arg;

	(void)fd;
	(void)what;
	n->turn(n->arg);
}

/* An event made active here goes behind those of this iteration of the loop, so the turn comes
 * once, after the last socket was read. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (l->place)
		udp_receive(l->udp, l->net->rx, dtls_input, NULL, l->place);
	else
		udp_receive(l->udp, l->net->rx, l->net->input, l->net->expect, l->net->arg);
	event_active(l->net->turn_event, EV_READ, 0);
}

static void listener_flush(struct listener *l)
{
	if (l->blocked || udp_flush(l->udp, l->net->sendmmsg_fn))
		return;
	/* If the loop takes no event, the next flush tries again. */
	l->blocked = event_add(l->writable, NULL) == 0;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	l->blocked = false;
	listener_flush(l);
}

enum err net_new(struct event_base *base, net_input_fn *input, net_turn_fn *turn, void *arg,
	struct net **out)
{
	struct net *n = calloc(1, sizeof(*n));
	enum err err = ERR_NOMEM;

	if (!n)
		return ERR_NOMEM;
	n->base = base;
	n->input = input;
	n->turn = turn;
	n->arg = arg;
	n->sendmmsg_fn = sendmmsg;
	n->turn_event = event_new(base, -1, 0, on_turn, n);
	if (!n->turn_event)
		goto out;
	err = udp_rx_new(&n->rx);
	if (err)
		goto out;
	*out = n;
	n = NULL;
out:
	net_free(n);
	return err;
}

void net_expect(struct net *n, net_expect_fn *expect)
{
	n->expect = expect;
}

static void listener_fini(struct listener *l)
{
	if (l->readable)
		event_free(l->readable);
	if (l->writable)
		event_free(l->writable);
	udp_free(l->udp);
	*l = (struct listener){0};
}

void net_free(struct net *n)
{
	if (!n)
		return;
	dtls_free(n->dtls);
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		listener_fini(&n->listener[i]);
	tcp_free(n->tcp);
	tls_fini(&n->tls);
	if (n->turn_event)
		event_free(n->turn_event);
	udp_rx_free(n->rx);
	free(n);
}

void net_set_sendmmsg(struct net *n, udp_sendmmsg_fn *fn)
{
	n->sendmmsg_fn = fn;
}

static enum err listener_arm(struct listener *l)
{
	struct net *n = l->net;
	int fd = udp_fd(l->udp);

	l->readable = event_new(n->base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->writable = event_new(n->base, fd, EV_WRITE, on_writable, l);
	if (!l->readable || !l->writable)
		return ERR_NOMEM;
	if (!n->paused && event_add(l->readable, NULL))
		return ERR_IO;
	return ERR_OK;
}

static enum err is_free(const struct net *n, uint16_t index, char *why)
{
	bool many = index >= NET_LISTENERS_MAX;

	why[0] = '\0';
	if (!many && !n->listener[index].udp && !(n->tcp && tcp_has(n->tcp, index)))
		return ERR_OK;
	snprintf(why, UDP_WHY, "listener %u is %s", index, many ? "one too many" : "open already");
	return many ? ERR_LIMIT : ERR_EXISTS;
}

enum err net_listen_udp(
	struct net *n, uint16_t index, const char *address, uint16_t port, char *why)
{
	struct listener *l;
	enum err err = is_free(n, index, why);

	if (err)
		return err;
	l = &n->listener[index];
	err = udp_new(index, address, port, &n->stats, why, &l->udp);
	if (err)
		return err;
	l->net = n;
	err = listener_arm(l);
	if (err) {
		snprintf(why, UDP_WHY, "cannot watch the socket of %s port %u: %s", address, port,
			err_text(err));
		listener_fini(l);
	}
	return err;
}

void net_secure(struct net *n, const struct net_secure *secure)
{
	n->secure = *secure;
}

static bool may_secure(const struct net *n)
{
	const struct net_secure *s = &n->secure;

	return s->failed && (s->own || (s->psk && s->known));
}

static enum err need_dtls(struct net *n, char *why)
{
	if (n->dtls)
		return ERR_OK;
	if (!may_secure(n))
		return ERR_STATE;
	return dtls_new(n->base, n->input, &n->closed, n->arg, n->turn_event, &n->stats, &n->secure,
		&n->dtls, why);
}

static enum err open_dtls(
	struct net *n, uint16_t index, const char *address, uint16_t port, bool client, char *why)
{
	enum err err = is_free(n, index, why);

	if (!err)
		err = need_dtls(n, why);
	if (err && !why[0])
		snprintf(why, UDP_WHY, "cannot listen for DTLS: %s", err_text(err));
	if (!err)
		err = net_listen_udp(n, index, address, port, why);
	if (!err) {
		dtls_serve(n->dtls, index, n->listener[index].udp, client);
		n->listener[index].place = &n->dtls->place[index];
	}
	return err;
}

enum err net_listen_dtls(
	struct net *n, uint16_t index, const char *address, uint16_t port, char *why)
{
	return open_dtls(n, index, address, port, false, why);
}

enum err net_dial_dtls(struct net *n, uint16_t index, const char *address, char *why)
{
	return open_dtls(n, index, address, 0, true, why);
}

void net_hang_up(struct net *n, const struct peer *who)
{
	if (n->dtls && who->bearer == BEARER_DTLS)
		dtls_hang_up(n->dtls, who);
}

uint64_t net_mark(const struct net *n, const struct peer *who)
{
	if (n->tcp && who->bearer == BEARER_TLS)
		return tcp_mark(n->tcp, who);
	return n->dtls && who->bearer == BEARER_DTLS ? dtls_mark(n->dtls, who) : 0;
}

static enum err need_tcp(struct net *n)
{
	return n->tcp ? ERR_OK
		      : tcp_new(n->base, n->input, n->arg, n->turn_event, &n->stats, &n->tcp);
}

enum err net_listen_tcp(
	struct net *n, uint16_t index, const char *address, uint16_t port, int fd, char *why)
{
	enum err err = is_free(n, index, why);

	if (!err)
		err = need_tcp(n);
	if (!err)
		return tcp_listen(n->tcp, index, address, port, fd, why);
	if (!why[0])
		snprintf(why, UDP_WHY, "cannot listen for TCP: %s", err_text(err));
	if (fd >= 0)
		close(fd);
	return err;
}

static enum err need_tls(struct net *n, char *why)
{
	if (n->tls.ctx)
		return ERR_OK;
	if (!may_secure(n))
		return ERR_STATE;
	return tls_init(&n->tls, false, &n->secure, n->arg, why);
}

enum err net_identify(
	struct net *n, uint16_t index, bool dtls, const struct net_identity *id, char *why)
{
	enum err err;

	why[0] = '\0';
	if (index >= NET_LISTENERS_MAX)
		return ERR_LIMIT;
	err = dtls ? need_dtls(n, why) : need_tls(n, why);
	if (err)
		return err;
	return dtls ? dtls_identify(n->dtls, index, id, why)
		    : tls_identify(&n->tls, index, id, why);
}

enum err net_listen_tls(
	struct net *n, uint16_t index, const char *address, uint16_t port, int fd, char *why)
{
	enum err err;

	why[0] = '\0';
	err = need_tls(n, why);
	if (!err) {
		err = net_listen_tcp(n, index, address, port, fd, why);
		if (!err)
			tcp_secure(n->tcp, index, &n->tls);
		return err;
	}
	if (!why[0])
		snprintf(why, UDP_WHY, "cannot listen for TLS: %s", err_text(err));
	if (fd >= 0)
		close(fd);
	return err;
}

enum err net_dial_tcp(struct net *n, uint16_t index)
{
	char why[UDP_WHY];
	enum err err = is_free(n, index, why);

	if (!err)
		err = need_tcp(n);
	return err ? err : tcp_dial(n->tcp, index);
}

void net_tcp_limits(struct net *n, const struct net_tcp_limits *limits)
{
	if (need_tcp(n) == ERR_OK)
		n->tcp->limits = *limits;
}

void net_on_closed(struct net *n, net_closed_fn *closed)
{
	n->closed = closed;
	if (need_tcp(n) == ERR_OK)
		n->tcp->closed = closed;
}

enum err net_dial_tls(struct net *n, uint16_t index, char *why)
{
	enum err err;

	why[0] = '\0';
	err = need_tls(n, why);
	if (!err)
		err = net_dial_tcp(n, index);
	if (!err)
		tcp_secure(n->tcp, index, &n->tls);
	else if (!why[0])
		snprintf(why, UDP_WHY, "cannot use TLS: %s", err_text(err));
	return err;
}

static struct listener *find(struct net *n, uint16_t index)
{
	if (index >= NET_LISTENERS_MAX || !n->listener[index].udp)
		return NULL;
	return &n->listener[index];
}

uint16_t net_port(const struct net *n, uint16_t index)
{
	if (n->tcp && tcp_has(n->tcp, index))
		return tcp_port(n->tcp, index);
	if (index >= NET_LISTENERS_MAX || !n->listener[index].udp)
		return 0;
	return udp_port(n->listener[index].udp);
}

void net_pause(struct net *n)
{
	n->paused = true;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		if (n->listener[i].readable)
			event_del(n->listener[i].readable);
	if (n->tcp)
		tcp_pause(n->tcp);
}

void net_release(struct net *n)
{
	if (n->tcp)
		tcp_release(n->tcp);
	if (n->dtls) {
		dtls_release(n->dtls);
		net_flush(n);
	}
}

enum err net_send(struct net *n, const struct peer *to, struct span datagram)
{
	struct listener *l = find(n, to->listener);
	enum err err;

	if (n->tcp && (to->bearer == BEARER_TCP || to->bearer == BEARER_TLS))
		return tcp_send(n->tcp, to, datagram);
	if (n->dtls && to->bearer == BEARER_DTLS)
		return dtls_send(n->dtls, to, datagram);
	if (!l || l->place || to->bearer != BEARER_UDP)
		return ERR_NOTFOUND;
	err = udp_queue(l->udp, to, datagram);
	if (err == ERR_LIMIT && !l->blocked) {
		listener_flush(l);
		err = udp_queue(l->udp, to, datagram);
	}
	if (err == ERR_LIMIT)
		n->stats.dropped++;
	return err;
}

void net_flush(struct net *n)
{
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		if (n->listener[i].udp)
			listener_flush(&n->listener[i]);
	if (n->tcp)
		tcp_flush(n->tcp);
}

void net_stats(const struct net *n, struct net_stats *out)
{
	*out = n->stats;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		if (n->listener[i].udp)
			out->overflowed += udp_kernel_drops(n->listener[i].udp);
	if (n->tcp)
		out->tcp_open = n->tcp->conns.count;
	if (n->dtls) {
		out->dtls_open = n->dtls->opens.all.n;
		out->dtls_handshakes = n->dtls->begins.all.n;
	}
}

enum err net_peer(const char *address, uint16_t port, uint16_t listener, struct peer *out)
{
	struct peer p = {.bearer = BEARER_UDP, .listener = listener};
	union addr a;
	enum err err = addr_parse(address, port, &a);

	if (err)
		return err;
	addr_to_peer(&a, &p);
	*out = p;
	return ERR_OK;
}
