/* SPDX-License-Identifier: Apache-2.0 */
/* Each URI once, however many devices have it: most of a fleet have the same two. */
#include "device/inner.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS_MAX = 1 << 17 }; /* a server may write another one into each device */

static struct span text_key(const void *item)
{
	return span_str(item);
}

void dev_texts_init(struct dev_texts *t, const uint8_t seed[static 16])
{
	map_init(&t->map, text_key, seed);
}

void dev_texts_fini(struct dev_texts *t)
{
	size_t cursor = 0;
	for (char *text; (text = map_next(&t->map, &cursor));)
		free(text);
	map_fini(&t->map);
}

enum err dev_texts_take(struct dev_texts *t, struct span s, size_t max, const char **out)
{
	const char *have = map_get(&t->map, s);
	if (have) {
		*out = have;
		return ERR_OK;
	}
	if (s.n > max || (s.n && memchr(s.p, 0, s.n)))
		return ERR_RANGE;
	if (t->map.count >= TEXTS_MAX)
		return ERR_LIMIT;
	char *text = malloc(s.n + 1);
	if (!text)
		return ERR_NOMEM;
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = 0;
	enum err e = map_put(&t->map, text);
	if (e)
		free(text);
	else
		*out = text;
	return e;
}
