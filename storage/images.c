/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/images.h"

#include "base/text.h"
#include "storage/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 2 * STORE_SHA256 + 1, CHUNK = 256 << 10, AHEAD = 512 << 10 };

struct seals {
	struct store_image_seal *head, **tail;
};

struct store_images {
	int dir, event;
	struct store_digest digest;
	pthread_t thread;
	bool running;
	size_t out; /* seals not told yet */
	/* with the lock: */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct seals todo, done;
	bool stop;
};

static void seals_init(struct seals *s)
{
	s->head = NULL;
	s->tail = &s->head;
}

static void seals_add(struct seals *s, struct store_image_seal *one)
{
	one->next = NULL;
	*s->tail = one;
	s->tail = &one->next;
}

static struct store_image_seal *seals_take(struct seals *s)
{
	struct store_image_seal *one = s->head;
	if (one && !(s->head = one->next))
		s->tail = &s->head;
	return one;
}

static enum err error_of(void)
{
	char why[STORE_WHY_MAX];
	return store_file_error(why, "use", "an image");
}

static void name_of(const uint8_t sha256[static STORE_SHA256], char out[static NAME_MAX_BYTES])
{
	struct writer w = wr_make(out, NAME_MAX_BYTES - 1);
	wr_hex(&w, span_make(sha256, STORE_SHA256));
	out[w.n] = '\0';
}

static void upload_name(uint64_t upload, char out[static NAME_MAX_BYTES])
{
	snprintf(out, NAME_MAX_BYTES, "upload-%" PRIu64, upload);
}

/* ---- the thread */

static enum err hash_file(
	const struct store_images *im, int fd, uint8_t *buf, struct store_image_seal *s)
{
	void *digest = im->digest.begin();
	enum err e = digest ? ERR_OK : ERR_NOMEM;
	s->bytes = 0;
	for (ssize_t n = 1; !e && n > 0;) {
		n = pread(fd, buf, CHUNK, (off_t)s->bytes);
		if (n < 0 && errno != EINTR)
			e = error_of();
		if (n > 0) {
			im->digest.add(digest, span_make(buf, (size_t)n));
			s->bytes += (uint64_t)n;
		}
		n = n < 0 ? 1 : n;
	}
	if (!digest)
		return e;
	enum err end = im->digest.end(digest, s->sha256);
	return e ? e : end;
}

static enum err seal(struct store_images *im, struct store_image_seal *s)
{
	char from[NAME_MAX_BYTES], to[NAME_MAX_BYTES];
	upload_name(s->upload, from);
	int fd = openat(im->dir, from, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	uint8_t *buf = malloc(CHUNK);
	enum err e = fd < 0 ? error_of() : buf ? ERR_OK : ERR_NOMEM;
	if (!e)
		e = hash_file(im, fd, buf, s);
	if (!e && fsync(fd))
		e = error_of();
	if (!e) {
		name_of(s->sha256, to);
		e = renameat(im->dir, from, im->dir, to) || fsync(im->dir) ? error_of() : ERR_OK;
	}
	if (e)
		unlinkat(im->dir, from, 0);
	if (fd >= 0)
		close(fd);
	free(buf);
	return e;
}

static void *work(void *arg)
{
	struct store_images *im = arg;
	uint64_t one = 1;
	pthread_mutex_lock(&im->lock);
	for (;;) {
		while (!im->todo.head && !im->stop)
			pthread_cond_wait(&im->wake, &im->lock);
		struct store_image_seal *s = im->stop ? NULL : seals_take(&im->todo);
		if (!s)
			break;
		pthread_mutex_unlock(&im->lock);
		s->result = seal(im, s);
		pthread_mutex_lock(&im->lock);
		seals_add(&im->done, s);
		if (write(im->event, &one, sizeof(one)) < 0)
			continue; /* it is readable already */
	}
	pthread_mutex_unlock(&im->lock);
	return NULL;
}

/* ---- the caller's side */

static enum err open_dir(struct store_images *im, const char *dir, char *why)
{
	enum err e = store_file_make_dir(dir, why);
	if (e)
		return e;
	im->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->dir < 0)
		return store_file_error(why, "open directory", dir);
	struct stat st;
	if (fstat(im->dir, &st) || ((st.st_mode & 077) && fchmod(im->dir, 0700)))
		return store_file_error(why, "set the mode of", dir);
	im->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return im->event < 0 ? store_file_error(why, "watch", dir) : ERR_OK;
}

enum err store_images_open(
	const char *dir, const struct store_digest *digest, struct store_images **out, char *why)
{
	struct store_images *im = calloc(1, sizeof(*im));
	if (!im)
		return ERR_NOMEM;
	im->dir = im->event = -1;
	im->digest = *digest;
	seals_init(&im->todo);
	seals_init(&im->done);
	pthread_mutex_init(&im->lock, NULL);
	pthread_cond_init(&im->wake, NULL);
	enum err e = open_dir(im, dir, why);
	if (e) {
		store_images_close(im);
		return e;
	}
	*out = im;
	return ERR_OK;
}

void store_images_close(struct store_images *im)
{
	if (!im)
		return;
	pthread_mutex_lock(&im->lock);
	im->stop = true;
	pthread_cond_signal(&im->wake);
	pthread_mutex_unlock(&im->lock);
	if (im->running)
		pthread_join(im->thread, NULL);
	store_images_poll(im);
	for (struct store_image_seal *s; (s = seals_take(&im->todo));) {
		s->result = ERR_STATE;
		s->done(s);
	}
	pthread_mutex_destroy(&im->lock);
	pthread_cond_destroy(&im->wake);
	if (im->dir >= 0)
		close(im->dir);
	if (im->event >= 0)
		close(im->event);
	free(im);
}

static enum err write_all(int fd, uint64_t at, struct span s)
{
	while (s.n) {
		ssize_t n = pwrite(fd, s.p, s.n, (off_t)at);
		if (n < 0 && errno != EINTR)
			return error_of();
		if (n > 0) {
			at += (uint64_t)n;
			s = span_sub(s, (size_t)n, s.n);
		}
	}
	return ERR_OK;
}

enum err store_images_add(struct store_images *im, uint64_t upload, uint64_t at, struct span bytes)
{
	char name[NAME_MAX_BYTES];
	int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (at ? 0 : O_CREAT | O_TRUNC);
	upload_name(upload, name);
	int fd = openat(im->dir, name, flags, 0600);
	if (fd < 0)
		return error_of();
	enum err e = write_all(fd, at, bytes);
	/* So that little is left to wait for when it is whole. */
	if (!e)
		(void)!sync_file_range(fd, (off_t)at, (off_t)bytes.n, SYNC_FILE_RANGE_WRITE);
	close(fd);
	return e;
}

void store_images_drop(struct store_images *im, uint64_t upload)
{
	char name[NAME_MAX_BYTES];
	upload_name(upload, name);
	unlinkat(im->dir, name, 0);
}

void store_images_seal(struct store_images *im, struct store_image_seal *s)
{
	uint64_t one = 1;
	im->out++;
	if (!im->running) { /* signals are for the other thread */
		sigset_t all, old;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		im->running = !pthread_create(&im->thread, NULL, work, im);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	s->result = ERR_NOMEM;
	pthread_mutex_lock(&im->lock);
	seals_add(im->running ? &im->todo : &im->done, s);
	pthread_cond_signal(&im->wake);
	pthread_mutex_unlock(&im->lock);
	if (!im->running)
		(void)!write(im->event, &one, sizeof(one));
}

int store_images_fd(const struct store_images *im)
{
	return im->event;
}

void store_images_poll(struct store_images *im)
{
	uint64_t n;
	if (im->event >= 0)
		(void)!read(im->event, &n, sizeof(n));
	for (;;) {
		pthread_mutex_lock(&im->lock);
		struct store_image_seal *s = seals_take(&im->done);
		pthread_mutex_unlock(&im->lock);
		if (!s)
			return;
		im->out--;
		s->done(s);
	}
}

enum err store_images_read(struct store_images *im, const uint8_t sha256[static STORE_SHA256],
	uint64_t at, uint8_t *buf, size_t n)
{
	char name[NAME_MAX_BYTES];
	name_of(sha256, name);
	int fd = openat(im->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_of();
	ssize_t got = pread(fd, buf, n, (off_t)at);
	enum err e = got < 0 ? error_of() : (size_t)got == n ? ERR_OK : ERR_SHORT;
	if (at % (AHEAD / 2) < n) /* who reads on is not to wait for the disk */
		posix_fadvise(fd, (off_t)at, AHEAD, POSIX_FADV_WILLNEED);
	close(fd);
	return e;
}

void store_images_remove(struct store_images *im, const uint8_t sha256[static STORE_SHA256])
{
	char name[NAME_MAX_BYTES];
	name_of(sha256, name);
	if (!im->out)
		unlinkat(im->dir, name, 0);
}

/* Whose file it is; false: nobody's, it is not an image. */
static bool read_name(const char *name, uint8_t sha256[static STORE_SHA256])
{
	struct writer w = wr_make(sha256, STORE_SHA256);
	return !hex_decode(span_str(name), &w) && w.n == STORE_SHA256;
}

void store_images_sweep(struct store_images *im, store_images_keep_fn *keep, void *arg)
{
	int fd = openat(im->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	uint8_t sha256[STORE_SHA256];
	if (!d && fd >= 0)
		close(fd);
	for (struct dirent *e; d && (e = readdir(d));) {
		bool upload = !strncmp(e->d_name, "upload-", 7);
		bool image = read_name(e->d_name, sha256);
		if (upload || (image && !keep(arg, sha256)))
			unlinkat(im->dir, e->d_name, 0);
	}
	if (d)
		closedir(d);
}
