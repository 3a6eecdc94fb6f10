/* SPDX-License-Identifier: Apache-2.0 */
/* CPU of what OSCORE does for a message: opening a request of 64 bytes and sealing its answer;
 * finding its context among a million by a random kid; deriving a context and adding it.
 *
 *     oscore [CONTEXTS] */
#include "base/heap.h"
#include "endpoint/endpoint.h"
#include "oscore/protect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAYLOAD = 64, MESSAGES = 300000, LOT = 4000, LOOKUPS = 250 * LOT, ADDS = 30000, RUNS = 5 };

static const uint8_t seed[16] = {1};

static void need(enum err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "oscore: %s: %s\n", what, err_text(err));
	exit(1);
}

static double cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The machine is shared: the best of some runs. */
static void row(const char *what, double us, double aim)
{
	printf("%-44s %12.2f us CPU   aim %.1f\n", what, us, aim);
}

/* ---- a message */

static struct osc_crypto *crypto;
static struct osc_keys device, server;

static void keys(void)
{
	struct osc_params p = {.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.master_secret = SPAN_LIT("0123456789abcdef"),
		.sender_id = SPAN_LIT("devic"),
		.recipient_id = SPAN_LIT("s")};
	need(osc_derive(crypto, &p, &device), "keys");
	p.sender_id = SPAN_LIT("s");
	p.recipient_id = SPAN_LIT("devic");
	need(osc_derive(crypto, &p, &server), "keys");
}

static size_t request(uint8_t out[static 256])
{
	static const uint8_t payload[PAYLOAD];
	uint8_t work[256];
	struct msg m, sealed;
	struct osc_binding b;
	struct writer buf = wr_make(work, sizeof(work)), w = wr_make(out, 256);
	msg_init(&m, MSG_CON, MSG_POST);
	need(msg_add_path(&m, OPT_URI_PATH, "rd/abcdefghij"), "path");
	m.payload = SPAN_OF(payload);
	need(osc_protect_request(crypto, &device, 77, NULL, &m, &buf, &sealed, &b), "protect");
	need(msg_encode_udp(&sealed, &w), "encode");
	return w.n;
}

/* From the datagram to the datagram. */
static void serve(struct span datagram)
{
	static const uint8_t payload[PAYLOAD];
	uint8_t in[256], work[256], out[256];
	struct msg outer, plain, resp, sealed;
	struct osc_option o;
	struct osc_binding b;
	struct writer opened = wr_make(in, sizeof(in)), buf = wr_make(work, sizeof(work)),
		      w = wr_make(out, sizeof(out));
	need(msg_parse_udp(datagram, &outer), "parse");
	need(osc_option_of(&outer, &o), "option");
	need(osc_unprotect_request(crypto, &server, &o, &outer, &opened, &plain, &b), "unprotect");
	msg_init(&resp, MSG_ACK, MSG_CHANGED);
	resp.payload = SPAN_OF(payload);
	need(osc_protect_response(crypto, &server, &b, NULL, &resp, &buf, &sealed), "protect");
	need(msg_encode_udp(&sealed, &w), "encode");
}

static void measure_messages(void)
{
	uint8_t bytes[256];
	double best = 1e9;
	need(osc_crypto_new(&crypto), "crypto");
	keys();
	size_t n = request(bytes);
	for (int run = 0; run < RUNS; run++) {
		double from = cpu_us();
		for (int i = 0; i < MESSAGES; i++)
			serve(span_make(bytes, n));
		double us = (cpu_us() - from) / MESSAGES;
		best = us < best ? us : best;
	}
	row("unprotect and protect, 64 bytes each way", best, 1.3);
	osc_crypto_free(crypto);
}

/* ---- contexts */

static struct ep_directory dir;
static struct endpoint *endpoint;
static struct turn turn;

static void open_directory(size_t n)
{
	struct ep_directory_opts d = {.rng = rng_system(),
		.seed = seed,
		.mark_key = seed,
		.endpoints_max = (uint32_t)n,
		.window_width = 32,
		.ssn_block = 64,
		.freshness = EP_FRESH_AUTO};
	need(ep_directory_init(&dir, &d), "directory");
	turn_init(&turn);
	turn_begin(&turn, 1, 1);
}

static void load(uint64_t id, const uint8_t kid[static 5])
{
	static const uint8_t key[16] = {1};
	uint8_t fingerprint[16] = {0};
	struct ep_context *c;
	char name[32];
	struct rec_endpoint e = {.id = id};
	memcpy(fingerprint, &id, sizeof(id));
	snprintf(name, sizeof(name), "urn:imei:3537123%08llu", (unsigned long long)id);
	e.name = span_str(name);
	need(ep_load_endpoint(&dir, &e, &endpoint), "endpoint");
	struct rec_context r = {.id = id,
		.endpoint_id = id,
		.role = REC_ROLE_SERVER,
		.origin = REC_ORIGIN_DRAWN,
		.generation = REC_GEN_USED,
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256,
		.sender_id = SPAN_LIT("S"),
		.recipient_id = span_make(kid, 5),
		.sender_key = SPAN_OF(key),
		.recipient_key = SPAN_OF(key),
		.common_iv = span_make(key, 13),
		.ikm_fingerprint = SPAN_OF(fingerprint),
		.highest = UINT64_MAX};
	need(ep_load_context(&dir, endpoint, &r, &c), "context");
}

/* Of as many datagrams as a read brings. */
static size_t look_up(uint8_t (*lot)[5], size_t n)
{
	struct ep_context *out[EP_TRIALS];
	struct peer from_peer = {0};
	struct span kids[EP_FETCH_MAX];
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		kids[i] = SPAN_OF(lot[i]);
	if (n > 1)
		ep_context_fetch(&dir, kids, n);
	for (size_t i = 0; i < n; i++)
		found += ep_context_find(&dir, kids[i], NULL, &from_peer, out);
	return found;
}

/* The kids of a lot are drawn before the clock runs: in the daemon they come with the datagram. */
static void measure_lookups(uint8_t (*kid)[5], size_t n, size_t at_once)
{
	static uint8_t lot[LOT][5];
	double best = 1e9;
	size_t found = 0;
	struct rng rng = rng_system();
	for (int run = 0; run < RUNS; run++) {
		double us = 0;
		for (int done = 0; done < LOOKUPS; done += LOT) {
			for (size_t i = 0; i < LOT; i++)
				memcpy(lot[i], kid[rng_u64(&rng) % n], 5);
			double from = cpu_us();
			for (size_t i = 0; i < LOT; i += at_once)
				found += look_up(lot + i, LOT - i < at_once ? LOT - i : at_once);
			us += cpu_us() - from;
		}
		best = us / LOOKUPS < best ? us / LOOKUPS : best;
	}
	if (found < (size_t)LOOKUPS * RUNS) /* two may have one kid */
		need(ERR_NOTFOUND, "a context");
	char what[64];
	snprintf(what, sizeof(what), "context by kid, of %zu, %zu at once", n, at_once);
	row(what, best, 0.3);
}

static void measure_adds(void)
{
	struct rng rng = rng_system();
	double from = cpu_us();
	for (int i = 0; i < ADDS; i++) {
		uint8_t secret[16], kid[5];
		struct ep_context *c;
		rng_fill(&rng, secret, sizeof(secret));
		rng_fill(&rng, kid, sizeof(kid));
		struct ep_context_input in = {.params = {.aead = ALG_AES_CCM_16_64_128,
						      .hkdf = ALG_HKDF_SHA256,
						      .master_secret = SPAN_OF(secret),
						      .sender_id = SPAN_LIT("S"),
						      .recipient_id = SPAN_OF(kid)},
			.role = REC_ROLE_SERVER,
			.origin = REC_ORIGIN_DRAWN,
			.generation = REC_GEN_WRITTEN,
			.highest = UINT64_MAX};
		need(ep_context_add(&dir, endpoint, &in, &turn, &c), "add");
		if (i % 16 == 15)
			turn_begin(&turn, 1, 1);
	}
	row("a new context, derived and added", (cpu_us() - from) / ADDS, 11);
}

int main(int argc, char **argv)
{
	heap_tune(); /* as the daemon does */
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	uint8_t(*kid)[5] = calloc(n ? n : 1, sizeof(*kid));
	struct rng rng = rng_system();
	if (!n || !kid)
		return 1;
	measure_messages();
	open_directory(n);
	rng_fill(&rng, (uint8_t *)kid, n * sizeof(*kid));
	for (size_t i = 0; i < n; i++) {
		heap_grown();
		load(i + 1, kid[i]);
	}
	measure_lookups(kid, n, 1);
	measure_lookups(kid, n, EP_FETCH_MAX);
	measure_adds();
	return 0;
}
