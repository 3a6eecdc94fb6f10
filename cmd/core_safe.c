/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator does to the database as a whole. */
#include "cmd/core_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* From here on it is as after storage has worked again. */
static enum err open_up(struct core *c)
{
	enum err err = store_unseal(c->store);
	if (err)
		return err;
	c->failed = ERR_IO; /* no longer sealed: should loading fail, it is tried again */
	c->recover_ms = c->boot_ms + CORE_RECOVER_MS;
	core_speak_refusals(c); /* of this very pass, before loading begins a turn anew */
	err = core_load(c);
	if (!err)
		err = core_begin(c, true);
	if (!err)
		c->failed = ERR_OK;
	return err;
}

void core_unseal(void *arg, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call(c, done, done_arg, &ticket))
		return;
	if (c->failed != ERR_SEALED) {
		core_refuse(c, ticket, 409, "not-sealed", "the database is not sealed");
		return;
	}
	enum err err = open_up(c);
	if (err)
		core_refuse(c, ticket, 503, "storage-unavailable", err_text(err));
	else
		turn_done(core_cur(c), ticket, 200, NULL, NULL);
}

/* ---- backups */

/* A backup under way, with whoever asked for it. */
struct backing_up {
	struct store_backup store;
	struct core *core;
	uint64_t ticket;
};

static void refuse_backup(struct core *c, uint64_t ticket, enum err err, const char *why)
{
	int status = err == ERR_FULL ? 507 : 503;
	const char *type = err == ERR_FULL ? "limit" : "storage-unavailable";
	if (err == ERR_EXISTS || err == ERR_BUSY) {
		status = 409;
		type = "busy";
	}
	core_refuse(c, ticket, status, type, why[0] ? why : err_text(err));
}

/* Whoever asked may have been answered already, because storage has failed since. */
static void on_backup(struct store_backup *b)
{
	struct backing_up *k = b->arg;
	struct core *c = k->core;
	if (b->result) {
		refuse_backup(c, k->ticket, b->result, b->why);
	} else {
		struct turn *t = core_cur(c);
		struct effect_done d = {.ticket = k->ticket,
			.status = 201,
			.content_format = -1,
			.bytes = b->bytes};
		d.location = turn_dup(t, span_str(b->path));
		turn_effect(t, EFFECT_DONE)->done = d;
	}
	free(k);
}

/* "lanyard-20240131T235959Z.db" in a directory of its own, which is the owner's alone. */
static bool backup_path(const struct core *c, char out[static 4096])
{
	time_t now = (time_t)(c->wall_ms / 1000);
	char when[32];
	struct tm tm;
	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		return false;
	int n = snprintf(out, 4096, "%s/backups/lanyard-%s.db", c->opts.cfg->dir, when);
	return n > 0 && n < 4096;
}

void core_backup(void *arg, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct backing_up *k = calloc(1, sizeof(*k));
	if (!k || !backup_path(c, k->store.path)) {
		free(k);
		core_refuse(c, ticket, 503, "overload", "out of memory");
		return;
	}
	k->core = c;
	k->ticket = ticket;
	k->store.done = on_backup;
	k->store.arg = k;
	enum err err = store_backup(c->store, &k->store);
	if (!err)
		return;
	free(k);
	refuse_backup(c, ticket, err, err == ERR_BUSY ? "a backup is under way" : "");
}
