/* SPDX-License-Identifier: Apache-2.0 */
/* Files of firmware images: what lands under which name, and what does not. */
#include "storage/images.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not SHA-256, but as good for telling these few apart: its length, its sum, its last byte. */
struct digest {
	uint8_t v[STORE_SHA256];
};

static bool digest_fails;

static void *digest_begin(void)
{
	return calloc(1, sizeof(struct digest));
}

static void digest_add(void *digest, struct span s)
{
	struct digest *d = digest;
	for (size_t i = 0; i < s.n; i++) {
		d->v[0] = (uint8_t)(d->v[0] + s.p[i]);
		d->v[1]++;
		d->v[2] = (uint8_t)(d->v[2] + !d->v[1]);
		d->v[31] = s.p[i];
	}
}

static enum err digest_end(void *digest, uint8_t *out)
{
	memcpy(out, ((struct digest *)digest)->v, STORE_SHA256);
	free(digest);
	return digest_fails ? ERR_NOMEM : ERR_OK;
}

static const struct store_digest digests = {digest_begin, digest_add, digest_end};
static char dir[64], why[256];
static struct store_images *im;
static unsigned told;

static void open_images(void)
{
	enum err e = store_images_open(dir, &digests, &im, why);
	REQUIRE(!e, why);
}

static void on_done(struct store_image_seal *s)
{
	(void)s;
	told++;
}

static void wait_told(unsigned n)
{
	while (told < n) {
		struct pollfd p = {.fd = store_images_fd(im), .events = POLLIN};
		REQUIRE(poll(&p, 1, 10000) == 1, "it ends");
		store_images_poll(im);
	}
}

static enum err seal(uint64_t upload, struct store_image_seal *s)
{
	*s = (struct store_image_seal){.upload = upload, .done = on_done};
	told = 0;
	store_images_seal(im, s);
	wait_told(1);
	return s->result;
}

/* How many files there are. */
static unsigned files(void)
{
	char cmd[128];
	unsigned n = 99;
	snprintf(cmd, sizeof(cmd), "ls -1 '%s' | wc -l", dir);
	FILE *f = popen(cmd, "r");
	if (f && fscanf(f, "%u", &n) != 1)
		n = 99;
	if (f)
		pclose(f);
	return n;
}

static bool keep_first(void *arg, const uint8_t sha256[static STORE_SHA256])
{
	return !memcmp(arg, sha256, STORE_SHA256);
}

static void whole(void)
{
	struct store_image_seal a, b, c;
	uint8_t got[8];
	struct stat st;
	char path[160];
	REQUIRE(!store_images_add(im, 1, 0, SPAN_LIT("abcd")), "the first piece");
	REQUIRE(!store_images_add(im, 1, 4, SPAN_LIT("efgh")), "the second");
	CHECK(files() == 1, "an upload is a file");
	CHECK(!seal(1, &a) && a.bytes == 8 && a.sha256[31] == 'h', "hashed as it is in the file");
	CHECK(!store_images_read(im, a.sha256, 2, got, 4) && !memcmp(got, "cdef", 4),
		"any part of it can be read");
	CHECK(store_images_read(im, a.sha256, 6, got, 4) == ERR_SHORT,
		"beyond its end there is none");
	snprintf(path, sizeof(path), "%s/", dir);
	for (size_t i = 0, n = strlen(path); i < STORE_SHA256; i++)
		snprintf(path + n + 2 * i, 3, "%02x", a.sha256[i]);
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600 && !stat(dir, &st) &&
			(st.st_mode & 0777) == 0700,
		"its owner alone may read it");
	REQUIRE(!store_images_add(im, 2, 0, SPAN_LIT("abcdefgh")), "the same once more");
	CHECK(!seal(2, &b) && !memcmp(a.sha256, b.sha256, STORE_SHA256) && files() == 1,
		"what is equal is kept once");
	REQUIRE(!store_images_add(im, 3, 0, SPAN_LIT("other")), "another");
	CHECK(!seal(3, &c) && files() == 2, "is another file");
	store_images_remove(im, c.sha256);
	CHECK(files() == 1 && store_images_read(im, c.sha256, 0, got, 1) == ERR_NOTFOUND,
		"what is removed is gone");
	store_images_sweep(im, keep_first, a.sha256);
	CHECK(files() == 1, "what is wanted is not swept away");
	store_images_sweep(im, keep_first, c.sha256);
	CHECK(files() == 0, "what is not, is");
}

static void broken(void)
{
	struct store_image_seal s;
	uint8_t none[STORE_SHA256] = {0};
	CHECK(store_images_add(im, 4, 4, SPAN_LIT("x")) == ERR_NOTFOUND, "an upload begins at 0");
	CHECK(seal(4, &s) == ERR_NOTFOUND, "what never came cannot be sealed");
	REQUIRE(!store_images_add(im, 5, 0, SPAN_LIT("abcdefgh")), "begun");
	REQUIRE(!store_images_add(im, 5, 0, SPAN_LIT("xy")), "and begun anew");
	CHECK(!seal(5, &s) && s.bytes == 2, "nothing is left of the first try");
	REQUIRE(!store_images_add(im, 6, 0, SPAN_LIT("abc")), "begun");
	digest_fails = true;
	CHECK(seal(6, &s) == ERR_NOMEM && files() == 1, "what cannot be hashed is not kept");
	digest_fails = false;
	REQUIRE(!store_images_add(im, 7, 0, SPAN_LIT("abc")), "begun");
	store_images_drop(im, 7);
	CHECK(files() == 1, "given up");
	REQUIRE(!store_images_add(im, 8, 0, SPAN_LIT("abc")), "begun");
	store_images_close(im);
	open_images();
	CHECK(files() == 2, "a crash leaves it");
	store_images_sweep(im, keep_first, none);
	CHECK(files() == 0, "and the next start sweeps it away");
}

/* Closing waits for the one that is being hashed, and tells of those that were not begun. */
static void closing(void)
{
	static struct store_image_seal s[16];
	told = 0;
	for (uint64_t i = 0; i < 16; i++) {
		REQUIRE(!store_images_add(im, 20 + i, 0, SPAN_LIT("abc")), "begun");
		s[i] = (struct store_image_seal){.upload = 20 + i, .done = on_done};
		store_images_seal(im, &s[i]);
	}
	store_images_close(im);
	CHECK(told == 16, "each is told of");
	for (size_t i = 0; i < 16; i++)
		CHECK(s[i].result == ERR_OK || s[i].result == ERR_STATE, "done, or not");
	store_images_close(NULL);
}

static void no_place(void)
{
	struct store_images *none = NULL;
	char file[96];
	snprintf(file, sizeof(file), "%s/a-file", dir);
	int fd = open(file, O_CREAT | O_WRONLY, 0600);
	REQUIRE(fd >= 0, "a file");
	close(fd);
	CHECK(store_images_open(file, &digests, &none, why) && !none && strstr(why, file),
		"a file is no directory");
	snprintf(file, sizeof(file), "%s/no/where", dir);
	CHECK(store_images_open(file, &digests, &none, why) && !none && strstr(why, file),
		"no directory above");
}

int main(void)
{
	char cmd[128];
	umask(022);
	snprintf(dir, sizeof(dir), "/tmp/lanyard-images-%ld", (long)getpid());
	open_images();
	whole();
	broken();
	closing();
	no_place();
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	CHECK(!system(cmd), "cleaned up");
	return test_done();
}
