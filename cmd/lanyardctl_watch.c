/* SPDX-License-Identifier: Apache-2.0 */
/* watch: endpoints as a table that stays fresh, or events as they come, over restarts of the
 * daemon. */
#include "cmd/lanyardctl.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { ROWS_DEFAULT = 24, FRAME_ROWS = 4, ROWS_MAX = 1000 };

/* The alternate screen, without a cursor; and back. */
#define SCREEN_ON  "\033[?1049h\033[?25l"
#define SCREEN_OFF "\033[?25h\033[?1049l"

static volatile sig_atomic_t on_screen;

/* To be interrupted is how it ends: nothing is left behind, and that is no failure. */
static void stop(int sig)
{
	ssize_t ignored = 0;

	(void)sig;
	if (on_screen)
		ignored = write(STDOUT_FILENO, SCREEN_OFF, sizeof(SCREEN_OFF) - 1);
	(void)ignored;
	_exit(CTL_OK);
}

static void stop_on_signals(void)
{
	struct sigaction sa = {.sa_handler = stop};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static void a_second(void)
{
	struct timespec ts = {.tv_sec = 1};

	nanosleep(&ts, NULL);
}

/* ---- a line an event */

static const char *stream_target(
	struct ctl *c, const char *endpoint, const char *types, uint64_t seq)
{
	const char *t = ctl_query(c, "/v1/events", "endpoint", endpoint);

	t = ctl_query(c, t, "type", types);
	return seq ? ctl_query(c, t, "after", ctl_fmt(c, "%" PRIu64, seq)) : t;
}

/* Until the stream ends or `left` is used up. */
static void read_events(struct ctl *c, struct ctl_stream *s, uint64_t *seq, uint64_t *left)
{
	const char *line;

	while (*left && (line = ctl_stream_next(s))) {
		struct json_object *event = json_tokener_parse(line), *n = ctl_member(event, "seq");

		if (n)
			*seq = json_object_get_uint64(n);
		if (c->opt[CTL_OPT_JSON])
			printf("%s\n", line);
		else
			ctl_event_line(c, event);
		fflush(stdout);
		json_object_put(event);
		arena_reset(&c->arena);
		(*left)--;
	}
}

/* The first time it has to work; a daemon that goes later is waited for, and what it says of the
 * time between is told. */
static int watch_events(struct ctl *c, const char *endpoint, uint64_t left)
{
	uint64_t seq = 0;
	int rc = CTL_OK;

	for (bool first = true; left && (first || !ferror(stdout)); first = false) {
		struct ctl_stream *s = NULL;

		c->quiet = !first;
		rc = ctl_stream_open(c, stream_target(c, endpoint, c->opt[CTL_OPT_TYPE], seq), &s);
		if (rc && first)
			return rc;
		if (rc == CTL_OK) {
			read_events(c, s, &seq, &left);
			if (left)
				fprintf(stderr,
					"lanyardctl: the daemon has gone, waiting for it\n");
		}
		ctl_stream_free(s);
		if (left)
			a_second();
	}
	return CTL_OK;
}

/* ---- a table */

static unsigned screen_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row <= FRAME_ROWS)
		return ROWS_DEFAULT - FRAME_ROWS;
	return size.ws_row - FRAME_ROWS < ROWS_MAX ? size.ws_row - FRAME_ROWS : ROWS_MAX;
}

static const char *state(struct json_object *e)
{
	if (!json_object_get_boolean(ctl_member(e, "registered")))
		return "away";
	return json_object_get_boolean(ctl_member(e, "registration.asleep")) ? "asleep"
									     : "registered";
}

static void table_row(struct ctl *c, struct ctl_table *t, struct json_object *e)
{
	ctl_table_row(t, 5, ctl_cell(c, e, "name"), ctl_cell(c, e, "last_contact"),
		ctl_duration(c, ctl_member(e, "registration.expires_in_s")),
		ctl_cell(c, e, "registration.address"), state(e));
}

/* One page of endpoints, or the one endpoint. */
static int fill_table(struct ctl *c, struct ctl_table *t, const char *endpoint, bool *more)
{
	struct ctl_reply r = {0};
	struct json_object *list;
	int rc;

	if (endpoint) {
		rc = ctl_call(c, "GET", ctl_target(c, "/v1/endpoints/%e", endpoint), NULL, 0, &r);
		if (rc == CTL_OK)
			table_row(c, t, r.json);
	} else {
		rc = ctl_call(c, "GET",
			ctl_query(c, ctl_fmt(c, "/v1/endpoints?limit=%u", screen_rows()), "match",
				c->opt[CTL_OPT_MATCH]),
			NULL, 0, &r);
		list = ctl_member(r.json, "endpoints");
		for (size_t i = 0; rc == CTL_OK && list && i < json_object_array_length(list); i++)
			table_row(c, t, json_object_array_get_idx(list, i));
		*more = ctl_member(r.json, "next") != NULL;
	}
	ctl_reply_free(&r);
	return rc;
}

static int draw_table(struct ctl *c, const char *endpoint)
{
	struct ctl_table t = {0};
	bool more = false;
	char when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int rc;

	ctl_table_row(&t, 5, "ENDPOINT", "LAST CONTACT", "LIFETIME LEFT", "PEER", "STATE");
	rc = fill_table(c, &t, endpoint, &more);
	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("\033[H\033[J%s  %s\n\n", when,
		rc == CTL_OK            ? "Ctrl-C ends"
		: rc == CTL_UNREACHABLE ? "the daemon cannot be reached; waiting for it"
					: "refused");
	if (rc == CTL_OK)
		ctl_table_print(&t);
	ctl_table_free(&t);
	if (more)
		printf("... and more: --match shows some\n");
	fflush(stdout);
	arena_reset(&c->arena);
	return rc;
}

static int watch_table(struct ctl *c, const char *endpoint, uint64_t left)
{
	struct ctl_table t = {0};
	bool more;
	/* Once on the plain screen, where a refusal can be read afterwards. */
	int rc = fill_table(c, &t, endpoint, &more);

	ctl_table_free(&t);
	if (rc)
		return rc;
	c->quiet = true;
	on_screen = 1;
	printf(SCREEN_ON);
	for (; left; left--) {
		(void)draw_table(c, endpoint);
		a_second();
	}
	printf(SCREEN_OFF);
	return CTL_OK;
}

int ctl_watch(struct ctl *c)
{
	const char *what = c->arg_n ? c->arg[0] : "endpoints", *endpoint = NULL;
	uint64_t count;
	int rc = ctl_count(c, &count);

	if (rc)
		return rc;
	if (strcmp(what, "endpoints") != 0 && strcmp(what, "events") != 0)
		endpoint = what;
	stop_on_signals();
	if (strcmp(what, "events") == 0 || c->opt[CTL_OPT_JSON] || !isatty(STDOUT_FILENO))
		return watch_events(c, endpoint, count);
	return watch_table(c, endpoint, count);
}
