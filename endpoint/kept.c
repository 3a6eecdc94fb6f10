/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of ours that are longer than a message: kept whole, and fetched block by block (RFC 7959
 * section 2.4). The same bytes to the last block, whatever has changed since: a second answer may
 * hold other keys. */
#include "endpoint/exchange_impl.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES_MAX = 16 << 20, ETAG_BYTES = 8 };

struct ep_kept {
	uint8_t key[16]; /* ep_body_key of what it answers */
	uint8_t etag[ETAG_BYTES];
	uint64_t expires_ms;
	uint32_t content_format;
	bool has_content_format;
	bool fetched; /* to its end: who asks from the start again wants another */
	uint8_t code;
	size_t n;
	uint8_t body[];
};

void ep_kept_free(struct ep_exchange *x, struct ep_conversation *v)
{
	struct ep_kept *k = v->kept;
	if (!k)
		return;
	x->kept_bytes -= k->n;
	secret_wipe(k, sizeof(*k) + k->n);
	free(k);
	v->kept = NULL;
}

void ep_respond_forget(struct ep_exchange *x, struct ep_context *c)
{
	if (c->conv)
		ep_kept_free(x, c->conv);
}

static void touch(const struct ep_exchange *x, struct ep_kept *k, const struct ep_delivery *d,
	uint64_t now_ms)
{
	k->expires_ms = now_ms + gateway_timing(x->opts.gateways, &d->from)->exchange_lifetime_ms;
}

static enum err keep(
	struct ep_exchange *x, const struct ep_delivery *d, const struct msg *resp, uint64_t now_ms)
{
	struct span body = resp->payload;
	ep_kept_free(x, d->conv);
	if (body.n > EP_KEPT_MAX)
		return ERR_SPACE;
	if (x->kept_bytes + body.n > KEPT_BYTES_MAX)
		return ERR_LIMIT;
	struct ep_kept *k = calloc(1, sizeof(*k) + body.n);
	if (!k)
		return ERR_NOMEM;
	ep_body_key(x, d->msg, k->key);
	rng_fill(&x->dir->rng, k->etag, sizeof(k->etag));
	k->has_content_format = msg_get_uint(resp, OPT_CONTENT_FORMAT, &k->content_format);
	k->code = resp->code;
	k->n = body.n;
	memcpy(k->body, body.p, body.n);
	touch(x, k, d, now_ms);
	x->kept_bytes += k->n;
	d->conv->kept = k;
	return ERR_OK;
}

/* Puts block b of it into an answer that has nothing but its Content-Format. ERR_RANGE: there is no
 * such block. */
static enum err cut(struct ep_kept *k, struct block b, struct msg *resp)
{
	enum err err = block_cut(span_make(k->body, k->n), &b, &resp->payload);
	if (!err)
		err = msg_add(resp, OPT_ETAG, SPAN_OF(k->etag));
	if (!err)
		err = block_add(resp, OPT_BLOCK2, b);
	if (!err && !b.num)
		err = msg_add_uint(resp, OPT_SIZE2, (uint32_t)k->n);
	if (!err && !b.more)
		k->fetched = true;
	return err;
}

/* The head of an answer of which a first block is the payload, beside that and its own options. */
static size_t around(struct ep_exchange *x, const struct ep_delivery *d, struct msg *resp)
{
	enum { HEAD = 4, MARKERS = 2, NUMBER = 8, BLOCK = 5, ETAG = 10, SIZE = 5 };
	struct writer w = wr_make(x->in, sizeof(x->in));
	struct span payload = resp->payload;
	resp->payload = SPAN_EMPTY;
	enum err err = msg_encode_inner(resp, &w);
	resp->payload = payload;
	if (err)
		return SIZE_MAX / 2;
	size_t sealed = d->ctx ? NUMBER + osc_aead_info(d->ctx->aead)->tag_n : 0;
	return (size_t)HEAD + x->outer.token_n + MARKERS + sealed + w.n + BLOCK + ETAG + SIZE;
}

/* By a gateway the answer with its first block has to fit; below the smallest one it does not. */
static uint8_t size_that_fits(
	struct ep_exchange *x, const struct ep_delivery *d, struct msg *resp, uint8_t szx)
{
	size_t longest = ep_longest_to(x, d->endpoint, &d->from);
	if (longest == SIZE_MAX)
		return szx;
	size_t used = around(x, d, resp);
	while (szx && used + block_size(szx) > longest)
		szx--;
	return szx;
}

/* The size of a first block: as the endpoint's are, or smaller where that is asked for. */
static uint8_t first_size(const struct ep_exchange *x, const struct ep_delivery *d)
{
	struct pace pace = ep_pace_of(x, d->endpoint, &d->from);
	uint8_t szx = block_szx_for(pace.block_bytes);
	return d->has_block2 && d->block2.szx < szx ? d->block2.szx : szx;
}

enum err ep_kept_cut(
	struct ep_exchange *x, const struct ep_delivery *d, struct msg *resp, uint64_t now_ms)
{
	struct block b = {.szx = size_that_fits(x, d, resp, first_size(x, d))};
	if (resp->payload.n <= block_size(b.szx) || msg_find(resp, OPT_BLOCK2))
		return ERR_OK;
	enum err err = keep(x, d, resp, now_ms);
	return err ? err : cut(d->conv->kept, b, resp);
}

static void serve(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	struct ep_kept *k = d->conv->kept;
	struct block b = d->block2;
	struct msg m;
	touch(x, k, d, t->now_ms);
	msg_init(&m, MSG_ACK, k->code);
	enum err err = k->has_content_format
			       ? msg_add_uint(&m, OPT_CONTENT_FORMAT, k->content_format)
			       : ERR_OK;
	if (!b.num)
		b.szx = size_that_fits(x, d, &m, first_size(x, d));
	if (!err)
		err = cut(k, b, &m);
	if (err) {
		ep_refused(x, d, d->endpoint, EP_REASON_BAD_BLOCK, t);
		msg_init(&m, MSG_ACK, MSG_BAD_REQUEST);
	}
	ep_respond(x, d, &m, t);
}

bool ep_kept_serve(struct ep_exchange *x, struct turn *t, struct ep_delivery *d)
{
	uint8_t key[16];
	enum err err = block_get(d->msg, OPT_BLOCK2, &d->block2);
	if (err && err != ERR_NOTFOUND) {
		ep_refused(x, d, d->endpoint, EP_REASON_BAD_BLOCK, t);
		ep_respond_code(x, d, MSG_BAD_OPTION, t);
		return true;
	}
	d->has_block2 = !err;
	if (d->conv->kept && t->now_ms >= d->conv->kept->expires_ms)
		ep_kept_free(x, d->conv);
	struct ep_kept *k = d->conv->kept;
	if (!k || (!d->block2.num && k->fetched))
		return false;
	ep_body_key(x, d->msg, key);
	if (memcmp(key, k->key, sizeof(key)))
		return false;
	serve(x, t, d);
	return true;
}
