/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_app.h"
#include "transport/net.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The address the system would send from: a datagram socket is asked, nothing is sent. */
static void find_here(struct device_app *app, const struct addrinfo *to)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {0};
	socklen_t n = sizeof(a);
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0 && getsockname(fd, &a.sa, &n) == 0) {
		bool v4 = a.sa.sa_family == AF_INET;
		app->here_n = v4 ? 4 : 16;
		memcpy(app->here, v4 ? (void *)&a.v4.sin_addr : (void *)&a.v6.sin6_addr,
			app->here_n);
	}
	close(fd);
}

static bool lookup(struct device_app *app, const char *host, uint16_t port, struct peer *out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
	char number[NI_MAXHOST], service[8];
	hints.ai_family = device_is_fleet(app->o) ? AF_INET : AF_UNSPEC;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return false;
	bool good = getnameinfo(list->ai_addr, list->ai_addrlen, number, sizeof(number), NULL, 0,
			    NI_NUMERICHOST) == 0 &&
		    net_peer(number, port, 0, out) == ERR_OK;
	if (good && !device_is_fleet(app->o))
		find_here(app, list);
	freeaddrinfo(list);
	return good;
}

bool device_resolve(struct device_app *app, struct span uri, struct peer *out)
{
	struct span host;
	uint16_t port;
	char name[DEV_URI_MAX + 1];
	if (!app->uri[0] || !span_eq_str(uri, app->uri)) {
		app->uri_good = dev_uri_parse(uri, &host, &port) == ERR_OK &&
				span_to_str(host, name, sizeof(name)) == ERR_OK &&
				lookup(app, name, port, &app->uri_peer);
		app->uri_peer.bearer = (uint8_t)dev_uri_bearer(uri);
		/* A failure is not remembered: the name may exist next time. */
		if (!app->uri_good || span_to_str(uri, app->uri, sizeof(app->uri)) != ERR_OK)
			app->uri[0] = 0;
	}
	*out = app->uri_peer;
	return app->uri_good;
}
