/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardctl: the database as a whole. */
#include "cmd/lanyardctl.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- backup */

struct copying {
	const char *from, *to;
	int in, out;
	uint64_t bytes, done;
	bool shown; /* there is a line of progress */
};

/* On a terminal only. */
static void progress(struct copying *k, bool over)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (over && k->shown)
		fprintf(stderr, "\r\033[K");
	else if (!over)
		fprintf(stderr, "\r\033[Kcopying: %llu of %llu MiB",
			(unsigned long long)(k->done >> 20), (unsigned long long)(k->bytes >> 20));
	k->shown = !over;
}

static int copy_failed(const char *what, const char *path)
{
	return ctl_fail("cannot %s %s: %s", what, path, strerror(errno));
}

static int copy_bytes(struct copying *k)
{
	enum { SIZE = 1 << 20 };
	uint8_t *buf = malloc(SIZE);
	ssize_t n = 0;
	int rc = buf ? CTL_OK : ctl_fail("out of memory");

	while (rc == CTL_OK && (n = read(k->in, buf, SIZE)) > 0) {
		ssize_t put = write(k->out, buf, (size_t)n);
		if (put >= 0 && put != n)
			errno = ENOSPC;
		if (put != n)
			rc = copy_failed("write", k->to);
		k->done += (uint64_t)n;
		progress(k, false);
	}
	if (rc == CTL_OK && n < 0)
		rc = copy_failed("read", k->from);
	if (buf)
		secret_wipe(buf, SIZE);
	free(buf);
	progress(k, true);
	if (rc == CTL_OK && k->done != k->bytes)
		rc = ctl_fail("%s is not of the length that the daemon has told", k->from);
	return rc;
}

static int sync_copy(const struct copying *k)
{
	char *name = strdup(k->to);
	int dir, rc = CTL_OK;

	if (!name)
		return ctl_fail("out of memory");
	dir = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fsync(k->out) || dir < 0 || fsync(dir))
		rc = copy_failed("sync", k->to);
	if (dir >= 0)
		close(dir);
	free(name);
	return rc;
}

/* The daemon's copy, which goes when it has been taken. */
static int take(struct copying *k)
{
	int rc;

	k->in = open(k->from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (k->in < 0)
		return ctl_fail(
			"the copy is made, but it cannot be read: %s: %s; take it as root or "
			"as the daemon's user, and remove it there",
			k->from, strerror(errno));
	rc = copy_bytes(k);
	if (rc == CTL_OK)
		rc = sync_copy(k);
	if (rc == CTL_OK && unlink(k->from))
		fprintf(stderr, "lanyardctl: cannot remove %s: %s; it holds keys, remove it\n",
			k->from, strerror(errno));
	close(k->in);
	return rc;
}

/* What the daemon answers. */
static int ask_for_copy(struct ctl *c, struct copying *k, struct ctl_reply *r)
{
	int rc;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "the daemon makes a copy ...");
	rc = ctl_call(c, "POST", "/v1/backups", NULL, 0, r);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	if (rc)
		return rc;
	k->from = json_object_get_string(ctl_member(r->json, "path"));
	k->bytes = (uint64_t)json_object_get_int64(ctl_member(r->json, "bytes"));
	return k->from ? CTL_OK : ctl_fail("the daemon has told no path");
}

int ctl_backup(struct ctl *c)
{
	struct copying k = {.to = c->arg[0], .in = -1};
	struct ctl_reply r = {0};
	int rc;

	/* First, so that no copy is made for nothing. */
	k.out = open(k.to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (k.out < 0)
		return ctl_fail("cannot make %s: %s%s", k.to, strerror(errno),
			errno == EEXIST ? "; a backup never overwrites" : "");
	rc = ask_for_copy(c, &k, &r);
	if (rc == CTL_OK)
		rc = take(&k);
	if (rc != CTL_OK)
		unlink(k.to);
	else if (!c->opt[CTL_OPT_JSON])
		printf("%s: %llu bytes. It holds the keys of all devices.\n", k.to,
			(unsigned long long)k.bytes);
	else
		printf("{\"bytes\":%llu}\n", (unsigned long long)k.bytes);
	close(k.out);
	ctl_reply_free(&r);
	return rc;
}

/* ---- restore and unseal */

/* The daemon of the same installation, else the one in PATH. */
int ctl_restore(struct ctl *c)
{
	char self[PATH_MAX], beside[PATH_MAX + 16];
	const char *config = c->opt[CTL_OPT_CONFIG];
	const char *args[] = {
		"lanyardd", "--restore", c->arg[0], config ? "--config" : NULL, config, NULL};
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	snprintf(beside, sizeof(beside), "%s/lanyardd", dirname(self));
	fflush(stdout);
	if (n > 0)
		execv(beside, (char *const *)args);
	execvp("lanyardd", (char *const *)args);
	return ctl_fail("cannot run lanyardd: %s", strerror(errno));
}

int ctl_unseal(struct ctl *c)
{
	struct ctl_reply r;

	if (!c->opt[CTL_OPT_ONLY_COPY])
		return ctl_usage(ctl_command_find("unseal"),
			"unseal needs --only-copy, which says that no other copy of this database "
			"runs, has run since this one was made, or will run");
	int rc = ctl_call(c, "POST", "/v1/unseal", "{\"only_copy\":true}", 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r))
		puts("The database is open. Every device has to prove itself with an Echo option "
		     "at its next request.");
	ctl_reply_free(&r);
	return rc;
}
