/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of memory an endpoint takes: what loading from storage leaves on the heap, which is what an
 * idle endpoint takes whose exchanges are over. Names of 24 bytes, six links, random 5-byte ids.
 *
 *     memory [ENDPOINTS] */
#include "server/server.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ep_directory dir;
static struct ep_exchange *exchange;
static struct srv *srv;
static uint64_t next_event = 1;

static size_t heap(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static void need(enum err err)
{
	if (!err)
		return;
	fprintf(stderr, "memory: %s\n", err_text(err));
	exit(1);
}

static void open_engines(size_t n)
{
	static const uint8_t seed[32] = {1};
	struct ep_directory_opts d = {.rng = rng_system(),
		.seed = seed,
		.mark_key = seed,
		.endpoints_max = (uint32_t)n,
		.window_width = 32,
		.ssn_block = 64,
		.freshness = EP_FRESH_AUTO};
	need(ep_directory_init(&dir, &d));
	struct ep_exchange_opts x = {
		.directory = &dir, .secret = seed, .dedup_limit_bytes = 1 << 20};
	need(ep_exchange_new(&x, &exchange));
	struct srv_opts s = {.exchange = exchange,
		.next_event = &next_event,
		.nosec_endpoints = "",
		.seed = seed};
	need(srv_new(&s, &srv));
}

static struct ep_context *load_context(struct endpoint *e, uint64_t id, uint8_t role)
{
	static const uint8_t key[16] = {1};
	uint8_t rid[5] = {
		role, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
	struct ep_context *c;
	struct rec_context r = {.id = id,
		.endpoint_id = e->id,
		.role = role,
		.origin = role == REC_ROLE_SERVER ? REC_ORIGIN_DRAWN : REC_ORIGIN_IMPORTED,
		.generation = REC_GEN_USED,
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.sender_id = SPAN_LIT("S"),
		.recipient_id = SPAN_OF(rid),
		.sender_key = SPAN_OF(key),
		.recipient_key = SPAN_OF(key),
		.common_iv = span_make(key, 13),
		.ikm_fingerprint = span_make(rid, 0),
		.ssn_limit = 64,
		.highest = 7,
		.fresh = true};
	uint8_t fingerprint[16] = {0};
	memcpy(fingerprint, &id, sizeof(id));
	r.ikm_fingerprint = SPAN_OF(fingerprint);
	need(ep_load_context(&dir, e, &r, &c));
	return c;
}

static void load_registration(struct endpoint *e, struct ep_context *c, size_t i)
{
	char location[16];
	uint8_t packed[64];
	struct writer w = wr_make(packed, sizeof(packed));
	struct peer p = {
		.bearer = BEARER_UDP, .addr_n = 6, .local_n = 4, .addr = {192, 0, 2, 1, 22, 51}};
	wr_peer_packed(&w, &p);
	snprintf(location, sizeof(location), "%010zu", i);
	struct rec_reg r = {.endpoint_id = e->id,
		.context_id = c->id,
		.location = span_str(location),
		.lifetime_s = 86400,
		.lwm2m = 11,
		.binding = 1,
		.links = SPAN_LIT("</1/0>,</3/0>,</4/0>,</5/0>,</6/0>,</3303/0>"),
		.peer = wr_span(&w),
		.expiry_ms = 86400000};
	need(srv_load_registration(srv, e, c, &r));
}

static struct endpoint *load_endpoint(size_t i)
{
	char name[32];
	struct endpoint *e;
	snprintf(name, sizeof(name), "urn:imei:3537123%08zu", i);
	struct rec_endpoint r = {.id = i * 4 + 1, .name = span_str(name)};
	need(ep_load_endpoint(&dir, &r, &e));
	return e;
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	struct endpoint **e = calloc(n, sizeof(struct endpoint *));
	if (!n || !e)
		return 1;
	open_engines(n);
	size_t empty = heap();
	for (size_t i = 0; i < n; i++) {
		e[i] = load_endpoint(i);
		load_registration(e[i], load_context(e[i], i * 4 + 2, REC_ROLE_SERVER), i);
	}
	size_t registered = heap();
	for (size_t i = 0; i < n; i++)
		load_context(e[i], i * 4 + 3, REC_ROLE_BOOTSTRAP);
	size_t both = heap();
	printf("%zu bytes for a registered, idle OSCORE endpoint (limit 700)\n",
		(registered - empty) / n);
	printf("%zu bytes more for its idle bootstrap context (limit 150)\n",
		(both - registered) / n);
	printf("sizes: endpoint %zu, context %zu\n", sizeof(struct endpoint),
		sizeof(struct ep_context));
	return 0;
}
