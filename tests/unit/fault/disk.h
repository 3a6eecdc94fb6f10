/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that loses power, fills up and fails. What this process does to files below one directory
 * happens to real files; beside them is kept what a power cut would leave: what was synced, and
 * piecewise, in sectors and in any selection, what was not. A name is safe once its directory was
 * synced, whatever became of the file. What a failed sync was to write stays readable, and no later
 * sync writes it, as Linux has it: its pages count as clean.
 *
 * disk_calls.h has the calls that are caught. */
#ifndef LANYARD_TESTS_UNIT_FAULT_DISK_H
#define LANYARD_TESTS_UNIT_FAULT_DISK_H

#include "base/secret.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_UNUSED __attribute__((unused))

enum { DISK_FDS = 1024, DISK_NAME = 96, DISK_SECTOR = 512 };

/* Something that is not safe yet. */
struct disk_op {
	struct disk_op *next;
	bool stuck; /* a sync of it failed */
	bool cut;   /* of a file: to `n` bytes; else `n` bytes are written at `at` */
	size_t at, n;
	uint8_t *bytes;
	struct { /* of a directory: one name, or two by one call */
		char name[DISK_NAME];
		struct disk_node *node; /* NULL: gone */
	} set[2];
};

struct disk_name {
	struct disk_name *next;
	char name[DISK_NAME];
	struct disk_node *node;
};

struct disk_node {
	struct disk_node *next;
	dev_t dev;
	ino_t ino; /* 0: nobody can open it any more */
	bool dir;
	/* what is safe */
	uint8_t *bytes;
	size_t n;
	struct disk_name *names;
	struct disk_op *ops; /* what is not, oldest first */
};

enum disk_cut {
	DISK_LOSE, /* all that was not synced */
	DISK_SOME, /* some of it */
	DISK_KEEP, /* nothing: the process was killed, but the system lives */
};

static struct {
	pthread_mutex_t lock;
	char root[DISK_NAME];
	struct disk_node *nodes, *top;
	struct disk_node *fd[DISK_FDS];
	uint64_t calls, syncs;       /* since it was armed */
	uint64_t dead_at;            /* this call finds no power */
	uint64_t fail_at, fail_last; /* these calls fail */
	int fail_errno;
	bool dead;
	bool busy;  /* what is allocated meanwhile is the disk's */
	bool trace; /* DISK_TRACE=1, to look at a failure */
	struct rng rng;
	uint64_t state[4];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static DISK_UNUSED void disk_lock(void)
{
	pthread_mutex_lock(&disk.lock);
	disk.busy = true;
}

static DISK_UNUSED void disk_unlock(void)
{
	disk.busy = false;
	pthread_mutex_unlock(&disk.lock);
}

static uint64_t disk_draw(uint64_t below)
{
	return rng_u64(&disk.rng) % below;
}

/* ---- what is safe */

static struct disk_node *disk_node_new(const struct stat *st)
{
	struct disk_node *n = calloc(1, sizeof(*n));
	REQUIRE(n, "memory");
	n->next = disk.nodes;
	n->dev = st->st_dev;
	n->ino = st->st_ino;
	n->dir = S_ISDIR(st->st_mode);
	return disk.nodes = n;
}

static struct disk_node *disk_node_find(const struct stat *st)
{
	for (struct disk_node *n = disk.nodes; n; n = n->next)
		if (n->ino == st->st_ino && n->dev == st->st_dev)
			return n;
	return NULL;
}

static void disk_set_name(struct disk_node *dir, const char *name, struct disk_node *node)
{
	struct disk_name **at = &dir->names, *e;
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	e = *at;
	if (!node && e) {
		*at = e->next;
		free(e);
	}
	if (!node)
		return;
	if (!e) {
		e = calloc(1, sizeof(*e));
		REQUIRE(e && strlen(name) < DISK_NAME, "memory");
		strcpy(e->name, name);
		*at = e;
	}
	e->node = node;
}

static void disk_resize(struct disk_node *f, size_t n)
{
	uint8_t *bytes = realloc(f->bytes, n + 1);
	REQUIRE(bytes, "memory");
	if (n > f->n)
		memset(bytes + f->n, 0, n - f->n);
	f->bytes = bytes;
	f->n = n;
}

/* Sectors of a write, each by a coin if it is torn. */
static void disk_write(struct disk_node *f, const struct disk_op *op, bool torn)
{
	if (op->at + op->n > f->n)
		disk_resize(f, op->at + op->n);
	for (size_t i = 0, end; i < op->n; i = end) {
		end = i + DISK_SECTOR - (op->at + i) % DISK_SECTOR;
		end = end < op->n ? end : op->n;
		if (!torn || disk_draw(2))
			memcpy(f->bytes + op->at + i, op->bytes + i, end - i);
	}
}

static void disk_apply(struct disk_node *n, const struct disk_op *op, bool torn)
{
	if (n->dir) {
		disk_set_name(n, op->set[0].name, op->set[0].node);
		if (op->set[1].name[0])
			disk_set_name(n, op->set[1].name, op->set[1].node);
	} else if (op->cut) {
		disk_resize(n, op->n);
	} else {
		disk_write(n, op, torn);
	}
}

static struct disk_op *disk_op_add(struct disk_node *n)
{
	struct disk_op **at = &n->ops, *op = calloc(1, sizeof(*op));
	REQUIRE(op, "memory");
	while (*at)
		at = &(*at)->next;
	return *at = op;
}

static void disk_forget(struct disk_node *n, struct disk_op **at)
{
	struct disk_op *op = *at;
	(void)n;
	*at = op->next;
	free(op->bytes);
	free(op);
}

static void disk_synced(struct disk_node *n)
{
	while (n->ops) {
		if (!n->ops->stuck)
			disk_apply(n, n->ops, false);
		disk_forget(n, &n->ops);
	}
}

static void disk_stick(struct disk_node *n)
{
	for (struct disk_op *op = n->ops; op; op = op->next)
		op->stuck = true;
}

/* ---- what a power cut leaves */

/* Of a directory's changes the first few, mostly: file systems keep their order. */
static void disk_settle(struct disk_node *n, enum disk_cut how)
{
	uint64_t count = 0, first = 0, kind = how == DISK_SOME ? disk_draw(4) : 0;
	for (struct disk_op *op = n->ops; op; op = op->next)
		count++;
	if (kind == 1 || (n->dir && kind > 1))
		first = disk_draw(count + 1);
	while (n->ops) {
		bool all = how == DISK_KEEP || (how == DISK_SOME && first > 0);
		bool some = how == DISK_SOME && kind != 1 && disk_draw(2);
		if (all || (some && !n->dir))
			disk_apply(n, n->ops, !all && kind == 2);
		first -= first > 0;
		disk_forget(n, &n->ops);
	}
}

static void disk_empty(const char *path)
{
	char below[4096];
	DIR *d = opendir(path);
	REQUIRE(d, path);
	for (struct dirent *e; (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR) {
			disk_empty(below);
			REQUIRE(!rmdir(below), below);
		} else {
			REQUIRE(!unlink(below), below);
		}
	}
	closedir(d);
}

static void disk_put(const struct disk_node *n, const char *path)
{
	char below[4096];
	if (!n->dir) {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		REQUIRE(fd >= 0 && write(fd, n->bytes, n->n) == (ssize_t)n->n, path);
		close(fd);
	}
	for (const struct disk_name *e = n->names; e; e = e->next) {
		snprintf(below, sizeof(below), "%s/%s", path, e->name);
		REQUIRE(!e->node->dir || !mkdir(below, 0700), below);
		disk_put(e->node, below);
	}
}

static void disk_drop_nodes(void)
{
	for (struct disk_node *n; (n = disk.nodes);) {
		disk.nodes = n->next;
		while (n->ops)
			disk_forget(n, &n->ops);
		while (n->names)
			disk_set_name(n, n->names->name, NULL);
		free(n->bytes);
		free(n);
	}
	memset(disk.fd, 0, sizeof(disk.fd));
}

static void disk_read(struct disk_node *n, const char *path, off_t size)
{
	int fd = open(path, O_RDONLY);
	disk_resize(n, (size_t)size);
	REQUIRE(fd >= 0 && read(fd, n->bytes, n->n) == (ssize_t)n->n, path);
	close(fd);
}

static struct disk_node *disk_scan(const char *path)
{
	char below[4096];
	struct stat st;
	REQUIRE(!lstat(path, &st), path);
	struct disk_node *n = disk_node_find(&st);
	if (n)
		return n;
	n = disk_node_new(&st);
	if (!n->dir) {
		disk_read(n, path, st.st_size);
		return n;
	}
	DIR *d = opendir(path);
	REQUIRE(d, path);
	for (struct dirent *e; (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		disk_set_name(n, e->d_name, disk_scan(below));
	}
	closedir(d);
	return n;
}

/* ---- for tests */

/* All there is below `root` is safe; nothing of it may be open. */
static DISK_UNUSED void disk_watch(const char *root)
{
	disk.top = NULL; /* nothing is caught meanwhile */
	disk_drop_nodes();
	snprintf(disk.root, sizeof(disk.root), "%s", root);
	disk.trace = getenv("DISK_TRACE") != NULL;
	disk.top = disk_scan(root);
}

/* Power fails at the nth mutating call from now on, before it does anything; 0: it does not. */
static DISK_UNUSED void disk_arm(uint64_t nth)
{
	disk.calls = disk.syncs = 0;
	disk.dead_at = nth;
	disk.fail_at = disk.fail_last = 0;
}

/* Of the calls from now on, `n` fail, beginning with the nth; n 0: until it is armed anew. */
static DISK_UNUSED void disk_fail(uint64_t nth, uint64_t n, int no)
{
	disk_arm(0);
	disk.fail_at = nth;
	disk.fail_last = n ? nth + n - 1 : UINT64_MAX;
	disk.fail_errno = no;
}

static DISK_UNUSED bool disk_is_dead(void)
{
	return disk.dead;
}

/* Power is back; nothing may be open. */
static DISK_UNUSED void disk_revive(enum disk_cut how, uint64_t seed)
{
	char root[DISK_NAME];
	strcpy(root, disk.root);
	disk.rng = rng_test(disk.state, seed);
	disk.dead = false;
	disk_arm(0);
	if (how == DISK_KEEP) { /* what is not safe yet stays so */
		memset(disk.fd, 0, sizeof(disk.fd));
		return;
	}
	struct disk_node *top = disk.top;
	disk.top = NULL;
	for (struct disk_node *n = disk.nodes; n; n = n->next)
		disk_settle(n, how);
	disk_empty(root);
	disk_put(top, root);
	disk_watch(root);
}

#endif
