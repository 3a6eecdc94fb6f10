/* SPDX-License-Identifier: Apache-2.0 */
/* The files of firmware images, as the core needs them: lanyardd gives it storage/images.h, tests
 * what they like. */
#ifndef LANYARD_CMD_CORE_FIRMWARE_H
#define LANYARD_CMD_CORE_FIRMWARE_H

#include "storage/images.h"

struct core_images {
	enum err (*add)(void *arg, uint64_t upload, uint64_t at, struct span bytes);
	void (*drop)(void *arg, uint64_t upload);
	void (*seal)(void *arg, struct store_image_seal *s);
	enum err (*read)(void *arg, const uint8_t sha256[static STORE_SHA256], uint64_t at,
		uint8_t *buf, size_t n);
	void (*remove)(void *arg, const uint8_t sha256[static STORE_SHA256]);
	void (*sweep)(void *arg, store_images_keep_fn *keep, void *keep_arg);
	void *arg;
};

#endif
