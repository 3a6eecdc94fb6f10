/* SPDX-License-Identifier: Apache-2.0 */
/* Operations towards devices, as the REST interface asks for them. */
#include "cmd/core_impl.h"

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

uint64_t core_dm(void *arg, const struct adm_dm *d, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return 0;
	struct endpoint *e = core_known(c, d->endpoint, ticket);
	if (!e)
		return ticket;
	struct srv_dm s = {.kind = kinds[d->kind],
		.endpoint = e,
		.prefix = d->prefix,
		.path = d->path,
		.content_format = d->content_format,
		.records = d->records,
		.record_n = d->record_n,
		.arguments = d->arguments,
		.attributes = d->attributes,
		.depth = d->depth,
		.ref = d->id,
		.expires_s = d->expires_s,
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

/* ---- queues */

struct showing {
	adm_queued_fn *fn;
	void *cb_arg;
};

static enum adm_dm_kind kind_of(enum srv_dm_kind kind)
{
	size_t i = 0;
	while (i + 1 < sizeof(kinds) / sizeof(kinds[0]) && kinds[i] != kind)
		i++;
	return (enum adm_dm_kind)i;
}

static void show(void *arg, const struct srv_queued_view *v)
{
	const struct showing *k = arg;
	struct core_result r;
	struct adm_queued_view out = {.id = v->ref,
		.endpoint = v->endpoint,
		.kind = kind_of(v->kind),
		.prefix = v->prefix,
		.path = v->path,
		.state = v->state,
		.created_wall_s = v->created_wall_s,
		.ended_wall_s = v->ended_wall_s,
		.expires_in_s = v->expires_in_s};
	if (v->outcome) {
		core_result_of(v->outcome, &r);
		out.outcome = &r.result;
	}
	k->fn(k->cb_arg, &out);
}

void core_queued_list(void *arg, struct span endpoint, adm_queued_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct showing k = {fn, cb_arg};
	struct endpoint *e = endpoint.n ? core_find(c, endpoint) : NULL;
	if (c->up && (e || !endpoint.n))
		srv_queued_list(c->srv, e, core_view_ms(c), show, &k);
}

bool core_queued_get(void *arg, uint64_t id, adm_queued_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct showing k = {fn, cb_arg};
	return c->up && srv_queued_get(c->srv, id, core_view_ms(c), show, &k);
}

enum err core_queued_cancel(void *arg, uint64_t id)
{
	struct core *c = arg;
	if (c->failed)
		return c->up ? ERR_IO : ERR_NOTFOUND;
	c->opts.io.wake(c->opts.io.arg);
	return srv_queued_cancel(c->srv, id, core_cur(c));
}

void core_queued_follow(void *arg, uint64_t id, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	if (srv_queued_follow(c->srv, id, ticket, core_cur(c)))
		core_refuse(
			c, ticket, 404, "unknown-operation", "its outcome is not kept any more");
}

/* ---- devices behind a gateway */

struct showing_device {
	adm_device_fn *fn;
	void *cb_arg;
};

static void show_device(void *arg, const struct srv_device_view *v)
{
	const struct showing_device *k = arg;
	const struct adm_device_view out = {.instance = v->instance,
		.id = v->id,
		.prefix = v->prefix,
		.fault = v->fault,
		.links_bad = v->links_bad,
		.list = v->list};
	k->fn(k->cb_arg, &out);
}

enum err core_device_list(
	void *arg, struct span name, struct adm_gateway_view *out, adm_device_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct showing_device k = {fn, cb_arg};
	struct srv_gateway_view v;
	struct endpoint *e = core_find(c, name);
	*out = (struct adm_gateway_view){.state = "none"};
	if (!e)
		return core_not_found(c);
	if (srv_devices(c->srv, e, &v, show_device, &k))
		*out = (struct adm_gateway_view){v.state, v.code, v.left_out, v.read_wall_s};
	return ERR_OK;
}
