/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_report.h"

#include "base/text.h"
#include "coap/msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 2048 };

static void put_path(struct writer *w, const struct lwm_path *p)
{
	wr_path(w, p);
}

static void put_code(struct writer *w, const char *before, uint8_t code)
{
	if (!code)
		return;
	wr_str(w, before);
	wr_code(w, code);
}

static bool has_path(enum dev_event_kind k)
{
	return (k >= DEV_EVENT_BS_DISCOVER && k <= DEV_EVENT_NOTIFY) && k != DEV_EVENT_BS_FINISH;
}

/* Text comes from us or from our own configuration, yet a URI may be the server's. */
static void write_event(
	struct writer *w, const struct device_report *r, const struct dev_event *e, uint64_t now_us)
{
	wr_fmt(w, "event=%s endpoint=", dev_event_name(e->kind, e->op));
	wr_escaped(w, span_str(dev_endpoint(e->dev)));
	wr_fmt(w, " t=%.6f", (double)(now_us - r->start_us) / 1e6);
	if (e->op && e->kind != DEV_EVENT_DONE)
		wr_fmt(w, " op=%s", dev_op_name(e->op));
	put_code(w, " code=", e->code);
	if (has_path(e->kind)) {
		wr_str(w, " path=");
		put_path(w, &e->path);
	}
	if (e->kind == DEV_EVENT_DONE || e->kind == DEV_EVENT_NOTIFY_ACKED)
		wr_fmt(w, " latency_us=%" PRIu64, e->latency_us);
	if (e->text.n) {
		wr_str(w, " text=\"");
		wr_escaped(w, e->text);
		wr_str(w, "\"");
	}
}

static void json_text(struct writer *w, struct span s)
{
	wr_str(w, "\"");
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		if (c == '"' || c == '\\')
			wr_u8(w, '\\');
		if (c < ' ')
			wr_fmt(w, "\\u%04x", c);
		else
			wr_u8(w, c);
	}
	wr_str(w, "\"");
}

static void write_json(
	struct writer *w, const struct device_report *r, const struct dev_event *e, uint64_t now_us)
{
	wr_fmt(w, "{\"event\":\"%s\",\"endpoint\":", dev_event_name(e->kind, e->op));
	json_text(w, span_str(dev_endpoint(e->dev)));
	wr_fmt(w, ",\"t\":%.6f", (double)(now_us - r->start_us) / 1e6);
	if (e->op && e->kind != DEV_EVENT_DONE)
		wr_fmt(w, ",\"op\":\"%s\"", dev_op_name(e->op));
	if (e->code) {
		put_code(w, ",\"code\":\"", e->code);
		wr_str(w, "\"");
	}
	if (has_path(e->kind)) {
		wr_str(w, ",\"path\":\"");
		put_path(w, &e->path);
		wr_str(w, "\"");
	}
	if (e->kind == DEV_EVENT_DONE || e->kind == DEV_EVENT_NOTIFY_ACKED)
		wr_fmt(w, ",\"latency_us\":%" PRIu64, e->latency_us);
	if (e->text.n) {
		wr_str(w, ",\"text\":");
		json_text(w, e->text);
	}
	wr_str(w, "}");
}

static void say_written(struct writer *w, const struct dev_event *e)
{
	if (!e->path.n || e->code != MSG_CHANGED) {
		wr_str(w, "bootstrap: a Write was refused");
		put_code(w, " with ", e->code);
		return;
	}
	wr_fmt(w, "bootstrap: Object %u received%s", e->path.id[0],
		e->path.id[0] == 21 ? " (secret not shown)" : "");
}

static void say_done(struct writer *w, const struct dev_event *e)
{
	double ms = (double)e->latency_us / 1000;
	switch (e->op) {
	case DEV_OP_NONE:
		break;
	case DEV_OP_BOOTSTRAP:
		wr_fmt(w, "bootstrap: accepted after %.1f ms", ms);
		break;
	case DEV_OP_PACK:
		wr_fmt(w,
			"bootstrap: all of it received as a Pack after %.1f ms (secrets not shown)",
			ms);
		break;
	case DEV_OP_REGISTER:
		wr_fmt(w, "registered after %.1f ms", ms);
		break;
	case DEV_OP_UPDATE:
		wr_fmt(w, "updated after %.1f ms", ms);
		break;
	case DEV_OP_DEREGISTER:
		wr_fmt(w, "de-registered after %.1f ms", ms);
		break;
	}
}

static void say_failed(struct writer *w, const struct dev_event *e)
{
	wr_fmt(w, "%s failed: ", dev_op_name(e->op));
	wr_escaped(w, e->text);
	put_code(w, ", ", e->code);
}

static void say_on_path(struct writer *w, const struct dev_event *e)
{
	static const char *const verbs[DEVICE_EVENTS] = {
		[DEV_EVENT_READ] = "read",
		[DEV_EVENT_WRITE] = "write",
		[DEV_EVENT_EXECUTE] = "execute",
		[DEV_EVENT_DISCOVER] = "discover",
		[DEV_EVENT_ATTRIBUTES] = "write attributes of",
		[DEV_EVENT_CREATE] = "create",
		[DEV_EVENT_DELETE] = "delete",
		[DEV_EVENT_OBSERVE] = "observe",
		[DEV_EVENT_OBSERVE_END] = "observation ended:",
		[DEV_EVENT_NOTIFY] = "notify",
	};
	wr_fmt(w, "%s ", verbs[e->kind]);
	put_path(w, &e->path);
	put_code(w, ": ", e->code);
}

/* What needs no words of its own from the event; a missing one has a case below, or says nothing
 * that another line does not. */
static const char *const sentences[DEVICE_EVENTS] = {
	[DEV_EVENT_BS_DISCOVER] = "bootstrap: told the server what is there",
	[DEV_EVENT_NOTIFY_ACKED] = "notification acknowledged",
	[DEV_EVENT_REBOOT] = "rebooting",
	[DEV_EVENT_DUPLICATE] = "answered a copy of a request again",
	[DEV_EVENT_CHALLENGE] = "challenged the server with Echo",
	[DEV_EVENT_RECOVERED] = "new keys by RFC 8613 Appendix B.2",
	[DEV_EVENT_MISSED] = "missed a message, asleep",
	[DEV_EVENT_STOPPED] = "stopped",
};

static void say_bootstrap(struct writer *w, const struct dev_event *e)
{
	if (e->kind == DEV_EVENT_BS_READ) {
		wr_str(w, "bootstrap: read ");
		put_path(w, &e->path);
		put_code(w, ": ", e->code);
	} else if (e->kind == DEV_EVENT_BS_DELETE) {
		wr_str(w, "bootstrap: deleted ");
		put_path(w, &e->path);
	} else if (e->kind == DEV_EVENT_BS_WRITE) {
		say_written(w, e);
	} else if (e->code == MSG_CHANGED) {
		wr_str(w, "bootstrap: finished, OSCORE context derived");
	} else {
		wr_str(w, "bootstrap: Finish refused, the account is incomplete");
	}
}

static void write_text(struct writer *w, const struct dev_event *e)
{
	if (sentences[e->kind])
		wr_str(w, sentences[e->kind]);
	else if (e->kind >= DEV_EVENT_READ && e->kind <= DEV_EVENT_NOTIFY)
		say_on_path(w, e);
	else if (e->kind >= DEV_EVENT_BS_READ && e->kind <= DEV_EVENT_BS_FINISH)
		say_bootstrap(w, e);
	else if (e->kind == DEV_EVENT_DONE)
		say_done(w, e);
	else if (e->kind == DEV_EVENT_FAILED)
		say_failed(w, e);
	else if (e->kind == DEV_EVENT_CHALLENGED)
		wr_fmt(w, "%s: Echo challenge answered", dev_op_name(e->op));
	else if (e->kind == DEV_EVENT_FIRMWARE) {
		wr_str(w, "firmware received: ");
		wr_escaped(w, e->text);
	} else if (e->kind == DEV_EVENT_CONNECT || e->kind == DEV_EVENT_REFUSED) {
		wr_str(w, e->kind == DEV_EVENT_REFUSED ? "refused a request: "
			  : e->op == DEV_OP_BOOTSTRAP  ? "bootstrap: connecting to "
						       : "registration: connecting to ");
		wr_escaped(w, e->text);
	}
}

static void print_line(const struct writer *w)
{
	if (w->n)
		printf("%.*s\n", (int)w->n, (const char *)w->p);
}

/* A server that is told to try later, or that is restarted, says 5.03; everything else that is not
 * success should not have come, nor should silence without a network that loses. */
static bool is_unexpected(const struct device_report *r, const struct dev_event *e)
{
	return e->code ? e->code != MSG_UNAVAILABLE : !r->lossy;
}

static void count_event(struct device_report *r, const struct dev_event *e, uint64_t now_us)
{
	struct device_operation *o = &r->op[e->op];
	r->events[e->kind]++;
	if (e->kind == DEV_EVENT_DONE) {
		o->first_us = o->done++ ? o->first_us : now_us;
		o->last_us = now_us;
		o->code[e->code]++;
		dev_histogram_add(&o->latency, e->latency_us);
	} else if (e->kind == DEV_EVENT_FAILED) {
		o->failed++;
		o->code[e->code]++;
		r->unexpected += is_unexpected(r, e);
	} else if (e->kind == DEV_EVENT_NOTIFY_ACKED) {
		dev_histogram_add(&r->notify_ack, e->latency_us);
	}
}

void device_report_event(struct device_report *r, const struct dev_event *e, uint64_t now_us)
{
	uint8_t line[LINE];
	count_event(r, e, now_us);
	struct writer w = wr_make(line, sizeof(line));
	switch (r->style) {
	case DEVICE_REPORT_QUIET:
	case DEVICE_REPORT_COUNTS:
		return;
	case DEVICE_REPORT_TEXT:
		write_text(&w, e);
		break;
	case DEVICE_REPORT_EVENTS:
		write_event(&w, r, e, now_us);
		break;
	case DEVICE_REPORT_JSON:
		write_json(&w, r, e, now_us);
		break;
	}
	print_line(&w);
}

void device_report_progress(struct device_report *r, uint64_t now_us)
{
	if (!r->progress || !r->host)
		return;
	const struct dev_host_stats *h = dev_host_stats(r->host);
	uint64_t updates = r->op[DEV_OP_UPDATE].done, failures = 0;
	double passed_s = (double)(now_us - r->progress_us) / 1e6;
	for (int op = DEV_OP_BOOTSTRAP; op < DEVICE_OPS; op++)
		failures += r->op[op].failed;
	fprintf(stderr,
		"%6.1f s: %u of %u registered, %u in flight, %u waiting, %.0f updates/s, "
		"%" PRIu64 " notifications, %" PRIu64 " sent again, %" PRIu64 " failures\n",
		(double)(now_us - r->start_us) / 1e6, h->registered, r->devices, h->in_flight,
		h->queued,
		r->progress_us && passed_s > 0 ? (double)(updates - r->progress_updates) / passed_s
					       : 0,
		r->events[DEV_EVENT_NOTIFY], h->retransmitted, failures);
	r->progress_us = now_us;
	r->progress_updates = updates;
}

uint64_t device_report_resident(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
