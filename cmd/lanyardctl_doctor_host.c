/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: configuration, directories, clock, kernel and unit. */
#include "cmd/lanyardctl_doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

enum { OUTPUT_MAX = 65536, BUFFER_BYTES = 4 << 20, SPACE_FAIL_MIB = 16, SPACE_WARN_MIB = 256 };

static const char service_user[] = "lanyard";

/* ---- programs */

/* As the user of the service, where that is possible: what it cannot read, it cannot use. */
static void become_service(void)
{
	const struct passwd *p = geteuid() == 0 ? getpwnam(service_user) : NULL;

	if (p && (initgroups(p->pw_name, p->pw_gid) || setgid(p->pw_gid) || setuid(p->pw_uid)))
		_exit(127);
}

/* Runs a program and keeps what it says on both ways; its status, or -1. */
static int output_of(const char *const *argv, bool as_service, char out[static OUTPUT_MAX])
{
	int ends[2], status = -1;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	out[0] = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		if (as_service)
			become_service();
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	while (pid > 0 && n < OUTPUT_MAX - 1 &&
		((got = read(ends[0], out + n, OUTPUT_MAX - 1 - n)) > 0 ||
			(got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	out[n] = '\0';
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* ---- the configuration */

/* The daemon of the same installation, else the one in PATH. */
static const char *daemon_program(struct ctl *c)
{
	char self[PATH_MAX], beside[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir;

	self[n > 0 ? n : 0] = '\0';
	dir = dirname(self);
	for (size_t i = 0; n > 0 && i < 2; i++) {
		snprintf(beside, sizeof(beside), i ? "%s/../sbin/lanyardd" : "%s/lanyardd", dir);
		if (access(beside, X_OK) == 0)
			return ctl_fmt(c, "%s", beside);
	}
	return "lanyardd";
}

/* The value of "KEY = value" of a section, in what --print-config prints. */
static const char *value_of(struct ctl *c, const char *text, const char *section, const char *key)
{
	const char *at = strstr(text, ctl_fmt(c, "[%s]\n", section));
	const char *end = at ? strstr(at, "\n[") : NULL;
	const char *found = at ? strstr(at, ctl_fmt(c, "\n%s =", key)) : NULL;

	if (!found || (end && found > end))
		return NULL;
	found += strlen(key) + 3;
	found += *found == ' ';
	return ctl_fmt(c, "%.*s", (int)strcspn(found, "\n"), found);
}

static void keep_config(struct doctor *d, const char *text)
{
	d->dir = value_of(d->ctl, text, "storage", "dir");
	d->anchor = value_of(d->ctl, text, "storage", "anchor");
	if (d->dir && (!d->anchor || !*d->anchor))
		d->anchor = ctl_fmt(d->ctl, "%s.anchor", d->dir);
	const char *socket = value_of(d->ctl, text, "admin", "socket");
	if (socket && !d->ctl->opt[CTL_OPT_SOCKET] && !getenv("LANYARD_SOCKET"))
		d->ctl->socket = socket;
}

void doc_config(struct doctor *d)
{
	struct ctl *c = d->ctl;
	const char *file = c->opt[CTL_OPT_CONFIG], *program = daemon_program(c);
	const char *argv[] = {program, "--print-config", file ? "--config" : NULL, file, NULL};
	const char *named = file ? file : "/etc/lanyard/lanyard.conf";
	char *out = calloc(1, OUTPUT_MAX);
	int status = out ? output_of(argv, true, out) : -1;

	if (status == 127 || status < 0) {
		doc_say(d, DOC_WARN, "config",
			"lanyardd was not found, the configuration is not checked",
			"install lanyardd beside lanyardctl or in PATH");
	} else if (status) {
		doc_say(d, DOC_FAIL, "config",
			ctl_fmt(c, "%s cannot be used: %.*s", named, (int)strcspn(out, "\n"), out),
			"mend that line; 'lanyardd --check-config' tells all of them");
	} else {
		doc_say(d, DOC_OK, "config",
			access(named, F_OK) && errno == ENOENT
				? ctl_fmt(c, "there is no %s, defaults are used", named)
				: ctl_fmt(c, "%s is valid", named),
			NULL);
		keep_config(d, strstr(out, "[server]\n") ? strstr(out, "[server]\n") : out);
	}
	free(out);
}

/* ---- directories */

static void check_rights(
	struct doctor *d, const char *check, const char *path, const struct stat *st)
{
	const struct passwd *p = getpwuid(st->st_uid);
	const char *owner =
		p ? ctl_fmt(d->ctl, "%s", p->pw_name) : ctl_fmt(d->ctl, "%u", st->st_uid);

	if (!S_ISDIR(st->st_mode))
		doc_say(d, DOC_FAIL, check, ctl_fmt(d->ctl, "%s is no directory", path),
			"move it away");
	else if (st->st_mode & 077)
		doc_say(d, DOC_FAIL, check,
			ctl_fmt(d->ctl, "%s is open to others (mode %04o): it holds keys", path,
				st->st_mode & 07777),
			ctl_fmt(d->ctl, "chmod 0700 %s", path));
	else
		doc_say(d, DOC_OK, check,
			ctl_fmt(d->ctl, "%s is of %s alone (mode %04o)", path, owner,
				st->st_mode & 07777),
			NULL);
}

/* File systems on which a commit is no commit. */
static const struct {
	unsigned long magic;
	const char *name;
	enum doc_level level;
	const char *why;
} file_systems[] = {
	{0x6969, "NFS", DOC_FAIL, "locks and syncs of a network cannot be relied on"},
	{0xff534d42, "CIFS", DOC_FAIL, "locks and syncs of a network cannot be relied on"},
	{0xfe534d42, "SMB", DOC_FAIL, "locks and syncs of a network cannot be relied on"},
	{0x01021997, "9p", DOC_WARN, "its syncs may not reach a disk"},
	{0x01021994, "tmpfs", DOC_WARN, "it is lost when the machine stops"},
	{0x858458f6, "ramfs", DOC_WARN, "it is lost when the machine stops"},
	{0x794c7630, "overlayfs", DOC_WARN,
		"it is lost with its container, unless that is a volume"},
	{0x65735546, "FUSE", DOC_WARN, "its syncs may not reach a disk"},
};

static void check_file_system(struct doctor *d, const char *path, const struct statfs *fs)
{
	struct ctl *c = d->ctl;
	uint64_t free_mib = (uint64_t)fs->f_bavail * (uint64_t)fs->f_bsize / MIB;

	if (fs->f_flags & 1 /* ST_RDONLY */)
		doc_say(d, DOC_FAIL, "space", ctl_fmt(c, "%s is mounted read-only", path),
			"mount it rw");
	else if (free_mib < SPACE_FAIL_MIB || fs->f_ffree == 0)
		doc_say(d, DOC_FAIL, "space",
			ctl_fmt(c, "%llu MiB and %llu inodes are left at %s",
				(unsigned long long)free_mib, (unsigned long long)fs->f_ffree,
				path),
			"make room: without it requests get 5.03");
	else
		doc_say(d, free_mib < SPACE_WARN_MIB ? DOC_WARN : DOC_OK, "space",
			ctl_fmt(c, "%llu MiB are left at %s", (unsigned long long)free_mib, path),
			free_mib < SPACE_WARN_MIB ? "make room before it is gone" : NULL);
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
		if ((unsigned long)fs->f_type == file_systems[i].magic) {
			doc_say(d, file_systems[i].level, "file-system",
				ctl_fmt(c, "%s is on %s: %s", path, file_systems[i].name,
					file_systems[i].why),
				"put [storage] dir on a local disk");
			return;
		}
	doc_say(d, DOC_OK, "file-system", ctl_fmt(c, "%s is on a local file system", path), NULL);
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static void check_anchor(struct doctor *d, const struct stat *state)
{
	char real_dir[PATH_MAX], real_anchor[PATH_MAX];
	struct ctl *c = d->ctl;
	struct stat st, db;
	bool used = stat(ctl_fmt(c, "%s/lanyard.db", d->dir), &db) == 0;

	if (stat(d->anchor, &st)) {
		if (errno == EACCES)
			doc_say(d, DOC_WARN, "anchor",
				ctl_fmt(c, "%s cannot be looked at", d->anchor),
				"run doctor as root or as the daemon's user");
		else if (used)
			doc_say(d, DOC_FAIL, "anchor",
				ctl_fmt(c,
					"%s is missing: at its next start the database is sealed",
					d->anchor),
				"put the anchor back; if there is none, see 'lanyardctl help "
				"unseal'");
		else
			doc_say(d, DOC_OK, "anchor",
				ctl_fmt(c, "%s is made at the first start", d->anchor), NULL);
		return;
	}
	check_rights(d, "anchor", d->anchor, &st);
	if (realpath(d->dir, real_dir) && realpath(d->anchor, real_anchor) &&
		below(real_anchor, real_dir))
		doc_say(d, DOC_FAIL, "anchor-place",
			ctl_fmt(c, "%s is within %s: a copy of the one takes the other along",
				d->anchor, d->dir),
			"set [storage] anchor to a directory outside");
	else
		doc_say(d, DOC_OK, "anchor-place",
			ctl_fmt(c, "the anchor is outside of the state directory%s",
				st.st_dev == state->st_dev ? ", on the same file system (its "
							     "snapshots take both along)"
							   : ", on a file system of its own"),
			NULL);
}

void doc_directories(struct doctor *d)
{
	struct ctl *c = d->ctl;
	struct statfs fs;
	struct stat st;

	if (!d->dir)
		return; /* the configuration is not known, which was told */
	if (stat(d->dir, &st)) {
		bool hidden = errno == EACCES;
		doc_say(d, DOC_WARN, "state",
			ctl_fmt(c, "%s %s", d->dir,
				hidden ? "cannot be looked at" : "does not exist (yet)"),
			hidden ? "run doctor as root or as the daemon's user"
			       : "the first start makes it, if its user may; the unit has "
				 "StateDirectory=");
		return;
	}
	check_rights(d, "state", d->dir, &st);
	if (statfs(d->dir, &fs) == 0)
		check_file_system(d, d->dir, &fs);
	check_anchor(d, &st);
}

/* ---- clock and kernel */

void doc_clock(struct doctor *d)
{
	struct timex t = {0};
	time_t now = time(NULL);
	const time_t year_2025 = 1735689600;

	if (now < year_2025)
		doc_say(d, DOC_FAIL, "clock", "the clock is years behind",
			"set it: events, Current Time of devices and certificates go by it");
	else if (adjtimex(&t) < 0 || t.status & STA_UNSYNC)
		doc_say(d, DOC_WARN, "clock", "nothing keeps the clock in step",
			"let systemd-timesyncd or chrony do so");
	else
		doc_say(d, DOC_OK, "clock", "the clock is kept in step", NULL);
}

static bool read_number(const char *path, uint64_t *out)
{
	char text[64] = "";
	FILE *f = fopen(path, "re");
	bool good = f && fgets(text, sizeof(text), f);

	if (f)
		fclose(f);
	return good && !span_to_u64(span_make(text, strcspn(text, "\n")), UINT64_MAX, out);
}

void doc_buffers(struct doctor *d)
{
	static const char *const names[] = {"rmem_max", "wmem_max"};
	uint64_t have;

	for (size_t i = 0; i < 2; i++) {
		if (!read_number(ctl_fmt(d->ctl, "/proc/sys/net/core/%s", names[i]), &have))
			continue;
		doc_say(d, have < BUFFER_BYTES ? DOC_WARN : DOC_OK, "buffers",
			ctl_fmt(d->ctl, "net.core.%s is %llu, the daemon asks for %d", names[i],
				(unsigned long long)have, BUFFER_BYTES),
			have < BUFFER_BYTES
				? ctl_fmt(d->ctl, "sysctl net.core.%s=%d, else bursts are lost",
					  names[i], BUFFER_BYTES)
				: NULL);
	}
}

/* ---- the unit */

const char *doc_unit_value(struct doctor *d, const char *name)
{
	const char *argv[] = {"systemctl", "show", "lanyardd.service", "--value", "-p", name, NULL};
	char *out = calloc(1, OUTPUT_MAX);
	const char *value = "";

	if (out && output_of(argv, false, out) == 0)
		value = ctl_fmt(d->ctl, "%.*s", (int)strcspn(out, "\n"), out);
	free(out);
	return value;
}

void doc_unit(struct doctor *d)
{
	const char *load, *active, *enabled;

	if (access("/run/systemd/system", F_OK)) {
		doc_say(d, DOC_OK, "unit", "systemd does not run here", NULL);
		return;
	}
	load = doc_unit_value(d, "LoadState");
	active = doc_unit_value(d, "ActiveState");
	enabled = doc_unit_value(d, "UnitFileState");
	if (strcmp(load, "loaded") != 0)
		doc_say(d, DOC_WARN, "unit", "there is no lanyardd.service",
			"'make install' or the Debian package has one");
	else if (strcmp(active, "failed") == 0)
		doc_say(d, DOC_FAIL, "unit", "lanyardd.service has failed",
			"'journalctl -u lanyardd' says why");
	else if (strcmp(enabled, "enabled") != 0)
		doc_say(d, DOC_WARN, "unit",
			ctl_fmt(d->ctl, "lanyardd.service is %s and %s", active,
				*enabled ? enabled : "not enabled"),
			"'systemctl enable lanyardd' starts it with the machine");
	else
		doc_say(d, strcmp(active, "active") ? DOC_WARN : DOC_OK, "unit",
			ctl_fmt(d->ctl, "lanyardd.service is %s and enabled", active),
			strcmp(active, "active") ? "'systemctl start lanyardd'" : NULL);
}
