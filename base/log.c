/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

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

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES + 1];
	int saved = errno;
	va_list ap;
	int n;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0)
		line[0] = '\0';
	if (n > LINE_MAX_BYTES)
		mark_cut(line);
	/* Peer bytes arrive escaped; this is the second lock on the door. */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	current_sink(sink_arg, level, line);
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
