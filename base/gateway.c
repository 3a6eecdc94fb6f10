/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gateway.h"

#include <string.h>

static const char *const kind_names[GATEWAY_KINDS] = {
	"none", "sms", "lorawan", "nidd", "ble", "other"};

/* The exchange lifetime is the transmit span, and as long again as for UDP; LoRaWAN's is a day, for
 * a device of class A is heard of when it likes. */
static const struct bearer_timing usual[GATEWAY_KINDS] = {
	[GATEWAY_SMS] = {.ack_timeout_ms = 600 * 1000,
		.ack_random_permille = 1000,
		.exchange_lifetime_ms = 24 * 3600 * 1000,
		.response_wait_ms = 3600 * 1000,
		.mtu_bytes = 140,
		.nstart = 1},
	[GATEWAY_LORAWAN] = {.ack_timeout_ms = 300 * 1000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 24 * 3600 * 1000,
		.response_wait_ms = 3600 * 1000,
		.mtu_bytes = 51,
		.nstart = 1},
	[GATEWAY_NIDD] = {.ack_timeout_ms = 30 * 1000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 1800 * 1000,
		.response_wait_ms = 1800 * 1000,
		.mtu_bytes = 1280,
		.nstart = 1},
	[GATEWAY_BLE] = {.ack_timeout_ms = 10 * 1000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 435 * 1000,
		.response_wait_ms = 435 * 1000,
		.mtu_bytes = 512,
		.nstart = 1},
	[GATEWAY_OTHER] = {.ack_timeout_ms = 10 * 1000,
		.ack_random_permille = 1500,
		.max_retransmit = 4,
		.exchange_lifetime_ms = 435 * 1000,
		.response_wait_ms = 435 * 1000,
		.mtu_bytes = 1280,
		.nstart = 1},
};

const char *gateway_kind_name(unsigned kind)
{
	return kind_names[kind < GATEWAY_KINDS ? kind : GATEWAY_NONE];
}

enum gateway_kind gateway_kind_of(struct span name)
{
	for (unsigned i = GATEWAY_NONE + 1; i < GATEWAY_KINDS; i++)
		if (span_eq_str(name, kind_names[i]))
			return (enum gateway_kind)i;
	return GATEWAY_NONE;
}

/* FNV-1a, folded. It is stored: it must stay as it is. */
uint16_t gateway_number(const char *name)
{
	uint32_t h = UINT32_C(2166136261);

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * UINT32_C(16777619);
	return (uint16_t)(GATEWAY_NUMBERS | ((h ^ h >> 15) & (GATEWAY_NUMBERS - 1)));
}

struct bearer_timing gateway_timing_usual(enum gateway_kind kind)
{
	return usual[kind];
}

/* RFC 7252 section 4.8.2: MAX_TRANSMIT_SPAN, which must not outlive the exchange. */
static uint64_t span_ms(const struct bearer_timing *t)
{
	return (uint64_t)t->ack_timeout_ms * ((UINT64_C(1) << t->max_retransmit) - 1) *
	       t->ack_random_permille / 1000;
}

static void set_pace(struct bearer_timing *t, const struct gateway_pace *p)
{
	enum { LATENCY_MS = 200 * 1000 };

	if (p->mtu_bytes)
		t->mtu_bytes = p->mtu_bytes;
	if (p->ack_timeout_ms)
		t->ack_timeout_ms = p->ack_timeout_ms;
	if (p->response_wait_ms)
		t->response_wait_ms = p->response_wait_ms;
	if (p->max_retransmit)
		t->max_retransmit = p->max_retransmit - 1U;
	uint64_t life = span_ms(t) + LATENCY_MS + t->ack_timeout_ms;
	if (life > UINT32_MAX)
		life = UINT32_MAX;
	if (t->exchange_lifetime_ms < life)
		t->exchange_lifetime_ms = (uint32_t)life;
}

enum err gateway_timings_add(
	struct gateway_timings *t, uint16_t number, const struct gateway_pace *p)
{
	if (t->n == GATEWAYS_MAX)
		return ERR_LIMIT;
	t->gateway[t->n].number = number;
	for (unsigned k = GATEWAY_NONE + 1; k < GATEWAY_KINDS; k++) {
		t->gateway[t->n].kind[k] = usual[k];
		set_pace(&t->gateway[t->n].kind[k], p);
	}
	t->n++;
	return ERR_OK;
}

const struct bearer_timing *gateway_timing(const struct gateway_timings *t, const struct peer *p)
{
	enum gateway_kind kind = gateway_kind_at(p);

	if (!kind)
		return bearer_timing((enum bearer)p->bearer);
	for (size_t i = 0; t && i < t->n; i++)
		if (t->gateway[i].number == p->listener)
			return &t->gateway[i].kind[kind];
	return &usual[kind];
}
