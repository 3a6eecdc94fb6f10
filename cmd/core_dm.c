/* SPDX-License-Identifier: Apache-2.0 */
/* Operations towards devices, as the REST interface asks for them. */
#include "cmd/core_impl.h"

uint64_t core_dm(void *arg, const struct adm_dm *d, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	static const enum srv_dm_kind kinds[] = {[ADM_READ] = SRV_READ,
		[ADM_WRITE] = SRV_WRITE,
		[ADM_WRITE_PARTIAL] = SRV_WRITE_PARTIAL,
		[ADM_CREATE] = SRV_CREATE,
		[ADM_DELETE] = SRV_DELETE,
		[ADM_EXECUTE] = SRV_EXECUTE,
		[ADM_DISCOVER] = SRV_DISCOVER,
		[ADM_ATTRIBUTES] = SRV_ATTRIBUTES,
		[ADM_OBSERVE] = SRV_OBSERVE,
		[ADM_CANCEL] = SRV_CANCEL,
		[ADM_READ_COMPOSITE] = SRV_READ_COMPOSITE,
		[ADM_OBSERVE_COMPOSITE] = SRV_OBSERVE_COMPOSITE,
		[ADM_CANCEL_COMPOSITE] = SRV_CANCEL_COMPOSITE,
		[ADM_WRITE_COMPOSITE] = SRV_WRITE_COMPOSITE};
	if (!core_call_begin(c, done, done_arg, &ticket))
		return 0;
	struct endpoint *e = core_known(c, d->endpoint, ticket);
	if (!e)
		return ticket;
	struct srv_dm s = {.kind = kinds[d->kind],
		.endpoint = e,
		.path = d->path,
		.content_format = d->content_format,
		.records = d->records,
		.record_n = d->record_n,
		.arguments = d->arguments,
		.attributes = d->attributes,
		.depth = d->depth,
		.ticket = ticket};
	srv_dm(c->srv, &s, core_cur(c));
	return ticket;
}

enum err core_dm_cancel(void *arg, struct span endpoint, uint64_t operation)
{
	struct core *c = arg;
	struct endpoint *e = !c->failed ? core_find(c, endpoint) : NULL;
	c->opts.io.wake(c->opts.io.arg);
	return e ? srv_dm_cancel(c->srv, e, operation, core_cur(c)) : ERR_NOTFOUND;
}
