/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there, the one that was heard of longest ago first, in all and by group: so that one
 * address, or one credential, does not take the room of all. Pure; private to transport/ and its
 * tests. */
#ifndef LANYARD_TRANSPORT_CROWD_H
#define LANYARD_TRANSPORT_CROWD_H

#include "base/map.h"
#include "base/peer.h"

enum { CROWD_KEY_MAX = 8 };

struct crowd_group;

/* Inside what it stands for. */
struct crowd_member {
	struct crowd_group *group; /* NULL: it is in no crowd */
	struct {
		struct crowd_member *older, *newer;
	} in[2];           /* of all, and of the group */
	uint64_t since_ms; /* heard of, or come */
};

struct crowd_list {
	struct crowd_member *oldest, *newest;
	size_t n;
};

struct crowd {
	struct map groups;
	struct crowd_list all;
};

void crowd_init(struct crowd *c, const uint8_t seed[static 16]);
/* Nobody is in it any more. */
void crowd_fini(struct crowd *c);
/* The group of an address: of IPv6 the network, for a host can have all of it. It lives as long as
 * `p`. */
struct span crowd_of(const struct peer *p);
/* As the newest; `group` has at most CROWD_KEY_MAX bytes. ERR_NOMEM: it is not in it. */
MUST_USE enum err crowd_add(
	struct crowd *c, struct crowd_member *m, struct span group, uint64_t now_ms);
/* Harmless if it is in none. */
void crowd_del(struct crowd *c, struct crowd_member *m);
/* It is the newest now; harmless if it is in none. */
void crowd_touch(struct crowd *c, struct crowd_member *m, uint64_t now_ms);
/* Who has to go before another of that group may come; NULL: there is room. each 0: groups have no
 * bound of their own. */
struct crowd_member *crowd_victim(
	const struct crowd *c, struct span group, size_t max, size_t each);

#endif
