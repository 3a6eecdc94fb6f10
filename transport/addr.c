/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V4_N = 4, V6_N = 16, PORT_N = 2, SCOPE_N = 4, WHY_MAX = 256 };

/* The peer's layout (base/peer.h): address, port, and for link-local IPv6 the scope. */
enum { PEER_V4 = V4_N + PORT_N, PEER_V6 = V6_N + PORT_N, PEER_V6_SCOPED = PEER_V6 + SCOPE_N };

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_link_local(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MC_LINKLOCAL(a);
}

static enum err scope_parse(const char *text, uint32_t *out)
{
	uint64_t n;

	if (span_to_u64(span_str(text), UINT32_MAX, &n) == ERR_OK)
		*out = (uint32_t)n;
	else
		*out = if_nametoindex(text);
	return *out ? ERR_OK : ERR_NOTFOUND;
}

static enum err v6_parse(const char *text, struct sockaddr_in6 *out)
{
	char host[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "%");
	const char *scope = text[n] ? &text[n + 1] : NULL;

	if (span_to_str(span_make(text, n), host, sizeof(host)) ||
		inet_pton(AF_INET6, host, &out->sin6_addr) != 1)
		return ERR_SYNTAX;
	out->sin6_family = AF_INET6;
	if (is_link_local(&out->sin6_addr) != (scope != NULL))
		return ERR_SYNTAX;
	return scope ? scope_parse(scope, &out->sin6_scope_id) : ERR_OK;
}

enum err addr_parse(const char *text, uint16_t port, union addr *out)
{
	union addr a;
	enum err err;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		*out = a;
		return ERR_OK;
	}
	err = v6_parse(text, &a.v6);
	if (err)
		return err;
	a.v6.sin6_port = htons(port);
	*out = a;
	return ERR_OK;
}

enum err addr_listen(const char *text, uint16_t port, union addr *out, char *why)
{
	enum err err = addr_parse(strcmp(text, "*") ? text : "::", port, out);

	if (err)
		snprintf(why, WHY_MAX, "cannot listen on %s port %u: %s", text, port,
			err == ERR_NOTFOUND ? "no such network interface"
					    : "not a numeric address (such as 192.0.2.1, "
					      "2001:db8::1, fe80::1%eth0 or *)");
	return err;
}

int addr_socket(int type, const char *text, union addr *at)
{
	int fd = socket(at->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 || errno != EAFNOSUPPORT || strcmp(text, "*") != 0)
		return fd;
	in_port_t port = at->v6.sin6_port;
	memset(at, 0, sizeof(*at));
	at->v4.sin_family = AF_INET;
	at->v4.sin_port = port;
	return socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

socklen_t addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

/* The bytes of the address, 4 or 16. */
static struct span addr_ip(const union addr *a)
{
	struct span ip = span_make(&a->v6.sin6_addr, V6_N);

	if (a->sa.sa_family == AF_INET)
		return span_make(&a->v4.sin_addr, V4_N);
	return IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr) ? span_sub(ip, sizeof(mapped_prefix), V4_N)
						      : ip;
}

static void put_scope(const union addr *a, struct writer *w)
{
	if (a->sa.sa_family == AF_INET6 && a->v6.sin6_scope_id && is_link_local(&a->v6.sin6_addr))
		wr_u32(w, a->v6.sin6_scope_id);
}

void addr_to_peer(const union addr *a, struct peer *p)
{
	struct writer w = wr_make(p->addr, sizeof(p->addr));

	wr_bytes(&w, addr_ip(a));
	/* The same place in both structures. */
	wr_u16(&w, ntohs(a->v4.sin_port));
	put_scope(a, &w);
	p->addr_n = (uint8_t)w.n;
}

void addr_to_local(const union addr *a, struct peer *p)
{
	struct writer w = wr_make(p->local, sizeof(p->local));

	wr_bytes(&w, addr_ip(a));
	put_scope(a, &w);
	p->local_n = (uint8_t)w.n;
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
	"addr_to_peer reads either port");

static enum err v4_from(struct reader *r, sa_family_t family, union addr *out)
{
	struct span ip = rd_bytes(r, V4_N);

	if (family == AF_INET) {
		memcpy(&out->v4.sin_addr, ip.p, ip.n);
		out->v4.sin_port = htons(rd_u16(r));
		return ERR_OK;
	}
	memcpy(&out->v6.sin6_addr.s6_addr[0], mapped_prefix, sizeof(mapped_prefix));
	memcpy(&out->v6.sin6_addr.s6_addr[sizeof(mapped_prefix)], ip.p, ip.n);
	out->v6.sin6_port = htons(rd_u16(r));
	return ERR_OK;
}

static enum err v6_from(struct reader *r, sa_family_t family, union addr *out)
{
	struct span ip = rd_bytes(r, V6_N);

	if (family != AF_INET6)
		return ERR_RANGE;
	memcpy(&out->v6.sin6_addr, ip.p, ip.n);
	out->v6.sin6_port = htons(rd_u16(r));
	out->v6.sin6_scope_id = rd_left(r) ? rd_u32(r) : 0;
	return ERR_OK;
}

enum err addr_from_peer(const struct peer *p, sa_family_t family, union addr *out)
{
	struct reader r = rd_make(span_make(p->addr, p->addr_n));

	memset(out, 0, sizeof(*out));
	out->sa.sa_family = family;
	if (p->addr_n == PEER_V4)
		return v4_from(&r, family, out);
	if (p->addr_n == PEER_V6 || p->addr_n == PEER_V6_SCOPED)
		return v6_from(&r, family, out);
	return ERR_RANGE;
}
