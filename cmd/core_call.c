/* SPDX-License-Identifier: Apache-2.0 */
/* The way of every administrator's call whose outcome comes later. */
#include "cmd/core_impl.h"

#include <stdlib.h>

void core_refuse(struct core *c, uint64_t ticket, int status, const char *type, const char *detail)
{
	turn_done(core_cur(c), ticket, status, type, detail);
}

bool core_call(struct core *c, adm_done_fn *done, void *done_arg, uint64_t *ticket)
{
	*ticket = core_ticket(c, done, done_arg);
	if (!*ticket) {
		/* No memory for a ticket: the only answer that comes before the call returns. */
		struct adm_result r = {.status = 503,
			.type = "overload",
			.detail = "out of memory",
			.content_format = -1};
		done(done_arg, &r);
		return false;
	}
	c->opts.io.wake(c->opts.io.arg);
	return true;
}

bool core_call_begin(struct core *c, adm_done_fn *done, void *done_arg, uint64_t *ticket)
{
	if (!core_call(c, done, done_arg, ticket))
		return false;
	if (!c->failed)
		return true;
	if (c->failed == ERR_SEALED)
		core_refuse(c, *ticket, 503, "sealed", "nothing happens before unseal; see status");
	else
		core_refuse(c, *ticket, 503, "storage-unavailable",
			"nothing can be stored now; see status");
	return false;
}

struct endpoint *core_known(struct core *c, struct span name, uint64_t ticket)
{
	struct endpoint *e = ep_find(&c->dir, name);
	if (!e)
		core_refuse(c, ticket, 404, "unknown-endpoint",
			"no endpoint of that name is provisioned or registered");
	return e;
}

struct core_refusal core_refusal_of(enum err err)
{
	switch (err) {
	case ERR_LIMIT:
		return (struct core_refusal){
			507, "limit", "the limit of endpoints ([server] endpoints_max) is reached"};
	case ERR_EXISTS:
		return (struct core_refusal){409, "conflict",
			"another context has this recipient_id under the same ID Context"};
	case ERR_STATE:
		return (struct core_refusal){409, "conflict",
			"it has other credentials of this role, and they are not to be replaced"};
	case ERR_CONFLICT:
		return (struct core_refusal){422, "invalid",
			"the ids are equal, or a key derived from this secret was used before in "
			"another role"};
	case ERR_FULL:
		return (struct core_refusal){422, "invalid",
			"these keys are used up: sender_seq and recipient_seq, or what is known "
			"of the keys, have reached what a key may do; give new ones"};
	case ERR_CORRUPT:
		return (struct core_refusal){409, "conflict",
			"its row in the database is damaged, so that neither its name nor its "
			"settings are sure: delete it first"};
	case ERR_UNSUPPORTED:
		return (struct core_refusal){422, "invalid", "an algorithm is not supported"};
	case ERR_RANGE:
		return (struct core_refusal){
			422, "invalid", "a name, id or secret has a length that is not allowed"};
	default:
		return (struct core_refusal){503, "overload", err_text(err)};
	}
}

void core_refuse_err(struct core *c, uint64_t ticket, enum err err)
{
	struct core_refusal r = core_refusal_of(err);
	const char *field = err == ERR_EXISTS ? "recipient_id" : "";
	turn_refuse(core_cur(c), ticket, r.status, r.type, field, r.detail);
}

struct endpoint *core_find(struct core *c, struct span name)
{
	return c->up ? ep_find(&c->dir, name) : NULL;
}
