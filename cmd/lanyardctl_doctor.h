/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what is looked at, and what was found. */
#ifndef LANYARD_CMD_LANYARDCTL_DOCTOR_H
#define LANYARD_CMD_LANYARDCTL_DOCTOR_H

#include "cmd/lanyardctl.h"

#include <sys/types.h>

enum doc_level { DOC_OK, DOC_WARN, DOC_FAIL };

enum { DOC_LISTEN_MAX = 16 };

/* What the checks learn from one another. Strings are the arena's. */
struct doctor {
	struct ctl *ctl;
	struct json_object *checks; /* the findings, an array */
	enum doc_level worst;
	/* of the configuration; NULL: unknown */
	const char *dir, *anchor;
	/* of the daemon */
	bool runs;
	pid_t pid;                  /* 0: unknown */
	struct json_object *status; /* NULL: it does not answer */
};

/* One finding; `advice` NULL where there is nothing to do. */
void doc_say(struct doctor *d, enum doc_level level, const char *check, const char *text,
	const char *advice);

/* lanyardctl_doctor_host.c: what can be seen without the daemon */
void doc_config(struct doctor *d);
void doc_directories(struct doctor *d);
void doc_clock(struct doctor *d);
void doc_buffers(struct doctor *d);
void doc_unit(struct doctor *d);
/* What `unit` is set to, as "systemctl show" tells it; "" if it tells nothing. */
const char *doc_unit_value(struct doctor *d, const char *name);

#endif
