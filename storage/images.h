/* SPDX-License-Identifier: Apache-2.0 */
/* Files of firmware images, each under the SHA-256 of its bytes, in a directory of their own: mode
 * 0700, files 0600. Names, and who uses what, are the database's business. Uploads that are not
 * whole lie beside them and do not outlive the daemon. All calls come from one thread; hashing and
 * syncing an upload has a thread of its own. */
#ifndef LANYARD_STORAGE_IMAGES_H
#define LANYARD_STORAGE_IMAGES_H

#include "base/span.h"

enum { STORE_SHA256 = 32 };

/* How SHA-256 is made; see oscore/crypto.h. */
struct store_digest {
	void *(*begin)(void);
	void (*add)(void *digest, struct span s);
	enum err (*end)(void *digest, uint8_t *out);
};

/* An upload that is whole. Owned by the caller and left untouched until done. */
struct store_image_seal {
	struct store_image_seal *next; /* the files', while they have it */
	uint64_t upload;
	void (*done)(struct store_image_seal *s); /* called by store_images_poll, or ..._close */
	void *arg;
	/* set before done */
	enum err result; /* ERR_STATE: closed before it was done */
	uint8_t sha256[STORE_SHA256];
	uint64_t bytes;
};

struct store_images;

/* Makes the directory if it is missing. `why`: 256 bytes. */
MUST_USE enum err store_images_open(
	const char *dir, const struct store_digest *digest, struct store_images **out, char *why);
/* NULL is fine. */
void store_images_close(struct store_images *im);
/* Bytes of an upload, which a number of the caller's names; `at` 0 begins it. ERR_FULL, ERR_IO. */
MUST_USE enum err store_images_add(
	struct store_images *im, uint64_t upload, uint64_t at, struct span bytes);
void store_images_drop(struct store_images *im, uint64_t upload);
/* Hashes what is in the file, syncs it and moves it to its name; when done says so, all of that is
 * durable. On an error the upload is gone. */
void store_images_seal(struct store_images *im, struct store_image_seal *s);
/* Readable when store_images_poll has something to do. */
int store_images_fd(const struct store_images *im);
void store_images_poll(struct store_images *im);
/* Exactly n bytes, and asks the system for what comes next. ERR_NOTFOUND, ERR_SHORT, ERR_IO. */
MUST_USE enum err store_images_read(struct store_images *im,
	const uint8_t sha256[static STORE_SHA256], uint64_t at, uint8_t *buf, size_t n);
/* While an upload is being hashed, which may be the same, nothing is removed: the next start does
 * it. */
void store_images_remove(struct store_images *im, const uint8_t sha256[static STORE_SHA256]);
/* Removes every file that `keep` does not want, and all uploads. */
typedef bool store_images_keep_fn(void *arg, const uint8_t sha256[static STORE_SHA256]);
void store_images_sweep(struct store_images *im, store_images_keep_fn *keep, void *arg);

#endif
