/* SPDX-License-Identifier: Apache-2.0 */
/* How a context lies in memory: made once from keys and ids, read by accessors. */
#include "endpoint/context_pack.h"

#include <stdlib.h>
#include <string.h>

static const struct osc_aead_info *aead(const struct ep_context *c)
{
	return osc_aead_info(c->aead);
}

/* Keys of AES-CCM-16-64-128, ids of 5 and 1 bytes and the fingerprint are 59 bytes: with 93 before
 * them a context takes 160 of the heap, with one more 176. */
_Static_assert(offsetof(struct ep_context, packed) <= 93, "an idle endpoint takes 700 bytes");

static size_t keys_n(const struct osc_aead_info *a)
{
	return 2u * a->key_n + a->nonce_n;
}

static size_t packed_n(const struct ep_context *c)
{
	return (size_t)c->recipient_n + c->sender_n + keys_n(aead(c)) + EP_IKM_BYTES +
	       c->id_context_n;
}

struct span ep_recipient_id(const struct ep_context *c)
{
	return span_make(c->packed, c->recipient_n);
}

struct span ep_sender_id(const struct ep_context *c)
{
	return span_make(c->packed + c->recipient_n, c->sender_n);
}

static const uint8_t *behind_keys(const struct ep_context *c)
{
	return c->packed + c->recipient_n + c->sender_n + keys_n(aead(c));
}

struct span ep_ikm(const struct ep_context *c)
{
	return span_make(behind_keys(c), EP_IKM_BYTES);
}

struct span ep_id_context(const struct ep_context *c)
{
	if (!c->has_id_context)
		return SPAN_EMPTY;
	return span_make(behind_keys(c) + EP_IKM_BYTES, c->id_context_n);
}

void ep_keys(const struct ep_context *c, struct osc_keys *out)
{
	const struct osc_aead_info *a = aead(c);
	const uint8_t *p = c->packed;
	out->recipient_id.n = c->recipient_n;
	memcpy(out->recipient_id.p, p, c->recipient_n);
	p += c->recipient_n;
	out->sender_id.n = c->sender_n;
	memcpy(out->sender_id.p, p, c->sender_n);
	p += c->sender_n;
	memcpy(out->sender_key, p, a->key_n);
	p += a->key_n;
	memcpy(out->recipient_key, p, a->key_n);
	p += a->key_n;
	memcpy(out->common_iv, p, a->nonce_n);
	out->aead = c->aead;
}

enum err ep_context_pack(const struct ep_parts *p, struct ep_context **out)
{
	const struct osc_keys *k = p->keys;
	const struct osc_aead_info *a = osc_aead_info(k->aead);
	if (p->id_context.n > OSC_ID_CONTEXT_MAX)
		return ERR_RANGE;
	size_t n = (size_t)k->recipient_id.n + k->sender_id.n + keys_n(a) + EP_IKM_BYTES +
		   p->id_context.n;
	struct ep_context *c = calloc(1, offsetof(struct ep_context, packed) + n);
	if (!c)
		return ERR_NOMEM;
	c->role = p->role & 3u;
	c->origin = p->origin & 3u;
	c->generation = p->generation & 3u;
	c->ssid = p->ssid;
	c->aead = k->aead & 0x3fu;
	c->recipient_n = k->recipient_id.n & 0xfu;
	c->sender_n = k->sender_id.n & 0xfu;
	c->has_id_context = p->has_id_context;
	c->id_context_n = p->id_context.n & 0x7fu;
	struct writer w = wr_make(c->packed, n);
	wr_bytes(&w, osc_id_span(&k->recipient_id));
	wr_bytes(&w, osc_id_span(&k->sender_id));
	wr_bytes(&w, span_make(k->sender_key, a->key_n));
	wr_bytes(&w, span_make(k->recipient_key, a->key_n));
	wr_bytes(&w, span_make(k->common_iv, a->nonce_n));
	wr_bytes(&w, span_make(p->ikm, EP_IKM_BYTES));
	wr_bytes(&w, p->id_context);
	*out = c;
	return ERR_OK;
}

void ep_context_free(struct ep_context *c)
{
	if (!c)
		return;
	ep_peer_forget(c);
	secret_wipe(c, offsetof(struct ep_context, packed) + packed_n(c));
	free(c);
}
