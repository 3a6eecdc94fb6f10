/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses too long for a peer. Most devices have a short one, and there may be a million peers,
 * so that these lie in a table; and peers are copied everywhere, so that only those who keep one
 * for long count. What nobody keeps goes, the one that was unused longest first; its number is
 * never given again, so that a copy which is still around means nobody, and never somebody else. */
#include "base/gateway.h"
#include "base/map.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 255, ID_BYTES = 8, UNKEPT_MAX = 4096 };

struct long_address {
	uint8_t id[ID_BYTES];
	uint32_t kept;                      /* how often */
	struct long_address *older, *newer; /* of those that nobody keeps */
	uint8_t n;
	uint8_t bytes[];
};

static struct {
	bool ready;
	struct map by_id, by_bytes;
	uint64_t last_id;
	size_t unkept_n;
	struct long_address *oldest, *newest;
} table;

static struct span id_key(const void *item)
{
	const struct long_address *a = item;

	return SPAN_OF(a->id);
}

static struct span bytes_key(const void *item)
{
	const struct long_address *a = item;

	return span_make(a->bytes, a->n);
}

static void get_ready(void)
{
	struct rng rng = rng_system();
	uint8_t seed[16];

	if (table.ready)
		return;
	rng_fill(&rng, seed, sizeof(seed));
	map_init(&table.by_id, id_key, seed);
	map_init(&table.by_bytes, bytes_key, seed);
	table.ready = true;
}

static void unlink_unkept(struct long_address *a)
{
	*(a->older ? &a->older->newer : &table.oldest) = a->newer;
	*(a->newer ? &a->newer->older : &table.newest) = a->older;
	a->older = a->newer = NULL;
	table.unkept_n--;
}

static void link_newest(struct long_address *a)
{
	a->older = table.newest;
	a->newer = NULL;
	*(a->older ? &a->older->newer : &table.oldest) = a;
	table.newest = a;
	table.unkept_n++;
}

static void forget_some(void)
{
	while (table.unkept_n > UNKEPT_MAX) {
		struct long_address *a = table.oldest;

		unlink_unkept(a);
		map_remove(&table.by_id, a);
		map_remove(&table.by_bytes, a);
		free(a);
	}
}

static enum err enter(struct span address, struct long_address **out)
{
	struct long_address *a = malloc(sizeof(*a) + address.n);
	struct writer w;

	if (!a)
		return ERR_NOMEM;
	*a = (struct long_address){.n = (uint8_t)address.n};
	memcpy(a->bytes, address.p, address.n);
	w = wr_make(a->id, sizeof(a->id));
	wr_u64(&w, ++table.last_id);
	if (map_put(&table.by_id, a)) {
		free(a);
		return ERR_NOMEM;
	}
	if (map_put(&table.by_bytes, a)) {
		map_remove(&table.by_id, a);
		free(a);
		return ERR_NOMEM;
	}
	link_newest(a);
	forget_some();
	*out = a;
	return ERR_OK;
}

static enum err find_or_enter(struct span address, struct long_address **out)
{
	get_ready();
	*out = map_get(&table.by_bytes, address);
	if (!*out)
		return enter(address, out);
	if (!(*out)->kept) {
		unlink_unkept(*out);
		link_newest(*out);
	}
	return ERR_OK;
}

/* Nothing that a log, JSON or a terminal would have to write differently. */
static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return true;
}

enum err gateway_peer(
	uint16_t number, enum gateway_kind kind, struct span address, struct peer *out)
{
	struct peer p = {.bearer = kind == GATEWAY_SMS ? BEARER_SMS : BEARER_NONIP,
		.flags = (uint8_t)kind,
		.listener = number,
		.addr_n = (uint8_t)address.n};
	struct long_address *a;
	enum err err;

	if (kind == GATEWAY_NONE || (unsigned)kind >= GATEWAY_KINDS || number < GATEWAY_NUMBERS ||
		!address.n || address.n > GATEWAY_ADDRESS_MAX || !is_plain(address))
		return ERR_RANGE;
	if (address.n <= sizeof(p.addr)) {
		memcpy(p.addr, address.p, address.n);
		*out = p;
		return ERR_OK;
	}
	err = find_or_enter(address, &a);
	if (err)
		return err;
	p.addr_n = LONG;
	memcpy(p.addr, a->id, sizeof(a->id));
	*out = p;
	return ERR_OK;
}

static struct long_address *long_of(const struct peer *p)
{
	if (!p || !gateway_is(p) || p->addr_n != LONG || !table.ready)
		return NULL;
	return map_get(&table.by_id, span_make(p->addr, ID_BYTES));
}

struct span gateway_address(const struct peer *p)
{
	const struct long_address *a = long_of(p);

	if (a)
		return span_make(a->bytes, a->n);
	return gateway_is(p) && p->addr_n == LONG ? SPAN_EMPTY
						  : span_sub(SPAN_OF(p->addr), 0, p->addr_n);
}

void gateway_keep(const struct peer *p)
{
	struct long_address *a = long_of(p);

	if (a && !a->kept++)
		unlink_unkept(a);
}

void gateway_drop(const struct peer *p)
{
	struct long_address *a = long_of(p);

	if (!a || !a->kept || --a->kept)
		return;
	link_newest(a);
	forget_some();
}

struct gateway_addresses gateway_addresses(void)
{
	size_t all = table.ready ? table.by_id.count : 0;

	return (struct gateway_addresses){.all = all, .kept = all - table.unkept_n};
}
