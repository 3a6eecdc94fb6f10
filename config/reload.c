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

/* Its number, or CFG_NAMED_MAX. */
static size_t find(const struct cfg *c, enum cfg_named named, const char *name)
{
	for (size_t i = 0; i < cfg_named_n(c, named); i++)
		if (strcmp(cfg_named_name(c, named, i), name) == 0)
			return i;
	return CFG_NAMED_MAX;
}

static void copy_value(const struct cfg_option *o, void *to, const void *from)
{
	memcpy(&((char *)to)[o->offset], &((const char *)from)[o->offset], o->size);
}

static void reload_one(struct cfg *to, size_t had, const struct cfg *from, size_t at,
	enum cfg_named named, struct words *l)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++) {
		void *home = cfg_home(&o[i], to, had);
		const void *other = cfg_home_const(&o[i], from, at);
		if (cfg_named(&o[i]) != named || cfg_value_eq(&o[i], home, other))
			continue;
		if (o[i].reloadable)
			copy_value(&o[i], home, other);
		else
			add_word(l, cfg_named_title(named), cfg_named_name(to, named, had),
				o[i].key);
	}
}

/* Sockets stay as they are: the daemon may no longer have the right to open others. */
static void reload_named(
	struct cfg *to, const struct cfg *from, enum cfg_named named, struct words *l)
{
	const char *title = cfg_named_title(named);

	for (size_t i = 0; i < cfg_named_n(from, named); i++) {
		size_t had = find(to, named, cfg_named_name(from, named, i));
		if (had < CFG_NAMED_MAX)
			reload_one(to, had, from, i, named, l);
		else
			add_word(l, title, cfg_named_name(from, named, i), "");
	}
	for (size_t i = 0; i < cfg_named_n(to, named); i++)
		if (find(from, named, cfg_named_name(to, named, i)) == CFG_NAMED_MAX)
			add_word(l, title, cfg_named_name(to, named, i), "");
}

void cfg_reload(struct cfg *to, const struct cfg *from, char *refused, size_t refused_cap)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);
	struct words l = {.out = refused, .cap = refused_cap};

	if (refused_cap)
		refused[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (cfg_named(&o[i]) || cfg_value_eq(&o[i], to, from))
			continue;
		if (o[i].reloadable)
			copy_value(&o[i], to, from);
		else
			add_word(&l, o[i].section, o[i].key, "");
	}
	reload_named(to, from, CFG_NAMED_LISTEN, &l);
	reload_named(to, from, CFG_NAMED_GATEWAY, &l);
}
