/* SPDX-License-Identifier: Apache-2.0 */
/* What lanyard-device tells: progress for people, events for programs, a summary. */
#ifndef LANYARD_CMD_DEVICE_REPORT_H
#define LANYARD_CMD_DEVICE_REPORT_H

#include "device/device.h"
#include "device/histogram.h"
#include "device/impair.h"

enum device_report_style {
	DEVICE_REPORT_QUIET,
	DEVICE_REPORT_TEXT, /* a sentence an event */
	DEVICE_REPORT_COUNTS,
	DEVICE_REPORT_EVENTS, /* event=NAME endpoint=NAME t=SECONDS ... */
	DEVICE_REPORT_JSON,
};

enum { DEVICE_OPS = DEV_OP_DEREGISTER + 1, DEVICE_EVENTS = DEV_EVENT_STOPPED + 1 };

/* A kind of request, from first to last. */
struct device_operation {
	uint64_t done, failed;
	uint64_t first_us, last_us; /* when the first and the last were done */
	uint32_t code[256];         /* how often it was answered so; [0]: no answer */
	struct dev_histogram latency;
};

struct device_report {
	enum device_report_style style;
	bool json_summary, progress;
	bool lossy;                             /* no answer at all may be the network's */
	const struct dev_host *host;            /* for its counts; NULL: not yet there */
	const struct dev_impair *impair;        /* NULL: none */
	uint64_t start_us, all_registered_us;   /* the latter 0: not yet */
	uint64_t base_bytes;                    /* resident without devices */
	uint64_t received, sent, dropped;       /* datagrams, from the sockets */
	uint64_t unexpected;                    /* answers that should not have come */
	uint64_t progress_us, progress_updates; /* the last line, and what it counted */
	uint32_t devices, registered_ever;
	uint64_t events[DEVICE_EVENTS];
	struct device_operation op[DEVICE_OPS];
	struct dev_histogram notify_ack;
};

void device_report_event(struct device_report *r, const struct dev_event *e, uint64_t now_us);
/* The line of this second, if wanted. */
void device_report_progress(struct device_report *r, uint64_t now_us);
/* Bytes of this process in memory. */
uint64_t device_report_resident(void);

/* device_summary.c */
void device_report_summary(const struct device_report *r, uint64_t now_us);

#endif
