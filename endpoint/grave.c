/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/grave.h"

#include <stdlib.h>
#include <string.h>

static struct span key_grave(const void *item)
{
	const struct ep_grave *g = item;
	return span_make(g->key, g->key_n);
}

void ep_graves_init(struct map *m, const uint8_t seed[static 16])
{
	map_init(m, key_grave, seed);
}

void ep_graves_fini(struct map *m)
{
	size_t cursor = 0;
	for (struct ep_grave *g; (g = map_next(m, &cursor));)
		free(g);
	map_fini(m);
}

static void set_key(struct ep_grave *g, const uint8_t ikm[static 8], struct span id)
{
	struct writer w = wr_make(g->key, sizeof(g->key));
	wr_bytes(&w, span_make(ikm, 8));
	wr_u8(&w, (uint8_t)id.n);
	wr_bytes(&w, id);
	g->key_n = (uint8_t)w.n;
}

/* "None yet" counts as the lowest number. */
static uint64_t higher(uint64_t a, uint64_t b)
{
	if (a == UINT64_MAX)
		return b;
	return b != UINT64_MAX && b > a ? b : a;
}

enum err ep_grave_put(struct map *m, const uint8_t ikm[static 8], struct span id, bool sender,
	uint64_t number, uint32_t aside)
{
	struct ep_grave probe = {0};
	set_key(&probe, ikm, id);
	struct ep_grave *g = map_get(m, key_grave(&probe));
	if (g && g->sender != sender)
		return ERR_CONFLICT;
	if (g) {
		g->number = higher(g->number, number);
		if (sender ? aside < g->aside : aside > g->aside)
			g->aside = aside;
		return ERR_OK;
	}
	g = malloc(sizeof(*g));
	if (!g)
		return ERR_NOMEM;
	*g = probe;
	g->sender = sender;
	g->number = number;
	g->aside = aside;
	enum err err = map_put(m, g);
	if (err)
		free(g);
	return err;
}

const struct ep_grave *ep_grave_find(
	const struct map *m, const uint8_t ikm[static 8], struct span id)
{
	struct ep_grave probe = {0};
	set_key(&probe, ikm, id);
	return map_get(m, key_grave(&probe));
}
