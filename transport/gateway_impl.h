/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the gateways: shared by their files, for no driver. */
#ifndef LANYARD_TRANSPORT_GATEWAY_IMPL_H
#define LANYARD_TRANSPORT_GATEWAY_IMPL_H

#include "transport/gateway.h"

enum { GATEWAY_SLOTS = 4096, GATEWAY_HEARD = 1 << 16 };

/* A rate: when the next would be on time, in microseconds. What comes up to `burst_us` before is
 * let through. */
struct gateway_rate {
	uint64_t period_us, burst_us; /* period 0: any number */
};
/* `n` in `span_us`, and so many at once. */
struct gateway_rate gateway_rate_of(uint32_t n, uint64_t span_us);
/* Takes one, if there is room. */
bool gateway_rate_pass(const struct gateway_rate *r, uint64_t *due_us, uint64_t now_us);
/* How many may pass now. */
size_t gateway_rate_room(const struct gateway_rate *r, uint64_t due_us, uint64_t now_us);

struct gateway {
	struct gateways *all;
	char name[GATEWAY_NAME_MAX + 1];
	const char *type;
	uint16_t number;
	struct gateway_opts opts;
	struct gateway_timings timings; /* of this one */
	const struct gateway_driver *table;
	void *driver;
	bool up;
	unsigned links;
	char reason[GATEWAY_REASON_MAX + 1];
	uint64_t since_ms;
	struct gateway_stats stats;
	struct gateway_rate rate, address_rate;
	uint64_t due_us;
	uint8_t hash_key[16];
	/* By a fingerprint of the address, two places for each: what an address has to share it
	 * shares with those that have the same two. */
	uint64_t *address_due_us;        /* NULL: any number */
	uint16_t waiting[GATEWAY_SLOTS]; /* in queues */
	struct gateway_heard {
		uint32_t tag;
		uint8_t way;
	} * heard; /* GATEWAY_HEARD of them; NULL: there is one way only, so far */
};

struct gateways {
	struct event_base *base;
	struct gateway_host host;
	struct event *turn_event;
	struct gateway *gateway[GATEWAYS_MAX];
	size_t n;
	bool paused;
};

uint64_t gateway_now_us(void);
/* The two places of an address. */
void gateway_places(const struct gateway *g, const struct peer *p, uint32_t out[static 2]);

#endif
