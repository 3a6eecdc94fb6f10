/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/models.h"

#include "lwm2m/models_xml.h"
#include "lwm2m/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lwm_models {
	struct arena arena; /* names and rows */
	struct lwm_object *v;
	size_t n, cap;
};

struct teller {
	const char *file;
	lwm_models_fn *tell;
	void *arg;
};

static enum err complain(const struct teller *t, uint32_t line, const char *what, enum err err)
{
	t->tell(t->arg, t->file, line, what);
	return err;
}

enum err lwm_models_new(struct lwm_models **out)
{
	struct lwm_models *m = calloc(1, sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	arena_init(&m->arena, LWM_MODEL_MEMORY_MAX);
	m->cap = lwm_objects_n + LWM_MODEL_OBJECTS_MAX;
	m->v = calloc(m->cap, sizeof(*m->v));
	if (!m->v) {
		lwm_models_free(m);
		return ERR_NOMEM;
	}
	memcpy(m->v, lwm_objects, lwm_objects_n * sizeof(*m->v));
	m->n = lwm_objects_n;
	*out = m;
	return ERR_OK;
}

void lwm_models_free(struct lwm_models *m)
{
	if (!m)
		return;
	arena_fini(&m->arena);
	free(m->v);
	free(m);
}

void lwm_models_use(const struct lwm_models *m)
{
	lwm_objects_use(m ? m->v : NULL, m ? m->n : 0);
}

/* As the table is sorted. */
static int compare(const struct lwm_object *a, const struct lwm_object *b)
{
	if (a->oid != b->oid)
		return a->oid < b->oid ? -1 : 1;
	return (a->version < b->version) - (a->version > b->version);
}

/* Where it stands, or would. */
static size_t place(const struct lwm_models *m, const struct lwm_object *o)
{
	size_t from = 0, to = m->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (compare(&m->v[mid], o) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static bool reserved(uint16_t oid)
{
	return oid == 0 || oid == 21 || oid == 23;
}

static enum err conflict(const struct lwm_models *m, const struct lwm_model_file *f, size_t i,
	const struct teller *t)
{
	const struct lwm_object *o = &f->object[i];
	size_t at = place(m, o);
	char what[400];

	for (size_t k = 0; k < i; k++)
		if (compare(&f->object[k], o) == 0)
			return complain(t, f->line[i], "this Object is there twice", ERR_CONFLICT);
	if (at == m->n || compare(&m->v[at], o) || !m->v[at].source)
		return ERR_OK;
	snprintf(what, sizeof(what), "Object %u of version %u.%u is in %s already", o->oid,
		o->version / 10, o->version % 10, m->v[at].source);
	return complain(t, f->line[i], what, ERR_CONFLICT);
}

static enum err make_room(struct lwm_models *m, size_t n)
{
	size_t cap = 2 * (m->n + n);
	struct lwm_object *v;

	if (m->n + n <= m->cap)
		return ERR_OK;
	v = realloc(m->v, cap * sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	m->v = v;
	m->cap = cap;
	return ERR_OK;
}

static void put(struct lwm_models *m, const struct lwm_object *o, const char *source)
{
	size_t at = place(m, o);
	bool there = at < m->n && compare(&m->v[at], o) == 0;

	if (reserved(o->oid))
		return;
	if (!there)
		memmove(&m->v[at + 1], &m->v[at], (m->n++ - at) * sizeof(*m->v));
	m->v[at] = *o;
	m->v[at].source = source;
}

static enum err add(struct lwm_models *m, const struct lwm_model_file *f, const struct teller *t)
{
	enum err err = make_room(m, f->n);
	struct span source = arena_dup(&m->arena, span_str(t->file), &err);

	if (err)
		return complain(t, 0, "there is no memory left for models", err);
	for (size_t i = 0; i < f->n && !err; i++)
		err = conflict(m, f, i, t);
	for (size_t i = 0; i < f->n && !err; i++)
		put(m, &f->object[i], (const char *)source.p);
	return err;
}

enum err lwm_models_add(
	struct lwm_models *m, const char *file, struct span text, lwm_models_fn *tell, void *arg)
{
	const struct teller t = {file, tell, arg};
	struct lwm_model_file *f = malloc(sizeof(*f));
	enum err err = f ? lwm_model_file_read(text, &m->arena, f) : ERR_NOMEM;

	if (err)
		complain(&t, f ? f->why_line : 0, f && f->why[0] ? f->why : err_text(err), err);
	else
		err = add(m, f, &t);
	free(f);
	return err;
}

/* ---- a directory */

static int is_model(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && d->d_name[0] != '.' && strcmp(&d->d_name[n - 4], ".xml") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The content, malloc'd; one byte more than is allowed shows that it is too large. */
static char *content(int fd, size_t *n)
{
	size_t cap = LWM_MODEL_FILE_MAX + 1;
	char *text = malloc(cap);
	ssize_t got = 1;

	for (*n = 0; text && got > 0 && *n < cap;) {
		got = read(fd, text + *n, cap - *n);
		*n += got > 0 ? (size_t)got : 0;
		if (got < 0 && errno == EINTR)
			got = 1;
	}
	if (text && got < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static enum err add_file(struct lwm_models *m, int dir, const struct teller *t)
{
	/* A name that leads to a pipe or a terminal must not hold us up. */
	int fd = openat(dir, t->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text;
	size_t n;
	enum err err;

	if (fd < 0)
		return complain(t, 0, strerror(errno), ERR_IO);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return complain(t, 0, "is no regular file", ERR_IO);
	}
	text = content(fd, &n);
	close(fd);
	if (!text)
		return complain(t, 0, "could not be read", ERR_IO);
	err = lwm_models_add(m, t->file, span_make(text, n), t->tell, t->arg);
	free(text);
	return err;
}

static enum err add_all(struct lwm_models *m, int dir, struct dirent **names, int n,
	const struct teller *of, size_t *skipped)
{
	enum err err = ERR_OK;

	if (n > LWM_MODEL_FILES_MAX)
		return complain(of, 0, "holds too many files", ERR_LIMIT);
	for (int i = 0; i < n && err != ERR_NOMEM; i++) {
		const struct teller t = {names[i]->d_name, of->tell, of->arg};

		err = add_file(m, dir, &t);
		*skipped += err != ERR_OK;
	}
	return err == ERR_NOMEM ? err : ERR_OK;
}

enum err lwm_models_add_dir(
	struct lwm_models *m, const char *dir, lwm_models_fn *tell, void *arg, size_t *skipped)
{
	const struct teller t = {dir, tell, arg};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &names, is_model, by_bytes);
	enum err err;

	*skipped = 0;
	if (n < 0)
		err = complain(&t, 0, strerror(errno), ERR_IO);
	else
		err = add_all(m, fd, names, n, &t, skipped);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (fd >= 0)
		close(fd);
	return err;
}
