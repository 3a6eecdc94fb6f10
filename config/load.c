/* SPDX-License-Identifier: Apache-2.0 */
/* Which files make the configuration. */
#include "config/parse.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct names {
	char *name[CFG_NAMES_MAX];
	size_t n;
};

static void names_fini(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	l->n = 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_conf(const char *name)
{
	size_t n = strlen(name), ext = strlen(".conf");

	return name[0] != '.' && n > ext && strcmp(&name[n - ext], ".conf") == 0;
}

static enum err add_name(struct names *l, const char *dir, const char *name)
{
	if (l->n == CFG_NAMES_MAX)
		return ERR_LIMIT;
	if (asprintf(&l->name[l->n], "%s/%s", dir, name) < 0)
		return ERR_NOMEM;
	l->n++;
	return ERR_OK;
}

/* The .conf files of a directory, in byte order. No directory is no files. */
static enum err list_dir(struct cfg_parse *p, const char *dir, struct names *l)
{
	DIR *d = opendir(dir);
	enum err err = ERR_OK;

	if (!d && errno == ENOENT)
		return ERR_OK;
	if (!d) {
		cfg_parse_error(p, dir, 0, "cannot be read: %s", strerror(errno));
		return ERR_IO;
	}
	for (struct dirent *e; !err && (e = readdir(d));)
		if (is_conf(e->d_name))
			err = add_name(l, dir, e->d_name);
	closedir(d);
	if (err == ERR_LIMIT)
		cfg_parse_error(p, dir, 0, "has more than %d files", CFG_NAMES_MAX);
	qsort(l->name, l->n, sizeof(l->name[0]), by_bytes);
	return err == ERR_LIMIT ? ERR_SYNTAX : err;
}

/* "DIR/conf.d" beside the file, to be freed. */
static char *conf_d(const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) + 1 : 0;
	char *out;

	return asprintf(&out, "%.*sconf.d", n, path) < 0 ? NULL : out;
}

/* ERR_NOTFOUND, ERR_IO, ERR_LIMIT (too large), ERR_NOMEM; all but the last with errno. */
static enum err read_file(const char *path, uint8_t **out, size_t *n)
{
	FILE *f = fopen(path, "re");
	enum err err = ERR_OK;

	if (!f)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	*out = malloc(CFG_FILE_MAX + 1);
	*n = *out ? fread(*out, 1, CFG_FILE_MAX + 1, f) : 0;
	if (!*out)
		err = ERR_NOMEM;
	else if (ferror(f))
		err = ERR_IO;
	else if (*n > CFG_FILE_MAX)
		err = ERR_LIMIT;
	fclose(f);
	return err;
}

static enum err parse_file(struct cfg_parse *p, const char *path)
{
	uint8_t *text = NULL;
	size_t n = 0;
	enum err err;

	errno = 0;
	err = read_file(path, &text, &n);
	if (err == ERR_OK)
		cfg_parse_text(p, path, span_make(text, n));
	else if (err == ERR_NOTFOUND && path == p->main_file)
		goto out; /* the caller knows whether that matters */
	else if (err == ERR_LIMIT)
		cfg_parse_error(p, path, 0, "is larger than %d bytes", CFG_FILE_MAX);
	else
		cfg_parse_error(
			p, path, 0, "cannot be read: %s", errno ? strerror(errno) : err_text(err));
out:
	free(text);
	return err == ERR_LIMIT ? ERR_SYNTAX : err;
}

static enum err load(struct cfg_parse *p, const char *path, struct names *extra)
{
	char *dir = conf_d(path);
	enum err err = dir ? parse_file(p, path) : ERR_NOMEM;

	if (!err)
		err = list_dir(p, dir, extra);
	for (size_t i = 0; i < extra->n && !err; i++)
		err = parse_file(p, extra->name[i]);
	free(dir);
	return err;
}

enum err cfg_load(const char *path, struct cfg *out, cfg_error_fn *tell, void *arg)
{
	struct cfg_parse *p = malloc(sizeof(*p));
	struct names extra = {0};
	enum err err = ERR_NOMEM;

	if (!p)
		goto out;
	cfg_parse_init(p, out, path, tell, arg);
	err = load(p, path, &extra);
	if (!err)
		err = cfg_parse_end(p);
out:
	if (err)
		cfg_defaults(out);
	names_fini(&extra);
	free(p);
	return err;
}

static void tell_nobody(void *arg, const char *file, uint32_t line, const char *text)
{
	(void)arg, (void)file, (void)line, (void)text;
}

/* Reads all of it once more: it is asked for where something is wrong, so rarely. */
bool cfg_where(const char *path, const char *listener, const char *key,
	char file[static CFG_TEXT_MAX], uint32_t *line)
{
	struct cfg_parse *p = malloc(sizeof(*p));
	struct cfg *c = malloc(sizeof(*c));
	struct names extra = {0};
	struct cfg_place at = {path, 0};

	if (p && c) {
		cfg_parse_init(p, c, path, tell_nobody, NULL);
		if (!load(p, path, &extra))
			at = cfg_parse_where(p, listener, key);
	}
	snprintf(file, CFG_TEXT_MAX, "%s", at.file);
	*line = at.line;
	names_fini(&extra);
	free(c);
	free(p);
	return at.line != 0;
}
