/* SPDX-License-Identifier: Apache-2.0 */
/* What lanyardd logs of its store, and its files of firmware images as the core takes them. */
#ifndef LANYARD_CMD_LANYARDD_STORE_H
#define LANYARD_CMD_LANYARDD_STORE_H

#include "cmd/core.h"
#include "storage/images.h"

/* Of a core_io. */
void daemon_say_storage(void *arg, enum err e);
void daemon_say_rolled_back(void *arg, uint32_t rollbacks);
void daemon_say_damaged(void *arg, const struct rec_damage *r, struct span endpoint);
/* `images` outlives it. */
struct core_images daemon_image_ops(struct store_images *images);

#endif
