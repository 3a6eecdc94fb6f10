/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator does to the database as a whole. */
#include "cmd/core_impl.h"

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
