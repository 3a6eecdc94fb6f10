/* SPDX-License-Identifier: Apache-2.0 */
/* How long a message to a device may be, where its gateway knows: of LoRaWAN it changes with the
 * data rate. A list of the last that were told, which nothing is lost with. */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>

struct ep_mtu {
	struct ep_mtu *next;
	uint32_t bytes;   /* 0: as the gateway's */
	struct peer peer; /* without the way it came by */
};

static struct span key_mtu(const void *item)
{
	const struct ep_mtu *m = item;
	return span_make(&m->peer, sizeof(m->peer));
}

void ep_mtu_init(struct ep_exchange *x, const uint8_t seed[static 16])
{
	map_init(&x->mtus, key_mtu, seed);
	x->last_mtu = &x->oldest_mtu;
}

static void forget_oldest(struct ep_exchange *x)
{
	struct ep_mtu *m = x->oldest_mtu;
	x->oldest_mtu = m->next;
	if (!x->oldest_mtu)
		x->last_mtu = &x->oldest_mtu;
	map_remove(&x->mtus, m);
	free(m);
}

void ep_mtu_fini(struct ep_exchange *x)
{
	while (x->oldest_mtu)
		forget_oldest(x);
	map_fini(&x->mtus);
}

static struct ep_mtu *find(const struct ep_exchange *x, const struct peer *p)
{
	struct peer key = *p;
	key.connection = 0;
	return map_get(&x->mtus, span_make(&key, sizeof(key)));
}

uint32_t ep_mtu_of(const struct ep_exchange *x, const struct peer *p)
{
	const struct ep_mtu *m = x->mtus.count ? find(x, p) : NULL;
	return m ? m->bytes : 0;
}

void ep_mtu(struct ep_exchange *x, const struct peer *p, uint32_t bytes)
{
	struct ep_mtu *m = gateway_is(p) ? find(x, p) : NULL;
	if (bytes && bytes < GATEWAY_MTU_MIN)
		bytes = GATEWAY_MTU_MIN;
	if (m)
		m->bytes = bytes;
	if (m || !bytes || !gateway_is(p))
		return;
	m = calloc(1, sizeof(*m));
	if (!m)
		return;
	m->bytes = bytes;
	m->peer = *p;
	m->peer.connection = 0;
	if (map_put(&x->mtus, m)) { /* without memory for it the gateway's counts */
		free(m);
		return;
	}
	*x->last_mtu = m;
	x->last_mtu = &m->next;
	if (x->mtus.count > EP_MTUS_MAX)
		forget_oldest(x);
}
