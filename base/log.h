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
typedef int64_t log_clock_fn(void);

/* Where lines go; the default writes to standard error, with <N> priorities under journald. The
 * engines do not log: they return reasons, and cmd/ logs them. */
void log_set_sink(log_sink_fn *sink, void *arg);
void log_set_level(enum log_level level);
/* From now on a line is an object of JSON with "time", "level", "message" and the fields; `wall_ms`
 * tells the time (milliseconds since 1970). NULL: text, as at first. */
void log_set_json(log_clock_fn *wall_ms);
bool log_enabled(enum log_level level);
const char *log_level_name(enum log_level level);

/* What belongs to a message, by name. The values are kept by reference until log_fields returns;
 * peers' bytes go in as they are, each form of the log escapes them in its own way. */
struct log_field {
	const char *key; /* NULL: no field */
	enum log_kind { LOG_WORD, LOG_TEXT, LOG_HEX, LOG_NUMBER, LOG_RAW_JSON } kind;
	bool json_only; /* the text form says it in the message */
	struct span value;
	int64_t number;
};

/* Without quotes in the text form, unless it needs them. */
static inline struct log_field log_word(const char *key, const char *s)
{
	return (struct log_field){.key = key, .kind = LOG_WORD, .value = span_str(s)};
}
static inline struct log_field log_text(const char *key, struct span s)
{
	return (struct log_field){.key = key, .kind = LOG_TEXT, .value = s};
}
static inline struct log_field log_hex(const char *key, struct span s)
{
	return (struct log_field){.key = key, .kind = LOG_HEX, .value = s};
}
static inline struct log_field log_number(const char *key, int64_t n)
{
	return (struct log_field){.key = key, .kind = LOG_NUMBER, .number = n};
}
/* `s` is JSON, on one line, that we have written ourselves. */
static inline struct log_field log_raw_json(const char *key, struct span s)
{
	return (struct log_field){.key = key, .kind = LOG_RAW_JSON, .value = s};
}

/* "message key=value key="value"", or an object of JSON. Text is at most 1 KiB, the rest is cut
 * with "..."; of JSON whole fields are left out and "cut":true says so. */
void log_entry(
	enum log_level level, const char *message, const struct log_field *fields, size_t field_n);
/* log_fields(level, message, field, ...): the same for fields in a row. */
#define log_fields(level, message, ...)                                                            \
	log_entry((level), (message), (const struct log_field[]){__VA_ARGS__},                     \
		sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* A message without fields. */
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
