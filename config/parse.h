/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one INI text after the other into a configuration. Private to config/ and its tests.
 *
 * The language: [section], [listen NAME] or [gateway NAME] on a line of its own; "key = value" or
 * "key: value"; blank lines; comments from '#' or ';' at the start of a line and from a ';' that
 * follows a space. A line ends at its newline: there are no continuation lines, and space in front
 * means nothing. Values have no quotes. UTF-8, no control characters. */
#ifndef LANYARD_CONFIG_PARSE_H
#define LANYARD_CONFIG_PARSE_H

#include "config/value.h"

enum {
	/* Debian's libinih has a buffer of 200 bytes, which must hold the newline, a NUL, and the
	 * '\r' that we remove. Comments may be longer. */
	CFG_LINE_MAX = 197,
	CFG_ERRORS_MAX = 20,
	CFG_FILE_MAX = 1 << 20,
	CFG_SECTIONS_MAX = 16
};

/* Where something was said last. */
struct cfg_place {
	const char *file; /* NULL: nowhere */
	uint32_t line;
};

struct cfg_parse {
	struct cfg *cfg;
	cfg_error_fn *tell;
	void *tell_arg;
	unsigned error_n;
	const char *main_file; /* of complaints about what was left out */
	/* The text under way. */
	const char *file;
	struct span rest;
	uint32_t line;
	bool expect;         /* a line went to libinih, which has not called back */
	const char *section; /* NULL: before the first, or in one that was refused */
	bool refused;
	size_t named; /* which of those, of a section with a name */
	/* [0] is for options of sections without one. */
	struct cfg_place option[CFG_OPTIONS_MAX][1 + CFG_NAMED_MAX];
	struct cfg_place section_at[CFG_SECTIONS_MAX];
	struct cfg_place listen_at[CFG_LISTEN_MAX], gateway_at[CFG_GATEWAY_MAX];
};

/* `c` gets the defaults, without listeners. All pointers must outlive p. */
void cfg_parse_init(struct cfg_parse *p, struct cfg *c, const char *main_file, cfg_error_fn *tell,
	void *tell_arg);
/* `file` is a name for complaints, and outlives p; the same pointer is the same file. */
void cfg_parse_text(struct cfg_parse *p, const char *file, struct span text);
/* Looks for contradictions and fills in what follows from other options. ERR_SYNTAX if anything was
 * wrong so far. */
MUST_USE enum err cfg_parse_end(struct cfg_parse *p);

/* line 0: the file as a whole. */
void cfg_parse_error(struct cfg_parse *p, const char *file, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Where an option of that listener was set; the main file and line 0: nowhere. */
struct cfg_place cfg_parse_where(const struct cfg_parse *p, const char *listener, const char *key);
/* The contradictions, in check.c. */
void cfg_check(struct cfg_parse *p);

#endif
