/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/body.h"
#include "admin/routes.h"

static void listeners(struct jo *o, const struct adm_status *s)
{
	size_t max = sizeof(s->listeners) / sizeof(s->listeners[0]);

	jo_array(o, "listeners");
	for (size_t i = 0; i < s->listener_n && i < max; i++) {
		const struct adm_listener *l = &s->listeners[i];

		jo_object(o, NULL);
		jo_str(o, "name", l->name);
		jo_str(o, "role", l->role);
		jo_str(o, "transport", l->transport);
		jo_str(o, "address", l->address);
		jo_u64(o, "port", l->port);
		jo_bool(o, "nosec", l->nosec);
		jo_str(o, "require", l->require);
		jo_end_object(o);
	}
	jo_end_array(o);
}

static void gateways(struct jo *o, const struct adm_status *s)
{
	jo_array(o, "gateways");
	for (size_t i = 0; i < s->gateway_n; i++) {
		const struct adm_gateway *g = &s->gateways[i];

		jo_object(o, NULL);
		jo_str(o, "name", g->name);
		jo_str(o, "type", g->type);
		jo_str(o, "role", g->role);
		jo_bool(o, "nosec", g->nosec);
		jo_bool(o, "up", g->up);
		jo_str(o, "reason", g->reason);
		jo_u64(o, "since_s", g->since_s);
		jo_u64(o, "links", g->links);
		jo_u64(o, "queued", g->queued);
		jo_u64(o, "received", g->received);
		jo_u64(o, "sent", g->sent);
		jo_u64(o, "refused", g->refused);
		jo_u64(o, "undelivered", g->undelivered);
		jo_u64(o, "faults", g->faults);
		jo_end_object(o);
	}
	jo_end_array(o);
}

static void refusals(struct jo *o, const struct adm_status *s)
{
	jo_array(o, "refusals");
	for (size_t i = 0; i < s->refusal_n; i++)
		explain_reason(o, &s->refusals[i]);
	jo_end_array(o);
}

void status_get(struct adm_req *r)
{
	struct adm_status s = {0};
	struct jo o = {0};

	r->adm->ops.status(r->adm->ops.arg, &s);
	jo_object(&o, NULL);
	jo_str(&o, "version", s.version);
	jo_u64(&o, "uptime_s", s.uptime_s);
	jo_u64(&o, "endpoints", s.endpoints);
	jo_u64(&o, "registered", s.registered);
	jo_u64(&o, "contexts", s.contexts);
	jo_u64(&o, "observations", s.observations);
	jo_u64(&o, "operations_waiting", s.operations_waiting);
	jo_u64(&o, "bootstrap_sessions", s.bootstrap_sessions);
	jo_object(&o, "storage");
	jo_bool(&o, "ok", s.storage_ok);
	jo_str(&o, "text", s.storage_text);
	jo_bool(&o, "sealed", s.sealed);
	jo_u64(&o, "rollbacks", s.rollbacks);
	jo_u64(&o, "damaged", s.damaged);
	jo_end_object(&o);
	listeners(&o, &s);
	gateways(&o, &s);
	refusals(&o, &s);
	jo_end_object(&o);
	req_json(r, 200, &o);
}

void unseal_post(struct adm_req *r)
{
	if (!body_unseal(r->body, &r->fail))
		req_fail(r);
	else
		r->adm->ops.unseal(r->adm->ops.arg, req_done, r);
}

/* The copy stays where it is: secrets never leave by this way. */
static void backup_done(void *done_arg, const struct adm_result *res)
{
	struct adm_req *r = done_arg;
	struct jo o = {0};

	if (!r->adm || res->status != 201) {
		req_done(r, res);
		return;
	}
	jo_object(&o, NULL);
	jo_text(&o, "path", res->location);
	jo_u64(&o, "bytes", res->bytes);
	jo_end_object(&o);
	req_json(r, 201, &o);
}

void backup_post(struct adm_req *r)
{
	if (!body_empty(r->body, &r->fail))
		req_fail(r);
	else
		r->adm->ops.backup(r->adm->ops.arg, backup_done, r);
}
