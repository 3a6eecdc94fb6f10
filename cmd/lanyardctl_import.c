/* SPDX-License-Identifier: Apache-2.0 */
/* import: a file of endpoints, a JSON object a line, brought in by the hundred. */
#include "cmd/lanyardctl.h"

#include "base/secret.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What goes into one call: a turn of the daemon's loop, during which devices wait. */
enum { LINES_MAX = 250, BYTES_MAX = 192 * 1024, LINE_BYTES_MAX = 64 * 1024 };

struct import {
	struct ctl *c;
	const char *name;
	FILE *in;
	char body[BYTES_MAX + 1];
	size_t body_n, lines;
	size_t first; /* number in the file of the first line in body */
	size_t number;
	unsigned long long imported, unchanged, refused;
	bool tty;
};

static void progress(const struct import *im, bool last)
{
	if (im->tty)
		fprintf(stderr, "\r%zu lines: %llu imported, %llu unchanged, %llu refused%s",
			im->number, im->imported, im->unchanged, im->refused, last ? "\n" : "");
}

static unsigned long long number_of(struct json_object *o, const char *member)
{
	return (unsigned long long)json_object_get_int64(ctl_member(o, member));
}

/* FILE:LINE: what is wrong. Nothing of the line is repeated but the endpoint's name. */
static void say_refused(const struct import *im, struct json_object *r)
{
	struct json_object *endpoint = ctl_member(r, "endpoint");

	if (im->tty)
		fprintf(stderr, "\r\033[K");
	fprintf(stderr, "%s:%llu: %s%s%s\n", im->name, im->first - 1 + number_of(r, "line"),
		endpoint ? ctl_cell(im->c, r, "endpoint") : "", endpoint ? ": " : "",
		ctl_cell(im->c, r, "detail"));
}

static int flush(struct import *im)
{
	struct ctl_reply r;
	struct json_object *list;
	int rc;

	if (!im->body_n)
		return CTL_OK;
	im->body[im->body_n] = '\0';
	rc = ctl_call(im->c, "POST",
		ctl_query(im->c, "/v1/import", "replace",
			im->c->opt[CTL_OPT_REPLACE] ? "true" : NULL),
		im->body, 0, &r);
	secret_wipe(im->body, im->body_n);
	if (rc == CTL_OK) {
		im->imported += number_of(r.json, "imported");
		im->unchanged += number_of(r.json, "unchanged");
		list = ctl_member(r.json, "refused");
		im->refused += json_object_array_length(list);
		for (size_t i = 0; i < json_object_array_length(list); i++)
			say_refused(im, json_object_array_get_idx(list, i));
		progress(im, false);
	} else {
		fprintf(stderr, "%s:%zu: nothing from here on was imported\n", im->name, im->first);
	}
	ctl_reply_free(&r);
	im->body_n = im->lines = 0;
	return rc;
}

static void too_long(struct import *im)
{
	fprintf(stderr, "%s:%zu: the line is longer than %d bytes\n", im->name, im->number,
		(int)LINE_BYTES_MAX);
	im->refused++;
}

static int take(struct import *im, const char *line, size_t n)
{
	int rc = CTL_OK;

	im->number++;
	if (n > LINE_BYTES_MAX) {
		rc = flush(im);
		too_long(im);
		return rc;
	}
	if (im->lines == LINES_MAX || im->body_n + n + 1 > BYTES_MAX)
		rc = flush(im);
	if (!im->body_n)
		im->first = im->number;
	memcpy(im->body + im->body_n, line, n);
	im->body_n += n;
	/* A NUL would end the text before its time; no line of JSON has one. */
	for (char *nul; (nul = memchr(im->body + im->body_n - n, '\0', n));)
		*nul = '\1';
	if (n == 0 || line[n - 1] != '\n')
		im->body[im->body_n++] = '\n';
	im->lines++;
	return rc;
}

static int read_all(struct import *im)
{
	char *line = NULL;
	size_t cap = 0;
	int rc = CTL_OK;

	for (ssize_t n; rc == CTL_OK && (n = getline(&line, &cap, im->in)) >= 0;)
		rc = take(im, line, (size_t)n);
	if (rc == CTL_OK && ferror(im->in))
		rc = ctl_fail("cannot read %s: %s", im->name, strerror(errno));
	if (rc == CTL_OK)
		rc = flush(im);
	if (line)
		secret_wipe(line, cap);
	free(line);
	return rc;
}

static void total(const struct import *im)
{
	progress(im, true);
	if (im->c->opt[CTL_OPT_JSON])
		printf("{\"lines\":%zu,\"imported\":%llu,\"unchanged\":%llu,\"refused\":%llu}\n",
			im->number, im->imported, im->unchanged, im->refused);
	else if (!im->tty)
		printf("%zu lines: %llu imported, %llu unchanged, %llu refused\n", im->number,
			im->imported, im->unchanged, im->refused);
}

int ctl_import(struct ctl *c)
{
	struct import *im = calloc(1, sizeof(*im));
	bool standard = strcmp(c->arg[0], "-") == 0;
	int rc;

	if (!im)
		return ctl_fail("out of memory");
	im->c = c;
	im->name = standard ? "(standard input)" : c->arg[0];
	im->tty = isatty(STDERR_FILENO) && !c->opt[CTL_OPT_JSON];
	im->in = standard ? stdin : fopen(c->arg[0], "re");
	if (!im->in) {
		rc = ctl_fail("cannot open %s: %s", c->arg[0], strerror(errno));
	} else {
		rc = read_all(im);
		total(im);
		if (!standard)
			fclose(im->in);
	}
	if (rc == CTL_OK && im->refused)
		rc = CTL_REFUSED;
	secret_wipe(im, sizeof(*im));
	free(im);
	return rc;
}
