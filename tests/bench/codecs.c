/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and writing a payload takes: a Device object of 20 values in each format that holds
 * several.
 *
 *     codecs [ROUNDS] */
#include "lwm2m/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAYLOAD_MAX = 2048, DECODE_LIMIT_NS = 2000, BATCHES = 20 };

static const struct lwm_path device = {2, {3, 0}};

#define TEXT(s)                                                                                    \
	{                                                                                          \
		.type = LWM_STRING, .bytes = SPAN_LIT(s)                                           \
	}
#define INT(v)                                                                                     \
	{                                                                                          \
		.type = LWM_INTEGER, .i = v                                                        \
	}

/* The example of Core TS 7.5.6, with the resources of Object 3 that it leaves out. */
static const struct lwm_record records[] = {
	{.path = {3, {3, 0, 0}}, .value = TEXT("Open Mobile Alliance")},
	{.path = {3, {3, 0, 1}}, .value = TEXT("Lightweight M2M Client")},
	{.path = {3, {3, 0, 2}}, .value = TEXT("345000123")},
	{.path = {3, {3, 0, 3}}, .value = TEXT("1.0")},
	{.path = {4, {3, 0, 6, 0}}, .value = INT(1)},
	{.path = {4, {3, 0, 6, 1}}, .value = INT(5)},
	{.path = {4, {3, 0, 7, 0}}, .value = INT(3800)},
	{.path = {4, {3, 0, 7, 1}}, .value = INT(5000)},
	{.path = {4, {3, 0, 8, 0}}, .value = INT(125)},
	{.path = {4, {3, 0, 8, 1}}, .value = INT(900)},
	{.path = {3, {3, 0, 9}}, .value = INT(100)},
	{.path = {3, {3, 0, 10}}, .value = INT(15)},
	{.path = {4, {3, 0, 11, 0}}, .value = INT(0)},
	{.path = {3, {3, 0, 13}}, .value = {.type = LWM_TIME, .i = 1367491215}},
	{.path = {3, {3, 0, 14}}, .value = TEXT("+02:00")},
	{.path = {3, {3, 0, 15}}, .value = TEXT("Europe/Paris")},
	{.path = {3, {3, 0, 16}}, .value = TEXT("U")},
	{.path = {3, {3, 0, 18}}, .value = TEXT("1.2.3")},
	{.path = {3, {3, 0, 20}}, .value = INT(0)},
	{.path = {3, {3, 0, 21}}, .value = INT(256)},
};
enum { RECORDS = sizeof(records) / sizeof(records[0]) };

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "codecs: %s failed\n", what);
	exit(1);
}

static void encode(const struct lwm_format *f, size_t rounds, struct writer *w)
{
	for (size_t i = 0; i < rounds; i++) {
		w->n = 0;
		need(f->encode(records, RECORDS, &device, NULL, w) == ERR_OK, f->name);
	}
}

static void decode(const struct lwm_format *f, size_t rounds, struct writer *w)
{
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < rounds; i++) {
		struct lwm_records r;
		lwm_records_init(&r, &a);
		need(f->decode(wr_span(w), &device, NULL, &r) == ERR_OK && r.n == RECORDS, f->name);
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* The best of some batches, since others share the machine. */
static double best_ns(void (*work)(const struct lwm_format *, size_t, struct writer *),
	const struct lwm_format *f, size_t rounds, struct writer *w)
{
	double best = 0;
	for (int i = 0; i < BATCHES; i++) {
		double from = now_ns();
		work(f, rounds, w);
		double ns = (now_ns() - from) / (double)rounds;
		best = i && best < ns ? best : ns;
	}
	return best;
}

int main(int argc, char **argv)
{
	static const uint16_t formats[] = {
		LWM_CF_TLV, LWM_CF_LWM2M_CBOR, LWM_CF_SENML_CBOR, LWM_CF_SENML_JSON, LWM_CF_JSON};
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	if (!rounds)
		return 1;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		static uint8_t payload[PAYLOAD_MAX];
		struct writer w = wr_make(payload, sizeof(payload));
		const struct lwm_format *f = lwm_format(formats[i]);
		double write_ns = best_ns(encode, f, rounds, &w);
		double read_ns = best_ns(decode, f, rounds, &w);
		printf("%-10s  %zu values in %4zu bytes: %5.0f ns to read, %5.0f ns to write\n",
			f->name, (size_t)RECORDS, w.n, read_ns, write_ns);
	}
	printf("limit: %d ns to read it as senml-cbor\n", DECODE_LIMIT_NS);
	return 0;
}
