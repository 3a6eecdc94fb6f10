/* SPDX-License-Identifier: Apache-2.0 */
/* What lanyard-device tells: progress for people, events for programs, a summary. */
#ifndef LANYARD_CMD_DEVICE_REPORT_H
#define LANYARD_CMD_DEVICE_REPORT_H

#include "device/device.h"

enum device_report_style {
	DEVICE_REPORT_QUIET,
	DEVICE_REPORT_TEXT,   /* a sentence an event */
	DEVICE_REPORT_COUNTS, /* a line a second */
	DEVICE_REPORT_EVENTS, /* event=NAME endpoint=NAME t=SECONDS ... */
	DEVICE_REPORT_JSON,
};

enum { DEVICE_OPS = DEV_OP_DEREGISTER + 1, DEVICE_EVENTS = DEV_EVENT_STOPPED + 1 };

/* A histogram of latencies: 16 steps for each power of two, so that a value is off by 6 % at most.
 */
enum { DEVICE_STEPS = 16, DEVICE_BUCKETS = 64 * DEVICE_STEPS };
struct device_latency {
	uint64_t count, max_us;
	uint32_t bucket[DEVICE_BUCKETS];
};

struct device_report {
	enum device_report_style style;
	uint64_t start_us;
	uint32_t devices, registered_ever;
	uint64_t done[DEVICE_OPS], failed[DEVICE_OPS], events[DEVICE_EVENTS];
	struct device_latency latency[DEVICE_OPS];
};

void device_report_event(struct device_report *r, const struct dev_event *e, uint64_t now_us);
/* DEVICE_REPORT_COUNTS: the line of this second. */
void device_report_progress(struct device_report *r, uint64_t now_us);
void device_report_summary(struct device_report *r, uint64_t now_us);

#endif
