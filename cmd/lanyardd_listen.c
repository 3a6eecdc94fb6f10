/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/lanyardd_listen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

/* A connection takes a descriptor, and others have to be left for files and the REST interface. */
static void limit_descriptors(const struct cfg *cfg, struct net_tcp_limits *out)
{
	enum { OTHERS = 64, PART = 8 };
	struct rlimit l;
	int64_t wanted = (int64_t)cfg->connections + cfg->tcp_handshakes;
	out->connections = cfg->connections;
	out->handshakes = cfg->tcp_handshakes;
	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur == RLIM_INFINITY ||
		l.rlim_cur >= (rlim_t)wanted + OTHERS)
		return;
	uint32_t some = l.rlim_cur > 2 * OTHERS ? (uint32_t)l.rlim_cur - OTHERS : OTHERS;
	if (out->handshakes > some / PART)
		out->handshakes = some / PART;
	if (out->connections > some - out->handshakes)
		out->connections = some - out->handshakes;
	log_fields(LOG_LEVEL_WARNING,
		"the limit of open files (LimitNOFILE=, ulimit -n) allows fewer TCP connections",
		log_number("wanted", wanted), log_number("connections", out->connections),
		log_number("handshakes", out->handshakes));
}

static void limit_tcp(struct net *n, const struct cfg *cfg)
{
	struct net_tcp_limits l;
	net_tcp_limits_default(&l);
	limit_descriptors(cfg, &l);
	l.per_address = cfg->connections_per_address;
	l.handshakes_each = cfg->tcp_handshakes_per_address;
	l.idle_ms = cfg->idle_s * UINT64_C(1000);
	net_tcp_limits(n, &l);
}

enum err daemon_listen(struct net *n, const struct cfg *cfg, size_t at,
	struct daemon_inherited *inherited, char *why)
{
	const struct cfg_listen *l = &cfg->listen[at];
	int fd = inherited->listen[at];
	if (l->transport == CFG_TRANSPORT_UDP)
		return net_listen_udp(n, (uint16_t)at, l->address, (uint16_t)l->port, why);
	if (l->transport == CFG_TRANSPORT_DTLS)
		return net_listen_dtls(n, (uint16_t)at, l->address, (uint16_t)l->port, why);
	limit_tcp(n, cfg);
	inherited->listen[at] = -1;
	if (l->transport == CFG_TRANSPORT_TLS)
		return net_listen_tls(n, (uint16_t)at, l->address, (uint16_t)l->port, fd, why);
	return net_listen_tcp(n, (uint16_t)at, l->address, (uint16_t)l->port, fd, why);
}

/* The listener of that name that takes connections, or CFG_LISTEN_MAX. */
static size_t tcp_listener(const struct cfg *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->listen_n; i++)
		if (cfg_is_stream(cfg->listen[i].transport) &&
			strcmp(cfg->listen[i].name, name) == 0)
			return i;
	return CFG_LISTEN_MAX;
}

/* The gateway of that name that has a socket, or CFG_GATEWAY_MAX. */
static size_t socket_gateway(const struct cfg *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->gateway_n; i++)
		if (cfg->gateway[i].type == CFG_GATEWAY_SOCKET &&
			strcmp(cfg->gateway[i].name, name) == 0)
			return i;
	return CFG_GATEWAY_MAX;
}

/* Whose it is, by its name; the one of `fd` is taken once. */
static bool take_one(const struct cfg *cfg, struct daemon_inherited *d, const char *name, int fd)
{
	size_t at = tcp_listener(cfg, name), gateway = socket_gateway(cfg, name);
	int *home = strcmp(name, "admin") == 0  ? &d->admin
		    : at < CFG_LISTEN_MAX       ? &d->listen[at]
		    : gateway < CFG_GATEWAY_MAX ? &d->gateway[gateway]
						: NULL;
	if (!home)
		log_error("cannot start: inherited socket %d is named \"%s\"; only \"admin\" and "
			  "the NAME of a [listen NAME] with \"transport = tcp\" or tls, or of a "
			  "[gateway NAME] with \"type = socket\", are known "
			  "(FileDescriptorName= of the socket unit)",
			fd - SD_LISTEN_FDS_START + 1, name);
	else if (*home >= 0)
		log_error("cannot start: two inherited sockets are named \"%s\"", name);
	else
		*home = fd;
	return home && *home == fd;
}

bool daemon_inherit(const struct cfg *cfg, struct daemon_inherited *d)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	bool good = n >= 0;
	d->admin = -1;
	for (size_t i = 0; i < CFG_LISTEN_MAX; i++)
		d->listen[i] = -1;
	for (size_t i = 0; i < CFG_GATEWAY_MAX; i++)
		d->gateway[i] = -1;
	if (n < 0)
		log_fields(LOG_LEVEL_ERROR, "cannot take the inherited sockets",
			log_text("reason", span_str(strerror(-n))));
	for (int i = 0; i < n; i++) {
		good = good && take_one(cfg, d, names[i], SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
	return good;
}

void daemon_net_metrics(const struct net *n, adm_metric_fn *fn, void *cb_arg)
{
	struct net_stats s = {0};
	if (n)
		net_stats(n, &s);
	const struct adm_metric rows[] = {
		{"lanyard_datagrams_sent_total", "Datagrams and messages sent", true, NULL, NULL,
			s.sent},
		{"lanyard_datagrams_dropped_total", "Datagrams that found a full queue of ours",
			true, NULL, NULL, s.dropped},
		{"lanyard_tcp_connections", "TCP connections now", false, NULL, NULL, s.tcp_open},
		{"lanyard_tcp_connections_total", "TCP connections taken", true, NULL, NULL,
			s.tcp_accepted},
		{"lanyard_tcp_refused_total", "TCP connections refused: there were too many", true,
			NULL, NULL, s.tcp_refused},
		{"lanyard_tcp_evicted_total", "TCP connections ended to make room for others", true,
			NULL, NULL, s.tcp_evicted},
		{"lanyard_tls_handshakes_total", "TLS handshakes that came to their end", true,
			NULL, NULL, s.tls_opened},
		{"lanyard_tls_handshakes_failed_total", "TLS handshakes that did not", true, NULL,
			NULL, s.tls_failed},
		{"lanyard_dtls_sessions", "DTLS sessions now", false, NULL, NULL, s.dtls_open},
		{"lanyard_dtls_handshakes", "DTLS handshakes under way", false, NULL, NULL,
			s.dtls_handshakes},
		{"lanyard_dtls_handshakes_total", "DTLS handshakes that came to their end", true,
			NULL, NULL, s.dtls_opened},
		{"lanyard_dtls_handshakes_failed_total", "DTLS handshakes that did not", true, NULL,
			NULL, s.dtls_failed},
		{"lanyard_dtls_refused_total",
			"Beginnings of DTLS handshakes that were not answered: there were too many",
			true, NULL, NULL, s.dtls_refused},
		{"lanyard_dtls_strays_total", "Datagrams of no DTLS session, or malformed", true,
			NULL, NULL, s.dtls_strays},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fn(cb_arg, &rows[i]);
}
