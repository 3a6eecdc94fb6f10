/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_LOG_H
#define LANYARD_BASE_LOG_H

#include "base/span.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* A sink gets one finished line without newline. */
typedef void log_sink_fn(void *arg, enum log_level level, const char *line);

/* Where lines go; the default writes to standard error, with <N> priorities under journald. The
 * engines do not log: they return reasons, and cmd/ logs them. */
void log_set_sink(log_sink_fn *sink, void *arg);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
const char *log_level_name(enum log_level level);

/* "a lower-case sentence key=value": at most 1 KiB, the rest is cut with "...". */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* A bucket for lines that a peer can trigger: `burst` at once, then one each `interval_ms` (0: no
 * limit). The caller sets these two and leaves the rest zero. */
struct log_rate {
	uint64_t interval_ms;
	uint32_t burst;
	uint32_t tokens;
	uint64_t last_ms;
	uint64_t dropped; /* since the last line that passed */
};

/* Whether a line may go out now. A pass clears `dropped`: read it before to report it. */
bool log_rate_pass(struct log_rate *r, uint64_t now_ms);

#endif
