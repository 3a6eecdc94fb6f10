/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/lanyardd_store.h"

#include <string.h>

void daemon_say_storage(void *arg, enum err e)
{
	(void)arg;
	if (e == ERR_SEALED)
		log_error("the database is sealed, requests get 5.03 until 'lanyardctl unseal': it "
			  "may be a copy; 'lanyardctl status' says why");
	else if (e)
		log_fields(LOG_LEVEL_ERROR, "nothing can be stored, requests get 5.03 until it can",
			log_text("reason", span_str(err_text(e))));
	else
		log_notice("storage works again");
}

void daemon_say_rolled_back(void *arg, uint32_t rollbacks)
{
	(void)arg;
	log_fields(LOG_LEVEL_WARNING,
		"the database is an older copy than its anchor: sender numbers start in the "
		"next range, every device has to answer an Echo challenge, and keys drawn after "
		"the copy was made are lost",
		log_number("rollbacks", rollbacks));
}

static const char *damage_text(const struct rec_damage *r)
{
	if (r->deleted)
		return "what is left of a deleted key is damaged: imported keys start above what "
		       "it "
		       "may have been used for";
	if (r->mended)
		return "a bit of a row of the log of requests had turned, and was turned back: "
		       "nothing is lost, but look after the disk";
	if (!strcmp(r->table, "seen"))
		return "a row of the log of requests is damaged or lost: every device has to "
		       "answer "
		       "an Echo challenge";
	return "a row of the database contradicts itself, and whoever it concerns is not served: "
	       "'lanyardctl explain' says what to do";
}

void daemon_say_damaged(void *arg, const struct rec_damage *r, struct span endpoint)
{
	(void)arg;
	log_fields(r->deleted || r->mended ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, damage_text(r),
		log_text("table", span_str(r->table)), log_number("row", (int64_t)r->row),
		log_text("ep", endpoint));
}

static enum err image_add(void *arg, uint64_t upload, uint64_t at, struct span bytes)
{
	return store_images_add(arg, upload, at, bytes);
}

static void image_drop(void *arg, uint64_t upload)
{
	store_images_drop(arg, upload);
}

static void image_seal(void *arg, struct store_image_seal *s)
{
	store_images_seal(arg, s);
}

static enum err image_read(
	void *arg, const uint8_t sha256[static STORE_SHA256], uint64_t at, uint8_t *buf, size_t n)
{
	return store_images_read(arg, sha256, at, buf, n);
}

static void image_remove(void *arg, const uint8_t sha256[static STORE_SHA256])
{
	store_images_remove(arg, sha256);
}

static void image_sweep(void *arg, store_images_keep_fn *keep, void *keep_arg)
{
	store_images_sweep(arg, keep, keep_arg);
}

struct core_images daemon_image_ops(struct store_images *images)
{
	return (struct core_images){.add = image_add,
		.drop = image_drop,
		.seal = image_seal,
		.read = image_read,
		.remove = image_remove,
		.sweep = image_sweep,
		.arg = images};
}
