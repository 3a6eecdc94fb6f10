/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/anchor.h"

#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far enough apart that no write touches both, whatever the disk writes at once. */
enum { SLOT_N = 512, SLOT_AT = 4096, SLOTS = 2, GAP = 16 };

static const char name[] = "anchor", new_name[] = "anchor.new";

uint32_t store_anchor_next(const struct store_mark *db, const struct store_mark *anchor, bool lost)
{
	uint32_t n = db->rollbacks > anchor->rollbacks ? db->rollbacks : anchor->rollbacks;
	return n + (lost ? GAP : 1);
}

enum store_start store_anchor_judge(const struct store_mark *db, bool suspect, enum err found,
	const struct store_mark *anchor, enum store_seal *seal)
{
	*seal = STORE_SEAL_NONE;
	if (found == ERR_NOTFOUND && !db->generation && !suspect)
		return STORE_START_NEW;
	if (found) {
		*seal = found == ERR_NOTFOUND ? STORE_SEAL_MISSING : STORE_SEAL_DAMAGED;
		return STORE_START_SEALED;
	}
	if (memcmp(db->id, anchor->id, STORE_ID_BYTES) != 0)
		return STORE_START_FOREIGN;
	if (db->rollbacks > anchor->rollbacks || db->generation > anchor->generation + 1) {
		*seal = STORE_SEAL_OLDER;
		return STORE_START_SEALED;
	}
	if (suspect || db->rollbacks < anchor->rollbacks || db->generation < anchor->generation)
		return STORE_START_ROLLBACK;
	return db->generation == anchor->generation ? STORE_START_GOOD : STORE_START_CRASH;
}

/* ---- slots */

static const uint8_t magic[8] = {'L', 'N', 'Y', 'D', 'A', 'N', 'C', '1'};

/* Against torn writes, not against people. */
static uint64_t checksum(struct span s)
{
	static const uint8_t key[16] = {1};
	return siphash24(key, s);
}

static void slot_pack(uint8_t slot[static SLOT_N], uint64_t seq, const struct store_mark *m)
{
	struct writer w = wr_make(slot, SLOT_N);
	memset(slot, 0, SLOT_N);
	wr_bytes(&w, SPAN_OF(magic));
	wr_u64(&w, seq);
	wr_bytes(&w, SPAN_OF(m->id));
	wr_u64(&w, m->generation);
	wr_u32(&w, m->rollbacks);
	wr_u64(&w, checksum(wr_span(&w)));
}

static bool slot_unpack(struct span slot, uint64_t *seq, struct store_mark *m)
{
	struct reader r = rd_make(slot);
	struct span head = rd_bytes(&r, sizeof(magic));
	*seq = rd_u64(&r);
	struct span id = rd_bytes(&r, STORE_ID_BYTES);
	m->generation = rd_u64(&r);
	m->rollbacks = rd_u32(&r);
	struct span all = span_sub(slot, 0, slot.n - rd_left(&r));
	if (rd_u64(&r) != checksum(all) || r.err || !span_eq(head, SPAN_OF(magic)))
		return false;
	memcpy(m->id, id.p, STORE_ID_BYTES);
	return true;
}

static off_t slot_at(uint64_t seq)
{
	return (off_t)(seq % SLOTS) * SLOT_AT;
}

static enum err fail(const struct store_anchor *a, const char *doing, char *why)
{
	char path[4096 + 16];
	int no = errno;
	snprintf(path, sizeof(path), "%s/%s", a->dir, name);
	errno = no;
	return store_file_error(why, doing, path);
}

static enum err slot_write(
	const struct store_anchor *a, int fd, uint64_t seq, const struct store_mark *m, char *why)
{
	uint8_t slot[SLOT_N];
	slot_pack(slot, seq, m);
	ssize_t n = pwrite(fd, slot, sizeof(slot), slot_at(seq));
	if (n >= 0 && n != sizeof(slot))
		errno = ENOSPC;
	if (n != sizeof(slot))
		return fail(a, "write", why);
	return fdatasync(fd) ? fail(a, "sync", why) : ERR_OK;
}

/* The newest good slot of a file; ERR_CORRUPT: there is none. */
static enum err slots_read(struct store_anchor *a, int fd, char *why)
{
	bool found = false;
	for (uint64_t i = 0; i < SLOTS; i++) {
		uint8_t slot[SLOT_N];
		uint64_t seq;
		struct store_mark m;
		ssize_t n = pread(fd, slot, sizeof(slot), slot_at(i));
		if (n < 0)
			return fail(a, "read", why);
		if (!slot_unpack(span_make(slot, (size_t)n), &seq, &m) || seq % SLOTS != i ||
			(found && seq < a->seq))
			continue;
		found = true;
		a->seq = seq;
		a->mark = m;
	}
	if (found)
		return ERR_OK;
	snprintf(why, STORE_WHY_MAX, "%.200s/%s is damaged", a->dir, name);
	return ERR_CORRUPT;
}

/* ---- files */

static enum err lock(struct store_anchor *a, char *why)
{
	a->dir_fd = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir_fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : fail(a, "open", why);
	if (!flock(a->dir_fd, LOCK_EX | LOCK_NB))
		return ERR_OK;
	if (errno != EWOULDBLOCK)
		return fail(a, "lock", why);
	snprintf(why, STORE_WHY_MAX, "%.200s is in use by another process", a->dir);
	return ERR_BUSY;
}

/* Whoever made the file may have been killed before its name was safe. */
static enum err sync_names(const struct store_anchor *a, char *why)
{
	if (fsync(a->dir_fd))
		return fail(a, "sync the directory of", why);
	return store_file_make_dir(a->dir, why);
}

static enum err set_dir(struct store_anchor *a, const char *dir, char *why)
{
	int n = snprintf(a->dir, sizeof(a->dir), "%s", dir);
	a->dir_fd = a->fd = -1;
	if (n >= 0 && (size_t)n < sizeof(a->dir))
		return ERR_OK;
	snprintf(why, STORE_WHY_MAX, "the path of the anchor is too long");
	return ERR_IO;
}

/* Like every file beside it: nobody else's to read. */
static enum err tighten(const struct store_anchor *a, char *why)
{
	struct stat st;
	if (fstat(a->dir_fd, &st) || ((st.st_mode & 077) && fchmod(a->dir_fd, 0700)))
		return fail(a, "set the mode of", why);
	if (fstat(a->fd, &st) || ((st.st_mode & 077) && fchmod(a->fd, 0600)))
		return fail(a, "set the mode of", why);
	return ERR_OK;
}

enum err store_anchor_open(struct store_anchor *a, const char *dir, char *why)
{
	*a = (struct store_anchor){.dir_fd = -1, .fd = -1};
	enum err e = set_dir(a, dir, why);
	if (!e)
		e = lock(a, why);
	if (e)
		return e;
	a->fd = openat(a->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (a->fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : fail(a, "open", why);
	e = tighten(a, why);
	if (!e)
		e = slots_read(a, a->fd, why);
	a->damaged = e == ERR_CORRUPT;
	if (!e)
		e = sync_names(a, why);
	return e ? e : slot_write(a, a->fd, a->seq, &a->mark, why);
}

static enum err make_dir(struct store_anchor *a, char *why)
{
	if (a->dir_fd >= 0)
		return ERR_OK;
	enum err e = store_file_make_dir(a->dir, why);
	return e ? e : lock(a, why);
}

/* Both slots are written, so that the file never grows afterwards. */
static enum err fill(struct store_anchor *a, int fd, const struct store_mark *mark, char *why)
{
	enum err e = slot_write(a, fd, 0, mark, why);
	if (!e)
		e = slot_write(a, fd, 1, mark, why);
	if (!e && fsync(fd))
		e = fail(a, "sync", why);
	return e;
}

enum err store_anchor_make(struct store_anchor *a, const struct store_mark *mark, char *why)
{
	enum err e = make_dir(a, why);
	if (e)
		return e == ERR_NOTFOUND ? ERR_IO : e;
	if (unlinkat(a->dir_fd, new_name, 0) && errno != ENOENT)
		return fail(a, "make", why);
	int fd = openat(a->dir_fd, new_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(a, "make", why);
	e = fill(a, fd, mark, why);
	if (!e && renameat(a->dir_fd, new_name, a->dir_fd, name))
		e = fail(a, "make", why);
	if (!e && fsync(a->dir_fd))
		e = fail(a, "sync the directory of", why);
	if (e) {
		close(fd);
		return e;
	}
	if (a->fd >= 0)
		close(a->fd);
	a->fd = fd;
	a->damaged = false;
	a->seq = 1;
	a->mark = *mark;
	return ERR_OK;
}

enum err store_anchor_write(struct store_anchor *a, const struct store_mark *mark, char *why)
{
	if (a->fd < 0) {
		snprintf(why, STORE_WHY_MAX, "there is no anchor");
		return ERR_STATE;
	}
	enum err e = slot_write(a, a->fd, a->seq + 1, mark, why);
	if (e)
		return e;
	a->seq++;
	a->mark = *mark;
	return ERR_OK;
}

void store_anchor_close(struct store_anchor *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->dir_fd >= 0)
		close(a->dir_fd);
	a->fd = a->dir_fd = -1;
}

enum err store_anchor_peek(const char *dir, struct store_mark *out, char *why)
{
	struct store_anchor a;
	char path[4096 + 16];
	enum err e = set_dir(&a, dir, why);
	if (e)
		return e;
	snprintf(path, sizeof(path), "%s/%s", a.dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : fail(&a, "open", why);
	e = slots_read(&a, fd, why);
	close(fd);
	*out = a.mark;
	return e;
}
