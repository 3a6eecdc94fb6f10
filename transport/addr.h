/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as text, as sockaddr and as the bytes of a peer. Private to transport/. */
#ifndef LANYARD_TRANSPORT_ADDR_H
#define LANYARD_TRANSPORT_ADDR_H

#include "base/peer.h"

#include <netinet/in.h>

union addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Numeric IPv4 or IPv6; a link-local one takes "%eth0" or "%2". ERR_SYNTAX if it is not that,
 * ERR_NOTFOUND for an interface that does not exist; `out` is then untouched. */
MUST_USE enum err addr_parse(const char *text, uint16_t port, union addr *out);
/* What a listener may be bound to: as above, and "*" for any. `why` (256 bytes) says what is wrong.
 */
MUST_USE enum err addr_listen(const char *text, uint16_t port, union addr *out, char *why);
/* A socket for it, close-on-exec and non-blocking; -1 and errno. "*" is IPv6 that takes IPv4 too,
 * or IPv4, and `at` becomes that, where the kernel has no IPv6. */
int addr_socket(int type, const char *text, union addr *at);
socklen_t addr_len(const union addr *a);
/* Address, port and scope into p->addr; an IPv4-mapped address becomes one of 4 bytes. `p->addr` is
 * zero before. */
void addr_to_peer(const union addr *a, struct peer *p);
/* The address that was spoken to into p->local, without a port; likewise. */
void addr_to_local(const union addr *a, struct peer *p);
/* The other way, for a socket of that family: an IPv6 one gets IPv4 addresses mapped. ERR_RANGE if
 * the peer's bytes are no address, or one that the socket cannot reach. */
MUST_USE enum err addr_from_peer(const struct peer *p, sa_family_t family, union addr *out);

#endif
