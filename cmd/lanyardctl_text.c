/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, cells and tables. */
#include "cmd/lanyardctl.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TARGET_BYTES = 4096, FILE_MAX_BYTES = 1024 * 1024 };

static void encode(struct writer *w, const char *s, const char *keep)
{
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (isalnum(ch) || strchr("-._~", ch) || strchr(keep, ch))
			wr_u8(w, ch);
		else
			wr_fmt(w, "%%%02X", ch);
	}
}

/* A copy in the arena. */
static const char *keep(struct ctl *c, const struct writer *w)
{
	enum err e = w->err;
	struct span s = arena_dup(&c->arena, wr_span(w), &e);

	c->no_memory = c->no_memory || e;
	return e ? "" : (const char *)s.p;
}

const char *ctl_target(struct ctl *c, const char *fmt, ...)
{
	char text[TARGET_BYTES];
	struct writer w = wr_make(text, sizeof(text));
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%')
			wr_u8(&w, (uint8_t)*fmt);
		else if (*++fmt == 'e')
			encode(&w, va_arg(ap, const char *), "");
		else
			encode(&w, va_arg(ap, const char *), "/");
	}
	va_end(ap);
	return keep(c, &w);
}

const char *ctl_query(struct ctl *c, const char *target, const char *name, const char *value)
{
	char text[TARGET_BYTES];
	struct writer w = wr_make(text, sizeof(text));

	if (!value)
		return target;
	wr_fmt(&w, "%s%c%s=", target, strchr(target, '?') ? '&' : '?', name);
	encode(&w, value, ",");
	return keep(c, &w);
}

const char *ctl_fmt(struct ctl *c, const char *fmt, ...)
{
	char *text = NULL;
	const char *out;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		c->no_memory = true;
		return "";
	}
	out = keep(c, &(struct writer){.p = (uint8_t *)text, .n = (size_t)n});
	free(text);
	return out;
}

const char *ctl_escape(struct ctl *c, const char *s)
{
	size_t cap = 4 * strlen(s) + 1;
	char *text = malloc(cap);
	struct writer w = wr_make(text, text ? cap : 0);
	const char *out;

	wr_escaped(&w, span_str(s));
	out = keep(c, &w);
	free(text);
	return out;
}

struct json_object *ctl_member(struct json_object *o, const char *path)
{
	char name[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name) || !json_object_is_type(o, json_type_object))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		o = json_object_object_get(o, name);
		path += n + (path[n] == '.');
	}
	return o;
}

const char *ctl_cell(struct ctl *c, struct json_object *o, const char *path)
{
	struct json_object *v = ctl_member(o, path);

	if (!v)
		return "-";
	if (json_object_is_type(v, json_type_boolean))
		return json_object_get_boolean(v) ? "yes" : "no";
	if (json_object_is_type(v, json_type_string))
		return ctl_escape(c, json_object_get_string(v));
	return ctl_escape(c, json_object_to_json_string_ext(
				     v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* JSON has control characters escaped, but not DEL and those of U+0080 to U+009F. */
const char *ctl_json_text(struct ctl *c, struct json_object *o)
{
	const char *json = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	size_t cap = 6 * strlen(json) + 1;
	char *text = malloc(cap);
	struct writer w = wr_make(text, text ? cap : 0);
	const char *out;

	for (const unsigned char *s = (const unsigned char *)json; *s; s++) {
		if (*s == 0x7f)
			wr_str(&w, "\\u007f");
		else if (*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
			wr_fmt(&w, "\\u%04x", *++s);
		else
			wr_u8(&w, *s);
	}
	out = keep(c, &w);
	free(text);
	return out;
}

const char *ctl_duration(struct ctl *c, struct json_object *seconds)
{
	int64_t s = json_object_get_int64(seconds);
	int64_t left = s < 0 ? -s : s;
	const char *sign = s < 0 ? "-" : "";

	if (!seconds)
		return "-";
	if (left >= 86400)
		return ctl_fmt(c, "%s%" PRId64 " d %" PRId64 " h", sign, left / 86400,
			left % 86400 / 3600);
	if (left >= 3600)
		return ctl_fmt(
			c, "%s%" PRId64 " h %" PRId64 " min", sign, left / 3600, left % 3600 / 60);
	if (left >= 60)
		return ctl_fmt(c, "%s%" PRId64 " min %" PRId64 " s", sign, left / 60, left % 60);
	return ctl_fmt(c, "%s%" PRId64 " s", sign, left);
}

const char *ctl_read_file(struct ctl *c, const char *path, size_t *n)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *text = arena_alloc(&c->arena, FILE_MAX_BYTES + 1);
	ssize_t got = 0;

	*n = 0;
	while (fd >= 0 && text && *n < FILE_MAX_BYTES &&
		(got = read(fd, text + *n, FILE_MAX_BYTES - *n)) > 0)
		*n += (size_t)got;
	if (fd < 0 || !text || got < 0) {
		(void)ctl_fail("cannot read %s: %s", path, strerror(errno));
		text = NULL;
	} else if (*n == FILE_MAX_BYTES) {
		(void)ctl_fail("%s is too long", path);
		text = NULL;
	} else {
		text[*n] = '\0';
	}
	if (fd > STDIN_FILENO)
		close(fd);
	return text;
}

void ctl_table_row(struct ctl_table *t, size_t columns, ...)
{
	va_list ap;

	if (columns > CTL_COLUMNS_MAX)
		abort(); /* ours are written into the program: the first test of it shows */
	if (t->n + columns > t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 256;
		const char **more = realloc(t->cell, cap * sizeof(*more));

		if (!more)
			return;
		t->cell = more;
		t->cap = cap;
	}
	t->columns = columns;
	va_start(ap, columns);
	for (size_t i = 0; i < columns; i++)
		t->cell[t->n++] = va_arg(ap, const char *);
	va_end(ap);
}

/* Characters, not bytes: cells are well-formed UTF-8. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void ctl_table_free(struct ctl_table *t)
{
	free(t->cell);
	*t = (struct ctl_table){0};
}

void ctl_table_print(struct ctl_table *t)
{
	int widest[CTL_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < t->n; i++)
		if (width(t->cell[i]) > widest[i % t->columns])
			widest[i % t->columns] = width(t->cell[i]);
	for (size_t i = 0; i < t->n; i++) {
		bool last = i % t->columns == t->columns - 1;
		int pad = last ? 0 : widest[i % t->columns] - width(t->cell[i]) + 2;

		printf("%s%*s%s", t->cell[i], pad, "", last ? "\n" : "");
	}
	ctl_table_free(t);
}

bool ctl_json_done(const struct ctl *c, const struct ctl_reply *r)
{
	if (!c->opt[CTL_OPT_JSON])
		return false;
	fwrite(r->body, 1, r->n, stdout);
	if (r->n && r->body[r->n - 1] != '\n')
		putchar('\n');
	return true;
}
