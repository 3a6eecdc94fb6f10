/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/lanyardd_models.h"

#include "base/log.h"
#include "lwm2m/models.h"

#include <stdio.h>
#include <string.h>

static struct lwm_models *in_use;

static void say(void *arg, const char *file, uint32_t line, const char *what)
{
	const char *dir = arg;
	struct log_field at[] = {log_word("file", file), log_number("line", line)};
	bool whole = strcmp(file, dir) == 0;
	char message[1024], number[16] = "";

	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	snprintf(message, sizeof(message), "%s%s%s%s: %s", dir, whole ? "" : "/", whole ? "" : file,
		number, what);
	at[0].json_only = at[1].json_only = true;
	log_entry(LOG_LEVEL_ERROR, message, at, line ? 2 : 1);
}

static void replace(struct lwm_models *m)
{
	lwm_models_use(m);
	lwm_models_free(in_use);
	in_use = m;
}

bool daemon_models_load(const char *dir)
{
	struct lwm_models *m = NULL;
	size_t skipped = 0, n;
	enum err err;

	if (!dir[0]) {
		replace(NULL);
		return true;
	}
	err = lwm_models_new(&m);
	if (!err)
		err = lwm_models_add_dir(m, dir, say, (void *)dir, &skipped);
	if (err) {
		lwm_models_free(m);
		log_fields(LOG_LEVEL_ERROR, "object models not read, those in use stay",
			log_word("dir", dir), log_text("reason", span_str(err_text(err))));
		return false;
	}
	replace(m);
	(void)lwm_object_table(&n);
	log_fields(LOG_LEVEL_NOTICE, "object models read", log_word("dir", dir),
		log_number("objects", (int64_t)n), log_number("files_skipped", (int64_t)skipped));
	return skipped == 0;
}

void daemon_models_free(void)
{
	replace(NULL);
}
