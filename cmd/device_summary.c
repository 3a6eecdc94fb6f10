/* SPDX-License-Identifier: Apache-2.0 */
/* The last words: a table for people, or one JSON object. */
#include "base/text.h"
#include "cmd/device_report.h"
#include "coap/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double ms(const struct dev_histogram *h, unsigned permille)
{
	return (double)dev_histogram_us(h, permille) / 1000;
}

/* From the first to the last of them; nothing can be said of a single one. */
static double per_second(const struct device_operation *o)
{
	uint64_t us = o->last_us - o->first_us;
	return us ? (double)(o->done - 1) * 1e6 / (double)us : 0;
}

static const char *code_text(unsigned code, char text[static 8])
{
	if (!code)
		return "none";
	struct writer w = wr_make(text, 7);
	wr_code(&w, (uint8_t)code);
	text[w.n] = 0;
	return text;
}

static uint64_t bytes_per_device(const struct device_report *r, uint64_t resident)
{
	return r->devices && resident > r->base_bytes ? (resident - r->base_bytes) / r->devices : 0;
}

static void json_latency(const struct dev_histogram *h)
{
	if (h->count)
		printf(",\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,"
		       "\"max_ms\":%.3f",
			ms(h, 500), ms(h, 900), ms(h, 990), ms(h, 999), ms(h, 1000));
}

static void json_operation(enum dev_op op, const struct device_operation *o)
{
	const char *comma = "";
	char text[8];
	printf(",\"%s\":{\"done\":%" PRIu64 ",\"failed\":%" PRIu64
	       ",\"per_second\":%.1f,\"codes\":{",
		dev_op_name(op), o->done, o->failed, per_second(o));
	for (unsigned c = 0; c < 256; c++) {
		if (!o->code[c])
			continue;
		printf("%s\"%s\":%u", comma, code_text(c, text), o->code[c]);
		comma = ",";
	}
	printf("}");
	json_latency(&o->latency);
	printf("}");
}

static void json_network(const struct device_report *r)
{
	printf(",\"datagrams\":{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"dropped\":%" PRIu64
	       "}",
		r->sent, r->received, r->dropped);
	if (!r->impair)
		return;
	const struct dev_impair_stats *s = dev_impair_stats(r->impair);
	printf(",\"network\":{\"lost\":%" PRIu64 ",\"duplicated\":%" PRIu64
	       ",\"reordered\":%" PRIu64 ",\"delayed\":%" PRIu64 "}",
		s->lost, s->duplicated, s->reordered, s->delayed);
}

static void json_events(const struct device_report *r)
{
	for (int k = DEV_EVENT_CHALLENGED; k < DEVICE_EVENTS; k++) {
		if (k != DEV_EVENT_DONE && k != DEV_EVENT_FAILED && k != DEV_EVENT_NOTIFY_ACKED)
			printf(",\"%s\":%" PRIu64,
				dev_event_name((enum dev_event_kind)k, DEV_OP_NONE), r->events[k]);
	}
	printf(",\"notify-acked\":{\"done\":%" PRIu64, r->notify_ack.count);
	json_latency(&r->notify_ack);
	printf("}");
}

static double since_start(const struct device_report *r, uint64_t us)
{
	return us > r->start_us ? (double)(us - r->start_us) / 1e6 : 0;
}

static void summary_json(const struct device_report *r, uint64_t now_us)
{
	static const struct dev_host_stats none;
	const struct dev_host_stats *h = r->host ? dev_host_stats(r->host) : &none;
	struct rusage u;
	uint64_t resident = device_report_resident();
	getrusage(RUSAGE_SELF, &u);
	printf("{\"event\":\"summary\",\"t\":%.6f,\"devices\":%u,\"registered\":%u",
		since_start(r, now_us), r->devices, r->registered_ever);
	if (r->all_registered_us)
		printf(",\"all_registered_s\":%.3f", since_start(r, r->all_registered_us));
	printf(",\"unexpected\":%" PRIu64 ",\"retransmitted\":%" PRIu64 ",\"lost\":%" PRIu64,
		r->unexpected, h->retransmitted, h->lost);
	for (int op = DEV_OP_BOOTSTRAP; op < DEVICE_OPS; op++)
		json_operation((enum dev_op)op, &r->op[op]);
	json_events(r);
	json_network(r);
	printf(",\"resident_bytes\":%" PRIu64 ",\"bytes_per_device\":%" PRIu64
	       ",\"cpu_user_s\":%.2f,\"cpu_system_s\":%.2f}\n",
		resident, bytes_per_device(r, resident), seconds(&u.ru_utime),
		seconds(&u.ru_stime));
}

static void text_latency(const struct dev_histogram *h)
{
	if (h->count)
		printf("; ms: p50 %.1f, p90 %.1f, p99 %.1f, p99.9 %.1f, max %.1f", ms(h, 500),
			ms(h, 900), ms(h, 990), ms(h, 999), ms(h, 1000));
	printf("\n");
}

static void text_operation(enum dev_op op, const struct device_operation *o)
{
	const char *before = " (";
	char text[8];
	if (!o->done && !o->failed)
		return;
	printf("  %-11s %" PRIu64 " done, %" PRIu64 " failed", dev_op_name(op), o->done, o->failed);
	for (unsigned c = 0; c < 256 && o->failed; c++) {
		if (!o->code[c])
			continue;
		printf("%s%s: %u", before, code_text(c, text), o->code[c]);
		before = ", ";
	}
	printf("%s, %.0f/s", o->failed ? ")" : "", per_second(o));
	text_latency(&o->latency);
}

static void text_network(const struct device_report *r)
{
	const struct dev_host_stats *h = dev_host_stats(r->host);
	printf("  messages    %" PRIu64 " datagrams sent, %" PRIu64 " received; %" PRIu64
	       " sent again, %" PRIu64 " never answered, %" PRIu64 " dropped here\n",
		r->sent, r->received, h->retransmitted, h->lost, r->dropped);
	if (!r->impair)
		return;
	const struct dev_impair_stats *s = dev_impair_stats(r->impair);
	printf("  network     %" PRIu64 " lost, %" PRIu64 " doubled, %" PRIu64
	       " overtaken, %" PRIu64 " delayed\n",
		s->lost, s->duplicated, s->reordered, s->delayed);
}

static void text_process(const struct device_report *r)
{
	struct rusage u;
	uint64_t resident = device_report_resident();
	getrusage(RUSAGE_SELF, &u);
	printf("  process     %.1f s of CPU (%.1f user), %.1f MB, %" PRIu64 " bytes a device\n",
		seconds(&u.ru_utime) + seconds(&u.ru_stime), seconds(&u.ru_utime),
		(double)resident / 1e6, bytes_per_device(r, resident));
}

static void summary_text(const struct device_report *r, uint64_t now_us)
{
	const uint64_t *n = r->events;
	printf("summary: %u of %u endpoints registered in %.1f s\n", r->registered_ever, r->devices,
		since_start(r, r->all_registered_us ? r->all_registered_us : now_us));
	for (int op = DEV_OP_BOOTSTRAP; op < DEVICE_OPS; op++)
		text_operation((enum dev_op)op, &r->op[op]);
	printf("  served      %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " executes, %" PRIu64
	       " notifications sent, %" PRIu64 " acknowledged",
		n[DEV_EVENT_READ], n[DEV_EVENT_WRITE], n[DEV_EVENT_EXECUTE], n[DEV_EVENT_NOTIFY],
		r->notify_ack.count);
	text_latency(&r->notify_ack);
	printf("  protection  %" PRIu64 " Echo challenges answered, %" PRIu64 " made, %" PRIu64
	       " requests refused, %" PRIu64 " copies answered, %" PRIu64 " unexpected answers\n",
		n[DEV_EVENT_CHALLENGED], n[DEV_EVENT_CHALLENGE], n[DEV_EVENT_REFUSED],
		n[DEV_EVENT_DUPLICATE], r->unexpected);
	if (!r->host)
		return;
	text_network(r);
	text_process(r);
}

void device_report_summary(const struct device_report *r, uint64_t now_us)
{
	if (r->json_summary)
		summary_json(r, now_us);
	else
		summary_text(r, now_us);
	fflush(stdout);
}
