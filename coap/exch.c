/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/exch.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(struct exch, timer) == 0, "exch_of_timer relies on it");

enum { MID_BYTES = 2, KEY_BYTES = MID_BYTES + sizeof(struct peer) };

/* RFC 7641 section 3.4 */
enum { OBSERVE_HALF = 1 << 23, OBSERVE_FRESH_MS = 128 * 1000 };

static struct span mid_key(const void *item)
{
	const struct exch *x = item;

	return SPAN_OF(x->key);
}

static struct span token_key(const void *item)
{
	const struct exch *x = item;

	return (struct span){x->token, x->token_n};
}

static void make_key(uint8_t key[static KEY_BYTES], const struct peer *peer, uint16_t mid)
{
	key[0] = (uint8_t)(mid >> 8);
	key[1] = (uint8_t)mid;
	memcpy(&key[MID_BYTES], peer, sizeof(*peer));
}

void exch_peer(const struct exch *x, struct peer *out)
{
	memcpy(out, &x->key[MID_BYTES], sizeof(*out));
}

static const struct bearer_timing *timing_of(const struct exch_table *t, const struct exch *x)
{
	struct peer peer;

	exch_peer(x, &peer);
	return gateway_timing(t->gateways, &peer);
}

void exch_table_init(struct exch_table *t, struct wheel *w, const uint8_t seed[static 16])
{
	map_init(&t->by_mid, mid_key, seed);
	map_init(&t->by_token, token_key, seed);
	t->wheel = w;
	t->gateways = NULL;
}

void exch_table_fini(struct exch_table *t)
{
	map_fini(&t->by_mid);
	map_fini(&t->by_token);
}

/* Streams have no Message IDs (RFC 8323 section 3.2), so there is nothing to find them by. */
static bool has_mid(const struct exch_table *t, const struct exch *x)
{
	return !timing_of(t, x)->reliable;
}

/* ACK_TIMEOUT to ACK_TIMEOUT * ACK_RANDOM_FACTOR, both ends included. */
static uint32_t first_timeout(const struct bearer_timing *timing, const struct rng *rng)
{
	uint64_t base = timing->ack_timeout_ms;
	uint64_t spread = base * (timing->ack_random_permille - 1000) / 1000;

	return (uint32_t)(base + rng_u64(rng) % (spread + 1));
}

static void fill(struct exch *x, const struct peer *to, const struct msg *m, bool wants_reply)
{
	*x = (struct exch){.wants_reply = wants_reply, .token_n = m->token_n};
	memcpy(x->token, m->token, m->token_n);
	make_key(x->key, to, m->mid);
}

static enum err enter(struct exch_table *t, struct exch *x)
{
	enum err err = has_mid(t, x) ? map_put(&t->by_mid, x) : ERR_OK;

	if (err != ERR_OK || !x->wants_reply)
		return err;
	err = map_put(&t->by_token, x);
	if (err != ERR_OK && has_mid(t, x))
		map_del(&t->by_mid, mid_key(x));
	return err;
}

/* Only a CON over an unreliable bearer is sent again; anything else just waits for its reply. */
static void arm(struct exch_table *t, struct exch *x, bool confirmable, uint64_t now_ms,
	const struct rng *rng)
{
	const struct bearer_timing *timing = timing_of(t, x);

	x->acked = timing->reliable || !confirmable;
	x->timeout_ms = x->acked ? timing->response_wait_ms : first_timeout(timing, rng);
	wheel_add(t->wheel, &x->timer, now_ms + x->timeout_ms);
}

enum err exch_start(struct exch_table *t, struct exch *x, const struct peer *to,
	const struct msg *m, struct span datagram, bool wants_reply, uint64_t now_ms,
	const struct rng *rng)
{
	uint8_t *bytes = malloc(datagram.n);

	assert(datagram.n > 0 && m->token_n <= MSG_TOKEN_MAX);
	if (!bytes)
		return ERR_NOMEM;
	fill(x, to, m, wants_reply);
	enum err err = enter(t, x);
	if (err != ERR_OK) {
		free(bytes);
		return err;
	}
	memcpy(bytes, datagram.p, datagram.n);
	x->bytes = bytes;
	x->n = datagram.n;
	arm(t, x, m->type == MSG_CON, now_ms, rng);
	return ERR_OK;
}

void exch_pace(struct exch_table *t, struct exch *x, uint32_t ack_timeout_ms,
	uint8_t max_retransmit, uint64_t now_ms)
{
	uint32_t usual_ms = timing_of(t, x)->ack_timeout_ms;

	if (max_retransmit)
		x->max_retransmit = (uint8_t)(max_retransmit + 1);
	if (!ack_timeout_ms || x->acked)
		return;
	uint64_t timeout_ms = (uint64_t)x->timeout_ms * ack_timeout_ms / usual_ms;
	x->timeout_ms = timeout_ms ? (uint32_t)timeout_ms : 1;
	wheel_add(t->wheel, &x->timer, now_ms + x->timeout_ms);
}

void exch_stop(struct exch_table *t, struct exch *x)
{
	if (!x->bytes)
		return;
	wheel_del(t->wheel, &x->timer);
	if (has_mid(t, x))
		map_del(&t->by_mid, mid_key(x));
	if (x->wants_reply)
		map_del(&t->by_token, token_key(x));
	free(x->bytes);
	x->bytes = NULL;
	x->n = 0;
}

struct exch *exch_by_mid(const struct exch_table *t, const struct peer *from, uint16_t mid)
{
	uint8_t key[KEY_BYTES];

	make_key(key, from, mid);
	return map_get(&t->by_mid, SPAN_OF(key));
}

struct exch *exch_by_token(const struct exch_table *t, struct span token)
{
	return map_get(&t->by_token, token);
}

void exch_acked(struct exch_table *t, struct exch *x, uint64_t now_ms)
{
	if (x->acked)
		return;
	x->acked = true;
	if (x->wants_reply)
		wheel_add(t->wheel, &x->timer, now_ms + timing_of(t, x)->response_wait_ms);
	else
		wheel_del(t->wheel, &x->timer);
}

enum exch_due exch_timer(struct exch_table *t, struct exch *x, uint64_t now_ms)
{
	uint32_t max = x->max_retransmit ? x->max_retransmit - 1U : timing_of(t, x)->max_retransmit;

	if (x->acked || x->retransmits >= max)
		return EXCH_TIMEOUT;
	x->retransmits++;
	x->timeout_ms *= 2;
	wheel_add(t->wheel, &x->timer, now_ms + x->timeout_ms);
	return EXCH_RETRANSMIT;
}

bool observe_newer(uint32_t v1, uint64_t t1_ms, uint32_t v2, uint64_t t2_ms)
{
	return (v1 < v2 && v2 - v1 < OBSERVE_HALF) || (v1 > v2 && v1 - v2 > OBSERVE_HALF) ||
	       t2_ms > t1_ms + OBSERVE_FRESH_MS;
}
