/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 1024,
	JSON_MAX_BYTES = 16384, /* a line of 1 KiB, every byte of it escaped, and as much again */
	JSON_END_BYTES = 16,    /* ,"cut":true} */
};

static const struct {
	const char *name;
	int priority; /* of syslog, for journald */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARNING] = {"warning", 4},
	[LOG_LEVEL_NOTICE] = {"notice", 5},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

static void stderr_sink(void *arg, enum log_level level, const char *line);

/* The storage thread logs too; the sink is set before it starts. */
static atomic_int threshold = LOG_LEVEL_INFO;
static log_sink_fn *current_sink = stderr_sink;
static void *sink_arg;
static log_clock_fn *json_clock; /* NULL: lines are text */

/* systemd names the device and inode of its journal's stream, since a child may have replaced it.
 */
static bool stderr_is_journal(void)
{
	static atomic_int known; /* 0: not yet asked, 1: no, 2: yes */
	const char *stream;
	unsigned long long dev, ino;
	struct stat st;

	if (known)
		return known == 2;
	stream = getenv("JOURNAL_STREAM");
	known = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
				fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
				st.st_ino == ino
			? 2
			: 1;
	return known == 2;
}

static void stderr_sink(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	/* One write each, so that lines of two threads do not mix. */
	if (stderr_is_journal())
		dprintf(STDERR_FILENO, "<%d>%s\n", levels[level].priority, line);
	else if (json_clock)
		dprintf(STDERR_FILENO, "%s\n", line);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", levels[level].name, line);
}

void log_set_sink(log_sink_fn *sink, void *arg)
{
	current_sink = sink ? sink : stderr_sink;
	sink_arg = arg;
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

void log_set_json(log_clock_fn *wall_ms)
{
	json_clock = wall_ms;
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < LEVELS ? levels[level].name : "unknown";
}

/* Puts "..." at the end of a line that was cut, not into the middle of a character. */
static void mark_cut(char line[static LINE_MAX_BYTES + 1])
{
	size_t n = LINE_MAX_BYTES - 3;

	while (n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80)
		n--;
	memcpy(line + n, "...", sizeof("..."));
}

/* ---- text */

static bool needs_quotes(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\')
			return true;
	return false;
}

static void text_field(struct writer *w, const struct log_field *f)
{
	bool quotes = f->kind == LOG_TEXT || (f->kind == LOG_WORD && needs_quotes(f->value));

	wr_fmt(w, " %s=%s", f->key, quotes ? "\"" : "");
	switch (f->kind) {
	case LOG_WORD:
	case LOG_TEXT:
		wr_escaped(w, f->value);
		break;
	case LOG_HEX:
		wr_hex(w, f->value);
		break;
	case LOG_NUMBER:
		wr_fmt(w, "%lld", (long long)f->number);
		break;
	case LOG_RAW_JSON:
		wr_bytes(w, f->value);
		break;
	}
	wr_str(w, quotes ? "\"" : "");
}

/* A line that is cut says so with "...". */
static void text_line(char line[static LINE_MAX_BYTES + 1], const char *message,
	const struct log_field *f, size_t n)
{
	char all[JSON_MAX_BYTES];
	struct writer w = wr_make(all, sizeof(all));

	wr_bytes(&w, span_sub(span_str(message), 0, LINE_MAX_BYTES + 1));
	for (size_t i = 0; i < n && w.n <= LINE_MAX_BYTES; i++)
		if (f[i].key && !f[i].json_only)
			text_field(&w, &f[i]);
	memcpy(line, all, w.n < LINE_MAX_BYTES ? w.n : LINE_MAX_BYTES);
	line[w.n < LINE_MAX_BYTES ? w.n : LINE_MAX_BYTES] = '\0';
	if (w.err || w.n > LINE_MAX_BYTES)
		mark_cut(line);
	/* Peer bytes arrive escaped; this is the second lock on the door. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

/* ---- JSON */

static void json_time(struct writer *w, int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	char text[32];
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		text[0] = '\0';
	wr_fmt(w, "\"%s.%03dZ\"", text, (int)(wall_ms % 1000));
}

static void json_value(struct writer *w, const struct log_field *f)
{
	switch (f->kind) {
	case LOG_WORD:
	case LOG_TEXT:
		wr_json_string(w, f->value);
		break;
	case LOG_HEX:
		wr_u8(w, '"');
		wr_hex(w, f->value);
		wr_u8(w, '"');
		break;
	case LOG_NUMBER:
		wr_fmt(w, "%lld", (long long)f->number);
		break;
	case LOG_RAW_JSON:
		wr_bytes(w, f->value);
		break;
	}
}

/* A field goes in whole or not at all. */
static void json_line(char line[static JSON_MAX_BYTES], enum log_level level, const char *message,
	const struct log_field *f, size_t n)
{
	struct writer w = wr_make(line, JSON_MAX_BYTES - JSON_END_BYTES), before;
	bool cut = strlen(message) > LINE_MAX_BYTES;

	wr_str(&w, "{\"time\":");
	json_time(&w, json_clock());
	wr_fmt(&w, ",\"level\":\"%s\",\"message\":", log_level_name(level));
	wr_json_string(&w, span_sub(span_str(message), 0, LINE_MAX_BYTES));
	for (size_t i = 0; i < n; i++) {
		if (!f[i].key)
			continue;
		before = w;
		wr_fmt(&w, ",\"%s\":", f[i].key);
		json_value(&w, &f[i]);
		cut |= w.err != ERR_OK;
		w = w.err ? before : w;
	}
	w.cap = JSON_MAX_BYTES - 1;
	wr_fmt(&w, "%s}", cut ? ",\"cut\":true" : "");
	line[w.n] = '\0';
}

void log_entry(
	enum log_level level, const char *message, const struct log_field *fields, size_t field_n)
{
	char line[JSON_MAX_BYTES];
	int saved = errno;

	if (!log_enabled(level))
		return;
	if (json_clock)
		json_line(line, level, message, fields, field_n);
	else
		text_line(line, message, fields, field_n);
	current_sink(sink_arg, level, line);
	errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char message[LINE_MAX_BYTES + 2];
	int saved = errno;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
		message[0] = '\0';
	va_end(ap);
	log_entry(level, message, NULL, 0);
	errno = saved;
}

/* last_ms is one more than the time of the last refill, so that 0 is a new bucket: a full one. */
static void refill(struct log_rate *r, uint64_t now_ms)
{
	uint64_t since_ms, whole;

	if (r->last_ms == 0) {
		r->tokens = r->burst;
		r->last_ms = now_ms + 1;
	}
	since_ms = now_ms + 1 > r->last_ms ? now_ms + 1 - r->last_ms : 0;
	whole = since_ms / r->interval_ms;
	if (r->tokens >= r->burst || whole >= r->burst - r->tokens) {
		r->tokens = r->burst;
		r->last_ms += since_ms;
		return;
	}
	r->tokens += (uint32_t)whole;
	r->last_ms += whole * r->interval_ms;
}

bool log_rate_pass(struct log_rate *r, uint64_t now_ms)
{
	if (r->interval_ms) {
		refill(r, now_ms);
		if (r->tokens == 0) {
			r->dropped++;
			return false;
		}
		r->tokens--;
	}
	r->dropped = 0;
	return true;
}
