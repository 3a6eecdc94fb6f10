/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/block.h"
#include "base/peer.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum {
	NUM_MAX = (1 << 20) - 1,
	SZX_MAX = 6,
	VALUE_BYTES = 3,
	MORE_BIT = 8,
	SZX_MASK = 7,
};

static size_t offset_of(struct block b)
{
	return (size_t)b.num << (b.szx + 4);
}

enum err block_get(const struct msg *m, uint16_t num, struct block *out)
{
	const struct opt *o = msg_find(m, num);
	uint32_t v = 0;

	if (!o)
		return ERR_NOTFOUND;
	if (o->val.n > VALUE_BYTES || !msg_get_uint(m, num, &v) || (v & SZX_MASK) > SZX_MAX)
		return ERR_SYNTAX;
	*out = (struct block){
		.num = v >> 4,
		.more = v & MORE_BIT,
		.szx = v & SZX_MASK,
	};
	return ERR_OK;
}

enum err block_add(struct msg *m, uint16_t num, struct block b)
{
	if (b.num > NUM_MAX || b.szx > SZX_MAX)
		return ERR_RANGE;
	return msg_add_uint(m, num, b.num << 4 | (b.more ? MORE_BIT : 0U) | b.szx);
}

uint8_t block_szx_for(size_t bytes)
{
	uint8_t szx = SZX_MAX;

	while (szx > 0 && block_size(szx) > bytes)
		szx--;
	return szx;
}

void block_rx_init(struct block_rx *rx, size_t limit_bytes)
{
	*rx = (struct block_rx){.limit_bytes = limit_bytes};
}

/* Bodies carry keys during bootstrap, so they are wiped. */
void block_rx_reset(struct block_rx *rx)
{
	if (rx->body)
		secret_wipe(rx->body, rx->cap);
	free(rx->body);
	block_rx_init(rx, rx->limit_bytes);
}

/* Doubles up to the limit. Not realloc, which would leave a copy behind. */
static enum err grow(struct block_rx *rx, size_t need)
{
	if (need <= rx->cap)
		return ERR_OK;
	size_t cap = rx->cap > rx->limit_bytes / 2 ? rx->limit_bytes : rx->cap * 2;
	if (cap < need)
		cap = need;
	uint8_t *body = malloc(cap);
	if (!body)
		return ERR_NOMEM;
	if (rx->body) {
		memcpy(body, rx->body, rx->n);
		secret_wipe(rx->body, rx->cap);
		free(rx->body);
	}
	rx->body = body;
	rx->cap = cap;
	return ERR_OK;
}

static bool size_fits(struct block b, size_t n)
{
	if (b.szx > SZX_MAX || b.num > NUM_MAX)
		return false;
	return b.more ? n == block_size(b.szx) : n <= block_size(b.szx);
}

/* Is it the block that was taken last: where that began, as long, and as final? */
static bool is_repeat(const struct block_rx *rx, struct block b, size_t n)
{
	return offset_of(b) == rx->last && n == rx->n - rx->last && b.more != rx->complete;
}

static void begin(struct block_rx *rx)
{
	rx->n = 0;
	rx->last = 0;
	rx->complete = false;
	rx->active = true;
	rx->expires_ms = UINT64_MAX;
}

static enum block_step drop(struct block_rx *rx, enum block_step why)
{
	block_rx_reset(rx);
	return why;
}

static void append(struct block_rx *rx, struct block b, struct span payload)
{
	size_t at = offset_of(b);

	if (payload.n > 0)
		memcpy(&rx->body[at], payload.p, payload.n);
	rx->last = at;
	rx->n = at + payload.n;
	rx->szx = b.szx;
	rx->complete = !b.more;
}

enum block_step block_rx_take(
	struct block_rx *rx, struct block b, struct span payload, uint64_t now_ms)
{
	if (!size_fits(b, payload.n))
		return drop(rx, BLOCK_INCOMPLETE);
	if (b.num == 0)
		begin(rx);
	if (!rx->active || now_ms >= rx->expires_ms)
		return drop(rx, BLOCK_INCOMPLETE);
	size_t at = offset_of(b);
	bool next = at == rx->n && !rx->complete;
	if (!next && !is_repeat(rx, b, payload.n))
		return drop(rx, BLOCK_INCOMPLETE);
	if (at + payload.n > rx->limit_bytes)
		return drop(rx, BLOCK_TOO_LARGE);
	if (grow(rx, at + payload.n) != ERR_OK)
		return drop(rx, BLOCK_NOMEM);
	append(rx, b, payload);
	rx->expires_ms = now_ms + bearer_timing(BEARER_UDP)->exchange_lifetime_ms;
	return b.more ? BLOCK_MORE : BLOCK_DONE;
}

enum err block_cut(struct span body, struct block *b, struct span *part)
{
	if (b->num > NUM_MAX || b->szx > SZX_MAX)
		return ERR_RANGE;
	size_t at = offset_of(*b);
	if (at >= body.n && at > 0)
		return ERR_RANGE;
	*part = span_sub(body, at, block_size(b->szx));
	b->more = at + part->n < body.n;
	return ERR_OK;
}
