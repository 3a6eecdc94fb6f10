/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <string.h>

/* Whole words only: one that does not fit becomes "...", for which there is room. */
struct words {
	char *out;
	size_t cap, n;
	bool full;
};

static void add_word(struct words *l, const char *a, const char *b, const char *c)
{
	static const char more[] = " ...";
	size_t need = strlen(a) + strlen(b) + strlen(c) + 3;
	bool fits = !l->full && l->n + need + sizeof(more) <= l->cap;

	if (fits) {
		int n = snprintf(&l->out[l->n], l->cap - l->n, "%s%s.%s%s%s", l->n ? " " : "", a, b,
			c[0] ? "." : "", c);
		l->n += (size_t)n;
	} else if (!l->full && l->n + sizeof(more) <= l->cap) {
		snprintf(&l->out[l->n], l->cap - l->n, "%s", l->n ? more : &more[1]);
	}
	l->full |= !fits;
}

static const struct cfg_listen *find(const struct cfg *c, const char *name)
{
	for (size_t i = 0; i < c->listen_n; i++)
		if (strcmp(c->listen[i].name, name) == 0)
			return &c->listen[i];
	return NULL;
}

static void compare_listener(
	const struct cfg_listen *a, const struct cfg_listen *b, struct words *l)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++)
		if (cfg_in_listen(&o[i]) && !cfg_value_eq(&o[i], a, b))
			add_word(l, "listen", a->name, o[i].key);
}

/* Sockets stay as they are: the daemon may no longer have the right to open others. */
static void compare_listeners(const struct cfg *to, const struct cfg *from, struct words *l)
{
	for (size_t i = 0; i < from->listen_n; i++) {
		const struct cfg_listen *had = find(to, from->listen[i].name);
		if (had)
			compare_listener(had, &from->listen[i], l);
		else
			add_word(l, "listen", from->listen[i].name, "");
	}
	for (size_t i = 0; i < to->listen_n; i++)
		if (!find(from, to->listen[i].name))
			add_word(l, "listen", to->listen[i].name, "");
}

static void copy_value(const struct cfg_option *o, struct cfg *to, const struct cfg *from)
{
	memcpy(&((char *)to)[o->offset], &((const char *)from)[o->offset], o->size);
}

void cfg_reload(struct cfg *to, const struct cfg *from, char *refused, size_t refused_cap)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);
	struct words l = {.out = refused, .cap = refused_cap};

	if (refused_cap)
		refused[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (cfg_in_listen(&o[i]) || cfg_value_eq(&o[i], to, from))
			continue;
		if (o[i].reloadable)
			copy_value(&o[i], to, from);
		else
			add_word(&l, o[i].section, o[i].key, "");
	}
	compare_listeners(to, from, &l);
}
