/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/crowd.h"

#include <stdlib.h>
#include <string.h>

enum { ALL, GROUP };

struct crowd_group {
	struct crowd_list list;
	uint8_t key_n;
	uint8_t key[CROWD_KEY_MAX];
};

static struct span key_of(const void *item)
{
	const struct crowd_group *g = item;
	return span_make(g->key, g->key_n);
}

void crowd_init(struct crowd *c, const uint8_t seed[static 16])
{
	*c = (struct crowd){.all = {.n = 0}};
	map_init(&c->groups, key_of, seed);
}

void crowd_fini(struct crowd *c)
{
	map_fini(&c->groups);
}

struct span crowd_of(const struct peer *p)
{
	enum { V4_PEER = 6, V4 = 4, V6_NET = 8 };
	return span_make(p->addr, p->addr_n == V4_PEER ? V4 : V6_NET);
}

static void append(struct crowd_list *l, struct crowd_member *m, int which)
{
	m->in[which].older = l->newest;
	m->in[which].newer = NULL;
	*(l->newest ? &l->newest->in[which].newer : &l->oldest) = m;
	l->newest = m;
	l->n++;
}

static void take_out(struct crowd_list *l, struct crowd_member *m, int which)
{
	struct crowd_member *older = m->in[which].older, *newer = m->in[which].newer;
	*(older ? &older->in[which].newer : &l->oldest) = newer;
	*(newer ? &newer->in[which].older : &l->newest) = older;
	l->n--;
}

static struct crowd_group *group_new(struct crowd *c, struct span key)
{
	struct crowd_group *g = key.n <= CROWD_KEY_MAX ? calloc(1, sizeof(*g)) : NULL;
	if (!g)
		return NULL;
	g->key_n = (uint8_t)key.n;
	if (key.n)
		memcpy(g->key, key.p, key.n);
	if (!map_put(&c->groups, g))
		return g;
	free(g);
	return NULL;
}

enum err crowd_add(struct crowd *c, struct crowd_member *m, struct span group, uint64_t now_ms)
{
	struct crowd_group *g = map_get(&c->groups, group);
	if (!g)
		g = group_new(c, group);
	if (!g)
		return ERR_NOMEM;
	m->group = g;
	m->since_ms = now_ms;
	append(&c->all, m, ALL);
	append(&g->list, m, GROUP);
	return ERR_OK;
}

void crowd_del(struct crowd *c, struct crowd_member *m)
{
	struct crowd_group *g = m->group;
	if (!g)
		return;
	m->group = NULL;
	take_out(&c->all, m, ALL);
	take_out(&g->list, m, GROUP);
	if (g->list.n)
		return;
	map_remove(&c->groups, g);
	free(g);
}

void crowd_touch(struct crowd *c, struct crowd_member *m, uint64_t now_ms)
{
	struct crowd_group *g = m->group;
	if (!g)
		return;
	m->since_ms = now_ms;
	if (c->all.newest == m)
		return;
	take_out(&c->all, m, ALL);
	take_out(&g->list, m, GROUP);
	append(&c->all, m, ALL);
	append(&g->list, m, GROUP);
}

struct crowd_member *crowd_victim(const struct crowd *c, struct span group, size_t max, size_t each)
{
	const struct crowd_group *g = map_get(&c->groups, group);
	if (g && each && g->list.n >= each)
		return g->list.oldest;
	return c->all.n >= max ? c->all.oldest : NULL;
}
