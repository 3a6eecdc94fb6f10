/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of messages, until there are all. A list, the one that waits longest first: there are at
 * most as many as one short message after the other can bring in ten minutes. */
#include "transport/sms.h"

#include <stdlib.h>
#include <string.h>

struct waiting {
	struct waiting *next;
	uint64_t since_ms;
	char number[SMS_NUMBER_MAX + 1];
	uint16_t ref;
	uint8_t ref_bits, total, have;
	uint8_t n[SMS_PARTS_MAX]; /* bytes of each */
	bool is_there[SMS_PARTS_MAX];
	uint8_t bytes[][SMS_BYTES];
};

struct sms_box {
	struct sms_box_limits limits;
	struct waiting *first, **last;
	struct sms_box_stats stats;
	uint8_t whole[SMS_PARTS_MAX * SMS_BYTES];
};

enum err sms_box_new(const struct sms_box_limits *limits, struct sms_box **out)
{
	struct sms_box *b = calloc(1, sizeof(*b));
	if (!b)
		return ERR_NOMEM;
	b->limits = *limits;
	b->last = &b->first;
	*out = b;
	return ERR_OK;
}

static void drop(struct sms_box *b, struct waiting **at)
{
	struct waiting *w = *at;
	*at = w->next;
	if (!w->next)
		b->last = at;
	b->stats.waiting--;
	free(w);
}

void sms_box_free(struct sms_box *b)
{
	while (b && b->first)
		drop(b, &b->first);
	free(b);
}

void sms_box_expire(struct sms_box *b, uint64_t now_ms)
{
	while (b->first && now_ms - b->first->since_ms >= b->limits.wait_ms) {
		b->stats.expired++;
		drop(b, &b->first);
	}
}

/* Makes room for one more of that number. */
static void make_room(struct sms_box *b, const char *number)
{
	struct waiting **oldest = NULL;
	size_t n = 0;
	for (struct waiting **at = &b->first; *at; at = &(*at)->next) {
		if (strcmp((*at)->number, number) != 0)
			continue;
		oldest = n++ ? oldest : at;
	}
	if (n >= b->limits.per_number)
		drop(b, oldest);
	else if (b->stats.waiting >= b->limits.messages)
		drop(b, &b->first);
	else
		return;
	b->stats.displaced++;
}

static struct waiting **find(struct sms_box *b, const char *number, const struct sms_part *p)
{
	struct waiting **at = &b->first;
	for (; *at; at = &(*at)->next) {
		const struct waiting *w = *at;
		if (w->ref == p->ref && w->ref_bits == p->ref_bits && w->total == p->total &&
			strcmp(w->number, number) == 0)
			break;
	}
	return at;
}

static struct waiting **begin(
	struct sms_box *b, const char *number, const struct sms_part *p, uint64_t now_ms)
{
	struct waiting *w = calloc(1, sizeof(*w) + (size_t)p->total * SMS_BYTES);
	if (!w)
		return NULL;
	make_room(b, number);
	memcpy(w->number, number, strlen(number) + 1);
	w->since_ms = now_ms;
	w->ref = p->ref;
	w->ref_bits = p->ref_bits;
	w->total = p->total;
	struct waiting **at = b->last;
	*at = w;
	b->last = &w->next;
	b->stats.waiting++;
	return at;
}

static struct span stored(const struct waiting *w, size_t i)
{
	return span_make(w->bytes[i], w->n[i]);
}

static struct span join(struct sms_box *b, const struct waiting *w)
{
	struct writer out = wr_make(b->whole, sizeof(b->whole));
	for (size_t i = 0; i < w->total; i++)
		wr_bytes(&out, stored(w, i));
	return wr_span(&out);
}

enum err sms_box_add(struct sms_box *b, const char *number, const struct sms_part *part,
	uint64_t now_ms, struct span *message)
{
	sms_box_expire(b, now_ms);
	if (!part->ref_bits || part->total == 1) {
		*message = part->data;
		return part->data.n <= SMS_MESSAGE_MAX ? ERR_OK : ERR_RANGE;
	}
	size_t i = (size_t)part->number - 1;
	if (part->total > SMS_PARTS_MAX || i >= part->total || part->data.n > SMS_BYTES ||
		strlen(number) > SMS_NUMBER_MAX)
		return ERR_RANGE;
	struct waiting **at = find(b, number, part);
	if (*at && (*at)->is_there[i]) {
		if (span_eq(stored(*at, i), part->data)) {
			b->stats.repeated++;
			return ERR_EXISTS;
		}
		drop(b, at);
		at = b->last;
	}
	if (!*at)
		at = begin(b, number, part, now_ms);
	if (!at)
		return ERR_NOMEM;
	struct waiting *w = *at;
	if (part->data.n)
		memcpy(w->bytes[i], part->data.p, part->data.n);
	w->n[i] = (uint8_t)part->data.n;
	w->is_there[i] = true;
	if (++w->have < w->total)
		return ERR_SHORT;
	*message = join(b, w);
	drop(b, at);
	return message->n <= SMS_MESSAGE_MAX ? ERR_OK : ERR_RANGE;
}

struct sms_box_stats sms_box_stats(const struct sms_box *b)
{
	return b->stats;
}
